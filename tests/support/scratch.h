/* A directory for one test, with what it needs to be made and removed. */

#ifndef SCRATCH_H
#define SCRATCH_H

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#define SCRATCH_BYTES 256

static inline void scratch_make(char *directory)
{
    (void)snprintf(directory, SCRATCH_BYTES, "/tmp/mcpz-test-XXXXXX");
    CHECK(mkdtemp(directory) != NULL);
}

static inline int scratch_remove_entry(const char *path, const struct stat *facts, int kind,
                                       struct FTW *place)
{
    (void)facts;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void scratch_remove(const char *directory)
{
    CHECK(nftw(directory, scratch_remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static inline const char *scratch_path(const char *directory, const char *name, char *path)
{
    (void)snprintf(path, 2 * SCRATCH_BYTES, "%s/%s", directory, name);
    return path;
}

static inline void scratch_write(const char *directory, const char *name, const void *bytes,
                                 size_t length, mode_t mode)
{
    char path[2 * SCRATCH_BYTES];
    FILE *file = fopen(scratch_path(directory, name, path), "w");

    CHECK(file != NULL);
    CHECK(fwrite(bytes, 1, length, file) == length);
    CHECK(fclose(file) == 0);
    CHECK(chmod(path, mode) == 0);
}

#endif
