/*
 * Blobs, and the keys that tenants' data is kept under (blob/blob_worker.h).
 *
 *   POST   /v1/blobs                    begin an upload: {"upload": ID}
 *   POST   /v1/blobs/uploads/ID         a part: ?offset=N, at most 1 MiB; {"received": N}
 *   POST   /v1/blobs/uploads/ID/finish  -> the blob, which is on the disk.
 *                                       ?ack=quorum&timeout_ms=N: once so many have it
 *                                       (blob_keeper.h); ?ref=brief: an agent is to name it
 *   DELETE /v1/blobs/uploads/ID         forget it
 *   GET    /v1/blobs                    those of the mesh, or of this node (blob_list.h)
 *   GET    /v1/blobs/ID                 what is known of one, and who has it; ?check=true: what is
 *                                       here is read through first (blob_copies.h)
 *   GET    /v1/blobs/ID/data            bytes of it: ?offset=N&length=N, at most 1 MiB
 *   DELETE /v1/blobs/ID                 whoever put it does not need it any more; ?ref=brief: an
 *                                       agent names it by now
 *   GET    /v1/keys                     which tenants have one, and where the node key is
 *   POST   /v1/keys/rotate              wrap all with a new node key
 *   DELETE /v1/keys/TENANT              shred: what the tenant has kept can never be read
 *
 * ?tenant=NAME names the tenant ("default"). Parts and pieces are no larger than what a body keeps
 * in memory: nothing of them comes to lie in a temporary file.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob/blob_job.h"
#include "blob/keyring.h"
#include "host/config.h"
#include "http/agent_owners.h"
#include "http/blob_copies.h"
#include "http/blob_fetch.h"
#include "http/blob_list.h"
#include "http/blob_places.h"
#include "http/blob_serve.h"
#include "http/exchange.h"
#include "http/forward.h"

#define BLOBS_PREFIX "/v1/blobs/"
#define UPLOADS_PREFIX "/v1/blobs/uploads/"
#define KEYS_PREFIX "/v1/keys/"
#define TENANT_DEFAULT "default"

static_assert(MCPZ_BLOB_PART_BYTES_MAX <= MCPZ_BODY_MEMORY_MAX, "parts stay in memory");

/* ---- Asking the thread ---------------------------------------------------------------------- */

/* A job, and who waits for it: freed when it is done and nobody does. */
struct asking {
    struct mcpz_blob_job job;
    struct mcpz_exchange *exchange; /* NULL: it is gone */
    struct mcpz_api *api;
    bool is_done;
    void (*answer)(struct mcpz_exchange *exchange, struct mcpz_blob_job *job);
    const char *what; /* it does, for people */
    enum mcpz_ack_level ack;
    uint32_t ack_timeout_ms;
    bool only_here;                /* LIST */
    bool checks;                   /* STAT */
    const char *ref;               /* static: what it is put for */
    struct mcpz_blob_place *place; /* copies are waited for; NULL: not */
    uint64_t progress;             /* of theirs */
};

static void release(struct asking *asking)
{
    mcpz_blob_job_finish(&asking->job);
    free(asking);
}

static void on_done(struct mcpz_blob_job *job)
{
    struct asking *asking = job->owner;

    if (job->ask == MCPZ_BLOB_SHRED && job->error == MCPZ_OK) {
        const struct mcpz_api_ports *ports = &asking->api->ports;
        mcpz_engine_shred(ports->enter(ports->context), mcpz_text(job->tenant), job->at_ms);
        mcpz_shred_book_changed(&asking->api->shreds);
    }
    asking->is_done = true;
    if (asking->exchange == NULL) {
        release(asking);
    } else {
        mcpz_exchange_again(asking->exchange);
    }
}

/* ---- Copies that are waited for ------------------------------------------------------------- */

static void wait_on(struct mcpz_exchange *exchange, const struct asking *asking)
{
    exchange->deadline_us =
        mcpz_api_now(exchange->api) + MCPZ_MS((mcpz_time)asking->ack_timeout_ms);
}

/* Have as many a copy as were asked for? The time runs anew while they are being made. */
static void look_at_copies(struct mcpz_exchange *exchange, struct asking *asking)
{
    struct mcpz_ack_wait wait = asking->place->wait;

    wait.level = asking->ack;
    if (asking->place->is_over || mcpz_ack_wait_is_over(&wait)) {
        json_t *json = mcpz_blob_list_show(&asking->job.id, &asking->job.row);
        (void)json_object_set_new(json, "copies", json_integer(mcpz_ack_wait_reached(&wait)));
        mcpz_exchange_answer(exchange, 201, json);
    } else if (asking->place->progress > asking->progress) {
        asking->progress = asking->place->progress;
        wait_on(exchange, asking);
    }
}

static void expire(struct mcpz_exchange *exchange)
{
    const struct asking *asking = exchange->state;
    char id[MCPZ_ID_TEXT_BYTES];

    if (asking->place == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TIMEOUT,
                           "%s is not done in time: look again whether it happened before you "
                           "repeat it",
                           asking->what);
        return;
    }
    struct mcpz_ack_wait wait = asking->place->wait;
    wait.level = asking->ack;
    mcpz_id_to_text(&asking->job.id, 'b', id);
    mcpz_exchange_fail(
        exchange, MCPZ_CODE_TIMEOUT,
        "it is here as %s, and %u of the %u nodes that were to have it on disk have "
        "said so in time: the others get it later",
        id, mcpz_ack_wait_reached(&wait), mcpz_ack_wait_wanted(&wait));
}

/* ---- Working -------------------------------------------------------------------------------- */

static void work(struct mcpz_exchange *exchange)
{
    struct asking *asking = exchange->state;
    struct mcpz_blob_job *job = &asking->job;

    if (!asking->is_done) {
        return;
    }
    if (asking->place != NULL) {
        look_at_copies(exchange, asking);
        return;
    }
    if (job->error == MCPZ_OK) {
        asking->answer(exchange, job);
    } else if (job->error == MCPZ_ECONFLICT && job->ask == MCPZ_BLOB_ADD) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT,
                           "the part begins beyond what has come: go on at offset %llu",
                           (unsigned long long)job->offset);
    } else {
        mcpz_exchange_fail_error(exchange, job->error,
                                 job->text[0] != '\0' ? job->text : asking->what);
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    struct asking *asking = exchange->state;

    asking->exchange = NULL;
    if (asking->place != NULL) {
        mcpz_blob_place_leave(asking->place, exchange);
    }
    if (asking->is_done) {
        release(asking);
    }
}

static const struct mcpz_exchange_kind kind = {.work = work, .expire = expire, .finish = finish};

/* What a request says beside its path. */
struct said {
    uint64_t offset;
    uint64_t length;
    struct mcpz_id after;
    enum mcpz_ack_level ack;
    uint32_t ack_timeout_ms;
    bool here;
    bool check;
    const char *ref;
};

/* NULL: it is none that can be named. */
static const char *ref_called(struct mcpz_bytes word)
{
    return mcpz_bytes_equal(word, mcpz_text(MCPZ_BLOB_REF_PUT))     ? MCPZ_BLOB_REF_PUT
           : mcpz_bytes_equal(word, mcpz_text(MCPZ_BLOB_REF_BRIEF)) ? MCPZ_BLOB_REF_BRIEF
                                                                    : NULL;
}

static bool read_bool(struct mcpz_bytes value, bool *said)
{
    *said = mcpz_bytes_equal(value, mcpz_text("true"));
    return *said || mcpz_bytes_equal(value, mcpz_text("false"));
}

static bool read_number(struct mcpz_bytes value, uint64_t *number)
{
    char text[24];
    char *end = NULL;

    if (value.length == 0 || value.length >= sizeof(text)) {
        return false;
    }
    mcpz_bytes_to_text(value, text, sizeof(text));
    errno = 0;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && text[0] >= '0' && text[0] <= '9' && errno == 0;
}

/* False: it was answered with what is wrong. */
static bool read_query(struct mcpz_exchange *exchange, struct mcpz_bytes query,
                       struct mcpz_blob_job *job, struct said *said)
{
    struct mcpz_bytes name;
    struct mcpz_bytes value;

    while (mcpz_exchange_parameter(&query, &name, &value)) {
        bool is_fine = false;
        if (mcpz_bytes_equal(name, mcpz_text("tenant"))) {
            is_fine = value.length > 0 && value.length <= MCPZ_TENANT_BYTES_MAX;
            mcpz_bytes_to_text(value, job->tenant, sizeof(job->tenant));
        } else if (mcpz_bytes_equal(name, mcpz_text("offset"))) {
            is_fine = read_number(value, &said->offset);
        } else if (mcpz_bytes_equal(name, mcpz_text("length"))) {
            is_fine =
                read_number(value, &said->length) && said->length <= MCPZ_BLOB_PART_BYTES_MAX;
        } else if (mcpz_bytes_equal(name, mcpz_text("after"))) {
            is_fine = mcpz_id_from_text(value, 'b', &said->after) == MCPZ_OK;
        } else if (mcpz_bytes_equal(name, mcpz_text("ack"))) {
            is_fine = mcpz_ack_level_read(value, &said->ack);
        } else if (mcpz_bytes_equal(name, mcpz_text("timeout_ms"))) {
            is_fine = mcpz_ack_timeout_read(value, &said->ack_timeout_ms);
        } else if (mcpz_bytes_equal(name, mcpz_text("here"))) {
            is_fine = read_bool(value, &said->here);
        } else if (mcpz_bytes_equal(name, mcpz_text("check"))) {
            is_fine = read_bool(value, &said->check);
        } else if (mcpz_bytes_equal(name, mcpz_text("ref"))) {
            said->ref = ref_called(value);
            is_fine = said->ref != NULL;
        }
        if (!is_fine) {
            mcpz_exchange_fail(
                exchange, MCPZ_CODE_BAD_REQUEST,
                "\"%.*s\" is no parameter here, or not such a value: tenant, "
                "offset, length (at most %d), after, here, check, ack, timeout_ms, ref",
                (int)(name.length < 64 ? name.length : 64), (const char *)name.data,
                MCPZ_BLOB_PART_BYTES_MAX);
            return false;
        }
    }
    return mcpz_exchange_may_name(exchange, job->tenant);
}

/* Begin to ask; NULL: it was answered. */
static struct asking *begin(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                            enum mcpz_blob_ask ask, const char *what)
{
    const struct mcpz_api_ports *ports = &exchange->api->ports;
    struct said said = {.length = MCPZ_BLOB_PART_BYTES_MAX,
                        .ack = MCPZ_ACK_ASYNC,
                        .ack_timeout_ms = MCPZ_ACK_TIMEOUT_MS,
                        .ref = MCPZ_BLOB_REF_PUT};

    if (ports->blobs == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "this node keeps no blobs");
        return NULL;
    }
    struct asking *asking = calloc(1, sizeof(*asking));
    if (asking == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, what);
        return NULL;
    }
    if (!read_query(exchange, request->query, &asking->job, &said)) {
        free(asking);
        return NULL;
    }
    if (asking->job.tenant[0] == '\0') {
        (void)snprintf(asking->job.tenant, sizeof(asking->job.tenant), "%s",
                       exchange->tenant[0] != '\0' ? exchange->tenant : TENANT_DEFAULT);
    }
    asking->job.ask = ask;
    asking->job.now_ms = ports->wall_ms(ports->context);
    asking->job.offset = said.offset;
    asking->job.length = (size_t)said.length;
    asking->job.id = said.after;
    asking->ack = said.ack;
    asking->ack_timeout_ms = said.ack_timeout_ms;
    asking->only_here = said.here;
    asking->checks = said.check;
    asking->ref = said.ref;
    asking->job.done = on_done;
    asking->job.owner = asking;
    asking->what = what;
    return asking;
}

/* Hand it over, and have `answer` called when it is done and went well. */
static void submit(struct mcpz_exchange *exchange, struct asking *asking,
                   void (*answer)(struct mcpz_exchange *exchange, struct mcpz_blob_job *job))
{
    const struct mcpz_blob_port *port = exchange->api->ports.blobs;

    asking->answer = answer;
    asking->exchange = exchange;
    asking->api = exchange->api;
    if (!port->submit(port->context, &asking->job)) {
        asking->exchange = NULL;
        release(asking);
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY,
                           "too much is being done with blobs at once: try again");
        return;
    }
    mcpz_exchange_wait(exchange, &kind, asking);
}

/* ---- Answers -------------------------------------------------------------------------------- */

static void answer_begun(struct mcpz_exchange *exchange, struct mcpz_blob_job *job)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)job->upload);
    mcpz_exchange_answer(
        exchange, 201,
        json_pack("{s:s, s:i}", "upload", text, "part_bytes_max", MCPZ_BLOB_PART_BYTES_MAX));
}

static void answer_received(struct mcpz_exchange *exchange, struct mcpz_blob_job *job)
{
    mcpz_exchange_answer(exchange, 200, json_pack("{s:I}", "received", (json_int_t)job->offset));
}

/* It is here. Others are to have it: wait for them, or not. */
static void answer_finished(struct mcpz_exchange *exchange, struct mcpz_blob_job *job)
{
    struct asking *asking = exchange->state;
    struct mcpz_blob_about about = {.root = job->id,
                                    .size = job->row.size,
                                    .chunks = job->row.chunks,
                                    .made_ms = job->row.made_ms};

    memcpy(about.tenant, job->tenant, sizeof(about.tenant));
    struct mcpz_blob_place *place = mcpz_blob_keeper_place(exchange->api, &about, asking->ref);
    if (asking->ack == MCPZ_ACK_ASYNC) {
        mcpz_exchange_answer(exchange, 201, mcpz_blob_list_show(&job->id, &job->row));
    } else if (place == NULL || !mcpz_blob_place_join(place, exchange)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY,
                           "it is here, and gets its copies later: too many blobs are being "
                           "copied to wait for this one");
    } else {
        asking->place = place;
        wait_on(exchange, asking);
        look_at_copies(exchange, asking);
    }
}

static void answer_aborted(struct mcpz_exchange *exchange, struct mcpz_blob_job *job)
{
    (void)job;
    mcpz_exchange_answer(exchange, 200, json_pack("{s:b}", "forgotten", 1));
}

static void answer_data(struct mcpz_exchange *exchange, struct mcpz_blob_job *job)
{
    mcpz_body_append(&exchange->response.body, mcpz_bytes(job->bytes, job->length));
    mcpz_exchange_send(exchange, 200, "application/octet-stream");
}

static json_t *show_node_key(const struct mcpz_blob_job *job)
{
    return mcpz_exchange_show_hex(mcpz_bytes(job->node_key_id, sizeof(job->node_key_id)));
}

/* Add where the node key is, by the words of keys.source, and with a token, which key wraps it. */
static void show_whereabouts(const struct mcpz_key_whereabouts *at, json_t *json)
{
    static const char *const words[] = {
        [MCPZ_KEY_IN_FILE] = MCPZ_KEYS_FILE,
        [MCPZ_KEY_IN_ENVIRONMENT] = MCPZ_KEYS_ENVIRONMENT,
        [MCPZ_KEY_IN_TOKEN] = MCPZ_KEYS_PKCS11,
    };

    (void)json_object_set_new(json, "source", json_string(words[at->place]));
    if (at->place == MCPZ_KEY_IN_TOKEN) {
        (void)json_object_set_new(
            json, "token",
            json_pack("{s:o, s:o, s:o}", "label",
                      mcpz_exchange_show_text(mcpz_text(at->token.token)), "serial",
                      mcpz_exchange_show_text(mcpz_text(at->token.serial)), "object",
                      mcpz_exchange_show_text(mcpz_text(at->token.object))));
    }
}

static void answer_keys(struct mcpz_exchange *exchange, struct mcpz_blob_job *job)
{
    struct mcpz_keyring *keyring = exchange->api->ports.keyring;
    struct mcpz_keyring_end end;
    json_t *tenants = json_array();
    json_t *shredded = json_array();

    for (size_t i = 0; keyring != NULL && mcpz_keyring_end(keyring, i, &end); i++) {
        (void)json_array_append_new(
            shredded, json_pack("{s:o, s:o}", "tenant",
                                mcpz_exchange_show_text(mcpz_bytes(end.tenant, end.tenant_length)),
                                "until", mcpz_exchange_show_time(end.at_ms)));
    }
    for (size_t i = 0; i < job->name_count; i++) {
        const char *name = job->names + i * (MCPZ_TENANT_BYTES_MAX + 1);
        (void)json_array_append_new(tenants, mcpz_exchange_show_text(mcpz_text(name)));
    }
    json_t *json = json_pack("{s:o, s:o, s:o}", "node_key", show_node_key(job), "tenants", tenants,
                             "shredded", shredded);
    show_whereabouts(&job->node_key_at, json);
    mcpz_exchange_answer(exchange, 200, json);
}

static void answer_rotated(struct mcpz_exchange *exchange, struct mcpz_blob_job *job)
{
    mcpz_exchange_answer(exchange, 200, json_pack("{s:o}", "node_key", show_node_key(job)));
}

static void answer_shredded(struct mcpz_exchange *exchange, struct mcpz_blob_job *job)
{
    mcpz_exchange_answer(exchange, 200, json_pack("{s:s}", "shredded", job->tenant));
}

/* ---- Routes --------------------------------------------------------------------------------- */

/* Take `end` off the path's. */
static bool ends_with(struct mcpz_bytes *rest, const char *end)
{
    const size_t length = strlen(end);

    if (rest->length <= length || memcmp(rest->data + rest->length - length, end, length) != 0) {
        return false;
    }
    rest->length -= length;
    return true;
}

/* NULL: answered. */
static struct asking *begin_blob(struct mcpz_exchange *exchange,
                                 const struct mcpz_request *request, struct mcpz_bytes name,
                                 enum mcpz_blob_ask ask, const char *what)
{
    struct mcpz_id id;

    if (mcpz_id_from_text(name, 'b', &id) != MCPZ_OK) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "a blob is named \"b-\" and 52 letters and digits");
        return NULL;
    }
    struct asking *asking = begin(exchange, request, ask, what);
    if (asking != NULL) {
        asking->job.id = id;
    }
    return asking;
}

static struct asking *begin_upload(struct mcpz_exchange *exchange,
                                   const struct mcpz_request *request, struct mcpz_bytes name,
                                   enum mcpz_blob_ask ask, const char *what)
{
    char text[17];
    char *end = NULL;

    mcpz_bytes_to_text(name, text, sizeof(text));
    const uint64_t upload = strtoull(text, &end, 16);
    if (name.length != 16 || *end != '\0') {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "there is no such upload");
        return NULL;
    }
    struct asking *asking = begin(exchange, request, ask, what);
    if (asking != NULL) {
        asking->job.upload = upload;
    }
    return asking;
}

/* What takes no body has none. False: it was answered. */
static bool has_no_body(struct mcpz_exchange *exchange)
{
    static const char *const nothing[] = {NULL};
    json_t *object = mcpz_exchange_object(exchange, nothing);

    json_decref(object);
    return object != NULL;
}

void mcpz_api_get_blobs(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct asking *asking = begin(exchange, request, MCPZ_BLOB_LIST, "listing the blobs");

    if (asking != NULL) {
        mcpz_blob_list(exchange, asking->job.tenant, &asking->job.id, asking->only_here);
        release(asking);
    }
}

void mcpz_api_post_blobs(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    if (!has_no_body(exchange)) {
        return;
    }
    struct asking *asking = begin(exchange, request, MCPZ_BLOB_BEGIN, "beginning the upload");
    if (asking != NULL) {
        submit(exchange, asking, answer_begun);
    }
}

static void post_part(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                      struct mcpz_bytes name)
{
    struct asking *asking =
        begin_upload(exchange, request, name, MCPZ_BLOB_ADD, "adding to the upload");

    if (asking == NULL) {
        return;
    }
    const size_t length = (size_t)exchange->input.length;
    asking->job.length = 0;
    asking->job.bytes = malloc(length > 0 ? length : 1);
    if (asking->job.bytes == NULL ||
        mcpz_body_read_all(&exchange->input, 0, asking->job.bytes, length) != MCPZ_OK) {
        release(asking);
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "taking the part");
        return;
    }
    asking->job.length = length;
    submit(exchange, asking, answer_received);
}

void mcpz_api_post_upload(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_bytes name = mcpz_exchange_path_rest(request->path, UPLOADS_PREFIX);

    if (!ends_with(&name, "/finish")) {
        post_part(exchange, request, name);
        return;
    }
    if (!has_no_body(exchange)) {
        return;
    }
    struct asking *asking =
        begin_upload(exchange, request, name, MCPZ_BLOB_FINISH, "finishing the upload");
    if (asking != NULL) {
        asking->job.holder = mcpz_blob_places_holder(asking->ref);
        submit(exchange, asking, answer_finished);
    }
}

void mcpz_api_delete_upload(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct asking *asking =
        begin_upload(exchange, request, mcpz_exchange_path_rest(request->path, UPLOADS_PREFIX),
                     MCPZ_BLOB_ABORT, "there is no such upload");

    if (asking != NULL) {
        submit(exchange, asking, answer_aborted);
    }
}

/* What is said of one blob. */
struct named {
    struct mcpz_blob_fetch fetch;
    const char *ref;
    bool checks;
};

/* Read what the path and the query name; false: answered. `offset` and `length` of a READ. */
static bool read_blob(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                      struct mcpz_bytes name, struct named *named)
{
    struct asking *asking =
        begin_blob(exchange, request, name, MCPZ_BLOB_READ, "reading the blob");

    if (asking == NULL) {
        return false;
    }
    *named = (struct named){.fetch = {.root = asking->job.id,
                                      .offset = asking->job.offset,
                                      .length = asking->job.length,
                                      .answer = answer_data},
                            .ref = asking->ref,
                            .checks = asking->checks};
    memcpy(named->fetch.tenant, asking->job.tenant, sizeof(named->fetch.tenant));
    release(asking);
    return true;
}

void mcpz_api_get_blob(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_bytes name = mcpz_exchange_path_rest(request->path, BLOBS_PREFIX);
    const bool is_data = ends_with(&name, "/data");
    struct named named;

    if (!read_blob(exchange, request, name, &named)) {
        return;
    }
    if (is_data) {
        mcpz_blob_fetch(exchange, &named.fetch);
    } else {
        mcpz_blob_copies(exchange, &named.fetch.root, named.fetch.tenant, named.checks);
    }
}

void mcpz_api_delete_blob(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct named named;

    if (read_blob(exchange, request, mcpz_exchange_path_rest(request->path, BLOBS_PREFIX),
                  &named)) {
        mcpz_blob_forget(exchange, &named.fetch.root, named.fetch.tenant, named.ref);
    }
}

void mcpz_api_get_keys(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct asking *asking = begin(exchange, request, MCPZ_BLOB_KEYS, "listing the keys");

    if (asking != NULL) {
        submit(exchange, asking, answer_keys);
    }
}

void mcpz_api_rotate_keys(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    if (!has_no_body(exchange)) {
        return;
    }
    struct asking *asking = begin(exchange, request, MCPZ_BLOB_ROTATE, "changing the node key");
    if (asking != NULL) {
        submit(exchange, asking, answer_rotated);
    }
}

void mcpz_api_delete_key(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_bytes tenant = mcpz_exchange_path_rest(request->path, KEYS_PREFIX);

    if (tenant.length > MCPZ_TENANT_BYTES_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "no tenant has such a name");
        return;
    }
    struct asking *asking = begin(exchange, request, MCPZ_BLOB_SHRED, "shredding the key");
    if (asking != NULL) {
        const uint64_t stamped_ms =
            mcpz_hlc_to_ms(mcpz_engine_node(mcpz_exchange_engine(exchange))->agents.hlc);
        if (asking->job.now_ms < stamped_ms) {
            asking->job.now_ms =
                stamped_ms; /* what was written by a clock ahead of ours goes too */
        }
        mcpz_bytes_to_text(tenant, asking->job.tenant, sizeof(asking->job.tenant));
        submit(exchange, asking, answer_shredded);
    }
}
