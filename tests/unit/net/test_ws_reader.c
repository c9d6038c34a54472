#include "base/attr.h"
#include "net/ws_reader.h"
#include "test.h"

static uint8_t buffer[70000 + MCPZ_CLIENT_FRAME_HEADER_BYTES_MAX];
static uint8_t message[70000];
static size_t message_length;

static struct mcpz_ws_bytes bytes_of(const void *data, size_t length)
{
    memcpy(buffer, data, length);
    return (struct mcpz_ws_bytes){.data = buffer, .length = length};
}

/* What comes of bytes that are the first. */
static mcpz_error first_of(bool masked, const void *data, size_t length,
                           struct mcpz_ws_piece *piece)
{
    struct mcpz_ws_reader reader = {.masked = masked};
    struct mcpz_ws_bytes bytes = bytes_of(data, length);

    return mcpz_ws_reader_next(&reader, &bytes, piece);
}

static void check_refused(bool masked, const void *data, size_t length)
{
    struct mcpz_ws_piece piece;

    CHECK_UINT(first_of(masked, data, length, &piece), MCPZ_EPROTO);
}

/* RFC 6455, section 5.7, but binary: "Hello". */
TEST(reads_what_the_standard_shows)
{
    static const uint8_t plain[] = {0x82, 0x05, 'H', 'e', 'l', 'l', 'o'};
    static const uint8_t masked[] = {0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                     0x7f, 0x9f, 0x4d, 0x51, 0x58};
    struct mcpz_ws_piece piece;

    CHECK_UINT(first_of(false, plain, sizeof(plain), &piece), MCPZ_OK);
    CHECK_UINT(piece.kind, MCPZ_WS_BINARY);
    CHECK_BYTES(piece.bytes, "Hello", 5);
    CHECK(piece.is_last);
    CHECK_UINT(first_of(true, masked, sizeof(masked), &piece), MCPZ_OK);
    CHECK_BYTES(piece.bytes, "Hello", 5);
    CHECK_UINT(first_of(true, plain, sizeof(plain), &piece), MCPZ_EPROTO);
    CHECK_UINT(first_of(false, masked, sizeof(masked), &piece), MCPZ_EPROTO);
}

/* Take all that can be taken; messages are put together in `message`. Returns how many ended. */
static size_t take(struct mcpz_ws_reader *reader, struct mcpz_ws_bytes bytes)
{
    struct mcpz_ws_piece piece;
    size_t ended = 0;
    mcpz_error error;

    while ((error = mcpz_ws_reader_next(reader, &bytes, &piece)) == MCPZ_OK) {
        CHECK(message_length + piece.bytes.length <= sizeof(message));
        memcpy(message + message_length, piece.bytes.data, piece.bytes.length);
        message_length += piece.bytes.length;
        ended += piece.is_last;
    }
    CHECK_UINT(error, MCPZ_ENOTFOUND);
    CHECK_UINT(bytes.length, 0);
    return ended;
}

/* A masked frame of `length`, cut at `cut`: the same comes of it as of the whole. */
static void check_cut(size_t length, size_t cut)
{
    static const uint8_t key[] = {1, 2, 4, 8};
    static uint8_t frame[MCPZ_CLIENT_FRAME_HEADER_BYTES_MAX + sizeof(message)];
    struct mcpz_ws_reader reader = {.masked = true};
    uint8_t *payload = frame + MCPZ_CLIENT_FRAME_HEADER_BYTES_MAX;

    for (size_t i = 0; i < length; i++) {
        payload[i] = (uint8_t)(i * 7);
    }
    const size_t header = mcpz_client_frame_make(payload, length, key);
    const size_t size = header + length;
    cut = cut < size ? cut : size;
    message_length = 0;
    size_t ended = take(&reader, bytes_of(payload - header, cut));
    CHECK_UINT(ended, cut == size);
    ended += take(&reader, bytes_of(payload - header + cut, size - cut));
    CHECK_UINT(ended, 1);
    CHECK_UINT(message_length, length);
    for (size_t i = 0; i < length; i++) {
        CHECK_UINT(message[i], (uint8_t)(i * 7));
    }
}

TEST(a_frame_may_be_cut_anywhere)
{
    for (size_t cut = 0; cut <= 40; cut++) {
        check_cut(0, cut);
        check_cut(20, cut);
        check_cut(125, cut);
        check_cut(126, cut);
        check_cut(65535, cut);
        check_cut(65536, cut);
    }
}

TEST(a_message_may_come_in_frames_with_others_between)
{
    static const uint8_t frames[] = {
        0x02, 2, 'a',  'b', /* it goes on */
        0x89, 1, 'p',       /* a ping */
        0x00, 0,            /* nothing of it */
        0x8a, 0,            /* a pong */
        0x80, 1, 'c',       /* its end */
        0x81, 1, 't',       /* a text */
        0x88, 2, 0x03, 0xe8 /* a close */
    };
    static const enum mcpz_ws_kind kinds[] = {MCPZ_WS_BINARY, MCPZ_WS_PING,   MCPZ_WS_BINARY,
                                              MCPZ_WS_PONG,   MCPZ_WS_BINARY, MCPZ_WS_TEXT,
                                              MCPZ_WS_CLOSE};
    static const bool last[] = {false, true, false, true, true, true, true};
    struct mcpz_ws_reader reader = {.masked = false};
    struct mcpz_ws_bytes bytes = bytes_of(frames, sizeof(frames));
    struct mcpz_ws_piece piece;

    for (size_t i = 0; i < 7; i++) {
        CHECK_UINT(mcpz_ws_reader_next(&reader, &bytes, &piece), MCPZ_OK);
        CHECK_UINT(piece.kind, kinds[i]);
        CHECK_UINT(piece.is_last, last[i]);
    }
    CHECK_UINT(mcpz_ws_reader_next(&reader, &bytes, &piece), MCPZ_ENOTFOUND);
}

TEST(says_how_much_of_a_frame_is_to_come)
{
    static const uint8_t start[] = {0x82, 126, 0x01, 0x00, 'a', 'b'};
    struct mcpz_ws_piece piece;

    CHECK_UINT(first_of(false, start, sizeof(start), &piece), MCPZ_OK);
    CHECK_UINT(piece.bytes.length, 2);
    CHECK_UINT(piece.left, 254);
    CHECK(!piece.is_last);
}

TEST(what_the_standard_forbids_is_refused)
{
    static const uint8_t extended[] = {0xc2, 0};
    static const uint8_t unknown[] = {0x83, 0};
    static const uint8_t unknown_control[] = {0x8b, 0};
    static const uint8_t continues_nothing[] = {0x80, 0};
    static const uint8_t ping_in_parts[] = {0x09, 0};
    static const uint8_t long_ping[] = {0x89, 126, 0, 126};
    static const uint8_t long_form_16[] = {0x82, 126, 0, 125};
    static const uint8_t long_form_64[] = {0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t negative[] = {0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t two_messages[] = {0x02, 0, 0x82, 0};
    struct mcpz_ws_reader reader = {.masked = false};
    struct mcpz_ws_bytes bytes;
    struct mcpz_ws_piece piece;

    check_refused(false, extended, sizeof(extended));
    check_refused(false, unknown, sizeof(unknown));
    check_refused(false, unknown_control, sizeof(unknown_control));
    check_refused(false, continues_nothing, sizeof(continues_nothing));
    check_refused(false, ping_in_parts, sizeof(ping_in_parts));
    check_refused(false, long_ping, sizeof(long_ping));
    check_refused(false, long_form_16, sizeof(long_form_16));
    check_refused(false, long_form_64, sizeof(long_form_64));
    check_refused(false, negative, sizeof(negative));
    bytes = bytes_of(two_messages, sizeof(two_messages));
    CHECK_UINT(mcpz_ws_reader_next(&reader, &bytes, &piece), MCPZ_OK);
    CHECK_UINT(mcpz_ws_reader_next(&reader, &bytes, &piece), MCPZ_EPROTO);
}

TEST_MAIN(RUN(reads_what_the_standard_shows), RUN(a_frame_may_be_cut_anywhere),
          RUN(a_message_may_come_in_frames_with_others_between),
          RUN(says_how_much_of_a_frame_is_to_come), RUN(what_the_standard_forbids_is_refused))
