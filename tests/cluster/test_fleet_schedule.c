/* Schedules of fleets: taken down, read, played again, made small. */

#include <stdlib.h>

#include "schedules.h"
#include "sim/fleet_schedule.h"
#include "test.h"

static const char every_verb[] = "mcpz-schedule 1 fleet=32 zone=16 ids=33 seed=7 end_ms=60000\n"
                                 "0 spare 3\n"
                                 "0 kill 3\n"
                                 "0 failed 3 30000\n"
                                 "1000 vanish 4\n"
                                 "2000 start 3\n"
                                 "2000 agree 40000\n"
                                 "3000 leave 5\n"
                                 "3100 kill 5\n"
                                 "3200 replace 5\n"
                                 "3300 start 5\n"
                                 "4000 pause 6 900\n"
                                 "5000 break 7\n"
                                 "6000 mute 8\n"
                                 "7000 loss 0 15 20000\n"
                                 "8000 side 0 0 3 1\n"
                                 "8000 side 0 4 31 2\n"
                                 "8000 cut 0 1\n"
                                 "9000 heal 0\n"
                                 "9000 whole 60000\n";

TEST(what_is_printed_reads_the_same)
{
    bool seen[MCPZ_FLEET_VERB_END] = {false};
    struct mcpz_schedule schedule = parsed(every_verb);
    char *text = printed(&schedule);

    for (size_t i = 0; i < schedule.line_count; i++) {
        seen[schedule.lines[i].verb] = true;
    }
    for (size_t i = 0; i < MCPZ_FLEET_VERB_END; i++) {
        CHECK(seen[i]);
    }
    CHECK_TEXT(text, every_verb);
    free(text);
    mcpz_schedule_finish(&schedule);
}

#define HEAD "mcpz-schedule 1 fleet=32 zone=16 ids=32 seed=7 end_ms=9\n"

TEST(what_is_not_a_schedule_of_a_fleet_is_refused_with_its_line)
{
    check_refused("mcpz-schedule 1 fleet=0 zone=0 ids=0 seed=1 end_ms=1\n", 1);
    check_refused("mcpz-schedule 1 fleet=100001 zone=64 ids=100001 seed=1 end_ms=1\n", 1);
    check_refused("mcpz-schedule 1 fleet=1001 zone=0 ids=1001 seed=1 end_ms=1\n", 1);
    check_refused("mcpz-schedule 1 fleet=8 zone=9 ids=8 seed=1 end_ms=1\n", 1);
    check_refused("mcpz-schedule 1 fleet=8 zone=4 ids=7 seed=1 end_ms=1\n", 1);
    check_refused("mcpz-schedule 1 fleet=8 zone=4 seed=1 end_ms=1\n", 1);
    check_refused("mcpz-schedule 1 fleet=8 nodes=8 zone=4 ids=8 seed=1 end_ms=1\n", 1);
    check_refused(HEAD "1 task 1 5\n", 2); /* whole nodes have that */
    check_refused(HEAD "1 kill 32\n", 2);
    check_refused(HEAD "1 side 8 0 1 1\n", 2);
    check_refused(HEAD "1 side 0 0 1 4\n", 2);
    check_refused(HEAD "1 cut 0 2\n", 2);
    check_refused(HEAD "1 loss 0 1 1000001\n", 2);
    check_refused("mcpz-schedule 1 nodes=5 seed=1 end_ms=9\n1 vanish 1\n",
                  2); /* and fleets this */
}

TEST(every_verb_can_be_played)
{
    struct mcpz_schedule schedule = parsed(every_verb);
    struct mcpz_fleet_report report;

    mcpz_fleet_play(&schedule, NULL, &report);
    CHECK_TEXT(report.violated, "");
    CHECK_UINT(report.counters[MCPZ_FLEET_KILLED], 2);
    CHECK_UINT(report.counters[MCPZ_FLEET_VANISHED], 1);
    CHECK_UINT(report.counters[MCPZ_FLEET_STARTED], 32 + 3);
    CHECK_UINT(report.counters[MCPZ_FLEET_PAUSED], 1);
    CHECK_UINT(report.counters[MCPZ_FLEET_BROKEN], 1);
    CHECK_UINT(report.counters[MCPZ_FLEET_MUTED], 1);
    CHECK_UINT(report.counters[MCPZ_FLEET_CUTS], 1);
    CHECK(report.counters[MCPZ_FLEET_RETRANSMITTED] > 0);
    mcpz_schedule_finish(&schedule);
}

TEST(lines_out_of_place_do_nothing)
{
    struct mcpz_schedule schedule = parsed(HEAD "1 start 1\n"
                                                "1 replace 1\n"
                                                "2 kill 1\n"
                                                "3 kill 1\n"
                                                "3 vanish 1\n"
                                                "3 leave 1\n"
                                                "3 pause 1 5\n"
                                                "3 break 1\n"
                                                "3 mute 1\n"
                                                "4 replace 1\n" /* there is no other id */
                                                "5 heal 3\n");
    struct mcpz_fleet_report report;

    mcpz_fleet_play(&schedule, NULL, &report);
    CHECK_TEXT(report.violated, "");
    CHECK_UINT(report.counters[MCPZ_FLEET_KILLED], 1);
    CHECK_UINT(report.counters[MCPZ_FLEET_PAUSED], 0);
    mcpz_schedule_finish(&schedule);
}

/* What a story does, taken down. */
static struct mcpz_schedule told(enum mcpz_fleet_story story, struct mcpz_fleet_report *report)
{
    struct mcpz_schedule schedule;

    mcpz_schedule_init(&schedule);
    mcpz_fleet_tell(&(struct mcpz_fleet_options){.story = story,
                                                 .node_count = 64,
                                                 .zone_size = 32,
                                                 .seed = 5,
                                                 .minutes = 1,
                                                 .schedule = &schedule},
                    report);
    return schedule;
}

TEST(what_a_story_did_read_and_played_gives_the_same_trace)
{
    for (enum mcpz_fleet_story story = 0; story < MCPZ_FLEET_STORIES_END; story++) {
        struct mcpz_fleet_report once;
        struct mcpz_fleet_report again;
        struct mcpz_schedule schedule = told(story, &once);
        char *text = printed(&schedule);
        struct mcpz_schedule read = parsed(text);

        mcpz_fleet_play(&read, NULL, &again);
        CHECK_TEXT(again.violated, "");
        CHECK_UINT(again.hash, once.hash);
        CHECK_UINT(again.virtual_ms, once.virtual_ms);
        free(text);
        mcpz_schedule_finish(&schedule);
        mcpz_schedule_finish(&read);
    }
}

/* Put a line where its time says. */
static void plant(struct mcpz_schedule *schedule, const struct mcpz_schedule_line *line)
{
    CHECK_UINT(mcpz_schedule_add(schedule, line), MCPZ_OK);
    mcpz_schedule_sort(schedule);
}

TEST(a_bound_that_nobody_can_keep_shrinks_to_what_breaks_it)
{
    struct mcpz_fleet_report report;
    struct mcpz_schedule schedule = told(MCPZ_FLEET_STORY_SWARM, &report);
    size_t kill = SIZE_MAX;

    CHECK_TEXT(report.violated, "");
    CHECK(schedule.line_count > 20);
    for (size_t i = 0; i < schedule.line_count && kill == SIZE_MAX; i++) {
        kill = schedule.lines[i].verb == MCPZ_FLEET_VERB_KILL ? i : SIZE_MAX;
    }
    CHECK(kill != SIZE_MAX);
    const struct mcpz_schedule_line at_once = {
        .at_ms = schedule.lines[kill].at_ms, .verb = MCPZ_FLEET_VERB_AGREE, .arguments = {10}};
    plant(&schedule, &at_once);
    mcpz_fleet_play(&schedule, NULL, &report);
    CHECK_TEXT(report.violated, "bound: a view is not correct, ms after it had to become so: 10");
    CHECK(mcpz_fleet_shrink(&schedule) > 1);
    CHECK_UINT(schedule.line_count, 2);
    CHECK_UINT(schedule.lines[1].verb, MCPZ_FLEET_VERB_AGREE);
    /* When that was seen depends on when the views were looked at. */
    CHECK(schedule.end_ms > schedule.lines[1].at_ms);
    CHECK(schedule.end_ms <= schedule.lines[1].at_ms + 1000);
    mcpz_fleet_play(&schedule, NULL, &report);
    CHECK_TEXT(report.violated, "bound: a view is not correct, ms after it had to become so: 10");
    mcpz_schedule_finish(&schedule);
}

TEST(each_bound_can_be_missed)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {HEAD "1 pause 3 40000\n2 failed 3 250\n",
         "bound: somebody believes in who has failed, ms after it did: 250"},
        {"mcpz-schedule 1 fleet=32 zone=16 ids=32 seed=7 end_ms=60000\n"
         "1 spare 0\n1 pause 3 60000\n",
         "bound: live nodes convicted, more than 0"},
        {"mcpz-schedule 1 fleet=32 zone=16 ids=32 seed=7 end_ms=40000\n"
         "1 side 0 0 15 1\n1 side 0 16 31 2\n1 cut 0 1\n39000 whole 250\n",
         "bound: it does not hang together, ms after it had to begin to: 250"},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        struct mcpz_schedule schedule = parsed(cases[i].text);
        struct mcpz_fleet_report report;
        mcpz_fleet_play(&schedule, NULL, &report);
        CHECK_TEXT(report.violated, cases[i].words);
        mcpz_schedule_finish(&schedule);
    }
}

TEST(a_schedule_that_violates_nothing_is_left_as_it_is)
{
    struct mcpz_schedule schedule = parsed(HEAD "1 kill 1\n2 start 1\n");

    CHECK_UINT(mcpz_fleet_shrink(&schedule), 0);
    CHECK_UINT(schedule.line_count, 2);
    mcpz_schedule_finish(&schedule);
}

TEST_MAIN(RUN(what_is_printed_reads_the_same),
          RUN(what_is_not_a_schedule_of_a_fleet_is_refused_with_its_line),
          RUN(every_verb_can_be_played), RUN(lines_out_of_place_do_nothing),
          RUN(what_a_story_did_read_and_played_gives_the_same_trace),
          RUN(a_bound_that_nobody_can_keep_shrinks_to_what_breaks_it),
          RUN(each_bound_can_be_missed), RUN(a_schedule_that_violates_nothing_is_left_as_it_is))
