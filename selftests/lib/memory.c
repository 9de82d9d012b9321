// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"
#include "sizes.h"

const int all_advice[27] = {
	0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
	24, 25, 26, 27, 99, -1,
};

char *edge_page(void)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		munmap(p + PAGE, PAGE);
	return p;
}

void touch_read(void *p, size_t len)
{
	volatile char *c = p;
	size_t i;

	for (i = 0; i < len; i += PAGE)
		(void)c[i];
}

void touch_write(void *p, size_t len)
{
	volatile char *c = p;
	size_t i;

	for (i = 0; i < len; i += PAGE)
		c[i] = 1;
}

void fill(void *p, size_t len, __u64 seed)
{
	__u64 *w = p;
	size_t i;

	for (i = 0; i < len / 8; i++)
		w[i] = seed * 0x9e3779b97f4a7c15ULL + i;
}

bool filled_from(const void *p, size_t len, __u64 seed, size_t skip)
{
	const __u64 *w = p;
	size_t i;

	for (i = 0; i < len / 8; i++)
		if (w[i] != seed * 0x9e3779b97f4a7c15ULL + i + skip / 8)
			return false;
	return true;
}

bool filled(const void *p, size_t len, __u64 seed)
{
	return filled_from(p, len, seed, 0);
}

bool all_zero(const void *p, size_t len)
{
	const __u64 *w = p;
	size_t i;

	for (i = 0; i < len / 8; i++)
		if (w[i])
			return false;
	return true;
}

bool writable(void *p)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	bool ok = read(fd, p, 1) == 1;

	close(fd);
	return ok;
}

long smaps_kb(const void *p, size_t len, const char *field)
{
	unsigned long first = (unsigned long)p, start, end;
	size_t n = strlen(field);
	bool within = false;
	char line[512];
	long sum = -1;
	FILE *f;

	f = fopen("/proc/self/smaps", "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			within = start >= first && end <= first + len;
		else if (within && !strncmp(line, field, n) && line[n] == ':')
			sum = (sum < 0 ? 0 : sum) + strtol(line + n + 1, NULL, 10);
	}
	fclose(f);
	return sum;
}

bool pfns_of(const void *p, __u64 *pfn, size_t pages)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t i;
	bool ok;

	ok = pread(fd, pfn, pages * 8, (unsigned long)p / PAGE * 8) == (ssize_t)(pages * 8);
	close(fd);
	for (i = 0; ok && i < pages; i++)
		pfn[i] = pfn[i] >> 63 ? pfn[i] & ((1ULL << 55) - 1) : 0;
	return ok;
}

__u64 pfn_of(const void *p)
{
	__u64 pfn;

	return pfns_of(p, &pfn, 1) ? pfn : 0;
}
