/* SPDX-License-Identifier: GPL-2.0 */
/* What a transfer cost: time, page faults, and how its memory is mapped. */
#ifndef MEASURE_H
#define MEASURE_H

#include "transfer.h"

struct measure {
	double seconds;
	long minor_faults;
	long major_faults;
	uint64_t pmd_kb;	/* of the buffers' mappings, mapped by PMDs */
	int memory_node;	/* or NODE_* */
	int cpu_node;		/* or NODE_UNKNOWN */
};

/* Around the transfer; at the stop the buffers must still be mapped. */
void measure_start(struct measure *m);
void measure_stop(struct measure *m, const struct transfer *t);

#endif /* MEASURE_H */
