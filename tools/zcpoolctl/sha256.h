/* SPDX-License-Identifier: GPL-2.0 */
/* SHA-256, by OpenSSL's libcrypto. */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>

#define SHA256_HEX	65	/* digits and a NUL */

struct sha256;

struct sha256 *sha256_start(void);
void sha256_add(struct sha256 *s, const void *data, size_t len);
/* Frees s. */
void sha256_end(struct sha256 *s, char hex[SHA256_HEX]);

#endif /* SHA256_H */
