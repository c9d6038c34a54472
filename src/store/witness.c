#include "store/witness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/siphash.h"

#define MEMORY "/dev/shm"
#define VERSION 1
#define LINE_CHARS 64 /* with its end; any number fits */
#define LINE_FORMAT "%d %20" PRIu64 " %20" PRIu64 "\n"
#define LINE_LENGTH 44
#define INODE_AT 1
#define COMMITS_AT 22

const char *mcpz_witness_place(void)
{
    struct statfs system;

    return statfs(MEMORY, &system) == 0 && system.f_type == TMPFS_MAGIC ? MEMORY : NULL;
}

/* ---- Where lines lie ---------------------------------------------------------------------- */

/* Our own directory, which nobody else writes in. -1: there is none. */
static int open_directory(const char *where)
{
    char path[PATH_MAX];
    struct stat status;

    int length = snprintf(path, sizeof(path), "%s/mcpz-%u", where, (unsigned)geteuid());
    if (length < 0 || (size_t)length >= sizeof(path)) {
        return -1;
    }
    /* One that is there already is looked at. */
    (void)!mkdir(path, 0700);
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0) {
        return -1;
    }
    if (fstat(directory, &status) != 0 || status.st_uid != geteuid() ||
        (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        close(directory);
        return -1;
    }
    return directory;
}

static void name_of(const char *path, char *name, size_t capacity)
{
    const struct mcpz_siphash_key key = {0};

    snprintf(name, capacity, "%016" PRIx64, mcpz_siphash(key, mcpz_text(path)));
}

/* The number that ends at `end`; spaces may stand before it. */
static bool read_number(const char *from, const char *end, uint64_t *number)
{
    char *stop;

    from += strspn(from, " ");
    errno = 0;
    *number = strtoull(from, &stop, 10);
    return *from >= '0' && *from <= '9' && stop == end && errno == 0;
}

/* What a line says. False: it is none. */
static bool read_line(int file, uint64_t *inode, uint64_t *commits)
{
    char line[LINE_LENGTH + 1] = "";
    uint64_t version;

    ssize_t length = pread(file, line, LINE_LENGTH, 0);
    return length == LINE_LENGTH && line[LINE_LENGTH - 1] == '\n' &&
           read_number(line, line + INODE_AT, &version) &&
           read_number(line + INODE_AT, line + COMMITS_AT, inode) &&
           read_number(line + COMMITS_AT, line + LINE_LENGTH - 1, commits) && version == VERSION;
}

/* Is the store that a line speaks of no more? */
static bool is_gone(int directory, const char *name)
{
    char path[PATH_MAX];
    struct stat status;
    int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (file < 0) {
        return false;
    }
    ssize_t length = pread(file, path, sizeof(path) - 1, LINE_LENGTH);
    close(file);
    if (length <= 0) {
        return false;
    }
    path[length] = '\0';
    path[strcspn(path, "\n")] = '\0';
    return stat(path, &status) != 0;
}

static void sweep(int directory)
{
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;

    if (entries == NULL) {
        if (copy >= 0) {
            close(copy);
        }
        return;
    }
    const struct dirent *entry = readdir(entries);
    for (size_t i = 0; entry != NULL && i < MCPZ_WITNESS_SWEEP_MAX; i++) {
        if (entry->d_name[0] != '.' && is_gone(directory, entry->d_name)) {
            (void)!unlinkat(directory, entry->d_name, 0);
        }
        entry = readdir(entries);
    }
    closedir(entries);
}

/* ---- A line ------------------------------------------------------------------------------- */

static int open_line(const char *where, const char *path)
{
    char name[32];
    int directory = open_directory(where);

    if (directory < 0) {
        return -1;
    }
    sweep(directory);
    name_of(path, name, sizeof(name));
    int file = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    close(directory);
    return file;
}

bool mcpz_witness_open(struct mcpz_witness *witness, const char *where,
                       const struct mcpz_witnessed *store)
{
    char path[PATH_MAX + 1];
    uint64_t inode;
    uint64_t commits;

    *witness = (struct mcpz_witness){.file = -1, .inode = store->inode};
    if (where == NULL || realpath(store->directory, path) == NULL) {
        return true;
    }
    witness->file = open_line(where, path);
    if (witness->file < 0) {
        return true;
    }
    const bool vouches = read_line(witness->file, &inode, &commits) && inode == store->inode &&
                         commits <= store->commits && store->commits - commits <= 1;
    const size_t length = strlen(path);
    path[length] = '\n';
    (void)!pwrite(witness->file, path, length + 1, LINE_LENGTH);
    if (store->is_fresh) {
        mcpz_witness_note(witness, store->commits);
    }
    return vouches || store->is_fresh;
}

void mcpz_witness_note(const struct mcpz_witness *witness, uint64_t commits)
{
    char line[LINE_CHARS];

    if (witness->file >= 0) {
        snprintf(line, sizeof(line), LINE_FORMAT, VERSION, witness->inode, commits);
        /* One that is not written makes the next start more careful than it had to be. */
        (void)!pwrite(witness->file, line, LINE_LENGTH, 0);
    }
}

void mcpz_witness_close(struct mcpz_witness *witness)
{
    if (witness->file >= 0) {
        close(witness->file);
        witness->file = -1;
    }
}
