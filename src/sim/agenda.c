#include "sim/agenda.h"

#include <stdlib.h>

#define CAPACITY_AT_START 256

void mcpz_agenda_init(struct mcpz_agenda *agenda)
{
    *agenda = (struct mcpz_agenda){0};
}

void mcpz_agenda_finish(struct mcpz_agenda *agenda)
{
    for (size_t i = 0; i < agenda->count; i++) {
        free(agenda->heap[i].frame);
    }
    free(agenda->heap);
}

static bool is_earlier(const struct mcpz_happening *a, const struct mcpz_happening *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void swap(struct mcpz_happening *a, struct mcpz_happening *b)
{
    struct mcpz_happening kept = *a;
    *a = *b;
    *b = kept;
}

static void make_room(struct mcpz_agenda *agenda)
{
    if (agenda->count < agenda->capacity) {
        return;
    }
    agenda->capacity = agenda->capacity == 0 ? CAPACITY_AT_START : 2 * agenda->capacity;
    agenda->heap = realloc(agenda->heap, agenda->capacity * sizeof(*agenda->heap));
    if (agenda->heap == NULL) {
        abort();
    }
}

void mcpz_agenda_add(struct mcpz_agenda *agenda, const struct mcpz_happening *happening)
{
    make_room(agenda);

    size_t at = agenda->count++;
    agenda->heap[at] = *happening;
    agenda->heap[at].order = agenda->next_order++;
    while (at > 0 && is_earlier(&agenda->heap[at], &agenda->heap[(at - 1) / 2])) {
        swap(&agenda->heap[at], &agenda->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

bool mcpz_agenda_take(struct mcpz_agenda *agenda, mcpz_time until_us,
                      struct mcpz_happening *happening)
{
    if (agenda->count == 0 || agenda->heap[0].at_us > until_us) {
        return false;
    }
    *happening = agenda->heap[0];
    agenda->heap[0] = agenda->heap[--agenda->count];

    size_t at = 0;
    for (;;) {
        size_t first = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < agenda->count; child++) {
            if (is_earlier(&agenda->heap[child], &agenda->heap[first])) {
                first = child;
            }
        }
        if (first == at) {
            return true;
        }
        swap(&agenda->heap[at], &agenda->heap[first]);
        at = first;
    }
}
