/*
 * What is held against members: who doubts them, why, and for how much longer they have.
 *
 * Every observer counts once, with its strongest reason. More of them make the grace shorter:
 * Lifeguard (Dadgar, Phillips, Currey, 2018), section 4.2: timeout = max(Min, Max - (Max - Min) *
 * log(C + 1) / log(K + 1)), here with alpha = 4, beta = 6, K = 2 (protocols.md 1.6).
 */

#ifndef CORE_SUSPICION_H
#define CORE_SUSPICION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/time.h"
#include "proto/msg.h"

#define MCPZ_SUSPICIONS_MAX 255 /* a handle fits a byte */
#define MCPZ_OBSERVERS_MAX 8    /* the six neighbours, and who was or is about to be one */

struct mcpz_suspicion_case {
    bool used;
    uint8_t observer_count;
    uint8_t reasons[MCPZ_OBSERVERS_MAX];
    bool is_told; /* all have heard that we doubt it too */
    struct mcpz_short observers[MCPZ_OBSERVERS_MAX];
    mcpz_time first_us; /* when the first spoke */
    mcpz_time look_us;  /* when it is to be judged again */
};

struct mcpz_suspicions {
    struct mcpz_suspicion_case *cases;
    size_t max;
    size_t count;
};

size_t mcpz_suspicions_bytes(size_t max);

/** Start empty. `max` is 1 to MCPZ_SUSPICIONS_MAX; `arena` has room (asserted). */
void mcpz_suspicions_init(struct mcpz_suspicions *suspicions, size_t max,
                          struct mcpz_arena *arena);

/** Open a case; its index + 1, or 0 if all are taken. */
uint8_t mcpz_suspicions_open(struct mcpz_suspicions *suspicions, mcpz_time now);

void mcpz_suspicions_close(struct mcpz_suspicions *suspicions, uint8_t handle);

struct mcpz_suspicion_case *mcpz_suspicions_get(const struct mcpz_suspicions *suspicions,
                                                uint8_t handle);

/** All cases are to be judged again at `at_us`, or earlier. */
void mcpz_suspicions_look_at(struct mcpz_suspicions *suspicions, mcpz_time at_us);

/** Note what an observer says. False: it has said as much before, or there are enough of them. */
bool mcpz_suspicion_add(struct mcpz_suspicion_case *suspicion, struct mcpz_short observer,
                        enum mcpz_suspicion reason);

/** Forget what an observer has said. */
void mcpz_suspicion_withdraw(struct mcpz_suspicion_case *suspicion, struct mcpz_short observer);

/** Has this observer said something? */
bool mcpz_suspicion_is_by(const struct mcpz_suspicion_case *suspicion, struct mcpz_short observer);

/** Observers whose reason is `reason`. */
size_t mcpz_suspicion_count(const struct mcpz_suspicion_case *suspicion,
                            enum mcpz_suspicion reason);

/** Observers who have lost the member themselves, not only wait for it or heard of it. */
size_t mcpz_suspicion_count_lost(const struct mcpz_suspicion_case *suspicion);

/**
 * The grace from the first report on, among `alive` members, for `observers` of a possible
 * `possible`, in units of `unit_us`.
 */
mcpz_time mcpz_suspicion_grace(size_t alive, size_t observers, size_t possible, mcpz_time unit_us);

/** A lower-case word. */
const char *mcpz_suspicion_word(uint32_t reason);

#endif
