/*
 * Metrics as Prometheus reads them, written into a body.
 *
 *   # HELP mcpz_links Links to peers.
 *   # TYPE mcpz_links gauge
 *   mcpz_links{kind="neighbour"} 6
 *
 * A family is begun once, then come its samples. Units are seconds and bytes, as is asked of names
 * (`promtool check metrics`).
 *
 * Source: Prometheus text exposition format, version 0.0.4.
 */

#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H

#include <stdint.h>

#include "base/durations.h"
#include "http/body.h"

#define MCPZ_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum mcpz_metric_type { MCPZ_METRIC_COUNTER, MCPZ_METRIC_GAUGE, MCPZ_METRIC_HISTOGRAM };

/* A family being written. Texts are borrowed; `name` is a valid one. */
struct mcpz_metric {
    struct mcpz_body *body;
    const char *name;
};

/** Begin a family. */
struct mcpz_metric mcpz_metric_begin(struct mcpz_body *body, enum mcpz_metric_type type,
                                     const char *name, const char *help);

/** A sample without labels. */
void mcpz_metric_number(const struct mcpz_metric *metric, uint64_t number);

/** A sample with one label, whose value may be any UTF-8. */
void mcpz_metric_labelled(const struct mcpz_metric *metric, const char *label, const char *value,
                          uint64_t number);

/** A sample in seconds. */
void mcpz_metric_seconds(const struct mcpz_metric *metric, mcpz_time time_us);

/** All samples of a histogram. */
void mcpz_metric_durations(const struct mcpz_metric *metric,
                           const struct mcpz_durations *durations);

/** Append `value` as the value of a label: quotes and all. */
void mcpz_metric_quote(struct mcpz_body *body, const char *value);

#endif
