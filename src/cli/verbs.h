/*
 * The words of the command line: every verb, its arguments and options, and its help.
 *
 * These rows drive parsing (options.h), help (help.h) and what is run (mcpz.c). A new verb is a
 * row in the table of its family, at the end of verb_*.c, beside the function that it runs.
 */

#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "cli/exit.h"

#define MCPZ_VERB_WORDS_MAX 2
#define MCPZ_VERB_ARGUMENTS_MAX 32 /* of a command, after a pool's name */

struct mcpz_invocation; /* options.h */

/* An option of one name has one letter and takes a value, or not, wherever it appears. */
struct mcpz_option {
    const char *name;  /* without dashes */
    char letter;       /* '\0': only the long form */
    const char *value; /* what it takes, as help calls it; NULL: nothing */
    const char *help;
};

struct mcpz_verb {
    enum mcpz_exit (*run)(const struct mcpz_invocation *invocation); /* tells its own failures */
    const char *name;                                                /* one or two words */
    const char *arguments; /* as help shows them; "" for none */
    size_t argument_min;
    size_t argument_max;
    const char *line;                  /* one line for the overview, no final stop */
    const char *help;                  /* the rest: prose and examples, ends with a newline */
    const struct mcpz_option *options; /* besides those every verb has */
    size_t option_count;
};

#define MCPZ_OPTIONS(array) .options = (array), .option_count = MCPZ_ARRAY_LEN(array)

/** Verb number `index`, in the order in which help lists them; NULL behind the last. */
const struct mcpz_verb *mcpz_verb_at(size_t index);

/* What every verb takes: --data, --json, --help. */
#define MCPZ_COMMON_OPTION_COUNT 3
extern const struct mcpz_option mcpz_common_options[MCPZ_COMMON_OPTION_COUNT];

/** The verb called `first` or `first second`; NULL if there is none. `second` may be NULL. */
const struct mcpz_verb *mcpz_verb_find(const char *first, const char *second);

/** Is `word` the first of several two-word verbs ("token")? */
bool mcpz_verb_is_family(const char *word);

/** The option of `verb` with this name (long) or letter; NULL if it does not take one. */
const struct mcpz_option *mcpz_verb_option(const struct mcpz_verb *verb, const char *name);
const struct mcpz_option *mcpz_verb_letter(const struct mcpz_verb *verb, char letter);

#endif
