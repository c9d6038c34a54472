/*
 * Memory for what was opened of sealed records, until the turn ends.
 *
 * Blocks are taken as they are needed, up to MCPZ_TURN_MEMORY_BYTES_MAX; then the oldest is used
 * anew. So what was read lasts until the turn ends or that much more has been read, whichever is
 * first. Between turns one block is kept.
 */

#ifndef ENGINE_TURN_MEMORY_H
#define ENGINE_TURN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"

#define MCPZ_TURN_MEMORY_BLOCK_BYTES 262144
#define MCPZ_TURN_MEMORY_BLOCKS_MAX 128
#define MCPZ_TURN_MEMORY_BYTES_MAX                                                                \
    ((size_t)MCPZ_TURN_MEMORY_BLOCK_BYTES * MCPZ_TURN_MEMORY_BLOCKS_MAX)

static_assert(MCPZ_SEALED_BYTES_MAX + MCPZ_KEY_BYTES_MAX <= MCPZ_TURN_MEMORY_BLOCK_BYTES,
              "any record fits a block");
static_assert(4 * (size_t)MCPZ_ENTRIES_MAX * (MCPZ_VALUE_BYTES_MAX + 2 * MCPZ_KEY_BYTES_MAX) <=
                  MCPZ_TURN_MEMORY_BYTES_MAX,
              "the largest document can be walked four times before anything of it is lost");

/* Zeroed, it is empty. */
struct mcpz_turn_memory {
    uint8_t *blocks[MCPZ_TURN_MEMORY_BLOCKS_MAX];
    size_t count;   /* of blocks there are */
    size_t at;      /* the one in use */
    size_t used;    /* of it */
    uint64_t begun; /* blocks, all in all */
};

/** Is what was taken when `begun` was so much still there? Within the turn. */
static inline bool mcpz_turn_memory_lasts(const struct mcpz_turn_memory *memory, uint64_t begun)
{
    return memory->begun - begun < MCPZ_TURN_MEMORY_BLOCKS_MAX - 1;
}

/** Room for `length` bytes, which fit a block (asserted). NULL: no memory. */
uint8_t *mcpz_turn_memory_take(struct mcpz_turn_memory *memory, size_t length);

/** The turn is over: nothing of it is looked at any more. */
void mcpz_turn_memory_clear(struct mcpz_turn_memory *memory);

/** Give all back. */
void mcpz_turn_memory_finish(struct mcpz_turn_memory *memory);

#endif
