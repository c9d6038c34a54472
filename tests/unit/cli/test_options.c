#include "cli/help.h"
#include "cli/options.h"
#include "test.h"

#define ARGUMENTS_MAX 300

static struct mcpz_invocation invocation;
static struct mcpz_trouble trouble;

static mcpz_error read_list(const char *const *typed, size_t count)
{
    static char *argv[ARGUMENTS_MAX];
    static char program[] = "mcpz";

    argv[0] = program;
    memcpy(argv + 1, typed, count * sizeof(*typed)); /* main() has them without const */
    memset(&trouble, 0, sizeof(trouble));
    return mcpz_options_read((int)count + 1, argv, &invocation, &trouble);
}

#define READ(...)                                                                                 \
    read_list((const char *const[]){__VA_ARGS__},                                                 \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

#define REFUSES(part, ...)                                                                        \
    do {                                                                                          \
        CHECK_UINT(READ(__VA_ARGS__), MCPZ_EPROTO);                                               \
        if (strstr(trouble.text, part) == NULL) {                                                 \
            print_error("\"%s\" is not in: %s\n", part, trouble.text);                            \
            _fail(__FILE__, __LINE__);                                                            \
        }                                                                                         \
    } while (0)

TEST(every_verb_has_help_with_an_example)
{
    const struct mcpz_verb *verb = NULL;

    (void)state;
    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        char example[64];

        CHECK(mcpz_verb_find(verb->name, NULL) == verb); /* no name twice */
        CHECK(verb->run != NULL);
        CHECK(verb->name != NULL && verb->line[0] != '\0');
        CHECK(verb->line[strlen(verb->line) - 1] != '.');
        CHECK(verb->help[strlen(verb->help) - 1] == '\n');
        (void)snprintf(example, sizeof(example), "mcpz %s", verb->name);
        CHECK(strstr(verb->help, "Example") != NULL);
        CHECK(strstr(verb->help, example) != NULL);
        CHECK((verb->argument_max == 0) == (verb->arguments[0] == '\0'));
        CHECK(verb->argument_max <= MCPZ_VERB_ARGUMENTS_MAX);
    }
}

TEST(every_verb_takes_json_and_help_and_data)
{
    const struct mcpz_verb *verb = NULL;

    (void)state;
    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        CHECK(mcpz_verb_option(verb, "json") != NULL);
        CHECK(mcpz_verb_option(verb, "data") != NULL);
        CHECK(mcpz_verb_letter(verb, 'h') != NULL);
    }
}

static void check_same(const struct mcpz_option *one, const struct mcpz_option *other)
{
    if (strcmp(one->name, other->name) == 0) {
        CHECK((one->value == NULL) == (other->value == NULL));
        CHECK(one->letter == other->letter);
    } else {
        CHECK(one->letter == '\0' || one->letter != other->letter);
    }
}

static void check_everywhere(const struct mcpz_option *option)
{
    const struct mcpz_verb *verb = NULL;

    CHECK(option->help[0] != '\0');
    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        for (size_t j = 0; j < verb->option_count; j++) {
            check_same(option, &verb->options[j]);
        }
    }
    for (size_t i = 0; i < MCPZ_COMMON_OPTION_COUNT; i++) {
        check_same(option, &mcpz_common_options[i]);
    }
}

TEST(an_option_means_the_same_everywhere)
{
    const struct mcpz_verb *verb = NULL;

    (void)state;
    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        for (size_t j = 0; j < verb->option_count; j++) {
            check_everywhere(&verb->options[j]);
        }
    }
}

/* Every line ends, and fits a terminal that is not too small. */
static void check_lines(const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        CHECK(length <= 120);
        CHECK(text[length] == '\n');
        text += length + 1;
    }
}

static void check_named(const char *text, const struct mcpz_verb *verb)
{
    CHECK(strstr(text, verb->line) != NULL);
    for (size_t i = 0; i < verb->option_count; i++) {
        CHECK(strstr(text, verb->options[i].help) != NULL);
    }
}

TEST(help_names_every_verb_and_option)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    const struct mcpz_verb *verb = NULL;

    (void)state;
    mcpz_help_overview(out);
    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        mcpz_help_verb(out, verb);
    }
    mcpz_help_family(out, "token");
    CHECK(fclose(out) == 0);
    for (size_t i = 0; (verb = mcpz_verb_at(i)) != NULL; i++) {
        check_named(text, verb);
    }
    check_lines(text);
    free(text);
}

TEST(options_stand_before_and_after_the_verb)
{
    (void)state;
    CHECK_UINT(READ("--json", "--data", "/d", "token", "revoke", "abc"), MCPZ_OK);
    assert_string_equal(invocation.verb->name, "token revoke");
    CHECK(invocation.json);
    CHECK_TEXT(invocation.data, "/d");
    CHECK_TEXT(mcpz_argument(&invocation, 0), "abc");
    CHECK(mcpz_argument(&invocation, 1) == NULL);

    CHECK_UINT(READ("token", "--data=/e", "revoke", "abc", "--json"), MCPZ_OK);
    assert_string_equal(invocation.verb->name, "token revoke");
    CHECK(invocation.json);
    CHECK_TEXT(invocation.data, "/e");
}

TEST(a_dash_and_a_negative_number_are_arguments)
{
    (void)state;
    CHECK_UINT(READ("join", "-"), MCPZ_OK);
    CHECK_TEXT(mcpz_argument(&invocation, 0), "-");
    CHECK_UINT(READ("agent", "increment", "a", "n", "-3", "--json"), MCPZ_OK);
    CHECK_TEXT(mcpz_argument(&invocation, 2), "-3");
    CHECK(invocation.json);
    CHECK_UINT(READ("agent", "set", "a", "n", "-.5"), MCPZ_OK);
    CHECK_TEXT(mcpz_argument(&invocation, 2), "-.5");
}

TEST(two_dashes_end_the_options)
{
    (void)state;
    CHECK_UINT(READ("agent", "create", "--", "--json"), MCPZ_OK);
    CHECK_TEXT(mcpz_argument(&invocation, 0), "--json");
    CHECK(!invocation.json);
}

TEST(the_last_value_counts_and_all_are_kept)
{
    (void)state;
    CHECK_UINT(READ("up", "--role", "a", "--role", "b", "--provide", "x=y z"), MCPZ_OK);
    CHECK_UINT(invocation.given_count, 3);
    CHECK_TEXT(mcpz_option_value(&invocation, "role"), "b");
    CHECK_TEXT(mcpz_option_value(&invocation, "provide"), "x=y z");
    CHECK(mcpz_option_value(&invocation, "listen") == NULL);
    CHECK(!mcpz_option_is_given(&invocation, "ephemeral"));
}

TEST(a_value_may_be_empty_or_look_like_an_option)
{
    (void)state;
    CHECK_UINT(READ("task", "run", "t", "--params=", "--input", "-"), MCPZ_OK);
    CHECK_TEXT(mcpz_option_value(&invocation, "params"), "");
    CHECK_TEXT(mcpz_option_value(&invocation, "input"), "-");
    CHECK_UINT(READ("task", "run", "t", "--params", "--json"), MCPZ_OK);
    CHECK_TEXT(mcpz_option_value(&invocation, "params"), "--json");
    CHECK(!invocation.json);
}

TEST(the_environment_names_the_data_directory)
{
    (void)state;
    (void)setenv("MCPZ_DATA", "/from/environment", 1);
    CHECK_UINT(READ("status"), MCPZ_OK);
    CHECK_TEXT(invocation.data, "/from/environment");
    CHECK_UINT(READ("status", "--data", "/flag"), MCPZ_OK);
    CHECK_TEXT(invocation.data, "/flag");
    (void)setenv("MCPZ_DATA", "", 1);
    CHECK_UINT(READ("status"), MCPZ_OK);
    CHECK_TEXT(invocation.data, "./var");
    (void)unsetenv("MCPZ_DATA");
    CHECK_UINT(READ("status"), MCPZ_OK);
    CHECK_TEXT(invocation.data, "./var");
}

TEST(help_needs_no_arguments)
{
    (void)state;
    CHECK_UINT(READ("agent", "set", "--help"), MCPZ_OK);
    CHECK(invocation.help);
    assert_string_equal(invocation.verb->name, "agent set");
    CHECK_UINT(READ("-h"), MCPZ_OK);
    CHECK(invocation.help);
    CHECK(invocation.verb == NULL);
    CHECK_UINT(READ("token"), MCPZ_OK);
    CHECK(invocation.verb == NULL);
    CHECK_TEXT(invocation.family, "token");
    CHECK_UINT(READ("help", "token", "create"), MCPZ_OK);
    assert_string_equal(invocation.verb->name, "help");
    CHECK_UINT(READ("--version"), MCPZ_OK);
    assert_string_equal(invocation.verb->name, "version");
}

TEST(a_wrong_verb_gets_the_nearest)
{
    (void)state;
    REFUSES("did you mean \"status\"?", "stauts");
    REFUSES("did you mean \"token\"?", "tokne", "list");
    REFUSES("did you mean \"create\"?", "token", "craete");
    REFUSES("\"mcpz help token\"", "token", "xxxxxx");
    REFUSES("unknown verb \"xyzzy\"", "xyzzy");
    CHECK(strstr(trouble.text, "did you mean") == NULL);
}

TEST(a_wrong_option_gets_the_nearest)
{
    (void)state;
    REFUSES("did you mean --ephemeral?", "up", "--epehmeral");
    REFUSES("did you mean --json?", "status", "--jsn");
    REFUSES("unknown option --listen", "status", "--listen", "x");
    REFUSES("unknown option --xyzzy", "--xyzzy", "status");
    REFUSES("unknown option -x", "status", "-x");
    REFUSES("unknown option -hx", "status", "-hx");
    REFUSES("unknown option --an-option-with-a-name", "status",
            "--an-option-with-a-name-longer-than-any-other");
}

TEST(values_and_arguments_are_counted)
{
    (void)state;
    REFUSES("--data needs a value: --data DIR", "status", "--data");
    REFUSES("--json takes no value", "status", "--json=yes");
    REFUSES("too few arguments: mcpz agent set ID PATH [JSON]", "agent", "set", "a");
    REFUSES("too many arguments: mcpz status", "status", "extra");

    /* A command after a pool's name may have many words; one more is too many for any verb. */
    const char *many[MCPZ_WORDS_MAX + 1] = {"pool", "create"};
    for (size_t i = 2; i < MCPZ_WORDS_MAX; i++) {
        many[i] = "word";
    }
    many[MCPZ_WORDS_MAX] = "last";
    CHECK(read_list(many, MCPZ_WORDS_MAX) == MCPZ_OK);
    CHECK_UINT(invocation.argument_count, MCPZ_VERB_ARGUMENTS_MAX);
    CHECK(read_list(many, MCPZ_WORDS_MAX + 1) == MCPZ_EPROTO);
    CHECK(strstr(trouble.text, "too many arguments, from \"last\" on") != NULL);
}

TEST(options_are_bounded)
{
    const char *typed[MCPZ_GIVEN_MAX + 2] = {"status"};

    (void)state;
    for (size_t i = 1; i < MCPZ_GIVEN_MAX + 2; i++) {
        typed[i] = "--json";
    }
    CHECK_UINT(read_list(typed, MCPZ_GIVEN_MAX + 1), MCPZ_OK);
    CHECK_UINT(invocation.given_count, MCPZ_GIVEN_MAX);
    CHECK_UINT(read_list(typed, MCPZ_GIVEN_MAX + 2), MCPZ_EFULL);
}

TEST_MAIN(RUN(every_verb_has_help_with_an_example), RUN(every_verb_takes_json_and_help_and_data),
          RUN(an_option_means_the_same_everywhere), RUN(help_names_every_verb_and_option),
          RUN(options_stand_before_and_after_the_verb),
          RUN(a_dash_and_a_negative_number_are_arguments), RUN(two_dashes_end_the_options),
          RUN(the_last_value_counts_and_all_are_kept),
          RUN(a_value_may_be_empty_or_look_like_an_option),
          RUN(the_environment_names_the_data_directory), RUN(help_needs_no_arguments),
          RUN(a_wrong_verb_gets_the_nearest), RUN(a_wrong_option_gets_the_nearest),
          RUN(values_and_arguments_are_counted), RUN(options_are_bounded))
