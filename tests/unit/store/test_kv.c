/* What proto/kv.h promises, of both stores: this file is built once for each. */

#include "base/rng.h"
#include "bench.h"
#include "proto/kv.h"
#include "proto/limits.h"
#include "test.h"

static struct mcpz_kv kv;

static void put(const char *key, const char *value)
{
    kv.put(kv.context, mcpz_text(key), mcpz_text(value));
}

static void take_out(const char *key)
{
    kv.remove(kv.context, mcpz_text(key));
}

static uint64_t commit(void)
{
    return kv.commit(kv.context);
}

/* The value as text, "-" if there is none. */
static const char *get(const char *key)
{
    static char text[256];
    struct mcpz_bytes value;

    mcpz_error error = kv.get(kv.context, mcpz_text(key), &value);
    if (error == MCPZ_ENOTFOUND) {
        return "-";
    }
    CHECK_UINT(error, MCPZ_OK);
    mcpz_bytes_to_text(value, text, sizeof(text));
    return text;
}

/* All keys, walked, as "key=value ". */
static const char *walk(void)
{
    static char text[4096];
    struct mcpz_bytes key = {0};
    struct mcpz_bytes value;
    size_t used = 0;

    text[0] = '\0';
    for (;;) {
        mcpz_error error = kv.next(kv.context, key, false, &key, &value);
        if (error == MCPZ_ENOTFOUND) {
            return text;
        }
        CHECK_UINT(error, MCPZ_OK);
        if (key.data[0] == '~') {
            continue; /* the bench's own */
        }
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%.*s=%.*s ", (int)key.length,
                             (const char *)key.data, (int)value.length, (const char *)value.data);
        CHECK(used < sizeof(text));
    }
}

static void check_bytes(struct mcpz_bytes actual, const void *expected, size_t length)
{
    CHECK_BYTES(actual, expected, length);
}

static void check_told(struct mcpz_kv_progress progress, uint64_t durable, uint64_t failed,
                       mcpz_error error)
{
    CHECK_UINT(progress.error, error);
    CHECK_UINT(progress.durable, durable);
    CHECK_UINT(progress.failed, failed);
}

static void expect_durable(struct bench *bench, uint64_t batch)
{
    check_told(bench_sync(bench, batch), batch, 0, MCPZ_OK);
}

TEST(is_empty_at_first)
{
    struct bench *bench = bench_open(&kv);
    check_told(kv.progress(kv.context), 0, 0, MCPZ_OK);
    CHECK_TEXT(get("a"), "-");
    CHECK_TEXT(walk(), "");
    CHECK_UINT(commit(), 0);
    bench_close(bench);
}

TEST(reads_its_own_writes)
{
    struct bench *bench = bench_open(&kv);
    put("a", "1");
    CHECK_TEXT(get("a"), "1");
    put("a", "2");
    CHECK_TEXT(get("a"), "2");
    CHECK_TEXT(walk(), "a=2 ");
    uint64_t batch = commit();
    CHECK_TEXT(get("a"), "2");
    commit();
    expect_durable(bench, batch);
    CHECK_TEXT(get("a"), "2");
    CHECK_TEXT(walk(), "a=2 ");
    commit();
    bench_close(bench);
}

TEST(numbers_batches_from_one_and_leaves_empty_turns_out)
{
    struct bench *bench = bench_open(&kv);
    CHECK_UINT(commit(), 0);
    put("a", "1");
    CHECK_UINT(commit(), 1);
    CHECK_TEXT(get("a"), "1");
    CHECK_UINT(commit(), 0);
    take_out("nothing");
    CHECK_UINT(commit(), 2);
    put("b", "1");
    CHECK_UINT(commit(), 3);
    expect_durable(bench, 3);
    bench_close(bench);
}

TEST(a_removed_key_is_gone)
{
    struct bench *bench = bench_open(&kv);
    put("a", "1");
    put("b", "1");
    take_out("a");
    CHECK_TEXT(get("a"), "-");
    CHECK_TEXT(walk(), "b=1 ");
    uint64_t batch = commit();
    CHECK_TEXT(get("a"), "-");
    commit();
    expect_durable(bench, batch);
    CHECK_TEXT(walk(), "b=1 ");
    commit();
    bench_close(bench);
}

TEST(a_removal_hides_what_is_durable)
{
    struct bench *bench = bench_open(&kv);
    put("a", "1");
    put("b", "1");
    put("c", "1");
    expect_durable(bench, commit());

    take_out("b");
    CHECK_TEXT(get("b"), "-");
    CHECK_TEXT(walk(), "a=1 c=1 ");
    uint64_t batch = commit();
    CHECK_TEXT(walk(), "a=1 c=1 ");
    commit();
    expect_durable(bench, batch);
    CHECK_TEXT(get("b"), "-");
    CHECK_TEXT(walk(), "a=1 c=1 ");
    commit();
    bench_close(bench);
}

TEST(a_key_comes_back_after_its_removal)
{
    struct bench *bench = bench_open(&kv);
    put("a", "1");
    expect_durable(bench, commit());
    take_out("a");
    put("a", "2");
    CHECK_TEXT(get("a"), "2");
    expect_durable(bench, commit());
    CHECK_TEXT(get("a"), "2");
    commit();
    bench_close(bench);
}

TEST(walks_from_any_point_with_it_or_without)
{
    struct bench *bench = bench_open(&kv);
    struct mcpz_bytes key;
    struct mcpz_bytes value;
    put("b", "disk");
    put("d", "disk");
    expect_durable(bench, commit());
    put("c", "new");

    const struct {
        const char *after;
        bool inclusive;
        const char *found; /* NULL: nothing */
    } rows[] = {
        {"", false, "b"},  {"", true, "b"},    {"a", true, "b"},  {"b", true, "b"},
        {"b", false, "c"}, {"c", true, "c"},   {"c", false, "d"}, {"cc", false, "d"},
        {"d", true, "d"},  {"d", false, NULL}, {"e", true, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        mcpz_error error =
            kv.next(kv.context, mcpz_text(rows[i].after), rows[i].inclusive, &key, &value);
        CHECK_UINT(error, rows[i].found != NULL ? MCPZ_OK : MCPZ_ENOTFOUND);
        if (rows[i].found != NULL) {
            check_bytes(key, rows[i].found, strlen(rows[i].found));
        }
    }
    commit();
    bench_close(bench);
}

TEST(sorts_by_bytes_and_a_prefix_first)
{
    static const struct mcpz_bytes keys[] = {
        {(const uint8_t *)"\x00", 1},     {(const uint8_t *)"\x00\x00", 2},
        {(const uint8_t *)"\x00\xff", 2}, {(const uint8_t *)"a", 1},
        {(const uint8_t *)"a\x00", 2},    {(const uint8_t *)"aa", 2},
        {(const uint8_t *)"b", 1},        {(const uint8_t *)"\x7f", 1},
        {(const uint8_t *)"\x80", 1},     {(const uint8_t *)"\xff", 1},
        {(const uint8_t *)"\xff\xff", 2},
    };
    enum { COUNT = sizeof(keys) / sizeof(keys[0]) };
    struct bench *bench = bench_open(&kv);

    /* Every other key is durable, the rest is not; neither came in order. */
    for (size_t i = COUNT; i > 0; i--) {
        if (i % 2 == 0) {
            kv.put(kv.context, keys[i - 1], mcpz_text("disk"));
        }
    }
    expect_durable(bench, commit());
    for (size_t i = COUNT; i > 0; i--) {
        if (i % 2 != 0) {
            kv.put(kv.context, keys[i - 1], mcpz_text("new"));
        }
    }

    struct mcpz_bytes key = {0};
    struct mcpz_bytes value;
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_UINT(kv.next(kv.context, key, false, &key, &value), MCPZ_OK);
        check_bytes(key, keys[i].data, keys[i].length);
    }
    CHECK_UINT(kv.next(kv.context, key, false, &key, &value), MCPZ_ENOTFOUND);
    commit();
    bench_close(bench);
}

TEST(walks_a_prefix_while_writing_to_it)
{
    struct bench *bench = bench_open(&kv);
    struct mcpz_bytes key = mcpz_text("p");
    struct mcpz_bytes value;
    int met = 0;

    put("p1", "a");
    put("p2", "a");
    put("p3", "a");
    put("q", "a");
    expect_durable(bench, commit());

    /* Removes each key it meets, writes one behind itself, one before itself, rewrites. */
    while (kv.next(kv.context, key, false, &key, &value) == MCPZ_OK && key.data[0] == 'p') {
        met++;
        if (mcpz_bytes_equal(key, mcpz_text("p1"))) {
            put("p0", "behind");
            put("p11", "before");
            take_out("p2");
        }
        kv.remove(kv.context, key);
    }
    CHECK_UINT(met, 3); /* p1, p11, p3 */
    CHECK_TEXT(walk(), "p0=behind q=a ");
    expect_durable(bench, commit());
    CHECK_TEXT(walk(), "p0=behind q=a ");
    commit();
    bench_close(bench);
}

TEST(what_is_borrowed_stays_until_the_turn_ends)
{
    struct bench *bench = bench_open(&kv);
    struct mcpz_bytes from_disk;
    struct mcpz_bytes from_turn;
    struct mcpz_bytes key;
    struct mcpz_bytes from_walk;

    put("a", "on disk");
    expect_durable(bench, commit());
    put("b", "of this turn");
    CHECK_UINT(kv.get(kv.context, mcpz_text("a"), &from_disk), MCPZ_OK);
    CHECK_UINT(kv.get(kv.context, mcpz_text("b"), &from_turn), MCPZ_OK);
    CHECK_UINT(kv.next(kv.context, mcpz_text("a"), false, &key, &from_walk), MCPZ_OK);

    put("a", "overwritten");
    take_out("b");
    put("b", "overwritten");
    for (int i = 0; i < 500; i++) {
        char name[16];
        snprintf(name, sizeof(name), "k%d", i);
        put(name, "more");
    }
    check_bytes(from_disk, "on disk", 7);
    check_bytes(from_turn, "of this turn", 12);
    check_bytes(key, "b", 1);
    check_bytes(from_walk, "of this turn", 12);
    commit();
    bench_close(bench);
}

TEST(leaves_the_result_alone_when_there_is_none)
{
    struct bench *bench = bench_open(&kv);
    struct mcpz_bytes key = mcpz_text("key");
    struct mcpz_bytes value = mcpz_text("value");

    put("a", "1");
    take_out("a");
    CHECK_UINT(kv.get(kv.context, mcpz_text("a"), &value), MCPZ_ENOTFOUND);
    CHECK_UINT(kv.get(kv.context, mcpz_text("b"), &value), MCPZ_ENOTFOUND);
    CHECK_UINT(kv.next(kv.context, mcpz_text(""), true, &key, &value), MCPZ_ENOTFOUND);
    check_bytes(key, "key", 3);
    check_bytes(value, "value", 5);
    commit();
    bench_close(bench);
}

TEST(keeps_the_longest_keys_and_values_and_the_shortest)
{
    static uint8_t long_key[MCPZ_KEY_BYTES_MAX];
    static uint8_t long_value[MCPZ_STORED_BYTES_MAX];
    struct bench *bench = bench_open(&kv);
    struct mcpz_bytes value;

    memset(long_key, 'k', sizeof(long_key));
    memset(long_value, 'v', sizeof(long_value));
    for (int durable = 0; durable < 2; durable++) {
        if (durable == 0) {
            kv.put(kv.context, mcpz_bytes(long_key, sizeof(long_key)),
                   mcpz_bytes(long_value, sizeof(long_value)));
            kv.put(kv.context, mcpz_bytes(long_key, 1), mcpz_bytes(NULL, 0));
        }
        CHECK_UINT(kv.get(kv.context, mcpz_bytes(long_key, sizeof(long_key)), &value), MCPZ_OK);
        check_bytes(value, long_value, sizeof(long_value));
        CHECK_UINT(kv.get(kv.context, mcpz_bytes(long_key, 1), &value), MCPZ_OK);
        CHECK_UINT(value.length, 0);
        CHECK_UINT(kv.get(kv.context, mcpz_bytes(long_key, sizeof(long_key) - 1), &value),
                   MCPZ_ENOTFOUND);
        uint64_t batch = commit();
        if (batch != 0) {
            expect_durable(bench, batch);
        }
    }
    bench_close(bench);
}

TEST(what_is_durable_survives_a_restart)
{
    struct bench *bench = bench_open(&kv);
    put("a", "1");
    put("b", "1");
    expect_durable(bench, commit());
    take_out("a");
    put("c", "2");
    expect_durable(bench, commit());
    bench_restart(bench, &kv);
    CHECK_TEXT(walk(), "b=1 c=2 ");
    commit();
    bench_close(bench);
}

TEST(a_failed_batch_takes_all_after_it_along)
{
    struct bench *bench = bench_open(&kv);
    put("a", "old");
    put("b", "old");
    expect_durable(bench, commit());

    bench_hold(bench);
    bench_write_too_much(bench);
    put("a", "new");
    uint64_t first = commit();
    take_out("b");
    put("c", "new");
    CHECK_UINT(commit(), first + 1);
    put("a", "newer");
    CHECK_UINT(commit(), first + 2);
    CHECK_TEXT(walk(), "a=newer c=new ");
    commit();

    check_told(bench_fail(bench), first - 1, first + 2, MCPZ_ENOSPACE);
    CHECK_TEXT(walk(), "a=old b=old ");
    CHECK_UINT(commit(), 0);

    /* Told once; then the store goes on. */
    check_told(kv.progress(kv.context), first - 1, 0, MCPZ_OK);
    put("c", "again");
    CHECK_UINT(commit(), first + 3);
    expect_durable(bench, first + 3);
    CHECK_TEXT(walk(), "a=old b=old c=again ");
    commit();
    bench_restart(bench, &kv);
    CHECK_TEXT(walk(), "a=old b=old c=again ");
    commit();
    bench_close(bench);
}

/* One turn of more than the queue holds fails alone; what was before it does not. */
TEST(a_turn_too_big_for_the_queue_fails_as_full)
{
    static const uint8_t value[MCPZ_STORED_BYTES_MAX];
    struct bench *bench = bench_open(&kv);
    put("a", "old");
    uint64_t before = commit();

    for (int i = 0; i <= MCPZ_STORE_QUEUE_BYTES_MAX / MCPZ_STORED_BYTES_MAX; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        kv.put(kv.context, mcpz_text(key), mcpz_bytes(value, sizeof(value)));
    }
    put("a", "new");
    CHECK_TEXT(get("a"), "new");
    CHECK_UINT(commit(), before + 1);
    put("b", "after it");
    CHECK_UINT(commit(), before + 2);
    CHECK_TEXT(get("b"), "after it");
    commit();

    struct mcpz_kv_progress progress = bench_sync(bench, before);
    if (progress.error == MCPZ_OK) {
        progress = bench_sync(bench, before + 1);
    }
    check_told(progress, before, before + 2, MCPZ_EFULL);
    CHECK_TEXT(walk(), "a=old ");
    commit();
    put("b", "later");
    expect_durable(bench, commit());
    CHECK_TEXT(walk(), "a=old b=later ");
    commit();
    bench_close(bench);
}

/* ---- Against a model ---------------------------------------------------------------------- */

#define MODEL_KEYS 40

/* What the store should hold: of each key a number, 0 for none. */
struct model {
    uint32_t values[MODEL_KEYS];
};

static void model_key(size_t index, char *key, size_t capacity)
{
    /* Lengths differ, so that prefixes sort among what they are prefixes of. */
    snprintf(key, capacity, "%.*s%02zu", (int)(index % 3), "mm", index);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void check_model(const struct model *model)
{
    char keys[MODEL_KEYS][16];
    char expected[4096] = "";
    size_t count = 0;
    size_t used = 0;

    for (size_t i = 0; i < MODEL_KEYS; i++) {
        char text[16];
        char key[16];
        model_key(i, key, sizeof(key));
        snprintf(text, sizeof(text), "%" PRIu32, model->values[i]);
        CHECK_TEXT(get(key), model->values[i] != 0 ? text : "-");
        if (model->values[i] != 0) {
            memcpy(keys[count++], key, sizeof(key));
        }
    }
    qsort(keys, count, sizeof(keys[0]), compare_keys);
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%s=%s ", keys[i],
                                 get(keys[i]));
    }
    CHECK_TEXT(walk(), expected);
}

static void random_writes(struct mcpz_rng *rng, struct model *model)
{
    for (uint32_t n = 1 + mcpz_rng_below(rng, 12); n > 0; n--) {
        size_t index = mcpz_rng_below(rng, MODEL_KEYS);
        char key[16];
        char value[16];

        model_key(index, key, sizeof(key));
        model->values[index] = mcpz_rng_below(rng, 3) == 0 ? 0 : 1 + mcpz_rng_below(rng, 1000);
        if (model->values[index] == 0) {
            take_out(key);
        } else {
            snprintf(value, sizeof(value), "%" PRIu32, model->values[index]);
            put(key, value);
        }
    }
}

/* Turns that will never be on disk: the model stays as it is. */
static void fail_some_turns(struct bench *bench, struct mcpz_rng *rng, const struct model *model)
{
    struct model lost = *model;

    bench_hold(bench);
    bench_write_too_much(bench);
    for (uint32_t turns = 1 + mcpz_rng_below(rng, 4); turns > 0; turns--) {
        random_writes(rng, &lost);
        check_model(&lost);
        commit();
    }
    CHECK_UINT(bench_fail(bench).error, MCPZ_ENOSPACE);
    check_model(model);
    commit();
}

TEST(agrees_with_a_model_through_writes_failures_and_restarts)
{
    struct bench *bench = bench_open(&kv);
    struct model model = {0};
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 7);
    for (int round = 0; round < 60; round++) {
        for (uint32_t turns = mcpz_rng_below(&rng, 5); turns > 0; turns--) {
            random_writes(&rng, &model);
            check_model(&model);
            commit();
        }
        put("~mark", "x");
        expect_durable(bench, commit());
        check_model(&model);
        commit();

        if (mcpz_rng_below(&rng, 4) == 0) {
            fail_some_turns(bench, &rng, &model);
        }
        if (mcpz_rng_below(&rng, 8) == 0) {
            bench_restart(bench, &kv);
            check_model(&model);
            commit();
        }
    }
    bench_close(bench);
}

TEST_MAIN(RUN(is_empty_at_first), RUN(reads_its_own_writes),
          RUN(numbers_batches_from_one_and_leaves_empty_turns_out), RUN(a_removed_key_is_gone),
          RUN(a_removal_hides_what_is_durable), RUN(a_key_comes_back_after_its_removal),
          RUN(walks_from_any_point_with_it_or_without), RUN(sorts_by_bytes_and_a_prefix_first),
          RUN(walks_a_prefix_while_writing_to_it), RUN(what_is_borrowed_stays_until_the_turn_ends),
          RUN(leaves_the_result_alone_when_there_is_none),
          RUN(keeps_the_longest_keys_and_values_and_the_shortest),
          RUN(what_is_durable_survives_a_restart), RUN(a_failed_batch_takes_all_after_it_along),
          RUN(a_turn_too_big_for_the_queue_fails_as_full),
          RUN(agrees_with_a_model_through_writes_failures_and_restarts))
