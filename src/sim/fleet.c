#include "sim/fleet.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/hash.h"
#include "sim/fleet_internal.h"
#include "wire/codec.h"

#define IDENTITY_AT (MCPZ_ID_BYTES - sizeof(uint32_t)) /* in an id */
#define NEIGHBOURS_MAX 6
#define PAGE_BYTES 4096
#define PAGE_LOSS_BYTES 192

static const char *const counter_words[] = {
#define X(name, word) word,
    MCPZ_FLEET_COUNTERS(X)
#undef X
};

const char *mcpz_fleet_counter_word(enum mcpz_fleet_counter counter)
{
    assert(counter < MCPZ_FLEET_COUNTERS_END);
    return counter_words[counter];
}

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

/* ---- Names -------------------------------------------------------------------------------- */

/* The mix of 32 bits is one to one. */
struct mcpz_short mcpz_fleet_short(uint32_t identity)
{
    uint32_t first = identity + 1;

    first = (first ^ first >> 16) * UINT32_C(0x7feb352d);
    first = (first ^ first >> 15) * UINT32_C(0x846ca68b);
    return (struct mcpz_short){first ^ first >> 16};
}

/* Looks like a key. Its last four bytes are the identity, for the simulator. */
struct mcpz_id mcpz_fleet_id(uint32_t identity)
{
    const uint32_t first = mcpz_fleet_short(identity).value;
    struct mcpz_id id;

    for (size_t i = 0; i < MCPZ_ID_BYTES; i += sizeof(uint64_t)) {
        uint64_t word = mcpz_hash_mix(identity + (i / 8 + 1) * 977);
        if (i == 0) {
            word = (uint64_t)first << 32 | (word & UINT32_MAX);
        }
        word = htobe64(word);
        memcpy(id.bytes + i, &word, sizeof(word));
    }
    identity = htole32(identity);
    memcpy(id.bytes + IDENTITY_AT, &identity, sizeof(identity));
    return id;
}

uint32_t mcpz_fleet_identity_of(const struct mcpz_id *id)
{
    uint32_t identity;

    memcpy(&identity, id->bytes + IDENTITY_AT, sizeof(identity));
    return le32toh(identity);
}

struct mcpz_bytes mcpz_fleet_address(uint32_t identity, char *text)
{
    (void)snprintf(text, 16, "%x", identity);
    return mcpz_text(text);
}

uint32_t mcpz_fleet_identity_at(struct mcpz_bytes address)
{
    uint32_t identity = 0;

    for (size_t i = 0; i < address.length; i++) {
        uint32_t letter = address.data[i];
        identity = identity << 4 | (letter <= '9' ? letter - '0' : letter - 'a' + 10);
    }
    return identity;
}

/* ---- Messages as bytes -------------------------------------------------------------------- */

static size_t pack(const struct mcpz_msg *msg, uint8_t *buffer, size_t capacity)
{
    size_t length = 0;
    mcpz_error error = mcpz_msg_encode(msg, buffer, capacity, &length);

    return error == MCPZ_OK ? length : 0;
}

static bool unpack(struct mcpz_bytes bytes, struct mcpz_arena *arena, struct mcpz_msg *msg)
{
    return mcpz_msg_decode(bytes, arena, msg) == MCPZ_OK;
}

/* ---- Nodes -------------------------------------------------------------------------------- */

/* What a table keeps of a member's own words, see core/roster.c: no signature, no name, where it
 * is, region "r" and its zone. */
static size_t text_bytes(const struct mcpz_fleet_config *config)
{
    char text[16];
    const uint32_t last = (uint32_t)config->identity_count - 1;
    const size_t zone = config->zone_size > 0 ? config->node_count / config->zone_size : 0;

    return 2 + mcpz_fleet_address(last, text).length + 1 + sizeof("r") +
           mcpz_fleet_address((uint32_t)zone, text).length + 1;
}

static struct mcpz_fabric_config core_config(const struct mcpz_fleet_config *config)
{
    const size_t scope = config->zone_size > 0 ? config->zone_size : config->node_count;
    const bool churns = config->identity_count > config->node_count;
    const bool flat = config->zone_size == 0; /* like servers, and not so many: zeros */
    /* As many as there ever are; where they come and go, as many again that have gone. */
    const size_t gone = flat ? config->node_count * 3 / 2 + 32 : config->zone_size + 8;
    const size_t rows = scope + (churns ? gone : 1);

    return (struct mcpz_fabric_config){
        .members =
            {
                .zone_only = config->zone_size > 0,
                .region = "r",
                .zone = "",
                .rows_max = rows,
                .text_bytes = rows * text_bytes(config),
                .adjacency_max = NEIGHBOURS_MAX,
                .suspicions_max = config->zone_size > 0 ? 8 : 64,
            },
        .timing = {.optimise_us = config->optimise_us},
        .packer = {.pack = pack, .unpack = unpack},
        .links_max = 12,
        .dials_max = 4,
        .seeds_max = 2,
        .address_bytes = 8,
        .neighbours_max = NEIGHBOURS_MAX,
        .far_max = 2,
        .passive_max = 24,
        .gossip_seen_max = flat ? 0 : 128,
        .gossip_cache_max = flat ? 0 : 16,
        .gossip_cache_bytes = flat ? 0 : 1024,
        .gossip_missing_max = flat ? 0 : 6,
        .gossip_notices_max = flat ? 0 : 10,
    };
}

static size_t rounded_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/*
 * What events look at often begins with a page, if little is lost by that: large pages or not,
 * below a virtual machine may lie small ones, and each that is looked at costs a walk through its
 * host's tables.
 */
static void lay_out(struct mcpz_fleet *fleet)
{
    const size_t often = mcpz_fabric_often_bytes(&fleet->core);
    const size_t core_bytes = rounded_up(MCPZ_FLEET_CORE_BYTES + often, 64);
    const size_t paged = rounded_up(core_bytes, PAGE_BYTES);

    fleet->core_bytes = paged - core_bytes <= PAGE_LOSS_BYTES ? paged : core_bytes;
    fleet->seldom_bytes = rounded_up(mcpz_fabric_bytes(&fleet->core) - often, 64);
}

struct mcpz_fleet *mcpz_fleet_create(const struct mcpz_fleet_config *config)
{
    struct mcpz_fleet *fleet = must(calloc(1, sizeof(*fleet)));
    const size_t count = config->node_count;

    assert(count > 0 && count <= MCPZ_FLEET_NODES_MAX);
    assert(config->zone_size > 0 || count <= MCPZ_FLEET_FLAT_MAX);
    fleet->config = *config;
    if (fleet->config.identity_count < count) {
        fleet->config.identity_count = count;
    }
    if (fleet->config.latency_max_us == 0) {
        fleet->config.latency_max_us = (uint32_t)MCPZ_MS(60);
    }
    fleet->core = core_config(&fleet->config);
    lay_out(fleet);
    fleet->memory = mcpz_slabs_take_huge(count * fleet->core_bytes);
    fleet->seldom = mcpz_slabs_take_huge(count * fleet->seldom_bytes);
    fleet->nodes = mcpz_slabs_take_huge(count * sizeof(*fleet->nodes));
    memset(fleet->nodes, 0, count * sizeof(*fleet->nodes));
    fleet->node_of = must(malloc(fleet->config.identity_count * sizeof(*fleet->node_of)));
    fleet->out = must(malloc(sizeof(*fleet->out)));
    fleet->scratch = must(aligned_alloc(16, MCPZ_MSG_BYTES_MAX + MCPZ_MSG_ARENA_BYTES));
    mcpz_arena_init(&fleet->arena, fleet->scratch + MCPZ_MSG_BYTES_MAX, MCPZ_MSG_ARENA_BYTES);
    mcpz_outbox_init(fleet->out);
    mcpz_fleet_queue_init(&fleet->queue);
    mcpz_rng_init(&fleet->rng, mcpz_hash_mix(config->seed ^ UINT64_C(0x6e6574)));
    fleet->now = MCPZ_SECONDS(1);
    memset(fleet->node_of, 0xff, fleet->config.identity_count * sizeof(*fleet->node_of));
    for (uint32_t i = 0; i < count; i++) {
        struct mcpz_fleet_node *node = &fleet->nodes[i];
        node->identity = fleet->next_identity++;
        node->id = mcpz_fleet_id(node->identity);
        node->zone = config->zone_size > 0 ? i / (uint32_t)config->zone_size : 0;
        node->tick_at_us = MCPZ_TIME_NEVER;
        fleet->node_of[node->identity] = i;
        mcpz_rng_init(&node->rng, mcpz_hash_mix(config->seed ^ mcpz_hash_mix(i + 1)));
    }
    return fleet;
}

void mcpz_fleet_destroy(struct mcpz_fleet *fleet)
{
    if (fleet == NULL) {
        return;
    }
    mcpz_fleet_queue_finish(&fleet->queue);
    for (size_t i = 0; i < fleet->config.node_count; i++) {
        free(fleet->nodes[i].held);
    }
    free(fleet->free_wires);
    free(fleet->wires);
    free(fleet->scratch);
    free(fleet->out);
    free(fleet->node_of);
    free(fleet->nodes);
    free(fleet->memory);
    free(fleet->seldom);
    free(fleet);
}

static void take_down(struct mcpz_fleet *fleet, enum mcpz_fleet_verb verb, uint64_t first,
                      uint64_t second, uint64_t third)
{
    if (fleet->note != NULL) {
        fleet->note(fleet->note_context, &(struct mcpz_schedule_line){
                                             .verb = verb, .arguments = {first, second, third}});
    }
}

/* A contact of one's own zone is its first node, or the second for the first. */
static void seed(struct mcpz_fleet *fleet, uint32_t index, uint32_t contact)
{
    char text[16];
    const struct mcpz_event event = {
        .kind = MCPZ_EVENT_SEED,
        .seed = {.address = mcpz_fleet_address(fleet->nodes[contact].identity, text)},
    };

    if (contact != index) {
        mcpz_fleet_step(fleet, index, &event);
    }
}

static void seed_both(struct mcpz_fleet *fleet, uint32_t index)
{
    const size_t count = fleet->config.node_count;
    const size_t zone_size = fleet->config.zone_size > 0 ? fleet->config.zone_size : count;
    const size_t zones = (count + zone_size - 1) / zone_size;
    const uint32_t zone = fleet->nodes[index].zone;
    const uint32_t contact = (uint32_t)(zone * zone_size);
    const uint32_t second = contact + 1 < count ? contact + 1 : contact;

    seed(fleet, index, index == contact ? second : contact);
    if (zones > 1) { /* of a zone before ours, so that all hang together from the start */
        uint32_t other = zone > 0 ? mcpz_rng_below(&fleet->nodes[index].rng, zone) : 1;
        seed(fleet, index, (uint32_t)(other * zone_size));
    }
}

void mcpz_fleet_start(struct mcpz_fleet *fleet, size_t index)
{
    struct mcpz_fleet_node *node = &fleet->nodes[index];
    struct mcpz_fabric_config config = fleet->core;
    uint8_t *memory = fleet->memory + index * fleet->core_bytes;
    uint8_t *seldom = fleet->seldom + index * fleet->seldom_bytes;
    char address[16];
    char zone[16];

    take_down(fleet, MCPZ_FLEET_VERB_START, index, 0, 0);
    assert(node->fabric == NULL);
    (void)mcpz_fleet_address(node->identity, address);
    (void)mcpz_fleet_address(node->zone, zone);
    node->incarnation++;
    node->life++;
    node->vanished = node->buries = false;
    node->paused_until_us = 0;
    node->well_since_us = fleet->now;
    config.members.id = node->id;
    config.members.incarnation = node->incarnation;
    config.members.address = address;
    config.members.zone = zone;
    config.seed = mcpz_hash_mix(fleet->config.seed ^ mcpz_hash_mix(node->identity)) + node->life;
    memset(memory, 0, fleet->core_bytes);
    memset(seldom, 0, fleet->seldom_bytes);
    node->fabric = (void *)memory;
    mcpz_fabric_init_apart(node->fabric, &config, memory + MCPZ_FLEET_CORE_BYTES, seldom,
                           fleet->now);
    fleet->at.names = (size_t)((uint8_t *)node->fabric->members.roster.names - memory);
    fleet->at.buckets = (size_t)((uint8_t *)node->fabric->plumtree.cache.buckets - memory);
    node->due_us = fleet->now;
    fleet->counters[MCPZ_FLEET_STARTED]++;
    seed_both(fleet, (uint32_t)index);
    mcpz_fleet_plan_tick(fleet, (uint32_t)index);
}

bool mcpz_fleet_can_replace(const struct mcpz_fleet *fleet)
{
    return fleet->next_identity < fleet->config.identity_count;
}

void mcpz_fleet_replace(struct mcpz_fleet *fleet, size_t index)
{
    struct mcpz_fleet_node *node = &fleet->nodes[index];

    take_down(fleet, MCPZ_FLEET_VERB_REPLACE, index, 0, 0);
    assert(node->fabric == NULL && mcpz_fleet_can_replace(fleet));
    fleet->node_of[node->identity] = MCPZ_FLEET_NOBODY;
    node->identity = fleet->next_identity++;
    node->id = mcpz_fleet_id(node->identity);
    node->incarnation = 0;
    node->convicted = 0;
    fleet->node_of[node->identity] = (uint32_t)index;
}

static void stop(struct mcpz_fleet *fleet, size_t index, bool silently)
{
    struct mcpz_fleet_node *node = &fleet->nodes[index];

    assert(node->fabric != NULL);
    node->incarnation = mcpz_members_self(&node->fabric->members)->incarnation;
    mcpz_fleet_sometimes_life(fleet->sometimes, node->fabric);
    node->fabric = NULL;
    node->vanished = silently;
    mcpz_fleet_network_drop(fleet, (uint32_t)index, silently);
}

void mcpz_fleet_kill(struct mcpz_fleet *fleet, size_t index)
{
    take_down(fleet, MCPZ_FLEET_VERB_KILL, index, 0, 0);
    fleet->counters[MCPZ_FLEET_KILLED]++;
    stop(fleet, index, false);
}

void mcpz_fleet_vanish(struct mcpz_fleet *fleet, size_t index)
{
    take_down(fleet, MCPZ_FLEET_VERB_VANISH, index, 0, 0);
    fleet->counters[MCPZ_FLEET_VANISHED]++;
    stop(fleet, index, true);
}

void mcpz_fleet_leave(struct mcpz_fleet *fleet, size_t index)
{
    static const struct mcpz_event event = {.kind = MCPZ_EVENT_LEAVE};

    take_down(fleet, MCPZ_FLEET_VERB_LEAVE, index, 0, 0);
    assert(fleet->nodes[index].fabric != NULL);
    mcpz_fleet_step(fleet, (uint32_t)index, &event);
}

void mcpz_fleet_pause(struct mcpz_fleet *fleet, size_t index, mcpz_time for_us)
{
    struct mcpz_fleet_node *node = &fleet->nodes[index];

    take_down(fleet, MCPZ_FLEET_VERB_PAUSE, index, for_us / 1000, 0);
    fleet->counters[MCPZ_FLEET_PAUSED]++;
    node->paused_until_us = fleet->now + for_us;
    mcpz_fleet_queue_add(&fleet->queue, &(struct mcpz_fleet_due){.at_us = node->paused_until_us,
                                                                 .kind = MCPZ_DUE_RESUME,
                                                                 .index = (uint32_t)index});
}

bool mcpz_fleet_is_paused(const struct mcpz_fleet *fleet, size_t index)
{
    return fleet->nodes[index].paused_until_us > fleet->now;
}

/* ---- The network's moods ------------------------------------------------------------------ */

void mcpz_fleet_set_side(struct mcpz_fleet *fleet, size_t cut, size_t node,
                         enum mcpz_fleet_side side)
{
    take_down(fleet, MCPZ_FLEET_VERB_SIDE, cut, node, side);
    assert(cut < MCPZ_FLEET_CUTS_MAX);
    for (size_t i = 0; i < 2; i++) {
        uint8_t *sides = &fleet->nodes[node].sides[i];
        const uint8_t bit = (uint8_t)(1U << cut);
        *sides = (uint8_t)((*sides & ~bit) | (((unsigned)side >> i & 1) != 0 ? bit : 0));
    }
}

static void end_cuts(struct mcpz_fleet *fleet, uint8_t cuts)
{
    for (size_t i = 0; i < fleet->config.node_count; i++) {
        struct mcpz_fleet_node *node = &fleet->nodes[i];
        if (((node->sides[0] | node->sides[1]) & cuts) != 0) {
            node->well_since_us = fleet->now;
        }
    }
    fleet->cuts &= (uint8_t)~cuts;
    mcpz_fleet_network_resume(fleet);
}

void mcpz_fleet_cut(struct mcpz_fleet *fleet, size_t cut, bool on, bool both_ways)
{
    const uint8_t bit = (uint8_t)(1U << cut);

    assert(cut < MCPZ_FLEET_CUTS_MAX);
    take_down(fleet, on ? MCPZ_FLEET_VERB_CUT : MCPZ_FLEET_VERB_HEAL, cut, both_ways, 0);
    if (!on) {
        end_cuts(fleet, bit & fleet->cuts);
        return;
    }
    fleet->counters[MCPZ_FLEET_CUTS]++;
    fleet->cuts |= bit;
    fleet->both_ways = (uint8_t)((fleet->both_ways & ~bit) | (both_ways ? bit : 0));
}

static struct mcpz_fleet_wire *any_wire(struct mcpz_fleet *fleet, size_t index)
{
    const struct mcpz_fleet_node *node = &fleet->nodes[index];

    return node->wire_count == 0
               ? NULL
               : &fleet->wires[node->wires[mcpz_rng_below(&fleet->rng, node->wire_count)]];
}

void mcpz_fleet_break_link(struct mcpz_fleet *fleet, size_t node)
{
    take_down(fleet, MCPZ_FLEET_VERB_BREAK, node, 0, 0);
    const struct mcpz_fleet_wire *wire = any_wire(fleet, node);

    if (wire != NULL && wire->up[0] && wire->up[1]) {
        fleet->counters[MCPZ_FLEET_BROKEN]++;
        mcpz_fleet_network_reset(fleet, (uint32_t)(wire - fleet->wires));
    }
}

void mcpz_fleet_mute_link(struct mcpz_fleet *fleet, size_t node)
{
    take_down(fleet, MCPZ_FLEET_VERB_MUTE, node, 0, 0);
    struct mcpz_fleet_wire *wire = any_wire(fleet, node);

    if (wire != NULL) {
        fleet->counters[MCPZ_FLEET_MUTED]++;
        wire->mute[mcpz_rng_below(&fleet->rng, 2)] = true;
    }
}

void mcpz_fleet_set_loss(struct mcpz_fleet *fleet, size_t node, uint32_t loss_ppm)
{
    take_down(fleet, MCPZ_FLEET_VERB_LOSS, node, loss_ppm, 0);
    if (fleet->nodes[node].loss_ppm > MCPZ_FLEET_LOSS_OF_THE_WELL_PPM) {
        fleet->nodes[node].well_since_us = fleet->now;
    }
    fleet->nodes[node].loss_ppm = loss_ppm;
}

void mcpz_fleet_watch(struct mcpz_fleet *fleet,
                      void (*watch)(void *context, size_t viewer, size_t about,
                                    const struct mcpz_fact *fact),
                      void *context)
{
    fleet->watch = watch;
    fleet->watch_context = context;
}

void mcpz_fleet_take_down(struct mcpz_fleet *fleet,
                          void (*note)(void *context, const struct mcpz_schedule_line *line),
                          void *context)
{
    fleet->note = note;
    fleet->note_context = context;
}

void mcpz_fleet_heal(struct mcpz_fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->config.node_count; i++) {
        struct mcpz_fleet_node *node = &fleet->nodes[i];
        mcpz_fleet_set_loss(fleet, i, 0);
        if (node->paused_until_us > fleet->now) {
            node->paused_until_us = fleet->now;
            mcpz_fleet_resume(fleet, i);
        }
    }
    for (size_t i = 0; i < fleet->wire_count; i++) {
        mcpz_fleet_network_unmute(fleet, (uint32_t)i);
    }
    end_cuts(fleet, fleet->cuts);
}

/* ---- Looking ------------------------------------------------------------------------------ */

mcpz_time mcpz_fleet_now(const struct mcpz_fleet *fleet)
{
    return fleet->now;
}

size_t mcpz_fleet_count(const struct mcpz_fleet *fleet)
{
    return fleet->config.node_count;
}

size_t mcpz_fleet_running(const struct mcpz_fleet *fleet)
{
    size_t count = 0;

    for (size_t i = 0; i < fleet->config.node_count; i++) {
        count += fleet->nodes[i].fabric != NULL;
    }
    return count;
}

uint64_t mcpz_fleet_counted(const struct mcpz_fleet *fleet, enum mcpz_fleet_counter counter)
{
    assert(counter < MCPZ_FLEET_COUNTERS_END);
    return fleet->counters[counter];
}

void mcpz_fleet_count_sometimes(const struct mcpz_fleet *fleet, uint64_t *sometimes)
{
    memcpy(sometimes, fleet->sometimes, sizeof(fleet->sometimes));
    for (size_t i = 0; i < fleet->config.node_count; i++) {
        if (fleet->nodes[i].fabric != NULL) {
            mcpz_fleet_sometimes_life(sometimes, fleet->nodes[i].fabric);
        }
    }
}

const struct mcpz_fabric *mcpz_fleet_fabric(const struct mcpz_fleet *fleet, size_t node)
{
    return fleet->nodes[node].fabric;
}

uint64_t mcpz_fleet_hash(const struct mcpz_fleet *fleet)
{
    return fleet->hash;
}

size_t mcpz_fleet_bytes_per_node(const struct mcpz_fleet *fleet)
{
    const size_t count = fleet->config.node_count;
    const size_t all = sizeof(*fleet) +
                       count * (fleet->core_bytes + fleet->seldom_bytes + sizeof(*fleet->nodes)) +
                       fleet->config.identity_count * sizeof(*fleet->node_of) +
                       mcpz_fleet_queue_bytes(&fleet->queue) +
                       fleet->wire_count * (sizeof(*fleet->wires) + sizeof(*fleet->free_wires)) +
                       sizeof(*fleet->out) + MCPZ_MSG_BYTES_MAX + MCPZ_MSG_ARENA_BYTES;

    return (all + count - 1) / count;
}
