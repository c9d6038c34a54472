/*
 * Records as they lie in a store, opened and read: sealed (engine/at_rest.h), under keys that have
 * tokens in place of names. For who has a store and its keys, and no node.
 */

#ifndef BACKUP_RECORD_OPENER_H
#define BACKUP_RECORD_OPENER_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/bytes.h"
#include "blob/keyring.h"
#include "proto/record.h"

struct mcpz_record_opener {
    struct mcpz_keyring *keyring; /* NULL: it is only seen whether it looks as it should */
    struct mcpz_arena arena;
    uint8_t *lists;
    uint8_t *plain; /* of the last that was opened */
};

/** `keyring` is borrowed. Release with the one below, also on error. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_record_opener_init(struct mcpz_record_opener *opener,
                                                 struct mcpz_keyring *keyring);
void mcpz_record_opener_finish(struct mcpz_record_opener *opener);

/**
 * Open and read what lies at `place`. `record->kind` is filled in, and all of a record without
 * names in its key, unless there are no keys. It lasts until the next one.
 *
 * Errors: MCPZ_ECORRUPT; MCPZ_EEXPIRED  its key was shredded
 */
MCPZ_MUST_USE mcpz_error mcpz_record_opener_open(struct mcpz_record_opener *opener,
                                                 struct mcpz_bytes place, struct mcpz_bytes value,
                                                 struct mcpz_record *record);

#endif
