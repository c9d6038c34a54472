#include "http/snapshotter.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/log.h"

#define NAME_FORMAT "%Y%m%dT%H%M%S"
#define MOMENT_CHARS 15 /* of that */

void mcpz_snapshotter_init(struct mcpz_snapshotter *snapshotter,
                           const struct mcpz_backup_port *port, const char *directory,
                           uint32_t every_seconds, uint32_t keep)
{
    *snapshotter = (struct mcpz_snapshotter){
        .port = every_seconds > 0 ? port : NULL,
        .directory = directory,
        .every_ms = (uint64_t)every_seconds * 1000,
        .keep = keep,
    };
}

void mcpz_snapshotter_finish(struct mcpz_snapshotter *snapshotter)
{
    if (snapshotter->is_running) {
        snapshotter->is_running = false;
        snapshotter->port->end(snapshotter->port->context, &snapshotter->ticket);
    }
}

/* The time that a name says, in milliseconds since 1970; 0: it is no snapshot. */
static uint64_t read_name(const char *name)
{
    struct tm parts = {.tm_isdst = 0};
    const size_t prefix = sizeof(MCPZ_SNAPSHOT_PREFIX) - 1;
    const size_t suffix = sizeof(MCPZ_SNAPSHOT_SUFFIX) - 1;
    const size_t length = strlen(name);

    if (length <= prefix + suffix || strncmp(name, MCPZ_SNAPSHOT_PREFIX, prefix) != 0 ||
        strcmp(name + length - suffix, MCPZ_SNAPSHOT_SUFFIX) != 0 ||
        strptime(name + prefix, NAME_FORMAT, &parts) == NULL) {
        return 0;
    }
    const time_t seconds = timegm(&parts);
    return seconds > 0 ? (uint64_t)seconds * 1000 : 0;
}

/* When the newest was made; 0: there is none. */
static uint64_t find_newest(const struct mcpz_snapshotter *snapshotter)
{
    char path[MCPZ_BACKUP_PATH_BYTES];
    const struct dirent *entry;
    uint64_t newest = 0;

    (void)snprintf(path, sizeof(path), "%s/" MCPZ_SNAPSHOTS_DIRECTORY, snapshotter->directory);
    DIR *opened = opendir(path);
    while (opened != NULL && (entry = readdir(opened)) != NULL) {
        const uint64_t made_ms = read_name(entry->d_name);
        newest = made_ms > newest ? made_ms : newest;
    }
    if (opened != NULL) {
        (void)closedir(opened);
    }
    return newest;
}

/* In the loop, but perhaps within begin(): it is ended by the next tick. */
static void on_changed(struct mcpz_backup_ticket *ticket, const struct mcpz_backup_state *state)
{
    struct mcpz_snapshotter *snapshotter = ticket->owner;

    if (state->ended) {
        snapshotter->has_ended = true;
        snapshotter->error = state->error;
        (void)snprintf(snapshotter->trouble, sizeof(snapshotter->trouble), "%s",
                       state->trouble[0] != '\0' ? state->trouble : mcpz_strerror(state->error));
    }
}

static void begin(struct mcpz_snapshotter *snapshotter, uint64_t wall_ms)
{
    const time_t seconds = (time_t)(wall_ms / 1000);
    char moment[MOMENT_CHARS + 1];
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(moment, sizeof(moment), NAME_FORMAT, &parts);
    (void)snprintf(snapshotter->path, sizeof(snapshotter->path),
                   "%.4000s/" MCPZ_SNAPSHOTS_DIRECTORY "/" MCPZ_SNAPSHOT_PREFIX
                   "%s.%03uZ" MCPZ_SNAPSHOT_SUFFIX,
                   snapshotter->directory, moment, (unsigned)(wall_ms % 1000));
    snapshotter->ticket = (struct mcpz_backup_ticket){.kind = MCPZ_BACKUP_TO_FILE,
                                                      .file = -1,
                                                      .path = snapshotter->path,
                                                      .keep = snapshotter->keep,
                                                      .rate = MCPZ_SNAPSHOT_RATE,
                                                      .changed = on_changed,
                                                      .owner = snapshotter};
    snapshotter->has_ended = false;
    mcpz_error error = snapshotter->port->begin(snapshotter->port->context, &snapshotter->ticket);
    snapshotter->is_running = error == MCPZ_OK;
    if (error == MCPZ_ECONFLICT) {
        snapshotter->due_ms = wall_ms + 1000; /* somebody else makes one: in a moment */
    } else if (error != MCPZ_OK) {
        snapshotter->has_ended = true;
        snapshotter->error = error;
        (void)snprintf(snapshotter->trouble, sizeof(snapshotter->trouble), "%s",
                       mcpz_strerror(error));
    }
}

/* One has ended. Has it failed? */
static bool settle(struct mcpz_snapshotter *snapshotter, uint64_t wall_ms)
{
    const bool has_failed = snapshotter->error != MCPZ_OK;
    const uint64_t wait_ms = has_failed && snapshotter->every_ms > MCPZ_SNAPSHOT_RETRY_MS
                                 ? MCPZ_SNAPSHOT_RETRY_MS
                                 : snapshotter->every_ms;

    mcpz_snapshotter_finish(snapshotter);
    snapshotter->has_ended = false;
    snapshotter->due_ms = wall_ms + wait_ms;
    if (has_failed) {
        snapshotter->failed++;
        mcpz_log(MCPZ_LOG_ERROR, "store", "no snapshot was made", "path=\"%s\" why=\"%s\"",
                 snapshotter->path, snapshotter->trouble);
    } else {
        snapshotter->made++;
        snapshotter->trouble[0] = '\0';
        mcpz_log(MCPZ_LOG_INFO, "store", "snapshot", "path=\"%s\"", snapshotter->path);
    }
    return has_failed;
}

bool mcpz_snapshotter_tick(struct mcpz_snapshotter *snapshotter, uint64_t wall_ms)
{
    if (snapshotter->port == NULL) {
        return false;
    }
    if (snapshotter->has_ended) {
        return settle(snapshotter, wall_ms);
    }
    if (snapshotter->due_ms == 0) {
        const uint64_t newest = find_newest(snapshotter);
        /* One from the future says that the clock was wrong, then or now. */
        snapshotter->due_ms =
            newest == 0 || newest > wall_ms ? wall_ms : newest + snapshotter->every_ms;
    }
    if (!snapshotter->is_running && wall_ms >= snapshotter->due_ms) {
        begin(snapshotter, wall_ms);
    }
    return false;
}

const char *mcpz_snapshotter_trouble(const struct mcpz_snapshotter *snapshotter)
{
    return snapshotter->trouble[0] != '\0' && !snapshotter->has_ended ? snapshotter->trouble
                                                                      : NULL;
}
