/*
 * Runs a schedule: first with its faults, then with all healed and started, and watches that what
 * must hold holds.
 *
 *   start all, 5 s | safety phase: the lines, `end_ms` long | liveness phase, until all holds,
 *                                                             MCPZ_STORM_LIVENESS_MS at most
 *
 * A run is a function of its schedule: the same one twice gives the same trace, to the letter.
 *
 * Source: TigerBeetle's VOPR (safety, then liveness).
 */

#ifndef SIM_STORM_H
#define SIM_STORM_H

#include "sim/check.h"
#include "sim/schedule.h"

#define MCPZ_STORM_LIVENESS_MS 180000

struct mcpz_storm_options {
    void *context;
    /** Called every virtual second. May be NULL. */
    void (*progress)(void *context, uint64_t at_ms, uint64_t end_ms);
    /** Where the trace goes in the end. May be NULL. */
    FILE *trace;
    /** What lies on the disks is sealed. It makes no difference to the trace. */
    bool sealed;
    /** What tests declare a failure when it happens. May be NULL. */
    bool (*forbids)(const struct mcpz_schedule_line *line);
};

struct mcpz_storm_report {
    enum mcpz_invariant violated; /* NONE: all is well */
    uint64_t violated_ms;         /* on the schedule's clock */
    char words[MCPZ_CHECK_WORDS_BYTES];
    uint64_t trace_hash;
    uint64_t virtual_ms; /* the whole run */
    uint64_t healed_ms;  /* from the end of the safety phase until all held */
    uint64_t steps;      /* events the cores took in */
    uint64_t sometimes[MCPZ_SOMETIMES_END];
};

/** Run it. `options` may be NULL. */
void mcpz_storm_run(const struct mcpz_schedule *schedule, const struct mcpz_storm_options *options,
                    struct mcpz_storm_report *report);

/**
 * Take away all that the failure of `schedule` does not need (sim/shrink.h). What is left violates
 * the same invariant in the same way, of the same request, document or node. Returns how many runs
 * it took, 0 if `schedule` does not fail.
 */
size_t mcpz_storm_shrink(struct mcpz_schedule *schedule, const struct mcpz_storm_options *options);
#endif
