#include "proto/id.h"
#include "test.h"

static const struct mcpz_id zero;
static const struct mcpz_id counted = {.bytes = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                                 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                                 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}};

#define COUNTED_TEXT "aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq"
#define ZERO_TEXT "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

TEST(text_is_prefix_dash_and_base32)
{
    char text[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(&counted, 'n', text);
    CHECK_TEXT(text, "n-" COUNTED_TEXT);
    CHECK_UINT(strlen(text), MCPZ_ID_TEXT_BYTES - 1);
    mcpz_id_to_text(&zero, 'd', text);
    CHECK_TEXT(text, "d-" ZERO_TEXT);
}

TEST(text_round_trips)
{
    struct mcpz_id id;
    CHECK_UINT(mcpz_id_from_text(mcpz_text("m-" COUNTED_TEXT), 'm', &id), MCPZ_OK);
    CHECK(mcpz_id_equal(&id, &counted));
}

TEST(refuses_text_of_another_kind_length_or_form)
{
    static const char *const texts[] = {
        "",
        "n",
        "n-",
        "m-" COUNTED_TEXT,        /* another prefix */
        "n_" COUNTED_TEXT,        /* another separator */
        COUNTED_TEXT,             /* none */
        "n-" COUNTED_TEXT "a",    /* too long */
        "n-aaaqeayeaudaocajbifq", /* too short */
        "n-AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQ",
        "n-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypr", /* unused bits set */
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(texts); i++) {
        struct mcpz_id id = counted;
        CHECK_UINT(mcpz_id_from_text(mcpz_text(texts[i]), 'n', &id), MCPZ_EPROTO);
        CHECK(mcpz_id_equal(&id, &counted));
    }
}

TEST(every_truncation_is_refused)
{
    static const char text[] = "n-" COUNTED_TEXT;
    struct mcpz_id id;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        CHECK_UINT(mcpz_id_from_text(mcpz_bytes(text, i), 'n', &id), MCPZ_EPROTO);
    }
}

TEST(only_zero_is_zero)
{
    struct mcpz_id id = {{0}};
    CHECK(mcpz_id_is_zero(&id));
    for (size_t i = 0; i < MCPZ_ID_BYTES; i++) {
        id.bytes[i] = 1;
        CHECK(!mcpz_id_is_zero(&id));
        id.bytes[i] = 0;
    }
}

TEST(order_is_that_of_the_bytes)
{
    struct mcpz_id high = {{0x80}};
    CHECK(mcpz_id_compare(&zero, &counted) < 0);
    CHECK(mcpz_id_compare(&counted, &zero) > 0);
    CHECK(mcpz_id_compare(&counted, &counted) == 0);
    CHECK(mcpz_id_compare(&counted, &high) < 0);
    CHECK(!mcpz_id_equal(&zero, &counted));
}

TEST_MAIN(RUN(text_is_prefix_dash_and_base32), RUN(text_round_trips),
          RUN(refuses_text_of_another_kind_length_or_form), RUN(every_truncation_is_refused),
          RUN(only_zero_is_zero), RUN(order_is_that_of_the_bytes))
