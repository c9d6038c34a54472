/*
 * What a node is told about one of its providers: the command, how it is run, and what closes its
 * workspace off from the rest of the machine (R-TASK-10).
 *
 *   providers:
 *     - name: text.words
 *       command: /opt/words.py
 *       isolation: degraded        # strict, none; the default is workspaces.isolation
 *       network: false
 *       sockets: false             # local ones: the node's own API, for `mcpz task run` in a task
 *       read: [/srv/dictionaries]  # besides the system's directories, and files `command` names
 *       write: []                  # besides the workspace itself
 *       mode: worker               # the default is task: one process for each
 *       workers: 2
 *       plugins: [stemmer]
 *       recycle: {tasks: 1000, time: 1h}
 *       limits: {cpu: 2, memory: 4GiB, disk: 10GiB, files: 1024, processes: 256, time: 3600s}
 *
 * Each value is checked by mcpz_service_put() as it is read; no two places know the rules.
 */

#ifndef HOST_SERVICE_H
#define HOST_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "proto/isolation.h"

#define MCPZ_SERVICE_PATHS_MAX 16
#define MCPZ_SERVICE_PATH_BYTES_MAX 1024
#define MCPZ_SERVICE_PLUGINS_MAX 16
#define MCPZ_SERVICE_PLUGIN_BYTES_MAX 128
#define MCPZ_SERVICE_WORKERS_MAX 32
#define MCPZ_SERVICE_CONCURRENCY_MAX 16
#define MCPZ_SERVICE_RECYCLE_TASKS_MAX 1000000000

#define MCPZ_LIMIT_CPU_MILLI_MIN 100 /* a tenth of a core */
#define MCPZ_LIMIT_CPU_MILLI_MAX 1024000
#define MCPZ_LIMIT_BYTES_MIN 1048576
#define MCPZ_LIMIT_BYTES_MAX (UINT64_C(1) << 44)
#define MCPZ_LIMIT_FILES_MIN 16 /* fewer, and a shell cannot start */
#define MCPZ_LIMIT_FILES_MAX 1048576
#define MCPZ_LIMIT_PROCESSES_MAX 4096
#define MCPZ_LIMIT_SECONDS_MAX 604800

/* R-TASK-10 */
#define MCPZ_LIMIT_CPU_MILLI_DEFAULT 2000
#define MCPZ_LIMIT_MEMORY_DEFAULT (UINT64_C(4) << 30)
#define MCPZ_LIMIT_DISK_DEFAULT (UINT64_C(10) << 30)
#define MCPZ_LIMIT_FILES_DEFAULT 1024
#define MCPZ_LIMIT_PROCESSES_DEFAULT 256
#define MCPZ_LIMIT_SECONDS_DEFAULT 3600

struct mcpz_service_limits {
    uint32_t cpu_milli;    /* cores, in thousandths */
    uint64_t memory_bytes; /* of all its processes */
    uint64_t disk_bytes;   /* of its workspace */
    uint32_t files;        /* open at once, in one process */
    uint32_t processes;    /* and threads where cgroups count */
    uint32_t seconds;      /* by the clock on the wall, of one task */
};

/* All texts are owned. */
struct mcpz_service {
    char *name;
    char *command;  /* given to /bin/sh -c */
    uint8_t origin; /* enum mcpz_origin */

    uint8_t isolation; /* enum mcpz_isolation */
    bool network;
    bool sockets; /* may open Unix sockets by name */
    struct mcpz_service_limits limits;
    char *reads[MCPZ_SERVICE_PATHS_MAX]; /* absolute */
    size_t read_count;
    char *writes[MCPZ_SERVICE_PATHS_MAX];
    size_t write_count;

    bool is_worker;           /* long-lived, speaks exec/worker_line.h; else one process a task */
    bool warm;                /* workers are started ahead */
    uint32_t workers;         /* at most so many of them */
    uint32_t concurrency;     /* tasks at once in one of them */
    uint32_t recycle_tasks;   /* a new one after so many; 0: never */
    uint32_t recycle_seconds; /* a new one after so long; 0: never */
    char *plugins[MCPZ_SERVICE_PLUGINS_MAX]; /* told to it at its start */
    size_t plugin_count;
};

/* What may be said of a provider besides name and command. */
enum mcpz_service_key {
    MCPZ_SERVICE_ISOLATION,
    MCPZ_SERVICE_NETWORK,
    MCPZ_SERVICE_SOCKETS,
    MCPZ_SERVICE_READ,  /* once for each path */
    MCPZ_SERVICE_WRITE, /* the same */
    MCPZ_SERVICE_MODE,
    MCPZ_SERVICE_WORKERS,
    MCPZ_SERVICE_CONCURRENCY,
    MCPZ_SERVICE_WARM,
    MCPZ_SERVICE_PLUGIN, /* once for each */
    MCPZ_SERVICE_RECYCLE_TASKS,
    MCPZ_SERVICE_RECYCLE_TIME,
    MCPZ_SERVICE_CPU,
    MCPZ_SERVICE_MEMORY,
    MCPZ_SERVICE_DISK,
    MCPZ_SERVICE_FILES,
    MCPZ_SERVICE_PROCESSES,
    MCPZ_SERVICE_TIME,
    MCPZ_SERVICE_KEY_COUNT,
};

/** As it stands in a file: "isolation", "limits.cpu". */
const char *mcpz_service_key_name(enum mcpz_service_key key);

/** Everything at its default, and no texts. */
void mcpz_service_init(struct mcpz_service *provider);
void mcpz_service_finish(struct mcpz_service *provider);

/**
 * Check one value and take it over. `why` has room for `capacity` bytes: what is wrong, and how
 * it is written.
 *
 * Errors: MCPZ_ECONFIG, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_service_put(struct mcpz_service *provider, enum mcpz_service_key key,
                                          const char *text, char *why, size_t capacity);

/** Errors: MCPZ_ENOMEM; `copy` is then as after mcpz_service_init(). */
MCPZ_MUST_USE mcpz_error mcpz_service_copy(const struct mcpz_service *provider,
                                           struct mcpz_service *copy);

/** Would it be run in the same way? Names and origins are not compared. */
bool mcpz_service_equal(const struct mcpz_service *a, const struct mcpz_service *b);

/** "strict", "degraded", "none". */
const char *mcpz_isolation_word(enum mcpz_isolation isolation);

/** The reverse; MCPZ_ISOLATION_UNSAID: no such word. */
enum mcpz_isolation mcpz_isolation_from_word(const char *word);

/** How it is run, in one line for people. */
void mcpz_service_show(const struct mcpz_service *provider, char *text, size_t capacity);

#endif
