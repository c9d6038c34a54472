/*
 * The document that a delta was taken into last, as the store has it since.
 *
 * Mostly the next delta is of the same one, which then need not be searched for, opened and
 * decoded again. It holds for as long as no document was written or removed since, but by whoever
 * noted it: documents are written through the holdings, which count that, and that they began to
 * count anew (what was written failed, or was purged). It is a copy, texts and all, so turns may
 * end.
 */

#ifndef CORE_CRDT_LOADED_H
#define CORE_CRDT_LOADED_H

#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/document.h"
#include "core/crdt/holdings.h"
#include "proto/limits.h"

/* Zeroed: none. */
struct mcpz_loaded {
    uint64_t writes; /* of the holdings, when it was noted */
    struct mcpz_document document;
    uint8_t name[MCPZ_AGENT_NAME_BYTES_MAX];
    uint8_t tenant[MCPZ_TENANT_BYTES_MAX];
};

/**
 * mcpz_document_load() out of `holdings`, and mostly without looking there. Texts of `document`
 * last until the next one is noted.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_loaded_load(const struct mcpz_loaded *loaded,
                                          const struct mcpz_holdings *holdings,
                                          const struct mcpz_id *id,
                                          struct mcpz_document *document);

/** `document` was written to `holdings` just now, and no other since. */
void mcpz_loaded_note(struct mcpz_loaded *loaded, const struct mcpz_holdings *holdings,
                      const struct mcpz_document *document);

#endif
