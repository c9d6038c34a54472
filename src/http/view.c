/* The state of a document as nested JSON: mcpz_document_show(). */

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/document.h"
#include "wire/reader.h"
#include "wire/value.h"

/* All that one path holds. */
struct leaf {
    struct mcpz_bytes path;                /* lasts as long as the turn */
    json_t *views[MCPZ_ENTRY_COUNTER + 1]; /* by enum mcpz_entry_type; NULL: none of it */
};

struct view {
    struct leaf *leaves;
    size_t count;
    size_t capacity;
    json_t *state;
    json_t *conflicts;
};

static const char *const type_words[] = {
    [MCPZ_ENTRY_REGISTER] = "register",
    [MCPZ_ENTRY_SET] = "set",
    [MCPZ_ENTRY_COUNTER] = "counter",
};

/* ---- Gathering the leaves ----------------------------------------------------------------- */

static bool is_hidden(struct mcpz_bytes path)
{
    struct mcpz_reader reader = mcpz_reader(path);
    struct mcpz_item head;
    struct mcpz_item first;

    if (mcpz_reader_next(&reader, &head) != MCPZ_OK ||
        mcpz_reader_next(&reader, &first) != MCPZ_OK) {
        return false;
    }
    return first.type == MCPZ_ITEM_TEXT && first.bytes.length > 0 && first.bytes.data[0] == '$';
}

static int compare_stamps(const struct mcpz_record_entry *a, const struct mcpz_record_entry *b)
{
    if (a->hlc != b->hlc) {
        return a->hlc < b->hlc ? -1 : 1;
    }
    int order = mcpz_actor_compare(&a->dot.actor, &b->dot.actor);
    if (order != 0) {
        return order;
    }
    if (a->dot.seq != b->dot.seq) {
        return a->dot.seq < b->dot.seq ? -1 : 1;
    }
    if (a->dot.index != b->dot.index) {
        return a->dot.index < b->dot.index ? -1 : 1;
    }
    return 0;
}

/* Entries of one path and type: folded into what is shown. */
struct fold {
    uint32_t type; /* 0: nothing folded yet */
    struct mcpz_bytes path;
    struct mcpz_record_entry latest; /* REGISTER */
    int64_t sum;                     /* COUNTER: stays at its end rather than wrap */
    struct mcpz_bytes *elements;     /* SET: room for MCPZ_ENTRIES_SHOWN_MAX */
    size_t element_count;
};

static mcpz_error add_to_sum(struct fold *fold, struct mcpz_bytes value)
{
    struct mcpz_reader reader = mcpz_reader(value);
    struct mcpz_item item;
    int64_t amount;

    if (mcpz_reader_next(&reader, &item) != MCPZ_OK || reader.left.length != 0) {
        return MCPZ_ECORRUPT;
    }
    if (item.type == MCPZ_ITEM_INT) {
        amount = item.sint;
    } else if (item.type == MCPZ_ITEM_UINT && item.uint <= INT64_MAX) {
        amount = (int64_t)item.uint;
    } else {
        return MCPZ_ECORRUPT;
    }
    if (__builtin_add_overflow(fold->sum, amount, &fold->sum)) {
        fold->sum = amount > 0 ? INT64_MAX : INT64_MIN;
    }
    return MCPZ_OK;
}

static mcpz_error fold_entry(struct fold *fold, const struct mcpz_record_entry *entry)
{
    if (fold->type == 0) {
        *fold = (struct fold){.type = entry->type,
                              .path = entry->path,
                              .latest = *entry,
                              .elements = fold->elements};
    }
    switch (entry->type) {
    case MCPZ_ENTRY_REGISTER:
        if (compare_stamps(&fold->latest, entry) < 0) {
            fold->latest = *entry;
        }
        return MCPZ_OK;
    case MCPZ_ENTRY_SET:
        assert(fold->element_count < MCPZ_ENTRIES_SHOWN_MAX);
        fold->elements[fold->element_count++] = entry->value;
        return MCPZ_OK;
    case MCPZ_ENTRY_COUNTER:
        return add_to_sum(fold, entry->value);
    default:
        return MCPZ_ECORRUPT;
    }
}

static int compare_elements(const void *a, const void *b)
{
    const struct mcpz_bytes *left = a;
    const struct mcpz_bytes *right = b;
    return mcpz_bytes_compare(*left, *right);
}

static mcpz_error show_set(struct fold *fold, json_t **json)
{
    json_t *array = json_array();

    if (array == NULL) {
        return MCPZ_ENOMEM;
    }
    qsort(fold->elements, fold->element_count, sizeof(*fold->elements), compare_elements);
    for (size_t i = 0; i < fold->element_count; i++) {
        json_t *element = NULL;
        if (i > 0 && mcpz_bytes_equal(fold->elements[i - 1], fold->elements[i])) {
            continue; /* added twice, concurrently */
        }
        mcpz_error error = mcpz_value_to_json(fold->elements[i], &element);
        if (error == MCPZ_OK && json_array_append_new(array, element) != 0) {
            error = MCPZ_ENOMEM;
        }
        if (error != MCPZ_OK) {
            json_decref(array);
            return error;
        }
    }
    *json = array;
    return MCPZ_OK;
}

static mcpz_error show_fold(struct fold *fold, json_t **json)
{
    switch (fold->type) {
    case MCPZ_ENTRY_REGISTER:
        return mcpz_value_to_json(fold->latest.value, json);
    case MCPZ_ENTRY_SET:
        return show_set(fold, json);
    default:
        assert(fold->type == MCPZ_ENTRY_COUNTER);
        *json = json_integer(fold->sum);
        return *json != NULL ? MCPZ_OK : MCPZ_ENOMEM;
    }
}

static mcpz_error add_leaf(struct view *view, struct mcpz_bytes path)
{
    if (view->count == view->capacity) {
        size_t capacity = view->capacity > 0 ? view->capacity * 2 : 64;
        struct leaf *leaves = realloc(view->leaves, capacity * sizeof(*leaves));
        if (leaves == NULL) {
            return MCPZ_ENOMEM;
        }
        view->leaves = leaves;
        view->capacity = capacity;
    }
    view->leaves[view->count++] = (struct leaf){.path = path};
    return MCPZ_OK;
}

/* Put what was folded with its leaf, which is the newest: paths come in order. */
static mcpz_error finish_fold(struct view *view, struct fold *fold)
{
    mcpz_error error = MCPZ_OK;

    if (fold->type == 0) {
        return MCPZ_OK;
    }
    if (view->count == 0 || !mcpz_bytes_equal(view->leaves[view->count - 1].path, fold->path)) {
        error = add_leaf(view, fold->path);
    }
    if (error == MCPZ_OK) {
        error = show_fold(fold, &view->leaves[view->count - 1].views[fold->type]);
    }
    fold->type = 0;
    return error;
}

static mcpz_error take_entry(struct view *view, struct fold *fold,
                             const struct mcpz_record_entry *entry)
{
    mcpz_error error = MCPZ_OK;

    if (mcpz_path_check(entry->path) != MCPZ_OK) {
        return MCPZ_ECORRUPT;
    }
    if (is_hidden(entry->path)) {
        return MCPZ_OK;
    }
    if (fold->type != entry->type || !mcpz_bytes_equal(fold->path, entry->path)) {
        error = finish_fold(view, fold);
    }
    return error != MCPZ_OK ? error : fold_entry(fold, entry);
}

static mcpz_error gather(struct view *view, const struct mcpz_store *store,
                         const struct mcpz_id *document, struct mcpz_bytes *elements)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY, .entry = {.document = *document}};
    struct fold fold = {.elements = elements};
    mcpz_error error = MCPZ_OK;
    bool inclusive = true;

    for (size_t i = 0; error == MCPZ_OK; i++) {
        error = store->next(store->context, MCPZ_SCAN_DOCUMENT, inclusive, &record);
        if (error == MCPZ_OK) {
            error = i < MCPZ_ENTRIES_SHOWN_MAX ? take_entry(view, &fold, &record.entry)
                                               : MCPZ_ECORRUPT;
        }
        inclusive = false;
    }
    return error == MCPZ_ENOTFOUND ? finish_fold(view, &fold) : error;
}

/* ---- Nesting them ------------------------------------------------------------------------- */

/* The object at one more step down, made if it is not there. Only prefixes are in the tree yet. */
static json_t *step_down(json_t *object, struct mcpz_bytes key)
{
    json_t *child = json_object_getn(object, (const char *)key.data, key.length);

    if (child == NULL) {
        child = json_object();
        if (json_object_setn_new(object, (const char *)key.data, key.length, child) != 0) {
            return NULL;
        }
    }
    return child;
}

/*
 * Walk to the object that holds the last element of `path`; `*key` is that element. With `make`,
 * make the objects on the way.
 */
static json_t *walk(json_t *state, struct mcpz_bytes path, bool make, char *number,
                    struct mcpz_bytes *key)
{
    struct mcpz_reader reader = mcpz_reader(path);
    struct mcpz_item head;
    json_t *object = state;

    if (mcpz_reader_next(&reader, &head) != MCPZ_OK) {
        return NULL;
    }
    for (uint32_t i = 0; i < head.count && object != NULL; i++) {
        struct mcpz_item item;
        if (mcpz_reader_next(&reader, &item) != MCPZ_OK) {
            return NULL;
        }
        *key = mcpz_path_element_key(&item, number);
        if (i + 1 < head.count) {
            object = make ? step_down(object, *key)
                          : json_object_getn(object, (const char *)key->data, key->length);
        }
    }
    return object;
}

static mcpz_error add_conflict(struct view *view, const struct leaf *leaf, const char *shown,
                               uint32_t shown_type)
{
    json_t *hidden = json_array();

    for (uint32_t type = MCPZ_ENTRY_REGISTER; type <= MCPZ_ENTRY_COUNTER; type++) {
        if (leaf->views[type] != NULL && type != shown_type &&
            json_array_append_new(hidden, json_string(type_words[type])) != 0) {
            json_decref(hidden);
            return MCPZ_ENOMEM;
        }
    }
    json_t *conflict = json_pack("{s:o, s:s, s:o}", "path", mcpz_path_to_json(leaf->path), "shown",
                                 shown, "hidden", hidden);
    return json_array_append_new(view->conflicts, conflict) == 0 ? MCPZ_OK : MCPZ_ENOMEM;
}

static mcpz_error place(struct view *view, const struct leaf *leaf)
{
    char number[MCPZ_PATH_NUMBER_CHARS];
    struct mcpz_bytes key = {0};
    uint32_t shown = MCPZ_ENTRY_REGISTER;

    json_t *parent = walk(view->state, leaf->path, false, number, &key);
    assert(json_is_object(parent)); /* prefixes were laid first, and are never replaced */
    if (json_object_getn(parent, (const char *)key.data, key.length) != NULL) {
        return add_conflict(view, leaf, "object", 0);
    }
    while (leaf->views[shown] == NULL) {
        shown++;
        assert(shown <= MCPZ_ENTRY_COUNTER);
    }
    if (json_object_setn(parent, (const char *)key.data, key.length, leaf->views[shown]) != 0) {
        return MCPZ_ENOMEM;
    }
    for (uint32_t type = shown + 1; type <= MCPZ_ENTRY_COUNTER; type++) {
        if (leaf->views[type] != NULL) {
            return add_conflict(view, leaf, type_words[shown], shown);
        }
    }
    return MCPZ_OK;
}

/* Prefixes first, so that an object is in place wherever a leaf would hide what is below it. */
static mcpz_error nest(struct view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        char number[MCPZ_PATH_NUMBER_CHARS];
        struct mcpz_bytes key;
        if (walk(view->state, view->leaves[i].path, true, number, &key) == NULL) {
            return MCPZ_ENOMEM;
        }
    }
    for (size_t i = 0; i < view->count; i++) {
        mcpz_error error = place(view, &view->leaves[i]);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    return MCPZ_OK;
}

static void free_leaves(struct view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        for (uint32_t type = 0; type <= MCPZ_ENTRY_COUNTER; type++) {
            json_decref(view->leaves[i].views[type]);
        }
    }
    free(view->leaves);
}

mcpz_error mcpz_document_show(const struct mcpz_store *store, const struct mcpz_id *document,
                              json_t **state, json_t **conflicts)
{
    struct view view = {.state = json_object(), .conflicts = json_array()};
    struct mcpz_bytes *elements = calloc(MCPZ_ENTRIES_SHOWN_MAX, sizeof(*elements));
    mcpz_error error = MCPZ_ENOMEM;

    if (view.state != NULL && view.conflicts != NULL && elements != NULL) {
        error = gather(&view, store, document, elements);
    }
    if (error == MCPZ_OK) {
        error = nest(&view);
    }
    free(elements);
    free_leaves(&view);
    if (error != MCPZ_OK) {
        json_decref(view.state);
        json_decref(view.conflicts);
        return error;
    }
    *state = view.state;
    *conflicts = view.conflicts;
    return MCPZ_OK;
}
