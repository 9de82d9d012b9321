// SPDX-License-Identifier: GPL-2.0
/* zcpoolctl recv: digests what comes where it lies, and perhaps writes it. */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "cleanup.h"
#include "file.h"
#include "measure.h"
#include "progress.h"
#include "proto.h"
#include "report.h"
#include "sha256.h"
#include "sock.h"
#include "transfer.h"
#include "zcpoolctl.h"

#define HELLO_LIMIT_S	10

/* Whose the memory is while recv looks at it. */
enum taking {
	TAKE_OVER,	/* recv's alone, where it can be taken from the sender */
	TAKE_OVER_ALL,	/* and nothing else will do */
	SHARE,		/* the sender's too */
};

/* What recv does with the data. */
struct sink {
	struct file out;
	struct sha256 *sha256;
};

/* The sender chooses what the data goes through, the receiver whom it trusts. */
static void decide(struct transfer *t, enum taking taking)
{
	t->moves = t->via->regain && taking != SHARE;
	/* What is pulled is a copy, and recv's own. */
	if (taking == TAKE_OVER_ALL && !t->moves && !t->via->pull)
		die(STATUS_PEER,
		    "the sender sends via %s, and could change what it has sent at any time; recv --move takes nothing of that kind: have it send --via zcpool or --via pipe",
		    t->via->name);
}

static void hear_hello(struct transfer *t, enum taking taking)
{
	struct message m;
	int fd;

	proto_timeout(HELLO_LIMIT_S);
	proto_recv(&m, &fd);
	proto_timeout(0);
	if (m.type != MSG_HELLO || m.nr_buffers > MAX_BUFFERS || !m.buffer_size)
		proto_violated();
	t->via = transport_find(m.via);
	if (!t->via) {
		make_printable(m.via);
		die(STATUS_PEER, "the sender sends via '%s', which this zcpoolctl does not know",
		    m.via);
	}
	/* a pipe comes with HELLO, and nothing with that of the others */
	if (fd < 0 ? !!t->via->pull : !t->via->pull)
		proto_violated();
	decide(t, taking);
	t->pipe = fd;
	t->nr_buffers = m.nr_buffers;
	t->buffer_size = m.buffer_size;
	t->size = m.bytes;
	make_printable(m.text);
	snprintf(t->sent_name, sizeof(t->sent_name), "%s", m.text);
	t->name = t->sent_name;
}

/* The buffer a DATA message speaks of, mapped if it is new, or new again. */
static struct buffer *get_buffer(struct transfer *t, const struct message *m, int fd)
{
	struct buffer *b;
	bool comes, expected;

	if (m->index >= t->nr_buffers || !m->bytes || m->bytes > t->size - t->done)
		proto_violated();
	b = &t->buffer[m->index];
	comes = fd >= 0;
	expected = !t->via->pull && (t->moves || !b->addr);
	if (comes != expected)
		proto_violated();
	if (fd >= 0 || !b->addr) {
		/* What is left of it is dead since the sender had it again. */
		buffer_drop(b);
		b->fd = fd;
		t->via->attach(t, b);
	}
	if (m->bytes > b->len || m->bytes > t->buffer_size)
		proto_violated();
	return b;
}

static void use_data(struct transfer *t, struct sink *sink, struct message *m, int fd)
{
	struct buffer *b = get_buffer(t, m, fd);

	if (t->via->pull)
		t->via->pull(t, b, m->bytes);
	sha256_add(sink->sha256, b->addr, m->bytes);
	if (sink->out.path)
		file_write(&sink->out, b->addr, m->bytes, t->done);
	t->done += m->bytes;
	progress_update(t->done);
	if (!t->via->pull)
		proto_send(MSG_RETURN, m, t->moves ? b->fd : -1);
}

static void receive(struct transfer *t, struct sink *sink)
{
	struct message m;
	int fd;

	for (;;) {
		proto_recv(&m, &fd);
		if (m.type == MSG_END && fd < 0 && m.bytes == t->size && t->done == t->size)
			return;
		if (m.type != MSG_DATA)
			proto_violated();
		use_data(t, sink, &m, fd);
	}
}

static void run(struct transfer *t, const char *socket_path, const char *out,
		enum taking taking, enum report_form form)
{
	struct sink sink = { .out.copied = &t->copied };
	struct measure measure;
	char digest[SHA256_HEX];
	struct message m = { 0 };

	proto_start(sock_accept_one(socket_path), "sender");
	hear_hello(t, taking);
	if (out)
		t->name = out;
	if (out)
		file_open_out(&sink.out, out, t->via->direct);
	sink.sha256 = sha256_start();
	if (form == REPORT_HUMAN)
		progress_start(t->size);
	measure_start(&measure);
	m.flags = t->moves ? HELLO_MOVES : 0;
	proto_send(MSG_HELLO, &m, -1);

	receive(t, &sink);
	if (out)
		file_finish(&sink.out, t->size);
	measure_stop(&measure, t);
	sha256_end(sink.sha256, digest);
	m.bytes = t->done;
	proto_send(MSG_DONE, &m, -1);
	progress_clear();
	report(form, "recv", t, &measure, &sink.out, digest);
}

static void print_usage(void)
{
	puts("Usage: zcpoolctl recv [OPTION]... SOCKET [OUT]\n"
	     "Make SOCKET, wait for one 'zcpoolctl send' there, and print the SHA-256 of what\n"
	     "it sends; write it to OUT, if that is given. The sender chooses what the data\n"
	     "goes through. Buffers of a pool are recv's alone while it works on them.\n\n"
	     "  --share  leave them to the sender as well, which can then change what it has\n"
	     "           sent while that is digested and written\n"
	     "  --move   refuse what cannot be taken away from the sender (--via memfd)\n"
	     "  --json   print the figures and the digest as one JSON object\n"
	     "  --quiet  print the digest alone, and no progress bar\n"
	     "  --help   show this\n\n"
	     "Exit status: 0 received; 1 failed; 2 wrong usage; 4 no memory; 5 the peer died\n"
	     "or is no zcpoolctl. After a failure OUT is removed. See zcpoolctl(1).");
}

int cmd_recv(int argc, char **argv)
{
	static const struct option options[] = {
		{ "share", no_argument, NULL, 's' },
		{ "move", no_argument, NULL, 'm' },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	static struct transfer t = { .node = -1, .pool = -1, .pipe = -1 };
	enum report_form form = REPORT_HUMAN;
	enum taking taking = TAKE_OVER;
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			taking = SHARE;
			break;
		case 'm':
			taking = TAKE_OVER_ALL;
			break;
		case 'j':
			form = REPORT_JSON;
			break;
		case 'q':
			form = REPORT_QUIET;
			break;
		case 'h':
			print_usage();
			return 0;
		default:
			return STATUS_USAGE;
		}
	}
	if (argc - optind < 1 || argc - optind > 2)
		die_usage("recv", "recv takes SOCKET, and OUT if you want the data");
	signal(SIGPIPE, SIG_IGN);
	cleanup_on_signals();
	run(&t, argv[optind], argv[optind + 1], taking, form);
	return 0;
}
