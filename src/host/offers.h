/*
 * Which edge does what this node offers: commands (exec/), programs on this machine (local/).
 *
 * A capability is done by one edge at a time. Each claims the names it offers, and leaves alone a
 * RUN_START that is for another.
 */

#ifndef HOST_OFFERS_H
#define HOST_OFFERS_H

#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/limits.h"

struct mcpz_offers {
    struct {
        char name[MCPZ_CAPABILITY_BYTES_MAX + 1];
        const void *edge;
    } rows[MCPZ_CAPABILITIES_PER_NODE_MAX];
    size_t count;
};

/**
 * `edge` does `name` from now on; harmless if it does already. Zeroed `offers` are empty ones.
 *
 * Errors: MCPZ_ECONFLICT  another edge does it
 *         MCPZ_EFULL      MCPZ_CAPABILITIES_PER_NODE_MAX are offered
 *         MCPZ_EPROTO     the name is empty, too long, or not UTF-8 without zeros
 */
MCPZ_MUST_USE mcpz_error mcpz_offers_claim(struct mcpz_offers *offers, struct mcpz_bytes name,
                                           const void *edge);

/** No longer. Nothing, if `edge` does not do it. */
void mcpz_offers_release(struct mcpz_offers *offers, struct mcpz_bytes name, const void *edge);

/** Who does `name`. NULL: nobody. */
const void *mcpz_offers_edge(const struct mcpz_offers *offers, struct mcpz_bytes name);

#endif
