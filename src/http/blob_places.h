/* Blobs that others are to have: asked to keep them, until all do. A part of blob_keeper.h. */

#ifndef HTTP_BLOB_PLACES_H
#define HTTP_BLOB_PLACES_H

#include <stdbool.h>

#include "blob/blob_job.h"
#include "http/blob_keeper.h"
#include "proto/code.h"

/**
 * Have a job done that no request waits for; `done` (NULL: nothing follows) is called with it.
 * False: too much is being done; it is found again when blobs are gone through.
 */
bool mcpz_blob_errand(struct mcpz_api *api, enum mcpz_blob_ask ask, const struct mcpz_id *root,
                      const char *holder,
                      void (*done)(struct mcpz_api *api, struct mcpz_blob_job *job));

/** Look at its document soon: what was asked for has come about, and may not be needed any more.
 */
void mcpz_blob_look_again(struct mcpz_api *api, const struct mcpz_id *root);

/** It is held here now: look at it again, as nobody may need it any more. */
void mcpz_blob_on_held(struct mcpz_api *api, struct mcpz_blob_job *job);

/** `holder` does not hold the blob here any more, if it did. */
void mcpz_blob_let_go(struct mcpz_api *api, const struct mcpz_id *root, const char *holder);

/** It is here, and held: because it was put for `ref` (static), or, NULL, though others are to
 * have it. Have those keep it, unless they are being asked, or too many are being placed. */
void mcpz_blob_places_found(struct mcpz_api *api, const struct mcpz_blob_about *about,
                            const char *ref);

/** Is it being placed for whoever put it? */
bool mcpz_blob_places_has_put(struct mcpz_api *api, const struct mcpz_id *root);

/** Who holds what was put for `ref` (not NULL), until that is written down. */
const char *mcpz_blob_places_holder(const char *ref);

/** Somebody has come: ask all soon. Within the engine's callbacks. */
void mcpz_blob_places_hurry(struct mcpz_blob_keeper *keeper);

/** A write was answered, with `code`: if it was a place's, who needs that blob is on disk. */
void mcpz_blob_places_hear(struct mcpz_blob_keeper *keeper, uint64_t request, enum mcpz_code code);

/** Ask whom it is time to ask. Outside the engine's callbacks. */
void mcpz_blob_places_look(struct mcpz_api *api);

#endif
