/* Durable tasks: what a script has the nodes do with them, and what it sees of them. */

#include <assert.h>

#include "core/task_gather.h"
#include "sim/internal.h"
#include "wire/plan.h"

static struct mcpz_bytes text_or_none(const char *text)
{
    return mcpz_text(text != NULL ? text : "");
}

static uint32_t either(uint32_t given, uint32_t otherwise)
{
    return given != 0 ? given : otherwise;
}

uint64_t mcpz_sim_submit_alike(struct mcpz_sim *sim, size_t index,
                               const struct mcpz_sim_submission *submission, size_t count)
{
    struct mcpz_task_order orders[MCPZ_TASK_ORDERS_MAX];
    uint64_t first = mcpz_sim_take_request(sim);

    assert(count > 0 && count <= MCPZ_TASK_ORDERS_MAX);
    for (size_t i = 0; i < count; i++) {
        orders[i] = (struct mcpz_task_order){
            .body = {.capability = text_or_none(submission->capability),
                     .params = text_or_none(submission->params),
                     .key = text_or_none(submission->key),
                     .priority = submission->priority,
                     .attempts_max = either(submission->attempts_max, 5),
                     .backoff_ms = either(submission->backoff_ms, 200),
                     .timeout_ms = either(submission->timeout_ms, 30000),
                     .retry_failed = submission->retry_failed},
            .ttl_ms = submission->ttl_ms,
            .copies_min = submission->copies_min,
        };
        if (i > 0) {
            (void)mcpz_sim_take_request(sim); /* they count up */
        }
    }
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_DURABLE_SUBMIT,
        .durable = {.request = first, .orders = orders, .order_count = count},
    };
    mcpz_engine_event(mcpz_sim_enter(sim, index), &event);
    mcpz_sim_leave(sim, index);
    return first;
}

uint64_t mcpz_sim_submit(struct mcpz_sim *sim, size_t index,
                         const struct mcpz_sim_submission *submission)
{
    return mcpz_sim_submit_alike(sim, index, submission, 1);
}

uint64_t mcpz_sim_durable(struct mcpz_sim *sim, size_t index, enum mcpz_event_kind kind,
                          const struct mcpz_task_id *id, const char *capability)
{
    struct mcpz_event event = {
        .kind = kind,
        .durable = {.request = mcpz_sim_take_request(sim), .capability = text_or_none(capability)},
    };

    if (id != NULL) {
        event.durable.id = *id;
    }
    mcpz_engine_event(mcpz_sim_enter(sim, index), &event);
    mcpz_sim_leave(sim, index);
    return event.durable.request;
}

const struct mcpz_task_id *mcpz_sim_task_id(const struct mcpz_sim *sim, uint64_t request)
{
    return &sim->requests[request].task;
}

uint32_t mcpz_sim_task_copies(const struct mcpz_sim *sim, uint64_t request)
{
    return sim->requests[request].copies;
}

bool mcpz_sim_reads(struct mcpz_sim *sim, size_t index, struct mcpz_record *record)
{
    const struct mcpz_store *store = mcpz_engine_store(mcpz_sim_enter(sim, index));
    bool found = store->get(store->context, record) == MCPZ_OK;

    mcpz_sim_leave(sim, index);
    return found;
}

bool mcpz_sim_reads_next(struct mcpz_sim *sim, size_t index, struct mcpz_record *record)
{
    const struct mcpz_store *store = mcpz_engine_store(mcpz_sim_enter(sim, index));
    bool found = store->next(store->context, MCPZ_SCAN_KIND, false, record) == MCPZ_OK;

    mcpz_sim_leave(sim, index);
    return found;
}

bool mcpz_sim_task_state(struct mcpz_sim *sim, size_t index, const struct mcpz_task_id *id,
                         struct mcpz_task_state *state)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK_STATE, .task_state = {.id = *id}};

    if (!mcpz_sim_reads(sim, index, &record)) {
        return false;
    }
    *state = record.task_state.state;
    state->text = mcpz_text(""); /* they do not outlive the turn */
    state->history = NULL;
    return true;
}

void mcpz_sim_task_result(struct mcpz_sim *sim, size_t index, const struct mcpz_task_id *id,
                          char *text, size_t capacity)
{
    const struct mcpz_store *store = mcpz_engine_store(mcpz_sim_enter(sim, index));
    struct mcpz_task_book book;
    struct mcpz_gather gather;
    size_t used = 0;
    size_t length;

    mcpz_task_book_init(&book, store, &(struct mcpz_id){.bytes = {0}});
    mcpz_gather_result(&gather, &mcpz_json_planner, &book, id);
    do {
        uint8_t piece[4 * MCPZ_GATHER_PENDING_BYTES];
        length = mcpz_gather_read(&gather, &book, piece, sizeof(piece));
        size_t taken = length < capacity - 1 - used ? length : capacity - 1 - used;
        memcpy(text + used, piece, taken);
        used += taken;
    } while (length > 0);
    text[used] = '\0';
    mcpz_sim_leave(sim, index);
}
