/* Three nodes in a row, with seals that anybody can read: what a session lives through. */

#include "base/rng.h"
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

static struct mcpz_id id_of(size_t number)
{
    return (struct mcpz_id){.bytes = {(uint8_t)(number + 1), 1}};
}

static struct mcpz_short name_of(size_t number)
{
    const struct mcpz_id id = id_of(number);
    return mcpz_short_of(&id);
}

/* ---- A seal that keeps nothing secret: counter, then the bytes, then 16 of 'T' ------------- */

static size_t greet(void *context, uint32_t session, const struct mcpz_id *peer, uint8_t *message)
{
    struct end *end = context;

    (void)peer;
    end->sent[session] = end->opened[session] = 0;
    memcpy(message, "hello", 5);
    return 5;
}

static size_t answer(void *context, uint32_t session, const struct mcpz_id *peer,
                     struct mcpz_bytes message, uint8_t *said)
{
    if (refuses || message.length != 5 || memcmp(message.data, "hello", 5) != 0) {
        return 0;
    }
    (void)greet(context, session, peer, said);
    memcpy(said, "world", 5);
    return 5;
}

static bool finish(void *context, uint32_t session, struct mcpz_bytes said)
{
    (void)context, (void)session;
    return said.length == 5 && memcmp(said.data, "world", 5) == 0;
}

static void seal(void *context, uint32_t session, struct mcpz_bytes plain, uint8_t *sealed)
{
    struct end *end = context;

    memcpy(sealed, &end->sent[session], 8);
    end->sent[session]++;
    if (plain.length > 0) {
        memcpy(sealed + 8, plain.data, plain.length);
    }
    memset(sealed + 8 + plain.length, 'T', 16);
}

static enum mcpz_opened unseal(void *context, uint32_t session, struct mcpz_bytes sealed,
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

static void forget(void *context, uint32_t session)
{
    (void)context, (void)session;
}

/* A signature: who, and what. */
static void vouch(void *context, struct mcpz_bytes words, uint8_t *signature)
{
    memset(signature, 0, MCPZ_VOUCH_BYTES);
    signature[0] = (uint8_t)((struct end *)context - ends + 1);
    memcpy(signature + 1, words.data, words.length);
}

static bool is_vouched(void *context, const struct mcpz_id *who, struct mcpz_bytes words,
                       const uint8_t *signature)
{
    (void)context;
    return signature[0] == who->bytes[0] && memcmp(signature + 1, words.data, words.length) == 0;
}

/* What calls say, packed: END of a call, its number in eight bytes; anything else is unreadable.
 */
static size_t pack(const struct mcpz_msg *msg, uint8_t *buffer, size_t capacity)
{
    (void)capacity;
    buffer[0] = (uint8_t)msg->kind;
    memcpy(buffer + 1, &msg->end.call, 8);
    return 9;
}

static bool unpack(struct mcpz_bytes packed, struct mcpz_arena *arena, struct mcpz_msg *msg)
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

static void link_to(size_t at, size_t peer, enum mcpz_event_kind kind)
{
    const struct mcpz_event event = {.kind = kind, .link = {.peer = id_of(peer)}};

    mcpz_outbox_clear(&out);
    (void)mcpz_links_step(&ends[at].fabric.links, now, &event, &out);
    mcpz_outbox_clear(&out);
}

static void know_all(size_t at)
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

static void set_up_row(void)
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

static struct mcpz_carrier_sight sight_of(size_t at)
{
    return (struct mcpz_carrier_sight){.links = &ends[at].fabric.links, .now = now};
}

/* Note what an end has told, and put what it sends on its way. */
static void carry_out(size_t at)
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

static struct mcpz_relay_outcome show(size_t at, struct mcpz_event event)
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

static void deliver_one(void)
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

static void deliver(void)
{
    for (size_t i = 0; queued > 0; i++) {
        CHECK(i < 1000);
        deliver_one();
    }
}

static bool tell_end(size_t at, enum mcpz_fact_kind kind, size_t about)
{
    return show(at, (struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                                        .fact = {.kind = kind, .about = id_of(about)}})
        .hidden;
}

/* What was taken is told, however long ago that was: links are sound, time only leaps here. */
static void tell_taken(void)
{
    for (size_t i = 0; i < ENDS; i++) {
        const struct mcpz_carrier_sight sight = sight_of(i);
        mcpz_outbox_clear(&out);
        mcpz_carrier_tick(&ends[i].relay.carrier, &sight, &out);
        carry_out(i);
    }
}

static void tick(size_t at)
{
    tell_taken();
    (void)show(at, (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

static void want_there(void)
{
    mcpz_outbox_clear(&out);
    struct mcpz_action *reach = mcpz_outbox_append(&out, MCPZ_ACTION_REACH);
    reach->reach.peer = id_of(THERE);
    reach->reach.or_relay = true;
    mcpz_relay_note(&ends[HERE].relay, now, &out, 0);
    mcpz_outbox_clear(&out);
}

/* The usual way: a link was tried in vain. */
static void come_up_here(void)
{
    set_up_row();
    want_there();
    CHECK(tell_end(HERE, MCPZ_FACT_UNREACHABLE, THERE)); /* calls are not told: we see to it */
    deliver();
    CHECK_UINT(ends[HERE].relayed, 1);
    CHECK_UINT(ends[THERE].relayed, 1);
}

static void say(size_t at, size_t to, uint64_t call)
{
    const struct mcpz_id peer = id_of(to);

    mcpz_outbox_clear(&out);
    mcpz_outbox_send(&out, &peer, &(struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = call}});
    (void)mcpz_relay_carry(&ends[at].relay, &ends[at].fabric, now, &out, 0);
    carry_out(at);
}

static bool reaches(size_t at, size_t peer)
{
    const struct mcpz_id id = id_of(peer);
    return mcpz_relay_reaches(&ends[at].relay, &id);
}

/* ---- Up and down -------------------------------------------------------------------------- */

TEST(a_peer_that_cannot_be_linked_is_reached_through_the_one_between)
{
    come_up_here();
    CHECK(reaches(HERE, THERE) && reaches(THERE, HERE));
    say(HERE, THERE, 5);
    deliver();
    CHECK_TEXT(ends[THERE].heard, "12 from 0: 5");
    say(THERE, HERE, 6);
    deliver();
    CHECK_TEXT(ends[HERE].heard, "12 from 2: 6");
    CHECK_UINT(ends[BETWEEN].relay.count, 0);
    CHECK_UINT(ends[BETWEEN].heard[0], 0);
}

TEST(a_link_that_takes_long_is_not_waited_for)
{
    set_up_row();
    want_there();
    tick(HERE);
    CHECK_UINT(queued, 0);
    now = mcpz_relay_deadline(&ends[HERE].relay);
    tick(HERE);
    deliver();
    CHECK(reaches(HERE, THERE));
}

TEST(a_link_is_better_until_a_session_is_up)
{
    set_up_row();
    want_there();
    CHECK(!tell_end(HERE, MCPZ_FACT_LINKED, THERE));
    CHECK_UINT(ends[HERE].relay.count, 0);

    come_up_here();
    CHECK(tell_end(HERE, MCPZ_FACT_LINKED, THERE)); /* calls under way are not moved */
    CHECK(tell_end(HERE, MCPZ_FACT_UNLINKED, THERE));
    CHECK(reaches(HERE, THERE));
}

TEST(a_session_nobody_needs_is_forgotten_at_both_ends)
{
    come_up_here();
    mcpz_relay_need(&ends[HERE].relay, 0, now, false);
    now += MCPZ_SECONDS(31);
    tick(HERE);
    tick(THERE);
    CHECK_UINT(ends[HERE].relay.count, 0);
    CHECK_UINT(ends[THERE].relay.count, 0);
    CHECK_UINT(ends[HERE].unrelayed, 1); /* no call counted on it; who compares documents did */
}

TEST(ends_that_are_needed_show_that_they_are_there)
{
    come_up_here();
    mcpz_relay_need(&ends[THERE].relay, 0, now, true);
    for (size_t i = 0; i < 60; i++) {
        now += MCPZ_SECONDS(1);
        tick(HERE);
        tick(THERE);
        deliver();
    }
    CHECK(reaches(HERE, THERE) && reaches(THERE, HERE));
    CHECK_UINT(ends[HERE].unrelayed + ends[THERE].unrelayed, 0);
}

TEST(who_falls_silent_is_lost)
{
    come_up_here();
    mcpz_relay_need(&ends[THERE].relay, 0, now, true);
    for (size_t i = 0; i < 30; i++) {
        now += MCPZ_SECONDS(1);
        tick(HERE);
        tick(THERE);
        queued = 0; /* nothing arrives any more */
    }
    CHECK_UINT(ends[THERE].unrelayed, 1); /* who was greeted lets go */
    CHECK_UINT(ends[HERE].unrelayed, 1);  /* who greeted has looked for another way first */
    CHECK_UINT(ends[HERE].relay.count + ends[THERE].relay.count, 0);
}

TEST(a_broken_way_is_told_back_and_another_one_sought)
{
    come_up_here();
    link_to(BETWEEN, THERE, MCPZ_EVENT_LINK_DOWN);
    say(HERE, THERE, 5);
    deliver();
    CHECK(!reaches(HERE, THERE)); /* it is greeted anew */
    CHECK_UINT(ends[HERE].unrelayed, 0);
    link_to(BETWEEN, THERE, MCPZ_EVENT_LINK_UP);
    now += MCPZ_SECONDS(1);
    tick(HERE);
    deliver();
    CHECK(reaches(HERE, THERE));
    CHECK_UINT(ends[HERE].relayed, 2); /* calls start over */
}

TEST(a_dead_peer_and_a_dead_hop_end_a_session)
{
    come_up_here();
    CHECK(!tell_end(HERE, MCPZ_FACT_DEAD, THERE));
    CHECK_UINT(ends[HERE].unrelayed, 1);

    come_up_here();
    const struct mcpz_id between = id_of(BETWEEN);
    mcpz_roster_find(&ends[HERE].fabric.members.roster, &between)->state = MCPZ_MEMBER_DEAD;
    link_to(HERE, BETWEEN, MCPZ_EVENT_LINK_DOWN);
    (void)tell_end(HERE, MCPZ_FACT_DEAD, BETWEEN);
    CHECK(!reaches(HERE, THERE));
    for (size_t i = 0; i < 20; i++) {
        now += MCPZ_SECONDS(1);
        tick(HERE);
    }
    CHECK_UINT(ends[HERE].unrelayed, 1);
    CHECK_UINT(ends[HERE].relay.count, 0);
}

TEST(who_is_refused_is_told_in_the_end)
{
    set_up_row();
    refuses = true;
    want_there();
    (void)tell_end(HERE, MCPZ_FACT_UNREACHABLE, THERE);
    for (size_t i = 0; i < 20; i++) {
        deliver();
        now += MCPZ_SECONDS(1);
        tick(HERE);
    }
    CHECK_UINT(ends[HERE].unreachable, 1);
    CHECK_UINT(ends[HERE].relay.count + ends[THERE].relay.count, 0);
    CHECK_UINT(ends[THERE].relayed, 0);
}

TEST(two_that_greet_each_other_come_to_one_session)
{
    const struct mcpz_id here = id_of(HERE);

    set_up_row();
    want_there();
    mcpz_outbox_clear(&out);
    struct mcpz_action *reach = mcpz_outbox_append(&out, MCPZ_ACTION_REACH);
    reach->reach.peer = here;
    reach->reach.or_relay = true;
    mcpz_relay_note(&ends[THERE].relay, now, &out, 0);
    (void)tell_end(HERE, MCPZ_FACT_UNREACHABLE, THERE);
    (void)tell_end(THERE, MCPZ_FACT_UNREACHABLE, HERE);
    deliver();
    CHECK(reaches(HERE, THERE) && reaches(THERE, HERE));
    CHECK(ends[HERE].relay.sessions[0].way.session == ends[THERE].relay.sessions[0].way.session);
    say(HERE, THERE, 5);
    say(THERE, HERE, 6);
    deliver();
    CHECK_TEXT(ends[THERE].heard, "12 from 0: 5");
    CHECK_TEXT(ends[HERE].heard, "12 from 2: 6");
}

TEST(a_node_without_seals_refuses_and_still_carries)
{
    set_up_row();
    ends[THERE].relay.config.sealer.begin = NULL;
    want_there();
    (void)tell_end(HERE, MCPZ_FACT_UNREACHABLE, THERE);
    deliver();
    CHECK_UINT(ends[THERE].relay.count, 0);
    CHECK_UINT(ends[BETWEEN].relay.carrier.carried, 2); /* there, and back */
    CHECK(!mcpz_relay_is_there(&ends[THERE].relay));
}

/* ---- What others make up ------------------------------------------------------------------ */

/* The one between repeats, changes and leaves out. */
TEST(what_is_repeated_or_changed_is_not_heard)
{
    come_up_here();
    say(HERE, THERE, 5);
    deliver_one(); /* to the one between, who now has it for the end */
    struct piece kept = queue[0];
    deliver();
    CHECK_TEXT(ends[THERE].heard, "12 from 0: 5");
    ends[THERE].heard[0] = '\0';
    queue[queued++] = kept;
    deliver();
    CHECK_UINT(ends[THERE].heard[0], 0);

    say(HERE, THERE, 6);
    deliver_one();
    queue[0].bytes[queue[0].relay.bytes.length - 1] ^= 1;
    deliver();
    CHECK_UINT(ends[THERE].heard[0], 0);
    CHECK_UINT(ends[THERE].relay.forged, 2);
    CHECK(reaches(THERE, HERE)); /* that alone ends nothing */
}

TEST(what_was_left_out_ends_the_session)
{
    come_up_here();
    say(HERE, THERE, 5);
    queued = 0;
    say(HERE, THERE, 6);
    deliver();
    CHECK_UINT(ends[THERE].heard[0], 0);
    CHECK_UINT(ends[THERE].unrelayed, 1);
}

/* `HERE` says this, sealed as it should be. */
static struct mcpz_relay_outcome say_sealed(struct mcpz_bytes plain)
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

TEST(only_messages_of_calls_cross)
{
    come_up_here();
    struct mcpz_msg inner = {.kind = MCPZ_MSG_DEAD};
    uint8_t plain[9];
    (void)pack(&inner, plain, sizeof(plain));
    CHECK(!say_sealed(mcpz_bytes(plain, sizeof(plain))).delivered);
    CHECK_UINT(ends[THERE].relay.forged, 1);
}

/* ---- Letters ------------------------------------------------------------------------------ */

static void write_letter(bool goes_on, struct mcpz_bytes bytes)
{
    CHECK(show(HERE,
               (struct mcpz_event){
                   .kind = MCPZ_EVENT_LETTER,
                   .letter = {.peer = id_of(THERE), .goes_on = goes_on, .bytes = bytes}})
              .taken);
}

static bool takes_letter(void)
{
    const struct mcpz_id peer = id_of(THERE);

    return mcpz_relay_takes_letter(&ends[HERE].relay, &peer);
}

TEST(a_letter_comes_as_it_was_written)
{
    const struct mcpz_id here = id_of(HERE);

    set_up_row();
    write_letter(false, mcpz_text("to nobody"));
    CHECK(!takes_letter() && queued == 0);

    come_up_here();
    CHECK(takes_letter());
    write_letter(true, mcpz_text("dear"));
    deliver();
    CHECK(ends[THERE].letter.goes_on);
    CHECK(mcpz_id_equal(&ends[THERE].letter.from, &here));
    CHECK(mcpz_bytes_equal(ends[THERE].letter.bytes, mcpz_text("dear")));
    write_letter(false, mcpz_text(" friend"));
    deliver();
    CHECK(!ends[THERE].letter.goes_on);
    CHECK(mcpz_bytes_equal(ends[THERE].letter.bytes, mcpz_text(" friend")));
    CHECK_UINT(ends[THERE].letters, 2);
    CHECK_UINT(ends[THERE].heard[0], 0);
    CHECK_UINT(ends[BETWEEN].letters, 0);
    write_letter(false, mcpz_bytes(NULL, 0)); /* nothing is no letter */
    CHECK_UINT(queued, 0);
}

/* The other end says so when it has taken a quarter of what may be under way. */
TEST(letters_under_way_are_bounded_by_what_is_taken)
{
    static const uint8_t zeros[400];
    struct mcpz_relay_session *session = &ends[HERE].relay.sessions[0];
    uint32_t most = 0;

    come_up_here();
    for (size_t i = 0; i < 1000; i++) {
        write_letter(false, mcpz_bytes(zeros, sizeof(zeros)));
        deliver();
        most = session->letters_flying > most ? session->letters_flying : most;
    }
    CHECK_UINT(ends[THERE].letters, 1000);
    CHECK(most > MCPZ_LETTERS_FLYING_MAX / 8 && most < MCPZ_LETTERS_FLYING_MAX / 4);
    session->letters_flying = MCPZ_LETTERS_FLYING_MAX - MCPZ_LETTER_BYTES_MAX;
    CHECK(takes_letter());
    session->letters_flying++;
    CHECK(!takes_letter());
}

TEST(a_letter_with_a_forged_head_is_counted_and_changes_nothing)
{
    static const struct {
        uint8_t bytes[8];
        size_t length;
    } forged[] = {
        {{0xc1}, 1},         /* no kind */
        {{0xc1, 0}, 2},      /* nothing in it */
        {{0xc1, 1}, 2},      /* nothing, and it goes on */
        {{0xc1, 3, 'x'}, 3}, /* no such kind */
        {{0xc1, 0xff, 'x'}, 3},
        {{0xc1, 2, 0, 0, 1}, 5}, /* taken, in three bytes */
        {{0xc1, 2, 0, 0, 0, 1, 0}, 7},
    };
    static const uint8_t too_much[] = {0xc1, 2, 0xff, 0xff, 0xff, 0xff};
    struct mcpz_relay_session *back = &ends[THERE].relay.sessions[0];

    come_up_here();
    back->letters_flying = 100;
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(forged); i++) {
        CHECK(!say_sealed(mcpz_bytes(forged[i].bytes, forged[i].length)).delivered);
        CHECK_UINT(ends[THERE].relay.forged, i + 1);
    }
    CHECK_UINT(ends[THERE].letters, 0);
    CHECK_UINT(back->letters_flying, 100);
    (void)say_sealed(mcpz_bytes(too_much, sizeof(too_much))); /* more than there was to take */
    CHECK_UINT(back->letters_flying, 0);
    CHECK(reaches(THERE, HERE));
    write_letter(false, mcpz_text("dear"));
    deliver();
    CHECK_UINT(ends[THERE].letters, 1);
}

/* No call needs it, and still it is kept while there is something to say, and not for ever. */
TEST(a_session_is_kept_while_letters_cross_it)
{
    come_up_here();
    for (size_t i = 0; i < 60; i++) {
        mcpz_relay_need(&ends[HERE].relay, 0, now, false);
        mcpz_relay_need(&ends[THERE].relay, 0, now, false);
        write_letter(false, mcpz_text("dear"));
        deliver();
        now += MCPZ_SECONDS(1);
        tick(HERE);
        tick(THERE);
        deliver();
    }
    CHECK(reaches(HERE, THERE) && reaches(THERE, HERE));
    CHECK_UINT(ends[THERE].letters, 60);
    for (size_t i = 0; i < 60; i++) {
        for (size_t at = HERE; at < ENDS; at += THERE) {
            mcpz_relay_need(&ends[at].relay, 0, now, false);
            tick(at);
        }
        deliver();
        now += MCPZ_SECONDS(1);
    }
    CHECK_UINT(ends[HERE].relay.count + ends[THERE].relay.count, 0);
    CHECK_UINT(ends[HERE].unrelayed, 1);
    CHECK_UINT(ends[THERE].unrelayed, 1);
}

/* ---- Disks and hops ----------------------------------------------------------------------- */

TEST(that_a_provider_is_still_at_it_crosses_too)
{
    const struct mcpz_id peer = id_of(HERE);

    come_up_here();
    mcpz_outbox_clear(&out);
    mcpz_outbox_send(&out, &peer,
                     &(struct mcpz_msg){.kind = MCPZ_MSG_TASK_RENEW, .task_renew = {.call = 7}});
    (void)mcpz_relay_carry(&ends[THERE].relay, &ends[THERE].fabric, now, &out, 0);
    carry_out(THERE);
    deliver();
    CHECK_TEXT(ends[HERE].heard, "59 from 2: 7");
}

/* Does what `HERE` says now wait for its disk? */
static bool waits_for_the_disk(bool durable)
{
    const struct mcpz_id peer = id_of(THERE);

    mcpz_outbox_clear(&out);
    mcpz_outbox_send(&out, &peer, &(struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = 1}});
    out.actions[0].durable = durable;
    (void)mcpz_relay_carry(&ends[HERE].relay, &ends[HERE].fabric, now, &out, 0);
    CHECK_UINT(out.count, 2);
    CHECK_UINT(out.actions[0].kind, MCPZ_ACTION_NONE);
    CHECK_UINT(out.actions[1].send.msg.kind, MCPZ_MSG_RELAY);
    bool waits = out.actions[1].durable;
    carry_out(HERE);
    deliver();
    now += MCPZ_RELAY_OWED_US;
    tell_taken();
    return waits;
}

/* It is numbered: what is said later must not come before it. */
TEST(nothing_overtakes_what_waits_for_the_disk)
{
    come_up_here();
    CHECK(!waits_for_the_disk(false));
    CHECK(waits_for_the_disk(true));
    now += MCPZ_SECONDS(4);
    CHECK(waits_for_the_disk(false));
    now += MCPZ_SECONDS(2);
    CHECK(!waits_for_the_disk(false));
}

/* The one between says that `hop` could not hand on, signed by `signer`. */
static void blame(size_t hop, size_t signer, const struct mcpz_short *path, uint64_t session)
{
    uint8_t signature[MCPZ_VOUCH_BYTES];
    uint8_t words[sizeof(signature)];
    size_t length = 0;

    for (size_t i = 8; i > 0; i--) {
        words[length++] = (uint8_t)(session >> (8 * (i - 1)));
    }
    words[length++] = (uint8_t)hop;
    words[length++] = 3;
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 4; j > 0; j--) {
            words[length++] = (uint8_t)(path[i].value >> (8 * (j - 1)));
        }
    }
    vouch(&ends[signer], mcpz_bytes(words, length), signature);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_RELAY,
                           .relay = {.kind = MCPZ_RELAY_BROKEN,
                                     .session = session,
                                     .at = 0,
                                     .broken_at = (uint32_t)hop,
                                     .path = path,
                                     .path_count = 3,
                                     .bytes = mcpz_bytes(signature, sizeof(signature))}};
    (void)show(HERE, (struct mcpz_event){.kind = MCPZ_EVENT_RECV,
                                         .recv = {.from = id_of(BETWEEN), .msg = &msg}});
}

TEST(a_hop_speaks_for_itself_and_of_this_way_only)
{
    const struct mcpz_short path[] = {name_of(HERE), name_of(BETWEEN), name_of(THERE)};
    const struct mcpz_short other[] = {name_of(HERE), name_of(BETWEEN), name_of(HERE)};

    come_up_here();
    const uint64_t session = ends[HERE].relay.sessions[0].way.session;
    blame(2, BETWEEN, path, session); /* the peer's own word would be needed */
    blame(1, THERE, path, session);
    blame(1, BETWEEN, path, session + 1);
    blame(1, BETWEEN, other, session);
    CHECK(reaches(HERE, THERE));
    CHECK_UINT(ends[HERE].relay.forged, 2); /* the others are of no session of ours */
    blame(1, BETWEEN, path, session);
    CHECK(!reaches(HERE, THERE));
}

/* It breaks a session, again and again: what it says of its next step is not all that is heard. */
TEST(who_breaks_a_session_twice_is_gone_round)
{
    const struct mcpz_short path[] = {name_of(HERE), name_of(BETWEEN), name_of(THERE)};
    const struct mcpz_relay_session *session = &ends[HERE].relay.sessions[0];

    for (size_t apart_s = 1; apart_s < 60; apart_s += 30) {
        come_up_here();
        blame(1, BETWEEN, path, session->way.session);
        CHECK_UINT(session->state, MCPZ_RELAY_WANTED); /* there is no other way */
        now += MCPZ_SECONDS(1);
        tick(HERE);
        deliver();
        CHECK(reaches(HERE, THERE));
        now += MCPZ_SECONDS(apart_s);
        tell_taken();
        ends[HERE].relay.sessions[0].attempts = 0;
        blame(1, BETWEEN, path, session->way.session);
        CHECK(session->blamer.value == path[1].value);
        CHECK_UINT(ends[HERE].relay.doubted, apart_s == 1);
    }
}

TEST(greetings_are_bounded)
{
    set_up_row();
    const struct mcpz_short path[] = {name_of(HERE), name_of(BETWEEN), name_of(THERE)};
    for (uint64_t i = 0; i < 200; i++) {
        struct mcpz_msg msg = {.kind = MCPZ_MSG_RELAY,
                               .relay = {.kind = MCPZ_RELAY_GREET,
                                         .session = i,
                                         .at = 2,
                                         .path = path,
                                         .path_count = 3,
                                         .bytes = mcpz_text("hello")}};
        (void)show(THERE, (struct mcpz_event){.kind = MCPZ_EVENT_RECV,
                                              .recv = {.from = id_of(BETWEEN), .msg = &msg}});
        queued = 0;
    }
    CHECK_UINT(ends[THERE].relay.accepted, 64);
    CHECK_UINT(ends[THERE].relay.over_budget, 136);
    CHECK_UINT(ends[THERE].relay.count, 1);
    CHECK_UINT(ends[THERE].relayed, 0); /* nothing in any of them was opened */
    now += MCPZ_SECONDS(10);
    tick(THERE);
    CHECK_UINT(ends[THERE].relay.count, 0);
}

/* Any message at any time: nothing but what the ends have said is ever heard. */
TEST(any_bytes_leave_a_session_as_good_as_it_was)
{
    struct mcpz_rng rng;
    uint8_t bytes[64];

    come_up_here();
    mcpz_rng_init(&rng, 5);
    for (size_t i = 0; i < 20000; i++) {
        struct mcpz_short path[4];
        for (size_t j = 0; j < 4; j++) {
            path[j] = name_of(mcpz_rng_below(&rng, ENDS));
        }
        for (size_t j = 0; j < sizeof(bytes); j++) {
            bytes[j] = (uint8_t)mcpz_rng_below(&rng, 4);
        }
        const size_t at = mcpz_rng_below(&rng, ENDS);
        struct mcpz_msg msg = {
            .kind = MCPZ_MSG_RELAY,
            .relay = {.kind = 1 + mcpz_rng_below(&rng, 4),
                      .session = mcpz_rng_below(&rng, 2) == 0
                                     ? ends[HERE].relay.sessions[0].way.session
                                     : mcpz_rng_next(&rng),
                      .at = mcpz_rng_below(&rng, 4),
                      .broken_at = mcpz_rng_below(&rng, 4),
                      .path = path,
                      .path_count = mcpz_rng_below(&rng, 5),
                      .bytes = mcpz_bytes(bytes, mcpz_rng_below(&rng, sizeof(bytes)))}};
        (void)show(at, (struct mcpz_event){
                           .kind = MCPZ_EVENT_RECV,
                           .recv = {.from = id_of(mcpz_rng_below(&rng, ENDS)), .msg = &msg}});
        queued = 0;
    }
    CHECK_UINT(ends[HERE].heard[0] + ends[THERE].heard[0], 0);
    say(HERE, THERE, 5);
    deliver();
    CHECK_TEXT(ends[THERE].heard, "12 from 0: 5");
}

TEST_MAIN(RUN(a_peer_that_cannot_be_linked_is_reached_through_the_one_between),
          RUN(a_link_that_takes_long_is_not_waited_for),
          RUN(a_link_is_better_until_a_session_is_up),
          RUN(a_session_nobody_needs_is_forgotten_at_both_ends),
          RUN(ends_that_are_needed_show_that_they_are_there), RUN(who_falls_silent_is_lost),
          RUN(a_broken_way_is_told_back_and_another_one_sought),
          RUN(a_dead_peer_and_a_dead_hop_end_a_session), RUN(who_is_refused_is_told_in_the_end),
          RUN(two_that_greet_each_other_come_to_one_session),
          RUN(a_node_without_seals_refuses_and_still_carries),
          RUN(what_is_repeated_or_changed_is_not_heard), RUN(what_was_left_out_ends_the_session),
          RUN(that_a_provider_is_still_at_it_crosses_too),
          RUN(nothing_overtakes_what_waits_for_the_disk), RUN(only_messages_of_calls_cross),
          RUN(a_letter_comes_as_it_was_written),
          RUN(letters_under_way_are_bounded_by_what_is_taken),
          RUN(a_letter_with_a_forged_head_is_counted_and_changes_nothing),
          RUN(a_session_is_kept_while_letters_cross_it),
          RUN(a_hop_speaks_for_itself_and_of_this_way_only),
          RUN(who_breaks_a_session_twice_is_gone_round), RUN(greetings_are_bounded),
          RUN(any_bytes_leave_a_session_as_good_as_it_was))
