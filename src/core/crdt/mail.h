/*
 * What agents put into the outbox, within their share of it.
 *
 * The outbox is shared by all machines of a node and may not run over. A step of the agents may
 * take half of its actions and half of its arena, from where it finds them; what does not fit is
 * not sent, and asked for by whoever lacks it.
 */

#ifndef CORE_CRDT_MAIL_H
#define CORE_CRDT_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "core/crdt/document.h"
#include "core/outbox.h"
#include "proto/agent.h"
#include "proto/code.h"
#include "proto/id.h"
#include "proto/msg.h"

#define MCPZ_MAIL_ACTIONS_MAX (MCPZ_OUTBOX_MAX / 2)
#define MCPZ_MAIL_BYTES_MAX (MCPZ_OUTBOX_ARENA_BYTES / 2)

struct mcpz_mail {
    struct mcpz_outbox *out;
    size_t action_count; /* ours */
    size_t byte_count;   /* ours, with what turning broadcasts into sends will take */
};

/** What a REPLY says: MCPZ_CODE_OK, or why not. `text` is static. */
struct mcpz_outcome {
    uint32_t code;
    const char *text;
};

void mcpz_mail_init(struct mcpz_mail *mail, struct mcpz_outbox *out);

/** What sending `delta` takes of the arena. */
size_t mcpz_mail_delta_bytes(const struct mcpz_delta *delta);

/**
 * Send a copy of `delta`, once all that is written is on disk: to `to`, or, if that is NULL, to
 * all but `except` (NULL: all). False: no room.
 */
MCPZ_MUST_USE bool mcpz_mail_delta(struct mcpz_mail *mail, const struct mcpz_id *to,
                                   const struct mcpz_id *except, const struct mcpz_delta *delta);

/** Ask `to` for what `document` lacks. False: no room; it may be ignored: it is asked again. */
bool mcpz_mail_want(struct mcpz_mail *mail, const struct mcpz_id *to,
                    const struct mcpz_document *document);

/**
 * Tell `to` that what it lacks of `document` lies below the floor: whoever runs us says the rest
 * (engine/collecting.h). False: no room, as above.
 */
bool mcpz_mail_base(struct mcpz_mail *mail, const struct mcpz_id *to,
                    const struct mcpz_id *document);

/** Tell `to` of branches, behind any delta that was mailed before. False: no room, as above. */
bool mcpz_mail_branches(struct mcpz_mail *mail, const struct mcpz_id *to,
                        const struct mcpz_msg_branches *page);

/** Ask `to` for deltas by name. False: no room, as above. */
bool mcpz_mail_fetch(struct mcpz_mail *mail, const struct mcpz_id *to,
                     const struct mcpz_msg_fetch *fetch);

/**
 * Send `to` (NULL: all neighbours) a copy of a message of core/crdt/entropy.h or horizon.h, behind
 * all deltas that were mailed before. False: no room.
 */
bool mcpz_mail_message(struct mcpz_mail *mail, const struct mcpz_id *to,
                       const struct mcpz_msg *msg);

/** Ask `to` by a CHECK: nothing of ours goes before the rest is on the disk. False: no room. */
bool mcpz_mail_check(struct mcpz_mail *mail, const struct mcpz_id *to, const struct mcpz_msg *msg);

/** The same of one that says nothing of what we have: it goes at once, whatever waits. */
bool mcpz_mail_question(struct mcpz_mail *mail, const struct mcpz_id *to,
                        const struct mcpz_msg *msg);

/**
 * Tell `to` (NULL: all neighbours) how far along we are with one document, behind any delta of
 * it that was mailed before. False: no room; it may be ignored, as the next round tells it too.
 */
bool mcpz_mail_offer(struct mcpz_mail *mail, const struct mcpz_id *to,
                     const struct mcpz_id *document, uint64_t digest);

/** Answer a request. There is always room for one reply and one fact a step. */
void mcpz_mail_reply(struct mcpz_mail *mail, uint64_t request, const struct mcpz_id *document,
                     struct mcpz_outcome outcome);

/** `document` took in somebody else's delta. */
void mcpz_mail_merged(struct mcpz_mail *mail, const struct mcpz_id *document);

/** `actor` has contradicted itself in `document`. There is always room for it, once a step. */
void mcpz_mail_forked(struct mcpz_mail *mail, const struct mcpz_id *document,
                      const struct mcpz_actor *actor);

#endif
