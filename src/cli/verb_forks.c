/* mcpz agent forks: who has signed two different writes of one place. */

#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

/* Is it about this agent, by name or document? NULL: any. */
static bool is_about(const json_t *fork, const char *agent)
{
    return agent == NULL || strcmp(mcpz_show_text(fork, "id"), agent) == 0 ||
           strcmp(mcpz_show_text(fork, "document"), agent) == 0;
}

static json_t *forks_of(const json_t *answer, const char *agent)
{
    json_t *found = json_array();

    for (size_t i = 0; i < json_array_size(answer); i++) {
        json_t *fork = json_array_get(answer, i);
        if (is_about(fork, agent)) {
            (void)json_array_append(found, fork);
        }
    }
    return found;
}

/* One line each: AGENT WRITER GENERATION, from which write on, when it was noticed. */
static void show_forks(const json_t *forks)
{
    for (size_t i = 0; i < json_array_size(forks); i++) {
        const json_t *fork = json_array_get(forks, i);
        bool is_named = json_is_string(json_object_get(fork, "id"));
        mcpz_print_clean(stdout, mcpz_show_text(fork, is_named ? "id" : "document"));
        (void)printf("  %s generation %" JSON_INTEGER_FORMAT " from write %" JSON_INTEGER_FORMAT
                     " on  noticed %s%s\n",
                     mcpz_show_text(fork, "writer"),
                     json_integer_value(json_object_get(fork, "generation")),
                     json_integer_value(json_object_get(fork, "seq")),
                     mcpz_show_text(fork, "noticed"),
                     json_is_true(json_object_get(fork, "ours")) ? "  (this node)" : "");
    }
    if (json_array_size(forks) == 0) {
        (void)fputs("nobody has contradicted itself\n", stderr);
    }
}

/* An agent that nobody has forked must be there; what is named by its document may be let go. */
static enum mcpz_exit check_agent(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    json_t *answer;

    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/agents/", mcpz_argument(invocation, 0), "", path);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_api_path_tenant(invocation, path);
    }
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask(invocation, "GET", path, NULL, &answer);
    }
    if (status == MCPZ_EXIT_OK) {
        json_decref(answer);
    }
    return status;
}

static enum mcpz_exit run_agent_forks(const struct mcpz_invocation *invocation)
{
    const char *agent = invocation->argument_count > 0 ? mcpz_argument(invocation, 0) : NULL;
    json_t *answer;
    char path[MCPZ_API_PATH_BYTES] = "/v1/forks";
    enum mcpz_exit status = mcpz_api_path_tenant(invocation, path);

    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask(invocation, "GET", path, NULL, &answer);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    json_t *forks = forks_of(answer, agent);
    if (agent != NULL && json_array_size(forks) == 0 && strncmp(agent, "d-", 2) != 0) {
        status = check_agent(invocation);
    }
    if (status == MCPZ_EXIT_OK && invocation->json) {
        mcpz_print_json(forks);
    } else if (status == MCPZ_EXIT_OK) {
        show_forks(forks);
    }
    json_decref(forks);
    json_decref(answer);
    return status;
}

static const struct mcpz_option forks_options[] = {
    {"tenant", '\0', "NAME", "only of this one (all)"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_agent_forks, "agent forks", "[ID]", 0, 1, "show which nodes have contradicted themselves",
    "A node that has signed two different writes of one place in an agent: what it wrote there from\n"
    "that place on does not count, whatever the others have seen of it. It happens by itself where\n"
    "a whole machine was set back and wrote before anybody noticed; such a node goes on under a new\n"
    "generation. Otherwise somebody has its key.\n"
    "\n"
    "Example:\n"
    "  mcpz agent forks\n"
    "  mcpz agent forks planner --json\n",
    MCPZ_OPTIONS(forks_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_forks_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
