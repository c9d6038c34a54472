#include <stdlib.h>

#include "mcp/sse.h"
#include "test.h"

static struct mcpz_sse sse;
static char told[4096]; /* "name=data;" of each event */

static int begin(void **state)
{
    (void)state;
    mcpz_sse_init(&sse);
    told[0] = '\0';
    return 0;
}

static int finish(void **state)
{
    (void)state;
    mcpz_sse_finish(&sse);
    return 0;
}

static void hear(const char *text, size_t length)
{
    struct mcpz_bytes rest = mcpz_bytes(text, length);
    struct mcpz_sse_event event;

    while (mcpz_sse_next(&sse, &rest, &event)) {
        size_t used = strlen(told);
        (void)snprintf(told + used, sizeof(told) - used, "%s=%.*s;", event.name,
                       (int)event.data.length, (const char *)event.data.data);
    }
    CHECK(rest.length == 0 || sse.error != MCPZ_OK);
}

static void hear_text(const char *text)
{
    hear(text, strlen(text));
}

TEST(an_event_ends_with_an_empty_line)
{
    hear_text("data: one\n");
    CHECK_TEXT(told, "");
    hear_text("\ndata:two\n\n");
    CHECK_TEXT(told, "message=one;message=two;");
}

TEST(lines_end_in_three_ways_wherever_they_are_cut)
{
    static const char stream[] = "data: a\r\n\r\ndata: b\r\rdata: c\n\nevent: x\r\ndata: d\r\n"
                                 "data: e\r\n\r\n";

    for (size_t cut = 0; cut < sizeof(stream); cut++) {
        finish(NULL);
        begin(NULL);
        hear(stream, cut);
        hear(stream + cut, sizeof(stream) - 1 - cut);
        CHECK_TEXT(told, "message=a;message=b;message=c;x=d\ne;");
    }
    finish(NULL);
    begin(NULL);
    for (size_t i = 0; i < sizeof(stream) - 1; i++) {
        hear(stream + i, 1);
    }
    CHECK_TEXT(told, "message=a;message=b;message=c;x=d\ne;");
}

TEST(comments_and_unknown_fields_are_skipped)
{
    hear_text(": still there\n\nnonsense\nid\ndata\ndata: x\nother: y\n\n");
    CHECK_TEXT(told, "message=\nx;");
    hear_text("\xEF\xBB\xBF"
              "data: not at the beginning\n\n");
    CHECK_TEXT(told, "message=\nx;");
}

TEST(a_byte_order_mark_may_come_first)
{
    hear_text("\xEF\xBB\xBF"
              "data: x\n\n");
    CHECK_TEXT(told, "message=x;");
}

TEST(an_id_counts_when_its_event_is_whole_and_without_data_too)
{
    hear_text("id: 7\ndata: \n");
    CHECK_TEXT(sse.last_id, "");
    hear_text("\n");
    CHECK_TEXT(sse.last_id, "7");
    CHECK_TEXT(told, "");
    hear_text("data: x\n\n");
    CHECK_TEXT(sse.last_id, "7");
    hear("id: 8\0b\ndata: y\n\n", 17);
    CHECK_TEXT(sse.last_id, "7");
    hear_text("id:\ndata: z\n\n");
    CHECK_TEXT(sse.last_id, "");
    CHECK_TEXT(told, "message=x;message=y;message=z;");
}

TEST(an_id_that_is_too_long_is_none)
{
    static char text[MCPZ_SSE_ID_BYTES_MAX + 16] = "id:";

    memset(text + 3, 'a', MCPZ_SSE_ID_BYTES_MAX);
    memcpy(text + 3 + MCPZ_SSE_ID_BYTES_MAX, "\n\n", 3);
    hear_text(text);
    CHECK_UINT(strlen(sse.last_id), MCPZ_SSE_ID_BYTES_MAX);
    memcpy(text + 3 + MCPZ_SSE_ID_BYTES_MAX, "a\n\n", 4);
    hear_text(text);
    CHECK_TEXT(sse.last_id, "");
}

TEST(retry_is_a_number_up_to_a_bound)
{
    hear_text("retry: 1500\n\n");
    CHECK_UINT(sse.retry_ms, 1500);
    hear_text("retry: soon\n\nretry:\n\nretry: 1.5\n\n");
    CHECK_UINT(sse.retry_ms, 1500);
    hear_text("retry: 99999999999999999999\n\n");
    CHECK_UINT(sse.retry_ms, MCPZ_SSE_RETRY_MS_MAX);
}

TEST(another_stream_goes_on_from_the_last_event)
{
    hear_text("id: 3\nretry: 20\ndata: x\n\nid: 4\ndata: half");
    mcpz_sse_restart(&sse);
    CHECK_TEXT(sse.last_id, "3");
    CHECK_UINT(sse.retry_ms, 20);
    hear_text("data: y\n\n");
    CHECK_TEXT(told, "message=x;message=y;");
    CHECK_TEXT(sse.last_id, "3");
}

TEST(what_is_too_large_ends_it)
{
    static char piece[1 << 16];
    struct mcpz_sse_event event;

    memset(piece, 'x', sizeof(piece));
    hear_text("data:");
    for (size_t i = 0; sse.error == MCPZ_OK && i <= MCPZ_SSE_LINE_BYTES_MAX / sizeof(piece); i++) {
        hear(piece, sizeof(piece));
    }
    CHECK_UINT(sse.error, MCPZ_EFULL);
    struct mcpz_bytes rest = mcpz_text("\n\n");
    CHECK(!mcpz_sse_next(&sse, &rest, &event));
    finish(NULL);
    begin(NULL);
    for (size_t i = 0; sse.error == MCPZ_OK && i <= MCPZ_SSE_LINE_BYTES_MAX / sizeof(piece); i++) {
        hear_text("data:");
        hear(piece, sizeof(piece));
        hear_text("\n");
    }
    CHECK_UINT(sse.error, MCPZ_EFULL);
}

#define RUN_NEW(name) cmocka_unit_test_setup_teardown(name, begin, finish)

TEST_MAIN(RUN_NEW(an_event_ends_with_an_empty_line),
          RUN_NEW(lines_end_in_three_ways_wherever_they_are_cut),
          RUN_NEW(comments_and_unknown_fields_are_skipped),
          RUN_NEW(a_byte_order_mark_may_come_first),
          RUN_NEW(an_id_counts_when_its_event_is_whole_and_without_data_too),
          RUN_NEW(an_id_that_is_too_long_is_none), RUN_NEW(retry_is_a_number_up_to_a_bound),
          RUN_NEW(another_stream_goes_on_from_the_last_event), RUN_NEW(what_is_too_large_ends_it))
