#include "http/layout_view.h"

#include <stdlib.h>
#include <string.h>

#include "http/fellows.h"
#include "http/node_search.h"
#include "wire/placement_codec.h"

static const struct mcpz_node *node_of(struct mcpz_exchange *exchange)
{
    return mcpz_engine_node(mcpz_exchange_engine(exchange));
}

const struct mcpz_live_layout *mcpz_layout_newest(struct mcpz_exchange *exchange)
{
    return mcpz_layout_history_newest(&node_of(exchange)->layouts.history);
}

mcpz_error mcpz_layout_read_staged(struct mcpz_exchange *exchange,
                                   struct mcpz_staged_layout *staged)
{
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    struct mcpz_record record = {.kind = MCPZ_RECORD_STAGED};
    struct mcpz_bytes body;
    struct mcpz_arena arena;

    mcpz_error error = store->get(store->context, &record);
    if (error != MCPZ_OK) {
        return error;
    }
    const size_t room = 4 * record.staged.body.length + 1024;
    staged->memory = malloc(room);
    if (staged->memory == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_arena_init(&arena, staged->memory, room);
    error = mcpz_arena_copy(&arena, record.staged.body, &body)
                ? mcpz_placement_decode(body, &arena, &staged->placement)
                : MCPZ_ECORRUPT;
    if (error != MCPZ_OK || staged->placement.node_count > MCPZ_LAYOUT_NODES_MAX) {
        free(staged->memory);
        staged->memory = NULL;
        return MCPZ_ECORRUPT;
    }
    return MCPZ_OK;
}

/* ---- Nodes -------------------------------------------------------------------------------- */

static json_t *show_name(struct mcpz_exchange *exchange, const struct mcpz_id *id)
{
    const struct mcpz_members *members = &node_of(exchange)->fabric.members;
    const struct mcpz_member *member = mcpz_members_find(members, id);

    return mcpz_exchange_show_text(member != NULL ? mcpz_roster_name(&members->roster, member)
                                                  : mcpz_text(""));
}

static const char *state_of(struct mcpz_exchange *exchange, const struct mcpz_id *id)
{
    const struct mcpz_member *member = mcpz_members_find(&node_of(exchange)->fabric.members, id);

    if (mcpz_engine_revoked(mcpz_exchange_engine(exchange), id) != NULL) {
        return "revoked";
    }
    if (member == NULL) {
        return "unknown";
    }
    switch ((enum mcpz_member_state)member->state) {
    case MCPZ_MEMBER_ALIVE:
        return "alive";
    case MCPZ_MEMBER_SUSPECT:
        return "suspect";
    case MCPZ_MEMBER_LEFT:
        return "left";
    default:
        return "dead";
    }
}

/* Has it said that there is no room on its disk? */
static json_t *show_full(struct mcpz_exchange *exchange, const struct mcpz_id *id)
{
    return json_boolean(
        mcpz_registry_offers(&node_of(exchange)->registry, id, mcpz_text(MCPZ_FELLOW_FULL)));
}

json_t *mcpz_layout_show_who(struct mcpz_exchange *exchange, const struct mcpz_id *id)
{
    return json_pack("{s:o, s:o, s:s, s:o}", "node", mcpz_exchange_show_id(id, 'n'), "name",
                     show_name(exchange, id), "state", state_of(exchange, id), "full",
                     show_full(exchange, id));
}

mcpz_error mcpz_layout_find_node(struct mcpz_exchange *exchange,
                                 const struct mcpz_layout_draft *draft, struct mcpz_bytes text,
                                 struct mcpz_id *node)
{
    const struct mcpz_roster *roster = &node_of(exchange)->fabric.members.roster;
    struct mcpz_node_search search;

    mcpz_node_search_init(&search, text);
    for (size_t i = 0; i < roster->count; i++) {
        mcpz_node_search_offer(&search, &roster->rows[i].id,
                               mcpz_roster_name(roster, &roster->rows[i]));
    }
    for (size_t i = 0; draft != NULL && !search.is_found && i < draft->count; i++) {
        mcpz_node_search_offer(&search, &draft->rows[i].id, mcpz_bytes(NULL, 0));
    }
    return mcpz_node_search_end(&search, node);
}

/* ---- Layouts ------------------------------------------------------------------------------ */

json_t *mcpz_layout_show(struct mcpz_exchange *exchange, const struct mcpz_placement *placement,
                         const uint32_t *counts)
{
    json_t *nodes = json_array();

    for (size_t i = 0; i < placement->node_count; i++) {
        const struct mcpz_storage_node *node = &placement->nodes[i];
        json_t *row = mcpz_layout_show_who(exchange, &node->id);
        (void)json_object_set_new(row, "zone",
                                  mcpz_exchange_show_text(placement->zones[node->zone]));
        (void)json_object_set_new(row, "weight", json_integer((json_int_t)node->weight));
        (void)json_object_set_new(row, "partitions",
                                  counts != NULL ? json_integer(counts[i]) : json_null());
        (void)json_array_append_new(nodes, row);
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:o}", "version", (json_int_t)placement->version,
                     "copies", (json_int_t)placement->copies, "zones_apart",
                     (json_int_t)placement->zones_apart, "partitions",
                     (json_int_t)1 << placement->partition_bits, "nodes", nodes);
}

static bool has_reached(struct mcpz_layout_stamp reached, struct mcpz_layout_stamp stamp)
{
    return mcpz_layout_stamp_compare(stamp, reached) <= 0;
}

static json_t *show_live(const struct mcpz_layout_history *history,
                         const struct mcpz_live_layout *live)
{
    size_t acked = 0;
    size_t synced = 0;
    size_t sync_acked = 0;

    for (size_t i = 0; i < history->tracker_count; i++) {
        acked += has_reached(history->trackers[i].acked, live->stamp) ? 1 : 0;
        synced += has_reached(history->trackers[i].synced, live->stamp) ? 1 : 0;
        sync_acked += has_reached(history->trackers[i].sync_acked, live->stamp) ? 1 : 0;
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "version", (json_int_t)live->stamp.version,
                     "nodes", (json_int_t)history->tracker_count, "acked", (json_int_t)acked,
                     "synced", (json_int_t)synced, "sync_acked", (json_int_t)sync_acked);
}

/* What a node has yet to do for the newest layout; NULL: nothing. */
static const char *waited_for(const struct mcpz_layout_tracker *tracker,
                              struct mcpz_layout_stamp newest)
{
    if (!has_reached(tracker->acked, newest)) {
        return "ack";
    }
    if (!has_reached(tracker->synced, newest)) {
        return "sync";
    }
    return has_reached(tracker->sync_acked, newest) ? NULL : "sync_ack";
}

void mcpz_layout_show_progress(struct mcpz_exchange *exchange, json_t *json)
{
    const struct mcpz_layouts *layouts = &node_of(exchange)->layouts;
    const struct mcpz_layout_history *history = &layouts->history;
    json_t *live = json_array();
    json_t *waiting = json_array();

    for (size_t i = 0; i < history->live_count; i++) {
        (void)json_array_append_new(live, show_live(history, &history->live[i]));
    }
    for (size_t i = 0; history->live_count > 0 && i < history->tracker_count; i++) {
        const struct mcpz_layout_tracker *tracker = &history->trackers[i];
        const char *word = waited_for(tracker, history->live[history->live_count - 1].stamp);
        if (word != NULL) {
            json_t *row = mcpz_layout_show_who(exchange, &tracker->node);
            (void)json_object_set_new(row, "for", json_string(word));
            (void)json_array_append_new(waiting, row);
        }
    }
    (void)json_object_set_new(json, "settled", json_boolean(mcpz_layouts_are_settled(layouts)));
    (void)json_object_set_new(json, "live", live);
    (void)json_object_set_new(json, "waiting", waiting);
}
