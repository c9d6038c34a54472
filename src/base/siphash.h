/*
 * A short keyed hash: who does not know the key cannot choose what collides. 64 bits are no
 * protection where somebody may try for long: keys are of one session.
 *
 * Source: Aumasson and Bernstein, SipHash: a fast short-input PRF (2012), SipHash-2-4.
 */

#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stdint.h>

#include "base/bytes.h"

#define MCPZ_SIPHASH_KEY_BYTES 16

/* The key's bytes as two little-endian words. */
struct mcpz_siphash_key {
    uint64_t low;
    uint64_t high;
};

/** From MCPZ_SIPHASH_KEY_BYTES bytes. */
struct mcpz_siphash_key mcpz_siphash_key(const uint8_t *bytes);

/** Hash `bytes`. The same on every architecture. */
uint64_t mcpz_siphash(struct mcpz_siphash_key key, struct mcpz_bytes bytes);

/** 128 bits for little more than 64 take: the authors' SipHash-2-4 with 128 bits of output. */
void mcpz_siphash_wide(struct mcpz_siphash_key key, struct mcpz_bytes bytes, uint64_t words[2]);

/** As mcpz_siphash() of a number's eight bytes, little-endian. */
uint64_t mcpz_siphash_number(struct mcpz_siphash_key key, uint64_t number);

#endif
