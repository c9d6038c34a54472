/* mcpz backup create, verify, restore, list. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup/backup_file.h"
#include "backup/backup_job.h"
#include "backup/backup_restore.h"
#include "blob/keyring.h"
#include "blob/secret_file.h"
#include "cli/ask.h"
#include "cli/key_settings.h"
#include "cli/show.h"
#include "cli/spool.h"
#include "cli/stores.h"
#include "cli/target_file.h"
#include "cli/verb_tables.h"
#include "crypto/identity.h"
#include "embed/keys.h"
#include "store/directory.h"

#define PATIENCE_MS 300000 /* nothing moves while the node pins what it keeps */
#define PROGRESS_STEP_BYTES (4U << 20)
#define NAME_FORMAT "%Y%m%dT%H%M%SZ"

/* ---- Progress ----------------------------------------------------------------------------- */

struct progress {
    bool wanted; /* somebody watches */
    bool shown;
    uint64_t next;
};

static struct progress progress_begin(const struct mcpz_invocation *invocation)
{
    return (struct progress){.wanted = !invocation->json && isatty(STDERR_FILENO) == 1};
}

static void progress_show(void *context, uint64_t done, uint64_t all)
{
    struct progress *progress = context;

    if (!progress->wanted || done < progress->next) {
        return;
    }
    progress->next = done + PROGRESS_STEP_BYTES;
    progress->shown = true;
    (void)fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " MiB ", done >> 20, all >> 20);
}

static void progress_end(const struct progress *progress)
{
    if (progress->shown) {
        (void)fputs("\r                              \r", stderr);
    }
}

/* ---- What is in one ----------------------------------------------------------------------- */

static const char *show_moment(uint64_t made_ms, char *text, size_t capacity)
{
    const time_t seconds = (time_t)(made_ms / 1000);
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(text, capacity, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

static json_t *show_head(const char *path, const struct mcpz_backup_head *head)
{
    char node[MCPZ_ID_TEXT_BYTES];
    char made[32] = "";

    mcpz_id_to_text(&head->node, 'n', node);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "file", path, "node", node, "made",
                     show_moment(head->made_ms, made, sizeof(made)), "version", head->program,
                     "commits", (json_int_t)head->commits, "files", (json_int_t)head->file_count,
                     "bytes", (json_int_t)head->bytes);
}

/* Print what was made, checked or restored: `verb` says which. */
static void show_backup(const struct mcpz_invocation *invocation, const char *verb,
                        const char *path, const struct mcpz_backup_head *head,
                        const struct mcpz_data_report *report)
{
    json_t *json = show_head(path, head);
    char node[MCPZ_FIELD_BYTES];

    if (json == NULL) {
        return;
    }
    (void)json_object_set_new(json, "records", json_integer((json_int_t)report->store.records));
    (void)json_object_set_new(json, "documents", json_integer((json_int_t)report->documents));
    (void)json_object_set_new(json, "chunks", json_integer((json_int_t)report->chunks));
    if (invocation->json) {
        mcpz_print_json(json);
    } else {
        (void)printf("%s %s: node %s at %s, %" PRIu64 " bytes: %" PRIu64 " records, %" PRIu64
                     " documents, %" PRIu64 " parts of blobs\n",
                     verb, path, mcpz_json_short_id(json, "node", node),
                     mcpz_show_text(json, "made"), head->bytes, report->store.records,
                     report->documents, report->chunks);
    }
    json_decref(json);
}

static enum mcpz_exit fail_text(const struct mcpz_invocation *invocation, mcpz_error error,
                                const char *text)
{
    if (error == MCPZ_ECONFLICT) {
        return mcpz_fail(invocation, MCPZ_EXIT_CONFLICT, "conflict", text);
    }
    if (error == MCPZ_ENOTFOUND || error == MCPZ_EAUTH) {
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "node_key", text);
    }
    const bool is_damaged = error == MCPZ_ECORRUPT || error == MCPZ_ESHORT;
    return mcpz_fail(invocation, MCPZ_EXIT_FAILED,
                     error == MCPZ_EPROTO     ? "bad_request"
                     : error == MCPZ_EVERSION ? "version"
                     : is_damaged             ? "damaged"
                                              : "internal",
                     text);
}

/* The node key that lies in --data, to open what a backup holds with; NULL: there is none. */
static const char *read_node_key(const struct mcpz_invocation *invocation,
                                 char key[MCPZ_NODE_KEY_TEXT_CHARS + 1])
{
    char path[PATH_MAX];
    size_t length = 0;

    key[0] = '\0';
    (void)snprintf(path, sizeof(path), "%s/" MCPZ_DATA_NODE_KEY, invocation->data);
    if (mcpz_secret_file_read(path, (uint8_t *)key, MCPZ_NODE_KEY_TEXT_CHARS + 1, &length) !=
            MCPZ_OK ||
        length < MCPZ_NODE_KEY_TEXT_CHARS) {
        length = 0;
    }
    key[length < MCPZ_NODE_KEY_TEXT_CHARS ? length : MCPZ_NODE_KEY_TEXT_CHARS] = '\0';
    return key[0] != '\0' ? key : NULL;
}

/* Check the backup in `file`, from its beginning; `path` is what people call it. */
static enum mcpz_exit verify(const struct mcpz_invocation *invocation, int file, const char *path,
                             struct mcpz_backup_head *head, struct mcpz_data_report *report)
{
    static struct mcpz_key_settings settings; /* a configuration is large */
    char key[MCPZ_NODE_KEY_TEXT_CHARS + 1] = "";
    struct mcpz_data_set set;
    struct mcpz_trouble trouble;

    enum mcpz_exit status = mcpz_key_settings_read(invocation, &settings);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (settings.any.text == NULL) {
        settings.any.text = read_node_key(invocation, key);
    }
    mcpz_error error = mcpz_backup_list(file, head, &set);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(&trouble, "%s: %s", path, set.trouble);
        status = fail_text(invocation, error, trouble.text);
    } else {
        error = mcpz_data_check(&set, &settings.any, report);
        mcpz_stores_show_token(report);
        if (error != MCPZ_OK) {
            mcpz_trouble_say(&trouble,
                             "%s is whole, but what it was made of was damaged already: %s", path,
                             report->trouble[0] != '\0' ? report->trouble : mcpz_strerror(error));
            status = fail_text(invocation, error, trouble.text);
        }
    }
    mcpz_data_set_finish(&set);
    mcpz_key_settings_finish(&settings);
    mcpz_wipe(key, sizeof(key));
    return status;
}

/* ---- create ------------------------------------------------------------------------------- */

struct creation {
    const struct mcpz_invocation *invocation;
    struct mcpz_target_file target;
    struct mcpz_backup_tap tap;
    struct progress progress;
};

static mcpz_error take_piece(void *context, struct mcpz_bytes piece)
{
    struct creation *creation = context;

    mcpz_backup_tap_add(&creation->tap, piece);
    progress_show(&creation->progress, creation->tap.length, mcpz_backup_tap_all(&creation->tap));
    return mcpz_write_all(creation->target.file, piece.data, piece.length);
}

static mcpz_error take_answer(void *context, struct mcpz_bytes piece, struct mcpz_trouble *trouble)
{
    mcpz_error error = take_piece(context, piece);

    if (error != MCPZ_OK) {
        mcpz_trouble_say(trouble, "cannot write the backup: %s", strerror(errno));
    }
    return error;
}

static enum mcpz_exit create_online(struct creation *creation, uint64_t rate)
{
    char path[64] = "/v1/backup";
    const bool with_key = mcpz_option_is_given(creation->invocation, "with-node-key");
    struct mcpz_client_answer answer = {0};
    const struct mcpz_client_request request = {.method = "GET",
                                                .path = path,
                                                .body_file = MCPZ_CLIENT_NO_FILE,
                                                .answer_file = MCPZ_CLIENT_NO_FILE,
                                                .patience_ms = PATIENCE_MS,
                                                .take = take_answer,
                                                .take_context = creation};

    if (rate != 0) {
        (void)snprintf(path, sizeof(path), "/v1/backup?rate=%" PRIu64 "%s", rate,
                       with_key ? "&node_key=true" : "");
    } else if (with_key) {
        (void)snprintf(path, sizeof(path), "/v1/backup?node_key=true");
    }
    enum mcpz_exit status = mcpz_ask_raw(creation->invocation, &request, &answer);
    mcpz_client_answer_finish(&answer);
    return status;
}

/* Who the node is, as far as its directory says. */
static void read_node(const struct mcpz_invocation *invocation, struct mcpz_id *node)
{
    uint8_t seed[MCPZ_KEY_BYTES];
    struct mcpz_trouble trouble;
    struct mcpz_identity *identity = NULL;

    if (mcpz_key_load(invocation->data, MCPZ_KEY_IDENTITY, seed, &trouble) == MCPZ_OK &&
        mcpz_identity_create(seed, &identity) == MCPZ_OK) {
        *node = *mcpz_identity_id(identity);
    }
    mcpz_wipe(seed, sizeof(seed));
    mcpz_identity_destroy(identity);
}

static enum mcpz_exit create_offline(struct creation *creation)
{
    struct timespec now;
    char trouble[512] = "";
    const struct mcpz_backup_sink sink = {.context = creation, .write = take_piece};
    struct mcpz_backup_head head = {.program = MCPZ_VERSION};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    head.made_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    read_node(creation->invocation, &head.node);
    mcpz_error error = mcpz_backup_directory(
        creation->invocation->data, NULL,
        mcpz_option_is_given(creation->invocation, "with-node-key"), &head, &sink, trouble);
    return error == MCPZ_OK ? MCPZ_EXIT_OK : fail_text(creation->invocation, error, trouble);
}

static enum mcpz_exit create(struct creation *creation, uint64_t rate)
{
    int lock;

    enum mcpz_exit status = mcpz_stores_hold(creation->invocation, &lock);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    mcpz_backup_tap_begin(&creation->tap);
    creation->progress = progress_begin(creation->invocation);
    status = lock < 0 ? create_online(creation, rate) : create_offline(creation);
    progress_end(&creation->progress);
    if (lock >= 0) {
        mcpz_directory_close(lock);
    }
    if (status == MCPZ_EXIT_OK && mcpz_backup_tap_end(&creation->tap) != MCPZ_OK) {
        status = mcpz_fail(creation->invocation, MCPZ_EXIT_FAILED, "internal",
                           "the backup broke off before its end; the node's log says why");
    }
    return status;
}

/* "20M" as bytes. */
static bool read_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "kMG";
    char *end;

    errno = 0;
    *bytes = strtoull(text, &end, 10);
    if (end == text || *text == '-' || errno != 0 || *bytes == 0) {
        return false;
    }
    const char *unit = *end != '\0' ? strchr(units, *end) : NULL;
    if (unit != NULL) {
        for (const char *at = units; at <= unit; at++) {
            *bytes *= 1024;
        }
        end++;
    }
    return *end == '\0' && *bytes < (UINT64_C(1) << 49);
}

/* FILE itself, or a name within it if it is a directory. */
static const char *target_path(const char *given, char *path, size_t capacity)
{
    char name[32];
    struct stat status;
    struct tm parts;
    const time_t now = time(NULL);

    if (strcmp(given, "-") == 0 || stat(given, &status) != 0 || !S_ISDIR(status.st_mode)) {
        return given;
    }
    (void)gmtime_r(&now, &parts);
    (void)strftime(name, sizeof(name), NAME_FORMAT, &parts);
    const size_t length = strlen(given);
    (void)snprintf(path, capacity, "%s%smcpz-%s" MCPZ_SNAPSHOT_SUFFIX, given,
                   length > 0 && given[length - 1] == '/' ? "" : "/", name);
    return path;
}

static enum mcpz_exit run_backup_create(const struct mcpz_invocation *invocation)
{
    static struct creation creation; /* its target's name is long */
    struct mcpz_backup_head head = {.made_ms = 0};
    struct mcpz_data_report report = {.trouble = ""};
    char path[PATH_MAX];
    uint64_t rate = 0;
    const char *said = mcpz_option_value(invocation, "rate");

    creation.invocation = invocation;
    if (said != NULL && !read_size(said, &rate)) {
        return mcpz_fail_usage(invocation, "--rate is bytes a second, as 500k, 20M or 1G, not %s",
                               said);
    }
    if (mcpz_crypto_init() != MCPZ_OK) {
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", "no cryptography here");
    }
    const char *target = target_path(mcpz_argument(invocation, 0), path, sizeof(path));
    enum mcpz_exit status =
        mcpz_target_file_open(invocation, target, "a backup", &creation.target);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    status = create(&creation, rate);
    if (status == MCPZ_EXIT_OK && creation.target.path != NULL) {
        int file = open(creation.target.temporary, O_RDONLY | O_CLOEXEC);
        status = file < 0 ? mcpz_target_file_fail(invocation, target)
                          : verify(invocation, file, target, &head, &report);
        if (file >= 0) {
            (void)close(file);
        }
    }
    status = mcpz_target_file_close(invocation, &creation.target, status);
    if (status == MCPZ_EXIT_OK && creation.target.path != NULL) {
        show_backup(invocation, "made", target, &head, &report);
    }
    return status;
}

/* ---- verify ------------------------------------------------------------------------------- */

static int open_argument(const struct mcpz_invocation *invocation, const char **path)
{
    *path = mcpz_argument(invocation, 0);
    if (strcmp(*path, "-") == 0) {
        *path = "standard input";
        return STDIN_FILENO;
    }
    return open(*path, O_RDONLY | O_CLOEXEC);
}

static enum mcpz_exit run_backup_verify(const struct mcpz_invocation *invocation)
{
    struct mcpz_backup_head head = {.made_ms = 0};
    struct mcpz_data_report report = {.trouble = ""};
    struct mcpz_trouble trouble;
    const char *path;
    uint64_t length;
    int spooled;

    int file = open_argument(invocation, &path);
    if (file < 0) {
        return mcpz_fail_usage(invocation, "cannot open %s: %s", path, strerror(errno));
    }
    if (mcpz_crypto_init() != MCPZ_OK) {
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", "no cryptography here");
    }
    mcpz_error error = mcpz_spool(file, INT64_MAX, &spooled, &length, &trouble);
    if (error != MCPZ_OK) {
        return mcpz_fail_error(invocation, error, &trouble);
    }
    enum mcpz_exit status = verify(invocation, spooled, path, &head, &report);
    if (status == MCPZ_EXIT_OK) {
        show_backup(invocation, "well", path, &head, &report);
    }
    if (spooled != file) {
        (void)close(spooled);
    }
    return status;
}

/* ---- restore ------------------------------------------------------------------------------ */

static enum mcpz_exit run_backup_restore(const struct mcpz_invocation *invocation)
{
    static struct mcpz_restore restore;
    static struct mcpz_key_settings settings;
    struct progress progress = progress_begin(invocation);
    const char *path;

    restore = (struct mcpz_restore){.file = open_argument(invocation, &path),
                                    .directory = invocation->data,
                                    .force = mcpz_option_is_given(invocation, "force"),
                                    .key = &settings.any,
                                    .progress = progress_show,
                                    .context = &progress};
    if (restore.file < 0) {
        return mcpz_fail_usage(invocation, "cannot open %s: %s", path, strerror(errno));
    }
    if (mcpz_crypto_init() != MCPZ_OK) {
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", "no cryptography here");
    }
    enum mcpz_exit status = mcpz_key_settings_read(invocation, &settings);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    mcpz_error error = mcpz_restore_run(&restore);
    mcpz_key_settings_finish(&settings);
    progress_end(&progress);
    mcpz_stores_show_token(&restore.report);
    if (error != MCPZ_OK) {
        return fail_text(invocation, error, restore.trouble);
    }
    show_backup(invocation, "restored", path, &restore.head, &restore.report);
    if (restore.kept[0] != '\0') {
        (void)fprintf(stderr, "mcpz: what was there is in %s/%s now\n", invocation->data,
                      restore.kept);
    }
    return MCPZ_EXIT_OK;
}

/* ---- list --------------------------------------------------------------------------------- */

static mcpz_error add_backup(struct mcpz_table *table, const json_t *backup)
{
    char node[MCPZ_FIELD_BYTES];
    char bytes[MCPZ_FIELD_BYTES];
    const char *const cells[] = {mcpz_show_text(backup, "file"), mcpz_show_text(backup, "made"),
                                 mcpz_json_short_id(backup, "node", node),
                                 mcpz_json_field(backup, "bytes", bytes)};

    return mcpz_table_add(table, cells);
}

static int no_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Files that begin as backups do; others are none. */
static json_t *list_directory(const char *directory)
{
    struct dirent **entries = NULL;
    json_t *array = json_array();
    const int count = scandir(directory, &entries, no_hidden, alphasort);

    for (int i = 0; i < count; i++) {
        char path[PATH_MAX + 256];
        struct mcpz_backup_reader reader;
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
        free(entries[i]);
        int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (file >= 0 && mcpz_backup_open(&reader, file) == MCPZ_OK) {
            (void)json_array_append_new(array, show_head(path, &reader.head));
        }
        if (file >= 0) {
            (void)close(file);
        }
    }
    free(entries);
    return array;
}

static enum mcpz_exit run_backup_list(const struct mcpz_invocation *invocation)
{
    static const char *const headings[] = {"FILE", "MADE", "NODE", "BYTES"};
    static const struct mcpz_listing listing = {
        headings, MCPZ_ARRAY_LEN(headings), add_backup,
        "no backups there; `mcpz backup list DIR` looks elsewhere"};
    char own[PATH_MAX];
    enum mcpz_exit status = MCPZ_EXIT_OK;
    const char *directory = invocation->argument_count > 0 ? mcpz_argument(invocation, 0) : own;

    (void)snprintf(own, sizeof(own), "%s/" MCPZ_SNAPSHOTS_DIRECTORY, invocation->data);
    if (directory != own && access(directory, R_OK) != 0) {
        return mcpz_fail_usage(invocation, "cannot read %s: %s", directory, strerror(errno));
    }
    if (mcpz_crypto_init() != MCPZ_OK) {
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", "no cryptography here");
    }
    json_t *array = list_directory(directory);
    if (invocation->json) {
        mcpz_print_json(array);
    } else {
        status = mcpz_show_listing(&listing, array);
    }
    json_decref(array);
    return status;
}

static const struct mcpz_option backup_create_options[] = {
    {"with-node-key", '\0', NULL, "also the key without which nothing in it can be read"},
    {"rate", '\0', "BYTES", "read so many a second at most: 500k, 20M, 1G (as fast as it goes)"},
};

static const struct mcpz_option backup_restore_options[] = {
    {"force", '\0', NULL, "put away what is in the data directory, in before-restore-N"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_backup_create, "backup create", "FILE|DIR|-", 1, 1,
    "write all that this node keeps to one file, while it runs",
    "Records, blobs and keys as they are at one moment; a node that does not run is copied,\n"
    "too. FILE appears whole and checked, or not at all; in a DIR it is named after the time.\n"
    "Whoever has the file can be this node, but read what it keeps only with the node key, which\n"
    "is not in it: keep DATA/keys/node.key elsewhere. Where a token wraps it (keys.source), it is\n"
    "in it as it was wrapped, and the token is needed, or a copy of its key.\n"
    "\n"
    "Examples:\n"
    "  mcpz backup create /mnt/attic/\n"
    "  mcpz backup create --rate 20M - | zstd | ssh attic 'cat > node.mcpzbackup.zst'\n",
    MCPZ_OPTIONS(backup_create_options)},
{
    run_backup_verify, "backup verify", "FILE|-", 1, 1, "check every byte of a backup",
    "Every digest, every page of its stores, every record, every part of a blob. Needs no\n"
    "node; records are opened if the node key is in MCPZ_NODE_KEY, in --data or in the backup,\n"
    "there also wrapped by the token that keys.token names.\n"
    "Exit status 1 if anything is wrong.\n"
    "\n"
    "Example:\n"
    "  mcpz backup verify node.mcpzbackup\n",
    NULL, 0},
{
    run_backup_restore, "backup restore", "FILE|-", 1, 1,
    "make a data directory of a backup",
    "Into --data, which must be empty and have no node running. All of it is checked before\n"
    "the directory is touched. The node that starts on it is the one that was backed up, but\n"
    "writes as a new writer, so that what others have seen since is not taken for its own.\n"
    "The node key must be in DATA/keys/node.key or MCPZ_NODE_KEY, or in the backup, wrapped by a\n"
    "token. A DATA/keys/ring that is there is used instead of the backup's: so what was shredded\n"
    "since stays shredded.\n"
    "\n"
    "Example:\n"
    "  mcpz backup restore node.mcpzbackup --data /srv/mcpz && mcpz up --data /srv/mcpz\n",
    MCPZ_OPTIONS(backup_restore_options)},
{
    run_backup_list, "backup list", "[DIR]", 0, 1, "list backups",
    "Of DIR, or those that the node made by itself (snapshots.every in mcpz.yaml), which lie\n"
    "in DATA/snapshots. Needs no node. They are not checked: see \"backup verify\".\n"
    "\n"
    "Example:\n"
    "  mcpz backup list /mnt/attic\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_backup_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
