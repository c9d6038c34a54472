/* A blob read through: chunks are lent by those who have them, and nothing is kept. */

#include "fake_blobs.h"
#include "fake_layout.h"
#include "http/blob_fetch.h"
#include "http/exchange.h"

static struct mcpz_blob_about about;

static void answer(struct mcpz_exchange *exchange, struct mcpz_blob_job *job)
{
    mcpz_body_append(&exchange->response.body, mcpz_bytes(job->bytes, job->length));
    mcpz_exchange_send(exchange, 200, "application/octet-stream");
}

static void read_from(struct mcpz_exchange *exchange, const struct mcpz_blob_about *asked)
{
    struct mcpz_blob_fetch fetch = {.root = asked->root, .length = 100, .answer = answer};

    memcpy(fetch.tenant, asked->tenant, sizeof(fetch.tenant));
    mcpz_blob_fetch(exchange, &fetch);
}

static struct mcpz_exchange *begin(void)
{
    struct mcpz_exchange *exchange = NULL;

    fake_blobs_begin();
    about = fake_blob_about(9);
    fake_blobs_turn();
    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    read_from(exchange, &about);
    fake_blobs_turn();
    return exchange;
}

static void end(struct mcpz_exchange *exchange)
{
    mcpz_api_close(exchange);
    fake_blobs_end();
}

static void send(size_t index, struct mcpz_bytes bytes)
{
    fake_fellow_sends(index, 200, bytes);
    fake_blobs_turn();
}

TEST(what_is_elsewhere_is_lent_and_read)
{
    struct mcpz_exchange *exchange = begin();

    CHECK_TEXT(fake_asks[0].path, "mcpz.blobs/chunks");
    send(0, fake_chunk);
    CHECK_UINT(fake_status(exchange), 0);
    CHECK(mcpz_id_equal(&fake_asks[1].node, &fake_asks[0].node)); /* it has some of it */
    send(1, fake_chunk);
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_TEXT(fake_text(exchange), "what it says");
    CHECK(!fake_blob_find(&about.root)->state.is_copy);
    CHECK_UINT(world.api->blobs.counts.read_through, 2);
    end(exchange);
}

TEST(another_goes_on_where_one_fails)
{
    struct mcpz_exchange *exchange = begin();

    send(0, fake_chunk);
    fake_fellow_fails(1, MCPZ_CODE_TIMEOUT);
    fake_blobs_turn();
    CHECK_UINT(fake_ask_count, 3);
    CHECK(!mcpz_id_equal(&fake_asks[2].node, &fake_asks[1].node));
    send(2, fake_rubbish);
    CHECK_UINT(fake_ask_count, 4);
    send(3, fake_chunk);
    CHECK_UINT(fake_status(exchange), 200);
    end(exchange);
}

TEST(what_nobody_has_is_told)
{
    struct mcpz_exchange *exchange = begin();

    for (size_t i = 0; i < 3; i++) {
        send(i, mcpz_bytes(NULL, 0));
    }
    CHECK_UINT(fake_ask_count, 3);
    CHECK_UINT(fake_status(exchange), 404);
    end(exchange);

    exchange = begin();
    send(0, mcpz_bytes(NULL, 0));
    fake_fellow_fails(1, MCPZ_CODE_TIMEOUT);
    fake_blobs_turn();
    send(2, mcpz_bytes(NULL, 0));
    CHECK_UINT(fake_status(exchange), 503); /* one that was silent may have it */
    end(exchange);
}

TEST(one_that_sends_rubbish_without_end_is_left)
{
    struct mcpz_exchange *exchange = begin();

    for (size_t i = 0; i < 3; i++) {
        CHECK_UINT(fake_ask_count, i + 1);
        send(i, fake_rubbish);
    }
    CHECK(fake_status(exchange) != 0 && fake_status(exchange) != 200);
    end(exchange);
}

TEST(who_asks_may_go_while_others_are_asked)
{
    struct mcpz_exchange *exchange = begin();

    mcpz_api_close(exchange);
    fake_blobs_turn();
    CHECK(fake_asks[0].exchange == NULL); /* it is called off */

    /* While its job is done, too. */
    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    read_from(exchange, &about);
    end(exchange);
}

/* A blob that came from another mesh: its old name is read as what it is called here. */
static struct mcpz_exchange *fetch(const struct mcpz_blob_about *asked)
{
    struct mcpz_exchange *exchange = NULL;

    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    read_from(exchange, asked);
    fake_blobs_turn();
    return exchange;
}

TEST(one_that_stands_for_another_is_read_as_that)
{
    static const char *const refs[] = {"d-agent", NULL};
    const struct mcpz_blob_about old = fake_blob_about(8);

    fake_blobs_begin();
    about = fake_blob_about(9);
    fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true});
    fake_blob_alias(&old, &about.root, refs);
    struct mcpz_exchange *exchange = fetch(&old);
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_TEXT(fake_text(exchange), "what it says");
    CHECK_UINT(fake_ask_count, 0);
    end(exchange);
}

/* Its document is B's, and nothing of it is anywhere: what is asked in the end is this. */
static size_t ask_for_name(struct mcpz_exchange *exchange)
{
    for (size_t i = 0; i < fake_ask_count; i++) {
        if (strstr(fake_asks[i].path, "mcpz.blobs/alias?blob=b-") != NULL) {
            return i;
        }
        fake_fellow_says(i, 404, "{}");
        fake_blobs_turn();
        CHECK_UINT(fake_status(exchange), 0);
    }
    fail_msg("nobody was asked what it stands for");
    return 0;
}

static struct mcpz_blob_about about_of_b(void)
{
    for (uint8_t number = 1;; number++) {
        const struct mcpz_blob_about found = fake_blob_about(number);
        struct mcpz_ack_wait wait = {0};
        mcpz_blob_keeper_targets(world.api, &found.root, &wait);
        if (wait.owners[0].node.bytes[0] == 'b') {
            return found;
        }
    }
}

TEST(those_who_keep_its_document_know_what_it_stands_for)
{
    char said[128];
    char name[MCPZ_ID_TEXT_BYTES];

    fake_blobs_begin();
    fake_layout_begin();
    const struct mcpz_blob_about old = about_of_b();
    about = fake_blob_about(200);
    fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true});
    struct mcpz_exchange *exchange = fetch(&old);
    size_t asked = ask_for_name(exchange);
    CHECK_UINT(fake_asks[asked].node.bytes[0], 'b');
    mcpz_id_to_text(&about.root, 'b', name);
    (void)snprintf(said, sizeof(said), "{\"stands_for\":\"%s\"}", name);
    fake_fellow_says(asked, 200, said);
    fake_blobs_turn();
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_TEXT(fake_text(exchange), "what it says");
    mcpz_api_close(exchange);

    exchange = fetch(&old); /* and where nobody knows, there is no such blob */
    for (size_t i = asked + 1; i < fake_ask_count; i++) {
        if (fake_asks[i].exchange != NULL) {
            fake_fellow_says(i, 404, "{}");
            fake_blobs_turn();
        }
    }
    CHECK(fake_status(exchange) == 404 || fake_status(exchange) == 503);
    end(exchange);
    fake_layout_end();
}

TEST(what_is_known_of_it_is_told_under_its_old_name_too)
{
    char text[MCPZ_ID_TEXT_BYTES];
    char path[128];
    char said[128];

    fake_blobs_begin();
    fake_layout_begin();
    const struct mcpz_blob_about old = about_of_b();
    about = fake_blob_about(200);
    fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
    mcpz_id_to_text(&old.root, 'b', text);
    (void)snprintf(path, sizeof(path), "/v1/blobs/%s?tenant=acme", text);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, path, NULL);
    fake_blobs_turn();
    const size_t asked = ask_for_name(exchange);
    mcpz_id_to_text(&about.root, 'b', text);
    (void)snprintf(said, sizeof(said), "{\"stands_for\":\"%s\"}", text);
    fake_fellow_says(asked, 200, said);
    fake_blobs_turn();
    for (size_t i = asked + 1; i < fake_ask_count; i++) {
        if (fake_asks[i].exchange != NULL) {
            fake_fellow_says(i, 200, "{\"whole\":false}");
            fake_blobs_turn();
        }
    }
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(strstr(fake_text(exchange), text) != NULL);
    CHECK(strstr(fake_text(exchange), "\"copies\":1") != NULL);
    end(exchange);
    fake_layout_end();
}

TEST_MAIN(RUN(what_is_elsewhere_is_lent_and_read), RUN(another_goes_on_where_one_fails),
          RUN(what_nobody_has_is_told), RUN(one_that_sends_rubbish_without_end_is_left),
          RUN(who_asks_may_go_while_others_are_asked),
          RUN(one_that_stands_for_another_is_read_as_that),
          RUN(those_who_keep_its_document_know_what_it_stands_for),
          RUN(what_is_known_of_it_is_told_under_its_old_name_too))
