#include "backup/data_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/record_opener.h"
#include "blob/keyring.h"
#include "blob/packs.h"
#include "blob/ring.h"
#include "blob/shelf.h"
#include "crypto/digest.h"
#include "crypto/identity.h"
#include "proto/limits.h"

#define CHUNK_BYTES_MAX 1048576

/*
 * Bases are held against their floors, which come before them, without a list of either: marks of
 * both are summed up, and the sums are equal where each floor has just its base.
 */
struct bases {
    uint64_t floors; /* sum of marks */
    uint64_t found;
    struct mcpz_id document; /* whose base is coming, piece by piece */
    struct mcpz_digest_state digest;
    uint64_t byte_count;
    uint32_t pieces; /* 0: none is coming */
};

struct check {
    const struct mcpz_data_set *set;
    struct mcpz_data_report *report;
    uint8_t *chunk;
    struct mcpz_keyring *keyring; /* NULL: no keys are there, or they do not fit */
    struct mcpz_record_opener opener;
    struct bases bases;
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

static uint64_t mark_of(const struct mcpz_id *document, const struct mcpz_id *root,
                        uint64_t byte_count)
{
    uint8_t bytes[2 * MCPZ_ID_BYTES + sizeof(byte_count)];
    uint8_t digest[MCPZ_DIGEST_BYTES];
    uint64_t mark;

    memcpy(bytes, document->bytes, MCPZ_ID_BYTES);
    memcpy(bytes + MCPZ_ID_BYTES, root->bytes, MCPZ_ID_BYTES);
    memcpy(bytes + 2 * MCPZ_ID_BYTES, &byte_count, sizeof(byte_count));
    mcpz_digest(MCPZ_DIGEST_ROOT, mcpz_bytes(bytes, sizeof(bytes)), digest);
    memcpy(&mark, digest, sizeof(mark));
    return mark;
}

static void end_base(struct check *check)
{
    struct bases *bases = &check->bases;
    struct mcpz_id root;

    if (bases->pieces > 0) {
        mcpz_digest_end(&bases->digest, root.bytes);
        bases->found += mark_of(&bases->document, &root, bases->byte_count);
        bases->pieces = 0;
        check->report->bases++;
    }
}

/* A piece of a base. One that is missing makes another digest of the rest. */
static void add_piece(struct check *check, const struct mcpz_record_base *piece)
{
    struct bases *bases = &check->bases;

    if (bases->pieces > 0 && !mcpz_id_equal(&bases->document, &piece->document)) {
        end_base(check);
    }
    if (bases->pieces == 0) {
        bases->document = piece->document;
        bases->byte_count = 0;
        mcpz_digest_begin(&bases->digest, MCPZ_DIGEST_ROOT, mcpz_bytes(NULL, 0));
    }
    mcpz_digest_add(&bases->digest, piece->bytes);
    bases->byte_count += piece->bytes.length;
    bases->pieces++;
}

static mcpz_error check_bases(struct check *check)
{
    end_base(check);
    return check->bases.floors == check->bases.found
               ? MCPZ_OK
               : say(check, MCPZ_ECORRUPT, MCPZ_DATA_STORE,
                     "what an agent's old writes were folded to is not what was signed, or not "
                     "all there");
}

/* What is in it, where it could be opened. */
static void note(struct check *check, const struct mcpz_record *record)
{
    const struct mcpz_record_floor *floor = &record->floor;

    if (record->kind == MCPZ_RECORD_FLOOR) {
        check->bases.floors += mark_of(&floor->document, &floor->agreed.root, floor->byte_count);
    } else if (record->kind == MCPZ_RECORD_BASE) {
        add_piece(check, &record->base);
    }
}

static bool are_opened(const struct check *check)
{
    return check->report->keys == MCPZ_DATA_KEYS_FIT || check->report->keys == MCPZ_DATA_KEYS_NONE;
}

static mcpz_error check_record(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct check *check = context;
    struct mcpz_record record;

    mcpz_error error = mcpz_record_opener_open(&check->opener, key, value, &record);
    if (error != MCPZ_OK && error != MCPZ_EEXPIRED) {
        char what[64];
        (void)snprintf(what, sizeof(what), "a record of kind %u is damaged",
                       key.length > 0 ? key.data[0] : 0U);
        return say(check, MCPZ_ECORRUPT, MCPZ_DATA_STORE, what);
    }
    check->report->documents += key.data[0] == MCPZ_RECORD_DOCUMENT ? 1 : 0;
    check->report->deltas += key.data[0] == MCPZ_RECORD_DELTA ? 1 : 0;
    if (error == MCPZ_OK && are_opened(check)) {
        note(check, &record);
    }
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

/* Have the token open the envelope that lies in the set. */
static struct mcpz_node_key *open_envelope(struct check *check,
                                           const struct mcpz_token_config *token)
{
    uint8_t envelope[MCPZ_TOKEN_FILE_BYTES_MAX];
    struct mcpz_key_trouble why;
    struct mcpz_node_key *key = NULL;
    const size_t length = read_file(check->set, MCPZ_DATA_TOKEN_KEY, envelope, sizeof(envelope));

    if (length > 0 &&
        mcpz_key_envelope_open(mcpz_bytes(envelope, length), token, &key, &why) != MCPZ_OK) {
        (void)snprintf(check->report->token_trouble, sizeof(check->report->token_trouble), "%s",
                       why.text);
    }
    return key;
}

/* The node key, wherever it is; NULL: nowhere, or it is none. */
static struct mcpz_node_key *find_node_key(struct check *check,
                                           const struct mcpz_key_source *source)
{
    uint8_t text[MCPZ_NODE_KEY_TEXT_CHARS + 1];
    struct mcpz_bytes given =
        mcpz_text(source != NULL && source->text != NULL ? source->text : "");
    struct mcpz_node_key *key = NULL;

    if (given.length == 0) {
        given = mcpz_bytes(text, read_file(check->set, MCPZ_DATA_NODE_KEY, text, sizeof(text)));
    }
    if (given.length > 0) {
        check->report->keys = MCPZ_DATA_KEYS_OTHER; /* unless it fits */
        if (mcpz_key_text_read(given, &key) != MCPZ_OK) {
            key = NULL;
        }
    } else if (source != NULL && source->token != NULL) {
        key = open_envelope(check, source->token);
    }
    mcpz_wipe(text, sizeof(text));
    return key;
}

/* The keys that lie beside what they sealed, if they fit. */
static void find_keys(struct check *check, const struct mcpz_key_source *source)
{
    const size_t length = read_file(check->set, MCPZ_DATA_RING, check->chunk, CHUNK_BYTES_MAX);

    check->report->keys = MCPZ_DATA_KEYS_NONE;
    if (length == 0) {
        return;
    }
    check->report->keys = MCPZ_DATA_KEYS_MISSING;
    struct mcpz_node_key *key = find_node_key(check, source);
    if (key != NULL) {
        const bool fits =
            mcpz_keyring_read(mcpz_bytes(check->chunk, length), key, &check->keyring) == MCPZ_OK;
        check->report->keys = fits ? MCPZ_DATA_KEYS_FIT : MCPZ_DATA_KEYS_OTHER;
    }
}

bool mcpz_data_has_envelope(const struct mcpz_data_set *set)
{
    uint8_t bytes[MCPZ_TOKEN_FILE_BYTES_MAX];
    struct mcpz_token_file envelope;
    const uint8_t *id = NULL;
    bool fits = false;
    uint8_t *ring = malloc(MCPZ_RING_BYTES_MAX);

    if (ring != NULL) {
        const size_t ring_length = read_file(set, MCPZ_DATA_RING, ring, MCPZ_RING_BYTES_MAX);
        const size_t length = read_file(set, MCPZ_DATA_TOKEN_KEY, bytes, sizeof(bytes));
        fits = mcpz_token_file_read(mcpz_bytes(bytes, length), &envelope) == MCPZ_OK &&
               mcpz_ring_check(mcpz_bytes(ring, ring_length), &id) == MCPZ_OK &&
               memcmp(envelope.key_id, id, sizeof(envelope.key_id)) == 0;
    }
    free(ring);
    return fits;
}

mcpz_error mcpz_data_check(const struct mcpz_data_set *set, const struct mcpz_key_source *key,
                           struct mcpz_data_report *report)
{
    struct check check = {.set = set, .report = report, .chunk = malloc(CHUNK_BYTES_MAX)};
    mcpz_error error = MCPZ_ENOMEM;

    *report = (struct mcpz_data_report){.trouble = ""};
    if (check.chunk != NULL) {
        find_keys(&check, key);
        error = mcpz_record_opener_init(&check.opener, check.keyring);
    }
    if (error == MCPZ_OK) {
        error = check_store(&check, MCPZ_DATA_STORE, check_record, &report->store);
    }
    if (error == MCPZ_OK) {
        error = check_bases(&check);
    }
    if (error == MCPZ_OK) {
        error = check_store(&check, MCPZ_DATA_BLOBS, check_shelved, &report->blobs);
    }
    mcpz_record_opener_finish(&check.opener);
    free(check.chunk);
    mcpz_keyring_close(check.keyring);
    return error;
}
