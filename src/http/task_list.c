#include "http/task_list.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/durable.h"
#include "http/fellows.h"

#define SLICE 128   /* rows looked at in one turn */
#define ASK_MS 5000 /* a node's time to list its own */
#define PATH_BYTES (MCPZ_CAPABILITY_BYTES_MAX + MCPZ_TENANT_BYTES_MAX + 96)

struct task_list {
    json_t *own;    /* rows by id: what their owners say */
    json_t *copies; /* the same: what others keep of them */
    json_t *said;   /* nodes that have answered, as an object's keys */
    size_t here_count;
    size_t limit;
    bool here;       /* only what this node knows */
    bool has_walked; /* its own rows are there */
    size_t next_member;
    char state[16];
    char type[MCPZ_CAPABILITY_BYTES_MAX + 1];
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    struct mcpz_task_id at;
};

/* ---- Rows --------------------------------------------------------------------------------- */

static bool is_wanted(const struct task_list *list, const json_t *row)
{
    const char *state = json_string_value(json_object_get(row, "state"));
    const char *type = json_string_value(json_object_get(row, "type"));
    const char *tenant = json_string_value(json_object_get(row, "tenant"));

    return state != NULL && type != NULL &&
           (list->state[0] == '\0' || strcmp(list->state, state) == 0) &&
           (list->type[0] == '\0' || strcmp(list->type, type) == 0) &&
           (list->tenant[0] == '\0' || (tenant != NULL && strcmp(list->tenant, tenant) == 0));
}

/* A row as `from` says it. */
static void add_row(struct task_list *list, json_t *row, const char *from)
{
    const char *id = json_string_value(json_object_get(row, "id"));
    const char *owner = json_string_value(json_object_get(row, "owner"));
    const char *state = json_string_value(json_object_get(row, "state"));

    if (id == NULL || owner == NULL || state == NULL || !is_wanted(list, row)) {
        return;
    }
    bool moved = strcmp(state, "moved") == 0;
    if (strcmp(owner, from) == 0 || (moved && list->state[0] != '\0') || list->here) {
        (void)json_object_set(list->own, id, row);
    } else if (!moved) {
        (void)json_object_set(list->copies, id, row);
    }
}

/* Copies count where nobody knows better. */
static void add_copies(struct task_list *list)
{
    const char *id;
    json_t *row;

    json_object_foreach(list->copies, id, row)
    {
        const char *owner = json_string_value(json_object_get(row, "owner"));
        if (json_object_get(list->said, owner) == NULL) {
            (void)json_object_set(list->own, id, row);
        }
    }
}

/* Ids sort by age. */
static void answer(struct mcpz_exchange *exchange)
{
    struct task_list *list = exchange->state;

    add_copies(list);
    mcpz_exchange_answer(exchange, 200, mcpz_exchange_sort_rows(list->own, list->limit));
}

/* ---- Others ------------------------------------------------------------------------------- */

/* Ask as many as may be asked at one time. */
static void ask_more(struct mcpz_exchange *exchange)
{
    struct task_list *list = exchange->state;
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof(path), "/v1/tasks?here=true\nlimit=%zu%s%s%s%s%s%s", list->limit,
                   list->state[0] != '\0' ? "\nstate=" : "", list->state,
                   list->type[0] != '\0' ? "\ntype=" : "", list->type,
                   list->tenant[0] != '\0' ? "\ntenant=" : "", list->tenant);
    mcpz_fellows_ask_members(exchange, &list->next_member, path, ASK_MS);
}

static void take_rows(struct mcpz_exchange *exchange, const struct mcpz_id *node,
                      const json_t *rows)
{
    struct task_list *list = exchange->state;
    char text[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(node, 'n', text);
    (void)json_object_set_new(list->said, text, json_true());
    for (size_t i = 0; i < json_array_size(rows); i++) {
        add_row(list, json_array_get(rows, i), text);
    }
}

static void work_others(struct mcpz_exchange *exchange)
{
    struct task_list *list = exchange->state;
    struct mcpz_id node;
    unsigned status;
    json_t *json;
    size_t waiting;

    while (mcpz_fellows_take(exchange, &node, &status, &json, &waiting)) {
        if (status == 200) {
            take_rows(exchange, &node, json);
        }
        json_decref(json);
    }
    ask_more(exchange);
    (void)mcpz_fellows_take(exchange, &node, &status, &json, &waiting);
    if (waiting == 0) {
        list->next_member = SIZE_MAX;
        answer(exchange);
    }
}

/* ---- This node ---------------------------------------------------------------------------- */

static void add_own(struct mcpz_exchange *exchange, const char *self)
{
    struct task_list *list = exchange->state;
    json_t *row = mcpz_durable_show(mcpz_exchange_engine(exchange), &list->at, false);

    if (row != NULL && is_wanted(list, row)) {
        list->here_count++;
        add_row(list, row, self);
    }
    json_decref(row);
}

/* True: all have been looked at, or it was answered with what is wrong. */
static bool walk(struct mcpz_exchange *exchange)
{
    struct task_list *list = exchange->state;
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    char self[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(mcpz_engine_id(mcpz_exchange_engine(exchange)), 'n', self);
    for (size_t i = 0; i < SLICE; i++) {
        struct mcpz_record record = {
            .kind = MCPZ_RECORD_TASK_STATE,
            .task_state = {.id = list->at},
        };
        mcpz_error error = store->next(store->context, MCPZ_SCAN_KIND, false, &record);
        if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
            mcpz_exchange_fail_error(exchange, error, "reading the tasks");
            return true;
        }
        if (error == MCPZ_ENOTFOUND || list->here_count == list->limit) {
            (void)json_object_set_new(list->said, self, json_true());
            list->has_walked = true;
            return true;
        }
        list->at = record.task_state.id;
        add_own(exchange, self);
    }
    return false;
}

static void work(struct mcpz_exchange *exchange)
{
    struct task_list *list = exchange->state;

    if (!list->has_walked && !walk(exchange)) {
        mcpz_exchange_again(exchange);
    } else if (list->has_walked && list->here) {
        answer(exchange);
    } else if (list->has_walked) {
        work_others(exchange);
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    struct task_list *list = exchange->state;

    mcpz_fellows_forget(exchange);
    json_decref(list->own);
    json_decref(list->copies);
    json_decref(list->said);
    free(list);
}

static const struct mcpz_exchange_kind list_kind = {.work = work, .finish = finish};

/* ---- The request -------------------------------------------------------------------------- */

static bool read_limit(struct mcpz_bytes value, size_t *limit)
{
    size_t number = 0;

    for (size_t i = 0; i < value.length && number <= MCPZ_TASK_LIST_LIMIT_MAX; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return false;
        }
        number = 10 * number + (size_t)(value.data[i] - '0');
    }
    *limit = number;
    return number > 0 && number <= MCPZ_TASK_LIST_LIMIT_MAX;
}

/* False: it may not be said. */
static bool read_one(struct task_list *list, struct mcpz_bytes name, struct mcpz_bytes value)
{
    if (mcpz_bytes_equal(name, mcpz_text("state")) && value.length < sizeof(list->state)) {
        mcpz_bytes_to_text(value, list->state, sizeof(list->state));
        return true;
    }
    if (mcpz_bytes_equal(name, mcpz_text("type")) && value.length < sizeof(list->type)) {
        mcpz_bytes_to_text(value, list->type, sizeof(list->type));
        return true;
    }
    if (mcpz_bytes_equal(name, mcpz_text("tenant")) && value.length < sizeof(list->tenant)) {
        mcpz_bytes_to_text(value, list->tenant, sizeof(list->tenant));
        return true;
    }
    if (mcpz_bytes_equal(name, mcpz_text("here"))) {
        list->here = mcpz_bytes_equal(value, mcpz_text("true"));
        return list->here || mcpz_bytes_equal(value, mcpz_text("false"));
    }
    return mcpz_bytes_equal(name, mcpz_text("limit")) && read_limit(value, &list->limit);
}

void mcpz_api_get_tasks(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct task_list *list = calloc(1, sizeof(*list));
    struct mcpz_bytes query = request->query;
    struct mcpz_bytes name;
    struct mcpz_bytes value;

    if (list == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "listing the tasks");
        return;
    }
    list->limit = MCPZ_TASK_LIST_LIMIT;
    list->next_member = 1; /* behind ourselves */
    mcpz_fellows_tick(exchange->api);
    list->here = exchange->answered_elsewhere != NULL || exchange->api->fellows.program == NULL;
    while (mcpz_exchange_parameter(&query, &name, &value)) {
        if (!read_one(list, name, value)) {
            free(list);
            mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                               "only \"state\", \"type\", \"tenant\", \"here\" (true or false) "
                               "and \"limit\" (1 to %d) can be said here",
                               MCPZ_TASK_LIST_LIMIT_MAX);
            return;
        }
    }
    if (!mcpz_exchange_may_name(exchange, list->tenant)) {
        free(list);
        return;
    }
    if (exchange->tenant[0] != '\0') {
        memcpy(list->tenant, exchange->tenant, sizeof(list->tenant));
    }
    list->own = json_object();
    list->copies = json_object();
    list->said = json_object();
    mcpz_exchange_wait(exchange, &list_kind, list);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* it goes on by itself, to an end */
    work(exchange);
}
