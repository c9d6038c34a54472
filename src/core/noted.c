#include "core/noted.h"

#include <assert.h>

bool mcpz_noted_holds(const struct mcpz_noted *rows, size_t count, mcpz_time now,
                      const struct mcpz_id *node)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].until_us > now && mcpz_id_equal(&rows[i].node, node)) {
            return true;
        }
    }
    return false;
}

void mcpz_noted_add(struct mcpz_noted *rows, size_t count, const struct mcpz_id *node,
                    mcpz_time until_us)
{
    struct mcpz_noted *row = &rows[0];

    assert(count > 0);
    for (size_t i = 0; i < count; i++) {
        if (mcpz_id_equal(&rows[i].node, node)) {
            row = &rows[i];
            break;
        }
        row = rows[i].until_us < row->until_us ? &rows[i] : row;
    }
    *row = (struct mcpz_noted){.node = *node, .until_us = until_us};
}
