#include "net/dialler.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <ev.h>

#include "host/config.h"
#include "host/log.h"
#include "net/knock.h"
#include "net/resolver.h"

enum dial_state {
    DIAL_FREE = 0,
    DIAL_WAITING, /* for one of those under way to end */
    DIAL_RESOLVING,
    DIAL_CONNECTING,
    DIAL_KNOCKING,  /* where it did not connect */
    DIAL_FAILED,    /* the engine is yet to be told */
    DIAL_LINGERING, /* over, but the resolver has yet to answer */
};

struct dial {
    struct mcpz_dialler *dialler;
    enum dial_state state;
    bool is_under_way;
    bool is_asked; /* the resolver owes an answer */
    uint64_t order;
    char address[MCPZ_ADDRESS_BYTES_MAX + 1];
    struct mcpz_id expected;
    mcpz_time give_up_us;
    uint16_t port;
    struct mcpz_resolved hosts;
    size_t next_host;
    size_t refused_count; /* of the hosts */
    struct mcpz_knock knock;
    struct mcpz_deferred step;
    ev_timer resolve_timeout;
};

struct mcpz_dialler {
    struct mcpz_mesh *mesh;
    struct mcpz_resolver *resolver;
    size_t under_way;
    uint64_t order;
    struct dial dials[MCPZ_DIALS_KNOWN_MAX];
};

/* ---- One dial ----------------------------------------------------------------------------- */

static struct mcpz_loop *loop_of(const struct dial *dial)
{
    return dial->dialler->mesh->loop;
}

static void step_soon(struct dial *dial)
{
    mcpz_loop_defer(loop_of(dial), &dial->step);
}

static void let_next_begin(struct mcpz_dialler *dialler)
{
    struct dial *oldest = NULL;

    for (size_t i = 0; i < MCPZ_DIALS_KNOWN_MAX; i++) {
        struct dial *dial = &dialler->dials[i];
        if (dial->state == DIAL_WAITING && (oldest == NULL || dial->order < oldest->order)) {
            oldest = dial;
        }
    }
    if (oldest != NULL) {
        step_soon(oldest);
    }
}

static void release(struct dial *dial)
{
    ev_timer_stop(mcpz_loop_ev(loop_of(dial)), &dial->resolve_timeout);
    dial->state = dial->is_asked ? DIAL_LINGERING : DIAL_FREE;
    if (dial->is_under_way) {
        dial->is_under_way = false;
        dial->dialler->under_way--;
        let_next_begin(dial->dialler);
    }
}

static void fail(struct dial *dial)
{
    char address[MCPZ_ADDRESS_BYTES_MAX + 1];
    bool is_refused = dial->hosts.count > 0 && dial->refused_count == dial->hosts.known;

    memcpy(address, dial->address, sizeof(address));
    struct mcpz_engine *engine = mcpz_loop_enter(loop_of(dial));
    release(dial);
    mcpz_engine_dial_failed(engine, mcpz_text(address), is_refused);
}

static void on_knocked(void *context, enum mcpz_knock_answer answer)
{
    struct dial *dial = context;

    dial->refused_count += answer == MCPZ_KNOCK_REFUSED;
    dial->state = DIAL_CONNECTING;
    step_soon(dial);
}

static void knock(struct dial *dial)
{
    dial->state = DIAL_KNOCKING;
    mcpz_knock_begin(&dial->knock, mcpz_loop_ev(loop_of(dial)),
                     dial->hosts.texts[dial->next_host - 1], dial->port, on_knocked, dial);
}

static void on_end(void *context, enum mcpz_target_end end)
{
    struct dial *dial = context;

    switch (end) {
    case MCPZ_TARGET_LINKED:
        release(dial);
        break;
    case MCPZ_TARGET_UNANSWERED:
        knock(dial);
        break;
    case MCPZ_TARGET_FAILED:
        step_soon(dial);
        break;
    }
}

/* Each address left gets an equal share of the time left. */
static void connect_next(struct dial *dial)
{
    mcpz_time now = mcpz_clock_now();

    if (dial->next_host == dial->hosts.count || now >= dial->give_up_us) {
        fail(dial);
        return;
    }
    size_t left = dial->hosts.count - dial->next_host;
    const struct mcpz_target target = {
        .host = dial->hosts.texts[dial->next_host++],
        .port = dial->port,
        .dialled = dial->address,
        .wanted = &dial->expected,
        .timeout_us = (dial->give_up_us - now) / left,
        .on_end = on_end,
        .context = dial,
    };
    if (!mcpz_mesh_connect(dial->dialler->mesh, &target)) {
        knock(dial);
    }
}

static void on_resolved(void *context, const struct mcpz_resolved *resolved)
{
    struct dial *dial = context;

    dial->is_asked = false;
    if (dial->state == DIAL_LINGERING) {
        dial->state = DIAL_FREE;
    }
    if (dial->state == DIAL_RESOLVING) {
        ev_timer_stop(mcpz_loop_ev(loop_of(dial)), &dial->resolve_timeout);
        dial->hosts = *resolved;
        dial->state = resolved->count > 0 ? DIAL_CONNECTING : DIAL_FAILED;
        step_soon(dial);
    }
}

static void on_resolve_timeout(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct dial *dial = watcher->data;

    (void)ev;
    (void)events;
    dial->dialler->mesh->stats.dial_timeouts++;
    fail(dial);
}

static bool is_numeric(const char *host)
{
    struct in6_addr address;

    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static void begin(struct dial *dial)
{
    char host[MCPZ_ADDRESS_BYTES_MAX + 1];
    struct ev_loop *ev = mcpz_loop_ev(loop_of(dial));

    dial->is_under_way = true;
    dial->dialler->under_way++;
    dial->give_up_us = mcpz_clock_now() + MCPZ_DIAL_TIMEOUT_US;
    if (mcpz_address_split(dial->address, MCPZ_PORT_DEFAULT, host, &dial->port) != MCPZ_OK) {
        fail(dial);
        return;
    }
    if (is_numeric(host)) {
        dial->hosts.count = 1;
        dial->hosts.known = 1;
        mcpz_bytes_to_text(mcpz_text(host), dial->hosts.texts[0], sizeof(dial->hosts.texts[0]));
        dial->state = DIAL_CONNECTING;
        connect_next(dial);
        return;
    }
    dial->state = DIAL_RESOLVING;
    dial->is_asked = true;
    ev_timer_set(&dial->resolve_timeout, (double)MCPZ_DIAL_TIMEOUT_US / 1e6, 0.);
    ev_timer_start(ev, &dial->resolve_timeout);
    mcpz_resolver_ask(dial->dialler->resolver, host, on_resolved, dial);
}

static void on_step(void *context)
{
    struct dial *dial = context;

    switch (dial->state) {
    case DIAL_WAITING:
        if (dial->dialler->under_way < MCPZ_DIALS_MAX) {
            begin(dial);
        }
        break;
    case DIAL_CONNECTING:
        connect_next(dial);
        break;
    case DIAL_FAILED:
        fail(dial);
        break;
    case DIAL_FREE:
    case DIAL_RESOLVING:
    case DIAL_KNOCKING:
    case DIAL_LINGERING:
        break;
    }
}

/* ---- All of them -------------------------------------------------------------------------- */

static bool is_dialled(const struct dial *dial, struct mcpz_bytes address)
{
    return dial->state != DIAL_FREE && dial->state != DIAL_LINGERING &&
           mcpz_bytes_equal(mcpz_text(dial->address), address);
}

/* A free one; NULL if the address is being dialled, or there is none. */
static struct dial *take(struct mcpz_dialler *dialler, struct mcpz_bytes address)
{
    struct dial *unused = NULL;

    for (size_t i = 0; i < MCPZ_DIALS_KNOWN_MAX; i++) {
        struct dial *dial = &dialler->dials[i];
        if (is_dialled(dial, address)) {
            return NULL;
        }
        if (dial->state == DIAL_FREE && unused == NULL) {
            unused = dial;
        }
    }
    if (unused == NULL) {
        mcpz_log(MCPZ_LOG_WARN, "net", "too many dials", "address=\"%.*s\"", (int)address.length,
                 (const char *)address.data);
    }
    return unused;
}

mcpz_error mcpz_dialler_create(struct mcpz_mesh *mesh, struct mcpz_dialler **dialler)
{
    *dialler = NULL;
    struct mcpz_dialler *made = calloc(1, sizeof(*made));
    if (made == NULL ||
        mcpz_resolver_create(mcpz_loop_ev(mesh->loop), &made->resolver) != MCPZ_OK) {
        free(made);
        return MCPZ_ENOMEM;
    }
    made->mesh = mesh;
    *dialler = made;
    return MCPZ_OK;
}

void mcpz_dialler_end(struct mcpz_dialler *dialler)
{
    mcpz_resolver_destroy(dialler->resolver);
    dialler->resolver = NULL;
    for (size_t i = 0; i < MCPZ_DIALS_KNOWN_MAX; i++) {
        struct dial *dial = &dialler->dials[i];
        if (dial->state != DIAL_FREE) {
            ev_timer_stop(mcpz_loop_ev(loop_of(dial)), &dial->resolve_timeout);
            mcpz_knock_cancel(&dial->knock);
            mcpz_loop_undefer(loop_of(dial), &dial->step);
            dial->state = DIAL_FREE;
        }
    }
}

void mcpz_dialler_destroy(struct mcpz_dialler *dialler)
{
    if (dialler == NULL) {
        return;
    }
    mcpz_resolver_destroy(dialler->resolver);
    free(dialler);
}

void mcpz_dialler_dial(struct mcpz_dialler *dialler, struct mcpz_bytes address,
                       const struct mcpz_id *expected)
{
    assert(address.length <= MCPZ_ADDRESS_BYTES_MAX);

    struct dial *dial = take(dialler, address);
    if (dial == NULL) {
        return;
    }
    *dial = (struct dial){
        .dialler = dialler,
        .state = DIAL_WAITING,
        .order = dialler->order++,
        .expected = *expected,
    };
    dial->step = (struct mcpz_deferred){.run = on_step, .context = dial};
    mcpz_bytes_to_text(address, dial->address, sizeof(dial->address));
    ev_timer_init(&dial->resolve_timeout, on_resolve_timeout, 0., 0.);
    dial->resolve_timeout.data = dial;
    step_soon(dial);
}
