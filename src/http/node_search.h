/*
 * Which node people mean: by its name, its id, or how that begins. Pure: whoever searches offers
 * the nodes there are.
 */

#ifndef HTTP_NODE_SEARCH_H
#define HTTP_NODE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "host/nearest.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_NODE_PREFIX_CHARS_MIN 4 /* of an id, "n-" included */

struct mcpz_node_search {
    char typed[MCPZ_ID_TEXT_BYTES + MCPZ_NAME_BYTES_MAX];
    bool is_ambiguous;
    bool is_found;
    struct mcpz_id node;
    struct mcpz_nearest nearest;
    char near[MCPZ_NAME_BYTES_MAX + 1]; /* what may have been meant; "": nothing there is */
};

/** Start looking for `text`. */
void mcpz_node_search_init(struct mcpz_node_search *search, struct mcpz_bytes text);

/** There is this node; offered twice it counts once. `name` may be empty. */
void mcpz_node_search_offer(struct mcpz_node_search *search, const struct mcpz_id *node,
                            struct mcpz_bytes name);

/** Errors: MCPZ_ENOTFOUND; MCPZ_ECONFLICT  several are called so. Then `*node` is unchanged. */
MCPZ_MUST_USE mcpz_error mcpz_node_search_end(const struct mcpz_node_search *search,
                                              struct mcpz_id *node);

#endif
