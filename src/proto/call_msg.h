/* What messages of calls have in common: which call, and which side speaks. */

#ifndef PROTO_CALL_MSG_H
#define PROTO_CALL_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/msg.h"

/** The call that DATA, END, FAIL, CANCEL or CREDIT is about. False: the message is none of them.
 */
bool mcpz_msg_call(const struct mcpz_msg *msg, uint64_t *call);

/** Does the side speak that asked for it? Of those messages; OPEN is the caller's too. */
bool mcpz_msg_is_from_caller(const struct mcpz_msg *msg);

#endif
