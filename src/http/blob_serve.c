#include "http/blob_serve.h"

#include <stdlib.h>
#include <string.h>

#include "blob/blob_job.h"
#include "blob/manifest.h"
#include "http/agent_owners.h"
#include "http/blob_places.h"
#include "http/blob_refs.h"
#include "http/blob_review.h"
#include "http/blob_stray.h"
#include "http/exchange.h"
#include "http/forward.h"

#define FORGET_MS 10000

/* A question, and the job that is done for it. */
struct serving {
    struct mcpz_reply_note note; /* of what is written into the book: first */
    struct mcpz_blob_job job;
    struct mcpz_exchange *exchange; /* NULL: it is gone */
    struct mcpz_api *api;
    bool is_asked;
    bool is_done;
    struct mcpz_blob_about about;
    struct mcpz_id from;
    char ref[MCPZ_BLOB_REF_BYTES_MAX + 1]; /* "": none */
    bool writes;
    bool is_said;
    void (*answer)(struct mcpz_exchange *exchange, struct serving *serving);
};

static void release(struct serving *serving)
{
    mcpz_blob_job_finish(&serving->job);
    free(serving);
}

static void on_done(struct mcpz_blob_job *job)
{
    struct serving *serving = job->owner;

    serving->is_done = true;
    if (job->ask == MCPZ_BLOB_HOLD) {
        mcpz_blob_on_held(serving->api, job);
    }
    if (serving->exchange == NULL) {
        release(serving);
    } else {
        mcpz_exchange_again(serving->exchange);
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    struct serving *serving = exchange->state;

    serving->exchange = NULL;
    if (!serving->is_asked || serving->is_done) {
        release(serving);
    }
}

static void work(struct mcpz_exchange *exchange)
{
    struct serving *serving = exchange->state;

    if (exchange->request != 0) {
        if (mcpz_exchange_has_reply(exchange)) {
            mcpz_exchange_answer(exchange, 200, json_pack("{s:b}", "written", 1));
        }
    } else if (serving->is_done && serving->job.error != MCPZ_OK &&
               serving->job.error != MCPZ_ENOTFOUND) {
        mcpz_exchange_fail_error(exchange, serving->job.error, "looking for the blob");
    } else if (serving->is_done) {
        serving->answer(exchange, serving);
    }
}

static const struct mcpz_exchange_kind kind = {
    .note = mcpz_exchange_note_reply, .work = work, .finish = finish};

/* NULL: it was answered. */
static struct serving *begin(struct mcpz_exchange *exchange, enum mcpz_blob_ask ask)
{
    struct serving *serving = calloc(1, sizeof(*serving));

    if (serving == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "looking for the blob");
        return NULL;
    }
    serving->exchange = exchange;
    serving->api = exchange->api;
    serving->job = (struct mcpz_blob_job){.ask = ask,
                                          .now_ms = mcpz_api_wall_ms(exchange->api),
                                          .holder = MCPZ_BLOB_COPY_HOLDER,
                                          .done = on_done,
                                          .owner = serving};
    return serving;
}

/* Have the job done. `serving` is the exchange's from here on. */
static void submit(struct mcpz_exchange *exchange, struct serving *serving)
{
    const struct mcpz_blob_port *port = exchange->api->ports.blobs;

    if (exchange->kind == NULL) {
        mcpz_exchange_wait(exchange, &kind, serving);
    }
    serving->is_done = false;
    serving->is_asked = port != NULL && port->submit(port->context, &serving->job);
    if (!serving->is_asked) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY, "too much is being done with blobs at once");
    }
}

/* ---- chunks --------------------------------------------------------------------------------- */

static void answer_chunks(struct mcpz_exchange *exchange, struct serving *serving)
{
    struct mcpz_blob_counts *counts = &exchange->api->blobs.counts;

    counts->chunks_served += serving->job.length > 0 ? 1 : 0;
    counts->bytes_served += serving->job.length;
    mcpz_body_append(&exchange->response.body,
                     mcpz_bytes(serving->job.bytes, serving->job.length));
    mcpz_exchange_send(exchange, 200, "application/octet-stream");
}

static bool read_chunks(const json_t *list, struct mcpz_blob_lack *lack)
{
    const size_t count = json_array_size(list);

    for (lack->count = 0; lack->count < count && lack->count < MCPZ_BLOB_LACK_MAX; lack->count++) {
        const json_t *text = json_array_get(list, lack->count);
        if (!json_is_string(text) || mcpz_id_from_text(mcpz_exchange_text_of(text), 'c',
                                                       &lack->ids[lack->count]) != MCPZ_OK) {
            return false;
        }
    }
    return count > 0 && lack->count == count;
}

static void serve_chunks(struct mcpz_exchange *exchange, const json_t *object)
{
    struct serving *serving = begin(exchange, MCPZ_BLOB_SHOW);

    if (serving == NULL) {
        return;
    }
    if (!read_chunks(json_object_get(object, "chunks"), &serving->job.lack)) {
        release(serving);
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "\"chunks\" are 1 to %d names",
                           MCPZ_BLOB_LACK_MAX);
        return;
    }
    serving->answer = answer_chunks;
    submit(exchange, serving);
}

/* ---- stat ----------------------------------------------------------------------------------- */

static void answer_stat(struct mcpz_exchange *exchange, struct serving *serving)
{
    const struct mcpz_blob_job *job = &serving->job;

    mcpz_exchange_answer(
        exchange, 200,
        json_pack(
            "{s:b, s:b, s:s, s:o, s:I, s:I, s:I, s:I}", "whole",
            job->error == MCPZ_OK && job->state.is_whole, "held", mcpz_blob_is_held(&job->state),
            "needed", mcpz_blob_stray_word(exchange, &job->id, &job->state), "tenant",
            mcpz_exchange_show_text(mcpz_bytes(job->row.tenant, job->row.tenant_length)), "size",
            (json_int_t)job->row.size, "chunks", (json_int_t)job->row.chunks, "stored_bytes",
            (json_int_t)job->row.stored, "made_ms", (json_int_t)job->row.made_ms));
}

/* False: answered. */
static bool read_query(struct mcpz_exchange *exchange, struct mcpz_bytes query,
                       struct mcpz_id *root)
{
    struct mcpz_bytes name;
    struct mcpz_bytes value;

    if (!mcpz_exchange_parameter(&query, &name, &value) ||
        !mcpz_bytes_equal(name, mcpz_text("blob")) ||
        mcpz_id_from_text(value, 'b', root) != MCPZ_OK) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "which blob?");
        return false;
    }
    return true;
}

static void serve_alias(struct mcpz_exchange *exchange, struct mcpz_bytes query)
{
    struct mcpz_id root;

    if (!read_query(exchange, query, &root)) {
        return;
    }
    if (!mcpz_blob_book_resolve(mcpz_engine_store(mcpz_exchange_engine(exchange)), &root)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "it stands for itself, if it is one");
        return;
    }
    mcpz_exchange_answer(exchange, 200,
                         json_pack("{s:o}", "stands_for", mcpz_exchange_show_id(&root, 'b')));
}

static void serve_stat(struct mcpz_exchange *exchange, struct mcpz_bytes query)
{
    struct mcpz_id root;

    if (!read_query(exchange, query, &root)) {
        return;
    }
    struct serving *serving = begin(exchange, MCPZ_BLOB_LOOK);
    if (serving != NULL) {
        serving->job.id = root;
        serving->answer = answer_stat;
        submit(exchange, serving);
    }
}

/* ---- keep ----------------------------------------------------------------------------------- */

json_t *mcpz_blob_show_keep(const struct mcpz_blob_keep *keep)
{
    const struct mcpz_blob_about *about = &keep->about;
    json_t *said =
        json_pack("{s:o, s:s, s:I, s:I, s:I, s:o}", "blob",
                  mcpz_exchange_show_id(&about->root, 'b'), "tenant", about->tenant, "size",
                  (json_int_t)about->size, "chunks", (json_int_t)about->chunks, "made_ms",
                  (json_int_t)about->made_ms, "from", mcpz_exchange_show_id(&keep->from, 'n'));

    if (keep->ref != NULL) {
        (void)json_object_set_new(said, "ref", json_string(keep->ref));
        (void)json_object_set_new(said, "write", json_boolean(keep->writes));
        (void)json_object_set_new(said, "said", json_boolean(keep->is_said));
    }
    return said;
}

static bool read_number(const json_t *object, const char *key, uint64_t *number)
{
    const json_t *said = json_object_get(object, key);

    *number = (uint64_t)json_integer_value(said);
    return json_is_integer(said) && json_integer_value(said) >= 0;
}

static bool read_id(const json_t *object, const char *key, char prefix, struct mcpz_id *id)
{
    const json_t *said = json_object_get(object, key);

    return json_is_string(said) &&
           mcpz_id_from_text(mcpz_exchange_text_of(said), prefix, id) == MCPZ_OK;
}

/* Absent: "". */
static bool read_ref(const json_t *object, char *ref)
{
    const json_t *said = json_object_get(object, "ref");

    ref[0] = '\0';
    if (said == NULL) {
        return true;
    }
    if (!json_is_string(said) || json_string_length(said) == 0 ||
        json_string_length(said) > MCPZ_BLOB_REF_BYTES_MAX) {
        return false;
    }
    memcpy(ref, json_string_value(said), json_string_length(said) + 1);
    return true;
}

static bool read_keep(const json_t *object, struct serving *serving)
{
    struct mcpz_blob_about *about = &serving->about;
    const json_t *tenant = json_object_get(object, "tenant");

    if (!json_is_string(tenant) || json_string_length(tenant) == 0 ||
        json_string_length(tenant) > MCPZ_TENANT_BYTES_MAX) {
        return false;
    }
    memcpy(about->tenant, json_string_value(tenant), json_string_length(tenant) + 1);
    serving->writes = json_is_true(json_object_get(object, "write"));
    serving->is_said = json_is_true(json_object_get(object, "said"));
    return read_id(object, "blob", 'b', &about->root) &&
           read_id(object, "from", 'n', &serving->from) &&
           read_number(object, "size", &about->size) && about->size <= MCPZ_BLOB_BYTES_MAX &&
           read_number(object, "chunks", &about->chunks) &&
           read_number(object, "made_ms", &about->made_ms) && read_ref(object, serving->ref);
}

/* It is whole, and held: is it written down who needs it, or is that to be done here? */
static void note_ref(struct mcpz_exchange *exchange, struct serving *serving)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);

    if (serving->ref[0] == '\0' ||
        mcpz_blob_book_has(mcpz_engine_store(engine), &serving->about.root, serving->ref)) {
        mcpz_exchange_answer(exchange, 200, json_pack("{s:b}", "whole", 1));
        return;
    }
    if (!serving->writes) {
        mcpz_exchange_answer(exchange, 202, json_pack("{s:b}", "whole", 1)); /* it is on its way */
        return;
    }
    exchange->request = mcpz_engine_next_request(engine);
    mcpz_error error =
        mcpz_blob_book_add(engine, &serving->about, serving->ref, exchange->request);
    if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "writing down who needs the blob");
    }
}

static void answer_keep(struct mcpz_exchange *exchange, struct serving *serving)
{
    struct mcpz_blob_job *job = &serving->job;
    const bool is_here = job->error == MCPZ_OK;
    const bool is_held = job->ask == MCPZ_BLOB_HOLD || job->state.is_copy;

    if (is_here && job->state.is_whole && is_held) {
        note_ref(exchange, serving);
    } else if (is_here && job->state.is_whole) {
        job->ask = MCPZ_BLOB_HOLD;
        submit(exchange, serving);
    } else {
        uint64_t offset = 0;
        mcpz_blob_keeper_want(&exchange->api->blobs, &serving->about, &serving->from, &offset);
        mcpz_exchange_answer(exchange, 202,
                             json_pack("{s:b, s:I}", "whole", 0, "offset", (json_int_t)offset));
    }
}

/* Is it written here that nobody needs it, or that whoever did does not any more? */
static bool is_not_needed(struct mcpz_exchange *exchange, const struct serving *serving)
{
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    const struct mcpz_id *root = &serving->about.root;
    struct mcpz_blob_entry entry;
    struct mcpz_id document;

    mcpz_blob_book_id(root, &document);
    if ((serving->ref[0] != '\0' && !serving->is_said) ||
        mcpz_blob_book_read(store, &document, &entry) != MCPZ_OK) {
        return false;
    }
    return serving->ref[0] == '\0' ? entry.ref_count == 0
                                   : !mcpz_blob_book_has(store, root, serving->ref);
}

static void serve_keep(struct mcpz_exchange *exchange, const json_t *object)
{
    struct serving *serving = begin(exchange, MCPZ_BLOB_LOOK);

    if (serving == NULL) {
        return;
    }
    if (!read_keep(object, serving)) {
        release(serving);
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "that is no blob to be kept");
        return;
    }
    if (is_not_needed(exchange, serving)) {
        release(serving);
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "nobody needs this blob any more");
        return;
    }
    if (serving->ref[0] != '\0') {
        mcpz_blob_stray_claimed(exchange->api, &serving->about.root);
    }
    serving->job.id = serving->about.root;
    serving->answer = answer_keep;
    submit(exchange, serving);
}

/* ---- forget --------------------------------------------------------------------------------- */

static bool is_of_tenant(const struct mcpz_store *store, const struct mcpz_id *root,
                         const char *tenant)
{
    struct mcpz_blob_entry entry;
    struct mcpz_id document;

    mcpz_blob_book_id(root, &document);
    return mcpz_blob_book_read(store, &document, &entry) == MCPZ_OK &&
           strcmp(entry.about.tenant, tenant) == 0;
}

static void forget_here(struct mcpz_exchange *exchange, const struct mcpz_id *root,
                        const char *tenant, const char *ref)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    const struct mcpz_store *store = mcpz_engine_store(engine);
    json_t *json = json_pack("{s:o}", "removed", mcpz_exchange_show_id(root, 'b'));
    struct mcpz_id document;

    mcpz_blob_book_id(root, &document);
    const bool was_placed = mcpz_blob_keeper_unplace(exchange->api, root, tenant, ref);
    if (!is_of_tenant(store, root, tenant) || !mcpz_blob_book_has(store, root, ref)) {
        if (was_placed) {
            mcpz_exchange_answer(exchange, 200, json);
            return;
        }
        json_decref(json);
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "there is no such blob");
        return;
    }
    const uint64_t request = mcpz_exchange_await_reply(exchange, 200, json);
    if (request == 0) {
        return;
    }
    mcpz_error error = mcpz_blob_book_remove(engine, root, ref, request);
    mcpz_blob_keeper_news(&exchange->api->blobs, &document);
    if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "writing down who needs the blob");
    }
}

void mcpz_blob_forget(struct mcpz_exchange *exchange, const struct mcpz_id *root,
                      const char *tenant, const char *ref)
{
    struct mcpz_forwarded forwarded = {.method = "POST",
                                       .path = MCPZ_BLOB_SERVE_PATH "/forget",
                                       .find = mcpz_agent_keepers,
                                       .timeout_ms = FORGET_MS,
                                       .what = "those that keep this blob"};
    struct mcpz_id document;

    mcpz_blob_book_id(root, &document);
    const bool is_handed_on = exchange->answered_elsewhere != NULL && exchange->own_answer == NULL;
    if (mcpz_agent_is_here(exchange, &document) || is_handed_on) {
        forget_here(exchange, root, tenant, ref);
        return;
    }
    (void)mcpz_blob_keeper_unplace(exchange->api, root, tenant, ref);
    forwarded.document = document;
    forwarded.body = json_pack("{s:o, s:s, s:s}", "blob", mcpz_exchange_show_id(root, 'b'),
                               "tenant", tenant, "ref", ref);
    mcpz_forward(exchange, &forwarded);
}

static void serve_forget(struct mcpz_exchange *exchange, const json_t *object)
{
    const char *tenant = json_string_value(json_object_get(object, "tenant"));
    char ref[MCPZ_BLOB_REF_BYTES_MAX + 1];
    struct mcpz_id root;

    if (!read_id(object, "blob", 'b', &root) || !read_ref(object, ref) || ref[0] == '\0' ||
        tenant == NULL || strlen(tenant) > MCPZ_TENANT_BYTES_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "which blob, and for whom?");
        return;
    }
    mcpz_blob_forget(exchange, &root, tenant, ref);
}

void mcpz_blob_serve(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const struct {
        const char *path;
        void (*serve)(struct mcpz_exchange *exchange, const json_t *object);
    } posts[] = {
        {MCPZ_BLOB_SERVE_PATH "/chunks", serve_chunks},
        {MCPZ_BLOB_SERVE_PATH "/keep", serve_keep},
        {MCPZ_BLOB_SERVE_PATH "/forget", serve_forget},
        {MCPZ_BLOB_SERVE_PATH "/refer", mcpz_blob_refs_serve},
        {MCPZ_BLOB_SERVE_PATH "/names", mcpz_blob_review_serve},
    };

    if (request->body != NULL) {
        exchange->input = *request->body;
        mcpz_body_init(request->body, request->body->directory);
    }
    if (request->method == MCPZ_GET &&
        mcpz_bytes_equal(request->path, mcpz_text(MCPZ_BLOB_SERVE_PATH "/stat"))) {
        serve_stat(exchange, request->query);
        return;
    }
    if (request->method == MCPZ_GET &&
        mcpz_bytes_equal(request->path, mcpz_text(MCPZ_BLOB_SERVE_PATH "/alias"))) {
        serve_alias(exchange, request->query);
        return;
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(posts) && request->method == MCPZ_POST; i++) {
        if (mcpz_bytes_equal(request->path, mcpz_text(posts[i].path))) {
            json_t *object = mcpz_exchange_object(exchange, NULL);
            if (object != NULL) {
                posts[i].serve(exchange, object);
                json_decref(object);
            }
            return;
        }
    }
    mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "nothing of the kind can be asked");
}
