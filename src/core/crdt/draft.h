/*
 * A write being put together: what it adds and what it takes out, as as many deltas as that takes.
 *
 * A draft that is full is written as one delta, and goes on with the next. All of them are in the
 * batch of one turn, so a node keeps all or none. One that is only a trial writes nothing, and
 * tells how much it would have.
 */

#ifndef CORE_CRDT_DRAFT_H
#define CORE_CRDT_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/rng.h"
#include "core/crdt/document.h"
#include "core/crdt/mail.h"
#include "proto/agent.h"
#include "proto/store.h"

/* Who writes, and to what. */
struct mcpz_writer {
    const struct mcpz_store *store;
    struct mcpz_document *document; /* as loaded; moves on with each delta */
    struct mcpz_mail *mail;
    struct mcpz_rng *rng;
    struct mcpz_actor actor;
    uint64_t wall_ms;
    uint64_t *hlc;
    bool has_room;        /* for one more agent, if this write makes one */
    int64_t epoch;        /* of the last life of one that was forgotten lately; 0: it was not */
    uint32_t closes;      /* our lives up to this one are over: core/crdt/lives.h; 0: none */
    uint32_t delta_count; /* out: how many were written */
};

struct mcpz_draft {
    struct mcpz_writer *writer;
    bool is_trial;
    bool untold;         /* not all that was written was broadcast */
    size_t change_count; /* adds and removes, so far */
    struct mcpz_add adds[MCPZ_DELTA_ADDS_MAX];
    uint8_t values[MCPZ_DELTA_ADDS_MAX][MCPZ_VALUE_BYTES_MAX]; /* of the adds */
    size_t add_count;
    struct mcpz_remove removes[MCPZ_DELTA_REMOVES_MAX];
    size_t remove_count;
};

/** How many deltas of this document its writer has made. */
uint64_t mcpz_draft_own_seq(const struct mcpz_writer *writer);

/** Begin one. `writer` is borrowed. */
void mcpz_draft_init(struct mcpz_draft *draft, struct mcpz_writer *writer, bool is_trial);

/**
 * Add an entry. Its value is copied (MCPZ_VALUE_BYTES_MAX, asserted), its path borrowed until the
 * turn ends.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO  the store cannot be read
 *         MCPZ_EFULL               one actor too many: mcpz_document_admits() was not asked
 */
MCPZ_MUST_USE mcpz_error mcpz_draft_add(struct mcpz_draft *draft, const struct mcpz_add *add);

/** Take an observed entry out, whose path is borrowed until the turn ends. Errors: as above */
MCPZ_MUST_USE mcpz_error mcpz_draft_remove(struct mcpz_draft *draft,
                                           const struct mcpz_record_entry *entry);

/** Write a delta that only says which lives its writer closes. Errors: as above */
MCPZ_MUST_USE mcpz_error mcpz_draft_close(struct mcpz_draft *draft);

/** Write what is in it, if there is anything, and begin the next delta. Errors: as above */
MCPZ_MUST_USE mcpz_error mcpz_draft_flush(struct mcpz_draft *draft);

/** After the last flush: where there was no room to send it all, say that there is more. */
void mcpz_draft_tell(const struct mcpz_draft *draft);

#endif
