/* What an agent was: moments as people write them, and how two states differ. */

#ifndef CLI_AGENT_PAST_H
#define CLI_AGENT_PAST_H

#include <jansson.h>
#include <stdint.h>

#include "cli/ask.h"

#define MCPZ_AGENT_QUERY_BYTES 64
#define MCPZ_AGENT_VERSION_CHARS_MIN 10 /* "v-" and 8 digits */
#define MCPZ_AGENT_VERSION_CHARS_MAX 34

/* A time, or the name of a write. */
struct mcpz_agent_moment {
    uint64_t at_ms;
    char version[MCPZ_AGENT_VERSION_CHARS_MAX + 1]; /* "": it is a time */
};

/** 2026-11-30T09:15:00Z, 10m (ago), or v-..., as `mcpz agent history` shows it. Tells why not. */
enum mcpz_exit mcpz_agent_moment_read(const struct mcpz_invocation *invocation, const char *text,
                                      struct mcpz_agent_moment *moment);

/** Whatever there is: a day from now, as stamps may be ahead of our clock. */
struct mcpz_agent_moment mcpz_agent_moment_now(void);

/** As a query of GET /v1/history/ID. */
void mcpz_agent_moment_query(const struct mcpz_agent_moment *moment,
                             char query[MCPZ_AGENT_QUERY_BYTES]);

/** As members of the body of POST /v1/agents/ID/restore; the caller's. NULL: out of memory. */
json_t *mcpz_agent_moment_body(const struct mcpz_agent_moment *moment);

/**
 * What differs between two states: [{"path": P, "before": value, "after": value}], without the
 * side that is not there. NULL: out of memory.
 */
json_t *mcpz_agent_compare(json_t *before, json_t *after);

/** Print that for people: what was (-) and what is (+). */
void mcpz_agent_print_differences(const json_t *differences);

#endif
