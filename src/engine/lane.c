#include "engine/lane.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A message in a block: its length, and its bytes. */
#define LENGTH_BYTES sizeof(uint32_t)

struct mcpz_lane_block {
    struct mcpz_lane_block *next;
    uint32_t start; /* of the first message */
    uint32_t end;   /* of the last */
    uint32_t size;  /* of `bytes` */
    uint8_t bytes[];
};

#define BLOCK_ROOM (MCPZ_LANE_BLOCK_BYTES - sizeof(struct mcpz_lane_block))

/* The block that has room for so much at its end. NULL: there is no memory. */
static struct mcpz_lane_block *make_room(struct mcpz_lane *lane, size_t needed)
{
    if (lane->last != NULL && lane->last->size - lane->last->end >= needed) {
        return lane->last;
    }
    const size_t size = needed > BLOCK_ROOM ? needed : BLOCK_ROOM;
    struct mcpz_lane_block *block = malloc(sizeof(*block) + size);
    if (block == NULL) {
        return NULL;
    }
    block->next = NULL;
    block->start = 0;
    block->end = 0;
    block->size = (uint32_t)size;
    if (lane->last != NULL) {
        lane->last->next = block;
    } else {
        lane->first = block;
    }
    lane->last = block;
    return block;
}

mcpz_error mcpz_lane_push(struct mcpz_lane *lane, struct mcpz_bytes message, size_t bytes_max)
{
    const uint32_t length = (uint32_t)message.length;
    assert(message.length > 0 && message.length <= UINT32_MAX - LENGTH_BYTES);

    if (lane->bytes + message.length > bytes_max) {
        return MCPZ_EFULL;
    }
    struct mcpz_lane_block *block = make_room(lane, LENGTH_BYTES + message.length);
    if (block == NULL) {
        return MCPZ_ENOMEM;
    }
    uint8_t *at = block->bytes + block->end;
    memcpy(at, &length, LENGTH_BYTES);
    memcpy(at + LENGTH_BYTES, message.data, message.length);
    block->end += (uint32_t)LENGTH_BYTES + length;
    lane->bytes += message.length;
    return MCPZ_OK;
}

bool mcpz_lane_first(const struct mcpz_lane *lane, struct mcpz_bytes *message)
{
    const struct mcpz_lane_block *block = lane->first;
    uint32_t length;

    if (block == NULL) {
        return false;
    }
    assert(block->start < block->end);
    memcpy(&length, block->bytes + block->start, LENGTH_BYTES);
    *message = mcpz_bytes(block->bytes + block->start + LENGTH_BYTES, length);
    return true;
}

void mcpz_lane_drop(struct mcpz_lane *lane)
{
    struct mcpz_lane_block *block = lane->first;
    struct mcpz_bytes message;
    const bool found = mcpz_lane_first(lane, &message);
    assert(found);

    lane->bytes -= message.length;
    block->start += (uint32_t)(LENGTH_BYTES + message.length);
    if (block->start < block->end) {
        return;
    }
    lane->first = block->next;
    if (lane->first == NULL) {
        lane->last = NULL;
    }
    free(block);
}

void mcpz_lane_clear(struct mcpz_lane *lane)
{
    while (lane->first != NULL) {
        struct mcpz_lane_block *block = lane->first;
        lane->first = block->next;
        free(block);
    }
    *lane = (struct mcpz_lane){.bytes = 0};
}
