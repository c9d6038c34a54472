/* A data directory for one life of a node. */

#ifndef EMBED_EPHEMERAL_H
#define EMBED_EPHEMERAL_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "embed/trouble.h"
#include "host/config.h"

/**
 * If `config` says so, make a temporary directory and have it for `config->data`. `*path` is its
 * path, to be handed to mcpz_ephemeral_remove(); NULL: it was not asked for, or on error.
 *
 * Errors: MCPZ_EIO, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_ephemeral_make(struct mcpz_config *config, char **path,
                                             struct mcpz_trouble *trouble);

/** Remove it with all that is in it, and free the path. NULL is fine. */
void mcpz_ephemeral_remove(char *path);

/** Remove any directory with all that is in it, as far as that can be. */
void mcpz_ephemeral_clear(const char *directory);

#endif
