/* Schedules as texts, for the tests of both kinds. */

#ifndef CLUSTER_SCHEDULES_H
#define CLUSTER_SCHEDULES_H

#include <stdlib.h>

#include "sim/schedule.h"
#include "test.h"

static inline struct mcpz_schedule parsed(const char *text)
{
    struct mcpz_schedule schedule;
    size_t bad_line = 0;

    mcpz_schedule_init(&schedule);
    CHECK_UINT(mcpz_schedule_parse(&schedule, mcpz_text(text), &bad_line), MCPZ_OK);
    return schedule;
}

/* The text of a schedule; the caller frees it. */
static inline char *printed(const struct mcpz_schedule *schedule)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);

    CHECK(file != NULL);
    mcpz_schedule_print(schedule, file);
    CHECK(fclose(file) == 0);
    return text;
}

static inline void check_refused(const char *text, size_t bad_line)
{
    struct mcpz_schedule schedule;
    size_t found = 0;

    mcpz_schedule_init(&schedule);
    CHECK_UINT(mcpz_schedule_parse(&schedule, mcpz_text(text), &found), MCPZ_EPROTO);
    CHECK_UINT(found, bad_line);
    mcpz_schedule_finish(&schedule);
}

#endif
