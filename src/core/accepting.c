#include "core/accepting.h"

#include <assert.h>

void mcpz_accepting_init(struct mcpz_accepting *accepting)
{
    accepting->first = 0;
    accepting->count = 0;
}

struct mcpz_accepting_row *mcpz_accepting_at(struct mcpz_accepting *accepting, size_t index)
{
    assert(index < accepting->count);
    return &accepting->rows[(accepting->first + index) % MCPZ_ACCEPTING_MAX];
}

bool mcpz_accepting_add(struct mcpz_accepting *accepting, const struct mcpz_accepting_row *row)
{
    assert(row->request != 0);

    if (accepting->count == MCPZ_ACCEPTING_MAX) {
        return false;
    }
    accepting->count++;
    *mcpz_accepting_at(accepting, accepting->count - 1) = *row;
    return true;
}

struct mcpz_accepting_row *mcpz_accepting_find(struct mcpz_accepting *accepting,
                                               const struct mcpz_task_id *id)
{
    for (size_t i = 0; i < accepting->count; i++) {
        struct mcpz_accepting_row *row = mcpz_accepting_at(accepting, i);
        if (row->request != 0 && mcpz_task_id_equal(&row->id, id)) {
            return row;
        }
    }
    return NULL;
}

void mcpz_accepting_remove(struct mcpz_accepting *accepting, struct mcpz_accepting_row *row)
{
    row->request = 0;
    while (accepting->count > 0 && accepting->rows[accepting->first].request == 0) {
        accepting->first = (accepting->first + 1) % MCPZ_ACCEPTING_MAX;
        accepting->count--;
    }
}

/* The oldest was asked for first. If it was asked for again, others wait up to as long more. */
mcpz_time mcpz_accepting_deadline(const struct mcpz_accepting *accepting)
{
    return accepting->count > 0 ? accepting->rows[accepting->first].ask_again_at_us
                                : MCPZ_TIME_NEVER;
}
