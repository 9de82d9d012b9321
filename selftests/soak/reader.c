// SPDX-License-Identifier: GPL-2.0
/*
 * A process that looks at everything there is to see, all the time, and stops and starts
 * the tracer. (Which tracepoints are on is for the runner to say, before the load: QEMU
 * before 8.1 may go on executing code that another CPU has just patched.)
 */
#include "soak.h"

#define TRACING		"/sys/kernel/tracing"

#define ENOUGH		(256 * KIB)

/* Reads a file, whose process may be gone. Returns whether there was anything. */
static bool read_file(const char *path)
{
	static char block[16 * KIB];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t sum = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	do {
		n = read(fd, block, sizeof(block));
		sum += n > 0 ? n : 0;
	} while (n > 0 && sum < ENOUGH);
	close(fd);
	return sum > 0;
}

/* Each line is of one moment, so at any moment its states must add up to its total. */
static void read_nodes(void)
{
	unsigned long long total, clean, dirty, quarantined, used, retired;
	FILE *f = fopen(DEBUGFS "/nodes", "re");
	char line[512];
	int node;

	if (!f)
		fail(DEBUGFS "/nodes: %s", strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%d %*s %llu %llu %llu %llu %llu %llu", &node, &total, &clean,
			   &dirty, &quarantined, &used, &retired) == 7 &&
		    total != clean + dirty + quarantined + used + retired)
			fail("debugfs nodes does not add up: %s", line);
	fclose(f);
}

static void read_debugfs(void)
{
	read_nodes();
	if (!read_file(DEBUGFS "/buddy") || !read_file(DEBUGFS "/buffers"))
		fail("debugfs buddy, buffers: %s", strerror(errno));
	count(COUNT_DEBUGFS, 1);
}

static void read_process(pid_t pid)
{
	char path[300];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	count(COUNT_SMAPS, read_file(path));
	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, e->d_name);
		count(COUNT_FDINFO, read_file(path));
	}
	if (dir)
		closedir(dir);
}

void reader(__u32 seed)
{
	for (;;) {
		switch (rnd(&seed) % 4) {
		case 0:
			put_or_fail(TRACING "/tracing_on", rnd(&seed) % 2 ? "1" : "0");
			count(COUNT_TRACE, read_file(TRACING "/trace"));
			break;
		case 1:
			read_process(shared->worker[rnd(&seed) % config->workers]);
			break;
		default:
			read_debugfs();
		}
		usleep(rnd(&seed) % 50000);
	}
}
