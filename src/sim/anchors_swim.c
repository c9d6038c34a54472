#include "sim/anchors_swim.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/hash.h"
#include "base/rng.h"
#include "sim/fleet_story.h"

#define ZONE 64
#define JOIN_US MCPZ_MS(50) /* one after another */
#define SETTLE_US MCPZ_SECONDS(60)
#define AGREE_MOST_US MCPZ_SECONDS(180)
#define LOOK_US MCPZ_SECONDS(1)
#define LOAD_US MCPZ_SECONDS(240)
#define FLIP_US MCPZ_SECONDS(20)
#define LOST_PPM 800000
#define TRIALS 20
#define MINUTES 5
#define STORM_MINUTES 10
#define IDLE_MINUTES 2

/* ---- Rows --------------------------------------------------------------------------------- */

/* The mean of all runs. Less is better. */
static void add(struct mcpz_anchors *anchors, const char *metric, double paper,
                struct mcpz_anchor_bound bound, double ours)
{
    mcpz_anchors_add(anchors,
                     (struct mcpz_anchor){.table = "A5",
                                          .better = MCPZ_ANCHOR_LOWER,
                                          .paper = paper,
                                          .bound = bound,
                                          .ours = ours},
                     "%s", metric);
}

/* The worst of all runs. */
static void add_worst(struct mcpz_anchors *anchors, const char *metric, double paper,
                      struct mcpz_anchor_bound bound, double ours)
{
    mcpz_anchors_add(anchors,
                     (struct mcpz_anchor){.table = "A5",
                                          .better = MCPZ_ANCHOR_LOWER,
                                          .is_worst = true,
                                          .paper = paper,
                                          .bound = bound,
                                          .ours = ours},
                     "%s", metric);
}

/* ---- A fleet that has joined -------------------------------------------------------------- */

struct lab {
    struct mcpz_anchors *anchors;
    struct mcpz_fleet *fleet;
    struct mcpz_rng rng;
    const char *phase;
    size_t count;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static void pass(const struct lab *lab, mcpz_time for_us)
{
    const mcpz_time end_us = mcpz_fleet_now(lab->fleet) + for_us;

    while (mcpz_fleet_now(lab->fleet) < end_us) {
        mcpz_fleet_run_until(lab->fleet,
                             mcpz_time_min(end_us, mcpz_fleet_now(lab->fleet) + LOOK_US));
        if (lab->anchors->progress != NULL) {
            lab->anchors->progress(lab->phase, mcpz_fleet_now(lab->fleet) / MCPZ_SECONDS(1));
        }
    }
}

/* Every experiment begins with views that are correct, or there is nothing to measure. */
static void agree(const struct lab *lab)
{
    const mcpz_time end_us = mcpz_fleet_now(lab->fleet) + AGREE_MOST_US;

    while (!mcpz_fleet_agrees(lab->fleet)) {
        assert(mcpz_fleet_now(lab->fleet) < end_us);
        pass(lab, LOOK_US);
    }
}

static struct lab lab_open(struct mcpz_anchors *anchors, const char *phase, size_t count,
                           size_t zone_size, uint64_t seed)
{
    struct lab lab = {
        .anchors = anchors,
        .fleet = mcpz_fleet_create(&(struct mcpz_fleet_config){
            .node_count = count, .zone_size = zone_size, .seed = seed}),
        .phase = phase,
        .count = count,
    };

    mcpz_rng_init(&lab.rng, mcpz_hash_mix(seed ^ UINT64_C(0x6135)));
    for (size_t i = 0; i < count; i++) {
        mcpz_fleet_start(lab.fleet, i);
        if (zone_size == 0 || (i + 1) % 8 == 0) {
            pass(&lab, JOIN_US);
        }
    }
    agree(&lab);
    pass(&lab, SETTLE_US);
    return lab;
}

static void lab_close(struct lab *lab)
{
    mcpz_fleet_destroy(lab->fleet);
}

/* ---- Latency ------------------------------------------------------------------------------ */

/* How it became known that one is gone: seconds. */
struct death {
    const struct mcpz_fleet *fleet;
    size_t victim;
    mcpz_time began_us;
    double suspected;
    double first;
    double last;
    size_t known_by;
};

static void watch_death(void *context, size_t viewer, size_t about, const struct mcpz_fact *fact)
{
    struct death *death = context;
    const double after = (double)(mcpz_fleet_now(death->fleet) - death->began_us) / 1e6;

    (void)viewer;
    if (about != death->victim) {
        return;
    }
    if (fact->kind == MCPZ_FACT_SUSPECT || fact->kind == MCPZ_FACT_DEAD) {
        death->suspected = fmin(death->suspected, after);
    }
    if (fact->kind == MCPZ_FACT_DEAD) {
        death->first = fmin(death->first, after);
        death->last = after;
        death->known_by++;
    } else if (fact->kind == MCPZ_FACT_ALIVE) {
        death->known_by = 0; /* at least one has to learn it anew: nobody shows that in a trial */
    }
}

/* One goes; then it comes back, and all is as before, some part of a heartbeat later. */
static struct death try_one(struct lab *lab, size_t victim,
                            void (*stop)(struct mcpz_fleet *fleet, size_t node))
{
    struct mcpz_fleet *fleet = lab->fleet;
    struct death death = {
        .fleet = fleet,
        .victim = victim,
        .began_us = mcpz_fleet_now(fleet),
        .suspected = MCPZ_ANCHORS_NEVER,
        .first = MCPZ_ANCHORS_NEVER,
    };

    mcpz_fleet_watch(fleet, watch_death, &death);
    stop(fleet, victim);
    agree(lab);
    mcpz_fleet_watch(fleet, NULL, NULL);
    if (death.known_by < lab->count - 1) {
        death.last = MCPZ_ANCHORS_NEVER;
    }
    mcpz_fleet_start(fleet, victim);
    pass(lab, LOOK_US);
    agree(lab);
    pass(lab, SETTLE_US + mcpz_rng_below(&lab->rng, (uint32_t)MCPZ_SECONDS(8)));
    return death;
}

static int compare_numbers(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median_of(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_numbers);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static void latency(struct mcpz_anchors *anchors, const struct mcpz_swim_sizes *sizes,
                    const char *how, void (*stop)(struct mcpz_fleet *fleet, size_t node),
                    uint64_t seed)
{
    struct lab lab = lab_open(anchors, how, sizes->nodes, 0, seed);
    double *values = must(calloc(3 * sizes->trials, sizeof(*values)));
    double *first = values + sizes->trials;
    double *last = first + sizes->trials;
    const size_t start = mcpz_rng_below(&lab.rng, (uint32_t)lab.count);
    double suspected = 0;
    char metric[MCPZ_ANCHOR_METRIC_BYTES];

    for (size_t i = 0; i < sizes->trials; i++) { /* each another one */
        const size_t victim = (start + i * lab.count / sizes->trials) % lab.count;
        const struct death death = try_one(&lab, victim, stop);
        suspected += death.suspected / (double)sizes->trials;
        values[i] = death.suspected;
        first[i] = death.first;
        last[i] = death.last;
    }
    (void)snprintf(metric, sizeof(metric), "%s: first suspicion, s, mean", how);
    add(anchors, metric, 1.58, mcpz_anchor_at_most(1.9), suspected);
    (void)snprintf(metric, sizeof(metric), "%s: first suspicion, s, median", how);
    add(anchors, metric, (double)NAN, mcpz_anchor_unbound(), median_of(values, sizes->trials));
    (void)snprintf(metric, sizeof(metric), "%s: first holds it for dead, s, median", how);
    add(anchors, metric, 10.37, mcpz_anchor_at_most(10.37), median_of(first, sizes->trials));
    (void)snprintf(metric, sizeof(metric), "%s: all hold it for dead, s, median", how);
    add(anchors, metric, 10.82, mcpz_anchor_at_most(10.82), median_of(last, sizes->trials));
    free(values);
    lab_close(&lab);
}

/* ---- Load --------------------------------------------------------------------------------- */

/* What is received was sent: once for each. */
static double load_of(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed)
{
    struct lab lab = lab_open(anchors, "load", nodes, 0, seed);
    const uint64_t before = mcpz_fleet_counted(lab.fleet, MCPZ_FLEET_MESSAGES);

    pass(&lab, LOAD_US);
    const uint64_t sent = mcpz_fleet_counted(lab.fleet, MCPZ_FLEET_MESSAGES) - before;
    lab_close(&lab);
    return (double)sent * 1e6 / (double)LOAD_US / (double)nodes;
}

static void load(struct mcpz_anchors *anchors, const struct mcpz_swim_sizes *sizes, uint64_t seed)
{
    double most = 0;
    double least = (double)INFINITY;

    for (size_t nodes = 8; nodes <= sizes->load_most; nodes *= 4) {
        const double ours = load_of(anchors, nodes, seed);
        char metric[MCPZ_ANCHOR_METRIC_BYTES];
        (void)snprintf(metric, sizeof(metric), "load: messages sent a member and second, n = %zu",
                       nodes);
        add(anchors, metric, 2.0, mcpz_anchor_unbound(), ours);
        most = fmax(most, ours);
        least = fmin(least, ours);
    }
    add(anchors, "load: the most of these, times the least", 1, mcpz_anchor_within(1, 1.25),
        most / least);
}

/* ---- False positives ---------------------------------------------------------------------- */

struct blame {
    size_t blocked; /* nodes below this are, now and then */
    size_t false_positives;
    size_t at_healthy;
};

static void watch_blame(void *context, size_t viewer, size_t about, const struct mcpz_fact *fact)
{
    struct blame *blame = context;

    if (fact->kind == MCPZ_FACT_DEAD && about >= blame->blocked) {
        blame->false_positives++;
        blame->at_healthy += viewer >= blame->blocked;
    }
}

/* All are blocked at the same time, as in the paper's section 5. */
static void block_for(const struct lab *lab, struct mcpz_rng *rng, size_t blocked, size_t minutes)
{
    static const uint32_t durations_ms[] = {128, 512, 2048, 8192, 16384, 32768};
    static const uint32_t intervals_ms[] = {1, 4, 16, 64, 256, 1024, 4096, 16384};
    const mcpz_time end_us = mcpz_fleet_now(lab->fleet) + MCPZ_SECONDS(60) * minutes;

    while (mcpz_fleet_now(lab->fleet) < end_us) {
        const mcpz_time duration_us =
            MCPZ_MS(durations_ms[mcpz_rng_below(rng, MCPZ_ARRAY_LEN(durations_ms))]);
        const mcpz_time interval_us =
            MCPZ_MS(intervals_ms[mcpz_rng_below(rng, MCPZ_ARRAY_LEN(intervals_ms))]);
        for (size_t i = 0; i < blocked; i++) {
            mcpz_fleet_pause(lab->fleet, i, duration_us);
        }
        pass(lab, duration_us + interval_us);
    }
}

struct lifeguard {
    size_t blocked;
    double total; /* figure 1 */
    double at_healthy;
    double swim_at_healthy;
};

static void false_positives(struct mcpz_anchors *anchors, const struct mcpz_swim_sizes *sizes,
                            const struct lifeguard *paper, uint64_t seed)
{
    struct lab lab = lab_open(anchors, "blocked", sizes->nodes, 0, seed);
    struct blame blame = {.blocked = paper->blocked};
    const double most = paper->at_healthy > 0 ? paper->swim_at_healthy / 20 : 0;
    char metric[MCPZ_ANCHOR_METRIC_BYTES];

    const uint64_t before = mcpz_fleet_counted(lab.fleet, MCPZ_FLEET_CONVICTED_LIVE);
    mcpz_fleet_watch(lab.fleet, watch_blame, &blame);
    block_for(&lab, &lab.rng, paper->blocked, sizes->minutes);
    const uint64_t convicted = mcpz_fleet_counted(lab.fleet, MCPZ_FLEET_CONVICTED_LIVE) - before;

    (void)snprintf(metric, sizeof(metric), "%zu blocked: FP-, others by others", paper->blocked);
    add_worst(anchors, metric, paper->at_healthy, mcpz_anchor_at_most(most),
              (double)blame.at_healthy);
    (void)snprintf(metric, sizeof(metric), "%zu blocked: FP, others by anybody", paper->blocked);
    add_worst(anchors, metric, paper->total, mcpz_anchor_at_most(paper->total),
              (double)blame.false_positives);
    (void)snprintf(metric, sizeof(metric), "%zu blocked: convicted while they live, all",
                   paper->blocked);
    add(anchors, metric, (double)NAN, mcpz_anchor_unbound(), (double)convicted);
    lab_close(&lab);
}

static void all_false_positives(struct mcpz_anchors *anchors, const struct mcpz_swim_sizes *sizes,
                                uint64_t seed)
{
    static const struct lifeguard papers[] = {
        {1, 0, 0, 0}, {4, 0, 0, 215}, {8, 0, 0, 330}, {16, 95, 0, 365}, {32, 1270, 60, 610},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(papers) && papers[i].blocked <= sizes->blocked; i++) {
        false_positives(anchors, sizes, &papers[i], mcpz_hash_mix(seed + i));
    }
}

/* ---- Stability ---------------------------------------------------------------------------- */

struct opinion {
    bool dead;
    uint16_t changes;
};

struct minds {
    size_t faulty;            /* every so many: nodes faulty / 2, 3 faulty / 2, ... are */
    size_t healthy_changes;   /* about who is not */
    struct opinion *opinions; /* of each node about each of its zone */
};

static bool is_faulty(const struct minds *minds, size_t node)
{
    return node % minds->faulty == minds->faulty / 2;
}

static void watch_minds(void *context, size_t viewer, size_t about, const struct mcpz_fact *fact)
{
    struct minds *minds = context;
    struct opinion *opinion = &minds->opinions[viewer * ZONE + about % ZONE];
    const bool dead = fact->kind == MCPZ_FACT_DEAD || fact->kind == MCPZ_FACT_LEFT;

    assert(viewer / ZONE == about / ZONE);
    if (opinion->dead == dead) {
        return;
    }
    opinion->dead = dead;
    opinion->changes++;
    minds->healthy_changes += !is_faulty(minds, about);
}

static size_t most_changes(const struct minds *minds, size_t nodes)
{
    size_t most = 0;

    for (size_t i = 0; i < nodes * ZONE; i++) {
        most = minds->opinions[i].changes > most ? minds->opinions[i].changes : most;
    }
    return most;
}

/* Nobody's messages come to who is faulty, for 20 s; then they do, for 20 s. */
static void flip_flop(const struct lab *lab, const struct minds *minds, mcpz_time end_us)
{
    for (size_t i = 0; i < lab->count; i++) {
        mcpz_fleet_set_side(lab->fleet, 0, i,
                            is_faulty(minds, i) ? MCPZ_FLEET_SIDE_BOTH : MCPZ_FLEET_SIDE_A);
    }
    for (bool on = true; mcpz_fleet_now(lab->fleet) < end_us; on = !on) {
        mcpz_fleet_cut(lab->fleet, 0, on, false);
        pass(lab, FLIP_US);
    }
}

static void lose(const struct lab *lab, const struct minds *minds, mcpz_time end_us)
{
    for (size_t i = 0; i < lab->count; i++) {
        if (is_faulty(minds, i)) {
            mcpz_fleet_set_loss(lab->fleet, i, LOST_PPM);
        }
    }
    pass(lab, end_us - mcpz_fleet_now(lab->fleet));
}

static void
stability(struct mcpz_anchors *anchors, const struct mcpz_swim_sizes *sizes, const char *how,
          void (*disturb)(const struct lab *lab, const struct minds *minds, mcpz_time end_us),
          uint64_t seed)
{
    struct lab lab = lab_open(anchors, how, sizes->zoned, ZONE, seed);
    struct minds minds = {
        .faulty = 100,
        .opinions = must(calloc(lab.count * ZONE, sizeof(*minds.opinions))),
    };
    char metric[MCPZ_ANCHOR_METRIC_BYTES];

    mcpz_fleet_watch(lab.fleet, watch_minds, &minds);
    disturb(&lab, &minds, mcpz_fleet_now(lab.fleet) + MCPZ_SECONDS(60) * sizes->minutes);
    (void)snprintf(metric, sizeof(metric), "%s: changes of mind about the others", how);
    add_worst(anchors, metric, (double)NAN, mcpz_anchor_within(0, 0),
              (double)minds.healthy_changes);
    (void)snprintf(metric, sizeof(metric), "%s: about one of the 1 %%, the most a minute", how);
    add_worst(anchors, metric, (double)NAN, mcpz_anchor_at_most(6),
              (double)most_changes(&minds, lab.count) / (double)sizes->minutes);
    free(minds.opinions);
    lab_close(&lab);
}

/* ---- The tables --------------------------------------------------------------------------- */

void mcpz_anchors_swim(struct mcpz_anchors *anchors, const struct mcpz_swim_sizes *sizes,
                       uint64_t seed)
{
    assert(sizes->nodes > 2 && sizes->nodes <= MCPZ_FLEET_FLAT_MAX);
    assert(sizes->trials > 0 && sizes->trials < sizes->nodes);
    assert(sizes->blocked <= sizes->nodes / 2);

    latency(anchors, sizes, "vanished", mcpz_fleet_vanish, mcpz_hash_mix(seed ^ 1));
    latency(anchors, sizes, "killed", mcpz_fleet_kill, mcpz_hash_mix(seed ^ 2));
    load(anchors, sizes, mcpz_hash_mix(seed ^ 3));
    all_false_positives(anchors, sizes, mcpz_hash_mix(seed ^ 4));
    stability(anchors, sizes, "flip-flop", flip_flop, mcpz_hash_mix(seed ^ 5));
    stability(anchors, sizes, "80 % loss", lose, mcpz_hash_mix(seed ^ 6));
}

void mcpz_anchors_a5(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed)
{
    const size_t flat = nodes < MCPZ_FLEET_FLAT_MAX ? nodes : MCPZ_FLEET_FLAT_MAX;

    mcpz_anchors_swim(anchors,
                      &(struct mcpz_swim_sizes){
                          .nodes = flat,
                          .trials = TRIALS,
                          .minutes = MINUTES,
                          .blocked = 32,
                          .load_most = 128,
                          .zoned = 8 * flat,
                      },
                      seed);
}

/* ---- Beyond ------------------------------------------------------------------------------- */

static void show_story(void *context, const char *phase, uint64_t at_s,
                       const struct mcpz_fleet *fleet)
{
    const struct mcpz_anchors *anchors = context;

    (void)fleet;
    if (anchors->progress != NULL) {
        anchors->progress(phase, at_s);
    }
}

static void add_beyond(struct mcpz_anchors *anchors, enum mcpz_fleet_story story, const char *what,
                       double bound, double ours)
{
    mcpz_anchors_add(anchors,
                     (struct mcpz_anchor){.table = "B",
                                          .better = MCPZ_ANCHOR_LOWER,
                                          .is_worst = true,
                                          .tells_runs = story == MCPZ_FLEET_STORY_PAUSE,
                                          .paper = (double)NAN,
                                          .bound = mcpz_anchor_at_most(bound),
                                          .ours = ours},
                     "%s: %s", mcpz_fleet_story_word(story), what);
}

static void tell(struct mcpz_anchors *anchors, enum mcpz_fleet_story story, size_t nodes,
                 uint64_t minutes, uint64_t seed)
{
    const struct mcpz_fleet_options options = {
        .story = story,
        .node_count = nodes,
        .zone_size = ZONE,
        .seed = seed,
        .minutes = minutes,
        .context = anchors,
        .progress = show_story,
    };
    struct mcpz_fleet_report report;

    mcpz_fleet_tell(&options, &report);
    add_beyond(anchors, story, "invariants violated", 0, report.violated[0] != '\0');
    for (size_t i = 0; i < report.measure_count; i++) {
        const struct mcpz_fleet_measure *measure = &report.measures[i];
        if (measure->bound >= 0) {
            add_beyond(anchors, story, measure->what, measure->bound,
                       measure->value >= 0 ? measure->value : MCPZ_ANCHORS_NEVER);
        }
    }
}

void mcpz_anchors_beyond(struct mcpz_anchors *anchors, size_t nodes, uint64_t storm_minutes,
                         uint64_t seed)
{
    tell(anchors, MCPZ_FLEET_STORY_CRASH, nodes, 1, seed);
    tell(anchors, MCPZ_FLEET_STORY_IDLE, nodes, IDLE_MINUTES, seed);
    tell(anchors, MCPZ_FLEET_STORY_PAUSE, nodes, storm_minutes, seed);
}

void mcpz_anchors_b(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed)
{
    mcpz_anchors_beyond(anchors, nodes, STORM_MINUTES, seed);
}
