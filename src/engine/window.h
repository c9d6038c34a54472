/*
 * The entries of one document in canonical order, where the disk does not have them so.
 *
 * On the disk a path is a token, so that nobody reads it, and entries lie in the order of tokens.
 * Who walks a document is to meet them in the order of their paths: so they are opened and
 * gathered here, the MCPZ_WINDOW_ROWS smallest from where the walk is, and sorted. What is put and
 * removed meanwhile is put and removed here too. Keys and values lie in the turn's memory; whoever
 * owns that says when they are gone. A document that holds more, which only merging can bring
 * about, is gathered again for every so many.
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

#define MCPZ_WINDOW_ROWS MCPZ_ENTRIES_MAX
#define MCPZ_WINDOW_HEAD_BYTES (1 + MCPZ_ID_BYTES) /* of a key: kind, document */
#define MCPZ_WINDOW_KEY_BYTES (MCPZ_KEY_BYTES_MAX - MCPZ_WINDOW_HEAD_BYTES)

/* An entry as it was before it was sealed; borrowed. */
struct mcpz_window_entry {
    struct mcpz_bytes key; /* the whole of it */
    struct mcpz_bytes value;
};

struct mcpz_window_row {
    uint64_t front; /* the first bytes behind the head, as a number: spares most looks at keys */
    struct mcpz_window_entry entry;
    bool is_gone; /* removed since */
};

/* Zeroed, it shows nothing. */
struct mcpz_window {
    struct mcpz_window_row *rows; /* NULL: nothing was ever gathered */
    size_t count;
    bool is_heap; /* while they are gathered, and are too many: the largest is the first */
    bool is_valid;
    bool is_whole; /* there are no more behind the last */
    struct mcpz_id document;
    size_t from_length; /* what is before it was not gathered; behind the head */
    uint8_t from[MCPZ_WINDOW_KEY_BYTES];
};

/**
 * Begin to gather entries of `document`, from `from` on: what stands behind the head of a key, at
 * most MCPZ_WINDOW_KEY_BYTES (asserted). Errors: MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_window_begin(struct mcpz_window *window,
                                           const struct mcpz_id *document, struct mcpz_bytes from);

/** Take in one more, in whatever order; one that is before `from` is left out. */
void mcpz_window_offer(struct mcpz_window *window, const struct mcpz_window_entry *entry);

/** All were offered. */
void mcpz_window_end(struct mcpz_window *window);

/** Was what follows `key` (behind the head) in `document` gathered, as far as it holds? */
bool mcpz_window_shows(const struct mcpz_window *window, const struct mcpz_id *document,
                       struct mcpz_bytes key);

/**
 * The first that is there and not before `key` (behind the head), or behind it without
 * `inclusive`. NULL: none, as far as it holds.
 */
const struct mcpz_window_entry *mcpz_window_seek(const struct mcpz_window *window,
                                                 struct mcpz_bytes key, bool inclusive);

/** Is an entry of `document` of any interest here? */
static inline bool mcpz_window_is_of(const struct mcpz_window *window,
                                     const struct mcpz_id *document)
{
    return window->is_valid && mcpz_id_equal(&window->document, document);
}

/** It was put: of a document that mcpz_window_is_of(). */
void mcpz_window_put(struct mcpz_window *window, const struct mcpz_window_entry *entry);

/** The entry with this key (the whole of it) was removed, as above. */
void mcpz_window_remove(struct mcpz_window *window, struct mcpz_bytes key);

/** Show nothing until it is gathered again. */
void mcpz_window_forget(struct mcpz_window *window);

void mcpz_window_finish(struct mcpz_window *window);

#endif
