/*
 * A document made to read as it once did, by an ordinary write on top of all that was written
 * since: entries that were there and are not are added, those that are and were not are taken
 * out. What others write at the same time is merged as with any write.
 *
 *   registers       what was shown then, if something else is shown now
 *   fenced ones     the same, in an epoch that is not before the one there is: what is stale by
 *                   now stays so
 *   life            the same; out of an end that has the last word, in a new epoch
 *   several values  those that were shown then, for those that are now
 *   sets, flags, empty maps   what is lacking, and what is too much
 *   counters        our own row by the difference, so that what others count meanwhile counts
 *   budgets         the difference is granted or spent; if this node cannot spend as much, the
 *                   budget is begun anew with what it was, as this node's to spend
 *   lists           elements that were there, with the places they had; what came later goes
 *
 * Values that were hidden behind what was shown do not come back.
 */

#ifndef CORE_CRDT_RESTORE_H
#define CORE_CRDT_RESTORE_H

#include "core/crdt/draft.h"
#include "proto/store.h"

#define MCPZ_RESTORE_ELEMENTS_MAX 6000 /* of one set or list, then */

/**
 * Make the document of `writer` read as it does in `past`, a store that holds what it was. Where
 * it does so already nothing is written, which is no failure. What `past` gives is to last until
 * this returns. Anything but MCPZ_CODE_OK means as in mcpz_writer_run():
 *
 * NOT_FOUND    it is not here, or was not there, or was deleted then
 * BAD_REQUEST  a counter would leave 64 bits
 * LIMIT        MCPZ_WRITERS_MAX, MCPZ_AGENTS_MAX, MCPZ_RESTORE_ELEMENTS_MAX, or the list or budget
 *              has too many elements or partners
 * STORE_FAILED
 */
struct mcpz_outcome mcpz_restore(struct mcpz_writer *writer, const struct mcpz_store *past);

#endif
