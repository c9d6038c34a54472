#include "core/reconcile/iblt_encoder.h"

#include <assert.h>
#include <string.h>

size_t mcpz_iblt_encoder_bytes(size_t symbol_max)
{
    return mcpz_arena_cost(symbol_max, sizeof(struct mcpz_iblt_symbol));
}

void mcpz_iblt_encoder_init(struct mcpz_iblt_encoder *encoder, size_t symbol_max,
                            struct mcpz_arena *arena)
{
    assert(symbol_max <= MCPZ_IBLT_SYMBOLS_MAX);
    *encoder = (struct mcpz_iblt_encoder){.symbol_max = symbol_max};
    encoder->symbols = mcpz_arena_take_sure(arena, symbol_max, sizeof(*encoder->symbols));
}

void mcpz_iblt_encoder_begin(struct mcpz_iblt_encoder *encoder, struct mcpz_siphash_key key,
                             size_t symbol_count)
{
    assert(symbol_count <= encoder->symbol_max);
    encoder->key = key;
    encoder->symbol_count = symbol_count;
    memset(encoder->symbols, 0, symbol_count * sizeof(*encoder->symbols));
}

void mcpz_iblt_encoder_add(struct mcpz_iblt_encoder *encoder, uint64_t id)
{
    struct mcpz_iblt_item item = mcpz_iblt_item(encoder->key, id);

    while (item.next < encoder->symbol_count) {
        mcpz_iblt_mix(&encoder->symbols[item.next], &item, 1);
        mcpz_iblt_item_next(&item);
    }
}
