#include "embed/assembly.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "blob/keyring.h"
#include "crypto/identity.h"
#include "desk/reception.h"
#include "embed/fact_log.h"
#include "embed/hosting.h"
#include "embed/keys.h"
#include "embed/node_key_source.h"
#include "embed/reach.h"
#include "embed/repair.h"
#include "engine/vault.h"
#include "exec/machine.h"
#include "exec/pool.h"
#include "host/log.h"
#include "host/loop.h"
#include "http/server.h"
#include "local/local.h"
#include "net/peers.h"
#include "proto/code.h"
#include "store/compact.h"
#include "store/witness.h"
#include "wire/credentials.h"

#define STORE_DIRECTORY "store"
#define TASKS_DIRECTORY "tasks"
#define KEYRING_DIRECTORY "keys"
#define STOP_ANNOUNCE_MS 300 /* where the others do not know by then, they hear it from us */
#define COMPARISONS_IN_GRACE 32
#define MAP_BYTES_FIRST (UINT64_C(16) * 1024 * 1024)

static_assert(MCPZ_KEY_BYTES == MCPZ_SEED_BYTES, "what is kept is the seed");

/* ---- Directories -------------------------------------------------------------------------- */

static mcpz_error make_data(struct mcpz_assembly *assembly)
{
    char path[MCPZ_ASSEMBLY_PATH_BYTES];
    int length = snprintf(path, sizeof(path), "%s", assembly->config->data);

    if (length <= 0 || (size_t)length >= sizeof(path)) {
        mcpz_trouble_say(assembly->trouble, "the data directory's path is too long");
        return MCPZ_ECONFIG;
    }
    /* Parents get the usual mode; the directory itself is nobody else's business. */
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH);
        *slash = '/';
    }
    if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST) {
        mcpz_trouble_say(assembly->trouble,
                         "cannot make the data directory %s: %s; name another with --data", path,
                         strerror(errno));
        return MCPZ_EIO;
    }
    char *whole = realpath(path, NULL);
    length = whole != NULL ? snprintf(assembly->data, sizeof(assembly->data), "%s", whole) : -1;
    free(whole);
    if (length < 0 || (size_t)length >= sizeof(assembly->data)) {
        mcpz_trouble_say(assembly->trouble, "cannot use the data directory %s: %s", path,
                         strerror(errno));
        return MCPZ_EIO;
    }
    return MCPZ_OK;
}

/* DATA/NAME; DATA is cut rather than the name if it were too long, which make_data() refused. */
static const char *inside(const struct mcpz_assembly *assembly, const char *name, char *path)
{
    (void)snprintf(path, MCPZ_ASSEMBLY_PATH_BYTES + 64, "%s/%s", assembly->data, name);
    return path;
}

/* ---- Keys --------------------------------------------------------------------------------- */

static mcpz_error obtain_seed(struct mcpz_assembly *assembly, const char *name, bool may_make,
                              uint8_t *seed)
{
    mcpz_error error = mcpz_key_load(assembly->data, name, seed, assembly->trouble);

    if (error != MCPZ_ENOTFOUND || !may_make) {
        return error;
    }
    mcpz_random(seed, MCPZ_KEY_BYTES);
    return mcpz_key_store(assembly->data, name, seed, assembly->trouble);
}

static mcpz_error open_key(struct mcpz_assembly *assembly, const char *name, bool may_make,
                           struct mcpz_identity **identity)
{
    uint8_t seed[MCPZ_KEY_BYTES];
    mcpz_error error = obtain_seed(assembly, name, may_make, seed);

    if (error == MCPZ_OK) {
        error = mcpz_identity_create(seed, identity);
        if (error != MCPZ_OK) {
            mcpz_trouble_say(assembly->trouble,
                             "no memory that can be locked for the secret key: raise `ulimit -l`");
        }
    }
    mcpz_wipe(seed, sizeof(seed));
    return error;
}

/* A node that was told to join a mesh needs none of its own. */
static mcpz_error open_keys(struct mcpz_assembly *assembly)
{
    bool has_token = assembly->config->join != NULL && *assembly->config->join != '\0';

    mcpz_error error = open_key(assembly, MCPZ_KEY_IDENTITY, true, &assembly->identity);
    if (error != MCPZ_OK) {
        return error;
    }
    error = open_key(assembly, MCPZ_KEY_MESH, !has_token, &assembly->authority);
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* Tenants' keys, which what is kept is sealed with. */
static mcpz_error open_keyring(struct mcpz_assembly *assembly)
{
    char path[MCPZ_ASSEMBLY_PATH_BYTES + 64];
    struct mcpz_key_trouble why;
    struct mcpz_node_key_source source;
    mcpz_error error = mcpz_node_key_source(assembly->config, &source, assembly->trouble);

    if (error != MCPZ_OK) {
        return error;
    }
    if (source.key.token != NULL) {
        mcpz_log(MCPZ_LOG_INFO, "keys", "asking the token for the node key",
                 "token=\"%s\" module=\"%s\"", source.token.token, source.token.module);
    }
    const struct mcpz_keyring_config config = {
        .directory = inside(assembly, KEYRING_DIRECTORY, path), .key = source.key};
    error = mcpz_keyring_open(&config, &assembly->keyring, &why);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(assembly->trouble, "%s",
                         why.text[0] != '\0' ? why.text : mcpz_strerror(error));
    }
    return error;
}

static mcpz_error lend_key(void *context, struct mcpz_bytes tenant, struct mcpz_tenant_key **key)
{
    return mcpz_keyring_lend(context, tenant, key);
}

static mcpz_error lend_key_by_id(void *context, const uint8_t *id, struct mcpz_tenant_key **key)
{
    return mcpz_keyring_lend_by_id(context, id, key);
}

static uint64_t key_ended_ms(void *context, struct mcpz_bytes tenant)
{
    return mcpz_keyring_end_of(context, tenant);
}

/* ---- Parts -------------------------------------------------------------------------------- */

/* Loudly: what was on this disk alone, and in the damaged part, is lost. */
static mcpz_error repair(struct mcpz_assembly *assembly, const char *why)
{
    const char *mode = assembly->config->store_repair;
    struct mcpz_node_key_source source;
    struct mcpz_trouble trouble;
    struct mcpz_repair *made = strcmp(mode, "never") != 0 ? calloc(1, sizeof(*made)) : NULL;

    if (made == NULL) {
        return MCPZ_ECORRUPT;
    }
    mcpz_error error = mcpz_node_key_source(assembly->config, &source, &trouble);
    if (error == MCPZ_OK) {
        error = mcpz_repair_store(assembly->data, &source.key, strcmp(mode, "always") == 0, made,
                                  &trouble);
    }
    if (error != MCPZ_OK) {
        mcpz_trouble_say(assembly->trouble, "%s; it was not repaired: %s", why, trouble.text);
        free(made);
        return error;
    }
    assembly->repair = made;
    mcpz_log(MCPZ_LOG_ERROR, "store",
             "damaged: set aside, and begun anew with what could be saved",
             "why=\"%s\" place=\"%s/%s\" damaged_pages=%llu records=%llu", why, assembly->data,
             made->place, (unsigned long long)made->salvaged.damaged,
             (unsigned long long)made->salvaged.records);
    return MCPZ_OK;
}

/* Give back what the store has free, if that is asked for. It does without. */
static void compact(const struct mcpz_assembly *assembly, const char *directory)
{
    struct mcpz_compacted compacted;
    struct mcpz_lmdb_trouble why;

    if (!assembly->config->store_compact) {
        return;
    }
    mcpz_error error = mcpz_store_compact(directory, &compacted, &why);
    if (error == MCPZ_OK) {
        mcpz_log(MCPZ_LOG_INFO, "store", "compacted", "before=%llu after=%llu",
                 (unsigned long long)compacted.before, (unsigned long long)compacted.after);
    } else if (error != MCPZ_ENOTFOUND && error != MCPZ_ECONFLICT) {
        mcpz_log(MCPZ_LOG_WARN, "store", "not compacted", "why=\"%s\"", why.text);
    }
}

static mcpz_error create_loop(struct mcpz_assembly *assembly)
{
    char path[MCPZ_ASSEMBLY_PATH_BYTES + 64];
    struct mcpz_lmdb_trouble why = {.text = ""};
    uint64_t most = assembly->config->store_bytes_max;
    const struct mcpz_loop_config config = {
        .store = {.directory = inside(assembly, STORE_DIRECTORY, path),
                  .map_bytes = MAP_BYTES_FIRST < most ? MAP_BYTES_FIRST : most,
                  .map_bytes_max = most,
                  .witness = mcpz_witness_place()}};

    compact(assembly, config.store.directory);
    mcpz_error error = mcpz_loop_create(&config, &assembly->loop, &why);
    if (error == MCPZ_ECORRUPT) {
        mcpz_trouble_say(assembly->trouble, "%s", why.text);
        error = repair(assembly, why.text);
        if (error != MCPZ_OK) {
            return error;
        }
        error = mcpz_loop_create(&config, &assembly->loop, &why);
    }
    if (error != MCPZ_OK) {
        mcpz_trouble_say(assembly->trouble, "%s",
                         why.text[0] != '\0' ? why.text : mcpz_strerror(error));
    }
    return error;
}

static mcpz_error create_pool(struct mcpz_assembly *assembly)
{
    char path[MCPZ_ASSEMBLY_PATH_BYTES + 64];
    mcpz_error error =
        mcpz_pool_create(assembly->loop, inside(assembly, TASKS_DIRECTORY, path), &assembly->pool);

    if (error != MCPZ_OK) {
        mcpz_trouble_say(assembly->trouble, "cannot use the tasks' directory %s: %s", path,
                         mcpz_strerror(error));
        return error;
    }
    mcpz_pool_share(assembly->pool, &assembly->offers);
    mcpz_pool_set_most(assembly->pool, assembly->config->workspaces_max);
    return MCPZ_OK;
}

static mcpz_error create_peers(struct mcpz_assembly *assembly)
{
    const struct mcpz_config *config = assembly->config;
    const struct mcpz_peers_config peers = {.identity = assembly->identity,
                                            .listen = mcpz_config_listens(config) ? config->listen
                                                                                  : NULL};
    struct mcpz_peers_trouble why = {.text = ""};
    uint16_t port = 0;

    mcpz_error error = mcpz_peers_create(assembly->loop, &peers, &assembly->peers, &port, &why);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(assembly->trouble, "%s",
                         why.text[0] != '\0' ? why.text : mcpz_strerror(error));
        return error;
    }
    if (peers.listen != NULL) {
        const struct mcpz_reach reach =
            mcpz_reach_find(peers.listen, config->advertise, port, assembly->address);
        assembly->is_local = reach.is_local;
        assembly->is_guessed = reach.is_guessed;
    }
    return MCPZ_OK;
}

static void tell_runs(void *context, uint64_t *running, uint64_t *waiting)
{
    const struct mcpz_assembly *assembly = (const struct mcpz_assembly *)context;
    const struct mcpz_pool_stats *stats = mcpz_pool_stats(assembly->pool);

    *running = stats->running;
    *waiting = stats->waiting;
}

static void tell_counts(void *context,
                        void (*visit)(void *visit_context, const struct mcpz_api_count *count),
                        void *visit_context)
{
    const struct mcpz_assembly *assembly = (const struct mcpz_assembly *)context;
    const struct mcpz_peers_stats *stats = mcpz_peers_stats(assembly->peers);
    const struct mcpz_desk_stats *desk =
        assembly->reception != NULL ? mcpz_desk_stats(mcpz_reception_desk(assembly->reception))
                                    : NULL;

#define X(name, help)                                                                             \
    visit(visit_context, &(struct mcpz_api_count){"net_" #name, help, stats->name, false});
    MCPZ_PEERS_STATS(X)
#undef X
    if (desk == NULL) {
        return;
    }
    const struct mcpz_api_count counts[] = {
        {"local_programs", "programs connected", desk->programs, true},
        {"local_calls", "calls that programs have made", desk->calls_total, false},
        {"local_runs", "tasks that programs were given", desk->runs_total, false},
        {"local_tasks", "durable tasks that programs have handed in", desk->tasks_total, false},
        {"local_refused", "programs turned away for what they said", desk->refused, false},
    };
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(counts); i++) {
        visit(visit_context, &counts[i]);
    }
}

/* Where the API is served beside the Unix socket; NULL: nowhere. */
static const char *api_address(const struct mcpz_config *config)
{
    if (config->api == NULL) {
        return config->api_by_default ? MCPZ_API_DEFAULT : NULL;
    }
    return strcmp(config->api, MCPZ_LISTEN_NONE) != 0 ? config->api : NULL;
}

static mcpz_error create_server(struct mcpz_assembly *assembly)
{
    const struct mcpz_server_config server = {
        .directory = assembly->data,
        .api = api_address(assembly->config),
        .api_may_fail = assembly->config->api == NULL,
        .config = assembly->config,
        .started = assembly->started,
        .desk = mcpz_reception_desk(assembly->reception),
        .keyring = assembly->keyring,
        .sources = {.context = assembly,
                    .runs = tell_runs,
                    .count = tell_counts,
                    .pools = mcpz_pool_agents(assembly->pool),
                    .hosting = mcpz_hosting_port(assembly->hosting)}};
    struct mcpz_server_trouble why = {.text = ""};

    mcpz_error error = mcpz_server_create(assembly->loop, &server, &assembly->server, &why);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(assembly->trouble, "%s",
                         why.text[0] != '\0' ? why.text : mcpz_strerror(error));
        return error;
    }
    (void)snprintf(assembly->socket, sizeof(assembly->socket), "%s",
                   mcpz_server_socket_path(assembly->server));
    return MCPZ_OK;
}

static mcpz_error create_reception(struct mcpz_assembly *assembly)
{
    mcpz_error error =
        mcpz_reception_create(assembly->loop, &assembly->offers, &assembly->reception);

    if (error != MCPZ_OK) {
        mcpz_trouble_say(assembly->trouble, "out of memory");
    }
    return error;
}

static mcpz_error create_hosting(struct mcpz_assembly *assembly)
{
    const struct mcpz_hosting_config hosting = {
        .loop = assembly->loop,
        .desk = mcpz_reception_desk(assembly->reception),
        .site = mcpz_pool_site(assembly->pool),
        .directory = assembly->data,
        .servers = &assembly->config->mcp,
    };
    mcpz_error error = mcpz_hosting_create(&hosting, &assembly->hosting);

    if (error != MCPZ_OK) {
        mcpz_trouble_say(assembly->trouble, "cannot host MCP servers: %s", mcpz_strerror(error));
    }
    return error;
}

static mcpz_error create_local(struct mcpz_assembly *assembly)
{
    struct mcpz_local_trouble why = {.text = ""};
    mcpz_error error =
        mcpz_local_create(assembly->loop, assembly->data, mcpz_reception_desk(assembly->reception),
                          &assembly->local, &why);

    if (error != MCPZ_OK) {
        mcpz_trouble_say(assembly->trouble, "%s", why.text);
    }
    return error;
}

/* What the configuration says of history, in milliseconds; NULL: all is kept. */
static const uint64_t *history_of(const struct mcpz_config *config, uint64_t *history_ms)
{
    *history_ms = (uint64_t)config->history_seconds * 1000;
    return config->history_seconds == MCPZ_HISTORY_SECONDS_FOREVER ? NULL : history_ms;
}

void mcpz_assembly_keep(const struct mcpz_assembly *assembly)
{
    const struct mcpz_config *config = assembly->config;
    uint64_t history_ms;

    mcpz_engine_keep(mcpz_loop_enter(assembly->loop), history_of(config, &history_ms),
                     (uint64_t)config->grace_seconds * 1000);
}

/*
 * Where the grace is short documents are compared more often than else, lest who is there be told
 * so (core/crdt/horizon.h) less often than that: by each neighbour some times within it.
 */
static struct mcpz_node_timing timing_of(const struct mcpz_config *config)
{
    struct mcpz_node_timing timing = config->timing;

    if (config->grace_seconds > 0) {
        timing.anti_entropy_us = mcpz_time_min(
            timing.anti_entropy_us, MCPZ_SECONDS(config->grace_seconds) / COMPARISONS_IN_GRACE);
    }
    return timing;
}

static mcpz_error start_engine(struct mcpz_assembly *assembly)
{
    uint64_t history_ms;
    const struct mcpz_config *config = assembly->config;
    const struct mcpz_vault_port vault = {.context = assembly->keyring,
                                          .lend = lend_key,
                                          .lend_by_id = lend_key_by_id,
                                          .ended_ms = key_ended_ms};
    struct mcpz_engine_config engine = {.vault = &vault,
                                        .identity = assembly->identity,
                                        .authority = assembly->authority,
                                        .name = config->name != NULL ? config->name : "",
                                        .address = assembly->address,
                                        .region = config->region != NULL ? config->region : "",
                                        .zone = config->zone != NULL ? config->zone : "",
                                        .role_count = config->role_count,
                                        .neighbours_max = config->max_direct_peers,
                                        .timing = timing_of(config),
                                        .history_ms = history_of(config, &history_ms),
                                        .grace_ms = (uint64_t)config->grace_seconds * 1000,
                                        .forgets = true};

    mcpz_random(&engine.seed, sizeof(engine.seed));
    for (size_t i = 0; i < config->role_count; i++) {
        engine.roles[i] = config->roles[i];
    }
    mcpz_error error = mcpz_loop_start(assembly->loop, &engine);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(
            assembly->trouble,
            "cannot start on the data in %s: %s; is the directory \"keys\" in it the one "
            "that belongs to it? Restore it from a copy, or name another directory "
            "with --data",
            assembly->data, mcpz_strerror(error));
    } else if (engine.past == MCPZ_STORE_SET_BACK) {
        mcpz_log(MCPZ_LOG_WARN, "store", "restored or copied: agents are written as a new writer",
                 "data=%s", assembly->data);
    } else if (engine.past == MCPZ_STORE_UNVOUCHED) {
        mcpz_log(MCPZ_LOG_INFO, "store",
                 "this machine has started anew, or its disk was put back: agents are written as "
                 "a new writer",
                 "data=%s", assembly->data);
    }
    return error;
}

/* ---- What was saved ----------------------------------------------------------------------- */

static void on_merged(void *context, unsigned status, struct mcpz_bytes answer)
{
    struct mcpz_assembly *assembly = (struct mcpz_assembly *)context;

    mcpz_server_tell(assembly->server, MCPZ_FACT_STORE_REPAIRED);
    if (status != 200) {
        mcpz_log(MCPZ_LOG_ERROR, "store",
                 "what was saved is not merged: the next start tries again", "answer=\"%.*s\"",
                 (int)answer.length, (const char *)answer.data);
        return;
    }
    mcpz_repair_merged(assembly->data, assembly->unmerged);
    mcpz_log(MCPZ_LOG_WARN, "store", "what was saved of the damaged store is merged",
             "place=%s answer=\"%.*s\"", assembly->unmerged, (int)answer.length,
             (const char *)answer.data);
}

/* Also after a crash in the midst of it: what is here already does no harm. */
static void merge_saved(struct mcpz_assembly *assembly)
{
    struct mcpz_body body;

    mcpz_server_body_init(assembly->server, &body);
    mcpz_error error =
        mcpz_repair_unmerged(assembly->data, assembly->keyring, mcpz_loop_enter(assembly->loop),
                             &body, assembly->unmerged);
    if (error == MCPZ_OK) {
        error = mcpz_server_import(assembly->server, &body, on_merged, assembly);
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        mcpz_log(MCPZ_LOG_ERROR, "store", "what was saved cannot be read", "place=%s why=\"%s\"",
                 assembly->unmerged, mcpz_strerror(error));
    }
    mcpz_body_finish(&body);
}

/* ---- Setting it to work ------------------------------------------------------------------- */

static void offer_seeds(struct mcpz_assembly *assembly)
{
    for (size_t i = 0; i < assembly->config->bootstrap_count; i++) {
        struct mcpz_event event = {.kind = MCPZ_EVENT_SEED,
                                   .seed = {.address = mcpz_text(assembly->config->bootstrap[i])}};
        mcpz_engine_event(mcpz_loop_enter(assembly->loop), &event);
    }
}

static mcpz_error refuse_token(struct mcpz_assembly *assembly, mcpz_error error)
{
    struct mcpz_trouble *trouble = assembly->trouble;

    if (error == MCPZ_ECONFLICT) {
        mcpz_trouble_say(trouble,
                         "this node is in another mesh already, with other members: `mcpz leave "
                         "--data %s` while it runs without --join, or name another directory "
                         "with --data",
                         assembly->data);
    } else if (error == MCPZ_EEXPIRED) {
        mcpz_trouble_say(trouble, "the join token has expired: ask for a new one, made by `mcpz "
                                  "token create` on a node of the mesh");
    } else if (error == MCPZ_EVERSION) {
        mcpz_trouble_say(trouble, "the join token is of another version: this mcpz is %s",
                         MCPZ_VERSION);
    } else {
        mcpz_trouble_say(trouble, "that is not a join token, or a part of it is missing: it begins"
                                  " with " MCPZ_TOKEN_PREFIX " and has no blanks in it");
    }
    return error;
}

/* The same --join at every start is harmless: once we are in that mesh, it says nothing new. */
static mcpz_error join(struct mcpz_assembly *assembly)
{
    _Alignas(16) uint8_t memory[MCPZ_TOKEN_TEXT_BYTES_MAX];
    const char *text = assembly->config->join;
    struct mcpz_join_token token;
    struct mcpz_arena arena;

    if (text == NULL || *text == '\0') {
        return MCPZ_OK;
    }
    mcpz_arena_init(&arena, memory, sizeof(memory));
    mcpz_error error = mcpz_token_from_text(mcpz_text(text), &arena, &token);
    if (error == MCPZ_OK) {
        struct mcpz_engine *engine = mcpz_loop_enter(assembly->loop);
        if (!mcpz_id_equal(mcpz_engine_mesh(engine), &token.mesh)) {
            assembly->join_mesh = token.mesh;
            assembly->join_request = mcpz_engine_next_request(engine);
            error = mcpz_engine_join(engine, assembly->join_request, &token);
        }
    }
    mcpz_wipe(memory, sizeof(memory));
    return error == MCPZ_OK ? MCPZ_OK : refuse_token(assembly, error);
}

/* What strict isolation lacks here. */
static mcpz_error refuse_strict(struct mcpz_assembly *assembly, const char *what, const char *name)
{
    char missing[MCPZ_MACHINE_TEXT_BYTES];

    mcpz_machine_show_missing(mcpz_pool_machine(assembly->pool), missing, sizeof(missing));
    mcpz_trouble_say(assembly->trouble,
                     "cannot %s %s with isolation strict: this machine lacks %s; `mcpz doctor` "
                     "says more, isolation: degraded does without",
                     what, name, missing);
    return MCPZ_EUNSUPPORTED;
}

static mcpz_error make_agent_pools(struct mcpz_assembly *assembly)
{
    const struct mcpz_agent_pools_port *port = mcpz_pool_agents(assembly->pool);

    for (size_t i = 0; i < assembly->config->pool_count; i++) {
        const struct mcpz_service *service = &assembly->config->pools[i];
        mcpz_error error = port->create(port->context, service);
        if (error == MCPZ_EUNSUPPORTED) {
            return refuse_strict(assembly, "make the pool", service->name);
        }
        if (error != MCPZ_OK) {
            mcpz_trouble_say(assembly->trouble, "cannot make the pool %s: %s", service->name,
                             mcpz_strerror(error));
            return error;
        }
    }
    return MCPZ_OK;
}

static mcpz_error offer_providers(struct mcpz_assembly *assembly)
{
    for (size_t i = 0; i < assembly->config->provider_count; i++) {
        const struct mcpz_service *provider = &assembly->config->providers[i];
        mcpz_error error = mcpz_pool_provide(assembly->pool, provider);
        if (error == MCPZ_EUNSUPPORTED) {
            return refuse_strict(assembly, "provide", provider->name);
        }
        if (error != MCPZ_OK) {
            mcpz_trouble_say(assembly->trouble, "cannot provide %s: %s", provider->name,
                             mcpz_strerror(error));
            return error;
        }
    }
    return MCPZ_OK;
}

/* ---- Hearing ------------------------------------------------------------------------------ */

static void hear_join(struct mcpz_assembly *assembly, const struct mcpz_action_reply *reply)
{
    char mesh[MCPZ_ID_TEXT_BYTES];

    assembly->join_request = 0;
    mcpz_id_to_text(&assembly->join_mesh, 'm', mesh);
    if (reply->code == MCPZ_CODE_OK) {
        mcpz_log(MCPZ_LOG_INFO, "mesh", "admitted", "mesh=%s", mesh);
        return;
    }
    mcpz_trouble_say(assembly->trouble, "mesh %s did not admit this node: %s%s%.*s", mesh,
                     mcpz_code_word(reply->code), reply->text.length > 0 ? ": " : "",
                     (int)reply->text.length, (const char *)reply->text.data);
    assembly->code = reply->code;
    mcpz_loop_stop(assembly->loop);
}

static void hear(void *context, const struct mcpz_action *action)
{
    struct mcpz_assembly *assembly = (struct mcpz_assembly *)context;

    if (action->kind == MCPZ_ACTION_FACT && action->fact.kind == MCPZ_FACT_DRAINED) {
        mcpz_fact_log(&action->fact);
        mcpz_loop_stop_soon(assembly->loop);
    } else if (action->kind == MCPZ_ACTION_FACT) {
        mcpz_fact_log(&action->fact);
    } else if (action->kind == MCPZ_ACTION_REPLY && assembly->join_request != 0 &&
               action->reply.request == assembly->join_request) {
        hear_join(assembly, &action->reply);
    } else if (action->kind == MCPZ_ACTION_REPLY && assembly->invite_request != 0 &&
               action->reply.request == assembly->invite_request) {
        if (action->reply.code != MCPZ_CODE_OK) {
            assembly->invitation[0] = '\0';
        }
        assembly->invite_request = 0;
        mcpz_loop_defer(assembly->loop, assembly->invited);
    }
}

void mcpz_assembly_invite(struct mcpz_assembly *assembly, struct mcpz_deferred *then)
{
    struct mcpz_engine *engine = mcpz_loop_enter(assembly->loop);
    uint64_t request = mcpz_engine_next_request(engine);
    struct mcpz_join_token token;

    mcpz_error error = mcpz_engine_token_create(engine, request, MCPZ_INVITATION_MS, 1,
                                                mcpz_bytes(NULL, 0), &token);
    if (error == MCPZ_OK) {
        error = mcpz_token_to_text(&token, assembly->invitation, sizeof(assembly->invitation));
    }
    if (error != MCPZ_OK) {
        assembly->invitation[0] = '\0';
        mcpz_loop_defer(assembly->loop, then);
        return;
    }
    assembly->invited = then;
    assembly->invite_request = request;
}

/* ---- Going -------------------------------------------------------------------------------- */

void mcpz_assembly_stop(struct mcpz_assembly *assembly)
{
    const uint64_t timeout_ms = (uint64_t)assembly->config->stop_seconds * 1000;
    struct mcpz_event drain = {
        .kind = MCPZ_EVENT_DRAIN,
        .drain = {.timeout_ms = (uint32_t)timeout_ms, .announce_ms = STOP_ANNOUNCE_MS},
    };

    if (timeout_ms == 0) {
        mcpz_loop_stop(assembly->loop);
        return;
    }
    mcpz_log(MCPZ_LOG_INFO, "node", "stopping when what runs has ended",
             "within_s=%u once_more=\"stops at once\"", assembly->config->stop_seconds);
    mcpz_engine_event(mcpz_loop_enter(assembly->loop), &drain);
    mcpz_hosting_dismiss(assembly->hosting);
}

/* ---- All of it ---------------------------------------------------------------------------- */

static mcpz_error create_parts(struct mcpz_assembly *assembly)
{
    mcpz_error error = mcpz_crypto_init();

    if (error != MCPZ_OK) {
        mcpz_trouble_say(assembly->trouble, "this system gives no randomness for keys");
        return error;
    }
    /* The store first: it holds the lock that makes the directory ours. */
    error = create_loop(assembly);
    error = error == MCPZ_OK ? open_keys(assembly) : error;
    error = error == MCPZ_OK ? open_keyring(assembly) : error;
    error = error == MCPZ_OK ? create_pool(assembly) : error;
    error = error == MCPZ_OK ? create_peers(assembly) : error;
    if (error == MCPZ_OK) {
        mcpz_loop_listen(assembly->loop, hear, assembly);
        error = start_engine(assembly);
    }
    error = error == MCPZ_OK ? create_reception(assembly) : error;
    error = error == MCPZ_OK ? create_hosting(assembly) : error;
    error = error == MCPZ_OK ? create_server(assembly) : error;
    return error == MCPZ_OK ? create_local(assembly) : error;
}

mcpz_error mcpz_assembly_init(struct mcpz_assembly *assembly, const struct mcpz_config *config,
                              struct mcpz_trouble *trouble)
{
    *assembly =
        (struct mcpz_assembly){.config = config, .trouble = trouble, .started = mcpz_clock_now()};
    mcpz_trouble_say(trouble, "%s", "");
    mcpz_error error = make_data(assembly);

    error = error == MCPZ_OK ? create_parts(assembly) : error;
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_pool_limit(assembly->pool, &config->gate);
    error = offer_providers(assembly);
    error = error == MCPZ_OK ? make_agent_pools(assembly) : error;
    if (error == MCPZ_OK) {
        offer_seeds(assembly);
        merge_saved(assembly);
        error = join(assembly);
    }
    return error;
}

void mcpz_assembly_finish(struct mcpz_assembly *assembly)
{
    mcpz_local_destroy(assembly->local);
    mcpz_reception_destroy(assembly->reception);
    mcpz_hosting_destroy(assembly->hosting);
    mcpz_server_destroy(assembly->server);
    mcpz_peers_destroy(assembly->peers);
    mcpz_pool_destroy(assembly->pool);
    mcpz_loop_destroy(assembly->loop);
    mcpz_keyring_close(assembly->keyring);
    mcpz_identity_destroy(assembly->authority);
    mcpz_identity_destroy(assembly->identity);
    free(assembly->repair);
}
