// SPDX-License-Identifier: GPL-2.0
/* module: reserve=32M max=128M */
/*
 * debugfs "layout": what it says of the kernel's address space is compared with
 * what the kernel says elsewhere, and of the pool with what INFO says.
 */
#include "zcpool_test.h"
#include <linux/capability.h>
#include <linux/elf.h>

#define LAYOUT		"/sys/kernel/debug/zcpool/layout"
#define KPTR_RESTRICT	"/proc/sys/kernel/kptr_restrict"

#if __SIZEOF_LONG__ == 8
#define elf_hdr		elf64_hdr
#define elf_phdr	elf64_phdr
#else
#define elf_hdr		elf32_hdr
#define elf_phdr	elf32_phdr
#endif

struct region {
	char name[16];
	unsigned long long start, end, size, pages, struct_pages, metadata, module;
};

struct way {
	char name[32], page[16], region[16];
	unsigned long long address;
};

struct layout {
	struct region region[8];
	struct way way[8];
	int nr_regions, nr_ways;
	bool no_page;
};

static const char regions_header[] =
	"region start end size pages struct_pages metadata module\n";
static const char ways_header[] = "way page region address\n";

static bool parse_region(const char *line, struct region *r)
{
	char rest;

	if (sscanf(line, "%15s - - %llu %llu %llu %llu %llu %c", r->name, &r->size, &r->pages,
		   &r->struct_pages, &r->metadata, &r->module, &rest) == 6)
		return true;
	return sscanf(line, "%15s %llx %llx %llu %llu %llu %llu %llu %c", r->name, &r->start,
		      &r->end, &r->size, &r->pages, &r->struct_pages, &r->metadata, &r->module,
		      &rest) == 8;
}

static bool parse_way(const char *line, struct way *w)
{
	char rest;

	return sscanf(line, "%31s %15s %15s %llx %c", w->name, w->page, w->region, &w->address,
		      &rest) == 4;
}

static bool parse_layout(FILE *f, struct layout *l)
{
	char line[512];

	memset(l, 0, sizeof(*l));
	if (!fgets(line, sizeof(line), f) || strcmp(line, regions_header))
		return false;
	while (fgets(line, sizeof(line), f) && strcmp(line, "\n"))
		if (l->nr_regions == 8 || !parse_region(line, &l->region[l->nr_regions++]))
			return false;
	if (!fgets(line, sizeof(line), f) || strcmp(line, ways_header))
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (*line == '#')
			l->no_page = true;
		else if (l->nr_ways == 8 || !parse_way(line, &l->way[l->nr_ways++]))
			return false;
	}
	return true;
}

/* Whether the file could be read and has the format it should have */
static bool read_layout(struct layout *l)
{
	FILE *f = fopen(LAYOUT, "re");
	bool ok;

	if (!f)
		return false;
	ok = parse_layout(f, l);
	fclose(f);
	return ok;
}

static struct region *region(struct layout *l, const char *name)
{
	int i;

	for (i = 0; i < l->nr_regions; i++)
		if (!strcmp(l->region[i].name, name))
			return &l->region[i];
	return NULL;
}

static struct way *way(struct layout *l, const char *name)
{
	int i;

	for (i = 0; i < l->nr_ways; i++)
		if (!strcmp(l->way[i].name, name))
			return &l->way[i];
	return NULL;
}

static bool has_high_memory(void)
{
	return file_field("/proc/meminfo", "HighTotal:") > 0;
}

/* Where memory is mapped that always is */
static const char *direct(void)
{
	return has_high_memory() ? "lowmem" : "direct_map";
}

static bool overlap(const struct region *a, const struct region *b)
{
	return a->start < b->end && b->start < a->end;
}

TEST_F(pool, regions)
{
	static const char * const low[] = {
		"direct_map", "vmalloc", "fixmap", "vmemmap", "modules"
	};
	static const char * const high[] = {
		"lowmem", "vmalloc", "fixmap", "pkmap", "modules", "highmem"
	};
	const char * const *want = has_high_memory() ? high : low;
	int nr = has_high_memory() ? ARRAY_SIZE(high) : ARRAY_SIZE(low), i, j;
	struct layout l;
	struct stat st;

	ASSERT_EQ(0, stat(LAYOUT, &st));
	EXPECT_EQ(0400U, st.st_mode & 07777);
	ASSERT_TRUE(read_layout(&l));
	EXPECT_EQ(nr, l.nr_regions);
	for (i = 0; i < nr; i++)
		EXPECT_NE(NULL, region(&l, want[i]))
			TH_LOG("no %s", want[i]);
	for (i = 0; i < l.nr_regions; i++) {
		struct region *a = &l.region[i];

		EXPECT_LT(0, a->size);
		if (!strcmp(a->name, "highmem"))
			continue;
		EXPECT_LT(0, a->start);
		EXPECT_EQ(a->size, a->end - a->start);
		for (j = 0; j < i; j++) {
			struct region *b = &l.region[j];
			bool same = a->start == b->start && a->end == b->end;

			/* 32-bit x86 has its modules in the vmalloc area. */
			EXPECT_TRUE(!overlap(a, b) || (same && has_high_memory()))
				TH_LOG("%s and %s", a->name, b->name);
		}
	}
}

/* The segments of /proc/kcore are the regions that have contents worth a dump. */
TEST_F(pool, regions_of_kcore)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC), i, in_direct = 0;
	bool vmalloc = false, modules = false;
	struct region *d, *v, *m;
	struct elf_phdr ph;
	struct elf_hdr eh;
	struct layout l;
	unsigned long long end;

	if (fd < 0 && errno == ENOENT)
		SKIP(return, "this kernel has no /proc/kcore");
	ASSERT_LE(0, fd);
	ASSERT_TRUE(read_layout(&l));
	d = region(&l, direct());
	v = region(&l, "vmalloc");
	m = region(&l, "modules");
	ASSERT_TRUE(d && v && m);
	ASSERT_EQ((ssize_t)sizeof(eh), pread(fd, &eh, sizeof(eh), 0));
	for (i = 0; i < eh.e_phnum; i++) {
		ASSERT_EQ((ssize_t)sizeof(ph),
			  pread(fd, &ph, sizeof(ph), eh.e_phoff + i * sizeof(ph)));
		if (ph.p_type != PT_LOAD)
			continue;
		end = (ph.p_vaddr + 0ULL + ph.p_memsz + PAGE - 1) / PAGE * PAGE;
		vmalloc |= ph.p_vaddr == v->start && end == v->end;
		modules |= ph.p_vaddr == m->start && end == m->end;
		in_direct += ph.p_vaddr >= d->start && end <= d->end;
	}
	EXPECT_TRUE(vmalloc);
	EXPECT_TRUE(modules);
	EXPECT_LT(0, in_direct);
	close(fd);
}

/* An arm64 kernel at a random address may have its modules outside the region of that name. */
TEST_F(pool, regions_of_module)
{
	FILE *f = fopen("/proc/modules", "re");
	unsigned long long size = 0, address = 0, sum = 0;
	struct layout l;
	struct region *r;
	char line[512];
	int i;

	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "zcpool %llu %*s %*s Live %llx", &size, &address) == 2)
			break;
	fclose(f);
	EXPECT_LT(0, size);
	ASSERT_TRUE(read_layout(&l));
	for (i = 0; i < l.nr_regions; i++) {
		r = &l.region[i];
		sum += r->module;
		EXPECT_TRUE(!r->module || (r->start <= address && address < r->end))
			TH_LOG("%llx is not in %s", address, r->name);
	}
	EXPECT_EQ(size, sum);
}

/* High memory by the fixmap's slots; where all memory is mapped, by nothing new */
TEST_F(pool, ways)
{
	static const char * const names[] = { "page_address", "kmap_local_page", "kmap", "vmap" };
	static const char * const low[] = { "direct_map", "direct_map", "direct_map", "vmalloc" };
	static const char * const high[] = { "none", "fixmap", "pkmap", "vmalloc" };
	bool is_high = has_high_memory();
	struct zcpool_info pi;
	struct layout l;
	struct region *r;
	struct way *w;
	unsigned int i;

	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	ASSERT_TRUE(read_layout(&l));
	EXPECT_FALSE(l.no_page);
	EXPECT_EQ((int)ARRAY_SIZE(names), l.nr_ways);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		w = way(&l, names[i]);
		ASSERT_NE(NULL, w);
		EXPECT_STREQ(is_high ? "highmem" : "direct_map", w->page);
		/* What kmap() did before may be undone only when its slot is needed. */
		if (!i && is_high && !strcmp(w->region, "pkmap"))
			continue;
		EXPECT_STREQ((is_high ? high : low)[i], w->region)
			TH_LOG("%s", names[i]);
		if (!strcmp(w->region, "none")) {
			EXPECT_EQ(0, w->address);
			continue;
		}
		r = region(&l, w->region);
		ASSERT_NE(NULL, r);
		EXPECT_LE(r->start, w->address);
		EXPECT_LT(w->address, r->end);
	}
}

/* The first page frame of high memory; 0 if there is none. */
static unsigned long long first_high_pfn(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	bool high = false;
	char line[256];
	unsigned long long pfn = 0;

	if (!f)
		return 0;
	while (!pfn && fgets(line, sizeof(line), f)) {
		if (strstr(line, ", zone "))
			high = strstr(line, "HighMem");
		else if (high && sscanf(line, " start_pfn: %llu", &pfn) == 1)
			break;
	}
	fclose(f);
	return pfn;
}

TEST_F(pool, pages_are_where_they_belong)
{
	const char *home = has_high_memory() ? "highmem" : "direct_map";
	const size_t size = 96 * MIB;
	unsigned long long first = first_high_pfn();
	struct zcpool_info pi;
	struct layout l;
	size_t at;
	char *p;
	int buf, i;

	buf = buf_alloc(self->fd, size, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	ASSERT_TRUE(read_layout(&l));
	EXPECT_LE(size, pi.total_bytes);
	for (i = 0; i < l.nr_regions; i++)
		EXPECT_EQ(strcmp(l.region[i].name, home) ? 0 : pi.total_bytes, l.region[i].pages)
			TH_LOG("%s", l.region[i].name);

	p = buf_map(buf, size, 0);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(has_high_memory(), first != 0);
	for (at = 0; at < size; at += CHUNK / 2) {
		touch_read(p + at, 1);
		EXPECT_LE(first, pfn_of(p + at));
	}
	EXPECT_TRUE(all_zero(p, size));
	munmap(p, size);
	close(buf);
}

/* Free memory in kB, of high memory if there is some; that in the CPUs' lists, too. */
static long free_kb(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	bool high = has_high_memory(), counts = false;
	char line[256], zone[32];
	long n, pages = 0;

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Node %*d, zone %31s", zone) == 1)
			counts = !high || !strcmp(zone, "HighMem");
		else if (counts && (sscanf(line, " pages free %ld", &n) == 1 ||
				    sscanf(line, " count: %ld", &n) == 1))
			pages += n;
	}
	fclose(f);
	return pages * (long)(PAGE / KIB);
}

/* What the pool grows by, the kernel misses: in high memory if it has some, not in low. */
TEST_F(pool, the_kernel_misses_it)
{
	const long slack = 8 * KIB;
	struct zcpool_info pi;
	long there, low, grown;
	int buf;

	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	grown = (pi.max_bytes - pi.total_bytes) / KIB;
	ASSERT_LT(2 * slack, grown);
	there = free_kb();
	low = file_field("/proc/meminfo", "LowFree:");
	buf = buf_alloc(self->fd, pi.max_bytes, ZCPOOL_ALLOC_HUGE, -1);
	ASSERT_LE(0, buf);
	there -= free_kb();
	low -= file_field("/proc/meminfo", "LowFree:");
	EXPECT_LE(grown - slack, there);
	EXPECT_GE(grown + slack, there);
	EXPECT_GE(slack, low);
	close(buf);
}

TEST_F(pool, struct_pages_and_metadata)
{
	const char *home = has_high_memory() ? "lowmem" : "vmemmap";
	struct layout before, l;
	struct zcpool_info pi;
	unsigned long long per_page;
	int buf, i;

	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	ASSERT_TRUE(read_layout(&before));
	for (i = 0; i < before.nr_regions; i++) {
		if (strcmp(before.region[i].name, home))
			EXPECT_EQ(0, before.region[i].struct_pages);
		if (strcmp(before.region[i].name, direct()))
			EXPECT_EQ(0, before.region[i].metadata);
	}
	per_page = region(&before, home)->struct_pages / (pi.total_bytes / PAGE);
	EXPECT_LE(32, per_page);
	EXPECT_GE(128, per_page);
	buf = buf_alloc(self->fd, 16 * MIB, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_TRUE(read_layout(&l));
	EXPECT_LT(region(&before, direct())->metadata, region(&l, direct())->metadata);
	close(buf);
}

TEST_F(pool, nothing_at_hand)
{
	struct zcpool_info pi;
	struct layout l;
	int buf;

	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	buf = buf_alloc(self->fd, pi.max_bytes, 0, -1);
	ASSERT_LE(0, buf);
	ASSERT_EQ(0, pool_info(self->fd, -1, &pi));
	EXPECT_EQ(pi.max_bytes, pi.used_bytes);
	ASSERT_TRUE(read_layout(&l));
	EXPECT_TRUE(l.no_page);
	EXPECT_EQ(0, l.nr_ways);
	close(buf);
	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	ASSERT_TRUE(read_layout(&l));
	EXPECT_FALSE(l.no_page);
}

TEST_F(pool, reading_leaves_no_trace)
{
	struct zcpool_info before, after;
	struct layout l;
	int i;

	ASSERT_EQ(0, pool_wait_idle(self->fd, &before));
	for (i = 0; i < 50; i++)
		ASSERT_TRUE(read_layout(&l));
	ASSERT_EQ(0, pool_wait_idle(self->fd, &after));
	EXPECT_EQ(before.total_bytes, after.total_bytes);
	EXPECT_EQ(before.clean_bytes, after.clean_bytes);
	EXPECT_EQ(before.used_bytes, after.used_bytes);
}

static bool set_kptr_restrict(int value)
{
	FILE *f = fopen(KPTR_RESTRICT, "we");
	bool ok;

	if (!f)
		return false;
	ok = fprintf(f, "%d\n", value) > 0;
	return !fclose(f) && ok;
}

static int drop_cap_syslog(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d))
		return -1;
	d[CAP_TO_INDEX(CAP_SYSLOG)].effective &= ~CAP_TO_MASK(CAP_SYSLOG);
	d[CAP_TO_INDEX(CAP_SYSLOG)].permitted &= ~CAP_TO_MASK(CAP_SYSLOG);
	return syscall(SYS_capset, &h, d);
}

enum { ALL_ADDRESSES, NO_ADDRESS, SOME_ADDRESSES, BAD_FILE };

/* The rest has to be there in any case. */
static int addresses_in(FILE *f)
{
	int i, shown = 0, hidden = 0;
	struct layout l;

	if (!f || !parse_layout(f, &l) || l.nr_regions < 5 || l.nr_ways != 4)
		return BAD_FILE;
	for (i = 0; i < l.nr_regions; i++) {
		if (!l.region[i].size)
			return BAD_FILE;
		if (!strcmp(l.region[i].name, "highmem"))
			continue;
		l.region[i].start && l.region[i].end ? shown++ : hidden++;
	}
	for (i = 0; i < l.nr_ways; i++)
		if (strcmp(l.way[i].region, "none"))
			l.way[i].address ? shown++ : hidden++;
	return !hidden ? ALL_ADDRESSES : !shown ? NO_ADDRESS : SOME_ADDRESSES;
}

/* What a child sees that opens the file before or after it has given up CAP_SYSLOG */
static int without_cap_syslog(bool open_before)
{
	pid_t pid = fork();
	FILE *f = NULL;

	if (pid)
		return child_status(pid);
	if (open_before)
		f = fopen(LAYOUT, "re");
	if (drop_cap_syslog())
		_exit(99);
	if (!open_before)
		f = fopen(LAYOUT, "re");
	_exit(addresses_in(f));
}

static int with_all_rights(void)
{
	FILE *f = fopen(LAYOUT, "re");
	int seen = addresses_in(f);

	if (f)
		fclose(f);
	return seen;
}

TEST_F(pool, addresses_for_who_may_see_them)
{
	int was = file_field(KPTR_RESTRICT, "");
	struct zcpool_info pi;

	ASSERT_LE(0, was);
	ASSERT_EQ(0, pool_wait_idle(self->fd, &pi));
	ASSERT_TRUE(set_kptr_restrict(0));
	EXPECT_EQ(ALL_ADDRESSES, with_all_rights());
	EXPECT_EQ(NO_ADDRESS, without_cap_syslog(false));
	ASSERT_TRUE(set_kptr_restrict(1));
	EXPECT_EQ(ALL_ADDRESSES, with_all_rights());
	EXPECT_EQ(NO_ADDRESS, without_cap_syslog(false));
	/* Opened by somebody who may, and handed on */
	EXPECT_EQ(NO_ADDRESS, without_cap_syslog(true));
	ASSERT_TRUE(set_kptr_restrict(2));
	EXPECT_EQ(NO_ADDRESS, with_all_rights());
	EXPECT_EQ(NO_ADDRESS, without_cap_syslog(false));
	EXPECT_TRUE(set_kptr_restrict(was));
}

TEST_HARNESS_MAIN
