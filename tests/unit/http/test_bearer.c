#include "base/base64.h"
#include "crypto/hmac.h"
#include "crypto/identity.h"
#include "http/bearer.h"
#include "test.h"

#define NOW_MS UINT64_C(1300819000000)
#define SECRET "thirty-two bytes of secret, or so"
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define EDDSA "{\"alg\":\"EdDSA\"}"
#define LATER "\"exp\":1300819380"

static struct mcpz_bearer bearer;
static struct mcpz_bearer_who who;

static void set_secret(const char *secret)
{
    bearer.secret_length = strlen(secret);
    memcpy(bearer.secret, secret, bearer.secret_length);
}

static void set_up(void)
{
    bearer = (struct mcpz_bearer){0};
    who = (struct mcpz_bearer_who){0};
    set_secret(SECRET);
}

static enum mcpz_bearer_flaw check(const char *token)
{
    return mcpz_bearer_check(&bearer, mcpz_text(token), NOW_MS, &who);
}

/* Base64url without padding, behind what is there. */
static void append(char *token, struct mcpz_bytes bytes)
{
    char *text = token + strlen(token);

    mcpz_base64_encode(bytes, text);
    for (; *text != '\0' && *text != '='; text++) {
        *text = *text == '+' ? '-' : *text == '/' ? '_' : *text;
    }
    *text = '\0';
}

static const char *begin_token(const char *header, const char *claims)
{
    static char token[2 * MCPZ_BEARER_TOKEN_BYTES_MAX];

    token[0] = '\0';
    append(token, mcpz_text(header));
    strcat(token, ".");
    append(token, mcpz_text(claims));
    return token;
}

static const char *make(const char *header, const char *claims)
{
    char *token = (char *)(uintptr_t)begin_token(header, claims);
    uint8_t mac[MCPZ_HMAC_BYTES];

    mcpz_hmac_sha256(mcpz_text(SECRET), mcpz_text(token), mac);
    strcat(token, ".");
    append(token, mcpz_bytes(mac, sizeof(mac)));
    return token;
}

static enum mcpz_bearer_flaw check_claims(const char *claims)
{
    return check(make(HS256, claims));
}

/* ---- Keys --------------------------------------------------------------------------------- */

TEST(a_key_is_known_by_its_digest)
{
    set_up();
    CHECK_UINT(mcpz_bearer_add_key(&bearer, mcpz_text("first-key"), mcpz_text("")), MCPZ_OK);
    CHECK_UINT(mcpz_bearer_add_key(&bearer, mcpz_text("second"), mcpz_text("")), MCPZ_OK);
    CHECK_UINT(check("second"), MCPZ_BEARER_FINE);
    CHECK_UINT(strlen(who.subject), strlen("key-00000000"));
    CHECK_TEXT(who.tenant, "");
    CHECK_UINT(check("secon"), MCPZ_BEARER_UNKNOWN);
    CHECK_UINT(check("second "), MCPZ_BEARER_UNKNOWN);
    CHECK_UINT(check(""), MCPZ_BEARER_UNKNOWN);
    CHECK(memmem(&bearer, sizeof(bearer), "second", 6) == NULL);
}

TEST(a_key_may_be_a_tenants)
{
    char name[MCPZ_TENANT_BYTES_MAX + 2];

    set_up();
    CHECK_UINT(mcpz_bearer_add_key(&bearer, mcpz_text("a"), mcpz_text("acme")), MCPZ_OK);
    CHECK_UINT(mcpz_bearer_add_key(&bearer, mcpz_text("b"), mcpz_text("")), MCPZ_OK);
    CHECK_UINT(check("b"), MCPZ_BEARER_FINE);
    CHECK_TEXT(who.tenant, "");
    CHECK_UINT(check("a"), MCPZ_BEARER_FINE);
    CHECK_TEXT(who.tenant, "acme");
    CHECK_UINT(mcpz_bearer_add_key(&bearer, mcpz_text("c"), mcpz_text("two\nlines")), MCPZ_EPROTO);
    memset(name, 'n', sizeof(name));
    CHECK_UINT(
        mcpz_bearer_add_key(&bearer, mcpz_text("c"), mcpz_bytes(name, MCPZ_TENANT_BYTES_MAX + 1)),
        MCPZ_EPROTO);
    CHECK_UINT(check("c"), MCPZ_BEARER_UNKNOWN);
    CHECK_UINT(
        mcpz_bearer_add_key(&bearer, mcpz_text("c"), mcpz_bytes(name, MCPZ_TENANT_BYTES_MAX)),
        MCPZ_OK);
    CHECK_UINT(check("c"), MCPZ_BEARER_FINE);
    CHECK_UINT(strlen(who.tenant), MCPZ_TENANT_BYTES_MAX);
}

/* Nobody becomes "nobody in particular" by claiming what cannot be. */
TEST(a_tenant_that_cannot_be_is_no_tenant)
{
    char claims[256];
    char name[MCPZ_TENANT_BYTES_MAX + 2] = "";

    set_up();
    CHECK_UINT(check_claims("{" LATER ",\"tenant\":\"acme\"}"), MCPZ_BEARER_FINE);
    CHECK_TEXT(who.tenant, "acme");
    CHECK_UINT(check_claims("{" LATER ",\"tenant\":\"\"}"), MCPZ_BEARER_MALFORMED);
    CHECK_UINT(check_claims("{" LATER ",\"tenant\":null}"), MCPZ_BEARER_MALFORMED);
    CHECK_UINT(check_claims("{" LATER ",\"tenant\":5}"), MCPZ_BEARER_MALFORMED);
    CHECK_UINT(check_claims("{" LATER ",\"tenant\":\"a\\u0000b\"}"), MCPZ_BEARER_MALFORMED);
    memset(name, 'n', MCPZ_TENANT_BYTES_MAX + 1);
    (void)snprintf(claims, sizeof(claims), "{" LATER ",\"tenant\":\"%s\"}", name);
    CHECK_UINT(check_claims(claims), MCPZ_BEARER_MALFORMED);
    (void)snprintf(claims, sizeof(claims), "{" LATER ",\"tenant\":\"%s\"}", name + 1);
    CHECK_UINT(check_claims(claims), MCPZ_BEARER_FINE);
}

TEST(there_is_room_for_so_many_keys)
{
    set_up();
    for (size_t i = 0; i < MCPZ_BEARER_KEYS_MAX; i++) {
        CHECK_UINT(mcpz_bearer_add_key(&bearer, mcpz_bytes(&i, sizeof(i)), mcpz_text("")),
                   MCPZ_OK);
    }
    CHECK_UINT(mcpz_bearer_add_key(&bearer, mcpz_text("more"), mcpz_text("")), MCPZ_EFULL);
}

TEST(nobody_is_let_in_where_nothing_is_configured)
{
    set_up();
    const char *token = make(HS256, "{" LATER "}");
    bearer = (struct mcpz_bearer){0};
    CHECK_UINT(check(token), MCPZ_BEARER_UNKNOWN);
    CHECK_UINT(check("x"), MCPZ_BEARER_UNKNOWN);
}

/* ---- Tokens ------------------------------------------------------------------------------- */

/* RFC 7515, appendix A.1. */
TEST(the_example_of_the_rfc_is_read)
{
    const char *token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
                        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
                        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
                        ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const char *secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hc"
                         "gUuTwjAzZr1Z9CAow";

    set_up();
    CHECK_UINT(mcpz_base64url_decode(mcpz_text(secret), bearer.secret, sizeof(bearer.secret),
                                     &bearer.secret_length),
               MCPZ_OK);
    CHECK_UINT(bearer.secret_length, 64);
    CHECK_UINT(check(token), MCPZ_BEARER_FINE);
    strcpy(bearer.issuer, "joe");
    CHECK_UINT(check(token), MCPZ_BEARER_FINE);
    strcpy(bearer.issuer, "jim");
    CHECK_UINT(check(token), MCPZ_BEARER_ISSUER);
    bearer.secret[0] ^= 1;
    CHECK_UINT(check(token), MCPZ_BEARER_SIGNATURE);
}

TEST(a_signed_token_is_of_who_has_the_key)
{
    struct mcpz_identity *identity;
    uint8_t seed[MCPZ_SEED_BYTES] = {1};
    uint8_t signature[MCPZ_SIGNATURE_BYTES];
    char token[MCPZ_BEARER_TOKEN_BYTES_MAX];

    set_up();
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    CHECK_UINT(mcpz_identity_create(seed, &identity), MCPZ_OK);
    strcpy(token, begin_token(EDDSA, "{" LATER ",\"sub\":\"ann\",\"tenant\":\"l\\u00e4b\"}"));
    mcpz_identity_sign(identity, mcpz_text(token), signature);
    strcat(token, ".");
    append(token, mcpz_bytes(signature, sizeof(signature)));

    CHECK_UINT(check(token), MCPZ_BEARER_ALGORITHM); /* none is configured */
    bearer.signer_count = 2;
    bearer.signers[1] = *mcpz_identity_id(identity);
    CHECK_UINT(check(token), MCPZ_BEARER_FINE);
    CHECK_TEXT(who.subject, "ann");
    CHECK_TEXT(who.tenant, "l\xc3\xa4"
                           "b");
    bearer.signer_count = 1;
    CHECK_UINT(check(token), MCPZ_BEARER_SIGNATURE);
    mcpz_identity_destroy(identity);
}

/* RFC 8725, 3.1: a public key must not serve as a secret, nor "none" as a signature. */
TEST(the_token_does_not_choose_how_it_is_checked)
{
    struct mcpz_identity *identity;
    uint8_t seed[MCPZ_SEED_BYTES] = {1};
    char token[MCPZ_BEARER_TOKEN_BYTES_MAX];
    uint8_t mac[MCPZ_HMAC_BYTES];

    set_up();
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    CHECK_UINT(mcpz_identity_create(seed, &identity), MCPZ_OK);
    bearer = (struct mcpz_bearer){.signer_count = 1, .signers = {*mcpz_identity_id(identity)}};
    strcpy(token, begin_token(HS256, "{" LATER "}"));
    mcpz_hmac_sha256(mcpz_bytes(mcpz_identity_id(identity)->bytes, MCPZ_ID_BYTES),
                     mcpz_text(token), mac);
    strcat(token, ".");
    append(token, mcpz_bytes(mac, sizeof(mac)));
    CHECK_UINT(check(token), MCPZ_BEARER_ALGORITHM);
    mcpz_identity_destroy(identity);

    set_up();
    strcpy(token, begin_token("{\"alg\":\"none\"}", "{" LATER "}"));
    strcat(token, ".");
    CHECK_UINT(check(token), MCPZ_BEARER_ALGORITHM);
    CHECK_UINT(check(make("{\"typ\":\"JWT\"}", "{" LATER "}")), MCPZ_BEARER_ALGORITHM);
    CHECK_UINT(check(make("{\"alg\":\"HS256\",\"crit\":[\"b64\"]}", "{" LATER "}")),
               MCPZ_BEARER_ALGORITHM);
}

TEST(what_is_nearly_a_token_is_none)
{
    static const char *const headers[] = {"", "[]", "null", "{",
                                          "{\"alg\":\"HS256\",\"alg\":\"x\"}"};
    char token[MCPZ_BEARER_TOKEN_BYTES_MAX];

    set_up();
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        CHECK_UINT(check(make(headers[i], "{" LATER "}")), MCPZ_BEARER_MALFORMED);
    }
    CHECK_UINT(check_claims("[" LATER "]"), MCPZ_BEARER_MALFORMED);
    CHECK_UINT(check_claims("{" LATER ",\"sub\":3}"), MCPZ_BEARER_MALFORMED);
    CHECK_UINT(check_claims("{" LATER "," LATER "}"), MCPZ_BEARER_MALFORMED);
    CHECK_UINT(check("a.b"), MCPZ_BEARER_MALFORMED);
    CHECK_UINT(check("..."), MCPZ_BEARER_MALFORMED);

    strcpy(token, make(HS256, "{" LATER "}"));
    token[strlen(token) - 1] = '=';
    CHECK_UINT(check(token), MCPZ_BEARER_MALFORMED);
    strcpy(token, make(HS256, "{" LATER "}"));
    strcat(token, "AA");
    CHECK(check(token) != MCPZ_BEARER_FINE);
}

/* Whatever bit of it is changed. */
TEST(a_changed_token_is_refused)
{
    char token[MCPZ_BEARER_TOKEN_BYTES_MAX];

    set_up();
    strcpy(token, make(HS256, "{" LATER "}"));
    for (size_t i = 0; token[i] != '\0'; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            token[i] = (char)(token[i] ^ (1 << bit));
            CHECK(mcpz_bearer_check(&bearer, mcpz_bytes(token, strlen(make(HS256, "{" LATER "}"))),
                                    NOW_MS, &who) != MCPZ_BEARER_FINE);
            token[i] = (char)(token[i] ^ (1 << bit));
        }
    }
    CHECK_UINT(check(token), MCPZ_BEARER_FINE);
}

TEST(a_token_holds_for_its_time)
{
    set_up();
    CHECK_UINT(check_claims("{\"sub\":\"a\"}"), MCPZ_BEARER_ENDLESS);
    CHECK_UINT(check_claims("{\"exp\":1300818970}"), MCPZ_BEARER_EXPIRED);
    CHECK_UINT(check_claims("{\"exp\":1300818971}"), MCPZ_BEARER_FINE); /* clocks differ */
    CHECK_UINT(check_claims("{\"exp\":1300819380.5}"), MCPZ_BEARER_FINE);
    CHECK_UINT(check_claims("{\"exp\":1.3e9}"), MCPZ_BEARER_MALFORMED);
    CHECK_UINT(check_claims("{\"exp\":-1}"), MCPZ_BEARER_MALFORMED);
    CHECK_UINT(check_claims("{\"exp\":1000000000000000}"), MCPZ_BEARER_MALFORMED);
    CHECK_UINT(check_claims("{\"exp\":\"1300819380\"}"), MCPZ_BEARER_MALFORMED);
    CHECK_UINT(check_claims("{" LATER ",\"nbf\":1300819030}"), MCPZ_BEARER_FINE);
    CHECK_UINT(check_claims("{" LATER ",\"nbf\":1300819031}"), MCPZ_BEARER_EARLY);
}

TEST(a_token_for_others_is_refused)
{
    set_up();
    strcpy(bearer.audience, "mesh");
    CHECK_UINT(check_claims("{" LATER "}"), MCPZ_BEARER_AUDIENCE);
    CHECK_UINT(check_claims("{" LATER ",\"aud\":\"mes\"}"), MCPZ_BEARER_AUDIENCE);
    CHECK_UINT(check_claims("{" LATER ",\"aud\":[\"a\",[\"mesh\"],7]}"), MCPZ_BEARER_AUDIENCE);
    CHECK_UINT(check_claims("{" LATER ",\"aud\":{\"mesh\":1}}"), MCPZ_BEARER_AUDIENCE);
    CHECK_UINT(check_claims("{" LATER ",\"aud\":\"mesh\"}"), MCPZ_BEARER_FINE);
    CHECK_UINT(check_claims("{" LATER ",\"aud\":[\"a\", \"m\\u0065sh\"]}"), MCPZ_BEARER_FINE);
}

TEST(every_flaw_has_words)
{
    for (unsigned i = 0; i < MCPZ_BEARER_FLAW_END; i++) {
        CHECK(strlen(mcpz_bearer_say((enum mcpz_bearer_flaw)i)) > 0);
    }
}

TEST(wiping_leaves_nothing)
{
    static const struct mcpz_bearer nothing;

    set_up();
    mcpz_bearer_wipe(&bearer);
    CHECK(memcmp(&bearer, &nothing, sizeof(bearer)) == 0);
}

TEST_MAIN(RUN(a_key_is_known_by_its_digest), RUN(a_key_may_be_a_tenants),
          RUN(a_tenant_that_cannot_be_is_no_tenant), RUN(there_is_room_for_so_many_keys),
          RUN(nobody_is_let_in_where_nothing_is_configured), RUN(the_example_of_the_rfc_is_read),
          RUN(a_signed_token_is_of_who_has_the_key),
          RUN(the_token_does_not_choose_how_it_is_checked), RUN(what_is_nearly_a_token_is_none),
          RUN(a_changed_token_is_refused), RUN(a_token_holds_for_its_time),
          RUN(a_token_for_others_is_refused), RUN(every_flaw_has_words),
          RUN(wiping_leaves_nothing))
