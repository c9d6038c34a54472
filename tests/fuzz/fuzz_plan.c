/*
 * Any bytes as a plan of subtasks. What is refused says why; what is taken keeps every bound, and
 * all it points to lies within the bytes.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static uint8_t text[MCPZ_PLAN_BYTES_MAX + 64];
static struct mcpz_plan plan;

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool is_within(struct mcpz_bytes slice, size_t length)
{
    return slice.length == 0 || (slice.data >= text && slice.data + slice.length <= text + length);
}

static void check_item(const struct mcpz_plan_item *item, size_t length)
{
    must(is_within(item->id, length) && is_within(item->type, length));
    must(is_within(item->params, length) && is_within(item->input, length));
    must(item->type.length > 0 && item->type.length <= MCPZ_CAPABILITY_BYTES_MAX);
    must(mcpz_bytes_is_utf8(item->type) && memchr(item->type.data, 0, item->type.length) == NULL);
    must(item->id.length <= MCPZ_PLAN_ID_BYTES_MAX);
    must(item->params.length + item->input.length <= MCPZ_TASK_BYTES_MAX);
    must(item->params.length == 0 || mcpz_json_planner.is_value(item->params));
    must(item->attempts_max <= MCPZ_TASK_ATTEMPTS_MAX);
    must(item->timeout_ms <= MCPZ_CALL_TIMEOUT_MS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const char *why = NULL;
    size_t at = 0;

    if (length > sizeof(text)) {
        return 0;
    }
    if (length > 0) {
        memcpy(text, bytes, length);
    }
    if (!mcpz_json_planner.read(text, length, &plan, &why, &at)) {
        must(why != NULL && at <= MCPZ_SUBTASKS_MAX);
        return 0;
    }
    must(plan.head.count > 0 && plan.head.count <= MCPZ_SUBTASKS_MAX);
    must(plan.head.failures_max < plan.head.count);
    must(plan.head.aggregate > 0 && plan.head.aggregate < MCPZ_TASK_AGGREGATE_END);
    for (size_t i = 0; i < plan.head.count + plan.head.reduces; i++) {
        check_item(&plan.items[i], length);
    }
    return 0;
}
