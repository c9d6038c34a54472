#include "http/snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "blob/manifest.h"
#include "proto/msg.h"
#include "wire/reader.h"

#define LENGTH_BYTES 4
#define TOTAL_BYTES (5 * 8 + 1 + 4) /* and the ranges behind it */
#define RANGE_BYTES 8
#define END_BYTES_MAX (TOTAL_BYTES + RANGE_BYTES * MCPZ_SNAPSHOT_MISSING_MAX)

#define BLOB_HEAD_BYTES (MCPZ_ID_BYTES + 8 + 8 + 1) /* and the tenant behind it */
#define BLOB_HEAD_BYTES_MAX (BLOB_HEAD_BYTES + MCPZ_TENANT_BYTES_MAX)
#define PIECES_MAX 3 /* of a payload */

static_assert(sizeof(MCPZ_SNAPSHOT_MAGIC) == MCPZ_SNAPSHOT_HEAD_BYTES, "magic, and the version");
static_assert(END_BYTES_MAX <= sizeof(((struct mcpz_snapshot_tap *)NULL)->kept),
              "the end is kept");
static_assert(BLOB_HEAD_BYTES_MAX <= MCPZ_SNAPSHOT_ITEM_BYTES_MAX, "it is read as items are");

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
    case MCPZ_SNAPSHOT_BLOB:
    case MCPZ_SNAPSHOT_LOST:
        return head->items == 0 && head->length > BLOB_HEAD_BYTES &&
                       head->length <=
                           BLOB_HEAD_BYTES_MAX + MCPZ_SNAPSHOT_PIECE_BYTES + MCPZ_DIGEST_BYTES
                   ? MCPZ_OK
                   : MCPZ_ECORRUPT;
    default:
        return MCPZ_ECORRUPT;
    }
}

/* Is that part the file's last? */
static bool is_end(uint32_t kind)
{
    return kind == MCPZ_SNAPSHOT_END || kind == MCPZ_SNAPSHOT_FAILED;
}

static bool is_of_blob(uint32_t kind)
{
    return kind == MCPZ_SNAPSHOT_BLOB || kind == MCPZ_SNAPSHOT_LOST;
}

static size_t write_total(const struct mcpz_snapshot_total *total, uint8_t *bytes)
{
    put_number(bytes, 8, total->agents);
    put_number(bytes + 8, 8, total->messages);
    put_number(bytes + 16, 8, total->blobs);
    put_number(bytes + 24, 8, total->blob_bytes);
    put_number(bytes + 32, 8, total->blobs_lost);
    bytes[40] = total->has_blobs;
    put_number(bytes + 41, 4, total->missing_count);
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
    total->blobs = get_number(bytes + 16, 8);
    total->blob_bytes = get_number(bytes + 24, 8);
    total->blobs_lost = get_number(bytes + 32, 8);
    total->has_blobs = bytes[40] == 1;
    total->missing_count = get_u32(bytes + 41);
    if (bytes[40] > 1 || total->missing_count > MCPZ_SNAPSHOT_MISSING_MAX ||
        length != TOTAL_BYTES + RANGE_BYTES * total->missing_count) {
        return MCPZ_ECORRUPT;
    }
    for (size_t i = 0; i < total->missing_count; i++) {
        total->missing[i].first = get_u32(bytes + TOTAL_BYTES + i * RANGE_BYTES);
        total->missing[i].last = get_u32(bytes + TOTAL_BYTES + i * RANGE_BYTES + 4);
    }
    return MCPZ_OK;
}

/* ---- Blobs -------------------------------------------------------------------------------- */

static size_t write_blob_head(const struct mcpz_snapshot_blob *blob, uint8_t *bytes)
{
    const size_t tenant_length = strlen(blob->tenant);

    memcpy(bytes, blob->root.bytes, MCPZ_ID_BYTES);
    put_number(bytes + MCPZ_ID_BYTES, 8, blob->size);
    put_number(bytes + MCPZ_ID_BYTES + 8, 8, blob->offset);
    bytes[BLOB_HEAD_BYTES - 1] = (uint8_t)tenant_length;
    memcpy(bytes + BLOB_HEAD_BYTES, blob->tenant, tenant_length);
    return BLOB_HEAD_BYTES + tenant_length;
}

/* How long the piece is, and whether it is the last: what is behind the head says so. */
static bool measure_piece(struct mcpz_snapshot_blob *blob, uint32_t length)
{
    const bool has_digest = length >= MCPZ_DIGEST_BYTES;
    const uint64_t left = blob->size - blob->offset;

    if (blob->is_lost) {
        return length == 0 && blob->offset == 0;
    }
    blob->is_last = has_digest && length - MCPZ_DIGEST_BYTES == left;
    blob->length = blob->is_last ? length - MCPZ_DIGEST_BYTES : length;
    return blob->length <= MCPZ_SNAPSHOT_PIECE_BYTES &&
           (blob->is_last || (length > 0 && length < left));
}

/* Read a head that is within `length` bytes of a payload; `bytes` are the first of them, as many
 * as a head may have. False: it is none. */
static bool read_blob_head(const uint8_t *bytes, const struct part_head *head,
                           struct mcpz_snapshot_blob *blob)
{
    const size_t tenant_length = bytes[BLOB_HEAD_BYTES - 1];

    *blob = (struct mcpz_snapshot_blob){.size = get_number(bytes + MCPZ_ID_BYTES, 8),
                                        .offset = get_number(bytes + MCPZ_ID_BYTES + 8, 8),
                                        .is_lost = head->kind == MCPZ_SNAPSHOT_LOST};
    if (tenant_length == 0 || tenant_length > MCPZ_TENANT_BYTES_MAX ||
        head->length < BLOB_HEAD_BYTES + tenant_length || blob->size > MCPZ_BLOB_BYTES_MAX ||
        blob->offset > blob->size) {
        return false;
    }
    memcpy(blob->root.bytes, bytes, MCPZ_ID_BYTES);
    memcpy(blob->tenant, bytes + BLOB_HEAD_BYTES, tenant_length);
    return strlen(blob->tenant) == tenant_length &&
           mcpz_bytes_is_utf8(mcpz_bytes(blob->tenant, tenant_length)) &&
           measure_piece(blob, head->length - (uint32_t)(BLOB_HEAD_BYTES + tenant_length));
}

/* May a part of that kind come now? `blob` of those of blobs. */
static bool follows(struct mcpz_snapshot_order *order, uint32_t kind,
                    const struct mcpz_snapshot_blob *blob)
{
    if (!is_of_blob(kind)) {
        return !order->is_open || kind == MCPZ_SNAPSHOT_FAILED;
    }
    const bool is_same =
        order->is_open && mcpz_id_equal(&order->root, &blob->root) && order->size == blob->size;
    const uint64_t next = order->is_open ? order->next : 0;
    if ((order->is_open && !is_same) || (!blob->is_lost && blob->offset != next)) {
        return false;
    }
    *order = (struct mcpz_snapshot_order){.is_open = !blob->is_lost && !blob->is_last,
                                          .root = blob->root,
                                          .size = blob->size,
                                          .next = blob->offset + blob->length};
    return true;
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

/* A part as it is: `count` runs of bytes are its payload. */
static void write_part(struct mcpz_snapshot_writer *writer, enum mcpz_snapshot_part kind,
                       uint32_t items, const struct mcpz_bytes *payload, size_t count)
{
    struct part_head head = {.kind = kind, .number = writer->number++, .items = items};
    struct mcpz_digest_state state = writer->digests;
    uint8_t bytes[MCPZ_SNAPSHOT_PART_HEAD_BYTES];
    uint8_t digest[MCPZ_DIGEST_BYTES];

    for (size_t i = 0; i < count; i++) {
        head.length += (uint32_t)payload[i].length;
    }
    write_part_head(&head, bytes);
    if (!is_end(kind)) {
        begin_digest(&state);
    }
    mcpz_digest_add(&state, mcpz_bytes(bytes, sizeof(bytes)));
    mcpz_body_append(writer->body, mcpz_bytes(bytes, sizeof(bytes)));
    for (size_t i = 0; i < count; i++) {
        mcpz_digest_add(&state, payload[i]);
        mcpz_body_append(writer->body, payload[i]);
    }
    mcpz_digest_end(&state, digest);
    mcpz_digest_add(&writer->digests, mcpz_bytes(digest, sizeof(digest)));
    mcpz_body_append(writer->body, mcpz_bytes(digest, sizeof(digest)));
}

static void end_part(struct mcpz_snapshot_writer *writer)
{
    const struct mcpz_bytes payload = mcpz_bytes(writer->payload, writer->length);

    if (writer->length > 0) {
        write_part(writer, MCPZ_SNAPSHOT_AGENTS, writer->items, &payload, 1);
        writer->items = 0;
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

void mcpz_snapshot_add_piece(struct mcpz_snapshot_writer *writer,
                             const struct mcpz_snapshot_blob *blob, struct mcpz_bytes bytes)
{
    uint8_t head[BLOB_HEAD_BYTES_MAX];
    uint8_t digest[MCPZ_DIGEST_BYTES] = {0};
    const bool is_last = blob->offset + bytes.length == blob->size;

    assert(bytes.length <= MCPZ_SNAPSHOT_PIECE_BYTES);
    assert(blob->offset + bytes.length <= blob->size);
    assert(bytes.length > 0 || blob->size == 0);
    if (blob->offset == 0) {
        begin_digest(&writer->content);
    }
    mcpz_digest_add(&writer->content, bytes);
    writer->total.blob_bytes += bytes.length;
    if (is_last) {
        mcpz_digest_end(&writer->content, digest);
        writer->total.blobs++;
    }
    const struct mcpz_bytes payload[PIECES_MAX] = {mcpz_bytes(head, write_blob_head(blob, head)),
                                                   bytes, mcpz_bytes(digest, sizeof(digest))};
    write_part(writer, MCPZ_SNAPSHOT_BLOB, 0, payload, is_last ? 3 : 2);
}

void mcpz_snapshot_lose(struct mcpz_snapshot_writer *writer, const struct mcpz_snapshot_blob *blob)
{
    struct mcpz_snapshot_blob named = {
        .root = blob->root,
        .size = blob->size < MCPZ_BLOB_BYTES_MAX ? blob->size : MCPZ_BLOB_BYTES_MAX};
    uint8_t head[BLOB_HEAD_BYTES_MAX];

    memcpy(named.tenant, blob->tenant, sizeof(named.tenant));
    const struct mcpz_bytes payload = mcpz_bytes(head, write_blob_head(&named, head));
    writer->total.blobs_lost++;
    write_part(writer, MCPZ_SNAPSHOT_LOST, 0, &payload, 1);
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
    const struct mcpz_bytes end = mcpz_bytes(payload, write_total(&writer->total, payload));
    write_part(writer, MCPZ_SNAPSHOT_END, 0, &end, 1);
    mcpz_snapshot_drop(writer);
}

void mcpz_snapshot_fail(struct mcpz_snapshot_writer *writer, const char *reason)
{
    const size_t room = sizeof(((struct mcpz_snapshot_tap *)NULL)->reason) - 1;
    const size_t length = strlen(reason);
    const struct mcpz_bytes said = mcpz_bytes(reason, length < room ? length : room);

    end_part(writer);
    write_part(writer, MCPZ_SNAPSHOT_FAILED, 0, &said, 1);
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
    if (is_end(head.kind)) {
        tap->digest = tap->digests;
    } else {
        begin_digest(&tap->digest);
    }
    if (tap->error == MCPZ_OK && !is_of_blob(head.kind) &&
        !follows(&tap->order, head.kind, NULL)) {
        tap->error = MCPZ_ECORRUPT;
    }
    mcpz_digest_add(&tap->digest, mcpz_bytes(tap->kept, MCPZ_SNAPSHOT_PART_HEAD_BYTES));
    expect(tap, head.length > 0 ? PHASE_PAYLOAD : PHASE_DIGEST,
           head.length > 0 ? head.length : MCPZ_DIGEST_BYTES);
}

static void note_piece(struct mcpz_snapshot_tap *tap)
{
    const struct part_head head = {.kind = tap->kind, .length = tap->length};
    struct mcpz_snapshot_blob blob;

    if (!read_blob_head(tap->kept, &head, &blob) || !follows(&tap->order, tap->kind, &blob)) {
        tap->error = MCPZ_ECORRUPT;
        return;
    }
    tap->blobs += blob.is_last ? 1 : 0;
    tap->blob_bytes += blob.length;
    if (blob.is_lost && tap->lost_count++ < MCPZ_SNAPSHOT_LOST_MAX) {
        tap->lost[tap->lost_count - 1] = blob;
    }
}

static void end_payload(struct mcpz_snapshot_tap *tap)
{
    if (is_of_blob(tap->kind)) {
        note_piece(tap);
    } else if (tap->kind == MCPZ_SNAPSHOT_END) {
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
    if (is_end(tap->kind)) {
        expect(tap, PHASE_OVER, 0);
    } else {
        expect(tap, PHASE_PART, MCPZ_SNAPSHOT_PART_HEAD_BYTES);
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

/* Keep what is looked at when all of it has come: of a payload no more than its first bytes. */
static void keep(struct mcpz_snapshot_tap *tap, struct mcpz_bytes taken)
{
    const size_t at = phase_bytes(tap) - tap->left;

    if ((tap->phase == PHASE_PAYLOAD && tap->kind == MCPZ_SNAPSHOT_AGENTS) ||
        at >= sizeof(tap->kept)) {
        return;
    }
    const size_t room = sizeof(tap->kept) - at;
    memcpy(tap->kept + at, taken.data, taken.length < room ? taken.length : room);
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
        keep(tap, taken);
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
    reader->has_blob = false;
    reader->order = (struct mcpz_snapshot_order){.is_open = false};
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

/* Read a piece's head, and its bytes for the digest; those of the blob come last. */
static mcpz_error read_piece(struct mcpz_snapshot_reader *reader, const struct part_head *head)
{
    struct mcpz_snapshot_blob *blob = &reader->blob;
    const uint32_t head_length =
        head->length < BLOB_HEAD_BYTES_MAX ? head->length : BLOB_HEAD_BYTES_MAX;
    const uint64_t start = reader->at;
    mcpz_error error = take_digested(reader, reader->item, head_length);

    if (error != MCPZ_OK) {
        return error;
    }
    if (head_length < BLOB_HEAD_BYTES_MAX) {
        memset(reader->item + head_length, 0, BLOB_HEAD_BYTES_MAX - head_length);
    }
    if (!read_blob_head(reader->item, head, blob) ||
        (!reader->is_some && !follows(&reader->order, head->kind, blob))) {
        return MCPZ_ECORRUPT;
    }
    for (uint32_t left = head->length - head_length; left > 0 && error == MCPZ_OK;) {
        const uint32_t length = left < sizeof(reader->item) ? left : sizeof(reader->item);
        error = take_digested(reader, reader->item, length);
        left -= length;
    }
    if (error == MCPZ_OK && blob->is_last) {
        error = mcpz_body_read_all(reader->body, reader->at - MCPZ_DIGEST_BYTES, blob->digest,
                                   MCPZ_DIGEST_BYTES);
    }
    blob->at = start + BLOB_HEAD_BYTES + strlen(blob->tenant);
    reader->has_blob = error == MCPZ_OK;
    return error == MCPZ_OK ? read_digest(reader) : error;
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
    if ((head.number != reader->number && !is_first_of_some) ||
        (is_end(head.kind) && reader->is_some) ||
        (!is_of_blob(head.kind) && !reader->is_some &&
         !follows(&reader->order, head.kind, NULL))) {
        return MCPZ_ECORRUPT;
    }
    if (is_end(head.kind)) {
        reader->digest = reader->digests;
    } else {
        begin_digest(&reader->digest);
    }
    mcpz_digest_add(&reader->digest, mcpz_bytes(bytes, sizeof(bytes)));
    if (is_end(head.kind)) {
        return read_end(reader, &head);
    }
    reader->number = head.number + 1;
    if (is_of_blob(head.kind)) {
        return read_piece(reader, &head);
    }
    reader->is_in_part = true;
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

    reader->has_blob = false;
    *message = mcpz_bytes(NULL, 0);
    while (error == MCPZ_OK && (!reader->is_in_part || reader->left == 0)) {
        if (reader->is_in_part) {
            error = reader->items == 0 ? read_digest(reader) : MCPZ_ECORRUPT;
            reader->is_in_part = false;
        } else {
            error = open_part(reader);
        }
        if (error == MCPZ_OK && reader->has_blob) {
            return MCPZ_OK;
        }
    }
    return error == MCPZ_OK ? read_item(reader, message) : error;
}
