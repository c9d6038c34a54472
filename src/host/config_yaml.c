#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/config_keys.h"
#include "host/rows.h"
#include "host/yaml_check.h"

/* ---- The file, as libcyaml lays it out. All texts: what they mean is said in config_keys.c  */

struct provider_file {
    char *name;
    char *command;
    char *isolation;
    char *network;
    char *sockets;
    char **read;
    unsigned read_count;
    char **write;
    unsigned write_count;
    char *mode;
    char *workers;
    char *size; /* of a pool: its workers */
    char *concurrency;
    char *warm;
    char **plugins;
    unsigned plugins_count;
    struct {
        char *tasks;
        char *time;
    } recycle;
    struct {
        char *cpu;
        char *memory;
        char *disk;
        char *files;
        char *processes;
        char *time;
    } limits;
};

struct tenant_file {
    char *name;
    char *level;
};

struct rule_file {
    char *pattern;
    char *route;
};

struct config_file {
    char *data;
    char *name;
    char *region;
    char *zone;
    char **roles;
    unsigned roles_count;
    struct {
        char *enabled;
        char *listen;
        char *advertise;
        char *max_direct_peers;
        char **bootstrap;
        unsigned bootstrap_count;
    } mesh;
    struct {
        char *listen;
        char **keys;
        unsigned keys_count;
        char *jwt_secret;
        char *jwt_public_key;
        char *jwt_issuer;
        char *jwt_audience;
        char *connections;
        char *idle_seconds;
    } api;
    struct provider_file *providers;
    unsigned providers_count;
    struct provider_file *pools;
    unsigned pools_count;
    struct {
        char *isolation;
        char *max;
    } workspaces;
    struct {
        char *store_bytes;
        char *tenant_level;
        char *calls_per_second;
        char *stop_seconds;
    } limits;
    struct {
        char *source;
        char *module;
        char *token;
        char *object;
        char *pin;
    } keys;
    struct {
        char *repair;
        char *compact;
    } store;
    struct {
        char *history;
        char *grace;
    } agents;
    struct {
        char *repair_after;
        char *clear_after;
    } blobs;
    struct {
        char *every;
        char *keep;
    } snapshots;
    struct {
        char *attempts;
        char *backoff_ms;
        char *ttl_seconds;
        char *lease_seconds;
        char *hold_seconds;
        char *grace_seconds;
        char *retention_seconds;
    } tasks;
    struct tenant_file *tenants;
    unsigned tenants_count;
    struct rule_file *rules;
    unsigned rules_count;
    struct {
        char *level;
        char *format;
        char *file;
    } log;
};

#define OPTIONAL (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define TEXT_FIELD(key, member)                                                                   \
    CYAML_FIELD_STRING_PTR(key, OPTIONAL, struct config_file, member, 0,                          \
                           MCPZ_CONFIG_TEXT_BYTES_MAX)

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, MCPZ_CONFIG_TEXT_BYTES_MAX),
};

/*
 * The members of the inner structs are addressed from the start of the file's struct, so their
 * mappings are laid at its start too.
 */
#define GROUP_FIELD_OF(type, group, fields)                                                       \
    {                                                                                             \
        .key = (group), .data_offset = 0, .value = {                                              \
            CYAML_VALUE_MAPPING(CYAML_FLAG_OPTIONAL, type, fields)                                \
        }                                                                                         \
    }
#define GROUP_FIELD(group, fields) GROUP_FIELD_OF(struct config_file, group, fields)

static const cyaml_schema_field_t mesh_fields[] = {
    TEXT_FIELD("enabled", mesh.enabled),
    TEXT_FIELD("listen", mesh.listen),
    TEXT_FIELD("advertise", mesh.advertise),
    TEXT_FIELD("max_direct_peers", mesh.max_direct_peers),
    CYAML_FIELD_SEQUENCE("bootstrap", OPTIONAL, struct config_file, mesh.bootstrap, &text_value, 0,
                         MCPZ_SEEDS_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t api_fields[] = {
    TEXT_FIELD("listen", api.listen),
    CYAML_FIELD_SEQUENCE("keys", OPTIONAL, struct config_file, api.keys, &text_value, 0,
                         MCPZ_API_KEYS_MAX),
    TEXT_FIELD("jwt_secret", api.jwt_secret),
    TEXT_FIELD("jwt_public_key", api.jwt_public_key),
    TEXT_FIELD("jwt_issuer", api.jwt_issuer),
    TEXT_FIELD("jwt_audience", api.jwt_audience),
    TEXT_FIELD("connections", api.connections),
    TEXT_FIELD("idle_seconds", api.idle_seconds),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t limits_fields[] = {
    TEXT_FIELD("store_bytes", limits.store_bytes),
    TEXT_FIELD("tenant_level", limits.tenant_level),
    TEXT_FIELD("calls_per_second", limits.calls_per_second),
    TEXT_FIELD("stop_seconds", limits.stop_seconds),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t keys_fields[] = {
    TEXT_FIELD("source", keys.source), TEXT_FIELD("module", keys.module),
    TEXT_FIELD("token", keys.token),   TEXT_FIELD("object", keys.object),
    TEXT_FIELD("pin", keys.pin),       CYAML_FIELD_END,
};

static const cyaml_schema_field_t store_fields[] = {
    TEXT_FIELD("repair", store.repair),
    TEXT_FIELD("compact", store.compact),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t agents_fields[] = {
    TEXT_FIELD("history", agents.history),
    TEXT_FIELD("grace", agents.grace),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t blobs_fields[] = {
    TEXT_FIELD("repair_after", blobs.repair_after),
    TEXT_FIELD("clear_after", blobs.clear_after),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t snapshots_fields[] = {
    TEXT_FIELD("every", snapshots.every),
    TEXT_FIELD("keep", snapshots.keep),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t tasks_fields[] = {
    TEXT_FIELD("attempts", tasks.attempts),
    TEXT_FIELD("backoff_ms", tasks.backoff_ms),
    TEXT_FIELD("ttl_seconds", tasks.ttl_seconds),
    TEXT_FIELD("lease_seconds", tasks.lease_seconds),
    TEXT_FIELD("hold_seconds", tasks.hold_seconds),
    TEXT_FIELD("grace_seconds", tasks.grace_seconds),
    TEXT_FIELD("retention_seconds", tasks.retention_seconds),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t log_fields[] = {
    TEXT_FIELD("level", log.level),
    TEXT_FIELD("format", log.format),
    TEXT_FIELD("file", log.file),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t workspaces_fields[] = {
    TEXT_FIELD("isolation", workspaces.isolation),
    TEXT_FIELD("max", workspaces.max),
    CYAML_FIELD_END,
};

#define PROVIDER_TEXT(key, member)                                                                \
    CYAML_FIELD_STRING_PTR(key, OPTIONAL, struct provider_file, member, 0,                        \
                           MCPZ_CONFIG_TEXT_BYTES_MAX)

static const cyaml_schema_field_t provider_limits_fields[] = {
    PROVIDER_TEXT("cpu", limits.cpu),
    PROVIDER_TEXT("memory", limits.memory),
    PROVIDER_TEXT("disk", limits.disk),
    PROVIDER_TEXT("files", limits.files),
    PROVIDER_TEXT("processes", limits.processes),
    PROVIDER_TEXT("time", limits.time),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t provider_recycle_fields[] = {
    PROVIDER_TEXT("tasks", recycle.tasks),
    PROVIDER_TEXT("time", recycle.time),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t provider_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct provider_file, name, 0,
                           MCPZ_CONFIG_TEXT_BYTES_MAX),
    CYAML_FIELD_STRING_PTR("command", CYAML_FLAG_POINTER, struct provider_file, command, 0,
                           MCPZ_COMMAND_BYTES_MAX),
    PROVIDER_TEXT("isolation", isolation),
    PROVIDER_TEXT("network", network),
    PROVIDER_TEXT("sockets", sockets),
    CYAML_FIELD_SEQUENCE("read", OPTIONAL, struct provider_file, read, &text_value, 0,
                         MCPZ_SERVICE_PATHS_MAX),
    CYAML_FIELD_SEQUENCE("write", OPTIONAL, struct provider_file, write, &text_value, 0,
                         MCPZ_SERVICE_PATHS_MAX),
    PROVIDER_TEXT("mode", mode),
    PROVIDER_TEXT("workers", workers),
    PROVIDER_TEXT("concurrency", concurrency),
    PROVIDER_TEXT("warm", warm),
    CYAML_FIELD_SEQUENCE("plugins", OPTIONAL, struct provider_file, plugins, &text_value, 0,
                         MCPZ_SERVICE_PLUGINS_MAX),
    GROUP_FIELD_OF(struct provider_file, "recycle", provider_recycle_fields),
    GROUP_FIELD_OF(struct provider_file, "limits", provider_limits_fields),
    CYAML_FIELD_END,
};

/* A pool's workers are no providers: they have no mode, and as many as its size. */
static const cyaml_schema_field_t pool_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct provider_file, name, 0,
                           MCPZ_CONFIG_TEXT_BYTES_MAX),
    CYAML_FIELD_STRING_PTR("command", CYAML_FLAG_POINTER, struct provider_file, command, 0,
                           MCPZ_COMMAND_BYTES_MAX),
    PROVIDER_TEXT("size", size),
    PROVIDER_TEXT("isolation", isolation),
    PROVIDER_TEXT("network", network),
    PROVIDER_TEXT("sockets", sockets),
    CYAML_FIELD_SEQUENCE("read", OPTIONAL, struct provider_file, read, &text_value, 0,
                         MCPZ_SERVICE_PATHS_MAX),
    CYAML_FIELD_SEQUENCE("write", OPTIONAL, struct provider_file, write, &text_value, 0,
                         MCPZ_SERVICE_PATHS_MAX),
    PROVIDER_TEXT("warm", warm),
    CYAML_FIELD_SEQUENCE("plugins", OPTIONAL, struct provider_file, plugins, &text_value, 0,
                         MCPZ_SERVICE_PLUGINS_MAX),
    GROUP_FIELD_OF(struct provider_file, "limits", provider_limits_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t pool_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct provider_file, pool_fields),
};

static const cyaml_schema_value_t provider_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct provider_file, provider_fields),
};

static const cyaml_schema_field_t tenant_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct tenant_file, name, 0,
                           MCPZ_CONFIG_TEXT_BYTES_MAX),
    CYAML_FIELD_STRING_PTR("level", CYAML_FLAG_POINTER, struct tenant_file, level, 0,
                           MCPZ_CONFIG_TEXT_BYTES_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t tenant_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct tenant_file, tenant_fields),
};

static const cyaml_schema_field_t rule_fields[] = {
    CYAML_FIELD_STRING_PTR("pattern", CYAML_FLAG_POINTER, struct rule_file, pattern, 0,
                           MCPZ_CONFIG_TEXT_BYTES_MAX),
    CYAML_FIELD_STRING_PTR("route", CYAML_FLAG_POINTER, struct rule_file, route, 0,
                           MCPZ_CONFIG_TEXT_BYTES_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t rule_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct rule_file, rule_fields),
};

static const cyaml_schema_field_t file_fields[] = {
    TEXT_FIELD("data", data),
    TEXT_FIELD("name", name),
    TEXT_FIELD("region", region),
    TEXT_FIELD("zone", zone),
    CYAML_FIELD_SEQUENCE("roles", OPTIONAL, struct config_file, roles, &text_value, 0,
                         MCPZ_ROLES_MAX),
    GROUP_FIELD("mesh", mesh_fields),
    GROUP_FIELD("api", api_fields),
    CYAML_FIELD_SEQUENCE("providers", OPTIONAL, struct config_file, providers, &provider_value, 0,
                         MCPZ_PROVIDERS_MAX),
    CYAML_FIELD_SEQUENCE("pools", OPTIONAL, struct config_file, pools, &pool_value, 0,
                         MCPZ_AGENT_POOLS_MAX),
    GROUP_FIELD("workspaces", workspaces_fields),
    GROUP_FIELD("limits", limits_fields),
    GROUP_FIELD("store", store_fields),
    GROUP_FIELD("agents", agents_fields),
    GROUP_FIELD("blobs", blobs_fields),
    GROUP_FIELD("keys", keys_fields),
    GROUP_FIELD("snapshots", snapshots_fields),
    GROUP_FIELD("tasks", tasks_fields),
    CYAML_FIELD_SEQUENCE("tenants", OPTIONAL, struct config_file, tenants, &tenant_value, 0,
                         MCPZ_TENANTS_MAX),
    CYAML_FIELD_SEQUENCE("rules", OPTIONAL, struct config_file, rules, &rule_value, 0,
                         MCPZ_RULES_MAX),
    GROUP_FIELD("log", log_fields),
    CYAML_FIELD_IGNORE("mcp", CYAML_FLAG_OPTIONAL), /* has names for keys: host/mcp_server.h */
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t file_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config_file, file_fields),
};

static_assert(MCPZ_YAML_PLACES_MAX >=
                  45 + MCPZ_ROLES_MAX + MCPZ_SEEDS_MAX + MCPZ_API_KEYS_MAX +
                      (MCPZ_PROVIDERS_MAX + MCPZ_AGENT_POOLS_MAX) *
                          (2 + MCPZ_SERVICE_KEY_COUNT + 2 * MCPZ_SERVICE_PATHS_MAX +
                           MCPZ_SERVICE_PLUGINS_MAX) +
                      2 * MCPZ_TENANTS_MAX + 2 * MCPZ_RULES_MAX,
              "every value of a file has its line");

/* ---- From there into the configuration ---------------------------------------------------- */

struct reading {
    struct mcpz_config *config;
    const char *path;
    struct mcpz_yaml_places places;
    struct mcpz_config_trouble *trouble;
};

/* `text` may be NULL: not given. `name` is that of a provider or tenant, else NULL. */
static mcpz_error take(struct reading *reading, enum mcpz_key key, size_t index, const char *name,
                       const char *text)
{
    const char *words = mcpz_key_rows[key].name;
    char path[64];
    char place[512];

    if (text == NULL) {
        return MCPZ_OK;
    }
    const char *named = key == MCPZ_KEY_RULES ? ".pattern" : ".name";
    (void)snprintf(path, sizeof(path), "%s%s", words, name != NULL ? named : "");
    (void)snprintf(place, sizeof(place), "%s:%zu: %s", reading->path,
                   mcpz_yaml_line(&reading->places, path, index), words);
    return mcpz_config_put(reading->config,
                           &(struct mcpz_setting){
                               .key = key,
                               .origin = MCPZ_FROM_FILE,
                               .place = place,
                               .name = name,
                               .text = text,
                           },
                           reading->trouble);
}

static mcpz_error take_list(struct reading *reading, enum mcpz_key key, char *const *texts,
                            size_t count)
{
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < count && error == MCPZ_OK; i++) {
        error = take(reading, key, i, NULL, texts[i]);
    }
    return error;
}

struct said {
    enum mcpz_service_key key;
    const char *text;
};

/* The provider that stands at `index` in the file; NULL if one from elsewhere goes before it. */
static struct mcpz_service *taken(const struct reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->config->provider_count; i++) {
        struct mcpz_service *provider = &reading->config->providers[i];
        if (strcmp(provider->name, name) == 0 && provider->origin == MCPZ_FROM_FILE) {
            return provider;
        }
    }
    return NULL;
}

static mcpz_error take_said(struct reading *reading, struct mcpz_service *service,
                            const char *group, size_t index, const struct said *said)
{
    const char *name = mcpz_service_key_name(said->key);
    bool is_list = said->key == MCPZ_SERVICE_READ || said->key == MCPZ_SERVICE_WRITE ||
                   said->key == MCPZ_SERVICE_PLUGIN;
    char path[64];
    char place[512];
    char why[512];

    /* Entries of a list inside a list have no line of their own: that of the service has to do. */
    (void)snprintf(path, sizeof(path), "%s.%s", group, is_list ? "name" : name);
    (void)snprintf(place, sizeof(place), "%s:%zu: %s.%s", reading->path,
                   mcpz_yaml_line(&reading->places, path, index), group, name);
    mcpz_error error = mcpz_service_put(service, said->key, said->text, why, sizeof(why));
    return error == MCPZ_ECONFIG ? mcpz_config_refuse(reading->trouble, place, "%s", why) : error;
}

static mcpz_error take_service(struct reading *reading, struct mcpz_service *service,
                               const char *group, size_t index, const struct provider_file *file)
{
    const struct said said[] = {
        {MCPZ_SERVICE_ISOLATION, file->isolation},
        {MCPZ_SERVICE_NETWORK, file->network},
        {MCPZ_SERVICE_SOCKETS, file->sockets},
        {MCPZ_SERVICE_MODE, file->mode},
        {MCPZ_SERVICE_WORKERS, file->workers},
        {MCPZ_SERVICE_CONCURRENCY, file->concurrency},
        {MCPZ_SERVICE_WARM, file->warm},
        {MCPZ_SERVICE_RECYCLE_TASKS, file->recycle.tasks},
        {MCPZ_SERVICE_RECYCLE_TIME, file->recycle.time},
        {MCPZ_SERVICE_CPU, file->limits.cpu},
        {MCPZ_SERVICE_MEMORY, file->limits.memory},
        {MCPZ_SERVICE_DISK, file->limits.disk},
        {MCPZ_SERVICE_FILES, file->limits.files},
        {MCPZ_SERVICE_PROCESSES, file->limits.processes},
        {MCPZ_SERVICE_TIME, file->limits.time},
    };
    const struct {
        enum mcpz_service_key key;
        char *const *texts;
        size_t count;
    } lists[] = {
        {MCPZ_SERVICE_READ, file->read, file->read_count},
        {MCPZ_SERVICE_WRITE, file->write, file->write_count},
        {MCPZ_SERVICE_PLUGIN, file->plugins, file->plugins_count},
    };
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(said) && error == MCPZ_OK; i++) {
        if (said[i].text != NULL) {
            error = take_said(reading, service, group, index, &said[i]);
        }
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(lists); i++) {
        for (size_t j = 0; j < lists[i].count && error == MCPZ_OK; j++) {
            error = take_said(reading, service, group, index,
                              &(struct said){lists[i].key, lists[i].texts[j]});
        }
    }
    return error;
}

static mcpz_error take_provider(struct reading *reading, size_t index,
                                const struct provider_file *file)
{
    mcpz_error error = take(reading, MCPZ_KEY_PROVIDERS, index, file->name, file->command);
    struct mcpz_service *provider = error == MCPZ_OK ? taken(reading, file->name) : NULL;

    return provider != NULL ? take_service(reading, provider, "providers", index, file) : error;
}

/* A name follows the rules of a provider's, but has its own space. */
static mcpz_error take_pool(struct reading *reading, size_t index,
                            const struct provider_file *file)
{
    struct mcpz_config *config = reading->config;
    char place[512];

    (void)snprintf(place, sizeof(place), "%s:%zu: pools.name", reading->path,
                   mcpz_yaml_line(&reading->places, "pools.name", index));
    mcpz_error error =
        mcpz_config_check_service(place, file->name, file->command, reading->trouble);
    for (size_t i = 0; i < config->pool_count && error == MCPZ_OK; i++) {
        if (strcmp(config->pools[i].name, file->name) == 0) {
            return mcpz_config_refuse(reading->trouble, place, "is given twice");
        }
    }
    if (error != MCPZ_OK) {
        return error;
    }
    struct mcpz_service *grown = mcpz_rows_grow(config->pools, config->pool_count, sizeof(*grown));
    if (grown == NULL) {
        return MCPZ_ENOMEM;
    }
    config->pools = grown;
    struct mcpz_service *service = &config->pools[config->pool_count];
    mcpz_service_init(service);
    service->is_worker = true;
    service->name = strdup(file->name);
    service->command = strdup(file->command);
    config->pool_count++;
    if (service->name == NULL || service->command == NULL) {
        return MCPZ_ENOMEM;
    }
    const struct said size = {MCPZ_SERVICE_WORKERS, file->size};
    error = file->size != NULL ? take_said(reading, service, "pools", index, &size) : MCPZ_OK;
    return error == MCPZ_OK ? take_service(reading, service, "pools", index, file) : error;
}

static mcpz_error take_lists(struct reading *reading, const struct config_file *file)
{
    mcpz_error error = take_list(reading, MCPZ_KEY_ROLES, file->roles, file->roles_count);

    if (error == MCPZ_OK) {
        error = take_list(reading, MCPZ_KEY_BOOTSTRAP, file->mesh.bootstrap,
                          file->mesh.bootstrap_count);
    }
    if (error == MCPZ_OK) {
        error = take_list(reading, MCPZ_KEY_API_KEYS, file->api.keys, file->api.keys_count);
    }
    for (size_t i = 0; i < file->providers_count && error == MCPZ_OK; i++) {
        error = take_provider(reading, i, &file->providers[i]);
    }
    for (size_t i = 0; i < file->pools_count && error == MCPZ_OK; i++) {
        error = take_pool(reading, i, &file->pools[i]);
    }
    for (size_t i = 0; i < file->tenants_count && error == MCPZ_OK; i++) {
        error = take(reading, MCPZ_KEY_TENANTS, i, file->tenants[i].name, file->tenants[i].level);
    }
    for (size_t i = 0; i < file->rules_count && error == MCPZ_OK; i++) {
        const char *route = file->rules[i].route; /* one without is no rule, and said to be none */
        error =
            take(reading, MCPZ_KEY_RULES, i, file->rules[i].pattern, route != NULL ? route : "");
    }
    return error;
}

static mcpz_error take_file(struct reading *reading, const struct config_file *file)
{
    const struct {
        enum mcpz_key key;
        const char *text;
    } texts[] = {
        {MCPZ_KEY_DATA, file->data},
        {MCPZ_KEY_NAME, file->name},
        {MCPZ_KEY_REGION, file->region},
        {MCPZ_KEY_ZONE, file->zone},
        {MCPZ_KEY_ENABLED, file->mesh.enabled},
        {MCPZ_KEY_LISTEN, file->mesh.listen},
        {MCPZ_KEY_ADVERTISE, file->mesh.advertise},
        {MCPZ_KEY_API, file->api.listen},
        {MCPZ_KEY_JWT_SECRET, file->api.jwt_secret},
        {MCPZ_KEY_JWT_KEY, file->api.jwt_public_key},
        {MCPZ_KEY_JWT_ISSUER, file->api.jwt_issuer},
        {MCPZ_KEY_API_CONNECTIONS, file->api.connections},
        {MCPZ_KEY_API_IDLE, file->api.idle_seconds},
        {MCPZ_KEY_JWT_AUDIENCE, file->api.jwt_audience},
        {MCPZ_KEY_DIRECT_PEERS, file->mesh.max_direct_peers},
        {MCPZ_KEY_ISOLATION, file->workspaces.isolation},
        {MCPZ_KEY_WORKSPACES, file->workspaces.max},
        {MCPZ_KEY_STORE_BYTES, file->limits.store_bytes},
        {MCPZ_KEY_TENANT_LEVEL, file->limits.tenant_level},
        {MCPZ_KEY_CALLS_PER_SECOND, file->limits.calls_per_second},
        {MCPZ_KEY_STOP_SECONDS, file->limits.stop_seconds},
        {MCPZ_KEY_NODE_KEY_SOURCE, file->keys.source},
        {MCPZ_KEY_NODE_KEY_MODULE, file->keys.module},
        {MCPZ_KEY_NODE_KEY_TOKEN, file->keys.token},
        {MCPZ_KEY_NODE_KEY_OBJECT, file->keys.object},
        {MCPZ_KEY_NODE_KEY_PIN, file->keys.pin},
        {MCPZ_KEY_STORE_REPAIR, file->store.repair},
        {MCPZ_KEY_STORE_COMPACT, file->store.compact},
        {MCPZ_KEY_AGENTS_HISTORY, file->agents.history},
        {MCPZ_KEY_AGENTS_GRACE, file->agents.grace},
        {MCPZ_KEY_BLOBS_REPAIR_AFTER, file->blobs.repair_after},
        {MCPZ_KEY_BLOBS_CLEAR_AFTER, file->blobs.clear_after},
        {MCPZ_KEY_SNAPSHOTS_EVERY, file->snapshots.every},
        {MCPZ_KEY_SNAPSHOTS_KEEP, file->snapshots.keep},
        {MCPZ_KEY_TASK_ATTEMPTS, file->tasks.attempts},
        {MCPZ_KEY_TASK_BACKOFF, file->tasks.backoff_ms},
        {MCPZ_KEY_TASK_TTL, file->tasks.ttl_seconds},
        {MCPZ_KEY_TASK_LEASE, file->tasks.lease_seconds},
        {MCPZ_KEY_TASK_HOLD, file->tasks.hold_seconds},
        {MCPZ_KEY_TASK_GRACE, file->tasks.grace_seconds},
        {MCPZ_KEY_TASK_RETENTION, file->tasks.retention_seconds},
        {MCPZ_KEY_LOG_LEVEL, file->log.level},
        {MCPZ_KEY_LOG_FORMAT, file->log.format},
        {MCPZ_KEY_LOG_FILE, file->log.file},
    };
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(texts) && error == MCPZ_OK; i++) {
        error = take(reading, texts[i].key, 0, NULL, texts[i].text);
    }
    return error == MCPZ_OK ? take_lists(reading, file) : error;
}

/* After the check nothing is left for libcyaml to refuse; if there is, its words have to do. */
static void on_cyaml(cyaml_log_t level, void *context, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void on_cyaml(cyaml_log_t level, void *context, const char *format, va_list args)
{
    struct mcpz_config_trouble *trouble = context;

    if (level == CYAML_LOG_ERROR && trouble->text[0] == '\0') {
        (void)vsnprintf(trouble->text, sizeof(trouble->text), format, args);
    }
}

static mcpz_error load(struct reading *reading, const uint8_t *bytes, size_t length)
{
    struct mcpz_config_trouble said = {.text = ""};
    const cyaml_config_t config = {
        .log_fn = on_cyaml,
        .log_ctx = &said,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS,
    };
    cyaml_data_t *data = NULL;

    cyaml_err_t result = cyaml_load_data(bytes, length, &config, &file_value, &data, NULL);
    if (result == CYAML_ERR_OOM) {
        return MCPZ_ENOMEM;
    }
    if (result != CYAML_OK) {
        return mcpz_config_refuse(reading->trouble, reading->path, "%s (%s)", said.text,
                                  cyaml_strerror(result));
    }
    mcpz_error error = take_file(reading, (const struct config_file *)data);
    (void)cyaml_free(&config, &file_value, data, 0);
    return error;
}

mcpz_error mcpz_config_read_bytes(struct mcpz_config *config, const char *path,
                                  const uint8_t *bytes, size_t length,
                                  struct mcpz_config_trouble *trouble)
{
    struct reading reading = {.config = config, .path = path, .trouble = trouble};
    bool is_empty;

    trouble->text[0] = '\0';
    if (length == 0) {
        /* More likely lost than meant; and a node that forgets its mesh makes one of its own. */
        return mcpz_config_refuse(trouble, path,
                                  "the file is empty: write a key into it, or a comment");
    }
    if (length > MCPZ_CONFIG_FILE_BYTES_MAX) {
        return mcpz_config_refuse(trouble, path, "the file is larger than %d bytes",
                                  MCPZ_CONFIG_FILE_BYTES_MAX);
    }
    mcpz_error error = mcpz_yaml_check(mcpz_bytes(bytes, length), path, &file_value,
                                       &reading.places, &is_empty, trouble);
    if (error != MCPZ_OK || is_empty) {
        return error;
    }
    error = load(&reading, bytes, length);
    if (error == MCPZ_OK) {
        error = mcpz_mcp_servers_read(mcpz_bytes(bytes, length), path, &config->mcp, trouble);
    }
    return error;
}

static mcpz_error read_whole(const char *path, uint8_t *bytes, size_t capacity, size_t *length,
                             struct mcpz_config_trouble *trouble)
{
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        errno = 0;
        *length = fread(bytes, 1, capacity, file);
        int reason = ferror(file) != 0 ? errno : 0;
        (void)fclose(file);
        errno = reason;
    }
    if (file == NULL || errno != 0) {
        char reason[64];
        (void)mcpz_config_refuse(trouble, path, "cannot be read: %s",
                                 strerror_r(errno, reason, sizeof(reason)));
        return MCPZ_EIO;
    }
    return MCPZ_OK;
}

mcpz_error mcpz_config_read_file(struct mcpz_config *config, const char *path,
                                 struct mcpz_config_trouble *trouble)
{
    const size_t capacity = MCPZ_CONFIG_FILE_BYTES_MAX + 1;
    size_t length = 0;
    uint8_t *bytes = malloc(capacity);
    char *copy = strdup(path);
    mcpz_error error = MCPZ_ENOMEM;

    if (bytes == NULL || copy == NULL) {
        goto fail;
    }
    error = read_whole(path, bytes, capacity, &length, trouble);
    if (error == MCPZ_OK) {
        error = mcpz_config_read_bytes(config, path, bytes, length, trouble);
    }
    if (error != MCPZ_OK) {
        goto fail;
    }
    free(config->file);
    config->file = copy;
    copy = NULL;
fail:
    free(bytes);
    free(copy);
    return error;
}
