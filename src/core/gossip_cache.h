/*
 * Which broadcasts have been here, and the payloads of the latest.
 *
 * Two rings: many ids, few payloads. The oldest goes when a new one needs its place, so what is
 * remembered is bounded by number and not by age. The ring of ids is the longer one: a payload
 * we can still hand out is always one we still know for seen.
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
#include "proto/msg.h"

struct mcpz_gossip_seen {
    struct mcpz_gossip_id id;
    uint32_t next; /* in its bucket; MCPZ_GOSSIP_NOWHERE: the last */
};

struct mcpz_gossip_kept {
    struct mcpz_gossip_id id;
    uint32_t round; /* to send it with */
    uint32_t length;
};

#define MCPZ_GOSSIP_NOWHERE UINT32_MAX

struct mcpz_gossip_cache {
    struct mcpz_gossip_seen *seen;
    uint32_t *buckets; /* heads of chains through `seen` */
    size_t seen_max;   /* also the number of buckets */
    uint64_t seen_ever;
    struct mcpz_gossip_kept *kept;
    uint8_t *payloads; /* `payload_bytes_max` for each of `kept` */
    size_t kept_max;
    size_t payload_bytes_max;
    uint64_t kept_ever;
    uint64_t seed;
};

/** The memory that mcpz_gossip_cache_init() takes from its arena. */
size_t mcpz_gossip_cache_bytes(size_t seen_max, size_t kept_max, size_t payload_bytes_max);

/** Start empty. `arena` has room for the above (asserted); both capacities are at least 1. */
void mcpz_gossip_cache_init(struct mcpz_gossip_cache *cache, struct mcpz_arena *arena,
                            size_t seen_max, size_t kept_max, size_t payload_bytes_max,
                            uint64_t seed);

bool mcpz_gossip_cache_has_seen(const struct mcpz_gossip_cache *cache,
                                const struct mcpz_gossip_id *id);

/** Remember `id`, not seen so far, and its payload, to be sent on with `round`. Both are copied.
 */
void mcpz_gossip_cache_add(struct mcpz_gossip_cache *cache, const struct mcpz_gossip_id *id,
                           uint32_t round, struct mcpz_bytes payload);

/** The payload of `id`, as a message to send. False: it is not kept. Borrowed until the next add.
 */
bool mcpz_gossip_cache_find(const struct mcpz_gossip_cache *cache, const struct mcpz_gossip_id *id,
                            struct mcpz_msg_gossip *gossip);

#endif
