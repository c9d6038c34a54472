/* Blobs in snapshot files: written, read, followed, and every way they can be damaged. */

#include <string.h>

#include "crypto/identity.h"
#include "http/snapshot.h"
#include "test.h"

#define BLOB_BYTES (MCPZ_SNAPSHOT_PIECE_BYTES + 1000)

static struct mcpz_snapshot_writer writer;
static struct mcpz_snapshot_reader reader;
static struct mcpz_snapshot_tap tap;
static uint8_t content[BLOB_BYTES];
static uint8_t file[2 * BLOB_BYTES];

static struct mcpz_snapshot_blob blob_of(uint8_t number, uint64_t size)
{
    return (struct mcpz_snapshot_blob){.root = {{number}}, .tenant = "acme", .size = size};
}

static void add_piece(uint8_t number, uint64_t size, uint64_t offset, size_t length)
{
    struct mcpz_snapshot_blob blob = blob_of(number, size);

    blob.offset = offset;
    mcpz_snapshot_add_piece(&writer, &blob, mcpz_bytes(content + offset, length));
}

static void begin(struct mcpz_body *body)
{
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    for (size_t i = 0; i < sizeof(content); i++) {
        content[i] = (uint8_t)(i % 251);
    }
    mcpz_body_init(body, "/tmp");
    body->memory_max = 4 * BLOB_BYTES;
    mcpz_snapshot_begin(&writer, body);
    writer.total.has_blobs = true;
}

/* A message, a small blob, one that is lost, and an empty one. */
static void write_small(struct mcpz_body *body)
{
    const struct mcpz_snapshot_blob lost = blob_of(3, 77);

    begin(body);
    mcpz_snapshot_add(&writer, mcpz_text("message"));
    add_piece(1, 8, 0, 5);
    add_piece(1, 8, 5, 3);
    mcpz_snapshot_lose(&writer, &lost);
    add_piece(2, 0, 0, 0);
    mcpz_snapshot_end(&writer);
    CHECK_UINT(body->error, MCPZ_OK);
}

/* Read to its end. */
static mcpz_error read_all(const struct mcpz_body *body, bool is_some)
{
    struct mcpz_bytes message;
    mcpz_error error = mcpz_snapshot_open(&reader, body, is_some);

    while (error == MCPZ_OK) {
        error = mcpz_snapshot_next(&reader, &message);
    }
    return error;
}

static mcpz_error read_bytes(const uint8_t *bytes, size_t length)
{
    struct mcpz_body body;

    mcpz_body_init(&body, "/tmp");
    mcpz_body_append(&body, mcpz_bytes(bytes, length));
    const mcpz_error error = read_all(&body, false);
    mcpz_body_finish(&body);
    return error;
}

static size_t take_out(struct mcpz_body *body)
{
    const size_t length = (size_t)body->length;

    CHECK(length <= sizeof(file));
    CHECK_UINT(mcpz_body_read_all(body, 0, file, length), MCPZ_OK);
    mcpz_body_finish(body);
    return length;
}

static void follow(const uint8_t *bytes, size_t length, size_t step)
{
    mcpz_snapshot_tap_begin(&tap);
    for (size_t at = 0; at < length; at += step) {
        mcpz_snapshot_tap_add(&tap,
                              mcpz_bytes(bytes + at, length - at < step ? length - at : step));
    }
}

static void check_piece(const struct mcpz_body *body, uint8_t number, uint64_t offset,
                        uint32_t length, bool is_last)
{
    static uint8_t bytes[MCPZ_SNAPSHOT_PIECE_BYTES];
    struct mcpz_bytes message;

    CHECK_UINT(mcpz_snapshot_next(&reader, &message), MCPZ_OK);
    CHECK(reader.has_blob);
    CHECK_UINT(message.length, 0);
    CHECK_UINT(reader.blob.root.bytes[0], number);
    CHECK_TEXT(reader.blob.tenant, "acme");
    CHECK_UINT(reader.blob.offset, offset);
    CHECK_UINT(reader.blob.length, length);
    CHECK(reader.blob.is_last == is_last);
    CHECK(!reader.blob.is_lost);
    CHECK_UINT(mcpz_body_read_all(body, reader.blob.at, bytes, length), MCPZ_OK);
    CHECK(length == 0 || memcmp(bytes, content + offset, length) == 0);
}

TEST(blobs_are_read_ahead_of_the_messages_that_were_there)
{
    struct mcpz_bytes message;
    struct mcpz_body body;

    write_small(&body);
    CHECK_UINT(mcpz_snapshot_open(&reader, &body, false), MCPZ_OK);
    check_piece(&body, 1, 0, 5, false);
    check_piece(&body, 1, 5, 3, true);
    CHECK_UINT(mcpz_snapshot_next(&reader, &message), MCPZ_OK);
    CHECK(reader.has_blob && reader.blob.is_lost);
    CHECK_UINT(reader.blob.root.bytes[0], 3);
    CHECK_UINT(reader.blob.size, 77);
    check_piece(&body, 2, 0, 0, true);
    CHECK_UINT(mcpz_snapshot_next(&reader, &message), MCPZ_OK);
    CHECK(!reader.has_blob);
    CHECK(mcpz_bytes_equal(message, mcpz_text("message")));
    CHECK_UINT(mcpz_snapshot_next(&reader, &message), MCPZ_ENOTFOUND);
    mcpz_body_finish(&body);
}

TEST(a_large_one_is_written_and_read_in_pieces)
{
    struct mcpz_digest_state digested;
    uint8_t digest[MCPZ_DIGEST_BYTES];
    struct mcpz_bytes message;
    struct mcpz_body body;

    begin(&body);
    add_piece(1, BLOB_BYTES, 0, MCPZ_SNAPSHOT_PIECE_BYTES);
    add_piece(1, BLOB_BYTES, MCPZ_SNAPSHOT_PIECE_BYTES, 1000);
    mcpz_snapshot_end(&writer);
    CHECK_UINT(mcpz_snapshot_open(&reader, &body, false), MCPZ_OK);
    check_piece(&body, 1, 0, MCPZ_SNAPSHOT_PIECE_BYTES, false);
    check_piece(&body, 1, MCPZ_SNAPSHOT_PIECE_BYTES, 1000, true);
    mcpz_digest_begin(&digested, MCPZ_DIGEST_SNAPSHOT, mcpz_bytes(NULL, 0));
    mcpz_digest_add(&digested, mcpz_bytes(content, BLOB_BYTES));
    mcpz_digest_end(&digested, digest);
    CHECK(memcmp(reader.blob.digest, digest, sizeof(digest)) == 0);
    CHECK_UINT(mcpz_snapshot_next(&reader, &message), MCPZ_ENOTFOUND);
    mcpz_body_finish(&body);
}

TEST(who_sees_it_pass_by_counts_blobs_and_names_the_lost)
{
    struct mcpz_body body;

    write_small(&body);
    const size_t length = take_out(&body);
    for (size_t step = 1; step <= length; step += step < 60 ? 1 : 97) {
        follow(file, length, step);
        CHECK(mcpz_snapshot_tap_is_whole(&tap));
        CHECK_UINT(tap.items, 1);
        CHECK(tap.total.has_blobs);
        CHECK(tap.blobs == 2 && tap.total.blobs == 2);
        CHECK(tap.blob_bytes == 8 && tap.total.blob_bytes == 8);
        CHECK(tap.lost_count == 1 && tap.total.blobs_lost == 1);
        CHECK_UINT(tap.lost[0].root.bytes[0], 3);
    }
}

TEST(every_truncation_is_short)
{
    struct mcpz_body body;

    write_small(&body);
    const size_t length = take_out(&body);
    for (size_t i = 0; i < length; i++) {
        CHECK_UINT(read_bytes(file, i), MCPZ_ESHORT);
        follow(file, i, 64);
        CHECK(!mcpz_snapshot_tap_is_whole(&tap));
    }
}

TEST(every_changed_byte_is_noticed)
{
    struct mcpz_body body;

    write_small(&body);
    const size_t length = take_out(&body);
    for (size_t i = 0; i < length; i++) {
        file[i] ^= 1;
        const mcpz_error error = read_bytes(file, length);
        CHECK(error != MCPZ_OK && error != MCPZ_ENOTFOUND);
        follow(file, length, length);
        CHECK(!mcpz_snapshot_tap_is_whole(&tap));
        file[i] ^= 1;
    }
}

/* The file that was begun is ended, and is none for either of those who read it. */
static void check_refused(struct mcpz_body *body)
{
    mcpz_snapshot_end(&writer);
    CHECK_UINT(read_all(body, false), MCPZ_ECORRUPT);
    const size_t length = take_out(body);
    follow(file, length, length);
    CHECK_UINT(tap.error, MCPZ_ECORRUPT);
}

TEST(pieces_that_do_not_follow_each_other_are_refused)
{
    struct mcpz_body body;

    begin(&body); /* one is missing */
    add_piece(1, 9, 0, 3);
    add_piece(1, 9, 6, 3);
    check_refused(&body);
    begin(&body); /* the first one is */
    add_piece(1, 9, 3, 6);
    check_refused(&body);
    begin(&body); /* the last one is */
    add_piece(1, 9, 0, 3);
    check_refused(&body);
    begin(&body); /* another blob's comes in between */
    add_piece(1, 9, 0, 3);
    add_piece(2, 9, 3, 6);
    check_refused(&body);
    begin(&body); /* it has become longer */
    add_piece(1, 9, 0, 3);
    add_piece(1, 10, 3, 7);
    check_refused(&body);
    begin(&body); /* one comes twice */
    add_piece(1, 9, 0, 3);
    add_piece(1, 9, 0, 3);
    add_piece(1, 9, 3, 6);
    check_refused(&body);
}

TEST(one_that_breaks_off_is_lost_and_the_file_goes_on)
{
    const struct mcpz_snapshot_blob lost = blob_of(1, 9);
    struct mcpz_body body;

    begin(&body);
    add_piece(1, 9, 0, 3);
    mcpz_snapshot_lose(&writer, &lost);
    add_piece(2, 4, 0, 4);
    mcpz_snapshot_end(&writer);
    CHECK_UINT(read_all(&body, false), MCPZ_ENOTFOUND);
    const size_t length = take_out(&body);
    follow(file, length, length);
    CHECK(mcpz_snapshot_tap_is_whole(&tap));
    CHECK(tap.blobs == 1 && tap.lost_count == 1);
}

TEST(a_size_that_no_blob_has_is_told_as_the_largest)
{
    const struct mcpz_snapshot_blob lost = blob_of(1, INT64_MAX);
    struct mcpz_bytes message;
    struct mcpz_body body;

    begin(&body);
    mcpz_snapshot_lose(&writer, &lost);
    mcpz_snapshot_end(&writer);
    CHECK_UINT(mcpz_snapshot_open(&reader, &body, false), MCPZ_OK);
    CHECK_UINT(mcpz_snapshot_next(&reader, &message), MCPZ_OK);
    CHECK(reader.blob.is_lost);
    CHECK_UINT(reader.blob.size, (uint64_t)1 << 44);
    mcpz_body_finish(&body);
}

TEST(any_piece_can_come_by_itself)
{
    struct mcpz_body some;
    struct mcpz_bytes message;
    struct mcpz_body body;
    uint64_t begins = 0;

    write_small(&body);
    const size_t length = take_out(&body);
    follow(file, MCPZ_SNAPSHOT_HEAD_BYTES, MCPZ_SNAPSHOT_HEAD_BYTES);
    while (tap.parts < 2) { /* to the end of the second piece */
        begins = tap.part_at;
        const size_t wanted = mcpz_snapshot_tap_wants(&tap);
        CHECK(tap.bytes + wanted <= length);
        mcpz_snapshot_tap_add(&tap, mcpz_bytes(file + tap.bytes, wanted));
    }
    mcpz_body_init(&some, "/tmp");
    mcpz_body_append(&some, mcpz_bytes(file, MCPZ_SNAPSHOT_HEAD_BYTES));
    mcpz_body_append(&some, mcpz_bytes(file + begins, (size_t)(tap.bytes - begins)));
    CHECK_UINT(mcpz_snapshot_open(&reader, &some, true), MCPZ_OK);
    check_piece(&some, 1, 5, 3, true);
    CHECK_UINT(mcpz_snapshot_next(&reader, &message), MCPZ_ENOTFOUND);
    mcpz_body_finish(&some);
}

TEST_MAIN(RUN(blobs_are_read_ahead_of_the_messages_that_were_there),
          RUN(a_large_one_is_written_and_read_in_pieces),
          RUN(who_sees_it_pass_by_counts_blobs_and_names_the_lost), RUN(every_truncation_is_short),
          RUN(every_changed_byte_is_noticed),
          RUN(pieces_that_do_not_follow_each_other_are_refused),
          RUN(one_that_breaks_off_is_lost_and_the_file_goes_on),
          RUN(a_size_that_no_blob_has_is_told_as_the_largest), RUN(any_piece_can_come_by_itself))
