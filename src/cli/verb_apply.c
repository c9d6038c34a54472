/*
 * mcpz agent apply: writes to agents, one a line, in batches.
 *
 *   FILE -> lines -> batches at a rate -> POST /v1/apply -> how far, in FILE.applied
 *
 * What the node has acknowledged is noted beside the file, so that the same command goes on where
 * it was interrupted. The batch under way then may have been done or not: what it creates and is
 * there already is no error when one goes on.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/blob_files.h"
#include "cli/interrupt.h"
#include "cli/show.h"
#include "cli/verb_tables.h"
#include "proto/limits.h"

#define BATCH_DEFAULT 500
#define BATCH_MAX 5000
#define RATE_MAX 1000000
#define LINE_BYTES_MAX 16384
#define PATIENCE_MS 120000
#define PROGRESS_MS 1000
#define NOTE_SUFFIX ".applied"
#define ERRORS_SHOWN_MAX 20
#define ERRORS_LISTED_MAX 1000 /* with --json */

struct apply {
    const struct mcpz_invocation *invocation;
    const char *path;
    FILE *file;
    char note[4096];                  /* where it is noted how far it is; "": it is not */
    uint64_t length;                  /* of the file: another one is begun anew */
    char target[MCPZ_API_PATH_BYTES]; /* with --ack */
    uint64_t ack_wait_ms;
    uint64_t batch_max;
    uint64_t rate;       /* lines a second; 0: as fast as it goes */
    uint64_t first_line; /* of the batch */
    uint64_t line;       /* the last that was read */
    uint64_t skipped;    /* done before */
    uint64_t applied;
    uint64_t failed;
    uint64_t late;   /* of them, those that are not known to be on as many disks as asked */
    uint64_t told;   /* errors, of those refused */
    uint64_t sent;   /* lines */
    bool is_resumed; /* and this is the first batch since */
    bool stops;      /* at the first line that is refused */
    char *body;
    size_t body_length;
    size_t body_capacity;
    uint64_t begun_ms;
    uint64_t shown_ms;
    json_t *errors;
    json_t *files; /* path -> the blob that lines of the batch name, put for that */
};

static uint64_t clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- How far it is ------------------------------------------------------------------------ */

/* The same lines for another tenant are other writes. */
static const char *tenant_of(const struct apply *apply)
{
    const char *tenant = mcpz_option_value(apply->invocation, "tenant");

    return tenant != NULL ? tenant : "default";
}

static void read_note(struct apply *apply)
{
    char text[64 + MCPZ_TENANT_BYTES_MAX];
    char *rest = NULL;
    FILE *file = apply->note[0] != '\0' ? fopen(apply->note, "re") : NULL;

    if (file == NULL) {
        return;
    }
    if (fgets(text, sizeof(text), file) != NULL && strtoull(text, &rest, 10) == apply->length &&
        *rest == ' ') {
        const uint64_t done = strtoull(rest, &rest, 10);
        text[strcspn(text, "\n")] = '\0';
        apply->skipped = *rest == ' ' && strcmp(rest + 1, tenant_of(apply)) == 0 ? done : 0;
        apply->is_resumed = apply->skipped > 0;
    }
    (void)fclose(file);
}

/* It is a help, not a promise: without it one begins at the first line again. */
static void write_note(const struct apply *apply)
{
    FILE *file = apply->note[0] != '\0' ? fopen(apply->note, "we") : NULL;

    if (file != NULL) {
        (void)fprintf(file, "%" PRIu64 " %" PRIu64 " %s\n", apply->length, apply->line,
                      tenant_of(apply));
        (void)fclose(file);
    }
}

static void show_progress(struct apply *apply, bool is_last)
{
    const uint64_t now = clock_ms();
    const uint64_t took = now - apply->begun_ms;

    if (apply->invocation->json || (!is_last && now - apply->shown_ms < PROGRESS_MS)) {
        return;
    }
    apply->shown_ms = now;
    if (!is_last) {
        (void)fprintf(stderr, "%s%" PRIu64 " lines, %" PRIu64 " a second%s",
                      isatty(STDERR_FILENO) == 1 ? "\r" : "", apply->line,
                      apply->sent * 1000 / (took > 0 ? took : 1),
                      isatty(STDERR_FILENO) == 1 ? "   " : "\n");
    } else if (isatty(STDERR_FILENO) == 1) {
        (void)fputs("\r                                        \r", stderr);
    }
}

/* ---- A batch ------------------------------------------------------------------------------ */

static bool append(struct apply *apply, const char *text, size_t length)
{
    if (apply->body_length + length > apply->body_capacity) {
        const size_t capacity = 2 * (apply->body_length + length);
        char *grown = realloc(apply->body, capacity);
        if (grown == NULL) {
            return false;
        }
        apply->body = grown;
        apply->body_capacity = capacity;
    }
    if (length > 0) {
        memcpy(apply->body + apply->body_length, text, length);
        apply->body_length += length;
    }
    return true;
}

/* Tell a line that was refused. Creating what was created before the interruption is none. */
static bool tell_error(struct apply *apply, json_t *error)
{
    const char *code = mcpz_show_text(error, "code");
    const uint64_t line =
        apply->first_line + (uint64_t)json_integer_value(json_object_get(error, "line")) - 1;

    if (apply->is_resumed && strcmp(code, "conflict") == 0) {
        return false;
    }
    apply->late += strcmp(code, "timeout") == 0 ? 1 : 0;
    (void)json_object_set_new(error, "line", json_integer((json_int_t)line));
    apply->told++;
    if (apply->told <= ERRORS_LISTED_MAX) {
        (void)json_array_append(apply->errors, error);
    }
    if (!apply->invocation->json && apply->told <= ERRORS_SHOWN_MAX) {
        show_progress(apply, true);
        (void)fprintf(stderr, "%s:%" PRIu64 ": %s: ", apply->path, line, code);
        mcpz_print_clean(stderr, mcpz_show_text(error, "message"));
        (void)fputc('\n', stderr);
    }
    return true;
}

static void take_answer(struct apply *apply, const json_t *answer)
{
    json_t *errors = json_object_get(answer, "errors");
    uint64_t failed = (uint64_t)json_integer_value(json_object_get(answer, "failed"));

    apply->applied += (uint64_t)json_integer_value(json_object_get(answer, "applied"));
    for (size_t i = 0; i < json_array_size(errors); i++) {
        if (!tell_error(apply, json_array_get(errors, i))) {
            failed--;
            apply->applied++;
        }
    }
    apply->failed += failed;
    apply->is_resumed = false;
}

/* The agents name them by now, or the lines were refused. */
static void end_files(struct apply *apply)
{
    for (void *at = json_object_iter(apply->files); at != NULL;
         at = json_object_iter_next(apply->files, at)) {
        mcpz_blob_end_brief(apply->invocation, json_object_iter_value(at));
    }
    (void)json_object_clear(apply->files);
}

static enum mcpz_exit send_batch(struct apply *apply)
{
    struct mcpz_client_answer raw = {0};
    json_t *answer = NULL;
    const struct mcpz_client_request request = {
        .method = "POST",
        .path = apply->target,
        .type = "application/x-ndjson",
        .body = mcpz_bytes(apply->body, apply->body_length),
        .body_file = MCPZ_CLIENT_NO_FILE,
        .answer_file = MCPZ_CLIENT_NO_FILE,
        .patience_ms =
            (unsigned int)(PATIENCE_MS + (apply->batch_max / 64 + 1) * apply->ack_wait_ms),
    };

    if (apply->body_length == 0) {
        return MCPZ_EXIT_OK;
    }
    enum mcpz_exit status = mcpz_ask_raw(apply->invocation, &request, &raw);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_answer_parse(apply->invocation, &raw, &answer);
    }
    mcpz_client_answer_finish(&raw);
    if (status == MCPZ_EXIT_OK) {
        take_answer(apply, answer);
        json_decref(answer);
        write_note(apply);
    }
    end_files(apply);
    apply->body_length = 0;
    return status;
}

/* Sleep until the lines sent are due. */
static void keep_rate(const struct apply *apply)
{
    while (apply->rate > 0 && !mcpz_interrupt_came()) {
        const uint64_t due_ms = apply->begun_ms + apply->sent * 1000 / apply->rate;
        const uint64_t now_ms = clock_ms();
        if (now_ms >= due_ms) {
            return;
        }
        const uint64_t wait_ms = due_ms - now_ms < 100 ? due_ms - now_ms : 100;
        const struct timespec wait = {.tv_nsec = (long)(wait_ms * 1000000)};
        (void)nanosleep(&wait, NULL);
    }
}

/* ---- All of it ---------------------------------------------------------------------------- */

static enum mcpz_exit fail_line(const struct apply *apply, const char *what)
{
    struct mcpz_trouble trouble;

    mcpz_trouble_say(&trouble, "%s:%" PRIu64 ": %s", apply->path, apply->line, what);
    return mcpz_fail(apply->invocation, MCPZ_EXIT_FAILED, "bad_request", trouble.text);
}

/* Where a file is that a line names: beside FILE, unless its path begins at the root. */
static bool find_file(const struct apply *apply, const char *name, char *path, size_t room)
{
    const char *end = name[0] != '/' ? strrchr(apply->path, '/') : NULL;
    const size_t length = end != NULL ? (size_t)(end - apply->path) + 1 : 0;
    const int used = snprintf(path, room, "%.*s%s", (int)length, apply->path, name);

    return used > 0 && (size_t)used < room;
}

/* The line says "file": put it, and take in the line with the blob's name as its "value". */
static enum mcpz_exit take_file(struct apply *apply, json_t *line, const char *name)
{
    char path[4096];
    json_t *value = NULL;
    enum mcpz_exit status = MCPZ_EXIT_OK;

    if (!find_file(apply, name, path, sizeof(path))) {
        return fail_line(apply, "the file's name is too long");
    }
    if (json_object_get(apply->files, path) == NULL) {
        status = mcpz_blob_put_brief(apply->invocation, path, &value);
        if (status != MCPZ_EXIT_OK || json_object_set_new(apply->files, path, value) != 0) {
            return status != MCPZ_EXIT_OK ? status : fail_line(apply, "out of memory");
        }
    }
    (void)json_object_del(line, "file");
    (void)json_object_set(line, "value", json_object_get(apply->files, path));
    char *text = json_dumps(line, JSON_COMPACT);
    status = text != NULL && append(apply, text, strlen(text)) && append(apply, "\n", 1)
                 ? MCPZ_EXIT_OK
                 : fail_line(apply, "out of memory");
    free(text);
    return status;
}

/* Take in a line's text, or what becomes of it. What is no JSON the node refuses, and says why. */
static enum mcpz_exit take_text(struct apply *apply, const char *text, size_t length)
{
    json_t *line = strstr(text, "\"file\"") != NULL
                       ? json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    const char *name = json_string_value(json_object_get(line, "file"));
    const bool ends = length > 0 && text[length - 1] == '\n';
    enum mcpz_exit status = MCPZ_EXIT_OK;

    if (name != NULL && json_object_get(line, "value") == NULL) {
        status = take_file(apply, line, name);
    } else if (!append(apply, text, length) || (!ends && !append(apply, "\n", 1))) {
        status = fail_line(apply, "out of memory");
    }
    json_decref(line);
    return status;
}

/* Take one line into the batch. */
static enum mcpz_exit take_line(struct apply *apply, const char *text, size_t length,
                                uint64_t *in_batch)
{
    apply->line++;
    if (length > LINE_BYTES_MAX) {
        return fail_line(apply, "the line is longer than 16384 bytes: those before it are done");
    }
    if (apply->line <= apply->skipped) {
        return MCPZ_EXIT_OK;
    }
    if (*in_batch == 0) {
        apply->first_line = apply->line;
    }
    ++*in_batch;
    apply->sent++;
    return take_text(apply, text, length);
}

static enum mcpz_exit run(struct apply *apply)
{
    char *text = NULL;
    size_t capacity = 0;
    uint64_t in_batch = 0;
    ssize_t length = 0;
    enum mcpz_exit status = MCPZ_EXIT_OK;

    while (status == MCPZ_EXIT_OK && length >= 0 && !mcpz_interrupt_came() &&
           !(apply->stops && apply->failed > 0)) {
        length = getline(&text, &capacity, apply->file);
        if (length >= 0) {
            status = take_line(apply, text, (size_t)length, &in_batch);
        }
        if (status == MCPZ_EXIT_OK && (in_batch == apply->batch_max || length < 0)) {
            status = send_batch(apply);
            in_batch = 0;
            show_progress(apply, false);
            keep_rate(apply);
        }
    }
    free(text);
    if (status == MCPZ_EXIT_OK && ferror(apply->file) != 0) {
        status = fail_line(apply, strerror(errno));
    }
    return status;
}

static enum mcpz_exit end(struct apply *apply, enum mcpz_exit status)
{
    const uint64_t took = clock_ms() - apply->begun_ms;
    const bool is_whole = status == MCPZ_EXIT_OK && feof(apply->file) != 0;

    show_progress(apply, true);
    if (is_whole && apply->note[0] != '\0') {
        (void)unlink(apply->note);
    } else if (apply->note[0] != '\0' && !apply->invocation->json) {
        (void)fprintf(stderr, "mcpz: the same command goes on behind line %" PRIu64 "\n",
                      apply->line);
    }
    if (status == MCPZ_EXIT_OK && !is_whole && mcpz_interrupt_came()) {
        status = MCPZ_EXIT_INTERRUPTED;
    }
    if (status == MCPZ_EXIT_OK && apply->failed > 0) {
        status = apply->late == apply->failed ? MCPZ_EXIT_TIMEOUT : MCPZ_EXIT_FAILED;
    }
    if (apply->invocation->json && (status == MCPZ_EXIT_OK || apply->failed > 0)) {
        json_t *json = json_pack(
            "{s:I, s:I, s:I, s:I, s:I, s:O}", "lines", (json_int_t)apply->line, "skipped",
            (json_int_t)apply->skipped, "applied", (json_int_t)apply->applied, "failed",
            (json_int_t)apply->failed, "took_ms", (json_int_t)took, "errors", apply->errors);
        if (json != NULL) {
            mcpz_print_json(json);
            json_decref(json);
        }
    } else if (!apply->invocation->json) {
        if (apply->failed > ERRORS_SHOWN_MAX) {
            (void)fprintf(stderr, "and %" PRIu64 " more; --json tells of up to %d\n",
                          apply->failed - ERRORS_SHOWN_MAX, ERRORS_LISTED_MAX);
        }
        (void)printf("%" PRIu64 " applied, %" PRIu64 " refused, %" PRIu64 " done before; %" PRIu64
                     " a second\n",
                     apply->applied, apply->failed, apply->skipped,
                     apply->sent * 1000 / (took > 0 ? took : 1));
    }
    return status;
}

static bool read_option(const struct mcpz_invocation *invocation, const char *name, uint64_t max,
                        uint64_t *number)
{
    const char *text = mcpz_option_value(invocation, name);
    char *stop;

    if (text == NULL) {
        return true;
    }
    *number = strtoull(text, &stop, 10);
    return *text >= '1' && *text <= '9' && *stop == '\0' && *number <= max;
}

static enum mcpz_exit open_file(struct apply *apply)
{
    struct stat status;

    if (strcmp(apply->path, "-") == 0) {
        apply->file = stdin;
        apply->path = "standard input";
        return MCPZ_EXIT_OK;
    }
    apply->file = fopen(apply->path, "re");
    if (apply->file == NULL || fstat(fileno(apply->file), &status) != 0) {
        return mcpz_fail_usage(apply->invocation, "cannot open %s: %s", apply->path,
                               strerror(errno));
    }
    if (S_ISREG(status.st_mode) &&
        strlen(apply->path) + sizeof(NOTE_SUFFIX) <= sizeof(apply->note)) {
        (void)snprintf(apply->note, sizeof(apply->note), "%s" NOTE_SUFFIX, apply->path);
        apply->length = (uint64_t)status.st_size;
    }
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_agent_apply(const struct mcpz_invocation *invocation)
{
    static struct apply apply;

    apply = (struct apply){.invocation = invocation,
                           .path = mcpz_argument(invocation, 0),
                           .batch_max = BATCH_DEFAULT,
                           .stops = mcpz_option_is_given(invocation, "stop"),
                           .errors = json_array(),
                           .files = json_object()};
    if (!read_option(invocation, "batch", BATCH_MAX, &apply.batch_max)) {
        return mcpz_fail_usage(invocation, "--batch is 1 to %d lines", BATCH_MAX);
    }
    if (!read_option(invocation, "rate", RATE_MAX, &apply.rate)) {
        return mcpz_fail_usage(invocation, "--rate is 1 to %d lines a second", RATE_MAX);
    }
    enum mcpz_exit status =
        mcpz_api_path_ack(invocation, "/v1/apply", apply.target, &apply.ack_wait_ms);
    if (status == MCPZ_EXIT_OK) {
        status = open_file(&apply);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    mcpz_interrupt_catch();
    read_note(&apply);
    if (mcpz_option_is_given(invocation, "again")) {
        apply.skipped = 0;
        apply.is_resumed = false;
    }
    apply.begun_ms = clock_ms();
    apply.shown_ms = apply.begun_ms;
    status = end(&apply, run(&apply));
    if (apply.file != stdin) {
        (void)fclose(apply.file);
    }
    free(apply.body);
    end_files(&apply);
    json_decref(apply.errors);
    json_decref(apply.files);
    return status;
}

static const struct mcpz_option agent_apply_options[] = {
    {"ack", '\0', "LEVEL", "on how many disks each is to be: async (one), one, quorum or all"},
    {"timeout", '\0', "TIME", "for that: then the status is 5, and the write stays (5s)"},
    MCPZ_TENANT_OPTION,
    {"batch", '\0', "N", "so many lines go to the disk together: 1 to 5000 (500)"},
    {"rate", '\0', "N", "so many lines a second, at most"},
    {"stop", '\0', NULL, "end with the batch in which a line is refused"},
    {"again", '\0', NULL, "begin at the first line, whatever was done before"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_agent_apply, "agent apply", "FILE|-", 1, 1, "create and write many agents",
    "FILE has one JSON object a line: \"op\" is create, delete, or a verb of mcpz agent, \"id\"\n"
    "the agent, and the rest what the verb takes. Lines are done in order. One that is refused\n"
    "is told as FILE:LINE, and those behind it are done; exit status 1 then. What is done is\n"
    "noted in FILE.applied, so the same command goes on where it was interrupted; of the batch\n"
    "under way then, increments and pushes may be done twice. Lines about agents that other\n"
    "nodes keep are handed on to those; the lines of one agent stay in order. Larger batches are\n"
    "quicker, and whoever writes beside them waits longer.\n"
    "A line with \"file\" in place of \"value\" names a file, which is kept as a blob; the path is\n"
    "taken from where FILE is.\n"
    "\n"
    "Examples:\n"
    "  {\"op\": \"create\", \"id\": \"planner-1\"}\n"
    "  {\"op\": \"set\", \"id\": \"planner-1\", \"path\": \"role\", \"value\": \"planner\"}\n"
    "  {\"op\": \"set\", \"id\": \"planner-1\", \"path\": \"map\", \"file\": \"north.bin\"}\n"
    "\n"
    "  mcpz agent apply fleet.ndjson --batch 200 --rate 2000\n",
    MCPZ_OPTIONS(agent_apply_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_apply_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
