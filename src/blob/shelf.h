/*
 * The index of chunks and blobs, in a store of its own beside the packs.
 *
 *   'c' id                  pack u32, offset u64, length u32, plain length u32, sealed digest 32
 *   'k' parent child        a list and what it lists
 *   'r' child parent        the same, the other way: who needs it
 *   'h' root holder         who holds a blob, by a name of its own
 *   'b' root                size u64, chunks u64, stored u64, made u64 (ms), tenant
 *   'p' root                it is not whole: something of it is lacking
 *   'z' due u64 id          to be looked at then (ms): it may be needed by nobody
 *
 * References are sets and not counts: they can be written twice, and cannot drift. What a chunk is
 * needed by can be told without any key, so what a shredded key leaves can be cleared away.
 * Integers are big-endian. It blocks: mcpz_shelf_flush() waits for the disk. Not for the loop.
 */

#ifndef BLOB_SHELF_H
#define BLOB_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "blob/packs.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "store/lmdb.h"
#include "store/pin.h"

#define MCPZ_HOLDER_BYTES_MAX 128

/* Where a chunk is, and what it is. */
struct mcpz_chunk_row {
    struct mcpz_pack_place place;
    uint32_t plain_length;
    struct mcpz_id sealed;
};

struct mcpz_blob_row {
    uint64_t size;
    uint64_t chunks; /* lists not counted */
    uint64_t stored; /* bytes that it added, compressed and sealed; chunks known before add none */
    uint64_t made_ms;
    uint8_t tenant[MCPZ_TENANT_BYTES_MAX];
    size_t tenant_length;
};

/* All blobs. */
struct mcpz_blob_totals {
    uint64_t blobs;
    uint64_t bytes; /* of what they say */
};

struct mcpz_shelf;

/** Open or make the index in `directory`. Errors and `trouble` as mcpz_lmdb_open(). */
MCPZ_MUST_USE mcpz_error mcpz_shelf_open(const char *directory, struct mcpz_shelf **shelf,
                                         struct mcpz_lmdb_trouble *trouble);
void mcpz_shelf_close(struct mcpz_shelf *shelf);

/** Pin what is on the disk. Errors: as mcpz_pin_create() */
MCPZ_MUST_USE mcpz_error mcpz_shelf_pin(struct mcpz_shelf *shelf, struct mcpz_pin **pin);

/**
 * Have what was changed on the disk. On error all changes since the last time are undone.
 *
 * Errors: MCPZ_ENOSPACE, MCPZ_EFULL, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_shelf_flush(struct mcpz_shelf *shelf);

/** Errors of what reads: MCPZ_ENOTFOUND; MCPZ_ECORRUPT, MCPZ_EIO */
MCPZ_MUST_USE mcpz_error mcpz_shelf_chunk(struct mcpz_shelf *shelf, const struct mcpz_id *id,
                                          struct mcpz_chunk_row *row);
void mcpz_shelf_put_chunk(struct mcpz_shelf *shelf, const struct mcpz_id *id,
                          const struct mcpz_chunk_row *row);
void mcpz_shelf_remove_chunk(struct mcpz_shelf *shelf, const struct mcpz_id *id);

/* A row as it lies in the index. */
struct mcpz_shelved {
    enum mcpz_shelved_kind {
        MCPZ_SHELVED_CHUNK, /* `id` lies where `chunk` says */
        MCPZ_SHELVED_NEED,  /* `parent` lists `id` */
        MCPZ_SHELVED_HELD,  /* somebody holds the blob `id` */
        MCPZ_SHELVED_LACK,  /* something of the blob `id` is lacking */
        MCPZ_SHELVED_OTHER
    } kind;
    struct mcpz_id id;
    struct mcpz_id parent;
    struct mcpz_chunk_row chunk;
};

/** Read one. Errors: MCPZ_ECORRUPT  it is no row of ours */
MCPZ_MUST_USE mcpz_error mcpz_shelf_parse(struct mcpz_bytes key, struct mcpz_bytes value,
                                          struct mcpz_shelved *row);

/** The first chunk after `after`, zeros being before all. */
MCPZ_MUST_USE mcpz_error mcpz_shelf_next_chunk(struct mcpz_shelf *shelf,
                                               const struct mcpz_id *after, struct mcpz_id *id);

MCPZ_MUST_USE mcpz_error mcpz_shelf_blob(struct mcpz_shelf *shelf, const struct mcpz_id *root,
                                         struct mcpz_blob_row *row);
void mcpz_shelf_put_blob(struct mcpz_shelf *shelf, const struct mcpz_id *root,
                         const struct mcpz_blob_row *row);
void mcpz_shelf_remove_blob(struct mcpz_shelf *shelf, const struct mcpz_id *root);
/** How many there are. Counted when it is first asked for, and known from then on. Errors: as of
 * what reads */
MCPZ_MUST_USE mcpz_error mcpz_shelf_totals(struct mcpz_shelf *shelf,
                                           struct mcpz_blob_totals *totals);
MCPZ_MUST_USE mcpz_error mcpz_shelf_next_blob(struct mcpz_shelf *shelf,
                                              const struct mcpz_id *after, struct mcpz_id *root);

/** `parent` lists `child`, or does not any more. */
void mcpz_shelf_link(struct mcpz_shelf *shelf, const struct mcpz_id *parent,
                     const struct mcpz_id *child);
void mcpz_shelf_unlink(struct mcpz_shelf *shelf, const struct mcpz_id *parent,
                       const struct mcpz_id *child);
/** The first that `parent` lists. */
MCPZ_MUST_USE mcpz_error mcpz_shelf_first_child(struct mcpz_shelf *shelf,
                                                const struct mcpz_id *parent,
                                                struct mcpz_id *child);

/** The first after `after` (zeros being before all) that lists `child`. */
MCPZ_MUST_USE mcpz_error mcpz_shelf_next_parent(struct mcpz_shelf *shelf,
                                                const struct mcpz_id *child,
                                                const struct mcpz_id *after,
                                                struct mcpz_id *parent);

/** The blob is known to lack something, or does not any more. */
void mcpz_shelf_mark_partial(struct mcpz_shelf *shelf, const struct mcpz_id *root);
void mcpz_shelf_mark_whole(struct mcpz_shelf *shelf, const struct mcpz_id *root);
MCPZ_MUST_USE mcpz_error mcpz_shelf_is_partial(struct mcpz_shelf *shelf,
                                               const struct mcpz_id *root, bool *partial);

/** `holder` (at most MCPZ_HOLDER_BYTES_MAX, asserted) holds the blob, or does not any more. */
void mcpz_shelf_hold(struct mcpz_shelf *shelf, const struct mcpz_id *root,
                     struct mcpz_bytes holder);
void mcpz_shelf_let_go(struct mcpz_shelf *shelf, const struct mcpz_id *root,
                       struct mcpz_bytes holder);
MCPZ_MUST_USE mcpz_error mcpz_shelf_holds(struct mcpz_shelf *shelf, const struct mcpz_id *root,
                                          struct mcpz_bytes holder);

/** Is it held, or listed anywhere? Errors: MCPZ_EIO, MCPZ_ECORRUPT */
MCPZ_MUST_USE mcpz_error mcpz_shelf_is_needed(struct mcpz_shelf *shelf, const struct mcpz_id *id,
                                              bool *needed);

/** Have `id` looked at when it is `due_ms`, or not any more. */
void mcpz_shelf_doubt(struct mcpz_shelf *shelf, uint64_t due_ms, const struct mcpz_id *id);
void mcpz_shelf_settle(struct mcpz_shelf *shelf, uint64_t due_ms, const struct mcpz_id *id);
/** The one that is due first. */
MCPZ_MUST_USE mcpz_error mcpz_shelf_first_doubt(struct mcpz_shelf *shelf, uint64_t *due_ms,
                                                struct mcpz_id *id);

#endif
