/*
 * How records lie on the disk: sealed, and nothing that people wrote to be read in their keys.
 *
 *   key     what schema.h says, but for a token in place of names: an entry's path, an idempotency
 *           key and whose it is, a queue, a provider's run
 *   value   id of a key 8, nonce 24, { [ length of the names u16, names ] value } sealed
 *
 * The names are sealed with the value, so who walks the records finds them again; a token is a
 * keyed hash, which finds a record by its names and says nothing to others. What is sealed is
 * bound to its key. What stays to be seen: kinds, ids (of documents, nodes and tasks), counts,
 * times in the order of lists, lengths. An id of a document is a hash of its name, which a guess
 * can be held against.
 *
 * Each record is sealed with the key of whose data it is: a document with its tenant's, and what
 * hangs on it with the same, so its record is put first. Without that key it is gone: it is
 * skipped, as if it had been removed.
 *
 * Source: reference/crdt.md, section 5 (keys); Popa et al., "CryptDB" (SOSP 2011), section 3.1:
 * deterministic encryption for equality, and what it gives away.
 */

#ifndef ENGINE_AT_REST_H
#define ENGINE_AT_REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "engine/turn_memory.h"
#include "engine/vault.h"
#include "engine/window.h"
#include "proto/kv.h"
#include "proto/record.h"
#include "store/schema.h"

#define MCPZ_AT_REST_DOCUMENTS 64 /* whose key is remembered: some of those used last */
#define MCPZ_AT_REST_HEAD_BYTES MCPZ_WINDOW_HEAD_BYTES /* of an entry's key: kind, document */

/* Which key a document is sealed with. */
struct mcpz_at_rest_document {
    bool is_known;
    struct mcpz_id id;
    uint8_t key_id[MCPZ_TENANT_KEY_ID_BYTES];
};

struct mcpz_at_rest {
    struct mcpz_vault vault;
    struct mcpz_turn_memory memory;
    struct mcpz_window window;
    uint64_t window_begun; /* what it shows lies in `memory` since then */
    struct mcpz_at_rest_document documents[MCPZ_AT_REST_DOCUMENTS];
    uint8_t named[MCPZ_KEY_BYTES_MAX]; /* what the last token was made of */
    size_t named_length;               /* 0: none was made yet */
    uint8_t token[MCPZ_RECORD_TOKEN_BYTES];
    uint8_t plain[MCPZ_SEALED_BYTES_MAX];
    uint8_t sealed[MCPZ_SEALED_BYTES_MAX];
};

/** Errors: MCPZ_ENOMEM; those of the port; `*rest` is then NULL. */
MCPZ_MUST_USE mcpz_error mcpz_at_rest_create(const struct mcpz_vault_port *port,
                                             struct mcpz_at_rest **rest);

/** NULL is fine. */
void mcpz_at_rest_destroy(struct mcpz_at_rest *rest);

/**
 * Where `record` lies. Without names (an empty path, capability or key) it is where a walk over
 * all of them begins.
 */
void mcpz_at_rest_place(struct mcpz_at_rest *rest, const struct mcpz_record *record,
                        struct mcpz_key *place);

/** What all records of `scan` share with the place of `record`. */
void mcpz_at_rest_prefix(struct mcpz_at_rest *rest, const struct mcpz_record *record,
                         enum mcpz_scan scan, struct mcpz_key *prefix);

/**
 * The encoded `value` of `record` as it lies at `place`; lasts until the next one. `kv` is asked
 * whose the record is that this one hangs on.
 */
struct mcpz_bytes mcpz_at_rest_seal(struct mcpz_at_rest *rest, const struct mcpz_kv *kv,
                                    const struct mcpz_record *record, const struct mcpz_key *place,
                                    struct mcpz_bytes value);

/* A record as it was before it was laid down. */
struct mcpz_at_rest_opened {
    struct mcpz_bytes key; /* as schema.h makes it */
    struct mcpz_bytes value;
};

/**
 * Open what lies at `place`; what comes out lasts as turn_memory.h says.
 *
 * Errors: MCPZ_ENOTFOUND  its key was shredded; MCPZ_ECORRUPT  it cannot be opened; MCPZ_EIO  no
 *         memory
 */
MCPZ_MUST_USE mcpz_error mcpz_at_rest_open(struct mcpz_at_rest *rest, struct mcpz_bytes place,
                                           struct mcpz_bytes sealed,
                                           struct mcpz_at_rest_opened *opened);

/**
 * Open the entry of `document` that follows `after` in canonical order (or is it, with
 * `inclusive`): what of a key (schema.h) is behind the document. What comes out lasts as above.
 *
 * Errors: MCPZ_ENOTFOUND  there is none; MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_at_rest_next_entry(struct mcpz_at_rest *rest,
                                                 const struct mcpz_kv *kv,
                                                 const struct mcpz_id *document,
                                                 struct mcpz_bytes after, bool inclusive,
                                                 struct mcpz_at_rest_opened *opened);

/** A record is put down, whose value was `value` before it is sealed: walks are to meet it. */
void mcpz_at_rest_on_put(struct mcpz_at_rest *rest, const struct mcpz_record *record,
                         struct mcpz_bytes value);
/** A record is removed: walks are not to meet it. */
void mcpz_at_rest_on_remove(struct mcpz_at_rest *rest, const struct mcpz_record *record);

/* Whose keys were shredded, and those made until when (ms). */
struct mcpz_at_rest_end {
    struct mcpz_bytes tenant;
    uint64_t at_ms;
};

/**
 * The document that follows `*document` (`inclusive`: or is it) among those that are sealed so.
 * False: there is none.
 */
bool mcpz_at_rest_next_ended(struct mcpz_at_rest *rest, const struct mcpz_kv *kv,
                             const struct mcpz_at_rest_end *end, bool inclusive,
                             struct mcpz_id *document);

/**
 * Remove all that is sealed with those keys, or with others that were shredded, and the places of
 * such tasks in lists; have the keys no more. How many records that were. It takes as long as a
 * walk over all there is.
 */
size_t mcpz_at_rest_purge(struct mcpz_at_rest *rest, const struct mcpz_kv *kv,
                          const struct mcpz_at_rest_end *end);

/** The turn is over. */
void mcpz_at_rest_end_turn(struct mcpz_at_rest *rest);

#endif
