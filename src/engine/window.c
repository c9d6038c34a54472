#include "engine/window.h"

#include <assert.h>
#include <stdlib.h>

static_assert(MCPZ_WINDOW_KEYS <= UINT16_MAX, "an index is two bytes");

struct mcpz_bytes mcpz_window_at(const struct mcpz_window *window, size_t index)
{
    assert(index < window->count);

    const struct mcpz_window_key *key = &window->keys[window->order[index]];
    return mcpz_bytes(key->bytes, key->length);
}

static void write_key(struct mcpz_window_key *to, struct mcpz_bytes key)
{
    assert(key.length <= sizeof(to->bytes));

    to->length = (uint16_t)key.length;
    if (key.length > 0) {
        memcpy(to->bytes, key.data, key.length);
    }
}

mcpz_error mcpz_window_begin(struct mcpz_window *window, const struct mcpz_id *document,
                             struct mcpz_bytes from)
{
    window->is_valid = false;
    if (window->keys == NULL) {
        window->keys = calloc(MCPZ_WINDOW_KEYS, sizeof(*window->keys));
        window->order = calloc(MCPZ_WINDOW_KEYS, sizeof(*window->order));
        if (window->keys == NULL || window->order == NULL) {
            mcpz_window_finish(window);
            return MCPZ_ENOMEM;
        }
    }
    window->document = *document;
    write_key(&window->from, from);
    window->count = 0;
    window->is_whole = true;
    return MCPZ_OK;
}

static bool is_less(const struct mcpz_window *window, size_t a, size_t b)
{
    return mcpz_bytes_compare(mcpz_window_at(window, a), mcpz_window_at(window, b)) < 0;
}

static void swap(struct mcpz_window *window, size_t a, size_t b)
{
    const uint16_t kept = window->order[a];

    window->order[a] = window->order[b];
    window->order[b] = kept;
}

/* The largest is at the root of the first `count`. */
static void sift_down(struct mcpz_window *window, size_t at, size_t count)
{
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_less(window, child, child + 1)) {
            child++;
        }
        if (!is_less(window, at, child)) {
            return;
        }
        swap(window, at, child);
        at = child;
    }
}

static void sift_up(struct mcpz_window *window, size_t at)
{
    while (at > 0 && is_less(window, (at - 1) / 2, at)) {
        swap(window, (at - 1) / 2, at);
        at = (at - 1) / 2;
    }
}

static struct mcpz_bytes beginning(const struct mcpz_window *window)
{
    return mcpz_bytes(window->from.bytes, window->from.length);
}

void mcpz_window_offer(struct mcpz_window *window, struct mcpz_bytes key)
{
    if (mcpz_bytes_compare(key, beginning(window)) < 0) {
        return;
    }
    if (window->count < MCPZ_WINDOW_KEYS) {
        const size_t at = window->count++;
        window->order[at] = (uint16_t)at;
        write_key(&window->keys[at], key);
        sift_up(window, at);
        return;
    }
    window->is_whole = false;
    if (mcpz_bytes_compare(key, mcpz_window_at(window, 0)) < 0) {
        write_key(&window->keys[window->order[0]], key);
        sift_down(window, 0, window->count);
    }
}

void mcpz_window_end(struct mcpz_window *window)
{
    for (size_t left = window->count; left > 1; left--) {
        swap(window, 0, left - 1);
        sift_down(window, 0, left - 1);
    }
    window->is_valid = true;
}

bool mcpz_window_shows(const struct mcpz_window *window, const struct mcpz_id *document,
                       struct mcpz_bytes key)
{
    return window->is_valid && mcpz_id_equal(&window->document, document) &&
           mcpz_bytes_compare(key, beginning(window)) >= 0;
}

size_t mcpz_window_seek(const struct mcpz_window *window, struct mcpz_bytes key, bool inclusive)
{
    size_t low = 0;
    size_t high = window->count;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int order = mcpz_bytes_compare(mcpz_window_at(window, middle), key);
        if (order < 0 || (order == 0 && !inclusive)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void mcpz_window_forget(struct mcpz_window *window)
{
    window->is_valid = false;
}

void mcpz_window_finish(struct mcpz_window *window)
{
    free(window->keys);
    free(window->order);
    *window = (struct mcpz_window){0};
}
