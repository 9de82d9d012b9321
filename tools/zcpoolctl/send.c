// SPDX-License-Identifier: GPL-2.0
/* zcpoolctl send: reads a file straight into buffers and passes those on. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zcpool/uapi.h>
#include "cleanup.h"
#include "file.h"
#include "measure.h"
#include "progress.h"
#include "proto.h"
#include "report.h"
#include "sock.h"
#include "transfer.h"
#include "zcpoolctl.h"

#define MAX_BUFFER_SIZE	0x40000000ULL	/* 1 GiB */
#define HELLO_LIMIT_S	10

/* No more buffers than the file fills, or than can be used at once. */
static unsigned int buffers_needed(const struct transfer *t)
{
	uint64_t filled = (t->size + t->buffer_size - 1) / t->buffer_size;

	if (t->via->push && filled > 1)
		filled = 1;
	return filled < t->nr_buffers ? filled : t->nr_buffers;
}

static void say_hello(struct transfer *t, int fd)
{
	struct message m = {
		.nr_buffers = t->nr_buffers,
		.buffer_size = t->buffer_size,
		.bytes = t->size,
	};
	const char *base = strrchr(t->name, '/');

	snprintf(m.via, sizeof(m.via), "%s", t->via->name);
	snprintf(m.text, sizeof(m.text), "%s", base ? base + 1 : t->name);
	proto_timeout(HELLO_LIMIT_S);
	proto_send(MSG_HELLO, &m, fd);
	/* Ours must go, or the end of a pipe would outlive its reader. */
	if (fd >= 0)
		close(fd);
	proto_expect(MSG_HELLO, &m);
	t->moves = m.flags & HELLO_MOVES;
	if (t->moves && !t->via->regain)
		proto_violated();
	proto_timeout(0);
}

/* The receiver handed a buffer back; what this side had of it is dead if it was moved. */
static void take_back(struct transfer *t, const struct message *m, int fd)
{
	const bool comes = fd >= 0;
	struct buffer *b;

	if (m->type != MSG_RETURN || m->index >= t->nr_buffers || comes != t->moves)
		proto_violated();
	b = &t->buffer[m->index];
	if (!b->busy)
		proto_violated();
	b->busy = false;
	if (!t->moves)
		return;
	buffer_drop(b);
	b->fd = fd;
	t->via->regain(t, b);
}

static struct buffer *free_buffer(struct transfer *t)
{
	struct message m;
	unsigned int i;
	int fd;

	for (;;) {
		for (i = 0; i < t->nr_buffers; i++) {
			if (!t->buffer[i].busy)
				return &t->buffer[i];
		}
		proto_recv(&m, &fd);
		take_back(t, &m, fd);
	}
}

static void pass_on(struct transfer *t, struct buffer *b, size_t bytes)
{
	struct message m = { .index = b - t->buffer, .bytes = bytes };

	proto_send(MSG_DATA, &m, b->passed && !t->moves ? -1 : b->fd);
	b->passed = true;
	if (t->via->push)
		t->via->push(t, b, bytes);
	else
		b->busy = true;
}

static void send_file(struct transfer *t, struct file *f)
{
	struct buffer *b;
	size_t want, got;

	while (t->done < t->size) {
		b = free_buffer(t);
		want = t->buffer_size;
		if (want > t->size - t->done)
			want = t->size - t->done;
		got = file_read(f, b->addr, want, t->done);
		if (got < want)
			file_ended_early(f, t->done + got, t->size);
		pass_on(t, b, got);
		t->done += got;
		progress_update(t->done);
	}
}

/* Waits until the receiver has worked on everything. */
static void finish(struct transfer *t)
{
	struct message m = { .bytes = t->done };
	int fd;

	proto_send(MSG_END, &m, -1);
	for (;;) {
		proto_recv(&m, &fd);
		if (m.type == MSG_DONE && m.bytes == t->done && fd < 0)
			return;
		take_back(t, &m, fd);
	}
}

static void run(struct transfer *t, const char *socket_path, enum report_form form)
{
	struct file file = { .copied = &t->copied };
	struct measure measure;
	unsigned int i;
	int fd;

	file_open_source(&file, t->name, t->via->direct, &t->size);
	t->nr_buffers = buffers_needed(t);
	fd = t->via->prepare(t);
	proto_start(sock_connect(socket_path), "receiver");
	say_hello(t, fd);

	if (form == REPORT_HUMAN)
		progress_start(t->size);
	measure_start(&measure);
	for (i = 0; i < t->nr_buffers; i++)
		t->via->create(t, &t->buffer[i]);
	send_file(t, &file);
	finish(t);
	measure_stop(&measure, t);
	progress_clear();
	report(form, "send", t, &measure, &file, NULL);
}

static void print_usage(void)
{
	puts("Usage: zcpoolctl send [OPTION]... FILE SOCKET\n"
	     "Send FILE to the 'zcpoolctl recv' that listens at SOCKET, through buffers both\n"
	     "processes map. Waits 5 seconds for the receiver to appear.\n\n"
	     "  --pool NAME         the pool to have buffers from, or its path (default: default)\n"
	     "  --via HOW           zcpool, memfd or pipe (default: zcpool)\n"
	     "  --buffers N         buffers in flight, 1 to 128 (default: 8)\n"
	     "  --buffer-size SIZE  bytes of a buffer, K, M or G may follow; rounded up to 4K\n"
	     "                      (default: 4M; with --via pipe 128K)\n"
	     "  --node N            have the memory on this NUMA node (default: the CPU's)\n"
	     "  --json              print the figures as one JSON object\n"
	     "  --quiet             print no figures and no progress bar\n"
	     "  --help              show this\n\n"
	     "Exit status: 0 sent; 1 failed; 2 wrong usage; 3 no such pool; 4 no memory;\n"
	     "5 the peer died or is no zcpoolctl. See zcpoolctl(1).");
}

static uint64_t parse_buffer_size(const char *text)
{
	uint64_t size;

	if (!size_parse(text, &size) || !size || size > MAX_BUFFER_SIZE)
		die_usage("send", "--buffer-size takes a size from 1 to 1G, not '%s'", text);
	return (size + DIRECT_BLOCK - 1) / DIRECT_BLOCK * DIRECT_BLOCK;
}

/* Returns false where --help was asked for and printed. */
static bool parse_options(int argc, char **argv, struct transfer *t, enum report_form *form)
{
	static const struct option options[] = {
		{ "pool", required_argument, NULL, 'p' },
		{ "via", required_argument, NULL, 'v' },
		{ "buffers", required_argument, NULL, 'b' },
		{ "buffer-size", required_argument, NULL, 's' },
		{ "node", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'p':
			t->pool_name = optarg;
			break;
		case 'v':
			t->via = transport_find(optarg);
			if (!t->via)
				die_usage("send", "--via takes zcpool, memfd or pipe, not '%s'",
					  optarg);
			break;
		case 'b':
			t->nr_buffers = parse_number("send", "--buffers", optarg, 1,
						     MAX_BUFFERS);
			break;
		case 's':
			t->buffer_size = parse_buffer_size(optarg);
			break;
		case 'n':
			t->node = parse_number("send", "--node", optarg, 0, MAX_NODES - 1);
			break;
		case 'j':
			*form = REPORT_JSON;
			break;
		case 'q':
			*form = REPORT_QUIET;
			break;
		case 'h':
			print_usage();
			return false;
		default:
			exit(STATUS_USAGE);
		}
	}
	return true;
}

int cmd_send(int argc, char **argv)
{
	static struct transfer t = {
		.via = &transport_zcpool,
		.pool_name = ZCPOOL_DEFAULT,
		.node = -1,
		.pool = -1,
		.pipe = -1,
	};
	enum report_form form = REPORT_HUMAN;

	if (!parse_options(argc, argv, &t, &form))
		return 0;
	if (argc - optind != 2)
		die_usage("send", "send takes FILE and SOCKET");
	if (!t.nr_buffers)
		t.nr_buffers = t.via->nr_buffers;
	if (!t.buffer_size)
		t.buffer_size = t.via->buffer_size;
	t.name = argv[optind];
	signal(SIGPIPE, SIG_IGN);
	run(&t, argv[optind + 1], form);
	return 0;
}
