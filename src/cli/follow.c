#include "cli/follow.h"

#include <stdio.h>

#include "cli/ask.h"
#include "cli/event_stream.h"
#include "cli/interrupt.h"

/* The node says something every 15 s: if only that it has nothing to say. */
#define SILENCE_MS 60000

struct follower {
    bool json;
    void (*print)(const json_t *event);
    struct mcpz_event_stream stream;
};

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
        follower->print(event);
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

enum mcpz_exit mcpz_follow(const struct mcpz_invocation *invocation, const char *path,
                           bool is_endless, void (*print)(const json_t *event))
{
    static struct follower follower; /* large, and there is one */
    struct mcpz_client_answer answer;

    follower.json = invocation->json;
    follower.print = print;
    mcpz_event_stream_init(&follower.stream, print_event, &follower);
    const struct mcpz_client_request request = {.method = "GET",
                                                .path = path,
                                                .body_file = MCPZ_CLIENT_NO_FILE,
                                                .answer_file = MCPZ_CLIENT_NO_FILE,
                                                .patience_ms = SILENCE_MS,
                                                .take = take,
                                                .take_context = &follower};
    enum mcpz_exit status = mcpz_ask_raw(invocation, &request, &answer);
    mcpz_client_answer_finish(&answer);
    if (status == MCPZ_EXIT_OK && is_endless && !mcpz_interrupt_came()) {
        return mcpz_fail(invocation, MCPZ_EXIT_UNREACHABLE, "unreachable",
                         "the node ended the events: it has stopped, or we read too slowly");
    }
    return status;
}
