/* Changes of layouts, which are made where the mesh's key is. */

#ifndef HTTP_LAYOUT_CHANGE_H
#define HTTP_LAYOUT_CHANGE_H

#include "http/exchange.h"

/**
 * If the mesh's key is not here, hand the request on to where it is, with `body` (the caller's,
 * may be NULL). False: it is here.
 */
bool mcpz_layout_hand_on(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                         const json_t *body);

/** Say why there is nothing staged to go by. */
void mcpz_layout_fail_staged(struct mcpz_exchange *exchange, mcpz_error error);

#endif
