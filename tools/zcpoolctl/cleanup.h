/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that are to be removed unless the job is done: the socket that recv
 * listens on, and a partial OUT. Removed by die() and by SIGINT, SIGTERM and
 * SIGHUP. A path is removed only while it still is the file it was.
 */
#ifndef CLEANUP_H
#define CLEANUP_H

enum cleanup_slot {
	CLEANUP_SOCKET,
	CLEANUP_OUT,
	NR_CLEANUP_SLOTS
};

/* To be called before the first cleanup_add(). */
void cleanup_on_signals(void);
/* The path must stay allocated, and the file must exist. */
void cleanup_add(enum cleanup_slot slot, const char *path);
void cleanup_forget(enum cleanup_slot slot);
void cleanup_remove(enum cleanup_slot slot);
void cleanup_all(void);

#endif /* CLEANUP_H */
