#include "engine/window.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* What stands behind the head of a key, where entries of one document differ. */
static struct mcpz_bytes tail_of(struct mcpz_bytes key)
{
    assert(key.length >= MCPZ_WINDOW_HEAD_BYTES);
    return mcpz_bytes(key.data + MCPZ_WINDOW_HEAD_BYTES, key.length - MCPZ_WINDOW_HEAD_BYTES);
}

static uint64_t front_of(struct mcpz_bytes tail)
{
    uint64_t front = 0;

    if (tail.length > 0) {
        memcpy(&front, tail.data, tail.length < sizeof(front) ? tail.length : sizeof(front));
    }
    return be64toh(front);
}

static struct mcpz_window_row row_of(const struct mcpz_window_entry *entry)
{
    return (struct mcpz_window_row){.front = front_of(tail_of(entry->key)), .entry = *entry};
}

static int compare_tail(const struct mcpz_window_row *row, uint64_t front, struct mcpz_bytes tail)
{
    if (row->front != front) {
        return row->front < front ? -1 : 1;
    }
    return mcpz_bytes_compare(tail_of(row->entry.key), tail);
}

static int compare(const void *left, const void *right)
{
    const struct mcpz_window_row *b = right;

    return compare_tail(left, b->front, tail_of(b->entry.key));
}

static struct mcpz_bytes beginning(const struct mcpz_window *window)
{
    return mcpz_bytes(window->from, window->from_length);
}

/* ---- Gathering ------------------------------------------------------------------------------ */

mcpz_error mcpz_window_begin(struct mcpz_window *window, const struct mcpz_id *document,
                             struct mcpz_bytes from)
{
    assert(from.length <= MCPZ_WINDOW_KEY_BYTES);

    window->is_valid = false;
    if (window->rows == NULL) {
        window->rows = malloc(MCPZ_WINDOW_ROWS * sizeof(*window->rows));
        if (window->rows == NULL) {
            return MCPZ_ENOMEM;
        }
    }
    window->document = *document;
    window->from_length = from.length;
    if (from.length > 0) {
        memcpy(window->from, from.data, from.length);
    }
    window->count = 0;
    window->is_heap = false;
    window->is_whole = true;
    return MCPZ_OK;
}

static void sift_down(struct mcpz_window *window, size_t at)
{
    for (size_t child = 2 * at + 1; child < window->count; child = 2 * at + 1) {
        if (child + 1 < window->count &&
            compare(&window->rows[child], &window->rows[child + 1]) < 0) {
            child++;
        }
        if (compare(&window->rows[at], &window->rows[child]) >= 0) {
            return;
        }
        const struct mcpz_window_row kept = window->rows[at];
        window->rows[at] = window->rows[child];
        window->rows[child] = kept;
        at = child;
    }
}

/* There are more than it holds: from now on the largest goes. */
static void make_heap(struct mcpz_window *window)
{
    if (!window->is_heap) {
        for (size_t at = window->count / 2; at > 0; at--) {
            sift_down(window, at - 1);
        }
    }
    window->is_heap = true;
    window->is_whole = false;
}

void mcpz_window_offer(struct mcpz_window *window, const struct mcpz_window_entry *entry)
{
    const struct mcpz_window_row row = row_of(entry);

    if (mcpz_bytes_compare(tail_of(entry->key), beginning(window)) < 0) {
        return;
    }
    if (window->count < MCPZ_WINDOW_ROWS) {
        window->rows[window->count++] = row;
        return;
    }
    make_heap(window);
    if (compare(&row, &window->rows[0]) < 0) {
        window->rows[0] = row;
        sift_down(window, 0);
    }
}

void mcpz_window_end(struct mcpz_window *window)
{
    qsort(window->rows, window->count, sizeof(*window->rows), compare);
    window->is_valid = true;
}

/* ---- Looking -------------------------------------------------------------------------------- */

bool mcpz_window_shows(const struct mcpz_window *window, const struct mcpz_id *document,
                       struct mcpz_bytes key)
{
    return mcpz_window_is_of(window, document) && mcpz_bytes_compare(key, beginning(window)) >= 0;
}

/* The first row that is not before `tail`. */
static size_t find(const struct mcpz_window *window, struct mcpz_bytes tail, bool *is_found)
{
    const uint64_t front = front_of(tail);
    size_t low = 0;
    size_t high = window->count;

    *is_found = false;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int order = compare_tail(&window->rows[middle], front, tail);
        if (order == 0) {
            *is_found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct mcpz_window_entry *mcpz_window_seek(const struct mcpz_window *window,
                                                 struct mcpz_bytes key, bool inclusive)
{
    bool is_found;
    size_t at = find(window, key, &is_found);

    at += is_found && !inclusive ? 1 : 0;
    while (at < window->count && window->rows[at].is_gone) {
        at++;
    }
    return at < window->count ? &window->rows[at].entry : NULL;
}

/* ---- What changes meanwhile ----------------------------------------------------------------- */

void mcpz_window_put(struct mcpz_window *window, const struct mcpz_window_entry *entry)
{
    const struct mcpz_window_row row = row_of(entry);
    bool is_found;
    const size_t at = find(window, tail_of(entry->key), &is_found);

    if (mcpz_bytes_compare(tail_of(entry->key), beginning(window)) < 0 ||
        (at == window->count && !window->is_whole)) {
        return; /* it does not show what is there */
    }
    if (is_found) {
        window->rows[at] = row;
    } else if (window->count == MCPZ_WINDOW_ROWS) {
        mcpz_window_forget(window);
    } else {
        memmove(&window->rows[at + 1], &window->rows[at],
                (window->count - at) * sizeof(window->rows[0]));
        window->rows[at] = row;
        window->count++;
    }
}

void mcpz_window_remove(struct mcpz_window *window, struct mcpz_bytes key)
{
    bool is_found;
    const size_t at = find(window, tail_of(key), &is_found);

    if (is_found) {
        window->rows[at].is_gone = true;
    }
}

void mcpz_window_forget(struct mcpz_window *window)
{
    window->is_valid = false;
}

void mcpz_window_finish(struct mcpz_window *window)
{
    free(window->rows);
    *window = (struct mcpz_window){0};
}
