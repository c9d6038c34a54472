#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/log.h"
#include "test.h"

#define START_MS UINT64_C(1795176000123) /* 2026-11-20T12:00:00.123Z */

static char path[] = "/tmp/mcpz-log-XXXXXX";
static uint64_t now_ms;

static uint64_t fake_clock(void)
{
    return now_ms;
}

/* Lines go to the copy too; that is what is looked at. Standard error is kept quiet. */
static int set_up(void **state)
{
    (void)state;
    strcpy(path, "/tmp/mcpz-log-XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    now_ms = START_MS;
    mcpz_log_set_clock(fake_clock);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    /* So that what one test repeated is not told in the next. */
    now_ms += 10000;
    mcpz_log_flush();
    unlink(path);
    return 0;
}

static int silent = -1;

static void quiet(void)
{
    fflush(stderr);
    silent = dup(STDERR_FILENO);
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
}

static void loud(void)
{
    dup2(silent, STDERR_FILENO);
    close(silent);
}

static const char *written(void)
{
    static char text[65536];
    FILE *file = fopen(path, "r");

    CHECK(file != NULL);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

#define CHECK_LOGGED(expected)                                                                    \
    do {                                                                                          \
        loud();                                                                                   \
        CHECK_TEXT(written(), expected);                                                          \
    } while (0)

static void setup_log(const char *level, const char *format)
{
    quiet();
    mcpz_error error = mcpz_log_setup(level, format, path);
    if (error != MCPZ_OK) {
        loud();
    }
    CHECK(error == MCPZ_OK);
}

/* ---- Forms -------------------------------------------------------------------------------- */

TEST(writes_text)
{
    setup_log("info", "text");
    mcpz_log(MCPZ_LOG_INFO, "net", "peer linked", "peer=%s address=%s", "n-7f3a", "10.0.0.2:8765");
    mcpz_log(MCPZ_LOG_ERROR, "store", "disk full", "%s", "");
    CHECK_LOGGED("2026-11-20T12:00:00.123Z info   net    peer linked  peer=n-7f3a "
                 "address=10.0.0.2:8765\n"
                 "2026-11-20T12:00:00.123Z error  store  disk full\n");
}

TEST(writes_json)
{
    setup_log("info", "json");
    mcpz_log(MCPZ_LOG_WARN, "net", "dial failed", "address=%s reason=\"%s\" try=%d", "h:1",
             "no route", 3);
    mcpz_log(MCPZ_LOG_INFO, "net", "ready", "%s", "");
    CHECK_LOGGED("{\"ts\":\"2026-11-20T12:00:00.123Z\",\"level\":\"warn\",\"module\":\"net\","
                 "\"message\":\"dial failed\",\"address\":\"h:1\",\"reason\":\"no route\","
                 "\"try\":\"3\"}\n"
                 "{\"ts\":\"2026-11-20T12:00:00.123Z\",\"level\":\"info\",\"module\":\"net\","
                 "\"message\":\"ready\"}\n");
}

TEST(escapes_what_would_break_json)
{
    setup_log("info", "json");
    mcpz_log(MCPZ_LOG_INFO, "m", "x", "a=\"say \"hi\" \\ %c\" b=%s", '\n', "\xff\xc3");
    CHECK_LOGGED("{\"ts\":\"2026-11-20T12:00:00.123Z\",\"level\":\"info\",\"module\":\"m\","
                 "\"message\":\"x\",\"a\":\"say \\\"hi\\\" \\\\ \\u000a\",\"b\":\"?\?\"}\n");
}

TEST(a_value_cannot_make_a_field)
{
    setup_log("info", "json");
    mcpz_log(MCPZ_LOG_INFO, "m", "x", "a=\"%s\" b=%d", "1\" admin=\"yes\" ab=3", 2);
    CHECK_LOGGED("{\"ts\":\"2026-11-20T12:00:00.123Z\",\"level\":\"info\",\"module\":\"m\","
                 "\"message\":\"x\",\"a\":\"1\\\" admin=\\\"yes\\\" ab=3\",\"b\":\"2\"}\n");
}

TEST(a_field_cannot_make_a_line_or_drive_a_terminal)
{
    setup_log("info", "text");
    mcpz_log(MCPZ_LOG_INFO, "m", "x", "a=%s", "1\n2026 error\x1b[31m");
    CHECK_LOGGED("2026-11-20T12:00:00.123Z info   m      x  a=1?2026 error?[31m\n");
}

TEST(a_value_without_its_last_quote_goes_to_the_end)
{
    setup_log("info", "json");
    mcpz_log(MCPZ_LOG_INFO, "m", "x", "a=\"%s", "b c=d");
    CHECK_LOGGED("{\"ts\":\"2026-11-20T12:00:00.123Z\",\"level\":\"info\",\"module\":\"m\","
                 "\"message\":\"x\",\"a\":\"b c=d\"}\n");
}

TEST(a_line_too_long_is_cut_but_whole)
{
    char value[2 * MCPZ_LOG_LINE_BYTES_MAX];

    memset(value, 'v', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    setup_log("info", "json");
    mcpz_log(MCPZ_LOG_INFO, "m", "x", "a=1 b=%s", value);
    CHECK_LOGGED("{\"ts\":\"2026-11-20T12:00:00.123Z\",\"level\":\"info\",\"module\":\"m\","
                 "\"message\":\"x\",\"a\":\"1\"}\n");

    setup_log("info", "text");
    mcpz_log(MCPZ_LOG_INFO, "m", "y", "%s", value);
    loud();
    const char *last = strstr(written(), "y  v");
    CHECK(last != NULL && strlen(last) < MCPZ_LOG_LINE_BYTES_MAX);
    CHECK(last[strlen(last) - 1] == '\n');
}

TEST(auto_is_json_where_there_is_no_terminal)
{
    quiet();
    CHECK(mcpz_log_setup("info", "auto", path) == MCPZ_OK);
    mcpz_log(MCPZ_LOG_INFO, "m", "x", "%s", "");
    loud();
    CHECK(written()[0] == '{');
}

/* ---- Levels ------------------------------------------------------------------------------- */

TEST(a_level_lets_through_what_is_as_grave_and_no_more)
{
    setup_log("warn", "text");
    mcpz_log(MCPZ_LOG_DEBUG, "m", "debug", "%s", "");
    mcpz_log(MCPZ_LOG_INFO, "m", "info", "%s", "");
    mcpz_log(MCPZ_LOG_WARN, "m", "warn", "%s", "");
    mcpz_log(MCPZ_LOG_ERROR, "m", "error", "%s", "");
    CHECK_LOGGED("2026-11-20T12:00:00.123Z warn   m      warn\n"
                 "2026-11-20T12:00:00.123Z error  m      error\n");
}

TEST(a_module_can_have_a_level_of_its_own)
{
    setup_log("error,net=debug,http=info", "text");
    mcpz_log(MCPZ_LOG_DEBUG, "net", "shown", "%s", "");
    mcpz_log(MCPZ_LOG_DEBUG, "http", "hidden", "%s", "");
    mcpz_log(MCPZ_LOG_WARN, "core", "hidden", "%s", "");
    CHECK_LOGGED("2026-11-20T12:00:00.123Z debug  net    shown\n");
}

TEST(refuses_words_it_does_not_know)
{
    const char *const wrong[] = {
        "",         "loud",           "info,",
        ",info",    "info,=debug",    "info,net=",
        "net=loud", "info net=debug", "info,a_module_with_a_long_name=info"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK(mcpz_log_setup(wrong[i], "text", NULL) == MCPZ_ECONFIG);
    }
    CHECK(mcpz_log_setup("info", "xml", NULL) == MCPZ_ECONFIG);
    CHECK(mcpz_log_setup("info", "", NULL) == MCPZ_ECONFIG);
}

TEST(knows_so_many_modules_and_no_more)
{
    char words[512] = "info";

    for (int i = 0; i < MCPZ_LOG_MODULES_MAX; i++) {
        snprintf(words + strlen(words), sizeof(words) - strlen(words), ",m%d=warn", i);
    }
    CHECK(mcpz_log_setup(words, "text", NULL) == MCPZ_OK);
    strcat(words, ",last=warn");
    CHECK(mcpz_log_setup(words, "text", NULL) == MCPZ_ECONFIG);
}

TEST(says_that_a_file_cannot_be_opened)
{
    CHECK(mcpz_log_setup("info", "text", "/nowhere/at/all") == MCPZ_EIO);
}

/* ---- Repeats ------------------------------------------------------------------------------ */

static size_t count_of(const char *what)
{
    size_t count = 0;

    for (const char *at = written(); (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

static void say_often(const char *message, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        mcpz_log(MCPZ_LOG_INFO, "m", message, "n=%zu", i);
    }
}

TEST(shows_as_many_repeats_as_allowed)
{
    setup_log("info", "text");
    say_often("again", MCPZ_LOG_REPEATS_MAX);
    now_ms += 1000;
    mcpz_log_flush();
    loud();
    CHECK_UINT(count_of("again"), MCPZ_LOG_REPEATS_MAX);
    CHECK_UINT(count_of("repeated"), 0);
}

TEST(counts_further_repeats_and_tells_once)
{
    setup_log("info", "text");
    say_often("again", MCPZ_LOG_REPEATS_MAX + 5);
    mcpz_log(MCPZ_LOG_INFO, "m", "other", "%s", "");
    now_ms += 999;
    mcpz_log_flush();
    loud();
    CHECK_UINT(count_of("again"), MCPZ_LOG_REPEATS_MAX);
    CHECK_UINT(count_of("other"), 1);

    quiet();
    now_ms += 1;
    mcpz_log_flush();
    mcpz_log_flush();
    loud();
    CHECK_UINT(count_of("repeated, not shown  of=\"again\" times=5\n"), 1);
    CHECK_UINT(count_of("repeated"), 1);
}

TEST(starts_anew_after_a_second)
{
    setup_log("info", "text");
    say_often("again", MCPZ_LOG_REPEATS_MAX + 1);
    now_ms += 1000;
    say_often("again", 1);
    loud();
    CHECK_UINT(count_of("again  n="), MCPZ_LOG_REPEATS_MAX + 1);
    CHECK_UINT(count_of("times=1\n"), 1);
}

TEST(counts_each_message_and_module_for_itself)
{
    setup_log("info", "text");
    say_often("one", MCPZ_LOG_REPEATS_MAX);
    say_often("two", MCPZ_LOG_REPEATS_MAX);
    mcpz_log(MCPZ_LOG_INFO, "n", "one", "%s", "");
    loud();
    CHECK_UINT(count_of("one"), MCPZ_LOG_REPEATS_MAX + 1);
    CHECK_UINT(count_of("two"), MCPZ_LOG_REPEATS_MAX);
}

TEST(shows_what_it_has_no_room_to_count)
{
    static char messages[MCPZ_LOG_WATCHED_MAX][8];

    setup_log("info", "text");
    for (size_t i = 0; i < MCPZ_LOG_WATCHED_MAX; i++) {
        snprintf(messages[i], sizeof(messages[i]), "m%zu.", i);
        say_often(messages[i], 1);
    }
    say_often("unwatched", MCPZ_LOG_REPEATS_MAX + 1);
    loud();
    CHECK_UINT(count_of("unwatched"), MCPZ_LOG_REPEATS_MAX + 1);
}

#define WITH_FILE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(WITH_FILE(writes_text), WITH_FILE(writes_json), WITH_FILE(escapes_what_would_break_json),
          WITH_FILE(a_value_cannot_make_a_field),
          WITH_FILE(a_field_cannot_make_a_line_or_drive_a_terminal),
          WITH_FILE(a_value_without_its_last_quote_goes_to_the_end),
          WITH_FILE(a_line_too_long_is_cut_but_whole),
          WITH_FILE(auto_is_json_where_there_is_no_terminal),
          WITH_FILE(a_level_lets_through_what_is_as_grave_and_no_more),
          WITH_FILE(a_module_can_have_a_level_of_its_own),
          WITH_FILE(refuses_words_it_does_not_know), WITH_FILE(knows_so_many_modules_and_no_more),
          WITH_FILE(says_that_a_file_cannot_be_opened),
          WITH_FILE(shows_as_many_repeats_as_allowed),
          WITH_FILE(counts_further_repeats_and_tells_once), WITH_FILE(starts_anew_after_a_second),
          WITH_FILE(counts_each_message_and_module_for_itself),
          WITH_FILE(shows_what_it_has_no_room_to_count))
