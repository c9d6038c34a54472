#include "host/socket_path.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

/* The private directory a long path's socket lies in. */
static void remove_with_directory(char *path)
{
    (void)unlink(path);
    char *slash = strrchr(path, '/');
    if (slash != NULL && strstr(path, "/mcpz-") != NULL) {
        *slash = '\0';
        (void)rmdir(path);
    }
}

/* Remove what the pointer of an earlier run points to. */
static void remove_left_over(const char *pointer)
{
    char path[MCPZ_SOCKET_PATH_BYTES_MAX];
    int file = open(pointer, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (file < 0) {
        return;
    }
    ssize_t length = read(file, path, sizeof(path) - 1);
    (void)close(file);
    if (length > 0) {
        path[length] = '\0';
        path[strcspn(path, "\n")] = '\0';
        remove_with_directory(path);
    }
    (void)unlink(pointer);
}

static mcpz_error write_pointer(const struct mcpz_socket_path *chosen)
{
    int file = open(chosen->pointer, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (file < 0) {
        return MCPZ_EIO;
    }
    size_t length = strlen(chosen->path);
    ssize_t written = write(file, chosen->path, length);
    if (close(file) != 0 || written < 0 || (size_t)written != length) {
        return MCPZ_EIO;
    }
    return MCPZ_OK;
}

static mcpz_error make_private(struct mcpz_socket_path *chosen)
{
    const char *base = getenv("XDG_RUNTIME_DIR");
    char directory[MCPZ_SOCKET_PATH_BYTES_MAX - sizeof("/sock") + 1];

    if (base == NULL || base[0] != '/' || strlen(base) > 64) {
        base = "/tmp";
    }
    (void)snprintf(directory, sizeof(directory), "%s/mcpz-XXXXXX", base);
    if (mkdtemp(directory) == NULL) {
        return MCPZ_EIO;
    }
    (void)snprintf(chosen->path, sizeof(chosen->path), "%s/sock", directory);
    mcpz_error error = write_pointer(chosen);
    if (error != MCPZ_OK) {
        (void)rmdir(directory);
    }
    return error;
}

mcpz_error mcpz_socket_path_choose(const char *directory, const char *name,
                                   struct mcpz_socket_path *chosen)
{
    int length = snprintf(chosen->pointer, sizeof(chosen->pointer), "%s/%s.path", directory, name);

    if (length < 0 || (size_t)length >= sizeof(chosen->pointer)) {
        return MCPZ_EFULL;
    }
    remove_left_over(chosen->pointer);
    length = snprintf(chosen->path, sizeof(chosen->path), "%s/%s", directory, name);
    if (length > 0 && (size_t)length < sizeof(chosen->path)) {
        chosen->pointer[0] = '\0';
        return MCPZ_OK;
    }
    return make_private(chosen);
}

int mcpz_socket_path_listen(const struct mcpz_socket_path *chosen)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    static_assert(sizeof(address.sun_path) >= sizeof(chosen->path), "any path fits");
    memcpy(address.sun_path, chosen->path, sizeof(chosen->path));
    (void)unlink(chosen->path); /* the data directory is ours */
    mode_t mask = umask(0177);
    bool is_bound = bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
                    listen(fd, BACKLOG) == 0;
    (void)umask(mask);
    if (!is_bound) {
        int reason = errno;
        (void)close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

void mcpz_socket_path_remove(const struct mcpz_socket_path *chosen)
{
    char path[MCPZ_SOCKET_PATH_BYTES_MAX];

    if (chosen->pointer[0] == '\0') {
        (void)unlink(chosen->path);
        return;
    }
    memcpy(path, chosen->path, sizeof(path));
    remove_with_directory(path);
    (void)unlink(chosen->pointer);
}
