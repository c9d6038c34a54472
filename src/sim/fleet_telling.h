/* A story while it is told: for sim/fleet_story.c and sim/fleet_swarm.c only. */

#ifndef SIM_FLEET_TELLING_H
#define SIM_FLEET_TELLING_H

#include "base/rng.h"
#include "sim/fleet_story.h"

struct mcpz_fleet_telling {
    const struct mcpz_fleet_options *options;
    struct mcpz_fleet_report *report;
    struct mcpz_fleet *fleet;
    struct mcpz_rng rng;
    const char *phase;
    mcpz_time check_at_us;
    mcpz_time minutes_us;
};

/** Let time pass, and look every second. False: something was violated, now or before. */
bool mcpz_fleet_pass(struct mcpz_fleet_telling *telling, mcpz_time for_us);

/** Note a number. `what` lasts for ever. */
void mcpz_fleet_note(struct mcpz_fleet_telling *telling, const char *what, double value,
                     double bound);

/** A running node by lot; node_count if none is found. */
size_t mcpz_fleet_any_running(struct mcpz_fleet_telling *telling);

/** fleet_swarm.c: faults of all kinds for so long. */
void mcpz_fleet_swarm(struct mcpz_fleet_telling *telling, mcpz_time for_us);

#endif
