#include "core/gossip_cache.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"

static size_t bucket_count(size_t seen_max)
{
    return (seen_max + 1) / 2;
}

size_t mcpz_gossip_cache_often_bytes(size_t seen_max, size_t kept_max)
{
    return mcpz_arena_cost(seen_max, sizeof(uint64_t)) +
           mcpz_arena_cost(bucket_count(seen_max), sizeof(uint16_t)) +
           mcpz_arena_cost(kept_max, sizeof(struct mcpz_gossip_kept));
}

size_t mcpz_gossip_cache_bytes(size_t seen_max, size_t kept_max, size_t bytes_max)
{
    return mcpz_gossip_cache_often_bytes(seen_max, kept_max) + mcpz_arena_cost(bytes_max, 1);
}

void mcpz_gossip_cache_init(struct mcpz_gossip_cache *cache, struct mcpz_arena *arena,
                            size_t seen_max, size_t kept_max, size_t bytes_max, uint64_t seed)
{
    assert(seen_max >= kept_max);
    assert(seen_max < MCPZ_GOSSIP_NOWHERE);
    assert(kept_max > 0);
    assert(bytes_max > 0);
    assert(bytes_max <= UINT32_MAX);

    *cache = (struct mcpz_gossip_cache){
        .seen = mcpz_arena_take_often(arena, seen_max, sizeof(*cache->seen)),
        .buckets = mcpz_arena_take_often(arena, bucket_count(seen_max), sizeof(*cache->buckets)),
        .kept = mcpz_arena_take_often(arena, kept_max, sizeof(*cache->kept)),
        .payloads = mcpz_arena_take_sure(arena, bytes_max, 1),
        .seed = seed,
        .seen_max = (uint32_t)seen_max,
        .kept_max = (uint32_t)kept_max,
        .bytes_max = (uint32_t)bytes_max,
    };
    for (size_t i = 0; i < bucket_count(seen_max); i++) {
        cache->buckets[i] = MCPZ_GOSSIP_NOWHERE;
    }
}

/* ---- Ids ---------------------------------------------------------------------------------- */

#define NEXT_BITS 16
#define NEXT_MASK ((UINT64_C(1) << NEXT_BITS) - 1)

/* The upper bits; the lower are those of the next in a row. */
static uint64_t mark_of(const struct mcpz_gossip_cache *cache, const struct mcpz_gossip_id *id)
{
    return mcpz_hash_bytes(mcpz_bytes(id->bytes, sizeof(id->bytes)), cache->seed) & ~NEXT_MASK;
}

static uint16_t next_of(const struct mcpz_gossip_cache *cache, uint16_t at)
{
    return (uint16_t)(cache->seen[at] & NEXT_MASK);
}

static void set_next(struct mcpz_gossip_cache *cache, uint16_t at, uint16_t next)
{
    cache->seen[at] = (cache->seen[at] & ~NEXT_MASK) | next;
}

static uint16_t *bucket_of(const struct mcpz_gossip_cache *cache, uint64_t mark)
{
    return &cache->buckets[(mark >> NEXT_BITS) % bucket_count(cache->seen_max)];
}

/* Its row in `seen`, or MCPZ_GOSSIP_NOWHERE. */
static uint16_t row_of(const struct mcpz_gossip_cache *cache, const struct mcpz_gossip_id *id)
{
    const uint64_t mark = mark_of(cache, id);
    uint16_t at = *bucket_of(cache, mark);

    while (at != MCPZ_GOSSIP_NOWHERE && (cache->seen[at] & ~NEXT_MASK) != mark) {
        at = next_of(cache, at);
    }
    return at;
}

bool mcpz_gossip_cache_has_seen(const struct mcpz_gossip_cache *cache,
                                const struct mcpz_gossip_id *id)
{
    return row_of(cache, id) != MCPZ_GOSSIP_NOWHERE;
}

/* Take the row at `at` out of its chain. */
static void forget(struct mcpz_gossip_cache *cache, uint16_t at)
{
    const uint16_t next = next_of(cache, at);
    uint16_t *head = bucket_of(cache, cache->seen[at]);
    uint16_t before = *head;

    if (before == at) {
        *head = next;
        return;
    }
    while (next_of(cache, before) != at) {
        before = next_of(cache, before);
        assert(before != MCPZ_GOSSIP_NOWHERE);
    }
    set_next(cache, before, next);
}

static void remember(struct mcpz_gossip_cache *cache, const struct mcpz_gossip_id *id)
{
    uint16_t at = (uint16_t)(cache->added % cache->seen_max);

    if (cache->added >= cache->seen_max) {
        forget(cache, at);
    }
    const uint64_t mark = mark_of(cache, id);
    uint16_t *head = bucket_of(cache, mark);
    cache->seen[at] = mark | *head;
    *head = at;
}

/* ---- Payloads ----------------------------------------------------------------------------- */

static struct mcpz_gossip_kept *kept_at(const struct mcpz_gossip_cache *cache, uint64_t number)
{
    return &cache->kept[number % cache->kept_max];
}

static const struct mcpz_gossip_kept *oldest(const struct mcpz_gossip_cache *cache)
{
    return kept_at(cache, cache->added - cache->kept_count);
}

/* Where `length` bytes in one piece may start, once the oldest are out of their way. */
static uint64_t make_room(struct mcpz_gossip_cache *cache, size_t length)
{
    const uint64_t left = cache->bytes_max - cache->written % cache->bytes_max;
    const uint64_t start = length <= left ? cache->written : cache->written + left;

    while (cache->kept_count == cache->kept_max ||
           (cache->kept_count > 0 && start + length - oldest(cache)->start > cache->bytes_max)) {
        cache->kept_count--;
    }
    return start;
}

void mcpz_gossip_cache_add(struct mcpz_gossip_cache *cache, mcpz_time now,
                           const struct mcpz_gossip_id *id, uint32_t round,
                           struct mcpz_bytes payload)
{
    assert(payload.length <= cache->bytes_max);
    assert(!mcpz_gossip_cache_has_seen(cache, id));

    const uint64_t start = make_room(cache, payload.length);

    remember(cache, id);
    *kept_at(cache, cache->added) = (struct mcpz_gossip_kept){
        .at_us = now, .start = start, .round = round, .length = (uint32_t)payload.length};
    if (payload.length > 0) {
        memcpy(cache->payloads + start % cache->bytes_max, payload.data, payload.length);
    }
    cache->written = start + payload.length;
    cache->added++;
    cache->kept_count++;
}

void mcpz_gossip_cache_expect(const struct mcpz_gossip_cache *cache,
                              const struct mcpz_gossip_id *id)
{
    const uint16_t head = *bucket_of(cache, mark_of(cache, id));

    if (head != MCPZ_GOSSIP_NOWHERE) {
        __builtin_prefetch(&cache->seen[head]);
    }
    __builtin_prefetch(&cache->seen[cache->added % cache->seen_max]);
    __builtin_prefetch(kept_at(cache, cache->added));
    __builtin_prefetch(cache->payloads + cache->written % cache->bytes_max);
}

void mcpz_gossip_cache_drop_before(struct mcpz_gossip_cache *cache, mcpz_time time)
{
    while (cache->kept_count > 0 && oldest(cache)->at_us < time) {
        cache->kept_count--;
    }
}

bool mcpz_gossip_cache_find(const struct mcpz_gossip_cache *cache, const struct mcpz_gossip_id *id,
                            struct mcpz_msg_gossip *gossip)
{
    const uint16_t at = row_of(cache, id);

    if (at == MCPZ_GOSSIP_NOWHERE) {
        return false;
    }
    /* How many were added from this one on, itself included. */
    uint64_t since = (cache->added + cache->seen_max - 1 - at) % cache->seen_max + 1;
    if (since > cache->kept_count) {
        return false;
    }
    const struct mcpz_gossip_kept *kept = kept_at(cache, cache->added - since);
    *gossip = (struct mcpz_msg_gossip){
        .id = *id,
        .round = kept->round,
        .payload = mcpz_bytes(cache->payloads + kept->start % cache->bytes_max, kept->length),
    };
    return true;
}
