#include "core/suspicion.h"

#include <assert.h>

#define ALPHA 4 /* Min = ALPHA * log10(n) units */
#define BETA 6  /* Max = BETA * Min */

size_t mcpz_suspicions_bytes(size_t max)
{
    return mcpz_arena_cost(max, sizeof(struct mcpz_suspicion_case));
}

void mcpz_suspicions_init(struct mcpz_suspicions *suspicions, size_t max, struct mcpz_arena *arena)
{
    assert(max > 0 && max <= MCPZ_SUSPICIONS_MAX);
    *suspicions = (struct mcpz_suspicions){
        .cases = mcpz_arena_take_sure(arena, max, sizeof(struct mcpz_suspicion_case)),
        .max = max,
    };
}

uint8_t mcpz_suspicions_open(struct mcpz_suspicions *suspicions, mcpz_time now)
{
    for (size_t i = 0; i < suspicions->max; i++) {
        if (!suspicions->cases[i].used) {
            suspicions->cases[i] =
                (struct mcpz_suspicion_case){.used = true, .first_us = now, .look_us = now};
            suspicions->count++;
            return (uint8_t)(i + 1);
        }
    }
    return 0;
}

void mcpz_suspicions_close(struct mcpz_suspicions *suspicions, uint8_t handle)
{
    assert(handle > 0 && suspicions->cases[handle - 1].used);
    suspicions->cases[handle - 1].used = false;
    suspicions->count--;
}

struct mcpz_suspicion_case *mcpz_suspicions_get(const struct mcpz_suspicions *suspicions,
                                                uint8_t handle)
{
    return handle > 0 ? &suspicions->cases[handle - 1] : NULL;
}

static size_t find(const struct mcpz_suspicion_case *suspicion, struct mcpz_short observer)
{
    size_t at = 0;
    while (at < suspicion->observer_count && suspicion->observers[at].value != observer.value) {
        at++;
    }
    return at;
}

/* LATE says least, REFUSED most; what is only hearsay says less than what was seen. */
static int weight(enum mcpz_suspicion reason)
{
    switch (reason) {
    case MCPZ_SUSPICION_REFUSED:
        return 5;
    case MCPZ_SUSPICION_SILENT:
    case MCPZ_SUSPICION_CLOSED:
        return 4;
    case MCPZ_SUSPICION_PROBE:
        return 3;
    case MCPZ_SUSPICION_UNREACHABLE:
        return 2;
    case MCPZ_SUSPICION_LATE:
        return 1;
    case MCPZ_SUSPICION_RUMOUR:
    case MCPZ_SUSPICION_END:
        break;
    }
    return 0;
}

void mcpz_suspicions_look_at(struct mcpz_suspicions *suspicions, mcpz_time at_us)
{
    for (size_t i = 0; i < suspicions->max && suspicions->count > 0; i++) {
        struct mcpz_suspicion_case *one = &suspicions->cases[i];
        one->look_us = mcpz_time_min(one->look_us, at_us);
    }
}

/* Whoever repeats what it heard gives way to who has seen it: that one's neighbourship would speak
 * for the member as long as its doubt found no room. */
static size_t find_hearsay(const struct mcpz_suspicion_case *suspicion)
{
    size_t at = 0;

    while (at < suspicion->observer_count &&
           suspicion->reasons[at] != (uint8_t)MCPZ_SUSPICION_RUMOUR) {
        at++;
    }
    return at;
}

bool mcpz_suspicion_add(struct mcpz_suspicion_case *suspicion, struct mcpz_short observer,
                        enum mcpz_suspicion reason)
{
    size_t at = find(suspicion, observer);

    if (at == MCPZ_OBSERVERS_MAX && reason != MCPZ_SUSPICION_RUMOUR) {
        at = find_hearsay(suspicion);
    }
    if (at == MCPZ_OBSERVERS_MAX) {
        return false;
    }
    if (at < suspicion->observer_count) { /* hearsay weighs nothing */
        if (weight(reason) <= weight(suspicion->reasons[at])) {
            return false;
        }
    } else {
        suspicion->observer_count++;
    }
    suspicion->observers[at] = observer;
    suspicion->reasons[at] = (uint8_t)reason;
    return true;
}

void mcpz_suspicion_withdraw(struct mcpz_suspicion_case *suspicion, struct mcpz_short observer)
{
    size_t at = find(suspicion, observer);

    if (at < suspicion->observer_count) {
        suspicion->observer_count--;
        suspicion->observers[at] = suspicion->observers[suspicion->observer_count];
        suspicion->reasons[at] = suspicion->reasons[suspicion->observer_count];
    }
}

bool mcpz_suspicion_is_by(const struct mcpz_suspicion_case *suspicion, struct mcpz_short observer)
{
    return find(suspicion, observer) < suspicion->observer_count;
}

size_t mcpz_suspicion_count(const struct mcpz_suspicion_case *suspicion,
                            enum mcpz_suspicion reason)
{
    size_t count = 0;

    for (size_t i = 0; i < suspicion->observer_count; i++) {
        count += suspicion->reasons[i] == (uint8_t)reason;
    }
    return count;
}

size_t mcpz_suspicion_count_lost(const struct mcpz_suspicion_case *suspicion)
{
    return mcpz_suspicion_count(suspicion, MCPZ_SUSPICION_SILENT) +
           mcpz_suspicion_count(suspicion, MCPZ_SUSPICION_CLOSED) +
           mcpz_suspicion_count(suspicion, MCPZ_SUSPICION_REFUSED);
}

/* log10 in thousandths, from the position of the highest bit and what is below it. */
static uint64_t log10_milli(size_t n)
{
    uint64_t bits = 0;

    while (n >> (bits + 1) != 0) {
        bits++;
    }
    uint64_t fraction = ((uint64_t)n * 1000 >> bits) - 1000; /* 0 to 999: linear between powers */
    return (bits * 1000 + fraction) * 30103 / 100000;
}

mcpz_time mcpz_suspicion_grace(size_t alive, size_t observers, size_t possible, mcpz_time unit_us)
{
    uint64_t scale = log10_milli(alive > 0 ? alive : 1);
    mcpz_time least = ALPHA * unit_us * (scale > 1000 ? scale : 1000) / 1000;
    mcpz_time most = BETA * least;
    size_t wanted = possible < 3 ? possible : 3; /* C = K once so many have spoken */

    if (observers >= wanted) {
        return least;
    }
    /* C = 1 of K = 2: log 2 / log 3 = 0.63; of K = 1 it would be all. */
    return observers >= 2 ? most - (most - least) * 63 / 100 : most;
}

const char *mcpz_suspicion_word(uint32_t reason)
{
    static const char *const words[MCPZ_SUSPICION_END] = {
        [MCPZ_SUSPICION_LATE] = "late",     [MCPZ_SUSPICION_SILENT] = "silent",
        [MCPZ_SUSPICION_CLOSED] = "closed", [MCPZ_SUSPICION_REFUSED] = "refused",
        [MCPZ_SUSPICION_PROBE] = "probe",   [MCPZ_SUSPICION_UNREACHABLE] = "unreachable",
        [MCPZ_SUSPICION_RUMOUR] = "rumour",
    };
    return reason > 0 && reason < MCPZ_SUSPICION_END ? words[reason] : "";
}
