/* Layouts that people put together, and what a change of them comes to. */

#include "http/layout_draft.h"
#include "http/layout_moves.h"
#include "test.h"

static struct mcpz_id id_of(uint8_t byte)
{
    struct mcpz_id id;
    memset(id.bytes, byte, sizeof(id.bytes));
    return id;
}

static void add(struct mcpz_layout_draft *draft, uint8_t node, const char *zone, uint32_t weight)
{
    const struct mcpz_id id = id_of(node);
    struct mcpz_layout_draft_row *row;

    CHECK_UINT(mcpz_layout_draft_add(draft, &id, mcpz_text(zone), &row), MCPZ_OK);
    row->weight = weight;
}

static struct mcpz_layout_draft begin(void)
{
    struct mcpz_layout_draft draft;

    CHECK_UINT(mcpz_layout_draft_init(&draft), MCPZ_OK);
    return draft;
}

TEST(nodes_and_zones_are_put_in_order)
{
    struct mcpz_layout_draft draft = begin();
    struct mcpz_placement placement;
    char trouble[MCPZ_LAYOUT_TROUBLE_BYTES];

    add(&draft, 9, "west", 2);
    add(&draft, 3, "east", 1);
    add(&draft, 5, "west", 4);
    CHECK_UINT(mcpz_layout_draft_seal(&draft, &placement, trouble), MCPZ_OK);
    CHECK(mcpz_placement_is_valid(&placement));
    CHECK_UINT(placement.zone_count, 2);
    CHECK_BYTES(placement.zones[0], "east", 4);
    CHECK_UINT(placement.nodes[0].id.bytes[0], 3);
    CHECK_UINT(placement.nodes[1].weight, 4);
    CHECK_UINT(placement.nodes[2].zone, 1);
    CHECK_UINT(placement.copies, 3);
    CHECK_UINT(placement.zones_apart, 2); /* as many as there are */

    /* Taken over again, the zones still follow what there is. */
    struct mcpz_layout_draft again = begin();
    mcpz_layout_draft_take(&again, &placement);
    add(&again, 7, "north", 1);
    CHECK_UINT(mcpz_layout_draft_seal(&again, &placement, trouble), MCPZ_OK);
    CHECK_UINT(placement.zones_apart, 3);
    const struct mcpz_id gone = id_of(9);
    mcpz_layout_draft_remove(&again, &gone);
    CHECK(mcpz_layout_draft_find(&again, &gone) == NULL);
    CHECK_UINT(mcpz_layout_draft_seal(&again, &placement, trouble), MCPZ_OK);
    CHECK_UINT(placement.node_count, 3);
    mcpz_layout_draft_finish(&again);
    mcpz_layout_draft_finish(&draft);
}

TEST(what_cannot_be_says_why)
{
    struct mcpz_layout_draft draft = begin();
    struct mcpz_placement placement;
    char trouble[MCPZ_LAYOUT_TROUBLE_BYTES];

    CHECK_UINT(mcpz_layout_draft_seal(&draft, &placement, trouble), MCPZ_EPROTO);
    CHECK(strstr(trouble, "without nodes") != NULL);
    add(&draft, 1, "a", 1);
    add(&draft, 2, "a", 1);
    CHECK_UINT(mcpz_layout_draft_seal(&draft, &placement, trouble), MCPZ_OK);
    CHECK(mcpz_layout_is_impossible(&placement, trouble));
    CHECK(strstr(trouble, "--copies 2") != NULL);
    draft.copies = 2;
    CHECK_UINT(mcpz_layout_draft_seal(&draft, &placement, trouble), MCPZ_OK);
    CHECK(!mcpz_layout_is_impossible(&placement, trouble));
    draft.zones_apart = 2;
    CHECK_UINT(mcpz_layout_draft_seal(&draft, &placement, trouble), MCPZ_OK);
    CHECK(mcpz_layout_is_impossible(&placement, trouble));
    CHECK(strstr(trouble, "--zones-apart 1") != NULL);
    draft.zones_apart = 3; /* more than copies */
    CHECK_UINT(mcpz_layout_draft_seal(&draft, &placement, trouble), MCPZ_EPROTO);
    mcpz_layout_draft_finish(&draft);
}

TEST(it_is_full_at_its_limits)
{
    struct mcpz_layout_draft draft = begin();
    struct mcpz_layout_draft_row *row;
    struct mcpz_placement placement;
    char trouble[MCPZ_LAYOUT_TROUBLE_BYTES];

    for (size_t i = 0; i < MCPZ_LAYOUT_NODES_MAX; i++) {
        const struct mcpz_id id = {{(uint8_t)(i >> 8), (uint8_t)i, 1}};
        const char zone[] = {'z', (char)('a' + i % 130 % 26), (char)('a' + i % 130 / 26), '\0'};
        CHECK_UINT(mcpz_layout_draft_add(&draft, &id, mcpz_text(zone), &row), MCPZ_OK);
    }
    const struct mcpz_id one_more = id_of(0xff);
    CHECK_UINT(mcpz_layout_draft_add(&draft, &one_more, mcpz_text(""), &row), MCPZ_EFULL);
    CHECK_UINT(mcpz_layout_draft_seal(&draft, &placement, trouble), MCPZ_EFULL);
    CHECK(strstr(trouble, "130 zones") != NULL);
    mcpz_layout_draft_finish(&draft);
}

TEST(roles_offer_storage)
{
    CHECK_UINT(mcpz_layout_role_weight(mcpz_text("storage")), 1);
    CHECK_UINT(mcpz_layout_role_weight(mcpz_text("storage:64")), 64);
    CHECK_UINT(mcpz_layout_role_weight(mcpz_text("storage:65")), 0);
    CHECK_UINT(mcpz_layout_role_weight(mcpz_text("storage:")), 0);
    CHECK_UINT(mcpz_layout_role_weight(mcpz_text("storage:1x")), 0);
    CHECK_UINT(mcpz_layout_role_weight(mcpz_text("storages")), 0);
    CHECK_UINT(mcpz_layout_role_weight(mcpz_text("compute")), 0);
}

TEST(a_change_moves_what_the_leaver_had_and_no_more)
{
    struct mcpz_layout_draft draft = begin();
    struct mcpz_layout_draft without = begin();
    struct mcpz_layout_moves moves;
    struct mcpz_placement before;
    struct mcpz_placement after;
    char trouble[MCPZ_LAYOUT_TROUBLE_BYTES];

    for (uint8_t i = 1; i <= 5; i++) {
        add(&draft, i, "a", 1);
    }
    CHECK_UINT(mcpz_layout_draft_seal(&draft, &before, trouble), MCPZ_OK);
    mcpz_layout_draft_take(&without, &before);
    const struct mcpz_id leaver = id_of(4);
    mcpz_layout_draft_remove(&without, &leaver);
    CHECK_UINT(mcpz_layout_draft_seal(&without, &after, trouble), MCPZ_OK);

    CHECK_UINT(mcpz_layout_moves_init(&moves, &before, &after), MCPZ_OK);
    while (!mcpz_layout_moves_work(&moves)) {
    }
    uint64_t had = moves.before.counts[3];
    uint64_t total = 0;
    uint64_t from_leaver = 0;
    CHECK_UINT(moves.before.placement.nodes[3].id.bytes[0], 4);
    for (size_t i = 0; i < 4; i++) {
        total += moves.after.counts[i];
        from_leaver += moves.pairs[3 * 4 + i];
    }
    CHECK_UINT(total, 3 * 65536);
    CHECK_UINT(moves.moved, had);
    CHECK_UINT(from_leaver, had);
    CHECK(had > 36000 && had < 43000); /* three fifths of 65536, more or less */
    mcpz_layout_moves_finish(&moves);

    /* The first layout of all: every copy is one more. */
    CHECK_UINT(mcpz_layout_moves_init(&moves, NULL, &after), MCPZ_OK);
    while (!mcpz_layout_moves_work(&moves)) {
    }
    CHECK_UINT(moves.moved, 3 * 65536);
    mcpz_layout_moves_finish(&moves);
    mcpz_layout_draft_finish(&without);
    mcpz_layout_draft_finish(&draft);
}

TEST_MAIN(RUN(nodes_and_zones_are_put_in_order), RUN(what_cannot_be_says_why),
          RUN(it_is_full_at_its_limits), RUN(roles_offer_storage),
          RUN(a_change_moves_what_the_leaver_had_and_no_more))
