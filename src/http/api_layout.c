/* /v1/layout: who keeps what, shown, and what a change of it would come to. */

#include <stdlib.h>

#include "http/forward.h"
#include "http/layout_change.h"
#include "http/layout_copies.h"
#include "http/layout_progress.h"
#include "http/layout_view.h"

/* ---- Counting ----------------------------------------------------------------------------- */

struct counting {
    struct mcpz_layout_moves moves;
    struct mcpz_layout_copies copies;
    bool is_plan;
    bool asks_others; /* how far they are */
    json_t *json;     /* the answer, as long as they are waited for */
};

/* How many go from where to where. */
static json_t *show_moves(const struct mcpz_layout_moves *moves)
{
    const size_t before_count = moves->before.placement.node_count;
    const size_t after_count = moves->after.placement.node_count;
    json_t *json = json_array();

    for (size_t from = 0; from <= before_count; from++) {
        for (size_t to = 0; to < after_count; to++) {
            const uint32_t count = moves->pairs[from * after_count + to];
            if (count == 0) {
                continue;
            }
            (void)json_array_append_new(
                json,
                json_pack("{s:o, s:o, s:I}", "from",
                          from < before_count
                              ? mcpz_exchange_show_id(&moves->before.placement.nodes[from].id, 'n')
                              : json_null(),
                          "to", mcpz_exchange_show_id(&moves->after.placement.nodes[to].id, 'n'),
                          "partitions", (json_int_t)count));
        }
    }
    return json;
}

/* Answer, perhaps when others have said how far they are. */
static void answer_state(struct mcpz_exchange *exchange, json_t *json)
{
    struct counting *counting = exchange->state;

    if (counting->asks_others && mcpz_layout_ask_moving(exchange) > 0) {
        counting->json = json;
    } else {
        mcpz_exchange_answer(exchange, 200, json);
    }
}

static void hear_others(struct mcpz_exchange *exchange)
{
    struct counting *counting = exchange->state;
    struct mcpz_id node;
    unsigned status = 0;
    json_t *said = NULL;
    size_t waiting = 0;

    while (mcpz_fellows_take(exchange, &node, &status, &said, &waiting)) {
        mcpz_layout_add_moving(counting->json, status, said);
    }
    if (waiting == 0) {
        json_t *json = counting->json;
        counting->json = NULL;
        mcpz_exchange_answer(exchange, 200, json);
    }
}

static void answer(struct mcpz_exchange *exchange)
{
    const struct counting *counting = exchange->state;
    const struct mcpz_layout_moves *moves = &counting->moves;
    json_t *json = json_object();
    char trouble[MCPZ_LAYOUT_TROUBLE_BYTES];

    if (!counting->is_plan) {
        (void)json_object_set_new(
            json, "layout",
            mcpz_layout_show(exchange, &moves->after.placement, moves->after.counts));
        mcpz_layout_show_progress(exchange, json);
        mcpz_layout_show_moving(exchange, json);
        mcpz_layout_show_copies(exchange, &counting->copies, json);
        (void)json_object_set_new(
            json, "makes_layouts",
            json_boolean(mcpz_engine_holds_mesh_key(mcpz_exchange_engine(exchange))));
        answer_state(exchange, json);
        return;
    }
    const bool has_before = moves->before.memory != NULL;
    (void)json_object_set_new(
        json, "before",
        has_before ? mcpz_layout_show(exchange, &moves->before.placement, moves->before.counts)
                   : json_null());
    (void)json_object_set_new(
        json, "after", mcpz_layout_show(exchange, &moves->after.placement, moves->after.counts));
    (void)json_object_set_new(json, "moves", show_moves(moves));
    (void)json_object_set_new(json, "moved", json_integer((json_int_t)moves->moved));
    (void)json_object_set_new(json, "impossible",
                              mcpz_layout_is_impossible(&moves->after.placement, trouble)
                                  ? json_string(trouble)
                                  : json_null());
    mcpz_exchange_answer(exchange, 200, json);
}

static void work(struct mcpz_exchange *exchange)
{
    struct counting *counting = exchange->state;

    if (counting->json != NULL) {
        hear_others(exchange);
    } else if (mcpz_layout_moves_work(&counting->moves) &&
               (counting->is_plan || mcpz_layout_copies_work(exchange, &counting->copies))) {
        answer(exchange);
    } else {
        mcpz_exchange_again(exchange);
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    struct counting *counting = exchange->state;

    mcpz_fellows_forget(exchange);
    json_decref(counting->json);
    mcpz_layout_moves_finish(&counting->moves);
    free(counting);
}

static const struct mcpz_exchange_kind kind = {.work = work, .finish = finish};

static void count(struct mcpz_exchange *exchange, const struct mcpz_placement *before,
                  const struct mcpz_placement *after, const struct counting *what)
{
    struct counting *counting = calloc(1, sizeof(*counting));
    mcpz_error error =
        counting != NULL ? mcpz_layout_moves_init(&counting->moves, before, after) : MCPZ_ENOMEM;

    if (error != MCPZ_OK) {
        if (counting != NULL) {
            mcpz_layout_moves_finish(&counting->moves);
        }
        free(counting);
        mcpz_exchange_fail_error(exchange, error, "counting partitions");
        return;
    }
    counting->is_plan = what->is_plan;
    counting->asks_others = what->asks_others;
    mcpz_exchange_wait(exchange, &kind, counting);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* it goes on by itself, to an end */
    work(exchange);
}

/* ---- Asked for ---------------------------------------------------------------------------- */

void mcpz_api_get_layout(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_live_layout *newest = mcpz_layout_newest(exchange);

    if (newest != NULL) {
        const struct counting what = {.asks_others = request->query.length == 0};
        count(exchange, NULL, &newest->placement, &what);
        return;
    }
    json_t *json = json_pack("{s:n, s:b}", "layout", "makes_layouts",
                             mcpz_engine_holds_mesh_key(mcpz_exchange_engine(exchange)) ? 1 : 0);
    mcpz_layout_show_progress(exchange, json);
    mcpz_layout_show_moving(exchange, json);
    (void)json_object_set_new(json, "replication", json_null());
    mcpz_exchange_answer(exchange, 200, json);
}

void mcpz_api_plan_layout(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_staged_layout staged;

    if (mcpz_layout_hand_on(exchange, request, NULL)) {
        return;
    }
    const struct mcpz_live_layout *newest = mcpz_layout_newest(exchange);
    mcpz_error error = mcpz_layout_read_staged(exchange, &staged);
    if (error != MCPZ_OK) {
        mcpz_layout_fail_staged(exchange, error);
        return;
    }
    staged.placement.version = newest != NULL ? newest->stamp.version + 1 : 1;
    count(exchange, newest != NULL ? &newest->placement : NULL, &staged.placement,
          &(struct counting){.is_plan = true});
    free(staged.memory);
}
