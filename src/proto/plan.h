/*
 * What a task is split into, as its provider says it: a JSON object. And how the core reads it.
 *
 *   {"subtasks": [{"type": "text.count", "params": {"part": 1}, "weight": 2}, ...],
 *    "aggregate": "parallel", "on_failure": "fail"}
 *
 *   subtasks      1 to MCPZ_SUBTASKS_MAX. Each has "type", and may have "id" (for people),
 * "params" (any JSON), "input" or "input_base64", "attempts", "timeout_ms", and "weight" (1 if
 * nothing is said; 0 to 100, three decimals at most) aggregate     "parallel" (the default),
 * "sequential" or "weighted": enum mcpz_task_aggregate reduce        {"type": ..., "params": ...}:
 * one more task, whose input is a JSON array of the results, in order (null: it failed; with
 * weights: {"weight", "result"} each), and whose result is the result of all on_failure    "fail"
 * (the default): one that fails is the end of all; or "partial" failures_max  with "partial": more
 * failures than this are the end; all of them always are
 *
 * What is not known is refused, for a word misspelt is no wish granted.
 */

#ifndef PROTO_PLAN_H
#define PROTO_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/limits.h"
#include "proto/task.h"

#define MCPZ_PLAN_ID_BYTES_MAX 64
#define MCPZ_PLAN_ESCAPE_CHARS 6

/* Slices lie in the text that was read. */
struct mcpz_plan_item {
    struct mcpz_bytes id;
    struct mcpz_bytes type;
    struct mcpz_bytes params; /* JSON; empty: none */
    struct mcpz_bytes input;
    uint32_t weight;       /* in thousandths */
    uint32_t attempts_max; /* 0: as its parent */
    uint32_t timeout_ms;   /* 0: as its parent */
};

struct mcpz_plan {
    struct mcpz_task_plan head;                         /* but for its text and weights */
    struct mcpz_plan_item items[MCPZ_SUBTASKS_MAX + 1]; /* if it reduces, that one is the last */
};

/* JSON as the core sees it, which knows none itself: wire/plan.h. */
struct mcpz_planner {
    /*
     * Read a plan. `text` (`length` bytes) is changed: strings are read in place, and the plan's
     * slices lie there. False: `*why` says what is wrong with it, for people, and `*plan` is
     * garbage; `*at` is the subtask in question, from 1, or 0.
     */
    bool (*read)(uint8_t *text, size_t length, struct mcpz_plan *plan, const char **why,
                 size_t *at);

    /* Is this one JSON value that any reader can take? */
    bool (*is_value)(struct mcpz_bytes text);

    /* How this byte must be written in a string. Returns how many characters; 0: as it is. */
    size_t (*escape)(uint8_t byte, char escape[MCPZ_PLAN_ESCAPE_CHARS]);
};

#endif
