/* Comparing by symbols, message by message: out of turn, rubbish, too late, or of another layout.
 */

#include "agents_world.h"
#include "core/crdt/document.h"
#include "test.h"

#define COMMON 200

static struct world world;

static struct mcpz_entropy *entropy(size_t node)
{
    return &world.nodes[node].agents.entropy;
}

static struct mcpz_sketch *asker(void)
{
    return &entropy(0)->asker.sketch;
}

static struct mcpz_sketch *teller(void)
{
    return &entropy(1)->teller.sketch;
}

/* Spread over the whole range, and alike on every machine. */
static struct mcpz_id id_of(uint32_t number)
{
    const uint32_t bits = number * 2654435761U + 1;

    return (struct mcpz_id){{(uint8_t)(bits >> 24), (uint8_t)(bits >> 16), (uint8_t)(bits >> 8),
                             (uint8_t)bits, [7] = 1}};
}

static void create(size_t node, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        struct mcpz_event event = {
            .kind = MCPZ_EVENT_AGENT_WRITE,
            .agent = {.op = MCPZ_AGENT_CREATE, .name = mcpz_text("ada")},
        };
        event.agent.document = id_of(i);
        world_step(&world, node, &event);
        CHECK_UINT(world.nodes[node].reply.code, MCPZ_CODE_OK);
    }
}

static void tick(size_t node)
{
    world_step(&world, node, &(struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

/* Deliver and let time pass until the asker is in `phase`; what it has just said waits. */
static void run_until(const struct mcpz_sketch *sketch, enum mcpz_sketch_phase phase)
{
    for (size_t i = 0; sketch->phase != phase; i++) {
        CHECK(i < 10000);
        if (world.letter_count > 0) {
            world_deliver(&world, 0);
            continue;
        }
        world.now += MCPZ_MS(1);
        tick(0);
        if (sketch->phase != phase) {
            tick(1);
        }
    }
}

/* COMMON documents at both, and some that only one has; a sketch has begun. */
static void set_up(uint32_t only_ours, uint32_t only_theirs)
{
    world_init(&world, 2);
    world.timing.anti_entropy_us = MCPZ_SECONDS(100000);
    for (size_t i = 0; i < 2; i++) {
        world_restart(&world, i);
    }
    create(0, 0, COMMON);
    fake_store_copy(&world.nodes[1].store, &world.nodes[0].store);
    world_restart(&world, 1);
    create(0, 10000, only_ours);
    create(1, 20000, only_theirs);
    world_link(&world, 0, 1);
    run_until(asker(), MCPZ_SKETCH_STARTED);
}

static void check_refused(size_t node, struct mcpz_msg msg)
{
    const uint64_t refused = world.nodes[node].agents.messages_refused;
    const size_t letters = world.letter_count;

    world_receive(&world, node, 1 - node, &msg);
    CHECK_UINT(world.nodes[node].agents.messages_refused, refused + 1);
    CHECK_UINT(world.letter_count, letters);
}

static struct mcpz_msg sketch(struct mcpz_msg_sketch what)
{
    return (struct mcpz_msg){.kind = MCPZ_MSG_SKETCH, .sketch = what};
}

static struct mcpz_msg question(struct mcpz_msg_sketch_ask what)
{
    return (struct mcpz_msg){.kind = MCPZ_MSG_SKETCH_ASK, .sketch_ask = what};
}

static uint8_t rubbish[(MCPZ_IBLT_BLOCK_MAX + 1) * MCPZ_IBLT_SYMBOL_BYTES];

static struct mcpz_bytes symbols(size_t count)
{
    for (size_t i = 0; i < sizeof(rubbish); i++) {
        rubbish[i] = (uint8_t)(i * 7 + i / 251);
    }
    return mcpz_bytes(rubbish, count * MCPZ_IBLT_SYMBOL_BYTES);
}

/* ---- The asker ---------------------------------------------------------------------------- */

TEST(what_differs_is_found_and_both_have_it)
{
    set_up(10, 12);
    run_until(asker(), MCPZ_SKETCH_IDLE);
    CHECK_UINT(entropy(0)->sketched_differences, 22);
    CHECK_UINT(entropy(0)->sketches_failed, 0);
    world_run(&world, MCPZ_SECONDS(3));
    CHECK(world_has_converged(&world));
    CHECK_UINT(world.sent_by_kind[MCPZ_MSG_CHANGES_ASK], 0);
    CHECK(entropy(0)->peers[0].has_cursor); /* what it was then, we have */
    world_finish(&world);
}

TEST(symbols_out_of_turn_are_refused)
{
    set_up(10, 10);
    const uint64_t session = asker()->session;
    check_refused(0, sketch((struct mcpz_msg_sketch){.session = session + 1}));
    run_until(asker(), MCPZ_SKETCH_MAKING);
    world_lose_all(&world);
    check_refused(0, sketch((struct mcpz_msg_sketch){.session = session, .symbols = symbols(1)}));
    run_until(asker(), MCPZ_SKETCH_SENDING);
    world_lose_all(&world);

    struct mcpz_bytes torn = symbols(2);
    torn.length--;
    const struct mcpz_msg_sketch wrong[] = {
        {.session = session, .first = 1, .symbols = symbols(1)},
        {.session = session},
        {.session = session, .symbols = torn},
        {.session = session, .symbols = symbols(MCPZ_IBLT_BLOCK_MAX + 1)},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        check_refused(0, sketch(wrong[i]));
    }
    const struct mcpz_msg offer = {.kind = MCPZ_MSG_OFFER, .offer = {.session = session}};
    check_refused(0, offer);
    CHECK_UINT(asker()->phase, MCPZ_SKETCH_SENDING);
    CHECK_UINT(entropy(0)->asker.decoder.cell_count, 0);
    world_finish(&world);
}

/* It ends: with the symbols that were agreed on, or before, and then all changes are read. */
TEST(rubbish_ends_it_and_changes_are_read)
{
    set_up(10, 10);
    run_until(asker(), MCPZ_SKETCH_SENDING);
    const size_t most = asker()->symbols.symbol_count;
    size_t sent = 0;
    while (asker()->phase != MCPZ_SKETCH_IDLE) {
        world_lose_all(&world);
        CHECK(sent < most);
        const size_t left = most - sent;
        const size_t count = left < 64 ? left : 64;
        const struct mcpz_msg msg = sketch((struct mcpz_msg_sketch){
            .session = asker()->session, .first = (uint32_t)sent, .symbols = symbols(count)});
        world_receive(&world, 0, 1, &msg);
        sent += count;
        for (size_t i = 0; asker()->phase == MCPZ_SKETCH_DECODING; i++) {
            CHECK(i < most);
            world.now += MCPZ_SWEEP_PAUSE_US;
            tick(0);
        }
    }
    CHECK_UINT(entropy(0)->sketches_failed, 1);
    CHECK_UINT(world.nodes[0].agents.messages_refused, 0);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_SKETCH_ASK), 1); /* "give up" */
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_CHANGES_ASK), 1);
    world_run(&world, MCPZ_SECONDS(3));
    CHECK(world_has_converged(&world));
    CHECK_UINT(teller()->phase, MCPZ_SKETCH_IDLE);
    world_finish(&world);
}

/* More differs than the symbols that were agreed on can say. */
TEST(a_full_table_ends_it_and_changes_are_read)
{
    set_up(150, 150);
    CHECK(asker()->symbols.symbol_count > MCPZ_SKETCH_SYMBOLS_MIN);
    asker()->symbols.symbol_count = MCPZ_SKETCH_SYMBOLS_MIN;
    world.letters[world.letter_count - 1].msg.sketch_ask.count = MCPZ_SKETCH_SYMBOLS_MIN;
    CHECK_UINT(world.letters[world.letter_count - 1].msg.kind, MCPZ_MSG_SKETCH_ASK);
    run_until(asker(), MCPZ_SKETCH_IDLE);
    CHECK_UINT(entropy(0)->sketches_failed, 1);
    world_run(&world, MCPZ_SECONDS(5));
    CHECK(world_has_converged(&world));
    CHECK(world.sent_by_kind[MCPZ_MSG_CHANGES_ASK] > 0);
    world_finish(&world);
}

TEST(decoding_takes_many_steps_where_much_differs)
{
    set_up(600, 600);
    size_t steps = 0;
    size_t before = 0;
    while (asker()->phase != MCPZ_SKETCH_MAPPING) {
        if (asker()->phase == MCPZ_SKETCH_DECODING) {
            CHECK(mcpz_agents_deadline(&world.nodes[0].agents) <= world.now + MCPZ_SWEEP_PAUSE_US);
            steps++;
        }
        before = entropy(0)->asker.decoder.difference_count;
        if (world.letter_count > 0) {
            world_deliver(&world, 0);
        } else {
            world.now += MCPZ_SWEEP_PAUSE_US;
            tick(0);
            tick(1);
        }
        const size_t now = entropy(0)->asker.decoder.difference_count;
        CHECK(now < before || now - before <= MCPZ_IBLT_WORK);
    }
    CHECK(steps > 1);
    CHECK_UINT(entropy(0)->asker.found, 1200);
    world_finish(&world);
}

TEST(who_says_nothing_is_given_up)
{
    set_up(10, 10);
    const mcpz_time began = world.now;
    world_lose_all(&world);
    world.now = began + MCPZ_SKETCH_PATIENCE_US - 1;
    tick(0);
    CHECK_UINT(asker()->phase, MCPZ_SKETCH_STARTED);
    world.now = began + MCPZ_SKETCH_PATIENCE_US;
    tick(0);
    CHECK_UINT(asker()->phase, MCPZ_SKETCH_IDLE);
    CHECK_UINT(entropy(0)->sketches_failed, 1);
    CHECK_UINT(mcpz_sketch_deadline(asker()), MCPZ_TIME_NEVER);
    world_finish(&world);
}

TEST(who_is_busy_ends_it_at_once)
{
    set_up(10, 10);
    world_lose_all(&world);
    const struct mcpz_msg busy =
        sketch((struct mcpz_msg_sketch){.session = asker()->session, .busy = true});
    world_receive(&world, 0, 1, &busy);
    CHECK_UINT(asker()->phase, MCPZ_SKETCH_IDLE);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_SKETCH_ASK), 0);
    CHECK(entropy(0)->peers[0].sketch_at_us > world.now); /* not again at once */
    world_receive(&world, 0, 1, &busy);                   /* it crossed our end: no harm */
    CHECK_UINT(world.nodes[0].agents.messages_refused, 0);
    world_finish(&world);
}

/* An OFFER is taken in once, and none after the last one. */
TEST(offers_out_of_turn_are_refused)
{
    set_up(10, 100);
    run_until(asker(), MCPZ_SKETCH_MAPPING);
    world_lose_all(&world);
    const struct mcpz_digest row = {.document = {{9, [7] = 1}}, .digest = 4};
    struct mcpz_msg offer = {
        .kind = MCPZ_MSG_OFFER,
        .offer = {.session = asker()->session, .digests = &row, .digest_count = 1}};
    while (mcpz_wanted_room(&world.nodes[0].agents.wanted, world.now) > 0) {
        struct mcpz_wanted *wanted = &world.nodes[0].agents.wanted;
        const struct mcpz_id id = {{2, (uint8_t)wanted->count, [7] = 1}};
        CHECK_UINT(mcpz_wanted_ask(wanted, world.now, &id, &id, MCPZ_WANT_MORE, 1), MCPZ_WANT_ASK);
    }
    world_receive(&world, 0, 1, &offer);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_SKETCH_ASK), 0); /* no room: it is not taken yet */
    check_refused(0, offer);
    world.now += MCPZ_WANT_PATIENCE_US;
    tick(0);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_SKETCH_ASK), 1);
    world_lose_all(&world);
    offer.offer.last = true;
    world_receive(&world, 0, 1, &offer);
    world_lose_all(&world);
    check_refused(0, offer);
    world_finish(&world);
}

/* ---- The teller --------------------------------------------------------------------------- */

TEST(questions_out_of_turn_are_refused)
{
    set_up(10, 10);
    world_lose_all(&world);
    const struct mcpz_msg_sketch_ask never[] = {
        {.session = 5, .step = MCPZ_SKETCH_MORE, .count = 16},
        {.session = 5, .step = MCPZ_SKETCH_START},
        {.session = 5, .step = MCPZ_SKETCH_START, .count = MCPZ_SKETCH_SYMBOLS_MAX + 1},
    };
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        check_refused(1, question(never[i]));
    }
    const struct mcpz_msg start = question(
        (struct mcpz_msg_sketch_ask){.session = 5, .step = MCPZ_SKETCH_START, .count = 64});
    world_receive(&world, 1, 0, &start);
    CHECK_UINT(teller()->phase, MCPZ_SKETCH_MAKING);
    check_refused(1, question((struct mcpz_msg_sketch_ask){
                         .session = 5, .step = MCPZ_SKETCH_FOUND})); /* before any symbol */
    while (teller()->phase != MCPZ_SKETCH_SENDING) {
        world.now += MCPZ_SWEEP_PAUSE_US;
        tick(1);
    }
    world_lose_all(&world);

    uint8_t twice[16] = {[7] = 5, [15] = 5};
    const struct mcpz_msg_sketch_ask wrong[] = {
        {.session = 5, .step = MCPZ_SKETCH_MORE},
        {.session = 5, .step = MCPZ_SKETCH_MORE, .first = 1, .count = 1},
        {.session = 5, .step = MCPZ_SKETCH_MORE, .count = 65},
        {.session = 5, .step = MCPZ_SKETCH_TAKEN},
        {.session = 6, .step = MCPZ_SKETCH_MORE, .count = 16},
        {.session = 5, .step = MCPZ_SKETCH_FOUND, .ids = mcpz_bytes(twice, 15)},
        {.session = 5, .step = MCPZ_SKETCH_FOUND, .ids = mcpz_bytes(twice, 16)},
        {.session = 5, .step = MCPZ_SKETCH_FOUND, .ids = mcpz_bytes(rubbish, 8 * 7001)},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        check_refused(1, question(wrong[i]));
    }
    const struct mcpz_msg all = question(
        (struct mcpz_msg_sketch_ask){.session = 5, .step = MCPZ_SKETCH_MORE, .count = 64});
    world_receive(&world, 1, 0, &all);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_SKETCH), 1);
    world_lose_all(&world);
    check_refused(1, question((struct mcpz_msg_sketch_ask){
                         .session = 5, .step = MCPZ_SKETCH_MORE, .first = 64, .count = 1}));
    const struct mcpz_msg none =
        question((struct mcpz_msg_sketch_ask){.session = 5, .step = MCPZ_SKETCH_FOUND});
    world_receive(&world, 1, 0, &none);
    CHECK_UINT(teller()->phase, MCPZ_SKETCH_IDLE);
    world_finish(&world);
}

TEST(another_asker_is_told_to_wait_and_the_same_one_begins_anew)
{
    set_up(10, 10);
    run_until(teller(), MCPZ_SKETCH_MAKING);
    world_lose_all(&world);
    const uint64_t session = teller()->session;
    const struct mcpz_msg start = question(
        (struct mcpz_msg_sketch_ask){.session = 5, .step = MCPZ_SKETCH_START, .count = 64});
    world_receive(&world, 1, 2, &start);
    CHECK_UINT(teller()->session, session);
    world_receive(&world, 1, 0, &start);
    CHECK_UINT(teller()->session, 5);
    CHECK_UINT(teller()->symbols.symbol_count, 64);
    CHECK_UINT(entropy(1)->teller.sent, 0);
    world_finish(&world);
}

/* ---- Another layout in the midst of it ---------------------------------------------------- */

/* Whoever sees it first, both end, and nothing is taken for compared that was not. */
static void change_layout(size_t first, enum mcpz_sketch_phase phase)
{
    set_up(10, 10);
    run_until(asker(), phase);
    world_lay_out(&world, first, 5);
    tick(first);
    while (world.letter_count > 0) {
        world_deliver(&world, 0);
    }
    world_lay_out(&world, 1 - first, 5);
    for (size_t i = 0; i < 400; i++) {
        world.now += MCPZ_MS(1);
        tick(0);
        tick(1);
        world_pump(&world);
    }
    CHECK_UINT(asker()->phase, MCPZ_SKETCH_IDLE);
    CHECK_UINT(teller()->phase, MCPZ_SKETCH_IDLE);
    CHECK_UINT(world.nodes[0].agents.messages_refused, 0);
    CHECK_UINT(world.nodes[1].agents.messages_refused, 0);
    CHECK(!entropy(0)->peers[0].has_cursor);
    world_finish(&world);
}

TEST(another_layout_ends_it_at_both)
{
    const enum mcpz_sketch_phase phases[] = {MCPZ_SKETCH_STARTED, MCPZ_SKETCH_MAKING,
                                             MCPZ_SKETCH_SENDING};

    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
        change_layout(0, phases[i]);
        change_layout(1, phases[i]);
    }
}

/* What was found by then is told, as far as it is still shared, and no cursor follows from it. */
TEST(another_layout_while_documents_are_looked_for_does_no_harm)
{
    set_up(10, 10);
    run_until(teller(), MCPZ_SKETCH_MAPPING);
    world_lay_out(&world, 0, 5);
    world_lay_out(&world, 1, 5);
    run_until(asker(), MCPZ_SKETCH_IDLE);
    CHECK(!entropy(0)->peers[0].has_cursor);
    world_run(&world, MCPZ_SECONDS(3));
    size_t shared = 0;
    for (uint32_t i = 0; i < 10; i++) {
        shared += id_of(10000 + i).bytes[0] % 2 == 0 ? 1 : 0;
    }
    CHECK(shared > 0 && shared < 10);
    CHECK_UINT(fake_store_count(&world.nodes[1].store, MCPZ_RECORD_DOCUMENT),
               COMMON + 10 + shared);
    world_finish(&world);
}

TEST_MAIN(RUN(what_differs_is_found_and_both_have_it), RUN(symbols_out_of_turn_are_refused),
          RUN(rubbish_ends_it_and_changes_are_read),
          RUN(a_full_table_ends_it_and_changes_are_read),
          RUN(decoding_takes_many_steps_where_much_differs), RUN(who_says_nothing_is_given_up),
          RUN(who_is_busy_ends_it_at_once), RUN(offers_out_of_turn_are_refused),
          RUN(questions_out_of_turn_are_refused),
          RUN(another_asker_is_told_to_wait_and_the_same_one_begins_anew),
          RUN(another_layout_ends_it_at_both),
          RUN(another_layout_while_documents_are_looked_for_does_no_harm))
