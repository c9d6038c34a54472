/*
 * A set's symbols (iblt.h), made as its items come by: each is put into all its symbols at once,
 * and need not be remembered. So a million items cost the memory of their symbols, and may be
 * read a few at a time.
 */

#ifndef CORE_RECONCILE_IBLT_ENCODER_H
#define CORE_RECONCILE_IBLT_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/reconcile/iblt.h"

struct mcpz_iblt_encoder {
    struct mcpz_siphash_key key;
    struct mcpz_iblt_symbol *symbols;
    size_t symbol_count; /* of this session */
    size_t symbol_max;
};

/** How much mcpz_iblt_encoder_init() takes from its arena. */
size_t mcpz_iblt_encoder_bytes(size_t symbol_max);

/**
 * Lay out room for up to `symbol_max` symbols, at most MCPZ_IBLT_SYMBOLS_MAX (asserted). `arena`
 * has it (asserted).
 */
void mcpz_iblt_encoder_init(struct mcpz_iblt_encoder *encoder, size_t symbol_max,
                            struct mcpz_arena *arena);

/** Begin with an empty set of `symbol_count` symbols (within the room: asserted), for `key`. */
void mcpz_iblt_encoder_begin(struct mcpz_iblt_encoder *encoder, struct mcpz_siphash_key key,
                             size_t symbol_count);

/** Add an item, each once. */
void mcpz_iblt_encoder_add(struct mcpz_iblt_encoder *encoder, uint64_t id);

#endif
