#include "exec/pool.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec/crew.h"
#include "exec/job.h"
#include "exec/lease.h"
#include "host/offers.h"
#include "wire/json.h"

#define POLL_MS 100 /* how long one look at the keepers takes when nothing happens */

/* Between two turns of the loop the core can have no more calls than it has room for. */
#define REFUSED_MAX MCPZ_CALLS_MAX

#define CREWS_MAX 128 /* as many again may be closing as there may be */

/* A RUN_START that came to nothing, to be told outside the turn. */
struct refusal {
    uint32_t id;
    enum mcpz_code code;
    const char *text; /* static */
};

struct mcpz_pool {
    struct mcpz_job_site site;
    struct mcpz_offers *shared; /* with other edges; borrowed; NULL: all RUN_STARTs are ours */
    char *directory;
    struct mcpz_provision provisions[MCPZ_CAPABILITIES_PER_NODE_MAX];
    struct mcpz_crew *provision_crews[MCPZ_CAPABILITIES_PER_NODE_MAX]; /* NULL: no workers */
    size_t provision_count;
    struct mcpz_crew *crews[CREWS_MAX]; /* also those that are closing */
    size_t crew_count;
    struct mcpz_errand_port port;
    struct mcpz_leases leases;
    struct mcpz_agent_pools_port agents;
    size_t running_max;
    struct mcpz_job *running[MCPZ_CHILDREN_MAX]; /* stats.running of them, in no order */
    struct mcpz_job *waiting[MCPZ_WAITING_MAX];  /* stats.waiting, first come, first served */
    struct refusal refused[REFUSED_MAX];
    size_t refused_count;
    ev_timer kick; /* of no duration: what a turn leaves to be done right after it */
};

/* ---- Offers ------------------------------------------------------------------------------- */

static struct mcpz_provision *find_provision(struct mcpz_pool *pool, const char *name)
{
    for (size_t i = 0; i < pool->provision_count; i++) {
        if (strcmp(pool->provisions[i].provider.name, name) == 0) {
            return &pool->provisions[i];
        }
    }
    return NULL;
}

static void tell_offer(struct mcpz_pool *pool, enum mcpz_event_kind kind, const char *name,
                       enum mcpz_isolation isolation)
{
    struct mcpz_event event = {
        .kind = kind,
        .provide = {.name = mcpz_text(name), .takes_hand = true, .isolation = (uint8_t)isolation},
    };
    mcpz_engine_event(mcpz_loop_enter(pool->site.loop), &event);
}

/* What nobody offers is ours to refuse. */
static bool is_of_another(const struct mcpz_pool *pool, struct mcpz_bytes name)
{
    const void *edge = pool->shared != NULL ? mcpz_offers_edge(pool->shared, name) : NULL;

    return edge != NULL && edge != pool;
}

/* ---- Jobs --------------------------------------------------------------------------------- */

static void kick(struct mcpz_pool *pool)
{
    ev_timer_start(mcpz_loop_ev(pool->site.loop), &pool->kick);
}

static void remove_waiting(struct mcpz_pool *pool, size_t index)
{
    assert(index < pool->site.stats.waiting);

    pool->site.stats.waiting--;
    memmove(&pool->waiting[index], &pool->waiting[index + 1],
            (pool->site.stats.waiting - index) * sizeof(struct mcpz_job *));
}

static void forget(struct mcpz_pool *pool, const struct mcpz_job *job)
{
    for (size_t i = 0; i < pool->site.stats.running; i++) {
        if (pool->running[i] == job) {
            pool->running[i] = pool->running[--pool->site.stats.running];
            return;
        }
    }
    for (size_t i = 0; i < pool->site.stats.waiting; i++) {
        if (pool->waiting[i] == job) {
            remove_waiting(pool, i);
            return;
        }
    }
}

static void on_over(void *context, struct mcpz_job *job)
{
    struct mcpz_pool *pool = context;

    forget(pool, job);
    mcpz_job_destroy(job);
    if (pool->site.stats.waiting > 0) {
        kick(pool);
    }
}

static void refuse(struct mcpz_pool *pool, uint32_t id, enum mcpz_code code, const char *text)
{
    assert(pool->refused_count < REFUSED_MAX);

    pool->refused[pool->refused_count++] = (struct refusal){.id = id, .code = code, .text = text};
    kick(pool);
}

static void tell_refusal(struct mcpz_pool *pool, const struct refusal *refusal)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_RUN_FAIL,
        .run = {.run = refusal->id, .code = refusal->code, .text = mcpz_text(refusal->text)},
    };
    mcpz_engine_event(mcpz_loop_enter(pool->site.loop), &event);
}

/* The first of those that may begin; stats.waiting: none may. */
static size_t next_ready(const struct mcpz_pool *pool)
{
    size_t at = 0;

    while (at < pool->site.stats.waiting && pool->waiting[at]->held) {
        at++;
    }
    return at;
}

static void start_at(struct mcpz_pool *pool, size_t at)
{
    struct mcpz_job *job = pool->waiting[at];
    const struct mcpz_provision *provision = find_provision(pool, job->capability);

    if (provision == NULL) {
        mcpz_job_fail(job, MCPZ_CODE_NOT_OFFERED, "the capability was withdrawn");
        return;
    }
    remove_waiting(pool, at);
    pool->running[pool->site.stats.running++] = job;
    mcpz_job_start(job, provision);
}

/* Every job is visited once, also when those before it in the list come to their end. */
static void poll_jobs(struct mcpz_pool *pool)
{
    for (size_t i = pool->site.stats.running; i > 0; i--) {
        mcpz_job_poll(pool->running[i - 1]);
    }
    for (size_t i = pool->site.stats.waiting; i > 0; i--) {
        if (i <= pool->site.stats.waiting) {
            mcpz_job_poll(pool->waiting[i - 1]);
        }
    }
}

static void on_kick(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_pool *pool = timer->data;

    /* What is told may bring new starts: those are for the next kick. */
    for (size_t i = pool->refused_count; i > 0 && pool->refused_count > 0; i--) {
        const struct refusal refusal = pool->refused[--pool->refused_count];
        tell_refusal(pool, &refusal);
    }
    poll_jobs(pool);

    /* Each try ends in a running job or in one less that waits. */
    for (size_t i = 0; i < MCPZ_WAITING_MAX; i++) {
        size_t at = next_ready(pool);
        if (at == pool->site.stats.waiting || pool->site.stats.running >= pool->running_max) {
            return;
        }
        start_at(pool, at);
    }
    kick(pool);
}

/* ---- Workers ------------------------------------------------------------------------------ */

static void tell(void *context, enum mcpz_event_kind kind, const struct mcpz_event_run *run)
{
    const struct mcpz_pool *pool = context;
    struct mcpz_event event = {.kind = kind, .run = *run};
    mcpz_engine_event(mcpz_loop_enter(pool->site.loop), &event);
}

static void on_worker_credit(void *context, uint32_t id, uint32_t credit)
{
    tell(context, MCPZ_EVENT_RUN_CREDIT, &(struct mcpz_event_run){.run = id, .credit = credit});
}

static void on_worker_output(void *context, uint32_t id, struct mcpz_bytes chunk)
{
    tell(context, MCPZ_EVENT_RUN_OUTPUT, &(struct mcpz_event_run){.run = id, .chunk = chunk});
}

static void on_worker_end(void *context, uint32_t id, bool plan)
{
    tell(context, MCPZ_EVENT_RUN_END, &(struct mcpz_event_run){.run = id, .plan = plan});
}

static void on_worker_fail(void *context, uint32_t id, uint32_t code, struct mcpz_bytes text)
{
    tell(context, MCPZ_EVENT_RUN_FAIL,
         &(struct mcpz_event_run){.run = id, .code = code, .text = text});
}

/* Crews that were closed, and have nothing left. */
static void on_polled(void *context)
{
    struct mcpz_pool *pool = context;

    for (size_t i = pool->crew_count; i > 0; i--) {
        if (mcpz_crew_is_done(pool->crews[i - 1])) {
            mcpz_crew_destroy(pool->crews[i - 1]);
            pool->crews[i - 1] = pool->crews[--pool->crew_count];
        }
    }
}

static mcpz_error open_crew(struct mcpz_pool *pool, const struct mcpz_service *service,
                            enum mcpz_isolation isolation, struct mcpz_crew **crew)
{
    struct mcpz_provision provision;

    *crew = NULL;
    if (pool->crew_count == CREWS_MAX) {
        return MCPZ_EFULL;
    }
    mcpz_error error = mcpz_provision_init(&provision, service, isolation);
    if (error == MCPZ_OK) {
        error = mcpz_crew_create(&pool->site, &provision, crew);
    }
    if (error == MCPZ_OK) {
        pool->crews[pool->crew_count++] = *crew;
        mcpz_crew_kick(*crew);
    }
    return error;
}

/* An agent pool's, which belongs to no capability. */
static mcpz_error open_agents(void *context, const struct mcpz_service *service,
                              struct mcpz_crew **crew)
{
    struct mcpz_pool *pool = context;
    enum mcpz_isolation isolation = mcpz_machine_isolation(
        &pool->site.launch.machine, (enum mcpz_isolation)service->isolation);

    *crew = NULL;
    if (isolation == MCPZ_ISOLATION_UNSAID) {
        return MCPZ_EUNSUPPORTED;
    }
    return open_crew(pool, service, isolation, crew);
}

/* The workers that do `capability` here. NULL: none. */
static struct mcpz_crew *find_crew(const struct mcpz_pool *pool, struct mcpz_bytes capability)
{
    for (size_t i = 0; i < pool->provision_count; i++) {
        if (mcpz_bytes_equal(mcpz_text(pool->provisions[i].provider.name), capability)) {
            return pool->provision_crews[i];
        }
    }
    return NULL;
}

static struct mcpz_errand *find_errand(struct mcpz_pool *pool, uint32_t id)
{
    for (size_t i = 0; i < pool->crew_count; i++) {
        struct mcpz_errand *errand = mcpz_crew_find(pool->crews[i], &pool->port, id);
        if (errand != NULL) {
            return errand;
        }
    }
    return NULL;
}

static void start_errand(struct mcpz_pool *pool, struct mcpz_crew *crew,
                         const struct mcpz_action_run *start)
{
    struct mcpz_errand *errand;

    if (start->params.length > 0 && mcpz_json_check(start->params, MCPZ_JSON_GRAMMAR) != MCPZ_OK) {
        refuse(pool, start->run, MCPZ_CODE_BAD_REQUEST, "its worker takes JSON as parameters");
        return;
    }
    if (mcpz_errand_create(&pool->port, start, &errand) != MCPZ_OK) {
        refuse(pool, start->run, MCPZ_CODE_BUSY, "out of memory");
        return;
    }
    if (mcpz_crew_add(crew, errand) != MCPZ_OK) {
        mcpz_errand_destroy(errand);
        refuse(pool, start->run, MCPZ_CODE_BUSY, "too many tasks are waiting for its workers");
    }
}

/* What the engine says of a task that a worker does. False: it is none. */
static bool act_on_errand(struct mcpz_pool *pool, const struct mcpz_action *action)
{
    struct mcpz_errand *errand = find_errand(pool, action->run.run);

    if (errand == NULL) {
        return false;
    }
    if (action->kind == MCPZ_ACTION_RUN_INPUT) {
        mcpz_errand_input(errand, action->run.chunk);
    } else if (action->kind == MCPZ_ACTION_RUN_INPUT_END) {
        errand->input_ended = true;
    } else if (action->kind == MCPZ_ACTION_RUN_PULL) {
        mcpz_run_pull(&errand->run, action->run.credit);
    } else if (action->kind == MCPZ_ACTION_RUN_STOP && !errand->over) {
        errand->over = true;
        errand->dropped = true;
    }
    mcpz_crew_kick(errand->crew);
    return true;
}

/* ---- What the engine says ----------------------------------------------------------------- */

static struct mcpz_job *find_job(struct mcpz_pool *pool, uint32_t id)
{
    for (size_t i = 0; i < pool->site.stats.running; i++) {
        if (pool->running[i]->id == id) {
            return pool->running[i];
        }
    }
    for (size_t i = 0; i < pool->site.stats.waiting; i++) {
        if (pool->waiting[i]->id == id) {
            return pool->waiting[i];
        }
    }
    return NULL;
}

static void on_start(struct mcpz_pool *pool, const struct mcpz_action_run *start)
{
    struct mcpz_job *job;

    if (is_of_another(pool, start->capability)) {
        return;
    }
    if (start->params.length > MCPZ_PARAMS_BYTES_MAX) {
        refuse(pool, start->run, MCPZ_CODE_TOO_LARGE, "the parameters are too large");
        return;
    }
    if (start->params.length > 0 &&
        memchr(start->params.data, '\0', start->params.length) != NULL) {
        refuse(pool, start->run, MCPZ_CODE_BAD_REQUEST, "the parameters hold a zero byte");
        return;
    }
    if (start->capability.length > MCPZ_CAPABILITY_BYTES_MAX) {
        refuse(pool, start->run, MCPZ_CODE_NOT_OFFERED, "no capability has so long a name");
        return;
    }
    struct mcpz_crew *crew = find_crew(pool, start->capability);
    if (crew != NULL) {
        start_errand(pool, crew, start);
        return;
    }
    if (pool->site.stats.waiting == MCPZ_WAITING_MAX) {
        refuse(pool, start->run, MCPZ_CODE_BUSY, "too many tasks are waiting here");
        return;
    }
    if (mcpz_job_create(&pool->site, start, &job) != MCPZ_OK) {
        refuse(pool, start->run, MCPZ_CODE_BUSY, "out of memory");
        return;
    }
    pool->waiting[pool->site.stats.waiting++] = job;
    kick(pool);
}

static void on_stop(struct mcpz_pool *pool, uint32_t id)
{
    for (size_t i = 0; i < pool->refused_count; i++) {
        if (pool->refused[i].id == id) {
            pool->refused[i] = pool->refused[--pool->refused_count];
            return;
        }
    }

    /* One that was told is in somebody's hands further up the stack, who will end it. */
    struct mcpz_job *job = find_job(pool, id);
    if (job == NULL || job->told) {
        return;
    }
    mcpz_job_stop(job);
    if (!job->started) {
        forget(pool, job);
        mcpz_job_destroy(job);
    }
}

static void on_action(void *context, const struct mcpz_action *action)
{
    struct mcpz_pool *pool = context;
    struct mcpz_job *job;

    if (action->kind >= MCPZ_ACTION_RUN_INPUT && action->kind <= MCPZ_ACTION_RUN_STOP &&
        act_on_errand(pool, action)) {
        return;
    }
    switch ((int)action->kind) {
    case MCPZ_ACTION_RUN_START:
        on_start(pool, &action->run);
        break;
    case MCPZ_ACTION_RUN_INPUT:
        job = find_job(pool, action->run.run);
        if (job != NULL && mcpz_job_input(job, action->run.chunk)) {
            kick(pool);
        }
        break;
    case MCPZ_ACTION_RUN_INPUT_END:
        job = find_job(pool, action->run.run);
        if (job != NULL) {
            mcpz_job_input_end(job);
        }
        break;
    case MCPZ_ACTION_RUN_PULL:
        job = find_job(pool, action->run.run);
        if (job != NULL) {
            mcpz_job_pull(job, action->run.credit);
        }
        break;
    case MCPZ_ACTION_RUN_GO:
        job = find_job(pool, action->run.run);
        if (job != NULL) {
            job->held = false;
            kick(pool);
        }
        break;
    case MCPZ_ACTION_RUN_STOP:
        on_stop(pool, action->run.run);
        break;
    default:
        break; /* not for this edge */
    }
}

/* ---- Life --------------------------------------------------------------------------------- */

mcpz_error mcpz_pool_create(struct mcpz_loop *loop, const char *directory, struct mcpz_pool **pool)
{
    *pool = NULL;
    struct mcpz_pool *new_pool = calloc(1, sizeof(*new_pool));
    if (new_pool == NULL) {
        return MCPZ_ENOMEM;
    }

    mcpz_child_hold_standard();
    new_pool->site.loop = loop;
    new_pool->site.context = new_pool;
    new_pool->site.over = on_over;
    new_pool->site.polled = on_polled;
    new_pool->port = (struct mcpz_errand_port){
        .context = new_pool,
        .credit = on_worker_credit,
        .output = on_worker_output,
        .end = on_worker_end,
        .fail = on_worker_fail,
    };
    mcpz_error error = mcpz_workspace_open_root(directory, &new_pool->site.launch.root);
    if (error != MCPZ_OK) {
        free(new_pool);
        return error;
    }
    /* Children need it from wherever they are. */
    new_pool->directory = realpath(directory, NULL);
    if (new_pool->directory == NULL) {
        (void)close(new_pool->site.launch.root);
        free(new_pool);
        return MCPZ_EIO;
    }
    new_pool->site.launch.directory = new_pool->directory;
    new_pool->running_max = MCPZ_CHILDREN_MAX;
    mcpz_machine_init(&new_pool->site.launch.machine);

    mcpz_leases_init(&new_pool->leases, &new_pool->site);
    new_pool->leases.context = new_pool;
    new_pool->leases.open = open_agents;
    mcpz_leases_port(&new_pool->leases, &new_pool->agents);
    ev_timer_init(&new_pool->kick, on_kick, 0.0, 0.0);
    new_pool->kick.data = new_pool;
    mcpz_loop_listen(loop, on_action, new_pool);
    *pool = new_pool;
    return MCPZ_OK;
}

/* Take in the keepers' news until all are gone or patience is over. */
static void reap_running(struct mcpz_pool *pool, int patience_ms)
{
    for (;;) {
        struct pollfd ready[MCPZ_CHILDREN_MAX];
        for (size_t i = pool->site.stats.running; i > 0; i--) {
            struct mcpz_job *job = pool->running[i - 1];
            if (mcpz_job_reap(job)) {
                forget(pool, job);
                mcpz_job_destroy(job);
            }
        }
        if (pool->site.stats.running == 0 || patience_ms <= 0) {
            return;
        }
        for (size_t i = 0; i < pool->site.stats.running; i++) {
            ready[i] = (struct pollfd){.fd = pool->running[i]->child.status, .events = POLLIN};
        }
        if (poll(ready, pool->site.stats.running, POLL_MS) <= 0) {
            patience_ms -= POLL_MS;
        }
    }
}

static void for_each_worker(struct mcpz_pool *pool, void (*act)(struct mcpz_worker *worker))
{
    for (size_t i = 0; i < pool->crew_count; i++) {
        for (size_t j = 0; j < pool->crews[i]->provision.provider.workers; j++) {
            act(&pool->crews[i]->workers[j]);
        }
    }
}

static void stop_worker(struct mcpz_worker *worker)
{
    mcpz_worker_stop(worker, "");
}

static void kill_worker(struct mcpz_worker *worker)
{
    mcpz_child_kill(&worker->child);
}

static void reap_worker(struct mcpz_worker *worker, int *patience_ms)
{
    while (!mcpz_worker_reap(worker) && *patience_ms > 0) {
        struct pollfd ready = {.fd = worker->child.status, .events = POLLIN};
        if (poll(&ready, 1, POLL_MS) <= 0) {
            *patience_ms -= POLL_MS;
        }
    }
}

/* As reap_running(), for workers: each is waited for in its turn, all end at the same time. */
static void reap_workers(struct mcpz_pool *pool, int patience_ms)
{
    for (size_t i = 0; i < pool->crew_count; i++) {
        for (size_t j = 0; j < pool->crews[i]->provision.provider.workers; j++) {
            reap_worker(&pool->crews[i]->workers[j], &patience_ms);
        }
    }
}

static void destroy_crews(struct mcpz_pool *pool)
{
    for_each_worker(pool, stop_worker);
    reap_workers(pool, MCPZ_POOL_PATIENCE_MS);
    for_each_worker(pool, kill_worker);
    reap_workers(pool, MCPZ_POOL_PATIENCE_MS);
    for_each_worker(pool, mcpz_worker_abandon);
    while (pool->crew_count > 0) {
        mcpz_crew_destroy(pool->crews[--pool->crew_count]);
    }
}

void mcpz_pool_destroy(struct mcpz_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    mcpz_leases_finish(&pool->leases);
    destroy_crews(pool);

    ev_timer_stop(mcpz_loop_ev(pool->site.loop), &pool->kick);
    while (pool->site.stats.waiting > 0) {
        mcpz_job_destroy(pool->waiting[--pool->site.stats.waiting]);
    }
    for (size_t i = 0; i < pool->site.stats.running; i++) {
        mcpz_job_stop(pool->running[i]);
    }
    reap_running(pool, MCPZ_POOL_PATIENCE_MS);
    for (size_t i = 0; i < pool->site.stats.running; i++) {
        mcpz_child_kill(&pool->running[i]->child);
    }
    reap_running(pool, MCPZ_POOL_PATIENCE_MS);
    /* Killed and yet there: the disk holds them. They end with it. */
    while (pool->site.stats.running > 0) {
        mcpz_job_abandon(pool->running[--pool->site.stats.running]);
    }

    for (size_t i = 0; i < pool->provision_count; i++) {
        mcpz_provision_finish(&pool->provisions[i]);
    }
    mcpz_machine_finish(&pool->site.launch.machine);
    (void)close(pool->site.launch.root);
    free(pool->directory);
    free(pool);
}

void mcpz_pool_share(struct mcpz_pool *pool, struct mcpz_offers *offers)
{
    assert(pool->provision_count == 0);
    pool->shared = offers;
}

void mcpz_pool_set_most(struct mcpz_pool *pool, size_t most)
{
    assert(most > 0 && most <= MCPZ_CHILDREN_MAX);

    pool->running_max = most;
}

static void drop_provision(struct mcpz_pool *pool, size_t index)
{
    mcpz_provision_finish(&pool->provisions[index]);
    if (pool->provision_crews[index] != NULL) {
        mcpz_crew_close(pool->provision_crews[index]);
    }
}

mcpz_error mcpz_pool_provide(struct mcpz_pool *pool, const struct mcpz_service *provider)
{
    size_t length = strlen(provider->name);
    if (length == 0 || length > MCPZ_CAPABILITY_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    struct mcpz_provision *provision = find_provision(pool, provider->name);
    if (strlen(provider->command) > MCPZ_COMMAND_BYTES_MAX ||
        (provision == NULL && pool->provision_count == MCPZ_CAPABILITIES_PER_NODE_MAX)) {
        return MCPZ_EFULL;
    }

    enum mcpz_isolation isolation = mcpz_machine_isolation(
        &pool->site.launch.machine, (enum mcpz_isolation)provider->isolation);
    if (isolation == MCPZ_ISOLATION_UNSAID) {
        return MCPZ_EUNSUPPORTED;
    }
    struct mcpz_provision made;
    struct mcpz_crew *crew = NULL;
    mcpz_error error = mcpz_provision_init(&made, provider, isolation);
    if (error == MCPZ_OK && pool->shared != NULL) {
        error = mcpz_offers_claim(pool->shared, mcpz_text(provider->name), pool);
        if (error != MCPZ_OK) {
            mcpz_provision_finish(&made);
        }
    }
    if (error == MCPZ_OK && provider->is_worker) {
        error = open_crew(pool, provider, isolation, &crew);
        if (error != MCPZ_OK) {
            mcpz_provision_finish(&made);
        }
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (provision != NULL) {
        drop_provision(pool, (size_t)(provision - pool->provisions));
    } else {
        provision = &pool->provisions[pool->provision_count++];
    }
    *provision = made;
    pool->provision_crews[provision - pool->provisions] = crew;
    tell_offer(pool, MCPZ_EVENT_PROVIDE, provision->provider.name, provision->isolation);
    return MCPZ_OK;
}

void mcpz_pool_limit(struct mcpz_pool *pool, const struct mcpz_gate_config *limits)
{
    struct mcpz_gate_config gate = *limits;

    gate.hands = (uint32_t)pool->running_max;
    gate.queue_min = MCPZ_BURST_MIN;
    struct mcpz_event event = {.kind = MCPZ_EVENT_LIMITS, .limits = &gate};
    mcpz_engine_event(mcpz_loop_enter(pool->site.loop), &event);
}

mcpz_error mcpz_pool_withdraw(struct mcpz_pool *pool, const char *name)
{
    struct mcpz_provision *provision = find_provision(pool, name);
    if (provision == NULL) {
        return MCPZ_ENOTFOUND;
    }

    if (pool->shared != NULL) {
        mcpz_offers_release(pool->shared, mcpz_text(name), pool);
    }
    const size_t index = (size_t)(provision - pool->provisions);
    drop_provision(pool, index);
    pool->provision_count--;
    pool->provisions[index] = pool->provisions[pool->provision_count];
    pool->provision_crews[index] = pool->provision_crews[pool->provision_count];
    tell_offer(pool, MCPZ_EVENT_WITHDRAW, name, MCPZ_ISOLATION_UNSAID);
    return MCPZ_OK;
}

const struct mcpz_agent_pools_port *mcpz_pool_agents(const struct mcpz_pool *pool)
{
    return &pool->agents;
}

struct mcpz_launch_site *mcpz_pool_site(struct mcpz_pool *pool)
{
    return &pool->site.launch;
}

const struct mcpz_machine *mcpz_pool_machine(const struct mcpz_pool *pool)
{
    return &pool->site.launch.machine;
}

const struct mcpz_pool_stats *mcpz_pool_stats(const struct mcpz_pool *pool)
{
    return &pool->site.stats;
}
