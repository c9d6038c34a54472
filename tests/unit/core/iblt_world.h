/* Two sets that have some items in common, and what it takes to find the others. */

#ifndef IBLT_WORLD_H
#define IBLT_WORLD_H

#include "base/rng.h"
#include "core/reconcile/iblt_decoder.h"
#include "core/reconcile/iblt_encoder.h"
#include "test.h"

struct iblt_world {
    struct mcpz_iblt_encoder theirs;
    struct mcpz_iblt_encoder own;
    struct mcpz_iblt_decoder ours;
    void *memory;
    size_t sent;     /* symbols */
    bool one_by_one; /* not in blocks */
};

static const struct mcpz_siphash_key iblt_key = {.low = 11, .high = 22};

static inline void iblt_world_make(struct iblt_world *world, size_t symbols_max)
{
    const size_t bytes =
        2 * mcpz_iblt_encoder_bytes(symbols_max) + mcpz_iblt_decoder_bytes(symbols_max);
    struct mcpz_arena arena;

    *world = (struct iblt_world){.memory = calloc(1, bytes)};
    CHECK(world->memory != NULL);
    mcpz_arena_init_zeroed(&arena, world->memory, bytes);
    mcpz_iblt_encoder_init(&world->theirs, symbols_max, &arena);
    mcpz_iblt_encoder_init(&world->own, symbols_max, &arena);
    mcpz_iblt_decoder_init(&world->ours, symbols_max, &arena);
    CHECK_UINT(arena.used, arena.size);
}

static inline void iblt_world_finish(struct iblt_world *world)
{
    free(world->memory);
}

/* Sets with `common` items, and so many that only one side has. */
static inline void iblt_world_fill(struct iblt_world *world, uint64_t seed, size_t common,
                                   size_t only_theirs, size_t only_ours)
{
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, seed);
    mcpz_iblt_encoder_begin(&world->theirs, iblt_key, world->theirs.symbol_max);
    mcpz_iblt_encoder_begin(&world->own, iblt_key, world->own.symbol_max);
    for (size_t i = 0; i < common; i++) {
        const uint64_t id = mcpz_rng_next(&rng);
        mcpz_iblt_encoder_add(&world->theirs, id);
        mcpz_iblt_encoder_add(&world->own, id);
    }
    for (size_t i = 0; i < only_theirs; i++) {
        mcpz_iblt_encoder_add(&world->theirs, mcpz_rng_next(&rng));
    }
    for (size_t i = 0; i < only_ours; i++) {
        mcpz_iblt_encoder_add(&world->own, mcpz_rng_next(&rng));
    }
    mcpz_iblt_decoder_begin(&world->ours, &world->own);
}

/* Take symbols in, and go on as long as there is something to do. */
static inline enum mcpz_iblt_verdict iblt_world_take(struct mcpz_iblt_decoder *decoder,
                                                     const struct mcpz_iblt_symbol *symbols,
                                                     size_t count)
{
    enum mcpz_iblt_verdict verdict = mcpz_iblt_decoder_take(decoder, symbols, count);

    while (verdict == MCPZ_IBLT_BUSY) {
        verdict = mcpz_iblt_decoder_go_on(decoder);
    }
    return verdict;
}

/* Block after block, as they cross the wire, until there is a verdict. */
static inline enum mcpz_iblt_verdict iblt_world_run(struct iblt_world *world)
{
    static struct mcpz_iblt_symbol symbols[MCPZ_IBLT_BLOCK_MAX];
    static uint8_t wire[MCPZ_IBLT_BLOCK_MAX * MCPZ_IBLT_SYMBOL_BYTES];
    enum mcpz_iblt_verdict verdict = MCPZ_IBLT_MORE;

    world->sent = 0;
    while (verdict == MCPZ_IBLT_MORE) {
        const size_t left = world->theirs.symbol_count - world->sent;
        const size_t block = world->one_by_one ? 1 : mcpz_iblt_block(world->sent);
        const size_t count = block < left ? block : left;
        mcpz_iblt_pack(world->theirs.symbols + world->sent, count, wire);
        memset(symbols, 0xff, sizeof(symbols));
        mcpz_iblt_unpack(wire, count, symbols);
        world->sent += count;
        verdict = iblt_world_take(&world->ours, symbols, count);
    }
    return verdict;
}

static inline size_t iblt_world_count(const struct iblt_world *world, bool is_theirs)
{
    size_t count = 0;

    for (size_t i = 0; i < world->ours.difference_count; i++) {
        count += world->ours.differences[i].is_theirs == is_theirs ? 1 : 0;
    }
    return count;
}

#endif
