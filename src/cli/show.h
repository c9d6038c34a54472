/* Answers of the node on standard output: as JSON, as fields, as tables. */

#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <jansson.h>
#include <stddef.h>

#include <mcpz/error.h>

#include "cli/exit.h"
#include "cli/table.h"

#define MCPZ_FIELD_BYTES 512

/** Print `json` and a line end: indented on a terminal, in one line otherwise. */
void mcpz_print_json(const json_t *json);

/** Print `json` indented. */
void mcpz_print_json_pretty(const json_t *json);

/** Print "key  value" for people; nothing if `value` is NULL. */
void mcpz_print_field(const char *key, const char *value);

/** The text at `key`; "-" if there is none, or it is empty. */
const char *mcpz_show_text(const json_t *object, const char *key);

/**
 * The text, number or yes/no at `key`, as text; NULL if it is null or not there. `room` has
 * MCPZ_FIELD_BYTES.
 */
const char *mcpz_json_field(const json_t *object, const char *key, char *room);

/** What people compare by eye: prefix and first letters of the id at `key`. `room` as above. */
const char *mcpz_json_short_id(const json_t *object, const char *key, char *room);

/* A list as a table. */
struct mcpz_listing {
    const char *const *headings;
    size_t column_count;
    mcpz_error (*add)(struct mcpz_table *table, const json_t *row); /* adds one row */
    const char *empty; /* said to standard error when the list is */
};

/** Print `array` as `listing` says. Tells why not. */
enum mcpz_exit mcpz_show_listing(const struct mcpz_listing *listing, const json_t *array);

#endif
