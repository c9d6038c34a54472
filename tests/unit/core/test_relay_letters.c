/* What owners of documents say in a session: pieces, and how many are under way. */

#include "relay_world.h"

static void write_letter(bool goes_on, struct mcpz_bytes bytes)
{
    CHECK(show(HERE,
               (struct mcpz_event){
                   .kind = MCPZ_EVENT_LETTER,
                   .letter = {.peer = id_of(THERE), .goes_on = goes_on, .bytes = bytes}})
              .taken);
}

static bool takes_letter(void)
{
    const struct mcpz_id peer = id_of(THERE);

    return mcpz_relay_takes_letter(&ends[HERE].relay, &peer);
}

TEST(a_letter_comes_as_it_was_written)
{
    const struct mcpz_id here = id_of(HERE);

    set_up_row();
    write_letter(false, mcpz_text("to nobody"));
    CHECK(!takes_letter() && queued == 0);

    come_up_here();
    CHECK(takes_letter());
    write_letter(true, mcpz_text("dear"));
    deliver();
    CHECK(ends[THERE].letter.goes_on);
    CHECK(mcpz_id_equal(&ends[THERE].letter.from, &here));
    CHECK(mcpz_bytes_equal(ends[THERE].letter.bytes, mcpz_text("dear")));
    write_letter(false, mcpz_text(" friend"));
    deliver();
    CHECK(!ends[THERE].letter.goes_on);
    CHECK(mcpz_bytes_equal(ends[THERE].letter.bytes, mcpz_text(" friend")));
    CHECK_UINT(ends[THERE].letters, 2);
    CHECK_UINT(ends[THERE].heard[0], 0);
    CHECK_UINT(ends[BETWEEN].letters, 0);
    write_letter(false, mcpz_bytes(NULL, 0)); /* nothing is no letter */
    CHECK_UINT(queued, 0);
}

/* The other end says so when it has taken a quarter of what may be under way. */
TEST(letters_under_way_are_bounded_by_what_is_taken)
{
    static const uint8_t zeros[400];
    struct mcpz_relay_session *session = &ends[HERE].relay.sessions[0];
    uint32_t most = 0;

    come_up_here();
    for (size_t i = 0; i < 1000; i++) {
        write_letter(false, mcpz_bytes(zeros, sizeof(zeros)));
        deliver();
        most = session->letters_flying > most ? session->letters_flying : most;
    }
    CHECK_UINT(ends[THERE].letters, 1000);
    CHECK(most > MCPZ_LETTERS_FLYING_MAX / 8 && most < MCPZ_LETTERS_FLYING_MAX / 4);
    session->letters_flying = MCPZ_LETTERS_FLYING_MAX - MCPZ_LETTER_COST(MCPZ_LETTER_BYTES_MAX);
    CHECK(takes_letter());
    session->letters_flying++;
    CHECK(!takes_letter());
}

/* However small they are: hops between count more than what is in them. */
TEST(letters_under_way_cost_no_less_than_hops_count)
{
    struct mcpz_relay_session *session = &ends[HERE].relay.sessions[0];

    come_up_here();
    const uint32_t before = ends[HERE].relay.carrier.flights[0].flying;
    write_letter(false, mcpz_text("dear"));
    CHECK_UINT(session->letters_flying, ends[HERE].relay.carrier.flights[0].flying - before);
    CHECK_UINT(session->letters_flying, MCPZ_LETTER_COST(4));
}

TEST(a_letter_with_a_forged_head_is_counted_and_changes_nothing)
{
    static const struct {
        uint8_t bytes[8];
        size_t length;
    } forged[] = {
        {{0xc1}, 1},         /* no kind */
        {{0xc1, 0}, 2},      /* nothing in it */
        {{0xc1, 1}, 2},      /* nothing, and it goes on */
        {{0xc1, 3, 'x'}, 3}, /* no such kind */
        {{0xc1, 0xff, 'x'}, 3},
        {{0xc1, 2, 0, 0, 1}, 5}, /* taken, in three bytes */
        {{0xc1, 2, 0, 0, 0, 1, 0}, 7},
    };
    static const uint8_t too_much[] = {0xc1, 2, 0xff, 0xff, 0xff, 0xff};
    struct mcpz_relay_session *back = &ends[THERE].relay.sessions[0];

    come_up_here();
    back->letters_flying = 100;
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(forged); i++) {
        CHECK(!say_sealed(mcpz_bytes(forged[i].bytes, forged[i].length)).delivered);
        CHECK_UINT(ends[THERE].relay.forged, i + 1);
    }
    CHECK_UINT(ends[THERE].letters, 0);
    CHECK_UINT(back->letters_flying, 100);
    (void)say_sealed(mcpz_bytes(too_much, sizeof(too_much))); /* more than there was to take */
    CHECK_UINT(back->letters_flying, 0);
    CHECK(reaches(THERE, HERE));
    write_letter(false, mcpz_text("dear"));
    deliver();
    CHECK_UINT(ends[THERE].letters, 1);
}

/* No call needs it, and still it is kept while there is something to say, and not for ever. */
TEST(a_session_is_kept_while_letters_cross_it)
{
    come_up_here();
    for (size_t i = 0; i < 60; i++) {
        mcpz_relay_need(&ends[HERE].relay, 0, now, false);
        mcpz_relay_need(&ends[THERE].relay, 0, now, false);
        write_letter(false, mcpz_text("dear"));
        deliver();
        now += MCPZ_SECONDS(1);
        tick(HERE);
        tick(THERE);
        deliver();
    }
    CHECK(reaches(HERE, THERE) && reaches(THERE, HERE));
    CHECK_UINT(ends[THERE].letters, 60);
    for (size_t i = 0; i < 60; i++) {
        for (size_t at = HERE; at < ENDS; at += THERE) {
            mcpz_relay_need(&ends[at].relay, 0, now, false);
            tick(at);
        }
        deliver();
        now += MCPZ_SECONDS(1);
    }
    CHECK_UINT(ends[HERE].relay.count + ends[THERE].relay.count, 0);
    CHECK_UINT(ends[HERE].unrelayed, 1);
    CHECK_UINT(ends[THERE].unrelayed, 1);
}

TEST_MAIN(RUN(a_letter_comes_as_it_was_written),
          RUN(letters_under_way_are_bounded_by_what_is_taken),
          RUN(letters_under_way_cost_no_less_than_hops_count),
          RUN(a_letter_with_a_forged_head_is_counted_and_changes_nothing),
          RUN(a_session_is_kept_while_letters_cross_it))
