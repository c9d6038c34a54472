/*
 * Feed any bytes, as a frame of an admitted member, to a node that lives in a mesh of two with
 * tasks and agents under way. Whatever they are, the node goes on: it answers a task afterwards.
 */

#include <stdlib.h>

#include "crypto/identity.h"
#include "proto/code.h"
#include "sim/sim.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define RUNS_PER_MESH 500 /* then a new one: a run's memory of requests is bounded */

static struct mcpz_sim *sim;
static size_t run_count;

static void start(void)
{
    struct mcpz_sim_config config = {
        .node_count = 2,
        .seed = 1,
        .delay_min_us = MCPZ_MS(1),
        .delay_max_us = MCPZ_MS(1),
        .disk_us = MCPZ_MS(1),
        .run_us = MCPZ_MS(1),
    };

    if (mcpz_crypto_init() != MCPZ_OK) {
        abort();
    }
    sim = mcpz_sim_create(&config);
    mcpz_sim_start_all(sim);
    mcpz_sim_provide(sim, 0, "echo");
    (void)mcpz_sim_write(sim, 0, "a", &(struct mcpz_sim_op){.op = MCPZ_AGENT_CREATE});
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (run_count++ % RUNS_PER_MESH == 0) {
        if (sim != NULL) {
            mcpz_sim_destroy(sim);
        }
        start();
    }
    (void)mcpz_sim_inject(sim, 1, 0, mcpz_bytes(bytes, length));
    uint64_t task = mcpz_sim_task(sim, 0, "echo", "1", 1000);
    mcpz_sim_run_for(sim, MCPZ_MS(10));
    if (mcpz_sim_reply(sim, task) != MCPZ_CODE_OK) {
        abort();
    }
    return 0;
}
