/* Whether a node runs on a data directory, and what is wrong with what it keeps. */

#ifndef CLI_STORES_H
#define CLI_STORES_H

#include <stdbool.h>

#include "backup/data_check.h"
#include "cli/exit.h"
#include "cli/options.h"

/**
 * Hold the store of this invocation's data directory, so that no node starts on it. `*lock` is to
 * be given to mcpz_directory_close(); -1: a node runs, and is to be asked. There is no store:
 * told.
 */
enum mcpz_exit mcpz_stores_hold(const struct mcpz_invocation *invocation, int *lock);

/** Tell, as a remark, why a token did not give the node key, if that is so. */
void mcpz_stores_show_token(const struct mcpz_data_report *report);

/** Tell what a check has found: `what` was checked, a file or a directory. */
enum mcpz_exit mcpz_stores_show(const struct mcpz_invocation *invocation, const char *what,
                                const struct mcpz_data_report *report);

#endif
