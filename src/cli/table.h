/*
 * A table on a terminal: columns as wide as they need, cut where the terminal ends.
 *
 * What is not ours to trust (names, messages of other nodes) is printed without control
 * characters: a peer must not steer somebody's terminal. Width is counted in code points; wide
 * and combining characters are counted as one.
 */

#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <mcpz/error.h>

#include "base/attr.h"

#define MCPZ_TABLE_COLUMNS_MAX 12
#define MCPZ_TABLE_ROWS_MAX 200000
#define MCPZ_TABLE_COLUMN_WIDTH_MIN 6 /* no column is cut below this, or its heading */

struct mcpz_table;

/**
 * Start with 1 to MCPZ_TABLE_COLUMNS_MAX columns. `headings` are borrowed for the table's life.
 *
 * Errors: MCPZ_ENOMEM; `*table` is then NULL
 */
MCPZ_MUST_USE mcpz_error mcpz_table_create(const char *const *headings, size_t column_count,
                                           struct mcpz_table **table);
void mcpz_table_destroy(struct mcpz_table *table);

/**
 * Append a row of as many cells as there are columns (copied; NULL is shown as "-").
 *
 * Errors: MCPZ_ENOMEM, MCPZ_EFULL  MCPZ_TABLE_ROWS_MAX are in
 */
MCPZ_MUST_USE mcpz_error mcpz_table_add(struct mcpz_table *table, const char *const *cells);

/** Print to `out`, no line longer than `width` if that can be had; 0: nothing is cut. */
void mcpz_table_print(const struct mcpz_table *table, FILE *out, size_t width, bool bold);

/** Columns of the terminal behind `out`; 0 if it is not one. */
size_t mcpz_terminal_width(FILE *out);

/** Are headings printed bold on `out`? Not with NO_COLOR, TERM=dumb, or no terminal. */
bool mcpz_terminal_has_style(FILE *out);

/** Print `text` with '?' for what is a control character, but for line ends and tabs. */
void mcpz_print_clean(FILE *out, const char *text);

#endif
