/*
 * Is all that a node keeps well? Every page of its stores, every record, every chunk of a blob.
 *
 * Needs no node and no LMDB: it reads what it is given (data_set.h). Values are looked at as far
 * as their codec goes, blobs as far as the digest of what is sealed: no key is needed.
 */

#ifndef BACKUP_DATA_CHECK_H
#define BACKUP_DATA_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "backup/data_set.h"
#include "base/attr.h"
#include "blob/key_home.h"
#include "proto/record.h"
#include "store/check.h"

/* With what records were opened. */
enum mcpz_data_keys {
    MCPZ_DATA_KEYS_NONE,    /* there is no ring: nothing is sealed */
    MCPZ_DATA_KEYS_FIT,     /* each was opened */
    MCPZ_DATA_KEYS_MISSING, /* no node key is there: only the shapes of records were looked at */
    MCPZ_DATA_KEYS_OTHER,   /* the node key is not the ring's: likewise */
};

struct mcpz_data_report {
    struct mcpz_check_report store;
    struct mcpz_check_report blobs;
    uint64_t documents;
    uint64_t deltas; /* of them, that are kept */
    uint64_t bases;  /* of them, that older deltas were folded to; each is what was signed */
    uint64_t chunks;
    uint64_t lacking; /* blobs that are not whole: parts were damaged, or are still to come */
    struct mcpz_id first_lacking;
    enum mcpz_data_keys keys;
    char token_trouble[512]; /* why a token did not give the node key, for people; "": it did */
    char trouble[512];       /* what is wrong, for people; "": nothing */
};

/**
 * Check it, opening records with the ring in the set and its node key: the text of `key`, else the
 * one in the set, else what the token of `key` makes of the envelope in the set. NULL: only what
 * is in the set. Errors: MCPZ_ECORRUPT, MCPZ_EVERSION, MCPZ_EIO, MCPZ_ENOMEM; report->trouble says
 * what and where.
 */
MCPZ_MUST_USE mcpz_error mcpz_data_check(const struct mcpz_data_set *set,
                                         const struct mcpz_key_source *key,
                                         struct mcpz_data_report *report);

/** Is the node key in the set, wrapped by a token, the one of the ring in it? Asks no token. */
bool mcpz_data_has_envelope(const struct mcpz_data_set *set);

#endif
