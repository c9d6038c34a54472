/* Trying tasks: whose turn it is, the calls made for them, what is heard of those. */

#include <assert.h>

#include "base/hash.h"
#include "core/task_slots.h"
#include "proto/code.h"
#include "proto/limits.h"

#define DISPATCHED_MAX 32 /* in one step */
#define ACTIONS_MAX (MCPZ_OUTBOX_MAX / 2)
#define RECORD_US MCPZ_SECONDS(5)  /* how long a backup may take to have it on disk */
#define CONFIRM_US MCPZ_SECONDS(2) /* the same, where nothing hangs on it */
#define RENEW_US MCPZ_SECONDS(5)
#define RENEWED_MAX 256 /* in one step */

static_assert(RENEW_US <= MCPZ_SECONDS(MCPZ_TASK_LEASE_SECONDS_MIN) / 2,
              "a lost renewal does no harm");

/* ---- Whom to ask, where that is decided here ---------------------------------------------- */

static bool can_be_asked(const struct mcpz_task_step *step, const struct mcpz_id *id)
{
    const struct mcpz_member *member = mcpz_members_find(&step->fabric->members, id);

    if (mcpz_id_equal(id, &step->tasks->self) ||
        mcpz_links_find(&step->fabric->links, id) != NULL) {
        return true;
    }
    /* Who has no address is reached through whom we are linked to: core/relay.h. */
    return member != NULL && member->state == MCPZ_MEMBER_ALIVE &&
           (step->fabric->links.count > 0 ||
            mcpz_roster_address(&step->fabric->members.roster, member).length > 0);
}

/* By lot; another than last time if there is one. */
static bool choose_provider(const struct mcpz_task_step *step, const struct mcpz_task_now *task,
                            struct mcpz_id *provider)
{
    const struct mcpz_registry *registry = step->registry;
    const struct mcpz_task_state *state = &task->is;
    const struct mcpz_id *last =
        state->history_count > 0 ? &state->history[state->history_count - 1].provider : NULL;
    uint64_t seed = mcpz_rng_next(&step->tasks->rng);
    uint64_t best = 0;
    bool found = false;

    for (const struct mcpz_offer *offer = mcpz_registry_find(registry, task->body.capability, 0);
         offer != NULL; offer = mcpz_registry_find(registry, task->body.capability,
                                                   (size_t)(offer - registry->offers) + 1)) {
        const struct mcpz_id *id = &registry->offerers[offer->offerer].id;
        uint64_t weight = mcpz_hash_bytes(mcpz_bytes(id->bytes, MCPZ_ID_BYTES), seed) >> 1;
        if (!can_be_asked(step, id)) {
            continue;
        }
        weight |= last == NULL || !mcpz_id_equal(id, last) ? UINT64_C(1) << 63 : 0;
        if (!found || weight > best) {
            found = true;
            best = weight;
            *provider = *id;
        }
    }
    return found;
}

/* ---- Whose turn it is --------------------------------------------------------------------- */

/* Is it waiting for its client to be answered? Ids sort by age: most are older than all that are.
 */
static bool is_accepting(struct mcpz_tasks *tasks, const struct mcpz_task_id *id)
{
    struct mcpz_accepting *accepting = &tasks->accepting;

    if (accepting->count == 0 ||
        memcmp(id->bytes, accepting->rows[accepting->first].id.bytes, MCPZ_TASK_ID_BYTES) < 0) {
        return false;
    }
    return mcpz_accepting_find(accepting, id) != NULL;
}

/* Find the first of the queue that can be begun. */
static bool find_head(struct mcpz_task_step *step, struct mcpz_task_queue *queue)
{
    struct mcpz_record_task_listed row = {
        .list = MCPZ_TASK_LIST_READY,
        .group = queue->group,
        .order = queue->cursor.order,
        .id = queue->cursor.id,
    };
    bool inclusive = queue->inclusive;

    while (!queue->has_head) {
        if (mcpz_task_book_next(&step->tasks->book, false, inclusive, &row) != MCPZ_OK) {
            queue->spent = true;
            return false;
        }
        struct mcpz_task_cursor place = {.order = row.order, .id = row.id};
        inclusive = false;
        mcpz_task_queue_pass(queue, &place);
        if (mcpz_tasks_running(step->tasks, &row.id) == NULL &&
            !is_accepting(step->tasks, &row.id)) {
            queue->head = place;
            queue->has_head = true;
        }
    }
    return true;
}

/* The queue whose first is the most urgent; of equals, the oldest. */
static struct mcpz_task_queue *next_queue(struct mcpz_task_step *step)
{
    struct mcpz_task_queues *queues = &step->tasks->queues;
    struct mcpz_task_queue *best = NULL;

    for (size_t i = 0; i < queues->count; i++) {
        struct mcpz_task_queue *queue = &queues->rows[i];
        if (mcpz_task_queue_may_run(queue, step->now) && find_head(step, queue) &&
            (best == NULL || mcpz_task_cursor_compare(&queue->head, &best->head) < 0)) {
            best = queue;
        }
    }
    return best;
}

/* ---- Beginning ---------------------------------------------------------------------------- */

static bool is_too_late(const struct mcpz_task_step *step, const struct mcpz_task_now *task)
{
    return task->body.expires_ms != 0 && task->body.expires_ms <= step->wall_ms;
}

/* Wait for the backup to have what it is told now. */
static void await_backup(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                         const struct mcpz_task_now *task, bool all)
{
    slot->phase = MCPZ_TASK_SLOT_RECORDING;
    slot->revision = task->is.revision;
    slot->until_us = step->now + (slot->keyed ? RECORD_US : CONFIRM_US);
    if (all) {
        mcpz_task_send_keep(step, task);
    } else {
        mcpz_task_send_moved(step, task);
    }
}

void mcpz_task_say_again(struct mcpz_task_step *step, const struct mcpz_id *backup)
{
    struct mcpz_task_now task;

    for (size_t i = 0; i < MCPZ_TASKS_RUNNING_MAX && step->tasks->running > 0; i++) {
        struct mcpz_task_slot *slot = &step->tasks->slots[i];
        if (slot->phase == MCPZ_TASK_SLOT_RECORDING && mcpz_task_load(step, &slot->id, &task) &&
            mcpz_id_equal(&task.is.backup, backup)) {
            await_backup(step, slot, &task, false);
        }
    }
}

/* With a key: first it must be on disk, here and at the backup, who is asked. */
static void begin_keyed(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                        struct mcpz_task_now *task)
{
    struct mcpz_tasks *tasks = step->tasks;
    bool has_backup = !mcpz_id_is_zero(&task->is.backup);
    bool moves = has_backup && mcpz_task_may_replace(step, task);
    bool needs_one = !has_backup && mcpz_task_has_company(step);

    if (task->is.life != tasks->life && has_backup && !moves) {
        slot->confirms = true;
        await_backup(step, slot, task, false);
        return;
    }
    if (mcpz_id_is_zero(&task->is.provider)) {
        if (!choose_provider(step, task, &task->is.provider)) {
            uint64_t group = slot->group;
            mcpz_task_slot_free(tasks, slot);
            mcpz_task_block(step, group, MCPZ_TASK_BLOCKED_US);
            return;
        }
        task->is.attempts++;
        slot->fresh = true;
    }
    if (moves || needs_one) {
        mcpz_task_rehouse(step, task);
    }
    task->is.life = tasks->life;
    mcpz_task_save(step, task);
    if (moves || needs_one) {
        mcpz_task_book_set_lone(&tasks->book, &task->id, true);
    }
    if (!mcpz_id_is_zero(&task->is.backup)) {
        await_backup(step, slot, task, moves || needs_one);
    } else if (!mcpz_task_has_company(step)) {
        mcpz_task_slot_open(step, slot, task);
    } else {
        slot->until_us = step->now + RECORD_US; /* there is nobody we are linked to */
        slot->revision = UINT64_MAX;
    }
}

static void begin(struct mcpz_task_step *step, struct mcpz_task_queue *queue)
{
    struct mcpz_tasks *tasks = step->tasks;
    struct mcpz_task_now task;
    struct mcpz_task_cursor place = queue->head;
    struct mcpz_record_task_listed row = {
        .list = MCPZ_TASK_LIST_READY,
        .group = queue->group,
        .order = place.order,
        .id = place.id,
    };

    mcpz_task_queue_pass(queue, &place);
    if (!mcpz_task_load(step, &row.id, &task) || !mcpz_task_is_ours(step, &task.is) ||
        task.is.phase != MCPZ_TASK_QUEUED || task.is.due_ms != 0) {
        mcpz_task_book_strike(&tasks->book, &row); /* it has no business there */
        mcpz_task_queue_left(queue, &place);
        return;
    }
    bool is_sure = task.is.life == tasks->life || mcpz_id_is_zero(&task.is.backup);
    if (is_sure && is_too_late(step, &task) && mcpz_id_is_zero(&task.is.provider)) {
        mcpz_task_end(step, &task, MCPZ_TASK_DEAD, MCPZ_CODE_TIMEOUT,
                      mcpz_text("its time was over before anybody could do it"));
        return;
    }
    if (!mcpz_task_tree_may_begin(step, &task)) {
        mcpz_task_put_off(step, &task,
                          step->wall_ms + MCPZ_TASK_ASK_AGAIN_MS); /* it is being moved */
        return;
    }
    struct mcpz_task_slot *slot = mcpz_task_slot_take(tasks, queue, &task);
    assert(slot != NULL);
    tasks->running++;
    queue->running++;
    if (slot->keyed) {
        begin_keyed(step, slot, &task);
    } else if (is_sure) {
        mcpz_task_slot_open(step, slot, &task);
    } else {
        await_backup(step, slot, &task, false);
    }
}

void mcpz_task_dispatch(struct mcpz_task_step *step)
{
    for (size_t i = 0; i < DISPATCHED_MAX && step->out->count < ACTIONS_MAX; i++) {
        struct mcpz_task_queue *queue =
            step->tasks->running < MCPZ_TASKS_RUNNING_MAX ? next_queue(step) : NULL;
        if (queue == NULL) {
            return;
        }
        begin(step, queue);
    }
}

void mcpz_task_recorded(struct mcpz_task_step *step, const struct mcpz_task_id *id,
                        uint64_t revision)
{
    struct mcpz_task_slot *slot = mcpz_task_slot_find(step->tasks, id);
    struct mcpz_task_now task;

    if (slot == NULL || slot->phase != MCPZ_TASK_SLOT_RECORDING || revision < slot->revision) {
        return;
    }
    if (slot->confirms) {
        mcpz_task_slot_free(step->tasks, slot); /* it is begun anew, and now surely ours */
    } else if (mcpz_task_load(step, id, &task)) {
        mcpz_task_slot_open(step, slot, &task);
    }
}

/* ---- Answers ------------------------------------------------------------------------------ */

/* False: it cannot be kept, and the attempt is over. */
static bool keep_output(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                        struct mcpz_bytes chunk)
{
    uint8_t spare[MCPZ_TASK_RESULT_BYTES_MAX];
    mcpz_error error = mcpz_task_book_append_result(&step->tasks->book, &slot->id, chunk, spare);

    slot->has_output = true;
    if (error == MCPZ_EFULL) {
        mcpz_task_finish_for(
            step, slot, MCPZ_CODE_TOO_LARGE,
            "the result has more than 32 KiB: hand back where it lies, or run the task "
            "without keeping it");
    } else if (error != MCPZ_OK) {
        mcpz_task_finish_for(step, slot, MCPZ_CODE_STORE_FAILED, "the result could not be kept");
    }
    return error == MCPZ_OK;
}

/* The call has ended, perhaps with the last of the result. */
static void end_call(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                     const struct mcpz_action_task *end)
{
    if (end->chunk.length == 0 || keep_output(step, slot, end->chunk)) {
        mcpz_task_finish(step, slot, end);
    }
}

/*
 * The call is closed: its provider has been reached just now, or the link was replaced over which
 * it was asked. What was asked over a link that is gone may have been done, whatever is said next.
 */
static void start_again(struct mcpz_task_step *step, struct mcpz_task_slot *slot)
{
    const struct mcpz_call_out *call = mcpz_caller_find(&step->calls->caller, slot->request);
    struct mcpz_task_now task;

    slot->fresh = slot->fresh && call != NULL && call->reached;
    if (slot->has_output) {
        mcpz_task_book_drop_result(&step->tasks->book, &slot->id);
        slot->has_output = false;
    }
    slot->has_sent = false;
    if (mcpz_task_load(step, &slot->id, &task)) {
        mcpz_task_slot_start(step, slot, &task);
    }
}

void mcpz_task_answered(struct mcpz_task_step *step, const struct mcpz_action *action)
{
    struct mcpz_task_slot *slot = mcpz_task_slot_of_request(step->tasks, action->task.request);

    if (slot == NULL) {
        return; /* it was stopped meanwhile */
    }
    if (action->kind == MCPZ_ACTION_TASK_PULL) {
        mcpz_task_slot_send_input(step, slot, action->task.credit);
    } else if (action->kind == MCPZ_ACTION_TASK_OUTPUT) {
        (void)keep_output(step, slot, action->task.chunk);
    } else if (action->kind == MCPZ_ACTION_TASK_RETRY) {
        start_again(step, slot);
    } else if (action->kind == MCPZ_ACTION_TASK_DONE) {
        end_call(step, slot, &action->task);
    }
}

/* ---- Leases ------------------------------------------------------------------------------- */

void mcpz_task_renewed(struct mcpz_task_step *step, const struct mcpz_id *from, uint64_t call)
{
    const struct mcpz_call_out *ours = mcpz_caller_find_call(&step->calls->caller, call);

    if (ours == NULL || !mcpz_id_equal(&ours->provider, from)) {
        return;
    }
    struct mcpz_task_slot *slot = mcpz_task_slot_of_request(step->tasks, ours->request);
    if (slot != NULL) {
        slot->until_us = step->now + step->tasks->timing->task_lease_us;
    }
}

void mcpz_task_renew(struct mcpz_task_step *step)
{
    const struct mcpz_provider *provider = &step->calls->provider;
    struct mcpz_tasks *tasks = step->tasks;
    size_t said = 0;

    /* As many as a step has room for, then the rest. */
    for (; tasks->renew_from < provider->table.max && said < RENEWED_MAX; tasks->renew_from++) {
        const struct mcpz_call_in *theirs = &provider->slots[tasks->renew_from];
        if (provider->table.rows[tasks->renew_from].taken && !theirs->deserted) {
            said++;
            mcpz_outbox_send(step->out, &theirs->caller,
                             &(struct mcpz_msg){.kind = MCPZ_MSG_TASK_RENEW,
                                                .task_renew = {.call = theirs->call}});
        }
    }
    bool all = tasks->renew_from >= provider->table.max;
    tasks->renew_from = all ? 0 : tasks->renew_from;
    tasks->renew_at_us = step->now + (all ? RENEW_US : MCPZ_MS(1));
}

static void expire_recording(struct mcpz_task_step *step, struct mcpz_task_slot *slot)
{
    struct mcpz_task_now task;

    if (!mcpz_task_load(step, &slot->id, &task)) {
        mcpz_task_slot_free(step->tasks, slot);
        return;
    }
    if (!slot->keyed) {
        mcpz_task_slot_open(step, slot, &task); /* twice is better than never */
        return;
    }
    mcpz_task_slot_free(step->tasks, slot);
    mcpz_task_put_off(step, &task, step->wall_ms + MCPZ_TASK_ASK_AGAIN_MS);
    step->tasks->counts.put_back++;
}

void mcpz_task_expire_slots(struct mcpz_task_step *step)
{
    for (size_t i = 0; i < MCPZ_TASKS_RUNNING_MAX && step->tasks->running > 0; i++) {
        struct mcpz_task_slot *slot = &step->tasks->slots[i];
        if (slot->phase == MCPZ_TASK_SLOT_FREE || slot->until_us > step->now) {
            continue;
        }
        if (slot->phase == MCPZ_TASK_SLOT_RECORDING) {
            expire_recording(step, slot);
            continue;
        }
        const struct mcpz_call_out *call = mcpz_caller_find(&step->calls->caller, slot->request);
        if (call != NULL && !call->open) { /* nobody is at it yet */
            slot->until_us = step->now + step->tasks->timing->task_lease_us;
            continue;
        }
        step->tasks->counts.lost_leases++;
        mcpz_task_finish_for(step, slot, MCPZ_CODE_PROVIDER_LOST,
                             "the provider has not said for too long that it is at it");
    }
}
