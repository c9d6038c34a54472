/*
 * Jobs of the worker that have to do with tenants' keys: to list, show and rotate them, and to let
 * go of what nobody can read once one is lost.
 */

#ifndef BLOB_BLOB_KEYS_H
#define BLOB_BLOB_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "blob/blob_job.h"
#include "blob/blobs.h"
#include "blob/keyring.h"
#include "proto/id.h"

bool mcpz_blob_row_is_of(const struct mcpz_blob_row *row, const char *tenant);

/** Is it one of those that the node itself needs? */
bool mcpz_blob_keys_are_ours(struct mcpz_bytes tenant);

/** All tenants that have one, as names. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_blob_keys_list(struct mcpz_keyring *keyring,
                                             struct mcpz_blob_job *job);

/** The keyring, as bytes for a backup. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_blob_keys_show(struct mcpz_keyring *keyring,
                                             struct mcpz_blob_job *job);

/** Change the node key. Errors: MCPZ_EUNSUPPORTED  it is not ours to change; as the keyring's */
MCPZ_MUST_USE mcpz_error mcpz_blob_keys_rotate(struct mcpz_keyring *keyring,
                                               struct mcpz_blob_job *job);

/** `holder` needs it no longer; fine if it did not. Errors: as mcpz_blobs_release() */
MCPZ_MUST_USE mcpz_error mcpz_blob_drop(struct mcpz_blobs *blobs, const struct mcpz_id *id,
                                        struct mcpz_bytes holder, uint64_t now_ms);

/** The job's tenant has lost a key: give back what that sealed. Errors: as those of blobs */
MCPZ_MUST_USE mcpz_error mcpz_blob_keys_release_lost(struct mcpz_keyring *keyring,
                                                     struct mcpz_blobs *blobs,
                                                     const struct mcpz_blob_job *job);

#endif
