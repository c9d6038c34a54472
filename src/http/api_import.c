/*
 * POST /v1/snapshots/import: read the whole body first, then apply it. It is a file, or, with
 * "parts=some", a few of its parts behind its head: so a file of any size comes in part by part.
 *
 * Deltas that are here already are counted and left alone, so that an import can be repeated:
 * also one that stopped half way. Blobs come ahead of the agents that name them, and are put as
 * they come (http/blob_arrival.h); when all is in, what the agents name is claimed for them. Of an
 * agent whose end is in the next part that is for later ("defer=1", and "claim=ID" with that), as
 * half of it may name what has long been replaced.
 */

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "http/blob_arrival.h"
#include "http/blob_claims.h"
#include "http/exchange.h"
#include "http/inner.h"
#include "http/snapshot.h"

#define IN_FLIGHT_MAX 64 /* handed in, and not answered yet */
#define ARRIVALS_MAX 6   /* pieces of blobs that are taken at a time: they share waits for disks */

/* A request of ours to the engine. */
struct handed_in {
    uint64_t request;
    bool is_base;
};

struct import {
    struct mcpz_snapshot_reader reader;
    struct mcpz_import file; /* as the engine takes it */
    bool verified;           /* all of it is sound: now it is applied */
    bool all_sent;
    bool is_lenient; /* go on behind what is refused */
    bool is_some;    /* parts of a file */
    bool defers;     /* the last agent of them may not be all there */
    uint64_t offset; /* of the body within the file, for who is told where something is wrong */
    uint64_t deltas;
    uint64_t bases;
    uint64_t applied; /* deltas */
    uint64_t bases_applied;
    uint64_t refused;
    uint64_t request; /* for the next delta or base; 0: none taken yet */
    struct handed_in in_flight[IN_FLIGHT_MAX];
    size_t in_flight_count;
    struct mcpz_id *documents; /* that it brings something of, for the blobs that they name */
    size_t document_count;
    size_t document_capacity;
    size_t claimed; /* of them */
    bool has_open;
    struct mcpz_id open;            /* the last of them, which is for later */
    struct mcpz_blob_claims claims; /* of the last of them, if one is being looked at */
    bool is_claiming;
    uint64_t blobs;
    uint64_t blobs_lost;
    json_t *lost; /* their names, as many as are told */
    struct mcpz_blob_arrival arrivals[ARRIVALS_MAX];
    size_t arrival;   /* the one of them that was begun last */
    bool has_message; /* one was read that is yet to be applied; */
    struct mcpz_bytes message;
    uint32_t code; /* of the first that was refused */
    char text[MCPZ_MESSAGE_BYTES_MAX + 1];
};

static void fail_file(struct mcpz_exchange *exchange, mcpz_error error, uint64_t at)
{
    switch (error) {
    case MCPZ_EPROTO:
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "this is not a snapshot file: nothing was changed");
        return;
    case MCPZ_EVERSION:
        mcpz_exchange_fail(exchange, MCPZ_CODE_VERSION,
                           "the snapshot file is of a version this node does not read (it reads "
                           "%d): nothing was changed",
                           MCPZ_SNAPSHOT_VERSION);
        return;
    case MCPZ_ESHORT:
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "the snapshot file is cut off after byte %llu: nothing was changed",
                           (unsigned long long)at);
        return;
    case MCPZ_ECORRUPT:
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "the snapshot file is damaged, found before byte %llu: nothing was "
                           "changed",
                           (unsigned long long)at);
        return;
    case MCPZ_EAUTH:
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "the snapshot file is damaged or forged: a signature before byte %llu "
                           "does not fit; nothing was changed",
                           (unsigned long long)at);
        return;
    case MCPZ_ECONFLICT:
        mcpz_exchange_fail(exchange, MCPZ_CODE_WRONG_MESH,
                           "the snapshot file is of another mesh: import it at a node that may "
                           "admit others; nothing was changed");
        return;
    case MCPZ_EUNSUPPORTED:
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT,
                           "an agent before byte %llu was folded here in another way than in the "
                           "file, so both cannot be merged; nothing was changed",
                           (unsigned long long)at);
        return;
    default:
        mcpz_exchange_fail_error(exchange, error, "reading the snapshot file");
        return;
    }
}

/* ---- First pass --------------------------------------------------------------------------- */

/* Is a message that is no good left out, where all is taken that can be? */
static bool is_passed_over(const struct import *import, mcpz_error error)
{
    return import->is_lenient &&
           (error == MCPZ_EPROTO || error == MCPZ_ESHORT || error == MCPZ_EAUTH ||
            error == MCPZ_ECONFLICT || error == MCPZ_EUNSUPPORTED);
}

/* Judge one message; only deltas and bases are counted. */
static mcpz_error verify_next(struct mcpz_exchange *exchange)
{
    struct import *import = exchange->state;
    struct mcpz_bytes message;

    mcpz_error error = mcpz_snapshot_next(&import->reader, &message);
    if (error != MCPZ_OK || import->reader.has_blob) {
        return error;
    }
    const uint64_t bases = import->file.bases;
    error = mcpz_engine_import(mcpz_exchange_engine(exchange), &import->file, 0, message);
    if (error == MCPZ_OK) {
        import->bases += import->file.bases - bases;
        import->deltas += import->file.bases == bases ? 1 : 0;
    }
    if (is_passed_over(import, error)) {
        return MCPZ_OK;
    }
    if (error == MCPZ_EPROTO || error == MCPZ_ESHORT) {
        return MCPZ_ECORRUPT;
    }
    return error == MCPZ_EUSED ? MCPZ_OK : error;
}

static void verify(struct mcpz_exchange *exchange)
{
    struct import *import = exchange->state;
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < MCPZ_SLICE_DELTAS && error == MCPZ_OK; i++) {
        error = verify_next(exchange);
    }
    if (error == MCPZ_ENOTFOUND && import->file.base != NULL && !import->is_lenient) {
        error = MCPZ_ECORRUPT; /* a base that has no end */
    }
    if (error == MCPZ_ENOTFOUND) {
        import->verified = true;
        mcpz_import_finish(&import->file);
        error = mcpz_snapshot_open(&import->reader, &exchange->input, import->is_some);
    }
    if (error != MCPZ_OK) {
        fail_file(exchange, error, import->offset + import->reader.at);
        return;
    }
    mcpz_exchange_again(exchange);
}

/* ---- Second pass -------------------------------------------------------------------------- */

/* What a delta or a base was of. Those of one document mostly lie side by side. */
static mcpz_error note_document(struct import *import, const struct mcpz_id *document)
{
    if (mcpz_id_is_zero(document) ||
        (import->document_count > 0 &&
         mcpz_id_equal(&import->documents[import->document_count - 1], document))) {
        return MCPZ_OK;
    }
    if (import->document_count == import->document_capacity) {
        const size_t capacity = 2 * import->document_capacity + 16;
        struct mcpz_id *grown = realloc(import->documents, capacity * sizeof(*grown));
        if (grown == NULL) {
            return MCPZ_ENOMEM;
        }
        import->documents = grown;
        import->document_capacity = capacity;
    }
    import->documents[import->document_count++] = *document;
    return MCPZ_OK;
}

/* All messages were handed in. */
static void end_messages(struct import *import)
{
    import->all_sent = true;
    if (import->defers && import->document_count > 0) {
        import->has_open = true;
        import->open = import->documents[--import->document_count];
    }
}

static size_t count_arriving(const struct import *import)
{
    size_t count = 0;

    for (size_t i = 0; i < ARRIVALS_MAX; i++) {
        count += import->arrivals[i].phase != 0 ? 1 : 0;
    }
    return count;
}

/*
 * What was read has to wait: an agent for the blobs before it, a piece of a blob for another piece
 * of that, or until fewer are being taken.
 */
static bool has_to_wait(struct mcpz_exchange *exchange)
{
    const struct import *import = exchange->state;
    const size_t arriving = count_arriving(import);

    if (arriving == 0 || !import->reader.has_blob) {
        return arriving > 0;
    }
    for (size_t i = 0; i < ARRIVALS_MAX; i++) {
        const struct mcpz_blob_arrival *arrival = &import->arrivals[i];
        if (arrival->phase != 0 && mcpz_id_equal(&arrival->blob.root, &import->reader.blob.root)) {
            return true;
        }
    }
    return arriving == ARRIVALS_MAX || !mcpz_inner_has_room(exchange) ||
           !mcpz_blob_arrivals_have_room(&exchange->api->arrivals);
}

/* Where it is known that the blob is here, if one was told so. */
static mcpz_error begin_arrival(struct mcpz_exchange *exchange)
{
    struct import *import = exchange->state;
    size_t at = ARRIVALS_MAX;

    for (size_t i = 0; i < ARRIVALS_MAX; i++) {
        const struct mcpz_blob_arrival *arrival = &import->arrivals[i];
        if (arrival->phase == 0 &&
            (at == ARRIVALS_MAX || mcpz_id_equal(&arrival->known, &import->reader.blob.root))) {
            at = i;
        }
    }
    assert(at < ARRIVALS_MAX);
    import->arrival = at;
    mcpz_exchange_again(exchange);
    return mcpz_blob_arrival_begin(&import->arrivals[at], &import->reader.blob, &exchange->input);
}

/* What is here already, and who wrote what follows, is nothing to wait for. */
static mcpz_error apply_next(struct mcpz_exchange *exchange)
{
    struct import *import = exchange->state;
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    mcpz_error error = MCPZ_OK;

    if (!import->has_message) {
        error = mcpz_snapshot_next(&import->reader, &import->message);
    }
    import->has_message = error == MCPZ_OK && has_to_wait(exchange);
    if (error == MCPZ_ENOTFOUND) {
        end_messages(import);
        return MCPZ_OK;
    }
    if (error != MCPZ_OK || import->has_message) {
        return error;
    }
    if (import->reader.has_blob) {
        return begin_arrival(exchange);
    }
    assert(import->in_flight_count < IN_FLIGHT_MAX);
    if (import->request == 0) {
        import->request = mcpz_engine_next_request(engine);
    }
    struct handed_in *handed_in = &import->in_flight[import->in_flight_count++];
    *handed_in = (struct handed_in){.request = import->request, .is_base = import->file.base};
    error = mcpz_engine_import(engine, &import->file, import->request, import->message);
    if (error == MCPZ_OK) {
        import->request = 0;
    } else {
        import->in_flight_count--;
    }
    if (is_passed_over(import, error)) {
        import->refused++;
        return MCPZ_OK;
    }
    return error == MCPZ_OK || error == MCPZ_EUSED ? note_document(import, &import->file.document)
                                                   : error;
}

/* What has come of blobs. */
static void show_arrivals(const struct import *import, json_t *said)
{
    const struct mcpz_blob_arrival *last = &import->arrivals[import->arrival];
    uint64_t put = 0;
    uint64_t known = 0;
    uint64_t renamed = 0;
    uint64_t bytes = 0;

    for (size_t i = 0; i < ARRIVALS_MAX; i++) {
        put += import->arrivals[i].blobs_put;
        known += import->arrivals[i].blobs_known;
        renamed += import->arrivals[i].blobs_renamed;
        bytes += import->arrivals[i].bytes_put;
    }
    (void)json_object_set_new(said, "blobs_put", json_integer((json_int_t)put));
    (void)json_object_set_new(said, "blobs_known", json_integer((json_int_t)known));
    (void)json_object_set_new(said, "blobs_renamed", json_integer((json_int_t)renamed));
    (void)json_object_set_new(said, "blob_bytes", json_integer((json_int_t)bytes));
    if (!mcpz_id_is_zero(&last->known)) {
        (void)json_object_set_new(said, "blob_known", mcpz_exchange_show_id(&last->known, 'b'));
    }
}

static void answer(struct mcpz_exchange *exchange)
{
    const struct import *import = exchange->state;

    if (import->code != MCPZ_CODE_OK) {
        mcpz_exchange_fail(
            exchange, import->code,
            "%" PRIu64 " of %" PRIu64 " deltas were applied, then one was refused: %.1024s",
            import->applied + import->bases_applied, import->deltas + import->bases, import->text);
        return;
    }
    json_t *said = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "deltas",
                             (json_int_t)import->deltas, "applied", (json_int_t)import->applied,
                             "bases", (json_int_t)import->bases, "bases_applied",
                             (json_int_t)import->bases_applied, "blobs", (json_int_t)import->blobs,
                             "blobs_lost", (json_int_t)import->blobs_lost, "lost", import->lost);
    show_arrivals(import, said);
    if (import->has_open) {
        (void)json_object_set_new(said, "open", mcpz_exchange_show_id(&import->open, 'd'));
    }
    if (import->is_lenient) {
        (void)json_object_set_new(said, "refused", json_integer((json_int_t)import->refused));
    }
    mcpz_exchange_answer(exchange, 200, said);
}

/* What the claims of one document have come to. */
static void sum_up(struct import *import)
{
    const struct mcpz_blob_claims *claims = &import->claims;

    import->blobs += claims->claimed;
    import->blobs_lost += claims->lost;
    for (size_t i = 0; i < claims->lost && i < MCPZ_BLOB_CLAIMS_LOST_MAX &&
                       json_array_size(import->lost) < MCPZ_BLOB_CLAIMS_LOST_MAX;
         i++) {
        (void)json_array_append_new(import->lost,
                                    mcpz_exchange_show_id(&claims->lost_ids[i], 'b'));
    }
}

/*
 * All is in: that the agents need the blobs that they name is written down. It is not known which
 * were named before, and it does no harm twice. A store that was repaired has its references.
 */
static void claim(struct mcpz_exchange *exchange)
{
    struct import *import = exchange->state;
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));

    for (size_t i = 0; i < MCPZ_SLICE_DOCUMENTS && import->claimed < import->document_count; i++) {
        if (!import->is_claiming) {
            mcpz_blob_claims_begin(&import->claims, &import->documents[import->claimed]);
            import->claims.frees_brief = true;
            import->is_claiming = true;
        }
        if (!mcpz_blob_claims_go_on(&import->claims, exchange, store)) {
            return;
        }
        sum_up(import);
        import->is_claiming = false;
        import->claimed++;
    }
    if (import->claimed < import->document_count) {
        mcpz_exchange_again(exchange);
    } else {
        answer(exchange);
    }
}

/* Go on with pieces of blobs. False: the exchange was answered. */
static bool go_on_with_arrivals(struct mcpz_exchange *exchange)
{
    struct import *import = exchange->state;

    for (size_t i = 0; i < ARRIVALS_MAX && !exchange->answered; i++) {
        (void)mcpz_blob_arrival_go_on(&import->arrivals[i], exchange);
    }
    return !exchange->answered;
}

static void apply(struct mcpz_exchange *exchange)
{
    struct import *import = exchange->state;
    mcpz_error error = MCPZ_OK;

    if (!go_on_with_arrivals(exchange)) {
        return;
    }
    for (size_t i = 0; i < MCPZ_SLICE_DELTAS && import->in_flight_count < IN_FLIGHT_MAX; i++) {
        if (import->all_sent || import->code != MCPZ_CODE_OK || error != MCPZ_OK ||
            (i > 0 && import->has_message)) {
            break;
        }
        error = apply_next(exchange);
    }
    const bool is_arriving = count_arriving(import) > 0;
    if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "applying the snapshot, half way");
    } else if (import->in_flight_count == 0 && !is_arriving &&
               (import->all_sent || import->code != MCPZ_CODE_OK)) {
        if (import->code != MCPZ_CODE_OK || import->is_lenient) {
            answer(exchange);
        } else {
            claim(exchange);
        }
    } else if (import->in_flight_count < IN_FLIGHT_MAX && !import->all_sent &&
               !import->has_message && import->code == MCPZ_CODE_OK) {
        mcpz_exchange_again(exchange);
    }
}

/* ---- The exchange ------------------------------------------------------------------------- */

static void work(struct mcpz_exchange *exchange)
{
    struct import *import = exchange->state;

    exchange->deadline_us = mcpz_api_now(exchange->api) + MCPZ_API_WAIT_US;
    if (import->verified) {
        apply(exchange);
    } else {
        verify(exchange);
    }
}

static void expire(struct mcpz_exchange *exchange)
{
    const struct import *import = exchange->state;

    for (size_t i = 0; i < ARRIVALS_MAX; i++) {
        if (mcpz_blob_arrival_looks(&import->arrivals[i])) {
            work(exchange);
            return;
        }
    }
    mcpz_exchange_fail(exchange, MCPZ_CODE_TIMEOUT,
                       "the node did not get this done in time: what came in stays, import it "
                       "again");
}

static bool note(struct mcpz_exchange *exchange, const struct mcpz_action *action)
{
    struct import *import = exchange->state;

    if (action->kind != MCPZ_ACTION_REPLY) {
        return false;
    }
    for (size_t i = 0; i < import->in_flight_count; i++) {
        const struct handed_in handed_in = import->in_flight[i];
        if (handed_in.request != action->reply.request) {
            continue;
        }
        import->in_flight[i] = import->in_flight[--import->in_flight_count];
        if (action->reply.code == MCPZ_CODE_OK) {
            import->applied += handed_in.is_base ? 0 : 1;
            import->bases_applied += handed_in.is_base ? 1 : 0;
        } else if (import->is_lenient) {
            import->refused++;
        } else if (import->code == MCPZ_CODE_OK) {
            import->code = action->reply.code;
            mcpz_bytes_to_text(action->reply.text, import->text, sizeof(import->text));
        }
        return true;
    }
    return false;
}

static void release(struct import *import)
{
    mcpz_import_finish(&import->file);
    mcpz_blob_claims_finish(&import->claims);
    for (size_t i = 0; i < ARRIVALS_MAX; i++) {
        mcpz_blob_arrival_finish(&import->arrivals[i]);
    }
    json_decref(import->lost);
    free(import->documents);
    free(import);
}

static void finish(struct mcpz_exchange *exchange)
{
    release(exchange->state);
}

static const struct mcpz_exchange_kind import_kind = {
    .note = note,
    .work = work,
    .expire = expire,
    .finish = finish,
};

static bool read_number(struct mcpz_bytes text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *number = 10 * *number + (uint64_t)(text.data[i] - '0');
    }
    return text.length >= 1 && text.length <= 18;
}

/* False: answered with what is wrong. */
static bool read_query(struct mcpz_exchange *exchange, struct mcpz_bytes query,
                       struct import *import)
{
    struct mcpz_bytes name;
    struct mcpz_bytes value;
    struct mcpz_id document;

    while (mcpz_exchange_parameter(&query, &name, &value)) {
        bool is_read = false;
        if (mcpz_bytes_equal(name, mcpz_text("lenient"))) {
            is_read = import->is_lenient = mcpz_bytes_equal(value, mcpz_text("1"));
        } else if (mcpz_bytes_equal(name, mcpz_text("parts"))) {
            is_read = import->is_some = mcpz_bytes_equal(value, mcpz_text("some"));
        } else if (mcpz_bytes_equal(name, mcpz_text("defer"))) {
            is_read = import->defers = mcpz_bytes_equal(value, mcpz_text("1"));
        } else if (mcpz_bytes_equal(name, mcpz_text("claim"))) {
            is_read = mcpz_id_from_text(value, 'd', &document) == MCPZ_OK &&
                      note_document(import, &document) == MCPZ_OK;
        } else if (mcpz_bytes_equal(name, mcpz_text("at"))) {
            is_read = read_number(value, &import->offset);
        }
        if (!is_read) {
            mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                               "an import can be asked for \"lenient=1\", \"parts=some\", "
                               "\"at=BYTE\", \"defer=1\" and \"claim=ID\" only");
            return false;
        }
    }
    return true;
}

void mcpz_api_import(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct import *import = calloc(1, sizeof(*import));

    if (import == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "importing");
        return;
    }
    import->lost = json_array();
    if (!read_query(exchange, request->query, import)) {
        release(import);
        return;
    }
    mcpz_error error = mcpz_snapshot_open(&import->reader, &exchange->input, import->is_some);
    if (error != MCPZ_OK) {
        fail_file(exchange, error, import->offset + import->reader.at);
        release(import);
        return;
    }
    mcpz_exchange_wait(exchange, &import_kind, import);
    work(exchange);
}
