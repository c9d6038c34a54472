#include "core/reconcile/iblt_encoder.h"

#include <assert.h>
#include <string.h>

size_t mcpz_iblt_encoder_bytes(size_t item_max)
{
    return mcpz_arena_cost(item_max, sizeof(struct mcpz_iblt_item));
}

void mcpz_iblt_encoder_init(struct mcpz_iblt_encoder *encoder, size_t item_max,
                            struct mcpz_arena *arena)
{
    *encoder = (struct mcpz_iblt_encoder){.item_max = item_max};
    encoder->items = mcpz_arena_take_sure(arena, item_max, sizeof(*encoder->items));
}

void mcpz_iblt_encoder_begin(struct mcpz_iblt_encoder *encoder, struct mcpz_siphash_key key)
{
    encoder->key = key;
    encoder->item_count = 0;
    encoder->made = 0;
}

bool mcpz_iblt_encoder_add(struct mcpz_iblt_encoder *encoder, uint64_t id)
{
    assert(encoder->made == 0);
    if (encoder->item_count == encoder->item_max) {
        return false;
    }
    encoder->items[encoder->item_count++] = mcpz_iblt_item(encoder->key, id);
    return true;
}

void mcpz_iblt_encoder_make(struct mcpz_iblt_encoder *encoder, size_t count,
                            struct mcpz_iblt_symbol *symbols)
{
    const size_t first = encoder->made;
    const size_t end = first + count;

    assert(end <= MCPZ_IBLT_SYMBOLS_MAX);
    memset(symbols, 0, count * sizeof(*symbols));
    for (size_t i = 0; i < encoder->item_count; i++) {
        struct mcpz_iblt_item *item = &encoder->items[i];
        while (item->next < end) {
            mcpz_iblt_mix(&symbols[item->next - first], item, 1);
            mcpz_iblt_item_next(item);
        }
    }
    encoder->made = end;
}
