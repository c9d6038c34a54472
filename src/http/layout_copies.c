#include "http/layout_copies.h"

#include "core/crdt/scope.h"
#include "http/layout_view.h"

static const struct mcpz_node *node_of(struct mcpz_exchange *exchange)
{
    return mcpz_engine_node(mcpz_exchange_engine(exchange));
}

/* ---- Counting ----------------------------------------------------------------------------- */

/* So many copies there are to be: fewer where there are fewer nodes. */
static uint32_t wanted(const struct mcpz_live_layout *newest)
{
    uint32_t active = 0;

    for (size_t i = 0; i < newest->placement.node_count; i++) {
        active += newest->placement.nodes[i].state == MCPZ_STORAGE_ACTIVE ? 1 : 0;
    }
    return active < newest->placement.copies ? active : newest->placement.copies;
}

static bool is_there(const struct mcpz_node *node, const struct mcpz_id *id)
{
    return mcpz_roster_is_there(&node->fabric.members.roster, id);
}

/* Has it what is its own in the layout of `stamp`? */
static bool has_synced(const struct mcpz_node *node, const struct mcpz_id *id,
                       struct mcpz_layout_stamp stamp)
{
    const struct mcpz_layout_tracker *tracker =
        mcpz_layout_history_tracker(&node->layouts.history, id);

    return tracker != NULL && mcpz_layout_stamp_compare(stamp, tracker->synced) <= 0;
}

/* Some document's id of that partition. */
static struct mcpz_id document_of(uint32_t partition, uint32_t bits)
{
    const uint32_t head = partition << (32 - bits);

    return (struct mcpz_id){
        {(uint8_t)(head >> 24), (uint8_t)(head >> 16), (uint8_t)(head >> 8), (uint8_t)head, 1}};
}

/* Who keeps it by several layouts is one copy. */
static uint32_t count_copies(const struct mcpz_node *node, const struct mcpz_id *document)
{
    struct mcpz_owner_set sets[MCPZ_LAYOUTS_LIVE_MAX];
    struct mcpz_id have[MCPZ_OWNERS_MAX];
    const size_t count = mcpz_layout_history_sets(&node->layouts.history, document, sets);
    uint32_t copies = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < sets[i].count; n++) {
            const struct mcpz_id *id = &sets[i].nodes[n]->id;
            if (!mcpz_scope_is_among(have, copies, id) && is_there(node, id) &&
                has_synced(node, id, sets[i].stamp)) {
                have[copies++] = *id;
            }
        }
    }
    return copies;
}

bool mcpz_layout_copies_work(struct mcpz_exchange *exchange, struct mcpz_layout_copies *copies)
{
    const struct mcpz_node *node = node_of(exchange);
    const struct mcpz_live_layout *newest = mcpz_layout_newest(exchange);

    if (newest == NULL || !mcpz_layouts_are_in_force(&node->layouts)) {
        return true;
    }
    if (mcpz_layout_stamp_compare(copies->stamp, newest->stamp) != 0) {
        *copies = (struct mcpz_layout_copies){.stamp = newest->stamp};
    }
    const uint32_t bits = newest->placement.partition_bits;
    const uint32_t most = wanted(newest);
    const size_t each = newest->placement.node_count * node->layouts.history.live_count;
    for (size_t seen = 0; copies->next >> bits == 0 && seen < MCPZ_LAYOUT_COPIES_SLICE;
         seen += each) {
        const struct mcpz_id document = document_of(copies->next++, bits);
        const uint32_t count = count_copies(node, &document);
        copies->counts[count < most ? count : most]++;
    }
    return copies->next >> bits != 0;
}

/* ---- Showing ------------------------------------------------------------------------------ */

/* Who is to have copies and is away, or has yet to get them. */
static json_t *show_missing(struct mcpz_exchange *exchange, const struct mcpz_live_layout *newest)
{
    const struct mcpz_node *node = node_of(exchange);
    json_t *rows = json_array();

    for (size_t i = 0; i < newest->placement.node_count; i++) {
        const struct mcpz_storage_node *owner = &newest->placement.nodes[i];
        const bool is_away = !is_there(node, &owner->id);
        if (owner->state == MCPZ_STORAGE_ACTIVE &&
            (is_away || !has_synced(node, &owner->id, newest->stamp))) {
            json_t *row = mcpz_layout_show_who(exchange, &owner->id);
            (void)json_object_set_new(row, "for", json_string(is_away ? "return" : "sync"));
            (void)json_array_append_new(rows, row);
        }
    }
    return rows;
}

void mcpz_layout_show_copies(struct mcpz_exchange *exchange,
                             const struct mcpz_layout_copies *copies, json_t *json)
{
    const struct mcpz_live_layout *newest = mcpz_layout_newest(exchange);
    json_t *rows = json_array();
    json_int_t missing = 0;
    json_int_t without_quorum = 0;

    if (newest == NULL || copies->next == 0) {
        json_decref(rows);
        (void)json_object_set_new(json, "replication", json_null());
        return;
    }
    const uint32_t most = wanted(newest);
    for (uint32_t i = 0; i <= most; i++) {
        missing += i < most ? copies->counts[i] : 0;
        without_quorum += i < most / 2 + 1 ? copies->counts[i] : 0;
        if (copies->counts[i] > 0) {
            (void)json_array_append_new(rows,
                                        json_pack("{s:I, s:I}", "copies", (json_int_t)i,
                                                  "partitions", (json_int_t)copies->counts[i]));
        }
    }
    (void)json_object_set_new(json, "replication",
                              json_pack("{s:I, s:I, s:I, s:o, s:o}", "copies", (json_int_t)most,
                                        "missing", missing, "without_quorum", without_quorum,
                                        "partitions", rows, "waiting",
                                        show_missing(exchange, newest)));
}
