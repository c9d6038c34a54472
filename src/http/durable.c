#include "http/durable.h"

#include <stdio.h>
#include <string.h>

#include "http/durable_tree.h"
#include "http/exchange.h"

const char *mcpz_durable_phase_word(uint32_t phase)
{
    static const char *const words[] = {
        [MCPZ_TASK_QUEUED] = "queued", [MCPZ_TASK_DONE] = "done",
        [MCPZ_TASK_DEAD] = "dead",     [MCPZ_TASK_CANCELLED] = "cancelled",
        [MCPZ_TASK_YIELDED] = "moved", [MCPZ_TASK_SPLIT] = "split",
    };
    return phase < MCPZ_ARRAY_LEN(words) && words[phase] != NULL ? words[phase] : "unknown";
}

/* ---- Parts -------------------------------------------------------------------------------- */

static json_t *show_node(const struct mcpz_id *id)
{
    return mcpz_id_is_zero(id) ? json_null() : mcpz_exchange_show_id(id, 'n');
}

static json_t *show_error(uint32_t code, struct mcpz_bytes text)
{
    return json_pack("{s:s, s:o}", "code", mcpz_code_word(code), "message",
                     mcpz_exchange_show_text(text));
}

static json_t *show_history(const struct mcpz_task_state *state)
{
    json_t *list = json_array();

    for (size_t i = 0; i < state->history_count; i++) {
        const struct mcpz_task_attempt *attempt = &state->history[i];
        (void)json_array_append_new(
            list, json_pack("{s:I, s:o, s:o, s:o}", "attempt", (json_int_t)attempt->number, "at",
                            mcpz_exchange_show_time(attempt->at_ms), "provider",
                            show_node(&attempt->provider), "error",
                            show_error(attempt->code, attempt->text)));
    }
    return list;
}

static void add(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static void add_whole(struct mcpz_engine *engine, const struct mcpz_task_id *id,
                      const struct mcpz_task_body *body, const struct mcpz_task_state *state,
                      json_t *json)
{
    const char *encoding = NULL;

    add(json, "params", mcpz_durable_bytes(body->params, &encoding));
    add(json, "history", show_history(state));
    encoding = NULL;
    add(json, "result",
        state->phase == MCPZ_TASK_DONE ? mcpz_durable_result(engine, id, &encoding) : json_null());
    add(json, "result_encoding", encoding != NULL ? json_string(encoding) : json_null());
    mcpz_durable_tree_add(engine, id, json);
}

/* NULL: none. */
static json_t *show_task_id(const struct mcpz_task_id *id)
{
    char text[MCPZ_TASK_ID_TEXT_BYTES];

    if (id == NULL) {
        return json_null();
    }
    mcpz_task_id_to_text(id, text);
    return json_string(text);
}

/* ---- The whole ---------------------------------------------------------------------------- */

static const char *state_word(struct mcpz_engine *engine, const struct mcpz_task_id *id,
                              const struct mcpz_task_state *state)
{
    bool runs = mcpz_tasks_running(&mcpz_engine_node(engine)->tasks, id) != NULL;

    return state->phase == MCPZ_TASK_QUEUED && runs ? "running"
                                                    : mcpz_durable_phase_word(state->phase);
}

json_t *mcpz_durable_show(struct mcpz_engine *engine, const struct mcpz_task_id *id, bool whole)
{
    const struct mcpz_store *store = mcpz_engine_store(engine);
    struct mcpz_record row = {.kind = MCPZ_RECORD_TASK_STATE, .task_state = {.id = *id}};
    struct mcpz_record task = {.kind = MCPZ_RECORD_TASK, .task = {.id = *id}};
    char text[MCPZ_TASK_ID_TEXT_BYTES];

    if (store->get(store->context, &row) != MCPZ_OK ||
        store->get(store->context, &task) != MCPZ_OK) {
        return NULL;
    }
    const struct mcpz_task_state *state = &row.task_state.state;
    const struct mcpz_task_body *body = &task.task.body;
    bool failed = state->phase == MCPZ_TASK_DEAD || state->phase == MCPZ_TASK_CANCELLED;
    json_t *json = json_object();
    mcpz_task_id_to_text(id, text);
    add(json, "id", json_string(text));
    add(json, "state", json_string(state_word(engine, id, state)));
    add(json, "type", mcpz_exchange_show_text(body->capability));
    add(json, "priority", json_integer(body->priority));
    add(json, "tenant", mcpz_exchange_show_text(body->tenant));
    add(json, "idempotency_key",
        body->key.length > 0 ? mcpz_exchange_show_text(body->key) : json_null());
    add(json, "owner", show_node(&state->owner));
    add(json, "backup", show_node(&state->backup));
    add(json, "provider", show_node(&state->provider));
    add(json, "attempts", json_integer(state->attempts));
    add(json, "attempts_max", json_integer(body->attempts_max));
    add(json, "created", mcpz_exchange_show_time(body->created_ms));
    add(json, "due", mcpz_exchange_show_time(state->due_ms));
    add(json, "expires", mcpz_exchange_show_time(body->expires_ms));
    add(json, "ended", mcpz_exchange_show_time(state->ended_ms));
    add(json, "parent", show_task_id(body->kin_count > 0 ? &body->kin[0].parent : NULL));
    add(json, "root", show_task_id(body->kin_count > 0 ? &body->kin[0].root : NULL));
    add(json, "level", json_integer(mcpz_task_level(body)));
    add(json, "error", failed ? show_error(state->code, state->text) : json_null());
    if (whole) {
        add_whole(engine, id, body, state, json);
    }
    return json;
}
