#include "core/crdt/clock.h"

#include <assert.h>

bool mcpz_clock_is_valid(const struct mcpz_version *versions, size_t count)
{
    if (count > MCPZ_ACTORS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if ((versions[i].seq & ~MCPZ_SEQ_CLOSED) == 0) {
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

/* Does the version at `at` close `actor`, which belongs there? It is the first of its node. */
static bool closes(const struct mcpz_version *versions, size_t count, size_t at,
                   const struct mcpz_actor *actor)
{
    return at < count && mcpz_version_closes(&versions[at]) &&
           mcpz_id_equal(&versions[at].actor.node, &actor->node);
}

const struct mcpz_version *mcpz_clock_find(const struct mcpz_version *versions, size_t count,
                                           const struct mcpz_actor *actor)
{
    size_t at = find(versions, count, actor);
    return holds(versions, count, at, actor) || closes(versions, count, at, actor) ? &versions[at]
                                                                                   : NULL;
}

uint64_t mcpz_clock_get(const struct mcpz_version *versions, size_t count,
                        const struct mcpz_actor *actor)
{
    const struct mcpz_version *version = mcpz_clock_find(versions, count, actor);

    if (version == NULL) {
        return 0;
    }
    return mcpz_version_closes(version) ? UINT64_MAX : version->seq;
}

bool mcpz_clock_is_closed(const struct mcpz_version *versions, size_t count,
                          const struct mcpz_actor *actor)
{
    const struct mcpz_version *version = mcpz_clock_find(versions, count, actor);

    return version != NULL && mcpz_version_closes(version);
}

/* Do both close the same lives? Then the one that has seen less of the last of them counts. */
static bool closes_alike(const struct mcpz_version *a, const struct mcpz_version *b)
{
    return mcpz_version_closes(a) && mcpz_version_closes(b) &&
           mcpz_actor_compare(&a->actor, &b->actor) == 0;
}

static bool closes_earlier(const struct mcpz_version *a, const struct mcpz_version *b)
{
    const struct mcpz_tip one = {a->seq, a->head};
    const struct mcpz_tip other = {b->seq, b->head};

    return mcpz_tip_compare(&one, &other) < 0;
}

bool mcpz_clock_has(const struct mcpz_version *versions, size_t count,
                    const struct mcpz_version *version)
{
    const struct mcpz_version *known = mcpz_clock_find(versions, count, &version->actor);

    if (known == NULL) {
        return false;
    }
    if (mcpz_version_closes(known)) { /* all of it is over */
        return !closes_alike(known, version) || !closes_earlier(version, known);
    }
    return known->seq > version->seq ||
           (known->seq == version->seq && mcpz_head_equal(&known->head, &version->head));
}

uint64_t mcpz_clock_deltas(const struct mcpz_version *versions, size_t count)
{
    uint64_t deltas = 0;

    for (size_t i = 0; i < count; i++) {
        deltas += versions[i].seq & ~MCPZ_SEQ_CLOSED;
    }
    return deltas;
}

uint64_t mcpz_clock_above(const struct mcpz_clock *clock, const struct mcpz_version *below,
                          size_t below_count)
{
    uint64_t above = 0;

    for (size_t i = 0; i < clock->count; i++) {
        const struct mcpz_version *version = &clock->versions[i];
        const uint64_t last = mcpz_clock_get(below, below_count, &version->actor);
        if (!mcpz_version_closes(version) && version->seq > last) {
            above += version->seq - last;
        }
    }
    return above;
}

static void take_out(struct mcpz_clock *clock, size_t at)
{
    clock->count--;
    for (size_t i = at; i < clock->count; i++) {
        clock->versions[i] = clock->versions[i + 1];
    }
}

/* Take out what `version` closes. */
static void close_before(struct mcpz_clock *clock, const struct mcpz_version *version)
{
    const struct mcpz_actor first = {.node = version->actor.node, .generation = 0};
    size_t at = find(clock->versions, clock->count, &first);

    while (at < clock->count &&
           mcpz_id_equal(&clock->versions[at].actor.node, &version->actor.node) &&
           clock->versions[at].actor.generation <= version->actor.generation) {
        take_out(clock, at);
    }
}

bool mcpz_clock_advance(struct mcpz_clock *clock, const struct mcpz_version *version)
{
    assert((version->seq & ~MCPZ_SEQ_CLOSED) > 0);

    size_t at = find(clock->versions, clock->count, &version->actor);
    if (closes(clock->versions, clock->count, at, &version->actor)) {
        if (closes_alike(&clock->versions[at], version) &&
            closes_earlier(version, &clock->versions[at])) {
            clock->versions[at] = *version;
        }
        return true;
    }
    if (mcpz_version_closes(version)) {
        close_before(clock, version);
        at = find(clock->versions, clock->count, &version->actor);
    }
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
    if (holds(clock->versions, clock->count, at, actor) &&
        !mcpz_version_closes(&clock->versions[at])) {
        take_out(clock, at);
    }
}

bool mcpz_clock_covers(const struct mcpz_clock *clock, const struct mcpz_version *versions,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!mcpz_clock_has(clock->versions, clock->count, &versions[i])) {
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
