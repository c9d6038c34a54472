/*
 * Durable tasks as data: what was asked for, which never changes, and what has become of it, which
 * does. core/tasks.h says how the two travel.
 */

#ifndef PROTO_TASK_H
#define PROTO_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_TASK_ID_BYTES 16

/*
 * How a task is named: 48 bits of milliseconds, 16 of count, 32 of chance, and the first 32 of the
 * id of the node that took it in: who looks for it asks there first. So ids sort by age, and what
 * is new lies at the end of every table.
 *
 * Source: RFC 9562, section 5.7 (UUIDv7), without its version bits.
 */
struct mcpz_task_id {
    uint8_t bytes[MCPZ_TASK_ID_BYTES];
};

static inline bool mcpz_task_id_equal(const struct mcpz_task_id *a, const struct mcpz_task_id *b)
{
    return memcmp(a->bytes, b->bytes, MCPZ_TASK_ID_BYTES) == 0;
}

#define MCPZ_TASK_ID_ORIGIN 8 /* here the first four bytes of that node's id stand */

static inline uint32_t mcpz_task_id_origin(const struct mcpz_task_id *id)
{
    const uint8_t *bytes = id->bytes + MCPZ_TASK_ID_ORIGIN;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           bytes[3];
}

#define MCPZ_TASK_ID_TEXT_BYTES (2 + 2 * MCPZ_TASK_ID_BYTES + 1)

/** "t-" and 32 hex digits. `text` has MCPZ_TASK_ID_TEXT_BYTES. */
void mcpz_task_id_to_text(const struct mcpz_task_id *id, char *text);

/** False: it is no such text. */
MCPZ_MUST_USE bool mcpz_task_id_from_text(struct mcpz_bytes text, struct mcpz_task_id *id);

/* Numbers are on disk and on the wire. */
enum mcpz_task_phase {
    MCPZ_TASK_QUEUED = 1, /* waits, or is being tried */
    MCPZ_TASK_DONE,
    MCPZ_TASK_DEAD, /* a dead letter: people decide */
    MCPZ_TASK_CANCELLED,
    MCPZ_TASK_YIELDED, /* it is another's: kept to tell so to who does not know yet */
    MCPZ_TASK_SPLIT,   /* its subtasks are at it: core/task_tree.h */
    MCPZ_TASK_PHASE_END,
};

/* Where the input of a subtask comes from, if not out of its body. Numbers are on disk and on the
 * wire. */
enum mcpz_task_feed {
    MCPZ_TASK_FEED_NONE,
    MCPZ_TASK_FEED_BEFORE, /* the result of the subtask before it */
    MCPZ_TASK_FEED_ALL,    /* an array of the results of all the others */
    MCPZ_TASK_FEED_END,
};

/* How the results of subtasks become one. Numbers are on disk. */
enum mcpz_task_aggregate {
    MCPZ_TASK_PARALLEL = 1, /* all at once; an array in the order of the plan */
    MCPZ_TASK_SEQUENTIAL,   /* one after the other, each fed with what the one before gave */
    MCPZ_TASK_WEIGHTED,     /* all at once; the weighted mean of numbers */
    MCPZ_TASK_AGGREGATE_END,
};

/* What a subtask belongs to. */
struct mcpz_task_kin {
    struct mcpz_task_id parent;
    struct mcpz_task_id root; /* of the tree it is in */
    uint32_t level;           /* 1: its parent is the root */
    uint32_t part;            /* of its parent: 0, 1, ... */
    uint32_t feed;            /* enum mcpz_task_feed */
};

/* What was asked for. */
struct mcpz_task_body {
    struct mcpz_bytes capability;
    struct mcpz_bytes params; /* JSON; with the input MCPZ_TASK_BYTES_MAX at most */
    struct mcpz_bytes input;  /* may be empty: then there is none */
    struct mcpz_bytes tenant;
    struct mcpz_bytes key; /* idempotency key; empty: none */
    struct mcpz_bytes traceparent;
    uint32_t priority; /* 0 to 100, higher first */
    uint32_t attempts_max;
    uint32_t backoff_ms; /* before the second attempt, at most; doubles */
    uint32_t timeout_ms; /* of one attempt */
    bool retry_failed;   /* also where the provider itself said that it failed */
    uint64_t created_ms; /* wall clock */
    uint64_t expires_ms; /* not begun any more after that; 0: never */
    size_t kin_count;    /* 1: it is a subtask */
    struct mcpz_task_kin kin[1];
};

/** How far below its root it is; 0: it is none's subtask. */
static inline uint32_t mcpz_task_level(const struct mcpz_task_body *body)
{
    return body->kin_count > 0 ? body->kin[0].level : 0;
}

static inline uint32_t mcpz_task_feed_of(const struct mcpz_task_body *body)
{
    return body->kin_count > 0 ? body->kin[0].feed : (uint32_t)MCPZ_TASK_FEED_NONE;
}

/* Into which subtasks a task was split. */
struct mcpz_task_plan {
    uint32_t count;            /* 1 to MCPZ_SUBTASKS_MAX, not counting the one that reduces */
    uint32_t aggregate;        /* enum mcpz_task_aggregate */
    bool reduces;              /* one more, part `count`, makes the result out of theirs */
    uint32_t failures_max;     /* so many may fail */
    uint64_t salt;             /* a hash of the text, and in the names of what is made of it */
    struct mcpz_bytes weights; /* of each, in thousandths: four bytes, the highest first */
    struct mcpz_bytes text;    /* as its provider gave it: proto/plan.h */
};

/* What a client hands in. Its body is complete but for created_ms and expires_ms, and 0 attempts
 * and backoff are the configuration's. */
struct mcpz_task_order {
    struct mcpz_task_body body;
    uint32_t ttl_ms;     /* not begun any more after that; 0: never; MCPZ_TASK_TTL_DEFAULT */
    uint32_t copies_min; /* refused with fewer; 0 or 1: as many as can be */
};

/* What became of one of them. */
struct mcpz_task_taken {
    uint64_t number; /* the client's, or our edge's, for the order */
    uint32_t code;   /* enum mcpz_code */
    uint32_t copies; /* nodes that have it on disk */
    struct mcpz_task_id id;
    struct mcpz_bytes text; /* a failure's, for people */
};

/** How much of a message it takes, at most, as an order and as a new task. */
static inline size_t mcpz_task_order_bytes(const struct mcpz_task_body *body)
{
    return MCPZ_TASK_ORDER_BYTES + body->capability.length + body->params.length +
           body->input.length + body->tenant.length + body->key.length + body->traceparent.length;
}

/* One attempt that ended other than well. */
struct mcpz_task_attempt {
    uint32_t number;
    struct mcpz_id provider; /* zeros: none was found */
    uint32_t code;           /* enum mcpz_code */
    struct mcpz_bytes text;  /* cut to MCPZ_TASK_TEXT_BYTES_MAX */
    uint64_t at_ms;
};

/*
 * What has become of it. Who has the higher (epoch, revision) knows better; a new owner or another
 * backup begins an epoch.
 */
struct mcpz_task_state {
    uint64_t epoch;
    uint64_t revision;
    struct mcpz_id owner;
    struct mcpz_id backup; /* zeros: nobody else keeps it */
    uint64_t life;         /* at whoever keeps this row: in which of its lives it was confirmed */
    uint32_t phase;        /* enum mcpz_task_phase */
    uint64_t due_ms;       /* QUEUED: waits until then; 0: for its turn */
    uint32_t attempts;     /* that ended other than well; with a key also the one under way */
    struct mcpz_id provider; /* DONE: who did it; QUEUED, with a key: who may be at it */
    uint64_t held_ms;        /* since when what that one did is not known; 0: it is */
    uint64_t ended_ms;
    uint32_t code;                           /* DEAD, CANCELLED: why */
    struct mcpz_bytes text;                  /* for people */
    const struct mcpz_task_attempt *history; /* the last ones, oldest first */
    size_t history_count;
    uint32_t family; /* of a root: tasks that were ever made below it */
    uint32_t round;  /* how often its tree was replayed */
};

static inline bool mcpz_task_is_over(const struct mcpz_task_state *state)
{
    return state->phase != MCPZ_TASK_QUEUED && state->phase != MCPZ_TASK_SPLIT;
}

#endif
