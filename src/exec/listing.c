#include "exec/listing.h"

#include <assert.h>
#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

void mcpz_listing_init(struct mcpz_listing *listing, int fd)
{
    listing->fd = fd;
    listing->at = 0;
    listing->length = 0;
    (void)lseek(fd, 0, SEEK_SET);
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

const char *mcpz_listing_next(struct mcpz_listing *listing)
{
    for (;;) {
        if (listing->at == listing->length) {
            ssize_t length = getdents64(listing->fd, listing->buffer, sizeof(listing->buffer));
            if (length <= 0) {
                return NULL;
            }
            listing->at = 0;
            listing->length = (size_t)length;
        }

        const struct dirent64 *entry =
            (const struct dirent64 *)(const void *)(listing->buffer + listing->at);
        assert(entry->d_reclen > 0 && entry->d_reclen <= listing->length - listing->at);
        listing->at += entry->d_reclen;
        if (!is_dots(entry->d_name)) {
            return entry->d_name;
        }
    }
}
