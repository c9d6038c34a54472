#include "embed/repair.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/identity.h"
#include "embed/keys.h"
#include "http/snapshot.h"
#include "store/directory.h"
#include "wire/codec.h"

#define PATH_BYTES 4352
#define PLACE_PREFIX "store-damaged-"
#define PLACES_MAX 1000
#define UNMERGED "unmerged"

static const char *inside(const char *data, const char *name, char *path)
{
    (void)snprintf(path, PATH_BYTES, "%s/%s", data, name);
    return path;
}

static mcpz_error fail(struct mcpz_trouble *trouble, const char *what, const char *path)
{
    const int number = errno;

    mcpz_trouble_say(trouble, "cannot %s %s: %s", what, path, strerror(number));
    return mcpz_directory_error(number);
}

/* ---- Setting aside ------------------------------------------------------------------------ */

static mcpz_error read_id(const char *data, struct mcpz_id *self, struct mcpz_trouble *trouble)
{
    uint8_t seed[MCPZ_KEY_BYTES];
    struct mcpz_identity *identity = NULL;

    mcpz_error error = mcpz_crypto_init();
    if (error == MCPZ_OK) {
        error = mcpz_key_load(data, MCPZ_KEY_IDENTITY, seed, trouble);
    }
    if (error == MCPZ_OK) {
        error = mcpz_identity_create(seed, &identity);
    }
    if (error == MCPZ_OK) {
        *self = *mcpz_identity_id(identity);
    }
    mcpz_identity_destroy(identity);
    mcpz_wipe(seed, sizeof(seed));
    return error;
}

/* Is it to be done? Without an answer to who we are it would be another node. */
static mcpz_error judge(const char *data, const struct mcpz_salvaged *salvaged, bool force,
                        struct mcpz_trouble *trouble)
{
    char path[PATH_BYTES];

    if (!salvaged->has_self && access(inside(data, MCPZ_KEY_MESH, path), F_OK) != 0) {
        mcpz_trouble_say(trouble,
                         "what says in which mesh it is cannot be read any more: restore it from "
                         "a backup, or join the mesh anew with another data directory");
        return MCPZ_EUNSUPPORTED;
    }
    if (salvaged->peers == 0 && !force) {
        mcpz_trouble_say(trouble,
                         "no other node is known that could fill what is missing: restore it from "
                         "a backup, or save what can be saved with `mcpz store repair --data %s`",
                         data);
        return MCPZ_EUNSUPPORTED;
    }
    return MCPZ_OK;
}

static void remove_store(const char *path)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "mcpz.lock", "mcpz.stamp",
                                        "mcpz.reserve"};
    char file[PATH_BYTES + 16];

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(names); i++) {
        (void)snprintf(file, sizeof(file), "%s/%s", path, names[i]);
        (void)unlink(file);
    }
    (void)rmdir(path);
}

static mcpz_error put_note(const char *store, struct mcpz_trouble *trouble)
{
    char path[PATH_BYTES + 16];

    (void)snprintf(path, sizeof(path), "%s/" UNMERGED, store);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return fail(trouble, "write", path);
    }
    (void)close(file);
    return MCPZ_OK;
}

/* The first name that is free. */
static mcpz_error set_aside(const char *data, const char *store, char *place,
                            struct mcpz_trouble *trouble)
{
    char path[PATH_BYTES];

    for (unsigned i = 1; i <= PLACES_MAX; i++) {
        (void)snprintf(place, MCPZ_REPAIR_PLACE_BYTES, PLACE_PREFIX "%u", i);
        if (access(inside(data, place, path), F_OK) != 0) {
            return rename(store, path) == 0 ? MCPZ_OK : fail(trouble, "set aside", store);
        }
    }
    errno = EEXIST;
    return fail(trouble, "set aside", store);
}

static mcpz_error exchange(const char *data, const char *fresh, struct mcpz_repair *repair,
                           struct mcpz_trouble *trouble)
{
    char store[PATH_BYTES];

    (void)inside(data, "store", store);
    mcpz_error error = put_note(store, trouble);
    if (error == MCPZ_OK) {
        error = set_aside(data, store, repair->place, trouble);
    }
    if (error == MCPZ_OK && rename(fresh, store) != 0) {
        error = fail(trouble, "put into place", fresh);
    }
    if (error == MCPZ_OK && mcpz_directory_sync(data) != MCPZ_OK) {
        error = fail(trouble, "sync", data);
    }
    return error;
}

static mcpz_error open_keyring(const char *data, const struct mcpz_key_source *key,
                               struct mcpz_keyring **keyring, struct mcpz_trouble *trouble)
{
    char path[PATH_BYTES];
    struct mcpz_key_trouble why = {.text = ""};
    const struct mcpz_keyring_config config = {.directory = inside(data, "keys", path),
                                               .key = *key};

    mcpz_error error = mcpz_keyring_open(&config, keyring, &why);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(trouble, "%s", why.text[0] != '\0' ? why.text : mcpz_strerror(error));
    }
    return error;
}

mcpz_error mcpz_repair_store(const char *data, const struct mcpz_key_source *key, bool force,
                             struct mcpz_repair *repair, struct mcpz_trouble *trouble)
{
    char store[PATH_BYTES];
    char fresh[PATH_BYTES];
    struct mcpz_salvage_as as = {.keyring = NULL};
    struct mcpz_lmdb_trouble why = {.text = ""};
    int lock;

    *repair = (struct mcpz_repair){.place = ""};
    mcpz_error error = read_id(data, &as.self, trouble);
    if (error != MCPZ_OK) {
        return error;
    }
    error = mcpz_directory_open(inside(data, "store", store), &lock, &why);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(trouble, "%s", why.text);
        return error;
    }
    error = open_keyring(data, key, &as.keyring, trouble);
    if (error != MCPZ_OK) {
        mcpz_directory_close(lock);
        return error;
    }
    remove_store(inside(data, "store-new", fresh)); /* of a repair that was interrupted */
    error = mcpz_salvage_store(store, fresh, &as, &repair->salvaged, &why);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(trouble, "%s", why.text);
    } else {
        error = judge(data, &repair->salvaged, force, trouble);
    }
    if (error == MCPZ_OK) {
        error = exchange(data, fresh, repair, trouble);
    } else {
        remove_store(fresh);
    }
    mcpz_keyring_close(as.keyring);
    mcpz_directory_close(lock);
    return error;
}

/* ---- Merging ------------------------------------------------------------------------------ */

struct gathering {
    struct mcpz_engine *engine;
    struct mcpz_snapshot_writer writer;
    uint8_t message[MCPZ_SNAPSHOT_ITEM_BYTES_MAX];
};

static mcpz_error add(struct gathering *gathering, const struct mcpz_msg *msg)
{
    size_t length = 0;

    mcpz_error error =
        mcpz_msg_encode(msg, gathering->message, sizeof(gathering->message), &length);
    if (error == MCPZ_OK) {
        mcpz_snapshot_add(&gathering->writer, mcpz_bytes(gathering->message, length));
        error = gathering->writer.body->error;
    }
    return error;
}

/* As http/agent_export.h has it, but for the last deltas below: they are among the deltas. */
static mcpz_error add_base(void *context, const struct mcpz_record_floor *floor,
                           struct mcpz_bytes base)
{
    const struct mcpz_msg agreed = {
        .kind = MCPZ_MSG_AGREED,
        .agreed = {.document = floor->document,
                   .agreed = floor->agreed,
                   .byte_count = floor->byte_count},
    };
    struct mcpz_msg piece = {
        .kind = MCPZ_MSG_BASE,
        .base = {.document = floor->document, .root = floor->agreed.root, .is_answer = true},
    };

    mcpz_error error = add(context, &agreed);
    for (size_t at = 0; at < base.length && error == MCPZ_OK; at += MCPZ_BASE_PIECE_BYTES) {
        const size_t left = base.length - at;
        piece.base.bytes = mcpz_bytes(base.data + at,
                                      left < MCPZ_BASE_PIECE_BYTES ? left : MCPZ_BASE_PIECE_BYTES);
        error = add(context, &piece);
        piece.base.index++;
    }
    piece.base.bytes = mcpz_bytes(NULL, 0);
    for (size_t i = 0; i < floor->agreed.version_count && error == MCPZ_OK; i++) {
        error = add(context, &piece);
        piece.base.index++;
    }
    return error;
}

/* One whose signature is lost is nobody's: other nodes may have it. */
static mcpz_error add_delta(void *context, const struct mcpz_record *record)
{
    struct gathering *gathering = context;
    size_t length = 0;

    if (mcpz_engine_prove(gathering->engine, &record->delta.delta, gathering->message,
                          sizeof(gathering->message), &length) == MCPZ_OK) {
        mcpz_snapshot_add(&gathering->writer, mcpz_bytes(gathering->message, length));
    }
    return gathering->writer.body->error;
}

/* A store that was set aside and has its note still. */
static bool find_place(const char *data, char *place)
{
    const struct dirent *entry;
    bool is_found = false;
    DIR *opened = opendir(data);

    while (opened != NULL && !is_found && (entry = readdir(opened)) != NULL) {
        char path[PATH_BYTES];
        char name[MCPZ_REPAIR_PLACE_BYTES + 16];
        if (strncmp(entry->d_name, PLACE_PREFIX, sizeof(PLACE_PREFIX) - 1) == 0 &&
            strlen(entry->d_name) < MCPZ_REPAIR_PLACE_BYTES) {
            (void)snprintf(place, MCPZ_REPAIR_PLACE_BYTES, "%s", entry->d_name);
            (void)snprintf(name, sizeof(name), "%s/" UNMERGED, place);
            is_found = access(inside(data, name, path), F_OK) == 0;
        }
    }
    if (opened != NULL) {
        (void)closedir(opened);
    }
    return is_found;
}

mcpz_error mcpz_repair_unmerged(const char *data, struct mcpz_keyring *keyring,
                                struct mcpz_engine *engine, struct mcpz_body *body, char *place)
{
    char path[PATH_BYTES];
    struct gathering *gathering;

    if (!find_place(data, place)) {
        return MCPZ_ENOTFOUND;
    }
    gathering = malloc(sizeof(*gathering));
    if (gathering == NULL) {
        return MCPZ_ENOMEM;
    }
    gathering->engine = engine;
    mcpz_snapshot_begin(&gathering->writer, body);
    const struct mcpz_salvage_visitor visitor = {
        .context = gathering, .base = add_base, .delta = add_delta};
    mcpz_error error = mcpz_salvage_agents(inside(data, place, path), data, keyring, &visitor);
    mcpz_snapshot_end(&gathering->writer);
    error = error == MCPZ_OK ? body->error : error;
    free(gathering);
    return error == MCPZ_ENOTFOUND ? MCPZ_EIO : error;
}

void mcpz_repair_merged(const char *data, const char *place)
{
    char path[PATH_BYTES];
    char name[MCPZ_REPAIR_PLACE_BYTES + 16];

    (void)snprintf(name, sizeof(name), "%s/" UNMERGED, place);
    (void)unlink(inside(data, name, path));
}
