/*
 * GET /v1/history/ID: what was written to an agent, or what it was.
 *
 *   ?limit=N    the last N writes that this node keeps, oldest first (100); ahead of the first
 *               that is kept, if it is among them, how many were folded before it
 *   ?at_ms=T    its state at that time of the wall clock: of all writes stamped until then
 *   ?at=v-...   its state after that write
 *
 * POST /v1/agents/ID/restore {"at_ms": T} or {"at": "v-..."}: make it read as it did. Answers
 * with its states before and after; with "dry_run": true nothing is written. With "absent_ok":
 * true an agent that was not there is left as it is, and "absent" is answered.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/crdt/escrow.h"
#include "core/crdt/list.h"
#include "core/crdt/shown.h"
#include "engine/root.h"
#include "http/agent_id.h"
#include "http/agent_owners.h"
#include "http/agent_scope.h"
#include "http/agent_write.h"
#include "http/blob_claims.h"
#include "http/delta_walk.h"
#include "http/document.h"
#include "http/exchange.h"
#include "http/rewind.h"
#include "http/walk.h"

#define HISTORY_PREFIX "/v1/history/"
#define LIMIT_DEFAULT 100
#define LIMIT_MAX 10000

struct history {
    struct mcpz_id document;
    char name[MCPZ_AGENT_NAME_BYTES_MAX];
    size_t name_length;
    bool is_past;

    /* What was written. */
    struct mcpz_delta_walk deltas;
    uint64_t limit;
    bool first_written;

    /* What it was. */
    struct mcpz_rewind_until until;
    struct mcpz_rewind rewind;
    bool is_to_be;    /* it is to read like that again, by `write` */
    bool is_claiming; /* the blobs that it named then, before that */
    struct mcpz_blob_claims claims;
    bool is_trial; /* and is not written */
    bool absent_ok;
    struct mcpz_event_agent write;
};

static struct mcpz_bytes name_of(const struct history *history)
{
    return mcpz_bytes(history->name, history->name_length);
}

/* ---- Writes ------------------------------------------------------------------------------- */

/* What people wrote, without what the type keeps beside it. */
static struct mcpz_bytes value_of(const struct mcpz_add *add)
{
    struct mcpz_list_item item;
    struct mcpz_bytes value;
    int64_t epoch;
    int64_t rank;

    if (add->type == MCPZ_ENTRY_FENCED &&
        mcpz_shown_read_fence(add->value, &epoch, &rank, &value)) {
        return value;
    }
    if (add->type == MCPZ_ENTRY_LIST && mcpz_list_read_item(add->value, &item)) {
        return item.value;
    }
    return add->value;
}

/* What a node says of its part of a budget: {"granted": N, "used": N, "given": {NODE: N}}. */
static json_t *show_row(const struct mcpz_escrow_row *row)
{
    json_t *given = json_object();

    for (size_t i = 0; i < row->given.count; i++) {
        char node[MCPZ_ID_TEXT_BYTES];
        mcpz_id_to_text(&row->given.shares[i].actor.node, 'n', node);
        (void)json_object_set_new(given, node, json_integer(row->given.shares[i].amount));
    }
    return json_pack("{s:I, s:I, s:o}", "granted", (json_int_t)row->granted, "used",
                     (json_int_t)row->used, "given", given);
}

static json_t *show_value(const struct mcpz_add *add)
{
    struct mcpz_escrow_row row;
    json_t *value = NULL;

    if (add->type == MCPZ_ENTRY_BOUNDED && mcpz_escrow_read(add->value, &row)) {
        return show_row(&row);
    }
    return mcpz_value_to_json(value_of(add), &value) == MCPZ_OK ? value : json_null();
}

static json_t *show_add(const struct mcpz_add *add)
{
    struct mcpz_bytes inner;
    int64_t epoch;
    int64_t rank;

    json_t *json = json_pack("{s:o, s:s, s:o}", "path", mcpz_path_to_json(add->path), "type",
                             mcpz_document_type_word(add->type), "value", show_value(add));
    if (add->type == MCPZ_ENTRY_FENCED &&
        mcpz_shown_read_fence(add->value, &epoch, &rank, &inner)) {
        (void)json_object_set_new(json, "epoch", json_integer(epoch));
        (void)json_object_set_new(json, "rank", json_integer(rank));
    }
    return json;
}

static json_t *show_adds(const struct mcpz_delta *delta)
{
    json_t *array = json_array();

    for (size_t i = 0; i < delta->add_count; i++) {
        (void)json_array_append_new(array, show_add(&delta->adds[i]));
    }
    return array;
}

static json_t *show_removes(const struct mcpz_delta *delta)
{
    json_t *array = json_array();

    for (size_t i = 0; i < delta->remove_count; i++) {
        const struct mcpz_remove *removed = &delta->removes[i];
        (void)json_array_append_new(
            array, json_pack("{s:o, s:s, s:o, s:I}", "path", mcpz_path_to_json(removed->path),
                             "type", mcpz_document_type_word(removed->type), "writer",
                             mcpz_exchange_show_id(&removed->dot.actor.node, 'n'), "seq",
                             (json_int_t)removed->dot.seq));
    }
    return array;
}

static json_t *show_write(const struct mcpz_record_delta *record)
{
    const struct mcpz_delta *delta = &record->delta;
    char version[MCPZ_VERSION_CHARS];

    mcpz_rewind_name(&record->head, version);
    return json_pack("{s:s, s:o, s:I, s:o, s:I, s:I, s:o, s:o}", "version", version, "time",
                     mcpz_exchange_show_time(mcpz_hlc_to_ms(delta->hlc)), "time_ms",
                     (json_int_t)mcpz_hlc_to_ms(delta->hlc), "writer",
                     mcpz_exchange_show_id(&delta->actor.node, 'n'), "generation",
                     (json_int_t)delta->actor.generation, "seq", (json_int_t)delta->seq, "added",
                     show_adds(delta), "removed", show_removes(delta));
}

/* What there was before the first write that is kept. */
static void show_beginning(struct mcpz_exchange *exchange)
{
    struct history *history = exchange->state;
    const struct mcpz_floor *floor = &history->deltas.floor;

    if (!floor->exists || mcpz_delta_walk_left(&history->deltas) > history->limit) {
        return;
    }
    const uint64_t folded = mcpz_clock_deltas(floor->clock.versions, floor->clock.count);
    mcpz_body_append_json(&exchange->response.body,
                          json_pack("{s:I, s:o, s:I}", "folded", (json_int_t)folded, "time",
                                    mcpz_exchange_show_time(mcpz_hlc_to_ms(floor->hlc)), "time_ms",
                                    (json_int_t)mcpz_hlc_to_ms(floor->hlc)),
                          true);
    history->first_written = true;
}

/* One write: shown, if it is among the last. */
static void list_delta(struct mcpz_exchange *exchange, const struct mcpz_record *record)
{
    struct history *history = exchange->state;

    if (mcpz_delta_walk_left(&history->deltas) < history->limit) {
        mcpz_body_append_json(&exchange->response.body, show_write(&record->delta),
                              !history->first_written);
        history->first_written = true;
    }
}

/* ---- The past ----------------------------------------------------------------------------- */

/* Was the agent there? False: answered. */
static bool has_been(struct mcpz_exchange *exchange)
{
    struct history *history = exchange->state;
    struct mcpz_record record;

    if (history->rewind.found != 1) {
        mcpz_exchange_fail(
            exchange, history->rewind.found == 0 ? MCPZ_CODE_NOT_FOUND : MCPZ_CODE_BAD_REQUEST,
            "%s write of agent \"%.*s\" is called v-%.*s: `mcpz agent history` "
            "lists them",
            history->rewind.found == 0 ? "no" : "more than one", (int)history->name_length,
            history->name, (int)history->until.digit_count, history->until.digits);
        return false;
    }
    mcpz_error error = mcpz_walk_find(&history->rewind.store, &history->document, &record);
    if (error == MCPZ_ENOTFOUND && history->absent_ok) {
        mcpz_exchange_answer(
            exchange, 200,
            json_pack("{s:o, s:b}", "id", mcpz_exchange_show_text(name_of(history)), "absent", 1));
    } else if (error == MCPZ_ENOTFOUND) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                           "there was no agent \"%.*s\" at that time", (int)history->name_length,
                           history->name);
    } else if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "reading what the agent was");
    }
    return error == MCPZ_OK;
}

static void answer_past(struct mcpz_exchange *exchange)
{
    struct history *history = exchange->state;
    const struct mcpz_store *past = &history->rewind.store;
    uint8_t root[MCPZ_DIGEST_BYTES];
    json_t *state = NULL;
    json_t *conflicts = NULL;

    mcpz_error error = mcpz_root_of(past, &history->document, root);
    if (error == MCPZ_OK) {
        error = mcpz_document_show(past, &history->document, &state, &conflicts);
    }
    if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "reading what the agent was");
        return;
    }
    mcpz_exchange_answer(exchange, 200,
                         json_pack("{s:o, s:o, s:o, s:o}", "id",
                                   mcpz_exchange_show_text(name_of(history)), "root",
                                   mcpz_exchange_show_hex(mcpz_bytes(root, sizeof(root))), "state",
                                   state, "conflicts", conflicts));
}

static void release(struct history *history)
{
    mcpz_blob_claims_finish(&history->claims);
    mcpz_rewind_finish(&history->rewind);
    free(history);
}

static mcpz_error show_state(const struct history *history, const struct mcpz_store *store,
                             json_t **state)
{
    json_t *conflicts = NULL;
    mcpz_error error = mcpz_document_show(store, &history->document, state, &conflicts);

    json_decref(conflicts);
    return error;
}

/* What it is, null if it is deleted, and what it is to be. NULL: answered with what is wrong. */
static json_t *show_both(struct mcpz_exchange *exchange)
{
    struct history *history = exchange->state;
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    struct mcpz_record record;
    json_t *before = NULL;
    json_t *after = NULL;

    mcpz_error error = mcpz_walk_find(store, &history->document, &record);
    if (error == MCPZ_OK) {
        error = show_state(history, store, &before);
    } else if (error == MCPZ_ENOTFOUND) {
        before = json_null();
        error = MCPZ_OK;
    }
    if (error == MCPZ_OK) {
        error = show_state(history, &history->rewind.store, &after);
    }
    if (error != MCPZ_OK) {
        json_decref(before);
        mcpz_exchange_fail_error(exchange, error, "comparing what the agent is and was");
        return NULL;
    }
    return json_pack("{s:o, s:o, s:o}", "id", mcpz_exchange_show_text(name_of(history)), "before",
                     before, "after", after);
}

/* The exchange waits for the write from now on, and no longer for what was read for it. */
static void write_past(struct mcpz_exchange *exchange)
{
    struct history *history = exchange->state;
    json_t *both = show_both(exchange);

    if (both == NULL) {
        return;
    }
    if (history->is_trial) {
        mcpz_exchange_answer(exchange, 200, both);
        return;
    }
    history->write.past = &history->rewind.store;
    exchange->kind = NULL;
    exchange->state = NULL;
    mcpz_agent_write_hand_in(exchange, &history->write, 200, both);
    release(history);
}

/* What it names again must be there still when it does. */
static void claim_blobs(struct mcpz_exchange *exchange)
{
    struct history *history = exchange->state;

    if (history->is_trial ||
        mcpz_blob_claims_go_on(&history->claims, exchange, &history->rewind.store)) {
        write_past(exchange);
    }
}

/* ---- The exchange ------------------------------------------------------------------------- */

static void answer(struct mcpz_exchange *exchange)
{
    struct history *history = exchange->state;

    if (!history->is_past) {
        mcpz_body_text(&exchange->response.body, "]\n");
        mcpz_exchange_send(exchange, 200, "application/json");
    } else if (has_been(exchange)) {
        if (history->is_to_be) {
            history->is_claiming = true;
            mcpz_blob_claims_begin(&history->claims, &history->document);
            claim_blobs(exchange);
        } else {
            answer_past(exchange);
        }
    }
}

static mcpz_error list_more(struct mcpz_exchange *exchange, const struct mcpz_store *store)
{
    struct history *history = exchange->state;
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < MCPZ_SLICE_DELTAS && error == MCPZ_OK; i++) {
        struct mcpz_record record;
        error = mcpz_delta_walk_next(&history->deltas, store, &record);
        if (error == MCPZ_OK) {
            list_delta(exchange, &record);
        }
    }
    return error;
}

static void work(struct mcpz_exchange *exchange)
{
    struct history *history = exchange->state;
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));

    if (history->is_claiming) {
        claim_blobs(exchange);
        return;
    }
    mcpz_error error = history->is_past
                           ? mcpz_rewind_step(&history->rewind, store, MCPZ_SLICE_DELTAS)
                           : list_more(exchange, store);

    if (error == MCPZ_OK) {
        mcpz_exchange_again(exchange);
    } else if (error == MCPZ_ENOTFOUND) {
        answer(exchange);
    } else {
        mcpz_exchange_fail_error(exchange, error, "reading the history");
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    release(exchange->state);
}

static const struct mcpz_exchange_kind history_kind = {.work = work, .finish = finish};

/* A natural number up to `max`. */
static bool read_number(struct mcpz_bytes text, uint64_t max, uint64_t *number)
{
    *number = 0;
    if (text.length == 0 || text.length > 16) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *number = *number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return *number <= max;
}

/* False: answered with what is wrong. */
static bool read_query(struct mcpz_exchange *exchange, struct mcpz_bytes query,
                       struct history *history)
{
    struct mcpz_bytes name;
    struct mcpz_bytes value;
    uint64_t at_ms = 0;
    bool is_read = true;

    history->limit = LIMIT_DEFAULT;
    while (is_read && mcpz_exchange_parameter(&query, &name, &value)) {
        if (mcpz_bytes_equal(name, mcpz_text("at_ms"))) {
            is_read =
                read_number(value, INT64_MAX, &at_ms) && mcpz_rewind_at_ms(at_ms, &history->until);
            history->is_past = true;
        } else if (mcpz_bytes_equal(name, mcpz_text("at"))) {
            is_read = mcpz_rewind_at_version(value, &history->until);
            history->is_past = true;
        } else {
            is_read = mcpz_bytes_equal(name, mcpz_text("limit")) &&
                      read_number(value, LIMIT_MAX, &history->limit) && history->limit > 0;
        }
    }
    if (!is_read) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "a history can be asked for \"limit=N\", 1 to %d, "
                           "\"at_ms=MILLISECONDS\" since 1970, or \"at=v-...\", a write of it",
                           LIMIT_MAX);
    }
    return is_read;
}

static void fail_folded(struct mcpz_exchange *exchange, const struct history *history)
{
    const uint64_t floor_ms = mcpz_hlc_to_ms(history->rewind.deltas.floor.hlc);
    json_t *since = mcpz_exchange_show_time_from(floor_ms);

    mcpz_exchange_fail(exchange, MCPZ_CODE_HISTORY_FOLDED,
                       "what was written to agent \"%.*s\" before was folded into a checkpoint: "
                       "what it was can be read from %s on (history is kept for "
                       "agents.history; a backup of then may have more)",
                       (int)history->name_length, history->name, json_string_value(since));
    json_decref(since);
}

/* Find what was written, also to one that is deleted by now. False: answered with what is wrong.
 */
static bool open_history(struct mcpz_exchange *exchange, struct history *history)
{
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                 .document = {.id = history->document}};

    mcpz_error error = store->get(store->context, &record);
    if (error == MCPZ_OK && history->is_past) {
        error = mcpz_rewind_start(&history->rewind, store, &record.document, &history->until);
    } else if (error == MCPZ_OK) {
        error = mcpz_delta_walk_start(&history->deltas, store, &record.document);
    }
    if (error == MCPZ_ENOTFOUND) {
        mcpz_agent_scope_missing(exchange, mcpz_bytes(history->name, history->name_length));
    } else if (error == MCPZ_EEXPIRED) {
        fail_folded(exchange, history);
    } else if (error != MCPZ_OK) {
        mcpz_engine_refill(mcpz_exchange_engine(exchange), &history->document);
        mcpz_exchange_fail_error(exchange, error, "reading the agent");
    }
    return error == MCPZ_OK;
}

/* NULL: answered with what is wrong. */
static struct history *begin(struct mcpz_exchange *exchange, struct mcpz_bytes id)
{
    const char *trouble = mcpz_agent_id_trouble(id);
    struct history *history = trouble == NULL ? calloc(1, sizeof(*history)) : NULL;

    if (trouble != NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s", trouble);
        return NULL;
    }
    if (history == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "reading the history");
        return NULL;
    }
    mcpz_agent_scope_document(exchange, id, &history->document);
    history->name_length = id.length;
    memcpy(history->name, id.data, id.length);
    return history;
}

static void go_on(struct mcpz_exchange *exchange, struct history *history)
{
    mcpz_exchange_wait(exchange, &history_kind, history);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* it goes on by itself, to an end */
    if (!history->is_past) {
        mcpz_body_text(&exchange->response.body, "[");
        show_beginning(exchange);
    }
    work(exchange);
}

void mcpz_api_get_history(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct history *history =
        begin(exchange, mcpz_exchange_path_rest(request->path, HISTORY_PREFIX));

    if (history == NULL) {
        return;
    }
    const struct mcpz_agent_request asked = {
        .request = request, .document = history->document, .repeatable = true};
    if (mcpz_agent_hand_on(exchange, &asked) || !read_query(exchange, request->query, history) ||
        !open_history(exchange, history)) {
        release(history);
        return;
    }
    go_on(exchange, history);
}

/* False: answered with what is wrong. */
static bool read_until(struct mcpz_exchange *exchange, struct history *history)
{
    static const char *const allowed[] = {"at_ms", "at", "dry_run", "absent_ok", NULL};
    json_t *object = mcpz_exchange_object(exchange, allowed);
    const json_t *at_ms = json_object_get(object, "at_ms");
    const json_t *at = json_object_get(object, "at");
    bool is_read = false;

    if (object == NULL) {
        return false;
    }
    history->is_trial = json_is_true(json_object_get(object, "dry_run"));
    history->absent_ok = json_is_true(json_object_get(object, "absent_ok"));
    if (at == NULL && json_is_integer(at_ms) && json_integer_value(at_ms) >= 0) {
        is_read = mcpz_rewind_at_ms((uint64_t)json_integer_value(at_ms), &history->until);
    } else if (at_ms == NULL && json_is_string(at)) {
        is_read = mcpz_rewind_at_version(mcpz_exchange_text_of(at), &history->until);
    }
    if (!is_read) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "say what it is to be again: \"at_ms\", milliseconds since 1970, or "
                           "\"at\", the name of a write of it, \"v-...\"");
    }
    json_decref(object);
    return is_read;
}

void mcpz_api_restore_agent(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                            struct mcpz_bytes id)
{
    struct history *history = begin(exchange, id);

    if (history == NULL) {
        return;
    }
    history->is_past = true;
    history->is_to_be = true;
    history->write =
        (struct mcpz_event_agent){.op = MCPZ_AGENT_RESTORE, .document = history->document};
    if (!mcpz_agent_write_is_done_here(exchange, request, true, &history->write) ||
        !read_until(exchange, history) || !open_history(exchange, history)) {
        release(history);
        return;
    }
    go_on(exchange, history);
}
