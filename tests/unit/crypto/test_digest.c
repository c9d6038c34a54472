#include "base/attr.h"
#include "crypto/digest.h"
#include "hex.h"
#include "test.h"

/* Known answers: hashlib.blake2b(data, digest_size=32, person=use, key=key) of Python. */

static const char *digest_of(const char *use, struct mcpz_bytes key, struct mcpz_bytes bytes)
{
    struct mcpz_digest_state under_way;
    uint8_t digest[MCPZ_DIGEST_BYTES];

    mcpz_digest_begin(&under_way, use, key);
    mcpz_digest_add(&under_way, bytes);
    mcpz_digest_end(&under_way, digest);
    return to_hex(digest, sizeof(digest));
}

static struct mcpz_bytes no_key(void)
{
    return mcpz_bytes(NULL, 0);
}

TEST(agrees_with_another_implementation)
{
    CHECK_TEXT(digest_of(MCPZ_DIGEST_DOCUMENT, no_key(), mcpz_text("abc")),
               "cadf5c6723457d37a6a1e7135b60f6a73601f6da2404bf8bcd1458bd467c91da");
    CHECK_TEXT(digest_of(MCPZ_DIGEST_DOCUMENT, no_key(), mcpz_bytes(NULL, 0)),
               "b1f4a70a789ad6659f980eacecb2e940950e74f4569a23b4e144ad38d7c79cff");
}

TEST(gives_each_use_bytes_of_its_own)
{
    CHECK_TEXT(digest_of(MCPZ_DIGEST_ROOT, no_key(), mcpz_text("abc")),
               "8a4004ba0a3c69d770f7085d0de90a77fdd5512a3b6e811a0bd278fbeb8af6bb");
}

TEST(takes_keys_of_32_and_of_64_bytes)
{
    uint8_t key[64];
    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t)i;
    }
    CHECK_TEXT(digest_of(MCPZ_DIGEST_JOIN_PROOF, mcpz_bytes(key, 32), mcpz_text("abc")),
               "ccae6306701c412bedad886b17ca0dfcf9f838ef85ee19ff5f40275cd2812d47");
    CHECK_TEXT(digest_of(MCPZ_DIGEST_JOIN_PROOF, mcpz_bytes(key, 64), mcpz_text("abc")),
               "14154de943ed48eea283e1d93f4f5959dc23fe8f41496df0fff22d53f9b5b00a");
}

TEST(does_not_care_how_the_bytes_are_cut)
{
    static const char expected[] =
        "e69941725f530e7f89184703fa900052bd7d9b94ec359b2304519e3a44228662";
    const size_t cuts[] = {1, 127, 128, 129, 999, 1000};
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i % 251);
    }

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cuts); i++) {
        struct mcpz_digest_state under_way;
        uint8_t digest[MCPZ_DIGEST_BYTES];
        mcpz_digest_begin(&under_way, MCPZ_DIGEST_SNAPSHOT, no_key());
        for (size_t at = 0; at < sizeof(bytes); at += cuts[i]) {
            size_t left = sizeof(bytes) - at;
            mcpz_digest_add(&under_way, mcpz_bytes(bytes + at, left < cuts[i] ? left : cuts[i]));
        }
        mcpz_digest_end(&under_way, digest);
        CHECK_TEXT(to_hex(digest, sizeof(digest)), expected);
    }
}

TEST(does_it_all_at_once_too)
{
    uint8_t digest[MCPZ_DIGEST_BYTES];
    mcpz_digest(MCPZ_DIGEST_DOCUMENT, mcpz_text("abc"), digest);
    CHECK_TEXT(to_hex(digest, sizeof(digest)),
               "cadf5c6723457d37a6a1e7135b60f6a73601f6da2404bf8bcd1458bd467c91da");
}

TEST(leaves_nothing_of_a_key_behind)
{
    static const struct mcpz_digest_state zero;
    struct mcpz_digest_state under_way;
    uint8_t digest[MCPZ_DIGEST_BYTES];

    mcpz_digest_begin(&under_way, MCPZ_DIGEST_JOIN_PROOF, mcpz_text("a key"));
    mcpz_digest_end(&under_way, digest);
    CHECK(memcmp(&under_way, &zero, sizeof(under_way)) == 0);
}

TEST_MAIN(RUN(agrees_with_another_implementation), RUN(gives_each_use_bytes_of_its_own),
          RUN(takes_keys_of_32_and_of_64_bytes), RUN(does_not_care_how_the_bytes_are_cut),
          RUN(does_it_all_at_once_too), RUN(leaves_nothing_of_a_key_behind))
