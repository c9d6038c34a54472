/* Small files that nobody else may read, replaced as a whole. */

#ifndef BLOB_SECRET_FILE_H
#define BLOB_SECRET_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

/**
 * Read `path` into `bytes`, at most `capacity` of it.
 *
 * Errors: MCPZ_ENOTFOUND; MCPZ_EAUTH  others than its owner may read or write it, or it is not
 *         ours; MCPZ_EFULL  it is longer; MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_secret_file_read(const char *path, uint8_t *bytes, size_t capacity,
                                               size_t *length);

/**
 * Have `path`, in `directory`, hold `bytes`, mode 0600: afterwards, or after a crash, it holds
 * these or what it held before. What it held is overwritten.
 *
 * Errors: MCPZ_EIO, MCPZ_ENOSPACE
 */
MCPZ_MUST_USE mcpz_error mcpz_secret_file_write(const char *directory, const char *path,
                                                struct mcpz_bytes bytes);

/** Give it the place of `to`, whose contents are overwritten. Errors: MCPZ_EIO */
MCPZ_MUST_USE mcpz_error mcpz_secret_file_move(const char *directory, const char *from,
                                               const char *to);

/** Overwrite and remove it, if it is there. */
void mcpz_secret_file_wipe(const char *path);

#endif
