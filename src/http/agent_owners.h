/*
 * Agents whose owners are elsewhere: requests about them are handed on to one (http/forward.h),
 * and lists are asked for of all nodes that keep agents. Without a layout everything is here.
 *
 * Also what a write says of how many owners are to have it on disk: "?ack=quorum&timeout_ms=5000",
 * and a read of how many are to say what they have: "?read=quorum".
 */

#ifndef HTTP_AGENT_OWNERS_H
#define HTTP_AGENT_OWNERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/keeping/acks.h"
#include "http/exchange.h"

/* What a request is, for who hands it on. */
struct mcpz_agent_request {
    const struct mcpz_request *request;
    struct mcpz_id document;
    bool repeatable; /* done twice it does no harm */
    mcpz_time ack_timeout_ms;
};

/** Read "async", "one", "quorum" or "all". False: it is none of them. */
bool mcpz_ack_level_read(struct mcpz_bytes word, enum mcpz_ack_level *level);

/** Read how long to wait: 1 to MCPZ_ACK_TIMEOUT_MS_MAX. False: it is no such number. */
bool mcpz_ack_timeout_read(struct mcpz_bytes text, uint32_t *timeout_ms);

/** Read "ack" and "timeout_ms" of a write's query into it. False: answered with what is wrong. */
MCPZ_MUST_USE bool mcpz_agent_ack_read(struct mcpz_exchange *exchange,
                                       const struct mcpz_request *request,
                                       struct mcpz_event_agent *agent);

/** "async", "one", "quorum" or "all". */
const char *mcpz_agent_ack_word(enum mcpz_ack_level level);

/* Whose state is read: "?read=quorum". */
enum mcpz_agent_reach {
    MCPZ_READ_ONE = 1, /* one's that keeps it: ours if we do */
    MCPZ_READ_LOCAL,   /* ours, whoever keeps it */
    MCPZ_READ_QUORUM,  /* what a quorum of those that keep it has, together */
};

/** Read "read" and "timeout_ms" of a read's query. False: answered with what is wrong. */
MCPZ_MUST_USE bool mcpz_agent_reach_read(struct mcpz_exchange *exchange,
                                         const struct mcpz_request *request,
                                         enum mcpz_agent_reach *reach, uint32_t *timeout_ms);

/**
 * Hand the request on if this node is not one to ask for its document. False: it is. A request
 * that was handed on once is not again: if we do not have the document, that is said.
 */
MCPZ_MUST_USE bool mcpz_agent_hand_on(struct mcpz_exchange *exchange,
                                      const struct mcpz_agent_request *asked);

/**
 * Whom to ask for `document`, best first, ourselves if it is here; nobody while that is not known.
 * Returns how many. `nodes` has room for MCPZ_OWNERS_MAX.
 */
size_t mcpz_agent_keepers(struct mcpz_exchange *exchange, const struct mcpz_id *document,
                          struct mcpz_id *nodes);

/** May there be a layout that we have not heard of yet? Who has just come waits a moment for it.
 */
bool mcpz_agents_may_be_elsewhere(struct mcpz_exchange *exchange);

/** Is this node one to ask for `document`? */
bool mcpz_agent_is_here(struct mcpz_exchange *exchange, const struct mcpz_id *document);

/** Is it to be kept here by any live layout, whoever is read from? */
bool mcpz_agent_is_kept(struct mcpz_exchange *exchange, const struct mcpz_id *document);

/** Is there a layout: are other nodes to be asked for what they keep? */
bool mcpz_agents_are_spread(struct mcpz_exchange *exchange);

#endif
