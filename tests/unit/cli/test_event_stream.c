#include "cli/event_stream.h"
#include "test.h"

static struct mcpz_event_stream stream;
static char taken[4 * MCPZ_EVENT_LINE_BYTES_MAX]; /* all events, each followed by '|' */
static mcpz_error refusal;

static mcpz_error take(void *context, const char *data)
{
    CHECK(context == taken);
    (void)strncat(taken, data, sizeof(taken) - strlen(taken) - 1);
    (void)strncat(taken, "|", sizeof(taken) - strlen(taken) - 1);
    return refusal;
}

static int make(void **state)
{
    (void)state;
    taken[0] = '\0';
    refusal = MCPZ_OK;
    mcpz_event_stream_init(&stream, take, taken);
    return 0;
}

static void read_text(const char *text)
{
    CHECK_UINT(mcpz_event_stream_read(&stream, mcpz_text(text)), MCPZ_OK);
}

/* ---- Reading ------------------------------------------------------------------------------ */

TEST(hands_over_the_data_of_each_event)
{
    (void)state;
    read_text(": \n\nid: 1\nevent: dead\ndata: {\"a\":1}\n\nid: 2\ndata:two\n\n");
    CHECK_TEXT(taken, "{\"a\":1}|two|");
}

TEST(it_matters_not_how_the_bytes_come)
{
    static const char text[] = ": \r\n\r\nid: 1\r\ndata: one\r\ndata: more\r\n\r\ndata: two\n\n";

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        CHECK_UINT(mcpz_event_stream_read(&stream, mcpz_bytes(text + i, 1)), MCPZ_OK);
    }
    CHECK_TEXT(taken, "one\nmore|two|");
}

TEST(half_an_event_is_none)
{
    (void)state;
    read_text("id: 1\ndata: one\n");
    CHECK_TEXT(taken, "");
    read_text("\n");
    CHECK_TEXT(taken, "one|");
}

TEST(comments_and_events_without_data_are_none)
{
    (void)state;
    read_text(":\n\n: data: x\n\nevent: dead\n\n\n\ndatum: x\n\n");
    CHECK_TEXT(taken, "");
}

TEST(an_error_ends_the_reading)
{
    (void)state;
    refusal = MCPZ_EPROTO;
    CHECK_UINT(mcpz_event_stream_read(&stream, mcpz_text("data: one\n\ndata: two\n\n")),
               MCPZ_EPROTO);
    CHECK_TEXT(taken, "one|");
}

TEST(a_line_ends_at_its_limit)
{
    static char line[MCPZ_EVENT_LINE_BYTES_MAX + 2];

    (void)state;
    memset(line, 'x', MCPZ_EVENT_LINE_BYTES_MAX);
    read_text(line);
    read_text("\n");
    memset(line, 'x', MCPZ_EVENT_LINE_BYTES_MAX + 1);
    CHECK_UINT(mcpz_event_stream_read(&stream, mcpz_text(line)), MCPZ_EFULL);
}

TEST(an_event_ends_at_its_limit)
{
    static char line[MCPZ_EVENT_LINE_BYTES_MAX / 2 + 1];

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, "data:", 5);
    read_text(line);
    read_text("\n");
    read_text(line); /* both are 10 short of the limit; their ends take 2 */
    read_text("\ndata:1234567\n");
    CHECK_UINT(mcpz_event_stream_read(&stream, mcpz_text("data:\n")), MCPZ_EFULL);
}

/* ---- Showing ------------------------------------------------------------------------------ */

static void shows(const char *json, const char *expected)
{
    char text[MCPZ_EVENT_TEXT_BYTES];
    json_t *event = json_loads(json, 0, NULL);

    CHECK(event != NULL);
    mcpz_event_to_text(event, text);
    json_decref(event);
    CHECK_TEXT(text, expected);
}

TEST(a_line_says_when_what_whom_and_why)
{
    (void)state;
    shows("{\"seq\":5,\"time\":\"2026-11-20T12:04:05.123Z\",\"event\":\"dead\","
          "\"node\":\"n-abcdefghijkl\",\"name\":\"attic\",\"incarnation\":1}",
          "12:04:05.123  dead            attic");
    shows("{\"time\":\"2026-11-20T12:04:05.123Z\",\"event\":\"unlinked\","
          "\"node\":\"n-abcdefghijkl\",\"reason\":\"silent\"}",
          "12:04:05.123  unlinked        n-abcdefgh  (silent)");
    shows("{\"time\":\"2026-11-20T12:04:05.123Z\",\"event\":\"alive\","
          "\"node\":\"n-abcdefghijkl\",\"name\":\"attic\",\"address\":\"attic:8765\"}",
          "12:04:05.123  alive           attic  (attic:8765)");
    shows("{\"time\":\"2026-11-20T12:04:05.123Z\",\"event\":\"lost\",\"count\":12,"
          "\"reason\":\"not_kept\"}",
          "12:04:05.123  lost              (12 not_kept)");
}

TEST(an_event_from_the_future_is_shown_as_far_as_it_goes)
{
    (void)state;
    shows("{}", "-             -               ");
    shows("{\"time\":7,\"event\":[],\"node\":3}", "-             -               -");
    shows("{\"time\":\"soon\",\"event\":\"moved\",\"reason\":{},\"name\":\"attic\"}",
          "soon          moved           attic");
}

#define WITH_STREAM(name) cmocka_unit_test_setup(name, make)

TEST_MAIN(WITH_STREAM(hands_over_the_data_of_each_event),
          WITH_STREAM(it_matters_not_how_the_bytes_come), WITH_STREAM(half_an_event_is_none),
          WITH_STREAM(comments_and_events_without_data_are_none),
          WITH_STREAM(an_error_ends_the_reading), WITH_STREAM(a_line_ends_at_its_limit),
          WITH_STREAM(an_event_ends_at_its_limit), RUN(a_line_says_when_what_whom_and_why),
          RUN(an_event_from_the_future_is_shown_as_far_as_it_goes))
