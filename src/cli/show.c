#include "cli/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/id.h"

#define REAL_DIGITS_SHORT 15 /* enough for most numbers people wrote down themselves */
#define REAL_DIGITS_EXACT 17

/* Numbers as short as they can be without being others. */
static void dump(const json_t *json, size_t flags)
{
    flags |= JSON_ENCODE_ANY;
    char *text = json_dumps(json, flags | JSON_REAL_PRECISION(REAL_DIGITS_SHORT));
    json_t *again = text != NULL ? json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;

    if (again != NULL && json_equal(json, again) == 1) {
        (void)fputs(text, stdout);
    } else {
        (void)json_dumpf(json, stdout, flags | JSON_REAL_PRECISION(REAL_DIGITS_EXACT));
    }
    (void)fputc('\n', stdout);
    json_decref(again);
    free(text);
}

void mcpz_print_json(const json_t *json)
{
    dump(json, isatty(STDOUT_FILENO) == 1 ? JSON_INDENT(2) : JSON_COMPACT);
}

void mcpz_print_json_pretty(const json_t *json)
{
    dump(json, JSON_INDENT(2));
}

void mcpz_print_field(const char *key, const char *value)
{
    if (value != NULL) {
        (void)printf("%-13s ", key);
        mcpz_print_clean(stdout, value);
        (void)fputc('\n', stdout);
    }
}

const char *mcpz_show_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL && *text != '\0' ? text : "-";
}

const char *mcpz_json_field(const json_t *object, const char *key, char *room)
{
    const json_t *value = json_object_get(object, key);

    if (json_is_string(value)) {
        (void)snprintf(room, MCPZ_FIELD_BYTES, "%s", json_string_value(value));
    } else if (json_is_integer(value)) {
        (void)snprintf(room, MCPZ_FIELD_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        (void)snprintf(room, MCPZ_FIELD_BYTES, "%.3g", json_real_value(value));
    } else if (json_is_boolean(value)) {
        (void)snprintf(room, MCPZ_FIELD_BYTES, "%s", json_is_true(value) ? "yes" : "no");
    } else {
        return NULL;
    }
    return room;
}

const char *mcpz_json_short_id(const json_t *object, const char *key, char *room)
{
    (void)snprintf(room, MCPZ_FIELD_BYTES, "%.*s", 2 + MCPZ_ID_SHORT_CHARS,
                   mcpz_show_text(object, key));
    return room;
}

enum mcpz_exit mcpz_show_listing(const struct mcpz_listing *listing, const json_t *array)
{
    struct mcpz_table *table;
    size_t count = json_array_size(array);

    if (count == 0) {
        (void)fprintf(stderr, "%s\n", listing->empty);
        return MCPZ_EXIT_OK;
    }
    mcpz_error error = mcpz_table_create(listing->headings, listing->column_count, &table);
    for (size_t i = 0; error == MCPZ_OK && i < count; i++) {
        error = listing->add(table, json_array_get(array, i));
    }
    if (error == MCPZ_OK) {
        mcpz_table_print(table, stdout, mcpz_terminal_width(stdout),
                         mcpz_terminal_has_style(stdout));
    } else {
        (void)fprintf(stderr, "mcpz: %s\n", mcpz_strerror(error));
    }
    mcpz_table_destroy(table);
    return error == MCPZ_OK ? MCPZ_EXIT_OK : MCPZ_EXIT_FAILED;
}
