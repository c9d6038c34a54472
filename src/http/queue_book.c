#include "http/queue_book.h"

#include <jansson.h>
#include <string.h>

#include "core/task_book.h"
#include "http/system_document.h"

void mcpz_queue_book_init(struct mcpz_queue_book *book)
{
    *book = (struct mcpz_queue_book){.stale = true};
}

bool mcpz_queue_book_hear(struct mcpz_queue_book *book, const struct mcpz_fact *fact)
{
    bool is_news = mcpz_system_document_is_news(MCPZ_QUEUE_BOOK, fact);

    book->stale |= is_news;
    return is_news;
}

void mcpz_queue_book_changed(struct mcpz_queue_book *book)
{
    book->stale = true;
}

bool mcpz_queue_book_is_due(const struct mcpz_queue_book *book, mcpz_time now)
{
    return book->stale || now >= book->look_us;
}

static void tell(struct mcpz_engine *engine, const char *capability, bool paused)
{
    struct mcpz_event event = {
        .kind = paused ? MCPZ_EVENT_QUEUE_PAUSE : MCPZ_EVENT_QUEUE_RESUME,
        .durable = {.request = mcpz_engine_next_request(engine), /* nobody waits for it */
                    .capability = mcpz_text(capability)},
    };
    mcpz_engine_event(engine, &event);
}

static const struct mcpz_task_queue *find(const struct mcpz_task_queues *queues, const char *name)
{
    for (size_t i = 0; i < queues->count; i++) {
        if (strcmp(queues->rows[i].capability, name) == 0) {
            return &queues->rows[i];
        }
    }
    return NULL;
}

static bool is_paused(const json_t *state, const char *capability)
{
    const char *text = json_string_value(json_object_get(state, capability));
    return text != NULL && strcmp(text, MCPZ_QUEUE_PAUSED) == 0;
}

void mcpz_queue_book_read(struct mcpz_queue_book *book, mcpz_time now, struct mcpz_engine *engine)
{
    const struct mcpz_task_queues *queues = &mcpz_engine_node(engine)->tasks.queues;
    const char *name;
    json_t *state = NULL;
    json_t *said;

    book->stale = false;
    book->look_us = now + MCPZ_QUEUE_BOOK_US;
    if (mcpz_system_document_read(engine, MCPZ_QUEUE_BOOK, &state) != MCPZ_OK) {
        return;
    }
    json_object_foreach(state, name, said)
    {
        const struct mcpz_task_queue *queue = find(queues, name);
        if (is_paused(state, name) && *name != '\0' && strlen(name) <= MCPZ_CAPABILITY_BYTES_MAX &&
            (queue == NULL || !queue->paused)) {
            tell(engine, name, true);
        }
    }
    for (size_t i = 0; i < queues->count; i++) {
        char capability[MCPZ_CAPABILITY_BYTES_MAX + 1];
        memcpy(capability, queues->rows[i].capability, sizeof(capability));
        if (queues->rows[i].paused && !is_paused(state, capability)) {
            tell(engine, capability, false);
        }
    }
    json_decref(state);
}
