#include "core/crdt/list.h"

#include <assert.h>

#include "base/hash.h"
#include "core/crdt/shown.h"

#define DIGITS_MAX (MCPZ_LIST_KEY_BYTES_MAX / MCPZ_LIST_DIGIT_BYTES)
#define DIGIT_END (UINT64_C(1) << (8 * MCPZ_LIST_DIGIT_BYTES)) /* no digit is that great */
#define SPREAD_STEP (UINT64_C(1) << 21)

static_assert((MCPZ_LIST_ITEMS_MAX + 1) * SPREAD_STEP < DIGIT_END, "a whole list can be spread");
static_assert(MCPZ_LIST_KEY_BYTES_MAX % MCPZ_LIST_DIGIT_BYTES == 0, "whole digits");

/* ---- Keys --------------------------------------------------------------------------------- */

/* The digit at `level`; `beyond` where the key has ended. */
static uint64_t digit_at(struct mcpz_bytes key, size_t level, uint64_t beyond)
{
    uint64_t digit = 0;

    if ((level + 1) * MCPZ_LIST_DIGIT_BYTES > key.length) {
        return beyond;
    }
    for (size_t i = 0; i < MCPZ_LIST_DIGIT_BYTES; i++) {
        digit = digit << 8 | key.data[level * MCPZ_LIST_DIGIT_BYTES + i];
    }
    return digit;
}

static void put_digit(struct mcpz_list_key *key, uint64_t digit)
{
    for (size_t i = 0; i < MCPZ_LIST_DIGIT_BYTES; i++) {
        key->bytes[key->length++] = (uint8_t)(digit >> (8 * (MCPZ_LIST_DIGIT_BYTES - 1 - i)));
    }
}

/* Whole digits, the last of which is not 0: between two keys there is always another. */
static bool is_key(struct mcpz_bytes key)
{
    return key.length > 0 && key.length <= MCPZ_LIST_KEY_BYTES_MAX &&
           key.length % MCPZ_LIST_DIGIT_BYTES == 0 &&
           digit_at(key, key.length / MCPZ_LIST_DIGIT_BYTES - 1, 0) != 0;
}

/* A digit between two that are more than one apart, near to the one that is no end. */
static uint64_t choose_digit(uint64_t low, uint64_t high, bool from_above, struct mcpz_rng *rng)
{
    uint64_t room = high - low - 1;
    uint64_t stride = room < MCPZ_LIST_STRIDE ? room : MCPZ_LIST_STRIDE;
    uint64_t step = 1 + mcpz_rng_below(rng, (uint32_t)stride);

    return from_above ? high - step : low + step;
}

bool mcpz_list_key_between(struct mcpz_bytes before, struct mcpz_bytes after, struct mcpz_rng *rng,
                           struct mcpz_list_key *key)
{
    bool is_open = after.length == 0; /* whatever comes is before `after` */

    *key = (struct mcpz_list_key){.length = 0};
    if (before.length == 0 && is_open) {
        put_digit(key, DIGIT_END / 2 + mcpz_rng_below(rng, MCPZ_LIST_STRIDE));
        return true;
    }
    for (size_t level = 0; level < DIGITS_MAX; level++) {
        uint64_t low = digit_at(before, level, 0);
        uint64_t high = is_open ? DIGIT_END : digit_at(after, level, 0);
        if (high > low + 1) {
            put_digit(key, choose_digit(low, high, before.length == 0 && !is_open, rng));
            return true;
        }
        put_digit(key, low);
        is_open = is_open || high == low + 1;
    }
    return false;
}

struct mcpz_list_key mcpz_list_key_spread(size_t index)
{
    struct mcpz_list_key key = {.length = 0};

    assert(index < MCPZ_LIST_ITEMS_MAX);
    put_digit(&key, (index + 1) * SPREAD_STEP);
    return key;
}

/* ---- Elements ----------------------------------------------------------------------------- */

bool mcpz_list_read_item(struct mcpz_bytes bytes, struct mcpz_list_item *item)
{
    size_t count;

    if (!mcpz_parts_take_array(&bytes, &count) || count != 3 ||
        !mcpz_parts_take_bin(&bytes, &item->key) || !is_key(item->key) ||
        !mcpz_parts_take_number(&bytes, &item->id) || item->id <= 0 || bytes.length == 0) {
        return false;
    }
    item->value = bytes;
    return true;
}

struct mcpz_parts mcpz_list_write_item(struct mcpz_bytes key, int64_t id, struct mcpz_bytes value)
{
    struct mcpz_parts parts = {.length = 0};

    mcpz_parts_put_array(&parts, 3);
    mcpz_parts_put_bin(&parts, key);
    mcpz_parts_put_number(&parts, id);
    mcpz_parts_put_value(&parts, value);
    return parts;
}

int64_t mcpz_list_id(const struct mcpz_id *document, const struct mcpz_dot *dot)
{
    uint64_t hash = mcpz_hash_bytes(mcpz_bytes(document->bytes, MCPZ_ID_BYTES), dot->seq);

    hash = mcpz_hash_bytes(mcpz_bytes(dot->actor.node.bytes, MCPZ_ID_BYTES),
                           hash + mcpz_hash_mix(dot->actor.generation));
    hash = mcpz_hash_mix(hash + dot->index) & INT64_MAX;
    return hash > 0 ? (int64_t)hash : 1;
}

static int compare_by_id(const struct mcpz_list_item *a, const struct mcpz_list_item *b)
{
    if (a->id != b->id) {
        return a->id < b->id ? -1 : 1;
    }
    if (a->hlc != b->hlc) {
        return a->hlc < b->hlc ? -1 : 1;
    }
    return mcpz_shown_compare_dots(&a->dot, &b->dot);
}

static int compare_by_key(const struct mcpz_list_item *a, const struct mcpz_list_item *b)
{
    int order = mcpz_bytes_compare(a->key, b->key);
    return order != 0 ? order : mcpz_shown_compare_dots(&a->dot, &b->dot);
}

typedef int compare_items(const struct mcpz_list_item *a, const struct mcpz_list_item *b);

static void sift(struct mcpz_list *list, size_t at, size_t count, compare_items *compare)
{
    struct mcpz_list_item item = list->items[at];

    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && compare(&list->items[child], &list->items[child + 1]) < 0) {
            child++;
        }
        if (compare(&item, &list->items[child]) >= 0) {
            break;
        }
        list->items[at] = list->items[child];
        at = child;
    }
    list->items[at] = item;
}

/* Heap sort: in place, and no input makes it slow. */
static void sort(struct mcpz_list *list, compare_items *compare)
{
    for (size_t i = list->count / 2; i > 0; i--) {
        sift(list, i - 1, list->count, compare);
    }
    for (size_t end = list->count; end > 1; end--) {
        struct mcpz_list_item greatest = list->items[0];
        list->items[0] = list->items[end - 1];
        list->items[end - 1] = greatest;
        sift(list, 0, end - 1, compare);
    }
}

/* Of each id the latest stays. Sorted by id. */
static void keep_latest(struct mcpz_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        bool is_latest = i + 1 == list->count || list->items[i + 1].id != list->items[i].id;
        if (is_latest) {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
}

mcpz_error mcpz_list_load(const struct mcpz_store *store, const struct mcpz_id *document,
                          struct mcpz_bytes path, struct mcpz_list *list)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = *document, .path = path, .type = MCPZ_ENTRY_LIST},
    };
    bool is_over = false;

    list->count = 0;
    mcpz_error error = store->next(store->context, MCPZ_SCAN_PATH, false, &record);
    while (error == MCPZ_OK && record.entry.type == MCPZ_ENTRY_LIST && !is_over) {
        is_over = list->count == MCPZ_LIST_ITEMS_MAX;
        if (!is_over) {
            struct mcpz_list_item *item = &list->items[list->count++];
            *item = (struct mcpz_list_item){.hlc = record.entry.hlc, .dot = record.entry.dot};
            if (!mcpz_list_read_item(record.entry.value, item)) {
                return MCPZ_ECORRUPT;
            }
            error = store->next(store->context, MCPZ_SCAN_PATH, false, &record);
        }
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        return error;
    }
    sort(list, compare_by_id);
    keep_latest(list);
    sort(list, compare_by_key);
    return is_over ? MCPZ_EFULL : MCPZ_OK;
}
