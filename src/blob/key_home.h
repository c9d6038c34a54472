/*
 * Where the node key lives, and which one it is.
 *
 *   DIRECTORY/node.key         64 hexadecimal digits; mode 0600 and no more
 *   DIRECTORY/node.key.token   wrapped by a key in a PKCS#11 token (token_file.h)
 *   the environment            then it is not on the disk at all
 *
 * A ring says which node key its keys were wrapped with. While that is changed the next key lies
 * beside the one that is used (.new): whichever fits the ring after a crash is taken. Likewise a
 * key that is moved is in its new place, on the disk, before it leaves its old one; who starts
 * with the new place and finds the same key in the other ends the move.
 *
 * The token is asked once, when this is opened: what it unwraps then also seals the keys that
 * follow (mcpz_key_home_renew()).
 */

#ifndef BLOB_KEY_HOME_H
#define BLOB_KEY_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "blob/token_key.h"
#include "crypto/tenant_key.h"

#define MCPZ_NODE_KEY_TEXT_CHARS 64
#define MCPZ_KEY_HOME_PATH_BYTES_MAX 4096

/* Where it comes from; texts are borrowed. */
struct mcpz_key_source {
    const char *text;     /* from the environment; NULL: not from there */
    const char *text_old; /* what the ring was wrapped with before; NULL: the same */
    const struct mcpz_token_config *token; /* NULL: the file */
};

/* Why it could not be had, for people: what, where, what to do. */
struct mcpz_key_trouble {
    char text[512];
};

enum mcpz_key_place { MCPZ_KEY_IN_FILE, MCPZ_KEY_IN_ENVIRONMENT, MCPZ_KEY_IN_TOKEN };

/* Where a node key is, for people: nothing of this is secret. */
struct mcpz_key_whereabouts {
    enum mcpz_key_place place;
    struct mcpz_pkcs11_uri token; /* which key wraps it, and in which token; elsewhere nothing */
};

struct mcpz_key_home {
    enum mcpz_key_place place;
    char directory[MCPZ_KEY_HOME_PATH_BYTES_MAX];
    struct mcpz_token_file *envelope; /* with a token: what the next key is sealed into */
    struct mcpz_node_key *secret;     /* with that */
};

/* The node key that was found. */
struct mcpz_key_found {
    struct mcpz_node_key *key; /* the one to use; taken by who asked */
    struct mcpz_node_key *old; /* what the ring is wrapped with still, if not with that; taken */
};

/** Name it. MCPZ_EFULL: `directory` is too long. */
MCPZ_MUST_USE mcpz_error mcpz_key_home_init(struct mcpz_key_home *home, const char *directory);

/** Wipe what it knows. */
void mcpz_key_home_finish(struct mcpz_key_home *home);

/**
 * Find the node key that a ring was wrapped with: `ring_id` (MCPZ_NODE_KEY_ID_BYTES); NULL: there
 * is no ring, and a key is made if there is none, on the disk when this returns.
 *
 * Errors: MCPZ_EAUTH      another one, the PIN, or a file that others can read
 *         MCPZ_ENOTFOUND  there is none, or its token is not there
 *         MCPZ_EPROTO     it is no key; MCPZ_ECORRUPT, MCPZ_EVERSION  likewise, of a token
 *         and those of mcpz_token_key_wrap(); `trouble` says more
 */
MCPZ_MUST_USE mcpz_error mcpz_key_home_open(struct mcpz_key_home *home,
                                            const struct mcpz_key_source *source,
                                            const uint8_t *ring_id, struct mcpz_key_found *found,
                                            struct mcpz_key_trouble *trouble);

/** Where the key is that was found, taken or renewed. */
void mcpz_key_home_tell(const struct mcpz_key_home *home,
                        struct mcpz_key_whereabouts *whereabouts);

/** The ring is wrapped with `key` now, and on the disk: nothing else is needed any more. */
void mcpz_key_home_settle(const struct mcpz_key_home *home, const struct mcpz_node_key *key);

/** Forget what a key that came from `old` (see struct mcpz_key_found) has in the file. */
void mcpz_key_home_forget_file(const struct mcpz_key_home *home);

/**
 * A new node key, on the disk beside the one that is used.
 *
 * Errors: MCPZ_EUNSUPPORTED  it comes from the environment; MCPZ_EIO, MCPZ_ENOSPACE, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_key_home_renew(const struct mcpz_key_home *home,
                                             struct mcpz_node_key **fresh);

/** The ring is wrapped with the new one: it takes the other's place. If that fails, the next start
 * does it. */
void mcpz_key_home_replace(const struct mcpz_key_home *home);

/**
 * Have `key`, which lives elsewhere so far, live where `source` says; mcpz_key_home_settle() ends
 * it. `fresh`: wrapped by a new key in the token.
 *
 * Errors: MCPZ_EUNSUPPORTED  that is the environment; those of mcpz_token_key_wrap(),
 * MCPZ_ENOSPACE
 */
MCPZ_MUST_USE mcpz_error mcpz_key_home_take(struct mcpz_key_home *home,
                                            const struct mcpz_key_source *source, bool fresh,
                                            const struct mcpz_node_key *key,
                                            struct mcpz_key_trouble *trouble);

/**
 * As mcpz_key_home_open(), without making, moving or unwrapping anything, or trying a PIN: is
 * there what that would need? `token`: which it is, if there is one.
 */
MCPZ_MUST_USE mcpz_error mcpz_key_home_look(struct mcpz_key_home *home,
                                            const struct mcpz_key_source *source,
                                            const uint8_t *ring_id, struct mcpz_pkcs11_uri *token,
                                            struct mcpz_key_trouble *trouble);

/** Read 64 hexadecimal digits, and a line feed perhaps. Errors: MCPZ_EPROTO, MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_key_text_read(struct mcpz_bytes text, struct mcpz_node_key **key);

/** Open an envelope: node.key.token. Errors: as mcpz_key_home_open() */
MCPZ_MUST_USE mcpz_error mcpz_key_envelope_open(struct mcpz_bytes envelope,
                                                const struct mcpz_token_config *token,
                                                struct mcpz_node_key **key,
                                                struct mcpz_key_trouble *trouble);

#endif
