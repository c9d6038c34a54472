/* Layouts of the storage as JSON, and the one that is staged here. */

#ifndef HTTP_LAYOUT_VIEW_H
#define HTTP_LAYOUT_VIEW_H

#include <jansson.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "http/exchange.h"
#include "http/layout_draft.h"
#include "http/layout_moves.h"

/* A layout that was read back. */
struct mcpz_staged_layout {
    struct mcpz_placement placement;
    void *memory; /* of its lists and names */
};

/** The newest layout that is known; NULL: there is none. */
const struct mcpz_live_layout *mcpz_layout_newest(struct mcpz_exchange *exchange);

/**
 * Read what is staged here. Release with free(staged->memory).
 *
 * Errors: MCPZ_ENOTFOUND  nothing is; MCPZ_ECORRUPT, MCPZ_EIO, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_layout_read_staged(struct mcpz_exchange *exchange,
                                                 struct mcpz_staged_layout *staged);

/** A layout; `counts` are the partitions of its nodes, NULL: they are not known. */
json_t *mcpz_layout_show(struct mcpz_exchange *exchange, const struct mcpz_placement *placement,
                         const uint32_t *counts);

/** A node of a layout: "node", "name", "state" and "full". */
json_t *mcpz_layout_show_who(struct mcpz_exchange *exchange, const struct mcpz_id *id);

/** What is live, who has come how far, and for whom it waits: members of `json`. */
void mcpz_layout_show_progress(struct mcpz_exchange *exchange, json_t *json);

/**
 * The node people call `text`: its name, its id or how that begins; of the members, or else of a
 * draft (may be NULL). Errors: MCPZ_ENOTFOUND; MCPZ_ECONFLICT  several are called so
 */
MCPZ_MUST_USE mcpz_error mcpz_layout_find_node(struct mcpz_exchange *exchange,
                                               const struct mcpz_layout_draft *draft,
                                               struct mcpz_bytes text, struct mcpz_id *node);

#endif
