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
