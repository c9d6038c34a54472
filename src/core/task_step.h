/* The tasks machine from the inside: for core/tasks.c and core/task_*.c only. */

#ifndef CORE_TASK_STEP_H
#define CORE_TASK_STEP_H

#include "core/tasks.h"

/* A task of which something becomes, and what it was. */
struct mcpz_task_now {
    struct mcpz_task_id id;
    struct mcpz_task_body body;
    struct mcpz_task_state was;
    struct mcpz_task_state is;
};

/* Is there anybody else who could have a task on disk? */
enum mcpz_task_company {
    MCPZ_TASK_ALONE,   /* nobody that we know of */
    MCPZ_TASK_DOUBTED, /* linked, and has not said who it is; convicted of silence alone, lately;
                          or met in an earlier life, and this one has just begun */
    MCPZ_TASK_COMPANY, /* alive, or suspect */
};

struct mcpz_task_step {
    struct mcpz_tasks *tasks;
    const struct mcpz_fabric *fabric;
    const struct mcpz_relay *relay;
    const struct mcpz_registry *registry;
    const struct mcpz_calls *calls;
    const struct mcpz_planner *planner;
    mcpz_time now;
    uint64_t wall_ms;
    struct mcpz_outbox *out;
};

/* tasks.c */

/** Read a task. False: it is not there, or cannot be read. */
bool mcpz_task_load(struct mcpz_task_step *step, const struct mcpz_task_id *id,
                    struct mcpz_task_now *task);

/** Write what it is now, with the next revision; queues and watches learn of it. */
void mcpz_task_save(struct mcpz_task_step *step, struct mcpz_task_now *task);

/**
 * Look at it again at `due_ms` (0: when its turn comes). That is nobody else's business, so its
 * revision stays: a backup that is just taking it in takes in what it is.
 */
void mcpz_task_put_off(struct mcpz_task_step *step, struct mcpz_task_now *task, uint64_t due_ms);

/** It is over: note why, write it, tell its backup. */
void mcpz_task_end(struct mcpz_task_step *step, struct mcpz_task_now *task,
                   enum mcpz_task_phase phase, uint32_t code, struct mcpz_bytes text);

/** Take in a new task: in the store, and in its queue if its turn may come. */
void mcpz_task_add(struct mcpz_task_step *step, const struct mcpz_task_now *task);

/** Answer a request about a task. */
void mcpz_task_reply(struct mcpz_task_step *step, uint64_t request, uint32_t code,
                     const char *text, const struct mcpz_task_id *id, uint32_t copies);

/** Forget a task that is over, or is another's now. */
void mcpz_task_forget(struct mcpz_task_step *step, const struct mcpz_task_now *task);

/** Answer all who wait for it to be over. */
void mcpz_task_tell_watches(struct mcpz_task_step *step, const struct mcpz_task_id *id);

/** Tell the queues what has left them, and what has come. */
void mcpz_task_note_places(struct mcpz_task_step *step, const struct mcpz_task_now *task,
                           const struct mcpz_task_place *old, const struct mcpz_task_place *new);

bool mcpz_task_is_ours(const struct mcpz_task_step *step, const struct mcpz_task_state *state);

/** Is it to be done once, whatever happens? */
static inline bool mcpz_task_is_once(const struct mcpz_task_now *task)
{
    return task->body.key.length > 0 || task->is.phase == MCPZ_TASK_SPLIT;
}

/** The task at the top of its tree; itself, if it is in none. */
static inline const struct mcpz_task_id *mcpz_task_root(const struct mcpz_task_now *task)
{
    return mcpz_task_level(&task->body) > 0 ? &task->body.kin[0].root : &task->id;
}

/* task_intake.c */

/** Take in what a client hands over. */
void mcpz_task_submit(struct mcpz_task_step *step, const struct mcpz_event_durable *submit);

/** `from` keeps it: if somebody waited to hear that, `*taken` is what to tell. False: nobody did.
 */
bool mcpz_task_accept(struct mcpz_task_step *step, const struct mcpz_id *from,
                      const struct mcpz_msg_task_mark *mark, struct mcpz_task_taken *taken);

/** Tell those who waited. `rows` lie in the outbox. */
void mcpz_task_tell_taken(struct mcpz_task_step *step, const struct mcpz_task_taken *rows,
                          size_t count);

/** It is another's, and we keep it for that one: answer who waits for it, if somebody does. */
void mcpz_task_kept_for_another(struct mcpz_task_step *step, const struct mcpz_task_id *id);

/** Ask others where a backup is silent. */
void mcpz_task_intake_tick(struct mcpz_task_step *step);

/** Somebody has come who may keep what nobody could be asked to. */
void mcpz_task_intake_wake(struct mcpz_task_step *step);

/** A batch was lost: say so to those whose tasks were in it. */
void mcpz_task_intake_recover(struct mcpz_task_step *step);

/* task_attempts.c */

/** Begin what may be begun, some of it. */
void mcpz_task_dispatch(struct mcpz_task_step *step);

/** What a call of ours has come to. */
void mcpz_task_answered(struct mcpz_task_step *step, const struct mcpz_action *action);

/** There is a link to this node: it hears again of what is to be on its disk first. */
void mcpz_task_say_again(struct mcpz_task_step *step, const struct mcpz_id *backup);

/** Its backup has this revision on disk. */
void mcpz_task_recorded(struct mcpz_task_step *step, const struct mcpz_task_id *id,
                        uint64_t revision);

/** Put back what waited too long for a backup or a provider. */
void mcpz_task_expire_slots(struct mcpz_task_step *step);

/** A provider is still at it. */
void mcpz_task_renewed(struct mcpz_task_step *step, const struct mcpz_id *from, uint64_t call);

/** As a provider: tell callers that we are still at it. */
void mcpz_task_renew(struct mcpz_task_step *step);

/* task_slots.c */

/** Stop the attempt under way, if there is one. */
void mcpz_task_stop(struct mcpz_task_step *step, const struct mcpz_task_id *id);

/** Send more of inputs that come out of results. */
void mcpz_task_feed(struct mcpz_task_step *step);

/* task_backups.c */

/** Who should keep a copy of this task: alive, linked, and not full. False: nobody. */
bool mcpz_task_choose_backup(const struct mcpz_task_step *step, const struct mcpz_task_id *id,
                             const struct mcpz_id *except, struct mcpz_id *backup);

/** Has a node said goodbye, or is it revoked, also while we were not there? */
bool mcpz_task_has_left(const struct mcpz_task_step *step, const struct mcpz_id *node);

/** Has it said lately that it has no room for copies? */
bool mcpz_task_is_full(const struct mcpz_task_step *step, const struct mcpz_id *node);

/** Is there anybody else alive in the mesh? */
bool mcpz_task_has_company(const struct mcpz_task_step *step);

/** The same, with those that may be there as well. */
enum mcpz_task_company mcpz_task_company(const struct mcpz_task_step *step);

/** Ask for a link to one of those who may be there, by lot: nobody could be asked. */
void mcpz_task_reach_company(struct mcpz_task_step *step);

/** May another node take the backup's place? (It may not while it could act on what it knows.) */
bool mcpz_task_may_replace(const struct mcpz_task_step *step, const struct mcpz_task_now *task);

/**
 * Is this node so surely gone that it can do nothing with what it knows? Without a key it does no
 * harm if it is not. With one, its process must be known to have ended: then it has to ask before
 * it acts. Or it has been silent for long.
 */
bool mcpz_task_is_out(const struct mcpz_task_step *step, const struct mcpz_id *id, bool keyed,
                      mcpz_time grace_us);

/** Give it another backup, or none for now, with a new epoch. Not saved. */
void mcpz_task_rehouse(struct mcpz_task_step *step, struct mcpz_task_now *task);

/* task_copies.c */

/** Send all of it, or how far it has come, once that is on disk here. */
void mcpz_task_send_keep(struct mcpz_task_step *step, const struct mcpz_task_now *task);
void mcpz_task_send_moved(struct mcpz_task_step *step, const struct mcpz_task_now *task);

/** The same of several that are new, to one that is linked. They lie in the outbox. */
void mcpz_task_send_keep_new(struct mcpz_task_step *step, const struct mcpz_id *to,
                             const struct mcpz_task_new *tasks, size_t count);

/** The same, with its result or its plan. */
void mcpz_task_send_whole(struct mcpz_task_step *step, const struct mcpz_task_now *task);

/** It is another's, of whom we know now. */
void mcpz_task_yield(struct mcpz_task_step *step, struct mcpz_task_now *task, uint64_t epoch,
                     const struct mcpz_id *owner);

/** What another node says about a task. */
void mcpz_task_message(struct mcpz_task_step *step, const struct mcpz_id *from,
                       const struct mcpz_msg *msg);

/** A copy whose owner may be gone: take over if so, else ask how things stand. */
void mcpz_task_look_after_copy(struct mcpz_task_step *step, struct mcpz_task_now *task);

/* task_reach.c */

/** Have a link to a member that is to hear something: dial it, or have it dial us. */
void mcpz_task_reach(struct mcpz_task_step *step, const struct mcpz_id *peer);

/** There is a session with it, through others. */
void mcpz_task_relayed(struct mcpz_task_step *step, const struct mcpz_id *peer);

/** Has it asked to be dialled, by a CHECK that has come through others? Then it is. */
bool mcpz_task_is_to_dial(struct mcpz_task_step *step, const struct mcpz_id *from);

/* task_walks.c */

/** Do what is due: walks through what lies in the store, a slice each. */
void mcpz_task_walk(struct mcpz_task_step *step);

/** Ours, of a former life: ask its backup whether it still is. Without one it is. */
void mcpz_task_confirm(struct mcpz_task_step *step, struct mcpz_task_now *task);

/** Look through all tasks soon, in so long. */
void mcpz_task_sweep_in(struct mcpz_task_step *step, mcpz_time in_us);

#endif
