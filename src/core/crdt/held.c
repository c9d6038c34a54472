#include "core/crdt/held.h"

#include "core/crdt/origin.h"

bool mcpz_held_delta(const struct mcpz_horizon *horizon, const struct mcpz_id *from,
                     const struct mcpz_document *document, const struct mcpz_delta *delta)
{
    const bool is_held = mcpz_horizon_holds(horizon, from);

    if (!document->exists) {
        return is_held && !mcpz_horizon_is_begun_after(horizon, delta);
    }
    return (is_held || mcpz_horizon_is_stale(horizon)) && !mcpz_origin_has_delta(document, delta);
}

bool mcpz_held_base(const struct mcpz_horizon *horizon, const struct mcpz_id *from,
                    const struct mcpz_document *document, const struct mcpz_checkpoint_head *head)
{
    const bool is_held = mcpz_horizon_holds(horizon, from);

    if (!document->exists) {
        return is_held;
    }
    return (is_held || mcpz_horizon_is_stale(horizon)) &&
           !mcpz_origin_has_versions(document, head->versions, head->version_count);
}

bool mcpz_held_for_now(const struct mcpz_horizon *horizon, const struct mcpz_id *from,
                       const struct mcpz_document *document, const struct mcpz_version *versions,
                       size_t count)
{
    const bool is_stale = mcpz_horizon_is_said_stale(horizon, from);

    if (!document->exists) {
        return is_stale;
    }
    return (is_stale || mcpz_horizon_is_stale(horizon)) &&
           !mcpz_origin_has_versions(document, versions, count);
}
