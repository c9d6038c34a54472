/* The table of verbs as text and as JSON. */

#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/verbs.h"

/** Every verb with its line. */
void mcpz_help_overview(FILE *out);

/** The verbs of one family. */
void mcpz_help_family(FILE *out, const char *family);

/** One verb: usage, line, prose, options, examples. */
void mcpz_help_verb(FILE *out, const struct mcpz_verb *verb);

#endif
