/* Taking tasks in: what a client hands over, until another node has it on disk as well. */

#include <assert.h>

#include "core/task_step.h"
#include "proto/code.h"

#define ASK_ANOTHER_US MCPZ_SECONDS(1) /* a backup that is silent for so long: another one */
#define ACCEPT_US MCPZ_SECONDS(5)      /* then the client is told that nobody keeps it */
#define ASKED_AGAIN_MAX 64             /* in one step */

/* ---- One order ---------------------------------------------------------------------------- */

/* Ids rise, whatever the wall clock does: that is the order in which their clients wait. */
static struct mcpz_task_id make_id(struct mcpz_task_step *step)
{
    struct mcpz_tasks *tasks = step->tasks;
    uint64_t chance = mcpz_rng_next(&tasks->rng);
    struct mcpz_task_id id;

    if (step->wall_ms > tasks->last_ms) {
        tasks->last_ms = step->wall_ms;
        tasks->last_count = 0;
    } else if (++tasks->last_count > UINT16_MAX) {
        tasks->last_ms++;
        tasks->last_count = 0;
    }
    for (size_t i = 0; i < 6; i++) {
        id.bytes[i] = (uint8_t)(tasks->last_ms >> 8 * (5 - i));
    }
    id.bytes[6] = (uint8_t)(tasks->last_count >> 8);
    id.bytes[7] = (uint8_t)tasks->last_count;
    memcpy(id.bytes + MCPZ_TASK_ID_ORIGIN, tasks->self.bytes, 4);
    for (size_t i = 0; i < 4; i++) {
        id.bytes[MCPZ_TASK_ID_ORIGIN + 4 + i] = (uint8_t)(chance >> 8 * i);
    }
    return id;
}

static void refuse(struct mcpz_task_step *step, uint64_t request, uint32_t code, const char *text)
{
    step->tasks->counts.refused++;
    mcpz_task_reply(step, request, code, text, NULL, 0);
}

/* The same key, within the time that what it stands for is kept: the same task. */
static bool is_known(struct mcpz_task_step *step, const struct mcpz_task_body *body,
                     uint64_t request)
{
    struct mcpz_tasks *tasks = step->tasks;
    struct mcpz_task_state state;
    struct mcpz_task_id id;

    if (body->key.length == 0 ||
        mcpz_task_book_key(&tasks->book, body->tenant, body->key, &id) != MCPZ_OK ||
        mcpz_task_book_state(&tasks->book, &id, &state) != MCPZ_OK) {
        return false;
    }
    if (mcpz_accepting_find(&tasks->accepting, &id) == NULL) {
        bool lone = mcpz_id_is_zero(&state.backup) || mcpz_task_book_is_lone(&tasks->book, &id);
        uint32_t copies = lone ? 1 : 2;
        mcpz_task_reply(step, request, MCPZ_CODE_OK, "", &id, copies);
    } else if (!mcpz_accepting_add_also(&tasks->accepting, &id, request)) {
        refuse(step, request, MCPZ_CODE_BUSY, "too many wait for that task to be on disk");
    }
    return true;
}

/* NULL: it can be taken. */
static const char *find_obstacle(struct mcpz_tasks *tasks, const struct mcpz_task_body *body,
                                 uint32_t *code)
{
    *code = MCPZ_CODE_LIMIT;
    if (body->params.length + body->input.length > MCPZ_TASK_BYTES_MAX) {
        *code = MCPZ_CODE_TOO_LARGE;
        return "parameters and input have more than 32 KiB together: hand over where they lie";
    }
    if (mcpz_task_book_queued(&tasks->book) >= MCPZ_TASKS_MAX) {
        return "a million tasks wait at this node";
    }
    if (mcpz_task_queues_take(&tasks->queues, body->capability) == NULL) {
        return "there are 256 queues at this node";
    }
    if (!mcpz_accepting_has_room(&tasks->accepting, mcpz_task_order_bytes(body))) {
        *code = MCPZ_CODE_BUSY;
        return "too many tasks wait to be on disk: try again";
    }
    return NULL;
}

static uint64_t expires_ms(const struct mcpz_task_step *step, uint32_t ttl_ms)
{
    mcpz_time usual_us = step->tasks->timing->task_ttl_us;

    if (ttl_ms == MCPZ_TASK_TTL_DEFAULT) {
        return usual_us != MCPZ_TIME_NEVER ? step->wall_ms + usual_us / 1000 : 0;
    }
    return ttl_ms > 0 ? step->wall_ms + ttl_ms : 0;
}

/* What it does not say of itself is said for all. */
static struct mcpz_task_body complete(const struct mcpz_task_step *step,
                                      const struct mcpz_task_order *order)
{
    const struct mcpz_node_timing *timing = step->tasks->timing;
    struct mcpz_task_body body = order->body;

    body.attempts_max = body.attempts_max > 0 ? body.attempts_max : timing->task_attempts;
    body.backoff_ms =
        body.backoff_ms > 0 ? body.backoff_ms : (uint32_t)(timing->task_backoff_us / 1000);
    body.created_ms = step->wall_ms;
    body.expires_ms = expires_ms(step, order->ttl_ms);
    return body;
}

/* Write it down. Its place is where it stands once its client is answered. */
static struct mcpz_task_place take_in(struct mcpz_task_step *step, struct mcpz_task_now *task)
{
    struct mcpz_tasks *tasks = step->tasks;

    task->is.epoch = 1;
    task->is.revision = 1;
    task->is.owner = tasks->self;
    task->is.life = tasks->life;
    task->is.phase = MCPZ_TASK_QUEUED;
    const struct mcpz_task_place place =
        mcpz_task_book_place(&tasks->book, &task->body, &task->is);
    mcpz_task_book_add(&tasks->book, &task->id, &task->body, &task->is);
    mcpz_task_note_places(step, task, &(struct mcpz_task_place){0}, &place);
    return place;
}

/* Nobody else is there: it is answered at once. */
static void take_alone(struct mcpz_task_step *step, struct mcpz_task_now *task, uint64_t request)
{
    (void)take_in(step, task);
    mcpz_task_book_set_lone(&step->tasks->book, &task->id, true);
    step->tasks->counts.accepted++;
    mcpz_task_reply(step, request, MCPZ_CODE_OK, "", &task->id, 1);
}

/* Take one. True: another node is to keep it: its backup, or there is none yet. */
static bool submit_one(struct mcpz_task_step *step, const struct mcpz_task_order *order,
                       uint64_t request, struct mcpz_task_now *task)
{
    struct mcpz_tasks *tasks = step->tasks;
    uint32_t code;

    if (is_known(step, &order->body, request)) {
        return false;
    }
    const char *obstacle = find_obstacle(tasks, &order->body, &code);
    bool alone = mcpz_task_company(step) == MCPZ_TASK_ALONE;
    if (obstacle == NULL && alone && order->copies_min > 1) {
        code = MCPZ_CODE_NO_COPY;
        obstacle = "this node is alone in its mesh: nobody else can keep the task";
    }
    if (obstacle != NULL) {
        refuse(step, request, code, obstacle);
        return false;
    }
    *task = (struct mcpz_task_now){.id = make_id(step), .body = complete(step, order)};
    if (alone) {
        take_alone(step, task, request);
        return false;
    }
    (void)mcpz_task_choose_backup(step, &task->id, NULL, &task->is.backup);
    const struct mcpz_task_place place = take_in(step, task);
    mcpz_accepting_add(&tasks->accepting,
                       &(struct mcpz_accepting_row){
                           .request = request,
                           .id = task->id,
                           .backup = task->is.backup,
                           .epoch = task->is.epoch,
                           .group = place.group,
                           .order = place.order,
                           .bytes = (uint32_t)mcpz_task_order_bytes(&task->body),
                           .copies_min = order->copies_min,
                           .since_us = step->now,
                           .ask_again_at_us = step->now + ASK_ANOTHER_US,
                       });
    return true;
}

/* ---- Many --------------------------------------------------------------------------------- */

/* Tasks that are new, by the backup each is to have. */
struct asking {
    struct mcpz_task_new *tasks;
    struct mcpz_id *backups; /* zeros: it was asked */
    size_t count;
};

static size_t count_of(const struct asking *asking, const struct mcpz_id *backup)
{
    size_t count = 0;

    for (size_t i = 0; i < asking->count; i++) {
        count += mcpz_id_equal(&asking->backups[i], backup);
    }
    return count;
}

/* Ask this backup for all that are to be its own. */
static void ask_backup(struct mcpz_task_step *step, struct asking *asking, struct mcpz_id backup)
{
    struct mcpz_task_new *chosen =
        mcpz_arena_take_sure(&step->out->arena, count_of(asking, &backup), sizeof(*chosen));
    size_t count = 0;
    size_t bytes = 0;

    for (size_t i = 0; i < asking->count; i++) {
        const size_t size = mcpz_task_order_bytes(&asking->tasks[i].body);
        if (!mcpz_id_equal(&asking->backups[i], &backup)) {
            continue;
        }
        if (bytes + size > MCPZ_TASK_ORDERS_BYTES_MAX) {
            mcpz_task_send_keep_new(step, &backup, chosen, count);
            chosen += count;
            count = 0;
            bytes = 0;
        }
        chosen[count++] = asking->tasks[i];
        bytes += size;
        asking->backups[i] = (struct mcpz_id){.bytes = {0}};
    }
    mcpz_task_send_keep_new(step, &backup, chosen, count);
}

void mcpz_task_submit(struct mcpz_task_step *step, const struct mcpz_event_durable *submit)
{
    struct mcpz_task_new tasks[MCPZ_TASK_ORDERS_MAX];
    struct mcpz_id backups[MCPZ_TASK_ORDERS_MAX];
    struct asking asking = {.tasks = tasks, .backups = backups};
    struct mcpz_task_now task;

    assert(submit->order_count <= MCPZ_TASK_ORDERS_MAX);
    for (size_t i = 0; i < submit->order_count; i++) {
        if (submit_one(step, &submit->orders[i], submit->request + i, &task)) {
            tasks[asking.count] = (struct mcpz_task_new){.id = task.id, .body = task.body};
            backups[asking.count++] = task.is.backup;
        }
    }
    for (size_t i = 0; i < asking.count && mcpz_id_is_zero(&backups[i]); i++) {
        if (i + 1 == asking.count) { /* nobody is linked who could be asked */
            mcpz_task_reach_company(step);
            return;
        }
    }
    if (submit->order_count == 1 && asking.count == 1) {
        mcpz_task_send_keep(step, &task);
        return;
    }
    for (size_t i = 0; i < asking.count; i++) {
        if (!mcpz_id_is_zero(&backups[i])) {
            ask_backup(step, &asking, backups[i]);
        }
    }
}

/* ---- Kept --------------------------------------------------------------------------------- */

/* Others wait for the same task. */
static void answer_also(struct mcpz_task_step *step, const struct mcpz_task_id *id, uint32_t code,
                        const char *text, uint32_t copies)
{
    uint64_t request;

    while ((request = mcpz_accepting_take_also(&step->tasks->accepting, id)) != 0) {
        mcpz_task_reply(step, request, code, text, id, copies);
    }
}

/* Its client is about to be answered: from now on its turn may come. */
static void let_begin(struct mcpz_tasks *tasks, const struct mcpz_accepting_row *row)
{
    struct mcpz_task_queue *queue = mcpz_task_queues_find(&tasks->queues, row->group);

    if (queue != NULL) {
        mcpz_task_queue_put_back(queue, &(struct mcpz_task_cursor){row->order, row->id});
    }
    tasks->counts.accepted++;
}

bool mcpz_task_accept(struct mcpz_task_step *step, const struct mcpz_id *from,
                      const struct mcpz_msg_task_mark *mark, struct mcpz_task_taken *taken)
{
    struct mcpz_tasks *tasks = step->tasks;
    struct mcpz_accepting_row *row = mcpz_accepting_find(&tasks->accepting, &mark->id);

    if (row == NULL || !mcpz_id_equal(&row->backup, from) || row->epoch != mark->epoch) {
        return false;
    }
    let_begin(tasks, row);
    *taken = (struct mcpz_task_taken){.number = row->request, .copies = 2, .id = row->id};
    mcpz_accepting_remove(&tasks->accepting, row);
    answer_also(step, &mark->id, MCPZ_CODE_OK, "", 2);
    return true;
}

void mcpz_task_tell_taken(struct mcpz_task_step *step, const struct mcpz_task_taken *rows,
                          size_t count)
{
    if (count == 1) {
        mcpz_task_reply(step, rows[0].number, MCPZ_CODE_OK, "", &rows[0].id, rows[0].copies);
    } else if (count > 1) {
        struct mcpz_action *action = mcpz_outbox_append(step->out, MCPZ_ACTION_TAKEN);
        action->durable = true;
        action->taken.rows = rows;
        action->taken.count = count;
    }
}

/* Answer who waits for it. */
static void answer_well(struct mcpz_task_step *step, struct mcpz_accepting_row *row,
                        uint32_t copies)
{
    const struct mcpz_task_id id = row->id;

    mcpz_task_reply(step, row->request, MCPZ_CODE_OK, "", &id, copies);
    mcpz_accepting_remove(&step->tasks->accepting, row);
    answer_also(step, &id, MCPZ_CODE_OK, "", copies);
}

void mcpz_task_kept_for_another(struct mcpz_task_step *step, const struct mcpz_task_id *id)
{
    struct mcpz_accepting_row *row = mcpz_accepting_find(&step->tasks->accepting, id);

    if (row != NULL) {
        answer_well(step, row, 2);
    }
}

/* ---- Not kept ----------------------------------------------------------------------------- */

static void answer_no(struct mcpz_task_step *step, struct mcpz_accepting_row *row, uint32_t code,
                      const char *text)
{
    const struct mcpz_task_id id = row->id;

    refuse(step, row->request, code, text);
    mcpz_accepting_remove(&step->tasks->accepting, row);
    answer_also(step, &id, code, text, 0);
}

/* Nobody keeps it: the client is told so, and it is not done. */
static void give_up(struct mcpz_task_step *step, struct mcpz_accepting_row *row,
                    struct mcpz_task_now *task)
{
    if (!mcpz_task_is_over(&task->is)) {
        mcpz_task_end(step, task, MCPZ_TASK_CANCELLED, MCPZ_CODE_NO_COPY,
                      mcpz_text("no other node had it on disk in time"));
    }
    answer_no(step, row, MCPZ_CODE_NO_COPY,
              "no other node had it on disk within 5 s: it is not taken");
}

/* Nobody else is there any more, or ever was. */
static void take_alone_late(struct mcpz_task_step *step, struct mcpz_accepting_row *row,
                            struct mcpz_task_now *task)
{
    if (row->copies_min > 1) {
        give_up(step, row, task);
        return;
    }
    mcpz_task_book_set_lone(&step->tasks->book, &row->id, true);
    let_begin(step->tasks, row);
    answer_well(step, row, 1);
}

/* Another node has taken it over, and does it. It may have us keep it yet: then there are two. */
static void await_owner(struct mcpz_task_step *step, struct mcpz_accepting_row *row, bool late)
{
    if (late && row->copies_min > 1) {
        answer_no(step, row, MCPZ_CODE_TIMEOUT,
                  "another node has taken it over, and nobody else has it on disk yet: it may be "
                  "taken");
    } else if (late) {
        answer_well(step, row, 1);
    }
}

/*
 * Another backup, if there is another: else the same is asked once more, and may answer to the
 * first. `alone`: there is none at all. False: nobody can be asked.
 */
static bool find_backup(struct mcpz_task_step *step, struct mcpz_task_now *task, bool alone)
{
    struct mcpz_id other;

    if ((alone || mcpz_task_choose_backup(step, &task->id, &task->is.backup, &other)) &&
        (task->body.key.length == 0 || mcpz_task_may_replace(step, task))) {
        mcpz_task_rehouse(step, task);
        mcpz_task_save(step, task);
    }
    return !mcpz_id_is_zero(&task->is.backup);
}

/* True: nobody is linked who could be asked. */
static bool ask_again(struct mcpz_task_step *step, struct mcpz_accepting_row *row)
{
    struct mcpz_task_now task;
    const bool late = step->now - row->since_us >= ACCEPT_US;
    const enum mcpz_task_company company = mcpz_task_company(step);
    const bool alone = company == MCPZ_TASK_ALONE || (late && company == MCPZ_TASK_DOUBTED);

    row->ask_again_at_us = step->now + ASK_ANOTHER_US;
    if (!mcpz_task_load(step, &row->id, &task)) {
        answer_no(step, row, MCPZ_CODE_STORE_FAILED, "nothing was written: the store failed");
        return false;
    }
    if (!mcpz_task_is_ours(step, &task.is)) {
        await_owner(step, row, late);
        return false;
    }
    if (mcpz_task_is_over(&task.is) || (late && company == MCPZ_TASK_COMPANY)) {
        give_up(step, row, &task);
        return false;
    }
    bool has_backup = find_backup(step, &task, alone);
    row->backup = task.is.backup;
    row->epoch = task.is.epoch;
    if (has_backup && late) {
        give_up(step, row, &task);
    } else if (has_backup) {
        mcpz_task_send_keep(step, &task);
    } else if (alone) {
        take_alone_late(step, row, &task);
    } else {
        return true;
    }
    return false;
}

void mcpz_task_intake_tick(struct mcpz_task_step *step)
{
    struct mcpz_accepting *accepting = &step->tasks->accepting;
    size_t asked = 0;
    bool nobody = false;

    if (mcpz_accepting_deadline(accepting) > step->now) {
        return;
    }
    for (size_t i = 0; i < accepting->count && asked < ASKED_AGAIN_MAX; i++) {
        struct mcpz_accepting_row *row = mcpz_accepting_at(accepting, i);
        if (row->request != 0 && row->ask_again_at_us <= step->now) {
            size_t count = accepting->count;
            nobody |= ask_again(step, row);
            asked++;
            i = accepting->count < count ? SIZE_MAX : i; /* the ring has moved: from its start */
        }
    }
    mcpz_accepting_looked(accepting, step->now);
    if (nobody) {
        mcpz_task_reach_company(step);
    }
}

void mcpz_task_intake_wake(struct mcpz_task_step *step)
{
    if (step->tasks->accepting.count > 0) {
        mcpz_accepting_wake(&step->tasks->accepting, step->now);
        mcpz_task_intake_tick(step);
    }
}

void mcpz_task_intake_recover(struct mcpz_task_step *step)
{
    struct mcpz_tasks *tasks = step->tasks;
    struct mcpz_task_state state;

    for (size_t i = 0; i < tasks->accepting.count; i++) {
        struct mcpz_accepting_row *row = mcpz_accepting_at(&tasks->accepting, i);
        if (row->request != 0 && mcpz_task_book_state(&tasks->book, &row->id, &state) != MCPZ_OK) {
            row->ask_again_at_us = 0; /* ask_again() says so, a slice a step */
            tasks->accepting.look_at_us = 0;
        }
    }
}
