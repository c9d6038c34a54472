/*
 * What is said of a task on a command line, and in the environment of the task that says it: a
 * task done for another inherits what is left of its time, its tenant, its trace and its priority.
 *
 *   --timeout   MCPZ_DEADLINE_MS   wall clock, ms since 1970: never later than that
 *   --priority  MCPZ_PRIORITY
 *   --tenant    MCPZ_TENANT
 *   --traceparent MCPZ_TRACEPARENT
 */

#ifndef CLI_TASK_OPTIONS_H
#define CLI_TASK_OPTIONS_H

#include <jansson.h>
#include <stdint.h>

#include "cli/exit.h"
#include "cli/options.h"

/* The options that are read here, for a verb's table. */
#define MCPZ_TASK_OPTIONS                                                                         \
    {"params", '\0', "JSON", "parameters; @FILE reads a file, - standard input"},                 \
        {"timeout", '\0', "TIME", "give up after so long, e.g. 500ms, 30s (the default), 5m"},    \
        {"priority", '\0', "N", "0 to 100, higher first; 50 is the default"},                     \
        {"tenant", '\0', "NAME", "for whom it is done"},                                          \
        {"traceparent", '\0', "ID", "the trace it belongs to, as in W3C Trace Context"},          \
        {"idempotency-key", '\0', "KEY", "do it once, however often it is asked for under KEY"},  \
        {"idempotent", '\0', NULL, "doing it twice does no harm"},

/**
 * Make the object of POST /v1/tasks for the type that is the verb's first argument. `*timeout_ms`
 * is what it says. `*header` is the caller's; NULL on anything but MCPZ_EXIT_OK, which was told.
 */
enum mcpz_exit mcpz_task_options_read(const struct mcpz_invocation *invocation,
                                      uint64_t *timeout_ms, json_t **header);

#endif
