/*
 * Which nodes are to keep a blob, and whom to ask for it.
 *
 * With a layout in force: the owners of its document (blob_book.h), in all live layouts. Without
 * one: three members, those that score highest for it (rendezvous hashing, so a member that comes
 * or goes moves its own share only). Who has died counts as a member for a while: it may just be
 * started again.
 */

#ifndef HTTP_BLOB_TARGETS_H
#define HTTP_BLOB_TARGETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"
#include "core/keeping/acks.h"
#include "core/members.h"
#include "engine/engine.h"
#include "proto/id.h"

#define MCPZ_BLOB_SOURCES_MAX 32

/**
 * Fill in `wait->owners`, those who are to have the blob, best first, and how many. Who is known
 * to have it (mcpz_ack_wait_note()) stays so. `mourned_us`: so long the dead count.
 */
void mcpz_blob_targets(const struct mcpz_engine *engine, const struct mcpz_id *root, mcpz_time now,
                       mcpz_time mourned_us, struct mcpz_ack_wait *wait);

/** Is `node` one of them? */
bool mcpz_blob_targets_has(const struct mcpz_ack_wait *wait, const struct mcpz_id *node);

/**
 * Other nodes that may have the blob, likeliest first: `hint` (NULL: none), those who are to have
 * it, and further members. Returns how many, at most MCPZ_BLOB_SOURCES_MAX.
 */
size_t mcpz_blob_sources(const struct mcpz_engine *engine, const struct mcpz_ack_wait *wait,
                         const struct mcpz_id *hint, struct mcpz_id *nodes);

/**
 * The `most` members that score highest for `root`, best first: those that are here, and those
 * that have died less than `mourned_us` ago. Returns how many.
 */
size_t mcpz_blob_best_members(const struct mcpz_roster *roster, const struct mcpz_id *root,
                              mcpz_time now, mcpz_time mourned_us, struct mcpz_id *best,
                              size_t most);

#endif
