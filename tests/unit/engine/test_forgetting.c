/* What was deleted is forgotten in the end, by all who keep it, and does not come back. */

#include "core/crdt/forgotten.h"
#include "core/crdt/horizon.h"
#include "core/crdt/lives.h"
#include "engine/forgetting.h"
#include "fold_pair.h"

#define GRACE_MS 60000
#define IDLE_MS 600000 /* MCPZ_FOLD_IDLE_MS */

static const enum mcpz_record_kind kinds_of_documents[] = {
    MCPZ_RECORD_DOCUMENT,      MCPZ_RECORD_ENTRY,      MCPZ_RECORD_DELTA, MCPZ_RECORD_FORK,
    MCPZ_RECORD_BATCH,         MCPZ_RECORD_CHECKPOINT, MCPZ_RECORD_HINT,  MCPZ_RECORD_CHANGE,
    MCPZ_RECORD_BLOB_DOCUMENT, MCPZ_RECORD_FLOOR,      MCPZ_RECORD_BASE,  MCPZ_RECORD_STABLE,
};

static void begin_pair(const uint64_t *history_ms)
{
    pair_forgets = true;
    make_neighbours(history_ms);
}

/* Made, written to, deleted, and folded to a tombstone at both. */
static void make_tombstone(void)
{
    write_to(&founder, MCPZ_AGENT_CREATE, "", 0);
    write_to(&founder, MCPZ_AGENT_SET, "\x91\xa1k", 7);
    talk();
    write_to(&other, MCPZ_AGENT_DELETE, "", 0);
    talk();
    wall_ms += IDLE_MS;
    pass_time(MCPZ_SECONDS(12));
    CHECK_UINT(founder.engine->counters.floors_raised, 1);
    CHECK_UINT(other.engine->counters.floors_raised, 1);
    check_same_root();
}

/* So long that what was signed before may go. */
static void pass_grace(void)
{
    for (int i = 0; i < 3; i++) {
        wall_ms += GRACE_MS / 2;
        pass_time(MCPZ_SECONDS(15));
    }
}

static uint32_t life_of(const struct side *side)
{
    return side->engine->node.agents.actor.generation;
}

static void check_gone(struct side *side)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(kinds_of_documents); i++) {
        CHECK_UINT(count_rows(side, kinds_of_documents[i]), 0);
    }
}

TEST(a_deleted_document_is_gone_at_all_in_the_end)
{
    begin_pair(&no_history);
    make_tombstone();
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_DOCUMENT), 1);
    pass_grace();
    for (int i = 0; i < 2; i++) {
        struct side *side = i == 0 ? &founder : &other;
        check_gone(side);
        CHECK_UINT(side->engine->counters.documents_forgotten, 1);
        CHECK(side->engine->counters.documents_forgotten_bytes > 500);
        CHECK_UINT(side->engine->counters.forgets_given_up, 0);
    }
    /* And stays so. */
    pass_time(MCPZ_SECONDS(120));
    check_gone(&founder);
    check_gone(&other);
    free_pair();
}

/* Who asks, and who is asked. */
static struct side *first(void)
{
    return mcpz_id_compare(mcpz_identity_id(founder.identity), mcpz_identity_id(other.identity)) <
                   0
               ? &founder
               : &other;
}

static struct side *second(void)
{
    return first() == &founder ? &other : &founder;
}

static uint64_t horizon_of(const struct side *side)
{
    return side->engine->node.agents.horizon.row.horizon_ms;
}

static bool is_there(struct side *side)
{
    return count_rows(side, MCPZ_RECORD_DOCUMENT) == 1;
}

TEST(it_stays_until_the_grace_is_over)
{
    begin_pair(&no_history);
    make_tombstone();
    wall_ms += GRACE_MS * 3 / 4;
    pass_time(MCPZ_SECONDS(4));
    CHECK(is_there(&founder) && is_there(&other));
    CHECK_UINT(horizon_of(&founder), 0);
    pass_grace();
    check_gone(&founder);
    CHECK(horizon_of(&founder) > WALL_MS);
    CHECK_UINT(horizon_of(&founder), horizon_of(&other));
    free_pair();
}

TEST(nothing_goes_unless_told_to)
{
    pair_forgets = false;
    make_neighbours(&no_history);
    make_tombstone();
    pass_grace();
    CHECK(is_there(&founder) && is_there(&other));
    free_pair();
}

/* Who has written to it is another life from then on: a name means one delta, for ever. */
TEST(who_makes_it_anew_is_another_life)
{
    begin_pair(&no_history);
    make_tombstone();
    const uint32_t before = life_of(&founder);
    CHECK_UINT(before, 1);
    pass_grace();
    check_gone(&founder);
    CHECK(life_of(&founder) > before && life_of(&other) > before);
    CHECK_UINT(life_of(&founder) % MCPZ_LIVES_STRIDE, before); /* nothing was lost: a kin */
    write_to(&founder, MCPZ_AGENT_CREATE, "", 0);
    write_to(&founder, MCPZ_AGENT_SET, "\x91\xa1k", 8);
    talk();
    check_same_root();
    CHECK(is_there(&other));
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_DELTA), 2);
    CHECK_UINT(founder.engine->node.agents.entropy.holdings.root.count, 1);
    /* Where nothing was written as that life nobody becomes another one. */
    const uint32_t now_as = life_of(&other);
    write_to(&founder, MCPZ_AGENT_DELETE, "", 0);
    talk();
    wall_ms += IDLE_MS;
    pass_time(MCPZ_SECONDS(12));
    pass_grace();
    check_gone(&founder);
    check_gone(&other);
    CHECK_UINT(life_of(&other), now_as);
    free_pair();
}

/* Rows and life are of one batch: whoever starts again without the one has not the other. */
TEST(the_next_life_is_on_the_disk_with_what_is_gone)
{
    begin_pair(&no_history);
    make_tombstone();
    pass_grace();
    check_gone(&founder);
    const uint32_t life = life_of(&founder);
    restart_side(&founder);
    check_gone(&founder);
    CHECK_UINT(life_of(&founder), life);
    CHECK(horizon_of(&founder) > WALL_MS);
    free_pair();
}

TEST(who_keeps_its_history_for_ever_keeps_it_for_all)
{
    begin_pair(&no_history);
    make_tombstone();
    for (int i = 0; i < 2; i++) {
        struct side *keeps = i == 0 ? first() : second();
        struct side *not = i == 0 ? second() : first();
        mcpz_engine_keep(keeps->engine, NULL, GRACE_MS);
        mcpz_engine_keep(not ->engine, &no_history, GRACE_MS);
        pass_grace();
        CHECK(is_there(&founder) && is_there(&other));
        CHECK_UINT(not ->engine->counters.documents_forgotten, 0);
    }
    mcpz_engine_keep(first()->engine, &no_history, GRACE_MS);
    mcpz_engine_keep(second()->engine, &no_history, GRACE_MS);
    pass_grace();
    check_gone(&founder);
    check_gone(&other);
    free_pair();
}

/* Run on until the one that asks has done so, and what it says is on its way. */
static void until_asked(void)
{
    while (first()->engine->forgetting.round.nonce == 0) {
        CHECK(is_there(first()));
        tick_both();
        while (first()->engine->forgetting.round.nonce == 0 && hand_over(&founder, &other)) {
        }
        while (first()->engine->forgetting.round.nonce == 0 && hand_over(&other, &founder)) {
        }
        wall_ms += first()->engine->forgetting.round.nonce == 0 ? 3000 : 0;
    }
}

TEST(what_is_made_anew_while_it_is_asked_about_stays)
{
    for (int i = 0; i < 2; i++) {
        begin_pair(&no_history);
        make_tombstone();
        until_asked();
        struct side *writer = i == 0 ? second() : first();
        if (i == 0) { /* it has agreed, and is written to before it hears that all have */
            while (hand_over(first(), second())) {
            }
            CHECK_UINT(first()->engine->forgetting.round.answer_count, 0);
        }
        write_to(writer, MCPZ_AGENT_CREATE, "", 0);
        write_to(writer, MCPZ_AGENT_SET, "\x91\xa1n", 9);
        pass_time(MCPZ_SECONDS(60));
        CHECK(is_there(&founder) && is_there(&other));
        check_same_root();
        CHECK_UINT(founder.engine->counters.checkpoints_diverged, 0);
        CHECK_UINT(founder.engine->node.agents.document_count, 1);
        CHECK_UINT(other.engine->node.agents.document_count, 1);
        free_pair();
    }
}

/* One forgets it, and the other does not hear of that. */
static void forget_at_first(void)
{
    begin_pair(&no_history);
    make_tombstone();
    until_asked();
    while (hand_over(first(), second())) {
    }
    while (hand_over(second(), first())) { /* the answer: it forgets, and says so */
    }
    check_gone(first());
    CHECK(is_there(second()));
    restart_side(second()); /* what was said is lost with the link */
}

static bool is_deleted(struct side *side)
{
    const struct mcpz_store *store = mcpz_engine_store(enter(side));
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = document()}};

    CHECK_UINT(store->get(store->context, &record), MCPZ_OK);
    leave(side);
    return record.document.deleted;
}

/* It begins behind the life whose end somebody still has, and comes back with. */
TEST(what_is_made_anew_lives_though_one_keeps_the_tombstone)
{
    forget_at_first();
    write_to(first(), MCPZ_AGENT_CREATE, "", 0);
    write_to(first(), MCPZ_AGENT_SET, "\x91\xa1k", 8);
    pass_time(MCPZ_SECONDS(20));
    check_same_root();
    CHECK_UINT(count_rows(first(), MCPZ_RECORD_FLOOR), 1); /* the tombstone is there, too */
    CHECK(!is_deleted(first()));
    CHECK(!is_deleted(second()));
    free_pair();
}

/* Who does not hear that all would keeps it, and the others take it in again, as it was. */
TEST(who_misses_it_keeps_it_and_it_is_tried_again)
{
    forget_at_first();
    pass_time(MCPZ_SECONDS(10));
    check_gone(first()); /* it is not asked for while others may be about to forget it */
    CHECK(is_there(second()));
    pass_time(MCPZ_SECONDS(80));
    CHECK_UINT(first()->engine->node.agents.document_count, 0);
    CHECK_UINT(second()->engine->node.agents.document_count, 0);
    if (is_there(first())) {
        CHECK(is_there(second()));
        check_same_root();
    }
    pass_grace();
    pass_grace();
    check_gone(&founder);
    check_gone(&other);
    free_pair();
}

/* Nobody else does what is not on the disk of who asked. */
TEST(others_are_told_once_it_is_on_the_disk)
{
    begin_pair(&no_history);
    make_tombstone();
    until_asked();
    first()->disk_is_held = true;
    talk();
    CHECK_UINT(first()->engine->counters.documents_forgotten, 1);
    CHECK(is_there(second()));
    mcpz_mem_crash(first()->mem); /* before it was */
    restart_side(first());
    CHECK(is_there(first()));
    CHECK_UINT(life_of(first()), 1);
    talk();
    check_same_root();
    pass_grace();
    check_gone(&founder);
    check_gone(&other);
    free_pair();
}

/* So long that it may go, but nobody begins with it. */
static void let_it_be_old(void)
{
    founder.engine->forgetting.next_us = MCPZ_TIME_NEVER;
    other.engine->forgetting.next_us = MCPZ_TIME_NEVER;
    wall_ms += 3 * GRACE_MS;
    pass_time(MCPZ_SECONDS(15)); /* and they know of each other that they are there */
}

static bool goes(const struct mcpz_id *root, uint64_t horizon_ms)
{
    const struct mcpz_forget_row row = {.document = document(), .root = *root};
    const struct mcpz_msg_forget said = {
        .nonce = 1, .horizon_ms = horizon_ms, .is_agreed = true, .rows = &row, .row_count = 1};

    mcpz_forgetting_asked(enter(&founder), mcpz_identity_id(other.identity), &said);
    leave(&founder);
    return !is_there(&founder);
}

/* Whatever others say, what they see, and when, must be what is so here. */
TEST(nobody_makes_another_forget)
{
    begin_pair(&no_history);
    make_tombstone();
    const struct mcpz_id root = root_of(&founder);
    const struct mcpz_id another = {{7}};
    CHECK(!goes(&root, mcpz_horizon_of(wall_ms, GRACE_MS))); /* not yet */
    let_it_be_old();
    const uint64_t horizon_ms = mcpz_horizon_of(wall_ms, GRACE_MS);
    CHECK(!goes(&root, horizon_ms + 1)); /* by a clock that is ahead of ours */
    CHECK(!goes(&another, horizon_ms));
    /* Evidence of who contradicts itself is kept, and with it what it is of. */
    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
    const struct mcpz_record fork = {.kind = MCPZ_RECORD_FORK,
                                     .fork = {.document = document(), .seq = 1}};
    store->put(store->context, &fork);
    leave(&founder);
    CHECK(!goes(&root, horizon_ms));
    store = mcpz_engine_store(enter(&founder));
    store->remove(store->context, &fork);
    leave(&founder);
    CHECK(goes(&root, horizon_ms));
    free_pair();
}

TEST(what_is_not_known_to_be_over_for_all_stays)
{
    begin_pair(&no_history);
    make_tombstone();
    const struct mcpz_id root = root_of(&founder);
    let_it_be_old();
    const uint64_t horizon_ms = mcpz_horizon_of(wall_ms, GRACE_MS);
    mcpz_engine_link_closed(enter(&founder), founder.link);
    leave(&founder);
    pass_time(MCPZ_SECONDS(60)); /* a keeper is gone, and waited for */
    CHECK_UINT(mcpz_members_alive_count(&founder.engine->node.fabric.members), 1);
    CHECK(!goes(&root, horizon_ms));
    connect_pair();
    talk();
    /* Something that all have signed waits to be the floor, so there is more above it. */
    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
    struct mcpz_record floor = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = document()}};
    CHECK_UINT(store->get(store->context, &floor), MCPZ_OK);
    const struct mcpz_record stable = {
        .kind = MCPZ_RECORD_STABLE,
        .stable = {.document = document(), .agreed = floor.floor.agreed, .agreed_ms = wall_ms}};
    store->put(store->context, &stable);
    CHECK_UINT(floor.floor.agreed_ms != 0 && floor.floor.agreed_ms < wall_ms, true);
    leave(&founder);
    CHECK(!goes(&root, horizon_ms));
    store = mcpz_engine_store(enter(&founder));
    store->remove(store->context, &stable);
    CHECK_UINT(store->get(store->context, &floor), MCPZ_OK);
    floor.floor.swept = false; /* rows of it are on their way out */
    store->put(store->context, &floor);
    leave(&founder);
    CHECK(!goes(&root, horizon_ms));
    free_pair();
}

TEST(no_more_go_than_are_remembered)
{
    static struct mcpz_forgotten forgotten;
    struct mcpz_id id = {{0}};

    CHECK_UINT(mcpz_forgotten_room(&forgotten, 5), MCPZ_FORGOTTEN_MAX);
    CHECK(!mcpz_forgotten_has(&forgotten, &id, 0, 5));
    for (size_t i = 0; i < MCPZ_FORGOTTEN_MAX; i++) {
        id.bytes[0] = (uint8_t)i;
        id.bytes[1] = (uint8_t)(i >> 8);
        mcpz_forgotten_add(&forgotten, &id, i + 1, (int64_t)i + 1, i < 2 ? 5 : 6);
        CHECK_UINT(mcpz_forgotten_room(&forgotten, 6), MCPZ_FORGOTTEN_MAX - 1 - i);
    }
    CHECK(mcpz_forgotten_has(&forgotten, &id, MCPZ_FORGOTTEN_MAX, 6));
    CHECK(!mcpz_forgotten_has(&forgotten, &id, MCPZ_FORGOTTEN_MAX - 1, 6));
    CHECK_UINT(mcpz_forgotten_epoch(&forgotten, &id, 6), MCPZ_FORGOTTEN_MAX);
    CHECK_UINT(mcpz_forgotten_epoch(&forgotten, &id, 6 + MCPZ_FORGOTTEN_US), 0);
    CHECK_UINT(mcpz_forgotten_room(&forgotten, 5 + MCPZ_FORGOTTEN_US - 1), 0);
    CHECK_UINT(mcpz_forgotten_room(&forgotten, 5 + MCPZ_FORGOTTEN_US), 2);
    CHECK(mcpz_forgotten_has(&forgotten, &id, MCPZ_FORGOTTEN_MAX, 5 + MCPZ_FORGOTTEN_US));
    CHECK_UINT(mcpz_forgotten_room(&forgotten, 6 + MCPZ_FORGOTTEN_US), MCPZ_FORGOTTEN_MAX);
    CHECK(!mcpz_forgotten_has(&forgotten, &id, MCPZ_FORGOTTEN_MAX, 6 + MCPZ_FORGOTTEN_US));
}

/* Nobody is there to sign, nor to bring it back. */
TEST(who_has_met_nobody_forgets_alone)
{
    for (int i = 0; i < 2; i++) {
        pair_forgets = true;
        pair_history_ms = &no_history;
        if (i == 0) {
            make_pair(0);
        } else {
            make_neighbours(&no_history);
            mcpz_engine_link_closed(enter(&founder), founder.link);
            leave(&founder);
        }
        write_to(&founder, MCPZ_AGENT_CREATE, "", 0);
        write_to(&founder, MCPZ_AGENT_DELETE, "", 0);
        wall_ms += GRACE_MS;
        pass_time_alone(MCPZ_SECONDS(45));
        CHECK_UINT(count_rows(&founder, MCPZ_RECORD_DOCUMENT), i); /* somebody may come back */
        CHECK_UINT(life_of(&founder) > 1, i == 0);
        if (i == 0) {
            check_gone(&founder);
        }
        free_pair();
    }
}

/* ---- Many --------------------------------------------------------------------------------- */

static void do_to(struct side *side, enum mcpz_agent_op op, size_t number)
{
    char name[32];
    const uint8_t value = 7;
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_WRITE,
                               .agent = {.request = 1,
                                         .op = op,
                                         .path = mcpz_text("\x91\xa1k"),
                                         .value = mcpz_bytes(&value, 1)}};

    (void)snprintf(name, sizeof(name), "agent-%zu", number);
    event.agent.name = mcpz_text(name);
    mcpz_engine_document_id(mcpz_bytes(NULL, 0), event.agent.name, &event.agent.document);
    side->reply_code = UINT32_MAX;
    mcpz_engine_event(side->engine, &event);
}

static void do_to_all(enum mcpz_agent_op op, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct side *side = i / 50 % 2 == 0 ? &founder : &other;
        if (i % 50 == 0) {
            (void)enter(side);
        }
        do_to(side, op, i);
        if (i % 50 == 49 || i + 1 == count) {
            leave(side);
            CHECK_UINT(side->reply_code, MCPZ_CODE_OK);
            talk();
        }
    }
}

static size_t agents_a_round(void)
{
    const char *given = getenv("MCPZ_FORGET_AGENTS");

    return given != NULL ? strtoul(given, NULL, 10) : 150;
}

/* crdt 1.7, P18: what is kept is bounded by what there is, not by what there was. */
TEST(agents_that_come_and_go_do_not_make_the_store_grow)
{
    const size_t count = agents_a_round();
    size_t kept[3];

    begin_pair(&no_history);
    const size_t empty = bytes_kept(&founder);
    for (size_t round = 0; round < MCPZ_ARRAY_LEN(kept); round++) {
        do_to_all(MCPZ_AGENT_CREATE, count);
        do_to_all(MCPZ_AGENT_SET, count);
        CHECK_UINT(count_rows(&other, MCPZ_RECORD_DOCUMENT), count);
        do_to_all(MCPZ_AGENT_DELETE, count);
        wall_ms += IDLE_MS;
        pass_time(MCPZ_SECONDS(10));
        for (size_t i = 0; i < 40 + count / 5 && count_rows(&founder, MCPZ_RECORD_DOCUMENT) > 0;
             i++) {
            if (i == 20) {
                print_message("a tombstone: %zu B\n",
                              bytes_kept(&founder) / count_rows(&founder, MCPZ_RECORD_DOCUMENT));
            }
            pass_time(MCPZ_SECONDS(5));
        }
        pass_time(MCPZ_SECONDS(5));
        check_gone(&founder);
        check_gone(&other);
        CHECK_UINT(founder.engine->counters.documents_forgotten, (round + 1) * count);
        CHECK_UINT(founder.engine->counters.forgets_given_up, 0);
        kept[round] = bytes_kept(&founder);
        print_message("round %zu: %zu B kept (%zu at first), %" PRIu64 " B forgotten\n", round,
                      kept[round], empty, founder.engine->counters.documents_forgotten_bytes);
    }
    CHECK(kept[2] <= kept[1] && kept[1] <= kept[0] + 64);
    CHECK(kept[0] < empty + 1024);
    free_pair();
}

TEST_MAIN(RUN(a_deleted_document_is_gone_at_all_in_the_end), RUN(it_stays_until_the_grace_is_over),
          RUN(nothing_goes_unless_told_to), RUN(who_makes_it_anew_is_another_life),
          RUN(the_next_life_is_on_the_disk_with_what_is_gone),
          RUN(who_keeps_its_history_for_ever_keeps_it_for_all),
          RUN(what_is_made_anew_while_it_is_asked_about_stays),
          RUN(what_is_made_anew_lives_though_one_keeps_the_tombstone),
          RUN(who_misses_it_keeps_it_and_it_is_tried_again),
          RUN(others_are_told_once_it_is_on_the_disk), RUN(nobody_makes_another_forget),
          RUN(what_is_not_known_to_be_over_for_all_stays), RUN(no_more_go_than_are_remembered),
          RUN(who_has_met_nobody_forgets_alone),
          RUN(agents_that_come_and_go_do_not_make_the_store_grow))
