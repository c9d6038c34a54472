/* Following a stream of the node: an event a line, until it ends or Ctrl-C. */

#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/exit.h"
#include "cli/options.h"

/**
 * Ask for `path`, and print each event: with --json as it came, else by `print`, which ends its
 * line. `is_endless`: that it ends by itself is a failure.
 */
enum mcpz_exit mcpz_follow(const struct mcpz_invocation *invocation, const char *path,
                           bool is_endless, void (*print)(const json_t *event));

#endif
