#include "core/calls/outcome.h"

#include "proto/code.h"

enum mcpz_call_outcome mcpz_outcome_of(uint32_t code)
{
    switch (code) {
    case MCPZ_CODE_PROVIDER_FAILED:
        return MCPZ_OUTCOME_FAILED;
    case MCPZ_CODE_PROVIDER_CRASHED:
    case MCPZ_CODE_START_FAILED:
    case MCPZ_CODE_INTERNAL:
        return MCPZ_OUTCOME_BROKEN;
    case MCPZ_CODE_TIMEOUT:
        return MCPZ_OUTCOME_LATE;
    case MCPZ_CODE_BUSY:
    case MCPZ_CODE_DRAINING:
        return MCPZ_OUTCOME_BUSY;
    default: /* the caller's own fault, about this call only, or a link that broke */
        return MCPZ_OUTCOME_NOTHING;
    }
}

bool mcpz_outcome_is_free(uint32_t code)
{
    return code == MCPZ_CODE_PROVIDER_LOST || code == MCPZ_CODE_NOT_OFFERED ||
           code == MCPZ_CODE_DRAINING;
}

struct mcpz_bytes mcpz_outcome_output(const struct mcpz_msg *msg)
{
    if (msg->kind == MCPZ_MSG_DATA) {
        return msg->data.chunk;
    }
    return msg->kind == MCPZ_MSG_END ? msg->end.chunk : mcpz_bytes(NULL, 0);
}

const struct mcpz_load_report *mcpz_outcome_report(const struct mcpz_msg *msg,
                                                   struct mcpz_load_report *report)
{
    const bool ended = msg->kind == MCPZ_MSG_END;
    const uint32_t load = ended ? msg->end.load : msg->fail.load;

    if (load == 0) {
        return NULL;
    }
    *report = (struct mcpz_load_report){
        .rif = load - 1, .latency_us = ended ? msg->end.latency_us : msg->fail.latency_us};
    return report;
}
