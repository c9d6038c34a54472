/*
 * Files that chunks are appended to, one after the other, and never changed.
 *
 *   DIRECTORY/pack-00000001 ...   records: "mcpk", length u32 LE, id 32, the chunk as it is kept
 *
 * Where a chunk lies is kept elsewhere (shelf.h): what a crash leaves behind the last known
 * record is never looked at, and new records follow it. What is dropped gives its blocks back to
 * the file system where that can punch holes. It blocks: not for the loop.
 *
 * Source: reference/crdt.md, section 6: chunks in append-only packs, an index beside them.
 */

#ifndef BLOB_PACKS_H
#define BLOB_PACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/id.h"

#define MCPZ_PACK_BYTES_MAX 268435456 /* then another one is begun */
#define MCPZ_PACK_HEAD_BYTES 40
#define MCPZ_PACKS_OPEN_MAX 8      /* files held open to read from */
#define MCPZ_PACK_BLOCK_BYTES 4096 /* holes are of whole blocks */
#define MCPZ_PACK_BLOCKS_MAX (MCPZ_PACK_BYTES_MAX / MCPZ_PACK_BLOCK_BYTES)

struct mcpz_pack_place {
    uint32_t pack;
    uint32_t length; /* of the chunk, without the record's head */
    uint64_t offset; /* of the record */
};

struct mcpz_packs;

/** Open the packs in `directory`, which is there. Errors: MCPZ_ENOMEM, MCPZ_EIO */
MCPZ_MUST_USE mcpz_error mcpz_packs_open(const char *directory, struct mcpz_packs **packs);
void mcpz_packs_close(struct mcpz_packs *packs);

/**
 * Append a chunk. It is there after a crash once mcpz_packs_sync() has worked.
 *
 * Errors: MCPZ_ENOSPACE, MCPZ_EIO; nothing was appended
 */
MCPZ_MUST_USE mcpz_error mcpz_packs_append(struct mcpz_packs *packs, const struct mcpz_id *id,
                                           struct mcpz_bytes chunk, struct mcpz_pack_place *place);

/** Errors: MCPZ_EIO, MCPZ_ENOSPACE */
MCPZ_MUST_USE mcpz_error mcpz_packs_sync(struct mcpz_packs *packs);

/**
 * Read the chunk called `id` from where it lies: `place->length` bytes.
 *
 * Errors: MCPZ_ECORRUPT  it is not there; MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_packs_read(struct mcpz_packs *packs, const struct mcpz_id *id,
                                         const struct mcpz_pack_place *place, uint8_t *chunk);

/** Is it the head of the record of chunk `id`, so long? `head` has MCPZ_PACK_HEAD_BYTES. */
bool mcpz_pack_head_is_of(const uint8_t *head, const struct mcpz_id *id, uint32_t length);

/** Give back what a chunk takes, if the file system can. It is not read any more. Blocks that it
 * shares with others stay until nobody needs them: blob_room.h */
void mcpz_packs_drop(struct mcpz_packs *packs, const struct mcpz_pack_place *place);

/** The last pack there is, and where it ends: what is appended later lies behind that. False:
 * there is none, or it cannot be looked at. */
bool mcpz_packs_end(struct mcpz_packs *packs, uint32_t *pack, uint64_t *end);

/** Give back `count` whole blocks from number `first` on, whatever lies in them. */
void mcpz_packs_give_back(struct mcpz_packs *packs, uint32_t pack, uint32_t first, uint32_t count);

#endif
