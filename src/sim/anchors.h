/*
 * The papers' experiments, run on our machines, and ours beside theirs.
 *
 * A row is one figure: what the paper says, within which bound ours must lie, and what ours is.
 * Over several seeds it is the mean, or the worst where every run must keep the bound.
 */

#ifndef SIM_ANCHORS_H
#define SIM_ANCHORS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MCPZ_ANCHORS_MAX 128
#define MCPZ_ANCHORS_NODES 10000 /* the papers'; bounds are fitted for other numbers */
#define MCPZ_ANCHORS_NODES_MIN 100
#define MCPZ_ANCHORS_NODES_MAX 100000
#define MCPZ_ANCHOR_METRIC_BYTES 64
#define MCPZ_ANCHOR_TEXT_BYTES 64
#define MCPZ_ANCHOR_WORDS_BYTES (MCPZ_ANCHOR_METRIC_BYTES + 32)

enum mcpz_anchor_better {
    MCPZ_ANCHOR_NEITHER,
    MCPZ_ANCHOR_LOWER,
    MCPZ_ANCHOR_HIGHER,
};

/* Both ends are in it; an infinite one is open. */
struct mcpz_anchor_bound {
    double low;
    double high;
};

struct mcpz_anchor {
    const char *table;
    char metric[MCPZ_ANCHOR_METRIC_BYTES];
    double paper; /* NAN: it does not say, or says it of another number of nodes */
    struct mcpz_anchor_bound bound;
    double ours;
    bool ok;
    enum mcpz_anchor_better better;
    bool is_worst;   /* of all runs, `better` says which that is; else their mean */
    bool tells_runs; /* its words say how many */
    size_t runs;
};

struct mcpz_anchors {
    /** Called now and then in long experiments, with their virtual time. NULL: nobody is told. */
    void (*progress)(const char *phase, uint64_t at_s);
    struct mcpz_anchor rows[MCPZ_ANCHORS_MAX];
    size_t count;
};

struct mcpz_experiment {
    const char *name; /* of its table: "A1" */
    const char *title;
    void (*run)(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed);
    size_t nodes; /* the paper's */
    size_t seeds; /* so many runs tell enough, in minutes */
};

/** All there are, in order: NULL after the last. */
const struct mcpz_experiment *mcpz_anchors_experiment(size_t index);

/**
 * Run one and note its rows. `nodes` is even and in MCPZ_ANCHORS_NODES_MIN to _MAX (asserted). Out
 * of memory: aborts.
 */
void mcpz_anchors_run(struct mcpz_anchors *anchors, const struct mcpz_experiment *experiment,
                      size_t nodes, uint64_t seed);

static inline struct mcpz_anchor_bound mcpz_anchor_within(double low, double high)
{
    return (struct mcpz_anchor_bound){low, high};
}

static inline struct mcpz_anchor_bound mcpz_anchor_at_most(double high)
{
    return mcpz_anchor_within(-(double)INFINITY, high);
}

static inline struct mcpz_anchor_bound mcpz_anchor_unbound(void)
{
    return mcpz_anchor_at_most((double)INFINITY);
}

/**
 * Add what one run has measured to the row of that table and metric, made if it is new. `ok` and
 * `runs` are filled in here.
 */
void mcpz_anchors_note(struct mcpz_anchors *anchors, const struct mcpz_anchor *row);

/** The same of a row without a metric, which is called as `format` and what follows it say. */
void mcpz_anchors_add(struct mcpz_anchors *anchors, struct mcpz_anchor row, const char *format,
                      ...) __attribute__((format(printf, 3, 4)));

/** Is ours better than the paper's, as far as the digits that it prints tell? */
bool mcpz_anchor_is_better(const struct mcpz_anchor *row);

/** Its metric, and how many runs where it tells that. `text`: MCPZ_ANCHOR_WORDS_BYTES. */
void mcpz_anchor_print_metric(const struct mcpz_anchor *row, char *text);

/** Both as text, "-" where the paper says nothing. `text`: MCPZ_ANCHOR_TEXT_BYTES. */
void mcpz_anchor_print_paper(const struct mcpz_anchor *row, char *text);
void mcpz_anchor_print_bound(const struct mcpz_anchor *row, char *text);

#endif
