#include "exec/lease.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

#include "wire/json.h"

static struct ev_loop *loop_of(const struct mcpz_leases *leases)
{
    return mcpz_loop_ev(leases->site->loop);
}

/* ---- Finding ------------------------------------------------------------------------------ */

static size_t pool_called(const struct mcpz_leases *leases, struct mcpz_bytes name)
{
    size_t i = 0;
    while (i < leases->pool_count &&
           !mcpz_bytes_equal(mcpz_text(leases->pools[i]->provision.provider.name), name)) {
        i++;
    }
    return i;
}

static size_t row_called(const struct mcpz_leases *leases, uint64_t id)
{
    size_t i = 0;
    while (i < leases->row_count && leases->rows[i].id != id) {
        i++;
    }
    return i;
}

/* Who may use a lease is who knows its number: not one that can be guessed. */
static uint64_t new_id(const struct mcpz_leases *leases)
{
    uint64_t id = 0;

    do {
        ssize_t got = getrandom(&id, sizeof(id), 0);
        assert(got == (ssize_t)sizeof(id)); /* so few bytes are always given */
        (void)got;
    } while (id == 0 || row_called(leases, id) < leases->row_count);
    return id;
}

/* ---- The end of leases -------------------------------------------------------------------- */

static void set_alarm(struct mcpz_leases *leases)
{
    const mcpz_time now = mcpz_clock_now();
    mcpz_time next = MCPZ_TIME_NEVER;

    ev_timer_stop(loop_of(leases), &leases->on_end);
    for (size_t i = 0; i < leases->row_count; i++) {
        next = leases->rows[i].end_us < next ? leases->rows[i].end_us : next;
    }
    if (next != MCPZ_TIME_NEVER) {
        ev_timer_set(&leases->on_end, next > now ? (double)(next - now) / 1e6 : 0.0, 0.0);
        ev_timer_start(loop_of(leases), &leases->on_end);
    }
}

static void end_row(struct mcpz_leases *leases, size_t index)
{
    const struct mcpz_lease row = leases->rows[index];

    leases->rows[index] = leases->rows[--leases->row_count];
    mcpz_error error = mcpz_crew_release(row.crew, row.id);
    (void)error; /* the worker may have gone before it */
}

static void on_end(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_leases *leases = timer->data;
    const mcpz_time now = mcpz_clock_now();

    for (size_t i = leases->row_count; i > 0; i--) {
        if (leases->rows[i - 1].end_us <= now) {
            end_row(leases, i - 1);
        }
    }
    set_alarm(leases);
}

/* ---- What becomes of executions ----------------------------------------------------------- */

static size_t execution_called(const struct mcpz_leases *leases, uint32_t id)
{
    size_t i = 0;
    while (i < MCPZ_LEASE_ERRANDS_MAX && leases->executions[i].id != id) {
        i++;
    }
    return i;
}

static void on_credit(void *context, uint32_t id, uint32_t credit)
{
    (void)context;
    (void)id;
    (void)credit; /* an execution has no input */
}

static void on_output(void *context, uint32_t id, struct mcpz_bytes chunk)
{
    struct mcpz_leases *leases = context;
    size_t i = execution_called(leases, id);

    if (i < MCPZ_LEASE_ERRANDS_MAX) {
        mcpz_run_pull(&leases->executions[i].errand->run, (uint32_t)chunk.length);
        leases->executions[i].ears.output(leases->executions[i].ears.context, chunk);
    }
}

static void tell_over(struct mcpz_leases *leases, uint32_t id, uint32_t code,
                      struct mcpz_bytes text)
{
    size_t i = execution_called(leases, id);

    if (i < MCPZ_LEASE_ERRANDS_MAX) {
        const struct mcpz_agent_pool_ears ears = leases->executions[i].ears;
        leases->executions[i].id = 0;
        ears.over(ears.context, code, text);
    }
}

static void on_over(void *context, uint32_t id, bool plan)
{
    (void)plan; /* what is done under a lease is not split */
    tell_over(context, id, MCPZ_CODE_OK, mcpz_bytes(NULL, 0));
}

static void on_fail(void *context, uint32_t id, uint32_t code, struct mcpz_bytes text)
{
    tell_over(context, id, code, text);
}

/* ---- The port ----------------------------------------------------------------------------- */

static void list(void *context,
                 void (*visit)(void *visit_context, const struct mcpz_agent_pool_row *row),
                 void *visit_context)
{
    const struct mcpz_leases *leases = context;

    for (size_t i = 0; i < leases->pool_count; i++) {
        const struct mcpz_crew *crew = leases->pools[i];
        struct mcpz_agent_pool_row row = {
            .service = &crew->provision.provider,
            .isolation = mcpz_isolation_word(crew->provision.isolation),
        };
        mcpz_crew_count(crew, &row.ready, &row.starting, &row.busy, &row.leased);
        visit(visit_context, &row);
    }
}

static mcpz_error create(void *context, const struct mcpz_service *service)
{
    struct mcpz_leases *leases = context;

    if (pool_called(leases, mcpz_text(service->name)) < leases->pool_count) {
        return MCPZ_ECONFLICT;
    }
    if (leases->pool_count == MCPZ_AGENT_POOLS_MAX) {
        return MCPZ_EFULL;
    }
    mcpz_error error = leases->open(leases->context, service, &leases->pools[leases->pool_count]);
    if (error == MCPZ_OK) {
        leases->pool_count++;
    }
    return error;
}

static mcpz_error remove_pool(void *context, struct mcpz_bytes name)
{
    struct mcpz_leases *leases = context;
    size_t index = pool_called(leases, name);

    if (index == leases->pool_count) {
        return MCPZ_ENOTFOUND;
    }
    struct mcpz_crew *crew = leases->pools[index];
    for (size_t i = leases->row_count; i > 0; i--) {
        if (leases->rows[i - 1].crew == crew) {
            end_row(leases, i - 1);
        }
    }
    leases->pools[index] = leases->pools[--leases->pool_count];
    mcpz_crew_close(crew);
    set_alarm(leases);
    return MCPZ_OK;
}

static mcpz_error lease(void *context, struct mcpz_bytes name, uint64_t ttl_ms, uint64_t *id)
{
    struct mcpz_leases *leases = context;
    size_t index = pool_called(leases, name);

    if (index == leases->pool_count) {
        return MCPZ_ENOTFOUND;
    }
    const uint64_t made = new_id(leases);
    mcpz_error error = mcpz_crew_lease(leases->pools[index], made);
    if (error != MCPZ_OK) {
        return error;
    }
    assert(leases->row_count < MCPZ_LEASES_MAX); /* each has a worker of its own */
    leases->rows[leases->row_count++] = (struct mcpz_lease){
        .id = made, .crew = leases->pools[index], .end_us = mcpz_clock_now() + MCPZ_MS(ttl_ms)};
    set_alarm(leases);
    *id = made;
    return MCPZ_OK;
}

static mcpz_error renew(void *context, uint64_t id, uint64_t ttl_ms)
{
    struct mcpz_leases *leases = context;
    size_t index = row_called(leases, id);

    if (index == leases->row_count) {
        return MCPZ_ENOTFOUND;
    }
    leases->rows[index].end_us = mcpz_clock_now() + MCPZ_MS(ttl_ms);
    set_alarm(leases);
    return MCPZ_OK;
}

static mcpz_error release(void *context, uint64_t id)
{
    struct mcpz_leases *leases = context;
    size_t index = row_called(leases, id);

    if (index == leases->row_count) {
        return MCPZ_ENOTFOUND;
    }
    end_row(leases, index);
    set_alarm(leases);
    return MCPZ_OK;
}

static mcpz_error give(struct mcpz_leases *leases, struct mcpz_crew *crew, size_t slot,
                       const struct mcpz_agent_pool_order *order)
{
    const struct mcpz_action_run start = {
        .run = leases->next_execution,
        .capability = order->type,
        .params = order->params,
        .timeout_ms = order->timeout_ms,
    };
    struct mcpz_errand *errand;

    mcpz_error error = mcpz_errand_create(&leases->port, &start, &errand);
    if (error != MCPZ_OK) {
        return error;
    }
    errand->lease = order->lease;
    error = mcpz_crew_add(crew, errand);
    if (error != MCPZ_OK) {
        mcpz_errand_destroy(errand);
        return error;
    }
    leases->executions[slot].id = start.run;
    leases->executions[slot].ears = order->ears;
    leases->executions[slot].errand = errand;
    return MCPZ_OK;
}

static mcpz_error execute(void *context, const struct mcpz_agent_pool_order *order,
                          uint32_t *execution)
{
    struct mcpz_leases *leases = context;
    size_t row = row_called(leases, order->lease);
    size_t slot = execution_called(leases, 0);

    if (row == leases->row_count) {
        return MCPZ_ENOTFOUND;
    }
    if (slot == MCPZ_LEASE_ERRANDS_MAX) {
        return MCPZ_EFULL;
    }
    if (order->type.length > MCPZ_CAPABILITY_BYTES_MAX ||
        order->params.length > MCPZ_PARAMS_BYTES_MAX ||
        (order->params.length > 0 &&
         mcpz_json_check(order->params, MCPZ_JSON_GRAMMAR) != MCPZ_OK)) {
        return MCPZ_EPROTO;
    }
    leases->next_execution += leases->next_execution == UINT32_MAX ? 2 : 1;
    mcpz_error error = give(leases, leases->rows[row].crew, slot, order);
    if (error == MCPZ_OK) {
        *execution = leases->next_execution;
    }
    return error;
}

static void cancel(void *context, uint32_t execution)
{
    struct mcpz_leases *leases = context;
    size_t slot = execution != 0 ? execution_called(leases, execution) : MCPZ_LEASE_ERRANDS_MAX;

    if (slot < MCPZ_LEASE_ERRANDS_MAX) {
        struct mcpz_errand *errand = leases->executions[slot].errand;
        leases->executions[slot].id = 0;
        errand->over = true;
        errand->dropped = true;
        mcpz_crew_kick(errand->crew);
    }
}

/* ---- Life --------------------------------------------------------------------------------- */

void mcpz_leases_init(struct mcpz_leases *leases, struct mcpz_job_site *site)
{
    leases->site = site;
    leases->port = (struct mcpz_errand_port){
        .context = leases,
        .credit = on_credit,
        .output = on_output,
        .end = on_over,
        .fail = on_fail,
    };
    ev_timer_init(&leases->on_end, on_end, 0.0, 0.0);
    leases->on_end.data = leases;
}

void mcpz_leases_finish(struct mcpz_leases *leases)
{
    ev_timer_stop(loop_of(leases), &leases->on_end);
    leases->row_count = 0;
    leases->pool_count = 0;
    for (size_t i = 0; i < MCPZ_LEASE_ERRANDS_MAX; i++) {
        leases->executions[i].id = 0;
    }
}

void mcpz_leases_port(struct mcpz_leases *leases, struct mcpz_agent_pools_port *port)
{
    *port = (struct mcpz_agent_pools_port){
        .context = leases,
        .list = list,
        .create = create,
        .remove = remove_pool,
        .lease = lease,
        .renew = renew,
        .release = release,
        .execute = execute,
        .cancel = cancel,
    };
}
