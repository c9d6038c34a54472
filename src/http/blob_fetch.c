#include "http/blob_fetch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/blob_alias.h"
#include "http/blob_serve.h"
#include "http/blob_targets.h"

enum phase {
    WORKING, /* the job is in its thread */
    ASKING,  /* a source has been asked */
    HELD,    /* what may be copied in a second has been */
    KEYLESS, /* the tenant's key is asked for: http/key_share.h */
    NAMING,  /* those who keep its document are asked what it stands for (blob_book.h) */
};

#define KEYLESS_MAX 8 /* sources that are asked for a key */
/* A READ needs some ten; more are of no use, as what was lent gives way to what others read. */
#define ANSWERS_MAX 256

/* How far one is that is taken in. */
struct reached {
    uint64_t offset;
    bool is_whole;
};

struct fetch {
    struct mcpz_blob_job job;
    struct mcpz_blob_fetch
        asked; /* what is read; of what is taken in: the first, and whose it is */
    struct mcpz_blob_taking takings[MCPZ_BLOB_TAKE_MAX];
    size_t taking_count;                        /* 0: it is read */
    struct reached reached[MCPZ_BLOB_TAKE_MAX]; /* when the job was done: they are its thread's */
    struct mcpz_exchange *exchange;             /* NULL: it is gone */
    enum phase phase;
    bool is_done;               /* the job is */
    struct mcpz_blob_lack lack; /* what is asked of sources */
    struct mcpz_id sources[MCPZ_BLOB_SOURCES_MAX];
    size_t source_count;
    size_t source;    /* the one that is asked */
    size_t failed;    /* in a row, since one had something */
    bool is_silent;   /* one of them has not answered */
    unsigned answers; /* that had something */
    size_t keyless;   /* sources that were asked for the key */
    struct mcpz_blob_alias alias;
};

static bool is_take(const struct fetch *fetch)
{
    return fetch->taking_count > 0;
}

static void release(struct fetch *fetch)
{
    mcpz_blob_job_finish(&fetch->job);
    free(fetch);
}

static void on_done(struct mcpz_blob_job *job)
{
    struct fetch *fetch = job->owner;

    fetch->is_done = true;
    for (size_t i = 0; i < fetch->taking_count; i++) {
        const struct mcpz_blob_taking *taking = &fetch->takings[i];
        fetch->reached[i] = (struct reached){
            .offset = taking->offset, .is_whole = job->error == MCPZ_OK && taking->is_whole};
    }
    if (fetch->exchange == NULL) {
        release(fetch);
    } else {
        mcpz_exchange_again(fetch->exchange);
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    struct fetch *fetch = exchange->state;

    mcpz_fellows_forget(exchange);
    fetch->exchange = NULL;
    if (fetch->phase != WORKING || fetch->is_done) {
        release(fetch);
    }
}

/* Have the job done that is prepared in `fetch->job`. */
static void submit(struct mcpz_exchange *exchange, struct fetch *fetch)
{
    const struct mcpz_blob_port *port = exchange->api->ports.blobs;

    fetch->is_done = false;
    fetch->phase = WORKING;
    if (!port->submit(port->context, &fetch->job)) {
        fetch->is_done = true; /* nobody has it */
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY,
                           "too much is being done with blobs at once: try again");
    }
}

/* READ, or TAKE from where it was; `bytes` (taken) are what has come. */
static void submit_again(struct mcpz_exchange *exchange, struct fetch *fetch,
                         enum mcpz_blob_ask ask, uint8_t *bytes, size_t length)
{
    struct mcpz_blob_job *job = &fetch->job;

    if (bytes == NULL) {
        fetch->lack.count = 0; /* nothing was asked for */
    }
    mcpz_blob_job_finish(job);
    *job = (struct mcpz_blob_job){.ask = ask,
                                  .now_ms = mcpz_api_wall_ms(exchange->api),
                                  .id = fetch->asked.root,
                                  .offset = fetch->asked.offset,
                                  .length = bytes != NULL ? length : fetch->asked.length,
                                  .bytes = bytes,
                                  .holder = MCPZ_BLOB_COPY_HOLDER,
                                  .lack = fetch->lack,
                                  .takings = fetch->takings,
                                  .taking_count = fetch->taking_count,
                                  .done = on_done,
                                  .owner = fetch};
    memcpy(job->tenant, fetch->asked.tenant, sizeof(job->tenant));
    submit(exchange, fetch);
}

/* ---- Asking others -------------------------------------------------------------------------- */

/* Whom to ask for it; of several, those who are to have the first are asked first. */
static void find_sources(struct mcpz_exchange *exchange, struct fetch *fetch,
                         const struct mcpz_id *hint)
{
    struct mcpz_ack_wait wait = {0};

    mcpz_blob_keeper_targets(exchange->api, &fetch->asked.root, &wait);
    fetch->source_count =
        mcpz_blob_sources(mcpz_exchange_engine(exchange), &wait, hint, fetch->sources);
    fetch->source = 0;
    fetch->failed = 0;
}

/* Nobody has it: does one of those who keep its document know another name? */
static bool ask_for_name(struct mcpz_exchange *exchange, struct fetch *fetch)
{
    if (is_take(fetch)) {
        return false;
    }
    fetch->phase = NAMING;
    if (!fetch->alias.is_over) {
        fetch->alias.root = fetch->asked.root;
    }
    return mcpz_blob_alias_ask(&fetch->alias, exchange, fetch->sources, fetch->source_count) ==
           MCPZ_BLOB_ALIAS_WAITS;
}

static json_t *show_lack(const struct mcpz_blob_lack *lack)
{
    json_t *ids = json_array();

    for (size_t i = 0; i < lack->count; i++) {
        char text[MCPZ_ID_TEXT_BYTES];
        mcpz_id_to_text(&lack->ids[i], 'c', text);
        (void)json_array_append_new(ids, json_string(text));
    }
    return json_pack("{s:o}", "chunks", ids);
}

/* Nobody has what is lacking, or can be asked. */
static void fail(struct mcpz_exchange *exchange, struct fetch *fetch)
{
    const bool is_unknown =
        fetch->lack.count > 0 && mcpz_id_equal(&fetch->lack.ids[0], &fetch->asked.root);

    if (is_unknown && ask_for_name(exchange, fetch)) {
        return;
    }
    if (fetch->is_silent) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_UNAVAILABLE,
                           "no node that has all of this blob can be reached");
    } else if (is_unknown) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "there is no such blob");
    } else {
        mcpz_exchange_fail(exchange, MCPZ_CODE_STORE_FAILED,
                           "a part of this blob is damaged, and no node has another copy of it");
    }
}

/* Ask the source whose turn it is, or one after it that can be asked. */
static void ask(struct mcpz_exchange *exchange, struct fetch *fetch)
{
    json_t *body = show_lack(&fetch->lack);

    fetch->phase = ASKING;
    while (fetch->failed < fetch->source_count &&
           !mcpz_fellows_ask(exchange, &fetch->sources[fetch->source], "POST",
                             MCPZ_BLOB_SERVE_PATH "/chunks", body, MCPZ_BLOB_ASK_MS)) {
        fetch->is_silent = true;
        fetch->failed++;
        fetch->source = (fetch->source + 1) % fetch->source_count;
    }
    json_decref(body);
    if (fetch->failed >= fetch->source_count) {
        fail(exchange, fetch);
    }
}

static void ask_next(struct mcpz_exchange *exchange, struct fetch *fetch)
{
    fetch->failed++;
    fetch->source = (fetch->source + 1) % fetch->source_count;
    ask(exchange, fetch);
}

/* Ask for what the job has found to be lacking, unless enough was copied of late. */
static void ask_for_lack(struct mcpz_exchange *exchange, struct fetch *fetch)
{
    fetch->lack = fetch->job.lack;
    if (is_take(fetch) && !mcpz_blob_keeper_may_copy(&exchange->api->blobs)) {
        fetch->phase = HELD;
        return;
    }
    ask(exchange, fetch);
}

/* An answer of a source, if one is there. */
static void hear(struct mcpz_exchange *exchange, struct fetch *fetch)
{
    struct mcpz_id node;
    unsigned status = 0;
    uint8_t *bytes = NULL;
    size_t length = 0;
    size_t waiting = 0;

    if (!mcpz_fellows_take_bytes(exchange, &node, &status, &bytes, &length, &waiting)) {
        return;
    }
    fetch->is_silent |= status != 200;
    if (status != 200 || bytes == NULL || length == 0 || ++fetch->answers > ANSWERS_MAX) {
        free(bytes);
        ask_next(exchange, fetch);
        return;
    }
    if (is_take(fetch)) {
        mcpz_blob_keeper_copied(&exchange->api->blobs, length);
    } else {
        exchange->api->blobs.counts.read_through++;
    }
    submit_again(exchange, fetch, is_take(fetch) ? MCPZ_BLOB_TAKE : MCPZ_BLOB_LEND, bytes, length);
}

/* What it stands for, if somebody knows: that is read. */
static void hear_name(struct mcpz_exchange *exchange, struct fetch *fetch)
{
    switch (mcpz_blob_alias_hear(&fetch->alias, exchange)) {
    case MCPZ_BLOB_ALIAS_WAITS:
        return;
    case MCPZ_BLOB_ALIAS_NAMED:
        fetch->asked.root = fetch->alias.root;
        fetch->is_silent = false;
        find_sources(exchange, fetch, NULL);
        submit_again(exchange, fetch, MCPZ_BLOB_READ, NULL, 0);
        return;
    case MCPZ_BLOB_ALIAS_UNKNOWN:
        fail(exchange, fetch);
        return;
    }
}

/* ---- Its jobs ------------------------------------------------------------------------------- */

/* A tenant's first blob was put elsewhere a moment ago: its key has not been told here yet. */
static bool ask_for_key(struct mcpz_exchange *exchange, struct fetch *fetch)
{
    if (fetch->job.error != MCPZ_EAUTH || fetch->keyless == KEYLESS_MAX ||
        fetch->keyless == fetch->source_count) {
        return false;
    }
    fetch->phase = KEYLESS;
    mcpz_key_share_ask(&exchange->api->key_share, &fetch->sources[fetch->keyless++]);
    mcpz_api_stir(exchange->api);
    return true;
}

static void fail_job(struct mcpz_exchange *exchange, const struct mcpz_blob_job *job)
{
    if (job->error == MCPZ_EAUTH) { /* nobody has a key that opens it: it is nobody's */
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "%s",
                           job->text[0] != '\0' ? job->text : "there is no such blob");
        return;
    }
    mcpz_exchange_fail_error(exchange, job->error,
                             job->text[0] != '\0' ? job->text : "reading the blob");
}

/* Others had to lend what should have been here: it is damaged, and is fetched for good. */
static void mend(struct mcpz_api *api, const struct fetch *fetch)
{
    const struct mcpz_blob_row *row = &fetch->job.row;
    struct mcpz_blob_about about = {.root = fetch->asked.root,
                                    .size = row->size,
                                    .chunks = row->chunks,
                                    .made_ms = row->made_ms};

    if (fetch->answers > 0 && row->tenant_length > 0 &&
        mcpz_blob_keeper_is_ours(api, &about.root)) {
        memcpy(about.tenant, fetch->asked.tenant, sizeof(about.tenant));
        mcpz_blob_keeper_want(&api->blobs, &about, NULL, NULL);
        mcpz_api_stir(api);
    }
}

static void after_read(struct mcpz_exchange *exchange, struct fetch *fetch)
{
    struct mcpz_blob_job *job = &fetch->job;

    if (job->error == MCPZ_OK) {
        mend(exchange->api, fetch);
        fetch->asked.answer(exchange, job);
    } else if (job->error == MCPZ_ENOTFOUND && job->lack.count > 0) {
        ask_for_lack(exchange, fetch);
    } else if (!ask_for_key(exchange, fetch)) {
        fail_job(exchange, job);
    }
}

/* Are all whole that can be? */
static bool are_over(const struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->taking_count; i++) {
        if (!fetch->takings[i].is_whole && fetch->takings[i].error == MCPZ_OK) {
            return false;
        }
    }
    return true;
}

static void after_take(struct mcpz_exchange *exchange, struct fetch *fetch, bool had_asked)
{
    struct mcpz_blob_job *job = &fetch->job;

    if (ask_for_key(exchange, fetch)) {
        return;
    }
    if (job->error != MCPZ_OK) {
        fail_job(exchange, job);
    } else if (are_over(fetch)) {
        mcpz_exchange_answer(exchange, 200, json_object());
    } else if (job->lack.count == 0) {
        submit_again(exchange, fetch, MCPZ_BLOB_TAKE, NULL, 0);
    } else if (had_asked && job->length == 0) {
        fetch->lack = job->lack;
        ask_next(exchange, fetch); /* nothing of what it sent was of use */
    } else {
        fetch->failed = had_asked ? 0 : fetch->failed;
        fetch->answers = 0; /* it may be as long as it likes */
        ask_for_lack(exchange, fetch);
    }
}

static void after_lend(struct mcpz_exchange *exchange, struct fetch *fetch)
{
    struct mcpz_blob_job *job = &fetch->job;

    if (job->error != MCPZ_OK) {
        fail_job(exchange, job);
    } else if (job->length == 0) {
        ask_next(exchange, fetch);
    } else {
        fetch->failed = 0;
        submit_again(exchange, fetch, MCPZ_BLOB_READ, NULL, 0);
    }
}

static void work(struct mcpz_exchange *exchange)
{
    struct fetch *fetch = exchange->state;

    if (fetch->phase == ASKING) {
        hear(exchange, fetch);
    } else if (fetch->phase == NAMING) {
        hear_name(exchange, fetch);
    } else if (fetch->phase == KEYLESS) {
        submit_again(exchange, fetch, is_take(fetch) ? MCPZ_BLOB_TAKE : MCPZ_BLOB_READ, NULL, 0);
    } else if (fetch->phase == HELD) {
        fetch->job.lack = fetch->lack;
        ask_for_lack(exchange, fetch);
    } else if (fetch->is_done && fetch->job.ask == MCPZ_BLOB_LEND) {
        after_lend(exchange, fetch);
    } else if (fetch->is_done && fetch->job.ask == MCPZ_BLOB_READ) {
        after_read(exchange, fetch);
    } else if (fetch->is_done) {
        after_take(exchange, fetch, fetch->lack.count > 0);
    }
}

static const struct mcpz_exchange_kind kind = {.work = work, .finish = finish};

static struct fetch *begin(struct mcpz_exchange *exchange)
{
    struct fetch *fetch = calloc(1, sizeof(*fetch));

    if (fetch == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "fetching the blob");
        return NULL;
    }
    fetch->exchange = exchange;
    mcpz_exchange_wait(exchange, &kind, fetch);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* those who are asked have their time */
    return fetch;
}

void mcpz_blob_fetch(struct mcpz_exchange *exchange, const struct mcpz_blob_fetch *asked)
{
    struct fetch *fetch = begin(exchange);

    if (fetch != NULL) {
        fetch->asked = *asked;
        (void)mcpz_blob_book_resolve(mcpz_engine_store(mcpz_exchange_engine(exchange)),
                                     &fetch->asked.root);
        find_sources(exchange, fetch, NULL);
        submit_again(exchange, fetch, MCPZ_BLOB_READ, NULL, 0);
    }
}

void mcpz_blob_take(struct mcpz_exchange *exchange, const struct mcpz_blob_take *asked)
{
    struct fetch *fetch = begin(exchange);

    assert(asked->count > 0 && asked->count <= MCPZ_BLOB_TAKE_MAX);
    if (fetch == NULL) {
        return;
    }
    fetch->asked.root = asked->abouts[0].root;
    memcpy(fetch->asked.tenant, asked->abouts[0].tenant, sizeof(fetch->asked.tenant));
    fetch->taking_count = asked->count;
    for (size_t i = 0; i < asked->count; i++) {
        const struct mcpz_blob_about *about = &asked->abouts[i];
        fetch->takings[i] = (struct mcpz_blob_taking){
            .id = about->root,
            .row = {.size = about->size, .chunks = about->chunks, .made_ms = about->made_ms}};
    }
    find_sources(exchange, fetch, asked->hint);
    submit_again(exchange, fetch, MCPZ_BLOB_TAKE, NULL, 0);
}

static const struct fetch *fetch_of(const struct mcpz_exchange *exchange)
{
    return exchange->kind == &kind ? exchange->state : NULL;
}

uint64_t mcpz_blob_take_offset(const struct mcpz_exchange *exchange, const struct mcpz_id *root,
                               bool *is_whole)
{
    const struct fetch *fetch = fetch_of(exchange);

    for (size_t i = 0; fetch != NULL && i < fetch->taking_count; i++) {
        if (mcpz_id_equal(&fetch->takings[i].id, root)) {
            *is_whole = fetch->reached[i].is_whole;
            return fetch->reached[i].offset;
        }
    }
    *is_whole = false;
    return 0;
}

bool mcpz_blob_take_is_held(const struct mcpz_exchange *exchange)
{
    const struct fetch *fetch = fetch_of(exchange);

    return fetch != NULL && !exchange->answered && fetch->phase == HELD;
}

void mcpz_blob_fetch_keys_came(struct mcpz_api *api)
{
    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        const struct mcpz_exchange *exchange = &api->exchanges[i];
        const struct fetch *fetch =
            exchange->open && !exchange->answered ? fetch_of(exchange) : NULL;
        if (fetch != NULL && fetch->phase == KEYLESS) {
            mcpz_exchange_again(&api->exchanges[i]);
        }
    }
}
