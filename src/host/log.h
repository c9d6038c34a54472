/*
 * What the node tells people: one line an event, to standard error.
 *
 *   text  2026-11-20T12:00:00.123Z info  net    peer linked  peer=n-7f3a... address=10.0.0.2:8765
 *   json  {"ts":"...","level":"info","module":"net","message":"peer linked","peer":"n-7f3a..."}
 *
 * Below host nothing logs. The same message from the same module more than 10 times in a second
 * is counted, and the count told once. Never log a token, a key or what a task carries.
 */

#ifndef HOST_LOG_H
#define HOST_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"

#define MCPZ_LOG_LINE_BYTES_MAX 4096 /* longer ones are cut */
#define MCPZ_LOG_MODULES_MAX 16      /* with a level of their own */
#define MCPZ_LOG_MODULE_BYTES_MAX 15
#define MCPZ_LOG_REPEATS_MAX 10 /* of one message, in a second */
#define MCPZ_LOG_WATCHED_MAX 64 /* messages whose repeats are counted at a time */

enum mcpz_log_level { MCPZ_LOG_ERROR = 1, MCPZ_LOG_WARN, MCPZ_LOG_INFO, MCPZ_LOG_DEBUG };

/**
 * Set up from words: `level` is "error|warn|info|debug", or per module "info,net=debug"; `format`
 * is "text", "json" or "auto" (text on a terminal). `file` (may be NULL) gets a copy.
 *
 * Errors: MCPZ_ECONFIG  not such words; MCPZ_EIO  the file cannot be opened
 */
MCPZ_MUST_USE mcpz_error mcpz_log_setup(const char *level, const char *format, const char *file);

/**
 * Say `message` (a fixed text), then fields: a printf format that makes `key=value` pairs with
 * quoted values where they hold spaces: mcpz_log(MCPZ_LOG_INFO, "net", "dial failed",
 * "address=%s reason=\"%s\"", ...). For none, as compilers dislike empty formats: "%s", "".
 *
 * `message` must last: its repeats are told later.
 */
void mcpz_log(enum mcpz_log_level level, const char *module, const char *message,
              const char *fields, ...) MCPZ_PRINTF(4, 5);

/** Tell the counts of repeats that are due. Called by the loop now and then. */
void mcpz_log_flush(void);

/** For tests: take the time (milliseconds since 1970) from `clock`; NULL: from the system. */
void mcpz_log_set_clock(uint64_t (*clock)(void));

#endif
