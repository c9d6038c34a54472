/*
 * Checkpoints and folding in crdt-shell: what engine/collecting.h and engine/transfers.h do,
 * without the network.
 *
 *   {"verb": "checkpoint", "replica": "A"}                  "bytes" of it
 *   {"verb": "install", "replica": "B", "bytes": "95..."}   what became of it: "fate"
 *   {"verb": "agree", "replica": "A"}     all have signed what it holds now: "root"; null: nothing
 *                                         "later": only say what it is, as "agreed"
 *   {"verb": "hear", "replica": "A", "agreed": "94..."}  it hears that all have, as it has
 *   {"verb": "fold", "replica": "A", "rows": 3}
 *                                         make that its floor, and let so many rows of deltas go
 *                                         (0: all): "raised", "rows" and "bytes" that are left
 *   {"verb": "base", "replica": "A"}      its base, for who lacks it: {} if there is none
 *   {"verb": "take", "replica": "B", "base": {...}}      what became of it: "fate"; "anew": it
 *                                         forgets what it had before
 */

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "core/crdt/document.h"
#include "core/crdt/floor.h"
#include "crdt-shell.h"
#include "engine/base.h"
#include "engine/checkpoint.h"
#include "engine/remake.h"
#include "engine/root.h"
#include "wire/checkpoint.h"
#include "wire/codec.h"

#define KEEPERS 2 /* are said to have signed; whether they did is not looked at here */

/* ---- Checkpoints -------------------------------------------------------------------------- */

struct gathered {
    uint8_t bytes[CRDT_SHELL_CHECKPOINT_BYTES_MAX];
    size_t length;
};

static mcpz_error gather(void *context, struct mcpz_bytes bytes)
{
    struct gathered *gathered = context;

    if (bytes.length > sizeof(gathered->bytes) - gathered->length) {
        return MCPZ_EFULL;
    }
    memcpy(gathered->bytes + gathered->length, bytes.data, bytes.length);
    gathered->length += bytes.length;
    return MCPZ_OK;
}

json_t *crdt_shell_checkpoint(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    static struct gathered gathered;
    const struct mcpz_checkpoint_sink sink = {.context = &gathered, .add = gather};
    struct mcpz_id document;

    gathered.length = 0;
    crdt_shell_document(&document);
    mcpz_error error = mcpz_checkpoint_write(&replica->store, &document, &sink);
    crdt_shell_end_turn(replica, request);
    if (error != MCPZ_OK) {
        return json_pack("{s:n}", "bytes");
    }
    return json_pack("{s:o}", "bytes",
                     crdt_shell_show_hex(mcpz_bytes(gathered.bytes, gathered.length)));
}

/* "fate": merged, duplicate, refused; or malformed, if it is not in the form of a checkpoint. */
json_t *crdt_shell_install(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    static uint8_t bytes[CRDT_SHELL_CHECKPOINT_BYTES_MAX];
    static struct mcpz_checkpoint_reader reader;
    const size_t length =
        crdt_shell_read_hex(crdt_shell_text_of(request, "bytes"), bytes, sizeof(bytes));
    const struct mcpz_agents before = replica->agents;
    json_t *answer = json_object();

    mcpz_arena_clear(&shell->scratch->decode_arena);
    mcpz_error error =
        mcpz_checkpoint_open(&reader, mcpz_bytes(bytes, length), &shell->scratch->decode_arena);
    if (error == MCPZ_OK) {
        error = mcpz_checkpoint_check(&reader);
    }
    if (error != MCPZ_OK) {
        (void)json_object_set_new(answer, "fate", json_string("malformed"));
        return answer;
    }
    const struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_INSTALL,
        .install = {.checkpoint = &reader.checkpoint},
    };
    shell->request++;
    crdt_shell_step(shell, replica, &event, answer);
    crdt_shell_end_turn(replica, request);
    const char *fate = "duplicate";
    if (replica->agents.checkpoints_installed > before.checkpoints_installed) {
        fate = "merged";
    } else if (replica->agents.checkpoints_refused > before.checkpoints_refused) {
        fate = "refused";
    }
    (void)json_object_set_new(answer, "fate", json_string(fate));
    return answer;
}

/* ---- Agreeing ----------------------------------------------------------------------------- */

json_t *crdt_shell_agree(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    struct mcpz_checkpoint_state state;
    struct mcpz_record record = {.kind = MCPZ_RECORD_STABLE,
                                 .stable = {.agreed_ms = replica->wall_ms}};
    struct mcpz_agreed *agreed = &record.stable.agreed;

    crdt_shell_document(&record.stable.document);
    mcpz_error error = mcpz_checkpoint_state_of(&replica->store, &record.stable.document, &state);
    if (error == MCPZ_OK) {
        error = mcpz_root_of(&replica->store, &record.stable.document, agreed->root.bytes);
    }
    if (error != MCPZ_OK) {
        crdt_shell_end_turn(replica, request);
        return json_pack("{s:n}", "root");
    }
    agreed->replicas = KEEPERS;
    agreed->tenant = mcpz_bytes(state.tenant, state.tenant_length);
    agreed->hlc = state.hlc;
    agreed->versions = state.clock.versions;
    agreed->version_count = state.clock.count;
    agreed->cuts = state.cuts.cuts;
    agreed->cut_count = state.cuts.count;
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_AGREED,
        .agreed = {.document = record.stable.document, .agreed = *agreed}};
    static uint8_t bytes[MCPZ_MSG_BYTES_MAX];
    size_t length;
    if (mcpz_msg_encode(&msg, bytes, sizeof(bytes), &length) != MCPZ_OK) {
        crdt_shell_fail("what was agreed on cannot be encoded");
    }
    if (!json_is_true(json_object_get(request, "later"))) {
        replica->store.put(replica->store.context, &record);
    }
    json_t *answer = json_pack("{s:o, s:o}", "root",
                               crdt_shell_show_hex(mcpz_bytes(agreed->root.bytes, MCPZ_ID_BYTES)),
                               "agreed", crdt_shell_show_hex(mcpz_bytes(bytes, length)));
    crdt_shell_end_turn(replica, request);
    return answer;
}

json_t *crdt_shell_hear(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    static uint8_t bytes[MCPZ_MSG_BYTES_MAX];
    const size_t length =
        crdt_shell_read_hex(crdt_shell_text_of(request, "agreed"), bytes, sizeof(bytes));
    struct mcpz_msg msg;

    mcpz_arena_clear(&shell->scratch->decode_arena);
    if (mcpz_msg_decode(mcpz_bytes(bytes, length), &shell->scratch->decode_arena, &msg) !=
            MCPZ_OK ||
        msg.kind != MCPZ_MSG_AGREED) {
        crdt_shell_fail("nothing that was agreed on");
    }
    const struct mcpz_record record = {.kind = MCPZ_RECORD_STABLE,
                                       .stable = {.document = msg.agreed.document,
                                                  .agreed = msg.agreed.agreed,
                                                  .agreed_ms = replica->wall_ms}};
    replica->store.put(replica->store.context, &record);
    crdt_shell_end_turn(replica, request);
    return json_object();
}

/* ---- Folding ------------------------------------------------------------------------------ */

/* Do base and deltas up to what was signed again, and make that the floor. */
static mcpz_error raise_floor(struct replica *replica, const struct mcpz_record_stable *stable)
{
    const struct mcpz_agreed *agreed = &stable->agreed;
    const struct mcpz_id document = stable->document;
    static struct mcpz_remake remake;
    struct mcpz_record_floor floor = {.document = document, .agreed = *agreed};
    struct mcpz_id root;
    uint8_t *bytes = NULL;
    size_t length = 0;

    mcpz_error error = mcpz_remake_init(&remake, &replica->store, &document, agreed);
    while (error == MCPZ_OK) {
        error = mcpz_remake_next(&remake, &replica->store);
    }
    if (error == MCPZ_ENOTFOUND) {
        error = mcpz_root_of(mcpz_replay_store(remake.replay), &document, root.bytes);
    }
    if (error == MCPZ_OK && !mcpz_id_equal(&root, &agreed->root)) {
        crdt_shell_fail("what was signed does not come to that again");
    }
    if (error == MCPZ_OK) {
        error = mcpz_base_make(mcpz_replay_store(remake.replay), &document, &bytes, &length);
    }
    if (error == MCPZ_OK) {
        floor.byte_count = length;
        floor.folded_ms = replica->wall_ms;
        error = mcpz_base_put(&replica->store, &floor, mcpz_bytes(bytes, length));
    }
    free(bytes);
    mcpz_remake_finish(&remake);
    return error;
}

/* How many rows of deltas are left. */
static json_int_t count_rows(struct replica *replica)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DELTA};
    json_int_t count = 0;

    crdt_shell_document(&record.delta.delta.document);
    mcpz_error error =
        replica->store.next(replica->store.context, MCPZ_SCAN_DOCUMENT, true, &record);
    while (error == MCPZ_OK) {
        count++;
        error = replica->store.next(replica->store.context, MCPZ_SCAN_DOCUMENT, false, &record);
    }
    if (error != MCPZ_ENOTFOUND) {
        crdt_shell_fail("deltas cannot be read");
    }
    return count;
}

json_t *crdt_shell_fold(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    const json_int_t rows = crdt_shell_number_of(request, "rows");
    struct mcpz_record record = {.kind = MCPZ_RECORD_STABLE};
    struct mcpz_id document;
    bool done;

    crdt_shell_document(&document);
    record.stable.document = document;
    const mcpz_error found = replica->store.get(replica->store.context, &record);
    if (found == MCPZ_OK && raise_floor(replica, &record.stable) != MCPZ_OK) {
        crdt_shell_fail("a document cannot be folded");
    }
    if (mcpz_floor_sweep(&replica->store, &document, rows > 0 ? (size_t)rows : SIZE_MAX, &done) !=
        MCPZ_OK) {
        crdt_shell_fail("what is below the floor does not go");
    }
    record = (struct mcpz_record){.kind = MCPZ_RECORD_FLOOR, .floor = {.document = document}};
    const bool exists = replica->store.get(replica->store.context, &record) == MCPZ_OK;
    json_t *answer =
        json_pack("{s:b, s:I, s:I}", "raised", found == MCPZ_OK, "rows", count_rows(replica),
                  "bytes", exists ? (json_int_t)record.floor.byte_count : 0);
    crdt_shell_end_turn(replica, request);
    return answer;
}

/* ---- Bases -------------------------------------------------------------------------------- */

/* The last delta below the floor of an actor, as a message. */
static json_t *show_last(struct replica *replica, const struct mcpz_id *document,
                         const struct mcpz_version *last)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = *document, .actor = last->actor, .seq = last->seq},
                  .head = last->head},
    };
    uint8_t bytes[MCPZ_MSG_BYTES_MAX];
    size_t length;

    if (replica->store.get(replica->store.context, &record) != MCPZ_OK) {
        crdt_shell_fail("the last delta below a floor is not here");
    }
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_DELTA, .delta = {record.delta.delta}};
    if (mcpz_msg_encode(&msg, bytes, sizeof(bytes), &length) != MCPZ_OK) {
        crdt_shell_fail("a delta cannot be encoded");
    }
    return crdt_shell_show_hex(mcpz_bytes(bytes, length));
}

json_t *crdt_shell_base(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR};
    struct mcpz_id document;
    struct mcpz_floor floor;

    crdt_shell_document(&document);
    record.floor.document = document;
    if (replica->store.get(replica->store.context, &record) != MCPZ_OK ||
        mcpz_floor_load(&replica->store, &document, &floor) != MCPZ_OK) {
        crdt_shell_end_turn(replica, request);
        return json_object();
    }
    const uint64_t length = record.floor.byte_count;
    json_t *lasts = json_array();
    uint8_t *bytes = malloc(length);
    if (bytes == NULL || mcpz_base_read(&replica->store, &document, bytes, length) != MCPZ_OK) {
        crdt_shell_fail("a base cannot be read");
    }
    for (size_t i = 0; i < floor.clock.count; i++) {
        const struct mcpz_version *last = &floor.clock.versions[i];
        if (!mcpz_version_closes(last)) {
            (void)json_array_append_new(lasts, show_last(replica, &document, last));
        }
    }
    json_t *answer = json_pack("{s:o, s:o}", "bytes",
                               crdt_shell_show_hex(mcpz_bytes(bytes, length)), "lasts", lasts);
    free(bytes);
    crdt_shell_end_turn(replica, request);
    return answer;
}

/* Is all of it here? As engine/transfers.c judges what it is offered. */
static bool is_here(struct replica *replica, const struct mcpz_checkpoint_head *head)
{
    struct mcpz_document document;

    if (mcpz_document_load(&replica->store, &head->document, &document) != MCPZ_OK) {
        return false;
    }
    const struct mcpz_seen below = {head->versions, head->version_count, head->cuts,
                                    head->cut_count};
    const struct mcpz_seen held = mcpz_seen_of(&document.clock, &document.cuts);
    return mcpz_floor_is_held(&below, &held);
}

static void take_last(struct shell *shell, struct replica *replica, const char *text)
{
    uint8_t bytes[MCPZ_MSG_BYTES_MAX];
    const size_t length = crdt_shell_read_hex(text, bytes, sizeof(bytes));
    json_t *ignored = json_object();
    struct mcpz_msg msg;
    const struct mcpz_event event = {
        .kind = MCPZ_EVENT_RECV,
        .recv = {.from = crdt_shell_node_id(255), .msg = &msg},
    };

    mcpz_arena_clear(&shell->scratch->decode_arena);
    if (mcpz_msg_decode(mcpz_bytes(bytes, length), &shell->scratch->decode_arena, &msg) !=
        MCPZ_OK) {
        crdt_shell_fail("no delta");
    }
    crdt_shell_step(shell, replica, &event, ignored);
    json_decref(ignored);
}

static void put_base(struct replica *replica, struct mcpz_bytes bytes,
                     const struct mcpz_checkpoint_head *head)
{
    struct mcpz_record_floor floor = {
        .document = head->document,
        .agreed = {.tenant = head->tenant,
                   .replicas = KEEPERS,
                   .hlc = head->hlc,
                   .versions = head->versions,
                   .version_count = head->version_count,
                   .cuts = head->cuts,
                   .cut_count = head->cut_count},
        .byte_count = bytes.length,
        .folded_ms = replica->wall_ms,
    };

    mcpz_digest(MCPZ_DIGEST_ROOT, bytes, floor.agreed.root.bytes);
    if (mcpz_base_put(&replica->store, &floor, bytes) != MCPZ_OK) {
        crdt_shell_fail("a base cannot be put");
    }
}

json_t *crdt_shell_take(struct shell *shell, const json_t *request)
{
    struct replica *replica = crdt_shell_find(shell, request);
    const json_t *base = json_object_get(request, "base");
    const json_t *lasts = json_object_get(base, "lasts");
    static uint8_t bytes[CRDT_SHELL_CHECKPOINT_BYTES_MAX];
    static struct mcpz_checkpoint_reader reader;
    static uint8_t memory[65536]; /* of the head, across steps */
    const size_t length =
        crdt_shell_read_hex(crdt_shell_text_of(base, "bytes"), bytes, sizeof(bytes));
    json_t *answer = json_object();
    struct mcpz_arena arena;

    mcpz_arena_init(&arena, memory, sizeof(memory));
    if (mcpz_checkpoint_open(&reader, mcpz_bytes(bytes, length), &arena) != MCPZ_OK) {
        crdt_shell_fail("no base");
    }
    const struct mcpz_checkpoint_head head = reader.checkpoint.head;
    const struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_INSTALL,
        .install = {.checkpoint = &reader.checkpoint},
    };
    const char *fate = "duplicate";
    if (json_is_true(json_object_get(request, "anew"))) {
        mcpz_agents_forget(&replica->agents, &head.document);
    }
    if (!is_here(replica, &head)) {
        shell->request++;
        crdt_shell_step(shell, replica, &event, answer);
        fate = is_here(replica, &head) ? "merged" : "refused";
    }
    if (strcmp(fate, "merged") == 0) {
        put_base(replica, mcpz_bytes(bytes, length), &head);
        for (size_t i = 0; i < json_array_size(lasts); i++) {
            take_last(shell, replica, json_string_value(json_array_get(lasts, i)));
        }
    }
    crdt_shell_end_turn(replica, request);
    (void)json_object_set_new(answer, "fate", json_string(fate));
    return answer;
}
