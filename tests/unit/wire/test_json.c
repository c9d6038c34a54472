#include "test.h"
#include "wire/json.h"

static mcpz_error check(const char *text)
{
    return mcpz_json_check(mcpz_text(text), MCPZ_JSON_GRAMMAR);
}

static bool any_reader_takes(const char *text)
{
    return mcpz_json_check(mcpz_text(text), MCPZ_JSON_INTEROPERABLE) == MCPZ_OK;
}

static struct mcpz_json parse(const char *text)
{
    CHECK_UINT(check(text), MCPZ_OK);
    return mcpz_json_value(mcpz_text(text));
}

static void check_text(struct mcpz_json value, const char *text)
{
    CHECK_BYTES(value.text, text, strlen(text));
}

/* ---- Checking ----------------------------------------------------------------------------- */

static const char *const well_formed[] = {
    "null",
    " true ",
    "false",
    "0",
    "-0",
    "-0.5e+10",
    "12",
    "1E5",
    "\"\"",
    "\"a\\u00e9\\n\\\\\"",
    "\"0123456789abcdef\\\"0123456789\"",
    "\"0123456\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 and on it goes\"",
    "\"\x7f\"",
    "[]",
    "[ ]",
    "{ }",
    "[1, [2], {}]",
    "\r\n\t{\"a\" : {\"b\": [1, 2, {\"c\": null}]}, \"d\": \"e\"} ",
    "\"\\ud83d\\ude00\"",
};

static const char *const malformed[] = {
    "",
    " ",
    "nul",
    "nulll",
    "Null",
    "01",
    "+1",
    "1.",
    ".5",
    "1e",
    "1e+",
    "-",
    "--1",
    "0x1",
    "NaN",
    "Infinity",
    "\"",
    "\"a",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\",
    "\"\t\"",
    "\"01234567\n\"",
    "'a'",
    "[",
    "[1",
    "[1,]",
    "[,1]",
    "[1,,2]",
    "{",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{a:1}",
    "{1:2}",
    "[1}",
    "{\"a\":1]",
    "1 2",
    "{} {}",
    "]",
    "[]]",
    "\xff",
    "\"\xc3\"",
    "\"0123456\xc0\x80 0123456\"",
    "\"\xed\xa0\x80 0123456\"",
    "\xef\xbb\xbf{}",
    "truefalse",
    "[1 2]",
    "/* */1",
};

TEST(takes_what_is_json_and_nothing_else)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(well_formed); i++) {
        if (check(well_formed[i]) != MCPZ_OK || !any_reader_takes(well_formed[i])) {
            print_error("refused: %s\n", well_formed[i]);
            _fail(__FILE__, __LINE__);
        }
        /* Nothing that was cut is a value, but for numbers. */
        for (size_t cut = 0;
             cut < strlen(well_formed[i]) && strpbrk(well_formed[i], "\"[{") == well_formed[i];
             cut++) {
            CHECK_UINT(mcpz_json_check(mcpz_bytes(well_formed[i], cut), MCPZ_JSON_GRAMMAR),
                       MCPZ_EPROTO);
        }
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(malformed); i++) {
        if (check(malformed[i]) != MCPZ_EPROTO || any_reader_takes(malformed[i])) {
            print_error("taken: %s\n", malformed[i]);
            _fail(__FILE__, __LINE__);
        }
    }
}

TEST(passes_on_what_some_readers_would_not_take)
{
    static const char *const odd[] = {
        "\"\\u0000\"",         "\"\\ud800\"",   "\"\\udc00\"", "\"\\ud800\\u0041\"",
        "9223372036854775808", "-1e999",        "1e400",       "{\"\\ud83d\": 1}",
        "\"\\udc00\\ud800\"",  "\"\\ud83d x\"",
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(odd); i++) {
        CHECK_UINT(check(odd[i]), MCPZ_OK);
        CHECK(!any_reader_takes(odd[i]));
    }
    CHECK(any_reader_takes("9223372036854775807"));
    CHECK(any_reader_takes("-9223372036854775808"));
    CHECK(any_reader_takes("1e308"));
}

TEST(nests_so_deep_and_no_deeper)
{
    static char text[4 * (MCPZ_JSON_DEPTH_MAX + 1) + 3];
    const size_t depth = MCPZ_JSON_DEPTH_MAX;

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    CHECK_UINT(mcpz_json_check(mcpz_bytes(text, 2 * depth), MCPZ_JSON_GRAMMAR), MCPZ_OK);
    memset(text, '[', depth + 1);
    memset(text + depth + 1, ']', depth + 1);
    CHECK_UINT(mcpz_json_check(mcpz_bytes(text, 2 * (depth + 1)), MCPZ_JSON_GRAMMAR), MCPZ_EFULL);
    /* Side by side is not within each other. */
    size_t length = 0;
    text[length++] = '[';
    for (size_t i = 0; i <= depth; i++) {
        memcpy(text + length, i == 0 ? "{}" : ",[]", i == 0 ? 2 : 3);
        length += i == 0 ? 2 : 3;
    }
    text[length++] = ']';
    CHECK_UINT(mcpz_json_check(mcpz_bytes(text, length), MCPZ_JSON_GRAMMAR), MCPZ_OK);
}

TEST(a_control_character_is_found_wherever_in_a_word_it_stands)
{
    char text[] = "\"0123456789abcdef\"";

    for (size_t i = 1; i <= 16; i++) {
        const char kept = text[i];
        static const char refused[] = {'\x1f', '\n', '\0', '"', '\xff', '\x80'};
        for (size_t k = 0; k < sizeof(refused); k++) {
            text[i] = refused[k];
            CHECK_UINT(mcpz_json_check(mcpz_bytes(text, sizeof(text) - 1), MCPZ_JSON_GRAMMAR),
                       MCPZ_EPROTO);
        }
        text[i] = kept;
    }
    CHECK_UINT(check(text), MCPZ_OK);
}

/* ---- Walking ------------------------------------------------------------------------------ */

TEST(knows_what_a_value_is)
{
    CHECK_UINT(parse(" null").type, MCPZ_JSON_NULL);
    CHECK_UINT(parse("true").type, MCPZ_JSON_TRUE);
    CHECK_UINT(parse("false ").type, MCPZ_JSON_FALSE);
    CHECK_UINT(parse("-1.5").type, MCPZ_JSON_NUMBER);
    CHECK_UINT(parse("\"a\"").type, MCPZ_JSON_STRING);
    CHECK_UINT(parse("[1]").type, MCPZ_JSON_ARRAY);
    CHECK_UINT(parse("{}").type, MCPZ_JSON_OBJECT);
    check_text(parse("  [1, 2] \n"), "[1, 2]");
    check_text(parse(" 17 "), "17");
    check_text(parse("\"a\\\\\""), "\"a\\\\\"");
}

TEST(names_the_members_of_an_object)
{
    struct mcpz_json_walk walk =
        mcpz_json_walk(parse(" { \"a\" : [1, {\"b\": \"]}\"}] , \"c\":\"}\\\"\",\"d\":-1 } "));
    struct mcpz_json name;
    struct mcpz_json value;

    CHECK(mcpz_json_next_member(&walk, &name, &value));
    check_text(name, "\"a\"");
    check_text(value, "[1, {\"b\": \"]}\"}]");
    CHECK(mcpz_json_next_member(&walk, &name, &value));
    check_text(name, "\"c\"");
    check_text(value, "\"}\\\"\"");
    CHECK(mcpz_json_next_member(&walk, &name, &value));
    check_text(name, "\"d\"");
    check_text(value, "-1");
    CHECK(!mcpz_json_next_member(&walk, &name, &value));
    CHECK(!mcpz_json_next_member(&walk, &name, &value));
}

TEST(visits_the_elements_of_an_array)
{
    struct mcpz_json_walk walk = mcpz_json_walk(parse("[ 1,\"a\" , [] ,{\"b\":null},true]"));
    static const char *const expected[] = {"1", "\"a\"", "[]", "{\"b\":null}", "true"};
    struct mcpz_json value;

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(expected); i++) {
        CHECK(mcpz_json_next_element(&walk, &value));
        check_text(value, expected[i]);
    }
    CHECK(!mcpz_json_next_element(&walk, &value));
}

TEST(what_is_no_container_has_nothing_in_it)
{
    struct mcpz_json value;
    struct mcpz_json_walk walk = mcpz_json_walk(parse("\"[1]\""));
    CHECK(!mcpz_json_next_element(&walk, &value));
    walk = mcpz_json_walk(parse(" [ ] "));
    CHECK(!mcpz_json_next_element(&walk, &value));
    walk = mcpz_json_walk((struct mcpz_json){.type = MCPZ_JSON_NONE});
    CHECK(!mcpz_json_next_element(&walk, &value));
}

/* ---- Picking ------------------------------------------------------------------------------ */

static const char *const names[] = {"id", "method", "params"};

TEST(picks_members_in_any_order_and_however_they_are_written)
{
    struct mcpz_json found[3];

    CHECK_UINT(mcpz_json_pick(parse("{\"meth\\u006fd\":\"x\",\"other\":{\"id\":9},\"id\":1}"),
                              names, 3, found),
               MCPZ_OK);
    check_text(found[0], "1");
    check_text(found[1], "\"x\"");
    CHECK_UINT(found[2].type, MCPZ_JSON_NONE);
    CHECK_UINT(mcpz_json_pick(parse("[\"id\", 1]"), names, 3, found), MCPZ_OK);
    CHECK_UINT(found[0].type, MCPZ_JSON_NONE);
}

/* Of small objects, of large ones, and where one becomes the other. */
TEST(a_name_is_found_again_wherever_it_stands)
{
    static const char *const again[] = {"n3", "\\u006e3"};
    struct mcpz_json found[1];
    const char *const wanted[] = {"n3"};
    char text[1024];

    for (size_t count = 4; count < 40; count++) {
        for (size_t form = 0; form <= MCPZ_ARRAY_LEN(again); form++) {
            size_t used = 0;
            for (size_t i = 0; i < count; i++) {
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%c\"n%zu\":%zu",
                                         i == 0 ? '{' : ',', i, i);
            }
            if (form < MCPZ_ARRAY_LEN(again)) {
                used +=
                    (size_t)snprintf(text + used, sizeof(text) - used, ",\"%s\":0", again[form]);
            }
            (void)snprintf(text + used, sizeof(text) - used, "}");
            CHECK_UINT(mcpz_json_pick(parse(text), wanted, 1, found),
                       form < MCPZ_ARRAY_LEN(again) ? MCPZ_ECONFLICT : MCPZ_OK);
            CHECK(mcpz_bytes_equal(found[0].text, mcpz_text("3")));
        }
    }
}

TEST(a_name_that_is_there_twice_is_refused)
{
    static const char *const twice[] = {
        "{\"id\":1,\"id\":1}",
        "{\"id\":1,\"\\u0069d\":2}",
        "{\"other\":1,\"id\":2,\"other\":3}",
        "{\"\xc3\xa9\":1,\"\\u00e9\":2}",
        "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}",
        "{\"\":1,\"\":2}",
        "{\"a\\/\\n\":1,\"a/\\u000a\":2}",
        "{\"\\ud83d\":1,\"\\uD83D\":2}",
    };
    static const char *const once[] = {
        "{\"id\":1,\"Id\":2,\"i\":3,\"idd\":4,\"\":5}",
        "{\"\\u00e9\":1,\"\\u00e8\":2,\"e\":3,\"\xc3\xa9x\":4}",
        "{\"a\":{\"id\":1},\"b\":{\"id\":2}}",
        "{\"\\\\\":1,\"\\\\\\\\\":2}",
    };
    struct mcpz_json found[3];

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(twice); i++) {
        CHECK_UINT(mcpz_json_pick(parse(twice[i]), names, 3, found), MCPZ_ECONFLICT);
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(once); i++) {
        CHECK_UINT(mcpz_json_pick(parse(once[i]), names, 3, found), MCPZ_OK);
    }
}

TEST(so_many_members_are_picked_from_and_no_more)
{
    static char text[16 * (MCPZ_JSON_MEMBERS_MAX + 2)];
    struct mcpz_json found[3];
    size_t used = 0;

    for (size_t i = 0; i <= MCPZ_JSON_MEMBERS_MAX; i++) {
        text[used] = i == 0 ? '{' : ',';
        used += 1 + (size_t)snprintf(text + used + 1, 16, "\"m%zu\":%zu", i, i);
        text[used] = '}';
        text[used + 1] = '\0';
        CHECK_UINT(mcpz_json_pick(parse(text), names, 3, found),
                   i < MCPZ_JSON_MEMBERS_MAX ? MCPZ_OK : MCPZ_EFULL);
    }
}

/* ---- Strings and numbers ------------------------------------------------------------------ */

static void check_said(const char *json, const char *expected, size_t length)
{
    uint8_t in_place[128];
    uint8_t buffer[128];
    size_t got = 0;

    CHECK_UINT(mcpz_json_unescape(parse(json), buffer, sizeof(buffer), &got), MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(buffer, got), expected, length);
    if (length > 0) {
        CHECK_UINT(mcpz_json_unescape(parse(json), buffer, length, &got), MCPZ_OK);
        CHECK_UINT(mcpz_json_unescape(parse(json), buffer, length - 1, &got), MCPZ_EFULL);
    }
    memcpy(in_place, json, strlen(json));
    struct mcpz_json value = mcpz_json_value(mcpz_bytes(in_place, strlen(json)));
    CHECK_UINT(mcpz_json_unescape(value, in_place, sizeof(in_place), &got), MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(in_place, got), expected, length);
}

TEST(reads_what_strings_say)
{
    check_said("\"\"", "", 0);
    check_said("\"a\\\"b\\\\c\\/d\"", "a\"b\\c/d", 7);
    check_said("\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t", 5);
    check_said("\"\\u0041\\u00e9\\u20ac\\u0000\"", "A\xc3\xa9\xe2\x82\xac\0", 7);
    check_said("\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!", 5);
    check_said("\"\\ud83dx\"", "\xef\xbf\xbdx", 4);
    check_said("\"\\ude00\"", "\xef\xbf\xbd", 3);
    check_said("\"\\ud83d\\u0041\"", "\xef\xbf\xbd\x41", 4);
    check_said("\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7);
}

TEST(compares_what_strings_say)
{
    CHECK(mcpz_json_says(parse("\"tools/call\""), mcpz_text("tools/call")));
    CHECK(mcpz_json_says(parse("\"tools\\/call\""), mcpz_text("tools/call")));
    CHECK(mcpz_json_says(parse("\"\\u0074ools/call\""), mcpz_text("tools/call")));
    CHECK(!mcpz_json_says(parse("\"tools/cal\""), mcpz_text("tools/call")));
    CHECK(!mcpz_json_says(parse("\"tools\\/call2\""), mcpz_text("tools/call")));
    CHECK(!mcpz_json_says(parse("\"tools\\/cal\""), mcpz_text("tools/call")));
    CHECK(!mcpz_json_says(parse("null"), mcpz_text("null")));
}

TEST(reads_whole_numbers_that_fit)
{
    static const char *const not_whole[] = {
        "1.0",  "1e2", "9223372036854775808",  "-9223372036854775809", "\"1\"",
        "null", "1E1", "99999999999999999999",
    };
    int64_t number = 0;

    CHECK(mcpz_json_integer(parse("0"), &number) && number == 0);
    CHECK(mcpz_json_integer(parse("-0"), &number) && number == 0);
    CHECK(mcpz_json_integer(parse("-17"), &number) && number == -17);
    CHECK(mcpz_json_integer(parse("9223372036854775807"), &number) && number == INT64_MAX);
    CHECK(mcpz_json_integer(parse("-9223372036854775808"), &number) && number == INT64_MIN);
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(not_whole); i++) {
        CHECK(!mcpz_json_integer(parse(not_whole[i]), &number));
    }
}

/* ---- Writing ------------------------------------------------------------------------------ */

static void write_something(struct mcpz_json_writer *writer)
{
    mcpz_json_put_text(writer, "{\"a\":");
    mcpz_json_put_integer(writer, INT64_MIN);
    mcpz_json_put_text(writer, ",\"b\":");
    mcpz_json_put_string(writer, mcpz_text("\"\\\n\x7f\xc3\xa9"));
    mcpz_json_put_text(writer, ",\"c\":");
    mcpz_json_put_integer(writer, 70);
    mcpz_json_put(writer, mcpz_bytes(NULL, 0));
    mcpz_json_put_text(writer, "}");
}

TEST(writes_what_it_measured)
{
    static const char expected[] =
        "{\"a\":-9223372036854775808,\"b\":\"\\\"\\\\\\u000a\\u007f\xc3\xa9\",\"c\":70}";
    const size_t length = sizeof(expected) - 1;
    uint8_t buffer[128];
    struct mcpz_json_writer measuring = mcpz_json_writer(NULL, 0);

    write_something(&measuring);
    CHECK_UINT(measuring.length, length);
    CHECK_UINT(measuring.error, MCPZ_EFULL);
    for (size_t room = 0; room <= length; room++) {
        memset(buffer, 'x', sizeof(buffer));
        struct mcpz_json_writer writer = mcpz_json_writer(buffer, room);
        write_something(&writer);
        CHECK_UINT(writer.length, length);
        CHECK_UINT(writer.error, room < length ? MCPZ_EFULL : MCPZ_OK);
        CHECK_UINT(buffer[room], 'x');
    }
    CHECK_BYTES(mcpz_bytes(buffer, length), expected, length);
}

TEST(writes_strings_that_read_the_same)
{
    char all[130];
    uint8_t json[MCPZ_JSON_ESCAPED_BYTES(sizeof(all))];
    size_t length = 0;

    for (size_t i = 0; i < 128; i++) {
        all[i] = (char)i;
    }
    struct mcpz_json_writer writer = mcpz_json_writer(json, sizeof(json));
    mcpz_json_put_string(&writer, mcpz_bytes(all, 128));
    CHECK_UINT(writer.error, MCPZ_OK);
    const struct mcpz_bytes text = mcpz_bytes(json, writer.length);
    CHECK_UINT(mcpz_json_check(text, MCPZ_JSON_GRAMMAR), MCPZ_OK);
    CHECK(memchr(json, '\n', writer.length) == NULL);
    CHECK(mcpz_json_says(mcpz_json_value(text), mcpz_bytes(all, 128)));
    CHECK_UINT(mcpz_json_unescape(mcpz_json_value(text), json, sizeof(json), &length), MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(json, length), all, 128);
}

TEST_MAIN(RUN(takes_what_is_json_and_nothing_else),
          RUN(passes_on_what_some_readers_would_not_take), RUN(nests_so_deep_and_no_deeper),
          RUN(a_control_character_is_found_wherever_in_a_word_it_stands),
          RUN(knows_what_a_value_is), RUN(names_the_members_of_an_object),
          RUN(visits_the_elements_of_an_array), RUN(what_is_no_container_has_nothing_in_it),
          RUN(picks_members_in_any_order_and_however_they_are_written),
          RUN(a_name_is_found_again_wherever_it_stands),
          RUN(a_name_that_is_there_twice_is_refused),
          RUN(so_many_members_are_picked_from_and_no_more), RUN(reads_what_strings_say),
          RUN(compares_what_strings_say), RUN(reads_whole_numbers_that_fit),
          RUN(writes_what_it_measured), RUN(writes_strings_that_read_the_same))
