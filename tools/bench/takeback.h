/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the measuring of taking memory back (takeback.c) and of handing it over
 * (handover.c) is made of: other processes that have it, too (crew.c).
 */
#ifndef ZCPOOL_BENCH_TAKEBACK_H
#define ZCPOOL_BENCH_TAKEBACK_H

#include <sys/types.h>
#include <zcpool.h>

#include "bench.h"

#define MAX_CREW	8

/* What a process of the crew can be told to do */
enum duty {
	DUTY_MAP,		/* a buffer */
	DUTY_MAP_TOUCH,		/* the same, and write to each 4 KiB */
	DUTY_UNMAP,
	DUTY_TAKE,		/* MOVE a buffer, map it, look at each 4 KiB, let go of it */
	DUTY_READ,		/* a message from a pipe */
};

struct reply {
	__u64 done;		/* when it was, but for: */
	__u64 gone;		/* when a buffer taken was let go of */
	__u64 sum;		/* of the first words of each 4 KiB, where it is a message */
	bool failed;
	struct reason why;
};

struct crew {
	unsigned int nr;
	int sock[MAX_CREW];
	pid_t pid[MAX_CREW];
};

/* crew.c */
int crew_start(struct crew *c, unsigned int nr, const struct setting *set, struct reason *why);
int crew_tell(struct crew *c, unsigned int i, enum duty duty, size_t size, int fd,
	      struct reason *why);
int crew_await(struct crew *c, unsigned int i, struct reply *reply, struct reason *why);
void crew_stop(struct crew *c);
int move_buffer(int fd);
void write_pages(char *p, size_t size, __u64 serial);

/* takeback.c */
void set_policy(int policy);
typedef int sample_fn(void *arg, __u64 *ns);
int sample(sample_fn *once, void *arg, struct case_time *cases, unsigned int nr);

/* handover.c */
void measure_pipe(const struct setting *set, struct takeback_row *row);
void measure_move_huge(const struct setting *set, struct takeback_row *row);
void measure_move_mapped(const struct setting *set, struct takeback_row *row);
void measure_move_small(const struct setting *set, struct takeback_row *row);

#endif /* ZCPOOL_BENCH_TAKEBACK_H */
