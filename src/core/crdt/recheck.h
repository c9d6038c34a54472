/*
 * What nodes say to each other of what was forgotten (core/crdt/horizon.h).
 */

#ifndef CORE_CRDT_RECHECK_H
#define CORE_CRDT_RECHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/crdt/horizon.h"
#include "core/crdt/sync.h"
#include "proto/id.h"
#include "proto/msg.h"

/** Tell those who are to be told, with `waits` behind the disk. Who finds no room waits. */
void mcpz_recheck_tell(const struct mcpz_sync *sync, bool waits);

/** `from` has said HORIZON. `hlc` is the greatest stamp that we know. */
struct mcpz_horizon_news mcpz_recheck_hear(const struct mcpz_sync *sync,
                                           const struct mcpz_id *from,
                                           const struct mcpz_msg_horizon *said, uint64_t hlc);

#endif
