/* One write to an agent, read from JSON: of POST /v1/agents/ID/VERB, and of a line of POST
 * /v1/apply. */

#ifndef HTTP_AGENT_WRITE_H
#define HTTP_AGENT_WRITE_H

#include "base/attr.h"
#include "core/event.h"
#include "http/document.h"
#include "http/exchange.h"

/**
 * Is the write to be done here? Reads how many owners are to have it; a node that keeps the agent
 * does it otherwise, with what is in the exchange. False: it is answered, or handed on.
 */
MCPZ_MUST_USE bool mcpz_agent_write_is_done_here(struct mcpz_exchange *exchange,
                                                 const struct mcpz_request *request,
                                                 bool repeatable, struct mcpz_event_agent *agent);

/** Hand the write in; its REPLY is the answer, with `status` and `json`, which is taken. */
void mcpz_agent_write_hand_in(struct mcpz_exchange *exchange, struct mcpz_event_agent *agent,
                              unsigned status, json_t *json);

/** POST /v1/agents/ID/restore: http/api_history.c. */
void mcpz_api_restore_agent(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                            struct mcpz_bytes id);

/* What was read, and the memory it lies in. */
struct mcpz_agent_write {
    struct mcpz_event_agent agent;
    struct mcpz_path path;
    struct mcpz_value value;
};

/**
 * Read {"op": "create", "delete" or a verb, "id": ID, and what the verb is told}. What `write`
 * says lies in it and in `object`. False: `answer` has been answered with what is wrong.
 */
MCPZ_MUST_USE bool mcpz_agent_write_read(struct mcpz_exchange *answer, json_t *object,
                                         struct mcpz_agent_write *write);

/** Is it as done once if it is done twice, also in its answer? */
bool mcpz_agent_write_is_repeatable(enum mcpz_agent_op op);

#endif
