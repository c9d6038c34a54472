/* A file whose length is known, made of anything that can be read. */

#ifndef CLI_SPOOL_H
#define CLI_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "embed/trouble.h"

/**
 * Make ready what `file` still has to say: a regular file stays as it is; anything else (a pipe,
 * a terminal) is read to its end into an unlinked temporary file.
 *
 * On success `*spooled` is to be read from its position, `*length` bytes, and closed by the
 * caller if it is not `file`.
 *
 * Errors: MCPZ_EFULL  over `length_max`; MCPZ_ENOSPACE; MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_spool(int file, uint64_t length_max, int *spooled, uint64_t *length,
                                    struct mcpz_trouble *trouble);

/** Write all of `bytes`. Errors: MCPZ_ENOSPACE, MCPZ_EIO; errno says more. */
MCPZ_MUST_USE mcpz_error mcpz_write_all(int file, const void *bytes, size_t length);

#endif
