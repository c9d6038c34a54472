#include "http/blob_copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/blob_alias.h"
#include "http/blob_serve.h"
#include "http/blob_targets.h"

struct copies {
    struct mcpz_blob_job job; /* what is here */
    struct mcpz_exchange *exchange;
    bool is_done;    /* the job is */
    bool reads;      /* what is here is read through before it counts: */
    bool is_reading; /* up to here so far */
    uint64_t read;
    bool is_reached;   /* those who are to have it were asked */
    bool asks_members; /* so are all others */
    bool is_silent;    /* somebody did not answer */
    bool is_naming;    /* it is asked what it stands for */
    struct mcpz_blob_alias alias;
    bool is_known; /* `row` is of a blob of that tenant */
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    char path[sizeof(MCPZ_BLOB_SERVE_PATH "/stat?blob=") + MCPZ_ID_TEXT_BYTES];
    struct mcpz_blob_row row;
    json_t *nodes;   /* that have all of it */
    json_t *wanted;  /* that are to have it */
    json_t *missing; /* of them, those that have not said that they do */
    struct mcpz_ack_wait wait;
    struct mcpz_id sources[MCPZ_BLOB_SOURCES_MAX];
    size_t source_count;
    size_t next;
    size_t likely; /* of the sources: those who are to have it */
};

static void release(struct copies *copies)
{
    mcpz_blob_job_finish(&copies->job);
    json_decref(copies->nodes);
    json_decref(copies->wanted);
    json_decref(copies->missing);
    free(copies);
}

static void on_done(struct mcpz_blob_job *job)
{
    struct copies *copies = job->owner;

    copies->is_done = true;
    if (copies->exchange == NULL) {
        release(copies);
    } else {
        mcpz_exchange_again(copies->exchange);
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    struct copies *copies = exchange->state;

    mcpz_fellows_forget(exchange);
    copies->exchange = NULL;
    if (copies->is_done) {
        release(copies);
    }
}

static void note_row(struct copies *copies, const struct mcpz_blob_row *row)
{
    if (!copies->is_known &&
        mcpz_bytes_equal(mcpz_bytes(row->tenant, row->tenant_length), mcpz_text(copies->tenant))) {
        copies->row = *row;
        copies->is_known = true;
    }
}

static void note_node(struct copies *copies, const struct mcpz_id *node)
{
    (void)json_array_append_new(copies->nodes, mcpz_exchange_show_id(node, 'n'));
    mcpz_ack_wait_note(&copies->wait, node);
}

static void hear_node(struct copies *copies, const struct mcpz_id *node, const json_t *json)
{
    const json_t *tenant = json_object_get(json, "tenant");
    struct mcpz_blob_row row = {
        .size = (uint64_t)json_integer_value(json_object_get(json, "size")),
        .chunks = (uint64_t)json_integer_value(json_object_get(json, "chunks")),
        .stored = (uint64_t)json_integer_value(json_object_get(json, "stored_bytes")),
        .made_ms = (uint64_t)json_integer_value(json_object_get(json, "made_ms")),
        .tenant_length = json_string_length(tenant)};

    if (!json_is_true(json_object_get(json, "whole")) ||
        strcmp(json_string_value(tenant) != NULL ? json_string_value(tenant) : "",
               copies->tenant) != 0) {
        return;
    }
    memcpy(row.tenant, copies->tenant, row.tenant_length);
    note_row(copies, &row);
    if (json_is_true(json_object_get(json, "held"))) { /* else it is about to be cleared away */
        note_node(copies, node);
    }
}

/* Who is to have it, and who of them does not: not yet, or cannot be asked. */
static void note_wanted(struct copies *copies)
{
    for (size_t i = 0; i < copies->wait.owner_count; i++) {
        const struct mcpz_ack_owner *owner = &copies->wait.owners[i];
        if (owner->sets == 0) {
            continue;
        }
        (void)json_array_append_new(copies->wanted, mcpz_exchange_show_id(&owner->node, 'n'));
        if (!owner->has) {
            (void)json_array_append_new(copies->missing, mcpz_exchange_show_id(&owner->node, 'n'));
        }
    }
}

/* Nobody has it: does one of those who keep its document know another name? */
static bool ask_for_name(struct mcpz_exchange *exchange, struct copies *copies)
{
    if (!copies->alias.is_over) {
        copies->alias.root = copies->job.id;
    }
    copies->is_naming = mcpz_blob_alias_ask(&copies->alias, exchange, copies->sources,
                                            copies->source_count) == MCPZ_BLOB_ALIAS_WAITS;
    return copies->is_naming;
}

static void answer(struct mcpz_exchange *exchange, struct copies *copies)
{
    const struct mcpz_blob_row *row = &copies->row;

    if (!copies->is_known && ask_for_name(exchange, copies)) {
        return;
    }
    if (!copies->is_known) {
        mcpz_exchange_fail(exchange,
                           copies->is_silent ? MCPZ_CODE_UNAVAILABLE : MCPZ_CODE_NOT_FOUND, "%s",
                           copies->is_silent ? "no node that has this blob can be reached"
                                             : "there is no such blob");
        return;
    }
    note_wanted(copies);
    mcpz_exchange_answer(
        exchange, 200,
        json_pack("{s:o, s:s, s:I, s:I, s:I, s:o, s:I, s:O, s:O, s:O}", "blob",
                  mcpz_exchange_show_id(&copies->job.id, 'b'), "tenant", copies->tenant, "size",
                  (json_int_t)row->size, "chunks", (json_int_t)row->chunks, "stored_bytes",
                  (json_int_t)row->stored, "made", mcpz_exchange_show_time(row->made_ms), "copies",
                  (json_int_t)json_array_size(copies->nodes), "nodes", copies->nodes, "wanted",
                  copies->wanted, "missing", copies->missing));
}

/* Ask those of the sources that come before `end`, as many at a time as can be. */
static void ask_until(struct mcpz_exchange *exchange, struct copies *copies, size_t end)
{
    while (copies->next < end && mcpz_fellows_ask(exchange, &copies->sources[copies->next], "GET",
                                                  copies->path, NULL, MCPZ_BLOB_STAT_MS)) {
        copies->next++;
    }
}

static void prepare(struct mcpz_exchange *exchange, struct copies *copies)
{
    const struct mcpz_ack_wait *wait = &copies->wait;
    const struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    char text[MCPZ_ID_TEXT_BYTES];

    mcpz_blob_keeper_targets(exchange->api, &copies->job.id, &copies->wait);
    copies->source_count = mcpz_blob_sources(engine, wait, NULL, copies->sources);
    while (copies->likely < copies->source_count &&
           mcpz_blob_targets_has(wait, &copies->sources[copies->likely])) {
        copies->likely++;
    }
    mcpz_id_to_text(&copies->job.id, 'b', text);
    (void)snprintf(copies->path, sizeof(copies->path), MCPZ_BLOB_SERVE_PATH "/stat?blob=%s", text);
}

/* Have it looked at what is here. */
static void look(struct mcpz_exchange *exchange, struct copies *copies)
{
    const struct mcpz_blob_port *port = exchange->api->ports.blobs;

    copies->is_done = false;
    if (!port->submit(port->context, &copies->job)) {
        copies->is_done = true; /* nobody has it */
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY,
                           "too much is being done with blobs at once: try again");
    }
}

static void look_anew(struct copies *copies)
{
    const struct mcpz_id root = copies->job.id;

    mcpz_blob_job_finish(&copies->job);
    copies->job = (struct mcpz_blob_job){
        .ask = MCPZ_BLOB_LOOK, .id = root, .done = on_done, .owner = copies};
}

/* Have the next piece read; what is damaged is struck off with that. */
static void read_piece(struct mcpz_exchange *exchange, struct copies *copies)
{
    look_anew(copies);
    copies->job.ask = MCPZ_BLOB_READ;
    copies->job.offset = copies->read;
    copies->job.length = MCPZ_BLOB_PART_BYTES_MAX;
    memcpy(copies->job.tenant, copies->tenant, sizeof(copies->job.tenant));
    look(exchange, copies);
}

/* Is what is here all read, or was it not to be? */
static bool is_read(struct mcpz_exchange *exchange, struct copies *copies)
{
    const struct mcpz_blob_job *job = &copies->job;

    if (copies->is_reading && job->error == MCPZ_OK && job->length > 0) {
        copies->read += job->length;
        read_piece(exchange, copies);
        return false;
    }
    if (copies->is_reading) { /* that was all, or something is lacking: what is known of it now? */
        copies->is_reading = false;
        copies->reads = false;
        look_anew(copies);
        look(exchange, copies);
        return false;
    }
    copies->is_reading = copies->reads && job->error == MCPZ_OK && job->state.is_whole;
    if (copies->is_reading) {
        read_piece(exchange, copies);
    }
    return !copies->is_reading;
}

/* What it stands for, if somebody knows: that is looked for, from the start. */
static void hear_name(struct mcpz_exchange *exchange, struct copies *copies)
{
    const enum mcpz_blob_alias_step step = mcpz_blob_alias_hear(&copies->alias, exchange);

    if (step == MCPZ_BLOB_ALIAS_WAITS) {
        return;
    }
    copies->is_naming = false;
    if (step == MCPZ_BLOB_ALIAS_UNKNOWN) {
        answer(exchange, copies);
        return;
    }
    copies->job.id = copies->alias.root;
    look_anew(copies);
    copies->wait = (struct mcpz_ack_wait){.owner_count = 0};
    copies->is_reached = false;
    copies->asks_members = false;
    copies->is_silent = false;
    copies->next = 0;
    copies->likely = 0;
    prepare(exchange, copies);
    look(exchange, copies);
}

static void work(struct mcpz_exchange *exchange)
{
    struct copies *copies = exchange->state;
    struct mcpz_id node;
    unsigned status = 0;
    json_t *json = NULL;
    size_t waiting = 0;

    if (!copies->is_done) {
        return;
    }
    if (copies->is_naming) {
        hear_name(exchange, copies);
        return;
    }
    if (!copies->is_reached && !is_read(exchange, copies)) {
        return;
    }
    if (!copies->is_reached && copies->job.error == MCPZ_OK) {
        note_row(copies, &copies->job.row);
        if (!copies->is_known) { /* a blob has one tenant, wherever it is */
            answer(exchange, copies);
            return;
        }
        if (copies->job.state.is_whole && mcpz_blob_is_held(&copies->job.state)) {
            note_node(copies, mcpz_engine_id(mcpz_exchange_engine(exchange)));
        }
    }
    copies->is_reached = true;
    size_t asked = SIZE_MAX;
    while (copies->next != asked) { /* an answer may be there at once */
        asked = copies->next;
        while (mcpz_fellows_take(exchange, &node, &status, &json, &waiting)) {
            copies->is_silent |= status != 200;
            hear_node(copies, &node, status == 200 ? json : NULL);
            json_decref(json);
        }
        copies->asks_members |=
            waiting == 0 && copies->next >= copies->likely && json_array_size(copies->nodes) == 0;
        ask_until(exchange, copies, copies->asks_members ? copies->source_count : copies->likely);
    }
    if (waiting == 0) {
        copies->is_silent |= copies->next < copies->likely; /* they could not be asked */
        answer(exchange, copies);
    }
}

static const struct mcpz_exchange_kind kind = {.work = work, .finish = finish};

void mcpz_blob_copies(struct mcpz_exchange *exchange, const struct mcpz_id *root,
                      const char *tenant, bool reads)
{
    struct copies *copies = calloc(1, sizeof(*copies));

    if (copies == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "looking for the blob");
        return;
    }
    copies->exchange = exchange;
    copies->reads = reads;
    copies->nodes = json_array();
    copies->wanted = json_array();
    copies->missing = json_array();
    (void)snprintf(copies->tenant, sizeof(copies->tenant), "%s", tenant);
    copies->job = (struct mcpz_blob_job){
        .ask = MCPZ_BLOB_LOOK, .id = *root, .done = on_done, .owner = copies};
    (void)mcpz_blob_book_resolve(mcpz_engine_store(mcpz_exchange_engine(exchange)),
                                 &copies->job.id);
    prepare(exchange, copies);
    mcpz_exchange_wait(exchange, &kind, copies);
    look(exchange, copies);
}
