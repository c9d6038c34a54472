/*
 * One write, carried out: take out what it has observed, put in what is new.
 *
 * A write that removes more than MCPZ_DELTA_REMOVES_MAX dots takes several deltas
 * (core/crdt/draft.h), the first of which adds what is added.
 */

#ifndef CORE_CRDT_EDIT_H
#define CORE_CRDT_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crdt/draft.h"
#include "core/crdt/finder.h"
#include "core/crdt/mail.h"
#include "proto/agent.h"
#include "proto/store.h"

#define MCPZ_EDIT_ADDS_MAX 2

/* What one write comes to: take out what `query` finds, put in `adds`. */
struct mcpz_edit {
    struct mcpz_finder_query query;
    struct mcpz_add adds[MCPZ_EDIT_ADDS_MAX];
    size_t add_count;
    bool must_find; /* else NOT_FOUND */
};

/** Store and broadcast what `edit` comes to. As mcpz_writer_run(). */
struct mcpz_outcome mcpz_edit_carry_out(struct mcpz_writer *writer, const struct mcpz_edit *edit);

static inline struct mcpz_outcome mcpz_edit_refuse(uint32_t code, const char *text)
{
    return (struct mcpz_outcome){.code = code, .text = text};
}

struct mcpz_outcome mcpz_edit_store_failed(void);

/** All entries of one type at one path. */
static inline struct mcpz_finder_query mcpz_edit_query(const struct mcpz_writer *writer,
                                                       struct mcpz_bytes path, uint32_t type)
{
    return (struct mcpz_finder_query){
        .range = MCPZ_FIND_AT,
        .document = writer->document->id,
        .path = path,
        .type = type,
    };
}

#endif
