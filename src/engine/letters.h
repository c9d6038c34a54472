/*
 * What nodes that keep documents say to each other where they cannot have a link: over a session
 * of the relay (core/relay.h), as if that were one.
 *
 *   a message for a peer of a session -> pieces, in the row's lane -> LETTER, one by one, as fast
 *                                        as the other end takes them
 *   LETTER from the core -> put together -> as a message of a link
 *
 * So a row stands for each session, in the state MCPZ_LINK_RELAYED: authors are told over it, and
 * deltas come verified, as over a link. There are as many rows as sessions, beside those of links:
 * neither has to wait for the other's to be free. The host knows nothing of them.
 *
 * Only what is said of documents crosses it (mcpz_letters_carry()). What finds no room is dropped,
 * and what both have is compared when the rest has gone; as it is when a session ends, or another
 * begins, and what was under way is lost. Whoever asks asks again.
 */

#ifndef ENGINE_LETTERS_H
#define ENGINE_LETTERS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fact.h"
#include "core/outbox.h"
#include "engine/engine.h"
#include "proto/limits.h"

#define MCPZ_LETTERS_LANE_BYTES_MAX 1048576 /* that wait for one peer */
#define MCPZ_LETTERS_HEARD_BYTES_MAX 262144 /* of a frame, which are looked at behind it */

static_assert(MCPZ_LETTERS_HEARD_BYTES_MAX >= 2 * MCPZ_FRAME_BYTES_MAX,
              "what a frame brings fits");

/* What lies between a piece and the one that came before it. */
enum mcpz_letters_gap {
    MCPZ_LETTERS_NO_GAP,
    MCPZ_LETTERS_ANEW, /* another session has begun */
    MCPZ_LETTERS_LOST, /* there was no room, or memory, for a piece */
};

struct mcpz_link_row;

/** May a message of this kind go through others? */
bool mcpz_letters_carry(uint32_t kind);

/** The row of the session with `peer`, NULL if there is none. */
struct mcpz_link_row *mcpz_letters_row(struct mcpz_engine *engine, const struct mcpz_id *peer);

/** A session is up, or is not any more. */
void mcpz_letters_fact(struct mcpz_engine *engine, const struct mcpz_fact *fact);

/** Queue a message for the peer of a session. One that finds no room is dropped, and counted. */
void mcpz_letters_push(struct mcpz_engine *engine, struct mcpz_link_row *row, uint32_t kind,
                       struct mcpz_bytes message);

/** A piece has come: it is looked at behind the frame that brought it, or when the turn ends. */
void mcpz_letters_take(struct mcpz_engine *engine, const struct mcpz_action_letter *letter);

/** Look at what has come. False: there was nothing. */
bool mcpz_letters_hear(struct mcpz_engine *engine);

/** Look at what has come, and send what the other ends take. False: there was nothing to do. */
bool mcpz_letters_run(struct mcpz_engine *engine);

/** Forget all sessions, and what has come and is not looked at. */
void mcpz_letters_clear(struct mcpz_engine *engine);

#endif
