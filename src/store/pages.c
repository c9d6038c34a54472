#include "store/pages.h"

#include <errno.h>
#include <unistd.h>

mcpz_error mcpz_pages_read_file(int file, uint64_t offset, void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t more = pread(file, (uint8_t *)bytes + done, length - done, (off_t)(offset + done));
        if (more < 0 && errno == EINTR) {
            continue;
        }
        if (more <= 0) {
            return more < 0 ? MCPZ_EIO : MCPZ_ESHORT;
        }
        done += (size_t)more;
    }
    return MCPZ_OK;
}

static mcpz_error read_part(const void *context, uint64_t offset, void *bytes, size_t length)
{
    const struct mcpz_file_part *part = context;

    if (offset > part->bytes || length > part->bytes - offset) {
        return MCPZ_ESHORT;
    }
    return mcpz_pages_read_file(part->file, part->offset + offset, bytes, length);
}

struct mcpz_pages mcpz_pages_of_file(const struct mcpz_file_part *part)
{
    return (struct mcpz_pages){.context = part, .bytes = part->bytes, .read = read_part};
}
