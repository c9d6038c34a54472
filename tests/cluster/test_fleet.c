/* Many nodes of the lower half of the core: they agree, and agree again. */

#include "sim/fleet_internal.h"
#include "sim/fleet_story.h"
#include "test.h"

#define NODES 128
#define ZONE 32

static void check_told(const struct mcpz_fleet_options *options)
{
    struct mcpz_fleet_report report;

    mcpz_fleet_tell(options, &report);
    CHECK_TEXT(report.violated, "");
    CHECK(report.measure_count > 0);
    for (size_t i = 0; i < report.measure_count; i++) {
        if (!mcpz_fleet_measure_is_ok(&report.measures[i])) {
            print_error("seed %" PRIu64 ": %s: %f, at most %f. %s\n", options->seed,
                        report.measures[i].what, report.measures[i].value,
                        report.measures[i].bound, report.wrong);
        }
        CHECK(mcpz_fleet_measure_is_ok(&report.measures[i]));
    }
}

static struct mcpz_fleet_options options_of(enum mcpz_fleet_story story, uint64_t seed)
{
    return (struct mcpz_fleet_options){
        .story = story,
        .node_count = NODES,
        .zone_size = ZONE,
        .seed = seed,
        .minutes = 1,
    };
}

static struct mcpz_fleet_report told(enum mcpz_fleet_story story, uint64_t seed)
{
    const struct mcpz_fleet_options options = options_of(story, seed);
    struct mcpz_fleet_report report;

    mcpz_fleet_tell(&options, &report);
    return report;
}

static void check_story(enum mcpz_fleet_story story)
{
    const struct mcpz_fleet_options options = options_of(story, 1);

    check_told(&options);
}

TEST(who_joins_agrees)
{
    check_story(MCPZ_FLEET_STORY_JOIN);
}

TEST(a_crash_is_agreed_on_and_so_is_a_return)
{
    check_story(MCPZ_FLEET_STORY_CRASH);
}

/* Of as many servers in one scope as the benchmark with real ones has. */
TEST(who_stops_is_agreed_to_have_failed_in_time)
{
    for (uint64_t seed = 1; seed <= SEEDS_OF(8); seed++) {
        const struct mcpz_fleet_options options = {
            .story = MCPZ_FLEET_STORY_STOP,
            .node_count = 50,
            .seed = seed,
        };
        check_told(&options);
    }
}

TEST(what_was_cut_finds_itself_again)
{
    check_story(MCPZ_FLEET_STORY_CUT);
}

TEST(who_lost_everybody_finds_them_by_contacts_that_come_last)
{
    check_story(MCPZ_FLEET_STORY_BLACKOUT);
}

/* Found with 1,000 nodes: some of a zone had each other for neighbours and nobody else of it, and
 * did not notice; in the end all knew of each other, and broadcasts did not get across. */
TEST(a_handful_that_found_each_other_finds_the_others_of_its_zone)
{
    static const uint64_t seeds[] = {15, 8};
    struct mcpz_fleet_options options = options_of(MCPZ_FLEET_STORY_BLACKOUT, 0);

    options.node_count = 1000;
    options.zone_size = 64;
    for (size_t i = 0; i < SEEDS_OF(MCPZ_ARRAY_LEN(seeds)); i++) {
        options.seed = seeds[i];
        check_told(&options);
    }
}

TEST(nobody_who_pauses_is_convicted)
{
    check_story(MCPZ_FLEET_STORY_PAUSE);
}

static double measured(const struct mcpz_fleet_report *report, const char *what)
{
    for (size_t i = 0; i < report->measure_count; i++) {
        if (strcmp(report->measures[i].what, what) == 0) {
            return report->measures[i].value;
        }
    }
    print_error("nobody measures '%s'\n", what);
    return -1;
}

/* Three are one more than are judged as if each of them were alone. */
TEST(several_that_vanish_at_once_are_agreed_to_have_failed_in_time)
{
    for (uint64_t seed = 1; seed <= SEEDS_OF(8); seed++) {
        const struct mcpz_fleet_options options = {
            .story = MCPZ_FLEET_STORY_LOST,
            .node_count = 50,
            .seed = seed,
        };
        check_told(&options);
    }
}

/*
 * Ten of fifty get next to no processor, for a minute: as in tools/bench/membership, where the
 * bound is 2 and headers, which are most of what an idle node says, are counted too.
 */
TEST(who_starves_is_not_convicted_and_makes_little_talk)
{
    const uint64_t seeds = SEEDS_OF(12);
    double sum = 0;

    for (uint64_t seed = 1; seed <= seeds; seed++) {
        const struct mcpz_fleet_options options = {
            .story = MCPZ_FLEET_STORY_STARVE, .node_count = 50, .seed = seed, .minutes = 1};
        struct mcpz_fleet_report report;

        mcpz_fleet_tell(&options, &report);
        const double times = measured(&report, "traffic, times idle");
        CHECK_TEXT(report.violated, "");
        CHECK(measured(&report, "healthy nodes convicted by healthy ones") == 0);
        CHECK(times > 0);
        if (times > 1.8) {
            print_error("seed %u: %f\n", (unsigned)seed, times);
        }
        CHECK(times <= 1.8);
        CHECK(measured(&report, "live nodes convicted, starved ones included") == 0);
        sum += times;
    }
    print_message("%f times idle\n", sum / (double)seeds);
    CHECK(sum <= 1.5 * (double)seeds);
}

TEST(what_must_hold_holds_in_a_swarm_of_faults)
{
    check_story(MCPZ_FLEET_STORY_SWARM);
}

TEST(the_same_seed_gives_the_same_trace_and_another_another)
{
    const struct mcpz_fleet_report once = told(MCPZ_FLEET_STORY_SWARM, 2);
    const struct mcpz_fleet_report again = told(MCPZ_FLEET_STORY_SWARM, 2);
    const struct mcpz_fleet_report other = told(MCPZ_FLEET_STORY_SWARM, 3);

    CHECK(once.counters[MCPZ_FLEET_EVENTS] > 0);
    CHECK_UINT(again.hash, once.hash);
    CHECK(memcmp(again.counters, once.counters, sizeof(once.counters)) == 0);
    CHECK(other.hash != once.hash);
}

/* ---- The instrument itself ---------------------------------------------------------------- */

static struct mcpz_fleet *two(void)
{
    struct mcpz_fleet *fleet =
        mcpz_fleet_create(&(struct mcpz_fleet_config){.node_count = 2, .seed = 1});

    mcpz_fleet_start(fleet, 0);
    mcpz_fleet_start(fleet, 1);
    mcpz_fleet_run_until(fleet, MCPZ_SECONDS(10));
    return fleet;
}

/* What is expected of who is well is expected of no one else: 30 s from then on, not before. */
static bool is_well_after(struct mcpz_fleet *fleet, size_t node, unsigned seconds)
{
    mcpz_fleet_run_until(fleet, mcpz_fleet_now(fleet) + MCPZ_SECONDS(seconds));
    return mcpz_fleet_is_steady(fleet, &fleet->nodes[node]);
}

TEST(who_sent_badly_until_all_was_healed_is_not_well_at_once)
{
    struct mcpz_fleet *fleet = two();

    CHECK(is_well_after(fleet, 0, 50));
    mcpz_fleet_set_loss(fleet, 0, 800000);
    CHECK(!is_well_after(fleet, 0, 31));
    CHECK(is_well_after(fleet, 1, 0));
    mcpz_fleet_heal(fleet);
    CHECK(!is_well_after(fleet, 0, 29));
    CHECK(is_well_after(fleet, 0, 1));
    mcpz_fleet_destroy(fleet);
}

TEST(who_has_a_mute_link_is_not_well_as_long_as_it_has_it)
{
    struct mcpz_fleet *fleet = two();

    CHECK(is_well_after(fleet, 0, 50));
    mcpz_fleet_mute_link(fleet, 0);
    CHECK(!is_well_after(fleet, 0, 0));
    CHECK(!is_well_after(fleet, 0, 30)); /* it took a while to be given up */
    CHECK(is_well_after(fleet, 0, 30));
    CHECK_UINT(mcpz_fleet_counted(fleet, MCPZ_FLEET_MUTED), 1);

    mcpz_fleet_mute_link(fleet, 0);
    mcpz_fleet_heal(fleet);
    CHECK(!is_well_after(fleet, 0, 29));
    CHECK(is_well_after(fleet, 0, 1));
    mcpz_fleet_destroy(fleet);
}

TEST(a_view_that_goes_back_to_an_older_incarnation_is_wrong)
{
    char words[MCPZ_FLEET_WORDS_BYTES];
    struct mcpz_fleet *fleet = two();
    struct mcpz_member *row = &fleet->nodes[0].fabric->members.roster.rows[1];

    CHECK_UINT(row->incarnation, 1);
    CHECK(mcpz_fleet_is_safe(fleet, words));
    row->incarnation = 0;
    CHECK(!mcpz_fleet_is_safe(fleet, words));
    CHECK_TEXT(words, "past: node 0 held 1 in incarnation 1, and in 0 now");
    mcpz_fleet_kill(fleet, 0);
    mcpz_fleet_start(fleet, 0); /* it remembers nothing, and may be told what is old */
    CHECK(mcpz_fleet_is_safe(fleet, words));
    mcpz_fleet_destroy(fleet);
}

/* Rows of others than `lost`, who judges nobody, that are suspect for longer than `for_us`. */
static size_t undecided(const struct mcpz_fleet *fleet, size_t lost, mcpz_time for_us)
{
    size_t count = 0;

    for (size_t i = 0; i < mcpz_fleet_count(fleet); i++) {
        const struct mcpz_fabric *fabric = i != lost ? mcpz_fleet_fabric(fleet, i) : NULL;
        for (size_t j = 1; fabric != NULL && j < fabric->members.roster.count; j++) {
            const struct mcpz_member *row = &fabric->members.roster.rows[j];
            count += row->state == MCPZ_MEMBER_SUSPECT &&
                     row->since_us + for_us < mcpz_fleet_now(fleet);
        }
    }
    return count;
}

/* How somebody is lost that is in doubt already, and for good. */
enum loss { HEARS_NOBODY, IS_HEARD_BY_NOBODY, CUT_OFF, GONE, LOSSES_END };

static void lose_for_good(struct mcpz_fleet *fleet, enum loss loss, size_t lost)
{
    const bool speaks = loss == HEARS_NOBODY;

    if (loss == GONE) {
        mcpz_fleet_vanish(fleet, lost);
        return;
    }
    for (size_t i = 0; i < mcpz_fleet_count(fleet); i++) {
        mcpz_fleet_set_side(fleet, 0, i,
                            (i == lost) != speaks ? MCPZ_FLEET_SIDE_A : MCPZ_FLEET_SIDE_B);
    }
    mcpz_fleet_cut(fleet, 0, true, loss == CUT_OFF);
}

/* It stood still for a while, so some doubt it; then nobody can dial it any more. */
static void check_decided(uint64_t seed, enum loss loss, size_t nodes)
{
    struct mcpz_fleet *fleet = mcpz_fleet_create(
        &(struct mcpz_fleet_config){.node_count = nodes, .zone_size = nodes, .seed = seed});
    struct mcpz_rng lots;

    mcpz_rng_init(&lots, seed);
    for (size_t i = 0; i < nodes; i++) {
        mcpz_fleet_start(fleet, i);
        mcpz_fleet_run_until(fleet, mcpz_fleet_now(fleet) + MCPZ_MS(50));
    }
    mcpz_fleet_run_until(fleet, MCPZ_SECONDS(60));
    const size_t lost = mcpz_rng_below(&lots, (uint32_t)nodes);
    mcpz_fleet_pause(fleet, lost, MCPZ_MS(1000) + mcpz_rng_below(&lots, 12000000));
    mcpz_fleet_run_until(fleet, mcpz_fleet_now(fleet) + mcpz_rng_below(&lots, 14000000));
    lose_for_good(fleet, loss, lost);
    mcpz_fleet_run_until(fleet, mcpz_fleet_now(fleet) + MCPZ_SECONDS(600));
    CHECK_UINT(undecided(fleet, lost, MCPZ_SECONDS(120)), 0);
    CHECK_UINT(mcpz_fleet_believers(fleet, lost), 0);
    mcpz_fleet_destroy(fleet);
}

TEST(nobody_is_in_doubt_for_ever)
{
    for (uint64_t seed = 1; seed <= SEEDS_OF(6); seed++) {
        for (enum loss loss = 0; loss < LOSSES_END; loss++) {
            check_decided(seed, loss, 8 + 8 * (seed % 4));
        }
    }
}

/* Found out anew, where mcpz_fabric_deadline() goes by what it has kept in mind. */
static mcpz_time deadline_of(const struct mcpz_fabric *fabric)
{
    const bool is_alone = fabric->overlay.active_count == 0 && fabric->overlay.ask_count == 0 &&
                          !fabric->links.dials.leaving;
    const mcpz_time deadlines[] = {
        mcpz_links_deadline(&fabric->links),
        mcpz_overlay_deadline(&fabric->overlay),
        mcpz_xbot_deadline(&fabric->xbot, &fabric->overlay),
        mcpz_plumtree_deadline(&fabric->plumtree),
        mcpz_members_deadline(&fabric->members),
        is_alone ? fabric->rejoin_at_us : MCPZ_TIME_NEVER,
    };
    mcpz_time earliest_us = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(deadlines); i++) {
        earliest_us = mcpz_time_min(earliest_us, deadlines[i]);
    }
    return earliest_us;
}

static void disturb(struct mcpz_fleet *fleet, struct mcpz_rng *lots)
{
    const size_t node = mcpz_rng_below(lots, 32);
    const uint32_t lot = mcpz_rng_below(lots, 12);

    if (mcpz_fleet_fabric(fleet, node) == NULL) {
        mcpz_fleet_start(fleet, node);
    } else if (lot < 2) {
        mcpz_fleet_kill(fleet, node);
    } else if (lot == 2) {
        mcpz_fleet_vanish(fleet, node);
    } else if (lot == 3) {
        mcpz_fleet_leave(fleet, node);
    } else if (lot < 6 && !mcpz_fleet_is_paused(fleet, node)) {
        mcpz_fleet_pause(fleet, node, MCPZ_SECONDS(5));
    } else if (lot < 9) {
        mcpz_fleet_break_link(fleet, node);
    } else {
        mcpz_fleet_broadcast(fleet, node);
    }
}

TEST(a_node_wakes_when_the_first_of_its_machines_wants_to)
{
    struct mcpz_fleet *fleet = mcpz_fleet_create(
        &(struct mcpz_fleet_config){.node_count = 32, .zone_size = 16, .seed = 5});
    struct mcpz_rng lots;
    size_t alone = 0;

    mcpz_rng_init(&lots, 5);
    for (size_t turn = 0; turn < 6000; turn++) {
        if (turn % 8 == 0) {
            disturb(fleet, &lots);
        }
        mcpz_fleet_run_until(fleet, mcpz_fleet_now(fleet) + MCPZ_MS(25));
        for (size_t i = 0; i < 32; i++) {
            const struct mcpz_fabric *fabric = mcpz_fleet_fabric(fleet, i);
            if (fabric != NULL) {
                CHECK_UINT(mcpz_fabric_deadline(fabric), deadline_of(fabric));
                alone += fabric->overlay.active_count == 0;
            }
        }
    }
    CHECK(alone > 0);
    mcpz_fleet_destroy(fleet);
}

TEST(a_view_that_lacks_somebody_or_holds_who_is_gone_is_wrong)
{
    char words[MCPZ_FLEET_WORDS_BYTES];
    struct mcpz_fleet *fleet = two();

    CHECK_UINT(mcpz_fleet_wrong_views(fleet, 2), 0);
    CHECK(mcpz_fleet_agrees(fleet));
    CHECK_UINT(mcpz_fleet_parts(fleet), 1);
    CHECK_UINT(mcpz_fleet_one_sided(fleet), 0);
    mcpz_fleet_kill(fleet, 1);
    CHECK_UINT(mcpz_fleet_wrong_views(fleet, 2), 1);
    CHECK(!mcpz_fleet_agrees(fleet));
    CHECK(mcpz_fleet_one_sided(fleet) > 0);
    mcpz_fleet_describe_wrong(fleet, words);
    CHECK(strstr(words, "node 0 holds 1 for alive in incarnation 1") != NULL);
    mcpz_fleet_start(fleet, 1);
    CHECK_UINT(mcpz_fleet_wrong_views(fleet, 2), 2);
    CHECK_UINT(mcpz_fleet_parts(fleet), 1); /* node 0 has not noticed */
    mcpz_fleet_destroy(fleet);
}

TEST(nothing_is_lost_in_a_short_cut_and_a_vanished_node_is_noticed)
{
    struct mcpz_fleet *fleet = two();

    mcpz_fleet_set_side(fleet, 0, 0, MCPZ_FLEET_SIDE_A);
    mcpz_fleet_set_side(fleet, 0, 1, MCPZ_FLEET_SIDE_B);
    mcpz_fleet_cut(fleet, 0, true, true);
    while (mcpz_fleet_counted(fleet, MCPZ_FLEET_HELD) == 0) {
        CHECK(mcpz_fleet_now(fleet) < MCPZ_SECONDS(20));
        mcpz_fleet_run_until(fleet, mcpz_fleet_now(fleet) + MCPZ_MS(100));
    }
    mcpz_fleet_cut(fleet, 0, false, true);
    mcpz_fleet_run_until(fleet, MCPZ_SECONDS(40));
    CHECK_UINT(mcpz_fleet_wrong_views(fleet, 2), 0);
    CHECK_UINT(mcpz_fleet_counted(fleet, MCPZ_FLEET_CONVICTED_LIVE), 0);

    mcpz_fleet_vanish(fleet, 1);
    mcpz_fleet_run_until(fleet, MCPZ_SECONDS(41));
    CHECK_UINT(mcpz_fleet_wrong_views(fleet, 2), 1); /* nobody has told node 0 */
    mcpz_fleet_run_until(fleet, MCPZ_SECONDS(120));
    CHECK_UINT(mcpz_fleet_wrong_views(fleet, 2), 0);
    CHECK(mcpz_fleet_counted(fleet, MCPZ_FLEET_WENT_SILENT) > 0);
    CHECK(mcpz_fleet_counted(fleet, MCPZ_FLEET_DIALS_UNANSWERED) > 0);
    CHECK_UINT(mcpz_fleet_counted(fleet, MCPZ_FLEET_BURIED_LIVE), 0);
    mcpz_fleet_destroy(fleet);
}

TEST(a_broadcast_has_reached_nobody_before_it_arrives)
{
    struct mcpz_fleet *fleet = two();

    for (size_t i = 0; i < 2; i++) {
        mcpz_fleet_broadcast(fleet, i);
        CHECK_UINT(mcpz_fleet_untold(fleet), 1);
        mcpz_fleet_run_until(fleet, mcpz_fleet_now(fleet) + MCPZ_SECONDS(5));
        CHECK_UINT(mcpz_fleet_untold(fleet), 0);
    }
    mcpz_fleet_kill(fleet, 1);
    mcpz_fleet_broadcast(fleet, 0);
    CHECK_UINT(mcpz_fleet_untold(fleet), 0);
    mcpz_fleet_start(fleet, 1);
    CHECK_UINT(mcpz_fleet_untold(fleet), 1);
    mcpz_fleet_destroy(fleet);
}

TEST(a_node_that_pauses_takes_in_what_came)
{
    struct mcpz_fleet *fleet = two();
    const uint32_t before = mcpz_fleet_fabric(fleet, 1)->links.links[0].heard_seq;

    mcpz_fleet_pause(fleet, 1, MCPZ_SECONDS(5));
    mcpz_fleet_run_until(fleet, MCPZ_SECONDS(15) - 1);
    CHECK_UINT(mcpz_fleet_fabric(fleet, 1)->links.links[0].heard_seq, before);
    mcpz_fleet_run_until(fleet, MCPZ_SECONDS(15));
    CHECK(mcpz_fleet_fabric(fleet, 1)->links.links[0].heard_seq > before);
    mcpz_fleet_destroy(fleet);
}

/* What node 0 came to hold node 1 for. */
struct seen {
    enum mcpz_fact_kind last;
    size_t deaths;
};

static void look(void *context, size_t viewer, size_t about, const struct mcpz_fact *fact)
{
    struct seen *seen = context;

    CHECK_UINT(viewer, 0);
    CHECK_UINT(about, 1);
    seen->last = fact->kind;
    seen->deaths += fact->kind == MCPZ_FACT_DEAD;
}

TEST(who_watches_is_shown_what_views_come_to_hold)
{
    struct mcpz_fleet *fleet = two();
    struct seen seen = {0};

    mcpz_fleet_watch(fleet, look, &seen);
    mcpz_fleet_kill(fleet, 1);
    mcpz_fleet_run_until(fleet, MCPZ_SECONDS(120));
    CHECK_UINT(seen.last, MCPZ_FACT_DEAD);
    CHECK_UINT(seen.deaths, 1);
    mcpz_fleet_watch(fleet, NULL, NULL);
    mcpz_fleet_start(fleet, 1);
    mcpz_fleet_run_until(fleet, MCPZ_SECONDS(130));
    CHECK_UINT(mcpz_fleet_wrong_views(fleet, 2), 0);
    CHECK_UINT(seen.last, MCPZ_FACT_DEAD); /* nobody looked */
    mcpz_fleet_destroy(fleet);
}

TEST(a_node_of_ten_thousand_is_small)
{
    struct mcpz_fleet *fleet =
        mcpz_fleet_create(&(struct mcpz_fleet_config){.node_count = 10000, .zone_size = 64});

    CHECK(mcpz_fleet_bytes_per_node(fleet) <= 19968); /* and 512 for links and what travels */
    mcpz_fleet_destroy(fleet);
}

/* A branch that no story reaches is one that none of them tests: `mcpz-sim storms --fleet`. */
TEST(every_branch_of_interest_comes_about_in_some_story)
{
    static struct mcpz_fleet_report report;
    uint64_t sometimes[MCPZ_FLEET_SOMETIMES_END] = {0};

    for (enum mcpz_fleet_story story = 0; story < MCPZ_FLEET_STORIES_END; story++) {
        mcpz_fleet_tell(
            &(struct mcpz_fleet_options){
                .story = story, .node_count = 128, .zone_size = 32, .seed = 1, .minutes = 2},
            &report);
        CHECK_TEXT(report.violated, "");
        for (size_t i = 0; i < MCPZ_FLEET_SOMETIMES_END; i++) {
            sometimes[i] += report.sometimes[i];
        }
    }
    for (enum mcpz_fleet_sometimes i = 0; i < MCPZ_FLEET_SOMETIMES_END; i++) {
        if (sometimes[i] == 0) {
            print_error("%s: never\n", mcpz_fleet_sometimes_words[i].word);
        }
        /* Eight asks at once do not come about by themselves: tests/unit/core/test_overlay.c. */
        CHECK(sometimes[i] > 0 || i == MCPZ_FLEET_SOMETIMES_ASKS_FULL);
    }
}

TEST_MAIN(RUN(who_joins_agrees), RUN(a_crash_is_agreed_on_and_so_is_a_return),
          RUN(who_stops_is_agreed_to_have_failed_in_time), RUN(what_was_cut_finds_itself_again),
          RUN(who_lost_everybody_finds_them_by_contacts_that_come_last),
          RUN(a_handful_that_found_each_other_finds_the_others_of_its_zone),
          RUN(nobody_who_pauses_is_convicted),
          RUN(several_that_vanish_at_once_are_agreed_to_have_failed_in_time),
          RUN(who_starves_is_not_convicted_and_makes_little_talk),
          RUN(what_must_hold_holds_in_a_swarm_of_faults),
          RUN(the_same_seed_gives_the_same_trace_and_another_another),
          RUN(who_sent_badly_until_all_was_healed_is_not_well_at_once),
          RUN(who_has_a_mute_link_is_not_well_as_long_as_it_has_it),
          RUN(a_view_that_goes_back_to_an_older_incarnation_is_wrong),
          RUN(nobody_is_in_doubt_for_ever),
          RUN(a_node_wakes_when_the_first_of_its_machines_wants_to),
          RUN(a_view_that_lacks_somebody_or_holds_who_is_gone_is_wrong),
          RUN(nothing_is_lost_in_a_short_cut_and_a_vanished_node_is_noticed),
          RUN(a_broadcast_has_reached_nobody_before_it_arrives),
          RUN(a_node_that_pauses_takes_in_what_came),
          RUN(who_watches_is_shown_what_views_come_to_hold), RUN(a_node_of_ten_thousand_is_small),
          RUN(every_branch_of_interest_comes_about_in_some_story))
