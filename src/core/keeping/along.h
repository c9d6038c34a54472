/* How far along others are with a document, beside us: for the parts of keeping. */

#ifndef CORE_KEEPING_ALONG_H
#define CORE_KEEPING_ALONG_H

#include <stdbool.h>
#include <stddef.h>

#include "core/crdt/document.h"
#include "core/keeping/step.h"
#include "proto/agent.h"
#include "proto/id.h"

/* What was said of it, in a PULLED, a HANDOVER or a READING. */
struct mcpz_along {
    struct mcpz_id document;
    const struct mcpz_version *versions;
    size_t version_count;
    const struct mcpz_cut *cuts;
    size_t cut_count;
};

/** Could anybody be so far along? Everything else is nothing that a node says. */
bool mcpz_along_is_valid(const struct mcpz_along *along);

/**
 * Does who said it have something that `document`, ours, lacks: a delta, or a branch of an actor
 * that contradicts itself? Also if it cannot be read whether it does.
 */
bool mcpz_along_lacks(struct mcpz_keeping_step *step, const struct mcpz_document *document,
                      const struct mcpz_along *along);

/** Read our own. False: it cannot be read, which is counted. */
bool mcpz_along_load(struct mcpz_keeping_step *step, const struct mcpz_id *id,
                     struct mcpz_document *document);

/**
 * Say HANDOVER of it to `to`, behind what was sent before: they say HANDED with `digest` when they
 * have as much, and ask for what they lack until then. Without room it is not said.
 */
void mcpz_along_offer(struct mcpz_keeping_step *step, const struct mcpz_document *document,
                      const struct mcpz_id *to);

/** A copy of the lists that lasts as long as the outbox. False: there is no room. */
bool mcpz_along_keep(struct mcpz_outbox *out, const struct mcpz_record_document *record,
                     struct mcpz_along *along);

#endif
