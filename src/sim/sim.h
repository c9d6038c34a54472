/*
 * A whole mesh in one thread: many engines, one virtual clock, a network and disks that delay,
 * break and come back.
 *
 * Only time, the network, the disks and the providers are made up; engines, admission, codecs and
 * stores are those that ship. Everything that matters is drawn from one seed, so a run is a
 * function of (seed, script): run it again and every step comes back. (Keys of join tokens are
 * real randomness: nothing but their bytes depends on them.)
 *
 * Connections behave like TCP: in order, nothing lost while they stand; a cut one stalls.
 */

#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/event.h"
#include "engine/engine.h"
#include "proto/record.h"

#define MCPZ_SIM_NODES_MAX 64
#define MCPZ_SIM_CROWD_MAX 256

struct mcpz_sim_config {
    size_t node_count;
    uint64_t seed;
    mcpz_time delay_min_us; /* of one frame, one way */
    mcpz_time delay_max_us;
    mcpz_time disk_us;            /* from handing over a batch until it is durable */
    mcpz_time run_us;             /* a provider's time for a task */
    bool sealed;                  /* what lies on the disks is: engine/at_rest.h */
    bool forgets;                 /* what was deleted goes: engine/forgetting.h */
    struct mcpz_gate_config gate; /* of all nodes; tasks take hands */
    struct mcpz_node_timing timing;
};

struct mcpz_sim;

/** Make nodes 0 .. node_count - 1, none of them started. Never NULL: aborts without memory. */
struct mcpz_sim *mcpz_sim_create(const struct mcpz_sim_config *config);
void mcpz_sim_destroy(struct mcpz_sim *sim);

mcpz_time mcpz_sim_now(const struct mcpz_sim *sim);

/* ---- What a script does ------------------------------------------------------------------- */

/**
 * Start a node on what its disk holds. The first start of node 0 founds the mesh; that of any
 * other makes a token at node 0 and joins with it.
 */
void mcpz_sim_start(struct mcpz_sim *sim, size_t index);

/** Start all, one after the other, and run until all are linked. */
void mcpz_sim_start_all(struct mcpz_sim *sim);

/** Before its first start: nobody can dial this node, which is behind NAT and has no address. */
void mcpz_sim_hide(struct mcpz_sim *sim, size_t index);
bool mcpz_sim_is_hidden(const struct mcpz_sim *sim, size_t index);

/** `mcpz leave`: the node says goodbye and is in no mesh; a later start joins anew. */
void mcpz_sim_depart(struct mcpz_sim *sim, size_t index);

/** kill -9: what is not durable is lost, the others' connections to it close. */
void mcpz_sim_kill(struct mcpz_sim *sim, size_t index);

/**
 * kill -9 while the disk is at it: the oldest `keep` batches that are not durable yet are there
 * nevertheless, unless the disk is full. Returns whether others were lost.
 */
bool mcpz_sim_tear(struct mcpz_sim *sim, size_t index, uint32_t keep);

/** What is durable at a node is kept aside, in place of what was before. */
void mcpz_sim_back_up(struct mcpz_sim *sim, size_t index);

/** kill -9, and its disk is what was kept aside. False: nothing was, and nothing happens. */
bool mcpz_sim_restore(struct mcpz_sim *sim, size_t index);

/**
 * The same, and nothing tells the node: it goes on as who it was, under numbers that it has used,
 * and so contradicts itself until it hears from others what it had written.
 */
bool mcpz_sim_restore_unnoticed(struct mcpz_sim *sim, size_t index);

/** Stall (or let go on) all there is between two nodes; dialling fails meanwhile. */
void mcpz_sim_cut(struct mcpz_sim *sim, size_t a, size_t b, bool cut);

/** From now on the node's disk is full (or no longer): every batch fails. */
void mcpz_sim_fill_disk(struct mcpz_sim *sim, size_t index, bool full);

/** From now on its wall clock is so far ahead of the others', or behind. */
void mcpz_sim_set_clock(struct mcpz_sim *sim, size_t index, int64_t ahead_ms);

/** From now on a batch of this node takes `disk_us` until it is durable. */
void mcpz_sim_slow_disk(struct mcpz_sim *sim, size_t index, mcpz_time disk_us);

/**
 * So many connect to a running node who hold a key, and say nothing: no members, and not admitted
 * ever. MCPZ_SIM_CROWD_MAX at most.
 */
void mcpz_sim_crowd(struct mcpz_sim *sim, size_t index, uint32_t count);

/** From now on a frame between the two takes `extra_us` longer. */
void mcpz_sim_slow_link(struct mcpz_sim *sim, size_t a, size_t b, mcpz_time extra_us);

/**
 * Stop a running node, as SIGSTOP does: it neither hears nor ticks for so long, then finds all
 * that came meanwhile. A pause that is under way ends `for_us` from now; 0 ends it now, for what
 * comes from now on.
 */
void mcpz_sim_pause(struct mcpz_sim *sim, size_t index, mcpz_time for_us);

/**
 * The node offers a capability: a task's result is its parameters, after run_us. But that of
 * "join" is its input; the parameters of "split" are the plan by which it is split; and "fail"
 * fails.
 */
void mcpz_sim_provide(struct mcpz_sim *sim, size_t index, const char *capability);

/** `mcpz drain`, and taking it back. A node that is drained goes on running. */
void mcpz_sim_drain(struct mcpz_sim *sim, size_t index, uint32_t timeout_ms);
void mcpz_sim_resume(struct mcpz_sim *sim, size_t index);

/** From now on this node's providers take so long; MCPZ_TIME_NEVER: what they begin never ends. */
void mcpz_sim_slow_runs(struct mcpz_sim *sim, size_t index, mcpz_time run_us);

/** From now on what its providers do ends so: MCPZ_CODE_OK, or why not. */
void mcpz_sim_fail_runs(struct mcpz_sim *sim, size_t index, uint32_t code);

/** Run a task; returns its name for mcpz_sim_task_result(). */
uint64_t mcpz_sim_task(struct mcpz_sim *sim, size_t index, const char *capability,
                       const char *params, uint32_t timeout_ms);

/* What else may be said of a task. */
struct mcpz_sim_order {
    const char *capability;
    const char *params;
    uint32_t timeout_ms;
    uint32_t priority;
    const char *tenant; /* NULL: none */
    const char *key;    /* NULL: none */
};

/** The same, of any kind. */
uint64_t mcpz_sim_order(struct mcpz_sim *sim, size_t index, const struct mcpz_sim_order *order);

/* A durable task. Texts may be NULL: empty. */
struct mcpz_sim_submission {
    const char *capability;
    const char *params;
    const char *key;
    uint32_t priority;
    uint32_t attempts_max; /* 0: five */
    uint32_t backoff_ms;   /* 0: 200 */
    uint32_t timeout_ms;   /* of an attempt; 0: 30000 */
    uint32_t ttl_ms;
    uint32_t copies_min;
    bool retry_failed;
};

/** Submit it; returns the request's name for mcpz_sim_reply() and mcpz_sim_task_id(). */
uint64_t mcpz_sim_submit(struct mcpz_sim *sim, size_t index,
                         const struct mcpz_sim_submission *submission);

/** So many of them at one time; the others' names count up from the first's, which is returned. */
uint64_t mcpz_sim_submit_alike(struct mcpz_sim *sim, size_t index,
                               const struct mcpz_sim_submission *submission, size_t count);

/** Ask something about a durable task (DURABLE_*), or a queue. */
uint64_t mcpz_sim_durable(struct mcpz_sim *sim, size_t index, enum mcpz_event_kind kind,
                          const struct mcpz_task_id *id, const char *capability);

/* One write: `path` is a single element, `value` a text (SET, ADD, REMOVE). */
struct mcpz_sim_op {
    enum mcpz_agent_op op;
    const char *path;
    const char *value;
    int64_t amount; /* INCREMENT */
};

/** Write to an agent. Returns its name for mcpz_sim_reply(). */
uint64_t mcpz_sim_write(struct mcpz_sim *sim, size_t index, const char *agent,
                        const struct mcpz_sim_op *op);

/** The same, answered when so many owners have it on disk, or the time is over. */
uint64_t mcpz_sim_write_waiting(struct mcpz_sim *sim, size_t index, const char *agent,
                                const struct mcpz_sim_op *op, enum mcpz_ack_level ack,
                                uint32_t timeout_ms);

/**
 * Node 0 makes a layout of these nodes: proto/placement.h. Returns its name for mcpz_sim_reply().
 */
uint64_t mcpz_sim_layout(struct mcpz_sim *sim, const size_t *indexes, size_t count,
                         uint32_t copies);

/** Nobody is to wait for node `gone`, says somebody at another. */
uint64_t mcpz_sim_layout_skip(struct mcpz_sim *sim, size_t index, size_t gone);

/** Does the newest layout that a running node knows name another? */
bool mcpz_sim_layout_names(const struct mcpz_sim *sim, size_t index, size_t peer);

/** Does a running node wait for another to come over to a layout? */
bool mcpz_sim_layout_waits_for(const struct mcpz_sim *sim, size_t index, size_t peer);

/** Node 0 says that another is gone for good. As above. */
uint64_t mcpz_sim_revoke(struct mcpz_sim *sim, size_t gone, const char *reason);

/** Does a running node hold another, or itself, for revoked? */
bool mcpz_sim_is_revoked(const struct mcpz_sim *sim, size_t index, size_t peer);

/** Does a running node know any layout? */
bool mcpz_sim_has_layout(const struct mcpz_sim *sim, size_t index);

/** Has everybody come over to the newest layout, as a running node knows it? */
bool mcpz_sim_layout_is_settled(const struct mcpz_sim *sim, size_t index);

/** Is a running node to keep an agent, by the layouts it knows? */
bool mcpz_sim_owns(const struct mcpz_sim *sim, size_t index, const char *agent);

/**
 * Let a member say any bytes to another as one frame, now. Returns what the engine made of them;
 * MCPZ_ENOTFOUND if the two are not connected.
 */
mcpz_error mcpz_sim_inject(struct mcpz_sim *sim, size_t from, size_t to, struct mcpz_bytes frame);

/** Run until virtual time `until_us`. Costs no real waiting. */
void mcpz_sim_run(struct mcpz_sim *sim, mcpz_time until_us);

/** The same, for `for_us` from now on. */
void mcpz_sim_run_for(struct mcpz_sim *sim, mcpz_time for_us);

/* ---- What a script sees ------------------------------------------------------------------- */

/* Who looks on while engines act. It may not touch the simulation. */
struct mcpz_sim_watch {
    void *context;
    void (*saw)(void *context, size_t index, const struct mcpz_action *action);   /* may be NULL */
    void (*read)(void *context, size_t from, size_t to, struct mcpz_bytes frame); /* may be NULL */
};

/** From now on `watch` sees every action of every node that leaves an engine, and reads every
 * frame that crosses the network. */
void mcpz_sim_watch(struct mcpz_sim *sim, const struct mcpz_sim_watch *watch);

bool mcpz_sim_is_paused(const struct mcpz_sim *sim, size_t index);

/** Did time stand still, because nodes keep doing things in one microsecond? */
bool mcpz_sim_is_stuck(const struct mcpz_sim *sim);

/** Counters of all engines, also of those that are gone. */
void mcpz_sim_counters(const struct mcpz_sim *sim, struct mcpz_counters *sum);

/** Events the cores have taken in so far, all nodes together. */
uint64_t mcpz_sim_steps(const struct mcpz_sim *sim);

/** Which node has this id; SIZE_MAX: none. */
size_t mcpz_sim_node_of(const struct mcpz_sim *sim, const struct mcpz_id *id);

/** Does `node` hold `peer` for a member? Suspects count as members, the dead do not. */
bool mcpz_sim_knows(const struct mcpz_sim *sim, size_t index, size_t peer);

/** Have all that a quorum of an agent's owners has brought to a node. As above. */
uint64_t mcpz_sim_read_quorum(struct mcpz_sim *sim, size_t index, const char *agent,
                              uint32_t timeout_ms);

/** Does `node` hold `peer` for alive, and not for suspect? */
bool mcpz_sim_holds_alive(const struct mcpz_sim *sim, size_t index, size_t peer);

/** The code of a reply or a task's end: enum mcpz_code; -1 as long as there is none. */
int mcpz_sim_reply(const struct mcpz_sim *sim, uint64_t request);

/** Which task a request was about, and how many nodes have it on disk, as the REPLY said. */
const struct mcpz_task_id *mcpz_sim_task_id(const struct mcpz_sim *sim, uint64_t request);
uint32_t mcpz_sim_task_copies(const struct mcpz_sim *sim, uint64_t request);

/** What has become of a durable task, as a node knows it. False: it does not know it. */
bool mcpz_sim_task_state(struct mcpz_sim *sim, size_t index, const struct mcpz_task_id *id,
                         struct mcpz_task_state *state);

/** Fill in a record from a node's store, but for what it points to. False: it is not there. */
bool mcpz_sim_reads(struct mcpz_sim *sim, size_t index, struct mcpz_record *record);

/** The same, of the next record of its kind. False: there is no more. */
bool mcpz_sim_reads_next(struct mcpz_sim *sim, size_t index, struct mcpz_record *record);

/** What a node makes of its result, as text (`capacity` of it). */
void mcpz_sim_task_result(struct mcpz_sim *sim, size_t index, const struct mcpz_task_id *id,
                          char *text, size_t capacity);

/** What a task gave, as text; "" before it is done. Owned by `sim`. */
const char *mcpz_sim_result(const struct mcpz_sim *sim, uint64_t request);

/** The root of an agent at a node. False if the node does not have it. */
bool mcpz_sim_root(struct mcpz_sim *sim, size_t index, const char *agent, uint8_t *root);

/** May a node write to an agent that it has: is there a place among those that do? */
bool mcpz_sim_may_write(struct mcpz_sim *sim, size_t index, const char *agent);

/** How many deltas of an agent a node has that it has not folded; 0 if it does not have it. */
uint64_t mcpz_sim_tail(struct mcpz_sim *sim, size_t index, const char *agent);

/** The value of a counter of an agent at a node; 0 if there is none. */
int64_t mcpz_sim_counter(struct mcpz_sim *sim, size_t index, const char *agent, const char *path);

/** Is the text `value` in the set at `path`, at a node? */
bool mcpz_sim_has(struct mcpz_sim *sim, size_t index, const char *agent, const char *path,
                  const char *value);

/** Has a node set an agent aside, as the others had forgotten it? */
bool mcpz_sim_is_aside(const struct mcpz_sim *sim, size_t index, const char *agent);

/** NULL: it is not running. */
struct mcpz_engine *mcpz_sim_engine(struct mcpz_sim *sim, size_t index);

/** What became true, one line a fact: "[ 1250] 0: 2 dead". Owned by `sim`. */
const char *mcpz_sim_trace(const struct mcpz_sim *sim);

#endif
