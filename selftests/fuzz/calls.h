/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of which the fuzzer's programs are made, as C functions. A test that
 * "scripts/fuzz to-c" wrote includes this file and makes the same calls.
 *
 * Each takes its arguments as an array of numbers, in the order of table.c.
 * Descriptors and mappings are named by slots, f0 to f7 and m0 to m3. None of the
 * calls blocks, and none touches memory but its own, so that what goes wrong is
 * the kernel's fault. Threads use the slots without locks: that their calls meet
 * is what is wanted.
 *
 * All that a program ever writes into a buffer is one byte, the tag, over and
 * over, and each process has another tag. Whatever it reads must be this byte or
 * zero: anything else is somebody else's data. Names of files and pools differ, too,
 * from program to program, but for the pools "default" and "shared".
 */
#ifndef ZCPOOL_FUZZ_CALLS_H
#define ZCPOOL_FUZZ_CALLS_H

#include "calls_file.h"
#include "calls_kernel.h"
#include "calls_map.h"
#include "calls_mount.h"
#include "calls_name.h"
#include "calls_pass.h"
#include "calls_pool.h"
#include "calls_process.h"
#include "calls_size.h"
#include "calls_take.h"
#include "calls_xattr.h"

#endif /* ZCPOOL_FUZZ_CALLS_H */
