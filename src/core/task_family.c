#include "core/task_family.h"

#include <assert.h>

#include "base/hex.h"
#include "core/task_plan.h"
#include "core/task_split.h"
#include "core/task_text.h"
#include "proto/code.h"

#define MADE_MAX 16 /* subtasks, in one go */

bool mcpz_task_load_part(struct mcpz_task_step *step, const struct mcpz_task_id *parent,
                         uint64_t salt, uint32_t part, struct mcpz_task_now *task)
{
    const struct mcpz_task_id id = mcpz_task_part_id(parent, salt, part);

    return mcpz_task_load(step, &id, task) &&
           mcpz_task_id_equal(&task->body.kin[0].parent, parent);
}

/* "t-PARENT:PART:SALT": what is made by another plan is something else. */
static struct mcpz_bytes make_key(const struct mcpz_task_id *parent, uint64_t salt, uint32_t part,
                                  struct mcpz_task_text *key)
{
    char digits[8];
    char name[2 * MCPZ_TASK_ID_BYTES];

    for (size_t i = 0; i < sizeof(digits); i++) {
        digits[i] = mcpz_hex_digit(salt >> (28 - 4 * i));
    }
    mcpz_hex_put(mcpz_bytes(parent->bytes, MCPZ_TASK_ID_BYTES), name);
    mcpz_task_text_add(key, mcpz_text("t-"));
    mcpz_task_text_add(key, mcpz_bytes(name, sizeof(name)));
    mcpz_task_text_add(key, mcpz_text(":"));
    mcpz_task_text_add_number(key, part);
    mcpz_task_text_add(key, mcpz_text(":"));
    mcpz_task_text_add(key, mcpz_bytes(digits, sizeof(digits)));
    assert(key->length <= MCPZ_IDEMPOTENCY_KEY_BYTES_MAX);
    return mcpz_task_text_bytes(key);
}

static uint32_t feed_of(const struct mcpz_task_plan *plan, uint32_t part)
{
    if (part == plan->count) {
        return MCPZ_TASK_FEED_ALL;
    }
    return plan->aggregate == MCPZ_TASK_SEQUENTIAL && part > 0 ? MCPZ_TASK_FEED_BEFORE
                                                               : MCPZ_TASK_FEED_NONE;
}

/* False: it cannot be taken in. */
static bool make_part(struct mcpz_task_step *step, const struct mcpz_task_family *family,
                      const struct mcpz_plan *plan, uint32_t part)
{
    const struct mcpz_task_now *parent = &family->task;
    const struct mcpz_plan_item *item = &plan->items[part];
    struct mcpz_task_text key = {.length = 0};
    struct mcpz_task_now task = {.id = mcpz_task_part_id(&parent->id, family->plan.salt, part),
                                 .body = parent->body};

    task.body.capability = item->type;
    task.body.params = item->params.length > 0 ? item->params : mcpz_text("null");
    task.body.input = item->input;
    task.body.key = make_key(&parent->id, family->plan.salt, part, &key);
    task.body.attempts_max = item->attempts_max > 0 ? item->attempts_max : task.body.attempts_max;
    task.body.timeout_ms = item->timeout_ms > 0 ? item->timeout_ms : task.body.timeout_ms;
    task.body.created_ms = step->wall_ms;
    task.body.kin_count = 1;
    task.body.kin[0] = (struct mcpz_task_kin){
        .parent = parent->id,
        .root = *mcpz_task_root(parent),
        .level = mcpz_task_level(&parent->body) + 1,
        .part = part,
        .feed = feed_of(&family->plan, part),
    };
    task.is = (struct mcpz_task_state){
        .epoch = parent->is.epoch,
        .revision = 1,
        .owner = step->tasks->self,
        .backup = parent->is.backup,
        .life = step->tasks->life,
        .phase = MCPZ_TASK_QUEUED,
        .round = family->root.is.round,
    };
    if (mcpz_task_queues_take(&step->tasks->queues, task.body.capability) == NULL) {
        return false;
    }
    mcpz_task_add(step, &task);
    step->tasks->tree.made++;
    /* What is sent must not point into the plan that is read next. */
    if (mcpz_task_load(step, &task.id, &task)) {
        mcpz_task_book_set_lone(&step->tasks->book, &task.id, true);
        mcpz_task_send_whole(step, &task);
    }
    return true;
}

void mcpz_task_make_parts(struct mcpz_task_step *step, const struct mcpz_task_family *family,
                          uint32_t from, uint32_t to)
{
    struct mcpz_plan plan;
    struct mcpz_task_now there;
    size_t made = 0;
    const char *why;
    size_t at;

    if (!mcpz_task_plan_read(step, family->plan.text, &plan, &why, &at)) {
        return; /* what was taken in can be read: it is the disk that fails */
    }
    for (uint32_t part = from; part < to; part++) {
        if (mcpz_task_load_part(step, &family->task.id, family->plan.salt, part, &there)) {
            continue;
        }
        if (made == MADE_MAX) {
            mcpz_task_tree_note(step, &family->task.id);
            return;
        }
        if (!make_part(step, family, &plan, part)) {
            struct mcpz_task_now task = family->task;
            mcpz_task_end(
                step, &task, MCPZ_TASK_DEAD, MCPZ_CODE_LIMIT,
                mcpz_text("there are 256 queues at this node: no room for its subtasks"));
            return;
        }
        made++;
    }
}
