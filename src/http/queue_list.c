/*
 * GET /v1/queues?here=true: the queues of durable tasks, by type; those of this node, or of all
 * that can be asked.
 *
 * What waits, waits at its owner: so the numbers of all nodes are added up. A queue is paused if
 * any of them holds it for that.
 */

#include <stdlib.h>
#include <string.h>

#include "http/exchange.h"
#include "http/fellows.h"

#define ASK_MS 5000 /* a node's time to answer */
#define ROWS_MAX 4096

struct queue_list {
    json_t *rows; /* by type */
    size_t next_member;
};

/* ---- Rows --------------------------------------------------------------------------------- */

static json_t *make_row(const char *type, bool paused, json_int_t waiting, json_int_t running)
{
    return json_pack("{s:s, s:b, s:I, s:I}", "type", type, "paused", paused ? 1 : 0, "waiting",
                     waiting, "running", running);
}

static void add_row(struct queue_list *list, const json_t *row)
{
    const char *type = json_string_value(json_object_get(row, "type"));
    const json_t *known = type != NULL ? json_object_get(list->rows, type) : NULL;

    if (type == NULL || (known == NULL && json_object_size(list->rows) == ROWS_MAX)) {
        return;
    }
    const bool paused = json_is_true(json_object_get(row, "paused")) ||
                        json_is_true(json_object_get(known, "paused"));
    const json_int_t waiting = json_integer_value(json_object_get(row, "waiting")) +
                               json_integer_value(json_object_get(known, "waiting"));
    const json_int_t running = json_integer_value(json_object_get(row, "running")) +
                               json_integer_value(json_object_get(known, "running"));
    json_t *sum = make_row(type, paused, waiting, running);
    (void)json_object_set_new(list->rows, type, sum);
}

static void add_own(struct queue_list *list, struct mcpz_exchange *exchange)
{
    const struct mcpz_task_queues *queues =
        &mcpz_engine_node(mcpz_exchange_engine(exchange))->tasks.queues;

    for (size_t i = 0; i < queues->count; i++) {
        const struct mcpz_task_queue *queue = &queues->rows[i];
        json_t *row =
            make_row(queue->capability, queue->paused, (json_int_t)(queue->ready - queue->running),
                     (json_int_t)queue->running);
        add_row(list, row);
        json_decref(row);
    }
}

static void answer(struct mcpz_exchange *exchange)
{
    struct queue_list *list = exchange->state;

    mcpz_exchange_answer(exchange, 200, mcpz_exchange_sort_rows(list->rows, SIZE_MAX));
}

/* ---- Others ------------------------------------------------------------------------------- */

static void work(struct mcpz_exchange *exchange)
{
    struct queue_list *list = exchange->state;
    struct mcpz_id node;
    unsigned status;
    json_t *json;
    size_t waiting;

    while (mcpz_fellows_take(exchange, &node, &status, &json, &waiting)) {
        for (size_t i = 0; status == 200 && i < json_array_size(json); i++) {
            add_row(list, json_array_get(json, i));
        }
        json_decref(json);
    }
    mcpz_fellows_ask_members(exchange, &list->next_member, "/v1/queues?here=true", ASK_MS);
    (void)mcpz_fellows_take(exchange, &node, &status, &json, &waiting);
    if (waiting == 0) {
        answer(exchange);
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    struct queue_list *list = exchange->state;

    mcpz_fellows_forget(exchange);
    json_decref(list->rows);
    free(list);
}

static const struct mcpz_exchange_kind list_kind = {.work = work, .finish = finish};

/* ---- The request -------------------------------------------------------------------------- */

void mcpz_api_get_queues(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct queue_list *list = calloc(1, sizeof(*list));
    struct mcpz_bytes query = request->query;
    struct mcpz_bytes name;
    struct mcpz_bytes value;
    bool here = false;

    if (list == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "listing the queues");
        return;
    }
    while (mcpz_exchange_parameter(&query, &name, &value)) {
        here = mcpz_bytes_equal(value, mcpz_text("true"));
        if (!mcpz_bytes_equal(name, mcpz_text("here")) ||
            (!here && !mcpz_bytes_equal(value, mcpz_text("false")))) {
            free(list);
            mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                               "only \"here\" (true or false) can be said here");
            return;
        }
    }
    mcpz_fellows_tick(exchange->api);
    list->rows = json_object();
    list->next_member = 1; /* behind ourselves */
    add_own(list, exchange);
    mcpz_exchange_wait(exchange, &list_kind, list);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* it goes on by itself, to an end */
    if (here || exchange->answered_elsewhere != NULL || exchange->api->fellows.program == NULL) {
        answer(exchange);
    } else {
        work(exchange);
    }
}
