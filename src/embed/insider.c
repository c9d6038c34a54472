/* A client of a node in the same process: what they say to each other stays structs. */

#include <assert.h>
#include <stdlib.h>

#include "client/library.h"
#include "desk/reception.h"
#include "embed/embedded.h"

static struct mcpz_desk *desk_of(const struct mcpz_insider *insider)
{
    return mcpz_reception_desk(insider->node->assembly.reception);
}

static void later(struct mcpz_insider *insider)
{
    mcpz_loop_defer(insider->node->assembly.loop, &insider->work);
}

/* ---- From the node ------------------------------------------------------------------------ */

static void hear(void *context, const struct mcpz_msg *msg)
{
    struct mcpz_insider *insider = context;

    if (insider->error != MCPZ_OK) {
        return;
    }
    insider->has_heard = true;
    mcpz_error error = mcpz_client_take(insider->client, msg);
    if (error != MCPZ_OK) {
        insider->error = error;
        later(insider); /* here the engine may not be told */
    }
}

/* ---- To the node -------------------------------------------------------------------------- */

static mcpz_error put(void *context, const struct mcpz_msg *msg)
{
    struct mcpz_insider *insider = context;
    mcpz_error error = mcpz_pending_put(&insider->pending, msg);

    if (error == MCPZ_OK) {
        later(insider);
    }
    return error;
}

static void leave(struct mcpz_insider *insider)
{
    struct mcpz_program *program = insider->program;

    insider->program = NULL;
    mcpz_pending_clear(&insider->pending);
    if (program != NULL) {
        mcpz_desk_leave(desk_of(insider), program);
    }
}

static void stir(void *context)
{
    later(context);
}

/* In the loop, outside the turn. What is said meanwhile waits, lest nobody else gets a turn. */
static void do_work(void *context)
{
    struct mcpz_insider *insider = context;

    if (insider->error == MCPZ_OK) {
        insider->error = mcpz_client_submit_all(insider->client);
    }
    for (size_t left = insider->pending.count; left > 0 && insider->error == MCPZ_OK; left--) {
        mcpz_error error = mcpz_desk_take(desk_of(insider), insider->program,
                                          mcpz_pending_first(&insider->pending));
        /* Where it said REFUSE, why was heard already. */
        insider->error = insider->error == MCPZ_OK ? error : insider->error;
        mcpz_pending_drop(&insider->pending);
    }
    if (insider->error != MCPZ_OK) {
        leave(insider);
        mcpz_client_break(insider->client);
    } else if (insider->pending.count > 0) {
        later(insider);
    }
}

/* ---- What the client asks of its carrier -------------------------------------------------- */

static mcpz_error exchange(void *context, int timeout_ms)
{
    struct mcpz_insider *insider = context;
    mcpz_time until = mcpz_clock_now() + MCPZ_MS((uint64_t)(timeout_ms > 0 ? timeout_ms : 0));
    int left_ms = timeout_ms;

    insider->has_heard = false;
    for (;;) {
        mcpz_error error =
            insider->node != NULL ? mcpz_embedded_work(insider->node, left_ms) : MCPZ_EIO;
        error = insider->error != MCPZ_OK ? insider->error : error;
        if (error != MCPZ_OK || insider->has_heard) {
            return error;
        }
        mcpz_time now = timeout_ms > 0 ? mcpz_clock_now() : 0;
        if (timeout_ms == 0 || (timeout_ms > 0 && now >= until)) {
            return MCPZ_ENOTFOUND;
        }
        left_ms = timeout_ms > 0 ? (int)((until - now + 999) / 1000) : timeout_ms;
    }
}

static bool has_waiting(const void *context)
{
    const struct mcpz_insider *insider = context;
    return insider->pending.count > 0;
}

static void unlink_from_node(const struct mcpz_insider *insider)
{
    struct mcpz_insider **at = &insider->node->insiders;

    while (*at != insider) {
        at = &(*at)->next;
    }
    *at = insider->next;
}

static void close_insider(void *context)
{
    struct mcpz_insider *insider = context;

    insider->error = MCPZ_EIO; /* it hears nothing more */
    if (insider->node != NULL) {
        leave(insider);
        mcpz_loop_undefer(insider->node->assembly.loop, &insider->work);
        unlink_from_node(insider);
    }
    mcpz_pending_clear(&insider->pending);
    free(insider);
}

/* ---- Coming and going --------------------------------------------------------------------- */

void mcpz_insiders_forget(struct mcpz_embedded *node)
{
    for (struct mcpz_insider *insider = node->insiders; insider != NULL; insider = insider->next) {
        mcpz_loop_undefer(node->assembly.loop, &insider->work);
        mcpz_pending_clear(&insider->pending);
        insider->error = MCPZ_EIO;
        insider->program = NULL;
        insider->node = NULL;
        insider->client->broken = true;
    }
    node->insiders = NULL;
}

static mcpz_error enter(struct mcpz_insider *insider)
{
    const struct mcpz_client_carrier carrier = {
        .context = insider,
        .fd = -1,
        .put = put,
        .exchange = exchange,
        .has_waiting = has_waiting,
        .stir = stir,
        .close = close_insider,
    };
    const struct mcpz_desk_visitor visitor = {.context = insider, .send = hear};

    mcpz_error error = mcpz_client_create(&carrier, &insider->client);
    if (error != MCPZ_OK) {
        free(insider);
        return error;
    }
    insider->next = insider->node->insiders;
    insider->node->insiders = insider;
    error = mcpz_desk_enter(desk_of(insider), &visitor, &insider->program);
    if (error == MCPZ_OK) {
        error = mcpz_client_greet(insider->client);
    }
    if (error != MCPZ_OK) {
        mcpz_client_close(insider->client);
    }
    return error;
}

mcpz_error mcpz_embedded_client(struct mcpz_embedded *node, struct mcpz_client **client)
{
    *client = NULL;
    if (node->is_over) {
        return MCPZ_EIO;
    }
    struct mcpz_insider *insider = calloc(1, sizeof(*insider));
    if (insider == NULL) {
        return MCPZ_ENOMEM;
    }
    insider->node = node;
    insider->work = (struct mcpz_deferred){.run = do_work, .context = insider};
    mcpz_error error = enter(insider);
    if (error == MCPZ_OK) {
        *client = insider->client;
    }
    return error;
}
