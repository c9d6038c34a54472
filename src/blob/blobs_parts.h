/* What blobs are from the inside: for blobs.c, blob_read.c and blob_copy.c. */

#ifndef BLOB_BLOBS_PARTS_H
#define BLOB_BLOBS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob/blob_room.h"
#include "blob/blobs.h"
#include "blob/chunk.h"
#include "blob/lent_chunks.h"
#include "blob/manifest.h"
#include "blob/packs.h"
#include "blob/shelf.h"

/* The list of each level that was read last. */
struct mcpz_blob_cached_list {
    bool is_there;
    struct mcpz_id id;
    struct mcpz_manifest list;
};

struct mcpz_blobs {
    struct mcpz_shelf *shelf;
    struct mcpz_packs *packs;
    struct mcpz_chunk_press *press;
    struct mcpz_lent_chunks *lent; /* chunks of blobs that are elsewhere, for a moment */
    size_t writers;
    uint64_t grace_ms;       /* from the last holder's leave to its end */
    uint64_t failures;       /* of flushes: what was written before one is undone */
    bool puts_off;           /* what is done need not be on the disk at once; */
    bool is_due;             /* some of it is not */
    uint64_t failures_then;  /* when the first of that was done */
    bool may_have_strays;    /* chunks that nothing needs, of blobs that were not finished */
    struct mcpz_id swept;    /* so far */
    struct mcpz_id scrubbed; /* so far */
    struct mcpz_blob_room room;
    uint64_t unflushed; /* bytes taken over from others, in packs */
    struct mcpz_blob_cached_list cache[MCPZ_MANIFEST_LEVELS_MAX];
    struct mcpz_manifest read; /* what is being read */
    struct mcpz_pack_place dropped[MCPZ_COLLECT_MAX];
    size_t dropped_count; /* the index does not know them any more, once it is flushed */
    uint8_t stored[MCPZ_CHUNK_STORED_BYTES_MAX];
    uint8_t plain[MCPZ_CHUNK_PLAIN_BYTES_MAX];
};

/** Packs first: the index names nothing that is not on the disk. Errors: MCPZ_EIO,
 * MCPZ_ENOSPACE */
MCPZ_MUST_USE mcpz_error mcpz_blobs_flush(struct mcpz_blobs *blobs);

/** As mcpz_blobs_flush(), at once or by mcpz_blobs_settle(). */
MCPZ_MUST_USE mcpz_error mcpz_blobs_flush_soon(struct mcpz_blobs *blobs);

/** Lists may be others by now. */
void mcpz_blobs_forget_lists(struct mcpz_blobs *blobs);

/**
 * Read a chunk as it is kept into blobs->stored, and see that it is whole. What is damaged is
 * struck off (mcpz_blobs_lose_chunk()).
 *
 * Errors: MCPZ_ENOTFOUND  it is not here, or is not any more; MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_blobs_read_stored(struct mcpz_blobs *blobs, const struct mcpz_id *id,
                                                struct mcpz_chunk_row *row);

/** The chunk is damaged: it is here no more, and blobs it is part of are not whole. */
void mcpz_blobs_lose_chunk(struct mcpz_blobs *blobs, const struct mcpz_id *id);

/**
 * The list called `id`; it lasts until another one of its level is read. What is lacking is added
 * to `lack`.
 *
 * Errors: MCPZ_ENOTFOUND  it is lacking; MCPZ_EAUTH, MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_blobs_find_list(struct mcpz_blobs *blobs,
                                              const struct mcpz_tenant_key *key,
                                              const struct mcpz_id *id,
                                              struct mcpz_blob_lack *lack,
                                              const struct mcpz_manifest **list);

#endif
