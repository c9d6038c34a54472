/*
 * Any bytes as symbols from a peer that knows the session's key: the first byte says how many
 * items we have and how the rest is cut into blocks. Whatever is sent, it ends within bounds; and
 * what is found, taken out of all symbols, leaves nothing.
 */

#include <stdlib.h>
#include <string.h>

#include "core/reconcile/iblt_decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define ITEMS 64
#define SYMBOLS 4096
#define BLOCK 64

static _Alignas(16) uint8_t memory[1 << 20];
static struct mcpz_iblt_decoder decoder;
static struct mcpz_iblt_encoder ours;

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void begin(size_t items)
{
    struct mcpz_arena arena;

    must(mcpz_iblt_decoder_bytes(SYMBOLS) + mcpz_iblt_encoder_bytes(SYMBOLS) <= sizeof(memory));
    mcpz_arena_init(&arena, memory, sizeof(memory));
    mcpz_iblt_encoder_init(&ours, SYMBOLS, &arena);
    mcpz_iblt_decoder_init(&decoder, SYMBOLS, &arena);
    mcpz_iblt_encoder_begin(&ours, (struct mcpz_siphash_key){.low = 1, .high = 2}, SYMBOLS);
    for (uint64_t i = 0; i < items; i++) {
        mcpz_iblt_encoder_add(&ours, i * 3 + 1);
    }
    mcpz_iblt_decoder_begin(&decoder, &ours);
}

static void check_found(void)
{
    must(decoder.difference_count <= decoder.cell_count);
    if (decoder.verdict != MCPZ_IBLT_FOUND) {
        return;
    }
    for (size_t i = 0; i < decoder.cell_count; i++) {
        const struct mcpz_iblt_symbol *symbol = &decoder.cells[i].symbol;
        must(symbol->id == 0 && symbol->check == 0 && symbol->count == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct mcpz_iblt_symbol symbols[BLOCK];

    if (length == 0) {
        return 0;
    }
    const size_t items = bytes[0] % (ITEMS + 1);
    const size_t block = bytes[0] % BLOCK + 1;
    begin(items);
    for (size_t at = 1; at + MCPZ_IBLT_SYMBOL_BYTES <= length;) {
        const size_t left = (length - at) / MCPZ_IBLT_SYMBOL_BYTES;
        const size_t count = left < block ? left : block;
        mcpz_iblt_unpack(bytes + at, count, symbols);
        const enum mcpz_iblt_verdict before = decoder.verdict;
        enum mcpz_iblt_verdict after = mcpz_iblt_decoder_take(&decoder, symbols, count);
        for (size_t i = 0; after == MCPZ_IBLT_BUSY; i++) {
            must(i < SYMBOLS); /* each go does something */
            after = mcpz_iblt_decoder_go_on(&decoder);
        }
        must(before == MCPZ_IBLT_MORE || after == before);
        check_found();
        at += count * MCPZ_IBLT_SYMBOL_BYTES;
    }
    return 0;
}
