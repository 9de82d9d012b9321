// SPDX-License-Identifier: GPL-2.0
/* The results for scripts, in nanoseconds. */
#include "bench.h"

static void json_string(FILE *f, const char *name, const char *text)
{
	fprintf(f, "\"%s\": \"", name);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', f);
		fputc((unsigned char)*text < ' ' ? ' ' : *text, f);
	}
	fprintf(f, "\"");
}

static void json_spread(FILE *f, const char *name, const struct spread *s)
{
	fprintf(f, ", \"%s\": {\"median\": %llu", name, s->median);
	fprintf(f, ", \"p90\": %llu, \"max\": %llu}", s->p90, s->max);
}

static void json_alloc(FILE *f, const struct alloc_row *row)
{
	int i;

	fprintf(f, "{");
	json_string(f, "memory", row->peer->key);
	fprintf(f, ", \"size\": %zu", row->size);
	if (!row->measured) {
		fprintf(f, ", ");
		json_string(f, "unmeasured", row->why.text);
		fprintf(f, "}");
		return;
	}
	fprintf(f, ", \"runs\": %u, \"faults\": %ld, \"pmds\": %zu, \"node\": %d",
		row->runs, row->faults, row->pmds, row->node);
	json_spread(f, "whole", &row->whole);
	for (i = 0; i < NR_STAGES; i++)
		if (row->peer->stages & (1U << i))
			json_spread(f, stage_names[i], &row->stage[i]);
	fprintf(f, "}");
}

static void json_transfer(FILE *f, const struct transfer_row *row)
{
	fprintf(f, "{");
	json_string(f, "transport", row->key);
	fprintf(f, ", \"size\": %zu", row->size);
	if (row->measured) {
		fprintf(f, ", \"messages\": %u", row->messages);
		json_spread(f, "alone", &row->alone);
		json_spread(f, "stream", &row->stream);
	} else {
		fprintf(f, ", ");
		json_string(f, "unmeasured", row->why.text);
	}
	fprintf(f, "}");
}

static void json_side(FILE *f, const struct crowd_side *side)
{
	fprintf(f, "{");
	json_string(f, "state", side->name);
	if (!side->measured) {
		fprintf(f, ", ");
		json_string(f, "unmeasured", side->why.text);
		fprintf(f, "}");
		return;
	}
	fprintf(f, ", \"runs\": %u, \"refused\": %u, \"sent_off\": %u", side->runs,
		side->refused, side->sent_off);
	fprintf(f, ", \"others\": %llu, \"others_refused\": %llu", side->others,
		side->others_refused);
	if (side->chunks)
		fprintf(f, ", \"chunks\": %u", side->chunks);
	json_spread(f, "time", &side->time);
	fprintf(f, "}");
}

static void json_crowd(FILE *f, const struct crowd_row *row)
{
	fprintf(f, "{");
	json_string(f, "call", row->key);
	fprintf(f, ", \"size\": %zu, \"calm\": ", row->size);
	json_side(f, &row->side[CALM]);
	fprintf(f, ",\n\"busy\": ");
	json_side(f, &row->side[BUSY]);
	fprintf(f, "}");
}

static void json_case(FILE *f, const struct case_time *c)
{
	fprintf(f, "{");
	json_string(f, "case", c->name);
	fprintf(f, ", ");
	if (c->measured) {
		fprintf(f, "\"runs\": %u", c->runs);
		json_spread(f, "time", &c->time);
	} else {
		json_string(f, "unmeasured", c->why.text);
	}
	fprintf(f, "}");
}

static void json_takeback(FILE *f, const struct takeback_row *row)
{
	unsigned int i;

	fprintf(f, "{");
	json_string(f, "call", row->key);
	fprintf(f, ", \"size\": %zu, \"cases\": [", row->size);
	for (i = 0; i < row->nr_cases; i++) {
		fprintf(f, i ? ",\n" : "\n");
		json_case(f, &row->cases[i]);
	}
	fprintf(f, "]}");
}

static void json_setting(FILE *f, const struct setting *set)
{
	json_string(f, "kernel", set->kernel);
	fprintf(f, ",\n\"unit\": \"%s\"", set->icount ? "instructions" : "ns");
	fprintf(f, ", \"cpu\": %d, \"node\": %d", set->cpu, set->node);
	fprintf(f, ", \"receiver_cpu\": %d", set->receiver_cpu);
	fprintf(f, ", \"other_cpus\": %d, \"other_node\": %d", set->nr_others,
		set->other_node);
	fprintf(f, ", \"clock_cost\": %llu,\n", set->clock_cost);
}

static void json_all(FILE *f, const struct setting *set,
		     const struct results *results)
{
	size_t i;

	fprintf(f, "{\n");
	json_setting(f, set);
	fprintf(f, "\"alloc\": [");
	for (i = 0; i < results->nr_allocs; i++) {
		fprintf(f, i ? ",\n" : "\n");
		json_alloc(f, &results->allocs[i]);
	}
	fprintf(f, "\n],\n\"transfer\": [");
	for (i = 0; i < results->nr_transfers; i++) {
		fprintf(f, i ? ",\n" : "\n");
		json_transfer(f, &results->transfers[i]);
	}
	fprintf(f, "\n],\n\"crowd\": [");
	for (i = 0; i < results->nr_crowds; i++) {
		fprintf(f, i ? ",\n" : "\n");
		json_crowd(f, &results->crowds[i]);
	}
	fprintf(f, "\n],\n\"take_back\": [");
	for (i = 0; i < results->nr_takebacks; i++) {
		fprintf(f, i ? ",\n" : "\n");
		json_takeback(f, &results->takebacks[i]);
	}
	fprintf(f, "\n]\n}\n");
}

int write_json(const char *path, const struct setting *set,
	       const struct results *results)
{
	FILE *f = fopen(path, "w");
	int err;

	if (!f)
		return -1;
	json_all(f, set, results);
	err = ferror(f);
	return fclose(f) || err ? -1 : 0;
}
