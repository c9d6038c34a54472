/* Schedules, the checks they are held against, and how a failing one is made small. */

#include "meshes.h"
#include "schedules.h"
#include "sim/storm.h"
#include "sim/swarm.h"

static const char every_verb[] = "mcpz-schedule 1 nodes=5 seed=42 end_ms=30000\n"
                                 "0 create 0 0\n"
                                 "0 provide 1\n"
                                 "2010 kill 3\n"
                                 "4020 start 3\n"
                                 "4030 cut 0 1\n"
                                 "6040 heal 0 1\n"
                                 "7050 split 3\n"
                                 "9060 mend\n"
                                 "9070 pause 2 1000\n"
                                 "9080 disk 1 50\n"
                                 "9090 fill 1\n"
                                 "9100 free 1\n"
                                 "9110 slow 0 4 300\n"
                                 "9120 task 0 5000\n"
                                 "9130 delete 0 3\n"
                                 "9140 set 0 0 1 7\n"
                                 "9150 unset 0 0 1\n"
                                 "9160 add 0 0 1 7\n"
                                 "9170 remove 0 0 1 7\n"
                                 "9180 count 0 0 1 7\n"
                                 "9190 tear 2 1\n"
                                 "9200 submit 0 7\n"
                                 "9210 crowd 0 20\n"
                                 "9220 back_up 2\n"
                                 "9230 ahead 1 86400\n"
                                 "9240 behind 3 7200\n"
                                 "9250 layout 15\n"
                                 "9260 quorum 4\n"
                                 "20000 restore 2\n"
                                 "25000 setback 2\n"
                                 "27000 revoke 4\n";

static struct mcpz_schedule drawn(size_t node_count, uint64_t seed)
{
    struct mcpz_schedule schedule;

    mcpz_schedule_init(&schedule);
    mcpz_swarm_draw(&schedule, node_count, 1, seed, true);
    return schedule;
}

TEST(what_is_printed_reads_the_same)
{
    struct mcpz_schedule schedule = parsed(every_verb);
    char *text = printed(&schedule);

    CHECK_UINT(schedule.line_count, MCPZ_VERB_END);
    CHECK_TEXT(text, every_verb);
    free(text);
    mcpz_schedule_finish(&schedule);
}

TEST(what_is_not_a_schedule_is_refused_with_its_line)
{
    check_refused("", 1);
    check_refused("mcpz-schedule 2 nodes=5 seed=1 end_ms=1\n", 1);
    check_refused("mcpz-schedule 1 nodes=0 seed=1 end_ms=1\n", 1);
    check_refused("mcpz-schedule 1 nodes=65 seed=1 end_ms=1\n", 1);
    check_refused("mcpz-schedule 1 nodes=5 seed=18446744073709551616 end_ms=1\n", 1);
    check_refused("mcpz-schedule 1 nodes=5 seed=1 end_ms=86400001\n", 1);
    check_refused("mcpz-schedule 1 nodes=5 seed=1 end_ms=1 more\n", 1);
    check_refused("mcpz-schedule 1 nodes=5 seed=1 end_ms=1\n5 jump 1\n", 2);
    check_refused("mcpz-schedule 1 nodes=5 seed=1 end_ms=1\n\n5 kill 5\n", 3);
    check_refused("mcpz-schedule 1 nodes=5 seed=1 end_ms=1\n5 kill\n", 2);
    check_refused("mcpz-schedule 1 nodes=5 seed=1 end_ms=1\n5 mend 1\n", 2);
    check_refused("mcpz-schedule 1 nodes=5 seed=1 end_ms=1\n5 split 32\n", 2);
    check_refused("mcpz-schedule 1 nodes=5 seed=1 end_ms=1\n5 pause 1 3600001\n", 2);
    check_refused("mcpz-schedule 1 nodes=5 seed=1 end_ms=1\n5 create 1 4\n", 2);
    check_refused("mcpz-schedule 1 nodes=5 seed=1 end_ms=1\n5 set 1 1 8 1\n", 2);
    check_refused("mcpz-schedule 1 nodes=5 seed=1 end_ms=1\n5 kill 1\n4 kill 1\n", 3);
}

TEST(a_schedule_is_full_when_it_is_full)
{
    struct mcpz_schedule schedule;
    struct mcpz_schedule_line line = {.verb = MCPZ_VERB_MEND};

    mcpz_schedule_init(&schedule);
    for (size_t i = 0; i < MCPZ_SCHEDULE_LINES_MAX; i++) {
        CHECK_UINT(mcpz_schedule_add(&schedule, &line), MCPZ_OK);
    }
    CHECK_UINT(mcpz_schedule_add(&schedule, &line), MCPZ_EFULL);
    mcpz_schedule_finish(&schedule);
}

static void check_well(const struct mcpz_schedule *schedule, struct mcpz_storm_report *report)
{
    mcpz_storm_run(schedule, NULL, report);
    if (report->violated != MCPZ_INVARIANT_NONE) {
        char *text = printed(schedule);
        print_error("%zu nodes, seed %" PRIu64 ": %s at %" PRIu64 " ms: %s\n%s",
                    schedule->node_count, schedule->seed, mcpz_invariant_word(report->violated),
                    report->violated_ms, report->words, text);
        free(text);
    }
    CHECK_UINT(report->violated, MCPZ_INVARIANT_NONE);
}

TEST(every_verb_can_be_run)
{
    struct mcpz_schedule schedule = parsed(every_verb);
    struct mcpz_storm_report report;

    check_well(&schedule, &report);
    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_RESTARTED], 2);
    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_PAUSED], 1);
    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_TASK_OK], 1);
    mcpz_schedule_finish(&schedule);
}

/* What came about in a schedule in which all that must hold holds. */
static struct mcpz_storm_report seen_well(const char *text)
{
    struct mcpz_schedule schedule = parsed(text);
    struct mcpz_storm_report report;

    check_well(&schedule, &report);
    mcpz_schedule_finish(&schedule);
    return report;
}

/* Found by seed 19, shrunk: a restart forgot what a refutation had raised. */
TEST(an_incarnation_that_was_raised_outlives_a_restart)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=6 seed=19 end_ms=22271\n"
                  "12497 split 40\n"
                  "20463 mend\n"
                  "22144 kill 2\n"
                  "22270 start 2\n");

    CHECK(report.sometimes[MCPZ_SOMETIMES_REFUTED] > 0);
}

/* Found by seed 70085: who was set back heard how far it had come, said one above, and was killed
 * before that was on its slow disk. */
TEST(an_incarnation_is_on_the_disk_before_it_is_said)
{
    (void)seen_well("mcpz-schedule 1 nodes=6 seed=70085 end_ms=85252\n"
                    "63824 back_up 5\n"
                    "68169 kill 5\n"
                    "68341 start 5\n"
                    "72418 kill 5\n"
                    "72543 start 5\n"
                    "76636 restore 5\n"
                    "81307 disk 5 4993\n"
                    "81786 start 5\n"
                    "85137 kill 5\n"
                    "85251 start 5\n");
}

/* Found by seed 261, shrunk to nothing: of several neighbours that differ each took the others'
 * place in mind, and none was ever asked. */
TEST(several_neighbours_that_differ_come_to_agree)
{
    (void)seen_well("mcpz-schedule 1 nodes=6 seed=261 end_ms=120000\n");
}

/* What storms of a minute need not reach: connections here take all that is sent, and a link that
 * says nothing is given up long before its lanes would be full (test_admission.c fills one); who
 * was away has seldom anything left that was forgotten (test_stale.c); what becomes of durable
 * tasks is looked at in test_tasks.c. */
static bool may_be_missed(enum mcpz_sometimes what)
{
    return what == MCPZ_SOMETIMES_LINK_SLOW || what == MCPZ_SOMETIMES_SET_ASIDE ||
           what >= MCPZ_SOMETIMES_DURABLE_TAKEN;
}

static bool is_any_missed(const uint64_t *sometimes)
{
    for (enum mcpz_sometimes what = 0; what < MCPZ_SOMETIMES_END; what++) {
        if (sometimes[what] == 0 && !may_be_missed(what)) {
            return true;
        }
    }
    return false;
}

/* What is rare, and did not come about by chance, has some seeds more. */
TEST(what_must_hold_holds_in_any_storm_and_every_branch_of_interest_comes_about)
{
    uint64_t sometimes[MCPZ_SOMETIMES_END] = {0};

    for (uint64_t seed = 1;
         seed <= SEEDS_OF(40) || (SEEDS_OF(40) == 40 && seed <= 80 && is_any_missed(sometimes));
         seed++) {
        struct mcpz_schedule schedule = drawn(5 + seed % 4, seed);
        struct mcpz_storm_report report;
        check_well(&schedule, &report);
        for (size_t i = 0; i < MCPZ_SOMETIMES_END; i++) {
            sometimes[i] += report.sometimes[i];
        }
        mcpz_schedule_finish(&schedule);
    }
    for (enum mcpz_sometimes what = 0; what < MCPZ_SOMETIMES_END; what++) {
        if (sometimes[what] == 0) {
            print_error("%s: never\n", mcpz_sometimes_words[what].word);
        }
        CHECK(sometimes[what] > 0 || may_be_missed(what) || SEEDS_OF(40) < 40);
    }
}

/* Found by seed 45 of `mcpz-sim storms`, shrunk: owner and provider are both behind NAT, and whom
 * nobody could dial was not asked. */
TEST(a_durable_task_with_a_key_goes_through_others)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=6 seed=45 end_ms=30000\n"
                  "0 provide 4\n"
                  "25593 submit 2 7\n");

    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_DURABLE_DONE], 1);
    CHECK(report.sometimes[MCPZ_SOMETIMES_RELAYED] > 0);
}

/* Found by seed 55 of `mcpz-sim storms`, shrunk: the name of a write was given out twice. */
TEST(who_was_set_back_writes_as_another)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=6 seed=55 end_ms=60000\n"
                  "0 create 0 1\n"
                  "22966 back_up 4\n"
                  "23736 set 4 1 4 91\n"
                  "34760 restore 4\n"
                  "34882 start 4\n"
                  "34907 add 4 1 5 12\n"
                  "59000 add 4 1 5 13\n");

    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_ANOTHER_LIFE], 1);
}

/* With cuts, full disks, kills, and layouts that change meanwhile. */
TEST(fifty_nodes_come_to_agree_as_well)
{
    struct mcpz_schedule schedule = drawn(SEEDS_OF(50), 11);
    struct mcpz_storm_report report;

    check_well(&schedule, &report);
    CHECK(report.sometimes[MCPZ_SOMETIMES_WRITE_OK] > 0);
    mcpz_schedule_finish(&schedule);
}

/* Found by seed 47, shrunk: who let go of a document and was its owner again wrote to it under the
 * name of what it had written before, and all of that was void. */
TEST(who_let_go_of_a_document_writes_to_it_under_another_name)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=6 seed=47 end_ms=95724\n"
                  "44505 create 2 0\n"
                  "52222 split 42\n"
                  "64966 layout 54\n"
                  "74987 count 2 0 2 23\n"
                  "78319 mend\n"
                  "91338 layout 38\n"
                  "91684 split 50\n"
                  "95723 create 2 0\n");

    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_LAID_OUT], 2);
}

/* Found by seed 44, shrunk: a source that was out of reach was asked ever more seldom, and a link
 * to it was closed each time before it was. */
TEST(a_source_that_is_back_is_asked_as_soon_as_there_is_a_link)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=6 seed=44 end_ms=115050\n"
                  "71651 disk 3 3568\n"
                  "79783 create 3 1\n"
                  "80371 split 44\n"
                  "112211 layout 14\n"
                  "113298 layout 43\n"
                  "115049 crowd 1 139\n");

    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_LAID_OUT], 2);
}

/* Found by seed 2028, shrunk: that it was doubted got lost, and a suspect behind NAT, which nobody
 * can dial, was not asked again. Its clock being wrong, it had closed a link. */
TEST(a_suspect_behind_nat_does_not_stay_one)
{
    (void)seen_well("mcpz-schedule 1 nodes=6 seed=2028 end_ms=120000\n"
                    "33197 kill 3\n"
                    "41066 start 3\n"
                    "42946 tear 1 16\n"
                    "49921 behind 2 12727\n"
                    "51261 tear 3 1\n"
                    "54221 start 3\n");
}

/* Found by seed 235, shrunk: who was set back to a disk with as many layouts as can be live had no
 * room for the one that all had come to meanwhile. */
TEST(who_was_set_back_comes_to_the_layout_of_the_others)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=6 seed=235 end_ms=94039\n"
                  "0 create 5 2\n"
                  "10167 layout 58\n"
                  "66032 pause 2 4169\n"
                  "67333 layout 14\n"
                  "71465 pause 4 10644\n"
                  "73118 layout 52\n"
                  "73891 layout 53\n"
                  "76478 back_up 5\n"
                  "88694 layout 49\n"
                  "94038 restore 5\n");

    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_LAID_OUT], 5);
}

/* Found by seed 11, shrunk: one that was away had what the others had forgotten. Who came over to
 * a layout waited for that, and it was not looked through before all had. */
TEST(what_may_have_been_forgotten_holds_up_no_layout)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=6 seed=11 end_ms=120000\n"
                  "0 create 2 3\n"
                  "4943 add 0 3 6 2\n"
                  "10816 count 5 3 3 79\n"
                  "14737 delete 3 3\n"
                  "17692 pause 2 43713\n"
                  "48656 split 21\n"
                  "51044 layout 27\n");

    CHECK(report.sometimes[MCPZ_SOMETIMES_SET_ASIDE] > 0);
}

/* Found by seed 6197, shrunk: a clock was hours ahead while it wrote, and the rest went on without
 * it. What it took along when it began anew with their base was refused as being of the future. */
TEST(who_begins_anew_keeps_what_a_clock_ahead_has_stamped)
{
    (void)seen_well("mcpz-schedule 1 nodes=6 seed=6197 end_ms=120000\n"
                    "4949 create 0 2\n"
                    "11057 ahead 0 13934\n"
                    "11120 add 0 2 4 16\n"
                    "11243 ahead 0 0\n"
                    "11634 count 0 2 7 11\n"
                    "11867 add 4 2 5 18\n"
                    "12903 pause 0 52815\n"
                    "18895 add 4 2 7 30\n"
                    "47032 add 2 2 0 79\n");
}

/* Found by seed 11 as well: what was signed of it was held against what it was made anew as. */
TEST(what_was_forgotten_and_made_anew_is_no_other_state_of_it)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=6 seed=11 end_ms=74434\n"
                  "0 create 2 3\n"
                  "4943 add 0 3 6 2\n"
                  "10816 count 5 3 3 79\n"
                  "14737 delete 3 3\n"
                  "17692 pause 2 43713\n"
                  "46909 create 3 3\n"
                  "48849 pause 3 21276\n"
                  "51044 layout 27\n"
                  "61049 count 4 3 0 17\n"
                  "65199 count 4 3 3 31\n"
                  "74433 add 1 3 3 10\n");

    CHECK(report.sometimes[MCPZ_SOMETIMES_FORGOTTEN] > 0);
}

/* Found by seed 30555, shrunk: halves that were apart for longer than the grace each folded what
 * they held, as each missed one of the other three, which has no address. */
TEST(no_half_of_a_mesh_folds_without_the_other)
{
    (void)seen_well("mcpz-schedule 1 nodes=6 seed=30555 end_ms=78714\n"
                    "34088 create 3 1\n"
                    "35470 set 2 1 6 29\n"
                    "35698 count 5 1 7 20\n"
                    "36926 split 35\n"
                    "50079 add 3 1 0 20\n"
                    "51917 add 0 1 5 22\n");
}

/* Found by seed 34430, shrunk: two owners folded without the third, and were gone when it came
 * back. With those of the next layouts it was most of all owners, but not of those in the first.
 */
TEST(most_owners_in_each_layout_fold_together_or_none)
{
    (void)seen_well("mcpz-schedule 1 nodes=6 seed=34430 end_ms=98093\n"
                    "11695 create 0 2\n"
                    "12874 add 5 2 5 7\n"
                    "25958 layout 43\n"
                    "27873 set 4 2 2 78\n"
                    "43043 set 0 2 5 34\n"
                    "45819 add 4 2 6 29\n"
                    "46874 add 5 2 1 31\n"
                    "47154 add 5 2 5 32\n"
                    "48344 tear 0 20\n"
                    "62009 count 3 2 7 24\n"
                    "62271 disk 5 149\n"
                    "73282 start 0\n"
                    "73355 tear 3 28\n"
                    "74284 layout 15\n"
                    "74500 tear 5 15\n"
                    "92429 layout 30\n"
                    "92786 set 1 2 0 23\n");
}

/* Found by seed 30200, shrunk: who was set back unknowingly counted on where it had been, and the
 * rest folded without it. What followed its branch then counted on top of what they had signed. */
TEST(what_was_counted_is_not_counted_again_by_who_was_set_back)
{
    (void)seen_well("mcpz-schedule 1 nodes=6 seed=30200 end_ms=77185\n"
                    "25003 create 5 2\n"
                    "36649 set 4 2 0 75\n"
                    "36762 set 4 2 2 78\n"
                    "36831 layout 41\n"
                    "40802 count 1 2 2 48\n"
                    "52216 back_up 3\n"
                    "57036 count 5 2 1 4\n"
                    "57137 add 3 2 6 125\n"
                    "58759 count 2 2 2 80\n"
                    "58844 count 5 2 6 12\n"
                    "65116 setback 3\n"
                    "65116 split 8\n"
                    "67239 start 3\n"
                    "67650 count 1 2 7 74\n"
                    "67902 count 2 2 0 98\n"
                    "77184 count 3 2 2 31\n");
}

/* Found by seed 5374, shrunk: a node that is set back again and again writes as a life that has
 * not seen what an earlier one of its lives closed last, and so names what was closed before that.
 */
TEST(who_names_an_earlier_closing_takes_nothing_out_with_it)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=6 seed=5374 end_ms=120000\n"
                  "14699 create 1 0\n"
                  "53168 count 1 0 4 59\n"
                  "54989 add 4 0 5 23\n"
                  "55152 back_up 1\n"
                  "60274 restore 1\n"
                  "60400 start 1\n"
                  "62673 count 3 0 0 85\n"
                  "66810 set 1 0 1 75\n"
                  "68555 add 1 0 0 34\n"
                  "70114 cut 0 1\n"
                  "74976 restore 1\n"
                  "75109 start 1\n"
                  "79411 count 1 0 4 17\n"
                  "88882 count 5 0 7 67\n"
                  "98184 back_up 1\n"
                  "99003 count 0 0 1 86\n"
                  "100049 restore 1\n"
                  "100214 start 1\n"
                  "100319 count 1 0 5 31\n"
                  "102501 count 3 0 7 2\n"
                  "112230 restore 1\n"
                  "112395 start 1\n"
                  "112634 count 1 0 5 83\n");

    CHECK(report.sometimes[MCPZ_SOMETIMES_ANOTHER_LIFE] > 0);
}

/* Two of six are away for longer than the grace, and all write: the four fold without them. What
 * the two bring is judged by what was folded, and counts; nothing that was folded comes back, as a
 * base is joined, and so nobody needs to be told to push nothing (crdt 1.5, G5). */
TEST(who_was_away_beyond_the_grace_is_given_a_base_and_keeps_what_it_wrote)
{
    static char text[8192];
    size_t length = (size_t)snprintf(text, sizeof(text),
                                     "mcpz-schedule 1 nodes=6 seed=8 end_ms=95000\n"
                                     "10000 create 0 0\n"
                                     "12000 split 3\n");

    for (unsigned i = 0; i < 120; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%u count %u 0 %u 1\n",
                                   13000 + 500 * i, i % 6, i % 3);
    }
    length += (size_t)snprintf(text + length, sizeof(text) - length, "90000 mend\n");
    CHECK(length < sizeof(text));
    const struct mcpz_storm_report report = seen_well(text);
    CHECK(report.sometimes[MCPZ_SOMETIMES_FOLDED] > 0);
    CHECK(report.sometimes[MCPZ_SOMETIMES_BASE] >= 2);
}

/* Found by seed 71165, shrunk: what a full disk had lost was taken for what was written next,
 * under the same number, when owners acknowledged that. */
TEST(a_write_that_was_lost_before_it_was_on_the_disk_is_not_acknowledged_by_others)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=6 seed=71165 end_ms=116573\n"
                  "0 quorum 3\n"
                  "15695 create 4 1\n"
                  "114879 fill 3\n"
                  "114933 add 3 1 7 83\n"
                  "115401 free 3\n"
                  "116572 set 3 1 5 67\n");

    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_WRITE_STORE_FAILED], 1);
    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_WRITE_OK], 12); /* joins, and two of these */
}

/* Found by seed 130586, shrunk: a tree was taken over by who then was killed, started and revoked
 * before another had it on its slow disk. Its first owner had just been told to let go of it. */
TEST(who_owned_a_task_before_keeps_it_until_two_others_do)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=6 seed=130586 end_ms=93458\n"
                  "0 provide 0\n"
                  "0 quorum 3\n"
                  "1014 submit 3 1\n"
                  "4489 kill 0\n"
                  "9627 start 0\n"
                  "11569 create 3 2\n"
                  "11849 task 2 7346\n"
                  "15301 submit 0 0\n"
                  "22572 submit 0 17\n"
                  "46871 kill 1\n"
                  "48438 submit 0 0\n"
                  "51102 submit 0 28\n"
                  "51693 start 1\n"
                  "54629 kill 0\n"
                  "57075 kill 3\n"
                  "80871 start 0\n"
                  "81912 disk 1 2305\n"
                  "90337 start 3\n"
                  "93457 revoke 3\n");

    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_REVOKED], 1);
}

/* One is dead when it is revoked, and one runs, has just written to the others, and comes back
 * from its disk. The layout names both. */
TEST(nobody_misses_who_is_revoked_nor_what_it_wrote_to_others)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=6 seed=3 end_ms=60000\n"
                  "0 create 0 0\n"
                  "0 create 3 1\n"
                  "0 provide 2\n"
                  "0 provide 3\n"
                  "0 quorum 3\n"
                  "0 quorum 4\n"
                  "1000 layout 31\n"
                  "10000 count 3 1 0 5\n"
                  "10000 add 4 0 0 1\n"
                  "12000 submit 4 0\n"
                  "14000 kill 4\n"
                  "20000 revoke 4\n"
                  "25000 count 3 1 0 7\n"
                  "30000 revoke 3\n"
                  "30000 count 3 1 0 9\n"
                  "35000 kill 3\n"
                  "36000 start 3\n"
                  "40000 add 0 0 1 2\n");

    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_REVOKED], 2);
    CHECK(report.sometimes[MCPZ_SOMETIMES_SHUT_OUT] > 0);
    CHECK(report.sometimes[MCPZ_SOMETIMES_FOLDED] > 0);
    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_LAID_OUT], 2); /* then without them */
}

/* Node 0 holds the mesh's key, and is not revoked; nor is anybody twice. */
TEST(a_node_is_revoked_once_and_the_holder_of_the_key_never)
{
    const struct mcpz_storm_report report =
        seen_well("mcpz-schedule 1 nodes=4 seed=4 end_ms=20000\n"
                  "0 create 0 0\n"
                  "5000 revoke 0\n"
                  "6000 revoke 2\n"
                  "7000 revoke 2\n"
                  "8000 kill 0\n"
                  "8500 revoke 3\n");

    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_REVOKED], 1);
}

/* Whether nodes go for good is drawn apart: nothing else of the schedule moves. */
TEST(of_some_meshes_nodes_go_for_good)
{
    size_t gone = 0;

    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct mcpz_schedule schedule = drawn(6, seed);
        size_t count = 0;
        for (size_t i = 0; i < schedule.line_count; i++) {
            const struct mcpz_schedule_line *line = &schedule.lines[i];
            count += line->verb == MCPZ_VERB_REVOKE ? 1 : 0;
            CHECK(line->verb != MCPZ_VERB_REVOKE || line->arguments[0] != 0);
        }
        CHECK(count <= 2);
        gone += count > 0 ? 1 : 0;
        mcpz_schedule_finish(&schedule);
    }
    CHECK(gone > 0 && gone < 30);
}

TEST(the_same_seed_gives_the_same_trace)
{
    struct mcpz_storm_report reports[3];

    for (size_t i = 0; i < 3; i++) {
        struct mcpz_schedule schedule = drawn(6, i < 2 ? 7 : 8);
        mcpz_storm_run(&schedule, NULL, &reports[i]);
        mcpz_schedule_finish(&schedule);
    }
    CHECK_UINT(reports[0].trace_hash, reports[1].trace_hash);
    CHECK_UINT(reports[0].steps, reports[1].steps);
    CHECK(reports[0].trace_hash != reports[2].trace_hash);
}

/* All that machines see of the store is the same, to the letter; only the bytes below differ. */
TEST(nodes_whose_disks_are_sealed_give_the_same_trace)
{
    static const struct mcpz_storm_options options = {.sealed = true};

    for (uint64_t seed = 7; seed < 11; seed++) {
        struct mcpz_schedule schedule = drawn(5, seed);
        struct mcpz_storm_report plain;
        struct mcpz_storm_report sealed;
        mcpz_storm_run(&schedule, NULL, &plain);
        mcpz_storm_run(&schedule, &options, &sealed);
        CHECK_UINT(sealed.violated, MCPZ_INVARIANT_NONE);
        CHECK_UINT(plain.trace_hash, sealed.trace_hash);
        CHECK_UINT(plain.steps, sealed.steps);
        mcpz_schedule_finish(&schedule);
    }
}

TEST(a_schedule_that_was_written_and_read_gives_the_same_trace)
{
    struct mcpz_schedule schedule = drawn(5, 3);
    char *text = printed(&schedule);
    struct mcpz_schedule again = parsed(text);
    struct mcpz_storm_report reports[2];

    mcpz_storm_run(&schedule, NULL, &reports[0]);
    mcpz_storm_run(&again, NULL, &reports[1]);
    CHECK_UINT(reports[0].trace_hash, reports[1].trace_hash);
    free(text);
    mcpz_schedule_finish(&schedule);
    mcpz_schedule_finish(&again);
}

static bool node_3_is_killed(const struct mcpz_schedule_line *line)
{
    return line->verb == MCPZ_VERB_KILL && line->arguments[0] == 3;
}

TEST(a_failing_schedule_shrinks_to_what_makes_it_fail)
{
    static const struct mcpz_storm_options options = {.forbids = node_3_is_killed};
    struct mcpz_schedule schedule = drawn(5, 1);
    struct mcpz_schedule_line kill = {.at_ms = 30000, .verb = MCPZ_VERB_KILL, .arguments = {3}};

    CHECK_UINT(mcpz_schedule_add(&schedule, &kill), MCPZ_OK);
    mcpz_schedule_sort(&schedule);
    CHECK(schedule.line_count > 50);
    CHECK(mcpz_storm_shrink(&schedule, &options) > 0);
    CHECK_UINT(schedule.line_count, 1);
    CHECK(node_3_is_killed(&schedule.lines[0]));
    CHECK_UINT(schedule.end_ms, schedule.lines[0].at_ms + 1);
    mcpz_schedule_finish(&schedule);
}

/* Both that have a task are set back to before it. Without either it would be done; and without
 * anybody who provides it would be left as well, but as one that waits. */
TEST(what_is_left_of_a_schedule_fails_of_the_same_and_in_the_same_way)
{
    static const char lost[] = "mcpz-schedule 1 nodes=4 seed=5 end_ms=20000\n"
                               "0 provide 2\n"
                               "0 provide 3\n"
                               "1000 back_up 0\n"
                               "1000 back_up 1\n"
                               "1000 back_up 2\n"
                               "1000 back_up 3\n"
                               "5000 submit 1 0\n"
                               "5500 restore 1\n"
                               "5500 restore 2\n"
                               "5500 restore 3\n"
                               "5500 restore 0\n"
                               "9000 submit 2 0\n";
    struct mcpz_schedule schedule = parsed(lost);

    CHECK(mcpz_storm_shrink(&schedule, NULL) > 0);
    char *text = printed(&schedule);
    CHECK_TEXT(text, "mcpz-schedule 1 nodes=4 seed=5 end_ms=5501\n"
                     "1000 back_up 1\n"
                     "1000 back_up 3\n"
                     "5000 submit 1 0\n"
                     "5500 restore 1\n"
                     "5500 restore 3\n");
    free(text);
    mcpz_schedule_finish(&schedule);
}

TEST(a_task_that_nobody_provides_for_stays_open_and_violates_nothing)
{
    struct mcpz_schedule schedule =
        parsed("mcpz-schedule 1 nodes=4 seed=5 end_ms=9000\n5001 submit 1 0\n");
    struct mcpz_storm_report report;

    mcpz_storm_run(&schedule, NULL, &report);
    CHECK_UINT(report.violated, MCPZ_INVARIANT_NONE);
    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_DURABLE_TAKEN], 1);
    CHECK_UINT(report.sometimes[MCPZ_SOMETIMES_DURABLE_DONE], 0);
    mcpz_schedule_finish(&schedule);
}

TEST(two_violations_are_the_same_by_what_stands_before_the_colon)
{
    CHECK(mcpz_check_says_the_same("a1 c2 lost some: 5 of 9", "a1 c2 lost some: 6 of 9"));
    CHECK(!mcpz_check_says_the_same("a1 c2 lost some: 5 of 9", "a1 c3 lost some: 5 of 9"));
    CHECK(!mcpz_check_says_the_same("a task is lost", "a task is lost to all"));
    CHECK(!mcpz_check_says_the_same("a task is lost to all", "a task is lost"));
    CHECK(mcpz_check_says_the_same("a task is lost", "a task is lost: here"));
}

TEST(a_schedule_that_fails_nothing_is_left_as_it_is)
{
    struct mcpz_schedule schedule = parsed(every_verb);

    CHECK_UINT(mcpz_storm_shrink(&schedule, NULL), 0);
    CHECK_UINT(schedule.line_count, MCPZ_VERB_END);
    mcpz_schedule_finish(&schedule);
}

MESH_MAIN(RUN(what_is_printed_reads_the_same),
          RUN(what_is_not_a_schedule_is_refused_with_its_line),
          RUN(a_schedule_is_full_when_it_is_full), RUN(every_verb_can_be_run),
          RUN(an_incarnation_that_was_raised_outlives_a_restart),
          RUN(an_incarnation_is_on_the_disk_before_it_is_said),
          RUN(several_neighbours_that_differ_come_to_agree),
          RUN(what_must_hold_holds_in_any_storm_and_every_branch_of_interest_comes_about),
          RUN(a_durable_task_with_a_key_goes_through_others),
          RUN(who_was_set_back_writes_as_another), RUN(fifty_nodes_come_to_agree_as_well),
          RUN(who_let_go_of_a_document_writes_to_it_under_another_name),
          RUN(a_source_that_is_back_is_asked_as_soon_as_there_is_a_link),
          RUN(a_suspect_behind_nat_does_not_stay_one),
          RUN(who_was_set_back_comes_to_the_layout_of_the_others),
          RUN(what_may_have_been_forgotten_holds_up_no_layout),
          RUN(what_was_forgotten_and_made_anew_is_no_other_state_of_it),
          RUN(who_begins_anew_keeps_what_a_clock_ahead_has_stamped),
          RUN(no_half_of_a_mesh_folds_without_the_other),
          RUN(most_owners_in_each_layout_fold_together_or_none),
          RUN(what_was_counted_is_not_counted_again_by_who_was_set_back),
          RUN(who_names_an_earlier_closing_takes_nothing_out_with_it),
          RUN(who_was_away_beyond_the_grace_is_given_a_base_and_keeps_what_it_wrote),
          RUN(a_write_that_was_lost_before_it_was_on_the_disk_is_not_acknowledged_by_others),
          RUN(who_owned_a_task_before_keeps_it_until_two_others_do),
          RUN(nobody_misses_who_is_revoked_nor_what_it_wrote_to_others),
          RUN(a_node_is_revoked_once_and_the_holder_of_the_key_never),
          RUN(of_some_meshes_nodes_go_for_good), RUN(the_same_seed_gives_the_same_trace),
          RUN(nodes_whose_disks_are_sealed_give_the_same_trace),
          RUN(a_schedule_that_was_written_and_read_gives_the_same_trace),
          RUN(a_failing_schedule_shrinks_to_what_makes_it_fail),
          RUN(what_is_left_of_a_schedule_fails_of_the_same_and_in_the_same_way),
          RUN(a_task_that_nobody_provides_for_stays_open_and_violates_nothing),
          RUN(two_violations_are_the_same_by_what_stands_before_the_colon),
          RUN(a_schedule_that_fails_nothing_is_left_as_it_is))
