#include "http/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_CHARS 32

static void append_number(struct mcpz_body *body, uint64_t number)
{
    char text[NUMBER_CHARS];

    (void)snprintf(text, sizeof(text), " %" PRIu64 "\n", number);
    mcpz_body_text(body, text);
}

static void append_seconds(struct mcpz_body *body, const char *before, mcpz_time time_us,
                           const char *behind)
{
    char text[NUMBER_CHARS];

    (void)snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64, time_us / MCPZ_SECONDS(1),
                   time_us % MCPZ_SECONDS(1));
    mcpz_body_text(body, before);
    mcpz_body_text(body, text);
    mcpz_body_text(body, behind);
}

struct mcpz_metric mcpz_metric_begin(struct mcpz_body *body, enum mcpz_metric_type type,
                                     const char *name, const char *help)
{
    static const char *const words[] = {
        [MCPZ_METRIC_COUNTER] = " counter\n",
        [MCPZ_METRIC_GAUGE] = " gauge\n",
        [MCPZ_METRIC_HISTOGRAM] = " histogram\n",
    };

    mcpz_body_text(body, "# HELP ");
    mcpz_body_text(body, name);
    mcpz_body_text(body, " ");
    mcpz_body_text(body, help);
    mcpz_body_text(body, "\n# TYPE ");
    mcpz_body_text(body, name);
    mcpz_body_text(body, words[type]);
    return (struct mcpz_metric){.body = body, .name = name};
}

void mcpz_metric_number(const struct mcpz_metric *metric, uint64_t number)
{
    mcpz_body_text(metric->body, metric->name);
    append_number(metric->body, number);
}

/* Backslashes, quotes and ends of lines are what must be escaped. */
void mcpz_metric_quote(struct mcpz_body *body, const char *value)
{
    mcpz_body_text(body, "\"");
    while (*value != '\0') {
        size_t plain = strcspn(value, "\\\"\n");
        mcpz_body_append(body, (struct mcpz_bytes){(const uint8_t *)value, plain});
        value += plain;
        if (*value != '\0') {
            char escaped[] = {'\\', *value, '\0'};
            if (*value == '\n') {
                escaped[1] = 'n';
            }
            mcpz_body_text(body, escaped);
            value++;
        }
    }
    mcpz_body_text(body, "\"");
}

void mcpz_metric_labelled(const struct mcpz_metric *metric, const char *label, const char *value,
                          uint64_t number)
{
    mcpz_body_text(metric->body, metric->name);
    mcpz_body_text(metric->body, "{");
    mcpz_body_text(metric->body, label);
    mcpz_body_text(metric->body, "=");
    mcpz_metric_quote(metric->body, value);
    mcpz_body_text(metric->body, "}");
    append_number(metric->body, number);
}

void mcpz_metric_seconds(const struct mcpz_metric *metric, mcpz_time time_us)
{
    mcpz_body_text(metric->body, metric->name);
    append_seconds(metric->body, " ", time_us, "\n");
}

void mcpz_metric_durations(const struct mcpz_metric *metric,
                           const struct mcpz_durations *durations)
{
    struct mcpz_body *body = metric->body;
    uint64_t count = 0;

    for (uint32_t i = 0; i < MCPZ_DURATION_BUCKETS; i++) {
        count += durations->counts[i];
        mcpz_body_text(body, metric->name);
        append_seconds(body, "_bucket{le=\"", mcpz_durations_bound(i), "\"}");
        append_number(body, count);
    }
    count += durations->counts[MCPZ_DURATION_BUCKETS];
    mcpz_body_text(body, metric->name);
    mcpz_body_text(body, "_bucket{le=\"+Inf\"}");
    append_number(body, count);
    mcpz_body_text(body, metric->name);
    append_seconds(body, "_sum ", durations->sum_us, "\n");
    mcpz_body_text(body, metric->name);
    mcpz_body_text(body, "_count");
    append_number(body, count);
}
