/*
 * The lives of a node as a writer: what is called its generation elsewhere (proto/agent.h).
 *
 *   1 ... 1 + 256 a ... 1 + 256 (a + b)      kin: each start whose store nothing vouched for
 *   9 ... 9 + 256 c                          another line: writes were lost, or let go of
 *
 * A store may be an older one that was put back. Who writes on as it did would use names that its
 * lost writes have, and of two writes of one name none counts: so what is written behind such a
 * start is written by a new life. How far its number is ahead is drawn by lot, so that two lives
 * that begin from one store, put back twice, are two; and it is a multiple of MCPZ_LIVES_STRIDE,
 * which says that nothing is known to be lost: what an earlier kin has, it can go on with. Where
 * something is, its line is drawn as well: one backup may be put back twice, and the life before,
 * of which this one may know a part only, is to be no kin of it either.
 *
 * That is done where a new life is too dear: the rights of a bounded counter are those of the life
 * they were granted to, and a document has places for MCPZ_WRITERS_MAX writers, of which lives
 * take MCPZ_LIVES_PLACES at most. Names used there by an older store that was put back are void,
 * as all were before: until somebody who knows better has been met.
 *
 * Places are given back: once all who keep a document have signed where a life stands, and that a
 * later one has followed it, its node closes it, by a delta whose context says so. What that one
 * has seen of it is all there ever was; one place in vectors then stands for all lives up to there
 * (core/crdt/clock.h), and entries of theirs stay. Closing is a write like any other, so it is a
 * function of the deltas who has closed what, and needs no agreement of its own.
 *
 * It is only done while nobody is away who could have something else of them, since that would not
 * count. Lives with rights of bounded counters stay open, as nobody could use those.
 *
 * Source: docs reference crdt 1.5 (G3), 1.6.
 */

#ifndef CORE_CRDT_LIVES_H
#define CORE_CRDT_LIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/rng.h"
#include "core/crdt/document.h"
#include "proto/agent.h"
#include "proto/limits.h"
#include "proto/store.h"

#define MCPZ_LIVES_STRIDE 256
#define MCPZ_LIVES_AHEAD_MAX 4096 /* strides that a new life is ahead: one chance in as many */
#define MCPZ_LIVES_PLACES (MCPZ_WRITERS_MAX * 3 / 4)
#define MCPZ_LIVES_MANY 8 /* that are over: closing them is not to wait */

/**
 * The life behind a start whose store nothing vouches for. With `is_lost` it is known to be an
 * older one: no kin. The last one there can be stays.
 */
uint32_t mcpz_lives_next(uint32_t generation, bool is_lost, struct mcpz_rng *rng);

/**
 * Whose rights are those of `life` in this document: its first kin from `oldest` on that counts
 * there, or it.
 */
struct mcpz_actor mcpz_lives_first(const struct mcpz_document *document,
                                   const struct mcpz_actor *life, uint32_t oldest);

/**
 * Make `life` the one that has the rights of its node in bounded counters, if any has.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_lives_spender(const struct mcpz_store *store,
                                            const struct mcpz_document *document,
                                            struct mcpz_actor *life);

/**
 * Would nothing count that `life` writes there: it has contradicted itself, or is closed? Whoever
 * begins anew does so behind `*behind`.
 */
bool mcpz_lives_is_void(const struct mcpz_document *document, const struct mcpz_actor *life,
                        struct mcpz_actor *behind);

/** Who writes there where `life` is who we are: mostly that. */
struct mcpz_actor mcpz_lives_writer(const struct mcpz_document *document,
                                    const struct mcpz_actor *life);

/** The newest life of `node` that has written there; its first one if none has. */
struct mcpz_actor mcpz_lives_newest(const struct mcpz_document *document,
                                    const struct mcpz_id *node);

/* ---- Closing ------------------------------------------------------------------------------ */

/** How many places of a vector are those of lives that another one of the node has followed. */
size_t mcpz_lives_superseded(const struct mcpz_version *versions, size_t count);

/**
 * Are there so many of them that could be closed as to hurry, MCPZ_LIVES_MANY?
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_lives_are_many(const struct mcpz_store *store,
                                             const struct mcpz_id *document,
                                             const struct mcpz_version *versions, size_t count,
                                             bool *many);

/**
 * Up to which life `node`, which is us, may close those before; 0: that would make no room.
 * Whether anybody is away is for the caller to know.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_lives_closable(const struct mcpz_store *store,
                                             const struct mcpz_document *document,
                                             const struct mcpz_id *node, uint32_t *upto);

/**
 * May `life` be the one that closes them? What nobody wished is not to take a place, unless there
 * are hardly any left.
 */
bool mcpz_lives_may_close(const struct mcpz_document *document, const struct mcpz_actor *life);

/** Are lives closed by `delta`, which has seen `seen`, that are not yet in `document`? */
bool mcpz_lives_is_closed_by(const struct mcpz_document *document, const struct mcpz_delta *delta,
                             const struct mcpz_version *seen);

/**
 * Does `delta` only say again by `closing` what a delta in its past has closed? Who closes lives
 * names at least one before the last of them; once they are closed, one place stands for all.
 */
bool mcpz_lives_is_inherited(const struct mcpz_delta *delta, const struct mcpz_version *closing);

/** Is `dot` of a life that `delta` closes by `closing`, and behind what it has seen of it? */
bool mcpz_lives_is_late(const struct mcpz_delta *delta, const struct mcpz_version *closing,
                        const struct mcpz_dot *dot);

/** May anything in `document` be? */
bool mcpz_lives_may_have_late(const struct mcpz_document *document, const struct mcpz_delta *delta,
                              const struct mcpz_version *closing);

/**
 * Does all that `delta` has seen of the lives that it closes by `closing` count here, too? Where a
 * branch was found within, it does not.
 */
bool mcpz_lives_goes_with_cuts(const struct mcpz_document *document,
                               const struct mcpz_delta *delta, const struct mcpz_version *closing);

/**
 * The lives that `delta` is the first to close, as it has seen the last of them; NULL: it closes
 * none.
 */
const struct mcpz_version *mcpz_lives_closing(const struct mcpz_delta *delta);

/**
 * Is a delta here of a life that `delta` closes by `closing`, behind what it has seen of that, and
 * took something out? What it added went when its life was closed; that does not come back by
 * itself (engine/late.h).
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_lives_took_out(const struct mcpz_store *store,
                                             const struct mcpz_delta *delta,
                                             const struct mcpz_version *closing, bool *took);

/**
 * Move `life`, of the node that `closing` is of, on to its next one that is closed and has rows of
 * deltas here; begin with generation 0.
 *
 * Errors: MCPZ_ENOTFOUND  that was the last; MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_lives_next_kept(const struct mcpz_store *store,
                                              const struct mcpz_id *document,
                                              const struct mcpz_version *closing,
                                              struct mcpz_actor *life);

#endif
