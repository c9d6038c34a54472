/* How nodes tell each other what they have, and get what they lack. */

#include "agents_world.h"
#include "core/crdt/clock.h"
#include "core/crdt/paths.h"
#include "test.h"

#define BYTES(text)                                                                               \
    {                                                                                             \
        (const uint8_t *)(text), sizeof(text) - 1                                                 \
    }

static const struct mcpz_bytes k = BYTES("\x91\xa1k");
static const struct mcpz_bytes one = BYTES("\x01");

static struct world world;

/* No comparisons but the first: what converges, does so without them. */
static void set_up(size_t node_count)
{
    world_init(&world, node_count);
    world.timing.anti_entropy_us = MCPZ_SECONDS(100000);
    for (size_t i = 0; i < node_count; i++) {
        world_restart(&world, i);
    }
}

static uint32_t set(size_t node, struct mcpz_bytes value)
{
    return world_write(&world, node, MCPZ_AGENT_SET, 1, k, value);
}

static const struct mcpz_agents *agents(size_t node)
{
    return &world.nodes[node].agents;
}

/* A delta nobody here has written. */
static struct mcpz_add add;

static struct mcpz_delta delta_of_stranger(uint8_t document, uint32_t generation, uint64_t seq,
                                           struct mcpz_head prev)
{
    add = (struct mcpz_add){MCPZ_ENTRY_REGISTER, k, one};
    return (struct mcpz_delta){
        .document = world_document(document),
        .actor = {.node = {{'z'}}, .generation = generation},
        .seq = seq,
        .prev = prev,
        .hlc = mcpz_hlc_of_ms(1700000000000) + seq,
        .adds = &add,
        .add_count = 1,
    };
}

static struct mcpz_msg stranger(uint8_t document, uint32_t generation, uint64_t seq)
{
    /* How far the chain has been made: each link names the one before. */
    static uint8_t last_document;
    static uint32_t last_generation;
    static uint64_t last_seq;
    static struct mcpz_head head;

    if (document != last_document || generation != last_generation || seq <= last_seq) {
        last_document = document;
        last_generation = generation;
        last_seq = 0;
        head = (struct mcpz_head){{0}};
    }
    while (last_seq < seq - 1) {
        struct mcpz_delta link = delta_of_stranger(document, generation, ++last_seq, head);
        struct mcpz_id id;
        fake_store_delta_id(NULL, &link, &id);
        head = mcpz_head_of(&id);
    }
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_DELTA,
        .delta = {.delta = delta_of_stranger(document, generation, seq, head)},
    };
}

static void receive(size_t node, struct mcpz_msg msg)
{
    world_receive(&world, node, 1, &msg);
}

/* ---- One delta ---------------------------------------------------------------------------- */

TEST(passes_a_delta_on_once_but_not_back)
{
    set_up(4);
    world_link(&world, 0, 1);
    world_link(&world, 1, 2);
    world_link(&world, 1, 3);
    world_link(&world, 2, 3);
    world_run(&world, MCPZ_SECONDS(2));

    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(world.letter_count, 1);
    world_deliver(&world, 0);
    CHECK_UINT(world.letter_count, 2); /* to 2 and 3 */
    CHECK(world.letters[0].to != 0 && world.letters[1].to != 0);
    world_pump(&world);
    CHECK(world_has_converged(&world));
    CHECK_UINT(agents(2)->deltas_duplicate + agents(3)->deltas_duplicate, 2);
    CHECK_UINT(agents(2)->deltas_merged, 1);
    CHECK_UINT(world.nodes[2].merged_facts, 1);
    world_finish(&world);
}

TEST(what_comes_too_early_is_asked_for_once)
{
    set_up(2);
    world_link(&world, 0, 1);
    world_pump(&world);

    for (uint64_t seq = 2; seq < 100; seq++) {
        receive(0, stranger(1, 1, seq));
    }
    CHECK_UINT(agents(0)->deltas_early, 98);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_WANT), 1);
    CHECK_UINT(world.letters[0].msg.want.version_count, 0);
    CHECK_UINT(world.letters[0].to, 1);
    CHECK_UINT(fake_store_count(&world.nodes[0].store, MCPZ_RECORD_DELTA), 0);

    /* No answer: after a while it is asked for again. */
    world.now += MCPZ_WANT_PATIENCE_US - 1;
    receive(0, stranger(1, 1, 2));
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_WANT), 1);
    world.now += 1;
    receive(0, stranger(1, 1, 2));
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_WANT), 2);
    world_finish(&world);
}

TEST(asks_for_no_more_documents_at_once_than_it_can_remember)
{
    set_up(2);
    world_link(&world, 0, 1);
    world_pump(&world);
    for (uint32_t i = 0; i < MCPZ_WANTS_MAX + 10; i++) {
        struct mcpz_msg msg = stranger(1, 1, 2);
        msg.delta.delta.document.bytes[5] = (uint8_t)i;
        msg.delta.delta.document.bytes[6] = (uint8_t)(i >> 8);
        receive(0, msg);
    }
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_WANT), MCPZ_WANTS_MAX);

    world.now += MCPZ_WANT_PATIENCE_US; /* the old ones make room */
    receive(0, stranger(2, 1, 2));
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_WANT), MCPZ_WANTS_MAX + 1);
    world_finish(&world);
}

TEST(a_lost_delta_is_got_with_the_next_one)
{
    set_up(2);
    world_link(&world, 0, 1);
    world_pump(&world);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    world_lose_all(&world);
    CHECK_UINT(set(0, one), MCPZ_CODE_OK);
    world_pump(&world);
    CHECK_UINT(agents(1)->deltas_early, 1);
    CHECK(world_has_converged(&world));
    world_finish(&world);
}

TEST(a_stamp_too_far_ahead_waits_until_it_is_not)
{
    struct mcpz_msg msg;

    set_up(2);
    msg = stranger(1, 1, 1);
    msg.delta.delta.hlc = mcpz_hlc_of_ms(world.wall_ms + MCPZ_CLOCK_AHEAD_MS_MAX + 1);
    receive(0, msg);
    CHECK_UINT(agents(0)->deltas_ahead, 1);
    CHECK_UINT(agents(0)->deltas_merged, 0);
    CHECK_UINT(agents(0)->hlc, 0);

    world.wall_ms++;
    receive(0, msg);
    CHECK_UINT(agents(0)->deltas_merged, 1);
    CHECK_UINT(agents(0)->hlc, msg.delta.delta.hlc);
    receive(0, msg);
    CHECK_UINT(agents(0)->deltas_duplicate, 1);
    world_finish(&world);
}

/* Both clocks were ahead when they wrote, and are not any more: each asks for what it refuses. */
TEST(what_is_too_far_ahead_on_both_sides_is_not_asked_for_without_end)
{
    set_up(2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    fake_store_copy(&world.nodes[1].store, &world.nodes[0].store);
    world_restart(&world, 1);
    const uint64_t wall_ms = world.wall_ms;
    world.wall_ms += 2 * MCPZ_CLOCK_AHEAD_MS_MAX;
    CHECK_UINT(set(0, one), MCPZ_CODE_OK);
    CHECK_UINT(set(1, one), MCPZ_CODE_OK);
    world.wall_ms = wall_ms;
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(60));
    CHECK(agents(0)->deltas_ahead > 0 && agents(1)->deltas_ahead > 0);
    CHECK(world.sent_by_kind[MCPZ_MSG_WANT] < 100);

    world.wall_ms += 2 * MCPZ_CLOCK_AHEAD_MS_MAX;
    world_run(&world, MCPZ_SECONDS(400000));
    CHECK(world_has_converged(&world));
    world_finish(&world);
}

TEST(what_is_not_valid_is_counted_and_dropped)
{
    set_up(2);
    world_link(&world, 0, 1);
    world_pump(&world);
    struct mcpz_msg msg = stranger(1, 1, 1);
    msg.delta.delta.add_count = MCPZ_DELTA_ADDS_MAX + 1;
    receive(0, msg);
    CHECK_UINT(agents(0)->deltas_refused, 1);

    const struct mcpz_version broken[] = {{{{{1}}, 1}, 0, {{1}}}};
    receive(0,
            (struct mcpz_msg){
                .kind = MCPZ_MSG_WANT,
                .want = {.document = world_document(1), .versions = broken, .version_count = 1}});
    receive(0, (struct mcpz_msg){.kind = MCPZ_MSG_WANT, .want = {.version_count = 0}});
    CHECK_UINT(agents(0)->messages_refused, 2);
    CHECK_UINT(world.letter_count, 0);
    CHECK_UINT(world.nodes[0].store.count, 1); /* who we are linked with: core/crdt/horizon.h */
    world_finish(&world);
}

TEST(messages_of_other_machines_are_left_alone)
{
    set_up(2);
    world_link(&world, 0, 1);
    world_pump(&world);
    receive(0, (struct mcpz_msg){.kind = MCPZ_MSG_PING});
    world_step(&world, 0, &(struct mcpz_event){.kind = MCPZ_EVENT_LEAVE});
    CHECK_UINT(world.letter_count, 0);
    CHECK_UINT(agents(0)->messages_refused, 0);
    world_finish(&world);
}

/* ---- Limits of what is taken in ----------------------------------------------------------- */

TEST(a_full_node_takes_in_no_new_agents_and_asks_for_none)
{
    set_up(2);
    world_link(&world, 0, 1);
    world_pump(&world);
    world.nodes[0].agents.document_count = MCPZ_AGENTS_MAX - 1;
    receive(0, stranger(1, 1, 1));
    CHECK_UINT(agents(0)->deltas_merged, 1);
    receive(0, stranger(2, 1, 1));
    CHECK_UINT(agents(0)->deltas_refused, 1);
    world_lose_all(&world);
    receive(0, stranger(3, 1, 2)); /* early, but unknown */
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_WANT), 0);
    receive(0, stranger(1, 1, 2)); /* known */
    CHECK_UINT(agents(0)->deltas_merged, 2);
    world_finish(&world);
}

TEST(an_agent_takes_in_so_many_writers)
{
    set_up(2);
    for (uint32_t i = 0; i <= MCPZ_ACTORS_MAX; i++) {
        receive(0, stranger(1, i, 1));
    }
    CHECK_UINT(agents(0)->deltas_merged, MCPZ_ACTORS_MAX);
    CHECK_UINT(agents(0)->deltas_refused, 1);
    CHECK_UINT(set(0, one), MCPZ_CODE_LIMIT); /* we are not among them */
    world_finish(&world);
}

TEST(who_would_begin_is_refused_where_what_others_began_is_not)
{
    set_up(2);
    for (uint32_t i = 0; i < MCPZ_WRITERS_MAX; i++) {
        receive(0, stranger(1, i, 1));
    }
    CHECK_UINT(set(0, one), MCPZ_CODE_LIMIT);
    receive(0, stranger(1, MCPZ_WRITERS_MAX, 1));
    CHECK_UINT(agents(0)->deltas_refused, 0);
    CHECK_UINT(world_look(&world, 0, 1).version_count, MCPZ_WRITERS_MAX + 1);
    world_finish(&world);
}

/* What failed before: neither took in the other's last writers. */
TEST(two_parts_that_gave_the_last_places_away_come_together)
{
    set_up(2);
    for (uint32_t i = 1; i < MCPZ_WRITERS_MAX; i++) {
        const struct mcpz_msg theirs = stranger(1, MCPZ_WRITERS_MAX + i, 1);
        world_receive(&world, 1, 0, &theirs);
        receive(0, stranger(1, i, 1));
    }
    CHECK_UINT(set(0, one), MCPZ_CODE_OK);
    CHECK_UINT(set(1, one), MCPZ_CODE_OK);
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(60));
    CHECK_UINT(world_look(&world, 0, 1).version_count, 2 * MCPZ_WRITERS_MAX);
    CHECK_UINT(world_look(&world, 1, 1).version_count, 2 * MCPZ_WRITERS_MAX);
    CHECK(world_has_converged(&world));
    CHECK_UINT(agents(0)->deltas_refused + agents(1)->deltas_refused, 0);
    CHECK_UINT(set(0, one), MCPZ_CODE_OK); /* who is among them writes on */
    world_pump(&world);
    CHECK(world_has_converged(&world));
    world_finish(&world);
}

TEST(the_last_place_among_the_writers_can_be_ours)
{
    set_up(2);
    for (uint32_t i = 1; i < MCPZ_WRITERS_MAX; i++) {
        receive(0, stranger(1, i, 1));
    }
    CHECK_UINT(set(0, one), MCPZ_CODE_OK);
    CHECK_UINT(set(0, one), MCPZ_CODE_OK);
    CHECK_UINT(world_look(&world, 0, 1).version_count, MCPZ_WRITERS_MAX);
    world_finish(&world);
}

TEST(what_others_wrote_is_taken_in_over_the_limit_of_entries)
{
    set_up(2);
    for (uint64_t seq = 1; seq <= MCPZ_ENTRIES_MAX + 1; seq++) {
        receive(0, stranger(1, 1, seq));
    }
    CHECK_UINT(world_look(&world, 0, 1).entry_count, MCPZ_ENTRIES_MAX + 1);
    CHECK_UINT(world_increment(&world, 0, 1, k, 1), MCPZ_CODE_LIMIT);
    CHECK_UINT(world_delete(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(world_look(&world, 0, 1).entry_count, 1); /* it never had a name */
    world_finish(&world);
}

/* ---- Catching up -------------------------------------------------------------------------- */

TEST(a_question_is_answered_in_portions)
{
    set_up(2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    for (int i = 0; i < 3 * MCPZ_DELTAS_PER_WANT_MAX; i++) {
        CHECK_UINT(set(0, one), MCPZ_CODE_OK);
    }
    world_link(&world, 0, 1);
    world_lose_all(&world);
    receive(0, (struct mcpz_msg){.kind = MCPZ_MSG_WANT, .want = {.document = world_document(1)}});
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_DELTA), MCPZ_DELTAS_PER_WANT_MAX);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_OFFER), 1);
    CHECK_UINT(world.letters[MCPZ_DELTAS_PER_WANT_MAX].msg.kind, MCPZ_MSG_OFFER); /* last */
    world_pump(&world);
    CHECK(world_has_converged(&world));
    CHECK_UINT(agents(1)->deltas_early, 0);
    world_finish(&world);
}

TEST(an_answer_has_so_many_bytes)
{
    static uint8_t value[MCPZ_VALUE_BYTES_MAX];

    set_up(2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    for (int i = 0; i < 60; i++) {
        CHECK_UINT(set(0, mcpz_bytes(value, sizeof(value))), MCPZ_CODE_OK);
    }
    world_link(&world, 0, 1);
    world_lose_all(&world);
    receive(0, (struct mcpz_msg){.kind = MCPZ_MSG_WANT, .want = {.document = world_document(1)}});
    CHECK(world.out.arena.used <= MCPZ_BYTES_PER_WANT_MAX + 4096);
    CHECK(world_waiting(&world, MCPZ_MSG_DELTA) >= 40 &&
          world_waiting(&world, MCPZ_MSG_DELTA) < 60);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_OFFER), 1);
    world_pump(&world);
    CHECK(world_has_converged(&world));
    world_finish(&world);
}

TEST(deltas_of_many_writers_come_in_causal_order)
{
    set_up(4);
    world_link(&world, 0, 1);
    world_link(&world, 1, 2);
    world_link(&world, 0, 2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    world_pump(&world);
    for (size_t i = 0; i < 150; i++) {
        world.wall_ms = 1700000000000 + i * 7 % 5; /* clocks that disagree */
        CHECK_UINT(set(i % 3, one), MCPZ_CODE_OK);
        if (i % 4 == 0) {
            world_pump(&world);
        }
    }
    world_pump(&world);
    world_link(&world, 2, 3);
    world_run(&world, MCPZ_SECONDS(1));
    CHECK(world_has_converged(&world));
    CHECK_UINT(agents(3)->deltas_early, 0);
    CHECK_UINT(agents(3)->deltas_merged, 151);
    world_finish(&world);
}

/* Make `count` agents at a node, with ids spread over the whole range. */
static void create_many(size_t node, uint32_t count, uint8_t salt)
{
    for (uint32_t i = 0; i < count; i++) {
        struct mcpz_event event = {
            .kind = MCPZ_EVENT_AGENT_WRITE,
            .agent = {.op = MCPZ_AGENT_CREATE, .name = mcpz_text("ada")},
        };
        uint32_t bits = i * 2654435761U;
        memcpy(event.agent.document.bytes, &bits, sizeof(bits));
        event.agent.document.bytes[31] = salt;
        world_step(&world, node, &event);
        CHECK_UINT(world.nodes[node].reply.code, MCPZ_CODE_OK);
    }
}

TEST(an_empty_node_gets_everything_without_waiting_for_the_next_comparison)
{
    set_up(2);
    create_many(0, 3000, 1);
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(10));
    CHECK(world_has_converged(&world));
    CHECK_UINT(agents(1)->document_count, 3000);
    CHECK_UINT(agents(1)->deltas_duplicate, 0);
    world_finish(&world);
}

TEST(two_halves_become_one_whole)
{
    set_up(2);
    create_many(0, 700, 1);
    create_many(1, 700, 2);
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(10));
    CHECK(world_has_converged(&world));
    CHECK_UINT(agents(1)->document_count, 1400);
    world_finish(&world);
}

TEST(equal_nodes_compare_in_a_few_messages_and_fall_silent)
{
    set_up(2);
    create_many(0, 2000, 1);
    fake_store_copy(&world.nodes[1].store, &world.nodes[0].store);
    world_restart(&world, 1);
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(5));
    CHECK_UINT(world.sent_by_kind[MCPZ_MSG_ROOT], 2 * 2); /* each asks once */
    CHECK_UINT(world.sent_by_kind[MCPZ_MSG_CHANGES_ASK], 0);
    CHECK_UINT(world.sent_by_kind[MCPZ_MSG_SKETCH_ASK], 0);
    CHECK_UINT(world.sent_by_kind[MCPZ_MSG_WANT], 0);
    CHECK_UINT(world.sent_by_kind[MCPZ_MSG_DELTA], 0);
    world_finish(&world);
}

TEST(one_sided_knowledge_of_a_difference_is_enough)
{
    /* Node 1 holds more of one document and another altogether; only node 0 begins. */
    set_up(2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    fake_store_copy(&world.nodes[1].store, &world.nodes[0].store);
    world_restart(&world, 1);
    CHECK_UINT(set(1, one), MCPZ_CODE_OK);
    CHECK_UINT(world_create(&world, 1, 2), MCPZ_CODE_OK);
    world_link(&world, 0, 1);
    world.nodes[1].agents.entropy.peers[0].root_at_us = MCPZ_TIME_NEVER;
    world_run(&world, MCPZ_SECONDS(2));
    CHECK(world_has_converged(&world));
    world_finish(&world);
}

TEST(a_comparison_that_lost_its_link_is_over)
{
    set_up(2);
    world_link(&world, 0, 1);
    CHECK_UINT(agents(0)->entropy.peer_count, 1);
    world_unlink(&world, 0, 1);
    CHECK_UINT(agents(0)->entropy.peer_count, 0);
    world_link(&world, 0, 1);
    CHECK_UINT(agents(0)->entropy.peer_count, 1);
    CHECK_UINT(mcpz_agents_deadline(agents(0)), world.now);
    world_finish(&world);
}

TEST(compares_every_ten_seconds_more_or_less)
{
    world_init(&world, 2);
    mcpz_time earliest = MCPZ_TIME_NEVER;
    mcpz_time latest = 0;
    for (int i = 0; i < 200; i++) {
        world.now = mcpz_agents_deadline(agents(0));
        world_step(&world, 0, &(struct mcpz_event){.kind = MCPZ_EVENT_TICK});
        mcpz_time wait = mcpz_agents_deadline(agents(0)) - world.now;
        earliest = wait < earliest ? wait : earliest;
        latest = wait > latest ? wait : latest;
    }
    CHECK(earliest >= MCPZ_SECONDS(8) && earliest < MCPZ_SECONDS(9));
    CHECK(latest <= MCPZ_SECONDS(12) + 1 && latest > MCPZ_SECONDS(11));

    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(2));
    size_t before = world.sent_by_kind[MCPZ_MSG_ROOT];
    world_run(&world, MCPZ_SECONDS(13));
    CHECK(world.sent_by_kind[MCPZ_MSG_ROOT] >= before + 2);
    world_finish(&world);
}

/* ---- Lost writes of our own --------------------------------------------------------------- */

TEST(a_store_that_was_set_back_gets_its_writes_back_and_a_new_generation)
{
    static struct fake_store old;

    set_up(2);
    world_link(&world, 0, 1);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    fake_store_init(&old);
    fake_store_copy(&old, &world.nodes[0].store);
    CHECK_UINT(set(0, one), MCPZ_CODE_OK);
    world_pump(&world);

    fake_store_finish(&world.nodes[0].store);
    fake_store_init(&world.nodes[0].store);
    fake_store_copy(&world.nodes[0].store, &old);
    fake_store_finish(&old);
    world_restart(&world, 0);
    CHECK(!agents(0)->rolled_back);
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(1));

    CHECK(agents(0)->rolled_back);
    CHECK_UINT(agents(0)->actor.generation, 2);
    CHECK(world_has_converged(&world));
    CHECK_UINT(set(0, one), MCPZ_CODE_OK);
    world_pump(&world);
    CHECK(world_has_converged(&world));
    CHECK_UINT(world_look(&world, 1, 1).version_count, 2);
    world_finish(&world);
}

/* Its owner once more under a later layout, it may write before it has heard of the document. */
TEST(who_forgot_a_document_writes_to_it_as_another)
{
    const struct mcpz_id id = world_document(1);

    set_up(2);
    world_link(&world, 0, 1);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(world_create(&world, 1, 2), MCPZ_CODE_OK);
    world_pump(&world);
    mcpz_agents_forget(&world.nodes[1].agents, &id);
    CHECK_UINT(agents(1)->actor.generation, 1); /* it has written nothing in it */
    mcpz_agents_forget(&world.nodes[0].agents, &id);
    CHECK_UINT(agents(0)->actor.generation, 2);
    CHECK(!agents(0)->rolled_back);

    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    world_pump(&world);
    CHECK_UINT(world_look(&world, 0, 1).version_count, 1);
    CHECK_UINT(world_look(&world, 0, 1).versions[0].actor.generation, 2);
    CHECK_UINT(world_look(&world, 0, 1).versions[0].seq, 1);
    world_finish(&world);
}

/* The deadline was that of a question nobody waited for any more, and so for ever now. */
TEST(a_question_that_is_over_keeps_nobody_awake)
{
    set_up(2);
    struct mcpz_agents *asker = &world.nodes[0].agents;
    CHECK_UINT(mcpz_wanted_ask(&asker->wanted, world.now, &world.nodes[1].actor.node,
                               &world.nodes[1].actor.node, MCPZ_WANT_MORE, 7),
               MCPZ_WANT_ASK);
    asker->entropy.asker.sketch.phase = MCPZ_SKETCH_HELD;
    asker->entropy.asker.sketch.until_us = world.now + MCPZ_SECONDS(60);
    CHECK_UINT(mcpz_agents_deadline(asker), world.now + MCPZ_WANT_PATIENCE_US);

    world.now += MCPZ_WANT_PATIENCE_US;
    const struct mcpz_event tick = {.kind = MCPZ_EVENT_TICK, .wall_ms = world.wall_ms};
    mcpz_outbox_clear(&world.out);
    mcpz_agents_step(asker, &world.nodes[0].overlay, world.now, &tick, &world.out);
    CHECK(mcpz_agents_deadline(asker) > world.now);
    world_finish(&world);
}

TEST(a_claim_about_us_is_enough_to_become_another)
{
    struct mcpz_version claim = {.seq = 5};

    set_up(2);
    claim.actor = world.nodes[0].actor;
    claim.actor.generation = 7;
    receive(0,
            (struct mcpz_msg){
                .kind = MCPZ_MSG_WANT,
                .want = {.document = world_document(1), .versions = &claim, .version_count = 1}});
    CHECK_UINT(agents(0)->actor.generation, 8);

    struct mcpz_msg msg = stranger(1, 1, 1);
    claim.actor.generation = 8;
    msg.delta.delta.versions = &claim;
    msg.delta.delta.version_count = 1;
    receive(0, msg);
    CHECK_UINT(agents(0)->actor.generation, 9);

    /* An older life of ours is no news; the last generation there is stays. */
    claim.actor.generation = 3;
    receive(0,
            (struct mcpz_msg){
                .kind = MCPZ_MSG_WANT,
                .want = {.document = world_document(1), .versions = &claim, .version_count = 1}});
    claim.actor.generation = UINT32_MAX;
    receive(0,
            (struct mcpz_msg){
                .kind = MCPZ_MSG_WANT,
                .want = {.document = world_document(1), .versions = &claim, .version_count = 1}});
    CHECK_UINT(agents(0)->actor.generation, 9);
    world_finish(&world);
}

static void claim_life(uint32_t generation)
{
    const struct mcpz_version claim = {
        .actor = {.node = world.nodes[0].actor.node, .generation = generation}, .seq = 5};

    receive(0,
            (struct mcpz_msg){
                .kind = MCPZ_MSG_WANT,
                .want = {.document = world_document(1), .versions = &claim, .version_count = 1}});
}

/* A member that lies must not fill documents with our lives. */
TEST(claims_about_us_are_believed_a_few_times_only)
{
    set_up(2);
    claim_life(1 + MCPZ_CLAIMS_AHEAD_MAX + 1);
    CHECK_UINT(agents(0)->actor.generation, 1);
    CHECK_UINT(agents(0)->messages_refused, 1);
    claim_life(1 + MCPZ_CLAIMS_AHEAD_MAX);
    CHECK_UINT(agents(0)->actor.generation, 2 + MCPZ_CLAIMS_AHEAD_MAX);
    for (int i = 0; i < 100; i++) {
        claim_life(agents(0)->actor.generation);
    }
    CHECK_UINT(agents(0)->actor.generation, 1 + MCPZ_CLAIMS_AHEAD_MAX + MCPZ_CLAIMS_BELIEVED_MAX);
    world_finish(&world);
}

/* ---- Import ------------------------------------------------------------------------------- */

static uint32_t import(const struct mcpz_msg *msg)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_IMPORT,
        .import = {.request = 77, .delta = &msg->delta.delta},
    };
    size_t replies = world.nodes[0].replies;

    world_step(&world, 0, &event);
    CHECK_UINT(world.nodes[0].replies, replies + 1);
    CHECK_UINT(world.nodes[0].reply.request, 77);
    return world.nodes[0].reply.code;
}

TEST(an_imported_delta_is_taken_in_like_any_other_and_answered)
{
    set_up(2);
    world_link(&world, 0, 1);
    world_pump(&world);

    struct mcpz_msg second = stranger(1, 1, 2);
    CHECK_UINT(import(&second), MCPZ_CODE_CONFLICT);
    struct mcpz_msg first = stranger(1, 1, 1);
    CHECK_UINT(import(&first), MCPZ_CODE_OK);
    CHECK(world.nodes[0].reply_durable);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_DELTA), 1);
    CHECK_UINT(import(&first), MCPZ_CODE_OK);
    second = stranger(1, 1, 2);
    CHECK_UINT(import(&second), MCPZ_CODE_OK);

    struct mcpz_msg ahead = stranger(1, 2, 1);
    ahead.delta.delta.hlc = mcpz_hlc_of_ms(world.wall_ms + MCPZ_CLOCK_AHEAD_MS_MAX + 1);
    CHECK_UINT(import(&ahead), MCPZ_CODE_CONFLICT);
    struct mcpz_msg broken = stranger(1, 1, 3);
    broken.delta.delta.seq = 1; /* and one before it */
    CHECK_UINT(import(&broken), MCPZ_CODE_BAD_REQUEST);
    world.nodes[0].agents.document_count = MCPZ_AGENTS_MAX;
    struct mcpz_msg unknown = stranger(2, 1, 1);
    CHECK_UINT(import(&unknown), MCPZ_CODE_LIMIT);
    fake_store_fail_after(&world.nodes[0].store, 0, MCPZ_EIO);
    CHECK_UINT(import(&unknown), MCPZ_CODE_STORE_FAILED);
    fake_store_fail_after(&world.nodes[0].store, 0, MCPZ_OK);
    world_pump(&world);
    CHECK(world_has_converged(&world));
    world_finish(&world);
}

/* ---- The store fails ---------------------------------------------------------------------- */

/* Let `msg` meet a store that fails at its first read, its second, ... until none fails. */
static void receive_with_failures(const struct mcpz_msg *msg)
{
    struct fake_store *store = &world.nodes[0].store;

    for (size_t reads = 0;; reads++) {
        uint64_t failures = agents(0)->store_failures;
        size_t writes = store->writes;
        world.nodes[0].agents.loaded.writes = 0; /* or a document need not be read at all */
        world.now += MCPZ_WANT_PATIENCE_US;      /* what was asked for may be asked for again */
        fake_store_fail_after(store, reads, reads % 2 == 0 ? MCPZ_EIO : MCPZ_ECORRUPT);
        receive(0, *msg);
        fake_store_fail_after(store, 0, MCPZ_OK);
        if (agents(0)->store_failures == failures) {
            CHECK(reads > 0);
            return;
        }
        CHECK_UINT(agents(0)->store_failures, failures + 1);
        CHECK_UINT(store->writes, writes);
        CHECK(world_waiting(&world, MCPZ_MSG_OFFER) == 0);
        world_lose_all(&world);
    }
}

TEST(a_store_that_cannot_be_read_drops_what_was_under_way)
{
    struct mcpz_digest digest = {.document = world_document(1), .digest = 5};
    struct mcpz_msg offer = {
        .kind = MCPZ_MSG_OFFER,
        .offer = {.digests = &digest, .digest_count = 1},
    };
    struct mcpz_msg want = {.kind = MCPZ_MSG_WANT, .want = {.document = world_document(1)}};

    set_up(2);
    world_link(&world, 0, 1);
    world_pump(&world);
    receive(0, stranger(1, 1, 1));
    world_lose_all(&world);
    struct mcpz_msg second = stranger(1, 1, 2);
    receive_with_failures(&second);
    CHECK_UINT(agents(0)->deltas_merged, 2);
    receive_with_failures(&offer);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_WANT), 1);
    world_lose_all(&world);
    receive_with_failures(&want);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_DELTA), 2);

    uint64_t failures = agents(0)->store_failures;
    fake_store_fail_after(&world.nodes[0].store, 0, MCPZ_EIO);
    mcpz_agents_recount(&world.nodes[0].agents, world.now);
    CHECK_UINT(agents(0)->store_failures, failures + 1);
    world_finish(&world);
}

TEST(a_store_that_was_set_back_is_compared_but_not_at_once)
{
    set_up(2);
    world_link(&world, 0, 1);
    world_pump(&world);
    mcpz_agents_recount(&world.nodes[0].agents, world.now);
    CHECK(mcpz_agents_deadline(agents(0)) > world.now);
    CHECK(mcpz_agents_deadline(agents(0)) <= world.now + MCPZ_ENTROPY_AGAIN_US);
    world_finish(&world);
}

TEST(a_delta_that_is_missing_is_corruption_and_ends_the_answer)
{
    struct mcpz_msg want = {.kind = MCPZ_MSG_WANT, .want = {.document = world_document(1)}};

    set_up(2);
    world_link(&world, 0, 1);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(set(0, one), MCPZ_CODE_OK);
    world_lose_all(&world);
    struct mcpz_record record = *fake_store_at(&world.nodes[0].store, MCPZ_RECORD_DELTA, 1);
    world.nodes[0].store.port.remove(&world.nodes[0].store, &record);
    receive(0, want);
    CHECK_UINT(agents(0)->store_failures, 1);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_DELTA), 0);
    world_finish(&world);
}

TEST_MAIN(
    RUN(passes_a_delta_on_once_but_not_back), RUN(what_comes_too_early_is_asked_for_once),
    RUN(asks_for_no_more_documents_at_once_than_it_can_remember),
    RUN(a_lost_delta_is_got_with_the_next_one), RUN(a_stamp_too_far_ahead_waits_until_it_is_not),
    RUN(what_is_too_far_ahead_on_both_sides_is_not_asked_for_without_end),
    RUN(what_is_not_valid_is_counted_and_dropped), RUN(messages_of_other_machines_are_left_alone),
    RUN(a_full_node_takes_in_no_new_agents_and_asks_for_none),
    RUN(an_agent_takes_in_so_many_writers),
    RUN(who_would_begin_is_refused_where_what_others_began_is_not),
    RUN(two_parts_that_gave_the_last_places_away_come_together),
    RUN(the_last_place_among_the_writers_can_be_ours),
    RUN(what_others_wrote_is_taken_in_over_the_limit_of_entries),
    RUN(a_question_is_answered_in_portions), RUN(an_answer_has_so_many_bytes),
    RUN(deltas_of_many_writers_come_in_causal_order),
    RUN(an_empty_node_gets_everything_without_waiting_for_the_next_comparison),
    RUN(two_halves_become_one_whole), RUN(equal_nodes_compare_in_a_few_messages_and_fall_silent),
    RUN(one_sided_knowledge_of_a_difference_is_enough),
    RUN(a_comparison_that_lost_its_link_is_over), RUN(compares_every_ten_seconds_more_or_less),
    RUN(a_store_that_was_set_back_gets_its_writes_back_and_a_new_generation),
    RUN(who_forgot_a_document_writes_to_it_as_another),
    RUN(a_question_that_is_over_keeps_nobody_awake),
    RUN(a_claim_about_us_is_enough_to_become_another),
    RUN(claims_about_us_are_believed_a_few_times_only),
    RUN(an_imported_delta_is_taken_in_like_any_other_and_answered),
    RUN(a_store_that_cannot_be_read_drops_what_was_under_way),
    RUN(a_delta_that_is_missing_is_corruption_and_ends_the_answer),
    RUN(a_store_that_was_set_back_is_compared_but_not_at_once))
