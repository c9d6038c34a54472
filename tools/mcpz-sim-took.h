/* What a run takes of real time, and of the processor: the second says how fast we are, whoever
 * else is on the machine. */

#ifndef MCPZ_SIM_TOOK_H
#define MCPZ_SIM_TOOK_H

struct mcpz_sim_took {
    double wall_s;
    double cpu_s;
};

/** What clock and processor say now. */
struct mcpz_sim_took mcpz_sim_took_so_far(void);

/** What has passed since. */
struct mcpz_sim_took mcpz_sim_took_since(struct mcpz_sim_took began);

#endif
