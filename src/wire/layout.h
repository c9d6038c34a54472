/*
 * Structs to MessagePack and back, by tables that say what lies where and within which bounds.
 *
 *   struct  ->  [field, field, ...]      one of a single field: that field, without an array
 *   list    ->  [item, item, ...]
 *
 * One walk serves messages, records, certificates and tokens; the tables are in codec.c,
 * records.c and credentials.c. Reading bounds everything before it sizes anything, and refuses
 * forms longer than need be.
 */

#ifndef WIRE_LAYOUT_H
#define WIRE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/arena.h"
#include "base/attr.h"
#include "wire/reader.h"
#include "wire/value.h"

/*      in the struct                         on the wire */
enum mcpz_field_type {
    MCPZ_FIELD_U32 = 1, /* uint32_t                       integer */
    MCPZ_FIELD_U64,     /* uint64_t                       integer */
    MCPZ_FIELD_BOOL,    /* bool                           bool */
    MCPZ_FIELD_FIXED,   /* uint8_t[max], struct mcpz_id   bin of exactly max bytes */
    MCPZ_FIELD_BYTES,   /* struct mcpz_bytes              bin */
    MCPZ_FIELD_TEXT,    /* struct mcpz_bytes              str, UTF-8 */
    MCPZ_FIELD_STRUCT,  /* struct                         its item layout */
    MCPZ_FIELD_LIST,    /* pointer and size_t count       array of its item layout */
    MCPZ_FIELD_INLINE,  /* array and size_t count         the same */
};

struct mcpz_layout;

struct mcpz_field {
    enum mcpz_field_type type;
    size_t offset;
    size_t count_offset; /* LIST, INLINE */
    uint64_t min;        /* numbers: value; BYTES, TEXT: length; LIST, INLINE: items */
    uint64_t max;
    bool since; /* appended to what was in use: where it is missing it is 0, false or empty */
    const struct mcpz_layout *item; /* STRUCT, LIST, INLINE */

    /* LIST: does `a` come before `b`? NULL: any order. */
    bool (*ascends)(const void *a, const void *b);
    /* BYTES: what they must hold. NULL: anything. */
    mcpz_error (*check)(struct mcpz_bytes bytes);
};

struct mcpz_layout {
    const char *name; /* for logs; may be NULL */
    size_t size;      /* of the struct */
    const struct mcpz_field *fields;
    size_t field_count;
};

/* Where structs are read from, and where their lists go (NULL: there are none). */
struct mcpz_layout_source {
    struct mcpz_reader reader;
    struct mcpz_arena *arena;
    bool is_exact; /* no field more or less than the tables have: bytes as they are written */
};

/** Write the struct at `base`. What is over its bound or out of order is asserted. */
void mcpz_layout_write(struct mcpz_value_writer *writer, const struct mcpz_layout *layout,
                       const void *base);

/** Write its fields, for an array whose header is written already. */
void mcpz_layout_write_fields(struct mcpz_value_writer *writer, const struct mcpz_layout *layout,
                              const void *base);

/**
 * Read one item that must be of `type` and in its shortest form.
 *
 * Errors: MCPZ_ESHORT  the bytes end here; MCPZ_EPROTO
 */
MCPZ_MUST_USE mcpz_error mcpz_layout_expect(struct mcpz_layout_source *source,
                                            enum mcpz_item_type type, struct mcpz_item *item);

/**
 * Read a struct into `base`. On error it holds garbage.
 *
 * Errors: MCPZ_ESHORT; MCPZ_EPROTO  missing field, wrong type, over a bound, out of order, not in
 *         the shortest form; MCPZ_EFULL  the arena is too small for its lists
 */
MCPZ_MUST_USE mcpz_error mcpz_layout_read(struct mcpz_layout_source *source,
                                          const struct mcpz_layout *layout, void *base);

/**
 * Read its fields out of an array of which `count` items are left. Those beyond are skipped; those
 * that are missing must be marked `since`, and none behind such a one be unmarked. An exact source
 * has neither.
 */
MCPZ_MUST_USE mcpz_error mcpz_layout_read_fields(struct mcpz_layout_source *source,
                                                 const struct mcpz_layout *layout, size_t count,
                                                 void *base);

/**
 * Write [tag, field, ...], as messages and records begin. On success `*length` is its size.
 *
 * Errors: MCPZ_EFULL   `capacity` is too small; MCPZ_EPROTO  a text is not UTF-8
 */
MCPZ_MUST_USE mcpz_error mcpz_layout_write_tagged(const struct mcpz_layout *layout, uint32_t tag,
                                                  const void *base, uint8_t *buffer,
                                                  size_t capacity, size_t *length);

/**
 * Read the tag. The shape of all that is left in `source` was checked: mcpz_shape_check().
 * `*count` items are left for mcpz_layout_read_fields().
 *
 * Errors: MCPZ_ESHORT; MCPZ_EPROTO  not an array that begins with an integer
 */
MCPZ_MUST_USE mcpz_error mcpz_layout_read_tag(struct mcpz_layout_source *source, uint64_t *tag,
                                              size_t *count);

#endif
