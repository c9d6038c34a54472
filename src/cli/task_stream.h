/*
 * A task whose input goes out, and whose result is written to standard output, as they come.
 *
 * Nothing is gathered: neither has to end before the other begins, and neither has to fit
 * anywhere. What standard output does not take stops what comes, back to who does the task.
 */

#ifndef CLI_TASK_STREAM_H
#define CLI_TASK_STREAM_H

#include <jansson.h>
#include <stdint.h>

#include "cli/exit.h"
#include "cli/options.h"

/**
 * Have the task of `header` (cli/task_options.h) done. `input` is a descriptor to read from, or
 * MCPZ_CLIENT_NO_FILE. Ctrl-C cancels. What went wrong is told.
 */
enum mcpz_exit mcpz_task_stream(const struct mcpz_invocation *invocation, const json_t *header,
                                int input);

#endif
