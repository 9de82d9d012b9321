// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer target: the input is a program of three-byte calls, run on the buddy
 * and on the model. A crash file is replayed by giving it as the argument.
 */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

/* Bits of a call's first byte, beside the three that choose the function */
#define BIT_IDX_HIGH	0x08	/* bit 8 of the page index */
#define BIT_IDX_WILD	0x10	/* an index past the end */
#define BIT_REAL_ORDER	0x20	/* free with the block's own order, not the one given */

static bool call(struct model *m, const u8 *op)
{
	unsigned int idx = op[1] | (op[0] & BIT_IDX_HIGH ? 0x100 : 0);
	unsigned int order = op[2] % 16;

	if (op[0] & BIT_REAL_ORDER && m->page[idx] >= 0)
		order = m->page[idx];
	if (op[0] & BIT_IDX_WILD)
		idx += ZCP_BUDDY_PAGES;

	switch (op[0] % 8) {
	case 0:
	case 1:
		return model_alloc(m, op[2] % 16);
	case 2:
	case 3:
	case 4:
		return model_free(m, idx, order);
	case 5:
		return model_trim(m, idx, op[2]);
	case 6:
		return model_shatter(m, idx);
	default:
		return model_alloc_all(m, op[1] * 2 + op[2] % 4);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct model m;
	bool ok = model_init(&m);

	for (; ok && size >= 3; data += 3, size -= 3)
		ok = call(&m, data);
	if (!ok || !model_compare_orders(&m)) {
		fprintf(stderr, "%s: %s\n", m.call, m.fault);
		abort();
	}
	return 0;
}
