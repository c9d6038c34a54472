/* What nodes do about a writer that contradicts itself, and how they find out. */

#include "agents_world.h"
#include "core/crdt/cuts.h"
#include "test.h"

#define BYTES(text)                                                                               \
    {                                                                                             \
        (const uint8_t *)(text), sizeof(text) - 1                                                 \
    }

static const struct mcpz_bytes k = BYTES("\x91\xa1k");
static const struct mcpz_bytes one = BYTES("\x01");

static struct world world;

/* One branch of a stranger, as a forger with its key would sign it. */
struct chain {
    struct mcpz_actor actor;
    uint64_t seq;
    struct mcpz_head head;
    uint64_t late; /* added to its stamps: another delta, else alike */
    const struct mcpz_version *seen;
};

static const struct chain start = {.actor = {.node = {{'z'}}, .generation = 1}};

/* Sign the next delta of a chain, with `value`, and hand it to a node. */
static void sign(struct chain *chain, size_t node, uint8_t value)
{
    const struct mcpz_add add = {MCPZ_ENTRY_REGISTER, k, mcpz_bytes(&value, 1)};
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_DELTA,
        .delta = {.delta = {.document = world_document(1),
                            .actor = chain->actor,
                            .seq = ++chain->seq,
                            .prev = chain->head,
                            .hlc = mcpz_hlc_of_ms(1700000000000) + chain->seq + chain->late,
                            .versions = chain->seen,
                            .version_count = chain->seen != NULL ? 1 : 0,
                            .adds = &add,
                            .add_count = 1}},
    };
    struct mcpz_id id;

    fake_store_delta_id(NULL, &msg.delta.delta, &id);
    chain->head = mcpz_head_of(&id);
    world_receive(&world, node, node == 0 ? 1 : 0, &msg);
}

static struct mcpz_cut cut_at(size_t node)
{
    const struct mcpz_record_document document = world_look(&world, node, 1);

    CHECK_UINT(document.cut_count, 1);
    return document.cuts[0];
}

static size_t entries(size_t node)
{
    return world_entries(&world, node, 1, k, MCPZ_ENTRY_REGISTER, NULL);
}

TEST(what_is_contradicted_does_not_count_and_is_kept)
{
    world_init(&world, 2);
    struct chain chain = start;
    sign(&chain, 0, 1);
    struct chain rival = chain;
    sign(&chain, 0, 2);
    sign(&chain, 0, 3);
    CHECK_UINT(entries(0), 3);
    CHECK_UINT(world.nodes[0].forked_facts, 0);

    sign(&rival, 0, 9);
    CHECK_UINT(entries(0), 1);
    CHECK_UINT(cut_at(0).seq, 2);
    CHECK_UINT(cut_at(0).tip_count, 2);
    CHECK_UINT(world_look(&world, 0, 1).versions[0].seq, 1);
    CHECK_UINT(world_look(&world, 0, 1).entry_count, 1);
    CHECK_UINT(fake_store_count(&world.nodes[0].store, MCPZ_RECORD_DELTA), 4);
    CHECK_UINT(fake_store_count(&world.nodes[0].store, MCPZ_RECORD_FORK), 1);
    CHECK_UINT(world.nodes[0].forked_facts, 1);
    CHECK_UINT(world.nodes[0].agents.forks_found, 1);

    sign(&rival, 0, 8); /* it goes on, and nobody is told anew */
    CHECK_UINT(entries(0), 1);
    CHECK_UINT(cut_at(0).tip_count, 2);
    CHECK_UINT(world.nodes[0].forked_facts, 1);
    CHECK_UINT(world.nodes[0].agents.deltas_tainted, 2);
    world_finish(&world);
}

/* The next delta of a chain, which is not taken: neither with a stamp that stands still, nor if it
 * has seen less than the one before. */
static void check_what_may_not_follow(const struct chain *chain)
{
    const uint64_t refused = world.nodes[0].agents.deltas_refused;
    struct chain still = *chain;
    struct chain forgetful = *chain;

    still.late--;
    sign(&still, 0, 7);
    CHECK_UINT(world.nodes[0].agents.deltas_refused, refused + 1);
    forgetful.seen = NULL;
    sign(&forgetful, 0, 7);
    CHECK_UINT(world.nodes[0].agents.deltas_refused, refused + 2);
}

TEST(a_delta_is_judged_by_the_one_before_it_whether_that_came_just_now_or_earlier)
{
    struct chain other = {.actor = {.node = {{'y'}}, .generation = 1}};
    struct chain chain = start;

    world_init(&world, 2);
    sign(&other, 0, 1);
    const struct mcpz_version seen = {other.actor, other.seq, other.head};
    chain.seen = &seen;
    chain.late = 1;
    sign(&chain, 0, 2);
    sign(&other, 0, 3); /* beside it, so there is something to look at */
    check_what_may_not_follow(&chain);
    sign(&chain, 0, 4);
    check_what_may_not_follow(&chain);
    sign(&chain, 0, 5);
    CHECK_UINT(world.nodes[0].agents.deltas_merged, 5);
    CHECK_UINT(world.nodes[0].agents.deltas_refused, 4);
    world_finish(&world);
}

TEST(an_earlier_contradiction_moves_the_cut)
{
    world_init(&world, 2);
    struct chain first = start;
    struct chain second = start;
    sign(&first, 0, 1);
    struct chain third = first;
    sign(&first, 0, 2);
    sign(&third, 0, 3);
    CHECK_UINT(cut_at(0).seq, 2);
    sign(&second, 0, 4);
    CHECK_UINT(cut_at(0).seq, 1);
    CHECK_UINT(cut_at(0).tip_count, 3);
    CHECK_UINT(world_look(&world, 0, 1).version_count, 0);
    CHECK_UINT(entries(0), 0);
    CHECK_UINT(world.nodes[0].forked_facts, 2);
    const struct mcpz_record *fork = fake_store_at(&world.nodes[0].store, MCPZ_RECORD_FORK, 0);
    CHECK_UINT(fork->fork.seq, 1);
    CHECK(!mcpz_id_equal(&fork->fork.one, &fork->fork.other));
    CHECK_UINT(fork->fork.noticed_ms, world.wall_ms);
    world_finish(&world);
}

/* `count` branches of one delta each, after `base`; the last is left in `base`. */
static void fan_out(struct chain *base, size_t node, size_t count)
{
    const struct chain before = *base;

    for (size_t i = 0; i < count; i++) {
        *base = before;
        base->late = before.late + i;
        sign(base, node, 1);
    }
}

TEST(more_branches_than_are_told_apart_are_named_by_their_sum)
{
    world_init(&world, 2);
    struct chain base = start;
    sign(&base, 0, 1);
    struct chain branch = base;
    fan_out(&branch, 0, MCPZ_BRANCHES_MAX);
    CHECK(!cut_at(0).overrun);
    CHECK_UINT(cut_at(0).tip_count, MCPZ_BRANCHES_MAX);
    struct chain fifth = base;
    sign(&fifth, 0, 20);
    CHECK(cut_at(0).overrun);
    CHECK_UINT(cut_at(0).tip_count, 1);
    CHECK_UINT(cut_at(0).tips[0].seq, MCPZ_BRANCHES_MAX + 1);

    sign(&fifth, 0, 21); /* they go on, and there may be more */
    CHECK_UINT(cut_at(0).tips[0].seq, MCPZ_BRANCHES_MAX + 2);
    CHECK_UINT(fake_store_count(&world.nodes[0].store, MCPZ_RECORD_DELTA), MCPZ_BRANCHES_MAX + 3);
    CHECK_UINT(world.nodes[0].agents.deltas_refused, 0);
    CHECK_UINT(entries(0), 1);

    struct chain first = start; /* all of them count as one set when the cut moves, too */
    sign(&first, 0, 22);
    CHECK_UINT(cut_at(0).seq, 1);
    CHECK_UINT(cut_at(0).tips[0].seq, MCPZ_BRANCHES_MAX + 4);
    CHECK_UINT(entries(0), 0);
    world_finish(&world);
}

TEST(a_sum_says_the_same_in_any_order_and_differs_where_one_differs)
{
    struct mcpz_head heads[3] = {{{0xff, 1}}, {{2, [MCPZ_HEAD_BYTES - 1] = 0xff}}, {{0}}};
    struct mcpz_tip sums[3] = {{0}};

    memset(heads[2].bytes, 0xff, MCPZ_HEAD_BYTES);
    for (size_t i = 0; i < 3; i++) {
        mcpz_cuts_add(&sums[0], &heads[i]);
        mcpz_cuts_add(&sums[1], &heads[2 - i]);
        mcpz_cuts_add(&sums[2], &heads[i % 2]);
    }
    CHECK_UINT(sums[0].seq, 3);
    CHECK(memcmp(&sums[0], &sums[1], sizeof(sums[0])) == 0);
    CHECK(memcmp(&sums[0], &sums[2], sizeof(sums[0])) != 0);
    /* ff01.. + 0200..ff + ffff.. : all carried, and one lost at the front */
    CHECK_UINT(sums[0].head.bytes[0], 0x01);
    CHECK_UINT(sums[0].head.bytes[1], 0x01);
    CHECK_UINT(sums[0].head.bytes[MCPZ_HEAD_BYTES - 1], 0xfe);
}

TEST(two_that_have_seen_ever_so_many_branches_agree)
{
    world_init(&world, 2);
    for (size_t node = 0; node < 2; node++) {
        struct chain base = start;
        sign(&base, node, 1);
        base.late = 1 + 100 * node;
        fan_out(&base, node, 3 + 60 * node); /* told apart by one of them only */
    }
    CHECK(!cut_at(0).overrun);
    CHECK(cut_at(1).overrun);
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(60));
    CHECK(world_has_converged(&world));
    CHECK_UINT(cut_at(0).tips[0].seq, 66);
    CHECK_UINT(fake_store_count(&world.nodes[0].store, MCPZ_RECORD_DELTA), 67);
    CHECK_UINT(fake_store_count(&world.nodes[1].store, MCPZ_RECORD_DELTA), 67);
    world_finish(&world);
}

/* Who builds on one more is believed, or a liar could keep others from going on. */
TEST(of_one_place_so_many_rivals_are_taken_in_and_no_more)
{
    world_init(&world, 2);
    struct chain rival = start;
    fan_out(&rival, 0, MCPZ_RIVALS_MAX);
    CHECK_UINT(cut_at(0).tips[0].seq, MCPZ_RIVALS_MAX);
    rival = start;
    rival.late = MCPZ_RIVALS_MAX;
    sign(&rival, 0, 1);
    CHECK_UINT(world.nodes[0].agents.deltas_refused, 1);
    CHECK_UINT(cut_at(0).tips[0].seq, MCPZ_RIVALS_MAX);

    const struct mcpz_version seen = {rival.actor, rival.seq, rival.head};
    struct chain honest = {
        .actor = {.node = {{'y'}}, .generation = 1}, .late = 1000, .seen = &seen};
    sign(&honest, 0, 1);
    CHECK_UINT(world.nodes[0].agents.deltas_early, 0);
    CHECK_UINT(entries(0), 1);
    world_finish(&world);
}

/* Each side of a cut has seen a branch of its own, longer than what one page tells of. */
static void part_ways(uint64_t common, size_t length)
{
    world_init(&world, 2);
    struct chain mine = start;
    for (uint64_t i = 0; i < common; i++) {
        struct chain same = mine;
        sign(&same, 0, 1);
        sign(&mine, 1, 1);
    }
    struct chain theirs = mine;
    for (size_t i = 0; i < length; i++) {
        sign(&mine, 0, 2);
    }
    for (size_t i = 0; i < length + 7; i++) {
        sign(&theirs, 1, 3);
    }
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(120));
    CHECK(world_has_converged(&world));
    CHECK_UINT(cut_at(0).seq, common + 1);
    CHECK_UINT(cut_at(0).tip_count, 2);
    CHECK_UINT(fake_store_count(&world.nodes[0].store, MCPZ_RECORD_DELTA),
               common + 2 * length + 7);
    CHECK_UINT(entries(0), common);
    CHECK_UINT(world.nodes[0].forked_facts, 1);
    CHECK_UINT(world.nodes[1].forked_facts, 1);
    world_finish(&world);
}

TEST(two_that_have_seen_different_branches_find_out_and_agree)
{
    part_ways(0, 1);
    part_ways(1, 1);
    part_ways(5, 3);
    part_ways(100, 40);
}

TEST(branches_longer_than_a_page_are_told_of_page_by_page)
{
    part_ways(3, MCPZ_BRANCH_IDS_MAX + 50);
}

/*
 * Each side has found a contradiction of its own, behind a place where they part unnoticed:
 *
 *   common --- a --- b, b'            one has seen this,
 *         \--- c --- d --- e, e'      the other that
 */
static void part_below_what_is_known(uint64_t common, uint64_t further)
{
    const uint64_t lengths[2] = {1, 1 + further};
    struct chain base = start;

    world_init(&world, 2);
    for (uint64_t i = 0; i < common; i++) {
        struct chain same = base;
        sign(&same, 0, 1);
        sign(&base, 1, 1);
    }
    for (size_t node = 0; node < 2; node++) {
        struct chain branch = base;
        branch.late = 50 * node;
        for (uint64_t i = 0; i < lengths[node]; i++) {
            sign(&branch, node, 2);
        }
        fan_out(&branch, node, 2);
        CHECK_UINT(cut_at(node).seq, common + lengths[node] + 1);
    }
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(60));
    CHECK(world_has_converged(&world));
    CHECK_UINT(cut_at(0).seq, common + 1);
    CHECK_UINT(cut_at(0).tip_count, 4);
    CHECK_UINT(entries(0), common);
    CHECK_UINT(fake_store_count(&world.nodes[0].store, MCPZ_RECORD_DELTA),
               common + lengths[0] + lengths[1] + 4);
    world_finish(&world);
}

TEST(two_that_part_below_what_each_knows_of_find_out_and_agree)
{
    part_below_what_is_known(0, 0);
    part_below_what_is_known(2, 0);
    part_below_what_is_known(2, 3);
    part_below_what_is_known(70, 20);
}

/* What lies behind the first place of several would tell it of those that go on there only. */
TEST(who_is_on_a_branch_of_its_own_is_told_of_ours_from_where_they_begin)
{
    struct chain branch = start;
    const struct mcpz_version elsewhere = {start.actor, 6, {{9}}};
    const struct mcpz_msg want = {
        .kind = MCPZ_MSG_WANT,
        .want = {.document = world_document(1), .versions = &elsewhere, .version_count = 1}};

    world_init(&world, 2);
    sign(&branch, 1, 1);
    fan_out(&branch, 1, 2);
    for (size_t i = 0; i < 5; i++) {
        sign(&branch, 1, 2);
    }
    CHECK_UINT(cut_at(1).seq, 2);
    world_link(&world, 0, 1);
    world_lose_all(&world);
    world_receive(&world, 1, 0, &want);
    CHECK_UINT(world_waiting(&world, MCPZ_MSG_BRANCHES), 1);
    CHECK_UINT(world.letters[0].msg.kind, MCPZ_MSG_BRANCHES);
    CHECK(world.letters[0].msg.branches.sparse);
    CHECK_UINT(world.letters[0].msg.branches.upto, 2);
    CHECK_UINT(world.letters[0].msg.branches.id_count, 2);
    world_finish(&world);
}

TEST(who_is_forked_itself_goes_on_as_another)
{
    struct world_node *node = &world.nodes[0];

    world_init(&world, 2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    struct chain ours = {.actor = node->actor};
    const struct mcpz_record *first = fake_store_at(&node->store, MCPZ_RECORD_DELTA, 0);
    ours.seq = first->delta.delta.seq;
    ours.head = first->delta.head;
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_SET, 1, k, one), MCPZ_CODE_OK);

    /* What it had written before its disk was set back. */
    const struct mcpz_add add = {MCPZ_ENTRY_REGISTER, k, one};
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_DELTA,
        .delta = {.delta = {.document = world_document(1),
                            .actor = ours.actor,
                            .seq = ours.seq + 1,
                            .prev = ours.head,
                            .hlc = first->delta.delta.hlc + 2,
                            .adds = &add,
                            .add_count = 1}},
    };
    world_receive(&world, 0, 1, &msg);
    CHECK(node->agents.rolled_back);
    CHECK_UINT(node->agents.actor.generation, 2);
    CHECK_UINT(node->forked_facts, 1);
    CHECK_UINT(entries(0), 0);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_SET, 1, k, one), MCPZ_CODE_OK);
    CHECK_UINT(entries(0), 1);
    world_link(&world, 0, 1);
    world_run(&world, MCPZ_SECONDS(60));
    CHECK(world_has_converged(&world));
    CHECK_UINT(entries(1), 1);
    world_finish(&world);
}

/*
 * Of a stranger another branch counts by now than the one that we have named: all others had
 * signed that, and our document has begun anew with it (engine/rebase.h). What one has seen only
 * grows, and nobody would take what says otherwise.
 */
TEST(what_a_writer_has_named_it_goes_on_naming)
{
    struct chain other = {.actor = {.node = {{'y'}}, .generation = 1}};
    struct chain signed_one = other;
    struct mcpz_version versions[2];

    world_init(&world, 2);
    sign(&other, 0, 1);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_SET, 1, k, one), MCPZ_CODE_OK);
    sign(&signed_one, 1, 2);
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                 .document = world_look(&world, 0, 1)};
    CHECK_UINT(record.document.version_count, 2);
    CHECK_UINT(record.document.versions[1].actor.node.bytes[0], 'y');
    versions[0] = record.document.versions[0];
    versions[1] = record.document.versions[1];
    versions[1].head = signed_one.head;
    record.document.versions = versions;
    world.nodes[0].store.port.put(world.nodes[0].store.port.context, &record);
    world_restart(&world, 0);

    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_SET, 1, k, one), MCPZ_CODE_OK);
    const struct mcpz_record *last = NULL;
    for (size_t i = 0; i < fake_store_count(&world.nodes[0].store, MCPZ_RECORD_DELTA); i++) {
        const struct mcpz_record *row = fake_store_at(&world.nodes[0].store, MCPZ_RECORD_DELTA, i);
        const bool is_ours = mcpz_actor_compare(&row->delta.delta.actor, &versions[0].actor) == 0;
        last = is_ours && row->delta.delta.seq == 2 ? row : last;
    }
    CHECK(last != NULL);
    CHECK_UINT(last->delta.delta.version_count, 1);
    CHECK(mcpz_head_equal(&last->delta.delta.versions[0].head, &other.head));
    world_finish(&world);
}

TEST_MAIN(RUN(what_is_contradicted_does_not_count_and_is_kept),
          RUN(a_delta_is_judged_by_the_one_before_it_whether_that_came_just_now_or_earlier),
          RUN(an_earlier_contradiction_moves_the_cut),
          RUN(more_branches_than_are_told_apart_are_named_by_their_sum),
          RUN(a_sum_says_the_same_in_any_order_and_differs_where_one_differs),
          RUN(two_that_have_seen_ever_so_many_branches_agree),
          RUN(of_one_place_so_many_rivals_are_taken_in_and_no_more),
          RUN(two_that_have_seen_different_branches_find_out_and_agree),
          RUN(branches_longer_than_a_page_are_told_of_page_by_page),
          RUN(two_that_part_below_what_each_knows_of_find_out_and_agree),
          RUN(who_is_on_a_branch_of_its_own_is_told_of_ours_from_where_they_begin),
          RUN(who_is_forked_itself_goes_on_as_another),
          RUN(what_a_writer_has_named_it_goes_on_naming))
