#include "backup/data_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/record_opener.h"
#include "blob/keyring.h"
#include "blob/manifest.h"
#include "blob/packs.h"
#include "blob/ring.h"
#include "blob/shelf.h"
#include "crypto/digest.h"
#include "crypto/identity.h"
#include "proto/limits.h"

#define CHUNK_BYTES_MAX 1048576
#define DAMAGED_MAX 16 /* chunks whose blobs are looked for */
#define TOLD_MAX 3     /* blobs that are told by name */

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

/* A chunk that is no good, and what it is part of, as far as that was found. */
struct damaged {
    struct mcpz_id id;
    struct mcpz_id at;   /* the highest list over it so far; */
    struct mcpz_id over; /* one over that, found just now: zeros: none */
    bool is_held;        /* that one is a blob which somebody holds */
    bool is_hole;
};

/* Chunks are all looked at, whatever is wrong with some. */
struct damages {
    struct damaged rows[DAMAGED_MAX];
    size_t count;
    uint64_t others;                         /* that there was no room for */
    char file[MCPZ_DATA_NAME_BYTES_MAX + 1]; /* of the first, and what is wrong with it */
    const char *what;
};

struct check {
    const struct mcpz_data_set *set;
    struct mcpz_data_report *report;
    uint8_t *chunk;
    struct mcpz_keyring *keyring; /* NULL: no keys are there, or they do not fit */
    struct mcpz_record_opener opener;
    struct bases bases;
    struct damages damages;
};

static mcpz_error say(struct check *check, mcpz_error error, const char *file, const char *what)
{
    if (check->report->trouble[0] == '\0') {
        (void)snprintf(check->report->trouble, sizeof(check->report->trouble), "%.200s: %.300s",
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

/* Were its blocks given back? Where somebody may just have done so its row is about to go. */
static bool is_hole(const uint8_t *head)
{
    static const uint8_t nothing[MCPZ_PACK_HEAD_BYTES];

    return memcmp(head, nothing, sizeof(nothing)) == 0;
}

static mcpz_error note_damage(struct check *check, const struct damaged *damaged, const char *file,
                              const char *what)
{
    struct damages *damages = &check->damages;

    if (damages->count == DAMAGED_MAX) {
        damages->others++;
        return MCPZ_OK;
    }
    if (damages->what == NULL) {
        (void)snprintf(damages->file, sizeof(damages->file), "%s", file);
        damages->what = what;
    }
    damages->rows[damages->count] = *damaged;
    damages->rows[damages->count++].at = damaged->id;
    return MCPZ_OK;
}

static mcpz_error check_chunk(struct check *check, const struct mcpz_id *id,
                              const struct mcpz_chunk_row *row)
{
    struct damaged damaged = {.id = *id};
    char name[MCPZ_DATA_NAME_BYTES_MAX + 1];
    uint8_t head[MCPZ_PACK_HEAD_BYTES];
    uint8_t digest[MCPZ_DIGEST_BYTES];

    (void)snprintf(name, sizeof(name), "blobs/pack-%08" PRIu32, row->place.pack);
    const struct mcpz_data_file *pack = mcpz_data_set_find(check->set, name);
    if (pack == NULL) {
        return note_damage(check, &damaged, name, "it is not there, and blobs lie in it");
    }
    const struct mcpz_pages *pages = &pack->pages;
    if (row->place.length > CHUNK_BYTES_MAX ||
        pages->read(pages->context, row->place.offset, head, sizeof(head)) != MCPZ_OK ||
        pages->read(pages->context, row->place.offset + sizeof(head), check->chunk,
                    row->place.length) != MCPZ_OK) {
        return note_damage(check, &damaged, name, "it is shorter than its contents");
    }
    damaged.is_hole = is_hole(head);
    if (damaged.is_hole) {
        return check->set->is_still
                   ? note_damage(check, &damaged, name, "a part of a blob is gone")
                   : MCPZ_OK;
    }
    mcpz_digest(MCPZ_DIGEST_SEALED, mcpz_bytes(check->chunk, row->place.length), digest);
    check->report->chunks++;
    return mcpz_pack_head_is_of(head, id, row->place.length) &&
                   memcmp(digest, row->sealed.bytes, sizeof(digest)) == 0
               ? MCPZ_OK
               : note_damage(check, &damaged, name, "a part of a blob is damaged");
}

static void note_lack(struct check *check, const struct mcpz_id *root)
{
    if (check->report->lacking++ == 0) {
        check->report->first_lacking = *root;
    }
}

static mcpz_error check_shelved(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct check *check = context;
    struct mcpz_shelved row;

    mcpz_error error = mcpz_shelf_parse(key, value, &row);
    if (error != MCPZ_OK) {
        return say(check, error, MCPZ_DATA_BLOBS, "a row is damaged");
    }
    if (row.kind == MCPZ_SHELVED_LACK) {
        note_lack(check, &row.id);
    }
    return row.kind == MCPZ_SHELVED_CHUNK ? check_chunk(check, &row.id, &row.chunk) : MCPZ_OK;
}

/* ---- Which blobs are damaged -------------------------------------------------------------- */

/* Look for what is over each of the damaged. Lists come under other lists one after the other. */
static mcpz_error climb(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct check *check = context;
    struct mcpz_shelved row;

    if (mcpz_shelf_parse(key, value, &row) != MCPZ_OK ||
        (row.kind != MCPZ_SHELVED_NEED && row.kind != MCPZ_SHELVED_HELD)) {
        return MCPZ_OK;
    }
    for (size_t i = 0; i < check->damages.count; i++) {
        struct damaged *damaged = &check->damages.rows[i];
        if (!mcpz_id_equal(&damaged->at, &row.id)) {
            continue;
        }
        damaged->is_held |= row.kind == MCPZ_SHELVED_HELD;
        if (row.kind == MCPZ_SHELVED_NEED) {
            damaged->over = row.parent;
        }
    }
    return MCPZ_OK;
}

/* Go up to the blobs that are held. */
static void find_blobs(struct check *check)
{
    const struct mcpz_check_visitor visitor = {.context = check, .record = climb};
    const struct mcpz_data_file *file = mcpz_data_set_find(check->set, MCPZ_DATA_BLOBS);
    bool is_higher = true;

    for (size_t level = 0; level <= MCPZ_MANIFEST_LEVELS_MAX && is_higher; level++) {
        struct mcpz_check_report report = {0};
        const char *fault = "";
        is_higher = false;
        if (mcpz_check_pages(&file->pages, &visitor, &report, &fault) != MCPZ_OK) {
            return; /* it was read a moment ago */
        }
        for (size_t i = 0; i < check->damages.count; i++) {
            struct damaged *damaged = &check->damages.rows[i];
            if (!damaged->is_held && !mcpz_id_is_zero(&damaged->over)) {
                damaged->at = damaged->over;
                damaged->over = (struct mcpz_id){{0}};
                is_higher = true;
            }
        }
    }
}

/* Room that was given back of what nobody holds is as it should be: its row was about to go. */
static bool is_fine(const struct damaged *damaged)
{
    return damaged->is_hole && !damaged->is_held;
}

static bool was_told(const struct damages *damages, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (damages->rows[i].is_held &&
            mcpz_id_equal(&damages->rows[i].at, &damages->rows[at].at)) {
            return true;
        }
    }
    return false;
}

/* Add the names of blobs that are damaged. */
static void name_blobs(const struct damages *damages, char *text, size_t size)
{
    size_t used = strlen(text);
    size_t told = 0;

    for (size_t i = 0; i < damages->count; i++) {
        const struct damaged *damaged = &damages->rows[i];
        char name[MCPZ_ID_TEXT_BYTES];
        if (!damaged->is_held || was_told(damages, i)) {
            continue;
        }
        if (told++ == TOLD_MAX) {
            (void)snprintf(text + used, size - used, ", and others");
            return;
        }
        mcpz_id_to_text(&damaged->at, 'b', name);
        used +=
            (size_t)snprintf(text + used, size - used, "%s %s", told == 1 ? ": of" : ",", name);
    }
}

static mcpz_error say_what_is_damaged(struct check *check)
{
    struct damages *damages = &check->damages;
    char text[TOLD_MAX * (MCPZ_ID_TEXT_BYTES + 2) + 128];
    size_t fine = 0;

    if (damages->count == 0) {
        return MCPZ_OK;
    }
    find_blobs(check);
    for (size_t i = 0; i < damages->count; i++) {
        fine += is_fine(&damages->rows[i]) ? 1 : 0;
    }
    if (fine == damages->count && damages->others == 0) {
        return MCPZ_OK;
    }
    (void)snprintf(text, sizeof(text), "%s", damages->what);
    name_blobs(damages, text, sizeof(text));
    return say(check, MCPZ_ECORRUPT, damages->file, text);
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
    if (error == MCPZ_OK) {
        error = say_what_is_damaged(&check);
    }
    mcpz_record_opener_finish(&check.opener);
    free(check.chunk);
    mcpz_keyring_close(check.keyring);
    return error;
}
