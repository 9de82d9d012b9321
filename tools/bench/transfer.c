// SPDX-License-Identifier: GPL-2.0
/*
 * One-way transfer between two processes. For every transport alike the sender
 * writes and the receiver reads each cache line of each message once, and there
 * is room for SLOTS messages on the way.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transfer.h"

#define LINE		64	/* bytes of a cache line */
#define PAIRS		7	/* of processes: how they get scheduled differs */
#define MIN_STREAM	64
#define MAX_STREAM	2048
#define STREAM_BYTES	(64 * MIB)
#define PATIENCE	600	/* seconds before a stuck transfer is killed */

static void fill(char *msg, size_t size, __u64 serial)
{
	size_t i;

	for (i = 0; i < size; i += LINE)
		*(__u64 *)(msg + i) = serial + i;
}

static __u64 sum(const char *msg, size_t size)
{
	__u64 total = 0;
	size_t i;

	for (i = 0; i < size; i += LINE)
		total += *(const __u64 *)(msg + i);
	return total;
}

static __u64 expected_sum(size_t size, __u64 serial)
{
	__u64 lines = size / LINE;

	return lines * serial + lines * (lines - 1) / 2 * LINE;
}

static int send_one(const struct transport *t, struct chan *c, __u64 serial)
{
	unsigned int slot = serial % SLOTS;

	if (t->notifies && wait_emptied(c))
		return -1;
	fill(c->slots[slot], c->size, serial);
	return t->send(c, slot);
}

static int receive_one(const struct transport *t, struct chan *c,
		       __u64 serial)
{
	char *msg = t->receive(c, serial % SLOTS);

	if (!msg)
		return -1;
	if (sum(msg, c->size) != expected_sum(c->size, serial))
		return because(&c->board->why, 0, "message %llu arrived damaged",
			       (unsigned long long)serial);
	return 0;
}

static unsigned int stream_length(const struct chan *c)
{
	size_t n = STREAM_BYTES / c->size;

	return n < MIN_STREAM ? MIN_STREAM : n > MAX_STREAM ? MAX_STREAM : n;
}

/* The first round of each kind only warms up. */
static int sender_main(const struct transport *t, struct chan *c)
{
	__u64 serial = 0, none;
	unsigned int i, j;

	for (i = 0; i < SLOTS + ALONE; i++) {
		c->board->start = now();
		if (send_one(t, c, serial++) || wait_for(c, c->seen, &none))
			return -1;
	}
	for (i = 0; i < ROUNDS + 1; i++) {
		c->board->start = now();
		for (j = 0; j < stream_length(c); j++)
			if (send_one(t, c, serial++))
				return -1;
		if (wait_for(c, c->seen, &none))
			return -1;
	}
	return 0;
}

static int receiver_main(const struct transport *t, struct chan *c)
{
	struct board *board = c->board;
	__u64 serial = 0, end;
	unsigned int i, j;

	for (i = 0; i < SLOTS + ALONE; i++) {
		if (receive_one(t, c, serial++))
			return -1;
		end = now();
		if (i >= SLOTS)
			board->alone[i - SLOTS] = end - board->start;
		if (post(c, c->seen, 1))
			return -1;
	}
	for (i = 0; i < ROUNDS + 1; i++) {
		for (j = 0; j < stream_length(c); j++)
			if (receive_one(t, c, serial++))
				return -1;
		end = now();
		if (i)
			board->stream[i - 1] = (end - board->start) / stream_length(c);
		if (post(c, c->seen, 1))
			return -1;
	}
	return 0;
}

/* Never returns; a sender that waits for us is woken. */
static void receiver_process(const struct transport *t, struct chan *c, int cpu)
{
	cpu_set_t cpus;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(PATIENCE);
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	close(c->out);
	if (!t->receiver(c) && !receiver_main(t, c))
		_exit(0);
	c->board->failed = true;
	post(c, c->emptied, 1);
	post(c, c->seen, 1);
	_exit(1);
}

static int run_both(const struct transport *t, struct chan *c, int cpu)
{
	pid_t pid = fork();
	int status, err;

	if (pid < 0)
		return fail(c, "fork");
	if (!pid)
		receiver_process(t, c, cpu);
	alarm(PATIENCE);
	close(c->in);
	err = t->sender(c) || sender_main(t, c);
	if (err && !c->board->failed)
		kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || status)
		err = -1;
	alarm(0);
	return err;
}

/*
 * In a process of its own, whose end frees all that a transport left open. The
 * receiver is a child of the sender, so the sender's memory is within its reach.
 */
static int run_apart(const struct transport *t, struct chan *c, int cpu)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return fail(c, "fork");
	if (!pid) {
		signal(SIGPIPE, SIG_IGN);
		c->sender = getpid();
		c->filled = eventfd(0, EFD_CLOEXEC);
		c->emptied = eventfd(SLOTS, EFD_CLOEXEC);
		c->seen = eventfd(0, EFD_CLOEXEC);
		if (c->filled < 0 || c->emptied < 0 || c->seen < 0)
			_exit(!!fail(c, "eventfd"));
		_exit(t->open(c) || run_both(t, c, cpu));
	}
	if (waitpid(pid, &status, 0) != pid)
		return fail(c, "waitpid");
	if (WIFSIGNALED(status))
		because(&c->board->why, 0, "killed by signal %d", WTERMSIG(status));
	return status ? -1 : 0;
}

static int measure_pairs(const struct transport *t, struct board *board,
			 int cpu, struct transfer_row *row)
{
	static __u64 alone[PAIRS * ALONE], stream[PAIRS * ROUNDS];
	struct chan c;
	int i;

	for (i = 0; i < PAIRS; i++) {
		c = (struct chan){
			.size = row->size, .board = board, .in = -1, .out = -1,
		};
		if (run_apart(t, &c, cpu))
			return -1;
		memcpy(alone + i * ALONE, board->alone, sizeof(board->alone));
		memcpy(stream + i * ROUNDS, board->stream, sizeof(board->stream));
	}
	row->messages = stream_length(&c);
	row->alone = spread_of(alone, ARRAY_SIZE(alone));
	row->stream = spread_of(stream, ARRAY_SIZE(stream));
	return 0;
}

/* Fills in row, whose size is set. */
void measure_transfer(size_t i, const struct setting *set,
		      struct transfer_row *row)
{
	const struct transport *t = &transports[i];
	struct board *board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	row->key = t->key;
	row->name = t->name;
	if (board == MAP_FAILED) {
		because(&row->why, errno, "mmap");
		return;
	}
	row->measured = !measure_pairs(t, board, set->receiver_cpu, row);
	row->why = board->why;
	munmap(board, sizeof(*board));
}
