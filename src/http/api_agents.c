/* /v1/agents: create, show, write, delete. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crdt/shown.h"
#include "crypto/digest.h"
#include "http/agent_id.h"
#include "http/agent_owners.h"
#include "http/agent_scope.h"
#include "http/agent_write.h"
#include "http/blob_refs.h"
#include "http/document.h"
#include "http/exchange.h"
#include "http/layout_view.h"
#include "http/walk.h"
#include "wire/value.h"

#define AGENTS_PREFIX "/v1/agents/"

/* ---- Showing ------------------------------------------------------------------------------ */

/* False: answered with what is wrong. */
static bool check_id(struct mcpz_exchange *exchange, struct mcpz_bytes id)
{
    const char *trouble = mcpz_agent_id_trouble(id);

    if (trouble != NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s", trouble);
        return false;
    }
    return true;
}

static void fail_agent(struct mcpz_exchange *exchange, mcpz_error error, struct mcpz_bytes id)
{
    if (error == MCPZ_ENOTFOUND) {
        mcpz_agent_scope_missing(exchange, id);
        return;
    }
    mcpz_exchange_fail_error(exchange, error, "reading the agent");
}

/* What replicas last agreed on, if they have. */
static void show_agreed(const struct mcpz_store *store, const struct mcpz_id *document,
                        json_t *json)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_CHECKPOINT,
                                 .checkpoint = {.document = *document}};
    const struct mcpz_record_checkpoint *agreed = &record.checkpoint;

    if (store->get(store->context, &record) != MCPZ_OK) {
        return;
    }
    (void)json_object_set_new(
        json, "agreed",
        json_pack("{s:I, s:o, s:o, s:I}", "deltas", (json_int_t)agreed->deltas, "root",
                  mcpz_exchange_show_hex(mcpz_bytes(agreed->root.bytes, MCPZ_ID_BYTES)), "time",
                  mcpz_exchange_show_time(agreed->folded_ms), "signers",
                  (json_int_t)agreed->signature_count));
}

/* So far its writes were folded, if they were; and how many are left. */
static void show_floor(const struct mcpz_store *store, const struct mcpz_document *held,
                       json_t *json)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = held->id}};
    const struct mcpz_agreed *agreed = &record.floor.agreed;
    uint64_t kept = mcpz_clock_above(&held->clock, NULL, 0);

    if (store->get(store->context, &record) == MCPZ_OK) {
        json_t *signers = json_array();
        kept = mcpz_clock_above(&held->clock, agreed->versions, agreed->version_count);
        for (size_t i = 0; i < agreed->signature_count; i++) {
            (void)json_array_append_new(signers,
                                        mcpz_exchange_show_id(&agreed->signatures[i].signer, 'n'));
        }
        (void)json_object_set_new(
            json, "floor",
            json_pack("{s:I, s:o, s:o, s:I, s:o, s:o, s:I, s:o}", "deltas",
                      (json_int_t)mcpz_clock_deltas(agreed->versions, agreed->version_count),
                      "root",
                      mcpz_exchange_show_hex(mcpz_bytes(agreed->root.bytes, MCPZ_ID_BYTES)),
                      "time", mcpz_exchange_show_time(mcpz_hlc_to_ms(agreed->hlc)), "time_ms",
                      (json_int_t)mcpz_hlc_to_ms(agreed->hlc), "since",
                      mcpz_exchange_show_time_from(mcpz_hlc_to_ms(agreed->hlc)), "folded",
                      mcpz_exchange_show_time(record.floor.folded_ms), "bytes",
                      (json_int_t)record.floor.byte_count, "signers", signers));
    }
    (void)json_object_set_new(json, "kept", json_integer((json_int_t)kept));
}

static void show_agent(struct mcpz_exchange *exchange, struct mcpz_bytes id,
                       const struct mcpz_id *document, uint32_t copies)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    const struct mcpz_store *store = mcpz_engine_store(engine);
    struct mcpz_record record;
    uint8_t root[MCPZ_DIGEST_BYTES];
    json_t *state = NULL;
    json_t *conflicts = NULL;
    struct mcpz_document held;

    mcpz_error error = mcpz_walk_find(store, document, &record);
    if (error == MCPZ_OK) {
        error = mcpz_document_open(&record.document, &held); /* its lists do not last */
    }
    if (error == MCPZ_OK) {
        error = mcpz_engine_root(engine, document, root);
    }
    if (error == MCPZ_OK) {
        error = mcpz_document_show(store, document, &state, &conflicts);
    }
    if (error != MCPZ_OK) {
        fail_agent(exchange, error, id);
        return;
    }
    json_t *answer = json_pack("{s:o, s:o, s:o, s:o}", "id", mcpz_exchange_show_text(id), "root",
                               mcpz_exchange_show_hex(mcpz_bytes(root, sizeof(root))), "state",
                               state, "conflicts", conflicts);
    (void)json_object_set_new(
        answer, "deltas",
        json_integer((json_int_t)mcpz_clock_deltas(held.clock.versions, held.clock.count)));
    show_agreed(store, document, answer);
    if (copies > 0) {
        (void)json_object_set_new(answer, "copies", json_integer(copies));
    }
    show_floor(store, &held, answer);
    mcpz_exchange_answer(exchange, 200, answer);
}

/* ---- Reading what a quorum has ------------------------------------------------------------- */

#define READ_SLACK_US MCPZ_SECONDS(30)

struct quorum_read {
    struct mcpz_reply_note note;
    struct mcpz_id document;
    size_t id_length;
    uint8_t id[MCPZ_AGENT_NAME_BYTES_MAX];
};

static void work_read(struct mcpz_exchange *exchange)
{
    const struct quorum_read *read = exchange->state;
    const struct mcpz_reply_note *note = &read->note;

    if (note->came && note->code == MCPZ_CODE_TIMEOUT) {
        mcpz_exchange_fail(exchange, note->code,
                           "%u of the %u nodes that were to say what they have of it have done so "
                           "in time: read with less, or again",
                           note->copies, note->copies_wanted);
    } else if (mcpz_exchange_has_reply(exchange)) {
        show_agent(exchange, mcpz_bytes(read->id, read->id_length), &read->document, note->copies);
    }
}

static void finish_read(struct mcpz_exchange *exchange)
{
    free(exchange->state);
}

static const struct mcpz_exchange_kind read_kind = {
    .note = mcpz_exchange_note_reply, .work = work_read, .finish = finish_read};

static void read_quorum(struct mcpz_exchange *exchange, struct mcpz_bytes id,
                        const struct mcpz_event_agent *asked)
{
    struct quorum_read *read = calloc(1, sizeof(*read));
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_READ, .agent = *asked};

    if (read == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "reading the agent");
        return;
    }
    read->document = asked->document;
    read->id_length = id.length;
    memcpy(read->id, id.data, id.length);
    mcpz_exchange_wait(exchange, &read_kind, read);
    exchange->deadline_us =
        mcpz_api_now(exchange->api) + MCPZ_MS((mcpz_time)asked->ack_timeout_ms) + READ_SLACK_US;
    exchange->request = mcpz_engine_next_request(mcpz_exchange_engine(exchange));
    event.agent.request = exchange->request;
    mcpz_engine_event(mcpz_exchange_engine(exchange), &event);
}

void mcpz_api_get_agent(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_bytes id = mcpz_exchange_path_rest(request->path, AGENTS_PREFIX);
    struct mcpz_event_agent asked = {.op = MCPZ_AGENT_SET};
    enum mcpz_agent_reach reach;

    if (!check_id(exchange, id) ||
        !mcpz_agent_reach_read(exchange, request, &reach, &asked.ack_timeout_ms)) {
        return;
    }
    mcpz_agent_scope_document(exchange, id, &asked.document);
    const struct mcpz_agent_request handed = {
        .request = request,
        .document = asked.document,
        .repeatable = true,
        .ack_timeout_ms = reach == MCPZ_READ_QUORUM ? asked.ack_timeout_ms : 0};
    if (reach != MCPZ_READ_LOCAL && mcpz_agent_hand_on(exchange, &handed)) {
        return;
    }
    if (reach == MCPZ_READ_QUORUM) {
        read_quorum(exchange, id, &asked);
    } else {
        show_agent(exchange, id, &asked.document, 0);
    }
}

/* ---- Writing ------------------------------------------------------------------------------ */

/* Whoever waits for owners gives up by itself; the exchange only if nothing is heard of that. */
#define ACK_SLACK_US MCPZ_SECONDS(30)

/* The core says what is wrong in fixed words: where, it need not know. */
static void say_where(struct mcpz_exchange *exchange, const struct mcpz_event_agent *agent,
                      const json_t *json)
{
    const char *id = json_string_value(json_object_get(json, "id"));
    json_t *path = agent->path.length > 0 ? mcpz_path_to_json(agent->path) : NULL;
    const char *text = json_string_value(path);
    char where[MCPZ_WHERE_BYTES_MAX + 1];

    (void)snprintf(where, sizeof(where), "agent \"%s\"%s%s%s", id != NULL ? id : "?",
                   text != NULL ? ", path \"" : "", text != NULL ? text : "",
                   text != NULL ? "\"" : "");
    mcpz_exchange_is_about(exchange, where);
    json_decref(path);
}

void mcpz_agent_write_hand_in(struct mcpz_exchange *exchange, struct mcpz_event_agent *agent,
                              unsigned status, json_t *json)
{
    agent->request = mcpz_exchange_await_reply(exchange, status, json);
    if (agent->request == 0) {
        return;
    }
    say_where(exchange, agent, json);
    if (agent->ack != MCPZ_ACK_ASYNC) {
        mcpz_exchange_expire_in(exchange, MCPZ_MS((mcpz_time)agent->ack_timeout_ms) + ACK_SLACK_US,
                                "it is not known whether it is written: look before you repeat "
                                "it");
    }
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_WRITE, .agent = *agent};
    mcpz_engine_event(mcpz_exchange_engine(exchange), &event);
}

bool mcpz_agent_write_is_done_here(struct mcpz_exchange *exchange,
                                   const struct mcpz_request *request, bool repeatable,
                                   struct mcpz_event_agent *agent)
{
    if (!mcpz_agent_ack_read(exchange, request, agent)) {
        return false;
    }
    const struct mcpz_agent_request asked = {.request = request,
                                             .document = agent->document,
                                             .repeatable = repeatable,
                                             .ack_timeout_ms = agent->ack_timeout_ms};
    return !mcpz_agent_hand_on(exchange, &asked);
}

static json_t *say_id(struct mcpz_bytes id)
{
    return json_pack("{s:o}", "id", mcpz_exchange_show_text(id));
}

void mcpz_api_post_agents(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const char *const allowed[] = {"id", NULL};
    json_t *object = mcpz_exchange_object(exchange, allowed);

    if (object == NULL) {
        return;
    }
    const json_t *member = json_object_get(object, "id");
    if (!json_is_string(member)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "\"id\" must be given, as a string");
    } else if (check_id(exchange, mcpz_exchange_text_of(member))) {
        struct mcpz_event_agent agent = {.op = MCPZ_AGENT_CREATE,
                                         .name = mcpz_exchange_text_of(member),
                                         .tenant = mcpz_agent_scope_tenant(exchange)};
        mcpz_agent_scope_document(exchange, agent.name, &agent.document);
        if (mcpz_agent_write_is_done_here(exchange, request, false, &agent)) {
            mcpz_agent_write_hand_in(exchange, &agent, 201,
                                     json_pack("{s:o, s:o}", "id",
                                               mcpz_exchange_show_text(agent.name), "document",
                                               mcpz_exchange_show_id(&agent.document, 'd')));
        }
    }
    json_decref(object);
}

void mcpz_api_delete_agent(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_bytes id = mcpz_exchange_path_rest(request->path, AGENTS_PREFIX);
    struct mcpz_event_agent agent = {.op = MCPZ_AGENT_DELETE};

    if (check_id(exchange, id)) {
        mcpz_agent_scope_document(exchange, id, &agent.document);
        if (mcpz_agent_write_is_done_here(exchange, request, false, &agent)) {
            mcpz_agent_write_hand_in(exchange, &agent, 200, say_id(id));
        }
    }
}

/* What a write is told, besides which agent. */
#define MEMBERS_MAX 3

struct verb {
    const char *word;
    enum mcpz_agent_op op;
    const char *members[MEMBERS_MAX + 1]; /* NULL behind the last */
};

static const struct verb verbs[] = {
    {"set", MCPZ_AGENT_SET, {"path", "value"}},
    {"unset", MCPZ_AGENT_UNSET, {"path"}},
    {"add", MCPZ_AGENT_ADD, {"path", "value"}},
    {"remove", MCPZ_AGENT_REMOVE, {"path", "value"}},
    {"increment", MCPZ_AGENT_INCREMENT, {"path", "by"}},
    {"keep", MCPZ_AGENT_KEEP, {"path", "value"}},
    {"fence", MCPZ_AGENT_FENCE, {"path", "value", "fence"}},
    {"life", MCPZ_AGENT_LIFE, {"state"}},
    {"enable", MCPZ_AGENT_ENABLE, {"path"}},
    {"disable", MCPZ_AGENT_DISABLE, {"path"}},
    {"grant", MCPZ_AGENT_GRANT, {"path", "amount", "to"}},
    {"spend", MCPZ_AGENT_SPEND, {"path", "amount"}},
    {"push", MCPZ_AGENT_PUSH, {"path", "value"}},
    {"insert", MCPZ_AGENT_INSERT, {"path", "value", "index"}},
    {"move", MCPZ_AGENT_MOVE, {"path", "index", "to_index"}},
    {"drop", MCPZ_AGENT_DROP, {"path", "index"}},
    {"map", MCPZ_AGENT_MAP, {"path"}},
};

bool mcpz_agent_write_is_repeatable(enum mcpz_agent_op op)
{
    return op == MCPZ_AGENT_SET || op == MCPZ_AGENT_ADD || op == MCPZ_AGENT_KEEP ||
           op == MCPZ_AGENT_FENCE || op == MCPZ_AGENT_LIFE || op == MCPZ_AGENT_ENABLE ||
           op == MCPZ_AGENT_MAP;
}

/* Cut ".../ID/verb" at its last slash. NULL: there is no such verb. */
static const struct verb *find_verb(struct mcpz_bytes rest, struct mcpz_bytes *id)
{
    const uint8_t *slash = memrchr(rest.data, '/', rest.length);

    if (slash == NULL) {
        return NULL;
    }
    *id = mcpz_bytes(rest.data, (size_t)(slash - rest.data));
    struct mcpz_bytes word = mcpz_bytes(slash + 1, rest.length - id->length - 1);
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(verbs); i++) {
        if (mcpz_bytes_equal(word, mcpz_text(verbs[i].word))) {
            return &verbs[i];
        }
    }
    return NULL;
}

static bool is_restore(struct mcpz_bytes rest, struct mcpz_bytes *id)
{
    static const char word[] = "/restore";
    const size_t length = sizeof(word) - 1;

    if (rest.length < length || memcmp(rest.data + rest.length - length, word, length) != 0) {
        return false;
    }
    *id = mcpz_bytes(rest.data, rest.length - length);
    return true;
}

/* False: answered with what is wrong. */
static bool read_path(struct mcpz_exchange *exchange, const json_t *object, struct mcpz_path *path)
{
    const json_t *member = json_object_get(object, "path");

    if (!json_is_string(member)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"path\" must be given, as a string: \"a.b.c\" or \"/a/b/c\"");
        return false;
    }
    switch (mcpz_path_from_text(mcpz_exchange_text_of(member), path)) {
    case MCPZ_OK:
        return true;
    case MCPZ_EAUTH:
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"path\": what starts with \"$\" is reserved");
        return false;
    case MCPZ_EFULL:
        mcpz_exchange_fail(exchange, MCPZ_CODE_TOO_LARGE,
                           "\"path\" has more than %d elements or %d bytes", MCPZ_PATH_DEPTH_MAX,
                           MCPZ_PATH_BYTES_MAX);
        return false;
    default:
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"path\" has an empty element, or is no JSON pointer");
        return false;
    }
}

/* False: answered with what is wrong. */
static bool read_value(struct mcpz_exchange *exchange, json_t *object, struct mcpz_value *value)
{
    json_t *member = json_object_get(object, "value");

    if (member == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "\"value\" must be given");
        return false;
    }
    mcpz_error error = mcpz_value_from_json(member, value);
    if (error == MCPZ_EFULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TOO_LARGE,
                           "\"value\" has more than %d bytes: keep large things elsewhere, and "
                           "where they are here",
                           MCPZ_VALUE_BYTES_MAX);
    } else if (error == MCPZ_EPROTO) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"value\" nests more than %d deep, or has a \"$base64\", \"$uint\" or "
                           "\"$blob\" that is none",
                           MCPZ_MSG_DEPTH_MAX);
    } else if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "reading \"value\"");
    }
    return error == MCPZ_OK;
}

/* {"epoch": N, "rank": N}. False: answered with what is wrong. */
static bool read_fence(struct mcpz_exchange *exchange, const json_t *object,
                       struct mcpz_event_agent *agent)
{
    static const struct mcpz_integer_rule epoch_rule = {"epoch", 0, INT64_MAX, -1};
    static const struct mcpz_integer_rule rank_rule = {"rank", 0, MCPZ_FENCE_RANK_MAX, 0};
    const json_t *fence = json_object_get(object, "fence");
    json_int_t epoch = 0;
    json_int_t rank = 0;

    if (!json_is_object(fence) || json_object_get(fence, "epoch") == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"fence\" must be given, as {\"epoch\": N, \"rank\": N}; a rank may "
                           "be left out");
        return false;
    }
    if (!mcpz_exchange_integer(exchange, fence, &epoch_rule, &epoch) ||
        !mcpz_exchange_integer(exchange, fence, &rank_rule, &rank)) {
        return false;
    }
    agent->epoch = epoch;
    agent->rank = rank;
    return true;
}

static bool read_number(struct mcpz_exchange *exchange, const json_t *object, const char *name,
                        json_int_t least, json_int_t greatest, json_int_t *number)
{
    const struct mcpz_integer_rule rule = {name, least, greatest, 0};

    if (json_object_get(object, name) == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "\"%s\" must be given, as a number",
                           name);
        return false;
    }
    return mcpz_exchange_integer(exchange, object, &rule, number);
}

/* Left out: to ourselves. */
static bool read_node(struct mcpz_exchange *exchange, const json_t *object,
                      struct mcpz_event_agent *agent)
{
    const json_t *member = json_object_get(object, "to");

    if (member == NULL) {
        return true;
    }
    const struct mcpz_bytes text = mcpz_exchange_text_of(member);
    if (json_is_string(member) && mcpz_id_from_text(text, 'n', &agent->to) == MCPZ_OK) {
        return true; /* also one that is no member now */
    }
    mcpz_error error = json_is_string(member) && text.length > 0
                           ? mcpz_layout_find_node(exchange, NULL, text, &agent->to)
                           : MCPZ_ENOTFOUND;
    if (error != MCPZ_OK) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"to\" names %s: give its name, or its id \"n-...\" or how that "
                           "begins, as `mcpz peers` shows them",
                           error == MCPZ_ECONFLICT ? "several nodes" : "no node of the mesh");
    }
    return error == MCPZ_OK;
}

/* False: answered with what is wrong. */
static bool read_member(struct mcpz_exchange *exchange, json_t *object, const char *name,
                        struct mcpz_agent_write *write)
{
    static const struct mcpz_integer_rule by_rule = {"by", INT64_MIN, INT64_MAX, 1};
    struct mcpz_event_agent *agent = &write->agent;
    json_int_t number = 0;

    if (strcmp(name, "path") == 0) {
        bool is_read = read_path(exchange, object, &write->path);
        agent->path = mcpz_bytes(write->path.bytes, is_read ? write->path.length : 0);
        return is_read;
    }
    if (strcmp(name, "value") == 0) {
        bool is_read = read_value(exchange, object, &write->value);
        agent->value = mcpz_bytes(write->value.bytes, is_read ? write->value.length : 0);
        return is_read;
    }
    if (strcmp(name, "fence") == 0) {
        return read_fence(exchange, object, agent);
    }
    if (strcmp(name, "to") == 0) {
        return read_node(exchange, object, agent);
    }
    if (strcmp(name, "state") == 0) {
        agent->name = mcpz_exchange_text_of(json_object_get(object, "state"));
        return true;
    }
    bool is_read =
        strcmp(name, "by") == 0
            ? mcpz_exchange_integer(exchange, object, &by_rule, &number)
            : read_number(exchange, object, name, 0,
                          strcmp(name, "amount") == 0 ? INT64_MAX : UINT32_MAX, &number);
    if (strcmp(name, "index") == 0) {
        agent->index = (uint32_t)number;
    } else if (strcmp(name, "to_index") == 0) {
        agent->to_index = (uint32_t)number;
    } else {
        agent->amount = number;
    }
    return is_read;
}

/* The name of a blob stands for itself: within a value, or in a list, nobody would find it. */
static bool may_hold(struct mcpz_exchange *exchange, const struct mcpz_event_agent *agent)
{
    struct mcpz_blob_ref ref;

    if (agent->op == MCPZ_AGENT_REMOVE || !mcpz_value_read_blob(agent->value, &ref)) {
        return true;
    }
    mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "a blob is named with set, keep or add");
    return false;
}

static void write_verb(struct mcpz_exchange *exchange, const struct mcpz_event_agent *begun,
                       const struct verb *verb, struct mcpz_bytes id, json_t *object)
{
    struct mcpz_agent_write write = {.agent = *begun};

    for (size_t i = 0; verb->members[i] != NULL; i++) {
        if (!read_member(exchange, object, verb->members[i], &write)) {
            return;
        }
    }
    if (mcpz_blob_refs_is_one(&write.agent)) {
        mcpz_blob_refs_write(exchange, &write.agent, say_id(id));
    } else if (may_hold(exchange, &write.agent)) {
        mcpz_agent_write_hand_in(exchange, &write.agent, 200, say_id(id));
    }
}

void mcpz_api_post_agent(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_bytes id;
    const struct mcpz_bytes rest = mcpz_exchange_path_rest(request->path, AGENTS_PREFIX);
    const struct verb *verb = find_verb(rest, &id);

    if (is_restore(rest, &id)) {
        mcpz_api_restore_agent(exchange, request, id);
        return;
    }
    if (verb == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                           "an agent is written with POST /v1/agents/ID/set, unset, add, remove, "
                           "increment, keep, fence, life, enable, disable, grant, spend, push, "
                           "insert, move, drop, map or restore");
        return;
    }
    if (!check_id(exchange, id)) {
        return;
    }
    struct mcpz_event_agent agent = {.op = verb->op};
    mcpz_agent_scope_document(exchange, id, &agent.document);
    if (!mcpz_agent_write_is_done_here(exchange, request, mcpz_agent_write_is_repeatable(verb->op),
                                       &agent)) {
        return;
    }
    json_t *object = mcpz_exchange_object(exchange, verb->members);
    if (object != NULL) {
        write_verb(exchange, &agent, verb, id, object);
        json_decref(object);
    }
}

/* ---- As a line ---------------------------------------------------------------------------- */

static const struct verb create_verb = {"create", MCPZ_AGENT_CREATE, {NULL}};
static const struct verb delete_verb = {"delete", MCPZ_AGENT_DELETE, {NULL}};

static const struct verb *verb_called(struct mcpz_bytes word)
{
    if (mcpz_bytes_equal(word, mcpz_text(create_verb.word))) {
        return &create_verb;
    }
    if (mcpz_bytes_equal(word, mcpz_text(delete_verb.word))) {
        return &delete_verb;
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(verbs); i++) {
        if (mcpz_bytes_equal(word, mcpz_text(verbs[i].word))) {
            return &verbs[i];
        }
    }
    return NULL;
}

/* Is each member one that the verb is told? A misspelt one would be left out in silence. */
static bool check_members(struct mcpz_exchange *answer, const struct verb *verb, json_t *object)
{
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        bool is_known = strcmp(key, "op") == 0 || strcmp(key, "id") == 0;
        for (size_t i = 0; verb->members[i] != NULL && !is_known; i++) {
            is_known = strcmp(key, verb->members[i]) == 0;
        }
        if (!is_known) {
            mcpz_exchange_fail(answer, MCPZ_CODE_BAD_REQUEST, "\"%.64s\" is nothing that %s takes",
                               key, verb->word);
            return false;
        }
    }
    return true;
}

bool mcpz_agent_write_read(struct mcpz_exchange *answer, json_t *object,
                           struct mcpz_agent_write *write)
{
    const struct mcpz_bytes id = mcpz_exchange_text_of(json_object_get(object, "id"));
    const struct verb *verb = verb_called(mcpz_exchange_text_of(json_object_get(object, "op")));

    if (verb == NULL) {
        mcpz_exchange_fail(answer, MCPZ_CODE_BAD_REQUEST,
                           "\"op\" must be create, delete, set, unset, add, remove, increment, "
                           "keep, fence, life, enable, disable, grant, spend, push, insert, move, "
                           "drop or map");
        return false;
    }
    if (!check_id(answer, id) || !check_members(answer, verb, object)) {
        return false;
    }
    write->agent = (struct mcpz_event_agent){.op = verb->op};
    for (size_t i = 0; verb->members[i] != NULL; i++) {
        if (!read_member(answer, object, verb->members[i], write)) {
            return false;
        }
    }
    if (!mcpz_blob_refs_is_one(&write->agent) && !may_hold(answer, &write->agent)) {
        return false;
    }
    if (verb->op == MCPZ_AGENT_CREATE) {
        write->agent.name = id;
        write->agent.tenant = mcpz_agent_scope_tenant(answer);
    }
    mcpz_agent_scope_document(answer, id, &write->agent.document);
    return true;
}
