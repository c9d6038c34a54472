/*
 * Schedules of fleets: what a story did to its fleet, as lines a person can read, edit and delete
 * (sim/schedule.h), played again, and made small.
 *
 *   all join and agree | the lines, `end_ms` long | liveness phase, as of a story
 *
 * Nodes are joined by the seed alone, and so is what happens in the end: the schedule of a story
 * that is played gives the same trace, to the last event. What a story measures against a bound is
 * a line too (agree, whole, failed, spare), and to miss it is a violation here.
 *
 * A line for which a node or a cut is not in the state does nothing, so that any subset of a
 * schedule is one.
 */

#ifndef SIM_FLEET_SCHEDULE_H
#define SIM_FLEET_SCHEDULE_H

#include "sim/fleet_story.h"

/** Play it. `looks` says what to call meanwhile (its context and progress); may be NULL. */
void mcpz_fleet_play(const struct mcpz_schedule *schedule, const struct mcpz_fleet_options *looks,
                     struct mcpz_fleet_report *report);

/**
 * Take away all that the failure of `schedule` does not need (sim/shrink.h). What is left violates
 * the same, up to the first colon of its words. Returns how many runs it took, 0 if nothing is
 * violated.
 */
size_t mcpz_fleet_shrink(struct mcpz_schedule *schedule);

#endif
