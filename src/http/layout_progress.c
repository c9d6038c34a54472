#include "http/layout_progress.h"

#include "core/keeping.h"
#include "http/fellows.h"

#define ASK_MS 2000
#define ASKED_MAX 32 /* nodes; those that get much at one time are few */

static const struct mcpz_node *node_of(struct mcpz_exchange *exchange)
{
    return mcpz_engine_node(mcpz_exchange_engine(exchange));
}

static json_t *show_name(struct mcpz_exchange *exchange, const struct mcpz_id *id)
{
    const struct mcpz_members *members = &node_of(exchange)->fabric.members;
    const struct mcpz_member *member = mcpz_members_find(members, id);

    return mcpz_exchange_show_text(member != NULL ? mcpz_roster_name(&members->roster, member)
                                                  : mcpz_text(""));
}

static json_t *show_ms(mcpz_time us)
{
    return us == MCPZ_TIME_NEVER ? json_null() : json_integer((json_int_t)(us / 1000));
}

static json_t *show_own(struct mcpz_exchange *exchange, const struct mcpz_pull_progress *progress)
{
    const struct mcpz_id *self = mcpz_engine_id(mcpz_exchange_engine(exchange));
    const mcpz_time took_us = progress->took_us > 0 ? progress->took_us : 1;
    json_t *json = json_pack(
        "{s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o}", "node", mcpz_exchange_show_id(self, 'n'),
        "name", show_name(exchange, self), "version", (json_int_t)progress->version, "moved",
        (json_int_t)progress->moved, "per_mille", (json_int_t)progress->per_mille, "per_second",
        (json_int_t)(progress->moved * 1000000 / (uint64_t)took_us), "took_ms",
        show_ms(progress->took_us), "left_ms", show_ms(progress->left_us));

    (void)json_object_set_new(json, "to_move",
                              progress->to_move > 0 ? json_integer((json_int_t)progress->to_move)
                                                    : json_null());
    return json;
}

static json_t *show_hinted(struct mcpz_exchange *exchange, const struct mcpz_hinted *hinted)
{
    return json_pack(
        "{s:o, s:o, s:I, s:I, s:o}", "node", mcpz_exchange_show_id(&hinted->owner, 'n'), "name",
        show_name(exchange, &hinted->owner), "documents", (json_int_t)hinted->count, "bytes",
        (json_int_t)hinted->bytes, "since", mcpz_exchange_show_time(hinted->oldest_ms));
}

/* Blobs go where their documents do, and take longer. */
static void show_blobs(struct mcpz_exchange *exchange, json_t *json)
{
    const struct mcpz_id *self = mcpz_engine_id(mcpz_exchange_engine(exchange));
    struct mcpz_blob_keeper_left left;
    json_t *blobs = json_array();

    mcpz_blob_keeper_left(&exchange->api->blobs, &left);
    if (exchange->api->ports.blobs != NULL &&
        (left.to_fetch > 0 || left.to_hand_over > 0 || left.is_looking)) {
        (void)json_array_append_new(
            blobs, json_pack("{s:o, s:o, s:I, s:I, s:b}", "node", mcpz_exchange_show_id(self, 'n'),
                             "name", show_name(exchange, self), "to_fetch",
                             (json_int_t)left.to_fetch, "to_hand_over",
                             (json_int_t)left.to_hand_over, "looking", left.is_looking ? 1 : 0));
    }
    (void)json_object_set_new(json, "blobs", blobs);
}

void mcpz_layout_show_moving(struct mcpz_exchange *exchange, json_t *json)
{
    const struct mcpz_node *node = node_of(exchange);
    const struct mcpz_api_ports *ports = &exchange->api->ports;
    const struct mcpz_keeping_below below = {.fabric = &node->fabric,
                                             .relay = &node->relay,
                                             .layouts = &node->layouts,
                                             .agents = &node->agents};
    struct mcpz_pull_progress progress;
    json_t *moving = json_array();
    json_t *hints = json_array();

    if (mcpz_pull_progress(&node->keeping, &below, ports->now(ports->context), &progress)) {
        (void)json_array_append_new(moving, show_own(exchange, &progress));
    }
    for (size_t i = 0; i < MCPZ_HINT_OWNERS_MAX; i++) {
        const struct mcpz_hinted *hinted = &node->keeping.hints.owners[i];
        if (hinted->count > 0) {
            (void)json_array_append_new(hints, show_hinted(exchange, hinted));
        }
    }
    (void)json_object_set_new(json, "moving", moving);
    (void)json_object_set_new(json, "hints", hints);
    show_blobs(exchange, json);
}

size_t mcpz_layout_ask_moving(struct mcpz_exchange *exchange)
{
    const struct mcpz_node *node = node_of(exchange);
    const struct mcpz_layout_history *history = &node->layouts.history;
    const struct mcpz_live_layout *newest = mcpz_layout_history_newest(history);
    size_t asked = 0;

    for (size_t i = 0; newest != NULL && i < history->tracker_count && asked < ASKED_MAX; i++) {
        const struct mcpz_layout_tracker *tracker = &history->trackers[i];
        const struct mcpz_id id = tracker->node;
        const struct mcpz_member *member = mcpz_members_find(&node->fabric.members, &id);
        if (member != NULL && !mcpz_member_is_gone(member) &&
            !mcpz_id_equal(&id, mcpz_engine_id(mcpz_exchange_engine(exchange))) &&
            mcpz_fellows_ask(exchange, &id, "GET", MCPZ_LAYOUT_PATH "?here=true", NULL, ASK_MS)) {
            asked++;
        }
    }
    return asked;
}

void mcpz_layout_add_moving(json_t *json, unsigned status, json_t *answer)
{
    static const char *const members[] = {"moving", "blobs"};

    for (size_t m = 0; status == 200 && m < MCPZ_ARRAY_LEN(members); m++) {
        (void)json_array_extend(json_object_get(json, members[m]),
                                json_object_get(answer, members[m]));
    }
    json_decref(answer);
}
