// SPDX-License-Identifier: GPL-2.0
/*
 * What must be in the file after each thing that is done to it, which of its pages have memory
 * then, and which can have.
 */
#include <string.h>

#include "fsx.h"

/* Bytes, pages, chunks, what lies about the end of the file or about that of a chunk. */
static struct range any_place(struct fsx *f)
{
	size_t end;

	switch (below(f, 10)) {
	case 0 ... 2:
		return (struct range){ below(f, f->limit), 1 + below(f, 3 * PAGE) };
	case 3 ... 4:
		return (struct range){
			below(f, f->limit / PAGE) * PAGE, (1 + below(f, 24)) * PAGE
		};
	case 5:
		return (struct range){ below(f, f->limit), 1 + below(f, 64 * PAGE) };
	case 6:
		return (struct range){ below(f, up_to(f->limit, CHUNK) / CHUNK) * CHUNK, CHUNK };
	case 7:
		end = (1 + below(f, MOST / CHUNK)) * CHUNK;
		return (struct range){ end - below(f, 2 * PAGE), 1 + below(f, 4 * PAGE) };
	default:
		end = f->size;
		return (struct range){
			end - min_of(end, below(f, 2 * PAGE)), 1 + below(f, 4 * PAGE)
		};
	}
}

/* At least one byte, and none behind the end, which is not 0 */
struct range any_range_within(struct fsx *f, size_t end)
{
	struct range r = any_place(f);

	if (r.off >= end)
		r.off = below(f, end);
	r.len = min_of(r.len, end - r.off);
	return r;
}

struct range any_range(struct fsx *f)
{
	return any_range_within(f, f->limit);
}

/* A page that is in the pipe need not be what it was. */
void model_piped(struct fsx *f, size_t off, size_t len, int since)
{
	size_t page;

	for (page = 0; page * PAGE < f->piped_len; page++)
		if (f->piped_off + page * PAGE < off + len &&
		    off < f->piped_off + (page + 1) * PAGE)
			f->piped_since[page] |= since;
}

/* Memory may have come there, without a change to what is read. */
void model_touch(struct fsx *f, size_t off, size_t len)
{
	size_t chunk;

	for (chunk = off / CHUNK; len && chunk <= (off + len - 1) / CHUNK; chunk++)
		f->may_hold[chunk] = true;
}

static void note_pages(struct fsx *f, size_t off, size_t len, enum page_state state)
{
	size_t page;

	for (page = off / PAGE; len && page <= (off + len - 1) / PAGE; page++)
		f->pages[page] = max_of(f->pages[page], state);
	model_touch(f, off, len);
}

void model_grow(struct fsx *f, size_t size)
{
	f->size = max_of(f->size, size);
	f->most = max_of(f->most, size);
}

void model_write(struct fsx *f, size_t off, const void *from, size_t len)
{
	if (!len)
		return;
	memmove(f->model + off, from, len);
	note_pages(f, off, len, PAGE_IS_DATA);
	model_grow(f, off + len);
	model_piped(f, off, len, SINCE_WRITTEN);
}

void model_reserve(struct fsx *f, size_t off, size_t len)
{
	note_pages(f, off, len, PAGE_HAS_MEMORY);
	f->most = max_of(f->most, off + len);
}

void model_zero(struct fsx *f, size_t off, size_t len)
{
	if (off < f->size)
		memset(f->model + off, 0, min_of(len, f->size - off));
	model_piped(f, off, len, SINCE_ZEROED);
}

/* Pages that are in the range as a whole are given back, or need not be. */
static void forget_pages(struct fsx *f, size_t off, size_t end)
{
	size_t page, chunk;

	for (page = up_to(off, PAGE) / PAGE; page < end / PAGE; page++)
		f->pages[page] = PAGE_MAY_BE_FREE;
	for (chunk = up_to(off, CHUNK) / CHUNK; chunk < end / CHUNK; chunk++)
		f->may_hold[chunk] = false;
}

void model_punch(struct fsx *f, size_t off, size_t len)
{
	model_zero(f, off, len);
	forget_pages(f, off, off + len);
}

/* Also to the size that it has: what is reserved behind the end goes. */
void model_truncate(struct fsx *f, size_t size)
{
	size_t page;

	if (size > f->size) {
		model_grow(f, size);
		return;
	}
	model_zero(f, size, MOST - size);
	forget_pages(f, size, MOST);
	f->size = size;
	if (!size)
		f->most = 0;
	for (page = up_to(size, PAGE) / PAGE; page < MOST_PRIVATE / PAGE; page++)
		f->own_pages[page] = false;
}
