// SPDX-License-Identifier: GPL-2.0
/* module: none */
/*
 * The module's parameters: what is taken and what comes of it, what is not and what is said
 * then. Each is a load of its own.
 */
#include "zcpool_test.h"
#include "lib/module.h"

/* From here on the kernel's log is looked at. */
static int log_open(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	lseek(log, 0, SEEK_END);
	return log;
}

/*
 * The module's next line, without its name; NULL if there is no more. That it is not the
 * kernel's own, the kernel says once.
 */
static const char *log_line(int log)
{
	static char record[8192];
	char *text;
	ssize_t n;

	for (;;) {
		n = read(log, record, sizeof(record) - 1);
		if (n <= 0)
			return NULL;
		record[n] = 0;
		text = strstr(record, ";zcpool: ");
		if (text && !strstr(text, "taint"))
			return strtok(text + strlen(";zcpool: "), "\n");
	}
}

static bool starts_with(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* The parameters, and what is then kept on each node, in MiB */
struct good {
	const char *params;
	unsigned int reserve[2];
};

static void accepted(struct __test_metadata *_metadata, const struct good *g)
{
	const unsigned int nodes = node_exists(1) ? 2 : 1;
	struct zcpool_info pi;
	unsigned int node;
	const char *line;
	int log, pool;

	log = log_open();
	ASSERT_EQ(0, module_load(g->params))
		TH_LOG("%s", g->params);
	pool = pool_open();
	ASSERT_LE(0, pool);
	for (node = 0; node < nodes; node++) {
		ASSERT_EQ(0, pool_info(pool, node, &pi));
		EXPECT_EQ(g->reserve[node] * MIB, pi.reserve_bytes)
			TH_LOG("%s: on node %u", g->params, node);
		/* Nothing is lost. */
		EXPECT_EQ(pi.reserve_bytes, pi.total_bytes);
	}
	close(pool);
	line = log_line(log);
	EXPECT_TRUE(line && starts_with(line, "default: ") && !log_line(log))
		TH_LOG("%s: there is not one line for the pool", g->params);
	close(log);
	EXPECT_EQ(0, module_unload());
}

TEST(good)
{
	static const struct good all[] = {
		{ "reserve=8M", { 8, 8 } },
		{ "reserve=8192K", { 8, 8 } },
		{ "reserve=8388608", { 8, 8 } },
		{ "reserve=8m", { 8, 8 } },
		{ "reserve=0", { 0, 0 } },
		{ "reserve=1", { 2, 2 } },
		{ "reserve=3M", { 4, 4 } },
		{ "reserve=0:8M", { 8, 0 } },
		{ "reserve=8M max=16M", { 8, 8 } },
		{ "max=2M", { 0, 0 } },
		{ "max=1G", { 0, 0 } },
	}, of_two_nodes[] = {
		{ "reserve=1:8M", { 0, 8 } },
		{ "reserve=0:8M,1:4M", { 8, 4 } },
		{ "reserve=1:4M,0:8M", { 8, 4 } },
		{ "reserve=0:0,1:6M max=6M", { 0, 6 } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		accepted(_metadata, all + i);
	for (i = 0; node_exists(1) && i < ARRAY_SIZE(of_two_nodes); i++)
		accepted(_metadata, of_two_nodes + i);
}

/* One line in the log says which parameter is wrong, this one or that. */
static void refused(struct __test_metadata *_metadata, const char *params, const char *name,
		    const char *or_name)
{
	int log = log_open(), err = module_load(params);
	const char *line = log_line(log);

	EXPECT_EQ(-EINVAL, err)
		TH_LOG("%s", params);
	EXPECT_TRUE(line && (starts_with(line, name) || starts_with(line, or_name)))
		TH_LOG("%s: the log says: %s", params, line ? line : "nothing");
	EXPECT_EQ(NULL, log_line(log));
	close(log);
	if (!err)
		EXPECT_EQ(0, module_unload());
}

TEST(bad_reserve)
{
	static const char *const values[] = {
		"x", "M", "8X", "8MM", "-8M", "8M,", ",8M", "8M,8M", "0:8M,", "0:8M,,1:8M",
		"0:8M,0:8M", "0:8M,8M", "8M,1:8M", "0:", ":8M", "0:x", "7:8M", "1024:8M",
		"99999999999:8M", "-1:8M", "x:8M", "0:8M:1", "0:8M,1:-1",
		"99999999999999999999", "18446744073709551615", "8M.5", "0x8",
	};
	char params[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		snprintf(params, sizeof(params), "reserve=%s", values[i]);
		refused(_metadata, params, "reserve: ", "reserve: ");
	}
	refused(_metadata, "reserve=64M max=32M", "reserve: ", "max: ");
	refused(_metadata, "user_max=much", "user_max: ", "user_max: ");
	refused(_metadata, "reserve=0:40M,1:40M max=64M", "reserve: ", "max: ");
	if (node_exists(1))
		refused(_metadata, "reserve=32M max=32M", "reserve: ", "max: ");
}

TEST(bad_max)
{
	static const char *const values[] = {
		"0", "x", "8X", "-1", "8M,", "1:8M", "8M8", "64G", "99999999999999999999",
		"18446744073709551615",
	};
	char params[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		snprintf(params, sizeof(params), "max=%s", values[i]);
		refused(_metadata, params, "max: ", "max: ");
	}
}

static void expect_parameter(struct __test_metadata *_metadata, const char *name,
			     const char *value)
{
	char path[64], text[64] = "";
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/sys/module/zcpool/parameters/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	EXPECT_LT(0, read(fd, text, sizeof(text) - 1));
	EXPECT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0444, st.st_mode & 07777);
	close(fd);
	text[strcspn(text, "\n")] = 0;
	EXPECT_STREQ(value, text);
}

TEST(can_be_read)
{
	const char *reserve = node_exists(1) ? "reserve=0:4M,1:6M" : "reserve=0:4M";
	char params[64];

	snprintf(params, sizeof(params), "%s max=64M", reserve);
	ASSERT_EQ(0, module_load(params));
	expect_parameter(_metadata, "reserve", strchr(reserve, '=') + 1);
	expect_parameter(_metadata, "max", "64M");
	EXPECT_EQ(0, module_unload());
}

TEST_HARNESS_MAIN
