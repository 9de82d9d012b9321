// SPDX-License-Identifier: GPL-2.0
/*
 * A round: its programs go into a file that outlives the machine, then each worker
 * runs its batch. After it the pool must have as many bytes in use as before it, no
 * program may have seen what it should not, and the kernel must not have complained.
 */
#include <errno.h>
#include <stdarg.h>

#include "session.h"

/* Nothing blocks, so this is far more than a round takes on any machine. */
#define ROUND_SECONDS	120

static bool fail(struct session *session, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(session->wrong, sizeof(session->wrong), format, args);
	va_end(args);
	return false;
}

bool session_init(struct session *session, const char *record)
{
	unsigned int i;

	memset(session, 0, sizeof(*session));
	session->shared = mmap(NULL, sizeof(*session->shared), RDWR, MAP_SHARED | MAP_ANONYMOUS,
			       -1, 0);
	session->pool = pool_open();
	if (session->shared == MAP_FAILED || session->pool < 0) {
		perror(POOL_PATH);
		return false;
	}
	session->record = -1;
	if (record) {
		session->record = open(record, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (session->record < 0) {
			perror(record);
			return false;
		}
	}
	session->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	lseek(session->kmsg, 0, SEEK_END);
	session->kcov = true;
	for (i = 0; i < ROUND_WORKERS; i++) {
		session->kcov &= worker_init(&session->worker[i], i, session->shared);
		sem_init(&session->shared->start[i], 1, 0);
		sem_init(&session->shared->done[i], 1, 0);
	}
	session->used = pool_used(session->pool);
	return true;
}

/* In one piece, up to and with its "end"; what an earlier, longer one left behind follows. */
static void record_round(struct session *session, const struct round *round)
{
	size_t size;
	char *text;
	FILE *f;

	if (session->record < 0)
		return;
	f = open_memstream(&text, &size);
	round_print(round, f);
	fclose(f);
	if (pwrite(session->record, text, size, 0) != (ssize_t)size)
		perror("fuzz: record");
	free(text);
}

static void start_batch(struct session *session, unsigned int nr)
{
	/* One to 250, but not the x of send_fd() */
	unsigned char tag = 1 + (session->rounds * ROUND_WORKERS + nr) % 250;
	struct shared *shared = session->shared;

	memset(&shared->report[nr], 0, sizeof(shared->report[nr]));
	memset(shared->new_edges[nr], 0, sizeof(shared->new_edges[nr]));
	shared->tag[nr] = tag == 'x' ? 255 : tag;
	if (!session->pid[nr]) {
		session->pid[nr] = fork();
		if (!session->pid[nr]) {
			setpgid(0, 0);
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			worker_main(&session->worker[nr]);
		}
	}
	sem_post(&shared->start[nr]);
}

/* Whether a worker is gone; its children go, too, and what it did not do is forgotten. */
static bool worker_died(struct session *session, unsigned int nr)
{
	int status;

	if (waitpid(session->pid[nr], &status, WNOHANG) != session->pid[nr])
		return false;
	kill(-session->pid[nr], SIGKILL);
	session->pid[nr] = 0;
	sem_init(&session->shared->start[nr], 1, 0);
	sem_init(&session->shared->done[nr], 1, 0);
	session->killed++;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		fail(session, "a worker could not run");
	return true;
}

/* Waits until a worker is done or gone; false if that takes too long. */
static bool wait_worker(struct session *session, unsigned int nr, int seconds)
{
	struct timespec until;

	while (seconds--) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		if (!sem_timedwait(&session->shared->done[nr], &until) ||
		    worker_died(session, nr))
			return true;
	}
	return false;
}

static bool run_workers(struct session *session, const struct round *round)
{
	unsigned int i;

	session->shared->round = *round;
	for (i = 0; i < ROUND_WORKERS; i++)
		if (round->batch[i].nr)
			start_batch(session, i);
	for (i = 0; i < ROUND_WORKERS; i++) {
		if (!round->batch[i].nr || wait_worker(session, i, ROUND_SECONDS))
			continue;
		session->spent = true;
		kill(-session->pid[i], SIGKILL);
		if (wait_worker(session, i, ROUND_SECONDS))
			return fail(session, "a program did not end");
		return fail(session, "a process hangs and cannot be killed");
	}
	return !session->wrong[0];
}

/* What the kernel complains of and does not panic for, such as lock orders */
static bool check_kmsg(struct session *session)
{
	static const char * const complaints[] = {
		"BUG:", "WARNING:", "INFO: possible", "INFO: suspicious", "inconsistent lock",
		"UBSAN", "INFO: task",
	};
	char line[8192];
	unsigned int i;
	ssize_t n;

	while ((n = read(session->kmsg, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		line[n] = 0;
		for (i = 0; i < ARRAY_SIZE(complaints); i++)
			if (strstr(line, complaints[i])) {
				session->spent = true;
				return fail(session, "the kernel complains: %s", line);
			}
	}
	return true;
}

bool session_run(struct session *session, const struct round *round)
{
	struct zcpool_info info;
	unsigned int i;
	__u64 used;

	session->wrong[0] = 0;
	record_round(session, round);
	if (!run_workers(session, round))
		return false;
	session->rounds++;
	for (i = 0; i < ROUND_WORKERS; i++)
		if (session->shared->report[i].wrong[0])
			return fail(session, "%s", session->shared->report[i].wrong);
	used = pool_used(session->pool);
	if (used != session->used) {
		fuzz_collect_sockets();
		used = pool_wait_used(session->pool, session->used);
	}
	if (used != session->used)
		return fail(session, "%lld bytes in use, %lld before: a leak", (long long)used,
			    (long long)session->used);
	if (pool_info(session->pool, -1, &info) || info.total_bytes > info.max_bytes)
		return fail(session, "the pool holds more than it may");
	return check_kmsg(session);
}

bool session_end(struct session *session)
{
	struct zcpool_info info;

	fuzz_collect_sockets();
	if (pool_wait_idle(session->pool, &info))
		return fail(session, "free memory stays dirty, %lld bytes, or held, %lld",
			    (long long)info.dirty_bytes, (long long)info.quarantined_bytes);
	if (!info_adds_up(&info) || info.retired_bytes)
		return fail(session, "the pool's bytes do not add up");
	return check_kmsg(session);
}
