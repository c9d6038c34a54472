/*
 * Which documents two nodes both keep: what they compare. Whoever knows of layouts says so; where
 * there is none, all of them.
 */

#ifndef CORE_CRDT_SCOPE_H
#define CORE_CRDT_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/id.h"

struct mcpz_scope {
    void *context;
    uint64_t stamp; /* of what it goes by; nodes that go by others do not compare. 0: no layout */

    /* Do we and `peer` both keep `document`? NULL: whatever it is. */
    bool (*shares)(void *context, const struct mcpz_id *peer, const struct mcpz_id *document);
};

static inline bool mcpz_scope_shares(const struct mcpz_scope *scope, const struct mcpz_id *peer,
                                     const struct mcpz_id *document)
{
    return scope->shares == NULL || scope->shares(scope->context, peer, document);
}

#endif
