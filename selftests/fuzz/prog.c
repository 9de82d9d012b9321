// SPDX-License-Identifier: GPL-2.0
/* Programs as text. */
#include <stdlib.h>
#include <string.h>

#include "prog.h"
#include "texts.h"

__u32 prog_child_calls(const struct prog *prog, unsigned int i)
{
	__u64 left = prog->call[i].arg[0];
	__u32 calls = 0;
	unsigned int j;

	for (j = i + 1; j < prog->nr && left; j++) {
		if (prog->call[j].thread == prog->call[i].thread) {
			calls |= 1U << j;
			left--;
		}
	}
	return calls;
}

unsigned int prog_first_threaded(const struct prog *prog)
{
	unsigned int i;

	for (i = 0; i < prog->nr && !prog->call[i].thread; i++)
		;
	return i;
}

bool round_races(const struct round *round)
{
	unsigned int w, i;

	for (w = 0; w < ROUND_WORKERS; w++)
		for (i = 0; i < round->batch[w].nr; i++)
			if (prog_first_threaded(&round->batch[w].prog[i]) <
			    round->batch[w].prog[i].nr)
				return true;
	return round->batch[0].nr && round->batch[1].nr;
}

static bool is_slot(enum arg_kind kind)
{
	return kind == ARG_NEW_FD || kind == ARG_FD || kind == ARG_NEW_MAP || kind == ARG_MAP;
}

static bool is_new(enum arg_kind kind)
{
	return kind == ARG_NEW_FD || kind == ARG_NEW_MAP;
}

static char slot_letter(enum arg_kind kind)
{
	return kind == ARG_NEW_FD || kind == ARG_FD ? 'f' : 'm';
}

/* A name for each bit that has one and a number for what is left */
static void print_value(const struct arg_desc *desc, __u64 value, FILE *to)
{
	const struct constant *c = desc->constants;
	const char *between = "";

	if (desc->kind == ARG_TEXT) {
		fputs(text_at(desc->texts, value), to);
		return;
	}
	for (; c && c->name; c++) {
		if (desc->kind == ARG_ONE_OF ? value == c->value :
		    c->value && (value & c->value) == c->value) {
			fprintf(to, "%s%s", between, c->name);
			if (desc->kind == ARG_ONE_OF)
				return;
			between = "|";
			value &= ~c->value;
		}
	}
	if (value || !*between)
		fprintf(to, "%s%#llx", between, (unsigned long long)value);
}

void call_print(const struct call *call, FILE *to)
{
	const struct call_desc *desc = &call_table[call->op];
	unsigned int i = 0, n = call_nr_args(desc);

	if (call->thread)
		fprintf(to, "%u: ", call->thread);
	for (; i < n && is_new(desc->arg[i].kind); i++)
		fprintf(to, "%c%llu ", slot_letter(desc->arg[i].kind),
			(unsigned long long)call->arg[i]);
	fprintf(to, "%s%s", i ? "= " : "", desc->name);
	for (; i < n; i++) {
		if (is_slot(desc->arg[i].kind)) {
			fprintf(to, " %c%llu", slot_letter(desc->arg[i].kind),
				(unsigned long long)call->arg[i]);
		} else if (call->arg[i]) {
			fprintf(to, " %s=", desc->arg[i].name);
			print_value(&desc->arg[i], call->arg[i], to);
		}
	}
	fputc('\n', to);
}

void prog_print(const struct prog *prog, FILE *to)
{
	unsigned int i;

	fprintf(to, "program\n");
	for (i = 0; i < prog->nr; i++)
		call_print(&prog->call[i], to);
}

void round_print(const struct round *round, FILE *to)
{
	unsigned int w, i;

	for (w = 0; w < ROUND_WORKERS; w++) {
		if (!round->batch[w].nr)
			continue;
		fprintf(to, "worker %u\n", w);
		for (i = 0; i < round->batch[w].nr; i++)
			prog_print(&round->batch[w].prog[i], to);
	}
	fprintf(to, "end\n");
}

/* "A|B|0x10", names or numbers; or one of some texts */
static bool parse_value(const struct arg_desc *desc, char *text, __u64 *value)
{
	const struct constant *c;
	char *word, *end, *rest;

	if (desc->kind == ARG_TEXT) {
		*value = text_index(desc->texts, text);
		return *value < text_count(desc->texts);
	}
	*value = 0;
	for (word = strtok_r(text, "|", &rest); word; word = strtok_r(NULL, "|", &rest)) {
		for (c = desc->constants; c && c->name; c++)
			if (!strcmp(c->name, word))
				break;
		if (c && c->name) {
			*value |= c->value;
			continue;
		}
		*value |= strtoull(word, &end, 0);
		if (end == word || *end)
			return false;
	}
	return true;
}

/* The argument that a word gives: the next free slot, or by name. CALL_ARGS if none. */
static unsigned int find_arg(const struct call_desc *desc, const char *word, const bool *given,
			     bool new)
{
	unsigned int i;

	for (i = 0; i < call_nr_args(desc); i++) {
		const struct arg_desc *arg = &desc->arg[i];
		size_t n = strlen(arg->name);

		if (given[i])
			continue;
		if (is_slot(arg->kind)) {
			if (is_new(arg->kind) == new && slot_letter(arg->kind) == word[0] &&
			    word[1] >= '0' && word[1] <= '9' && !strchr(word, '='))
				return i;
		} else if (!strncmp(arg->name, word, n) && word[n] == '=') {
			return i;
		}
	}
	return CALL_ARGS;
}

static bool parse_arg(const struct call_desc *desc, struct call *call, char *word, bool *given,
		      bool new)
{
	unsigned int i = find_arg(desc, word, given, new);

	if (i == CALL_ARGS)
		return false;
	given[i] = true;
	if (!is_slot(desc->arg[i].kind))
		return parse_value(&desc->arg[i], strchr(word, '=') + 1, &call->arg[i]);
	call->arg[i] = strtoul(word + 1, NULL, 10);
	return true;
}

/* [THREAD:] [SLOT... =] NAME ARGUMENT... */
static bool parse_call(struct call *call, char *line)
{
	char *word[CALL_ARGS + 4], *rest, *w;
	unsigned int n = 0, i = 0, name = 0;
	const struct call_desc *desc;
	bool given[CALL_ARGS] = {};

	*call = (struct call){};
	for (w = strtok_r(line, " \t", &rest); w; w = strtok_r(NULL, " \t", &rest)) {
		if (n == CALL_ARGS + 4)
			return false;
		word[n++] = w;
	}
	if (n && word[0][1] == ':') {
		call->thread = word[0][0] - '0';
		i = 1;
		name = 1;
	}
	for (; name < n && strcmp(word[name], "="); name++)
		;
	name = name == n ? i : name + 1;
	if (name >= n || call->thread >= PROG_THREADS)
		return false;
	call->op = call_named(word[name]);
	if (call->op == nr_call_descs)
		return false;
	desc = &call_table[call->op];
	for (; i + 1 < name; i++)
		if (!parse_arg(desc, call, word[i], given, true))
			return false;
	for (i = name + 1; i < n; i++)
		if (!parse_arg(desc, call, word[i], given, false))
			return false;
	return true;
}

/* One line, without comment and blanks at its ends */
static bool parse_line(struct round *round, char *line, unsigned int *worker)
{
	struct batch *batch = &round->batch[*worker];
	struct prog *prog;

	if (sscanf(line, "worker %u", worker) == 1)
		return *worker < ROUND_WORKERS;
	if (!strcmp(line, "program"))
		return batch->nr < BATCH_PROGS && ++batch->nr;
	/* A file of one program needs no heading. */
	if (!batch->nr)
		batch->nr = 1;
	prog = &batch->prog[batch->nr - 1];
	return prog->nr < PROG_CALLS && parse_call(&prog->call[prog->nr++], line);
}

static bool round_parse(struct round *round, FILE *from, const char *name)
{
	unsigned int worker = 0, nr = 0;
	char line[512], copy[512] = "";

	memset(round, 0, sizeof(*round));
	while (fgets(line, sizeof(line), from)) {
		nr++;
		line[strcspn(line, "#\n")] = 0;
		while (*line && strchr(" \t", line[strlen(line) - 1]))
			line[strlen(line) - 1] = 0;
		if (!strcmp(line, "end"))
			break;
		memcpy(copy, line, strlen(line) + 1);
		if (*line && !parse_line(round, line, &worker)) {
			fprintf(stderr, "%s:%u: not a call: %s\n", name, nr, copy);
			return false;
		}
	}
	return true;
}

bool round_load(struct round *round, const char *path)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (!f) {
		perror(path);
		return false;
	}
	ok = round_parse(round, f, path);
	fclose(f);
	return ok;
}
