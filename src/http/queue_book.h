/*
 * The queues that are paused in the whole mesh: a document of "mcpz.system", a register of each.
 *
 * The book reads it when it has changed and now and then, and has the core pause and resume what
 * is otherwise there.
 */

#ifndef HTTP_QUEUE_BOOK_H
#define HTTP_QUEUE_BOOK_H

#include <stdbool.h>

#include "base/time.h"
#include "core/fact.h"
#include "engine/engine.h"

#define MCPZ_QUEUE_BOOK "queues" /* the document */
#define MCPZ_QUEUE_PAUSED "paused"
#define MCPZ_QUEUE_BOOK_US MCPZ_SECONDS(5) /* between looks that nothing asked for */

struct mcpz_queue_book {
    bool stale;
    mcpz_time look_us;
};

void mcpz_queue_book_init(struct mcpz_queue_book *book);

/** Is this fact about them? They are due then. */
bool mcpz_queue_book_hear(struct mcpz_queue_book *book, const struct mcpz_fact *fact);

/** They were written here. */
void mcpz_queue_book_changed(struct mcpz_queue_book *book);

bool mcpz_queue_book_is_due(const struct mcpz_queue_book *book, mcpz_time now);

/**
 * Read them, and tell the core where it differs. Within a turn, outside the engine's callbacks.
 * Where the store cannot be read, all stays as it is.
 */
void mcpz_queue_book_read(struct mcpz_queue_book *book, mcpz_time now, struct mcpz_engine *engine);

#endif
