#include "exec/limit.h"
#include "test.h"

static const struct mcpz_service_limits limits = {
    .cpu_milli = 1500,
    .memory_bytes = UINT64_C(4) << 30,
    .disk_bytes = UINT64_C(10) << 30,
    .files = 32,
    .processes = 256,
    .seconds = 3600,
};

TEST(says_which_limit_and_how_to_raise_it)
{
    static const struct {
        enum mcpz_limit limit;
        const char *text;
    } rows[] = {
        {MCPZ_LIMIT_CPU, "it used all the processor time of 1.500 cores, and was stopped: where "
                         "that is right, raise limits.cpu or limits.time of the provider hash"},
        {MCPZ_LIMIT_MEMORY, "it used more than 4096 MiB of memory, and was stopped: where that is "
                            "right, raise limits.memory of the provider hash"},
        {MCPZ_LIMIT_DISK, "it used more than 10240 MiB of disk, and was stopped: where that is "
                          "right, raise limits.disk of the provider hash"},
        {MCPZ_LIMIT_PROCESSES, "it used more than 256 processes, and was stopped: where that is "
                               "right, raise limits.processes of the provider hash"},
        {MCPZ_LIMIT_TIME, "it used more than 3600 s of time, and was stopped: where that is "
                          "right, raise limits.time of the provider hash"},
        {MCPZ_LIMIT_DEPTH, "it used directories more than 64 deep, and was stopped"},
        {MCPZ_LIMIT_ENTRIES, "it used more than 1000000 files, and was stopped"},
    };
    char text[256];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        mcpz_limit_show(rows[i].limit, &limits, "hash", text, sizeof(text));
        CHECK_TEXT(text, rows[i].text);
    }
}

TEST(is_cut_where_there_is_no_room)
{
    char text[20];

    mcpz_limit_show(MCPZ_LIMIT_TIME, &limits, "hash", text, sizeof(text));
    CHECK_TEXT(text, "it used more than 3");
}

TEST_MAIN(RUN(says_which_limit_and_how_to_raise_it), RUN(is_cut_where_there_is_no_room))
