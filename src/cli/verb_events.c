#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/event_stream.h"
#include "cli/follow.h"
#include "cli/run.h"
#include "cli/show.h"
#include "cli/table.h"

#define VALUE_BYTES 448 /* percent-encoded */

static_assert(2 * (VALUE_BYTES + 8) + 32 < MCPZ_API_PATH_BYTES, "two values and the path fit");

/* ---- What comes --------------------------------------------------------------------------- */

static void print_text(const json_t *event)
{
    char text[MCPZ_EVENT_TEXT_BYTES];

    mcpz_event_to_text(event, text);
    mcpz_print_clean(stdout, text);
    (void)fputc('\n', stdout);
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
    char path[MCPZ_API_PATH_BYTES];
    bool follows = !mcpz_option_is_given(invocation, "no-follow");

    if (!follows && mcpz_option_is_given(invocation, "follow")) {
        return mcpz_fail_usage(invocation, "--follow and --no-follow cannot both be");
    }
    enum mcpz_exit status = make_path(invocation, follows, path);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    return mcpz_follow(invocation, path, follows, print_text);
}
