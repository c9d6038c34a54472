#include "http/blob_list.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/blob_keeper.h"

#define ASK_MS 5000 /* a node's time to list its own */
#define PATH_BYTES (MCPZ_TENANT_BYTES_MAX + MCPZ_ID_TEXT_BYTES + 64)

/* A blob, and who has it. */
struct row {
    struct mcpz_id id;
    json_t *json;
    json_t *nodes; /* that have all of it */
    struct mcpz_ack_wait wait;
};

struct list {
    struct mcpz_blob_job job; /* what is here */
    struct mcpz_exchange *exchange;
    bool is_done; /* the job is */
    bool is_read; /* and its rows are among ours */
    bool only_here;
    size_t next_member;
    char path[PATH_BYTES];
    struct row rows[MCPZ_BLOB_LIST_MAX]; /* the first ones, in order */
    size_t count;
};

static void drop_row(const struct row *row)
{
    json_decref(row->json);
    json_decref(row->nodes);
}

static void release(struct list *list)
{
    mcpz_blob_job_finish(&list->job);
    for (size_t i = 0; i < list->count; i++) {
        drop_row(&list->rows[i]);
    }
    free(list);
}

static void on_done(struct mcpz_blob_job *job)
{
    struct list *list = job->owner;

    list->is_done = true;
    if (list->exchange == NULL) {
        release(list);
    } else {
        mcpz_exchange_again(list->exchange);
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    struct list *list = exchange->state;

    mcpz_fellows_forget(exchange);
    list->exchange = NULL;
    if (list->is_done) {
        release(list);
    }
}

/* ---- Rows --------------------------------------------------------------------------------- */

json_t *mcpz_blob_list_show(const struct mcpz_id *id, const struct mcpz_blob_row *row)
{
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:o}", "blob", mcpz_exchange_show_id(id, 'b'),
                     "tenant",
                     mcpz_exchange_show_text(mcpz_bytes(row->tenant, row->tenant_length)), "size",
                     (json_int_t)row->size, "chunks", (json_int_t)row->chunks, "stored_bytes",
                     (json_int_t)row->stored, "made", mcpz_exchange_show_time(row->made_ms));
}

/* Where a blob stands among the rows, or would. */
static size_t place_of(const struct list *list, const struct mcpz_id *id)
{
    size_t at = 0;

    while (at < list->count && mcpz_id_compare(&list->rows[at].id, id) < 0) {
        at++;
    }
    return at;
}

/* `node` has the blob that `json` says, which is taken. Beyond a page nothing is kept. */
static void note(struct list *list, const struct mcpz_id *id, const struct mcpz_id *node,
                 json_t *json)
{
    const size_t at = place_of(list, id);
    struct row *row = &list->rows[at];

    if (at == MCPZ_BLOB_LIST_MAX) {
        json_decref(json);
        return;
    }
    if (at < list->count && mcpz_id_equal(&row->id, id)) {
        json_decref(json);
    } else {
        if (list->count == MCPZ_BLOB_LIST_MAX) {
            drop_row(&list->rows[--list->count]);
        }
        memmove(row + 1, row, (list->count - at) * sizeof(*row));
        list->count++;
        *row = (struct row){.id = *id, .json = json, .nodes = json_array()};
        mcpz_blob_keeper_targets(list->exchange->api, id, &row->wait);
    }
    (void)json_array_append_new(row->nodes, mcpz_exchange_show_id(node, 'n'));
    mcpz_ack_wait_note(&row->wait, node);
}

/* Say of a row who has it, who is to have it, and who of those has not said so. */
static void show_nodes(const struct row *row)
{
    json_t *wanted = json_array();
    json_t *missing = json_array();

    for (size_t i = 0; i < row->wait.owner_count; i++) {
        const struct mcpz_ack_owner *owner = &row->wait.owners[i];
        if (owner->sets == 0) {
            continue;
        }
        (void)json_array_append_new(wanted, mcpz_exchange_show_id(&owner->node, 'n'));
        if (!owner->has) {
            (void)json_array_append_new(missing, mcpz_exchange_show_id(&owner->node, 'n'));
        }
    }
    (void)json_object_set_new(row->json, "copies",
                              json_integer((json_int_t)json_array_size(row->nodes)));
    (void)json_object_set(row->json, "nodes", row->nodes);
    (void)json_object_set_new(row->json, "wanted", wanted);
    (void)json_object_set_new(row->json, "missing", missing);
}

static void answer(struct mcpz_exchange *exchange, const struct list *list)
{
    json_t *json = json_array();

    for (size_t i = 0; i < list->count; i++) {
        if (!list->only_here) {
            show_nodes(&list->rows[i]);
        }
        (void)json_array_append(json, list->rows[i].json);
    }
    mcpz_exchange_answer(exchange, 200, json);
}

/* ---- What is here, and elsewhere ------------------------------------------------------------ */

static void take_own(struct list *list)
{
    const struct mcpz_id *self = mcpz_engine_id(mcpz_exchange_engine(list->exchange));

    for (size_t i = 0; i < list->job.row_count; i++) {
        const struct mcpz_blob_listed *listed = &list->job.rows[i];
        note(list, &listed->id, self, mcpz_blob_list_show(&listed->id, &listed->row));
    }
    list->is_read = true;
}

/* What is said of a blob and is the same at all nodes. NULL: it is nothing of the kind. */
static json_t *copy_row(const json_t *said)
{
    static const char *const keys[] = {"blob", "tenant", "size", "chunks", "stored_bytes", "made"};
    json_t *json = json_object();

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(keys); i++) {
        if (json_object_set(json, keys[i], json_object_get(said, keys[i])) != 0) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

static void take_theirs(struct list *list, const struct mcpz_id *node, const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *said = json_array_get(rows, i);
        const char *name = json_string_value(json_object_get(said, "blob"));
        const char *tenant = json_string_value(json_object_get(said, "tenant"));
        struct mcpz_id id;
        if (name == NULL || tenant == NULL || strcmp(tenant, list->job.tenant) != 0 ||
            mcpz_id_from_text(mcpz_text(name), 'b', &id) != MCPZ_OK) {
            continue;
        }
        json_t *json = copy_row(said);
        if (json != NULL) {
            note(list, &id, node, json);
        }
    }
}

static void work_others(struct mcpz_exchange *exchange, struct list *list)
{
    struct mcpz_id node;
    unsigned status;
    json_t *json;
    size_t waiting;
    size_t asked;

    do { /* an answer may be there at once */
        while (mcpz_fellows_take(exchange, &node, &status, &json, &waiting)) {
            take_theirs(list, &node, status == 200 ? json : NULL);
            json_decref(json);
        }
        asked = list->next_member;
        mcpz_fellows_ask_members(exchange, &list->next_member, list->path, ASK_MS);
    } while (list->next_member != asked);
    if (waiting == 0) {
        answer(exchange, list);
    }
}

static void work(struct mcpz_exchange *exchange)
{
    struct list *list = exchange->state;

    if (!list->is_done) {
        return;
    }
    if (list->job.error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, list->job.error, "listing the blobs");
        return;
    }
    if (!list->is_read) {
        take_own(list);
    }
    if (list->only_here) {
        answer(exchange, list);
    } else {
        work_others(exchange, list);
    }
}

static const struct mcpz_exchange_kind kind = {.work = work, .finish = finish};

void mcpz_blob_list(struct mcpz_exchange *exchange, const char *tenant,
                    const struct mcpz_id *after, bool only_here)
{
    const struct mcpz_blob_port *port = exchange->api->ports.blobs;
    struct list *list = calloc(1, sizeof(*list));
    char text[MCPZ_ID_TEXT_BYTES];

    if (list == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "listing the blobs");
        return;
    }
    list->exchange = exchange;
    list->only_here = only_here;
    list->next_member = 1;
    list->job = (struct mcpz_blob_job){
        .ask = MCPZ_BLOB_LIST, .id = *after, .done = on_done, .owner = list};
    (void)snprintf(list->job.tenant, sizeof(list->job.tenant), "%s", tenant);
    mcpz_id_to_text(after, 'b', text);
    (void)snprintf(list->path, sizeof(list->path), "/v1/blobs?here=true\nafter=%s\ntenant=%s",
                   text, tenant);
    mcpz_exchange_wait(exchange, &kind, list);
    if (!port->submit(port->context, &list->job)) {
        list->is_done = true;
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY,
                           "too much is being done with blobs at once: try again");
    }
}
