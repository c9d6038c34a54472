/*
 * What the node and a long-lived worker say to each other: one JSON object a line.
 *
 *   node    {"hello": 1, "capability": "text.words", "plugins": ["stemmer"]}
 *   worker  {"ready": true}                      or {"ready": false, "error": "no dictionary"}
 *   node    {"id": 7, "type": "text.words", "params": {...}, "input": "...", ...}
 *   worker  {"id": 7, "progress": ...}           as often as it likes; shows that it lives
 *           {"id": 7, "output": "text"}          or "output_base64": a piece of the result
 *           {"id": 7, "result": ...}             the end; any JSON, which is the rest of the
 *                                                result; null adds nothing
 *           {"id": 7, "plan": {...}}             another end: it is to be split into subtasks
 *                                                (proto/plan.h); where the task says "levels"
 *           {"id": 7, "error": "what went wrong"}   the last way to end
 *   node    {"id": 7, "cancel": true}            nobody waits for it any more
 *
 * Members that are not known are passed over. An input that is not UTF-8 goes as "input_base64".
 * Pure: bytes in, meaning out.
 */

#ifndef EXEC_WORKER_LINE_H
#define EXEC_WORKER_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define MCPZ_WORKER_LINE_BYTES_MAX 2097152 /* either way, line end included */

enum mcpz_worker_says {
    MCPZ_WORKER_READY = 1,
    MCPZ_WORKER_NOT_READY, /* `value`: why; may be empty */
    MCPZ_WORKER_PROGRESS,
    MCPZ_WORKER_OUTPUT, /* `value`: the bytes */
    MCPZ_WORKER_RESULT, /* `value`: JSON; empty for null */
    MCPZ_WORKER_PLAN,   /* `value`: JSON */
    MCPZ_WORKER_ERROR,  /* `value`: the text */
    MCPZ_WORKER_NONSENSE,
};

struct mcpz_worker_line {
    enum mcpz_worker_says says;
    uint64_t id;             /* of the task, for all but READY, NOT_READY and NONSENSE */
    struct mcpz_bytes value; /* in the line */
};

/** Read one line, without its end. Strings are read in place: `line` is not the same after. */
struct mcpz_worker_line mcpz_worker_line_read(uint8_t *line, size_t length);

/* A task, as it is told to a worker. All borrowed. */
struct mcpz_worker_task {
    uint64_t id;
    const char *type;
    struct mcpz_bytes params; /* JSON, or empty */
    struct mcpz_bytes input;
    bool has_input;
    const char *caller;
    const char *tenant;
    const char *traceparent;
    const char *idempotency_key;
    uint64_t deadline_wall_ms;
    uint32_t priority;
    uint32_t levels; /* of subtasks it may be split into */
};

/** Room that is enough for mcpz_worker_line_task(). */
size_t mcpz_worker_line_task_bytes(const struct mcpz_worker_task *task);

/** Write the line of a task, line end included; its length. */
size_t mcpz_worker_line_task(const struct mcpz_worker_task *task, char *line);

/** The same for the first line. `line` has room for all of it six times, and 128 bytes. */
size_t mcpz_worker_line_hello(const char *capability, char *const *plugins, size_t plugin_count,
                              char *line);

/** And for the end of interest. `line` has room for 64 bytes. */
size_t mcpz_worker_line_cancel(uint64_t id, char *line);

#endif
