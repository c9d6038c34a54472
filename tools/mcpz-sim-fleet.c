#include "mcpz-sim-fleet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mcpz-sim-took.h"
#include "sim/fleet_schedule.h"

/* Of the standard set. */
#define STORM_NODES 128
#define STORM_ZONE 32
#define STORM_MINUTES 2

enum mcpz_fleet_story mcpz_sim_fleet_story(const char *name)
{
    enum mcpz_fleet_story story = MCPZ_FLEET_STORY_SWARM;

    while (story < MCPZ_FLEET_STORIES_END && strcmp(name, mcpz_fleet_story_word(story)) != 0) {
        story++;
    }
    return story;
}

void mcpz_sim_fleet_help(void)
{
    for (enum mcpz_fleet_story story = 0; story < MCPZ_FLEET_STORIES_END; story++) {
        (void)fprintf(stderr, "  %-8s %s\n", mcpz_fleet_story_word(story),
                      mcpz_fleet_story_help(story));
    }
}

static void show_progress(void *context, const char *phase, uint64_t at_s,
                          const struct mcpz_fleet *fleet)
{
    const struct mcpz_sim_took *began = context;
    const double took = mcpz_sim_took_since(*began).cpu_s;

    (void)fprintf(stderr,
                  "\r%6" PRIu64 " s  %-14s %7zu nodes  %.1f M events, %.2f M a CPU second   ",
                  at_s, phase, mcpz_fleet_running(fleet),
                  (double)mcpz_fleet_counted(fleet, MCPZ_FLEET_EVENTS) / 1e6,
                  (double)mcpz_fleet_counted(fleet, MCPZ_FLEET_EVENTS) / 1e6 / took);
}

static bool is_ok(const struct mcpz_fleet_report *report)
{
    bool ok = report->violated[0] == '\0';

    for (size_t i = 0; i < report->measure_count; i++) {
        ok = ok && mcpz_fleet_measure_is_ok(&report->measures[i]);
    }
    return ok;
}

/* Words are ours: nothing in them needs escaping. */
static void print_json(const char *what, const struct mcpz_fleet_options *options,
                       const struct mcpz_fleet_report *report, struct mcpz_sim_took took)
{
    (void)printf("{\"ok\":%s,\"story\":\"%s\",\"nodes\":%zu,\"zone\":%zu,\"seed\":%" PRIu64
                 ",\"violated\":\"%s\",\"violated_ms\":%" PRIu64 ",\"trace_hash\":\"%016" PRIx64
                 "\",\"virtual_ms\":%" PRIu64 ",\"seconds\":%.2f,\"cpu_seconds\":%.2f,"
                 "\"events_per_second\":%.0f,\"events_per_cpu_second\":%.0f,"
                 "\"bytes_per_node\":%zu,\"measures\":[",
                 is_ok(report) ? "true" : "false", what, options->node_count, options->zone_size,
                 options->seed, report->violated, report->violated_ms, report->hash,
                 report->virtual_ms, took.wall_s, took.cpu_s,
                 (double)report->counters[MCPZ_FLEET_EVENTS] / took.wall_s,
                 (double)report->counters[MCPZ_FLEET_EVENTS] / took.cpu_s, report->bytes_per_node);
    for (size_t i = 0; i < report->measure_count; i++) {
        const struct mcpz_fleet_measure *measure = &report->measures[i];
        (void)printf("%s{\"what\":\"%s\",\"value\":%.4g,", i == 0 ? "" : ",", measure->what,
                     measure->value);
        if (measure->bound >= 0) {
            (void)printf("\"bound\":%g,", measure->bound);
        }
        (void)printf("\"ok\":%s}", mcpz_fleet_measure_is_ok(measure) ? "true" : "false");
    }
    (void)printf("],\"counters\":{");
    for (enum mcpz_fleet_counter i = 0; i < MCPZ_FLEET_COUNTERS_END; i++) {
        (void)printf("%s\"%s\":%" PRIu64, i == 0 ? "" : ",", mcpz_fleet_counter_word(i),
                     report->counters[i]);
    }
    (void)printf("},");
    mcpz_sometimes_print_json(mcpz_fleet_sometimes_words, report->sometimes,
                              MCPZ_FLEET_SOMETIMES_END, stdout);
    (void)printf("}\n");
}

static void print_text(const char *what, const struct mcpz_fleet_options *options,
                       const struct mcpz_fleet_report *report, struct mcpz_sim_took took)
{
    (void)printf("%s: %zu nodes, seed %" PRIu64 ", %" PRIu64 " s of virtual time\n", what,
                 options->node_count, options->seed, report->virtual_ms / 1000);
    for (size_t i = 0; i < report->measure_count; i++) {
        const struct mcpz_fleet_measure *measure = &report->measures[i];
        (void)printf("%10.4g  %s", measure->value, measure->what);
        if (measure->bound >= 0) {
            (void)printf(" (at most %g)%s", measure->bound,
                         mcpz_fleet_measure_is_ok(measure) ? "" : " -- MISSED");
        }
        (void)printf("\n");
    }
    for (enum mcpz_fleet_counter i = 0; i < MCPZ_FLEET_COUNTERS_END; i++) {
        (void)printf("%s%s %" PRIu64, i % 6 == 0 ? "  " : ", ", mcpz_fleet_counter_word(i),
                     report->counters[i]);
        (void)printf("%s", i % 6 == 5 || i + 1 == MCPZ_FLEET_COUNTERS_END ? "\n" : "");
    }
    (void)printf(
        "%" PRIu64 " events of cores in %.2f s of CPU: %.0f a second; in %.2f s: %.0f a "
        "second, %.1f times real time\n%zu bytes of memory a node\ntrace %016" PRIx64 "\n",
        report->counters[MCPZ_FLEET_EVENTS], took.cpu_s,
        (double)report->counters[MCPZ_FLEET_EVENTS] / took.cpu_s, took.wall_s,
        (double)report->counters[MCPZ_FLEET_EVENTS] / took.wall_s,
        (double)report->virtual_ms / 1000 / took.wall_s, report->bytes_per_node, report->hash);
}

static void print_violation(const struct mcpz_fleet_report *report)
{
    if (report->violated[0] != '\0') {
        (void)fprintf(stderr, "violated at %" PRIu64 " ms: %s\n", report->violated_ms,
                      report->violated);
    }
    if (report->wrong[0] != '\0') {
        (void)fprintf(stderr, "too late: %s\n", report->wrong);
    }
}

static void print_failure(const struct mcpz_fleet_options *options,
                          const struct mcpz_fleet_report *report)
{
    print_violation(report);
    if (is_ok(report)) {
        return;
    }
    (void)fprintf(stderr,
                  "replay: mcpz-sim run --fleet --nodes %zu --zone %zu --story %s --seed %" PRIu64,
                  options->node_count, options->zone_size, mcpz_fleet_story_word(options->story),
                  options->seed);
    if (options->minutes > 0) {
        (void)fprintf(stderr, " --minutes %" PRIu64, options->minutes);
    }
    (void)fputc('\n', stderr);
}

/* Tell a story, or play a schedule if there is one. */
static bool run_shown(const struct mcpz_fleet_options *options,
                      const struct mcpz_schedule *schedule, bool json,
                      struct mcpz_fleet_report *report)
{
    const char *what = schedule != NULL ? "schedule" : mcpz_fleet_story_word(options->story);
    struct mcpz_fleet_options shown = *options;
    struct mcpz_sim_took began = mcpz_sim_took_so_far();

    shown.context = &began;
    shown.progress = isatty(STDERR_FILENO) == 1 ? show_progress : NULL;
    if (schedule != NULL) {
        mcpz_fleet_play(schedule, &shown, report);
    } else {
        mcpz_fleet_tell(&shown, report);
    }
    struct mcpz_sim_took took = mcpz_sim_took_since(began);
    if (shown.progress != NULL) {
        (void)fputc('\n', stderr);
    }
    if (json) {
        print_json(what, options, report, took);
    } else {
        print_text(what, options, report, took);
    }
    return is_ok(report);
}

int mcpz_sim_fleet_run(const struct mcpz_fleet_options *options, bool json)
{
    struct mcpz_fleet_report report;
    const bool ok = run_shown(options, NULL, json, &report);

    print_failure(options, &report);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int mcpz_sim_fleet_play(const struct mcpz_schedule *schedule, bool json)
{
    const struct mcpz_fleet_options options = {
        .node_count = schedule->node_count,
        .zone_size = schedule->zone_size,
        .seed = schedule->seed,
    };
    struct mcpz_fleet_report report;
    const bool ok = run_shown(&options, schedule, json, &report);

    print_violation(&report);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- The standard set --------------------------------------------------------------------- */

/* One story of it. False: it failed. */
static bool tell_one(enum mcpz_fleet_story story, uint64_t seed, uint64_t *sometimes)
{
    const struct mcpz_fleet_options options = {
        .story = story,
        .node_count = STORM_NODES,
        .zone_size = STORM_ZONE,
        .seed = seed,
        .minutes = STORM_MINUTES,
    };
    struct mcpz_fleet_report report;

    mcpz_fleet_tell(&options, &report);
    for (size_t i = 0; i < MCPZ_FLEET_SOMETIMES_END; i++) {
        sometimes[i] += report.sometimes[i];
    }
    if (!is_ok(&report)) {
        print_failure(&options, &report);
    }
    return is_ok(&report);
}

int mcpz_sim_fleet_storms(uint64_t first, uint64_t seeds, bool json)
{
    uint64_t sometimes[MCPZ_FLEET_SOMETIMES_END] = {0};
    uint64_t failed = 0;
    uint64_t told = 0;
    struct mcpz_sim_took began = mcpz_sim_took_so_far();

    for (uint64_t seed = first; seed < first + seeds; seed++) {
        for (enum mcpz_fleet_story story = 0; story < MCPZ_FLEET_STORIES_END; story++) {
            failed += !tell_one(story, seed, sometimes);
            told++;
        }
    }
    const double took_s = mcpz_sim_took_since(began).wall_s;
    if (json) {
        (void)printf("{\"ok\":%s,\"stories\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"seconds\":%.2f,",
                     failed == 0 ? "true" : "false", told, failed, took_s);
        mcpz_sometimes_print_json(mcpz_fleet_sometimes_words, sometimes, MCPZ_FLEET_SOMETIMES_END,
                                  stdout);
        (void)printf("}\n");
    } else {
        mcpz_sometimes_print(mcpz_fleet_sometimes_words, sometimes, MCPZ_FLEET_SOMETIMES_END,
                             stdout);
        (void)printf("%" PRIu64 " of %" PRIu64 " stories failed, in %.1f s\n", failed, told,
                     took_s);
    }
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
