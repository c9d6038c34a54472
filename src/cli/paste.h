/* A join token from wherever people put it. */

#ifndef CLI_PASTE_H
#define CLI_PASTE_H

#include "cli/exit.h"
#include "cli/options.h"
#include "proto/cert.h"

#define MCPZ_PASTE_BYTES (MCPZ_TOKEN_TEXT_BYTES_MAX + 1)

/**
 * Take the first argument; "-" is standard input; without one MCPZ_JOIN_TOKEN, or what is in the
 * file MCPZ_JOIN_TOKEN_FILE. White space around it is dropped. `text` has MCPZ_PASTE_BYTES. Tells
 * why not.
 */
enum mcpz_exit mcpz_paste_token(const struct mcpz_invocation *invocation, char *text);

#endif
