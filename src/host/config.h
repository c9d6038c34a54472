/*
 * What a node is told before it starts: flag > environment > file > default.
 *
 * The file is YAML, read with libcyaml against the schema in config_yaml.c; an unknown key is an
 * error that names file, line, key and the nearest key there is. Environment variables: R-MESH-12
 * and those in config_keys.c (MCPZ_DATA, MCPZ_JOIN_TOKEN, MCPZ_JOIN_TOKEN_FILE ...); an empty one
 * counts as not set. A list given at one level replaces the lists of the levels below it;
 * providers are added, and the same name given further up replaces the one below.
 *
 * Read the file before the environment: MCP_MESH_PORT changes the port of what the file listens
 * on. Flags may come at any time.
 *
 *   data: /var/lib/mcpz        mesh:                         providers:
 *   name: attic                  listen: 0.0.0.0:8765          - name: text.words
 *   region: home                 advertise: attic.lan:8765       command: ./words.py
 *   zone: upstairs               bootstrap: [wss://a:8765]   limits:
 *   roles: [compute]             enabled: true                 store_bytes: 1073741824
 *   api: {listen: 127.0.0.1:8000}                              tenant_level: onyx
 *   tenants:                                                   calls_per_second: 100
 *     - name: acme                                             stop_seconds: 5
 *       level: opal                                          log: {level: info, format: auto}
 * rules:
 *   - pattern: memory.*
 *     route: failover attic cellar                           core: host/rule_text.h
 *   workspaces: {isolation: degraded, max: 10}             agents: {history: 7d, grace: 10d}
 *   keys: {source: pkcs11, module: /usr/lib/softhsm/libsofthsm2.so, token: attic, object: mcpz,
 *          pin: "file:/run/secrets/pin"}
 *   tasks: {attempts: 5, backoff_ms: 1000, ttl_seconds: 86400, lease_seconds: 20,
 *           hold_seconds: 60, grace_seconds: 2, retention_seconds: 3600}
 */

#ifndef HOST_CONFIG_H
#define HOST_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/router/rules.h"
#include "core/timing.h"
#include "host/agent_pools.h"
#include "host/mcp_server.h"
#include "host/service.h"
#include "proto/gate_config.h"
#include "proto/limits.h"

#define MCPZ_PORT_DEFAULT 8765
#define MCPZ_API_PORT_DEFAULT 8000
#define MCPZ_API_DEFAULT "127.0.0.1:8000" /* of `mcpz up`, if nothing is said and it is free */
#define MCPZ_PROVIDERS_MAX 64 /* of the configuration; MCP servers and programs offer, too */
#define MCPZ_CONFIG_FILE_BYTES_MAX 1048576
#define MCPZ_CONFIG_TEXT_BYTES_MAX 4096 /* of one value that is no command: a path */
#define MCPZ_API_KEYS_MAX 16
#define MCPZ_API_IDLE_SECONDS_MAX 3600
#define MCPZ_API_IDLE_SECONDS_DEFAULT 60
#define MCPZ_API_CONNECTIONS_MIN 8
#define MCPZ_API_CONNECTIONS_MAX 2048 /* half of what libwebsockets makes its tables for */
#define MCPZ_API_CONNECTIONS_DEFAULT                                                              \
    1088                             /* as many clients of MCP as there may be, and others        \
                                      */
#define MCPZ_JWT_SECRET_BYTES_MIN 32 /* RFC 7518, 3.2: as long as the hash */
#define MCPZ_JWT_SECRET_BYTES_MAX 128
#define MCPZ_JWT_TEXT_BYTES_MAX 128 /* of an issuer, an audience */
#define MCPZ_DIRECT_PEERS_MIN 3     /* fewer, and the mesh falls apart */
#define MCPZ_DIRECT_PEERS_MAX 8
#define MCPZ_DIRECT_PEERS_DEFAULT 6
#define MCPZ_WORKSPACES_MAX 64
#define MCPZ_WORKSPACES_DEFAULT 10   /* R-TASK-10 */
#define MCPZ_STORE_BYTES_MIN 1048576 /* LMDB wants room for its own pages */
#define MCPZ_STORE_BYTES_MAX (UINT64_C(1) << 44)
#define MCPZ_STORE_BYTES_DEFAULT (UINT64_C(1) << 34)
#define MCPZ_CALLS_PER_SECOND_MAX 100000
#define MCPZ_SNAPSHOT_SECONDS_MAX 31536000
#define MCPZ_SNAPSHOTS_KEPT_MAX 1000
#define MCPZ_BLOB_REPAIR_SECONDS_DEFAULT 60
#define MCPZ_BLOB_CLEAR_SECONDS_DEFAULT 600
#define MCPZ_SNAPSHOTS_KEPT_DEFAULT 7
#define MCPZ_AGENTS_SECONDS_MAX (UINT32_C(3650) * 86400) /* ten years: of history, of grace */
#define MCPZ_HISTORY_SECONDS_FOREVER UINT32_MAX
#define MCPZ_HISTORY_SECONDS_DEFAULT 604800 /* seven days */
#define MCPZ_GRACE_SECONDS_DEFAULT 864000   /* ten days: crdt 1.5, G4 */
#define MCPZ_STOP_SECONDS_MAX 3600
#define MCPZ_STOP_SECONDS_DEFAULT 5
#define MCPZ_TASK_SECONDS_MAX 3600         /* of a lease, a hold, a grace */
#define MCPZ_TASK_KEPT_SECONDS_MAX 2592000 /* thirty days: of time to live, and of retention */

/* Where a value came from. */
enum mcpz_origin { MCPZ_FROM_DEFAULT = 0, MCPZ_FROM_FILE, MCPZ_FROM_ENVIRONMENT, MCPZ_FROM_FLAG };

/* All texts are owned by the configuration; NULL or "" means not set. */
struct mcpz_config {
    char *file; /* read from here; NULL: no file */
    char *data; /* directory; default "./var" */
    char *name; /* default: host name */
    char *region;
    char *zone;
    char *roles[MCPZ_ROLES_MAX];
    size_t role_count;

    bool mesh_enabled;
    char *listen;    /* host:port; default 127.0.0.1:8765; port 0: any; "none": dial out only */
    char *advertise; /* what others dial; default: what we listen on, unless that is 0.0.0.0 */
    char *bootstrap[MCPZ_SEEDS_MAX]; /* host:port, from wss://, ws:// or bare */
    size_t bootstrap_count;
    size_t max_direct_peers; /* neighbours in the overlay */
    bool bootstrap_upgraded; /* one was written ws://: say that the mesh is never plaintext */
    char *join;              /* token text */

    char *api; /* host:port; "none": only the Unix socket; NULL: nothing is said */
    bool
        api_by_default; /* then MCPZ_API_DEFAULT is tried; no key: whoever runs the node says so */
    char *api_keys;     /* separated by commas: mcpz_config_split_key() */
    char *jwt_secret;   /* HS256; NULL: such tokens are refused */
    char *jwt_public_key; /* EdDSA: an Ed25519 key in base64url; NULL: the same */
    char *jwt_issuer;     /* NULL: any */
    char *jwt_audience;   /* NULL: any, or none */

    struct mcpz_service *providers; /* at most MCPZ_PROVIDERS_MAX; lists are host/rows.h */
    size_t provider_count;
    struct mcpz_service *pools; /* agent pools, of the file only; at most MCPZ_AGENT_POOLS_MAX */
    size_t pool_count;
    struct mcpz_mcp_servers mcp; /* of the file only */
    char *isolation;           /* of providers that do not say; a word of mcpz_isolation_word() */
    uint32_t api_idle_seconds; /* between two requests on a connection */
    uint32_t api_connections;  /* of clients, over TCP and the Unix socket together */
    size_t workspaces_max;     /* at once; further tasks wait */

    char *keys_source; /* where the node key is: MCPZ_KEYS_AUTO ... */
    char *keys_module; /* the rest is of a PKCS#11 token; NULL: not said */
    char *keys_token;  /* label or URI */
    char *keys_object;
    char *keys_pin; /* env:NAME or file:PATH */

    uint64_t store_bytes_max;
    char *store_repair;           /* auto: where other nodes are known; always, never */
    bool store_compact;           /* before each start */
    uint32_t history_seconds;     /* of agents, that is kept; or MCPZ_HISTORY_SECONDS_FOREVER */
    uint32_t grace_seconds;       /* a node that is away is waited for before any of it goes */
    uint32_t blob_repair_seconds; /* after a death: before its copies of blobs are made anew */
    uint32_t blob_clear_seconds; /* what nobody needs keeps its room; and how often it is looked */
    uint32_t snapshot_seconds;   /* between two backups that the node makes itself; 0: none */
    uint32_t snapshots_kept;
    struct mcpz_gate_config gate;   /* `hands` is not set: who has them says how many */
    uint32_t stop_seconds;          /* for what runs to end, when the node is told to stop */
    struct mcpz_node_timing timing; /* what the file says of durable tasks, else the defaults */
    struct mcpz_rule *rules;        /* at most MCPZ_RULES_MAX */
    size_t rule_count;
    char *log_level;
    char *log_format;
    char *log_file;
    bool ephemeral; /* data in a temporary directory, removed at the end */

    /* enum mcpz_origin of each key shown by mcpz_config_walk(), in its order. */
    uint8_t origins[64];
};

/* Why a configuration is no good: "FILE:LINE: ...". */
struct mcpz_config_trouble {
    char text[1024];
};

#define MCPZ_LISTEN_NONE "none"

/* `keys_source`. */
#define MCPZ_KEYS_AUTO "auto" /* the environment if it is there, else the file */
#define MCPZ_KEYS_FILE "file"
#define MCPZ_KEYS_ENVIRONMENT "environment"
#define MCPZ_KEYS_PKCS11 "pkcs11"

/** Does the node take connections from other nodes? Else it only dials out. */
bool mcpz_config_listens(const struct mcpz_config *config);

/** All defaults. Release with mcpz_config_finish(). Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_config_init(struct mcpz_config *config);
void mcpz_config_finish(struct mcpz_config *config);

/** Errors: MCPZ_ECONFIG, MCPZ_EIO, MCPZ_ENOMEM; `trouble` says where and what, and what to do. */
MCPZ_MUST_USE mcpz_error mcpz_config_read_file(struct mcpz_config *config, const char *path,
                                               struct mcpz_config_trouble *trouble);

/** As the file, from bytes: what read_file does after reading, and what is fuzzed. */
MCPZ_MUST_USE mcpz_error mcpz_config_read_bytes(struct mcpz_config *config, const char *path,
                                                const uint8_t *bytes, size_t length,
                                                struct mcpz_config_trouble *trouble);

MCPZ_MUST_USE mcpz_error mcpz_config_read_environment(struct mcpz_config *config,
                                                      struct mcpz_config_trouble *trouble);

/**
 * Take one flag of `mcpz up` by its name without dashes, e.g. ("listen", "0.0.0.0:8765"),
 * ("provide", "NAME=COMMAND"), ("join", "-": from standard input), ("ephemeral", NULL).
 *
 * Errors: MCPZ_ENOTFOUND  no such flag; MCPZ_ECONFIG, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_config_flag(struct mcpz_config *config, const char *flag,
                                          const char *value, struct mcpz_config_trouble *trouble);

/**
 * Check what must hold together, fill in what follows from the rest. After all reading.
 *
 * `name` is set afterwards; `advertise` unless we listen on all addresses or on any port. Makes no
 * directory: who starts the node does, also the temporary one that `ephemeral` means, whatever
 * `data` says.
 *
 * Errors: MCPZ_ECONFIG, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_config_settle(struct mcpz_config *config,
                                            struct mcpz_config_trouble *trouble);

/**
 * One of `api_keys`: what stands behind its last "=", if that is not its end, is the tenant it is
 * for. The key alone is returned; `*tenant` is empty if there is none.
 */
struct mcpz_bytes mcpz_config_split_key(struct mcpz_bytes text, struct mcpz_bytes *tenant);

/**
 * Show every key, its value as text and where it came from ("default", the path of the file,
 * "environment MCPZ_NAME", "flag --name"), secrets replaced by "(set)". A list is one value
 * separated by ", "; providers are two rows each: "providers.NAME" is the command,
 * "providers.NAME.workspace" how it is run. Strings last for the call.
 */
void mcpz_config_walk(const struct mcpz_config *config,
                      void (*visit)(void *context, const char *key, const char *value,
                                    const char *origin),
                      void *context);

/**
 * Split "HOST:PORT" ("[::1]:8765", "::1", ":8765", "8765" and "host" work too; `port_default`
 * fills in). `host` has room for MCPZ_ADDRESS_BYTES_MAX + 1; it is "" where none was said, and an
 * IPv6 address stands in it without brackets.
 *
 * Errors: MCPZ_EPROTO  not an address
 */
MCPZ_MUST_USE mcpz_error mcpz_address_split(const char *text, uint16_t port_default, char *host,
                                            uint16_t *port);

/** The reverse. `address` has room for MCPZ_ADDRESS_BYTES_MAX + 1. Errors: MCPZ_EPROTO  too long
 */
MCPZ_MUST_USE mcpz_error mcpz_address_join(const char *host, uint16_t port, char *address);

/**
 * A bootstrap URL as host:port: "wss://h", "ws://h:1/", "h:1", "h". `*upgraded` is set if it said
 * ws. `address` has room for MCPZ_ADDRESS_BYTES_MAX + 1. Errors: MCPZ_EPROTO
 */
MCPZ_MUST_USE mcpz_error mcpz_address_from_url(const char *url, char *address, bool *upgraded);

#endif
