#include <stdio.h>

#include "cli/ask.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

/* ---- revoke ------------------------------------------------------------------------------- */

static void show_revoked(const json_t *answer)
{
    char id[MCPZ_FIELD_BYTES];
    const char *name = mcpz_show_text(answer, "name");

    (void)printf("revoked %s (%s)\n", mcpz_json_short_id(answer, "node", id), name);
    if (json_is_true(json_object_get(answer, "in_layout"))) {
        (void)printf("the layout still names it: `mcpz layout stage %s --remove`, `mcpz layout "
                     "apply`\n",
                     id);
    }
}

static enum mcpz_exit run_revoke(const struct mcpz_invocation *invocation)
{
    const char *node = mcpz_argument(invocation, 0);
    const char *reason = mcpz_option_value(invocation, "reason");
    json_t *answer;

    if (!mcpz_option_is_given(invocation, "yes")) {
        return mcpz_fail_usage(invocation,
                               "this cannot be taken back: %s will be refused for ever. If it is "
                               "gone for good, say so with --yes",
                               node);
    }
    json_t *body = json_pack("{s:s, s:s}", "node", node, "reason", reason != NULL ? reason : "");
    if (body == NULL) {
        return mcpz_fail_usage(invocation, "NODE or --reason is not UTF-8 text");
    }
    const enum mcpz_exit status = mcpz_ask(invocation, "POST", "/v1/revocations", body, &answer);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (invocation->json) {
        mcpz_print_json(answer);
    } else {
        show_revoked(answer);
    }
    json_decref(answer);
    return MCPZ_EXIT_OK;
}

/* ---- revocations -------------------------------------------------------------------------- */

static mcpz_error add_revocation(struct mcpz_table *table, const json_t *row)
{
    char id[MCPZ_FIELD_BYTES];
    const char *const cells[] = {mcpz_show_text(row, "name"), mcpz_json_short_id(row, "node", id),
                                 mcpz_show_text(row, "at"), mcpz_show_text(row, "by_name"),
                                 mcpz_show_text(row, "reason")};

    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_revocations(const json_t *answer)
{
    static const char *const headings[] = {"NAME", "ID", "AT", "BY", "REASON"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_revocation,
                                                "no node of this mesh was revoked"};

    return mcpz_show_listing(&listing, answer);
}

static enum mcpz_exit run_revocations(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/revocations", show_revocations);
}

static const struct mcpz_option revoke_options[] = {
    {"reason", '\0', "TEXT", "why, for who meets it later; one line, at most 256 bytes"},
    {"yes", '\0', NULL, "it is gone for good: do it"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_revoke, "revoke", "NODE", 1, 1, "shut a node out of the mesh for good",
    "For a machine that was stolen, or died without goodbye. All nodes refuse it from now\n"
    "on, also those that hear of it later, and no token lets it in; nobody waits for it any\n"
    "more. What it wrote stays. NODE is its name, its id, or how that begins (\"mcpz peers\").\n"
    "\n"
    "It cannot be taken back. The machine can join again as another node: start it with\n"
    "another directory (--data) and a new token; what it alone has goes over in a file\n"
    "(\"mcpz snapshot export\"). Run this at the node that made the mesh: only the mesh's own\n"
    "key can say so. A layout that names the node stays as it is until it is taken out:\n"
    "\"mcpz layout stage --remove\".\n"
    "\n"
    "Examples:\n"
    "  mcpz revoke old-laptop --reason \"stolen on Monday\" --yes\n"
    "  mcpz revoke n-7f3a2b4c --yes\n",
    MCPZ_OPTIONS(revoke_options)},
{
    run_revocations, "revocations", "", 0, 0, "list the nodes that were shut out for good",
    "Each with when, where and why that was said.\n"
    "\n"
    "Example:\n"
    "  mcpz revocations\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_revoke_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
