/*
 * Where an entry lies in a document: a canonical MessagePack array of texts and natural numbers.
 *
 * The edges build and show paths (wire/value.h). The core compares them as bytes, and needs to
 * know no more than what is below what: the elements after an array's header are what counts, as
 * the header changes with the depth.
 */

#ifndef CORE_CRDT_PATHS_H
#define CORE_CRDT_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/limits.h"

#define MCPZ_PATHS_HEADER_BYTES_MAX 3

/* Of every document, written by CREATE and DELETE only: registers below "$". */
extern const struct mcpz_bytes mcpz_paths_id;   /* ["$", "id"]: its name */
extern const struct mcpz_bytes mcpz_paths_life; /* ["$", "life"]: "active" or "deleted" */

/** Is this a path: 1 to MCPZ_PATH_DEPTH_MAX elements, canonical, within MCPZ_PATH_BYTES_MAX? */
bool mcpz_paths_is_valid(struct mcpz_bytes path);

/** Is its first element "$"? `path` is valid. */
bool mcpz_paths_is_reserved(struct mcpz_bytes path);

/** How many elements a valid path has. */
size_t mcpz_paths_depth(struct mcpz_bytes path);

/** A valid path's elements, without the array's header. */
struct mcpz_bytes mcpz_paths_elements(struct mcpz_bytes path);

/**
 * Write what all paths of `depth` elements that begin with `elements` have in common to `buffer`
 * (MCPZ_PATH_BYTES_MAX + MCPZ_PATHS_HEADER_BYTES_MAX bytes); returns how many bytes.
 */
size_t mcpz_paths_prefix(size_t depth, struct mcpz_bytes elements, uint8_t *buffer);

#endif
