#include "raw.h"
#include "test.h"
#include "wire/codec.h"
#include "wire/stream.h"

static struct mcpz_stream stream;

static int set_up(void **state)
{
    (void)state;
    mcpz_stream_init(&stream, MCPZ_STREAM_BYTES_FIRST);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_stream_finish(&stream);
    return 0;
}

static void add(struct mcpz_bytes bytes)
{
    uint8_t *room;

    CHECK(mcpz_stream_room(&stream, bytes.length, &room) == MCPZ_OK);
    memcpy(room, bytes.data, bytes.length);
    mcpz_stream_added(&stream, bytes.length);
}

static void put_cancel(uint64_t call)
{
    CHECK(mcpz_stream_put(&stream, &(struct mcpz_msg){.kind = MCPZ_MSG_CANCEL,
                                                      .cancel = {.call = call}}) == MCPZ_OK);
}

TEST(a_message_goes_behind_its_length)
{
    static const struct mcpz_bytes expected = RAW("\0\0\0\x03\x92\x0e\x07");

    put_cancel(7);
    CHECK_BYTES(mcpz_stream_peek(&stream), expected.data, expected.length);
}

TEST(gives_messages_one_by_one)
{
    struct mcpz_bytes message;

    put_cancel(1);
    put_cancel(2);
    for (uint8_t call = 1; call <= 2; call++) {
        const uint8_t expected[] = {0x92, 0x0e, call};
        CHECK(mcpz_stream_next(&stream, &message) == MCPZ_OK);
        CHECK_BYTES(message, expected, sizeof(expected));
        mcpz_stream_drop(&stream, MCPZ_STREAM_HEADER_BYTES + message.length);
    }
    CHECK(mcpz_stream_next(&stream, &message) == MCPZ_ENOTFOUND);
}

TEST(waits_for_the_whole_of_a_message)
{
    static const struct mcpz_bytes whole = RAW("\0\0\0\x03\x92\x0e\x07");
    struct mcpz_bytes message;

    for (size_t i = 0; i < whole.length; i++) {
        CHECK(mcpz_stream_next(&stream, &message) == MCPZ_ENOTFOUND);
        add(mcpz_bytes(whole.data + i, 1));
    }
    CHECK(mcpz_stream_next(&stream, &message) == MCPZ_OK);
    CHECK_BYTES(message, whole.data + 4, 3);
}

TEST(refuses_lengths_no_message_has)
{
    static const struct mcpz_bytes none = RAW("\0\0\0\0");
    static const struct mcpz_bytes over = RAW("\0\0\xf0\x01");
    static const struct mcpz_bytes huge = RAW("\xff\xff\xff\xff");
    struct mcpz_bytes message;

    static_assert(MCPZ_MSG_BYTES_MAX == 0xf000, "`over` is one more");
    add(none);
    CHECK(mcpz_stream_next(&stream, &message) == MCPZ_EPROTO);
    mcpz_stream_drop(&stream, none.length);
    add(over);
    CHECK(mcpz_stream_next(&stream, &message) == MCPZ_EPROTO);
    mcpz_stream_drop(&stream, over.length);
    add(huge);
    CHECK(mcpz_stream_next(&stream, &message) == MCPZ_EPROTO);
}

TEST(takes_the_largest_length_there_is)
{
    static const struct mcpz_bytes most = RAW("\0\0\xf0\0");
    struct mcpz_bytes message;

    add(most);
    CHECK(mcpz_stream_next(&stream, &message) == MCPZ_ENOTFOUND);
}

TEST(is_full_at_its_bound_and_keeps_what_it_has)
{
    uint8_t *room;

    CHECK(mcpz_stream_room(&stream, MCPZ_STREAM_BYTES_FIRST, &room) == MCPZ_OK);
    memset(room, 1, MCPZ_STREAM_BYTES_FIRST);
    mcpz_stream_added(&stream, MCPZ_STREAM_BYTES_FIRST);
    CHECK(mcpz_stream_room(&stream, 1, &room) == MCPZ_EFULL);
    CHECK(mcpz_stream_put(&stream, &(struct mcpz_msg){.kind = MCPZ_MSG_RENEW}) == MCPZ_EFULL);
    CHECK_UINT(mcpz_stream_peek(&stream).length, MCPZ_STREAM_BYTES_FIRST);
    mcpz_stream_drop(&stream, 1);
    CHECK(mcpz_stream_room(&stream, 1, &room) == MCPZ_OK);
}

/* More than its first memory, in pieces of all sizes, taken off while more is put. */
TEST(keeps_its_order_while_it_grows_and_shrinks)
{
    uint64_t put = 0;
    uint64_t taken = 0;
    struct mcpz_bytes message;

    mcpz_stream_finish(&stream);
    mcpz_stream_init(&stream, 8 * MCPZ_STREAM_BYTES_FIRST);
    for (size_t round = 0; round < 40; round++) {
        for (size_t i = 0; i < 4000; i++) {
            put_cancel(++put);
        }
        for (size_t i = 0; i < (round < 20 ? 2000 : 6000); i++) {
            struct mcpz_msg msg;
            struct mcpz_arena arena = {0};
            CHECK(mcpz_stream_next(&stream, &message) == MCPZ_OK);
            CHECK(mcpz_msg_decode(message, &arena, &msg) == MCPZ_OK);
            CHECK_UINT(msg.cancel.call, ++taken);
            mcpz_stream_drop(&stream, MCPZ_STREAM_HEADER_BYTES + message.length);
        }
    }
    CHECK_UINT(taken, put);
    CHECK_UINT(mcpz_stream_peek(&stream).length, 0);
    CHECK(stream.capacity <= MCPZ_STREAM_BYTES_FIRST);
}

TEST(puts_nothing_of_a_message_that_cannot_be)
{
    static const struct mcpz_bytes not_utf8 = RAW("\xff");

    CHECK(mcpz_stream_put(&stream,
                          &(struct mcpz_msg){.kind = MCPZ_MSG_FAIL,
                                             .fail = {.call = 1, .code = 1, .text = not_utf8}}) ==
          MCPZ_EPROTO);
    CHECK_UINT(mcpz_stream_peek(&stream).length, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(CASE(a_message_goes_behind_its_length), CASE(gives_messages_one_by_one),
          CASE(waits_for_the_whole_of_a_message), CASE(refuses_lengths_no_message_has),
          CASE(takes_the_largest_length_there_is),
          CASE(is_full_at_its_bound_and_keeps_what_it_has),
          CASE(keeps_its_order_while_it_grows_and_shrinks),
          CASE(puts_nothing_of_a_message_that_cannot_be))
