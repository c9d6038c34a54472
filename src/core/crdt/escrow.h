/*
 * Bounded counters: what is granted is spent, and never more, without asking anybody.
 *
 * Each actor has one row, which only it replaces: what was granted to it, what it has used, what
 * it has given to others and taken over from them, all of them sums that only grow. What it may
 * spend is granted + taken - given - used, and a row where that is negative is refused
 * everywhere. So the sum of all rows is never negative either, whatever subset of writes a node
 * has seen, and also after some rows were removed while others spent: a row says itself what it
 * rests on.
 *
 *   [granted, used, [[actor, given] ...], [[actor, taken] ...]]      actors sorted
 *
 * What was given and not taken over yet counts to the value, and is nobody's to spend. What is
 * given to an actor of a former generation stays with it.
 *
 * Source: Balegas et al., "Putting Consistency Back into Eventual Consistency" (EuroSys 2015),
 * section 4.2; docs reference crdt 1.3. What is taken is written down by who takes it, which they
 * do not need: theirs are never removed.
 */

#ifndef CORE_CRDT_ESCROW_H
#define CORE_CRDT_ESCROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/parts.h"
#include "proto/agent.h"
#include "proto/limits.h"
#include "proto/store.h"

struct mcpz_escrow_share {
    struct mcpz_actor actor;
    int64_t amount; /* at least 1 */
};

struct mcpz_escrow_list {
    struct mcpz_escrow_share shares[MCPZ_ESCROW_PARTNERS_MAX];
    size_t count;
};

struct mcpz_escrow_row {
    int64_t granted;
    int64_t used;
    struct mcpz_escrow_list given;
    struct mcpz_escrow_list taken;
};

/** Read a row. False: it is none, or more was used and given than there was. */
MCPZ_MUST_USE bool mcpz_escrow_read(struct mcpz_bytes value, struct mcpz_escrow_row *row);

/** Write a row. */
struct mcpz_parts mcpz_escrow_write(const struct mcpz_escrow_row *row);

/** What the row's owner may spend. */
int64_t mcpz_escrow_rights(const struct mcpz_escrow_row *row);

/** How much is in a list for `actor`. */
int64_t mcpz_escrow_share_of(const struct mcpz_escrow_list *list, const struct mcpz_actor *actor);

/** Set it. False: there is no room for one actor more. */
MCPZ_MUST_USE bool mcpz_escrow_set_share(struct mcpz_escrow_list *list,
                                         const struct mcpz_actor *actor, int64_t amount);

/**
 * The counter's value: all that can be spent, and what is on its way. It stops at INT64_MAX.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_escrow_value(const struct mcpz_store *store,
                                           const struct mcpz_id *document, struct mcpz_bytes path,
                                           int64_t *value);

/**
 * The row of `actor` (zeros if it has none) with all taken over that others have given it.
 *
 * Errors: MCPZ_EFULL  it would take from too many; MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_escrow_own(const struct mcpz_store *store,
                                         const struct mcpz_id *document, struct mcpz_bytes path,
                                         const struct mcpz_actor *actor,
                                         struct mcpz_escrow_row *row);

#endif
