/*
 * Comparing documents with neighbours: whose turn it is, and how far each comparison has come.
 *
 * A round with one neighbour tells it the digests of all our documents, page by page. The
 * neighbour asks for what differs. As long as it does not ask, pages go out fast; once it does,
 * the round goes back to the first document it asked for and goes on in small pages, slowed down
 * by what it takes to answer, until a few pages pass without a question:
 *
 *   fast: 4 pages of 256 every ms  --- WANT of d: back to d --->  slow: 1 page of 64, 50 ms
 *         ^                                                         |
 *         +------------------ 4 pages without a WANT ---------------+
 *
 * So a neighbour that lacks everything is not told of more than it can ask for. When all is
 * told, the round stays for a second, for a late WANT to bring it back.
 */

#ifndef CORE_CRDT_ROUNDS_H
#define CORE_CRDT_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/crdt/mail.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/store.h"

#define MCPZ_ROUND_FAST_PAGES 4 /* in one step */
#define MCPZ_ROUND_FAST_DIGESTS MCPZ_DIGESTS_PER_MESSAGE_MAX
#define MCPZ_ROUND_FAST_PAUSE_US MCPZ_MS(1)
#define MCPZ_ROUND_SLOW_PAGES 4 /* without a WANT, until it is fast again */
#define MCPZ_ROUND_SLOW_DIGESTS 64
#define MCPZ_ROUND_SLOW_PAUSE_US MCPZ_MS(50)
#define MCPZ_ROUND_BYTES_PER_US 10 /* answering is held to this pace */
#define MCPZ_ROUND_LINGER_US MCPZ_SECONDS(1)

/* A comparison under way. */
struct mcpz_round {
    struct mcpz_id peer;
    struct mcpz_id after;      /* told of, up to this document */
    struct mcpz_id rewound_to; /* it only ever goes back to something further on */
    bool told;                 /* all pages are out */
    mcpz_time next_us;         /* when the next page is due; told: when it ends */
    uint32_t slow_pages;       /* so many slow ones still to come; 0: fast */
};

struct mcpz_rounds {
    struct mcpz_round rounds[MCPZ_LINKS_MAX];
    size_t count;
};

/** Start comparing with `peer` at `now`, unless pages are still going out. */
void mcpz_rounds_start(struct mcpz_rounds *rounds, const struct mcpz_id *peer, mcpz_time now);

/** `peer` is gone. */
void mcpz_rounds_stop(struct mcpz_rounds *rounds, const struct mcpz_id *peer);

/** `peer` asked for `document`, and was sent `bytes`. */
void mcpz_rounds_asked(struct mcpz_rounds *rounds, const struct mcpz_id *peer,
                       const struct mcpz_id *document, size_t bytes, mcpz_time now);

/**
 * Mail what is due of one round: the one that has waited longest. When the store cannot be
 * read, the round ends.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_rounds_run(struct mcpz_rounds *rounds,
                                         const struct mcpz_store *store, mcpz_time now,
                                         struct mcpz_mail *mail);

mcpz_time mcpz_rounds_deadline(const struct mcpz_rounds *rounds);

#endif
