#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/show.h"
#include "cli/spool.h"
#include "cli/target_file.h"
#include "cli/verb_tables.h"
#include "crypto/identity.h"
#include "http/snapshot.h"

#define SNAPSHOT_TYPE "application/vnd.mcpz.snapshot"
#define PATIENCE_MS 300000 /* the node checks a large file completely before it says a word */

/* ---- list --------------------------------------------------------------------------------- */

static mcpz_error add_snapshot(struct mcpz_table *table, const json_t *snapshot)
{
    char entries[MCPZ_FIELD_BYTES];
    const char *const cells[] = {
        mcpz_show_text(snapshot, "id"), mcpz_show_text(snapshot, "tenant"),
        mcpz_json_field(snapshot, "entries", entries), mcpz_show_text(snapshot, "updated"),
        mcpz_show_text(snapshot, "root")};

    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_snapshots(const json_t *answer)
{
    static const char *const headings[] = {"ID", "TENANT", "ENTRIES", "UPDATED", "ROOT"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_snapshot,
                                                "no snapshots here"};

    return mcpz_show_listing(&listing, answer);
}

static enum mcpz_exit run_snapshot_list(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES] = "/v1/snapshots";
    enum mcpz_exit status = mcpz_api_path_tenant(invocation, path);

    return status != MCPZ_EXIT_OK ? status
                                  : mcpz_ask_and_show(invocation, "GET", path, show_snapshots);
}

/* ---- export ------------------------------------------------------------------------------- */

#define PROGRESS_MS 1000

/* An export on its way into a file. */
struct export
{
    const struct mcpz_invocation *invocation;
    struct mcpz_target_file target;
    struct mcpz_snapshot_tap tap;
    uint64_t shown_ms;
    bool is_shown;
};

static uint64_t clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* How far it is, now and then: a line that is written over, or with --json one a time. */
static void show_progress(struct export *export)
{
    const uint64_t now_ms = clock_ms();

    if (now_ms - export->shown_ms < PROGRESS_MS ||
        (!export->invocation->json && isatty(STDERR_FILENO) != 1)) {
        return;
    }
    export->shown_ms = now_ms;
    export->is_shown = true;
    (void)fprintf(stderr,
                  export->invocation->json ? "{\"progress\":{\"items\":%" PRIu64
                                             ",\"bytes\":%" PRIu64 "}}\n"
                                           : "\r%" PRIu64 " writes, %" PRIu64 " bytes ",
                  export->tap.items, export->tap.bytes);
}

static mcpz_error take_piece(void *context, struct mcpz_bytes piece, struct mcpz_trouble *trouble)
{
    struct export *export = context;

    mcpz_snapshot_tap_add(&export->tap, piece);
    show_progress(export);
    mcpz_error error = mcpz_write_all(export->target.file, piece.data, piece.length);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(trouble, "cannot write the snapshot: %s", strerror(errno));
    }
    return error;
}

static void show_exported(const struct mcpz_invocation *invocation,
                          const struct mcpz_target_file *target, uint64_t length)
{
    if (target->path == NULL) {
        return;
    }
    if (!invocation->json) {
        (void)printf("%s: %" PRIu64 " bytes\n", target->path, length);
        return;
    }
    json_t *said = json_pack("{s:s, s:I}", "file", target->path, "bytes", (json_int_t)length);
    if (said != NULL) {
        mcpz_print_json(said);
        json_decref(said);
    }
}

static enum mcpz_exit export_path(const struct mcpz_invocation *invocation, char *path)
{
    const char *agent = mcpz_option_value(invocation, "agent");

    enum mcpz_exit status = MCPZ_EXIT_OK;

    (void)snprintf(path, MCPZ_API_PATH_BYTES, "/v1/snapshots/export");
    if (agent != NULL) {
        status = mcpz_api_path(invocation, "/v1/snapshots/export?agent=", agent, "", path);
    }
    return status != MCPZ_EXIT_OK ? status : mcpz_api_path_tenant(invocation, path);
}

static enum mcpz_exit run_snapshot_export(const struct mcpz_invocation *invocation)
{
    static struct export export; /* its target's name is long */
    char path[MCPZ_API_PATH_BYTES];
    struct mcpz_client_answer answer = {0};

    export.invocation = invocation;
    export.shown_ms = clock_ms();
    if (mcpz_crypto_init() != MCPZ_OK) {
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", "no cryptography here");
    }
    enum mcpz_exit status = export_path(invocation, path);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_target_file_open(invocation, mcpz_argument(invocation, 0), "a snapshot",
                                       &export.target);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    const struct mcpz_client_request request = {.method = "GET",
                                                .path = path,
                                                .body_file = MCPZ_CLIENT_NO_FILE,
                                                .answer_file = MCPZ_CLIENT_NO_FILE,
                                                .patience_ms = PATIENCE_MS,
                                                .take = take_piece,
                                                .take_context = &export};
    mcpz_snapshot_tap_begin(&export.tap);
    status = mcpz_ask_raw(invocation, &request, &answer);
    if (export.is_shown && !invocation->json) {
        (void)fputs("\r                                                  \r", stderr);
    }
    if (status == MCPZ_EXIT_OK && !mcpz_snapshot_tap_is_whole(&export.tap)) {
        status = mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal",
                           "the snapshot broke off before its end; the node's log says why");
    }
    status = mcpz_target_file_close(invocation, &export.target, status);
    if (status == MCPZ_EXIT_OK) {
        show_exported(invocation, &export.target, export.tap.bytes);
    }
    mcpz_client_answer_finish(&answer);
    return status;
}

/* ---- import ------------------------------------------------------------------------------- */

static void show_imported(const struct mcpz_invocation *invocation, const json_t *answer)
{
    if (invocation->json) {
        mcpz_print_json(answer);
        return;
    }
    (void)printf("%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " deltas were new\n",
                 json_integer_value(json_object_get(answer, "applied")),
                 json_integer_value(json_object_get(answer, "deltas")));
    if (json_integer_value(json_object_get(answer, "bases")) > 0) {
        (void)printf("%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                     " agents whose old deltas were folded were new\n",
                     json_integer_value(json_object_get(answer, "bases_applied")),
                     json_integer_value(json_object_get(answer, "bases")));
    }
}

static enum mcpz_exit run_snapshot_import(const struct mcpz_invocation *invocation)
{
    const char *path = mcpz_argument(invocation, 0);
    bool is_stdin = strcmp(path, "-") == 0;
    int file = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct mcpz_client_answer raw;
    json_t *answer = NULL;

    if (file < 0) {
        return mcpz_fail_usage(invocation, "cannot open %s: %s", path, strerror(errno));
    }
    const struct mcpz_client_request request = {.method = "POST",
                                                .path = "/v1/snapshots/import",
                                                .type = SNAPSHOT_TYPE,
                                                .body_file = file,
                                                .answer_file = MCPZ_CLIENT_NO_FILE,
                                                .patience_ms = PATIENCE_MS};
    enum mcpz_exit status = mcpz_ask_raw(invocation, &request, &raw);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_answer_parse(invocation, &raw, &answer);
    }
    if (status == MCPZ_EXIT_OK) {
        show_imported(invocation, answer);
        json_decref(answer);
    }
    mcpz_client_answer_finish(&raw);
    if (!is_stdin) {
        (void)close(file);
    }
    return status;
}

static const struct mcpz_option snapshot_list_options[] = {
    {"tenant", '\0', "NAME", "only of this one (all)"},
};

static const struct mcpz_option snapshot_export_options[] = {
    {"agent", '\0', "ID", "only this agent"},
    {"tenant", '\0', "NAME", "only of this one (all; of --agent: default)"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_snapshot_list, "snapshot list", "", 0, 0, "list the agents' snapshots here",
    "\n"
    "Example:\n"
    "  mcpz snapshot list\n",
    MCPZ_OPTIONS(snapshot_list_options)},
{
    run_snapshot_export, "snapshot export", "[FILE|-]", 0, 1,
    "write agents to a file, history included",
    "Without FILE, or with -, to standard output. FILE appears whole or not at all.\n"
    "\n"
    "Examples:\n"
    "  mcpz snapshot export all.mcpz\n"
    "  mcpz snapshot export --agent planner | ssh attic mcpz snapshot import -\n",
    MCPZ_OPTIONS(snapshot_export_options)},
{
    run_snapshot_import, "snapshot import", "FILE|-", 1, 1,
    "merge an exported file into the mesh",
    "The file is checked completely before anything of it is applied. What is known\n"
    "already does no harm.\n"
    "\n"
    "Example:\n"
    "  mcpz snapshot import all.mcpz\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_snapshot_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
