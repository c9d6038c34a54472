#include "host/yaml_check.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "host/config_keys.h"
#include "host/nearest.h"

#define DEPTH_MAX 8 /* of a schema; ours has 4 */

struct walk {
    struct mcpz_bytes document;
    const char *file;
    const cyaml_schema_value_t *schema;
    struct mcpz_yaml_places *places;
    struct mcpz_config_trouble *trouble;

    yaml_parser_t parser;
    yaml_event_t event;
    char path[MCPZ_YAML_PATH_BYTES]; /* of the value being looked at */
    size_t index;
    size_t depth;
};

static mcpz_error refuse(struct walk *walk, size_t line, const char *format, ...)
    MCPZ_PRINTF(3, 4);

static mcpz_error refuse(struct walk *walk, size_t line, const char *format, ...)
{
    char message[sizeof(walk->trouble->text)];
    char place[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    (void)snprintf(place, sizeof(place), "%s:%zu", walk->file, line);
    return mcpz_config_refuse(walk->trouble, place, "%s", message);
}

static size_t event_line(const struct walk *walk)
{
    return walk->event.start_mark.line + 1;
}

/* ---- What is not YAML at all -------------------------------------------------------------- */

static size_t line_of_offset(struct mcpz_bytes document, size_t offset)
{
    size_t line = 1;

    for (size_t i = 0; i < offset && i < document.length; i++) {
        line += document.data[i] == '\n';
    }
    return line;
}

/* Does the line counted from 1 begin with a tab, after spaces perhaps? */
static bool is_tabbed(struct mcpz_bytes document, size_t line)
{
    size_t at = 0;

    for (size_t i = 1; i < line; i++) {
        const uint8_t *end = memchr(document.data + at, '\n', document.length - at);
        if (end == NULL) {
            return false;
        }
        at = (size_t)(end - document.data) + 1;
    }
    while (at < document.length && document.data[at] == ' ') {
        at++;
    }
    return at < document.length && document.data[at] == '\t';
}

static mcpz_error refuse_syntax(struct walk *walk)
{
    const yaml_parser_t *parser = &walk->parser;
    size_t line = parser->problem_mark.line + 1;

    if (parser->error == YAML_MEMORY_ERROR) {
        return MCPZ_ENOMEM;
    }
    if (parser->error == YAML_READER_ERROR) {
        return refuse(walk, line_of_offset(walk->document, parser->problem_offset),
                      "not UTF-8 text: %s", parser->problem);
    }
    if (is_tabbed(walk->document, line)) {
        return refuse(walk, line, "indented with a tab; YAML wants spaces");
    }
    return refuse(walk, line, "not YAML: %s", parser->problem);
}

static mcpz_error next(struct walk *walk)
{
    yaml_event_delete(&walk->event);
    if (!yaml_parser_parse(&walk->parser, &walk->event)) {
        return refuse_syntax(walk);
    }
    if (walk->event.type == YAML_ALIAS_EVENT) {
        return refuse(walk, event_line(walk), "an alias (*%.32s): write the value out",
                      (const char *)walk->event.data.alias.anchor);
    }
    return MCPZ_OK;
}

/* ---- Keys --------------------------------------------------------------------------------- */

static const cyaml_schema_field_t *field_called(const cyaml_schema_field_t *fields,
                                                const char *key)
{
    for (const cyaml_schema_field_t *field = fields; field->key != NULL; field++) {
        if (strcmp(field->key, key) == 0) {
            return field;
        }
    }
    return NULL;
}

/* A key that stands one level too high: "listen" for "mesh.listen". NULL: nowhere below either. */
static const cyaml_schema_field_t *mapping_with(const cyaml_schema_field_t *fields,
                                                const char *key)
{
    for (const cyaml_schema_field_t *field = fields; field->key != NULL; field++) {
        if (field->value.type == CYAML_MAPPING &&
            field_called(field->value.mapping.fields, key) != NULL) {
            return field;
        }
    }
    return NULL;
}

static void list_keys(const cyaml_schema_field_t *fields, char *list, size_t capacity)
{
    size_t used = 0;

    list[0] = '\0';
    for (const cyaml_schema_field_t *field = fields; field->key != NULL; field++) {
        int length =
            snprintf(list + used, capacity - used, "%s%s", used == 0 ? "" : ", ", field->key);
        assert(length > 0 && used + (size_t)length < capacity);
        used += (size_t)length;
    }
}

static mcpz_error refuse_key(struct walk *walk, const cyaml_schema_field_t *fields,
                             const char *key)
{
    const cyaml_schema_field_t *root = walk->schema->mapping.fields;
    const cyaml_schema_field_t *below = mapping_with(root, key);
    struct mcpz_nearest nearest;
    char shown[MCPZ_SHOWN_BYTES];
    char keys[256];
    size_t line = event_line(walk);

    (void)mcpz_config_shown(key, shown);
    mcpz_nearest_init(&nearest, key);
    for (const cyaml_schema_field_t *field = fields; field->key != NULL; field++) {
        mcpz_nearest_offer(&nearest, field->key);
    }
    const char *in = walk->path[0] == '\0' ? "" : " in ";
    if (nearest.word != NULL) {
        return refuse(walk, line, "unknown key \"%s\"%s%s: did you mean \"%s\"?", shown, in,
                      walk->path, nearest.word);
    }
    if (below != NULL) {
        return refuse(walk, line, "unknown key \"%s\"%s%s: it belongs under \"%s\"", shown, in,
                      walk->path, below->key);
    }
    if (field_called(root, key) != NULL) {
        return refuse(walk, line, "unknown key \"%s\"%s%s: it belongs at the left margin", shown,
                      in, walk->path);
    }
    list_keys(fields, keys, sizeof(keys));
    return refuse(walk, line, "unknown key \"%s\"%s%s: there are %s", shown, in, walk->path, keys);
}

/* ---- Values ------------------------------------------------------------------------------- */

static mcpz_error walk_value(struct walk *walk, const cyaml_schema_value_t *value);

static const char *kind_of(yaml_event_type_t type)
{
    return type == YAML_MAPPING_START_EVENT    ? "a mapping (key: value)"
           : type == YAML_SEQUENCE_START_EVENT ? "a list"
                                               : "a text";
}

/* `key:` with nothing behind it, or YAML's words for nothing. */
static bool is_nothing(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;

    return event->type == YAML_SCALAR_EVENT &&
           event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static mcpz_error expect(struct walk *walk, yaml_event_type_t type, const char *wanted)
{
    if (is_nothing(&walk->event)) {
        return refuse(walk, event_line(walk), "%s has no value: give it one, or leave it out",
                      walk->path);
    }
    if (walk->event.type != type) {
        const char *at = walk->path[0] == '\0' ? "the document" : walk->path;
        return refuse(walk, event_line(walk), "%s must be %s, not %s", at, wanted,
                      kind_of(walk->event.type));
    }
    return MCPZ_OK;
}

static void keep_place(struct walk *walk)
{
    struct mcpz_yaml_places *places = walk->places;

    if (places->count < MCPZ_YAML_PLACES_MAX) {
        struct mcpz_yaml_place *place = &places->places[places->count];
        memcpy(place->path, walk->path, sizeof(place->path));
        place->index = walk->index;
        place->line = event_line(walk);
        places->count++;
    }
}

static mcpz_error walk_text(struct walk *walk, const cyaml_schema_value_t *value)
{
    mcpz_error error = expect(walk, YAML_SCALAR_EVENT, "a text");
    if (error != MCPZ_OK) {
        return error;
    }
    const char *text = (const char *)walk->event.data.scalar.value;
    size_t length = walk->event.data.scalar.length;
    if (strlen(text) != length) {
        return refuse(walk, event_line(walk), "%s holds a NUL character", walk->path);
    }
    if (length > value->string.max) {
        return refuse(walk, event_line(walk), "%s is longer than %u bytes", walk->path,
                      value->string.max);
    }
    keep_place(walk);
    return MCPZ_OK;
}

static mcpz_error walk_sequence(struct walk *walk, const cyaml_schema_value_t *value)
{
    mcpz_error error = expect(walk, YAML_SEQUENCE_START_EVENT, "a list, e.g. [a, b]");
    size_t outer = walk->index;

    for (size_t count = 0; error == MCPZ_OK; count++) {
        error = next(walk);
        if (error != MCPZ_OK || walk->event.type == YAML_SEQUENCE_END_EVENT) {
            break;
        }
        if (count == value->sequence.max) {
            return refuse(walk, event_line(walk), "%s has more than %u entries", walk->path,
                          value->sequence.max);
        }
        walk->index = count;
        error = walk_value(walk, value->sequence.entry);
    }
    walk->index = outer;
    return error;
}

/* Key and value of one field. `lines`: where each field was seen, 0 for not yet. */
static mcpz_error walk_field(struct walk *walk, const cyaml_schema_field_t *fields, size_t *lines)
{
    size_t length = strlen(walk->path);

    const char *key = (const char *)walk->event.data.scalar.value;
    if (walk->event.type != YAML_SCALAR_EVENT || strlen(key) != walk->event.data.scalar.length) {
        return refuse(walk, event_line(walk), "a key must be a word");
    }
    const cyaml_schema_field_t *field = field_called(fields, key);
    if (field == NULL) {
        return refuse_key(walk, fields, key);
    }
    size_t *line = &lines[field - fields];
    if (*line != 0) {
        return refuse(walk, event_line(walk), "\"%s\" is given twice, first in line %zu",
                      field->key, *line);
    }
    *line = event_line(walk);

    int added = snprintf(walk->path + length, sizeof(walk->path) - length, "%s%s",
                         length == 0 ? "" : ".", field->key);
    assert(added > 0 && length + (size_t)added < sizeof(walk->path));
    mcpz_error error = next(walk);
    if (error == MCPZ_OK) {
        error = walk_value(walk, &field->value);
    }
    walk->path[length] = '\0';
    return error;
}

static mcpz_error walk_mapping(struct walk *walk, const cyaml_schema_value_t *value)
{
    const cyaml_schema_field_t *fields = value->mapping.fields;
    size_t lines[MCPZ_YAML_FIELDS_MAX] = {0};
    size_t start = event_line(walk);
    mcpz_error error = expect(walk, YAML_MAPPING_START_EVENT, "a mapping (key: value)");

    while (error == MCPZ_OK) {
        error = next(walk);
        if (error != MCPZ_OK || walk->event.type == YAML_MAPPING_END_EVENT) {
            break;
        }
        error = walk_field(walk, fields, lines);
    }
    for (size_t i = 0; error == MCPZ_OK && fields[i].key != NULL; i++) {
        assert(i < MCPZ_YAML_FIELDS_MAX);
        if (lines[i] == 0 && (fields[i].value.flags & CYAML_FLAG_OPTIONAL) == 0) {
            return refuse(walk, start, "this entry of %s has no \"%s\"", walk->path,
                          fields[i].key);
        }
    }
    return error;
}

/* What others will look at. */
static mcpz_error skip_value(struct walk *walk)
{
    mcpz_error error = MCPZ_OK;
    size_t depth = 0;

    do {
        const yaml_event_type_t type = walk->event.type;
        depth += type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
        depth -= type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
        if (depth > DEPTH_MAX) {
            return refuse(walk, event_line(walk), "%s is nested too deep", walk->path);
        }
        error = depth > 0 ? next(walk) : MCPZ_OK;
    } while (depth > 0 && error == MCPZ_OK);
    return error;
}

static mcpz_error walk_value(struct walk *walk, const cyaml_schema_value_t *value)
{
    mcpz_error error;

    walk->depth++;
    assert(walk->depth <= DEPTH_MAX);
    if (value->type == CYAML_MAPPING) {
        error = walk_mapping(walk, value);
    } else if (value->type == CYAML_SEQUENCE) {
        error = walk_sequence(walk, value);
    } else if (value->type == CYAML_IGNORE) {
        error = skip_value(walk);
    } else {
        assert(value->type == CYAML_STRING);
        error = walk_text(walk, value);
    }
    walk->depth--;
    return error;
}

/* ---- The document ------------------------------------------------------------------------- */

static mcpz_error walk_document(struct walk *walk, bool *is_empty)
{
    mcpz_error error = next(walk); /* start of the stream */
    if (error == MCPZ_OK) {
        error = next(walk);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (walk->event.type == YAML_STREAM_END_EVENT) {
        *is_empty = true;
        return MCPZ_OK;
    }
    error = next(walk); /* the start of the document was before */
    if (error != MCPZ_OK) {
        return error;
    }
    if (is_nothing(&walk->event)) {
        *is_empty = true;
    } else {
        error = walk_value(walk, walk->schema);
    }
    if (error == MCPZ_OK) {
        error = next(walk); /* end of the document */
    }
    if (error == MCPZ_OK) {
        error = next(walk);
    }
    if (error == MCPZ_OK && walk->event.type != YAML_STREAM_END_EVENT) {
        return refuse(walk, event_line(walk), "a second document begins here: there may be one");
    }
    return error;
}

mcpz_error mcpz_yaml_check(struct mcpz_bytes document, const char *path,
                           const cyaml_schema_value_t *schema, struct mcpz_yaml_places *places,
                           bool *is_empty, struct mcpz_config_trouble *trouble)
{
    struct walk walk = {
        .document = document,
        .file = path,
        .schema = schema,
        .places = places,
        .trouble = trouble,
    };

    *is_empty = false;
    places->count = 0;
    if (!yaml_parser_initialize(&walk.parser)) {
        return MCPZ_ENOMEM;
    }
    /* Said, not guessed: otherwise two bytes at the start make it UTF-16. */
    yaml_parser_set_encoding(&walk.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&walk.parser, document.data, document.length);
    mcpz_error error = walk_document(&walk, is_empty);
    yaml_event_delete(&walk.event);
    yaml_parser_delete(&walk.parser);
    return error;
}

size_t mcpz_yaml_line(const struct mcpz_yaml_places *places, const char *path, size_t index)
{
    for (size_t i = 0; i < places->count; i++) {
        if (places->places[i].index == index && strcmp(places->places[i].path, path) == 0) {
            return places->places[i].line;
        }
    }
    return 0;
}
