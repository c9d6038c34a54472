#include "http/measure.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

/* The bytes in a line "NAME:   NUMBER kB"; 0 if it has another name. */
static uint64_t bytes_of(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncmp(line, name, length) == 0 ? strtoull(line + length, NULL, 10) * 1024 : 0;
}

/* Source: proc(5), /proc/pid/smaps_rollup: sums over all mappings. */
static void read_memory(struct mcpz_api_measures *measures)
{
    char line[128];
    FILE *file = fopen("/proc/self/smaps_rollup", "re");

    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        measures->rss_bytes += bytes_of(line, "Rss:");
        measures->private_bytes += bytes_of(line, "Private_Clean:");
        measures->private_bytes += bytes_of(line, "Private_Dirty:");
    }
    (void)fclose(file);
}

/* Source: proc(5), /proc/pid/fd: one entry a descriptor, and that of the reading. */
static uint64_t count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (directory == NULL) {
        return 0;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    (void)closedir(directory);
    return count > 0 ? count - 1 : 0;
}

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

void mcpz_measure_process(const char *directory, struct mcpz_api_measures *measures)
{
    struct statvfs disk;
    struct rusage usage;

    read_memory(measures);
    measures->descriptors = count_descriptors();
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        measures->cpu_us = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
    }
    if (statvfs(directory, &disk) == 0) {
        measures->disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
        measures->disk_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
    }
}
