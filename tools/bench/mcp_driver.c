/*
 * Calls of an echo tool over Streamable HTTP, with as little of its own as the other drivers have,
 * and a server on stdio that answers them: see driver.h.
 *
 *   bench-mcp call http://HOST:PORT/PATH TOOL   one session, IN_FLIGHT connections that are kept
 *   bench-mcp serve stdio TOOL                  a server with that tool: what else a call costs
 *
 * PATH "/api/servers/tools" is mcp-hub's API, which has no sessions: a call is a POST there.
 * Each answer is read whole, and must hold what was sent.
 *
 * Source: Model Context Protocol 2025-06-18, "Streamable HTTP"; RFC 9112, section 7.1 (chunks).
 */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver.h"
#include "wire/json.h"

#define BUFFER_BYTES 262144
#define HEAD_BYTES 1024
#define SESSION_BYTES 128
#define VERSION "2025-06-18"
#define REST "/api/servers/tools"

struct connection {
    int fd;
    size_t slot;
    size_t length;
    char in[BUFFER_BYTES];
};

static struct driver driver;
static char host[128];
static char port[8];
static char path[128];
static char session[SESSION_BYTES];

/* ---- The server --------------------------------------------------------------------------- */

static void answer(struct mcpz_json id, const char *result, struct mcpz_bytes text,
                   const char *behind)
{
    printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":%s%.*s%s}\n", (int)id.text.length,
           (const char *)id.text.data, result, (int)text.length, (const char *)text.data, behind);
    (void)fflush(stdout);
}

static struct mcpz_json member(struct mcpz_json object, const char *name)
{
    struct mcpz_json found = {.type = MCPZ_JSON_NONE};

    if (mcpz_json_pick(object, &name, 1, &found) != MCPZ_OK) {
        driver_die("message", "a name is there twice");
    }
    return found;
}

static void answer_line(struct mcpz_bytes line)
{
    if (mcpz_json_check(line, MCPZ_JSON_GRAMMAR) != MCPZ_OK) {
        driver_die("message", "is no JSON");
    }
    const struct mcpz_json message = mcpz_json_value(line);
    const struct mcpz_json id = member(message, "id");
    const struct mcpz_json method = member(message, "method");
    const struct mcpz_json params = member(message, "params");
    const struct mcpz_bytes none = mcpz_text("");

    if (id.type == MCPZ_JSON_NONE) {
        return;
    }
    if (mcpz_json_says(method, mcpz_text("tools/call"))) {
        const struct mcpz_json text = member(member(params, "arguments"), "message");
        answer(id, "{\"content\":[{\"type\":\"text\",\"text\":", text.text, "}]}");
    } else if (mcpz_json_says(method, mcpz_text("initialize"))) {
        answer(id,
               "{\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"echo\","
               "\"version\":\"1\"},\"protocolVersion\":",
               member(params, "protocolVersion").text, "}");
    } else if (mcpz_json_says(method, mcpz_text("tools/list"))) {
        answer(id, "{\"tools\":[{\"name\":\"", mcpz_text(driver.name),
               "\",\"inputSchema\":{\"type\":\"object\"}}]}");
    } else if (mcpz_json_says(method, mcpz_text("ping"))) {
        answer(id, "{", none, "}");
    } else {
        printf("{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{\"code\":-32601,\"message\":\"no "
               "such method\"}}\n",
               (int)id.text.length, (const char *)id.text.data);
        (void)fflush(stdout);
    }
}

static int serve(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;

    while ((length = getline(&line, &capacity, stdin)) > 0) {
        answer_line(mcpz_bytes(line, (size_t)length));
    }
    free(line);
    return EXIT_SUCCESS;
}

/* ---- Requests ----------------------------------------------------------------------------- */

static void read_url(const char *url)
{
    if (sscanf(url, "http://%127[^:/]:%7[0-9]%127s", host, port, path) != 3) {
        driver_die(url, "is not http://HOST:PORT/PATH");
    }
}

static int connect_there(void)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    const int on = 1;
    struct addrinfo *found = NULL;

    if (getaddrinfo(host, port, &wanted, &found) != 0) {
        driver_die(host, "has no address");
    }
    int fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        driver_die("connect", strerror(errno));
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    freeaddrinfo(found);
    return fd;
}

static void post(struct connection *connection, const char *body)
{
    static char out[BUFFER_BYTES];
    int length = snprintf(out, sizeof(out),
                          "POST %s HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/json\r\n"
                          "Accept: application/json, text/event-stream\r\n%s%s%s%s"
                          "Content-Length: %zu\r\n\r\n%s",
                          path, host, port,
                          session[0] != '\0' ? "MCP-Protocol-Version: " VERSION "\r\n" : "",
                          session[0] != '\0' ? "Mcp-Session-Id: " : "", session,
                          session[0] != '\0' ? "\r\n" : "", strlen(body), body);

    for (int at = 0; at < length;) {
        ssize_t sent = send(connection->fd, out + at, (size_t)(length - at), MSG_NOSIGNAL);
        if (sent <= 0) {
            driver_die("send", strerror(errno));
        }
        at += (int)sent;
    }
    connection->length = 0;
}

static void ask(struct connection *connection)
{
    static char body[BUFFER_BYTES / 2];
    const char *text = (const char *)driver.payload;

    if (strcmp(path, REST) == 0) {
        (void)snprintf(body, sizeof(body),
                       "{\"server_name\":\"fixture\",\"tool\":\"%s\",\"arguments\":"
                       "{\"message\":%s}}",
                       driver.name, text);
    } else {
        (void)snprintf(body, sizeof(body),
                       "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"tools/call\","
                       "\"params\":{\"name\":\"%s\",\"arguments\":{\"message\":%s}}}",
                       driver.asked + 1, driver.name, text);
    }
    driver_asked(&driver, connection->slot);
    post(connection, body);
}

/* ---- Answers ------------------------------------------------------------------------------ */

/* The value of a header; NULL: it is not there. */
static const char *header(const char *head, const char *name)
{
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, strlen(name)) == 0) {
            return line + 2 + strlen(name) + strspn(line + 2 + strlen(name), " ");
        }
    }
    return NULL;
}

/* Have all chunks come? */
static bool is_last_chunk_there(const char *at, const char *end)
{
    while (at < end) {
        char *behind = NULL;
        unsigned long size = strtoul(at, &behind, 16);
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL || behind == at) {
            return false;
        }
        if (size == 0) {
            return end - line_end - 1 >= 2;
        }
        if ((size_t)(end - line_end - 1) < size + 2) {
            return false;
        }
        at = line_end + 1 + size + 2;
    }
    return false;
}

/* Is the answer whole? */
static bool is_whole(struct connection *connection)
{
    connection->in[connection->length] = '\0';
    char *head_end = strstr(connection->in, "\r\n\r\n");
    if (head_end == NULL) {
        return false;
    }
    const char *body = head_end + 4;
    head_end[2] = '\0'; /* headers are looked for before */
    const char *length = header(connection->in, "content-length:");
    const char *encoding = header(connection->in, "transfer-encoding:");
    bool whole = false;
    if (length != NULL) {
        whole = (size_t)(connection->in + connection->length - body) >= strtoul(length, NULL, 10);
    } else if (encoding != NULL) {
        whole = is_last_chunk_there(body, connection->in + connection->length);
    } else {
        whole = true; /* there is no body: 202 */
    }
    head_end[2] = '\r';
    return whole;
}

static void receive(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->in + connection->length,
                       sizeof(connection->in) - 1 - connection->length, 0);

    if (got <= 0) {
        driver_die("recv", got == 0 ? "the server hung up" : strerror(errno));
    }
    connection->length += (size_t)got;
}

static void receive_all(struct connection *connection)
{
    do {
        receive(connection);
    } while (!is_whole(connection));
}

/* initialize, and what follows; the session's id is kept. */
static void begin_session(struct connection *connection)
{
    post(connection, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
                     "\"protocolVersion\":\"" VERSION "\",\"capabilities\":{},"
                     "\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}");
    receive_all(connection);
    const char *id = header(connection->in, "mcp-session-id:");
    if (strncmp(connection->in + 9, "200", 3) != 0 || id == NULL ||
        strcspn(id, "\r") >= sizeof(session)) {
        driver_die("initialize", connection->in);
    }
    memcpy(session, id, strcspn(id, "\r"));
    post(connection, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    receive_all(connection);
}

static void take(struct connection *connection)
{
    receive(connection);
    if (!is_whole(connection)) {
        return;
    }
    const bool well = strncmp(connection->in + 9, "200", 3) == 0 &&
                      strstr(connection->in, "\"isError\":true") == NULL &&
                      memmem(connection->in, connection->length, driver.payload + 1,
                             driver.payload_bytes - 2) != NULL;
    if (!well && driver.failed == 0) {
        fprintf(stderr, "the first that failed:\n%s\n", connection->in);
    }
    driver_answered(&driver, connection->slot, well);
    if (driver.asked < driver.count) {
        ask(connection);
    }
}

static int call(void)
{
    struct connection *connections = calloc(driver.in_flight, sizeof(connections[0]));
    int poll = epoll_create1(EPOLL_CLOEXEC);

    if (connections == NULL || poll < 0 || driver.payload_bytes < 3) {
        driver_die("bench-mcp", "cannot begin");
    }
    read_url(driver.where);
    driver.payload[driver.payload_bytes] = '\0';
    for (size_t i = 0; i < driver.in_flight; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        connections[i].fd = connect_there();
        connections[i].slot = i;
        if (epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].fd, &event) != 0) {
            driver_die("epoll", strerror(errno));
        }
    }
    if (strcmp(path, REST) != 0) {
        begin_session(&connections[0]);
    }
    driver_begin(&driver);
    for (size_t i = 0; i < driver.in_flight && driver.asked < driver.count; i++) {
        ask(&connections[i]);
    }
    while (driver.answered < driver.count) {
        struct epoll_event events[64];
        int count = epoll_wait(poll, events, 64, (int)driver.timeout_ms);
        if (count <= 0) {
            driver_die("epoll", count == 0 ? "nothing came in time" : strerror(errno));
        }
        for (int i = 0; i < count; i++) {
            take(events[i].data.ptr);
        }
    }
    (void)close(poll);
    free(connections);
    return driver_end(&driver);
}

int main(int argc, char **argv)
{
    driver_read(&driver, argc, argv);
    return driver.serves ? serve() : call();
}
