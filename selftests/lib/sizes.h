/* SPDX-License-Identifier: GPL-2.0 */
/* Sizes that tests count in. */
#ifndef ZCPOOL_TEST_SIZES_H
#define ZCPOOL_TEST_SIZES_H

#define PAGE		4096UL
#define CHUNK		(2UL << 20)
#define KIB		1024UL
#define MIB		(1UL << 20)

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

#endif /* ZCPOOL_TEST_SIZES_H */
