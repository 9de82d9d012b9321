// SPDX-License-Identifier: GPL-2.0
/* zcpoolctl pool list, zcpoolctl pool show: what pools there are, and what one is. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <zcpool.h>
#include "info.h"
#include "mounts.h"
#include "pool_verbs.h"
#include "quota.h"
#include "users.h"
#include "zcpoolctl.h"

#define NOT_KNOWN	UINT64_MAX

/* A pool, as far as it can be looked at: who may not open it knows where it is mounted. */
struct pool {
	const char *name;
	const struct mounts *mounts;
	int fd;				/* or -1 */
	struct zcpool_info info;
	uint64_t files;			/* these two may be NOT_KNOWN */
	uint64_t buffers;
};

/* Files and all else that has a name, as df -i counts them */
static uint64_t count_files(const struct mount *m)
{
	struct statvfs fs;

	if (!m || statvfs(m->path, &fs) || !fs.f_files)
		return NOT_KNOWN;
	return fs.f_files - fs.f_ffree;
}

/* By its device, or by its mount: one of them may be permitted. */
static int open_pool(const char *name, const struct mount *m)
{
	int fd = zcpool_open(name);

	if (fd < 0 && m)
		fd = zcpool_open(m->path);
	return fd;
}

static void look_at(struct pool *p, const char *name, const struct mounts *mounts)
{
	const struct mount *m = mounts_find(mounts, name);
	struct belongings b = { .pool = name };

	memset(p, 0, sizeof(*p));
	p->name = name;
	p->mounts = mounts;
	p->fd = open_pool(name, m);
	if (p->fd >= 0 && zcpool_info(p->fd, -1, &p->info))
		die(STATUS_TRANSFER, "cannot ask pool '%s': %s", name, strerror(errno));
	p->files = count_files(m);
	p->buffers = buffers_read(&b) ? b.nr_buffers : NOT_KNOWN;
	free(b.buffers);
}

/* The next place where the pool is mounted, from *i on; NULL at the end */
static const struct mount *next_mount(const struct pool *p, size_t *i)
{
	while (*i < p->mounts->nr) {
		const struct mount *m = &p->mounts->at[(*i)++];

		if (!strcmp(m->pool, p->name))
			return m;
	}
	return NULL;
}

static void print_mounts(const struct pool *p, const char *none)
{
	const struct mount *m;
	const char *before = "";
	size_t i = 0;

	while ((m = next_mount(p, &i))) {
		make_printable(m->path);
		printf("%s%s", before, m->path);
		before = ", ";
	}
	puts(*before ? "" : none);
}

static void json_number(const char *key, uint64_t n)
{
	if (n == NOT_KNOWN)
		printf("\"%s\": null, ", key);
	else
		printf("\"%s\": %llu, ", key, (unsigned long long)n);
}

/* What list and show both say of a pool, with a comma after it */
static void json_begin(const struct pool *p)
{
	const struct mount *m;
	const char *before = "";
	size_t i = 0;

	printf("{\"pool\": ");
	json_string(stdout, p->name);
	printf(", \"mounts\": [");
	while ((m = next_mount(p, &i))) {
		printf("%s", before);
		json_string(stdout, m->path);
		before = ", ";
	}
	printf("], ");
}

/* An object; all its values are strings, as mount(8) takes them. */
static void json_options(const struct pool *p)
{
	const struct mount *m = mounts_find(p->mounts, p->name);
	char *copy = strdup(m ? m->options : "");
	char *list = copy, *option, *equals;
	const char *before = "";

	if (!copy)
		die(STATUS_NO_MEMORY, "no memory");
	printf("\"options\": {");
	while ((option = strsep(&list, ","))) {
		if (!*option)
			continue;
		equals = strchr(option, '=');
		if (equals)
			*equals++ = '\0';
		printf("%s", before);
		json_string(stdout, option);
		printf(": ");
		json_string(stdout, equals ? equals : "");
		before = ", ";
	}
	printf("}");
	free(copy);
}

/* Who has memory of it: an array, or null where that is not known */
static void json_users(const struct pool *p)
{
	size_t i, nr;
	struct holder *holders = holders_read(p->name, &nr);

	printf("\"users\": %s", holders ? "[" : "null, ");
	for (i = 0; holders && i < nr; i++)
		printf("%s{\"uid\": %lu, \"bytes\": %llu}", i ? ", " : "", holders[i].uid,
		       (unsigned long long)holders[i].held);
	if (holders)
		printf("], ");
	free(holders);
}

static void print_users(const struct pool *p)
{
	size_t i, nr;
	struct holder *holders = holders_read(p->name, &nr);
	const struct passwd *who;
	char held[SIZE_TEXT];

	for (i = 0; i < nr; i++) {
		who = getpwuid(holders[i].uid);
		printf("  %-12s%lu%s%s%s: %s\n", "user", holders[i].uid, who ? " (" : "",
		       who ? who->pw_name : "", who ? ")" : "",
		       size_text(held, holders[i].held));
	}
	free(holders);
}

static void show_json(const struct pool *p)
{
	json_begin(p);
	json_number("files", p->files);
	json_number("buffers", p->buffers);
	json_number("user_max_bytes", p->info.user_max_bytes);
	json_users(p);
	info_json(p->fd, &p->info);
	printf(", ");
	json_options(p);
	puts("}");
}

static void print_count(const char *what, uint64_t n)
{
	if (n == NOT_KNOWN)
		printf("  %-12s-\n", what);
	else
		printf("  %-12s%llu\n", what, (unsigned long long)n);
}

static void show_human(const struct pool *p)
{
	const struct mount *m = mounts_find(p->mounts, p->name);
	char max[SIZE_TEXT];

	printf("pool %s\n", p->name);
	printf("  %-12s", "mounted at");
	print_mounts(p, "-");
	printf("  %-12s%s/%s\n", "device", ZCPOOL_DEV_DIR, p->name);
	printf("  %-12s%s\n", "options", m && *m->options ? m->options : "-");
	printf("  %-12s%s\n", "max", size_text(max, p->info.max_bytes));
	print_count("files", p->files);
	print_count("buffers", p->buffers);
	print_users(p);
	info_table(p->fd, &p->info);
}

/* Names of pools, each once, sorted */
struct names {
	const char **at;
	size_t nr;
};

static void add_name(struct names *names, const char *name)
{
	const char **more;
	size_t i;

	for (i = 0; i < names->nr; i++) {
		if (!strcmp(names->at[i], name))
			return;
	}
	more = realloc(names->at, (names->nr + 1) * sizeof(*more));
	name = strdup(name);
	if (!more || !name)
		die(STATUS_NO_MEMORY, "no memory");
	names->at = more;
	names->at[names->nr++] = name;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char * const *)a, *(const char * const *)b);
}

/* Those that are mounted here, and those that have a device */
static void find_all(struct names *names, const struct mounts *mounts)
{
	DIR *dir = opendir(ZCPOOL_DEV_DIR);
	struct dirent *e;
	size_t i;

	for (i = 0; i < mounts->nr; i++)
		add_name(names, mounts->at[i].pool);
	while (dir && (e = readdir(dir))) {
		if (e->d_type == DT_CHR)
			add_name(names, e->d_name);
	}
	if (dir)
		closedir(dir);
	if (!names->nr)
		die(STATUS_NO_POOL,
		    "there are no pools; is the module loaded? Try 'modprobe zcpool'");
	qsort(names->at, names->nr, sizeof(*names->at), by_name);
}

static void list_json(const struct names *names, const struct mounts *mounts)
{
	struct pool p;
	size_t i;

	printf("{\"pools\": [");
	for (i = 0; i < names->nr; i++) {
		look_at(&p, names->at[i], mounts);
		printf("%s", i ? ", " : "");
		json_begin(&p);
		json_number("max_bytes", p.fd < 0 ? NOT_KNOWN : p.info.max_bytes);
		json_number("reserve_bytes", p.fd < 0 ? NOT_KNOWN : p.info.reserve_bytes);
		json_number("total_bytes", p.fd < 0 ? NOT_KNOWN : p.info.total_bytes);
		json_number("used_bytes", p.fd < 0 ? NOT_KNOWN : p.info.used_bytes);
		json_number("files", p.files);
		json_number("buffers", p.buffers);
		json_options(&p);
		printf("}");
		zcpool_close(p.fd);
	}
	puts("]}");
}

static void list_human(const struct names *names, const struct mounts *mounts)
{
	char max[SIZE_TEXT], reserve[SIZE_TEXT], total[SIZE_TEXT], used[SIZE_TEXT];
	struct pool p;
	size_t i;

	printf("%-16s %11s%12s%12s%12s  %s\n", "pool", "max", "reserve", "total", "used",
	       "mounted at");
	for (i = 0; i < names->nr; i++) {
		look_at(&p, names->at[i], mounts);
		if (p.fd < 0)
			printf("%-16s %11s%12s%12s%12s  ", p.name, "-", "-", "-", "-");
		else
			printf("%-16s %11s%12s%12s%12s  ", p.name,
			       size_text(max, p.info.max_bytes),
			       size_text(reserve, p.info.reserve_bytes),
			       size_text(total, p.info.total_bytes),
			       size_text(used, p.info.used_bytes));
		print_mounts(&p, "-");
		zcpool_close(p.fd);
	}
}

static void print_usage(const char *verb)
{
	if (!strcmp(verb, "pool list"))
		puts("Usage: zcpoolctl pool list [OPTION]...\n"
		     "Show which pools there are, where they are mounted, and what they have.\n\n"
		     "  --json  print one JSON object, sizes in bytes\n"
		     "  --help  show this");
	else
		puts("Usage: zcpoolctl pool show [OPTION]... NAME\n"
		     "Show where the pool NAME is mounted, its options, and what it has.\n"
		     "NAME may be a path, in a mount or of a device.\n\n"
		     "  --json  print one JSON object, sizes in bytes\n"
		     "  --help  show this");
}

/* Returns false where --help was asked for and printed. */
static bool parse(int argc, char **argv, int nr, bool *as_json)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'j':
			*as_json = true;
			break;
		case 'h':
			print_usage(argv[0]);
			return false;
		default:
			exit(STATUS_USAGE);
		}
	}
	if (argc - optind != nr)
		die_usage(argv[0], "%s takes %s", argv[0], nr ? "the NAME of one pool" : "no NAME");
	return true;
}

int pool_list(int argc, char **argv)
{
	struct names names = { 0 };
	struct mounts mounts;
	bool as_json = false;

	if (!parse(argc, argv, 0, &as_json))
		return 0;
	mounts_read_own(&mounts);
	find_all(&names, &mounts);
	if (as_json)
		list_json(&names, &mounts);
	else
		list_human(&names, &mounts);
	return 0;
}

int pool_show(int argc, char **argv)
{
	const struct mount *m;
	struct mounts mounts;
	bool as_json = false;
	const char *name, *at;
	struct pool p;

	if (!parse(argc, argv, 1, &as_json))
		return 0;
	name = pool_name(argv[optind]);
	mounts_read_own(&mounts);
	look_at(&p, name, &mounts);
	if (p.fd < 0) {
		/* It says why. */
		m = mounts_find(&mounts, name);
		at = m ? m->path : name;
		p.fd = pool_open(&at);
	}
	if (as_json)
		show_json(&p);
	else
		show_human(&p);
	zcpool_close(p.fd);
	return 0;
}
