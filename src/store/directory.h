/* The directory a store lives in: made if it is not there, held by one process at a time. */

#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "store/lmdb.h"

#define MCPZ_STORE_LOCK_FILE "mcpz.lock" /* holds "PID NAME\n" while the directory is in use */

/** Make `path` and what leads to it (mode 0700) if it is not there. Errors as those below. */
MCPZ_MUST_USE mcpz_error mcpz_directory_make(const char *path);

/**
 * Make `path` and what leads to it (mode 0700) if it is not there, and lock it for this process.
 * `*lock` is to be given to mcpz_directory_close(). The lock ends with the process.
 *
 * Errors: MCPZ_ECONFLICT  another process holds it: `trouble` names it
 *         MCPZ_ENOSPACE, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_directory_open(const char *path, int *lock,
                                             struct mcpz_lmdb_trouble *trouble);

/** Let it go. The lock file stays: removing it would race with the next holder. */
void mcpz_directory_close(int lock);

/** See to it that the names made in `path`, and its own, survive a power cut. Errors: MCPZ_EIO */
MCPZ_MUST_USE mcpz_error mcpz_directory_sync(const char *path);

/** What the system's error number is among ours. */
mcpz_error mcpz_directory_error(int number);

#endif
