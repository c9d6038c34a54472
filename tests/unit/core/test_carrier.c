/* A hop between two others: what it hands on, what it answers, and what it counts. */

#include "core.h"
#include "core/relay/carrier.h"
#include "core/timing.h"

static const struct mcpz_id carol = {.bytes = {'c'}};

static struct mcpz_links links;
static struct mcpz_roster roster;
static struct mcpz_node_timing timing;
static struct mcpz_carrier carrier;
static struct mcpz_carrier_sight sight;
static uint32_t signed_count;
static _Alignas(16) uint8_t memory[16384];
static uint8_t payload[MCPZ_RELAY_BYTES_MAX];

static struct mcpz_short name_of(const struct mcpz_id *id)
{
    return mcpz_short_of(id);
}

static void link_event(enum mcpz_event_kind kind, const struct mcpz_id *peer)
{
    const struct mcpz_event event = {.kind = kind, .link = {.peer = *peer}};

    (void)mcpz_links_step(&links, 0, &event, &out);
    mcpz_outbox_clear(&out);
}

/* A signature: who, and what was signed. */
static void vouch(void *context, struct mcpz_bytes words, uint8_t *signature)
{
    (void)context;
    signed_count++;
    memset(signature, self.bytes[0], MCPZ_VOUCH_BYTES);
    memcpy(signature + 1, words.data, words.length < 63 ? words.length : 63);
}

static bool is_vouched(void *context, const struct mcpz_id *who, struct mcpz_bytes words,
                       const uint8_t *signature)
{
    (void)context;
    return signature[0] == who->bytes[0] &&
           memcmp(signature + 1, words.data, words.length < 63 ? words.length : 63) == 0;
}

static const struct mcpz_sealer sealer = {.vouch = vouch, .is_vouched = is_vouched};

/* We stand between alice and bob, and know carol. */
static void set_up(void)
{
    static const struct mcpz_node_timing defaults;
    const struct mcpz_links_config config = {.self = self,
                                             .links_max = 3,
                                             .dials_max = 1,
                                             .seeds_max = 1,
                                             .address_bytes = 16,
                                             .seed = 1};
    struct mcpz_arena arena;

    timing = mcpz_timing_or_default(&defaults);
    mcpz_outbox_init(&out);
    mcpz_arena_init(&arena, memory, sizeof(memory));
    mcpz_links_init(&links, &config, &timing, &arena, 0);
    mcpz_roster_init(&roster, &(struct mcpz_roster_config){.rows_max = 4, .text_bytes = 64},
                     &arena);
    (void)mcpz_roster_add(&roster, &self);
    sight =
        (struct mcpz_carrier_sight){.links = &links, .roster = &roster, .now = MCPZ_SECONDS(100)};
    signed_count = 0;
    mcpz_carrier_init(&carrier, &self, &sealer, 3, &arena);
    link_event(MCPZ_EVENT_LINK_UP, &alice);
    link_event(MCPZ_EVENT_LINK_UP, &bob);
}

static bool take(const struct mcpz_id *from, struct mcpz_msg_relay relay)
{
    mcpz_outbox_clear(&out);
    return mcpz_carrier_take(&carrier, &sight, from, &relay, &out);
}

static struct mcpz_msg_relay from_alice(const struct mcpz_short *path, size_t count, uint32_t at)
{
    return (struct mcpz_msg_relay){.kind = MCPZ_RELAY_SEALED,
                                   .session = 7,
                                   .at = at,
                                   .path = path,
                                   .path_count = count,
                                   .bytes = mcpz_text("sealed")};
}

static const struct mcpz_id *receiver(void)
{
    return &only_action(MCPZ_ACTION_SEND)->send.peers[0];
}

TEST(what_is_for_another_goes_on_as_it_is)
{
    set_up();
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self), name_of(&bob)};
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    CHECK(mcpz_id_equal(receiver(), &bob));
    const struct mcpz_msg_relay *onward = &sent(MCPZ_MSG_RELAY)->relay;
    CHECK_UINT(onward->at, 2);
    CHECK_UINT(onward->kind, MCPZ_RELAY_SEALED);
    CHECK_BYTES(onward->bytes, "sealed", 6);
    CHECK_UINT(carrier.carried, 1);
}

TEST(what_is_for_us_stays)
{
    set_up();
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self)};
    CHECK(take(&alice, from_alice(path, 2, 1)));
    CHECK_UINT(out.count, 0);
}

TEST(what_cannot_go_on_is_answered)
{
    set_up();
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self), name_of(&carol)};
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    CHECK(mcpz_id_equal(receiver(), &alice));
    const struct mcpz_msg_relay *back = &sent(MCPZ_MSG_RELAY)->relay;
    CHECK_UINT(back->kind, MCPZ_RELAY_BROKEN);
    CHECK_UINT(back->at, 0);
    CHECK_UINT(back->broken_at, 1);
    CHECK_UINT(back->session, 7);
    CHECK_UINT(back->bytes.length, MCPZ_VOUCH_BYTES);
}

TEST(who_turns_back_signs_it_and_nobody_else_can)
{
    set_up();
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self), name_of(&carol)};
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    struct mcpz_msg_relay back = sent(MCPZ_MSG_RELAY)->relay;
    CHECK(mcpz_carrier_is_vouched(&carrier, &self, &back));
    CHECK(!mcpz_carrier_is_vouched(&carrier, &bob, &back));
    back.at++; /* it is on its way */
    CHECK(mcpz_carrier_is_vouched(&carrier, &self, &back));
    back.broken_at = 2;
    CHECK(!mcpz_carrier_is_vouched(&carrier, &self, &back));
    back.broken_at = 1;
    back.session++;
    CHECK(!mcpz_carrier_is_vouched(&carrier, &self, &back));
    back.session--;
    const struct mcpz_short other[] = {name_of(&alice), name_of(&self), name_of(&bob)};
    back.path = other;
    CHECK(!mcpz_carrier_is_vouched(&carrier, &self, &back));
    back.path = path;
    back.bytes.length--;
    CHECK(!mcpz_carrier_is_vouched(&carrier, &self, &back));
}

TEST(so_many_are_signed_in_a_second_and_no_more)
{
    set_up();
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self), name_of(&carol)};
    for (size_t i = 0; i < 2 * MCPZ_RELAY_VOUCHED_PER_S_MAX; i++) {
        CHECK(!take(&alice, from_alice(path, 3, 1)));
    }
    CHECK_UINT(signed_count, MCPZ_RELAY_VOUCHED_PER_S_MAX);
    sight.now += MCPZ_SECONDS(1);
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    CHECK_UINT(signed_count, MCPZ_RELAY_VOUCHED_PER_S_MAX + 1);
}

TEST(an_answer_finds_its_way_back)
{
    set_up();
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self), name_of(&bob),
                                      name_of(&carol)};
    struct mcpz_msg_relay back = from_alice(path, 4, 1);
    back.kind = MCPZ_RELAY_BROKEN;
    back.broken_at = 2;
    CHECK(!take(&bob, back));
    CHECK(mcpz_id_equal(receiver(), &alice));
    CHECK_UINT(sent(MCPZ_MSG_RELAY)->relay.at, 0);
    CHECK_UINT(sent(MCPZ_MSG_RELAY)->relay.broken_at, 2);
}

/* Whatever somebody makes up, nothing goes out. */
TEST(what_makes_no_sense_goes_nowhere)
{
    const struct mcpz_short a = name_of(&alice);
    const struct mcpz_short b = name_of(&bob);
    const struct mcpz_short me = name_of(&self);
    const struct mcpz_short straight[] = {a, me, b};
    const struct mcpz_short round[] = {a, me, b, me, b};
    const struct mcpz_short elsewhere[] = {a, b, me};

    set_up();
    CHECK(!take(&bob, from_alice(straight, 3, 1)));   /* not from whom it should come */
    CHECK(!take(&alice, from_alice(straight, 3, 0))); /* it stands before its start */
    CHECK(!take(&alice, from_alice(straight, 3, 2))); /* not where we are */
    CHECK(!take(&alice, from_alice(straight, 3, 3))); /* behind its end */
    CHECK(!take(&alice, from_alice(straight, 1, 0)));
    CHECK(!take(&alice, from_alice(round, 5, 1))); /* it would come back */
    CHECK(!take(&alice, from_alice(round, 5, 3)));
    CHECK(!take(&alice, from_alice(elsewhere, 3, 1)));
    struct mcpz_msg_relay back = from_alice(straight, 3, 1);
    back.kind = MCPZ_RELAY_BROKEN;
    CHECK(!take(&bob, back)); /* broken before it came here */
    back.broken_at = 3;
    CHECK(!take(&bob, back)); /* and behind its end */
    back.broken_at = 2;
    CHECK(!take(&alice, back)); /* from where it went to */
    CHECK_UINT(carrier.refused, 11);
    CHECK_UINT(carrier.carried, 0);
    CHECK_UINT(carrier.turned_back, 0);
}

static struct mcpz_msg_relay large(const struct mcpz_short *path)
{
    struct mcpz_msg_relay relay = from_alice(path, 3, 1);

    relay.bytes = mcpz_bytes(payload, sizeof(payload));
    return relay;
}

/* How many messages bob has been handed; the last one was turned back. */
static size_t fill(const struct mcpz_short *path)
{
    size_t count = 0;

    for (;;) {
        CHECK(!take(&alice, large(path)));
        bool is_back = false;
        for (size_t i = 0; i < out.count; i++) {
            is_back = is_back || (out.actions[i].kind == MCPZ_ACTION_SEND &&
                                  out.actions[i].send.msg.kind == MCPZ_MSG_RELAY &&
                                  out.actions[i].send.msg.relay.kind == MCPZ_RELAY_BROKEN);
        }
        if (is_back) {
            return count;
        }
        CHECK(++count < 1000);
    }
}

TEST(so_much_is_on_its_way_to_one_peer_and_no_more)
{
    const size_t cost = MCPZ_RELAY_BYTES_MAX + MCPZ_RELAY_OVERHEAD_BYTES;

    set_up();
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self), name_of(&bob)};
    CHECK_UINT(fill(path), MCPZ_RELAY_FLIGHT_BYTES_MAX / cost);
    const size_t left = MCPZ_RELAY_FLIGHT_BYTES_MAX % cost;
    mcpz_carrier_taken(&carrier, &sight, &bob, (uint32_t)(cost - left - 1));
    CHECK_UINT(fill(path), 0);
    mcpz_carrier_taken(&carrier, &sight, &bob, 1);
    CHECK_UINT(fill(path), 1);
    mcpz_carrier_taken(&carrier, &sight, &carol, UINT32_MAX); /* nothing is on its way to her */
    mcpz_carrier_taken(&carrier, &sight, &bob, UINT32_MAX);   /* more than there was */
    CHECK_UINT(fill(path), MCPZ_RELAY_FLIGHT_BYTES_MAX / cost);
    mcpz_carrier_forget(&carrier, &bob); /* another link: nothing is on its way over it */
    CHECK_UINT(fill(path), MCPZ_RELAY_FLIGHT_BYTES_MAX / cost);
}

TEST(what_was_taken_is_told)
{
    set_up();
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self)};
    struct mcpz_msg_relay relay = from_alice(path, 2, 1);
    size_t told = 0;

    relay.bytes = mcpz_bytes(payload, 10000);
    for (size_t i = 0; i < 100; i++) {
        CHECK(take(&alice, relay));
        for (size_t j = 0; j < out.count; j++) {
            CHECK(out.actions[j].send.msg.kind == MCPZ_MSG_RELAY_TAKEN);
            told += out.actions[j].send.msg.relay_taken.bytes;
        }
    }
    const size_t all = 100 * (10000 + MCPZ_RELAY_OVERHEAD_BYTES);
    CHECK(told <= all && all - told < MCPZ_RELAY_OWED_BYTES_MAX);
}

/* A little is told soon, and once. */
TEST(what_is_owed_is_told_after_a_while)
{
    set_up();
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self)};
    CHECK(mcpz_carrier_deadline(&carrier) == MCPZ_TIME_NEVER);
    CHECK(take(&alice, from_alice(path, 2, 1)));
    CHECK_UINT(out.count, 0);
    const mcpz_time due_us = sight.now + MCPZ_RELAY_OWED_US;
    CHECK_UINT(mcpz_carrier_deadline(&carrier), due_us);
    sight.now = due_us - 1;
    mcpz_carrier_tick(&carrier, &sight, &out);
    CHECK_UINT(out.count, 0);
    sight.now = due_us;
    mcpz_carrier_tick(&carrier, &sight, &out);
    CHECK_UINT(sent(MCPZ_MSG_RELAY_TAKEN)->relay_taken.bytes, 6 + MCPZ_RELAY_OVERHEAD_BYTES);
    CHECK(mcpz_id_equal(receiver(), &alice));
    CHECK(mcpz_carrier_deadline(&carrier) == MCPZ_TIME_NEVER);
}

/* A link that stands half open: nothing comes back, and its heartbeats have all the time. */
TEST(who_takes_nothing_is_handed_nothing_more)
{
    struct mcpz_id stalled;

    set_up();
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self), name_of(&bob)};
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    const mcpz_time due_us = sight.now + MCPZ_RELAY_STALL_US;
    sight.now = due_us - 1;
    CHECK(!mcpz_carrier_next_stalled(&carrier, &sight, &stalled));
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    CHECK_UINT(sent(MCPZ_MSG_RELAY)->relay.kind, MCPZ_RELAY_SEALED);
    sight.now = due_us;
    CHECK(mcpz_carrier_next_stalled(&carrier, &sight, &stalled));
    CHECK(mcpz_id_equal(&stalled, &bob));
    CHECK(!mcpz_carrier_next_stalled(&carrier, &sight, &stalled)); /* once */
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    CHECK_UINT(sent(MCPZ_MSG_RELAY)->relay.kind, MCPZ_RELAY_BROKEN);
    CHECK_UINT(carrier.stalls, 1);

    /* It was only slow. */
    mcpz_carrier_taken(&carrier, &sight, &bob, 1);
    mcpz_carrier_taken(&carrier, &sight, &alice, UINT32_MAX);
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    CHECK_UINT(sent(MCPZ_MSG_RELAY)->relay.kind, MCPZ_RELAY_SEALED);
    CHECK(!mcpz_carrier_next_stalled(&carrier, &sight, &stalled));

    /* Who is not well itself is more patient. */
    links.health = 2;
    mcpz_carrier_forget(&carrier, &bob);
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    sight.now += 3 * MCPZ_RELAY_STALL_US - 1;
    CHECK(!mcpz_carrier_next_stalled(&carrier, &sight, &stalled));
    sight.now++;
    CHECK(mcpz_carrier_next_stalled(&carrier, &sight, &stalled));
}

/* Bob, as he tells of his neighbours. */
static void add_bob(const struct mcpz_id *first, const struct mcpz_id *second)
{
    struct mcpz_member *row = mcpz_roster_add(&roster, &bob);
    struct mcpz_short *neighbours = mcpz_roster_adjacency(&roster, row);

    for (const struct mcpz_id **one = (const struct mcpz_id *[]){first, second, NULL};
         *one != NULL; one++) {
        neighbours[row->adjacency_count++] = name_of(*one);
    }
    row->adjacency_version = 1;
}

/* When alice's message to bob has stalled. */
static mcpz_time stalls_after(void)
{
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self), name_of(&bob)};

    CHECK(!take(&alice, from_alice(path, 3, 1)));
    mcpz_carrier_taken(&carrier, &sight, &alice, UINT32_MAX);
    mcpz_carrier_tick(&carrier, &sight, &out);
    const mcpz_time due_us = sight.now + MCPZ_RELAY_OWED_US;
    sight.now = due_us;
    mcpz_carrier_tick(&carrier, &sight, &out);
    return mcpz_carrier_deadline(&carrier) - due_us + MCPZ_RELAY_OWED_US;
}

/* It may only stand still for a moment, and whoever is linked with us alone is not gone round. */
TEST(where_nothing_goes_round_it_a_link_is_waited_for)
{
    struct mcpz_id stalled;

    set_up();
    CHECK_UINT(stalls_after(), MCPZ_RELAY_STALL_US); /* he has not told of anybody */
    set_up();
    add_bob(&self, &carol);
    CHECK_UINT(stalls_after(), MCPZ_RELAY_STALL_US);
    set_up();
    add_bob(&carol, NULL);
    CHECK_UINT(stalls_after(), MCPZ_RELAY_STALL_US);
    set_up();
    add_bob(NULL, NULL);
    CHECK_UINT(stalls_after(), MCPZ_RELAY_STALL_SOLE_US);
    set_up();
    link_event(MCPZ_EVENT_LINK_DOWN, &alice); /* he is the only one that we have */
    const struct mcpz_msg_relay ours = from_alice(
        (const struct mcpz_short[]){name_of(&self), name_of(&bob), name_of(&alice)}, 3, 1);
    CHECK(mcpz_carrier_send(&carrier, &sight, &ours, &out));
    CHECK_UINT(mcpz_carrier_deadline(&carrier), sight.now + MCPZ_RELAY_STALL_SOLE_US);

    set_up();
    add_bob(&self, NULL);
    const mcpz_time since_us = sight.now;
    CHECK_UINT(stalls_after(), MCPZ_RELAY_STALL_SOLE_US);
    sight.now = since_us + MCPZ_RELAY_STALL_SOLE_US - 1;
    CHECK(!mcpz_carrier_next_stalled(&carrier, &sight, &stalled));
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self), name_of(&bob)};
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    CHECK_UINT(sent(MCPZ_MSG_RELAY)->relay.kind, MCPZ_RELAY_SEALED);
    sight.now++;
    CHECK(mcpz_carrier_next_stalled(&carrier, &sight, &stalled));
    CHECK(mcpz_id_equal(&stalled, &bob));
}

/* Its neighbour took it long ago, and said so: that waits to be read. */
TEST(who_has_stood_still_itself_calls_nobody_stalled)
{
    struct mcpz_id stalled;

    set_up();
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self), name_of(&bob)};
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    sight.now += 2 * MCPZ_RELAY_STALL_US;
    links.lags = 1;
    links.awake_us = sight.now;
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    CHECK_UINT(sent(MCPZ_MSG_RELAY)->relay.kind, MCPZ_RELAY_SEALED);
    mcpz_carrier_taken(&carrier, &sight, &alice, UINT32_MAX);
    mcpz_carrier_tick(&carrier, &sight, &out);
    CHECK(!mcpz_carrier_next_stalled(&carrier, &sight, &stalled));
    const mcpz_time due_us = sight.now + MCPZ_RELAY_STALL_US;
    CHECK(mcpz_carrier_deadline(&carrier) <= due_us);

    /* If it says nothing now either, it has. */
    sight.now = due_us - 1;
    mcpz_carrier_tick(&carrier, &sight, &out);
    CHECK(!mcpz_carrier_next_stalled(&carrier, &sight, &stalled));
    sight.now = due_us;
    CHECK(mcpz_carrier_next_stalled(&carrier, &sight, &stalled));
    CHECK(mcpz_id_equal(&stalled, &bob));
}

/* What a link was handed can be lost here, with a batch that the disk did not take: nobody will
 * ever say that it was taken. Found by a storm with full disks. */
TEST(a_link_that_stands_is_used_again_after_a_while_though_it_took_nothing)
{
    struct mcpz_id stalled;

    set_up();
    const struct mcpz_short path[] = {name_of(&alice), name_of(&self), name_of(&bob)};
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    mcpz_carrier_taken(&carrier, &sight, &alice, UINT32_MAX);
    sight.now += MCPZ_RELAY_STALL_US;
    CHECK(mcpz_carrier_next_stalled(&carrier, &sight, &stalled));
    const mcpz_time again_us = sight.now + MCPZ_RELAY_AGAIN_US;

    sight.now = again_us - 1;
    mcpz_carrier_tick(&carrier, &sight, &out);
    CHECK_UINT(mcpz_carrier_deadline(&carrier), again_us);
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    CHECK_UINT(sent(MCPZ_MSG_RELAY)->relay.kind, MCPZ_RELAY_BROKEN);

    sight.now = again_us;
    mcpz_carrier_tick(&carrier, &sight, &out);
    CHECK(!take(&alice, from_alice(path, 3, 1)));
    CHECK_UINT(sent(MCPZ_MSG_RELAY)->relay.kind, MCPZ_RELAY_SEALED);
    CHECK(!mcpz_carrier_next_stalled(&carrier, &sight, &stalled));

    /* If it takes nothing yet, it has its rest once more. */
    sight.now += MCPZ_RELAY_STALL_US;
    CHECK(mcpz_carrier_next_stalled(&carrier, &sight, &stalled));
}

TEST_MAIN(RUN(who_turns_back_signs_it_and_nobody_else_can),
          RUN(so_many_are_signed_in_a_second_and_no_more), RUN(what_is_owed_is_told_after_a_while),
          RUN(who_takes_nothing_is_handed_nothing_more),
          RUN(where_nothing_goes_round_it_a_link_is_waited_for),
          RUN(who_has_stood_still_itself_calls_nobody_stalled),
          RUN(a_link_that_stands_is_used_again_after_a_while_though_it_took_nothing),
          RUN(what_is_for_another_goes_on_as_it_is), RUN(what_is_for_us_stays),
          RUN(what_cannot_go_on_is_answered), RUN(an_answer_finds_its_way_back),
          RUN(what_makes_no_sense_goes_nowhere),
          RUN(so_much_is_on_its_way_to_one_peer_and_no_more), RUN(what_was_taken_is_told))
