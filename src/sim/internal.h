/* The simulator from the inside: for the files of sim/ only. */

#ifndef SIM_INTERNAL_H
#define SIM_INTERNAL_H

#include <stdlib.h>

#include "base/rng.h"
#include "core/outbox.h"
#include "sim/agenda.h"
#include "sim/sim.h"
#include "sim/sim_keys.h"
#include "store/mem.h"

#define MCPZ_WIRES_MAX 4096         /* connections at one time */
#define MCPZ_NODE_WIRES_MAX 256     /* of them, at one node: a dial that is one more fails */
#define MCPZ_SIM_REQUESTS_MAX 65536 /* tasks and writes of a whole run */
#define MCPZ_SIM_RESULT_BYTES 256
#define MCPZ_TODO_MAX (2 * MCPZ_OUTBOX_MAX)

/* What cannot be done while the engine is at work: done after the turn. */
enum mcpz_todo_kind { MCPZ_TODO_DIAL = 1, MCPZ_TODO_RETRY, MCPZ_TODO_TURN_AWAY };

struct mcpz_todo {
    enum mcpz_todo_kind kind;
    uint64_t number; /* DIAL: the node; RETRY: the task; TURN_AWAY: the link of a stranger */
};

#define MCPZ_SIM_ASIDE_MAX 64

struct mcpz_sim_node {
    struct mcpz_identity *identity;
    struct mcpz_identity *authority; /* node 0 only */
    struct mcpz_mem *mem;
    struct mcpz_kv kv;
    struct mcpz_engine *engine; /* NULL: not running */
    uint32_t life;
    bool has_joined;
    bool disk_is_full;
    bool disk_is_old;                  /* it was put back since the last start */
    int64_t ahead_ms;                  /* of its wall clock; below 0: it is behind */
    mcpz_time disk_us;                 /* from handing over a batch until it is durable */
    mcpz_time run_us;                  /* of its providers; MCPZ_TIME_NEVER: they hang */
    uint32_t run_code;                 /* how its runs end */
    mcpz_time paused_until_us;         /* it neither hears nor ticks before */
    size_t wires[MCPZ_NODE_WIRES_MAX]; /* its connections, oldest first */
    size_t wire_count;
    mcpz_time tick_at_us; /* when its earliest TICK on the agenda is due */
    struct mcpz_sim *sim;
    char name[32];
    char address[48];
    struct mcpz_id
        aside[MCPZ_SIM_ASIDE_MAX]; /* documents that it has set aside, the first of them */
    size_t aside_count;
    struct mcpz_todo todo[MCPZ_TODO_MAX]; /* what the engine asked for in this turn */
    size_t todo_count;
};

/* One connection: `ends[0]` dialled. Its place is free again when both ends let go. */
struct mcpz_wire {
    bool open;
    bool held[2];    /* that end still has it on its list */
    uint64_t serial; /* of all connections of the run */
    size_t ends[2];
    mcpz_link links[2];           /* 0: that end does not know it (any more) */
    mcpz_time last_arrival_us[2]; /* at each end: frames keep their order, */
    uint64_t sent[2];             /* also those that have to wait there: how many are on their */
    uint64_t arrived[2];          /* way to each end, how many were taken in, and until when */
    mcpz_time held_until_us[2];   /* the next was put off */
    bool closing[2];
};

struct mcpz_sim_request {
    int code; /* -1: no answer yet */
    char result[MCPZ_SIM_RESULT_BYTES];
    char capability[MCPZ_CAPABILITY_BYTES_MAX + 1]; /* a task's */
    char params[MCPZ_SIM_RESULT_BYTES];
    uint32_t timeout_ms;
    uint32_t priority;
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    char key[MCPZ_IDEMPOTENCY_KEY_BYTES_MAX + 1];
    struct mcpz_task_id task; /* as a REPLY named it */
    uint32_t copies;
};

/* A run that may not begin yet, or whose input is not complete. */
struct mcpz_sim_held {
    struct mcpz_happening ended; /* what will come of it */
    bool may_begin;
    bool is_whole;
    bool joins; /* its input is its result */
    struct mcpz_sim_held *next;
};

struct mcpz_sim {
    struct mcpz_sim_config config;
    struct mcpz_rng rng;
    struct mcpz_scratch *scratch;
    struct mcpz_sim_keys keys;
    struct mcpz_agenda agenda;
    mcpz_time now;
    struct mcpz_sim_node nodes[MCPZ_SIM_NODES_MAX];
    bool cut[MCPZ_SIM_NODES_MAX][MCPZ_SIM_NODES_MAX];
    mcpz_time slow_us[MCPZ_SIM_NODES_MAX][MCPZ_SIM_NODES_MAX]; /* added to each delay */
    struct mcpz_wire wires[MCPZ_WIRES_MAX];
    uint64_t next_serial;
    struct mcpz_sim_watch watch;
    struct mcpz_counters past; /* of engines that are gone */
    uint64_t happened;
    bool is_stuck;
    struct mcpz_sim_held *held;
    struct mcpz_sim_request *requests;
    uint64_t request_count; /* the first is never used */
    char *trace;
    size_t trace_length;
    size_t trace_capacity;
};

/** A simulation cannot go on without the memory it asked for. */
static inline void *mcpz_sim_must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* sim.c: turns */

/** Open the node's turn; its engine. */
struct mcpz_engine *mcpz_sim_enter(struct mcpz_sim *sim, size_t index);
/** Close it, and do what the engine asked for meanwhile. */
void mcpz_sim_leave(struct mcpz_sim *sim, size_t index);

/* ports.c: what engines ask for */

struct mcpz_engine_ports mcpz_sim_ports(struct mcpz_sim_node *node);
void mcpz_sim_forget_held(struct mcpz_sim *sim);

/* network.c: connections */

/** Let a dial take its time, then succeed or fail. */
void mcpz_network_dial(struct mcpz_sim *sim, size_t index, size_t to);
/** Put on their way all frames that wait at a node. */
void mcpz_network_send(struct mcpz_sim *sim, size_t index);
/** Tell both ends, after what is on its way; the end that closes hears it too. */
void mcpz_network_close(struct mcpz_sim *sim, size_t index);
/** Close the connections a node's engine wants closed. */
void mcpz_network_close_asked(struct mcpz_sim *sim, size_t node);
/** The node is gone: its connections close, and it will not hear of it. */
void mcpz_network_drop(struct mcpz_sim *sim, size_t node);
void mcpz_network_on_dial(struct mcpz_sim *sim, const struct mcpz_happening *dial);
void mcpz_network_on_frame(struct mcpz_sim *sim, struct mcpz_happening *arrival);
void mcpz_network_on_closed(struct mcpz_sim *sim, struct mcpz_happening *closed);

/* script.c: work */

uint64_t mcpz_sim_take_request(struct mcpz_sim *sim);
void mcpz_sim_start_task(struct mcpz_sim *sim, size_t index, uint64_t name);

/** Say again, later, what cannot happen now. The agenda takes over its frame. */
static inline void mcpz_sim_put_off(struct mcpz_sim *sim, struct mcpz_happening *happening,
                                    mcpz_time until_us)
{
    happening->at_us = until_us;
    mcpz_agenda_add(&sim->agenda, happening);
    happening->frame = NULL;
}

#endif
