/*
 * How long calls of one kind take: a histogram that forgets.
 *
 * Buckets grow by an eighth, from 16 us to more than an hour, so a quantile is at most an eighth
 * too high. When MCPZ_LATENCIES_FULL have been counted, all counts are halved: what it says is of
 * the last few thousand calls, and old news weighs ever less.
 */

#ifndef CORE_ROUTER_LATENCIES_H
#define CORE_ROUTER_LATENCIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define MCPZ_LATENCIES_BUCKETS 232 /* 29 doublings, in eighths */
#define MCPZ_LATENCIES_FULL 4096
#define MCPZ_LATENCIES_ENOUGH 20 /* before that, quantiles are unknown */

struct mcpz_latencies {
    uint16_t counts[MCPZ_LATENCIES_BUCKETS];
    uint32_t total;
};

void mcpz_latencies_init(struct mcpz_latencies *latencies);

void mcpz_latencies_add(struct mcpz_latencies *latencies, mcpz_time took_us);

/** What `permille` of them did not exceed; MCPZ_TIME_NEVER before there are enough. */
mcpz_time mcpz_latencies_quantile(const struct mcpz_latencies *latencies, uint32_t permille);

#endif
