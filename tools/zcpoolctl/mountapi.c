// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include "mountapi.h"
#include "mounts.h"
#include "zcpoolctl.h"

/* Something that is done to a pool by a file system context, to be named where it fails */
struct attempt {
	int fc;
	const char *what;	/* "create" */
	const char *pool;
};

#define SAID_TEXT	400

/* Appends what of a message is for people: no 'e ' for error before it, nor the type. */
static void add_message(char *said, const char *text)
{
	static const char type[] = POOL_FS_TYPE ": ";
	size_t length = strlen(said);

	if (!strncmp(text, "e ", 2))
		text += 2;
	if (!strncmp(text, type, strlen(type)))
		text += strlen(type);
	snprintf(said + length, SAID_TEXT - length, "%s%s", length ? "; " : "", text);
}

/*
 * Reads the context's log, a message a read: errors into said, all else is printed. A line
 * feed at the end is none of ours.
 */
static void read_log(int fc, char said[SAID_TEXT])
{
	char text[1024];
	ssize_t n;

	said[0] = '\0';
	for (;;) {
		n = read(fc, text, sizeof(text) - 1);
		/* EMSGSIZE: one that is too long, which is gone */
		if (n < 0 && (errno == EMSGSIZE || errno == EINTR))
			continue;
		if (n <= 0)
			return;
		text[n] = '\0';
		text[strcspn(text, "\n")] = '\0';
		make_printable(text);
		if (text[0] == 'w' || text[0] == 'i')
			notice("%s", n > 2 ? text + 2 : text);
		else
			add_message(said, text);
	}
}

static enum exit_status status_of(int err)
{
	switch (err) {
	case EINVAL:
	case ERANGE:
	case ENAMETOOLONG:
		return STATUS_USAGE;
	case EPERM:
	case EACCES:
	case ENODEV:
		return STATUS_NO_POOL;
	case ENOMEM:
	case ENOSPC:
		return STATUS_NO_MEMORY;
	default:
		return STATUS_TRANSFER;
	}
}

static noreturn void refused(const struct attempt *a, int err)
{
	char said[SAID_TEXT];

	read_log(a->fc, said);
	if (*said)
		die(status_of(err), "cannot %s pool '%s': %s", a->what, a->pool, said);
	if (err == EPERM)
		die(STATUS_NO_POOL,
		    "you may not %s pools: that takes CAP_SYS_ADMIN, outside of user namespaces; be root",
		    a->what);
	if (err == EBUSY)
		die(STATUS_TRANSFER,
		    "cannot %s pool '%s': there is one with other options; 'zcpoolctl pool set' changes them",
		    a->what, a->pool);
	die(status_of(err), "cannot %s pool '%s': %s (dmesg may say more)", a->what, a->pool,
	    strerror(err));
}

static noreturn void option_refused(const struct attempt *a, const struct option_set *o, int err)
{
	const char *equals = o->value ? "=" : "", *value = o->value ? o->value : "";
	size_t length = strlen(o->key);
	char log[SAID_TEXT], *said = log;

	read_log(a->fc, log);
	/* It names the option, and so do we. */
	if (!strncmp(log, o->key, length) && !strncmp(log + length, ": ", 2))
		said += length + 2;
	if (!*said)
		snprintf(log, sizeof(log), "%s", strerror(err));
	die(status_of(err), "cannot %s pool '%s' with %s%s%s: %s", a->what, a->pool, o->key,
	    equals, value, said);
}

static void configure(const struct attempt *a, const struct options *o)
{
	const struct option_set *set;
	size_t i;

	for (i = 0; i < o->nr; i++) {
		set = &o->at[i];
		if (fsconfig(a->fc, set->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, set->key,
			     set->value, 0))
			option_refused(a, set, errno);
	}
}

static void act(const struct attempt *a, enum fsconfig_command command)
{
	char said[SAID_TEXT];

	if (fsconfig(a->fc, command, NULL, NULL, 0))
		refused(a, errno);
	read_log(a->fc, said);
	if (*said)
		notice("%s", said);
}

int pool_mount(const char *name, const struct options *o)
{
	struct attempt a = { .what = "create", .pool = name };
	int mount;

	a.fc = fsopen(POOL_FS_TYPE, FSOPEN_CLOEXEC);
	if (a.fc < 0 && errno == ENODEV)
		die(STATUS_NO_POOL,
		    "the kernel knows no pools; is the module loaded? Try 'modprobe zcpool'");
	if (a.fc < 0)
		refused(&a, errno);
	if (fsconfig(a.fc, FSCONFIG_SET_STRING, "source", name, 0))
		refused(&a, errno);
	configure(&a, o);
	act(&a, FSCONFIG_CMD_CREATE);
	mount = fsmount(a.fc, FSMOUNT_CLOEXEC,
			MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (mount < 0)
		refused(&a, errno);
	close(a.fc);
	return mount;
}

int pool_attach(int mount, const char *path)
{
	return move_mount(mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) ? errno : 0;
}

void pool_remount(const char *name, const char *path, const struct options *o)
{
	struct attempt a = { .what = "change", .pool = name };

	a.fc = fspick(AT_FDCWD, path,
		      FSPICK_CLOEXEC | FSPICK_NO_AUTOMOUNT | FSPICK_SYMLINK_NOFOLLOW);
	if (a.fc < 0)
		refused(&a, errno);
	configure(&a, o);
	act(&a, FSCONFIG_CMD_RECONFIGURE);
	close(a.fc);
}
