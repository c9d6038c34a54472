#include "host/service.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "host/config.h"
#include "host/config_keys.h"

/* ---- Life --------------------------------------------------------------------------------- */

void mcpz_service_init(struct mcpz_service *provider)
{
    *provider = (struct mcpz_service){
        .warm = true,
        .workers = 1,
        .concurrency = 1,
        .limits =
            {
                .cpu_milli = MCPZ_LIMIT_CPU_MILLI_DEFAULT,
                .memory_bytes = MCPZ_LIMIT_MEMORY_DEFAULT,
                .disk_bytes = MCPZ_LIMIT_DISK_DEFAULT,
                .files = MCPZ_LIMIT_FILES_DEFAULT,
                .processes = MCPZ_LIMIT_PROCESSES_DEFAULT,
                .seconds = MCPZ_LIMIT_SECONDS_DEFAULT,
            },
    };
}

static void free_all(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i]);
    }
}

void mcpz_service_finish(struct mcpz_service *provider)
{
    free(provider->name);
    free(provider->command);
    free_all(provider->reads, provider->read_count);
    free_all(provider->writes, provider->write_count);
    free_all(provider->plugins, provider->plugin_count);
    mcpz_service_init(provider);
}

static bool copy_all(char *const *texts, size_t count, char **copies, size_t *copied)
{
    for (*copied = 0; *copied < count; (*copied)++) {
        copies[*copied] = strdup(texts[*copied]);
        if (copies[*copied] == NULL) {
            return false;
        }
    }
    return true;
}

mcpz_error mcpz_service_copy(const struct mcpz_service *provider, struct mcpz_service *copy)
{
    *copy = *provider;
    copy->read_count = 0;
    copy->write_count = 0;
    copy->plugin_count = 0;
    copy->name = strdup(provider->name);
    copy->command = strdup(provider->command);
    if (copy->name == NULL || copy->command == NULL ||
        !copy_all(provider->reads, provider->read_count, copy->reads, &copy->read_count) ||
        !copy_all(provider->writes, provider->write_count, copy->writes, &copy->write_count) ||
        !copy_all(provider->plugins, provider->plugin_count, copy->plugins, &copy->plugin_count)) {
        mcpz_service_finish(copy);
        return MCPZ_ENOMEM;
    }
    return MCPZ_OK;
}

static bool same_texts(char *const *a, size_t a_count, char *const *b, size_t b_count)
{
    for (size_t i = 0; i < a_count && i < b_count; i++) {
        if (strcmp(a[i], b[i]) != 0) {
            return false;
        }
    }
    return a_count == b_count;
}

static bool same_limits(const struct mcpz_service_limits *a, const struct mcpz_service_limits *b)
{
    return a->cpu_milli == b->cpu_milli && a->memory_bytes == b->memory_bytes &&
           a->disk_bytes == b->disk_bytes && a->files == b->files &&
           a->processes == b->processes && a->seconds == b->seconds;
}

static bool same_work(const struct mcpz_service *a, const struct mcpz_service *b)
{
    return a->is_worker == b->is_worker && a->warm == b->warm && a->workers == b->workers &&
           a->concurrency == b->concurrency && a->recycle_tasks == b->recycle_tasks &&
           a->recycle_seconds == b->recycle_seconds &&
           same_texts(a->plugins, a->plugin_count, b->plugins, b->plugin_count);
}

bool mcpz_service_equal(const struct mcpz_service *a, const struct mcpz_service *b)
{
    return strcmp(a->command, b->command) == 0 && a->isolation == b->isolation &&
           a->network == b->network && a->sockets == b->sockets &&
           same_limits(&a->limits, &b->limits) && same_work(a, b) &&
           same_texts(a->reads, a->read_count, b->reads, b->read_count) &&
           same_texts(a->writes, a->write_count, b->writes, b->write_count);
}

/* ---- Values ------------------------------------------------------------------------------- */

static mcpz_error refuse(char *why, size_t capacity, const char *text, const char *wanted)
{
    char shown[MCPZ_SHOWN_BYTES];

    (void)snprintf(why, capacity, "\"%s\" must be %s", mcpz_config_shown(text, shown), wanted);
    return MCPZ_ECONFIG;
}

/* Digits; true if `rest` is what follows them, and there are not too many. */
static bool read_digits(const char *text, uint64_t *number, const char **rest)
{
    size_t length = strspn(text, "0123456789");

    *number = 0;
    for (size_t i = 0; i < length && i < 15; i++) {
        *number = *number * 10 + (uint64_t)(text[i] - '0');
    }
    *rest = text + length;
    return length > 0 && length <= 15;
}

static bool read_count(const char *text, uint64_t least, uint64_t most, uint32_t *count)
{
    uint64_t number;
    const char *rest;

    if (!read_digits(text, &number, &rest) || *rest != '\0' || number < least || number > most) {
        return false;
    }
    *count = (uint32_t)number;
    return true;
}

/* "2", "0.5", "1.25": cores in thousandths. */
static bool read_cores(const char *text, uint32_t *milli)
{
    uint64_t whole;
    const char *rest;
    uint64_t part = 0;

    if (!read_digits(text, &whole, &rest) || whole > MCPZ_LIMIT_CPU_MILLI_MAX / 1000) {
        return false;
    }
    if (*rest == '.') {
        uint64_t scale = 100;
        rest++;
        if (*rest == '\0') {
            return false;
        }
        for (; *rest >= '0' && *rest <= '9' && scale > 0; rest++, scale /= 10) {
            part += (uint64_t)(*rest - '0') * scale;
        }
    }
    uint64_t value = whole * 1000 + part;
    if (*rest != '\0' || value < MCPZ_LIMIT_CPU_MILLI_MIN || value > MCPZ_LIMIT_CPU_MILLI_MAX) {
        return false;
    }
    *milli = (uint32_t)value;
    return true;
}

/* A number with one of `units`, each `factor` times the one before; the first is 1. */
static bool read_scaled(const char *text, const char *const *units, const uint64_t *factors,
                        size_t unit_count, uint64_t *value)
{
    uint64_t number;
    const char *rest;

    if (!read_digits(text, &number, &rest)) {
        return false;
    }
    for (size_t i = 0; i < unit_count; i++) {
        if (strcmp(rest, units[i]) == 0 && number <= UINT64_MAX / factors[i]) {
            *value = number * factors[i];
            return true;
        }
    }
    return false;
}

static bool read_bytes(const char *text, uint64_t *bytes)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    static const uint64_t factors[] = {1, 1U << 10, 1U << 20, 1U << 30, UINT64_C(1) << 40};
    uint64_t value;

    if (!read_scaled(text, units, factors, MCPZ_ARRAY_LEN(units), &value) ||
        value < MCPZ_LIMIT_BYTES_MIN || value > MCPZ_LIMIT_BYTES_MAX) {
        return false;
    }
    *bytes = value;
    return true;
}

static bool read_seconds(const char *text, uint32_t *seconds)
{
    static const char *const units[] = {"", "s", "m", "h", "d"};
    static const uint64_t factors[] = {1, 1, 60, 3600, 86400};
    uint64_t value;

    if (!read_scaled(text, units, factors, MCPZ_ARRAY_LEN(units), &value) || value == 0 ||
        value > MCPZ_LIMIT_SECONDS_MAX) {
        return false;
    }
    *seconds = (uint32_t)value;
    return true;
}

static mcpz_error put_path(char **paths, size_t *count, const char *text, char *why,
                           size_t capacity)
{
    if (text[0] != '/' || strlen(text) > MCPZ_SERVICE_PATH_BYTES_MAX) {
        return refuse(why, capacity, text, "an absolute path");
    }
    if (*count == MCPZ_SERVICE_PATHS_MAX) {
        (void)snprintf(why, capacity, "more than %d paths", MCPZ_SERVICE_PATHS_MAX);
        return MCPZ_ECONFIG;
    }
    paths[*count] = strdup(text);
    if (paths[*count] == NULL) {
        return MCPZ_ENOMEM;
    }
    (*count)++;
    return MCPZ_OK;
}

static mcpz_error put_plugin(struct mcpz_service *provider, const char *text, char *why,
                             size_t capacity)
{
    if (text[0] == '\0' || strlen(text) > MCPZ_SERVICE_PLUGIN_BYTES_MAX ||
        !mcpz_bytes_is_utf8(mcpz_text(text))) {
        return refuse(why, capacity, text, "a name of at most 128 bytes");
    }
    if (provider->plugin_count == MCPZ_SERVICE_PLUGINS_MAX) {
        (void)snprintf(why, capacity, "more than %d plug-ins", MCPZ_SERVICE_PLUGINS_MAX);
        return MCPZ_ECONFIG;
    }
    provider->plugins[provider->plugin_count] = strdup(text);
    if (provider->plugins[provider->plugin_count] == NULL) {
        return MCPZ_ENOMEM;
    }
    provider->plugin_count++;
    return MCPZ_OK;
}

static mcpz_error put_isolation(struct mcpz_service *provider, const char *text, char *why,
                                size_t capacity)
{
    enum mcpz_isolation isolation = mcpz_isolation_from_word(text);

    if (isolation == MCPZ_ISOLATION_UNSAID) {
        return refuse(why, capacity, text, "strict, degraded or none");
    }
    provider->isolation = (uint8_t)isolation;
    return MCPZ_OK;
}

static bool read_truth(const char *text, bool *truth)
{
    *truth = strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0;
    return *truth || strcasecmp(text, "false") == 0 || strcasecmp(text, "no") == 0;
}

/* How long-lived workers are kept. False: it is no such value; `*wanted` says what is. */
static bool read_work(struct mcpz_service *provider, enum mcpz_service_key key, const char *text,
                      const char **wanted)
{
    bool good = false;

    switch ((int)key) {
    case MCPZ_SERVICE_MODE:
        good = strcasecmp(text, "task") == 0 || strcasecmp(text, "worker") == 0;
        provider->is_worker = good ? strcasecmp(text, "worker") == 0 : provider->is_worker;
        *wanted = "task or worker";
        break;
    case MCPZ_SERVICE_WORKERS:
        good = read_count(text, 1, MCPZ_SERVICE_WORKERS_MAX, &provider->workers);
        *wanted = "a number from 1 to 32";
        break;
    case MCPZ_SERVICE_CONCURRENCY:
        good = read_count(text, 1, MCPZ_SERVICE_CONCURRENCY_MAX, &provider->concurrency);
        *wanted = "a number from 1 to 16";
        break;
    case MCPZ_SERVICE_WARM:
        good = read_truth(text, &provider->warm);
        *wanted = "true or false";
        break;
    case MCPZ_SERVICE_RECYCLE_TASKS:
        good = read_count(text, 1, MCPZ_SERVICE_RECYCLE_TASKS_MAX, &provider->recycle_tasks);
        *wanted = "a number of tasks";
        break;
    case MCPZ_SERVICE_RECYCLE_TIME:
        good = read_seconds(text, &provider->recycle_seconds);
        *wanted = "a time from 1s to 7d, e.g. 90s, 5m or 1h";
        break;
    default:
        break;
    }
    return good;
}

/* The same, of limits. */
static bool read_limit(struct mcpz_service_limits *limits, enum mcpz_service_key key,
                       const char *text, const char **wanted)
{
    bool good = false;

    switch ((int)key) {
    case MCPZ_SERVICE_CPU:
        good = read_cores(text, &limits->cpu_milli);
        *wanted = "a number of cores from 0.1 to 1024, e.g. 2 or 0.5";
        break;
    case MCPZ_SERVICE_MEMORY:
        good = read_bytes(text, &limits->memory_bytes);
        *wanted = "from 1MiB to 16TiB, e.g. 4GiB";
        break;
    case MCPZ_SERVICE_DISK:
        good = read_bytes(text, &limits->disk_bytes);
        *wanted = "from 1MiB to 16TiB, e.g. 10GiB";
        break;
    case MCPZ_SERVICE_FILES:
        good = read_count(text, MCPZ_LIMIT_FILES_MIN, MCPZ_LIMIT_FILES_MAX, &limits->files);
        *wanted = "a number from 16 to 1048576";
        break;
    case MCPZ_SERVICE_PROCESSES:
        good = read_count(text, 1, MCPZ_LIMIT_PROCESSES_MAX, &limits->processes);
        *wanted = "a number from 1 to 4096";
        break;
    case MCPZ_SERVICE_TIME:
        good = read_seconds(text, &limits->seconds);
        *wanted = "a time from 1s to 7d, e.g. 90s, 5m or 1h";
        break;
    default:
        break;
    }
    return good;
}

mcpz_error mcpz_service_put(struct mcpz_service *provider, enum mcpz_service_key key,
                            const char *text, char *why, size_t capacity)
{
    const char *wanted = "";
    bool good = false;

    switch (key) {
    case MCPZ_SERVICE_ISOLATION:
        return put_isolation(provider, text, why, capacity);
    case MCPZ_SERVICE_READ:
        return put_path(provider->reads, &provider->read_count, text, why, capacity);
    case MCPZ_SERVICE_WRITE:
        return put_path(provider->writes, &provider->write_count, text, why, capacity);
    case MCPZ_SERVICE_NETWORK:
        good = read_truth(text, &provider->network);
        wanted = "true or false";
        break;
    case MCPZ_SERVICE_SOCKETS:
        good = read_truth(text, &provider->sockets);
        wanted = "true or false";
        break;
    case MCPZ_SERVICE_PLUGIN:
        return put_plugin(provider, text, why, capacity);
    case MCPZ_SERVICE_MODE:
    case MCPZ_SERVICE_WORKERS:
    case MCPZ_SERVICE_CONCURRENCY:
    case MCPZ_SERVICE_WARM:
    case MCPZ_SERVICE_RECYCLE_TASKS:
    case MCPZ_SERVICE_RECYCLE_TIME:
        good = read_work(provider, key, text, &wanted);
        break;
    case MCPZ_SERVICE_CPU:
    case MCPZ_SERVICE_MEMORY:
    case MCPZ_SERVICE_DISK:
    case MCPZ_SERVICE_FILES:
    case MCPZ_SERVICE_PROCESSES:
    case MCPZ_SERVICE_TIME:
        good = read_limit(&provider->limits, key, text, &wanted);
        break;
    case MCPZ_SERVICE_KEY_COUNT:
        break;
    }
    return good ? MCPZ_OK : refuse(why, capacity, text, wanted);
}

/* ---- Words -------------------------------------------------------------------------------- */

const char *mcpz_service_key_name(enum mcpz_service_key key)
{
    static const char *const names[MCPZ_SERVICE_KEY_COUNT] = {
        [MCPZ_SERVICE_ISOLATION] = "isolation",
        [MCPZ_SERVICE_NETWORK] = "network",
        [MCPZ_SERVICE_SOCKETS] = "sockets",
        [MCPZ_SERVICE_READ] = "read",
        [MCPZ_SERVICE_WRITE] = "write",
        [MCPZ_SERVICE_MODE] = "mode",
        [MCPZ_SERVICE_WORKERS] = "workers",
        [MCPZ_SERVICE_CONCURRENCY] = "concurrency",
        [MCPZ_SERVICE_WARM] = "warm",
        [MCPZ_SERVICE_PLUGIN] = "plugins",
        [MCPZ_SERVICE_RECYCLE_TASKS] = "recycle.tasks",
        [MCPZ_SERVICE_RECYCLE_TIME] = "recycle.time",
        [MCPZ_SERVICE_CPU] = "limits.cpu",
        [MCPZ_SERVICE_MEMORY] = "limits.memory",
        [MCPZ_SERVICE_DISK] = "limits.disk",
        [MCPZ_SERVICE_FILES] = "limits.files",
        [MCPZ_SERVICE_PROCESSES] = "limits.processes",
        [MCPZ_SERVICE_TIME] = "limits.time",
    };

    assert(key < MCPZ_SERVICE_KEY_COUNT);
    return names[key];
}

static const char *const isolation_words[] = {
    [MCPZ_ISOLATION_UNSAID] = "",
    [MCPZ_ISOLATION_NONE] = "none",
    [MCPZ_ISOLATION_DEGRADED] = "degraded",
    [MCPZ_ISOLATION_STRICT] = "strict",
};

const char *mcpz_isolation_word(enum mcpz_isolation isolation)
{
    assert(isolation < MCPZ_ARRAY_LEN(isolation_words));
    return isolation_words[isolation];
}

enum mcpz_isolation mcpz_isolation_from_word(const char *word)
{
    for (size_t i = MCPZ_ISOLATION_NONE; i < MCPZ_ARRAY_LEN(isolation_words); i++) {
        if (strcasecmp(isolation_words[i], word) == 0) {
            return (enum mcpz_isolation)i;
        }
    }
    return MCPZ_ISOLATION_UNSAID;
}

static size_t show_paths(const char *word, char *const *paths, size_t count, char *text,
                         size_t capacity)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count && used < capacity; i++) {
        int length = snprintf(text + used, capacity - used, "%s%s", i == 0 ? word : ",", paths[i]);
        used += length > 0 ? (size_t)length : 0;
    }
    return used < capacity ? used : capacity - 1;
}

void mcpz_service_show(const struct mcpz_service *provider, char *text, size_t capacity)
{
    const struct mcpz_service_limits *limits = &provider->limits;
    int length =
        snprintf(text, capacity,
                 "isolation=%s network=%s sockets=%s cpu=%u.%03u memory=%lluMiB disk=%lluMiB "
                 "files=%u processes=%u "
                 "time=%us",
                 provider->isolation == MCPZ_ISOLATION_UNSAID
                     ? "default"
                     : mcpz_isolation_word((enum mcpz_isolation)provider->isolation),
                 provider->network ? "true" : "false", provider->sockets ? "true" : "false",
                 limits->cpu_milli / 1000, limits->cpu_milli % 1000,
                 (unsigned long long)(limits->memory_bytes >> 20),
                 (unsigned long long)(limits->disk_bytes >> 20), limits->files, limits->processes,
                 limits->seconds);

    if (length < 0 || (size_t)length >= capacity) {
        return;
    }
    size_t used = (size_t)length;
    used +=
        show_paths(" read=", provider->reads, provider->read_count, text + used, capacity - used);
    (void)show_paths(" write=", provider->writes, provider->write_count, text + used,
                     capacity - used);
}
