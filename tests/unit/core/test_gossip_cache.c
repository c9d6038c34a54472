#include "core/gossip_cache.h"
#include "test.h"

#define SEEN_MAX 8
#define KEPT_MAX 3
#define PAYLOAD_MAX 4

static struct mcpz_gossip_cache cache;
static _Alignas(16) uint8_t memory[4096];

static struct mcpz_gossip_id id_of(uint8_t number)
{
    return (struct mcpz_gossip_id){{number, 1}};
}

static void set_up(void)
{
    struct mcpz_arena arena;

    mcpz_arena_init(&arena, memory, mcpz_gossip_cache_bytes(SEEN_MAX, KEPT_MAX, PAYLOAD_MAX));
    mcpz_gossip_cache_init(&cache, &arena, SEEN_MAX, KEPT_MAX, PAYLOAD_MAX, 5);
}

static void add(uint8_t number)
{
    struct mcpz_gossip_id id = id_of(number);
    uint8_t payload[] = {number, number};
    mcpz_gossip_cache_add(&cache, &id, number + 1U, mcpz_bytes(payload, sizeof(payload)));
}

static bool has_seen(uint8_t number)
{
    struct mcpz_gossip_id id = id_of(number);
    return mcpz_gossip_cache_has_seen(&cache, &id);
}

static bool keeps(uint8_t number)
{
    struct mcpz_gossip_id id = id_of(number);
    struct mcpz_msg_gossip gossip;

    if (!mcpz_gossip_cache_find(&cache, &id, &gossip)) {
        return false;
    }
    uint8_t payload[] = {number, number};
    CHECK_UINT(gossip.round, number + 1U);
    CHECK(mcpz_gossip_id_equal(&gossip.id, &id));
    CHECK_BYTES(gossip.payload, payload, sizeof(payload));
    return true;
}

TEST(nothing_has_been_seen_at_first)
{
    set_up();
    CHECK(!has_seen(0));
    CHECK(!keeps(0));
}

TEST(the_latest_ids_are_known_and_the_latest_payloads_are_kept)
{
    set_up();
    for (uint8_t number = 0; number < 5 * SEEN_MAX; number++) {
        add(number);
        for (uint8_t old = 0; old <= number; old++) {
            CHECK(has_seen(old) == (number - old < SEEN_MAX));
            CHECK(keeps(old) == (number - old < KEPT_MAX));
        }
    }
}

TEST(a_payload_may_be_empty_or_as_long_as_allowed)
{
    struct mcpz_gossip_id empty = id_of(1);
    struct mcpz_gossip_id full = id_of(2);
    struct mcpz_msg_gossip gossip;

    set_up();
    mcpz_gossip_cache_add(&cache, &empty, 1, mcpz_bytes(NULL, 0));
    mcpz_gossip_cache_add(&cache, &full, 1, mcpz_text("1234"));
    CHECK(mcpz_gossip_cache_find(&cache, &empty, &gossip));
    CHECK_UINT(gossip.payload.length, 0);
    CHECK(mcpz_gossip_cache_find(&cache, &full, &gossip));
    CHECK_BYTES(gossip.payload, "1234", PAYLOAD_MAX);
}

TEST_MAIN(RUN(nothing_has_been_seen_at_first),
          RUN(the_latest_ids_are_known_and_the_latest_payloads_are_kept),
          RUN(a_payload_may_be_empty_or_as_long_as_allowed))
