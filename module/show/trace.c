// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints themselves, which read what the floors only name.
 */
#include "../buffer/buffer.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
