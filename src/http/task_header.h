/*
 * What is said of a task besides its input: the JSON object in the first line of POST /v1/tasks.
 *
 *   type             a capability's name
 *   params           any JSON; absent: none
 *   timeout_ms       1 to MCPZ_CALL_TIMEOUT_MS_MAX; absent: 30 s
 *   priority         0 to 100, higher first; absent: 50
 *   tenant           for whom; absent: nobody in particular. Whoever asks for one tenant alone may
 *                    say no other
 *   traceparent      W3C Trace Context
 *   idempotency_key  done once however often it is asked for under this key
 *   idempotent       true: doing it twice does no harm; absent: true if there is a key
 *   isolation        "none", "degraded", "strict": only where it is done so isolated, or more
 *                    (not of durable tasks); absent: wherever
 */

#ifndef HTTP_TASK_HEADER_H
#define HTTP_TASK_HEADER_H

#include "http/exchange.h"

struct mcpz_task_header {
    char *params; /* compact JSON; NULL: none. The header's */
    uint32_t timeout_ms;
    uint32_t priority;
    bool idempotent;
    uint8_t isolation; /* enum mcpz_isolation */
    char type[MCPZ_CAPABILITY_BYTES_MAX + 1];
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    char traceparent[MCPZ_TRACEPARENT_BYTES_MAX + 1];
    char idempotency_key[MCPZ_IDEMPOTENCY_KEY_BYTES_MAX + 1];
};

/* The members it reads, for a list of those allowed. */
#define MCPZ_TASK_HEADER_MEMBERS                                                                  \
    "type", "params", "timeout_ms", "priority", "tenant", "traceparent", "idempotency_key",       \
        "idempotent"

/** Read it from `object`. False: the exchange has been answered with what is wrong. */
MCPZ_MUST_USE bool mcpz_task_header_read(struct mcpz_exchange *exchange, const json_t *object,
                                         struct mcpz_task_header *header);

void mcpz_task_header_finish(struct mcpz_task_header *header);

/** What TASK_START says of it. Slices point into `header`. */
struct mcpz_event_task mcpz_task_header_start(const struct mcpz_task_header *header);

#endif
