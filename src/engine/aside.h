/*
 * Documents that were forgotten by all others while we were away: the core says which
 * (core/crdt/recheck.h), whoever runs us puts them into a file, and then they go.
 *
 *   mcpz_aside_wanted()   ->   exported, on the disk   ->   mcpz_aside_done()
 */

#ifndef ENGINE_ASIDE_H
#define ENGINE_ASIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "proto/id.h"
#include "proto/msg.h"

/* One that is in a file. */
struct mcpz_aside_row {
    struct mcpz_id document;
    uint64_t digest; /* as it was then: mcpz_document_digest() */
};

/**
 * Is that another document of that id than we have: is there nobody who has written to what all
 * have signed there and to what all have signed here? One was made anew where the other had been
 * forgotten, and they cannot be joined.
 */
bool mcpz_aside_is_other(struct mcpz_engine *engine, const struct mcpz_msg_agreed *said);

/**
 * It is, and was signed: of both the one with the lower greatest stamp gives way, by root where
 * these are equal. Ours is set aside, or `from` is told what ours is, and does so. Nothing while
 * one of us has to have its documents looked through first.
 */
void mcpz_aside_meet(struct mcpz_engine *engine, const struct mcpz_id *from,
                     const struct mcpz_msg_agreed *said);

/** How many documents are to be set aside, at most MCPZ_CHECK_MAX; `*documents` is borrowed. */
size_t mcpz_aside_wanted(const struct mcpz_engine *engine, const struct mcpz_id **documents);

/**
 * These are in a file that is on the disk: those that are still as they were then are removed with
 * this turn. With `failed`, or where one has changed, those that are left are asked for again,
 * after a while. In a turn.
 */
void mcpz_aside_done(struct mcpz_engine *engine, const struct mcpz_aside_row *rows, size_t count,
                     bool failed);

#endif
