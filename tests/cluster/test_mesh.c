#include "crypto/digest.h"
#include "meshes.h"
#include "wire/codec.h"

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

static const struct mcpz_fabric *fabric_of(struct mcpz_sim *sim, size_t index)
{
    return &node_of(sim, index)->fabric;
}

/* What people hear of a run from character `from` of its trace on: not what machines tell each
 * other, nor when a broadcast came. */
static const char *story(struct mcpz_sim *sim, size_t from)
{
    static const enum mcpz_fact_kind left_out[] = {
        MCPZ_FACT_GOSSIP_DELIVERED, MCPZ_FACT_LATE,    MCPZ_FACT_PROMPT,
        MCPZ_FACT_UNREACHABLE,      MCPZ_FACT_DIFFERS, MCPZ_FACT_PROBED,
    };
    static char text[4096];
    size_t used = 0;

    for (const char *line = mcpz_sim_trace(sim) + from; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        bool is_told = true;
        for (size_t i = 0; i < MCPZ_ARRAY_LEN(left_out); i++) {
            const char *word = mcpz_fact_word(left_out[i]);
            is_told = is_told && memcmp(line + length - strlen(word), word, strlen(word)) != 0;
        }
        if (is_told) {
            CHECK(used + length + 2 <= sizeof(text));
            memcpy(text + used, line, length + 1);
            used += length + 1;
        }
        line += length + (line[length] == '\n');
    }
    text[used] = '\0';
    return text;
}

/* A story with a fixed ending. */
TEST(two_nodes_meet)
{
    struct mcpz_sim *sim = sim_of(2);
    mcpz_sim_start(sim, 0);
    mcpz_sim_start(sim, 1);
    mcpz_sim_run(sim, MCPZ_SECONDS(3));

    CHECK_TEXT(story(sim, 0), "[   45] 0: 1 linked\n"
                              "[   55] 1: 0 linked\n"
                              "[   55] 1: 0 neighbour_up\n"
                              "[   65] 0: 1 neighbour_up\n"
                              "[   65] 0: 1 alive\n"
                              "[   75] 1: 0 alive\n");
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
        CHECK_UINT(fabric_of(sim, i)->links.count, 2);
        CHECK_UINT(fabric_of(sim, i)->overlay.active_count, 2);
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
    /* Both have lost it, and its machine says that nobody listens there. */
    CHECK_TEXT(story(sim, before), "[ 5010] 0: 2 unlinked\n"
                                   "[ 5010] 0: 2 neighbour_down\n"
                                   "[ 5010] 0: 2 suspect\n"
                                   "[ 5010] 1: 2 unlinked\n"
                                   "[ 5010] 1: 2 neighbour_down\n"
                                   "[ 5010] 1: 2 suspect\n"
                                   "[ 5317] 0: 2 dead\n"
                                   "[ 5327] 1: 2 dead\n");

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
        struct mcpz_sim *sim = start_mesh(&config);
        mcpz_sim_provide(sim, 1, "echo");
        mcpz_sim_provide(sim, 2, "echo");
        mcpz_sim_run(sim, MCPZ_SECONDS(7)); /* where the tree is broken that takes a second */
        uint64_t task = mcpz_sim_task(sim, 0, "echo", "1", 20000);
        mcpz_sim_run(sim, MCPZ_SECONDS(8));
        mcpz_sim_kill(sim, 1);
        mcpz_sim_run(sim, MCPZ_SECONDS(16));

        CHECK_UINT(mcpz_sim_reply(sim, task), MCPZ_CODE_OK);
        CHECK_TEXT(mcpz_sim_result(sim, task), "1");
        mcpz_sim_destroy(sim);
    }
}

/* Nodes that are not linked ask each other at the same moment: of their two links one stays, and
 * neither end takes the loss of the other for a loss of its peer. */
static void check_tasks_of_two_that_dial_each_other(uint64_t seed, mcpz_time delay_max_us)
{
    enum { NODES = 24 };
    struct mcpz_sim_config config = calm;
    config.node_count = NODES;
    config.seed = seed;
    config.delay_max_us = delay_max_us;
    struct mcpz_sim *sim = mcpz_sim_create(&config);
    uint64_t tasks[NODES];
    char names[NODES][8];
    size_t unlinked = 0;

    mcpz_sim_start_all(sim);
    for (size_t i = 0; i < NODES; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "cap%zu", i);
        mcpz_sim_provide(sim, i, names[i]);
    }
    mcpz_sim_run(sim, MCPZ_SECONDS(40));
    for (size_t i = 0; i < NODES; i++) {
        size_t other = (i + NODES / 2) % NODES;
        const struct mcpz_id *id = mcpz_engine_id(mcpz_sim_engine(sim, other));
        unlinked += mcpz_links_find(&fabric_of(sim, i)->links, id) == NULL;
        tasks[i] = mcpz_sim_task(sim, i, names[other], "1", 10000);
    }
    CHECK(unlinked > 0);
    size_t before = strlen(mcpz_sim_trace(sim));
    mcpz_sim_run(sim, MCPZ_SECONDS(41));
    CHECK(strstr(mcpz_sim_trace(sim) + before, "suspect") == NULL);
    mcpz_sim_run(sim, MCPZ_SECONDS(55));
    for (size_t i = 0; i < NODES; i++) {
        CHECK_UINT(mcpz_sim_reply(sim, tasks[i]), MCPZ_CODE_OK);
        CHECK_TEXT(mcpz_sim_result(sim, tasks[i]), "1");
    }
    mcpz_sim_destroy(sim);
}

TEST(tasks_of_two_that_dial_each_other_are_done)
{
    check_tasks_of_two_that_dial_each_other(1, MCPZ_MS(10));
    check_tasks_of_two_that_dial_each_other(2, MCPZ_MS(90));
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
    mcpz_sim_run_for(sim, MCPZ_MS(50));
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
        mcpz_sim_run_for(sim, MCPZ_MS(50));
    }

    const struct mcpz_counters *counters = mcpz_engine_counters(mcpz_sim_engine(sim, 0));
    CHECK(counters->batches_failed >= 10);
    CHECK(counters->batches_failed <= counters->batches);
    mcpz_sim_destroy(sim);
}

/* More members than neighbours: everybody hears of everybody, and nobody is suspected for it. */
TEST(a_mesh_larger_than_its_links_is_calm)
{
    enum { NODES = 24, NEIGHBOURS = 6 };
    struct mcpz_sim *sim = sim_of(NODES);
    mcpz_sim_start_all(sim);
    mcpz_sim_run(sim, MCPZ_SECONDS(120));

    for (size_t i = 0; i < NODES; i++) {
        for (size_t j = 0; j < NODES; j++) {
            CHECK(mcpz_sim_knows(sim, i, j));
        }
        CHECK(fabric_of(sim, i)->overlay.active_count >= 3);
        CHECK(fabric_of(sim, i)->overlay.active_count <= NEIGHBOURS);
    }
    CHECK(strstr(mcpz_sim_trace(sim), "suspect") == NULL);
    CHECK(strstr(mcpz_sim_trace(sim), "dead") == NULL);
    mcpz_sim_destroy(sim);
}

/* Links to other than neighbours are for calls and repairs, and there is nothing to repair. */
TEST(a_calm_mesh_keeps_few_links)
{
    enum { NODES = 24 };
    struct mcpz_sim *sim = sim_of(NODES);
    mcpz_sim_start_all(sim);
    mcpz_sim_run(sim, MCPZ_SECONDS(300));

    for (size_t i = 0; i < NODES; i++) {
        CHECK(fabric_of(sim, i)->links.count < NODES / 2);
    }
    mcpz_sim_destroy(sim);
}

/* A member that turned bad loses its link, and nobody else notices anything. */
TEST(a_hostile_member_loses_its_link_and_harms_nobody)
{
    static const uint8_t garbage[] = {0x00, 0xdf, 0xff, 0xff, 0xff, 0x7e};
    struct mcpz_sim *sim = sim_of(3);
    mcpz_sim_start_all(sim);
    mcpz_sim_provide(sim, 1, "echo");
    mcpz_sim_run(sim, MCPZ_SECONDS(7)); /* where the tree is broken that takes a second */

    CHECK(mcpz_sim_inject(sim, 2, 0, mcpz_bytes(garbage, sizeof(garbage))) != MCPZ_OK);
    CHECK_UINT(mcpz_engine_counters(mcpz_sim_engine(sim, 0))->refused_frame, 1);
    uint64_t task = mcpz_sim_task(sim, 0, "echo", "1", 5000);
    mcpz_sim_run(sim, MCPZ_SECONDS(9));
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
        mcpz_sim_run_for(sim, MCPZ_SECONDS(8));
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
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
        mcpz_sim_run_for(sim, MCPZ_MS(mcpz_rng_below(&rng, 4000)));
    }
    if (down != NODES) {
        mcpz_sim_start(sim, down);
    }
    for (size_t i = 0; i < NODES; i++) {
        for (size_t j = 0; j < NODES; j++) {
            mcpz_sim_cut(sim, i, j, false);
        }
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(120));
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
    for (uint64_t seed = 1; seed <= SEEDS_OF(20); seed++) {
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

/* ---- What a broadcast is called ----------------------------------------------------------- */

static struct mcpz_fabric alone;
static struct mcpz_outbox outbox;
static _Alignas(16) uint8_t memory[262144];

static size_t pack(const struct mcpz_msg *msg, uint8_t *buffer, size_t capacity)
{
    size_t length = 0;
    return mcpz_msg_encode(msg, buffer, capacity, &length) == MCPZ_OK ? length : 0;
}

static void set_up_alone(void)
{
    const struct mcpz_fabric_config config = {
        .members = {.id = {.bytes = {1}}, .rows_max = 8, .text_bytes = 2048, .suspicions_max = 4},
        .packer = {.pack = pack},
        .links_max = 4,
        .dials_max = 1,
        .seeds_max = 1,
        .gossip_seen_max = 16,
        .gossip_cache_max = 4,
        .gossip_cache_bytes = 1024,
        .gossip_missing_max = 4,
        .gossip_notices_max = 4,
    };

    CHECK(mcpz_fabric_bytes(&config) <= sizeof(memory));
    mcpz_outbox_init(&outbox);
    memset(memory, 0, sizeof(memory));
    mcpz_fabric_init(&alone, &config, memory, 0);
}

/* How many broadcasts the two make. */
static uint64_t count_broadcasts(const struct mcpz_msg *first, const struct mcpz_msg *second)
{
    set_up_alone();
    mcpz_outbox_broadcast(&outbox, NULL, first);
    mcpz_outbox_broadcast(&outbox, NULL, second);
    mcpz_fabric_sink(&alone, 0, &outbox, 0);
    CHECK_UINT(alone.unreadable, 0);
    return alone.plumtree.cache.added;
}

static const struct mcpz_id ann = {.bytes = {2}};
static const struct mcpz_id ben = {.bytes = {3}};

static struct mcpz_msg news(uint64_t incarnation)
{
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_MEMBER,
        .member = {.id = ann, .incarnation = incarnation, .state = MCPZ_MEMBER_ALIVE}};
}

static struct mcpz_msg neighbours(uint32_t version)
{
    return (struct mcpz_msg){.kind = MCPZ_MSG_ADJACENCY,
                             .adjacency = {.id = ann, .version = version}};
}

static struct mcpz_msg offers(uint32_t version)
{
    return (struct mcpz_msg){.kind = MCPZ_MSG_CAPABILITIES,
                             .capabilities = {.id = ann, .version = version}};
}

static struct mcpz_msg death(const struct mcpz_id *about, uint64_t incarnation,
                             const struct mcpz_id *observer)
{
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_DEAD,
        .dead = {.about = *about, .incarnation = incarnation, .observer = *observer}};
}

static struct mcpz_msg doubt(void)
{
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_SUSPECT,
        .suspect = {.about = ann, .observer = ben, .reason = MCPZ_SUSPICION_LATE}};
}

/* Several nodes that hand on the same news make one broadcast of it. */
TEST(the_same_news_is_one_broadcast)
{
    const struct {
        struct mcpz_msg first, second;
        uint64_t count;
    } table[] = {
        {news(1), news(1), 1},
        {news(1), news(2), 2},
        {neighbours(1), neighbours(1), 1},
        {neighbours(1), neighbours(2), 2},
        {offers(1), offers(1), 1},
        {offers(1), offers(2), 2},
        {death(&ann, 1, &ann), death(&ann, 1, &ben), 1}, /* whoever says it */
        {death(&ann, 1, &ben), death(&ann, 2, &ben), 2},
        {death(&ann, 1, &ben), death(&ben, 1, &ben), 2},
        {doubt(), doubt(), 2}, /* it may be doubted again in the same words */
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(table); i++) {
        uint64_t count = count_broadcasts(&table[i].first, &table[i].second);
        if (count != table[i].count) {
            print_error("row %zu\n", i);
        }
        CHECK_UINT(count, table[i].count);
    }
}

/* ---- Leaving ------------------------------------------------------------------------------ */

/* Who was told of a member that has left, and holds it for something else. */
static size_t count_misled(struct mcpz_sim *sim, size_t left)
{
    const struct mcpz_id *id = mcpz_engine_id(mcpz_sim_engine(sim, left));
    size_t misled = 0;

    for (size_t i = 0; i < left; i++) {
        const struct mcpz_member *row = mcpz_members_find(&fabric_of(sim, i)->members, id);
        misled += row != NULL && row->state != MCPZ_MEMBER_LEFT;
    }
    return misled;
}

/* It closes its links at once. At whatever moment it goes, also while broadcasts still find their
 * tree: who hears that a node is there hears that it has left. */
TEST(who_leaves_is_known_to_have_left_by_everybody)
{
    for (uint64_t seed = 1; seed <= SEEDS_OF(60); seed++) {
        struct mcpz_sim_config config = calm;
        config.node_count = 5;
        config.seed = seed;
        config.delay_min_us = 50;
        config.delay_max_us = MCPZ_MS(5);
        config.disk_us = 300;
        struct mcpz_sim *sim = mcpz_sim_create(&config);
        for (size_t i = 0; i < 4; i++) {
            mcpz_sim_start(sim, i);
        }
        mcpz_sim_run(sim, MCPZ_SECONDS(8));
        mcpz_sim_start(sim, 4);
        while (!mcpz_sim_holds_alive(sim, 0, 4)) {
            mcpz_sim_run_for(sim, MCPZ_MS(1));
        }
        mcpz_sim_run_for(sim, MCPZ_MS(1) * (seed % 40));
        mcpz_sim_depart(sim, 4);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
        CHECK_UINT(count_misled(sim, 4), 0);
        mcpz_sim_destroy(sim);
    }
}

MESH_MAIN(RUN(two_nodes_meet), RUN(three_nodes_come_to_the_same_view),
          RUN(a_killed_node_is_suspected_then_buried_and_comes_back), RUN(a_task_crosses),
          RUN(a_task_of_ones_own_takes_the_same_way),
          RUN(a_task_whose_provider_dies_moves_to_another),
          RUN(tasks_of_two_that_dial_each_other_are_done),
          RUN(a_snapshot_merges_after_a_partition),
          RUN(what_a_full_disk_did_not_keep_was_not_promised),
          RUN(what_a_crash_kept_unsaid_is_whole_and_reaches_the_others),
          RUN(each_batch_that_fails_is_counted_once), RUN(a_mesh_larger_than_its_links_is_calm),
          RUN(a_calm_mesh_keeps_few_links), RUN(a_hostile_member_loses_its_link_and_harms_nobody),
          RUN(a_node_that_pauses_for_a_moment_loses_nothing),
          RUN(a_node_that_pauses_for_long_is_buried_and_comes_back),
          RUN(a_link_that_flips_for_hours_does_not_use_up_the_network),
          RUN(what_was_acknowledged_survives_any_storm), RUN(a_run_repeats_to_the_letter),
          RUN(the_same_news_is_one_broadcast), RUN(who_leaves_is_known_to_have_left_by_everybody))
