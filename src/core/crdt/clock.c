#include "core/crdt/clock.h"

#include <assert.h>

bool mcpz_clock_is_valid(const struct mcpz_version *versions, size_t count)
{
    if (count > MCPZ_ACTORS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (versions[i].seq == 0) {
            return false;
        }
        if (i > 0 && mcpz_actor_compare(&versions[i - 1].actor, &versions[i].actor) >= 0) {
            return false;
        }
    }
    return true;
}

void mcpz_clock_set(struct mcpz_clock *clock, const struct mcpz_version *versions, size_t count)
{
    assert(mcpz_clock_is_valid(versions, count));

    for (size_t i = 0; i < count; i++) {
        clock->versions[i] = versions[i];
    }
    clock->count = count;
}

/* Where `actor` is, or belongs. */
static size_t find(const struct mcpz_version *versions, size_t count,
                   const struct mcpz_actor *actor)
{
    size_t at = 0;
    while (at < count && mcpz_actor_compare(&versions[at].actor, actor) < 0) {
        at++;
    }
    return at;
}

static bool holds(const struct mcpz_version *versions, size_t count, size_t at,
                  const struct mcpz_actor *actor)
{
    return at < count && mcpz_actor_compare(&versions[at].actor, actor) == 0;
}

const struct mcpz_version *mcpz_clock_find(const struct mcpz_version *versions, size_t count,
                                           const struct mcpz_actor *actor)
{
    size_t at = find(versions, count, actor);
    return holds(versions, count, at, actor) ? &versions[at] : NULL;
}

uint64_t mcpz_clock_get(const struct mcpz_version *versions, size_t count,
                        const struct mcpz_actor *actor)
{
    const struct mcpz_version *version = mcpz_clock_find(versions, count, actor);
    return version != NULL ? version->seq : 0;
}

bool mcpz_clock_advance(struct mcpz_clock *clock, const struct mcpz_version *version)
{
    assert(version->seq > 0);

    size_t at = find(clock->versions, clock->count, &version->actor);
    if (holds(clock->versions, clock->count, at, &version->actor)) {
        if (clock->versions[at].seq < version->seq) {
            clock->versions[at] = *version;
        }
        return true;
    }
    if (clock->count == MCPZ_ACTORS_MAX) {
        return false;
    }
    for (size_t i = clock->count; i > at; i--) {
        clock->versions[i] = clock->versions[i - 1];
    }
    clock->versions[at] = *version;
    clock->count++;
    return true;
}

void mcpz_clock_forget(struct mcpz_clock *clock, const struct mcpz_actor *actor)
{
    size_t at = find(clock->versions, clock->count, actor);
    if (!holds(clock->versions, clock->count, at, actor)) {
        return;
    }
    clock->count--;
    for (size_t i = at; i < clock->count; i++) {
        clock->versions[i] = clock->versions[i + 1];
    }
}

bool mcpz_clock_covers(const struct mcpz_clock *clock, const struct mcpz_version *versions,
                       size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        at += find(clock->versions + at, clock->count - at, &versions[i].actor);
        if (!holds(clock->versions, clock->count, at, &versions[i].actor) ||
            clock->versions[at].seq < versions[i].seq ||
            (clock->versions[at].seq == versions[i].seq &&
             !mcpz_head_equal(&clock->versions[at].head, &versions[i].head))) {
            return false;
        }
    }
    return true;
}

bool mcpz_clock_is_ahead(uint64_t hlc, uint64_t wall_ms)
{
    return mcpz_hlc_to_ms(hlc) > wall_ms + MCPZ_CLOCK_AHEAD_MS_MAX;
}

uint64_t mcpz_clock_tick(uint64_t *hlc, uint64_t wall_ms, uint64_t floor)
{
    uint64_t stamp = mcpz_hlc_of_ms(wall_ms);

    if (*hlc >= stamp && !mcpz_clock_is_ahead(*hlc, wall_ms)) {
        stamp = *hlc + 1; /* a full count runs over into the milliseconds, as it should */
    }
    if (floor >= stamp) {
        stamp = floor + 1;
    }
    *hlc = stamp;

    assert(stamp > floor);
    return stamp;
}

void mcpz_clock_observe(uint64_t *hlc, uint64_t wall_ms, uint64_t remote)
{
    if (remote > *hlc && !mcpz_clock_is_ahead(remote, wall_ms)) {
        *hlc = remote;
    }
}
