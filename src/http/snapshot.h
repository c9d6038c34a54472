/*
 * A file of agents: all that some documents are made of, to be read in elsewhere.
 *
 *   head      magic "MCPZSNAP", version u8
 *   part*     kind u8, number u32 (0, 1 ...), items u32, length u32, payload, digest
 *             AGENTS: items; BLOB: a piece of a blob's data; LOST: a blob that could not be had
 *   end       the same, of kind END: how much there is of everything, and what is not there; or
 *             of kind FAILED: why it ends before its end
 *
 * A digest is BLAKE2b-256 (MCPZ_DIGEST_SNAPSHOT) over header and payload of its part; of the end
 * also over the digests of all parts before. So a part can be judged by itself, and where a file
 * is damaged can be said; that nothing is missing says the end. Integers are big-endian.
 *
 * An item is a length u32 (not 0) and a message as nodes send it: AUTHOR, AGREED, BASE, or BATCH
 * of one delta. What a document was folded to (AGREED, BASEs) lies within one part and comes
 * before its deltas; these come in causal order, each with what shows that its author has signed
 * it, and authors ahead of what they wrote: http/agent_export.h.
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
#include "proto/checkpoint.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_SNAPSHOT_MAGIC "MCPZSNAP"
#define MCPZ_SNAPSHOT_VERSION 5
#define MCPZ_SNAPSHOT_HEAD_BYTES 9
#define MCPZ_SNAPSHOT_PART_HEAD_BYTES 13
#define MCPZ_SNAPSHOT_PART_BYTES 262144      /* a payload as long is ended where it can be */
#define MCPZ_SNAPSHOT_PART_BYTES_MAX 8388608 /* none is longer */
#define MCPZ_SNAPSHOT_ITEM_BYTES_MAX MCPZ_MSG_BYTES_MAX
#define MCPZ_SNAPSHOT_MISSING_MAX 256    /* ranges that are told apart */
#define MCPZ_SNAPSHOT_PIECE_BYTES 524288 /* of a blob; the last one is shorter, or as long */
#define MCPZ_SNAPSHOT_LOST_MAX 64        /* blobs that are told by name */
#define MCPZ_SNAPSHOT_TYPE "application/vnd.mcpz.snapshot"

static_assert(MCPZ_SNAPSHOT_PART_BYTES +
                      (MCPZ_BASE_BYTES_MAX / MCPZ_BASE_PIECE_BYTES + MCPZ_ACTORS_MAX + 1) *
                          (MCPZ_SNAPSHOT_ITEM_BYTES_MAX + 4) <=
                  MCPZ_SNAPSHOT_PART_BYTES_MAX,
              "a part that is not ended yet, and a base");

enum mcpz_snapshot_part {
    MCPZ_SNAPSHOT_AGENTS = 1,
    MCPZ_SNAPSHOT_END,
    MCPZ_SNAPSHOT_FAILED,
    MCPZ_SNAPSHOT_BLOB,
    MCPZ_SNAPSHOT_LOST,
};

/* A piece of a blob, or one that is lost. */
struct mcpz_snapshot_blob {
    struct mcpz_id root; /* as agents name it: of the tenant's key where the file was made */
    char tenant[MCPZ_TENANT_BYTES_MAX + 1]; /* as people say it */
    uint64_t size;                          /* of the blob */
    uint64_t offset;                        /* in it, of the piece */
    uint32_t length;                        /* of the piece: 0 if the blob is empty, or lost */
    uint64_t at;                            /* in the body, of its bytes; of a reader */
    bool is_last;
    bool is_lost;
    uint8_t digest[MCPZ_DIGEST_BYTES]; /* of the whole blob's bytes; of the last piece */
};

/* Which piece may come next. Zeros: none has come. */
struct mcpz_snapshot_order {
    bool is_open; /* a blob's pieces are under way */
    struct mcpz_id root;
    uint64_t size;
    uint64_t next; /* offset */
};

/* How much there is. */
struct mcpz_snapshot_total {
    uint64_t agents;
    uint64_t messages;
    bool has_blobs; /* they were asked for */
    uint64_t blobs; /* that are whole in it */
    uint64_t blob_bytes;
    uint64_t blobs_lost;
    size_t missing_count;
    struct mcpz_snapshot_range {
        uint32_t first;
        uint32_t last;
    } missing[MCPZ_SNAPSHOT_MISSING_MAX]; /* partitions whose agents could not be had, ascending */
};

/* ---- Writing ------------------------------------------------------------------------------ */

/* Appends to a body, which keeps the first error. */
struct mcpz_snapshot_writer {
    struct mcpz_body *body;
    struct mcpz_digest_state digests; /* over those of all parts */
    uint32_t number;                  /* of the part under way */
    uint32_t items;                   /* in it */
    uint8_t *payload;                 /* of it; owned */
    size_t length;
    size_t capacity;
    struct mcpz_digest_state content; /* of the blob under way */
    struct mcpz_snapshot_total total;
};

/** Begin a file. Release with mcpz_snapshot_end(), _fail() or _drop(). */
void mcpz_snapshot_begin(struct mcpz_snapshot_writer *writer, struct mcpz_body *body);

/**
 * Add one encoded message, 1 to MCPZ_SNAPSHOT_ITEM_BYTES_MAX bytes (asserted). It reaches the body
 * with the part that it is in: when that is full, or with the end.
 */
void mcpz_snapshot_add(struct mcpz_snapshot_writer *writer, struct mcpz_bytes message);

/**
 * Add a piece of a blob, at most MCPZ_SNAPSHOT_PIECE_BYTES (asserted); of `blob` root, tenant,
 * size and offset are read. Pieces follow each other; between them no other blob's come. It
 * reaches the body at once, ahead of the messages of a part that is not full.
 */
void mcpz_snapshot_add_piece(struct mcpz_snapshot_writer *writer,
                             const struct mcpz_snapshot_blob *blob, struct mcpz_bytes bytes);

/** That blob could not be had, or not all of it. */
void mcpz_snapshot_lose(struct mcpz_snapshot_writer *writer,
                        const struct mcpz_snapshot_blob *blob);

/** What is of this partition could not be had. Ascending; too many ranges run into each other. */
void mcpz_snapshot_miss(struct mcpz_snapshot_writer *writer, uint32_t partition);

void mcpz_snapshot_end(struct mcpz_snapshot_writer *writer);

/** It ends here, for a reason that whoever reads it is told. */
void mcpz_snapshot_fail(struct mcpz_snapshot_writer *writer, const char *reason);

/** Release it as it is. Zeros are fine. */
void mcpz_snapshot_drop(struct mcpz_snapshot_writer *writer);

/* ---- Following ---------------------------------------------------------------------------- */

/* A file as it passes by: how far it is, and in the end whether it was whole. */
struct mcpz_snapshot_tap {
    uint64_t bytes;
    uint64_t items;                   /* of all parts that have begun */
    uint32_t parts;                   /* that were whole */
    uint64_t part_at;                 /* where the one under way begins */
    struct mcpz_snapshot_total total; /* when it was whole */
    uint64_t blobs;                   /* that were whole */
    uint64_t blob_bytes;              /* of pieces */
    size_t lost_count;                /* blobs; of them MCPZ_SNAPSHOT_LOST_MAX are in: */
    struct mcpz_snapshot_blob lost[MCPZ_SNAPSHOT_LOST_MAX];
    char reason[256]; /* why it ends before its end; "": it does not say */
    mcpz_error error; /* EPROTO: no such file; EVERSION; ECORRUPT: within the part at part_at */

    struct mcpz_digest_state digests;
    struct mcpz_digest_state digest; /* of the part */
    uint32_t phase;                  /* which of head, header, payload and digest: snapshot.c */
    uint32_t left;                   /* bytes of it */
    uint32_t kind;
    uint32_t length;
    struct mcpz_snapshot_order order;
    uint8_t kept[4096]; /* its first bytes, where they are looked at */
};

void mcpz_snapshot_tap_begin(struct mcpz_snapshot_tap *tap);

/** Errors are kept; what comes behind one is not looked at. */
void mcpz_snapshot_tap_add(struct mcpz_snapshot_tap *tap, struct mcpz_bytes piece);

/** Was that all of it, and does everything fit? */
bool mcpz_snapshot_tap_is_whole(const struct mcpz_snapshot_tap *tap);

/** How many bytes must be read next, to be at the end of a head, of a header, or of a part with
 * its digest. 0: it is at its end, or has an error. */
size_t mcpz_snapshot_tap_wants(const struct mcpz_snapshot_tap *tap);

/* ---- Reading ------------------------------------------------------------------------------ */

struct mcpz_snapshot_reader {
    const struct mcpz_body *body;
    bool is_some;    /* parts of a file, which need not be all */
    bool is_in_part; /* `left` bytes of its payload are to come */
    uint64_t at;
    uint64_t part_at; /* where the part begins */
    uint32_t number;  /* of the next part */
    uint32_t items;   /* of the part, to come */
    uint32_t left;
    struct mcpz_digest_state digests;
    struct mcpz_digest_state digest;
    struct mcpz_snapshot_order order;
    bool has_blob; /* instead of a message */
    struct mcpz_snapshot_blob blob;
    uint8_t item[MCPZ_SNAPSHOT_ITEM_BYTES_MAX];
};

/**
 * Start to read `body`, which is borrowed: a file, or with `is_some` its head and any parts of it
 * that follow each other.
 *
 * Errors: MCPZ_EPROTO    not such a file; MCPZ_ESHORT  it ends too early
 *         MCPZ_EVERSION  of another version; MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_snapshot_open(struct mcpz_snapshot_reader *reader,
                                            const struct mcpz_body *body, bool is_some);

/**
 * Read the next message; what it says is for the engine to judge. `*message` lies in the reader
 * and lasts until the next call. Or, with `reader->has_blob`, the next piece: `reader->blob` says
 * where its bytes lie, and `*message` is empty. Whether pieces make the blob is not looked at.
 *
 * Errors: MCPZ_ENOTFOUND  that was the last: digests fit, and nothing follows it
 *         MCPZ_ESHORT     the file is cut off, or says that it ends before its end
 *         MCPZ_ECORRUPT   a digest does not fit, or something is longer than any may be
 *         MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_snapshot_next(struct mcpz_snapshot_reader *reader,
                                            struct mcpz_bytes *message);

#endif
