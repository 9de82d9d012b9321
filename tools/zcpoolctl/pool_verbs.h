/* SPDX-License-Identifier: GPL-2.0 */
/* zcpoolctl pool: each takes its own argv and returns the exit status. */
#ifndef POOL_VERBS_H
#define POOL_VERBS_H

int pool_list(int argc, char **argv);
int pool_create(int argc, char **argv);
int pool_set(int argc, char **argv);
int pool_show(int argc, char **argv);
int pool_destroy(int argc, char **argv);

#endif /* POOL_VERBS_H */
