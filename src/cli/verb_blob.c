#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blob/blob_job.h"
#include "cli/ask.h"
#include "cli/blob_files.h"
#include "cli/interrupt.h"
#include "cli/show.h"
#include "cli/target_file.h"
#include "cli/verb_tables.h"

#define BLOBS_PATH "/v1/blobs"
#define KEYS_PATH "/v1/keys"
#define PATIENCE_MS 120000 /* for the disk to take what is there */
#define COPIES_MS 86400000 /* for other nodes to */
#define MIB 1048576.0

/* BLOBS_PATH, `rest` as it is, and whose it is; NULL: the default tenant's. */
static enum mcpz_exit tenants_path(const struct mcpz_invocation *invocation, const char *tenant,
                                   const char *rest, const char *more, char *path)
{
    char prefix[MCPZ_API_PATH_BYTES];

    (void)snprintf(prefix, sizeof(prefix), BLOBS_PATH "%s?%s%stenant=", rest, more,
                   more[0] != '\0' ? "&" : "");
    return mcpz_api_path(invocation, prefix, tenant != NULL ? tenant : "default", "", path);
}

static enum mcpz_exit blob_path(const struct mcpz_invocation *invocation, const char *rest,
                                const char *more, char *path)
{
    return tenants_path(invocation, mcpz_option_value(invocation, "tenant"), rest, more, path);
}

/* Of who watches: how far it has come, over what was said before. */
static void show_progress(const struct mcpz_invocation *invocation, const char *what,
                          uint64_t done, uint64_t whole)
{
    if (invocation->json || isatty(STDERR_FILENO) != 1) {
        return;
    }
    if (whole > 0) {
        (void)fprintf(stderr, "\r%s %.1f of %.1f MiB ", what, (double)done / MIB,
                      (double)whole / MIB);
    } else {
        (void)fprintf(stderr, "\r%s %.1f MiB ", what, (double)done / MIB);
    }
}

static void end_progress(const struct mcpz_invocation *invocation)
{
    if (!invocation->json && isatty(STDERR_FILENO) == 1) {
        (void)fprintf(stderr, "\r\033[K");
    }
}

static enum mcpz_exit fail_interrupted(const struct mcpz_invocation *invocation)
{
    return mcpz_fail(invocation, MCPZ_EXIT_INTERRUPTED, "interrupted", "interrupted");
}

/* ---- put ---------------------------------------------------------------------------------- */

/* Fill `part` as far as there is something. */
static ssize_t read_part(int file, uint8_t *part)
{
    size_t filled = 0;

    while (filled < MCPZ_BLOB_PART_BYTES_MAX) {
        const ssize_t got = read(file, part + filled, MCPZ_BLOB_PART_BYTES_MAX - filled);
        if (got < 0 && errno == EINTR && !mcpz_interrupt_came()) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        filled += (size_t)got;
    }
    return (ssize_t)filled;
}

static enum mcpz_exit send_part(const struct mcpz_invocation *invocation, const char *upload,
                                uint64_t offset, struct mcpz_bytes part)
{
    char rest[64];
    char more[64];
    char path[MCPZ_API_PATH_BYTES];
    struct mcpz_client_answer answer;

    (void)snprintf(rest, sizeof(rest), "/uploads/%s", upload);
    (void)snprintf(more, sizeof(more), "offset=%" PRIu64, offset);
    enum mcpz_exit status = blob_path(invocation, rest, more, path);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    const struct mcpz_client_request request = {.method = "POST",
                                                .path = path,
                                                .type = "application/octet-stream",
                                                .body = part,
                                                .body_file = MCPZ_CLIENT_NO_FILE,
                                                .answer_file = MCPZ_CLIENT_NO_FILE,
                                                .patience_ms = PATIENCE_MS};
    status = mcpz_ask_raw(invocation, &request, &answer);
    mcpz_client_answer_finish(&answer);
    return status;
}

static enum mcpz_exit send_file(const struct mcpz_invocation *invocation, int file,
                                const char *upload)
{
    uint8_t *part = malloc(MCPZ_BLOB_PART_BYTES_MAX);
    enum mcpz_exit status = MCPZ_EXIT_OK;
    const off_t whole = lseek(file, 0, SEEK_END);
    uint64_t offset = 0;
    ssize_t got = 1;

    (void)lseek(file, 0, SEEK_SET);
    while (status == MCPZ_EXIT_OK && got > 0 && part != NULL) {
        got = read_part(file, part);
        if (mcpz_interrupt_came()) {
            status = fail_interrupted(invocation);
        } else if (got > 0) {
            status = send_part(invocation, upload, offset, mcpz_bytes(part, (size_t)got));
            offset += (uint64_t)got;
            show_progress(invocation, "put", offset, whole > 0 ? (uint64_t)whole : 0);
        }
    }
    end_progress(invocation);
    free(part);
    if (status == MCPZ_EXIT_OK && (part == NULL || got < 0)) {
        status = mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", "the file cannot be read");
    }
    return status;
}

static void show_blob(const json_t *blob)
{
    static const char *const keys[] = {"blob",         "tenant", "size",  "chunks",
                                       "stored_bytes", "made",   "copies"};
    const json_t *nodes = json_object_get(blob, "nodes");
    const json_t *missing = json_object_get(blob, "missing");
    char room[MCPZ_FIELD_BYTES];

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(keys); i++) {
        mcpz_print_field(keys[i], mcpz_json_field(blob, keys[i], room));
    }
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        mcpz_print_field("at", json_string_value(json_array_get(nodes, i)));
    }
    for (size_t i = 0; i < json_array_size(missing); i++) {
        mcpz_print_field("missing at", json_string_value(json_array_get(missing, i)));
    }
}

/* Copies may take as long as they like, as long as they get on: the node looks at that. An agent
 * can name what one of those has that are to have it, and so know of it. */
static enum mcpz_exit finish_upload(const struct mcpz_invocation *invocation, const char *upload,
                                    bool is_brief, json_t **answer)
{
    char path[MCPZ_API_PATH_BYTES];
    char rest[64];
    char more[96];
    const char *level = NULL;
    uint64_t timeout_ms = 0;

    enum mcpz_exit status = mcpz_option_ack(invocation, &level, &timeout_ms);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (is_brief && (level == NULL || strcmp(level, "async") == 0)) {
        level = "one";
    }
    (void)snprintf(rest, sizeof(rest), "/uploads/%s/finish", upload);
    (void)snprintf(more, sizeof(more), "ack=%s&timeout_ms=%" PRIu64 "%s",
                   level != NULL ? level : "async", timeout_ms, is_brief ? "&ref=brief" : "");
    status = blob_path(invocation, rest, level != NULL ? more : "", path);
    return status == MCPZ_EXIT_OK
               ? mcpz_ask_patiently(invocation, "POST", path, NULL,
                                    level != NULL ? COPIES_MS : PATIENCE_MS, answer)
               : status;
}

static enum mcpz_exit put_file(const struct mcpz_invocation *invocation, int file, bool is_brief,
                               json_t **answer)
{
    char path[MCPZ_API_PATH_BYTES];
    char upload[24] = "";
    json_t *begun = NULL;

    enum mcpz_exit status = blob_path(invocation, "", "", path);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask(invocation, "POST", path, NULL, &begun);
    }
    if (status == MCPZ_EXIT_OK) {
        (void)snprintf(upload, sizeof(upload), "%s", mcpz_show_text(begun, "upload"));
        status = send_file(invocation, file, upload);
        json_decref(begun);
    }
    return status == MCPZ_EXIT_OK ? finish_upload(invocation, upload, is_brief, answer) : status;
}

static enum mcpz_exit put_path(const struct mcpz_invocation *invocation, const char *path,
                               bool is_brief, json_t **answer)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    const int file = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    *answer = NULL;
    if (file < 0) {
        return mcpz_fail_usage(invocation, "cannot open %s: %s", path, strerror(errno));
    }
    mcpz_interrupt_catch();
    const enum mcpz_exit status = put_file(invocation, file, is_brief, answer);
    if (!is_stdin) {
        (void)close(file);
    }
    return status;
}

enum mcpz_exit mcpz_blob_put_file(const struct mcpz_invocation *invocation, const char *path,
                                  json_t **answer)
{
    return put_path(invocation, path, false, answer);
}

enum mcpz_exit mcpz_blob_put_brief(const struct mcpz_invocation *invocation, const char *path,
                                   json_t **value)
{
    json_t *blob = NULL;

    *value = NULL;
    const enum mcpz_exit status = put_path(invocation, path, true, &blob);
    if (status == MCPZ_EXIT_OK) {
        *value =
            json_pack("{s:s, s:O, s:O}", "$blob", mcpz_show_text(blob, "blob"), "size",
                      json_object_get(blob, "size"), "tenant", json_object_get(blob, "tenant"));
        json_decref(blob);
    }
    return status;
}

/* Where this fails the reference goes by itself, an hour later. */
void mcpz_blob_end_brief(const struct mcpz_invocation *invocation, const json_t *value)
{
    char rest[MCPZ_ID_TEXT_BYTES + 1];
    char path[MCPZ_API_PATH_BYTES];

    (void)snprintf(rest, sizeof(rest), "/%s", mcpz_show_text(value, "$blob"));
    if (tenants_path(invocation, mcpz_show_text(value, "tenant"), rest, "ref=brief", path) ==
        MCPZ_EXIT_OK) {
        mcpz_ask_quietly(invocation, "DELETE", path);
    }
}

static enum mcpz_exit run_blob_put(const struct mcpz_invocation *invocation)
{
    json_t *answer;
    const enum mcpz_exit status =
        mcpz_blob_put_file(invocation, mcpz_argument(invocation, 0), &answer);

    if (status == MCPZ_EXIT_OK) {
        if (invocation->json) {
            mcpz_print_json(answer);
        } else {
            (void)printf("%s\n", mcpz_show_text(answer, "blob"));
        }
        json_decref(answer);
    }
    return status;
}

/* ---- get ---------------------------------------------------------------------------------- */

struct range {
    uint64_t first;
    uint64_t end; /* behind the last byte */
};

/* "FIRST-LAST", "FIRST-" or "-COUNT", as in HTTP (RFC 9110, 14.1.2). False: it is no such thing.
 */
static bool read_range(const char *text, uint64_t size, struct range *range)
{
    char *at = NULL;
    uint64_t last = UINT64_MAX;

    *range = (struct range){.end = size};
    if (text == NULL) {
        return true;
    }
    errno = 0;
    if (text[0] == '-') {
        const uint64_t count = strtoull(text + 1, &at, 10);
        range->first = count < size ? size - count : 0;
        return text[1] >= '0' && text[1] <= '9' && *at == '\0' && errno == 0;
    }
    range->first = strtoull(text, &at, 10);
    if (text[0] < '0' || text[0] > '9' || *at != '-') {
        return false;
    }
    if (at[1] != '\0') {
        const char *from = at + 1;
        last = strtoull(from, &at, 10);
        if (*from < '0' || *from > '9' || *at != '\0' || last < range->first) {
            return false;
        }
    }
    range->end = last < size ? last + 1 : size;
    range->first = range->first < range->end ? range->first : range->end;
    return errno == 0;
}

static enum mcpz_exit take_piece(const struct mcpz_invocation *invocation,
                                 const struct mcpz_blob_wish *wish, const struct range *left,
                                 struct mcpz_client_answer *answer)
{
    const uint64_t length = left->end - left->first;
    char rest[MCPZ_ID_TEXT_BYTES + 16];
    char more[96];
    char path[MCPZ_API_PATH_BYTES];

    (void)snprintf(rest, sizeof(rest), "/%s/data", wish->blob);
    (void)snprintf(more, sizeof(more), "offset=%" PRIu64 "&length=%" PRIu64, left->first,
                   length < MCPZ_BLOB_PART_BYTES_MAX ? length : MCPZ_BLOB_PART_BYTES_MAX);
    enum mcpz_exit status = tenants_path(invocation, wish->tenant, rest, more, path);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    const struct mcpz_client_request request = {.method = "GET",
                                                .path = path,
                                                .body_file = MCPZ_CLIENT_NO_FILE,
                                                .answer_file = MCPZ_CLIENT_NO_FILE,
                                                .patience_ms = PATIENCE_MS};
    return mcpz_ask_raw(invocation, &request, answer);
}

static bool write_all(int file, const char *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t written = write(file, bytes, length);
        if (written < 0 && errno == EINTR && !mcpz_interrupt_came()) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

static enum mcpz_exit copy_range(const struct mcpz_invocation *invocation,
                                 const struct mcpz_blob_wish *wish, struct range left,
                                 const struct mcpz_target_file *target)
{
    const struct range whole = left;
    enum mcpz_exit status = MCPZ_EXIT_OK;

    while (status == MCPZ_EXIT_OK && left.first < left.end) {
        struct mcpz_client_answer answer = {0};
        status = take_piece(invocation, wish, &left, &answer);
        if (status == MCPZ_EXIT_OK && answer.length == 0) {
            status = mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", "the blob ends too soon");
        } else if (status == MCPZ_EXIT_OK &&
                   !write_all(target->file, answer.body, (size_t)answer.length)) {
            status = mcpz_target_file_fail(invocation,
                                           target->path != NULL ? target->path : "the output");
        }
        left.first += answer.length;
        mcpz_client_answer_finish(&answer);
        show_progress(invocation, "got", left.first - whole.first, whole.end - whole.first);
        if (status == MCPZ_EXIT_OK && mcpz_interrupt_came()) {
            status = fail_interrupted(invocation);
        }
    }
    end_progress(invocation);
    return status;
}

/* Ask what is known of a blob. */
static enum mcpz_exit ask_wish(const struct mcpz_invocation *invocation, const char *method,
                               const struct mcpz_blob_wish *wish, json_t **answer)
{
    char rest[MCPZ_ID_TEXT_BYTES + 1];
    char path[MCPZ_API_PATH_BYTES];
    struct mcpz_id id;

    *answer = NULL;
    if (mcpz_id_from_text(mcpz_text(wish->blob), 'b', &id) != MCPZ_OK) {
        return mcpz_fail_usage(invocation, "a blob is named \"b-\" and 52 letters and digits");
    }
    (void)snprintf(rest, sizeof(rest), "/%s", wish->blob);
    enum mcpz_exit status = tenants_path(invocation, wish->tenant, rest, "", path);
    return status == MCPZ_EXIT_OK ? mcpz_ask(invocation, method, path, NULL, answer) : status;
}

/* Of the one that is the first argument. */
static enum mcpz_exit ask_blob(const struct mcpz_invocation *invocation, const char *method,
                               json_t **answer)
{
    const struct mcpz_blob_wish wish = {.blob = mcpz_argument(invocation, 0),
                                        .tenant = mcpz_option_value(invocation, "tenant")};

    return ask_wish(invocation, method, &wish, answer);
}

static void show_got(const struct mcpz_invocation *invocation, const char *file, uint64_t bytes)
{
    if (file == NULL) {
        return;
    }
    if (!invocation->json) {
        (void)printf("%s: %" PRIu64 " bytes\n", file, bytes);
        return;
    }
    json_t *said = json_pack("{s:s, s:I}", "file", file, "bytes", (json_int_t)bytes);
    if (said != NULL) {
        mcpz_print_json(said);
        json_decref(said);
    }
}

enum mcpz_exit mcpz_blob_get_file(const struct mcpz_invocation *invocation,
                                  const struct mcpz_blob_wish *wish)
{
    struct mcpz_blob_wish whole = *wish;
    struct mcpz_target_file target;
    struct range range;
    json_t *answer;

    if (whole.tenant == NULL) {
        whole.tenant = mcpz_option_value(invocation, "tenant");
    }
    enum mcpz_exit status = ask_wish(invocation, "GET", &whole, &answer);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    const uint64_t size = (uint64_t)json_integer_value(json_object_get(answer, "size"));
    json_decref(answer);
    if (!read_range(wish->range, size, &range)) {
        return mcpz_fail_usage(invocation,
                               "--range is FIRST-LAST, FIRST- or -COUNT, in bytes from 0");
    }
    status = mcpz_target_file_open(invocation, wish->path, "a blob", &target);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    status = copy_range(invocation, &whole, range, &target);
    status = mcpz_target_file_close(invocation, &target, status);
    if (status == MCPZ_EXIT_OK) {
        show_got(invocation, target.path, range.end - range.first);
    }
    return status;
}

static enum mcpz_exit run_blob_get(const struct mcpz_invocation *invocation)
{
    return mcpz_blob_get_file(
        invocation, &(struct mcpz_blob_wish){.blob = mcpz_argument(invocation, 0),
                                             .range = mcpz_option_value(invocation, "range"),
                                             .path = mcpz_argument(invocation, 1)});
}

/* ---- stat, list, remove ------------------------------------------------------------------- */

static enum mcpz_exit run_blob_stat(const struct mcpz_invocation *invocation)
{
    json_t *answer;

    enum mcpz_exit status = ask_blob(invocation, "GET", &answer);
    if (status == MCPZ_EXIT_OK) {
        if (invocation->json) {
            mcpz_print_json(answer);
        } else {
            show_blob(answer);
        }
        json_decref(answer);
    }
    return status;
}

/* One of this node. */
static mcpz_error add_blob(struct mcpz_table *table, const json_t *blob)
{
    char size[MCPZ_FIELD_BYTES];
    char stored[MCPZ_FIELD_BYTES];
    const char *const cells[] = {mcpz_show_text(blob, "blob"), mcpz_json_field(blob, "size", size),
                                 mcpz_json_field(blob, "stored_bytes", stored),
                                 mcpz_show_text(blob, "made")};

    return mcpz_table_add(table, cells);
}

/* One of the mesh: how many have it, and of those that are to have it, how many have not. */
static mcpz_error add_copies(struct mcpz_table *table, const json_t *blob)
{
    char size[MCPZ_FIELD_BYTES];
    char copies[MCPZ_FIELD_BYTES];
    char missing[24];
    const char *const cells[] = {mcpz_show_text(blob, "blob"), mcpz_json_field(blob, "size", size),
                                 mcpz_json_field(blob, "copies", copies), missing,
                                 mcpz_show_text(blob, "made")};

    (void)snprintf(missing, sizeof(missing), "%zu",
                   json_array_size(json_object_get(blob, "missing")));
    return mcpz_table_add(table, cells);
}

/* All of them, a page at a time. NULL: it was told why not. */
static json_t *list_blobs(const struct mcpz_invocation *invocation, enum mcpz_exit *status)
{
    json_t *all = json_array();
    char more[MCPZ_ID_TEXT_BYTES + 16] = "";
    size_t count = MCPZ_BLOB_LIST_MAX;

    while (*status == MCPZ_EXIT_OK && count == MCPZ_BLOB_LIST_MAX) {
        char path[MCPZ_API_PATH_BYTES];
        json_t *page = NULL;
        if (more[0] == '\0' && mcpz_option_is_given(invocation, "here")) {
            (void)snprintf(more, sizeof(more), "here=true");
        }
        *status = blob_path(invocation, "", more, path);
        if (*status == MCPZ_EXIT_OK) {
            *status = mcpz_ask(invocation, "GET", path, NULL, &page);
        }
        count = json_array_size(page);
        if (count > 0) {
            (void)snprintf(more, sizeof(more), "after=%s%s",
                           mcpz_show_text(json_array_get(page, count - 1), "blob"),
                           mcpz_option_is_given(invocation, "here") ? "&here=true" : "");
            (void)json_array_extend(all, page);
        }
        json_decref(page);
    }
    if (*status != MCPZ_EXIT_OK) {
        json_decref(all);
        return NULL;
    }
    return all;
}

static enum mcpz_exit run_blob_list(const struct mcpz_invocation *invocation)
{
    static const char *const headings_here[] = {"BLOB", "SIZE", "STORED", "MADE"};
    static const char *const headings[] = {"BLOB", "SIZE", "COPIES", "MISSING", "MADE"};
    static const struct mcpz_listing listings[] = {
        {headings, MCPZ_ARRAY_LEN(headings), add_copies, "no blobs"},
        {headings_here, MCPZ_ARRAY_LEN(headings_here), add_blob, "no blobs here"},
    };
    enum mcpz_exit status = MCPZ_EXIT_OK;

    json_t *all = list_blobs(invocation, &status);
    if (all == NULL) {
        return status;
    }
    if (invocation->json) {
        mcpz_print_json(all);
    } else {
        status =
            mcpz_show_listing(&listings[mcpz_option_is_given(invocation, "here") ? 1 : 0], all);
    }
    json_decref(all);
    return status;
}

/* Print the answer to what changes something: `key` of it for people. */
static enum mcpz_exit show_changed(const struct mcpz_invocation *invocation, enum mcpz_exit status,
                                   json_t *answer, const char *key)
{
    if (status == MCPZ_EXIT_OK) {
        if (invocation->json) {
            mcpz_print_json(answer);
        } else {
            mcpz_print_field(key, mcpz_show_text(answer, key));
        }
        json_decref(answer);
    }
    return status;
}

static enum mcpz_exit run_blob_remove(const struct mcpz_invocation *invocation)
{
    json_t *answer;
    enum mcpz_exit status = ask_blob(invocation, "DELETE", &answer);

    return show_changed(invocation, status, answer, "removed");
}

/* ---- Keys --------------------------------------------------------------------------------- */

/* Where the node key is: a word, or which key in which token. */
static void show_source(const json_t *answer)
{
    const json_t *token = json_object_get(answer, "token");
    char text[MCPZ_FIELD_BYTES];

    (void)snprintf(text, sizeof(text), "%s", mcpz_show_text(answer, "source"));
    if (token != NULL) {
        (void)snprintf(text, sizeof(text), "%s: key \"%s\" in token \"%s\", serial %s",
                       mcpz_show_text(answer, "source"), mcpz_show_text(token, "object"),
                       mcpz_show_text(token, "label"), mcpz_show_text(token, "serial"));
    }
    mcpz_print_field("source", text);
}

static enum mcpz_exit show_keys(const json_t *answer)
{
    const json_t *tenants = json_object_get(answer, "tenants");
    size_t index;
    const json_t *tenant;

    mcpz_print_field("node_key", mcpz_show_text(answer, "node_key"));
    show_source(answer);
    json_array_foreach(tenants, index, tenant)
    {
        mcpz_print_field("tenant", json_string_value(tenant));
    }
    const json_t *shredded = json_object_get(answer, "shredded");
    json_array_foreach(shredded, index, tenant)
    {
        char text[MCPZ_FIELD_BYTES];
        (void)snprintf(text, sizeof(text), "%s until %s", mcpz_show_text(tenant, "tenant"),
                       mcpz_show_text(tenant, "until"));
        mcpz_print_field("shredded", text);
    }
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_key_list(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", KEYS_PATH, show_keys);
}

static enum mcpz_exit run_key_rotate(const struct mcpz_invocation *invocation)
{
    json_t *answer;
    enum mcpz_exit status = mcpz_ask(invocation, "POST", KEYS_PATH "/rotate", NULL, &answer);

    return show_changed(invocation, status, answer, "node_key");
}

static enum mcpz_exit run_key_shred(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    json_t *answer = NULL;

    enum mcpz_exit status =
        mcpz_api_path(invocation, KEYS_PATH "/", mcpz_argument(invocation, 0), "", path);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask(invocation, "DELETE", path, NULL, &answer);
    }
    return show_changed(invocation, status, answer, "shredded");
}

static const struct mcpz_option blob_options[] = {
    {"tenant", '\0', "TENANT", "whose it is (default)"},
};

static const struct mcpz_option blob_list_options[] = {
    {"tenant", '\0', "TENANT", "whose they are (default)"},
    {"here", '\0', NULL, "those at this node alone"},
};

static const struct mcpz_option blob_put_options[] = {
    {"tenant", '\0', "TENANT", "whose it is (default)"},
    {"ack", '\0', "LEVEL", "on how many disks it is to be: async (one), one, quorum or all"},
    {"timeout", '\0', "TIME", "for that, while nothing moves: then the status is 5 (5s)"},
};

static const struct mcpz_option blob_get_options[] = {
    {"tenant", '\0', "TENANT", "whose it is (default)"},
    {"range", '\0', "RANGE", "only these bytes: FIRST-LAST, FIRST- or -COUNT"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_blob_put, "blob put", "FILE|-", 1, 1,
    "keep a file of any size, and print its name",
    "It is cut into chunks; those that are known are not kept again. All of it is compressed\n"
    "and encrypted under the tenant's key. The name follows from what it says: the same file\n"
    "has the same name, within a tenant. Three nodes keep a copy; each fetches the chunks that\n"
    "it lacks. When one is lost another makes a copy by itself. What was interrupted is put\n"
    "again: what is there is not sent again.\n"
    "\n"
    "Examples:\n"
    "  mcpz blob put weights.bin\n"
    "  mcpz blob put weights.bin --ack quorum\n"
    "  tar c notes | mcpz blob put -\n",
    MCPZ_OPTIONS(blob_put_options)},
{
    run_blob_get, "blob get", "BLOB [FILE|-]", 1, 2,
    "write a blob, or a part of it, to a file",
    "Without FILE, or with -, to standard output. FILE appears whole or not at all. What this\n"
    "node does not keep is read from those that do.\n"
    "\n"
    "Examples:\n"
    "  mcpz blob get b-... weights.bin\n"
    "  mcpz blob get b-... --range 0-1023 > head\n",
    MCPZ_OPTIONS(blob_get_options)},
{
    run_blob_stat, "blob stat", "BLOB", 1, 1, "show how large a blob is and who has it",
    "\"at\" are the nodes that keep all of it, \"missing at\" those that are to and do not yet, or\n"
    "did not answer. stored_bytes is what it added on the disk when it was put: chunks that were\n"
    "known before add nothing.\n"
    "\n"
    "Example:\n"
    "  mcpz blob stat b-...\n",
    MCPZ_OPTIONS(blob_options)},
{
    run_blob_list, "blob list", "", 0, 0, "list the blobs of a tenant in the mesh",
    "With how many nodes have all of it, and how many of those that are to have it have not said\n"
    "so: not yet, or they do not answer. `mcpz blob stat` names them. What only nodes have that do\n"
    "not answer is not in the list.\n"
    "\n"
    "Examples:\n"
    "  mcpz blob list --tenant acme\n"
    "  mcpz blob list --here\n",
    MCPZ_OPTIONS(blob_list_options)},
{
    run_blob_remove, "blob remove", "BLOB", 1, 1, "keep a blob no longer",
    "Ten minutes later (blobs.clear_after) its room is free again, at all nodes, but for chunks\n"
    "of other blobs and blobs that an agent refers to.\n"
    "Putting it again before that keeps it.\n"
    "\n"
    "Example:\n"
    "  mcpz blob remove b-...\n",
    MCPZ_OPTIONS(blob_options)},
{
    run_key_list, "key list", "", 0, 0, "show which tenants have a key at this node",
    "Also which node key wraps them, by a name that tells nothing of it, where that one is\n"
    "(file: DATA/keys/node.key; environment: MCPZ_NODE_KEY; pkcs11: wrapped by a key in a\n"
    "token), and whose keys were shredded.\n"
    "\n"
    "Example:\n"
    "  mcpz key list\n",
    NULL, 0},
{
    run_key_rotate, "key rotate", "", 0, 0, "change the node key",
    "Tenants' keys are wrapped anew; data stays as it is. A node key in the environment is\n"
    "changed by a start with the new one in MCPZ_NODE_KEY and the old one in\n"
    "MCPZ_NODE_KEY_OLD.\n"
    "\n"
    "Example:\n"
    "  mcpz key rotate\n",
    NULL, 0},
{
    run_key_shred, "key shred", "TENANT", 1, 1, "make all a tenant has unreadable",
    "The tenant's keys at this node are forgotten, and the node key changed, so that remains\n"
    "of them are of no use. Nobody can undo this. Other nodes do the same when they hear of\n"
    "it, which is at once, or when they are back. What it keeps afterwards is kept anew.\n"
    "\n"
    "Example:\n"
    "  mcpz key shred acme\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_blob_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
