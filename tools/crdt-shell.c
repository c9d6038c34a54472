/*
 * Agents' documents behind lines of JSON, for tests that hold them against a model.
 *
 * One process is a whole world: replicas, each the machine of core/agents.h over the real codec
 * and a store that can lose what is not durable. A line is one request, and is answered with one
 * line. Nothing travels by itself: what a replica says comes back in "sent", as bytes in
 * hexadecimal, and the caller hands it to whom it likes.
 *
 *   {"verb": "new", "replica": "A", "node": 1, "wall_ms": 1700000000000}
 *   {"verb": "op", "replica": "A", "op": "set", "path": ["k", 7], "value": {"x": 1}}
 *   {"verb": "apply", "replica": "B", "bytes": "95..."}        what became of it: "fate"
 *   {"verb": "delta", "replica": "A", "bytes": "93..."}        its answer to a WANT
 *   {"verb": "want", "replica": "A"}                           a WANT of what it lacks
 *   {"verb": "state" | "view" | "root", "replica": "A"}
 *   {"verb": "view", "replica": "A", "at_ms": 1700000000000}    as it was; null: it was not there,
 *                                                              or its history then is "folded"
 *   {"verb": "restore", "replica": "A", "at_ms": 1700000000000} or "at": "v-..."
 *   {"verb": "clock", "replica": "A", "wall_ms": 1700000000000}
 *   {"verb": "backup", "replica": "A"}
 *   {"verb": "restart", "replica": "A", "how": "kill" | "crash" | "restore" | "anew"}
 *                                                              the last: as a new life, the next
 *                                                              of its line, or "generation"
 *   {"verb": "close", "replica": "A"}      earlier lives of its own, if that makes room; the
 *                                          caller has seen to it that all have signed its floor
 *   {"verb": "checkpoint" | "install" | "agree" | "hear" | "fold" | "base" | "take", ...}
 *                                                              crdt-shell-floors.c
 *
 * "unsynced": true leaves what a request wrote in memory: a crash loses it.
 */

#include "crdt-shell.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "core/crdt/lives.h"
#include "engine/root.h"
#include "http/document.h"
#include "http/rewind.h"
#include "wire/codec.h"
#include "wire/value.h"

#define LINE_BYTES_MAX 1048576

void crdt_shell_fail(const char *what)
{
    (void)fprintf(stderr, "crdt-shell: %s\n", what);
    exit(2);
}

const char *crdt_shell_text_of(const json_t *request, const char *member)
{
    const char *text = json_string_value(json_object_get(request, member));

    if (text == NULL) {
        (void)fprintf(stderr, "crdt-shell: \"%s\" is missing\n", member);
        exit(2);
    }
    return text;
}

json_int_t crdt_shell_number_of(const json_t *request, const char *member)
{
    return json_integer_value(json_object_get(request, member));
}

/* ---- Bytes and ids ------------------------------------------------------------------------ */

json_t *crdt_shell_show_hex(struct mcpz_bytes bytes)
{
    char *text = malloc(2 * bytes.length + 1);

    if (text == NULL) {
        crdt_shell_fail("out of memory");
    }
    mcpz_hex_put(bytes, text);
    json_t *shown = json_stringn(text, 2 * bytes.length);
    free(text);
    return shown;
}

size_t crdt_shell_read_hex(const char *text, uint8_t *bytes, size_t capacity)
{
    size_t length = strlen(text) / 2;

    if (length > capacity || !mcpz_hex_read(mcpz_text(text), bytes, length)) {
        crdt_shell_fail("no bytes in hexadecimal");
    }
    return length;
}

struct mcpz_id crdt_shell_node_id(json_int_t number)
{
    struct mcpz_id id = {{0}};

    memset(id.bytes, (int)number, MCPZ_ID_BYTES);
    return id;
}

void crdt_shell_document(struct mcpz_id *document)
{
    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(CRDT_SHELL_DOCUMENT), document);
}

json_t *crdt_shell_show_actor(const struct mcpz_actor *actor)
{
    return json_pack("[I, I]", (json_int_t)actor->node.bytes[0], (json_int_t)actor->generation);
}

static json_t *show_dot(const struct mcpz_dot *dot)
{
    return json_pack("[I, I, I, I]", (json_int_t)dot->actor.node.bytes[0],
                     (json_int_t)dot->actor.generation, (json_int_t)dot->seq,
                     (json_int_t)dot->index);
}

/* ---- Replicas ----------------------------------------------------------------------------- */

struct replica *crdt_shell_find(struct shell *shell, const json_t *request)
{
    const char *name = crdt_shell_text_of(request, "replica");

    for (size_t i = 0; i < shell->count; i++) {
        if (strcmp(shell->replicas[i].name, name) == 0) {
            return &shell->replicas[i];
        }
    }
    crdt_shell_fail("there is no such replica");
    return NULL;
}

/* Who it writes as is kept beside its store, as SELF is by the engine: in the same batch. */
static void keep_actor(struct replica *replica)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_SELF,
        .self = {.mesh = replica->actor.node, .generation = replica->actor.generation},
    };
    replica->store.put(replica->store.context, &record);
}

static void start(struct shell *shell, struct replica *replica)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_SELF};

    if (replica->store.get(replica->store.context, &record) == MCPZ_OK) {
        replica->actor.generation = record.self.generation;
    } else {
        replica->actor.generation = 1;
    }
    struct mcpz_arena arena;

    free(replica->memory);
    replica->memory = calloc(1, mcpz_agents_bytes());
    if (replica->memory == NULL) {
        crdt_shell_fail("out of memory");
    }
    mcpz_arena_init_zeroed(&arena, replica->memory, mcpz_agents_bytes());
    /* Each life has a chance of its own: else two would choose equal keys in lists. */
    const uint64_t seed = (uint64_t)replica->actor.generation << 8 | replica->actor.node.bytes[0];
    const struct mcpz_agents_config config = {.store = &replica->store,
                                              .timing = &shell->timing,
                                              .actor = &replica->actor,
                                              .seed = seed};
    mcpz_agents_init(&replica->agents, &config, MCPZ_SECONDS(1), &arena);
}

void crdt_shell_end_turn(struct replica *replica, const json_t *request)
{
    uint64_t batch = replica->kv.commit(replica->kv.context);

    if (!json_is_true(json_object_get(request, "unsynced")) && batch != 0) {
        mcpz_mem_sync(replica->mem, batch);
    }
    (void)replica->kv.progress(replica->kv.context);
}

static json_t *make(struct shell *shell, const json_t *request)
{
    if (shell->count == CRDT_SHELL_REPLICAS_MAX ||
        strlen(crdt_shell_text_of(request, "replica")) >= CRDT_SHELL_NAME_CHARS) {
        crdt_shell_fail("no room for one more replica");
    }
    struct replica *replica = &shell->replicas[shell->count++];

    *replica = (struct replica){
        .actor = {.node = crdt_shell_node_id(crdt_shell_number_of(request, "node"))},
        .wall_ms = (uint64_t)crdt_shell_number_of(request, "wall_ms"),
    };
    (void)snprintf(replica->name, sizeof(replica->name), "%s",
                   crdt_shell_text_of(request, "replica"));
    if (mcpz_mem_create(&replica->mem, &replica->kv) != MCPZ_OK) {
        crdt_shell_fail("out of memory");
    }
    mcpz_persist_init(&replica->persist, &replica->kv, shell->scratch, &replica->store);
    start(shell, replica);
    keep_actor(replica);
    crdt_shell_end_turn(replica, request);
    return json_object();
}

/* Step the machine. What it says is added to `answer` as "sent", its reply as "code". */
void crdt_shell_step(struct shell *shell, struct replica *replica, const struct mcpz_event *event,
                     json_t *answer)
{
    struct mcpz_outbox *out = &shell->scratch->outbox;
    struct mcpz_event timed = *event;
    json_t *sent = json_array();
    uint8_t bytes[MCPZ_MSG_BYTES_MAX];

    timed.wall_ms = replica->wall_ms;
    mcpz_outbox_clear(out);
    mcpz_agents_step(&replica->agents, &shell->overlay, MCPZ_SECONDS(1) + shell->request, &timed,
                     out);
    for (size_t i = 0; i < out->count; i++) {
        const struct mcpz_action *action = &out->actions[i];
        size_t length;
        if (action->kind == MCPZ_ACTION_REPLY) {
            (void)json_object_set_new(answer, "code", json_integer(action->reply.code));
            (void)json_object_set_new(
                answer, "text",
                json_stringn((const char *)action->reply.text.data, action->reply.text.length));
        } else if (action->kind == MCPZ_ACTION_SEND && action->send.msg.kind == MCPZ_MSG_AGREED) {
            (void)json_object_set_new(answer, "base", json_true()); /* it lacks what is folded */
        } else if (action->kind == MCPZ_ACTION_SEND || action->kind == MCPZ_ACTION_BROADCAST) {
            if (mcpz_msg_encode(&action->send.msg, bytes, sizeof(bytes), &length) != MCPZ_OK) {
                crdt_shell_fail("a message cannot be encoded");
            }
            (void)json_array_append_new(sent, crdt_shell_show_hex(mcpz_bytes(bytes, length)));
        }
    }
    (void)json_object_set_new(answer, "sent", sent);
    if (replica->agents.actor.generation != replica->actor.generation) {
        replica->actor.generation = replica->agents.actor.generation;
        keep_actor(replica);
    }
}

/* ---- Writing ------------------------------------------------------------------------------ */

static size_t read_path(const json_t *path, uint8_t *bytes)
{
    struct mcpz_value_writer writer = mcpz_value_writer(bytes, MCPZ_PATH_BYTES_MAX);

    mcpz_value_array(&writer, (uint32_t)json_array_size(path));
    for (size_t i = 0; i < json_array_size(path); i++) {
        const json_t *element = json_array_get(path, i);
        if (json_is_integer(element)) {
            mcpz_value_uint(&writer, (uint64_t)json_integer_value(element));
        } else {
            mcpz_value_text(&writer,
                            mcpz_bytes(json_string_value(element), json_string_length(element)));
        }
    }
    return writer.error == MCPZ_OK ? writer.length : 0;
}

static enum mcpz_agent_op op_of(const char *word)
{
    static const struct {
        const char *word;
        enum mcpz_agent_op op;
    } ops[] = {
        {"create", MCPZ_AGENT_CREATE},
        {"delete", MCPZ_AGENT_DELETE},
        {"set", MCPZ_AGENT_SET},
        {"unset", MCPZ_AGENT_UNSET},
        {"add", MCPZ_AGENT_ADD},
        {"remove", MCPZ_AGENT_REMOVE},
        {"increment", MCPZ_AGENT_INCREMENT},
        {"keep", MCPZ_AGENT_KEEP},
        {"fence", MCPZ_AGENT_FENCE},
        {"life", MCPZ_AGENT_LIFE},
        {"enable", MCPZ_AGENT_ENABLE},
        {"disable", MCPZ_AGENT_DISABLE},
        {"grant", MCPZ_AGENT_GRANT},
        {"spend", MCPZ_AGENT_SPEND},
        {"push", MCPZ_AGENT_PUSH},
        {"insert", MCPZ_AGENT_INSERT},
        {"move", MCPZ_AGENT_MOVE},
        {"drop", MCPZ_AGENT_DROP},
        {"map", MCPZ_AGENT_MAP},
    };
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(ops); i++) {
        if (strcmp(ops[i].word, word) == 0) {
            return ops[i].op;
        }
    }
    crdt_shell_fail("there is no such op");
    return MCPZ_AGENT_CREATE;
}

static json_t *write_something(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    uint8_t path[MCPZ_PATH_BYTES_MAX];
    struct mcpz_value value = {.length = 0};
    json_t *given = json_object_get(request, "value");
    const char *state = json_string_value(json_object_get(request, "state"));
    json_t *answer = json_object();

    if (given != NULL && mcpz_value_from_json(given, &value) != MCPZ_OK) {
        crdt_shell_fail("not a value");
    }
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = ++shell->request,
                  .op = op_of(crdt_shell_text_of(request, "op")),
                  .name = mcpz_text(state != NULL ? state : CRDT_SHELL_DOCUMENT),
                  .path = mcpz_bytes(path, read_path(json_object_get(request, "path"), path)),
                  .value = mcpz_bytes(value.bytes, value.length),
                  .amount = crdt_shell_number_of(request, "amount"),
                  .epoch = crdt_shell_number_of(request, "epoch"),
                  .rank = crdt_shell_number_of(request, "rank"),
                  .index = (uint32_t)crdt_shell_number_of(request, "index"),
                  .to_index = (uint32_t)crdt_shell_number_of(request, "to_index"),
                  .to = crdt_shell_node_id(crdt_shell_number_of(request, "to"))},
    };
    crdt_shell_document(&event.agent.document);
    crdt_shell_step(shell, replica, &event, answer);
    crdt_shell_end_turn(replica, request);
    return answer;
}

/* ---- What comes from others --------------------------------------------------------------- */

/* What the machine counts, in the order of `fates`. */
static const char *const fates[] = {"merged", "duplicate", "early", "ahead", "refused", "failed"};

static void count_fates(const struct mcpz_agents *agents, uint64_t *counts)
{
    counts[0] = agents->deltas_merged;
    counts[1] = agents->deltas_duplicate;
    counts[2] = agents->deltas_early;
    counts[3] = agents->deltas_ahead;
    counts[4] = agents->deltas_refused + agents->messages_refused;
    counts[5] = agents->store_failures;
}

/* Decode as a peer's frame is, and hand it in. Also encodes again: one delta has one form. */
static json_t *receive(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    static uint8_t bytes[MCPZ_MSG_BYTES_MAX];
    static uint8_t again[MCPZ_MSG_BYTES_MAX];
    size_t length =
        crdt_shell_read_hex(crdt_shell_text_of(request, "bytes"), bytes, sizeof(bytes));
    json_t *answer = json_object();
    struct mcpz_msg msg;
    uint64_t before[MCPZ_ARRAY_LEN(fates)];
    uint64_t after[MCPZ_ARRAY_LEN(fates)];
    size_t again_length = 0;

    mcpz_arena_clear(&shell->scratch->decode_arena);
    mcpz_error error =
        mcpz_msg_decode(mcpz_bytes(bytes, length), &shell->scratch->decode_arena, &msg);
    if (error != MCPZ_OK) {
        (void)json_object_set_new(answer, "fate", json_string("malformed"));
        return answer;
    }
    if (mcpz_msg_encode(&msg, again, sizeof(again), &again_length) != MCPZ_OK ||
        !mcpz_bytes_equal(mcpz_bytes(bytes, length), mcpz_bytes(again, again_length))) {
        (void)json_object_set_new(answer, "fate", json_string("ambiguous"));
        return answer;
    }
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_RECV,
        .recv = {.from = crdt_shell_node_id(255), .msg = &msg},
    };
    shell->request++;
    count_fates(&replica->agents, before);
    crdt_shell_step(shell, replica, &event, answer);
    count_fates(&replica->agents, after);
    crdt_shell_end_turn(replica, request);
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(fates); i++) {
        if (after[i] != before[i] && json_object_get(answer, "fate") == NULL) {
            (void)json_object_set_new(answer, "fate", json_string(fates[i]));
        }
    }
    return answer;
}

/* ---- Looking ------------------------------------------------------------------------------ */

static json_t *look_up(struct replica *replica, struct mcpz_record *record)
{
    *record = (struct mcpz_record){.kind = MCPZ_RECORD_DOCUMENT};
    crdt_shell_document(&record->document.id);
    mcpz_error error = replica->store.get(replica->store.context, record);
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        crdt_shell_fail("the store cannot be read");
    }
    return error == MCPZ_OK ? json_object() : NULL;
}

static json_t *show_versions(const struct mcpz_record_document *document)
{
    json_t *versions = json_array();

    for (size_t i = 0; i < document->version_count; i++) {
        const struct mcpz_version *version = &document->versions[i];
        (void)json_array_append_new(
            versions,
            json_pack("[o, I]", crdt_shell_show_actor(&version->actor), (json_int_t)version->seq));
    }
    return versions;
}

static json_t *show_heads(const struct mcpz_record_document *document)
{
    json_t *heads = json_array();

    for (size_t i = 0; i < document->version_count; i++) {
        const struct mcpz_head *head = &document->versions[i].head;
        (void)json_array_append_new(heads,
                                    crdt_shell_show_hex(mcpz_bytes(head->bytes, MCPZ_HEAD_BYTES)));
    }
    return heads;
}

/* [actor, first place that does not count, overrun, [[seq, head] ...]] of each. */
static json_t *show_cuts(const struct mcpz_record_document *document)
{
    json_t *cuts = json_array();

    for (size_t i = 0; i < document->cut_count; i++) {
        const struct mcpz_cut *cut = &document->cuts[i];
        json_t *tips = json_array();
        for (size_t j = 0; j < cut->tip_count; j++) {
            (void)json_array_append_new(
                tips, json_pack("[I, o]", (json_int_t)cut->tips[j].seq,
                                crdt_shell_show_hex(
                                    mcpz_bytes(cut->tips[j].head.bytes, MCPZ_HEAD_BYTES))));
        }
        (void)json_array_append_new(cuts,
                                    json_pack("[o, I, b, o]", crdt_shell_show_actor(&cut->actor),
                                              (json_int_t)cut->seq, cut->overrun, tips));
    }
    return cuts;
}

/* What the replica would ask others with. */
static json_t *want(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    uint8_t bytes[MCPZ_MSG_BYTES_MAX];
    struct mcpz_record record;
    size_t length;
    json_t *answer = look_up(replica, &record);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_WANT};

    crdt_shell_document(&msg.want.document);
    if (answer != NULL) {
        msg.want.versions = record.document.versions;
        msg.want.version_count = record.document.version_count;
        msg.want.cuts = record.document.cuts;
        msg.want.cut_count = record.document.cut_count;
    } else {
        answer = json_object();
    }
    if (mcpz_msg_encode(&msg, bytes, sizeof(bytes), &length) != MCPZ_OK) {
        crdt_shell_fail("a WANT cannot be encoded");
    }
    (void)json_object_set_new(answer, "bytes", crdt_shell_show_hex(mcpz_bytes(bytes, length)));
    crdt_shell_end_turn(replica, request);
    return answer;
}

static json_t *show_state(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    struct mcpz_record record;
    json_t *answer = look_up(replica, &record);
    json_t *entries = json_array();

    if (answer == NULL) {
        crdt_shell_end_turn(replica, request);
        json_decref(entries);
        return json_object();
    }
    (void)json_object_set_new(answer, "versions", show_versions(&record.document));
    (void)json_object_set_new(answer, "heads", show_heads(&record.document));
    (void)json_object_set_new(answer, "cuts", show_cuts(&record.document));
    (void)json_object_set_new(answer, "hlc", json_integer((json_int_t)record.document.hlc));
    (void)json_object_set_new(answer, "count", json_integer(record.document.entry_count));
    (void)json_object_set_new(answer, "deleted", json_boolean(record.document.deleted));
    (void)json_object_set_new(
        answer, "name",
        json_stringn((const char *)record.document.name.data, record.document.name.length));
    record = (struct mcpz_record){.kind = MCPZ_RECORD_ENTRY};
    crdt_shell_document(&record.entry.document);
    while (replica->store.next(replica->store.context, MCPZ_SCAN_DOCUMENT, false, &record) ==
           MCPZ_OK) {
        const struct mcpz_record_entry *entry = &record.entry;
        (void)json_array_append_new(
            entries, json_pack("[o, I, o, I, o]", crdt_shell_show_hex(entry->path),
                               (json_int_t)entry->type, show_dot(&entry->dot),
                               (json_int_t)entry->hlc, crdt_shell_show_hex(entry->value)));
    }
    (void)json_object_set_new(answer, "entries", entries);
    crdt_shell_end_turn(replica, request);
    return answer;
}

/* What it was, as "at_ms" or "at" says. False: nothing, or it is `folded`. To be finished either
 * way. */
static bool go_back(struct replica *replica, const json_t *request, struct mcpz_rewind *rewind,
                    bool *folded)
{
    const char *at = json_string_value(json_object_get(request, "at"));
    struct mcpz_rewind_until until;
    struct mcpz_record record;

    *rewind = (struct mcpz_rewind){.found = 0};
    *folded = false;
    if (at != NULL
            ? !mcpz_rewind_at_version(mcpz_text(at), &until)
            : !mcpz_rewind_at_ms((uint64_t)crdt_shell_number_of(request, "at_ms"), &until)) {
        crdt_shell_fail("no time");
    }
    json_t *known = look_up(replica, &record);
    if (known == NULL) {
        return false;
    }
    json_decref(known);
    mcpz_error error = mcpz_rewind_start(rewind, &replica->store, &record.document, &until);
    while (error == MCPZ_OK) {
        error = mcpz_rewind_step(rewind, &replica->store, 64);
    }
    *folded = error == MCPZ_EEXPIRED;
    if (*folded) {
        return false;
    }
    if (error != MCPZ_ENOTFOUND) {
        crdt_shell_fail("the past cannot be read");
    }
    record =
        (struct mcpz_record){.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = rewind->document}};
    return rewind->found == 1 && rewind->store.get(rewind->store.context, &record) == MCPZ_OK &&
           !record.document.deleted;
}

static bool is_of_the_past(const json_t *request)
{
    return json_object_get(request, "at") != NULL || json_object_get(request, "at_ms") != NULL;
}

static json_t *show_view(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    struct mcpz_rewind rewind = {.found = 0};
    const struct mcpz_store *store = &replica->store;
    bool is_there = true;
    struct mcpz_id document;
    json_t *state = NULL;
    json_t *conflicts = NULL;
    bool folded = false;

    crdt_shell_document(&document);
    if (is_of_the_past(request)) {
        is_there = go_back(replica, request, &rewind, &folded);
        store = &rewind.store;
    }
    if (is_there && mcpz_document_show(store, &document, &state, &conflicts) != MCPZ_OK) {
        crdt_shell_fail("a document cannot be shown");
    }
    mcpz_rewind_finish(&rewind);
    crdt_shell_end_turn(replica, request);
    return json_pack("{s:o?, s:o?, s:b}", "state", state, "conflicts", conflicts, "folded",
                     folded);
}

/* As an op: "code", and what it says. */
static json_t *restore_past(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    struct mcpz_rewind rewind;
    json_t *answer = json_object();
    bool folded;

    if (go_back(replica, request, &rewind, &folded)) {
        struct mcpz_event event = {
            .kind = MCPZ_EVENT_AGENT_WRITE,
            .agent = {.request = ++shell->request,
                      .op = MCPZ_AGENT_RESTORE,
                      .document = rewind.document,
                      .past = &rewind.store},
        };
        crdt_shell_step(shell, replica, &event, answer);
    } else {
        (void)json_object_set_new(
            answer, "code", json_integer(folded ? MCPZ_CODE_HISTORY_FOLDED : MCPZ_CODE_NOT_FOUND));
    }
    mcpz_rewind_finish(&rewind);
    crdt_shell_end_turn(replica, request);
    return answer;
}

static json_t *show_root(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    uint8_t root[MCPZ_DIGEST_BYTES];
    struct mcpz_id document;

    crdt_shell_document(&document);
    mcpz_error error = mcpz_root_of(&replica->store, &document, root);
    crdt_shell_end_turn(replica, request);
    if (error == MCPZ_ENOTFOUND) {
        return json_pack("{s:n}", "root");
    }
    if (error != MCPZ_OK) {
        crdt_shell_fail("no root can be made");
    }
    return json_pack("{s:o}", "root", crdt_shell_show_hex(mcpz_bytes(root, sizeof(root))));
}

/* ---- What befalls replicas ---------------------------------------------------------------- */

static json_t *set_clock(struct shell *shell, const json_t *request)
{
    crdt_shell_find(shell, request)->wall_ms = (uint64_t)crdt_shell_number_of(request, "wall_ms");
    return json_object();
}

static json_t *back_up(struct shell *shell, const json_t *request)
{
    mcpz_mem_back_up(crdt_shell_find(shell, request)->mem);
    return json_object();
}

static json_t *restart(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    const char *how = crdt_shell_text_of(request, "how");

    if (strcmp(how, "kill") == 0 || strcmp(how, "anew") == 0) {
        mcpz_mem_sync(replica->mem, mcpz_mem_newest(replica->mem));
    } else if (strcmp(how, "crash") == 0) {
        mcpz_mem_crash(replica->mem);
    } else if (!mcpz_mem_restore(replica->mem)) {
        return json_pack("{s:b}", "restored", 0);
    }
    (void)replica->kv.progress(replica->kv.context);
    if (strcmp(how, "anew") == 0) {
        const json_t *generation = json_object_get(request, "generation");
        replica->actor.generation = generation != NULL
                                        ? (uint32_t)json_integer_value(generation)
                                        : replica->actor.generation + MCPZ_LIVES_STRIDE;
        keep_actor(replica);
    }
    start(shell, replica);
    crdt_shell_end_turn(replica, request);
    return json_pack("{s:I}", "generation", (json_int_t)replica->actor.generation);
}

static json_t *close_lives(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_CLOSE};
    json_t *answer = json_object();

    crdt_shell_document(&event.closable);
    crdt_shell_step(shell, replica, &event, answer);
    crdt_shell_end_turn(replica, request);
    return answer;
}

/* ---- Lines -------------------------------------------------------------------------------- */

static json_t *answer_of(struct shell *shell, const json_t *request)
{
    static const struct {
        const char *word;
        json_t *(*run)(struct shell *shell, const json_t *request);
    } verbs[] = {
        {"new", make},
        {"op", write_something},
        {"apply", receive},
        {"delta", receive},
        {"want", want},
        {"state", show_state},
        {"view", show_view},
        {"restore", restore_past},
        {"root", show_root},
        {"clock", set_clock},
        {"backup", back_up},
        {"restart", restart},
        {"close", close_lives},
        {"checkpoint", crdt_shell_checkpoint},
        {"install", crdt_shell_install},
        {"agree", crdt_shell_agree},
        {"hear", crdt_shell_hear},
        {"fold", crdt_shell_fold},
        {"base", crdt_shell_base},
        {"take", crdt_shell_take},
    };
    const char *word = crdt_shell_text_of(request, "verb");

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].word, word) == 0) {
            return verbs[i].run(shell, request);
        }
    }
    crdt_shell_fail("there is no such verb");
    return NULL;
}

static void forget_all(struct shell *shell)
{
    for (size_t i = 0; i < shell->count; i++) {
        mcpz_mem_destroy(shell->replicas[i].mem);
        free(shell->replicas[i].memory);
    }
    shell->count = 0;
}

int main(void)
{
    struct shell *shell = calloc(1, sizeof(*shell));
    char *line = malloc(LINE_BYTES_MAX);

    if (shell == NULL || line == NULL || mcpz_scratch_create(&shell->scratch) != MCPZ_OK) {
        crdt_shell_fail("out of memory");
    }
    shell->timing = mcpz_timing_or_default(&(struct mcpz_node_timing){.heartbeat_us = 0});
    while (fgets(line, LINE_BYTES_MAX, stdin) != NULL) {
        json_error_t why;
        json_t *request = json_loads(line, JSON_ALLOW_NUL, &why);
        if (request == NULL) {
            crdt_shell_fail("a line is not JSON");
        }
        /* A new world: all replicas are gone. */
        if (strcmp(crdt_shell_text_of(request, "verb"), "clear") == 0) {
            forget_all(shell);
            (void)puts("{}");
        } else {
            json_t *answer = answer_of(shell, request);
            (void)json_dumpf(answer, stdout, JSON_COMPACT);
            (void)putchar('\n');
            json_decref(answer);
        }
        (void)fflush(stdout);
        json_decref(request);
    }
    forget_all(shell);
    mcpz_scratch_destroy(shell->scratch);
    free(line);
    free(shell);
    return EXIT_SUCCESS;
}
