#include "core/relay.h"

#include <assert.h>
#include <string.h>

#define WANTED_US MCPZ_SECONDS(1)    /* a link may take so long before we greet */
#define PATIENCE_US MCPZ_SECONDS(2)  /* for the answer to a greeting, stretched by our health */
#define KEEPALIVE_US MCPZ_SECONDS(2) /* nothing said for so long: say that we are there */
#define SILENT_US MCPZ_SECONDS(7)    /* nothing heard for so long: the way is broken */
#define WAY_US MCPZ_SECONDS(6)       /* members tell of new neighbours within so long */
#define WAY_AGAIN_US MCPZ_MS(500)    /* between two looks for a way where there was none */
#define IDLE_US MCPZ_SECONDS(30)     /* no call needed it for so long */
#define GREETINGS_PER_SECOND_MAX 64  /* each costs some 0.2 ms of arithmetic */

static size_t sessions_of(const struct mcpz_relay_config *config)
{
    return config->sessions_max > 0 ? config->sessions_max : MCPZ_RELAY_SESSIONS_MAX;
}

size_t mcpz_relay_bytes(const struct mcpz_relay_config *config)
{
    return mcpz_carrier_bytes(config->links_max) +
           mcpz_arena_cost(sessions_of(config), sizeof(struct mcpz_relay_session));
}

void mcpz_relay_init(struct mcpz_relay *relay, const struct mcpz_relay_config *config,
                     struct mcpz_arena *arena)
{
    *relay = (struct mcpz_relay){.config = *config};
    relay->config.sessions_max = sessions_of(config);
    mcpz_rng_init(&relay->rng, config->seed);
    mcpz_carrier_init(&relay->carrier, &config->self, config->links_max, arena);
    relay->sessions =
        mcpz_arena_take_sure(arena, relay->config.sessions_max, sizeof(struct mcpz_relay_session));
}

/* ---- Sessions ----------------------------------------------------------------------------- */

/* Our two numbers for a session's keys: those in use, and those of its newest greeting. */
static uint32_t keys_of(const struct mcpz_relay *relay, const struct mcpz_relay_session *session,
                        bool next)
{
    return 2 * (uint32_t)(session - relay->sessions) + (session->bank ^ (next ? 1U : 0U));
}

static struct mcpz_relay_session *find(struct mcpz_relay *relay, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        struct mcpz_relay_session *session = &relay->sessions[i];
        if (session->state != MCPZ_RELAY_FREE && mcpz_id_equal(&session->peer, peer)) {
            return session;
        }
    }
    return NULL;
}

static void forget_keys(struct mcpz_relay *relay, const struct mcpz_relay_session *session,
                        bool next)
{
    relay->config.sealer.forget(relay->config.sealer.context, keys_of(relay, session, next));
}

static void release(struct mcpz_relay *relay, struct mcpz_relay_session *session)
{
    forget_keys(relay, session, false);
    forget_keys(relay, session, true);
    *session = (struct mcpz_relay_session){.state = MCPZ_RELAY_FREE};
    relay->count--;
}

/* A free place, or that of who is least missed. NULL: all are needed. */
static struct mcpz_relay_session *take(struct mcpz_relay *relay, const struct mcpz_id *peer,
                                       mcpz_time now)
{
    struct mcpz_relay_session *place = NULL;

    for (size_t i = 0; i < relay->config.sessions_max; i++) {
        struct mcpz_relay_session *session = &relay->sessions[i];
        if (session->state == MCPZ_RELAY_FREE) {
            place = session;
            break;
        }
        bool may_go = session->state == MCPZ_RELAY_GREETED_US ||
                      (session->state == MCPZ_RELAY_UP && !session->needed);
        if (may_go && (place == NULL || session->used_us < place->used_us)) {
            place = session;
        }
    }
    if (place == NULL) {
        return NULL;
    }
    if (place->state != MCPZ_RELAY_FREE) {
        release(relay, place);
    }
    *place = (struct mcpz_relay_session){.peer = *peer, .used_us = now};
    relay->count++;
    return place;
}

static void tell(enum mcpz_fact_kind kind, const struct mcpz_id *about, uint32_t reason,
                 struct mcpz_outbox *out)
{
    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = kind, .about = *about, .reason = reason});
}

/* It is over: calls that count on it are lost, those that wait for it wait in vain. */
static void end(struct mcpz_relay *relay, struct mcpz_relay_session *session,
                struct mcpz_outbox *out)
{
    const struct mcpz_id peer = session->peer;
    const bool was_up = session->was_up;
    const bool was_awaited =
        session->state == MCPZ_RELAY_WANTED || session->state == MCPZ_RELAY_GREETING;

    release(relay, session);
    if (was_up) {
        relay->broken++;
        tell(MCPZ_FACT_UNRELAYED, &peer, 0, out);
    }
    if (was_awaited) {
        tell(MCPZ_FACT_UNREACHABLE, &peer, MCPZ_UNREACHABLE_SILENT, out);
    }
}

static void end_all(struct mcpz_relay *relay, struct mcpz_outbox *out)
{
    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        if (relay->sessions[i].state != MCPZ_RELAY_FREE) {
            end(relay, &relay->sessions[i], out);
        }
    }
}

static struct mcpz_msg_relay message_of(const struct mcpz_relay_way *way,
                                        enum mcpz_relay_kind kind, struct mcpz_bytes bytes)
{
    return (struct mcpz_msg_relay){
        .kind = (uint32_t)kind,
        .session = way->session,
        .at = 1,
        .path = way->path,
        .path_count = way->path_count,
        .bytes = bytes,
    };
}

/* The way of a message may not change any more in this step, and sessions do. */
static bool send(struct mcpz_relay *relay, const struct mcpz_links *links,
                 const struct mcpz_msg_relay *message, struct mcpz_outbox *out)
{
    struct mcpz_msg_relay kept = *message;
    struct mcpz_short *path = mcpz_arena_take(&out->arena, kept.path_count, sizeof(*path));

    if (path == NULL) {
        return false;
    }
    memcpy(path, message->path, kept.path_count * sizeof(*path));
    kept.path = path;
    return mcpz_carrier_send(&relay->carrier, links, &kept, out);
}

/* ---- Greeting ----------------------------------------------------------------------------- */

static void avoid(struct mcpz_relay_session *session, struct mcpz_short from, struct mcpz_short to)
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

/* One more greeting, on a way that has not failed yet. False: there is none. */
static bool greet(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                  struct mcpz_relay_session *session, struct mcpz_outbox *out)
{
    const struct mcpz_sealer *sealer = &relay->config.sealer;

    while (session->attempts < MCPZ_RELAY_ATTEMPTS_MAX && find_way(relay, fabric, session)) {
        uint8_t *greeting = mcpz_arena_take(&out->arena, MCPZ_GREETING_BYTES_MAX, 1);
        if (greeting == NULL) {
            return false;
        }
        session->attempts++;
        size_t length = sealer->begin(sealer->context, keys_of(relay, session, false),
                                      &session->peer, greeting);
        if (length == 0) {
            return false;
        }
        session->state = MCPZ_RELAY_GREETING;
        session->is_ours = true;
        session->way.session = mcpz_rng_next(&relay->rng);
        session->act_at_us = now + PATIENCE_US * (fabric->links.health + 1);
        const struct mcpz_msg_relay message =
            message_of(&session->way, MCPZ_RELAY_GREET, mcpz_bytes(greeting, length));
        if (send(relay, &fabric->links, &message, out)) {
            relay->begun++;
            return true;
        }
        avoid(session, session->way.path[0], session->way.path[1]);
    }
    return false;
}

/* It cannot be now. It may be soon, when members have told of each other. */
static void wait_or_end(struct mcpz_relay *relay, mcpz_time now,
                        struct mcpz_relay_session *session, struct mcpz_outbox *out)
{
    session->state = MCPZ_RELAY_WANTED;
    session->attempts = 0;
    session->avoid_count = 0;
    session->act_at_us = now + WAY_AGAIN_US;
    if (session->act_at_us >= session->give_up_us) {
        end(relay, session, out);
    }
}

static void greet_or_end(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                         struct mcpz_relay_session *session, struct mcpz_outbox *out)
{
    session->next.path_count = 0;
    if (!greet(relay, fabric, now, session, out)) {
        wait_or_end(relay, now, session, out);
    }
}

/* The way is broken. Who began it finds another one; the other end has to let go. */
static void mend(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                 struct mcpz_relay_session *session, struct mcpz_outbox *out)
{
    if (!session->is_ours || !session->needed) {
        end(relay, session, out);
        return;
    }
    session->attempts = 0;
    session->give_up_us = now + WAY_US;
    greet_or_end(relay, fabric, now, session, out);
}

/* ---- Speaking ----------------------------------------------------------------------------- */

/* Seal `plain` and send it. False: it could not be sent, and no more can in this session. */
static bool say(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                struct mcpz_relay_session *session, struct mcpz_bytes plain,
                struct mcpz_outbox *out)
{
    const struct mcpz_sealer *sealer = &relay->config.sealer;
    const size_t length = plain.length + MCPZ_SEAL_BYTES;
    uint8_t *sealed = mcpz_arena_take(&out->arena, length, 1);

    if (sealed == NULL) {
        return false;
    }
    sealer->close(sealer->context, keys_of(relay, session, false), plain, sealed);
    const struct mcpz_msg_relay message =
        message_of(&session->way, MCPZ_RELAY_SEALED, mcpz_bytes(sealed, length));
    session->said_us = now;
    return send(relay, &fabric->links, &message, out);
}

static void come_up(struct mcpz_relay_session *session, mcpz_time now, struct mcpz_outbox *out)
{
    session->state = MCPZ_RELAY_UP;
    session->was_up = true;
    session->attempts = 0;
    session->avoid_count = 0;
    session->heard_us = now;
    session->used_us = now;
    tell(MCPZ_FACT_RELAYED, &session->peer, 0, out);
}

static void on_greeted(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                       struct mcpz_relay_session *session, const struct mcpz_msg_relay *message,
                       struct mcpz_outbox *out)
{
    const struct mcpz_sealer *sealer = &relay->config.sealer;

    if (session->state != MCPZ_RELAY_GREETING || session->way.session != message->session) {
        return;
    }
    if (!sealer->finish(sealer->context, keys_of(relay, session, false), message->bytes)) {
        relay->forged++;
        return;
    }
    come_up(session, now, out);
    /* The other end believes in the session when it has opened something. */
    if (!say(relay, fabric, now, session, mcpz_bytes(NULL, 0), out)) {
        mend(relay, fabric, now, session, out);
    }
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
static struct mcpz_relay_session *session_for(struct mcpz_relay *relay,
                                              const struct mcpz_fabric *fabric, mcpz_time now,
                                              struct mcpz_short name)
{
    const struct mcpz_member *row = mcpz_roster_find_short(&fabric->members.roster, name);

    if (row == NULL || mcpz_member_is_gone(row) || mcpz_id_equal(&row->id, &relay->config.self)) {
        return NULL;
    }
    struct mcpz_relay_session *session = find(relay, &row->id);
    if (session == NULL) {
        session = take(relay, &row->id, now);
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

static void on_greet(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                     const struct mcpz_msg_relay *message, struct mcpz_outbox *out)
{
    const struct mcpz_sealer *sealer = &relay->config.sealer;

    if (sealer->begin == NULL || !is_within_budget(relay, now)) {
        mcpz_carrier_turn_back(&relay->carrier, &fabric->links, message, out);
        return;
    }
    struct mcpz_relay_session *session = session_for(relay, fabric, now, message->path[0]);
    uint8_t *answer = mcpz_arena_take(&out->arena, MCPZ_GREETING_BYTES_MAX, 1);
    if (session == NULL || answer == NULL) {
        mcpz_carrier_turn_back(&relay->carrier, &fabric->links, message, out);
        return;
    }
    if (session->state == MCPZ_RELAY_GREETING &&
        mcpz_id_compare(&relay->config.self, &session->peer) < 0) {
        return; /* our own greeting, which is under way, counts */
    }
    size_t length = sealer->accept(sealer->context, keys_of(relay, session, true), &session->peer,
                                   message->bytes, answer);
    if (length == 0) {
        relay->forged++;
        if (session->state == MCPZ_RELAY_GREETED_US && session->next.path_count == 0) {
            release(relay, session);
        }
        mcpz_carrier_turn_back(&relay->carrier, &fabric->links, message, out);
        return;
    }
    relay->accepted++;
    turn_around(&session->next, message);
    if (session->state == MCPZ_RELAY_GREETED_US) {
        session->act_at_us = now + SILENT_US;
    }
    const struct mcpz_msg_relay greeted =
        message_of(&session->next, MCPZ_RELAY_GREETED, mcpz_bytes(answer, length));
    (void)send(relay, &fabric->links, &greeted, out);
}

/* ---- Hearing ------------------------------------------------------------------------------ */

/* Something in the newest greeting's session was opened: it is the one that counts now. */
static void adopt_next(struct mcpz_relay *relay, struct mcpz_relay_session *session, mcpz_time now,
                       struct mcpz_outbox *out)
{
    forget_keys(relay, session, false);
    session->bank ^= 1;
    session->way = session->next;
    session->next.path_count = 0;
    session->is_ours = false;
    come_up(session, now, out);
}

static bool is_of_a_call(enum mcpz_msg_kind kind)
{
    return kind >= MCPZ_MSG_OPEN && kind <= MCPZ_MSG_CREDIT;
}

/* What a step looks at and does not change. */
struct sight {
    const struct mcpz_fabric *fabric;
    mcpz_time now;
};

static void deliver(struct mcpz_relay *relay, const struct sight *sight,
                    struct mcpz_relay_session *session, struct mcpz_bytes plain,
                    struct mcpz_relay_outcome *outcome, struct mcpz_outbox *out)
{
    session->heard_us = sight->now;
    if (plain.length == 0) {
        return;
    }
    session->used_us = sight->now;
    if (!sight->fabric->packer.unpack(plain, &out->arena, &outcome->msg) ||
        !is_of_a_call(outcome->msg.kind)) {
        relay->forged++;
        return;
    }
    outcome->delivered = true;
    outcome->from = session->peer;
}

static void on_sealed(struct mcpz_relay *relay, const struct sight *sight,
                      struct mcpz_relay_session *session, const struct mcpz_msg_relay *message,
                      struct mcpz_relay_outcome *outcome, struct mcpz_outbox *out)
{
    const struct mcpz_sealer *sealer = &relay->config.sealer;
    const bool is_next = session->next.path_count > 0 && session->next.session == message->session;
    const bool is_current =
        session->state == MCPZ_RELAY_UP && session->way.session == message->session;

    if ((!is_next && !is_current) || message->bytes.length < MCPZ_SEAL_BYTES) {
        mcpz_carrier_turn_back(&relay->carrier, &sight->fabric->links, message, out);
        return;
    }
    const size_t length = message->bytes.length - MCPZ_SEAL_BYTES;
    uint8_t *plain = mcpz_arena_take(&out->arena, length + 1, 1);
    if (plain == NULL) {
        return;
    }
    enum mcpz_opened opened =
        sealer->open(sealer->context, keys_of(relay, session, is_next), message->bytes, plain);
    switch (opened) {
    case MCPZ_OPENED:
        if (is_next) {
            adopt_next(relay, session, sight->now, out);
        }
        deliver(relay, sight, session, mcpz_bytes(plain, length), outcome, out);
        break;
    case MCPZ_OPENED_NOT:
        relay->forged++;
        break;
    case MCPZ_OPENED_TOO_FAR: /* something was lost on the way, and is not said again */
        if (is_current) {
            mend(relay, sight->fabric, sight->now, session, out);
        }
        break;
    }
}

static struct mcpz_relay_session *find_short(struct mcpz_relay *relay, struct mcpz_short name,
                                             uint64_t number)
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

/* What we said has come back from where it could not go on. */
static void on_broken(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                      const struct mcpz_msg_relay *message, struct mcpz_outbox *out)
{
    const size_t last = message->path_count - 1;
    struct mcpz_relay_session *session = find_short(relay, message->path[last], message->session);

    if (session == NULL || session->way.session != message->session) {
        return;
    }
    if (message->broken_at < last) {
        avoid(session, message->path[message->broken_at], message->path[message->broken_at + 1]);
    }
    if (session->state == MCPZ_RELAY_UP) {
        mend(relay, fabric, now, session, out);
    } else if (session->state == MCPZ_RELAY_GREETING && message->broken_at < last) {
        greet_or_end(relay, fabric, now, session, out);
    } else if (session->state == MCPZ_RELAY_GREETING) {
        wait_or_end(relay, now, session, out); /* the peer itself says no: may not know us yet */
    }
}

static void on_message(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                       const struct mcpz_event *event, struct mcpz_relay_outcome *outcome,
                       struct mcpz_outbox *out)
{
    const struct mcpz_msg_relay *message = &event->recv.msg->relay;

    if (!mcpz_carrier_take(&relay->carrier, &fabric->links, &event->recv.from, message, out)) {
        return;
    }
    if (message->kind == MCPZ_RELAY_BROKEN) {
        on_broken(relay, fabric, now, message, out);
        return;
    }
    if (message->kind == MCPZ_RELAY_GREET) {
        on_greet(relay, fabric, now, message, out);
        return;
    }
    struct mcpz_relay_session *session = find_short(relay, message->path[0], message->session);
    if (session == NULL) {
        mcpz_carrier_turn_back(&relay->carrier, &fabric->links, message, out);
    } else if (message->kind == MCPZ_RELAY_GREETED) {
        on_greeted(relay, fabric, now, session, message, out);
    } else {
        on_sealed(relay, &(struct sight){.fabric = fabric, .now = now}, session, message, outcome,
                  out);
    }
}

/* ---- What becomes of links and members ---------------------------------------------------- */

static bool leads_over(const struct mcpz_relay_session *session, struct mcpz_short name)
{
    for (size_t i = 1; i + 1 < session->way.path_count; i++) {
        if (session->way.path[i].value == name.value) {
            return true;
        }
    }
    return false;
}

/* A hop is gone, or a link of ours: all ways that lead over it are broken. */
static void mend_all_over(struct mcpz_relay *relay, const struct mcpz_fabric *fabric,
                          mcpz_time now, struct mcpz_short name, bool only_next,
                          struct mcpz_outbox *out)
{
    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        struct mcpz_relay_session *session = &relay->sessions[i];
        bool is_used = session->state == MCPZ_RELAY_UP || session->state == MCPZ_RELAY_GREETING;
        if (!is_used || !leads_over(session, name) ||
            (only_next && session->way.path[1].value != name.value)) {
            continue;
        }
        if (session->state == MCPZ_RELAY_UP) {
            mend(relay, fabric, now, session, out);
        } else {
            greet_or_end(relay, fabric, now, session, out);
        }
    }
}

/* True: calls are not told of it. */
static bool on_fact(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                    const struct mcpz_fact *fact, struct mcpz_outbox *out)
{
    const struct mcpz_short name = mcpz_short_of(&fact->about);

    if (fact->kind == MCPZ_FACT_LINKED || fact->kind == MCPZ_FACT_UNLINKED) {
        mcpz_carrier_forget(&relay->carrier, &fact->about);
    }
    if (relay->count == 0) {
        return false;
    }
    struct mcpz_relay_session *session = find(relay, &fact->about);
    const bool is_counted_on = session != NULL && session->was_up;
    if (fact->kind == MCPZ_FACT_UNLINKED) {
        mend_all_over(relay, fabric, now, name, true, out);
        return is_counted_on;
    }
    if (fact->kind == MCPZ_FACT_DEAD || fact->kind == MCPZ_FACT_LEFT) {
        if (session != NULL) {
            end(relay, session, out);
        }
        mend_all_over(relay, fabric, now, name, false, out);
        return false;
    }
    if (session == NULL) {
        return false;
    }
    if (fact->kind == MCPZ_FACT_LINKED && session->state == MCPZ_RELAY_UP) {
        return true;
    }
    if (fact->kind == MCPZ_FACT_LINKED && session->state != MCPZ_RELAY_GREETED_US) {
        release(relay, session); /* a link is better: what counted on us starts over */
        return false;
    }
    if (fact->kind == MCPZ_FACT_UNREACHABLE && session->state == MCPZ_RELAY_WANTED) {
        greet_or_end(relay, fabric, now, session, out);
        return true;
    }
    return fact->kind == MCPZ_FACT_UNREACHABLE && session->state != MCPZ_RELAY_GREETED_US;
}

/* ---- Time --------------------------------------------------------------------------------- */

static mcpz_time due_at(const struct mcpz_relay_session *session)
{
    switch (session->state) {
    case MCPZ_RELAY_FREE:
        return MCPZ_TIME_NEVER;
    case MCPZ_RELAY_WANTED:
    case MCPZ_RELAY_GREETING:
    case MCPZ_RELAY_GREETED_US:
        return session->act_at_us;
    case MCPZ_RELAY_UP:
        return session->needed
                   ? mcpz_time_min(session->said_us + KEEPALIVE_US, session->heard_us + SILENT_US)
                   : session->used_us + IDLE_US;
    }
    return MCPZ_TIME_NEVER;
}

static void on_due(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                   struct mcpz_relay_session *session, struct mcpz_outbox *out)
{
    if (session->state == MCPZ_RELAY_WANTED) {
        greet_or_end(relay, fabric, now, session, out);
    } else if (session->state == MCPZ_RELAY_GREETING) {
        /* Somewhere on this way it got lost. */
        avoid(session, session->way.path[0], session->way.path[1]);
        greet_or_end(relay, fabric, now, session, out);
    } else if (session->state == MCPZ_RELAY_GREETED_US || !session->needed) {
        release(relay, session);
    } else if (session->heard_us + SILENT_US <= now) {
        avoid(session, session->way.path[0], session->way.path[1]);
        mend(relay, fabric, now, session, out);
    } else if (!say(relay, fabric, now, session, mcpz_bytes(NULL, 0), out)) {
        mend(relay, fabric, now, session, out);
    }
}

static void on_tick(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                    struct mcpz_outbox *out)
{
    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        if (due_at(&relay->sessions[i]) <= now) {
            on_due(relay, fabric, now, &relay->sessions[i], out);
        }
    }
}

/* ---- The machine -------------------------------------------------------------------------- */

void mcpz_relay_step(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                     const struct mcpz_event *event, struct mcpz_outbox *out,
                     struct mcpz_relay_outcome *outcome)
{
    *outcome = (struct mcpz_relay_outcome){.taken = false};
    if (event->kind == MCPZ_EVENT_RECV && event->recv.msg->kind == MCPZ_MSG_RELAY) {
        outcome->taken = true;
        on_message(relay, fabric, now, event, outcome, out);
    } else if (event->kind == MCPZ_EVENT_RECV && event->recv.msg->kind == MCPZ_MSG_RELAY_TAKEN) {
        outcome->taken = true;
        mcpz_carrier_taken(&relay->carrier, &event->recv.from, event->recv.msg->relay_taken.bytes);
    } else if (event->kind == MCPZ_EVENT_FACT) {
        outcome->hidden = on_fact(relay, fabric, now, &event->fact, out);
    } else if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(relay, fabric, now, out);
    } else if (event->kind == MCPZ_EVENT_LEAVE) {
        end_all(relay, out);
    }
}

static void want(struct mcpz_relay *relay, mcpz_time now, const struct mcpz_id *peer)
{
    struct mcpz_relay_session *session = find(relay, peer);

    if (session == NULL) {
        session = take(relay, peer, now);
    } else if (session->state != MCPZ_RELAY_GREETED_US) {
        return;
    }
    if (session != NULL) {
        session->state = MCPZ_RELAY_WANTED;
        session->needed = true;
        session->act_at_us = now + WANTED_US;
        session->give_up_us = now + WAY_US;
    }
}

void mcpz_relay_note(struct mcpz_relay *relay, mcpz_time now, const struct mcpz_outbox *out,
                     size_t first)
{
    for (size_t i = first; i < out->count && mcpz_relay_is_there(relay); i++) {
        if (out->actions[i].kind == MCPZ_ACTION_REACH && out->actions[i].reach.for_calls) {
            want(relay, now, &out->actions[i].reach.peer);
        }
    }
}

size_t mcpz_relay_carry(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                        struct mcpz_outbox *out, size_t first)
{
    uint8_t plain[MCPZ_RELAY_BYTES_MAX - MCPZ_SEAL_BYTES];

    for (size_t i = first; i < out->count && relay->count > 0; i++) {
        struct mcpz_action *action = &out->actions[i];
        if (action->kind != MCPZ_ACTION_SEND || !is_of_a_call(action->send.msg.kind)) {
            continue;
        }
        assert(action->send.peer_count == 1);
        struct mcpz_relay_session *session = find(relay, &action->send.peers[0]);
        if (session == NULL || session->state != MCPZ_RELAY_UP) {
            continue;
        }
        action->kind = MCPZ_ACTION_NONE;
        size_t length = fabric->packer.pack(&action->send.msg, plain, sizeof(plain));
        session->used_us = now;
        if (length == 0 || !say(relay, fabric, now, session, mcpz_bytes(plain, length), out)) {
            mend(relay, fabric, now, session, out);
        }
    }
    return out->count;
}

bool mcpz_relay_reaches(const struct mcpz_relay *relay, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        const struct mcpz_relay_session *session = &relay->sessions[i];
        if (session->state == MCPZ_RELAY_UP && mcpz_id_equal(&session->peer, peer)) {
            return true;
        }
    }
    return false;
}

bool mcpz_relay_is_there(const struct mcpz_relay *relay)
{
    return relay->config.sealer.begin != NULL;
}

void mcpz_relay_need(struct mcpz_relay *relay, size_t session, mcpz_time now, bool needed)
{
    struct mcpz_relay_session *row = &relay->sessions[session];

    if (row->state == MCPZ_RELAY_FREE || row->needed == needed) {
        return;
    }
    row->needed = needed;
    row->used_us = now;
    if (needed) {
        row->heard_us = now; /* nobody had to say anything meanwhile */
    }
}

mcpz_time mcpz_relay_deadline(const struct mcpz_relay *relay)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        deadline = mcpz_time_min(deadline, due_at(&relay->sessions[i]));
    }
    return deadline;
}
