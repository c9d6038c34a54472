/*
 * What outlives the process, as plain values: the rows of the store.
 *
 * The first fields of each record are its key (store/schema.h turns them into bytes that sort as
 * listed); the rest is its value, encoded by the same table-driven codec as messages. Slices of a
 * record that was read are borrowed until the turn ends.
 */

#ifndef PROTO_RECORD_H
#define PROTO_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/agent.h"
#include "proto/id.h"
#include "proto/msg.h"

/* Also the first byte of the key. Append, never reuse a number. */
enum mcpz_record_kind {
    MCPZ_RECORD_SELF = 1,
    MCPZ_RECORD_TOKEN = 2,
    MCPZ_RECORD_PEER = 3,
    MCPZ_RECORD_DOCUMENT = 4,
    MCPZ_RECORD_ENTRY = 5,
    MCPZ_RECORD_DELTA = 6,
    MCPZ_RECORD_KIND_END,
};

/* What this node must know of itself after a restart. One row. */
struct mcpz_record_self {
    struct mcpz_id mesh;
    struct mcpz_bytes certificate; /* encoded chain */
    uint64_t incarnation;          /* of the membership protocol: none used is above it */
    uint32_t generation;           /* of the agents' actor: see struct mcpz_actor */
};

/* A join token we gave out. Key: id. The secret itself is not kept. */
struct mcpz_record_token {
    uint8_t id[MCPZ_TOKEN_ID_BYTES];
    struct mcpz_bytes key; /* MCPZ_PROOF_BYTES, made from the secret: crypto/token.h */
    uint64_t created_ms;   /* wall clock */
    uint64_t expires_ms;
    uint32_t uses_max;
    uint32_t uses_spent;
    struct mcpz_bytes role; /* may be empty */
    bool revoked;
    struct mcpz_id last; /* whom it let in last: asking again costs no use */
};

/* A member we have met: where to dial it when all links are gone. Key: id. */
struct mcpz_record_peer {
    struct mcpz_id id;
    struct mcpz_bytes address;
    struct mcpz_bytes name;
};

/* One agent. Key: id. */
struct mcpz_record_document {
    struct mcpz_id id;
    struct mcpz_bytes name; /* what people call it; empty until its first delta is here */
    bool deleted;
    uint64_t hlc;                        /* greatest stamp seen in it */
    uint32_t entry_count;                /* live */
    const struct mcpz_version *versions; /* sorted by actor */
    size_t version_count;
};

/* Key: document, path, type, dot; so a scan meets entries in canonical order. */
struct mcpz_record_entry {
    struct mcpz_id document;
    struct mcpz_bytes path;
    uint32_t type;
    struct mcpz_dot dot;
    uint64_t hlc;
    struct mcpz_bytes value;
};

/* Key: document, actor, seq. */
struct mcpz_record_delta {
    struct mcpz_delta delta;
};

struct mcpz_record {
    enum mcpz_record_kind kind;
    union {
        struct mcpz_record_self self;
        struct mcpz_record_token token;
        struct mcpz_record_peer peer;
        struct mcpz_record_document document;
        struct mcpz_record_entry entry;
        struct mcpz_record_delta delta;
    };
};

#endif
