/* Who keeps agents where there is a layout, and what a write that waits for its owners promises.
 */

#include "core/node.h"
#include "crypto/identity.h"
#include "proto/code.h"
#include "sim/sim.h"
#include "test.h"

#define NODES 5

static const size_t everybody[] = {0, 1, 2, 3, 4};

static struct mcpz_sim *sim_of(uint64_t seed)
{
    const struct mcpz_sim_config config = {
        .node_count = NODES,
        .seed = seed,
        .delay_min_us = MCPZ_MS(5),
        .delay_max_us = MCPZ_MS(20),
        .disk_us = MCPZ_MS(5),
        .run_us = MCPZ_MS(50),
    };
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    struct mcpz_sim *sim = mcpz_sim_create(&config);

    mcpz_sim_start_all(sim);
    mcpz_sim_run(sim, MCPZ_SECONDS(30));
    return sim;
}

static void run_for(struct mcpz_sim *sim, mcpz_time for_us)
{
    mcpz_sim_run(sim, mcpz_sim_now(sim) + for_us);
}

static uint64_t write(struct mcpz_sim *sim, size_t node, const char *agent, const char *value,
                      enum mcpz_ack_level ack)
{
    const struct mcpz_sim_op op = {
        .op = value == NULL ? MCPZ_AGENT_CREATE : MCPZ_AGENT_ADD, .path = "set", .value = value};

    return mcpz_sim_write_waiting(sim, node, agent, &op, ack, 2000);
}

/* The first owner of an agent, and the first node that is none. */
static size_t owner_of(struct mcpz_sim *sim, const char *agent, bool owner)
{
    size_t node = 0;

    while (mcpz_sim_owns(sim, node, agent) != owner) {
        CHECK(++node < NODES);
    }
    return node;
}

static size_t count_with(struct mcpz_sim *sim, const char *agent, const char *value)
{
    size_t count = 0;

    for (size_t i = 0; i < NODES; i++) {
        count += mcpz_sim_engine(sim, i) != NULL && mcpz_sim_owns(sim, i, agent) &&
                         mcpz_sim_has(sim, i, agent, "set", value)
                     ? 1
                     : 0;
    }
    return count;
}

TEST(without_a_layout_any_members_count)
{
    struct mcpz_sim *sim = sim_of(1);
    const uint64_t made = write(sim, 2, "a", NULL, MCPZ_ACK_ALL);

    run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, made), MCPZ_CODE_OK);
    CHECK_UINT(mcpz_sim_task_copies(sim, made), 3);
    mcpz_sim_destroy(sim);
}

TEST(a_write_that_was_answered_is_on_a_quorum_of_its_owners)
{
    struct mcpz_sim *sim = sim_of(2);
    uint64_t applied = mcpz_sim_layout(sim, everybody, NODES, 3);

    run_for(sim, MCPZ_SECONDS(2));
    CHECK_UINT(mcpz_sim_reply(sim, applied), MCPZ_CODE_OK);
    const size_t owner = owner_of(sim, "a", true);
    const uint64_t made = write(sim, owner, "a", NULL, MCPZ_ACK_QUORUM);
    run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, made), MCPZ_CODE_OK);
    const uint64_t added = write(sim, owner, "a", "x", MCPZ_ACK_ALL);
    run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, added), MCPZ_CODE_OK);
    CHECK_UINT(mcpz_sim_task_copies(sim, added), 3);
    CHECK_UINT(count_with(sim, "a", "x"), 3);
    mcpz_sim_destroy(sim);
}

TEST(what_was_not_reached_in_time_is_said_and_the_write_stays)
{
    struct mcpz_sim *sim = sim_of(3);

    (void)mcpz_sim_layout(sim, everybody, NODES, 3);
    run_for(sim, MCPZ_SECONDS(2));
    const size_t owner = owner_of(sim, "a", true);
    (void)write(sim, owner, "a", NULL, MCPZ_ACK_ALL);
    run_for(sim, MCPZ_SECONDS(1));
    size_t other = owner + 1;
    while (!mcpz_sim_owns(sim, other, "a")) {
        other++;
    }
    mcpz_sim_kill(sim, other);

    const uint64_t quorum = write(sim, owner, "a", "q", MCPZ_ACK_QUORUM);
    const uint64_t all = write(sim, owner, "a", "y", MCPZ_ACK_ALL);
    run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, quorum), MCPZ_CODE_OK);
    CHECK(mcpz_sim_reply(sim, all) == -1);
    run_for(sim, MCPZ_SECONDS(2));
    CHECK_UINT(mcpz_sim_reply(sim, all), MCPZ_CODE_TIMEOUT);
    CHECK_UINT(mcpz_sim_task_copies(sim, all), 2);
    CHECK_UINT(count_with(sim, "a", "y"), 2);

    mcpz_sim_start(sim, other);
    run_for(sim, MCPZ_SECONDS(60));
    CHECK_UINT(count_with(sim, "a", "y"), 3);
    mcpz_sim_destroy(sim);
}

TEST(an_owner_that_was_cut_off_says_so_when_it_is_back_in_time)
{
    struct mcpz_sim *sim = sim_of(4);

    (void)mcpz_sim_layout(sim, everybody, NODES, 3);
    run_for(sim, MCPZ_SECONDS(2));
    const size_t owner = owner_of(sim, "a", true);
    (void)write(sim, owner, "a", NULL, MCPZ_ACK_ALL);
    run_for(sim, MCPZ_SECONDS(1));
    for (size_t i = 0; i < NODES; i++) {
        if (i != owner) {
            mcpz_sim_cut(sim, owner, i, true);
        }
    }
    const uint64_t added = write(sim, owner, "a", "x", MCPZ_ACK_ALL);
    run_for(sim, MCPZ_SECONDS(1));
    CHECK(mcpz_sim_reply(sim, added) == -1);
    for (size_t i = 0; i < NODES; i++) {
        if (i != owner) {
            mcpz_sim_cut(sim, owner, i, false);
        }
    }
    run_for(sim, MCPZ_MS(900));
    CHECK_UINT(mcpz_sim_reply(sim, added), MCPZ_CODE_OK);
    CHECK_UINT(count_with(sim, "a", "x"), 3);
    mcpz_sim_destroy(sim);
}

TEST(who_is_no_owner_hands_what_it_writes_to_them)
{
    struct mcpz_sim *sim = sim_of(5);

    (void)mcpz_sim_layout(sim, everybody, NODES, 2);
    run_for(sim, MCPZ_SECONDS(2));
    const size_t stranger = owner_of(sim, "a", false);
    const uint64_t made = write(sim, stranger, "a", NULL, MCPZ_ACK_ALL);
    const uint64_t added = write(sim, stranger, "a", "x", MCPZ_ACK_ALL);
    run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, made), MCPZ_CODE_OK);
    CHECK_UINT(mcpz_sim_reply(sim, added), MCPZ_CODE_OK);
    CHECK_UINT(mcpz_sim_task_copies(sim, added), 2);
    CHECK_UINT(count_with(sim, "a", "x"), 2);
    mcpz_sim_destroy(sim);
}

TEST(a_layout_settles_and_who_comes_gets_what_is_its)
{
    static const size_t four[] = {0, 1, 2, 3};
    static const size_t others[] = {1, 2, 3, 4};
    struct mcpz_sim *sim = sim_of(6);
    char agent[] = "a0";

    (void)mcpz_sim_layout(sim, four, 4, 3);
    run_for(sim, MCPZ_SECONDS(20));
    for (size_t i = 0; i < NODES; i++) {
        CHECK(mcpz_sim_layout_is_settled(sim, i));
    }
    for (char c = '0'; c <= '9'; c++) {
        agent[1] = c;
        const size_t owner = owner_of(sim, agent, true);
        (void)write(sim, owner, agent, NULL, MCPZ_ACK_ALL);
        (void)write(sim, owner, agent, "x", MCPZ_ACK_ALL);
    }
    run_for(sim, MCPZ_SECONDS(2));
    (void)mcpz_sim_layout(sim, others, 4, 3);
    run_for(sim, MCPZ_SECONDS(30));
    for (size_t i = 0; i < NODES; i++) {
        CHECK(mcpz_sim_layout_is_settled(sim, i));
    }
    for (char c = '0'; c <= '9'; c++) {
        agent[1] = c;
        CHECK(!mcpz_sim_owns(sim, 0, agent));
        CHECK_UINT(count_with(sim, agent, "x"), 3);
    }
    CHECK(mcpz_engine_node(mcpz_sim_engine(sim, 4))->keeping.puller.documents_lacked > 0);
    mcpz_sim_destroy(sim);
}

TEST_MAIN(RUN(a_layout_settles_and_who_comes_gets_what_is_its),
          RUN(without_a_layout_any_members_count),
          RUN(a_write_that_was_answered_is_on_a_quorum_of_its_owners),
          RUN(what_was_not_reached_in_time_is_said_and_the_write_stays),
          RUN(an_owner_that_was_cut_off_says_so_when_it_is_back_in_time),
          RUN(who_is_no_owner_hands_what_it_writes_to_them))
