#include "core/task_queues.h"

#include <assert.h>

#include "core/task_book.h"

void mcpz_task_queues_init(struct mcpz_task_queues *queues)
{
    queues->count = 0;
}

struct mcpz_task_queue *mcpz_task_queues_find(struct mcpz_task_queues *queues, uint64_t group)
{
    for (size_t i = 0; i < queues->count; i++) {
        if (queues->rows[i].group == group) {
            return &queues->rows[i];
        }
    }
    return NULL;
}

struct mcpz_task_queue *mcpz_task_queues_take(struct mcpz_task_queues *queues,
                                              struct mcpz_bytes capability)
{
    assert(capability.length > 0 && capability.length <= MCPZ_CAPABILITY_BYTES_MAX);

    uint64_t group = mcpz_task_book_group(capability);
    struct mcpz_task_queue *queue = mcpz_task_queues_find(queues, group);
    if (queue != NULL || queues->count == MCPZ_QUEUES_MAX) {
        return queue;
    }
    queue = &queues->rows[queues->count++];
    *queue = (struct mcpz_task_queue){.group = group};
    mcpz_bytes_to_text(capability, queue->capability, sizeof(queue->capability));
    return queue;
}

int mcpz_task_cursor_compare(const struct mcpz_task_cursor *a, const struct mcpz_task_cursor *b)
{
    if (a->order != b->order) {
        return a->order < b->order ? -1 : 1;
    }
    return memcmp(a->id.bytes, b->id.bytes, MCPZ_TASK_ID_BYTES);
}

void mcpz_task_queue_entered(struct mcpz_task_queue *queue, const struct mcpz_task_cursor *place)
{
    queue->ready++;
    mcpz_task_queue_put_back(queue, place);
}

void mcpz_task_queue_left(struct mcpz_task_queue *queue, const struct mcpz_task_cursor *place)
{
    queue->ready -= queue->ready > 0;
    if (queue->has_head && mcpz_task_cursor_compare(place, &queue->head) == 0) {
        queue->has_head = false;
    }
}

void mcpz_task_queue_put_back(struct mcpz_task_queue *queue, const struct mcpz_task_cursor *place)
{
    queue->spent = false;
    if (mcpz_task_cursor_compare(place, &queue->cursor) <= 0) {
        queue->cursor = *place;
        queue->inclusive = true;
        queue->has_head = false;
    } else if (queue->has_head && mcpz_task_cursor_compare(place, &queue->head) < 0) {
        queue->has_head = false;
    }
}

void mcpz_task_queue_pass(struct mcpz_task_queue *queue, const struct mcpz_task_cursor *place)
{
    queue->cursor = *place;
    queue->inclusive = false;
    queue->has_head = false;
}

/* But for being blocked. */
static bool could_run(const struct mcpz_task_queue *queue)
{
    return !queue->paused && !queue->spent && queue->ready > queue->running &&
           queue->running < MCPZ_QUEUE_RUNNING_MAX;
}

bool mcpz_task_queue_may_run(const struct mcpz_task_queue *queue, mcpz_time now)
{
    return could_run(queue) && queue->blocked_until_us <= now;
}

void mcpz_task_queues_unblock(struct mcpz_task_queues *queues)
{
    for (size_t i = 0; i < queues->count; i++) {
        queues->rows[i].blocked_until_us = 0;
    }
}

mcpz_time mcpz_task_queues_deadline(const struct mcpz_task_queues *queues)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < queues->count; i++) {
        if (could_run(&queues->rows[i])) {
            deadline = mcpz_time_min(deadline, queues->rows[i].blocked_until_us);
        }
    }
    return deadline;
}
