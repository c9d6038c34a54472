#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/event_stream.h"
#include "cli/interrupt.h"
#include "cli/run.h"
#include "cli/show.h"
#include "cli/table.h"

/* The node says something every 15 s: if only that it has nothing to say. */
#define SILENCE_MS 60000
#define VALUE_BYTES 448 /* percent-encoded */

static_assert(2 * (VALUE_BYTES + 8) + 32 < MCPZ_API_PATH_BYTES, "two values and the path fit");

struct follower {
    bool json;
    struct mcpz_event_stream stream;
};

/* ---- What comes --------------------------------------------------------------------------- */

static void print_text(const json_t *event)
{
    char text[MCPZ_EVENT_TEXT_BYTES];

    mcpz_event_to_text(event, text);
    mcpz_print_clean(stdout, text);
    (void)fputc('\n', stdout);
}

/* Out with each line at once: somebody may be waiting for it behind a pipe. */
static mcpz_error print_event(void *context, const char *data)
{
    const struct follower *follower = (const struct follower *)context;
    json_t *event = json_loads(data, 0, NULL);

    if (event == NULL) {
        return MCPZ_EPROTO;
    }
    if (follower->json) {
        (void)fprintf(stdout, "%s\n", data);
    } else {
        print_text(event);
    }
    json_decref(event);
    return fflush(stdout) == 0 ? MCPZ_OK : MCPZ_EIO;
}

static mcpz_error take(void *context, struct mcpz_bytes piece, struct mcpz_trouble *trouble)
{
    struct follower *follower = (struct follower *)context;
    mcpz_error error = mcpz_event_stream_read(&follower->stream, piece);

    if (error == MCPZ_EIO) {
        mcpz_trouble_say(trouble, "cannot write to standard output");
    } else if (error != MCPZ_OK) {
        mcpz_trouble_say(trouble, "the node's events make no sense: %s", mcpz_strerror(error));
    }
    return error;
}

/* ---- What is asked ------------------------------------------------------------------------ */

/* Append "&KEY=VALUE" if option `name` was given. Tells why not. */
static enum mcpz_exit add_option(const struct mcpz_invocation *invocation, const char *name,
                                 const char *key, char *path)
{
    const char *value = mcpz_option_value(invocation, name);
    char escaped[VALUE_BYTES];
    size_t used = strlen(path);

    if (value == NULL) {
        return MCPZ_EXIT_OK;
    }
    if (mcpz_client_escape(value, escaped, sizeof(escaped)) != MCPZ_OK) {
        return mcpz_fail_usage(invocation, "what --%s is given is too long", name);
    }
    (void)snprintf(path + used, MCPZ_API_PATH_BYTES - used, "&%s=%s", key, escaped);
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit make_path(const struct mcpz_invocation *invocation, bool follows, char *path)
{
    const char *since = mcpz_option_value(invocation, "since");

    if (since != NULL && (*since == '\0' || since[strspn(since, "0123456789")] != '\0')) {
        return mcpz_fail_usage(invocation, "--since %s is not the \"seq\" of an event", since);
    }
    (void)snprintf(path, MCPZ_API_PATH_BYTES, "/v1/events?follow=%d", follows ? 1 : 0);
    enum mcpz_exit status = add_option(invocation, "since", "since", path);
    return status == MCPZ_EXIT_OK ? add_option(invocation, "type", "event", path) : status;
}

enum mcpz_exit mcpz_run_events(const struct mcpz_invocation *invocation)
{
    static struct follower follower; /* large, and there is one */
    char path[MCPZ_API_PATH_BYTES];
    bool follows = !mcpz_option_is_given(invocation, "no-follow");
    struct mcpz_client_answer answer;

    if (!follows && mcpz_option_is_given(invocation, "follow")) {
        return mcpz_fail_usage(invocation, "--follow and --no-follow cannot both be");
    }
    enum mcpz_exit status = make_path(invocation, follows, path);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    follower.json = invocation->json;
    mcpz_event_stream_init(&follower.stream, print_event, &follower);
    const struct mcpz_client_request request = {.method = "GET",
                                                .path = path,
                                                .body_file = MCPZ_CLIENT_NO_FILE,
                                                .answer_file = MCPZ_CLIENT_NO_FILE,
                                                .patience_ms = SILENCE_MS,
                                                .take = take,
                                                .take_context = &follower};
    status = mcpz_ask_raw(invocation, &request, &answer);
    mcpz_client_answer_finish(&answer);
    if (status == MCPZ_EXIT_OK && follows && !mcpz_interrupt_came()) {
        return mcpz_fail(invocation, MCPZ_EXIT_UNREACHABLE, "unreachable",
                         "the node ended the events: it has stopped, or we read too slowly");
    }
    return status;
}
