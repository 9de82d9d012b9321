// SPDX-License-Identifier: GPL-2.0
/*
 * A round: its programs go into a file that outlives the machine, then each worker
 * runs its batch. After it the pool must have as many bytes in use as before it, no
 * program may have seen what it should not, and the kernel must not have complained.
 */
#include <dirent.h>
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
	struct zcpool_info info;
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
	if (!fuzz_restore_default() || pool_info(session->pool, -1, &info)) {
		fprintf(stderr, "fuzz: the default pool cannot be mounted and set\n");
		return false;
	}
	session->reserve = info.reserve_bytes;
	session->max = info.max_bytes;
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

/* A pool that is there beside the default one, and that nobody has made outside programs */
static bool find_other_pool(char *name, size_t size)
{
	DIR *dir = opendir("/sys/kernel/debug/zcpool");
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		found = entry->d_name[0] != '.' && strcmp(entry->d_name, "layout") &&
			strcmp(entry->d_name, ZCPOOL_DEFAULT);
		snprintf(name, size, "%s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* A pool goes after the last use, but not before what is in flight has been collected. */
static bool check_pools(struct session *session)
{
	char name[NAME_MAX + 1];
	int i;

	for (i = 0; i < POLL_TRIES && find_other_pool(name, sizeof(name)); i++) {
		if (!i)
			fuzz_collect_sockets();
		usleep(POLL_USEC);
	}
	return i < POLL_TRIES || fail(session, "the pool %s stays", name);
}

static bool has_mounts(pid_t pid)
{
	char path[32], line[1024];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/mounts", pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, " zcpool ");
	if (f)
		fclose(f);
	return found;
}

/* Nothing is mounted, no pool is left but the default one, and that is what it was. */
static bool check_mounts(struct session *session)
{
	struct zcpool_info info;
	unsigned int i;

	for (i = 0; i < ROUND_WORKERS; i++)
		if (session->pid[i] && has_mounts(session->pid[i]))
			return fail(session, "a pool stays mounted");
	if (!check_pools(session))
		return false;
	if (!fuzz_restore_default())
		return fail(session, "the default pool cannot be made what it was");
	for (i = 0; i < POLL_TRIES; i++) {
		if (pool_info(session->pool, -1, &info))
			break;
		if (info.total_bytes <= info.max_bytes &&
		    info.reserve_bytes == session->reserve && info.max_bytes == session->max)
			return true;
		usleep(POLL_USEC);
	}
	return fail(session, "the pool holds more than it may, or not what it should");
}

/*
 * Whether pools that have gone have left the ceiling what was theirs: there must be room for
 * all that the default pool may not have, as a reserve of another.
 */
static bool check_ceiling(struct session *session)
{
	__u64 room = FUZZ_CEILING - session->max;
	int fs = fsopen("zcpool", FSOPEN_CLOEXEC), dir;
	struct statfs st = {};
	char option[40];

	snprintf(option, sizeof(option), "reserve=%llu", (unsigned long long)room / 2);
	fuzz_set_option(fs, option);
	snprintf(option, sizeof(option), "max=%llu", (unsigned long long)room);
	fuzz_set_option(fs, option);
	dir = fuzz_put_mount(fuzz_mount_detached(fs, "last", 0), 0);
	close(fs);
	fstatfs(dir, &st);
	close(dir);
	if (st.f_bavail * PAGE != room)
		return fail(session, "below the ceiling are %llu bytes free, not %llu: a leak",
			    st.f_bavail * PAGE, (unsigned long long)room);
	return check_pools(session);
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
	return check_mounts(session) && check_kmsg(session);
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
	return check_ceiling(session) && check_kmsg(session);
}
