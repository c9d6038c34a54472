#include "exec/census.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec/digits.h"
#include "exec/listing.h"

#define PATH_BYTES 64   /* "PID/task/TID/children" */
#define TEXT_BYTES 4096 /* of one file in /proc at a time */
#define BLOCK_BYTES 512 /* of st_blocks */
#define SEEN_MAX 256
#define CHILDREN_READS_MAX 64 /* of one list: some thousand children */

/* PID/REST in the directory /proc; -1 if it is gone. */
static int open_of(int proc, pid_t pid, const char *rest, int flags)
{
    char path[PATH_BYTES];

    (void)stpcpy(mcpz_digits_put(path, (uint64_t)pid), rest);
    return openat(proc, path, O_RDONLY | O_CLOEXEC | flags);
}

/* Numbers and spaces; `pid` holds what was cut off by the end of a read. False: it is enough. */
static bool add_pids(struct mcpz_census *census, const char *text, size_t length, pid_t *pid,
                     size_t most)
{
    for (size_t at = 0; at < length; at++) {
        if (text[at] >= '0' && text[at] <= '9') {
            *pid = *pid * 10 + (text[at] - '0');
            continue;
        }
        if (census->count > most) {
            return false;
        }
        if (*pid > 0) {
            census->pids[census->count++] = *pid;
            *pid = 0;
        }
    }
    return true;
}

static void read_children(struct mcpz_census *census, int fd, size_t most)
{
    char text[TEXT_BYTES];
    pid_t pid = 0;

    for (int i = 0; i < CHILDREN_READS_MAX; i++) {
        ssize_t got = read(fd, text, sizeof(text));
        if (got <= 0 || !add_pids(census, text, (size_t)got, &pid, most)) {
            return;
        }
    }
}

/* Each thread has a list of the children it made. */
static void add_children(struct mcpz_census *census, int proc, pid_t parent, size_t most)
{
    struct mcpz_listing listing;
    char path[PATH_BYTES];

    int tasks = open_of(proc, parent, "/task", O_DIRECTORY);
    if (tasks < 0) {
        return;
    }
    mcpz_listing_init(&listing, tasks);
    for (const char *name; (name = mcpz_listing_next(&listing)) != NULL;) {
        if (strlen(name) + sizeof("/children") > sizeof(path)) {
            continue;
        }
        (void)stpcpy(stpcpy(path, name), "/children");
        int fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            read_children(census, fd, most);
            (void)close(fd);
        }
    }
    (void)close(tasks);
}

static bool read_text(int proc, pid_t pid, const char *rest, char *text)
{
    int fd = open_of(proc, pid, rest, 0);
    if (fd < 0) {
        return false;
    }
    ssize_t got = read(fd, text, TEXT_BYTES - 1);
    (void)close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* The second number of statm, in pages. */
static uint64_t resident_bytes(int proc, pid_t pid, uint64_t page_bytes)
{
    char text[TEXT_BYTES];
    uint64_t pages;

    if (!read_text(proc, pid, "/statm", text)) {
        return 0;
    }
    (void)mcpz_digits_read(mcpz_digits_read(text, &pages), &pages);
    return pages * page_bytes;
}

/* What may not be looked at counts in full. */
static uint64_t proportional_bytes(int proc, pid_t pid, uint64_t page_bytes)
{
    char text[TEXT_BYTES];
    uint64_t kib;

    if (!read_text(proc, pid, "/smaps_rollup", text)) {
        return resident_bytes(proc, pid, page_bytes);
    }
    const char *line = strstr(text, "\nPss:");
    if (line == NULL) {
        return resident_bytes(proc, pid, page_bytes);
    }
    (void)mcpz_digits_read(line + strlen("\nPss:"), &kib);
    return kib * 1024;
}

static uint64_t sum(const struct mcpz_census *census, int proc,
                    uint64_t (*bytes_of)(int proc, pid_t pid, uint64_t page_bytes))
{
    const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t bytes = 0;

    for (size_t i = 0; i < census->count; i++) {
        bytes += bytes_of(proc, census->pids[i], page_bytes);
    }
    return bytes;
}

bool mcpz_census_is_possible(int proc)
{
    char path[PATH_BYTES];
    char *end = stpcpy(mcpz_digits_put(path, (uint64_t)getpid()), "/task/");

    (void)stpcpy(mcpz_digits_put(end, (uint64_t)getpid()), "/children");
    return faccessat(proc, path, R_OK, 0) == 0;
}

void mcpz_census_take(struct mcpz_census *census, int proc, pid_t forebear, size_t most,
                      uint64_t memory_max)
{
    assert(most <= MCPZ_LIMIT_PROCESSES_MAX);

    census->count = 0;
    add_children(census, proc, forebear, most);
    for (size_t i = 0; i < census->count && census->count <= most; i++) {
        add_children(census, proc, census->pids[i], most);
    }
    census->memory_bytes = sum(census, proc, resident_bytes);
    if (census->memory_bytes > memory_max && census->count <= most) {
        census->memory_bytes = sum(census, proc, proportional_bytes);
    }
}

/* Files seen already: children inherit what is open. Further ones count once for each holder. */
struct seen {
    ino_t files[SEEN_MAX];
    size_t count;
};

static bool is_new(struct seen *seen, ino_t file)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (seen->files[i] == file) {
            return false;
        }
    }
    if (seen->count < SEEN_MAX) {
        seen->files[seen->count++] = file;
    }
    return true;
}

static uint64_t unlinked_of(int proc, pid_t pid, dev_t device, struct seen *seen)
{
    struct mcpz_listing listing;
    struct stat facts;
    uint64_t bytes = 0;

    int fds = open_of(proc, pid, "/fd", O_DIRECTORY);
    if (fds < 0) {
        return 0;
    }
    mcpz_listing_init(&listing, fds);
    for (const char *name; (name = mcpz_listing_next(&listing)) != NULL;) {
        if (fstatat(fds, name, &facts, 0) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink == 0 &&
            facts.st_dev == device && is_new(seen, facts.st_ino)) {
            bytes += (uint64_t)facts.st_blocks * BLOCK_BYTES;
        }
    }
    (void)close(fds);
    return bytes;
}

uint64_t mcpz_census_unlinked(const struct mcpz_census *census, int proc, dev_t device)
{
    struct seen seen = {.count = 0};
    uint64_t bytes = 0;

    for (size_t i = 0; i < census->count; i++) {
        bytes += unlinked_of(proc, census->pids[i], device, &seen);
    }
    return bytes;
}
