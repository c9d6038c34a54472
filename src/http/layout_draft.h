/*
 * A layout of the storage while people put it together: rows in any order, zones by name. What
 * comes of it is valid (proto/placement.h), or cannot be, and then there are words for why.
 */

#ifndef HTTP_LAYOUT_DRAFT_H
#define HTTP_LAYOUT_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "proto/limits.h"
#include "proto/placement.h"

#define MCPZ_LAYOUT_TROUBLE_BYTES 256

struct mcpz_layout_draft_row {
    struct mcpz_id id;
    char zone[MCPZ_NAME_BYTES_MAX + 1];
    uint32_t weight;
};

struct mcpz_layout_draft {
    struct mcpz_layout_draft_row *rows; /* MCPZ_LAYOUT_NODES_MAX */
    size_t count;
    uint32_t copies;
    uint32_t zones_apart; /* 0: as many as can be */

    /* What mcpz_layout_draft_seal() makes. */
    struct mcpz_storage_node *nodes;
    struct mcpz_bytes *zones;
};

/** An empty one. Errors: MCPZ_ENOMEM. Release with mcpz_layout_draft_finish(), also then. */
MCPZ_MUST_USE mcpz_error mcpz_layout_draft_init(struct mcpz_layout_draft *draft);
void mcpz_layout_draft_finish(struct mcpz_layout_draft *draft);

/** Take over what a valid layout says, of at most MCPZ_LAYOUT_NODES_MAX nodes. */
void mcpz_layout_draft_take(struct mcpz_layout_draft *draft,
                            const struct mcpz_placement *placement);

/** The row of `id`, NULL if there is none. */
struct mcpz_layout_draft_row *mcpz_layout_draft_find(struct mcpz_layout_draft *draft,
                                                     const struct mcpz_id *id);

/** A row more, of weight 1; `zone` is cut to its bound. Errors: MCPZ_EFULL */
MCPZ_MUST_USE mcpz_error mcpz_layout_draft_add(struct mcpz_layout_draft *draft,
                                               const struct mcpz_id *id, struct mcpz_bytes zone,
                                               struct mcpz_layout_draft_row **row);

void mcpz_layout_draft_remove(struct mcpz_layout_draft *draft, const struct mcpz_id *id);

/**
 * Make a layout of it; lists lie in the draft, names in its rows, until it changes. Version and
 * previous are the caller's to fill in. Errors: MCPZ_EPROTO, MCPZ_EFULL  with words in `trouble`
 */
MCPZ_MUST_USE mcpz_error mcpz_layout_draft_seal(struct mcpz_layout_draft *draft,
                                                struct mcpz_placement *placement,
                                                char trouble[MCPZ_LAYOUT_TROUBLE_BYTES]);

/** What keeps a valid layout from being applied: fewer nodes or zones than it asks for. False:
 * nothing; else it is in `trouble`. */
bool mcpz_layout_is_impossible(const struct mcpz_placement *placement,
                               char trouble[MCPZ_LAYOUT_TROUBLE_BYTES]);

/** The weight a role of a node offers storage with: "storage" is 1, "storage:8" is 8; 0: it is
 * another role. */
uint32_t mcpz_layout_role_weight(struct mcpz_bytes role);

#endif
