/*
 * Writes of a life that was closed without them (core/crdt/lives.h): what they took out is there
 * again.
 *
 *   a delta is in that closes lives, and here is something that they took out behind what it has
 *   seen of them  ->  noted  ->  the turn ends: the document begins anew with our own base,
 *   without it (engine/rebase.h)
 *
 * Such writes are those of a node that was set back unknowingly. Nobody else takes them in, so who
 * has them would be the only one for whom they took something out.
 *
 * Source: docs reference crdt 1.5 (G3), 1.6.
 */

#ifndef ENGINE_LATE_H
#define ENGINE_LATE_H

#include <stddef.h>

#include "engine/engine.h"
#include "proto/agent.h"

#define MCPZ_LATE_MAX 16 /* documents in one turn; of more an alarm tells at the next folding */

/** A delta that closed lives: where it lies. */
struct mcpz_late {
    struct mcpz_late_closer {
        struct mcpz_id document;
        struct mcpz_actor actor;
        uint64_t seq;
    } closers[MCPZ_LATE_MAX];
    size_t count;
};

/** `delta`, whose lists may be gone since, was delivered; `closes`: lives of its author. */
void mcpz_late_consider(struct mcpz_engine *engine, const struct mcpz_delta *delta);

/** The turn ends. */
void mcpz_late_settle(struct mcpz_engine *engine);

#endif
