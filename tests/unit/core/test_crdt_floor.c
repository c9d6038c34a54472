/* So far all keepers have signed: what lies below is here, and nothing else is to come there. */

#include "agents_world.h"
#include "core/crdt/floor.h"
#include "core/crdt/past.h"
#include "test.h"

static struct fake_store store;
static const struct mcpz_id document = {{'d'}};
static const struct mcpz_actor one = {.node = {{'1'}}, .generation = 1};
static const struct mcpz_actor two = {.node = {{'2'}}, .generation = 1};

static struct mcpz_head head(uint8_t byte)
{
    return (struct mcpz_head){{byte}};
}

static struct mcpz_agreed agreed_of(const struct mcpz_version *versions, size_t count)
{
    return (struct mcpz_agreed){.versions = versions, .version_count = count, .hlc = 7};
}

static void put_floor(const struct mcpz_version *versions, size_t count)
{
    const struct mcpz_record record = {
        .kind = MCPZ_RECORD_FLOOR,
        .floor = {.document = document, .agreed = agreed_of(versions, count)},
    };
    store.port.put(store.port.context, &record);
}

static void put_stable(const struct mcpz_version *versions, size_t count)
{
    const struct mcpz_record record = {
        .kind = MCPZ_RECORD_STABLE,
        .stable = {.document = document, .agreed = agreed_of(versions, count), .agreed_ms = 100},
    };
    store.port.put(store.port.context, &record);
}

static bool is_settled(const struct mcpz_actor *actor, uint64_t seq)
{
    bool settled = false;

    CHECK_UINT(mcpz_floor_is_settled(&store.port, &document, actor, seq, &settled), MCPZ_OK);
    return settled;
}

TEST(a_document_without_a_floor_lacks_nothing_below_it)
{
    struct mcpz_floor floor;

    fake_store_init(&store);
    CHECK_UINT(mcpz_floor_load(&store.port, &document, &floor), MCPZ_OK);
    CHECK(!floor.exists);
    CHECK(mcpz_floor_is_reached(&floor, &(struct mcpz_seen){.version_count = 0}));
    CHECK(!is_settled(&one, 1));
    CHECK_UINT(mcpz_floor_hasten(&store.port, &document), MCPZ_OK);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_STABLE), 0);
    fake_store_finish(&store);
}

static bool is_reached(const struct mcpz_floor *floor, const struct mcpz_version *versions,
                       size_t count)
{
    return mcpz_floor_is_reached(
        floor, &(struct mcpz_seen){.versions = versions, .version_count = count});
}

TEST(a_vector_reaches_the_floor_if_it_has_all_that_is_below_on_the_same_branch)
{
    const struct mcpz_version below[] = {{one, 4, head(4)}, {two, 2, head(2)}};
    struct mcpz_version seen[] = {{one, 4, head(4)}, {two, 2, head(2)}};
    struct mcpz_floor floor;

    fake_store_init(&store);
    put_floor(below, 2);
    CHECK_UINT(mcpz_floor_load(&store.port, &document, &floor), MCPZ_OK);
    CHECK(floor.exists);
    CHECK_UINT(floor.hlc, 7);
    CHECK(is_reached(&floor, seen, 2));
    CHECK(!is_reached(&floor, seen, 1)); /* nothing of the other */
    seen[0].seq = 3;
    CHECK(!is_reached(&floor, seen, 2));
    seen[0] = (struct mcpz_version){one, 5, head(5)};
    CHECK(is_reached(&floor, seen, 2));
    seen[1].head = head(9); /* as many, and another */
    CHECK(!is_reached(&floor, seen, 2));
    fake_store_finish(&store);
}

/* ---- Who is cut below ---------------------------------------------------------------------- */

static struct mcpz_cut cut_of(const struct mcpz_actor *actor, uint64_t seq, uint8_t first)
{
    return (struct mcpz_cut){.actor = *actor,
                             .seq = seq,
                             .tips = {{seq, head(first)}, {seq, head(first + 1)}},
                             .tip_count = 2};
}

static void put_cut_floor(const struct mcpz_version *last, const struct mcpz_cut *cut)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = document}};

    record.floor.agreed = agreed_of(last, 1);
    record.floor.agreed.cuts = cut;
    record.floor.agreed.cut_count = 1;
    store.port.put(store.port.context, &record);
}

TEST(of_who_is_cut_below_all_is_settled_and_who_knows_other_branches_is_not_there)
{
    const struct mcpz_version last[] = {{one, 4, head(4)}};
    const struct mcpz_cut below = cut_of(&one, 5, 20);
    const struct mcpz_cut other_branches = cut_of(&one, 5, 30);
    const struct mcpz_cut lower = cut_of(&one, 4, 20);
    const struct mcpz_version closed[] = {{one, 4 | MCPZ_SEQ_CLOSED, head(4)}};
    struct mcpz_seen seen = {last, 1, &below, 1};
    struct mcpz_floor floor;
    bool against = true;

    fake_store_init(&store);
    put_cut_floor(last, &below);
    CHECK(is_settled(&one, 4) && is_settled(&one, 5) && is_settled(&one, 500));
    CHECK(!is_settled(&two, 1));
    CHECK_UINT(mcpz_floor_load(&store.port, &document, &floor), MCPZ_OK);
    CHECK_UINT(floor.cuts.count, 1);
    CHECK(mcpz_floor_is_reached(&floor, &seen));
    CHECK_UINT(mcpz_floor_is_against(&store.port, &document, &below, &against), MCPZ_OK);
    CHECK(!against);
    seen.cuts = &other_branches;
    CHECK(!mcpz_floor_is_reached(&floor, &seen));
    CHECK_UINT(mcpz_floor_is_against(&store.port, &document, &other_branches, &against), MCPZ_OK);
    CHECK(against);
    CHECK_UINT(mcpz_floor_is_against(&store.port, &document, &lower, &against), MCPZ_OK);
    CHECK(against);
    seen.cut_count = 0;
    CHECK(!mcpz_floor_is_reached(&floor, &seen)); /* it has not seen that */
    seen.versions = closed;
    CHECK(mcpz_floor_is_reached(&floor, &seen)); /* it has, and it is over */
    fake_store_finish(&store);
}

/* Before anything is dropped it is seen whether what they know is here: then they lack the rest.
 */
TEST(who_knows_less_of_who_is_cut_than_is_here_is_given_the_rest)
{
    const struct mcpz_version last[] = {{one, 4, head(4)}};
    const struct mcpz_cut below = {.actor = one,
                                   .seq = 5,
                                   .tips = {{5, head(20)}, {5, head(21)}, {5, head(22)}},
                                   .tip_count = 3};
    struct mcpz_cut less = cut_of(&one, 5, 20);
    struct mcpz_record record = {.kind = MCPZ_RECORD_STABLE,
                                 .stable = {.document = document, .agreed = agreed_of(last, 1)}};
    bool against = true;

    fake_store_init(&store);
    record.stable.agreed.cuts = &below;
    record.stable.agreed.cut_count = 1;
    store.port.put(store.port.context, &record);
    for (uint8_t i = 20; i < 23; i++) {
        const struct mcpz_record row = {
            .kind = MCPZ_RECORD_DELTA,
            .delta = {.delta = {.document = document, .actor = one, .seq = 5}, .head = head(i)},
        };
        store.port.put(store.port.context, &row);
    }
    CHECK_UINT(mcpz_floor_is_against(&store.port, &document, &less, &against), MCPZ_OK);
    CHECK(!against);
    less.tips[1].head = head(23);
    CHECK_UINT(mcpz_floor_is_against(&store.port, &document, &less, &against), MCPZ_OK);
    CHECK(against);
    fake_store_finish(&store);
}

TEST(a_floor_that_is_no_vector_is_not_read)
{
    const struct mcpz_version twice[] = {{one, 4, head(4)}, {one, 5, head(5)}};
    struct mcpz_floor floor;

    fake_store_init(&store);
    put_floor(twice, 2);
    CHECK_UINT(mcpz_floor_load(&store.port, &document, &floor), MCPZ_ECORRUPT);
    fake_store_finish(&store);
}

TEST(what_all_have_signed_is_settled_before_it_is_the_floor_and_after)
{
    const struct mcpz_version low[] = {{one, 2, head(2)}};
    const struct mcpz_version high[] = {{one, 4, head(4)}};

    fake_store_init(&store);
    put_stable(high, 1);
    CHECK(is_settled(&one, 4));
    CHECK(!is_settled(&one, 5));
    CHECK(!is_settled(&two, 1));
    CHECK_UINT(mcpz_floor_forget(&store.port, &document), MCPZ_OK);
    CHECK(!is_settled(&one, 1));
    put_floor(low, 1);
    CHECK(is_settled(&one, 2));
    CHECK(!is_settled(&one, 3));
    put_stable(high, 1);
    CHECK(is_settled(&one, 3));
    fake_store_finish(&store);
}

/* Another branch at the very place where an actor ends is none either. */
TEST(the_last_delta_of_an_actor_is_settled_too)
{
    const struct mcpz_version last[] = {{one, 1, head(1)}};
    const struct mcpz_record row = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = document, .actor = one, .seq = 1}, .head = head(1)},
    };
    const struct mcpz_tip other = {1, head(8)};
    const struct mcpz_tip next = {2, head(9)};
    struct mcpz_document held = {.id = document, .exists = true};
    enum mcpz_place place;

    fake_store_init(&store);
    mcpz_clock_set(&held.clock, last, 1);
    store.port.put(store.port.context, &row);
    CHECK_UINT(mcpz_past_find(&store.port, &held, &one, &other, &place), MCPZ_OK);
    CHECK_UINT(place, MCPZ_PLACE_NOWHERE);
    put_stable(last, 1);
    CHECK_UINT(mcpz_past_find(&store.port, &held, &one, &other, &place), MCPZ_OK);
    CHECK_UINT(place, MCPZ_PLACE_FOLDED);
    CHECK_UINT(mcpz_past_find(&store.port, &held, &one, &next, &place), MCPZ_OK);
    CHECK_UINT(place, MCPZ_PLACE_NOWHERE);
    fake_store_finish(&store);
}

TEST(what_is_hastened_is_due_however_long_history_is)
{
    const struct mcpz_version high[] = {{one, 4, head(4)}};

    fake_store_init(&store);
    put_stable(high, 1);
    CHECK_UINT(mcpz_floor_hasten(&store.port, &document), MCPZ_OK);
    const struct mcpz_record_stable *stable =
        &fake_store_at(&store, MCPZ_RECORD_STABLE, 0)->stable;
    CHECK_UINT(stable->agreed_ms, 0);
    CHECK_UINT(stable->agreed.version_count, 1);
    const size_t writes = store.writes;
    CHECK_UINT(mcpz_floor_hasten(&store.port, &document), MCPZ_OK); /* once is enough */
    CHECK_UINT(store.writes, writes);
    fake_store_finish(&store);
}

/* Ten deltas of each of two, in batches of four. */
static void put_rows(void)
{
    for (uint64_t seq = 1; seq <= 10; seq++) {
        for (int i = 0; i < 2; i++) {
            const uint8_t batch = (uint8_t)((i == 0 ? 10 : 20) + (seq - 1) / 4);
            const struct mcpz_record row = {
                .kind = MCPZ_RECORD_DELTA,
                .delta = {.delta = {.document = document,
                                    .actor = i == 0 ? one : two,
                                    .seq = seq,
                                    .proof = {.batch = {{batch}}}},
                          .head = head((uint8_t)seq)},
            };
            const struct mcpz_record proof = {
                .kind = MCPZ_RECORD_BATCH,
                .batch = {.name = {{batch}}, .kept = seq > 8 ? 2 : 4},
            };
            store.port.put(store.port.context, &row);
            store.port.put(store.port.context, &proof);
        }
    }
}

TEST(rows_below_go_some_at_a_time_and_the_last_of_each_stays)
{
    const struct mcpz_version below[] = {{one, 10, head(10)}, {two, 5, head(5)}};
    size_t rounds = 0;
    bool done = false;

    fake_store_init(&store);
    put_rows();
    put_floor(below, 2);
    while (!done) {
        const size_t before = fake_store_count(&store, MCPZ_RECORD_DELTA);
        CHECK_UINT(mcpz_floor_sweep(&store.port, &document, 3, &done), MCPZ_OK);
        CHECK(before - fake_store_count(&store, MCPZ_RECORD_DELTA) <= 3);
        CHECK(fake_store_at(&store, MCPZ_RECORD_FLOOR, 0)->floor.swept == done);
        fake_store_end_turn(&store);
        rounds++;
    }
    CHECK_UINT(rounds, 5); /* nine of one, four of the other, and a look that finds none */
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_DELTA), 1 + 6);
    CHECK_UINT(fake_store_at(&store, MCPZ_RECORD_DELTA, 0)->delta.delta.seq, 10);
    CHECK_UINT(fake_store_at(&store, MCPZ_RECORD_DELTA, 1)->delta.delta.seq, 5);
    /* Of the first only what shows the last one; of the other what shows 5 to 8, and 9 to 10. */
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_BATCH), 1 + 2);
    CHECK_UINT(fake_store_at(&store, MCPZ_RECORD_BATCH, 0)->batch.kept, 1);
    CHECK_UINT(fake_store_at(&store, MCPZ_RECORD_BATCH, 1)->batch.kept, 4);
    fake_store_finish(&store);
}

TEST(of_who_is_cut_all_rows_go_from_the_cut_on)
{
    const struct mcpz_version below[] = {{one, 4, head(4)}};
    const struct mcpz_cut cut = cut_of(&one, 5, 20);
    size_t rounds = 0;
    bool done = false;

    fake_store_init(&store);
    put_rows();
    put_cut_floor(below, &cut);
    const size_t before = fake_store_count(&store, MCPZ_RECORD_DELTA);
    while (!done) {
        CHECK_UINT(mcpz_floor_sweep(&store.port, &document, 3, &done), MCPZ_OK);
        fake_store_end_turn(&store);
        rounds++;
    }
    CHECK_UINT(rounds, 4);                                               /* nine go */
    CHECK_UINT(before - fake_store_count(&store, MCPZ_RECORD_DELTA), 9); /* all but the fourth */
    CHECK_UINT(fake_store_at(&store, MCPZ_RECORD_DELTA, 0)->delta.delta.seq, 4);
    fake_store_finish(&store);
}

TEST(a_store_that_cannot_be_read_is_not_said_to_be_swept)
{
    const struct mcpz_version below[] = {{one, 10, head(10)}};
    bool done = true;

    fake_store_init(&store);
    put_rows();
    put_floor(below, 1);
    for (size_t reads = 0; reads < 4; reads++) {
        fake_store_fail_after(&store, reads, MCPZ_EIO);
        CHECK_UINT(mcpz_floor_sweep(&store.port, &document, 3, &done), MCPZ_EIO);
        CHECK(!done);
        fake_store_fail_after(&store, 0, MCPZ_OK);
        CHECK(!fake_store_at(&store, MCPZ_RECORD_FLOOR, 0)->floor.swept);
    }
    fake_store_finish(&store);
}

/* ---- Among nodes -------------------------------------------------------------------------- */

static struct world world;

static struct mcpz_head head_of(const struct mcpz_delta *delta)
{
    const struct mcpz_store *port = &world.nodes[0].store.port;
    struct mcpz_id id;

    port->delta_id(port->context, delta, &id);
    return mcpz_head_of(&id);
}

/* All that is here of the document is below. */
static void make_floor(size_t node)
{
    const struct mcpz_record_document record = world_look(&world, node, 1);
    struct mcpz_store *port = &world.nodes[node].store.port;
    const struct mcpz_record floor = {
        .kind = MCPZ_RECORD_FLOOR,
        .floor = {.document = record.id,
                  .agreed = {.versions = record.versions,
                             .version_count = record.version_count,
                             .cuts = record.cuts,
                             .cut_count = record.cut_count}},
    };
    port->put(port->context, &floor);
}

/* Each of two has folded something else: they tell each other so, and do not ask without end. */
TEST(two_whose_floors_lie_beside_each_other_do_not_ask_in_turn_for_ever)
{
    world_init(&world, 2);
    world.timing.anti_entropy_us = MCPZ_SECONDS(100000);
    world_restart(&world, 0);
    world_restart(&world, 1);
    for (size_t i = 0; i < 2; i++) {
        CHECK_UINT(world_create(&world, i, 1), MCPZ_CODE_OK);
        make_floor(i);
    }
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(60));
    CHECK(world.sent_by_kind[MCPZ_MSG_AGREED] > 0);
    CHECK(world.sent_by_kind[MCPZ_MSG_WANT] < 20);
    world_finish(&world);
}

/* A delta of `actor` in document 1 of the world, behind `before` (NULL: its first). */
static struct mcpz_delta delta_of(const struct mcpz_actor *actor, const char *value,
                                  const struct mcpz_delta *before, const struct mcpz_version *seen)
{
    static struct mcpz_add adds[8];
    static size_t count;
    struct mcpz_delta delta = {
        .document = world_document(1),
        .actor = *actor,
        .seq = 1,
        .hlc = mcpz_hlc_of_ms(world.wall_ms),
        .adds = &adds[count],
        .add_count = 1,
        .versions = seen,
        .version_count = seen != NULL ? 1 : 0,
    };

    adds[count++] = (struct mcpz_add){.type = MCPZ_ENTRY_REGISTER,
                                      .path = mcpz_bytes("\x91\xa1p", 3),
                                      .value = mcpz_text(value)};
    if (before != NULL) {
        delta.seq = before->seq + 1;
        delta.hlc = before->hlc + 1;
        delta.prev = head_of(before);
    }
    return delta;
}

static void hear(size_t node, const struct mcpz_delta *delta)
{
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_DELTA, .delta = {.delta = *delta}};

    world_receive(&world, node, 1 - node, &msg);
}

/*
 * Somebody's last delta is the same at both, and the one before, which all have signed, is not:
 * vectors do not show that, but what others have written who had seen it.
 */
TEST(who_is_as_far_on_another_branch_asks_as_if_it_were_not)
{
    world_init(&world, 2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(60));
    const struct mcpz_delta signed_one = delta_of(&one, "\x07", NULL, NULL);
    const struct mcpz_delta other_one = delta_of(&one, "\x08", NULL, NULL);
    const struct mcpz_delta next = delta_of(&one, "\x09", &other_one, NULL);
    const struct mcpz_version seen = {one, 1, head_of(&signed_one)};
    struct mcpz_delta after = delta_of(&two, "\x0a", NULL, &seen);
    after.hlc++;
    world_unlink(&world, 0, 1);
    hear(0, &signed_one);
    make_floor(0);
    hear(0, &next);
    hear(0, &after);
    hear(1, &other_one);
    hear(1, &next);
    world_lose_all(&world);
    const struct mcpz_record_document theirs = world_look(&world, 0, 1);
    CHECK_UINT(theirs.version_count, 3);
    world_link(&world, 0, 1);
    world_lose_all(&world);
    const size_t agreed = world.sent_by_kind[MCPZ_MSG_AGREED];
    hear(1, &after);
    hear(1, &after); /* once is enough */
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_WANT), 1);
    world_deliver(&world, 0);
    CHECK_UINT(world.sent_by_kind[MCPZ_MSG_AGREED], agreed + 1);
    world_finish(&world);
}

TEST_MAIN(RUN(of_who_is_cut_below_all_is_settled_and_who_knows_other_branches_is_not_there),
          RUN(who_knows_less_of_who_is_cut_than_is_here_is_given_the_rest),
          RUN(of_who_is_cut_all_rows_go_from_the_cut_on),
          RUN(a_document_without_a_floor_lacks_nothing_below_it),
          RUN(a_vector_reaches_the_floor_if_it_has_all_that_is_below_on_the_same_branch),
          RUN(a_floor_that_is_no_vector_is_not_read),
          RUN(what_all_have_signed_is_settled_before_it_is_the_floor_and_after),
          RUN(the_last_delta_of_an_actor_is_settled_too),
          RUN(what_is_hastened_is_due_however_long_history_is),
          RUN(rows_below_go_some_at_a_time_and_the_last_of_each_stays),
          RUN(a_store_that_cannot_be_read_is_not_said_to_be_swept),
          RUN(two_whose_floors_lie_beside_each_other_do_not_ask_in_turn_for_ever),
          RUN(who_is_as_far_on_another_branch_asks_as_if_it_were_not))
