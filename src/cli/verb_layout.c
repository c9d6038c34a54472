#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/ask.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

#define LOOK_AGAIN_MS 500

/* ---- Showing ------------------------------------------------------------------------------ */

static json_int_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* What holds it up may be that it has no room. */
static const char *state_of(const json_t *row)
{
    return json_is_true(json_object_get(row, "full")) ? "disk full" : mcpz_show_text(row, "state");
}

static mcpz_error add_node(struct mcpz_table *table, const json_t *node)
{
    char id[MCPZ_FIELD_BYTES];
    char weight[MCPZ_FIELD_BYTES];
    char partitions[MCPZ_FIELD_BYTES];
    const char *count = mcpz_json_field(node, "partitions", partitions);
    const char *const cells[] = {
        mcpz_json_short_id(node, "node", id), mcpz_show_text(node, "name"),
        mcpz_show_text(node, "zone"),         mcpz_json_field(node, "weight", weight),
        count != NULL ? count : "-",          state_of(node)};

    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_layout(const json_t *layout)
{
    static const char *const headings[] = {"NODE",   "NAME",       "ZONE",
                                           "WEIGHT", "PARTITIONS", "STATE"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_node,
                                                "no nodes"};

    (void)printf("version %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT
                 " copies, apart in %" JSON_INTEGER_FORMAT " zones\n",
                 number_of(layout, "version"), number_of(layout, "copies"),
                 number_of(layout, "zones_apart"));
    return mcpz_show_listing(&listing, json_object_get(layout, "nodes"));
}

/* How far one node is that is getting agents. */
static void show_moving(const json_t *row)
{
    const json_t *to_move = json_object_get(row, "to_move");

    (void)printf("%s has got %" JSON_INTEGER_FORMAT, mcpz_show_text(row, "name"),
                 number_of(row, "moved"));
    if (json_is_integer(to_move)) {
        (void)printf(" of about %" JSON_INTEGER_FORMAT, json_integer_value(to_move));
    }
    (void)printf(" agents, %" JSON_INTEGER_FORMAT " a second", number_of(row, "per_second"));
    if (json_is_integer(json_object_get(row, "left_ms"))) {
        (void)printf(", about %" JSON_INTEGER_FORMAT " s left",
                     (number_of(row, "left_ms") + 999) / 1000);
    }
    (void)putchar('\n');
}

/* What one node is still to do about blobs. */
static void show_blobs(const json_t *row)
{
    (void)printf("%s has %" JSON_INTEGER_FORMAT " blobs to fetch and %" JSON_INTEGER_FORMAT
                 " to hand over%s\n",
                 mcpz_show_text(row, "name"), number_of(row, "to_fetch"),
                 number_of(row, "to_hand_over"),
                 json_is_true(json_object_get(row, "looking")) ? ", and looks for more" : "");
}

/* One line for each layout that is live, and for each node that is waited for. */
static void show_progress(const json_t *answer)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(answer, "live"), i, row)
    {
        (void)printf("version %" JSON_INTEGER_FORMAT ": acked %" JSON_INTEGER_FORMAT
                     ", synced %" JSON_INTEGER_FORMAT ", let go of by %" JSON_INTEGER_FORMAT
                     " of %" JSON_INTEGER_FORMAT " nodes\n",
                     number_of(row, "version"), number_of(row, "acked"), number_of(row, "synced"),
                     number_of(row, "sync_acked"), number_of(row, "nodes"));
    }
    json_array_foreach(json_object_get(answer, "waiting"), i, row)
    {
        char id[MCPZ_FIELD_BYTES];
        const char *name = mcpz_json_short_id(row, "node", id);
        (void)printf("waiting for %s (%s, %s): %s\n", name != NULL ? name : "-",
                     mcpz_show_text(row, "name"), state_of(row), mcpz_show_text(row, "for"));
    }
    json_array_foreach(json_object_get(answer, "moving"), i, row)
    {
        show_moving(row);
    }
}

/* What people call it, or else how its id begins. */
static const char *called(const json_t *row, char *room)
{
    const char *name = json_string_value(json_object_get(row, "name"));

    return name != NULL && name[0] != '\0' ? name : mcpz_json_short_id(row, "node", room);
}

static void show_all_blobs(const json_t *answer)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(answer, "blobs"), i, row)
    {
        show_blobs(row);
    }
}

/* What owners that are away have missed. */
static void show_hints(const json_t *answer)
{
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(answer, "hints"), i, row)
    {
        char room[MCPZ_FIELD_BYTES];
        const json_int_t count = number_of(row, "documents");
        (void)printf("%s has missed what was written here to %" JSON_INTEGER_FORMAT
                     " agent%s: it is told when it is back\n",
                     called(row, room), count, count == 1 ? "" : "s");
    }
}

/* Who is to have copies that are missing, and what mends that. */
static void show_missing(const json_t *row)
{
    char room[MCPZ_FIELD_BYTES];
    const char *name = called(row, room);

    if (strcmp(mcpz_show_text(row, "state"), "revoked") == 0) {
        (void)printf("%s was revoked and never comes back, take it out: `mcpz layout stage %s "
                     "--remove`, `mcpz layout apply`\n",
                     name, name);
    } else if (strcmp(mcpz_show_text(row, "for"), "return") == 0) {
        (void)printf(
            "they are there again when %s (%s) is back; if it never will be, take it out: "
            "`mcpz layout stage %s --remove`, `mcpz layout apply`\n",
            name, state_of(row), name);
    } else {
        (void)printf("%s (%s) is getting its copies\n", name, state_of(row));
    }
}

/* Of how much there are fewer copies than there should be. */
static void show_copies(const json_t *answer)
{
    const json_t *replication = json_object_get(answer, "replication");
    const json_int_t copies = number_of(replication, "copies");
    const char *between = ":";
    const json_t *row;
    size_t i;

    if (!json_is_object(replication)) {
        return;
    }
    if (number_of(replication, "missing") == 0) {
        (void)printf("all partitions have their %" JSON_INTEGER_FORMAT " copies\n", copies);
        return;
    }
    (void)printf("%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                 " partitions have fewer than %" JSON_INTEGER_FORMAT " copies",
                 number_of(replication, "missing"),
                 number_of(json_object_get(answer, "layout"), "partitions"), copies);
    json_array_foreach(json_object_get(replication, "partitions"), i, row)
    {
        if (number_of(row, "copies") < copies) {
            (void)printf("%s %" JSON_INTEGER_FORMAT " have %" JSON_INTEGER_FORMAT, between,
                         number_of(row, "partitions"), number_of(row, "copies"));
            between = ",";
        }
    }
    (void)putchar('\n');
    if (number_of(replication, "without_quorum") > 0) {
        (void)printf("%" JSON_INTEGER_FORMAT
                     " have no quorum: reads and writes that ask for one time out\n",
                     number_of(replication, "without_quorum"));
    }
    json_array_foreach(json_object_get(replication, "waiting"), i, row)
    {
        show_missing(row);
    }
}

static enum mcpz_exit show(const json_t *answer)
{
    const json_t *layout = json_object_get(answer, "layout");

    if (!json_is_object(layout)) {
        (void)fputs("no layout: every node keeps everything; `mcpz layout stage` begins one\n",
                    stderr);
        return MCPZ_EXIT_OK;
    }
    const enum mcpz_exit status = show_layout(layout);
    if (!json_is_true(json_object_get(answer, "settled"))) {
        show_progress(answer);
    }
    show_copies(answer);
    show_all_blobs(answer);
    show_hints(answer);
    return status;
}

static enum mcpz_exit run_layout_show(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/layout", show);
}

/* ---- Staging ------------------------------------------------------------------------------ */

/* Read option `name` as a number from 1 into `object`. Tells why not. */
static enum mcpz_exit put_number(const struct mcpz_invocation *invocation, const char *name,
                                 const char *key, json_t *object)
{
    const char *text = mcpz_option_value(invocation, name);
    char *end;

    if (text == NULL) {
        return MCPZ_EXIT_OK;
    }
    const long number = strtol(text, &end, 10);
    if (*end != '\0' || end == text || number < 1 || number > INT32_MAX) {
        return mcpz_fail_usage(invocation, "--%s %s is no number from 1", name, text);
    }
    (void)json_object_set_new(object, key, json_integer(number));
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit put_nodes(const struct mcpz_invocation *invocation, json_t *body)
{
    const char *zone = mcpz_option_value(invocation, "zone");
    json_t *nodes = json_array();

    (void)json_object_set_new(body, "nodes", nodes);
    for (size_t i = 0; i < invocation->argument_count; i++) {
        json_t *node = json_pack("{s:s}", "node", mcpz_argument(invocation, i));
        if (node == NULL) {
            return mcpz_fail_usage(invocation, "NODE must be UTF-8 text");
        }
        (void)json_array_append_new(nodes, node);
        if (mcpz_option_is_given(invocation, "remove")) {
            (void)json_object_set_new(node, "remove", json_true());
        }
        if (zone != NULL) {
            (void)json_object_set_new(node, "zone", json_string(zone));
        }
        const enum mcpz_exit status = put_number(invocation, "weight", "weight", node);
        if (status != MCPZ_EXIT_OK) {
            return status;
        }
    }
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit make_body(const struct mcpz_invocation *invocation, json_t *body)
{
    enum mcpz_exit status = put_number(invocation, "copies", "copies", body);

    if (status == MCPZ_EXIT_OK) {
        status = put_number(invocation, "zones-apart", "zones_apart", body);
    }
    if (mcpz_option_is_given(invocation, "auto")) {
        (void)json_object_set_new(body, "auto", json_true());
    }
    if (status == MCPZ_EXIT_OK && invocation->argument_count > 0) {
        status = put_nodes(invocation, body);
    } else if (status == MCPZ_EXIT_OK && (mcpz_option_value(invocation, "zone") != NULL ||
                                          mcpz_option_value(invocation, "weight") != NULL ||
                                          mcpz_option_is_given(invocation, "remove"))) {
        status = mcpz_fail_usage(invocation, "--zone, --weight and --remove are of NODEs: name "
                                             "one");
    }
    return status;
}

static enum mcpz_exit show_staged(const json_t *answer)
{
    const enum mcpz_exit status = show_layout(json_object_get(answer, "staged"));

    (void)puts("staged: `mcpz layout plan` shows what it comes to, `mcpz layout apply` does it");
    return status;
}

static enum mcpz_exit print(const struct mcpz_invocation *invocation, json_t *answer,
                            enum mcpz_exit (*show_it)(const json_t *answer))
{
    enum mcpz_exit status = MCPZ_EXIT_OK;

    if (invocation->json) {
        mcpz_print_json(answer);
    } else {
        status = show_it(answer);
    }
    json_decref(answer);
    return status;
}

static enum mcpz_exit run_layout_stage(const struct mcpz_invocation *invocation)
{
    json_t *body = json_object();
    json_t *answer;

    enum mcpz_exit status = make_body(invocation, body);
    if (status == MCPZ_EXIT_OK && json_object_size(body) == 0) {
        status = mcpz_fail_usage(invocation, "say what is to change: NODEs, --auto, --copies or "
                                             "--zones-apart");
    }
    if (status != MCPZ_EXIT_OK) {
        json_decref(body);
        return status;
    }
    status = mcpz_ask(invocation, "POST", "/v1/layout/stage", body, &answer);
    return status == MCPZ_EXIT_OK ? print(invocation, answer, show_staged) : status;
}

static enum mcpz_exit show_reverted(const json_t *answer)
{
    (void)answer;
    (void)puts("nothing is staged any more");
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_layout_revert(const struct mcpz_invocation *invocation)
{
    json_t *answer;
    const enum mcpz_exit status = mcpz_ask(invocation, "POST", "/v1/layout/revert", NULL, &answer);

    return status == MCPZ_EXIT_OK ? print(invocation, answer, show_reverted) : status;
}

/* ---- Planning ----------------------------------------------------------------------------- */

static mcpz_error add_move(struct mcpz_table *table, const json_t *move)
{
    char from[MCPZ_FIELD_BYTES];
    char to[MCPZ_FIELD_BYTES];
    char count[MCPZ_FIELD_BYTES];
    const bool is_more = json_is_null(json_object_get(move, "from"));
    const char *const cells[] = {
        is_more ? "(a copy more)" : mcpz_json_short_id(move, "from", from),
        mcpz_json_short_id(move, "to", to), mcpz_json_field(move, "partitions", count)};

    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_plan(const json_t *answer)
{
    static const char *const headings[] = {"FROM", "TO", "PARTITIONS"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_move,
                                                "nothing moves"};
    const json_t *after = json_object_get(answer, "after");
    const json_t *impossible = json_object_get(answer, "impossible");
    enum mcpz_exit status = show_layout(after);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (!json_is_object(json_object_get(answer, "before"))) {
        (void)puts("\nevery node keeps everything now: each lets go of what is not its own then");
    } else {
        (void)printf("\n%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " copies move\n",
                     number_of(answer, "moved"),
                     number_of(after, "partitions") * number_of(after, "copies"));
        status = mcpz_show_listing(&listing, json_object_get(answer, "moves"));
    }
    if (json_is_string(impossible)) {
        (void)printf("\nit cannot be applied: %s\n", json_string_value(impossible));
    }
    return status;
}

static enum mcpz_exit run_layout_plan(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/layout/plan", show_plan);
}

/* ---- Applying ----------------------------------------------------------------------------- */

/* Is `version` known here, and has everything moved, blobs too? */
static bool has_settled(const json_t *answer, json_int_t version)
{
    const json_t *layout = json_object_get(answer, "layout");

    return json_is_object(layout) && number_of(layout, "version") >= version &&
           json_is_true(json_object_get(answer, "settled")) &&
           json_array_size(json_object_get(answer, "blobs")) == 0;
}

static void pause_a_while(void)
{
    const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};

    (void)nanosleep(&pause, NULL);
}

/* Look until it has settled; for people a line each time that something has changed. */
static enum mcpz_exit wait_until_settled(const struct mcpz_invocation *invocation,
                                         json_int_t version, uint64_t patience_ms, json_t **answer)
{
    json_t *last = NULL;

    for (uint64_t waited_ms = 0;; waited_ms += LOOK_AGAIN_MS) {
        const enum mcpz_exit status = mcpz_ask(invocation, "GET", "/v1/layout", NULL, answer);
        if (status != MCPZ_EXIT_OK) {
            json_decref(last);
            return status;
        }
        const json_t *live = json_object_get(*answer, "live");
        if (!invocation->json && !json_equal(live, last)) {
            show_progress(*answer);
            show_all_blobs(*answer);
            (void)fflush(stdout);
            json_decref(last);
            last = json_deep_copy(live);
        }
        if (has_settled(*answer, version)) {
            json_decref(last);
            return MCPZ_EXIT_OK;
        }
        json_decref(*answer);
        *answer = NULL;
        if (waited_ms >= patience_ms) {
            json_decref(last);
            return mcpz_fail(invocation, MCPZ_EXIT_TIMEOUT, "timeout",
                             "it is applied, and has not settled yet: `mcpz layout show`");
        }
        pause_a_while();
    }
}

static enum mcpz_exit show_applied(const json_t *answer)
{
    (void)printf("version %" JSON_INTEGER_FORMAT " is applied\n",
                 number_of(json_object_get(answer, "applied"), "version"));
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit show_settled(const json_t *answer)
{
    (void)answer;
    (void)puts("settled");
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_layout_apply(const struct mcpz_invocation *invocation)
{
    json_t *answer;
    uint64_t patience_ms;

    enum mcpz_exit status = mcpz_option_duration(invocation, "timeout", 600000, &patience_ms);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask(invocation, "POST", "/v1/layout/apply", NULL, &answer);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (!mcpz_option_is_given(invocation, "wait")) {
        return print(invocation, answer, show_applied);
    }
    const json_int_t version = number_of(json_object_get(answer, "applied"), "version");
    if (!invocation->json) {
        (void)show_applied(answer);
    }
    json_decref(answer);
    status = wait_until_settled(invocation, version, patience_ms, &answer);
    return status == MCPZ_EXIT_OK ? print(invocation, answer, show_settled) : status;
}

/* ---- Who will not come back --------------------------------------------------------------- */

static enum mcpz_exit show_skipped(const json_t *answer)
{
    (void)printf("nobody waits for %s any more\n", mcpz_show_text(answer, "skipped"));
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_layout_skip(const struct mcpz_invocation *invocation)
{
    json_t *answer;
    json_t *body = json_pack("{s:s}", "node", mcpz_argument(invocation, 0));

    if (body == NULL) {
        return mcpz_fail_usage(invocation, "NODE must be UTF-8 text");
    }
    const enum mcpz_exit status = mcpz_ask(invocation, "POST", "/v1/layout/skip", body, &answer);
    return status == MCPZ_EXIT_OK ? print(invocation, answer, show_skipped) : status;
}

static const struct mcpz_option layout_stage_options[] = {
    {"auto", '\0', NULL, "all nodes whose configuration has the role storage"},
    {"remove", '\0', NULL, "the NODEs go, instead of coming"},
    {"weight", '\0', "N", "the share of each NODE beside others', 1 to 64"},
    {"zone", '\0', "ZONE", "of each NODE; its own if it is not given"},
    {"copies", '\0', "N", "of each agent, 1 to 7 (3)"},
    {"zones-apart", '\0', "N", "so many of them in zones of their own"},
};

static const struct mcpz_option layout_apply_options[] = {
    {"wait", '\0', NULL, "until everything has moved"},
    {"timeout", '\0', "TIME", "for that, e.g. 1h (10m)"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_layout_show, "layout show", "", 0, 0, "show which nodes keep agents",
    "Without a layout every node keeps every agent. With one, the nodes it names do: each\n"
    "agent is in one of 65536 partitions, and each partition is kept by some of them. While\n"
    "a change is under way it shows who has come how far. Partitions that have fewer copies than\n"
    "they should are counted, and it says what mends that: who is away, and how to take it out.\n"
    "\n"
    "Example:\n"
    "  mcpz layout show\n"
    "  mcpz layout show --json | jq .replication.missing   # 0: all have their copies\n",
    NULL, 0},
{
    run_layout_stage, "layout stage", "[NODE]...", 0, MCPZ_VERB_ARGUMENTS_MAX,
    "prepare a change of who keeps agents",
    "Nothing changes until it is applied; more can be staged until then. NODE is a name or\n"
    "an id, or its beginning, as \"mcpz peers\" shows them. With --auto all nodes come whose\n"
    "configuration names the role storage, or storage:8 for eight times the share.\n"
    "It is done where the mesh's key is, from any node.\n"
    "\n"
    "Examples:\n"
    "  mcpz layout stage attic cellar garage\n"
    "  mcpz layout stage --auto --copies 3\n"
    "  mcpz layout stage attic --weight 4 --zone west\n"
    "  mcpz layout stage cellar --remove\n",
    MCPZ_OPTIONS(layout_stage_options)},
{
    run_layout_plan, "layout plan", "", 0, 0, "show what the staged change comes to",
    "How many partitions each node then has, and how many go from where to where.\n"
    "\n"
    "Example:\n"
    "  mcpz layout plan\n",
    NULL, 0},
{
    run_layout_apply, "layout apply", "", 0, 0, "make the staged change",
    "It is signed with the mesh's key and told to all nodes. Agents are kept in both places\n"
    "until all nodes have what is theirs; writes go on. A node that is down holds this up,\n"
    "and nothing is lost by waiting: \"mcpz layout skip\" if it will not come back.\n"
    "\n"
    "Example:\n"
    "  mcpz layout apply --wait\n",
    MCPZ_OPTIONS(layout_apply_options)},
{
    run_layout_revert, "layout revert", "", 0, 0, "forget the staged change",
    "What was applied stays: to undo that, stage the opposite and apply it.\n"
    "\n"
    "Example:\n"
    "  mcpz layout revert\n",
    NULL, 0},
{
    run_layout_skip, "layout skip", "NODE", 1, 1, "wait no longer for a node that is gone",
    "For one that will not come back: what only it had is lost. Remove it from the layout as\n"
    "well, or it is waited for again with the next change.\n"
    "\n"
    "Example:\n"
    "  mcpz layout skip cellar\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_layout_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
