#include "engine/turn_memory.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

/* Begin the next block; the first again, if all that may be are there. */
static bool begin_block(struct mcpz_turn_memory *memory)
{
    const size_t next = memory->count == 0 ? 0 : (memory->at + 1) % MCPZ_TURN_MEMORY_BLOCKS_MAX;

    if (next == memory->count) {
        memory->blocks[next] = malloc(MCPZ_TURN_MEMORY_BLOCK_BYTES);
        if (memory->blocks[next] == NULL) {
            return false;
        }
        memory->count++;
    }
    memory->at = next;
    memory->used = 0;
    memory->begun++;
    return true;
}

uint8_t *mcpz_turn_memory_take(struct mcpz_turn_memory *memory, size_t length)
{
    assert(length <= MCPZ_TURN_MEMORY_BLOCK_BYTES);

    if ((memory->count == 0 || length > MCPZ_TURN_MEMORY_BLOCK_BYTES - memory->used) &&
        !begin_block(memory)) {
        return NULL;
    }
    uint8_t *room = memory->blocks[memory->at] + memory->used;
    memory->used += length;
    return room;
}

static void keep(struct mcpz_turn_memory *memory, size_t count)
{
    while (memory->count > count) {
        free(memory->blocks[--memory->count]);
    }
    memory->at = 0;
    memory->used = 0;
}

void mcpz_turn_memory_clear(struct mcpz_turn_memory *memory)
{
    keep(memory, 1);
}

void mcpz_turn_memory_finish(struct mcpz_turn_memory *memory)
{
    keep(memory, 0);
}
