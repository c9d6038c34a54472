#include "cli/target_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"

enum mcpz_exit mcpz_target_file_fail(const struct mcpz_invocation *invocation, const char *path)
{
    struct mcpz_trouble trouble;

    mcpz_trouble_say(&trouble, "cannot write %s: %s", path, strerror(errno));
    return mcpz_fail_error(invocation, MCPZ_EIO, &trouble);
}

enum mcpz_exit mcpz_target_file_open(const struct mcpz_invocation *invocation, const char *path,
                                     const char *what, struct mcpz_target_file *target)
{
    *target = (struct mcpz_target_file){0};
    if (path == NULL || strcmp(path, "-") == 0) {
        if (invocation->json) {
            return mcpz_fail_usage(invocation, "with --json %s needs a FILE to go to", what);
        }
        if (isatty(STDOUT_FILENO) == 1) {
            return mcpz_fail_usage(invocation, "%s is not for a terminal: name a FILE", what);
        }
        target->file = STDOUT_FILENO;
        return MCPZ_EXIT_OK;
    }
    int length = snprintf(target->temporary, sizeof(target->temporary), "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof(target->temporary)) {
        return mcpz_fail_usage(invocation, "FILE is too long a path");
    }
    target->path = path;
    target->file = mkostemp(target->temporary, O_CLOEXEC);
    return target->file >= 0 ? MCPZ_EXIT_OK : mcpz_target_file_fail(invocation, path);
}

enum mcpz_exit mcpz_target_file_close(const struct mcpz_invocation *invocation,
                                      const struct mcpz_target_file *target, enum mcpz_exit status)
{
    if (target->path == NULL) {
        return status;
    }
    bool is_stored = status == MCPZ_EXIT_OK && fsync(target->file) == 0;
    bool is_closed = close(target->file) == 0;
    if (status == MCPZ_EXIT_OK &&
        (!is_stored || !is_closed || rename(target->temporary, target->path) != 0)) {
        status = mcpz_target_file_fail(invocation, target->path);
    }
    if (status != MCPZ_EXIT_OK) {
        (void)unlink(target->temporary);
    }
    return status;
}
