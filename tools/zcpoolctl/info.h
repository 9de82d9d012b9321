/* SPDX-License-Identifier: GPL-2.0 */
/* A pool's figures, for who shows more than these. */
#ifndef INFO_H
#define INFO_H

#include <zcpool.h>

/* A table: a line a node, and one for all. */
void info_table(int pool, const struct zcpool_info *all);

/* Members of a JSON object, with no comma after them; the last one is the array of nodes. */
void info_json(int pool, const struct zcpool_info *all);

#endif /* INFO_H */
