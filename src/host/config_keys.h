/*
 * The keys of a configuration: one table for the file, the environment, the flags and what is
 * shown. A new key is a row in config_keys.c, and a field of the schema in config_yaml.c if it may
 * stand in a file.
 *
 * For use by the config*.c files only; everybody else includes config.h.
 */

#ifndef HOST_CONFIG_KEYS_H
#define HOST_CONFIG_KEYS_H

#include <assert.h>

#include "host/config.h"

/* In the order in which they are shown; the index of `origins`. */
enum mcpz_key {
    MCPZ_KEY_DATA,
    MCPZ_KEY_EPHEMERAL,
    MCPZ_KEY_NAME,
    MCPZ_KEY_REGION,
    MCPZ_KEY_ZONE,
    MCPZ_KEY_ROLES,
    MCPZ_KEY_ENABLED,
    MCPZ_KEY_LISTEN,
    MCPZ_KEY_ADVERTISE,
    MCPZ_KEY_BOOTSTRAP,
    MCPZ_KEY_DIRECT_PEERS,
    MCPZ_KEY_JOIN,
    MCPZ_KEY_API,
    MCPZ_KEY_API_KEYS,
    MCPZ_KEY_JWT_SECRET,
    MCPZ_KEY_JWT_KEY,
    MCPZ_KEY_JWT_ISSUER,
    MCPZ_KEY_JWT_AUDIENCE,
    MCPZ_KEY_API_CONNECTIONS,
    MCPZ_KEY_API_IDLE,
    MCPZ_KEY_PROVIDERS,
    MCPZ_KEY_ISOLATION,
    MCPZ_KEY_WORKSPACES,
    MCPZ_KEY_STORE_BYTES,
    MCPZ_KEY_TENANT_LEVEL,
    MCPZ_KEY_CALLS_PER_SECOND,
    MCPZ_KEY_STOP_SECONDS,
    MCPZ_KEY_NODE_KEY_SOURCE,
    MCPZ_KEY_NODE_KEY_MODULE,
    MCPZ_KEY_NODE_KEY_TOKEN,
    MCPZ_KEY_NODE_KEY_OBJECT,
    MCPZ_KEY_NODE_KEY_PIN,
    MCPZ_KEY_STORE_REPAIR,
    MCPZ_KEY_STORE_COMPACT,
    MCPZ_KEY_AGENTS_HISTORY,
    MCPZ_KEY_AGENTS_GRACE,
    MCPZ_KEY_BLOBS_REPAIR_AFTER,
    MCPZ_KEY_BLOBS_CLEAR_AFTER,
    MCPZ_KEY_SNAPSHOTS_EVERY,
    MCPZ_KEY_SNAPSHOTS_KEEP,
    MCPZ_KEY_TASK_ATTEMPTS,
    MCPZ_KEY_TASK_BACKOFF,
    MCPZ_KEY_TASK_TTL,
    MCPZ_KEY_TASK_LEASE,
    MCPZ_KEY_TASK_HOLD,
    MCPZ_KEY_TASK_GRACE,
    MCPZ_KEY_TASK_RETENTION,
    MCPZ_KEY_TENANTS,
    MCPZ_KEY_RULES,
    MCPZ_KEY_LOG_LEVEL,
    MCPZ_KEY_LOG_FORMAT,
    MCPZ_KEY_LOG_FILE,
    MCPZ_KEY_COUNT,
};

static_assert(MCPZ_KEY_COUNT <= sizeof(((struct mcpz_config *)0)->origins), "an origin a key");

/* One value as somebody wrote it. All borrowed. */
struct mcpz_setting {
    enum mcpz_key key;
    enum mcpz_origin origin;
    const char *place; /* how an error names it: "mcpz.yaml:3: name", "MCPZ_NAME", "--name" */
    const char *name;  /* of a provider, tenant or rule, where it is written apart; else NULL */
    const char *text;
};

struct mcpz_key_row {
    const char *name;        /* "mesh.listen" */
    const char *environment; /* as an error and `origin` name it; NULL: none */
    const char *flag;        /* without dashes; NULL: none */
    bool is_list;            /* in the environment: separated by commas */
    bool is_secret;
    size_t offset; /* of the `char *` in struct mcpz_config, for keys that are one text */
    mcpz_error (*read)(const struct mcpz_setting *setting, char **value,
                       struct mcpz_config_trouble *trouble);
    mcpz_error (*store)(struct mcpz_config *config, const struct mcpz_setting *setting,
                        char **value, struct mcpz_config_trouble *trouble);
};

extern const struct mcpz_key_row mcpz_key_rows[MCPZ_KEY_COUNT];

/**
 * Check one value and take it over, unless something of higher precedence was set before. For a
 * list: append, after dropping what came from below.
 *
 * Errors: MCPZ_ECONFIG, MCPZ_ENOMEM; `trouble` says where and what
 */
MCPZ_MUST_USE mcpz_error mcpz_config_put(struct mcpz_config *config,
                                         const struct mcpz_setting *setting,
                                         struct mcpz_config_trouble *trouble);

/** Can a service be called so, and run so? Errors: MCPZ_ECONFIG, MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_config_check_service(const char *place, const char *name,
                                                   const char *command,
                                                   struct mcpz_config_trouble *trouble);

/** The text of a key that is one text; NULL: not set, or the key is not one text. */
const char *mcpz_config_text(const struct mcpz_config *config, enum mcpz_key key);

/** Copy a value that is taken as it is. Errors: MCPZ_ENOMEM */
mcpz_error mcpz_config_duplicate(const char *text, char **value);

/** Write "PLACE: MESSAGE" to `trouble` and return MCPZ_ECONFIG. */
mcpz_error mcpz_config_refuse(struct mcpz_config_trouble *trouble, const char *place,
                              const char *format, ...) MCPZ_PRINTF(3, 4);

#define MCPZ_SHOWN_BYTES 88

/** Make `text` fit for an error: control characters as '?', cut after 80 bytes. Returns `shown`.
 */
const char *mcpz_config_shown(const char *text, char shown[MCPZ_SHOWN_BYTES]);

/* Rows of config_api.c, besides those of tokens. */
mcpz_error mcpz_config_read_connections(const struct mcpz_setting *setting, char **value,
                                        struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_idle(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_store_api(struct mcpz_config *config, const struct mcpz_setting *setting,
                                 char **value, struct mcpz_config_trouble *trouble);

/* Rows of config_gate.c. */
mcpz_error mcpz_config_read_tenant(const struct mcpz_setting *setting, char **value,
                                   struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_tenant_level(const struct mcpz_setting *setting, char **value,
                                         struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_rate(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_stop(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_store_tenant(struct mcpz_config *config, const struct mcpz_setting *setting,
                                    char **value, struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_store_tenant_level(struct mcpz_config *config,
                                          const struct mcpz_setting *setting, char **value,
                                          struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_store_number(struct mcpz_config *config, const struct mcpz_setting *setting,
                                    char **value, struct mcpz_config_trouble *trouble);

mcpz_error mcpz_config_read_rule(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_store_rule(struct mcpz_config *config, const struct mcpz_setting *setting,
                                  char **value, struct mcpz_config_trouble *trouble);

/** Write the value of one of those keys, cut to nothing: `capacity` is enough (asserted). False:
 * it is another key. */
bool mcpz_config_gate_shown(const struct mcpz_config *config, enum mcpz_key key, char *text,
                            size_t capacity);

/* Rows of config_api.c. */
mcpz_error mcpz_config_read_jwt_secret(const struct mcpz_setting *setting, char **value,
                                       struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_jwt_key(const struct mcpz_setting *setting, char **value,
                                    struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_jwt_text(const struct mcpz_setting *setting, char **value,
                                     struct mcpz_config_trouble *trouble);

/* Rows of config_tasks.c: all of one shape. */
mcpz_error mcpz_config_read_task(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_store_task(struct mcpz_config *config, const struct mcpz_setting *setting,
                                  char **value, struct mcpz_config_trouble *trouble);

/** As mcpz_config_gate_shown(), of those. */
bool mcpz_config_task_shown(const struct mcpz_config *config, enum mcpz_key key, char *text,
                            size_t capacity);

/* config_store.c: as above, of what is said of the store. */
mcpz_error mcpz_config_read_repair(const struct mcpz_setting *setting, char **value,
                                   struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_every(const struct mcpz_setting *setting, char **value,
                                  struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_keep(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_store_store(struct mcpz_config *config, const struct mcpz_setting *setting,
                                   char **value, struct mcpz_config_trouble *trouble);
bool mcpz_config_store_shown(const struct mcpz_config *config, enum mcpz_key key, char *text,
                             size_t capacity);

/**
 * A whole number and s, m, h or d, up to `max` seconds; as seconds in digits. `hint` ends what is
 * said of one that is none. Errors: MCPZ_ECONFIG, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_config_read_length(const struct mcpz_setting *setting, uint32_t max,
                                                 const char *hint, char **value,
                                                 struct mcpz_config_trouble *trouble);

/* config_agents.c: as above, of how long what agents were is kept. */
mcpz_error mcpz_config_read_history(const struct mcpz_setting *setting, char **value,
                                    struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_away(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_store_agents(struct mcpz_config *config, const struct mcpz_setting *setting,
                                    char **value, struct mcpz_config_trouble *trouble);
bool mcpz_config_agents_shown(const struct mcpz_config *config, enum mcpz_key key, char *text,
                              size_t capacity);

/* config_node_key.c: where the node key is. Each is one text. */
mcpz_error mcpz_config_read_key_source(const struct mcpz_setting *setting, char **value,
                                       struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_key_module(const struct mcpz_setting *setting, char **value,
                                       struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_key_token(const struct mcpz_setting *setting, char **value,
                                      struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_key_object(const struct mcpz_setting *setting, char **value,
                                       struct mcpz_config_trouble *trouble);
mcpz_error mcpz_config_read_key_pin(const struct mcpz_setting *setting, char **value,
                                    struct mcpz_config_trouble *trouble);

/** A number from `min` to `max`, of at most 9 digits, in digits. Errors: MCPZ_ECONFIG, MCPZ_ENOMEM
 */
mcpz_error mcpz_config_read_number(const struct mcpz_setting *setting, uint32_t min, uint32_t max,
                                   char **value, struct mcpz_config_trouble *trouble);

/** Free a text that may be a secret. */
void mcpz_config_wipe(char *text);

#endif
