/* "30s": a length of time as people write it. */

#ifndef CLI_DURATION_H
#define CLI_DURATION_H

#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"

#define MCPZ_DURATION_MS_MAX (UINT64_C(3650) * 24 * 3600 * 1000)
#define MCPZ_DURATION_TEXT_BYTES 32

/**
 * Read a whole number and its unit: ms, s, m, h or d.
 *
 * Errors: MCPZ_EPROTO  not that, zero, or no unit
 *         MCPZ_EFULL   over MCPZ_DURATION_MS_MAX
 */
MCPZ_MUST_USE mcpz_error mcpz_duration_read(const char *text, uint64_t *ms);

/** Write two units at most, "3d 4h", "12m 5s", "40s". `text` has MCPZ_DURATION_TEXT_BYTES. */
void mcpz_duration_write(uint64_t seconds, char *text);

#endif
