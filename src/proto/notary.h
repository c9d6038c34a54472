/*
 * The port through which the core has what it says of itself signed, what others say of
 * themselves verified, and hears who is not to be heard any more. The engine holds the keys; a
 * simulation may leave both out.
 */

#ifndef PROTO_NOTARY_H
#define PROTO_NOTARY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/msg.h"

struct mcpz_notary {
    void *context; /* handed to each */

    /* Write MCPZ_SIGNATURE_BYTES over `member` as if it had no signature. NULL: nobody signs. */
    void (*sign)(void *context, const struct mcpz_msg_member *member, uint8_t *signature);

    /* Is `member->signature` that of `member->id`? NULL: everybody is believed. */
    bool (*verify)(void *context, const struct mcpz_msg_member *member);

    /* Is it gone for good, whatever it says of itself? NULL: nobody is. */
    bool (*is_revoked)(void *context, const struct mcpz_id *node);
};

#endif
