/*
 * What somebody here asks of a document, turned into deltas.
 *
 *   CREATE     registers ["$","id"] and ["$","life"]; an agent that was deleted: life only
 *   DELETE     all observed entries but ["$","id"] go; life is "deleted"
 *   SET        one register for all observed at the path
 *   UNSET      all observed entries at and below the path go
 *   ADD        one element for all observed equal ones: adding again does not grow the document
 *   REMOVE     all observed equal elements go
 *   INCREMENT  one cumulative sum for our own before it
 *
 * A write that removes more than MCPZ_DELTA_REMOVES_MAX dots takes several deltas, the first of
 * which adds what is added. Types at one path do not touch each other; the API shows clashes.
 *
 * Source: docs reference crdt 1.3 (views).
 */

#ifndef CORE_CRDT_WRITE_H
#define CORE_CRDT_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/crdt/document.h"
#include "core/crdt/mail.h"
#include "core/event.h"
#include "proto/agent.h"
#include "proto/store.h"

struct mcpz_writer {
    const struct mcpz_store *store;
    struct mcpz_document *document; /* as loaded; moves on with each delta */
    struct mcpz_mail *mail;
    struct mcpz_actor actor;
    uint64_t wall_ms;
    uint64_t *hlc;
    bool has_room;        /* for one more agent, if this write makes one */
    uint32_t delta_count; /* out: how many were written */
};

/**
 * Carry out `request`: store and broadcast its deltas. Anything but MCPZ_CODE_OK means that
 * nothing was written. (But for STORE_FAILED in the middle of a write of several deltas, when
 * what could be read a moment ago no longer can: those before it stay, each whole by itself.)
 *
 * BAD_REQUEST  path, value or name not allowed; the counter would leave 64 bits
 * CONFLICT     CREATE of what is there
 * NOT_FOUND    the agent, or what is to be taken out of it, is not there
 * LIMIT        MCPZ_AGENTS_MAX, MCPZ_ENTRIES_MAX, MCPZ_ACTORS_MAX
 * STORE_FAILED
 */
struct mcpz_outcome mcpz_writer_run(struct mcpz_writer *writer,
                                    const struct mcpz_event_agent *request);

#endif
