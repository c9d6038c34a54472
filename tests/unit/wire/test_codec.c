#include "codec_world.h"
#include "samples.h"

TEST(every_message_is_written_as_documented)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(samples); i++) {
        CHECK_BYTES(encode(&samples[i].msg), samples[i].bytes.data, samples[i].bytes.length);
    }
}

/* What is written as documented says the same when read from there. */
TEST(every_message_is_read_as_documented)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(samples); i++) {
        struct mcpz_msg msg;
        CHECK_UINT(decode_into(samples[i].bytes, &msg), MCPZ_OK);
        CHECK_UINT(msg.kind, samples[i].msg.kind);
        CHECK_BYTES(encode(&msg), samples[i].bytes.data, samples[i].bytes.length);
    }
}

TEST(lists_are_laid_out_in_the_arena_and_slices_point_into_the_bytes)
{
    const struct mcpz_bytes bytes = sample_of(MCPZ_MSG_DELTA)->bytes;
    struct mcpz_msg msg;

    CHECK_UINT(decode_into(bytes, &msg), MCPZ_OK);
    const struct mcpz_delta *delta = &msg.delta.delta;
    CHECK(mcpz_id_equal(&delta->document, &(struct mcpz_id){D32}));
    CHECK_UINT(delta->actor.generation, 1);
    CHECK_UINT(delta->seq, 2);
    CHECK_UINT(delta->version_count, 1);
    CHECK_UINT(delta->versions[0].seq, 1);
    CHECK_UINT(delta->removes[0].type, MCPZ_ENTRY_SET);
    CHECK_UINT(delta->removes[0].dot.seq, 1);
    CHECK_BYTES(delta->adds[0].path, "\x91\xa1k", 3);
    CHECK(delta->adds[0].path.data > bytes.data);
    CHECK(delta->adds[0].path.data < bytes.data + bytes.length);
    CHECK((const uint8_t *)delta->versions == memory);
}

TEST(the_largest_of_each_kind_round_trips)
{
    static uint8_t first[MCPZ_MSG_BYTES_MAX];

    fill_largest();
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(largest); i++) {
        struct mcpz_msg msg;
        struct mcpz_bytes bytes = encode(&largest[i]);
        memcpy(first, bytes.data, bytes.length);
        CHECK_UINT(decode_into(mcpz_bytes(first, bytes.length), &msg), MCPZ_OK);
        CHECK_BYTES(encode(&msg), first, bytes.length);
    }
}

TEST(every_truncation_is_refused)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(samples); i++) {
        for (size_t length = 0; length < samples[i].bytes.length; length++) {
            CHECK_UINT(decode(mcpz_bytes(samples[i].bytes.data, length)), MCPZ_ESHORT);
        }
    }
}

TEST(every_buffer_too_small_is_refused)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(samples); i++) {
        for (size_t capacity = 0; capacity < samples[i].bytes.length; capacity++) {
            size_t length = 99;
            buffer[capacity] = 0x55;
            CHECK_UINT(mcpz_msg_encode(&samples[i].msg, buffer, capacity, &length), MCPZ_EFULL);
            CHECK_UINT(length, 99);
            CHECK_UINT(buffer[capacity], 0x55);
        }
    }
}

TEST(an_arena_too_small_is_refused_and_given_back)
{
    static const enum mcpz_msg_kind with_lists[] = {
        MCPZ_MSG_MEMBER,          MCPZ_MSG_CAPABILITIES,
        MCPZ_MSG_DELTA,           MCPZ_MSG_CHANGES,
        MCPZ_MSG_OFFER,           MCPZ_MSG_WANT,
        MCPZ_MSG_BRANCHES,        MCPZ_MSG_FETCH,
        MCPZ_MSG_OVERLAY_SHUFFLE, MCPZ_MSG_OVERLAY_SHUFFLED,
        MCPZ_MSG_ADJACENCY,       MCPZ_MSG_SUMMARY,
        MCPZ_MSG_PROBE,           MCPZ_MSG_IHAVE,
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(with_lists); i++) {
        const struct mcpz_bytes bytes = sample_of(with_lists[i])->bytes;
        struct mcpz_msg msg;
        CHECK_UINT(decode_into(bytes, &msg), MCPZ_OK);
        size_t needed = arena.used;
        for (size_t size = 0; size < needed; size++) {
            mcpz_arena_init(&arena, memory, size);
            CHECK_UINT(mcpz_msg_decode(bytes, &arena, &msg), MCPZ_EFULL);
            CHECK_UINT(arena.used, 0);
        }
    }
}

TEST(an_error_leaves_the_message_and_the_arena_as_they_were)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_PING, .ping = {.seq = 42}};
    const struct mcpz_bytes delta = sample_of(MCPZ_MSG_DELTA)->bytes;
    static uint8_t broken[256];

    memcpy(broken, delta.data, delta.length);
    broken[delta.length - 1] = MCPZ_DELTA_ADDS_MAX; /* the dot's index: the very last byte */
    mcpz_arena_init(&arena, memory, sizeof(memory));
    CHECK(mcpz_arena_take(&arena, 1, 16) != NULL);
    CHECK_UINT(mcpz_msg_decode(mcpz_bytes(broken, delta.length), &arena, &msg), MCPZ_EPROTO);
    CHECK_UINT(arena.used, 16);
    CHECK_UINT(msg.kind, MCPZ_MSG_PING);
    CHECK_UINT(msg.ping.seq, 42);
}

TEST(broken_input_gets_the_documented_error)
{
    static const struct {
        struct mcpz_bytes bytes;
        mcpz_error error;
    } cases[] = {
        {RAW(""), MCPZ_ESHORT},
        {RAW("\xc1"), MCPZ_EPROTO},                             /* no value starts so */
        {RAW("\x0e"), MCPZ_EPROTO},                             /* not an array */
        {RAW("\x82\x0e\x07\x01\x01"), MCPZ_EPROTO},             /* a map */
        {RAW("\x90"), MCPZ_EPROTO},                             /* no kind */
        {RAW("\x91\x00"), MCPZ_EPROTO},                         /* kind 0 */
        {RAW("\x92\x07\x07"), MCPZ_EPROTO},                     /* kind 7, which was ACK */
        {RAW("\x92\x23\x07"), MCPZ_EPROTO},                     /* the kind after the last */
        {RAW("\x92\x7f\x07"), MCPZ_EPROTO},                     /* kind 127 */
        {RAW("\x92\xcf\0\0\0\x01\0\0\0\x0e\x07"), MCPZ_EPROTO}, /* kind 2^32 + 14 */
        {RAW("\x92\xff\x07"), MCPZ_EPROTO},                     /* kind -1 */
        {RAW("\x92\xa1p\x07"), MCPZ_EPROTO},                    /* kind "p" */
        {RAW("\xdf\xff\xff\xff\x7e"), MCPZ_ESHORT},             /* map of four billion */
        {RAW("\xdd\xff\xff\xff\x7e"), MCPZ_ESHORT},             /* array of four billion */
        {RAW("\x91\x0e"), MCPZ_EPROTO},                         /* call missing */
        {RAW("\x92\x0e"), MCPZ_ESHORT},                         /* call cut off */
        {RAW("\x92\x0e\xa1x"), MCPZ_EPROTO},                    /* call is a string */
        {RAW("\x92\x0e\xff"), MCPZ_EPROTO},                     /* call is -1 */
        {RAW("\x92\x0e\xc0"), MCPZ_EPROTO},                     /* call is nil */
        {RAW("\x92\x0e\xc3"), MCPZ_EPROTO},                     /* call is true */
        {RAW("\x92\x0e\xcb\0\0\0\0\0\0\0\0"), MCPZ_EPROTO},     /* call is 0.0 */
        {RAW("\x92\x0e\x07\x00"), MCPZ_EPROTO},                 /* one byte too many */
        {RAW("\x97\x06\x01\xcf\0\0\0\x01\0\0\0\0\x01\x01\x01\xc3"), MCPZ_EPROTO}, /* echo 2^32 */
        {RAW("\x92\x06\x01"), MCPZ_EPROTO},     /* a ping as it once was: seq alone */
        {RAW("\x93\x0c\x07\x01"), MCPZ_EPROTO}, /* from_caller is 1 */
        {RAW("\x92\x03\xa4"
             "cert"),
         MCPZ_EPROTO},                                      /* certificate as text */
        {RAW("\x93\x04\x12\xc4\x02no"), MCPZ_EPROTO},       /* text as bin */
        {RAW("\x93\x04\x12\xa2\xc3("), MCPZ_EPROTO},        /* not UTF-8 */
        {RAW("\x93\x04\x00\xa2no"), MCPZ_EPROTO},           /* a refusal with code "ok" */
        {RAW("\x94\x0d\x07\x00\xa2no"), MCPZ_EPROTO},       /* a failure with code "ok" */
        {RAW("\x94\x0b\x07\xc3\xc4\x00"), MCPZ_EPROTO},     /* an empty chunk */
        {RAW("\x94\x12\xc4\x01x\x90\x90"), MCPZ_EPROTO},    /* id of one byte */
        {RAW("\x94\x12" ID_D "\x80\x90"), MCPZ_EPROTO},     /* versions as a map */
        {RAW("\x94\x12" ID_D "\x91\x01\x90"), MCPZ_EPROTO}, /* a version that is a number */
        {RAW("\x94\x12" ID_D "\x91\x91\x92" ID_A "\x01\x90"), MCPZ_EPROTO}, /* one without seq */
        {RAW("\x94\x12" ID_D "\x91\x92\x92" ID_A "\x01\x01\x90"), MCPZ_EPROTO}, /* or head */
        {RAW("\x94\x12" ID_D "\x91\x93\x92" ID_A "\x01\x01\xc4\x0f"
             "hhhhhhhhhhhhhhh\x90"),
         MCPZ_EPROTO},                                                      /* half a head */
        {RAW("\x94\x12" ID_D "\x91\x92\x91" ID_A "\x01\x90"), MCPZ_EPROTO}, /* one without life */
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        CHECK_UINT(decode(cases[i].bytes), cases[i].error);
    }
}

TEST(forms_longer_than_need_be_are_refused)
{
    static const struct mcpz_bytes cases[] = {
        RAW("\xdc\0\x02\x0e\x07"),                 /* the message's own header */
        RAW("\x92\xcc\x0e\x07"),                   /* its kind */
        RAW("\x92\x0e\xcc\x07"),                   /* a number */
        RAW("\x92\x0e\xd0\x07"),                   /* a number as a signed one */
        RAW("\x93\x04\x12\xd9\x02no"),             /* a text */
        RAW("\x92\x03\xc5\0\x04\x63\x65\x72\x74"), /* bytes */
        RAW("\x94\x12" ID_D "\xdc\0\0\x90"),       /* a list */
        RAW("\x94\x12\xc5\0\x20" D32 "\x90\x90"),  /* an id */
        RAW("\x94\x12" ID_D "\x91\xdc\0\x03\x92" ID_A "\x01\x01" HEAD_H "\x90"), /* an item */
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        CHECK_UINT(decode(cases[i]), MCPZ_EPROTO);
    }
}

TEST(fields_from_the_future_are_skipped)
{
    static const struct mcpz_bytes cases[] = {
        RAW("\x93\x0e\x07\xc0"),
        RAW("\x94\x0e\x07\xd9\x01x\x81\xa1k\x93\x01\x02\x03"), /* of any form and type */
        RAW("\x92\x05\xca\0\0\0\0"),                           /* of a message without fields */
        RAW("\x94\x12" ID_D "\x91\x94\x93" ID_A "\x01\x63\x01" HEAD_H "\xa1x\x90"), /* of items */
    };
    struct mcpz_msg msg;

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        CHECK_UINT(decode(cases[i]), MCPZ_OK);
    }
    CHECK_UINT(decode_into(cases[3], &msg), MCPZ_OK);
    CHECK_UINT(msg.want.versions[0].actor.generation, 1);
    CHECK_UINT(msg.want.versions[0].seq, 1);
}

/* Who is older than a field does not send it. */
TEST(what_was_appended_since_may_be_missing)
{
    static const struct mcpz_bytes old[] = {
        RAW("\x96\x0c\x07\xc2\xc4\x01x\x03\x09"),
        RAW("\x97\x0d\x07\x02\xa2no\x05\x01\x09"),
        RAW("\x94\x2e\xa1x\x03\x09"),
        RAW("\x9d\x0a\x07\xa1"
            "c\x09\x01\x32\xa1t\xa1p\xc4\x02{}\xc2\xa1k\xc3\xc3"),
    };
    static const struct mcpz_bytes short_of_more = RAW("\x95\x0c\x07\xc2\xc4\x01x\x03");
    static const struct mcpz_bytes at_its_bound = RAW("\x97\x0c\x07\xc2\xc4\x01x\x03\x09\x07");
    static const struct mcpz_bytes over_it = RAW("\x97\x0c\x07\xc2\xc4\x01x\x03\x09\x08");
    struct mcpz_msg msg;

    CHECK_UINT(decode_into(old[0], &msg), MCPZ_OK);
    CHECK_UINT(msg.end.load, 3);
    CHECK_UINT(msg.end.turns_away, 0);
    CHECK_UINT(decode_into(old[1], &msg), MCPZ_OK);
    CHECK_UINT(msg.fail.turns_away, 0);
    CHECK_UINT(decode_into(old[2], &msg), MCPZ_OK);
    CHECK_UINT(msg.load.turns_away, 0);
    CHECK_UINT(decode_into(old[3], &msg), MCPZ_OK);
    CHECK_UINT(msg.open.spared, 0);
    CHECK_UINT(decode(short_of_more), MCPZ_EPROTO);
    CHECK_UINT(decode(at_its_bound), MCPZ_OK);
    CHECK_UINT(decode(over_it), MCPZ_EPROTO);
}

TEST(a_field_from_the_future_may_not_nest_too_deep)
{
    uint8_t bomb[3 + MCPZ_MSG_DEPTH_MAX] = {0x93, 0x0e, 0x07};

    memset(bomb + 3, 0x91, MCPZ_MSG_DEPTH_MAX);
    bomb[sizeof(bomb) - 1] = 0x90; /* 17 deep in all */
    CHECK_UINT(decode(mcpz_bytes(bomb, sizeof(bomb))), MCPZ_EPROTO);
    bomb[sizeof(bomb) - 2] = 0x90; /* 16 deep, and what was the innermost is left over */
    CHECK_UINT(decode(mcpz_bytes(bomb, sizeof(bomb) - 1)), MCPZ_OK);
}

TEST(a_message_over_its_size_is_refused)
{
    static uint8_t bytes[MCPZ_MSG_BYTES_MAX + 1];
    static const uint8_t head[] = {0x93, 0x0e, 0x07, 0xc5};

    /* A cancel with one large field from the future. */
    for (size_t over = 0; over <= 1; over++) {
        size_t length = MCPZ_MSG_BYTES_MAX + over;
        size_t field = length - sizeof(head) - 2;
        memcpy(bytes, head, sizeof(head));
        bytes[4] = (uint8_t)(field >> 8);
        bytes[5] = (uint8_t)field;
        CHECK_UINT(decode(mcpz_bytes(bytes, length)), over == 0 ? MCPZ_OK : MCPZ_EPROTO);
    }
}

TEST(every_kind_has_a_name)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(samples); i++) {
        const char *name = mcpz_msg_name(samples[i].msg.kind);
        CHECK(strcmp(name, "?") != 0);
        for (size_t j = 0; j < i; j++) {
            CHECK(samples[j].msg.kind < samples[i].msg.kind);
            CHECK(strcmp(name, mcpz_msg_name(samples[j].msg.kind)) != 0);
        }
    }
    CHECK_TEXT(mcpz_msg_name(MCPZ_MSG_PING), "ping");
    CHECK_TEXT(mcpz_msg_name(0), "?");
    CHECK_TEXT(mcpz_msg_name(7), "?");
    CHECK_TEXT(mcpz_msg_name(MCPZ_MSG_KIND_END), "?");
    CHECK_TEXT(mcpz_msg_name(UINT32_MAX), "?");
}

TEST_MAIN(RUN(every_message_is_written_as_documented), RUN(every_message_is_read_as_documented),
          RUN(lists_are_laid_out_in_the_arena_and_slices_point_into_the_bytes),
          RUN(the_largest_of_each_kind_round_trips), RUN(every_truncation_is_refused),
          RUN(every_buffer_too_small_is_refused),
          RUN(an_arena_too_small_is_refused_and_given_back),
          RUN(an_error_leaves_the_message_and_the_arena_as_they_were),
          RUN(broken_input_gets_the_documented_error), RUN(forms_longer_than_need_be_are_refused),
          RUN(fields_from_the_future_are_skipped), RUN(what_was_appended_since_may_be_missing),
          RUN(a_field_from_the_future_may_not_nest_too_deep),
          RUN(a_message_over_its_size_is_refused), RUN(every_kind_has_a_name))
