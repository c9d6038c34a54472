/*
 * Check a YAML document against a libcyaml schema, with errors made for people.
 *
 * libcyaml reads the values; what it says about a mistake (a line here, a backtrace there, nothing
 * about a second document) does not help who made it. This goes over the document once with
 * libyaml, in step with the same schema, so that the two cannot disagree about which keys there
 * are. It also keeps the line of every value, for errors found later.
 *
 * Refused: what is not UTF-8 or not YAML, unknown keys, keys given twice or missing, a list where
 * a text belongs, too many entries, more than one document, aliases, texts that hold a NUL.
 * The schema knows mappings, sequences and strings. Depth is that of the schema.
 */

#ifndef HOST_YAML_CHECK_H
#define HOST_YAML_CHECK_H

#include <cyaml/cyaml.h>

#include "base/bytes.h"
#include "host/config.h"

#define MCPZ_YAML_PATH_BYTES 64
#define MCPZ_YAML_PLACES_MAX 6400 /* values whose line is kept; further ones have none */
#define MCPZ_YAML_FIELDS_MAX 32   /* of one mapping in a schema */

struct mcpz_yaml_place {
    char path[MCPZ_YAML_PATH_BYTES]; /* "mesh.listen" */
    size_t index;                    /* in the sequence it stands in; 0 outside of any */
    size_t line;                     /* counted from 1 */
};

struct mcpz_yaml_places {
    struct mcpz_yaml_place places[MCPZ_YAML_PLACES_MAX];
    size_t count;
};

/**
 * Check `document`, which people know as `path`. `*is_empty`: nothing but comments and space.
 *
 * Errors: MCPZ_ECONFIG  `trouble` says where and what; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_yaml_check(struct mcpz_bytes document, const char *path,
                                         const cyaml_schema_value_t *schema,
                                         struct mcpz_yaml_places *places, bool *is_empty,
                                         struct mcpz_config_trouble *trouble);

/** The line of a value; 0: not known. */
size_t mcpz_yaml_line(const struct mcpz_yaml_places *places, const char *path, size_t index);

#endif
