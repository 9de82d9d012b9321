/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What sender and receiver say to each other, over a SOCK_SEQPACKET Unix
 * socket, in messages of one fixed form. The same protocol runs whatever the
 * data goes through.
 *
 *	sender					receiver
 *	HELLO via, buffers, size, name [pipe]
 *						HELLO flags
 *	DATA index, bytes [fd]
 *						RETURN index [fd]
 *	... several DATA in flight, a RETURN for each ...
 *	END bytes
 *						DONE bytes
 *
 * With HELLO_MOVES a buffer belongs to one side at a time. Each DATA brings its descriptor;
 * the receiver moves that, so that nobody else can change the bytes which it looks at, and
 * gives back what it got for it in RETURN. Without, DATA brings the descriptor of a buffer
 * the first time, RETURN brings none, and both sides keep it mapped. The receiver says how
 * it is, as it is the one that would have to trust the other.
 *
 * Either side may say GIVE_UP with a reason at any time.
 */
#ifndef PROTO_H
#define PROTO_H

#include <stdint.h>
#include <stdnoreturn.h>

#define PROTO_MAGIC	0x6c6f7063	/* "cpol" */
#define PROTO_VERSION	2

enum message_type {
	MSG_HELLO = 1,
	MSG_DATA,
	MSG_RETURN,
	MSG_END,
	MSG_DONE,
	MSG_GIVE_UP,
};

#define MESSAGE_TEXT	256	/* NAME_MAX and a NUL */

/* Bits of flags in the receiver's HELLO */
#define HELLO_MOVES	(1U << 0)	/* it takes the buffers over */

/* Of the same size, magic and version in each version: so a peer of another can say so. */
struct message {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t index;		/* DATA, RETURN: which buffer */
	uint32_t nr_buffers;	/* HELLO */
	uint64_t buffer_size;	/* HELLO */
	uint64_t bytes;		/* HELLO: of the file; DATA: in the buffer; END, DONE: in all */
	char via[12];		/* HELLO: the transport's name */
	uint32_t flags;		/* HELLO: HELLO_* */
	char text[MESSAGE_TEXT];	/* HELLO: the file's name; GIVE_UP: why */
};

/* From now on sock is the way to the peer; who is "sender" or "receiver". */
void proto_start(int sock, const char *who);

/* A peer that does not answer is given up after this long; 0 is never. */
void proto_timeout(unsigned int seconds);

/* Fills in magic, version and type and sends it, with fd unless that is -1. */
void proto_send(enum message_type type, struct message *m, int fd);

/* Receives a message, and a descriptor or -1. GIVE_UP ends the process. */
void proto_recv(struct message *m, int *fd);

/* The same where only one type may come, and no descriptor. */
void proto_expect(enum message_type type, struct message *m);

/* The peer said what it may not say here. */
noreturn void proto_violated(void);

/* The peer hung up: ends the process with its last words, if it left any. */
noreturn void proto_peer_gone(void);

/* Tells the peer, if there is one, that this side gives up. */
void proto_give_up(const char *why);

#endif /* PROTO_H */
