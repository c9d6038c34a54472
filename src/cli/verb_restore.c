/* mcpz agent restore: agents as they were. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/agent_past.h"
#include "cli/ask.h"
#include "cli/interrupt.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

struct restore {
    const struct mcpz_invocation *invocation;
    struct mcpz_agent_moment moment;
    const char *at; /* as it was typed */
    bool is_trial;
    bool is_many; /* agents that were not there are no failure */

    /* Of many. */
    uint64_t done;
    uint64_t changed;
    uint64_t absent;
    json_t *agents; /* with what has changed of each that has */
};

static enum mcpz_exit out_of_memory(const struct restore *restore)
{
    return mcpz_fail(restore->invocation, MCPZ_EXIT_FAILED, "failed", "out of memory");
}

/* ---- One agent ---------------------------------------------------------------------------- */

static enum mcpz_exit ask_restore(const struct restore *restore, const char *id, json_t **answer)
{
    char path[MCPZ_API_PATH_BYTES];
    char whole[MCPZ_API_PATH_BYTES];
    uint64_t wait_ms;
    enum mcpz_exit status =
        mcpz_api_path(restore->invocation, "/v1/agents/", id, "/restore", path);

    if (status == MCPZ_EXIT_OK) {
        status = mcpz_api_path_ack(restore->invocation, path, whole, &wait_ms);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    json_t *body = mcpz_agent_moment_body(&restore->moment);
    if (body == NULL ||
        json_object_set_new(body, "dry_run", json_boolean(restore->is_trial)) != 0 ||
        json_object_set_new(body, "absent_ok", json_boolean(restore->is_many)) != 0) {
        json_decref(body);
        return out_of_memory(restore);
    }
    return mcpz_ask_patiently(restore->invocation, "POST", whole, body, wait_ms, answer);
}

/* What restoring changes, as mcpz_agent_compare(); NULL in `*differences`: it was not there. */
static enum mcpz_exit restore_one(const struct restore *restore, const char *id,
                                  json_t **differences)
{
    json_t *answer = NULL;
    enum mcpz_exit status = ask_restore(restore, id, &answer);

    *differences = NULL;
    if (status == MCPZ_EXIT_OK && !json_is_true(json_object_get(answer, "absent"))) {
        json_t *nothing = json_object();
        json_t *before = json_object_get(answer, "before");
        *differences = mcpz_agent_compare(json_is_object(before) ? before : nothing,
                                          json_object_get(answer, "after"));
        json_decref(nothing);
        status = *differences != NULL ? MCPZ_EXIT_OK : out_of_memory(restore);
    }
    json_decref(answer);
    return status;
}

static enum mcpz_exit restore_named(const struct restore *restore, const char *id)
{
    json_t *differences;
    enum mcpz_exit status = restore_one(restore, id, &differences);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (restore->invocation->json) {
        mcpz_print_json(differences);
    } else {
        mcpz_agent_print_differences(differences);
        (void)fprintf(stderr, "%s: %zu places %s\n", id, json_array_size(differences),
                      restore->is_trial ? "would change" : "changed");
    }
    json_decref(differences);
    return MCPZ_EXIT_OK;
}

/* ---- Many --------------------------------------------------------------------------------- */

static void show_progress(const struct restore *restore, uint64_t of)
{
    if (!restore->invocation->json && isatty(STDERR_FILENO) == 1) {
        (void)fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " agents", restore->done, of);
    }
}

static enum mcpz_exit restore_next(struct restore *restore, const char *id)
{
    json_t *differences;
    enum mcpz_exit status = restore_one(restore, id, &differences);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    restore->done++;
    restore->absent += differences == NULL;
    if (json_array_size(differences) > 0) {
        restore->changed++;
        if (!restore->invocation->json) {
            (void)printf("%s  %zu places\n", id, json_array_size(differences));
        }
        (void)json_array_append_new(restore->agents,
                                    json_pack("{s:s, s:O}", "id", id, "differences", differences));
    }
    json_decref(differences);
    return MCPZ_EXIT_OK;
}

static void show_summary(const struct restore *restore)
{
    if (restore->invocation->json) {
        json_t *summary = json_pack("{s:I, s:I, s:I, s:O}", "agents", (json_int_t)restore->done,
                                    "changed", (json_int_t)restore->changed, "absent",
                                    (json_int_t)restore->absent, "changes", restore->agents);
        if (summary != NULL) {
            mcpz_print_json(summary);
            json_decref(summary);
        }
        return;
    }
    (void)fprintf(stderr,
                  "%s%" PRIu64 " agents as of %s: %" PRIu64 " %s, %" PRIu64
                  " were not there and stay as they are\n",
                  isatty(STDERR_FILENO) == 1 ? "\r" : "", restore->done, restore->at,
                  restore->changed, restore->is_trial ? "would change" : "changed",
                  restore->absent);
}

/* Each in a write of its own: what is done before a failure or Ctrl-C stays. */
static enum mcpz_exit restore_many(struct restore *restore, const char *prefix)
{
    const bool is_of_one = mcpz_option_is_given(restore->invocation, "tenant");
    char path[MCPZ_API_PATH_BYTES];
    json_t *list = NULL;

    (void)snprintf(path, sizeof(path), "/v1/agents?deleted=true%s",
                   is_of_one ? "" : "&tenant=default");
    enum mcpz_exit status = mcpz_api_path_tenant(restore->invocation, path);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask(restore->invocation, "GET", path, NULL, &list);
    }

    restore->is_many = true;
    restore->agents = json_array();
    mcpz_interrupt_catch();
    for (size_t i = 0; i < json_array_size(list) && status == MCPZ_EXIT_OK; i++) {
        const char *id = json_string_value(json_object_get(json_array_get(list, i), "id"));
        if (mcpz_interrupt_came()) {
            status = MCPZ_EXIT_INTERRUPTED;
        } else if (id != NULL && strncmp(id, prefix, strlen(prefix)) == 0) {
            show_progress(restore, json_array_size(list));
            status = restore_next(restore, id);
        }
    }
    if (status == MCPZ_EXIT_OK) {
        show_summary(restore);
    } else if (restore->done > 0) {
        (void)fprintf(stderr, "%" PRIu64 " agents were done before; the same command goes on\n",
                      restore->done);
    }
    json_decref(list);
    json_decref(restore->agents);
    return status;
}

static enum mcpz_exit run_agent_restore(const struct mcpz_invocation *invocation)
{
    const char *id = mcpz_argument(invocation, 0);
    const char *prefix = mcpz_option_value(invocation, "prefix");
    const bool all = mcpz_option_is_given(invocation, "all");
    struct restore restore = {
        .invocation = invocation,
        .at = mcpz_option_value(invocation, "at"),
        .is_trial = mcpz_option_is_given(invocation, "dry-run"),
    };

    if (restore.at == NULL) {
        return mcpz_fail_usage(invocation, "say to which time: --at 10m, "
                                           "--at 2026-11-30T09:15:00Z or --at v-... "
                                           "(mcpz agent history)");
    }
    if ((id != NULL) + (prefix != NULL) + all != 1) {
        return mcpz_fail_usage(invocation, "say which agents: ID, --prefix TEXT or --all");
    }
    enum mcpz_exit status = mcpz_agent_moment_read(invocation, restore.at, &restore.moment);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (id != NULL) {
        return restore_named(&restore, id);
    }
    if (restore.moment.version[0] != '\0') {
        return mcpz_fail_usage(invocation, "a write is one agent's: for many, --at takes a time");
    }
    return restore_many(&restore, all ? "" : prefix);
}

static const struct mcpz_option restore_options[] = {
    {"at", '\0', "TIME", "2026-11-30T09:15:00Z, how long ago (10m), or a write (v-...)"},
    {"dry-run", '\0', NULL, "show what would change, and write nothing"},
    {"prefix", '\0', "TEXT", "all agents whose ID begins so"},
    {"all", '\0', NULL, "all there are"},
    {"ack", '\0', "LEVEL", "on how many disks it is to be: async (one), one, quorum or all"},
    MCPZ_TENANT_OPTION,
    {"timeout", '\0', "TIME", "for that: then the status is 5, and the write stays (5s)"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_agent_restore, "agent restore", "[ID]", 0, 1, "make an agent read as it did",
    "An ordinary write on top of all others: values are as they were at that time, elements that\n"
    "were there are there again, what has come since goes, counters count the difference. Nothing\n"
    "of the history is lost, so a restore can itself be undone. Writes of other nodes that meet it\n"
    "are merged. An agent that was deleted since comes back. Shows what it changes: was (-), is (+).\n"
    "What was shown is restored; values that were hidden behind it (\"mcpz agent conflicts\") are not.\n"
    "With --prefix or --all, agents that were not there at that time stay as they are.\n"
    "\n"
    "Examples:\n"
    "  mcpz agent restore planner --at 10m --dry-run\n"
    "  mcpz agent restore planner --at v-1f0c2a3b --ack quorum\n"
    "  mcpz agent restore --prefix acme- --at 2026-11-30T09:15:00Z\n",
    MCPZ_OPTIONS(restore_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_restore_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
