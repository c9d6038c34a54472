/*
 * One agent as messages of a file (http/snapshot.h): all that it is made of.
 *
 *   AUTHORs, AGREED, BASE ...     if it was folded: who signed its base, and the base
 *   AUTHOR, BATCH, BATCH ...      its deltas above that, the past of each before it, and authors
 *                                 ahead of what they wrote
 *
 * It may go on over many turns, in which the agent changes: it is what it was when it was begun.
 * If it is folded further meanwhile it begins anew, with the new base: what has been said by then
 * is no more than said twice. If it goes away meanwhile it ends.
 */

#ifndef HTTP_AGENT_EXPORT_H
#define HTTP_AGENT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "engine/engine.h"
#include "http/delta_walk.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/record.h"

#define MCPZ_AGENT_EXPORT_TOLD 512  /* authors that are remembered */
#define MCPZ_AGENT_EXPORT_ANEW 16   /* times that one agent is begun anew */
#define MCPZ_AGENT_EXPORT_UNIT 2048 /* bytes that take as long as one message more */

/* Where the messages go: 1 to MCPZ_MSG_BYTES_MAX bytes, borrowed. */
struct mcpz_agent_export_sink {
    void *context;
    void (*add)(void *context, struct mcpz_bytes message);
};

/* Of several agents, one after the other. Zeros: none was begun. */
struct mcpz_agent_export {
    struct mcpz_id document;
    struct mcpz_delta_walk deltas;
    struct mcpz_id root; /* of its floor; zeros: it has none */
    uint32_t base_index; /* of the next message of the base */
    bool is_open;
    bool has_base; /* that is not all said */
    uint32_t anew;
    size_t said;                           /* in this turn: messages, and bytes in units */
    uint64_t told[MCPZ_AGENT_EXPORT_TOLD]; /* authors that were told: marks; others are again */
    uint8_t message[MCPZ_MSG_BYTES_MAX];
};

/**
 * Begin with `document`, as its record has it.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_agent_export_start(struct mcpz_agent_export *export,
                                                 struct mcpz_engine *engine,
                                                 const struct mcpz_record_document *document);

/**
 * Say the next of it: about `count` messages, long ones for several, and authors before them.
 * Within one turn.
 *
 * Errors: MCPZ_ENOTFOUND  that was all
 *         MCPZ_EFULL      it is folded faster than it is read
 *         MCPZ_ECORRUPT   something is not there that should be; MCPZ_EIO, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_agent_export_say(struct mcpz_agent_export *export,
                                               struct mcpz_engine *engine, size_t count,
                                               const struct mcpz_agent_export_sink *sink);

#endif
