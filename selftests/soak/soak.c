// SPDX-License-Identifier: GPL-2.0
/*
 * The manager: starts the processes, kills them at random, starts others in their place,
 * and tells what came of it.
 */
#include <time.h>

#include "soak.h"

/* Processes by slot; the workers come last. The first leads their group and lives. */
enum role { SQUEEZER, READER, FILLER, HOG, WORKERS };

/* Microseconds between two kills, at most */
#define KILL_USEC	300000

struct proc {
	pid_t pid;
	bool killed;
};

struct shared *shared;
const struct config *config;

static struct proc procs[WORKERS + MAX_WORKERS];
static unsigned int started;
static pid_t group;
static int pool, sockets[MAX_WORKERS][2], lost[2];

static const char *const names[COUNT_OPS] = {
	[COUNT_ALLOC] = "alloc",
	[COUNT_ALLOC_MMAP] = "alloc-by-mmap",
	[COUNT_REFUSED] = "refused",
	[COUNT_MAP] = "mmap",
	[COUNT_VERIFY] = "verify",
	[COUNT_REWRITE] = "rewrite",
	[COUNT_PREAD] = "pread",
	[COUNT_PWRITE] = "pwrite",
	[COUNT_READ] = "read",
	[COUNT_REOPEN] = "reopen",
	[COUNT_CUT] = "munmap-part",
	[COUNT_MOVE] = "mremap",
	[COUNT_DONTNEED] = "dontneed",
	[COUNT_PROTECT] = "mprotect",
	[COUNT_LOCK] = "mlock",
	[COUNT_REVOKE] = "revoke",
	[COUNT_HAND_OVER] = "move",
	[COUNT_MIGRATE] = "migrate",
	[COUNT_FORK] = "fork",
	[COUNT_VM_READV] = "process_vm_readv",
	[COUNT_SEND] = "send",
	[COUNT_RECEIVE] = "receive",
	[COUNT_VMSPLICE] = "vmsplice",
	[COUNT_LEAVE] = "leave-in-pipe",
	[COUNT_COLLECT] = "collect-from-pipe",
	[COUNT_TO_NULL] = "splice-to-null",
	[COUNT_DIRECT_WRITE] = "direct-write",
	[COUNT_DIRECT_READ] = "direct-read",
	[COUNT_AIO_WRITE] = "aio-write-and-free",
	[COUNT_AIO_READ] = "aio-read-and-free",
	[COUNT_FREE] = "free",
	[COUNT_FILL] = "fill-node",
	[COUNT_HOG_ANON] = "hog-anonymous",
	[COUNT_HOG_CACHE] = "hog-page-cache",
	[COUNT_DROP_CACHES] = "drop_caches",
	[COUNT_COMPACT] = "compact_memory",
	[COUNT_DEBUGFS] = "read-debugfs",
	[COUNT_FDINFO] = "read-fdinfo",
	[COUNT_SMAPS] = "read-smaps",
	[COUNT_TRACE] = "read-trace",
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

__attribute__((noreturn))
static void work(unsigned int slot, __u32 seed)
{
	static struct worker w;

	w.id = started;
	w.slot = slot;
	w.seed = seed;
	w.first_seed = seed;
	w.pool = pool;
	w.out = sockets[slot][0];
	w.in = sockets[(slot + 1) % config->workers][1];
	w.lost_rd = lost[0];
	w.lost_wr = lost[1];
	worker(&w);
}

__attribute__((noreturn))
static void play(int slot, __u32 seed)
{
	setpgid(0, group);
	/* Out of memory, the kernel is to take those who are the cause of it. */
	put_or_fail("/proc/self/oom_score_adj",
		    slot == HOG || slot == FILLER ? "1000" : slot < WORKERS ? "-500" : "0");
	/* These sleep most of the time, and should get to their turn when they do not. */
	if (slot < WORKERS && nice(-10) == -1 && errno)
		fail("nice: %s", strerror(errno));
	switch (slot) {
	case SQUEEZER:
		squeezer(seed);
	case READER:
		reader(seed);
	case FILLER:
		filler(pool, seed);
	case HOG:
		hog(seed);
	default:
		work(slot - WORKERS, seed);
	}
}

static void start(int slot)
{
	__u32 seed = (config->seed + started) * 2654435761U;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		play(slot, seed);
	if (pid < 0) {
		note("fork: %s", strerror(errno));
		return;
	}
	started++;
	group = group ? group : pid;
	setpgid(pid, group);
	procs[slot] = (struct proc){ .pid = pid };
	if (slot >= WORKERS)
		shared->worker[slot - WORKERS] = pid;
}

/* A process that nobody killed and that did not find anything wrong should live. */
static void ended(int slot, int status)
{
	bool oom = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

	if (procs[slot].killed)
		return;
	if (oom && (slot == HOG || slot == FILLER))
		count(COUNT_OOM_KILLS, 1);
	else
		note("process %d of slot %d is gone by itself, with status 0x%x",
		     procs[slot].pid, slot, status);
}

/* Take note of who has ended, orphans of workers among them. */
static void reap(void)
{
	int slot, status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (slot = 0; slot < WORKERS + config->workers; slot++) {
			if (procs[slot].pid != pid)
				continue;
			ended(slot, status);
			start(slot);
		}
	}
}

static void kill_one(__u32 *seed)
{
	int slot = WORKERS + rnd(seed) % config->workers;

	if (rnd(seed) % 32 == 0)
		slot = READER + rnd(seed) % (WORKERS - READER);
	/* It is our child until it is reaped, so its number is nobody else's. */
	procs[slot].killed = true;
	kill(procs[slot].pid, SIGKILL);
	count(COUNT_KILLS, 1);
}

static unsigned long sum_ops(void)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < COUNT_OPS; i++)
		sum += shared->count[i];
	return sum;
}

static void run_for(int seconds, __u32 seed)
{
	double end = now() + seconds, next = 0;

	while (!shared->failed && now() < end) {
		usleep(rnd(&seed) % KILL_USEC);
		reap();
		kill_one(&seed);
		if (config->progress && now() > next) {
			next = now() + 1;
			printf("\r# %3.0f s left, %lu operations, %lu kills ", end - now(),
			       sum_ops(), shared->count[COUNT_KILLS]);
			fflush(stdout);
		}
	}
	if (config->progress)
		printf("\r%60s\r", "");
}

/* Hold all where they are, and show what was found. */
static void show_failure(void)
{
	int i;

	for (i = 0; i < 100 && !shared->told; i++)
		usleep(10000);
	kill(-group, SIGSTOP);
	show_state(pool);
	printf("# FOUND by process %d: %s\n", shared->pid,
	       shared->told ? shared->message : "(it was killed before it could tell)");
}

static void end_all(void)
{
	kill(-group, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static void write_counts(void)
{
	FILE *f = fopen(config->counts, "ae");
	int i;

	if (!f)
		return;
	for (i = 0; i < COUNT_OPS; i++)
		fprintf(f, "op %s %lu\n", names[i], shared->count[i]);
	fprintf(f, "kills - %lu\n", shared->count[COUNT_KILLS]);
	fprintf(f, "oom-kills - %lu\n", shared->count[COUNT_OOM_KILLS]);
	fprintf(f, "growth-refused - %lu\n", shared->count[COUNT_NO_CHUNK]);
	fprintf(f, "bytes-allocated - %lu\n", shared->count[COUNT_ALLOC_BYTES]);
	fprintf(f, "bytes-of-io - %lu\n", shared->count[COUNT_IO_BYTES]);
	fprintf(f, "processes - %u\n", started);
	fclose(f);
}

static int prepare(void)
{
	int i;

	shared = mmap(NULL, sizeof(*shared), RDWR, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pool = pool_open();
	if (shared == MAP_FAILED || pool < 0 || pipe2(lost, O_CLOEXEC | O_NONBLOCK))
		return -1;
	for (i = 0; i < config->workers; i++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets[i]))
			return -1;
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int load(void)
{
	int slot;

	if (prepare()) {
		printf("# cannot begin: %s\n", strerror(errno));
		return 2;
	}
	for (slot = 0; slot < WORKERS + config->workers; slot++)
		start(slot);
	run_for(config->seconds, config->seed);
	if (shared->failed)
		show_failure();
	end_all();
	write_counts();
	return shared->failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct config c = { 0 };

	if (argc == 2 && !strcmp(argv[1], "rest"))
		return pool_at_rest();
	if (argc < 9 || strcmp(argv[1], "load")) {
		fprintf(stderr, "usage: soak load SECONDS WORKERS SEED NODE DIR CGROUP COUNTS");
		fprintf(stderr, " [progress]\n");
		fprintf(stderr, "       soak rest\n");
		return 2;
	}
	c.seconds = atoi(argv[2]);
	c.workers = atoi(argv[3]);
	c.seed = strtoul(argv[4], NULL, 0);
	c.node = atoi(argv[5]);
	c.disk = argv[6];
	c.hog_cgroup = argv[7];
	c.counts = argv[8];
	c.progress = argc > 9;
	if (c.seconds < 1 || c.workers < 2 || c.workers > MAX_WORKERS)
		return 2;
	config = &c;
	return load();
}
