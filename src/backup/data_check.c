#include "backup/data_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "blob/keyring.h"
#include "blob/packs.h"
#include "blob/shelf.h"
#include "crypto/digest.h"
#include "crypto/identity.h"
#include "crypto/tenant_key.h"
#include "proto/limits.h"
#include "store/schema.h"
#include "wire/records.h"

#define LISTS_BYTES 65536 /* of one record */
#define CHUNK_BYTES_MAX 1048576

struct check {
    const struct mcpz_data_set *set;
    struct mcpz_data_report *report;
    struct mcpz_arena arena;
    uint8_t *lists;
    uint8_t *chunk;
    uint8_t *plain;               /* what was opened of a record */
    struct mcpz_keyring *keyring; /* NULL: no keys are there, or they do not fit */
};

static mcpz_error say(struct check *check, mcpz_error error, const char *file, const char *what)
{
    if (check->report->trouble[0] == '\0') {
        (void)snprintf(check->report->trouble, sizeof(check->report->trouble), "%.255s: %.200s",
                       file, what);
    }
    return error;
}

/* ---- Records ------------------------------------------------------------------------------ */

/* The plain value of what lies at `place`, without the names that stand before it. */
static bool open_sealed(struct check *check, const struct mcpz_tenant_key *key,
                        struct mcpz_bytes place, struct mcpz_bytes *value)
{
    if (value->length > MCPZ_SEALED_BYTES_MAX ||
        mcpz_tenant_key_open_record(key, place, *value, check->plain) != MCPZ_OK) {
        return false;
    }
    const size_t length = value->length - MCPZ_RECORD_SEAL_BYTES;
    size_t names = 0;
    if (mcpz_schema_names_at(place.data[0]) > 0) {
        names = length < 2 ? length + 1 : 2 + ((size_t)check->plain[0] << 8 | check->plain[1]);
    }
    if (names > length) {
        return false;
    }
    *value = mcpz_bytes(check->plain + names, length - names);
    return true;
}

/* Can it be opened with the keys that are there, and read? Without any, it looks as it should. */
static bool is_sound(struct check *check, struct mcpz_bytes place, struct mcpz_bytes value)
{
    const struct mcpz_tenant_key *key = NULL;
    struct mcpz_record record;

    if (!mcpz_schema_is_place(place)) {
        return false;
    }
    record = (struct mcpz_record){.kind = (enum mcpz_record_kind)place.data[0]};
    if (record.kind == MCPZ_RECORD_TASK_LISTED) {
        return mcpz_record_decode(value, &check->arena, &record) == MCPZ_OK;
    }
    if (value.length <= MCPZ_RECORD_SEAL_BYTES) {
        return false;
    }
    if (check->keyring == NULL) {
        return true;
    }
    mcpz_error error = mcpz_keyring_find_by_id(check->keyring, value.data, &key);
    if (error != MCPZ_OK) {
        return error == MCPZ_EEXPIRED; /* shredded: it is gone */
    }
    return open_sealed(check, key, place, &value) &&
           mcpz_record_decode(value, &check->arena, &record) == MCPZ_OK;
}

static mcpz_error check_record(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct check *check = context;

    mcpz_arena_clear(&check->arena);
    if (!is_sound(check, key, value)) {
        char what[64];
        (void)snprintf(what, sizeof(what), "a record of kind %u is damaged",
                       key.length > 0 ? key.data[0] : 0U);
        return say(check, MCPZ_ECORRUPT, MCPZ_DATA_STORE, what);
    }
    check->report->documents += key.data[0] == MCPZ_RECORD_DOCUMENT ? 1 : 0;
    return MCPZ_OK;
}

/* ---- Blobs -------------------------------------------------------------------------------- */

/* Were its blocks given back? Then nobody needs it, and its row is about to go. */
static bool is_hole(const uint8_t *head)
{
    static const uint8_t nothing[MCPZ_PACK_HEAD_BYTES];

    return memcmp(head, nothing, sizeof(nothing)) == 0;
}

static mcpz_error check_chunk(struct check *check, const struct mcpz_id *id,
                              const struct mcpz_chunk_row *row)
{
    char name[MCPZ_DATA_NAME_BYTES_MAX + 1];
    uint8_t head[MCPZ_PACK_HEAD_BYTES];
    uint8_t digest[MCPZ_DIGEST_BYTES];

    (void)snprintf(name, sizeof(name), "blobs/pack-%08" PRIu32, row->place.pack);
    const struct mcpz_data_file *pack = mcpz_data_set_find(check->set, name);
    if (pack == NULL) {
        return say(check, MCPZ_ECORRUPT, name, "it is not there, and blobs lie in it");
    }
    const struct mcpz_pages *pages = &pack->pages;
    if (row->place.length > CHUNK_BYTES_MAX ||
        pages->read(pages->context, row->place.offset, head, sizeof(head)) != MCPZ_OK ||
        pages->read(pages->context, row->place.offset + sizeof(head), check->chunk,
                    row->place.length) != MCPZ_OK) {
        return say(check, MCPZ_ECORRUPT, name, "it is shorter than its contents");
    }
    if (is_hole(head)) {
        return MCPZ_OK;
    }
    mcpz_digest(MCPZ_DIGEST_SEALED, mcpz_bytes(check->chunk, row->place.length), digest);
    check->report->chunks++;
    if (!mcpz_pack_head_is_of(head, id, row->place.length) ||
        memcmp(digest, row->sealed.bytes, sizeof(digest)) != 0) {
        return say(check, MCPZ_ECORRUPT, name, "a part of a blob is damaged");
    }
    return MCPZ_OK;
}

static mcpz_error check_shelved(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct check *check = context;
    struct mcpz_chunk_row row;
    struct mcpz_id id;
    bool is_chunk;

    mcpz_error error = mcpz_shelf_parse(key, value, &is_chunk, &id, &row);
    if (error != MCPZ_OK) {
        return say(check, error, MCPZ_DATA_BLOBS, "a row is damaged");
    }
    return is_chunk ? check_chunk(check, &id, &row) : MCPZ_OK;
}

/* ---- All of it ---------------------------------------------------------------------------- */

static mcpz_error check_store(struct check *check, const char *name,
                              mcpz_error (*record)(void *context, struct mcpz_bytes key,
                                                   struct mcpz_bytes value),
                              struct mcpz_check_report *report)
{
    const struct mcpz_check_visitor visitor = {.context = check, .record = record};
    const struct mcpz_data_file *file = mcpz_data_set_find(check->set, name);
    const char *fault = "";

    if (file == NULL) {
        return MCPZ_OK;
    }
    mcpz_error error = mcpz_check_pages(&file->pages, &visitor, report, &fault);
    return error == MCPZ_OK ? MCPZ_OK : say(check, error, name, fault);
}

/* Up to `capacity` bytes of a file of the set; 0: it is not there, or longer. */
static size_t read_file(const struct mcpz_data_set *set, const char *name, uint8_t *bytes,
                        size_t capacity)
{
    const struct mcpz_data_file *file = mcpz_data_set_find(set, name);

    if (file == NULL || file->pages.bytes > capacity ||
        file->pages.read(file->pages.context, 0, bytes, (size_t)file->pages.bytes) != MCPZ_OK) {
        return 0;
    }
    return (size_t)file->pages.bytes;
}

/* The keys that lie beside what they sealed, if they fit. */
static void find_keys(struct check *check)
{
    uint8_t key[MCPZ_NODE_KEY_TEXT_CHARS + 1];
    const size_t key_length = read_file(check->set, "keys/node.key", key, sizeof(key));
    const size_t length = read_file(check->set, "keys/ring", check->chunk, CHUNK_BYTES_MAX);

    if (key_length > 0 && length > 0 &&
        mcpz_keyring_read(mcpz_bytes(check->chunk, length), mcpz_bytes(key, key_length),
                          &check->keyring) != MCPZ_OK) {
        check->keyring = NULL; /* the node key is elsewhere */
    }
    mcpz_wipe(key, sizeof(key));
}

mcpz_error mcpz_data_check(const struct mcpz_data_set *set, struct mcpz_data_report *report)
{
    struct check check = {.set = set,
                          .report = report,
                          .lists = malloc(LISTS_BYTES),
                          .chunk = malloc(CHUNK_BYTES_MAX),
                          .plain = malloc(MCPZ_SEALED_BYTES_MAX)};
    mcpz_error error = MCPZ_ENOMEM;

    *report = (struct mcpz_data_report){.trouble = ""};
    if (check.lists != NULL && check.chunk != NULL && check.plain != NULL) {
        find_keys(&check);
        mcpz_arena_init(&check.arena, check.lists, LISTS_BYTES);
        error = check_store(&check, MCPZ_DATA_STORE, check_record, &report->store);
    }
    if (error == MCPZ_OK) {
        error = check_store(&check, MCPZ_DATA_BLOBS, check_shelved, &report->blobs);
    }
    free(check.lists);
    free(check.chunk);
    free(check.plain);
    mcpz_keyring_close(check.keyring);
    return error;
}
