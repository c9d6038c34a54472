#include "sim/anchors_routing.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "sim/balancing.h"

#define WARM_US MCPZ_SECONDS(3)
#define MEASURED_US MCPZ_SECONDS(10)

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
    const struct mcpz_balancing_result sink = run(&lab, "sinkhole", MCPZ_BALANCING_SINKHOLE, 70);
    add(anchors, "sinkhole: its share, of a fair one", (double)NAN, mcpz_anchor_at_most(2),
        sink.share_of_first);
    when_all_fail(&lab);
}

void mcpz_anchors_a6(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed)
{
    mcpz_anchors_routing(
        anchors,
        &(struct mcpz_routing_sizes){
            .nodes = nodes < MCPZ_BALANCING_NODES_MAX ? nodes : MCPZ_BALANCING_NODES_MAX,
            .warm_us = WARM_US,
            .measured_us = MEASURED_US,
        },
        seed);
}
