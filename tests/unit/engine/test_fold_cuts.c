/* Somebody has contradicted itself: the document is folded all the same, and what is void goes. */

#include "core/crdt/branches.h"
#include "liar.h"

#define LIES 300     /* of one who goes on */
#define BRANCHES 200 /* of one place, in each of two lives */

static_assert(BRANCHES <= MCPZ_RIVALS_MAX, "all are taken in");
static_assert(2 * BRANCHES > MCPZ_BRANCHES_AT_ONCE, "a walk leaves some out");

/* All that the liar has said here, and nothing of it counts. */
static size_t rows_of_liar(struct side *side)
{
    const struct mcpz_store *store = mcpz_engine_store(enter(side));
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = document(),
                            .actor = {.node = *mcpz_identity_id(liar), .generation = 1}}}};
    size_t count = 0;

    while (store->next(store->context, MCPZ_SCAN_ACTOR, count == 0, &record) == MCPZ_OK) {
        count++;
    }
    leave(side);
    return count;
}

static void tell_both(const struct mcpz_delta *delta)
{
    tell(&founder, &other, delta);
    tell(&other, &founder, delta);
}

/* Two branches, known to both. */
static void contradict(void)
{
    const struct mcpz_delta one = first_delta(7);
    const struct mcpz_delta two = first_delta(8);

    write_many(&founder, 1);
    tell_both(&one);
    tell_both(&two);
    CHECK_UINT(lie_at(&founder), UINT8_MAX);
    CHECK_UINT(lie_at(&other), UINT8_MAX);
}

static void fold_what_is_cut(void)
{
    contradict();
    write_more(MCPZ_FOLD_DELTAS);
    pass_time(MCPZ_SECONDS(10));
    CHECK_UINT(founder.engine->counters.floors_raised, 1);
    CHECK_UINT(other.engine->counters.floors_raised, 1);
    CHECK_UINT(rows_of_liar(&founder), 0);
    CHECK_UINT(rows_of_liar(&other), 0);
    check_same_root();
}

static void check_nothing_is_wrong(void)
{
    CHECK_UINT(founder.engine->counters.checkpoints_diverged, 0);
    CHECK_UINT(other.engine->counters.checkpoints_diverged, 0);
    CHECK_UINT(lie_at(&founder), UINT8_MAX);
    CHECK_UINT(lie_at(&other), UINT8_MAX);
    check_same_root();
}

TEST(what_does_not_count_is_folded_with_the_rest)
{
    make_liar(&no_history);
    fold_what_is_cut();
    check_nothing_is_wrong();
    free_all();
}

/* It has been said: no more of it is kept, and nobody is told of it again. */
TEST(what_comes_of_it_later_changes_nothing)
{
    make_liar(&no_history);
    fold_what_is_cut();
    const uint64_t found = founder.engine->node.agents.forks_found;
    const struct mcpz_id root = root_of(&founder);
    for (uint8_t value = 7; value < 10; value++) {
        const struct mcpz_delta lie = first_delta(value);
        tell_both(&lie);
    }
    const struct mcpz_id after = root_of(&founder);
    CHECK(mcpz_id_equal(&root, &after));
    CHECK_UINT(rows_of_liar(&founder), 0);
    CHECK_UINT(founder.engine->node.agents.forks_found, found);
    pass_time(MCPZ_SECONDS(10));
    check_nothing_is_wrong();
    free_all();
}

/* It goes on lying: what is kept of it has a bound, however much it is. */
TEST(who_goes_on_contradicting_itself_does_not_make_the_document_grow)
{
    struct mcpz_delta lie = (make_liar(&no_history), first_delta(7));
    size_t most = 0;

    contradict();
    for (int i = 0; i < LIES; i++) {
        const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
        struct mcpz_id id;
        store->delta_id(store->context, &lie, &id);
        leave(&founder);
        lie.seq++;
        lie.hlc++;
        lie.prev = mcpz_head_of(&id);
        tell_both(&lie);
        pass_time(MCPZ_MS(500));
        most = rows_of_liar(&founder) > most ? rows_of_liar(&founder) : most;
    }
    CHECK(most > 2 && most < 2 * MCPZ_FOLD_DELTAS);
    CHECK_UINT(rows_of_liar(&founder), 0);
    CHECK_UINT(rows_of_liar(&other), 0);
    check_nothing_is_wrong();
    free_all();
}

/* More branches than are told apart, and than a walk goes along at once. */
TEST(who_has_any_number_of_branches_is_folded)
{
    struct mcpz_delta lie = (make_liar(&no_history), first_delta(7));

    write_many(&founder, 1);
    for (uint32_t i = 0; i < 2 * BRANCHES; i++) {
        lie.actor.generation = 1 + i % 2;
        lie.hlc++;
        tell_both(&lie);
    }
    CHECK_UINT(rows_of_liar(&founder), BRANCHES);
    write_more(MCPZ_FOLD_DELTAS);
    pass_time(MCPZ_SECONDS(10));
    CHECK(founder.engine->counters.floors_raised > 0);
    CHECK_UINT(rows_of_liar(&founder), 0);
    CHECK_UINT(rows_of_liar(&other), 0);
    check_nothing_is_wrong();
    free_all();
}

/* Both have signed, the founder knows it, and the other is shown a third branch before it does. */
TEST(who_is_shown_more_of_it_before_it_hears_that_all_have_signed_begins_anew)
{
    make_liar(&no_history);
    contradict();
    sign_at_founder();
    const struct mcpz_delta third = first_delta(9);
    tell(&other, &founder, &third);
    write_to(&other, MCPZ_AGENT_SET, "\x91\xa1m", 5);
    pass_time(MCPZ_SECONDS(30));
    CHECK_UINT(other.engine->counters.bases_begun_with, 1);
    CHECK_UINT(other.engine->counters.rebase_lost, 0);
    CHECK_UINT(rows_of_liar(&other), 0);
    check_nothing_is_wrong();
    tell(&founder, &other, &third);
    pass_time(MCPZ_SECONDS(10));
    check_nothing_is_wrong();
    free_all();
}

static void know_a_stranger(struct side *side)
{
    const struct mcpz_record stranger = {.kind = MCPZ_RECORD_PEER, .peer = {.id = {{99}}}};
    const struct mcpz_store *store = mcpz_engine_store(enter(side));

    store->put(store->context, &stranger);
    leave(side);
}

/*
 * Who is away may have heard that all had signed before they saw another branch. One who says so
 * is enough; and what all have signed since is no obstacle.
 */
TEST(who_contradicts_itself_while_somebody_is_away_is_not_folded)
{
    make_liar(&no_history);
    know_a_stranger(&founder);
    contradict();
    write_more(MCPZ_FOLD_DELTAS);
    pass_time(MCPZ_SECONDS(30));
    CHECK_UINT(founder.engine->counters.floors_raised, 0);
    CHECK_UINT(other.engine->counters.floors_raised, 0);
    CHECK_UINT(rows_of_liar(&other), 2);
    free_all();
}

TEST(who_was_cut_when_all_signed_keeps_nothing_from_being_folded)
{
    make_liar(&no_history);
    fold_what_is_cut();
    know_a_stranger(&founder);
    know_a_stranger(&other);
    write_more(MCPZ_FOLD_DELTAS);
    pass_time(MCPZ_SECONDS(10));
    CHECK_UINT(founder.engine->counters.floors_raised, 2);
    check_nothing_is_wrong();
    free_all();
}

/* It has the base, and with it who is cut, though it has never seen why. */
TEST(who_comes_when_all_is_folded_takes_nothing_of_it)
{
    make_liar(&no_history);
    fold_what_is_cut();
    lose_document(&other);
    const struct mcpz_delta one = first_delta(7);
    tell(&other, &founder, &one);
    pass_time(MCPZ_SECONDS(30));
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_FLOOR), 1);
    check_nothing_is_wrong();
    tell(&other, &founder, &one);
    check_nothing_is_wrong();
    free_all();
}

TEST_MAIN(RUN(what_does_not_count_is_folded_with_the_rest),
          RUN(what_comes_of_it_later_changes_nothing),
          RUN(who_goes_on_contradicting_itself_does_not_make_the_document_grow),
          RUN(who_has_any_number_of_branches_is_folded),
          RUN(who_is_shown_more_of_it_before_it_hears_that_all_have_signed_begins_anew),
          RUN(who_contradicts_itself_while_somebody_is_away_is_not_folded),
          RUN(who_was_cut_when_all_signed_keeps_nothing_from_being_folded),
          RUN(who_comes_when_all_is_folded_takes_nothing_of_it))
