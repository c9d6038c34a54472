/* mcpz-sim run with thousands of nodes: printing for src/sim/fleet_story.h. */

#ifndef TOOLS_MCPZ_SIM_FLEET_H
#define TOOLS_MCPZ_SIM_FLEET_H

#include <stdbool.h>

#include "sim/fleet_story.h"

/** The story of that name; MCPZ_FLEET_STORIES_END: there is none. */
enum mcpz_fleet_story mcpz_sim_fleet_story(const char *name);

/** Say what stories there are. */
void mcpz_sim_fleet_help(void);

/** Run and print one. Returns the exit status. */
int mcpz_sim_fleet_run(const struct mcpz_fleet_options *options, bool json);

/** Play a schedule and print what came of it. Returns the exit status. */
int mcpz_sim_fleet_play(const struct mcpz_schedule *schedule, bool json);

/**
 * The standard set: every story, `seeds` times from seed `first` on, in a small fleet of several
 * zones, each for two minutes at most. Print what came about, and what never did. Returns the exit
 * status.
 */
int mcpz_sim_fleet_storms(uint64_t first, uint64_t seeds, bool json);

#endif
