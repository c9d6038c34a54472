#include "base/base32.h"
#include "test.h"

/* RFC 4648 section 10, in lower case and without padding. */
static const struct {
    const char *bytes;
    const char *text;
} vectors[] = {
    {"", ""},
    {"f", "my"},
    {"fo", "mzxq"},
    {"foo", "mzxw6"},
    {"foob", "mzxw6yq"},
    {"fooba", "mzxw6ytb"},
    {"foobar", "mzxw6ytboi"},
};

TEST(writes_the_vectors_of_the_rfc)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(vectors); i++) {
        char text[32];
        mcpz_base32_encode(mcpz_text(vectors[i].bytes), text);
        CHECK_TEXT(text, vectors[i].text);
        CHECK_UINT(strlen(text), MCPZ_BASE32_CHARS(strlen(vectors[i].bytes)));
    }
}

TEST(reads_the_vectors_of_the_rfc)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(vectors); i++) {
        uint8_t bytes[8];
        size_t length = 99;
        CHECK_UINT(mcpz_base32_decode(mcpz_text(vectors[i].text), bytes, sizeof(bytes), &length),
                   MCPZ_OK);
        CHECK_BYTES(mcpz_bytes(bytes, length), vectors[i].bytes, strlen(vectors[i].bytes));
    }
}

TEST(every_byte_round_trips)
{
    uint8_t bytes[256];
    uint8_t again[256];
    char text[MCPZ_BASE32_CHARS(256) + 1];
    size_t length;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 167 + 13);
    }
    for (size_t count = 0; count <= sizeof(bytes); count++) {
        mcpz_base32_encode(mcpz_bytes(bytes, count), text);
        CHECK_UINT(mcpz_base32_decode(mcpz_text(text), again, count, &length), MCPZ_OK);
        CHECK_BYTES(mcpz_bytes(again, length), bytes, count);
    }
}

TEST(refuses_every_form_that_is_not_canonical)
{
    static const char *const texts[] = {
        "MY",       /* upper case */
        "my======", /* padding */
        "mz",       /* unused bits set */
        "a",        /* too short for a byte */
        "mza",      /* a character that adds no byte */
        "mzxw6a",   /* the same, later */
        "m1",       /* not in the alphabet */
        "m8",       "m y", "m-", "m\x80",
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(texts); i++) {
        uint8_t bytes[8];
        size_t length = 99;
        CHECK_UINT(mcpz_base32_decode(mcpz_text(texts[i]), bytes, sizeof(bytes), &length),
                   MCPZ_EPROTO);
        CHECK_UINT(length, 99);
    }
}

TEST(refuses_more_than_there_is_room_for)
{
    uint8_t bytes[6] = {0, 0, 0, 0, 0, 0x55};
    size_t length = 99;

    CHECK_UINT(mcpz_base32_decode(mcpz_text("mzxw6ytboi"), bytes, 5, &length), MCPZ_EFULL);
    CHECK_UINT(bytes[5], 0x55);
    CHECK_UINT(length, 99);
    CHECK_UINT(mcpz_base32_decode(mcpz_text("mzxw6ytboi"), bytes, 6, &length), MCPZ_OK);
}

TEST_MAIN(RUN(writes_the_vectors_of_the_rfc), RUN(reads_the_vectors_of_the_rfc),
          RUN(every_byte_round_trips), RUN(refuses_every_form_that_is_not_canonical),
          RUN(refuses_more_than_there_is_room_for))
