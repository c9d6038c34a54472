/* A file that an answer goes to, which takes its name only when it is whole. */

#ifndef CLI_TARGET_FILE_H
#define CLI_TARGET_FILE_H

#include <stddef.h>

#include "cli/exit.h"
#include "cli/options.h"

struct mcpz_target_file {
    const char *path; /* NULL: standard output */
    char temporary[4096];
    int file;
};

/**
 * Open `path`; NULL or "-" is standard output, which with --json, or where it is a terminal, is
 * refused: `what` is the thing ("a snapshot"). Tells why not.
 */
enum mcpz_exit mcpz_target_file_open(const struct mcpz_invocation *invocation, const char *path,
                                     const char *what, struct mcpz_target_file *target);

/** Give it its name if `status` is MCPZ_EXIT_OK, else remove it. Returns `status`, or tells. */
enum mcpz_exit mcpz_target_file_close(const struct mcpz_invocation *invocation,
                                      const struct mcpz_target_file *target,
                                      enum mcpz_exit status);

/** Tell that it cannot be written to (errno). */
enum mcpz_exit mcpz_target_file_fail(const struct mcpz_invocation *invocation, const char *path);

#endif
