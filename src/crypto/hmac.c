#include "crypto/hmac.h"

#include <sodium.h>

void mcpz_hmac_sha256(struct mcpz_bytes secret, struct mcpz_bytes bytes, uint8_t *mac)
{
    crypto_auth_hmacsha256_state state;

    (void)crypto_auth_hmacsha256_init(&state, secret.data, secret.length);
    (void)crypto_auth_hmacsha256_update(&state, bytes.data, bytes.length);
    (void)crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof(state));
}

bool mcpz_secret_equal(const void *a, const void *b, size_t length)
{
    return sodium_memcmp(a, b, length) == 0;
}
