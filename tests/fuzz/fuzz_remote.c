/*
 * A remote server and a host say anything at all over HTTP:
 *
 *   { step u8, which u8, length u8, that many bytes }*
 *
 * The step says who does what (below), `which` to which request. Whatever they say, what the host
 * hears are JSON lines, a request that was made is let go of, and nothing is left over.
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

#include "host/log.h"
#include "mcp_remote_world.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum step {
    HOST_SAYS, /* a line of these bytes */
    HOST_ASKS, /* one of the lines below */
    HOST_STOPS,
    SERVER_BEGINS, /* an answer of the status and type that the first bytes choose */
    SERVER_SAYS,
    SERVER_ENDS, /* the first byte says how */
    TIME_PASSES,
    STEP_COUNT,
};

static const char *const lines[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{}}",
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"\\u00e9\"}}",
    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"subscriptions/listen\",\"params\":{}}",
    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"logging/setLevel\",\"params\":{}}",
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":2}}",
    "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{}}",
};

static const unsigned statuses[] = {200, 200, 200, 200, 202, 204, 307, 400,
                                    401, 403, 404, 405, 413, 429, 500, 503};
static const char *const types[] = {"text/event-stream", "application/json", "text/html", ""};

/* One that is under way; NULL: none. */
static struct trip *pick(uint8_t which)
{
    for (size_t i = 0; i < trip_count; i++) {
        struct trip *trip = &trips[(which + i) % trip_count];
        if (!trip->over) {
            return trip;
        }
    }
    return NULL;
}

static void begin_answer(struct trip *trip, const char *text)
{
    const uint8_t how = (uint8_t)text[0];

    mcpz_remote_head(trip->trip, &(struct mcpz_remote_head){.status = statuses[how % 16],
                                                            .content_type = types[how / 16 % 4],
                                                            .session = how != 0 ? text + 1 : "",
                                                            .authenticate = text,
                                                            .location = text,
                                                            .retry_after_s = how});
}

static void server_does(enum step step, uint8_t which, const char *text, struct mcpz_bytes bytes)
{
    struct trip *trip = pick(which);

    if (trip == NULL) {
        return;
    }
    if (step == SERVER_BEGINS) {
        begin_answer(trip, text);
    } else if (step == SERVER_SAYS) {
        mcpz_remote_body(trip->trip, bytes);
    } else {
        answer_end(trip, text[0] % 2 == 0 ? NULL : text, text[0] % 4 < 2);
    }
}

static void do_step(uint8_t step, uint8_t which, const char *text, struct mcpz_bytes bytes)
{
    switch (step % STEP_COUNT) {
    case HOST_SAYS:
        say(text);
        break;
    case HOST_ASKS:
        say(lines[which % (sizeof(lines) / sizeof(lines[0]))]);
        break;
    case HOST_STOPS:
        mcpz_remote_stop(remote);
        break;
    case TIME_PASSES:
        pass(MCPZ_MS(1) * which * which);
        break;
    default:
        server_does((enum step)(step % STEP_COUNT), which, text, bytes);
        break;
    }
}

static void check_heard(void)
{
    for (size_t i = 0; i < heard_count && i < HEARD_MAX; i++) {
        const struct mcpz_bytes line = mcpz_text(heard[i]);
        CHECK(line.length + 1 >= TEXT_BYTES ||
              mcpz_json_check(line, MCPZ_JSON_GRAMMAR) == MCPZ_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    CHECK(mcpz_log_setup("error", "text", NULL) == MCPZ_OK);
    CHECK(begin_remote(NULL) == 0);
    while (length >= 3 && trip_count < TRIPS_MAX / 2) {
        const size_t size = bytes[2] < length - 3 ? bytes[2] : length - 3;
        char text[256] = "";
        memcpy(text, bytes + 3, size);
        text[size] = '\0';
        do_step(bytes[0], bytes[1], text, mcpz_bytes(bytes + 3, size));
        bytes += 3 + size;
        length -= 3 + size;
    }
    check_heard();
    CHECK(end_remote(NULL) == 0);
    return 0;
}
