#include "sim/fleet_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "sim/fleet_internal.h"

#define HELD_NODES_MAX 512 /* larger fleets do not note in which incarnation each holds each */

/* ---- Views -------------------------------------------------------------------------------- */

static size_t zone_count(const struct mcpz_fleet *fleet)
{
    return fleet->nodes[fleet->config.node_count - 1].zone + 1;
}

/* How many nodes of each zone run. */
static size_t *count_running(const struct mcpz_fleet *fleet)
{
    size_t *running = calloc(zone_count(fleet), sizeof(*running));

    if (running == NULL) {
        abort();
    }
    for (size_t i = 0; i < fleet->config.node_count; i++) {
        running[fleet->nodes[i].zone] += fleet->nodes[i].fabric != NULL;
    }
    return running;
}

static bool is_row_right(const struct mcpz_fleet *fleet, const struct mcpz_fleet_node *node,
                         const struct mcpz_member *row)
{
    const uint32_t about = fleet->node_of[mcpz_fleet_identity_of(&row->id)];

    if (row->state != MCPZ_MEMBER_ALIVE || about == MCPZ_FLEET_NOBODY) {
        return false;
    }
    const struct mcpz_fleet_node *member = &fleet->nodes[about];
    return member->fabric != NULL && member->zone == node->zone &&
           mcpz_members_self(&member->fabric->members)->incarnation == row->incarnation;
}

/* The first row that is wrong; NULL: none is, but one may be missing. */
static const struct mcpz_member *wrong_row(const struct mcpz_fleet *fleet,
                                           const struct mcpz_fleet_node *node, size_t *right)
{
    const struct mcpz_roster *roster = &node->fabric->members.roster;

    *right = 0;
    for (size_t i = 0; i < roster->count; i++) {
        const struct mcpz_member *row = &roster->rows[i];
        if (mcpz_member_is_gone(row)) {
            continue;
        }
        if (!is_row_right(fleet, node, row)) {
            return row;
        }
        (*right)++;
    }
    return NULL;
}

static bool is_wrong(const struct mcpz_fleet *fleet, size_t index, const size_t *running)
{
    const struct mcpz_fleet_node *node = &fleet->nodes[index];
    size_t right;

    return node->fabric != NULL &&
           (wrong_row(fleet, node, &right) != NULL || right != running[node->zone]);
}

size_t mcpz_fleet_wrong_views(const struct mcpz_fleet *fleet, size_t enough)
{
    size_t *running = count_running(fleet);
    size_t wrong = 0;

    for (size_t i = 0; i < fleet->config.node_count && wrong < enough; i++) {
        wrong += is_wrong(fleet, i, running);
    }
    free(running);
    return wrong;
}

/* Whose view was wrong the last time is looked at first: it most likely still is. */
bool mcpz_fleet_agrees(struct mcpz_fleet *fleet)
{
    const size_t count = fleet->config.node_count;
    size_t *running = count_running(fleet);
    size_t seen = 0;

    while (seen < count && !is_wrong(fleet, fleet->wrong_last, running)) {
        fleet->wrong_last = (fleet->wrong_last + 1) % count;
        seen++;
    }
    free(running);
    return seen == count;
}

size_t mcpz_fleet_believers(const struct mcpz_fleet *fleet, size_t about)
{
    size_t believers = 0;

    for (size_t i = 0; i < fleet->config.node_count; i++) {
        const struct mcpz_fleet_node *node = &fleet->nodes[i];
        const struct mcpz_member *row =
            node->fabric != NULL && i != about
                ? mcpz_members_find(&node->fabric->members, &fleet->nodes[about].id)
                : NULL;
        believers += row != NULL && !mcpz_member_is_gone(row);
    }
    return believers;
}

void mcpz_fleet_describe_wrong(const struct mcpz_fleet *fleet, char *words)
{
    static const char *const states[] = {"?", "alive", "suspect", "dead", "left"};
    size_t *running = count_running(fleet);
    size_t right;

    words[0] = '\0';
    for (size_t i = 0; i < fleet->config.node_count && words[0] == '\0'; i++) {
        const struct mcpz_fleet_node *node = &fleet->nodes[i];
        const struct mcpz_member *row =
            node->fabric != NULL ? wrong_row(fleet, node, &right) : NULL;
        if (row != NULL) {
            (void)snprintf(
                words, MCPZ_FLEET_WORDS_BYTES,
                "node %zu holds %u for %s in incarnation %llu, for reason %u, for %llu s", i,
                mcpz_fleet_identity_of(&row->id), states[row->state % 5],
                (unsigned long long)row->incarnation, row->reason,
                (unsigned long long)((fleet->now - row->since_us) / 1000000));
        } else if (node->fabric != NULL && right != running[node->zone]) {
            (void)snprintf(words, MCPZ_FLEET_WORDS_BYTES,
                           "node %zu holds %zu for alive, %zu are; %zu neighbours, %zu links", i,
                           right, running[node->zone], node->fabric->overlay.active_count,
                           node->fabric->links.count);
        }
    }
    free(running);
}

/* ---- Neighbours --------------------------------------------------------------------------- */

static uint32_t root_of(uint32_t *parents, uint32_t at)
{
    while (parents[at] != at) {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    return at;
}

size_t mcpz_fleet_parts(const struct mcpz_fleet *fleet)
{
    const uint32_t count = (uint32_t)fleet->config.node_count;
    uint32_t *parents = calloc(count, sizeof(*parents));
    size_t parts = 0;

    if (parents == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < count; i++) {
        parents[i] = i;
        parts += fleet->nodes[i].fabric != NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct mcpz_fabric *fabric = fleet->nodes[i].fabric;
        for (size_t j = 0; fabric != NULL && j < fabric->overlay.active_count; j++) {
            const uint32_t peer =
                fleet->node_of[mcpz_fleet_identity_of(&fabric->overlay.active[j].id)];
            if (peer == MCPZ_FLEET_NOBODY || fleet->nodes[peer].fabric == NULL) {
                continue;
            }
            const uint32_t a = root_of(parents, i);
            const uint32_t b = root_of(parents, peer);
            parts -= a != b;
            parents[a] = b;
        }
    }
    free(parents);
    return parts;
}

static double mean_rtt_us(const struct mcpz_fleet *fleet, bool far_only)
{
    uint64_t sum_us = 0;
    uint64_t links = 0;

    for (uint32_t i = 0; i < fleet->config.node_count; i++) {
        const struct mcpz_fabric *fabric = fleet->nodes[i].fabric;
        for (size_t j = 0; fabric != NULL && j < fabric->overlay.active_count; j++) {
            const uint32_t peer =
                fleet->node_of[mcpz_fleet_identity_of(&fabric->overlay.active[j].id)];
            if (peer == MCPZ_FLEET_NOBODY ||
                (far_only && fleet->nodes[peer].zone == fleet->nodes[i].zone)) {
                continue;
            }
            sum_us += 2 * (uint64_t)mcpz_fleet_network_latency(fleet, i, peer);
            links++;
        }
    }
    return links > 0 ? (double)sum_us / (double)links : 0;
}

double mcpz_fleet_mean_rtt_us(const struct mcpz_fleet *fleet)
{
    return mean_rtt_us(fleet, false);
}

double mcpz_fleet_mean_far_rtt_us(const struct mcpz_fleet *fleet)
{
    return mean_rtt_us(fleet, true);
}

double mcpz_fleet_mean_degree(const struct mcpz_fleet *fleet)
{
    size_t neighbours = 0;

    for (size_t i = 0; i < fleet->config.node_count; i++) {
        const struct mcpz_fabric *fabric = fleet->nodes[i].fabric;
        neighbours += fabric != NULL ? fabric->overlay.active_count : 0;
    }
    return (double)neighbours / (double)mcpz_fleet_running(fleet);
}

size_t mcpz_fleet_untold(const struct mcpz_fleet *fleet)
{
    size_t untold = 0;

    for (size_t i = 0; i < fleet->config.node_count; i++) {
        const struct mcpz_fleet_node *node = &fleet->nodes[i];
        untold += node->fabric != NULL && node->zone == fleet->probe.zone && !node->is_told;
    }
    return untold;
}

size_t mcpz_fleet_one_sided(const struct mcpz_fleet *fleet)
{
    size_t one_sided = 0;

    for (size_t i = 0; i < fleet->config.node_count; i++) {
        const struct mcpz_fleet_node *node = &fleet->nodes[i];
        for (size_t j = 0; node->fabric != NULL && j < node->fabric->overlay.active_count; j++) {
            const uint32_t peer =
                fleet->node_of[mcpz_fleet_identity_of(&node->fabric->overlay.active[j].id)];
            const struct mcpz_fabric *other =
                peer != MCPZ_FLEET_NOBODY ? fleet->nodes[peer].fabric : NULL;
            one_sided += other == NULL || !mcpz_overlay_is_neighbour(&other->overlay, &node->id);
        }
    }
    return one_sided;
}

/* ---- Safety ------------------------------------------------------------------------------- */

static const char *what_is_out_of_bounds(const struct mcpz_fleet *fleet,
                                         const struct mcpz_fleet_node *node)
{
    const struct mcpz_fabric *fabric = node->fabric;
    const struct mcpz_overlay *overlay = &fabric->overlay;
    const struct mcpz_member *self = mcpz_members_self(&fabric->members);

    if (self->incarnation < node->incarnation) {
        return "incarnation: it went back";
    }
    if (self->state != MCPZ_MEMBER_ALIVE && !fabric->members.leaving) {
        return "lives: it holds itself for dead";
    }
    if (overlay->active_count > fleet->core.neighbours_max) {
        return "neighbours: too many";
    }
    if (fabric->links.count > fleet->core.links_max) {
        return "links: too many";
    }
    if (mcpz_passive_has(&overlay->passive, &node->id)) {
        return "passive: it holds itself";
    }
    for (size_t i = 0; i < overlay->active_count; i++) {
        if (mcpz_passive_has(&overlay->passive, &overlay->active[i].id)) {
            return "passive: it holds a neighbour";
        }
    }
    return NULL;
}

/*
 * Where nobody goes for good no row is forgotten: what a node holds of another has only ever been
 * overridden by what is newer.
 */
static bool notes_held(const struct mcpz_fleet *fleet)
{
    return fleet->config.node_count <= HELD_NODES_MAX &&
           fleet->config.identity_count == fleet->config.node_count;
}

/* A row that is of an older incarnation than the last time. Notes in which they all are now. */
static const struct mcpz_member *went_back(const struct mcpz_fleet *fleet,
                                           struct mcpz_fleet_node *node)
{
    const struct mcpz_roster *roster = &node->fabric->members.roster;
    const size_t count = fleet->config.identity_count;

    if (node->held == NULL) {
        node->held = calloc(count, sizeof(*node->held));
        if (node->held == NULL) {
            abort();
        }
    }
    if (node->held_life != node->life) {
        memset(node->held, 0, count * sizeof(*node->held));
        node->held_life = node->life;
    }
    for (size_t i = 1; i < roster->count; i++) {
        const struct mcpz_member *row = &roster->rows[i];
        uint64_t *held = &node->held[mcpz_fleet_identity_of(&row->id)];
        if (row->incarnation < *held) {
            return row;
        }
        *held = row->incarnation;
    }
    return NULL;
}

static void describe_went_back(const struct mcpz_fleet_node *node, size_t by,
                               const struct mcpz_member *row, char *words)
{
    const uint32_t identity = mcpz_fleet_identity_of(&row->id);

    (void)snprintf(words, MCPZ_FLEET_WORDS_BYTES,
                   "past: node %zu held %u in incarnation %llu, and in %llu now", by, identity,
                   (unsigned long long)node->held[identity], (unsigned long long)row->incarnation);
}

/* A row for dead whose node is well, and known in its own incarnation. */
static const struct mcpz_member *buried_row(const struct mcpz_fleet *fleet,
                                            const struct mcpz_fleet_node *node)
{
    const struct mcpz_roster *roster = &node->fabric->members.roster;

    for (size_t i = 1; i < roster->count; i++) {
        const struct mcpz_member *row = &roster->rows[i];
        if (row->state != MCPZ_MEMBER_DEAD) {
            continue;
        }
        const uint32_t about = fleet->node_of[mcpz_fleet_identity_of(&row->id)];
        if (about != MCPZ_FLEET_NOBODY && mcpz_fleet_is_steady(fleet, &fleet->nodes[about])) {
            return row;
        }
    }
    return NULL;
}

static void describe_buried(const struct mcpz_fleet *fleet, size_t by,
                            const struct mcpz_member *row, char *words)
{
    const uint32_t identity = mcpz_fleet_identity_of(&row->id);
    const struct mcpz_fleet_node *node = &fleet->nodes[fleet->node_of[identity]];

    (void)snprintf(words, MCPZ_FLEET_WORDS_BYTES,
                   "buried: node %zu holds %u for dead in incarnation %llu of %llu, for reason "
                   "%u, for %llu s, and both are well",
                   by, identity, (unsigned long long)row->incarnation,
                   (unsigned long long)mcpz_members_self(&node->fabric->members)->incarnation,
                   row->reason, (unsigned long long)((fleet->now - row->since_us) / 1000000));
}

bool mcpz_fleet_is_safe(struct mcpz_fleet *fleet, char *words)
{
    if (fleet->counters[MCPZ_FLEET_BURIED_HEARD] > 0) {
        (void)snprintf(words, MCPZ_FLEET_WORDS_BYTES,
                       "heard: a node came to hold for dead whom it hears");
        return false;
    }
    for (size_t i = 0; i < fleet->config.node_count; i++) {
        struct mcpz_fleet_node *node = &fleet->nodes[i];
        if (node->fabric == NULL) {
            continue;
        }
        const char *what = what_is_out_of_bounds(fleet, node);
        if (what != NULL) {
            (void)snprintf(words, MCPZ_FLEET_WORDS_BYTES, "node %zu: %s", i, what);
            return false;
        }
        node->incarnation = mcpz_members_self(&node->fabric->members)->incarnation;
        const struct mcpz_member *past = notes_held(fleet) ? went_back(fleet, node) : NULL;
        if (past != NULL) {
            describe_went_back(node, i, past, words);
            return false;
        }
        const struct mcpz_member *buried =
            node->buries && mcpz_fleet_is_steady(fleet, node) ? buried_row(fleet, node) : NULL;
        if (buried != NULL) {
            describe_buried(fleet, i, buried, words);
            return false;
        }
    }
    return true;
}
