#include <zstd.h>

#include "base/rng.h"
#include "raw.h"
#include "test.h"
#include "wire/frame.h"
#include "wire/value.h"

static const struct mcpz_bytes renew = RAW("\x91\x05");

static struct mcpz_framer *framer;
static uint8_t scratch[4 * MCPZ_FRAME_BYTES_MAX];

static int set_up(void **state)
{
    (void)state;
    return mcpz_framer_create(&framer) == MCPZ_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_framer_destroy(framer);
    return 0;
}

/* A value of exactly `length` bytes (3 to 65538) in `scratch`: a bin of zeros, or of noise. */
static struct mcpz_bytes value_of(size_t length, bool noise)
{
    struct mcpz_rng rng;
    size_t header = length < 258 ? 2 : 3;
    size_t body = length - header;

    mcpz_rng_init(&rng, length);
    memset(scratch, 0, length);
    scratch[0] = header == 2 ? 0xc4 : 0xc5;
    scratch[header - 1] = (uint8_t)body;
    if (header == 3) {
        scratch[1] = (uint8_t)(body >> 8);
    }
    for (size_t i = header; noise && i < length; i++) {
        scratch[i] = (uint8_t)mcpz_rng_next(&rng);
    }
    return mcpz_bytes(scratch, length);
}

/* One frame of one message of `length` bytes. */
static struct mcpz_bytes frame_of(size_t length, bool noise, bool compress)
{
    mcpz_framer_begin(framer);
    CHECK(mcpz_framer_add(framer, value_of(length, noise)));
    return mcpz_framer_finish(framer, compress ? MCPZ_COMPRESS_ALL : MCPZ_COMPRESS_NOTHING);
}

/* ---- Taking apart ------------------------------------------------------------------------- */

/* Both ways of splitting agree, and the framer's own knows when to end. */
TEST(messages_of_an_opened_frame_come_one_by_one)
{
    static uint8_t copy[MCPZ_FRAME_BYTES_MAX];
    struct mcpz_bytes body;
    struct mcpz_bytes message;

    CHECK(!mcpz_framer_next(framer, &body, &message)); /* none was opened */
    mcpz_framer_begin(framer);
    CHECK(mcpz_framer_add(framer, value_of(300, true)));
    CHECK(mcpz_framer_add(framer, renew));
    CHECK(mcpz_framer_add(framer, value_of(70, false)));
    struct mcpz_bytes frame = mcpz_framer_finish(framer, MCPZ_COMPRESS_ALL);
    memcpy(copy, frame.data, frame.length);
    CHECK(mcpz_framer_open(framer, mcpz_bytes(copy, frame.length), &body) == MCPZ_OK);
    struct mcpz_bytes other = body;
    struct mcpz_bytes expected;
    for (size_t i = 0; i < 3; i++) {
        CHECK(mcpz_framer_next(framer, &body, &message));
        CHECK(mcpz_frame_next(&other, &expected) == MCPZ_OK);
        CHECK_BYTES(message, expected.data, expected.length);
        CHECK_BYTES(body, other.data, other.length);
    }
    CHECK(!mcpz_framer_next(framer, &body, &message));
    CHECK(mcpz_framer_open(framer, mcpz_bytes("\0\xc1", 2), &body) != MCPZ_OK);
    CHECK(!mcpz_framer_next(framer, &body, &message)); /* nothing of one that was refused */
}

/* ---- Packing ------------------------------------------------------------------------------ */

TEST(a_frame_is_its_flags_and_its_messages)
{
    static const struct mcpz_bytes expected = RAW("\0\x91\x05\x92\x06\x07");

    mcpz_framer_begin(framer);
    CHECK(mcpz_framer_add(framer, renew));
    CHECK(mcpz_framer_add(framer, (struct mcpz_bytes)RAW("\x92\x06\x07")));
    CHECK_BYTES(mcpz_framer_finish(framer, MCPZ_COMPRESS_ALL), expected.data, expected.length);
}

/* Flags of a frame of `count` messages of `length` bytes, packed where only large ones are. */
static uint8_t flags_of(size_t count, size_t length)
{
    mcpz_framer_begin(framer);
    for (size_t i = 0; i < count; i++) {
        CHECK(mcpz_framer_add(framer, value_of(length, false)));
    }
    return mcpz_framer_finish(framer, MCPZ_COMPRESS_LARGE).data[0];
}

TEST(many_small_messages_are_not_a_large_one)
{
    CHECK_UINT(flags_of(50, MCPZ_COMPRESS_BYTES_MIN - 1), 0);
    CHECK_UINT(flags_of(1, MCPZ_COMPRESS_BYTES_MIN), 1);
    CHECK_UINT(flags_of(50, MCPZ_COMPRESS_BYTES_MIN - 1), 0); /* the large one is forgotten */
}

TEST(nothing_added_is_nothing_to_send)
{
    mcpz_framer_begin(framer);
    CHECK_UINT(mcpz_framer_finish(framer, MCPZ_COMPRESS_ALL).length, 0);
}

TEST(begin_forgets_what_was_not_taken)
{
    mcpz_framer_begin(framer);
    CHECK(mcpz_framer_add(framer, value_of(100, false)));
    mcpz_framer_begin(framer);
    CHECK(mcpz_framer_add(framer, renew));
    CHECK_BYTES(mcpz_framer_finish(framer, MCPZ_COMPRESS_ALL), "\0\x91\x05", 3);
}

TEST(a_hundred_messages_travel_together_and_no_more)
{
    struct mcpz_bytes body;
    struct mcpz_bytes message;

    mcpz_framer_begin(framer);
    for (size_t i = 0; i < MCPZ_FRAME_MESSAGES_MAX; i++) {
        CHECK(mcpz_framer_add(framer, renew));
    }
    CHECK(!mcpz_framer_add(framer, renew));
    struct mcpz_bytes frame = mcpz_framer_finish(framer, MCPZ_COMPRESS_ALL);
    CHECK_UINT(frame.length, 1 + 2 * MCPZ_FRAME_MESSAGES_MAX);

    CHECK_UINT(mcpz_framer_open(framer, frame, &body), MCPZ_OK);
    for (size_t i = 0; i < MCPZ_FRAME_MESSAGES_MAX; i++) {
        CHECK_UINT(mcpz_frame_next(&body, &message), MCPZ_OK);
        CHECK_BYTES(message, renew.data, renew.length);
    }
    CHECK_UINT(mcpz_frame_next(&body, &message), MCPZ_ENOTFOUND);
}

TEST(a_frame_is_filled_to_its_last_byte)
{
    struct mcpz_bytes body;
    size_t left = MCPZ_FRAME_BYTES_MAX - 1 - MCPZ_MSG_BYTES_MAX;

    mcpz_framer_begin(framer);
    CHECK(mcpz_framer_add(framer, value_of(MCPZ_MSG_BYTES_MAX, false)));
    CHECK(!mcpz_framer_add(framer, value_of(left + 1, false)));
    CHECK(mcpz_framer_add(framer, value_of(left, false)));
    CHECK(!mcpz_framer_add(framer, (struct mcpz_bytes)RAW("\xc0")));
    struct mcpz_bytes frame = mcpz_framer_finish(framer, MCPZ_COMPRESS_NOTHING);
    CHECK_UINT(frame.length, MCPZ_FRAME_BYTES_MAX);
    CHECK_UINT(mcpz_framer_open(framer, frame, &body), MCPZ_OK);
    CHECK_UINT(body.length, MCPZ_FRAME_BYTES_MAX - 1);

    frame = mcpz_framer_finish(framer, MCPZ_COMPRESS_ALL);
    CHECK_UINT(frame.data[0], 1);
    CHECK_UINT(mcpz_framer_open(framer, frame, &body), MCPZ_OK);
    CHECK_UINT(body.length, MCPZ_FRAME_BYTES_MAX - 1);
}

TEST(compresses_only_from_a_size_on)
{
    CHECK_UINT(frame_of(MCPZ_COMPRESS_BYTES_MIN - 1, false, true).data[0], 0);

    struct mcpz_bytes frame = frame_of(MCPZ_COMPRESS_BYTES_MIN, false, true);
    CHECK_UINT(frame.data[0], 1);
    CHECK(frame.length < 100);
}

TEST(compresses_only_when_that_saves)
{
    struct mcpz_bytes frame = frame_of(4096, true, true);
    CHECK_UINT(frame.data[0], 0);
    CHECK_UINT(frame.length, 1 + 4096);
}

TEST(compresses_only_when_asked_to)
{
    struct mcpz_bytes frame = frame_of(4096, false, false);
    CHECK_UINT(frame.data[0], 0);
    CHECK_UINT(frame.length, 1 + 4096);
}

TEST(compressed_frames_round_trip)
{
    static const size_t lengths[] = {1024, 5000, 20000, MCPZ_MSG_BYTES_MAX};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(lengths); i++) {
        struct mcpz_bytes body;
        struct mcpz_bytes message;
        struct mcpz_bytes frame = frame_of(lengths[i], false, true);
        CHECK_UINT(frame.data[0], 1);
        CHECK_UINT(mcpz_framer_open(framer, frame, &body), MCPZ_OK);
        CHECK_UINT(mcpz_frame_next(&body, &message), MCPZ_OK);
        CHECK_BYTES(message, scratch, lengths[i]);
        CHECK_UINT(body.length, 0);
    }
}

/* ---- Opening ------------------------------------------------------------------------------ */

static mcpz_error open_frame(struct mcpz_bytes frame)
{
    struct mcpz_bytes body = RAW("untouched");
    mcpz_error error = mcpz_framer_open(framer, frame, &body);
    if (error != MCPZ_OK) {
        CHECK_BYTES(body, "untouched", 9);
    }
    return error;
}

TEST(broken_frames_get_the_documented_error)
{
    static const struct {
        struct mcpz_bytes frame;
        mcpz_error error;
    } cases[] = {
        {RAW(""), MCPZ_ESHORT},
        {RAW("\x00"), MCPZ_EPROTO}, /* empty body */
        {RAW("\x01"), MCPZ_EPROTO},
        {RAW("\x02\x91\x05"), MCPZ_EPROTO}, /* unknown flags */
        {RAW("\x80\x91\x05"), MCPZ_EPROTO},
        {RAW("\x03\x91\x05"), MCPZ_EPROTO},
        {RAW("\x01\x91\x05"), MCPZ_EPROTO},         /* not compressed at all */
        {RAW("\x01\x28\xb5\x2f"), MCPZ_EPROTO},     /* half a magic number */
        {RAW("\x01\x28\xb5\x2f\xfd"), MCPZ_EPROTO}, /* nothing behind it */
        {RAW("\x00\x91"), MCPZ_ESHORT},             /* a message cut off */
        {RAW("\x00\x91\x05\x91"), MCPZ_ESHORT},     /* the second one */
        {RAW("\x00\xc1"), MCPZ_EPROTO},             /* no message */
        {RAW("\x00\xdf\xff\xff\xff\x7e"), MCPZ_ESHORT},
        {RAW("\x00\x91\x05"), MCPZ_OK},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        CHECK_UINT(open_frame(cases[i].frame), cases[i].error);
    }
}

TEST(refuses_the_hundred_and_first_message)
{
    uint8_t frame[1 + MCPZ_FRAME_MESSAGES_MAX + 1] = {0};
    CHECK_UINT(open_frame(mcpz_bytes(frame, sizeof(frame) - 1)), MCPZ_OK);
    CHECK_UINT(open_frame(mcpz_bytes(frame, sizeof(frame))), MCPZ_EFULL);
}

TEST(refuses_a_frame_over_its_size)
{
    scratch[0] = 0;
    CHECK_UINT(open_frame(mcpz_bytes(scratch, MCPZ_FRAME_BYTES_MAX + 1)), MCPZ_EFULL);
}

TEST(refuses_a_message_over_its_size)
{
    struct mcpz_bytes message = value_of(MCPZ_MSG_BYTES_MAX + 1, false);
    struct mcpz_bytes rest = message;
    struct mcpz_bytes split;
    CHECK_UINT(mcpz_frame_next(&rest, &split), MCPZ_EPROTO);
    CHECK_UINT(rest.length, message.length);

    memmove(scratch + 1, scratch, message.length);
    scratch[0] = 0;
    CHECK_UINT(open_frame(mcpz_bytes(scratch, message.length + 1)), MCPZ_EPROTO);
}

static uint8_t packed[MCPZ_FRAME_BYTES_MAX];

/* A frame around what plain zstd makes of the first `length` bytes of `scratch`. */
static struct mcpz_bytes zstd_frame_of(size_t length)
{
    size_t made = ZSTD_compress(packed + 1, sizeof(packed) - 1, scratch, length, 19);
    CHECK(!ZSTD_isError(made));
    packed[0] = 1;
    return mcpz_bytes(packed, 1 + made);
}

TEST(a_zip_bomb_does_not_go_off)
{
    static uint8_t zeros_of_a_million[1000000];
    size_t made = ZSTD_compress(packed + 1, sizeof(packed) - 1, zeros_of_a_million,
                                sizeof(zeros_of_a_million), 1);
    CHECK(made < 200);
    packed[0] = 1;
    CHECK_UINT(open_frame(mcpz_bytes(packed, 1 + made)), MCPZ_EFULL);
}

TEST(a_body_ends_at_its_limit_once_opened)
{
    (void)value_of(MCPZ_MSG_BYTES_MAX, false);
    memset(scratch + MCPZ_MSG_BYTES_MAX, 0, MCPZ_FRAME_BYTES_MAX - MCPZ_MSG_BYTES_MAX);
    size_t rest = MCPZ_FRAME_BYTES_MAX - 1 - MCPZ_MSG_BYTES_MAX;
    scratch[MCPZ_MSG_BYTES_MAX] = 0xc5;
    scratch[MCPZ_MSG_BYTES_MAX + 1] = (uint8_t)((rest - 3) >> 8);
    scratch[MCPZ_MSG_BYTES_MAX + 2] = (uint8_t)(rest - 3);

    CHECK_UINT(open_frame(zstd_frame_of(MCPZ_FRAME_BYTES_MAX - 1)), MCPZ_OK);
    CHECK_UINT(open_frame(zstd_frame_of(MCPZ_FRAME_BYTES_MAX)), MCPZ_EFULL);
}

/* The header of a zstd frame may claim any size: nothing is sized by it. */
TEST(claims_of_size_are_not_believed)
{
    static const struct mcpz_bytes claims_much =
        /* single segment, 8 bytes of size: 2^40; then one raw block of the byte c0 */
        RAW("\x01\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\x01\0\0\x09\0\0\xc0");
    static const struct mcpz_bytes claims_less =
        /* single segment, size 1; then one raw block of c0 c0 */
        RAW("\x01\x28\xb5\x2f\xfd\x20\x01\x11\0\0\xc0\xc0");
    static const struct mcpz_bytes honest = RAW("\x01\x28\xb5\x2f\xfd\x20\x01\x09\0\0\xc0");

    CHECK_UINT(open_frame(honest), MCPZ_OK);
    CHECK_UINT(open_frame(claims_much), MCPZ_EPROTO);
    CHECK_UINT(open_frame(claims_less), MCPZ_EPROTO);
}

TEST(anything_but_one_zstd_frame_is_refused)
{
    static const struct mcpz_bytes two =
        RAW("\x01\x28\xb5\x2f\xfd\x20\x01\x09\0\0\xc0\x28\xb5\x2f\xfd\x20\x01\x09\0\0\xc0");
    static const struct mcpz_bytes skippable = RAW("\x01\x50\x2a\x4d\x18\x01\0\0\0\xc0");
    static const struct mcpz_bytes followed = RAW("\x01\x28\xb5\x2f\xfd\x20\x01\x09\0\0\xc0\xc0");
    static const struct mcpz_bytes old = RAW("\x01\x27\xb5\x2f\xfd\x20\x01\x09\0\0\xc0");
    static const struct mcpz_bytes empty = RAW("\x01\x28\xb5\x2f\xfd\x20\0\x01\0\0");
    static const struct mcpz_bytes with_dictionary =
        RAW("\x01\x28\xb5\x2f\xfd\x21\x07\x01\x09\0\0\xc0");

    CHECK_UINT(open_frame(two), MCPZ_EPROTO);
    CHECK_UINT(open_frame(skippable), MCPZ_EPROTO);
    CHECK_UINT(open_frame(followed), MCPZ_EPROTO);
    CHECK_UINT(open_frame(old), MCPZ_EPROTO);
    CHECK_UINT(open_frame(empty), MCPZ_EPROTO);
    CHECK_UINT(open_frame(with_dictionary), MCPZ_EPROTO);
}

TEST(every_truncation_of_a_compressed_frame_is_refused)
{
    struct mcpz_bytes frame = frame_of(2000, false, true);
    CHECK_UINT(frame.data[0], 1);
    for (size_t length = 1; length < frame.length; length++) {
        CHECK_UINT(open_frame(mcpz_bytes(frame.data, length)), MCPZ_EPROTO);
    }
    CHECK_UINT(open_frame(frame), MCPZ_OK);
}

TEST(a_framer_serves_on_after_a_broken_frame)
{
    static const struct mcpz_bytes broken = RAW("\x01\x28\xb5\x2f\xfd\x20\x01\x11\0\0\xc0\xc0");
    for (int i = 0; i < 3; i++) {
        CHECK_UINT(open_frame(broken), MCPZ_EPROTO);
        CHECK_UINT(open_frame(frame_of(3000, false, true)), MCPZ_OK);
    }
}

TEST(what_was_not_used_for_a_while_is_let_go)
{
    static uint8_t copy[MCPZ_FRAME_BYTES_MAX];
    struct mcpz_bytes body;

    CHECK(!mcpz_framer_rest(framer)); /* there is nothing yet */
    struct mcpz_bytes frame = frame_of(4096, false, true);
    CHECK(frame.length < 4096);
    memcpy(copy, frame.data, frame.length);
    frame.data = copy;
    CHECK(!mcpz_framer_rest(framer)); /* it was just used */
    CHECK(mcpz_framer_rest(framer));
    CHECK(!mcpz_framer_rest(framer));
    CHECK_UINT(mcpz_framer_open(framer, frame, &body), MCPZ_OK);
    CHECK_UINT(body.length, 4096);
    CHECK(!mcpz_framer_rest(framer));
    CHECK_UINT(mcpz_framer_open(framer, frame, &body), MCPZ_OK);
    CHECK(!mcpz_framer_rest(framer));
    CHECK(mcpz_framer_rest(framer));
    CHECK(frame_of(4096, false, true).length == frame.length);
}

TEST(destroying_nothing_is_fine)
{
    mcpz_framer_destroy(NULL);
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(WITH(many_small_messages_are_not_a_large_one),
          WITH(messages_of_an_opened_frame_come_one_by_one),
          WITH(a_frame_is_its_flags_and_its_messages), WITH(nothing_added_is_nothing_to_send),
          WITH(begin_forgets_what_was_not_taken),
          WITH(a_hundred_messages_travel_together_and_no_more),
          WITH(a_frame_is_filled_to_its_last_byte), WITH(compresses_only_from_a_size_on),
          WITH(compresses_only_when_that_saves), WITH(compresses_only_when_asked_to),
          WITH(compressed_frames_round_trip), WITH(broken_frames_get_the_documented_error),
          WITH(refuses_the_hundred_and_first_message), WITH(refuses_a_frame_over_its_size),
          WITH(refuses_a_message_over_its_size), WITH(a_zip_bomb_does_not_go_off),
          WITH(a_body_ends_at_its_limit_once_opened), WITH(claims_of_size_are_not_believed),
          WITH(anything_but_one_zstd_frame_is_refused),
          WITH(every_truncation_of_a_compressed_frame_is_refused),
          WITH(a_framer_serves_on_after_a_broken_frame),
          WITH(what_was_not_used_for_a_while_is_let_go), RUN(destroying_nothing_is_fine))
