/* What all keepers have signed becomes the floor; who lacks what is below gets a checkpoint. */

#include "core/crdt/floor.h"
#include "engine/base.h"
#include "engine/refill.h"
#include "engine/transfers.h"
#include "export_file.h"

#define HOT_WRITES 20000 /* tools/bench/snapshots: 100,000 */

TEST(what_all_have_signed_is_folded_at_all)
{
    make_neighbours(&no_history);
    const struct mcpz_id empty = {{0}};
    fold_both();
    struct mcpz_id before = root_of(&founder);
    CHECK(!mcpz_id_equal(&before, &empty));
    check_same_root();
    for (int i = 0; i < 2; i++) {
        struct side *side = i == 0 ? &founder : &other;
        CHECK_UINT(count_rows(side, MCPZ_RECORD_DELTA), 1); /* the last one */
        CHECK_UINT(count_rows(side, MCPZ_RECORD_BATCH), 1);
        CHECK_UINT(count_rows(side, MCPZ_RECORD_STABLE), 0);
        CHECK_UINT(count_rows(side, MCPZ_RECORD_BASE), 1);
    }
    /* What is written next goes on from there, both ways. */
    write_to(&other, MCPZ_AGENT_SET, "\x91\xa1k", 7);
    talk();
    write_to(&founder, MCPZ_AGENT_SET, "\x91\xa1l", 8);
    talk();
    check_same_root();
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_DELTA), 3);
    CHECK_UINT(founder.engine->counters.checkpoints_diverged, 0);
    free_pair();
}

TEST(deltas_are_kept_as_long_as_history_is)
{
    make_neighbours(&an_hour);
    const struct mcpz_counters *counters = mcpz_engine_counters(founder.engine);
    write_many(&founder, MCPZ_FOLD_DELTAS);
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_STABLE), 1);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_STABLE), 1);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_DELTA), MCPZ_FOLD_DELTAS);
    CHECK_UINT(counters->deltas_folded, 0);
    const size_t before = bytes_kept(&founder);
    wall_ms += an_hour;
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_DELTA), 1);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_DELTA), 1);
    check_same_root();
    /* What went is counted; the checkpoint that came is not taken off. */
    CHECK_UINT(counters->deltas_folded, MCPZ_FOLD_DELTAS - 1);
    CHECK(counters->deltas_folded_bytes >= before - bytes_kept(&founder));
    CHECK(counters->deltas_folded_bytes < before);
    free_pair();
}

/* A row that is not what it was when all signed: nothing is dropped for that, and it is told. */
TEST(what_does_not_come_to_what_was_signed_is_not_folded)
{
    make_neighbours(&an_hour);
    write_many(&founder, MCPZ_FOLD_DELTAS);
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_STABLE), 1);
    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
    const struct mcpz_actor actor = {.node = *mcpz_identity_id(founder.identity),
                                     .generation = founder.engine->node.agents.actor.generation};
    const struct mcpz_id id = document();
    struct mcpz_record record;
    CHECK_UINT(mcpz_document_find_delta(store, &id, &actor, MCPZ_FOLD_DELTAS, &record), MCPZ_OK);
    CHECK_UINT(record.delta.delta.add_count, 1);
    struct mcpz_add add = record.delta.delta.adds[0];
    add.value = mcpz_bytes("\x2a", 1);
    record.delta.delta.adds = &add;
    store->put(store->context, &record);
    leave(&founder);
    wall_ms += an_hour;
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(founder.engine->counters.checkpoints_diverged, 1);
    CHECK_UINT(founder.engine->counters.floors_raised, 0);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_DELTA), MCPZ_FOLD_DELTAS);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_FLOOR), 0);
    CHECK_UINT(other.engine->counters.floors_raised, 1);
    free_pair();
}

/* The base that comes after is smaller: no piece of the one before stays. */
TEST(a_base_takes_the_place_of_the_one_before_whole)
{
    static uint8_t bytes[2 * MCPZ_BASE_PIECE_BYTES + 1];
    static uint8_t back[sizeof(bytes)];
    struct mcpz_record_floor floor = {
        .document = document(), .agreed = {.replicas = 2}, .byte_count = sizeof(bytes)};

    make_neighbours(&no_history);
    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i % 251);
    }
    CHECK_UINT(mcpz_base_put(store, &floor, mcpz_bytes(bytes, sizeof(bytes))), MCPZ_OK);
    leave(&founder);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_BASE), 3);
    store = mcpz_engine_store(enter(&founder));
    CHECK_UINT(mcpz_base_read(store, &floor.document, back, sizeof(back)), MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(back, sizeof(back)), bytes, sizeof(bytes));
    CHECK_UINT(mcpz_base_read(store, &floor.document, back, MCPZ_BASE_PIECE_BYTES + 1),
               MCPZ_ECORRUPT);
    floor.byte_count = MCPZ_BASE_PIECE_BYTES;
    CHECK_UINT(mcpz_base_put(store, &floor, mcpz_bytes(bytes, floor.byte_count)), MCPZ_OK);
    leave(&founder);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_BASE), 1);
    store = mcpz_engine_store(enter(&founder));
    CHECK_UINT(mcpz_base_read(store, &floor.document, back, sizeof(back)), MCPZ_ECORRUPT);
    CHECK_UINT(mcpz_base_read(store, &floor.document, back, floor.byte_count), MCPZ_OK);
    leave(&founder);
    free_pair();
}

static void beat(size_t number)
{
    char path[] = "\x92\xa1k\x00";
    const uint8_t value = (uint8_t)(number % 100);
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = 1,
                  .op = MCPZ_AGENT_SET,
                  .document = document(),
                  .path = mcpz_bytes(path, 4),
                  .value = mcpz_bytes(&value, 1)},
    };

    path[3] = (char)(number % 100);
    mcpz_engine_event(enter(&founder), &event);
}

/* Budget of crdt 8: what is kept does not grow with what was written, and nor does what making it
 * anew takes in one turn. */
/* A base that two writers have come to: does what was to be the next floor outlive it? */
static bool outlives_base(uint64_t one_seq, uint64_t other_seq)
{
    const struct mcpz_version at[] = {{.actor = {.node = {{1}}}, .seq = 5},
                                      {.actor = {.node = {{2}}}, .seq = 7}};
    const struct mcpz_version next[] = {{.actor = at[0].actor, .seq = one_seq},
                                        {.actor = at[1].actor, .seq = other_seq}};
    const struct mcpz_record_floor floor = {
        .document = document(),
        .agreed = {.versions = at, .version_count = 2, .replicas = 2},
        .byte_count = 1};
    const struct mcpz_record stable = {
        .kind = MCPZ_RECORD_STABLE,
        .stable = {.document = document(),
                   .agreed = {.versions = next, .version_count = 2, .replicas = 2}}};
    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));

    store->put(store->context, &stable);
    CHECK_UINT(mcpz_base_put(store, &floor, mcpz_bytes("", 1)), MCPZ_OK);
    leave(&founder);
    return count_rows(&founder, MCPZ_RECORD_STABLE) == 1;
}

TEST(what_was_to_be_the_floor_goes_unless_it_is_above_the_base_that_comes)
{
    make_neighbours(&an_hour);
    CHECK(outlives_base(5, 8));
    CHECK(outlives_base(6, 7));
    CHECK(!outlives_base(5, 7));
    CHECK(!outlives_base(4, 7));
    CHECK(!outlives_base(6, 6)); /* beside it */
    free_pair();
}

TEST(a_hundred_hot_keys_are_small_however_often_they_are_written)
{
    make_neighbours(&no_history);
    write_many(&founder, 1);
    const size_t before = bytes_kept(&other);
    for (size_t i = 0; i < HOT_WRITES; i++) {
        beat(i);
        if (i % 250 == 249) {
            leave(&founder);
            talk();
        }
        if (i % 10000 == 9999) {
            pass_time(MCPZ_SECONDS(90)); /* 64 deltas in a tick */
        }
    }
    pass_time(MCPZ_SECONDS(10));
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = document()}};
    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
    CHECK_UINT(store->get(store->context, &record), MCPZ_OK);
    CHECK_UINT(record.floor.agreed.versions[0].seq, HOT_WRITES + 1);
    leave(&founder);
    CHECK(record.floor.byte_count <= 4096);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_DELTA), 1);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_BATCH), 1);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_DELTA), 1);
    print_message("%zu bytes in rows\n", bytes_kept(&other) - before);
    CHECK(bytes_kept(&other) - before <= 30000);
    check_same_root();
    free_pair();
}

TEST(who_has_nothing_is_given_a_checkpoint_and_the_rest)
{
    make_neighbours(&no_history);
    fold_both();
    write_to(&founder, MCPZ_AGENT_SET, "\x91\xa1l", 9);
    talk();
    lose_document(&other);
    pass_time(MCPZ_SECONDS(20));
    CHECK_UINT(other.engine->counters.bases_installed, 1);
    CHECK_UINT(founder.engine->counters.bases_sent, 1);
    check_same_root();
    /* The last delta below came with it, as did the one above. */
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_DELTA), 2);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_FLOOR), 1);
    write_to(&other, MCPZ_AGENT_SET, "\x91\xa1k", 3);
    talk();
    check_same_root();
    free_pair();
}

/* Nothing of it is kept until all is here, and then all of it in one batch. */
TEST(a_crash_half_way_loses_nothing)
{
    make_neighbours(&no_history);
    fold_both();
    lose_document(&other);
    for (int i = 0; i < 200 && other.engine->counters.bases_installed == 0; i++) {
        tick_both();
        while (other.engine->counters.bases_installed == 0 &&
               (hand_over(&founder, &other) || hand_over(&other, &founder))) {
            const size_t floors = count_rows(&other, MCPZ_RECORD_FLOOR);
            CHECK_UINT(count_rows(&other, MCPZ_RECORD_DOCUMENT), floors);
            CHECK_UINT(count_rows(&other, MCPZ_RECORD_BASE), floors);
        }
    }
    CHECK_UINT(other.engine->counters.bases_installed, 1);
    check_same_root();
    free_pair();
}

/* What was written before it came is kept: a join, no replacement. */
TEST(what_it_wrote_itself_stays)
{
    make_neighbours(&no_history);
    fold_both();
    lose_document(&other);
    write_to(&other, MCPZ_AGENT_CREATE, "\x91\xa1m", 1);
    write_to(&other, MCPZ_AGENT_SET, "\x91\xa1m", 5);
    pass_time(MCPZ_SECONDS(20));
    CHECK(other.engine->counters.bases_installed >= 1);
    check_same_root();
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = document(), .path = mcpz_bytes("\x91\xa1m", 3)}};
    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
    CHECK_UINT(store->next(store->context, MCPZ_SCAN_PATH, true, &record), MCPZ_OK);
    leave(&founder);
    free_pair();
}

TEST(what_was_not_signed_by_enough_is_not_taken)
{
    make_neighbours(&no_history);
    fold_both();
    (void)enter(&founder);
    struct mcpz_msg_agreed said = agreed_of(&founder);
    CHECK_UINT(said.agreed.signature_count, 2);
    leave(&founder);
    lose_document(&other);
    const struct mcpz_id from = *mcpz_identity_id(founder.identity);

    said.agreed.signature_count = 1; /* fewer than there are said to be */
    CHECK_UINT(mcpz_transfers_agreed(enter(&other), &from, &said), MCPZ_EPROTO);
    said.agreed.replicas = 1; /* that was not what was signed, and one is not enough */
    CHECK_UINT(mcpz_transfers_agreed(enter(&other), &from, &said), MCPZ_OK);
    CHECK(other.engine->transfers.under_way[0] == NULL);
    said.agreed.replicas = 2;
    said.agreed.signature_count = 2;
    signatures[1] = signatures[0]; /* the same one twice */
    CHECK_UINT(mcpz_transfers_agreed(enter(&other), &from, &said), MCPZ_EPROTO);
    signatures[1].signer = *mcpz_identity_id(other.identity); /* forged */
    CHECK_UINT(mcpz_transfers_agreed(enter(&other), &from, &said), MCPZ_EAUTH);
    CHECK(other.engine->transfers.under_way[0] == NULL);
    leave(&other);
    pass_time(MCPZ_SECONDS(20));
    check_same_root();
    free_pair();
}

TEST(bytes_that_are_not_what_was_signed_are_not_taken)
{
    uint8_t junk[8] = {0};

    make_neighbours(&no_history);
    fold_both();
    (void)enter(&founder);
    struct mcpz_msg_agreed said = agreed_of(&founder);
    const struct mcpz_id from = *mcpz_identity_id(founder.identity);
    lose_document(&other);
    said.byte_count = sizeof(junk);
    CHECK_UINT(mcpz_transfers_agreed(enter(&other), &from, &said), MCPZ_OK);
    CHECK(other.engine->transfers.under_way[0] != NULL);
    leave(&founder);
    struct mcpz_msg_base base = {.document = document(),
                                 .root = said.agreed.root,
                                 .is_answer = true,
                                 .bytes = mcpz_bytes(junk, sizeof(junk))};
    CHECK_UINT(mcpz_transfers_base(enter(&other), &from, &base), MCPZ_OK);
    base.index = 1; /* the last delta of its writer: it is not to be had */
    base.bytes = mcpz_bytes(NULL, 0);
    CHECK_UINT(mcpz_transfers_base(enter(&other), &from, &base), MCPZ_EPROTO);
    CHECK_UINT(other.engine->counters.bases_refused, 1);
    CHECK(other.engine->transfers.under_way[0] == NULL);
    leave(&other);
    pass_time(MCPZ_SECONDS(20));
    check_same_root();
    free_pair();
}

/* Whoever is away may come back with what nobody else has: it is waited for, within the grace. */
TEST(nothing_is_folded_while_somebody_is_away)
{
    make_neighbours(&no_history);
    write_many(&founder, 1);
    pass_time(MCPZ_SECONDS(20));
    mcpz_engine_link_closed(enter(&founder), founder.link);
    leave(&founder);
    mcpz_engine_link_closed(enter(&other), other.link);
    leave(&other);
    for (size_t i = 1; i < 2 * (size_t)MCPZ_FOLD_DELTAS; i++) {
        write_to(&founder, MCPZ_AGENT_SET, "\x91\xa1k", 1);
    }
    pass_time_alone(MCPZ_SECONDS(20));
    CHECK_UINT(founder.engine->counters.floors_raised, 0);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_STABLE), 0);
    free_pair();
}

/* Half of all there have been is no majority, be it that nobody can dial who is away. */
TEST(who_has_no_address_counts_among_those_there_have_been)
{
    const struct mcpz_id id = document();
    struct mcpz_keepers keepers;

    pair_address = "";
    make_neighbours(&no_history);
    pair_address = "other:1";
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_PEER), 1);
    write_many(&founder, 1);
    mcpz_keepers_find(enter(&founder), &id, &keepers);
    leave(&founder);
    CHECK_UINT(keepers.count, 1);
    CHECK(keepers.is_complete);
    mcpz_engine_link_closed(enter(&founder), founder.link);
    leave(&founder);
    pass_time_alone(MCPZ_SECONDS(120)); /* twice the grace */
    mcpz_keepers_find(enter(&founder), &id, &keepers);
    leave(&founder);
    CHECK_UINT(keepers.count, 0);
    CHECK(!keepers.is_complete);
    free_pair();
}

/* ---- In files ----------------------------------------------------------------------------- */

/* The first answer that is neither that it came nor that it is nothing to wait for. */
static mcpz_error import_file(struct side *side, uint64_t request, size_t *asked)
{
    struct mcpz_import import = {.base = NULL};
    mcpz_error error = MCPZ_OK;

    *asked = 0;
    for (size_t i = 0; i < file.count && (error == MCPZ_OK || error == MCPZ_EUSED); i++) {
        side->reply_code = UINT32_MAX;
        error = mcpz_engine_import(enter(side), &import, request,
                                   mcpz_bytes(file.bytes[i], file.lengths[i]));
        leave(side);
        CHECK_UINT(side->reply_code, request != 0 && error == MCPZ_OK ? MCPZ_CODE_OK : UINT32_MAX);
        *asked += error == MCPZ_OK;
    }
    mcpz_import_finish(&import);
    return error == MCPZ_EUSED ? MCPZ_OK : error;
}

TEST(a_file_brings_what_was_folded_into_another_mesh)
{
    size_t asked = 0;

    make_file();
    CHECK_UINT(import_file(&third, 0, &asked), MCPZ_OK);
    CHECK_UINT(asked, 2); /* the base, and a delta */
    CHECK_UINT(count_rows(&third, MCPZ_RECORD_DOCUMENT), 0);
    CHECK_UINT(count_rows(&third, MCPZ_RECORD_AUTHOR), 0); /* that was a look, and no more */
    CHECK_UINT(import_file(&third, 7, &asked), MCPZ_OK);
    CHECK_UINT(asked, 2);
    const struct mcpz_id before = root_of(&founder);
    const struct mcpz_id after = root_of(&third);
    CHECK(mcpz_id_equal(&before, &after));
    CHECK_UINT(count_rows(&third, MCPZ_RECORD_FLOOR), 1);
    CHECK_UINT(count_rows(&third, MCPZ_RECORD_BASE), 1);
    CHECK_UINT(count_rows(&third, MCPZ_RECORD_DELTA), 2); /* the last one below, the one above */
    CHECK_UINT(import_file(&third, 8, &asked), MCPZ_OK);
    CHECK_UINT(asked, 0); /* it is here */
    write_to(&third, MCPZ_AGENT_SET, "\x91\xa1m", 9);
    free_file();
}

TEST(a_file_brings_what_was_folded_to_who_has_written_beside_it)
{
    size_t asked = 0;

    make_file();
    write_to(&third, MCPZ_AGENT_CREATE, "\x91\xa1m", 1);
    write_to(&third, MCPZ_AGENT_SET, "\x91\xa1m", 5);
    CHECK_UINT(import_file(&third, 7, &asked), MCPZ_OK);
    CHECK_UINT(asked, 2);
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = document(), .path = mcpz_bytes("\x91\xa1m", 3)}};
    const struct mcpz_store *store = mcpz_engine_store(enter(&third));
    CHECK_UINT(store->next(store->context, MCPZ_SCAN_PATH, true, &record), MCPZ_OK);
    leave(&third);
    free_file();
}

TEST(every_changed_byte_of_a_base_in_a_file_is_noticed)
{
    size_t asked = 0;

    make_file();
    for (size_t i = 2; i < file.base_end; i++) {
        for (size_t at = 0; at < file.lengths[i]; at += 1 + at / 64) {
            file.bytes[i][at] ^= 1;
            CHECK(import_file(&third, 0, &asked) != MCPZ_OK);
            CHECK(import_file(&third, 7, &asked) != MCPZ_OK);
            CHECK_UINT(count_rows(&third, MCPZ_RECORD_DOCUMENT), 0);
            file.bytes[i][at] ^= 1;
        }
    }
    CHECK_UINT(import_file(&third, 0, &asked), MCPZ_OK);
    free_file();
}

TEST(a_base_in_a_file_is_whole_and_of_known_signers_or_not_taken)
{
    const size_t first = 2; /* its AGREED */
    struct mcpz_import import = {.base = NULL};

    make_file();
    const struct mcpz_bytes agreed = mcpz_bytes(file.bytes[first], file.lengths[first]);
    const struct mcpz_bytes piece = mcpz_bytes(file.bytes[first + 1], file.lengths[first + 1]);
    struct mcpz_engine *engine = enter(&third);
    CHECK_UINT(mcpz_engine_import(engine, &import, 7, agreed), MCPZ_EAUTH); /* by whom? */
    CHECK_UINT(mcpz_engine_import(engine, &import, 0, piece), MCPZ_EPROTO); /* of what? */
    CHECK_UINT(mcpz_engine_import(engine, &import, 0, agreed), MCPZ_EUSED);
    CHECK_UINT(mcpz_engine_import(engine, &import, 0, agreed), MCPZ_EPROTO); /* not whole yet */
    CHECK_UINT(mcpz_engine_import(engine, &import, 0, agreed), MCPZ_EUSED);
    CHECK_UINT(mcpz_engine_import(engine, &import, 0, piece), MCPZ_EUSED);
    CHECK_UINT(mcpz_engine_import(engine, &import, 0, piece), MCPZ_EPROTO); /* twice */
    mcpz_import_finish(&import);
    leave(&third);
    free_file();
}

/* ---- Bases that are damaged --------------------------------------------------------------- */

/* Have the base of x at `side` be nothing that could be read. */
static void spoil_base(struct side *side)
{
    const struct mcpz_store *store = mcpz_engine_store(enter(side));
    const struct mcpz_record spoilt = {
        .kind = MCPZ_RECORD_BASE,
        .base = {.document = document(), .bytes = mcpz_text("no checkpoint")},
    };

    store->put(store->context, &spoilt);
    leave(side);
}

static bool is_sound(struct side *side)
{
    const struct mcpz_id id = document();
    const bool needed = mcpz_refill_is_needed(enter(side), &id);

    leave(side);
    return !needed;
}

TEST(a_base_that_cannot_be_read_is_fetched_again)
{
    const struct mcpz_id id = document();

    make_neighbours(&no_history);
    fold_both();
    const struct mcpz_id root = root_of(&founder);
    CHECK(is_sound(&founder));

    spoil_base(&founder);
    CHECK(!is_sound(&founder));
    mcpz_engine_refill(enter(&founder), &id);
    leave(&founder);
    talk();
    CHECK(is_sound(&founder));
    CHECK_UINT(founder.engine->counters.bases_damaged, 1);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_DELTA), 1); /* the last below is there still */
    const struct mcpz_id same_root = root_of(&founder);
    CHECK(mcpz_id_equal(&root, &same_root));
    CHECK_UINT(founder.engine->counters.checkpoints_diverged, 0);
    free_pair();
}

TEST(who_folds_on_a_damaged_base_asks_for_it_and_goes_on)
{
    make_neighbours(&no_history);
    fold_both();
    spoil_base(&founder);
    for (size_t i = 0; i < MCPZ_FOLD_DELTAS; i++) {
        write_to(&other, MCPZ_AGENT_SET, "\x91\xa1m", (uint8_t)i);
        talk();
    }
    pass_time(MCPZ_SECONDS(12));
    CHECK(is_sound(&founder) && is_sound(&other));
    CHECK(founder.engine->counters.bases_damaged > 0);
    CHECK_UINT(other.engine->counters.floors_raised, 2);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_DELTA), 2); /* the last of each writer */
    CHECK_UINT(founder.engine->counters.checkpoints_diverged, 0);
    check_same_root();
    free_pair();
}

/* Have what says where x is folded to at `side` be nothing that could be read. */
static void spoil_floor(struct side *side)
{
    const struct mcpz_record floor = {.kind = MCPZ_RECORD_FLOOR,
                                      .floor = {.document = document()}};
    const struct mcpz_kv *kv = &side->engine->persist.kv;
    struct mcpz_key place;

    mcpz_at_rest_place(enter(side)->rest, &floor, &place);
    kv->put(kv->context, mcpz_bytes(place.bytes, place.length), mcpz_text("no floor"));
    leave(side);
    CHECK(!is_sound(side));
}

static uint64_t floor_of(struct side *side)
{
    const struct mcpz_id id = document();
    struct mcpz_floor floor;

    CHECK_UINT(mcpz_floor_load(mcpz_engine_store(enter(side)), &id, &floor), MCPZ_OK);
    leave(side);
    return floor.clock.versions[0].seq;
}

TEST(a_floor_that_cannot_be_read_is_fetched_again)
{
    make_neighbours(&no_history);
    fold_both();
    write_to(&founder, MCPZ_AGENT_SET, "\x91\xa1l", 9);
    talk();
    spoil_floor(&founder);
    pass_time(MCPZ_SECONDS(6)); /* it is found when its turn to be looked at comes */
    CHECK(is_sound(&founder));
    CHECK_UINT(floor_of(&founder), MCPZ_FOLD_DELTAS);
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_DELTA), 2);
    check_same_root();
    for (size_t i = 0; i < MCPZ_FOLD_DELTAS; i++) {
        write_to(&founder, MCPZ_AGENT_SET, "\x91\xa1m", (uint8_t)i);
        talk();
    }
    pass_time(MCPZ_SECONDS(6)); /* and folding goes on from there */
    CHECK(floor_of(&founder) > MCPZ_FOLD_DELTAS);
    CHECK_UINT(founder.engine->counters.checkpoints_diverged, 0);
    check_same_root();
    free_pair();
}

/* What lies between the two is on neither disk as rows that it could be made of. */
TEST(an_earlier_floor_than_the_one_that_is_lost_will_not_do)
{
    const uint64_t grace_ms = MCPZ_GRACE_MS_DEFAULT;

    make_neighbours(&no_history);
    fold_both();
    mcpz_engine_keep(enter(&other), &an_hour, grace_ms);
    leave(&other);
    for (size_t i = 0; i < MCPZ_FOLD_DELTAS; i++) {
        write_to(&founder, MCPZ_AGENT_SET, "\x91\xa1m", (uint8_t)i);
        talk();
    }
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(floor_of(&founder), 2 * MCPZ_FOLD_DELTAS);
    CHECK_UINT(floor_of(&other), MCPZ_FOLD_DELTAS);
    spoil_floor(&founder);
    pass_time(MCPZ_SECONDS(6));
    CHECK(!is_sound(&founder));
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_DELTA), 1);
    mcpz_engine_keep(enter(&other), &no_history, grace_ms);
    leave(&other);
    pass_time(MCPZ_SECONDS(6));
    CHECK_UINT(floor_of(&other), 2 * MCPZ_FOLD_DELTAS);
    CHECK(is_sound(&founder));
    CHECK_UINT(floor_of(&founder), 2 * MCPZ_FOLD_DELTAS);
    check_same_root();
    free_pair();
}

/* Nobody asked for it: a base that is well is not replaced, whoever sends another. */
TEST(a_base_that_is_well_is_not_asked_for)
{
    const struct mcpz_id id = document();

    make_neighbours(&no_history);
    fold_both();
    const uint64_t sent = other.engine->counters.bases_sent;
    mcpz_engine_refill(enter(&founder), &id);
    mcpz_transfers_offer(enter(&other), mcpz_identity_id(founder.identity), &id);
    leave(&founder);
    leave(&other);
    talk();
    CHECK_UINT(founder.engine->counters.bases_damaged, 0);
    CHECK_UINT(other.engine->counters.bases_sent, sent);
    free_pair();
}

TEST_MAIN(RUN(a_base_that_cannot_be_read_is_fetched_again),
          RUN(who_folds_on_a_damaged_base_asks_for_it_and_goes_on),
          RUN(a_base_that_is_well_is_not_asked_for),
          RUN(a_floor_that_cannot_be_read_is_fetched_again),
          RUN(an_earlier_floor_than_the_one_that_is_lost_will_not_do),
          RUN(what_all_have_signed_is_folded_at_all), RUN(deltas_are_kept_as_long_as_history_is),
          RUN(what_does_not_come_to_what_was_signed_is_not_folded),
          RUN(a_base_takes_the_place_of_the_one_before_whole),
          RUN(what_was_to_be_the_floor_goes_unless_it_is_above_the_base_that_comes),
          RUN(a_hundred_hot_keys_are_small_however_often_they_are_written),
          RUN(who_has_nothing_is_given_a_checkpoint_and_the_rest),
          RUN(a_crash_half_way_loses_nothing), RUN(what_it_wrote_itself_stays),
          RUN(what_was_not_signed_by_enough_is_not_taken),
          RUN(bytes_that_are_not_what_was_signed_are_not_taken),
          RUN(nothing_is_folded_while_somebody_is_away),
          RUN(who_has_no_address_counts_among_those_there_have_been),
          RUN(a_file_brings_what_was_folded_into_another_mesh),
          RUN(a_file_brings_what_was_folded_to_who_has_written_beside_it),
          RUN(every_changed_byte_of_a_base_in_a_file_is_noticed),
          RUN(a_base_in_a_file_is_whole_and_of_known_signers_or_not_taken))
