/*
 * Any bytes as symbols from a peer that knows the session's key: the first byte says how many
 * items we have and how the rest is cut into blocks. Whatever is sent, it ends within bounds; and
 * what is found, taken out of all symbols, leaves nothing.
 */

#include <stdlib.h>
#include <string.h>

#include "core/reconcile/iblt_decoder.h"
#include "core/reconcile/id_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define ITEMS 64
#define SYMBOLS 4096
#define BLOCK 64

static _Alignas(16) uint8_t memory[1 << 20];
static struct mcpz_iblt_decoder decoder;
static uint64_t ours[ITEMS];

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void begin(size_t items)
{
    struct mcpz_arena arena;

    must(mcpz_iblt_decoder_bytes(ITEMS, SYMBOLS) <= sizeof(memory));
    mcpz_arena_init(&arena, memory, sizeof(memory));
    mcpz_iblt_decoder_init(&decoder, ITEMS, SYMBOLS, &arena);
    mcpz_iblt_decoder_begin(&decoder, (struct mcpz_siphash_key){.low = 1, .high = 2});
    for (uint64_t i = 0; i < items; i++) {
        ours[i] = i * 3 + 1;
        must(mcpz_iblt_encoder_add(&decoder.ours, ours[i]));
    }
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

static void note(void *context, uint64_t id, bool is_theirs)
{
    size_t *noted = context;

    (void)id;
    noted[is_theirs ? 1 : 0]++;
}

static void as_list(const uint8_t *bytes, size_t length, size_t items)
{
    struct mcpz_id_list list;
    size_t noted[2] = {0};
    const struct mcpz_id_list_found found = {.context = noted, .note = note};

    mcpz_id_list_begin(&list, ours, items);
    (void)mcpz_id_list_take(&list, mcpz_bytes(bytes, length), &found);
    mcpz_id_list_end(&list, &found);
    must(noted[0] <= items && noted[1] <= length / MCPZ_ID_LIST_ID_BYTES);
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
    as_list(bytes + 1, length - 1, items);
    for (size_t at = 1; at + MCPZ_IBLT_SYMBOL_BYTES <= length;) {
        const size_t left = (length - at) / MCPZ_IBLT_SYMBOL_BYTES;
        const size_t count = left < block ? left : block;
        mcpz_iblt_unpack(bytes + at, count, symbols);
        const enum mcpz_iblt_verdict before = decoder.verdict;
        const enum mcpz_iblt_verdict after = mcpz_iblt_decoder_take(&decoder, symbols, count);
        must(before == MCPZ_IBLT_MORE || after == before);
        check_found();
        at += count * MCPZ_IBLT_SYMBOL_BYTES;
    }
    return 0;
}
