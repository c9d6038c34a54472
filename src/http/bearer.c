#include "http/bearer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "crypto/identity.h"
#include "wire/json.h"

#define DATE_DIGITS_MAX 12 /* of seconds: thirty thousand years */

enum algorithm { ALGORITHM_OTHER, ALGORITHM_EDDSA, ALGORITHM_HS256 };

/* A token, taken apart. */
struct jwt {
    struct mcpz_bytes signed_part; /* header "." payload, as they came */
    uint8_t header_room[MCPZ_BEARER_TOKEN_BYTES_MAX];
    uint8_t payload_room[MCPZ_BEARER_TOKEN_BYTES_MAX];
    struct mcpz_json header;
    struct mcpz_json claims;
    uint8_t signature[MCPZ_SIGNATURE_BYTES];
    size_t signature_length;
};

/* ---- API keys ----------------------------------------------------------------------------- */

bool mcpz_bearer_is_tenant(struct mcpz_bytes name)
{
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] < ' ' || name.data[i] == 0x7f) {
            return false;
        }
    }
    return name.length > 0 && name.length <= MCPZ_TENANT_BYTES_MAX && mcpz_bytes_is_utf8(name);
}

mcpz_error mcpz_bearer_add_key(struct mcpz_bearer *bearer, struct mcpz_bytes key,
                               struct mcpz_bytes tenant)
{
    if (bearer->key_count == MCPZ_BEARER_KEYS_MAX) {
        return MCPZ_EFULL;
    }
    if (tenant.length > 0 && !mcpz_bearer_is_tenant(tenant)) {
        return MCPZ_EPROTO;
    }
    mcpz_bytes_to_text(tenant, bearer->tenants[bearer->key_count], sizeof(bearer->tenants[0]));
    mcpz_digest(MCPZ_DIGEST_API_KEY, key, bearer->keys[bearer->key_count++]);
    return MCPZ_OK;
}

static bool is_key(const struct mcpz_bearer *bearer, struct mcpz_bytes token,
                   struct mcpz_bearer_who *who)
{
    uint8_t digest[MCPZ_DIGEST_BYTES];
    bool found = false;
    size_t row = 0;

    mcpz_digest(MCPZ_DIGEST_API_KEY, token, digest);
    for (size_t i = 0; i < bearer->key_count; i++) { /* all of them, whichever it is */
        bool equal = mcpz_secret_equal(digest, bearer->keys[i], sizeof(digest));
        row = equal && !found ? i : row;
        found |= equal;
    }
    if (found) {
        *who = (struct mcpz_bearer_who){0};
        memcpy(who->tenant, bearer->tenants[row], sizeof(who->tenant));
        (void)snprintf(who->subject, sizeof(who->subject), "key-%02x%02x%02x%02x", digest[0],
                       digest[1], digest[2], digest[3]);
    }
    return found;
}

/* ---- Tokens: how they are written --------------------------------------------------------- */

/* Cut off what is before the next dot. False: there is none. */
static bool cut(struct mcpz_bytes *rest, struct mcpz_bytes *part)
{
    const uint8_t *dot =
        rest->length > 0 ? (const uint8_t *)memchr(rest->data, '.', rest->length) : NULL;

    if (dot == NULL) {
        return false;
    }
    const size_t length = (size_t)(dot - rest->data);
    *part = mcpz_bytes(rest->data, length);
    *rest = mcpz_bytes(dot + 1, rest->length - length - 1);
    return true;
}

/* An object in base64url. */
static bool read_object(struct mcpz_bytes text, uint8_t *room, struct mcpz_json *object)
{
    size_t length;

    if (mcpz_base64url_decode(text, room, MCPZ_BEARER_TOKEN_BYTES_MAX, &length) != MCPZ_OK ||
        mcpz_json_check(mcpz_bytes(room, length), MCPZ_JSON_INTEROPERABLE) != MCPZ_OK) {
        return false;
    }
    *object = mcpz_json_value(mcpz_bytes(room, length));
    return object->type == MCPZ_JSON_OBJECT;
}

static bool take_apart(struct mcpz_bytes token, struct jwt *jwt)
{
    struct mcpz_bytes rest = token;
    struct mcpz_bytes header;
    struct mcpz_bytes payload;

    if (!cut(&rest, &header) || !cut(&rest, &payload)) {
        return false;
    }
    jwt->signed_part = mcpz_bytes(token.data, header.length + 1 + payload.length);
    return read_object(header, jwt->header_room, &jwt->header) &&
           read_object(payload, jwt->payload_room, &jwt->claims) &&
           mcpz_base64url_decode(rest, jwt->signature, sizeof(jwt->signature),
                                 &jwt->signature_length) == MCPZ_OK;
}

/* Copy what a string says into `text`, with room for `bytes_max` and a NUL. An absent one is "".
 * False: it is none, or too long. */
static bool read_text(struct mcpz_json string, size_t bytes_max, char *text)
{
    size_t length = 0;

    if (string.type != MCPZ_JSON_NONE &&
        (string.type != MCPZ_JSON_STRING ||
         mcpz_json_unescape(string, (uint8_t *)text, bytes_max, &length) != MCPZ_OK)) {
        return false;
    }
    text[length] = '\0';
    return true;
}

/* Whoever claims to be a tenant's must say one: never everybody's instead. */
static bool read_tenant(struct mcpz_json claim, char tenant[MCPZ_TENANT_BYTES_MAX + 1])
{
    return read_text(claim, MCPZ_TENANT_BYTES_MAX, tenant) &&
           (claim.type == MCPZ_JSON_NONE || mcpz_bearer_is_tenant(mcpz_text(tenant)));
}

/* A NumericDate: seconds, of which a fraction is dropped. False: it is none, or beyond reason. */
static bool read_date(struct mcpz_json number, uint64_t *wall_ms)
{
    const struct mcpz_bytes text = number.text;
    uint64_t seconds = 0;
    size_t i = 0;

    if (number.type != MCPZ_JSON_NUMBER) {
        return false;
    }
    for (; i < text.length && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        if (i == DATE_DIGITS_MAX) {
            return false;
        }
        seconds = seconds * 10 + (uint64_t)(text.data[i] - '0');
    }
    *wall_ms = seconds * 1000;
    return i > 0 && (i == text.length || text.data[i] == '.') &&
           memchr(text.data, 'e', text.length) == NULL &&
           memchr(text.data, 'E', text.length) == NULL;
}

/* ---- Tokens: who made them ---------------------------------------------------------------- */

/* "crit" names what a reader must understand: we understand none of it (RFC 7515, 4.1.11). */
static bool read_header(struct mcpz_json header, enum algorithm *algorithm)
{
    enum { ALG, CRIT, NAMES };
    static const char *const names[NAMES] = {"alg", "crit"};
    struct mcpz_json found[NAMES];

    if (mcpz_json_pick(header, names, NAMES, found) != MCPZ_OK) {
        return false;
    }
    *algorithm = ALGORITHM_OTHER;
    if (found[CRIT].type == MCPZ_JSON_NONE) {
        *algorithm = mcpz_json_says(found[ALG], mcpz_text("EdDSA"))   ? ALGORITHM_EDDSA
                     : mcpz_json_says(found[ALG], mcpz_text("HS256")) ? ALGORITHM_HS256
                                                                      : ALGORITHM_OTHER;
    }
    return true;
}

static bool is_signed(const struct mcpz_bearer *bearer, const struct jwt *jwt)
{
    const struct mcpz_bytes signature = mcpz_bytes(jwt->signature, jwt->signature_length);

    for (size_t i = 0; i < bearer->signer_count; i++) {
        if (mcpz_signature_verify(&bearer->signers[i], jwt->signed_part, signature) == MCPZ_OK) {
            return true;
        }
    }
    return false;
}

static bool is_authentic(const struct mcpz_bearer *bearer, const struct jwt *jwt)
{
    uint8_t mac[MCPZ_HMAC_BYTES];

    mcpz_hmac_sha256(mcpz_bytes(bearer->secret, bearer->secret_length), jwt->signed_part, mac);
    return jwt->signature_length == sizeof(mac) &&
           mcpz_secret_equal(mac, jwt->signature, sizeof(mac));
}

static enum mcpz_bearer_flaw check_maker(const struct mcpz_bearer *bearer, const struct jwt *jwt)
{
    enum algorithm algorithm;

    if (!read_header(jwt->header, &algorithm)) {
        return MCPZ_BEARER_MALFORMED;
    }
    if (algorithm == ALGORITHM_EDDSA && bearer->signer_count > 0) {
        return is_signed(bearer, jwt) ? MCPZ_BEARER_FINE : MCPZ_BEARER_SIGNATURE;
    }
    if (algorithm == ALGORITHM_HS256 && bearer->secret_length > 0) {
        return is_authentic(bearer, jwt) ? MCPZ_BEARER_FINE : MCPZ_BEARER_SIGNATURE;
    }
    return MCPZ_BEARER_ALGORITHM;
}

/* ---- Tokens: what they claim -------------------------------------------------------------- */

enum claim { CLAIM_EXP, CLAIM_NBF, CLAIM_ISS, CLAIM_AUD, CLAIM_SUB, CLAIM_TENANT, CLAIMS };

static enum mcpz_bearer_flaw check_times(const struct mcpz_json *claims, uint64_t wall_ms)
{
    uint64_t end_ms;
    uint64_t start_ms = 0;

    if (claims[CLAIM_EXP].type == MCPZ_JSON_NONE) {
        return MCPZ_BEARER_ENDLESS;
    }
    if (!read_date(claims[CLAIM_EXP], &end_ms) ||
        (claims[CLAIM_NBF].type != MCPZ_JSON_NONE && !read_date(claims[CLAIM_NBF], &start_ms))) {
        return MCPZ_BEARER_MALFORMED;
    }
    if (wall_ms >= end_ms + MCPZ_BEARER_LEEWAY_MS) {
        return MCPZ_BEARER_EXPIRED;
    }
    return wall_ms + MCPZ_BEARER_LEEWAY_MS < start_ms ? MCPZ_BEARER_EARLY : MCPZ_BEARER_FINE;
}

/* "aud" is a text, or a list of texts of which one must be it (RFC 7519, 4.1.3). */
static bool is_for(struct mcpz_json aud, struct mcpz_bytes audience)
{
    struct mcpz_json_walk walk = mcpz_json_walk(aud);
    struct mcpz_json one;
    bool found = mcpz_json_says(aud, audience);

    while (aud.type == MCPZ_JSON_ARRAY && !found && mcpz_json_next_element(&walk, &one)) {
        found = mcpz_json_says(one, audience);
    }
    return found;
}

static enum mcpz_bearer_flaw check_claims(const struct mcpz_bearer *bearer,
                                          struct mcpz_json object, uint64_t wall_ms,
                                          struct mcpz_bearer_who *who)
{
    static const char *const names[CLAIMS] = {"exp", "nbf", "iss", "aud", "sub", "tenant"};
    struct mcpz_json claims[CLAIMS];

    if (mcpz_json_pick(object, names, CLAIMS, claims) != MCPZ_OK) {
        return MCPZ_BEARER_MALFORMED;
    }
    enum mcpz_bearer_flaw flaw = check_times(claims, wall_ms);
    if (flaw != MCPZ_BEARER_FINE) {
        return flaw;
    }
    if (bearer->issuer[0] != '\0' &&
        !mcpz_json_says(claims[CLAIM_ISS], mcpz_text(bearer->issuer))) {
        return MCPZ_BEARER_ISSUER;
    }
    if (bearer->audience[0] != '\0' && !is_for(claims[CLAIM_AUD], mcpz_text(bearer->audience))) {
        return MCPZ_BEARER_AUDIENCE;
    }
    return read_text(claims[CLAIM_SUB], MCPZ_BEARER_TEXT_BYTES_MAX, who->subject) &&
                   read_tenant(claims[CLAIM_TENANT], who->tenant)
               ? MCPZ_BEARER_FINE
               : MCPZ_BEARER_MALFORMED;
}

enum mcpz_bearer_flaw mcpz_bearer_check(const struct mcpz_bearer *bearer, struct mcpz_bytes token,
                                        uint64_t wall_ms, struct mcpz_bearer_who *who)
{
    struct jwt jwt = {0};
    enum mcpz_bearer_flaw flaw;

    if (token.length == 0 || token.length > MCPZ_BEARER_TOKEN_BYTES_MAX) {
        return MCPZ_BEARER_UNKNOWN;
    }
    if (is_key(bearer, token, who)) {
        return MCPZ_BEARER_FINE;
    }
    if ((bearer->signer_count == 0 && bearer->secret_length == 0) ||
        memchr(token.data, '.', token.length) == NULL) {
        return MCPZ_BEARER_UNKNOWN;
    }
    if (!take_apart(token, &jwt)) {
        return MCPZ_BEARER_MALFORMED;
    }
    flaw = check_maker(bearer, &jwt);
    return flaw == MCPZ_BEARER_FINE ? check_claims(bearer, jwt.claims, wall_ms, who) : flaw;
}

const char *mcpz_bearer_say(enum mcpz_bearer_flaw flaw)
{
    static const char *const texts[MCPZ_BEARER_FLAW_END] = {
        [MCPZ_BEARER_FINE] = "it is valid",
        [MCPZ_BEARER_UNKNOWN] = "the API key is not known here",
        [MCPZ_BEARER_MALFORMED] = "the token is not a JSON Web Token that can be read",
        [MCPZ_BEARER_ALGORITHM] = "the token's algorithm is not taken here",
        [MCPZ_BEARER_SIGNATURE] = "the token's signature does not match",
        [MCPZ_BEARER_ENDLESS] = "the token has no expiry (claim exp)",
        [MCPZ_BEARER_EXPIRED] = "the token has expired",
        [MCPZ_BEARER_EARLY] = "the token is not valid yet",
        [MCPZ_BEARER_ISSUER] = "the token's issuer is another",
        [MCPZ_BEARER_AUDIENCE] = "the token is meant for others (claim aud)",
    };

    assert(flaw < MCPZ_BEARER_FLAW_END);
    return texts[flaw];
}

void mcpz_bearer_wipe(struct mcpz_bearer *bearer)
{
    mcpz_wipe(bearer, sizeof(*bearer));
}
