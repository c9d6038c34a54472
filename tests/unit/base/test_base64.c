#include "base/base64.h"
#include "test.h"

static void reads(const char *text, const char *bytes)
{
    uint8_t decoded[64];
    size_t length = 99;

    CHECK(mcpz_base64_decode(mcpz_text(text), decoded, sizeof(decoded), &length) == MCPZ_OK);
    CHECK_UINT(length, strlen(bytes));
    CHECK(memcmp(decoded, bytes, length) == 0);
}

static void refuses(const char *text)
{
    uint8_t decoded[64];
    size_t length = 99;

    CHECK(mcpz_base64_decode(mcpz_text(text), decoded, sizeof(decoded), &length) == MCPZ_EPROTO);
    CHECK_UINT(length, 99);
}

/* RFC 4648 section 10. */
TEST(reads_the_vectors_of_the_rfc)
{
    (void)state;
    reads("", "");
    reads("Zg==", "f");
    reads("Zm8=", "fo");
    reads("Zm9v", "foo");
    reads("Zm9vYg==", "foob");
    reads("Zm9vYmE=", "fooba");
    reads("Zm9vYmFy", "foobar");
}

TEST(reads_every_byte)
{
    uint8_t decoded[3];
    size_t length;

    (void)state;
    CHECK(mcpz_base64_decode(mcpz_text("AP+/"), decoded, sizeof(decoded), &length) == MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(decoded, length), "\x00\xff\xbf", 3);
}

TEST(decodes_where_the_text_is)
{
    char text[] = "Zm9vYmFy";
    size_t length;

    (void)state;
    CHECK(mcpz_base64_decode(mcpz_bytes(text, 8), (uint8_t *)text, sizeof(text), &length) ==
          MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(text, length), "foobar", 6);
}

TEST(refuses_what_is_not_canonical)
{
    (void)state;
    refuses("Zg");   /* no padding */
    refuses("Zg=");  /* half of it */
    refuses("Z==="); /* too much */
    refuses("====");
    refuses("Zh==");     /* unused bits */
    refuses("Zg==Zg=="); /* padding in the middle */
    refuses("Zm9\n");
    refuses("Zm-_"); /* the other alphabet */
}

TEST_MAIN(RUN(reads_the_vectors_of_the_rfc), RUN(reads_every_byte), RUN(decodes_where_the_text_is),
          RUN(refuses_what_is_not_canonical))
