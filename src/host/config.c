#include "host/config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/config_keys.h"
#include "proto/cert.h"

#define SHOWN_LIST_BYTES 8192 /* MCPZ_SEEDS_MAX addresses, or MCPZ_ROLES_MAX roles */

static_assert(MCPZ_SEEDS_MAX * (MCPZ_ADDRESS_BYTES_MAX + 2) < SHOWN_LIST_BYTES, "a list is shown");
static_assert(MCPZ_TENANTS_MAX * (MCPZ_TENANT_BYTES_MAX + 12) < SHOWN_LIST_BYTES, "so is that");
static_assert(MCPZ_TOKEN_TEXT_BYTES_MAX >= MCPZ_CONFIG_TEXT_BYTES_MAX,
              "an item's buffer holds both");

/* ---- Life --------------------------------------------------------------------------------- */

mcpz_error mcpz_config_init(struct mcpz_config *config)
{
    *config = (struct mcpz_config){
        .data = strdup("./var"),
        .listen = strdup("127.0.0.1:8765"),
        .log_level = strdup("info"),
        .log_format = strdup("auto"),
        .isolation = strdup("degraded"),
        .store_repair = strdup("auto"),
        .history_seconds = MCPZ_HISTORY_SECONDS_DEFAULT,
        .grace_seconds = MCPZ_GRACE_SECONDS_DEFAULT,
        .keys_source = strdup(MCPZ_KEYS_AUTO),
        .blob_repair_seconds = MCPZ_BLOB_REPAIR_SECONDS_DEFAULT,
        .blob_clear_seconds = MCPZ_BLOB_CLEAR_SECONDS_DEFAULT,
        .snapshots_kept = MCPZ_SNAPSHOTS_KEPT_DEFAULT,
        .workspaces_max = MCPZ_WORKSPACES_DEFAULT,
        .api_connections = MCPZ_API_CONNECTIONS_DEFAULT,
        .api_idle_seconds = MCPZ_API_IDLE_SECONDS_DEFAULT,
        .mesh_enabled = true,
        .max_direct_peers = MCPZ_DIRECT_PEERS_DEFAULT,
        .store_bytes_max = MCPZ_STORE_BYTES_DEFAULT,
        .stop_seconds = MCPZ_STOP_SECONDS_DEFAULT,
        .timing = mcpz_timing_or_default(&(struct mcpz_node_timing){0}),
    };
    if (config->data == NULL || config->listen == NULL || config->log_level == NULL ||
        config->log_format == NULL || config->isolation == NULL || config->store_repair == NULL ||
        config->keys_source == NULL) {
        mcpz_config_finish(config);
        return MCPZ_ENOMEM;
    }
    return MCPZ_OK;
}

void mcpz_config_finish(struct mcpz_config *config)
{
    for (size_t i = 0; i < config->role_count; i++) {
        free(config->roles[i]);
    }
    for (size_t i = 0; i < config->bootstrap_count; i++) {
        free(config->bootstrap[i]);
    }
    for (size_t i = 0; i < config->provider_count; i++) {
        mcpz_service_finish(&config->providers[i]);
    }
    for (size_t i = 0; i < config->pool_count; i++) {
        mcpz_service_finish(&config->pools[i]);
    }
    free(config->providers);
    free(config->pools);
    free(config->rules);
    mcpz_mcp_servers_finish(&config->mcp);
    free(config->file);
    free(config->data);
    free(config->name);
    free(config->region);
    free(config->zone);
    free(config->listen);
    free(config->advertise);
    mcpz_config_wipe(config->join);
    free(config->isolation);
    free(config->store_repair);
    free(config->keys_source);
    free(config->keys_module);
    free(config->keys_token);
    free(config->keys_object);
    free(config->keys_pin);
    free(config->api);
    mcpz_config_wipe(config->api_keys);
    mcpz_config_wipe(config->jwt_secret);
    free(config->jwt_public_key);
    free(config->jwt_issuer);
    free(config->jwt_audience);
    free(config->log_level);
    free(config->log_format);
    free(config->log_file);
    *config = (struct mcpz_config){0};
}

/* ---- A token, from where it need not be seen by others ------------------------------------ */

/* One line without the space around it, into `text` of MCPZ_TOKEN_TEXT_BYTES_MAX + 2. */
static bool read_line(FILE *file, char *text)
{
    if (fgets(text, MCPZ_TOKEN_TEXT_BYTES_MAX + 2, file) == NULL) {
        return false;
    }
    size_t start = strspn(text, " \t\r\n");
    size_t length = strcspn(text + start, " \t\r\n");
    memmove(text, text + start, length);
    text[length] = '\0';
    return length > 0;
}

static mcpz_error put_token_from(struct mcpz_config *config, struct mcpz_setting setting,
                                 FILE *file, struct mcpz_config_trouble *trouble)
{
    char text[MCPZ_TOKEN_TEXT_BYTES_MAX + 2];
    mcpz_error error;

    if (read_line(file, text)) {
        setting.text = text;
        error = mcpz_config_put(config, &setting, trouble);
    } else {
        error = mcpz_config_refuse(trouble, setting.place, "there is no token to read");
    }
    explicit_bzero(text, sizeof(text));
    return error;
}

static mcpz_error put_token_file(struct mcpz_config *config, const char *path,
                                 struct mcpz_config_trouble *trouble)
{
    char shown[MCPZ_SHOWN_BYTES];
    char place[MCPZ_SHOWN_BYTES + 32];
    FILE *file = fopen(path, "re");

    (void)snprintf(place, sizeof(place), "MCPZ_JOIN_TOKEN_FILE %s",
                   mcpz_config_shown(path, shown));
    if (file == NULL) {
        char reason[64];
        (void)mcpz_config_refuse(trouble, place, "cannot be read: %s",
                                 strerror_r(errno, reason, sizeof(reason)));
        return MCPZ_EIO;
    }
    mcpz_error error =
        put_token_from(config,
                       (struct mcpz_setting){
                           .key = MCPZ_KEY_JOIN, .origin = MCPZ_FROM_ENVIRONMENT, .place = place},
                       file, trouble);
    (void)fclose(file);
    return error;
}

/* ---- The environment ---------------------------------------------------------------------- */

/* An empty variable counts as not set: that is how people switch one off in a unit file. */
static const char *variable(const char *name)
{
    const char *text = getenv(name);
    return text == NULL || text[0] == '\0' ? NULL : text;
}

static mcpz_error put_items(struct mcpz_config *config, struct mcpz_setting setting,
                            const char *list, struct mcpz_config_trouble *trouble)
{
    char item[MCPZ_TOKEN_TEXT_BYTES_MAX + 1];
    mcpz_error error = MCPZ_OK;

    setting.text = item;
    while (*list != '\0' && error == MCPZ_OK) {
        list += strspn(list, ", \t");
        size_t length = strcspn(list, ", \t");
        if (length >= sizeof(item)) {
            return mcpz_config_refuse(trouble, setting.place, "an item is too long");
        }
        if (length > 0) {
            memcpy(item, list, length);
            item[length] = '\0';
            error = mcpz_config_put(config, &setting, trouble);
        }
        list += length;
    }
    explicit_bzero(item, sizeof(item)); /* it may have been a key */
    return error;
}

bool mcpz_config_listens(const struct mcpz_config *config)
{
    return config->mesh_enabled && strcmp(config->listen, MCPZ_LISTEN_NONE) != 0;
}

/* MCP_MESH_HOST and MCP_MESH_PORT each replace their half of what we listen on so far. */
static mcpz_error put_listen(struct mcpz_config *config, struct mcpz_config_trouble *trouble)
{
    const char *host = variable("MCP_MESH_HOST");
    const char *port = variable("MCP_MESH_PORT");
    char host_before[MCPZ_ADDRESS_BYTES_MAX + 1];
    char text[2 * MCPZ_ADDRESS_BYTES_MAX];
    uint16_t port_before;

    if (host == NULL && (port == NULL || !mcpz_config_listens(config))) {
        return MCPZ_OK; /* a port of nowhere is none */
    }
    mcpz_error error =
        mcpz_address_split(config->listen, MCPZ_PORT_DEFAULT, host_before, &port_before);
    assert(error == MCPZ_OK); /* it was checked when it was put there */
    (void)error;

    /* Checked alone first, so that the error names the variable that is wrong. */
    if (port != NULL) {
        char host_alone[MCPZ_ADDRESS_BYTES_MAX + 1];
        if (strspn(port, "0123456789") != strlen(port) ||
            mcpz_address_split(port, 0, host_alone, &port_before) != MCPZ_OK) {
            char shown[MCPZ_SHOWN_BYTES];
            return mcpz_config_refuse(trouble, "MCP_MESH_PORT",
                                      "\"%s\" must be a port: a number up to 65535",
                                      mcpz_config_shown(port, shown));
        }
    }
    if (host != NULL && strlen(host) > MCPZ_ADDRESS_BYTES_MAX) {
        return mcpz_config_refuse(trouble, "MCP_MESH_HOST", "is too long for a host");
    }
    const char *chosen = host == NULL ? host_before : host;
    bool brackets = chosen[0] != '[' && strchr(chosen, ':') != NULL;
    (void)snprintf(text, sizeof(text), brackets ? "[%s]:%u" : "%s:%u", chosen,
                   (unsigned)port_before);
    return mcpz_config_put(config,
                           &(struct mcpz_setting){
                               .key = MCPZ_KEY_LISTEN,
                               .origin = MCPZ_FROM_ENVIRONMENT,
                               .place = host == NULL ? "MCP_MESH_PORT" : "MCP_MESH_HOST",
                               .text = text,
                           },
                           trouble);
}

static mcpz_error put_variable(struct mcpz_config *config, enum mcpz_key key,
                               struct mcpz_config_trouble *trouble)
{
    const struct mcpz_key_row *row = &mcpz_key_rows[key];
    const char *text = row->environment == NULL ? NULL : variable(row->environment);
    struct mcpz_setting setting = {
        .key = key,
        .origin = MCPZ_FROM_ENVIRONMENT,
        .place = row->environment,
        .text = text,
    };

    if (text == NULL) {
        return MCPZ_OK;
    }
    return row->is_list ? put_items(config, setting, text, trouble)
                        : mcpz_config_put(config, &setting, trouble);
}

mcpz_error mcpz_config_read_environment(struct mcpz_config *config,
                                        struct mcpz_config_trouble *trouble)
{
    const char *token_file = variable("MCPZ_JOIN_TOKEN_FILE");

    trouble->text[0] = '\0';
    if (token_file != NULL && variable("MCPZ_JOIN_TOKEN") != NULL) {
        return mcpz_config_refuse(trouble, "MCPZ_JOIN_TOKEN_FILE",
                                  "MCPZ_JOIN_TOKEN is set too: set one of them");
    }
    mcpz_error error = put_listen(config, trouble);
    for (enum mcpz_key key = 0; key < MCPZ_KEY_COUNT && error == MCPZ_OK; key++) {
        if (key != MCPZ_KEY_LISTEN) {
            error = put_variable(config, key, trouble);
        }
    }
    if (error == MCPZ_OK && token_file != NULL) {
        error = put_token_file(config, token_file, trouble);
    }
    return error;
}

/* ---- Flags -------------------------------------------------------------------------------- */

mcpz_error mcpz_config_flag(struct mcpz_config *config, const char *flag, const char *value,
                            struct mcpz_config_trouble *trouble)
{
    char place[64];
    struct mcpz_setting setting = {.origin = MCPZ_FROM_FLAG, .place = place, .text = value};

    trouble->text[0] = '\0';
    while (setting.key < MCPZ_KEY_COUNT && (mcpz_key_rows[setting.key].flag == NULL ||
                                            strcmp(mcpz_key_rows[setting.key].flag, flag) != 0)) {
        setting.key++;
    }
    if (setting.key == MCPZ_KEY_COUNT) {
        return MCPZ_ENOTFOUND;
    }
    (void)snprintf(place, sizeof(place), "--%s", flag);
    if (value == NULL && setting.key == MCPZ_KEY_EPHEMERAL) {
        setting.text = "true";
    }
    if (setting.text == NULL) {
        return mcpz_config_refuse(trouble, place, "needs a value");
    }
    if (setting.key == MCPZ_KEY_JOIN && strcmp(value, "-") == 0) {
        return put_token_from(config, setting, stdin, trouble);
    }
    return mcpz_config_put(config, &setting, trouble);
}

/* ---- What must hold together -------------------------------------------------------------- */

#define ORIGIN_BYTES 512

/* Where a value of `key` comes from; `words` has ORIGIN_BYTES. */
static void origin_words(const struct mcpz_config *config, enum mcpz_key key, uint8_t origin,
                         char *words)
{
    const struct mcpz_key_row *row = &mcpz_key_rows[key];
    const size_t capacity = ORIGIN_BYTES;

    switch ((enum mcpz_origin)origin) {
    case MCPZ_FROM_DEFAULT:
        (void)snprintf(words, capacity, "default");
        break;
    case MCPZ_FROM_FILE:
        (void)snprintf(words, capacity, "%s", config->file == NULL ? "file" : config->file);
        break;
    case MCPZ_FROM_ENVIRONMENT:
        (void)snprintf(words, capacity, "environment %s", row->environment);
        break;
    case MCPZ_FROM_FLAG:
        (void)snprintf(words, capacity, "flag --%s", row->flag);
        break;
    }
}

/* "mesh.listen (from flag --listen)". */
static mcpz_error refuse_key(const struct mcpz_config *config, enum mcpz_key key,
                             struct mcpz_config_trouble *trouble, const char *why)
{
    char words[ORIGIN_BYTES];
    char place[ORIGIN_BYTES + 64];

    origin_words(config, key, config->origins[key], words);
    (void)snprintf(place, sizeof(place), "%s (from %s)", mcpz_key_rows[key].name, words);
    return mcpz_config_refuse(trouble, place, "%s", why);
}

static bool is_any_host(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcasecmp(host, "localhost") == 0;
}

/* What others dial follows from what we listen on, where that says enough. */
static mcpz_error settle_addresses(struct mcpz_config *config, struct mcpz_config_trouble *trouble)
{
    char host[MCPZ_ADDRESS_BYTES_MAX + 1];
    uint16_t port;

    if (config->advertise != NULL) {
        mcpz_error error = mcpz_address_split(config->advertise, MCPZ_PORT_DEFAULT, host, &port);
        assert(error == MCPZ_OK); /* checked when it was read, as are the two below */
        (void)error;
        if (is_any_host(host)) {
            return refuse_key(config, MCPZ_KEY_ADVERTISE, trouble,
                              "nobody can dial all addresses: write this machine's own");
        }
        return MCPZ_OK;
    }
    if (!mcpz_config_listens(config)) {
        return MCPZ_OK;
    }
    mcpz_error error = mcpz_address_split(config->listen, MCPZ_PORT_DEFAULT, host, &port);
    assert(error == MCPZ_OK);
    (void)error;
    if (!is_any_host(host) && port != 0) {
        config->advertise = strdup(config->listen);
        return config->advertise == NULL ? MCPZ_ENOMEM : MCPZ_OK;
    }
    return MCPZ_OK;
}

/* R-SEC-2: whoever reaches the API from elsewhere shows a key. */
static mcpz_error settle_api(const struct mcpz_config *config, struct mcpz_config_trouble *trouble)
{
    char host[MCPZ_ADDRESS_BYTES_MAX + 1];
    uint16_t port;

    if (config->api == NULL || strcmp(config->api, MCPZ_LISTEN_NONE) == 0 ||
        config->api_keys != NULL || config->jwt_secret != NULL || config->jwt_public_key != NULL) {
        return MCPZ_OK;
    }
    mcpz_error error = mcpz_address_split(config->api, MCPZ_API_PORT_DEFAULT, host, &port);
    assert(error == MCPZ_OK);
    (void)error;
    if (!is_loopback(host)) {
        return refuse_key(config, MCPZ_KEY_API, trouble,
                          "other machines would reach the API without a key: set MCP_API_KEYS "
                          "(or api.keys), or listen on 127.0.0.1");
    }
    return MCPZ_OK;
}

/* A token is found by two of its keys. */
static mcpz_error settle_keys(const struct mcpz_config *config,
                              struct mcpz_config_trouble *trouble)
{
    if (strcmp(config->keys_source, MCPZ_KEYS_PKCS11) != 0) {
        return MCPZ_OK;
    }
    if (config->keys_module == NULL) {
        return refuse_key(config, MCPZ_KEY_NODE_KEY_SOURCE, trouble,
                          "a token needs keys.module, the path of its PKCS#11 module: "
                          "/usr/lib/softhsm/libsofthsm2.so, or what came with it");
    }
    if (config->keys_token == NULL) {
        return refuse_key(config, MCPZ_KEY_NODE_KEY_SOURCE, trouble,
                          "a token needs keys.token, its label or pkcs11: URI: `p11tool "
                          "--list-tokens` or `softhsm2-util --show-slots` show it");
    }
    return MCPZ_OK;
}

/* The host's name as far as it can be a node's. */
static mcpz_error settle_name(struct mcpz_config *config)
{
    char name[MCPZ_NAME_BYTES_MAX + 1] = "";

    if (config->name != NULL) {
        return MCPZ_OK;
    }
    if (gethostname(name, sizeof(name) - 1) != 0) {
        name[0] = '\0';
    }
    for (size_t i = 0; name[i] != '\0'; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= ' ' || c >= 0x7f || strchr(",=\"", c) != NULL) {
            name[i] = '-';
        }
    }
    config->name = strdup(name[0] == '\0' ? "node" : name);
    return config->name == NULL ? MCPZ_ENOMEM : MCPZ_OK;
}

static void settle_isolation(const struct mcpz_config *config, struct mcpz_service *services,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (services[i].isolation == MCPZ_ISOLATION_UNSAID) {
            services[i].isolation = (uint8_t)mcpz_isolation_from_word(config->isolation);
        }
    }
}

mcpz_error mcpz_config_settle(struct mcpz_config *config, struct mcpz_config_trouble *trouble)
{
    trouble->text[0] = '\0';
    if (!config->mesh_enabled && config->join != NULL) {
        return refuse_key(config, MCPZ_KEY_JOIN, trouble,
                          "mesh.enabled is false: a node without a mesh joins none");
    }
    settle_isolation(config, config->providers, config->provider_count);
    settle_isolation(config, config->pools, config->pool_count);
    mcpz_error error = settle_api(config, trouble);
    if (error == MCPZ_OK) {
        error = settle_keys(config, trouble);
    }
    if (error == MCPZ_OK) {
        error = settle_addresses(config, trouble);
    }
    if (error == MCPZ_OK) {
        error = settle_name(config);
    }
    return error;
}

/* ---- Showing it --------------------------------------------------------------------------- */

static void join_words(char *const *items, size_t count, char *text, size_t capacity)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used +=
            (size_t)snprintf(text + used, capacity - used, "%s%s", i == 0 ? "" : ", ", items[i]);
        assert(used < capacity);
    }
}

/* The value of `key` as text; `buffer` has SHOWN_LIST_BYTES. */
static const char *value_of(const struct mcpz_config *config, enum mcpz_key key, char *buffer)
{
    const char *text = mcpz_config_text(config, key);

    if (text != NULL) {
        return mcpz_key_rows[key].is_secret ? "(set)" : text;
    }
    buffer[0] = '\0';
    if (mcpz_config_gate_shown(config, key, buffer, SHOWN_LIST_BYTES) ||
        mcpz_config_task_shown(config, key, buffer, SHOWN_LIST_BYTES) ||
        mcpz_config_store_shown(config, key, buffer, SHOWN_LIST_BYTES) ||
        mcpz_config_agents_shown(config, key, buffer, SHOWN_LIST_BYTES)) {
        return buffer;
    }
    if (key == MCPZ_KEY_ENABLED || key == MCPZ_KEY_EPHEMERAL) {
        bool truth = key == MCPZ_KEY_ENABLED ? config->mesh_enabled : config->ephemeral;
        return truth ? "true" : "false";
    }
    if (key == MCPZ_KEY_ROLES) {
        join_words(config->roles, config->role_count, buffer, SHOWN_LIST_BYTES);
    } else if (key == MCPZ_KEY_BOOTSTRAP) {
        join_words(config->bootstrap, config->bootstrap_count, buffer, SHOWN_LIST_BYTES);
    } else if (key == MCPZ_KEY_DIRECT_PEERS) {
        (void)snprintf(buffer, SHOWN_LIST_BYTES, "%zu", config->max_direct_peers);
    } else if (key == MCPZ_KEY_API_CONNECTIONS) {
        (void)snprintf(buffer, SHOWN_LIST_BYTES, "%u", config->api_connections);
    } else if (key == MCPZ_KEY_API_IDLE) {
        (void)snprintf(buffer, SHOWN_LIST_BYTES, "%u", config->api_idle_seconds);
    } else if (key == MCPZ_KEY_WORKSPACES) {
        (void)snprintf(buffer, SHOWN_LIST_BYTES, "%zu", config->workspaces_max);
    } else if (key == MCPZ_KEY_STORE_BYTES) {
        (void)snprintf(buffer, SHOWN_LIST_BYTES, "%llu",
                       (unsigned long long)config->store_bytes_max);
    }
    return buffer;
}

/* What the file says of MCP. */
static void walk_mcp(const struct mcpz_config *config,
                     void (*visit)(void *context, const char *key, const char *value,
                                   const char *origin),
                     void *context)
{
    const char *file = config->file == NULL ? "file" : config->file;
    const struct mcpz_mcp_names *names = mcpz_mcp_servers_names(&config->mcp);
    char row[MCPZ_MCP_NAME_BYTES_MAX + MCPZ_MCP_ITEM_BYTES_MAX + 32];

    for (size_t i = 0; i < config->mcp.count; i++) {
        const struct mcpz_service *service = &config->mcp.rows[i].service;
        (void)snprintf(row, sizeof(row), "mcp.servers.%s", service->name);
        visit(context, row, service->command, file);
    }
    visit(context, "mcp.names.prefix", mcpz_mcp_prefix_word(names->prefix),
          names->says_prefix ? file : "default");
    for (size_t i = 0; i < names->alias_count; i++) {
        const struct mcpz_mcp_alias *alias = &names->aliases[i];
        (void)snprintf(row, sizeof(row), "mcp.names.aliases.%s/%s", alias->server, alias->item);
        visit(context, row, alias->shown, file);
    }
}

void mcpz_config_walk(const struct mcpz_config *config,
                      void (*visit)(void *context, const char *key, const char *value,
                                    const char *origin),
                      void *context)
{
    char buffer[SHOWN_LIST_BYTES];
    char row[MCPZ_CAPABILITY_BYTES_MAX + 64];
    char origin[ORIGIN_BYTES];

    for (enum mcpz_key key = 0; key < MCPZ_KEY_COUNT; key++) {
        const char *name = mcpz_key_rows[key].name;

        origin_words(config, key, config->origins[key], origin);
        if (key != MCPZ_KEY_PROVIDERS || config->provider_count == 0) {
            visit(context, name, value_of(config, key, buffer), origin);
            continue;
        }
        for (size_t i = 0; i < config->provider_count; i++) {
            const struct mcpz_service *provider = &config->providers[i];
            (void)snprintf(row, sizeof(row), "%s.%s", name, provider->name);
            origin_words(config, key, provider->origin, origin);
            visit(context, row, provider->command, origin);
            (void)snprintf(row, sizeof(row), "%s.%s.workspace", name, provider->name);
            mcpz_service_show(provider, buffer, sizeof(buffer));
            visit(context, row, buffer, origin);
        }
    }
    for (size_t i = 0; i < config->pool_count; i++) {
        (void)snprintf(row, sizeof(row), "pools.%s", config->pools[i].name);
        visit(context, row, config->pools[i].command,
              config->file == NULL ? "file" : config->file);
    }
    walk_mcp(config, visit, context);
}
