#include "sim/shrink.h"

#include <stdlib.h>
#include <string.h>

struct shrink {
    struct mcpz_schedule *schedule;
    bool (*fails)(void *context, const struct mcpz_schedule *schedule);
    void *context;
    size_t runs;
};

static bool still_fails(struct shrink *shrink, const struct mcpz_schedule *schedule)
{
    if (shrink->runs == MCPZ_SHRINK_RUNS_MAX) {
        return false;
    }
    shrink->runs++;
    return shrink->fails(shrink->context, schedule);
}

/* Leave out `count` lines from `first` on, if it fails without them too. */
static bool leave_out(struct shrink *shrink, size_t first, size_t count)
{
    struct mcpz_schedule *schedule = shrink->schedule;
    struct mcpz_schedule less = *schedule;
    size_t rest = schedule->line_count - first - count;

    less.lines = calloc(schedule->line_count + 1, sizeof(*less.lines));
    if (less.lines == NULL) {
        abort();
    }
    memcpy(less.lines, schedule->lines, first * sizeof(*less.lines));
    memcpy(less.lines + first, schedule->lines + first + count, rest * sizeof(*less.lines));
    less.line_count = first + rest;
    bool fails = still_fails(shrink, &less);
    if (fails) {
        memcpy(schedule->lines, less.lines, less.line_count * sizeof(*less.lines));
        schedule->line_count = less.line_count;
    }
    free(less.lines);
    return fails;
}

/* One pass with pieces of one size, from the end: what comes late is needed least. */
static bool leave_out_pieces(struct shrink *shrink, size_t size)
{
    bool left_out = false;

    for (size_t end = shrink->schedule->line_count; end > 0;) {
        size_t first = end > size ? end - size : 0;
        left_out |= leave_out(shrink, first, end - first);
        end = first;
    }
    return left_out;
}

/* The safety phase need not go on after what fails, nor, in the end, after the last line. */
static void lower_end(struct shrink *shrink, uint64_t end_ms)
{
    struct mcpz_schedule shorter = *shrink->schedule;

    shorter.end_ms = end_ms;
    if (end_ms < shrink->schedule->end_ms && still_fails(shrink, &shorter)) {
        shrink->schedule->end_ms = end_ms;
        while (shrink->schedule->line_count > 0 &&
               shrink->schedule->lines[shrink->schedule->line_count - 1].at_ms >= end_ms) {
            shrink->schedule->line_count--;
        }
    }
}

size_t mcpz_shrink(struct mcpz_schedule *schedule, uint64_t violated_ms,
                   bool (*fails)(void *context, const struct mcpz_schedule *schedule),
                   void *context)
{
    struct shrink shrink = {.schedule = schedule, .fails = fails, .context = context};

    lower_end(&shrink, violated_ms + 1);
    size_t size = schedule->line_count / 2;
    while (size > 1) {
        (void)leave_out_pieces(&shrink, size);
        size = (size < schedule->line_count ? size : schedule->line_count) / 2;
    }
    while (leave_out_pieces(&shrink, 1)) {
        /* What went made others needless. */
    }
    if (schedule->line_count > 0) {
        lower_end(&shrink, schedule->lines[schedule->line_count - 1].at_ms + 1);
    }
    return shrink.runs;
}
