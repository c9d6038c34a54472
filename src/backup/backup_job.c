#include "backup/backup_job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hex.h"
#include "blob/keyring.h"
#include "crypto/identity.h"
#include "store/directory.h"

#define TROUBLE_BYTES 512
#define SNAPSHOTS_LISTED_MAX 4096

struct mcpz_backup_job {
    struct mcpz_backup_order order;
    char directory[MCPZ_BACKUP_PATH_BYTES];
    char path[MCPZ_BACKUP_PATH_BYTES];
    pthread_t thread;
    bool is_running;
    uint64_t begun_us;

    pthread_mutex_t mutex; /* over what follows */
    struct mcpz_backup_state state;
    bool is_cancelled;
};

static uint64_t clock_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- In the thread ------------------------------------------------------------------------ */

/* Count what was written. Has it been told to end? */
static bool advance(struct mcpz_backup_job *job, size_t length)
{
    (void)pthread_mutex_lock(&job->mutex);
    job->state.done += length;
    const bool is_cancelled = job->is_cancelled;
    (void)pthread_mutex_unlock(&job->mutex);
    return is_cancelled;
}

/* Sleep until so many bytes are due. */
static void throttle(const struct mcpz_backup_job *job, uint64_t done)
{
    if (job->order.rate == 0) {
        return;
    }
    const uint64_t due_us = job->begun_us + done * 1000000 / job->order.rate;
    const uint64_t now_us = clock_us();
    if (due_us > now_us) {
        const uint64_t wait_us = due_us - now_us;
        const struct timespec wait = {.tv_sec = (time_t)(wait_us / 1000000),
                                      .tv_nsec = (long)(wait_us % 1000000 * 1000)};
        (void)nanosleep(&wait, NULL);
    }
}

static mcpz_error write_piece(void *context, struct mcpz_bytes bytes)
{
    struct mcpz_backup_job *job = context;

    for (size_t done = 0; done < bytes.length;) {
        ssize_t more = write(job->order.file, bytes.data + done, bytes.length - done);
        if (more < 0 && errno == EINTR) {
            continue;
        }
        if (more < 0) {
            return mcpz_directory_error(errno);
        }
        done += (size_t)more;
        if (job->order.kind == MCPZ_BACKUP_TO_PIPE) {
            job->order.notify(job->order.context);
        }
    }
    if (advance(job, bytes.length)) {
        errno = ECANCELED;
        return MCPZ_EIO;
    }
    throttle(job, job->state.done); /* only this thread writes it */
    return MCPZ_OK;
}

mcpz_error mcpz_backup_directory(const char *directory, const struct mcpz_data_pins *pins,
                                 bool with_node_key, struct mcpz_backup_head *head,
                                 const struct mcpz_backup_sink *sink, char *trouble)
{
    struct mcpz_data_set set;
    mcpz_error error = mcpz_data_set_open(&set, directory, pins);

    if (!with_node_key) {
        mcpz_data_set_leave_out(&set, MCPZ_DATA_NODE_KEY);
        mcpz_data_set_leave_out(&set, MCPZ_DATA_NODE_KEY ".new");
        mcpz_data_set_leave_out(&set, MCPZ_DATA_NODE_KEY ".tmp");
        mcpz_data_set_leave_out(&set, MCPZ_DATA_NODE_KEY ".new.tmp");
    }
    if (error == MCPZ_OK) {
        error = mcpz_backup_write(&set, head, sink);
        if (error != MCPZ_OK && set.trouble[0] == '\0') {
            (void)snprintf(set.trouble, sizeof(set.trouble), "%s",
                           error == MCPZ_EIO ? strerror(errno) : mcpz_strerror(error));
        }
    }
    (void)snprintf(trouble, TROUBLE_BYTES, "%s", set.trouble);
    mcpz_data_set_finish(&set);
    return error;
}

/* The node key of the node that runs here, wherever that has it from. */
static void show_node_key(struct mcpz_keyring *keyring, char text[MCPZ_NODE_KEY_TEXT_CHARS + 1])
{
    uint8_t bytes[MCPZ_NODE_KEY_BYTES];

    mcpz_keyring_show_node_key(keyring, bytes);
    mcpz_hex_put(mcpz_bytes(bytes, sizeof(bytes)), text);
    text[MCPZ_NODE_KEY_TEXT_CHARS] = '\0';
    mcpz_wipe(bytes, sizeof(bytes));
}

static mcpz_error check(const struct mcpz_backup_job *job, const struct mcpz_data_pins *pins,
                        struct mcpz_data_report *report, char *trouble)
{
    char text[MCPZ_NODE_KEY_TEXT_CHARS + 1] = "";
    const struct mcpz_key_source key = {.text = text};
    struct mcpz_data_set set;
    mcpz_error error = mcpz_data_set_open(&set, job->directory, pins);

    if (error == MCPZ_OK) {
        if (job->order.keyring != NULL) {
            show_node_key(job->order.keyring, text);
        }
        error = mcpz_data_check(&set, &key, report);
        mcpz_wipe(text, sizeof(text));
        (void)snprintf(trouble, TROUBLE_BYTES, "%s", report->trouble);
    } else {
        (void)snprintf(trouble, TROUBLE_BYTES, "%s", set.trouble);
    }
    mcpz_data_set_finish(&set);
    return error;
}

static mcpz_error fail(char *trouble, const char *what, const char *path)
{
    const int number = errno;

    (void)snprintf(trouble, TROUBLE_BYTES, "cannot %s %.300s: %s", what, path, strerror(number));
    return mcpz_directory_error(number);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_snapshot(const char *name)
{
    const size_t length = strlen(name);
    const size_t suffix = sizeof(MCPZ_SNAPSHOT_SUFFIX) - 1;

    return strncmp(name, MCPZ_SNAPSHOT_PREFIX, sizeof(MCPZ_SNAPSHOT_PREFIX) - 1) == 0 &&
           length > suffix && strcmp(name + length - suffix, MCPZ_SNAPSHOT_SUFFIX) == 0;
}

/* Their names begin with their time: the last in order are the newest. */
static void prune(const char *directory, uint32_t keep)
{
    char *names[SNAPSHOTS_LISTED_MAX];
    size_t count = 0;
    const struct dirent *entry;
    DIR *opened = opendir(directory);

    while (opened != NULL && count < SNAPSHOTS_LISTED_MAX && (entry = readdir(opened)) != NULL) {
        char *name = is_snapshot(entry->d_name) ? strdup(entry->d_name) : NULL;
        if (name != NULL) {
            names[count++] = name;
        }
    }
    if (opened != NULL) {
        (void)closedir(opened);
    }
    if (count > 0) {
        qsort(names, count, sizeof(names[0]), by_name);
    }
    for (size_t i = 0; i < count; i++) {
        char path[MCPZ_BACKUP_PATH_BYTES + 256];
        if (i + keep < count) {
            (void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
            (void)unlink(path);
        }
        free(names[i]);
    }
}

/* A file that is whole, under its name, on the disk; or none. */
static mcpz_error write_file(struct mcpz_backup_job *job, const struct mcpz_data_pins *pins,
                             const struct mcpz_backup_sink *sink, char *trouble)
{
    char parent[MCPZ_BACKUP_PATH_BYTES];
    char temporary[MCPZ_BACKUP_PATH_BYTES + 8];

    (void)snprintf(parent, sizeof(parent), "%s", job->path);
    char *slash = strrchr(parent, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    if (mcpz_directory_make(parent) != MCPZ_OK) {
        return fail(trouble, "make", parent);
    }
    (void)snprintf(temporary, sizeof(temporary), "%s.tmp", job->path);
    job->order.file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (job->order.file < 0) {
        return fail(trouble, "write", temporary);
    }
    mcpz_error error = mcpz_backup_directory(job->directory, pins, job->order.with_node_key,
                                             &job->order.head, sink, trouble);
    if (error == MCPZ_OK && (fsync(job->order.file) != 0 || rename(temporary, job->path) != 0 ||
                             mcpz_directory_sync(parent) != MCPZ_OK)) {
        error = fail(trouble, "write", job->path);
    }
    if (error != MCPZ_OK) {
        (void)unlink(temporary);
    } else if (job->order.keep > 0) {
        prune(parent, job->order.keep);
    }
    return error;
}

static mcpz_error do_order(struct mcpz_backup_job *job, struct mcpz_data_report *report,
                           char *trouble)
{
    const struct mcpz_pages store = mcpz_pin_pages(job->order.store);
    const struct mcpz_pages blobs = job->order.blobs != NULL ? mcpz_pin_pages(job->order.blobs)
                                                             : (struct mcpz_pages){.bytes = 0};
    const struct mcpz_data_pins pins = {.store = &store,
                                        .blobs = job->order.blobs != NULL ? &blobs : NULL};
    const struct mcpz_backup_sink sink = {.context = job, .write = write_piece};

    switch (job->order.kind) {
    case MCPZ_BACKUP_TO_PIPE:
        return mcpz_backup_directory(job->directory, &pins, job->order.with_node_key,
                                     &job->order.head, &sink, trouble);
    case MCPZ_BACKUP_TO_FILE:
        return write_file(job, &pins, &sink, trouble);
    case MCPZ_BACKUP_CHECK:
        return check(job, &pins, report, trouble);
    }
    return MCPZ_EIO;
}

static void *run(void *context)
{
    struct mcpz_backup_job *job = context;
    struct mcpz_data_report report = {.trouble = ""};
    char trouble[TROUBLE_BYTES] = "";

    job->begun_us = clock_us();
    mcpz_error error = do_order(job, &report, trouble);
    if (job->order.file >= 0) {
        (void)close(job->order.file);
        job->order.file = -1;
    }
    (void)pthread_mutex_lock(&job->mutex);
    job->state.ended = true;
    job->state.error = error;
    job->state.report = report;
    memcpy(job->state.trouble, trouble, sizeof(trouble));
    (void)pthread_mutex_unlock(&job->mutex);
    job->order.notify(job->order.context);
    return NULL;
}

/* ---- Around it ---------------------------------------------------------------------------- */

static void release(struct mcpz_backup_job *job)
{
    if (job->order.file >= 0) {
        (void)close(job->order.file);
    }
    mcpz_pin_destroy(job->order.store);
    mcpz_pin_destroy(job->order.blobs);
    (void)pthread_mutex_destroy(&job->mutex);
    free(job);
}

mcpz_error mcpz_backup_start(const struct mcpz_backup_order *order, struct mcpz_backup_job **job)
{
    struct mcpz_backup_job *made = calloc(1, sizeof(*made));
    sigset_t all;
    sigset_t before;

    *job = NULL;
    if (made == NULL) {
        mcpz_pin_destroy(order->store);
        mcpz_pin_destroy(order->blobs);
        if (order->kind == MCPZ_BACKUP_TO_PIPE) {
            (void)close(order->file);
        }
        return MCPZ_ENOMEM;
    }
    made->order = *order;
    if (order->kind != MCPZ_BACKUP_TO_PIPE) {
        made->order.file = -1;
    }
    (void)snprintf(made->directory, sizeof(made->directory), "%s", order->directory);
    (void)snprintf(made->path, sizeof(made->path), "%s", order->path != NULL ? order->path : "");
    (void)pthread_mutex_init(&made->mutex, NULL);

    /* Signals are the loop's. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    made->is_running = pthread_create(&made->thread, NULL, run, made) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!made->is_running) {
        release(made);
        return MCPZ_ENOMEM;
    }
    *job = made;
    return MCPZ_OK;
}

void mcpz_backup_finish(struct mcpz_backup_job *job)
{
    if (job == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&job->mutex);
    job->is_cancelled = true;
    (void)pthread_mutex_unlock(&job->mutex);
    (void)pthread_join(job->thread, NULL);
    release(job);
}

void mcpz_backup_state(struct mcpz_backup_job *job, struct mcpz_backup_state *state)
{
    (void)pthread_mutex_lock(&job->mutex);
    *state = job->state;
    (void)pthread_mutex_unlock(&job->mutex);
}
