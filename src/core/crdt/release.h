/*
 * Rows of deltas that go, and whose part of a batch must know it: it is kept as long as one of its
 * deltas is. Those of one part come together mostly, so they are taken off together.
 */

#ifndef CORE_CRDT_RELEASE_H
#define CORE_CRDT_RELEASE_H

#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "proto/batch.h"
#include "proto/record.h"
#include "proto/store.h"

/* Begin with all zeros but the store. */
struct mcpz_release {
    const struct mcpz_store *store;
    struct mcpz_delta_proof proof; /* of those that were not taken off yet */
    uint32_t count;
};

/** Remove the row `record`, a DELTA. Errors: MCPZ_ECORRUPT, MCPZ_EIO */
MCPZ_MUST_USE mcpz_error mcpz_release_row(struct mcpz_release *release,
                                          const struct mcpz_record *record);

/** No more rows go: take the last ones off. Errors: MCPZ_ECORRUPT, MCPZ_EIO */
MCPZ_MUST_USE mcpz_error mcpz_release_end(struct mcpz_release *release);

#endif
