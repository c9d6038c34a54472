/*
 * Are two documents of one id one document? One that was deleted and forgotten may have been
 * created again, while a store that was away for long still has the old one. Whoever began a
 * document is among the writers of all that came of it; who creates one again does so in a life
 * that has not written to the old one (core/crdt/lives.h). So two that have no writer in common
 * began apart.
 */

#ifndef CORE_CRDT_ORIGIN_H
#define CORE_CRDT_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crdt/document.h"
#include "proto/agent.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "proto/record.h"

#define MCPZ_ORIGIN_BYTES_MAX (MCPZ_ACTORS_MAX * MCPZ_CHECK_ACTOR_BYTES)

/** Has who wrote `delta`, or whom it has seen, written to `document`, which exists? */
bool mcpz_origin_has_delta(const struct mcpz_document *document, const struct mcpz_delta *delta);

/** Have some of these? */
bool mcpz_origin_has_versions(const struct mcpz_document *document,
                              const struct mcpz_version *versions, size_t count);

/** Is anybody in both of these? */
bool mcpz_origin_are_one(const struct mcpz_version *a, size_t a_count,
                         const struct mcpz_version *b, size_t b_count);

/** Have some of those of a row? False: also if it is not valid. */
bool mcpz_origin_has_row(const struct mcpz_document *document, const struct mcpz_check_row *row);

/** Write who has written to `document`, as a row has it. Returns its length. */
size_t mcpz_origin_pack(const struct mcpz_record_document *document,
                        uint8_t bytes[MCPZ_ORIGIN_BYTES_MAX]);

#endif
