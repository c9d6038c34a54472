/*
 * Catching up: from what somebody says it has to questions, from a question to deltas.
 */

#ifndef CORE_CRDT_CATCHUP_H
#define CORE_CRDT_CATCHUP_H

#include <stdbool.h>
#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/time.h"
#include "core/crdt/document.h"
#include "core/crdt/forgotten.h"
#include "core/crdt/mail.h"
#include "core/crdt/wanted.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "proto/store.h"

#define MCPZ_DELTAS_PER_WANT_MAX 64 /* sent for one WANT; the receiver asks again for more */
#define MCPZ_BYTES_PER_WANT_MAX 49152
#define MCPZ_BRANCH_PAGES_PER_WANT_MAX 4

static_assert(MCPZ_DIGESTS_PER_MESSAGE_MAX + 2 < MCPZ_MAIL_ACTIONS_MAX &&
                  MCPZ_DELTAS_PER_WANT_MAX + MCPZ_BRANCH_PAGES_PER_WANT_MAX + 5 <
                      MCPZ_MAIL_ACTIONS_MAX &&
                  MCPZ_FETCH_MAX + 5 < MCPZ_MAIL_ACTIONS_MAX,
              "an answer fits our share of the outbox");

/* Who we catch up with, and how. */
struct mcpz_catchup {
    const struct mcpz_store *store;
    struct mcpz_mail *mail;
    struct mcpz_wanted *wanted;
    const struct mcpz_forgotten *forgotten; /* NULL: nothing was */
    mcpz_time now;
    const struct mcpz_id *peer;
    bool is_full;  /* no room for documents we do not have */
    bool is_held;  /* what we do not have may have been forgotten: core/crdt/horizon.h */
    bool is_below; /* the last one served begins with our base: nothing is asked of it before */
};

/** Ask for what `document` lacks; not for one that was forgotten in the state of that digest. */
enum mcpz_want_answer mcpz_catchup_ask(struct mcpz_catchup *catchup,
                                       const struct mcpz_document *document,
                                       enum mcpz_want_reason reason, uint64_t digest);

/**
 * Ask for what a `delta` of it builds on, which is not here. `document` is good for nothing then.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_catchup_ask_past(struct mcpz_catchup *catchup,
                                               struct mcpz_document *document,
                                               const struct mcpz_delta *delta);

/**
 * The peer says how far along it is with one document: ask for it, if that is not where we are.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_catchup_look(struct mcpz_catchup *catchup,
                                           const struct mcpz_digest *theirs,
                                           enum mcpz_want_answer *answer);

/**
 * Send the deltas of `document` that a valid `want` lacks, in causal order; if they are too many,
 * the first of them and an offer for the rest; if some lie below the floor, say that. Of actors of
 * which the asker has other branches than we, tell which we have (core/crdt/branches.h). `*bytes`
 * is about what was sent.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO. What was sent before stands.
 */
MCPZ_MUST_USE mcpz_error mcpz_catchup_serve(struct mcpz_catchup *catchup,
                                            const struct mcpz_document *document,
                                            const struct mcpz_msg_want *want, size_t *bytes);

/**
 * Does a valid `want` show that the asker has something that `document` lacks?
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_catchup_lacks(const struct mcpz_store *store,
                                            const struct mcpz_document *document,
                                            const struct mcpz_msg_want *want, bool *lacks);

/** Ask for what a valid page shows that `document` lacks. Errors: MCPZ_ECORRUPT, MCPZ_EIO */
MCPZ_MUST_USE mcpz_error mcpz_catchup_branches(struct mcpz_catchup *catchup,
                                               const struct mcpz_document *document,
                                               const struct mcpz_msg_branches *page);

/** Send what was asked for by name, and the page it asks for. As mcpz_catchup_serve(). */
MCPZ_MUST_USE mcpz_error mcpz_catchup_fetch(struct mcpz_catchup *catchup,
                                            const struct mcpz_document *document,
                                            const struct mcpz_msg_fetch *fetch, size_t *bytes);

#endif
