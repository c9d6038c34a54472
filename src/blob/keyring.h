/*
 * The tenants' keys on this node's disk, wrapped by the node key.
 *
 *   DIRECTORY/ring       which node key, and per tenant its wrapped key; with a digest (ring.h)
 *
 * Where the node key is, key_home.h says. One from the environment is changed by giving the new
 * one together with the old one; else mcpz_keyring_rotate() makes a new one. Files are replaced as
 * a whole, and the old contents overwritten; file systems that copy on write, and disks that move
 * blocks about, may keep them, so who shreds a tenant's key gets a new node key as well: what is
 * left of the old ring is then of no use.
 *
 * The thread of blobs and the loop use one ring: each call is whole before the next one. Keys
 * that are lent are copies, their borrower's; others are lent within the thread of blobs, where
 * keys are shredded too.
 *
 * Source: reference/crdt.md, section 5; NIST SP 800-88, cryptographic erase.
 */

#ifndef BLOB_KEYRING_H
#define BLOB_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "blob/key_home.h"
#include "crypto/tenant_key.h"

#define MCPZ_KEYRING_TENANTS_MAX 1024
#define MCPZ_KEYRING_SHREDDED_MAX 4096 /* keys remembered to have been shredded, the newest */
#define MCPZ_KEYRING_ENDS_MAX 1024     /* tenants of which is remembered when they ended */

struct mcpz_keyring_config {
    const char *directory;      /* made (mode 0700) if it is not there */
    struct mcpz_key_source key; /* the node key */
};

struct mcpz_keyring;

/**
 * Open or make it. On error `*keyring` is NULL and `trouble->text` says what is wrong.
 *
 * Errors: MCPZ_ECORRUPT  the ring is damaged; MCPZ_EVERSION
 *         MCPZ_EIO, MCPZ_ENOSPACE, MCPZ_ENOMEM; those of mcpz_key_home_open()
 */
MCPZ_MUST_USE mcpz_error mcpz_keyring_open(const struct mcpz_keyring_config *config,
                                           struct mcpz_keyring **keyring,
                                           struct mcpz_key_trouble *trouble);

/**
 * Keys to read with, out of a ring, wherever it lies, and its node key, which is taken, also on
 * error. Nothing is made or written: only to be looked into, and closed.
 *
 * Errors: MCPZ_EAUTH  it is of another node key; MCPZ_ECORRUPT, MCPZ_EVERSION, MCPZ_ENOMEM;
 *         `*keyring` is then NULL
 */
MCPZ_MUST_USE mcpz_error mcpz_keyring_read(struct mcpz_bytes ring, struct mcpz_node_key *key,
                                           struct mcpz_keyring **keyring);

/** Wipe all keys from memory. NULL is fine. */
void mcpz_keyring_close(struct mcpz_keyring *keyring);

/** The key of `tenant` for blobs; NULL: it has none. Lasts until it is shredded. */
const struct mcpz_tenant_key *mcpz_keyring_find(struct mcpz_keyring *keyring,
                                                struct mcpz_bytes tenant);

/**
 * A tenant may have several for blobs: two nodes that had not heard of each other each made one.
 * The one that mcpz_keyring_find() gives is used for what is new, the same at all nodes that have
 * both; the others are read with. The one after `after`; NULL: there are no more.
 */
const struct mcpz_tenant_key *mcpz_keyring_next(struct mcpz_keyring *keyring,
                                                struct mcpz_bytes tenant,
                                                const struct mcpz_tenant_key *after);

/**
 * Write all keys for blobs as another node takes them in, as many as fit; they are plain, so seal
 * and wipe them. Returns how many bytes.
 */
size_t mcpz_keyring_show(struct mcpz_keyring *keyring, uint8_t *bytes, size_t capacity);

#define MCPZ_KEYRING_SHOWN_BYTES_MAX                                                              \
    (2 * MCPZ_KEYRING_TENANTS_MAX * (8 + MCPZ_NODE_KEY_BYTES + 1 + MCPZ_TENANT_BYTES_MAX))

/**
 * Take in what mcpz_keyring_show() wrote at a node that is trusted. What was shredded stays so.
 *
 * Errors: MCPZ_EPROTO  it is nothing of the kind: what stands before was taken in; MCPZ_EIO,
 *         MCPZ_ENOSPACE  nothing was
 */
MCPZ_MUST_USE mcpz_error mcpz_keyring_adopt(struct mcpz_keyring *keyring, struct mcpz_bytes shown);

/**
 * The key of `tenant` for blobs; one is made, and is on the disk when this returns, if it has
 * none.
 *
 * Errors: MCPZ_EFULL  MCPZ_KEYRING_TENANTS_MAX have one; MCPZ_EPROTO  a name is 1 to
 *         MCPZ_TENANT_BYTES_MAX bytes; MCPZ_EIO, MCPZ_ENOSPACE, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_keyring_obtain(struct mcpz_keyring *keyring,
                                             struct mcpz_bytes tenant,
                                             const struct mcpz_tenant_key **key);

/**
 * A copy of the key of `tenant` for records, made if it has none. Errors: as above
 */
MCPZ_MUST_USE mcpz_error mcpz_keyring_lend(struct mcpz_keyring *keyring, struct mcpz_bytes tenant,
                                           struct mcpz_tenant_key **key);

/**
 * A copy of the key with that id (MCPZ_TENANT_KEY_ID_BYTES).
 *
 * Errors: MCPZ_EEXPIRED  it was shredded; MCPZ_ENOTFOUND  it was never here; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_keyring_lend_by_id(struct mcpz_keyring *keyring, const uint8_t *id,
                                                 struct mcpz_tenant_key **key);

/**
 * The key with that id, until it is shredded: for who has the ring alone.
 *
 * Errors: MCPZ_EEXPIRED  it was shredded; MCPZ_ENOTFOUND  it was never here
 */
MCPZ_MUST_USE mcpz_error mcpz_keyring_find_by_id(struct mcpz_keyring *keyring, const uint8_t *id,
                                                 const struct mcpz_tenant_key **key);

/**
 * Wrap all keys with a new node key. On error all is as before.
 *
 * Errors: MCPZ_EUNSUPPORTED  the node key comes from the environment; MCPZ_EIO, MCPZ_ENOSPACE
 */
MCPZ_MUST_USE mcpz_error mcpz_keyring_rotate(struct mcpz_keyring *keyring);

/* What is known of a tenant's end: what it kept until then is gone. It never moves back. */
struct mcpz_keyring_end {
    uint8_t tenant[MCPZ_TENANT_BYTES_MAX];
    uint8_t tenant_length;
    uint64_t at_ms; /* wall clock */
};

/**
 * Forget the keys of `tenant` that were made until `at_ms`; 0: all, and `at_ms` becomes now, or
 * later if one was made later, and not before `floor_ms` (what it has was written until then, by
 * clocks that may be ahead of ours). Nobody can read what it had here, ever. That it was done, and
 * until when, is remembered: keys made afterwards are younger, whatever the clock says. On error
 * the keys are still there.
 *
 * Errors: MCPZ_ENOTFOUND  with 0: it has none; MCPZ_EFULL  MCPZ_KEYRING_ENDS_MAX are remembered;
 *         MCPZ_EIO, MCPZ_ENOSPACE
 */
MCPZ_MUST_USE mcpz_error mcpz_keyring_shred(struct mcpz_keyring *keyring, struct mcpz_bytes tenant,
                                            uint64_t at_ms, uint64_t floor_ms);

/** The end that is remembered at `index`, in no order. False: there are not so many. */
bool mcpz_keyring_end(struct mcpz_keyring *keyring, size_t index, struct mcpz_keyring_end *end);

/** Until when what `tenant` kept was shredded; 0: never. */
uint64_t mcpz_keyring_end_of(struct mcpz_keyring *keyring, struct mcpz_bytes tenant);

/** How many tenants have a key; and which, in no order. */
size_t mcpz_keyring_count(struct mcpz_keyring *keyring);
struct mcpz_bytes mcpz_keyring_tenant(struct mcpz_keyring *keyring, size_t index);

/** Which node key it is now: MCPZ_NODE_KEY_ID_BYTES. */
void mcpz_keyring_node_key_id(struct mcpz_keyring *keyring, uint8_t *id);

/** Where it is. Of keys to read with (mcpz_keyring_read()) that is not known. */
void mcpz_keyring_whereabouts(struct mcpz_keyring *keyring,
                              struct mcpz_key_whereabouts *whereabouts);

/** The node key itself, MCPZ_NODE_KEY_BYTES: wipe them. */
void mcpz_keyring_show_node_key(struct mcpz_keyring *keyring, uint8_t *bytes);

#endif
