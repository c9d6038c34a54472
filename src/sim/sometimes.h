/*
 * What ought to come about in some storm: a branch that none of them reaches is a branch that
 * none of them tests.
 *
 * Source: Antithesis, "sometimes assertions"; FoundationDB's TEST macro.
 */

#ifndef SIM_SOMETIMES_H
#define SIM_SOMETIMES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MCPZ_SOMETIMES(X)                                                                         \
    X(SUSPECTED, "suspected", "a member fell silent")                                             \
    X(REFUTED, "refuted", "a suspect said that it lives")                                         \
    X(BURIED, "buried", "a member was declared dead")                                             \
    X(CAME_BACK, "came_back", "a dead member came back")                                          \
    X(RESTARTED, "restarted", "a node started from its disk")                                     \
    X(KILLED_IN_WRITE, "killed_in_write", "a node was killed with a request open")                \
    X(PAUSED, "paused", "a node stood still")                                                     \
    X(WENT_SILENT, "went_silent", "a link was given up because nothing was heard")                \
    X(LINK_REFUSED, "link_refused", "a newcomer was refused: all links taken")                    \
    X(LINK_EVICTED, "link_evicted", "a link was closed for a newcomer")                           \
    X(LINK_DUPLICATE, "link_duplicate", "a second link to the same peer was closed")              \
    X(LINK_SLOW, "link_slow", "a link was closed because the peer did not take what we sent")     \
    X(LINK_UNADMITTED, "link_unadmitted", "a link did not prove itself in time")                  \
    X(RELAYED, "relayed", "a node that has no link was reached through others")                   \
    X(RELAY_BROKEN, "relay_broken", "a way through others came to an end")                        \
    X(DIAL_FAILED, "dial_failed", "a dial came to nothing")                                       \
    X(DROPPED, "dropped", "a message had no link to its peer")                                    \
    X(TASK_OK, "task_ok", "a task was done")                                                      \
    X(TASK_RETRIED, "task_retried", "a task moved to another provider")                           \
    X(TASK_TIMEOUT, "task_timeout", "a task ran out of time")                                     \
    X(TASK_NO_PROVIDER, "task_no_provider", "a task found no provider")                           \
    X(TASK_LOST, "task_lost", "a task lost its last provider")                                    \
    X(WRITE_OK, "write_ok", "a write was acknowledged")                                           \
    X(WRITE_STORE_FAILED, "write_store_failed", "a write was refused by a full disk")             \
    X(WRITE_NOT_FOUND, "write_not_found", "a write found no agent")                               \
    X(WRITE_CONFLICT, "write_conflict", "an agent was there already")                             \
    X(BATCH_FAILED, "batch_failed", "a batch never reached the disk")                             \
    X(MERGED, "merged", "a document took in another node's delta")                                \
    X(MERGED_AFTER_CUT, "merged_after_cut", "a snapshot merged after a partition")                \
    X(DELTA_EARLY, "delta_early", "a delta came before its past")                                 \
    X(DELTA_DUPLICATE, "delta_duplicate", "a delta came twice")                                   \
    X(CHECKPOINT, "checkpoint", "replicas agreed on a snapshot, and signed it")                   \
    X(FOLDED, "folded", "deltas that all replicas had signed were folded")                        \
    X(BASE, "base", "a checkpoint was taken in instead of deltas that were gone")                 \
    X(FORGOTTEN, "forgotten", "a node forgot a document that was deleted")                        \
    X(SET_ASIDE, "set_aside", "a node set aside a document that others had forgotten")            \
    X(ANOTHER_LIFE, "another_life", "a node whose disk was put back wrote as another")            \
    X(FORKED, "forked", "a node contradicted itself, and was seen to")                            \
    X(LIVES_CLOSED, "lives_closed", "a node closed earlier lives of itself in an agent")          \
    X(LAID_OUT, "laid_out", "some nodes were told to keep agents, and others not")                \
    X(REVOKED, "revoked", "a node was gone for good")                                             \
    X(SHUT_OUT, "shut_out", "a node that is gone for good was refused a link")                    \
    X(TORN, "torn", "a crash kept some of the batches under way and lost others")                 \
    X(DURABLE_TAKEN, "durable_taken", "a durable task was accepted")                              \
    X(DURABLE_REFUSED, "durable_refused", "a durable task was refused: nobody kept it")           \
    X(DURABLE_DONE, "durable_done", "a durable task was done")                                    \
    X(DURABLE_RETRIED, "durable_retried", "a durable task was to be tried again")                 \
    X(DURABLE_DEAD, "durable_dead", "a durable task became a dead letter")                        \
    X(DURABLE_TAKEN_OVER, "durable_taken_over", "a backup took over a durable task")              \
    X(DURABLE_YIELDED, "durable_yielded", "an owner heard that its task is another's")            \
    X(DURABLE_REPEATED, "durable_repeated", "a provider was asked for what it had done")          \
    X(DURABLE_ADOPTED, "durable_adopted", "a run whose caller was gone found another")            \
    X(DURABLE_SPLIT, "durable_split", "a durable task was split into others")

enum mcpz_sometimes {
#define X(name, word, help) MCPZ_SOMETIMES_##name,
    MCPZ_SOMETIMES(X)
#undef X
        MCPZ_SOMETIMES_END,
};

/* What a table says of each of its rows. */
struct mcpz_sometimes_words {
    const char *word;
    const char *help;
};

/* A row of a table, for an array of these. */
#define MCPZ_SOMETIMES_WORDS(name, word, help) {word, help},

extern const struct mcpz_sometimes_words mcpz_sometimes_words[MCPZ_SOMETIMES_END];

/**
 * Write how often each of `count` rows came about: lines for people, which point at those that
 * never did; or the member "sometimes" of a JSON object.
 */
void mcpz_sometimes_print(const struct mcpz_sometimes_words *words, const uint64_t *times,
                          size_t count, FILE *file);
void mcpz_sometimes_print_json(const struct mcpz_sometimes_words *words, const uint64_t *times,
                               size_t count, FILE *file);

#endif
