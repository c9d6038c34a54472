/* What became of a task, for people and programs: its result as it is, or why there is none. */

#ifndef CLI_TASK_ANSWER_H
#define CLI_TASK_ANSWER_H

#include <jansson.h>

#include "cli/exit.h"
#include "cli/options.h"

/** Show what the node says of a task that is over. Returns the status that goes with it. */
enum mcpz_exit mcpz_task_answer_show(const struct mcpz_invocation *invocation,
                                     const json_t *answer);

#endif
