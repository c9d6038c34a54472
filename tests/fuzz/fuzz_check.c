#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/check.h"

/* Whatever is in a data file, the check comes to an end and stays within it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    bool there;
    const char *fault = NULL;

    int file = memfd_create("data.mdb", MFD_CLOEXEC);
    if (file < 0 || write(file, data, size) != (ssize_t)size) {
        abort();
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    mcpz_error error = mcpz_check_file(path, &there, &fault);
    if (!there || (error != MCPZ_OK && fault == NULL)) {
        abort();
    }
    close(file);
    return 0;
}
