#include "host/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "host/loop.h"

#define REPEAT_WINDOW_MS 1000
#define MODULE_COLUMN 6

struct module_level {
    char name[MCPZ_LOG_MODULE_BYTES_MAX + 1];
    enum mcpz_log_level level;
};

/* How often a message was said in the second that began at `since_ms`. */
struct watch {
    uint64_t key; /* of module and message; 0: free */
    uint64_t since_ms;
    uint64_t count;
    enum mcpz_log_level level;
    char module[MCPZ_LOG_MODULE_BYTES_MAX + 1];
    const char *message;
};

/* The only state of this kind in the program: there is one standard error. */
static struct {
    enum mcpz_log_level level;
    struct module_level modules[MCPZ_LOG_MODULES_MAX];
    size_t module_count;
    bool json;
    int copy; /* descriptor of the file; 0: none */
    uint64_t (*clock)(void);
    struct watch watches[MCPZ_LOG_WATCHED_MAX];
} the_log = {.level = MCPZ_LOG_INFO};

static const char *const level_names[] = {
    [MCPZ_LOG_ERROR] = "error",
    [MCPZ_LOG_WARN] = "warn",
    [MCPZ_LOG_INFO] = "info",
    [MCPZ_LOG_DEBUG] = "debug",
};

/* ---- A line being written: cut, never overrun --------------------------------------------- */

struct line {
    char text[MCPZ_LOG_LINE_BYTES_MAX];
    size_t length;
};

/* Room for what must still come at the end of a line that was cut. */
#define LINE_TAIL_BYTES 8

static void put(struct line *line, const char *text, size_t length)
{
    size_t room = sizeof(line->text) - LINE_TAIL_BYTES;

    if (line->length + length <= room) {
        memcpy(line->text + line->length, text, length);
        line->length += length;
    }
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_tail(struct line *line, const char *text)
{
    size_t length = strlen(text);

    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static void put_time(struct line *line, uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;
    char text[64];

    gmtime_r(&seconds, &parts);
    size_t length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    put(line, text, length);
    snprintf(text, sizeof(text), ".%03uZ", (unsigned)(wall_ms % 1000));
    put_text(line, text);
}

static bool is_control(char byte)
{
    return (unsigned char)byte < 0x20 || byte == 0x7f;
}

/* As one JSON string. What is not UTF-8 is shown as '?': a log must stay readable by machine. */
static void put_json(struct line *line, const char *text, size_t length)
{
    bool is_utf8 = mcpz_bytes_is_utf8(mcpz_bytes(text, length));

    put(line, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        char escaped[8];
        if (text[i] == '"' || text[i] == '\\') {
            snprintf(escaped, sizeof(escaped), "\\%c", text[i]);
        } else if (is_control(text[i])) {
            snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)(unsigned char)text[i]);
        } else if ((unsigned char)text[i] >= 0x80 && !is_utf8) {
            snprintf(escaped, sizeof(escaped), "?");
        } else {
            snprintf(escaped, sizeof(escaped), "%c", text[i]);
        }
        put_text(line, escaped);
    }
    put(line, "\"", 1);
}

/*
 * Fields are found by the keys of the format, which is ours: a value may hold what looks like a
 * field, but can only be taken for one that comes anyway.
 */
struct fields {
    const char *format;
    const char *text; /* the format filled in */
};

struct field {
    const char *key;
    size_t key_length;
    const char *value;
    size_t value_length;
};

#define KEY_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_-"

/* The first word before a '=' in `format`; NULL if there is none. */
static const char *next_key(const char *format, size_t *length)
{
    const char *at = format + strspn(format, " ");

    while (*at != '\0') {
        *length = strspn(at, KEY_LETTERS);
        if (*length > 0 && at[*length] == '=') {
            return at;
        }
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return NULL;
}

/* Where "key=" begins in `text`, at its start or after a space; NULL if it does not. */
static const char *find_key(const char *text, const char *key, size_t length)
{
    const char *at = text;

    for (; (at = strchr(at, '=')) != NULL; at++) {
        size_t before = (size_t)(at - text);
        if (before >= length && strncmp(at - length, key, length) == 0 &&
            (before == length || at[-(ptrdiff_t)length - 1] == ' ')) {
            return at - length;
        }
    }
    return NULL;
}

static bool next_field(struct fields *rest, struct field *field)
{
    size_t length;
    size_t following_length;
    const char *key = next_key(rest->format, &length);
    const char *at = key == NULL ? NULL : find_key(rest->text, key, length);

    if (at == NULL) {
        return false;
    }
    const char *value = at + length + 1;
    const char *following = next_key(key + length + 1, &following_length);
    const char *next = following == NULL ? NULL : find_key(value, following, following_length);
    const char *end = next == NULL ? value + strlen(value) : next;
    *rest = (struct fields){.format = following == NULL ? "" : following, .text = end};

    while (end > value && end[-1] == ' ') {
        end--;
    }
    if (*value == '"') {
        value++;
        /* A text that was cut has no last quote. */
        end -= end > value && end[-1] == '"';
    }
    *field = (struct field){.key = at,
                            .key_length = length,
                            .value = value,
                            .value_length = end > value ? (size_t)(end - value) : 0};
    return true;
}

static void write_json(struct line *line, enum mcpz_log_level level, const char *module,
                       const char *message, struct fields fields)
{
    struct field field;

    put_text(line, "{\"ts\":\"");
    put_time(line, the_log.clock());
    put_text(line, "\",\"level\":\"");
    put_text(line, level_names[level]);
    put_text(line, "\",\"module\":");
    put_json(line, module, strlen(module));
    put_text(line, ",\"message\":");
    put_json(line, message, strlen(message));
    while (next_field(&fields, &field)) {
        struct line member = {.length = 0};
        put_text(&member, ",");
        put_json(&member, field.key, field.key_length);
        put_text(&member, ":");
        put_json(&member, field.value, field.value_length);
        /* Whole members only: a cut line is still JSON. */
        put(line, member.text, member.length);
    }
    put_tail(line, "}\n");
}

static void write_text(struct line *line, enum mcpz_log_level level, const char *module,
                       const char *message, const char *fields)
{
    char columns[64];

    put_time(line, the_log.clock());
    snprintf(columns, sizeof(columns), " %-5s  %-*s ", level_names[level], MODULE_COLUMN, module);
    put_text(line, columns);
    put_text(line, message);
    if (fields[0] != '\0') {
        put_text(line, "  ");
    }
    /* What others say must not make lines, or drive a terminal. */
    for (const char *at = fields; *at != '\0'; at++) {
        put(line, is_control(*at) ? "?" : at, 1);
    }
    put_tail(line, "\n");
}

static void write_line(enum mcpz_log_level level, const char *module, const char *message,
                       struct fields fields)
{
    struct line line = {.length = 0};

    if (the_log.json) {
        write_json(&line, level, module, message, fields);
    } else {
        write_text(&line, level, module, message, fields.text);
    }
    /* A log that cannot be written has nowhere to say so. */
    ssize_t written = write(STDERR_FILENO, line.text, line.length);
    if (the_log.copy > 0) {
        written = write(the_log.copy, line.text, line.length);
    }
    (void)written;
}

/* ---- Repeats ------------------------------------------------------------------------------ */

static void tell_repeats(struct watch *watch)
{
    char text[192];

    if (watch->count > MCPZ_LOG_REPEATS_MAX) {
        snprintf(text, sizeof(text), "of=\"%.100s\" times=%llu", watch->message,
                 (unsigned long long)(watch->count - MCPZ_LOG_REPEATS_MAX));
        write_line(watch->level, watch->module, "repeated, not shown",
                   (struct fields){.format = "of= times=", .text = text});
    }
    *watch = (struct watch){.key = 0};
}

static void flush_repeats(uint64_t now_ms)
{
    for (size_t i = 0; i < MCPZ_LOG_WATCHED_MAX; i++) {
        struct watch *watch = &the_log.watches[i];
        if (watch->key != 0 && now_ms - watch->since_ms >= REPEAT_WINDOW_MS) {
            tell_repeats(watch);
        }
    }
}

/* Count the message; is it to be shown? Without a free watch it is: rather too much than lost. */
static bool is_shown(enum mcpz_log_level level, const char *module, const char *message,
                     uint64_t now_ms)
{
    uint64_t key = mcpz_hash_bytes(mcpz_text(message), mcpz_hash_bytes(mcpz_text(module), level));
    struct watch *unused = NULL;

    key = key == 0 ? 1 : key;
    for (size_t i = 0; i < MCPZ_LOG_WATCHED_MAX; i++) {
        struct watch *watch = &the_log.watches[i];
        if (watch->key == key) {
            return ++watch->count <= MCPZ_LOG_REPEATS_MAX;
        }
        if (watch->key == 0 && unused == NULL) {
            unused = watch;
        }
    }
    if (unused != NULL) {
        *unused = (struct watch){
            .key = key, .since_ms = now_ms, .count = 1, .level = level, .message = message};
        mcpz_bytes_to_text(mcpz_text(module), unused->module, sizeof(unused->module));
    }
    return true;
}

/* ---- Words -------------------------------------------------------------------------------- */

static bool level_from(struct mcpz_bytes word, enum mcpz_log_level *level)
{
    for (size_t i = MCPZ_LOG_ERROR; i <= MCPZ_LOG_DEBUG; i++) {
        if (mcpz_bytes_equal(word, mcpz_text(level_names[i]))) {
            *level = (enum mcpz_log_level)i;
            return true;
        }
    }
    return false;
}

static bool take_word(struct mcpz_bytes word)
{
    const uint8_t *equals = word.length > 0 ? memchr(word.data, '=', word.length) : NULL;

    if (equals == NULL) {
        return level_from(word, &the_log.level);
    }
    struct mcpz_bytes name = mcpz_bytes(word.data, (size_t)(equals - word.data));
    struct mcpz_bytes value = mcpz_bytes(equals + 1, word.length - name.length - 1);
    if (name.length == 0 || name.length > MCPZ_LOG_MODULE_BYTES_MAX ||
        the_log.module_count == MCPZ_LOG_MODULES_MAX ||
        strspn((const char *)name.data, KEY_LETTERS) != name.length) {
        return false;
    }
    struct module_level *module = &the_log.modules[the_log.module_count];
    if (!level_from(value, &module->level)) {
        return false;
    }
    mcpz_bytes_to_text(name, module->name, sizeof(module->name));
    the_log.module_count++;
    return true;
}

static bool take_levels(const char *words)
{
    the_log.level = MCPZ_LOG_INFO;
    the_log.module_count = 0;
    for (;;) {
        size_t length = strcspn(words, ",");
        if (!take_word(mcpz_bytes(words, length))) {
            return false;
        }
        if (words[length] == '\0') {
            return true;
        }
        words += length + 1;
    }
}

static bool take_format(const char *format)
{
    if (strcmp(format, "auto") == 0) {
        the_log.json = isatty(STDERR_FILENO) == 0;
        return true;
    }
    the_log.json = strcmp(format, "json") == 0;
    return the_log.json || strcmp(format, "text") == 0;
}

static enum mcpz_log_level level_of(const char *module)
{
    for (size_t i = 0; i < the_log.module_count; i++) {
        if (strcmp(the_log.modules[i].name, module) == 0) {
            return the_log.modules[i].level;
        }
    }
    return the_log.level;
}

mcpz_error mcpz_log_setup(const char *level, const char *format, const char *file)
{
    if (!take_levels(level) || !take_format(format)) {
        return MCPZ_ECONFIG;
    }
    if (the_log.copy > 0) {
        close(the_log.copy);
        the_log.copy = 0;
    }
    if (file != NULL) {
        int copy = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        if (copy < 0) {
            return MCPZ_EIO;
        }
        the_log.copy = copy;
    }
    return MCPZ_OK;
}

void mcpz_log(enum mcpz_log_level level, const char *module, const char *message,
              const char *fields, ...)
{
    char text[MCPZ_LOG_LINE_BYTES_MAX];
    va_list arguments;

    if (level > level_of(module)) {
        return;
    }
    if (the_log.clock == NULL) {
        the_log.clock = mcpz_clock_wall_ms;
    }
    uint64_t now_ms = the_log.clock();
    flush_repeats(now_ms);
    if (!is_shown(level, module, message, now_ms)) {
        return;
    }
    va_start(arguments, fields);
    vsnprintf(text, sizeof(text), fields, arguments);
    va_end(arguments);
    write_line(level, module, message, (struct fields){.format = fields, .text = text});
}

void mcpz_log_flush(void)
{
    if (the_log.clock != NULL) {
        flush_repeats(the_log.clock());
    }
}

void mcpz_log_set_clock(uint64_t (*clock)(void))
{
    the_log.clock = clock;
}
