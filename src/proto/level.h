/*
 * Security levels of tenants, and how much each may ask for (R-TASK-8).
 *
 * A level is a word in the configuration. Nobody is held to a rate unless a level is named: for
 * the tenant, or for all that are not.
 */

#ifndef PROTO_LEVEL_H
#define PROTO_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

/*        name      word        calls a minute */
#define MCPZ_LEVELS(X)                                                                            \
    X(NONE, "none", 0) /* no limit */                                                             \
    X(DIAMOND, "diamond", 10000)                                                                  \
    X(EMERALD, "emerald", 5000)                                                                   \
    X(SAPPHIRE, "sapphire", 2000)                                                                 \
    X(OPAL, "opal", 1000)                                                                         \
    X(ONYX, "onyx", 500)

enum mcpz_level {
#define X(name, word, rate) MCPZ_LEVEL_##name,
    MCPZ_LEVELS(X)
#undef X
        MCPZ_LEVEL_COUNT,
};

/** Its word in the configuration, lower case. */
const char *mcpz_level_word(enum mcpz_level level);

/** Calls a minute; 0: no limit. */
uint32_t mcpz_level_per_minute(enum mcpz_level level);

/** Find a level by its word, in upper or lower case. False: there is none of that name. */
bool mcpz_level_parse(const char *word, enum mcpz_level *level);

#endif
