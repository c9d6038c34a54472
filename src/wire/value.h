/*
 * Canonical MessagePack for values and paths of agents: made from JSON at the edge, kept and
 * compared as bytes everywhere else.
 *
 * Canonical: shortest integer and length forms; text valid UTF-8; floats 64 bits, finite, and
 * never with a value an integer of 53 bits could hold; map keys text, sorted by bytes, each once;
 * at most MCPZ_MSG_DEPTH_MAX deep; no ext, but for a whole value that is the name of a blob. So
 * two values are equal exactly if their bytes are.
 *
 *   ext, type 1:  id of the root 32, size u64, tenant     big-endian
 */

#ifndef WIRE_VALUE_H
#define WIRE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/id.h"

#define MCPZ_VALUE_BLOB 1 /* type of ext */

/* A blob that is named where a value would be too large. Source: docs reference crdt 1.2. */
struct mcpz_blob_ref {
    struct mcpz_id root;
    uint64_t size;            /* at most INT64_MAX */
    struct mcpz_bytes tenant; /* 1 to MCPZ_TENANT_BYTES_MAX bytes of UTF-8 */
};

/** Errors: MCPZ_ESHORT; MCPZ_EPROTO  not one canonical value; MCPZ_EFULL  over the bytes limit. */
MCPZ_MUST_USE mcpz_error mcpz_value_check(struct mcpz_bytes bytes);

/**
 * A path: a canonical array of 1 to MCPZ_PATH_DEPTH_MAX texts and unsigned integers, within
 * MCPZ_PATH_BYTES_MAX. Errors as above.
 */
MCPZ_MUST_USE mcpz_error mcpz_path_check(struct mcpz_bytes bytes);

/*
 * Writes canonical MessagePack piece by piece into a buffer. Errors stick (MCPZ_EFULL when the
 * buffer is full); the caller gives map keys in byte order.
 */
struct mcpz_value_writer {
    uint8_t *buffer;
    size_t capacity;
    size_t length;
    mcpz_error error;
};

static inline struct mcpz_value_writer mcpz_value_writer(uint8_t *buffer, size_t capacity)
{
    return (struct mcpz_value_writer){.buffer = buffer, .capacity = capacity};
}

void mcpz_value_nil(struct mcpz_value_writer *writer);
void mcpz_value_bool(struct mcpz_value_writer *writer, bool boolean);
void mcpz_value_uint(struct mcpz_value_writer *writer, uint64_t number);
void mcpz_value_int(struct mcpz_value_writer *writer, int64_t number);
/* Becomes an integer where it has the value of one of 53 bits. Not finite: MCPZ_EPROTO. */
void mcpz_value_float(struct mcpz_value_writer *writer, double number);
/* Not UTF-8: MCPZ_EPROTO. */
void mcpz_value_text(struct mcpz_value_writer *writer, struct mcpz_bytes text);
void mcpz_value_bin(struct mcpz_value_writer *writer, struct mcpz_bytes bytes);
void mcpz_value_array(struct mcpz_value_writer *writer, uint32_t count);
void mcpz_value_map(struct mcpz_value_writer *writer, uint32_t pair_count);
/* As a whole value. Not as its fields are to be: MCPZ_EPROTO. */
void mcpz_value_blob(struct mcpz_value_writer *writer, const struct mcpz_blob_ref *ref);

/** Is the value the name of a blob? `ref->tenant` points into it. */
bool mcpz_value_read_blob(struct mcpz_bytes value, struct mcpz_blob_ref *ref);

#endif
