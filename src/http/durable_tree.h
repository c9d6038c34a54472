/* Durable tasks that are split, as JSON: what they were split into, and what their result is. */

#ifndef HTTP_DURABLE_TREE_H
#define HTTP_DURABLE_TREE_H

#include <jansson.h>

#include "base/bytes.h"
#include "engine/engine.h"
#include "proto/task.h"

#define MCPZ_DURABLE_TREE_MAX 1000 /* subtasks that are shown of one task */

/**
 * What is said of a split task beside what is said of any: "aggregate", "failures_max", "subtasks"
 * (each with its own, if it was split; "subtasks_cut" if there are more than are shown). Nothing
 * of one that was not split. Within a turn.
 */
void mcpz_durable_tree_add(struct mcpz_engine *engine, const struct mcpz_task_id *id,
                           json_t *json);

/** Bytes as JSON if they are that, else as text, else as base64; `*encoding` as below. */
json_t *mcpz_durable_bytes(struct mcpz_bytes bytes, const char **encoding);

/**
 * The result of a task that is done, made of those of its subtasks where need be. `*encoding` says
 * how it is said: "json", "text", "base64"; "too_large": more than MCPZ_RESULT_BYTES_MAX, and null
 * stands for it. Within a turn.
 */
json_t *mcpz_durable_result(struct mcpz_engine *engine, const struct mcpz_task_id *id,
                            const char **encoding);

#endif
