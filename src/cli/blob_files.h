/* Files as blobs, and blobs as files: for what names blobs as well as for `mcpz blob`. */

#ifndef CLI_BLOB_FILES_H
#define CLI_BLOB_FILES_H

#include <jansson.h>

#include "cli/exit.h"
#include "cli/options.h"

/** Put what is in the file `path` ("-": standard input). `*answer` is the caller's: what the node
 * says of the blob. Tells why not; `*answer` is then NULL. */
enum mcpz_exit mcpz_blob_put_file(const struct mcpz_invocation *invocation, const char *path,
                                  json_t **answer);

/**
 * The same for an agent that is to name it in a moment: another node has it when this returns.
 * `*value` (the caller's; NULL: told why not) is what the agent is to hold. When it does, or never
 * will, mcpz_blob_end_brief() follows, and the blob stays as long as agents name it.
 */
enum mcpz_exit mcpz_blob_put_brief(const struct mcpz_invocation *invocation, const char *path,
                                   json_t **value);
void mcpz_blob_end_brief(const struct mcpz_invocation *invocation, const json_t *value);

/* A blob, or a part of it, and where it goes. */
struct mcpz_blob_wish {
    const char *blob;
    const char *tenant; /* NULL: as --tenant says */
    const char *range;  /* NULL: all of it */
    const char *path;   /* NULL or "-": standard output */
};

/** Write it there. Tells why not. */
enum mcpz_exit mcpz_blob_get_file(const struct mcpz_invocation *invocation,
                                  const struct mcpz_blob_wish *wish);

#endif
