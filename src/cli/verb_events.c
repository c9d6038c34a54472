#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/event_stream.h"
#include "cli/follow.h"
#include "cli/show.h"
#include "cli/table.h"
#include "cli/verb_tables.h"

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

static enum mcpz_exit run_events(const struct mcpz_invocation *invocation)
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

static const struct mcpz_option events_options[] = {
    {"follow", '\0', NULL, "go on until Ctrl-C (the default)"},
    {"no-follow", '\0', NULL, "show what the node has kept, and end"},
    {"since", '\0', "SEQ", "only what came after the event of this \"seq\""},
    {"type", '\0', "TYPES", "only events of these types, with commas: dead,suspect"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_events, "events", "", 0, 0, "follow what becomes of the other nodes",
    "One line an event, first those the node has kept (the last 1024), then each as it\n"
    "comes. Times are UTC. The types, as this node sees them:\n"
    "\n"
    "  linked, unlinked              there is a connection to the peer; there no longer is\n"
    "  alive, suspect, dead, left    it answers; is silent; was for too long; said goodbye\n"
    "  refuted                       this node was called suspect or dead, and said no\n"
    "  capabilities                  what the peer offers has changed\n"
    "  neighbour_up, neighbour_down  the overlay counts on the connection; no longer\n"
    "  agent_forked                  a node has contradicted itself: mcpz agent forks\n"
    "  agent_folded                  an agent's old writes were folded into a checkpoint\n"
    "  layout, layout_settled        another layout of the storage is known; all has moved\n"
    "  store_repaired                this node's store was damaged, and was begun anew\n"
    "  snapshot_failed               this node could not make a backup by itself\n"
    "  revoked                       the peer was shut out for good: mcpz revocations\n"
    "  lost                          events are missing here, as many as \"count\" says\n"
    "\n"
    "With --json each event is an object on a line of its own. Its \"seq\" is what --since\n"
    "takes to go on where one left off, also after the node was started again. Ctrl-C ends\n"
    "it with status 0; if the node stops, the status is 4.\n"
    "\n"
    "Examples:\n"
    "  mcpz events\n"
    "  mcpz events --type suspect,dead --no-follow\n"
    "  mcpz events --json --since 1763694245124 | jq -r .name\n",
    MCPZ_OPTIONS(events_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_events_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
