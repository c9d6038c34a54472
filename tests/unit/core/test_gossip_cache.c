#include "core/gossip_cache.h"
#include "test.h"

#define SEEN_MAX 8
#define KEPT_MAX 3
#define BYTES_MAX 10

static struct mcpz_gossip_cache cache;
static _Alignas(16) uint8_t memory[4096];

static struct mcpz_gossip_id id_of(uint8_t number)
{
    return (struct mcpz_gossip_id){{number, 1}};
}

static void set_up(void)
{
    struct mcpz_arena arena;

    mcpz_arena_init(&arena, memory, mcpz_gossip_cache_bytes(SEEN_MAX, KEPT_MAX, BYTES_MAX));
    mcpz_gossip_cache_init(&cache, &arena, SEEN_MAX, KEPT_MAX, BYTES_MAX, 5);
    CHECK_UINT(arena.used, arena.size);
}

static void add_at(mcpz_time now, uint8_t number, size_t length)
{
    struct mcpz_gossip_id id = id_of(number);
    uint8_t payload[BYTES_MAX];
    memset(payload, number, sizeof(payload));
    mcpz_gossip_cache_add(&cache, now, &id, number + 1U, mcpz_bytes(payload, length));
}

static void add(uint8_t number, size_t length)
{
    add_at(0, number, length);
}

static bool has_seen(uint8_t number)
{
    struct mcpz_gossip_id id = id_of(number);
    return mcpz_gossip_cache_has_seen(&cache, &id);
}

/* Is it kept, with so many bytes of its own? */
static bool keeps(uint8_t number, size_t length)
{
    struct mcpz_gossip_id id = id_of(number);
    struct mcpz_msg_gossip gossip;
    uint8_t payload[BYTES_MAX];

    if (!mcpz_gossip_cache_find(&cache, &id, &gossip)) {
        return false;
    }
    memset(payload, number, sizeof(payload));
    CHECK_UINT(gossip.round, number + 1U);
    CHECK(mcpz_gossip_id_equal(&gossip.id, &id));
    CHECK_BYTES(gossip.payload, payload, length);
    return true;
}

TEST(nothing_has_been_seen_at_first)
{
    set_up();
    CHECK(!has_seen(0));
    CHECK(!keeps(0, 0));
}

TEST(the_latest_ids_are_known_and_the_latest_payloads_are_kept)
{
    set_up();
    for (uint8_t number = 0; number < 5 * SEEN_MAX; number++) {
        add(number, 2);
        for (uint8_t old = 0; old <= number; old++) {
            CHECK(has_seen(old) == (number - old < SEEN_MAX));
            CHECK(keeps(old, 2) == (number - old < KEPT_MAX));
        }
    }
}

TEST(a_payload_may_be_empty_or_fill_all_the_room)
{
    set_up();
    add(1, 0);
    add(2, 0);
    CHECK(keeps(1, 0));
    CHECK(keeps(2, 0));
    add(3, BYTES_MAX);
    CHECK(keeps(1, 0));
    CHECK(keeps(2, 0));
    CHECK(keeps(3, BYTES_MAX));
    add(4, 1);
    CHECK(!keeps(3, 0));
    CHECK(keeps(4, 1));
    add(5, BYTES_MAX);
    CHECK(!keeps(4, 0));
    CHECK(keeps(5, BYTES_MAX));
}

TEST(payloads_that_just_fit_stay_and_one_byte_more_takes_the_oldest)
{
    set_up();
    add(1, 4);
    add(2, 6);
    CHECK(keeps(1, 4));
    CHECK(keeps(2, 6));
    add(3, 4); /* where the first was */
    CHECK(!keeps(1, 0));
    CHECK(keeps(2, 6));
    CHECK(keeps(3, 4));
    add(4, 7); /* would end one byte behind the end: only at the start is there room */
    CHECK(!keeps(2, 0));
    CHECK(!keeps(3, 0));
    CHECK(keeps(4, 7));
    add(5, 3);
    CHECK(keeps(4, 7));
    CHECK(keeps(5, 3));
}

/* Whatever the lengths: what is kept is whole, and it is the latest without a gap. */
TEST(payloads_of_any_length_lie_one_after_the_other)
{
    uint8_t lengths[200];

    set_up();
    for (uint8_t number = 0; number < sizeof(lengths); number++) {
        size_t bytes = 0;
        bool kept = true;

        lengths[number] = (uint8_t)(number * number % (BYTES_MAX + 1));
        add(number, lengths[number]);
        CHECK(keeps(number, lengths[number]));
        for (uint8_t age = 0; age <= number; age++) {
            const uint8_t old = (uint8_t)(number - age);
            bool is_kept = keeps(old, lengths[old]);
            CHECK(kept || !is_kept);
            kept = is_kept;
            bytes += is_kept ? lengths[old] : 0;
        }
        CHECK(bytes <= BYTES_MAX);
    }
}

TEST(payloads_are_dropped_by_age_and_their_ids_stay)
{
    set_up();
    add_at(10, 1, 1);
    add_at(20, 2, 1);
    mcpz_gossip_cache_drop_before(&cache, 10);
    CHECK(keeps(1, 1));
    mcpz_gossip_cache_drop_before(&cache, 11);
    CHECK(!keeps(1, 0));
    CHECK(has_seen(1));
    CHECK(keeps(2, 1));
    mcpz_gossip_cache_drop_before(&cache, MCPZ_TIME_NEVER);
    CHECK(!keeps(2, 0));
    mcpz_gossip_cache_drop_before(&cache, MCPZ_TIME_NEVER);
    add_at(30, 3, BYTES_MAX);
    CHECK(keeps(3, BYTES_MAX));
}

TEST(what_is_expected_is_not_there_yet_and_nothing_goes_for_it)
{
    set_up();
    for (uint8_t number = 0; number < 2 * SEEN_MAX; number++) {
        const struct mcpz_gossip_id id = id_of(number);
        mcpz_gossip_cache_expect(&cache, &id);
        CHECK(!has_seen(number));
        CHECK(number == 0 || keeps(number - 1, 4));
        add(number, 4);
        mcpz_gossip_cache_expect(&cache, &id);
        CHECK(keeps(number, 4));
    }
}

TEST_MAIN(RUN(what_is_expected_is_not_there_yet_and_nothing_goes_for_it),
          RUN(nothing_has_been_seen_at_first),
          RUN(the_latest_ids_are_known_and_the_latest_payloads_are_kept),
          RUN(a_payload_may_be_empty_or_fill_all_the_room),
          RUN(payloads_that_just_fit_stay_and_one_byte_more_takes_the_oldest),
          RUN(payloads_of_any_length_lie_one_after_the_other),
          RUN(payloads_are_dropped_by_age_and_their_ids_stay))
