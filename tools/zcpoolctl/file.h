/* SPDX-License-Identifier: GPL-2.0 */
/*
 * FILE and OUT, with direct I/O where the file system can do it. Where it
 * cannot, the page cache is used, once said so on stderr, and every byte that
 * goes through it is counted as copied.
 */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#define DIRECT_BLOCK	4096	/* alignment of direct offsets, lengths, memory */

struct file {
	const char *path;	/* NULL: no file, as where recv has no OUT */
	int fd;
	bool regular;
	bool direct;
	uint64_t *copied;	/* counter of bytes copied by the CPU */
};

/*
 * Opens FILE, a regular file or block device, and sets *size. A file that holds more
 * than its size says is refused.
 */
void file_open_source(struct file *f, const char *path, bool direct, uint64_t *size);

/*
 * Reads len bytes at offset, less only at the end of the file. buf has room for
 * len rounded up to DIRECT_BLOCK.
 */
size_t file_read(struct file *f, void *buf, size_t len, uint64_t offset);

/* Says why file_read() came to the end at a byte before the size at open. */
noreturn void file_ended_early(const struct file *f, uint64_t at, uint64_t size);

void file_open_out(struct file *f, const char *path, bool direct);

/*
 * Writes len bytes at offset: in order, from the start. A length that is no
 * multiple of DIRECT_BLOCK is written rounded up where writes are direct, from
 * what buf holds there; file_finish() cuts it off again.
 */
void file_write(struct file *f, const void *buf, size_t len, uint64_t offset);
void file_finish(struct file *f, uint64_t size);

/* "direct", "buffered" or "none" */
const char *file_io_text(const struct file *f);

#endif /* FILE_H */
