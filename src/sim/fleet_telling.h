/*
 * What all stories of a fleet have in common while they are told, and schedules that are played:
 * how they begin and end, how time passes, what is measured. For the files of sim/fleet_*.c only.
 */

#ifndef SIM_FLEET_TELLING_H
#define SIM_FLEET_TELLING_H

#include "base/rng.h"
#include "sim/fleet_story.h"

#define MCPZ_FLEET_LOOK_US MCPZ_MS(250) /* how closely we look for views that agree */
#define MCPZ_FLEET_STEADY_US MCPZ_SECONDS(30)
#define MCPZ_FLEET_SETTLE_S 120 /* views that are not correct then are not waited for */

struct mcpz_fleet_telling {
    const struct mcpz_fleet_options *options;
    struct mcpz_fleet_report *report;
    uint64_t seed;
    mcpz_time minutes_us;
    struct mcpz_fleet *fleet; /* this and what follows is filled in by mcpz_fleet_open() */
    struct mcpz_rng rng;
    const char *phase;
    mcpz_time check_at_us;
    mcpz_time stands_us; /* since when all have joined: time 0 of a schedule */
};

/** Make a fleet, let all join and agree. Something may be violated already. */
void mcpz_fleet_open(struct mcpz_fleet_telling *telling, const struct mcpz_fleet_config *config);

/** The liveness phase, unless something was violated. Fill in the report; the fleet is gone. */
void mcpz_fleet_close(struct mcpz_fleet_telling *telling);

/** Let time pass, and look every second. False: something was violated, now or before. */
bool mcpz_fleet_pass(struct mcpz_fleet_telling *telling, mcpz_time for_us);

/** Note a number. `what` lasts for ever. */
void mcpz_fleet_note(struct mcpz_fleet_telling *telling, const char *what, double value,
                     double bound);

/** Let time pass until every view is correct, and note how long that took. */
void mcpz_fleet_note_until_correct(struct mcpz_fleet_telling *telling, const char *what,
                                   double bound);

/** A running node by lot; node_count if none is found. */
size_t mcpz_fleet_any_running(struct mcpz_fleet_telling *telling);

/** Start all that do not run. */
void mcpz_fleet_restart_all(struct mcpz_fleet_telling *telling);

/* What has been counted since a moment. */
struct mcpz_fleet_rate {
    uint64_t counters[MCPZ_FLEET_COUNTERS_END];
    mcpz_time since_us;
};

void mcpz_fleet_begin_rate(const struct mcpz_fleet_telling *telling, struct mcpz_fleet_rate *rate);

/** Since then, by node and second; and in all. */
double mcpz_fleet_read_rate(const struct mcpz_fleet_telling *telling,
                            const struct mcpz_fleet_rate *rate, enum mcpz_fleet_counter counter);
double mcpz_fleet_since(const struct mcpz_fleet_telling *telling,
                        const struct mcpz_fleet_rate *rate, enum mcpz_fleet_counter counter);

/** fleet_swarm.c: faults of all kinds for so long. */
void mcpz_fleet_swarm(struct mcpz_fleet_telling *telling, mcpz_time for_us);

/* fleet_schedule.c: what is done is noted, if the options want that. */

/** All that is done to the fleet from now on, until mcpz_fleet_end_schedule(). */
void mcpz_fleet_begin_schedule(struct mcpz_fleet_telling *telling,
                               const struct mcpz_fleet_config *config);
void mcpz_fleet_end_schedule(struct mcpz_fleet_telling *telling);

/** A bound that the story has from now on: a verb that must hold, and its arguments. A negative
 * `first`: there is none. */
void mcpz_fleet_must(struct mcpz_fleet_telling *telling, enum mcpz_fleet_verb verb, double first,
                     uint64_t second);

#endif
