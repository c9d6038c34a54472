#include "core/gate/shedder.h"

#include <assert.h>

#include "base/hash.h"
#include "proto/limits.h"

#define WINDOW_US MCPZ_SECONDS(1)
#define WINDOW_CALLS 2000
#define ALPHA_PERCENT 5
#define BETA_PERCENT 1
#define GROWTH 4 /* of beta, with each calm window */

static_assert(WINDOW_CALLS <= UINT16_MAX, "a window's calls fit the histogram");

static void begin_window(struct mcpz_shedder *shedder, mcpz_time now)
{
    for (size_t i = 0; i < MCPZ_SHED_LEVELS; i++) {
        shedder->histogram[i] = 0;
    }
    shedder->came = 0;
    shedder->turned_away = 0;
    shedder->waited_us = 0;
    shedder->allowed_us = 0;
    shedder->window_end_us = now + WINDOW_US;
}

void mcpz_shedder_init(struct mcpz_shedder *shedder, mcpz_time now)
{
    *shedder = (struct mcpz_shedder){.cut = MCPZ_SHED_LEVELS, .growth = BETA_PERCENT};
    begin_window(shedder, now);
}

/* The most important class is never turned away by level. */
static void close_by(struct mcpz_shedder *shedder, uint32_t calls)
{
    uint32_t gone = 0;

    while (gone < calls && shedder->cut > MCPZ_SHED_BUCKETS) {
        gone += shedder->histogram[--shedder->cut];
    }
}

static void open_by(struct mcpz_shedder *shedder, uint32_t calls)
{
    uint32_t more = 0;

    while (more < calls && shedder->cut < MCPZ_SHED_LEVELS) {
        more += shedder->histogram[shedder->cut++];
    }
}

static uint32_t percent_of(uint32_t percent, uint32_t calls)
{
    return (calls * percent + 99) / 100;
}

static void end_window(struct mcpz_shedder *shedder)
{
    uint32_t inside = 0;

    for (size_t i = 0; i < shedder->cut; i++) {
        inside += shedder->histogram[i];
    }
    if (shedder->waited_us > shedder->allowed_us) {
        close_by(shedder, percent_of(ALPHA_PERCENT, inside));
        shedder->growth = BETA_PERCENT;
        return;
    }
    if (shedder->turned_away == 0) {
        shedder->cut = MCPZ_SHED_LEVELS;
        shedder->growth = BETA_PERCENT;
        return;
    }
    open_by(shedder, percent_of(shedder->growth, shedder->came));
    shedder->growth = shedder->growth * GROWTH < 100 ? shedder->growth * GROWTH : 100;
}

static void pass_window(struct mcpz_shedder *shedder, mcpz_time now)
{
    if (now >= shedder->window_end_us || shedder->came >= WINDOW_CALLS) {
        end_window(shedder);
        begin_window(shedder, now);
    }
}

bool mcpz_shedder_arrive(struct mcpz_shedder *shedder, mcpz_time now, uint32_t level)
{
    assert(level < MCPZ_SHED_LEVELS);

    pass_window(shedder, now);
    shedder->came++;
    shedder->histogram[level]++;
    return level < shedder->cut;
}

/* Of what level they were nobody says: of all that are not let in, as many of each. */
void mcpz_shedder_spared(struct mcpz_shedder *shedder, mcpz_time now, uint32_t calls)
{
    pass_window(shedder, now);
    const uint32_t levels = MCPZ_SHED_LEVELS - shedder->cut;
    const uint32_t room = WINDOW_CALLS - shedder->came;
    const uint32_t counted = calls < room ? calls : room;

    if (levels == 0) {
        return; /* told before it was opened: it says nothing now */
    }
    shedder->came += counted;
    shedder->turned_away += counted;
    for (uint32_t i = 0; i < counted; i++) {
        shedder->histogram[shedder->cut + shedder->turn++ % levels]++;
    }
}

uint32_t mcpz_shedder_turns_away(const struct mcpz_shedder *shedder, uint32_t bucket)
{
    assert(bucket < MCPZ_SHED_BUCKETS);
    const uint32_t class = shedder->cut / MCPZ_SHED_BUCKETS;

    return class + (bucket < shedder->cut % MCPZ_SHED_BUCKETS ? 1 : 0);
}

void mcpz_shedder_turn_away(struct mcpz_shedder *shedder)
{
    shedder->turned_away++;
}

void mcpz_shedder_waited(struct mcpz_shedder *shedder, mcpz_time waited_us, mcpz_time median_us)
{
    shedder->waited_us += waited_us;
    shedder->allowed_us += median_us / 2 > MCPZ_SHED_WAIT_US ? median_us / 2 : MCPZ_SHED_WAIT_US;
}

uint32_t mcpz_shed_class(uint32_t priority)
{
    uint32_t least =
        MCPZ_PRIORITY_MAX - (priority < MCPZ_PRIORITY_MAX ? priority : MCPZ_PRIORITY_MAX);

    return least * MCPZ_SHED_CLASSES / (MCPZ_PRIORITY_MAX + 1);
}

uint32_t mcpz_shed_level(uint32_t priority, uint64_t user)
{
    return mcpz_shed_class(priority) * MCPZ_SHED_BUCKETS +
           (uint32_t)(mcpz_hash_mix(user) % MCPZ_SHED_BUCKETS);
}
