#include <assert.h>
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
#include "cli/show.h"
#include "cli/spool.h"
#include "cli/target_file.h"
#include "cli/verb_tables.h"
#include "crypto/identity.h"
#include "http/snapshot.h"

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
#define PROGRESS_COLUMNS 100 /* of its line, to be cleared */

/* Something that is under way, and says how far it is on standard error. */
struct progress {
    const struct mcpz_invocation *invocation;
    uint64_t shown_ms;
    bool is_shown;
};

static uint64_t clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void begin_progress(struct progress *progress, const struct mcpz_invocation *invocation)
{
    *progress = (struct progress){.invocation = invocation, .shown_ms = clock_ms()};
}

/* Now and then: a line that is written over, or with --json one a time. `of` 0: not known. */
static void show_progress(struct progress *progress, const struct mcpz_snapshot_tap *tap,
                          uint64_t of)
{
    const uint64_t now_ms = clock_ms();
    const bool is_json = progress->invocation->json;

    if (now_ms - progress->shown_ms < PROGRESS_MS || (!is_json && isatty(STDERR_FILENO) != 1)) {
        return;
    }
    progress->shown_ms = now_ms;
    progress->is_shown = true;
    (void)fprintf(stderr,
                  is_json ? "{\"progress\":{\"items\":%" PRIu64 ",\"blobs\":%" PRIu64
                            ",\"blob_bytes\":%" PRIu64 ",\"bytes\":%" PRIu64
                          : "\r%" PRIu64 " writes, %" PRIu64 " blobs of %" PRIu64
                            " bytes, %" PRIu64,
                  tap->items, tap->blobs, tap->blob_bytes, tap->bytes);
    if (of > 0) {
        (void)fprintf(stderr, is_json ? ",\"of\":%" PRIu64 : " of %" PRIu64, of);
    }
    (void)fputs(is_json ? "}}\n" : " bytes ", stderr);
}

static void end_progress(const struct progress *progress)
{
    if (progress->is_shown && !progress->invocation->json) {
        (void)fprintf(stderr, "\r%*s\r", PROGRESS_COLUMNS, "");
    }
}

/* What partitions are not in it: "3, 7-9". */
static void write_missing(const struct mcpz_snapshot_total *total, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < total->missing_count && used + 32 < size; i++) {
        const struct mcpz_snapshot_range *range = &total->missing[i];
        used += (size_t)snprintf(text + used, size - used, "%s%" PRIu32, i > 0 ? ", " : "",
                                 range->first);
        if (range->last > range->first) {
            used += (size_t)snprintf(text + used, size - used, "-%" PRIu32, range->last);
        }
    }
    if (used + 32 >= size) {
        (void)snprintf(text + used, size - used, " and others");
    }
}

/* The blobs that could not be had: as JSON, as many as are told by name. The caller's. */
static json_t *list_lost(const struct mcpz_snapshot_tap *tap)
{
    json_t *lost = json_array();

    for (size_t i = 0; i < tap->lost_count && i < MCPZ_SNAPSHOT_LOST_MAX; i++) {
        char name[MCPZ_ID_TEXT_BYTES];
        mcpz_id_to_text(&tap->lost[i].root, 'b', name);
        (void)json_array_append_new(lost, json_string(name));
    }
    return lost;
}

/* Name them on standard error, a line each, but no more than so many; `all` of them there are. */
static void name_lost(const json_t *lost, uint64_t all, const char *what)
{
    const size_t listed = json_array_size(lost);
    const size_t count = listed < MCPZ_SNAPSHOT_LOST_MAX ? listed : MCPZ_SNAPSHOT_LOST_MAX;

    for (size_t i = 0; i < count; i++) {
        (void)fprintf(stderr, "mcpz: the blob %s %s\n", json_string_value(json_array_get(lost, i)),
                      what);
    }
    if (all > count) {
        (void)fprintf(stderr, "mcpz: so it is with %" PRIu64 " more blobs\n", all - count);
    }
}

/* An export on its way into a file. */
struct export
{
    struct progress progress;
    struct mcpz_target_file target;
    struct mcpz_snapshot_tap tap;
};

static mcpz_error take_piece(void *context, struct mcpz_bytes piece, struct mcpz_trouble *trouble)
{
    struct export *export = context;

    mcpz_snapshot_tap_add(&export->tap, piece);
    show_progress(&export->progress, &export->tap, 0);
    mcpz_error error = mcpz_write_all(export->target.file, piece.data, piece.length);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(trouble, "cannot write the snapshot: %s", strerror(errno));
    }
    return error;
}

static void show_exported(const struct export *export)
{
    const struct mcpz_snapshot_tap *tap = &export->tap;

    if (export->target.path == NULL) {
        return;
    }
    if (!export->progress.invocation->json) {
        (void)printf("%s: %" PRIu64 " agents, %" PRIu64 " blobs, %" PRIu64 " bytes\n",
                     export->target.path, tap->total.agents, tap->total.blobs, tap->bytes);
        return;
    }
    json_t *missing = json_array();
    for (size_t i = 0; i < tap->total.missing_count; i++) {
        (void)json_array_append_new(missing,
                                    json_pack("[I, I]", (json_int_t)tap->total.missing[i].first,
                                              (json_int_t)tap->total.missing[i].last));
    }
    json_t *said =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "file", export->target.path, "bytes",
                  (json_int_t)tap->bytes, "agents", (json_int_t)tap->total.agents, "blobs",
                  (json_int_t)tap->total.blobs, "blob_bytes", (json_int_t)tap->total.blob_bytes,
                  "blobs_lost", (json_int_t)tap->total.blobs_lost, "lost", list_lost(tap),
                  "missing", missing);
    if (said != NULL) {
        mcpz_print_json(said);
        json_decref(said);
    }
}

/* Was all that came a whole file? */
static enum mcpz_exit judge_export(const struct export *export)
{
    const struct mcpz_snapshot_tap *tap = &export->tap;
    char message[384];

    if (mcpz_snapshot_tap_is_whole(tap)) {
        return MCPZ_EXIT_OK;
    }
    (void)snprintf(message, sizeof(message), "the snapshot broke off before its end: %s",
                   tap->reason[0] != '\0' ? tap->reason : "the node's log says why");
    return mcpz_fail(export->progress.invocation, MCPZ_EXIT_FAILED, "internal", message);
}

/* It is whole, and has its name; but are all agents in it, and all that they name? */
static enum mcpz_exit tell_missing(const struct export *export)
{
    const struct mcpz_snapshot_total *total = &export->tap.total;
    char missing[768];
    json_t *lost = list_lost(&export->tap);

    name_lost(lost, total->blobs_lost, "is not in it: it is gone, or nobody who has it answered");
    json_decref(lost);
    if (total->missing_count == 0) {
        return total->blobs_lost == 0 ? MCPZ_EXIT_OK : MCPZ_EXIT_UNREACHABLE;
    }
    write_missing(total, missing, sizeof(missing));
    (void)fprintf(stderr,
                  "mcpz: agents of the partitions %s are not in it: nobody who keeps them "
                  "answered. Export again when they are back.\n",
                  missing);
    return MCPZ_EXIT_UNREACHABLE;
}

static enum mcpz_exit export_path(const struct mcpz_invocation *invocation, char *path)
{
    const char *agent = mcpz_option_value(invocation, "agent");
    const bool is_without = mcpz_option_is_given(invocation, "without-blobs");
    enum mcpz_exit status = MCPZ_EXIT_OK;

    (void)snprintf(path, MCPZ_API_PATH_BYTES, "/v1/snapshots/export%s",
                   is_without ? "?blobs=no" : "");
    if (agent != NULL) {
        status = mcpz_api_path(invocation, "/v1/snapshots/export?agent=", agent,
                               is_without ? "&blobs=no" : "", path);
    }
    return status != MCPZ_EXIT_OK ? status : mcpz_api_path_tenant(invocation, path);
}

static enum mcpz_exit run_snapshot_export(const struct mcpz_invocation *invocation)
{
    static struct export export; /* its target's name is long */
    char path[MCPZ_API_PATH_BYTES];
    struct mcpz_client_answer answer = {0};

    begin_progress(&export.progress, invocation);
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
    end_progress(&export.progress);
    if (status == MCPZ_EXIT_OK) {
        status = judge_export(&export);
    }
    status = mcpz_target_file_close(invocation, &export.target, status);
    if (status == MCPZ_EXIT_OK) {
        show_exported(&export);
        status = tell_missing(&export);
    }
    mcpz_client_answer_finish(&answer);
    return status;
}

/* ---- import ------------------------------------------------------------------------------- */

/* Small parts are sent together, as long as all of it is no more than this, */
#define BUNCH_BYTES_MAX 524288
#define BUNCH_PARTS_MAX 128 /* nor more than so many */
#define PART_BYTES_MAX                                                                            \
    (MCPZ_SNAPSHOT_HEAD_BYTES + MCPZ_SNAPSHOT_PART_HEAD_BYTES + MCPZ_SNAPSHOT_PART_BYTES_MAX +    \
     MCPZ_DIGEST_BYTES + BUNCH_BYTES_MAX)

/* A file on its way into the node, part by part. */
struct import {
    struct progress progress;
    const char *path; /* "-": standard input */
    int file;
    uint64_t length; /* of the file; 0: not known */
    struct mcpz_snapshot_tap tap;
    uint8_t *part; /* the head of the file, parts that are sent together, and the one under way */
    size_t part_length;
    size_t bunch_length; /* of it, before the part under way; 0: that is the first */
    size_t bunch_count;  /* parts */
    uint64_t bunch_at;   /* in the file */
    json_t *sum;         /* of what the node has said of each part */
    json_t *lost; /* an object: a member for each blob that agents name and that is not there */
    char open[MCPZ_ID_TEXT_BYTES]; /* the agent whose end is still to come; "": none */
    struct mcpz_id known;          /* the last blob that was there already; zeros: none */
};

/* Read to the end of what the tap wants next, behind what is there. */
static enum mcpz_exit read_wanted(struct import *import)
{
    size_t left = mcpz_snapshot_tap_wants(&import->tap);

    assert(left <= PART_BYTES_MAX - import->part_length);
    while (left > 0) {
        const ssize_t length = read(import->file, import->part + import->part_length, left);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length <= 0) {
            char message[4352];
            (void)snprintf(message, sizeof(message), "%s %s after byte %" PRIu64, import->path,
                           length < 0 ? strerror(errno) : "is cut off", import->tap.bytes);
            return mcpz_fail(import->progress.invocation, MCPZ_EXIT_FAILED, "bad_request",
                             message);
        }
        mcpz_snapshot_tap_add(&import->tap,
                              mcpz_bytes(import->part + import->part_length, (size_t)length));
        import->part_length += (size_t)length;
        left -= (size_t)length;
    }
    return MCPZ_EXIT_OK;
}

/* What is wrong with the file, where. `what` of it was taken in. */
static enum mcpz_exit judge_file(const struct import *import, const char *what)
{
    const struct mcpz_snapshot_tap *tap = &import->tap;
    const struct mcpz_invocation *invocation = import->progress.invocation;
    char message[4608];

    switch (tap->error) {
    case MCPZ_OK:
        if (tap->reason[0] == '\0') {
            return MCPZ_EXIT_OK;
        }
        (void)snprintf(message, sizeof(message), "%s ends before its end: %s; %s", import->path,
                       tap->reason, what);
        break;
    case MCPZ_EPROTO:
        (void)snprintf(message, sizeof(message), "%s is not a snapshot file", import->path);
        break;
    case MCPZ_EVERSION:
        (void)snprintf(message, sizeof(message),
                       "%s is a snapshot file of a version that is not read here: this one is %d",
                       import->path, MCPZ_SNAPSHOT_VERSION);
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "version", message);
    default:
        (void)snprintf(message, sizeof(message),
                       "%s is damaged, within the part from byte %" PRIu64 " on; %s", import->path,
                       tap->part_at, what);
        break;
    }
    return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "bad_request", message);
}

/* Read the next part behind the head of the file, which stays. At the end there is none. */
static enum mcpz_exit read_part(struct import *import, const char *what, bool *is_there)
{
    const uint32_t before = import->tap.parts;
    uint8_t more;

    import->part_length = import->bunch_length > 0 ? import->bunch_length
                          : import->tap.bytes == 0 ? 0
                                                   : MCPZ_SNAPSHOT_HEAD_BYTES;
    while (import->tap.parts == before && mcpz_snapshot_tap_wants(&import->tap) > 0) {
        enum mcpz_exit status = read_wanted(import);
        if (status != MCPZ_EXIT_OK) {
            return status;
        }
    }
    *is_there = import->tap.error == MCPZ_OK && mcpz_snapshot_tap_wants(&import->tap) > 0;
    if (mcpz_snapshot_tap_is_whole(&import->tap) && read(import->file, &more, 1) > 0) {
        mcpz_snapshot_tap_add(&import->tap, mcpz_bytes(&more, 1)); /* nothing may follow */
    }
    return *is_there ? MCPZ_EXIT_OK : judge_file(import, what);
}

static const char nothing[] = "nothing was changed";

/* A file that can be read twice is checked to its end before anything of it is sent. */
static enum mcpz_exit check_file(struct import *import)
{
    struct stat about;
    bool is_there = true;
    enum mcpz_exit status = MCPZ_EXIT_OK;

    if (fstat(import->file, &about) != 0 || !S_ISREG(about.st_mode)) {
        return MCPZ_EXIT_OK;
    }
    const off_t start = lseek(import->file, 0, SEEK_CUR);
    while (status == MCPZ_EXIT_OK && is_there) {
        status = read_part(import, nothing, &is_there);
    }
    if (status == MCPZ_EXIT_OK && (start < 0 || lseek(import->file, start, SEEK_SET) != start)) {
        return mcpz_fail_usage(import->progress.invocation, "cannot read %s: %s", import->path,
                               strerror(errno));
    }
    import->length = import->tap.bytes;
    mcpz_snapshot_tap_begin(&import->tap);
    return status;
}

/* Numbers are added up, names of blobs gathered; what is said for the next part is kept for it. */
static void add_up(struct import *import, json_t *said)
{
    const char *open = json_string_value(json_object_get(said, "open"));
    const char *known = json_string_value(json_object_get(said, "blob_known"));
    const json_t *lost = json_object_get(said, "lost");
    const char *key;
    json_t *value;

    json_object_foreach(said, key, value)
    {
        const json_int_t before = json_integer_value(json_object_get(import->sum, key));
        if (json_is_integer(value)) {
            (void)json_object_set_new(import->sum, key,
                                      json_integer(before + json_integer_value(value)));
        }
    }
    for (size_t i = 0; i < json_array_size(lost); i++) {
        (void)json_object_set_new(import->lost, json_string_value(json_array_get(lost, i)),
                                  json_true());
    }
    (void)snprintf(import->open, sizeof(import->open), "%s", open != NULL ? open : "");
    if (known == NULL || mcpz_id_from_text(mcpz_text(known), 'b', &import->known) != MCPZ_OK) {
        import->known = (struct mcpz_id){{ 0 }};
    }
}

/* Is the part a further piece of a blob that is there? */
static bool is_known(const struct import *import)
{
    const struct mcpz_snapshot_tap *tap = &import->tap;

    return tap->kind == MCPZ_SNAPSHOT_BLOB && mcpz_id_equal(&tap->order.root, &import->known);
}

/* Send what was gathered, `length` bytes, or, at the end of the file, no parts: what was left for
 * later is done then. */
static enum mcpz_exit send_bunch(struct import *import, size_t length, bool is_end)
{
    const struct mcpz_invocation *invocation = import->progress.invocation;
    const uint64_t at = import->bunch_at - MCPZ_SNAPSHOT_HEAD_BYTES;
    char path[MCPZ_API_PATH_BYTES];
    struct mcpz_client_answer raw;
    json_t *answer = NULL;

    (void)snprintf(path, sizeof(path), "/v1/snapshots/import?parts=some&at=%" PRIu64 "%s%s%s", at,
                   is_end ? "" : "&defer=1", import->open[0] != '\0' ? "&claim=" : "",
                   import->open);
    const struct mcpz_client_request request = {.method = "POST",
                                                .path = path,
                                                .type = MCPZ_SNAPSHOT_TYPE,
                                                .body = mcpz_bytes(import->part, length),
                                                .body_file = MCPZ_CLIENT_NO_FILE,
                                                .answer_file = MCPZ_CLIENT_NO_FILE,
                                                .patience_ms = PATIENCE_MS};
    enum mcpz_exit status = mcpz_ask_raw(invocation, &request, &raw);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_answer_parse(invocation, &raw, &answer);
    }
    if (status == MCPZ_EXIT_OK) {
        add_up(import, answer);
    }
    json_decref(answer);
    mcpz_client_answer_finish(&raw);
    return status;
}

/* Does the part behind what was gathered go with it? */
static bool fits_bunch(const struct import *import)
{
    return import->part_length <= BUNCH_BYTES_MAX && import->bunch_count < BUNCH_PARTS_MAX;
}

static enum mcpz_exit send_gathered(struct import *import)
{
    const size_t length = import->bunch_length;

    import->bunch_length = 0;
    import->bunch_count = 0;
    return length > 0 ? send_bunch(import, length, false) : MCPZ_EXIT_OK;
}

/* A part was read: gather it, and send what was gathered before if it does not fit there. A large
 * one goes by itself, so that there is always room for another. */
static enum mcpz_exit gather(struct import *import)
{
    const size_t before =
        import->bunch_length > 0 ? import->bunch_length : MCPZ_SNAPSHOT_HEAD_BYTES;
    const size_t length = import->part_length - before;
    enum mcpz_exit status = MCPZ_EXIT_OK;

    if (import->bunch_length > 0 && !fits_bunch(import)) {
        status = send_gathered(import);
        memmove(import->part + MCPZ_SNAPSHOT_HEAD_BYTES, import->part + before, length);
    }
    if (status == MCPZ_EXIT_OK && is_known(import)) {
        return status; /* as it is known by now */
    }
    if (import->bunch_length == 0) {
        import->bunch_at = import->tap.bytes - length;
        import->bunch_length = MCPZ_SNAPSHOT_HEAD_BYTES;
    }
    import->bunch_length += length;
    import->bunch_count++;
    return status == MCPZ_EXIT_OK && import->bunch_length > BUNCH_BYTES_MAX ? send_gathered(import)
                                                                            : status;
}

/* To be said of a file that cannot go on: what came before stays, and may come again. */
static enum mcpz_exit send_file(struct import *import)
{
    enum mcpz_exit status = MCPZ_EXIT_OK;
    char what[128];
    bool is_there = true;

    while (status == MCPZ_EXIT_OK && is_there) {
        (void)snprintf(what, sizeof(what), "what comes before byte %" PRIu64 " of it was taken in",
                       import->tap.part_at);
        status = read_part(import, import->tap.parts > 0 ? what : nothing, &is_there);
        if (status == MCPZ_EXIT_OK && is_there) {
            status = gather(import);
        } else if (status != MCPZ_EXIT_OK && send_gathered(import) != MCPZ_EXIT_OK) {
            return status; /* of a file that breaks off, what came before is taken in */
        }
        show_progress(&import->progress, &import->tap, import->length);
    }
    if (status == MCPZ_EXIT_OK) {
        status = send_gathered(import);
    }
    if (status == MCPZ_EXIT_OK && import->open[0] != '\0') {
        import->bunch_at = import->tap.bytes;
        status = send_bunch(import, MCPZ_SNAPSHOT_HEAD_BYTES, true);
    }
    return status;
}

static json_int_t sum_of(const struct import *import, const char *key)
{
    return json_integer_value(json_object_get(import->sum, key));
}

static json_t *list_keys(json_t *object)
{
    json_t *keys = json_array();
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        (void)json_array_append_new(keys, json_string(key));
    }
    return keys;
}

/* All is in; but is all there that the agents name? It is no failure of a file without blobs. */
static enum mcpz_exit tell_lost(const struct import *import)
{
    const bool has_blobs = import->tap.total.has_blobs;
    json_t *lost = list_keys(import->lost);

    name_lost(lost, json_array_size(lost),
              has_blobs ? "that an agent names is not here, nor was it in the file"
                        : "that an agent names is not here: the file was made without blobs");
    json_decref(lost);
    return has_blobs && sum_of(import, "blobs_lost") > 0 ? MCPZ_EXIT_UNREACHABLE : MCPZ_EXIT_OK;
}

static void show_blobs(const struct import *import)
{
    const json_int_t put = sum_of(import, "blobs_put");
    const json_int_t renamed = sum_of(import, "blobs_renamed");
    const json_int_t known = sum_of(import, "blobs_known");

    if (put > 0) {
        (void)printf("%" JSON_INTEGER_FORMAT " blob%s of %" JSON_INTEGER_FORMAT " bytes %s new",
                     put, put == 1 ? "" : "s", sum_of(import, "blob_bytes"),
                     put == 1 ? "was" : "were");
        if (renamed > 0) {
            (void)printf(", %" JSON_INTEGER_FORMAT " of them under another id here", renamed);
        }
        (void)putchar('\n');
    }
    if (known > 0) {
        (void)printf("%" JSON_INTEGER_FORMAT " blob%s here before\n", known,
                     known == 1 ? " was" : "s were");
    }
}

static void show_imported(const struct import *import)
{
    const struct mcpz_snapshot_total *total = &import->tap.total;
    char missing[768];

    if (total->missing_count > 0) {
        write_missing(total, missing, sizeof(missing));
        (void)fprintf(stderr, "mcpz: agents of the partitions %s are not in the file\n", missing);
    }
    if (import->progress.invocation->json) {
        (void)json_object_set_new(import->sum, "agents", json_integer((json_int_t)total->agents));
        (void)json_object_set_new(import->sum, "lost", list_keys(import->lost));
        mcpz_print_json(import->sum);
        return;
    }
    (void)printf("%" PRIu64 " agents: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                 " deltas were new\n",
                 total->agents, sum_of(import, "applied"), sum_of(import, "deltas"));
    show_blobs(import);
    if (sum_of(import, "bases") > 0) {
        (void)printf("%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                     " agents whose old deltas were folded were new\n",
                     sum_of(import, "bases_applied"), sum_of(import, "bases"));
    }
}

static enum mcpz_exit import_file(struct import *import)
{
    import->part = malloc(PART_BYTES_MAX);
    import->sum = json_pack("{s:i, s:i, s:i, s:i}", "deltas", 0, "applied", 0, "bases", 0,
                            "bases_applied", 0);
    import->lost = json_object();
    if (import->part == NULL || import->sum == NULL || import->lost == NULL ||
        mcpz_crypto_init() != MCPZ_OK) {
        return mcpz_fail(import->progress.invocation, MCPZ_EXIT_FAILED, "internal",
                         "no memory, or no cryptography here");
    }
    mcpz_snapshot_tap_begin(&import->tap);
    enum mcpz_exit status = check_file(import);
    if (status == MCPZ_EXIT_OK) {
        status = send_file(import);
    }
    end_progress(&import->progress);
    if (status == MCPZ_EXIT_OK) {
        show_imported(import);
        status = tell_lost(import);
    }
    return status;
}

static enum mcpz_exit run_snapshot_import(const struct mcpz_invocation *invocation)
{
    static struct import import; /* its tap is long */

    import.path = mcpz_argument(invocation, 0);
    const bool is_stdin = strcmp(import.path, "-") == 0;
    import.file = is_stdin ? STDIN_FILENO : open(import.path, O_RDONLY | O_CLOEXEC);
    if (import.file < 0) {
        return mcpz_fail_usage(invocation, "cannot open %s: %s", import.path, strerror(errno));
    }
    if (is_stdin) {
        import.path = "the input";
    }
    begin_progress(&import.progress, invocation);
    enum mcpz_exit status = import_file(&import);
    json_decref(import.sum);
    json_decref(import.lost);
    free(import.part);
    if (!is_stdin) {
        (void)close(import.file);
    }
    return status;
}

static const struct mcpz_option snapshot_list_options[] = {
    {"tenant", '\0', "NAME", "only of this one (all)"},
};

static const struct mcpz_option snapshot_export_options[] = {
    {"agent", '\0', "ID", "only this agent"},
    {"tenant", '\0', "NAME", "only of this one (all; of --agent: default)"},
    {"without-blobs", '\0', NULL, "leave the data of blobs out that they name"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_snapshot_list, "snapshot list", "", 0, 0, "list the agents' snapshots here",
    "Of those that this node keeps (\"mcpz agent list\" shows all), and of what the mesh keeps for\n"
    "itself in the same way: its tenants' names begin with \"mcpz\".\n"
    "\n"
    "Example:\n"
    "  mcpz snapshot list\n",
    MCPZ_OPTIONS(snapshot_list_options)},
{
    run_snapshot_export, "snapshot export", "[FILE|-]", 0, 1,
    "write agents to a file, history included",
    "Without FILE, or with -, to standard output. FILE appears whole or not at all.\n"
    "It is made while it is read: each agent is what it was when its turn came.\n"
    "Blobs that agents name are in it, each once, wherever they are kept. What could\n"
    "not be had is named, and the exit status is 4.\n"
    "\n"
    "Examples:\n"
    "  mcpz snapshot export all.mcpz\n"
    "  mcpz snapshot export --agent planner | ssh attic mcpz snapshot import -\n",
    MCPZ_OPTIONS(snapshot_export_options)},
{
    run_snapshot_import, "snapshot import", "FILE|-", 1, 1,
    "merge an exported file into the mesh",
    "A file is checked completely before anything of it is applied; of standard\n"
    "input each part is, before it is. What is known already does no harm: after an\n"
    "interruption the same command goes on, also within a blob. In another mesh a\n"
    "blob has another id; agents go on to find it by the one that they name. A blob\n"
    "that they name and that is neither here nor in the file is named: exit status 4.\n"
    "\n"
    "Example:\n"
    "  mcpz snapshot import all.mcpz\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_snapshot_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
