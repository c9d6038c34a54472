/* The program: what was typed, looked up in the table of verbs, run. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/help.h"
#include "cli/options.h"
#include "proto/code.h"

/* Help asked for is data; help shown because something is missing is talk, and a usage error. */
static enum mcpz_exit show_help(const struct mcpz_invocation *invocation)
{
    FILE *out = invocation->help ? stdout : stderr;

    if (invocation->verb != NULL) {
        mcpz_help_verb(out, invocation->verb);
    } else if (invocation->family != NULL) {
        mcpz_help_family(out, invocation->family);
    } else {
        mcpz_help_overview(out);
    }
    return invocation->help ? MCPZ_EXIT_OK : MCPZ_EXIT_USAGE;
}

static enum mcpz_exit run(const struct mcpz_invocation *invocation)
{
    enum mcpz_exit status = invocation->help || invocation->verb == NULL
                                ? show_help(invocation)
                                : invocation->verb->run(invocation);

    /* A full disk behind a redirection shows only here. */
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == MCPZ_EXIT_OK) {
        (void)fputs("mcpz: cannot write to standard output\n", stderr);
        return MCPZ_EXIT_FAILED;
    }
    return status;
}

/* Under its other name it is one verb. */
static char **with_verb(int *argc, char **argv)
{
    static char *words[MCPZ_GIVEN_MAX * 2 + MCPZ_WORDS_MAX];
    static char verb[] = "bench";
    const char *slash = argv[0] != NULL ? strrchr(argv[0], '/') : NULL;
    const char *name = slash != NULL ? slash + 1 : argv[0];

    if (name == NULL || strcmp(name, "mcp-zero-benchmark") != 0 ||
        *argc + 2 > (int)MCPZ_ARRAY_LEN(words)) {
        return argv;
    }
    words[0] = argv[0];
    words[1] = verb;
    memcpy(words + 2, argv + 1, (size_t)*argc * sizeof(argv[0])); /* with the NULL at its end */
    *argc += 1;
    return words;
}

int main(int argc, char **argv)
{
    static struct mcpz_invocation invocation; /* too large for a stack frame one would like */
    struct mcpz_trouble trouble;

    argv = with_verb(&argc, argv);
    if (mcpz_options_read(argc, argv, &invocation, &trouble) != MCPZ_OK) {
        return (int)mcpz_fail(&invocation, MCPZ_EXIT_USAGE, mcpz_code_word(MCPZ_CODE_BAD_REQUEST),
                              trouble.text);
    }
    return (int)run(&invocation);
}
