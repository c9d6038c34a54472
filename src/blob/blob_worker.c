#include "blob/blob_worker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "blob/blob_keys.h"
#include "blob/blob_room.h"
#include "blob/keyring.h"
#include "crypto/identity.h"

#define PATH_BYTES_MAX 4096

struct upload {
    uint64_t id; /* 0: free */
    struct mcpz_blob_writer *writer;
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    uint64_t used_ms;
};

struct mcpz_blob_worker {
    char directory[PATH_BYTES_MAX];
    char *node_key;
    char *node_key_old;
    struct mcpz_keyring *keyring; /* NULL: not open */
    bool is_lent;                 /* it is another's to close */
    struct mcpz_blobs *blobs;
    struct upload uploads[MCPZ_BLOB_UPLOADS_MAX];
    uint64_t scrub_ms; /* when chunks are to be read through again */
    uint64_t tidy_ms;  /* when room that is lost is looked for again */
    uint64_t grace_ms; /* 0: as it is */
    uint64_t room_bytes;
};

void mcpz_blob_job_finish(struct mcpz_blob_job *job)
{
    if (job->bytes != NULL) {
        explicit_bzero(job->bytes, job->length);
    }
    free(job->bytes);
    free(job->rows);
    free(job->names);
    job->bytes = NULL;
    job->rows = NULL;
    job->names = NULL;
}

/* ---- Its life ------------------------------------------------------------------------------- */

static char *copy_of(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : strdup(text);
}

mcpz_error mcpz_blob_worker_create(const struct mcpz_blob_worker_config *config,
                                   struct mcpz_blob_worker **worker)
{
    struct mcpz_blob_worker *made = calloc(1, sizeof(*made));

    *worker = NULL;
    if (made == NULL || strlen(config->directory) >= sizeof(made->directory)) {
        free(made);
        return MCPZ_ENOMEM;
    }
    memcpy(made->directory, config->directory, strlen(config->directory) + 1);
    made->keyring = config->keyring;
    made->grace_ms = config->grace_ms;
    made->room_bytes = config->room_bytes;
    made->is_lent = config->keyring != NULL;
    made->node_key = copy_of(config->node_key);
    made->node_key_old = copy_of(config->node_key_old);
    *worker = made;
    return MCPZ_OK;
}

static void end_upload(struct upload *upload)
{
    mcpz_blob_writer_abort(upload->writer);
    *upload = (struct upload){0};
}

static void wipe_text(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
    }
    free(text);
}

void mcpz_blob_worker_destroy(struct mcpz_blob_worker *worker)
{
    if (worker == NULL) {
        return;
    }
    for (size_t i = 0; i < MCPZ_BLOB_UPLOADS_MAX; i++) {
        if (worker->uploads[i].id != 0) {
            end_upload(&worker->uploads[i]);
        }
    }
    mcpz_blobs_close(worker->blobs);
    if (!worker->is_lent) {
        mcpz_keyring_close(worker->keyring);
    }
    wipe_text(worker->node_key);
    wipe_text(worker->node_key_old);
    free(worker);
}

static mcpz_error open_keyring(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    char path[PATH_BYTES_MAX + 8];
    struct mcpz_key_trouble trouble;

    if (worker->keyring != NULL) {
        return MCPZ_OK;
    }
    (void)snprintf(path, sizeof(path), "%s/keys", worker->directory);
    const struct mcpz_keyring_config config = {
        .directory = path, .key = {.text = worker->node_key, .text_old = worker->node_key_old}};
    mcpz_error error = mcpz_keyring_open(&config, &worker->keyring, &trouble);
    if (error != MCPZ_OK) {
        (void)snprintf(job->text, sizeof(job->text), "%s", trouble.text);
    }
    return error;
}

static mcpz_error open_blobs(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    char path[PATH_BYTES_MAX + 8];
    struct mcpz_lmdb_trouble trouble;

    if (worker->blobs != NULL) {
        return MCPZ_OK;
    }
    (void)snprintf(path, sizeof(path), "%s/blobs", worker->directory);
    mcpz_error error = mcpz_blobs_open(path, &worker->blobs, &trouble);
    if (error != MCPZ_OK) {
        (void)snprintf(job->text, sizeof(job->text), "%s", trouble.text);
    } else if (worker->grace_ms != 0) {
        mcpz_blobs_set_grace(worker->blobs, worker->grace_ms);
    }
    return error;
}

/* ---- Uploads -------------------------------------------------------------------------------- */

/* A free place; one that was left alone for too long makes room. */
static struct upload *free_upload(struct mcpz_blob_worker *worker, uint64_t now_ms)
{
    for (size_t i = 0; i < MCPZ_BLOB_UPLOADS_MAX; i++) {
        struct upload *upload = &worker->uploads[i];
        if (upload->id != 0 && now_ms > upload->used_ms + MCPZ_BLOB_UPLOAD_IDLE_MS) {
            end_upload(upload);
        }
        if (upload->id == 0) {
            return upload;
        }
    }
    return NULL;
}

static struct upload *find_upload(struct mcpz_blob_worker *worker, const struct mcpz_blob_job *job)
{
    for (size_t i = 0; i < MCPZ_BLOB_UPLOADS_MAX; i++) {
        struct upload *upload = &worker->uploads[i];
        if (upload->id != 0 && upload->id == job->upload &&
            strcmp(upload->tenant, job->tenant) == 0) {
            upload->used_ms = job->now_ms;
            return upload;
        }
    }
    return NULL;
}

static mcpz_error do_begin(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    const struct mcpz_tenant_key *key = NULL;
    const struct mcpz_bytes tenant = mcpz_text(job->tenant);

    struct upload *upload = free_upload(worker, job->now_ms);
    if (upload == NULL) {
        return MCPZ_EFULL;
    }
    mcpz_error error = mcpz_keyring_obtain(worker->keyring, tenant, &key);
    if (error == MCPZ_OK) {
        error = mcpz_blobs_begin(worker->blobs, tenant, key, &upload->writer);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    while (upload->id == 0) {
        mcpz_random(&upload->id, sizeof(upload->id));
    }
    memcpy(upload->tenant, job->tenant, sizeof(upload->tenant));
    upload->used_ms = job->now_ms;
    job->upload = upload->id;
    return MCPZ_OK;
}

/* A part that came before is fine, also if it goes on where we are; a gap is not. */
static mcpz_error do_add(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    struct upload *upload = find_upload(worker, job);

    if (upload == NULL) {
        return MCPZ_ENOTFOUND;
    }
    const uint64_t here = mcpz_blob_writer_length(upload->writer);
    if (job->offset > here) {
        job->offset = here;
        return MCPZ_ECONFLICT;
    }
    const uint64_t known = here - job->offset;
    if (known < job->length) {
        mcpz_error error = mcpz_blob_writer_add(
            upload->writer, mcpz_bytes(job->bytes + known, job->length - (size_t)known));
        if (error != MCPZ_OK) {
            end_upload(upload);
            return error;
        }
    }
    job->offset = mcpz_blob_writer_length(upload->writer);
    return MCPZ_OK;
}

static struct mcpz_bytes holder_of(const struct mcpz_blob_job *job)
{
    return mcpz_text(job->holder != NULL ? job->holder : MCPZ_BLOB_HOLDER);
}

static mcpz_error do_finish(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    struct upload *upload = find_upload(worker, job);

    if (upload == NULL) {
        return MCPZ_ENOTFOUND;
    }
    struct mcpz_blob_writer *writer = upload->writer;
    *upload = (struct upload){0};
    mcpz_error error = mcpz_blob_writer_finish(writer, holder_of(job), job->now_ms, &job->id);
    return error == MCPZ_OK ? mcpz_blobs_stat(worker->blobs, &job->id, &job->row) : error;
}

static mcpz_error do_abort(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    struct upload *upload = find_upload(worker, job);

    if (upload == NULL) {
        return MCPZ_ENOTFOUND;
    }
    end_upload(upload);
    return MCPZ_OK;
}

/* ---- Blobs ---------------------------------------------------------------------------------- */

/* Another tenant's is not there. */
static mcpz_error do_stat(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    mcpz_error error = mcpz_blobs_stat(worker->blobs, &job->id, &job->row);
    return error == MCPZ_OK && !mcpz_blob_row_is_of(&job->row, job->tenant) ? MCPZ_ENOTFOUND
                                                                            : error;
}

static bool is_shredded(struct mcpz_blob_worker *worker, const struct mcpz_blob_job *job)
{
    return mcpz_keyring_end_of(worker->keyring, mcpz_text(job->tenant)) != 0;
}

static const struct mcpz_tenant_key *find_key(struct mcpz_blob_worker *worker,
                                              struct mcpz_blob_job *job)
{
    const struct mcpz_tenant_key *key = mcpz_keyring_find(worker->keyring, mcpz_text(job->tenant));

    if (key == NULL) {
        (void)snprintf(job->text, sizeof(job->text),
                       is_shredded(worker, job)
                           ? "the key of tenant %s was shredded: what it kept cannot be read"
                           : "tenant %s has no key here, and so no blobs",
                       job->tenant);
    }
    return key;
}

/* A blob of the tenant, or one that is not here and may be. */
static mcpz_error do_read(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    struct mcpz_blob_piece piece = {
        .offset = job->offset, .capacity = job->length, .lack = &job->lack};

    mcpz_error error = mcpz_blobs_stat(worker->blobs, &job->id, &job->row);
    if (error == MCPZ_OK && !mcpz_blob_row_is_of(&job->row, job->tenant)) {
        return MCPZ_ENOTFOUND;
    }
    const struct mcpz_tenant_key *key = find_key(worker, job);
    if (key == NULL) {
        return is_shredded(worker, job) ? MCPZ_ENOTFOUND : MCPZ_EAUTH;
    }
    assert(job->bytes == NULL && job->length <= MCPZ_BLOB_PART_BYTES_MAX);
    job->length = 0;
    job->bytes = malloc(piece.capacity > 0 ? piece.capacity : 1);
    if (job->bytes == NULL) {
        return MCPZ_ENOMEM;
    }
    piece.buffer = job->bytes;
    do {
        error = mcpz_blobs_read(worker->blobs, key, &job->id, &piece);
        key = mcpz_keyring_next(worker->keyring, mcpz_text(job->tenant), key);
    } while (error == MCPZ_EAUTH && key != NULL); /* sealed with one that is not used any more */
    job->length = error == MCPZ_OK ? piece.length : 0;
    return error == MCPZ_EAUTH ? MCPZ_ECORRUPT : error; /* it is of that tenant: it was changed */
}

static struct mcpz_blob_state state_of(struct mcpz_blob_worker *worker, const struct mcpz_id *id)
{
    return (struct mcpz_blob_state){
        .is_whole = mcpz_blobs_is_whole(worker->blobs, id),
        .is_put = mcpz_blobs_holds(worker->blobs, id, mcpz_text(MCPZ_BLOB_HOLDER)),
        .is_brief = mcpz_blobs_holds(worker->blobs, id, mcpz_text(MCPZ_BLOB_BRIEF_HOLDER)),
        .is_copy = mcpz_blobs_holds(worker->blobs, id, mcpz_text(MCPZ_BLOB_COPY_HOLDER))};
}

/* For people: of the tenant they mean, and all of it here to stay. */
static bool is_listed(const struct mcpz_blob_listed *listed, const char *tenant)
{
    const struct mcpz_blob_state *state = &listed->state;

    return tenant[0] == '\0' || (mcpz_blob_row_is_of(&listed->row, tenant) && state->is_whole &&
                                 mcpz_blob_is_held(state));
}

static mcpz_error do_list(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    struct mcpz_id at = job->id;
    mcpz_error error = MCPZ_OK;

    job->rows = calloc(MCPZ_BLOB_LIST_MAX, sizeof(*job->rows));
    if (job->rows == NULL) {
        return MCPZ_ENOMEM;
    }
    while (error == MCPZ_OK && job->row_count < MCPZ_BLOB_LIST_MAX) {
        struct mcpz_blob_listed *listed = &job->rows[job->row_count];
        error = mcpz_blobs_next(worker->blobs, &at, &at);
        if (error == MCPZ_OK) {
            listed->id = at;
            listed->state = state_of(worker, &at);
            error = mcpz_blobs_stat(worker->blobs, &at, &listed->row);
        }
        if (error == MCPZ_OK && is_listed(listed, job->tenant)) {
            job->row_count++;
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

static mcpz_error do_release(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    mcpz_error error = do_stat(worker, job);
    return error == MCPZ_OK
               ? mcpz_blobs_release(worker->blobs, &job->id, holder_of(job), job->now_ms)
               : error;
}

/* What is not here has no row, and nobody holds it. */
static mcpz_error look_at_rows(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < job->row_count && error == MCPZ_OK; i++) {
        struct mcpz_blob_listed *listed = &job->rows[i];
        error = mcpz_blobs_stat(worker->blobs, &listed->id, &listed->row);
        listed->state = state_of(worker, &listed->id);
        error = error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
    }
    return error;
}

static mcpz_error do_look(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    if (job->rows != NULL) {
        return look_at_rows(worker, job);
    }
    mcpz_error error = mcpz_blobs_stat(worker->blobs, &job->id, &job->row);

    job->state = state_of(worker, &job->id);
    return error;
}

/* ---- Copies --------------------------------------------------------------------------------- */

static bool is_asked_for(const struct mcpz_blob_lack *lack, const struct mcpz_id *id)
{
    for (size_t i = 0; i < lack->count; i++) {
        if (mcpz_id_equal(&lack->ids[i], id)) {
            return true;
        }
    }
    return false;
}

static mcpz_error give(struct mcpz_blob_worker *worker, const struct mcpz_blob_job *job,
                       const struct mcpz_chunk_letter *letter)
{
    const struct mcpz_bytes tenant = mcpz_text(job->tenant);
    const struct mcpz_tenant_key *key = mcpz_keyring_find(worker->keyring, tenant);
    mcpz_error error = MCPZ_EAUTH;

    while (error == MCPZ_EAUTH && key != NULL) {
        error = mcpz_blobs_give(worker->blobs, key, letter, job->ask == MCPZ_BLOB_LEND);
        key = mcpz_keyring_next(worker->keyring, tenant, key);
    }
    return error;
}

/* Take in the chunks that have come, as far as they were asked for; `*taken` is how many. */
static mcpz_error give_all(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job,
                           size_t *taken)
{
    struct mcpz_bytes rest = mcpz_bytes(job->bytes, job->bytes != NULL ? job->length : 0);
    struct mcpz_chunk_letter letter;
    mcpz_error error = MCPZ_OK;

    *taken = 0;
    while (error == MCPZ_OK && mcpz_chunk_letter_next(&rest, &letter) == MCPZ_OK) {
        if (is_asked_for(&job->lack, &letter.id)) {
            error = give(worker, job, &letter);
            *taken += error == MCPZ_OK ? 1 : 0;
        }
        if (error == MCPZ_EAUTH || error == MCPZ_EPROTO || error == MCPZ_ECORRUPT) {
            error = MCPZ_OK; /* not that chunk: it is as if it had not come */
        }
    }
    return error;
}

static mcpz_error do_lend(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    size_t taken = 0;

    mcpz_error error = give_all(worker, job, &taken);
    free(job->bytes);
    job->bytes = NULL;
    job->length = taken;
    return error;
}

/* How far is it? What lacks is added to the job's, as far as there is room. */
static mcpz_error look_on(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job,
                          struct mcpz_blob_taking *taking)
{
    const struct mcpz_tenant_key *key = find_key(worker, job);
    struct mcpz_blob_lack lack = {.count = 0};
    mcpz_error error = key == NULL ? MCPZ_EAUTH : MCPZ_OK;

    while (key != NULL) {
        error = mcpz_blobs_look(worker->blobs, key, &taking->id, &taking->offset, &lack);
        key = error == MCPZ_EAUTH ? mcpz_keyring_next(worker->keyring, mcpz_text(job->tenant), key)
                                  : NULL;
    }
    for (size_t i = 0; i < lack.count && job->lack.count < MCPZ_BLOB_LACK_MAX; i++) {
        if (!is_asked_for(&job->lack, &lack.ids[i])) {
            job->lack.ids[job->lack.count++] = lack.ids[i];
        }
    }
    if (error == MCPZ_ENOTFOUND && lack.count == 0) {
        return MCPZ_ECORRUPT; /* of a list that names what is none */
    }
    return error;
}

/* Copies of what others have too may not take what agents' writes need. */
static mcpz_error check_room(const struct mcpz_blob_worker *worker)
{
    struct statvfs disk;

    return worker->room_bytes > 0 && statvfs(worker->directory, &disk) == 0 &&
                   (uint64_t)disk.f_bavail * disk.f_frsize < worker->room_bytes
               ? MCPZ_ENOSPACE
               : MCPZ_OK;
}

static mcpz_error expect_all(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < job->taking_count && error == MCPZ_OK; i++) {
        struct mcpz_blob_taking *taking = &job->takings[i];
        taking->row.tenant_length = strlen(job->tenant);
        memcpy(taking->row.tenant, job->tenant, taking->row.tenant_length);
        error = mcpz_blobs_expect(worker->blobs, &taking->id, &taking->row, holder_of(job));
    }
    return error;
}

/* Look how far one is, which may have come to its end. */
static mcpz_error go_on_with(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job,
                             struct mcpz_blob_taking *taking)
{
    mcpz_error error = look_on(worker, job, taking);

    if (error == MCPZ_OK) {
        error = mcpz_blobs_complete(worker->blobs, &taking->id);
        taking->is_whole = error == MCPZ_OK;
        return error;
    }
    if (error == MCPZ_ECORRUPT) {
        taking->error = error; /* others may be well */
        return MCPZ_OK;
    }
    /* There may be more to be looked at, or asked for. */
    return error == MCPZ_EFULL || error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* `job->length` is then how many chunks were new. */
static mcpz_error do_take(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    size_t taken = 0;
    mcpz_error error = MCPZ_OK;

    assert(job->taking_count > 0 && job->taking_count <= MCPZ_BLOB_TAKE_MAX);
    if (job->bytes == NULL) { /* the beginning */
        error = expect_all(worker, job);
    } else {
        error = check_room(worker);
        if (error == MCPZ_OK) {
            error = give_all(worker, job, &taken);
        }
    }
    free(job->bytes);
    job->bytes = NULL;
    job->length = taken;
    job->lack.count = 0;
    for (size_t i = 0; i < job->taking_count && error == MCPZ_OK; i++) {
        struct mcpz_blob_taking *taking = &job->takings[i];
        if (!taking->is_whole && taking->error == MCPZ_OK) {
            error = go_on_with(worker, job, taking);
        }
    }
    return error;
}

static mcpz_error do_show(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    const size_t room = MCPZ_BLOB_SHOW_BYTES_MAX;

    job->bytes = malloc(room);
    job->length = 0;
    if (job->bytes == NULL) {
        return MCPZ_ENOMEM;
    }
    for (size_t i = 0; i < job->lack.count; i++) {
        struct mcpz_chunk_letter letter;
        const mcpz_error error = mcpz_blobs_show(worker->blobs, &job->lack.ids[i], &letter);
        if (error == MCPZ_OK &&
            MCPZ_CHUNK_LETTER_HEAD_BYTES + letter.stored.length > room - job->length) {
            break;
        }
        if (error == MCPZ_OK) {
            job->length += mcpz_chunk_letter_write(&letter, job->bytes + job->length);
        } else if (error != MCPZ_ENOTFOUND) {
            return error;
        }
    }
    return MCPZ_OK;
}

/* What is being written with the key ends first. */
static mcpz_error do_shred(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    if (mcpz_blob_keys_are_ours(mcpz_text(job->tenant))) {
        (void)snprintf(job->text, sizeof(job->text),
                       "%s is the node's own: it could not start without its key", job->tenant);
        return MCPZ_EUNSUPPORTED;
    }
    for (size_t i = 0; i < MCPZ_BLOB_UPLOADS_MAX; i++) {
        if (worker->uploads[i].id != 0 && strcmp(worker->uploads[i].tenant, job->tenant) == 0) {
            end_upload(&worker->uploads[i]);
        }
    }
    mcpz_error error =
        mcpz_keyring_shred(worker->keyring, mcpz_text(job->tenant), job->at_ms, job->now_ms);
    if (error != MCPZ_OK) {
        return error;
    }
    job->at_ms = mcpz_keyring_end_of(worker->keyring, mcpz_text(job->tenant));
    return mcpz_blob_keys_release_lost(worker->keyring, worker->blobs, job);
}

/* ---- Jobs ----------------------------------------------------------------------------------- */

static mcpz_error do_job(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    switch (job->ask) {
    case MCPZ_BLOB_BEGIN:
        return do_begin(worker, job);
    case MCPZ_BLOB_ADD:
        return do_add(worker, job);
    case MCPZ_BLOB_FINISH:
        return do_finish(worker, job);
    case MCPZ_BLOB_ABORT:
        return do_abort(worker, job);
    case MCPZ_BLOB_STAT:
        return do_stat(worker, job);
    case MCPZ_BLOB_READ:
        return do_read(worker, job);
    case MCPZ_BLOB_LIST:
        return do_list(worker, job);
    case MCPZ_BLOB_RELEASE:
        return do_release(worker, job);
    case MCPZ_BLOB_KEYS:
        return mcpz_blob_keys_list(worker->keyring, job);
    case MCPZ_BLOB_ROTATE:
        return mcpz_blob_keys_rotate(worker->keyring, job);
    case MCPZ_BLOB_SHRED:
        return do_shred(worker, job);
    case MCPZ_BLOB_SHOW_KEYS:
        return mcpz_blob_keys_show(worker->keyring, job);
    case MCPZ_BLOB_ADOPT_KEYS:
        return mcpz_keyring_adopt(worker->keyring, mcpz_bytes(job->bytes, job->length));
    case MCPZ_BLOB_PIN:
        return mcpz_blobs_pin(worker->blobs, &job->pin);
    case MCPZ_BLOB_LOOK:
        return do_look(worker, job);
    case MCPZ_BLOB_HOLD:
        return mcpz_blobs_hold(worker->blobs, &job->id, holder_of(job));
    case MCPZ_BLOB_DROP:
        return mcpz_blob_drop(worker->blobs, &job->id, holder_of(job), job->now_ms);
    case MCPZ_BLOB_KEEP:
        return mcpz_blobs_hold_as(worker->blobs, &job->id, holder_of(job),
                                  mcpz_text(MCPZ_BLOB_COPY_HOLDER));
    case MCPZ_BLOB_TAKE:
        return do_take(worker, job);
    case MCPZ_BLOB_LEND:
        return do_lend(worker, job);
    case MCPZ_BLOB_SHOW:
        return do_show(worker, job);
    case MCPZ_BLOB_ERRAND:
        break; /* which needs neither blobs nor keys */
    }
    assert(false);
    return MCPZ_EPROTO;
}

static void work(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    job->error = open_keyring(worker, job);
    if (job->error == MCPZ_OK) {
        job->error = open_blobs(worker, job);
    }
    if (job->error == MCPZ_OK) {
        mcpz_blobs_put_off(worker->blobs);
        job->error = do_job(worker, job);
    }
}

bool mcpz_blob_worker_begin(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    if (job->ask == MCPZ_BLOB_ERRAND) {
        job->run(job);
    } else {
        work(worker, job);
    }
    return worker->blobs != NULL && mcpz_blobs_is_due(worker->blobs);
}

mcpz_error mcpz_blob_worker_settle(struct mcpz_blob_worker *worker)
{
    return worker->blobs != NULL ? mcpz_blobs_settle(worker->blobs) : MCPZ_OK;
}

void mcpz_blob_worker_fail(struct mcpz_blob_job *job, mcpz_error error)
{
    if (error != MCPZ_OK && job->error == MCPZ_OK && job->ask != MCPZ_BLOB_READ &&
        job->ask != MCPZ_BLOB_SHOW && job->ask != MCPZ_BLOB_ERRAND) {
        job->error = error;
    }
}

void mcpz_blob_worker_do(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job)
{
    (void)mcpz_blob_worker_begin(worker, job);
    mcpz_blob_worker_fail(job, mcpz_blob_worker_settle(worker));
}

bool mcpz_blob_worker_totals(struct mcpz_blob_worker *worker, struct mcpz_blob_totals *totals)
{
    return worker->blobs != NULL && mcpz_blobs_totals(worker->blobs, totals) == MCPZ_OK;
}

static bool is_writing(struct mcpz_blob_worker *worker, uint64_t now_ms)
{
    size_t live = 0;

    (void)free_upload(worker, now_ms);
    for (size_t i = 0; i < MCPZ_BLOB_UPLOADS_MAX; i++) {
        live += worker->uploads[i].id != 0 ? 1 : 0;
    }
    return live > 0;
}

/* Look for room that is lost, now and then. True: there is more to be looked at. */
static bool tidy(struct mcpz_blob_worker *worker, uint64_t now_ms)
{
    if (now_ms < worker->tidy_ms || !mcpz_blobs_are_untidy(worker->blobs)) {
        return false;
    }
    if (mcpz_blobs_tidy(worker->blobs, MCPZ_BLOB_TIDY_CHUNKS)) {
        return true;
    }
    worker->tidy_ms = now_ms + (worker->grace_ms != 0 ? worker->grace_ms : MCPZ_BLOB_GRACE_MS);
    return false;
}

bool mcpz_blob_worker_clear(struct mcpz_blob_worker *worker, uint64_t now_ms)
{
    size_t removed = 0;
    bool more = false;

    if (worker->blobs == NULL || is_writing(worker, now_ms) ||
        mcpz_blobs_collect(worker->blobs, now_ms, MCPZ_COLLECT_MAX, &removed, &more) != MCPZ_OK) {
        return false;
    }
    return more || tidy(worker, now_ms);
}

bool mcpz_blob_worker_idle(struct mcpz_blob_worker *worker, uint64_t now_ms)
{
    if (worker->blobs == NULL) {
        return false;
    }
    /* What goes wrong here goes wrong again when somebody asks, who is told. */
    if (is_writing(worker, now_ms)) {
        if (mcpz_blobs_rest(worker->blobs) != MCPZ_OK) {
            /* Its writer is told. */
        }
        return false;
    }
    mcpz_blobs_forget_lent(worker->blobs);
    if (mcpz_blob_worker_clear(worker, now_ms)) {
        return true;
    }
    if (now_ms >= worker->scrub_ms && !mcpz_blobs_scrub(worker->blobs, MCPZ_BLOB_SCRUB_BYTES)) {
        worker->scrub_ms = now_ms + MCPZ_BLOB_SCRUB_MS;
    }
    return false;
}
