/*
 * The slots of calls, of one side: which are taken, when each is due, with whom it is, and which
 * are to be brought to their end. Whatever a slot holds lies in an array of the side's own.
 *
 * Everything is found without looking through the slots: a step costs the same with one call under
 * way or with thousands. What happens to a whole peer dooms all calls with it at once; they are
 * ended a few in a step, as many as its outbox has room for.
 */

#ifndef CORE_CALLS_TABLE_H
#define CORE_CALLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/chain.h"
#include "base/heap.h"
#include "base/index.h"
#include "base/time.h"
#include "proto/id.h"

#define MCPZ_CALL_NONE UINT32_MAX

/* Why a call is to be ended, or to be started. */
enum mcpz_call_fate {
    MCPZ_CALL_FATE_NONE,
    MCPZ_CALL_FATE_LOST,        /* its peer is gone */
    MCPZ_CALL_FATE_REPLACED,    /* another link has taken the place of the one it went over */
    MCPZ_CALL_FATE_REACHED,     /* the peer it waited for is there */
    MCPZ_CALL_FATE_UNREACHABLE, /* it is not, and will not be */
    MCPZ_CALL_FATE_ANSWERED,    /* another call with the same key has its answer */
};

/* A node with which calls are under way. */
struct mcpz_call_peer {
    struct mcpz_id id;
    struct mcpz_chain calls; /* empty: the entry is free */
};

struct mcpz_call_row {
    uint32_t peer; /* MCPZ_CALL_NONE: with nobody now */
    enum mcpz_call_fate fate;
    bool taken;
};

struct mcpz_call_table {
    size_t max;
    size_t count;
    struct mcpz_call_row *rows;
    uint32_t *free; /* those given back, a stack: what was never given out is not touched */
    uint32_t free_count;
    struct mcpz_heap deadlines;

    struct mcpz_call_peer *peers; /* max: as many as calls */
    uint32_t *free_peers;         /* the same */
    uint32_t free_peer_count;
    size_t peer_count;
    struct mcpz_index by_peer; /* the start of the id; what it finds is compared */
    struct mcpz_chain_link *with_peer;

    struct mcpz_chain doomed;
    struct mcpz_chain_link *in_doom;
    mcpz_time doomed_us; /* when the first of them was */
};

/** How much mcpz_call_table_init() takes from its arena. */
size_t mcpz_call_table_bytes(size_t max);

/** Start empty. `seed` is nobody else's to know. `arena` has room (asserted). */
void mcpz_call_table_init(struct mcpz_call_table *table, size_t max, uint64_t seed,
                          struct mcpz_arena *arena);

/** A free slot, due at `deadline_us`. MCPZ_CALL_NONE: there is none. */
uint32_t mcpz_call_table_take(struct mcpz_call_table *table, mcpz_time deadline_us);

/** Free a slot, whatever it is in. */
void mcpz_call_table_give_back(struct mcpz_call_table *table, uint32_t slot);

/**
 * From now on the call is with `peer`; it was with nobody. False: not possible, because somebody
 * else's id has the same hash.
 */
bool mcpz_call_table_join(struct mcpz_call_table *table, uint32_t slot,
                          const struct mcpz_id *peer);

/** It is with nobody now, and there is nothing to end. */
void mcpz_call_table_part(struct mcpz_call_table *table, uint32_t slot);

/** The entry of `peer`; NULL: no call is with it. */
const struct mcpz_call_peer *mcpz_call_table_peer(const struct mcpz_call_table *table,
                                                  const struct mcpz_id *peer);

/** The call after `slot` with the same peer; MCPZ_CALL_NONE: it is the last. */
uint32_t mcpz_call_table_next(const struct mcpz_call_table *table, uint32_t slot);

/** Have the call ended for this reason. The first reason stays. */
void mcpz_call_table_doom(struct mcpz_call_table *table, uint32_t slot, enum mcpz_call_fate fate,
                          mcpz_time now);

/** Take the next that is to be ended off the list. False: there is none. */
bool mcpz_call_table_next_doomed(struct mcpz_call_table *table, uint32_t *slot,
                                 enum mcpz_call_fate *fate);

/** When something is to be done: a deadline, or one that is doomed. */
mcpz_time mcpz_call_table_deadline(const struct mcpz_call_table *table);

#endif
