#include "core/load.h"

#include <assert.h>
#include <stddef.h>

#define TOLD_FOR_US MCPZ_MS(1) /* a median of 64 is not made anew for every answer */
#define TOLD_WITHIN 8          /* nor where so small a part of it more or less is under way */
#define WIDER 4

void mcpz_load_init(struct mcpz_load *load)
{
    *load = (struct mcpz_load){0};
}

uint32_t mcpz_load_begin(struct mcpz_load *load)
{
    assert(load->rif < UINT32_MAX);
    return load->rif++;
}

void mcpz_load_end(struct mcpz_load *load, mcpz_time now, mcpz_time started_us, uint32_t rif,
                   bool well)
{
    assert(load->rif > 0);
    assert(now >= started_us);

    load->rif--;
    if (!well) {
        return;
    }
    const mcpz_time took_us = now - started_us;
    load->samples[load->next] = (struct mcpz_load_sample){
        .at_us = now,
        .latency_us = took_us == 0           ? 1
                      : took_us > UINT32_MAX ? UINT32_MAX
                                             : (uint32_t)took_us,
        .rif = rif,
    };
    load->next = (load->next + 1) % MCPZ_LOAD_SAMPLES_MAX;
}

static uint32_t distance(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

/* Put the latencies of fresh samples within `window` into `found`. Returns how many. */
static size_t collect(const struct mcpz_load *load, mcpz_time now, uint32_t window,
                      uint32_t *found)
{
    size_t count = 0;

    for (size_t i = 0; i < MCPZ_LOAD_SAMPLES_MAX; i++) {
        const struct mcpz_load_sample *sample = &load->samples[i];
        if (sample->latency_us != 0 && now - sample->at_us <= MCPZ_LOAD_AGE_US &&
            distance(sample->rif, load->rif) <= window) {
            found[count++] = sample->latency_us;
        }
    }
    return count;
}

/*
 * The one that would stand at `rank` if all were in order.
 * Source: Hoare, "Algorithm 65: FIND", CACM 4(7), 1961.
 */
static uint32_t find_rank(uint32_t *numbers, ptrdiff_t count, ptrdiff_t rank)
{
    ptrdiff_t first = 0;
    ptrdiff_t last = count - 1;

    while (first < last) {
        const uint32_t pivot = numbers[rank];
        ptrdiff_t low = first;
        ptrdiff_t high = last;
        while (low <= high) {
            while (numbers[low] < pivot) {
                low++;
            }
            while (numbers[high] > pivot) {
                high--;
            }
            if (low <= high) {
                const uint32_t other = numbers[low];
                numbers[low++] = numbers[high];
                numbers[high--] = other;
            }
        }
        first = high < rank ? low : first;
        last = low > rank ? high : last;
    }
    return numbers[rank];
}

static uint32_t median(const struct mcpz_load *load, mcpz_time now)
{
    uint32_t found[MCPZ_LOAD_SAMPLES_MAX];

    for (uint64_t window = 1;; window *= WIDER) {
        const bool all = window > UINT32_MAX;
        const size_t count = collect(load, now, all ? UINT32_MAX : (uint32_t)window, found);
        if (count >= MCPZ_LOAD_SAMPLES_MIN) {
            return find_rank(found, (ptrdiff_t)count, (ptrdiff_t)(count / 2));
        }
        if (all) {
            return 0;
        }
    }
}

struct mcpz_load_report mcpz_load_report(struct mcpz_load *load, mcpz_time now)
{
    if (!load->told || now - load->told_us >= TOLD_FOR_US ||
        distance(load->rif, load->told_rif) > 1 + load->told_rif / TOLD_WITHIN) {
        load->told = true;
        load->told_us = now;
        load->told_rif = load->rif;
        load->told_latency_us = median(load, now);
    }
    return (struct mcpz_load_report){.rif = load->rif, .latency_us = load->told_latency_us};
}
