/* A blob read through: chunks are lent by those who have them, and nothing is kept. */

#include "fake_blobs.h"
#include "http/blob_fetch.h"
#include "http/exchange.h"

static struct mcpz_blob_about about;

static void answer(struct mcpz_exchange *exchange, struct mcpz_blob_job *job)
{
    mcpz_body_append(&exchange->response.body, mcpz_bytes(job->bytes, job->length));
    mcpz_exchange_send(exchange, 200, "application/octet-stream");
}

static struct mcpz_exchange *begin(const struct mcpz_id *hint)
{
    struct mcpz_exchange *exchange = NULL;

    fake_blobs_begin();
    about = fake_blob_about(9);
    fake_blobs_turn();
    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    mcpz_blob_fetch(
        exchange,
        &(struct mcpz_blob_fetch){
            .ask = MCPZ_BLOB_READ, .about = about, .length = 100, .hint = hint, .answer = answer});
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
    const struct mcpz_id hint = {{'d'}};
    struct mcpz_exchange *exchange = begin(&hint);

    CHECK_UINT(fake_asks[0].node.bytes[0], 'd'); /* who is said to have it comes first */
    CHECK_TEXT(fake_asks[0].path, "mcpz.blobs/chunks");
    send(0, fake_chunk);
    CHECK_UINT(fake_status(exchange), 0);
    CHECK_UINT(fake_asks[1].node.bytes[0], 'd');
    send(1, fake_chunk);
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_TEXT(fake_text(exchange), "what it says");
    CHECK(!fake_blob_find(&about.root)->state.is_copy);
    CHECK_UINT(world.api->blobs.counts.read_through, 2);
    end(exchange);
}

TEST(another_goes_on_where_one_fails)
{
    struct mcpz_exchange *exchange = begin(NULL);

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
    struct mcpz_exchange *exchange = begin(NULL);

    for (size_t i = 0; i < 3; i++) {
        send(i, mcpz_bytes(NULL, 0));
    }
    CHECK_UINT(fake_ask_count, 3);
    CHECK_UINT(fake_status(exchange), 404);
    end(exchange);

    exchange = begin(NULL);
    send(0, mcpz_bytes(NULL, 0));
    fake_fellow_fails(1, MCPZ_CODE_TIMEOUT);
    fake_blobs_turn();
    send(2, mcpz_bytes(NULL, 0));
    CHECK_UINT(fake_status(exchange), 503); /* one that was silent may have it */
    end(exchange);
}

TEST(one_that_sends_rubbish_without_end_is_left)
{
    struct mcpz_exchange *exchange = begin(NULL);

    for (size_t i = 0; i < 3; i++) {
        CHECK_UINT(fake_ask_count, i + 1);
        send(i, fake_rubbish);
    }
    CHECK(fake_status(exchange) != 0 && fake_status(exchange) != 200);
    end(exchange);
}

TEST(who_asks_may_go_while_others_are_asked)
{
    struct mcpz_exchange *exchange = begin(NULL);

    mcpz_api_close(exchange);
    fake_blobs_turn();
    CHECK(fake_asks[0].exchange == NULL); /* it is called off */

    /* While its job is done, too. */
    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    mcpz_blob_fetch(exchange,
                    &(struct mcpz_blob_fetch){
                        .ask = MCPZ_BLOB_READ, .about = about, .length = 100, .answer = answer});
    end(exchange);
}

TEST_MAIN(RUN(what_is_elsewhere_is_lent_and_read), RUN(another_goes_on_where_one_fails),
          RUN(what_nobody_has_is_told), RUN(one_that_sends_rubbish_without_end_is_left),
          RUN(who_asks_may_go_while_others_are_asked))
