/*
 * The entries of one document in canonical order, where the disk does not have them so.
 *
 * On the disk a path is a token, so that nobody reads it, and entries lie in the order of tokens.
 * Who walks a document is to meet them in the order of their paths: so their keys are gathered
 * here, the MCPZ_WINDOW_KEYS smallest from where the walk is, and sorted. Only keys: an entry that
 * has gone meanwhile is not found any more when it is its turn. A document that holds more, which
 * only merging can bring about, is gathered again for every so many.
 */

#ifndef ENGINE_WINDOW_H
#define ENGINE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_WINDOW_KEYS MCPZ_ENTRIES_MAX
#define MCPZ_WINDOW_KEY_BYTES (MCPZ_KEY_BYTES_MAX - 1 - MCPZ_ID_BYTES) /* kind, document: not */

struct mcpz_window_key {
    uint16_t length;
    uint8_t bytes[MCPZ_WINDOW_KEY_BYTES]; /* what follows the document in the key */
};

/* Zeroed, it shows nothing. */
struct mcpz_window {
    struct mcpz_window_key *keys; /* NULL: nothing was ever gathered */
    uint16_t *order;              /* a heap while they are gathered, sorted afterwards */
    size_t count;
    bool is_valid;
    bool is_whole; /* there are no more behind the last */
    struct mcpz_id document;
    struct mcpz_window_key from; /* what is before it was not gathered */
};

/**
 * Begin to gather keys of `document`, from `from` on (at most MCPZ_WINDOW_KEY_BYTES, asserted).
 * Errors: MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_window_begin(struct mcpz_window *window,
                                           const struct mcpz_id *document, struct mcpz_bytes from);

/** Take in one more, in whatever order (as above); one that is before `from` is left out. */
void mcpz_window_offer(struct mcpz_window *window, struct mcpz_bytes key);

/** All were offered. */
void mcpz_window_end(struct mcpz_window *window);

/** Was what follows `key` in `document` gathered, as far as it holds? */
bool mcpz_window_shows(const struct mcpz_window *window, const struct mcpz_id *document,
                       struct mcpz_bytes key);

/** The first that is not before `key`, or behind it without `inclusive`; window->count: none. */
size_t mcpz_window_seek(const struct mcpz_window *window, struct mcpz_bytes key, bool inclusive);

/** The key at `index`, below window->count. */
struct mcpz_bytes mcpz_window_at(const struct mcpz_window *window, size_t index);

/** Show nothing until it is gathered again. */
void mcpz_window_forget(struct mcpz_window *window);

void mcpz_window_finish(struct mcpz_window *window);

#endif
