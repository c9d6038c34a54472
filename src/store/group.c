#include "store/group.h"

#include <stdlib.h>

static size_t count_writes(const struct mcpz_batches *batches)
{
    size_t count = 0;

    for (const struct mcpz_batch *batch = batches->first; batch != NULL; batch = batch->next) {
        count += batch->count;
    }
    return count;
}

static void gather(struct mcpz_group *group, const struct mcpz_batches *batches)
{
    for (const struct mcpz_batch *batch = batches->first; batch != NULL; batch = batch->next) {
        for (const struct mcpz_write *write = batch->first; write != NULL; write = write->next) {
            if (!write->replaced) {
                group->rows[group->count++] = (struct mcpz_group_row){
                    .front = mcpz_write_front(mcpz_write_key(write)), .write = write};
            }
        }
    }
}

/* By key, then in the order they were made. */
static int compare(const void *left, const void *right)
{
    const struct mcpz_group_row *a = left;
    const struct mcpz_group_row *b = right;

    if (a->front != b->front) {
        return a->front < b->front ? -1 : 1;
    }
    const int order = mcpz_bytes_compare(mcpz_write_key(a->write), mcpz_write_key(b->write));
    if (order != 0) {
        return order;
    }
    return (a->write->batch->number > b->write->batch->number) -
           (a->write->batch->number < b->write->batch->number);
}

static bool is_same_key(const struct mcpz_group_row *a, const struct mcpz_group_row *b)
{
    return a->front == b->front &&
           mcpz_bytes_equal(mcpz_write_key(a->write), mcpz_write_key(b->write));
}

static void drop_replaced(struct mcpz_group *group)
{
    size_t kept = 0;

    for (size_t i = 0; i < group->count; i++) {
        if (i + 1 == group->count || !is_same_key(&group->rows[i], &group->rows[i + 1])) {
            group->rows[kept++] = group->rows[i];
        }
    }
    group->count = kept;
}

mcpz_error mcpz_group_init(struct mcpz_group *group, const struct mcpz_batches *batches)
{
    const size_t count = count_writes(batches);

    *group = (struct mcpz_group){.rows = malloc((count + 1) * sizeof(*group->rows))};
    if (group->rows == NULL) {
        return MCPZ_ENOMEM;
    }
    gather(group, batches);
    qsort(group->rows, group->count, sizeof(*group->rows), compare);
    drop_replaced(group);
    return MCPZ_OK;
}

void mcpz_group_finish(struct mcpz_group *group)
{
    free(group->rows);
    *group = (struct mcpz_group){.count = 0};
}
