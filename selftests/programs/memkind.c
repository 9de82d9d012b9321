// SPDX-License-Identifier: GPL-2.0
/*
 * memkind's heap in a file: usage: memkind DIRECTORY. Prints "ok NAME" or "not ok NAME" for
 * each test.
 *
 * The heap is an O_TMPFILE or unlinked file that it makes longer by fallocate() in steps; what
 * is freed goes back by MADV_REMOVE in grains of 4 KiB.
 */

#include <memkind.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>

#define NR 2000

static int failures;

static void result(const char *name, bool passed)
{
	printf("%sok memkind: %s\n", passed ? "" : "not ", name);
	fflush(stdout);
	failures += !passed;
}

static unsigned long used_kb(const char *directory)
{
	struct statfs fs;

	if (statfs(directory, &fs))
		return 0;
	return (fs.f_blocks - fs.f_bfree) * fs.f_bsize / 1024;
}

/* A few of 3 MiB among many small ones */
static size_t size_of(unsigned int i)
{
	return i % 100 == 0 ? 3 << 20 : 16 + i * 7919 % 20000;
}

static bool is_filled(const unsigned char *memory, unsigned int i)
{
	size_t size = size_of(i);

	return memory[0] == (i & 0xff) && memory[size / 2] == (i & 0xff) &&
	       memory[size - 1] == (i & 0xff);
}

static unsigned char *blocks[NR];

static bool allocate(struct memkind *kind, unsigned int i)
{
	blocks[i] = memkind_malloc(kind, size_of(i));
	if (!blocks[i]) {
		printf("# memkind_malloc of block %u failed\n", i);
		return false;
	}
	memset(blocks[i], i & 0xff, size_of(i));
	return true;
}

/* Blocks come and go: what was freed may be given back to the file in holes. */
static bool come_and_go(struct memkind *kind)
{
	for (unsigned int i = 0; i < NR; i++) {
		if (!allocate(kind, i))
			return false;
	}
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = round; i < NR; i += 3) {
			if (!is_filled(blocks[i], i)) {
				printf("# block %u was changed\n", i);
				return false;
			}
			memkind_free(kind, blocks[i]);
			blocks[i] = NULL;
		}
		for (unsigned int i = round; i < NR; i += 3) {
			if (!allocate(kind, i))
				return false;
		}
	}
	for (unsigned int i = 0; i < NR; i++) {
		if (!is_filled(blocks[i], i)) {
			printf("# block %u was changed at the end\n", i);
			return false;
		}
	}
	return true;
}

static bool zeroed(struct memkind *kind)
{
	unsigned char *memory = memkind_calloc(kind, 1, 5 << 20);

	if (!memory)
		return false;
	for (size_t i = 0; i < 5 << 20; i++) {
		if (memory[i])
			return false;
	}
	memory = memkind_realloc(kind, memory, 9 << 20);
	if (!memory)
		return false;
	for (size_t i = 0; i < 5 << 20; i++) {
		if (memory[i])
			return false;
	}
	memkind_free(kind, memory);
	return true;
}

/* What is freed is given back at once to the file system. */
static bool gives_back(const char *directory)
{
	struct memkind_config *config = memkind_config_new();
	unsigned long before, full, after;
	struct memkind *kind;
	void *memory;
	int err;

	memkind_config_set_path(config, directory);
	memkind_config_set_size(config, 0);
	memkind_config_set_memory_usage_policy(config, MEMKIND_MEM_USAGE_POLICY_CONSERVATIVE);
	err = memkind_create_pmem_with_config(config, &kind);
	memkind_config_delete(config);
	if (err)
		return false;
	before = used_kb(directory);
	memory = memkind_malloc(kind, 32 << 20);
	if (!memory)
		return false;
	memset(memory, 1, 32 << 20);
	full = used_kb(directory);
	memkind_free(kind, memory);
	after = used_kb(directory);
	if (full < before + 32 * 1024 || after > full - 28 * 1024) {
		printf("# used: %lu kB, with 32 MiB %lu kB, after free() %lu kB\n", before, full,
		       after);
		return false;
	}
	return memkind_destroy_kind(kind) == MEMKIND_SUCCESS;
}

int main(int argc, char **argv)
{
	struct memkind *kind;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: memkind DIRECTORY\n");
		return 2;
	}
	err = memkind_create_pmem(argv[1], 256 << 20, &kind);
	if (err) {
		char text[MEMKIND_ERROR_MESSAGE_SIZE];

		memkind_error_message(err, text, sizeof(text));
		printf("# %s\n", text);
	}
	result("memkind_create_pmem", !err);
	if (err)
		return 1;
	result("blocks come and go", come_and_go(kind));
	result("calloc and realloc", zeroed(kind));
	result("memkind_destroy_kind", memkind_destroy_kind(kind) == MEMKIND_SUCCESS);
	result("freed memory goes back", gives_back(argv[1]));
	return failures > 0;
}
