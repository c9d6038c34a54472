/* Lists, written: PUSH, INSERT, MOVE, DROP of core/crdt/write.h. */

#ifndef CORE_CRDT_WRITE_LIST_H
#define CORE_CRDT_WRITE_LIST_H

#include "core/crdt/edit.h"
#include "core/event.h"

/**
 * Carry out one of the four at a path that is valid. Where two neighbours have no room between
 * them, all elements are given new places first.
 *
 * NOT_FOUND  there is no such element; LIMIT  MCPZ_LIST_ITEMS_MAX; else as mcpz_writer_run()
 */
struct mcpz_outcome mcpz_write_list(struct mcpz_writer *writer,
                                    const struct mcpz_event_agent *request);

#endif
