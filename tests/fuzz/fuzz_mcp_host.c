/*
 * Servers and clients say anything at all to a host of MCP servers:
 *
 *   { step u8, which u8, length u8, that many bytes }*
 *
 * The step says who does what (below), `which` to whom. Whatever they say, no line that a process
 * or a client is told has a line's end in it, what clients hear is JSON, and nothing is left over.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the worlds of unit tests use of cmocka, without it. */
#define TEST_H
#define CHECK(condition)                                                                          \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            abort();                                                                              \
        }                                                                                         \
    } while (0)
#define CHECK_UINT(actual, expected) CHECK((uint64_t)(actual) == (uint64_t)(expected))
#define CHECK_TEXT(actual, expected) CHECK(strcmp(actual, expected) == 0)

#include "host/log.h"
#include "mcp_host_world.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum step {
    SERVER_SAYS,    /* a line of these bytes */
    SERVER_ANSWERS, /* what it was told last, with these bytes for a result */
    SERVER_REFUSES, /* the same, with an error */
    SERVER_GOES,
    CALL,        /* a new call, of the kind `which` */
    CLIENT_SAYS, /* a line of these bytes */
    CLIENT_LEAVES,
    CLIENT_FINISHES,
    TIME_PASSES,
    SERVER_IS_ADDED,
    SERVER_IS_REMOVED,
    STEP_COUNT,
};

static const char *const params[] = {
    LEGACY_PARAMS("aa"),
    LEGACY_PARAMS("bb"),
    LEGACY_PARAMS(""),
    LISTEN_PARAMS("aa"),
    LISTEN_PARAMS("bb"),
    END_PARAMS("aa"),
    MODERN_PARAMS("{}"),
    MODERN_PARAMS("{\"elicitation\":{}}"),
    "{\"kind\":\"request\",\"era\":\"modern\",\"level\":\"debug\"}",
    "{\"kind\":\"request\",\"era\":\"legacy\",\"session\":\"aa\",\"level\":\"info\"}",
    "not JSON",
};

static const char *const servers[] = {"{\"command\":\"x\",\"replicas\":2}",
                                      "{\"command\":\"x\",\"shared\":true}",
                                      "{\"command\":\"y\",\"stateless\":true}"};

/* A process that is there; NULL: none. */
static struct mcpz_upstream *pick_fake(uint8_t which)
{
    for (size_t i = 0; i < fake_count; i++) {
        struct mcpz_upstream *fake = &fakes[(which + i) % fake_count];
        if (!fake->gone) {
            return fake;
        }
    }
    return NULL;
}

static struct client *pick_client(uint8_t which)
{
    for (size_t i = 0; i < client_count; i++) {
        struct client *client = &clients[(which + i) % client_count];
        if (!client->over) {
            return client;
        }
    }
    return NULL;
}

/* The bytes as text; line ends are for the edges to cut at. */
static const char *text_of(const uint8_t *bytes, size_t length)
{
    static char text[256];

    for (size_t i = 0; i < length; i++) {
        text[i] = bytes[i] == '\n' || bytes[i] == '\0' ? ' ' : (char)bytes[i];
    }
    text[length] = '\0';
    return text;
}

static void server_does(enum step step, uint8_t which, const char *text)
{
    struct mcpz_upstream *fake = pick_fake(which);

    if (fake == NULL) {
        return;
    }
    const char *last =
        fake->line_count > 0 ? fake->lines[(fake->line_count - 1) % FAKE_LINES_MAX] : "{\"id\":0}";
    if (step == SERVER_SAYS) {
        says(fake, text);
    } else if (step == SERVER_ANSWERS && strstr(last, "\"id\":") != NULL) {
        answers(fake, last, text);
    } else if (step == SERVER_REFUSES && strstr(last, "\"id\":") != NULL) {
        refuses(fake, last, -32000 - which);
    } else if (step == SERVER_GOES) {
        goes(fake, text);
    }
}

static void client_does(enum step step, uint8_t which, const char *text)
{
    struct client *client = pick_client(which);

    if (step == CALL && client_count < CLIENTS_MAX) {
        (void)call_as("mcp/x", params[which % (sizeof(params) / sizeof(params[0]))],
                      which % 3 == 0 ? "t" : "");
        return;
    }
    if (client == NULL || client->finished) {
        return;
    }
    if (step == CLIENT_SAYS) {
        client_says(client, text);
    } else if (step == CLIENT_LEAVES) {
        client->over = true;
        mcpz_line_cancel(client->stream);
        settle_all();
    } else if (step == CLIENT_FINISHES) {
        client->finished = true;
        mcpz_line_finish(client->stream);
        settle_all();
    }
}

static void do_step(uint8_t step, uint8_t which, const char *text)
{
    switch (step % STEP_COUNT) {
    case TIME_PASSES:
        pass_until(clock_us + MCPZ_MS(1) * which * which);
        break;
    case SERVER_IS_ADDED:
        (void)add_server("x", servers[which % 3]);
        break;
    case SERVER_IS_REMOVED:
        (void)!mcpz_mcp_host_remove(host, mcpz_text("x"));
        settle_all();
        break;
    case CALL:
    case CLIENT_SAYS:
    case CLIENT_LEAVES:
    case CLIENT_FINISHES:
        client_does((enum step)(step % STEP_COUNT), which, text);
        break;
    default:
        server_does((enum step)(step % STEP_COUNT), which, text);
        break;
    }
}

static void check_lines(void)
{
    for (size_t i = 0; i < fake_count; i++) {
        for (size_t j = 0; j < fakes[i].line_count && j < FAKE_LINES_MAX; j++) {
            CHECK(strpbrk(fakes[i].lines[j], "\r\n") == NULL);
        }
    }
    for (size_t i = 0; i < client_count; i++) {
        for (size_t j = 0; j < clients[i].line_count && j < FAKE_LINES_MAX; j++) {
            const struct mcpz_bytes line = mcpz_text(clients[i].lines[j]);
            CHECK(line.length + 1 >= FAKE_LINE_BYTES ||
                  mcpz_json_check(line, MCPZ_JSON_GRAMMAR) == MCPZ_OK);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    CHECK(mcpz_log_setup("error", "text", NULL) == MCPZ_OK);
    CHECK(begin_world(NULL) == 0);
    CHECK(add_server("x", servers[0]) == MCPZ_OK);
    while (length >= 3) {
        size_t size = bytes[2] < length - 3 ? bytes[2] : length - 3;
        do_step(bytes[0], bytes[1], text_of(bytes + 3, size));
        bytes += 3 + size;
        length -= 3 + size;
    }
    check_lines();
    end_world(NULL);
    CHECK_UINT(offers.count, 0);
    return 0;
}
