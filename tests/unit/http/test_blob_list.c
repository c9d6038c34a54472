/* Blobs of the mesh: the pages of all nodes, in one order. */

#include "fake_blobs.h"
#include "http/blob_list.h"

static json_t *said;

/* Blob 1 is here. */
static struct mcpz_exchange *begin(const char *path)
{
    const struct mcpz_blob_about about = fake_blob_about(1);

    fake_blobs_begin();
    fake_blobs_turn();
    struct fake_blob *blob =
        fake_blob_add(&about.root, (struct mcpz_blob_state){.is_whole = true, .is_copy = true});
    memcpy(blob->row.tenant, "acme", 4);
    blob->row.tenant_length = 4;
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, path, NULL);
    fake_blobs_turn();
    return exchange;
}

static void end(struct mcpz_exchange *exchange)
{
    json_decref(said);
    said = NULL;
    mcpz_api_close(exchange);
    fake_blobs_end();
}

/* The node that was asked in `index` says that it has `count` blobs of `tenant`, from `first` on.
 */
static void says(size_t index, uint8_t first, size_t count, const char *tenant)
{
    struct mcpz_blob_row row = {.tenant_length = (uint8_t)strlen(tenant)};
    json_t *rows = json_array();

    memcpy(row.tenant, tenant, row.tenant_length);
    for (size_t i = 0; i < count; i++) {
        const struct mcpz_blob_about about = fake_blob_about((uint8_t)(first + i));
        (void)json_array_append_new(rows, mcpz_blob_list_show(&about.root, &row));
    }
    char *text = json_dumps(rows, 0);
    fake_fellow_says(index, 200, text);
    free(text);
    json_decref(rows);
    fake_blobs_turn();
}

static void read_answer(const struct mcpz_exchange *exchange)
{
    CHECK_UINT(fake_status(exchange), 200);
    said = json_loads(fake_text(exchange), 0, NULL);
    CHECK(said != NULL);
}

static void check_row(size_t index, uint8_t number, size_t copies)
{
    const struct mcpz_blob_about about = fake_blob_about(number);
    const json_t *row = json_array_get(said, index);
    char name[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(&about.root, 'b', name);
    CHECK_TEXT(json_string_value(json_object_get(row, "blob")), name);
    CHECK_UINT(json_integer_value(json_object_get(row, "copies")), copies);
    CHECK_UINT(json_array_size(json_object_get(row, "nodes")), copies);
}

TEST(what_the_nodes_say_is_one_list)
{
    struct mcpz_exchange *exchange = begin("/v1/blobs?tenant=acme");

    CHECK_UINT(fake_ask_count, 3);
    CHECK(strncmp(fake_asks[0].path, "/v1/blobs?here=true\nafter=b-", 28) == 0);
    CHECK(strstr(fake_asks[0].path, "\ntenant=acme") != NULL);
    says(0, 1, 3, "acme");
    says(1, 0, 1, "acme");
    CHECK_UINT(fake_status(exchange), 0);
    fake_fellow_fails(2, MCPZ_CODE_TIMEOUT); /* and is missed, where it is to have one */
    fake_blobs_turn();
    read_answer(exchange);
    CHECK_UINT(json_array_size(said), 4);
    check_row(0, 0, 1);
    check_row(1, 1, 2);
    check_row(2, 2, 1);
    check_row(3, 3, 1);
    for (size_t i = 0; i < 4; i++) {
        const json_t *row = json_array_get(said, i);
        const size_t wanted = json_array_size(json_object_get(row, "wanted"));
        const size_t missing = json_array_size(json_object_get(row, "missing"));
        CHECK_UINT(wanted, 3);
        CHECK(missing >= wanted - json_array_size(json_object_get(row, "nodes")));
        CHECK(missing <= wanted);
    }
    end(exchange);
}

/* The first names of all pages: what one has beyond them comes with the next page. */
TEST(a_page_is_no_longer_than_a_node_s)
{
    struct mcpz_exchange *exchange = begin("/v1/blobs?tenant=acme");

    says(0, 50, 100, "acme");
    says(1, 2, 60, "acme");
    says(2, 200, 50, "acme");
    read_answer(exchange);
    CHECK_UINT(json_array_size(said), MCPZ_BLOB_LIST_MAX);
    check_row(0, 1, 1);
    check_row(1, 2, 1);
    check_row(50, 51, 2);
    check_row(99, 100, 1);
    end(exchange);
}

TEST(rubbish_and_what_is_another_tenant_s_is_left_out)
{
    struct mcpz_exchange *exchange = begin("/v1/blobs?tenant=acme");

    says(0, 2, 1, "bolt");
    fake_fellow_says(1, 200, "[7, {}, {\"blob\": \"b-x\", \"tenant\": \"acme\"}, null]");
    fake_blobs_turn();
    fake_fellow_says(2, 404, "{\"error\": {}}");
    fake_blobs_turn();
    read_answer(exchange);
    CHECK_UINT(json_array_size(said), 1);
    check_row(0, 1, 1);
    end(exchange);
}

TEST(here_nobody_is_asked)
{
    struct mcpz_exchange *exchange = begin("/v1/blobs?tenant=acme&here=true");

    CHECK_UINT(fake_ask_count, 0);
    read_answer(exchange);
    CHECK_UINT(json_array_size(said), 1);
    CHECK(json_object_get(json_array_get(said, 0), "nodes") == NULL);
    end(exchange);
}

TEST(who_goes_away_is_forgotten)
{
    struct mcpz_exchange *exchange = begin("/v1/blobs?tenant=acme");

    says(0, 1, 3, "acme");
    end(exchange);
}

TEST_MAIN(RUN(what_the_nodes_say_is_one_list), RUN(a_page_is_no_longer_than_a_node_s),
          RUN(rubbish_and_what_is_another_tenant_s_is_left_out), RUN(here_nobody_is_asked),
          RUN(who_goes_away_is_forgotten))
