/*
 * What a client of MCP says, and what a host says to it: the first byte picks how it is asked, up
 * to the first NUL is the body, the rest is said by whoever is called. Whatever comes, an answer
 * that is no stream is JSON or empty, and nothing is left over.
 */

#include <stdlib.h>
#include <string.h>

#include "mcp/face.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define DOCUMENT                                                                                  \
    "{\"serverInfo\":{},\"capabilities\":{\"resources\":{},\"prompts\":{},\"tasks\":{\"list\":{}" \
    "}},\"tools\":["                                                                              \
    "{\"name\":\"t\"}],\"prompts\":[{\"name\":\"p\"}],\"resources\":[{\"uri\":\"x:1\"}]}\n"
#define INITIALIZE                                                                                \
    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"    \
    "\"2025-03-26\",\"capabilities\":{}}}"

static struct mcpz_desk *desk;
static struct mcpz_face *face;
static struct mcpz_offers offers;
static uint64_t requests;
static struct mcpz_bytes said;
static char session[40];
static bool wants_work;
static mcpz_time now;

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* ---- The mesh ----------------------------------------------------------------------------- */

static uint64_t give_requests(void *context, size_t count)
{
    (void)context;
    requests += count;
    return requests - count + 1;
}

static void act(enum mcpz_action_kind kind, struct mcpz_action_task task)
{
    mcpz_desk_act(desk, &(struct mcpz_action){.kind = kind, .task = task});
}

static void hear(void *context, struct mcpz_event *event)
{
    const struct mcpz_bytes capability = event->task.capability;
    struct mcpz_action_task task = {.request = event->task.request};

    (void)context;
    if (event->kind != MCPZ_EVENT_TASK_START) {
        return;
    }
    bool is_about = capability.length > 4 && capability.data[3] == '.';
    task.credit = MCPZ_CALL_WINDOW_BYTES;
    act(MCPZ_ACTION_TASK_PULL, task);
    task.chunk = is_about ? mcpz_text(DOCUMENT) : said;
    if (task.chunk.length > MCPZ_CHUNK_BYTES_MAX) {
        task.chunk.length = MCPZ_CHUNK_BYTES_MAX;
    }
    act(MCPZ_ACTION_TASK_DONE, task);
}

static void want_desk(void *context)
{
    (void)context;
}

static mcpz_time tell_now(void *context)
{
    (void)context;
    return now;
}

static void give_random(void *context, uint8_t *bytes, size_t length)
{
    (void)context;
    memset(bytes, 7, length);
}

static void want_face(void *context)
{
    (void)context;
    wants_work = true;
}

static void wake_at(void *context, mcpz_time at_us)
{
    (void)context;
    (void)at_us;
}

static void walk(void *context, void (*visit)(void *visit_context, struct mcpz_bytes name),
                 void *visit_context)
{
    (void)context;
    visit(visit_context, mcpz_text("mcp.about/s/0123456789abcdef"));
    visit(visit_context, mcpz_text("mcp/s"));
}

/* ---- The client --------------------------------------------------------------------------- */

static bool streams;

static void take_answer(void *context, void *owner, const struct mcpz_face_answer *answer)
{
    bool *is_answered = (bool *)owner;

    (void)context;
    require(!*is_answered);
    *is_answered = true;
    streams = answer->streams;
    require(answer->status >= 200 && answer->status < 600);
    require(answer->body.length == 0 ||
            mcpz_json_check(answer->body, MCPZ_JSON_GRAMMAR) == MCPZ_OK);
    if (answer->session != NULL) {
        mcpz_bytes_to_text(mcpz_text(answer->session), session, sizeof(session));
    }
}

static void take_more(void *context, void *owner)
{
    (void)context;
    (void)owner;
}

static void run(void)
{
    do {
        wants_work = false;
        mcpz_desk_work(desk);
        mcpz_face_work(face);
    } while (wants_work);
}

static void ask(const struct mcpz_face_request *request)
{
    struct mcpz_asker *asker = NULL;
    bool is_answered = false;
    bool ended = false;
    uint8_t out[512];

    streams = false;
    require(mcpz_face_ask(face, request, &is_answered, &asker) == MCPZ_OK);
    run();
    now += MCPZ_FACE_COMMENT_US;
    mcpz_face_tick(face);
    run();
    for (size_t i = 0; streams && i < 1000; i++) {
        if (mcpz_face_pull(asker, out, sizeof(out), &ended) == 0) {
            break;
        }
    }
    mcpz_face_close(asker);
    run();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const struct mcpz_desk_ports ports = {
        .next_request = give_requests, .say = hear, .later = want_desk};
    const struct mcpz_face_config config = {
        .now = tell_now,
        .random = give_random,
        .later = want_face,
        .wake_at = wake_at,
        .capabilities = walk,
        .answer = take_answer,
        .more = take_more,
    };

    if (length < 1) {
        return 0;
    }
    const uint8_t how = bytes[0];
    const uint8_t *end = memchr(bytes + 1, 0, length - 1);
    size_t body_length = end != NULL ? (size_t)(end - bytes) - 1 : length - 1;
    said = end != NULL ? mcpz_bytes(end + 1, length - body_length - 2) : mcpz_bytes(NULL, 0);
    offers = (struct mcpz_offers){.count = 0};
    now = MCPZ_SECONDS(1000);
    require(mcpz_desk_create(&ports, &offers, 1, &desk) == MCPZ_OK);
    struct mcpz_face_config with_desk = config;
    with_desk.desk = desk;
    require(mcpz_face_create(&with_desk, &face) == MCPZ_OK);

    struct mcpz_face_request request = {.verb = MCPZ_FACE_POST,
                                        .content_type = mcpz_text("application/json"),
                                        .body = mcpz_text(INITIALIZE)};
    ask(&request);
    require(session[0] != '\0');
    request.body = mcpz_bytes(bytes + 1, body_length);
    request.server = (how & 1) != 0 ? mcpz_text("s") : mcpz_bytes(NULL, 0);
    if ((how & 2) != 0) {
        request.version = mcpz_text("2026-07-28");
        request.method = mcpz_text("tools/call");
        request.name = mcpz_text("t");
    } else {
        request.session = mcpz_text(session);
    }
    ask(&request);
    request.verb = MCPZ_FACE_GET;
    request.last_event = mcpz_text("1-1");
    ask(&request);
    request.verb = MCPZ_FACE_DELETE;
    ask(&request);
    mcpz_face_destroy(face);
    mcpz_desk_work(desk);
    mcpz_desk_destroy(desk);
    return 0;
}
