/*
 * `mcpz mcp stdio`: for clients of MCP that speak over standard input and output only.
 *
 *   client --a message a line--> POST /mcp, one connection each --> the node
 *          <--a message a line-- its answer: JSON, or a stream of events
 *
 * Messages go through as they are. What HTTP wants beside is made of them: the session that the
 * answer to `initialize` names, and the headers of the version without sessions. With a session,
 * a further connection (GET) brings what servers say unasked.
 *
 * HTTP/1.0 is spoken, so that an answer without a length ends with its connection.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/interrupt.h"
#include "cli/show.h"
#include "cli/verb_tables.h"
#include "proto/limits.h"

#define ANSWERS_MAX 64            /* under way at once: then no more is read */
#define MESSAGE_BYTES_MAX 8388608 /* as at the node */
#define HEAD_BYTES_MAX 8192
#define PIECE_BYTES 65536
#define SESSION_CHARS 64
#define VERSION_CHARS 32
#define META_VERSION "io.modelcontextprotocol/protocolVersion"

/* Bytes that come in pieces. */
struct gathered {
    char *bytes;
    size_t length;
    size_t capacity;
};

/* One connection. */
struct answer {
    int fd; /* -1: free */
    json_t *id;
    bool is_initialize;
    bool is_listening; /* the GET: nobody waits for it */
    bool has_head;
    bool is_events;
    unsigned status;
    struct gathered in;   /* the head, then what is not yet a whole message */
    struct gathered data; /* of an event: its lines so far */
};

struct bridge {
    const struct mcpz_invocation *invocation;
    char socket[MCPZ_SOCKET_PATH_BYTES];
    char path[MCPZ_API_PATH_BYTES];
    char session[SESSION_CHARS + 1];
    char version[VERSION_CHARS + 1]; /* of the session */
    struct gathered line;            /* of standard input, not yet whole */
    struct answer answers[ANSWERS_MAX];
    size_t count;
    bool ended; /* standard input has */
};

/* ---- Bytes -------------------------------------------------------------------------------- */

static bool gather(struct gathered *gathered, const char *bytes, size_t length)
{
    if (length > MESSAGE_BYTES_MAX + HEAD_BYTES_MAX - gathered->length) {
        return false;
    }
    if (gathered->length + length + 1 > gathered->capacity) {
        const size_t capacity = 2 * (gathered->length + length + 1);
        char *grown = realloc(gathered->bytes, capacity);
        if (grown == NULL) {
            return false;
        }
        gathered->bytes = grown;
        gathered->capacity = capacity;
    }
    if (length > 0) {
        memcpy(gathered->bytes + gathered->length, bytes, length);
    }
    gathered->length += length;
    gathered->bytes[gathered->length] = '\0';
    return true;
}

static void drop_front(struct gathered *gathered, size_t length)
{
    memmove(gathered->bytes, gathered->bytes + length, gathered->length - length + 1);
    gathered->length -= length;
}

static void release(struct gathered *gathered)
{
    free(gathered->bytes);
    *gathered = (struct gathered){0};
}

/* A message, as one line: line ends in it are white space between its parts. */
static void write_line(char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r') {
            bytes[i] = ' ';
        }
    }
    if (length > 0) {
        (void)fwrite(bytes, 1, length, stdout);
        (void)fputc('\n', stdout);
        (void)fflush(stdout);
    }
}

/* To who asked, what became of the question. */
static void write_error(const json_t *id, const char *text)
{
    json_t *error = json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", id, "error",
                              "code", -32603, "message", text);
    char *line = error != NULL ? json_dumps(error, JSON_COMPACT) : NULL;

    if (line != NULL) {
        write_line(line, strlen(line));
    }
    free(line);
    json_decref(error);
}

/* ---- Connections -------------------------------------------------------------------------- */

static void forget(struct bridge *bridge, struct answer *answer)
{
    (void)close(answer->fd);
    json_decref(answer->id);
    release(&answer->in);
    release(&answer->data);
    *answer = (struct answer){.fd = -1};
    bridge->count--;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR && !mcpz_interrupt_came()) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* NULL: there is no room, or no node. */
static struct answer *open_answer(struct bridge *bridge, const char *head, size_t head_length,
                                  const char *body, size_t body_length)
{
    struct answer *answer = bridge->answers;
    int fd = bridge->count < ANSWERS_MAX ? connect_to(bridge->socket) : -1;

    if (fd < 0) {
        return NULL;
    }
    if (!send_all(fd, head, head_length) || !send_all(fd, body, body_length)) {
        (void)close(fd);
        return NULL;
    }
    while (answer->fd >= 0) {
        answer++;
    }
    *answer = (struct answer){.fd = fd};
    bridge->count++;
    return answer;
}

/* ---- Out: what the client says ------------------------------------------------------------ */

/* What HTTP says beside the message. */
static int write_head(const struct bridge *bridge, const char *method, const json_t *message,
                      size_t length, char *head)
{
    const json_t *params = json_object_get(message, "params");
    const char *modern =
        json_string_value(json_object_get(json_object_get(params, "_meta"), META_VERSION));
    const char *called = json_string_value(json_object_get(message, "method"));
    const char *name = json_string_value(json_object_get(params, "name"));
    char further[HEAD_BYTES_MAX / 2] = "";
    int used = 0;

    if (modern != NULL && called != NULL) {
        name = name != NULL ? name : json_string_value(json_object_get(params, "uri"));
        used = snprintf(further, sizeof(further),
                        "MCP-Protocol-Version: %s\r\nMcp-Method: %s\r\n%s%s%s", modern, called,
                        name != NULL ? "Mcp-Name: " : "", name != NULL ? name : "",
                        name != NULL ? "\r\n" : "");
    } else if (bridge->session[0] != '\0') {
        used = snprintf(further, sizeof(further),
                        "Mcp-Session-Id: %s\r\nMCP-Protocol-Version: %s\r\n", bridge->session,
                        bridge->version);
    }
    if (used < 0 || (size_t)used >= sizeof(further)) {
        return -1;
    }
    const char *accept =
        strcmp(method, "GET") == 0 ? "text/event-stream" : "application/json, text/event-stream";
    int written = snprintf(head, HEAD_BYTES_MAX,
                           "%s %s HTTP/1.0\r\nHost: localhost\r\nAccept: %s\r\n"
                           "Content-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n",
                           method, bridge->path, accept, length, further);
    return written < HEAD_BYTES_MAX ? written : -1;
}

/* Over HTTP without sessions, hanging up is how one cancels. True: that was all there is to do. */
static bool hang_up(struct bridge *bridge, const json_t *message)
{
    const json_t *id = json_object_get(json_object_get(message, "params"), "requestId");

    if (bridge->session[0] != '\0' ||
        strcmp(mcpz_show_text(message, "method"), "notifications/cancelled") != 0) {
        return false;
    }
    for (size_t i = 0; i < ANSWERS_MAX && id != NULL; i++) {
        struct answer *answer = &bridge->answers[i];
        if (answer->fd >= 0 && answer->id != NULL && json_equal(answer->id, id)) {
            forget(bridge, answer);
        }
    }
    return true;
}

static void take_message(struct bridge *bridge, const char *text, size_t length)
{
    json_error_t why;
    json_t *message = json_loadb(text, length, JSON_ALLOW_NUL, &why);
    char head[HEAD_BYTES_MAX];

    if (message == NULL) {
        (void)fprintf(stderr, "mcpz: standard input: a line is no JSON: %s\n", why.text);
        return;
    }
    if (!hang_up(bridge, message)) {
        json_t *id = json_object_get(message, "id");
        const bool asks = id != NULL && json_object_get(message, "method") != NULL;
        int head_length = write_head(bridge, "POST", message, length, head);
        struct answer *answer =
            head_length > 0 ? open_answer(bridge, head, (size_t)head_length, text, length) : NULL;
        if (answer != NULL) {
            answer->id = asks ? json_incref(id) : NULL;
            answer->is_initialize = strcmp(mcpz_show_text(message, "method"), "initialize") == 0;
        } else if (asks) {
            write_error(id, "the node cannot be reached: is it running?");
        }
    }
    json_decref(message);
}

/* False: a line is too long, or it cannot be read. */
static bool read_input(struct bridge *bridge)
{
    char piece[PIECE_BYTES];
    ssize_t got = read(STDIN_FILENO, piece, sizeof(piece));

    if (got <= 0) {
        bridge->ended = got == 0 || errno != EINTR;
        return true;
    }
    if (!gather(&bridge->line, piece, (size_t)got)) {
        return false;
    }
    for (char *end = memchr(bridge->line.bytes, '\n', bridge->line.length); end != NULL;
         end = memchr(bridge->line.bytes, '\n', bridge->line.length)) {
        const size_t length = (size_t)(end - bridge->line.bytes);
        if (length > 0) {
            take_message(bridge, bridge->line.bytes, length);
        }
        drop_front(&bridge->line, length + 1);
    }
    return true;
}

/* What servers say unasked. */
static void listen_to(struct bridge *bridge)
{
    char head[HEAD_BYTES_MAX];
    int length = write_head(bridge, "GET", NULL, 0, head);
    struct answer *answer = length > 0 ? open_answer(bridge, head, (size_t)length, "", 0) : NULL;

    if (answer != NULL) {
        answer->is_listening = true;
    }
}

/* ---- In: what the node says --------------------------------------------------------------- */

/* The value of a header, of `capacity` with its terminator; "" if it is not there. */
static void read_header(const char *head, const char *name, char *value, size_t capacity)
{
    const size_t length = strlen(name);

    value[0] = '\0';
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        const char *start = line + 2;
        if (strncasecmp(start, name, length) == 0 && start[length] == ':') {
            start += length + 1 + strspn(start + length + 1, " \t");
            (void)snprintf(value, capacity, "%.*s", (int)strcspn(start, "\r\n"), start);
            return;
        }
    }
}

/* False: it is not all there. */
static bool take_head(struct bridge *bridge, struct answer *answer)
{
    char type[64];
    char *end = strstr(answer->in.bytes, "\r\n\r\n");

    if (end == NULL) {
        return false;
    }
    end[2] = '\0';
    answer->status =
        (unsigned)strtoul(answer->in.bytes + strcspn(answer->in.bytes, " "), NULL, 10);
    read_header(answer->in.bytes, "Content-Type", type, sizeof(type));
    answer->is_events = strncmp(type, "text/event-stream", 17) == 0;
    if (answer->is_initialize) {
        read_header(answer->in.bytes, "Mcp-Session-Id", bridge->session, sizeof(bridge->session));
    }
    answer->has_head = true;
    drop_front(&answer->in, (size_t)(end - answer->in.bytes) + 4);
    return true;
}

/* The client and we know now which version is spoken. */
static void note_version(struct bridge *bridge, struct answer *answer, const struct gathered *said)
{
    json_t *message = json_loadb(said->bytes, said->length, JSON_ALLOW_NUL, NULL);
    const json_t *result = json_object_get(message, "result");

    if (answer->is_initialize && bridge->session[0] != '\0' && result != NULL) {
        (void)snprintf(bridge->version, sizeof(bridge->version), "%s",
                       mcpz_show_text(result, "protocolVersion"));
        answer->is_initialize = false;
        listen_to(bridge);
    }
    json_decref(message);
}

static void take_event(struct bridge *bridge, struct answer *answer)
{
    if (answer->data.length > 0) {
        note_version(bridge, answer, &answer->data);
        write_line(answer->data.bytes, answer->data.length);
    }
    answer->data.length = 0;
}

/* Source: WHATWG HTML, section 9.2.6; of its fields only data matters here. */
static bool take_lines(struct bridge *bridge, struct answer *answer)
{
    char *end;

    while (answer->in.length > 0 &&
           (end = memchr(answer->in.bytes, '\n', answer->in.length)) != NULL) {
        size_t length = (size_t)(end - answer->in.bytes);
        const size_t whole = length + 1;
        length -= length > 0 && answer->in.bytes[length - 1] == '\r' ? 1 : 0;
        if (length == 0) {
            take_event(bridge, answer);
        } else if (strncmp(answer->in.bytes, "data:", 5) == 0) {
            const size_t skipped = answer->in.bytes[5] == ' ' ? 6 : 5;
            if (!gather(&answer->data, answer->in.bytes + skipped, length - skipped)) {
                return false;
            }
        }
        drop_front(&answer->in, whole);
    }
    return true;
}

/* The connection has ended. */
static void finish_answer(struct bridge *bridge, struct answer *answer)
{
    const bool is_whole = answer->has_head && !answer->is_events && answer->in.length > 0;
    json_t *message =
        is_whole ? json_loadb(answer->in.bytes, answer->in.length, JSON_ALLOW_NUL, NULL) : NULL;
    const json_t *id = json_object_get(message, "id");

    if (id != NULL && !(json_is_null(id) && answer->id != NULL)) {
        note_version(bridge, answer, &answer->in);
        write_line(answer->in.bytes, answer->in.length);
    } else if (answer->id != NULL && !answer->is_events) { /* refused before it was read */
        const json_t *error = json_object_get(message, "error");
        const char *text = json_string_value(json_object_get(error, "message"));
        write_error(answer->id, text != NULL ? text : "the node has hung up");
    }
    json_decref(message);
    forget(bridge, answer);
}

static void read_answer(struct bridge *bridge, struct answer *answer)
{
    char piece[PIECE_BYTES];
    ssize_t got = recv(answer->fd, piece, sizeof(piece), 0);

    if (got < 0 && errno == EINTR) {
        return;
    }
    if (got <= 0) {
        finish_answer(bridge, answer);
        return;
    }
    if (!gather(&answer->in, piece, (size_t)got) ||
        ((answer->has_head || take_head(bridge, answer)) && answer->is_events &&
         !take_lines(bridge, answer))) {
        if (answer->id != NULL) {
            write_error(answer->id, "the answer has more than 8 MiB");
        }
        forget(bridge, answer);
    }
}

/* ---- The loop ----------------------------------------------------------------------------- */

/* Somebody still waits for an answer. */
static bool is_awaited(const struct bridge *bridge)
{
    for (size_t i = 0; i < ANSWERS_MAX; i++) {
        if (bridge->answers[i].fd >= 0 && !bridge->answers[i].is_listening) {
            return true;
        }
    }
    return false;
}

static enum mcpz_exit turn(struct bridge *bridge)
{
    struct pollfd polled[ANSWERS_MAX + 1];
    struct answer *asked[ANSWERS_MAX + 1];
    nfds_t count = 0;

    /* One place is for the connection that listens. */
    if (!bridge->ended && bridge->count < ANSWERS_MAX - 1) {
        asked[count] = NULL;
        polled[count++] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    }
    for (size_t i = 0; i < ANSWERS_MAX; i++) {
        if (bridge->answers[i].fd >= 0) {
            asked[count] = &bridge->answers[i];
            polled[count++] = (struct pollfd){.fd = bridge->answers[i].fd, .events = POLLIN};
        }
    }
    if (poll(polled, count, -1) < 0) {
        return MCPZ_EXIT_OK; /* interrupted: whoever calls us looks */
    }
    for (nfds_t i = 0; i < count; i++) {
        if (polled[i].revents == 0) {
            continue;
        }
        if (asked[i] != NULL && asked[i]->fd == polled[i].fd) {
            read_answer(bridge, asked[i]);
        } else if (asked[i] == NULL && !read_input(bridge)) {
            return mcpz_fail(bridge->invocation, MCPZ_EXIT_FAILED, "too_large",
                             "standard input: a message has more than 8 MiB");
        }
    }
    return MCPZ_EXIT_OK;
}

/* The session is over: the node need not keep it. */
static void say_goodbye(struct bridge *bridge)
{
    char head[HEAD_BYTES_MAX];
    int length = bridge->session[0] != '\0' ? write_head(bridge, "DELETE", NULL, 0, head) : 0;

    for (size_t i = 0; i < ANSWERS_MAX; i++) {
        if (bridge->answers[i].fd >= 0) {
            forget(bridge, &bridge->answers[i]);
        }
    }
    struct answer *answer = length > 0 ? open_answer(bridge, head, (size_t)length, "", 0) : NULL;
    if (answer != NULL) {
        char piece[PIECE_BYTES];
        (void)recv(answer->fd, piece, sizeof(piece), 0);
        forget(bridge, answer);
    }
    release(&bridge->line);
}

static enum mcpz_exit run_mcp_stdio(const struct mcpz_invocation *invocation)
{
    static struct bridge bridge;
    const char *server = mcpz_option_value(invocation, "server");
    enum mcpz_exit status = MCPZ_EXIT_OK;

    bridge = (struct bridge){.invocation = invocation, .path = "/mcp"};
    for (size_t i = 0; i < ANSWERS_MAX; i++) {
        bridge.answers[i].fd = -1;
    }
    if (server != NULL) {
        status = mcpz_api_path(invocation, "/mcp/", server, "", bridge.path);
    }
    if (status == MCPZ_EXIT_OK && mcpz_client_socket(invocation->data, bridge.socket) != MCPZ_OK) {
        status = mcpz_fail_unreachable(invocation);
    }
    mcpz_interrupt_catch();
    while (status == MCPZ_EXIT_OK && !mcpz_interrupt_came() &&
           (!bridge.ended || is_awaited(&bridge))) {
        status = turn(&bridge);
    }
    say_goodbye(&bridge);
    return status;
}

static const struct mcpz_option mcp_tools_options[] = {
    {"server", '\0', "NAME", "only of this server, by the names it gives them"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_mcp_stdio, "mcp stdio", "", 0, 0, "speak MCP on standard input and output",
    "For clients that start their servers as commands: the mesh's tools, or with --server those\n"
    "of one server as it is. Ends with standard input. In a client's configuration:\n"
    "\n"
    "  {\"mcpServers\": {\"mesh\": {\"command\": \"mcpz\",\n"
    "    \"args\": [\"mcp\", \"stdio\", \"--data\", \"/var/lib/mcpz\"]}}}\n"
    "\n"
    "Example:\n"
    "  claude mcp add mesh -- mcpz mcp stdio --data /var/lib/mcpz\n",
    MCPZ_OPTIONS(mcp_tools_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_mcp_stdio_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
