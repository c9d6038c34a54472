#include "base/attr.h"
#include "store/schema.h"
#include "test.h"

static struct mcpz_id id_of(uint8_t byte)
{
    struct mcpz_id id;
    memset(id.bytes, byte, sizeof(id.bytes));
    return id;
}

static struct mcpz_key key_of(const struct mcpz_record *record)
{
    struct mcpz_key key;
    mcpz_schema_key(record, &key);
    CHECK(key.length >= 1 && key.length <= MCPZ_KEY_BYTES_MAX);
    return key;
}

static struct mcpz_bytes slice(const struct mcpz_key *key)
{
    return mcpz_bytes(key->bytes, key->length);
}

static void check_bytes(struct mcpz_bytes actual, const void *expected, size_t length)
{
    CHECK_BYTES(actual, expected, length);
}

static void lay(uint8_t *at, const void *bytes, size_t length)
{
    memcpy(at, bytes, length);
}

static void check_corrupt(const uint8_t *key, size_t length)
{
    struct mcpz_record parsed = {.kind = MCPZ_RECORD_KIND_END};

    CHECK_UINT(mcpz_schema_parse(mcpz_bytes(key, length), &parsed), MCPZ_ECORRUPT);
    CHECK_UINT(parsed.kind, MCPZ_RECORD_KIND_END); /* untouched */
}

static struct mcpz_record entry_of(uint8_t document, const char *path, size_t path_length,
                                   uint32_t type, uint32_t index)
{
    return (struct mcpz_record){
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = id_of(document),
                  .path = mcpz_bytes(path, path_length),
                  .type = type,
                  .dot = {.actor = {.node = id_of(7), .generation = 0x01020304},
                          .seq = 0x1112131415161718,
                          .index = index}},
    };
}

static struct mcpz_record delta_of(uint8_t document, uint8_t node, uint32_t generation,
                                   uint64_t seq)
{
    return (struct mcpz_record){
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = id_of(document),
                            .actor = {.node = id_of(node), .generation = generation},
                            .seq = seq},
                  .head = {{1, 2, 3}}},
    };
}

static struct mcpz_record fork_of(uint8_t document, uint8_t node, uint32_t generation)
{
    return (struct mcpz_record){
        .kind = MCPZ_RECORD_FORK,
        .fork = {.document = id_of(document),
                 .actor = {.node = id_of(node), .generation = generation}},
    };
}

static struct mcpz_record listed(uint32_t list, uint64_t group, uint64_t order, uint8_t id)
{
    return (struct mcpz_record){.kind = MCPZ_RECORD_TASK_LISTED,
                                .task_listed = {list, group, order, {{id}}}};
}

static struct mcpz_record task_key(const char *tenant, const char *key)
{
    return (struct mcpz_record){.kind = MCPZ_RECORD_TASK_KEY,
                                .task_key = {mcpz_text(tenant), mcpz_text(key), {{0}}}};
}

/* One of each kind. */
static size_t one_of_each(struct mcpz_record *records)
{
    records[0] = (struct mcpz_record){.kind = MCPZ_RECORD_SELF};
    records[1] = (struct mcpz_record){.kind = MCPZ_RECORD_TOKEN, .token = {.id = {1, 2, 3}}};
    records[2] = (struct mcpz_record){.kind = MCPZ_RECORD_PEER, .peer = {.id = id_of(0xff)}};
    records[3] = (struct mcpz_record){.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = id_of(0)}};
    records[4] = entry_of(3, "\x92\xa1k\x05", 4, MCPZ_ENTRY_SET, 15);
    records[5] = delta_of(3, 7, 2, 9);
    records[6] = (struct mcpz_record){.kind = MCPZ_RECORD_TASK, .task = {.id = {{1, 2}}}};
    records[7] =
        (struct mcpz_record){.kind = MCPZ_RECORD_TASK_STATE, .task_state = {.id = {{1, 2}}}};
    records[8] = listed(MCPZ_TASK_LIST_LATER, 0, 0x0102, 3);
    records[9] = task_key("t", "k");
    records[10] =
        (struct mcpz_record){.kind = MCPZ_RECORD_TASK_RESULT, .task_result = {.id = {{9}}}};
    records[11] =
        (struct mcpz_record){.kind = MCPZ_RECORD_QUEUE, .queue = {.capability = mcpz_text("c")}};
    records[12] = (struct mcpz_record){
        .kind = MCPZ_RECORD_RUN,
        .run = {.tenant = mcpz_text("t"), .capability = mcpz_text("c"), .key = mcpz_text("k")}};
    records[13] = (struct mcpz_record){.kind = MCPZ_RECORD_TASK_PLAN, .task_plan = {.id = {{9}}}};
    records[14] = fork_of(3, 7, 2);
    size_t count = 15; /* from here on numbers have gaps */
    records[count++] = (struct mcpz_record){
        .kind = MCPZ_RECORD_BATCH, .batch = {.name = {{9, 8}}, .part = {.first = 0x0102}}};
    records[count++] =
        (struct mcpz_record){.kind = MCPZ_RECORD_AUTHOR, .author = {.id = id_of(7)}};
    records[count++] =
        (struct mcpz_record){.kind = MCPZ_RECORD_CHECKPOINT, .checkpoint = {.document = id_of(7)}};
    records[count++] =
        (struct mcpz_record){.kind = MCPZ_RECORD_LAYOUT, .layout = {.stamp = {1, 2}}};
    records[count++] =
        (struct mcpz_record){.kind = MCPZ_RECORD_TRACKER, .tracker = {{.node = id_of(7)}}};
    records[count++] = (struct mcpz_record){.kind = MCPZ_RECORD_STAGED};
    records[count++] = (struct mcpz_record){
        .kind = MCPZ_RECORD_HINT,
        .hint = {.owner = id_of(7), .since_ms = 0x0102, .document = id_of(8)}};
    records[count++] = (struct mcpz_record){.kind = MCPZ_RECORD_CHANGE, .change = {.seq = 0x0102}};
    records[count++] = (struct mcpz_record){.kind = MCPZ_RECORD_CHANGES};
    records[count++] =
        (struct mcpz_record){.kind = MCPZ_RECORD_CURSOR, .cursor = {.peer = id_of(7)}};
    records[count++] = (struct mcpz_record){.kind = MCPZ_RECORD_BLOB_DOCUMENT,
                                            .blob_document = {.document = id_of(7)}};
    records[count++] =
        (struct mcpz_record){.kind = MCPZ_RECORD_FLOOR, .floor = {.document = id_of(7)}};
    records[count++] = (struct mcpz_record){.kind = MCPZ_RECORD_BASE,
                                            .base = {.document = id_of(7), .index = 0x0102}};
    records[count++] =
        (struct mcpz_record){.kind = MCPZ_RECORD_STABLE, .stable = {.document = id_of(7)}};
    records[count++] = (struct mcpz_record){.kind = MCPZ_RECORD_HORIZON};
    records[count++] = (struct mcpz_record){.kind = MCPZ_RECORD_SETTLED};
    records[count++] =
        (struct mcpz_record){.kind = MCPZ_RECORD_REVOKED, .revoked = {{.node = id_of(7)}}};
    return count;
}

TEST(spells_the_key_of_an_entry)
{
    struct mcpz_record record = entry_of(0xdd, "\x91\xa2up", 4, 2, 0x0a0b);
    struct mcpz_key key = key_of(&record);
    uint8_t expected[1 + 32 + 4 + 1 + 32 + 4 + 8 + 2];

    expected[0] = 5;
    memset(expected + 1, 0xdd, 32);
    lay(expected + 33, "\x91\xa2up\x02", 5);
    memset(expected + 38, 7, 32);
    lay(expected + 70, "\x01\x02\x03\x04\x11\x12\x13\x14\x15\x16\x17\x18\x0a\x0b", 14);
    check_bytes(slice(&key), expected, sizeof(expected));
}

TEST(spells_the_key_of_a_delta)
{
    struct mcpz_record record = delta_of(0xdd, 0xaa, 1, 0x100);
    struct mcpz_key key = key_of(&record);
    uint8_t expected[1 + 32 + 32 + 4 + 8 + 16] = {0};

    expected[0] = 6;
    memset(expected + 1, 0xdd, 32);
    memset(expected + 33, 0xaa, 32);
    lay(expected + 65, "\0\0\0\x01\0\0\0\0\0\0\x01\0\x01\x02\x03", 15);
    check_bytes(slice(&key), expected, sizeof(expected));
}

TEST(spells_the_key_of_a_fork)
{
    struct mcpz_record record = fork_of(0xdd, 0xaa, 0x0102);
    struct mcpz_key key = key_of(&record);
    uint8_t expected[1 + 32 + 32 + 4];

    expected[0] = 15;
    memset(expected + 1, 0xdd, 32);
    memset(expected + 33, 0xaa, 32);
    lay(expected + 65, "\0\0\x01\x02", 4);
    check_bytes(slice(&key), expected, sizeof(expected));

    struct mcpz_record parsed;
    CHECK_UINT(mcpz_schema_parse(slice(&key), &parsed), MCPZ_OK);
    CHECK(mcpz_id_equal(&parsed.fork.document, &record.fork.document));
    CHECK(mcpz_actor_compare(&parsed.fork.actor, &record.fork.actor) == 0);
    CHECK_UINT(mcpz_schema_parse(mcpz_bytes(key.bytes, key.length - 1), &parsed), MCPZ_ECORRUPT);
}

TEST(spells_the_keys_of_the_rest)
{
    struct mcpz_record records[MCPZ_RECORD_KIND_END];
    one_of_each(records);

    struct mcpz_key key = key_of(&records[0]);
    check_bytes(slice(&key), "\x01", 1);
    key = key_of(&records[1]);
    check_bytes(slice(&key), "\x02\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0\0\0", 17);
    key = key_of(&records[2]);
    CHECK_UINT(key.length, 33);
    CHECK_UINT(key.bytes[0], 3);
    CHECK_UINT(key.bytes[32], 0xff);
    key = key_of(&records[3]);
    CHECK_UINT(key.length, 33);
    CHECK_UINT(key.bytes[0], 4);
}

TEST(spells_the_keys_of_tasks)
{
    struct mcpz_record record = listed(2, 0x0102, 0x0304, 5);
    struct mcpz_key key = key_of(&record);
    check_bytes(
        slice(&key),
        "\x09\x02\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\x03\x04\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 34);
    record = task_key("ten", "key");
    key = key_of(&record);
    check_bytes(slice(&key), "\x0a\x03tenkey", 8);
    record = (struct mcpz_record){.kind = MCPZ_RECORD_RUN,
                                  .run = {.tenant = mcpz_text("t"),
                                          .capability = mcpz_text("cap"),
                                          .key = mcpz_text("key")}};
    key = key_of(&record);
    check_bytes(slice(&key),
                "\x0d\x01t\x03"
                "capkey",
                10);
    record = (struct mcpz_record){.kind = MCPZ_RECORD_TASK_PLAN, .task_plan = {.id = {{1, 2, 3}}}};
    key = key_of(&record);
    check_bytes(slice(&key), "\x0e\x01\x02\x03\0\0\0\0\0\0\0\0\0\0\0\0\0", 17);
    record = (struct mcpz_record){.kind = MCPZ_RECORD_CHANGE, .change = {.seq = 0x0102}};
    key = key_of(&record);
    check_bytes(slice(&key), "\x19\0\0\0\0\0\0\x01\x02", 9);
    record = (struct mcpz_record){.kind = MCPZ_RECORD_CHANGES};
    key = key_of(&record);
    check_bytes(slice(&key), "\x1a", 1);
}

/* Else one tenant's key could be another's. */
TEST(tenant_and_key_cannot_be_shifted)
{
    struct mcpz_record one = task_key("ab", "c");
    struct mcpz_record other = task_key("a", "bc");
    struct mcpz_key one_key = key_of(&one);
    struct mcpz_key other_key = key_of(&other);
    CHECK(!mcpz_bytes_equal(slice(&one_key), slice(&other_key)));
}

TEST(every_key_parses_back)
{
    struct mcpz_record records[MCPZ_RECORD_KIND_END];
    size_t count = one_of_each(records);

    for (size_t i = 0; i < count; i++) {
        struct mcpz_key key = key_of(&records[i]);
        struct mcpz_record parsed;
        memset(&parsed, 0xee, sizeof(parsed));
        CHECK_UINT(mcpz_schema_parse(slice(&key), &parsed), MCPZ_OK);
        CHECK_UINT(parsed.kind, records[i].kind);
        struct mcpz_key again = key_of(&parsed);
        check_bytes(slice(&again), key.bytes, key.length);
    }
}

TEST(parses_what_was_put_in)
{
    struct mcpz_record record = entry_of(9, "\x93\xa1x\xcd\x01\x00\x00", 7, 3, 65535);
    struct mcpz_key key = key_of(&record);
    struct mcpz_record parsed;

    CHECK_UINT(mcpz_schema_parse(slice(&key), &parsed), MCPZ_OK);
    CHECK(mcpz_id_equal(&parsed.entry.document, &record.entry.document));
    check_bytes(parsed.entry.path, record.entry.path.data, record.entry.path.length);
    CHECK(parsed.entry.path.data == key.bytes + 33);
    CHECK_UINT(parsed.entry.type, 3);
    CHECK(mcpz_actor_compare(&parsed.entry.dot.actor, &record.entry.dot.actor) == 0);
    CHECK_UINT(parsed.entry.dot.seq, record.entry.dot.seq);
    CHECK_UINT(parsed.entry.dot.index, 65535);
    CHECK_UINT(parsed.entry.hlc, 0);
    CHECK_UINT(parsed.entry.value.length, 0);
}

TEST(parses_the_greatest_numbers)
{
    struct mcpz_record record = delta_of(9, 8, UINT32_MAX, UINT64_MAX);
    struct mcpz_key key = key_of(&record);
    struct mcpz_record parsed;

    CHECK_UINT(mcpz_schema_parse(slice(&key), &parsed), MCPZ_OK);
    CHECK(mcpz_id_equal(&parsed.delta.delta.document, &record.delta.delta.document));
    CHECK(mcpz_actor_compare(&parsed.delta.delta.actor, &record.delta.delta.actor) == 0);
    CHECK_UINT(parsed.delta.delta.seq, UINT64_MAX);
    CHECK(mcpz_head_equal(&parsed.delta.head, &record.delta.head));
    CHECK_UINT(parsed.delta.delta.add_count, 0);
}

/* Each row of a list sorts before the next, as scans walk them. */
TEST(bytes_sort_as_listed)
{
    struct mcpz_record rows[] = {
        {.kind = MCPZ_RECORD_SELF},
        {.kind = MCPZ_RECORD_TOKEN, .token = {.id = {0xff}}},
        {.kind = MCPZ_RECORD_PEER, .peer = {.id = id_of(0)}},
        {.kind = MCPZ_RECORD_PEER, .peer = {.id = id_of(1)}},
        {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = id_of(0)}},
        entry_of(1, "\x91\xa1z", 3, 3, 900), /* document before path */
        entry_of(2, "\x91\xa1k", 3, 3, 900), /* path before type */
        entry_of(2, "\x91\xa1l", 3, 1, 900), /* type before dot */
        entry_of(2, "\x91\xa1l", 3, 2, 1),
        entry_of(2, "\x91\xa1l", 3, 2, 255), /* indexes as numbers */
        entry_of(2, "\x91\xa1l", 3, 2, 256),
        entry_of(2, "\x92\xa1l\x00", 4, 1, 0), /* a path before those below it */
        delta_of(1, 9, 9, 9),
        delta_of(2, 1, 2, 255), /* seqs as numbers */
        delta_of(2, 1, 2, 256),
        delta_of(2, 1, 2, UINT64_C(1) << 32),
        delta_of(2, 1, 256, 1), /* generations as numbers, before seq */
        delta_of(2, 2, 1, 1),
        listed(1, 1, 1, 9),
        listed(1, 1, 2, 1), /* order before id, as a number */
        listed(1, 1, 256, 1),
        listed(1, 2, 0, 0), /* group before order */
        listed(2, 0, 0, 0), /* list before group */
        fork_of(1, 9, 9),
        fork_of(2, 1, 255),
        fork_of(2, 1, 256), /* generations as numbers */
    };

    for (size_t i = 1; i < MCPZ_ARRAY_LEN(rows); i++) {
        struct mcpz_key low = key_of(&rows[i - 1]);
        struct mcpz_key high = key_of(&rows[i]);
        CHECK(mcpz_bytes_compare(slice(&low), slice(&high)) < 0);
    }
}

static void check_prefix(const struct mcpz_record *record, enum mcpz_scan scan, size_t length)
{
    struct mcpz_key key = key_of(record);
    struct mcpz_key prefix;

    mcpz_schema_prefix(record, scan, &prefix);
    check_bytes(slice(&prefix), key.bytes, length);
}

TEST(a_prefix_is_what_a_scan_holds_fixed)
{
    struct mcpz_record records[MCPZ_RECORD_KIND_END];
    size_t count = one_of_each(records);

    for (size_t i = 0; i < count; i++) {
        check_prefix(&records[i], MCPZ_SCAN_KIND, 1);
    }
    check_prefix(&records[4], MCPZ_SCAN_DOCUMENT, 33);
    check_prefix(&records[4], MCPZ_SCAN_PATH, 37);
    check_prefix(&records[5], MCPZ_SCAN_DOCUMENT, 33);
    check_prefix(&records[5], MCPZ_SCAN_ACTOR, 69);
    check_prefix(&records[5], MCPZ_SCAN_SEQ, 77);
    check_prefix(&records[14], MCPZ_SCAN_DOCUMENT, 33);
    check_prefix(&records[8], MCPZ_SCAN_LIST, 2);
    check_prefix(&records[8], MCPZ_SCAN_GROUP, 10);
}

TEST(the_longest_path_makes_a_key_that_fits)
{
    char path[MCPZ_PATH_BYTES_MAX];
    static const uint8_t head[] = {0x91, 0xda, 0x01, 0x8c}; /* one text of 396 bytes */
    memset(path, 'x', sizeof(path));
    memcpy(path, head, sizeof(head));
    struct mcpz_record record = entry_of(1, path, sizeof(path), 1, 1);
    struct mcpz_key key = key_of(&record);
    struct mcpz_record parsed;

    CHECK_UINT(mcpz_schema_parse(slice(&key), &parsed), MCPZ_OK);
    CHECK_UINT(parsed.entry.path.length, MCPZ_PATH_BYTES_MAX);
}

TEST(refuses_every_truncated_key)
{
    struct mcpz_record records[MCPZ_RECORD_KIND_END];
    size_t count = one_of_each(records);

    for (size_t i = 0; i < count; i++) {
        struct mcpz_key key = key_of(&records[i]);
        for (size_t length = 0; length < key.length; length++) {
            check_corrupt(key.bytes, length);
        }
    }
}

TEST(refuses_keys_that_are_too_long)
{
    struct mcpz_record records[MCPZ_RECORD_KIND_END];
    size_t count = one_of_each(records);

    for (size_t i = 0; i < count; i++) {
        struct mcpz_key key = key_of(&records[i]);
        if (records[i].kind == MCPZ_RECORD_TASK_KEY || records[i].kind == MCPZ_RECORD_QUEUE ||
            records[i].kind == MCPZ_RECORD_RUN) {
            continue; /* they end in a text */
        }
        key.bytes[key.length] = 0;
        check_corrupt(key.bytes, key.length + 1);
    }

    uint8_t text_key[2 + MCPZ_CAPABILITY_BYTES_MAX] = {MCPZ_RECORD_QUEUE};
    check_corrupt(text_key, sizeof(text_key));
    text_key[0] = MCPZ_RECORD_TASK_KEY;
    check_corrupt(text_key, 2 + MCPZ_IDEMPOTENCY_KEY_BYTES_MAX + 1);

    static const uint8_t long_key[MCPZ_KEY_BYTES_MAX + 1] = {MCPZ_RECORD_ENTRY};
    check_corrupt(long_key, sizeof(long_key));
}

TEST(refuses_kinds_it_does_not_know)
{
    uint8_t key[33] = {0};

    const uint8_t kinds[] = {0, MCPZ_RECORD_KIND_END, 255};
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(kinds); i++) {
        key[0] = kinds[i];
        check_corrupt(key, 1);
        check_corrupt(key, sizeof(key));
    }
}

TEST(knows_where_a_path_ends)
{
    static const struct {
        const char *path;
        size_t length;
        mcpz_error error;
    } rows[] = {
        {"\x90", 1, MCPZ_OK},     /* the empty path */
        {"\x91\x7f", 2, MCPZ_OK}, /* small integers */
        {"\x91\xff", 2, MCPZ_OK}, /* negative */
        {"\x94\xcc\x80\xcd\1\2\xce\1\2\3\4\xcf\1\2\3\4\5\6\7\x08", 20, MCPZ_OK},
        {"\x92\xd0\x80\xd3\1\2\3\4\5\6\7\x08", 12, MCPZ_OK},
        {"\x91\xd9\x02xy", 5, MCPZ_OK}, /* text with its length before */
        {"\x91\xda\x00\x02xy", 6, MCPZ_OK},
        {"\xdc\x00\x02\xa1x\x01", 6, MCPZ_OK}, /* a long array */
        {"\x91", 1, MCPZ_ECORRUPT},            /* an element is missing */
        {"\x91\x01\x01", 3, MCPZ_ECORRUPT},    /* one too many */
        {"\x91\xa2x", 3, MCPZ_ECORRUPT},       /* a text goes on too far */
        {"\x91\xd9", 2, MCPZ_ECORRUPT},
        {"\x91\xda\x00", 3, MCPZ_ECORRUPT},
        {"\xdc\x00", 2, MCPZ_ECORRUPT},
        {"\xdd\x00\x00\x00\x00", 5, MCPZ_ECORRUPT}, /* no path has so many */
        {"\x91\x91\x01", 3, MCPZ_ECORRUPT},         /* nested */
        {"\x91\x80", 2, MCPZ_ECORRUPT},             /* a map */
        {"\x91\xc0", 2, MCPZ_ECORRUPT},             /* nil */
        {"\xa1x", 2, MCPZ_ECORRUPT},                /* not an array */
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(rows); i++) {
        struct mcpz_record record = entry_of(1, rows[i].path, rows[i].length, 1, 1);
        struct mcpz_key key = key_of(&record);
        struct mcpz_record parsed;
        CHECK_UINT(mcpz_schema_parse(slice(&key), &parsed), rows[i].error);
    }
}

TEST(hints_of_an_owner_lie_together_oldest_first)
{
    struct mcpz_record first = {
        .kind = MCPZ_RECORD_HINT,
        .hint = {.owner = id_of(7), .since_ms = 0x0102, .document = id_of(9)}};
    struct mcpz_record later = first;
    struct mcpz_record other = first;
    struct mcpz_record parsed;

    later.hint.since_ms = 0x0200;
    later.hint.document = id_of(1);
    other.hint.owner = id_of(8);
    other.hint.since_ms = 0;
    struct mcpz_key key = key_of(&first);
    struct mcpz_key later_key = key_of(&later);
    struct mcpz_key other_key = key_of(&other);
    CHECK_UINT(key.length, 73);
    check_bytes(mcpz_bytes(key.bytes + 33, 8), "\0\0\0\0\0\0\x01\x02", 8);
    CHECK(mcpz_bytes_compare(slice(&key), slice(&later_key)) < 0);
    CHECK(mcpz_bytes_compare(slice(&later_key), slice(&other_key)) < 0);
    CHECK_UINT(mcpz_schema_parse(slice(&later_key), &parsed), MCPZ_OK);
    CHECK(mcpz_id_equal(&parsed.hint.owner, &first.hint.owner));
    CHECK_UINT(parsed.hint.since_ms, 0x0200);
    CHECK(mcpz_id_equal(&parsed.hint.document, &later.hint.document));
    check_corrupt(key.bytes, 72);
}

TEST(layouts_sort_by_version_and_their_keys_are_read_back)
{
    const struct mcpz_record first = {.kind = MCPZ_RECORD_LAYOUT,
                                      .layout = {.stamp = {0x0102, 0xfffe}}};
    const struct mcpz_record second = {.kind = MCPZ_RECORD_LAYOUT,
                                       .layout = {.stamp = {0x0103, 1}}};
    const struct mcpz_record tracker = {.kind = MCPZ_RECORD_TRACKER,
                                        .tracker = {{.node = id_of(7)}}};
    const struct mcpz_record staged = {.kind = MCPZ_RECORD_STAGED};
    struct mcpz_key key = key_of(&first);
    struct mcpz_key later = key_of(&second);
    struct mcpz_record parsed;

    check_bytes(slice(&key), "\x14\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\xff\xfe", 17);
    CHECK(mcpz_bytes_compare(slice(&key), slice(&later)) < 0);
    CHECK_UINT(mcpz_schema_parse(slice(&key), &parsed), MCPZ_OK);
    CHECK_UINT(parsed.layout.stamp.version, 0x0102);
    CHECK_UINT(parsed.layout.stamp.tag, 0xfffe);
    check_corrupt(key.bytes, 16);

    key = key_of(&tracker);
    CHECK_UINT(mcpz_schema_parse(slice(&key), &parsed), MCPZ_OK);
    CHECK(mcpz_id_equal(&parsed.tracker.tracker.node, &tracker.tracker.tracker.node));
    check_corrupt(key.bytes, key.length - 1);

    key = key_of(&staged);
    check_bytes(slice(&key), "\x16", 1);
    CHECK_UINT(mcpz_schema_parse(slice(&key), &parsed), MCPZ_OK);
}

TEST(places_of_sealed_records_have_tokens_for_names)
{
    uint8_t place[128] = {MCPZ_RECORD_ENTRY};
    const size_t entry = 1 + 32 + MCPZ_SCHEMA_TOKEN_BYTES + 47;

    for (size_t length = 0; length < sizeof(place); length++) {
        CHECK(mcpz_schema_is_place(mcpz_bytes(place, length)) == (length == entry));
    }
    place[0] = MCPZ_RECORD_RUN;
    for (size_t length = 0; length < sizeof(place); length++) {
        CHECK(mcpz_schema_is_place(mcpz_bytes(place, length)) ==
              (length == 1 + MCPZ_SCHEMA_TOKEN_BYTES));
    }
    place[0] = MCPZ_RECORD_DOCUMENT;
    CHECK(mcpz_schema_is_place(mcpz_bytes(place, 33)));
    CHECK(!mcpz_schema_is_place(mcpz_bytes(place, 32)));
    place[0] = 0;
    CHECK(!mcpz_schema_is_place(mcpz_bytes(place, 33)));
}

TEST_MAIN(RUN(hints_of_an_owner_lie_together_oldest_first),
          RUN(layouts_sort_by_version_and_their_keys_are_read_back),
          RUN(spells_the_key_of_an_entry), RUN(spells_the_key_of_a_delta),
          RUN(spells_the_key_of_a_fork), RUN(spells_the_keys_of_the_rest),
          RUN(spells_the_keys_of_tasks), RUN(tenant_and_key_cannot_be_shifted),
          RUN(every_key_parses_back), RUN(parses_what_was_put_in),
          RUN(parses_the_greatest_numbers), RUN(bytes_sort_as_listed),
          RUN(a_prefix_is_what_a_scan_holds_fixed), RUN(the_longest_path_makes_a_key_that_fits),
          RUN(refuses_every_truncated_key), RUN(refuses_keys_that_are_too_long),
          RUN(refuses_kinds_it_does_not_know), RUN(knows_where_a_path_ends),
          RUN(places_of_sealed_records_have_tokens_for_names))
