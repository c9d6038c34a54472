#include "core/gate/gradient.h"

#include <assert.h>

#define ONE_Q8 256
#define LONG_WINDOW 600     /* samples of the long run */
#define WARM_UP 10          /* samples whose plain mean begins it */
#define TOLERANCE_Q8 384    /* 1.5 */
#define GRADIENT_MIN_Q8 128 /* 0.5 */
#define QUEUE 4             /* may stand in line without harm */
#define SMOOTHING_PART 5    /* one in five: 0.2 */
#define DRIFT 2             /* a long run so many times what is now has been misled */
#define TOOK_MIN_US 1000    /* below that it is our own turns that are measured */
#define TOOK_MAX_US MCPZ_SECONDS(3600)

void mcpz_gradient_init(struct mcpz_gradient *gradient)
{
    *gradient = (struct mcpz_gradient){.limit_q8 = MCPZ_GRADIENT_INIT * ONE_Q8};
}

uint32_t mcpz_gradient_limit(const struct mcpz_gradient *gradient)
{
    return gradient->limit_q8 / ONE_Q8;
}

/* A plain mean at first, then an exponential one (factor 2 / (n + 1)). */
static void learn(struct mcpz_gradient *gradient, uint64_t took_q8)
{
    if (gradient->samples < WARM_UP) {
        uint64_t sum = gradient->long_q8 * gradient->samples + took_q8;
        gradient->long_q8 = sum / ++gradient->samples;
        return;
    }
    uint64_t sum = gradient->long_q8 * (LONG_WINDOW - 1) + took_q8 * 2;
    gradient->long_q8 = sum / (LONG_WINDOW + 1);
    if (gradient->long_q8 > DRIFT * took_q8) {
        gradient->long_q8 -= gradient->long_q8 / 20;
    }
}

void mcpz_gradient_sample(struct mcpz_gradient *gradient, mcpz_time took_us, uint32_t running)
{
    took_us = took_us > TOOK_MIN_US ? mcpz_time_min(took_us, TOOK_MAX_US) : TOOK_MIN_US;
    const uint64_t took_q8 = took_us * ONE_Q8;

    learn(gradient, took_q8);
    if (running < mcpz_gradient_limit(gradient) / 2) {
        return;
    }
    uint64_t slope_q8 = TOLERANCE_Q8 * gradient->long_q8 / took_q8;
    slope_q8 = slope_q8 < GRADIENT_MIN_Q8 ? GRADIENT_MIN_Q8 : slope_q8;
    slope_q8 = slope_q8 > ONE_Q8 ? ONE_Q8 : slope_q8;

    int64_t limit_q8 = gradient->limit_q8;
    int64_t wanted_q8 = limit_q8 * (int64_t)slope_q8 / ONE_Q8 + (int64_t)QUEUE * ONE_Q8;
    limit_q8 += (wanted_q8 - limit_q8) / SMOOTHING_PART;
    if (limit_q8 < MCPZ_GRADIENT_MIN * ONE_Q8) {
        limit_q8 = MCPZ_GRADIENT_MIN * ONE_Q8;
    }
    if (limit_q8 > MCPZ_GRADIENT_MAX * ONE_Q8) {
        limit_q8 = MCPZ_GRADIENT_MAX * ONE_Q8;
    }
    gradient->limit_q8 = (uint32_t)limit_q8;
}
