#include "core/crdt/document.h"
#include "core/crdt/past.h"
#include "core/crdt/paths.h"
#include "fake_store.h"
#include "test.h"

static const struct mcpz_id id = {{7}};
static const struct mcpz_actor ann = {.node = {{'a'}}, .generation = 1};
static const struct mcpz_actor bob = {.node = {{'b'}}, .generation = 1};
static const struct mcpz_bytes path = {(const uint8_t *)"\x91\xa1k", 3};
static const struct mcpz_bytes one = {(const uint8_t *)"\x01", 1};

static struct fake_store store;
static struct mcpz_version versions[MCPZ_ACTORS_MAX + 1];
static struct mcpz_add adds[MCPZ_DELTA_ADDS_MAX + 1];
static struct mcpz_remove removes[MCPZ_DELTA_REMOVES_MAX + 1];
static struct mcpz_delta delta;

/* A valid delta: ann's 3rd, who has seen 2 of her own and 5 of bob; adds one, removes one. */
static void set_up(void)
{
    versions[0] = (struct mcpz_version){bob, 5, {{5}}};
    for (size_t i = 0; i < MCPZ_DELTA_ADDS_MAX + 1; i++) {
        adds[i] = (struct mcpz_add){MCPZ_ENTRY_REGISTER, path, one};
    }
    for (size_t i = 0; i < MCPZ_DELTA_REMOVES_MAX + 1; i++) {
        removes[i] =
            (struct mcpz_remove){MCPZ_ENTRY_REGISTER, path, {bob, 1 + i / 16, (uint32_t)i % 16}};
    }
    delta = (struct mcpz_delta){
        .document = id,
        .actor = ann,
        .seq = 3,
        .prev = {{2}},
        .hlc = 100,
        .versions = versions,
        .version_count = 1,
        .adds = adds,
        .add_count = 1,
        .removes = removes,
        .remove_count = 1,
    };
}

static bool is_valid(void)
{
    return mcpz_document_delta_is_valid(&delta);
}

TEST(a_delta_within_its_bounds_is_valid)
{
    set_up();
    CHECK(is_valid());
    delta.add_count = MCPZ_DELTA_ADDS_MAX;
    delta.remove_count = MCPZ_DELTA_REMOVES_MAX;
    CHECK(is_valid());
    delta.add_count = 0;
    delta.remove_count = 0;
    CHECK(is_valid());
}

TEST(too_many_adds_removes_or_versions_are_refused)
{
    set_up();
    delta.add_count = MCPZ_DELTA_ADDS_MAX + 1;
    CHECK(!is_valid());

    set_up();
    delta.remove_count = MCPZ_DELTA_REMOVES_MAX + 1;
    CHECK(!is_valid());

    set_up();
    for (uint32_t i = 1; i <= MCPZ_ACTORS_MAX; i++) {
        versions[i] = (struct mcpz_version){{.node = {{'c'}}, .generation = i}, 1, {{1}}};
    }
    delta.version_count = MCPZ_ACTORS_MAX;
    CHECK(is_valid());
    delta.version_count = MCPZ_ACTORS_MAX + 1;
    CHECK(!is_valid());
}

TEST(its_own_past_is_named_by_the_delta_before_it)
{
    set_up();
    delta.seq = 0;
    CHECK(!is_valid());
    delta.seq = 1; /* the first has none */
    CHECK(!is_valid());
    delta.prev = (struct mcpz_head){{0}};
    removes[0].dot.seq = 1;
    CHECK(is_valid());
    delta.seq = 2;
    CHECK(!is_valid());

    set_up();
    versions[1] = versions[0];
    versions[0] = (struct mcpz_version){ann, 2, {{2}}};
    delta.version_count = 2;
    CHECK(!is_valid());
    delta.actor.generation = 2; /* another life of hers is somebody else */
    CHECK(is_valid());
}

TEST(nobody_removes_what_they_have_not_seen)
{
    set_up();
    removes[0].dot.seq = 5;
    CHECK(is_valid());
    removes[0].dot.seq = 6;
    CHECK(!is_valid());
    removes[0].dot.seq = 0;
    CHECK(!is_valid());

    set_up();
    removes[0].dot.actor.generation = 9;
    CHECK(!is_valid());

    set_up();
    removes[0].dot = (struct mcpz_dot){ann, 3, 0}; /* its own add */
    CHECK(!is_valid());
    removes[0].dot.seq = 2;
    CHECK(is_valid());
}

TEST(a_dot_is_removed_once_and_has_an_index_in_bounds)
{
    set_up();
    delta.remove_count = 2;
    removes[1].dot = removes[0].dot;
    CHECK(!is_valid());
    removes[1].dot.index = MCPZ_DELTA_ADDS_MAX - 1;
    CHECK(is_valid());
    removes[1].dot.index = MCPZ_DELTA_ADDS_MAX;
    CHECK(!is_valid());
}

TEST(types_paths_and_values_are_checked)
{
    static uint8_t long_value[MCPZ_VALUE_BYTES_MAX + 1];

    set_up();
    adds[0].type = 0;
    CHECK(!is_valid());
    adds[0].type = MCPZ_ENTRY_END;
    CHECK(!is_valid());
    adds[0].type = MCPZ_ENTRY_COUNTER;
    CHECK(is_valid());
    adds[0].value = mcpz_text("\xa1x"); /* not a number */
    CHECK(!is_valid());
    adds[0].type = MCPZ_ENTRY_SET;
    CHECK(is_valid());
    adds[0].value = mcpz_bytes(long_value, 0);
    CHECK(!is_valid());
    adds[0].value = mcpz_bytes(long_value, MCPZ_VALUE_BYTES_MAX);
    CHECK(is_valid());
    adds[0].value = mcpz_bytes(long_value, MCPZ_VALUE_BYTES_MAX + 1);
    CHECK(!is_valid());

    set_up();
    adds[0].path = mcpz_text("k");
    CHECK(!is_valid());

    set_up();
    removes[0].path = mcpz_text("\x90");
    CHECK(!is_valid());

    set_up();
    removes[0].type = 0;
    CHECK(!is_valid());

    set_up();
    delta.document = (struct mcpz_id){{0}};
    CHECK(!is_valid());
}

/* ---- Applying ----------------------------------------------------------------------------- */

/* ann's `seq`-th delta: all of `adds` up to `add_count`, nothing removed. */
static void first_delta(uint64_t seq, size_t add_count)
{
    set_up();
    delta.seq = seq;
    delta.version_count = 0;
    delta.prev = (struct mcpz_head){{(uint8_t)(seq - 1)}};
    delta.add_count = add_count;
    delta.remove_count = 0;
}

/* Name what is there: the author's delta before it, and the last of the others it has seen. */
static void follow(const struct mcpz_document *document)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_version *own = mcpz_clock_find(clock->versions, clock->count, &delta.actor);

    delta.prev = own != NULL ? own->head : (struct mcpz_head){{0}};
    for (size_t i = 0; i < delta.version_count; i++) {
        const struct mcpz_version *seen =
            mcpz_clock_find(clock->versions, clock->count, &versions[i].actor);
        versions[i].head = seen != NULL ? seen->head : versions[i].head;
    }
}

static mcpz_error apply_to(struct mcpz_document *document)
{
    struct mcpz_id delta_id;

    fake_store_delta_id(NULL, &delta, &delta_id);
    return mcpz_document_apply(&store.port, document, &delta, &delta_id, 1000);
}

static mcpz_error apply(void)
{
    struct mcpz_document document;

    CHECK_UINT(mcpz_document_load(&store.port, &id, &document), MCPZ_OK);
    follow(&document);
    CHECK(is_valid());
    mcpz_error error = apply_to(&document);
    fake_store_end_turn(&store);
    return error;
}

static struct mcpz_document load(void)
{
    struct mcpz_document document;
    CHECK_UINT(mcpz_document_load(&store.port, &id, &document), MCPZ_OK);
    return document;
}

TEST(what_is_applied_is_there)
{
    fake_store_init(&store);
    CHECK(!load().exists);

    first_delta(1, 3);
    CHECK_UINT(apply(), MCPZ_OK);
    CHECK(load().exists);
    CHECK_UINT(load().entry_count, 3);
    CHECK_UINT(load().hlc, 100);
    CHECK_UINT(load().clock.count, 1);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_ENTRY), 3);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_DELTA), 1);

    first_delta(2, 0);
    delta.hlc = 90; /* greatest stamp, not last */
    delta.remove_count = 2;
    removes[0] = (struct mcpz_remove){MCPZ_ENTRY_REGISTER, path, {ann, 1, 0}};
    removes[1] = (struct mcpz_remove){MCPZ_ENTRY_SET, path, {ann, 1, 1}}; /* not what it is */
    CHECK_UINT(apply(), MCPZ_OK);
    CHECK_UINT(load().entry_count, 2);
    CHECK_UINT(load().hlc, 100);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_ENTRY), 2);
    fake_store_finish(&store);
}

TEST(within_an_epoch_the_greatest_stamp_decides_over_life_and_name)
{
    fake_store_init(&store);
    first_delta(1, 2);
    adds[0] = (struct mcpz_add){MCPZ_ENTRY_FENCED, mcpz_paths_life,
                                mcpz_text("\x93\x01\x7f\xa7"
                                          "deleted")};
    adds[1] = (struct mcpz_add){MCPZ_ENTRY_REGISTER, mcpz_paths_id,
                                mcpz_text("\xa3"
                                          "ada")};
    CHECK_UINT(apply(), MCPZ_OK);
    CHECK(load().deleted);
    CHECK_BYTES(load().name, "ada", 3);

    /* Bob, who has not seen it, with the same stamp: the greater actor wins. */
    first_delta(1, 2);
    delta.actor = bob;
    adds[0] = (struct mcpz_add){MCPZ_ENTRY_FENCED, mcpz_paths_life,
                                mcpz_text("\x93\x01\x7f\xa6"
                                          "active")};
    adds[1] = (struct mcpz_add){MCPZ_ENTRY_REGISTER, mcpz_paths_id, one}; /* not a text */
    CHECK_UINT(apply(), MCPZ_OK);
    CHECK(!load().deleted);
    CHECK_BYTES(load().name, "", 0);

    /* An older one changes nothing. */
    first_delta(1, 1);
    delta.actor.generation = 5;
    delta.hlc = 99;
    adds[0] = (struct mcpz_add){MCPZ_ENTRY_FENCED, mcpz_paths_life,
                                mcpz_text("\x93\x01\x7f\xa7"
                                          "deleted")};
    CHECK_UINT(apply(), MCPZ_OK);
    CHECK(!load().deleted);

    /* With the winners gone, the next best count; a set at the path does not. */
    first_delta(2, 1);
    versions[0] = (struct mcpz_version){bob, 1, {{1}}};
    delta.version_count = 1;
    adds[0] = (struct mcpz_add){MCPZ_ENTRY_SET, mcpz_paths_life,
                                mcpz_text("\x93\x01\x7f\xa6"
                                          "active")};
    delta.remove_count = 2;
    removes[0] = (struct mcpz_remove){MCPZ_ENTRY_FENCED, mcpz_paths_life, {bob, 1, 0}};
    removes[1] = (struct mcpz_remove){MCPZ_ENTRY_REGISTER, mcpz_paths_id, {bob, 1, 1}};
    CHECK_UINT(apply(), MCPZ_OK);
    CHECK(load().deleted);
    CHECK_BYTES(load().name, "ada", 3);
    fake_store_finish(&store);
}

TEST(a_later_epoch_decides_over_life_whatever_its_stamp)
{
    fake_store_init(&store);
    first_delta(1, 1);
    adds[0] = (struct mcpz_add){MCPZ_ENTRY_FENCED, mcpz_paths_life,
                                mcpz_text("\x93\x02\x01\xa6"
                                          "active")};
    CHECK_UINT(apply(), MCPZ_OK);
    CHECK(!load().deleted);

    /* Bob, who has not seen it, in the epoch before, with a later stamp and the last word in it.
     */
    first_delta(1, 1);
    delta.actor = bob;
    delta.hlc = 999;
    adds[0] = (struct mcpz_add){MCPZ_ENTRY_FENCED, mcpz_paths_life,
                                mcpz_text("\x93\x01\x02\xa7"
                                          "deleted")};
    CHECK_UINT(apply(), MCPZ_OK);
    CHECK(!load().deleted);
    fake_store_finish(&store);
}

/* ann in her third life has seen one delta of her first, and none or more of her second. */
static void close_two_lives(uint64_t seen_of_second)
{
    first_delta(1, 0);
    delta.actor.generation = 513;
    delta.hlc = 200;
    versions[0] = (struct mcpz_version){ann, 1, {{1}}};
    versions[1] = (struct mcpz_version){
        {.node = ann.node, .generation = 257}, seen_of_second | MCPZ_SEQ_CLOSED, {{1}}};
    delta.version_count = 2;
}

static mcpz_error apply_as_it_is(void)
{
    struct mcpz_document document = load();

    CHECK(is_valid());
    mcpz_error error = apply_to(&document);
    fake_store_end_turn(&store);
    return error;
}

TEST(a_delta_closes_lives_of_its_author_and_what_they_wrote_stays)
{
    fake_store_init(&store);
    first_delta(1, 2);
    CHECK_UINT(apply(), MCPZ_OK);
    first_delta(1, 1);
    delta.actor.generation = 257;
    CHECK_UINT(apply(), MCPZ_OK);
    close_two_lives(1);
    CHECK_UINT(apply_as_it_is(), MCPZ_OK);
    CHECK_UINT(load().clock.count, 2);
    CHECK_UINT(load().entry_count, 3);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_ENTRY), 3);

    /* Somebody else takes one of them out, who has seen that it is closed. */
    first_delta(1, 0);
    delta.actor = bob;
    versions[0] = load().clock.versions[0];
    versions[1] = load().clock.versions[1];
    delta.version_count = 2;
    delta.remove_count = 1;
    removes[0] = (struct mcpz_remove){MCPZ_ENTRY_REGISTER, path, {ann, 1, 0}};
    CHECK_UINT(apply_as_it_is(), MCPZ_OK);
    CHECK_UINT(load().entry_count, 2);
    fake_store_finish(&store);
}

/* It was not there where all signed that there is no more: so it does not count. */
TEST(what_is_behind_the_end_of_a_closed_life_goes)
{
    fake_store_init(&store);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        first_delta(seq, 2);
        CHECK_UINT(apply(), MCPZ_OK);
        first_delta(seq, 1);
        delta.actor.generation = 257;
        CHECK_UINT(apply(), MCPZ_OK);
    }
    CHECK_UINT(load().entry_count, 6);
    close_two_lives(1);
    CHECK_UINT(apply_as_it_is(), MCPZ_OK);
    CHECK_UINT(load().entry_count, 3);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_ENTRY), 3);

    /* Done again in another order, it comes to the same. */
    first_delta(3, 1);
    delta.prev = (struct mcpz_head){{9}};
    CHECK_UINT(apply_as_it_is(), MCPZ_OK);
    CHECK_UINT(load().entry_count, 3);
    CHECK_UINT(load().clock.count, 2);
    CHECK_UINT(load().cuts.count, 0);
    fake_store_finish(&store);
}

/* Whoever closes them contradicts itself: both count, in any order. */
TEST(a_delta_that_does_not_count_closes_lives_all_the_same)
{
    for (int first = 0; first < 2; first++) {
        fake_store_init(&store);
        for (uint64_t seq = 1; seq <= 2; seq++) {
            first_delta(seq, 1);
            CHECK_UINT(apply(), MCPZ_OK);
            first_delta(seq, 1);
            delta.actor.generation = 257;
            CHECK_UINT(apply(), MCPZ_OK);
        }
        for (int i = 0; i < 2; i++) {
            close_two_lives(i == first ? 1 : 2);
            CHECK_UINT(apply_as_it_is(), MCPZ_OK);
        }
        CHECK_UINT(load().cuts.count, 1); /* of the one that closed them */
        CHECK_UINT(load().clock.count, 1);
        CHECK_UINT(load().clock.versions[0].seq, 1 | MCPZ_SEQ_CLOSED);
        CHECK_UINT(load().entry_count, 2);
        fake_store_finish(&store);
    }
}

/* Lives that were closed before stay as they were closed. */
TEST(closing_again_leaves_what_was_closed_before)
{
    fake_store_init(&store);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        first_delta(seq, 1);
        CHECK_UINT(apply(), MCPZ_OK);
    }
    first_delta(1, 1);
    delta.actor.generation = 257;
    CHECK_UINT(apply(), MCPZ_OK);
    first_delta(2, 1);
    delta.actor.generation = 257;
    CHECK_UINT(apply(), MCPZ_OK);
    first_delta(1, 0);
    delta.actor.generation = 513;
    versions[0] = load().clock.versions[0];
    versions[0].seq |= MCPZ_SEQ_CLOSED;
    versions[1] = load().clock.versions[1];
    delta.version_count = 2;
    CHECK_UINT(apply_as_it_is(), MCPZ_OK);
    CHECK_UINT(load().clock.count, 3);
    CHECK_UINT(load().entry_count, 4);

    /* A second time, which has seen less than there is. */
    first_delta(1, 0);
    delta.actor.generation = 769;
    versions[0] = load().clock.versions[0];
    versions[1] =
        (struct mcpz_version){{.node = ann.node, .generation = 257}, 1 | MCPZ_SEQ_CLOSED, {{1}}};
    delta.version_count = 2;
    CHECK_UINT(apply_as_it_is(), MCPZ_OK);
    CHECK_UINT(load().entry_count, 3);
    CHECK_UINT(load().clock.count, 3);
    fake_store_finish(&store);
}

/*
 * ann is set back to when her first two lives were closed. As a fourth life she writes what still
 * names the second as the last that is closed; meanwhile her third life has been closed, too.
 */
TEST(who_inherits_an_earlier_closing_takes_nothing_out)
{
    for (int is_late = 0; is_late < 2; is_late++) {
        fake_store_init(&store);
        first_delta(1, 2);
        CHECK_UINT(apply(), MCPZ_OK);
        first_delta(1, 1);
        delta.actor.generation = 257;
        CHECK_UINT(apply(), MCPZ_OK);
        close_two_lives(1); /* by 513 */
        CHECK_UINT(apply_as_it_is(), MCPZ_OK);
        const struct mcpz_version closed = load().clock.versions[0];
        struct mcpz_version third = load().clock.versions[1];
        for (int i = 0; i < 2; i++) {
            first_delta(1, 1);
            delta.hlc = 300;
            versions[0] = closed;
            versions[1] = third;
            delta.version_count = 2;
            if (i == is_late) {
                delta.actor.generation = 1025;
            } else {
                delta.actor.generation = 769;
                versions[1].seq |= MCPZ_SEQ_CLOSED;
            }
            CHECK_UINT(apply_as_it_is(), MCPZ_OK);
        }
        CHECK_UINT(load().clock.count, 3); /* 513, closed, and the two */
        CHECK_UINT(load().entry_count, 5);
        CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_ENTRY), 5);
        fake_store_finish(&store);
    }
}

/*
 * Where a place is made anew, what somebody did who contradicts itself comes last
 * (engine/remake.h): who closed lives, too. What is behind their end goes all the same, and
 * nothing else does.
 */
TEST(what_inherits_a_closing_may_be_made_anew_before_who_closed_them)
{
    fake_store_init(&store);
    first_delta(1, 1);
    CHECK_UINT(apply(), MCPZ_OK);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        first_delta(seq, 1);
        delta.actor.generation = 257;
        CHECK_UINT(apply(), MCPZ_OK);
    }
    close_two_lives(1);
    const struct mcpz_version closed = versions[1];
    first_delta(1, 1);
    delta.actor.generation = 1025;
    delta.hlc = 300;
    versions[0] = closed;
    delta.version_count = 1;
    CHECK_UINT(apply_as_it_is(), MCPZ_OK);
    CHECK_UINT(load().entry_count, 4);

    close_two_lives(1);
    CHECK_UINT(apply_as_it_is(), MCPZ_OK);
    CHECK_UINT(load().entry_count, 3);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_ENTRY), 3);
    CHECK_UINT(load().clock.count, 3);
    fake_store_finish(&store);
}

/* Its past is not here until who closed them is, who says what there was of each. */
TEST(a_closing_that_names_no_other_life_comes_after_one_that_does)
{
    const struct mcpz_past_recent none = {.tip.seq = 0};
    enum mcpz_past past;

    fake_store_init(&store);
    first_delta(1, 1);
    CHECK_UINT(apply(), MCPZ_OK);
    first_delta(1, 1);
    delta.actor.generation = 257;
    CHECK_UINT(apply(), MCPZ_OK);
    const struct mcpz_document document = load();
    CHECK_UINT(document.clock.count, 2);
    first_delta(1, 0);
    delta.actor.generation = 513;
    delta.hlc = 200;
    versions[0] = document.clock.versions[1];
    versions[0].seq |= MCPZ_SEQ_CLOSED;
    delta.version_count = 1;
    CHECK_UINT(mcpz_past_judge(&store.port, &document, &none, &delta, &past), MCPZ_OK);
    CHECK_UINT(past, MCPZ_PAST_MISSING);

    versions[1] = versions[0];
    versions[0] = document.clock.versions[0];
    delta.version_count = 2;
    CHECK_UINT(mcpz_past_judge(&store.port, &document, &none, &delta, &past), MCPZ_OK);
    CHECK_UINT(past, MCPZ_PAST_COMPLETE);
    fake_store_finish(&store);
}

TEST(nobody_closes_the_life_it_writes_as)
{
    close_two_lives(1);
    CHECK(is_valid());
    delta.actor.generation = 257;
    CHECK(!is_valid());
    delta.actor.generation = 1;
    CHECK(!is_valid());
    set_up();
    delta.seq = MCPZ_SEQ_CLOSED;
    CHECK(!is_valid());
}

TEST(values_must_be_of_their_type)
{
    static const struct {
        uint32_t type;
        const char *value;
        bool is_valid;
    } rows[] = {
        {MCPZ_ENTRY_FLAG, "\xc3", true},
        {MCPZ_ENTRY_FLAG, "\xc2", false},
        {MCPZ_ENTRY_MAP, "\xc0", true},
        {MCPZ_ENTRY_MAP, "\xc3", false},
        {MCPZ_ENTRY_MULTI, "\xc3", true},
        {MCPZ_ENTRY_FENCED, "\x93\x01\x01\x07", true},
        {MCPZ_ENTRY_FENCED, "\x93\x01\x01", false},
        {MCPZ_ENTRY_FENCED, "\x93\xff\x01\x07", false},         /* an epoch of -1 */
        {MCPZ_ENTRY_FENCED, "\x93\x01\xff\x07", false},         /* a rank of -1 */
        {MCPZ_ENTRY_FENCED, "\x93\x01\xcc\xff\x07", true},      /* the greatest rank */
        {MCPZ_ENTRY_FENCED, "\x93\x01\xcd\x01\x01\x07", false}, /* a greater one */
        {MCPZ_ENTRY_FENCED, "\x92\x01\x07", false},
        {MCPZ_ENTRY_BOUNDED, "\x94\x05\x05\x90\x90", true},
        {MCPZ_ENTRY_BOUNDED, "\x94\x05\x06\x90\x90", false}, /* more used than there was */
        {MCPZ_ENTRY_BOUNDED, "\x94\xff\xff\x90\x90", false},
        {MCPZ_ENTRY_BOUNDED, "\x94\x05\x05\x90", false},
        {MCPZ_ENTRY_BOUNDED, "\x05", false},
        {MCPZ_ENTRY_LIST, "\x93\xc4\x04\x01\x01\x01\x01\x07\xa1x", true},
        {MCPZ_ENTRY_LIST, "\x93\xc4\x03\x01\x01\x01\x07\xa1x", false},     /* half a digit */
        {MCPZ_ENTRY_LIST, "\x93\xc4\x04\x01\x01\x01\x01\xff\xa1x", false}, /* an id of -1 */
        {MCPZ_ENTRY_LIST, "\x93\xc4\x04\x01\x01\x01\x01\x07", false},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(rows); i++) {
        first_delta(1, 1);
        adds[0] = (struct mcpz_add){rows[i].type, path, mcpz_text(rows[i].value)};
        CHECK(mcpz_document_delta_is_valid(&delta) == rows[i].is_valid);
    }

    /* A digit of zeros has no room before it. */
    static const uint8_t zeros[] = {0x93, 0xc4, 4, 0, 0, 0, 0, 7, 0xc0};
    first_delta(1, 1);
    adds[0] = (struct mcpz_add){MCPZ_ENTRY_LIST, path, mcpz_bytes(zeros, sizeof(zeros))};
    CHECK(!mcpz_document_delta_is_valid(&delta));
}

TEST(rows_of_counters_are_replaced_by_their_owners_only)
{
    first_delta(2, 1);
    versions[0] = (struct mcpz_version){bob, 1, {{1}}};
    delta.version_count = 1;
    adds[0] = (struct mcpz_add){MCPZ_ENTRY_COUNTER, path, one};
    delta.remove_count = 1;
    removes[0] = (struct mcpz_remove){MCPZ_ENTRY_COUNTER, path, {ann, 1, 0}};
    CHECK(mcpz_document_delta_is_valid(&delta));
    removes[0].dot.actor = bob;
    CHECK(!mcpz_document_delta_is_valid(&delta));

    /* To take it out, and put something else there, is a reset: everybody may. */
    adds[0].type = MCPZ_ENTRY_REGISTER;
    CHECK(mcpz_document_delta_is_valid(&delta));
    delta.add_count = 0;
    CHECK(mcpz_document_delta_is_valid(&delta));
}

TEST(a_name_over_its_bound_is_none)
{
    uint8_t name[2 + MCPZ_AGENT_NAME_BYTES_MAX + 1] = {0xd9, MCPZ_AGENT_NAME_BYTES_MAX};

    memset(name + 2, 'x', MCPZ_AGENT_NAME_BYTES_MAX + 1);
    fake_store_init(&store);
    first_delta(1, 1);
    adds[0] = (struct mcpz_add){MCPZ_ENTRY_REGISTER, mcpz_paths_id,
                                mcpz_bytes(name, 2 + MCPZ_AGENT_NAME_BYTES_MAX)};
    CHECK_UINT(apply(), MCPZ_OK);
    CHECK_UINT(load().name.length, MCPZ_AGENT_NAME_BYTES_MAX);

    name[1]++;
    first_delta(2, 1);
    delta.hlc = 101;
    adds[0] = (struct mcpz_add){MCPZ_ENTRY_REGISTER, mcpz_paths_id,
                                mcpz_bytes(name, 2 + MCPZ_AGENT_NAME_BYTES_MAX + 1)};
    CHECK_UINT(apply(), MCPZ_OK);
    CHECK_UINT(load().name.length, 0);
    fake_store_finish(&store);
}

TEST(one_actor_too_many_is_refused)
{
    fake_store_init(&store);
    for (uint32_t i = 0; i <= MCPZ_ACTORS_MAX; i++) {
        first_delta(1, 1);
        delta.actor.generation = i;
        size_t writes = store.writes;
        CHECK_UINT(apply(), i < MCPZ_ACTORS_MAX ? MCPZ_OK : MCPZ_EFULL);
        CHECK((store.writes == writes) == (i == MCPZ_ACTORS_MAX));
    }
    fake_store_finish(&store);
}

TEST(an_error_leaves_nothing_behind)
{
    static const mcpz_error errors[] = {MCPZ_EIO, MCPZ_ECORRUPT};

    fake_store_init(&store);
    first_delta(1, 2);
    adds[1].path = mcpz_paths_life;
    CHECK_UINT(apply(), MCPZ_OK);

    for (size_t reads = 0;; reads++) {
        struct mcpz_document document = load();
        size_t writes = store.writes;

        first_delta(2, 1);
        adds[0].path = mcpz_paths_id;
        delta.remove_count = 1;
        removes[0] = (struct mcpz_remove){MCPZ_ENTRY_REGISTER, mcpz_paths_life, {ann, 1, 1}};
        follow(&document);
        fake_store_fail_after(&store, reads, errors[reads % 2]);
        mcpz_error error = apply_to(&document);
        fake_store_fail_after(&store, 0, MCPZ_OK);
        if (error == MCPZ_OK) {
            CHECK(reads >= 3); /* the removed entry, life, name */
            break;
        }
        CHECK_UINT(error, errors[reads % 2]);
        CHECK_UINT(store.writes, writes);
        CHECK_UINT(document.clock.versions[0].seq, 1);
    }
    fake_store_fail_after(&store, 0, MCPZ_EIO);
    CHECK_UINT(mcpz_document_load(&store.port, &id, &(struct mcpz_document){.exists = true}),
               MCPZ_EIO);
    fake_store_finish(&store);
}

TEST(a_record_that_cannot_be_is_corrupt)
{
    struct mcpz_document document;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DOCUMENT,
        .document = {.id = id, .versions = versions, .version_count = 2},
    };

    fake_store_init(&store);
    set_up();
    versions[1] = versions[0];
    store.port.put(store.port.context, &record);
    CHECK_UINT(mcpz_document_load(&store.port, &id, &document), MCPZ_ECORRUPT);

    /* Fewer entries counted than are there to be removed. */
    set_up();
    record.document.version_count = 1;
    versions[0] = (struct mcpz_version){ann, 1, {{1}}};
    store.port.put(store.port.context, &record);
    struct mcpz_record entry = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {id, path, MCPZ_ENTRY_REGISTER, {ann, 1, 0}, 5, one},
    };
    store.port.put(store.port.context, &entry);
    first_delta(2, 0);
    delta.remove_count = 1;
    removes[0] = (struct mcpz_remove){MCPZ_ENTRY_REGISTER, path, {ann, 1, 0}};
    CHECK_UINT(apply(), MCPZ_ECORRUPT);
    fake_store_finish(&store);
}

TEST(the_digest_tells_states_apart)
{
    struct mcpz_version two[2] = {{{{{1}}, 1}, 2, {{3}}}, {{{{2}}, 1}, 1, {{4}}}};
    struct mcpz_record_document document = {.id = {{7}}, .versions = two, .version_count = 2};
    const uint64_t digest = mcpz_document_digest(&document);

    CHECK_UINT(mcpz_document_digest(&document), digest);
    document.hlc = 9; /* follows from the rest */
    CHECK_UINT(mcpz_document_digest(&document), digest);
    document.id.bytes[0] = 8;
    CHECK(mcpz_document_digest(&document) != digest);
    document.id.bytes[0] = 7;
    document.version_count = 1;
    CHECK(mcpz_document_digest(&document) != digest);
    document.version_count = 2;
    two[1].seq = 2;
    CHECK(mcpz_document_digest(&document) != digest);
    two[1].seq = 1;
    two[1].actor.generation = 2;
    CHECK(mcpz_document_digest(&document) != digest);
    two[1].actor.generation = 1;
    two[1].head.bytes[15] = 1;
    CHECK(mcpz_document_digest(&document) != digest);
    two[1].head.bytes[15] = 0;
    CHECK_UINT(mcpz_document_digest(&document), digest);
    CHECK(mcpz_document_hash((struct mcpz_siphash_key){1, 2}, &document) !=
          mcpz_document_hash((struct mcpz_siphash_key){1, 3}, &document));
}

TEST_MAIN(RUN(the_digest_tells_states_apart), RUN(a_delta_within_its_bounds_is_valid),
          RUN(too_many_adds_removes_or_versions_are_refused),
          RUN(its_own_past_is_named_by_the_delta_before_it),
          RUN(nobody_removes_what_they_have_not_seen),
          RUN(a_dot_is_removed_once_and_has_an_index_in_bounds),
          RUN(types_paths_and_values_are_checked), RUN(what_is_applied_is_there),
          RUN(within_an_epoch_the_greatest_stamp_decides_over_life_and_name),
          RUN(a_later_epoch_decides_over_life_whatever_its_stamp),
          RUN(a_delta_closes_lives_of_its_author_and_what_they_wrote_stays),
          RUN(what_is_behind_the_end_of_a_closed_life_goes),
          RUN(a_delta_that_does_not_count_closes_lives_all_the_same),
          RUN(closing_again_leaves_what_was_closed_before),
          RUN(who_inherits_an_earlier_closing_takes_nothing_out),
          RUN(what_inherits_a_closing_may_be_made_anew_before_who_closed_them),
          RUN(a_closing_that_names_no_other_life_comes_after_one_that_does),
          RUN(nobody_closes_the_life_it_writes_as), RUN(values_must_be_of_their_type),
          RUN(rows_of_counters_are_replaced_by_their_owners_only),
          RUN(a_name_over_its_bound_is_none), RUN(one_actor_too_many_is_refused),
          RUN(an_error_leaves_nothing_behind), RUN(a_record_that_cannot_be_is_corrupt))
