/*
 * An agent's document between JSON and what the store keeps: values, paths, state.
 *
 *   JSON            MessagePack             what JSON lacks
 *   null, bool      nil, bool
 *   integer         integer                 {"$uint": "18446744073709551615"} beyond 63 bits
 *   real            float, or integer where it has the value of one
 *   string          text
 *   array, object   array, map              {"$base64": "..."}: bin
 *
 * A path is "a.b.c", or, if it starts with "/", a JSON pointer (RFC 6901).
 */

#ifndef HTTP_DOCUMENT_H
#define HTTP_DOCUMENT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/limits.h"
#include "proto/record.h"
#include "proto/store.h"
#include "wire/reader.h"

struct mcpz_path {
    uint8_t bytes[MCPZ_PATH_BYTES_MAX];
    size_t length;
};

struct mcpz_value {
    uint8_t bytes[MCPZ_VALUE_BYTES_MAX];
    size_t length;
};

/**
 * Read a path people wrote.
 *
 * Errors: MCPZ_EPROTO  empty, an empty element, not UTF-8, a NUL, a "~" that is not "~0" or "~1"
 *         MCPZ_EAUTH   its first element starts with "$": reserved
 *         MCPZ_EFULL   more than MCPZ_PATH_DEPTH_MAX elements or MCPZ_PATH_BYTES_MAX bytes
 */
MCPZ_MUST_USE mcpz_error mcpz_path_from_text(struct mcpz_bytes text, struct mcpz_path *path);

/** A path to show: dots if that reads back the same, else a JSON pointer. NULL: out of memory. */
json_t *mcpz_path_to_json(struct mcpz_bytes path);

#define MCPZ_PATH_NUMBER_CHARS 24

/** An element's key in JSON: texts as they are, numbers as "[7]", written to `number`. */
struct mcpz_bytes mcpz_path_element_key(const struct mcpz_item *item, char *number);

/**
 * Write `json` in canonical MessagePack.
 *
 * Errors: MCPZ_EPROTO  "$base64", "$uint" or "$blob" without what it names, or nested too deep
 *         MCPZ_EFULL   over MCPZ_VALUE_BYTES_MAX
 *         MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_value_from_json(json_t *json, struct mcpz_value *value);

/**
 * Read a canonical value. `*json` is the caller's.
 *
 * Errors: MCPZ_ECORRUPT  it is not one; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_value_to_json(struct mcpz_bytes value, json_t **json);

/**
 * Show all live entries of `document` as nested objects.
 *
 * Registers show their latest value (core/crdt/shown.h), sets their elements in canonical order,
 * lists theirs in their own, counters their sum, and a register of several values {"$values":
 * [...]} if there are several. Where one path holds several types, or is both a leaf and a prefix
 * of others, the first of object, register, fenced, multi, set, list, counter, bounded, flag is
 * shown; `*conflicts` (an array) names the others, with what they hold, and what was written to
 * one register at the same time. What lies below "$..." is left out. Within a turn; both results
 * are the caller's.
 *
 * Errors: MCPZ_ECORRUPT  an entry cannot be read, or there are more than MCPZ_ENTRIES_SHOWN_MAX
 *         MCPZ_EIO       the store failed
 *         MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_document_show(const struct mcpz_store *store,
                                            const struct mcpz_id *document, json_t **state,
                                            json_t **conflicts);

/** The word for a type of entries, "?" for one we do not know. */
const char *mcpz_document_type_word(uint32_t type);

/* Concurrent writers may together pass MCPZ_ENTRIES_MAX; by so much at most. */
#define MCPZ_ENTRIES_SHOWN_MAX (2 * MCPZ_ENTRIES_MAX)

#endif
