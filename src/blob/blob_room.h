/*
 * Room in packs that nothing needs: what a crash left behind, and blocks that small chunks shared,
 * all of which are gone.
 *
 *   all chunks of the index are gone through -> a mark for each block that one of them lies in
 *     -> blocks that have none are given back
 *
 * No chunk comes to lie before where packs ended when that was begun. The index is on the disk
 * before it is looked at, so what it does not name is not named after a crash either. Marks are
 * kept for MCPZ_ROOM_PACKS packs at a time: where there are more, the index is gone through again.
 */

#ifndef BLOB_BLOB_ROOM_H
#define BLOB_BLOB_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob/packs.h"
#include "proto/id.h"

#define MCPZ_ROOM_PACKS 16 /* 4 GiB, with marks of 128 KiB */

struct mcpz_blobs;

struct mcpz_blob_room {
    bool is_lost;        /* some may be, since it was looked for last */
    bool is_under_way;   /* it is being looked for: */
    uint32_t last;       /* pack, and */
    uint64_t end;        /* of that, when it was begun */
    uint32_t first;      /* pack that marks are of now */
    struct mcpz_id seen; /* so far, in the index */
    uint8_t marks[MCPZ_ROOM_PACKS][MCPZ_PACK_BLOCKS_MAX / 8];
};

/**
 * Look for room on, over at most `chunks` of the index, and give it back at the end. True: there
 * is more to be looked at. Not while a blob is written (asserted).
 */
bool mcpz_blobs_tidy(struct mcpz_blobs *blobs, size_t chunks);

/** May there be some? */
bool mcpz_blobs_are_untidy(const struct mcpz_blobs *blobs);

#endif
