// SPDX-License-Identifier: GPL-2.0
#include <openssl/evp.h>
#include <stdio.h>
#include "sha256.h"
#include "zcpoolctl.h"

/* struct sha256 is libcrypto's own context under a name of ours. */
struct sha256 *sha256_start(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		die(STATUS_TRANSFER, "libcrypto cannot compute SHA-256 here");
	return (struct sha256 *)ctx;
}

void sha256_add(struct sha256 *s, const void *data, size_t len)
{
	if (!EVP_DigestUpdate((EVP_MD_CTX *)s, data, len))
		die(STATUS_TRANSFER, "libcrypto failed to compute SHA-256");
}

void sha256_end(struct sha256 *s, char hex[SHA256_HEX])
{
	EVP_MD_CTX *ctx = (EVP_MD_CTX *)s;
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int len, i;

	if (!EVP_DigestFinal_ex(ctx, sum, &len))
		die(STATUS_TRANSFER, "libcrypto failed to compute SHA-256");
	EVP_MD_CTX_free(ctx);
	for (i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", sum[i]);
}
