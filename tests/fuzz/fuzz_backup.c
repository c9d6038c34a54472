/* Whatever is in a backup, reading it comes to an end, and its files lie within it. */

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backup/backup_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mcpz_backup_head head;
    struct mcpz_data_set set;

    int file = memfd_create("backup", MFD_CLOEXEC);
    if (file < 0 || write(file, data, size) != (ssize_t)size || lseek(file, 0, SEEK_SET) != 0) {
        abort();
    }
    mcpz_error error = mcpz_backup_list(file, &head, &set);
    if ((error == MCPZ_OK) != (set.trouble[0] == '\0')) {
        abort();
    }
    for (size_t i = 0; i < set.count; i++) {
        const struct mcpz_data_file *one = &set.files[i];
        if (!mcpz_data_name_is_sound(one->name) || one->part.offset + one->part.bytes > size) {
            abort();
        }
    }
    mcpz_data_set_finish(&set);
    close(file);
    return 0;
}
