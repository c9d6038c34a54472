/*
 * All keys of tenants that a node has, and the bytes they are kept as, wrapped by a node key.
 *
 *   "mcpzring", version u8, node key id 16, counts of keys, of shredded and of ended u16 each,
 *   keys x { use u8, made at u64, length u8, tenant, wrapped 72 }, ended x { at u64, length u8,
 *   tenant }, shredded x key id 8, digest 32
 *
 * Who uses them, where they lie and who may at which time is blob/keyring.h's.
 */

#ifndef BLOB_RING_H
#define BLOB_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "blob/keyring.h"
#include "crypto/digest.h"
#include "crypto/tenant_key.h"

#define MCPZ_RING_FILE "ring"                             /* in the directory of keys */
#define MCPZ_RING_KEYS_MAX (2 * MCPZ_KEYRING_TENANTS_MAX) /* of each tenant two */
#define MCPZ_RING_HEAD_BYTES (9 + MCPZ_NODE_KEY_ID_BYTES + 6)
#define MCPZ_RING_BYTES_MAX                                                                       \
    (MCPZ_RING_HEAD_BYTES +                                                                       \
     (size_t)MCPZ_RING_KEYS_MAX * (10 + MCPZ_TENANT_BYTES_MAX + MCPZ_WRAPPED_KEY_BYTES) +         \
     (size_t)MCPZ_KEYRING_ENDS_MAX * (9 + MCPZ_TENANT_BYTES_MAX) +                                \
     (size_t)MCPZ_KEYRING_SHREDDED_MAX * MCPZ_TENANT_KEY_ID_BYTES + MCPZ_DIGEST_BYTES)

struct mcpz_ring {
    size_t count;
    struct mcpz_tenant_key *keys[MCPZ_RING_KEYS_MAX];
    size_t end_count;
    struct mcpz_keyring_end ends[MCPZ_KEYRING_ENDS_MAX];
    size_t shredded_count;
    uint8_t shredded[MCPZ_KEYRING_SHREDDED_MAX][MCPZ_TENANT_KEY_ID_BYTES]; /* the oldest first */
};

/** Wipe its keys. */
void mcpz_ring_clear(struct mcpz_ring *ring);

/**
 * Write it wrapped with `node_key`, without the keys that `ending` ends (NULL: all). `bytes` has
 * room for MCPZ_RING_BYTES_MAX. Returns how many that were.
 */
size_t mcpz_ring_write(const struct mcpz_ring *ring, const struct mcpz_node_key *node_key,
                       const struct mcpz_keyring_end *ending, uint8_t *bytes);

/**
 * Is this a whole ring, and of which node key? `*key_id` (MCPZ_NODE_KEY_ID_BYTES) lies in it.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EVERSION
 */
MCPZ_MUST_USE mcpz_error mcpz_ring_check(struct mcpz_bytes bytes, const uint8_t **key_id);

/**
 * Fill an empty ring from `bytes` that were checked. On error it holds some of them.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_ring_read(struct mcpz_ring *ring,
                                        const struct mcpz_node_key *node_key,
                                        struct mcpz_bytes bytes);

/** Is `key` one that `end` ends? NULL ends none. */
bool mcpz_ring_ends(const struct mcpz_tenant_key *key, const struct mcpz_keyring_end *end);

/* A moment, as it lies in a ring and in what nodes show each other. */
#define MCPZ_RING_TIME_BYTES 8
void mcpz_ring_write_time(uint8_t *at, uint64_t ms);
uint64_t mcpz_ring_read_time(const uint8_t *at);

/** Take a name with its length before it off the beginning of `left`. False: it is none. */
bool mcpz_ring_take_tenant(struct mcpz_bytes *left, struct mcpz_bytes *tenant);

#endif
