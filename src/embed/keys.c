#include "embed/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base32.h"

#define PATH_BYTES 4096
#define LINE_CHARS MCPZ_BASE32_CHARS(MCPZ_KEY_BYTES)
#define OTHERS (S_IRWXG | S_IRWXO)

static mcpz_error fail(struct mcpz_trouble *trouble, const char *what, const char *path)
{
    mcpz_error error = errno == ENOSPC || errno == EDQUOT ? MCPZ_ENOSPACE : MCPZ_EIO;

    mcpz_trouble_say(trouble, "cannot %s %s: %s", what, path, strerror(errno));
    return error;
}

static mcpz_error make_path(const char *directory, const char *name, char *path,
                            struct mcpz_trouble *trouble)
{
    int length = snprintf(path, PATH_BYTES, "%s/%s", directory, name);

    if (length < 0 || length >= PATH_BYTES) {
        mcpz_trouble_say(trouble, "the data directory's path is too long");
        return MCPZ_EIO;
    }
    return MCPZ_OK;
}

static mcpz_error check_file(int file, const char *path, struct mcpz_trouble *trouble)
{
    struct stat facts;

    if (fstat(file, &facts) != 0) {
        return fail(trouble, "look at", path);
    }
    if (!S_ISREG(facts.st_mode)) {
        mcpz_trouble_say(trouble, "%s is not a file", path);
        return MCPZ_ECORRUPT;
    }
    if ((facts.st_mode & OTHERS) != 0) {
        mcpz_trouble_say(trouble,
                         "%s is a secret, but others may use it (mode %04o): `chmod 600 %s`; if "
                         "somebody may have read it, remove it: the node then gets a new one",
                         path, (unsigned)(facts.st_mode & 07777), path);
        return MCPZ_EAUTH;
    }
    return MCPZ_OK;
}

/* Exactly one line; its end may be missing. */
static mcpz_error read_line(int file, const char *path, uint8_t *seed,
                            struct mcpz_trouble *trouble)
{
    char line[LINE_CHARS + 2]; /* the line's end, and one that would be too much */
    size_t length = 0;
    ssize_t got = 1;

    while (got > 0 && length < sizeof(line)) {
        got = read(file, line + length, sizeof(line) - length);
        length += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        return fail(trouble, "read", path);
    }
    bool has_end = length == LINE_CHARS + 1 && line[LINE_CHARS] == '\n';
    mcpz_error error = length == LINE_CHARS || has_end ? MCPZ_OK : MCPZ_ECORRUPT;
    size_t decoded = 0;
    if (error == MCPZ_OK) {
        error = mcpz_base32_decode(mcpz_bytes(line, LINE_CHARS), seed, MCPZ_KEY_BYTES, &decoded);
    }
    explicit_bzero(line, sizeof(line));
    if (error != MCPZ_OK || decoded != MCPZ_KEY_BYTES) {
        mcpz_trouble_say(trouble,
                         "%s is damaged: it must be one line of %d letters and digits; put back a "
                         "copy, or remove it: the node then gets a new one, and is a new node",
                         path, LINE_CHARS);
        return MCPZ_ECORRUPT;
    }
    return MCPZ_OK;
}

mcpz_error mcpz_key_load(const char *directory, const char *name, uint8_t *seed,
                         struct mcpz_trouble *trouble)
{
    char path[PATH_BYTES];
    mcpz_error error = make_path(directory, name, path, trouble);

    if (error != MCPZ_OK) {
        return error;
    }
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 && errno == ENOENT) {
        return MCPZ_ENOTFOUND;
    }
    if (file < 0) {
        return fail(trouble, "open", path);
    }
    error = check_file(file, path, trouble);
    if (error == MCPZ_OK) {
        error = read_line(file, path, seed, trouble);
    }
    (void)close(file);
    return error;
}

static mcpz_error write_line(int file, const uint8_t *seed)
{
    char line[LINE_CHARS + 1];

    mcpz_base32_encode(mcpz_bytes(seed, MCPZ_KEY_BYTES), line);
    line[LINE_CHARS] = '\n';
    ssize_t written = write(file, line, sizeof(line));
    explicit_bzero(line, sizeof(line));
    if (written >= 0 && written != sizeof(line)) {
        errno = ENOSPC; /* a file takes less for no other reason */
    }
    if (written != sizeof(line) || fchmod(file, S_IRUSR | S_IWUSR) != 0 || fsync(file) != 0) {
        return errno == ENOSPC ? MCPZ_ENOSPACE : MCPZ_EIO;
    }
    return MCPZ_OK;
}

/* A rename is on disk once its directory is. */
static bool sync_directory(const char *directory)
{
    int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = file >= 0 && fsync(file) == 0;

    if (file >= 0) {
        (void)close(file);
    }
    return is_synced;
}

mcpz_error mcpz_key_store(const char *directory, const char *name, const uint8_t *seed,
                          struct mcpz_trouble *trouble)
{
    char path[PATH_BYTES];
    char temporary[PATH_BYTES];
    mcpz_error error = make_path(directory, name, path, trouble);

    if (error != MCPZ_OK) {
        return error;
    }
    int length = snprintf(temporary, sizeof(temporary), "%s/.%s.XXXXXX", directory, name);
    int file = length > 0 && length < PATH_BYTES ? mkostemp(temporary, O_CLOEXEC) : -1;
    if (file < 0) {
        return fail(trouble, "make", path);
    }
    error = write_line(file, seed);
    if (error != MCPZ_OK) {
        error = fail(trouble, "write", path);
    }
    (void)close(file);
    if (error == MCPZ_OK && rename(temporary, path) != 0) {
        error = fail(trouble, "make", path);
    }
    if (error != MCPZ_OK) {
        (void)unlink(temporary);
        return error;
    }
    return sync_directory(directory) ? MCPZ_OK : fail(trouble, "make durable", path);
}
