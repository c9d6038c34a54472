#include "cli/spool.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/interrupt.h"

#define COPY_BYTES 65536

mcpz_error mcpz_write_all(int file, const void *bytes, size_t length)
{
    const char *next = (const char *)bytes;

    while (length > 0) {
        ssize_t written = write(file, next, length);
        if (written < 0 && errno == EINTR && !mcpz_interrupt_came()) {
            continue;
        }
        if (written <= 0) {
            return written < 0 && errno == ENOSPC ? MCPZ_ENOSPACE : MCPZ_EIO;
        }
        next += written;
        length -= (size_t)written;
    }
    return MCPZ_OK;
}

static mcpz_error open_temporary(int *file, struct mcpz_trouble *trouble)
{
    const char *directory = getenv("TMPDIR");
    char path[512];

    directory = directory != NULL && *directory != '\0' ? directory : "/tmp";
    if (snprintf(path, sizeof(path), "%s/mcpz-input-XXXXXX", directory) >= (int)sizeof(path)) {
        mcpz_trouble_say(trouble, "TMPDIR is too long a path");
        return MCPZ_EIO;
    }
    *file = mkostemp(path, 0);
    if (*file < 0) {
        mcpz_trouble_say(trouble,
                         "cannot keep the input in %s: %s; set TMPDIR to a directory"
                         " that can be written",
                         directory, strerror(errno));
        return errno == ENOSPC ? MCPZ_ENOSPACE : MCPZ_EIO;
    }
    (void)unlink(path);
    return MCPZ_OK;
}

static mcpz_error copy(int from, int to, uint64_t length_max, uint64_t *length,
                       struct mcpz_trouble *trouble)
{
    char chunk[COPY_BYTES];
    uint64_t total = 0;

    for (;;) {
        ssize_t got = read(from, chunk, sizeof(chunk));
        if (got == 0) {
            *length = total;
            return MCPZ_OK;
        }
        if (got < 0 && errno == EINTR && !mcpz_interrupt_came()) {
            continue;
        }
        if (got < 0) {
            mcpz_trouble_say(trouble, "cannot read the input: %s", strerror(errno));
            return MCPZ_EIO;
        }
        total += (uint64_t)got;
        if (total > length_max) {
            mcpz_trouble_say(trouble, "the input is longer than %" PRIu64 " bytes", length_max);
            return MCPZ_EFULL;
        }
        mcpz_error error = mcpz_write_all(to, chunk, (size_t)got);
        if (error != MCPZ_OK) {
            mcpz_trouble_say(trouble, "cannot keep the input in a temporary file: %s",
                             strerror(errno));
            return error;
        }
    }
}

static mcpz_error measure(int file, const struct stat *facts, uint64_t length_max,
                          uint64_t *length, struct mcpz_trouble *trouble)
{
    off_t position = lseek(file, 0, SEEK_CUR);

    if (position < 0) {
        mcpz_trouble_say(trouble, "cannot read the input: %s", strerror(errno));
        return MCPZ_EIO;
    }
    uint64_t rest = facts->st_size > position ? (uint64_t)(facts->st_size - position) : 0;
    if (rest > length_max) {
        mcpz_trouble_say(trouble, "the input is longer than %" PRIu64 " bytes", length_max);
        return MCPZ_EFULL;
    }
    *length = rest;
    return MCPZ_OK;
}

mcpz_error mcpz_spool(int file, uint64_t length_max, int *spooled, uint64_t *length,
                      struct mcpz_trouble *trouble)
{
    struct stat facts;
    int temporary;

    if (fstat(file, &facts) != 0 || S_ISDIR(facts.st_mode)) {
        mcpz_trouble_say(trouble, "cannot read the input: %s",
                         strerror(errno != 0 ? errno : EISDIR));
        return MCPZ_EIO;
    }
    if (S_ISREG(facts.st_mode)) {
        *spooled = file;
        return measure(file, &facts, length_max, length, trouble);
    }
    mcpz_error error = open_temporary(&temporary, trouble);
    if (error != MCPZ_OK) {
        return error;
    }
    error = copy(file, temporary, length_max, length, trouble);
    if (error == MCPZ_OK && lseek(temporary, 0, SEEK_SET) != 0) {
        mcpz_trouble_say(trouble, "cannot read back the input: %s", strerror(errno));
        error = MCPZ_EIO;
    }
    if (error != MCPZ_OK) {
        (void)close(temporary);
        return error;
    }
    *spooled = temporary;
    return MCPZ_OK;
}
