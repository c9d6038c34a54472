#include "core/relay/greeting.h"

#define PATIENCE_US MCPZ_SECONDS(2) /* for the answer to a greeting, stretched by our health */
#define WAY_AGAIN_US MCPZ_MS(500)   /* between two looks for a way where there was none */
#define GREETINGS_PER_SECOND_MAX 64 /* each costs some 0.2 ms of arithmetic */

/* ---- A way -------------------------------------------------------------------------------- */

void mcpz_greeting_avoid(struct mcpz_relay_session *session, struct mcpz_short from,
                         struct mcpz_short to)
{
    size_t at = session->avoid_count < MCPZ_RELAY_AVOID_MAX ? session->avoid_count++
                                                            : MCPZ_RELAY_AVOID_MAX - 1;
    session->avoid[at] = (struct mcpz_route_step){.from = from, .to = to};
}

static bool is_avoided(const struct mcpz_relay_session *session, struct mcpz_short from,
                       struct mcpz_short to)
{
    for (size_t i = 0; i < session->avoid_count; i++) {
        if (session->avoid[i].from.value == from.value && session->avoid[i].to.value == to.value) {
            return true;
        }
    }
    return false;
}

/* Over one of our own links, in the hope that it has one to the peer: it says so if not. */
static bool guess_way(struct mcpz_relay *relay, const struct mcpz_links *links,
                      struct mcpz_relay_session *session)
{
    const struct mcpz_short peer = mcpz_short_of(&session->peer);
    const uint32_t turn =
        links->count > 0 ? mcpz_rng_below(&relay->rng, (uint32_t)links->count) : 0;

    for (size_t i = 0; i < links->count; i++) {
        const struct mcpz_short name = mcpz_short_of(&links->links[(i + turn) % links->count].id);
        if (name.value != peer.value && !is_avoided(session, name, peer)) {
            session->way.path[0] = relay->carrier.self;
            session->way.path[1] = name;
            session->way.path[2] = peer;
            session->way.path_count = 3;
            return true;
        }
    }
    return false;
}

static bool find_way(struct mcpz_relay *relay, const struct mcpz_fabric *fabric,
                     struct mcpz_relay_session *session)
{
    const struct mcpz_roster *roster = &fabric->members.roster;
    const struct mcpz_member *row = mcpz_roster_find(roster, &session->peer);
    const struct mcpz_route_walk walk = {
        .turn = mcpz_rng_below(&relay->rng, MCPZ_ADJACENCY_MAX),
        .avoid = session->avoid,
        .avoid_count = session->avoid_count,
    };
    struct mcpz_route_map map;

    if (row == NULL) {
        return false;
    }
    const uint16_t at = (uint16_t)(row - roster->rows);
    mcpz_route_draw(&map, roster, &walk);
    if (!mcpz_route_leads_to(&map, at)) {
        return guess_way(relay, &fabric->links, session);
    }
    session->way.path_count = mcpz_route_trace(&map, roster, at, session->way.path);
    return session->way.path_count > 0;
}

/* ---- Greeting ----------------------------------------------------------------------------- */

/* One more greeting, on a way that has not failed yet. False: there is none. */
static bool greet(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session)
{
    struct mcpz_relay *relay = turn->relay;
    const struct mcpz_sealer *sealer = &relay->config.sealer;

    while (session->attempts < MCPZ_RELAY_ATTEMPTS_MAX && find_way(relay, turn->fabric, session)) {
        uint8_t *greeting = mcpz_arena_take(&turn->out->arena, MCPZ_GREETING_BYTES_MAX, 1);
        if (greeting == NULL) {
            return false;
        }
        session->attempts++;
        size_t length = sealer->begin(sealer->context, mcpz_sessions_keys(relay, session, false),
                                      &session->peer, greeting);
        if (length == 0) {
            return false;
        }
        session->state = MCPZ_RELAY_GREETING;
        session->is_ours = true;
        session->way.session = mcpz_rng_next(&relay->rng);
        session->act_at_us = turn->now + PATIENCE_US * (turn->fabric->links.health + 1);
        if (mcpz_sessions_send(turn, &session->way, MCPZ_RELAY_GREET,
                               mcpz_bytes(greeting, length))) {
            relay->begun++;
            return true;
        }
        mcpz_greeting_avoid(session, session->way.path[0], session->way.path[1]);
    }
    return false;
}

void mcpz_greeting_wait(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session)
{
    session->state = MCPZ_RELAY_WANTED;
    session->attempts = 0;
    session->avoid_count = 0;
    session->act_at_us = turn->now + WAY_AGAIN_US;
    if (session->act_at_us >= session->give_up_us) {
        mcpz_sessions_end(turn->relay, session, turn->out);
    }
}

void mcpz_greeting_begin(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session)
{
    const mcpz_time speaks_by_us = session->greeted_us + PATIENCE_US;

    if (session->next.path_count > 0 && turn->now < speaks_by_us) {
        session->state = MCPZ_RELAY_GREETED_US; /* what its peer says next is in a session */
        session->act_at_us = speaks_by_us;
        return;
    }
    session->next.path_count = 0;
    if (!greet(turn, session)) {
        mcpz_greeting_wait(turn, session);
    }
}

void mcpz_greeting_mend(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session)
{
    if (!session->is_ours || !session->needed) {
        mcpz_sessions_end(turn->relay, session, turn->out);
        return;
    }
    session->attempts = 0;
    session->give_up_us = turn->now + MCPZ_RELAY_WAY_US;
    mcpz_greeting_begin(turn, session);
}

/* ---- Being greeted ------------------------------------------------------------------------ */

static bool is_within_budget(struct mcpz_relay *relay, mcpz_time now)
{
    if (now >= relay->greetings_us + MCPZ_SECONDS(1)) {
        relay->greetings_us = now;
        relay->greetings = 0;
    }
    if (relay->greetings >= GREETINGS_PER_SECOND_MAX) {
        relay->over_budget++;
        return false;
    }
    relay->greetings++;
    return true;
}

/* Who has greeted us and is a member; the session we have with it, or a new one. NULL: none. */
static struct mcpz_relay_session *session_for(struct mcpz_relay_turn *turn, struct mcpz_short name)
{
    struct mcpz_relay *relay = turn->relay;
    const struct mcpz_member *row = mcpz_roster_find_short(&turn->fabric->members.roster, name);

    if (row == NULL || mcpz_member_is_gone(row) || mcpz_id_equal(&row->id, &relay->config.self)) {
        return NULL;
    }
    struct mcpz_relay_session *session = mcpz_sessions_find(relay, &row->id);
    if (session == NULL) {
        session = mcpz_sessions_take(relay, &row->id, turn->now, turn->out);
        if (session != NULL) {
            session->state = MCPZ_RELAY_GREETED_US;
        }
    }
    return session;
}

static void turn_around(struct mcpz_relay_way *way, const struct mcpz_msg_relay *message)
{
    way->session = message->session;
    way->path_count = message->path_count;
    for (size_t i = 0; i < message->path_count; i++) {
        way->path[i] = message->path[message->path_count - 1 - i];
    }
}

void mcpz_greeting_answer(struct mcpz_relay_turn *turn, const struct mcpz_msg_relay *message)
{
    struct mcpz_relay *relay = turn->relay;
    const struct mcpz_sealer *sealer = &relay->config.sealer;

    if (sealer->begin == NULL || !is_within_budget(relay, turn->now)) {
        mcpz_sessions_turn_back(turn, message);
        return;
    }
    struct mcpz_relay_session *session = session_for(turn, message->path[0]);
    uint8_t *answer = mcpz_arena_take(&turn->out->arena, MCPZ_GREETING_BYTES_MAX, 1);
    if (session == NULL || answer == NULL) {
        mcpz_sessions_turn_back(turn, message);
        return;
    }
    if (session->state == MCPZ_RELAY_GREETING &&
        mcpz_id_compare(&relay->config.self, &session->peer) < 0) {
        return; /* our own greeting, which is under way, counts */
    }
    size_t length = sealer->accept(sealer->context, mcpz_sessions_keys(relay, session, true),
                                   &session->peer, message->bytes, answer);
    if (length == 0) {
        relay->forged++;
        if (session->state == MCPZ_RELAY_GREETED_US && session->next.path_count == 0) {
            mcpz_sessions_release(relay, session);
        }
        mcpz_sessions_turn_back(turn, message);
        return;
    }
    relay->accepted++;
    turn_around(&session->next, message);
    session->greeted_us = turn->now;
    if (session->state == MCPZ_RELAY_GREETED_US) {
        session->act_at_us = turn->now + MCPZ_RELAY_SILENT_US;
    }
    (void)mcpz_sessions_send(turn, &session->next, MCPZ_RELAY_GREETED, mcpz_bytes(answer, length));
}
