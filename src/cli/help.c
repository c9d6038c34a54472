#include "cli/help.h"

#include <stdbool.h>
#include <string.h>

#define LEFT_WIDTH 34 /* verb and arguments, option and value */

static void print_two(FILE *out, const char *left, const char *right)
{
    (void)fprintf(out, "  %-*s %s\n", LEFT_WIDTH, left, right);
}

static void print_verb_line(FILE *out, const struct mcpz_verb *verb)
{
    char left[128];

    (void)snprintf(left, sizeof(left), "%s%s%s", verb->name, verb->argument_max > 0 ? " " : "",
                   verb->arguments);
    print_two(out, left, verb->line);
}

static void print_options(FILE *out, const struct mcpz_option *options, size_t count)
{
    char left[64];

    for (size_t i = 0; i < count; i++) {
        const struct mcpz_option *option = &options[i];
        const char short_form[] = {'-', option->letter, ',', ' ', '\0'};
        (void)snprintf(left, sizeof(left), "%s--%s%s%s", option->letter != '\0' ? short_form : "",
                       option->name, option->value != NULL ? " " : "",
                       option->value != NULL ? option->value : "");
        print_two(out, left, option->help);
    }
}

void mcpz_help_overview(FILE *out)
{
    const struct mcpz_verb *verb = NULL;

    (void)fputs("mcpz: a node of a peer-to-peer mesh, and its command line\n"
                "\n"
                "Usage: mcpz VERB [ARGUMENT]... [OPTION]...\n"
                "\n"
                "Verbs:\n",
                out);
    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        print_verb_line(out, verb);
    }
    (void)fputs("\nOptions of every verb:\n", out);
    print_options(out, mcpz_common_options, MCPZ_COMMON_OPTION_COUNT);
    (void)fputs("\n"
                "Exit status: 0 ok, 1 failed, 2 usage, 3 configuration invalid, 4 node not\n"
                "reachable, 5 timeout, 6 not found, 7 denied, 8 conflict, 130 interrupted.\n"
                "\"mcpz help VERB\" says more, with examples.\n",
                out);
}

void mcpz_help_family(FILE *out, const char *family)
{
    size_t length = strlen(family);
    const struct mcpz_verb *verb = NULL;

    (void)fprintf(out, "Usage: mcpz %s VERB [ARGUMENT]... [OPTION]...\n\nVerbs:\n", family);
    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        if (strncmp(verb->name, family, length) == 0 && verb->name[length] == ' ') {
            print_verb_line(out, verb);
        }
    }
}

void mcpz_help_verb(FILE *out, const struct mcpz_verb *verb)
{
    (void)fprintf(out, "Usage: mcpz %s%s%s [OPTION]...\n\n%s: %s.\n", verb->name,
                  verb->argument_max > 0 ? " " : "", verb->arguments, verb->name, verb->line);
    (void)fprintf(out, "%s%s\nOptions:\n", verb->help[0] == '\n' ? "" : "\n", verb->help);
    print_options(out, verb->options, verb->option_count);
    print_options(out, mcpz_common_options, MCPZ_COMMON_OPTION_COUNT);
}
