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
 *
 * Of a fleet (sim/fleet_schedule.h), with verbs of its own:
 *
 *   mcpz-schedule 1 fleet=128 zone=32 ids=128 seed=42 end_ms=60000
 *   8000 kill 3
 *   8000 agree 20000
 */

#ifndef SIM_SCHEDULE_H
#define SIM_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_SCHEDULE_VERSION 1
#define MCPZ_SCHEDULE_LINES_MAX 20000
#define MCPZ_SCHEDULE_FLEET_LINES_MAX 2000000
#define MCPZ_SCHEDULE_TEXT_BYTES_MAX 67108864
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
 * milliseconds, 's' a set of nodes as a bit mask, 'v' any 32-bit number. Of a fleet: 'c' a cut,
 * 'e' a side of it (enum mcpz_fleet_side), 'b' yes or no, 'p' so many of a million.
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
    X(TEAR, "tear", "nv")      /* kill, but so many batches under way are kept */                 \
    X(SUBMIT, "submit", "nv")  /* a durable task; with that key if it is not 0 */                 \
    X(CROWD, "crowd", "nv")    /* so many strangers connect to it, and say nothing */             \
    X(BACK_UP, "back_up", "n") /* what is durable is kept aside */                                \
    X(RESTORE, "restore", "n") /* kill; its disk is what was kept aside, unless it alone knows    \
                                  something: then nothing happens */                              \
    X(AHEAD, "ahead", "nv")    /* its wall clock is so many seconds ahead of the others', */      \
    X(BEHIND, "behind", "nv")  /* or behind; 0: it is right */                                    \
    X(LAYOUT, "layout", "s")   /* node 0 says that these keep agents, three each */               \
    X(SETBACK, "setback", "n") /* as restore, and nothing tells the node: what it writes may      \
                                  contradict what it wrote since its disk was kept aside */       \
    X(QUORUM, "quorum", "n")   /* what is written there from now on waits for a quorum */         \
    X(REVOKE, "revoke", "n")   /* node 0, which never is, says that it is gone for good */

enum mcpz_verb {
#define X(name, word, arguments) MCPZ_VERB_##name,
    MCPZ_VERBS(X)
#undef X
        MCPZ_VERB_END,
};

/*
 * What happens to a fleet (sim/fleet.h). The last are not done, but must hold from then on: a
 * story has bounds, and who misses one is to be found like who violates something.
 */
#define MCPZ_FLEET_VERBS(X)                                                                       \
    X(START, "start", "n")                                                                        \
    X(REPLACE, "replace", "n") /* one that does not run is another from now on */                 \
    X(KILL, "kill", "n")                                                                          \
    X(VANISH, "vanish", "n")                                                                      \
    X(LEAVE, "leave", "n")                                                                        \
    X(PAUSE, "pause", "nm")                                                                       \
    X(BREAK, "break", "n")  /* one of its connections, by lot, is reset */                        \
    X(MUTE, "mute", "n")    /* one carries nothing in one direction */                            \
    X(LOSS, "loss", "nnp")  /* from one node to another, so many of their frames are late */      \
    X(SIDE, "side", "cnne") /* and these are on that side of a cut */                             \
    X(CUT, "cut", "cb")     /* 1: both ways */                                                    \
    X(HEAL, "heal", "c")                                                                          \
    X(AGREE, "agree", "m")    /* every view is correct within that time */                        \
    X(WHOLE, "whole", "m")    /* all hangs together */                                            \
    X(FAILED, "failed", "nm") /* nobody holds that node for a member */                           \
    X(SPARE, "spare", "v")    /* no more live nodes than that are convicted */

enum mcpz_fleet_verb {
#define X(name, word, arguments) MCPZ_FLEET_VERB_##name,
    MCPZ_FLEET_VERBS(X)
#undef X
        MCPZ_FLEET_VERB_END,
};

struct mcpz_schedule_line {
    uint64_t at_ms;
    uint32_t verb; /* enum mcpz_verb; of a fleet: enum mcpz_fleet_verb */
    uint64_t arguments[MCPZ_SCHEDULE_ARGUMENTS_MAX];
};

struct mcpz_schedule {
    bool is_fleet;
    size_t node_count;
    size_t zone_size;      /* of a fleet; 0: one scope for all */
    size_t identity_count; /* of a fleet: that there will ever be */
    uint64_t seed;         /* of everything the lines do not say: delays, keys, jitter */
    uint64_t end_ms;       /* of the safety phase */
    struct mcpz_schedule_line *lines;
    size_t line_count;
    size_t line_capacity;
};

/** Start empty. Release with mcpz_schedule_finish(). */
void mcpz_schedule_init(struct mcpz_schedule *schedule);
void mcpz_schedule_finish(struct mcpz_schedule *schedule);

/** Errors: MCPZ_EFULL  MCPZ_SCHEDULE_LINES_MAX are in it, of a fleet _FLEET_LINES_MAX */
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

/** The words of the table of whole nodes. */
const char *mcpz_verb_word(uint32_t verb);
const char *mcpz_verb_arguments(uint32_t verb);

#endif
