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

static mcpz_error read_all(const struct mcpz_body *body, bool is_some)
{
    struct mcpz_bytes message;
    mcpz_error error = mcpz_snapshot_open(&reader, body, is_some);

    while (error == MCPZ_OK) {
        error = mcpz_snapshot_next(&reader, &message);
        if (error == MCPZ_OK &&
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

static void write_and_read(struct mcpz_body *body, const uint8_t *bytes, size_t length)
{
    struct mcpz_bytes message;

    mcpz_snapshot_begin(&writer, body);
    for (size_t at = 0; at + 1 < length;) {
        const struct mcpz_bytes item = cut(bytes + at, length - at);
        mcpz_snapshot_add(&writer, item);
        at += 1 + item.length;
    }
    mcpz_snapshot_end(&writer);
    if (mcpz_snapshot_open(&reader, body, false) != MCPZ_OK) {
        abort();
    }
    for (size_t at = 0; at + 1 < length;) {
        const struct mcpz_bytes item = cut(bytes + at, length - at);
        if (mcpz_snapshot_next(&reader, &message) != MCPZ_OK || !mcpz_bytes_equal(item, message)) {
            abort();
        }
        at += 1 + item.length;
    }
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

    if (length == 0) {
        return 0;
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
