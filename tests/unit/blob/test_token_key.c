#include "blob/token_key.h"
#include "blob/token_module.h"
#include "crypto/identity.h"
#include "soft_token.h"

static struct scratch scratch;
static struct mcpz_token_config config;
static struct mcpz_token_trouble trouble;
static struct mcpz_token_file file;
static struct mcpz_node_key *secret;

static int set_up(void **state)
{
    (void)state;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    scratch_make(&scratch);
    config = soft_token_begin(&scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_node_key_destroy(secret);
    secret = NULL;
    scratch_remove(&scratch);
    return 0;
}

static mcpz_error wrap(bool fresh)
{
    mcpz_node_key_destroy(secret);
    return mcpz_token_key_wrap(&config, fresh, &file, &secret, &trouble);
}

/* Have `from` unwrapped: is it the secret? */
static mcpz_error unwrap(const struct mcpz_token_file *from)
{
    uint8_t was[MCPZ_NODE_KEY_BYTES];
    uint8_t is[MCPZ_NODE_KEY_BYTES];
    struct mcpz_node_key *again = NULL;

    mcpz_error error = mcpz_token_key_unwrap(&config, from, &again, &trouble);
    if (error == MCPZ_OK) {
        mcpz_node_key_show(secret, was);
        mcpz_node_key_show(again, is);
        CHECK(memcmp(was, is, sizeof(was)) == 0);
        mcpz_node_key_destroy(again);
    } else {
        CHECK(again == NULL);
    }
    return error;
}

static bool says(const char *words)
{
    return strstr(trouble.text, words) != NULL;
}

TEST(a_key_is_made_and_unwraps_what_it_wrapped)
{
    CHECK_UINT(wrap(false), MCPZ_OK);
    CHECK_UINT(file.scheme, MCPZ_TOKEN_AES_GCM);
    CHECK_TEXT(file.key.token, "attic");
    CHECK_TEXT(file.key.object, "mcpz");
    CHECK_UINT(file.key.id_length, 16);
    CHECK_UINT(unwrap(&file), MCPZ_OK);

    /* The second time it is there; the secret is another. */
    const struct mcpz_token_file first = file;
    CHECK_UINT(wrap(false), MCPZ_OK);
    CHECK(memcmp(first.key.id, file.key.id, sizeof(first.key.id)) == 0);
    CHECK(memcmp(first.wrapped, file.wrapped, file.wrapped_length) != 0);
}

TEST(an_rsa_key_that_is_there_is_used)
{
    soft_token_make_rsa("piv");
    config.object = "piv";
    CHECK_UINT(wrap(false), MCPZ_OK);
    CHECK(file.scheme == MCPZ_TOKEN_RSA_OAEP_SHA256 || file.scheme == MCPZ_TOKEN_RSA_OAEP_SHA1);
    CHECK_UINT(file.wrapped_length, 256);
    CHECK_UINT(unwrap(&file), MCPZ_OK);
    file.wrapped[100] ^= 1;
    CHECK_UINT(unwrap(&file), MCPZ_EAUTH);
}

TEST(a_key_that_cannot_do_gcm_does_cbc)
{
    soft_token_make_cbc("plain");
    config.object = "plain";
    CHECK_UINT(wrap(false), MCPZ_OK);
    CHECK_UINT(file.scheme, MCPZ_TOKEN_AES_CBC);
    CHECK_UINT(file.wrapped_length, 16 + 32);
    CHECK_UINT(file.key.id_length, 0);
    CHECK_UINT(unwrap(&file), MCPZ_OK);
}

TEST(what_was_wrapped_cannot_be_changed)
{
    CHECK_UINT(wrap(false), MCPZ_OK);
    file.scheme = MCPZ_TOKEN_AES_CBC; /* the same bytes are others there */
    CHECK_UINT(unwrap(&file), MCPZ_EAUTH);
    CHECK(says("not the one"));
    file.scheme = MCPZ_TOKEN_AES_GCM;
    file.wrapped[20] ^= 1;
    CHECK_UINT(unwrap(&file), MCPZ_EAUTH);
    file.wrapped_length = 11;
    CHECK_UINT(unwrap(&file), MCPZ_EAUTH);
    file.wrapped_length = 0;
    CHECK_UINT(unwrap(&file), MCPZ_EAUTH);
}

TEST(a_wrong_pin_is_tried_once)
{
    CHECK_UINT(wrap(false), MCPZ_OK);
    CHECK(setenv("TEST_PIN", "000000", 1) == 0);
    CHECK_UINT(unwrap(&file), MCPZ_EAUTH);
    CHECK(says("the PIN is wrong") && !says("000000"));
    CHECK(unsetenv("TEST_PIN") == 0);
    CHECK_UINT(unwrap(&file), MCPZ_EAUTH);
    CHECK(says("TEST_PIN"));
    config.pin = NULL;
    CHECK_UINT(unwrap(&file), MCPZ_EAUTH);
    CHECK(says("keys.pin"));
    config.pin = "271828";
    CHECK_UINT(unwrap(&file), MCPZ_ECONFIG);
    CHECK(!says("271828"));
}

TEST(a_token_that_is_near_its_end_is_given_no_pin)
{
    CHECK(mcpz_token_pin_fault(CKF_LOGIN_REQUIRED) == NULL);
    CHECK(mcpz_token_pin_fault(CKF_USER_PIN_COUNT_LOW) == NULL);
    CHECK(strstr(mcpz_token_pin_fault(CKF_USER_PIN_FINAL_TRY), "one try left") != NULL);
    CHECK(strstr(mcpz_token_pin_fault(CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY),
                 "is locked") != NULL);
}

TEST(a_pin_is_read_from_a_file)
{
    char path[SCRATCH_FILE_PATH_BYTES];
    char reference[SCRATCH_FILE_PATH_BYTES + 8];
    struct mcpz_pkcs11_uri found;

    snprintf(reference, sizeof(reference), "file:%s", scratch_path(&scratch, "pin", path));
    config.pin = reference;
    CHECK_UINT(wrap(false), MCPZ_EAUTH);
    CHECK_UINT(mcpz_token_key_look(&config, &found, &trouble), MCPZ_EAUTH);
    CHECK(says("No such file"));
    scratch_write(&scratch, "pin", SOFT_PIN "\n", sizeof(SOFT_PIN), 0600);
    CHECK_UINT(wrap(false), MCPZ_OK);
    CHECK_UINT(mcpz_token_key_look(&config, &found, &trouble), MCPZ_OK);
    CHECK_TEXT(found.token, "attic");
    CHECK_TEXT(found.model, "SoftHSM v2");
}

TEST(what_is_not_there_is_named)
{
    CHECK_UINT(wrap(false), MCPZ_OK);
    config.token = "cellar";
    CHECK_UINT(unwrap(&file), MCPZ_ENOTFOUND);
    CHECK(says("\"cellar\"") && says("sees \"attic\""));
    config.token = "pkcs11:token=attic;model=other";
    CHECK_UINT(unwrap(&file), MCPZ_ENOTFOUND);
    config.token = "attic";
    file.key.id[0] ^= 1;
    CHECK_UINT(unwrap(&file), MCPZ_ENOTFOUND);
    CHECK(says("has no key \"mcpz\""));
    config.module = "/nowhere/module.so";
    CHECK_UINT(unwrap(&file), MCPZ_ECONFIG);
    CHECK(says("/nowhere/module.so"));
    config.module = NULL;
    CHECK_UINT(unwrap(&file), MCPZ_ECONFIG);
    CHECK(says("keys.module"));
}

TEST(a_library_that_is_no_module_is_refused)
{
    config.module = "libc.so.6";
    CHECK_UINT(wrap(false), MCPZ_ECONFIG);
    CHECK(says("is no PKCS#11 module"));
}

TEST(two_of_one_name_are_told_apart)
{
    char uri[128];
    struct mcpz_pkcs11_uri found;

    CHECK_UINT(mcpz_token_key_look(&config, &found, &trouble), MCPZ_OK);
    soft_token_make("attic");
    CHECK_UINT(wrap(false), MCPZ_ECONFLICT);
    CHECK(says("2 tokens") && says("pkcs11:serial="));
    snprintf(uri, sizeof(uri), "pkcs11:token=attic;serial=%s", found.serial);
    config.token = uri;
    CHECK_UINT(wrap(false), MCPZ_OK);
    CHECK_TEXT(file.key.serial, found.serial);

    /* And keys: a fresh one has the name of the one before. */
    const struct mcpz_token_file first = file;
    CHECK_UINT(wrap(true), MCPZ_OK);
    CHECK_UINT(unwrap(&file), MCPZ_OK);
    const struct mcpz_token_file second = file;
    CHECK_UINT(wrap(false), MCPZ_ECONFLICT);
    CHECK(says("several keys"));
    CHECK_UINT(mcpz_token_key_remove(&config, &first, &trouble), MCPZ_OK);
    CHECK_UINT(mcpz_token_key_remove(&config, &first, &trouble), MCPZ_ENOTFOUND);
    CHECK_UINT(wrap(false), MCPZ_OK);
    CHECK(memcmp(second.key.id, file.key.id, sizeof(file.key.id)) == 0);
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(a_key_is_made_and_unwraps_what_it_wrapped),
        RUN_IN(an_rsa_key_that_is_there_is_used),
        RUN_IN(a_key_that_cannot_do_gcm_does_cbc),
        RUN_IN(what_was_wrapped_cannot_be_changed),
        RUN_IN(a_wrong_pin_is_tried_once),
        RUN(a_token_that_is_near_its_end_is_given_no_pin),
        RUN_IN(a_pin_is_read_from_a_file),
        RUN_IN(what_is_not_there_is_named),
        RUN_IN(a_library_that_is_no_module_is_refused),
        RUN_IN(two_of_one_name_are_told_apart),
    };

    return soft_token_is_there() ? cmocka_run_group_tests(tests, NULL, NULL) : SOFT_SKIPPED;
}
