/* How far a change of the layout is, in documents, and what owners that are away have missed. */

#ifndef HTTP_LAYOUT_PROGRESS_H
#define HTTP_LAYOUT_PROGRESS_H

#include <jansson.h>
#include <stddef.h>

#include "http/exchange.h"

/** Members "moving", what this node is getting, "hints", what it knows that others miss, and
 * "blobs", what it is still to fetch, or to have others fetch. */
void mcpz_layout_show_moving(struct mcpz_exchange *exchange, json_t *json);

/** Ask those that are in a layout how far they are, at most 32. Returns how many were asked. */
size_t mcpz_layout_ask_moving(struct mcpz_exchange *exchange);

/** Add what one of those has answered, which is taken, to "moving" and "blobs" of `json`. */
void mcpz_layout_add_moving(json_t *json, unsigned status, json_t *answer);

#endif
