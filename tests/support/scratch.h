/* A directory for one test, made under $TMPDIR or /tmp and removed with all that is in it. */

#ifndef SCRATCH_H
#define SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#define SCRATCH_PATH_BYTES 512       /* of the directory */
#define SCRATCH_FILE_PATH_BYTES 1024 /* of what is in it */

struct scratch {
    char path[SCRATCH_PATH_BYTES];
};

static inline void scratch_make(struct scratch *scratch)
{
    const char *base = getenv("TMPDIR");
    snprintf(scratch->path, sizeof(scratch->path), "%s/mcpz-test-XXXXXX",
             base != NULL && base[0] != '\0' ? base : "/tmp");
    CHECK(mkdtemp(scratch->path) != NULL);
}

static inline int scratch_remove_one(const char *path, const struct stat *status, int type,
                                     struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void scratch_remove_tree(const char *path)
{
    CHECK(nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static inline void scratch_remove(const struct scratch *scratch)
{
    scratch_remove_tree(scratch->path);
}

/* Where `name` in it lies, written to `path`: SCRATCH_FILE_PATH_BYTES. Returns `path`. */
static inline const char *scratch_path(const struct scratch *scratch, const char *name, char *path)
{
    (void)snprintf(path, SCRATCH_FILE_PATH_BYTES, "%s/%s", scratch->path, name);
    return path;
}

static inline void scratch_write(const struct scratch *scratch, const char *name,
                                 const void *bytes, size_t length, mode_t mode)
{
    char path[SCRATCH_FILE_PATH_BYTES];
    FILE *file = fopen(scratch_path(scratch, name, path), "w");

    CHECK(file != NULL);
    CHECK(fwrite(bytes, 1, length, file) == length);
    CHECK(fclose(file) == 0);
    CHECK(chmod(path, mode) == 0);
}

#endif
