/* What is said about a task, put together from pieces: as much of it as a task keeps. */

#ifndef CORE_TASK_TEXT_H
#define CORE_TASK_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/limits.h"

struct mcpz_task_text {
    char bytes[MCPZ_TASK_TEXT_BYTES_MAX];
    size_t length;
};

/** Add `more`, cut between characters where it is too long. */
void mcpz_task_text_add(struct mcpz_task_text *text, struct mcpz_bytes more);

/** Add a number, in decimal. */
void mcpz_task_text_add_number(struct mcpz_task_text *text, uint32_t number);

static inline struct mcpz_bytes mcpz_task_text_bytes(const struct mcpz_task_text *text)
{
    return mcpz_bytes(text->bytes, text->length);
}

#endif
