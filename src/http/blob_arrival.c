#include "http/blob_arrival.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/blob_refs.h"
#include "http/exchange.h"
#include "http/inner.h"
#include "proto/code.h"

enum phase {
    IDLE,
    LOOKING,   /* is it here? */
    BEGINNING, /* an upload */
    ADDING,
    CROWDED,   /* too many are being placed where they are to be kept */
    PUTTING,   /* the upload is whole */
    REFERRING, /* its old name needs it */
    NAMING,    /* its old name stands for it */
    FREEING,   /* of the brief reference under its new name */
    REFUSING,  /* the same, as it may not be taken */
};

static_assert(MCPZ_SNAPSHOT_PIECE_BYTES <= MCPZ_BLOB_PART_BYTES_MAX, "a piece is a part");

/* ---- What is remembered ------------------------------------------------------------------- */

static struct mcpz_blob_arriving *find_row(struct mcpz_blob_arrivals *arrivals,
                                           const struct mcpz_snapshot_blob *blob)
{
    for (size_t i = 0; i < MCPZ_BLOB_ARRIVALS_MAX; i++) {
        struct mcpz_blob_arriving *row = &arrivals->rows[i];
        if (row->used && mcpz_id_equal(&row->root, &blob->root) && row->size == blob->size &&
            strcmp(row->tenant, blob->tenant) == 0) {
            return row;
        }
    }
    return NULL;
}

/* NULL: pieces of all are being added. An upload that is forgotten here is given up in a while. */
static struct mcpz_blob_arriving *take_row(struct mcpz_blob_arrivals *arrivals,
                                           const struct mcpz_snapshot_blob *blob)
{
    struct mcpz_blob_arriving *row = NULL;

    for (size_t i = 0; i < MCPZ_BLOB_ARRIVALS_MAX; i++) {
        struct mcpz_blob_arriving *at = &arrivals->rows[i];
        if (!at->is_busy &&
            (row == NULL || !at->used || (row->used && at->touched < row->touched))) {
            row = at;
        }
    }
    if (row == NULL) {
        return NULL;
    }
    *row = (struct mcpz_blob_arriving){.used = true, .root = blob->root, .size = blob->size};
    memcpy(row->tenant, blob->tenant, sizeof(row->tenant));
    mcpz_digest_begin(&row->content, MCPZ_DIGEST_SNAPSHOT, mcpz_bytes(NULL, 0));
    return row;
}

bool mcpz_blob_arrivals_have_room(const struct mcpz_blob_arrivals *arrivals)
{
    size_t busy = 0;

    for (size_t i = 0; i < MCPZ_BLOB_ARRIVALS_MAX; i++) {
        busy += arrivals->rows[i].is_busy ? 1 : 0;
    }
    return busy + MCPZ_BLOB_ARRIVALS_LEFT < MCPZ_BLOB_ARRIVALS_MAX;
}

/* ---- A piece ------------------------------------------------------------------------------ */

static void close_asked(struct mcpz_blob_arrival *arrival)
{
    if (arrival->asked != NULL) {
        mcpz_api_close(arrival->asked);
        arrival->asked = NULL;
    }
}

static void end(struct mcpz_blob_arrival *arrival)
{
    close_asked(arrival);
    if (arrival->row != NULL) {
        arrival->row->is_busy = false;
        arrival->row = NULL;
    }
    free(arrival->bytes);
    arrival->bytes = NULL;
    arrival->phase = IDLE;
}

/* Nothing of the blob is remembered any more. */
static void forget(struct mcpz_blob_arrival *arrival)
{
    if (arrival->row != NULL) {
        arrival->row->used = false;
    }
}

MCPZ_PRINTF(4, 5)
static void fail(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange, uint32_t code,
                 const char *format, ...)
{
    char name[MCPZ_ID_TEXT_BYTES];
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    mcpz_id_to_text(&arrival->blob.root, 'b', name);
    mcpz_exchange_fail(exchange, code, "the blob %s of %" PRIu64 " bytes: %s", name,
                       arrival->blob.size, text);
    end(arrival);
}

static void fail_busy(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    fail(arrival, exchange, MCPZ_CODE_BUSY, "too much is asked at once: try again");
}

static mcpz_error read_bytes(struct mcpz_blob_arrival *arrival, const struct mcpz_body *body)
{
    const struct mcpz_snapshot_blob *blob = &arrival->blob;

    arrival->bytes = malloc(blob->length > 0 ? blob->length : 1);
    return arrival->bytes == NULL
               ? MCPZ_ENOMEM
               : mcpz_body_read_all(body, blob->at, arrival->bytes, blob->length);
}

mcpz_error mcpz_blob_arrival_begin(struct mcpz_blob_arrival *arrival,
                                   const struct mcpz_snapshot_blob *blob,
                                   const struct mcpz_body *body)
{
    assert(arrival->phase == IDLE);
    assert(arrival->asked == NULL);

    if (blob->is_lost) {
        return MCPZ_OK; /* those that name it are told when they are gone through */
    }
    arrival->blob = *blob;
    arrival->id = (struct mcpz_id){{0}};
    const mcpz_error error = read_bytes(arrival, body);
    if (error != MCPZ_OK) {
        end(arrival);
        return error;
    }
    arrival->phase = LOOKING;
    return MCPZ_OK;
}

/* ---- Asking ------------------------------------------------------------------------------- */

/* Go over to `phase`, for which that is asked. */
static void ask(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange,
                enum phase phase, const struct mcpz_inner_request *asked)
{
    arrival->phase = phase;
    if (!mcpz_inner_ask(exchange, &arrival->asked, asked)) {
        fail_busy(arrival, exchange);
    }
}

/* The tenant, and behind it what is said further. */
MCPZ_PRINTF(3, 4)
static struct mcpz_bytes query_of(const struct mcpz_blob_arrival *arrival, char *room,
                                  const char *format, ...)
{
    const size_t size = MCPZ_QUERY_BYTES_MAX;
    va_list arguments;

    const size_t used = (size_t)snprintf(room, size, "tenant=%s%c", arrival->blob.tenant, '\0');
    va_start(arguments, format);
    const size_t more = (size_t)vsnprintf(room + used, size - used, format, arguments);
    va_end(arguments);
    return mcpz_bytes(room, used + more);
}

static void ask_whether_here(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    char name[MCPZ_ID_TEXT_BYTES];
    char path[MCPZ_ID_TEXT_BYTES + 16];
    char query[MCPZ_QUERY_BYTES_MAX];

    mcpz_id_to_text(&arrival->blob.root, 'b', name);
    (void)snprintf(path, sizeof(path), "/v1/blobs/%s", name);
    ask(arrival, exchange, LOOKING,
        &(struct mcpz_inner_request){
            .method = MCPZ_GET, .path = path, .query = query_of(arrival, query, "check=true")});
}

static void begin_upload(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    char query[MCPZ_QUERY_BYTES_MAX];

    if (arrival->blob.offset > 0) {
        fail(arrival, exchange, MCPZ_CODE_CONFLICT,
             "its bytes before %" PRIu64 " are not here (any more): import the file again",
             arrival->blob.offset);
        return;
    }
    arrival->row = take_row(&exchange->api->arrivals, &arrival->blob);
    if (arrival->row == NULL) {
        fail(arrival, exchange, MCPZ_CODE_BUSY, "%d others are coming in: try again",
             MCPZ_BLOB_ARRIVALS_MAX);
        return;
    }
    arrival->row->is_busy = true;
    const int length = snprintf(query, sizeof(query), "tenant=%s", arrival->blob.tenant);
    ask(arrival, exchange, BEGINNING,
        &(struct mcpz_inner_request){
            .method = MCPZ_POST, .path = "/v1/blobs", .query = mcpz_bytes(query, (size_t)length)});
}

static void add_piece(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    char path[64];
    char query[MCPZ_QUERY_BYTES_MAX];

    (void)snprintf(path, sizeof(path), "/v1/blobs/uploads/%s", arrival->row->upload);
    ask(arrival, exchange, ADDING,
        &(struct mcpz_inner_request){
            .method = MCPZ_POST,
            .path = path,
            .query = query_of(arrival, query, "offset=%" PRIu64, arrival->blob.offset),
            .body = mcpz_bytes(arrival->bytes, arrival->blob.length)});
}

/* What was put is kept by others, too, as many at a time as can be: wait until one more can.
 * False: not now. */
static bool has_place(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    const mcpz_time now = mcpz_api_now(exchange->api);

    if (mcpz_blob_keeper_has_place(exchange->api)) {
        return true;
    }
    if (arrival->phase != CROWDED) {
        arrival->phase = CROWDED;
        arrival->patient_until_us = now + MCPZ_BLOB_ARRIVAL_PATIENCE_US;
    }
    if (now >= arrival->patient_until_us) {
        fail(arrival, exchange, MCPZ_CODE_BUSY,
             "nodes that are to keep others have not taken those yet: import the file again");
    } else {
        exchange->deadline_us = now + MCPZ_BLOB_ARRIVAL_LOOK_US;
    }
    return false;
}

static void put(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    struct mcpz_digest_state content = arrival->row->content;
    uint8_t digest[MCPZ_DIGEST_BYTES];
    char path[64];
    char query[MCPZ_QUERY_BYTES_MAX];

    if (!has_place(arrival, exchange)) {
        return;
    }
    mcpz_digest_end(&content, digest);
    if (memcmp(digest, arrival->blob.digest, sizeof(digest)) != 0) {
        forget(arrival);
        fail(arrival, exchange, MCPZ_CODE_BAD_REQUEST,
             "the bytes that have come are not those that were written: nothing of it was kept");
        return;
    }
    (void)snprintf(path, sizeof(path), "/v1/blobs/uploads/%s/finish", arrival->row->upload);
    ask(arrival, exchange, PUTTING,
        &(struct mcpz_inner_request){
            .method = MCPZ_POST,
            .path = path,
            /* Those who keep its document are to know of it, before agents name it. */
            .query = query_of(arrival, query, "ref=" MCPZ_BLOB_REF_BRIEF "%cack=one", '\0')});
}

/* "brief" does not need what the blob is called here. */
static void free_brief(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange,
                       enum phase phase)
{
    arrival->phase = phase;
    if (!mcpz_blob_refs_free_brief(exchange, &arrival->asked, &arrival->id,
                                   arrival->blob.tenant)) {
        fail_busy(arrival, exchange);
    }
}

/* ---- Its old name ------------------------------------------------------------------------- */

static void refer(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    const struct mcpz_blob_ref named = {.root = arrival->id,
                                        .size = arrival->blob.size,
                                        .tenant = mcpz_text(arrival->blob.tenant)};
    struct mcpz_id document;

    arrival->phase = REFERRING;
    if (!mcpz_inner_open(exchange, &arrival->asked)) {
        fail_busy(arrival, exchange);
        return;
    }
    mcpz_blob_book_id(&arrival->blob.root, &document);
    mcpz_blob_refs_add(arrival->asked, &named, &document);
}

static void write_alias(struct mcpz_exchange *inner, const struct mcpz_blob_about *about,
                        const struct mcpz_id *stands_for)
{
    const uint64_t request =
        mcpz_exchange_await_reply(inner, 200, json_pack("{s:b}", "written", 1));

    if (request == 0) {
        return;
    }
    const mcpz_error error =
        mcpz_blob_book_alias(mcpz_exchange_engine(inner), about, stands_for, request);
    if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(inner, error, "writing down what it is called");
    }
}

static void rename_old(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    const struct mcpz_api_ports *ports = &exchange->api->ports;
    struct mcpz_blob_about about = {.root = arrival->blob.root,
                                    .size = arrival->blob.size,
                                    .made_ms = ports->wall_ms(ports->context)};

    memcpy(about.tenant, arrival->blob.tenant, sizeof(about.tenant));
    arrival->phase = NAMING;
    if (!mcpz_inner_open(exchange, &arrival->asked)) {
        fail_busy(arrival, exchange);
        return;
    }
    write_alias(arrival->asked, &about, &arrival->id);
}

/* ---- Answers ------------------------------------------------------------------------------ */

/* The answer, which is an object; NULL: it is none. The caller's. */
static json_t *read_answer(const struct mcpz_response *response)
{
    const struct mcpz_bytes body = mcpz_body_in_memory(&response->body);

    return body.data != NULL ? json_loadb((const char *)body.data, body.length, 0, NULL) : NULL;
}

/* A member that is text; "": it is not there. `json` is taken. */
static void read_text(json_t *json, const char *key, char *text, size_t size)
{
    const char *said = json_string_value(json_object_get(json, key));

    (void)snprintf(text, size, "%s", said != NULL ? said : "");
    json_decref(json);
}

static void read_message(const struct mcpz_response *response, char *text, size_t size)
{
    json_t *json = read_answer(response);

    read_text(json_incref(json_object_get(json, "error")), "message", text, size);
    json_decref(json);
}

/* What an answer of ours failed with. */
static uint32_t code_of(unsigned status)
{
    static const uint32_t codes[] = {
        MCPZ_CODE_BAD_REQUEST, MCPZ_CODE_DENIED,   MCPZ_CODE_NOT_FOUND,
        MCPZ_CODE_SHREDDED,    MCPZ_CODE_CONFLICT, MCPZ_CODE_BUSY,
        MCPZ_CODE_UNAVAILABLE, MCPZ_CODE_TIMEOUT,  MCPZ_CODE_STORE_FAILED};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(codes); i++) {
        if (mcpz_api_status_of(codes[i]) == status) {
            return codes[i];
        }
    }
    return MCPZ_CODE_INTERNAL;
}

/* Something was refused: say why. The upload is given up with it. */
static void refuse(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    const struct mcpz_response *response = mcpz_api_response(arrival->asked);
    char text[384];

    read_message(response, text, sizeof(text));
    const uint32_t code = code_of(response->status);
    forget(arrival);
    fail(arrival, exchange, code, "%s; nothing of it was kept", text);
}

static bool is_copied(const struct mcpz_response *response)
{
    json_t *json = read_answer(response);
    const bool is_copied = json_integer_value(json_object_get(json, "copies")) > 0;

    json_decref(json);
    return is_copied;
}

static void after_look(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    const struct mcpz_response *response = mcpz_api_response(arrival->asked);

    if (response->status == 200 && is_copied(response)) {
        arrival->known = arrival->blob.root;
        arrival->blobs_known++;
        end(arrival);
        return;
    }
    close_asked(arrival);
    begin_upload(arrival, exchange);
}

static void after_begin(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    const struct mcpz_response *response = mcpz_api_response(arrival->asked);

    if (response->status != 201) {
        refuse(arrival, exchange);
        return;
    }
    read_text(read_answer(response), "upload", arrival->row->upload, sizeof(arrival->row->upload));
    close_asked(arrival);
    add_piece(arrival, exchange);
}

/* The upload is not there any more: it was given up, or is put, and who put it was not told. */
static void look_again(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    forget(arrival);
    arrival->row->is_busy = false;
    arrival->row = NULL;
    close_asked(arrival);
    ask_whether_here(arrival, exchange);
}

static void after_add(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    const struct mcpz_snapshot_blob *blob = &arrival->blob;
    const unsigned status = mcpz_api_response(arrival->asked)->status;
    struct mcpz_blob_arriving *row = arrival->row;

    if (status == 404) {
        look_again(arrival, exchange);
        return;
    }
    if (status != 200) {
        refuse(arrival, exchange);
        return;
    }
    mcpz_digest_add(&row->content, mcpz_bytes(arrival->bytes, blob->length));
    row->received += blob->length;
    row->touched = ++exchange->api->arrivals.touched;
    arrival->bytes_put += blob->length;
    close_asked(arrival);
    if (blob->is_last) {
        put(arrival, exchange);
    } else {
        end(arrival);
    }
}

static void after_put(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    const struct mcpz_response *response = mcpz_api_response(arrival->asked);
    char text[MCPZ_ID_TEXT_BYTES];

    if (response->status == 404) {
        look_again(arrival, exchange);
        return;
    }
    read_text(read_answer(response), "blob", text, sizeof(text));
    if (response->status >= 300 ||
        mcpz_id_from_text(mcpz_text(text), 'b', &arrival->id) != MCPZ_OK) {
        refuse(arrival, exchange);
        return;
    }
    forget(arrival);
    close_asked(arrival);
    arrival->blobs_put++;
    if (mcpz_id_equal(&arrival->id, &arrival->blob.root)) {
        end(arrival); /* the agents that claim it let go of "brief" */
    } else if (mcpz_engine_may_admit(mcpz_exchange_engine(exchange))) {
        refer(arrival, exchange);
    } else {
        free_brief(arrival, exchange, REFUSING);
    }
}

static void after_refer(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    if (mcpz_api_response(arrival->asked)->status != 200) {
        refuse(arrival, exchange);
        return;
    }
    close_asked(arrival);
    rename_old(arrival, exchange);
}

static void after_name(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    if (mcpz_api_response(arrival->asked)->status != 200) {
        refuse(arrival, exchange);
        return;
    }
    arrival->blobs_renamed++;
    close_asked(arrival);
    free_brief(arrival, exchange, FREEING);
}

/* A piece of an upload that is under way: the next one, or one that has come before. */
static void go_on_with(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange,
                       struct mcpz_blob_arriving *row)
{
    const struct mcpz_snapshot_blob *blob = &arrival->blob;

    if (row->is_busy) {
        fail(arrival, exchange, MCPZ_CODE_BUSY, "it is being imported by somebody else");
        return;
    }
    arrival->row = row;
    row->is_busy = true;
    if (blob->offset == row->received) {
        add_piece(arrival, exchange);
    } else if (blob->offset + blob->length <= row->received && !blob->is_last) {
        end(arrival);
    } else if (blob->offset + blob->length == row->received) {
        put(arrival, exchange); /* it was, and who put it was not told */
    } else {
        fail(arrival, exchange, MCPZ_CODE_CONFLICT,
             "a piece from byte %" PRIu64 " on, where one from %" PRIu64 " on should come",
             blob->offset, row->received);
    }
}

static void begin(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    struct mcpz_blob_arriving *row = find_row(&exchange->api->arrivals, &arrival->blob);

    if (row != NULL) {
        go_on_with(arrival, exchange, row);
    } else if (mcpz_id_equal(&arrival->known, &arrival->blob.root)) {
        end(arrival); /* it is here, and so is this piece of it */
    } else {
        ask_whether_here(arrival, exchange);
    }
}

bool mcpz_blob_arrival_go_on(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange)
{
    if (arrival->phase == IDLE) {
        return true;
    }
    if (arrival->phase == LOOKING && arrival->asked == NULL) {
        begin(arrival, exchange);
    } else if (arrival->phase == CROWDED) {
        put(arrival, exchange);
    } else if (mcpz_api_response(arrival->asked) != NULL) {
        switch ((enum phase)arrival->phase) {
        case LOOKING:
            after_look(arrival, exchange);
            break;
        case BEGINNING:
            after_begin(arrival, exchange);
            break;
        case ADDING:
            after_add(arrival, exchange);
            break;
        case PUTTING:
            after_put(arrival, exchange);
            break;
        case REFERRING:
            after_refer(arrival, exchange);
            break;
        case NAMING:
            after_name(arrival, exchange);
            break;
        case FREEING:
            end(arrival);
            break;
        case REFUSING:
            fail(arrival, exchange, MCPZ_CODE_WRONG_MESH,
                 "it is of another mesh, or is not what its name says: import it at a node that "
                 "may admit others");
            break;
        case CROWDED:
        case IDLE:
            break;
        }
    }
    return arrival->phase == IDLE && !exchange->answered;
}

bool mcpz_blob_arrival_looks(const struct mcpz_blob_arrival *arrival)
{
    return arrival->phase == CROWDED;
}

void mcpz_blob_arrival_finish(struct mcpz_blob_arrival *arrival)
{
    end(arrival);
}
