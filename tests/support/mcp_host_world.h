/* What tests of the host start from: processes whose lines the test says and reads, and clients.
 */

#ifndef MCP_HOST_WORLD_H
#define MCP_HOST_WORLD_H

#include "host/config.h"
#include "loopback.h"
#include "mcp/host.h"

#define FAKES_MAX 64
#define FAKE_LINES_MAX 64
#define FAKE_LINE_BYTES 1024
#define CLIENTS_MAX 24

/* A process of a server. */
struct mcpz_upstream {
    struct mcpz_upstream_listener listener;
    char server[MCPZ_MCP_NAME_BYTES_MAX + 1];
    char lines[FAKE_LINES_MAX][FAKE_LINE_BYTES]; /* what it was told */
    size_t line_count;
    size_t read; /* of them, by the test */
    bool stopped;
    bool gone;
    bool paused;
};

/* A call of the mesh. */
struct client {
    struct mcpz_line_stream *stream;
    char lines[FAKE_LINES_MAX][FAKE_LINE_BYTES];
    size_t line_count;
    size_t read;
    bool finished; /* it says no more */
    bool over;
    uint32_t code;
    char text[MCPZ_MESSAGE_BYTES_MAX + 1];
};

static struct mcpz_mcp_host *host;
static struct mcpz_upstream fakes[FAKES_MAX];
static size_t fake_count;
static mcpz_error refuse_start;
static struct client clients[CLIENTS_MAX];
static size_t client_count;
static struct mcpz_lines *faces;
static mcpz_time clock_us;
static mcpz_time wake_us;
static uint8_t chance;
static bool host_wants_work;

/* ---- The world ---------------------------------------------------------------------------- */

static inline mcpz_error fake_start(void *context, const struct mcpz_mcp_server *server,
                                    const struct mcpz_upstream_listener *listener,
                                    struct mcpz_upstream **upstream)
{
    (void)context;
    *upstream = NULL;
    if (refuse_start != MCPZ_OK || fake_count == FAKES_MAX) {
        return refuse_start != MCPZ_OK ? refuse_start : MCPZ_EFULL;
    }
    struct mcpz_upstream *fake = &fakes[fake_count++];
    *fake = (struct mcpz_upstream){.listener = *listener};
    (void)snprintf(fake->server, sizeof(fake->server), "%s", server->service.name);
    *upstream = fake;
    return MCPZ_OK;
}

static inline mcpz_error fake_send(struct mcpz_upstream *fake, const struct mcpz_bytes *parts,
                                   size_t count)
{
    CHECK(!fake->gone && !fake->stopped);
    char *line = fake->lines[fake->line_count++ % FAKE_LINES_MAX];
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        size_t left = FAKE_LINE_BYTES - 1 - length;
        size_t size = parts[i].length < left ? parts[i].length : left;
        memcpy(line + length, parts[i].data, size);
        length += size;
    }
    line[length] = '\0';
    return MCPZ_OK;
}

static inline void fake_pause(struct mcpz_upstream *fake, bool paused)
{
    CHECK(!fake->gone);
    fake->paused = paused;
}

static inline void fake_stop(struct mcpz_upstream *fake)
{
    CHECK(!fake->gone);
    fake->stopped = true;
}

static inline mcpz_time fake_now(void *context)
{
    (void)context;
    return clock_us;
}

static inline void fake_write_time(void *context, char text[MCPZ_MCP_TIME_BYTES])
{
    (void)context;
    (void)snprintf(text, MCPZ_MCP_TIME_BYTES, "2026-07-28T00:00:%02u.000Z",
                   (unsigned)(clock_us / MCPZ_SECONDS(1) % 60));
}

static inline void fake_wake_at(void *context, mcpz_time at_us)
{
    (void)context;
    wake_us = at_us;
}

static inline void fake_later(void *context)
{
    (void)context;
    host_wants_work = true;
}

static inline void fake_random(void *context, uint8_t *bytes, size_t length)
{
    (void)context;
    memset(bytes, ++chance, length);
}

/* Good enough to tell documents apart. */
static inline void fake_digest(void *context, struct mcpz_bytes bytes,
                               uint8_t hash[MCPZ_MCP_HASH_BYTES])
{
    uint64_t sum = 1469598103934665603U;

    (void)context;
    for (size_t i = 0; i < bytes.length; i++) {
        sum = (sum ^ bytes.data[i]) * 1099511628211U;
    }
    memcpy(hash, &sum, MCPZ_MCP_HASH_BYTES);
}

static inline void fake_seal(void *context, struct mcpz_bytes bytes,
                             uint8_t mac[MCPZ_MCP_SEAL_BYTES])
{
    memset(mac, 0x5e, MCPZ_MCP_SEAL_BYTES);
    fake_digest(context, bytes, mac);
}

static const struct mcpz_upstreams fake_upstreams = {
    .start = fake_start, .send = fake_send, .pause = fake_pause, .stop = fake_stop};

/* Until nobody has anything left to do. */
static inline void settle_all(void)
{
    do {
        loopback_run();
        if (host_wants_work) {
            host_wants_work = false;
            mcpz_mcp_host_work(host);
        }
    } while (desk_wants_work || host_wants_work || lines_want_work[0]);
}

/* Go on to this time, by way of all that is due before. */
static inline void pass_until(mcpz_time until_us)
{
    while (wake_us <= until_us) {
        clock_us = wake_us > clock_us ? wake_us : clock_us;
        mcpz_mcp_host_tick(host);
        settle_all();
    }
    clock_us = until_us;
}

static inline int begin_world(void **state)
{
    (void)state;
    loopback_set_up();
    faces = loopback_lines(0, NULL);
    fake_count = client_count = 0;
    refuse_start = MCPZ_OK;
    clock_us = MCPZ_SECONDS(1000);
    wake_us = MCPZ_TIME_NEVER;
    chance = 0;
    const struct mcpz_mcp_host_config config = {.desk = desk,
                                                .upstreams = &fake_upstreams,
                                                .node = {.bytes = {1}},
                                                .now = fake_now,
                                                .write_time = fake_write_time,
                                                .wake_at = fake_wake_at,
                                                .later = fake_later,
                                                .random = fake_random,
                                                .digest = fake_digest,
                                                .seal = fake_seal};
    return mcpz_mcp_host_create(&config, &host) == MCPZ_OK ? 0 : -1;
}

static inline int end_world(void **state)
{
    (void)state;
    mcpz_mcp_host_destroy(host);
    host = NULL;
    loopback_tear_down();
    return 0;
}

/* ---- Processes ---------------------------------------------------------------------------- */

static inline struct mcpz_upstream *last_fake(void)
{
    CHECK(fake_count > 0);
    return &fakes[fake_count - 1];
}

/* The next line that a process was told. */
static inline const char *told(struct mcpz_upstream *fake)
{
    CHECK(fake->read < fake->line_count);
    return fake->lines[fake->read++ % FAKE_LINES_MAX];
}

static inline bool is_told_all(const struct mcpz_upstream *fake)
{
    return fake->read == fake->line_count;
}

/* It says a line, in answer to the request of that id; "": it does not tell to which. */
static inline void says_about(struct mcpz_upstream *fake, const char *line, const char *about)
{
    CHECK(!fake->gone);
    fake->listener.on_line(fake->listener.context, mcpz_text(line), mcpz_text(about));
    settle_all();
}

static inline void says(struct mcpz_upstream *fake, const char *line)
{
    says_about(fake, line, "");
}

/* It is gone. */
static inline void goes(struct mcpz_upstream *fake, const char *why)
{
    CHECK(!fake->gone);
    fake->gone = true;
    fake->listener.on_gone(fake->listener.context, why);
    settle_all();
}

/* The number that follows `"id":` in a line. */
static inline unsigned long id_in(const char *line)
{
    const char *at = strstr(line, "\"id\":");

    CHECK(at != NULL);
    return strtoul(at + 5, NULL, 10);
}

/* It answers a line it was told with a result, or an error. */
static inline void answers(struct mcpz_upstream *fake, const char *line, const char *result)
{
    char text[FAKE_LINE_BYTES + 64];

    (void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":%s}",
                   id_in(line), result);
    says(fake, text);
}

static inline void refuses(struct mcpz_upstream *fake, const char *line, int code)
{
    char text[FAKE_LINE_BYTES];

    (void)snprintf(text, sizeof(text),
                   "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":{\"code\":%d,\"message\":\"no\"}}",
                   id_in(line), code);
    says(fake, text);
}

/* ---- Clients ------------------------------------------------------------------------------ */

static inline void client_on_line(void *context, struct mcpz_line_stream *stream,
                                  struct mcpz_bytes line)
{
    struct client *client = context;

    (void)stream;
    mcpz_bytes_to_text(line, client->lines[client->line_count++ % FAKE_LINES_MAX],
                       FAKE_LINE_BYTES);
}

static inline void client_on_end(void *context, struct mcpz_line_stream *stream,
                                 const struct mcpz_line_end *end)
{
    struct client *client = context;

    (void)stream;
    client->over = true;
    client->code = end->code;
    mcpz_bytes_to_text(end->text, client->text, sizeof(client->text));
}

static const struct mcpz_line_ports client_ports = {.on_line = client_on_line,
                                                    .on_end = client_on_end};

/* Call `capability` with `params`, in the name of `tenant`. */
static inline struct client *call_as(const char *capability, const char *params,
                                     const char *tenant)
{
    CHECK(client_count < CLIENTS_MAX);
    struct client *client = &clients[client_count++];
    *client = (struct client){.stream = NULL};
    const struct mcpz_line_call call = {.capability = mcpz_text(capability),
                                        .params = mcpz_text(params),
                                        .tenant = mcpz_text(tenant),
                                        .ports = &client_ports,
                                        .context = client};
    CHECK(mcpz_lines_open(faces, &call, &client->stream) == MCPZ_OK);
    settle_all();
    return client;
}

static inline void client_says(struct client *client, const char *line)
{
    const struct mcpz_bytes part = mcpz_text(line);

    CHECK(mcpz_line_send(client->stream, &part, 1) == MCPZ_OK);
    settle_all();
}

/* The next line that a client heard. */
static inline const char *heard(struct client *client)
{
    CHECK(client->read < client->line_count);
    return client->lines[client->read++ % FAKE_LINES_MAX];
}

static inline bool has_heard_all(const struct client *client)
{
    return client->read == client->line_count;
}

#define LEGACY_PARAMS(session)                                                                    \
    "{\"v\":1,\"kind\":\"request\",\"era\":\"legacy\",\"version\":\"2025-06-18\","                \
    "\"session\":\"" session "\",\"client\":{\"capabilities\":{\"sampling\":{}},"                 \
    "\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}},\"level\":null}"
#define LISTEN_PARAMS(session)                                                                    \
    "{\"v\":1,\"kind\":\"listen\",\"era\":\"legacy\",\"version\":\"2025-06-18\","                 \
    "\"session\":\"" session "\",\"client\":{\"capabilities\":{}}}"
#define END_PARAMS(session)                                                                       \
    "{\"v\":1,\"kind\":\"end\",\"era\":\"legacy\",\"session\":\"" session "\"}"
#define MODERN_PARAMS(capabilities)                                                               \
    "{\"v\":1,\"kind\":\"request\",\"era\":\"modern\",\"version\":\"2026-07-28\","                \
    "\"session\":null,\"client\":{\"capabilities\":" capabilities "}}"

/* A call of server "x" that was accepted: line 0 is read. */
static inline struct client *ask(const char *params, const char *line)
{
    struct client *client = call_as("mcp/x", params, "");

    CHECK(strncmp(heard(client), "{\"mcpz\":{\"node\":\"n-", 18) == 0);
    if (line != NULL) {
        client_says(client, line);
    }
    return client;
}

/* ---- Servers ------------------------------------------------------------------------------ */

static inline mcpz_error add_server(const char *name, const char *document)
{
    struct mcpz_mcp_server server = {.command = NULL};
    struct mcpz_config_trouble trouble;

    CHECK(mcpz_mcp_server_read(mcpz_text(document), name, &server, &trouble) == MCPZ_OK);
    mcpz_error error = mcpz_mcp_host_add(host, &server);
    mcpz_mcp_server_finish(&server);
    settle_all();
    return error;
}

#define INITIALIZED                                                                               \
    "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{\"listChanged\":true}},"    \
    "\"serverInfo\":{\"name\":\"s\",\"version\":\"2\"}}"
#define DISCOVERED                                                                                \
    "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},"                    \
    "\"resultType\":\"complete\",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":"              \
    "{\"name\":\"s\",\"version\":\"2\"}}}"

/* Its process answers initialize. */
static inline void initialize(struct mcpz_upstream *fake)
{
    const char *line = told(fake);

    CHECK(strstr(line, "\"method\":\"initialize\"") != NULL);
    answers(fake, line, INITIALIZED);
    CHECK_TEXT(told(fake), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
}

/* Its describer is asked for its tools, and tells. */
static inline void list_tools(struct mcpz_upstream *fake, const char *tools)
{
    const char *line = told(fake);
    char result[FAKE_LINE_BYTES];

    CHECK(strstr(line, "\"method\":\"tools/list\"") != NULL);
    (void)snprintf(result, sizeof(result), "{\"tools\":[%s]}", tools);
    answers(fake, line, result);
}

/* A legacy server "x" that is ready. Its describer. */
static inline struct mcpz_upstream *legacy_server(const char *document)
{
    CHECK(add_server("x", document) == MCPZ_OK);
    struct mcpz_upstream *probe = last_fake();
    refuses(probe, told(probe), -32601);
    CHECK(probe->stopped);
    goes(probe, "");
    struct mcpz_upstream *describer = last_fake();
    initialize(describer);
    list_tools(describer, "{\"name\":\"t\"}");
    return describer;
}

static inline struct mcpz_upstream *modern_server(void)
{
    CHECK(add_server("x", "{\"command\":\"x\"}") == MCPZ_OK);
    struct mcpz_upstream *probe = last_fake();
    answers(probe, told(probe), DISCOVERED);
    goes(probe, "");
    struct mcpz_upstream *describer = last_fake();
    answers(describer, told(describer), DISCOVERED);
    CHECK(strstr(told(describer), "subscriptions/listen") != NULL);
    list_tools(describer, "{\"name\":\"t\"}");
    return describer;
}

/* Is it offered? */
static inline bool offers_name(const char *name)
{
    return mcpz_offers_edge(&offers, mcpz_text(name)) != NULL;
}

/* How the only server stands. */
static struct mcpz_mcp_host_view seen;
static char seen_hash[2 * MCPZ_MCP_HASH_BYTES + 1];

static inline void see(void *context, const struct mcpz_mcp_host_view *view)
{
    (void)context;
    seen = *view;
    (void)snprintf(seen_hash, sizeof(seen_hash), "%s", view->hash);
}

static inline const struct mcpz_mcp_host_view *look(void)
{
    seen = (struct mcpz_mcp_host_view){.state = "none"};
    mcpz_mcp_host_walk(host, see, NULL);
    return &seen;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin_world, end_world)

#endif
