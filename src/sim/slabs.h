/*
 * Memory for what thousands of simulated nodes have under way: pieces in sizes that double, cut
 * from blocks of large pages where the system has them. Nearly every piece that is looked at lies
 * somewhere else than the one before: with small pages each would cost a walk through the tables.
 *
 * A piece goes back to those of its size. Blocks are kept until the end.
 */

#ifndef SIM_SLABS_H
#define SIM_SLABS_H

#include <stddef.h>
#include <stdint.h>

#define MCPZ_SLABS_LEAST_BYTES 64
#define MCPZ_SLABS_SIZES 11 /* 64 bytes to 64 KiB */
#define MCPZ_SLABS_MOST_BYTES ((size_t)MCPZ_SLABS_LEAST_BYTES << (MCPZ_SLABS_SIZES - 1))

struct mcpz_slabs {
    void *free[MCPZ_SLABS_SIZES]; /* each begins with the next */
    void **blocks;
    size_t block_count;
    size_t block_used; /* bytes of the newest */
    size_t bytes;      /* cut so far */
};

/** Memory in large pages, not zeroed, to be freed with free(). Aborts when memory is out. */
void *mcpz_slabs_take_huge(size_t bytes);

void mcpz_slabs_init(struct mcpz_slabs *slabs);
void mcpz_slabs_finish(struct mcpz_slabs *slabs);

/** The size that holds `bytes`, which are MCPZ_SLABS_MOST_BYTES at most (asserted). */
uint8_t mcpz_slabs_size_for(size_t bytes);

/** A piece of a size, not zeroed, aligned to a cache line. Aborts when memory is out. */
void *mcpz_slabs_take(struct mcpz_slabs *slabs, uint8_t size);
void mcpz_slabs_give(struct mcpz_slabs *slabs, uint8_t size, void *piece);

#endif
