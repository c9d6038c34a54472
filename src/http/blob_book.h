/*
 * What the mesh knows of a blob: one document a blob, kept and replicated as agents are.
 *
 *   about   a set of one: [tenant, size, chunks, made]
 *   refs    a set: who needs it. "put" for whoever put it, an agent's document that names it, or
 *           "brief": it was put for an agent that is to name it in a moment
 *   as      of a blob that came in a file from another mesh, a set of one: the name that it has
 *           here. Ids are of a tenant's key, and agents that came along name it by the old one,
 *           which they have signed. Such a document has no data: it stands for the other blob,
 *           names it as an agent does, and so is one of its references, as long as it has some
 *
 * Who keeps the document keeps the blob as well, or knows who does (blob_targets.h). A blob
 * whose document says that nobody needs it is cleared away, everywhere; one that has no document
 * here is not, since that says nothing. The document's id ends in a mark, so it is told from those
 * of agents without a look at it.
 */

#ifndef HTTP_BLOB_BOOK_H
#define HTTP_BLOB_BOOK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "engine/engine.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/store.h"

#define MCPZ_BLOB_REF_PUT "put"
#define MCPZ_BLOB_REF_BRIEF "brief"
#define MCPZ_BLOB_REF_BYTES_MAX 128

/* What is the same for a blob wherever it is. */
struct mcpz_blob_about {
    struct mcpz_id root;
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    uint64_t size;
    uint64_t chunks;
    uint64_t made_ms;
};

struct mcpz_blob_entry {
    struct mcpz_blob_about about;
    size_t ref_count;
    bool is_alias; /* it stands for another one: */
    struct mcpz_id stands_for;
};

/** The document of the blob `root`. */
void mcpz_blob_book_id(const struct mcpz_id *root, struct mcpz_id *document);

/** Is it one of these? */
bool mcpz_blob_book_is(const struct mcpz_id *document);

/**
 * Read what a document says.
 *
 * Errors: MCPZ_ENOTFOUND  it is not here, or says nothing yet; MCPZ_ECORRUPT, MCPZ_EIO,
 * MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_blob_book_read(const struct mcpz_store *store,
                                             const struct mcpz_id *document,
                                             struct mcpz_blob_entry *entry);

/** Who needs it, as it is known here: an array, the caller's. NULL: nothing is known. */
json_t *mcpz_blob_book_refs(const struct mcpz_store *store, const struct mcpz_id *root);

/**
 * Which blob is to be read for `root`: the one that it stands for, as far as is known here, or
 * itself. False: itself.
 */
bool mcpz_blob_book_resolve(const struct mcpz_store *store, struct mcpz_id *root);

/** Is it said there that `ref` needs it? */
bool mcpz_blob_book_has(const struct mcpz_store *store, const struct mcpz_id *root,
                        const char *ref);

/**
 * Write that `ref` needs the blob; REPLY to `request` when that is on the disk. In a turn, outside
 * the engine's callbacks. Errors: MCPZ_ENOMEM, MCPZ_EFULL; nothing is written, and no REPLY comes
 */
MCPZ_MUST_USE mcpz_error mcpz_blob_book_add(struct mcpz_engine *engine,
                                            const struct mcpz_blob_about *about, const char *ref,
                                            uint64_t request);

/** Write that it does not any more; as above. */
MCPZ_MUST_USE mcpz_error mcpz_blob_book_remove(struct mcpz_engine *engine,
                                               const struct mcpz_id *root, const char *ref,
                                               uint64_t request);

/**
 * Write that `about->root` stands for `stands_for`, of the same tenant and size, and that "brief"
 * needs it, which comes first; as above.
 */
MCPZ_MUST_USE mcpz_error mcpz_blob_book_alias(struct mcpz_engine *engine,
                                              const struct mcpz_blob_about *about,
                                              const struct mcpz_id *stands_for, uint64_t request);

/** Write that it stands for nothing any more; nothing waits for it. */
void mcpz_blob_book_unalias(struct mcpz_engine *engine, const struct mcpz_blob_entry *entry);

#endif
