#include "http/metrics.h"
#include "test.h"

static void check_body(struct mcpz_body *body, const char *text)
{
    struct mcpz_bytes said = mcpz_body_in_memory(body);

    CHECK_UINT(body->error, MCPZ_OK);
    CHECK_UINT(said.length, strlen(text));
    CHECK(memcmp(said.data, text, said.length) == 0);
    mcpz_body_finish(body);
}

TEST(a_family_says_what_it_is_before_its_samples)
{
    struct mcpz_body body;

    mcpz_body_init(&body, ".");
    struct mcpz_metric links = mcpz_metric_begin(&body, MCPZ_METRIC_GAUGE, "mcpz_links", "Links.");
    mcpz_metric_number(&links, 6);
    struct mcpz_metric cpu = mcpz_metric_begin(&body, MCPZ_METRIC_COUNTER, "cpu_total", "Time.");
    mcpz_metric_seconds(&cpu, MCPZ_SECONDS(3) + 45);
    check_body(&body, "# HELP mcpz_links Links.\n# TYPE mcpz_links gauge\nmcpz_links 6\n"
                      "# HELP cpu_total Time.\n# TYPE cpu_total counter\ncpu_total 3.000045\n");
}

TEST(what_a_label_says_cannot_end_it)
{
    struct mcpz_body body;

    mcpz_body_init(&body, ".");
    mcpz_metric_quote(&body, "a\"} 1\nmcpz_b \\");
    check_body(&body, "\"a\\\"} 1\\nmcpz_b \\\\\"");
}

TEST(buckets_add_up)
{
    struct mcpz_durations took = {0};
    struct mcpz_body body;

    mcpz_durations_add(&took, 0);
    mcpz_durations_add(&took, 100);              /* at a bound: within */
    mcpz_durations_add(&took, 101);              /* just over it */
    mcpz_durations_add(&took, MCPZ_SECONDS(61)); /* over the last */
    CHECK_UINT(took.counts[0], 2);
    CHECK_UINT(took.counts[1], 1);
    CHECK_UINT(took.counts[MCPZ_DURATION_BUCKETS], 1);

    mcpz_body_init(&body, ".");
    struct mcpz_metric metric = {.body = &body, .name = "d"};
    mcpz_metric_durations(&metric, &took);
    mcpz_body_append(&body, mcpz_bytes("", 1));
    const char *text = (const char *)mcpz_body_in_memory(&body).data;
    CHECK(strstr(text, "d_bucket{le=\"0.000100\"} 2\nd_bucket{le=\"0.000250\"} 3\n") == text);
    CHECK(strstr(text, "d_bucket{le=\"60.000000\"} 3\nd_bucket{le=\"+Inf\"} 4\n"
                       "d_sum 61.000201\nd_count 4\n") != NULL);
    mcpz_body_finish(&body);
}

TEST_MAIN(RUN(a_family_says_what_it_is_before_its_samples), RUN(what_a_label_says_cannot_end_it),
          RUN(buckets_add_up))
