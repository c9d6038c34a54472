/*
 * What the drivers of tools/bench/calls have in common: arguments, latencies, the result line.
 *
 *   ROLE is "serve" (answer with what was sent), "call" (keep IN_FLIGHT requests under way until
 *   COUNT are answered, then print one line of JSON and end) or "submit" (the same of durable
 *   tasks, answered when they are taken)
 */

#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct driver {
    bool serves;
    bool submits;
    const char *where; /* a node's data directory; host:port of a server */
    const char *name;  /* of the capability, or the subject */
    size_t in_flight;
    size_t count;
    size_t payload_bytes;
    size_t providers; /* to wait for, where the driver knows of them */
    uint32_t timeout_ms;
    uint32_t work_us; /* what a server takes over each request, one after the other */
    uint8_t *payload;

    /* Of the caller. */
    uint64_t *started_us; /* by slot: IN_FLIGHT of them */
    uint32_t *latency_us; /* of each that was answered */
    size_t asked;
    size_t answered;
    size_t failed;
    size_t failed_early; /* of them, asked in the first second */
    uint64_t begun_us;
    double cpu_begun_s;
    size_t resident_begun_kib; /* when a tenth was answered */
};

/** Read `serve|call|submit WHERE NAME [--in-flight N] [--count N] [--bytes N] [--timeout-ms N]
 * [--work-us N] [--providers N]`. Ends the process with what is wrong. */
void driver_read(struct driver *driver, int argc, char **argv);

uint64_t driver_now_us(void);

/** Take as long over a request as --work-us says. */
void driver_work(const struct driver *driver);

/** The clock starts. */
void driver_begin(struct driver *driver);
void driver_asked(struct driver *driver, size_t slot);
void driver_answered(struct driver *driver, size_t slot, bool well);

/** Print the result. Returns the exit status. */
int driver_end(struct driver *driver);

/** Say what went wrong, and end. */
_Noreturn void driver_die(const char *what, const char *why);

#endif
