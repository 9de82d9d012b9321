/* SPDX-License-Identifier: GPL-2.0 */
/* Runs rounds, one batch in each worker at the same time, and judges what came of them. */
#ifndef ZCPOOL_FUZZ_SESSION_H
#define ZCPOOL_FUZZ_SESSION_H

#include "exec.h"

struct session {
	struct worker worker[ROUND_WORKERS];
	pid_t pid[ROUND_WORKERS];	/* 0: not started yet */
	struct shared *shared;
	int pool;
	int kmsg;
	int record;		/* of the round that is running, for who finds us dead */
	__u64 used;		/* bytes in use between two rounds */
	__u64 reserve;		/* bytes that the pool has then */
	__u64 max;
	unsigned int rounds;
	unsigned int killed;	/* workers that a signal ended */
	bool kcov;
	bool spent;		/* the machine is not to be used after what was wrong */
	char wrong[160];	/* with the last round; empty if nothing */
};

/* record is a file or NULL. False, with a message, if the module is not there. */
bool session_init(struct session *session, const char *record);

/* False if something was wrong, which session->wrong then tells. */
bool session_run(struct session *session, const struct round *round);

/*
 * Whether all that was freed has become clean memory again, and the other pools' may be had by
 * another; as session_run().
 */
bool session_end(struct session *session);

#endif /* ZCPOOL_FUZZ_SESSION_H */
