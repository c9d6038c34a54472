#include "fake_engine.h"
#include "http/document.h"

/* ---- Values ------------------------------------------------------------------------------- */

static mcpz_error from_json(const char *text, struct mcpz_value *value)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    CHECK(json != NULL);
    mcpz_error error = mcpz_value_from_json(json, value);
    json_decref(json);
    return error;
}

/* JSON -> value -> JSON. */
static const char *around(const char *text)
{
    static char shown[4096];
    struct mcpz_value value;
    json_t *json = NULL;

    CHECK_UINT(from_json(text, &value), MCPZ_OK);
    CHECK_UINT(mcpz_value_to_json(mcpz_bytes(value.bytes, value.length), &json), MCPZ_OK);
    char *dumped = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    (void)snprintf(shown, sizeof(shown), "%s", dumped);
    free(dumped);
    json_decref(json);
    return shown;
}

TEST(values_come_back_as_they_were)
{
    static const char *const values[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "1.5",
        "\"\"",
        "\"caf\xc3\xa9\"",
        "[]",
        "{}",
        "[1,[2,{\"a\":null}]]",
        "{\"$base64\":\"AP8=\"}",
        "{\"$uint\":\"18446744073709551615\"}",
        "{\"$base64\":\"AA==\",\"b\":1}",
        "{\"$other\":\"x\"}",
    };

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        CHECK_TEXT(around(values[i]), values[i]);
    }
}

TEST(equal_values_have_equal_bytes)
{
    CHECK_TEXT(around("{\"b\":1,\"a\":2,\"aa\":3,\"\":4}"), "{\"\":4,\"a\":2,\"aa\":3,\"b\":1}");
    CHECK_TEXT(around("2.0"), "2");
    CHECK_TEXT(around("-0.0"), "0");
    CHECK_TEXT(around("{\"$uint\":\"7\"}"), "7");
}

TEST(refuses_special_objects_that_are_none)
{
    static const char *const values[] = {
        "{\"$base64\":1}",    "{\"$base64\":\"A\"}", "{\"$uint\":\"\"}",
        "{\"$uint\":\"01\"}", "{\"$uint\":\"-1\"}",  "{\"$uint\":\"18446744073709551616\"}",
        "{\"$uint\":7}",
    };
    struct mcpz_value value;

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        CHECK_UINT(from_json(values[i], &value), MCPZ_EPROTO);
    }
}

static mcpz_error nested(size_t depth)
{
    char text[64] = "";
    struct mcpz_value value;

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return from_json(text, &value);
}

TEST(nesting_ends_at_its_limit)
{
    CHECK_UINT(nested(MCPZ_MSG_DEPTH_MAX), MCPZ_OK);
    CHECK_UINT(nested(MCPZ_MSG_DEPTH_MAX + 1), MCPZ_EPROTO);
}

static mcpz_error text_of(size_t length)
{
    char text[MCPZ_VALUE_BYTES_MAX + 16];
    struct mcpz_value value;

    memset(text, 'a', sizeof(text));
    text[0] = '"';
    text[length + 1] = '"';
    text[length + 2] = '\0';
    return from_json(text, &value);
}

TEST(size_ends_at_its_limit)
{
    CHECK_UINT(text_of(MCPZ_VALUE_BYTES_MAX - 3), MCPZ_OK); /* and three bytes in front */
    CHECK_UINT(text_of(MCPZ_VALUE_BYTES_MAX - 2), MCPZ_EFULL);
}

TEST(what_is_no_value_in_the_store_is_corrupt)
{
    json_t *json = NULL;

    CHECK_UINT(mcpz_value_to_json(mcpz_bytes("\xcc\x01", 2), &json), MCPZ_ECORRUPT);
    CHECK_UINT(mcpz_value_to_json(mcpz_bytes("\x91", 1), &json), MCPZ_ECORRUPT);
    CHECK_UINT(mcpz_value_to_json(mcpz_bytes("", 0), &json), MCPZ_ECORRUPT);
}

/* ---- Paths -------------------------------------------------------------------------------- */

static mcpz_error path_of(const char *text, struct mcpz_path *path)
{
    return mcpz_path_from_text(mcpz_text(text), path);
}

static const char *path_around(const char *text)
{
    static char shown[1024];
    struct mcpz_path path;

    CHECK_UINT(path_of(text, &path), MCPZ_OK);
    json_t *json = mcpz_path_to_json(mcpz_bytes(path.bytes, path.length));
    (void)snprintf(shown, sizeof(shown), "%s", json_string_value(json));
    json_decref(json);
    return shown;
}

TEST(paths_read_with_dots_or_as_pointers)
{
    struct mcpz_path path;

    CHECK_TEXT(path_around("a"), "a");
    CHECK_TEXT(path_around("a.b.c"), "a.b.c");
    CHECK_TEXT(path_around("/a/b"), "a.b");
    CHECK_TEXT(path_around("/a.b/c"), "/a.b/c");
    CHECK_TEXT(path_around("/a~1b/~0c.d"), "/a~1b/~0c.d");
    CHECK_TEXT(path_around("/~1a"), "/~1a");
    CHECK_UINT(path_of("a.$b", &path), MCPZ_OK);
    CHECK_UINT(path_of("a.b", &path), MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(path.bytes, path.length),
                "\x92\xa1"
                "a\xa1"
                "b",
                5);
}

TEST(paths_that_are_none_are_refused)
{
    static const char *const paths[] = {"",    ".",      "a.",  ".a",  "a..b", "/",
                                        "//a", "a.\xff", "/a/", "/a~", "/a~2"};
    struct mcpz_path path;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        CHECK_UINT(path_of(paths[i], &path), MCPZ_EPROTO);
    }
    CHECK_UINT(mcpz_path_from_text(mcpz_bytes("a\0b", 3), &path), MCPZ_EPROTO);
    CHECK_UINT(path_of("$name", &path), MCPZ_EAUTH);
    CHECK_UINT(path_of("/$name/a", &path), MCPZ_EAUTH);
}

TEST(paths_end_at_their_limits)
{
    char text[MCPZ_PATH_BYTES_MAX + 8];
    struct mcpz_path path;

    CHECK_UINT(path_of("1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6", &path), MCPZ_OK);
    CHECK_UINT(path_of("1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7", &path), MCPZ_EFULL);
    memset(text, 'a', sizeof(text));
    text[MCPZ_PATH_BYTES_MAX - 4] = '\0'; /* array header, text header of three bytes */
    CHECK_UINT(path_of(text, &path), MCPZ_OK);
    CHECK_UINT(path.length, MCPZ_PATH_BYTES_MAX);
    text[MCPZ_PATH_BYTES_MAX - 4] = 'a';
    text[MCPZ_PATH_BYTES_MAX - 3] = '\0';
    CHECK_UINT(path_of(text, &path), MCPZ_EFULL);
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    CHECK_UINT(path_of(text, &path), MCPZ_EFULL);
}

/* ---- State -------------------------------------------------------------------------------- */

static const struct mcpz_id document = {.bytes = {'d'}};

static void put(const char *path_text, uint32_t type, const char *json, uint8_t actor,
                uint64_t hlc)
{
    struct mcpz_path path;
    struct mcpz_value value;
    struct mcpz_store *store = &world.engine.store;
    struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY,
                                 .entry = {.document = document, .type = type, .hlc = hlc}};

    if (path_text[0] == '$') {
        path = (struct mcpz_path){.bytes = "\x91\xa2$n", .length = 4};
    } else {
        CHECK_UINT(path_of(path_text, &path), MCPZ_OK);
    }
    CHECK_UINT(from_json(json, &value), MCPZ_OK);
    record.entry.path = mcpz_bytes(path.bytes, path.length);
    record.entry.value = mcpz_bytes(value.bytes, value.length);
    record.entry.dot.actor.node.bytes[0] = actor;
    record.entry.dot.seq = hlc;
    store->put(store->context, &record);
}

static const char *shown(void)
{
    static char text[4096];
    json_t *shown_state = NULL;
    json_t *conflicts = NULL;

    CHECK_UINT(mcpz_document_show(&world.engine.store, &document, &shown_state, &conflicts),
               MCPZ_OK);
    char *first = json_dumps(shown_state, JSON_COMPACT | JSON_SORT_KEYS);
    char *second = json_dumps(conflicts, JSON_COMPACT);
    (void)snprintf(text, sizeof(text), "%s %s", first, second);
    free(first);
    free(second);
    json_decref(shown_state);
    json_decref(conflicts);
    return text;
}

TEST(an_empty_document_is_an_empty_object)
{
    fake_begin();
    CHECK_TEXT(shown(), "{} []");
    fake_end();
}

TEST(types_show_as_people_expect)
{
    fake_begin();
    put("a.b", MCPZ_ENTRY_REGISTER, "1", 1, 10);
    put("tags", MCPZ_ENTRY_SET, "\"y\"", 1, 11);
    put("tags", MCPZ_ENTRY_SET, "\"x\"", 1, 12);
    put("tags", MCPZ_ENTRY_SET, "\"x\"", 2, 12);
    put("n", MCPZ_ENTRY_COUNTER, "5", 1, 13);
    put("n", MCPZ_ENTRY_COUNTER, "-7", 2, 13);
    put("$n", MCPZ_ENTRY_REGISTER, "\"hidden\"", 1, 1);
    CHECK_TEXT(shown(), "{\"a\":{\"b\":1},\"n\":-2,\"tags\":[\"x\",\"y\"]} []");
    fake_end();
}

TEST(the_latest_write_of_a_register_is_shown)
{
    fake_begin();
    put("a", MCPZ_ENTRY_REGISTER, "1", 9, 10);
    put("a", MCPZ_ENTRY_REGISTER, "2", 1, 20);
    put("b", MCPZ_ENTRY_REGISTER, "3", 1, 10);
    put("b", MCPZ_ENTRY_REGISTER, "4", 2, 10); /* as late: the greater actor */
    CHECK_TEXT(shown(), "{\"a\":2,\"b\":4} "
                        "[{\"path\":\"a\",\"shown\":\"register\",\"hidden\":[],"
                        "\"concurrent\":{\"register\":[2,1]}},"
                        "{\"path\":\"b\",\"shown\":\"register\",\"hidden\":[],"
                        "\"concurrent\":{\"register\":[3,4]}}]");
    fake_end();
}

TEST(a_leaf_below_a_leaf_is_a_conflict_that_the_object_wins)
{
    fake_begin();
    put("a", MCPZ_ENTRY_REGISTER, "{\"b\":1}", 1, 10);
    put("a.b.c", MCPZ_ENTRY_COUNTER, "2", 1, 11);
    CHECK_TEXT(shown(), "{\"a\":{\"b\":{\"c\":2}}} "
                        "[{\"path\":\"a\",\"shown\":\"object\",\"hidden\":[\"register\"],"
                        "\"values\":{\"register\":{\"b\":1}}}]");
    fake_end();
}

TEST(types_at_one_path_are_a_conflict)
{
    fake_begin();
    put("a", MCPZ_ENTRY_COUNTER, "1", 1, 10);
    put("a", MCPZ_ENTRY_SET, "2", 1, 11);
    put("b", MCPZ_ENTRY_COUNTER, "1", 1, 12);
    put("b", MCPZ_ENTRY_REGISTER, "true", 1, 13);
    put("b", MCPZ_ENTRY_SET, "2", 1, 14);
    CHECK_TEXT(shown(), "{\"a\":[2],\"b\":true} "
                        "[{\"path\":\"a\",\"shown\":\"set\",\"hidden\":[\"counter\"],"
                        "\"values\":{\"counter\":1}},"
                        "{\"path\":\"b\",\"shown\":\"register\",\"hidden\":[\"set\",\"counter\"],"
                        "\"values\":{\"set\":[2],\"counter\":1}}]");
    fake_end();
}

TEST(several_values_are_shown_beside_each_other)
{
    fake_begin();
    put("a", MCPZ_ENTRY_MULTI, "1", 9, 10);
    put("b", MCPZ_ENTRY_MULTI, "2", 2, 10);
    put("b", MCPZ_ENTRY_MULTI, "3", 1, 20);
    CHECK_TEXT(shown(), "{\"a\":1,\"b\":{\"$values\":[3,2]}} "
                        "[{\"path\":\"b\",\"shown\":\"multi\",\"hidden\":[],"
                        "\"concurrent\":{\"multi\":[3,2]}}]");
    fake_end();
}

TEST(flags_and_empty_maps_are_shown)
{
    fake_begin();
    put("f", MCPZ_ENTRY_FLAG, "true", 1, 10);
    put("f", MCPZ_ENTRY_FLAG, "true", 2, 10);
    put("m", MCPZ_ENTRY_MAP, "null", 1, 11);
    put("n", MCPZ_ENTRY_MAP, "null", 1, 12);
    put("n", MCPZ_ENTRY_REGISTER, "1", 1, 13);
    CHECK_TEXT(shown(), "{\"f\":true,\"m\":{},\"n\":{}} "
                        "[{\"path\":\"n\",\"shown\":\"object\",\"hidden\":[\"register\"],"
                        "\"values\":{\"register\":1}}]");
    fake_end();
}

TEST(a_later_epoch_is_shown_whatever_the_clocks_say)
{
    fake_begin();
    put("a", MCPZ_ENTRY_FENCED, "[2, 0, \"new\"]", 1, 10);
    put("a", MCPZ_ENTRY_FENCED, "[1, 255, \"old\"]", 2, 99);
    CHECK_TEXT(shown(), "{\"a\":\"new\"} "
                        "[{\"path\":\"a\",\"shown\":\"fenced\",\"hidden\":[],"
                        "\"concurrent\":{\"fenced\":[\"new\",\"old\"]}}]");
    fake_end();
}

TEST(a_counter_stays_at_its_end)
{
    fake_begin();
    put("n", MCPZ_ENTRY_COUNTER, "9223372036854775807", 1, 1);
    put("n", MCPZ_ENTRY_COUNTER, "1", 2, 1);
    CHECK_TEXT(shown(), "{\"n\":9223372036854775807} []");
    fake_end();
}

TEST(an_entry_that_is_no_counter_is_corrupt)
{
    json_t *shown_state = NULL;
    json_t *conflicts = NULL;

    fake_begin();
    put("n", MCPZ_ENTRY_COUNTER, "\"x\"", 1, 1);
    CHECK_UINT(mcpz_document_show(&world.engine.store, &document, &shown_state, &conflicts),
               MCPZ_ECORRUPT);
    fake_end();
}

TEST_MAIN(RUN(values_come_back_as_they_were), RUN(equal_values_have_equal_bytes),
          RUN(refuses_special_objects_that_are_none), RUN(nesting_ends_at_its_limit),
          RUN(size_ends_at_its_limit), RUN(what_is_no_value_in_the_store_is_corrupt),
          RUN(paths_read_with_dots_or_as_pointers), RUN(paths_that_are_none_are_refused),
          RUN(paths_end_at_their_limits), RUN(an_empty_document_is_an_empty_object),
          RUN(types_show_as_people_expect), RUN(the_latest_write_of_a_register_is_shown),
          RUN(a_leaf_below_a_leaf_is_a_conflict_that_the_object_wins),
          RUN(types_at_one_path_are_a_conflict), RUN(several_values_are_shown_beside_each_other),
          RUN(flags_and_empty_maps_are_shown), RUN(a_later_epoch_is_shown_whatever_the_clocks_say),
          RUN(a_counter_stays_at_its_end), RUN(an_entry_that_is_no_counter_is_corrupt))
