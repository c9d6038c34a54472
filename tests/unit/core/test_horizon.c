#include "core/crdt/held.h"
#include "core/crdt/horizon.h"
#include "core/crdt/origin.h"
#include "fake_store.h"
#include "test.h"

#define DAY UINT64_C(86400000)
#define NOW UINT64_C(1700000000000)

static struct fake_store below;
static struct mcpz_horizon horizon;
static const struct mcpz_id ann = {{'a'}};
static const struct mcpz_id bob = {{'b'}};

static void set_up(void)
{
    fake_store_finish(&below);
    fake_store_init(&below);
    mcpz_horizon_init(&horizon, &below.port, 10 * DAY);
    CHECK_UINT(mcpz_horizon_load(&horizon, 0), MCPZ_OK);
    horizon.is_majority = true;
    horizon.row.since_ms = 1; /* long ago */
}

static struct mcpz_record_horizon kept(void)
{
    CHECK_UINT(fake_store_count(&below, MCPZ_RECORD_HORIZON), 1);
    return fake_store_at(&below, MCPZ_RECORD_HORIZON, 0)->horizon;
}

static struct mcpz_horizon_news hear(const struct mcpz_id *from, struct mcpz_msg_horizon said,
                                     bool is_empty)
{
    const struct mcpz_horizon_sight sight = {.wall_ms = NOW, .hlc = 77, .is_empty = is_empty};

    return mcpz_horizon_hear(&horizon, from, &said, &sight);
}

/* Have all who are to be told be told. Returns how many, and the last that was said. */
static size_t tell(struct mcpz_msg_horizon *said)
{
    size_t count = 0;

    for (struct mcpz_horizon_peer *peer = mcpz_horizon_next(&horizon, said); peer != NULL;
         peer = mcpz_horizon_next(&horizon, said)) {
        mcpz_horizon_told(peer);
        count++;
    }
    CHECK(!mcpz_horizon_owes(&horizon));
    return count;
}

TEST(a_horizon_lies_the_grace_back_and_moves_in_steps)
{
    CHECK_UINT(mcpz_horizon_of(NOW, 10 * DAY), (NOW - 10 * DAY) / DAY * DAY);
    CHECK_UINT(mcpz_horizon_of(100 * DAY, 100 * DAY), 0);
    CHECK_UINT(mcpz_horizon_of(1000, 100), 900);
    CHECK_UINT(mcpz_horizon_of(1009, 100), 900);
    CHECK_UINT(mcpz_horizon_of(1010, 100), 910);
    CHECK_UINT(mcpz_horizon_of(1000, 5), 995);
    CHECK_UINT(mcpz_horizon_of(1000 * DAY, 900 * DAY), 100 * DAY);
    CHECK_UINT(mcpz_horizon_of(0, 0), 0);
}

TEST(where_nothing_was_forgotten_nobody_is_stale_and_nothing_is_said)
{
    struct mcpz_msg_horizon said;

    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    CHECK_UINT(tell(&said), 0);
    CHECK(!mcpz_horizon_is_stale(&horizon));
    CHECK(!mcpz_horizon_holds(&horizon, &ann));
    CHECK(!mcpz_horizon_holds(&horizon, &bob)); /* not even one that we do not know */
}

TEST(one_who_has_all_of_ours_makes_us_fresh)
{
    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    (void)hear(&ann, (struct mcpz_msg_horizon){.had_ms = NOW - 5}, false);
    CHECK_UINT(horizon.row.fresh_ms, NOW - 5);
    CHECK_UINT(kept().fresh_ms, NOW - 5);
    (void)hear(&ann, (struct mcpz_msg_horizon){.had_ms = NOW - 9}, false);
    CHECK_UINT(horizon.row.fresh_ms, NOW - 5); /* it does not go back */
    (void)hear(&ann, (struct mcpz_msg_horizon){.had_ms = NOW + DAY}, false);
    CHECK_UINT(horizon.row.fresh_ms, NOW); /* nor ahead of our own clock */
    CHECK_UINT(kept().fresh_ms, NOW - 5);  /* that little is not worth a write */
}

TEST(what_a_peer_had_before_we_came_says_nothing)
{
    struct mcpz_msg_horizon said;

    set_up();
    horizon.row.since_ms = 0;
    mcpz_horizon_linked(&horizon, &ann, NOW - 3);
    (void)hear(&ann, (struct mcpz_msg_horizon){.had_ms = NOW - 3}, false);
    CHECK_UINT(horizon.row.fresh_ms, 0);
    mcpz_horizon_had(&horizon, &ann, NOW);
    CHECK_UINT(tell(&said), 1);
    CHECK_UINT(said.had_ms, NOW); /* with somebody it has to begin */
    (void)hear(&ann, (struct mcpz_msg_horizon){.had_ms = NOW - 2}, false);
    CHECK_UINT(horizon.row.fresh_ms, NOW - 2);
}

TEST(less_than_a_majority_says_nothing)
{
    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    horizon.is_majority = false;
    (void)hear(&ann, (struct mcpz_msg_horizon){.had_ms = NOW - 5}, false);
    CHECK_UINT(horizon.row.fresh_ms, 0);
}

TEST(who_was_away_before_the_horizon_is_stale)
{
    struct mcpz_msg_horizon said;

    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    mcpz_horizon_linked(&horizon, &bob, NOW);
    (void)hear(&ann, (struct mcpz_msg_horizon){.had_ms = NOW - 30 * DAY}, false);
    (void)tell(&said);

    const struct mcpz_horizon_news news =
        hear(&bob, (struct mcpz_msg_horizon){NOW - 20 * DAY, NOW, true, 0}, false);
    CHECK(news.has_risen && !news.is_lifted && !news.is_invalid);
    CHECK(mcpz_horizon_is_stale(&horizon));
    CHECK_UINT(kept().horizon_ms, NOW - 20 * DAY);
    CHECK_UINT(kept().told_hlc, 77); /* what is written from here on nobody has */
    CHECK(!mcpz_horizon_holds(&horizon, &bob));
    CHECK(mcpz_horizon_holds(&horizon, &ann)); /* it was not here since either */
    CHECK(mcpz_horizon_is_vouched_by(&horizon, &bob));
    CHECK(!mcpz_horizon_vouches(&horizon));
    CHECK_UINT(tell(&said), 2); /* and bob: it has to know how fresh we are */
    CHECK_UINT(said.fresh_ms, NOW - 30 * DAY);
    CHECK_UINT(said.had_ms, 0);

    /* Nobody else's word makes it fresh, as it may have what they have not. */
    (void)hear(&bob, (struct mcpz_msg_horizon){NOW - 20 * DAY, NOW, true, NOW}, false);
    CHECK(mcpz_horizon_is_stale(&horizon));
    mcpz_horizon_freshen(&horizon, NOW - 1, NOW);
    CHECK(!mcpz_horizon_is_stale(&horizon));
    CHECK_UINT(kept().fresh_ms, NOW - 1);
    CHECK_UINT(kept().told_hlc, MCPZ_HORIZON_TOLD_ALL);
    CHECK(!mcpz_horizon_vouches(&horizon)); /* what it lacks may have been written meanwhile */
    CHECK_UINT(tell(&said), 2);
}

TEST(who_was_off_as_long_as_all_others_is_not)
{
    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    (void)hear(&ann, (struct mcpz_msg_horizon){0, 0, false, NOW - 30 * DAY}, false);
    (void)hear(&ann, (struct mcpz_msg_horizon){NOW - 40 * DAY, NOW - 30 * DAY, true, 0}, false);
    CHECK(!mcpz_horizon_is_stale(&horizon));
    CHECK(!mcpz_horizon_holds(&horizon, &ann));
}

TEST(a_peer_is_held_until_it_has_said_how_fresh_it_is)
{
    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    (void)hear(&ann, (struct mcpz_msg_horizon){0, NOW, false, NOW}, false);
    CHECK(mcpz_horizon_raise(&horizon, NOW - 10 * DAY));
    mcpz_horizon_linked(&horizon, &bob, NOW);
    CHECK(!mcpz_horizon_holds(&horizon, &ann));
    CHECK(mcpz_horizon_holds(&horizon, &bob));

    const struct mcpz_horizon_news news =
        hear(&bob, (struct mcpz_msg_horizon){NOW - 10 * DAY, NOW - 10 * DAY, false, 0}, false);
    CHECK(news.is_lifted && !news.has_risen);
    CHECK(!mcpz_horizon_holds(&horizon, &bob));
    (void)hear(&bob, (struct mcpz_msg_horizon){0, NOW - 10 * DAY - 1, false, 0}, false);
    CHECK(mcpz_horizon_holds(&horizon, &bob)); /* one millisecond makes it */
    mcpz_horizon_unlinked(&horizon, &ann, 1);
    CHECK(mcpz_horizon_holds(&horizon, &ann));
}

TEST(raising_it_is_told_to_all_and_never_makes_us_stale)
{
    struct mcpz_msg_horizon said;

    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    mcpz_horizon_linked(&horizon, &bob, NOW);
    CHECK(
        !mcpz_horizon_raise(&horizon, NOW - 10 * DAY)); /* as far as we know we were never here */
    (void)hear(&ann, (struct mcpz_msg_horizon){0, NOW, false, NOW}, false);
    (void)tell(&said);
    CHECK(!mcpz_horizon_raise(&horizon, NOW + 1)); /* by a clock that is ahead */
    CHECK_UINT(tell(&said), 0);
    CHECK(mcpz_horizon_raise(&horizon, NOW - 10 * DAY));
    CHECK_UINT(kept().horizon_ms, NOW - 10 * DAY);
    CHECK_UINT(tell(&said), 2);
    CHECK_UINT(said.horizon_ms, NOW - 10 * DAY);
    CHECK(mcpz_horizon_raise(&horizon, NOW - 11 * DAY)); /* it is that high already */
    CHECK_UINT(horizon.row.horizon_ms, NOW - 10 * DAY);
    CHECK_UINT(tell(&said), 0);
    CHECK_UINT(horizon.rises, 1);
}

TEST(a_horizon_that_nobody_can_have_is_refused)
{
    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    CHECK(hear(&ann, (struct mcpz_msg_horizon){NOW - 5 * DAY + 1, NOW, true, NOW}, false)
              .is_invalid);
    CHECK_UINT(horizon.row.horizon_ms, 0);
    CHECK_UINT(horizon.row.fresh_ms, 0);
    CHECK_UINT(horizon.refused, 1);
    CHECK(!hear(&ann, (struct mcpz_msg_horizon){NOW - 5 * DAY, NOW, true, 0}, false).is_invalid);
    CHECK_UINT(horizon.row.horizon_ms, NOW - 5 * DAY);
    CHECK(hear(&bob, (struct mcpz_msg_horizon){0}, false).is_invalid); /* who is not linked */
}

TEST(who_has_nothing_is_as_fresh_as_the_first_it_meets)
{
    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    (void)hear(&ann, (struct mcpz_msg_horizon){0, NOW - 30 * DAY, false, 0}, true);
    CHECK_UINT(kept().fresh_ms, NOW - 30 * DAY);
    mcpz_horizon_linked(&horizon, &bob, NOW);
    (void)hear(&bob, (struct mcpz_msg_horizon){NOW - 20 * DAY, NOW, true, 0}, false);
    CHECK(mcpz_horizon_is_stale(&horizon)); /* what it has by now it has from ann */

    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    mcpz_horizon_linked(&horizon, &bob, NOW);
    (void)hear(&ann, (struct mcpz_msg_horizon){0, NOW - 30 * DAY, false, 0}, true);
    (void)hear(&bob, (struct mcpz_msg_horizon){NOW - 20 * DAY, NOW, true, 0}, true);
    CHECK(!mcpz_horizon_is_stale(&horizon));
    CHECK(mcpz_horizon_holds(&horizon, &ann)); /* and so ann cannot make it stale */
    CHECK(!mcpz_horizon_vouches(&horizon));    /* it lacks what bob has */
}

TEST(vouches_who_was_here_before_or_had_all_of_who_vouches)
{
    struct mcpz_msg_horizon said;

    set_up();
    horizon.row.since_ms = 0;
    mcpz_horizon_linked(&horizon, &ann, NOW - 30 * DAY);
    (void)hear(&ann, (struct mcpz_msg_horizon){0, NOW, false, NOW}, false);
    CHECK(!mcpz_horizon_vouches(&horizon)); /* nothing was forgotten: there is nothing to say */
    CHECK(mcpz_horizon_raise(&horizon, NOW - 30 * DAY));
    CHECK(!mcpz_horizon_vouches(&horizon));
    CHECK(mcpz_horizon_raise(&horizon, NOW - 10 * DAY));
    CHECK(mcpz_horizon_vouches(&horizon));

    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    (void)hear(&ann, (struct mcpz_msg_horizon){NOW - 10 * DAY, NOW, false, 0}, true);
    mcpz_horizon_is_equal(&horizon, &ann);
    mcpz_horizon_had(&horizon, &ann, NOW);
    CHECK(!mcpz_horizon_vouches(&horizon));
    (void)hear(&ann, (struct mcpz_msg_horizon){NOW - 10 * DAY, NOW, true, 0}, false);
    mcpz_horizon_had(&horizon, &ann, NOW);
    CHECK(!mcpz_horizon_vouches(&horizon));
    (void)tell(&said);
    mcpz_horizon_is_equal(&horizon, &ann);
    mcpz_horizon_had(&horizon, &ann, NOW);
    CHECK(mcpz_horizon_vouches(&horizon));
    CHECK(kept().is_whole);
    CHECK_UINT(tell(&said), 1);
    CHECK(said.is_whole);
}

/* What it took in was lost with a batch, while its disk was full; the link stands. */
TEST(who_says_that_it_knows_of_an_earlier_horizon_is_told_ours_again)
{
    struct mcpz_msg_horizon said;

    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    (void)hear(&ann, (struct mcpz_msg_horizon){0, NOW, false, NOW}, false);
    CHECK(mcpz_horizon_raise(&horizon, NOW - 10 * DAY));
    CHECK_UINT(tell(&said), 1);
    (void)hear(&ann, (struct mcpz_msg_horizon){NOW - 10 * DAY, NOW, false, 0}, false);
    CHECK_UINT(tell(&said), 0);
    (void)hear(&ann, (struct mcpz_msg_horizon){0, NOW - 20 * DAY, false, 0}, false);
    CHECK_UINT(tell(&said), 1);
    CHECK_UINT(said.horizon_ms, NOW - 10 * DAY);
}

TEST(a_peer_is_told_now_and_then_that_we_have_all_it_has)
{
    struct mcpz_msg_horizon said;

    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    mcpz_horizon_had(&horizon, &ann, NOW);
    CHECK_UINT(tell(&said), 1);
    CHECK_UINT(said.had_ms, NOW);
    mcpz_horizon_had(&horizon, &ann, NOW + MCPZ_HORIZON_HAD_AGAIN_MS - 1);
    CHECK_UINT(tell(&said), 0);
    mcpz_horizon_had(&horizon, &ann, NOW + MCPZ_HORIZON_HAD_AGAIN_MS);
    CHECK_UINT(tell(&said), 1);
    CHECK_UINT(said.had_ms, NOW + MCPZ_HORIZON_HAD_AGAIN_MS);
    mcpz_horizon_had(&horizon, &bob, NOW); /* who is not linked is not */
    CHECK_UINT(tell(&said), 0);
}

TEST(who_sees_no_majority_passes_on_how_fresh_it_is)
{
    struct mcpz_msg_horizon said;

    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    mcpz_horizon_linked(&horizon, &bob, NOW);
    horizon.is_majority = false;
    mcpz_horizon_had(&horizon, &ann, NOW);
    CHECK_UINT(tell(&said), 1);
    CHECK_UINT(said.had_ms, 0); /* it never was */
    horizon.is_majority = true;
    (void)hear(&ann, (struct mcpz_msg_horizon){.had_ms = NOW - 5 * DAY}, false);
    horizon.is_majority = false;
    mcpz_horizon_had(&horizon, &bob, NOW);
    CHECK_UINT(tell(&said), 1);
    CHECK_UINT(said.had_ms, NOW - 5 * DAY);
}

/* Those who came through one that is cut off may be many: they say of each other what it is. */
TEST(who_has_come_through_another_makes_nobody_fresh)
{
    struct mcpz_msg_horizon said;

    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    mcpz_horizon_linked(&horizon, &bob, NOW);
    (void)hear(&ann, (struct mcpz_msg_horizon){.fresh_ms = NOW - 15 * DAY}, true);
    mcpz_horizon_is_equal(&horizon, &bob);
    mcpz_horizon_had(&horizon, &bob, NOW);
    CHECK_UINT(tell(&said), 1);
    CHECK_UINT(said.had_ms, NOW - 15 * DAY);
    (void)hear(&bob, (struct mcpz_msg_horizon){.had_ms = NOW - 15 * DAY}, false);
    CHECK_UINT(horizon.row.fresh_ms, NOW - 15 * DAY);

    /* One that is none has been with it since. */
    const struct mcpz_horizon_sight later = {.wall_ms = NOW + 10, .hlc = 77};
    const struct mcpz_msg_horizon had = {.fresh_ms = NOW, .had_ms = NOW + 5};
    (void)mcpz_horizon_hear(&horizon, &ann, &had, &later);
    CHECK_UINT(horizon.row.fresh_ms, NOW + 5);
    mcpz_horizon_is_equal(&horizon, &bob);
    mcpz_horizon_had(&horizon, &bob, NOW + MCPZ_HORIZON_HAD_AGAIN_MS);
    CHECK_UINT(tell(&said), 1);
    CHECK_UINT(said.had_ms, NOW + MCPZ_HORIZON_HAD_AGAIN_MS);
}

/* As those who found a mesh, and who have forgotten all they had: none of them has come. */
TEST(who_has_nothing_stays_who_it_is_where_others_have_nothing)
{
    const struct mcpz_horizon_sight later = {.wall_ms = NOW + 10, .hlc = 77, .is_empty = true};
    const struct mcpz_msg_horizon said = {.fresh_ms = NOW + 8};

    set_up();
    horizon.row.since_ms = 0;
    mcpz_horizon_linked(&horizon, &ann, NOW - 30 * DAY);
    (void)hear(&ann, (struct mcpz_msg_horizon){.had_ms = NOW}, true);
    CHECK(mcpz_horizon_raise(&horizon, NOW - 10 * DAY));
    (void)mcpz_horizon_hear(&horizon, &ann, &said, &later);
    CHECK_UINT(horizon.row.fresh_ms, NOW);
    CHECK_UINT(horizon.row.since_ms, NOW - 30 * DAY);
    CHECK(
        mcpz_horizon_vouches(&horizon)); /* or nobody could say that what is stale was forgotten */
}

TEST(what_was_written_alone_is_told_from_what_others_may_have)
{
    set_up();
    CHECK_UINT(horizon.row.told_hlc, 0);
    mcpz_horizon_linked(&horizon, &ann, NOW);
    CHECK_UINT(kept().told_hlc, MCPZ_HORIZON_TOLD_ALL);
    mcpz_horizon_linked(&horizon, &bob, NOW);
    mcpz_horizon_unlinked(&horizon, &ann, 500);
    CHECK_UINT(kept().told_hlc, MCPZ_HORIZON_TOLD_ALL);
    mcpz_horizon_unlinked(&horizon, &bob, 501);
    CHECK_UINT(kept().told_hlc, 501);

    /* Killed while linked: all that is there may be told. */
    mcpz_horizon_linked(&horizon, &ann, NOW);
    mcpz_horizon_init(&horizon, &below.port, 10 * DAY);
    CHECK_UINT(mcpz_horizon_load(&horizon, 600), MCPZ_OK);
    CHECK_UINT(horizon.row.told_hlc, 600);
    CHECK_UINT(kept().told_hlc, 600);
    mcpz_horizon_init(&horizon, &below.port, 10 * DAY);
    CHECK_UINT(mcpz_horizon_load(&horizon, 700), MCPZ_OK);
    CHECK_UINT(horizon.row.told_hlc, 600); /* what came since was written alone */
}

/* Of a full disk no write may follow from the one before that has failed. */
TEST(what_is_read_again_as_a_batch_was_lost_is_written_later)
{
    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    const struct mcpz_record before = {.kind = MCPZ_RECORD_HORIZON, .horizon = kept()};
    mcpz_horizon_unlinked(&horizon, &ann, 500);
    below.port.put(below.port.context, &before);

    CHECK_UINT(mcpz_horizon_load(&horizon, 600), MCPZ_OK);
    CHECK_UINT(horizon.row.told_hlc, 500);
    CHECK_UINT(kept().told_hlc, MCPZ_HORIZON_TOLD_ALL);
    mcpz_horizon_rewrite(&horizon);
    CHECK_UINT(kept().told_hlc, 500);
    below.port.put(below.port.context, &before);
    mcpz_horizon_rewrite(&horizon); /* it is there, as far as is known */
    CHECK_UINT(kept().told_hlc, MCPZ_HORIZON_TOLD_ALL);

    /* Who is linked has told all, whatever was lost. */
    mcpz_horizon_linked(&horizon, &ann, NOW);
    CHECK_UINT(horizon.row.told_hlc, MCPZ_HORIZON_TOLD_ALL);
    CHECK_UINT(mcpz_horizon_load(&horizon, 700), MCPZ_OK);
    CHECK_UINT(horizon.row.told_hlc, MCPZ_HORIZON_TOLD_ALL);
}

TEST(what_two_who_were_away_tell_each_other_was_still_written_alone)
{
    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW - 30 * DAY);
    (void)hear(&ann, (struct mcpz_msg_horizon){.had_ms = NOW - 30 * DAY}, false);
    mcpz_horizon_unlinked(&horizon, &ann, 500);

    mcpz_horizon_linked(&horizon, &bob, NOW);
    (void)hear(&bob, (struct mcpz_msg_horizon){0, NOW - 29 * DAY, false, 0}, false);
    CHECK_UINT(kept().told_hlc, 500);
    (void)hear(&bob, (struct mcpz_msg_horizon){0, NOW - DAY, false, 0}, false);
    CHECK_UINT(kept().told_hlc, MCPZ_HORIZON_TOLD_ALL); /* it has been with others */
}

TEST(a_row_that_cannot_be_read_is_an_error)
{
    set_up();
    fake_store_fail_after(&below, 0, MCPZ_EIO);
    CHECK_UINT(mcpz_horizon_load(&horizon, 1), MCPZ_EIO);
    fake_store_fail_after(&below, 0, MCPZ_OK);
}

/* ---- What is held ------------------------------------------------------------------------- */

static struct mcpz_document document;

static struct mcpz_version version_of(char node, uint32_t life, uint64_t seq)
{
    return (struct mcpz_version){.actor = {{{(uint8_t)node}}, life}, .seq = seq};
}

static void written_by(char node, uint32_t life, uint64_t seq)
{
    document = (struct mcpz_document){.exists = true};
    document.clock.versions[0] = version_of(node, life, seq);
    document.clock.count = 1;
}

static struct mcpz_delta delta_by(char node, uint32_t life, uint64_t seq, uint64_t ms)
{
    return (struct mcpz_delta){
        .actor = {{{(uint8_t)node}}, life}, .seq = seq, .hlc = mcpz_hlc_of_ms(ms)};
}

static bool is_held(struct mcpz_delta delta)
{
    return mcpz_held_delta(&horizon, &ann, &document, &delta);
}

static void ann_is_stale(void)
{
    set_up();
    mcpz_horizon_linked(&horizon, &bob, NOW);
    (void)hear(&bob, (struct mcpz_msg_horizon){0, NOW, false, NOW}, false);
    CHECK(mcpz_horizon_raise(&horizon, NOW - 10 * DAY));
    mcpz_horizon_linked(&horizon, &ann, NOW);
    (void)hear(&ann, (struct mcpz_msg_horizon){0, NOW - 30 * DAY, false, 0}, false);
}

TEST(what_we_do_not_have_is_not_taken_from_who_is_stale)
{
    ann_is_stale();
    document = (struct mcpz_document){.exists = false};
    CHECK(is_held(delta_by('x', 1, 1, NOW - 30 * DAY)));
    CHECK(is_held(delta_by('x', 1, 1, NOW - 10 * DAY)));
    CHECK(!is_held(delta_by('x', 1, 1, NOW - 10 * DAY + 1))); /* begun since */
    CHECK(is_held(delta_by('x', 1, 2, NOW)));                 /* gone on with since */
    struct mcpz_delta delta = delta_by('x', 1, 1, NOW);
    const struct mcpz_version seen = version_of('y', 1, 1);
    delta.versions = &seen;
    delta.version_count = 1;
    CHECK(is_held(delta));
    CHECK(!mcpz_held_delta(&horizon, &bob, &document, &delta));
    const struct mcpz_checkpoint_head head = {.versions = &seen, .version_count = 1};
    CHECK(mcpz_held_base(&horizon, &ann, &document, &head));
    CHECK(!mcpz_held_base(&horizon, &bob, &document, &head));
}

TEST(what_both_have_merges_unless_it_began_apart)
{
    ann_is_stale();
    written_by('x', 1, 5);
    CHECK(!is_held(delta_by('x', 1, 6, NOW - 30 * DAY)));
    CHECK(is_held(delta_by('z', 1, 1, NOW - 30 * DAY)));
    CHECK(is_held(delta_by('x', 2, 1, NOW))); /* another life began another document */
    struct mcpz_delta delta = delta_by('z', 1, 1, NOW - 30 * DAY);
    const struct mcpz_version seen = version_of('x', 1, 5);
    delta.versions = &seen;
    delta.version_count = 1;
    CHECK(!is_held(delta));
    const struct mcpz_checkpoint_head head = {.versions = &seen, .version_count = 1};
    CHECK(!mcpz_held_base(&horizon, &ann, &document, &head));
    written_by('y', 1, 5);
    CHECK(is_held(delta));
    CHECK(mcpz_held_base(&horizon, &ann, &document, &head));
    CHECK(!mcpz_held_delta(&horizon, &bob, &document, &delta));
}

TEST(a_place_that_closes_lives_stands_for_those_before)
{
    ann_is_stale();
    written_by('x', 9, 5 | MCPZ_SEQ_CLOSED);
    CHECK(!is_held(delta_by('x', 3, 6, NOW - 30 * DAY)));
    CHECK(is_held(delta_by('x', 10, 1, NOW - 30 * DAY)));
    written_by('x', 3, 5);
    struct mcpz_delta delta = delta_by('z', 1, 1, NOW - 30 * DAY);
    const struct mcpz_version seen = version_of('x', 9, 5 | MCPZ_SEQ_CLOSED);
    delta.versions = &seen;
    delta.version_count = 1;
    CHECK(!is_held(delta));
}

TEST(who_is_stale_itself_mixes_no_two_documents)
{
    set_up();
    mcpz_horizon_linked(&horizon, &ann, NOW);
    (void)hear(&ann, (struct mcpz_msg_horizon){NOW - 10 * DAY, NOW, true, 0}, false);
    CHECK(mcpz_horizon_is_stale(&horizon));
    written_by('x', 1, 5);
    CHECK(is_held(delta_by('z', 1, 1, NOW)));
    CHECK(!is_held(delta_by('x', 1, 6, NOW)));
    document = (struct mcpz_document){.exists = false};
    CHECK(!is_held(delta_by('z', 1, 1, NOW - 30 * DAY)));
}

TEST(a_row_says_who_has_written)
{
    const struct mcpz_version versions[] = {version_of('x', 0x01020304, 1),
                                            version_of('y', 9, 5 | MCPZ_SEQ_CLOSED)};
    const struct mcpz_cut cut = {.actor = {{{'z'}}, 2}, .seq = 1};
    const struct mcpz_record_document record = {
        .versions = versions, .version_count = 2, .cuts = &cut, .cut_count = 1};
    uint8_t bytes[MCPZ_ORIGIN_BYTES_MAX];

    const size_t length = mcpz_origin_pack(&record, bytes);
    CHECK_UINT(length, 39);
    CHECK(memcmp(bytes,
                 "x\0\0\0\0\0\0\0\1\2\3\4\0"
                 "y\0\0\0\0\0\0\0\0\0\0\x09\1"
                 "z\0\0\0\0\0\0\0\0\0\0\2\0",
                 39) == 0);
    struct mcpz_check_row row = {.actors = mcpz_bytes(bytes, length)};
    written_by('y', 3, 1);
    CHECK(mcpz_origin_has_row(&document, &row));
    written_by('y', 10, 1);
    CHECK(!mcpz_origin_has_row(&document, &row));
    document.cuts.cuts[0] = cut;
    document.cuts.count = 1;
    CHECK(mcpz_origin_has_row(&document, &row));
    row.actors.length--;
    CHECK(!mcpz_origin_has_row(&document, &row)); /* not a list of writers */
    row.actors = mcpz_bytes(NULL, 0);
    CHECK(!mcpz_origin_has_row(&document, &row));
}

TEST_MAIN(RUN(a_horizon_lies_the_grace_back_and_moves_in_steps),
          RUN(where_nothing_was_forgotten_nobody_is_stale_and_nothing_is_said),
          RUN(one_who_has_all_of_ours_makes_us_fresh),
          RUN(what_a_peer_had_before_we_came_says_nothing), RUN(less_than_a_majority_says_nothing),
          RUN(who_was_away_before_the_horizon_is_stale),
          RUN(who_was_off_as_long_as_all_others_is_not),
          RUN(a_peer_is_held_until_it_has_said_how_fresh_it_is),
          RUN(raising_it_is_told_to_all_and_never_makes_us_stale),
          RUN(a_horizon_that_nobody_can_have_is_refused),
          RUN(who_has_nothing_is_as_fresh_as_the_first_it_meets),
          RUN(vouches_who_was_here_before_or_had_all_of_who_vouches),
          RUN(who_says_that_it_knows_of_an_earlier_horizon_is_told_ours_again),
          RUN(a_peer_is_told_now_and_then_that_we_have_all_it_has),
          RUN(who_sees_no_majority_passes_on_how_fresh_it_is),
          RUN(who_has_come_through_another_makes_nobody_fresh),
          RUN(who_has_nothing_stays_who_it_is_where_others_have_nothing),
          RUN(what_was_written_alone_is_told_from_what_others_may_have),
          RUN(what_is_read_again_as_a_batch_was_lost_is_written_later),
          RUN(what_two_who_were_away_tell_each_other_was_still_written_alone),
          RUN(a_row_that_cannot_be_read_is_an_error),
          RUN(what_we_do_not_have_is_not_taken_from_who_is_stale),
          RUN(what_both_have_merges_unless_it_began_apart),
          RUN(a_place_that_closes_lives_stands_for_those_before),
          RUN(who_is_stale_itself_mixes_no_two_documents), RUN(a_row_says_who_has_written))
