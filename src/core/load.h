/*
 * How loaded a provider is with one capability, as it tells its callers.
 *
 * Two signals, after Prequal (Wydrowski et al., NSDI 2024, section 4): requests in flight (RIF),
 * and the median time that recent ones took which arrived at about as many in flight as there are
 * now. The first follows a change at once; the second says how fast this machine is.
 *
 * The estimate wants MCPZ_LOAD_SAMPLES_MIN of the last MCPZ_LOAD_SAMPLES_MAX completions, from
 * the last MCPZ_LOAD_AGE_US, at RIF within 1 of ours; where there are too few, the window widens
 * fourfold until it takes in all (protocols.md 4.4). What failed is no sample: a provider that
 * fails at once would seem fast.
 */

#ifndef CORE_LOAD_H
#define CORE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define MCPZ_LOAD_SAMPLES_MAX 64
#define MCPZ_LOAD_SAMPLES_MIN 5
#define MCPZ_LOAD_AGE_US MCPZ_SECONDS(5)

struct mcpz_load_sample {
    mcpz_time at_us;     /* when it ended */
    uint32_t latency_us; /* 0: no sample */
    uint32_t rif;        /* in flight when it arrived, itself not counted */
};

struct mcpz_load {
    uint32_t rif;
    uint32_t next; /* where the next sample goes */
    struct mcpz_load_sample samples[MCPZ_LOAD_SAMPLES_MAX];
    /* The last answer, which is good for a millisecond at about this RIF. */
    mcpz_time told_us;
    uint32_t told_rif;
    uint32_t told_latency_us;
    bool told;
};

/* What is said of it. */
struct mcpz_load_report {
    uint32_t rif;
    uint32_t latency_us; /* 0: unknown */
};

/** Start idle and without a sample. */
void mcpz_load_init(struct mcpz_load *load);

/** One arrives. Returns the RIF at its arrival, which mcpz_load_end() wants back. */
uint32_t mcpz_load_begin(struct mcpz_load *load);

/** One that arrived at `started_us` and that RIF has ended; `well`: it is a sample. */
void mcpz_load_end(struct mcpz_load *load, mcpz_time now, mcpz_time started_us, uint32_t rif,
                   bool well);

/** What there is to say now. */
struct mcpz_load_report mcpz_load_report(struct mcpz_load *load, mcpz_time now);

#endif
