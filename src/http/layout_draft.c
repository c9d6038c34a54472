#include "http/layout_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mcpz_error mcpz_layout_draft_init(struct mcpz_layout_draft *draft)
{
    *draft = (struct mcpz_layout_draft){
        .rows = calloc(MCPZ_LAYOUT_NODES_MAX, sizeof(*draft->rows)),
        .nodes = calloc(MCPZ_LAYOUT_NODES_MAX, sizeof(*draft->nodes)),
        .zones = calloc(MCPZ_LAYOUT_NODES_MAX, sizeof(*draft->zones)),
        .copies = MCPZ_COPIES,
    };
    return draft->rows != NULL && draft->nodes != NULL && draft->zones != NULL ? MCPZ_OK
                                                                               : MCPZ_ENOMEM;
}

void mcpz_layout_draft_finish(struct mcpz_layout_draft *draft)
{
    free(draft->rows);
    free(draft->nodes);
    free(draft->zones);
    *draft = (struct mcpz_layout_draft){.rows = NULL};
}

static uint32_t smaller(size_t a, size_t b)
{
    return (uint32_t)(a < b ? a : b);
}

void mcpz_layout_draft_take(struct mcpz_layout_draft *draft,
                            const struct mcpz_placement *placement)
{
    draft->count = 0;
    draft->copies = placement->copies;
    /* Who left it open once, leaves it open: it follows the zones there are. */
    draft->zones_apart =
        placement->zones_apart == smaller(placement->copies, placement->zone_count)
            ? 0
            : placement->zones_apart;
    for (size_t i = 0; i < placement->node_count && i < MCPZ_LAYOUT_NODES_MAX; i++) {
        const struct mcpz_storage_node *node = &placement->nodes[i];
        struct mcpz_layout_draft_row *row = &draft->rows[draft->count];
        if (node->state != MCPZ_STORAGE_ACTIVE) {
            continue;
        }
        *row = (struct mcpz_layout_draft_row){.id = node->id, .weight = node->weight};
        mcpz_bytes_to_text(placement->zones[node->zone], row->zone, sizeof(row->zone));
        draft->count++;
    }
}

struct mcpz_layout_draft_row *mcpz_layout_draft_find(struct mcpz_layout_draft *draft,
                                                     const struct mcpz_id *id)
{
    for (size_t i = 0; i < draft->count; i++) {
        if (mcpz_id_equal(&draft->rows[i].id, id)) {
            return &draft->rows[i];
        }
    }
    return NULL;
}

mcpz_error mcpz_layout_draft_add(struct mcpz_layout_draft *draft, const struct mcpz_id *id,
                                 struct mcpz_bytes zone, struct mcpz_layout_draft_row **row)
{
    if (draft->count == MCPZ_LAYOUT_NODES_MAX) {
        return MCPZ_EFULL;
    }
    *row = &draft->rows[draft->count++];
    **row = (struct mcpz_layout_draft_row){.id = *id, .weight = 1};
    mcpz_bytes_to_text(zone, (*row)->zone, sizeof((*row)->zone));
    return MCPZ_OK;
}

void mcpz_layout_draft_remove(struct mcpz_layout_draft *draft, const struct mcpz_id *id)
{
    struct mcpz_layout_draft_row *row = mcpz_layout_draft_find(draft, id);

    if (row != NULL) {
        *row = draft->rows[--draft->count];
    }
}

/* ---- A layout of it ----------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b)
{
    const struct mcpz_layout_draft_row *left = a;
    const struct mcpz_layout_draft_row *right = b;
    return mcpz_id_compare(&left->id, &right->id);
}

static int compare_names(const void *a, const void *b)
{
    const struct mcpz_bytes *left = a;
    const struct mcpz_bytes *right = b;
    return mcpz_bytes_compare(*left, *right);
}

/* The names of zones, each once and in order. */
static size_t collect_zones(struct mcpz_layout_draft *draft)
{
    size_t kept = 0;

    for (size_t i = 0; i < draft->count; i++) {
        draft->zones[i] = mcpz_text(draft->rows[i].zone);
    }
    qsort(draft->zones, draft->count, sizeof(*draft->zones), compare_names);
    for (size_t i = 0; i < draft->count; i++) {
        if (kept == 0 || mcpz_bytes_compare(draft->zones[kept - 1], draft->zones[i]) != 0) {
            draft->zones[kept++] = draft->zones[i];
        }
    }
    return kept;
}

static uint32_t zone_index(const struct mcpz_layout_draft *draft, size_t zone_count,
                           const char *name)
{
    uint32_t at = 0;

    while (at + 1 < zone_count && mcpz_bytes_compare(draft->zones[at], mcpz_text(name)) != 0) {
        at++;
    }
    return at;
}

mcpz_error mcpz_layout_draft_seal(struct mcpz_layout_draft *draft,
                                  struct mcpz_placement *placement,
                                  char trouble[MCPZ_LAYOUT_TROUBLE_BYTES])
{
    if (draft->count == 0) {
        (void)snprintf(trouble, MCPZ_LAYOUT_TROUBLE_BYTES,
                       "a layout without nodes would keep nothing: name at least one");
        return MCPZ_EPROTO;
    }
    qsort(draft->rows, draft->count, sizeof(*draft->rows), compare_rows);
    const size_t zone_count = collect_zones(draft);
    if (zone_count > MCPZ_LAYOUT_ZONES_MAX) {
        (void)snprintf(trouble, MCPZ_LAYOUT_TROUBLE_BYTES,
                       "these nodes are in %zu zones; a layout names at most %d", zone_count,
                       MCPZ_LAYOUT_ZONES_MAX);
        return MCPZ_EFULL;
    }
    const uint32_t possible = smaller(draft->copies, zone_count);
    for (size_t i = 0; i < draft->count; i++) {
        draft->nodes[i] =
            (struct mcpz_storage_node){.id = draft->rows[i].id,
                                       .zone = zone_index(draft, zone_count, draft->rows[i].zone),
                                       .weight = draft->rows[i].weight,
                                       .state = MCPZ_STORAGE_ACTIVE};
    }
    *placement = (struct mcpz_placement){.version = 1,
                                         .partition_bits = MCPZ_PARTITION_BITS,
                                         .copies = draft->copies,
                                         .zones_apart = draft->zones_apart > 0 ? draft->zones_apart
                                                                               : possible,
                                         .zones = draft->zones,
                                         .zone_count = zone_count,
                                         .nodes = draft->nodes,
                                         .node_count = draft->count};
    if (!mcpz_placement_is_valid(placement)) {
        (void)snprintf(trouble, MCPZ_LAYOUT_TROUBLE_BYTES,
                       "copies can be apart in at most as many zones as there are copies (%u), "
                       "and a zone's name is text",
                       draft->copies);
        return MCPZ_EPROTO;
    }
    return MCPZ_OK;
}

bool mcpz_layout_is_impossible(const struct mcpz_placement *placement,
                               char trouble[MCPZ_LAYOUT_TROUBLE_BYTES])
{
    if (placement->node_count < placement->copies) {
        (void)snprintf(trouble, MCPZ_LAYOUT_TROUBLE_BYTES,
                       "%u copies want as many nodes, and there are %zu: stage more, or fewer "
                       "copies (--copies %zu)",
                       placement->copies, placement->node_count, placement->node_count);
        return true;
    }
    if (placement->zone_count < placement->zones_apart) {
        (void)snprintf(trouble, MCPZ_LAYOUT_TROUBLE_BYTES,
                       "copies are to be apart in %u zones, and the nodes are in %zu: stage nodes "
                       "of others, or --zones-apart %zu",
                       placement->zones_apart, placement->zone_count, placement->zone_count);
        return true;
    }
    return false;
}

uint32_t mcpz_layout_role_weight(struct mcpz_bytes role)
{
    static const char word[] = "storage";
    const size_t length = sizeof(word) - 1;
    uint32_t weight = 0;

    if (role.length < length || memcmp(role.data, word, length) != 0) {
        return 0;
    }
    if (role.length == length) {
        return 1;
    }
    if (role.data[length] != ':' || role.length == length + 1 || role.length > length + 3) {
        return 0;
    }
    for (size_t i = length + 1; i < role.length; i++) {
        if (role.data[i] < '0' || role.data[i] > '9') {
            return 0;
        }
        weight = 10 * weight + (uint32_t)(role.data[i] - '0');
    }
    return weight <= MCPZ_PLACEMENT_WEIGHT_MAX ? weight : 0;
}
