// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include "report.h"
#include "zcpoolctl.h"

static unsigned int buffers_used(const struct transfer *t)
{
	unsigned int i, nr = 0;

	for (i = 0; i < t->nr_buffers; i++)
		nr += !!t->buffer[i].addr;
	return nr;
}

static double rate(const struct transfer *t, const struct measure *m)
{
	return m->seconds > 0 ? t->done / m->seconds : 0;
}

/* As sha256sum prints it, so that 'sha256sum -c' takes it. */
static void digest_line(const char *digest, const char *name)
{
	const char *c;

	if (strpbrk(name, "\\\n\r"))
		putchar('\\');
	printf("%s  ", digest);
	for (c = name; *c; c++) {
		if (*c == '\\')
			fputs("\\\\", stdout);
		else if (*c == '\n')
			fputs("\\n", stdout);
		else if (*c == '\r')
			fputs("\\r", stdout);
		else
			putchar(*c);
	}
	putchar('\n');
}

static void node_line(const char *what, int node)
{
	if (node == NODE_UNKNOWN)
		printf("  %-15s-\n", what);
	else if (node == NODE_SEVERAL)
		printf("  %-15sseveral\n", what);
	else
		printf("  %-15s%d\n", what, node);
}

static void human(const char *role, const struct transfer *t, const struct measure *m,
		  const struct file *f)
{
	char all[SIZE_TEXT], one[SIZE_TEXT], a_second[SIZE_TEXT];

	printf("%s %s via %s\n", role, t->name, t->via->name);
	printf("  %-15s%llu (%s)\n", "bytes", (unsigned long long)t->done,
	       size_text(all, t->done));
	printf("  %-15s%u of %s%s\n", "buffers", buffers_used(t),
	       size_text(one, t->buffer_size), t->moves ? ", moved" : "");
	printf("  %-15s%.3f s, %s/s\n", "time", m->seconds,
	       size_text(a_second, rate(t, m)));
	printf("  %-15s%ld (%ld major)\n", "page faults", m->minor_faults + m->major_faults,
	       m->major_faults);
	printf("  %-15s%llu kB\n", "mapped by PMD", (unsigned long long)m->pmd_kb);
	node_line("memory node", m->memory_node);
	node_line("CPU node", m->cpu_node);
	printf("  %-15s%llu bytes\n", "copied by CPU", (unsigned long long)t->copied);
	printf("  %-15s%s\n", "file I/O", file_io_text(f));
}

static void json_node(const char *key, int node)
{
	if (node == NODE_UNKNOWN)
		printf("\"%s\": null, ", key);
	else
		printf("\"%s\": %d, ", key, node);
}

static void json(const char *role, const struct transfer *t, const struct measure *m,
		 const struct file *f, const char *digest)
{
	printf("{\"role\": \"%s\", \"via\": \"%s\", \"file\": ", role, t->via->name);
	json_string(stdout, t->name);
	printf(", \"bytes\": %llu, \"buffers\": %u, \"buffer_size\": %llu, \"moved\": %s, ",
	       (unsigned long long)t->done, buffers_used(t),
	       (unsigned long long)t->buffer_size, t->moves ? "true" : "false");
	printf("\"seconds\": %.6f, \"bytes_per_second\": %.0f, ", m->seconds, rate(t, m));
	printf("\"page_faults\": %ld, \"major_faults\": %ld, \"pmd_mapped_kb\": %llu, ",
	       m->minor_faults + m->major_faults, m->major_faults,
	       (unsigned long long)m->pmd_kb);
	json_node("memory_node", m->memory_node);
	json_node("cpu_node", m->cpu_node);
	printf("\"copied_bytes\": %llu, \"file_io\": \"%s\"", (unsigned long long)t->copied,
	       file_io_text(f));
	if (digest)
		printf(", \"sha256\": \"%s\"", digest);
	puts("}");
}

void report(enum report_form form, const char *role, const struct transfer *t,
	    const struct measure *m, const struct file *f, const char *digest)
{
	if (form == REPORT_JSON) {
		json(role, t, m, f, digest);
		return;
	}
	if (form == REPORT_HUMAN)
		human(role, t, m, f);
	if (digest)
		digest_line(digest, t->name);
}
