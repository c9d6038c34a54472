#include <assert.h>
#include <stdlib.h>

#include "engine/internal.h"
#include "wire/codec.h"

#define NEAR_US MCPZ_MS(2)           /* round trip of a link within a machine room */
#define GIVES_WAY_US MCPZ_SECONDS(1) /* what the other end says meanwhile it may say here */

/* Of data in a frame. The other end takes a frame in as a whole, and all others wait meanwhile:
 * of so many bytes of deltas some 3 ms, and 10 of as many as there is room for. To answer a WANT,
 * with a few deltas that lie in batches of their own, costs as much as so many bytes of them. */
#define DATA_BYTES_ENOUGH 16384
#define WANT_BYTES 1024

/* ---- The table ---------------------------------------------------------------------------- */

struct mcpz_link_row *mcpz_link_rows_find(struct mcpz_engine *engine, mcpz_link link)
{
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX && link != 0; i++) {
        if (engine->links[i].id == link) {
            return &engine->links[i];
        }
    }
    for (size_t i = 0; i < MCPZ_RELAY_SESSIONS_MAX && link != 0; i++) {
        if (engine->relayed[i].id == link) {
            return &engine->relayed[i];
        }
    }
    return NULL;
}

struct mcpz_link_row *mcpz_link_rows_of(struct mcpz_engine *engine, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX; i++) {
        struct mcpz_link_row *row = &engine->links[i];
        if (row->id != 0 && row->state == MCPZ_LINK_ADMITTED && mcpz_id_equal(&row->peer, peer)) {
            return row;
        }
    }
    return NULL;
}

struct mcpz_link_row *mcpz_link_rows_to(struct mcpz_engine *engine, const struct mcpz_id *peer)
{
    struct mcpz_link_row *row = mcpz_link_rows_of(engine, peer);

    return row != NULL ? row : mcpz_letters_row(engine, peer);
}

void mcpz_link_rows_close(struct mcpz_engine *engine, struct mcpz_link_row *row,
                          enum mcpz_link_down_reason reason, const char *why)
{
    bool was_known = row->state == MCPZ_LINK_ADMITTED;

    if (row->state == MCPZ_LINK_CLOSING || row->state == MCPZ_LINK_RELAYED) {
        return;
    }
    /* The row stays until the host has sent what is queued and says that it is closed. */
    row->state = MCPZ_LINK_CLOSING;
    row->admit_by_us = MCPZ_TIME_NEVER;
    engine->ports.close(engine->ports.context, row->id, why);
    if (was_known && reason != MCPZ_DOWN_DUPLICATE) {
        row->down_reason = reason;
        engine->has_fallen = true;
        mcpz_engine_follow_up(engine);
    }
}

static bool is_being_admitted(const struct mcpz_engine *engine, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX; i++) {
        const struct mcpz_link_row *row = &engine->links[i];
        if (row->id != 0 && row->state == MCPZ_LINK_GREETING && mcpz_id_equal(&row->peer, peer)) {
            return true;
        }
    }
    return false;
}

/* A link the core still holds, which had given way to a connection that came to nothing. */
static bool is_orphaned(struct mcpz_engine *engine, const struct mcpz_id *peer)
{
    return mcpz_link_rows_of(engine, peer) == NULL &&
           mcpz_links_find(&engine->node.fabric.links, peer) != NULL;
}

/*
 * Of two connections the peer may have closed one while the other, which stays, is not admitted
 * here yet. So as long as one is in the making the core is not told: its link will be carried by
 * that, or is lost when that fails.
 */
void mcpz_link_rows_lose(struct mcpz_engine *engine, struct mcpz_link_row *row,
                         enum mcpz_link_down_reason reason)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_LINK_DOWN,
        .link = {.peer = row->peer, .reason = reason},
    };
    bool was_known = row->state == MCPZ_LINK_ADMITTED;

    mcpz_lane_clear(&row->control);
    mcpz_lane_clear(&row->data);
    free(row->told);
    row->told = NULL;
    row->id = 0;
    if (reason == MCPZ_DOWN_CLOSED && is_being_admitted(engine, &row->peer)) {
        return;
    }
    if (was_known || is_orphaned(engine, &row->peer)) {
        mcpz_engine_dispatch(engine, &event);
    }
}

/* Heartbeats and news never wait behind what people send. */
static bool is_control(uint32_t kind)
{
    switch (kind) {
    case MCPZ_MSG_OPEN:
    case MCPZ_MSG_DATA:
    case MCPZ_MSG_END:
    case MCPZ_MSG_FAIL:
    case MCPZ_MSG_CANCEL:
    case MCPZ_MSG_RELAY:
    case MCPZ_MSG_BATCH:
    case MCPZ_MSG_AUTHOR:
    case MCPZ_MSG_FOLD:
    case MCPZ_MSG_FOLDED:
    case MCPZ_MSG_AGREED:
    case MCPZ_MSG_FORGET:
    case MCPZ_MSG_FORGET_ANSWER:
    case MCPZ_MSG_BASE:
    case MCPZ_MSG_WANT:
    case MCPZ_MSG_BRANCHES:
    case MCPZ_MSG_FETCH:
    case MCPZ_MSG_TASK_KEEP:
    case MCPZ_MSG_TASK_MOVED:
    case MCPZ_MSG_TASK_KEPT:
    case MCPZ_MSG_TASK_LACK:
    case MCPZ_MSG_TASK_YIELD:
    case MCPZ_MSG_TASK_DROP:
    case MCPZ_MSG_TASK_UNABLE:
    case MCPZ_MSG_TASK_CHECK:
    case MCPZ_MSG_TASK_STANDS:
    case MCPZ_MSG_TASK_KEEP_NEW:
    case MCPZ_MSG_TASK_KEPT_ALL:
    case MCPZ_MSG_LAYOUT:
    case MCPZ_MSG_REVOKED:
    case MCPZ_MSG_ACK_ASK: /* behind the delta it asks about */
    case MCPZ_MSG_PULL:    /* behind WANTs */
    case MCPZ_MSG_PULLED:
    case MCPZ_MSG_ROOT:
    case MCPZ_MSG_CHANGES_ASK:
    case MCPZ_MSG_CHANGES:
    case MCPZ_MSG_OFFER:
    case MCPZ_MSG_SKETCH_ASK:
    case MCPZ_MSG_SKETCH:
    case MCPZ_MSG_HORIZON: /* before all other words about documents */
    case MCPZ_MSG_CHECK:
    case MCPZ_MSG_UNKNOWN:
    case MCPZ_MSG_HANDOVER: /* behind deltas */
    case MCPZ_MSG_READ:     /* behind WANTs */
    case MCPZ_MSG_READING:  /* behind deltas */
        return false;
    default:
        return true;
    }
}

void mcpz_link_rows_push(struct mcpz_engine *engine, struct mcpz_link_row *row, uint32_t kind,
                         struct mcpz_bytes message)
{
    if (row->state == MCPZ_LINK_RELAYED) {
        mcpz_letters_push(engine, row, kind, message);
        return;
    }
    bool control = is_control(kind);
    bool was_idle = mcpz_lane_is_empty(&row->control) && mcpz_lane_is_empty(&row->data);
    mcpz_error error = control
                           ? mcpz_lane_push(&row->control, message, MCPZ_CONTROL_LANE_BYTES_MAX)
                           : mcpz_lane_push(&row->data, message, MCPZ_DATA_LANE_BYTES_MAX);
    if (error != MCPZ_OK) {
        engine->counters.links_slow++;
        mcpz_lane_clear(&row->control);
        mcpz_lane_clear(&row->data);
        mcpz_link_rows_close(engine, row, MCPZ_DOWN_SLOW, "does not take what is sent");
        return;
    }
    engine->counters.messages_out++;
    engine->sent[kind].messages++;
    engine->sent[kind].bytes += message.length;
    if (was_idle) {
        engine->ports.wake(engine->ports.context, row->id);
    }
}

void mcpz_link_rows_send(struct mcpz_engine *engine, struct mcpz_link_row *row,
                         const struct mcpz_msg *msg)
{
    size_t length;
    mcpz_error error =
        mcpz_msg_encode(msg, engine->scratch->encoded, sizeof(engine->scratch->encoded), &length);
    assert(error == MCPZ_OK);
    mcpz_link_rows_push(engine, row, (uint32_t)msg->kind,
                        mcpz_bytes(engine->scratch->encoded, length));
}

/* ---- Admitted ----------------------------------------------------------------------------- */

/*
 * Of two links between the same nodes, both ends keep the one that the smaller id dialled; of two
 * dialled by the same end, the newer, since an end dials again only when it has lost the first.
 */
static bool is_kept(const struct mcpz_engine *engine, const struct mcpz_link_row *newer,
                    const struct mcpz_link_row *older)
{
    bool newer_is_ours = newer->dialled[0] != '\0';
    bool older_is_ours = older->dialled[0] != '\0';
    bool we_are_smaller = mcpz_id_compare(mcpz_identity_id(engine->identity), &newer->peer) < 0;

    return newer_is_ours == older_is_ours || newer_is_ours == we_are_smaller;
}

void mcpz_link_rows_admit(struct mcpz_engine *engine, struct mcpz_link_row *row)
{
    struct mcpz_link_row *older = mcpz_link_rows_of(engine, &row->peer);
    char address[MCPZ_ADDRESS_BYTES_MAX + 1];
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_LINK_UP,
        .link = {.peer = row->peer, .dialled = row->dialled[0] != '\0'},
    };

    memcpy(address, row->dialled, sizeof(address));
    event.link.address = mcpz_text(address);
    row->state = MCPZ_LINK_ADMITTED;
    row->admit_by_us = MCPZ_TIME_NEVER;
    engine->counters.links_admitted++;
    if (older != NULL && older != row) {
        engine->counters.links_duplicate++;
        if (!is_kept(engine, row, older)) {
            mcpz_link_rows_close(engine, row, MCPZ_DOWN_DUPLICATE, MCPZ_WHY_DUPLICATE);
            return; /* nothing has changed: what went over the older one is not lost */
        }
        older->state = MCPZ_LINK_GIVING_WAY;
        older->admit_by_us = engine->now + GIVES_WAY_US;
    }
    mcpz_engine_dispatch(engine, &event);
    if (row->state == MCPZ_LINK_ADMITTED) {
        mcpz_revocations_greet(engine, row);
    }
}

/* ---- What the host calls ------------------------------------------------------------------ */

mcpz_error mcpz_engine_link_opened(struct mcpz_engine *engine, const struct mcpz_id *peer,
                                   const uint8_t *binding, struct mcpz_bytes dialled,
                                   mcpz_link *link)
{
    assert(engine->in_turn);
    assert(dialled.length <= MCPZ_ADDRESS_BYTES_MAX);

    for (size_t i = 0; i < MCPZ_CONNECTED_MAX; i++) {
        struct mcpz_link_row *row = &engine->links[i];
        if (row->id != 0) {
            continue;
        }
        *row = (struct mcpz_link_row){
            .id = ++engine->next_link,
            .state = MCPZ_LINK_GREETING,
            .peer = *peer,
            .admit_by_us = engine->now + MCPZ_ADMIT_WITHIN_US,
        };
        memcpy(row->binding, binding, MCPZ_BINDING_BYTES);
        mcpz_bytes_to_text(dialled, row->dialled, sizeof(row->dialled));
        *link = row->id;
        mcpz_admission_greet(engine, row);
        return MCPZ_OK;
    }
    engine->counters.links_refused_full++;
    return MCPZ_EFULL;
}

void mcpz_engine_link_closed(struct mcpz_engine *engine, mcpz_link link)
{
    assert(engine->in_turn);

    struct mcpz_link_row *row = mcpz_link_rows_find(engine, link);
    if (row == NULL) {
        return;
    }
    mcpz_link_rows_lose(engine, row, MCPZ_DOWN_CLOSED);
}

/*
 * Who has not admitted us would refuse a frame that needs a decompressor. Large messages are worth
 * it anywhere; many small ones only where bytes are dearer than the time it takes to squeeze them:
 * within a machine room they are not. Until a link's round trip is known it is taken for short:
 * so a mesh within one never makes a compressor, which is as large as a dozen links.
 */
static enum mcpz_compress compression_for(struct mcpz_engine *engine,
                                          const struct mcpz_link_row *row)
{
    const struct mcpz_linked *link = mcpz_links_find(&engine->node.fabric.links, &row->peer);

    if (!row->peer_is_ready) {
        return MCPZ_COMPRESS_NOTHING;
    }
    return link != NULL && link->rtt_min_us >= NEAR_US ? MCPZ_COMPRESS_ALL : MCPZ_COMPRESS_LARGE;
}

/* What the other end has to do for it, as bytes of data. */
static size_t work_of(const struct mcpz_link_row *row, const struct mcpz_lane *lane,
                      struct mcpz_bytes message)
{
    if (lane == &row->control) {
        return 0;
    }
    return mcpz_inbound_kind(message) == MCPZ_MSG_WANT ? WANT_BYTES : message.length;
}

struct mcpz_bytes mcpz_engine_pull(struct mcpz_engine *engine, mcpz_link link)
{
    struct mcpz_link_row *row = mcpz_link_rows_find(engine, link);
    struct mcpz_framer *framer = engine->scratch->framer;

    if (row == NULL || !mcpz_engine_has_frames(engine, link)) {
        return mcpz_bytes(NULL, 0);
    }
    mcpz_framer_begin(framer);
    for (size_t work = 0; work < DATA_BYTES_ENOUGH;) {
        struct mcpz_lane *lane = mcpz_lane_is_empty(&row->control) ? &row->data : &row->control;
        struct mcpz_bytes message;
        if (!mcpz_lane_first(lane, &message) || !mcpz_framer_add(framer, message)) {
            break;
        }
        work += work_of(row, lane, message);
        mcpz_lane_drop(lane);
    }
    struct mcpz_bytes frame = mcpz_framer_finish(framer, compression_for(engine, row));
    engine->counters.frames_out++;
    engine->counters.bytes_out += frame.length;
    return frame;
}

bool mcpz_engine_has_frames(const struct mcpz_engine *engine, mcpz_link link)
{
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX && link != 0; i++) {
        const struct mcpz_link_row *row = &engine->links[i];
        if (row->id == link) {
            return mcpz_engine_may_speak(engine) &&
                   (!mcpz_lane_is_empty(&row->control) || !mcpz_lane_is_empty(&row->data));
        }
    }
    return false;
}

void mcpz_link_rows_wake_all(struct mcpz_engine *engine)
{
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX; i++) {
        if (mcpz_engine_has_frames(engine, engine->links[i].id)) {
            engine->ports.wake(engine->ports.context, engine->links[i].id);
        }
    }
}
