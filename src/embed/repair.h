/*
 * A node whose store is damaged starts all the same: the store is set aside and begun anew, with
 * what can be saved of it; documents come back from the bases and deltas that are saved, and from
 * other nodes.
 *
 *   DATA/store -> DATA/store-damaged-N, with a note "unmerged" until its deltas have been merged
 *
 * It is done where somebody else can fill what is missing, or where that is asked for
 * (`store.repair`), and never where nothing says who the node is.
 */

#ifndef EMBED_REPAIR_H
#define EMBED_REPAIR_H

#include <stdbool.h>

#include <mcpz/error.h>

#include "backup/salvage.h"
#include "base/attr.h"
#include "blob/keyring.h"
#include "embed/trouble.h"
#include "engine/engine.h"
#include "http/body.h"

#define MCPZ_REPAIR_PLACE_BYTES 64

/* What was done. */
struct mcpz_repair {
    struct mcpz_salvaged salvaged;
    char place[MCPZ_REPAIR_PLACE_BYTES]; /* where the damaged store is, in the data directory */
};

/**
 * Set the store in `data` aside, which nobody has open, and begin a new one. `key`: where the node
 * key is. `force`: also where no other node is known.
 *
 * Errors: MCPZ_EUNSUPPORTED  it is not done here: `trouble` says why; the store is as it was
 *         MCPZ_ECONFLICT, MCPZ_ENOTFOUND, MCPZ_ENOSPACE, MCPZ_EIO, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_repair_store(const char *data, const struct mcpz_key_source *key,
                                           bool force, struct mcpz_repair *repair,
                                           struct mcpz_trouble *trouble);

/**
 * What a store that was set aside has to merge, as a file of agents in `body`: the deltas that
 * `engine`, which runs on the new store, can show to be their authors'. In a turn. `place` has
 * MCPZ_REPAIR_PLACE_BYTES.
 *
 * Errors: MCPZ_ENOTFOUND  nothing is to be merged; MCPZ_ENOSPACE, MCPZ_EIO, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_repair_unmerged(const char *data, struct mcpz_keyring *keyring,
                                              struct mcpz_engine *engine, struct mcpz_body *body,
                                              char *place);

/** It has been merged. */
void mcpz_repair_merged(const char *data, const char *place);

#endif
