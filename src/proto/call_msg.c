#include "proto/call_msg.h"

bool mcpz_msg_call(const struct mcpz_msg *msg, uint64_t *call)
{
    switch ((int)msg->kind) {
    case MCPZ_MSG_DATA:
        *call = msg->data.call;
        return true;
    case MCPZ_MSG_END:
        *call = msg->end.call;
        return true;
    case MCPZ_MSG_FAIL:
        *call = msg->fail.call;
        return true;
    case MCPZ_MSG_CANCEL:
        *call = msg->cancel.call;
        return true;
    case MCPZ_MSG_CREDIT:
        *call = msg->credit.call;
        return true;
    default:
        return false;
    }
}

bool mcpz_msg_is_from_caller(const struct mcpz_msg *msg)
{
    switch ((int)msg->kind) {
    case MCPZ_MSG_OPEN:
    case MCPZ_MSG_CANCEL:
        return true;
    case MCPZ_MSG_DATA:
        return msg->data.from_caller;
    case MCPZ_MSG_END:
        return msg->end.from_caller;
    case MCPZ_MSG_CREDIT:
        return msg->credit.from_caller;
    default:
        return false;
    }
}
