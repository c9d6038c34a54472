/*
 * How many of a kind of task to run at once: as many as do not make each other slow.
 *
 * How long a task took now is held against how long they take in the long run. Where it took
 * longer than that by half, there are too many at once, and the limit falls with the gradient;
 * else it grows by what may be queued without harm. Who does not use the limit does not move it.
 *
 * The limit is in 256ths, the long run's mean in 256ths of a microsecond. What took less than a
 * millisecond counts as one: below that it is our own turns that are measured.
 *
 * Source: Netflix's Gradient2Limit (protocols.md 4.3).
 */

#ifndef CORE_GRADIENT_H
#define CORE_GRADIENT_H

#include <stdint.h>

#include "base/time.h"

#define MCPZ_GRADIENT_INIT 20
#define MCPZ_GRADIENT_MIN 4
#define MCPZ_GRADIENT_MAX 1024

struct mcpz_gradient {
    uint32_t limit_q8;
    uint32_t samples; /* up to the end of the warm-up */
    uint64_t long_q8; /* us */
};

void mcpz_gradient_init(struct mcpz_gradient *gradient);

/** Run at most so many at once. */
uint32_t mcpz_gradient_limit(const struct mcpz_gradient *gradient);

/** A task took `took_us`; with it `running` were under way. */
void mcpz_gradient_sample(struct mcpz_gradient *gradient, mcpz_time took_us, uint32_t running);

#endif
