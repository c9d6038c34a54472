/* BLAKE2b-256, each use under a name of its own so that no two uses give the same bytes. */

#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define MCPZ_DIGEST_BYTES 32

/* Names of the uses: BLAKE2b's personalisation, exactly 16 bytes. */
#define MCPZ_DIGEST_DOCUMENT "mcpz-document-v1"   /* tenant, NUL, name -> document id */
#define MCPZ_DIGEST_ROOT "mcpz-root------1"       /* canonical state -> root */
#define MCPZ_DIGEST_TOKEN_KEY "mcpz-tokenkey-v1"  /* secret -> key */
#define MCPZ_DIGEST_JOIN_PROOF "mcpz-joinprf--v1" /* keyed: binding, joiner, admitter -> proof */
#define MCPZ_DIGEST_API_KEY "mcpz-apikey---v1"    /* an API key -> what is kept of it */
#define MCPZ_DIGEST_MCP "mcpz-mcpabout-v1"        /* what an MCP server is -> its name */
#define MCPZ_DIGEST_MCP_STATE "mcpz-mcpstate-v1"  /* keyed: whose parked call it is -> its seal */
#define MCPZ_DIGEST_CHUNK "mcpz-chunk----v1"      /* keyed: kind, plain bytes -> a chunk's id */
#define MCPZ_DIGEST_SEALED "mcpz-sealed---v1"     /* a sealed chunk -> what holders check */
#define MCPZ_DIGEST_NODE_KEY "mcpz-nodekey--v1"   /* keyed: nothing -> which node key it is */
#define MCPZ_DIGEST_TENANT_KEY "mcpz-tenantkey-1" /* keyed: tenant -> which tenant key it is */
#define MCPZ_DIGEST_LAYOUT "mcpz-layout---v1"     /* a layout's bytes -> its name */
#define MCPZ_DIGEST_DELTA "mcpz-delta----v1"      /* a delta's bytes -> its id */
#define MCPZ_DIGEST_SNAPSHOT "mcpz-snapshot-v1"   /* an exported file -> its trailer */
#define MCPZ_DIGEST_MERKLE "mcpz-merkle---v1"     /* two nodes of a tree -> the one above them */
#define MCPZ_DIGEST_BATCH "mcpz-batch----v1"      /* what an author signs -> a batch's name */
#define MCPZ_DIGEST_STATE "mcpz-docstate-v1"      /* what a document has seen -> its name */
#define MCPZ_DIGEST_VERIFIED "mcpz-verified-v1"   /* what was verified -> its place in memory */
#define MCPZ_DIGEST_BACKUP "mcpz-backup---v1"     /* a backup, or a file in it -> its trailer */

/* A digest under way; lives on the caller's stack. */
struct mcpz_digest_state {
    _Alignas(64) uint8_t opaque[384];
};

/** Begin. `use` is one of the names above; `key` (up to 64 bytes) may be empty. */
void mcpz_digest_begin(struct mcpz_digest_state *state, const char *use, struct mcpz_bytes key);
void mcpz_digest_add(struct mcpz_digest_state *state, struct mcpz_bytes bytes);

/** End; writes MCPZ_DIGEST_BYTES. */
void mcpz_digest_end(struct mcpz_digest_state *state, uint8_t *digest);

/** All at once. */
void mcpz_digest(const char *use, struct mcpz_bytes bytes, uint8_t *digest);

#endif
