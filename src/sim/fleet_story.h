/*
 * Stories of a fleet: what happens to thousands of nodes, and how long it takes them to agree
 * again. Each begins with a mesh that has joined and agreed, and ends with the liveness phase: all
 * is healed, and those that are left come to agree on who is gone; all is started, and within
 * MCPZ_FLEET_LIVENESS_S every view is correct, the overlay hangs together and every link is one
 * from both ends; then broadcasts reach all of their zone, and cost no more than a tree. What must
 * always hold is looked at every second.
 *
 * Source: protocols.md 5.4, 8.5; Dadgar, Phillips, Currey, "Lifeguard" (starve).
 */

#ifndef SIM_FLEET_STORY_H
#define SIM_FLEET_STORY_H

#include "sim/fleet.h"
#include "sim/fleet_check.h"
#include "sim/schedule.h"

#define MCPZ_FLEET_LIVENESS_S 60
#define MCPZ_FLEET_MEASURES_MAX 24

#define MCPZ_FLEET_STORIES(X)                                                                     \
    X(SWARM, "swarm", 2, "faults of all kinds, drawn from the seed")                              \
    X(IDLE, "idle", 10, "nothing happens")                                                        \
    X(JOIN, "join", 1, "all join within a minute, each through one contact of its zone")          \
    X(CRASH, "crash", 1, "1 % are killed; 1 % vanish; all come back; 1 % die in one's sleep")     \
    X(STOP, "stop", 1, "one is stopped, while all is calm and while all are busy; and goes on")   \
    X(CUT, "cut", 1, "half of the zones, then half of each zone, cut off for 90 s")               \
    X(BLACKOUT, "blackout", 1, "all go out at once, and come back, their contacts last")          \
    X(APART, "apart", 1, "two fifths cannot reach two others; then one is cut off from all")      \
    X(PAUSE, "pause", 10, "everybody pauses up to 2 s, 2 % of frames come late")                  \
    X(STARVE, "starve", 3, "20 % get 0.05 s of CPU every 8 s")                                    \
    X(CHURN, "churn", 170, "every second an id goes for good and another comes")                  \
    X(LOST, "lost", 1, "three of a zone, then a tenth of it, vanish at once")

enum mcpz_fleet_story {
#define X(name, word, minutes, help) MCPZ_FLEET_STORY_##name,
    MCPZ_FLEET_STORIES(X)
#undef X
        MCPZ_FLEET_STORIES_END,
};

const char *mcpz_fleet_story_word(enum mcpz_fleet_story story);
const char *mcpz_fleet_story_help(enum mcpz_fleet_story story);

struct mcpz_fleet_options {
    enum mcpz_fleet_story story;
    size_t node_count;
    size_t zone_size;
    uint64_t seed;
    uint64_t minutes;               /* that the story lasts; 0: as in the table */
    struct mcpz_schedule *schedule; /* empty: is to take down what is done. NULL: nothing does */
    void *context;
    /** Called every virtual second. May be NULL. */
    void (*progress)(void *context, const char *phase, uint64_t at_s, const struct mcpz_fleet *);
};

/* A number, and the most it may be. */
struct mcpz_fleet_measure {
    const char *what;
    double value; /* below 0: it did not come about */
    double bound; /* below 0: none */
};

struct mcpz_fleet_report {
    char violated[MCPZ_FLEET_WORDS_BYTES]; /* the first; empty: nothing */
    uint64_t violated_ms;
    char wrong[MCPZ_FLEET_WORDS_BYTES]; /* a view when waiting for it took too long; or empty */
    struct mcpz_fleet_measure measures[MCPZ_FLEET_MEASURES_MAX];
    size_t measure_count;
    uint64_t counters[MCPZ_FLEET_COUNTERS_END];
    uint64_t sometimes[MCPZ_FLEET_SOMETIMES_END];
    uint64_t hash;
    uint64_t virtual_ms;
    size_t bytes_per_node; /* of memory, all the simulator's included */
};

/** Is it within its bound? */
bool mcpz_fleet_measure_is_ok(const struct mcpz_fleet_measure *measure);

/** Tell it. A bound that was missed is no violation. */
void mcpz_fleet_tell(const struct mcpz_fleet_options *options, struct mcpz_fleet_report *report);

#endif
