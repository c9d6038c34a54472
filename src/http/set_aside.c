#include "http/set_aside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "blob/blob_job.h"
#include "core/crdt/document.h"
#include "core/crdt/horizon.h"
#include "host/log.h"
#include "http/blob_book.h"
#include "http/exchange.h"

#define NAME_BYTES 64
#define COPY_BYTES 65536

static const char no_directory[] = "set-aside/ could not be made in the data directory, or opened";

/* A file on its way to the disk: outlives what it was made for, where that begins anew. */
struct mcpz_aside_saving {
    struct mcpz_blob_job job;
    struct mcpz_api *api; /* NULL: nobody waits for it any more */
    struct mcpz_body body;
    const char *data; /* the node's directory; borrowed from the API, which is there for as long */
    char name[NAME_BYTES];
    const char *trouble; /* why it is not there; NULL: it is */
    bool is_done;
};

/* ---- Files -------------------------------------------------------------------------------- */

/* Bytes of all files of an open directory. */
static uint64_t count_bytes(int directory)
{
    const int listed = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *opened = listed >= 0 ? fdopendir(listed) : NULL;
    const struct dirent *entry;
    uint64_t bytes = 0;

    if (opened == NULL) {
        if (listed >= 0) {
            (void)close(listed);
        }
        return UINT64_MAX;
    }
    while ((entry = readdir(opened)) != NULL) {
        struct stat about;
        if (fstatat(directory, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(about.st_mode)) {
            bytes += (uint64_t)about.st_size;
        }
    }
    (void)closedir(opened);
    return bytes;
}

/* Why `bytes` more may not lie there; NULL: they may. */
static const char *find_room(int directory, uint64_t bytes)
{
    struct statvfs disk;
    const uint64_t there = count_bytes(directory);

    if (there > 0 &&
        (there > MCPZ_SET_ASIDE_BYTES_MAX || bytes > MCPZ_SET_ASIDE_BYTES_MAX - there)) {
        return "set-aside/ in the data directory is full: 1 GiB. Move its files elsewhere";
    }
    if (fstatvfs(directory, &disk) != 0 ||
        (uint64_t)disk.f_bavail * disk.f_frsize < bytes + MCPZ_SET_ASIDE_FREE_BYTES) {
        return "there is no room on the disk";
    }
    return NULL;
}

static bool copy(const struct mcpz_body *body, int file)
{
    uint8_t buffer[COPY_BYTES];

    for (uint64_t at = 0; at < body->length;) {
        size_t length = 0;
        if (mcpz_body_read(body, at, buffer, sizeof(buffer), &length) != MCPZ_OK || length == 0) {
            return false;
        }
        for (size_t sent = 0; sent < length;) {
            const ssize_t wrote = write(file, buffer + sent, length - sent);
            if (wrote < 0 && errno != EINTR) {
                return false;
            }
            sent += wrote > 0 ? (size_t)wrote : 0;
        }
        at += length;
    }
    return true;
}

/* A name that no file has, in the order of time. */
static void choose_name(const struct mcpz_set_aside *aside, uint64_t wall_ms,
                        char name[NAME_BYTES])
{
    const time_t seconds = (time_t)(wall_ms / 1000);
    char moment[16];
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(moment, sizeof(moment), "%Y%m%dT%H%M%S", &parts);
    (void)snprintf(name, NAME_BYTES, "forgotten-%s.%03uZ-%u.mcpz", moment,
                   (unsigned)(wall_ms % 1000), (unsigned)(aside->files % 1000000));
}

/* Put the body into a file of its own, which is on the disk then. Why not; NULL: it is. */
static const char *write_file(const struct mcpz_aside_saving *saving, int directory)
{
    char part[NAME_BYTES + 8];

    const char *trouble = find_room(directory, saving->body.length);
    if (trouble != NULL) {
        return trouble;
    }
    (void)snprintf(part, sizeof(part), "%s.part", saving->name);
    const int file = openat(directory, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) {
        return "no file could be made in set-aside/ of the data directory";
    }
    bool is_good = copy(&saving->body, file) && fsync(file) == 0;
    is_good = close(file) == 0 && is_good;
    is_good = is_good && renameat(directory, part, directory, saving->name) == 0 &&
              fsync(directory) == 0;
    if (!is_good) {
        (void)unlinkat(directory, part, 0);
        return "writing to set-aside/ of the data directory failed";
    }
    return NULL;
}

/* The directory of such files, which is made if `is_made`; -1: there is none. */
static int open_directory(const char *data, bool is_made)
{
    char path[PATH_MAX];

    const int length = snprintf(path, sizeof(path), "%s/" MCPZ_SET_ASIDE_DIRECTORY, data);
    if (length < 0 || (size_t)length >= sizeof(path) ||
        (is_made && mkdir(path, 0700) != 0 && errno != EEXIST)) {
        return -1;
    }
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* In the thread. */
static void save(struct mcpz_blob_job *job)
{
    struct mcpz_aside_saving *saving = job->owner;

    if (saving->body.error != MCPZ_OK) {
        saving->trouble = "there is no memory, or no room, to put agents together";
        return;
    }
    const int directory = open_directory(saving->data, true);
    if (directory < 0) {
        saving->trouble = no_directory;
        return;
    }
    saving->trouble = write_file(saving, directory);
    (void)close(directory);
}

/* ---- To the thread and back --------------------------------------------------------------- */

static void release(struct mcpz_aside_saving *saving)
{
    mcpz_blob_job_finish(&saving->job);
    mcpz_body_finish(&saving->body);
    free(saving);
}

/* None of what is in it has gone, nor will for its sake. */
static void withdraw(struct mcpz_aside_saving *saving)
{
    const int directory = saving->trouble == NULL ? open_directory(saving->data, false) : -1;

    if (directory >= 0) {
        (void)unlinkat(directory, saving->name, 0);
        (void)close(directory);
    }
    release(saving);
}

static void on_saved(struct mcpz_blob_job *job)
{
    struct mcpz_aside_saving *saving = job->owner;

    saving->is_done = true;
    if (saving->api == NULL) {
        withdraw(saving);
    } else {
        saving->api->ports.defer(saving->api->ports.context);
    }
}

/* Have it written. Where the thread has too much to do already it is tried again later. */
static void hand_over(struct mcpz_set_aside *aside, struct mcpz_api *api)
{
    const struct mcpz_blob_port *port = api->ports.blobs;
    struct mcpz_aside_saving *saving = port != NULL ? calloc(1, sizeof(*saving)) : NULL;

    if (saving == NULL) {
        return;
    }
    saving->job.ask = MCPZ_BLOB_ERRAND;
    saving->job.run = save;
    saving->job.done = on_saved;
    saving->job.owner = saving;
    saving->api = api;
    saving->body = aside->body;
    saving->data = api->directory;
    saving->trouble = "the node ends";
    choose_name(aside, mcpz_api_wall_ms(api), saving->name);
    if (!port->submit(port->context, &saving->job)) {
        free(saving);
        return;
    }
    mcpz_body_init(&aside->body, api->directory);
    aside->saving = saving;
}

void mcpz_set_aside_finish(struct mcpz_set_aside *aside)
{
    struct mcpz_aside_saving *saving = aside->saving;

    if (saving != NULL && saving->is_done) {
        withdraw(saving);
    } else if (saving != NULL) {
        saving->api = NULL;
    }
    aside->saving = NULL;
    if (aside->is_open) {
        struct mcpz_exchange *exchange = aside->blobs.exchange;
        mcpz_export_blobs_finish(&aside->blobs);
        mcpz_api_close(exchange);
        mcpz_snapshot_drop(&aside->writer);
        mcpz_body_finish(&aside->body);
        aside->is_open = false;
    }
}

void mcpz_set_aside_end(struct mcpz_set_aside *aside)
{
    mcpz_set_aside_finish(aside);
    aside->look_us = MCPZ_TIME_NEVER;
}

bool mcpz_set_aside_may_name(struct mcpz_api *api)
{
    const struct mcpz_engine *engine = mcpz_api_engine(api);
    const struct mcpz_id *wanted;

    return mcpz_horizon_is_stale(&mcpz_engine_node(engine)->agents.horizon) ||
           mcpz_aside_wanted(engine, &wanted) > 0;
}

/* ---- What goes into one ------------------------------------------------------------------- */

static void add_message(void *context, struct mcpz_bytes message)
{
    struct mcpz_set_aside *aside = context;

    mcpz_snapshot_add(&aside->writer, message);
}

/* There is an answer of who was asked for a piece of a blob. */
static void work(struct mcpz_exchange *exchange)
{
    struct mcpz_set_aside *aside = exchange->state;

    aside->is_waiting = false;
    mcpz_api_stir(exchange->api);
}

static void finish(struct mcpz_exchange *exchange)
{
    exchange->state = NULL;
}

/* False: too much is under way. */
static bool begin(struct mcpz_set_aside *aside, struct mcpz_api *api, const struct mcpz_id *wanted,
                  size_t count)
{
    static const struct mcpz_exchange_kind kind = {.work = work, .finish = finish};
    struct mcpz_exchange *exchange;

    if (mcpz_api_open(api, NULL, &exchange) != MCPZ_OK) {
        return false;
    }
    mcpz_exchange_wait(exchange, &kind, aside);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* what it asks ends by itself */
    mcpz_export_blobs_init(&aside->blobs, exchange);
    memcpy(aside->documents, wanted, count * sizeof(*wanted));
    aside->count = count;
    aside->next = 0;
    aside->row_count = 0;
    memset(&aside->agent, 0, sizeof(aside->agent));
    mcpz_body_init(&aside->body, api->directory);
    mcpz_snapshot_begin(&aside->writer, &aside->body);
    aside->writer.total.has_blobs = true;
    aside->is_open = true;
    aside->is_whole = false;
    aside->is_opening = false;
    aside->is_waiting = false;
    aside->room = NULL;
    return true;
}

/*
 * Begin with the next document. One that is deleted is of no use in a file, nor is what is known
 * of blobs without them: they go as they are.
 */
static mcpz_error open_next(struct mcpz_set_aside *aside, struct mcpz_engine *engine)
{
    const struct mcpz_store *store = mcpz_engine_store(engine);
    const struct mcpz_id *document = &aside->documents[aside->next++];
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *document}};

    const mcpz_error error = store->get(store->context, &record);
    if (error != MCPZ_OK) {
        return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
    }
    aside->rows[aside->row_count++] = (struct mcpz_aside_row){
        .document = *document, .digest = mcpz_document_digest(&record.document)};
    if (!record.document.deleted && !mcpz_blob_book_is(document)) {
        mcpz_export_blobs_of(&aside->blobs, document);
        aside->is_opening = true;
    }
    return MCPZ_OK;
}

/* Its blobs are in. If it has changed meanwhile it does not go, and is set aside once more. */
static mcpz_error start_agent(struct mcpz_set_aside *aside, struct mcpz_engine *engine)
{
    const struct mcpz_store *store = mcpz_engine_store(engine);
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                 .document = {.id = aside->documents[aside->next - 1]}};

    aside->is_opening = false;
    const mcpz_error error = store->get(store->context, &record);
    if (error != MCPZ_OK) {
        return error;
    }
    aside->writer.total.agents++;
    return mcpz_agent_export_start(&aside->agent, engine, &record.document);
}

/*
 * Why there is no room for what is in the body so far; NULL: there is. What a blob's name says of
 * its size need not be so: nothing is held back for that.
 */
static const char *find_room_for_body(const struct mcpz_set_aside *aside, const char *data)
{
    const int directory = open_directory(data, true);

    if (directory < 0) {
        return no_directory;
    }
    const char *trouble = find_room(directory, aside->body.length);
    (void)close(directory);
    return trouble;
}

/* A step of the blobs. Errors: MCPZ_ENOTFOUND  they are in; MCPZ_ENOSPACE, MCPZ_EIO */
static mcpz_error write_blobs(struct mcpz_set_aside *aside, struct mcpz_api *api)
{
    const uint64_t before = aside->body.length;
    const enum mcpz_export_blobs_step step = mcpz_export_blobs_work(&aside->blobs, &aside->writer);

    if (aside->body.length > before) {
        aside->room = find_room_for_body(aside, api->directory);
    }
    if (aside->room != NULL) {
        return MCPZ_ENOSPACE;
    }
    aside->is_waiting = step == MCPZ_EXPORT_BLOBS_WAITS;
    if (step == MCPZ_EXPORT_BLOBS_DONE) {
        return MCPZ_ENOTFOUND;
    }
    return step == MCPZ_EXPORT_BLOBS_GOES_ON || aside->is_waiting ? MCPZ_OK : MCPZ_EIO;
}

/* As much as one turn has time for. */
static mcpz_error write_slice(struct mcpz_set_aside *aside, struct mcpz_api *api,
                              struct mcpz_engine *engine)
{
    const struct mcpz_agent_export_sink sink = {.context = aside, .add = add_message};
    mcpz_error error = aside->is_opening ? write_blobs(aside, api) : MCPZ_ENOTFOUND;

    if (error != MCPZ_ENOTFOUND) {
        return error;
    }
    if (aside->is_opening) {
        error = start_agent(aside, engine);
    } else if (aside->agent.is_open) {
        error = mcpz_agent_export_say(&aside->agent, engine, MCPZ_SLICE_DELTAS, &sink);
    } else if (aside->next < aside->count) {
        error = open_next(aside, engine);
    } else {
        mcpz_snapshot_end(&aside->writer);
        aside->is_whole = true;
        error = MCPZ_OK;
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* ---- All of it ---------------------------------------------------------------------------- */

static void fail(struct mcpz_set_aside *aside, struct mcpz_engine *engine, const char *trouble)
{
    mcpz_log(MCPZ_LOG_ERROR, "agents",
             "agents that others have forgotten cannot be set aside, and are held back",
             "count=%zu why=\"%s\"", aside->row_count, trouble);
    aside->trouble = trouble;
    mcpz_aside_done(engine, NULL, 0, true);
    mcpz_set_aside_finish(aside);
}

/* What is in the file may go. */
static void settle(struct mcpz_set_aside *aside, struct mcpz_engine *engine)
{
    aside->files++;
    aside->trouble = NULL;
    mcpz_log(MCPZ_LOG_WARN, "agents",
             "this node was away for long: agents that all others have deleted and forgotten "
             "are set aside",
             "count=%zu file=\"" MCPZ_SET_ASIDE_DIRECTORY "/%s\"", aside->row_count,
             aside->saving->name);
    mcpz_aside_done(engine, aside->rows, aside->row_count, false);
    release(aside->saving);
    aside->saving = NULL;
    mcpz_set_aside_finish(aside);
}

static void go_on(struct mcpz_set_aside *aside, struct mcpz_api *api, struct mcpz_engine *engine)
{
    if (aside->saving != NULL && aside->saving->trouble != NULL) {
        fail(aside, engine, aside->saving->trouble);
    } else if (aside->saving != NULL) {
        settle(aside, engine);
    } else if (!aside->is_whole && write_slice(aside, api, engine) != MCPZ_OK) {
        fail(aside, engine,
             aside->room != NULL ? aside->room : "one of them, or a blob, cannot be read");
        aside->look_us += aside->room != NULL ? MCPZ_SET_ASIDE_AGAIN_US : 0;
    } else if (aside->is_whole) {
        hand_over(aside, api);
    } else if (!aside->is_waiting) {
        api->ports.defer(api->ports.context);
    }
}

/* Is what we are at still what is to be set aside? */
static bool is_wanted(const struct mcpz_set_aside *aside, const struct mcpz_id *wanted,
                      size_t count)
{
    return count == aside->count && memcmp(wanted, aside->documents, count * sizeof(*wanted)) == 0;
}

/* Is there nothing to be done before the next look? */
static bool rests(const struct mcpz_set_aside *aside)
{
    if (aside->saving != NULL) {
        return !aside->saving->is_done;
    }
    return !aside->is_open || aside->is_whole || aside->is_waiting;
}

void mcpz_set_aside_work(struct mcpz_set_aside *aside, struct mcpz_api *api)
{
    const mcpz_time now = mcpz_api_now(api);
    const struct mcpz_id *wanted;

    if (rests(aside) && now < aside->look_us) {
        return;
    }
    aside->look_us = now + MCPZ_SET_ASIDE_LOOK_US;
    struct mcpz_engine *engine = api->ports.enter(api->ports.context);
    const size_t count = mcpz_aside_wanted(engine, &wanted);
    if (aside->is_open && !is_wanted(aside, wanted, count)) {
        mcpz_set_aside_finish(aside); /* it was begun anew meanwhile */
    }
    if (count == 0 || (aside->saving != NULL && !aside->saving->is_done)) {
        return;
    }
    if (aside->is_open || begin(aside, api, wanted, count)) {
        go_on(aside, api, engine);
    }
}
