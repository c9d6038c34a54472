#include <stdalign.h>

#include "base/base32.h"
#include "raw.h"
#include "test.h"
#include "wire/credentials.h"

static alignas(max_align_t) uint8_t memory[MCPZ_TOKEN_TEXT_BYTES_MAX];
static struct mcpz_arena arena;
static char text[MCPZ_TOKEN_TEXT_BYTES_MAX];

static const struct mcpz_join_token token = {
    .mesh = {A32},
    .id = RAW("tttttttttttttttt"),
    .secret = RAW(B32),
    .expires_ms = 256,
    .uses = 3,
    .role = RAW("w"),
    .addresses = {RAW("h:1"), RAW("[::1]:2")},
    .address_count = 2,
};

/* What base32 makes of it is tested there. */
#define TOKEN_BYTES                                                                               \
    "\x97" ID_A "\xc4\x10tttttttttttttttt" ID_B "\xcd\x01\0\x03\xa1w\x92\xa3h:1\xa7[::1]:2"

static mcpz_error from(const char *input, struct mcpz_join_token *result)
{
    mcpz_arena_init(&arena, memory, sizeof(memory));
    mcpz_error error = mcpz_token_from_text(mcpz_text(input), &arena, result);
    if (error != MCPZ_OK) {
        CHECK_UINT(arena.used, 0);
    }
    return error;
}

/* `bytes` as if they were a token of ours. */
static mcpz_error from_bytes(struct mcpz_bytes bytes)
{
    char crafted[1024] = MCPZ_TOKEN_PREFIX;
    struct mcpz_join_token result;
    mcpz_base32_encode(bytes, crafted + strlen(MCPZ_TOKEN_PREFIX));
    return from(crafted, &result);
}

TEST(a_token_is_its_prefix_and_its_bytes_in_base32)
{
    static const struct mcpz_bytes bytes = RAW(TOKEN_BYTES);
    char expected[1024] = "mcpz1-";

    mcpz_base32_encode(bytes, expected + 6);
    CHECK_UINT(mcpz_token_to_text(&token, text, sizeof(text)), MCPZ_OK);
    CHECK_TEXT(text, expected);
}

TEST(a_token_round_trips)
{
    struct mcpz_join_token result;
    CHECK_UINT(mcpz_token_to_text(&token, text, sizeof(text)), MCPZ_OK);
    CHECK_UINT(from(text, &result), MCPZ_OK);

    CHECK(mcpz_id_equal(&result.mesh, &token.mesh));
    CHECK_BYTES(result.id, token.id.data, token.id.length);
    CHECK_BYTES(result.secret, token.secret.data, token.secret.length);
    CHECK_UINT(result.expires_ms, 256);
    CHECK_UINT(result.uses, 3);
    CHECK_BYTES(result.role, "w", 1);
    CHECK_UINT(result.address_count, 2);
    CHECK_BYTES(result.addresses[1], "[::1]:2", 7);
}

TEST(the_largest_token_round_trips_within_its_text)
{
    struct mcpz_join_token full = token;
    struct mcpz_join_token result;
    static char again[MCPZ_TOKEN_TEXT_BYTES_MAX];

    full.expires_ms = UINT64_MAX;
    full.uses = UINT32_MAX;
    full.role = mcpz_bytes(zeros, MCPZ_NAME_BYTES_MAX);
    full.address_count = MCPZ_SEEDS_MAX;
    for (size_t i = 0; i < MCPZ_SEEDS_MAX; i++) {
        full.addresses[i] = mcpz_bytes(zeros, MCPZ_ADDRESS_BYTES_MAX);
    }
    CHECK_UINT(mcpz_token_to_text(&full, text, sizeof(text)), MCPZ_OK);
    CHECK_UINT(from(text, &result), MCPZ_OK);
    CHECK_UINT(mcpz_token_to_text(&result, again, sizeof(again)), MCPZ_OK);
    CHECK_TEXT(again, text);
}

TEST(white_space_around_it_is_dropped)
{
    static char padded[MCPZ_TOKEN_TEXT_BYTES_MAX + 16];
    struct mcpz_join_token result;

    CHECK_UINT(mcpz_token_to_text(&token, text, sizeof(text)), MCPZ_OK);
    (void)snprintf(padded, sizeof(padded), " \t\r\n%s\v\f \n", text);
    CHECK_UINT(from(padded, &result), MCPZ_OK);
    CHECK_UINT(from(" \n", &result), MCPZ_EPROTO);
}

TEST(every_buffer_too_small_is_refused)
{
    CHECK_UINT(mcpz_token_to_text(&token, text, sizeof(text)), MCPZ_OK);
    size_t needed = strlen(text) + 1;
    text[0] = 'u';
    for (size_t capacity = 0; capacity < needed; capacity++) {
        CHECK_UINT(mcpz_token_to_text(&token, text, capacity), MCPZ_EFULL);
        CHECK(text[0] == 'u');
    }
    CHECK_UINT(mcpz_token_to_text(&token, text, needed), MCPZ_OK);
}

TEST(every_truncation_is_refused)
{
    struct mcpz_join_token result = {.uses = 42};

    CHECK_UINT(mcpz_token_to_text(&token, text, sizeof(text)), MCPZ_OK);
    for (size_t length = strlen(text); length-- > 0;) {
        text[length] = '\0';
        mcpz_error error = from(text, &result);
        CHECK(error == MCPZ_ESHORT || error == MCPZ_EPROTO);
        CHECK_UINT(result.uses, 42);
    }
}

TEST(tokens_of_other_versions_are_told_apart_from_nonsense)
{
    struct mcpz_join_token result;

    CHECK_UINT(from("mcpz2-aaaa", &result), MCPZ_EVERSION);
    CHECK_UINT(from("mcpz10-aaaa", &result), MCPZ_EVERSION);
    CHECK_UINT(from("mcpz0-", &result), MCPZ_EVERSION);
    CHECK_UINT(from("mcpz-aaaa", &result), MCPZ_EPROTO);
    CHECK_UINT(from("mcpz1", &result), MCPZ_EPROTO);
    CHECK_UINT(from("mcpz1aaaa", &result), MCPZ_EPROTO);
    CHECK_UINT(from("mcpzx-aaaa", &result), MCPZ_EPROTO);
    CHECK_UINT(from("mcp", &result), MCPZ_EPROTO);
    CHECK_UINT(from("", &result), MCPZ_EPROTO);
    CHECK_UINT(from("MCPZ1-aaaa", &result), MCPZ_EPROTO);
}

TEST(base32_that_is_not_canonical_is_refused)
{
    struct mcpz_join_token result;

    CHECK_UINT(mcpz_token_to_text(&token, text, sizeof(text)), MCPZ_OK);
    text[8] = (char)(text[8] - 'a' + 'A');
    CHECK_UINT(from(text, &result), MCPZ_EPROTO);
    CHECK_UINT(from("mcpz1-", &result), MCPZ_ESHORT);
    CHECK_UINT(from("mcpz1-aa aa", &result), MCPZ_EPROTO);
}

TEST(bytes_that_are_no_token_are_refused)
{
    static const struct {
        struct mcpz_bytes bytes;
        mcpz_error error;
    } cases[] = {
        {RAW(TOKEN_BYTES), MCPZ_OK},
        {RAW("\xdf\xff\xff\xff\x7e"), MCPZ_ESHORT},
        {RAW(TOKEN_BYTES "\xc0"), MCPZ_EPROTO}, /* bytes left over */
        {RAW("\x97" ID_A "\xc4\x0fttttttttttttttt" ID_B "\x01\x03\xa0\x90"), MCPZ_EPROTO},
        {RAW("\x97" ID_A "\xc4\x10tttttttttttttttt\xc4\x01x\x01\x03\xa0\x90"), MCPZ_EPROTO},
        {RAW("\x97" ID_A "\xc4\x10tttttttttttttttt" ID_B "\xcc\x01\x03\xa0\x90"), MCPZ_EPROTO},
        {RAW("\x97" ID_A "\xc4\x10tttttttttttttttt" ID_B "\x01\x03\xa0\xdc\0\x11"
             "\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0"),
         MCPZ_EPROTO}, /* seventeen addresses */
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        CHECK_UINT(from_bytes(cases[i].bytes), cases[i].error);
    }
}

TEST(too_long_a_text_or_too_small_an_arena_is_refused)
{
    static char longest[MCPZ_TOKEN_TEXT_BYTES_MAX + 1];
    struct mcpz_join_token result;

    memset(longest, 'a', MCPZ_TOKEN_TEXT_BYTES_MAX);
    memcpy(longest, MCPZ_TOKEN_PREFIX, strlen(MCPZ_TOKEN_PREFIX));
    CHECK_UINT(from(longest, &result), MCPZ_EFULL);
    longest[MCPZ_TOKEN_TEXT_BYTES_MAX - 1] = '\0';
    CHECK_UINT(from(longest, &result), MCPZ_EPROTO);

    CHECK_UINT(mcpz_token_to_text(&token, text, sizeof(text)), MCPZ_OK);
    mcpz_arena_init(&arena, memory, 16);
    CHECK_UINT(mcpz_token_from_text(mcpz_text(text), &arena, &result), MCPZ_EFULL);
    CHECK_UINT(arena.used, 0);
}

TEST(text_that_is_not_utf8_is_not_written)
{
    struct mcpz_join_token bad = token;
    bad.role = mcpz_text("\xff");
    CHECK_UINT(mcpz_token_to_text(&bad, text, sizeof(text)), MCPZ_EPROTO);
}

TEST_MAIN(RUN(a_token_is_its_prefix_and_its_bytes_in_base32), RUN(a_token_round_trips),
          RUN(the_largest_token_round_trips_within_its_text),
          RUN(white_space_around_it_is_dropped), RUN(every_buffer_too_small_is_refused),
          RUN(every_truncation_is_refused),
          RUN(tokens_of_other_versions_are_told_apart_from_nonsense),
          RUN(base32_that_is_not_canonical_is_refused), RUN(bytes_that_are_no_token_are_refused),
          RUN(too_long_a_text_or_too_small_an_arena_is_refused),
          RUN(text_that_is_not_utf8_is_not_written))
