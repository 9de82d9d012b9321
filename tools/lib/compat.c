// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Functions as programs know them that were linked to an earlier version of the shared
 * library. (It is not in the archive, where what is linked is always of one version.)
 */
#include <stddef.h>
#include <string.h>
#include <zcpool.h>
#include "internal.h"

/* Their struct zcpool_buf_info ends before the seals; there is no room for more. */
int zcpool_buf_info_0_1(int buf, struct zcpool_buf_info *info);

__asm__(".symver zcpool_buf_info_0_1, zcpool_buf_info@ZCPOOL_0.1");

int zcpool_buf_info_0_1(int buf, struct zcpool_buf_info *info)
{
	struct zcpool_buf_info all;

	if (!info)
		return fail(EINVAL);
	if (zcpool_buf_info(buf, &all) < 0)
		return -1;
	memcpy(info, &all, offsetof(struct zcpool_buf_info, seals));
	return 0;
}
