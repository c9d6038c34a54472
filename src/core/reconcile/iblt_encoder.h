/*
 * A set's symbols, in order (iblt.h). All items are added first; then blocks are taken as often as
 * the other side asks for more.
 */

#ifndef CORE_RECONCILE_IBLT_ENCODER_H
#define CORE_RECONCILE_IBLT_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/reconcile/iblt.h"

struct mcpz_iblt_encoder {
    struct mcpz_siphash_key key;
    struct mcpz_iblt_item *items;
    size_t item_count;
    size_t item_max;
    size_t made; /* symbols */
};

/** How much mcpz_iblt_encoder_init() takes from its arena. */
size_t mcpz_iblt_encoder_bytes(size_t item_max);

/** Lay out room for sets of up to `item_max`. `arena` has it (asserted). */
void mcpz_iblt_encoder_init(struct mcpz_iblt_encoder *encoder, size_t item_max,
                            struct mcpz_arena *arena);

/** Begin with an empty set, for the session of `key`. */
void mcpz_iblt_encoder_begin(struct mcpz_iblt_encoder *encoder, struct mcpz_siphash_key key);

/** Add an item, each once. False: there is no room. No symbol was made yet (asserted). */
bool mcpz_iblt_encoder_add(struct mcpz_iblt_encoder *encoder, uint64_t id);

/** Write the next `count` symbols: at most MCPZ_IBLT_SYMBOLS_MAX in all (asserted). */
void mcpz_iblt_encoder_make(struct mcpz_iblt_encoder *encoder, size_t count,
                            struct mcpz_iblt_symbol *symbols);

#endif
