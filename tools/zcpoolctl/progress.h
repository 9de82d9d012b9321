/* SPDX-License-Identifier: GPL-2.0 */
/* A progress bar, or a line, on stderr, if that is a terminal. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

void progress_start(uint64_t total);
void progress_update(uint64_t done);
/* A line in place of the bar, for what is waited for */
void progress_say(const char *text);
/* Takes either away, so that something else can be printed. */
void progress_clear(void);

#endif /* PROGRESS_H */
