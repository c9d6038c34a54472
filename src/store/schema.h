/*
 * Records' keys as bytes that sort the way scans walk. The one place where keys are built.
 *
 *   SELF      kind
 *   TOKEN     kind, id 16
 *   PEER      kind, id 32
 *   DOCUMENT  kind, id 32
 *   ENTRY     kind, document 32, path, type u8, actor node 32, generation u32, seq u64, index u16
 *   DELTA     kind, document 32, actor node 32, generation u32, seq u64, head 16
 *   FORK      kind, document 32, actor node 32, generation u32
 *   TASK, TASK_STATE, TASK_RESULT  kind, id 16
 *   TASK_LISTED  kind, list u8, group u64, order u64, id 16
 *   TASK_KEY  kind, length of tenant u8, tenant, key
 *   QUEUE     kind, capability
 *   CHANGE    kind, seq u64
 *   CHANGES   kind
 *   CURSOR    kind, peer 32
 *   RUN       kind, length of tenant u8, tenant, length of capability u8, capability, key
 *   BATCH     kind, name 16, first u32
 *   AUTHOR    kind, id 32
 *   REVOKED   kind, node 32
 *   CHECKPOINT  kind, document 32
 *   FLOOR, STABLE  kind, document 32
 *   BASE      kind, document 32, index u32
 *   LAYOUT    kind, version u64, tag u64
 *   TRACKER   kind, node 32
 *   STAGED, SETTLED  kind
 *
 * Integers are big-endian. A path is a MessagePack array: it ends itself, so no path's key is a
 * prefix of another's.
 */

#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/limits.h"
#include "proto/record.h"
#include "proto/store.h"

#define MCPZ_SCHEMA_TOKEN_BYTES 16 /* in place of names, where records are sealed */

struct mcpz_key {
    uint8_t bytes[MCPZ_KEY_BYTES_MAX];
    size_t length;
};

/** The key of `record`, from its kind and key fields (path within its bound: asserted). */
void mcpz_schema_key(const struct mcpz_record *record, struct mcpz_key *key);

/** The bytes that all records of `scan` share with `record`: a prefix of mcpz_schema_key(). */
void mcpz_schema_prefix(const struct mcpz_record *record, enum mcpz_scan scan,
                        struct mcpz_key *prefix);

/**
 * Fill in kind and key fields of `*record` from a key that was read; the rest is zeroed. The
 * path points into `key`.
 *
 * Errors: MCPZ_ECORRUPT  not a key of ours
 */
MCPZ_MUST_USE mcpz_error mcpz_schema_parse(struct mcpz_bytes key, struct mcpz_record *record);

/** Where the names begin in keys of `kind`; 0: they have none. */
size_t mcpz_schema_names_at(uint8_t kind);

/**
 * May a sealed record lie at `key` (engine/at_rest.h): a key of ours, or one that has a token
 * instead of its names?
 */
bool mcpz_schema_is_place(struct mcpz_bytes key);

#endif
