/*
 * What must hold in every run, and the book that is kept to know it.
 *
 * Safety holds at every moment; it is looked at as things happen and every virtual second.
 * Liveness holds some bounded time after all is healed and started.
 *
 * Not checked: what is deleted (MCPZ_SCHEDULE_GONE_AGENT) beyond being the same everywhere, and
 * which of two concurrent values of a register wins.
 *
 * Source: protocols.md 5.5, as far as these machines have what it speaks of.
 */

#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/schedule.h"
#include "sim/sim.h"
#include "sim/sometimes.h"

#define MCPZ_CHECK_WORDS_BYTES 240
#define MCPZ_CHECK_REQUESTS_MAX 65536

#define MCPZ_INVARIANTS(X)                                                                        \
    X(NONE, "none")                                                                               \
    X(FORBIDDEN, "forbidden")       /* only tests forbid something */                             \
    X(STANDS_STILL, "stands_still") /* nodes keep doing things in one microsecond */              \
    X(INCARNATION, "incarnation")   /* of a node: never goes back */                              \
    X(ONE_REPLY, "one_reply")       /* to a request, at most */                                   \
    X(ONE_ANSWER, "one_answer")     /* to a task, at most */                                      \
    X(LINKS, "links")               /* at most MCPZ_LINKS_MAX */                                  \
    X(LIVES, "lives")               /* nobody declares itself dead */                             \
    X(VIEW, "view")                 /* in the end every node knows every other */                 \
    X(SHUT_OUT, "shut_out")         /* in the end who is revoked is so for all, and alone */      \
    X(LAYOUT, "layout")             /* in the end all have come over to the newest */             \
    X(SAME_ROOT, "same_root")       /* in the end owners of a document hold the same, */          \
    X(PLACE, "place")               /* and nobody else holds it */                                \
    X(KEPT, "kept")                 /* in the end every acknowledged write is there, once */      \
    X(GOES_ON, "goes_on")           /* in the end those that are left write, and fold it */       \
    X(ANSWERED, "answered")         /* in the end no request and no call is open */               \
    X(TASKS, "tasks")       /* in the end every accepted task is over, and has a result */        \
    X(ONCE, "once")         /* a task with a key is completed at most once */                     \
    X(DEADLINE, "deadline") /* in the end none lies in the past */

enum mcpz_invariant {
#define X(name, word) MCPZ_INVARIANT_##name,
    MCPZ_INVARIANTS(X)
#undef X
};

const char *mcpz_invariant_word(enum mcpz_invariant invariant);

/* What was asked of a node. */
struct mcpz_asked {
    bool is_ours; /* by a line of the schedule, which follows */
    struct mcpz_schedule_line line;
    mcpz_time at_us;
    uint32_t life;            /* of the node, when it was asked */
    uint32_t answers;         /* REPLY or TASK_DONE */
    uint32_t code;            /* of the last */
    struct mcpz_task_id task; /* SUBMIT: how it was named */
};

struct mcpz_check {
    struct mcpz_sim *sim;
    size_t node_count;
    uint32_t life[MCPZ_SIM_NODES_MAX]; /* how often it was started */
    uint64_t incarnation[MCPZ_SIM_NODES_MAX];
    bool buried[MCPZ_SIM_NODES_MAX][MCPZ_SIM_NODES_MAX]; /* by the first, the second */
    mcpz_time healed_us;                                 /* when cuts ended last; 0: never */
    mcpz_time doubted_since_us[MCPZ_SIM_NODES_MAX];      /* MCPZ_TIME_NEVER: it is not */
    struct mcpz_asked *asked;                            /* by request */
    uint64_t request_count;                              /* greatest seen, plus one */
    uint64_t sometimes[MCPZ_SOMETIMES_END];

    bool provides[MCPZ_SIM_NODES_MAX]; /* it offers, or did before it was killed, what tasks ask */
    uint64_t revoked_by[MCPZ_SIM_NODES_MAX];   /* a request; 0: it was never asked for */
    uint64_t last_words[MCPZ_SCHEDULE_AGENTS]; /* requests */
    bool goes_on[MCPZ_SCHEDULE_AGENTS];
    mcpz_time last_words_us[MCPZ_SCHEDULE_AGENTS]; /* 0: none yet */

    /* What was violated first. */
    enum mcpz_invariant violated;
    mcpz_time violated_us;
    char words[MCPZ_CHECK_WORDS_BYTES];
};

/** "a2", "c7": what agents, and keys of registers, sets and counters are called. */
struct mcpz_check_name {
    char text[16];
};
struct mcpz_check_name mcpz_check_name(char kind, uint64_t number);

/** Begin to look on. The book belongs to `check` until mcpz_check_finish(). */
void mcpz_check_init(struct mcpz_check *check, struct mcpz_sim *sim, size_t node_count);
void mcpz_check_finish(struct mcpz_check *check);

/** Is what this SUBMIT hands in split into others? One in five is, by when it is said. */
bool mcpz_check_is_tree(const struct mcpz_schedule_line *line);

/** Note what a line asked for. */
void mcpz_check_asked(struct mcpz_check *check, uint64_t request,
                      const struct mcpz_schedule_line *line);

void mcpz_check_started(struct mcpz_check *check, size_t node);
void mcpz_check_killed(struct mcpz_check *check, size_t node);

/** A node's disk is an older one: its incarnation may go back, once. */
void mcpz_check_restored(struct mcpz_check *check, size_t node);

/**
 * A node's disk is what it was then, and it does not know: since then, and until the end, it may
 * contradict itself. What it writes may count or not, and it need not be like the others.
 */
void mcpz_check_doubts(struct mcpz_check *check, size_t node, mcpz_time since_us);

/** `request` says that a node is gone for good. */
void mcpz_check_revoked(struct mcpz_check *check, size_t node, uint64_t request);

/** Was that asked for, whatever came of it? */
static inline bool mcpz_check_may_be_gone(const struct mcpz_check *check, size_t node)
{
    return check->revoked_by[node] != 0;
}

/** Is a node gone for good, as node 0 knows, which runs? */
bool mcpz_check_is_gone(const struct mcpz_check *check, size_t node);
size_t mcpz_check_count_gone(const struct mcpz_check *check);

/**
 * Is what a node has acknowledged on more disks than are gone for good? What only those have is
 * lost with them.
 */
bool mcpz_check_outlives(const struct mcpz_check *check, uint64_t request);

/** Do all that are left hold who is gone for gone, and is it alone? */
bool mcpz_check_are_shut_out(struct mcpz_check *check, char *words);

/** Have those that are left of a mesh written what all keepers have, and folded it? */
bool mcpz_check_goes_on(struct mcpz_check *check, char *words);

/**
 * Note a violation, unless there is one. Words are "what is wrong, of what: how": what stands
 * before the colon makes two violations the same.
 */
void mcpz_check_violate(struct mcpz_check *check, enum mcpz_invariant invariant,
                        const char *format, ...) __attribute__((format(printf, 3, 4)));

/** Look at what can be seen of safety now. */
void mcpz_check_safety(struct mcpz_check *check);

/**
 * Does all that must hold in the end hold now? False, with the first that does not in
 * `*invariant` and `words` (MCPZ_CHECK_WORDS_BYTES), if not. All nodes run, but for those that are
 * gone.
 */
bool mcpz_check_liveness(struct mcpz_check *check, enum mcpz_invariant *invariant, char *words);

/** Is a node to keep an agent, and like all others that are? */
bool mcpz_check_keeps(struct mcpz_check *check, size_t node, const struct mcpz_check_name *agent);

/** The first that is to keep an agent; without a layout, node 0. */
size_t mcpz_check_keeper_of(struct mcpz_check *check, uint64_t agent);

/** Do two violations of an invariant say the same, of the same request, document or node? */
bool mcpz_check_says_the_same(const char *words, const char *others);

/**
 * Is every accepted task over, known to somebody, and, where it is done, has it its result? One
 * that nobody ever provided for stays open, as it should.
 */
bool mcpz_check_tasks_are_over(struct mcpz_check *check, char *words);

/** Has nobody completed what somebody else had? */
bool mcpz_check_keys_are_done_once(struct mcpz_check *check, char *words);

/** Add what engines counted, at the end. */
void mcpz_check_count(struct mcpz_check *check);

#endif
