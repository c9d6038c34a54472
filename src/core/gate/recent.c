#include "core/gate/recent.h"

#include <assert.h>

#define AGE_US MCPZ_SECONDS(10) /* and longer for tasks that take long themselves */
#define AGE_TASKS 10

/* Where `took_us` is, or belongs, in the sorted ones. */
static size_t place(const struct mcpz_recent *recent, size_t count, uint32_t took_us)
{
    size_t at = 0;
    while (at < count && recent->sorted[at] < took_us) {
        at++;
    }
    return at;
}

void mcpz_recent_add(struct mcpz_recent *recent, mcpz_time now, mcpz_time took_us)
{
    const uint32_t took = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;
    size_t count = recent->count;

    if (count == MCPZ_RECENT_MAX) {
        size_t gone = place(recent, count, recent->took_us[recent->next]);
        count--;
        for (size_t i = gone; i < count; i++) {
            recent->sorted[i] = recent->sorted[i + 1];
        }
    }
    size_t at = place(recent, count, took);
    for (size_t i = count; i > at; i--) {
        recent->sorted[i] = recent->sorted[i - 1];
    }
    recent->sorted[at] = took;
    recent->count = (uint8_t)(count + 1);
    recent->took_us[recent->next] = took;
    recent->next = (uint8_t)((recent->next + 1) % MCPZ_RECENT_MAX);
    recent->last_us = now;

    assert(recent->count <= MCPZ_RECENT_MAX);
}

mcpz_time mcpz_recent_median(const struct mcpz_recent *recent, mcpz_time now)
{
    if (recent->count < MCPZ_RECENT_MIN) {
        return 0;
    }
    mcpz_time median_us = recent->sorted[recent->count / 2];
    bool fresh = now <= recent->last_us + AGE_US + AGE_TASKS * median_us;
    return fresh ? (median_us > 0 ? median_us : 1) : 0;
}
