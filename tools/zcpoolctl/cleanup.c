// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cleanup.h"
#include "zcpoolctl.h"

static struct left_over {
	atomic_bool armed;	/* a signal handler looks at it */
	const char *path;
	dev_t dev;
	ino_t ino;
} left_overs[NR_CLEANUP_SLOTS];

static void say_removed(const char *path)
{
	static const char before[] = "zcpoolctl: removed the partial file ";
	ssize_t n;

	/* write() and not stdio: a signal handler comes here too. */
	n = write(STDERR_FILENO, before, sizeof(before) - 1);
	if (n > 0)
		n = write(STDERR_FILENO, path, strlen(path));
	if (n > 0)
		n = write(STDERR_FILENO, "\n", 1);
	(void)n;
}

void cleanup_remove(enum cleanup_slot slot)
{
	struct left_over *l = &left_overs[slot];
	struct stat st;

	if (!atomic_exchange(&l->armed, false))
		return;
	if (lstat(l->path, &st) || st.st_dev != l->dev || st.st_ino != l->ino)
		return;
	if (!unlink(l->path) && slot == CLEANUP_OUT)
		say_removed(l->path);
}

void cleanup_all(void)
{
	int slot;

	for (slot = 0; slot < NR_CLEANUP_SLOTS; slot++)
		cleanup_remove(slot);
}

/* Calls only what signal-safety(7) lists, and dies as the signal would have. */
static void on_signal(int sig)
{
	int err = errno;

	cleanup_all();
	signal(sig, SIG_DFL);
	raise(sig);
	errno = err;
}

void cleanup_on_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };
	struct sigaction old;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		/* nohup(1) and a shell's '&' ignore signals on purpose */
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
	}
}

void cleanup_add(enum cleanup_slot slot, const char *path)
{
	struct left_over *l = &left_overs[slot];
	struct stat st;

	if (lstat(path, &st))
		return;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	l->path = path;
	l->armed = true;
}

void cleanup_forget(enum cleanup_slot slot)
{
	left_overs[slot].armed = false;
}
