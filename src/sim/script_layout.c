/* Scripts that say who keeps what. */

#include <assert.h>

#include "sim/internal.h"

#define NODES_MAX 64

static void sort(struct mcpz_storage_node *nodes, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t at = i; at > 0 && mcpz_id_compare(&nodes[at - 1].id, &nodes[at].id) > 0;
             at--) {
            const struct mcpz_storage_node held = nodes[at];
            nodes[at] = nodes[at - 1];
            nodes[at - 1] = held;
        }
    }
}

uint64_t mcpz_sim_layout(struct mcpz_sim *sim, const size_t *indexes, size_t count,
                         uint32_t copies)
{
    struct mcpz_storage_node nodes[NODES_MAX];
    struct mcpz_bytes zone = mcpz_text("");
    const struct mcpz_live_layout *newest =
        mcpz_layout_history_newest(&mcpz_engine_node(sim->nodes[0].engine)->layouts.history);
    struct mcpz_placement placement = {
        .version = newest != NULL ? newest->stamp.version + 1 : 1,
        .partition_bits = MCPZ_PARTITION_BITS,
        .copies = copies,
        .zones_apart = 1,
        .zones = &zone,
        .zone_count = 1,
        .nodes = nodes,
        .node_count = count,
    };
    const uint64_t request = mcpz_sim_take_request(sim);

    assert(count > 0 && count <= NODES_MAX);
    for (size_t i = 0; i < count; i++) {
        nodes[i] =
            (struct mcpz_storage_node){.id = *mcpz_identity_id(sim->nodes[indexes[i]].identity),
                                       .weight = 1,
                                       .state = MCPZ_STORAGE_ACTIVE};
    }
    sort(nodes, count);
    mcpz_error error = mcpz_engine_layout_apply(mcpz_sim_enter(sim, 0), request, &placement);
    assert(error == MCPZ_OK); /* node 0 holds the mesh's key, and it is no large one */
    (void)error;
    mcpz_sim_leave(sim, 0);
    return request;
}

uint64_t mcpz_sim_layout_skip(struct mcpz_sim *sim, size_t index, size_t gone)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_LAYOUT_SKIP,
        .layout = {.request = mcpz_sim_take_request(sim),
                   .node = *mcpz_identity_id(sim->nodes[gone].identity)},
    };

    mcpz_engine_event(mcpz_sim_enter(sim, index), &event);
    mcpz_sim_leave(sim, index);
    return event.layout.request;
}

bool mcpz_sim_layout_names(const struct mcpz_sim *sim, size_t index, size_t peer)
{
    const struct mcpz_live_layout *newest =
        mcpz_layout_history_newest(&mcpz_engine_node(sim->nodes[index].engine)->layouts.history);
    const struct mcpz_id *id = mcpz_identity_id(sim->nodes[peer].identity);

    for (size_t i = 0; newest != NULL && i < newest->placement.node_count; i++) {
        if (mcpz_id_equal(&newest->placement.nodes[i].id, id)) {
            return true;
        }
    }
    return false;
}

bool mcpz_sim_layout_waits_for(const struct mcpz_sim *sim, size_t index, size_t peer)
{
    const struct mcpz_layout_history *history =
        &mcpz_engine_node(sim->nodes[index].engine)->layouts.history;
    const struct mcpz_layout_tracker *tracker =
        mcpz_layout_history_tracker(history, mcpz_identity_id(sim->nodes[peer].identity));

    return tracker != NULL &&
           mcpz_layout_stamp_compare(tracker->sync_acked,
                                     mcpz_layout_history_newest(history)->stamp) < 0;
}

uint64_t mcpz_sim_revoke(struct mcpz_sim *sim, size_t gone, const char *reason)
{
    const uint64_t request = mcpz_sim_take_request(sim);
    mcpz_error error =
        mcpz_engine_revoke(mcpz_sim_enter(sim, 0), request,
                           mcpz_identity_id(sim->nodes[gone].identity), mcpz_text(reason));

    assert(error == MCPZ_OK); /* it holds the mesh's key */
    mcpz_sim_leave(sim, 0);
    return request;
}

bool mcpz_sim_is_revoked(const struct mcpz_sim *sim, size_t index, size_t peer)
{
    return mcpz_engine_revoked(sim->nodes[index].engine,
                               mcpz_identity_id(sim->nodes[peer].identity)) != NULL;
}

bool mcpz_sim_has_layout(const struct mcpz_sim *sim, size_t index)
{
    return mcpz_layout_history_newest(
               &mcpz_engine_node(sim->nodes[index].engine)->layouts.history) != NULL;
}

bool mcpz_sim_layout_is_settled(const struct mcpz_sim *sim, size_t index)
{
    return mcpz_layouts_are_settled(&mcpz_engine_node(sim->nodes[index].engine)->layouts);
}

bool mcpz_sim_owns(const struct mcpz_sim *sim, size_t index, const char *agent)
{
    struct mcpz_id document;

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(agent), &document);
    return mcpz_layouts_keeps(&mcpz_engine_node(sim->nodes[index].engine)->layouts,
                              mcpz_identity_id(sim->nodes[index].identity), &document);
}
