#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void driver_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static size_t number(const char *text, size_t most)
{
    char *end = NULL;
    unsigned long long value = strtoull(text != NULL ? text : "", &end, 10);

    if (text == NULL || *text == '\0' || *end != '\0' || value > most) {
        driver_die("not a number in its bounds", text != NULL ? text : "(missing)");
    }
    return (size_t)value;
}

void driver_read(struct driver *driver, int argc, char **argv)
{
    if (argc < 4) {
        driver_die("usage", "serve|call|submit WHERE NAME [--in-flight N] [--count N] [--bytes N] "
                            "[--timeout-ms N] [--work-us N] [--providers N]");
    }
    *driver = (struct driver){
        .serves = strcmp(argv[1], "serve") == 0,
        .submits = strcmp(argv[1], "submit") == 0,
        .where = argv[2],
        .name = argv[3],
        .in_flight = 1,
        .count = 10000,
        .payload_bytes = 128,
        .timeout_ms = 30000,
    };
    for (int i = 4; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--in-flight") == 0) {
            driver->in_flight = number(argv[i + 1], 8192);
        } else if (strcmp(argv[i], "--count") == 0) {
            driver->count = number(argv[i + 1], 100000000);
        } else if (strcmp(argv[i], "--bytes") == 0) {
            driver->payload_bytes = number(argv[i + 1], 65536);
        } else if (strcmp(argv[i], "--timeout-ms") == 0) {
            driver->timeout_ms = (uint32_t)number(argv[i + 1], 3600000);
        } else if (strcmp(argv[i], "--work-us") == 0) {
            driver->work_us = (uint32_t)number(argv[i + 1], 10000000);
        } else if (strcmp(argv[i], "--providers") == 0) {
            driver->providers = number(argv[i + 1], 1000);
        } else {
            driver_die("no such option", argv[i]);
        }
    }
    driver->payload = malloc(driver->payload_bytes + 1);
    driver->started_us = calloc(driver->in_flight, sizeof(driver->started_us[0]));
    driver->latency_us = calloc(driver->count + 1, sizeof(driver->latency_us[0]));
    if (driver->payload == NULL || driver->started_us == NULL || driver->latency_us == NULL) {
        driver_die("driver", "out of memory");
    }
    memset(driver->payload, 'x', driver->payload_bytes);
    /* All there from the start, lest it look like growth. */
    memset(driver->latency_us, 0xff, (driver->count + 1) * sizeof(driver->latency_us[0]));
    if (driver->payload_bytes >= 2) { /* parameters are JSON: a text */
        driver->payload[0] = '"';
        driver->payload[driver->payload_bytes - 1] = '"';
    }
}

uint64_t driver_now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void driver_work(const struct driver *driver)
{
    const struct timespec pause = {.tv_sec = driver->work_us / 1000000,
                                   .tv_nsec = (long)(driver->work_us % 1000000) * 1000};

    if (driver->work_us > 0) {
        (void)nanosleep(&pause, NULL);
    }
}

static double cpu_s(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static size_t resident_kib(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%*u %lu", &pages) != 1) {
        driver_die("/proc/self/statm", "cannot be read");
    }
    (void)fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

void driver_begin(struct driver *driver)
{
    driver->begun_us = driver_now_us();
    driver->cpu_begun_s = cpu_s();
}

void driver_asked(struct driver *driver, size_t slot)
{
    driver->started_us[slot] = driver_now_us();
    driver->asked++;
}

void driver_answered(struct driver *driver, size_t slot, bool well)
{
    uint64_t took = driver_now_us() - driver->started_us[slot];
    bool is_early = driver->started_us[slot] - driver->begun_us < 1000000;

    driver->latency_us[driver->answered++] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    if (driver->answered == driver->count / 10) {
        driver->resident_begun_kib = resident_kib();
    }
    driver->failed += !well;
    driver->failed_early += !well && is_early;
}

static int by_size(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;

    return (*a > *b) - (*a < *b);
}

static uint32_t quantile(const struct driver *driver, double share)
{
    size_t at = (size_t)(share * (double)(driver->answered - 1));

    return driver->answered > 0 ? driver->latency_us[at] : 0;
}

int driver_end(struct driver *driver)
{
    double took_s = (double)(driver_now_us() - driver->begun_us) / 1e6;
    double used_s = cpu_s() - driver->cpu_begun_s;
    long growth_kib = (long)resident_kib() - (long)driver->resident_begun_kib;

    qsort(driver->latency_us, driver->answered, sizeof(driver->latency_us[0]), by_size);
    printf("{\"count\":%zu,\"failed\":%zu,\"failed_early\":%zu,\"seconds\":%.6f,\"cpu_s\":%.6f,"
           "\"per_second\":%.1f,\"growth_kib\":%ld,"
           "\"p50_us\":%u,\"p95_us\":%u,\"p99_us\":%u,\"max_us\":%u}\n",
           driver->answered, driver->failed, driver->failed_early, took_s, used_s,
           (double)driver->answered / took_s, growth_kib, quantile(driver, 0.5),
           quantile(driver, 0.95), quantile(driver, 0.99), quantile(driver, 1.0));
    return driver->failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
