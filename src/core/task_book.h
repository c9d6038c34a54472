/*
 * Durable tasks in the store: their rows, and the lists they stand in.
 *
 *   ours, its turn     READY, by queue and priority        ours, waits    LATER, by time
 *   done, cancelled    ENDED, by time                      dead letter    DEAD, by time
 *   another's copy     no list, until it is over      a subtask      PART, once it is over
 *   split              none: its subtasks are at it
 *
 * A row moves from one list to another in the same turn in which its state is written, so on disk
 * a task is always in the one place where its state says (lessons.md row 13). LONE is beside all
 * that: what is ours and not known to be kept by another node.
 *
 * What is read lies in the store's memory: see proto/store.h.
 */

#ifndef CORE_TASK_BOOK_H
#define CORE_TASK_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "proto/record.h"
#include "proto/store.h"
#include "proto/task.h"

struct mcpz_task_book {
    const struct mcpz_store *store;
    struct mcpz_id self;
    uint32_t counts[MCPZ_TASK_LIST_END]; /* rows of each list */
    uint64_t failures; /* reads that failed otherwise than by there being nothing */
};

/** A place in a list. */
struct mcpz_task_place {
    uint32_t list; /* enum mcpz_task_list; 0: in none */
    uint64_t group;
    uint64_t order;
};

void mcpz_task_book_init(struct mcpz_task_book *book, const struct mcpz_store *store,
                         const struct mcpz_id *self);

/** Ours that are not over. */
static inline uint32_t mcpz_task_book_queued(const struct mcpz_task_book *book)
{
    return book->counts[MCPZ_TASK_LIST_READY] + book->counts[MCPZ_TASK_LIST_LATER];
}

/** Which queue a capability's tasks stand in. */
uint64_t mcpz_task_book_group(struct mcpz_bytes capability);

/** Errors: MCPZ_ENOTFOUND, MCPZ_ECORRUPT, MCPZ_EIO; counted, but for the first */
MCPZ_MUST_USE mcpz_error mcpz_task_book_state(struct mcpz_task_book *book,
                                              const struct mcpz_task_id *id,
                                              struct mcpz_task_state *state);

/** Errors: as above */
MCPZ_MUST_USE mcpz_error mcpz_task_book_body(struct mcpz_task_book *book,
                                             const struct mcpz_task_id *id,
                                             struct mcpz_task_body *body);

/** A new task: body, state, key, place. */
void mcpz_task_book_add(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                        const struct mcpz_task_body *body, const struct mcpz_task_state *state);

/** The task's state was `from` and is `to` from now on; it moves where that belongs. */
void mcpz_task_book_move(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                         const struct mcpz_task_body *body, const struct mcpz_task_state *from,
                         const struct mcpz_task_state *to);

/** It is asked for otherwise than before, but for its place. */
void mcpz_task_book_rewrite(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                            const struct mcpz_task_body *body);

/** Forget all of it. */
void mcpz_task_book_remove(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                           const struct mcpz_task_body *body, const struct mcpz_task_state *state);

/** Whom an idempotency key stands for. Errors: as above */
MCPZ_MUST_USE mcpz_error mcpz_task_book_key(struct mcpz_task_book *book, struct mcpz_bytes tenant,
                                            struct mcpz_bytes key, struct mcpz_task_id *id);

/** Is it known to be kept by another node, or not? */
void mcpz_task_book_set_lone(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                             bool lone);
bool mcpz_task_book_is_lone(struct mcpz_task_book *book, const struct mcpz_task_id *id);

/**
 * Add to what is kept of a task's result. `spare` (MCPZ_TASK_RESULT_BYTES_MAX) is overwritten.
 *
 * Errors: MCPZ_EFULL  it would be longer than that; others as above
 */
MCPZ_MUST_USE mcpz_error mcpz_task_book_append_result(struct mcpz_task_book *book,
                                                      const struct mcpz_task_id *id,
                                                      struct mcpz_bytes chunk, uint8_t *spare);

void mcpz_task_book_set_result(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                               struct mcpz_bytes result);
void mcpz_task_book_drop_result(struct mcpz_task_book *book, const struct mcpz_task_id *id);

/** What is kept of it; empty if nothing is. */
struct mcpz_bytes mcpz_task_book_result(struct mcpz_task_book *book,
                                        const struct mcpz_task_id *id);

/** What it was split into. Errors: as above */
MCPZ_MUST_USE mcpz_error mcpz_task_book_plan(struct mcpz_task_book *book,
                                             const struct mcpz_task_id *id,
                                             struct mcpz_task_plan *plan);
void mcpz_task_book_set_plan(struct mcpz_task_book *book, const struct mcpz_task_id *id,
                             const struct mcpz_task_plan *plan);

/** In which group of MCPZ_TASK_LIST_PART the subtasks of a task stand. */
uint64_t mcpz_task_book_family(const struct mcpz_task_id *parent);

/**
 * The first row of a list (of a group of it, unless `whole`) behind `*listed`, or at it with
 * `inclusive`; left in `*listed`. Errors: as above
 */
MCPZ_MUST_USE mcpz_error mcpz_task_book_next(struct mcpz_task_book *book, bool whole,
                                             bool inclusive,
                                             struct mcpz_record_task_listed *listed);

/** Take a row out of a list it has no business in. */
void mcpz_task_book_strike(struct mcpz_task_book *book,
                           const struct mcpz_record_task_listed *listed);

/** Where a task in that state stands. */
struct mcpz_task_place mcpz_task_book_place(const struct mcpz_task_book *book,
                                            const struct mcpz_task_body *body,
                                            const struct mcpz_task_state *state);

#endif
