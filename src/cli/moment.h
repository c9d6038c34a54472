/* A moment as people write it: "2026-11-30T09:15:00Z", with or without a fraction, or "10m", ago.
 */

#ifndef CLI_MOMENT_H
#define CLI_MOMENT_H

#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"

/**
 * Read a moment, in milliseconds since 1970. `now_ms` is what a length of time is taken from.
 *
 * Source: RFC 3339 section 5.6, of which only "Z" is read.
 *
 * Errors: MCPZ_EPROTO  neither; or before 1970
 */
MCPZ_MUST_USE mcpz_error mcpz_moment_read(const char *text, uint64_t now_ms, uint64_t *ms);

#endif
