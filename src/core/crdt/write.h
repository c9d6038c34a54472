/*
 * What somebody here asks of a document, turned into deltas.
 *
 *   CREATE     registers ["$","id"] and ["$","life"]; an agent that was deleted: life only
 *   DELETE     all observed entries but ["$","id"] go; life is "deleted"
 *   LIFE       the fenced register ["$","life"], in the epoch that CREATE began
 *   SET        one register for all observed at the path
 *   UNSET      all observed entries at and below the path go
 *   ADD        one element for all observed equal ones: adding again does not grow the document
 *   REMOVE     all observed equal elements go
 *   INCREMENT  one cumulative sum for our own before it
 *   KEEP       one value for all observed at the path
 *   FENCE      the same, unless a later epoch has been observed
 *   ENABLE     one flag for all observed; DISABLE: all observed go
 *   GRANT, SPEND  one row for our own before it, with what others gave us
 *   PUSH, INSERT  one element more; MOVE: one entry for all observed of that element; DROP: they
 * go MAP        one marker for all observed RESTORE    what makes it read as it did
 * (core/crdt/restore.h)
 *
 * Types at one path do not touch each other; the API shows clashes.
 *
 * Source: docs reference crdt 1.3 (views).
 */

#ifndef CORE_CRDT_WRITE_H
#define CORE_CRDT_WRITE_H

#include "core/crdt/edit.h"
#include "core/event.h"

/**
 * Carry out `request`: store and broadcast its deltas. Anything but MCPZ_CODE_OK means that
 * nothing was written. (But for STORE_FAILED in the middle of a write of several deltas, when
 * what could be read a moment ago no longer can: those before it stay, each whole by itself.)
 *
 * BAD_REQUEST  path, value, name, epoch or amount not allowed; the counter would leave 64 bits
 * CONFLICT     CREATE of what is there; an epoch that is over; more than can be spent or given
 * NOT_FOUND    the agent, or what is to be taken out of it, is not there
 * LIMIT        MCPZ_AGENTS_MAX, MCPZ_ENTRIES_MAX, MCPZ_WRITERS_MAX
 * STORE_FAILED
 */
struct mcpz_outcome mcpz_writer_run(struct mcpz_writer *writer,
                                    const struct mcpz_event_agent *request);

#endif
