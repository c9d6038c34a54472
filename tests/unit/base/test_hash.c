#include "base/hash.h"
#include "test.h"

TEST(length_and_content_and_seed_all_count)
{
    uint64_t hash = mcpz_hash_bytes(mcpz_text("abcdefgh"), 1);

    CHECK(hash == mcpz_hash_bytes(mcpz_text("abcdefgh"), 1));
    CHECK(hash != mcpz_hash_bytes(mcpz_text("abcdefgh"), 2));
    CHECK(hash != mcpz_hash_bytes(mcpz_text("abcdefgi"), 1));
    CHECK(hash != mcpz_hash_bytes(mcpz_text("abcdefg"), 1));
    CHECK(hash != mcpz_hash_bytes(mcpz_text("abcdefghi"), 1));
    CHECK(hash != mcpz_hash_bytes(mcpz_bytes("abcdefgh\0", 9), 1));
}

TEST(zeros_of_different_lengths_differ)
{
    static const uint8_t zeros[17];
    for (size_t i = 0; i < sizeof(zeros); i++) {
        CHECK(mcpz_hash_bytes(mcpz_bytes(zeros, i), 0) !=
              mcpz_hash_bytes(mcpz_bytes(zeros, i + 1), 0));
    }
}

/* Digests are compared between machines: the numbers are a promise. */
TEST(numbers_are_the_same_everywhere)
{
    CHECK_UINT(mcpz_hash_mix(0), 0);
    CHECK_UINT(mcpz_hash_mix(1), UINT64_C(0x5692161d100b05e5));
    CHECK_UINT(mcpz_hash_bytes(mcpz_bytes(NULL, 0), 0), 0);
    CHECK_UINT(mcpz_hash_bytes(mcpz_text("mcp-zero mesh"), 7), UINT64_C(0x9997003696932eef));
}

TEST(mix_keeps_different_numbers_different)
{
    for (uint64_t i = 0; i < 64; i++) {
        CHECK(mcpz_hash_mix(UINT64_C(1) << i) != mcpz_hash_mix(UINT64_C(1) << ((i + 1) % 64)));
    }
}

TEST_MAIN(RUN(length_and_content_and_seed_all_count), RUN(zeros_of_different_lengths_differ),
          RUN(numbers_are_the_same_everywhere), RUN(mix_keeps_different_numbers_different))
