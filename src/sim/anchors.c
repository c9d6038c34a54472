#include "sim/anchors.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "sim/anchors_overlay.h"
#include "sim/anchors_plumtree.h"
#include "sim/anchors_routing.h"
#include "sim/anchors_swim.h"
#include "sim/anchors_xbot.h"

static const struct mcpz_experiment experiments[] = {
    {"A1", "HyParView: the graph after joins and 50 cycles", mcpz_anchors_a1, MCPZ_ANCHORS_NODES,
     3},
    {"A2", "HyParView: 1,000 floods after many crash at once", mcpz_anchors_a2, MCPZ_ANCHORS_NODES,
     3},
    {"A4", "Plumtree: 250 broadcasts on a random graph", mcpz_anchors_a4, MCPZ_ANCHORS_NODES, 3},
    {"A5", "SWIM, Lifeguard, Rapid: beside them, our links that tell of losses", mcpz_anchors_a5,
     MCPZ_ANCHORS_SWIM_NODES, 3},
    {"A6", "Prequal: HCL beside C3 and round robin, and what goes wrong", mcpz_anchors_a6,
     MCPZ_ANCHORS_ROUTING_NODES, 3},
    {"X", "X-BOT: what whole nodes of several zones gain by exchanges", mcpz_anchors_x,
     MCPZ_ANCHORS_XBOT_NODES, 3},
    {"B", "Beyond the papers", mcpz_anchors_b, MCPZ_ANCHORS_NODES, 1},
};

const struct mcpz_experiment *mcpz_anchors_experiment(size_t index)
{
    return index < MCPZ_ARRAY_LEN(experiments) ? &experiments[index] : NULL;
}

/* What the paper says holds for its number of nodes only. */
void mcpz_anchors_run(struct mcpz_anchors *anchors, const struct mcpz_experiment *experiment,
                      size_t nodes, uint64_t seed)
{
    assert(nodes >= MCPZ_ANCHORS_NODES_MIN && nodes <= MCPZ_ANCHORS_NODES_MAX);
    assert(nodes % 2 == 0);

    experiment->run(anchors, nodes, seed);
    for (size_t i = 0; i < anchors->count; i++) {
        struct mcpz_anchor *row = &anchors->rows[i];
        if (nodes != experiment->nodes && strcmp(row->table, experiment->name) == 0) {
            row->paper = (double)NAN;
        }
    }
}

/* ---- Rows --------------------------------------------------------------------------------- */

/* A new one, without runs, if there is none yet. */
static struct mcpz_anchor *row_of(struct mcpz_anchors *anchors, const struct mcpz_anchor *like)
{
    for (size_t i = 0; i < anchors->count; i++) {
        struct mcpz_anchor *row = &anchors->rows[i];
        if (strcmp(row->table, like->table) == 0 && strcmp(row->metric, like->metric) == 0) {
            return row;
        }
    }
    assert(anchors->count < MCPZ_ANCHORS_MAX);
    struct mcpz_anchor *row = &anchors->rows[anchors->count++];
    *row = *like;
    row->runs = 0;
    return row;
}

static double worst_of(const struct mcpz_anchor *row, double other)
{
    assert(row->better != MCPZ_ANCHOR_NEITHER);
    return row->better == MCPZ_ANCHOR_LOWER ? fmax(row->ours, other) : fmin(row->ours, other);
}

void mcpz_anchors_note(struct mcpz_anchors *anchors, const struct mcpz_anchor *row)
{
    struct mcpz_anchor *known = row_of(anchors, row);
    double runs = (double)known->runs++;

    known->ours = known->is_worst ? worst_of(known, row->ours)
                                  : (known->ours * runs + row->ours) / (runs + 1);
    known->ok = known->ours >= known->bound.low && known->ours <= known->bound.high;
}

void mcpz_anchors_add(struct mcpz_anchors *anchors, struct mcpz_anchor row, const char *format,
                      ...)
{
    va_list words;

    va_start(words, format);
    (void)vsnprintf(row.metric, sizeof(row.metric), format, words);
    va_end(words);
    mcpz_anchors_note(anchors, &row);
}

/* ---- Words -------------------------------------------------------------------------------- */

void mcpz_anchor_print_metric(const struct mcpz_anchor *row, char *text)
{
    if (row->tells_runs) {
        (void)snprintf(text, MCPZ_ANCHOR_WORDS_BYTES, "%s; %zu run%s", row->metric, row->runs,
                       row->runs == 1 ? "" : "s");
    } else {
        (void)snprintf(text, MCPZ_ANCHOR_WORDS_BYTES, "%s", row->metric);
    }
}

void mcpz_anchor_print_paper(const struct mcpz_anchor *row, char *text)
{
    if (isnan(row->paper)) {
        (void)snprintf(text, MCPZ_ANCHOR_TEXT_BYTES, "-");
    } else {
        (void)snprintf(text, MCPZ_ANCHOR_TEXT_BYTES, "%.7g", row->paper);
    }
}

void mcpz_anchor_print_bound(const struct mcpz_anchor *row, char *text)
{
    const struct mcpz_anchor_bound bound = row->bound;

    if (bound.low >= bound.high) {
        (void)snprintf(text, MCPZ_ANCHOR_TEXT_BYTES, "= %.6g", bound.low);
    } else if (isinf(bound.low) && isinf(bound.high)) {
        (void)snprintf(text, MCPZ_ANCHOR_TEXT_BYTES, "-");
    } else if (isinf(bound.low)) {
        (void)snprintf(text, MCPZ_ANCHOR_TEXT_BYTES, "<= %.6g", bound.high);
    } else if (isinf(bound.high)) {
        (void)snprintf(text, MCPZ_ANCHOR_TEXT_BYTES, ">= %.6g", bound.low);
    } else {
        (void)snprintf(text, MCPZ_ANCHOR_TEXT_BYTES, "%.6g to %.6g", bound.low, bound.high);
    }
}

bool mcpz_anchor_is_better(const struct mcpz_anchor *row)
{
    char text[MCPZ_ANCHOR_TEXT_BYTES];

    if (isnan(row->paper) || row->better == MCPZ_ANCHOR_NEITHER) {
        return false;
    }
    mcpz_anchor_print_paper(row, text);
    const char *point = strchr(text, '.');
    double unit = point != NULL ? pow(10, -(double)strlen(point + 1)) : 1;
    double ahead =
        row->better == MCPZ_ANCHOR_LOWER ? row->paper - row->ours : row->ours - row->paper;
    return ahead >= unit / 2;
}
