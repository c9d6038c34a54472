/*
 * What can happen to a node: the only way into the core.
 *
 * Whatever an event points to is borrowed: it is valid until the step's actions have been carried
 * out. A machine that wants to keep something longer copies it.
 */

#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "core/fact.h"
#include "core/router/rules.h"
#include "proto/checkpoint.h"
#include "proto/gate_config.h"
#include "proto/id.h"
#include "proto/msg.h"

enum mcpz_event_kind {
    MCPZ_EVENT_TICK = 1, /* a deadline may have passed */

    /* From the network. */
    MCPZ_EVENT_RECV,        /* a message came over an admitted link */
    MCPZ_EVENT_LINK_UP,     /* a peer is connected, authenticated and admitted */
    MCPZ_EVENT_LINK_DOWN,   /* the link to a peer is gone */
    MCPZ_EVENT_DIAL_FAILED, /* an address we asked to dial did not become a link */

    /* From a machine further down, in the same step. */
    MCPZ_EVENT_FACT,

    /* From the people and programs on this machine. */
    MCPZ_EVENT_SEED,     /* an address worth dialling until we are part of a mesh */
    MCPZ_EVENT_LEAVE,    /* say goodbye to everybody */
    MCPZ_EVENT_PROVIDE,  /* from now on we can do this */
    MCPZ_EVENT_WITHDRAW, /* no longer */

    /* The caller's edge: somebody here wants a task done. */
    MCPZ_EVENT_TASK_START,
    MCPZ_EVENT_TASK_INPUT,
    MCPZ_EVENT_TASK_INPUT_END,
    MCPZ_EVENT_TASK_CREDIT, /* output was taken; so many bytes more may come */
    MCPZ_EVENT_TASK_CANCEL,

    /* The provider's edge: what we run for others (or ourselves). */
    MCPZ_EVENT_RUN_CREDIT, /* input was taken; so many bytes more may come */
    MCPZ_EVENT_RUN_OUTPUT,
    MCPZ_EVENT_RUN_END, /* it succeeded, all output was handed over */
    MCPZ_EVENT_RUN_FAIL,

    /* Agents. */
    MCPZ_EVENT_AGENT_WRITE,
    MCPZ_EVENT_AGENT_IMPORT,  /* a delta from an exported snapshot; without a request: it was here
                               */
    MCPZ_EVENT_AGENT_INSTALL, /* a checkpoint that was vouched for */
    MCPZ_EVENT_AGENT_READ,    /* REPLY when all a quorum of owners has is here */
    MCPZ_EVENT_AGENT_CLOSE,   /* nobody is away: earlier lives of ours may be closed there */
    MCPZ_EVENT_MEET,          /* have a link to this member, or a session */

    /* The overlay. */
    MCPZ_EVENT_CONTACT,     /* join the overlay through this node */
    MCPZ_EVENT_UNREACHABLE, /* a node we asked to REACH did not become a link */

    /* From who runs this node. */
    MCPZ_EVENT_LIMITS, /* go by these limits from now on */
    MCPZ_EVENT_DRAIN,  /* stop offering, finish, and say when nothing is left to do */
    MCPZ_EVENT_RESUME, /* go on as if nothing had been said of draining */
    MCPZ_EVENT_RULES,  /* calls go by these rules from now on */

    /* Durable tasks: each but the last is answered with a REPLY. */
    MCPZ_EVENT_DURABLE_SUBMIT,
    MCPZ_EVENT_DURABLE_WATCH, /* REPLY when it is over */
    MCPZ_EVENT_DURABLE_CANCEL,
    MCPZ_EVENT_DURABLE_REPLAY, /* a dead letter is tried again, as if it were new */
    MCPZ_EVENT_DURABLE_PURGE,  /* what is over is forgotten */
    MCPZ_EVENT_QUEUE_PAUSE,
    MCPZ_EVENT_QUEUE_RESUME,
    MCPZ_EVENT_DURABLE_UNWATCH, /* whoever waits under `request` is gone */

    /* From a machine further down, in the same step: what became of a call that one further up
     * asked for (MCPZ_ACTION_CALL). */
    MCPZ_EVENT_ANSWERED,

    /* Who keeps what: each is answered with a REPLY. */
    MCPZ_EVENT_LAYOUT,      /* a layout that was signed here */
    MCPZ_EVENT_LAYOUT_SKIP, /* this node will not come back: nobody is to wait for it */

    /* From who holds the mesh's key. */
    MCPZ_EVENT_REVOKED, /* this node is gone for good */

    /* To the relay. */
    MCPZ_EVENT_LETTER, /* a piece of a message for the peer of a session, which takes it */
};

enum mcpz_link_down_reason {
    MCPZ_DOWN_CLOSED = 1, /* the peer or the network closed it */
    MCPZ_DOWN_SILENT,     /* nothing heard for too long */
    MCPZ_DOWN_SLOW,       /* it did not take what we had to send */
    MCPZ_DOWN_PROTOCOL,   /* it sent what it may not */
    MCPZ_DOWN_DUPLICATE,  /* another link to the same peer stays */
    MCPZ_DOWN_LEFT,       /* one of us is leaving */
    MCPZ_DOWN_FULL,       /* it is not wanted: others are, or nobody has used it for long */
    MCPZ_DOWN_ONE_WAY,    /* we hear it, it does not hear us */
};

enum mcpz_agent_op {
    MCPZ_AGENT_CREATE = 1, /* CONFLICT if it exists */
    MCPZ_AGENT_DELETE,     /* the whole agent */
    MCPZ_AGENT_SET,        /* register at `path` := `value` */
    MCPZ_AGENT_UNSET,      /* everything at and below `path` goes */
    MCPZ_AGENT_ADD,        /* element `value` into the set at `path` */
    MCPZ_AGENT_REMOVE,     /* element `value` out of the set at `path` */
    MCPZ_AGENT_INCREMENT,  /* counter at `path` += `amount` */
    MCPZ_AGENT_KEEP,       /* register at `path` := `value`, beside concurrent ones */
    MCPZ_AGENT_FENCE,      /* fenced register at `path` := `value` in `epoch`, with `rank` */
    MCPZ_AGENT_LIFE,       /* the agent's life cycle := `name` */
    MCPZ_AGENT_ENABLE,     /* flag at `path` */
    MCPZ_AGENT_DISABLE,
    MCPZ_AGENT_GRANT,  /* bounded counter at `path`: `amount` more; with `to`: ours to that node */
    MCPZ_AGENT_SPEND,  /* bounded counter at `path` -= `amount` of what is ours */
    MCPZ_AGENT_PUSH,   /* `value` behind the list at `path` */
    MCPZ_AGENT_INSERT, /* `value` before the `index`-th element of the list at `path` */
    MCPZ_AGENT_MOVE,   /* the `index`-th element of the list at `path` becomes the `to_index`-th */
    MCPZ_AGENT_DROP,   /* the `index`-th element of the list at `path` goes */
    MCPZ_AGENT_MAP,    /* there is a map at `path`, also if it is empty */
    MCPZ_AGENT_RESTORE, /* the whole agent reads as in `past`, also if it is deleted by now */
};

/* How many owners are to have a write on disk before it is answered: core/keeping/acks.h. */
enum mcpz_ack_level {
    MCPZ_ACK_ASYNC, /* whoever writes it */
    MCPZ_ACK_ONE,
    MCPZ_ACK_QUORUM, /* more than half of them, in every live layout */
    MCPZ_ACK_ALL,
};

struct mcpz_event_task {
    uint64_t request;                  /* the edge's name for it; answered under the same */
    struct mcpz_bytes capability;      /* START */
    struct mcpz_bytes params;          /* START: JSON */
    bool has_input;                    /* START: INPUT and INPUT_END follow */
    uint32_t timeout_ms;               /* START: 1 to MCPZ_CALL_TIMEOUT_MS_MAX */
    uint32_t priority;                 /* START: 0 to MCPZ_PRIORITY_MAX, higher first */
    struct mcpz_bytes tenant;          /* START: at most MCPZ_TENANT_BYTES_MAX; empty: none */
    struct mcpz_bytes traceparent;     /* START: valid (proto/traceparent.h), or empty */
    struct mcpz_bytes idempotency_key; /* START: at most MCPZ_IDEMPOTENCY_KEY_BYTES_MAX */
    bool idempotent;                   /* START: doing it twice does no harm */
    bool durable;                      /* START: of a durable task, with a key */
    uint32_t levels;                   /* START: of subtasks it may be split into */
    struct mcpz_id only;               /* START: nobody else may do it; zeros: whoever can */
    uint8_t isolation;                 /* START: at least so isolated; 0: however */
    struct mcpz_bytes chunk;           /* INPUT: within the credit given by TASK_PULL */
    uint32_t credit;                   /* CREDIT */
};

struct mcpz_event_run {
    uint32_t run;            /* the core's name for it, from RUN_START */
    struct mcpz_bytes chunk; /* OUTPUT: within the credit given by RUN_PULL; END: the same, the
                              * last of it, or empty */
    uint32_t credit;         /* CREDIT */
    uint32_t code;           /* FAIL: enum mcpz_code */
    struct mcpz_bytes text;  /* FAIL: for people */
    uint32_t retry_after_ms; /* FAIL: come back no sooner; 0: unknown */
    bool plan;               /* END: what was handed over is a plan of subtasks, no result */
};

struct mcpz_event_drain {
    uint64_t request;     /* DRAIN: replied to when it is over; 0: nobody waits */
    uint32_t timeout_ms;  /* then it is over, whatever still runs */
    uint32_t announce_ms; /* of it, at most for the others to know */
};

struct mcpz_event_agent {
    uint64_t request;
    enum mcpz_agent_op op;
    struct mcpz_id document;
    struct mcpz_bytes name;   /* CREATE: what people call it */
    struct mcpz_bytes tenant; /* CREATE: whose it is; empty: the default one's */
    struct mcpz_bytes path;   /* canonical, checked by the edge */
    struct mcpz_bytes value;  /* canonical, checked by the edge */
    int64_t amount;
    int64_t epoch;                 /* FENCE: not negative */
    int64_t rank;                  /* FENCE: 0 to MCPZ_FENCE_RANK_MAX */
    struct mcpz_id to;             /* GRANT: zeros: to ourselves */
    uint32_t index;                /* INSERT, MOVE, DROP: as this node sees the list */
    uint32_t to_index;             /* MOVE: where it then is */
    const struct mcpz_store *past; /* RESTORE: holds what it was (core/crdt/restore.h) */
    enum mcpz_ack_level ack;
    uint32_t ack_timeout_ms; /* then TIMEOUT, and the write stays */
};                           /* AGENT_READ: `request`, `document` and `ack_timeout_ms` */

struct mcpz_event_durable {
    uint64_t request;
    struct mcpz_task_id id; /* all but SUBMIT and QUEUE_* */
    /* SUBMIT: within their bounds; the first is `request`, and so on. MCPZ_TASK_ORDERS_MAX, which
     * fit one message. */
    const struct mcpz_task_order *orders;
    size_t order_count;
    struct mcpz_bytes capability; /* QUEUE_* */
};

struct mcpz_action;

struct mcpz_event {
    enum mcpz_event_kind kind;
    uint64_t wall_ms; /* what the wall clock says; only stamps and certificates look at it */
    union {
        struct {
            struct mcpz_id from;
            const struct mcpz_msg *msg;
            bool gossip;  /* it came as a broadcast; `from` only handed it on */
            bool relayed; /* it came through others: no link has anything to do with it */
        } recv;
        struct {
            struct mcpz_id peer;
            struct mcpz_bytes address; /* what we dialled; empty: they dialled us */
            bool dialled;
            enum mcpz_link_down_reason reason; /* LINK_DOWN */
        } link; /* LINK_UP, LINK_DOWN; CONTACT, UNREACHABLE, MEET: its `peer` */
        struct {
            struct mcpz_bytes address;
            bool refused; /* DIAL_FAILED: its machine answered that nobody listens there */
        } seed;           /* SEED, DIAL_FAILED */
        struct mcpz_fact fact;
        struct {
            struct mcpz_bytes name;
            bool takes_hand;      /* PROVIDE: its tasks need one of the hands of gate_config.h */
            uint32_t running_max; /* PROVIDE: so many at once; 0: the gate finds out;
                                      MCPZ_RUNNING_UNBOUNDED: it is not to */
            uint8_t isolation;    /* PROVIDE: enum mcpz_isolation */
        } provide;                /* PROVIDE, WITHDRAW */
        const struct mcpz_gate_config *limits; /* LIMITS */
        struct mcpz_event_drain drain;
        struct {
            const struct mcpz_rule *rows;
            size_t count;
        } rules; /* RULES: all there are; more than MCPZ_RULES_MAX, or faulty, are left out */
        struct mcpz_event_task task;
        struct mcpz_event_run run;
        struct mcpz_event_agent agent;
        struct mcpz_event_durable durable;
        struct {
            uint64_t request;
            struct mcpz_bytes bytes; /* LAYOUT */
            struct mcpz_id node;     /* LAYOUT_SKIP */
        } layout;
        struct {
            struct mcpz_id peer;
            bool goes_on; /* the next one belongs to it */
            struct mcpz_bytes bytes;
        } letter;
        const struct mcpz_action *answered; /* TASK_PULL, _RETRY, _OUTPUT or _DONE */
        struct {
            uint64_t request; /* 0: nobody waits for a REPLY */
            const struct mcpz_delta *delta;
        } import;
        struct {
            uint64_t request;    /* 0: nobody waits for a REPLY */
            struct mcpz_id from; /* who sent it, and is asked for the rest; zeros: nobody */
            const struct mcpz_checkpoint *checkpoint; /* before its first entry */
        } install;
        struct mcpz_id closable; /* AGENT_CLOSE: the document */
        struct {
            struct mcpz_id node;
            struct mcpz_bytes reason; /* for people */
        } revoked;
    };
};

/**
 * Is it about a call? Then nobody looks at it but the links, which hear that a peer lives, the
 * calls and who watches them. Where nodes work for each other nearly all events are of this kind.
 */
static inline bool mcpz_event_is_of_calls(const struct mcpz_event *event)
{
    if (event->kind == MCPZ_EVENT_RECV) {
        return event->recv.msg->kind >= MCPZ_MSG_OPEN && event->recv.msg->kind <= MCPZ_MSG_CREDIT;
    }
    return event->kind >= MCPZ_EVENT_TASK_START && event->kind <= MCPZ_EVENT_RUN_FAIL;
}

/** Is it what somebody wrote? Then nobody above the fabric looks at it but who keeps agents. */
static inline bool mcpz_event_is_of_agents(const struct mcpz_event *event)
{
    return event->kind == MCPZ_EVENT_RECV ? event->recv.msg->kind == MCPZ_MSG_DELTA
                                          : event->kind == MCPZ_EVENT_AGENT_WRITE;
}

#endif
