/*
 * Memory made zeros without writing to what is so already: a table that is laid out for many is
 * cleared page by page, and a page that nobody has ever written to stays one that costs nothing.
 */

#ifndef BASE_CLEAR_H
#define BASE_CLEAR_H

#include <stddef.h>

/** Make all of it zeros. */
void mcpz_clear(void *memory, size_t size);

#endif
