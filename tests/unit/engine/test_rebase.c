/* Somebody contradicts itself below what all have signed: what was signed counts. */

#include "liar.h"

/* Both have signed the one branch, and the founder knows that; the other does not yet. */
static void sign_one_branch(void)
{
    write_lie(7);
    sign_at_founder();
}

/* Up to the turn in which the other does so. */
static void begin_anew(void)
{
    for (int i = 0; i < 100 && other.engine->counters.bases_begun_with == 0; i++) {
        tick_both();
        while (other.engine->counters.bases_begun_with == 0 &&
               (hand_over(&founder, &other) || hand_over(&other, &founder))) {
        }
    }
    CHECK_UINT(other.engine->counters.bases_begun_with, 1);
}

static void check_begun_anew(void)
{
    CHECK_UINT(other.engine->counters.bases_begun_with, 1);
    CHECK_UINT(other.engine->counters.rebase_lost, 0);
    CHECK_UINT(other.engine->counters.bases_refused, 0);
    CHECK_UINT(founder.engine->counters.floors_raised, 1);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_FLOOR), 1);
    CHECK_UINT(lie_at(&other), 7);
    CHECK_UINT(lie_at(&founder), 7);
    CHECK_UINT(founder.engine->counters.checkpoints_diverged, 0);
    CHECK_UINT(other.engine->counters.checkpoints_diverged, 0);
    check_same_root();
}

/* Its evidence stays, and so does what the other has written since. */
static void find_the_other_branch(const uint64_t *history_ms)
{
    make_liar(history_ms);
    sign_one_branch();
    const struct mcpz_delta two = first_delta(8);
    tell(&other, &founder, &two);
    CHECK_UINT(other.engine->counters.forks_found, 1);
    CHECK_UINT(lie_at(&other), UINT8_MAX);
    write_to(&other, MCPZ_AGENT_SET, "\x91\xa1m", 5);
    pass_time(MCPZ_SECONDS(30));
    check_begun_anew();
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_FORK), 1);
    const struct mcpz_id id = document();
    struct mcpz_document document;
    CHECK_UINT(mcpz_document_load(&enter(&founder)->store, &id, &document), MCPZ_OK);
    CHECK_UINT(document.clock.count, 3); /* the founder, the liar, and what the other wrote */
    leave(&founder);
    /* Both go on, and what comes late of the other branch changes nothing. */
    tell(&founder, &other, &two);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_FORK), 1); /* but who wrote it is named */
    CHECK_UINT(founder.engine->node.agents.forks_found, 1);
    write_to(&other, MCPZ_AGENT_SET, "\x91\xa1m", 6);
    write_to(&founder, MCPZ_AGENT_SET, "\x91\xa1k", 6);
    pass_time(MCPZ_SECONDS(10));
    check_same_root();
    CHECK_UINT(lie_at(&other), 7);
    free_all();
}

TEST(what_was_signed_counts_though_another_branch_was_found_meanwhile)
{
    find_the_other_branch(&no_history);
}

/* What comes in again is sealed as what was there before. */
TEST(a_document_begins_anew_in_a_store_that_is_sealed)
{
    seal_both();
    find_the_other_branch(&no_history);
}

/* However long history is: it is cut short for that document. */
TEST(who_waits_for_history_to_be_over_folds_for_whoever_found_another_branch)
{
    find_the_other_branch(&an_hour);
}

/* Who was away has only ever seen the other branch. */
TEST(who_comes_back_with_another_branch_begins_anew)
{
    make_liar(&no_history);
    const struct mcpz_delta two = first_delta(8);
    write_lie(7);
    write_more(MCPZ_FOLD_DELTAS);
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(founder.engine->counters.floors_raised, 1);
    lose_document(&other);
    tell(&other, &founder, &two);
    CHECK_UINT(lie_at(&other), 8);
    write_to(&other, MCPZ_AGENT_SET, "\x91\xa1m", 5);
    pass_time(MCPZ_SECONDS(30));
    CHECK_UINT(lie_at(&other), 7);
    check_same_root();
    CHECK_UINT(other.engine->counters.bases_begun_with, 1);
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = document(), .path = mcpz_bytes("\x91\xa1m", 3)}};
    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
    CHECK_UINT(store->next(store->context, MCPZ_SCAN_PATH, true, &record), MCPZ_OK);
    CHECK_UINT(record.entry.value.data[0], 5);
    leave(&founder);
    free_all();
}

/* What the liar writes next, behind a first one that all but it take for another. */
static struct mcpz_delta second_delta(const struct mcpz_delta *first)
{
    static const struct mcpz_add add = {
        .type = MCPZ_ENTRY_REGISTER,
        .path = {.data = (const uint8_t *)"\x91\xa4more", .length = 6},
        .value = {.data = (const uint8_t *)"\x09", .length = 1},
    };
    struct mcpz_delta second = *first;
    struct mcpz_id id;

    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
    store->delta_id(store->context, first, &id);
    leave(&founder);
    second.seq = 2;
    second.prev = mcpz_head_of(&id);
    second.hlc = first->hlc + 1;
    second.adds = &add;
    return second;
}

static uint64_t last_of_liar(struct side *side)
{
    const struct mcpz_actor actor = first_delta(7).actor;
    const struct mcpz_id id = document();
    struct mcpz_document held;

    CHECK_UINT(mcpz_document_load(&enter(side)->store, &id, &held), MCPZ_OK);
    leave(side);
    return mcpz_clock_get(held.clock.versions, held.clock.count, &actor);
}

static void fold_one_branch(void)
{
    write_lie(7);
    write_more(MCPZ_FOLD_DELTAS);
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(founder.engine->counters.floors_raised, 1);
    lose_document(&other);
}

/* Who follows another branch than was signed is cut there: also with who comes to the base later.
 */
TEST(what_follows_another_branch_than_was_signed_counts_with_nobody)
{
    make_liar(&no_history);
    const struct mcpz_delta two = first_delta(8);
    const struct mcpz_delta next = second_delta(&two);
    fold_one_branch();
    tell(&founder, &other, &next);
    CHECK_UINT(last_of_liar(&founder), 1);
    CHECK_UINT(founder.engine->node.agents.forks_found, 1);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_FORK), 1);
    pass_time(MCPZ_SECONDS(30));
    CHECK_UINT(last_of_liar(&other), 1);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_FORK), 1);
    check_same_root();
    free_all();
}

/* The link broke before the other heard that all have signed what it has signed itself: it takes
 * what follows another branch for something that it lacks the beginning of, until it is told. */
TEST(who_has_all_of_a_base_learns_from_it_what_all_have_signed)
{
    make_liar(&no_history);
    const struct mcpz_delta two = first_delta(8);
    const struct mcpz_delta next = second_delta(&two);
    write_lie(7);
    sign_at_founder();
    mcpz_engine_link_closed(enter(&founder), founder.link);
    leave(&founder);
    mcpz_engine_link_closed(enter(&other), other.link);
    leave(&other);
    pass_time_alone(MCPZ_SECONDS(6));
    CHECK_UINT(founder.engine->counters.floors_raised, 1);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_STABLE), 0);
    connect_pair();
    pass_time(MCPZ_SECONDS(2));
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_STABLE), 0);
    tell(&founder, &other, &next);
    pass_time(MCPZ_SECONDS(30));
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_FLOOR), 1);
    CHECK_UINT(other.engine->counters.bases_installed, 0);
    CHECK_UINT(other.engine->counters.floors_raised, 1);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_FORK), 1);
    CHECK_UINT(last_of_liar(&other), 1);
    check_same_root();
    free_all();
}

/* Of two that follow, the one what was signed, the other what was not, neither counts. */
TEST(who_follows_what_was_signed_hears_of_who_does_not)
{
    make_liar(&no_history);
    const struct mcpz_delta one = first_delta(7);
    const struct mcpz_delta two = first_delta(8);
    const struct mcpz_delta next = second_delta(&one);
    const struct mcpz_delta astray = second_delta(&two);
    write_lie(7);
    write_more(MCPZ_FOLD_DELTAS);
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(founder.engine->counters.floors_raised, 1);
    tell(&founder, &other, &astray);
    tell(&other, &founder, &next);
    pass_time(MCPZ_SECONDS(30));
    CHECK_UINT(last_of_liar(&founder), 1);
    CHECK_UINT(last_of_liar(&other), 1);
    CHECK_UINT(founder.engine->counters.bases_begun_with, 0);
    CHECK_UINT(other.engine->counters.bases_begun_with, 0);
    check_same_root();
    free_all();
}

TEST(who_begins_anew_takes_along_what_follows_the_branch_that_does_not_count)
{
    make_liar(&no_history);
    const struct mcpz_delta two = first_delta(8);
    const struct mcpz_delta next = second_delta(&two);
    fold_one_branch();
    tell(&other, &founder, &two);
    tell(&other, &founder, &next);
    begin_anew();
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_FORK), 1); /* not because it was sent it again */
    CHECK_UINT(last_of_liar(&other), 1);
    pass_time(MCPZ_SECONDS(30));
    CHECK_UINT(last_of_liar(&founder), 1);
    CHECK_UINT(lie_at(&other), 7);
    check_same_root();
    free_all();
}

/*
 * Who comes back has the other branch, what follows it, and all else that was signed: more than
 * the others, by its vector. They take what follows for a contradiction, and that shows their
 * base.
 */
TEST(who_comes_back_with_another_branch_and_what_follows_it_begins_anew)
{
    make_liar(&no_history);
    const struct mcpz_delta one = first_delta(7);
    const struct mcpz_delta two = first_delta(8);
    const struct mcpz_delta next = second_delta(&two);
    write_many(&founder, MCPZ_FOLD_DELTAS - 1);
    talk();
    tell(&other, &founder, &two);
    tell(&other, &founder, &next);
    mcpz_mem_back_up(other.mem);
    lose_document(&other);
    pass_time(MCPZ_SECONDS(30));
    check_same_root();
    CHECK_UINT(last_of_liar(&founder), 0);
    CHECK_UINT(last_of_liar(&other), 0);
    tell(&founder, &other, &one);
    tell(&other, &founder, &one);
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(founder.engine->counters.floors_raised, 1);

    mcpz_engine_destroy(other.engine);
    CHECK(mcpz_mem_restore(other.mem));
    start_side(&other, "other:1");
    mcpz_engine_link_closed(enter(&founder), founder.link);
    leave(&founder);
    connect_pair();
    CHECK_UINT(last_of_liar(&other), 2);
    pass_time(MCPZ_SECONDS(30));
    CHECK_UINT(last_of_liar(&founder), 1);
    CHECK_UINT(last_of_liar(&other), 1);
    CHECK_UINT(founder.engine->counters.checkpoints_diverged, 0);
    CHECK_UINT(other.engine->counters.checkpoints_diverged, 0);
    CHECK_UINT(lie_at(&founder), 7);
    CHECK_UINT(lie_at(&other), 7);
    CHECK_UINT(other.engine->counters.bases_begun_with, 1);
    check_same_root();
    free_all();
}

/* Both have signed two deltas of the liar's, the other has lost them, and is told `first`. */
static void come_back_with(const struct mcpz_delta *first)
{
    const struct mcpz_delta one = first_delta(7);
    const struct mcpz_delta two = second_delta(&one);

    write_lie(7);
    tell(&founder, &other, &two);
    tell(&other, &founder, &two);
    write_more(MCPZ_FOLD_DELTAS);
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(founder.engine->counters.floors_raised, 1);
    lose_document(&other);
    tell(&other, &founder, first);
    write_to(&other, MCPZ_AGENT_SET, "\x91\xa1m", 5);
}

/* It is shorter than what was signed: nothing shows that it is another, but that it may be. */
TEST(who_comes_back_with_the_beginning_of_another_branch_begins_anew)
{
    make_liar(&no_history);
    const struct mcpz_delta one = first_delta(8);
    come_back_with(&one);
    CHECK_UINT(lie_at(&other), 8);
    pass_time(MCPZ_SECONDS(30));
    CHECK_UINT(lie_at(&other), 7);
    CHECK_UINT(last_of_liar(&other), 2);
    CHECK_UINT(other.engine->counters.bases_begun_with, 1);
    check_same_root();
    free_all();
}

/* Who may have what was forgotten has its base refused, and nothing is given up for it meanwhile.
 */
TEST(nobody_begins_anew_with_a_base_of_a_peer_that_is_held_back)
{
    make_liar(&no_history);
    const struct mcpz_delta one = first_delta(8);
    come_back_with(&one);
    struct mcpz_record_horizon *row = &enter(&other)->node.agents.horizon.row;
    const struct mcpz_record_horizon before = *row;
    row->horizon_ms = UINT64_MAX / 2; /* the founder is not as fresh as that, and we are */
    row->fresh_ms = UINT64_MAX / 2;
    leave(&other);
    pass_time(MCPZ_SECONDS(30));
    CHECK_UINT(lie_at(&other), 8);
    CHECK(other.engine->counters.bases_refused > 0);
    CHECK_UINT(other.engine->counters.bases_begun_with, 0);
    enter(&other)->node.agents.horizon.row = before;
    leave(&other);
    pass_time(MCPZ_SECONDS(60));
    CHECK_UINT(lie_at(&other), 7);
    check_same_root();
    free_all();
}

/* Whose beginning it was: what it wrote since is here again, and it is no other than before. */
TEST(who_begins_anew_and_loses_nothing_goes_on_as_who_it_was)
{
    make_liar(&no_history);
    const struct mcpz_delta one = first_delta(7);
    come_back_with(&one);
    const uint32_t generation = enter(&other)->node.agents.actor.generation;
    leave(&other);
    pass_time(MCPZ_SECONDS(30));
    CHECK_UINT(last_of_liar(&other), 2);
    CHECK_UINT(other.engine->counters.bases_begun_with, 1);
    CHECK_UINT(enter(&other)->node.agents.actor.generation, generation);
    leave(&other);
    write_to(&other, MCPZ_AGENT_SET, "\x91\xa1m", 6);
    pass_time(MCPZ_SECONDS(10));
    check_same_root();
    CHECK_UINT(founder.engine->node.agents.forks_found, 0);
    free_all();
}

/* It is cut just above: below stands what was signed, whatever came first. */
TEST(who_contradicts_itself_again_above_stands_where_all_have_signed)
{
    make_liar(&no_history);
    const struct mcpz_delta one = first_delta(7);
    const struct mcpz_delta two = first_delta(8);
    const struct mcpz_delta behind_one = second_delta(&one);
    const struct mcpz_delta behind_two = second_delta(&two);
    write_lie(7);
    write_more(MCPZ_FOLD_DELTAS);
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(founder.engine->counters.floors_raised, 1);
    tell(&founder, &other, &behind_two);
    tell(&founder, &other, &behind_one);
    tell(&other, &founder, &behind_one);
    tell(&other, &founder, &behind_two);
    CHECK_UINT(founder.engine->node.agents.forks_found, 1);
    CHECK_UINT(other.engine->node.agents.forks_found, 1);
    CHECK_UINT(last_of_liar(&founder), 1);
    pass_time(MCPZ_SECONDS(10));
    check_same_root();
    free_all();
}

/* Who has asked all finds it before their answers: it may tell them that all have signed, and is
 * not to fold itself what it holds no longer. */
TEST(who_asks_and_finds_another_branch_meanwhile_begins_anew)
{
    const struct mcpz_delta two = (make_liar(&an_hour), first_delta(8));

    write_lie(7);
    write_more(MCPZ_FOLD_DELTAS);
    while (founder.engine->folding.folds[0].asked_count == 0) {
        tick_both();
    }
    tell(&founder, &other, &two);
    CHECK_UINT(founder.engine->counters.forks_found, 1);
    pass_time(MCPZ_SECONDS(1));
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_STABLE), 1);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_STABLE), 0);
    pass_time(MCPZ_SECONDS(60));
    CHECK_UINT(founder.engine->counters.bases_begun_with, 1);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_FORK), 1);
    CHECK_UINT(lie_at(&founder), 7);
    CHECK_UINT(lie_at(&other), 7);
    check_same_root();
    free_all();
}

/* It is in the batch of one turn: a crash finds it before or after. */
TEST(a_crash_finds_the_document_as_it_was_or_as_it_is)
{
    make_liar(&no_history);
    sign_one_branch();
    const struct mcpz_delta two = first_delta(8);
    tell(&other, &founder, &two);
    write_to(&other, MCPZ_AGENT_SET, "\x91\xa1m", 5);
    begin_anew();
    /* What is kept now is whole: it is there after a start. */
    mcpz_engine_destroy(other.engine);
    start_side(&other, "other:1");
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_FLOOR), 1);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_FORK), 1);
    CHECK_UINT(lie_at(&other), 7);
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = document(), .path = mcpz_bytes("\x91\xa1m", 3)}};
    const struct mcpz_store *store = mcpz_engine_store(enter(&other));
    CHECK_UINT(store->next(store->context, MCPZ_SCAN_PATH, true, &record), MCPZ_OK);
    leave(&other);
    free_all();
}

TEST_MAIN(RUN(what_was_signed_counts_though_another_branch_was_found_meanwhile),
          RUN(a_document_begins_anew_in_a_store_that_is_sealed),
          RUN(who_waits_for_history_to_be_over_folds_for_whoever_found_another_branch),
          RUN(who_comes_back_with_another_branch_begins_anew),
          RUN(what_follows_another_branch_than_was_signed_counts_with_nobody),
          RUN(who_has_all_of_a_base_learns_from_it_what_all_have_signed),
          RUN(who_follows_what_was_signed_hears_of_who_does_not),
          RUN(who_begins_anew_takes_along_what_follows_the_branch_that_does_not_count),
          RUN(who_comes_back_with_another_branch_and_what_follows_it_begins_anew),
          RUN(who_comes_back_with_the_beginning_of_another_branch_begins_anew),
          RUN(nobody_begins_anew_with_a_base_of_a_peer_that_is_held_back),
          RUN(who_begins_anew_and_loses_nothing_goes_on_as_who_it_was),
          RUN(who_contradicts_itself_again_above_stands_where_all_have_signed),
          RUN(who_asks_and_finds_another_branch_meanwhile_begins_anew),
          RUN(a_crash_finds_the_document_as_it_was_or_as_it_is))
