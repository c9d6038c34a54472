#include "sim/swarm.h"

#include <assert.h>

#include "base/hash.h"
#include "base/rng.h"
#include "sim/sim.h"

#define GAP_MIN_MS 1000 /* between two happenings of one kind, on average, at the most often */
#define GAP_MAX_MS 30000
#define LASTS_MIN_MS 100
#define LASTS_MAX_MS 60000
#define CLOCK_OFF_MAX_S 86400 /* of a wall clock */
#define GOES_FROM_NODES 4     /* of so many one may go for good, */
#define TWO_GO_FROM_NODES 6   /* and two */

/* A kind of happening: what begins it and what, on the same nodes, ends it. */
struct kind {
    enum mcpz_verb begins;
    enum mcpz_verb ends; /* MCPZ_VERB_END: it ends by itself */
};

static const struct kind fault_kinds[] = {
    {MCPZ_VERB_KILL, MCPZ_VERB_START},  {MCPZ_VERB_CUT, MCPZ_VERB_HEAL},
    {MCPZ_VERB_SPLIT, MCPZ_VERB_MEND},  {MCPZ_VERB_PAUSE, MCPZ_VERB_END},
    {MCPZ_VERB_DISK, MCPZ_VERB_DISK},   {MCPZ_VERB_FILL, MCPZ_VERB_FREE},
    {MCPZ_VERB_SLOW, MCPZ_VERB_SLOW},   {MCPZ_VERB_TEAR, MCPZ_VERB_START},
    {MCPZ_VERB_CROWD, MCPZ_VERB_END},   {MCPZ_VERB_RESTORE, MCPZ_VERB_START},
    {MCPZ_VERB_AHEAD, MCPZ_VERB_AHEAD}, {MCPZ_VERB_BEHIND, MCPZ_VERB_BEHIND},
    {MCPZ_VERB_LAYOUT, MCPZ_VERB_END},  {MCPZ_VERB_SETBACK, MCPZ_VERB_START},
};

#define FAULT_KINDS_MAX 64 /* room for more without moving those there are */
#define FAULT_KINDS (sizeof(fault_kinds) / sizeof(fault_kinds[0]))

static const enum mcpz_verb work[] = {
    MCPZ_VERB_TASK,  MCPZ_VERB_TASK,   MCPZ_VERB_CREATE, MCPZ_VERB_DELETE,
    MCPZ_VERB_SET,   MCPZ_VERB_SET,    MCPZ_VERB_UNSET,  MCPZ_VERB_ADD,
    MCPZ_VERB_ADD,   MCPZ_VERB_REMOVE, MCPZ_VERB_COUNT,  MCPZ_VERB_COUNT,
    MCPZ_VERB_COUNT, MCPZ_VERB_SUBMIT, MCPZ_VERB_SUBMIT, MCPZ_VERB_SUBMIT,
};

#define WORK_KINDS (sizeof(work) / sizeof(work[0]))

struct swarm {
    struct mcpz_schedule *schedule;
    struct mcpz_rng rng;
    uint32_t next_element; /* each is added once: what was acknowledged can be looked for */
    uint32_t next_key;
};

static uint64_t between(struct swarm *swarm, uint32_t least, uint32_t most)
{
    return least + mcpz_rng_below(&swarm->rng, most - least + 1);
}

/* Short far more often than long: each doubling is as likely as the last. */
static uint64_t skewed(struct swarm *swarm, uint32_t least, uint32_t most)
{
    uint32_t end = least;
    while (end < most && mcpz_rng_below(&swarm->rng, 8) != 0) {
        end = end > most / 2 ? most : 2 * end;
    }
    return between(swarm, least, end);
}

static void add(struct swarm *swarm, const struct mcpz_schedule_line *line)
{
    /* A schedule that is full is long enough. */
    if (line->at_ms < swarm->schedule->end_ms) {
        (void)!mcpz_schedule_add(swarm->schedule, line);
    }
}

/* Each key once: given to two nodes, it makes two tasks. */
static uint64_t draw_key(struct swarm *swarm)
{
    return mcpz_rng_below(&swarm->rng, 3) == 0 ? 0 : ++swarm->next_key;
}

/* One node at most contradicts itself, and not the one that makes layouts: all others are to be
 * alike. Of one node alone there are no others. */
static uint64_t liar_of(const struct mcpz_schedule *schedule)
{
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, mcpz_hash_bytes(mcpz_text("liar"), schedule->seed));
    return schedule->node_count > 1 ? 1 + mcpz_rng_below(&rng, (uint32_t)schedule->node_count - 1)
                                    : 0;
}

static uint64_t draw_argument(struct swarm *swarm, enum mcpz_verb verb, char kind)
{
    uint32_t node_count = (uint32_t)swarm->schedule->node_count;

    switch (kind) {
    case 'n':
        return verb == MCPZ_VERB_SETBACK ? liar_of(swarm->schedule)
                                         : mcpz_rng_below(&swarm->rng, node_count);
    case 'a':
        return verb == MCPZ_VERB_DELETE ? MCPZ_SCHEDULE_GONE_AGENT
                                        : mcpz_rng_below(&swarm->rng, MCPZ_SCHEDULE_AGENTS);
    case 'k':
        return mcpz_rng_below(&swarm->rng, MCPZ_SCHEDULE_KEYS);
    case 'm':
        return verb == MCPZ_VERB_PAUSE  ? skewed(swarm, 100, 60000)
               : verb == MCPZ_VERB_TASK ? between(swarm, 200, 20000)
                                        : skewed(swarm, 20, 3000);
    case 's':
        return mcpz_rng_next(&swarm->rng) & (UINT64_MAX >> (64 - node_count));
    default:
        return verb == MCPZ_VERB_ADD      ? swarm->next_element++
               : verb == MCPZ_VERB_REMOVE ? mcpz_rng_below(&swarm->rng, swarm->next_element + 1)
               : verb == MCPZ_VERB_TEAR   ? skewed(swarm, 1, 32)
               : verb == MCPZ_VERB_CROWD  ? skewed(swarm, 16, MCPZ_SIM_CROWD_MAX)
               : verb == MCPZ_VERB_SUBMIT ? draw_key(swarm)
               : verb == MCPZ_VERB_AHEAD || verb == MCPZ_VERB_BEHIND
                   ? skewed(swarm, 1, CLOCK_OFF_MAX_S)
                   : between(swarm, 1, 100);
    }
}

static struct mcpz_schedule_line draw_line(struct swarm *swarm, enum mcpz_verb verb,
                                           uint64_t at_ms)
{
    const char *kinds = mcpz_verb_arguments(verb);
    struct mcpz_schedule_line line = {.at_ms = at_ms, .verb = verb};

    for (size_t i = 0; kinds[i] != '\0'; i++) {
        line.arguments[i] = draw_argument(swarm, verb, kinds[i]);
    }
    if (kinds[0] == 'n' && kinds[1] == 'n' && line.arguments[0] == line.arguments[1]) {
        line.arguments[1] = (line.arguments[0] + 1) % swarm->schedule->node_count;
    }
    return line;
}

/* "disk N 0", "slow A B 0" and "ahead N 0": as it was. */
static void end_fault(struct swarm *swarm, const struct kind *kind,
                      const struct mcpz_schedule_line *begun, uint64_t lasts_ms)
{
    struct mcpz_schedule_line end = *begun;
    const char *kinds = mcpz_verb_arguments(kind->ends);

    end.at_ms += lasts_ms;
    end.verb = kind->ends;
    for (size_t i = 0; i < MCPZ_SCHEDULE_ARGUMENTS_MAX; i++) {
        if (i >= strlen(kinds) || kinds[i] == 'm' || kinds[i] == 'v') {
            end.arguments[i] = 0;
        }
    }
    add(swarm, &end);
}

/* Little is under way on a quick disk: one that is about to be torn is slow for a while. */
static void slow_disk(struct swarm *swarm, const struct mcpz_schedule_line *tear)
{
    uint64_t slow_ms = between(swarm, 500, 5000);
    struct mcpz_schedule_line disk = {
        .at_ms = tear->at_ms > slow_ms ? tear->at_ms - slow_ms : 0,
        .verb = MCPZ_VERB_DISK,
        .arguments = {tear->arguments[0], slow_ms},
    };

    add(swarm, &disk);
    disk.at_ms = tear->at_ms;
    disk.arguments[1] = 0;
    add(swarm, &disk);
}

/* What is to be on its disk again later. */
static void back_up(struct swarm *swarm, const struct mcpz_schedule_line *restore)
{
    uint64_t ago_ms = between(swarm, 500, 20000);

    add(swarm, &(struct mcpz_schedule_line){
                   .at_ms = restore->at_ms > ago_ms ? restore->at_ms - ago_ms : 0,
                   .verb = MCPZ_VERB_BACK_UP,
                   .arguments = {restore->arguments[0]},
               });
}

/* Who hears others at once hears from them what it had written: it is alone for a while, and what
 * it writes then contradicts that. */
static void set_apart(struct swarm *swarm, const struct mcpz_schedule_line *setback,
                      uint64_t lasts_ms)
{
    add(swarm, &(struct mcpz_schedule_line){
                   .at_ms = setback->at_ms,
                   .verb = MCPZ_VERB_SPLIT,
                   .arguments = {UINT64_C(1) << setback->arguments[0]},
               });
    add(swarm, &(struct mcpz_schedule_line){
                   .at_ms = setback->at_ms + lasts_ms + between(swarm, 2000, 20000),
                   .verb = MCPZ_VERB_MEND,
               });
}

static void draw_faults(struct swarm *swarm, const struct kind *kind)
{
    uint32_t gap_ms = (uint32_t)between(swarm, GAP_MIN_MS, GAP_MAX_MS);
    uint32_t lasts_ms = (uint32_t)skewed(swarm, 2 * LASTS_MIN_MS, LASTS_MAX_MS);

    for (uint64_t at_ms = between(swarm, 0, 2 * gap_ms); at_ms < swarm->schedule->end_ms;
         at_ms += between(swarm, 1, 2 * gap_ms)) {
        struct mcpz_schedule_line line = draw_line(swarm, kind->begins, at_ms);
        add(swarm, &line);
        if (kind->begins == MCPZ_VERB_TEAR) {
            slow_disk(swarm, &line);
        } else if (kind->begins == MCPZ_VERB_RESTORE || kind->begins == MCPZ_VERB_SETBACK) {
            back_up(swarm, &line);
        }
        const uint64_t lasts =
            kind->ends != MCPZ_VERB_END ? between(swarm, LASTS_MIN_MS, lasts_ms) : 0;
        if (kind->begins == MCPZ_VERB_SETBACK) {
            set_apart(swarm, &line, lasts);
        }
        if (kind->ends != MCPZ_VERB_END) {
            end_fault(swarm, kind, &line, lasts);
        }
    }
}

/* An accepted durable task is on two disks, and no longer when one of them is an older one; when
 * it is due is said by the clock of its owner. */
static bool spoils_tasks(enum mcpz_verb begins)
{
    return begins == MCPZ_VERB_RESTORE || begins == MCPZ_VERB_SETBACK ||
           begins == MCPZ_VERB_AHEAD || begins == MCPZ_VERB_BEHIND;
}

/* Each kind has chance of its own: a fault more or less does not move the others. Half of the runs
 * have it, but for those that leave no room for durable tasks. */
static bool begin_kind(struct swarm *swarm, size_t kind)
{
    mcpz_rng_init(&swarm->rng, mcpz_hash_bytes(mcpz_text("fault"),
                                               swarm->schedule->seed * FAULT_KINDS_MAX + kind));
    const enum mcpz_verb begins = fault_kinds[kind].begins;
    return mcpz_rng_below(&swarm->rng, 2) == 0 &&
           (!spoils_tasks(begins) || mcpz_rng_below(&swarm->rng, 2) == 0);
}

static bool takes_durable_tasks(struct swarm *swarm, bool faults)
{
    const struct mcpz_rng rng = swarm->rng;
    bool suffers = false;

    for (size_t i = 0; faults && i < FAULT_KINDS; i++) {
        const enum mcpz_verb begins = fault_kinds[i].begins;
        suffers |= spoils_tasks(begins) && begin_kind(swarm, i);
    }
    swarm->rng = rng;
    return !suffers;
}

static void draw_work(struct swarm *swarm, bool faults)
{
    const bool durable = takes_durable_tasks(swarm, faults);
    uint32_t gap_ms = (uint32_t)between(swarm, 50, 1000);

    for (uint64_t agent = 0; agent < MCPZ_SCHEDULE_AGENTS; agent++) {
        add(swarm,
            &(struct mcpz_schedule_line){
                .verb = MCPZ_VERB_CREATE,
                .arguments = {mcpz_rng_below(&swarm->rng, (uint32_t)swarm->schedule->node_count),
                              agent},
            });
    }
    for (size_t i = 0; i < 1 + swarm->schedule->node_count / 3; i++) {
        struct mcpz_schedule_line line = draw_line(swarm, MCPZ_VERB_PROVIDE, 0);
        add(swarm, &line);
    }
    for (uint64_t at_ms = 1000; at_ms < swarm->schedule->end_ms;
         at_ms += between(swarm, 1, 2 * gap_ms)) {
        enum mcpz_verb verb = work[mcpz_rng_below(&swarm->rng, WORK_KINDS)];
        verb = verb == MCPZ_VERB_SUBMIT && !durable ? MCPZ_VERB_TASK : verb;
        struct mcpz_schedule_line line = draw_line(swarm, verb, at_ms);
        add(swarm, &line);
    }
}

/* Of every third mesh one or two nodes go for good, by chance of its own: some die before, and
 * some run on. What such a node has acknowledged is to outlive it where others have it. */
static void draw_revocations(struct swarm *swarm)
{
    const uint32_t node_count = (uint32_t)swarm->schedule->node_count;
    const uint32_t end_ms = (uint32_t)swarm->schedule->end_ms;

    mcpz_rng_init(&swarm->rng, mcpz_hash_bytes(mcpz_text("gone"), swarm->schedule->seed));
    if (node_count < GOES_FROM_NODES || mcpz_rng_below(&swarm->rng, 3) != 0) {
        return;
    }
    const size_t count = node_count >= TWO_GO_FROM_NODES ? between(swarm, 1, 2) : 1;
    for (size_t i = 0; i < count; i++) { /* the same one twice is one less */
        const uint64_t node = between(swarm, 1, node_count - 1);
        const uint64_t at_ms = between(swarm, end_ms / 4, end_ms - 1);
        const uint64_t dead_ms = between(swarm, 0, 20000);
        add(swarm, &(struct mcpz_schedule_line){.verb = MCPZ_VERB_QUORUM, .arguments = {node}});
        if (mcpz_rng_below(&swarm->rng, 2) == 0) {
            add(swarm, &(struct mcpz_schedule_line){.at_ms = at_ms > dead_ms ? at_ms - dead_ms : 0,
                                                    .verb = MCPZ_VERB_KILL,
                                                    .arguments = {node}});
        }
        add(swarm, &(struct mcpz_schedule_line){
                       .at_ms = at_ms, .verb = MCPZ_VERB_REVOKE, .arguments = {node}});
    }
}

void mcpz_swarm_draw(struct mcpz_schedule *schedule, size_t node_count, uint64_t minutes,
                     uint64_t seed, bool faults)
{
    struct swarm swarm = {.schedule = schedule};
    assert(schedule->line_count == 0);
    assert(node_count > 0);

    schedule->node_count = node_count;
    schedule->seed = seed;
    schedule->end_ms = minutes * 60000;
    mcpz_rng_init(&swarm.rng, mcpz_hash_bytes(mcpz_text("swarm"), seed));
    draw_work(&swarm, faults);
    for (size_t i = 0; faults && i < FAULT_KINDS; i++) {
        const enum mcpz_verb begins = fault_kinds[i].begins;
        bool wants_two = mcpz_verb_arguments(begins)[1] == 'n' || begins == MCPZ_VERB_SETBACK;
        if (begin_kind(&swarm, i) && !(wants_two && node_count == 1)) {
            draw_faults(&swarm, &fault_kinds[i]);
        }
    }
    if (faults) {
        draw_revocations(&swarm);
    }
    mcpz_schedule_sort(schedule);
}
