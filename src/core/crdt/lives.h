/*
 * The lives of a node as a writer: what is called its generation elsewhere (proto/agent.h).
 *
 *   1 ... 1 + 256 a ... 1 + 256 (a + b)      kin: each start whose store nothing vouched for
 *   2 ... 2 + 256 c                          another line: writes were lost, or let go of
 *
 * A store may be an older one that was put back. Who writes on as it did would use names that its
 * lost writes have, and of two writes of one name none counts: so what is written behind such a
 * start is written by a new life. How far its number is ahead is drawn by lot, so that two lives
 * that begin from one store, put back twice, are two; and it is a multiple of MCPZ_LIVES_STRIDE,
 * which says that nothing is known to be lost: what an earlier kin has, it can go on with.
 *
 * That is done where a new life is too dear: the rights of a bounded counter are those of the life
 * they were granted to, and a document has places for MCPZ_ACTORS_MAX writers, of which lives take
 * MCPZ_LIVES_PLACES at most. Names used there by an older store that was put back are void, as all
 * were before: until somebody who knows better has been met.
 *
 * Source: docs reference crdt 1.6.
 */

#ifndef CORE_CRDT_LIVES_H
#define CORE_CRDT_LIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "core/crdt/document.h"
#include "proto/agent.h"
#include "proto/limits.h"

#define MCPZ_LIVES_STRIDE 256
#define MCPZ_LIVES_AHEAD_MAX 4096 /* strides that a new life is ahead: one chance in as many */
#define MCPZ_LIVES_PLACES (MCPZ_ACTORS_MAX * 3 / 4)

/**
 * The life behind a start whose store nothing vouches for. With `is_lost` it is known to be an
 * older one: no kin. The last one there can be stays.
 */
uint32_t mcpz_lives_next(uint32_t generation, bool is_lost, struct mcpz_rng *rng);

/** Whose rights are those of `life` in this document: its first kin that counts there, or it. */
struct mcpz_actor mcpz_lives_first(const struct mcpz_document *document,
                                   const struct mcpz_actor *life);

/** Who writes there where `life` is who we are: mostly that. */
struct mcpz_actor mcpz_lives_writer(const struct mcpz_document *document,
                                    const struct mcpz_actor *life);

/** The newest life of `node` that has written there; its first one if none has. */
struct mcpz_actor mcpz_lives_newest(const struct mcpz_document *document,
                                    const struct mcpz_id *node);

#endif
