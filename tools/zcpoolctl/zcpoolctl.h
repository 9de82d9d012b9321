/* SPDX-License-Identifier: GPL-2.0 */
/* What every part of the command shares: verbs, exit statuses, messages. */
#ifndef ZCPOOLCTL_H
#define ZCPOOLCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdnoreturn.h>

#define ZCPOOLCTL_VERSION	"0.2"

#define MAX_NODES		1024

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __printf(fmt, args)	__attribute__((format(printf, fmt, args)))

/* Documented in zcpoolctl(1); 0 is success. */
enum exit_status {
	STATUS_TRANSFER = 1,	/* reading, writing or the transfer failed */
	STATUS_USAGE = 2,	/* wrong arguments */
	STATUS_NO_POOL = 3,	/* no such pool, or one may not do that to it */
	STATUS_NO_MEMORY = 4,	/* the pool or the machine has no memory left */
	STATUS_PEER = 5,	/* the peer died, or is something else */
	STATUS_PINNED = 6,	/* revoked, but something still holds some of the memory */
};

/* The verbs: each takes its own argv and returns the exit status. */
int cmd_info(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_recv(int argc, char **argv);
int cmd_revoke(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_pool(int argc, char **argv);

/*
 * Prints "zcpoolctl: ..." on stderr. die() also tells the peer, removes what
 * was left half made (cleanup.c), and ends the process. These errors have no
 * way back: memory and descriptors are the kernel's to take back at exit.
 */
__printf(1, 2) void notice(const char *fmt, ...);
__printf(2, 3) noreturn void die(enum exit_status status, const char *fmt, ...);
__printf(2, 3) noreturn void die_usage(const char *verb, const char *fmt, ...);

/*
 * Opens the pool, or dies saying why there is none. *name may be a path, of a device or in a
 * mount, and is then made the name of what is there.
 */
int pool_open(const char **name);

/* A decimal number within limits; what says what it is for, where it is none. */
uint64_t parse_number(const char *verb, const char *what, const char *text, uint64_t min,
		      uint64_t max);

/* Sizes: "64K", "4M", "1G" or bytes; printed as "4 MiB" into a buffer. */
#define SIZE_TEXT	24
bool size_parse(const char *text, uint64_t *size);
const char *size_text(char buf[SIZE_TEXT], uint64_t size);

/* A string in JSON's quotes; a string without control characters, in place. */
void json_string(FILE *f, const char *s);
void make_printable(char *s);

#endif /* ZCPOOLCTL_H */
