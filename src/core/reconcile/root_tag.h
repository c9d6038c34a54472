/*
 * Whether two nodes hold the same of a partition, in eight bytes.
 *
 *   root  =  { how many documents, sum of their digests modulo 2^256 }
 *   tag   =  hash of the root, keyed for the session
 *
 * A change costs an addition and a subtraction, whatever the partition holds. Digests must be
 * keyed with a key of the partition's holders (reference/crdt.md, 3.2): sums of digests that
 * anybody can make can be made to collide (Wagner's generalised birthday, some 2^31 steps).
 * Exclusive or is worse: linear algebra finds a collision at once.
 */

#ifndef CORE_RECONCILE_ROOT_TAG_H
#define CORE_RECONCILE_ROOT_TAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "proto/id.h"

#define MCPZ_ROOT_WORDS 4
#define MCPZ_ROOT_BYTES (8 + 8 * MCPZ_ROOT_WORDS)

/* Zeroed: of nothing. */
struct mcpz_partition_root {
    uint64_t count;
    uint64_t sum[MCPZ_ROOT_WORDS]; /* least significant first */
};

/** A document with this keyed digest is there now. */
void mcpz_partition_root_add(struct mcpz_partition_root *root, const struct mcpz_id *digest);

/** One with this digest, which was added, is not there any more. */
void mcpz_partition_root_remove(struct mcpz_partition_root *root, const struct mcpz_id *digest);

/** All of `other` is there as well: the root of two sets that have nothing in common. */
void mcpz_partition_root_join(struct mcpz_partition_root *root,
                              const struct mcpz_partition_root *other);

bool mcpz_partition_root_equal(const struct mcpz_partition_root *a,
                               const struct mcpz_partition_root *b);

/** As bytes: count, then the sum with its most significant byte first. */
void mcpz_partition_root_pack(const struct mcpz_partition_root *root, uint8_t *bytes);

/** What is compared with a peer in the session of `key`. */
uint64_t mcpz_partition_root_tag(const struct mcpz_partition_root *root,
                                 struct mcpz_siphash_key key);

#endif
