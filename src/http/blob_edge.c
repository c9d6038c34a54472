#include "http/blob_edge.h"

#include <stdlib.h>

#include <ev.h>

#include "blob/blob_thread.h"

struct mcpz_blob_edge {
    struct ev_loop *loop;
    struct mcpz_blob_thread *thread;
    struct mcpz_blob_port port;
    ev_async ready;
};

/* From the thread. */
static void notify(void *context)
{
    struct mcpz_blob_edge *edge = context;
    ev_async_send(edge->loop, &edge->ready);
}

static void on_ready(struct ev_loop *loop, ev_async *ready, int events)
{
    struct mcpz_blob_edge *edge = ready->data;

    (void)loop;
    (void)events;
    mcpz_blob_thread_progress(edge->thread);
}

static bool submit(void *context, struct mcpz_blob_job *job)
{
    struct mcpz_blob_edge *edge = context;
    return mcpz_blob_thread_submit(edge->thread, job);
}

static struct mcpz_blob_totals totals(void *context)
{
    const struct mcpz_blob_edge *edge = context;
    return mcpz_blob_thread_totals(edge->thread);
}

mcpz_error mcpz_blob_edge_create(struct ev_loop *loop,
                                 const struct mcpz_blob_worker_config *config,
                                 struct mcpz_blob_edge **edge)
{
    struct mcpz_blob_edge *made = calloc(1, sizeof(*made));

    *edge = NULL;
    if (made == NULL || mcpz_blob_thread_create(config, notify, made, &made->thread) != MCPZ_OK) {
        free(made);
        return MCPZ_ENOMEM;
    }
    made->loop = loop;
    made->port = (struct mcpz_blob_port){.context = made, .submit = submit, .totals = totals};
    ev_async_init(&made->ready, on_ready);
    made->ready.data = made;
    ev_async_start(loop, &made->ready);
    ev_unref(loop); /* it keeps no loop turning */
    *edge = made;
    return MCPZ_OK;
}

void mcpz_blob_edge_destroy(struct mcpz_blob_edge *edge)
{
    if (edge != NULL) {
        mcpz_blob_thread_destroy(edge->thread);
        ev_ref(edge->loop);
        ev_async_stop(edge->loop, &edge->ready);
        free(edge);
    }
}

const struct mcpz_blob_port *mcpz_blob_edge_port(const struct mcpz_blob_edge *edge)
{
    return edge != NULL ? &edge->port : NULL;
}
