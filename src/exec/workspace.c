#include "exec/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "exec/listing.h"

#define NAME_PREFIX "task-"
#define BLOCK_BYTES 512 /* of st_blocks */
#define NAME_DIGITS 8
#define NAME_TRIES_MAX 1024 /* leftovers that could not be removed are in the way */

/* Not snprintf(): also used where only async-signal-safe functions may be. */
static void make_name(const char *prefix, uint32_t number, char *name)
{
    size_t length = strlen(prefix);
    memcpy(name, prefix, length);
    for (size_t i = 0; i < NAME_DIGITS; i++) {
        name[length + i] = mcpz_hex_digit(number >> (4 * (NAME_DIGITS - 1 - i)));
    }
    name[length + NAME_DIGITS] = '\0';
}

static bool is_workspace_name(const char *name)
{
    const size_t prefix_length = strlen(NAME_PREFIX);
    return strncmp(name, NAME_PREFIX, prefix_length) == 0 &&
           strlen(name) == prefix_length + NAME_DIGITS &&
           strspn(name + prefix_length, "0123456789abcdef") == NAME_DIGITS;
}

static int open_directory(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A task may have taken its own permissions away. */
static int open_directory_by_force(int parent, const char *name)
{
    int fd = open_directory(parent, name);
    if (fd < 0 && errno == EACCES) {
        (void)fchmodat(parent, name, 0700, AT_SYMLINK_NOFOLLOW);
        fd = open_directory(parent, name);
    }
    return fd;
}

/* Move `name` from `directory` to `top` under a name that is free there. */
static bool move_up(int directory, const char *name, int top, uint32_t *counter)
{
    char new_name[MCPZ_WORKSPACE_NAME_BYTES];
    bool forced = false;

    for (int i = 0; i < NAME_TRIES_MAX; i++) {
        make_name("up-", (*counter)++, new_name);
        if (renameat(directory, name, top, new_name) == 0) {
            return true;
        }
        if (errno == EACCES && !forced) {
            /* A directory that changes its parent must itself be writable. */
            forced = true;
            (void)fchmodat(directory, name, 0700, AT_SYMLINK_NOFOLLOW);
        } else if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) {
            return false;
        }
    }
    return false;
}

/*
 * Take the directory `name` in `top` apart: files go, directories move up to `top`, to be taken
 * apart in their turn. So no depth needs a stack or more descriptors. True if anything changed:
 * nothing can be removed twice, and nothing moves up twice.
 */
static bool flatten(int top, const char *name, uint32_t *counter)
{
    int fd = open_directory_by_force(top, name);
    if (fd < 0) {
        return false;
    }
    (void)fchmod(fd, 0700);

    bool changed = false;
    struct mcpz_listing listing;
    mcpz_listing_init(&listing, fd);
    for (const char *entry; (entry = mcpz_listing_next(&listing)) != NULL;) {
        changed |= unlinkat(fd, entry, 0) == 0 || unlinkat(fd, entry, AT_REMOVEDIR) == 0 ||
                   move_up(fd, entry, top, counter);
    }
    (void)close(fd);
    return unlinkat(top, name, AT_REMOVEDIR) == 0 || changed;
}

/* One pass over `top`. True if anything changed: another may remove more. */
static bool sweep(int top, uint32_t *counter)
{
    struct mcpz_listing listing;
    bool changed = false;

    mcpz_listing_init(&listing, top);
    for (const char *name; (name = mcpz_listing_next(&listing)) != NULL;) {
        changed |= unlinkat(top, name, 0) == 0 || unlinkat(top, name, AT_REMOVEDIR) == 0 ||
                   flatten(top, name, counter);
    }
    return changed;
}

bool mcpz_workspace_remove(int root, const char *name)
{
    /* Most are empty, and an empty one costs no descriptor. */
    if (unlinkat(root, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
        return true;
    }
    int top = open_directory_by_force(root, name);
    if (top < 0) {
        return false;
    }
    (void)fchmod(top, 0700);

    /* Ends: every pass but the last changes something, see flatten(). */
    uint32_t counter = 0;
    while (sweep(top, &counter)) {
    }
    (void)close(top);
    return unlinkat(root, name, AT_REMOVEDIR) == 0;
}

/* ---- How large it is ---------------------------------------------------------------------- */

struct level {
    int fd;
    struct mcpz_listing listing;
};

static bool enter_level(struct level *level, int parent, const char *name)
{
    level->fd = open_directory(parent, name);
    if (level->fd < 0) {
        return false;
    }
    mcpz_listing_init(&level->listing, level->fd);
    return true;
}

void mcpz_workspace_measure(int directory, uint64_t bytes_max, struct mcpz_workspace_size *size)
{
    struct level levels[MCPZ_WORKSPACE_DEPTH_MAX];
    struct stat facts;
    size_t depth = 0;

    *size = (struct mcpz_workspace_size){0};
    if (!enter_level(&levels[depth], directory, ".")) {
        return;
    }
    depth++;
    while (depth > 0) {
        struct level *level = &levels[depth - 1];
        const char *name = mcpz_listing_next(&level->listing);
        if (name == NULL || size->bytes > bytes_max || size->files > MCPZ_WORKSPACE_FILES_MAX) {
            (void)close(level->fd);
            depth--;
            continue;
        }
        if (fstatat(level->fd, name, &facts, AT_SYMLINK_NOFOLLOW) < 0) {
            continue;
        }
        size->files++;
        size->bytes += (uint64_t)facts.st_blocks * BLOCK_BYTES /
                       (facts.st_nlink > 1 && !S_ISDIR(facts.st_mode) ? facts.st_nlink : 1);
        if (!S_ISDIR(facts.st_mode)) {
            continue;
        }
        if (depth == MCPZ_WORKSPACE_DEPTH_MAX) {
            size->too_deep = true;
        } else if (enter_level(&levels[depth], level->fd, name)) {
            depth++;
        }
    }
}

static void remove_leftovers(int root)
{
    struct mcpz_listing listing;

    mcpz_listing_init(&listing, root);
    for (const char *name; (name = mcpz_listing_next(&listing)) != NULL;) {
        if (is_workspace_name(name)) {
            (void)mcpz_workspace_remove(root, name);
        }
    }
}

mcpz_error mcpz_workspace_open_root(const char *directory, int *root)
{
    struct stat status;

    if (mkdir(directory, 0700) < 0 && errno != EEXIST) {
        return MCPZ_EIO;
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return MCPZ_EIO;
    }
    if (fstat(fd, &status) < 0 || status.st_uid != geteuid() || fchmod(fd, 0700) < 0) {
        (void)close(fd);
        return MCPZ_EIO;
    }

    remove_leftovers(fd);
    *root = fd;
    return MCPZ_OK;
}

mcpz_error mcpz_workspace_make(int root, uint32_t *counter, char *name)
{
    for (int i = 0; i < NAME_TRIES_MAX; i++) {
        make_name(NAME_PREFIX, ++*counter, name);
        if (mkdirat(root, name, 0700) == 0) {
            return MCPZ_OK;
        }
        if (errno != EEXIST) {
            return MCPZ_EIO;
        }
    }
    return MCPZ_EIO;
}
