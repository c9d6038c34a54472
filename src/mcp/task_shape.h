/*
 * Tasks of the protocol as the two eras write them: what is said of one, who can make them, and
 * of which tools.
 *
 *   2025-11-25                                  2026-07-28, an extension
 *   {"task": {"taskId", ..., "ttl",             {"resultType": "task", "taskId", ..., "ttlMs",
 *    "pollInterval"}}                            "pollIntervalMs"}
 *   tasks/get, then tasks/result                tasks/get, which has the result or the error
 *   a question during tasks/result              "inputRequests" in tasks/get, and tasks/update
 *   capabilities.tasks.requests.tools.call      capabilities.extensions: io.modelcontextprotocol/
 *   and execution.taskSupport of the tool       tasks: the server decides, call by call
 *
 * What is not translated is copied byte for byte. All objects were checked (wire/json.h).
 *
 * Source: Model Context Protocol 2025-11-25, "Tasks"; SEP-2663, the tasks extension.
 */

#ifndef MCP_TASK_SHAPE_H
#define MCP_TASK_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "wire/json.h"

#define MCPZ_TASKS_EXTENSION "io.modelcontextprotocol/tasks"
#define MCPZ_RELATED_TASK "io.modelcontextprotocol/related-task"

/* What is put in the place of what the server says of a task; as it says where that is not set. */
struct mcpz_task_shape {
    struct mcpz_bytes id; /* JSON */
    const char *status;
    int64_t ttl_max_ms; /* it is forgotten after that; 0: whenever its server likes */
};

/**
 * Put the members of a task without braces, ready for more before or behind them: "a":1,"b":2
 * Those that only one era has (the result, what is asked, `resultType`, `_meta`) are left out.
 */
void mcpz_task_shape_put_modern(struct mcpz_json_writer *writer, struct mcpz_json task,
                                const struct mcpz_task_shape *as);
void mcpz_task_shape_put_legacy(struct mcpz_json_writer *writer, struct mcpz_json task,
                                const struct mcpz_task_shape *as);

/** Is it over, by its status? */
bool mcpz_task_shape_is_over(struct mcpz_json task);

/** Says a server of either era that its tools can be called as tasks? */
bool mcpz_task_shape_has_legacy(struct mcpz_json capabilities);
bool mcpz_task_shape_has_modern(struct mcpz_json capabilities);

/** Put the capabilities of a server for a client of the other era. */
void mcpz_task_shape_put_capabilities(struct mcpz_json_writer *writer,
                                      struct mcpz_json capabilities, bool for_modern);

/**
 * How a tool of a modern server that makes tasks begins for a legacy client, which may ask for
 * one: in the place of the brace. Empty: as it is.
 */
struct mcpz_bytes mcpz_task_shape_tool(struct mcpz_json tool);

enum mcpz_task_support { MCPZ_TASK_FORBIDDEN, MCPZ_TASK_OPTIONAL, MCPZ_TASK_REQUIRED };

/** What a tool of a legacy server says. */
enum mcpz_task_support mcpz_task_shape_support(struct mcpz_json tool);

#endif
