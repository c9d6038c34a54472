/* Who keeps a task beside its owner, and who its owner is. */

#include <assert.h>

#include "core/task_split.h"
#include "core/task_step.h"

/* What others say is not believed beyond: it is counted on from there. */
#define NUMBER_MAX (UINT64_C(1) << 62)

/* ---- Saying ------------------------------------------------------------------------------- */

static struct mcpz_task_state without_life(const struct mcpz_task_state *state)
{
    struct mcpz_task_state said = *state;

    said.life = 0;
    return said;
}

/* Is there no use in trying to reach it? */
static bool is_gone(const struct mcpz_task_step *step, const struct mcpz_id *id)
{
    const struct mcpz_member *member = mcpz_members_find(&step->fabric->members, id);

    return member == NULL || mcpz_member_is_gone(member);
}

/*
 * Nothing is said that a crash could take back, not even what an earlier turn has decided: who
 * lets go of a task for an epoch that its owner then loses does not follow that owner again. Whom
 * we are not linked to does not hear of it now, but when there is a link and it is said again.
 */
static void send_durably(struct mcpz_task_step *step, const struct mcpz_id *to,
                         const struct mcpz_msg *msg)
{
    if (mcpz_links_find(&step->fabric->links, to) != NULL) {
        mcpz_outbox_send(step->out, to, msg);
        step->out->actions[step->out->count - 1].durable = true;
    } else if (!is_gone(step, to)) {
        mcpz_task_reach(step, to);
    }
}

void mcpz_task_send_keep(struct mcpz_task_step *step, const struct mcpz_task_now *task)
{
    send_durably(
        step, &task->is.backup,
        &(struct mcpz_msg){
            .kind = MCPZ_MSG_TASK_KEEP,
            .task_keep = {.id = task->id, .body = task->body, .state = without_life(&task->is)},
        });
}

void mcpz_task_send_keep_new(struct mcpz_task_step *step, const struct mcpz_id *to,
                             const struct mcpz_task_new *tasks, size_t count)
{
    send_durably(step, to,
                 &(struct mcpz_msg){.kind = MCPZ_MSG_TASK_KEEP_NEW,
                                    .task_keep_new = {.tasks = tasks, .task_count = count}});
}

void mcpz_task_send_moved(struct mcpz_task_step *step, const struct mcpz_task_now *task)
{
    struct mcpz_task_book *book = &step->tasks->book;
    struct mcpz_bytes result = mcpz_text("");
    struct mcpz_task_plan plan;

    if (task->is.phase == MCPZ_TASK_DONE) {
        result = mcpz_task_book_result(book, &task->id);
    } else if (task->is.phase == MCPZ_TASK_SPLIT && mcpz_task_book_is_lone(book, &task->id) &&
               mcpz_task_book_plan(book, &task->id, &plan) == MCPZ_OK) {
        result = plan.text;
    }

    if (!mcpz_id_is_zero(&task->is.backup)) {
        send_durably(
            step, &task->is.backup,
            &(struct mcpz_msg){
                .kind = MCPZ_MSG_TASK_MOVED,
                .task_moved = {.id = task->id, .state = without_life(&task->is), .result = result},
            });
    }
}

/* What a KEEP alone does not say: what it gave, or its plan. That comes behind. */
static bool is_more_than_kept(const struct mcpz_task_state *state)
{
    return state->phase == MCPZ_TASK_DONE || state->phase == MCPZ_TASK_SPLIT || state->family > 0;
}

void mcpz_task_send_whole(struct mcpz_task_step *step, const struct mcpz_task_now *task)
{
    struct mcpz_task_now split = *task;

    if (mcpz_id_is_zero(&task->is.backup)) {
        return;
    }
    mcpz_task_send_keep(step, task);
    if (task->is.family > 0 && task->is.phase != MCPZ_TASK_SPLIT) {
        split.is.phase = MCPZ_TASK_SPLIT; /* which it was: with its plan */
        split.is.revision -= split.is.revision > 1;
        split.is.ended_ms = 0;
        mcpz_task_send_moved(step, &split);
    }
    if (is_more_than_kept(&task->is)) {
        mcpz_task_send_moved(step, task);
    }
}

static void send_mark(struct mcpz_task_step *step, const struct mcpz_id *to,
                      enum mcpz_msg_kind kind, const struct mcpz_msg_task_mark *mark)
{
    send_durably(step, to, &(struct mcpz_msg){.kind = kind, .task_mark = *mark});
}

static struct mcpz_msg_task_mark mark_of(const struct mcpz_task_now *task)
{
    return (struct mcpz_msg_task_mark){
        .id = task->id,
        .epoch = task->is.epoch,
        .revision = task->is.revision,
    };
}

static void send_kept(struct mcpz_task_step *step, const struct mcpz_id *to,
                      const struct mcpz_task_now *task)
{
    struct mcpz_msg_task_mark mark = mark_of(task);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_TASK_KEPT, .task_mark = mark};

    send_durably(step, to, &msg);
}

/* What has come to its end is believed before what claims the same epoch and has not. */
static void send_yield(struct mcpz_task_step *step, const struct mcpz_id *to,
                       const struct mcpz_task_now *task)
{
    bool ended = mcpz_task_is_over(&task->is) && task->is.phase != MCPZ_TASK_YIELDED;

    send_durably(step, to,
                 &(struct mcpz_msg){
                     .kind = MCPZ_MSG_TASK_YIELD,
                     .task_yield = {.id = task->id,
                                    .epoch = task->is.epoch + (ended ? 1 : 0),
                                    .owner = task->is.owner},
                 });
}

/*
 * Tell who kept it before, as its owner or for one, that it may let go: whose it is (YIELD), or
 * that another keeps it now (DROP). While no other is known to, it hears nothing and goes on: if
 * we went, the task would be gone. Another is looked for at once.
 */
static void release(struct mcpz_task_step *step, const struct mcpz_id *to,
                    const struct mcpz_task_now *task, enum mcpz_msg_kind kind)
{
    bool only_here = mcpz_task_is_ours(step, &task->is) && !mcpz_task_is_over(&task->is) &&
                     (mcpz_id_is_zero(&task->is.backup) ||
                      mcpz_task_book_is_lone(&step->tasks->book, &task->id));
    const struct mcpz_msg_task_mark mark = mark_of(task);

    if (only_here) {
        step->tasks->lone_at_us = mcpz_time_min(step->tasks->lone_at_us, step->now);
        return;
    }
    if (kind == MCPZ_MSG_TASK_DROP) {
        send_mark(step, to, kind, &mark);
    } else {
        send_yield(step, to, task);
    }
}

/* ---- Owners ------------------------------------------------------------------------------- */

/* Of two who hold themselves for its owner: is it the other? */
static bool gives_way(const struct mcpz_task_step *step, const struct mcpz_task_state *ours,
                      uint64_t epoch, const struct mcpz_id *owner)
{
    if (epoch != ours->epoch) {
        return epoch > ours->epoch;
    }
    return !mcpz_task_is_over(ours) && mcpz_id_compare(owner, &step->tasks->self) > 0;
}

static void take_over(struct mcpz_task_step *step, struct mcpz_task_now *task)
{
    bool split = task->is.phase == MCPZ_TASK_SPLIT;
    bool may_be_at_it =
        !split && task->body.key.length > 0 && !mcpz_id_is_zero(&task->is.provider);

    task->is.owner = step->tasks->self;
    task->is.life = step->tasks->life;
    task->is.due_ms = 0;
    task->is.held_ms = may_be_at_it ? step->wall_ms : 0; /* by our own clock */
    mcpz_task_rehouse(step, task);
    if (split) { /* another node keeps it once that one has all of the tree */
        task->is.backup = (struct mcpz_id){.bytes = {0}};
        mcpz_task_tree_note(step, &task->id);
    }
    mcpz_task_save(step, task);
    mcpz_task_book_set_lone(&step->tasks->book, &task->id, true);
    if (!mcpz_id_is_zero(&task->is.backup)) {
        mcpz_task_send_keep(step, task);
    }
    step->tasks->counts.taken_over++;
}

void mcpz_task_look_after_copy(struct mcpz_task_step *step, struct mcpz_task_now *task)
{
    struct mcpz_msg_task_mark mark = mark_of(task);
    bool keyed = mcpz_task_is_once(task);
    bool is_sure = !keyed || task->is.life == step->tasks->life;
    mcpz_time grace_us =
        is_sure ? step->tasks->timing->task_grace_us : step->tasks->timing->task_hold_us;
    bool out = mcpz_task_is_out(step, &task->is.owner, keyed, grace_us);

    if (mcpz_task_level(&task->body) > 0 && mcpz_task_tree_look_after_copy(step, task, out)) {
        return;
    }
    if (out) {
        take_over(step, task);
    } else {
        send_mark(step, &task->is.owner, MCPZ_MSG_TASK_CHECK, &mark);
    }
}

/*
 * It is another's, of whom we know now. That is kept for as long as what is over: an owner of
 * before, whom we were the backup of, may come back and ask.
 */
void mcpz_task_yield(struct mcpz_task_step *step, struct mcpz_task_now *task, uint64_t epoch,
                     const struct mcpz_id *owner)
{
    mcpz_task_stop(step, &task->id);
    task->is.phase = MCPZ_TASK_YIELDED;
    task->is.epoch = epoch;
    task->is.owner = *owner;
    task->is.backup = (struct mcpz_id){.bytes = {0}};
    task->is.ended_ms = step->wall_ms;
    mcpz_task_save(step, task);
}

/* ---- Hearing: as whoever is to keep it ---------------------------------------------------- */

/*
 * Does its owner say something that we do not know better? Of two owners with the same epoch that
 * one is believed which the other would give way to: else who holds on would be told by us to
 * give way, for ever.
 */
static bool is_newer(const struct mcpz_task_state *said, const struct mcpz_task_state *known)
{
    bool yielded = known->phase == MCPZ_TASK_YIELDED;

    if (said->epoch != known->epoch) {
        return said->epoch > known->epoch;
    }
    if (!mcpz_id_equal(&said->owner, &known->owner)) {
        return (yielded || !mcpz_task_is_over(known)) &&
               mcpz_id_compare(&said->owner, &known->owner) > 0;
    }
    return said->revision >= known->revision || yielded;
}

/* Keep what its owner says of a task that we have. False: it is not for it to say. */
static bool follow(struct mcpz_task_step *step, const struct mcpz_id *from,
                   struct mcpz_task_now *task, const struct mcpz_task_state *said)
{
    if (mcpz_task_is_ours(step, &task->is)) {
        if (!gives_way(step, &task->is, said->epoch, from)) {
            release(step, from, task, MCPZ_MSG_TASK_YIELD);
            return false;
        }
        mcpz_task_stop(step, &task->id);
        step->tasks->counts.yielded++;
    } else if (!is_newer(said, &task->is)) {
        if (!mcpz_id_equal(&task->is.owner, from)) {
            release(step, from, task, MCPZ_MSG_TASK_YIELD);
        }
        return false;
    }
    task->is = *said;
    task->is.life = step->tasks->life;
    task->is.revision--; /* mcpz_task_save() moves it on */
    mcpz_task_save(step, task);
    mcpz_task_kept_for_another(step, &task->id);
    return true;
}

static bool is_for_us(const struct mcpz_task_step *step, const struct mcpz_id *from,
                      const struct mcpz_task_state *said)
{
    return mcpz_id_equal(&said->owner, from) && mcpz_id_equal(&said->backup, &step->tasks->self) &&
           said->epoch > 0 && said->epoch < NUMBER_MAX && said->revision > 0 &&
           said->revision < NUMBER_MAX;
}

/* What it gave, or its plan, comes behind: until then it is not known, but who knows it is. */
static void withhold(struct mcpz_task_state *said)
{
    said->phase = MCPZ_TASK_QUEUED;
    said->revision -= said->revision > 1;
    said->ended_ms = 0;
    said->family = 0;
}

/* True: it is kept, which is to be said. */
static bool keep(struct mcpz_task_step *step, const struct mcpz_id *from,
                 const struct mcpz_msg_task_keep *said, struct mcpz_msg_task_mark *mark)
{
    const bool whole = !is_more_than_kept(&said->state);
    struct mcpz_task_state known = said->state;
    struct mcpz_task_now task;

    if (!whole) {
        withhold(&known);
    }
    if (mcpz_task_load(step, &said->id, &task)) {
        bool follows = follow(step, from, &task, &known);
        *mark = mark_of(&task);
        return follows && whole;
    }
    task = (struct mcpz_task_now){.id = said->id, .body = said->body, .is = known};
    *mark = mark_of(&task);
    if (step->tasks->copies >= MCPZ_TASKS_MAX) {
        send_mark(step, from, MCPZ_MSG_TASK_UNABLE, mark);
        return false;
    }
    step->tasks->copies++;
    task.is.life = step->tasks->life;
    mcpz_task_book_add(&step->tasks->book, &task.id, &task.body, &task.is);
    return whole;
}

static void on_keep(struct mcpz_task_step *step, const struct mcpz_id *from,
                    const struct mcpz_msg_task_keep *said)
{
    struct mcpz_msg_task_mark mark;

    if (is_for_us(step, from, &said->state) && keep(step, from, said, &mark)) {
        send_mark(step, from, MCPZ_MSG_TASK_KEPT, &mark);
    }
}

static void on_keep_new(struct mcpz_task_step *step, const struct mcpz_id *from,
                        const struct mcpz_msg_task_keep_new *said)
{
    struct mcpz_msg_task_mark *marks =
        mcpz_arena_take_sure(&step->out->arena, MCPZ_TASK_ORDERS_MAX, sizeof(marks[0]));
    struct mcpz_msg_task_keep one = {
        .state = {.epoch = 1,
                  .revision = 1,
                  .owner = *from,
                  .backup = step->tasks->self,
                  .phase = MCPZ_TASK_QUEUED},
    };
    size_t kept = 0;

    assert(said->task_count <= MCPZ_TASK_ORDERS_MAX);
    for (size_t i = 0; i < said->task_count; i++) {
        one.id = said->tasks[i].id;
        one.body = said->tasks[i].body;
        kept += keep(step, from, &one, &marks[kept]);
    }
    if (kept > 0) {
        send_durably(step, from,
                     &(struct mcpz_msg){.kind = MCPZ_MSG_TASK_KEPT_ALL,
                                        .task_kept_all = {.marks = marks, .mark_count = kept}});
    }
}

static void on_moved(struct mcpz_task_step *step, const struct mcpz_id *from,
                     const struct mcpz_msg_task_moved *moved)
{
    struct mcpz_msg_task_mark mark = {
        .id = moved->id,
        .epoch = moved->state.epoch,
        .revision = moved->state.revision,
    };
    struct mcpz_task_now task;

    if (!is_for_us(step, from, &moved->state)) {
        return;
    }
    const bool split = moved->state.phase == MCPZ_TASK_SPLIT;
    struct mcpz_task_plan plan;
    bool lacks = split && moved->result.length == 0 &&
                 mcpz_task_book_plan(&step->tasks->book, &moved->id, &plan) != MCPZ_OK;
    if (lacks || !mcpz_task_load(step, &moved->id, &task)) {
        send_mark(step, from, MCPZ_MSG_TASK_LACK, &mark);
        return;
    }
    if (follow(step, from, &task, &moved->state)) {
        if (split && moved->result.length > 0 &&
            !mcpz_task_plan_keep(step, &task.id, moved->result)) {
            return;
        }
        if (task.is.phase == MCPZ_TASK_DONE) {
            mcpz_task_book_set_result(&step->tasks->book, &task.id, moved->result);
        }
        send_kept(step, from, &task);
    }
}

static void on_drop(struct mcpz_task_step *step, const struct mcpz_id *from,
                    struct mcpz_task_now *task, const struct mcpz_msg_task_mark *mark)
{
    if (!mcpz_id_equal(&task->is.owner, from) || mark->epoch < task->is.epoch) {
        return;
    }
    if (mcpz_task_is_over(&task->is)) {
        mcpz_task_forget(step, task);
    } else {
        mcpz_task_yield(step, task, mark->epoch, from);
    }
}

static void on_stands(struct mcpz_task_step *step, const struct mcpz_id *from,
                      struct mcpz_task_now *task, const struct mcpz_msg_task_mark *mark)
{
    if (mcpz_id_equal(&task->is.owner, from) && mark->epoch == task->is.epoch &&
        task->is.life != step->tasks->life) {
        task->is.life = step->tasks->life;
        mcpz_task_book_move(&step->tasks->book, &task->id, &task->body, &task->was, &task->is);
    }
}

/* ---- Hearing: as the owner ---------------------------------------------------------------- */

static void on_kept(struct mcpz_task_step *step, const struct mcpz_id *from,
                    struct mcpz_task_now *task, const struct mcpz_msg_task_mark *mark)
{
    struct mcpz_tasks *tasks = step->tasks;

    if (!mcpz_task_is_ours(step, &task->is) || !mcpz_id_equal(&task->is.backup, from) ||
        mark->epoch != task->is.epoch) {
        return;
    }
    bool in_tree = mcpz_task_level(&task->body) > 0 || task->is.phase == MCPZ_TASK_SPLIT;
    bool was_lone = mcpz_task_book_is_lone(&tasks->book, &task->id);
    if (was_lone && (!in_tree || mark->revision >= task->is.revision)) {
        mcpz_task_book_set_lone(&tasks->book, &task->id, false);
        was_lone = false;
        if (in_tree) {
            mcpz_task_tree_kept(step, task);
        }
    }
    if (task->is.life != tasks->life) {
        task->is.life = tasks->life;
        mcpz_task_book_move(&tasks->book, &task->id, &task->body, &task->was, &task->is);
        mcpz_task_book_set_lone(&tasks->book, &task->id, was_lone);
        if (in_tree) {
            mcpz_task_tree_kept(step, task);
        }
    }
    mcpz_task_recorded(step, &task->id, mark->revision);
}

static void on_kept_all(struct mcpz_task_step *step, const struct mcpz_id *from,
                        const struct mcpz_msg_task_mark *marks, size_t count)
{
    struct mcpz_task_taken *taken =
        mcpz_arena_take_sure(&step->out->arena, count, sizeof(taken[0]));
    size_t taken_count = 0;
    struct mcpz_task_now task;

    for (size_t i = 0; i < count; i++) {
        if (mcpz_task_accept(step, from, &marks[i], &taken[taken_count])) {
            taken_count++;
        } else if (mcpz_task_load(step, &marks[i].id, &task)) {
            on_kept(step, from, &task, &marks[i]);
        }
    }
    mcpz_task_tell_taken(step, taken, taken_count);
}

static void on_lack(struct mcpz_task_step *step, const struct mcpz_id *from,
                    struct mcpz_task_now *task)
{
    if (mcpz_task_is_ours(step, &task->is)) {
        if (mcpz_id_equal(&task->is.backup, from)) {
            if (task->is.phase == MCPZ_TASK_SPLIT) {
                mcpz_task_book_set_lone(&step->tasks->book, &task->id, true);
            }
            mcpz_task_send_whole(step, task);
        }
    } else if (mcpz_id_equal(&task->is.owner, from) && mcpz_task_level(&task->body) > 0) {
        mcpz_task_tree_lacked(step, task);
    } else if (mcpz_id_equal(&task->is.owner, from) && !mcpz_task_is_over(&task->is)) {
        take_over(step, task); /* its owner has lost it */
    }
}

/*
 * Who is to keep a part of a tree that is ours holds another for its owner, by a claim that is not
 * below ours: of two that were cut off, each has taken it and counted to the same epoch. What is
 * over is not given up for that, and the tree would wait for ever for it to be kept. Whose the
 * root is, its parts are: they are claimed anew, beyond what was said.
 */
static bool insist(struct mcpz_task_step *step, const struct mcpz_id *from,
                   struct mcpz_task_now *task, const struct mcpz_msg_task_yield *said)
{
    struct mcpz_task_book *book = &step->tasks->book;
    const struct mcpz_task_kin *kin = task->body.kin;
    struct mcpz_task_state parent;
    struct mcpz_task_state root;

    if (mcpz_task_level(&task->body) == 0 || !mcpz_id_equal(&task->is.backup, from) ||
        said->epoch < task->is.epoch || !mcpz_task_is_ours(step, &task->is) ||
        mcpz_task_book_state(book, &kin->parent, &parent) != MCPZ_OK ||
        mcpz_task_book_state(book, &kin->root, &root) != MCPZ_OK) {
        return false;
    }
    bool stays =
        mcpz_task_is_over(&task->is) || !gives_way(step, &task->is, said->epoch, &said->owner);
    bool sure = root.life == step->tasks->life || mcpz_id_is_zero(&root.backup);
    if (!stays || !sure || root.phase != MCPZ_TASK_SPLIT || !mcpz_task_is_ours(step, &root) ||
        !mcpz_task_is_ours(step, &parent)) {
        return false;
    }
    task->is.epoch = said->epoch + 1;
    mcpz_task_save(step, task);
    mcpz_task_book_set_lone(book, &task->id, true);
    mcpz_task_send_whole(step, task);
    return true;
}

static void on_yield(struct mcpz_task_step *step, const struct mcpz_id *from,
                     struct mcpz_task_now *task, const struct mcpz_msg_task_yield *said)
{
    bool ours = mcpz_task_is_ours(step, &task->is);

    if (said->epoch < NUMBER_MAX && insist(step, from, task, said)) {
        return;
    }
    if (mcpz_task_is_over(&task->is) || said->epoch >= NUMBER_MAX ||
        mcpz_id_equal(&said->owner, &step->tasks->self) ||
        (ours ? !gives_way(step, &task->is, said->epoch, &said->owner)
              : said->epoch <= task->is.epoch)) {
        return; /* what we know of it is true nevertheless */
    }
    mcpz_task_yield(step, task, said->epoch, &said->owner);
    step->tasks->counts.yielded += ours;
}

/* Who was to keep it cannot: that it does not is certain. */
static void on_unable(struct mcpz_task_step *step, const struct mcpz_id *from,
                      struct mcpz_task_now *task)
{
    if (!mcpz_task_is_ours(step, &task->is) || !mcpz_id_equal(&task->is.backup, from)) {
        return;
    }
    step->tasks->counts.unkept++;
    mcpz_noted_add(step->tasks->full, MCPZ_TASKS_FULL_MAX, from, step->now + MCPZ_TASKS_FULL_US);
    if (mcpz_task_is_over(&task->is) || mcpz_task_level(&task->body) > 0 ||
        task->is.phase == MCPZ_TASK_SPLIT) {
        return; /* a tree stays together: that one is asked again, in a while */
    }
    mcpz_task_rehouse(step, task);
    mcpz_task_save(step, task);
    struct mcpz_accepting_row *row = mcpz_accepting_find(&step->tasks->accepting, &task->id);
    if (row != NULL) {
        row->backup = task->is.backup;
        row->epoch = task->is.epoch;
    } else {
        mcpz_task_book_set_lone(&step->tasks->book, &task->id, true);
    }
    if (!mcpz_id_is_zero(&task->is.backup)) {
        mcpz_task_send_keep(step, task);
    }
}

/* "I keep this for you." */
static void on_check(struct mcpz_task_step *step, const struct mcpz_id *from,
                     const struct mcpz_msg_task_mark *mark)
{
    struct mcpz_task_now task;

    if (mcpz_task_is_to_dial(step, from)) {
        return;
    }
    if (!mcpz_task_load(step, &mark->id, &task)) {
        send_mark(step, from, MCPZ_MSG_TASK_LACK, mark);
        return;
    }
    struct mcpz_msg_task_mark ours = mark_of(&task);
    if (!mcpz_task_is_ours(step, &task.is)) {
        release(step, from, &task, MCPZ_MSG_TASK_YIELD);
    } else if (mark->epoch > task.is.epoch) {
        send_mark(step, from, MCPZ_MSG_TASK_LACK, mark); /* we have lost what it knows */
    } else if (!mcpz_id_equal(&task.is.backup, from)) {
        release(step, from, &task, MCPZ_MSG_TASK_DROP);
    } else if (mark->epoch < task.is.epoch || mark->revision < task.is.revision) {
        mcpz_task_send_moved(step, &task);
    } else {
        send_mark(step, from, MCPZ_MSG_TASK_STANDS, &ours);
    }
}

static void on_mark(struct mcpz_task_step *step, const struct mcpz_id *from,
                    const struct mcpz_msg *msg)
{
    const struct mcpz_msg_task_mark *mark = &msg->task_mark;
    struct mcpz_task_now task;

    if (!mcpz_task_load(step, &mark->id, &task)) {
        return;
    }
    if (msg->kind == MCPZ_MSG_TASK_LACK) {
        on_lack(step, from, &task);
    } else if (msg->kind == MCPZ_MSG_TASK_UNABLE) {
        on_unable(step, from, &task);
    } else if (msg->kind == MCPZ_MSG_TASK_STANDS) {
        on_stands(step, from, &task, mark);
    } else if (!mcpz_task_is_ours(step, &task.is)) {
        on_drop(step, from, &task, mark);
    }
}

void mcpz_task_message(struct mcpz_task_step *step, const struct mcpz_id *from,
                       const struct mcpz_msg *msg)
{
    struct mcpz_task_now task;

    switch ((int)msg->kind) {
    case MCPZ_MSG_TASK_KEEP:
        on_keep(step, from, &msg->task_keep);
        break;
    case MCPZ_MSG_TASK_MOVED:
        on_moved(step, from, &msg->task_moved);
        break;
    case MCPZ_MSG_TASK_CHECK:
        on_check(step, from, &msg->task_mark);
        break;
    case MCPZ_MSG_TASK_KEEP_NEW:
        on_keep_new(step, from, &msg->task_keep_new);
        break;
    case MCPZ_MSG_TASK_KEPT:
        on_kept_all(step, from, &msg->task_mark, 1);
        break;
    case MCPZ_MSG_TASK_KEPT_ALL:
        on_kept_all(step, from, msg->task_kept_all.marks, msg->task_kept_all.mark_count);
        break;
    case MCPZ_MSG_TASK_LACK:
    case MCPZ_MSG_TASK_UNABLE:
    case MCPZ_MSG_TASK_STANDS:
    case MCPZ_MSG_TASK_DROP:
        on_mark(step, from, msg);
        break;
    case MCPZ_MSG_TASK_YIELD:
        if (mcpz_task_load(step, &msg->task_yield.id, &task)) {
            on_yield(step, from, &task, &msg->task_yield);
        }
        break;
    case MCPZ_MSG_TASK_RENEW:
        mcpz_task_renewed(step, from, msg->task_renew.call);
        break;
    default:
        break; /* for other machines */
    }
}
