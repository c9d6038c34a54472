#include "http/chunked.h"
#include "test.h"

static char body[8192];
static size_t body_length;
static struct mcpz_bytes left;

/* Read `text` in steps of `step` bytes; what was found last. What was found lies in `body`. */
static enum mcpz_chunked_found read_in_steps(const char *text, size_t length, size_t step)
{
    struct mcpz_chunked chunked = {0};
    enum mcpz_chunked_found found = MCPZ_CHUNKED_MORE;

    body_length = 0;
    for (size_t at = 0; at < length && found == MCPZ_CHUNKED_MORE; at += step) {
        struct mcpz_bytes piece;
        left = mcpz_bytes(text + at, length - at < step ? length - at : step);
        while ((found = mcpz_chunked_read(&chunked, &left, &piece)) == MCPZ_CHUNKED_PIECE) {
            CHECK(piece.length > 0 && body_length + piece.length < sizeof(body));
            memcpy(body + body_length, piece.data, piece.length);
            body_length += piece.length;
        }
        CHECK(found == MCPZ_CHUNKED_END || found == MCPZ_CHUNKED_BAD || left.length == 0);
        if (found != MCPZ_CHUNKED_MORE) {
            CHECK_UINT(mcpz_chunked_read(&chunked, &left, &piece), found); /* and stays so */
        }
    }
    body[body_length] = '\0';
    return found;
}

/* However the bytes come. */
static void check(const char *text, enum mcpz_chunked_found found, const char *expected)
{
    size_t length = strlen(text);

    for (size_t step = 1; step <= length; step++) {
        CHECK_UINT(read_in_steps(text, length, step), found);
        if (expected != NULL) {
            CHECK_TEXT(body, expected);
        }
    }
}

TEST(chunks_become_a_body)
{
    check("0\r\n\r\n", MCPZ_CHUNKED_END, "");
    check("5\r\nhello\r\n0\r\n\r\n", MCPZ_CHUNKED_END, "hello");
    check("5\r\nhello\r\n1\r\n \r\n00a\r\nwide world\r\n0\r\n\r\n", MCPZ_CHUNKED_END,
          "hello wide world");
    check("A\r\n0123456789\r\n000\r\n\r\n", MCPZ_CHUNKED_END, "0123456789");
    check("2\r\n\r\n\r\n0\r\n\r\n", MCPZ_CHUNKED_END, "\r\n");
}

TEST(extensions_and_trailers_are_passed_over)
{
    check("2;a=b;c=\"d\"\r\nok\r\n0;x\r\nExpires: never\r\nX:\r\n\r\n", MCPZ_CHUNKED_END, "ok");
    check("2 ;a\r\nok\r\n0\t\r\n\r\n", MCPZ_CHUNKED_END, "ok");
}

TEST(what_is_not_all_there_is_waited_for)
{
    static const char text[] = "2;a\r\nok\r\n0\r\nA: b\r\n\r\n";

    for (size_t length = 1; length < sizeof(text) - 1; length++) {
        CHECK_UINT(read_in_steps(text, length, length), MCPZ_CHUNKED_MORE);
    }
    CHECK_UINT(read_in_steps(text, sizeof(text) - 1, 1), MCPZ_CHUNKED_END);
}

TEST(what_follows_is_left_alone)
{
    static const char text[] = "0\r\n\r\nGET / HTTP/1.1\r\n";

    CHECK_UINT(read_in_steps(text, sizeof(text) - 1, sizeof(text) - 1), MCPZ_CHUNKED_END);
    CHECK_BYTES(left, "GET / HTTP/1.1\r\n", 16);
}

/* Each of these is read in two ways by somebody: that is how requests are smuggled. */
TEST(what_could_be_read_in_two_ways_is_refused)
{
    static const char *const texts[] = {
        "\r\n0\r\n\r\n",             /* no size */
        ";a\r\n\r\n",                /* none before an extension */
        " 2\r\nok\r\n0\r\n\r\n",     /* space before it */
        "0x2\r\nok\r\n0\r\n\r\n",    /* a prefix */
        "+2\r\nok\r\n0\r\n\r\n",     /* a sign */
        "-1\r\nok\r\n0\r\n\r\n",     /* another */
        "2,\r\nok\r\n0\r\n\r\n",     /* something else behind it */
        "2\nok\r\n0\r\n\r\n",        /* LF alone */
        "2\rok\r\n0\r\n\r\n",        /* CR alone */
        "2;a\nok\r\n0\r\n\r\n",      /* LF within an extension */
        "2;a\rb\r\nok\r\n0\r\n\r\n", /* CR within one */
        "2\r\nok0\r\n\r\n",          /* a chunk longer than it says */
        "2\r\nok\n0\r\n\r\n",        /* LF alone behind one */
        "2\r\nok\r\r\n0\r\n\r\n",    /* twice CR */
        "0\r\nno colon\r\n\r\n",     /* a trailer that is none */
        "0\r\n: x\r\n\r\n",          /* one without a name */
        "0\r\nA: b\r\n c\r\n\r\n",   /* one that goes on */
        "0\r\nA: b\n\r\n",           /* one that ends with LF */
        "0\r\nA\x01: b\r\n\r\n",     /* a control character in it */
        "0\r\n\rx",                  /* no end */
        "g\r\n",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        check(texts[i], MCPZ_CHUNKED_BAD, NULL);
    }
}

TEST(sizes_are_bounded)
{
    check("0000000000000002\r\nok\r\n0\r\n\r\n", MCPZ_CHUNKED_END, "ok");
    check("00000000000000002\r\n", MCPZ_CHUNKED_BAD, "");
    check("7fffffffffffffff\r\nx", MCPZ_CHUNKED_MORE, "x");
    check("8000000000000000\r\n", MCPZ_CHUNKED_BAD, "");
    check("ffffffffffffffff\r\n", MCPZ_CHUNKED_BAD, "");
}

static void check_line(size_t extension, enum mcpz_chunked_found found)
{
    char text[1024] = "0;";

    memset(text + 2, 'e', extension);
    strcpy(text + 2 + extension, "\r\n\r\n");
    CHECK_UINT(read_in_steps(text, strlen(text), 7), found);
}

static void check_trailer(size_t value, enum mcpz_chunked_found found)
{
    static char text[8192];

    strcpy(text, "0\r\nA:");
    memset(text + 5, 'v', value);
    strcpy(text + 5 + value, "\r\n\r\n");
    CHECK_UINT(read_in_steps(text, strlen(text), 100), found);
}

TEST(lines_are_bounded)
{
    check_line(MCPZ_CHUNK_LINE_BYTES_MAX - 4, MCPZ_CHUNKED_END);
    check_line(MCPZ_CHUNK_LINE_BYTES_MAX - 3, MCPZ_CHUNKED_BAD);
    check_trailer(MCPZ_CHUNK_TRAILER_BYTES_MAX - 5, MCPZ_CHUNKED_END);
    check_trailer(MCPZ_CHUNK_TRAILER_BYTES_MAX - 4, MCPZ_CHUNKED_BAD);
}

TEST_MAIN(RUN(chunks_become_a_body), RUN(extensions_and_trailers_are_passed_over),
          RUN(what_is_not_all_there_is_waited_for), RUN(what_follows_is_left_alone),
          RUN(what_could_be_read_in_two_ways_is_refused), RUN(sizes_are_bounded),
          RUN(lines_are_bounded))
