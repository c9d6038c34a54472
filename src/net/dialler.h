/*
 * From an address the engine wants to a link, or to one "dial failed": exactly one of the two.
 *
 *   WAITING --> RESOLVING --> CONNECTING --> linked
 *      |            |          |  |    ^
 *      |            |          |  v    | next address of the name
 *      |            |          | KNOCKING (unanswered only: net/knock.h)
 *      |            v          v
 *      +--------> FAILED <-----+
 *
 * At most MCPZ_DIALS_MAX are under way, the others wait in order. All addresses of a name share
 * one MCPZ_DIAL_TIMEOUT_US. A dial was refused if a knock at every address was. The engine is told
 * in a later round of the loop: it asks for dials from within itself.
 */

#ifndef NET_DIALLER_H
#define NET_DIALLER_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "core/links.h"
#include "net/mesh.h"
#include "net/peers.h"
#include "proto/id.h"
#include "proto/limits.h"

/* The core asks for so many nodes and seeds at a time; some more are over but wait for the
 * resolver. */
#define MCPZ_DIALS_KNOWN_MAX (MCPZ_REACHING_MAX + MCPZ_SEEDS_MAX + MCPZ_DIALS_MAX)

struct mcpz_dialler;

/** `mesh` is borrowed. Errors: MCPZ_ENOMEM; `*dialler` is then NULL. */
MCPZ_MUST_USE mcpz_error mcpz_dialler_create(struct mcpz_mesh *mesh,
                                             struct mcpz_dialler **dialler);

/** Stop. The memory stays until mcpz_dialler_destroy(): wires point to it. */
void mcpz_dialler_end(struct mcpz_dialler *dialler);

/** NULL is fine. */
void mcpz_dialler_destroy(struct mcpz_dialler *dialler);

/**
 * Dial `address` (host:port). Allowed within engine callbacks. An address that is being dialled
 * is not dialled twice: both get the one answer. `expected` zeros: whoever answers.
 */
void mcpz_dialler_dial(struct mcpz_dialler *dialler, struct mcpz_bytes address,
                       const struct mcpz_id *expected);

#endif
