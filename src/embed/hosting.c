#include "embed/hosting.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ev.h>

#include "crypto/digest.h"
#include "crypto/identity.h"
#include "exec/mcp_child.h"
#include "host/config.h"
#include "host/log.h"
#include "http/remotes.h"
#include "wire/json.h"

#define FILE_NAME "mcp-servers.json"
#define FILE_BYTES_MAX 4194304

struct mcpz_hosting {
    struct mcpz_loop *loop;
    struct mcpz_mcp_host *host;
    struct mcpz_mcp_children *children;
    struct mcpz_remotes *remotes;
    struct mcpz_mcp_servers configured; /* as the configuration has them */
    struct mcpz_mcp_servers added;      /* at run time */
    struct mcpz_mcp_hosting_port port;
    struct mcpz_deferred work;
    ev_timer wake;
    char path[PATH_MAX];
    uint8_t seal_key[32];
};

/* ---- The world ---------------------------------------------------------------------------- */

static mcpz_time now(void *context)
{
    (void)context;
    return mcpz_clock_now();
}

static void on_wake(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_hosting *hosting = timer->data;

    mcpz_mcp_host_tick(hosting->host);
}

static void wake_at(void *context, mcpz_time at_us)
{
    struct mcpz_hosting *hosting = context;
    struct ev_loop *loop = mcpz_loop_ev(hosting->loop);
    const mcpz_time from = mcpz_clock_now();

    ev_timer_stop(loop, &hosting->wake);
    if (at_us != MCPZ_TIME_NEVER) {
        ev_now_update(loop);
        ev_timer_set(&hosting->wake, at_us > from ? (double)(at_us - from) / 1e6 : 0.0, 0.0);
        ev_timer_start(loop, &hosting->wake);
    }
}

static void do_work(void *context)
{
    struct mcpz_hosting *hosting = context;

    mcpz_mcp_host_work(hosting->host);
}

static void later(void *context)
{
    struct mcpz_hosting *hosting = context;

    mcpz_loop_defer(hosting->loop, &hosting->work);
}

static void write_time(void *context, char text[MCPZ_MCP_TIME_BYTES])
{
    static_assert(MCPZ_MCP_TIME_BYTES == MCPZ_CLOCK_TEXT_BYTES, "one text");
    (void)context;
    mcpz_clock_write_wall(text);
}

static void give_random(void *context, uint8_t *bytes, size_t length)
{
    (void)context;
    mcpz_random(bytes, length);
}

static void give_digest(void *context, struct mcpz_bytes bytes, uint8_t hash[MCPZ_MCP_HASH_BYTES])
{
    uint8_t digest[MCPZ_DIGEST_BYTES];

    (void)context;
    mcpz_digest(MCPZ_DIGEST_MCP, bytes, digest);
    memcpy(hash, digest, MCPZ_MCP_HASH_BYTES);
}

/* The calls that it seals the names of end with the node: so may the key. */
static void give_seal(void *context, struct mcpz_bytes bytes, uint8_t mac[MCPZ_MCP_SEAL_BYTES])
{
    const struct mcpz_hosting *hosting = context;
    struct mcpz_digest_state state;
    uint8_t digest[MCPZ_DIGEST_BYTES];

    mcpz_digest_begin(&state, MCPZ_DIGEST_MCP_STATE,
                      mcpz_bytes(hosting->seal_key, sizeof(hosting->seal_key)));
    mcpz_digest_add(&state, bytes);
    mcpz_digest_end(&state, digest);
    memcpy(mac, digest, MCPZ_MCP_SEAL_BYTES);
}

/* ---- The file ----------------------------------------------------------------------------- */

static mcpz_error write_all(FILE *file, const struct mcpz_mcp_servers *servers)
{
    (void)fputs("{\"mcp\":{\"servers\":{", file);
    for (size_t i = 0; i < servers->count; i++) {
        char *text = mcpz_mcp_server_show(&servers->rows[i], true);
        if (text == NULL) {
            return MCPZ_ENOMEM;
        }
        /* A name needs no escapes. */
        (void)fprintf(file, "%s\n\"%s\":%s", i > 0 ? "," : "", servers->rows[i].service.name,
                      text);
        free(text);
    }
    (void)fputs("\n}}}\n", file);
    return MCPZ_OK;
}

/* Whole or not at all; it may hold secrets. */
static mcpz_error save(const struct mcpz_hosting *hosting)
{
    char fresh[PATH_MAX + 8];

    (void)snprintf(fresh, sizeof(fresh), "%s.new", hosting->path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return MCPZ_EIO;
    }
    mcpz_error error = write_all(file, &hosting->added);
    bool good = fflush(file) == 0 && fsync(fd) == 0;
    good = fclose(file) == 0 && good;
    if (error == MCPZ_OK && (!good || rename(fresh, hosting->path) != 0)) {
        error = MCPZ_EIO;
    }
    if (error != MCPZ_OK) {
        (void)unlink(fresh);
    }
    return error;
}

static void load(struct mcpz_hosting *hosting)
{
    struct mcpz_config_trouble trouble = {.text = ""};
    FILE *file = fopen(hosting->path, "re");
    char *bytes = file != NULL ? malloc(FILE_BYTES_MAX) : NULL;
    size_t length = bytes != NULL ? fread(bytes, 1, FILE_BYTES_MAX, file) : 0;

    if (file != NULL) {
        (void)fclose(file);
    }
    if (length > 0 && mcpz_mcp_servers_read(mcpz_bytes(bytes, length), hosting->path,
                                            &hosting->added, &trouble) != MCPZ_OK) {
        mcpz_log(MCPZ_LOG_ERROR, "mcp", "servers that were added cannot be read", "reason=\"%s\"",
                 trouble.text);
    }
    free(bytes);
}

/* ---- Changes ------------------------------------------------------------------------------ */

static void host(struct mcpz_hosting *hosting, const struct mcpz_mcp_server *server)
{
    mcpz_error error = mcpz_mcp_host_add(hosting->host, server);

    if (error != MCPZ_OK) {
        mcpz_log(MCPZ_LOG_ERROR, "mcp", "a server cannot be hosted", "server=%s reason=\"%s\"",
                 server->service.name, mcpz_strerror(error));
    }
}

static void drop_row(struct mcpz_mcp_servers *servers, const struct mcpz_mcp_server *row)
{
    struct mcpz_mcp_server *at = &servers->rows[row - servers->rows];

    mcpz_mcp_server_finish(at);
    servers->count--;
    *at = servers->rows[servers->count];
}

static mcpz_error add(void *context, const char *name, struct mcpz_bytes document,
                      struct mcpz_config_trouble *trouble)
{
    struct mcpz_hosting *hosting = context;
    struct mcpz_mcp_server server = {.command = NULL};
    const struct mcpz_mcp_server *old = mcpz_mcp_servers_find(&hosting->added, mcpz_text(name));

    if (mcpz_mcp_servers_find(&hosting->configured, mcpz_text(name)) != NULL) {
        return MCPZ_ECONFLICT;
    }
    mcpz_error error = mcpz_mcp_server_read(document, name, &server, trouble);
    if (error != MCPZ_OK) {
        return error;
    }
    if (old == NULL && hosting->configured.count + hosting->added.count >= MCPZ_MCP_SERVERS_MAX) {
        mcpz_mcp_server_finish(&server);
        return MCPZ_EFULL;
    }
    error = mcpz_mcp_servers_grow(&hosting->added);
    if (error == MCPZ_OK) {
        error = mcpz_mcp_host_add(hosting->host, &server);
    }
    if (error != MCPZ_OK) {
        mcpz_mcp_server_finish(&server);
        return error;
    }
    old = mcpz_mcp_servers_find(&hosting->added, mcpz_text(name)); /* the rows may have moved */
    if (old != NULL) {
        drop_row(&hosting->added, old);
    }
    hosting->added.rows[hosting->added.count++] = server;
    return save(hosting);
}

static mcpz_error remove_one(void *context, struct mcpz_bytes name)
{
    struct mcpz_hosting *hosting = context;
    const struct mcpz_mcp_server *row = mcpz_mcp_servers_find(&hosting->added, name);

    if (mcpz_mcp_servers_find(&hosting->configured, name) != NULL) {
        return MCPZ_ECONFLICT;
    }
    if (row == NULL) {
        return MCPZ_ENOTFOUND;
    }
    (void)!mcpz_mcp_host_remove(hosting->host, name);
    drop_row(&hosting->added, row);
    return save(hosting);
}

static void walk(void *context,
                 void (*visit)(void *visit_context, const struct mcpz_mcp_host_view *view),
                 void *visit_context)
{
    struct mcpz_hosting *hosting = context;

    mcpz_mcp_host_walk(hosting->host, visit, visit_context);
}

static mcpz_error copy_servers(const struct mcpz_mcp_servers *servers,
                               struct mcpz_mcp_servers *copy)
{
    for (copy->count = 0; copy->count < servers->count; copy->count++) {
        mcpz_error error = mcpz_mcp_servers_grow(copy);
        if (error == MCPZ_OK) {
            error = mcpz_mcp_server_copy(&servers->rows[copy->count], &copy->rows[copy->count]);
        }
        if (error != MCPZ_OK) {
            mcpz_mcp_servers_finish(copy);
            return error;
        }
    }
    return MCPZ_OK;
}

void mcpz_hosting_apply(struct mcpz_hosting *hosting, const struct mcpz_mcp_servers *servers)
{
    for (size_t i = 0; i < hosting->configured.count; i++) {
        const struct mcpz_bytes name = mcpz_text(hosting->configured.rows[i].service.name);
        if (mcpz_mcp_servers_find(servers, name) == NULL) {
            (void)!mcpz_mcp_host_remove(hosting->host, name);
        }
    }
    mcpz_mcp_servers_finish(&hosting->configured);
    if (copy_servers(servers, &hosting->configured) != MCPZ_OK) {
        mcpz_log(MCPZ_LOG_ERROR, "mcp", "out of memory", "%s", "");
        return;
    }
    for (size_t i = 0; i < hosting->configured.count; i++) {
        host(hosting, &hosting->configured.rows[i]);
    }
    for (size_t i = 0; i < hosting->added.count; i++) {
        const struct mcpz_mcp_server *server = &hosting->added.rows[i];
        if (mcpz_mcp_servers_find(&hosting->configured, mcpz_text(server->service.name)) == NULL) {
            host(hosting, server);
        }
    }
}

static void dismiss(void *context)
{
    struct mcpz_hosting *hosting = context;

    mcpz_mcp_host_dismiss(hosting->host);
}

void mcpz_hosting_dismiss(struct mcpz_hosting *hosting)
{
    dismiss(hosting);
}

/* ---- Life --------------------------------------------------------------------------------- */

static mcpz_error create_host(struct mcpz_hosting *hosting,
                              const struct mcpz_hosting_config *config)
{
    const struct mcpz_mcp_host_config host_config = {
        .desk = config->desk,
        .upstreams = mcpz_mcp_children_port(hosting->children),
        .remotes = mcpz_remotes_port(hosting->remotes),
        .node = *mcpz_engine_id(mcpz_loop_engine(config->loop)),
        .context = hosting,
        .now = now,
        .write_time = write_time,
        .wake_at = wake_at,
        .later = later,
        .random = give_random,
        .digest = give_digest,
        .seal = give_seal,
    };

    return mcpz_mcp_host_create(&host_config, &hosting->host);
}

mcpz_error mcpz_hosting_create(const struct mcpz_hosting_config *config,
                               struct mcpz_hosting **hosting)
{
    struct mcpz_hosting *made = calloc(1, sizeof(*made));

    *hosting = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->loop = config->loop;
    mcpz_random(made->seal_key, sizeof(made->seal_key));
    made->work = (struct mcpz_deferred){.run = do_work, .context = made};
    made->port = (struct mcpz_mcp_hosting_port){
        .context = made, .add = add, .remove = remove_one, .dismiss = dismiss, .walk = walk};
    (void)snprintf(made->path, sizeof(made->path), "%s/" FILE_NAME, config->directory);
    ev_timer_init(&made->wake, on_wake, 0.0, 0.0);
    made->wake.data = made;
    mcpz_error error = mcpz_mcp_children_create(config->loop, config->site, &made->children);
    if (error == MCPZ_OK) {
        error = mcpz_remotes_create(config->loop, mcpz_engine_id(mcpz_loop_engine(config->loop)),
                                    &made->remotes);
    }
    error = error == MCPZ_OK ? create_host(made, config) : error;
    if (error != MCPZ_OK) {
        mcpz_hosting_destroy(made);
        return error;
    }
    load(made);
    mcpz_hosting_apply(made, config->servers);
    *hosting = made;
    return MCPZ_OK;
}

void mcpz_hosting_destroy(struct mcpz_hosting *hosting)
{
    if (hosting == NULL) {
        return;
    }
    mcpz_remotes_destroy(hosting->remotes);
    mcpz_mcp_children_destroy(hosting->children);
    ev_timer_stop(mcpz_loop_ev(hosting->loop), &hosting->wake);
    mcpz_mcp_host_destroy(hosting->host);
    mcpz_loop_undefer(hosting->loop, &hosting->work);
    mcpz_mcp_servers_finish(&hosting->configured);
    mcpz_mcp_servers_finish(&hosting->added);
    free(hosting);
}

const struct mcpz_mcp_hosting_port *mcpz_hosting_port(struct mcpz_hosting *hosting)
{
    return &hosting->port;
}

const struct mcpz_mcp_host_stats *mcpz_hosting_stats(const struct mcpz_hosting *hosting)
{
    return mcpz_mcp_host_stats(hosting->host);
}
