#include "core/task_split.h"

#include <string.h>

#include "base/hash.h"
#include "core/task_plan.h"
#include "core/task_step.h"
#include "core/task_text.h"
#include "proto/code.h"

static struct mcpz_bytes say_refusal(struct mcpz_task_step *step, const char *why, size_t at)
{
    struct mcpz_task_text text = {.length = 0};

    mcpz_task_text_add(&text, mcpz_text("its plan of subtasks is refused: "));
    if (at > 0) {
        mcpz_task_text_add(&text, mcpz_text("subtask "));
        mcpz_task_text_add_number(&text, (uint32_t)at);
        mcpz_task_text_add(&text, mcpz_text(": "));
    }
    mcpz_task_text_add(&text, mcpz_text(why));
    return mcpz_outbox_keep(step->out, mcpz_task_text_bytes(&text));
}

bool mcpz_task_plan_read(struct mcpz_task_step *step, struct mcpz_bytes text,
                         struct mcpz_plan *plan, const char **why, size_t *at)
{
    struct mcpz_task_tree *tree = &step->tasks->tree;

    *why = "it is longer than 32 KiB";
    *at = 0;
    if (text.length > sizeof(tree->text)) {
        return false;
    }
    if (text.length > 0) {
        memcpy(tree->text, text.data, text.length);
    }
    return step->planner->read(tree->text, text.length, plan, why, at);
}

/* NULL: all of its subtasks can be taken in. */
static const char *find_obstacle(struct mcpz_task_step *step, const struct mcpz_task_now *task,
                                 const struct mcpz_task_now *root, const struct mcpz_plan *plan)
{
    struct mcpz_tasks *tasks = step->tasks;
    const uint32_t count = mcpz_task_plan_parts(&plan->head);

    if (mcpz_task_level(&task->body) >= MCPZ_SUBTASK_LEVELS_MAX) {
        return "subtasks are five levels deep at most";
    }
    if (root->is.family + count > MCPZ_TASK_FAMILY_MAX) {
        return "one task has 10000 subtasks at most, all levels together";
    }
    if (mcpz_task_book_queued(&tasks->book) + tasks->book.counts[MCPZ_TASK_LIST_PART] + count >
        MCPZ_TASKS_MAX) {
        return "this node has a million tasks already";
    }
    for (size_t i = 0; i < count; i++) {
        if (mcpz_task_queues_take(&tasks->queues, plan->items[i].type) == NULL) {
            return "there are 256 queues at this node";
        }
    }
    return NULL;
}

/* Of a root all that are below it count, of others their own. */
static void count_family(struct mcpz_task_step *step, struct mcpz_task_now *task,
                         struct mcpz_task_now *root, uint32_t count)
{
    task->is.family += count;
    if (mcpz_task_level(&task->body) > 0) {
        root->is.family += count;
        mcpz_task_save(step, root);
        mcpz_task_send_moved(step, root);
    }
}

bool mcpz_task_split(struct mcpz_task_step *step, struct mcpz_task_now *task, uint32_t *code,
                     struct mcpz_bytes *text)
{
    struct mcpz_task_book *book = &step->tasks->book;
    uint8_t weights[MCPZ_PLAN_WEIGHTS_BYTES];
    struct mcpz_task_now root = *task;
    struct mcpz_plan plan;
    const char *why;
    size_t at;

    *code = MCPZ_CODE_BAD_REQUEST;
    if (!mcpz_task_plan_read(step, mcpz_task_book_result(book, &task->id), &plan, &why, &at)) {
        *text = say_refusal(step, why, at);
        return false;
    }
    *code = MCPZ_CODE_LIMIT;
    why = mcpz_task_level(&task->body) > 0 && !mcpz_task_load(step, mcpz_task_root(task), &root)
              ? "the task it belongs to is gone"
              : find_obstacle(step, task, &root, &plan);
    if (why != NULL) {
        *text = say_refusal(step, why, 0);
        return false;
    }
    plan.head.text = mcpz_task_book_result(book, &task->id);
    plan.head.weights = mcpz_plan_weights(&plan, weights);
    plan.head.salt = mcpz_hash_bytes(plan.head.text, 0);
    mcpz_task_book_set_plan(book, &task->id, &plan.head);
    mcpz_task_book_drop_result(book, &task->id);
    count_family(step, task, &root, mcpz_task_plan_parts(&plan.head));
    task->is.phase = MCPZ_TASK_SPLIT;
    task->is.due_ms = 0;
    task->is.held_ms = 0;
    mcpz_task_save(step, task);
    mcpz_task_book_set_lone(book, &task->id, true);
    mcpz_task_send_moved(step, task);
    mcpz_task_tree_note(step, &task->id);
    step->tasks->tree.split++;
    return true;
}

bool mcpz_task_plan_keep(struct mcpz_task_step *step, const struct mcpz_task_id *id,
                         struct mcpz_bytes text)
{
    uint8_t weights[MCPZ_PLAN_WEIGHTS_BYTES];
    struct mcpz_plan plan;
    const char *why;
    size_t at;

    if (!mcpz_task_plan_read(step, text, &plan, &why, &at)) {
        return false;
    }
    plan.head.text = text;
    plan.head.weights = mcpz_plan_weights(&plan, weights);
    plan.head.salt = mcpz_hash_bytes(plan.head.text, 0);
    mcpz_task_book_set_plan(&step->tasks->book, id, &plan.head);
    return true;
}
