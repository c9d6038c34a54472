/*
 * Which documents two nodes both keep: what they compare. Whoever knows of layouts says so; where
 * there is none, all of them.
 */

#ifndef CORE_CRDT_SCOPE_H
#define CORE_CRDT_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/id.h"
#include "proto/placement.h"

struct mcpz_scope {
    void *context;
    struct mcpz_id self;
    uint64_t stamp; /* of what it goes by; nodes that go by others do not compare. 0: no layout */
    bool is_moving; /* some do not have yet what is theirs by it */
    uint32_t bits;  /* of a document's id that say who keeps it; the most of all live layouts */

    /*
     * Who keeps `document`, each once: `owners` has room for MCPZ_OWNERS_MAX. None: everybody
     * does. NULL: whatever it is.
     */
    size_t (*owners)(void *context, const struct mcpz_id *document, struct mcpz_id *owners);
};

static inline bool mcpz_scope_is_among(const struct mcpz_id *owners, size_t count,
                                       const struct mcpz_id *node)
{
    for (size_t i = 0; i < count; i++) {
        if (mcpz_id_equal(&owners[i], node)) {
            return true;
        }
    }
    return false;
}

/** Do we and `peer` both keep `document`? */
static inline bool mcpz_scope_shares(const struct mcpz_scope *scope, const struct mcpz_id *peer,
                                     const struct mcpz_id *document)
{
    struct mcpz_id owners[MCPZ_OWNERS_MAX];
    const size_t count =
        scope->owners == NULL ? 0 : scope->owners(scope->context, document, owners);

    return count == 0 || (mcpz_scope_is_among(owners, count, &scope->self) &&
                          mcpz_scope_is_among(owners, count, peer));
}

#endif
