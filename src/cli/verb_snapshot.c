#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/run.h"
#include "cli/show.h"
#include "cli/spool.h"

#define SNAPSHOT_TYPE "application/vnd.mcpz.snapshot"
#define PATIENCE_MS 300000 /* the node checks a large file completely before it says a word */

/* ---- list --------------------------------------------------------------------------------- */

static mcpz_error add_snapshot(struct mcpz_table *table, const json_t *snapshot)
{
    char entries[MCPZ_FIELD_BYTES];
    const char *const cells[] = {
        mcpz_show_text(snapshot, "id"), mcpz_json_field(snapshot, "entries", entries),
        mcpz_show_text(snapshot, "updated"), mcpz_show_text(snapshot, "root")};

    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_snapshots(const json_t *answer)
{
    static const char *const headings[] = {"ID", "ENTRIES", "UPDATED", "ROOT"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_snapshot,
                                                "no snapshots here"};

    return mcpz_show_listing(&listing, answer);
}

enum mcpz_exit mcpz_run_snapshot_list(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/snapshots", show_snapshots);
}

/* ---- export ------------------------------------------------------------------------------- */

/* A file that takes its name only when it is whole. */
struct target {
    const char *path; /* NULL: standard output */
    char temporary[4096];
    int file;
};

static enum mcpz_exit fail_file(const struct mcpz_invocation *invocation, const char *path)
{
    struct mcpz_trouble trouble;

    mcpz_trouble_say(&trouble, "cannot write %s: %s", path, strerror(errno));
    return mcpz_fail_error(invocation, MCPZ_EIO, &trouble);
}

static enum mcpz_exit open_target(const struct mcpz_invocation *invocation, struct target *target)
{
    const char *path = mcpz_argument(invocation, 0);

    if (path == NULL || strcmp(path, "-") == 0) {
        if (invocation->json) {
            return mcpz_fail_usage(invocation, "with --json the snapshot needs a FILE to go to");
        }
        if (isatty(STDOUT_FILENO) == 1) {
            return mcpz_fail_usage(invocation, "a snapshot is not for a terminal: name a FILE");
        }
        target->file = STDOUT_FILENO;
        return MCPZ_EXIT_OK;
    }
    int length = snprintf(target->temporary, sizeof(target->temporary), "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof(target->temporary)) {
        return mcpz_fail_usage(invocation, "FILE is too long a path");
    }
    target->path = path;
    target->file = mkostemp(target->temporary, O_CLOEXEC);
    return target->file >= 0 ? MCPZ_EXIT_OK : fail_file(invocation, path);
}

static enum mcpz_exit close_target(const struct mcpz_invocation *invocation,
                                   const struct target *target, enum mcpz_exit status)
{
    if (target->path == NULL) {
        return status;
    }
    bool is_stored = status == MCPZ_EXIT_OK && fsync(target->file) == 0;
    bool is_closed = close(target->file) == 0;
    if (status == MCPZ_EXIT_OK &&
        (!is_stored || !is_closed || rename(target->temporary, target->path) != 0)) {
        status = fail_file(invocation, target->path);
    }
    if (status != MCPZ_EXIT_OK) {
        (void)unlink(target->temporary);
    }
    return status;
}

static void show_exported(const struct mcpz_invocation *invocation, const struct target *target,
                          uint64_t length)
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

    if (agent != NULL) {
        return mcpz_api_path(invocation, "/v1/snapshots/export?agent=", agent, "", path);
    }
    (void)snprintf(path, MCPZ_API_PATH_BYTES, "/v1/snapshots/export");
    return MCPZ_EXIT_OK;
}

enum mcpz_exit mcpz_run_snapshot_export(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    struct target target = {0};
    struct mcpz_client_answer answer = {0};

    enum mcpz_exit status = export_path(invocation, path);
    if (status == MCPZ_EXIT_OK) {
        status = open_target(invocation, &target);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    const struct mcpz_client_request request = {.method = "GET",
                                                .path = path,
                                                .body_file = MCPZ_CLIENT_NO_FILE,
                                                .answer_file = target.file,
                                                .patience_ms = PATIENCE_MS};
    status = mcpz_ask_raw(invocation, &request, &answer);
    status = close_target(invocation, &target, status);
    if (status == MCPZ_EXIT_OK) {
        show_exported(invocation, &target, answer.length);
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
}

enum mcpz_exit mcpz_run_snapshot_import(const struct mcpz_invocation *invocation)
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
