#include "base/rng.h"
#include "core/reconcile/root_tag.h"
#include "test.h"

static const struct mcpz_siphash_key key = {.low = 1, .high = 2};

static struct mcpz_id digest_of(uint64_t seed)
{
    struct mcpz_id digest;
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, seed);
    for (size_t i = 0; i < MCPZ_ID_BYTES; i++) {
        digest.bytes[i] = (uint8_t)mcpz_rng_below(&rng, 256);
    }
    return digest;
}

TEST(order_does_not_matter_and_what_is_removed_is_gone)
{
    struct mcpz_partition_root a = {0};
    struct mcpz_partition_root b = {0};
    const struct mcpz_partition_root nothing = {0};

    for (uint64_t i = 0; i < 100; i++) {
        const struct mcpz_id up = digest_of(i);
        const struct mcpz_id down = digest_of(99 - i);
        mcpz_partition_root_add(&a, &up);
        mcpz_partition_root_add(&b, &down);
    }
    CHECK(mcpz_partition_root_equal(&a, &b));
    CHECK_UINT(mcpz_partition_root_tag(&a, key), mcpz_partition_root_tag(&b, key));
    for (uint64_t i = 0; i < 100; i++) {
        const struct mcpz_id one = digest_of(i * 7 % 100);
        mcpz_partition_root_remove(&a, &one);
        CHECK(!mcpz_partition_root_equal(&a, &b));
    }
    CHECK(mcpz_partition_root_equal(&a, &nothing));
}

TEST(carries_go_all_the_way_and_come_back)
{
    struct mcpz_partition_root root = {0};
    struct mcpz_id all;
    const struct mcpz_id one = {.bytes = {[31] = 1}};
    uint8_t bytes[MCPZ_ROOT_BYTES];

    memset(all.bytes, 0xff, sizeof(all.bytes));
    mcpz_partition_root_add(&root, &all);
    mcpz_partition_root_add(&root, &all); /* 2^256 - 2, once around */
    mcpz_partition_root_pack(&root, bytes);
    CHECK_UINT(bytes[7], 2);
    CHECK_UINT(bytes[8], 0xff);
    CHECK_UINT(bytes[39], 0xfe);
    mcpz_partition_root_add(&root, &one);
    mcpz_partition_root_add(&root, &one);
    for (size_t i = 0; i < MCPZ_ROOT_WORDS; i++) {
        CHECK_UINT(root.sum[i], 0);
    }
    CHECK_UINT(root.count, 4);
    mcpz_partition_root_remove(&root, &one);
    for (size_t i = 0; i < MCPZ_ROOT_WORDS; i++) {
        CHECK_UINT(root.sum[i], UINT64_MAX);
    }
    mcpz_partition_root_remove(&root, &all);
    for (size_t i = 0; i < MCPZ_ROOT_WORDS; i++) {
        CHECK_UINT(root.sum[i], 0);
    }
}

TEST(bytes_are_as_documented)
{
    struct mcpz_partition_root root = {0};
    const struct mcpz_id digest = digest_of(5);
    uint8_t bytes[MCPZ_ROOT_BYTES];

    mcpz_partition_root_add(&root, &digest);
    mcpz_partition_root_pack(&root, bytes);
    CHECK(memcmp(bytes, "\0\0\0\0\0\0\0\x01", 8) == 0);
    CHECK(memcmp(bytes + 8, digest.bytes, MCPZ_ID_BYTES) == 0);
    CHECK_UINT(mcpz_partition_root_tag(&root, key),
               mcpz_siphash(key, mcpz_bytes(bytes, sizeof(bytes))));
}

TEST(tags_tell_count_sum_and_session_apart)
{
    struct mcpz_partition_root one = {.count = 1};
    struct mcpz_partition_root two = {.count = 2};
    const struct mcpz_siphash_key other = {.low = 1, .high = 3};

    CHECK(mcpz_partition_root_tag(&one, key) != mcpz_partition_root_tag(&two, key));
    CHECK(mcpz_partition_root_tag(&one, key) != mcpz_partition_root_tag(&one, other));
    two = one;
    two.sum[3] = 1;
    CHECK(mcpz_partition_root_tag(&one, key) != mcpz_partition_root_tag(&two, key));
}

TEST_MAIN(RUN(order_does_not_matter_and_what_is_removed_is_gone),
          RUN(carries_go_all_the_way_and_come_back), RUN(bytes_are_as_documented),
          RUN(tags_tell_count_sum_and_session_apart))
