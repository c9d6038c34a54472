/*
 * Whose a document is, and what they call it: the register at mcpz_paths_id, written once.
 *
 *   name             of the default tenant: a text
 *   [tenant, name]   of any other: an array of two texts
 *
 * A document's id is a hash of both, which the engine holds against what comes in, so nobody can
 * give a document to another tenant, and the tenant is the same at all nodes whatever comes first.
 */

#ifndef CORE_CRDT_NAMING_H
#define CORE_CRDT_NAMING_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "core/crdt/parts.h"
#include "proto/agent.h"

struct mcpz_naming {
    struct mcpz_bytes tenant; /* empty: the default one */
    struct mcpz_bytes name;   /* not empty */
};

/** May it be a document's? Both are UTF-8, within MCPZ_TENANT_BYTES_MAX and
 * MCPZ_AGENT_NAME_BYTES_MAX, and the default tenant is not named. */
bool mcpz_naming_is_valid(const struct mcpz_naming *naming);

/** Write it, valid (asserted), to `parts`. */
void mcpz_naming_write(const struct mcpz_naming *naming, struct mcpz_parts *parts);

/** What `value` says, pointing into it. False: it is none, or another form of one. */
MCPZ_MUST_USE bool mcpz_naming_read(struct mcpz_bytes value, struct mcpz_naming *naming);

/** Is this how a document is named? */
bool mcpz_naming_is_one(const struct mcpz_add *add);

#endif
