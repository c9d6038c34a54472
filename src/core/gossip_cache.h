/*
 * Which broadcasts have been here, and the payloads of the latest.
 *
 *   seen      [ id id id id id id id id ]       `seen_max`, in chains from buckets
 *   kept                    [ . . . . ]         of the latest of these, at most `kept_max`
 *   payloads  [ llll|mmmmmmmmm|     |kkkkkk ]   `bytes_max`, each in one piece
 *
 * All three are rings: the oldest goes when a new one needs its place or its bytes. Ids are
 * remembered by number, payloads by number, by bytes and, if the caller drops the old, by age.
 * The ring of ids is the longer one: a payload we can still hand out is always one we still know
 * for seen.
 *
 * Of an id a mark is kept, 48 bits of it under a seed that nobody else knows: of 10^10 new ids one
 * is taken for one of thousands, and what it names is mended like anything missed. With it lies
 * where its chain goes on, so that a step along it looks at one place.
 *
 * Ids come from peers. Whoever makes many that fall into one bucket makes us walk a chain no
 * longer than the ring; the seed makes that hard to aim at.
 */

#ifndef CORE_GOSSIP_CACHE_H
#define CORE_GOSSIP_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/time.h"
#include "proto/msg.h"

#define MCPZ_GOSSIP_NOWHERE UINT16_MAX

struct mcpz_gossip_kept {
    mcpz_time at_us; /* when it came */
    uint64_t start;  /* of its bytes, counted on from the first ever; modulo `bytes_max` a place */
    uint32_t round;  /* to send it with */
    uint32_t length;
};

/* The message number n, from 0, is seen[n % seen_max] and kept[n % kept_max]. */
struct mcpz_gossip_cache {
    uint64_t *seen;    /* a mark, and below it the next in its bucket; _NOWHERE: it is the last */
    uint16_t *buckets; /* heads of chains through `seen`; half as many */
    struct mcpz_gossip_kept *kept;
    uint8_t *payloads;
    uint64_t added;   /* messages ever */
    uint64_t written; /* bytes ever, with those left out at the end of the block */
    uint64_t seed;
    uint32_t seen_max;
    uint32_t kept_max;
    uint32_t kept_count; /* the latest so many */
    uint32_t bytes_max;
};

/** How much mcpz_gossip_cache_init() takes from its arena, and how much of that is looked at
 * often.
 */
size_t mcpz_gossip_cache_bytes(size_t seen_max, size_t kept_max, size_t bytes_max);
size_t mcpz_gossip_cache_often_bytes(size_t seen_max, size_t kept_max);

/**
 * Start empty. `arena` has room for the above (asserted); all three capacities are at least 1,
 * `seen_max` is at least `kept_max` and below MCPZ_GOSSIP_NOWHERE.
 */
void mcpz_gossip_cache_init(struct mcpz_gossip_cache *cache, struct mcpz_arena *arena,
                            size_t seen_max, size_t kept_max, size_t bytes_max, uint64_t seed);

bool mcpz_gossip_cache_has_seen(const struct mcpz_gossip_cache *cache,
                                const struct mcpz_gossip_id *id);

/**
 * Remember `id`, not seen so far, and its payload, to be sent on with `round`. Both are copied;
 * the payload is at most `bytes_max` long (asserted).
 */
void mcpz_gossip_cache_add(struct mcpz_gossip_cache *cache, mcpz_time now,
                           const struct mcpz_gossip_id *id, uint32_t round,
                           struct mcpz_bytes payload);

/** A broadcast is coming: see that what it takes to tell whether it is new is at hand by then. */
void mcpz_gossip_cache_expect(const struct mcpz_gossip_cache *cache,
                              const struct mcpz_gossip_id *id);

/** Drop the payloads that came before `time`. Their ids stay known for seen. */
void mcpz_gossip_cache_drop_before(struct mcpz_gossip_cache *cache, mcpz_time time);

/** The payload of `id`, as a message to send. False: it is not kept. Borrowed until the next add.
 */
bool mcpz_gossip_cache_find(const struct mcpz_gossip_cache *cache, const struct mcpz_gossip_id *id,
                            struct mcpz_msg_gossip *gossip);

#endif
