/* Actions to frames and replies; and what must wait for the disk. */

#include <assert.h>
#include <stdlib.h>

#include "engine/internal.h"
#include "wire/codec.h"

/* ---- Held --------------------------------------------------------------------------------- */

/* Room for an action that waits, and for `bytes` that it needs. NULL: too much waits already. */
static struct mcpz_held *hold(struct mcpz_engine *engine, const struct mcpz_action *action,
                              struct mcpz_bytes bytes)
{
    if (engine->held_bytes + bytes.length > MCPZ_HELD_BYTES_MAX) {
        return NULL;
    }
    struct mcpz_held *held = malloc(sizeof(*held) + bytes.length);
    if (held == NULL) {
        return NULL;
    }
    *held = (struct mcpz_held){.action = *action, .length = bytes.length};
    if (bytes.length > 0) {
        memcpy(held->bytes, bytes.data, bytes.length);
    }
    if (engine->held_last != NULL) {
        engine->held_last->next = held;
    } else {
        engine->held_first = held;
    }
    engine->held_last = held;
    engine->held_bytes += bytes.length;
    return held;
}

static void act(struct mcpz_engine *engine, const struct mcpz_action *action)
{
    engine->ports.act(engine->ports.context, action);
}

static void let_out(struct mcpz_engine *engine, struct mcpz_held *held)
{
    if (held->action.kind == MCPZ_ACTION_REPLY) {
        held->action.reply.text = mcpz_bytes(held->bytes, held->length);
        act(engine, &held->action);
        return;
    }
    for (size_t i = 0; i < held->link_count; i++) {
        struct mcpz_link_row *row = mcpz_link_rows_find(engine, held->links[i]);
        if (row == NULL || row->state == MCPZ_LINK_CLOSING) {
            engine->counters.messages_dropped++;
            continue;
        }
        mcpz_link_rows_push(engine, row, (uint32_t)held->action.send.msg.kind,
                            mcpz_bytes(held->bytes, held->length));
        if (held->admits && row->state == MCPZ_LINK_ADMITTING) {
            mcpz_link_rows_admit(engine, row);
        }
    }
}

static const char *failure_text(mcpz_error error)
{
    return error == MCPZ_ENOSPACE ? "nothing was written: the disk is full"
                                  : "nothing was written: the store failed";
}

/* The writes an action promised will never be: say so instead. */
static void undo(struct mcpz_engine *engine, struct mcpz_held *held, mcpz_error error)
{
    if (held->action.kind == MCPZ_ACTION_REPLY) {
        held->action.reply.code = MCPZ_CODE_STORE_FAILED;
        held->action.reply.text = mcpz_text(failure_text(error));
        act(engine, &held->action);
        return;
    }
    for (size_t i = 0; i < held->link_count && held->admits; i++) {
        struct mcpz_link_row *row = mcpz_link_rows_find(engine, held->links[i]);
        if (row != NULL) {
            mcpz_link_rows_close(engine, row, MCPZ_DOWN_CLOSED, failure_text(error));
        }
    }
}

static struct mcpz_held *pop_held(struct mcpz_engine *engine)
{
    struct mcpz_held *held = engine->held_first;

    engine->held_first = held->next;
    if (engine->held_first == NULL) {
        engine->held_last = NULL;
    }
    engine->held_bytes -= held->length;
    return held;
}

void mcpz_outbound_settle(struct mcpz_engine *engine, uint64_t batch)
{
    for (struct mcpz_held *held = engine->held_first; held != NULL; held = held->next) {
        if (held->batch == 0) {
            held->batch = batch;
        }
    }
}

bool mcpz_outbound_is_unsettled(const struct mcpz_engine *engine)
{
    return engine->held_last != NULL && engine->held_last->batch == 0;
}

void mcpz_outbound_release(struct mcpz_engine *engine)
{
    const struct mcpz_kv_progress *progress = &engine->progress;

    while (engine->held_first != NULL && engine->held_first->batch != 0) {
        uint64_t batch = engine->held_first->batch;
        bool failed = batch > progress->durable && batch <= progress->failed;
        if (batch > progress->durable && !failed) {
            break;
        }
        struct mcpz_held *held = pop_held(engine);
        if (failed) {
            undo(engine, held, progress->error);
        } else {
            let_out(engine, held);
        }
        free(held);
    }
}

void mcpz_outbound_clear(struct mcpz_engine *engine)
{
    while (engine->held_first != NULL) {
        free(pop_held(engine));
    }
}

/* ---- Sending ------------------------------------------------------------------------------ */

/* The links of a SEND that stand; ourselves is a link too, which needs no link. */
static size_t find_links(struct mcpz_engine *engine, const struct mcpz_action_send *send,
                         mcpz_link *links, bool *to_self)
{
    size_t count = 0;

    *to_self = false;
    for (size_t i = 0; i < send->peer_count; i++) {
        if (mcpz_id_equal(&send->peers[i], mcpz_identity_id(engine->identity))) {
            *to_self = true;
            continue;
        }
        const struct mcpz_link_row *row = mcpz_link_rows_of(engine, &send->peers[i]);
        if (row == NULL) {
            engine->counters.messages_dropped++;
        } else if (count < MCPZ_LINKS_MAX) {
            links[count++] = row->id;
        }
    }
    return count;
}

static void send_encoded(struct mcpz_engine *engine, const struct mcpz_action *action,
                         struct mcpz_bytes message)
{
    mcpz_link links[MCPZ_LINKS_MAX];
    bool to_self;
    size_t count = find_links(engine, &action->send, links, &to_self);

    if (to_self) {
        /* Windows and call counts bound what is on its way to ourselves. */
        mcpz_error error = mcpz_lane_push(&engine->loopback, message, SIZE_MAX);
        assert(error == MCPZ_OK);
    }
    if (action->durable) {
        struct mcpz_held *held = count > 0 ? hold(engine, action, message) : NULL;
        if (held != NULL) {
            memcpy(held->links, links, count * sizeof(links[0]));
            held->link_count = count;
        } else {
            engine->counters.messages_dropped += count;
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct mcpz_link_row *row = mcpz_link_rows_find(engine, links[i]);
        if (row != NULL && row->state == MCPZ_LINK_ADMITTED) {
            mcpz_link_rows_push(engine, row, (uint32_t)action->send.msg.kind, message);
        }
    }
}

static void send(struct mcpz_engine *engine, const struct mcpz_action *action)
{
    uint8_t *buffer = engine->scratch->encoded;
    size_t length;

    if (action->send.peer_count == 0) {
        return;
    }
    mcpz_error error =
        mcpz_msg_encode(&action->send.msg, buffer, sizeof(engine->scratch->encoded), &length);
    assert(error == MCPZ_OK); /* MCPZ_MSG_BYTES_MAX holds any message */
    send_encoded(engine, action, mcpz_bytes(buffer, length));
}

void mcpz_outbound_hold_admit(struct mcpz_engine *engine, struct mcpz_link_row *row,
                              const struct mcpz_msg *msg)
{
    struct mcpz_action action = {.kind = MCPZ_ACTION_SEND, .send = {.msg = *msg}};
    size_t length;

    mcpz_error error =
        mcpz_msg_encode(msg, engine->scratch->encoded, sizeof(engine->scratch->encoded), &length);
    assert(error == MCPZ_OK);
    struct mcpz_held *held = hold(engine, &action, mcpz_bytes(engine->scratch->encoded, length));
    if (held == NULL) {
        mcpz_link_rows_close(engine, row, MCPZ_DOWN_FULL, "this node is too busy: try again");
        return;
    }
    held->links[0] = row->id;
    held->link_count = 1;
    held->admits = true;
}

/* ---- Replies ------------------------------------------------------------------------------ */

static void reply(struct mcpz_engine *engine, const struct mcpz_action *action)
{
    if (!action->durable) {
        act(engine, action);
        return;
    }
    if (hold(engine, action, action->reply.text) == NULL) {
        struct mcpz_action refused = *action;
        refused.reply.code = MCPZ_CODE_BUSY;
        refused.reply.text = mcpz_text("written, but too much waits for the disk to say when");
        act(engine, &refused);
    }
}

void mcpz_outbound_reply(struct mcpz_engine *engine, uint64_t request, uint32_t code,
                         const char *text)
{
    struct mcpz_action action = {
        .kind = MCPZ_ACTION_REPLY,
        .durable = true,
        .reply = {.request = request, .code = code, .text = mcpz_text(text)},
    };
    reply(engine, &action);
}

/* ---- Actions ------------------------------------------------------------------------------ */

static void unlink_peer(struct mcpz_engine *engine, const struct mcpz_action *action)
{
    struct mcpz_link_row *row = mcpz_link_rows_of(engine, &action->unlink.peer);
    if (row == NULL) {
        return;
    }
    if (action->unlink.reason == MCPZ_DOWN_FULL) {
        mcpz_link_rows_send(
            engine, row,
            &(struct mcpz_msg){
                .kind = MCPZ_MSG_REFUSE,
                .refuse = {.code = MCPZ_CODE_LIMIT, .text = mcpz_text("no more links are wanted")},
            });
    }
    /* The core has let go of it already: it is not told again. */
    row->state = MCPZ_LINK_ADMITTING;
    mcpz_link_rows_close(engine, row, action->unlink.reason,
                         action->unlink.reason == MCPZ_DOWN_SILENT ? "silent for too long"
                                                                   : "no more links are wanted");
}

/* Whom we have met is kept, so that a restart finds the mesh without its seeds. */
static void remember_peer(struct mcpz_engine *engine, const struct mcpz_fact *fact)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_PEER,
        .peer = {.id = fact->about, .address = fact->detail},
    };

    if (fact->kind == MCPZ_FACT_ALIVE && fact->detail.length > 0) {
        engine->store.put(engine->store.context, &record);
    } else if (fact->kind == MCPZ_FACT_LEFT) {
        engine->store.remove(engine->store.context, &record);
    }
}

void mcpz_outbound_action(struct mcpz_engine *engine, const struct mcpz_action *action)
{
    switch (action->kind) {
    case MCPZ_ACTION_SEND:
        send(engine, action);
        break;
    case MCPZ_ACTION_NONE:
        break;
    case MCPZ_ACTION_BROADCAST:
    case MCPZ_ACTION_REACH:
    case MCPZ_ACTION_CALL:
        assert(false); /* they have sunk */
        break;
    case MCPZ_ACTION_UNLINK:
        unlink_peer(engine, action);
        break;
    case MCPZ_ACTION_REPLY:
        reply(engine, action);
        break;
    case MCPZ_ACTION_FACT:
        remember_peer(engine, &action->fact);
        act(engine, action);
        break;
    case MCPZ_ACTION_DIAL:
        engine->counters.dials++;
        act(engine, action);
        break;
    case MCPZ_ACTION_TASK_PULL:
    case MCPZ_ACTION_TASK_RETRY:
    case MCPZ_ACTION_TASK_OUTPUT:
    case MCPZ_ACTION_TASK_DONE:
    case MCPZ_ACTION_RUN_START:
    case MCPZ_ACTION_RUN_INPUT:
    case MCPZ_ACTION_RUN_INPUT_END:
    case MCPZ_ACTION_RUN_PULL:
    case MCPZ_ACTION_RUN_STOP:
    case MCPZ_ACTION_RUN_GO:
        act(engine, action);
        break;
    }
}
