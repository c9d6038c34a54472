#include "store/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HOLDER_BYTES_MAX 128
#define GONE_TRIES 200 /* of ten milliseconds, while who holds the lock is dead */

struct path {
    char text[PATH_MAX];
};

static bool join(struct path *path, const char *directory, const char *name)
{
    int length = snprintf(path->text, sizeof(path->text), "%s/%s", directory, name);
    return length > 0 && (size_t)length < sizeof(path->text);
}

static mcpz_error explain(struct mcpz_lmdb_trouble *trouble, const char *what, const char *where,
                          int number)
{
    snprintf(trouble->text, sizeof(trouble->text), "cannot %s %.300s: %s", what, where,
             strerror(number));
    return mcpz_directory_error(number);
}

/* As mkdir -p. */
static int make_directories(const char *path)
{
    struct path part;
    size_t length = strlen(path);

    if (length >= sizeof(part.text)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(part.text, path, length + 1);
    for (size_t i = 1; i < length; i++) {
        if (part.text[i] != '/') {
            continue;
        }
        part.text[i] = '\0';
        if (mkdir(part.text, 0700) != 0 && errno != EEXIST) {
            return -1;
        }
        part.text[i] = '/';
    }
    return mkdir(part.text, 0700) != 0 && errno != EEXIST ? -1 : 0;
}

/* Read a small file as text, without the line's end. Empty if it cannot be read. */
static void read_line(int file, char *text, size_t capacity)
{
    ssize_t length = pread(file, text, capacity - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

/* The name the system has for a process; `fallback` if it is gone or hidden. */
static void process_name(long pid, const char *fallback, char *name, size_t capacity)
{
    char path[64];

    name[0] = '\0';
    snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        read_line(file, name, capacity);
        close(file);
    }
    if (name[0] == '\0') {
        snprintf(name, capacity, "%s", fallback);
    }
}

static mcpz_error name_holder(const char *directory, int lock, struct mcpz_lmdb_trouble *trouble)
{
    char line[HOLDER_BYTES_MAX];
    char name[HOLDER_BYTES_MAX];

    read_line(lock, line, sizeof(line));
    char *after;
    long pid = strtol(line, &after, 10);
    if (pid <= 0 || *after != ' ') {
        snprintf(trouble->text, sizeof(trouble->text),
                 "%.300s is in use by another process that has not said which; stop it, or choose "
                 "another data directory",
                 directory);
        return MCPZ_ECONFLICT;
    }

    process_name(pid, after + 1, name, sizeof(name));
    snprintf(trouble->text, sizeof(trouble->text),
             "%.250s is in use by process %ld (%s); stop it, or choose another data directory",
             directory, pid, name);
    return MCPZ_ECONFLICT;
}

/* Is the process dead that says it holds the lock? */
static bool is_holder_gone(int lock)
{
    char line[HOLDER_BYTES_MAX];

    read_line(lock, line, sizeof(line));
    long pid = strtol(line, NULL, 10);
    return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/*
 * Who was killed a moment ago may have left a child between fork() and exec(), which has the lock
 * still: it will be gone soon. A holder that lives is not waited for.
 */
static int take_lock(int lock)
{
    const struct timespec pause = {.tv_nsec = 10000000};

    for (int tries = 0; flock(lock, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK) {
            return -1;
        }
        if (tries == GONE_TRIES || !is_holder_gone(lock)) {
            errno = EWOULDBLOCK;
            return -1;
        }
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

static int write_holder(int lock)
{
    char line[HOLDER_BYTES_MAX];

    int length =
        snprintf(line, sizeof(line), "%ld %.64s\n", (long)getpid(), program_invocation_short_name);
    if (ftruncate(lock, 0) != 0) {
        return -1;
    }
    ssize_t written = pwrite(lock, line, (size_t)length, 0);
    if (written >= 0 && written != length) {
        errno = ENOSPC;
    }
    return written == length ? 0 : -1;
}

static int sync_name(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return -1;
    }
    int failed = fsync(directory);
    close(directory);
    return failed;
}

mcpz_error mcpz_directory_error(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return MCPZ_ENOSPACE;
    case ENOMEM:
        return MCPZ_ENOMEM;
    default:
        return MCPZ_EIO;
    }
}

mcpz_error mcpz_directory_make(const char *path)
{
    return make_directories(path) == 0 ? MCPZ_OK : mcpz_directory_error(errno);
}

mcpz_error mcpz_directory_open(const char *path, int *lock, struct mcpz_lmdb_trouble *trouble)
{
    struct path file;

    if (make_directories(path) != 0) {
        return explain(trouble, "make directory", path, errno);
    }
    if (!join(&file, path, MCPZ_STORE_LOCK_FILE)) {
        return explain(trouble, "lock", path, ENAMETOOLONG);
    }

    int opened = open(file.text, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (opened < 0) {
        return explain(trouble, "open", file.text, errno);
    }
    if (take_lock(opened) != 0) {
        mcpz_error error = errno == EWOULDBLOCK ? name_holder(path, opened, trouble)
                                                : explain(trouble, "lock", file.text, errno);
        close(opened);
        return error;
    }

    /* Who holds it is for people only: a full disk must not keep a node from starting. */
    if (write_holder(opened) != 0 && mcpz_directory_error(errno) != MCPZ_ENOSPACE) {
        mcpz_error error = explain(trouble, "write", file.text, errno);
        close(opened);
        return error;
    }
    *lock = opened;
    return MCPZ_OK;
}

void mcpz_directory_close(int lock)
{
    if (ftruncate(lock, 0) != 0) {
        /* A name left behind misleads nobody: it is only read when the lock is taken. */
    }
    close(lock);
}

mcpz_error mcpz_directory_sync(const char *path)
{
    struct path parent;

    if (!join(&parent, path, "..") || sync_name(path) != 0 || sync_name(parent.text) != 0) {
        return MCPZ_EIO;
    }
    return MCPZ_OK;
}
