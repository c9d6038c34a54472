/*
 * Catching up: from a page of somebody's digests to questions, from a question to deltas.
 */

#ifndef CORE_CRDT_CATCHUP_H
#define CORE_CRDT_CATCHUP_H

#include <stdbool.h>
#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/time.h"
#include "core/crdt/document.h"
#include "core/crdt/mail.h"
#include "core/crdt/wanted.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "proto/store.h"

#define MCPZ_ASKS_PER_PAGE_MAX 64   /* WANTs for one DIGESTS */
#define MCPZ_OFFERS_PER_PAGE_MAX 32 /* documents we name because the page lacks them */
#define MCPZ_SCAN_PER_PAGE_MAX 1024 /* of our documents looked at for one DIGESTS */

#define MCPZ_DELTAS_PER_WANT_MAX 64 /* sent for one WANT; the receiver asks again for more */
#define MCPZ_BYTES_PER_WANT_MAX 49152
#define MCPZ_BRANCH_PAGES_PER_WANT_MAX 4

static_assert(MCPZ_ASKS_PER_PAGE_MAX + MCPZ_OFFERS_PER_PAGE_MAX + 2 < MCPZ_MAIL_ACTIONS_MAX &&
                  MCPZ_DELTAS_PER_WANT_MAX + MCPZ_BRANCH_PAGES_PER_WANT_MAX + 5 <
                      MCPZ_MAIL_ACTIONS_MAX &&
                  MCPZ_FETCH_MAX + 5 < MCPZ_MAIL_ACTIONS_MAX,
              "an answer fits our share of the outbox");

/* Who we catch up with, and how. */
struct mcpz_catchup {
    const struct mcpz_store *store;
    struct mcpz_mail *mail;
    struct mcpz_wanted *wanted;
    mcpz_time now;
    const struct mcpz_id *peer;
    bool is_full; /* no room for documents we do not have */
};

/** Is this a page: sorted, each once, within its range, no zeros, within its limit? */
bool mcpz_catchup_page_is_valid(const struct mcpz_msg_digests *page);

/**
 * Ask for each document of a valid page that differs from ours or that we lack, and offer those
 * the page lacks. What is over the limits is left for the next round.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_catchup_compare(struct mcpz_catchup *catchup,
                                              const struct mcpz_msg_digests *page);

/** Ask for what `document` lacks. */
void mcpz_catchup_ask(struct mcpz_catchup *catchup, const struct mcpz_document *document,
                      enum mcpz_want_reason reason, uint64_t digest);

/**
 * Send the deltas of `document` that a valid `want` lacks, in causal order; if they are too many,
 * the first of them and an offer for the rest. Of actors of which the asker has other branches
 * than we, tell which we have (core/crdt/branches.h). `*bytes` is about what was sent.
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
