#include "http/snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/msg.h"
#include "wire/reader.h"

#define LENGTH_BYTES 4
#define TOTAL_BYTES (8 + 8 + 4) /* and the ranges behind it */
#define RANGE_BYTES 8
#define END_BYTES_MAX (TOTAL_BYTES + RANGE_BYTES * MCPZ_SNAPSHOT_MISSING_MAX)

static_assert(sizeof(MCPZ_SNAPSHOT_MAGIC) == MCPZ_SNAPSHOT_HEAD_BYTES, "magic, and the version");
static_assert(END_BYTES_MAX <= sizeof(((struct mcpz_snapshot_tap *)NULL)->kept),
              "the end is kept");

/* ---- Numbers ------------------------------------------------------------------------------ */

static void put_number(uint8_t *bytes, size_t size, uint64_t number)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(number >> (8 * (size - 1 - i)));
    }
}

static uint64_t get_number(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static uint32_t get_u32(const uint8_t *bytes)
{
    return (uint32_t)get_number(bytes, 4);
}

static void begin_digest(struct mcpz_digest_state *digest)
{
    mcpz_digest_begin(digest, MCPZ_DIGEST_SNAPSHOT, mcpz_bytes(NULL, 0));
}

/* ---- Heads -------------------------------------------------------------------------------- */

static mcpz_error check_head(const uint8_t *head)
{
    if (memcmp(head, MCPZ_SNAPSHOT_MAGIC, MCPZ_SNAPSHOT_HEAD_BYTES - 1) != 0) {
        return MCPZ_EPROTO;
    }
    return head[MCPZ_SNAPSHOT_HEAD_BYTES - 1] == MCPZ_SNAPSHOT_VERSION ? MCPZ_OK : MCPZ_EVERSION;
}

struct part_head {
    uint32_t kind;
    uint32_t number;
    uint32_t items;
    uint32_t length;
};

static void write_part_head(const struct part_head *head, uint8_t *bytes)
{
    bytes[0] = (uint8_t)head->kind;
    put_number(bytes + 1, 4, head->number);
    put_number(bytes + 5, 4, head->items);
    put_number(bytes + 9, 4, head->length);
}

/* Errors: MCPZ_ECORRUPT  of no kind, or longer than one of its kind may be */
static mcpz_error read_part_head(const uint8_t *bytes, struct part_head *head)
{
    *head = (struct part_head){.kind = bytes[0],
                               .number = get_u32(bytes + 1),
                               .items = get_u32(bytes + 5),
                               .length = get_u32(bytes + 9)};
    switch (head->kind) {
    case MCPZ_SNAPSHOT_AGENTS:
        return head->length > 0 && head->length <= MCPZ_SNAPSHOT_PART_BYTES_MAX ? MCPZ_OK
                                                                                : MCPZ_ECORRUPT;
    case MCPZ_SNAPSHOT_END:
        return head->length >= TOTAL_BYTES && head->length <= END_BYTES_MAX ? MCPZ_OK
                                                                            : MCPZ_ECORRUPT;
    case MCPZ_SNAPSHOT_FAILED:
        return head->length < sizeof(((struct mcpz_snapshot_tap *)NULL)->reason) ? MCPZ_OK
                                                                                 : MCPZ_ECORRUPT;
    default:
        return MCPZ_ECORRUPT;
    }
}

static size_t write_total(const struct mcpz_snapshot_total *total, uint8_t *bytes)
{
    put_number(bytes, 8, total->agents);
    put_number(bytes + 8, 8, total->messages);
    put_number(bytes + 16, 4, total->missing_count);
    for (size_t i = 0; i < total->missing_count; i++) {
        put_number(bytes + TOTAL_BYTES + i * RANGE_BYTES, 4, total->missing[i].first);
        put_number(bytes + TOTAL_BYTES + i * RANGE_BYTES + 4, 4, total->missing[i].last);
    }
    return TOTAL_BYTES + RANGE_BYTES * total->missing_count;
}

/* Errors: MCPZ_ECORRUPT  it is not of that length */
static mcpz_error read_total(const uint8_t *bytes, size_t length,
                             struct mcpz_snapshot_total *total)
{
    total->agents = get_number(bytes, 8);
    total->messages = get_number(bytes + 8, 8);
    total->missing_count = get_u32(bytes + 16);
    if (total->missing_count > MCPZ_SNAPSHOT_MISSING_MAX ||
        length != TOTAL_BYTES + RANGE_BYTES * total->missing_count) {
        return MCPZ_ECORRUPT;
    }
    for (size_t i = 0; i < total->missing_count; i++) {
        total->missing[i].first = get_u32(bytes + TOTAL_BYTES + i * RANGE_BYTES);
        total->missing[i].last = get_u32(bytes + TOTAL_BYTES + i * RANGE_BYTES + 4);
    }
    return MCPZ_OK;
}

/* ---- Writing ------------------------------------------------------------------------------ */

void mcpz_snapshot_begin(struct mcpz_snapshot_writer *writer, struct mcpz_body *body)
{
    uint8_t head[MCPZ_SNAPSHOT_HEAD_BYTES];

    *writer = (struct mcpz_snapshot_writer){.body = body};
    begin_digest(&writer->digests);
    memcpy(head, MCPZ_SNAPSHOT_MAGIC, sizeof(head) - 1);
    head[sizeof(head) - 1] = MCPZ_SNAPSHOT_VERSION;
    mcpz_body_append(body, mcpz_bytes(head, sizeof(head)));
}

/* A part as it is; `*digest` is the last one's if it is an end. */
static void write_part(struct mcpz_snapshot_writer *writer, enum mcpz_snapshot_part kind,
                       struct mcpz_bytes payload)
{
    const struct part_head head = {.kind = kind,
                                   .number = writer->number++,
                                   .items = writer->items,
                                   .length = (uint32_t)payload.length};
    struct mcpz_digest_state state = writer->digests;
    uint8_t bytes[MCPZ_SNAPSHOT_PART_HEAD_BYTES];
    uint8_t digest[MCPZ_DIGEST_BYTES];

    write_part_head(&head, bytes);
    if (kind == MCPZ_SNAPSHOT_AGENTS) {
        begin_digest(&state);
    }
    mcpz_digest_add(&state, mcpz_bytes(bytes, sizeof(bytes)));
    mcpz_digest_add(&state, payload);
    mcpz_digest_end(&state, digest);
    mcpz_digest_add(&writer->digests, mcpz_bytes(digest, sizeof(digest)));
    mcpz_body_append(writer->body, mcpz_bytes(bytes, sizeof(bytes)));
    mcpz_body_append(writer->body, payload);
    mcpz_body_append(writer->body, mcpz_bytes(digest, sizeof(digest)));
    writer->items = 0;
}

static void end_part(struct mcpz_snapshot_writer *writer)
{
    if (writer->length > 0) {
        write_part(writer, MCPZ_SNAPSHOT_AGENTS, mcpz_bytes(writer->payload, writer->length));
        writer->length = 0;
    }
}

static uint32_t kind_of(struct mcpz_bytes message)
{
    struct mcpz_reader reader = mcpz_reader(message);
    struct mcpz_item array;
    struct mcpz_item kind;

    return mcpz_reader_next(&reader, &array) == MCPZ_OK && array.type == MCPZ_ITEM_ARRAY &&
                   mcpz_reader_next(&reader, &kind) == MCPZ_OK && kind.type == MCPZ_ITEM_UINT
               ? (uint32_t)kind.uint
               : 0;
}

/* A base is not cut in two: it is one part, with what follows it until that is long enough. */
static bool ends_part(const struct mcpz_snapshot_writer *writer, struct mcpz_bytes message)
{
    const uint32_t kind = kind_of(message);

    return writer->length > 0 &&
           (kind == MCPZ_MSG_AGREED ||
            (kind != MCPZ_MSG_BASE && writer->length >= MCPZ_SNAPSHOT_PART_BYTES) ||
            writer->length + LENGTH_BYTES + message.length > MCPZ_SNAPSHOT_PART_BYTES_MAX);
}

static bool make_room(struct mcpz_snapshot_writer *writer, size_t needed)
{
    if (needed <= writer->capacity) {
        return true;
    }
    const size_t capacity = needed < MCPZ_SNAPSHOT_PART_BYTES
                                ? MCPZ_SNAPSHOT_PART_BYTES + MCPZ_SNAPSHOT_ITEM_BYTES_MAX
                                : 2 * needed;
    uint8_t *grown = realloc(writer->payload, capacity);
    if (grown == NULL) {
        writer->body->error = writer->body->error == MCPZ_OK ? MCPZ_ENOMEM : writer->body->error;
        return false;
    }
    writer->payload = grown;
    writer->capacity = capacity;
    return true;
}

void mcpz_snapshot_add(struct mcpz_snapshot_writer *writer, struct mcpz_bytes message)
{
    assert(message.length >= 1 && message.length <= MCPZ_SNAPSHOT_ITEM_BYTES_MAX);

    if (ends_part(writer, message)) {
        end_part(writer);
    }
    if (!make_room(writer, writer->length + LENGTH_BYTES + message.length)) {
        return;
    }
    put_number(writer->payload + writer->length, LENGTH_BYTES, message.length);
    memcpy(writer->payload + writer->length + LENGTH_BYTES, message.data, message.length);
    writer->length += LENGTH_BYTES + message.length;
    writer->items++;
    writer->total.messages++;
}

void mcpz_snapshot_miss(struct mcpz_snapshot_writer *writer, uint32_t partition)
{
    struct mcpz_snapshot_total *total = &writer->total;
    struct mcpz_snapshot_range *last =
        total->missing_count > 0 ? &total->missing[total->missing_count - 1] : NULL;

    if (last != NULL &&
        (partition <= last->last + 1 || total->missing_count == MCPZ_SNAPSHOT_MISSING_MAX)) {
        last->last = partition > last->last ? partition : last->last;
        return;
    }
    total->missing[total->missing_count++] =
        (struct mcpz_snapshot_range){.first = partition, .last = partition};
}

void mcpz_snapshot_end(struct mcpz_snapshot_writer *writer)
{
    uint8_t payload[END_BYTES_MAX];

    end_part(writer);
    const size_t length = write_total(&writer->total, payload);
    write_part(writer, MCPZ_SNAPSHOT_END, mcpz_bytes(payload, length));
    mcpz_snapshot_drop(writer);
}

void mcpz_snapshot_fail(struct mcpz_snapshot_writer *writer, const char *reason)
{
    const size_t room = sizeof(((struct mcpz_snapshot_tap *)NULL)->reason) - 1;
    const size_t length = strlen(reason);

    end_part(writer);
    write_part(writer, MCPZ_SNAPSHOT_FAILED, mcpz_bytes(reason, length < room ? length : room));
    mcpz_snapshot_drop(writer);
}

void mcpz_snapshot_drop(struct mcpz_snapshot_writer *writer)
{
    free(writer->payload);
    writer->payload = NULL;
    writer->length = 0;
    writer->capacity = 0;
}

/* ---- Following ---------------------------------------------------------------------------- */

enum phase { PHASE_HEAD, PHASE_PART, PHASE_PAYLOAD, PHASE_DIGEST, PHASE_OVER };

static void expect(struct mcpz_snapshot_tap *tap, enum phase phase, uint32_t bytes)
{
    tap->phase = phase;
    tap->left = bytes;
}

void mcpz_snapshot_tap_begin(struct mcpz_snapshot_tap *tap)
{
    *tap = (struct mcpz_snapshot_tap){.bytes = 0};
    begin_digest(&tap->digests);
    expect(tap, PHASE_HEAD, MCPZ_SNAPSHOT_HEAD_BYTES);
}

static void begin_part(struct mcpz_snapshot_tap *tap)
{
    struct part_head head;

    tap->error = read_part_head(tap->kept, &head);
    if (tap->error == MCPZ_OK && head.number != tap->parts) {
        tap->error = MCPZ_ECORRUPT;
    }
    tap->kind = head.kind;
    tap->length = head.length;
    tap->items += head.items;
    if (head.kind == MCPZ_SNAPSHOT_AGENTS) {
        begin_digest(&tap->digest);
    } else {
        tap->digest = tap->digests;
    }
    mcpz_digest_add(&tap->digest, mcpz_bytes(tap->kept, MCPZ_SNAPSHOT_PART_HEAD_BYTES));
    expect(tap, head.length > 0 ? PHASE_PAYLOAD : PHASE_DIGEST,
           head.length > 0 ? head.length : MCPZ_DIGEST_BYTES);
}

static void end_payload(struct mcpz_snapshot_tap *tap)
{
    if (tap->kind == MCPZ_SNAPSHOT_END) {
        tap->error = read_total(tap->kept, tap->length, &tap->total);
    } else if (tap->kind == MCPZ_SNAPSHOT_FAILED) {
        memcpy(tap->reason, tap->kept, tap->length);
        tap->reason[tap->length] = '\0';
    }
    expect(tap, PHASE_DIGEST, MCPZ_DIGEST_BYTES);
}

static void check_digest(struct mcpz_snapshot_tap *tap)
{
    uint8_t digest[MCPZ_DIGEST_BYTES];

    mcpz_digest_end(&tap->digest, digest);
    if (memcmp(tap->kept, digest, sizeof(digest)) != 0) {
        tap->error = MCPZ_ECORRUPT;
        return;
    }
    mcpz_digest_add(&tap->digests, mcpz_bytes(digest, sizeof(digest)));
    tap->parts++;
    tap->part_at = tap->bytes;
    if (tap->kind == MCPZ_SNAPSHOT_AGENTS) {
        expect(tap, PHASE_PART, MCPZ_SNAPSHOT_PART_HEAD_BYTES);
    } else {
        expect(tap, PHASE_OVER, 0);
    }
}

/* All of what was expected has come. */
static void end_phase(struct mcpz_snapshot_tap *tap)
{
    switch ((enum phase)tap->phase) {
    case PHASE_HEAD:
        tap->error = check_head(tap->kept);
        tap->part_at = tap->bytes;
        expect(tap, PHASE_PART, MCPZ_SNAPSHOT_PART_HEAD_BYTES);
        return;
    case PHASE_PART:
        begin_part(tap);
        return;
    case PHASE_PAYLOAD:
        end_payload(tap);
        return;
    case PHASE_DIGEST:
        check_digest(tap);
        return;
    case PHASE_OVER:
        return;
    }
}

/* How long it is, where its bytes are looked at. */
static size_t phase_bytes(const struct mcpz_snapshot_tap *tap)
{
    switch ((enum phase)tap->phase) {
    case PHASE_HEAD:
        return MCPZ_SNAPSHOT_HEAD_BYTES;
    case PHASE_PART:
        return MCPZ_SNAPSHOT_PART_HEAD_BYTES;
    case PHASE_PAYLOAD:
        return tap->length;
    case PHASE_DIGEST:
    case PHASE_OVER:
        break;
    }
    return MCPZ_DIGEST_BYTES;
}

void mcpz_snapshot_tap_add(struct mcpz_snapshot_tap *tap, struct mcpz_bytes piece)
{
    while (piece.length > 0 && tap->error == MCPZ_OK) {
        const size_t length = piece.length < tap->left ? piece.length : tap->left;
        const struct mcpz_bytes taken = mcpz_bytes(piece.data, length);
        if (tap->phase == PHASE_OVER) {
            tap->error = MCPZ_ECORRUPT; /* nothing follows the end */
            return;
        }
        if (tap->phase != PHASE_PAYLOAD || tap->kind != MCPZ_SNAPSHOT_AGENTS) {
            memcpy(tap->kept + phase_bytes(tap) - tap->left, taken.data, length);
        }
        if (tap->phase == PHASE_PAYLOAD) {
            mcpz_digest_add(&tap->digest, taken);
        }
        tap->bytes += length;
        tap->left -= (uint32_t)length;
        piece = mcpz_bytes(piece.data + length, piece.length - length);
        if (tap->left == 0) {
            end_phase(tap);
        }
    }
}

bool mcpz_snapshot_tap_is_whole(const struct mcpz_snapshot_tap *tap)
{
    return tap->phase == PHASE_OVER && tap->kind == MCPZ_SNAPSHOT_END && tap->error == MCPZ_OK;
}

size_t mcpz_snapshot_tap_wants(const struct mcpz_snapshot_tap *tap)
{
    if (tap->error != MCPZ_OK || tap->phase == PHASE_OVER) {
        return 0;
    }
    return tap->left + (tap->phase == PHASE_PAYLOAD ? MCPZ_DIGEST_BYTES : 0);
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

/* As take(), of what the part's digest is over. */
static mcpz_error take_digested(struct mcpz_snapshot_reader *reader, uint8_t *bytes, size_t length)
{
    mcpz_error error = take(reader, bytes, length);
    if (error == MCPZ_OK) {
        mcpz_digest_add(&reader->digest, mcpz_bytes(bytes, length));
    }
    return error;
}

mcpz_error mcpz_snapshot_open(struct mcpz_snapshot_reader *reader, const struct mcpz_body *body,
                              bool is_some)
{
    uint8_t head[MCPZ_SNAPSHOT_HEAD_BYTES];

    reader->body = body;
    reader->is_some = is_some;
    reader->is_in_part = false;
    reader->at = 0;
    reader->part_at = 0;
    reader->number = 0;
    begin_digest(&reader->digests);
    mcpz_error error = take(reader, head, sizeof(head));
    return error == MCPZ_OK ? check_head(head) : error;
}

/* The digest behind a payload. */
static mcpz_error read_digest(struct mcpz_snapshot_reader *reader)
{
    uint8_t expected[MCPZ_DIGEST_BYTES];
    uint8_t found[MCPZ_DIGEST_BYTES];

    mcpz_digest_end(&reader->digest, expected);
    mcpz_error error = take(reader, found, sizeof(found));
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_digest_add(&reader->digests, mcpz_bytes(found, sizeof(found)));
    return memcmp(found, expected, sizeof(found)) == 0 ? MCPZ_OK : MCPZ_ECORRUPT;
}

static mcpz_error read_end(struct mcpz_snapshot_reader *reader, const struct part_head *head)
{
    uint8_t payload[END_BYTES_MAX];
    struct mcpz_snapshot_total total;

    mcpz_error error = take_digested(reader, payload, head->length);
    if (error == MCPZ_OK) {
        error = read_digest(reader);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (head->kind == MCPZ_SNAPSHOT_FAILED) {
        return MCPZ_ESHORT;
    }
    error = read_total(payload, head->length, &total);
    if (error == MCPZ_OK && reader->at != reader->body->length) {
        error = MCPZ_ECORRUPT;
    }
    return error == MCPZ_OK ? MCPZ_ENOTFOUND : error;
}

/* Begin the next part. Errors: MCPZ_ENOTFOUND  that was the last */
static mcpz_error open_part(struct mcpz_snapshot_reader *reader)
{
    uint8_t bytes[MCPZ_SNAPSHOT_PART_HEAD_BYTES];
    struct part_head head;

    reader->part_at = reader->at;
    if (reader->is_some && reader->at == reader->body->length) {
        return MCPZ_ENOTFOUND;
    }
    mcpz_error error = take(reader, bytes, sizeof(bytes));
    if (error == MCPZ_OK) {
        error = read_part_head(bytes, &head);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    const bool is_first_of_some = reader->is_some && reader->number == 0;
    const bool is_end = head.kind != MCPZ_SNAPSHOT_AGENTS;
    if ((head.number != reader->number && !is_first_of_some) || (is_end && reader->is_some)) {
        return MCPZ_ECORRUPT;
    }
    if (is_end) {
        reader->digest = reader->digests;
    } else {
        begin_digest(&reader->digest);
    }
    mcpz_digest_add(&reader->digest, mcpz_bytes(bytes, sizeof(bytes)));
    if (is_end) {
        return read_end(reader, &head);
    }
    reader->is_in_part = true;
    reader->number = head.number + 1;
    reader->items = head.items;
    reader->left = head.length;
    return MCPZ_OK;
}

static mcpz_error read_item(struct mcpz_snapshot_reader *reader, struct mcpz_bytes *message)
{
    uint8_t head[LENGTH_BYTES];

    if (reader->left < LENGTH_BYTES || reader->items == 0) {
        return MCPZ_ECORRUPT;
    }
    mcpz_error error = take_digested(reader, head, sizeof(head));
    if (error != MCPZ_OK) {
        return error;
    }
    const uint32_t length = get_u32(head);
    if (length == 0 || length > MCPZ_SNAPSHOT_ITEM_BYTES_MAX ||
        length > reader->left - LENGTH_BYTES) {
        return MCPZ_ECORRUPT;
    }
    error = take_digested(reader, reader->item, length);
    if (error == MCPZ_OK) {
        reader->left -= LENGTH_BYTES + length;
        reader->items--;
        *message = mcpz_bytes(reader->item, length);
    }
    return error;
}

mcpz_error mcpz_snapshot_next(struct mcpz_snapshot_reader *reader, struct mcpz_bytes *message)
{
    mcpz_error error = MCPZ_OK;

    while (error == MCPZ_OK && (!reader->is_in_part || reader->left == 0)) {
        if (reader->is_in_part) {
            error = reader->items == 0 ? read_digest(reader) : MCPZ_ECORRUPT;
            reader->is_in_part = false;
        } else {
            error = open_part(reader);
        }
    }
    return error == MCPZ_OK ? read_item(reader, message) : error;
}
