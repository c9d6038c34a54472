/*
 * What somebody typed, held against the table of verbs.
 *
 *   mcpz [OPTION]... VERB [OPTION|ARGUMENT]...
 *
 * Options may stand anywhere, "--name value" and "--name=value"; "--" ends them. A lone "-" and
 * what looks like a negative number are arguments.
 */

#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "cli/verbs.h"
#include "embed/trouble.h"

#define MCPZ_GIVEN_MAX 256 /* options on one command line */
#define MCPZ_WORDS_MAX (MCPZ_VERB_WORDS_MAX + MCPZ_VERB_ARGUMENTS_MAX)

struct mcpz_given {
    const struct mcpz_option *option;
    const char *value; /* NULL if it takes none */
};

/* All texts are borrowed from argv. */
struct mcpz_invocation {
    const struct mcpz_verb *verb; /* NULL: none was said */
    const char *family;           /* "token", if only that was said; else NULL */
    const char *arguments[MCPZ_VERB_ARGUMENTS_MAX];
    size_t argument_count;
    struct mcpz_given given[MCPZ_GIVEN_MAX];
    size_t given_count;
    bool json;
    bool help;
    const char *data; /* --data, else MCPZ_DATA, else "./var" */
};

/**
 * Read the command line.
 *
 * Without a verb, or with a family alone, it is up to the caller to show what there is. With
 * --help, arguments are not counted. `json` is right even on error, as far as it was read.
 *
 * Errors: MCPZ_EPROTO  no such verb or option, a value missing or too much, too few or too many
 *                      arguments: `trouble` says which, and what may have been meant
 *         MCPZ_EFULL   more than MCPZ_GIVEN_MAX options
 */
MCPZ_MUST_USE mcpz_error mcpz_options_read(int argc, char **argv,
                                           struct mcpz_invocation *invocation,
                                           struct mcpz_trouble *trouble);

/** The last value given for option `name`, NULL if it was not given. */
const char *mcpz_option_value(const struct mcpz_invocation *invocation, const char *name);

/** Was option `name` given? */
bool mcpz_option_is_given(const struct mcpz_invocation *invocation, const char *name);

/** Argument number `index`, NULL if there are fewer. */
const char *mcpz_argument(const struct mcpz_invocation *invocation, size_t index);

#endif
