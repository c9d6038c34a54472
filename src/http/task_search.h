/*
 * One durable task, wherever in the mesh it lies: find who owns it, have that node do what is
 * asked.
 *
 *   here? -> who took it in, as its id says -> its owner, as that one says -> everybody
 *
 * Its owner's word counts. Where the owner is gone, a node that keeps a copy says how far it had
 * come, and lets wait; what only an owner may do waits until somebody has taken over.
 */

#ifndef HTTP_TASK_SEARCH_H
#define HTTP_TASK_SEARCH_H

#include "http/exchange.h"
#include "proto/task.h"

enum mcpz_task_verb {
    MCPZ_TASK_STATUS,
    MCPZ_TASK_WAIT,
    MCPZ_TASK_CANCEL,
    MCPZ_TASK_REPLAY,
    MCPZ_TASK_PURGE,
};

struct mcpz_task_request {
    struct mcpz_task_id id;
    enum mcpz_task_verb verb;
    json_int_t timeout_ms; /* WAIT */
};

/** Do it, here if this node owns the task or is asked by another, else where it is owned. */
void mcpz_task_do(struct mcpz_exchange *exchange, const struct mcpz_task_request *request);

/** Do it with what this node knows: http/api_durable.c. */
void mcpz_task_do_here(struct mcpz_exchange *exchange, const struct mcpz_task_request *request);

#endif
