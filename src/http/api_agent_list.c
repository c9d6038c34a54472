/* GET /v1/agents: those that are here, and, where there is a layout, those that others keep. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/agent_owners.h"
#include "http/agent_scope.h"
#include "http/blob_book.h"
#include "http/exchange.h"
#include "http/forward.h"
#include "http/system_document.h"
#include "http/walk.h"

struct agent_row {
    struct mcpz_id document;
    size_t versions;
    uint32_t entries;
    bool deleted;
    uint8_t name_length;
    uint8_t tenant_length;
    char name[MCPZ_AGENT_NAME_BYTES_MAX];
    char tenant[MCPZ_TENANT_BYTES_MAX];
};

static_assert(MCPZ_AGENT_NAME_BYTES_MAX <= UINT8_MAX, "name_length holds it");

struct agent_list {
    struct mcpz_walk walk;
    bool asks_others; /* of those that keep what we do not, once ours are in */
    bool only_here;
    mcpz_time patient_until_us; /* to hear whether others keep any, and to reach them */
    bool walked;
    size_t own_count;   /* rows of ours; those of others stand behind */
    size_t next_member; /* who is to be asked: a row of the roster */
    size_t said_count;  /* nodes that have answered */
    size_t lost_count;  /* nodes that could not be asked */
    struct agent_row *rows;
    size_t count;
    size_t capacity;
};

static mcpz_error add_row(struct mcpz_exchange *exchange, struct agent_list *list,
                          const struct mcpz_record_document *document)
{
    if (mcpz_blob_book_is(&document->id) || !mcpz_agent_scope_has(exchange, document->tenant) ||
        mcpz_bytes_equal(document->tenant, mcpz_text(MCPZ_TENANT_SYSTEM))) {
        return MCPZ_OK; /* another's; or no agent: http/system_document.h */
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? 2 * list->capacity : 64;
        struct agent_row *rows = realloc(list->rows, capacity * sizeof(*rows));
        if (rows == NULL) {
            return MCPZ_ENOMEM;
        }
        list->rows = rows;
        list->capacity = capacity;
    }
    if (list->count == MCPZ_AGENTS_MAX || document->name.length > MCPZ_AGENT_NAME_BYTES_MAX ||
        document->tenant.length > MCPZ_TENANT_BYTES_MAX) {
        return MCPZ_ECORRUPT;
    }
    struct agent_row *row = &list->rows[list->count++];
    *row = (struct agent_row){
        .document = document->id,
        .versions = document->version_count,
        .entries = document->entry_count,
        .deleted = document->deleted,
        .name_length = (uint8_t)document->name.length,
        .tenant_length = (uint8_t)document->tenant.length,
    };
    if (row->name_length > 0) {
        memcpy(row->name, document->name.data, row->name_length);
    }
    if (row->tenant_length > 0) {
        memcpy(row->tenant, document->tenant.data, row->tenant_length);
    }
    return MCPZ_OK;
}

static struct mcpz_bytes name_of(const struct agent_row *row)
{
    return mcpz_bytes(row->name, row->name_length);
}

static int compare_rows(const void *a, const void *b)
{
    const struct agent_row *left = a;
    const struct agent_row *right = b;
    int order = mcpz_bytes_compare(name_of(left), name_of(right));
    return order != 0 ? order : mcpz_id_compare(&left->document, &right->document);
}

static void answer_list(struct mcpz_exchange *exchange, struct agent_list *list)
{
    struct mcpz_body *body = &exchange->response.body;

    if (list->count > 0) {
        qsort(list->rows, list->count, sizeof(*list->rows), compare_rows);
    }
    mcpz_body_text(body, "[");
    for (size_t i = 0; i < list->count; i++) {
        const struct agent_row *row = &list->rows[i];
        if (i > 0 && mcpz_id_equal(&row[-1].document, &row->document)) {
            continue; /* another owner has told of it as well */
        }
        json_t *json = json_object();
        (void)json_object_set_new(json, "id", mcpz_exchange_show_text(name_of(row)));
        (void)json_object_set_new(
            json, "tenant", mcpz_agent_scope_show(mcpz_bytes(row->tenant, row->tenant_length)));
        (void)json_object_set_new(json, "document", mcpz_exchange_show_id(&row->document, 'd'));
        (void)json_object_set_new(json, "versions", json_integer((json_int_t)row->versions));
        (void)json_object_set_new(json, "entries", json_integer(row->entries));
        if (row->deleted) {
            (void)json_object_set_new(json, "deleted", json_true());
        }
        mcpz_body_append_json(body, json, i == 0);
    }
    mcpz_body_text(body, "]\n");
    mcpz_exchange_send(exchange, 200, "application/json");
}

/* ---- Those of other nodes, where there is a layout ----------------------------------------- */

#define LIST_ASK_MS 5000

static bool is_storage(struct mcpz_exchange *exchange, const struct mcpz_member *member)
{
    const struct mcpz_layouts *layouts =
        &mcpz_engine_node(mcpz_exchange_engine(exchange))->layouts;

    return !mcpz_member_is_gone(member) &&
           mcpz_layout_history_tracker(&layouts->history, &member->id) != NULL &&
           !mcpz_id_equal(&member->id, mcpz_engine_id(mcpz_exchange_engine(exchange)));
}

/* Ask all that keep agents, as many at a time as can be. */
static void ask_others(struct mcpz_exchange *exchange, struct agent_list *list)
{
    const struct mcpz_roster *roster =
        &mcpz_engine_node(mcpz_exchange_engine(exchange))->fabric.members.roster;

    char path[64 + MCPZ_TENANT_BYTES_MAX];
    (void)snprintf(path, sizeof(path), "/v1/agents?here=true%s",
                   list->walk.with_deleted ? "\ndeleted=true" : "");
    bool fits = mcpz_agent_scope_hand_on(exchange, path, sizeof(path));

    assert(fits);
    for (; list->next_member < roster->count; list->next_member++) {
        const struct mcpz_id node = roster->rows[list->next_member].id;
        if (is_storage(exchange, &roster->rows[list->next_member]) &&
            !mcpz_fellows_ask(exchange, &node, "GET", path, NULL, LIST_ASK_MS)) {
            return; /* the rest when something has come */
        }
    }
}

static mcpz_error take_row(struct mcpz_exchange *exchange, struct agent_list *list,
                           const json_t *json)
{
    const char *document = json_string_value(json_object_get(json, "document"));
    const char *name = json_string_value(json_object_get(json, "id"));
    const char *tenant = json_string_value(json_object_get(json, "tenant"));
    struct mcpz_record_document record = {.name = mcpz_text(name != NULL ? name : "")};

    if (tenant != NULL && strcmp(tenant, MCPZ_TENANT_DEFAULT) != 0) {
        record.tenant = mcpz_text(tenant);
    }

    if (document == NULL || mcpz_id_from_text(mcpz_text(document), 'd', &record.id) != MCPZ_OK) {
        return MCPZ_OK;
    }
    record.version_count = (size_t)json_integer_value(json_object_get(json, "versions"));
    record.entry_count = (uint32_t)json_integer_value(json_object_get(json, "entries"));
    record.deleted = json_is_true(json_object_get(json, "deleted"));
    return add_row(exchange, list, &record);
}

/* Who has just come may not know yet how to reach those that keep agents. */
static bool ask_again_soon(struct mcpz_exchange *exchange, struct agent_list *list)
{
    const mcpz_time now = mcpz_api_now(exchange->api);

    if (list->lost_count == 0 || now >= list->patient_until_us) {
        return false;
    }
    list->count = list->own_count;
    list->next_member = 0;
    list->said_count = 0;
    list->lost_count = 0;
    exchange->deadline_us = now + MCPZ_FORWARD_LOOK_US;
    return true;
}

static void end_others(struct mcpz_exchange *exchange, struct agent_list *list)
{
    if (ask_again_soon(exchange, list)) {
        return;
    }
    if (list->lost_count > 0 && list->said_count == 0) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_UNAVAILABLE,
                           "none of the nodes that keep agents could be asked: try again");
        return;
    }
    answer_list(exchange, list);
}

/* False: none is asked, nor to be. Who cannot be asked while none is, is out of reach. */
static bool ask_the_rest(struct mcpz_exchange *exchange, struct agent_list *list)
{
    const struct mcpz_roster *roster =
        &mcpz_engine_node(mcpz_exchange_engine(exchange))->fabric.members.roster;
    struct mcpz_id node;
    unsigned status;
    json_t *json;
    size_t waiting;

    ask_others(exchange, list);
    while (!mcpz_fellows_take(exchange, &node, &status, &json, &waiting) && waiting == 0 &&
           list->next_member < roster->count) {
        list->lost_count++;
        list->next_member++;
        ask_others(exchange, list);
    }
    return waiting > 0;
}

static void work_others(struct mcpz_exchange *exchange)
{
    struct agent_list *list = exchange->state;
    mcpz_error error = MCPZ_OK;
    struct mcpz_id node;
    unsigned status;
    json_t *json;
    size_t waiting;

    while (mcpz_fellows_take(exchange, &node, &status, &json, &waiting)) {
        list->said_count += status == 200 ? 1 : 0;
        list->lost_count += status == 200 ? 0 : 1;
        for (size_t i = 0; status == 200 && error == MCPZ_OK && i < json_array_size(json); i++) {
            error = take_row(exchange, list, json_array_get(json, i));
        }
        json_decref(json);
    }
    if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "listing the agents");
        return;
    }
    if (!ask_the_rest(exchange, list)) {
        end_others(exchange, list);
    }
}

static void work_list(struct mcpz_exchange *exchange)
{
    struct agent_list *list = exchange->state;

    if (list->walked) {
        work_others(exchange);
        return;
    }
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < MCPZ_SLICE_DOCUMENTS && error == MCPZ_OK; i++) {
        struct mcpz_record record;
        error = mcpz_walk_next(&list->walk, store, &record);
        if (error == MCPZ_OK && mcpz_agent_is_here(exchange, &record.document.id)) {
            error = add_row(exchange, list, &record.document);
        }
    }
    if (error == MCPZ_OK) {
        mcpz_exchange_again(exchange);
    } else if (error == MCPZ_ENOTFOUND && list->asks_others) {
        list->walked = true;
        list->own_count = list->count;
        work_others(exchange);
    } else if (error == MCPZ_ENOTFOUND) {
        answer_list(exchange, list);
    } else {
        mcpz_exchange_fail_error(exchange, error, "reading the agents");
    }
}

static void finish_list(struct mcpz_exchange *exchange)
{
    struct agent_list *list = exchange->state;

    mcpz_fellows_forget(exchange);
    free(list->rows);
    free(list);
}

/* Begin, once it is known who keeps agents; who has just come may not have heard yet. */
static void begin_list(struct mcpz_exchange *exchange)
{
    struct agent_list *list = exchange->state;
    const mcpz_time now = mcpz_api_now(exchange->api);

    list->asks_others = !list->only_here && mcpz_agents_are_spread(exchange);
    if (!list->only_here && !list->asks_others && now < list->patient_until_us &&
        (mcpz_agents_may_be_elsewhere(exchange) ||
         mcpz_engine_is_joining(mcpz_exchange_engine(exchange)))) {
        exchange->deadline_us = now + MCPZ_FORWARD_LOOK_US;
        return;
    }
    exchange->deadline_us = MCPZ_TIME_NEVER; /* it goes on by itself, to an end */
    work_list(exchange);
}

/* It has waited. */
static void go_on(struct mcpz_exchange *exchange)
{
    const struct agent_list *list = exchange->state;

    if (list->walked) {
        exchange->deadline_us = MCPZ_TIME_NEVER;
        work_others(exchange);
    } else {
        begin_list(exchange);
    }
}

static const struct mcpz_exchange_kind list_kind = {
    .work = work_list, .expire = go_on, .finish = finish_list};

/* "here=true": only what this node keeps; "deleted=true": also what is deleted by now. */
static void read_list_query(struct mcpz_bytes query, struct agent_list *list)
{
    struct mcpz_bytes name;
    struct mcpz_bytes value;

    while (mcpz_exchange_parameter(&query, &name, &value)) {
        const bool is_true = mcpz_bytes_equal(value, mcpz_text("true"));
        if (mcpz_bytes_equal(name, mcpz_text("here"))) {
            list->only_here = is_true;
        } else if (mcpz_bytes_equal(name, mcpz_text("deleted"))) {
            list->walk.with_deleted = is_true;
        }
    }
}

void mcpz_api_get_agents(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct agent_list *list = calloc(1, sizeof(*list));

    if (list != NULL) {
        read_list_query(request->query, list);
    }
    if (list == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "listing the agents");
        return;
    }
    mcpz_exchange_wait(exchange, &list_kind, list);
    list->patient_until_us = mcpz_api_now(exchange->api) + MCPZ_FORWARD_PATIENCE_US;
    begin_list(exchange);
}
