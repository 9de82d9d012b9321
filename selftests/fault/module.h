/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loading and unloading the module from a program, and what must be gone then.
 */
#ifndef ZCPOOL_MODULE_H
#define ZCPOOL_MODULE_H

#include "../lib/module.h"
#include "inject.h"

static inline bool exists(const char *path)
{
	return !access(path, F_OK);
}

/* 0 or -errno, which is all that is done: fit to be injected into. */
static inline int module_load_fd(int fd, const char *params)
{
	return syscall(SYS_finit_module, fd, params, 0) ? -errno : 0;
}

/* A file's last reference may go a moment after its process. */
static inline int module_unload_soon(void)
{
	int i, err = -EBUSY;

	for (i = 0; i < POLL_TRIES && (err == -EWOULDBLOCK || err == -EBUSY); i++) {
		if (i)
			usleep(POLL_USEC);
		err = module_unload();
	}
	return err;
}

/* Whether a parameter, such as "reserve", is as params has it; else it is the default */
static inline bool module_has(const char *name, const char *params)
{
	const char *want = strstr(params, name);
	char path[64], value[64] = "";
	size_t len = 0;
	int fd;

	snprintf(path, sizeof(path), "/sys/module/zcpool/parameters/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, value, sizeof(value) - 1) < 0)
		value[0] = 0;
	close(fd);
	if (want) {
		want += strlen(name) + 1;
		len = strcspn(want, " ");
	}
	return fd >= 0 && strcspn(value, "\n") == len &&
	       !strncmp(value, want ? want : "", len);
}

/* The module with these parameters, anew if it is loaded with others */
static inline int module_want(const char *params)
{
	int err;

	if (module_has("reserve", params) && module_has("max", params))
		return 0;
	err = exists("/sys/module/zcpool") ? module_unload_soon() : 0;
	return err ? err : module_load(params);
}

static inline bool has_slab_cache(const char *name)
{
	size_t n = strlen(name);
	char line[512];
	bool found = false;
	FILE *f;

	f = fopen("/proc/slabinfo", "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, name, n) && line[n] == ' ';
	if (f)
		fclose(f);
	return found;
}

/* What of the module is still there though it is not loaded; NULL if nothing. */
static inline const char *module_remains(void)
{
	static const char *const paths[] = {
		"/sys/module/zcpool", "/sys/kernel/debug/zcpool", POOL_PATH,
		"/sys/class/zcpool",
		"/sys/kernel/slab/zcpool_buffer",
		"/sys/kernel/tracing/events/zcpool",
	};
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (exists(paths[i]))
			return paths[i];
	return has_slab_cache("zcpool_buffer") ? "slab cache zcpool_buffer" : NULL;
}

#endif /* ZCPOOL_MODULE_H */
