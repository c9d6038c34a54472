/*
 * A provider in C: text.upper gives its input back in capitals.
 *
 *   upper [DATA]     DATA is the data directory of a node that runs; default: $MCPZ_DATA or ./var
 *   mcpz task run text.upper --input README.md
 *
 * The result streams while the input comes; what does not fit waits for room.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mcpz/client.h>

/* What is to be sent back of a task, and whether its input is complete. Found by a list: an
 * example has few tasks. */
struct job {
    struct job *next;
    uint64_t task;
    char *text;
    size_t length;
    size_t room;
    bool complete;
};

static struct mcpz_client *client;
static struct job *jobs;

static struct job **find(uint64_t task)
{
    struct job **at = &jobs;

    while (*at != NULL && (*at)->task != task) {
        at = &(*at)->next;
    }
    return at;
}

static void drop(uint64_t task)
{
    struct job **at = find(task);
    struct job *job = *at;

    if (job != NULL) {
        *at = job->next;
        free(job->text);
        free(job);
    }
}

static void send_some(struct job *job)
{
    size_t size = job->length < job->room ? job->length : job->room;

    if (size > 0 && mcpz_client_reply(client, job->task, job->text, size) == MCPZ_OK) {
        memmove(job->text, job->text + size, job->length - size);
        job->length -= size;
        job->room -= size;
    }
    if (job->length == 0 && job->complete) {
        (void)mcpz_client_finish(client, job->task, NULL, 0);
        drop(job->task);
    }
}

static void on_task(void *context, const struct mcpz_client_task *task)
{
    struct job *job = calloc(1, sizeof(*job));

    (void)context;
    if (job == NULL || !task->has_input) {
        (void)mcpz_client_fail(client, task->task, "text.upper wants an input");
        free(job);
        return;
    }
    *job = (struct job){.next = jobs, .task = task->task, .room = 262144};
    jobs = job;
}

static void on_input(void *context, uint64_t task, const void *bytes, size_t length)
{
    struct job *job = *find(task);
    char *text = job != NULL ? realloc(job->text, job->length + length + 1) : NULL;

    (void)context;
    if (text == NULL) {
        (void)mcpz_client_fail(client, task, "out of memory");
        drop(task);
        return;
    }
    job->text = text;
    for (size_t i = 0; i < length; i++) {
        job->text[job->length++] = (char)toupper(((const unsigned char *)bytes)[i]);
    }
    job->complete = length == 0;
    send_some(job);
}

static void on_room(void *context, uint64_t task, size_t room)
{
    struct job *job = *find(task);

    (void)context;
    if (job != NULL) {
        job->room = room;
        send_some(job);
    }
}

static void on_cancel(void *context, uint64_t task)
{
    (void)context;
    drop(task);
}

int main(int argc, char **argv)
{
    const struct mcpz_client_provider provider = {
        .on_task = on_task, .on_input = on_input, .on_room = on_room, .on_cancel = on_cancel};
    mcpz_error error = mcpz_client_open(argc > 1 ? argv[1] : NULL, &client);

    if (error == MCPZ_OK) {
        error = mcpz_client_provide(client, "text.upper", &provider);
    }
    while (error == MCPZ_OK) {
        error = mcpz_client_work(client, -1);
    }
    fprintf(stderr, "upper: %s\n", mcpz_strerror(error));
    while (jobs != NULL) {
        drop(jobs->task);
    }
    mcpz_client_close(client);
    return EXIT_FAILURE;
}
