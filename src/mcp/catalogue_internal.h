/*
 * Names that were given: between the parts of the catalogue. For use by the catalogue*.c files
 * only.
 */

#ifndef MCP_CATALOGUE_INTERNAL_H
#define MCP_CATALOGUE_INTERNAL_H

#include "mcp/catalogue.h"

/* A name that was given to a server's item, for good. */
struct mcpz_catalogue_claim {
    struct mcpz_catalogue_claim *next;
    enum mcpz_catalogue_kind kind;
    char server[MCPZ_SERVER_NAME_CHARS_MAX + 1];
    uint64_t key_hash; /* of the item's own name; 0: not known yet */
    bool is_kept;
    char shown[];
};

/** Who was given this name; NULL: nobody. */
struct mcpz_catalogue_claim *mcpz_catalogue_find_claim(const struct mcpz_catalogue *catalogue,
                                                       enum mcpz_catalogue_kind kind,
                                                       struct mcpz_bytes shown);

/** Forget what was given to items of the kinds before `end`. */
void mcpz_catalogue_drop_claims(struct mcpz_catalogue *catalogue, size_t end);

#endif
