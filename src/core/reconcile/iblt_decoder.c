#include "core/reconcile/iblt_decoder.h"

#include <assert.h>
#include <string.h>

size_t mcpz_iblt_decoder_bytes(size_t symbol_max)
{
    return mcpz_arena_cost(symbol_max, sizeof(struct mcpz_iblt_cell)) +
           mcpz_arena_cost(symbol_max, sizeof(uint32_t)) +
           mcpz_arena_cost(symbol_max, sizeof(struct mcpz_iblt_difference));
}

void mcpz_iblt_decoder_init(struct mcpz_iblt_decoder *decoder, size_t symbol_max,
                            struct mcpz_arena *arena)
{
    assert(symbol_max <= MCPZ_IBLT_SYMBOLS_MAX);
    *decoder = (struct mcpz_iblt_decoder){.room = symbol_max, .verdict = MCPZ_IBLT_HOPELESS};
    decoder->cells = mcpz_arena_take_sure(arena, symbol_max, sizeof(*decoder->cells));
    decoder->waiting = mcpz_arena_take_sure(arena, symbol_max, sizeof(*decoder->waiting));
    decoder->differences = mcpz_arena_take_sure(arena, symbol_max, sizeof(*decoder->differences));
}

void mcpz_iblt_decoder_begin(struct mcpz_iblt_decoder *decoder,
                             const struct mcpz_iblt_encoder *ours)
{
    assert(ours->symbol_count <= decoder->room);
    decoder->ours = ours;
    decoder->cell_max = ours->symbol_count;
    decoder->waiting_count = 0;
    decoder->difference_count = 0;
    decoder->placed = 0;
    decoder->cell_count = 0;
    decoder->looked = 0;
    decoder->verdict = MCPZ_IBLT_MORE;
}

static bool is_empty(const struct mcpz_iblt_symbol *symbol)
{
    return symbol->id == 0 && symbol->check == 0 && symbol->count == 0;
}

/* Does it hold just one item, theirs or ours? */
static bool is_single(const struct mcpz_iblt_decoder *decoder,
                      const struct mcpz_iblt_symbol *symbol)
{
    return (symbol->count == 1 || symbol->count == UINT8_MAX) &&
           mcpz_iblt_item(decoder->ours->key, symbol->id).check == symbol->check;
}

static void look_at(struct mcpz_iblt_decoder *decoder, size_t at)
{
    struct mcpz_iblt_cell *cell = &decoder->cells[at];

    if (!cell->is_waiting && is_single(decoder, &cell->symbol)) {
        cell->is_waiting = true;
        decoder->waiting[decoder->waiting_count++] = (uint32_t)at;
    }
}

/* Theirs less ours, for the cells that come now. */
static void subtract_ours(struct mcpz_iblt_decoder *decoder,
                          const struct mcpz_iblt_symbol *symbols, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct mcpz_iblt_symbol *ours = &decoder->ours->symbols[decoder->cell_count + i];
        decoder->cells[decoder->cell_count + i] = (struct mcpz_iblt_cell){
            .symbol = {.id = symbols[i].id ^ ours->id,
                       .check = symbols[i].check ^ ours->check,
                       .count = (uint8_t)(symbols[i].count - ours->count)}};
    }
}

/* Take what was found out of all cells from where it is to the end. */
static void take_out(struct mcpz_iblt_decoder *decoder, struct mcpz_iblt_difference *difference)
{
    struct mcpz_iblt_item *item = &difference->item;

    while (item->next < decoder->cell_count) {
        const size_t at = item->next;
        mcpz_iblt_mix(&decoder->cells[at].symbol, item, difference->is_theirs ? -1 : 1);
        look_at(decoder, at);
        mcpz_iblt_item_next(item);
    }
}

/* Take what was found before out of the cells that came last. */
static void place(struct mcpz_iblt_decoder *decoder, size_t *left)
{
    for (; decoder->placed<decoder->difference_count && * left> 0; --*left) {
        take_out(decoder, &decoder->differences[decoder->placed++]);
    }
}

static void look(struct mcpz_iblt_decoder *decoder, size_t *left)
{
    for (; decoder->looked<decoder->cell_count && * left> 0; --*left) {
        look_at(decoder, decoder->looked++);
    }
}

/* Find what can be found. False: more than a set's symbols can hold. */
static bool peel(struct mcpz_iblt_decoder *decoder, size_t *left)
{
    for (; decoder->waiting_count > 0 && *left > 0; --*left) {
        struct mcpz_iblt_cell *cell = &decoder->cells[decoder->waiting[--decoder->waiting_count]];
        cell->is_waiting = false;
        if (!is_single(decoder, &cell->symbol)) {
            continue; /* it was, when it was looked at */
        }
        if (decoder->difference_count == decoder->cell_count) {
            return false;
        }
        struct mcpz_iblt_difference *difference =
            &decoder->differences[decoder->difference_count++];
        *difference = (struct mcpz_iblt_difference){
            .item = mcpz_iblt_item(decoder->ours->key, cell->symbol.id),
            .is_theirs = cell->symbol.count == 1,
        };
        take_out(decoder, difference);
        decoder->placed++;
    }
    return true;
}

/* Symbol 0 holds all: once it is empty, so must be the others. */
static enum mcpz_iblt_verdict judge(const struct mcpz_iblt_decoder *decoder)
{
    if (!is_empty(&decoder->cells[0].symbol)) {
        return decoder->cell_count < decoder->cell_max ? MCPZ_IBLT_MORE : MCPZ_IBLT_HOPELESS;
    }
    for (size_t i = 1; i < decoder->cell_count; i++) {
        if (!is_empty(&decoder->cells[i].symbol)) {
            return MCPZ_IBLT_HOPELESS;
        }
    }
    return MCPZ_IBLT_FOUND;
}

enum mcpz_iblt_verdict mcpz_iblt_decoder_take(struct mcpz_iblt_decoder *decoder,
                                              const struct mcpz_iblt_symbol *symbols, size_t count)
{
    assert(count <= MCPZ_IBLT_BLOCK_MAX);
    assert(decoder->verdict != MCPZ_IBLT_BUSY);
    if (decoder->verdict != MCPZ_IBLT_MORE || count == 0) {
        return decoder->verdict;
    }
    if (count > decoder->cell_max - decoder->cell_count) {
        decoder->verdict = MCPZ_IBLT_HOPELESS;
        return decoder->verdict;
    }
    subtract_ours(decoder, symbols, count);
    decoder->cell_count += count;
    decoder->placed = 0;
    decoder->verdict = MCPZ_IBLT_BUSY;
    return mcpz_iblt_decoder_go_on(decoder);
}

enum mcpz_iblt_verdict mcpz_iblt_decoder_go_on(struct mcpz_iblt_decoder *decoder)
{
    size_t left = MCPZ_IBLT_WORK;

    if (decoder->verdict != MCPZ_IBLT_BUSY) {
        return decoder->verdict;
    }
    place(decoder, &left);
    look(decoder, &left);
    if (!peel(decoder, &left)) {
        decoder->verdict = MCPZ_IBLT_HOPELESS;
    } else if (decoder->placed == decoder->difference_count &&
               decoder->looked == decoder->cell_count && decoder->waiting_count == 0) {
        decoder->verdict = judge(decoder);
    }
    return decoder->verdict;
}
