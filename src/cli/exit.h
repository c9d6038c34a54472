/* What the command's exit status says. Documented; other programs rely on it. */

#ifndef CLI_EXIT_H
#define CLI_EXIT_H

#include <mcpz/error.h>

enum mcpz_exit {
    MCPZ_EXIT_OK = 0,
    MCPZ_EXIT_FAILED = 1,
    MCPZ_EXIT_USAGE = 2,
    MCPZ_EXIT_CONFIG = 3,
    MCPZ_EXIT_UNREACHABLE = 4,
    MCPZ_EXIT_TIMEOUT = 5,
    MCPZ_EXIT_NOT_FOUND = 6,
    MCPZ_EXIT_DENIED = 7,
    MCPZ_EXIT_CONFLICT = 8,
    MCPZ_EXIT_INTERRUPTED = 130,
};

/** The status for a word of proto/code.h; MCPZ_EXIT_FAILED for one that has none of its own. */
enum mcpz_exit mcpz_exit_from_word(const char *word);

#endif
