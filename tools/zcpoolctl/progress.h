/* SPDX-License-Identifier: GPL-2.0 */
/* A progress bar on stderr, if that is a terminal. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

void progress_start(uint64_t total);
void progress_update(uint64_t done);
/* Takes the bar away, so that something else can be printed. */
void progress_clear(void);

#endif /* PROGRESS_H */
