/* The blobs that a document names, as it is in a store: gone through, a slice of entries a turn.
 */

#ifndef HTTP_BLOB_NAMES_H
#define HTTP_BLOB_NAMES_H

#include <stdbool.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "http/document.h"
#include "proto/record.h"
#include "proto/store.h"
#include "wire/value.h"

#define MCPZ_BLOB_NAMES_SLICE 256 /* entries that are looked at in a turn */

struct mcpz_blob_names {
    struct mcpz_id document;
    bool is_begun;
    struct mcpz_record at; /* the entry that was looked at last, */
    struct mcpz_path path; /* and its path */
};

/** Begin with `document`. */
void mcpz_blob_names_begin(struct mcpz_blob_names *names, const struct mcpz_id *document);

/**
 * The next name, which may have come before; `named->tenant` points into the store.
 *
 * Errors: MCPZ_ENOTFOUND  there is none any more
 *         MCPZ_ETIMEOUT   the slice is over: go on in another turn
 *         MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_blob_names_next(struct mcpz_blob_names *names,
                                              const struct mcpz_store *store,
                                              struct mcpz_blob_ref *named);

#endif
