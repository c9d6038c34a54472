/* All documents that we share with a peer, some in each step: what takes a second takes many. */

#ifndef CORE_CRDT_SWEEP_H
#define CORE_CRDT_SWEEP_H

#include <stdbool.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/sync.h"
#include "proto/id.h"
#include "proto/record.h"

#define MCPZ_SWEEP_DOCUMENTS 512 /* in one step: about a millisecond */
#define MCPZ_SWEEP_PAUSE_US MCPZ_MS(1)

struct mcpz_sweep {
    struct mcpz_id after; /* so far we have come */
    bool is_over;
};

/* What is done with each. False: not now; the sweep stops before it. */
struct mcpz_sweep_visitor {
    void *context;
    bool (*visit)(void *context, const struct mcpz_record_document *document);
};

/**
 * Go on with a sweep, which is not over.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO; it stands where it stood
 */
MCPZ_MUST_USE mcpz_error mcpz_sweep_run(struct mcpz_sweep *sweep, const struct mcpz_sync *sync,
                                        const struct mcpz_id *peer,
                                        const struct mcpz_sweep_visitor *visitor);

#endif
