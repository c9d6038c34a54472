/*
 * How rows of the tables are written, and what both messages and records are made of.
 *
 * For the tables of wire/ only (codec.c, records.c, credentials.c): the names are short, because
 * a table is read as a whole. S is the struct a row belongs to.
 */

#ifndef WIRE_ROWS_H
#define WIRE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/cert.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "proto/record.h"
#include "wire/layout.h"
#include "wire/value.h"

#define AT(S, member) .offset = offsetof(S, member)
#define U32_IN(S, member, low, high)                                                              \
    .type = MCPZ_FIELD_U32, AT(S, member), .min = (low), .max = (high)
#define U32(S, member) U32_IN(S, member, 0, UINT32_MAX)
#define U64_FROM(S, member, low)                                                                  \
    .type = MCPZ_FIELD_U64, AT(S, member), .min = (low), .max = UINT64_MAX
#define U64(S, member) U64_FROM(S, member, 0)
#define BOOL(S, member) .type = MCPZ_FIELD_BOOL, AT(S, member)
#define HEAD(S, member) .type = MCPZ_FIELD_FIXED, AT(S, member), .max = MCPZ_HEAD_BYTES
#define ID(S, member) .type = MCPZ_FIELD_FIXED, AT(S, member), .max = MCPZ_ID_BYTES
#define BYTES(S, member, low, high)                                                               \
    .type = MCPZ_FIELD_BYTES, AT(S, member), .min = (low), .max = (high)
#define PATH(S, member) BYTES(S, member, 1, MCPZ_PATH_BYTES_MAX), .check = mcpz_path_check
#define VALUE(S, member) BYTES(S, member, 1, MCPZ_VALUE_BYTES_MAX), .check = mcpz_value_check
#define TEXT(S, member, high) .type = MCPZ_FIELD_TEXT, AT(S, member), .max = (high)
#define NAME(S, member) TEXT(S, member, MCPZ_NAME_BYTES_MAX)
#define STRUCT(S, member, layout) .type = MCPZ_FIELD_STRUCT, AT(S, member), .item = &(layout)
#define LIST(S, member, count, layout, high)                                                      \
    .type = MCPZ_FIELD_LIST, AT(S, member), .count_offset = offsetof(S, count), .max = (high),    \
    .item = &(layout)
#define INLINE(S, member, count, layout, low)                                                     \
    .type = MCPZ_FIELD_INLINE, AT(S, member), .count_offset = offsetof(S, count), .min = (low),   \
    .max = sizeof(((S *)NULL)->member) / sizeof(((S *)NULL)->member[0]), .item = &(layout)
#define SINCE .since = true
#define LAYOUT(S, array)                                                                          \
    {                                                                                             \
        .size = sizeof(S), .fields = (array), .field_count = MCPZ_ARRAY_LEN(array)                \
    }
#define NAMED(text, S, array)                                                                     \
    {                                                                                             \
        .name = (text), .size = sizeof(S), .fields = (array),                                     \
        .field_count = MCPZ_ARRAY_LEN(array)                                                      \
    }

/* ---- What messages and records are made of ------------------------------------------------ */

#define MCPZ_DELTA_FIELDS 8
#define MCPZ_DELTA_KEY_FIELDS 3 /* the first ones: its key as a record */

extern const struct mcpz_layout mcpz_name_layout;
extern const struct mcpz_layout mcpz_actor_layout;
extern const struct mcpz_layout mcpz_tip_layout;
extern const struct mcpz_layout mcpz_cut_layout;
extern const struct mcpz_layout mcpz_delta_layout; /* the fields that are its own */
extern const struct mcpz_layout mcpz_batch_seal_layout;
extern const struct mcpz_layout mcpz_version_layout;
extern const struct mcpz_layout mcpz_cosignature_layout;
extern const struct mcpz_layout mcpz_agreed_layout;
extern const struct mcpz_field mcpz_delta_fields[MCPZ_DELTA_FIELDS + 1]; /* and its proof */
extern const struct mcpz_layout mcpz_stamp_layout;
extern const struct mcpz_layout mcpz_tracker_layout;
extern const struct mcpz_layout mcpz_task_body_layout;
extern const struct mcpz_layout mcpz_task_state_layout;

#define MCPZ_TRACKER_FIELDS 4
#define MCPZ_TRACKER_KEY_FIELDS 1 /* the node: its key as a record */

extern const struct mcpz_field mcpz_tracker_fields[MCPZ_TRACKER_FIELDS];

#define MCPZ_REVOCATION_FIELDS 7
#define MCPZ_REVOCATION_KEY_FIELDS 1 /* the node: its key as a record */

extern const struct mcpz_layout mcpz_revocation_layout;
extern const struct mcpz_field mcpz_revocation_fields[MCPZ_REVOCATION_FIELDS];

/** Are two rows of a version vector in order? */
bool mcpz_version_ascends(const void *a, const void *b);

/** Are two cuts in order? */
bool mcpz_cut_ascends(const void *a, const void *b);

/** Are two deltas of one actor in order: by seq, then head? */
bool mcpz_tip_ascends(const void *a, const void *b);

#define VERSIONS(S, member, count)                                                                \
    LIST(S, member, count, mcpz_version_layout, MCPZ_ACTORS_MAX), .ascends = mcpz_version_ascends

#define COSIGNATURES(S, member, count)                                                            \
    LIST(S, member, count, mcpz_cosignature_layout, MCPZ_COSIGNATURES_MAX)

#define DIGESTS(S, member, low, high)                                                             \
    BYTES(S, member, (low)*MCPZ_BATCH_DIGEST_BYTES, (high)*MCPZ_BATCH_DIGEST_BYTES)

#define CUTS(S, member, count)                                                                    \
    LIST(S, member, count, mcpz_cut_layout, MCPZ_ACTORS_MAX), .ascends = mcpz_cut_ascends

#define TASK_ID(S, member) .type = MCPZ_FIELD_FIXED, AT(S, member), .max = MCPZ_TASK_ID_BYTES

#endif
