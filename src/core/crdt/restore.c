#include "core/crdt/restore.h"

#include <assert.h>

#include "base/siphash.h"
#include "core/crdt/edit.h"
#include "core/crdt/escrow.h"
#include "core/crdt/finder.h"
#include "core/crdt/list.h"
#include "core/crdt/number.h"
#include "core/crdt/paths.h"
#include "core/crdt/shown.h"

static const struct mcpz_outcome ok = {.code = MCPZ_CODE_OK, .text = ""};

#define SLOTS 8192 /* of a table that is never full */

static_assert(MCPZ_RESTORE_ELEMENTS_MAX < SLOTS, "there is always a free slot");
static_assert((SLOTS & (SLOTS - 1)) == 0, "a hash is cut by a mask");

/* Elements that were there then, by a hash that nobody can foresee. */
struct elements {
    struct mcpz_siphash_key key;
    uint64_t hashes[SLOTS]; /* 0: free */
    bool is_here[SLOTS];    /* it is there now, too */
    size_t count;
};

struct restore {
    struct mcpz_writer *writer;
    const struct mcpz_store *past;
    struct mcpz_draft draft;
    struct elements elements;
};

/* All entries of one type at one path: what is restored at a time. */
struct group {
    struct mcpz_bytes path;
    uint32_t type;
};

static struct mcpz_outcome failed(mcpz_error error)
{
    return error == MCPZ_OK || error == MCPZ_ENOTFOUND ? ok : mcpz_edit_store_failed();
}

/* ---- Looking ------------------------------------------------------------------------------ */

static struct mcpz_finder find(const struct restore *restore, const struct mcpz_store *store,
                               const struct group *group)
{
    const struct mcpz_finder_query query =
        mcpz_edit_query(restore->writer, group->path, group->type);
    struct mcpz_finder finder;

    mcpz_finder_init(&finder, store, &query);
    return finder;
}

/* The first entry of the group. MCPZ_ENOTFOUND: there is none. */
static mcpz_error find_first(const struct restore *restore, const struct mcpz_store *store,
                             const struct group *group, struct mcpz_record_entry *entry)
{
    struct mcpz_finder finder = find(restore, store, group);

    return mcpz_finder_next(&finder, entry);
}

static bool is_of(const struct group *group, const struct mcpz_record_entry *entry)
{
    return entry->type == group->type && mcpz_bytes_equal(entry->path, group->path);
}

static mcpz_error find_shown(const struct restore *restore, const struct mcpz_store *store,
                             const struct group *group, struct mcpz_shown *shown)
{
    return mcpz_shown_find(store, &restore->writer->document->id, group->path, group->type, shown);
}

/* ---- Writing ------------------------------------------------------------------------------ */

static mcpz_error put(struct restore *restore, const struct group *group, struct mcpz_bytes value)
{
    const struct mcpz_add add = {group->type, group->path, value};

    return mcpz_draft_add(&restore->draft, &add);
}

static mcpz_error take_out_all(struct restore *restore, const struct group *group)
{
    struct mcpz_finder finder = find(restore, restore->writer->store, group);
    struct mcpz_record_entry entry;
    mcpz_error error = mcpz_finder_next(&finder, &entry);

    while (error == MCPZ_OK) {
        error = mcpz_draft_remove(&restore->draft, &entry);
        if (error == MCPZ_OK) {
            error = mcpz_finder_next(&finder, &entry);
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

static mcpz_error put_all(struct restore *restore, const struct group *group)
{
    struct mcpz_finder finder = find(restore, restore->past, group);
    struct mcpz_record_entry entry;
    mcpz_error error = mcpz_finder_next(&finder, &entry);

    while (error == MCPZ_OK) {
        error = put(restore, group, entry.value);
        if (error == MCPZ_OK) {
            error = mcpz_finder_next(&finder, &entry);
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* One entry for all there are. */
static struct mcpz_outcome replace(struct restore *restore, const struct group *group,
                                   struct mcpz_bytes value)
{
    mcpz_error error = take_out_all(restore, group);

    return failed(error == MCPZ_OK ? put(restore, group, value) : error);
}

/* ---- Registers ---------------------------------------------------------------------------- */

static struct mcpz_outcome restore_register(struct restore *restore, const struct group *group)
{
    struct mcpz_shown then;
    struct mcpz_shown now;

    if (find_shown(restore, restore->past, group, &then) != MCPZ_OK ||
        find_shown(restore, restore->writer->store, group, &now) != MCPZ_OK || !then.is_there) {
        return mcpz_edit_store_failed();
    }
    if (now.is_there && mcpz_bytes_equal(then.value, now.value)) {
        return ok;
    }
    if (group->type == MCPZ_ENTRY_REGISTER) {
        return replace(restore, group, then.value);
    }
    const int64_t epoch = now.is_there && now.epoch > then.epoch ? now.epoch : then.epoch;
    const struct mcpz_parts parts = mcpz_shown_fence(epoch, then.rank, then.value);
    if (parts.is_full) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT,
                                "a fenced value has no room for the epoch there is by now");
    }
    return replace(restore, group, mcpz_parts_bytes(&parts));
}

/* Ranks are for the end of an agent: what is before it takes a new epoch to come back to. */
static struct mcpz_outcome restore_life(struct restore *restore)
{
    const struct group group = {mcpz_paths_life, MCPZ_ENTRY_FENCED};
    struct mcpz_shown then;
    struct mcpz_shown now;

    if (find_shown(restore, restore->past, &group, &then) != MCPZ_OK ||
        find_shown(restore, restore->writer->store, &group, &now) != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    if (!then.is_there || (now.is_there && mcpz_bytes_equal(then.value, now.value))) {
        return ok;
    }
    int64_t epoch = now.is_there && now.epoch > then.epoch ? now.epoch : then.epoch;
    if (now.is_there && then.rank < now.rank && __builtin_add_overflow(epoch, 1, &epoch)) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT, "its epochs are used up");
    }
    const struct mcpz_parts parts = mcpz_shown_fence(epoch, then.rank, then.value);
    assert(!parts.is_full); /* the words for it are short */
    return replace(restore, &group, mcpz_parts_bytes(&parts));
}

/* Are the same values there in the same order? */
static mcpz_error compare_values(const struct restore *restore, const struct group *group,
                                 bool *is_same)
{
    struct mcpz_finder old = find(restore, restore->past, group);
    struct mcpz_finder new = find(restore, restore->writer->store, group);
    struct mcpz_record_entry then;
    struct mcpz_record_entry now;
    mcpz_error old_error;
    mcpz_error new_error;

    do {
        old_error = mcpz_finder_next(&old, &then);
        new_error = mcpz_finder_next(&new, &now);
        *is_same = old_error == new_error &&
                   (old_error != MCPZ_OK || mcpz_bytes_equal(then.value, now.value));
    } while (*is_same && old_error == MCPZ_OK);
    if (old_error != MCPZ_OK && old_error != MCPZ_ENOTFOUND) {
        return old_error;
    }
    return new_error == MCPZ_ENOTFOUND ? MCPZ_OK : new_error;
}

static struct mcpz_outcome restore_values(struct restore *restore, const struct group *group)
{
    bool is_same;
    mcpz_error error = compare_values(restore, group, &is_same);

    if (error == MCPZ_OK && !is_same) {
        error = take_out_all(restore, group);
        error = error == MCPZ_OK ? put_all(restore, group) : error;
    }
    return failed(error);
}

/* Flags and empty maps: there, or not. */
static struct mcpz_outcome restore_mark(struct restore *restore, const struct group *group)
{
    struct mcpz_record_entry entry;
    mcpz_error error = find_first(restore, restore->writer->store, group, &entry);

    if (error == MCPZ_ENOTFOUND) {
        error = find_first(restore, restore->past, group, &entry);
        error = error == MCPZ_OK ? put(restore, group, entry.value) : error;
    }
    return failed(error);
}

/* ---- Elements ----------------------------------------------------------------------------- */

static void forget_elements(struct restore *restore)
{
    struct elements *elements = &restore->elements;

    elements->key.low = mcpz_rng_next(restore->writer->rng);
    elements->key.high = mcpz_rng_next(restore->writer->rng);
    elements->count = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        elements->hashes[i] = 0;
        elements->is_here[i] = false;
    }
}

/* Where an element is, or would be. */
static size_t slot_of(const struct elements *elements, struct mcpz_bytes value, uint64_t *hash)
{
    *hash = mcpz_siphash(elements->key, value);
    *hash = *hash != 0 ? *hash : 1;

    size_t slot = (size_t)*hash & (SLOTS - 1);
    while (elements->hashes[slot] != 0 && elements->hashes[slot] != *hash) {
        slot = (slot + 1) & (SLOTS - 1);
    }
    return slot;
}

/* False: there are too many. */
static bool note_element(struct elements *elements, struct mcpz_bytes value)
{
    uint64_t hash;
    const size_t slot = slot_of(elements, value, &hash);

    if (elements->hashes[slot] == 0) {
        if (elements->count == MCPZ_RESTORE_ELEMENTS_MAX) {
            return false;
        }
        elements->hashes[slot] = hash;
        elements->count++;
    }
    return true;
}

/* Take out what was not there, and note what was. */
static mcpz_error sift(struct restore *restore, const struct group *group)
{
    struct elements *elements = &restore->elements;
    struct mcpz_finder finder = find(restore, restore->writer->store, group);
    struct mcpz_record_entry entry;
    mcpz_error error;

    for (error = mcpz_finder_next(&finder, &entry); error == MCPZ_OK;
         error = mcpz_finder_next(&finder, &entry)) {
        uint64_t hash;
        const size_t slot = slot_of(elements, entry.value, &hash);
        if (elements->hashes[slot] == hash) {
            elements->is_here[slot] = true;
        } else {
            error = mcpz_draft_remove(&restore->draft, &entry);
            if (error != MCPZ_OK) {
                return error;
            }
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* Add an element that is not here. */
static mcpz_error put_element(struct restore *restore, const struct group *group,
                              struct mcpz_bytes value)
{
    struct elements *elements = &restore->elements;
    uint64_t hash;
    const size_t slot = slot_of(elements, value, &hash);

    if (elements->is_here[slot]) {
        return MCPZ_OK;
    }
    elements->is_here[slot] = true;
    return put(restore, group, value);
}

static struct mcpz_outcome restore_set(struct restore *restore, const struct group *group)
{
    struct mcpz_finder finder = find(restore, restore->past, group);
    struct mcpz_record_entry entry;
    mcpz_error error;

    forget_elements(restore);
    for (error = mcpz_finder_next(&finder, &entry); error == MCPZ_OK;
         error = mcpz_finder_next(&finder, &entry)) {
        if (!note_element(&restore->elements, entry.value)) {
            return mcpz_edit_refuse(MCPZ_CODE_LIMIT,
                                    "the set held too many elements (limit 6000)");
        }
    }
    error = error == MCPZ_ENOTFOUND ? sift(restore, group) : error;

    finder = find(restore, restore->past, group);
    while (error == MCPZ_OK) {
        error = mcpz_finder_next(&finder, &entry);
        error = error == MCPZ_OK ? put_element(restore, group, entry.value) : error;
    }
    return failed(error);
}

static_assert(MCPZ_RESTORE_ELEMENTS_MAX == 6000, "the text in restore_set() names it");

/* ---- Lists -------------------------------------------------------------------------------- */

/* Elements at the same place are in the order of their dots, which new entries do not keep. */
static bool shares_places(const struct mcpz_list *list)
{
    for (size_t i = 1; i < list->count; i++) {
        if (mcpz_bytes_equal(list->items[i - 1].key, list->items[i].key)) {
            return true;
        }
    }
    return false;
}

static bool is_same_list(const struct mcpz_list *then, const struct mcpz_list *now)
{
    bool is_same = then->count == now->count;

    for (size_t i = 0; i < then->count && is_same; i++) {
        is_same = then->items[i].id == now->items[i].id &&
                  mcpz_bytes_equal(then->items[i].value, now->items[i].value);
    }
    return is_same;
}

static struct mcpz_parts write_item(const struct mcpz_list_item *item)
{
    return mcpz_list_write_item(item->key, item->id, item->value);
}

static struct mcpz_outcome restore_items(struct restore *restore, const struct group *group,
                                         const struct mcpz_list *then)
{
    const bool all = shares_places(then);
    mcpz_error error;

    forget_elements(restore);
    for (size_t i = 0; i < then->count && !all; i++) {
        const struct mcpz_parts parts = write_item(&then->items[i]);
        const bool has_room = note_element(&restore->elements, mcpz_parts_bytes(&parts));
        assert(has_room);
    }
    error = sift(restore, group); /* where none was noted, all go */
    for (size_t i = 0; i < then->count && error == MCPZ_OK; i++) {
        const struct mcpz_parts parts = write_item(&then->items[i]);
        error = all ? put(restore, group, mcpz_parts_bytes(&parts))
                    : put_element(restore, group, mcpz_parts_bytes(&parts));
    }
    return failed(error);
}

static_assert(MCPZ_LIST_ITEMS_MAX <= MCPZ_RESTORE_ELEMENTS_MAX, "any list can be compared");
static_assert(MCPZ_LIST_ITEMS_MAX == 1024, "the text in restore_list() names it");

static struct mcpz_outcome restore_list(struct restore *restore, const struct group *group)
{
    const struct mcpz_id *document = &restore->writer->document->id;
    struct mcpz_list then;
    struct mcpz_list now;
    mcpz_error error = mcpz_list_load(restore->past, document, group->path, &then);

    if (error == MCPZ_EFULL) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT, "the list held too many elements (limit 1024)");
    }
    if (error == MCPZ_OK) {
        error = mcpz_list_load(restore->writer->store, document, group->path, &now);
    }
    if (error != MCPZ_OK && error != MCPZ_EFULL) {
        return mcpz_edit_store_failed();
    }
    if (error == MCPZ_OK && is_same_list(&then, &now)) {
        return ok;
    }
    return restore_items(restore, group, &then);
}

/* ---- Counters ----------------------------------------------------------------------------- */

/* What is counted, by `owner` alone if it is not NULL. It stops at the ends of 64 bits. */
static mcpz_error sum_up(const struct restore *restore, const struct mcpz_store *store,
                         const struct group *group, const struct mcpz_actor *owner, int64_t *sum)
{
    struct mcpz_finder_query query = mcpz_edit_query(restore->writer, group->path, group->type);
    struct mcpz_finder finder;
    struct mcpz_record_entry entry;
    mcpz_error error;

    *sum = 0;
    query.owner = owner;
    mcpz_finder_init(&finder, store, &query);
    for (error = mcpz_finder_next(&finder, &entry); error == MCPZ_OK;
         error = mcpz_finder_next(&finder, &entry)) {
        int64_t amount;
        if (!mcpz_number_decode(entry.value, &amount)) {
            return MCPZ_ECORRUPT;
        }
        if (__builtin_add_overflow(*sum, amount, sum)) {
            *sum = amount > 0 ? INT64_MAX : INT64_MIN;
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* One row for our own before it. */
static struct mcpz_outcome replace_own(struct restore *restore, const struct group *group,
                                       struct mcpz_bytes value)
{
    struct mcpz_finder_query query = mcpz_edit_query(restore->writer, group->path, group->type);
    struct mcpz_finder finder;
    struct mcpz_record_entry entry;
    mcpz_error error;

    query.owner = &restore->writer->actor;
    mcpz_finder_init(&finder, restore->writer->store, &query);
    for (error = mcpz_finder_next(&finder, &entry); error == MCPZ_OK;
         error = mcpz_finder_next(&finder, &entry)) {
        error = mcpz_draft_remove(&restore->draft, &entry);
        if (error != MCPZ_OK) {
            return mcpz_edit_store_failed();
        }
    }
    return failed(error == MCPZ_ENOTFOUND ? put(restore, group, value) : error);
}

static struct mcpz_outcome restore_counter(struct restore *restore, const struct group *group)
{
    const struct mcpz_store *store = restore->writer->store;
    uint8_t value[MCPZ_NUMBER_BYTES_MAX];
    struct mcpz_record_entry any;
    int64_t then;
    int64_t now;
    int64_t own;

    mcpz_error here = find_first(restore, store, group, &any);
    if ((here != MCPZ_OK && here != MCPZ_ENOTFOUND) ||
        sum_up(restore, restore->past, group, NULL, &then) != MCPZ_OK ||
        sum_up(restore, store, group, NULL, &now) != MCPZ_OK ||
        sum_up(restore, store, group, &restore->writer->actor, &own) != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    if (here == MCPZ_OK && then == now) {
        return ok;
    }
    int64_t difference;
    if (__builtin_sub_overflow(then, now, &difference) ||
        __builtin_add_overflow(own, difference, &own)) {
        return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST, "a counter would leave 64 bits");
    }
    const size_t length = mcpz_number_encode(own, value);
    return replace_own(restore, group, mcpz_bytes(value, length));
}

/* ---- Budgets ------------------------------------------------------------------------------ */

static struct mcpz_outcome put_row(struct restore *restore, const struct group *group,
                                   const struct mcpz_escrow_row *row)
{
    const struct mcpz_parts parts = mcpz_escrow_write(row);

    assert(!parts.is_full); /* escrow.c: any row fits */
    return replace_own(restore, group, mcpz_parts_bytes(&parts));
}

/* All rows go, and ours has it all. In two deltas: nobody replaces the rows of others by one. */
static struct mcpz_outcome begin_anew(struct restore *restore, const struct group *group,
                                      int64_t value)
{
    const struct mcpz_escrow_row row = {.granted = value};
    const struct mcpz_parts parts = mcpz_escrow_write(&row);
    mcpz_error error = mcpz_draft_flush(&restore->draft);

    error = error == MCPZ_OK ? take_out_all(restore, group) : error;
    error = error == MCPZ_OK ? mcpz_draft_flush(&restore->draft) : error;
    error = error == MCPZ_OK ? put(restore, group, mcpz_parts_bytes(&parts)) : error;
    return failed(error);
}

static struct mcpz_outcome restore_bounded(struct restore *restore, const struct group *group)
{
    const struct mcpz_store *store = restore->writer->store;
    const struct mcpz_id *document = &restore->writer->document->id;
    struct mcpz_escrow_row row;
    struct mcpz_record_entry any;
    int64_t then;
    int64_t now;

    mcpz_error here = find_first(restore, store, group, &any);
    if ((here != MCPZ_OK && here != MCPZ_ENOTFOUND) ||
        mcpz_escrow_value(restore->past, document, group->path, &then) != MCPZ_OK ||
        mcpz_escrow_value(store, document, group->path, &now) != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    if (here == MCPZ_OK && then == now) {
        return ok;
    }
    mcpz_error error =
        mcpz_escrow_own(store, document, group->path, &restore->writer->actor, &row);
    if (error == MCPZ_EFULL) {
        return begin_anew(restore, group, then);
    }
    if (error != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    if (then < now) {
        if (now - then > mcpz_escrow_rights(&row) ||
            __builtin_add_overflow(row.used, now - then, &row.used)) {
            return begin_anew(restore, group, then);
        }
    } else if (__builtin_add_overflow(row.granted, then - now, &row.granted) ||
               mcpz_escrow_rights(&row) < then - now) {
        return begin_anew(restore, group, then); /* its row would leave 64 bits */
    }
    return put_row(restore, group, &row);
}

/* ---- The document ------------------------------------------------------------------------- */

/* Make one group of the past be what it was. */
static struct mcpz_outcome restore_group(struct restore *restore, const struct group *group)
{
    switch ((enum mcpz_entry_type)group->type) {
    case MCPZ_ENTRY_REGISTER:
    case MCPZ_ENTRY_FENCED:
        return restore_register(restore, group);
    case MCPZ_ENTRY_MULTI:
        return restore_values(restore, group);
    case MCPZ_ENTRY_FLAG:
    case MCPZ_ENTRY_MAP:
        return restore_mark(restore, group);
    case MCPZ_ENTRY_SET:
        return restore_set(restore, group);
    case MCPZ_ENTRY_LIST:
        return restore_list(restore, group);
    case MCPZ_ENTRY_COUNTER:
        return restore_counter(restore, group);
    case MCPZ_ENTRY_BOUNDED:
        return restore_bounded(restore, group);
    case MCPZ_ENTRY_END:
        break;
    }
    return mcpz_edit_store_failed();
}

/* Walk what is in `store`, but for its name and its life, which are no people's. */
static struct mcpz_finder walk(const struct restore *restore, const struct mcpz_store *store)
{
    const struct mcpz_finder_query query = {.range = MCPZ_FIND_ALL,
                                            .document = restore->writer->document->id};
    struct mcpz_finder finder;

    mcpz_finder_init(&finder, store, &query);
    return finder;
}

static struct mcpz_outcome restore_groups(struct restore *restore)
{
    struct mcpz_finder finder = walk(restore, restore->past);
    struct group group = {.type = 0};
    struct mcpz_record_entry entry;
    mcpz_error error;

    for (error = mcpz_finder_next(&finder, &entry); error == MCPZ_OK;
         error = mcpz_finder_next(&finder, &entry)) {
        if (is_of(&group, &entry) || mcpz_bytes_equal(entry.path, mcpz_paths_life)) {
            continue;
        }
        group = (struct group){entry.path, entry.type};
        struct mcpz_outcome outcome = restore_group(restore, &group);
        if (outcome.code != MCPZ_CODE_OK) {
            return outcome;
        }
    }
    return failed(error);
}

/* What was not there in any form goes. Nothing is added meanwhile, so the walk is not upset. */
static struct mcpz_outcome take_out_groups(struct restore *restore)
{
    struct mcpz_finder finder = walk(restore, restore->writer->store);
    struct group group = {.type = 0};
    bool was_there = false;
    struct mcpz_record_entry entry;
    mcpz_error error = mcpz_draft_flush(&restore->draft);

    while (error == MCPZ_OK) {
        struct mcpz_record_entry any;
        error = mcpz_finder_next(&finder, &entry);
        if (error != MCPZ_OK) {
            break;
        }
        if (!is_of(&group, &entry)) {
            group = (struct group){entry.path, entry.type};
            error = find_first(restore, restore->past, &group, &any);
            was_there = error == MCPZ_OK || mcpz_bytes_equal(entry.path, mcpz_paths_life);
            error = error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
        }
        if (error == MCPZ_OK && !was_there) {
            error = mcpz_draft_remove(&restore->draft, &entry);
        }
    }
    error = error == MCPZ_ENOTFOUND ? mcpz_draft_flush(&restore->draft) : error;
    return failed(error);
}

static struct mcpz_outcome run(struct restore *restore, bool is_trial)
{
    mcpz_draft_init(&restore->draft, restore->writer, is_trial);

    struct mcpz_outcome outcome = restore_life(restore);
    if (outcome.code == MCPZ_CODE_OK) {
        outcome = restore_groups(restore);
    }
    if (outcome.code == MCPZ_CODE_OK) {
        outcome = take_out_groups(restore);
    }
    return outcome;
}

static struct mcpz_outcome check_limits(const struct mcpz_writer *writer)
{
    if (!mcpz_document_admits(writer->document, &writer->actor)) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT,
                                "too many nodes have written to this agent (limit 32)");
    }
    if (writer->document->deleted && !writer->has_room) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT,
                                "this node holds too many agents (limit 1000000)");
    }
    return ok;
}

static_assert(MCPZ_WRITERS_MAX == 32, "the text in check_limits() names it");
static_assert(MCPZ_AGENTS_MAX == 1000000, "the text in check_limits() names it");

struct mcpz_outcome mcpz_restore(struct mcpz_writer *writer, const struct mcpz_store *past)
{
    struct restore restore = {.writer = writer, .past = past};
    struct mcpz_document then;

    if (mcpz_document_load(past, &writer->document->id, &then) != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    if (!writer->document->exists || !mcpz_document_is_live(&then)) {
        return mcpz_edit_refuse(MCPZ_CODE_NOT_FOUND, "there was no such agent then");
    }
    struct mcpz_outcome outcome = check_limits(writer);
    if (outcome.code == MCPZ_CODE_OK) {
        outcome = run(&restore, true); /* all that can be refused is refused before */
    }
    if (outcome.code == MCPZ_CODE_OK && restore.draft.change_count > 0) {
        outcome = run(&restore, false);
        mcpz_draft_tell(&restore.draft);
    }
    return outcome;
}
