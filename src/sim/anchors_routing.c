#include "sim/anchors_routing.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "sim/balancing.h"

#define WARM_US MCPZ_SECONDS(3)
#define MEASURED_US MCPZ_SECONDS(10)
#define OVERLOAD_US MCPZ_SECONDS(10)
#define OVERLOAD_PERCENT 400 /* they get twice what they are allotted, on average */
#define ONE_SLOW_OF 3
#define ONE_SLOW_PERCENT 50
#define AFTER_US MCPZ_SECONDS(12)

/* ---- Rows --------------------------------------------------------------------------------- */

static void add(struct mcpz_anchors *anchors, const char *metric, double paper,
                struct mcpz_anchor_bound bound, double ours)
{
    mcpz_anchors_add(anchors,
                     (struct mcpz_anchor){.table = "A6",
                                          .better = MCPZ_ANCHOR_LOWER,
                                          .paper = paper,
                                          .bound = bound,
                                          .ours = ours},
                     "%s", metric);
}

/* ---- Runs --------------------------------------------------------------------------------- */

struct lab {
    struct mcpz_anchors *anchors;
    struct mcpz_balancing_options options; /* what all runs have in common */
};

static struct mcpz_balancing_result run(const struct lab *lab, const char *phase,
                                        enum mcpz_balancing_world world, uint32_t load_percent)
{
    struct mcpz_balancing_options options = lab->options;

    options.world = world;
    options.load_percent = load_percent;
    if (lab->anchors->progress != NULL) {
        lab->anchors->progress(phase, 0);
    }
    return mcpz_balancing_run(&options);
}

static double ms(mcpz_time us)
{
    return (double)us / 1000;
}

static double ratio(mcpz_time ours_us, mcpz_time others_us)
{
    return (double)ours_us / (double)others_us;
}

static void at_load(const struct lab *lab, uint32_t percent, double paper_of_c3)
{
    struct lab other = *lab;
    char metric[MCPZ_ANCHOR_METRIC_BYTES];

    const struct mcpz_balancing_result hcl =
        run(&other, "HCL", MCPZ_BALANCING_ANTAGONISTS, percent);
    other.options.strategy = MCPZ_STRATEGY_ROUND_ROBIN;
    const struct mcpz_balancing_result turns =
        run(&other, "round robin", MCPZ_BALANCING_ANTAGONISTS, percent);
    other.options.c3 = true;
    const struct mcpz_balancing_result c3 = run(&other, "C3", MCPZ_BALANCING_ANTAGONISTS, percent);

    (void)snprintf(metric, sizeof(metric), "%u %%: p99, ms", percent);
    add(lab->anchors, metric, (double)NAN, mcpz_anchor_unbound(), ms(hcl.p99_us));
    (void)snprintf(metric, sizeof(metric), "%u %%: p99, of C3's", percent);
    add(lab->anchors, metric, paper_of_c3, mcpz_anchor_at_most(1.15),
        ratio(hcl.p99_us, c3.p99_us));
    (void)snprintf(metric, sizeof(metric), "%u %%: p99, of round robin's", percent);
    add(lab->anchors, metric, (double)NAN, mcpz_anchor_at_most(0.5),
        ratio(hcl.p99_us, turns.p99_us));
    (void)snprintf(metric, sizeof(metric), "%u %%: not in time", percent);
    add(lab->anchors, metric, (double)NAN, mcpz_anchor_at_most(0), (double)hcl.late);
    (void)snprintf(metric, sizeof(metric), "%u %%: servers starved", percent);
    add(lab->anchors, metric, (double)NAN, mcpz_anchor_at_most(0), (double)hcl.starved);
    if (percent > 100) { /* or it is no overload */
        (void)snprintf(metric, sizeof(metric), "%u %%: not in time, round robin", percent);
        add(lab->anchors, metric, (double)NAN, (struct mcpz_anchor_bound){1, (double)INFINITY},
            (double)turns.late);
    }
}

/* A few clients and servers, as most meshes are: one that is slow is a third of them. */
static void when_one_is_slow(const struct lab *lab)
{
    struct lab few = *lab;

    few.options.nodes = ONE_SLOW_OF;
    const struct mcpz_balancing_result slow =
        run(&few, "one slow", MCPZ_BALANCING_ONE_SLOW, ONE_SLOW_PERCENT);
    const struct mcpz_balancing_result alike =
        run(&few, "none slow", MCPZ_BALANCING_ANTAGONISTS, ONE_SLOW_PERCENT);

    add(lab->anchors, "one slow: p99, of that without", (double)NAN, mcpz_anchor_at_most(2.5),
        ratio(slow.p99_us, alike.p99_us));
    add(lab->anchors, "one slow: its share, of a fair one", (double)NAN, mcpz_anchor_at_most(0.1),
        slow.share_of_first);
}

static void when_all_fail(const struct lab *lab)
{
    const struct mcpz_balancing_result fail = run(lab, "all fail", MCPZ_BALANCING_ALL_FAIL, 70);
    const struct mcpz_balancing_result broken =
        run(lab, "all break", MCPZ_BALANCING_ALL_BREAK, 70);

    add(lab->anchors, "all fail: sent, of asked", (double)NAN, mcpz_anchor_at_most(1.1),
        (double)fail.sent / (double)fail.asked);
    add(lab->anchors, "all break: sent, of first attempts", (double)NAN, mcpz_anchor_at_most(1.1),
        (double)broken.sent / (double)broken.first);
    add(lab->anchors, "all break: sent, of asked", (double)NAN, mcpz_anchor_at_most(0.9),
        (double)broken.sent / (double)broken.asked);
}

/* Ten seconds of far more than the servers can do, and then half of that. */
static void when_it_was_too_much(const struct lab *lab, mcpz_time overload_us)
{
    struct lab over = *lab;

    over.options.gate = true;
    over.options.overload_us = overload_us;
    over.options.overload_percent = OVERLOAD_PERCENT;
    over.options.measured_us = overload_us + AFTER_US;
    const struct mcpz_balancing_result gated =
        run(&over, "overload", MCPZ_BALANCING_ANTAGONISTS, 90);
    over.options.gate = false;
    const struct mcpz_balancing_result open =
        run(&over, "overload, no gate", MCPZ_BALANCING_ANTAGONISTS, 90);

    add(lab->anchors, "overload: as before after, s", (double)NAN, mcpz_anchor_at_most(5),
        gated.recovered_s);
    add(lab->anchors, "overload: as before after, s, no gate", (double)NAN, mcpz_anchor_unbound(),
        open.recovered_s);
    add(lab->anchors, "overload: not in time, of those taken in", (double)NAN,
        mcpz_anchor_at_most(0.001), (double)gated.late / (double)gated.queries);
    add(lab->anchors, "overload: important ones refused", (double)NAN, mcpz_anchor_at_most(0.05),
        (double)gated.important_refused / (double)gated.important);
    add(lab->anchors, "overload: done, of what is without a gate", (double)NAN,
        (struct mcpz_anchor_bound){0.8, (double)INFINITY},
        (double)(gated.queries - gated.late) / (double)(open.queries - open.late));
}

void mcpz_anchors_routing(struct mcpz_anchors *anchors, const struct mcpz_routing_sizes *sizes,
                          uint64_t seed)
{
    const struct lab lab = {
        .anchors = anchors,
        .options = {.nodes = sizes->nodes,
                    .warm_us = sizes->warm_us,
                    .measured_us = sizes->measured_us,
                    .seed = seed},
    };

    assert(sizes->measured_us >= MCPZ_SECONDS(5));
    at_load(&lab, 90, 286.0 / 304.0);
    at_load(&lab, 127, (double)NAN);
    const struct mcpz_balancing_result slow = run(&lab, "half slow", MCPZ_BALANCING_HALF_SLOW, 75);
    add(anchors, "half slow: p99, ms", 162, mcpz_anchor_at_most(162), ms(slow.p99_us));
    when_one_is_slow(&lab);
    const struct mcpz_balancing_result sink = run(&lab, "sinkhole", MCPZ_BALANCING_SINKHOLE, 70);
    /* Whoever notices nothing gives it 1.3: two, as 8.6 allows, would show nothing here. */
    add(anchors, "sinkhole: its share, of a fair one", (double)NAN, mcpz_anchor_at_most(0.5),
        sink.share_of_first);
    when_all_fail(&lab);
    when_it_was_too_much(&lab, sizes->overload_us);
}

void mcpz_anchors_a6(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed)
{
    mcpz_anchors_routing(
        anchors,
        &(struct mcpz_routing_sizes){
            .nodes = nodes < MCPZ_BALANCING_NODES_MAX ? nodes : MCPZ_BALANCING_NODES_MAX,
            .warm_us = WARM_US,
            .measured_us = MEASURED_US,
            .overload_us = OVERLOAD_US,
        },
        seed);
}
