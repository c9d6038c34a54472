/*
 * What happens to a simulated mesh and when, as lines a person can read, edit and delete.
 *
 *   mcpz-schedule 1 nodes=5 seed=42 end_ms=60000
 *   # a comment
 *   8000 kill 3
 *   9500 count 0 1 0 7
 *
 * One line is one happening: the time in milliseconds after the mesh stands, the verb, and the
 * verb's arguments, all of them numbers. Lines are in order of time. A line whose node is not in
 * the state for it (a write at a node that is down, a start of one that runs) does nothing, so
 * that any subset of a schedule is a schedule: shrink.h lives on that.
 *
 * What a crash leaves on the disk: every batch that was reported durable; with `kill` no other;
 * with `tear N K` also the oldest K of those under way, or all if there are fewer. Batches are
 * never torn in themselves: LMDB's commit is atomic. A full disk keeps none of them.
 */

#ifndef SIM_SCHEDULE_H
#define SIM_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_SCHEDULE_VERSION 1
#define MCPZ_SCHEDULE_LINES_MAX 20000
#define MCPZ_SCHEDULE_TEXT_BYTES_MAX 1048576
#define MCPZ_SCHEDULE_ARGUMENTS_MAX 4
#define MCPZ_SCHEDULE_END_MS_MAX UINT64_C(86400000)
#define MCPZ_SCHEDULE_ARGUMENT_MS_MAX 3600000
#define MCPZ_SCHEDULE_AGENTS 4 /* "a0" .. "a3" */
#define MCPZ_SCHEDULE_KEYS 8   /* of each kind in an agent */
#define MCPZ_SCHEDULE_GONE_AGENT                                                                  \
    3 /* the only one that is deleted: what it held is not checked                                \
       */

/*
 * Verb, number of arguments, and what each may be: 'n' a node, 'a' an agent, 'k' a key, 'm'
 * milliseconds, 's' a set of nodes as a bit mask, 'v' any 32-bit number.
 */
#define MCPZ_VERBS(X)                                                                             \
    X(KILL, "kill", "n")   /* kill -9 */                                                          \
    X(START, "start", "n") /* on what its disk holds */                                           \
    X(CUT, "cut", "nn")    /* nothing passes between the two */                                   \
    X(HEAL, "heal", "nn")                                                                         \
    X(SPLIT, "split", "s")  /* nothing passes between these and the others */                     \
    X(MEND, "mend", "")     /* end all cuts and splits */                                         \
    X(PAUSE, "pause", "nm") /* it neither hears nor ticks for so long */                          \
    X(DISK, "disk", "nm")   /* a batch takes so long */                                           \
    X(FILL, "fill", "n")    /* the disk is full */                                                \
    X(FREE, "free", "n")                                                                          \
    X(SLOW, "slow", "nnm")     /* a frame between the two takes so much longer */                 \
    X(PROVIDE, "provide", "n") /* it offers the one capability, also after a restart */           \
    X(TASK, "task", "nm")      /* it wants a task done within that time */                        \
    X(CREATE, "create", "na")                                                                     \
    X(DELETE, "delete", "na")                                                                     \
    X(SET, "set", "nakv")                                                                         \
    X(UNSET, "unset", "nak")                                                                      \
    X(ADD, "add", "nakv")                                                                         \
    X(REMOVE, "remove", "nakv")                                                                   \
    X(COUNT, "count", "nakv")                                                                     \
    X(TEAR, "tear", "nv")     /* kill, but so many batches under way are kept */                  \
    X(SUBMIT, "submit", "nv") /* a durable task; with that key if it is not 0 */

enum mcpz_verb {
#define X(name, word, arguments) MCPZ_VERB_##name,
    MCPZ_VERBS(X)
#undef X
        MCPZ_VERB_END,
};

struct mcpz_schedule_line {
    uint64_t at_ms;
    enum mcpz_verb verb;
    uint64_t arguments[MCPZ_SCHEDULE_ARGUMENTS_MAX];
};

struct mcpz_schedule {
    size_t node_count;
    uint64_t seed;   /* of everything the lines do not say: delays, keys, jitter */
    uint64_t end_ms; /* of the safety phase */
    struct mcpz_schedule_line *lines;
    size_t line_count;
    size_t line_capacity;
};

/** Start empty. Release with mcpz_schedule_finish(). */
void mcpz_schedule_init(struct mcpz_schedule *schedule);
void mcpz_schedule_finish(struct mcpz_schedule *schedule);

/** Errors: MCPZ_EFULL  MCPZ_SCHEDULE_LINES_MAX are in it */
MCPZ_MUST_USE mcpz_error mcpz_schedule_add(struct mcpz_schedule *schedule,
                                           const struct mcpz_schedule_line *line);

/** Put the lines in order of time; those of one time keep theirs. */
void mcpz_schedule_sort(struct mcpz_schedule *schedule);

/**
 * Read a text. On error `*bad_line` is the number of the line (from 1), and the schedule is to be
 * finished nevertheless.
 *
 * Errors: MCPZ_EPROTO  not a schedule; MCPZ_EFULL  too many lines, or too long a text
 */
MCPZ_MUST_USE mcpz_error mcpz_schedule_parse(struct mcpz_schedule *schedule,
                                             struct mcpz_bytes text, size_t *bad_line);

/** Write it so that mcpz_schedule_parse() gives the same. */
void mcpz_schedule_print(const struct mcpz_schedule *schedule, FILE *file);

void mcpz_schedule_print_line(const struct mcpz_schedule_line *line, FILE *file);

/** The words of the table. */
const char *mcpz_verb_word(enum mcpz_verb verb);
const char *mcpz_verb_arguments(enum mcpz_verb verb);

#endif
