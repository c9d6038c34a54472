#include "http/measure.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

/* Source: proc(5), /proc/pid/smaps_rollup: "Name:   NUMBER kB" a line, sums over all mappings. */
static void read_memory(struct mcpz_api_measures *measures)
{
    char line[128];
    FILE *file = fopen("/proc/self/smaps_rollup", "re");

    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        unsigned long long kib = 0;
        if (sscanf(line, "Rss: %llu", &kib) == 1) {
            measures->rss_bytes = kib * 1024;
        } else if (sscanf(line, "Private_Clean: %llu", &kib) == 1 ||
                   sscanf(line, "Private_Dirty: %llu", &kib) == 1) {
            measures->private_bytes += kib * 1024;
        }
    }
    (void)fclose(file);
}

void mcpz_measure_process(const char *directory, struct mcpz_api_measures *measures)
{
    struct statvfs disk;

    read_memory(measures);
    if (statvfs(directory, &disk) == 0) {
        measures->disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
        measures->disk_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
    }
}
