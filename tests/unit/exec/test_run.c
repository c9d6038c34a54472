#include <signal.h>

#include "exec/run.h"
#include "test.h"

static uint8_t ring[MCPZ_CALL_WINDOW_BYTES];
static const uint8_t zeros[MCPZ_CALL_WINDOW_BYTES + 1];

#define EXITED(status) ((status) << 8)

static struct mcpz_run fresh(void)
{
    struct mcpz_run run;
    mcpz_run_init(&run, ring, sizeof(ring));
    return run;
}

static void check_bytes(struct mcpz_bytes bytes, const char *expected)
{
    CHECK_UINT(bytes.length, strlen(expected));
    CHECK(memcmp(bytes.data, expected, bytes.length) == 0);
}

static const char *text_of(const struct mcpz_run *run, int status)
{
    static struct mcpz_run_text text;
    (void)mcpz_run_verdict(run, status, &text);
    CHECK_UINT(text.length, strlen(text.text));
    CHECK(mcpz_bytes_is_utf8(mcpz_bytes(text.text, text.length)));
    return text.text;
}

/* ---- Input -------------------------------------------------------------------------------- */

TEST(gives_input_back_in_order_around_the_edge_of_the_ring)
{
    uint8_t small[8];
    struct mcpz_run run;
    mcpz_run_init(&run, small, sizeof(small));

    CHECK(mcpz_run_input(&run, mcpz_text("abcdef")) == MCPZ_RUN_FITS);
    check_bytes(mcpz_run_input_next(&run), "abcdef");
    mcpz_run_input_written(&run, 5);
    CHECK(mcpz_run_input(&run, mcpz_text("ghijklm")) == MCPZ_RUN_FITS);
    CHECK(mcpz_run_input(&run, mcpz_text("n")) == MCPZ_RUN_OVER_WINDOW);
    check_bytes(mcpz_run_input_next(&run), "fgh");
    mcpz_run_input_written(&run, 3);
    check_bytes(mcpz_run_input_next(&run), "ijklm");
    mcpz_run_input_end(&run);
    CHECK(!mcpz_run_input_is_over(&run));
    mcpz_run_input_written(&run, 5);
    CHECK_UINT(mcpz_run_input_next(&run).length, 0);
    CHECK(mcpz_run_input_is_over(&run));
}

TEST(takes_a_window_and_not_a_byte_more)
{
    struct mcpz_run run = fresh();

    CHECK(mcpz_run_input(&run, mcpz_bytes(zeros, sizeof(ring) + 1)) == MCPZ_RUN_OVER_WINDOW);
    CHECK(mcpz_run_input(&run, mcpz_bytes(zeros, sizeof(ring) - 1)) == MCPZ_RUN_FITS);
    CHECK(mcpz_run_input(&run, mcpz_bytes(zeros, 1)) == MCPZ_RUN_FITS);
    CHECK(mcpz_run_input(&run, mcpz_bytes(NULL, 0)) == MCPZ_RUN_FITS);
    CHECK(mcpz_run_input(&run, mcpz_bytes(zeros, 1)) == MCPZ_RUN_OVER_WINDOW);
}

TEST(takes_no_input_after_its_end)
{
    struct mcpz_run run = fresh();

    mcpz_run_input_end(&run);
    CHECK(mcpz_run_input(&run, mcpz_bytes(zeros, 1)) == MCPZ_RUN_OVER_WINDOW);
}

TEST(takes_no_more_input_than_a_task_may_have)
{
    struct mcpz_run run = fresh();
    uint64_t left = MCPZ_INPUT_BYTES_MAX;

    mcpz_run_input_refuse(&run);
    while (left > 1) {
        size_t piece = left - 1 < sizeof(ring) ? (size_t)left - 1 : sizeof(ring);
        CHECK(mcpz_run_input(&run, mcpz_bytes(zeros, piece)) == MCPZ_RUN_FITS);
        CHECK_UINT(mcpz_run_take_credit(&run), piece);
        left -= piece;
    }
    CHECK(mcpz_run_input(&run, mcpz_bytes(zeros, 2)) == MCPZ_RUN_OVER_LIMIT);
    CHECK(mcpz_run_input(&run, mcpz_bytes(zeros, 1)) == MCPZ_RUN_FITS);
    CHECK(mcpz_run_input(&run, mcpz_bytes(zeros, 1)) == MCPZ_RUN_OVER_LIMIT);
}

TEST(saves_up_credit_while_more_is_waiting)
{
    struct mcpz_run run = fresh();

    CHECK(mcpz_run_input(&run, mcpz_bytes(zeros, 40000)) == MCPZ_RUN_FITS);
    CHECK_UINT(mcpz_run_take_credit(&run), 0);
    mcpz_run_input_written(&run, MCPZ_RUN_CREDIT_BYTES_MIN - 1);
    CHECK_UINT(mcpz_run_take_credit(&run), 0);
    mcpz_run_input_written(&run, 1);
    CHECK_UINT(mcpz_run_take_credit(&run), MCPZ_RUN_CREDIT_BYTES_MIN);
    CHECK_UINT(mcpz_run_take_credit(&run), 0);
    mcpz_run_input_written(&run, 40000 - MCPZ_RUN_CREDIT_BYTES_MIN);
    CHECK_UINT(mcpz_run_take_credit(&run), 40000 - MCPZ_RUN_CREDIT_BYTES_MIN);
}

TEST(credits_what_nobody_will_read)
{
    struct mcpz_run run = fresh();

    CHECK(mcpz_run_input(&run, mcpz_bytes(zeros, 1000)) == MCPZ_RUN_FITS);
    mcpz_run_input_refuse(&run);
    CHECK(mcpz_run_input_is_over(&run));
    CHECK_UINT(mcpz_run_take_credit(&run), 1000);
    CHECK(mcpz_run_input(&run, mcpz_bytes(zeros, 7)) == MCPZ_RUN_FITS);
    CHECK_UINT(mcpz_run_input_next(&run).length, 0);
    CHECK_UINT(mcpz_run_take_credit(&run), 7);
}

TEST(gives_no_credit_for_parameters)
{
    uint8_t params[] = {'{', '}'};
    struct mcpz_run run;
    mcpz_run_init_whole(&run, params, sizeof(params));

    CHECK(!mcpz_run_input_is_over(&run));
    check_bytes(mcpz_run_input_next(&run), "{}");
    mcpz_run_input_written(&run, 1);
    check_bytes(mcpz_run_input_next(&run), "}");
    mcpz_run_input_refuse(&run);
    CHECK(mcpz_run_input_is_over(&run));
    CHECK_UINT(mcpz_run_take_credit(&run), 0);

    mcpz_run_init_whole(&run, params, 0);
    CHECK(mcpz_run_input_is_over(&run));
    CHECK_UINT(mcpz_run_input_next(&run).length, 0);
}

/* ---- Output ------------------------------------------------------------------------------- */

TEST(reads_no_further_than_the_credit)
{
    struct mcpz_run run = fresh();

    for (size_t i = 0; i < MCPZ_CALL_WINDOW_BYTES / MCPZ_CHUNK_BYTES_MAX; i++) {
        CHECK_UINT(mcpz_run_output_room(&run), MCPZ_CHUNK_BYTES_MAX);
        CHECK(mcpz_run_output(&run, MCPZ_CHUNK_BYTES_MAX) == MCPZ_RUN_FITS);
    }
    CHECK_UINT(mcpz_run_output_room(&run), 0);
    mcpz_run_pull(&run, 5);
    CHECK_UINT(mcpz_run_output_room(&run), 5);
    mcpz_run_pull(&run, MCPZ_CHUNK_BYTES_MAX);
    CHECK_UINT(mcpz_run_output_room(&run), MCPZ_CHUNK_BYTES_MAX);
}

TEST(survives_credit_without_measure)
{
    struct mcpz_run run = fresh();

    mcpz_run_pull(&run, UINT32_MAX);
    mcpz_run_pull(&run, UINT32_MAX);
    CHECK_UINT(run.output_credit, MCPZ_RUN_OUTPUT_CREDIT_MAX);
}

TEST(lets_a_result_be_so_large_and_no_larger)
{
    struct mcpz_run run = fresh();

    mcpz_run_pull(&run, MCPZ_RUN_OUTPUT_CREDIT_MAX);
    CHECK(mcpz_run_output(&run, MCPZ_OUTPUT_BYTES_MAX - 1) == MCPZ_RUN_FITS);
    mcpz_run_pull(&run, 2);
    CHECK(mcpz_run_output(&run, 1) == MCPZ_RUN_FITS);
    CHECK(mcpz_run_output(&run, 1) == MCPZ_RUN_OVER_LIMIT);
}

/* ---- The end ------------------------------------------------------------------------------ */

TEST(tells_success_failure_and_crash_apart)
{
    struct mcpz_run run = fresh();
    struct mcpz_run_text text;

    CHECK_UINT(mcpz_run_verdict(&run, EXITED(0), &text), MCPZ_CODE_OK);
    CHECK_UINT(text.length, 0);
    CHECK_UINT(mcpz_run_verdict(&run, EXITED(3), &text), MCPZ_CODE_PROVIDER_FAILED);
    CHECK_TEXT(text.text, "exit status 3");
    CHECK_UINT(mcpz_run_verdict(&run, SIGSEGV, &text), MCPZ_CODE_PROVIDER_CRASHED);
    CHECK_TEXT(text.text, "killed by signal 11 (SIGSEGV)");
    CHECK_UINT(mcpz_run_verdict(&run, 40, &text), MCPZ_CODE_PROVIDER_CRASHED);
    CHECK_TEXT(text.text, "killed by signal 40 (SIG?)");
}

TEST(says_nothing_of_stderr_after_success)
{
    struct mcpz_run run = fresh();

    mcpz_run_errors(&run, mcpz_text("warning: nothing"));
    CHECK_TEXT(text_of(&run, EXITED(0)), "");
}

TEST(trims_what_stderr_said)
{
    struct mcpz_run run = fresh();

    mcpz_run_errors(&run, mcpz_text(" \n\tline one\n"));
    mcpz_run_errors(&run, mcpz_text("line two\r\n\n"));
    CHECK_TEXT(text_of(&run, EXITED(1)), "exit status 1: line one\nline two");

    run = fresh();
    mcpz_run_errors(&run, mcpz_text(" \n \n"));
    CHECK_TEXT(text_of(&run, EXITED(1)), "exit status 1");
}

TEST(makes_stderr_fit_to_be_shown)
{
    static const char bytes[] = "a\x1b[31m\x00 \xff\xc3\xa4 \xe2\x82 \xc2\x9b z\x7f";
    struct mcpz_run run = fresh();

    mcpz_run_errors(&run, mcpz_bytes(bytes, sizeof(bytes) - 1));
    CHECK_TEXT(text_of(&run, EXITED(1)), "exit status 1: a?[31m? ?\xc3\xa4 ?? ? z?");
}

TEST(keeps_the_last_words_only)
{
    struct mcpz_run run = fresh();
    char said[3 * MCPZ_RUN_TAIL_BYTES];

    memset(said, 'x', sizeof(said));
    said[sizeof(said) - 3] = 'e';
    said[sizeof(said) - 2] = 'n';
    said[sizeof(said) - 1] = 'd';
    mcpz_run_errors(&run, mcpz_bytes(said, sizeof(said)));
    const char *text = text_of(&run, EXITED(1));
    CHECK_UINT(strlen(text), MCPZ_MESSAGE_BYTES_MAX - 1);
    CHECK_TEXT(text + strlen(text) - 4, "xend");

    /* The same in small pieces. */
    for (size_t i = 0; i < sizeof(said); i++) {
        mcpz_run_errors(&run, mcpz_bytes(said + i, 1));
    }
    CHECK_TEXT(text_of(&run, EXITED(1)) + MCPZ_MESSAGE_BYTES_MAX - 5, "xend");
}

TEST(does_not_show_half_a_character_where_it_cuts)
{
    struct mcpz_run run = fresh();

    /* Four bytes each: with one byte more each time, the cut falls on each of them. */
    for (int i = 0; i < 2 * MCPZ_RUN_TAIL_BYTES / 4; i++) {
        mcpz_run_errors(&run, mcpz_text("\xf0\x9f\x8d\x80"));
    }
    for (int shift = 0; shift < 4; shift++) {
        const char *text = text_of(&run, EXITED(1));
        CHECK(strlen(text) > MCPZ_MESSAGE_BYTES_MAX - 8);
        CHECK(strncmp(text, "exit status 1: \xf0\x9f", 17) == 0);
        CHECK(strchr(text, '?') == NULL);
        mcpz_run_errors(&run, mcpz_text("."));
    }
}

TEST_MAIN(RUN(gives_input_back_in_order_around_the_edge_of_the_ring),
          RUN(takes_a_window_and_not_a_byte_more), RUN(takes_no_input_after_its_end),
          RUN(takes_no_more_input_than_a_task_may_have),
          RUN(saves_up_credit_while_more_is_waiting), RUN(credits_what_nobody_will_read),
          RUN(gives_no_credit_for_parameters), RUN(reads_no_further_than_the_credit),
          RUN(survives_credit_without_measure), RUN(lets_a_result_be_so_large_and_no_larger),
          RUN(tells_success_failure_and_crash_apart), RUN(says_nothing_of_stderr_after_success),
          RUN(trims_what_stderr_said), RUN(makes_stderr_fit_to_be_shown),
          RUN(keeps_the_last_words_only), RUN(does_not_show_half_a_character_where_it_cuts))
