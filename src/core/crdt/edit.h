/*
 * One write, carried out: take out what it has observed, put in what is new.
 *
 * A write that removes more than MCPZ_DELTA_REMOVES_MAX dots takes several deltas, the first of
 * which adds what is added.
 */

#ifndef CORE_CRDT_EDIT_H
#define CORE_CRDT_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "core/crdt/document.h"
#include "core/crdt/finder.h"
#include "core/crdt/mail.h"
#include "proto/agent.h"
#include "proto/store.h"

#define MCPZ_EDIT_ADDS_MAX 2

struct mcpz_writer {
    const struct mcpz_store *store;
    struct mcpz_document *document; /* as loaded; moves on with each delta */
    struct mcpz_mail *mail;
    struct mcpz_rng *rng;
    struct mcpz_actor actor;
    uint64_t wall_ms;
    uint64_t *hlc;
    bool has_room;        /* for one more agent, if this write makes one */
    uint32_t delta_count; /* out: how many were written */
};

/* What one write comes to: take out what `query` finds, put in `adds`. */
struct mcpz_edit {
    struct mcpz_finder_query query;
    struct mcpz_add adds[MCPZ_EDIT_ADDS_MAX];
    size_t add_count;
    bool must_find; /* else NOT_FOUND */
};

/** How many deltas of this document its writer has made. */
uint64_t mcpz_edit_own_seq(const struct mcpz_writer *writer);

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
