/* Owners that are no neighbours: what one of them has missed for ever comes from another. */

#include "meshes.h"

static size_t node_count;

static struct mcpz_sim *sim_with_layout(uint64_t seed, size_t nodes)
{
    const struct mcpz_sim_config config = apart_config(seed, nodes);
    struct mcpz_sim *sim = start_mesh(&config);

    node_count = nodes;
    mcpz_sim_run_for(sim, MCPZ_SECONDS(30));
    lay_out_all(sim, nodes, 3);
    return sim;
}

static bool are_neighbours(struct mcpz_sim *sim, size_t a, size_t b)
{
    return mcpz_overlay_is_neighbour(&node_of(sim, a)->fabric.overlay,
                                     mcpz_engine_id(mcpz_sim_engine(sim, b)));
}

/* An agent of whose three owners the last is no neighbour of the others. */
static void find_agent(struct mcpz_sim *sim, char name[16], size_t owners[3])
{
    for (size_t n = 0;; n++) {
        size_t count = 0;
        (void)snprintf(name, 16, "agent-%zu", n);
        for (size_t i = 0; i < node_count; i++) {
            if (mcpz_sim_owns(sim, i, name)) {
                CHECK(count < 3);
                owners[count++] = i;
            }
        }
        if (!are_linked(sim, owners[0], owners[2]) && !are_linked(sim, owners[1], owners[2])) {
            return;
        }
        CHECK(n < 1000);
    }
}

/* `value` NULL: it is made. */
static uint64_t write(struct mcpz_sim *sim, size_t node, const char *agent, const char *value,
                      enum mcpz_ack_level ack)
{
    const struct mcpz_sim_op op = {
        .op = value == NULL ? MCPZ_AGENT_CREATE : MCPZ_AGENT_ADD, .path = "set", .value = value};

    return mcpz_sim_write_waiting(sim, node, agent, &op, ack, 5000);
}

/* The write is under way to an owner when the two are parted, and then its author is gone. */
TEST(what_an_author_that_is_gone_did_not_bring_comes_from_another_owner)
{
    struct mcpz_sim *sim = sim_with_layout(33, 24);
    size_t owners[3];
    char agent[16];

    mcpz_sim_run_for(sim, MCPZ_SECONDS(400)); /* links that the layout made are closed */
    find_agent(sim, agent, owners);
    const uint64_t made = write(sim, owners[0], agent, NULL, MCPZ_ACK_ALL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    CHECK_UINT(mcpz_sim_reply(sim, made), MCPZ_CODE_OK);
    CHECK(are_linked(sim, owners[0], owners[2]));

    mcpz_sim_cut(sim, owners[0], owners[2], true);
    const uint64_t written = write(sim, owners[0], agent, "x", MCPZ_ACK_ASYNC);
    mcpz_sim_run_for(sim, MCPZ_MS(200));
    CHECK_UINT(mcpz_sim_reply(sim, written), MCPZ_CODE_OK);
    CHECK(mcpz_sim_has(sim, owners[1], agent, "set", "x"));
    CHECK(!mcpz_sim_has(sim, owners[2], agent, "set", "x"));
    CHECK_UINT(node_of(sim, owners[0])->keeping.hints.count,
               0); /* nobody knows that it lacks it */
    mcpz_sim_kill(sim, owners[0]);
    for (size_t i = 0; !mcpz_sim_has(sim, owners[2], agent, "set", "x"); i++) {
        CHECK(i < 80); /* two have a turn, every 36 s at most */
        mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    }
    CHECK(!are_neighbours(sim, owners[1], owners[2]));
    mcpz_sim_destroy(sim);
}

static uint64_t turns(struct mcpz_engine *engine)
{
    return mcpz_engine_node(engine)->keeping.rounds.turns;
}

#define IDLE_SECONDS 300

/* As many nodes as a test has time for; MCPZ_ROUNDS_NODES=50 for the figure of issue 6. */
TEST(at_rest_that_takes_little)
{
    const char *given = getenv("MCPZ_ROUNDS_NODES");
    const size_t nodes = given != NULL ? strtoull(given, NULL, 10) : 12;
    struct mcpz_sim *sim = sim_with_layout(32, nodes);
    char name[32];

    for (size_t i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof(name), "agent-%zu", i);
        const struct mcpz_sim_op op = {.op = MCPZ_AGENT_CREATE};
        (void)mcpz_sim_write(sim, i % nodes, name, &op);
        mcpz_sim_run_for(sim, i % 16 == 0 ? MCPZ_MS(5) : 0);
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(400));
    const uint64_t sent = sum_of(sim, nodes, bytes_out);
    const uint64_t turns_before = sum_of(sim, nodes, turns);
    const uint64_t equal = sum_of(sim, nodes, comparisons);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(IDLE_SECONDS));
    const uint64_t each = (sum_of(sim, nodes, bytes_out) - sent) / (nodes * IDLE_SECONDS);

    if (given != NULL) {
        printf("%zu nodes at rest: %d B/s a node, %d turns, %d comparisons\n", nodes, (int)each,
               (int)(sum_of(sim, nodes, turns) - turns_before),
               (int)(sum_of(sim, nodes, comparisons) - equal));
    }
    CHECK(sum_of(sim, nodes, turns) - turns_before >= nodes * IDLE_SECONDS / 40);
    CHECK(each <= 2000); /* all that a node says */
    mcpz_sim_destroy(sim);
}

MESH_MAIN(RUN(what_an_author_that_is_gone_did_not_bring_comes_from_another_owner),
          RUN(at_rest_that_takes_little))
