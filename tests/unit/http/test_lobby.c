/* How far the head of a request is. */

#include "http/lobby.h"
#include "test.h"

static enum mcpz_head_state look(const char *text)
{
    return mcpz_lobby_look(mcpz_text(text));
}

TEST(a_head_is_whole_with_its_empty_line)
{
    static const char head[] = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

    for (size_t i = 0; i < sizeof(head) - 1; i++) {
        CHECK_UINT(mcpz_lobby_look(mcpz_bytes(head, i)), MCPZ_HEAD_WAITING);
    }
    CHECK_UINT(look(head), MCPZ_HEAD_WHOLE);
    CHECK_UINT(look("POST /mcp HTTP/1.0\r\n\r\nbody"), MCPZ_HEAD_WHOLE);
    CHECK_UINT(look("M-SEARCH * HTTP/1.1\nHost: x\n\n"), MCPZ_HEAD_WHOLE);
    CHECK_UINT(look("GET http://x/ HTTP/1.1\r\n\r\n"), MCPZ_HEAD_WHOLE);
}

TEST(what_is_no_request_is_seen_as_soon_as_it_is)
{
    static const char *const bad[] = {
        "\x16\x03\x01",     " GET / HTTP/1.1",    "GET\t/ HTTP/1.1",   "GET\r\n",
        "GET /\r\n",        "GET / HTTP\r\n",     "GET  HTTP/1.1\r\n", "GET / HTTP/1.1x\r\n",
        "GET / HTTP/1\r\n", "GET / http/1.1\r\n", "G\xc3\xa9T ",       ": x\r\n",
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(bad); i++) {
        CHECK_UINT(look(bad[i]), MCPZ_HEAD_BAD);
    }
    CHECK_UINT(mcpz_lobby_look(mcpz_bytes("\0", 1)), MCPZ_HEAD_BAD);
    CHECK_UINT(look("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), MCPZ_HEAD_OTHER);
}

TEST(a_head_has_a_bound)
{
    static char head[MCPZ_LOBBY_HEAD_BYTES_MAX + 2];

    memset(head, 'a', sizeof(head));
    memcpy(head, "GET / HTTP/1.1\r\nX: ", 19);
    CHECK_UINT(mcpz_lobby_look(mcpz_bytes(head, MCPZ_LOBBY_HEAD_BYTES_MAX)), MCPZ_HEAD_WAITING);
    CHECK_UINT(mcpz_lobby_look(mcpz_bytes(head, MCPZ_LOBBY_HEAD_BYTES_MAX + 1)),
               MCPZ_HEAD_TOO_LARGE);
    memcpy(head + MCPZ_LOBBY_HEAD_BYTES_MAX - 4, "\r\n\r\n", 4);
    CHECK_UINT(mcpz_lobby_look(mcpz_bytes(head, MCPZ_LOBBY_HEAD_BYTES_MAX)), MCPZ_HEAD_WHOLE);
    memset(head, 'G', sizeof(head)); /* a method without end */
    CHECK_UINT(mcpz_lobby_look(mcpz_bytes(head, MCPZ_LOBBY_HEAD_BYTES_MAX + 1)),
               MCPZ_HEAD_TOO_LARGE);
}

TEST_MAIN(RUN(a_head_is_whole_with_its_empty_line),
          RUN(what_is_no_request_is_seen_as_soon_as_it_is), RUN(a_head_has_a_bound))
