/*
 * Tenants whose keys were shredded, in the whole mesh: a document of "mcpz.system", for each
 * until when (wall clock, ms). It only ever grows: what a node's ring says and what the document
 * says are brought together, the later one holds.
 *
 *   `mcpz key shred` here -> ring -> document -> [other nodes] -> their rings, and what these
 * sealed
 *
 * A node that is away hears of it with the document, when it is back. Keys that were made later
 * stay: a tenant may begin anew.
 */

#ifndef HTTP_SHRED_BOOK_H
#define HTTP_SHRED_BOOK_H

#include <stdbool.h>

#include "base/time.h"
#include "blob/blob_job.h"
#include "core/fact.h"
#include "engine/engine.h"

#define MCPZ_SHRED_BOOK "shredded"         /* the document */
#define MCPZ_SHRED_BOOK_US MCPZ_SECONDS(5) /* between looks that nothing asked for */

struct mcpz_api;
struct mcpz_keyring;

struct mcpz_shred_book {
    bool stale;
    bool is_busy; /* keys are being shredded, as the document says */
    mcpz_time look_us;
};

void mcpz_shred_book_init(struct mcpz_shred_book *book);

/** Is this fact about it? It is due then. */
bool mcpz_shred_book_hear(struct mcpz_shred_book *book, const struct mcpz_fact *fact);

/** Keys were shredded here. */
void mcpz_shred_book_changed(struct mcpz_shred_book *book);

/** Bring ring and document together, if that is due. Outside the engine's callbacks. */
void mcpz_shred_book_look(struct mcpz_shred_book *book, struct mcpz_api *api);

#endif
