// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mount.h"
#include "pool.h"

/* As in linux/mount.h, which does not go together with sys/mount.h everywhere */
#define FSOPEN_CLOEXEC_		1
#define FSMOUNT_CLOEXEC_	1
#define FSPICK_CLOEXEC_		1
#define FSCONFIG_SET_STRING_	1
#define FSCONFIG_CMD_CREATE_	6
#define FSCONFIG_CMD_RECONFIG_	7
#define MOVE_MOUNT_F_EMPTY_	4

static int fsconfig_(int fs, unsigned int cmd, const char *key, const char *value)
{
	return syscall(SYS_fsconfig, fs, cmd, key, value, 0) ? -errno : 0;
}

/* "key=value key=value": each is set. A key without a value has an empty one. */
static int set_options(int fs, const char *options)
{
	char text[1024], *option, *value, *rest = NULL;
	int err = 0;

	snprintf(text, sizeof(text), "%s", options);
	for (option = strtok_r(text, " ", &rest); option && !err;
	     option = strtok_r(NULL, " ", &rest)) {
		value = strchr(option, '=');
		if (value)
			*value++ = 0;
		err = fsconfig_(fs, FSCONFIG_SET_STRING_, option, value ? value : "");
	}
	return err;
}

/* What the kernel has said, all of it, without the letters that say how bad it is */
static void read_messages(int fs, char *message)
{
	size_t len = 0;
	char line[MESSAGE_SIZE];
	ssize_t n;

	message[0] = 0;
	while ((n = read(fs, line, sizeof(line) - 1)) > 0) {
		line[n] = 0;
		len += snprintf(message + len, MESSAGE_SIZE - len, "%s",
				n > 2 && line[1] == ' ' ? line + 2 : line);
		if (len >= MESSAGE_SIZE)
			break;
	}
}

/* A descriptor to move the mount by, and no more */
static int mount_detached(const char *name, const char *options, char *message)
{
	int fs = syscall(SYS_fsopen, "zcpool", FSOPEN_CLOEXEC_), err, fd = -1;

	if (message)
		message[0] = 0;
	if (fs < 0)
		return -errno;
	err = name ? fsconfig_(fs, FSCONFIG_SET_STRING_, "source", name) : 0;
	if (!err)
		err = set_options(fs, options);
	if (!err)
		err = fsconfig_(fs, FSCONFIG_CMD_CREATE_, NULL, NULL);
	if (!err) {
		fd = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC_, 0);
		err = fd < 0 ? -errno : 0;
	}
	if (message)
		read_messages(fs, message);
	close(fs);
	return err ? err : fd;
}

int mount_pool_open(const char *name, const char *options, char *message)
{
	int fd = mount_detached(name, options, message), root;

	if (fd < 0)
		return fd;
	root = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		root = -errno;
	close(fd);
	return root;
}

int mount_pool(const char *name, const char *options, const char *dir, char *message)
{
	int fd = mount_detached(name, options, message), err;

	if (fd < 0)
		return fd;
	err = syscall(SYS_move_mount, fd, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_) ? -errno : 0;
	close(fd);
	return err;
}

int remount_pool(const char *dir, const char *options, char *message)
{
	int fs = syscall(SYS_fspick, AT_FDCWD, dir, FSPICK_CLOEXEC_), err;

	if (message)
		message[0] = 0;
	if (fs < 0)
		return -errno;
	err = set_options(fs, options);
	if (!err)
		err = fsconfig_(fs, FSCONFIG_CMD_RECONFIG_, NULL, NULL);
	if (message)
		read_messages(fs, message);
	close(fs);
	return err;
}

bool mounted_options(const char *dir, char *options, size_t size)
{
	char line[1024], where[256], type[64], text[512];
	bool found = false;
	FILE *f;

	f = fopen("/proc/self/mounts", "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %255s %63s %511s", where, type, text) != 3 ||
		    strcmp(where, dir) || strcmp(type, "zcpool"))
			continue;
		snprintf(options, size, "%s", text);
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

bool make_dir(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0755) && errno != EEXIST)
		return false;
	return !stat(dir, &st) && S_ISDIR(st.st_mode);
}

static bool node_is(const char *name, bool wanted)
{
	char path[128];
	int i;

	snprintf(path, sizeof(path), ZCPOOL_DEV_DIR "/%s", name);
	for (i = 0; i < POLL_TRIES && !access(path, F_OK) != wanted; i++)
		usleep(POLL_USEC);
	return !access(path, F_OK) == wanted;
}

/* Its node goes first, its directory in debugfs last, before its memory. */
bool pool_ends(const char *name)
{
	char path[128];
	int i;

	snprintf(path, sizeof(path), "/sys/kernel/debug/zcpool/%s", name);
	for (i = 0; i < POLL_TRIES && !access(path, F_OK); i++)
		usleep(POLL_USEC);
	return node_is(name, false) && access(path, F_OK);
}

bool pool_lives(const char *name)
{
	return node_is(name, true);
}

int pool_open_name(const char *name)
{
	char path[128];

	if (!node_is(name, true))
		return -1;
	snprintf(path, sizeof(path), ZCPOOL_DEV_DIR "/%s", name);
	return open(path, O_RDWR | O_CLOEXEC);
}
