#include "base/attr.h"
#include "net/client_frame.h"
#include "test.h"

static uint8_t buffer[MCPZ_CLIENT_FRAME_HEADER_BYTES_MAX + 70000];
static uint8_t *const payload = buffer + MCPZ_CLIENT_FRAME_HEADER_BYTES_MAX;

/* RFC 6455, section 5.7, but binary: "Hello". */
TEST(is_what_the_standard_shows)
{
    static const uint8_t key[] = {0x37, 0xfa, 0x21, 0x3d};
    static const uint8_t expected[] = {0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                       0x7f, 0x9f, 0x4d, 0x51, 0x58};

    memcpy(payload, "Hello", 5);
    CHECK_UINT(mcpz_client_frame_make(payload, 5, key), 6);
    CHECK(memcmp(payload - 6, expected, sizeof(expected)) == 0);
}

/* Header, key, and that each byte is masked by its own of the key. */
static void check(size_t length, const uint8_t *start, size_t start_length)
{
    static const uint8_t key[] = {1, 2, 4, 8};

    for (size_t i = 0; i < length; i++) {
        payload[i] = (uint8_t)(i * 7);
    }
    CHECK_UINT(mcpz_client_frame_make(payload, length, key), start_length + sizeof(key));
    CHECK(memcmp(payload - sizeof(key) - start_length, start, start_length) == 0);
    CHECK(memcmp(payload - sizeof(key), key, sizeof(key)) == 0);
    for (size_t i = 0; i < length; i++) {
        CHECK_UINT(payload[i], (uint8_t)(i * 7) ^ key[i % 4]);
    }
}

TEST(lengths_are_told_in_the_shortest_form)
{
    static const uint8_t empty[] = {0x82, 0x80};
    static const uint8_t longest_short[] = {0x82, 0x80 | 125};
    static const uint8_t shortest_16[] = {0x82, 0x80 | 126, 0, 126};
    static const uint8_t longest_16[] = {0x82, 0x80 | 126, 0xff, 0xff};
    static const uint8_t shortest_64[] = {0x82, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0};

    check(0, empty, sizeof(empty));
    check(125, longest_short, sizeof(longest_short));
    check(126, shortest_16, sizeof(shortest_16));
    check(65535, longest_16, sizeof(longest_16));
    check(65536, shortest_64, sizeof(shortest_64));
}

TEST(every_tail_is_masked)
{
    for (size_t length = 1; length <= 40; length++) {
        const uint8_t start[] = {0x82, (uint8_t)(0x80 | length)};
        check(length, start, sizeof(start));
    }
}

TEST_MAIN(RUN(is_what_the_standard_shows), RUN(lengths_are_told_in_the_shortest_form),
          RUN(every_tail_is_masked))
