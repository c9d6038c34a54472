#include "crypto/digest.h"
#include "engine/engine.h"
#include "engine/persist.h"
#include "store/mem.h"
#include "test.h"

#define ID32 "dddddddddddddddddddddddddddddddd"
#define NODE32 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
#define HEAD16 "hhhhhhhhhhhhhhhh"
#define PREV16 "pppppppppppppppp"

static struct mcpz_mem *mem;
static struct mcpz_kv kv;
static struct mcpz_persist persist;
static struct mcpz_scratch *scratch;
static struct mcpz_store store;

static void set_up(void)
{
    CHECK_UINT(mcpz_mem_create(&mem, &kv), MCPZ_OK);
    CHECK_UINT(mcpz_scratch_create(&scratch), MCPZ_OK);
    mcpz_persist_init(&persist, &kv, scratch, &store);
}

static void tear_down(void)
{
    mcpz_mem_destroy(mem);
    mcpz_scratch_destroy(scratch);
}

static const struct mcpz_version versions[] = {{{{NODE32}, 1}, 3, {HEAD16}}};
static const struct mcpz_add adds[] = {
    {MCPZ_ENTRY_REGISTER, {(const uint8_t *)"\x91\xa1k", 3}, {(const uint8_t *)"\x07", 1}},
};
static const struct mcpz_remove removes[] = {
    {MCPZ_ENTRY_SET, {(const uint8_t *)"\x91\xa1s", 3}, {{{NODE32}, 1}, 2, 1}},
};

static struct mcpz_delta sample(void)
{
    return (struct mcpz_delta){
        .document = {ID32},
        .actor = {{NODE32}, 2},
        .seq = 5,
        .prev = {PREV16},
        .hlc = 7,
        .versions = versions,
        .version_count = 1,
        .adds = adds,
        .add_count = 1,
        .removes = removes,
        .remove_count = 1,
    };
}

static struct mcpz_id id_of(const struct mcpz_delta *delta)
{
    struct mcpz_id id;
    store.delta_id(store.context, delta, &id);
    return id;
}

TEST(an_id_is_a_hash_over_all_fields)
{
    static const char spelled[] =
        "\x98\xc4\x20" ID32 "\x92\xc4\x20" NODE32 "\x02\x05\xc4\x10" PREV16
        "\x07\x91\x93\x92\xc4\x20" NODE32 "\x01\x03\xc4\x10" HEAD16
        "\x91\x93\x01\xc4\x03\x91\xa1k\xc4\x01\x07"
        "\x91\x93\x02\xc4\x03\x91\xa1s\x93\x92\xc4\x20" NODE32 "\x01\x02\x01";
    uint8_t expected[MCPZ_DIGEST_BYTES];
    struct mcpz_delta delta = sample();

    set_up();
    mcpz_digest(MCPZ_DIGEST_DELTA, mcpz_bytes(spelled, sizeof(spelled) - 1), expected);
    CHECK_BYTES(mcpz_bytes(id_of(&delta).bytes, MCPZ_ID_BYTES), expected, sizeof(expected));
    tear_down();
}

TEST(whatever_differs_makes_another_id)
{
    struct mcpz_delta changed[] = {sample(), sample(), sample(), sample(),
                                   sample(), sample(), sample(), sample()};
    struct mcpz_version other_head[] = {versions[0]};

    set_up();
    changed[1].document.bytes[0]++;
    changed[2].actor.generation++;
    changed[3].seq++;
    changed[4].prev.bytes[MCPZ_HEAD_BYTES - 1]++;
    changed[5].hlc++;
    other_head[0].head.bytes[0]++;
    changed[6].versions = other_head;
    changed[7].remove_count = 0;
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(changed); i++) {
        for (size_t j = 0; j < i; j++) {
            struct mcpz_id one = id_of(&changed[i]);
            struct mcpz_id two = id_of(&changed[j]);
            CHECK(!mcpz_id_equal(&one, &two));
        }
    }
    tear_down();
}

TEST(two_deltas_of_one_seq_lie_beside_each_other)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DELTA, .delta = {.delta = sample()}};
    size_t count = 0;

    set_up();
    for (uint8_t i = 1; i <= 2; i++) {
        record.delta.head.bytes[0] = i;
        record.delta.delta.hlc = i;
        store.put(store.context, &record);
    }
    record.delta.delta.seq = 6;
    store.put(store.context, &record);

    record = (struct mcpz_record){.kind = MCPZ_RECORD_DELTA, .delta = {.delta = sample()}};
    while (store.next(store.context, MCPZ_SCAN_SEQ, false, &record) == MCPZ_OK) {
        count++;
        CHECK_UINT(record.delta.head.bytes[0], count);
        CHECK_UINT(record.delta.delta.hlc, count);
    }
    CHECK_UINT(count, 2);
    tear_down();
}

/* Keys and values of all there is. */
static size_t bytes_kept(void)
{
    struct mcpz_bytes key = mcpz_bytes(NULL, 0);
    struct mcpz_bytes value;
    size_t total = 0;

    while (kv.next(kv.context, key, false, &key, &value) == MCPZ_OK) {
        total += key.length + value.length;
    }
    return total;
}

TEST(what_is_removed_is_weighed_while_somebody_asks)
{
    struct mcpz_record first = {.kind = MCPZ_RECORD_DELTA, .delta = {.delta = sample()}};
    struct mcpz_record second = first;
    const struct mcpz_record base = {.kind = MCPZ_RECORD_BASE,
                                     .base = {.document = {ID32}, .bytes = mcpz_text("x")}};
    struct mcpz_removed removed = {0};

    set_up();
    second.delta.delta.seq++;
    store.put(store.context, &first);
    store.put(store.context, &second);
    store.put(store.context, &base);
    store.remove(store.context, &first);
    const size_t before = bytes_kept();
    persist.removed = &removed;
    store.remove(store.context, &first); /* it is gone already */
    CHECK_UINT(removed.bytes, 0);
    store.remove(store.context, &second);
    CHECK_UINT(removed.deltas, 1);
    CHECK_UINT(removed.bytes, before - bytes_kept());
    store.remove(store.context, &base);
    CHECK_UINT(removed.deltas, 1);
    CHECK_UINT(removed.bytes, before);
    persist.removed = NULL;
    CHECK_UINT(bytes_kept(), 0);
    tear_down();
}

TEST_MAIN(RUN(an_id_is_a_hash_over_all_fields), RUN(whatever_differs_makes_another_id),
          RUN(two_deltas_of_one_seq_lie_beside_each_other),
          RUN(what_is_removed_is_weighed_while_somebody_asks))
