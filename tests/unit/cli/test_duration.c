#include "cli/duration.h"
#include "test.h"

static void reads(const char *text, uint64_t expected)
{
    uint64_t ms = 0;

    CHECK(mcpz_duration_read(text, &ms) == MCPZ_OK);
    CHECK_UINT(ms, expected);
}

static void refuses(const char *text, mcpz_error expected)
{
    uint64_t ms = 77;

    CHECK_UINT(mcpz_duration_read(text, &ms), expected);
    CHECK_UINT(ms, 77);
}

TEST(reads_every_unit)
{
    (void)state;
    reads("500ms", 500);
    reads("30s", 30000);
    reads("5m", 300000);
    reads("1h", 3600000);
    reads("7d", UINT64_C(604800000));
}

TEST(refuses_what_is_no_length_of_time)
{
    (void)state;
    refuses("", MCPZ_EPROTO);
    refuses("30", MCPZ_EPROTO);
    refuses("s", MCPZ_EPROTO);
    refuses("0s", MCPZ_EPROTO);
    refuses("-1s", MCPZ_EPROTO);
    refuses("1.5s", MCPZ_EPROTO);
    refuses("30 s", MCPZ_EPROTO);
    refuses("30sec", MCPZ_EPROTO);
    refuses("1h30m", MCPZ_EPROTO);
}

TEST(keeps_its_bound)
{
    (void)state;
    reads("3650d", MCPZ_DURATION_MS_MAX);
    refuses("3651d", MCPZ_EFULL);
    refuses("315360000001ms", MCPZ_EFULL);
    refuses("99999999999999999999999999ms", MCPZ_EFULL);
}

static void writes(uint64_t seconds, const char *expected)
{
    char text[MCPZ_DURATION_TEXT_BYTES];

    mcpz_duration_write(seconds, text);
    CHECK_TEXT(text, expected);
}

TEST(writes_two_units_at_most)
{
    (void)state;
    writes(0, "0s");
    writes(59, "59s");
    writes(60, "1m");
    writes(61, "1m 1s");
    writes(3600, "1h");
    writes(3659, "1h");
    writes(3661, "1h 1m");
    writes(90000, "1d 1h");
}

TEST_MAIN(RUN(reads_every_unit), RUN(refuses_what_is_no_length_of_time), RUN(keeps_its_bound),
          RUN(writes_two_units_at_most))
