/*
 * The papers' own experiments, run on our machines, and ours beside theirs.
 *
 * A row is one figure: what the paper says, within which bound ours must lie, and what ours is.
 * Over several seeds a row holds the mean, or the worst where each run must keep the bound.
 */

#ifndef SIM_ANCHORS_H
#define SIM_ANCHORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MCPZ_ANCHORS_MAX 64
#define MCPZ_ANCHOR_METRIC_BYTES 48

enum mcpz_anchor_over {
    MCPZ_ANCHOR_MEAN = 1, /* of all seeds */
    MCPZ_ANCHOR_LEAST,
    MCPZ_ANCHOR_MOST,
};

struct mcpz_anchor {
    const char *table;
    char metric[MCPZ_ANCHOR_METRIC_BYTES];
    enum mcpz_anchor_over over;
    double paper; /* NAN: it does not say */
    double low;   /* the bound, both ends included; infinite: open */
    double high;
    double ours;
    size_t runs;
};

struct mcpz_anchors {
    struct mcpz_anchor rows[MCPZ_ANCHORS_MAX];
    size_t count;
};

/** Add what one run has measured to the row of that table and metric, made if it is new. */
void mcpz_anchors_note(struct mcpz_anchors *anchors, const struct mcpz_anchor *row);

bool mcpz_anchor_is_ok(const struct mcpz_anchor *row);

/**
 * The verb `anchors [--table A1|A2] [--nodes N] [--seeds K] [--json]`; argv[0] is the verb.
 *
 * Returns the exit code: 0, 1 if a bound was missed, 2 if the words were wrong.
 */
int mcpz_anchors(int argc, char **argv);

#endif
