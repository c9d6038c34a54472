#include "host/rows.h"

#include <stdlib.h>
#include <string.h>

void *mcpz_rows_grow(void *rows, size_t count, size_t row_bytes)
{
    char *grown = reallocarray(rows, count + 1, row_bytes);

    if (grown != NULL) {
        memset(grown + count * row_bytes, 0, row_bytes);
    }
    return grown;
}
