/* The configuration of this invocation: flag > environment > file > default. */

#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include <stdbool.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "cli/options.h"
#include "embed/trouble.h"
#include "host/config.h"

#define MCPZ_SETTINGS_FILE "mcpz.yaml" /* in the data directory, read if it is there */

/**
 * Which file is read: --config, else MCPZ_CONFIG, else mcpz.yaml in the data directory. `path`
 * has `capacity` bytes. False: none is.
 */
bool mcpz_settings_file(const struct mcpz_invocation *invocation, char *path, size_t capacity);

/**
 * Read all of it and settle. Release with mcpz_config_finish(). `is_again`: for a node that runs;
 * the token was taken the first time, standard input too.
 *
 * Errors: MCPZ_ECONFIG, MCPZ_EIO, MCPZ_ENOMEM; nothing is to be released then.
 */
MCPZ_MUST_USE mcpz_error mcpz_settings_read(const struct mcpz_invocation *invocation,
                                            bool is_again, struct mcpz_config *config,
                                            struct mcpz_trouble *trouble);

/** As above, without the flags: for verbs whose options are their own. */
MCPZ_MUST_USE mcpz_error mcpz_settings_read_said(const struct mcpz_invocation *invocation,
                                                 struct mcpz_config *config,
                                                 struct mcpz_trouble *trouble);

#endif
