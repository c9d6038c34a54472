/*
 * What a step wants done: the only way out of the core.
 *
 * A step appends, the engine carries out and clears. What actions point to lies in the outbox's
 * arena (mcpz_outbox_keep), in the event that is being handled, or in a machine's state that does
 * not change any more in this step: all three last until the outbox is cleared. Its capacity is
 * the most one step may ask for; running over is a bug in the step, not a runtime condition.
 */

#ifndef CORE_OUTBOX_H
#define CORE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "core/event.h"
#include "core/fact.h"
#include "proto/id.h"
#include "proto/msg.h"

#define MCPZ_OUTBOX_MAX 2048
#define MCPZ_OUTBOX_ARENA_BYTES 262144

enum mcpz_action_kind {
    MCPZ_ACTION_NONE, /* it has sunk, and others stand for it */

    /* To the network. */
    MCPZ_ACTION_SEND = 1,  /* put a message on its way to linked peers; may be lost */
    MCPZ_ACTION_BROADCAST, /* to every node: sinks to the overlay, leaves the core as SEND */
    MCPZ_ACTION_DIAL,      /* try to make a link to an address */
    MCPZ_ACTION_UNLINK,    /* close the link to a peer */
    MCPZ_ACTION_REACH,     /* have a link to this node: sinks to the links; ends with LINK_UP (also
                            * if there is one) or UNREACHABLE */

    /* To whoever listens. */
    MCPZ_ACTION_FACT,
    MCPZ_ACTION_REPLY, /* the answer to an AGENT_*, LEAVE or DRAIN request */

    /* To the caller's edge. */
    MCPZ_ACTION_TASK_PULL,   /* so many bytes more of input are wanted */
    MCPZ_ACTION_TASK_RETRY,  /* say TASK_START again, and the input from its start */
    MCPZ_ACTION_TASK_OUTPUT, /* some of the result */
    MCPZ_ACTION_TASK_DONE,   /* `code` 0: the result is complete; else why it failed */

    /* To the provider's edge. */
    MCPZ_ACTION_RUN_START,
    MCPZ_ACTION_RUN_INPUT,
    MCPZ_ACTION_RUN_INPUT_END,
    MCPZ_ACTION_RUN_PULL, /* so many bytes more of output may come */
    MCPZ_ACTION_RUN_STOP, /* nobody waits for it any more; no RUN_* event may follow */
    MCPZ_ACTION_RUN_GO,   /* one that was started as `held` may begin */

    MCPZ_ACTION_TAKEN, /* to whoever listens: tasks that were accepted; as a REPLY to each */

    /* To a machine further down. */
    MCPZ_ACTION_CALL, /* sinks to the calls; the answer rises as ANSWERED, to no edge */

    MCPZ_ACTION_LETTER, /* to who runs us: a piece of a message has come through others */
};

struct mcpz_action_send {
    const struct mcpz_id *peers; /* SEND */
    size_t peer_count;
    struct mcpz_id except; /* BROADCAST: not to this one; zeros: to all */
    struct mcpz_msg msg;
};

/* A piece of a message about documents, from who cannot have a link with us: core/relay.h. */
struct mcpz_action_letter {
    struct mcpz_id from;
    bool goes_on; /* the next one belongs to it */
    struct mcpz_bytes bytes;
};

struct mcpz_action_reply {
    uint64_t request;
    uint32_t code;          /* enum mcpz_code */
    struct mcpz_bytes text; /* what was wrong, for people; empty when code is 0 */
    struct mcpz_id document;
    struct mcpz_task_id task; /* SUBMIT: how it is named; others: the task in question */
    uint32_t copies;          /* SUBMIT, AGENT_WRITE that waits: nodes that have it on disk */
    uint32_t copies_wanted;   /* AGENT_WRITE that waits: so many were to; 0: it does not */
};

struct mcpz_action_task {
    uint64_t request;
    uint32_t credit;         /* PULL */
    struct mcpz_bytes chunk; /* OUTPUT; DONE with code 0: the last of it, or empty */
    uint32_t code;           /* DONE: enum mcpz_code */
    struct mcpz_bytes text;  /* DONE */
    struct mcpz_id provider; /* DONE: zeros if none was found */
    uint32_t attempts;       /* DONE */
    uint32_t retry_after_ms; /* DONE with a failure: come back no sooner; 0: unknown */
    bool plan;               /* DONE with code 0: it is to be split, and the result says how */
};

struct mcpz_action_run {
    uint32_t run;
    struct mcpz_id caller;             /* START */
    struct mcpz_bytes capability;      /* START */
    struct mcpz_bytes params;          /* START */
    bool has_input;                    /* START */
    uint32_t timeout_ms;               /* START: what is left of the caller's time */
    uint32_t priority;                 /* START */
    struct mcpz_bytes tenant;          /* START: as the caller says; empty: none */
    struct mcpz_bytes traceparent;     /* START: as the caller says; empty: none */
    struct mcpz_bytes idempotency_key; /* START: empty: none */
    bool idempotent;                   /* START */
    bool held;               /* START: take it and its input in, and begin when RUN_GO says so */
    bool durable;            /* START: what comes of it is kept under its key */
    uint32_t levels;         /* START: of subtasks it may be split into; 0: none */
    uint32_t code;           /* STOP: why, enum mcpz_code */
    uint32_t credit;         /* PULL */
    struct mcpz_bytes chunk; /* INPUT */
};

struct mcpz_action {
    enum mcpz_action_kind kind;
    bool durable; /* SEND, REPLY, TAKEN: not before this turn's writes are on disk; CALL: what it
                     sends */
    union {
        struct mcpz_action_send send; /* SEND, BROADCAST */
        struct {
            struct mcpz_bytes address;
            struct mcpz_id expected; /* zeros: whoever answers */
        } dial;
        struct {
            struct mcpz_id peer;
            enum mcpz_link_down_reason reason;
        } unlink;
        struct {
            struct mcpz_id peer;
            struct mcpz_bytes address;
            bool or_relay; /* if there cannot be a link, a session through others will do */
        } reach;
        struct mcpz_fact fact;
        struct mcpz_action_letter letter;
        struct mcpz_action_reply reply;
        struct {
            const struct mcpz_task_taken *rows; /* `number` is the request, `code` 0 */
            size_t count;
        } taken;
        struct mcpz_action_task task;
        struct mcpz_action_run run;
        struct {
            enum mcpz_event_kind kind; /* TASK_START .. TASK_CANCEL, RUN_OUTPUT .. RUN_FAIL */
            struct mcpz_event_task task;
            struct mcpz_event_run run;
        } call;
    };
};

struct mcpz_outbox {
    struct mcpz_action actions[MCPZ_OUTBOX_MAX];
    size_t count;
    struct mcpz_arena arena;
    _Alignas(16) uint8_t memory[MCPZ_OUTBOX_ARENA_BYTES];
};

void mcpz_outbox_init(struct mcpz_outbox *out);
void mcpz_outbox_clear(struct mcpz_outbox *out);

/** Append an action to fill in. Zeroed but for its kind. Never NULL. */
struct mcpz_action *mcpz_outbox_append(struct mcpz_outbox *out, enum mcpz_action_kind kind);

/** Copy `bytes` into the outbox. */
struct mcpz_bytes mcpz_outbox_keep(struct mcpz_outbox *out, struct mcpz_bytes bytes);

/** Send `msg` to one linked peer. What `msg` points to must live as long as the outbox. */
void mcpz_outbox_send(struct mcpz_outbox *out, const struct mcpz_id *to,
                      const struct mcpz_msg *msg);

/** Send `msg` to every node we can reach, but not back to `except` (NULL: to all). */
void mcpz_outbox_broadcast(struct mcpz_outbox *out, const struct mcpz_id *except,
                           const struct mcpz_msg *msg);

void mcpz_outbox_fact(struct mcpz_outbox *out, const struct mcpz_fact *fact);

#endif
