#include "sim/anchors.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "sim/anchors_overlay.h"

#define EXIT_MISSED 1
#define EXIT_USAGE 2
#define SEEDS 3
#define SEEDS_MAX 1000

struct table {
    const char *name;
    void (*run)(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed);
};

static const struct table tables[] = {
    {"A1", mcpz_anchors_a1},
    {"A2", mcpz_anchors_a2},
};

struct words {
    const char *table; /* NULL: all */
    size_t nodes;
    size_t seeds;
    bool json;
};

/* ---- Rows --------------------------------------------------------------------------------- */

static struct mcpz_anchor *find(struct mcpz_anchors *anchors, const struct mcpz_anchor *like)
{
    for (size_t i = 0; i < anchors->count; i++) {
        struct mcpz_anchor *row = &anchors->rows[i];
        if (strcmp(row->table, like->table) == 0 && strcmp(row->metric, like->metric) == 0) {
            return row;
        }
    }
    return NULL;
}

void mcpz_anchors_note(struct mcpz_anchors *anchors, const struct mcpz_anchor *row)
{
    struct mcpz_anchor *known = find(anchors, row);

    if (known == NULL) {
        assert(anchors->count < MCPZ_ANCHORS_MAX);
        anchors->rows[anchors->count] = *row;
        anchors->rows[anchors->count++].runs = 1;
        return;
    }
    if (row->over == MCPZ_ANCHOR_LEAST) {
        known->ours = fmin(known->ours, row->ours);
    } else if (row->over == MCPZ_ANCHOR_MOST) {
        known->ours = fmax(known->ours, row->ours);
    } else {
        double runs = (double)known->runs;
        known->ours = (known->ours * runs + row->ours) / (runs + 1);
    }
    known->runs++;
}

bool mcpz_anchor_is_ok(const struct mcpz_anchor *row)
{
    return row->ours >= row->low && row->ours <= row->high;
}

/* ---- Printing ----------------------------------------------------------------------------- */

#define BOUND_BYTES 64
#define NUMBER_BYTES 32

static const char *paper_of(const struct mcpz_anchor *row, const char *none, char *text)
{
    if (isnan(row->paper)) {
        return none;
    }
    snprintf(text, NUMBER_BYTES, "%.6g", row->paper);
    return text;
}

static void bound_of(const struct mcpz_anchor *row, char *text)
{
    snprintf(text, BOUND_BYTES, "%.6g to %.6g", row->low, row->high);
}

static void print_text(const struct mcpz_anchors *anchors)
{
    char bound[BOUND_BYTES];
    char paper[NUMBER_BYTES];

    printf("%-5s %-44s %10s %18s %10s\n", "TABLE", "METRIC", "PAPER", "BOUND", "OURS");
    for (size_t i = 0; i < anchors->count; i++) {
        const struct mcpz_anchor *row = &anchors->rows[i];
        bound_of(row, bound);
        printf("%-5s %-44s %10s %18s %10.6g %s\n", row->table, row->metric,
               paper_of(row, "-", paper), bound, row->ours,
               mcpz_anchor_is_ok(row) ? "ok" : "MISSED");
    }
}

/* Names of metrics are ours and need no escapes. */
static void print_json(const struct mcpz_anchors *anchors)
{
    char bound[BOUND_BYTES];
    char paper[NUMBER_BYTES];

    printf("[");
    for (size_t i = 0; i < anchors->count; i++) {
        const struct mcpz_anchor *row = &anchors->rows[i];
        bound_of(row, bound);
        printf("%s\n  {\"table\": \"%s\", \"metric\": \"%s\", \"paper\": %s, \"bound\": \"%s\", "
               "\"ours\": %.6g, \"ok\": %s}",
               i > 0 ? "," : "", row->table, row->metric, paper_of(row, "null", paper), bound,
               row->ours, mcpz_anchor_is_ok(row) ? "true" : "false");
    }
    printf("\n]\n");
}

/* ---- The verb ----------------------------------------------------------------------------- */

static bool read_count(const char *text, size_t low, size_t high, size_t *count)
{
    char *end;
    unsigned long value = text != NULL ? strtoul(text, &end, 10) : 0;

    if (text == NULL || *text < '0' || *text > '9' || *end != '\0' || value < low ||
        value > high) {
        return false;
    }
    *count = value;
    return true;
}

static bool is_table(const char *name)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(tables); i++) {
        if (name != NULL && strcmp(tables[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* argv ends with NULL, so what follows a word may always be looked at. */
static bool read_words(int argc, char **argv, struct words *words)
{
    for (int i = 1; i < argc; i++) {
        bool fine = true;
        if (strcmp(argv[i], "--json") == 0) {
            words->json = true;
        } else if (strcmp(argv[i], "--table") == 0) {
            words->table = argv[++i];
            fine = is_table(words->table);
        } else if (strcmp(argv[i], "--nodes") == 0) {
            fine = read_count(argv[++i], MCPZ_ANCHORS_NODES_MIN, MCPZ_ANCHORS_NODES_MAX,
                              &words->nodes);
        } else if (strcmp(argv[i], "--seeds") == 0) {
            fine = read_count(argv[++i], 1, SEEDS_MAX, &words->seeds);
        } else {
            fine = false;
        }
        if (!fine) {
            return false;
        }
    }
    return true;
}

static void run(const struct words *words, struct mcpz_anchors *anchors)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(tables); i++) {
        bool wanted = words->table == NULL || strcmp(words->table, tables[i].name) == 0;
        for (uint64_t seed = 1; wanted && seed <= words->seeds; seed++) {
            tables[i].run(anchors, words->nodes, seed);
        }
    }
}

int mcpz_anchors(int argc, char **argv)
{
    struct words words = {.nodes = MCPZ_ANCHORS_NODES, .seeds = SEEDS};
    struct mcpz_anchors anchors = {.count = 0};

    if (!read_words(argc, argv, &words)) {
        fprintf(stderr,
                "usage: anchors [--table A1|A2] [--nodes %d..%d] [--seeds 1..%d] "
                "[--json]\n",
                MCPZ_ANCHORS_NODES_MIN, MCPZ_ANCHORS_NODES_MAX, SEEDS_MAX);
        return EXIT_USAGE;
    }
    run(&words, &anchors);
    if (words.json) {
        print_json(&anchors);
    } else {
        print_text(&anchors);
    }
    bool ok = true;
    for (size_t i = 0; i < anchors.count; i++) {
        ok = mcpz_anchor_is_ok(&anchors.rows[i]) && ok;
    }
    return ok ? EXIT_SUCCESS : EXIT_MISSED;
}
