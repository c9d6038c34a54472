/*
 * Feed any bytes to the reader of schedules. What it takes is printed as what reads the same.
 */

#include <stdlib.h>
#include <string.h>

#include "sim/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_same(const struct mcpz_schedule *a, const struct mcpz_schedule *b)
{
    if (a->node_count != b->node_count || a->seed != b->seed || a->end_ms != b->end_ms ||
        a->line_count != b->line_count) {
        abort();
    }
    for (size_t i = 0; i < a->line_count; i++) {
        if (a->lines[i].at_ms != b->lines[i].at_ms || a->lines[i].verb != b->lines[i].verb ||
            memcmp(a->lines[i].arguments, b->lines[i].arguments, sizeof(a->lines[i].arguments)) !=
                0) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct mcpz_schedule schedule;
    struct mcpz_schedule again;
    size_t bad_line = 0;

    mcpz_schedule_init(&schedule);
    mcpz_schedule_init(&again);
    if (mcpz_schedule_parse(&schedule, mcpz_bytes(bytes, length), &bad_line) == MCPZ_OK) {
        char *text = NULL;
        size_t text_length = 0;
        FILE *file = open_memstream(&text, &text_length);
        if (file == NULL) {
            abort();
        }
        mcpz_schedule_print(&schedule, file);
        (void)fclose(file);
        if (mcpz_schedule_parse(&again, mcpz_bytes(text, text_length), &bad_line) != MCPZ_OK) {
            abort();
        }
        check_same(&schedule, &again);
        free(text);
    } else if (bad_line == 0) {
        abort();
    }
    mcpz_schedule_finish(&schedule);
    mcpz_schedule_finish(&again);
    return 0;
}
