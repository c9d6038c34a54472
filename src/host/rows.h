/*
 * Lists of a configuration: on the heap, one row at a time.
 *
 * Each has its bound (MCPZ_PROVIDERS_MAX, MCPZ_RULES_MAX ...), which whoever adds to it looks at.
 * Most are empty in most nodes: tables of all that there may be were 200 KB of every node, and
 * hosting (embed/hosting.h) has two more of them.
 */

#ifndef HOST_ROWS_H
#define HOST_ROWS_H

#include <stddef.h>

#include "base/attr.h"

/**
 * Make room for one more row behind the `count` there are.
 *
 * Returns the rows, which may have moved; the new one is all zero. NULL: out of memory, and `rows`
 * is as it was. Release with free().
 */
MCPZ_MUST_USE void *mcpz_rows_grow(void *rows, size_t count, size_t row_bytes);

#endif
