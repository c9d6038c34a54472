#include "core/gossip_cache.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"

/* The arena rounds each request up to an alignment for any type. */
#define ARENA_SLACK_BYTES 16

size_t mcpz_gossip_cache_bytes(size_t seen_max, size_t kept_max, size_t payload_bytes_max)
{
    return seen_max * (sizeof(struct mcpz_gossip_seen) + sizeof(uint32_t)) +
           kept_max * (sizeof(struct mcpz_gossip_kept) + payload_bytes_max) +
           4 * ARENA_SLACK_BYTES;
}

void mcpz_gossip_cache_init(struct mcpz_gossip_cache *cache, struct mcpz_arena *arena,
                            size_t seen_max, size_t kept_max, size_t payload_bytes_max,
                            uint64_t seed)
{
    assert(seen_max >= kept_max);
    assert(kept_max > 0);
    assert(seen_max < MCPZ_GOSSIP_NOWHERE);

    *cache = (struct mcpz_gossip_cache){
        .seen = mcpz_arena_take(arena, seen_max, sizeof(*cache->seen)),
        .buckets = mcpz_arena_take(arena, seen_max, sizeof(*cache->buckets)),
        .seen_max = seen_max,
        .kept = mcpz_arena_take(arena, kept_max, sizeof(*cache->kept)),
        .payloads = mcpz_arena_take(arena, kept_max, payload_bytes_max),
        .kept_max = kept_max,
        .payload_bytes_max = payload_bytes_max,
        .seed = seed,
    };
    assert(cache->seen != NULL);
    assert(cache->buckets != NULL);
    assert(cache->kept != NULL);
    assert(cache->payloads != NULL);
    for (size_t i = 0; i < seen_max; i++) {
        cache->buckets[i] = MCPZ_GOSSIP_NOWHERE;
    }
}

static uint32_t *bucket_of(const struct mcpz_gossip_cache *cache, const struct mcpz_gossip_id *id)
{
    uint64_t hash = mcpz_hash_bytes(mcpz_bytes(id->bytes, sizeof(id->bytes)), cache->seed);
    return &cache->buckets[hash % cache->seen_max];
}

bool mcpz_gossip_cache_has_seen(const struct mcpz_gossip_cache *cache,
                                const struct mcpz_gossip_id *id)
{
    for (uint32_t at = *bucket_of(cache, id); at != MCPZ_GOSSIP_NOWHERE;
         at = cache->seen[at].next) {
        if (mcpz_gossip_id_equal(&cache->seen[at].id, id)) {
            return true;
        }
    }
    return false;
}

/* Take the row at `at` out of its chain. */
static void forget(struct mcpz_gossip_cache *cache, uint32_t at)
{
    uint32_t *link = bucket_of(cache, &cache->seen[at].id);

    while (*link != at) {
        assert(*link != MCPZ_GOSSIP_NOWHERE);
        link = &cache->seen[*link].next;
    }
    *link = cache->seen[at].next;
}

void mcpz_gossip_cache_add(struct mcpz_gossip_cache *cache, const struct mcpz_gossip_id *id,
                           uint32_t round, struct mcpz_bytes payload)
{
    assert(payload.length <= cache->payload_bytes_max);
    assert(!mcpz_gossip_cache_has_seen(cache, id));

    uint32_t at = (uint32_t)(cache->seen_ever % cache->seen_max);
    if (cache->seen_ever >= cache->seen_max) {
        forget(cache, at);
    }
    cache->seen_ever++;
    uint32_t *head = bucket_of(cache, id);
    cache->seen[at] = (struct mcpz_gossip_seen){.id = *id, .next = *head};
    *head = at;

    size_t slot = cache->kept_ever % cache->kept_max;
    cache->kept_ever++;
    cache->kept[slot] =
        (struct mcpz_gossip_kept){.id = *id, .round = round, .length = (uint32_t)payload.length};
    if (payload.length > 0) {
        memcpy(cache->payloads + slot * cache->payload_bytes_max, payload.data, payload.length);
    }
}

bool mcpz_gossip_cache_find(const struct mcpz_gossip_cache *cache, const struct mcpz_gossip_id *id,
                            struct mcpz_msg_gossip *gossip)
{
    size_t count = cache->kept_ever < cache->kept_max ? cache->kept_ever : cache->kept_max;

    for (size_t i = 0; i < count; i++) {
        const struct mcpz_gossip_kept *kept = &cache->kept[i];
        if (mcpz_gossip_id_equal(&kept->id, id)) {
            *gossip = (struct mcpz_msg_gossip){
                .id = *id,
                .round = kept->round,
                .payload =
                    mcpz_bytes(cache->payloads + i * cache->payload_bytes_max, kept->length),
            };
            return true;
        }
    }
    return false;
}
