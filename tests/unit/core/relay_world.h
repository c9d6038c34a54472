/* Three nodes in a row, with seals that anybody can read: what tests of sessions start from. */

#ifndef RELAY_WORLD_H
#define RELAY_WORLD_H

#include "core.h"
#include "core/relay.h"

enum { HERE, BETWEEN, THERE, ENDS };

struct end {
    struct mcpz_fabric fabric;
    struct mcpz_relay relay;
    uint64_t sent[2 * MCPZ_RELAY_SESSIONS_MAX]; /* what a seal would count */
    uint64_t opened[2 * MCPZ_RELAY_SESSIONS_MAX];
    _Alignas(16) uint8_t memory[262144];
    size_t relayed; /* facts it has told */
    size_t unrelayed;
    size_t unreachable;
    char heard[64];                   /* what calls would have got last */
    size_t letters;                   /* that it was handed */
    struct mcpz_action_letter letter; /* the last */
    uint8_t letter_bytes[512];
};

struct piece {
    size_t from;
    size_t to;
    struct mcpz_msg_relay relay;
    struct mcpz_short path[MCPZ_OVERLAY_WALK_MAX];
    uint8_t bytes[512];
};

static struct end ends[ENDS];
static struct piece queue[64];
static size_t queued;
static mcpz_time now;
static bool refuses; /* whoever is greeted says no */

static inline struct mcpz_id id_of(size_t number)
{
    return (struct mcpz_id){.bytes = {(uint8_t)(number + 1), 1}};
}

static inline struct mcpz_short name_of(size_t number)
{
    const struct mcpz_id id = id_of(number);
    return mcpz_short_of(&id);
}

/* ---- A seal that keeps nothing secret: counter, then the bytes, then 16 of 'T' ------------- */

static inline size_t greet(void *context, uint32_t session, const struct mcpz_id *peer,
                           uint8_t *message)
{
    const struct mcpz_bytes hello = mcpz_text("hello");
    struct end *end = context;

    (void)peer;
    end->sent[session] = end->opened[session] = 0;
    memcpy(message, hello.data, hello.length);
    return hello.length;
}

static inline size_t answer(void *context, uint32_t session, const struct mcpz_id *peer,
                            struct mcpz_bytes message, uint8_t *said)
{
    const struct mcpz_bytes world = mcpz_text("world");

    if (refuses || !mcpz_bytes_equal(message, mcpz_text("hello"))) {
        return 0;
    }
    (void)greet(context, session, peer, said);
    memcpy(said, world.data, world.length);
    return world.length;
}

static inline bool finish(void *context, uint32_t session, struct mcpz_bytes said)
{
    (void)context, (void)session;
    return said.length == 5 && memcmp(said.data, "world", 5) == 0;
}

static inline void seal(void *context, uint32_t session, struct mcpz_bytes plain, uint8_t *sealed)
{
    struct end *end = context;

    memcpy(sealed, &end->sent[session], 8);
    end->sent[session]++;
    if (plain.length > 0) {
        memcpy(sealed + 8, plain.data, plain.length);
    }
    memset(sealed + 8 + plain.length, 'T', 16);
}

static inline enum mcpz_opened unseal(void *context, uint32_t session, struct mcpz_bytes sealed,
                                      uint8_t *plain)
{
    struct end *end = context;
    uint64_t counter;

    memcpy(&counter, sealed.data, 8);
    if (sealed.data[sealed.length - 1] != 'T' || counter < end->opened[session]) {
        return MCPZ_OPENED_NOT;
    }
    if (counter > end->opened[session]) {
        return MCPZ_OPENED_TOO_FAR;
    }
    end->opened[session]++;
    memcpy(plain, sealed.data + 8, sealed.length - MCPZ_SEAL_BYTES);
    return MCPZ_OPENED;
}

static inline void forget(void *context, uint32_t session)
{
    (void)context, (void)session;
}

/* A signature: who, and what. */
static inline void vouch(void *context, struct mcpz_bytes words, uint8_t *signature)
{
    memset(signature, 0, MCPZ_VOUCH_BYTES);
    signature[0] = (uint8_t)((struct end *)context - ends + 1);
    memcpy(signature + 1, words.data, words.length);
}

static inline bool is_vouched(void *context, const struct mcpz_id *who, struct mcpz_bytes words,
                              const uint8_t *signature)
{
    (void)context;
    return signature[0] == who->bytes[0] && memcmp(signature + 1, words.data, words.length) == 0;
}

/* What calls say, packed: END of a call, its number in eight bytes; anything else is unreadable.
 */
static inline size_t pack(const struct mcpz_msg *msg, uint8_t *buffer, size_t capacity)
{
    (void)capacity;
    buffer[0] = (uint8_t)msg->kind;
    memcpy(buffer + 1, &msg->end.call, 8);
    return 9;
}

static inline bool unpack(struct mcpz_bytes packed, struct mcpz_arena *arena, struct mcpz_msg *msg)
{
    (void)arena;
    if (packed.length != 9) {
        return false;
    }
    *msg = (struct mcpz_msg){.kind = (enum mcpz_msg_kind)packed.data[0]};
    memcpy(&msg->end.call, packed.data + 1, 8);
    return true;
}

/* ---- The world ---------------------------------------------------------------------------- */

static inline void link_to(size_t at, size_t peer, enum mcpz_event_kind kind)
{
    const struct mcpz_event event = {.kind = kind, .link = {.peer = id_of(peer)}};

    mcpz_outbox_clear(&out);
    (void)mcpz_links_step(&ends[at].fabric.links, now, &event, &out);
    mcpz_outbox_clear(&out);
}

static inline void know_all(size_t at)
{
    struct mcpz_roster *roster = &ends[at].fabric.members.roster;

    for (size_t i = 0; i < ENDS; i++) {
        const struct mcpz_id id = id_of(i);
        struct mcpz_member *row = mcpz_roster_find(roster, &id);
        row = row != NULL ? row : mcpz_roster_add(roster, &id);
        row->state = MCPZ_MEMBER_ALIVE;
        row->adjacency_version = 1;
        row->adjacency_count = 0;
        struct mcpz_short *peers = mcpz_roster_adjacency(roster, row);
        for (size_t j = 0; j < ENDS; j++) {
            if (j + 1 == i || i + 1 == j) {
                peers[row->adjacency_count++] = name_of(j);
            }
        }
    }
}

static inline void set_up_row(void)
{
    mcpz_outbox_init(&out);
    now = MCPZ_SECONDS(100);
    queued = 0;
    refuses = false;
    memset(ends, 0, sizeof(ends));
    for (size_t i = 0; i < ENDS; i++) {
        struct end *end = &ends[i];
        const struct mcpz_packer packer = {.pack = pack, .unpack = unpack};
        const struct mcpz_id id = id_of(i);
        const struct mcpz_fabric_config config = small_fabric(&id, &packer);
        const struct mcpz_relay_config relay = {
            .self = id_of(i),
            .sealer = {.context = end,
                       .begin = greet,
                       .accept = answer,
                       .finish = finish,
                       .close = seal,
                       .open = unseal,
                       .forget = forget,
                       .vouch = vouch,
                       .is_vouched = is_vouched},
            .sessions_max = 2,
            .links_max = 4,
            .seed = i,
        };
        const size_t lower = mcpz_arena_cost(mcpz_fabric_bytes(&config), 1);
        struct mcpz_arena arena;
        CHECK(lower + mcpz_relay_bytes(&relay) <= sizeof(end->memory));
        memset(end->memory, 0, sizeof(end->memory));
        mcpz_fabric_init(&end->fabric, &config, end->memory, now);
        mcpz_arena_init(&arena, end->memory + lower, sizeof(end->memory) - lower);
        mcpz_relay_init(&end->relay, &relay, &arena);
        know_all(i);
    }
    for (size_t i = 0; i + 1 < ENDS; i++) {
        link_to(i, i + 1, MCPZ_EVENT_LINK_UP);
        link_to(i + 1, i, MCPZ_EVENT_LINK_UP);
    }
}

static inline struct mcpz_carrier_sight sight_of(size_t at)
{
    return (struct mcpz_carrier_sight){
        .links = &ends[at].fabric.links,
        .roster = &ends[at].fabric.members.roster,
        .now = now,
    };
}

/* Note what an end has told, and put what it sends on its way. */
static inline void carry_out(size_t at)
{
    for (size_t i = 0; i < out.count; i++) {
        const struct mcpz_action *action = &out.actions[i];
        if (action->kind == MCPZ_ACTION_FACT) {
            ends[at].relayed += action->fact.kind == MCPZ_FACT_RELAYED;
            ends[at].unrelayed += action->fact.kind == MCPZ_FACT_UNRELAYED;
            ends[at].unreachable += action->fact.kind == MCPZ_FACT_UNREACHABLE;
        }
        if (action->kind == MCPZ_ACTION_LETTER) {
            ends[at].letters++;
            ends[at].letter = action->letter;
            ends[at].letter.bytes.data = ends[at].letter_bytes;
            memcpy(ends[at].letter_bytes, action->letter.bytes.data, action->letter.bytes.length);
        }
        if (action->kind == MCPZ_ACTION_SEND && action->send.msg.kind == MCPZ_MSG_RELAY_TAKEN) {
            const struct mcpz_id from = id_of(at);
            const size_t to = (size_t)action->send.peers[0].bytes[0] - 1;
            const struct mcpz_carrier_sight sight = sight_of(to);
            mcpz_carrier_taken(&ends[to].relay.carrier, &sight, &from,
                               action->send.msg.relay_taken.bytes);
        }
        if (action->kind != MCPZ_ACTION_SEND || action->send.msg.kind != MCPZ_MSG_RELAY) {
            continue;
        }
        CHECK(queued < 64);
        struct piece *piece = &queue[queued++];
        piece->from = at;
        piece->to = (size_t)action->send.peers[0].bytes[0] - 1;
        piece->relay = action->send.msg.relay;
        memcpy(piece->path, piece->relay.path, piece->relay.path_count * sizeof(*piece->path));
        CHECK(piece->relay.bytes.length <= sizeof(piece->bytes));
        if (piece->relay.bytes.length > 0) {
            memcpy(piece->bytes, piece->relay.bytes.data, piece->relay.bytes.length);
        }
    }
    mcpz_outbox_clear(&out);
}

static inline struct mcpz_relay_outcome show(size_t at, struct mcpz_event event)
{
    struct mcpz_relay_outcome outcome;

    mcpz_outbox_clear(&out);
    mcpz_relay_step(&ends[at].relay, &ends[at].fabric, now, &event, &out, &outcome);
    if (outcome.delivered) {
        (void)snprintf(ends[at].heard, sizeof(ends[at].heard), "%u from %u: %u",
                       (unsigned)outcome.msg.kind, (unsigned)outcome.from.bytes[0] - 1,
                       (unsigned)outcome.msg.end.call);
    }
    carry_out(at);
    return outcome;
}

static inline void deliver_one(void)
{
    struct piece piece = queue[0];

    memmove(&queue[0], &queue[1], --queued * sizeof(queue[0]));
    struct mcpz_msg msg = {.kind = MCPZ_MSG_RELAY, .relay = piece.relay};
    msg.relay.path = piece.path;
    msg.relay.bytes.data = piece.bytes;
    CHECK(show(piece.to,
               (struct mcpz_event){
                   .kind = MCPZ_EVENT_RECV,
                   .recv = {.from = id_of(piece.from), .msg = &msg},
               })
              .taken);
}

static inline void deliver(void)
{
    for (size_t i = 0; queued > 0; i++) {
        CHECK(i < 1000);
        deliver_one();
    }
}

static inline bool tell_end(size_t at, enum mcpz_fact_kind kind, size_t about)
{
    return show(at, (struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                                        .fact = {.kind = kind, .about = id_of(about)}})
        .hidden;
}

/* What was taken is told, however long ago that was: links are sound, time only leaps here. */
static inline void tell_taken(void)
{
    for (size_t i = 0; i < ENDS; i++) {
        const struct mcpz_carrier_sight sight = sight_of(i);
        mcpz_outbox_clear(&out);
        mcpz_carrier_tick(&ends[i].relay.carrier, &sight, &out);
        carry_out(i);
    }
}

static inline void tick(size_t at)
{
    tell_taken();
    (void)show(at, (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

static inline void want(size_t at, size_t peer)
{
    mcpz_outbox_clear(&out);
    struct mcpz_action *reach = mcpz_outbox_append(&out, MCPZ_ACTION_REACH);
    reach->reach.peer = id_of(peer);
    reach->reach.or_relay = true;
    mcpz_relay_note(&ends[at].relay, now, &out, 0);
    mcpz_outbox_clear(&out);
}

static inline void want_there(void)
{
    want(HERE, THERE);
}

/* The usual way: a link was tried in vain. */
static inline void come_up_here(void)
{
    set_up_row();
    want_there();
    CHECK(tell_end(HERE, MCPZ_FACT_UNREACHABLE, THERE)); /* calls are not told: we see to it */
    deliver();
    CHECK_UINT(ends[HERE].relayed, 1);
    CHECK_UINT(ends[THERE].relayed, 1);
}

static inline void say(size_t at, size_t to, uint64_t call)
{
    const struct mcpz_id peer = id_of(to);

    mcpz_outbox_clear(&out);
    mcpz_outbox_send(&out, &peer, &(struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = call}});
    (void)mcpz_relay_carry(&ends[at].relay, &ends[at].fabric, now, &out, 0);
    carry_out(at);
}

static inline bool reaches(size_t at, size_t peer)
{
    const struct mcpz_id id = id_of(peer);
    return mcpz_relay_reaches(&ends[at].relay, &id);
}

/* `HERE` says this, sealed as it should be. */
static inline struct mcpz_relay_outcome say_sealed(struct mcpz_bytes plain)
{
    const struct mcpz_short path[] = {name_of(HERE), name_of(BETWEEN), name_of(THERE)};
    uint8_t sealed[512];

    seal(&ends[HERE], ends[HERE].relay.sessions[0].bank, plain, sealed);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_RELAY,
                           .relay = {.kind = MCPZ_RELAY_SEALED,
                                     .session = ends[HERE].relay.sessions[0].way.session,
                                     .at = 2,
                                     .path = path,
                                     .path_count = 3,
                                     .bytes = mcpz_bytes(sealed, plain.length + MCPZ_SEAL_BYTES)}};
    return show(THERE, (struct mcpz_event){.kind = MCPZ_EVENT_RECV,
                                           .recv = {.from = id_of(BETWEEN), .msg = &msg}});
}

#endif
