/* Lives that are over give their places back (core/crdt/lives.h). */

#include "core/crdt/floor.h"
#include "core/crdt/lives.h"
#include "liar.h"

static struct mcpz_document read_document(struct side *side)
{
    const struct mcpz_id id = document();
    struct mcpz_document read;

    CHECK_UINT(mcpz_document_load(mcpz_engine_store(enter(side)), &id, &read), MCPZ_OK);
    leave(side);
    return read;
}

static bool has_its_keepers(struct side *side)
{
    const struct mcpz_id id = document();
    struct mcpz_keepers keepers;

    mcpz_keepers_find(enter(side), &id, &keepers);
    leave(side);
    return keepers.is_complete && keepers.are_linked && keepers.count == 1;
}

/* It starts from a disk that nothing vouches for, and is there again. */
static void restart_unvouched(struct side *side)
{
    pair_past = MCPZ_STORE_UNVOUCHED;
    restart_side(side);
    pair_past = MCPZ_STORE_VOUCHED_FOR;
    for (size_t i = 0; i < 400 && !(has_its_keepers(&founder) && has_its_keepers(&other)); i++) {
        tick_both();
        talk();
    }
    CHECK(has_its_keepers(&founder));
}

/* Another element in a set: an entry that stays. */
static void write_element(struct side *side, size_t number)
{
    uint8_t value[2] = {0xcc, (uint8_t)(128 + number % 128)};
    char path[] = "\x92\xa1s\x00";
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = 1,
                  .op = MCPZ_AGENT_ADD,
                  .document = document(),
                  .path = mcpz_bytes(path, 4),
                  .value = mcpz_bytes(value, 2)},
    };

    path[3] = (char)(number / 128);
    side->reply_code = UINT32_MAX;
    mcpz_engine_event(enter(side), &event);
    leave(side);
    CHECK_UINT(side->reply_code, MCPZ_CODE_OK);
    talk();
}

static void begin_pair(const uint64_t *history_ms)
{
    make_neighbours(history_ms);
    write_to(&founder, MCPZ_AGENT_CREATE, "", 0);
    talk();
}

TEST(a_node_that_starts_anew_two_hundred_times_goes_on_writing)
{
    size_t places_max = 0;

    begin_pair(&an_hour);
    for (size_t i = 0; i < 200; i++) {
        struct side *side = i % 8 == 3 ? &other : &founder;
        restart_unvouched(side);
        const uint32_t before = read_document(side).entry_count;
        write_element(side, i);
        pass_time(MCPZ_SECONDS(3));
        const struct mcpz_document held = read_document(side);
        CHECK_UINT(held.entry_count, before + 1);
        places_max = held.clock.count > places_max ? held.clock.count : places_max;
    }
    pass_time(MCPZ_SECONDS(6));
    CHECK(places_max <= MCPZ_LIVES_PLACES / 2);
    CHECK_UINT(read_document(&founder).entry_count, 202); /* and its name, and its life */
    check_same_root();
    CHECK_UINT(founder.engine->counters.checkpoints_diverged, 0);
    CHECK_UINT(other.engine->counters.checkpoints_diverged, 0);
    CHECK(count_rows(&founder, MCPZ_RECORD_DELTA) < 40);
    /* Who comes now is given all of it. */
    lose_document(&other);
    pass_time(MCPZ_SECONDS(300));
    check_same_root();
    write_element(&other, 1000);
    pass_time(MCPZ_SECONDS(6));
    check_same_root();
    CHECK_UINT(read_document(&founder).entry_count, 203);
    free_pair();
}

/* The founder comes back three times, and writes enough for folding. */
static void live_three_times(void)
{
    for (size_t i = 0; i < 3; i++) {
        restart_unvouched(&founder);
        write_element(&founder, i);
    }
    for (size_t i = 0; i < MCPZ_FOLD_DELTAS; i++) {
        write_element(&founder, 10 + i);
    }
    pass_time(MCPZ_SECONDS(8));
}

/* Three lives of the founder, of which two can be closed, and are. */
static void close_two(void)
{
    begin_pair(&no_history);
    live_three_times();
}

TEST(lives_that_all_have_signed_are_closed)
{
    close_two();
    for (int i = 0; i < 2; i++) {
        const struct mcpz_document held = read_document(i == 0 ? &founder : &other);
        CHECK_UINT(held.clock.count, 2);
        CHECK(mcpz_version_closes(&held.clock.versions[0]));
        CHECK(!mcpz_version_closes(&held.clock.versions[1]));
    }
    check_same_root();
    free_pair();
}

/* Somebody might have more of them. */
TEST(nothing_is_closed_while_somebody_is_away)
{
    begin_pair(&no_history);
    const struct mcpz_record stranger = {.kind = MCPZ_RECORD_PEER, .peer = {.id = {{99}}}};
    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
    store->put(store->context, &stranger);
    leave(&founder);
    live_three_times();
    CHECK(founder.engine->counters.floors_raised > 0); /* a majority is there */
    CHECK_UINT(read_document(&founder).clock.count, 4);
    free_pair();
}

/* A delta of a closed life that nobody had when it was closed: it does not come in. */
TEST(what_comes_of_a_closed_life_does_not_count)
{
    close_two();
    const struct mcpz_document before = read_document(&other);
    const struct mcpz_add add = {.type = MCPZ_ENTRY_REGISTER,
                                 .path = mcpz_text("\x91\xa1z"),
                                 .value = mcpz_bytes("\x07", 1)};
    const struct mcpz_delta late = {
        .document = document(),
        .actor = {.node = *mcpz_identity_id(founder.identity), .generation = 2},
        .seq = 1,
        .hlc = before.hlc + 1,
        .adds = &add,
        .add_count = 1,
    };
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_IMPORT,
                               .import = {.request = 1, .delta = &late}};
    CHECK(late.actor.generation < before.clock.versions[0].actor.generation);
    const struct mcpz_id root = root_of(&other);
    mcpz_engine_event(enter(&other), &event);
    leave(&other);
    const struct mcpz_id after = root_of(&other);
    CHECK(mcpz_id_equal(&root, &after));
    free_pair();
}

/* The founder has closed two lives, and the other has not heard of it yet. */
static void close_two_unheard(const uint64_t *history_of_other_ms)
{
    begin_pair(&no_history);
    pair_history_ms = history_of_other_ms;
    restart_side(&other);
    pair_history_ms = &no_history;
    for (size_t i = 0; i < 3; i++) {
        restart_unvouched(&founder);
        write_element(&founder, i);
    }
    for (size_t i = 0; i < MCPZ_FOLD_DELTAS; i++) {
        write_element(&founder, 10 + i);
    }
    const uint64_t *closed = &founder.engine->node.agents.lives_closed;
    for (int i = 0; i < 100 && *closed == 0; i++) {
        tick_both();
        while (*closed == 0 && (hand_over(&founder, &other) || hand_over(&other, &founder))) {
        }
    }
    CHECK_UINT(*closed, 1);
    CHECK(!mcpz_version_closes(&read_document(&other).clock.versions[0]));
}

/* The stamp of the last delta of `life` that the other has. */
static uint64_t stamp_of(const struct mcpz_version *life)
{
    const struct mcpz_id id = document();
    struct mcpz_record record;

    CHECK_UINT(mcpz_document_find_delta(mcpz_engine_store(enter(&other)), &id, &life->actor,
                                        life->seq, &record),
               MCPZ_OK);
    leave(&other);
    return record.delta.delta.hlc;
}

/*
 * At the other, as if it had come of the founder when that was set back to the second of `lives`:
 * it takes something out, and somebody else has seen that and writes.
 */
static void tell_late(const struct mcpz_version *lives, const struct mcpz_remove *removed)
{
    static uint8_t bytes[MCPZ_DELTA_BYTES_MAX];
    const struct mcpz_delta late = {
        .document = document(),
        .actor = lives[1].actor,
        .seq = lives[1].seq + 1,
        .prev = lives[1].head,
        .hlc = stamp_of(&lives[1]) + 1,
        .versions = lives,
        .version_count = 1,
        .removes = removed,
        .remove_count = 1,
    };
    const struct mcpz_msg msg = sign(founder.identity, &late, bytes);
    struct mcpz_engine *engine = enter(&other);
    struct mcpz_id late_id;
    engine->store.delta_id(engine->store.context, &late, &late_id);
    CHECK_UINT(mcpz_incoming_batch(engine, mcpz_identity_id(founder.identity), &msg.batch),
               MCPZ_OK);
    leave(&other);

    const struct mcpz_version seen[2] = {lives[0], {late.actor, late.seq, mcpz_head_of(&late_id)}};
    struct mcpz_delta next = first_delta(7);
    next.hlc = late.hlc + 1;
    next.versions = seen;
    next.version_count = 2;
    tell(&other, &founder, &next);
    CHECK_UINT(lie_at(&other), 7);
}

/* Of a life that is over something is taken out, where that is not known yet: it comes again. */
static void take_out_late(const uint64_t *history_of_other_ms)
{
    liar = identity_of(99);
    close_two_unheard(history_of_other_ms);
    const struct mcpz_document before = read_document(&other);
    const struct mcpz_version *life = &before.clock.versions[1];
    struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY, .entry = {.document = document()}};
    const struct mcpz_store *store = mcpz_engine_store(enter(&other));
    CHECK_UINT(store->next(store->context, MCPZ_SCAN_DOCUMENT, true, &record), MCPZ_OK);
    while (mcpz_actor_compare(&record.entry.dot.actor, &life->actor) != 0) {
        CHECK_UINT(store->next(store->context, MCPZ_SCAN_DOCUMENT, false, &record), MCPZ_OK);
    }
    uint8_t path[4];
    CHECK_UINT(record.entry.path.length, sizeof(path));
    memcpy(path, record.entry.path.data, sizeof(path));
    const struct mcpz_remove removed = {.path = mcpz_bytes(path, sizeof(path)),
                                        .type = record.entry.type,
                                        .dot = record.entry.dot};
    leave(&other);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_FLOOR), *history_of_other_ms == 0 ? 1 : 0);
    tell_late(before.clock.versions, &removed);
    CHECK_UINT(read_document(&other).entry_count, before.entry_count); /* one less, one more */

    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(other.engine->counters.bases_begun_without, 1);
    CHECK_UINT(other.engine->counters.rebase_lost, 0);
    CHECK_UINT(read_document(&other).entry_count, before.entry_count + 1);
    check_same_root();
    write_element(&other, 1000);
    write_element(&founder, 1001);
    pass_time(MCPZ_SECONDS(300));
    check_same_root();
    CHECK_UINT(founder.engine->counters.checkpoints_diverged, 0);
    CHECK_UINT(other.engine->counters.checkpoints_diverged, 0);
    CHECK_UINT(lie_at(&founder), 7);
    free_all();
}

TEST(what_a_life_took_out_when_it_was_over_is_there_again)
{
    take_out_late(&no_history);
}

/* All of it is kept: there is no base. */
TEST(what_a_life_took_out_when_it_was_over_is_there_again_where_nothing_is_folded)
{
    take_out_late(&an_hour);
}

TEST_MAIN(RUN(a_node_that_starts_anew_two_hundred_times_goes_on_writing),
          RUN(lives_that_all_have_signed_are_closed),
          RUN(nothing_is_closed_while_somebody_is_away),
          RUN(what_comes_of_a_closed_life_does_not_count),
          RUN(what_a_life_took_out_when_it_was_over_is_there_again),
          RUN(what_a_life_took_out_when_it_was_over_is_there_again_where_nothing_is_folded))
