/*
 * What a program in the node's own process has said, until the node can be told: messages as
 * structs, with all they point to, in the order in which they were put.
 *
 * A callback runs within the engine's turn, where the engine may not be called; so nothing a
 * program says goes straight to the desk. What was put does not move, and one that is looked at
 * stays while others are put behind it.
 */

#ifndef EMBED_PENDING_H
#define EMBED_PENDING_H

#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "proto/msg.h"

#define MCPZ_PENDING_BYTES_MAX 67108864 /* of one program */

struct mcpz_pending_block;

/* Zeroed is empty. */
struct mcpz_pending {
    struct mcpz_pending_block *first;
    struct mcpz_pending_block *last;
    size_t count; /* of messages */
    size_t bytes;
};

/**
 * Put a copy of `msg` behind the others: HELLO without a certificate, CAPABILITIES, OPEN, DATA,
 * END, FAIL, CANCEL, CREDIT or TASK_SUBMIT, within the bounds of wire/codec.h but for UTF-8, which
 * is checked.
 *
 * Errors: MCPZ_EFULL  MCPZ_PENDING_BYTES_MAX wait; MCPZ_EPROTO  a text is not UTF-8; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_pending_put(struct mcpz_pending *pending,
                                          const struct mcpz_msg *msg);

/** The first; NULL: there is none. Lasts until it is dropped. */
const struct mcpz_msg *mcpz_pending_first(const struct mcpz_pending *pending);
void mcpz_pending_drop(struct mcpz_pending *pending);

/** Drop all, and give back the memory. */
void mcpz_pending_clear(struct mcpz_pending *pending);

#endif
