#include "core/relay.h"

#include <assert.h>
#include <string.h>

#include "core/relay/greeting.h"
#include "core/relay/sessions.h"

#define LETTER 0xc1                       /* no message begins so: MessagePack never uses it */
#define LETTERS_NEEDED_US MCPZ_SECONDS(5) /* a session is kept for them so long */
#define WANTED_US MCPZ_SECONDS(1)         /* a link may take so long before we greet */
#define KEEPALIVE_US MCPZ_SECONDS(2)      /* nothing said for so long: say that we are there */
#define IDLE_US MCPZ_SECONDS(30)          /* no call needed it for so long */
#define DISK_US MCPZ_SECONDS(5)   /* what waits for our disk goes before what is said later */
#define DOUBT_US MCPZ_SECONDS(30) /* who breaks a session twice within so long is not believed */

static_assert(MCPZ_LETTER_COST(MCPZ_LETTER_BYTES_MAX) - MCPZ_RELAY_OVERHEAD_BYTES <=
                  MCPZ_RELAY_BYTES_MAX,
              "a sealed letter fits");
static_assert(MCPZ_LETTERS_FLYING_MAX >= 4 * MCPZ_LETTER_COST(MCPZ_LETTER_BYTES_MAX),
              "a window keeps a pipe full");
static_assert(MCPZ_RELAY_SESSIONS_MAX * MCPZ_LETTERS_FLYING_MAX <=
                  MCPZ_RELAY_FLIGHT_BYTES_MAX / 4 * 3,
              "full windows of all sessions of a node leave room on its link for calls");

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
    mcpz_carrier_init(&relay->carrier, &config->self, &relay->config.sealer, config->links_max,
                      arena);
    relay->sessions =
        mcpz_arena_take_sure(arena, relay->config.sessions_max, sizeof(struct mcpz_relay_session));
}

/* ---- Speaking ----------------------------------------------------------------------------- */

/* Seal `plain` and send it. False: it could not be sent, and no more can in this session. */
static bool say(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session,
                struct mcpz_bytes plain)
{
    struct mcpz_relay *relay = turn->relay;
    const struct mcpz_sealer *sealer = &relay->config.sealer;
    const size_t length = plain.length + MCPZ_SEAL_BYTES;
    uint8_t *sealed = mcpz_arena_take(&turn->out->arena, length, 1);

    if (sealed == NULL) {
        return false;
    }
    sealer->close(sealer->context, mcpz_sessions_keys(relay, session, false), plain, sealed);
    session->said_us = turn->now;
    if (!mcpz_sessions_send(turn, &session->way, MCPZ_RELAY_SEALED, mcpz_bytes(sealed, length))) {
        return false;
    }
    struct mcpz_action *sent = &turn->out->actions[turn->out->count - 1];
    assert(sent->kind == MCPZ_ACTION_SEND);
    sent->durable = turn->now < session->durable_until_us;
    return true;
}

/*
 * What is sealed is numbered, so nothing may overtake what waits for our disk: what is said after
 * it waits as well, for a while. A disk that takes longer lets later ones overtake, which breaks
 * the session and loses nothing: its calls start over.
 */
static void note_durable(struct mcpz_relay_session *session, mcpz_time now, bool durable)
{
    if (durable) {
        session->durable_until_us = now + DISK_US;
    }
}

static void come_up(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session)
{
    session->state = MCPZ_RELAY_UP;
    session->was_up = true;
    session->attempts = 0;
    session->avoid_count = 0;
    session->heard_us = turn->now;
    session->used_us = turn->now;
    session->letters_flying = 0; /* what was under way is lost */
    session->letters_owed = 0;
    mcpz_sessions_tell(MCPZ_FACT_RELAYED, &session->peer, 0, turn->out);
}

static void on_greeted(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session,
                       const struct mcpz_msg_relay *message)
{
    struct mcpz_relay *relay = turn->relay;
    const struct mcpz_sealer *sealer = &relay->config.sealer;

    if (session->state != MCPZ_RELAY_GREETING || session->way.session != message->session) {
        return;
    }
    if (!sealer->finish(sealer->context, mcpz_sessions_keys(relay, session, false),
                        message->bytes)) {
        relay->forged++;
        return;
    }
    come_up(turn, session);
    /* The other end believes in the session when it has opened something. */
    if (!say(turn, session, mcpz_bytes(NULL, 0))) {
        mcpz_greeting_mend(turn, session);
    }
}

/* ---- Letters ------------------------------------------------------------------------------ */

enum letter_kind { LETTER_WHOLE, LETTER_GOES_ON, LETTER_TAKEN };

static void say_letter(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session,
                       enum letter_kind kind, struct mcpz_bytes bytes)
{
    uint8_t plain[MCPZ_LETTER_HEAD_BYTES + MCPZ_LETTER_BYTES_MAX];

    plain[0] = LETTER;
    plain[1] = (uint8_t)kind;
    memcpy(plain + MCPZ_LETTER_HEAD_BYTES, bytes.data, bytes.length);
    if (!say(turn, session, mcpz_bytes(plain, MCPZ_LETTER_HEAD_BYTES + bytes.length))) {
        mcpz_greeting_mend(turn, session);
    }
}

static void on_letter(struct mcpz_relay_turn *turn, const struct mcpz_event *event)
{
    struct mcpz_relay_session *session = mcpz_sessions_find(turn->relay, &event->letter.peer);
    const struct mcpz_bytes bytes = event->letter.bytes;

    if (session == NULL || session->state != MCPZ_RELAY_UP || bytes.length == 0 ||
        bytes.length > MCPZ_LETTER_BYTES_MAX) {
        return;
    }
    session->used_us = turn->now;
    session->letters_us = turn->now;
    session->letters_flying += MCPZ_LETTER_COST(bytes.length);
    turn->relay->letters_said++;
    say_letter(turn, session, event->letter.goes_on ? LETTER_GOES_ON : LETTER_WHOLE, bytes);
}

static uint32_t read_count(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Say what was taken, when it is much. */
static void owe(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session, size_t length)
{
    session->letters_owed += MCPZ_LETTER_COST(length);
    if (session->letters_owed >= MCPZ_LETTERS_FLYING_MAX / 4) {
        const uint32_t owed = session->letters_owed;
        const uint8_t count[] = {(uint8_t)(owed >> 24), (uint8_t)(owed >> 16),
                                 (uint8_t)(owed >> 8), (uint8_t)owed};
        session->letters_owed = 0;
        say_letter(turn, session, LETTER_TAKEN, mcpz_bytes(count, sizeof(count)));
    }
}

static void hear_letter(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session,
                        struct mcpz_bytes plain)
{
    const struct mcpz_bytes bytes = plain.length > MCPZ_LETTER_HEAD_BYTES
                                        ? mcpz_bytes(plain.data + MCPZ_LETTER_HEAD_BYTES,
                                                     plain.length - MCPZ_LETTER_HEAD_BYTES)
                                        : mcpz_bytes(NULL, 0);
    const uint8_t kind = plain.length > 1 ? plain.data[1] : UINT8_MAX;

    if (kind == LETTER_TAKEN && bytes.length == sizeof(uint32_t)) {
        const uint32_t taken = read_count(bytes.data);
        session->letters_flying -=
            taken < session->letters_flying ? taken : session->letters_flying;
        return;
    }
    if (kind > LETTER_GOES_ON || bytes.length == 0 || bytes.length > MCPZ_LETTER_BYTES_MAX) {
        turn->relay->forged++;
        return;
    }
    session->letters_us = turn->now;
    turn->relay->letters_heard++;
    struct mcpz_action *action = mcpz_outbox_append(turn->out, MCPZ_ACTION_LETTER);
    action->letter.from = session->peer;
    action->letter.goes_on = kind == LETTER_GOES_ON;
    action->letter.bytes = bytes;
    owe(turn, session, bytes.length);
}

/* ---- Hearing ------------------------------------------------------------------------------ */

/* Something in the newest greeting's session was opened: it is the one that counts now. */
static void adopt_next(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session)
{
    mcpz_sessions_forget_keys(turn->relay, session, false);
    session->bank ^= 1;
    session->way = session->next;
    session->next.path_count = 0;
    session->is_ours = false;
    come_up(turn, session);
}

/* What a call is made of, that its provider is still at it, and that we would have a link. */
static bool may_cross(enum mcpz_msg_kind kind)
{
    return (kind >= MCPZ_MSG_OPEN && kind <= MCPZ_MSG_CREDIT) || kind == MCPZ_MSG_TASK_RENEW ||
           kind == MCPZ_MSG_TASK_CHECK;
}

static void deliver(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session,
                    struct mcpz_bytes plain, struct mcpz_relay_outcome *outcome)
{
    session->heard_us = turn->now;
    if (plain.length == 0) {
        return;
    }
    session->used_us = turn->now;
    if (plain.data[0] == LETTER) {
        hear_letter(turn, session, plain);
        return;
    }
    if (!turn->fabric->packer.unpack(plain, &turn->out->arena, &outcome->msg) ||
        !may_cross(outcome->msg.kind)) {
        turn->relay->forged++;
        return;
    }
    outcome->delivered = true;
    outcome->from = session->peer;
}

static void on_sealed(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session,
                      const struct mcpz_msg_relay *message, struct mcpz_relay_outcome *outcome)
{
    const struct mcpz_sealer *sealer = &turn->relay->config.sealer;
    const bool is_next = session->next.path_count > 0 && session->next.session == message->session;
    const bool is_current =
        session->state == MCPZ_RELAY_UP && session->way.session == message->session;

    if ((!is_next && !is_current) || message->bytes.length < MCPZ_SEAL_BYTES) {
        mcpz_sessions_turn_back(turn, message);
        return;
    }
    const size_t length = message->bytes.length - MCPZ_SEAL_BYTES;
    uint8_t *plain = mcpz_arena_take(&turn->out->arena, length + 1, 1);
    if (plain == NULL) {
        return;
    }
    enum mcpz_opened opened = sealer->open(
        sealer->context, mcpz_sessions_keys(turn->relay, session, is_next), message->bytes, plain);
    switch (opened) {
    case MCPZ_OPENED:
        if (is_next) {
            adopt_next(turn, session);
        }
        deliver(turn, session, mcpz_bytes(plain, length), outcome);
        break;
    case MCPZ_OPENED_NOT:
        turn->relay->forged++;
        break;
    case MCPZ_OPENED_TOO_FAR: /* something was lost on the way, and is not said again */
        if (is_current) {
            mcpz_greeting_mend(turn, session);
        }
        break;
    }
}

/* ---- What comes back ---------------------------------------------------------------------- */

static bool is_the_way(const struct mcpz_relay_way *way, const struct mcpz_msg_relay *message)
{
    return way->session == message->session && way->path_count == message->path_count &&
           memcmp(way->path, message->path, way->path_count * sizeof(*way->path)) == 0;
}

/*
 * Is it of this very way, and is it the hop at `broken_at` that says so? Others on the way could
 * make us avoid steps that are sound, until all ways lead over them.
 */
static bool is_believed(const struct mcpz_relay_turn *turn,
                        const struct mcpz_relay_session *session,
                        const struct mcpz_msg_relay *message)
{
    const bool is_peer = message->broken_at + 1 == message->path_count;
    const struct mcpz_member *row =
        mcpz_roster_find_short(&turn->fabric->members.roster, message->path[message->broken_at]);

    if (!is_the_way(&session->way, message) || (!is_peer && row == NULL)) {
        return false;
    }
    return mcpz_carrier_is_vouched(&turn->relay->carrier, is_peer ? &session->peer : &row->id,
                                   message);
}

/* It blames its next step. If it did so before, the fault may be its own. */
static void take_blame(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session,
                       const struct mcpz_msg_relay *message)
{
    const struct mcpz_short *hop = &message->path[message->broken_at];
    const bool is_doubted =
        session->blamer.value == hop->value && turn->now < session->blamed_us + DOUBT_US;

    mcpz_greeting_avoid(session, hop[0], hop[1]);
    if (is_doubted) {
        turn->relay->doubted++;
        mcpz_greeting_avoid(session, hop[-1], hop[0]);
    }
    session->blamer = *hop;
    session->blamed_us = turn->now;
}

/* What we said has come back from where it could not go on. */
static void on_broken(struct mcpz_relay_turn *turn, const struct mcpz_msg_relay *message)
{
    const size_t last = message->path_count - 1;
    struct mcpz_relay_session *session =
        mcpz_sessions_find_short(turn->relay, message->path[last], message->session);

    if (session == NULL) {
        return;
    }
    if (!is_believed(turn, session, message)) {
        turn->relay->forged++;
        return;
    }
    if (message->broken_at < last) {
        take_blame(turn, session, message);
    }
    if (session->state == MCPZ_RELAY_UP) {
        mcpz_greeting_mend(turn, session);
    } else if (session->state == MCPZ_RELAY_GREETING && message->broken_at < last) {
        mcpz_greeting_begin(turn, session);
    } else if (session->state == MCPZ_RELAY_GREETING) {
        mcpz_greeting_wait(turn, session); /* the peer itself says no: may not know us yet */
    }
}

static void on_message(struct mcpz_relay_turn *turn, const struct mcpz_event *event,
                       struct mcpz_relay_outcome *outcome)
{
    const struct mcpz_msg_relay *message = &event->recv.msg->relay;
    const struct mcpz_carrier_sight sight = mcpz_sessions_sight(turn);

    if (!mcpz_carrier_take(&turn->relay->carrier, &sight, &event->recv.from, message, turn->out)) {
        return;
    }
    if (message->kind == MCPZ_RELAY_BROKEN) {
        on_broken(turn, message);
        return;
    }
    if (message->kind == MCPZ_RELAY_GREET) {
        mcpz_greeting_answer(turn, message);
        return;
    }
    struct mcpz_relay_session *session =
        mcpz_sessions_find_short(turn->relay, message->path[0], message->session);
    if (session == NULL) {
        mcpz_sessions_turn_back(turn, message);
    } else if (message->kind == MCPZ_RELAY_GREETED) {
        on_greeted(turn, session, message);
    } else {
        on_sealed(turn, session, message, outcome);
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

static void mend_way(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session)
{
    if (session->state == MCPZ_RELAY_UP) {
        mcpz_greeting_mend(turn, session);
    } else {
        mcpz_greeting_begin(turn, session);
    }
}

/* A hop is gone, or a link of ours: all ways that lead over it are broken. */
static void mend_all_over(struct mcpz_relay_turn *turn, struct mcpz_short name, bool only_next)
{
    struct mcpz_relay *relay = turn->relay;

    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        struct mcpz_relay_session *session = &relay->sessions[i];
        bool is_used = session->state == MCPZ_RELAY_UP || session->state == MCPZ_RELAY_GREETING;
        if (is_used && leads_over(session, name) &&
            (!only_next || session->way.path[1].value == name.value)) {
            mend_way(turn, session);
        }
    }
}

/* Does anybody here count on it? Who has only greeted us is no concern of ours yet. */
static bool is_awaited(const struct mcpz_relay_session *session)
{
    return session->state != MCPZ_RELAY_GREETED_US || session->needed;
}

/* True: calls are not told of it. */
static bool on_fact(struct mcpz_relay_turn *turn, const struct mcpz_fact *fact)
{
    struct mcpz_relay *relay = turn->relay;
    const struct mcpz_short name = mcpz_short_of(&fact->about);

    if (fact->kind == MCPZ_FACT_LINKED || fact->kind == MCPZ_FACT_UNLINKED) {
        mcpz_carrier_forget(&relay->carrier, &fact->about);
    }
    if (relay->count == 0) {
        return false;
    }
    struct mcpz_relay_session *session = mcpz_sessions_find(relay, &fact->about);
    const bool is_counted_on = session != NULL && session->was_up;
    if (fact->kind == MCPZ_FACT_UNLINKED) {
        mend_all_over(turn, name, true);
        return is_counted_on;
    }
    if (fact->kind == MCPZ_FACT_DEAD || fact->kind == MCPZ_FACT_LEFT) {
        if (session != NULL) {
            mcpz_sessions_end(relay, session, turn->out);
        }
        mend_all_over(turn, name, false);
        return false;
    }
    if (session == NULL) {
        return false;
    }
    if (fact->kind == MCPZ_FACT_LINKED && session->state == MCPZ_RELAY_UP) {
        return true;
    }
    if (fact->kind == MCPZ_FACT_LINKED && is_awaited(session)) {
        /* A link is better: what counted on us starts over. */
        mcpz_sessions_release(relay, session);
        return false;
    }
    if (fact->kind == MCPZ_FACT_UNREACHABLE && session->state == MCPZ_RELAY_WANTED) {
        mcpz_greeting_begin(turn, session);
        return true;
    }
    return fact->kind == MCPZ_FACT_UNREACHABLE && is_awaited(session);
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
        return session->needed ? mcpz_time_min(session->said_us + KEEPALIVE_US,
                                               session->heard_us + MCPZ_RELAY_SILENT_US)
                               : session->used_us + IDLE_US;
    }
    return MCPZ_TIME_NEVER;
}

static void on_due(struct mcpz_relay_turn *turn, struct mcpz_relay_session *session)
{
    const bool is_wanted = session->state == MCPZ_RELAY_WANTED ||
                           (session->state == MCPZ_RELAY_GREETED_US && session->needed);

    if (is_wanted) {
        mcpz_greeting_begin(turn, session);
    } else if (session->state == MCPZ_RELAY_GREETING) {
        /* Somewhere on this way it got lost. */
        mcpz_greeting_avoid(session, session->way.path[0], session->way.path[1]);
        mcpz_greeting_begin(turn, session);
    } else if (session->state == MCPZ_RELAY_GREETED_US || !session->needed) {
        mcpz_sessions_let_go(turn->relay, session, turn->out);
    } else if (session->heard_us + MCPZ_RELAY_SILENT_US <= turn->now) {
        mcpz_greeting_avoid(session, session->way.path[0], session->way.path[1]);
        mcpz_greeting_mend(turn, session);
    } else if (!say(turn, session, mcpz_bytes(NULL, 0))) {
        mcpz_greeting_mend(turn, session);
    }
}

static void on_tick(struct mcpz_relay_turn *turn)
{
    struct mcpz_relay *relay = turn->relay;
    const struct mcpz_carrier_sight sight = mcpz_sessions_sight(turn);
    struct mcpz_id stalled;

    mcpz_carrier_tick(&relay->carrier, &sight, turn->out);
    while (mcpz_carrier_next_stalled(&relay->carrier, &sight, &stalled)) {
        mend_all_over(turn, mcpz_short_of(&stalled), true);
    }
    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        if (due_at(&relay->sessions[i]) <= turn->now) {
            on_due(turn, &relay->sessions[i]);
        }
    }
}

/* ---- The machine -------------------------------------------------------------------------- */

void mcpz_relay_step(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                     const struct mcpz_event *event, struct mcpz_outbox *out,
                     struct mcpz_relay_outcome *outcome)
{
    struct mcpz_relay_turn turn = {.relay = relay, .fabric = fabric, .now = now, .out = out};

    *outcome = (struct mcpz_relay_outcome){.taken = false};
    if (event->kind == MCPZ_EVENT_RECV && event->recv.msg->kind == MCPZ_MSG_RELAY) {
        outcome->taken = true;
        on_message(&turn, event, outcome);
    } else if (event->kind == MCPZ_EVENT_RECV && event->recv.msg->kind == MCPZ_MSG_RELAY_TAKEN) {
        outcome->taken = true;
        const struct mcpz_carrier_sight sight = mcpz_sessions_sight(&turn);
        mcpz_carrier_taken(&relay->carrier, &sight, &event->recv.from,
                           event->recv.msg->relay_taken.bytes);
    } else if (event->kind == MCPZ_EVENT_LETTER) {
        outcome->taken = true;
        on_letter(&turn, event);
    } else if (event->kind == MCPZ_EVENT_FACT) {
        outcome->hidden = on_fact(&turn, &event->fact);
    } else if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(&turn);
    } else if (event->kind == MCPZ_EVENT_LEAVE) {
        mcpz_sessions_end_all(relay, out);
    }
}

static void want(struct mcpz_relay *relay, mcpz_time now, const struct mcpz_id peer,
                 struct mcpz_outbox *out)
{
    struct mcpz_relay_session *session = mcpz_sessions_find(relay, &peer);

    if (session == NULL) {
        session = mcpz_sessions_take(relay, &peer, now, out);
    } else if (session->state != MCPZ_RELAY_GREETED_US) {
        return;
    }
    if (session != NULL) {
        session->state = MCPZ_RELAY_WANTED;
        session->needed = true;
        session->act_at_us = now + WANTED_US;
        session->give_up_us = now + MCPZ_RELAY_WAY_US;
    }
}

void mcpz_relay_note(struct mcpz_relay *relay, mcpz_time now, struct mcpz_outbox *out,
                     size_t first)
{
    const size_t end = out->count;

    for (size_t i = first; i < end && mcpz_relay_is_there(relay); i++) {
        if (out->actions[i].kind == MCPZ_ACTION_REACH && out->actions[i].reach.or_relay) {
            want(relay, now, out->actions[i].reach.peer, out);
        }
    }
}

size_t mcpz_relay_carry(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                        struct mcpz_outbox *out, size_t first)
{
    struct mcpz_relay_turn turn = {.relay = relay, .fabric = fabric, .now = now, .out = out};
    uint8_t plain[MCPZ_RELAY_BYTES_MAX - MCPZ_SEAL_BYTES];

    for (size_t i = first; i < out->count && relay->count > 0; i++) {
        struct mcpz_action *action = &out->actions[i];
        if (action->kind != MCPZ_ACTION_SEND || !may_cross(action->send.msg.kind)) {
            continue;
        }
        assert(action->send.peer_count == 1);
        if (action->send.msg.kind == MCPZ_MSG_TASK_CHECK &&
            mcpz_links_find(&fabric->links, &action->send.peers[0]) != NULL) {
            continue;
        }
        struct mcpz_relay_session *session = mcpz_sessions_find(relay, &action->send.peers[0]);
        if (session == NULL || session->state != MCPZ_RELAY_UP) {
            continue;
        }
        action->kind = MCPZ_ACTION_NONE;
        size_t length = fabric->packer.pack(&action->send.msg, plain, sizeof(plain));
        session->used_us = now;
        note_durable(session, now, action->durable);
        if (length == 0 || !say(&turn, session, mcpz_bytes(plain, length))) {
            mcpz_greeting_mend(&turn, session);
        }
    }
    return out->count;
}

bool mcpz_relay_takes_letter(const struct mcpz_relay *relay, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        const struct mcpz_relay_session *session = &relay->sessions[i];
        if (session->state == MCPZ_RELAY_UP && mcpz_id_equal(&session->peer, peer)) {
            return session->letters_flying + MCPZ_LETTER_COST(MCPZ_LETTER_BYTES_MAX) <=
                   MCPZ_LETTERS_FLYING_MAX;
        }
    }
    return false;
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

    needed = needed || (row->letters_us > 0 && now < row->letters_us + LETTERS_NEEDED_US);

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
    mcpz_time deadline = mcpz_carrier_deadline(&relay->carrier);

    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        deadline = mcpz_time_min(deadline, due_at(&relay->sessions[i]));
    }
    return deadline;
}
