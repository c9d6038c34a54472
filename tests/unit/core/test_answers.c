#include "core/gate/answers.h"
#include "test.h"

static struct mcpz_answers answers;
static uint16_t row;

static const mcpz_time start = MCPZ_SECONDS(5000);

static void set_up(size_t rows)
{
    static _Alignas(16) uint8_t memory[1048576];
    struct mcpz_arena arena;

    CHECK(mcpz_answers_bytes(rows) <= sizeof(memory));
    mcpz_arena_init(&arena, memory, mcpz_answers_bytes(rows));
    mcpz_answers_init(&answers, rows, 3, &arena);
}

static enum mcpz_answer_word ask_for(const char *tenant, const char *capability, const char *key,
                                     const char *params, mcpz_time now)
{
    const struct mcpz_answer_key wanted = {
        .tenant = mcpz_text(tenant),
        .capability = mcpz_text(capability),
        .key = mcpz_text(key),
        .params = mcpz_text(params),
    };
    return mcpz_answers_ask(&answers, now, &wanted, &row);
}

static enum mcpz_answer_word ask(const char *key, mcpz_time now)
{
    return ask_for("t", "c", key, "{}", now);
}

/* A call of this key that was done with a result of so many bytes. */
static uint16_t do_it(const char *key, size_t length, uint8_t fill, mcpz_time now)
{
    static uint8_t bytes[MCPZ_ANSWER_KEPT_MAX + 1];

    CHECK_UINT(ask(key, now), MCPZ_ANSWER_IS_NEW);
    memset(bytes, fill, length);
    mcpz_answers_output(&answers, row, mcpz_bytes(bytes, length));
    mcpz_answers_done(&answers, now, row);
    return row;
}

TEST(what_was_done_is_known_with_its_result)
{
    struct mcpz_bytes result;

    set_up(MCPZ_ANSWERS_MAX);
    CHECK_UINT(ask("k", start), MCPZ_ANSWER_IS_NEW);
    const uint16_t mine = row;
    mcpz_answers_output(&answers, mine, mcpz_text("one, "));
    mcpz_answers_output(&answers, mine, mcpz_text(""));
    CHECK_UINT(ask("k", start), MCPZ_ANSWER_IS_RUNNING);
    CHECK_UINT(row, mine);
    mcpz_answers_output(&answers, mine, mcpz_text("two"));
    mcpz_answers_done(&answers, start, mine);

    CHECK_UINT(ask("k", start), MCPZ_ANSWER_IS_KNOWN);
    CHECK(mcpz_answers_result(&answers, row, &result));
    CHECK_BYTES(result, "one, two", 8);
    CHECK_UINT(answers.repeated, 2);
}

TEST(an_empty_result_is_one)
{
    struct mcpz_bytes result;

    set_up(MCPZ_ANSWERS_MAX);
    CHECK_UINT(ask("k", start), MCPZ_ANSWER_IS_NEW);
    mcpz_answers_done(&answers, start, row);
    CHECK_UINT(ask("k", start), MCPZ_ANSWER_IS_KNOWN);
    CHECK(mcpz_answers_result(&answers, row, &result));
    CHECK_UINT(result.length, 0);
}

TEST(what_failed_may_be_tried_again)
{
    set_up(MCPZ_ANSWERS_MAX);
    CHECK_UINT(ask("k", start), MCPZ_ANSWER_IS_NEW);
    mcpz_answers_forget(&answers, row);
    CHECK_UINT(ask("k", start), MCPZ_ANSWER_IS_NEW);
}

TEST(a_key_is_one_with_its_tenant_and_capability_only)
{
    set_up(MCPZ_ANSWERS_MAX);
    CHECK_UINT(ask_for("t", "c", "k", "{}", start), MCPZ_ANSWER_IS_NEW);
    CHECK_UINT(ask_for("u", "c", "k", "{}", start), MCPZ_ANSWER_IS_NEW);
    CHECK_UINT(ask_for("t", "d", "k", "{}", start), MCPZ_ANSWER_IS_NEW);
    CHECK_UINT(ask_for("tc", "", "k", "{}", start), MCPZ_ANSWER_IS_NEW);
    CHECK_UINT(ask_for("", "tc", "k", "{}", start), MCPZ_ANSWER_IS_NEW);
    CHECK_UINT(ask_for("t", "c", "k", "{}", start), MCPZ_ANSWER_IS_RUNNING);
}

TEST(a_key_is_not_used_for_something_else)
{
    set_up(MCPZ_ANSWERS_MAX);
    CHECK_UINT(ask_for("t", "c", "k", "{\"a\":1}", start), MCPZ_ANSWER_IS_NEW);
    CHECK_UINT(ask_for("t", "c", "k", "{\"a\":2}", start), MCPZ_ANSWER_IS_OTHER);
    mcpz_answers_done(&answers, start, row);
    CHECK_UINT(ask_for("t", "c", "k", "{\"a\":2}", start), MCPZ_ANSWER_IS_OTHER);
}

TEST(the_largest_result_is_kept_and_one_byte_more_is_known_to_be_lost)
{
    struct mcpz_bytes result;

    set_up(MCPZ_ANSWERS_MAX);
    (void)do_it("fits", MCPZ_ANSWER_KEPT_MAX, 1, start);
    (void)do_it("too large", MCPZ_ANSWER_KEPT_MAX + 1, 1, start);
    CHECK_UINT(ask("fits", start), MCPZ_ANSWER_IS_KNOWN);
    CHECK(mcpz_answers_result(&answers, row, &result));
    CHECK_UINT(result.length, MCPZ_ANSWER_KEPT_MAX);
    CHECK_UINT(ask("too large", start), MCPZ_ANSWER_IS_LOST);
    CHECK(!mcpz_answers_result(&answers, row, &result));
}

TEST(the_window_ends)
{
    set_up(MCPZ_ANSWERS_MAX);
    (void)do_it("k", 10, 1, start);
    CHECK_UINT(ask("k", start + MCPZ_ANSWER_AGE_US), MCPZ_ANSWER_IS_KNOWN);
    CHECK_UINT(ask("k", start + MCPZ_ANSWER_AGE_US + 1), MCPZ_ANSWER_IS_NEW);
}

/* Every result that is said to be known is the right one, however often the ring has gone round.
 */
TEST(newer_results_overwrite_the_oldest_and_never_change_one)
{
    char key[16];
    struct mcpz_bytes result;

    set_up(MCPZ_ANSWERS_MAX);
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(key, sizeof(key), "k%u", i);
        (void)do_it(key, 1 + i * 37 % MCPZ_ANSWER_KEPT_MAX, (uint8_t)i, start + i);
    }
    unsigned known = 0;
    for (unsigned i = 1000; i > 0; i--) {
        (void)snprintf(key, sizeof(key), "k%u", i - 1);
        if (ask(key, start + 1000) == MCPZ_ANSWER_IS_KNOWN) {
            CHECK_UINT(known, 1000 - i); /* the newest, without a gap */
            known++;
            CHECK(mcpz_answers_result(&answers, row, &result));
            CHECK_UINT(result.length, 1 + (i - 1) * 37 % MCPZ_ANSWER_KEPT_MAX);
            for (size_t j = 0; j < result.length; j++) {
                CHECK_UINT(result.data[j], (uint8_t)(i - 1));
            }
        } else {
            mcpz_answers_forget(&answers, row);
        }
    }
    CHECK(known >= answers.bytes_max / MCPZ_ANSWER_KEPT_MAX - 1);
    CHECK(known < MCPZ_ANSWERS_MAX);
}

/* A result that others overwrote while it came is not handed out in pieces. */
TEST(a_slow_result_that_was_overwritten_is_lost)
{
    char key[16];
    struct mcpz_bytes result;

    set_up(MCPZ_ANSWERS_MAX);
    CHECK_UINT(ask("slow", start), MCPZ_ANSWER_IS_NEW);
    const uint16_t slow = row;
    mcpz_answers_output(&answers, slow, mcpz_text("a piece"));
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "k%u", i);
        (void)do_it(key, MCPZ_ANSWER_KEPT_MAX, 1, start);
    }
    CHECK(!mcpz_answers_result(&answers, slow, &result));
    mcpz_answers_output(&answers, slow, mcpz_text(" and another"));
    mcpz_answers_done(&answers, start, slow);
    CHECK_UINT(ask("slow", start), MCPZ_ANSWER_IS_LOST);
}

TEST(what_runs_is_never_forgotten_for_something_new)
{
    char key[16];

    set_up(4);
    for (unsigned i = 0; i < 4; i++) {
        (void)snprintf(key, sizeof(key), "k%u", i);
        CHECK_UINT(ask(key, start), MCPZ_ANSWER_IS_NEW);
    }
    CHECK_UINT(ask("one more", start), MCPZ_ANSWER_IS_FULL);
    CHECK_UINT(ask("k0", start), MCPZ_ANSWER_IS_RUNNING);
    mcpz_answers_done(&answers, start, row);
    CHECK_UINT(ask("one more", start), MCPZ_ANSWER_IS_NEW);
    CHECK_UINT(ask("k1", start), MCPZ_ANSWER_IS_RUNNING);
}

TEST_MAIN(RUN(what_was_done_is_known_with_its_result), RUN(an_empty_result_is_one),
          RUN(what_failed_may_be_tried_again),
          RUN(a_key_is_one_with_its_tenant_and_capability_only),
          RUN(a_key_is_not_used_for_something_else),
          RUN(the_largest_result_is_kept_and_one_byte_more_is_known_to_be_lost),
          RUN(the_window_ends), RUN(newer_results_overwrite_the_oldest_and_never_change_one),
          RUN(a_slow_result_that_was_overwritten_is_lost),
          RUN(what_runs_is_never_forgotten_for_something_new))
