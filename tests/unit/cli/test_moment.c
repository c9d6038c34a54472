#include "cli/moment.h"
#include "test.h"

#define NOW_MS UINT64_C(1764494100000) /* 2025-11-30T09:15:00Z */

static void reads(const char *text, uint64_t expected)
{
    uint64_t ms = 0;

    CHECK_UINT(mcpz_moment_read(text, NOW_MS, &ms), MCPZ_OK);
    CHECK_UINT(ms, expected);
}

static void refuses(const char *text)
{
    uint64_t ms = 77;

    CHECK_UINT(mcpz_moment_read(text, NOW_MS, &ms), MCPZ_EPROTO);
    CHECK_UINT(ms, 77);
}

TEST(reads_a_date_and_a_time)
{
    reads("2025-11-30T09:15:00Z", NOW_MS);
    reads("1970-01-01T00:00:00Z", 0);
    reads("2025-11-30T09:15:00.25Z", NOW_MS + 250);
    reads("2025-11-30T09:15:00.0019Z", NOW_MS + 1);
    reads("2024-02-29T00:00:00Z", UINT64_C(1709164800000));
}

TEST(reads_how_long_ago)
{
    reads("10m", NOW_MS - 600000);
    reads("500ms", NOW_MS - 500);
}

TEST(refuses_what_is_no_moment)
{
    refuses("");
    refuses("now");
    refuses("2025-11-30");
    refuses("2025-11-30T09:15:00");
    refuses("2025-11-30T09:15:00+01:00");
    refuses("2025-11-30T09:15:00.Z");
    refuses("2025-11-30T09:15:00Zulu");
    refuses("2025-13-01T00:00:00Z");
    refuses("1969-12-31T23:59:59Z");
    refuses("3650d4");
}

TEST_MAIN(RUN(reads_a_date_and_a_time), RUN(reads_how_long_ago), RUN(refuses_what_is_no_moment))
