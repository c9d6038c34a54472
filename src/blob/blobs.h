/*
 * Blobs of this node: any number of bytes under the name of what they say.
 *
 *   bytes -> cut (fastcdc.h) -> chunk known? -> compressed, sealed (chunk.h) -> pack (packs.h)
 *                                                 id, place -> index (shelf.h), list (manifest.h)
 *
 * A blob is named by the id of its root list. Whoever holds it does so under a name of his own;
 * when nobody has for ten minutes, what nothing else needs is cleared away, a list at a time, and
 * not while something is being written, which may count on chunks that are there. What a crash
 * leaves of blobs that were never finished is found and cleared away after the next start.
 *
 * A blob may come from another node, chunk by chunk, in any order: it is here, and held, before it
 * is whole, and what is lacking of it can be told (mcpz_blobs_look()). One whose chunks turn out
 * to be damaged is such a one again. Who is to have which blob is not decided here.
 *
 * It blocks and belongs to one thread (blob_thread.h).
 *
 * Source: reference/crdt.md, sections 5 and 6.
 */

#ifndef BLOB_BLOBS_H
#define BLOB_BLOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "blob/chunk_letter.h"
#include "blob/shelf.h"
#include "crypto/tenant_key.h"
#include "proto/id.h"
#include "store/lmdb.h"
#include "store/pin.h"

#define MCPZ_BLOB_GRACE_MS 600000 /* from the last holder's leave to its end */
#define MCPZ_BLOB_FLUSH_BYTES 33554432
#define MCPZ_COLLECT_MAX 64 /* looked at in one go */
#define MCPZ_BLOB_LACK_MAX 64
#define MCPZ_BLOB_LOOK_LISTS_MAX 64 /* looked at in one go: some 8,000 chunks */

/* Kinds of chunks: what is one never has the id of another. */
enum mcpz_chunk_kind { MCPZ_CHUNK_DATA = 1, MCPZ_CHUNK_LIST };

struct mcpz_blobs;
struct mcpz_blob_writer;

/** Open or make them in `directory`. Errors and `trouble` as mcpz_lmdb_open(). */
MCPZ_MUST_USE mcpz_error mcpz_blobs_open(const char *directory, struct mcpz_blobs **blobs,
                                         struct mcpz_lmdb_trouble *trouble);

/** What is let go of from now on is kept so long, in place of MCPZ_BLOB_GRACE_MS. */
void mcpz_blobs_set_grace(struct mcpz_blobs *blobs, uint64_t grace_ms);

/** No writer is left (asserted). NULL is fine. */
void mcpz_blobs_close(struct mcpz_blobs *blobs);

/** Begin a blob of `tenant`, whose key is borrowed until it ends. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_blobs_begin(struct mcpz_blobs *blobs, struct mcpz_bytes tenant,
                                          const struct mcpz_tenant_key *key,
                                          struct mcpz_blob_writer **writer);

/**
 * Add bytes at its end. After an error it can only be aborted.
 *
 * Errors: MCPZ_EFULL  it would be over MCPZ_BLOB_BYTES_MAX; MCPZ_ENOSPACE, MCPZ_EIO, MCPZ_ECORRUPT
 */
MCPZ_MUST_USE mcpz_error mcpz_blob_writer_add(struct mcpz_blob_writer *writer,
                                              struct mcpz_bytes bytes);

/** How many bytes were added. */
uint64_t mcpz_blob_writer_length(const struct mcpz_blob_writer *writer);

/**
 * End it: the blob is on the disk when this returns, held by `holder`. The writer is gone, on
 * error too.
 *
 * Errors: as above
 */
MCPZ_MUST_USE mcpz_error mcpz_blob_writer_finish(struct mcpz_blob_writer *writer,
                                                 struct mcpz_bytes holder, uint64_t now_ms,
                                                 struct mcpz_id *root);

/** Forget it. NULL is fine. */
void mcpz_blob_writer_abort(struct mcpz_blob_writer *writer);

/** Errors: MCPZ_ENOTFOUND; MCPZ_EIO, MCPZ_ECORRUPT */
MCPZ_MUST_USE mcpz_error mcpz_blobs_stat(struct mcpz_blobs *blobs, const struct mcpz_id *root,
                                         struct mcpz_blob_row *row);

/** The first blob after `after`, zeros being before all. Errors as above. */
MCPZ_MUST_USE mcpz_error mcpz_blobs_next(struct mcpz_blobs *blobs, const struct mcpz_id *after,
                                         struct mcpz_id *root);

/** How many there are, whole or not. Errors: MCPZ_EIO, MCPZ_ECORRUPT */
MCPZ_MUST_USE mcpz_error mcpz_blobs_totals(struct mcpz_blobs *blobs,
                                           struct mcpz_blob_totals *totals);

/* Chunks that would have to be here. */
struct mcpz_blob_lack {
    struct mcpz_id ids[MCPZ_BLOB_LACK_MAX];
    size_t count;
};

/* Bytes of a blob that are asked for, and where they go. */
struct mcpz_blob_piece {
    uint64_t offset;
    uint8_t *buffer;
    size_t capacity;
    size_t length;               /* out */
    struct mcpz_blob_lack *lack; /* out; NULL: the blob is here, or there is none */
};

/**
 * Read up to `piece->capacity` bytes from its offset on; `piece->length` is how many, 0 at the end
 * and beyond. With `piece->lack` the blob need not be here: what is lacking for the piece is told,
 * as far as can be known, and is read once it was lent.
 *
 * Errors: MCPZ_ENOTFOUND  it is not here; or what `piece->lack` then names is not
 *         MCPZ_EAUTH      it is not of the tenant of that key
 *         MCPZ_ECORRUPT   a chunk is missing or damaged; MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_blobs_read(struct mcpz_blobs *blobs,
                                         const struct mcpz_tenant_key *key,
                                         const struct mcpz_id *root,
                                         struct mcpz_blob_piece *piece);

/** Hold it under another name too. Errors: MCPZ_ENOTFOUND; MCPZ_EIO, MCPZ_ENOSPACE */
MCPZ_MUST_USE mcpz_error mcpz_blobs_hold(struct mcpz_blobs *blobs, const struct mcpz_id *root,
                                         struct mcpz_bytes holder);

/**
 * From here on what is put, held and let go of need not be on the disk at once, until
 * mcpz_blobs_settle(): several share the wait for it. Nobody is told of it before.
 */
void mcpz_blobs_put_off(struct mcpz_blobs *blobs);

/** Is something of it not on the disk yet? */
bool mcpz_blobs_is_due(const struct mcpz_blobs *blobs);

/** Have all on the disk, and put off no more. Errors: MCPZ_EIO, MCPZ_ENOSPACE: what was done since
 * mcpz_blobs_put_off() is undone */
MCPZ_MUST_USE mcpz_error mcpz_blobs_settle(struct mcpz_blobs *blobs);

/** What `holder` holds, `other` holds from now on in its place, at once: a crash leaves one of
 * them. Errors: MCPZ_ENOTFOUND  `holder` does not; MCPZ_EIO, MCPZ_ENOSPACE */
MCPZ_MUST_USE mcpz_error mcpz_blobs_hold_as(struct mcpz_blobs *blobs, const struct mcpz_id *root,
                                            struct mcpz_bytes holder, struct mcpz_bytes other);

/** Hold it no more. Errors: MCPZ_ENOTFOUND  `holder` does not; MCPZ_EIO, MCPZ_ENOSPACE */
MCPZ_MUST_USE mcpz_error mcpz_blobs_release(struct mcpz_blobs *blobs, const struct mcpz_id *root,
                                            struct mcpz_bytes holder, uint64_t now_ms);

/* ---- Copies of what other nodes have -------------------------------------------------------- */

/**
 * A blob is to come here: have it known, as not whole, and held by `holder`. One that is here
 * already stays as it is.
 *
 * Errors: MCPZ_EIO, MCPZ_ENOSPACE
 */
MCPZ_MUST_USE mcpz_error mcpz_blobs_expect(struct mcpz_blobs *blobs, const struct mcpz_id *root,
                                           const struct mcpz_blob_row *row,
                                           struct mcpz_bytes holder);

/**
 * What is lacking of a blob, from byte `*offset` on; 0 at first. `*offset` moves on over what is
 * here.
 *
 * Errors: MCPZ_ENOTFOUND  what `lack` names, and perhaps more; MCPZ_EFULL  nothing so far: look
 *                         on; MCPZ_EAUTH  not with that key; MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_blobs_look(struct mcpz_blobs *blobs,
                                         const struct mcpz_tenant_key *key,
                                         const struct mcpz_id *root, uint64_t *offset,
                                         struct mcpz_blob_lack *lack);

/**
 * Keep a chunk that another node has sent, or (`is_lent`) have it for a moment, to be read. It is
 * opened, and its id must be that of what is in it. One that is here already stays.
 *
 * Errors: MCPZ_EAUTH   it is not of the tenant of that key, or was changed
 *         MCPZ_EPROTO  it is not what its id says; MCPZ_ECORRUPT; MCPZ_EIO, MCPZ_ENOSPACE
 */
MCPZ_MUST_USE mcpz_error mcpz_blobs_give(struct mcpz_blobs *blobs,
                                         const struct mcpz_tenant_key *key,
                                         const struct mcpz_chunk_letter *letter, bool is_lent);

/** Nothing of it is lacking: it is whole, and on the disk when this returns. Errors: MCPZ_EIO,
 * MCPZ_ENOSPACE */
MCPZ_MUST_USE mcpz_error mcpz_blobs_complete(struct mcpz_blobs *blobs, const struct mcpz_id *root);

/** Is it here, and not known to lack something? */
bool mcpz_blobs_is_whole(struct mcpz_blobs *blobs, const struct mcpz_id *root);

/** Does `holder` hold it? */
bool mcpz_blobs_holds(struct mcpz_blobs *blobs, const struct mcpz_id *root,
                      struct mcpz_bytes holder);

/**
 * A chunk to send to another node, which lasts until the next call of any kind. It was seen to be
 * whole.
 *
 * Errors: MCPZ_ENOTFOUND  it is not here, or was damaged; MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_blobs_show(struct mcpz_blobs *blobs, const struct mcpz_id *id,
                                         struct mcpz_chunk_letter *letter);

/**
 * Read through chunks on the disk, up to `bytes` of them, and strike off those that are damaged.
 * False: that were all; the next time it begins anew.
 */
bool mcpz_blobs_scrub(struct mcpz_blobs *blobs, size_t bytes);

/** Forget what was lent. */
void mcpz_blobs_forget_lent(struct mcpz_blobs *blobs);

/** Pin the index as it is on the disk (store/pin.h). Errors: as mcpz_pin_create() */
MCPZ_MUST_USE mcpz_error mcpz_blobs_pin(struct mcpz_blobs *blobs, struct mcpz_pin **pin);

/**
 * Let go of what reading holds in the index, so that its old pages can be used again. When nothing
 * is asked for a moment. Errors: MCPZ_EIO, MCPZ_ENOSPACE  what is being written is lost
 */
MCPZ_MUST_USE mcpz_error mcpz_blobs_rest(struct mcpz_blobs *blobs);

/**
 * Clear away what is due, looking at up to `most` chunks or lists, at most MCPZ_COLLECT_MAX
 * (asserted); `*removed` is how many went, and `*more` whether it should go on at once. Nothing
 * happens while something is written.
 *
 * Errors: MCPZ_EIO, MCPZ_ENOSPACE, MCPZ_ECORRUPT
 */
MCPZ_MUST_USE mcpz_error mcpz_blobs_collect(struct mcpz_blobs *blobs, uint64_t now_ms, size_t most,
                                            size_t *removed, bool *more);

#endif
