#include "core/accepting.h"

#include <assert.h>

void mcpz_accepting_init(struct mcpz_accepting *accepting)
{
    accepting->first = 0;
    accepting->count = 0;
    accepting->bytes = 0;
    accepting->look_at_us = MCPZ_TIME_NEVER;
    accepting->also_count = 0;
    memset(accepting->also, 0, sizeof(accepting->also));
}

struct mcpz_accepting_row *mcpz_accepting_at(struct mcpz_accepting *accepting, size_t index)
{
    assert(index < accepting->count);
    return &accepting->rows[(accepting->first + index) % MCPZ_ACCEPTING_MAX];
}

static int compare(const struct mcpz_task_id *a, const struct mcpz_task_id *b)
{
    return memcmp(a->bytes, b->bytes, MCPZ_TASK_ID_BYTES);
}

bool mcpz_accepting_has_room(const struct mcpz_accepting *accepting, size_t bytes)
{
    return accepting->count < MCPZ_ACCEPTING_MAX &&
           accepting->bytes + bytes <= MCPZ_ACCEPTING_BYTES_MAX;
}

void mcpz_accepting_add(struct mcpz_accepting *accepting, const struct mcpz_accepting_row *row)
{
    assert(row->request != 0);
    assert(mcpz_accepting_has_room(accepting, row->bytes));
    assert(accepting->count == 0 ||
           compare(&mcpz_accepting_at(accepting, accepting->count - 1)->id, &row->id) < 0);

    accepting->count++;
    accepting->bytes += row->bytes;
    accepting->look_at_us = mcpz_time_min(accepting->look_at_us, row->ask_again_at_us);
    *mcpz_accepting_at(accepting, accepting->count - 1) = *row;
}

bool mcpz_accepting_add_also(struct mcpz_accepting *accepting, const struct mcpz_task_id *id,
                             uint64_t request)
{
    assert(request != 0);

    for (size_t i = 0; i < MCPZ_ACCEPTING_ALSO_MAX; i++) {
        if (accepting->also[i].request == 0) {
            accepting->also[i] = (struct mcpz_accepting_also){.request = request, .id = *id};
            accepting->also_count++;
            return true;
        }
    }
    return false;
}

struct mcpz_accepting_row *mcpz_accepting_find(struct mcpz_accepting *accepting,
                                               const struct mcpz_task_id *id)
{
    size_t low = 0;
    size_t high = accepting->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        struct mcpz_accepting_row *row = mcpz_accepting_at(accepting, middle);
        const int order = compare(&row->id, id);
        if (order == 0) {
            return row->request != 0 ? row : NULL;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

uint64_t mcpz_accepting_take_also(struct mcpz_accepting *accepting, const struct mcpz_task_id *id)
{
    for (size_t i = 0; i < MCPZ_ACCEPTING_ALSO_MAX && accepting->also_count > 0; i++) {
        struct mcpz_accepting_also *also = &accepting->also[i];
        if (also->request != 0 && mcpz_task_id_equal(&also->id, id)) {
            uint64_t request = also->request;
            also->request = 0;
            accepting->also_count--;
            return request;
        }
    }
    return 0;
}

void mcpz_accepting_remove(struct mcpz_accepting *accepting, struct mcpz_accepting_row *row)
{
    assert(row->request != 0);
    assert(accepting->bytes >= row->bytes);

    row->request = 0;
    accepting->bytes -= row->bytes;
    while (accepting->count > 0 && accepting->rows[accepting->first].request == 0) {
        accepting->first = (accepting->first + 1) % MCPZ_ACCEPTING_MAX;
        accepting->count--;
    }
}

void mcpz_accepting_wake(struct mcpz_accepting *accepting, mcpz_time now)
{
    for (size_t i = 0; i < accepting->count; i++) {
        struct mcpz_accepting_row *row = mcpz_accepting_at(accepting, i);
        if (row->request != 0 && mcpz_id_is_zero(&row->backup)) {
            row->ask_again_at_us = now;
            accepting->look_at_us = mcpz_time_min(accepting->look_at_us, now);
        }
    }
}

void mcpz_accepting_looked(struct mcpz_accepting *accepting, mcpz_time now)
{
    accepting->look_at_us = MCPZ_TIME_NEVER;
    for (size_t i = 0; i < accepting->count && accepting->look_at_us > now; i++) {
        const struct mcpz_accepting_row *row = mcpz_accepting_at(accepting, i);
        if (row->request != 0) {
            accepting->look_at_us = mcpz_time_min(accepting->look_at_us, row->ask_again_at_us);
        }
    }
}

mcpz_time mcpz_accepting_deadline(const struct mcpz_accepting *accepting)
{
    return accepting->count > 0 ? accepting->look_at_us : MCPZ_TIME_NEVER;
}
