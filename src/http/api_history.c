/*
 * GET /v1/history/ID: what was written to an agent, or what it was.
 *
 *   ?limit=N    the last N writes that this node knows of, oldest first (100)
 *   ?at_ms=T    its state at that time of the wall clock: of all writes stamped until then
 *
 * Writes are deltas, whose stamps grow along causality: those up to a time are a past that was.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/crdt/document.h"
#include "core/crdt/list.h"
#include "core/crdt/shown.h"
#include "engine/persist.h"
#include "engine/root.h"
#include "http/agent_id.h"
#include "http/agent_owners.h"
#include "http/delta_walk.h"
#include "http/document.h"
#include "http/exchange.h"
#include "http/walk.h"
#include "store/mem.h"

#define HISTORY_PREFIX "/v1/history/"
#define LIMIT_DEFAULT 100
#define LIMIT_MAX 10000

struct history {
    struct mcpz_id document;
    char name[MCPZ_AGENT_NAME_BYTES_MAX];
    size_t name_length;
    struct mcpz_delta_walk deltas;
    uint64_t limit;
    bool first_written;

    /* ?at_ms: a store of its own, into which all is written that had been until then. */
    bool is_past;
    uint64_t hlc_end; /* no stamp from here on */
    struct mcpz_mem *mem;
    struct mcpz_kv kv;
    struct mcpz_scratch *scratch;
    struct mcpz_persist persist;
    struct mcpz_store store;
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

static json_t *show_adds(const struct mcpz_delta *delta)
{
    json_t *array = json_array();

    for (size_t i = 0; i < delta->add_count; i++) {
        const struct mcpz_add *add = &delta->adds[i];
        json_t *value = NULL;
        if (mcpz_value_to_json(value_of(add), &value) != MCPZ_OK) {
            value = json_null();
        }
        (void)json_array_append_new(
            array, json_pack("{s:o, s:s, s:o}", "path", mcpz_path_to_json(add->path), "type",
                             mcpz_document_type_word(add->type), "value", value));
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

static json_t *show_delta(const struct mcpz_delta *delta)
{
    return json_pack("{s:o, s:I, s:o, s:I, s:I, s:o, s:o}", "time",
                     mcpz_exchange_show_time(mcpz_hlc_to_ms(delta->hlc)), "time_ms",
                     (json_int_t)mcpz_hlc_to_ms(delta->hlc), "writer",
                     mcpz_exchange_show_id(&delta->actor.node, 'n'), "generation",
                     (json_int_t)delta->actor.generation, "seq", (json_int_t)delta->seq, "added",
                     show_adds(delta), "removed", show_removes(delta));
}

/* One write: shown, if it is among the last. */
static void list_delta(struct mcpz_exchange *exchange, const struct mcpz_record *record)
{
    struct history *history = exchange->state;

    if (mcpz_delta_walk_left(&history->deltas) < history->limit) {
        mcpz_body_append_json(&exchange->response.body, show_delta(&record->delta.delta),
                              !history->first_written);
        history->first_written = true;
    }
}

/* ---- The past ----------------------------------------------------------------------------- */

static mcpz_error open_past(struct history *history)
{
    mcpz_error error = mcpz_scratch_create(&history->scratch);

    if (error == MCPZ_OK) {
        error = mcpz_mem_create(&history->mem, &history->kv);
    }
    if (error == MCPZ_OK) {
        mcpz_persist_init(&history->persist, &history->kv, history->scratch, &history->store);
    }
    return error;
}

static mcpz_error redo(struct history *history, const struct mcpz_delta *delta)
{
    struct mcpz_document document;
    mcpz_error error = mcpz_document_load(&history->store, &history->document, &document);

    struct mcpz_id delta_id;

    if (error != MCPZ_OK) {
        return error;
    }
    history->store.delta_id(history->store.context, delta, &delta_id);
    return mcpz_document_apply(&history->store, &document, delta, &delta_id,
                               mcpz_hlc_to_ms(delta->hlc));
}

static void end_past_turn(struct history *history)
{
    uint64_t batch = history->kv.commit(history->kv.context);

    if (batch != 0) {
        mcpz_mem_sync(history->mem, batch);
    }
    (void)history->kv.progress(history->kv.context);
}

static void answer_past(struct mcpz_exchange *exchange)
{
    struct history *history = exchange->state;
    struct mcpz_record record;
    uint8_t root[MCPZ_DIGEST_BYTES];
    json_t *state = NULL;
    json_t *conflicts = NULL;

    mcpz_error error = mcpz_walk_find(&history->store, &history->document, &record);
    if (error == MCPZ_ENOTFOUND) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                           "there was no agent \"%.*s\" at that time", (int)history->name_length,
                           history->name);
        return;
    }
    if (error == MCPZ_OK) {
        error = mcpz_root_of(&history->store, &history->document, root);
    }
    if (error == MCPZ_OK) {
        error = mcpz_document_show(&history->store, &history->document, &state, &conflicts);
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

/* ---- The exchange ------------------------------------------------------------------------- */

static void answer(struct mcpz_exchange *exchange)
{
    struct history *history = exchange->state;

    if (history->is_past) {
        answer_past(exchange);
    } else {
        mcpz_body_text(&exchange->response.body, "]\n");
        mcpz_exchange_send(exchange, 200, "application/json");
    }
}

/* Take the next delta in. MCPZ_ENOTFOUND: that was all. */
static mcpz_error take_next(struct mcpz_exchange *exchange, const struct mcpz_store *store)
{
    struct history *history = exchange->state;
    struct mcpz_record record;
    mcpz_error error = mcpz_delta_walk_next(&history->deltas, store, &record);

    if (error != MCPZ_OK) {
        return error;
    }
    if (!history->is_past) {
        list_delta(exchange, &record);
        return MCPZ_OK;
    }
    if (record.delta.delta.hlc >= history->hlc_end) {
        return MCPZ_ENOTFOUND; /* all that follow are later */
    }
    return redo(history, &record.delta.delta);
}

static void work(struct mcpz_exchange *exchange)
{
    struct history *history = exchange->state;
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < MCPZ_SLICE_DELTAS && error == MCPZ_OK; i++) {
        error = take_next(exchange, store);
    }
    if (history->is_past) {
        end_past_turn(history);
    }
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
    struct history *history = exchange->state;

    if (history->mem != NULL) {
        mcpz_mem_destroy(history->mem);
    }
    mcpz_scratch_destroy(history->scratch);
    free(history);
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
    static const uint64_t ms_max = UINT64_MAX >> (MCPZ_HLC_COUNT_BITS + 1);
    struct mcpz_bytes name;
    struct mcpz_bytes value;
    uint64_t at_ms = 0;
    bool is_read = true;

    history->limit = LIMIT_DEFAULT;
    while (is_read && mcpz_exchange_parameter(&query, &name, &value)) {
        if (mcpz_bytes_equal(name, mcpz_text("at_ms"))) {
            is_read = read_number(value, ms_max, &at_ms);
            history->is_past = true;
            history->hlc_end = mcpz_hlc_of_ms(at_ms + 1);
        } else {
            is_read = mcpz_bytes_equal(name, mcpz_text("limit")) &&
                      read_number(value, LIMIT_MAX, &history->limit) && history->limit > 0;
        }
    }
    if (!is_read) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "a history can be asked for \"limit=N\", 1 to %d, or "
                           "\"at_ms=MILLISECONDS\" since 1970",
                           LIMIT_MAX);
    }
    return is_read;
}

/* Find the agent, also one that is deleted by now. False: answered with what is wrong. */
static bool find_agent(struct mcpz_exchange *exchange, struct mcpz_bytes id,
                       struct history *history)
{
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT};

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), id, &record.document.id);
    history->document = record.document.id;
    history->name_length = id.length;
    memcpy(history->name, id.data, id.length);
    mcpz_error error = store->get(store->context, &record);
    if (error == MCPZ_OK) {
        error = mcpz_delta_walk_start(&history->deltas, store, &record.document);
    }
    if (error == MCPZ_ENOTFOUND) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "there is no agent \"%.*s\"",
                           (int)id.length, (const char *)id.data);
    } else if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "reading the agent");
    }
    return error == MCPZ_OK;
}

void mcpz_api_get_history(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_bytes id = mcpz_exchange_path_rest(request->path, HISTORY_PREFIX);
    const char *trouble = mcpz_agent_id_trouble(id);
    struct history *history = calloc(1, sizeof(*history));

    if (history == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "reading the history");
        return;
    }
    if (trouble != NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s", trouble);
        free(history);
        return;
    }
    struct mcpz_agent_request asked = {.request = request, .repeatable = true};
    mcpz_engine_document_id(mcpz_bytes(NULL, 0), id, &asked.document);
    if (mcpz_agent_hand_on(exchange, &asked)) {
        free(history);
        return;
    }
    if (!read_query(exchange, request->query, history) || !find_agent(exchange, id, history)) {
        free(history);
        return;
    }
    mcpz_exchange_wait(exchange, &history_kind, history);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* it goes on by itself, to an end */
    if (history->is_past) {
        mcpz_error error = open_past(history);
        if (error != MCPZ_OK) {
            mcpz_exchange_fail_error(exchange, error, "making what the agent was");
            return;
        }
    } else {
        mcpz_body_text(&exchange->response.body, "[");
    }
    work(exchange);
}
