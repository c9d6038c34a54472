#include <fcntl.h>
#include <unistd.h>

#include "cli/table.h"
#include "test.h"

static const char *const headings[] = {"NAME", "ADDRESS"};

static char *printed(const struct mcpz_table *table, size_t width, bool bold)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    mcpz_table_print(table, out, width, bold);
    CHECK(fclose(out) == 0);
    return text;
}

static struct mcpz_table *table_of(const char *name, const char *address)
{
    struct mcpz_table *table;
    const char *const cells[] = {name, address};

    CHECK(mcpz_table_create(headings, 2, &table) == MCPZ_OK);
    CHECK(mcpz_table_add(table, cells) == MCPZ_OK);
    return table;
}

static void prints(struct mcpz_table *table, size_t width, const char *expected)
{
    char *text = printed(table, width, false);

    CHECK_TEXT(text, expected);
    free(text);
    mcpz_table_destroy(table);
}

TEST(columns_are_as_wide_as_they_need)
{
    (void)state;
    prints(table_of("attic", "10.0.0.2:8765"), 0, "NAME   ADDRESS\nattic  10.0.0.2:8765\n");
    prints(table_of("a", "b"), 0, "NAME  ADDRESS\na     b\n");
}

TEST(nothing_is_shown_as_a_dash)
{
    (void)state;
    prints(table_of("attic", NULL), 0, "NAME   ADDRESS\nattic  -\n");
}

TEST(headings_stand_alone_without_rows)
{
    struct mcpz_table *table;

    (void)state;
    CHECK(mcpz_table_create(headings, 2, &table) == MCPZ_OK);
    prints(table, 80, "NAME  ADDRESS\n");
}

TEST(the_widest_column_is_cut_to_fit)
{
    (void)state;
    /* 9 and 20 characters and two blanks are 31. */
    prints(table_of("cellarage", "aaaaaaaaaabbbbbbbbbb"), 31,
           "NAME       ADDRESS\ncellarage  aaaaaaaaaabbbbbbbbbb\n");
    prints(table_of("cellarage", "aaaaaaaaaabbbbbbbbbb"), 30,
           "NAME       ADDRESS\ncellarage  aaaaaaaaaabbbbbbbb\xe2\x80\xa6\n");
}

TEST(headings_are_never_cut)
{
    (void)state;
    prints(table_of("cellarage", "aaaaaaaaaabbbbbbbbbb"), 1,
           "NAME    ADDRESS\ncella\xe2\x80\xa6  aaaaaa\xe2\x80\xa6\n");
}

TEST(width_is_counted_in_characters)
{
    (void)state;
    prints(table_of("k\xc3\xbc"
                    "che",
                    "x"),
           0,
           "NAME   ADDRESS\nk\xc3\xbc"
           "che  x\n");
    /* Cut between characters, not within one. */
    prints(table_of("\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", "x"), 1,
           "NAME    ADDRESS\n\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xe2\x80\xa6  x\n");
}

TEST(a_peer_cannot_steer_the_terminal)
{
    (void)state;
    prints(table_of("a\x1b[31mb", "c\nd\x7f"
                                  "e\xc2\x9b"
                                  "f"),
           0, "NAME     ADDRESS\na?[31mb  c?d?e?f\n");
}

TEST(headings_may_be_bold)
{
    struct mcpz_table *table = table_of("a", "b");
    char *text = printed(table, 0, true);

    (void)state;
    CHECK_TEXT(text, "\x1b[1mNAME  ADDRESS\x1b[0m\na     b\n");
    free(text);
    mcpz_table_destroy(table);
}

TEST(rows_are_bounded)
{
    const char *const cell[] = {"x"};
    const char *const one[] = {"X"};
    struct mcpz_table *table;

    (void)state;
    CHECK(mcpz_table_create(one, 1, &table) == MCPZ_OK);
    for (size_t i = 0; i < MCPZ_TABLE_ROWS_MAX; i++) {
        CHECK(mcpz_table_add(table, cell) == MCPZ_OK);
    }
    CHECK(mcpz_table_add(table, cell) == MCPZ_EFULL);
    mcpz_table_destroy(table);
}

TEST(a_file_is_no_terminal)
{
    FILE *file = fopen("/dev/null", "w");

    (void)state;
    CHECK(file != NULL);
    CHECK_UINT(mcpz_terminal_width(file), 0);
    CHECK(!mcpz_terminal_has_style(file));
    CHECK(fclose(file) == 0);
}

/* A pseudo-terminal; some containers have none, and there the test is skipped. */
static FILE *open_terminal(int *master)
{
    *master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*master < 0) {
        skip();
    }
    CHECK(grantpt(*master) == 0 && unlockpt(*master) == 0);
    FILE *terminal = fopen(ptsname(*master), "w");
    CHECK(terminal != NULL);
    return terminal;
}

TEST(no_color_and_dumb_terminals_get_no_style)
{
    int master;
    FILE *terminal = open_terminal(&master);

    (void)state;
    CHECK(mcpz_terminal_width(terminal) > 0);
    (void)unsetenv("NO_COLOR");
    (void)setenv("TERM", "xterm", 1);
    CHECK(mcpz_terminal_has_style(terminal));
    (void)setenv("NO_COLOR", "1", 1);
    CHECK(!mcpz_terminal_has_style(terminal));
    (void)setenv("NO_COLOR", "", 1);
    CHECK(mcpz_terminal_has_style(terminal));
    (void)setenv("TERM", "dumb", 1);
    CHECK(!mcpz_terminal_has_style(terminal));
    CHECK(fclose(terminal) == 0);
    CHECK(close(master) == 0);
}

TEST(clean_text_keeps_its_layout)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    (void)state;
    mcpz_print_clean(out, "a\n\tb\x1b]0;title\x07 \xc2\x9b \xc3\xbc\r");
    CHECK(fclose(out) == 0);
    CHECK_TEXT(text, "a\n\tb?]0;title? ? \xc3\xbc?");
    free(text);
}

TEST_MAIN(RUN(columns_are_as_wide_as_they_need), RUN(nothing_is_shown_as_a_dash),
          RUN(headings_stand_alone_without_rows), RUN(the_widest_column_is_cut_to_fit),
          RUN(headings_are_never_cut), RUN(width_is_counted_in_characters),
          RUN(a_peer_cannot_steer_the_terminal), RUN(headings_may_be_bold), RUN(rows_are_bounded),
          RUN(a_file_is_no_terminal), RUN(no_color_and_dumb_terminals_get_no_style),
          RUN(clean_text_keeps_its_layout))
