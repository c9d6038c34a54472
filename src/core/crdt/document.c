#include "core/crdt/document.h"

#include <assert.h>

#include "core/crdt/kinds.h"
#include "core/crdt/number.h"
#include "core/crdt/paths.h"
#include "core/crdt/shown.h"

mcpz_error mcpz_document_load(const struct mcpz_store *store, const struct mcpz_id *id,
                              struct mcpz_document *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *id}};
    *document = (struct mcpz_document){.id = *id};

    mcpz_error error = store->get(store->context, &record);
    if (error != MCPZ_OK) {
        return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
    }
    if (!mcpz_clock_is_valid(record.document.versions, record.document.version_count)) {
        return MCPZ_ECORRUPT;
    }
    document->exists = true;
    document->deleted = record.document.deleted;
    document->name = record.document.name;
    document->hlc = record.document.hlc;
    document->entry_count = record.document.entry_count;
    mcpz_clock_set(&document->clock, record.document.versions, record.document.version_count);
    return MCPZ_OK;
}

mcpz_error mcpz_document_find_delta(const struct mcpz_store *store, const struct mcpz_id *document,
                                    const struct mcpz_actor *actor, uint64_t seq,
                                    struct mcpz_record *record)
{
    *record = (struct mcpz_record){
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = *document, .actor = *actor, .seq = seq}},
    };
    return store->next(store->context, MCPZ_SCAN_SEQ, true, record);
}

/* ---- Validity ----------------------------------------------------------------------------- */

static bool add_is_valid(const struct mcpz_add *add)
{
    return mcpz_kinds_is_known(add->type) && mcpz_paths_is_valid(add->path) &&
           add->value.length <= MCPZ_VALUE_BYTES_MAX && mcpz_kinds_value_is_valid(add);
}

/* crdt 1.4, V6: nobody removes what they cannot have seen. */
static bool remove_is_valid(const struct mcpz_delta *delta, const struct mcpz_remove *removed)
{
    bool is_own = mcpz_actor_compare(&removed->dot.actor, &delta->actor) == 0;
    uint64_t seen =
        is_own ? delta->seq - 1
               : mcpz_clock_get(delta->versions, delta->version_count, &removed->dot.actor);

    return mcpz_kinds_is_known(removed->type) && mcpz_paths_is_valid(removed->path) &&
           removed->dot.seq >= 1 && removed->dot.seq <= seen &&
           removed->dot.index < MCPZ_DELTA_ADDS_MAX;
}

static bool dot_equal(const struct mcpz_dot *a, const struct mcpz_dot *b)
{
    return a->seq == b->seq && a->index == b->index &&
           mcpz_actor_compare(&a->actor, &b->actor) == 0;
}

/* Is the dot of the `index`-th remove named before it? */
static bool is_named_before(const struct mcpz_delta *delta, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (dot_equal(&delta->removes[i].dot, &delta->removes[index].dot)) {
            return true;
        }
    }
    return false;
}

bool mcpz_document_delta_is_valid(const struct mcpz_delta *delta)
{
    if (mcpz_id_is_zero(&delta->document) || delta->seq == 0 ||
        delta->add_count > MCPZ_DELTA_ADDS_MAX || delta->remove_count > MCPZ_DELTA_REMOVES_MAX ||
        !mcpz_clock_is_valid(delta->versions, delta->version_count)) {
        return false;
    }
    /* crdt 1.4, V4, V5: its own past is the chain that `prev` is the end of. */
    if (mcpz_head_is_zero(&delta->prev) != (delta->seq == 1) ||
        mcpz_clock_find(delta->versions, delta->version_count, &delta->actor) != NULL) {
        return false;
    }
    for (size_t i = 0; i < delta->add_count; i++) {
        if (!add_is_valid(&delta->adds[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        if (!remove_is_valid(delta, &delta->removes[i]) || is_named_before(delta, i)) {
            return false;
        }
    }
    return !mcpz_kinds_replaces_foreign(delta);
}

/* ---- What is shown of the reserved registers ---------------------------------------------- */

static bool is_removed(const struct mcpz_delta *delta, const struct mcpz_dot *dot)
{
    for (size_t i = 0; i < delta->remove_count; i++) {
        if (dot_equal(&delta->removes[i].dot, dot)) {
            return true;
        }
    }
    return false;
}

/* What the register of `type` at `path` will show once `delta` is applied. */
static mcpz_error find_shown(const struct mcpz_store *store, const struct mcpz_delta *delta,
                             struct mcpz_bytes path, uint32_t type, struct mcpz_shown *best)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = delta->document, .path = path, .type = type},
    };
    *best = (struct mcpz_shown){.is_there = false};

    mcpz_error error = store->next(store->context, MCPZ_SCAN_PATH, true, &record);
    while (error == MCPZ_OK && record.entry.type == type) {
        if (!is_removed(delta, &record.entry.dot)) {
            mcpz_shown_consider(best, type, record.entry.hlc, &record.entry.dot,
                                record.entry.value);
        }
        error = store->next(store->context, MCPZ_SCAN_PATH, false, &record);
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        return error;
    }

    for (size_t i = 0; i < delta->add_count; i++) {
        const struct mcpz_add *add = &delta->adds[i];
        if (add->type == type && mcpz_bytes_equal(add->path, path)) {
            struct mcpz_dot dot = {delta->actor, delta->seq, (uint32_t)i};
            mcpz_shown_consider(best, type, delta->hlc, &dot, add->value);
        }
    }
    return MCPZ_OK;
}

static bool touches(const struct mcpz_delta *delta, struct mcpz_bytes path)
{
    for (size_t i = 0; i < delta->add_count; i++) {
        if (mcpz_bytes_equal(delta->adds[i].path, path)) {
            return true;
        }
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        if (mcpz_bytes_equal(delta->removes[i].path, path)) {
            return true;
        }
    }
    return false;
}

static mcpz_error judge_life(const struct mcpz_store *store, const struct mcpz_delta *delta,
                             struct mcpz_document *document)
{
    struct mcpz_shown life;
    struct mcpz_bytes text;

    if (!touches(delta, mcpz_paths_life)) {
        return MCPZ_OK;
    }
    mcpz_error error = find_shown(store, delta, mcpz_paths_life, MCPZ_ENTRY_FENCED, &life);
    if (error != MCPZ_OK) {
        return error;
    }
    document->deleted = life.is_there && mcpz_number_text_decode(life.value, &text) &&
                        mcpz_bytes_equal(text, mcpz_text(MCPZ_LIFE_DELETED));
    return MCPZ_OK;
}

static mcpz_error judge_name(const struct mcpz_store *store, const struct mcpz_delta *delta,
                             struct mcpz_document *document)
{
    struct mcpz_shown id;
    struct mcpz_bytes text;

    if (!touches(delta, mcpz_paths_id)) {
        return MCPZ_OK;
    }
    mcpz_error error = find_shown(store, delta, mcpz_paths_id, MCPZ_ENTRY_REGISTER, &id);
    if (error != MCPZ_OK) {
        return error;
    }
    bool is_name = id.is_there && mcpz_number_text_decode(id.value, &text) &&
                   text.length <= MCPZ_AGENT_NAME_BYTES_MAX;
    document->name = is_name ? text : mcpz_bytes(NULL, 0);
    return MCPZ_OK;
}

/* ---- Applying: all that can fail comes before the first write ----------------------------- */

static struct mcpz_record entry_of_remove(const struct mcpz_delta *delta,
                                          const struct mcpz_remove *removed)
{
    return (struct mcpz_record){
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = delta->document,
                  .path = removed->path,
                  .type = removed->type,
                  .dot = removed->dot},
    };
}

/* How many of the entries that `delta` removes are there. */
static mcpz_error count_removed(const struct mcpz_store *store, const struct mcpz_delta *delta,
                                uint32_t *count)
{
    *count = 0;
    for (size_t i = 0; i < delta->remove_count; i++) {
        struct mcpz_record record = entry_of_remove(delta, &delta->removes[i]);
        mcpz_error error = store->get(store->context, &record);
        if (error == MCPZ_OK) {
            (*count)++;
        } else if (error != MCPZ_ENOTFOUND) {
            return error;
        }
    }
    return MCPZ_OK;
}

static void write_entries(const struct mcpz_store *store, const struct mcpz_delta *delta)
{
    for (size_t i = 0; i < delta->remove_count; i++) {
        struct mcpz_record record = entry_of_remove(delta, &delta->removes[i]);
        store->remove(store->context, &record);
    }
    for (size_t i = 0; i < delta->add_count; i++) {
        struct mcpz_record record = {
            .kind = MCPZ_RECORD_ENTRY,
            .entry = {.document = delta->document,
                      .path = delta->adds[i].path,
                      .type = delta->adds[i].type,
                      .dot = {delta->actor, delta->seq, (uint32_t)i},
                      .hlc = delta->hlc,
                      .value = delta->adds[i].value},
        };
        store->put(store->context, &record);
    }
}

void mcpz_document_store(const struct mcpz_store *store, const struct mcpz_document *document)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DOCUMENT,
        .document = {.id = document->id,
                     .name = document->name,
                     .deleted = document->deleted,
                     .hlc = document->hlc,
                     .entry_count = document->entry_count,
                     .versions = document->clock.versions,
                     .version_count = document->clock.count},
    };
    store->put(store->context, &record);
}

mcpz_error mcpz_document_apply(const struct mcpz_store *store, struct mcpz_document *document,
                               const struct mcpz_delta *delta)
{
    assert(mcpz_id_equal(&document->id, &delta->document));
    assert(mcpz_clock_covers(&document->clock, delta->versions, delta->version_count));
    assert(mcpz_clock_get(document->clock.versions, document->clock.count, &delta->actor) ==
           delta->seq - 1);

    struct mcpz_document after = *document;
    uint32_t removed_count;
    struct mcpz_id delta_id;

    store->delta_id(store->context, delta, &delta_id);
    const struct mcpz_version version = {delta->actor, delta->seq, mcpz_head_of(&delta_id)};
    if (!mcpz_clock_advance(&after.clock, &version)) {
        return MCPZ_EFULL;
    }
    mcpz_error error = count_removed(store, delta, &removed_count);
    if (error == MCPZ_OK) {
        error = judge_life(store, delta, &after);
    }
    if (error == MCPZ_OK) {
        error = judge_name(store, delta, &after);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (removed_count > document->entry_count) {
        return MCPZ_ECORRUPT;
    }

    after.exists = true;
    after.hlc = delta->hlc > after.hlc ? delta->hlc : after.hlc;
    after.entry_count += (uint32_t)delta->add_count;
    after.entry_count -= removed_count;

    write_entries(store, delta);
    mcpz_document_store(store, &after);
    store->put(store->context, &(struct mcpz_record){
                                   .kind = MCPZ_RECORD_DELTA,
                                   .delta = {.delta = *delta, .head = version.head},
                               });
    *document = after;
    return MCPZ_OK;
}
