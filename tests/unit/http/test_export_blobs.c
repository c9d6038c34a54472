/* Blobs that exported agents name: each in the file once, or said to be lost. */

#include "fake_blobs.h"
#include "http/snapshot.h"

static const struct mcpz_id first = {{7, 7}};
static const struct mcpz_id second = {{8, 8}};

static struct mcpz_snapshot_reader reader;
static struct mcpz_body file;

/* Other nodes have nothing of what is asked for. */
static void answer_asks(void)
{
    static const struct mcpz_bytes nothing = {(const uint8_t *)"", 0};

    for (size_t i = 0; i < fake_ask_count; i++) {
        if (fake_asks[i].exchange != NULL && !fake_asks[i].over) {
            fake_fellow_sends(i, 200, nothing);
            fake_blobs_turn();
        }
    }
}

/* Export, and read all of it as a client that takes little at a time. */
static void export(const char *path)
{
    uint8_t bytes[MCPZ_PULL_BYTES_MIN];
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, path, NULL);

    fake_blobs_turn();
    for (size_t i = 0; i < 100 && fake_status(exchange) == 0; i++) {
        answer_asks();
    }
    CHECK_UINT(fake_status(exchange), 200);
    const struct mcpz_response *response = mcpz_api_response(exchange);
    mcpz_body_init(&file, "/tmp");
    for (size_t idle = 0; !response->ended && idle < 100;) {
        const size_t length = mcpz_api_pull(exchange, bytes, sizeof(bytes));
        mcpz_body_append(&file, mcpz_bytes(bytes, length));
        idle = length == 0 ? idle + 1 : 0;
        fake_blobs_turn();
        answer_asks();
    }
    CHECK(response->ended);
    mcpz_api_close(exchange);
}

/* Of the file: blobs that are whole in it, and those that are lost. */
static void count_blobs(size_t *whole, size_t *lost)
{
    struct mcpz_bytes message;
    mcpz_error error = mcpz_snapshot_open(&reader, &file, false);

    *whole = 0;
    *lost = 0;
    while (error == MCPZ_OK) {
        error = mcpz_snapshot_next(&reader, &message);
        *whole += error == MCPZ_OK && reader.has_blob && reader.blob.is_last ? 1 : 0;
        *lost += error == MCPZ_OK && reader.has_blob && reader.blob.is_lost ? 1 : 0;
    }
    CHECK_UINT(error, MCPZ_ENOTFOUND);
}

static struct mcpz_blob_about named(const struct mcpz_id *document, uint8_t number, uint64_t size)
{
    struct mcpz_blob_about about = fake_blob_about(number);

    about.size = size;
    fake_blob_named(document, &about);
    return about;
}

static void end(void)
{
    mcpz_body_finish(&file);
    fake_blobs_end();
}

TEST(one_that_two_agents_name_is_in_the_file_once)
{
    uint8_t bytes[16];
    struct mcpz_bytes message;
    size_t whole;
    size_t lost;

    fake_blobs_begin();
    const struct mcpz_blob_about about = named(&first, 1, strlen(fake_content));
    (void)named(&second, 1, strlen(fake_content));
    fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
    export("/v1/snapshots/export");
    count_blobs(&whole, &lost);
    CHECK(whole == 1 && lost == 0);
    CHECK_UINT(mcpz_snapshot_open(&reader, &file, false), MCPZ_OK);
    CHECK_UINT(mcpz_snapshot_next(&reader, &message), MCPZ_OK);
    CHECK(mcpz_id_equal(&reader.blob.root, &about.root));
    CHECK_TEXT(reader.blob.tenant, "acme");
    CHECK_UINT(reader.blob.length, 12);
    CHECK_UINT(mcpz_body_read_all(&file, reader.blob.at, bytes, 12), MCPZ_OK);
    CHECK(memcmp(bytes, fake_content, 12) == 0);
    end();
}

TEST(one_that_nobody_has_is_lost_and_the_rest_is_there)
{
    size_t whole;
    size_t lost;

    fake_blobs_begin();
    (void)named(&first, 1, 12);
    const struct mcpz_blob_about about = named(&second, 2, 12);
    fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
    export("/v1/snapshots/export");
    count_blobs(&whole, &lost);
    CHECK(whole == 1 && lost == 1);
    end();
}

TEST(one_that_is_of_another_size_than_its_name_says_is_lost)
{
    static const uint64_t sizes[] = {11, 13, UINT64_C(1) << 45};
    size_t whole;
    size_t lost;

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(sizes); i++) {
        fake_blobs_begin();
        const struct mcpz_blob_about about = named(&first, 1, sizes[i]);
        fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
        export("/v1/snapshots/export");
        count_blobs(&whole, &lost);
        CHECK(whole == 0 && lost == 1);
        end();
    }
}

TEST(what_is_another_tenants_is_not_for_whom_this_ones_is_exported)
{
    size_t whole;
    size_t lost;

    fake_blobs_begin();
    const struct mcpz_blob_about about = named(&first, 1, 12); /* of acme */
    fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
    world.tenant = "default";
    export("/v1/snapshots/export");
    world.tenant = NULL;
    count_blobs(&whole, &lost);
    CHECK(whole == 0 && lost == 1);
    end();
}

TEST(without_blobs_none_is_read)
{
    size_t whole;
    size_t lost;

    fake_blobs_begin();
    (void)named(&first, 1, 12);
    export("/v1/snapshots/export?blobs=no");
    count_blobs(&whole, &lost);
    CHECK(whole == 0 && lost == 0);
    CHECK_UINT(fake_ask_count, 0);
    mcpz_body_finish(&file);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/snapshots/export?blobs=yes", NULL);
    CHECK_UINT(fake_status(exchange), 400);
    mcpz_api_close(exchange);
    end();
}

TEST(one_agent_brings_its_own)
{
    size_t whole;
    size_t lost;
    struct mcpz_id document;

    fake_blobs_begin();
    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text("agent"), &document);
    const struct mcpz_blob_about about = named(&document, 1, 12);
    (void)named(&second, 2, 12); /* not asked for */
    fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_put = true});
    export("/v1/snapshots/export?agent=agent");
    count_blobs(&whole, &lost);
    CHECK(whole == 1 && lost == 0);
    end();
}

TEST_MAIN(RUN(one_that_two_agents_name_is_in_the_file_once),
          RUN(one_that_nobody_has_is_lost_and_the_rest_is_there),
          RUN(one_that_is_of_another_size_than_its_name_says_is_lost),
          RUN(what_is_another_tenants_is_not_for_whom_this_ones_is_exported),
          RUN(without_blobs_none_is_read), RUN(one_agent_brings_its_own))
