#include "sim/fleet_queue.h"

#include <assert.h>
#include <stdlib.h>

#define CAPACITY_AT_START 1024
#define SIZE_LEAST 64
#define SLAB_BYTES 65536
#define ARITY 4

static_assert(SIZE_LEAST << (MCPZ_PARCEL_SIZES - 1) == SLAB_BYTES, "the largest fills a slab");

void mcpz_fleet_queue_init(struct mcpz_fleet_queue *queue)
{
    *queue = (struct mcpz_fleet_queue){0};
}

void mcpz_fleet_queue_finish(struct mcpz_fleet_queue *queue)
{
    for (size_t i = 0; i < queue->slab_count; i++) {
        free(queue->slabs[i]);
    }
    free(queue->slabs);
    free(queue->heap);
}

size_t mcpz_fleet_queue_bytes(const struct mcpz_fleet_queue *queue)
{
    return queue->capacity * sizeof(*queue->heap) + queue->slab_bytes +
           queue->slab_count * sizeof(*queue->slabs);
}

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* ---- The heap ----------------------------------------------------------------------------- */

static bool is_earlier(const struct mcpz_fleet_due *a, const struct mcpz_fleet_due *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void mcpz_fleet_queue_add(struct mcpz_fleet_queue *queue, const struct mcpz_fleet_due *due)
{
    struct mcpz_fleet_due added = *due;

    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? CAPACITY_AT_START : 2 * queue->capacity;
        queue->heap = must(realloc(queue->heap, queue->capacity * sizeof(*queue->heap)));
    }
    added.order = queue->next_order++;
    size_t at = queue->count++;
    while (at > 0 && is_earlier(&added, &queue->heap[(at - 1) / ARITY])) {
        queue->heap[at] = queue->heap[(at - 1) / ARITY];
        at = (at - 1) / ARITY;
    }
    queue->heap[at] = added;
}

static size_t earliest_child(const struct mcpz_fleet_queue *queue, size_t at)
{
    size_t first = ARITY * at + 1;
    size_t end = first + ARITY < queue->count ? first + ARITY : queue->count;

    for (size_t child = first + 1; child < end; child++) {
        if (is_earlier(&queue->heap[child], &queue->heap[first])) {
            first = child;
        }
    }
    return first;
}

bool mcpz_fleet_queue_take(struct mcpz_fleet_queue *queue, mcpz_time until_us,
                           struct mcpz_fleet_due *due)
{
    if (queue->count == 0 || queue->heap[0].at_us > until_us) {
        return false;
    }
    *due = queue->heap[0];

    const struct mcpz_fleet_due moved = queue->heap[--queue->count];
    size_t at = 0;
    while (ARITY * at + 1 < queue->count) {
        size_t child = earliest_child(queue, at);
        if (!is_earlier(&queue->heap[child], &moved)) {
            break;
        }
        queue->heap[at] = queue->heap[child];
        at = child;
    }
    queue->heap[at] = moved;
    return true;
}

/* ---- The pool ----------------------------------------------------------------------------- */

static void cut_slab(struct mcpz_fleet_queue *queue, uint8_t size)
{
    const size_t bytes = (size_t)SIZE_LEAST << size;
    uint8_t *slab = must(malloc(SLAB_BYTES));

    queue->slabs = must(realloc(queue->slabs, (queue->slab_count + 1) * sizeof(*queue->slabs)));
    queue->slabs[queue->slab_count++] = slab;
    queue->slab_bytes += SLAB_BYTES;
    for (size_t at = 0; at + bytes <= SLAB_BYTES; at += bytes) {
        struct mcpz_parcel *parcel = (void *)(slab + at);
        parcel->next = queue->free[size];
        queue->free[size] = parcel;
    }
}

struct mcpz_parcel *mcpz_parcel_take(struct mcpz_fleet_queue *queue, enum mcpz_parcel_kind kind,
                                     size_t length)
{
    uint8_t size = 0;

    while (((size_t)SIZE_LEAST << size) < sizeof(struct mcpz_parcel) + length) {
        size++;
    }
    assert(size < MCPZ_PARCEL_SIZES);
    if (queue->free[size] == NULL) {
        cut_slab(queue, size);
    }
    struct mcpz_parcel *parcel = queue->free[size];
    queue->free[size] = parcel->next;
    *parcel = (struct mcpz_parcel){
        .kind = (uint8_t)kind,
        .size = size,
        .length = (uint32_t)length,
    };
    return parcel;
}

void mcpz_parcel_give(struct mcpz_fleet_queue *queue, struct mcpz_parcel *parcel)
{
    parcel->next = queue->free[parcel->size];
    queue->free[parcel->size] = parcel;
}
