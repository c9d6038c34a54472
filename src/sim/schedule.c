#include "sim/schedule.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/fleet.h"
#include "sim/sim.h"

#define CAPACITY_AT_START 64
#define TITLE "mcpz-schedule"

struct word {
    const char *word;
    const char *arguments;
};

#define X(name, word, arguments) {word, arguments},
static const struct word words[] = {MCPZ_VERBS(X)};
static const struct word fleet_words[] = {MCPZ_FLEET_VERBS(X)};
#undef X

const char *mcpz_verb_word(uint32_t verb)
{
    assert(verb < MCPZ_VERB_END);
    return words[verb].word;
}

const char *mcpz_verb_arguments(uint32_t verb)
{
    assert(verb < MCPZ_VERB_END);
    return words[verb].arguments;
}

static const struct word *word_of(const struct mcpz_schedule *schedule, uint32_t verb)
{
    assert(verb < (schedule->is_fleet ? (uint32_t)MCPZ_FLEET_VERB_END : (uint32_t)MCPZ_VERB_END));
    return schedule->is_fleet ? &fleet_words[verb] : &words[verb];
}

void mcpz_schedule_init(struct mcpz_schedule *schedule)
{
    *schedule = (struct mcpz_schedule){0};
}

void mcpz_schedule_finish(struct mcpz_schedule *schedule)
{
    free(schedule->lines);
}

mcpz_error mcpz_schedule_add(struct mcpz_schedule *schedule, const struct mcpz_schedule_line *line)
{
    const size_t most =
        schedule->is_fleet ? MCPZ_SCHEDULE_FLEET_LINES_MAX : MCPZ_SCHEDULE_LINES_MAX;

    if (schedule->line_count == most) {
        return MCPZ_EFULL;
    }
    if (schedule->line_count == schedule->line_capacity) {
        size_t capacity =
            schedule->line_capacity == 0 ? CAPACITY_AT_START : 2 * schedule->line_capacity;
        schedule->lines = realloc(schedule->lines, capacity * sizeof(*schedule->lines));
        if (schedule->lines == NULL) {
            abort();
        }
        schedule->line_capacity = capacity;
    }
    schedule->lines[schedule->line_count++] = *line;
    return MCPZ_OK;
}

/* Merge sort, because qsort() may order equals as it likes. */
static void sort_lines(struct mcpz_schedule_line *lines, size_t count,
                       struct mcpz_schedule_line *spare)
{
    if (count < 2) {
        return;
    }
    size_t half = count / 2;
    sort_lines(lines, half, spare);
    sort_lines(lines + half, count - half, spare);
    memcpy(spare, lines, half * sizeof(*lines));

    size_t left = 0;
    size_t right = half;
    for (size_t at = 0; left < half; at++) {
        bool take_left = right == count || spare[left].at_ms <= lines[right].at_ms;
        lines[at] = take_left ? spare[left++] : lines[right++];
    }
}

void mcpz_schedule_sort(struct mcpz_schedule *schedule)
{
    struct mcpz_schedule_line *spare = calloc(schedule->line_count + 1, sizeof(*spare));

    if (spare == NULL) {
        abort();
    }
    sort_lines(schedule->lines, schedule->line_count, spare);
    free(spare);
}

/* ---- Reading ------------------------------------------------------------------------------ */

/* Take the next word off `rest`: empty if there is none. */
static struct mcpz_bytes next_word(struct mcpz_bytes *rest)
{
    size_t start = 0;
    while (start < rest->length && rest->data[start] == ' ') {
        start++;
    }
    size_t end = start;
    while (end < rest->length && rest->data[end] != ' ') {
        end++;
    }
    if (end == 0) {
        return mcpz_bytes(NULL, 0);
    }
    struct mcpz_bytes word = mcpz_bytes(rest->data + start, end - start);
    *rest = mcpz_bytes(rest->data + end, rest->length - end);
    return word;
}

static mcpz_error read_number(struct mcpz_bytes word, uint64_t *number)
{
    uint64_t sum = 0;

    if (word.length == 0) {
        return MCPZ_EPROTO;
    }
    for (size_t i = 0; i < word.length; i++) {
        uint8_t digit = (uint8_t)(word.data[i] - '0');
        if (digit > 9 || sum > (UINT64_MAX - digit) / 10) {
            return MCPZ_EPROTO;
        }
        sum = 10 * sum + digit;
    }
    *number = sum;
    return MCPZ_OK;
}

/* "seed=42" */
static mcpz_error read_setting(struct mcpz_bytes *rest, const char *name, uint64_t *number)
{
    struct mcpz_bytes word = next_word(rest);
    size_t length = strlen(name);

    if (word.length <= length || memcmp(word.data, name, length) != 0 ||
        word.data[length] != '=') {
        return MCPZ_EPROTO;
    }
    return read_number(mcpz_bytes(word.data + length + 1, word.length - length - 1), number);
}

/* How many there are of what. */
static mcpz_error read_sizes(struct mcpz_schedule *schedule, struct mcpz_bytes *line)
{
    const struct mcpz_bytes whole = *line;
    uint64_t nodes = 0;
    uint64_t zone = 0;
    uint64_t identities = 0;

    schedule->is_fleet = read_setting(line, "fleet", &nodes) == MCPZ_OK;
    if (!schedule->is_fleet) {
        *line = whole;
        if (read_setting(line, "nodes", &nodes) != MCPZ_OK || nodes > MCPZ_SIM_NODES_MAX) {
            return MCPZ_EPROTO;
        }
    } else if (nodes > MCPZ_FLEET_NODES_MAX || read_setting(line, "zone", &zone) != MCPZ_OK ||
               zone > nodes || zone > MCPZ_MEMBERS_MAX / 2 ||
               (zone == 0 && nodes > MCPZ_FLEET_FLAT_MAX) ||
               read_setting(line, "ids", &identities) != MCPZ_OK || identities < nodes ||
               identities > 16 * (uint64_t)MCPZ_FLEET_NODES_MAX) {
        return MCPZ_EPROTO;
    }
    schedule->node_count = (size_t)nodes;
    schedule->zone_size = (size_t)zone;
    schedule->identity_count = (size_t)identities;
    return nodes > 0 ? MCPZ_OK : MCPZ_EPROTO;
}

static mcpz_error read_header(struct mcpz_schedule *schedule, struct mcpz_bytes line)
{
    uint64_t version = 0;
    uint64_t seed = 0;
    uint64_t end_ms = 0;

    if (!mcpz_bytes_equal(next_word(&line), mcpz_text(TITLE)) ||
        read_number(next_word(&line), &version) != MCPZ_OK || version != MCPZ_SCHEDULE_VERSION ||
        read_sizes(schedule, &line) != MCPZ_OK || read_setting(&line, "seed", &seed) != MCPZ_OK ||
        read_setting(&line, "end_ms", &end_ms) != MCPZ_OK || end_ms > MCPZ_SCHEDULE_END_MS_MAX ||
        next_word(&line).length != 0) {
        return MCPZ_EPROTO;
    }
    schedule->seed = seed;
    schedule->end_ms = end_ms;
    return MCPZ_OK;
}

static uint64_t greatest(const struct mcpz_schedule *schedule, char kind)
{
    switch (kind) {
    case 'n':
        return schedule->node_count - 1;
    case 'a':
        return MCPZ_SCHEDULE_AGENTS - 1;
    case 'k':
        return MCPZ_SCHEDULE_KEYS - 1;
    case 'm':
        return MCPZ_SCHEDULE_ARGUMENT_MS_MAX;
    case 's':
        return UINT64_MAX >> (64 - schedule->node_count);
    case 'c':
        return MCPZ_FLEET_CUTS_MAX - 1;
    case 'e':
        return MCPZ_FLEET_SIDE_BOTH;
    case 'b':
        return 1;
    case 'p':
        return 1000000;
    default:
        return UINT32_MAX;
    }
}

static mcpz_error read_arguments(const struct mcpz_schedule *schedule, struct mcpz_bytes rest,
                                 struct mcpz_schedule_line *line)
{
    const char *kinds = word_of(schedule, line->verb)->arguments;

    for (size_t i = 0; kinds[i] != '\0'; i++) {
        uint64_t *argument = &line->arguments[i];
        if (read_number(next_word(&rest), argument) != MCPZ_OK ||
            *argument > greatest(schedule, kinds[i])) {
            return MCPZ_EPROTO;
        }
    }
    return next_word(&rest).length == 0 ? MCPZ_OK : MCPZ_EPROTO;
}

static mcpz_error read_line(struct mcpz_schedule *schedule, struct mcpz_bytes rest)
{
    const uint32_t verbs = schedule->is_fleet ? MCPZ_FLEET_VERB_END : MCPZ_VERB_END;
    struct mcpz_schedule_line line = {.verb = verbs};

    if (read_number(next_word(&rest), &line.at_ms) != MCPZ_OK ||
        line.at_ms > MCPZ_SCHEDULE_END_MS_MAX) {
        return MCPZ_EPROTO;
    }
    struct mcpz_bytes word = next_word(&rest);
    for (uint32_t verb = 0; verb < verbs; verb++) {
        if (mcpz_bytes_equal(word, mcpz_text(word_of(schedule, verb)->word))) {
            line.verb = verb;
        }
    }
    if (line.verb == verbs || read_arguments(schedule, rest, &line) != MCPZ_OK) {
        return MCPZ_EPROTO;
    }
    if (schedule->line_count > 0 && schedule->lines[schedule->line_count - 1].at_ms > line.at_ms) {
        return MCPZ_EPROTO;
    }
    return mcpz_schedule_add(schedule, &line);
}

static struct mcpz_bytes take_line(struct mcpz_bytes *text)
{
    const uint8_t *end = text->length > 0 ? memchr(text->data, '\n', text->length) : NULL;
    size_t length = end != NULL ? (size_t)(end - text->data) : text->length;
    size_t taken = end != NULL ? length + 1 : length;
    struct mcpz_bytes line = mcpz_bytes(text->data, length);

    *text = mcpz_bytes(text->data + taken, text->length - taken);
    return line;
}

mcpz_error mcpz_schedule_parse(struct mcpz_schedule *schedule, struct mcpz_bytes text,
                               size_t *bad_line)
{
    *bad_line = 1;
    if (text.length > MCPZ_SCHEDULE_TEXT_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    if (text.length == 0 || read_header(schedule, take_line(&text)) != MCPZ_OK) {
        return MCPZ_EPROTO;
    }
    for (*bad_line = 2; text.length > 0; (*bad_line)++) {
        struct mcpz_bytes line = take_line(&text);
        if (line.length == 0 || line.data[0] == '#') {
            continue;
        }
        mcpz_error error = read_line(schedule, line);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    return MCPZ_OK;
}

/* ---- Writing ------------------------------------------------------------------------------ */

static void print_line(const struct mcpz_schedule *schedule, const struct mcpz_schedule_line *line,
                       FILE *file)
{
    const struct word *word = word_of(schedule, line->verb);

    (void)fprintf(file, "%" PRIu64 " %s", line->at_ms, word->word);
    for (size_t i = 0; word->arguments[i] != '\0'; i++) {
        (void)fprintf(file, " %" PRIu64, line->arguments[i]);
    }
    (void)fputc('\n', file);
}

void mcpz_schedule_print(const struct mcpz_schedule *schedule, FILE *file)
{
    (void)fprintf(file, TITLE " %d ", MCPZ_SCHEDULE_VERSION);
    if (schedule->is_fleet) {
        (void)fprintf(file, "fleet=%zu zone=%zu ids=%zu", schedule->node_count,
                      schedule->zone_size, schedule->identity_count);
    } else {
        (void)fprintf(file, "nodes=%zu", schedule->node_count);
    }
    (void)fprintf(file, " seed=%" PRIu64 " end_ms=%" PRIu64 "\n", schedule->seed,
                  schedule->end_ms);
    for (size_t i = 0; i < schedule->line_count; i++) {
        print_line(schedule, &schedule->lines[i], file);
    }
}
