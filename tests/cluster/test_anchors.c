/* The papers' experiments in small: N = 1,000. `mcpz-sim anchors` runs them in full. */

#include <math.h>

#include "anchor_rows.h"

#define NODES 1000
#define SEEDS SEEDS_OF(3)

static struct mcpz_anchors anchors;

/* The others take minutes: test_anchors_swim.c, test_anchors_routing.c and test_anchors_xbot.c run
 * them in small. */
static bool is_quick(const struct mcpz_experiment *experiment)
{
    return strcmp(experiment->name, "A5") != 0 && strcmp(experiment->name, "A6") != 0 &&
           strcmp(experiment->name, "B") != 0 && strcmp(experiment->name, "X") != 0;
}

TEST(our_machines_keep_to_the_papers_numbers)
{
    const struct mcpz_experiment *experiment;

    for (size_t i = 0; (experiment = mcpz_anchors_experiment(i)) != NULL; i++) {
        if (!is_quick(experiment)) {
            continue;
        }
        anchors.count = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            mcpz_anchors_run(&anchors, experiment, NODES, seed);
        }
        check_anchors(&anchors);
        for (size_t k = 0; k < anchors.count; k++) {
            const struct mcpz_anchor *row = &anchors.rows[k];
            CHECK_UINT(row->runs, SEEDS);
            CHECK_TEXT(row->table, experiment->name);
            CHECK(isnan(row->paper)); /* which speaks of ten times as many nodes */
        }
    }
}

TEST(the_same_seed_gives_the_same_table)
{
    static struct mcpz_anchors again;
    const struct mcpz_experiment *experiment;

    anchors.count = 0;
    for (size_t i = 0; (experiment = mcpz_anchors_experiment(i)) != NULL; i++) {
        if (is_quick(experiment)) {
            mcpz_anchors_run(&anchors, experiment, 200, 7);
            mcpz_anchors_run(&again, experiment, 200, 7);
        }
    }
    CHECK_UINT(anchors.count, again.count);
    for (size_t i = 0; i < anchors.count; i++) {
        CHECK_TEXT(anchors.rows[i].metric, again.rows[i].metric);
        CHECK(anchors.rows[i].ours == again.rows[i].ours);
    }
}

/* Note two runs of a new metric; its row. */
static const struct mcpz_anchor *noted(struct mcpz_anchor row, double first, double second)
{
    anchors.count = 0;
    row.table = "T";
    row.ours = first;
    mcpz_anchors_note(&anchors, &row);
    row.ours = second;
    mcpz_anchors_note(&anchors, &row);
    CHECK_UINT(anchors.count, 1);
    CHECK_UINT(anchors.rows[0].runs, 2);
    return &anchors.rows[0];
}

TEST(a_row_holds_the_mean_or_the_worst_of_its_runs)
{
    struct mcpz_anchor row = {.bound = {1, 2}, .is_worst = false};

    CHECK(!noted(row, 1, 4)->ok); /* 2.5 */
    CHECK(noted(row, 0, 4)->ok);  /* 2 */
    row.is_worst = true;
    row.better = MCPZ_ANCHOR_HIGHER;
    CHECK(noted(row, 1, 4)->ok);
    CHECK(!noted(row, 4, 0.5)->ok);
    row.better = MCPZ_ANCHOR_LOWER;
    CHECK(!noted(row, 4, 1)->ok);
    CHECK(noted(row, 0.5, 2)->ok);
}

TEST(rows_of_other_tables_and_metrics_are_kept_apart)
{
    struct mcpz_anchor row = {.table = "T", .metric = "m", .bound = {0, 9}, .ours = 1};

    anchors.count = 0;
    mcpz_anchors_note(&anchors, &row);
    row.table = "U";
    mcpz_anchors_note(&anchors, &row);
    row.metric[0] = 'n';
    mcpz_anchors_note(&anchors, &row);
    CHECK_UINT(anchors.count, 3);
}

TEST(ours_is_better_only_by_what_the_papers_digits_tell)
{
    struct mcpz_anchor row = {.paper = 0.89, .better = MCPZ_ANCHOR_LOWER, .ours = 0.884};

    CHECK(mcpz_anchor_is_better(&row));
    row.ours = 0.886;
    CHECK(!mcpz_anchor_is_better(&row));
    row.better = MCPZ_ANCHOR_HIGHER;
    CHECK(!mcpz_anchor_is_better(&row));
    row.ours = 0.896;
    CHECK(mcpz_anchor_is_better(&row));
    row.better = MCPZ_ANCHOR_NEITHER;
    CHECK(!mcpz_anchor_is_better(&row));
    row = (struct mcpz_anchor){.paper = 9, .better = MCPZ_ANCHOR_LOWER, .ours = 8.6};
    CHECK(!mcpz_anchor_is_better(&row));
    row.ours = 8.4;
    CHECK(mcpz_anchor_is_better(&row));
    row.paper = (double)NAN;
    CHECK(!mcpz_anchor_is_better(&row));
}

static void check_words(double low, double high, const char *bound)
{
    char text[MCPZ_ANCHOR_TEXT_BYTES];
    struct mcpz_anchor row = {.bound = {low, high}, .paper = 29987.33};

    mcpz_anchor_print_bound(&row, text);
    CHECK_TEXT(text, bound);
    mcpz_anchor_print_paper(&row, text);
    CHECK_TEXT(text, "29987.33");
    row.paper = (double)NAN;
    mcpz_anchor_print_paper(&row, text);
    CHECK_TEXT(text, "-");
}

TEST(bounds_are_said_in_words)
{
    check_words(1, 2.5, "1 to 2.5");
    check_words(4, 4, "= 4");
    check_words(-(double)INFINITY, 0.002, "<= 0.002");
    check_words(99.9, (double)INFINITY, ">= 99.9");
    check_words(-(double)INFINITY, (double)INFINITY, "-");
}

TEST(a_metric_tells_of_how_many_runs_it_is_where_it_should)
{
    char text[MCPZ_ANCHOR_WORDS_BYTES];
    struct mcpz_anchor row = {.metric = "storms", .runs = 10};

    mcpz_anchor_print_metric(&row, text);
    CHECK_TEXT(text, "storms");
    row.tells_runs = true;
    mcpz_anchor_print_metric(&row, text);
    CHECK_TEXT(text, "storms; 10 runs");
    row.runs = 1;
    mcpz_anchor_print_metric(&row, text);
    CHECK_TEXT(text, "storms; 1 run");
}

TEST_MAIN(RUN(our_machines_keep_to_the_papers_numbers), RUN(the_same_seed_gives_the_same_table),
          RUN(a_row_holds_the_mean_or_the_worst_of_its_runs),
          RUN(rows_of_other_tables_and_metrics_are_kept_apart),
          RUN(ours_is_better_only_by_what_the_papers_digits_tell), RUN(bounds_are_said_in_words),
          RUN(a_metric_tells_of_how_many_runs_it_is_where_it_should))
