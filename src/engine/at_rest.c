#include "engine/at_rest.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/identity.h"

#define ENTRY_HEAD_BYTES MCPZ_AT_REST_HEAD_BYTES
#define NAMES_HEAD_BYTES 2 /* their length, before what is sealed */

static_assert(MCPZ_RECORD_TOKEN_BYTES == MCPZ_SCHEMA_TOKEN_BYTES, "tokens");
static_assert(ENTRY_HEAD_BYTES + MCPZ_RECORD_TOKEN_BYTES + 47 <= MCPZ_KEY_BYTES_MAX, "a place");
static_assert(MCPZ_TENANT_KEY_ID_BYTES < MCPZ_RECORD_SEAL_BYTES, "the id stands first");

mcpz_error mcpz_at_rest_create(const struct mcpz_vault_port *port, struct mcpz_at_rest **rest)
{
    struct mcpz_at_rest *made = calloc(1, sizeof(*made));

    *rest = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_error error = mcpz_vault_init(&made->vault, port);
    if (error != MCPZ_OK) {
        free(made);
        return error;
    }
    *rest = made;
    return MCPZ_OK;
}

void mcpz_at_rest_destroy(struct mcpz_at_rest *rest)
{
    if (rest == NULL) {
        return;
    }
    mcpz_window_finish(&rest->window);
    mcpz_turn_memory_finish(&rest->memory);
    mcpz_vault_finish(&rest->vault);
    mcpz_wipe(rest->plain, sizeof(rest->plain));
    mcpz_wipe(rest->named, sizeof(rest->named));
    free(rest);
}

void mcpz_at_rest_end_turn(struct mcpz_at_rest *rest)
{
    mcpz_window_forget(&rest->window);
    mcpz_turn_memory_clear(&rest->memory);
}

/* ---- Whose it is ---------------------------------------------------------------------------- */

/* The last byte of an id is as good as any: those of the mesh's own documents begin alike. */
static struct mcpz_at_rest_document *slot_of(struct mcpz_at_rest *rest,
                                             const struct mcpz_id *document)
{
    return &rest->documents[document->bytes[MCPZ_ID_BYTES - 1] % MCPZ_AT_REST_DOCUMENTS];
}

static void remember(struct mcpz_at_rest *rest, const struct mcpz_id *document,
                     const uint8_t *key_id)
{
    struct mcpz_at_rest_document *slot = slot_of(rest, document);

    slot->is_known = true;
    slot->id = *document;
    memcpy(slot->key_id, key_id, sizeof(slot->key_id));
}

static void forget_documents(struct mcpz_at_rest *rest)
{
    memset(rest->documents, 0, sizeof(rest->documents));
}

static const struct mcpz_tenant_key *
key_of_document_row(struct mcpz_at_rest *rest, const struct mcpz_record_document *document)
{
    const struct mcpz_tenant_key *key = mcpz_vault_of(&rest->vault, document->tenant);
    uint8_t id[MCPZ_TENANT_KEY_ID_BYTES];

    mcpz_tenant_key_id(key, id);
    remember(rest, &document->id, id);
    return key;
}

/* The key that lies before what is sealed at the place of `record`; NULL: nothing is there. */
static const uint8_t *key_id_at(const struct mcpz_kv *kv, const struct mcpz_record *record)
{
    struct mcpz_bytes value;
    struct mcpz_key place;

    mcpz_schema_key(record, &place);
    return kv->get(kv->context, mcpz_bytes(place.bytes, place.length), &value) == MCPZ_OK &&
                   value.length >= MCPZ_RECORD_SEAL_BYTES
               ? value.data
               : NULL;
}

/* What hangs on a document is sealed as its record is. */
static const struct mcpz_tenant_key *key_of_document(struct mcpz_at_rest *rest,
                                                     const struct mcpz_kv *kv,
                                                     const struct mcpz_id *document)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                       .document = {.id = *document}};
    const struct mcpz_at_rest_document *slot = slot_of(rest, document);
    const struct mcpz_tenant_key *key;

    if (!slot->is_known || !mcpz_id_equal(&slot->id, document)) {
        const uint8_t *key_id = key_id_at(kv, &record);
        if (key_id == NULL) {
            return mcpz_vault_own(&rest->vault);
        }
        remember(rest, document, key_id);
    }
    return mcpz_vault_find(&rest->vault, slot->key_id, &key) == MCPZ_OK
               ? key
               : mcpz_vault_own(&rest->vault);
}

/* What belongs to a task is sealed as the task is. */
static const struct mcpz_tenant_key *
key_of_task(struct mcpz_at_rest *rest, const struct mcpz_kv *kv, const struct mcpz_task_id *id)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_TASK, .task = {.id = *id}};
    const struct mcpz_tenant_key *key = mcpz_vault_own(&rest->vault);
    const uint8_t *key_id = key_id_at(kv, &record);

    if (key_id != NULL && mcpz_vault_find(&rest->vault, key_id, &key) != MCPZ_OK) {
        key = mcpz_vault_own(&rest->vault);
    }
    return key;
}

/* The key that a record is sealed with; NULL: there is nothing in it to be sealed. */
static const struct mcpz_tenant_key *key_of(struct mcpz_at_rest *rest, const struct mcpz_kv *kv,
                                            const struct mcpz_record *record)
{
    switch (record->kind) {
    case MCPZ_RECORD_SELF:
    case MCPZ_RECORD_TOKEN:
    case MCPZ_RECORD_PEER:
    case MCPZ_RECORD_QUEUE:
    case MCPZ_RECORD_BATCH:
    case MCPZ_RECORD_AUTHOR:
    case MCPZ_RECORD_CHECKPOINT:
    case MCPZ_RECORD_LAYOUT:
    case MCPZ_RECORD_TRACKER:
    case MCPZ_RECORD_STAGED:
    case MCPZ_RECORD_SETTLED:
    case MCPZ_RECORD_REVOKED:
    case MCPZ_RECORD_HINT:
    case MCPZ_RECORD_FORK:
        return mcpz_vault_own(&rest->vault);
    case MCPZ_RECORD_DOCUMENT:
        return key_of_document_row(rest, &record->document);
    case MCPZ_RECORD_ENTRY:
        return key_of_document(rest, kv, &record->entry.document);
    case MCPZ_RECORD_DELTA:
        return key_of_document(rest, kv, &record->delta.delta.document);
    case MCPZ_RECORD_FLOOR:
        return key_of_document(rest, kv, &record->floor.document);
    case MCPZ_RECORD_BASE:
        return key_of_document(rest, kv, &record->base.document);
    case MCPZ_RECORD_STABLE:
        return key_of_document(rest, kv, &record->stable.document);
    case MCPZ_RECORD_TASK:
        return mcpz_vault_of(&rest->vault, record->task.body.tenant);
    case MCPZ_RECORD_TASK_STATE:
        return key_of_task(rest, kv, &record->task_state.id);
    case MCPZ_RECORD_TASK_RESULT:
        return key_of_task(rest, kv, &record->task_result.id);
    case MCPZ_RECORD_TASK_PLAN:
        return key_of_task(rest, kv, &record->task_plan.id);
    case MCPZ_RECORD_TASK_KEY:
        return mcpz_vault_of(&rest->vault, record->task_key.tenant);
    case MCPZ_RECORD_RUN:
        return mcpz_vault_of(&rest->vault, record->run.tenant);
    case MCPZ_RECORD_TASK_LISTED:
    case MCPZ_RECORD_CHANGE:
    case MCPZ_RECORD_CHANGES:
    case MCPZ_RECORD_CURSOR:
    case MCPZ_RECORD_BLOB_DOCUMENT:
    case MCPZ_RECORD_HORIZON:
        return NULL; /* ids and numbers, as they stand in other keys */
    case MCPZ_RECORD_KIND_END:
        break;
    }
    assert(false);
    return NULL;
}

static bool is_sealed(uint8_t kind)
{
    return kind != MCPZ_RECORD_TASK_LISTED && kind != MCPZ_RECORD_HORIZON &&
           (kind < MCPZ_RECORD_CHANGE || kind > MCPZ_RECORD_BLOB_DOCUMENT);
}

/* ---- Keys ----------------------------------------------------------------------------------- */

/* Of the key of `record`, which is `length` long. 0: it names nothing. */
static size_t names_length(const struct mcpz_record *record, size_t length)
{
    switch (record->kind) {
    case MCPZ_RECORD_ENTRY:
        return record->entry.path.length;
    case MCPZ_RECORD_TASK_KEY:
        return record->task_key.key.length > 0 ? length - 1 : 0;
    case MCPZ_RECORD_QUEUE:
        return record->queue.capability.length;
    case MCPZ_RECORD_RUN:
        return record->run.capability.length > 0 ? length - 1 : 0;
    default:
        return 0;
    }
}

/* The token of what stands before the end of the names. Most are asked for several times. */
static const uint8_t *token_of(struct mcpz_at_rest *rest, struct mcpz_bytes named)
{
    if (!mcpz_bytes_equal(named, mcpz_bytes(rest->named, rest->named_length))) {
        mcpz_tenant_key_token(mcpz_vault_own(&rest->vault), named.data[0], named, rest->token);
        memcpy(rest->named, named.data, named.length);
        rest->named_length = named.length;
    }
    return rest->token;
}

/*
 * Put a token in place of the `length` bytes of names at `at`. It is made of all that stands
 * before their end, so that equal paths of two documents look different.
 */
static void hide(struct mcpz_at_rest *rest, const struct mcpz_key *plain, size_t at, size_t length,
                 struct mcpz_key *place)
{
    const size_t tail = plain->length - at - length;

    memcpy(place->bytes, plain->bytes, at);
    memcpy(place->bytes + at, token_of(rest, mcpz_bytes(plain->bytes, at + length)),
           MCPZ_RECORD_TOKEN_BYTES);
    memcpy(place->bytes + at + MCPZ_RECORD_TOKEN_BYTES, plain->bytes + at + length, tail);
    place->length = at + MCPZ_RECORD_TOKEN_BYTES + tail;
}

void mcpz_at_rest_place(struct mcpz_at_rest *rest, const struct mcpz_record *record,
                        struct mcpz_key *place)
{
    const size_t at = mcpz_schema_names_at((uint8_t)record->kind);
    struct mcpz_key plain;

    mcpz_schema_key(record, at == 0 ? place : &plain);
    if (at == 0) {
        return;
    }
    const size_t length = names_length(record, plain.length);
    if (length > 0) {
        hide(rest, &plain, at, length, place);
    } else {
        memcpy(place->bytes, plain.bytes, at);
        place->length = at;
    }
}

void mcpz_at_rest_prefix(struct mcpz_at_rest *rest, const struct mcpz_record *record,
                         enum mcpz_scan scan, struct mcpz_key *prefix)
{
    if (scan == MCPZ_SCAN_PATH) {
        mcpz_at_rest_place(rest, record, prefix);
        assert(prefix->length > ENTRY_HEAD_BYTES + MCPZ_RECORD_TOKEN_BYTES);
        prefix->length = ENTRY_HEAD_BYTES + MCPZ_RECORD_TOKEN_BYTES;
    } else {
        mcpz_schema_prefix(record, scan, prefix);
    }
}

/* ---- Values --------------------------------------------------------------------------------- */

struct mcpz_bytes mcpz_at_rest_seal(struct mcpz_at_rest *rest, const struct mcpz_kv *kv,
                                    const struct mcpz_record *record, const struct mcpz_key *place,
                                    struct mcpz_bytes value)
{
    const struct mcpz_tenant_key *key = key_of(rest, kv, record);
    const size_t at = mcpz_schema_names_at((uint8_t)record->kind);
    struct mcpz_bytes plain = value;

    if (key == NULL) {
        return value;
    }
    if (at > 0) {
        struct mcpz_key whole;
        mcpz_schema_key(record, &whole);
        const size_t length = names_length(record, whole.length);
        assert(length > 0); /* it can be found again */
        rest->plain[0] = (uint8_t)(length >> 8);
        rest->plain[1] = (uint8_t)length;
        memcpy(rest->plain + NAMES_HEAD_BYTES, whole.bytes + at, length);
        memcpy(rest->plain + NAMES_HEAD_BYTES + length, value.data, value.length);
        plain = mcpz_bytes(rest->plain, NAMES_HEAD_BYTES + length + value.length);
    }
    mcpz_tenant_key_seal_record(key, mcpz_bytes(place->bytes, place->length), plain, rest->sealed);
    return mcpz_bytes(rest->sealed, MCPZ_RECORD_SEAL_BYTES + plain.length);
}

/* Take the names off what was opened, and put them back where the token is. */
static mcpz_error put_back(struct mcpz_bytes place, size_t at, struct mcpz_bytes plain,
                           uint8_t *key, struct mcpz_at_rest_opened *opened)
{
    const size_t head = at + MCPZ_RECORD_TOKEN_BYTES;

    if (plain.length < NAMES_HEAD_BYTES || place.length < head) {
        return MCPZ_ECORRUPT;
    }
    const size_t length = (size_t)plain.data[0] << 8 | plain.data[1];
    const size_t tail = place.length - head;
    if (length > plain.length - NAMES_HEAD_BYTES || at + length + tail > MCPZ_KEY_BYTES_MAX) {
        return MCPZ_ECORRUPT;
    }
    memcpy(key, place.data, at);
    memcpy(key + at, plain.data + NAMES_HEAD_BYTES, length);
    memcpy(key + at + length, place.data + head, tail);
    opened->key = mcpz_bytes(key, at + length + tail);
    opened->value = mcpz_bytes(plain.data + NAMES_HEAD_BYTES + length,
                               plain.length - NAMES_HEAD_BYTES - length);
    return MCPZ_OK;
}

/* Open into `plain`, which has room for what was sealed. */
static mcpz_error open_to(struct mcpz_at_rest *rest, struct mcpz_bytes place,
                          struct mcpz_bytes sealed, uint8_t *plain)
{
    const struct mcpz_tenant_key *key = NULL;

    if (sealed.length < MCPZ_RECORD_SEAL_BYTES) {
        return MCPZ_ECORRUPT;
    }
    mcpz_error error = mcpz_vault_find(&rest->vault, sealed.data, &key);
    if (error == MCPZ_OK) {
        error = mcpz_tenant_key_open_record(key, place, sealed, plain);
    }
    switch (error) {
    case MCPZ_OK:
        return MCPZ_OK;
    case MCPZ_EEXPIRED:
        return MCPZ_ENOTFOUND;
    default:
        return MCPZ_ECORRUPT;
    }
}

mcpz_error mcpz_at_rest_open(struct mcpz_at_rest *rest, struct mcpz_bytes place,
                             struct mcpz_bytes sealed, struct mcpz_at_rest_opened *opened)
{
    if (place.length == 0 || !is_sealed(place.data[0])) {
        *opened = (struct mcpz_at_rest_opened){.key = place, .value = sealed};
        return MCPZ_OK;
    }
    if (sealed.length > MCPZ_SEALED_BYTES_MAX) {
        return MCPZ_ECORRUPT;
    }
    const size_t at = mcpz_schema_names_at(place.data[0]);
    const size_t key_bytes = at > 0 ? MCPZ_KEY_BYTES_MAX : 0;
    uint8_t *room = mcpz_turn_memory_take(&rest->memory, key_bytes + sealed.length);
    if (room == NULL) {
        return MCPZ_EIO;
    }
    mcpz_error error = open_to(rest, place, sealed, room + key_bytes);
    if (error != MCPZ_OK) {
        return error;
    }
    const struct mcpz_bytes plain =
        mcpz_bytes(room + key_bytes, sealed.length - MCPZ_RECORD_SEAL_BYTES);
    if (at > 0) {
        return put_back(place, at, plain, room, opened);
    }
    *opened = (struct mcpz_at_rest_opened){.key = place, .value = plain};
    return MCPZ_OK;
}

/* ---- Entries in canonical order ------------------------------------------------------------- */

static bool is_entry_of(struct mcpz_bytes place, const uint8_t *head)
{
    return place.length >= ENTRY_HEAD_BYTES && memcmp(place.data, head, ENTRY_HEAD_BYTES) == 0;
}

/* Have the window take in one entry. */
static mcpz_error gather_one(struct mcpz_at_rest *rest, struct mcpz_bytes place,
                             struct mcpz_bytes sealed)
{
    struct mcpz_at_rest_opened opened;

    mcpz_error error = mcpz_at_rest_open(rest, place, sealed, &opened);
    if (error == MCPZ_OK) {
        mcpz_window_offer(&rest->window, &(struct mcpz_window_entry){opened.key, opened.value});
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error; /* shredded */
}

/* Fill the window with what lies in `document` from `from` on. */
static mcpz_error gather(struct mcpz_at_rest *rest, const struct mcpz_kv *kv,
                         const struct mcpz_id *document, struct mcpz_bytes from)
{
    uint8_t head[ENTRY_HEAD_BYTES] = {MCPZ_RECORD_ENTRY};
    struct mcpz_bytes at = mcpz_bytes(head, sizeof(head));
    struct mcpz_bytes sealed;
    bool inclusive = true;

    memcpy(head + 1, document->bytes, MCPZ_ID_BYTES);
    rest->window_begun = rest->memory.begun;
    mcpz_error error = mcpz_window_begin(&rest->window, document, from);
    while (error == MCPZ_OK) {
        error = kv->next(kv->context, at, inclusive, &at, &sealed);
        inclusive = false;
        if (error == MCPZ_OK && !is_entry_of(at, head)) {
            error = MCPZ_ENOTFOUND;
        }
        if (error == MCPZ_OK) {
            error = gather_one(rest, at, sealed);
        }
    }
    if (error != MCPZ_ENOTFOUND) {
        return error == MCPZ_ENOMEM ? MCPZ_EIO : error;
    }
    mcpz_window_end(&rest->window);
    return MCPZ_OK;
}

mcpz_error mcpz_at_rest_next_entry(struct mcpz_at_rest *rest, const struct mcpz_kv *kv,
                                   const struct mcpz_id *document, struct mcpz_bytes after,
                                   bool inclusive, struct mcpz_at_rest_opened *opened)
{
    struct mcpz_window *window = &rest->window;
    const struct mcpz_window_entry *entry = NULL;
    mcpz_error error = MCPZ_OK;

    if (!mcpz_window_shows(window, document, after) ||
        !mcpz_turn_memory_lasts(&rest->memory, rest->window_begun)) {
        error = gather(rest, kv, document, mcpz_bytes(NULL, 0));
    }
    if (error == MCPZ_OK) {
        entry = mcpz_window_seek(window, after, inclusive);
    }
    if (error == MCPZ_OK && entry == NULL && !window->is_whole) {
        error = gather(rest, kv, document, after);
        entry = error == MCPZ_OK ? mcpz_window_seek(window, after, inclusive) : NULL;
    }
    if (error != MCPZ_OK) {
        mcpz_window_forget(window);
        return error;
    }
    if (entry == NULL) {
        return MCPZ_ENOTFOUND;
    }
    *opened = (struct mcpz_at_rest_opened){.key = entry->key, .value = entry->value};
    return MCPZ_OK;
}

void mcpz_at_rest_on_put(struct mcpz_at_rest *rest, const struct mcpz_record *record,
                         struct mcpz_bytes value)
{
    struct mcpz_key key;

    if (record->kind != MCPZ_RECORD_ENTRY ||
        !mcpz_window_is_of(&rest->window, &record->entry.document)) {
        return;
    }
    mcpz_schema_key(record, &key);
    uint8_t *room = mcpz_turn_memory_take(&rest->memory, key.length + value.length);
    if (room == NULL) {
        mcpz_window_forget(&rest->window);
        return;
    }
    memcpy(room, key.bytes, key.length);
    memcpy(room + key.length, value.data, value.length);
    mcpz_window_put(&rest->window, &(struct mcpz_window_entry){
                                       .key = mcpz_bytes(room, key.length),
                                       .value = mcpz_bytes(room + key.length, value.length)});
}

void mcpz_at_rest_on_remove(struct mcpz_at_rest *rest, const struct mcpz_record *record)
{
    struct mcpz_key key;

    if (record->kind == MCPZ_RECORD_ENTRY &&
        mcpz_window_is_of(&rest->window, &record->entry.document)) {
        mcpz_schema_key(record, &key);
        mcpz_window_remove(&rest->window, mcpz_bytes(key.bytes, key.length));
    }
}

/* ---- Shredding ------------------------------------------------------------------------------ */

static bool is_ended(struct mcpz_at_rest *rest, struct mcpz_bytes sealed,
                     const struct mcpz_at_rest_end *end)
{
    const struct mcpz_tenant_key *key;

    if (sealed.length < MCPZ_RECORD_SEAL_BYTES) {
        return false;
    }
    mcpz_error error = mcpz_vault_find(&rest->vault, sealed.data, &key);
    return error == MCPZ_EEXPIRED ||
           (error == MCPZ_OK && mcpz_tenant_key_made_ms(key) <= end->at_ms &&
            mcpz_bytes_equal(mcpz_tenant_key_tenant(key), end->tenant));
}

bool mcpz_at_rest_next_ended(struct mcpz_at_rest *rest, const struct mcpz_kv *kv,
                             const struct mcpz_at_rest_end *end, bool inclusive,
                             struct mcpz_id *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *document}};
    struct mcpz_key place;
    struct mcpz_bytes at;
    struct mcpz_bytes sealed;

    mcpz_schema_key(&record, &place);
    at = mcpz_bytes(place.bytes, place.length);
    while (kv->next(kv->context, at, inclusive, &at, &sealed) == MCPZ_OK &&
           at.data[0] == MCPZ_RECORD_DOCUMENT) {
        inclusive = false;
        if (is_ended(rest, sealed, end) && mcpz_schema_parse(at, &record) == MCPZ_OK) {
            *document = record.document.id;
            return true;
        }
    }
    return false;
}

/* Is it the place in a list of a task that was sealed so? */
static bool lists_task_of(struct mcpz_at_rest *rest, const struct mcpz_kv *kv,
                          struct mcpz_bytes place, const struct mcpz_at_rest_end *end)
{
    struct mcpz_record listed;
    struct mcpz_bytes sealed;
    struct mcpz_key key;

    if (mcpz_schema_parse(place, &listed) != MCPZ_OK) {
        return false;
    }
    mcpz_schema_key(
        &(struct mcpz_record){.kind = MCPZ_RECORD_TASK, .task = {.id = listed.task_listed.id}},
        &key);
    return kv->get(kv->context, mcpz_bytes(key.bytes, key.length), &sealed) == MCPZ_OK &&
           is_ended(rest, sealed, end);
}

/* Remove what was sealed so; or, before that, what lists it. */
static size_t purge(struct mcpz_at_rest *rest, const struct mcpz_kv *kv,
                    const struct mcpz_at_rest_end *end, bool lists)
{
    struct mcpz_bytes place = mcpz_bytes(NULL, 0);
    struct mcpz_bytes value;
    size_t count = 0;

    while (kv->next(kv->context, place, false, &place, &value) == MCPZ_OK) {
        const bool goes = is_sealed(place.data[0]) ? !lists && is_ended(rest, value, end)
                                                   : lists && lists_task_of(rest, kv, place, end);
        if (goes) {
            kv->remove(kv->context, place);
            count++;
        }
    }
    return count;
}

size_t mcpz_at_rest_purge(struct mcpz_at_rest *rest, const struct mcpz_kv *kv,
                          const struct mcpz_at_rest_end *end)
{
    size_t count = purge(rest, kv, end, true);

    count += purge(rest, kv, end, false);
    mcpz_vault_forget(&rest->vault, end->tenant, end->at_ms);
    forget_documents(rest);
    mcpz_window_forget(&rest->window);
    return count;
}
