/* What other edges count, for status and metrics. */

#ifndef HTTP_COUNT_H
#define HTTP_COUNT_H

#include <stdbool.h>
#include <stdint.h>

/* A number that somebody counts. Texts are static. */
struct mcpz_api_count {
    const char *name; /* "net_accepted" */
    const char *help;
    uint64_t number;
    bool sinks; /* how many there are now; else it only grows */
};

#endif
