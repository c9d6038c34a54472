#include "core/relay/sessions.h"

#include <string.h>

struct mcpz_carrier_sight mcpz_sessions_sight(const struct mcpz_relay_turn *turn)
{
    return (struct mcpz_carrier_sight){
        .links = &turn->fabric->links,
        .roster = &turn->fabric->members.roster,
        .now = turn->now,
    };
}

uint32_t mcpz_sessions_keys(const struct mcpz_relay *relay,
                            const struct mcpz_relay_session *session, bool next)
{
    return 2 * (uint32_t)(session - relay->sessions) + (session->bank ^ (next ? 1U : 0U));
}

struct mcpz_relay_session *mcpz_sessions_find(struct mcpz_relay *relay, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        struct mcpz_relay_session *session = &relay->sessions[i];
        if (session->state != MCPZ_RELAY_FREE && mcpz_id_equal(&session->peer, peer)) {
            return session;
        }
    }
    return NULL;
}

struct mcpz_relay_session *mcpz_sessions_find_short(struct mcpz_relay *relay,
                                                    struct mcpz_short name, uint64_t number)
{
    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        struct mcpz_relay_session *session = &relay->sessions[i];
        bool is_it = session->way.session == number || session->next.session == number;
        if (session->state != MCPZ_RELAY_FREE && is_it &&
            mcpz_short_of(&session->peer).value == name.value) {
            return session;
        }
    }
    return NULL;
}

void mcpz_sessions_forget_keys(struct mcpz_relay *relay, const struct mcpz_relay_session *session,
                               bool next)
{
    relay->config.sealer.forget(relay->config.sealer.context,
                                mcpz_sessions_keys(relay, session, next));
}

void mcpz_sessions_release(struct mcpz_relay *relay, struct mcpz_relay_session *session)
{
    mcpz_sessions_forget_keys(relay, session, false);
    mcpz_sessions_forget_keys(relay, session, true);
    *session = (struct mcpz_relay_session){.state = MCPZ_RELAY_FREE};
    relay->count--;
}

void mcpz_sessions_let_go(struct mcpz_relay *relay, struct mcpz_relay_session *session,
                          struct mcpz_outbox *out)
{
    const struct mcpz_id peer = session->peer;
    const bool was_up = session->was_up;

    mcpz_sessions_release(relay, session);
    if (was_up) {
        mcpz_sessions_tell(MCPZ_FACT_UNRELAYED, &peer, 0, out);
    }
}

struct mcpz_relay_session *mcpz_sessions_take(struct mcpz_relay *relay, const struct mcpz_id *peer,
                                              mcpz_time now, struct mcpz_outbox *out)
{
    struct mcpz_relay_session *place = NULL;

    for (size_t i = 0; i < relay->config.sessions_max; i++) {
        struct mcpz_relay_session *session = &relay->sessions[i];
        if (session->state == MCPZ_RELAY_FREE) {
            place = session;
            break;
        }
        bool may_go =
            (session->state == MCPZ_RELAY_GREETED_US || session->state == MCPZ_RELAY_UP) &&
            !session->needed;
        if (may_go && (place == NULL || session->used_us < place->used_us)) {
            place = session;
        }
    }
    if (place == NULL) {
        return NULL;
    }
    if (place->state != MCPZ_RELAY_FREE) {
        mcpz_sessions_let_go(relay, place, out);
    }
    *place = (struct mcpz_relay_session){.peer = *peer, .used_us = now};
    relay->count++;
    return place;
}

void mcpz_sessions_tell(enum mcpz_fact_kind kind, const struct mcpz_id *about, uint32_t reason,
                        struct mcpz_outbox *out)
{
    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = kind, .about = *about, .reason = reason});
}

void mcpz_sessions_end(struct mcpz_relay *relay, struct mcpz_relay_session *session,
                       struct mcpz_outbox *out)
{
    const struct mcpz_id peer = session->peer;
    const bool was_up = session->was_up;
    const bool was_awaited =
        session->state == MCPZ_RELAY_WANTED || session->state == MCPZ_RELAY_GREETING;

    mcpz_sessions_release(relay, session);
    if (was_up) {
        relay->broken++;
        mcpz_sessions_tell(MCPZ_FACT_UNRELAYED, &peer, 0, out);
    }
    if (was_awaited) {
        mcpz_sessions_tell(MCPZ_FACT_UNREACHABLE, &peer, MCPZ_UNREACHABLE_SILENT, out);
    }
}

void mcpz_sessions_end_all(struct mcpz_relay *relay, struct mcpz_outbox *out)
{
    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        if (relay->sessions[i].state != MCPZ_RELAY_FREE) {
            mcpz_sessions_end(relay, &relay->sessions[i], out);
        }
    }
}

/* The way of a message may not change any more in this step, and sessions do. */
bool mcpz_sessions_send(struct mcpz_relay_turn *turn, const struct mcpz_relay_way *way,
                        enum mcpz_relay_kind kind, struct mcpz_bytes bytes)
{
    const struct mcpz_carrier_sight sight = mcpz_sessions_sight(turn);
    struct mcpz_short *path = mcpz_arena_take(&turn->out->arena, way->path_count, sizeof(*path));

    if (path == NULL) {
        return false;
    }
    memcpy(path, way->path, way->path_count * sizeof(*path));
    return mcpz_carrier_send(&turn->relay->carrier, &sight,
                             &(struct mcpz_msg_relay){
                                 .kind = (uint32_t)kind,
                                 .session = way->session,
                                 .at = 1,
                                 .path = path,
                                 .path_count = way->path_count,
                                 .bytes = bytes,
                             },
                             turn->out);
}

void mcpz_sessions_turn_back(struct mcpz_relay_turn *turn, const struct mcpz_msg_relay *message)
{
    const struct mcpz_carrier_sight sight = mcpz_sessions_sight(turn);

    mcpz_carrier_turn_back(&turn->relay->carrier, &sight, message, turn->out);
}
