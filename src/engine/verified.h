/*
 * What was verified lately: so that a signature, which takes a hundred times as long as anything
 * else about a delta, is verified once, however many neighbours bring what it stands for.
 *
 * What is remembered is true for everybody for ever (that some key signed some bytes), so all
 * engines of a thread share one of these: in a simulation of fifty nodes each batch is verified
 * once, and what a node signed itself never. One place for each digest; a newer one takes it.
 */

#ifndef ENGINE_VERIFIED_H
#define ENGINE_VERIFIED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "crypto/digest.h"

#define MCPZ_VERIFIED_MAX 4096

struct mcpz_verified {
    uint8_t digests[MCPZ_VERIFIED_MAX][MCPZ_DIGEST_BYTES]; /* zeros: none */
    uint64_t hits;
    uint64_t misses;
};

/* What was verified, and with which signature. */
struct mcpz_verified_claim {
    struct mcpz_bytes signer; /* names of a key, or of a mesh */
    struct mcpz_bytes said;
    struct mcpz_bytes signature;
};

/** Was this verified, and not been displaced since? Counts. */
bool mcpz_verified_find(struct mcpz_verified *verified, const struct mcpz_verified_claim *claim);

/** It was found to be true just now. */
void mcpz_verified_add(struct mcpz_verified *verified, const struct mcpz_verified_claim *claim);

#endif
