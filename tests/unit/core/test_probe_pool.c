#include "core/router/probe_pool.h"
#include "test.h"

static struct mcpz_probe_pool pool;
static struct mcpz_rifs rifs;

static void note(mcpz_time now, uint32_t backend, uint32_t rif, uint32_t latency_us)
{
    mcpz_probe_pool_note(&pool, now, backend,
                         &(struct mcpz_load_report){.rif = rif, .latency_us = latency_us});
}

/* ---- The quantile ------------------------------------------------------------------------- */

TEST(nobody_is_hot_before_anything_was_reported)
{
    mcpz_rifs_init(&rifs);
    CHECK_UINT(mcpz_rifs_threshold(&rifs), UINT32_MAX);
}

TEST(the_threshold_is_the_quantile_of_the_last_reports)
{
    mcpz_rifs_init(&rifs);
    for (uint32_t i = 0; i < 1000; i++) { /* old ones, which fall out */
        mcpz_rifs_add(&rifs, 100000 + i * 7 % 13);
    }
    for (uint32_t i = 0; i < MCPZ_RIFS_MAX; i++) {
        mcpz_rifs_add(&rifs, i * 37 % MCPZ_RIFS_MAX); /* each once, in no order */
    }
    CHECK_UINT(rifs.count, MCPZ_RIFS_MAX);
    CHECK_UINT(mcpz_rifs_threshold(&rifs), 127 * MCPZ_PROBE_HOT_PERMILLE / 1000);
    for (size_t i = 0; i < MCPZ_RIFS_MAX; i++) {
        CHECK_UINT(rifs.sorted[i], i);
    }
}

/* ---- HCL ---------------------------------------------------------------------------------- */

TEST(cold_comes_before_unknown_before_hot)
{
    const uint64_t slow_cold = mcpz_probe_cost(5, UINT32_MAX, UINT32_MAX, 5);
    const uint64_t unknown = mcpz_probe_cost(5, 0, UINT32_MAX, 5);
    const uint64_t hot = mcpz_probe_cost(6, 1, 0, 5);

    CHECK(slow_cold < unknown);
    CHECK(unknown < hot);
    CHECK(!mcpz_probe_cost_is_hot(slow_cold));
    CHECK(!mcpz_probe_cost_is_hot(unknown));
    CHECK(mcpz_probe_cost_is_hot(hot));
}

TEST(of_cold_ones_the_fastest_is_best_with_the_way_there)
{
    CHECK(mcpz_probe_cost(5, 100, 0, 5) < mcpz_probe_cost(0, 101, 0, 5));
    CHECK(mcpz_probe_cost(0, 100, 2, 5) > mcpz_probe_cost(5, 101, 0, 5));
    CHECK(mcpz_probe_cost(1, 0, 0, 5) < mcpz_probe_cost(2, 0, 0, 5));
}

TEST(of_hot_ones_the_one_with_fewest_is_best_then_the_fastest)
{
    CHECK(mcpz_probe_cost(6, UINT32_MAX, UINT32_MAX, 5) < mcpz_probe_cost(7, 1, 0, 5));
    CHECK(mcpz_probe_cost(6, 1, 0, 5) < mcpz_probe_cost(6, 2, 0, 5));
    CHECK(mcpz_probe_cost(6, 1, 0, 5) < mcpz_probe_cost(6, 0, 0, 5));
    CHECK(mcpz_probe_cost(UINT32_MAX, 1, 0, 5) >= mcpz_probe_cost(UINT32_MAX - 1, 1, 0, 5));
}

/* ---- The pool ----------------------------------------------------------------------------- */

TEST(a_newer_report_replaces_an_older)
{
    mcpz_probe_pool_init(&pool);
    note(1, 7, 3, 100);
    note(2, 7, 4, 200);
    CHECK_UINT(pool.count, 1);
    const struct mcpz_probe *probe = mcpz_probe_pool_find(&pool, 7);
    CHECK_UINT(probe->rif, 4);
    CHECK_UINT(probe->latency_us, 200);
    CHECK(mcpz_probe_pool_find(&pool, 8) == NULL);
}

TEST(where_it_is_full_the_oldest_gives_way)
{
    mcpz_probe_pool_init(&pool);
    for (uint32_t i = 0; i < MCPZ_PROBE_POOL_MAX; i++) {
        note(100 + i * 5 % 16, i, 0, 1);
    }
    note(200, 99, 0, 1);
    CHECK_UINT(pool.count, MCPZ_PROBE_POOL_MAX);
    CHECK(mcpz_probe_pool_find(&pool, 0) == NULL);
    CHECK(mcpz_probe_pool_find(&pool, 99) != NULL);
}

TEST(a_use_is_one_more_in_flight)
{
    mcpz_probe_pool_init(&pool);
    note(1, 7, 3, 100);
    CHECK(!mcpz_probe_pool_find(&pool, 7)->used);
    mcpz_probe_use(mcpz_probe_pool_find(&pool, 7));
    CHECK_UINT(mcpz_probe_pool_find(&pool, 7)->rif, 4);
    CHECK(mcpz_probe_pool_find(&pool, 7)->used);
    note(2, 7, 3, 100); /* told anew */
    CHECK(!mcpz_probe_pool_find(&pool, 7)->used);
}

TEST(what_is_old_is_forgotten)
{
    mcpz_probe_pool_init(&pool);
    note(100, 1, 0, 1);
    note(101, 2, 0, 1);
    note(99, 3, 0, 1);
    mcpz_probe_pool_expire(&pool, 100 + MCPZ_PROBE_AGE_US, MCPZ_PROBE_AGE_US);
    CHECK_UINT(pool.count, 2);
    CHECK(mcpz_probe_pool_find(&pool, 3) == NULL);
    mcpz_probe_pool_forget(&pool, 2);
    mcpz_probe_pool_forget(&pool, 2);
    CHECK_UINT(pool.count, 1);
    CHECK(mcpz_probe_pool_find(&pool, 1) != NULL);
}

TEST(every_second_call_removes_the_oldest_and_the_worst_in_turn)
{
    mcpz_probe_pool_init(&pool);
    for (uint32_t i = 0; i < 8; i++) {
        note(100 + i, i, i == 5 ? 9 : 0, 1); /* 0 is the oldest, 5 the only hot one */
    }
    mcpz_probe_pool_thin(&pool, 100, 3);
    CHECK_UINT(pool.count, 8);
    mcpz_probe_pool_thin(&pool, 100, 3);
    CHECK(mcpz_probe_pool_find(&pool, 0) == NULL);
    mcpz_probe_pool_thin(&pool, 100, 3);
    mcpz_probe_pool_thin(&pool, 100, 3);
    CHECK(mcpz_probe_pool_find(&pool, 5) == NULL);
    CHECK_UINT(pool.count, 6);
    for (size_t i = 0; i < 100; i++) {
        mcpz_probe_pool_thin(&pool, 100, 3);
    }
    CHECK_UINT(pool.count, MCPZ_PROBE_POOL_MIN);
}

TEST(where_all_fit_the_pool_nothing_is_removed)
{
    mcpz_probe_pool_init(&pool);
    for (uint32_t i = 0; i < 3; i++) {
        note(1, i, 0, 1);
    }
    for (size_t i = 0; i < 100; i++) {
        mcpz_probe_pool_thin(&pool, MCPZ_PROBE_POOL_MAX, 3);
    }
    CHECK_UINT(pool.count, 3);
}

TEST_MAIN(RUN(nobody_is_hot_before_anything_was_reported),
          RUN(the_threshold_is_the_quantile_of_the_last_reports),
          RUN(cold_comes_before_unknown_before_hot),
          RUN(of_cold_ones_the_fastest_is_best_with_the_way_there),
          RUN(of_hot_ones_the_one_with_fewest_is_best_then_the_fastest),
          RUN(a_newer_report_replaces_an_older), RUN(where_it_is_full_the_oldest_gives_way),
          RUN(a_use_is_one_more_in_flight), RUN(what_is_old_is_forgotten),
          RUN(every_second_call_removes_the_oldest_and_the_worst_in_turn),
          RUN(where_all_fit_the_pool_nothing_is_removed))
