#include "exec/crew.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ev_loop *loop_of(const struct mcpz_crew *crew)
{
    return mcpz_loop_ev(crew->site->loop);
}

static size_t worker_count(const struct mcpz_crew *crew)
{
    return crew->provision.provider.workers;
}

void mcpz_crew_kick(struct mcpz_crew *crew)
{
    ev_timer_stop(loop_of(crew), &crew->wake);
    ev_timer_set(&crew->wake, 0.0, 0.0);
    ev_timer_start(loop_of(crew), &crew->wake);
}

uint32_t mcpz_crew_backoff_ms(uint32_t failures)
{
    uint64_t wait = failures == 0 ? 0 : MCPZ_CREW_BACKOFF_FIRST_MS;

    for (uint32_t i = 1; i < failures && wait < MCPZ_CREW_BACKOFF_MAX_MS; i++) {
        wait *= 2;
    }
    return wait < MCPZ_CREW_BACKOFF_MAX_MS ? (uint32_t)wait : MCPZ_CREW_BACKOFF_MAX_MS;
}

/* ---- Tasks -------------------------------------------------------------------------------- */

static void on_timeout(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_errand *errand = timer->data;
    const struct mcpz_service *service = &errand->crew->provision.provider;

    if (errand->over) {
        return;
    }
    if (errand->timeout_ms / 1000 > service->limits.seconds) {
        char text[MCPZ_ERRAND_TEXT_BYTES];
        mcpz_limit_show(MCPZ_LIMIT_TIME, &service->limits, service->name, text, sizeof(text));
        mcpz_errand_fail(errand, MCPZ_CODE_LIMIT, mcpz_text(text));
    } else {
        mcpz_errand_fail(errand, MCPZ_CODE_TIMEOUT,
                         errand->worker != NULL ? mcpz_text("no result from its worker in time")
                                                : mcpz_text("it was still waiting for a worker"));
    }
    errand->dropped = true;
    if (errand->worker != NULL) {
        mcpz_worker_drop(errand->worker, errand, true);
    }
    mcpz_crew_kick(errand->crew);
}

mcpz_error mcpz_crew_add(struct mcpz_crew *crew, struct mcpz_errand *errand)
{
    if (crew->closing || crew->queue_count == MCPZ_CREW_QUEUE_MAX) {
        return MCPZ_EFULL;
    }
    const uint64_t limit_ms = (uint64_t)crew->provision.provider.limits.seconds * 1000;
    const uint64_t time_ms = errand->timeout_ms < limit_ms ? errand->timeout_ms : limit_ms;

    errand->crew = crew;
    crew->queue[crew->queue_count++] = errand;
    crew->site->stats.workers_waiting++;
    ev_timer_init(&errand->on_timeout, on_timeout, (double)time_ms / 1000.0, 0.0);
    errand->on_timeout.data = errand;
    ev_timer_start(loop_of(crew), &errand->on_timeout);
    mcpz_crew_kick(crew);
    return MCPZ_OK;
}

struct mcpz_errand *mcpz_crew_find(struct mcpz_crew *crew, const struct mcpz_errand_port *port,
                                   uint32_t id)
{
    for (size_t i = 0; i < crew->queue_count; i++) {
        if (crew->queue[i]->port == port && crew->queue[i]->id == id) {
            return crew->queue[i];
        }
    }
    for (size_t i = 0; i < worker_count(crew); i++) {
        for (size_t j = 0; j < crew->provision.provider.concurrency; j++) {
            struct mcpz_errand *errand = crew->workers[i].hands[j].errand;
            if (errand != NULL && errand->port == port && errand->id == id) {
                return errand;
            }
        }
    }
    return NULL;
}

void mcpz_crew_bury(struct mcpz_crew *crew, struct mcpz_errand *errand)
{
    assert(crew->done_count < MCPZ_CREW_DONE_MAX);

    errand->worker = NULL;
    crew->done[crew->done_count++] = errand;
    mcpz_crew_kick(crew);
}

void mcpz_crew_tell_not_started(struct mcpz_crew *crew, const char *why)
{
    (void)snprintf(crew->trouble, sizeof(crew->trouble), "%s", why);
}

static void forget(struct mcpz_crew *crew, struct mcpz_errand *errand)
{
    ev_timer_stop(loop_of(crew), &errand->on_timeout);
    mcpz_errand_destroy(errand);
}

static void leave_queue(struct mcpz_crew *crew, size_t index)
{
    crew->queue_count--;
    crew->site->stats.workers_waiting--;
    memmove(&crew->queue[index], &crew->queue[index + 1],
            (crew->queue_count - index) * sizeof(struct mcpz_errand *));
}

/* Tell what could not be told within a turn; take out what is over. */
static void sweep_queue(struct mcpz_crew *crew)
{
    for (size_t i = crew->queue_count; i > 0; i--) {
        struct mcpz_errand *errand = crew->queue[i - 1];
        if (errand->trouble != MCPZ_CODE_OK) {
            mcpz_errand_fail(errand, errand->trouble, mcpz_text(errand->trouble_text));
        } else if (crew->trouble[0] != '\0') {
            mcpz_errand_fail(errand, MCPZ_CODE_START_FAILED, mcpz_text(crew->trouble));
        } else if (crew->closing) {
            mcpz_errand_fail(errand, MCPZ_CODE_NOT_OFFERED,
                             mcpz_text("the capability was withdrawn"));
        }
        mcpz_errand_give_credit(errand);
        if (errand->over) {
            leave_queue(crew, i - 1);
            forget(crew, errand);
        }
    }
    crew->trouble[0] = '\0';
}

static void free_done(struct mcpz_crew *crew)
{
    while (crew->done_count > 0) {
        crew->site->stats.worker_tasks++;
        forget(crew, crew->done[--crew->done_count]);
    }
}

static void sweep_hands(struct mcpz_crew *crew, struct mcpz_worker *worker)
{
    for (size_t i = 0; i < crew->provision.provider.concurrency; i++) {
        struct mcpz_errand *errand = worker->hands[i].errand;
        if (errand != NULL && errand->over) {
            mcpz_worker_drop(worker, errand, false);
        } else if (errand != NULL) {
            mcpz_errand_give_credit(errand);
        }
    }
}

/* ---- Workers ------------------------------------------------------------------------------ */

static bool is_used_up(const struct mcpz_worker *worker, const struct mcpz_service *service)
{
    uint64_t age_us = mcpz_clock_now() - worker->started_us;

    return (service->recycle_tasks > 0 && worker->tasks_done >= service->recycle_tasks) ||
           (service->recycle_seconds > 0 && age_us >= MCPZ_SECONDS(service->recycle_seconds));
}

static void retire(struct mcpz_crew *crew, struct mcpz_worker *worker)
{
    bool used_up = worker->state == MCPZ_WORKER_IDLE && worker->lease == 0 &&
                   is_used_up(worker, &crew->provision.provider);

    if (mcpz_worker_busy(worker) == 0 && (used_up || crew->closing)) {
        mcpz_worker_stop(worker, "");
    }
}

/* Which worker `errand` may be given to now; NULL: none. The one with most room. */
static struct mcpz_worker *choose(struct mcpz_crew *crew, const struct mcpz_errand *errand)
{
    struct mcpz_worker *best = NULL;

    for (size_t i = 0; i < worker_count(crew); i++) {
        struct mcpz_worker *worker = &crew->workers[i];
        if (worker->lease == errand->lease && mcpz_worker_has_room(worker) &&
            !is_used_up(worker, &crew->provision.provider) &&
            (best == NULL || mcpz_worker_busy(worker) < mcpz_worker_busy(best))) {
            best = worker;
        }
    }
    return best;
}

static void hand_out(struct mcpz_crew *crew)
{
    for (size_t i = 0; i < crew->queue_count;) {
        struct mcpz_errand *errand = crew->queue[i];
        struct mcpz_worker *worker =
            mcpz_errand_is_whole(errand) && !errand->over ? choose(crew, errand) : NULL;
        if (worker != NULL && mcpz_worker_give(worker, errand)) {
            leave_queue(crew, i);
        } else {
            i++;
        }
    }
}

static bool is_wanted(const struct mcpz_crew *crew, const struct mcpz_worker *worker, size_t spare)
{
    return !crew->closing && worker->state == MCPZ_WORKER_ABSENT &&
           (crew->provision.provider.warm || worker->lease != 0 || crew->queue_count > spare);
}

/* Start those that are missing; when the next one may be. */
static mcpz_time start_missing(struct mcpz_crew *crew)
{
    const mcpz_time now = mcpz_clock_now();
    mcpz_time next = MCPZ_TIME_NEVER;
    size_t spare = 0; /* tasks that those on their way can take */

    for (size_t i = 0; i < worker_count(crew); i++) {
        spare += crew->workers[i].state == MCPZ_WORKER_STARTING
                     ? crew->provision.provider.concurrency
                     : 0;
    }
    for (size_t i = 0; i < worker_count(crew); i++) {
        struct mcpz_worker *worker = &crew->workers[i];
        if (!is_wanted(crew, worker, spare)) {
            continue;
        }
        if (worker->not_before_us > now) {
            next = worker->not_before_us < next ? worker->not_before_us : next;
            continue;
        }
        mcpz_worker_start(worker);
        spare += crew->provision.provider.concurrency;
    }
    return next;
}

/* When the next worker is too old. */
static mcpz_time next_birthday(const struct mcpz_crew *crew)
{
    mcpz_time next = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < worker_count(crew) && crew->provision.provider.recycle_seconds > 0;
         i++) {
        const struct mcpz_worker *worker = &crew->workers[i];
        mcpz_time end =
            worker->started_us + MCPZ_SECONDS(crew->provision.provider.recycle_seconds);
        if (worker->state == MCPZ_WORKER_IDLE && mcpz_worker_busy(worker) == 0 && end < next) {
            next = end;
        }
    }
    return next;
}

static void wake_at(struct mcpz_crew *crew, mcpz_time when)
{
    const mcpz_time now = mcpz_clock_now();

    if (when == MCPZ_TIME_NEVER || ev_is_active(&crew->wake)) {
        return;
    }
    ev_timer_set(&crew->wake, when > now ? (double)(when - now) / 1e6 : 0.0, 0.0);
    ev_timer_start(loop_of(crew), &crew->wake);
}

void mcpz_crew_poll(struct mcpz_crew *crew)
{
    sweep_queue(crew);
    for (size_t i = 0; i < worker_count(crew); i++) {
        mcpz_worker_resume(&crew->workers[i]);
        sweep_hands(crew, &crew->workers[i]);
        retire(crew, &crew->workers[i]);
    }
    free_done(crew);
    hand_out(crew);
    mcpz_time start = start_missing(crew);
    mcpz_time birthday = next_birthday(crew);
    wake_at(crew, start < birthday ? start : birthday);
}

static void on_wake(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_crew *crew = timer->data;

    mcpz_crew_poll(crew);
    crew->site->polled(crew->site->context);
}

/* ---- Leases ------------------------------------------------------------------------------- */

static struct mcpz_worker *leased(struct mcpz_crew *crew, uint64_t lease)
{
    for (size_t i = 0; i < worker_count(crew); i++) {
        if (crew->workers[i].lease == lease) {
            return &crew->workers[i];
        }
    }
    return NULL;
}

/* A ready one if there is: it has what it needs already. */
mcpz_error mcpz_crew_lease(struct mcpz_crew *crew, uint64_t lease)
{
    struct mcpz_worker *best = NULL;

    assert(lease != 0);
    if (crew->closing) {
        return MCPZ_ENOTFOUND;
    }
    for (size_t i = 0; i < worker_count(crew); i++) {
        struct mcpz_worker *worker = &crew->workers[i];
        if (worker->lease == 0 && mcpz_worker_busy(worker) == 0 &&
            worker->state != MCPZ_WORKER_STOPPING &&
            (best == NULL || worker->state > best->state)) {
            best = worker;
        }
    }
    if (best == NULL) {
        return MCPZ_EFULL;
    }
    best->lease = lease;
    mcpz_crew_kick(crew);
    return MCPZ_OK;
}

mcpz_error mcpz_crew_release(struct mcpz_crew *crew, uint64_t lease)
{
    struct mcpz_worker *worker = leased(crew, lease);

    if (worker == NULL) {
        return MCPZ_ENOTFOUND;
    }
    for (size_t i = 0; i < crew->queue_count; i++) {
        if (crew->queue[i]->lease == lease && crew->queue[i]->trouble == MCPZ_CODE_OK) {
            crew->queue[i]->trouble = MCPZ_CODE_CANCELLED;
            crew->queue[i]->trouble_text = "the lease has ended";
        }
    }
    worker->lease = 0;
    mcpz_worker_stop(worker, "");
    mcpz_crew_kick(crew);
    return MCPZ_OK;
}

/* ---- Life --------------------------------------------------------------------------------- */

mcpz_error mcpz_crew_create(struct mcpz_job_site *site, struct mcpz_provision *provision,
                            struct mcpz_crew **crew)
{
    *crew = calloc(1, sizeof(**crew));
    if (*crew == NULL) {
        mcpz_provision_finish(provision);
        return MCPZ_ENOMEM;
    }
    (*crew)->site = site;
    (*crew)->provision = *provision;
    for (size_t i = 0; i < worker_count(*crew); i++) {
        mcpz_worker_init(&(*crew)->workers[i], *crew);
    }
    ev_timer_init(&(*crew)->wake, on_wake, 0.0, 0.0);
    (*crew)->wake.data = *crew;
    return MCPZ_OK;
}

void mcpz_crew_destroy(struct mcpz_crew *crew)
{
    if (crew == NULL) {
        return;
    }
    ev_timer_stop(loop_of(crew), &crew->wake);
    for (size_t i = crew->queue_count; i > 0; i--) {
        struct mcpz_errand *errand = crew->queue[i - 1];
        leave_queue(crew, i - 1);
        forget(crew, errand);
    }
    free_done(crew);
    for (size_t i = 0; i < worker_count(crew); i++) {
        assert(crew->workers[i].state == MCPZ_WORKER_ABSENT);
    }
    mcpz_provision_finish(&crew->provision);
    free(crew);
}

void mcpz_crew_close(struct mcpz_crew *crew)
{
    crew->closing = true;
    mcpz_crew_kick(crew);
}

bool mcpz_crew_is_done(const struct mcpz_crew *crew)
{
    for (size_t i = 0; i < worker_count(crew); i++) {
        if (crew->workers[i].state != MCPZ_WORKER_ABSENT) {
            return false;
        }
    }
    return crew->closing && crew->queue_count == 0;
}

void mcpz_crew_count(const struct mcpz_crew *crew, size_t *ready, size_t *starting, size_t *busy,
                     size_t *leases)
{
    *ready = *starting = *busy = *leases = 0;
    for (size_t i = 0; i < worker_count(crew); i++) {
        const struct mcpz_worker *worker = &crew->workers[i];
        *ready += worker->state == MCPZ_WORKER_IDLE;
        *starting += worker->state == MCPZ_WORKER_STARTING;
        *busy += mcpz_worker_busy(worker) > 0;
        *leases += worker->lease != 0;
    }
}
