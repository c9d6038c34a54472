#include "sim/slabs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES 2097152
#define SLAB_BYTES 65536 /* cut into pieces of one size at a time */

static_assert(MCPZ_SLABS_MOST_BYTES == SLAB_BYTES, "the largest piece is a slab");
static_assert(HUGE_PAGE_BYTES % SLAB_BYTES == 0, "a block is so many slabs");

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

void *mcpz_slabs_take_huge(size_t bytes)
{
    const size_t whole = (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    void *memory = must(aligned_alloc(HUGE_PAGE_BYTES, whole));

    (void)madvise(memory, whole, MADV_HUGEPAGE);
    return memory;
}

void mcpz_slabs_init(struct mcpz_slabs *slabs)
{
    *slabs = (struct mcpz_slabs){.block_used = HUGE_PAGE_BYTES};
}

void mcpz_slabs_finish(struct mcpz_slabs *slabs)
{
    for (size_t i = 0; i < slabs->block_count; i++) {
        free(slabs->blocks[i]);
    }
    free(slabs->blocks);
}

static uint8_t *take_slab(struct mcpz_slabs *slabs)
{
    if (slabs->block_used == HUGE_PAGE_BYTES) {
        slabs->blocks =
            must(realloc(slabs->blocks, (slabs->block_count + 1) * sizeof(*slabs->blocks)));
        slabs->blocks[slabs->block_count++] = mcpz_slabs_take_huge(HUGE_PAGE_BYTES);
        slabs->block_used = 0;
    }
    uint8_t *slab = (uint8_t *)slabs->blocks[slabs->block_count - 1] + slabs->block_used;
    slabs->block_used += SLAB_BYTES;
    slabs->bytes += SLAB_BYTES;
    return slab;
}

uint8_t mcpz_slabs_size_for(size_t bytes)
{
    uint8_t size = 0;

    while (((size_t)MCPZ_SLABS_LEAST_BYTES << size) < bytes) {
        size++;
    }
    assert(size < MCPZ_SLABS_SIZES);
    return size;
}

void mcpz_slabs_give(struct mcpz_slabs *slabs, uint8_t size, void *piece)
{
    memcpy(piece, &slabs->free[size], sizeof(void *));
    slabs->free[size] = piece;
}

/* Those that lie first are taken first. */
static void cut_slab(struct mcpz_slabs *slabs, uint8_t size)
{
    const size_t bytes = (size_t)MCPZ_SLABS_LEAST_BYTES << size;
    uint8_t *slab = take_slab(slabs);

    for (size_t at = SLAB_BYTES; at > 0; at -= bytes) {
        mcpz_slabs_give(slabs, size, slab + at - bytes);
    }
}

void *mcpz_slabs_take(struct mcpz_slabs *slabs, uint8_t size)
{
    assert(size < MCPZ_SLABS_SIZES);
    if (slabs->free[size] == NULL) {
        cut_slab(slabs, size);
    }
    void *piece = slabs->free[size];
    memcpy(&slabs->free[size], piece, sizeof(void *));
    return piece;
}
