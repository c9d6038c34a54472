#include "http/backup_edge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ev.h>

#include "engine/engine.h"

/* The index of blobs is being pinned by its thread: outlives its order, if that is ended. */
struct pinning {
    struct mcpz_backup_edge *edge; /* NULL: nobody waits for it any more */
    struct mcpz_blob_job job;
};

struct mcpz_backup_edge {
    struct mcpz_loop *loop;
    struct mcpz_keyring *keyring;
    const struct mcpz_blob_port *blobs;
    struct mcpz_backup_port port;
    ev_async news;
    char directory[MCPZ_BACKUP_PATH_BYTES];

    struct mcpz_backup_ticket *ticket; /* NULL: nothing is under way */
    struct mcpz_pin *store;            /* until the job has it */
    struct pinning *pinning;           /* NULL: it is not */
    struct mcpz_backup_job *job;       /* NULL: not started yet, or it could not be */
};

/* From the thread. */
static void notify(void *context)
{
    struct mcpz_backup_edge *edge = context;
    ev_async_send(mcpz_loop_ev(edge->loop), &edge->news);
}

static void on_news(struct ev_loop *loop, ev_async *news, int events)
{
    struct mcpz_backup_edge *edge = news->data;
    struct mcpz_backup_state state;

    (void)loop;
    (void)events;
    if (edge->job != NULL && edge->ticket != NULL) {
        mcpz_backup_state(edge->job, &state);
        edge->ticket->changed(edge->ticket, &state);
    }
}

static void release_file(const struct mcpz_backup_ticket *ticket)
{
    if (ticket->kind == MCPZ_BACKUP_TO_PIPE) {
        (void)close(ticket->file);
    }
}

/* Tell that it ended before it began. */
static void fail(struct mcpz_backup_edge *edge, mcpz_error error, const char *text)
{
    struct mcpz_backup_state state = {.ended = true, .error = error};

    release_file(edge->ticket);
    mcpz_pin_destroy(edge->store);
    edge->store = NULL;
    (void)snprintf(state.trouble, sizeof(state.trouble), "%s", text);
    edge->ticket->changed(edge->ticket, &state);
}

static void start(struct mcpz_backup_edge *edge, struct mcpz_pin *blobs)
{
    const struct mcpz_backup_ticket *ticket = edge->ticket;
    struct mcpz_engine *engine = mcpz_loop_engine(edge->loop);
    struct mcpz_backup_order order = {
        .kind = ticket->kind,
        .directory = edge->directory,
        .store = edge->store,
        .blobs = blobs,
        .file = ticket->file,
        .path = ticket->path,
        .keep = ticket->keep,
        .rate = ticket->rate,
        .with_node_key = ticket->with_node_key,
        .keyring = edge->keyring,
        .head = {.made_ms = mcpz_clock_wall_ms(), .program = MCPZ_VERSION},
        .notify = notify,
        .context = edge,
    };

    if (engine != NULL) {
        order.head.node = *mcpz_engine_id(engine);
    }
    order.head.commits = mcpz_pin_commits(edge->store);
    edge->store = NULL;
    mcpz_error error = mcpz_backup_start(&order, &edge->job);
    if (error != MCPZ_OK) {
        struct mcpz_backup_state state = {.ended = true, .error = error};
        edge->ticket->changed(edge->ticket, &state);
    }
}

static void on_pinned(struct mcpz_blob_job *job)
{
    struct pinning *pinning = job->owner;
    struct mcpz_backup_edge *edge = pinning->edge;

    if (edge == NULL) {
        mcpz_pin_destroy(job->pin);
    } else {
        edge->pinning = NULL;
        if (job->error == MCPZ_OK) {
            start(edge, job->pin);
        } else {
            fail(edge, job->error, job->text[0] != '\0' ? job->text : mcpz_strerror(job->error));
        }
    }
    mcpz_blob_job_finish(job);
    free(pinning);
}

static bool has_blobs(const struct mcpz_backup_edge *edge)
{
    char path[MCPZ_BACKUP_PATH_BYTES + 32];
    struct stat status;

    (void)snprintf(path, sizeof(path), "%s/%s", edge->directory, MCPZ_DATA_BLOBS);
    return edge->blobs != NULL && stat(path, &status) == 0;
}

static mcpz_error pin_blobs(struct mcpz_backup_edge *edge)
{
    struct pinning *pinning = calloc(1, sizeof(*pinning));

    if (pinning == NULL) {
        return MCPZ_ENOMEM;
    }
    pinning->edge = edge;
    pinning->job.ask = MCPZ_BLOB_PIN;
    pinning->job.done = on_pinned;
    pinning->job.owner = pinning;
    if (!edge->blobs->submit(edge->blobs->context, &pinning->job)) {
        free(pinning);
        return MCPZ_EFULL;
    }
    edge->pinning = pinning;
    return MCPZ_OK;
}

static mcpz_error begin(void *context, struct mcpz_backup_ticket *ticket)
{
    struct mcpz_backup_edge *edge = context;
    mcpz_error error = edge->ticket == NULL ? MCPZ_OK : MCPZ_ECONFLICT;

    if (error == MCPZ_OK) {
        error = mcpz_pin_create(mcpz_loop_store(edge->loop), &edge->store);
    }
    if (error != MCPZ_OK) {
        release_file(ticket);
        return error;
    }
    edge->ticket = ticket;
    if (!has_blobs(edge)) {
        start(edge, NULL);
        return MCPZ_OK;
    }
    error = pin_blobs(edge);
    if (error != MCPZ_OK) {
        release_file(ticket);
        mcpz_pin_destroy(edge->store);
        edge->store = NULL;
        edge->ticket = NULL;
    }
    return error;
}

static void end(void *context, struct mcpz_backup_ticket *ticket)
{
    struct mcpz_backup_edge *edge = context;

    if (edge->ticket != ticket) {
        return;
    }
    if (edge->pinning != NULL) {
        edge->pinning->edge = NULL;
        edge->pinning = NULL;
        release_file(ticket);
    }
    mcpz_pin_destroy(edge->store);
    edge->store = NULL;
    mcpz_backup_finish(edge->job);
    edge->job = NULL;
    edge->ticket = NULL;
}

mcpz_error mcpz_backup_edge_create(struct mcpz_loop *loop, const char *directory,
                                   struct mcpz_keyring *keyring,
                                   const struct mcpz_blob_port *blobs,
                                   struct mcpz_backup_edge **edge)
{
    struct mcpz_backup_edge *made = calloc(1, sizeof(*made));

    *edge = NULL;
    if (made == NULL || strlen(directory) >= sizeof(made->directory)) {
        free(made);
        return MCPZ_ENOMEM;
    }
    memcpy(made->directory, directory, strlen(directory) + 1);
    made->loop = loop;
    made->blobs = blobs;
    made->keyring = keyring;
    made->port = (struct mcpz_backup_port){.context = made, .begin = begin, .end = end};
    ev_async_init(&made->news, on_news);
    made->news.data = made;
    ev_async_start(mcpz_loop_ev(loop), &made->news);
    ev_unref(mcpz_loop_ev(loop)); /* it keeps no loop turning */
    *edge = made;
    return MCPZ_OK;
}

void mcpz_backup_edge_destroy(struct mcpz_backup_edge *edge)
{
    if (edge == NULL) {
        return;
    }
    if (edge->ticket != NULL) {
        end(edge, edge->ticket);
    }
    ev_ref(mcpz_loop_ev(edge->loop));
    ev_async_stop(mcpz_loop_ev(edge->loop), &edge->news);
    free(edge);
}

const struct mcpz_backup_port *mcpz_backup_edge_port(const struct mcpz_backup_edge *edge)
{
    return edge != NULL ? &edge->port : NULL;
}
