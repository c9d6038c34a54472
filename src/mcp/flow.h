/*
 * What a client is told over time: messages, as Server-Sent Events, that are pulled as it reads.
 *
 *   id: 3-17
 *   data: {"jsonrpc": "2.0", ...}
 *
 * A flow may outlast the connection that reads it: who has lost it asks on from the last event it
 * saw. So what was sent is kept for a while, up to MCPZ_FLOW_KEPT_BYTES_MAX.
 *
 * Source: WHATWG HTML, section 9.2; Model Context Protocol 2025-11-25, "Streamable HTTP",
 * resumability.
 */

#ifndef MCP_FLOW_H
#define MCP_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_FLOW_KEPT_BYTES_MAX 262144      /* of what was sent */
#define MCPZ_FLOW_KEPT_MAX 64                /* events of it */
#define MCPZ_FLOW_WAITING_BYTES_MAX 16777216 /* of what was not: then it takes no more */
#define MCPZ_FLOW_WAITING_BYTES_LOW 131072
#define MCPZ_FLOW_ID_CHARS 32 /* of an event, at most */
#define MCPZ_FLOW_RETRY_MS 1000
#define MCPZ_FLOW_POLL_MS 50 /* of a stream whose reader may be sent away to come back */

struct mcpz_flow_event;

struct mcpz_flow {
    uint32_t number; /* 0: its events have no ids, and nothing is kept */
    uint64_t last_seq;
    struct mcpz_flow_event *first; /* those that are kept, then those that wait */
    struct mcpz_flow_event *last;
    struct mcpz_flow_event *next; /* to be sent; NULL: all is */
    size_t offset;                /* of `next`, so much is sent */
    size_t kept_bytes;
    size_t kept_count;
    size_t waiting_bytes;
    bool has_comment; /* one is due */
    bool ended;       /* nothing comes any more */
};

void mcpz_flow_init(struct mcpz_flow *flow, uint32_t number);

/** Let go of everything. */
void mcpz_flow_finish(struct mcpz_flow *flow);

/**
 * Add a message, checked JSON made of `count` parts.
 *
 * Errors: MCPZ_EFULL  more waits than may; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_flow_add(struct mcpz_flow *flow, const struct mcpz_bytes *parts,
                                       size_t count);

/**
 * Say at once that the stream stands, where it can be resumed, and after how long to try.
 *
 * Errors: MCPZ_ENOMEM. Source: SEP-1699.
 */
MCPZ_MUST_USE mcpz_error mcpz_flow_prime(struct mcpz_flow *flow, unsigned retry_ms);

/** Say that it is still there. */
void mcpz_flow_comment(struct mcpz_flow *flow);

/** There is nothing left to send. */
bool mcpz_flow_is_sent(const struct mcpz_flow *flow);

/** The next bytes, up to `capacity`; 0: nothing now. */
size_t mcpz_flow_pull(struct mcpz_flow *flow, uint8_t *out, size_t capacity);

/** Go back to what follows event `seq`, or to the oldest that is kept. */
void mcpz_flow_rewind(struct mcpz_flow *flow, uint64_t seq);

/** Take an event's id apart. False: it is none of ours. */
MCPZ_MUST_USE bool mcpz_flow_read_id(struct mcpz_bytes id, uint32_t *number, uint64_t *seq);

#endif
