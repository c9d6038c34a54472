/* Prequal's experiments in small. `mcpz-sim anchors --table A6` runs them in full. */

#include <math.h>

#include "anchor_rows.h"
#include "sim/anchors_routing.h"
#include "sim/balancing.h"
#include "sim/ps_server.h"

static struct mcpz_anchors anchors;

static const struct mcpz_routing_sizes small = {.nodes = 30,
                                                .warm_us = MCPZ_SECONDS(3),
                                                .measured_us = MCPZ_SECONDS(8),
                                                .overload_us = MCPZ_SECONDS(5)};

TEST(the_router_keeps_to_the_papers_numbers)
{
    anchors.count = 0;
    for (uint64_t seed = 1; seed <= SEEDS_OF(2); seed++) {
        mcpz_anchors_routing(&anchors, &small, seed);
    }
    CHECK(anchors.count > 10);
    check_anchors(&anchors);
    for (size_t i = 0; i < anchors.count; i++) {
        CHECK_UINT(anchors.rows[i].runs, SEEDS_OF(2));
    }
}

TEST(the_same_seed_gives_the_same_result)
{
    const struct mcpz_balancing_options options = {.nodes = 10,
                                                   .load_percent = 90,
                                                   .warm_us = MCPZ_SECONDS(1),
                                                   .measured_us = MCPZ_SECONDS(2),
                                                   .seed = 7};
    const struct mcpz_balancing_result first = mcpz_balancing_run(&options);
    const struct mcpz_balancing_result second = mcpz_balancing_run(&options);

    CHECK(first.queries > 1000);
    CHECK_UINT(first.queries, second.queries);
    CHECK_UINT(first.p99_us, second.p99_us);
    CHECK_UINT(first.sent, second.sent);
}

/* ---- The model ---------------------------------------------------------------------------- */

TEST(a_server_gives_each_one_core_at_most_and_else_equal_parts)
{
    struct mcpz_ps_server server;
    uint32_t item = 99;

    mcpz_ps_server_init(&server, 2000);
    CHECK(mcpz_ps_server_next(&server, 5, &item) == MCPZ_TIME_NEVER);
    mcpz_ps_server_add(&server, 0, 1, 1000);
    CHECK_UINT(mcpz_ps_server_next(&server, 0, &item), 1000); /* not 500 */
    mcpz_ps_server_add(&server, 0, 2, 2000);
    mcpz_ps_server_add(&server, 0, 3, 2000);
    mcpz_ps_server_add(&server, 0, 4, 500);
    CHECK_UINT(mcpz_ps_server_next(&server, 0, &item), 1000); /* half a core for each of four */
    CHECK_UINT(item, 4);
    mcpz_ps_server_remove(&server, 1000, 4);
    mcpz_ps_server_set(&server, 1000, 3000);
    CHECK_UINT(mcpz_ps_server_next(&server, 1000, &item), 1500); /* the first needs 500 more */
    CHECK_UINT(item, 1);
    mcpz_ps_server_remove(&server, 1500, 1);
    CHECK_UINT(mcpz_ps_server_next(&server, 1500, &item), 2500);
    mcpz_ps_server_finish(&server);
}

TEST(what_is_late_is_counted_and_leaves)
{
    const struct mcpz_balancing_options options = {.nodes = 4,
                                                   .load_percent = 400,
                                                   .warm_us = MCPZ_SECONDS(1),
                                                   .measured_us = MCPZ_SECONDS(10),
                                                   .seed = 7};
    const struct mcpz_balancing_result result = mcpz_balancing_run(&options);

    CHECK(result.late > 0 && result.late < result.queries);
    CHECK_UINT(result.p99_us, MCPZ_BALANCING_TIMEOUT_US);
}

TEST_MAIN(RUN(the_router_keeps_to_the_papers_numbers), RUN(the_same_seed_gives_the_same_result),
          RUN(a_server_gives_each_one_core_at_most_and_else_equal_parts),
          RUN(what_is_late_is_counted_and_leaves))
