/* What a workspace can run out of, and what to say about it. */

#ifndef EXEC_LIMIT_H
#define EXEC_LIMIT_H

#include <stddef.h>

#include "host/service.h"

enum mcpz_limit {
    MCPZ_LIMIT_NONE = 0,
    MCPZ_LIMIT_CPU,
    MCPZ_LIMIT_MEMORY,
    MCPZ_LIMIT_DISK,
    MCPZ_LIMIT_DEPTH,   /* MCPZ_WORKSPACE_DEPTH_MAX */
    MCPZ_LIMIT_ENTRIES, /* MCPZ_WORKSPACE_FILES_MAX */
    MCPZ_LIMIT_PROCESSES,
    MCPZ_LIMIT_TIME,
};

/** Which limit it was, how much, and where the provider called `name` has it raised. */
void mcpz_limit_show(enum mcpz_limit limit, const struct mcpz_service_limits *limits,
                     const char *name, char *text, size_t capacity);

#endif
