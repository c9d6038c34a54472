/*
 * GET /v1/tasks?state=...&type=...&limit=N&here=true: durable tasks, oldest first; of this node,
 * or of all that can be asked.
 *
 * What its owner says of a task counts. A copy is shown where its owner did not answer.
 */

#ifndef HTTP_TASK_LIST_H
#define HTTP_TASK_LIST_H

#include "http/exchange.h"

#define MCPZ_TASK_LIST_LIMIT 100
#define MCPZ_TASK_LIST_LIMIT_MAX 10000

#endif
