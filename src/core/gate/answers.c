#include "core/gate/answers.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"

static_assert(MCPZ_ANSWERS_MAX < MCPZ_ANSWER_NONE, "a row's index fits");
static_assert(MCPZ_ANSWER_KEPT_MAX <= UINT16_MAX, "a length fits");

/* The ring holds what is moved in it, however few rows there are. */
static size_t ring_bytes(size_t rows_max)
{
    const size_t least = (size_t)2 * MCPZ_ANSWER_KEPT_MAX;
    const size_t bytes = rows_max * MCPZ_ANSWERS_BYTES;

    return bytes > least ? bytes : least;
}

size_t mcpz_answers_bytes(size_t rows_max)
{
    return mcpz_arena_cost(rows_max, sizeof(struct mcpz_answer)) +
           mcpz_arena_cost(ring_bytes(rows_max), 1);
}

void mcpz_answers_init(struct mcpz_answers *answers, size_t rows_max, uint64_t seed,
                       struct mcpz_arena *arena)
{
    assert(rows_max > 0);
    assert(rows_max <= MCPZ_ANSWERS_MAX);

    *answers = (struct mcpz_answers){
        .rows = mcpz_arena_take_sure(arena, rows_max, sizeof(struct mcpz_answer)),
        .bytes = mcpz_arena_take_sure(arena, ring_bytes(rows_max), 1),
        .rows_max = rows_max,
        .bytes_max = ring_bytes(rows_max),
        .seed = seed,
    };
}

/* Each part is hashed by itself: none can be mistaken for a piece of its neighbour. */
static uint64_t hash_key(const struct mcpz_answer_key *key, uint64_t seed)
{
    seed = mcpz_hash_bytes(key->tenant, seed);
    seed = mcpz_hash_bytes(key->capability, mcpz_hash_mix(seed + 1));
    return mcpz_hash_bytes(key->key, mcpz_hash_mix(seed + 1));
}

/* Have newer results overwritten this one? */
static bool is_overwritten(const struct mcpz_answers *answers, const struct mcpz_answer *answer)
{
    return answer->length > 0 && answers->written - answer->start > answers->bytes_max;
}

static bool is_over(const struct mcpz_answers *answers, const struct mcpz_answer *answer,
                    mcpz_time now)
{
    return answer->state == MCPZ_ANSWER_DONE &&
           (now - answer->at_us > MCPZ_ANSWER_AGE_US || is_overwritten(answers, answer));
}

/* Who goes first for a new one: what is free, then what was done longest ago. Never what runs. */
static bool goes_before(const struct mcpz_answer *a, const struct mcpz_answer *b)
{
    if (a->state != b->state) {
        return a->state == MCPZ_ANSWER_FREE;
    }
    return a->at_us < b->at_us;
}

static enum mcpz_answer_word word_for(struct mcpz_answers *answers,
                                      const struct mcpz_answer *answer, uint64_t params)
{
    if (answer->params != params) {
        return MCPZ_ANSWER_IS_OTHER;
    }
    answers->repeated++;
    if (answer->state == MCPZ_ANSWER_RUNNING) {
        return MCPZ_ANSWER_IS_RUNNING;
    }
    return answer->too_large ? MCPZ_ANSWER_IS_LOST : MCPZ_ANSWER_IS_KNOWN;
}

enum mcpz_answer_word mcpz_answers_ask(struct mcpz_answers *answers, mcpz_time now,
                                       const struct mcpz_answer_key *key, uint16_t *row)
{
    assert(key->key.length > 0);

    const uint64_t name[2] = {hash_key(key, answers->seed), hash_key(key, ~answers->seed)};
    const uint64_t params = mcpz_hash_bytes(key->params, answers->seed);
    struct mcpz_answer *place = NULL;
    for (size_t i = 0; i < answers->rows_max; i++) {
        struct mcpz_answer *answer = &answers->rows[i];
        if (is_over(answers, answer, now)) {
            *answer = (struct mcpz_answer){0};
        }
        if (answer->state != MCPZ_ANSWER_FREE && answer->name[0] == name[0] &&
            answer->name[1] == name[1]) {
            *row = (uint16_t)i;
            return word_for(answers, answer, params);
        }
        if (answer->state != MCPZ_ANSWER_RUNNING &&
            (place == NULL || goes_before(answer, place))) {
            place = answer;
        }
    }
    if (place == NULL) {
        return MCPZ_ANSWER_IS_FULL;
    }
    *place = (struct mcpz_answer){
        .name = {name[0], name[1]},
        .params = params,
        .state = MCPZ_ANSWER_RUNNING,
        .stamp = ++answers->stamps,
        .at_us = now,
    };
    *row = (uint16_t)(place - answers->rows);
    return MCPZ_ANSWER_IS_NEW;
}

static struct mcpz_answer *running(struct mcpz_answers *answers, uint16_t row)
{
    assert(row < answers->rows_max);
    assert(answers->rows[row].state == MCPZ_ANSWER_RUNNING);
    return &answers->rows[row];
}

/* Where the next `length` bytes go, in one piece. */
static uint64_t make_room(struct mcpz_answers *answers, size_t length)
{
    const uint64_t left = answers->bytes_max - answers->written % answers->bytes_max;
    const uint64_t start = length <= left ? answers->written : answers->written + left;

    answers->written = start + length;
    return start;
}

void mcpz_answers_output(struct mcpz_answers *answers, uint16_t row, struct mcpz_bytes chunk)
{
    struct mcpz_answer *answer = running(answers, row);
    uint8_t whole[MCPZ_ANSWER_KEPT_MAX];
    struct mcpz_bytes before;

    if (chunk.length == 0 || !mcpz_answers_result(answers, row, &before)) {
        return;
    }
    if (before.length + chunk.length > MCPZ_ANSWER_KEPT_MAX) {
        answer->too_large = true;
        answer->length = 0;
        return;
    }
    /* What there is moves to the new end of the ring, which may lie over the old place. */
    if (before.length > 0) {
        memcpy(whole, before.data, before.length);
    }
    memcpy(whole + before.length, chunk.data, chunk.length);
    size_t length = before.length + chunk.length;
    answer->start = make_room(answers, length);
    answer->length = (uint16_t)length;
    memcpy(answers->bytes + answer->start % answers->bytes_max, whole, length);
}

void mcpz_answers_done(struct mcpz_answers *answers, mcpz_time now, uint16_t row)
{
    struct mcpz_answer *answer = running(answers, row);

    answer->too_large = answer->too_large || is_overwritten(answers, answer);
    answer->length = answer->too_large ? 0 : answer->length;
    answer->state = MCPZ_ANSWER_DONE;
    answer->at_us = now;
}

void mcpz_answers_forget(struct mcpz_answers *answers, uint16_t row)
{
    *running(answers, row) = (struct mcpz_answer){0};
}

bool mcpz_answers_result(const struct mcpz_answers *answers, uint16_t row,
                         struct mcpz_bytes *result)
{
    assert(row < answers->rows_max);
    const struct mcpz_answer *answer = &answers->rows[row];

    if (answer->too_large || is_overwritten(answers, answer)) {
        return false;
    }
    *result = mcpz_bytes(answers->bytes + answer->start % answers->bytes_max, answer->length);
    return true;
}
