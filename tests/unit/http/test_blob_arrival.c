/* A blob that comes in with a file of agents: put as its pieces come, under the name it has or
 * another one; and what is left of it when something goes wrong. */

#include "fake_blobs.h"
#include "http/blob_arrival.h"
#include "http/document.h"
#include "http/exchange.h"
#include "proto/code.h"

#define CONTENT "what is written"

static const struct mcpz_id foreign = {{1, 1}}; /* what the file calls it */
static const struct mcpz_id ours = {{2, 1}};    /* what it may be called here */

static struct mcpz_blob_arrival arrival;
static struct mcpz_exchange *exchange;
static size_t taken; /* pieces */
static size_t replied;
static size_t answered;

static void work(struct mcpz_exchange *self)
{
    taken += mcpz_blob_arrival_go_on(&arrival, self) ? 1 : 0;
}

static void expire(struct mcpz_exchange *self)
{
    CHECK(mcpz_blob_arrival_looks(&arrival));
    work(self);
}

static const struct mcpz_exchange_kind kind = {.work = work, .expire = expire};

static void begin_exchange(void)
{
    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    mcpz_exchange_wait(exchange, &kind, NULL);
}

static void begin(void)
{
    fake_blobs_begin();
    world.engine.may_admit = true;
    fake_upload.id = ours;
    arrival = (struct mcpz_blob_arrival){.phase = 0};
    taken = 0;
    replied = 0;
    answered = 0;
    begin_exchange();
}

static void end(void)
{
    mcpz_blob_arrival_finish(&arrival);
    mcpz_api_close(exchange);
    fake_blobs_end();
}

/* Other nodes have nothing, and keep what they are asked to. */
static void answer_asks(void)
{
    for (; answered < fake_ask_count; answered++) {
        const struct fake_ask *ask = &fake_asks[answered];
        if (ask->exchange != NULL && !ask->over) {
            fake_fellow_says(answered, 200,
                             strstr(ask->path, "/keep") != NULL ? "{\"whole\":true}"
                                                                : "{\"whole\":false}");
            fake_blobs_turn();
        }
    }
}

/* What the engine is told is written. */
static void settle(void)
{
    fake_blobs_turn();
    answer_asks();
    while (replied < world.engine.event_count) {
        const struct mcpz_event *event = &world.engine.events[replied++];
        if (event->kind == MCPZ_EVENT_AGENT_WRITE) {
            fake_reply(event->agent.request, MCPZ_CODE_OK, "");
        }
        fake_blobs_turn();
        answer_asks();
    }
}

static struct mcpz_snapshot_blob piece_of(uint64_t offset, uint32_t length)
{
    struct mcpz_snapshot_blob blob = {.root = foreign,
                                      .tenant = "acme",
                                      .size = strlen(CONTENT),
                                      .offset = offset,
                                      .length = length,
                                      .at = offset,
                                      .is_last = offset + length == strlen(CONTENT)};

    mcpz_digest(MCPZ_DIGEST_SNAPSHOT, mcpz_text(CONTENT), blob.digest);
    return blob;
}

static void take(const struct mcpz_snapshot_blob *blob)
{
    struct mcpz_body body;

    mcpz_body_init(&body, "/tmp");
    mcpz_body_text(&body, CONTENT);
    CHECK_UINT(mcpz_blob_arrival_begin(&arrival, blob, &body), MCPZ_OK);
    mcpz_body_finish(&body);
    mcpz_exchange_again(exchange);
    settle();
}

static void take_piece(uint64_t offset, uint32_t length)
{
    const struct mcpz_snapshot_blob blob = piece_of(offset, length);

    take(&blob);
}

static void take_all(void)
{
    take_piece(0, 5);
    take_piece(5, (uint32_t)strlen(CONTENT) - 5);
}

/* Writes into the document of the blob `root`: how many with that path. */
static size_t writes_to(const struct mcpz_id *root, enum mcpz_agent_op op, const char *key)
{
    struct mcpz_path path;
    struct mcpz_id document;
    size_t count = 0;

    mcpz_blob_book_id(root, &document);
    CHECK_UINT(mcpz_path_from_text(mcpz_text(key), &path), MCPZ_OK);
    for (size_t i = 0; i < world.engine.event_count; i++) {
        const struct mcpz_event_agent *agent = &world.engine.events[i].agent;
        count += world.engine.events[i].kind == MCPZ_EVENT_AGENT_WRITE && agent->op == op &&
                         mcpz_id_equal(&agent->document, &document) &&
                         mcpz_bytes_equal(agent->path, mcpz_bytes(path.bytes, path.length))
                     ? 1
                     : 0;
    }
    return count;
}

TEST(one_that_has_its_name_is_put_and_that_is_all)
{
    begin();
    fake_upload.id = foreign;
    take_all();
    CHECK_UINT(taken, 2);
    CHECK(arrival.blobs_put == 1 && arrival.blobs_renamed == 0);
    CHECK_UINT(arrival.bytes_put, strlen(CONTENT));
    CHECK(memcmp(fake_upload.bytes, CONTENT, strlen(CONTENT)) == 0);
    CHECK_UINT(writes_to(&foreign, MCPZ_AGENT_ADD, "refs"), 1); /* "brief" */
    CHECK_UINT(writes_to(&foreign, MCPZ_AGENT_ADD, "as"), 0);
    end();
}

TEST(one_that_has_another_name_here_is_found_by_both)
{
    static const char *const brief[] = {"brief", NULL};
    char book[MCPZ_ID_TEXT_BYTES];
    struct mcpz_id document;

    begin();
    struct mcpz_blob_about about = {.root = ours, .tenant = "acme", .size = strlen(CONTENT)};
    fake_blob_book(&about, brief); /* as it is once it was put */
    take_all();
    CHECK_UINT(taken, 2);
    CHECK(arrival.blobs_put == 1 && arrival.blobs_renamed == 1);
    mcpz_blob_book_id(&foreign, &document);
    mcpz_id_to_text(&document, 'd', book);
    CHECK_UINT(fake_writes(MCPZ_AGENT_ADD, book), 1); /* the old name refers to it, */
    CHECK_UINT(writes_to(&foreign, MCPZ_AGENT_ADD, "refs"), 1);
    CHECK_UINT(writes_to(&foreign, MCPZ_AGENT_ADD, "as"), 1); /* and stands for it, */
    CHECK_UINT(fake_writes(MCPZ_AGENT_REMOVE, "brief"), 1);   /* which needs "brief" no more */
    end();
}

TEST(where_others_may_not_be_admitted_no_other_name_is_taken)
{
    begin();
    world.engine.may_admit = false;
    take_all();
    CHECK_UINT(taken, 1);
    CHECK_UINT(fake_status(exchange), mcpz_api_status_of(MCPZ_CODE_WRONG_MESH));
    CHECK(strstr(fake_text(exchange), "it is of another mesh, or is not what its name says"));
    CHECK_UINT(writes_to(&foreign, MCPZ_AGENT_ADD, "as"), 0);
    end();
}

TEST(what_is_here_is_not_needed_again)
{
    begin();
    fake_blob_add(&foreign, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
    take_all();
    CHECK_UINT(taken, 2);
    CHECK(arrival.blobs_known == 1 && arrival.blobs_put == 0);
    CHECK(mcpz_id_equal(&arrival.known, &foreign));
    CHECK_UINT(fake_upload.begun, 0);
    end();
}

/* It says that it is whole, until it is read: then it is put anew. */
TEST(what_is_here_and_damaged_is_put_anew)
{
    begin();
    fake_blob_add(&foreign, (struct mcpz_blob_state){.is_whole = true, .is_put = true})->lacks = 1;
    fake_upload.id = foreign;
    take_piece(0, 5);
    CHECK_UINT(fake_upload.begun, 1);
    CHECK_UINT(arrival.blobs_known, 0);
    end();
}

TEST(it_goes_on_where_another_request_was_broken_off)
{
    begin();
    fake_upload.id = foreign;
    take_piece(0, 5);
    mcpz_blob_arrival_finish(&arrival);
    mcpz_api_close(exchange);
    arrival = (struct mcpz_blob_arrival){.phase = 0};
    begin_exchange();
    take_piece(0, 5); /* which has come */
    CHECK_UINT(taken, 2);
    CHECK_UINT(arrival.bytes_put, 0);
    take_piece(5, (uint32_t)strlen(CONTENT) - 5);
    CHECK_UINT(taken, 3);
    CHECK_UINT(fake_upload.begun, 1);
    CHECK_UINT(arrival.blobs_put, 1);
    end();
}

TEST(an_upload_that_was_given_up_is_begun_anew_from_its_start_only)
{
    begin();
    fake_upload.id = foreign;
    take_piece(0, 5);
    fake_upload.is_open = false;
    take_piece(5, 5);
    CHECK_UINT(fake_status(exchange), 409);
    CHECK(strstr(fake_text(exchange), "bytes before 5 are not here"));
    mcpz_api_close(exchange);
    begin_exchange();
    take_all();
    CHECK_UINT(taken, 3);
    CHECK_UINT(fake_upload.begun, 2);
    CHECK_UINT(arrival.blobs_put, 1);
    end();
}

TEST(bytes_that_are_not_those_that_were_written_are_not_kept)
{
    struct mcpz_snapshot_blob blob = piece_of(0, (uint32_t)strlen(CONTENT));

    begin();
    blob.digest[0] ^= 1;
    take(&blob);
    CHECK_UINT(fake_status(exchange), 400);
    CHECK(strstr(fake_text(exchange), "are not those that were written"));
    CHECK_UINT(fake_blob_count, 0);
    CHECK_UINT(world.engine.event_count, 0);
    end();
}

TEST(pieces_out_of_turn_are_refused)
{
    begin();
    take_piece(5, 5); /* nothing of it is here */
    CHECK_UINT(fake_status(exchange), 409);
    mcpz_api_close(exchange);
    begin_exchange();
    take_piece(0, 5);
    take_piece(8, 4);
    CHECK_UINT(fake_status(exchange), 409);
    CHECK(strstr(fake_text(exchange), "from byte 8 on, where one from 5 on"));
    CHECK_UINT(taken, 1);
    end();
}

TEST(where_the_disk_is_full_that_is_said_and_nothing_is_left)
{
    begin();
    take_piece(0, 5);
    fake_blobs_are_full = true;
    take_piece(5, 5);
    CHECK_UINT(fake_status(exchange), 507);
    CHECK(strstr(fake_text(exchange), "of 15 bytes: "));
    CHECK(strstr(fake_text(exchange), "nothing of it was kept"));
    CHECK_UINT(fake_blob_count, 0);
    CHECK(!fake_upload.is_open);
    mcpz_api_close(exchange);
    fake_blobs_are_full = false;
    fake_upload.id = foreign;
    begin_exchange();
    take_all(); /* there is room again */
    CHECK_UINT(arrival.blobs_put, 1);
    end();
}

/* As many as can be are being placed, or none is. */
static void fill_places(bool used)
{
    for (size_t i = 0; i < MCPZ_BLOB_PLACES_MAX; i++) {
        world.api->blobs.places[i].used = used;
        world.api->blobs.places[i].ask_us = MCPZ_TIME_NEVER;
        world.api->blobs.places[i].came_us = MCPZ_SECONDS(3600); /* and are coming on */
    }
}

TEST(while_too_many_are_being_placed_it_waits)
{
    begin();
    fake_upload.id = foreign;
    fill_places(true);
    take_all();
    CHECK_UINT(taken, 1);
    CHECK_UINT(arrival.blobs_put, 0);
    fake_blobs_tick(MCPZ_BLOB_ARRIVAL_LOOK_US);
    CHECK_UINT(taken, 1);
    world.api->blobs.places[3].used = false;
    fake_blobs_tick(MCPZ_BLOB_ARRIVAL_LOOK_US);
    settle();
    CHECK_UINT(taken, 2);
    CHECK_UINT(arrival.blobs_put, 1);
    fill_places(false);
    end();
}

TEST(when_it_has_waited_long_it_can_be_imported_again)
{
    begin();
    fake_upload.id = foreign;
    fill_places(true);
    take_all();
    fake_blobs_tick(MCPZ_BLOB_ARRIVAL_PATIENCE_US);
    CHECK_UINT(fake_status(exchange), 429);
    CHECK(fake_upload.is_open);
    fill_places(false);
    mcpz_api_close(exchange);
    begin_exchange();
    take_all();
    CHECK_UINT(fake_upload.begun, 1);
    CHECK_UINT(arrival.blobs_put, 1);
    end();
}

TEST(one_that_was_lost_takes_nothing)
{
    struct mcpz_snapshot_blob blob = piece_of(0, 0);

    begin();
    blob.is_lost = true;
    take(&blob);
    CHECK_UINT(taken, 1);
    CHECK_UINT(fake_upload.begun, 0);
    end();
}

TEST_MAIN(RUN(one_that_has_its_name_is_put_and_that_is_all),
          RUN(one_that_has_another_name_here_is_found_by_both),
          RUN(where_others_may_not_be_admitted_no_other_name_is_taken),
          RUN(what_is_here_is_not_needed_again), RUN(what_is_here_and_damaged_is_put_anew),
          RUN(it_goes_on_where_another_request_was_broken_off),
          RUN(an_upload_that_was_given_up_is_begun_anew_from_its_start_only),
          RUN(bytes_that_are_not_those_that_were_written_are_not_kept),
          RUN(pieces_out_of_turn_are_refused),
          RUN(where_the_disk_is_full_that_is_said_and_nothing_is_left),
          RUN(while_too_many_are_being_placed_it_waits),
          RUN(when_it_has_waited_long_it_can_be_imported_again),
          RUN(one_that_was_lost_takes_nothing))
