#include "backup/backup_file.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_BYTES 262144 /* handed on at once */
#define ENTRY_MARK 1
#define END_MARK 0

static uint8_t *put(uint8_t *at, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        *at++ = (uint8_t)(number >> (8 * (bytes - 1 - i)));
    }
    return at;
}

static uint64_t get(const uint8_t **at, int bytes)
{
    uint64_t number = 0;

    for (int i = 0; i < bytes; i++) {
        number = number << 8 | *(*at)++;
    }
    return number;
}

/* ---- Writing ------------------------------------------------------------------------------ */

struct writer {
    const struct mcpz_backup_sink *sink;
    struct mcpz_digest_state digest;
    uint8_t *buffer; /* COPY_BYTES */
};

static mcpz_error emit(struct writer *writer, const void *bytes, size_t length)
{
    const struct mcpz_bytes piece = mcpz_bytes(bytes, length);

    mcpz_digest_add(&writer->digest, piece);
    return writer->sink->write(writer->sink->context, piece);
}

static mcpz_error write_head(struct writer *writer, const struct mcpz_backup_head *head)
{
    uint8_t bytes[MCPZ_BACKUP_HEAD_BYTES] = MCPZ_BACKUP_MAGIC;
    uint8_t *at = bytes + sizeof(MCPZ_BACKUP_MAGIC) - 1;

    *at++ = MCPZ_BACKUP_VERSION;
    at = put(at, head->made_ms, 8);
    memcpy(at, head->node.bytes, MCPZ_ID_BYTES);
    at += MCPZ_ID_BYTES;
    memcpy(at, head->program, strnlen(head->program, MCPZ_BACKUP_PROGRAM_BYTES));
    at += MCPZ_BACKUP_PROGRAM_BYTES;
    at = put(at, head->commits, 8);
    at = put(at, head->file_count, 4);
    at = put(at, head->bytes, 8);
    assert(at == bytes + sizeof(bytes));
    return emit(writer, bytes, sizeof(bytes));
}

static mcpz_error write_contents(struct writer *writer, const struct mcpz_pages *pages)
{
    struct mcpz_digest_state part;
    uint8_t digest[MCPZ_DIGEST_BYTES];
    mcpz_error error = MCPZ_OK;

    mcpz_digest_begin(&part, MCPZ_DIGEST_BACKUP, mcpz_bytes(NULL, 0));
    for (uint64_t at = 0; at < pages->bytes && error == MCPZ_OK;) {
        const uint64_t left = pages->bytes - at;
        const size_t length = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
        error = pages->read(pages->context, at, writer->buffer, length);
        if (error == MCPZ_OK) {
            mcpz_digest_add(&part, mcpz_bytes(writer->buffer, length));
            error = emit(writer, writer->buffer, length);
        }
        at += length;
    }
    mcpz_digest_end(&part, digest);
    return error == MCPZ_OK ? emit(writer, digest, sizeof(digest)) : error;
}

static mcpz_error write_file(struct writer *writer, const struct mcpz_data_file *file)
{
    uint8_t bytes[2 + MCPZ_DATA_NAME_BYTES_MAX + 4 + 8] = {ENTRY_MARK,
                                                           (uint8_t)strlen(file->name)};
    uint8_t *at = bytes + 2;

    memcpy(at, file->name, bytes[1]);
    at = put(at + bytes[1], file->mode, 4);
    at = put(at, file->pages.bytes, 8);
    mcpz_error error = emit(writer, bytes, (size_t)(at - bytes));
    return error == MCPZ_OK ? write_contents(writer, &file->pages) : error;
}

static mcpz_error write_all(struct writer *writer, struct mcpz_data_set *set,
                            const struct mcpz_backup_head *head)
{
    static const uint8_t end = END_MARK;
    uint8_t digest[MCPZ_DIGEST_BYTES];
    mcpz_error error = write_head(writer, head);

    for (size_t i = 0; i < set->count && error == MCPZ_OK; i++) {
        error = write_file(writer, &set->files[i]);
        if (error == MCPZ_ESHORT) {
            (void)snprintf(set->trouble, sizeof(set->trouble), "%s became shorter meanwhile",
                           set->files[i].name);
            error = MCPZ_EIO;
        }
    }
    if (error == MCPZ_OK) {
        error = emit(writer, &end, sizeof(end));
    }
    mcpz_digest_end(&writer->digest, digest);
    return error == MCPZ_OK
               ? writer->sink->write(writer->sink->context, mcpz_bytes(digest, sizeof(digest)))
               : error;
}

mcpz_error mcpz_backup_write(struct mcpz_data_set *set, struct mcpz_backup_head *head,
                             const struct mcpz_backup_sink *sink)
{
    struct writer writer = {.sink = sink, .buffer = malloc(COPY_BYTES)};

    if (writer.buffer == NULL) {
        return MCPZ_ENOMEM;
    }
    head->file_count = (uint32_t)set->count;
    head->bytes = mcpz_data_set_bytes(set);
    mcpz_digest_begin(&writer.digest, MCPZ_DIGEST_BACKUP, mcpz_bytes(NULL, 0));
    mcpz_error error = write_all(&writer, set, head);
    free(writer.buffer);
    return error;
}

uint64_t mcpz_backup_bytes(const struct mcpz_data_set *set)
{
    uint64_t bytes = MCPZ_BACKUP_HEAD_BYTES + MCPZ_BACKUP_TRAILER_BYTES + mcpz_data_set_bytes(set);

    for (size_t i = 0; i < set->count; i++) {
        bytes += 2 + strlen(set->files[i].name) + 4 + 8 + MCPZ_DIGEST_BYTES;
    }
    return bytes;
}

/* ---- Going by ----------------------------------------------------------------------------- */

void mcpz_backup_tap_begin(struct mcpz_backup_tap *tap)
{
    tap->length = 0;
    mcpz_digest_begin(&tap->digest, MCPZ_DIGEST_BACKUP, mcpz_bytes(NULL, 0));
}

/* All but the last MCPZ_DIGEST_BYTES of what has come is digested. */
static void tap_tail(struct mcpz_backup_tap *tap, struct mcpz_bytes bytes)
{
    const size_t known = tap->length < MCPZ_DIGEST_BYTES ? (size_t)tap->length : MCPZ_DIGEST_BYTES;
    uint8_t both[2 * MCPZ_DIGEST_BYTES];

    if (bytes.length >= MCPZ_DIGEST_BYTES) {
        mcpz_digest_add(&tap->digest, mcpz_bytes(tap->tail, known));
        mcpz_digest_add(&tap->digest, mcpz_bytes(bytes.data, bytes.length - MCPZ_DIGEST_BYTES));
        memcpy(tap->tail, bytes.data + bytes.length - MCPZ_DIGEST_BYTES, MCPZ_DIGEST_BYTES);
        return;
    }
    memcpy(both, tap->tail, known);
    memcpy(both + known, bytes.data, bytes.length);
    const size_t length = known + bytes.length;
    const size_t out = length > MCPZ_DIGEST_BYTES ? length - MCPZ_DIGEST_BYTES : 0;
    mcpz_digest_add(&tap->digest, mcpz_bytes(both, out));
    memcpy(tap->tail, both + out, length - out);
}

void mcpz_backup_tap_add(struct mcpz_backup_tap *tap, struct mcpz_bytes bytes)
{
    if (bytes.length == 0) {
        return;
    }
    if (tap->length < sizeof(tap->head)) {
        const size_t left = sizeof(tap->head) - (size_t)tap->length;
        memcpy(tap->head + tap->length, bytes.data, bytes.length < left ? bytes.length : left);
    }
    tap_tail(tap, bytes);
    tap->length += bytes.length;
}

uint64_t mcpz_backup_tap_all(const struct mcpz_backup_tap *tap)
{
    const uint8_t *at = tap->head + sizeof(tap->head) - 8;

    return tap->length >= sizeof(tap->head) ? get(&at, 8) : 0;
}

mcpz_error mcpz_backup_tap_end(struct mcpz_backup_tap *tap)
{
    uint8_t digest[MCPZ_DIGEST_BYTES];

    mcpz_digest_end(&tap->digest, digest);
    if (tap->length < sizeof(tap->head) ||
        memcmp(tap->head, MCPZ_BACKUP_MAGIC, sizeof(MCPZ_BACKUP_MAGIC) - 1) != 0) {
        return MCPZ_EPROTO;
    }
    return memcmp(digest, tap->tail, sizeof(digest)) == 0 ? MCPZ_OK : MCPZ_ESHORT;
}

/* ---- Reading ------------------------------------------------------------------------------ */

static mcpz_error take(struct mcpz_backup_reader *reader, void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t more = read(reader->file, (uint8_t *)bytes + done, length - done);
        if (more < 0 && errno == EINTR) {
            continue;
        }
        if (more <= 0) {
            return more < 0 ? MCPZ_EIO : MCPZ_ESHORT;
        }
        done += (size_t)more;
        reader->at += (uint64_t)more;
    }
    return MCPZ_OK;
}

static mcpz_error take_digested(struct mcpz_backup_reader *reader, void *bytes, size_t length)
{
    mcpz_error error = take(reader, bytes, length);

    if (error == MCPZ_OK) {
        mcpz_digest_add(&reader->digest, mcpz_bytes(bytes, length));
    }
    return error;
}

mcpz_error mcpz_backup_open(struct mcpz_backup_reader *reader, int file)
{
    const size_t magic = sizeof(MCPZ_BACKUP_MAGIC) - 1;
    uint8_t bytes[MCPZ_BACKUP_HEAD_BYTES];
    const uint8_t *at = bytes + magic;

    *reader = (struct mcpz_backup_reader){.file = file};
    mcpz_digest_begin(&reader->digest, MCPZ_DIGEST_BACKUP, mcpz_bytes(NULL, 0));
    mcpz_error error = take_digested(reader, bytes, magic + 1);
    if (error == MCPZ_ESHORT ||
        (error == MCPZ_OK && memcmp(bytes, MCPZ_BACKUP_MAGIC, magic) != 0)) {
        return MCPZ_EPROTO;
    }
    if (error == MCPZ_OK && *at++ != MCPZ_BACKUP_VERSION) {
        return MCPZ_EVERSION;
    }
    if (error == MCPZ_OK) {
        error = take_digested(reader, bytes + magic + 1, sizeof(bytes) - magic - 1);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    struct mcpz_backup_head *head = &reader->head;
    head->made_ms = get(&at, 8);
    memcpy(head->node.bytes, at, MCPZ_ID_BYTES);
    at += MCPZ_ID_BYTES;
    memcpy(head->program, at, MCPZ_BACKUP_PROGRAM_BYTES);
    at += MCPZ_BACKUP_PROGRAM_BYTES;
    head->commits = get(&at, 8);
    head->file_count = (uint32_t)get(&at, 4);
    head->bytes = get(&at, 8);
    return MCPZ_OK;
}

/* Nothing may follow, or somebody else has been at it. */
static mcpz_error check_end(struct mcpz_backup_reader *reader)
{
    uint8_t expected[MCPZ_DIGEST_BYTES];
    uint8_t found[MCPZ_DIGEST_BYTES + 1];

    mcpz_digest_end(&reader->digest, expected);
    mcpz_error error = take(reader, found, MCPZ_DIGEST_BYTES);
    if (error != MCPZ_OK) {
        return error;
    }
    if (memcmp(found, expected, sizeof(expected)) != 0 ||
        reader->file_count != reader->head.file_count ||
        reader->file_bytes != reader->head.bytes || take(reader, found, 1) != MCPZ_ESHORT) {
        return MCPZ_ECORRUPT;
    }
    return MCPZ_ENOTFOUND;
}

mcpz_error mcpz_backup_next(struct mcpz_backup_reader *reader, struct mcpz_backup_entry *entry)
{
    uint8_t bytes[MCPZ_DATA_NAME_BYTES_MAX + 4 + 8];
    uint8_t mark[2];

    assert(!reader->in_file);
    mcpz_error error = take_digested(reader, mark, 1);
    if (error != MCPZ_OK) {
        return error;
    }
    if (mark[0] == END_MARK) {
        return check_end(reader);
    }
    error = mark[0] == ENTRY_MARK ? take_digested(reader, mark + 1, 1) : MCPZ_ECORRUPT;
    if (error == MCPZ_OK) {
        error = take_digested(reader, bytes, (size_t)mark[1] + 4 + 8);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    const uint8_t *at = bytes + mark[1];
    memcpy(entry->name, bytes, mark[1]);
    entry->name[mark[1]] = '\0';
    entry->mode = (uint32_t)get(&at, 4);
    entry->size = get(&at, 8);
    entry->offset = reader->at;
    if (strlen(entry->name) != mark[1] || !mcpz_data_name_is_sound(entry->name) ||
        entry->size > reader->head.bytes - reader->file_bytes ||
        reader->file_count == reader->head.file_count) {
        return MCPZ_ECORRUPT;
    }
    reader->file_count++;
    reader->file_bytes += entry->size;
    reader->left = entry->size;
    reader->in_file = true;
    mcpz_digest_begin(&reader->part, MCPZ_DIGEST_BACKUP, mcpz_bytes(NULL, 0));
    return MCPZ_OK;
}

mcpz_error mcpz_backup_read(struct mcpz_backup_reader *reader, void *bytes, size_t capacity,
                            size_t *length)
{
    uint8_t expected[MCPZ_DIGEST_BYTES];
    uint8_t found[MCPZ_DIGEST_BYTES];

    assert(reader->in_file);
    *length = reader->left < capacity ? (size_t)reader->left : capacity;
    if (*length > 0) {
        mcpz_error error = take_digested(reader, bytes, *length);
        if (error == MCPZ_OK) {
            mcpz_digest_add(&reader->part, mcpz_bytes(bytes, *length));
            reader->left -= *length;
        }
        return error;
    }
    reader->in_file = false;
    mcpz_digest_end(&reader->part, expected);
    mcpz_error error = take_digested(reader, found, sizeof(found));
    if (error != MCPZ_OK) {
        return error;
    }
    return memcmp(found, expected, sizeof(found)) == 0 ? MCPZ_OK : MCPZ_ECORRUPT;
}

/* ---- As a list ---------------------------------------------------------------------------- */

void mcpz_backup_explain(struct mcpz_data_set *set, mcpz_error error, uint64_t at)
{
    switch (error) {
    case MCPZ_EPROTO:
        (void)snprintf(set->trouble, sizeof(set->trouble), "it is not a backup");
        break;
    case MCPZ_EVERSION:
        (void)snprintf(set->trouble, sizeof(set->trouble),
                       "it is a backup of another version; this program reads version %d",
                       MCPZ_BACKUP_VERSION);
        break;
    case MCPZ_ESHORT:
        (void)snprintf(set->trouble, sizeof(set->trouble), "it is cut off after byte %" PRIu64,
                       at);
        break;
    case MCPZ_ECORRUPT:
        (void)snprintf(set->trouble, sizeof(set->trouble),
                       "it is damaged, found before byte %" PRIu64, at);
        break;
    default:
        (void)snprintf(set->trouble, sizeof(set->trouble), "%s",
                       error == MCPZ_EIO ? strerror(errno) : mcpz_strerror(error));
        break;
    }
}

static mcpz_error list_next(struct mcpz_backup_reader *reader, uint8_t *buffer,
                            struct mcpz_data_set *set)
{
    struct mcpz_backup_entry entry;
    size_t length = 1;

    mcpz_error error = mcpz_backup_next(reader, &entry);
    while (error == MCPZ_OK && length > 0) {
        error = mcpz_backup_read(reader, buffer, COPY_BYTES, &length);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    struct mcpz_data_file *file = mcpz_data_set_add(set, entry.name);
    if (file == NULL) {
        return MCPZ_ENOMEM;
    }
    file->mode = entry.mode;
    file->part =
        (struct mcpz_file_part){.file = reader->file, .offset = entry.offset, .bytes = entry.size};
    return MCPZ_OK;
}

mcpz_error mcpz_backup_list(int file, struct mcpz_backup_head *head, struct mcpz_data_set *set)
{
    struct mcpz_backup_reader reader;
    uint8_t *buffer = malloc(COPY_BYTES);

    *set = (struct mcpz_data_set){0};
    mcpz_error error = buffer != NULL ? mcpz_backup_open(&reader, file) : MCPZ_ENOMEM;
    while (error == MCPZ_OK) {
        error = list_next(&reader, buffer, set);
    }
    free(buffer);
    if (error != MCPZ_ENOTFOUND) {
        mcpz_backup_explain(set, error, error == MCPZ_ENOMEM ? 0 : reader.at);
        return error;
    }
    *head = reader.head;
    for (size_t i = 0; i < set->count; i++) {
        set->files[i].pages = mcpz_pages_of_file(&set->files[i].part);
    }
    return MCPZ_OK;
}
