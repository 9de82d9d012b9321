/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ZCP_SHIM_STRING_H
#define ZCP_SHIM_STRING_H

#include <string.h>

#endif /* ZCP_SHIM_STRING_H */
