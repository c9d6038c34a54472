/*
 * Feed any bytes as a file of agents: it is read to its end, or is not one. And what is written to
 * such a file, in pieces as the bytes say, is read from it.
 */

#include <stdlib.h>
#include <string.h>

#include "http/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct mcpz_snapshot_writer writer;
static struct mcpz_snapshot_reader reader;

static struct mcpz_snapshot_tap tap;

/* Is it whole for who sees it pass by, a few bytes at a time as `step` says? */
static bool is_whole(const uint8_t *bytes, size_t length, size_t step)
{
    mcpz_snapshot_tap_begin(&tap);
    for (size_t at = 0; at < length; at += step) {
        mcpz_snapshot_tap_add(&tap,
                              mcpz_bytes(bytes + at, step < length - at ? step : length - at));
    }
    return mcpz_snapshot_tap_is_whole(&tap);
}

static void check_piece(const struct mcpz_body *body, const struct mcpz_snapshot_blob *blob)
{
    if (blob->length > MCPZ_SNAPSHOT_PIECE_BYTES || blob->offset + blob->length > blob->size ||
        blob->at + blob->length > body->length || blob->tenant[0] == '\0' ||
        (blob->is_last && blob->offset + blob->length != blob->size)) {
        abort();
    }
}

static mcpz_error read_all(const struct mcpz_body *body, bool is_some)
{
    struct mcpz_bytes message;
    mcpz_error error = mcpz_snapshot_open(&reader, body, is_some);

    while (error == MCPZ_OK) {
        error = mcpz_snapshot_next(&reader, &message);
        if (error == MCPZ_OK && reader.has_blob) {
            check_piece(body, &reader.blob);
        } else if (error == MCPZ_OK &&
                   (message.length == 0 || message.length > MCPZ_SNAPSHOT_ITEM_BYTES_MAX)) {
            abort();
        }
    }
    return error;
}

/* The next item of the input: its length, less one, comes first. */
static struct mcpz_bytes cut(const uint8_t *bytes, size_t length)
{
    const size_t wanted = 1 + (size_t)bytes[0];
    const size_t left = length - 1;

    return mcpz_bytes(bytes + 1, wanted < left ? wanted : left);
}

/* Items that begin so are blobs of two pieces, the first of them one byte long. */
static bool is_blob(struct mcpz_bytes item)
{
    return item.length >= 2 && item.data[0] == 'B';
}

static struct mcpz_snapshot_blob blob_of(struct mcpz_bytes item)
{
    return (struct mcpz_snapshot_blob){
        .root = {{item.data[1]}}, .tenant = "acme", .size = item.length};
}

static void write_item(struct mcpz_bytes item)
{
    if (!is_blob(item)) {
        mcpz_snapshot_add(&writer, item);
        return;
    }
    struct mcpz_snapshot_blob blob = blob_of(item);
    mcpz_snapshot_add_piece(&writer, &blob, mcpz_bytes(item.data, 1));
    blob.offset = 1;
    mcpz_snapshot_add_piece(&writer, &blob, mcpz_bytes(item.data + 1, item.length - 1));
}

static void read_piece(const struct mcpz_body *body, struct mcpz_bytes expected, uint64_t offset)
{
    uint8_t bytes[256];
    struct mcpz_bytes message;

    if (mcpz_snapshot_next(&reader, &message) != MCPZ_OK || !reader.has_blob ||
        reader.blob.offset != offset || reader.blob.length != expected.length ||
        mcpz_body_read_all(body, reader.blob.at, bytes, expected.length) != MCPZ_OK ||
        memcmp(bytes, expected.data, expected.length) != 0) {
        abort();
    }
}

static void read_item(const struct mcpz_body *body, struct mcpz_bytes item)
{
    struct mcpz_bytes message;

    if (is_blob(item)) {
        read_piece(body, mcpz_bytes(item.data, 1), 0);
        read_piece(body, mcpz_bytes(item.data + 1, item.length - 1), 1);
    } else if (mcpz_snapshot_next(&reader, &message) != MCPZ_OK ||
               !mcpz_bytes_equal(item, message)) {
        abort();
    }
}

/* What is written of them, or not; blobs come ahead of what one part holds. */
static void read_items(const struct mcpz_body *body, const uint8_t *bytes, size_t length,
                       bool blobs)
{
    for (size_t at = 0; at + 1 < length;) {
        const struct mcpz_bytes item = cut(bytes + at, length - at);
        if (is_blob(item) == blobs) {
            read_item(body, item);
        }
        at += 1 + item.length;
    }
}

static void write_and_read(struct mcpz_body *body, const uint8_t *bytes, size_t length)
{
    struct mcpz_bytes message;

    mcpz_snapshot_begin(&writer, body);
    for (size_t at = 0; at + 1 < length;) {
        const struct mcpz_bytes item = cut(bytes + at, length - at);
        write_item(item);
        at += 1 + item.length;
    }
    mcpz_snapshot_end(&writer);
    if (mcpz_snapshot_open(&reader, body, false) != MCPZ_OK) {
        abort();
    }
    read_items(body, bytes, length, true);
    read_items(body, bytes, length, false);
    if (mcpz_snapshot_next(&reader, &message) != MCPZ_ENOTFOUND) {
        abort();
    }
    const struct mcpz_bytes file = mcpz_body_in_memory(body);
    if (!is_whole(file.data, file.length, 1 + length % 64) || tap.bytes != file.length) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct mcpz_body body;

    if (length == 0 || length >= MCPZ_SNAPSHOT_PART_BYTES / 4) {
        return 0; /* all messages that are written are one part */
    }
    mcpz_body_init(&body, "/tmp");
    mcpz_body_append(&body, mcpz_bytes(bytes, length));
    const bool is_file = read_all(&body, false) == MCPZ_ENOTFOUND;
    (void)read_all(&body, true);
    mcpz_body_finish(&body);
    if (is_file && !is_whole(bytes, length, 1 + bytes[length - 1] % 64)) {
        abort();
    }

    mcpz_body_init(&body, "/tmp");
    write_and_read(&body, bytes, length);
    mcpz_body_finish(&body);
    return 0;
}
