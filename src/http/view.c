/* The state of a document as nested JSON: mcpz_document_show(). */

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crdt/escrow.h"
#include "core/crdt/list.h"
#include "core/crdt/shown.h"
#include "http/document.h"
#include "wire/reader.h"
#include "wire/value.h"

/* All that one path holds. */
struct leaf {
    struct mcpz_bytes path;        /* lasts as long as the turn */
    json_t *views[MCPZ_ENTRY_END]; /* by enum mcpz_entry_type; NULL: none of it */
    /* What was written to a register at the same time, the one that is shown among them. */
    json_t *concurrent[MCPZ_ENTRY_END];
};

struct view {
    const struct mcpz_store *store;
    const struct mcpz_id *document;
    struct mcpz_list *list; /* room for one */
    struct leaf *leaves;
    size_t count;
    size_t capacity;
    json_t *state;
    json_t *conflicts;
};

static const char *const type_words[MCPZ_ENTRY_END] = {
    [MCPZ_ENTRY_REGISTER] = "register", [MCPZ_ENTRY_SET] = "set",
    [MCPZ_ENTRY_COUNTER] = "counter",   [MCPZ_ENTRY_MULTI] = "multi",
    [MCPZ_ENTRY_FENCED] = "fenced",     [MCPZ_ENTRY_FLAG] = "flag",
    [MCPZ_ENTRY_BOUNDED] = "bounded",   [MCPZ_ENTRY_LIST] = "list",
    [MCPZ_ENTRY_MAP] = "object",
};

const char *mcpz_document_type_word(uint32_t type)
{
    return type < MCPZ_ENTRY_END && type_words[type] != NULL ? type_words[type] : "?";
}

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

/* Entries of one path and type: folded into what is shown. */
struct fold {
    uint32_t type; /* 0: nothing folded yet */
    struct mcpz_bytes path;
    struct mcpz_shown latest;  /* REGISTER, FENCED */
    int64_t sum;               /* COUNTER: stays at its end rather than wrap */
    struct mcpz_bytes *values; /* of all that hold one: room for MCPZ_ENTRIES_SHOWN_MAX */
    size_t value_count;
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

static void add_value(struct fold *fold, struct mcpz_bytes value)
{
    assert(fold->value_count < MCPZ_ENTRIES_SHOWN_MAX);
    fold->values[fold->value_count++] = value;
}

static mcpz_error fold_fenced(struct fold *fold, const struct mcpz_record_entry *entry)
{
    struct mcpz_bytes value;
    int64_t epoch;
    int64_t rank;

    if (!mcpz_shown_read_fence(entry->value, &epoch, &rank, &value)) {
        return MCPZ_ECORRUPT;
    }
    add_value(fold, value);
    mcpz_shown_consider(&fold->latest, entry->type, entry->hlc, &entry->dot, entry->value);
    return MCPZ_OK;
}

static mcpz_error fold_entry(struct fold *fold, const struct mcpz_record_entry *entry)
{
    if (fold->type == 0) {
        *fold = (struct fold){.type = entry->type, .path = entry->path, .values = fold->values};
    }
    switch (entry->type) {
    case MCPZ_ENTRY_REGISTER:
        add_value(fold, entry->value);
        mcpz_shown_consider(&fold->latest, entry->type, entry->hlc, &entry->dot, entry->value);
        return MCPZ_OK;
    case MCPZ_ENTRY_SET:
    case MCPZ_ENTRY_MULTI:
        add_value(fold, entry->value);
        return MCPZ_OK;
    case MCPZ_ENTRY_COUNTER:
        return add_to_sum(fold, entry->value);
    case MCPZ_ENTRY_FENCED:
        return fold_fenced(fold, entry);
    case MCPZ_ENTRY_FLAG:
    case MCPZ_ENTRY_BOUNDED:
    case MCPZ_ENTRY_LIST:
    case MCPZ_ENTRY_MAP:
        return MCPZ_OK; /* looked at as a whole */
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

static mcpz_error append_value(json_t *array, struct mcpz_bytes value)
{
    json_t *element = NULL;
    mcpz_error error = mcpz_value_to_json(value, &element);

    if (error == MCPZ_OK && json_array_append_new(array, element) != 0) {
        error = MCPZ_ENOMEM;
    }
    return error;
}

/* All values, in the order they were found in; `is_set`: sorted, each once. */
static mcpz_error show_values(struct fold *fold, bool is_set, json_t **json)
{
    json_t *array = json_array();

    if (array == NULL) {
        return MCPZ_ENOMEM;
    }
    if (is_set) {
        qsort(fold->values, fold->value_count, sizeof(*fold->values), compare_elements);
    }
    for (size_t i = 0; i < fold->value_count; i++) {
        if (is_set && i > 0 && mcpz_bytes_equal(fold->values[i - 1], fold->values[i])) {
            continue; /* added twice, concurrently */
        }
        mcpz_error error = append_value(array, fold->values[i]);
        if (error != MCPZ_OK) {
            json_decref(array);
            return error;
        }
    }
    *json = array;
    return MCPZ_OK;
}

/* One value as it is; several, written at the same time, as {"$values": [...]}. */
static mcpz_error show_multi(struct fold *fold, json_t **json)
{
    json_t *array;

    if (fold->value_count == 1) {
        return mcpz_value_to_json(fold->values[0], json);
    }
    mcpz_error error = show_values(fold, false, &array);
    if (error != MCPZ_OK) {
        return error;
    }
    *json = json_pack("{s:o}", "$values", array);
    return *json != NULL ? MCPZ_OK : MCPZ_ENOMEM;
}

static mcpz_error show_bounded(const struct view *view, const struct fold *fold, json_t **json)
{
    int64_t value;
    mcpz_error error = mcpz_escrow_value(view->store, view->document, fold->path, &value);

    if (error != MCPZ_OK) {
        return error;
    }
    *json = json_integer(value);
    return *json != NULL ? MCPZ_OK : MCPZ_ENOMEM;
}

/* Concurrent writers may have made it longer than a list may be: then its first elements. */
static mcpz_error show_list(const struct view *view, const struct fold *fold, json_t **json)
{
    json_t *array = json_array();
    mcpz_error error = mcpz_list_load(view->store, view->document, fold->path, view->list);

    if (array == NULL) {
        return MCPZ_ENOMEM;
    }
    error = error == MCPZ_EFULL ? MCPZ_OK : error;
    for (size_t i = 0; i < view->list->count && error == MCPZ_OK; i++) {
        error = append_value(array, view->list->items[i].value);
    }
    if (error != MCPZ_OK) {
        json_decref(array);
        return error;
    }
    *json = array;
    return MCPZ_OK;
}

static mcpz_error show_fold(const struct view *view, struct fold *fold, json_t **json)
{
    switch (fold->type) {
    case MCPZ_ENTRY_REGISTER:
    case MCPZ_ENTRY_FENCED:
        return mcpz_value_to_json(fold->latest.value, json);
    case MCPZ_ENTRY_SET:
        return show_values(fold, true, json);
    case MCPZ_ENTRY_MULTI:
        return show_multi(fold, json);
    case MCPZ_ENTRY_BOUNDED:
        return show_bounded(view, fold, json);
    case MCPZ_ENTRY_LIST:
        return show_list(view, fold, json);
    case MCPZ_ENTRY_FLAG:
        *json = json_true();
        return MCPZ_OK;
    case MCPZ_ENTRY_MAP:
        *json = json_object();
        return *json != NULL ? MCPZ_OK : MCPZ_ENOMEM;
    default:
        assert(fold->type == MCPZ_ENTRY_COUNTER);
        *json = json_integer(fold->sum);
        return *json != NULL ? MCPZ_OK : MCPZ_ENOMEM;
    }
}

static bool is_register(uint32_t type)
{
    return type == MCPZ_ENTRY_REGISTER || type == MCPZ_ENTRY_MULTI || type == MCPZ_ENTRY_FENCED;
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

static mcpz_error show_leaf(const struct view *view, struct fold *fold, struct leaf *leaf)
{
    mcpz_error error = show_fold(view, fold, &leaf->views[fold->type]);

    if (error == MCPZ_OK && is_register(fold->type) && fold->value_count > 1) {
        error = show_values(fold, false, &leaf->concurrent[fold->type]);
    }
    return error;
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
        error = show_leaf(view, fold, &view->leaves[view->count - 1]);
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
                         const struct mcpz_id *document, struct mcpz_bytes *values)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY, .entry = {.document = *document}};
    struct fold fold = {.values = values};
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

/* All that one path holds beside what is shown of it. `shown` is its type; MAP: an object. */
static mcpz_error add_conflict(struct view *view, const struct leaf *leaf, uint32_t shown)
{
    json_t *hidden = json_array();
    json_t *values = json_object();
    json_t *concurrent = json_object();
    bool failed = hidden == NULL || values == NULL || concurrent == NULL;

    for (uint32_t type = MCPZ_ENTRY_REGISTER; type < MCPZ_ENTRY_END && !failed; type++) {
        const char *word = type_words[type];
        if (leaf->views[type] != NULL && type != shown) {
            failed = json_array_append_new(hidden, json_string(word)) != 0 ||
                     json_object_set(values, word, leaf->views[type]) != 0;
        }
        if (leaf->concurrent[type] != NULL) {
            failed = failed || json_object_set(concurrent, word, leaf->concurrent[type]) != 0;
        }
    }
    json_t *conflict = failed ? NULL
                              : json_pack("{s:o, s:s, s:O}", "path", mcpz_path_to_json(leaf->path),
                                          "shown", type_words[shown], "hidden", hidden);
    if (json_object_size(values) > 0) {
        failed = failed || json_object_set(conflict, "values", values) != 0;
    }
    if (json_object_size(concurrent) > 0) {
        failed = failed || json_object_set(conflict, "concurrent", concurrent) != 0;
    }
    json_decref(hidden);
    json_decref(values);
    json_decref(concurrent);
    if (failed) {
        json_decref(conflict);
        return MCPZ_ENOMEM;
    }
    return json_array_append_new(view->conflicts, conflict) == 0 ? MCPZ_OK : MCPZ_ENOMEM;
}

/* Is there more than what is shown? */
static bool is_contested(const struct leaf *leaf, uint32_t shown)
{
    for (uint32_t type = MCPZ_ENTRY_REGISTER; type < MCPZ_ENTRY_END; type++) {
        if ((leaf->views[type] != NULL && type != shown) || leaf->concurrent[type] != NULL) {
            return true;
        }
    }
    return false;
}

static mcpz_error place(struct view *view, const struct leaf *leaf)
{
    /* In this order, whatever their numbers. */
    static const uint32_t precedence[] = {
        MCPZ_ENTRY_REGISTER, MCPZ_ENTRY_FENCED,  MCPZ_ENTRY_MULTI,   MCPZ_ENTRY_SET,
        MCPZ_ENTRY_LIST,     MCPZ_ENTRY_COUNTER, MCPZ_ENTRY_BOUNDED, MCPZ_ENTRY_FLAG,
    };
    char number[MCPZ_PATH_NUMBER_CHARS];
    struct mcpz_bytes key = {0};
    uint32_t shown = MCPZ_ENTRY_MAP;

    json_t *parent = walk(view->state, leaf->path, false, number, &key);
    assert(json_is_object(parent)); /* prefixes were laid first, and are never replaced */
    if (json_object_getn(parent, (const char *)key.data, key.length) == NULL) {
        size_t at = 0;
        while (leaf->views[precedence[at]] == NULL) {
            at++;
            assert(at < sizeof(precedence) / sizeof(precedence[0]));
        }
        shown = precedence[at];
        if (json_object_setn(parent, (const char *)key.data, key.length, leaf->views[shown]) !=
            0) {
            return MCPZ_ENOMEM;
        }
    }
    return is_contested(leaf, shown) ? add_conflict(view, leaf, shown) : MCPZ_OK;
}

/* Prefixes first, so that an object is in place wherever a leaf would hide what is below it. */
static mcpz_error nest(struct view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        char number[MCPZ_PATH_NUMBER_CHARS];
        struct mcpz_bytes key;
        json_t *parent = walk(view->state, view->leaves[i].path, true, number, &key);
        if (parent == NULL ||
            (view->leaves[i].views[MCPZ_ENTRY_MAP] != NULL && step_down(parent, key) == NULL)) {
            return MCPZ_ENOMEM;
        }
    }
    for (size_t i = 0; i < view->count; i++) {
        /* The leaves stay with the view, which frees them; the analyser loses sight of that. */
        mcpz_error error = place(view, &view->leaves[i]); /* NOLINT(clang-analyzer-unix.Malloc) */
        if (error != MCPZ_OK) {
            return error;
        }
    }
    return MCPZ_OK;
}

static void free_leaves(struct view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        for (uint32_t type = 0; type < MCPZ_ENTRY_END; type++) {
            json_decref(view->leaves[i].views[type]);
            json_decref(view->leaves[i].concurrent[type]);
        }
    }
    free(view->leaves);
}

mcpz_error mcpz_document_show(const struct mcpz_store *store, const struct mcpz_id *document,
                              json_t **state, json_t **conflicts)
{
    struct mcpz_list *list = malloc(sizeof(*list));
    struct view view = {
        .store = store,
        .document = document,
        .list = list,
        .state = json_object(),
        .conflicts = json_array(),
    };
    struct mcpz_bytes *values = calloc(MCPZ_ENTRIES_SHOWN_MAX, sizeof(*values));
    mcpz_error error = MCPZ_ENOMEM;

    if (view.state != NULL && view.conflicts != NULL && values != NULL && list != NULL) {
        error = gather(&view, store, document, values);
    }
    if (error == MCPZ_OK) {
        error = nest(&view);
    }
    free(values);
    free(list);
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
