// SPDX-License-Identifier: GPL-2.0
/*
 * A worker: has some buffers, and does anything that can be done to them, until it is
 * killed.
 */
#include "soak.h"

typedef void op_fn(struct worker *w, struct held *h);

/* Each as likely as it is listed often. */
static op_fn *const ops[] = {
	held_drop, held_drop, held_drop,
	op_map, op_map, op_verify, op_rewrite,
	op_pread, op_pwrite, op_read, op_reopen,
	op_cut, op_move, op_dontneed, op_protect, op_lock,
	op_revoke, op_hand_over, op_migrate,
	op_fork, op_send, op_send, op_receive, op_receive,
	op_vmsplice, op_leave, op_collect, op_to_null,
	op_direct_write, op_direct_read, op_aio_write, op_aio_read,
};

static void prepare(struct worker *w)
{
	char path[256];

	signal(SIGCHLD, SIG_IGN);
	snprintf(path, sizeof(path), "%s/worker%u", config->disk, w->slot);
	w->file = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	if (w->file < 0)
		fail("%s: %s", path, strerror(errno));
	w->scratch = mmap(NULL, SCRATCH, RDWR, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w->scratch == MAP_FAILED || pipe2(w->pipe, O_CLOEXEC) ||
	    syscall(SYS_io_setup, 4, &w->aio))
		fail("a worker's own resources: %s", strerror(errno));
}

void worker(struct worker *w)
{
	struct held *h;

	prepare(w);
	for (;;) {
		h = &w->held[rnd(&w->seed) % HELD];
		if (h->size)
			ops[rnd(&w->seed) % (sizeof(ops) / sizeof(*ops))](w, h);
		else if (rnd(&w->seed) % 8)
			held_make(w, h);
		else
			op_receive(w, h);
	}
}
