/*
 * mcpz-sim: whole nodes of the engine that ships, in virtual time, from a seed.
 *
 * Arguments and printing only; what happens is in src/sim.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/identity.h"
#include "mcpz-sim-fleet.h"
#include "mcpz-sim-took.h"
#include "sim/anchors.h"
#include "sim/fleet_schedule.h"
#include "sim/storm.h"
#include "sim/swarm.h"

#define EXIT_USAGE 2
#define STORM_NODES 6
#define STORM_MINUTES 2
#define STORM_SEEDS 20
#define FLEET_ZONE 64

static const char usage_text[] =
    "usage: mcpz-sim run [--nodes N] [--minutes M] [--seed S] [--faults none|swarm|FILE]\n"
    "                    [--save FILE] [--trace FILE] [--json]\n"
    "       mcpz-sim run --nodes N [--fleet] [--zone Z] [--story NAME] [--minutes M] [--seed S]\n"
    "                    [--faults none|swarm|FILE] [--save FILE] [--json]\n"
    "       mcpz-sim replay FILE [--trace FILE] [--json]\n"
    "       mcpz-sim shrink FILE [--out FILE]\n"
    "       mcpz-sim storms [--seeds K] [--from S] [--nodes N] [--minutes M] [--json]\n"
    "       mcpz-sim storms --fleet [--seeds K] [--from S] [--json]\n"
    "       mcpz-sim anchors [--table NAME] [--seeds K] [--from S] [--nodes N] [--json]\n"
    "\n"
    "run draws a schedule of faults and work from the seed and runs it; --faults FILE takes the\n"
    "schedule from a file instead, as replay does. A story that is saved is the schedule of what\n"
    "it did. shrink writes the smallest schedule that violates the same. storms runs K seeds from "
    "S on and tells what never came about.\n"
    "storms --fleet tells every story K times, with 128 nodes in four zones.\n"
    "With more than 64 nodes, or --fleet, run tells a story of the lower half of the core alone, "
    "in\n"
    "zones of Z nodes (64; 0: one for all): swarm, idle, join, crash, cut, pause, starve or "
    "churn.\n"
    "anchors runs the experiments of the papers and holds ours against theirs.\n"
    "Exit status: 0 all held, 1 something was violated or a bound missed, 2 usage.\n";

struct arguments {
    const char *verb;
    const char *file;
    const char *faults;
    bool has_schedule; /* `faults` is a file */
    const char *save;
    const char *trace;
    const char *table; /* NULL: all */
    const char *story; /* NULL: swarm, or idle without faults */
    bool fleet;
    bool has_minutes;
    uint64_t zone;
    uint64_t nodes; /* 0: as many as the paper has */
    uint64_t minutes;
    uint64_t seed;
    uint64_t seeds; /* 0: as many as the experiment wants */
    bool json;
};

static _Noreturn void usage(const char *what, const char *which)
{
    (void)fprintf(stderr, "mcpz-sim: %s%s\n%s", what, which, usage_text);
    exit(EXIT_USAGE);
}

/* ---- Arguments ---------------------------------------------------------------------------- */

static uint64_t number_of(const char *name, const char *text, uint64_t least, uint64_t most)
{
    char *end = NULL;

    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || number < least ||
        number > most) {
        (void)fprintf(stderr, "mcpz-sim: %s is a number from %" PRIu64 " to %" PRIu64 "\n", name,
                      least, most);
        exit(EXIT_USAGE);
    }
    return number;
}

static bool is_anchors(const struct arguments *arguments)
{
    return strcmp(arguments->verb, "anchors") == 0;
}

static void take_option(struct arguments *arguments, const char *name, const char *value)
{
    if (strcmp(name, "--nodes") == 0) {
        bool anchors = is_anchors(arguments);
        bool runs = strcmp(arguments->verb, "run") == 0;
        uint64_t most = runs ? MCPZ_FLEET_NODES_MAX : MCPZ_SIM_NODES_MAX;
        arguments->nodes = number_of(name, value, anchors ? MCPZ_ANCHORS_NODES_MIN : 1,
                                     anchors ? MCPZ_ANCHORS_NODES_MAX : most);
    } else if (strcmp(name, "--minutes") == 0) {
        arguments->minutes = number_of(name, value, 1, MCPZ_SCHEDULE_END_MS_MAX / 60000);
        arguments->has_minutes = true;
    } else if (strcmp(name, "--zone") == 0) {
        arguments->zone = number_of(name, value, 0, MCPZ_MEMBERS_MAX / 2);
    } else if (strcmp(name, "--story") == 0) {
        arguments->story = value;
        arguments->fleet = true;
    } else if (strcmp(name, "--seed") == 0 || strcmp(name, "--from") == 0) {
        arguments->seed = number_of(name, value, 0, UINT64_MAX);
    } else if (strcmp(name, "--seeds") == 0) {
        arguments->seeds = number_of(name, value, 1, 1000000);
    } else if (strcmp(name, "--faults") == 0) {
        arguments->faults = value;
        arguments->has_schedule = strcmp(value, "none") != 0 && strcmp(value, "swarm") != 0;
    } else if (strcmp(name, "--save") == 0 || strcmp(name, "--out") == 0) {
        arguments->save = value;
    } else if (strcmp(name, "--trace") == 0) {
        arguments->trace = value;
    } else if (strcmp(name, "--table") == 0) {
        arguments->table = value;
    } else {
        usage("unknown option ", name);
    }
}

static struct arguments read_arguments(int count, char **words)
{
    struct arguments arguments = {
        .faults = "swarm",
        .nodes = STORM_NODES,
        .minutes = STORM_MINUTES,
        .seed = 1,
        .seeds = STORM_SEEDS,
        .zone = FLEET_ZONE,
    };

    if (count < 2) {
        usage("what to do? ", "");
    }
    arguments.verb = words[1];
    if (is_anchors(&arguments)) {
        arguments.nodes = 0;
        arguments.seeds = 0;
    }
    for (int i = 2; i < count; i++) {
        if (strcmp(words[i], "--json") == 0) {
            arguments.json = true;
        } else if (strcmp(words[i], "--fleet") == 0) {
            arguments.fleet = true;
        } else if (words[i][0] != '-' && arguments.file == NULL) {
            arguments.file = words[i];
        } else if (i + 1 < count) {
            take_option(&arguments, words[i], words[i + 1]);
            i++;
        } else {
            usage("what about ", words[i]);
        }
    }
    return arguments;
}

/* ---- Files -------------------------------------------------------------------------------- */

static FILE *open_or_exit(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);

    if (file == NULL) {
        (void)fprintf(stderr, "mcpz-sim: %s: %s\n", path, strerror(errno));
        exit(EXIT_USAGE);
    }
    return file;
}

static void close_or_exit(FILE *file, const char *path)
{
    if (fclose(file) != 0) {
        (void)fprintf(stderr, "mcpz-sim: %s: %s\n", path, strerror(errno));
        exit(EXIT_USAGE);
    }
}

static void load(const char *path, struct mcpz_schedule *schedule)
{
    static char text[MCPZ_SCHEDULE_TEXT_BYTES_MAX + 1]; /* what is not read takes no memory */
    size_t bad_line = 0;
    FILE *file = open_or_exit(path, "r");
    size_t length = fread(text, 1, sizeof(text), file);

    close_or_exit(file, path);
    mcpz_error error = mcpz_schedule_parse(schedule, mcpz_bytes(text, length), &bad_line);
    if (error != MCPZ_OK) {
        (void)fprintf(stderr, "mcpz-sim: %s:%zu: %s\n", path, bad_line,
                      error == MCPZ_EFULL ? "too long" : "not a line of a schedule");
        exit(EXIT_USAGE);
    }
}

static void save(const char *path, const struct mcpz_schedule *schedule)
{
    FILE *file = open_or_exit(path, "w");

    mcpz_schedule_print(schedule, file);
    close_or_exit(file, path);
}

/* ---- Printing ----------------------------------------------------------------------------- */

static void show_progress(void *context, uint64_t at_ms, uint64_t end_ms)
{
    const char *what = context;
    const char *phase = at_ms <= end_ms ? "" : ", healed";

    (void)fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 " s%s   ", what, at_ms / 1000,
                  end_ms / 1000, phase);
}

static struct mcpz_storm_options options_for(char *what)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    return (struct mcpz_storm_options){
        .context = what,
        .progress = is_terminal ? show_progress : NULL,
    };
}

static void print_json(const struct mcpz_schedule *schedule,
                       const struct mcpz_storm_report *report, struct mcpz_sim_took took)
{
    bool ok = report->violated == MCPZ_INVARIANT_NONE;

    (void)printf("{\"ok\":%s,\"nodes\":%zu,\"seed\":%" PRIu64 ",\"lines\":%zu,",
                 ok ? "true" : "false", schedule->node_count, schedule->seed,
                 schedule->line_count);
    if (!ok) {
        /* Words are ours: nothing in them needs escaping. */
        (void)printf("\"violated\":\"%s\",\"at_ms\":%" PRIu64 ",\"words\":\"%s\",",
                     mcpz_invariant_word(report->violated), report->violated_ms, report->words);
    }
    (void)printf(
        "\"trace_hash\":\"%016" PRIx64 "\",\"virtual_ms\":%" PRIu64 ",\"healed_ms\":%" PRIu64
        ",\"events\":%" PRIu64
        ",\"events_per_second\":%.0f,\"events_per_cpu_second\":%.0f,\"virtual_per_real\":%.0f,",
        report->trace_hash, report->virtual_ms, report->healed_ms, report->steps,
        (double)report->steps / took.wall_s, (double)report->steps / took.cpu_s,
        (double)report->virtual_ms / 1000 / took.wall_s);
    mcpz_sometimes_print_json(mcpz_sometimes_words, report->sometimes, MCPZ_SOMETIMES_END, stdout);
    (void)printf("}\n");
}

static void print_text(const struct mcpz_schedule *schedule,
                       const struct mcpz_storm_report *report, struct mcpz_sim_took took)
{
    (void)printf("%zu nodes, %zu lines, %" PRIu64 " s of virtual time; all held %" PRIu64
                 " ms after healing\n"
                 "%" PRIu64 " events of cores in %.2f s of CPU: %.0f a second; in %.2f s: %.0f a "
                 "second, %.0f times real time\ntrace %016" PRIx64 "\n",
                 schedule->node_count, schedule->line_count, report->virtual_ms / 1000,
                 report->healed_ms, report->steps, took.cpu_s, (double)report->steps / took.cpu_s,
                 took.wall_s, (double)report->steps / took.wall_s,
                 (double)report->virtual_ms / 1000 / took.wall_s, report->trace_hash);
}

static void print_violation(const struct mcpz_storm_report *report)
{
    (void)fprintf(stderr, "violated: %s at %" PRIu64 " ms: %s\n",
                  mcpz_invariant_word(report->violated), report->violated_ms, report->words);
}

/* ---- The verbs ---------------------------------------------------------------------------- */

/* Run one and tell. False: something was violated. */
static bool run_one(const struct mcpz_schedule *schedule, const struct arguments *arguments)
{
    char what[32];
    struct mcpz_storm_report report;

    (void)snprintf(what, sizeof(what), "seed %" PRIu64, schedule->seed);
    struct mcpz_storm_options options = options_for(what);
    options.trace = arguments->trace != NULL ? open_or_exit(arguments->trace, "w") : NULL;
    struct mcpz_sim_took began = mcpz_sim_took_so_far();
    mcpz_storm_run(schedule, &options, &report);
    struct mcpz_sim_took took = mcpz_sim_took_since(began);
    if (options.progress != NULL) {
        (void)fputc('\n', stderr);
    }
    if (options.trace != NULL) {
        close_or_exit(options.trace, arguments->trace);
    }
    if (arguments->json) {
        print_json(schedule, &report, took);
    } else if (report.violated == MCPZ_INVARIANT_NONE) {
        print_text(schedule, &report, took);
    }
    if (report.violated != MCPZ_INVARIANT_NONE) {
        print_violation(&report);
    }
    return report.violated == MCPZ_INVARIANT_NONE;
}

static int run_fleet(const struct arguments *arguments)
{
    const char *name = arguments->story != NULL                 ? arguments->story
                       : strcmp(arguments->faults, "none") == 0 ? "idle"
                                                                : "swarm";
    struct mcpz_schedule schedule;
    const struct mcpz_fleet_options options = {
        .story = mcpz_sim_fleet_story(name),
        .node_count = (size_t)arguments->nodes,
        .zone_size = (size_t)arguments->zone,
        .seed = arguments->seed,
        .minutes = arguments->has_minutes ? arguments->minutes : 0,
        .schedule = arguments->save != NULL ? &schedule : NULL,
    };

    if (arguments->zone == 0 && arguments->nodes > MCPZ_FLEET_FLAT_MAX) {
        usage("too many nodes for one zone", "");
    }
    if (options.story == MCPZ_FLEET_STORIES_END) {
        mcpz_sim_fleet_help();
        usage("no such story: ", name);
    }
    mcpz_schedule_init(&schedule);
    int status = mcpz_sim_fleet_run(&options, arguments->json);
    if (arguments->save != NULL && schedule.line_count == MCPZ_SCHEDULE_FLEET_LINES_MAX) {
        (void)fprintf(stderr, "mcpz-sim: %s: too long, the end is missing\n", arguments->save);
    }
    if (arguments->save != NULL) {
        save(arguments->save, &schedule);
    }
    mcpz_schedule_finish(&schedule);
    return status;
}

static int run(const struct arguments *arguments)
{
    bool has_file = arguments->has_schedule;
    struct mcpz_schedule schedule;

    if (!has_file && (arguments->fleet || arguments->nodes > MCPZ_SIM_NODES_MAX)) {
        return run_fleet(arguments);
    }
    mcpz_schedule_init(&schedule);
    if (has_file) {
        load(arguments->faults, &schedule);
    } else {
        mcpz_swarm_draw(&schedule, (size_t)arguments->nodes, arguments->minutes, arguments->seed,
                        strcmp(arguments->faults, "swarm") == 0);
    }
    if (arguments->save != NULL) {
        save(arguments->save, &schedule);
    }
    bool ok = schedule.is_fleet ? mcpz_sim_fleet_play(&schedule, arguments->json) == EXIT_SUCCESS
                                : run_one(&schedule, arguments);
    if (!ok && has_file) {
        (void)fprintf(stderr, "replay: mcpz-sim replay %s\n", arguments->faults);
    } else if (!ok) {
        (void)fprintf(stderr,
                      "replay: mcpz-sim run --nodes %" PRIu64 " --minutes %" PRIu64
                      " --seed %" PRIu64 " --faults %s\n",
                      arguments->nodes, arguments->minutes, arguments->seed, arguments->faults);
    }
    mcpz_schedule_finish(&schedule);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int shrink(const struct arguments *arguments)
{
    struct mcpz_schedule schedule;

    mcpz_schedule_init(&schedule);
    load(arguments->file, &schedule);
    size_t before = schedule.line_count;
    size_t runs =
        schedule.is_fleet ? mcpz_fleet_shrink(&schedule) : mcpz_storm_shrink(&schedule, NULL);
    if (runs == 0) {
        (void)fprintf(stderr, "mcpz-sim: %s violates nothing\n", arguments->file);
        mcpz_schedule_finish(&schedule);
        return EXIT_FAILURE;
    }
    (void)fprintf(stderr, "%zu lines of %zu left after %zu runs\n", schedule.line_count, before,
                  runs);
    if (arguments->save != NULL) {
        save(arguments->save, &schedule);
    } else {
        mcpz_schedule_print(&schedule, stdout);
    }
    mcpz_schedule_finish(&schedule);
    return EXIT_SUCCESS;
}

/* One seed of a storm. False: something was violated. */
static bool run_seed(const struct arguments *arguments, uint64_t seed, uint64_t *sometimes)
{
    char what[32];
    struct mcpz_schedule schedule;
    struct mcpz_storm_report report;

    (void)snprintf(what, sizeof(what), "seed %" PRIu64, seed);
    struct mcpz_storm_options options = options_for(what);
    mcpz_schedule_init(&schedule);
    mcpz_swarm_draw(&schedule, (size_t)arguments->nodes, arguments->minutes, seed, true);
    mcpz_storm_run(&schedule, &options, &report);
    mcpz_schedule_finish(&schedule);
    for (size_t i = 0; i < MCPZ_SOMETIMES_END; i++) {
        sometimes[i] += report.sometimes[i];
    }
    if (report.violated == MCPZ_INVARIANT_NONE) {
        return true;
    }
    print_violation(&report);
    (void)fprintf(stderr,
                  "replay: mcpz-sim run --nodes %" PRIu64 " --minutes %" PRIu64 " --seed %" PRIu64
                  " --faults swarm\n",
                  arguments->nodes, arguments->minutes, seed);
    return false;
}

static int storms(const struct arguments *arguments)
{
    uint64_t sometimes[MCPZ_SOMETIMES_END] = {0};
    uint64_t failed = 0;
    struct mcpz_sim_took began = mcpz_sim_took_so_far();

    for (uint64_t i = 0; i < arguments->seeds; i++) {
        failed += !run_seed(arguments, arguments->seed + i, sometimes);
    }
    if (arguments->json) {
        (void)printf("{\"ok\":%s,\"seeds\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"seconds\":%.2f,",
                     failed == 0 ? "true" : "false", arguments->seeds, failed,
                     mcpz_sim_took_since(began).wall_s);
        mcpz_sometimes_print_json(mcpz_sometimes_words, sometimes, MCPZ_SOMETIMES_END, stdout);
        (void)printf("}\n");
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    mcpz_sometimes_print(mcpz_sometimes_words, sometimes, MCPZ_SOMETIMES_END, stdout);
    (void)printf("%" PRIu64 " of %" PRIu64 " storms failed, in %.1f s\n", failed, arguments->seeds,
                 mcpz_sim_took_since(began).wall_s);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- Anchors ------------------------------------------------------------------------------ */

static void print_experiment(const struct mcpz_experiment *experiment, size_t nodes,
                             uint64_t seeds, const struct mcpz_anchors *anchors)
{
    char metric[MCPZ_ANCHOR_WORDS_BYTES];
    char paper[MCPZ_ANCHOR_TEXT_BYTES];
    char bound[MCPZ_ANCHOR_TEXT_BYTES];

    (void)printf("%s  %s; %zu nodes, %" PRIu64 " seeds\n%-60s %10s %20s %10s\n", experiment->name,
                 experiment->title, nodes, seeds, "metric", "paper", "bound", "ours");
    for (size_t i = 0; i < anchors->count; i++) {
        const struct mcpz_anchor *row = &anchors->rows[i];
        const char *note = mcpz_anchor_is_better(row) ? "  ok, better than the paper" : "  ok";
        mcpz_anchor_print_metric(row, metric);
        mcpz_anchor_print_paper(row, paper);
        mcpz_anchor_print_bound(row, bound);
        (void)printf("%-60s %10s %20s %10.6g%s\n", metric, paper, bound, row->ours,
                     row->ok ? note : "  MISSED");
    }
    (void)printf("\n");
}

/* Metrics and bounds are our words: nothing in them needs escaping. */
static void print_anchors_json(const struct mcpz_anchors *anchors, bool is_first)
{
    char metric[MCPZ_ANCHOR_WORDS_BYTES];
    char paper[MCPZ_ANCHOR_TEXT_BYTES];
    char bound[MCPZ_ANCHOR_TEXT_BYTES];

    for (size_t i = 0; i < anchors->count; i++) {
        const struct mcpz_anchor *row = &anchors->rows[i];
        mcpz_anchor_print_metric(row, metric);
        mcpz_anchor_print_paper(row, paper);
        mcpz_anchor_print_bound(row, bound);
        const char *quote = strcmp(paper, "-") == 0 ? "\"" : "";
        (void)printf("%s{\"table\":\"%s\",\"metric\":\"%s\",\"paper\":%s%s%s,\"bound\":\"%s\","
                     "\"ours\":%.7g,\"ok\":%s}",
                     is_first && i == 0 ? "" : ",\n", row->table, metric, quote, paper, quote,
                     bound, row->ours, row->ok ? "true" : "false");
    }
}

static void show_phase(const char *phase, uint64_t at_s)
{
    (void)fprintf(stderr, "\r%6" PRIu64 " s  %-40s", at_s, phase);
}

/* Run one for all seeds. Returns how many bounds were missed. */
static size_t run_experiment(const struct arguments *arguments,
                             const struct mcpz_experiment *experiment, size_t nodes,
                             uint64_t seeds, struct mcpz_anchors *anchors)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    size_t missed = 0;

    anchors->count = 0;
    anchors->progress = is_terminal ? show_phase : NULL;
    for (uint64_t i = 0; i < seeds; i++) {
        if (is_terminal) {
            (void)fprintf(stderr, "\r%s: seed %" PRIu64 " of %" PRIu64 "   ", experiment->name,
                          i + 1, seeds);
        }
        mcpz_anchors_run(anchors, experiment, nodes, arguments->seed + i);
    }
    if (is_terminal) {
        (void)fputc('\n', stderr);
    }
    for (size_t i = 0; i < anchors->count; i++) {
        missed += !anchors->rows[i].ok;
    }
    return missed;
}

static int anchors(const struct arguments *arguments)
{
    static struct mcpz_anchors anchors;
    const struct mcpz_experiment *experiment;
    size_t missed = 0;
    size_t ran = 0;

    if (arguments->nodes % 2 != 0) {
        usage("the number of nodes is even", "");
    }
    for (size_t i = 0; (experiment = mcpz_anchors_experiment(i)) != NULL; i++) {
        if (arguments->table != NULL && strcmp(arguments->table, experiment->name) != 0) {
            continue;
        }
        size_t nodes = arguments->nodes > 0 ? (size_t)arguments->nodes : experiment->nodes;
        uint64_t seeds = arguments->seeds > 0 ? arguments->seeds : experiment->seeds;
        missed += run_experiment(arguments, experiment, nodes, seeds, &anchors);
        if (arguments->json) {
            (void)fputs(ran == 0 ? "[" : "", stdout);
            print_anchors_json(&anchors, ran == 0);
        } else {
            print_experiment(experiment, nodes, seeds, &anchors);
        }
        ran++;
    }
    if (ran == 0) {
        usage("no such table: ", arguments->table);
    }
    if (arguments->json) {
        (void)printf("]\n");
    } else {
        (void)printf("%zu bounds missed, mean or worst of all seeds\n", missed);
    }
    return missed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int count, char **words)
{
    struct arguments arguments = read_arguments(count, words);
    bool takes_file =
        strcmp(arguments.verb, "replay") == 0 || strcmp(arguments.verb, "shrink") == 0;

    if (takes_file != (arguments.file != NULL)) {
        usage(takes_file ? "which file? " : "no file is wanted: ",
              takes_file ? "" : arguments.file);
    }
    if (mcpz_crypto_init() != MCPZ_OK) {
        (void)fprintf(stderr, "mcpz-sim: libsodium does not start\n");
        return EXIT_FAILURE;
    }
    if (strcmp(arguments.verb, "run") == 0) {
        return run(&arguments);
    }
    if (strcmp(arguments.verb, "replay") == 0) {
        arguments.faults = arguments.file;
        arguments.has_schedule = true;
        return run(&arguments);
    }
    if (strcmp(arguments.verb, "shrink") == 0) {
        return shrink(&arguments);
    }
    if (strcmp(arguments.verb, "storms") == 0 && arguments.fleet) {
        return mcpz_sim_fleet_storms(arguments.seed, arguments.seeds, arguments.json);
    }
    if (strcmp(arguments.verb, "storms") == 0) {
        return storms(&arguments);
    }
    if (is_anchors(&arguments)) {
        return anchors(&arguments);
    }
    usage("unknown verb ", arguments.verb);
}
