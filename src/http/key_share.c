#include "http/key_share.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "blob/keyring.h"
#include "crypto/identity.h"
#include "crypto/seal.h"
#include "http/blob_fetch.h"
#include "http/exchange.h"

#define ASK_MS 10000
#define LETTER_BYTES_MAX (MCPZ_KEYRING_SHOWN_BYTES_MAX + MCPZ_SEAL_GREETING_BYTES)

/* A job, and the exchange that waits for it; NULL: it is gone. */
struct wait {
    struct mcpz_blob_job job;
    struct mcpz_exchange *exchange;
    struct mcpz_id peer; /* whom it is for, or from */
    bool is_asked;       /* of the job's thread */
    bool is_done;
};

static void release(struct wait *wait)
{
    mcpz_blob_job_finish(&wait->job);
    free(wait);
}

static void on_done(struct mcpz_blob_job *job)
{
    struct wait *wait = job->owner;

    wait->is_done = true;
    if (wait->exchange == NULL) {
        release(wait);
    } else {
        mcpz_exchange_again(wait->exchange);
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    struct wait *wait = exchange->state;

    mcpz_fellows_forget(exchange);
    wait->exchange = NULL;
    if (!wait->is_asked || wait->is_done) {
        release(wait);
    }
}

static struct wait *make(struct mcpz_exchange *exchange, enum mcpz_blob_ask ask)
{
    struct wait *wait = calloc(1, sizeof(*wait));

    if (wait != NULL) {
        wait->exchange = exchange;
        wait->job = (struct mcpz_blob_job){.ask = ask, .done = on_done, .owner = wait};
    }
    return wait;
}

/* False: too much is being done. */
static bool submit(struct wait *wait)
{
    const struct mcpz_blob_port *port = wait->exchange->api->ports.blobs;

    wait->is_asked = port != NULL && port->submit(port->context, &wait->job);
    return wait->is_asked;
}

static const struct mcpz_members *members_of(struct mcpz_exchange *exchange)
{
    return &mcpz_engine_node(mcpz_exchange_engine(exchange))->fabric.members;
}

/* ---- Answering ------------------------------------------------------------------------------ */

static json_t *show_letter(struct mcpz_exchange *exchange, const struct wait *wait)
{
    const size_t length = wait->job.length + MCPZ_SEAL_GREETING_BYTES;
    uint8_t *letter = malloc(length);
    char *text = malloc(MCPZ_BASE64_CHARS(length) + 1);
    struct mcpz_seal_room room = {.bytes = letter, .capacity = length};
    json_t *json = NULL;

    if (letter != NULL && text != NULL &&
        mcpz_engine_seal_letter(mcpz_exchange_engine(exchange), &wait->peer,
                                mcpz_bytes(wait->job.bytes, wait->job.length), &room) == MCPZ_OK) {
        mcpz_base64_encode(mcpz_bytes(letter, room.length), text);
        json = json_pack("{s:s}", "letter", text);
    }
    free(text);
    free(letter);
    return json;
}

static void work_answer(struct mcpz_exchange *exchange)
{
    const struct wait *wait = exchange->state;

    if (wait->is_done && wait->job.error == MCPZ_OK) {
        mcpz_exchange_answer(exchange, 200, show_letter(exchange, wait));
    } else if (wait->is_done) {
        mcpz_exchange_fail_error(exchange, wait->job.error, "reading the keys");
    }
}

static const struct mcpz_exchange_kind answering = {.work = work_answer, .finish = finish};

void mcpz_key_share_serve(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_bytes query = request->query;
    struct mcpz_bytes name;
    struct mcpz_bytes value;
    struct mcpz_id peer = {{0}};

    while (mcpz_exchange_parameter(&query, &name, &value)) {
        if (mcpz_bytes_equal(name, mcpz_text("for")) &&
            mcpz_id_from_text(value, 'n', &peer) != MCPZ_OK) {
            peer = (struct mcpz_id){{0}};
        }
    }
    if (mcpz_members_find(members_of(exchange), &peer) == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_DENIED, "keys are told to members only");
        return;
    }
    struct wait *wait = make(exchange, MCPZ_BLOB_SHOW_KEYS);
    if (wait == NULL || !submit(wait)) {
        free(wait);
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY, "too much is being done with keys at once");
        return;
    }
    wait->peer = peer;
    mcpz_exchange_wait(exchange, &answering, wait);
}

/* ---- Asking --------------------------------------------------------------------------------- */

/* What was sealed for us, into the job. False: it is not that. */
static bool open_letter(struct mcpz_exchange *exchange, struct wait *wait, const json_t *json)
{
    const json_t *said = json_object_get(json, "letter");
    const struct mcpz_bytes text =
        json_is_string(said) ? mcpz_bytes(json_string_value(said), json_string_length(said))
                             : mcpz_bytes(NULL, 0);
    size_t length = MCPZ_BASE64_DECODED_MAX(text.length);
    bool is_fine = false;

    if (text.length == 0 || length > LETTER_BYTES_MAX) {
        return false;
    }
    uint8_t *letter = malloc(length);
    wait->job.bytes = malloc(length);
    struct mcpz_seal_room room = {.bytes = wait->job.bytes, .capacity = length};
    if (letter != NULL && wait->job.bytes != NULL &&
        mcpz_base64_decode(text, letter, length, &length) == MCPZ_OK) {
        is_fine = mcpz_engine_open_letter(mcpz_exchange_engine(exchange), &wait->peer,
                                          mcpz_bytes(letter, length), &room) == MCPZ_OK;
    }
    wait->job.length = is_fine ? room.length : 0;
    free(letter);
    return is_fine;
}

static void give_up(struct mcpz_exchange *exchange)
{
    struct mcpz_api *api = exchange->api;

    api->key_share.ask_us = mcpz_api_now(api) + MCPZ_KEY_SHARE_AGAIN_US;
    mcpz_exchange_fail(exchange, MCPZ_CODE_UNAVAILABLE, "no keys were told");
}

static void work_ask(struct mcpz_exchange *exchange)
{
    struct wait *wait = exchange->state;
    unsigned status = 0;
    json_t *json = NULL;
    size_t waiting = 0;

    if (wait->is_done) {
        mcpz_exchange_answer(exchange, 200, json_object());
        return;
    }
    if (wait->is_asked || !mcpz_fellows_take(exchange, &wait->peer, &status, &json, &waiting)) {
        return;
    }
    if (status != 200 || !open_letter(exchange, wait, json) || !submit(wait)) {
        give_up(exchange);
    }
    json_decref(json);
}

static const struct mcpz_exchange_kind asking = {.work = work_ask, .finish = finish};

/* The member after the last that was asked, in the order of ids; NULL: there is none. */
static const struct mcpz_member *next_member(const struct mcpz_key_share *share,
                                             const struct mcpz_members *members,
                                             const struct mcpz_id *self)
{
    const struct mcpz_member *after = NULL;
    const struct mcpz_member *first = NULL;

    if (share->has_next) {
        after = mcpz_members_find(members, &share->next);
        if (after != NULL && !mcpz_member_is_gone(after)) {
            return after;
        }
        after = NULL;
    }
    for (size_t i = 0; i < members->roster.count; i++) {
        const struct mcpz_member *member = &members->roster.rows[i];
        if (mcpz_member_is_gone(member) || mcpz_id_equal(&member->id, self)) {
            continue;
        }
        if (first == NULL || mcpz_id_compare(&member->id, &first->id) < 0) {
            first = member;
        }
        if (share->has_last && mcpz_id_compare(&member->id, &share->last) > 0 &&
            (after == NULL || mcpz_id_compare(&member->id, &after->id) < 0)) {
            after = member;
        }
    }
    return after != NULL ? after : first;
}

static void on_answered(struct mcpz_exchange *exchange)
{
    struct mcpz_api *api = exchange->api;

    api->key_share.is_over = true;
    mcpz_api_stir(api);
}

static void ask(struct mcpz_key_share *share, struct mcpz_api *api,
                const struct mcpz_member *member)
{
    char text[MCPZ_ID_TEXT_BYTES];
    char path[sizeof(MCPZ_KEY_SHARE_PATH) + sizeof("?for=") + MCPZ_ID_TEXT_BYTES];

    const struct mcpz_id node = member->id;

    if (!share->has_next) {
        share->last = node;
        share->has_last = true;
    }
    share->has_next = false;
    if (mcpz_api_open(api, NULL, &share->exchange) != MCPZ_OK) {
        share->exchange = NULL;
        return;
    }
    share->exchange->answered_elsewhere = on_answered;
    struct wait *wait = make(share->exchange, MCPZ_BLOB_ADOPT_KEYS);
    if (wait == NULL) {
        mcpz_api_close(share->exchange);
        share->exchange = NULL;
        return;
    }
    mcpz_exchange_wait(share->exchange, &asking, wait);
    mcpz_id_to_text(mcpz_engine_id(mcpz_api_engine(api)), 'n', text);
    (void)snprintf(path, sizeof(path), MCPZ_KEY_SHARE_PATH "?for=%s", text);
    if (!mcpz_fellows_ask(share->exchange, &node, "GET", path, NULL, ASK_MS)) {
        give_up(share->exchange);
    }
}

void mcpz_key_share_hear(struct mcpz_key_share *share, const struct mcpz_fact *fact, mcpz_time now)
{
    if (fact->kind == MCPZ_FACT_ALIVE && share->ask_us > now + MCPZ_KEY_SHARE_SOON_US) {
        share->ask_us = now + MCPZ_KEY_SHARE_SOON_US;
    }
}

void mcpz_key_share_ask(struct mcpz_key_share *share, const struct mcpz_id *member)
{
    share->next = *member;
    share->has_next = true;
    share->ask_us = 0;
}

void mcpz_key_share_finish(struct mcpz_key_share *share)
{
    if (share->exchange != NULL) {
        mcpz_api_close(share->exchange);
        share->exchange = NULL;
    }
}

void mcpz_key_share_look(struct mcpz_key_share *share, struct mcpz_api *api)
{
    const mcpz_time now = mcpz_api_now(api);

    if (share->exchange != NULL && share->is_over) {
        mcpz_api_close(share->exchange);
        share->exchange = NULL;
        share->is_over = false;
        mcpz_blob_fetch_keys_came(api);
    }
    if (share->exchange != NULL || api->ports.keyring == NULL || now < share->ask_us) {
        return;
    }
    share->ask_us = now + MCPZ_KEY_SHARE_US;
    const struct mcpz_engine *engine = mcpz_api_engine(api);
    const struct mcpz_member *member =
        next_member(share, &mcpz_engine_node(engine)->fabric.members, mcpz_engine_id(engine));
    if (member != NULL) {
        ask(share, api, member);
    }
}
