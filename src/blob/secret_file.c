#include "blob/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/directory.h"

#define PATH_BYTES_MAX 4096

mcpz_error mcpz_secret_file_read(const char *path, uint8_t *bytes, size_t capacity, size_t *length)
{
    struct stat status;
    mcpz_error error = MCPZ_OK;

    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) {
        return errno == ENOENT ? MCPZ_ENOTFOUND : MCPZ_EIO;
    }
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        error = MCPZ_EIO;
    } else if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0 || status.st_uid != geteuid()) {
        error = MCPZ_EAUTH;
    } else if ((uintmax_t)status.st_size > capacity) {
        error = MCPZ_EFULL;
    } else {
        const ssize_t got = pread(file, bytes, (size_t)status.st_size, 0);
        if (got != status.st_size) {
            error = MCPZ_EIO;
        } else {
            *length = (size_t)got;
        }
    }
    (void)close(file);
    return error;
}

/* As far as the file system lets us: it may keep the old blocks elsewhere. */
static void overwrite(int file)
{
    static const uint8_t zeros[4096];
    struct stat status;

    if (file < 0 || fstat(file, &status) != 0) {
        return;
    }
    for (off_t at = 0; at < status.st_size;) {
        const off_t left = status.st_size - at;
        const size_t some = left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros);
        const ssize_t written = pwrite(file, zeros, some, at);
        if (written <= 0) {
            break;
        }
        at += written;
    }
    (void)fsync(file);
}

mcpz_error mcpz_secret_file_move(const char *directory, const char *from, const char *to)
{
    const int old = open(to, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    mcpz_error error = rename(from, to) == 0 ? MCPZ_OK : mcpz_directory_error(errno);

    if (error == MCPZ_OK) {
        error = mcpz_directory_sync(directory);
    }
    if (error == MCPZ_OK) {
        overwrite(old);
    }
    if (old >= 0) {
        (void)close(old);
    }
    return error;
}

static mcpz_error write_new(const char *path, struct mcpz_bytes bytes)
{
    size_t done = 0;

    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        return mcpz_directory_error(errno);
    }
    while (done < bytes.length) {
        const ssize_t written = write(file, bytes.data + done, bytes.length - done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            break;
        }
        done += (size_t)written;
    }
    mcpz_error error = MCPZ_OK;
    if (done < bytes.length || fchmod(file, 0600) != 0 || fsync(file) != 0) {
        error = mcpz_directory_error(errno);
    }
    if (close(file) != 0 && error == MCPZ_OK) {
        error = MCPZ_EIO;
    }
    return error;
}

mcpz_error mcpz_secret_file_write(const char *directory, const char *path, struct mcpz_bytes bytes)
{
    char fresh[PATH_BYTES_MAX];

    if (snprintf(fresh, sizeof(fresh), "%s.tmp", path) >= (int)sizeof(fresh)) {
        return MCPZ_EIO;
    }
    mcpz_error error = write_new(fresh, bytes);
    if (error == MCPZ_OK) {
        error = mcpz_secret_file_move(directory, fresh, path);
    }
    if (error != MCPZ_OK) {
        (void)unlink(fresh);
    }
    return error;
}

void mcpz_secret_file_wipe(const char *path)
{
    const int file = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

    overwrite(file);
    if (file >= 0) {
        (void)close(file);
    }
    (void)unlink(path);
}
