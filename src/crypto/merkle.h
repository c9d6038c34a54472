/*
 * Merkle trees over digests: one root for up to MCPZ_MERKLE_LEAVES_MAX leaves, and what shows that
 * some of them that lie side by side belong to it.
 *
 *            root                 a node is the digest of its two children; one without a sibling
 *          /      \               is passed up as it is
 *        o          o
 *      /   \      /   \           the leaves [2] [3]: beside them lies the node marked *, and [4]
 *     *     o    o    [4]
 *    / \   / \
 *  [0][1][2][3]
 *
 * Leaves are digests made for a use of their own (the ids of deltas), nodes for another; so no
 * node passes for a leaf. How many leaves there are is not in the root: whoever signs it signs
 * that too, and then the shape is settled.
 *
 * Source: RFC 9162 section 2.1 (the same shape).
 */

#ifndef CRYPTO_MERKLE_H
#define CRYPTO_MERKLE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "crypto/digest.h"

#define MCPZ_MERKLE_LEAVES_MAX 1024
#define MCPZ_MERKLE_BESIDE_MAX 20 /* digests beside a run: two a level at most, ten levels */

static_assert(1 << (MCPZ_MERKLE_BESIDE_MAX / 2) == MCPZ_MERKLE_LEAVES_MAX, "two a level");

struct mcpz_merkle_digest {
    uint8_t bytes[MCPZ_DIGEST_BYTES];
};

/* Leaves that lie side by side in a tree, and what lies beside them. Borrowed. */
struct mcpz_merkle_run {
    uint32_t tree_count; /* leaves of the whole tree: 1 to MCPZ_MERKLE_LEAVES_MAX */
    uint32_t first;
    uint32_t count; /* at least 1 */
    const struct mcpz_merkle_digest *leaves;
    const struct mcpz_merkle_digest *beside; /* from the leaves up, left before right */
    size_t beside_count;
};

/**
 * Write the root of the tree that `run` is of.
 *
 * Errors: MCPZ_EPROTO  there are no such leaves in such a tree, or more or fewer digests beside
 *         them than it takes
 */
MCPZ_MUST_USE mcpz_error mcpz_merkle_root(const struct mcpz_merkle_run *run,
                                          struct mcpz_merkle_digest *root);

/**
 * Write what lies beside the `count` leaves from `first` on, which are all in `run`, to `beside`,
 * MCPZ_MERKLE_BESIDE_MAX of them, and how many they are to `*beside_count`.
 *
 * Errors: MCPZ_EPROTO  as above, or they are not all in `run`
 */
MCPZ_MUST_USE mcpz_error mcpz_merkle_beside(const struct mcpz_merkle_run *run, uint32_t first,
                                            uint32_t count, struct mcpz_merkle_digest *beside,
                                            size_t *beside_count);

#endif
