#include "http/snapshot.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(MCPZ_SNAPSHOT_MAGIC) == MCPZ_SNAPSHOT_HEAD_BYTES, "magic, and the version");

static void put_u32(uint8_t *bytes, size_t number)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

static uint32_t get_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           bytes[3];
}

/* ---- Writing ------------------------------------------------------------------------------ */

static void append(struct mcpz_snapshot_writer *writer, const uint8_t *bytes, size_t length)
{
    mcpz_digest_add(&writer->digest, mcpz_bytes(bytes, length));
    mcpz_body_append(writer->body, mcpz_bytes(bytes, length));
}

void mcpz_snapshot_begin(struct mcpz_snapshot_writer *writer, struct mcpz_body *body)
{
    uint8_t head[MCPZ_SNAPSHOT_HEAD_BYTES];

    writer->body = body;
    mcpz_digest_begin(&writer->digest, MCPZ_DIGEST_SNAPSHOT, mcpz_bytes(NULL, 0));
    memcpy(head, MCPZ_SNAPSHOT_MAGIC, sizeof(head) - 1);
    head[sizeof(head) - 1] = MCPZ_SNAPSHOT_VERSION;
    append(writer, head, sizeof(head));
}

void mcpz_snapshot_add(struct mcpz_snapshot_writer *writer, struct mcpz_bytes message)
{
    uint8_t length[4];

    assert(message.length >= 1 && message.length <= MCPZ_SNAPSHOT_ITEM_BYTES_MAX);
    put_u32(length, message.length);
    append(writer, length, sizeof(length));
    append(writer, message.data, message.length);
}

void mcpz_snapshot_end(struct mcpz_snapshot_writer *writer)
{
    static const uint8_t zero[4];
    uint8_t digest[MCPZ_DIGEST_BYTES];

    append(writer, zero, sizeof(zero));
    mcpz_digest_end(&writer->digest, digest);
    mcpz_body_append(writer->body, mcpz_bytes(digest, sizeof(digest)));
}

/* ---- Reading ------------------------------------------------------------------------------ */

static mcpz_error take(struct mcpz_snapshot_reader *reader, uint8_t *bytes, size_t length)
{
    mcpz_error error = mcpz_body_read_all(reader->body, reader->at, bytes, length);
    if (error == MCPZ_OK) {
        reader->at += length;
    }
    return error;
}

/* As take(), of what the digest is over. */
static mcpz_error take_digested(struct mcpz_snapshot_reader *reader, uint8_t *bytes, size_t length)
{
    mcpz_error error = take(reader, bytes, length);
    if (error == MCPZ_OK) {
        mcpz_digest_add(&reader->digest, mcpz_bytes(bytes, length));
    }
    return error;
}

mcpz_error mcpz_snapshot_open(struct mcpz_snapshot_reader *reader, const struct mcpz_body *body)
{
    uint8_t head[MCPZ_SNAPSHOT_HEAD_BYTES];

    reader->body = body;
    reader->at = 0;
    mcpz_digest_begin(&reader->digest, MCPZ_DIGEST_SNAPSHOT, mcpz_bytes(NULL, 0));
    mcpz_error error = take_digested(reader, head, sizeof(head));
    if (error != MCPZ_OK) {
        return error;
    }
    if (memcmp(head, MCPZ_SNAPSHOT_MAGIC, sizeof(head) - 1) != 0) {
        return MCPZ_EPROTO;
    }
    return head[sizeof(head) - 1] == MCPZ_SNAPSHOT_VERSION ? MCPZ_OK : MCPZ_EVERSION;
}

static mcpz_error check_end(struct mcpz_snapshot_reader *reader)
{
    uint8_t expected[MCPZ_DIGEST_BYTES];
    uint8_t found[MCPZ_DIGEST_BYTES];

    mcpz_digest_end(&reader->digest, expected);
    mcpz_error error = take(reader, found, sizeof(found));
    if (error != MCPZ_OK) {
        return error;
    }
    if (memcmp(found, expected, sizeof(found)) != 0 || reader->at != reader->body->length) {
        return MCPZ_ECORRUPT;
    }
    return MCPZ_ENOTFOUND;
}

mcpz_error mcpz_snapshot_next(struct mcpz_snapshot_reader *reader, struct mcpz_bytes *message)
{
    uint8_t head[4];

    mcpz_error error = take_digested(reader, head, sizeof(head));
    if (error != MCPZ_OK) {
        return error;
    }
    uint32_t length = get_u32(head);
    if (length == 0) {
        return check_end(reader);
    }
    if (length > MCPZ_SNAPSHOT_ITEM_BYTES_MAX) {
        return MCPZ_ECORRUPT;
    }
    error = take_digested(reader, reader->item, length);
    if (error == MCPZ_OK) {
        *message = mcpz_bytes(reader->item, length);
    }
    return error;
}

/* ---- Passing by --------------------------------------------------------------------------- */

enum part { PART_HEAD, PART_LENGTH, PART_ITEM, PART_DIGEST, PART_NONE };

static void expect(struct mcpz_snapshot_tap *tap, enum part part, uint32_t bytes)
{
    tap->part = part;
    tap->left = bytes;
}

void mcpz_snapshot_tap_begin(struct mcpz_snapshot_tap *tap)
{
    *tap = (struct mcpz_snapshot_tap){.bytes = 0};
    mcpz_digest_begin(&tap->digest, MCPZ_DIGEST_SNAPSHOT, mcpz_bytes(NULL, 0));
    expect(tap, PART_HEAD, MCPZ_SNAPSHOT_HEAD_BYTES);
}

/* All of a part has come. */
static void end_part(struct mcpz_snapshot_tap *tap)
{
    static const uint8_t head[] = {'M', 'C', 'P', 'Z', 'S', 'N', 'A', 'P', MCPZ_SNAPSHOT_VERSION};
    uint8_t digest[MCPZ_DIGEST_BYTES];

    switch ((enum part)tap->part) {
    case PART_HEAD:
        tap->is_bad |= memcmp(tap->kept, head, sizeof(head)) != 0;
        expect(tap, PART_LENGTH, 4);
        return;
    case PART_LENGTH:
        if (get_u32(tap->kept) == 0) {
            expect(tap, PART_DIGEST, MCPZ_DIGEST_BYTES);
        } else {
            expect(tap, PART_ITEM, get_u32(tap->kept));
        }
        return;
    case PART_ITEM:
        tap->items++;
        expect(tap, PART_LENGTH, 4);
        return;
    case PART_DIGEST:
        mcpz_digest_end(&tap->digest, digest);
        tap->is_bad |= memcmp(tap->kept, digest, sizeof(digest)) != 0;
        expect(tap, PART_NONE, UINT32_MAX);
        return;
    case PART_NONE:
        return;
    }
}

static size_t part_bytes(const struct mcpz_snapshot_tap *tap)
{
    return tap->part == PART_HEAD     ? MCPZ_SNAPSHOT_HEAD_BYTES
           : tap->part == PART_LENGTH ? 4
                                      : MCPZ_DIGEST_BYTES;
}

void mcpz_snapshot_tap_add(struct mcpz_snapshot_tap *tap, struct mcpz_bytes piece)
{
    tap->bytes += piece.length;
    while (piece.length > 0 && !tap->is_bad) {
        const size_t length = piece.length < tap->left ? piece.length : tap->left;
        const struct mcpz_bytes taken = mcpz_bytes(piece.data, length);
        if (tap->part == PART_NONE) {
            tap->is_bad = true; /* nothing follows the digest */
            return;
        }
        if (tap->part != PART_ITEM) {
            memcpy(tap->kept + part_bytes(tap) - tap->left, taken.data, length);
        }
        if (tap->part != PART_DIGEST) {
            mcpz_digest_add(&tap->digest, taken);
        }
        tap->left -= (uint32_t)length;
        piece = mcpz_bytes(piece.data + length, piece.length - length);
        if (tap->left == 0) {
            end_part(tap);
        }
    }
}

bool mcpz_snapshot_tap_is_whole(const struct mcpz_snapshot_tap *tap)
{
    return tap->part == PART_NONE && !tap->is_bad;
}
