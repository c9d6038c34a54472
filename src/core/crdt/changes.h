/* What has changed here, in order: a page of it for a peer. */

#ifndef CORE_CRDT_CHANGES_H
#define CORE_CRDT_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/sync.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_CHANGES_SCAN_MAX 512 /* looked at for a page */

struct mcpz_changes_page {
    struct mcpz_digest digests[MCPZ_DIGESTS_PER_MESSAGE_MAX]; /* by their changes' numbers */
    size_t count;
    uint64_t upto; /* so far it goes */
    bool last;     /* there is nothing behind it */
};

/**
 * Fill `page` with documents that we share with `peer` and that last changed after number `since`.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_changes_read(const struct mcpz_sync *sync,
                                           const struct mcpz_id *peer, uint64_t since,
                                           struct mcpz_changes_page *page);

#endif
