/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own files, nodes and processes. */
#ifndef ZCPOOL_TEST_SYSTEM_H
#define ZCPOOL_TEST_SYSTEM_H

#include <stdbool.h>
#include <sys/types.h>

/* A number after "name" at the start of a line of a file; -1 if there is none. */
long file_field(const char *path, const char *name);

/* Writes text to a file of the kernel's, all at once. */
bool put(const char *path, const char *text);

/* A kernel without NUMA has node 0 and no directory of nodes. */
bool node_exists(int node);

/* Whether the kernel maps memory by huge page-table entries: Debian's PREEMPT_RT does not. */
bool has_pmds(void);

/* The node of the page that is mapped there, as move_pages() sees it */
int node_of(void *p);

/* Ties the caller to the first CPU of a node. */
int run_on_node(int node);

/* Exit status of a child, or 128 + the signal that ended it. */
int child_status(pid_t pid);

#endif /* ZCPOOL_TEST_SYSTEM_H */
