#include "desk/reception.h"

#include <stdlib.h>

struct mcpz_reception {
    struct mcpz_loop *loop;
    struct mcpz_desk *desk;
    struct mcpz_deferred work;
    bool is_over; /* the engine must not be called any more */
};

static uint64_t next_request(void *context, size_t count)
{
    struct mcpz_reception *reception = context;
    return mcpz_engine_next_requests(mcpz_loop_enter(reception->loop), count);
}

static void say(void *context, struct mcpz_event *event)
{
    struct mcpz_reception *reception = context;

    if (!reception->is_over) {
        mcpz_engine_event(mcpz_loop_enter(reception->loop), event);
    }
}

static void later(void *context)
{
    struct mcpz_reception *reception = context;
    mcpz_loop_defer(reception->loop, &reception->work);
}

static void do_work(void *context)
{
    struct mcpz_reception *reception = context;
    mcpz_desk_work(reception->desk);
}

static void on_action(void *context, const struct mcpz_action *action)
{
    struct mcpz_reception *reception = context;

    if (!reception->is_over) {
        mcpz_desk_act(reception->desk, action);
    }
}

/* When the engine's actions can come no more. */
static void release(void *context)
{
    struct mcpz_reception *reception = context;

    mcpz_desk_destroy(reception->desk);
    free(reception);
}

mcpz_error mcpz_reception_create(struct mcpz_loop *loop, struct mcpz_offers *offers,
                                 struct mcpz_reception **reception)
{
    struct mcpz_reception *made = calloc(1, sizeof(*made));

    *reception = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    const struct mcpz_desk_ports ports = {
        .context = made, .next_request = next_request, .say = say, .later = later};
    made->loop = loop;
    made->work = (struct mcpz_deferred){.run = do_work, .context = made};
    /* Programs choose the numbers of their own calls only: any seed will do. */
    mcpz_error error = mcpz_desk_create(&ports, offers, mcpz_clock_now() | 1, &made->desk);
    if (error != MCPZ_OK) {
        free(made);
        return error;
    }
    mcpz_loop_at_end(loop, release, made);
    mcpz_loop_listen(loop, on_action, made);
    *reception = made;
    return MCPZ_OK;
}

void mcpz_reception_destroy(struct mcpz_reception *reception)
{
    if (reception != NULL) {
        reception->is_over = true;
        mcpz_loop_undefer(reception->loop, &reception->work);
    }
}

struct mcpz_desk *mcpz_reception_desk(struct mcpz_reception *reception)
{
    return reception->desk;
}
