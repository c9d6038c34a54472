/* Durable tasks that programs hand in: many with a message, answered as they are taken. */

#include <assert.h>

#include "desk/desk_internal.h"
#include "proto/code.h"
#include "proto/traceparent.h"

static struct mcpz_desk_submission *submission_at(struct mcpz_desk *desk, size_t index)
{
    assert(index < desk->submission_count);
    return &desk->submissions[(desk->submission_first + index) % MCPZ_DESK_SUBMISSIONS_MAX];
}

/* ---- In ----------------------------------------------------------------------------------- */

static void send_taken(struct mcpz_desk *desk, struct mcpz_program *program,
                       const struct mcpz_task_taken *rows, size_t count)
{
    if (program != NULL && count > 0) {
        mcpz_desk_send(desk, program,
                       &(struct mcpz_msg){.kind = MCPZ_MSG_TASK_TAKEN,
                                          .task_taken = {.rows = rows, .row_count = count}});
    }
}

static void refuse_all(struct mcpz_desk *desk, struct mcpz_program *program,
                       const struct mcpz_msg_task_submit *submit, uint32_t code, const char *text)
{
    struct mcpz_task_taken rows[MCPZ_TASK_ORDERS_MAX];

    for (size_t i = 0; i < submit->order_count; i++) {
        rows[i] = (struct mcpz_task_taken){
            .number = submit->number + i, .code = code, .text = mcpz_text(text)};
    }
    send_taken(desk, program, rows, submit->order_count);
}

static bool has_bad_traceparent(const struct mcpz_msg_task_submit *submit)
{
    for (size_t i = 0; i < submit->order_count; i++) {
        struct mcpz_bytes text = submit->orders[i].body.traceparent;
        if (text.length > 0 && !mcpz_traceparent_is_valid(text)) {
            return true;
        }
    }
    return false;
}

mcpz_error mcpz_desk_submit(struct mcpz_desk *desk, struct mcpz_program *program,
                            const struct mcpz_msg_task_submit *submit)
{
    const size_t count = submit->order_count;

    if (count == 0) {
        return MCPZ_EPROTO;
    }
    if (has_bad_traceparent(submit)) {
        refuse_all(desk, program, submit, MCPZ_CODE_BAD_REQUEST,
                   "one of them has no valid traceparent (W3C Trace Context, section 3.2)");
        return MCPZ_OK;
    }
    if (desk->submission_count == MCPZ_DESK_SUBMISSIONS_MAX) {
        refuse_all(desk, program, submit, MCPZ_CODE_BUSY,
                   "too many tasks of programs wait to be on disk: try again");
        return MCPZ_OK;
    }
    const uint64_t request = desk->ports.next_request(desk->ports.context, count);
    desk->stats.submissions++;
    desk->stats.tasks_total += count;
    desk->submission_count++;
    *submission_at(desk, desk->submission_count - 1) =
        (struct mcpz_desk_submission){.program = program,
                                      .request = request,
                                      .number = submit->number,
                                      .count = (uint32_t)count,
                                      .left = (uint32_t)count};
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_DURABLE_SUBMIT,
        .durable = {.request = request, .orders = submit->orders, .order_count = count},
    };
    mcpz_desk_say(desk, &event);
    return MCPZ_OK;
}

/* ---- Out ---------------------------------------------------------------------------------- */

/* Whose request it is; NULL: no program's. */
static struct mcpz_desk_submission *find(struct mcpz_desk *desk, uint64_t request)
{
    size_t low = 0;
    size_t high = desk->submission_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        struct mcpz_desk_submission *submission = submission_at(desk, middle);
        if (request < submission->request) {
            high = middle;
        } else if (request >= submission->request + submission->count) {
            low = middle + 1;
        } else {
            return submission;
        }
    }
    return NULL;
}

static void drop_answered(struct mcpz_desk *desk)
{
    while (desk->submission_count > 0 && submission_at(desk, 0)->left == 0) {
        desk->submission_first = (desk->submission_first + 1) % MCPZ_DESK_SUBMISSIONS_MAX;
        desk->submission_count--;
        desk->stats.submissions--;
    }
}

/* As much of it as a row holds; ours are ASCII. */
static struct mcpz_bytes cut(struct mcpz_bytes text)
{
    return mcpz_bytes(text.data, text.length < MCPZ_TASK_TEXT_BYTES_MAX
                                     ? text.length
                                     : MCPZ_TASK_TEXT_BYTES_MAX);
}

/* Rows of one program after the other go in one message. */
static void tell(struct mcpz_desk *desk, const struct mcpz_task_taken *rows, size_t count)
{
    struct mcpz_task_taken said[MCPZ_TASK_ORDERS_MAX];
    struct mcpz_program *program = NULL;
    size_t said_count = 0;

    assert(count <= MCPZ_TASK_ORDERS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct mcpz_desk_submission *submission = find(desk, rows[i].number);
        if (submission == NULL || submission->left == 0) {
            continue;
        }
        if (submission->program != program) {
            send_taken(desk, program, said, said_count);
            said_count = 0;
            program = submission->program;
        }
        submission->left--;
        said[said_count] = rows[i];
        said[said_count].text = cut(rows[i].text);
        said[said_count++].number = submission->number + (rows[i].number - submission->request);
    }
    send_taken(desk, program, said, said_count);
    drop_answered(desk);
}

void mcpz_desk_tasks_act(struct mcpz_desk *desk, const struct mcpz_action *action)
{
    if (desk->submission_count == 0) {
        return;
    }
    if (action->kind == MCPZ_ACTION_TAKEN) {
        tell(desk, action->taken.rows, action->taken.count);
        return;
    }
    const struct mcpz_action_reply *reply = &action->reply;
    const struct mcpz_task_taken row = {
        .number = reply->request,
        .code = reply->code,
        .copies = reply->copies,
        .id = reply->task,
        .text = reply->text,
    };
    tell(desk, &row, 1);
}

void mcpz_desk_tasks_leave(struct mcpz_desk *desk, const struct mcpz_program *program)
{
    for (size_t i = 0; i < desk->submission_count; i++) {
        struct mcpz_desk_submission *submission = submission_at(desk, i);
        if (submission->program == program) {
            submission->program = NULL;
        }
    }
}
