/* SPDX-License-Identifier: GPL-2.0 */
/* Touching what may be behind the end of a file: SIGBUS is an answer then. */
#ifndef ZCPOOL_TEST_GUARD_H
#define ZCPOOL_TEST_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Once in each process that does it */
void guard_begin(void);

/* False if not all was there. */
bool copy_guarded(void *to, const void *from, size_t len);

#endif /* ZCPOOL_TEST_GUARD_H */
