#include "store/reserve.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static uint64_t free_bytes(const struct mcpz_reserve *reserve)
{
    struct statvfs disk;

    return fstatvfs(reserve->file, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
}

static uint64_t wanted_bytes(const struct mcpz_reserve *reserve)
{
    struct statvfs disk;
    uint64_t bytes = 0;

    if (fstatvfs(reserve->file, &disk) == 0) {
        bytes = (uint64_t)disk.f_blocks * disk.f_frsize / 100 * MCPZ_RESERVE_PERCENT;
    }
    bytes = bytes < MCPZ_RESERVE_BYTES_MIN ? MCPZ_RESERVE_BYTES_MIN : bytes;
    return bytes > MCPZ_RESERVE_BYTES_MAX ? MCPZ_RESERVE_BYTES_MAX : bytes;
}

static void take(struct mcpz_reserve *reserve)
{
    reserve->is_held = posix_fallocate(reserve->file, 0, (off_t)reserve->bytes) == 0;
    if (!reserve->is_held && ftruncate(reserve->file, 0) != 0) {
        /* What was allocated of it stays: the next time it is taken or given up whole. */
        reserve->is_held = true;
    }
}

void mcpz_reserve_open(struct mcpz_reserve *reserve, const char *directory)
{
    char path[PATH_MAX];
    struct stat status;

    *reserve = (struct mcpz_reserve){.file = -1};
    const int length = snprintf(path, sizeof(path), "%s/" MCPZ_RESERVE_FILE, directory);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        return;
    }
    reserve->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (reserve->file < 0) {
        return;
    }
    reserve->bytes = wanted_bytes(reserve);
    reserve->is_held =
        fstat(reserve->file, &status) == 0 && (uint64_t)status.st_size >= reserve->bytes;
    mcpz_reserve_renew(reserve);
}

bool mcpz_reserve_release(struct mcpz_reserve *reserve)
{
    if (reserve->file < 0 || !reserve->is_held) {
        return false;
    }
    reserve->is_held = ftruncate(reserve->file, 0) != 0;
    return !reserve->is_held;
}

void mcpz_reserve_renew(struct mcpz_reserve *reserve)
{
    if (reserve->file >= 0 && !reserve->is_held && free_bytes(reserve) / 4 >= reserve->bytes) {
        take(reserve);
    }
}

void mcpz_reserve_close(struct mcpz_reserve *reserve)
{
    if (reserve->file >= 0) {
        (void)close(reserve->file);
        reserve->file = -1;
    }
}
