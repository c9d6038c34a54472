/*
 * What holds for the whole mesh at run time: documents of the tenant "mcpz.system", a register a
 * name. They are replicated and kept as agents are, so what is set at one node holds at all, and
 * after a restart. Rules are one (rule_book.h), queues that are paused another (queue_book.h). All
 * are named in engine/at_rest.h.
 */

#ifndef HTTP_SYSTEM_DOCUMENT_H
#define HTTP_SYSTEM_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "engine/engine.h"
#include "http/document.h"

/** Names the document called so, e.g. "rules". */
void mcpz_system_document_id(const char *name, struct mcpz_id *document);

/** Does this fact say that it has changed? */
bool mcpz_system_document_is_news(const char *name, const struct mcpz_fact *fact);

/** Make it if it is not there: a second maker is told that it is, and no harm done. In a turn. */
void mcpz_system_document_make(struct mcpz_engine *engine, const char *name);

/**
 * What it says, as a JSON object, the caller's; an empty one if there is none.
 *
 * Errors: MCPZ_EIO, MCPZ_ECORRUPT, MCPZ_ENOMEM; `*state` is then NULL
 */
MCPZ_MUST_USE mcpz_error mcpz_system_document_read(struct mcpz_engine *engine, const char *name,
                                                   json_t **state);

/** The path of one register: a JSON pointer of one element, its signs escaped. False: there is
 * none of that name. `name` has MCPZ_CAPABILITY_BYTES_MAX bytes at most. */
MCPZ_MUST_USE bool mcpz_system_document_path(const char *name, struct mcpz_path *path);

#endif
