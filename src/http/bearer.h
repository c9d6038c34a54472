/*
 * Who an HTTP client is, by what it shows: an API key, or a JSON Web Token.
 *
 * Keys are kept as digests only: they are long and random, so a fast hash is enough, and comparing
 * digests in constant time says nothing about keys. Of tokens, only what those who may make them
 * have signed: EdDSA (Ed25519) or HS256, never "none", and each key for its own algorithm. Tokens
 * must expire.
 *
 * Source: RFC 6750 (bearer tokens), RFC 7515 (JWS), RFC 7519 (JWT), RFC 8037 (EdDSA), RFC 8725
 * (best current practices).
 */

#ifndef HTTP_BEARER_H
#define HTTP_BEARER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_BEARER_KEYS_MAX 16
#define MCPZ_BEARER_SIGNERS_MAX 4
#define MCPZ_BEARER_SECRET_BYTES_MIN 32 /* RFC 7518, 3.2: as long as the hash */
#define MCPZ_BEARER_SECRET_BYTES_MAX 128
#define MCPZ_BEARER_TEXT_BYTES_MAX 128   /* of an issuer, an audience, a subject, a tenant */
#define MCPZ_BEARER_TOKEN_BYTES_MAX 4096 /* of what is shown */
#define MCPZ_BEARER_LEEWAY_MS 30000      /* by which clocks may differ */

/* What is let in. All zeros: nobody is. */
struct mcpz_bearer {
    uint8_t keys[MCPZ_BEARER_KEYS_MAX][32];                        /* digests */
    char tenants[MCPZ_BEARER_KEYS_MAX][MCPZ_TENANT_BYTES_MAX + 1]; /* of the keys; "": of none */
    size_t key_count;
    struct mcpz_id signers[MCPZ_BEARER_SIGNERS_MAX]; /* Ed25519 public keys */
    size_t signer_count;
    uint8_t secret[MCPZ_BEARER_SECRET_BYTES_MAX];
    size_t secret_length;                          /* 0: no HS256 */
    char issuer[MCPZ_BEARER_TEXT_BYTES_MAX + 1];   /* "": any */
    char audience[MCPZ_BEARER_TEXT_BYTES_MAX + 1]; /* "": any, or none */
};

/* Whom it was. */
struct mcpz_bearer_who {
    char subject[MCPZ_BEARER_TEXT_BYTES_MAX +
                 1];                        /* of a key: "key-" and 8 of its digest's digits */
    char tenant[MCPZ_TENANT_BYTES_MAX + 1]; /* the key's, or claim "tenant"; "": none is said */
};

enum mcpz_bearer_flaw {
    MCPZ_BEARER_FINE = 0,
    MCPZ_BEARER_UNKNOWN,   /* no key of ours, and no token */
    MCPZ_BEARER_MALFORMED, /* nearly a token */
    MCPZ_BEARER_ALGORITHM, /* one that is not taken here */
    MCPZ_BEARER_SIGNATURE,
    MCPZ_BEARER_ENDLESS, /* it has no "exp" */
    MCPZ_BEARER_EXPIRED,
    MCPZ_BEARER_EARLY,
    MCPZ_BEARER_ISSUER,
    MCPZ_BEARER_AUDIENCE,
    MCPZ_BEARER_FLAW_END,
};

/** May a tenant be called so? UTF-8 of 1 to MCPZ_TENANT_BYTES_MAX bytes, without control
 * characters. */
bool mcpz_bearer_is_tenant(struct mcpz_bytes name);

/**
 * Let in who shows `key`, as `tenant`; empty: as nobody in particular.
 *
 * Errors: MCPZ_EFULL; MCPZ_EPROTO  no tenant may be called so
 */
MCPZ_MUST_USE mcpz_error mcpz_bearer_add_key(struct mcpz_bearer *bearer, struct mcpz_bytes key,
                                             struct mcpz_bytes tenant);

/** Who shows `token` at `wall_ms`? `*who` is set if it is MCPZ_BEARER_FINE. */
enum mcpz_bearer_flaw mcpz_bearer_check(const struct mcpz_bearer *bearer, struct mcpz_bytes token,
                                        uint64_t wall_ms, struct mcpz_bearer_who *who);

/** What is wrong, in words for who has shown it: nothing that helps to guess. */
const char *mcpz_bearer_say(enum mcpz_bearer_flaw flaw);

/** Forget keys and secrets. */
void mcpz_bearer_wipe(struct mcpz_bearer *bearer);

#endif
