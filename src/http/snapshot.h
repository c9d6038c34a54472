/*
 * A file of agents: all that some documents are made of, to be read in elsewhere.
 *
 *   magic "MCPZSNAP", version u8
 *   item*     length u32 (not 0), a message as nodes send it: AUTHOR, AGREED, BASE, or BATCH of
 * one delta end       0 u32, BLAKE2b-256 (MCPZ_DIGEST_SNAPSHOT) over all before it
 *
 * Integers are big-endian. What a document was folded to (AGREED, BASEs) comes before its deltas;
 * these come in causal order, each with what shows that its author has signed it, and authors
 * ahead of what they wrote: http/agent_export.h.
 */

#ifndef HTTP_SNAPSHOT_H
#define HTTP_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "crypto/digest.h"
#include "http/body.h"
#include "proto/limits.h"

#define MCPZ_SNAPSHOT_MAGIC "MCPZSNAP"
#define MCPZ_SNAPSHOT_VERSION 4
#define MCPZ_SNAPSHOT_HEAD_BYTES 9
#define MCPZ_SNAPSHOT_ITEM_BYTES_MAX MCPZ_MSG_BYTES_MAX
#define MCPZ_SNAPSHOT_TYPE "application/vnd.mcpz.snapshot"

/* Appends to a body, which keeps the first error. */
struct mcpz_snapshot_writer {
    struct mcpz_digest_state digest;
    struct mcpz_body *body;
};

void mcpz_snapshot_begin(struct mcpz_snapshot_writer *writer, struct mcpz_body *body);

/** Add one encoded message, 1 to MCPZ_SNAPSHOT_ITEM_BYTES_MAX bytes (asserted). */
void mcpz_snapshot_add(struct mcpz_snapshot_writer *writer, struct mcpz_bytes message);

void mcpz_snapshot_end(struct mcpz_snapshot_writer *writer);

/* A file as it passes by: how far it is, and in the end whether it was whole. */
struct mcpz_snapshot_tap {
    struct mcpz_digest_state digest;
    uint64_t bytes;
    uint64_t items; /* writes and their authors that have gone by */
    uint32_t part;  /* which of head, length, item and trailer is coming: snapshot.c */
    uint32_t left;  /* bytes of it */
    uint8_t kept[MCPZ_DIGEST_BYTES]; /* its bytes, where they are looked at */
    bool is_bad;
};

void mcpz_snapshot_tap_begin(struct mcpz_snapshot_tap *tap);
void mcpz_snapshot_tap_add(struct mcpz_snapshot_tap *tap, struct mcpz_bytes piece);

/** Was that all of it, and does the digest fit? */
bool mcpz_snapshot_tap_is_whole(const struct mcpz_snapshot_tap *tap);

struct mcpz_snapshot_reader {
    struct mcpz_digest_state digest;
    const struct mcpz_body *body;
    uint64_t at;
    uint8_t item[MCPZ_SNAPSHOT_ITEM_BYTES_MAX];
};

/**
 * Start to read `body`, which is borrowed.
 *
 * Errors: MCPZ_EPROTO    not such a file; MCPZ_ESHORT  it ends too early
 *         MCPZ_EVERSION  of another version; MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_snapshot_open(struct mcpz_snapshot_reader *reader,
                                            const struct mcpz_body *body);

/**
 * Read the next message; what it says is for the engine to judge. `*message` lies in the reader
 * and lasts until the next call.
 *
 * Errors: MCPZ_ENOTFOUND  that was the last: the digest fits, and nothing follows it
 *         MCPZ_ESHORT     the file is cut off
 *         MCPZ_ECORRUPT   the digest does not fit, or an item is longer than any may be
 *         MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_snapshot_next(struct mcpz_snapshot_reader *reader,
                                            struct mcpz_bytes *message);

#endif
