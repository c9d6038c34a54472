#include "exec/limit.h"

#include <stdio.h>

#include "exec/workspace.h"

#define AMOUNT_BYTES 96

/* What was used; the key under `limits` that raises it, NULL if none does. */
static const char *measure(enum mcpz_limit limit, const struct mcpz_service_limits *limits,
                           char amount[AMOUNT_BYTES])
{
    switch (limit) {
    case MCPZ_LIMIT_NONE:
        amount[0] = '\0';
        return NULL;
    case MCPZ_LIMIT_CPU:
        (void)snprintf(amount, AMOUNT_BYTES, "all the processor time of %u.%03u cores",
                       limits->cpu_milli / 1000, limits->cpu_milli % 1000);
        return "cpu or limits.time";
    case MCPZ_LIMIT_MEMORY:
        (void)snprintf(amount, AMOUNT_BYTES, "more than %llu MiB of memory",
                       (unsigned long long)(limits->memory_bytes >> 20));
        return "memory";
    case MCPZ_LIMIT_DISK:
        (void)snprintf(amount, AMOUNT_BYTES, "more than %llu MiB of disk",
                       (unsigned long long)(limits->disk_bytes >> 20));
        return "disk";
    case MCPZ_LIMIT_DEPTH:
        (void)snprintf(amount, AMOUNT_BYTES, "directories more than %d deep",
                       MCPZ_WORKSPACE_DEPTH_MAX);
        return NULL;
    case MCPZ_LIMIT_ENTRIES:
        (void)snprintf(amount, AMOUNT_BYTES, "more than %d files", MCPZ_WORKSPACE_FILES_MAX);
        return NULL;
    case MCPZ_LIMIT_PROCESSES:
        (void)snprintf(amount, AMOUNT_BYTES, "more than %u processes", limits->processes);
        return "processes";
    case MCPZ_LIMIT_TIME:
        (void)snprintf(amount, AMOUNT_BYTES, "more than %u s of time", limits->seconds);
        return "time";
    }
    return NULL;
}

void mcpz_limit_show(enum mcpz_limit limit, const struct mcpz_service_limits *limits,
                     const char *name, char *text, size_t capacity)
{
    char amount[AMOUNT_BYTES];
    const char *key = measure(limit, limits, amount);

    if (key == NULL) {
        (void)snprintf(text, capacity, "it used %s, and was stopped", amount);
        return;
    }
    (void)snprintf(text, capacity,
                   "it used %s, and was stopped: where that is right, raise limits.%s of the "
                   "provider %s",
                   amount, key, name);
}
