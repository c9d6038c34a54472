/* What tests of a remote server start from: requests of HTTP whose answers the test gives. */

#ifndef MCP_REMOTE_WORLD_H
#define MCP_REMOTE_WORLD_H

#include "base/bytes.h"
#include "mcp/remote.h"
#include "mcp/remote_param.h"
#include "test.h"

#define TRIPS_MAX 1024
#define HEARD_MAX 64
#define TEXT_BYTES 1024

/* A request of HTTP that was made. */
struct trip {
    enum mcpz_remote_verb verb;
    char body[TEXT_BYTES];
    char version[64]; /* headers; "": without */
    char session[64];
    char method[64];
    char name[TEXT_BYTES];
    char last_event[64];
    char params[TEXT_BYTES]; /* with '|' behind each */
    bool repeatable;
    bool over; /* aborted, or ended by the test */
    struct mcpz_trip *trip;
};

static struct mcpz_remote *remote;
static struct trip trips[TRIPS_MAX];
static size_t trip_count;
static char heard[HEARD_MAX][TEXT_BYTES]; /* by the host */
static size_t heard_count;
static char heard_about[64]; /* the last of these */
static mcpz_time clock_us;
static mcpz_time wake_us;
static uint32_t spared_s;
static struct mcpz_param_book book;
static bool no_memory;
static void (*on_heard)(void); /* what the host does when it hears; may be NULL */

static inline mcpz_time world_now(void *context)
{
    (void)context;
    return clock_us;
}

static inline void world_wake_at(void *context, mcpz_time at_us)
{
    (void)context;
    wake_us = at_us;
}

static inline void world_note(char *to, size_t capacity, const char *text)
{
    (void)snprintf(to, capacity, "%s", text != NULL ? text : "");
}

static inline void *world_begin(void *context, const struct mcpz_remote_ask *ask,
                                struct mcpz_trip *of)
{
    (void)context;
    if (no_memory) {
        return NULL;
    }
    CHECK(trip_count < TRIPS_MAX);
    struct trip *trip = &trips[trip_count++];
    *trip = (struct trip){.verb = ask->verb, .repeatable = ask->repeatable, .trip = of};
    mcpz_bytes_to_text(ask->body, trip->body, sizeof(trip->body));
    world_note(trip->version, sizeof(trip->version), ask->version);
    world_note(trip->session, sizeof(trip->session), ask->session);
    world_note(trip->method, sizeof(trip->method), ask->method);
    world_note(trip->name, sizeof(trip->name), ask->name);
    world_note(trip->last_event, sizeof(trip->last_event), ask->last_event);
    memcpy(trip->params, ask->params.length > 0 ? ask->params.data : (const uint8_t *)"",
           ask->params.length < TEXT_BYTES ? ask->params.length : TEXT_BYTES - 1);
    for (size_t i = 0; i < ask->params.length && i + 1 < sizeof(trip->params); i++) {
        if (ask->params.data[i] == '\0') {
            trip->params[i] = '|';
        }
    }
    return trip;
}

static inline void world_abort(void *context, void *transfer)
{
    struct trip *trip = (struct trip *)transfer;

    (void)context;
    CHECK(!trip->over);
    trip->over = true;
}

static inline const struct mcpz_param_book *world_book(void *context)
{
    (void)context;
    return &book;
}

static inline void world_spare(void *context, uint32_t seconds)
{
    (void)context;
    spared_s = seconds;
}

static inline void world_on_line(void *context, struct mcpz_bytes line, struct mcpz_bytes about)
{
    (void)context;
    mcpz_bytes_to_text(about, heard_about, sizeof(heard_about));
    CHECK(line.length == 0 || memchr(line.data, '\n', line.length) == NULL);
    mcpz_bytes_to_text(line, heard[heard_count % HEARD_MAX], TEXT_BYTES);
    heard_count++;
    if (on_heard != NULL) {
        on_heard();
    }
}

static inline int begin_remote(void **state)
{
    const struct mcpz_remote_config config = {.name = "far",
                                              .url = "http://far.example/mcp",
                                              .listener = {.on_line = world_on_line},
                                              .ports = {.now = world_now,
                                                        .wake_at = world_wake_at,
                                                        .book = world_book,
                                                        .begin = world_begin,
                                                        .abort = world_abort,
                                                        .spare = world_spare}};

    (void)state;
    trip_count = heard_count = 0;
    clock_us = MCPZ_SECONDS(1);
    wake_us = MCPZ_TIME_NEVER;
    spared_s = 0;
    no_memory = false;
    on_heard = NULL;
    return mcpz_remote_create(&config, &remote) == MCPZ_OK ? 0 : -1;
}

static inline int end_remote(void **state)
{
    (void)state;
    mcpz_remote_destroy(remote);
    mcpz_param_book_finish(&book);
    remote = NULL;
    for (size_t i = 0; i < trip_count; i++) {
        CHECK(trips[i].over);
    }
    return 0;
}

/* ---- What a test does --------------------------------------------------------------------- */

static inline void say(const char *line)
{
    const struct mcpz_bytes part = mcpz_text(line);

    CHECK_UINT(mcpz_remote_say(remote, &part, 1), MCPZ_OK);
}

/* Go on to this time, by way of all that is due before. */
static inline void pass_until(mcpz_time at_us)
{
    for (size_t i = 0; wake_us <= at_us && i < 1000; i++) {
        clock_us = wake_us > clock_us ? wake_us : clock_us;
        wake_us = MCPZ_TIME_NEVER;
        mcpz_remote_tick(remote);
    }
    clock_us = at_us > clock_us ? at_us : clock_us;
}

static inline void pass(mcpz_time for_us)
{
    pass_until(clock_us + for_us);
}

static inline void answer_head(struct trip *trip, unsigned status, const char *type,
                               const char *session)
{
    CHECK(!trip->over);
    mcpz_remote_head(trip->trip, &(struct mcpz_remote_head){.status = status,
                                                            .content_type = type,
                                                            .session = session,
                                                            .authenticate = "",
                                                            .location = ""});
}

static inline void answer_body(struct trip *trip, const char *text)
{
    if (!trip->over) {
        mcpz_remote_body(trip->trip, mcpz_text(text));
    }
}

static inline void answer_end(struct trip *trip, const char *why, bool reached)
{
    if (!trip->over) {
        trip->over = true;
        mcpz_remote_end(trip->trip, why, reached);
    }
}

/* All of an answer. */
static inline void answer(struct trip *trip, unsigned status, const char *type, const char *body)
{
    answer_head(trip, status, type, "");
    answer_body(trip, body);
    answer_end(trip, NULL, true);
}

#endif
