/*
 * What comparing very many documents takes: two nodes, real messages, a table for a store.
 *
 *   bench-entropy [DOCUMENTS]        a JSON object a row; a million documents take a minute
 */

#include "entropy_pair.h"

static void say(const char *row, size_t documents, size_t differences, double value,
                const char *unit)
{
    printf("{\"row\": \"%s, %zu documents, %zu changed\", \"value\": %.6g, \"unit\": \"%s\"}\n",
           row, documents, differences, value, unit);
}

static void bench(size_t documents, size_t differences)
{
    struct pair *pair = pair_make(documents, differences > 0 ? documents / differences : 0);
    size_t rounds = 0;

    pair_link(pair);
    const mcpz_time began = pair->now;
    while (!pair_is_equal(pair)) {
        pair_run(pair, MCPZ_MS(100));
        pair_must(pair->now - began < MCPZ_SECONDS(600), "they do not become equal");
    }
    rounds = pair->messages[MCPZ_MSG_SKETCH];
    say("find out what differs", documents, differences, (double)pair_comparing(pair), "B");
    say("  name it", documents, differences, (double)pair_naming(pair), "B");
    say("  ask for it", documents, differences, (double)pair->bytes[MCPZ_MSG_WANT], "B");
    say("  round trips of a sketch", documents, differences, (double)rounds, "");
    say("  virtual time", documents, differences, (double)(pair->now - began) / 1e6, "s");
    say("  CPU time of both", documents, differences, pair->cpu_us / 1e6, "s");
    say("  slowest step", documents, differences, pair->slowest_us / 1e3, "ms");
    pair_run(pair, MCPZ_SECONDS(60));
    pair_forget_counts(pair);
    pair_run(pair, MCPZ_SECONDS(3600));
    say("  then idle, a node", documents, differences,
        (double)(pair_comparing(pair) + pair_naming(pair)) / 7200, "B/s");
    pair_free(pair);
}

int main(int argc, char **argv)
{
    const size_t documents = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;

    if (documents < 10000) {
        (void)fprintf(stderr, "usage: bench-entropy [DOCUMENTS, at least 10000]\n");
        return 2;
    }
    /* One that was changed at one side differs twice: as it was, and as it is. */
    const size_t changed[] = {0, 5, 10, 500, 1000, 5000};
    for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
        bench(documents, changed[i]);
    }
    return EXIT_SUCCESS;
}
