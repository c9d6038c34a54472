#include "blob/blob_room.h"

#include <assert.h>
#include <string.h>

#include "blob/blobs_parts.h"

static_assert(MCPZ_PACK_BYTES_MAX % MCPZ_PACK_BLOCK_BYTES == 0, "packs are of whole blocks");

/* Begin with the marks of packs from `first` on. */
static void begin_pass(struct mcpz_blob_room *room, uint32_t first)
{
    room->first = first;
    room->seen = (struct mcpz_id){{0}};
    memset(room->marks, 0, sizeof(room->marks));
}

static bool begin(struct mcpz_blobs *blobs)
{
    struct mcpz_blob_room *room = &blobs->room;

    room->is_lost = false;
    room->is_under_way = mcpz_packs_end(blobs->packs, &room->last, &room->end);
    begin_pass(room, 1);
    return room->is_under_way;
}

static void mark(struct mcpz_blob_room *room, const struct mcpz_pack_place *place)
{
    if (place->pack < room->first || place->pack - room->first >= MCPZ_ROOM_PACKS) {
        return;
    }
    uint8_t *marks = room->marks[place->pack - room->first];
    const uint64_t end = place->offset + MCPZ_PACK_HEAD_BYTES + place->length;
    for (uint64_t block = place->offset / MCPZ_PACK_BLOCK_BYTES;
         block < MCPZ_PACK_BLOCKS_MAX && block * MCPZ_PACK_BLOCK_BYTES < end; block++) {
        marks[block / 8] |= (uint8_t)(1U << block % 8);
    }
}

static bool is_marked(const uint8_t *marks, uint32_t block)
{
    return (marks[block / 8] >> block % 8 & 1) != 0;
}

/* Give back runs of blocks that have no mark. */
static void give_back(struct mcpz_blobs *blobs, uint32_t pack)
{
    const struct mcpz_blob_room *room = &blobs->room;
    const uint8_t *marks = room->marks[pack - room->first];
    /* What is appended may go on in the block in which the last pack ended. */
    const uint32_t blocks = pack == room->last ? (uint32_t)(room->end / MCPZ_PACK_BLOCK_BYTES)
                                               : (uint32_t)MCPZ_PACK_BLOCKS_MAX;
    uint32_t at = 0;

    while (at < blocks) {
        uint32_t next = at;
        while (next < blocks && !is_marked(marks, next)) {
            next++;
        }
        if (next > at) {
            mcpz_packs_give_back(blobs->packs, pack, at, next - at);
        }
        at = next + 1;
    }
}

/* The index was gone through. True: again, for further packs. */
static bool end_pass(struct mcpz_blobs *blobs)
{
    struct mcpz_blob_room *room = &blobs->room;
    uint32_t pack = room->first;

    for (; pack <= room->last && pack - room->first < MCPZ_ROOM_PACKS; pack++) {
        give_back(blobs, pack);
    }
    if (pack > room->last) {
        room->is_under_way = false;
    } else {
        begin_pass(room, pack);
    }
    return room->is_under_way;
}

/* Something cannot be read: another time. */
static bool give_up(struct mcpz_blob_room *room)
{
    room->is_under_way = false;
    room->is_lost = true;
    return false;
}

bool mcpz_blobs_tidy(struct mcpz_blobs *blobs, size_t chunks)
{
    struct mcpz_blob_room *room = &blobs->room;

    assert(blobs->writers == 0);
    if (mcpz_blobs_flush(blobs) != MCPZ_OK) {
        return give_up(room);
    }
    if (!room->is_under_way && !begin(blobs)) {
        return false;
    }
    for (size_t i = 0; i < chunks; i++) {
        struct mcpz_chunk_row row;
        mcpz_error error = mcpz_shelf_next_chunk(blobs->shelf, &room->seen, &room->seen);
        if (error == MCPZ_ENOTFOUND) {
            return end_pass(blobs);
        }
        if (error == MCPZ_OK) {
            error = mcpz_shelf_chunk(blobs->shelf, &room->seen, &row);
        }
        if (error != MCPZ_OK) {
            return give_up(room);
        }
        mark(room, &row.place);
    }
    return true;
}

bool mcpz_blobs_are_untidy(const struct mcpz_blobs *blobs)
{
    return blobs->room.is_lost || blobs->room.is_under_way;
}
