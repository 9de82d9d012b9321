// SPDX-License-Identifier: GPL-2.0
/*
 * Touching what may be behind the end of a file: SIGBUS is an answer then.
 */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"

static __thread volatile bool is_guarded;
static __thread sigjmp_buf back;

static void on_sigbus(int sig)
{
	static const char text[] = "# SIGBUS where none may be\n";

	if (is_guarded)
		siglongjmp(back, 1);
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) > 0)
		_exit(1);
	_exit(2);
}

void guard_begin(void)
{
	struct sigaction action = { .sa_handler = on_sigbus };

	sigaction(SIGBUS, &action, NULL);
}

bool copy_guarded(void *to, const void *from, size_t len)
{
	is_guarded = true;
	if (sigsetjmp(back, 1)) {
		is_guarded = false;
		return false;
	}
	memcpy(to, from, len);
	is_guarded = false;
	return true;
}
