#include "cli/table.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GAP 2            /* blanks between columns */
#define WIDTH_DEFAULT 80 /* of a terminal that does not say */
#define ROOM_FIRST 64    /* cells */
#define ELLIPSIS "\xe2\x80\xa6"

struct mcpz_table {
    const char *const *headings;
    size_t column_count;
    char **cells; /* row by row */
    size_t cell_count;
    size_t room;
};

/* Of control characters (C0, DEL, and C1 as UTF-8), `length` bytes long; 0 if it is none. */
static size_t control_length(const char *text)
{
    uint8_t first = (uint8_t)text[0];

    if (first < 0x20 || first == 0x7f) {
        return 1;
    }
    return first == 0xc2 && (uint8_t)text[1] >= 0x80 && (uint8_t)text[1] < 0xa0 ? 2 : 0;
}

static bool starts_character(char byte)
{
    return ((uint8_t)byte & 0xc0) != 0x80;
}

/* A copy without control characters; NULL if there is no memory. */
static char *clean_copy(const char *text)
{
    char *copy = (char *)malloc(strlen(text) + 1);
    char *end = copy;

    if (copy == NULL) {
        return NULL;
    }
    while (*text != '\0') {
        size_t control = control_length(text);
        *end = *text;
        if (control > 0) {
            *end = '?';
        }
        end++;
        text += control > 0 ? control : 1;
    }
    *end = '\0';
    return copy;
}

static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++) {
        width += starts_character(*text) ? 1 : 0;
    }
    return width;
}

mcpz_error mcpz_table_create(const char *const *headings, size_t column_count,
                             struct mcpz_table **table)
{
    assert(column_count > 0 && column_count <= MCPZ_TABLE_COLUMNS_MAX);
    struct mcpz_table *made = (struct mcpz_table *)calloc(1, sizeof(*made));

    *table = made;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->headings = headings;
    made->column_count = column_count;
    return MCPZ_OK;
}

void mcpz_table_destroy(struct mcpz_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    free(table);
}

static mcpz_error make_room(struct mcpz_table *table)
{
    if (table->cell_count + table->column_count <= table->room) {
        return MCPZ_OK;
    }
    size_t room = table->room == 0 ? ROOM_FIRST : table->room * 2;
    char **cells = (char **)reallocarray(table->cells, room, sizeof(*cells));
    if (cells == NULL) {
        return MCPZ_ENOMEM;
    }
    table->cells = cells;
    table->room = room;
    return MCPZ_OK;
}

mcpz_error mcpz_table_add(struct mcpz_table *table, const char *const *cells)
{
    size_t start = table->cell_count;

    if (start / table->column_count >= MCPZ_TABLE_ROWS_MAX) {
        return MCPZ_EFULL;
    }
    mcpz_error error = make_room(table);
    for (size_t i = 0; error == MCPZ_OK && i < table->column_count; i++) {
        char *copy = clean_copy(cells[i] != NULL ? cells[i] : "-");
        if (copy == NULL) {
            error = MCPZ_ENOMEM;
        } else {
            table->cells[table->cell_count++] = copy;
        }
    }
    while (error != MCPZ_OK && table->cell_count > start) {
        free(table->cells[--table->cell_count]);
    }
    return error;
}

static size_t least_width(const struct mcpz_table *table, size_t column)
{
    size_t heading = width_of(table->headings[column]);

    return heading > MCPZ_TABLE_COLUMN_WIDTH_MIN ? heading : MCPZ_TABLE_COLUMN_WIDTH_MIN;
}

/* Take from the widest column until all fit, or none can give more. */
static void shrink(const struct mcpz_table *table, size_t *widths, size_t width)
{
    size_t total = GAP * (table->column_count - 1);

    for (size_t i = 0; i < table->column_count; i++) {
        total += widths[i];
    }
    while (total > width) {
        size_t widest = table->column_count;
        for (size_t i = 0; i < table->column_count; i++) {
            if (widths[i] > least_width(table, i) &&
                (widest == table->column_count || widths[i] > widths[widest])) {
                widest = i;
            }
        }
        if (widest == table->column_count) {
            return;
        }
        widths[widest]--;
        total--;
    }
}

/* The last column is not filled up: no blanks at the ends of lines. */
static void print_cell(FILE *out, const char *text, size_t width, bool last)
{
    size_t wide = width_of(text);
    size_t shown = wide <= width ? wide : width - 1;

    for (size_t count = 0; *text != '\0'; text++) {
        count += starts_character(*text) ? 1 : 0;
        if (count > shown) {
            break;
        }
        (void)fputc(*text, out);
    }
    if (shown < wide) {
        (void)fputs(ELLIPSIS, out);
        shown++;
    }
    for (; !last && shown < width + GAP; shown++) {
        (void)fputc(' ', out);
    }
}

static void print_row(const struct mcpz_table *table, FILE *out, const char *const *cells,
                      const size_t *widths)
{
    for (size_t i = 0; i < table->column_count; i++) {
        print_cell(out, cells[i], widths[i], i + 1 == table->column_count);
    }
}

void mcpz_table_print(const struct mcpz_table *table, FILE *out, size_t width, bool bold)
{
    size_t widths[MCPZ_TABLE_COLUMNS_MAX];

    assert(table->column_count > 0);
    for (size_t i = 0; i < table->column_count; i++) {
        widths[i] = width_of(table->headings[i]);
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t wide = width_of(table->cells[i]);
        size_t column = i % table->column_count;
        widths[column] = wide > widths[column] ? wide : widths[column];
    }
    if (width > 0) {
        shrink(table, widths, width);
    }
    (void)fputs(bold ? "\x1b[1m" : "", out);
    print_row(table, out, table->headings, widths);
    (void)fputs(bold ? "\x1b[0m\n" : "\n", out);
    for (size_t i = 0; i < table->cell_count; i += table->column_count) {
        print_row(table, out, (const char *const *)&table->cells[i], widths);
        (void)fputc('\n', out);
    }
}

size_t mcpz_terminal_width(FILE *out)
{
    struct winsize size = {0};

    if (isatty(fileno(out)) != 1) {
        return 0;
    }
    return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                         : WIDTH_DEFAULT;
}

bool mcpz_terminal_has_style(FILE *out)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(fileno(out)) == 1 && (no_color == NULL || *no_color == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

void mcpz_print_clean(FILE *out, const char *text)
{
    while (*text != '\0') {
        bool is_layout = *text == '\n' || *text == '\t';
        size_t control = is_layout ? 0 : control_length(text);
        (void)fputc(control > 0 ? '?' : *text, out);
        text += control > 0 ? control : 1;
    }
}
