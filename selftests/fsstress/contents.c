// SPDX-License-Identifier: GPL-2.0
/*
 * What is done to the contents of files. A byte is zero or what its place and the file's inode
 * number say: whatever else is there is somebody else's, or out of place.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/guard.h"
#include "../lib/take.h"
#include "fsstress.h"

/* Of 8 bytes, those that begin at a multiple of 8 */
static __u64 word_at(ino_t ino, off_t off)
{
	__u64 x = ((__u64)ino << 24 ^ off / 8) * 0x9e3779b97f4a7c15ULL;

	return (x ^ x >> 29) * 0xbf58476d1ce4e5b9ULL;
}

static unsigned char byte_at(ino_t ino, off_t off)
{
	return word_at(ino, off) >> off % 8 * 8;
}

/* 8 bytes at once, where they are all zero or none of them is. */
static bool word_is_of(ino_t ino, const unsigned char *data, off_t off)
{
	__u64 word;

	memcpy(&word, data, sizeof(word));
	return off % 8 == 0 && (!word || word == word_at(ino, off));
}

bool contents_are_of(ino_t ino, const unsigned char *data, off_t off, size_t len)
{
	size_t i = 0;

	while (i < len) {
		if (i + 8 <= len && word_is_of(ino, data + i, off + i)) {
			i += 8;
			continue;
		}
		if (data[i] && data[i] != byte_at(ino, off + i))
			return false;
		i++;
	}
	return true;
}

static void make_contents(ino_t ino, unsigned char *data, off_t off, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = byte_at(ino, off + i);
}

/* One that is open, or one with a name; -1 if there is none there. */
static int any_file(struct worker *w, struct stat *st)
{
	int kept = w->kept[below(w, KEPT)], fd;
	struct path path = any_path(w, FILE_NAME);

	if (kept >= 0 && one_in(w, 2)) {
		fd = fcntl(kept, F_DUPFD_CLOEXEC, 0);
		note(w, "an open file");
	} else {
		fd = open(within(w, &path), O_RDWR | O_CLOEXEC);
		note(w, "file %s", path.text);
	}
	if (!went_well(w, "open", fd, ERRORS(EISDIR)))
		return -1;
	if (fstat(fd, st))
		give_up(w, "fstat: %s", strerror(errno));
	return fd;
}

static off_t any_offset(struct worker *w)
{
	switch (below(w, 8)) {
	case 0:
		return below(w, MOST);
	case 1:
		return below(w, 3) * CHUNK;
	case 2 ... 3:
		return below(w, 32) * PAGE;
	default:
		return below(w, 16 * PAGE);
	}
}

static size_t any_length(struct worker *w)
{
	return one_in(w, 8) ? 1 + below(w, MOST_AT_ONCE) : 1 + below(w, 2 * PAGE);
}

void do_write(struct worker *w)
{
	off_t off = any_offset(w);
	size_t len = any_length(w);
	struct stat st;
	ssize_t n;
	int fd;

	fd = any_file(w, &st);
	if (fd < 0)
		return;
	note(w, "write %#llx %#zx", (long long)off, len);
	make_contents(st.st_ino, w->data, off, len);
	n = pwrite(fd, w->data, len, off);
	if (went_well(w, "write", n, NULL) && (!n || n > (ssize_t)len))
		give_up(w, "write of %#zx bytes: %zd", len, n);
	close(fd);
}

void do_read(struct worker *w)
{
	off_t off = any_offset(w);
	size_t len = any_length(w);
	struct stat st;
	ssize_t n;
	int fd;

	fd = any_file(w, &st);
	if (fd < 0)
		return;
	note(w, "read %#llx %#zx", (long long)off, len);
	n = pread(fd, w->data, len, off);
	if (went_well(w, "read", n, NULL) && !contents_are_of(st.st_ino, w->data, off, n))
		give_up(w, "in file %llu at %#llx, %#zx bytes, is what nobody wrote",
			(unsigned long long)st.st_ino, (long long)off, len);
	close(fd);
}

/* The file need not be that long any more, and then SIGBUS is right. */
static void use_map(struct worker *w, char *p, size_t start, const struct stat *st, int flags)
{
	size_t len = any_length(w);

	if (one_in(w, 2)) {
		make_contents(st->st_ino, w->data, start, len);
		copy_guarded(p + start, w->data, len);
	} else if (copy_guarded(w->data, p + start, len) &&
		   !contents_are_of(st->st_ino, w->data, start, len)) {
		give_up(w, "mapped %s, in file %llu at %#zx, %#zx bytes, is what nobody wrote",
			flags & MAP_SHARED ? "shared" : "privately",
			(unsigned long long)st->st_ino, start, len);
	}
}

void do_map(struct worker *w)
{
	int flags = one_in(w, 3) ? MAP_PRIVATE : MAP_SHARED, fd, i;
	size_t len = MOST + MOST_AT_ONCE;
	struct stat st;
	char *p;

	fd = any_file(w, &st);
	if (fd < 0)
		return;
	note(w, "mmap %s", flags & MAP_SHARED ? "shared" : "private");
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);
	close(fd);
	if (!went_well(w, "mmap", p == MAP_FAILED ? -1 : 0, NULL))
		return;
	for (i = 0; i < 3; i++)
		use_map(w, p, any_offset(w), &st, flags);
	if (one_in(w, 4))
		went_well(w, "MADV_REMOVE", madvise(p, (1 + below(w, 64)) * PAGE, MADV_REMOVE),
			  ERRORS(EACCES, EINVAL));
	munmap(p, len);
}

void do_truncate(struct worker *w)
{
	off_t size = one_in(w, 4) ? 0 : any_offset(w);
	struct path path = any_path(w, FILE_NAME);
	struct stat st;
	int fd;

	if (one_in(w, 2)) {
		note(w, "truncate %s %#llx", path.text, (long long)size);
		went_well(w, "truncate", truncate(within(w, &path), size), ERRORS(EISDIR));
		return;
	}
	fd = any_file(w, &st);
	if (fd < 0)
		return;
	note(w, "ftruncate %#llx", (long long)size);
	went_well(w, "ftruncate", ftruncate(fd, size), NULL);
	close(fd);
}

void do_fallocate(struct worker *w)
{
	static const int modes[] = {
		0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
	};
	int mode = modes[below(w, ARRAY_SIZE(modes))], fd;
	off_t off = any_offset(w);
	size_t len = one_in(w, 8) ? CHUNK - off % CHUNK : any_length(w);
	struct stat st;

	fd = any_file(w, &st);
	if (fd < 0)
		return;
	if (off + len > MOST + MOST_AT_ONCE)
		len = MOST_AT_ONCE;
	note(w, "fallocate %#x %#llx %#zx", mode, (long long)off, len);
	went_well(w, "fallocate", fallocate(fd, mode, off, len),
		  ERRORS(w->where->is_zcpool ? ENOSPC : EOPNOTSUPP));
	close(fd);
}

/* Whoever else has it then gets ESTALE, until it is truncated. */
void do_revoke(struct worker *w)
{
	bool move = one_in(w, 2);
	struct stat st;
	long ret;
	int fd;

	fd = any_file(w, &st);
	if (fd < 0)
		return;
	note(w, "%s", move ? "MOVE" : "REVOKE");
	ret = move ? buf_move(fd) : buf_revoke(fd, 0);
	if (ret < 0 && ret != -ESTALE && ret != -EBUSY && ret != -ENOMEM)
		give_up(w, "MOVE or REVOKE: %s", strerror(-ret));
	if (move && ret >= 0)
		close(ret);
	close(fd);
}
