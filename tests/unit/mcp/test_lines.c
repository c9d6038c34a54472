#include "loopback.h"

#define HEARD_MAX 16

/* One end of a stream, and all that was told of it. */
struct side {
    struct mcpz_line_stream *stream;
    char lines[HEARD_MAX][64];
    size_t line_bytes[HEARD_MAX];
    size_t line_count;
    size_t input_ends;
    size_t rooms;
    bool over;
    uint32_t code;
    uint32_t retry_after_ms;
    char text[128];
    char params[64];
    char tenant[16];
    void (*do_on_line)(struct side *side, struct mcpz_bytes line);
};

static struct side caller;
static struct side doer;
static struct mcpz_lines *asking;
static uint32_t fail_on_open;
static uint8_t big[MCPZ_MCP_MESSAGE_BYTES_MAX + 1];

static void on_line(void *context, struct mcpz_line_stream *stream, struct mcpz_bytes line)
{
    struct side *side = context;

    CHECK(stream == side->stream);
    CHECK(side->line_count < HEARD_MAX);
    mcpz_bytes_to_text(line, side->lines[side->line_count], sizeof(side->lines[0]));
    side->line_bytes[side->line_count++] = line.length;
    if (side->do_on_line != NULL) {
        side->do_on_line(side, line);
    }
}

static void on_input_end(void *context, struct mcpz_line_stream *stream)
{
    struct side *side = context;

    CHECK(stream == side->stream);
    side->input_ends++;
}

static void on_room(void *context, struct mcpz_line_stream *stream)
{
    struct side *side = context;

    CHECK(stream == side->stream);
    side->rooms++;
}

static void on_end(void *context, struct mcpz_line_stream *stream, const struct mcpz_line_end *end)
{
    struct side *side = context;

    CHECK(stream == side->stream);
    CHECK(!side->over);
    side->stream = NULL;
    side->over = true;
    side->code = end->code;
    side->retry_after_ms = end->retry_after_ms;
    mcpz_bytes_to_text(end->text, side->text, sizeof(side->text));
}

static const struct mcpz_line_ports ports = {
    .on_line = on_line, .on_input_end = on_input_end, .on_room = on_room, .on_end = on_end};

static void on_open(void *context, struct mcpz_line_stream *stream,
                    const struct mcpz_msg_open *open)
{
    (void)context;
    mcpz_bytes_to_text(open->params, doer.params, sizeof(doer.params));
    mcpz_bytes_to_text(open->tenant, doer.tenant, sizeof(doer.tenant));
    if (fail_on_open != 0) {
        mcpz_line_fail(stream, fail_on_open, "not today", 250);
        return;
    }
    doer.stream = stream;
    mcpz_line_listen(stream, &ports, &doer);
}

static int begin(void **state)
{
    (void)state;
    caller = doer = (struct side){.stream = NULL};
    fail_on_open = 0;
    loopback_set_up();
    asking = loopback_lines(0, NULL);
    struct mcpz_bytes names[] = {mcpz_text("mcp/x")};
    CHECK(mcpz_lines_offer(loopback_lines(1, on_open), names, 1) == MCPZ_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    loopback_tear_down();
    return 0;
}

static struct mcpz_line_call a_call(void)
{
    return (struct mcpz_line_call){.capability = mcpz_text("mcp/x"),
                                   .params = mcpz_text("{\"v\":1}"),
                                   .tenant = mcpz_text("acme"),
                                   .priority = MCPZ_PRIORITY_DEFAULT,
                                   .ports = &ports,
                                   .context = &caller};
}

static void ask(void)
{
    const struct mcpz_line_call call = a_call();

    CHECK(mcpz_lines_open(asking, &call, &caller.stream) == MCPZ_OK);
}

static mcpz_error send_text(struct side *side, const char *text)
{
    const struct mcpz_bytes part = mcpz_text(text);

    return mcpz_line_send(side->stream, &part, 1);
}

static void send_sure(struct side *side, const char *text)
{
    CHECK(send_text(side, text) == MCPZ_OK);
}

/* ---- There and back ----------------------------------------------------------------------- */

TEST(lines_go_there_and_back)
{
    ask();
    send_sure(&caller, "one");
    send_sure(&caller, "two");
    loopback_run();
    CHECK_TEXT(doer.params, "{\"v\":1}");
    CHECK_TEXT(doer.tenant, "acme");
    CHECK_UINT(doer.line_count, 2);
    CHECK_TEXT(doer.lines[0], "one");
    CHECK_TEXT(doer.lines[1], "two");
    CHECK_UINT(doer.input_ends, 0);
    mcpz_line_finish(caller.stream);
    send_sure(&doer, "uno");
    loopback_run();
    CHECK_UINT(doer.input_ends, 1);
    CHECK_TEXT(caller.lines[0], "uno");
    CHECK(!caller.over);
    send_sure(&doer, "due");
    mcpz_line_finish(doer.stream);
    loopback_run();
    CHECK_TEXT(caller.lines[1], "due");
    CHECK(caller.over);
    CHECK_UINT(caller.code, MCPZ_CODE_OK);
    CHECK(!doer.over); /* it said itself that it was over */
    CHECK_UINT(mcpz_lines_count(asking), 0);
}

TEST(parts_of_the_node_are_no_programs)
{
    CHECK_UINT(mcpz_desk_stats(desk)->programs, 0);
    mcpz_lines_destroy(all_lines[1]);
    all_lines[1] = NULL;
    CHECK_UINT(mcpz_desk_stats(desk)->programs, 0);
}

TEST(parts_make_one_line_and_line_ends_within_it_are_spaces)
{
    const struct mcpz_bytes parts[] = {mcpz_text("{\r\n\"a\":"), mcpz_text("1\n"), mcpz_text("}")};

    ask();
    CHECK(mcpz_line_send(caller.stream, parts, 3) == MCPZ_OK);
    loopback_run();
    CHECK_UINT(doer.line_count, 1);
    CHECK_TEXT(doer.lines[0], "{  \"a\":1 }");
}

TEST(a_call_may_be_for_one_node)
{
    struct mcpz_line_call call = a_call();
    const struct mcpz_id target = {.bytes = {7}};
    const struct mcpz_id anybody = {.bytes = {0}};

    call.target = &target;
    CHECK(mcpz_lines_open(asking, &call, &caller.stream) == MCPZ_OK);
    CHECK(mcpz_id_equal(&last_start.only, &target));
    mcpz_line_cancel(caller.stream);
    ask();
    CHECK(mcpz_id_equal(&last_start.only, &anybody));
}

/* ---- Ends --------------------------------------------------------------------------------- */

TEST(what_nobody_offers_ends_at_once)
{
    struct mcpz_line_call call = a_call();

    call.capability = mcpz_text("mcp/y");
    CHECK(mcpz_lines_open(asking, &call, &caller.stream) == MCPZ_OK);
    CHECK(!caller.over); /* never from within */
    loopback_run();
    CHECK_UINT(caller.code, MCPZ_CODE_NO_PROVIDER);
    CHECK_TEXT(caller.text, "nobody offers it");
}

TEST(a_failure_comes_with_its_words)
{
    fail_on_open = MCPZ_CODE_BUSY;
    ask();
    loopback_run();
    CHECK_UINT(caller.code, MCPZ_CODE_BUSY);
    CHECK_TEXT(caller.text, "not today");
    CHECK_UINT(caller.retry_after_ms, 250);
}

TEST(a_failure_takes_nothing_of_what_was_said_before)
{
    ask();
    loopback_run();
    send_sure(&doer, "one");
    loopback_run();
    mcpz_line_fail(doer.stream, MCPZ_CODE_PROVIDER_FAILED, "no", 0);
    loopback_run();
    CHECK_UINT(caller.line_count, 1);
    CHECK_UINT(caller.code, MCPZ_CODE_PROVIDER_FAILED);
}

TEST(who_does_it_hears_that_it_was_cancelled)
{
    ask();
    loopback_run();
    mcpz_line_cancel(caller.stream);
    loopback_run();
    CHECK(doer.over && !caller.over);
    CHECK_UINT(doer.code, MCPZ_CODE_CANCELLED);
}

TEST(who_leaves_takes_its_calls_along_and_loses_its_runs)
{
    ask();
    loopback_run();
    mcpz_lines_destroy(all_lines[1]);
    all_lines[1] = NULL;
    loopback_run();
    CHECK_UINT(caller.code, MCPZ_CODE_PROVIDER_LOST);
}

static void cancel_it(struct side *side, struct mcpz_bytes line)
{
    (void)line;
    mcpz_line_cancel(side->stream);
}

TEST(a_call_can_be_cancelled_from_within_its_line)
{
    caller.do_on_line = cancel_it;
    ask();
    loopback_run();
    send_sure(&doer, "one");
    send_sure(&doer, "two");
    loopback_run();
    CHECK_UINT(caller.line_count, 1);
    CHECK(doer.over && !caller.over);
    CHECK_UINT(mcpz_lines_count(asking), 0);
}

static void answer_it(struct side *side, struct mcpz_bytes line)
{
    CHECK(mcpz_line_send(side->stream, &line, 1) == MCPZ_OK);
    mcpz_line_finish(side->stream);
}

TEST(a_run_can_be_answered_from_within_its_line)
{
    doer.do_on_line = answer_it;
    ask();
    send_sure(&caller, "one");
    send_sure(&caller, "two");
    loopback_run();
    CHECK_UINT(doer.line_count, 1);
    CHECK_TEXT(caller.lines[0], "one");
    CHECK(caller.over);
    CHECK_UINT(caller.code, MCPZ_CODE_OK);
}

/* ---- Bounds ------------------------------------------------------------------------------- */

TEST(a_message_of_the_largest_size_passes_and_a_larger_one_does_not)
{
    const struct mcpz_bytes largest = mcpz_bytes(big, MCPZ_MCP_MESSAGE_BYTES_MAX);
    const struct mcpz_bytes larger = mcpz_bytes(big, MCPZ_MCP_MESSAGE_BYTES_MAX + 1);

    memset(big, 'x', sizeof(big));
    ask();
    CHECK(mcpz_line_send(caller.stream, &larger, 1) == MCPZ_EPROTO);
    CHECK(mcpz_line_send(caller.stream, &largest, 1) == MCPZ_OK);
    send_sure(&caller, "next");
    loopback_run();
    CHECK_UINT(doer.line_count, 2);
    CHECK_UINT(doer.line_bytes[0], MCPZ_MCP_MESSAGE_BYTES_MAX);
    CHECK_TEXT(doer.lines[1], "next");
    CHECK(mcpz_line_send(doer.stream, &largest, 1) == MCPZ_OK);
    mcpz_line_finish(doer.stream);
    loopback_run();
    CHECK_UINT(caller.line_bytes[0], MCPZ_MCP_MESSAGE_BYTES_MAX);
    CHECK_UINT(caller.code, MCPZ_CODE_OK);
}

TEST(who_does_not_read_stops_who_writes)
{
    const struct mcpz_bytes part = mcpz_bytes(big, 100000);
    size_t sent = 0;

    memset(big, 'x', sizeof(big));
    ask();
    loopback_run();
    mcpz_line_pause(doer.stream, true);
    while (mcpz_line_send(caller.stream, &part, 1) == MCPZ_OK) {
        sent++;
        loopback_run();
    }
    CHECK(mcpz_line_queued(caller.stream) <= MCPZ_LINES_QUEUE_BYTES_MAX);
    CHECK(mcpz_line_queued(caller.stream) > MCPZ_LINES_QUEUE_BYTES_MAX - 100001);
    CHECK(sent * 100001 - mcpz_line_queued(caller.stream) <= 2 * MCPZ_CALL_WINDOW_BYTES);
    CHECK_UINT(doer.line_count, 0);
    CHECK_UINT(caller.rooms, 0);
    mcpz_line_cancel(caller.stream);
    loopback_run();
    CHECK(!doer.over); /* it reads nothing: not that either */
    mcpz_line_pause(doer.stream, false);
    doer.line_count = 0;
    loopback_run();
    CHECK(doer.over);
}

TEST(who_reads_on_makes_room)
{
    const struct mcpz_bytes part = mcpz_bytes(big, 100000);

    memset(big, 'x', sizeof(big));
    ask();
    loopback_run();
    mcpz_line_pause(doer.stream, true);
    for (size_t i = 0; i < 10; i++) {
        CHECK(mcpz_line_send(caller.stream, &part, 1) == MCPZ_OK);
        loopback_run();
    }
    CHECK_UINT(caller.rooms, 0);
    mcpz_line_pause(doer.stream, false);
    loopback_run();
    CHECK_UINT(doer.line_count, 10);
    CHECK_UINT(caller.rooms, 1);
    CHECK_UINT(mcpz_line_queued(caller.stream), 0);
}

TEST(what_is_over_a_bound_is_refused)
{
    struct mcpz_line_call call = a_call();

    memset(big, 'x', sizeof(big));
    call.params = mcpz_bytes(big, MCPZ_PARAMS_BYTES_MAX + 1);
    CHECK(mcpz_lines_open(asking, &call, &caller.stream) == MCPZ_EPROTO);
    CHECK(caller.stream == NULL);
    call.params.length--;
    CHECK(mcpz_lines_open(asking, &call, &caller.stream) == MCPZ_OK);
    mcpz_line_cancel(caller.stream);
    call.tenant = mcpz_bytes(big, MCPZ_TENANT_BYTES_MAX + 1);
    CHECK(mcpz_lines_open(asking, &call, &caller.stream) == MCPZ_EPROTO);
    call.tenant = mcpz_text("\xff");
    CHECK(mcpz_lines_open(asking, &call, &caller.stream) == MCPZ_EPROTO);
}

/* ---- Others, who do not cut their lines as we do ------------------------------------------ */

static uint64_t strange_run;

static void note_run(void *context, const struct mcpz_msg *msg)
{
    (void)context;
    if (msg->kind == MCPZ_MSG_OPEN) {
        strange_run = msg->open.call;
    }
}

/* A provider that speaks as it likes. */
static struct mcpz_program *stranger(void)
{
    const struct mcpz_desk_visitor visitor = {.send = note_run};
    struct mcpz_bytes names[] = {mcpz_text("mcp/strange")};
    struct mcpz_program *program;
    struct mcpz_line_call call = a_call();

    CHECK(mcpz_desk_enter(desk, &visitor, &program) == MCPZ_OK);
    CHECK(mcpz_desk_take(desk, program,
                         &(struct mcpz_msg){.kind = MCPZ_MSG_HELLO,
                                            .hello = {.version_min = MCPZ_PROTOCOL_MIN,
                                                      .version_max = MCPZ_PROTOCOL_MAX}}) ==
          MCPZ_OK);
    CHECK(mcpz_desk_take(desk, program,
                         &(struct mcpz_msg){.kind = MCPZ_MSG_CAPABILITIES,
                                            .capabilities = {.names = names, .name_count = 1}}) ==
          MCPZ_OK);
    call.capability = names[0];
    CHECK(mcpz_lines_open(asking, &call, &caller.stream) == MCPZ_OK);
    loopback_run();
    return program;
}

static void say_bytes(struct mcpz_program *program, enum mcpz_msg_kind kind, const void *bytes,
                      size_t length)
{
    struct mcpz_msg msg = {.kind = kind};

    if (kind == MCPZ_MSG_DATA) {
        msg.data.call = strange_run;
        msg.data.chunk = mcpz_bytes(bytes, length);
    } else {
        msg.end.call = strange_run;
        msg.end.chunk = mcpz_bytes(bytes, length);
    }
    CHECK(mcpz_desk_take(desk, program, &msg) == MCPZ_OK);
}

TEST(lines_are_put_together_from_pieces_of_any_size)
{
    struct mcpz_program *program = stranger();
    const char *text = "one\n\n\ntwo\nthr";

    for (size_t i = 0; i < strlen(text); i++) {
        say_bytes(program, MCPZ_MSG_DATA, text + i, 1);
        if (i % 3 == 0) {
            loopback_run();
        }
    }
    say_bytes(program, MCPZ_MSG_END, "ee", 2);
    loopback_run();
    CHECK_UINT(caller.line_count, 3);
    CHECK_TEXT(caller.lines[0], "one");
    CHECK_TEXT(caller.lines[1], "two");
    CHECK_TEXT(caller.lines[2], "three"); /* the last may come without its end */
    CHECK_UINT(caller.code, MCPZ_CODE_OK);
    mcpz_desk_leave(desk, program);
}

TEST(a_line_without_an_end_is_given_up)
{
    struct mcpz_program *program = stranger();
    size_t sent = 0;

    memset(big, 'x', sizeof(big));
    while (!caller.over && sent < 2 * (size_t)MCPZ_MCP_MESSAGE_BYTES_MAX) {
        say_bytes(program, MCPZ_MSG_DATA, big, MCPZ_CHUNK_BYTES_MAX);
        sent += MCPZ_CHUNK_BYTES_MAX;
        loopback_run();
    }
    CHECK_UINT(caller.code, MCPZ_CODE_TOO_LARGE);
    CHECK(sent > MCPZ_MCP_MESSAGE_BYTES_MAX);
    CHECK(sent <= MCPZ_MCP_MESSAGE_BYTES_MAX + MCPZ_CHUNK_BYTES_MAX);
    CHECK_UINT(caller.line_count, 0);
    mcpz_desk_leave(desk, program);
}

TEST(a_name_that_another_edge_offers_is_a_conflict)
{
    struct mcpz_bytes names[] = {mcpz_text("mcp/free"), mcpz_text("mcp/taken")};
    int other = 0;

    CHECK(mcpz_offers_claim(&offers, names[1], &other) == MCPZ_OK);
    CHECK(mcpz_lines_offer(asking, names, 2) == MCPZ_ECONFLICT);
    CHECK(mcpz_offers_edge(&offers, names[0]) == desk);
    CHECK(mcpz_offers_edge(&offers, names[1]) == &other);
    CHECK(mcpz_lines_offer(asking, NULL, 0) == MCPZ_OK);
    CHECK(mcpz_offers_edge(&offers, names[0]) == NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

TEST_MAIN(CASE(lines_go_there_and_back), CASE(parts_of_the_node_are_no_programs),
          CASE(parts_make_one_line_and_line_ends_within_it_are_spaces),
          CASE(a_call_may_be_for_one_node), CASE(what_nobody_offers_ends_at_once),
          CASE(a_failure_comes_with_its_words),
          CASE(a_failure_takes_nothing_of_what_was_said_before),
          CASE(who_does_it_hears_that_it_was_cancelled),
          CASE(who_leaves_takes_its_calls_along_and_loses_its_runs),
          CASE(a_call_can_be_cancelled_from_within_its_line),
          CASE(a_run_can_be_answered_from_within_its_line),
          CASE(a_message_of_the_largest_size_passes_and_a_larger_one_does_not),
          CASE(who_does_not_read_stops_who_writes), CASE(who_reads_on_makes_room),
          CASE(what_is_over_a_bound_is_refused),
          CASE(lines_are_put_together_from_pieces_of_any_size),
          CASE(a_line_without_an_end_is_given_up),
          CASE(a_name_that_another_edge_offers_is_a_conflict))
