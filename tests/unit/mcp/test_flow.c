#include "mcp/flow.h"
#include "test.h"

static struct mcpz_flow flow;

static void add(const char *text)
{
    const struct mcpz_bytes part = mcpz_text(text);
    CHECK_UINT(mcpz_flow_add(&flow, &part, 1), MCPZ_OK);
}

/* All there is, in pieces of at most `piece`. */
static void check_pulled(size_t piece, const char *expected)
{
    uint8_t out[4096];
    size_t used = 0;
    size_t length;

    while ((length = mcpz_flow_pull(&flow, out + used, piece)) > 0) {
        CHECK(length <= piece);
        used += length;
    }
    CHECK_BYTES(mcpz_bytes(out, used), expected, strlen(expected));
    CHECK(mcpz_flow_is_sent(&flow));
}

TEST(messages_become_events_with_ids)
{
    const struct mcpz_bytes parts[] = {mcpz_text("{\"a\":\r\n"), mcpz_text("1}\n")};

    mcpz_flow_init(&flow, 3);
    CHECK(mcpz_flow_is_sent(&flow));
    CHECK_UINT(mcpz_flow_prime(&flow, MCPZ_FLOW_RETRY_MS), MCPZ_OK);
    add("{}");
    CHECK_UINT(mcpz_flow_add(&flow, parts, 2), MCPZ_OK);
    CHECK(!mcpz_flow_is_sent(&flow));
    check_pulled(7, "id: 3-1\nretry: 1000\ndata: \n\nid: 3-2\ndata: {}\n\n"
                    "id: 3-3\ndata: {\"a\":  1} \n\n");
    mcpz_flow_finish(&flow);
}

TEST(without_a_number_nothing_is_kept)
{
    mcpz_flow_init(&flow, 0);
    add("1");
    add("2");
    check_pulled(4096, "data: 1\n\ndata: 2\n\n");
    CHECK(flow.first == NULL);
    mcpz_flow_rewind(&flow, 0);
    check_pulled(4096, "");
    mcpz_flow_finish(&flow);
}

TEST(a_stream_with_nothing_to_say_says_that)
{
    mcpz_flow_init(&flow, 1);
    mcpz_flow_comment(&flow);
    CHECK(!mcpz_flow_is_sent(&flow));
    check_pulled(4096, ": \n\n");
    mcpz_flow_comment(&flow);
    add("1"); /* it has, then */
    check_pulled(4096, "id: 1-1\ndata: 1\n\n");
    mcpz_flow_finish(&flow);
}

TEST(who_lost_the_stream_goes_on_where_it_was)
{
    mcpz_flow_init(&flow, 2);
    add("1");
    add("2");
    add("3");
    check_pulled(4096, "id: 2-1\ndata: 1\n\nid: 2-2\ndata: 2\n\nid: 2-3\ndata: 3\n\n");
    add("4");
    mcpz_flow_rewind(&flow, 2);
    check_pulled(4096, "id: 2-3\ndata: 3\n\nid: 2-4\ndata: 4\n\n");
    mcpz_flow_rewind(&flow, 4);
    check_pulled(4096, "");
    mcpz_flow_rewind(&flow, 0);
    add("5");
    check_pulled(4096, "id: 2-1\ndata: 1\n\nid: 2-2\ndata: 2\n\nid: 2-3\ndata: 3\n\n"
                       "id: 2-4\ndata: 4\n\nid: 2-5\ndata: 5\n\n");
    mcpz_flow_finish(&flow);
}

TEST(so_many_events_are_kept_and_no_more)
{
    char expected[64];

    mcpz_flow_init(&flow, 1);
    for (size_t i = 0; i < MCPZ_FLOW_KEPT_MAX + 5; i++) {
        add("0");
        uint8_t out[64];
        CHECK(mcpz_flow_pull(&flow, out, sizeof(out)) > 0);
    }
    CHECK_UINT(flow.kept_count, MCPZ_FLOW_KEPT_MAX);
    mcpz_flow_rewind(&flow, MCPZ_FLOW_KEPT_MAX + 4);
    (void)snprintf(expected, sizeof(expected), "id: 1-%d\ndata: 0\n\n", MCPZ_FLOW_KEPT_MAX + 5);
    check_pulled(4096, expected);
    mcpz_flow_finish(&flow);
}

TEST(so_many_bytes_wait_and_no_more)
{
    const size_t length = MCPZ_FLOW_WAITING_BYTES_MAX / 2;
    char *text = malloc(length);
    CHECK(text != NULL);
    memset(text, '1', length);
    const struct mcpz_bytes part = mcpz_bytes(text, length);

    mcpz_flow_init(&flow, 0);
    CHECK_UINT(mcpz_flow_add(&flow, &part, 1), MCPZ_OK);
    CHECK_UINT(mcpz_flow_add(&flow, &part, 1), MCPZ_EFULL);
    add("1");
    mcpz_flow_finish(&flow);
    free(text);
}

TEST(ids_are_taken_apart)
{
    static const char *const bad[] = {"",
                                      "1",
                                      "-1",
                                      "1-",
                                      "a-1",
                                      "1-a",
                                      "0-1",
                                      "1-1x",
                                      "1 -1",
                                      "99999999999-1",
                                      "1-99999999999999999999"};
    uint32_t number = 0;
    uint64_t seq = 0;

    CHECK(mcpz_flow_read_id(mcpz_text("12-345"), &number, &seq));
    CHECK_UINT(number, 12);
    CHECK_UINT(seq, 345);
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(bad); i++) {
        CHECK(!mcpz_flow_read_id(mcpz_text(bad[i]), &number, &seq));
    }
}

TEST_MAIN(RUN(messages_become_events_with_ids), RUN(without_a_number_nothing_is_kept),
          RUN(a_stream_with_nothing_to_say_says_that),
          RUN(who_lost_the_stream_goes_on_where_it_was), RUN(so_many_events_are_kept_and_no_more),
          RUN(so_many_bytes_wait_and_no_more), RUN(ids_are_taken_apart))
