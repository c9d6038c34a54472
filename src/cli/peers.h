/* The list of peers on its way from the node's answer to the table. Pure. */

#ifndef CLI_PEERS_H
#define CLI_PEERS_H

#include <jansson.h>
#include <stdbool.h>

/** Is `words` one or more of `known` (NULL at the end), with commas between? */
bool mcpz_words_are(const char *words, const char *const *known);

/** Take out of `peers`, an array, whose text at `key` is none of `words`; NULL: nothing goes. */
void mcpz_peers_keep(json_t *peers, const char *key, const char *words);

/**
 * "silent by n-7f3a2b4c, ..." of a peer's `reasons`, as many as fit; NULL if there are none.
 * `room` has MCPZ_FIELD_BYTES.
 */
const char *mcpz_peer_reasons(const json_t *peer, char *room);

#endif
