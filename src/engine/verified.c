#include "engine/verified.h"

#include <string.h>

/* Lengths go in as well, so that no two claims run together to the same bytes. */
static void add_part(struct mcpz_digest_state *state, struct mcpz_bytes part)
{
    const uint8_t length[4] = {(uint8_t)(part.length >> 24), (uint8_t)(part.length >> 16),
                               (uint8_t)(part.length >> 8), (uint8_t)part.length};

    mcpz_digest_add(state, mcpz_bytes(length, sizeof(length)));
    mcpz_digest_add(state, part);
}

static void digest_of(const struct mcpz_verified_claim *claim, uint8_t *digest)
{
    struct mcpz_digest_state state;

    mcpz_digest_begin(&state, MCPZ_DIGEST_VERIFIED, mcpz_bytes(NULL, 0));
    add_part(&state, claim->signer);
    add_part(&state, claim->said);
    add_part(&state, claim->signature);
    mcpz_digest_end(&state, digest);
}

static uint8_t *place_of(struct mcpz_verified *verified, const uint8_t *digest)
{
    return verified->digests[((size_t)digest[0] << 8 | digest[1]) % MCPZ_VERIFIED_MAX];
}

bool mcpz_verified_find(struct mcpz_verified *verified, const struct mcpz_verified_claim *claim)
{
    uint8_t digest[MCPZ_DIGEST_BYTES];

    digest_of(claim, digest);
    const bool found = memcmp(place_of(verified, digest), digest, sizeof(digest)) == 0;
    verified->hits += found;
    verified->misses += !found;
    return found;
}

void mcpz_verified_add(struct mcpz_verified *verified, const struct mcpz_verified_claim *claim)
{
    uint8_t digest[MCPZ_DIGEST_BYTES];

    digest_of(claim, digest);
    memcpy(place_of(verified, digest), digest, sizeof(digest));
}
