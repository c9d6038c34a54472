#include "crypto/digest.h"
#include "crypto/identity.h"
#include "proto/code.h"
#include "sim/sim.h"
#include "test.h"

static const struct mcpz_sim_config calm = {
    .node_count = 3,
    .seed = 1,
    .delay_min_us = MCPZ_MS(10),
    .delay_max_us = MCPZ_MS(10),
    .disk_us = MCPZ_MS(5),
    .run_us = MCPZ_MS(100),
};

static struct mcpz_sim *sim_of(size_t node_count)
{
    struct mcpz_sim_config config = calm;
    config.node_count = node_count;
    return mcpz_sim_create(&config);
}

/* A story with a fixed ending. */
TEST(two_nodes_meet)
{
    struct mcpz_sim *sim = sim_of(2);
    mcpz_sim_start(sim, 0);
    mcpz_sim_start(sim, 1);
    mcpz_sim_run(sim, MCPZ_SECONDS(3));

    CHECK_TEXT(mcpz_sim_trace(sim), "[   45] 0: 1 linked\n"
                                    "[   55] 1: 0 linked\n"
                                    "[   55] 1: 0 alive\n"
                                    "[   55] 1: 0 capabilities\n"
                                    "[   65] 0: 1 alive\n"
                                    "[   65] 0: 1 capabilities\n");
    mcpz_sim_destroy(sim);
}

TEST(three_nodes_come_to_the_same_view)
{
    struct mcpz_sim *sim = sim_of(3);
    mcpz_sim_start_all(sim);

    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) {
            CHECK(mcpz_sim_knows(sim, i, j));
        }
        CHECK_UINT(mcpz_engine_node(mcpz_sim_engine(sim, i))->members.neighbour_count, 2);
    }
    mcpz_sim_destroy(sim);
}

TEST(a_killed_node_is_suspected_then_buried_and_comes_back)
{
    struct mcpz_sim *sim = sim_of(3);
    mcpz_sim_start_all(sim);
    size_t before = strlen(mcpz_sim_trace(sim));
    mcpz_sim_kill(sim, 2);
    mcpz_sim_run(sim, MCPZ_SECONDS(12));

    CHECK(!mcpz_sim_knows(sim, 0, 2));
    CHECK(!mcpz_sim_knows(sim, 1, 2));
    CHECK_TEXT(mcpz_sim_trace(sim) + before, "[ 5010] 0: 2 unlinked\n"
                                             "[ 5010] 0: 2 suspect\n"
                                             "[ 5010] 1: 2 unlinked\n"
                                             "[ 5010] 1: 2 suspect\n"
                                             "[ 9010] 1: 2 dead\n"
                                             "[ 9010] 1: 2 capabilities\n"
                                             "[ 9010] 0: 2 dead\n"
                                             "[ 9010] 0: 2 capabilities\n");

    mcpz_sim_start(sim, 2);
    mcpz_sim_run(sim, MCPZ_SECONDS(20));
    CHECK(mcpz_sim_knows(sim, 0, 2));
    CHECK(mcpz_sim_knows(sim, 1, 2));
    CHECK(mcpz_sim_knows(sim, 2, 1));
    mcpz_sim_destroy(sim);
}

TEST(a_task_crosses)
{
    struct mcpz_sim *sim = sim_of(2);
    mcpz_sim_start_all(sim);
    mcpz_sim_provide(sim, 1, "echo");
    mcpz_sim_run(sim, MCPZ_SECONDS(6));
    uint64_t task = mcpz_sim_task(sim, 0, "echo", "{\"a\":1}", 5000);
    mcpz_sim_run(sim, MCPZ_SECONDS(8));

    CHECK_UINT(mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
    CHECK_TEXT(mcpz_sim_result(sim, task), "{\"a\":1}");
    mcpz_sim_destroy(sim);
}

TEST(a_task_of_ones_own_takes_the_same_way)
{
    struct mcpz_sim *sim = sim_of(1);
    mcpz_sim_start_all(sim);
    mcpz_sim_provide(sim, 0, "echo");
    uint64_t task = mcpz_sim_task(sim, 0, "echo", "[]", 5000);
    mcpz_sim_run(sim, MCPZ_SECONDS(8));

    CHECK_UINT(mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
    CHECK_TEXT(mcpz_sim_result(sim, task), "[]");
    mcpz_sim_destroy(sim);
}

TEST(a_task_whose_provider_dies_moves_to_another)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct mcpz_sim_config config = calm;
        config.seed = seed;
        config.run_us = MCPZ_SECONDS(2);
        struct mcpz_sim *sim = mcpz_sim_create(&config);
        mcpz_sim_start_all(sim);
        mcpz_sim_provide(sim, 1, "echo");
        mcpz_sim_provide(sim, 2, "echo");
        mcpz_sim_run(sim, MCPZ_SECONDS(6));
        uint64_t task = mcpz_sim_task(sim, 0, "echo", "1", 20000);
        mcpz_sim_run(sim, MCPZ_SECONDS(7));
        mcpz_sim_kill(sim, 1);
        mcpz_sim_run(sim, MCPZ_SECONDS(15));

        CHECK_UINT(mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
        CHECK_TEXT(mcpz_sim_result(sim, task), "1");
        mcpz_sim_destroy(sim);
    }
}

static void check_same_root(struct mcpz_sim *sim, size_t node_count, const char *agent)
{
    uint8_t first[MCPZ_DIGEST_BYTES];
    CHECK(mcpz_sim_root(sim, 0, agent, first));

    for (size_t i = 1; i < node_count; i++) {
        uint8_t root[MCPZ_DIGEST_BYTES];
        CHECK(mcpz_sim_root(sim, i, agent, root));
        CHECK(memcmp(first, root, sizeof(root)) == 0);
    }
}

static void write_ok(struct mcpz_sim *sim, size_t node, enum mcpz_agent_op op, const char *path,
                     const char *value, int64_t amount)
{
    uint64_t request =
        mcpz_sim_write(sim, node, "a", &(struct mcpz_sim_op){op, path, value, amount});
    mcpz_sim_run(sim, mcpz_sim_now(sim) + MCPZ_MS(50));
    CHECK_UINT(mcpz_sim_reply(sim, request), MCPZ_CODE_OK);
}

TEST(a_snapshot_merges_after_a_partition)
{
    struct mcpz_sim *sim = sim_of(3);
    mcpz_sim_start_all(sim);
    write_ok(sim, 0, MCPZ_AGENT_CREATE, NULL, NULL, 0);
    mcpz_sim_run(sim, MCPZ_SECONDS(7));

    for (size_t i = 0; i < 2; i++) {
        mcpz_sim_cut(sim, i, 2, true);
    }
    write_ok(sim, 0, MCPZ_AGENT_SET, "name", "left", 0);
    write_ok(sim, 2, MCPZ_AGENT_SET, "name", "right", 0);
    write_ok(sim, 1, MCPZ_AGENT_ADD, "tags", "one", 0);
    write_ok(sim, 2, MCPZ_AGENT_ADD, "tags", "two", 0);
    write_ok(sim, 0, MCPZ_AGENT_INCREMENT, "hits", NULL, 2);
    write_ok(sim, 2, MCPZ_AGENT_INCREMENT, "hits", NULL, 3);
    mcpz_sim_run(sim, MCPZ_SECONDS(40));
    CHECK(!mcpz_sim_knows(sim, 0, 2));

    for (size_t i = 0; i < 2; i++) {
        mcpz_sim_cut(sim, i, 2, false);
    }
    mcpz_sim_run(sim, MCPZ_SECONDS(120));
    CHECK(mcpz_sim_knows(sim, 0, 2));
    check_same_root(sim, 3, "a");
    mcpz_sim_destroy(sim);
}

TEST(what_a_full_disk_did_not_keep_was_not_promised)
{
    struct mcpz_sim *sim = sim_of(2);
    mcpz_sim_start_all(sim);
    write_ok(sim, 0, MCPZ_AGENT_CREATE, NULL, NULL, 0);
    uint8_t before[MCPZ_DIGEST_BYTES];
    uint8_t after[MCPZ_DIGEST_BYTES];
    CHECK(mcpz_sim_root(sim, 0, "a", before));

    mcpz_sim_fill_disk(sim, 0, true);
    uint64_t request =
        mcpz_sim_write(sim, 0, "a", &(struct mcpz_sim_op){MCPZ_AGENT_SET, "k", "v", 0});
    mcpz_sim_run(sim, MCPZ_SECONDS(7));
    CHECK_UINT(mcpz_sim_reply(sim, request), MCPZ_CODE_STORE_FAILED);
    CHECK(mcpz_sim_root(sim, 0, "a", after));
    CHECK(memcmp(before, after, sizeof(after)) == 0);

    mcpz_sim_fill_disk(sim, 0, false);
    write_ok(sim, 0, MCPZ_AGENT_SET, "k", "v", 0);
    mcpz_sim_run(sim, MCPZ_SECONDS(9));
    check_same_root(sim, 2, "a");
    mcpz_sim_destroy(sim);
}

/* How far a counter comes everywhere, if a crash keeps so many of the batches of three writes. */
static int64_t count_after_tearing(uint32_t keep)
{
    struct mcpz_sim *sim = sim_of(2);
    uint64_t writes[3];
    const struct mcpz_sim_op create = {.op = MCPZ_AGENT_CREATE};

    mcpz_sim_start_all(sim);
    mcpz_sim_write(sim, 1, "planner", &create);
    mcpz_sim_run(sim, MCPZ_SECONDS(6));
    mcpz_sim_slow_disk(sim, 1, MCPZ_SECONDS(60));
    for (size_t i = 0; i < 3; i++) {
        struct mcpz_sim_op increment = {
            .op = MCPZ_AGENT_INCREMENT, .path = "steps", .amount = i == 0 ? 1 : 10 * (int64_t)i};
        writes[i] = mcpz_sim_write(sim, 1, "planner", &increment);
    }
    CHECK(mcpz_sim_tear(sim, 1, keep) == (keep == 1 || keep == 2));
    CHECK_UINT(mcpz_sim_counter(sim, 0, "planner", "steps"), 0);
    mcpz_sim_slow_disk(sim, 1, calm.disk_us);
    mcpz_sim_start(sim, 1);
    mcpz_sim_run(sim, MCPZ_SECONDS(30));

    int64_t count = mcpz_sim_counter(sim, 0, "planner", "steps");
    CHECK_UINT(mcpz_sim_counter(sim, 1, "planner", "steps"), count);
    for (size_t i = 0; i < 3; i++) {
        CHECK(mcpz_sim_reply(sim, writes[i]) == -1); /* nobody was promised anything */
    }
    mcpz_sim_destroy(sim);
    return count;
}

TEST(what_a_crash_kept_unsaid_is_whole_and_reaches_the_others)
{
    CHECK_UINT(count_after_tearing(0), 0);
    CHECK_UINT(count_after_tearing(1), 1);
    CHECK_UINT(count_after_tearing(2), 11);
    CHECK_UINT(count_after_tearing(3), 31);
    CHECK_UINT(count_after_tearing(4), 31);
}

TEST(each_batch_that_fails_is_counted_once)
{
    struct mcpz_sim *sim = sim_of(1);
    mcpz_sim_start_all(sim);
    write_ok(sim, 0, MCPZ_AGENT_CREATE, NULL, NULL, 0);
    mcpz_sim_fill_disk(sim, 0, true);
    for (int i = 0; i < 10; i++) {
        (void)mcpz_sim_write(sim, 0, "a", &(struct mcpz_sim_op){MCPZ_AGENT_SET, "k", "v", 0});
        mcpz_sim_run(sim, mcpz_sim_now(sim) + MCPZ_MS(50));
    }

    const struct mcpz_counters *counters = mcpz_engine_counters(mcpz_sim_engine(sim, 0));
    CHECK(counters->batches_failed >= 10);
    CHECK(counters->batches_failed <= counters->batches);
    mcpz_sim_destroy(sim);
}

/* More members than links: everybody hears of everybody, and nobody is suspected for it. */
TEST(a_mesh_larger_than_its_links_is_calm)
{
    enum { NODES = 24 };
    struct mcpz_sim *sim = sim_of(NODES);
    mcpz_sim_start_all(sim);
    mcpz_sim_run(sim, MCPZ_SECONDS(120));

    for (size_t i = 0; i < NODES; i++) {
        for (size_t j = 0; j < NODES; j++) {
            CHECK(mcpz_sim_knows(sim, i, j));
        }
        CHECK(mcpz_engine_node(mcpz_sim_engine(sim, i))->members.neighbour_count >= 8);
    }
    CHECK(strstr(mcpz_sim_trace(sim), "suspect") == NULL);
    CHECK(strstr(mcpz_sim_trace(sim), "dead") == NULL);
    mcpz_sim_destroy(sim);
}

/* A member that turned bad loses its link, and nobody else notices anything. */
TEST(a_hostile_member_loses_its_link_and_harms_nobody)
{
    static const uint8_t garbage[] = {0x00, 0xdf, 0xff, 0xff, 0xff, 0x7e};
    struct mcpz_sim *sim = sim_of(3);
    mcpz_sim_start_all(sim);
    mcpz_sim_provide(sim, 1, "echo");
    mcpz_sim_run(sim, MCPZ_SECONDS(6));

    CHECK(mcpz_sim_inject(sim, 2, 0, mcpz_bytes(garbage, sizeof(garbage))) != MCPZ_OK);
    CHECK_UINT(mcpz_engine_counters(mcpz_sim_engine(sim, 0))->refused_frame, 1);
    uint64_t task = mcpz_sim_task(sim, 0, "echo", "1", 5000);
    mcpz_sim_run(sim, MCPZ_SECONDS(8));
    CHECK_UINT(mcpz_sim_reply(sim, task), MCPZ_CODE_OK);

    mcpz_sim_run(sim, MCPZ_SECONDS(20));
    CHECK(mcpz_sim_knows(sim, 0, 2)); /* it was one bad frame: it may come back */
    mcpz_sim_destroy(sim);
}

/* What came while it slept is there when it wakes, in order: its links survive a short nap. */
TEST(a_node_that_pauses_for_a_moment_loses_nothing)
{
    struct mcpz_sim *sim = sim_of(3);
    mcpz_sim_start_all(sim);
    write_ok(sim, 0, MCPZ_AGENT_CREATE, NULL, NULL, 0);
    mcpz_sim_run(sim, MCPZ_SECONDS(7));
    size_t before = strlen(mcpz_sim_trace(sim));
    mcpz_sim_pause(sim, 2, MCPZ_SECONDS(3));
    for (int i = 0; i < 20; i++) {
        write_ok(sim, 0, MCPZ_AGENT_INCREMENT, "hits", NULL, 1);
    }
    CHECK(mcpz_sim_is_paused(sim, 2));
    mcpz_sim_run(sim, MCPZ_SECONDS(12));

    CHECK(!mcpz_sim_is_paused(sim, 2));
    CHECK_UINT(mcpz_sim_counter(sim, 2, "a", "hits"), 20);
    CHECK(strstr(mcpz_sim_trace(sim) + before, "unlinked") == NULL);
    mcpz_sim_destroy(sim);
}

TEST(a_node_that_pauses_for_long_is_buried_and_comes_back)
{
    struct mcpz_sim *sim = sim_of(3);
    mcpz_sim_start_all(sim);
    mcpz_sim_pause(sim, 2, MCPZ_SECONDS(30));
    mcpz_sim_run(sim, MCPZ_SECONDS(34));
    CHECK(!mcpz_sim_knows(sim, 0, 2));

    mcpz_sim_run(sim, MCPZ_SECONDS(75));
    CHECK(mcpz_sim_knows(sim, 0, 2));
    CHECK(mcpz_sim_knows(sim, 2, 1));
    mcpz_sim_destroy(sim);
}

/* Places of closed connections are used again, so a run may be as long as it likes. */
TEST(a_link_that_flips_for_hours_does_not_use_up_the_network)
{
    struct mcpz_sim *sim = sim_of(2);
    mcpz_sim_start_all(sim);
    for (int i = 0; i < 3000; i++) {
        mcpz_sim_cut(sim, 0, 1, i % 2 == 0);
        mcpz_sim_run(sim, mcpz_sim_now(sim) + MCPZ_SECONDS(8));
    }
    mcpz_sim_run(sim, mcpz_sim_now(sim) + MCPZ_SECONDS(60));
    CHECK(mcpz_sim_knows(sim, 0, 1));
    CHECK(mcpz_sim_knows(sim, 1, 0));
    mcpz_sim_destroy(sim);
}

/* Any weather: whatever is killed and cut, what was acknowledged is everywhere in the end. */
static void check_storm(uint64_t seed)
{
    struct mcpz_sim_config storm = calm;
    struct mcpz_rng rng;
    enum { NODES = 5 };
    uint64_t hits = 0;
    uint64_t increments[200];
    size_t increment_count = 0;

    storm.node_count = NODES;
    storm.seed = seed;
    storm.delay_max_us = MCPZ_MS(90);
    mcpz_rng_init(&rng, seed);
    struct mcpz_sim *sim = mcpz_sim_create(&storm);
    mcpz_sim_start_all(sim);
    write_ok(sim, 0, MCPZ_AGENT_CREATE, NULL, NULL, 0);
    mcpz_sim_run(sim, MCPZ_SECONDS(10));

    size_t down = NODES;
    for (int round = 0; round < 30; round++) {
        size_t node = mcpz_rng_below(&rng, NODES);
        size_t other = mcpz_rng_below(&rng, NODES);
        uint32_t what = mcpz_rng_below(&rng, 10);
        if (what == 0 && down == NODES) {
            mcpz_sim_kill(sim, node);
            down = node;
        } else if (what <= 2 && down != NODES) {
            mcpz_sim_start(sim, down);
            down = NODES;
        } else if (what <= 5 && node != other) {
            mcpz_sim_cut(sim, node, other, mcpz_rng_below(&rng, 2) == 0);
        } else if (node != down) {
            increments[increment_count++] = mcpz_sim_write(
                sim, node, "a", &(struct mcpz_sim_op){MCPZ_AGENT_INCREMENT, "hits", NULL, 1});
        }
        mcpz_sim_run(sim, mcpz_sim_now(sim) + MCPZ_MS(mcpz_rng_below(&rng, 4000)));
    }
    if (down != NODES) {
        mcpz_sim_start(sim, down);
    }
    for (size_t i = 0; i < NODES; i++) {
        for (size_t j = 0; j < NODES; j++) {
            mcpz_sim_cut(sim, i, j, false);
        }
    }
    mcpz_sim_run(sim, mcpz_sim_now(sim) + MCPZ_SECONDS(120));
    for (size_t i = 0; i < increment_count; i++) {
        hits += mcpz_sim_reply(sim, increments[i]) == MCPZ_CODE_OK;
    }
    print_message("seed %" PRIu64 ": %" PRIu64 " acknowledged of %zu\n", seed, hits,
                  increment_count);
    for (size_t i = 0; i < NODES; i++) {
        for (size_t j = 0; j < NODES; j++) {
            CHECK(mcpz_sim_knows(sim, i, j));
        }
    }
    check_same_root(sim, NODES, "a");
    CHECK(mcpz_sim_counter(sim, 0, "a", "hits") >= (int64_t)hits);
    CHECK(mcpz_sim_counter(sim, 0, "a", "hits") <= (int64_t)increment_count);
    mcpz_sim_destroy(sim);
}

TEST(what_was_acknowledged_survives_any_storm)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        check_storm(seed);
    }
}

TEST(a_run_repeats_to_the_letter)
{
    struct mcpz_sim_config config = calm;
    struct mcpz_sim *sims[2];

    config.delay_max_us = MCPZ_MS(300);
    config.node_count = 4;
    for (size_t i = 0; i < 2; i++) {
        sims[i] = mcpz_sim_create(&config);
        mcpz_sim_start_all(sims[i]);
        mcpz_sim_kill(sims[i], 3);
        mcpz_sim_run(sims[i], MCPZ_SECONDS(30));
        mcpz_sim_start(sims[i], 3);
        mcpz_sim_run(sims[i], MCPZ_SECONDS(60));
    }
    CHECK_TEXT(mcpz_sim_trace(sims[0]), mcpz_sim_trace(sims[1]));
    mcpz_sim_destroy(sims[0]);
    mcpz_sim_destroy(sims[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(two_nodes_meet),
        RUN(three_nodes_come_to_the_same_view),
        RUN(a_killed_node_is_suspected_then_buried_and_comes_back),
        RUN(a_task_crosses),
        RUN(a_task_of_ones_own_takes_the_same_way),
        RUN(a_task_whose_provider_dies_moves_to_another),
        RUN(a_snapshot_merges_after_a_partition),
        RUN(what_a_full_disk_did_not_keep_was_not_promised),
        RUN(what_a_crash_kept_unsaid_is_whole_and_reaches_the_others),
        RUN(each_batch_that_fails_is_counted_once),
        RUN(a_mesh_larger_than_its_links_is_calm),
        RUN(a_hostile_member_loses_its_link_and_harms_nobody),
        RUN(a_node_that_pauses_for_a_moment_loses_nothing),
        RUN(a_node_that_pauses_for_long_is_buried_and_comes_back),
        RUN(a_link_that_flips_for_hours_does_not_use_up_the_network),
        RUN(what_was_acknowledged_survives_any_storm),
        RUN(a_run_repeats_to_the_letter),
    };
    if (mcpz_crypto_init() != MCPZ_OK) {
        return EXIT_FAILURE;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
