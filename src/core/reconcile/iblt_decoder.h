/*
 * What a peer's symbols (iblt.h) say that it has and we have not, and the other way round.
 *
 *   more  ->  found       all differences are known
 *         ->  hopeless    there are too many symbols, or these are no set's: compare lists of ids
 *         ->  busy        there is more to do with those that came: go on with it, some other time
 *
 * Thousands of differences take ten milliseconds in all, so it is done a part at a time.
 *
 * Whatever a peer sends, the work is bounded: no more differences are taken out than there are
 * symbols, each of them in some 2 ln(symbols) places. What it makes us believe must be held
 * against what is there: that an item "of ours" is ours.
 */

#ifndef CORE_RECONCILE_IBLT_DECODER_H
#define CORE_RECONCILE_IBLT_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/reconcile/iblt.h"
#include "core/reconcile/iblt_encoder.h"

/* Differences taken out, and cells looked at, in one go: half a millisecond. */
#define MCPZ_IBLT_WORK 512

enum mcpz_iblt_verdict {
    MCPZ_IBLT_MORE = 1,
    MCPZ_IBLT_FOUND,
    MCPZ_IBLT_HOPELESS,
    MCPZ_IBLT_BUSY,
};

struct mcpz_iblt_difference {
    struct mcpz_iblt_item item; /* its id, and where it goes on in symbols to come */
    bool is_theirs;             /* or ours */
};

struct mcpz_iblt_cell {
    struct mcpz_iblt_symbol symbol; /* theirs less ours less what was found */
    bool is_waiting;                /* to be looked at */
};

struct mcpz_iblt_decoder {
    const struct mcpz_iblt_encoder *ours; /* all our items are in it; borrowed */
    struct mcpz_iblt_cell *cells;
    uint32_t *waiting; /* cells to be looked at */
    size_t waiting_count;
    struct mcpz_iblt_difference *differences;
    size_t difference_count;
    size_t placed; /* of them: taken out of all cells that are there */
    size_t cell_count;
    size_t looked;   /* of them: looked at since they came */
    size_t cell_max; /* of this comparison */
    size_t room;
    enum mcpz_iblt_verdict verdict;
};

/** How much mcpz_iblt_decoder_init() takes from its arena. */
size_t mcpz_iblt_decoder_bytes(size_t symbol_max);

/** Lay out room for up to `symbol_max` symbols. `arena` has it (asserted). */
void mcpz_iblt_decoder_init(struct mcpz_iblt_decoder *decoder, size_t symbol_max,
                            struct mcpz_arena *arena);

/**
 * Begin a comparison with our items, all of which are in `ours`, which stays as it is until it is
 * over; so many symbols as that has may be taken in (there is room for them: asserted).
 */
void mcpz_iblt_decoder_begin(struct mcpz_iblt_decoder *decoder,
                             const struct mcpz_iblt_encoder *ours);

/**
 * Take in the peer's next symbols, at most MCPZ_IBLT_BLOCK_MAX, while it is not busy (both
 * asserted). What is found lies in `differences`, and is complete when the verdict is
 * MCPZ_IBLT_FOUND; before that, and when it is hopeless, nothing of it can be relied on. Once it
 * is one of these two, nothing changes it.
 */
enum mcpz_iblt_verdict mcpz_iblt_decoder_take(struct mcpz_iblt_decoder *decoder,
                                              const struct mcpz_iblt_symbol *symbols,
                                              size_t count);

/** Go on, if it is busy. */
enum mcpz_iblt_verdict mcpz_iblt_decoder_go_on(struct mcpz_iblt_decoder *decoder);

#endif
