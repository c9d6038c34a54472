/* Actions to frames and replies; and what must wait for the disk. */

#include <assert.h>
#include <stdlib.h>

#include "engine/internal.h"
#include "wire/codec.h"

/* ---- Held --------------------------------------------------------------------------------- */

/* What a held one needs beside itself. */
struct burden {
    const mcpz_link *links;
    size_t link_count;
    struct mcpz_bytes bytes; /* a message, a text, or rows */
};

static uint8_t *bytes_of(struct mcpz_held *held)
{
    return (uint8_t *)&held->links[held->link_count];
}

/* Room for an action that waits, and for what it needs. NULL: too much waits already. */
static struct mcpz_held *hold(struct mcpz_engine *engine, enum mcpz_action_kind kind,
                              const struct burden *burden)
{
    const size_t links_size = burden->link_count * sizeof(mcpz_link);

    if (engine->held_bytes + burden->bytes.length > MCPZ_HELD_BYTES_MAX) {
        return NULL;
    }
    struct mcpz_held *held = malloc(sizeof(*held) + links_size + burden->bytes.length);
    if (held == NULL) {
        return NULL;
    }
    *held = (struct mcpz_held){
        .kind = kind,
        .link_count = burden->link_count,
        .length = burden->bytes.length,
    };
    if (links_size > 0) {
        memcpy(held->links, burden->links, links_size);
    }
    if (held->length > 0) {
        memcpy(bytes_of(held), burden->bytes.data, held->length);
    }
    if (engine->held_last != NULL) {
        engine->held_last->next = held;
    } else {
        engine->held_first = held;
    }
    engine->held_last = held;
    if (engine->held_unsettled == NULL) {
        engine->held_unsettled = held;
    }
    engine->held_bytes += held->length;
    return held;
}

static void act(struct mcpz_engine *engine, const struct mcpz_action *action)
{
    engine->ports.act(engine->ports.context, action);
}

static void act_reply(struct mcpz_engine *engine, const struct mcpz_action_reply *reply)
{
    act(engine, &(struct mcpz_action){.kind = MCPZ_ACTION_REPLY, .reply = *reply});
}

static const struct mcpz_task_taken *rows_of(struct mcpz_held *held, size_t *count)
{
    *count = held->length / sizeof(struct mcpz_task_taken);
    return (const struct mcpz_task_taken *)(const void *)bytes_of(held);
}

static void let_out_message(struct mcpz_engine *engine, struct mcpz_held *held)
{
    for (size_t i = 0; i < held->link_count; i++) {
        struct mcpz_link_row *row = mcpz_link_rows_find(engine, held->links[i]);
        if (row == NULL || row->state >= MCPZ_LINK_GIVING_WAY) {
            engine->counters.messages_dropped++;
            continue;
        }
        mcpz_link_rows_push(engine, row, held->msg_kind, mcpz_bytes(bytes_of(held), held->length));
        if (held->admits && row->state == MCPZ_LINK_ADMITTING) {
            mcpz_link_rows_admit(engine, row);
        }
    }
}

static void let_out(struct mcpz_engine *engine, struct mcpz_held *held)
{
    if (held->kind == MCPZ_ACTION_REPLY) {
        held->reply.text = mcpz_bytes(bytes_of(held), held->length);
        act_reply(engine, &held->reply);
    } else if (held->kind == MCPZ_ACTION_TAKEN) {
        struct mcpz_action action = {.kind = MCPZ_ACTION_TAKEN};
        action.taken.rows = rows_of(held, &action.taken.count);
        act(engine, &action);
    } else {
        let_out_message(engine, held);
    }
}

static const char *failure_text(mcpz_error error)
{
    return error == MCPZ_ENOSPACE ? "nothing was written: the disk is full"
                                  : "nothing was written: the store failed";
}

/* Each is told by itself: what was said of all is not so. */
static void reply_to_all(struct mcpz_engine *engine, const struct mcpz_task_taken *rows,
                         size_t count, uint32_t code, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        act_reply(engine, &(struct mcpz_action_reply){
                              .request = rows[i].number, .code = code, .text = mcpz_text(text)});
    }
}

/* The writes an action promised will never be: say so instead. */
static void undo(struct mcpz_engine *engine, struct mcpz_held *held, mcpz_error error)
{
    if (held->kind == MCPZ_ACTION_REPLY) {
        held->reply.code = MCPZ_CODE_STORE_FAILED;
        held->reply.text = mcpz_text(failure_text(error));
        act_reply(engine, &held->reply);
    } else if (held->kind == MCPZ_ACTION_TAKEN) {
        size_t count;
        const struct mcpz_task_taken *rows = rows_of(held, &count);
        reply_to_all(engine, rows, count, MCPZ_CODE_STORE_FAILED, failure_text(error));
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
    if (engine->held_unsettled == held) {
        engine->held_unsettled = held->next;
    }
    engine->held_bytes -= held->length;
    return held;
}

void mcpz_outbound_settle(struct mcpz_engine *engine, uint64_t batch)
{
    for (struct mcpz_held *held = engine->held_unsettled; held != NULL; held = held->next) {
        held->batch = batch;
    }
    engine->held_unsettled = NULL;
}

bool mcpz_outbound_is_unsettled(const struct mcpz_engine *engine)
{
    return engine->held_unsettled != NULL;
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
        const struct mcpz_link_row *row = mcpz_link_rows_to(engine, &send->peers[i]);
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
        const struct burden burden = {links, count, message};
        struct mcpz_held *held = count > 0 ? hold(engine, MCPZ_ACTION_SEND, &burden) : NULL;
        if (held != NULL) {
            held->msg_kind = (uint32_t)action->send.msg.kind;
        } else {
            engine->counters.messages_dropped += count;
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct mcpz_link_row *row = mcpz_link_rows_find(engine, links[i]);
        if (row != NULL && (row->state == MCPZ_LINK_ADMITTED || row->state == MCPZ_LINK_RELAYED)) {
            mcpz_link_rows_push(engine, row, (uint32_t)action->send.msg.kind, message);
        }
    }
}

/* Deltas are signed and packed when the turn ends. */
static void send_delta(struct mcpz_engine *engine, const struct mcpz_action_send *send)
{
    mcpz_link links[MCPZ_LINKS_MAX];
    bool to_self;
    size_t count = find_links(engine, send, links, &to_self);

    if (count > 0) {
        mcpz_outgoing_add(engine, links, count, &send->msg.delta.delta);
    }
}

/* What is said of documents comes behind the deltas that were sent before it. */
static bool follows_deltas(enum mcpz_msg_kind kind)
{
    return kind > MCPZ_MSG_TASK_KEPT_ALL;
}

static void send(struct mcpz_engine *engine, const struct mcpz_action *action)
{
    uint8_t *buffer = engine->scratch->encoded;
    size_t length;

    if (action->send.peer_count == 0) {
        return;
    }
    if (action->send.msg.kind == MCPZ_MSG_DELTA) {
        send_delta(engine, &action->send);
        return;
    }
    if (action->send.msg.kind == MCPZ_MSG_AGREED) {
        mcpz_transfers_offer(engine, &action->send.peers[0], &action->send.msg.agreed.document);
        return;
    }
    if (action->durable && follows_deltas(action->send.msg.kind)) {
        mcpz_outgoing_flush(engine);
    }
    mcpz_error error =
        mcpz_msg_encode(&action->send.msg, buffer, sizeof(engine->scratch->encoded), &length);
    assert(error == MCPZ_OK); /* MCPZ_MSG_BYTES_MAX holds any message */
    send_encoded(engine, action, mcpz_bytes(buffer, length));
}

void mcpz_outbound_hold(struct mcpz_engine *engine, const struct mcpz_msg *msg,
                        const struct mcpz_link_set *route)
{
    size_t length;

    mcpz_error error =
        mcpz_msg_encode(msg, engine->scratch->encoded, sizeof(engine->scratch->encoded), &length);
    assert(error == MCPZ_OK); /* MCPZ_MSG_BYTES_MAX holds any message */
    const struct burden burden = {route->links, route->count,
                                  mcpz_bytes(engine->scratch->encoded, length)};
    struct mcpz_held *held = hold(engine, MCPZ_ACTION_SEND, &burden);
    if (held != NULL) {
        held->msg_kind = (uint32_t)msg->kind;
    } else {
        engine->counters.messages_dropped += route->count;
    }
}

void mcpz_outbound_hold_admit(struct mcpz_engine *engine, struct mcpz_link_row *row,
                              const struct mcpz_msg *msg)
{
    size_t length;

    mcpz_error error =
        mcpz_msg_encode(msg, engine->scratch->encoded, sizeof(engine->scratch->encoded), &length);
    assert(error == MCPZ_OK);
    const struct burden burden = {&row->id, 1, mcpz_bytes(engine->scratch->encoded, length)};
    struct mcpz_held *held = hold(engine, MCPZ_ACTION_SEND, &burden);
    if (held == NULL) {
        mcpz_link_rows_close(engine, row, MCPZ_DOWN_FULL, "this node is too busy: try again");
        return;
    }
    held->msg_kind = (uint32_t)msg->kind;
    held->admits = true;
}

/* ---- Replies ------------------------------------------------------------------------------ */

#define TOO_MUCH_WAITS "written, but too much waits for the disk to say when"

static void reply(struct mcpz_engine *engine, const struct mcpz_action_reply *said, bool durable)
{
    const struct burden burden = {NULL, 0, said->text};
    struct mcpz_held *held = durable ? hold(engine, MCPZ_ACTION_REPLY, &burden) : NULL;

    if (held != NULL) {
        held->reply = *said;
        return;
    }
    struct mcpz_action_reply now = *said;
    if (durable) {
        now.code = MCPZ_CODE_BUSY;
        now.text = mcpz_text(TOO_MUCH_WAITS);
    }
    act_reply(engine, &now);
}

void mcpz_outbound_reply(struct mcpz_engine *engine, uint64_t request, uint32_t code,
                         const char *text)
{
    reply(engine,
          &(struct mcpz_action_reply){.request = request, .code = code, .text = mcpz_text(text)},
          true);
}

static void tell_taken(struct mcpz_engine *engine, const struct mcpz_action *action)
{
    const size_t size = action->taken.count * sizeof(action->taken.rows[0]);
    const struct burden burden = {NULL, 0, mcpz_bytes(action->taken.rows, size)};

    assert(action->durable);
    if (hold(engine, MCPZ_ACTION_TAKEN, &burden) == NULL) {
        reply_to_all(engine, action->taken.rows, action->taken.count, MCPZ_CODE_BUSY,
                     TOO_MUCH_WAITS);
    }
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

/*
 * Whom we have met is kept, so that a restart finds the mesh without its seeds; whom nobody can
 * dial too, as it is one of those that must be heard before anything is dropped for good
 * (engine/agreement.h).
 */
static void remember_peer(struct mcpz_engine *engine, const struct mcpz_fact *fact)
{
    if (fact->kind != MCPZ_FACT_ALIVE && fact->kind != MCPZ_FACT_LEFT) {
        return;
    }
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_PEER,
        .peer = {.id = fact->about, .address = fact->detail},
    };
    struct mcpz_record known = {.kind = MCPZ_RECORD_PEER, .peer = {.id = fact->about}};
    const struct mcpz_members *members = &engine->node.fabric.members;
    const struct mcpz_member *member = mcpz_members_find(members, &fact->about);

    if (fact->kind == MCPZ_FACT_ALIVE) {
        if (member != NULL) {
            record.peer.name = mcpz_roster_name(&members->roster, member); /* for people */
        }
        /* An address that is known is better than none. */
        if (fact->detail.length > 0 ||
            engine->store.get(engine->store.context, &known) == MCPZ_ENOTFOUND) {
            engine->store.put(engine->store.context, &record);
        }
    } else {
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
    case MCPZ_ACTION_LETTER:
        mcpz_letters_take(engine, &action->letter);
        break;
    case MCPZ_ACTION_UNLINK:
        unlink_peer(engine, action);
        break;
    case MCPZ_ACTION_REPLY:
        reply(engine, &action->reply, action->durable);
        break;
    case MCPZ_ACTION_TAKEN:
        tell_taken(engine, action);
        break;
    case MCPZ_ACTION_FACT:
        remember_peer(engine, &action->fact);
        mcpz_letters_fact(engine, &action->fact);
        engine->counters.forks_found += action->fact.kind == MCPZ_FACT_AGENT_FORKED ? 1 : 0;
        act(engine, action);
        break;
    case MCPZ_ACTION_DIAL:
        if (!engine->revocations.are_we) { /* nobody would let us in */
            engine->counters.dials++;
            act(engine, action);
        }
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
