// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=128M */
/*
 * zcpoolctl's send and recv with a peer that means harm, or is of another version: this
 * program is that peer. What recv digests and what it writes are the same bytes, whatever
 * the sender does to the memory that it has sent. And its revoke, of what is pinned here.
 */
#include "zcpool_test.h"
#include <sys/prctl.h>
#include <sys/un.h>
#include <zcpool.h>
#include "../tools/zcpoolctl/proto.h"

#define BYTES		(2 * CHUNK)
#define ROUNDS		8

/* Exit statuses of zcpoolctl */
#define FAILED		1
#define PINNED		6
#define BAD_PEER	5

/* A zcpoolctl, in a directory of its own, and the way to it */
struct ctl {
	pid_t pid;
	int sock;
	char dir[32];
	char sock_path[64];
	char out_path[64];
};

static char *in_dir(const struct ctl *c, const char *name, char path[64])
{
	snprintf(path, 64, "%s/%s", c->dir, name);
	return path;
}

static int make_dir(struct ctl *c)
{
	snprintf(c->dir, sizeof(c->dir), "/tmp/zcpool.XXXXXX");
	if (!mkdtemp(c->dir))
		return -1;
	in_dir(c, "socket", c->sock_path);
	in_dir(c, "out", c->out_path);
	return 0;
}

static void to_file(const struct ctl *c, const char *name, int fd)
{
	char path[64];

	dup2(open(in_dir(c, name, path), O_WRONLY | O_CREAT | O_TRUNC, 0600), fd);
}

/* Runs zcpoolctl with these arguments; what it prints goes to files. */
static void run(struct ctl *c, const char *a, const char *b, const char *d, const char *e)
{
	const char *bin = getenv("ZCPOOL_BIN");
	char program[256];

	snprintf(program, sizeof(program), "%s/zcpoolctl", bin ? bin : "../tools/out");
	c->pid = fork();
	if (c->pid)
		return;
	to_file(c, "stdout", STDOUT_FILENO);
	to_file(c, "stderr", STDERR_FILENO);
	execl(program, "zcpoolctl", a, b, d, e, NULL);
	_exit(127);
}

static struct sockaddr_un address_of(const struct ctl *c)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, c->sock_path, sizeof(c->sock_path));
	return address;
}

/* Starts a recv, OUT and all, and connects to it. how is an option. */
static void start_recv(struct __test_metadata *_metadata, struct ctl *c, const char *how)
{
	struct sockaddr_un address;
	int i;

	run(c, "recv", how, c->sock_path, c->out_path);
	address = address_of(c);
	c->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ASSERT_LE(0, c->sock);
	for (i = 0; i < POLL_TRIES; i++) {
		if (!connect(c->sock, (struct sockaddr *)&address, sizeof(address)))
			return;
		usleep(POLL_USEC);
	}
	ASSERT_TRUE(false) TH_LOG("recv does not listen");
}

static int say(const struct ctl *c, enum message_type type, struct message *m, int fd)
{
	m->magic = PROTO_MAGIC;
	if (!m->version)
		m->version = PROTO_VERSION;
	m->type = type;
	return zcpool_send(c->sock, fd, m, sizeof(*m));
}

/* Whether a message of that type comes, and perhaps a descriptor with it */
static bool hear(const struct ctl *c, enum message_type type, struct message *m, int *fd)
{
	return zcpool_recv(c->sock, fd, m, sizeof(*m)) == sizeof(*m) && m->type == type;
}

/* For one buffer, that many times */
static void say_hello(struct __test_metadata *_metadata, const struct ctl *c, unsigned int times)
{
	struct message m = {
		.nr_buffers = 1, .buffer_size = BYTES, .bytes = (uint64_t)times * BYTES,
		.via = "zcpool", .text = "name",
	};

	ASSERT_EQ(0, say(c, MSG_HELLO, &m, -1));
}

static void hear_hello(struct __test_metadata *_metadata, const struct ctl *c, uint32_t flags)
{
	struct message m;
	int fd;

	ASSERT_TRUE(hear(c, MSG_HELLO, &m, &fd));
	EXPECT_EQ(-1, fd);
	EXPECT_EQ(flags, m.flags);
}

static void send_buffer(struct __test_metadata *_metadata, const struct ctl *c, int buf)
{
	struct message m = { .bytes = BYTES };

	ASSERT_EQ(0, say(c, MSG_DATA, &m, buf));
}

static void finish(struct __test_metadata *_metadata, const struct ctl *c, unsigned int times)
{
	struct message m = { .bytes = (uint64_t)times * BYTES };
	int fd;

	ASSERT_EQ(0, say(c, MSG_END, &m, -1));
	ASSERT_TRUE(hear(c, MSG_DONE, &m, &fd));
}

static void put_away(struct ctl *c)
{
	static const char * const names[] = { "socket", "out", "copy", "stdout", "stderr" };
	char path[64];
	size_t i;

	if (c->sock >= 0)
		close(c->sock);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		unlink(in_dir(c, names[i], path));
	rmdir(c->dir);
}

/* Whether a file of the directory has the text in it */
static bool says(const struct ctl *c, const char *name, const char *text)
{
	char path[64], what[1024];
	ssize_t n = 0;
	int fd = open(in_dir(c, name, path), O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		n = read(fd, what, sizeof(what) - 1);
	close(fd);
	what[n > 0 ? n : 0] = '\0';
	if (strstr(what, text))
		return true;
	printf("# %s: %s\n", name, what);
	return false;
}

static void expect_end(struct __test_metadata *_metadata, struct ctl *c, int status,
		       const char *message)
{
	EXPECT_EQ(status, child_status(c->pid));
	EXPECT_TRUE(says(c, "stderr", message));
	put_away(c);
}

/* Whether what recv printed is the digest of a file */
static bool digest_is_of(const struct ctl *c, const char *name)
{
	char path[64], command[128], digest[65] = "";
	FILE *f;

	snprintf(command, sizeof(command), "sha256sum < %s", in_dir(c, name, path));
	f = popen(command, "re");
	if (!f || fread(digest, 1, 64, f) != 64)
		return false;
	pclose(f);
	return says(c, "stdout", digest);
}

/*
 * Sends a buffer to a recv whose OUT is a FIFO. Once something has come out of that, all is
 * digested, and all but the FIFO's 64 KiB of it yet to be written: then the sender changes
 * the end of it, by its mapping and by its descriptor. Returns what came in a mapping.
 */
static char *change_after_digest(struct __test_metadata *_metadata, struct ctl *c, int pool,
				 const char *how, uint32_t flags)
{
	int buf, out, copy;
	char *p, *got;
	size_t n = 1;
	char path[64];
	ssize_t ret;

	ASSERT_EQ(0, make_dir(c));
	ASSERT_EQ(0, mkfifo(c->out_path, 0600));
	out = open(c->out_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, out);
	copy = open(in_dir(c, "copy", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_EQ(0, ftruncate(copy, BYTES));
	got = mmap(NULL, BYTES, RDWR, MAP_SHARED, copy, 0);
	ASSERT_NE(MAP_FAILED, got);

	p = map_new(_metadata, pool, BYTES, &buf);
	fill(p, BYTES, 5);
	start_recv(_metadata, c, how);
	say_hello(_metadata, c, 1);
	hear_hello(_metadata, c, flags);
	ASSERT_EQ(0, fcntl(out, F_SETFL, 0));
	send_buffer(_metadata, c, buf);
	ASSERT_EQ(1, read(out, got, 1));
	EXPECT_EQ(!flags, writable(p + BYTES - PAGE));
	EXPECT_EQ(flags ? -1 : 1, pwrite(buf, "x", 1, BYTES - 1));
	for (; n < BYTES; n += ret) {
		ret = read(out, got + n, BYTES - n);
		ASSERT_LT(0, ret);
	}
	munmap(p, BYTES);
	close(buf);
	close(out);
	close(copy);
	return got;
}

static void end_of_change(struct __test_metadata *_metadata, struct ctl *c, char *got)
{
	struct message m;
	int fd;

	ASSERT_TRUE(hear(c, MSG_RETURN, &m, &fd));
	close(fd);
	finish(_metadata, c, 1);
	EXPECT_EQ(0, child_status(c->pid));
	munmap(got, BYTES);
}

TEST_F(pool, change_after_digest)
{
	struct ctl c;
	char *got;

	got = change_after_digest(_metadata, &c, self->fd, "--quiet", HELLO_MOVES);
	EXPECT_TRUE(filled(got, BYTES, 5));
	end_of_change(_metadata, &c, got);
	EXPECT_TRUE(digest_is_of(&c, "copy"));
	put_away(&c);
}

/* What --share is the choice of */
TEST_F(pool, change_after_digest_of_shared)
{
	struct ctl c;
	char *got;

	got = change_after_digest(_metadata, &c, self->fd, "--share", 0);
	EXPECT_FALSE(filled(got, BYTES, 5));
	end_of_change(_metadata, &c, got);
	EXPECT_FALSE(digest_is_of(&c, "copy"));
	put_away(&c);
}

/* Writes to all of a buffer, again and again, until it has it no more. */
static pid_t start_scribbler(volatile unsigned long *p)
{
	unsigned long round, i;
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (round = 0;; round++) {
		for (i = 0; i < BYTES / sizeof(*p); i += 32)
			p[i] = round + i;
	}
}

TEST_F(pool, scribbling_sender)
{
	int buf, new, round;
	struct message m;
	struct ctl c;
	pid_t pid;
	char *p;

	ASSERT_EQ(0, make_dir(&c));
	p = map_new(_metadata, self->fd, BYTES, &buf);
	start_recv(_metadata, &c, "--quiet");
	say_hello(_metadata, &c, ROUNDS);
	hear_hello(_metadata, &c, HELLO_MOVES);
	for (round = 0; round < ROUNDS; round++) {
		pid = start_scribbler((unsigned long *)p);
		send_buffer(_metadata, &c, buf);
		ASSERT_TRUE(hear(&c, MSG_RETURN, &m, &new));
		EXPECT_EQ(128 + SIGBUS, child_status(pid));
		munmap(p, BYTES);
		close(buf);
		buf = new;
		p = buf_map(buf, BYTES, 0);
		ASSERT_NE(MAP_FAILED, p);
	}
	finish(_metadata, &c, ROUNDS);
	EXPECT_EQ(0, child_status(c.pid));
	EXPECT_TRUE(digest_is_of(&c, "out"));
	munmap(p, BYTES);
	close(buf);
	put_away(&c);
}

/* Sends fd as the one buffer to a recv that has to refuse it. */
static void refused(struct __test_metadata *_metadata, int fd, int status, const char *message)
{
	struct ctl c;

	ASSERT_EQ(0, make_dir(&c));
	start_recv(_metadata, &c, "--quiet");
	say_hello(_metadata, &c, 1);
	hear_hello(_metadata, &c, HELLO_MOVES);
	send_buffer(_metadata, &c, fd);
	expect_end(_metadata, &c, status, message);
}

TEST_F(pool, buffers_not_to_be_had)
{
	int memfd, buf, ro;

	memfd = memfd_create("buffer", MFD_CLOEXEC);
	buf = buf_alloc(self->fd, BYTES, 0, -1);
	ro = zcpool_open_ro(buf);
	ASSERT_LE(0, ro);
	refused(_metadata, memfd, BAD_PEER, "a descriptor that is no zcpool buffer");
	refused(_metadata, ro, BAD_PEER, "a buffer that is for reading only");
	refused(_metadata, -1, BAD_PEER, "is not a zcpoolctl sender");
	EXPECT_EQ(0, zcpool_seal(buf, ZCPOOL_SEAL_REVOKE));
	refused(_metadata, buf, BAD_PEER, "has sealed a buffer against being taken over");
	close(ro);
	close(buf);
	buf = buf_alloc(self->fd, BYTES, 0, -1);
	EXPECT_EQ(0, zcpool_revoke(buf, 0, NULL));
	refused(_metadata, buf, BAD_PEER, "a buffer that has been taken away");
	close(buf);
	close(memfd);
}

/* A buffer of which a pipe holds a page, which is the only one or one of a chunk */
static char *map_pinned(struct __test_metadata *_metadata, int pool, size_t len, int *buf,
			int pipes[2])
{
	char *p = map_new(_metadata, pool, len, buf);

	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	ASSERT_EQ(PAGE, (size_t)gift(pipes[1], p, PAGE));
	return p;
}

static void unpin(int pipes[2])
{
	close(pipes[0]);
	close(pipes[1]);
}

TEST_F(pool, pinned_buffer)
{
	int buf, pipes[2];
	char *p;

	p = map_pinned(_metadata, self->fd, BYTES, &buf, pipes);
	refused(_metadata, buf, FAILED, "something has held its memory");
	/* Nothing has changed for the sender. */
	EXPECT_TRUE(writable(p));
	unpin(pipes);
	munmap(p, BYTES);
	close(buf);
}

/* The pipe lets go while recv tries. */
TEST_F(pool, pinned_for_a_moment)
{
	int buf, new, pipes[2];
	struct message m;
	struct ctl c;
	char *p;

	ASSERT_EQ(0, make_dir(&c));
	p = map_pinned(_metadata, self->fd, BYTES, &buf, pipes);
	start_recv(_metadata, &c, "--quiet");
	say_hello(_metadata, &c, 1);
	hear_hello(_metadata, &c, HELLO_MOVES);
	send_buffer(_metadata, &c, buf);
	unpin(pipes);
	ASSERT_TRUE(hear(&c, MSG_RETURN, &m, &new));
	finish(_metadata, &c, 1);
	EXPECT_EQ(0, child_status(c.pid));
	put_away(&c);
	munmap(p, BYTES);
	close(buf);
	close(new);
}

enum pin { STAYS, IS_LET_GO };

/* Runs a revoke of a page that is pinned, and then perhaps let go of. */
static void revoke_pinned(struct __test_metadata *_metadata, int pool, enum pin pin,
			  const char *option, int status, const char *message)
{
	struct zcpool_buf_info bi;
	struct ctl c = { .sock = -1 };
	int buf, pipes[2];
	char id[32];
	char *p;

	ASSERT_EQ(0, make_dir(&c));
	p = map_pinned(_metadata, pool, PAGE, &buf, pipes);
	ASSERT_EQ(0, zcpool_buf_info(buf, &bi));
	snprintf(id, sizeof(id), "%llu", bi.id);
	run(&c, "revoke", option, id, NULL);
	while (pin == IS_LET_GO && !zcpool_buf_info(buf, &bi))
		usleep(POLL_USEC);
	if (pin == IS_LET_GO)
		unpin(pipes);
	EXPECT_EQ(status, child_status(c.pid));
	EXPECT_TRUE(says(&c, "stdout", message));
	if (pin == STAYS)
		unpin(pipes);
	put_away(&c);
	munmap(p, PAGE);
	close(buf);
}

TEST_F(pool, revoke_pinned)
{
	revoke_pinned(_metadata, self->fd, STAYS, "--wait=0", PINNED, "4 KiB are still pinned");
	revoke_pinned(_metadata, self->fd, STAYS, "--json", PINNED, "\"pinned_bytes\": 4096}");
	revoke_pinned(_metadata, self->fd, IS_LET_GO, "--wait=1000", 0, "revoked buffer");
}

TEST_F(pool, older_sender)
{
	struct message m = { .version = 1, .nr_buffers = 1, .buffer_size = BYTES };
	struct ctl c;
	int fd;

	ASSERT_EQ(0, make_dir(&c));
	start_recv(_metadata, &c, "--quiet");
	ASSERT_EQ(0, say(&c, MSG_HELLO, &m, -1));
	ASSERT_TRUE(hear(&c, MSG_GIVE_UP, &m, &fd));
	expect_end(_metadata, &c, BAD_PEER,
		   "the sender speaks version 1 of the protocol, this zcpoolctl version 2");
}

/* Accepts a send of some bytes, and hears its HELLO. */
static void start_send(struct __test_metadata *_metadata, struct ctl *c)
{
	struct sockaddr_un address;
	struct message m;
	char path[64];
	int listener, fd;

	ASSERT_EQ(0, make_dir(c));
	address = address_of(c);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, bind(listener, (struct sockaddr *)&address, sizeof(address)));
	ASSERT_EQ(0, listen(listener, 1));
	fd = open(in_dir(c, "copy", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_EQ(0, ftruncate(fd, BYTES));
	close(fd);
	run(c, "send", "--quiet", path, c->sock_path);
	c->sock = accept(listener, NULL, NULL);
	ASSERT_LE(0, c->sock);
	close(listener);
	ASSERT_TRUE(hear(c, MSG_HELLO, &m, &fd));
}

/* A send gets something back that is not what it has sent. */
static void gets_back(struct __test_metadata *_metadata, int fd, const char *message)
{
	struct message m = { .flags = HELLO_MOVES };
	struct ctl c;
	int buf;

	start_send(_metadata, &c);
	ASSERT_EQ(0, say(&c, MSG_HELLO, &m, -1));
	ASSERT_TRUE(hear(&c, MSG_DATA, &m, &buf));
	EXPECT_LE(0, buf);
	close(buf);
	m = (struct message){ .index = 0 };
	ASSERT_EQ(0, say(&c, MSG_RETURN, &m, fd));
	expect_end(_metadata, &c, BAD_PEER, message);
}

TEST_F(pool, dishonest_receiver)
{
	int memfd, buf, ro;

	memfd = memfd_create("buffer", MFD_CLOEXEC);
	buf = buf_alloc(self->fd, PAGE, 0, -1);
	ro = zcpool_open_ro(buf);
	ASSERT_LE(0, ro);
	gets_back(_metadata, -1, "is not a zcpoolctl receiver");
	gets_back(_metadata, memfd, "what the receiver gave back cannot be used as a buffer");
	gets_back(_metadata, ro, "what the receiver gave back cannot be used as a buffer");
	gets_back(_metadata, buf, "the receiver gave back a smaller buffer than it got");
	close(memfd);
	close(buf);
	close(ro);
}

TEST_F(pool, older_receiver)
{
	struct message m = { .version = 1 };
	struct ctl c;

	start_send(_metadata, &c);
	ASSERT_EQ(0, say(&c, MSG_HELLO, &m, -1));
	expect_end(_metadata, &c, BAD_PEER,
		   "the receiver speaks version 1 of the protocol, this zcpoolctl version 2");
}

TEST_HARNESS_MAIN
