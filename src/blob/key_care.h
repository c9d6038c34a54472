/*
 * What people do with the node key of a data directory on which no node runs: see where it is,
 * have it live elsewhere, have the token wrap it with another key.
 *
 * Each is safe at any moment: the new place is on the disk before the old one is let go of.
 */

#ifndef BLOB_KEY_CARE_H
#define BLOB_KEY_CARE_H

#include <stdbool.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "blob/key_home.h"

/* What was found, or done. */
struct mcpz_key_care {
    enum mcpz_key_place place;              /* where it is, or was */
    bool has_ring;                          /* else there are no keys yet */
    uint8_t key_id[MCPZ_NODE_KEY_ID_BYTES]; /* of the ring */
    struct mcpz_pkcs11_uri token;           /* that was met */
    struct mcpz_key_trouble trouble;        /* why something failed, for people */
};

/** Is the key where `source` says, and the token there? Tries no PIN. Errors: as
 * mcpz_key_home_open() */
MCPZ_MUST_USE mcpz_error mcpz_key_care_look(const char *directory,
                                            const struct mcpz_key_source *source,
                                            struct mcpz_key_care *care);

/**
 * Find the key that the ring in `directory` was wrapped with, in the file, in `source->text` or
 * with `source->token`, and have it live in the file or, `to_token`, wrapped by the token.
 *
 * Errors: MCPZ_ENOTFOUND  there are no keys, or it is nowhere; those of mcpz_key_home_open()
 */
MCPZ_MUST_USE mcpz_error mcpz_key_care_move(const char *directory,
                                            const struct mcpz_key_source *source, bool to_token,
                                            struct mcpz_key_care *care);

/**
 * Have the token make a new key, and wrap the node key with that. `destroys`: the one before is
 * destroyed then; backups that were made before can be read no more, unless they have the node key
 * from elsewhere.
 *
 * Errors: as mcpz_key_home_open(); an old key that the token keeps is an error, too, and all else
 * is done
 */
MCPZ_MUST_USE mcpz_error mcpz_key_care_rewrap(const char *directory,
                                              const struct mcpz_key_source *source, bool destroys,
                                              struct mcpz_key_care *care);

#endif
