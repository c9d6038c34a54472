/* What is done with the node key while no node runs: mcpz key move and rewrap. */

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "blob/key_care.h"
#include "cli/ask.h"
#include "cli/key_settings.h"
#include "cli/show.h"
#include "cli/stores.h"
#include "cli/verb_tables.h"
#include "crypto/identity.h"
#include "store/directory.h"

#define DIRECTORY_BYTES 4096

/* The directory of keys, held so that no node starts on it meanwhile, and what says where keys
 * are. */
struct hold {
    struct mcpz_key_settings settings;
    char directory[DIRECTORY_BYTES];
    int lock;
};

static enum mcpz_exit take_hold(const struct mcpz_invocation *invocation, struct hold *hold)
{
    enum mcpz_exit status = mcpz_stores_hold(invocation, &hold->lock);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (hold->lock < 0) {
        return mcpz_fail(invocation, MCPZ_EXIT_CONFLICT, "conflict",
                         "a node runs on it: stop it first");
    }
    if (mcpz_crypto_init() != MCPZ_OK) {
        status = mcpz_fail(invocation, MCPZ_EXIT_FAILED, "internal", "no cryptography here");
    } else {
        status = mcpz_key_settings_read(invocation, &hold->settings);
    }
    if (status != MCPZ_EXIT_OK) {
        mcpz_directory_close(hold->lock);
    }
    (void)snprintf(hold->directory, sizeof(hold->directory), "%s/keys", invocation->data);
    return status;
}

static void let_go(struct hold *hold)
{
    mcpz_key_settings_finish(&hold->settings);
    mcpz_directory_close(hold->lock);
}

static enum mcpz_exit fail(const struct mcpz_invocation *invocation, mcpz_error error,
                           const char *text)
{
    static const struct {
        mcpz_error error;
        enum mcpz_exit status;
        const char *word;
    } known[] = {
        {MCPZ_ECONFIG, MCPZ_EXIT_CONFIG, "config"},
        {MCPZ_EAUTH, MCPZ_EXIT_DENIED, "denied"},
        {MCPZ_ENOTFOUND, MCPZ_EXIT_NOT_FOUND, "not_found"},
        {MCPZ_ECONFLICT, MCPZ_EXIT_CONFLICT, "conflict"},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(known); i++) {
        if (known[i].error == error) {
            return mcpz_fail(invocation, known[i].status, known[i].word, text);
        }
    }
    return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "keys", text);
}

static enum mcpz_exit fail_without_token(const struct mcpz_invocation *invocation)
{
    return mcpz_fail(
        invocation, MCPZ_EXIT_CONFIG, "config",
        "no token is named: say keys.module, keys.token and keys.pin in mcpz.yaml, or "
        "MCPZ_KEYS_MODULE, MCPZ_KEYS_TOKEN and MCPZ_KEYS_PIN");
}

/* `place` is a word of keys.source. */
static void show_done(const struct mcpz_invocation *invocation, const struct mcpz_key_care *care,
                      const char *place)
{
    char id[2 * MCPZ_NODE_KEY_ID_BYTES + 1] = "";

    mcpz_hex_put(mcpz_bytes(care->key_id, sizeof(care->key_id)), id);
    if (invocation->json) {
        json_t *json = json_pack("{s:s, s:s}", "node_key", id, "source", place);
        if (json != NULL) {
            mcpz_print_json(json);
            json_decref(json);
        }
        return;
    }
    mcpz_print_field("node_key", id);
    mcpz_print_field("source", place);
}

/* ---- move --------------------------------------------------------------------------------- */

static enum mcpz_exit move(const struct mcpz_invocation *invocation, const struct hold *hold,
                           const char *to)
{
    const bool to_token = strcmp(to, MCPZ_KEYS_PKCS11) == 0;
    const char *said = hold->settings.config.keys_source;
    struct mcpz_key_care care;

    if (to_token && hold->settings.any.token == NULL) {
        return fail_without_token(invocation);
    }
    mcpz_error error = mcpz_key_care_move(hold->directory, &hold->settings.any, to_token, &care);
    if (error != MCPZ_OK) {
        return fail(invocation, error, care.trouble.text);
    }
    show_done(invocation, &care, to);
    if (strcmp(said, to) != 0 && (to_token || strcmp(said, MCPZ_KEYS_AUTO) != 0)) {
        (void)fprintf(stderr, "mcpz: keys.source is %s: set it to %s before the node starts\n",
                      said, to);
    }
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_key_move(const struct mcpz_invocation *invocation)
{
    static struct hold hold; /* a configuration is large */
    const char *to = mcpz_option_value(invocation, "to");

    if (to == NULL || (strcmp(to, MCPZ_KEYS_PKCS11) != 0 && strcmp(to, MCPZ_KEYS_FILE) != 0)) {
        return mcpz_fail_usage(invocation, "where to? --to pkcs11, or --to file");
    }
    enum mcpz_exit status = take_hold(invocation, &hold);
    if (status == MCPZ_EXIT_OK) {
        status = move(invocation, &hold, to);
        let_go(&hold);
    }
    return status;
}

/* ---- rewrap ------------------------------------------------------------------------------- */

static enum mcpz_exit rewrap(const struct mcpz_invocation *invocation, const struct hold *hold)
{
    struct mcpz_key_care care;

    if (hold->settings.any.token == NULL) {
        return fail_without_token(invocation);
    }
    mcpz_error error =
        mcpz_key_care_rewrap(hold->directory, &hold->settings.any,
                             mcpz_option_is_given(invocation, "destroy-old"), &care);
    if (error != MCPZ_OK) {
        return fail(invocation, error, care.trouble.text);
    }
    show_done(invocation, &care, MCPZ_KEYS_PKCS11);
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_key_rewrap(const struct mcpz_invocation *invocation)
{
    static struct hold hold;
    enum mcpz_exit status = take_hold(invocation, &hold);

    if (status == MCPZ_EXIT_OK) {
        status = rewrap(invocation, &hold);
        let_go(&hold);
    }
    return status;
}

static const struct mcpz_option key_move_options[] = {
    {"to", '\0', "SOURCE", "pkcs11: wrapped by a key in a token; file: DATA/keys/node.key"},
    {"config", '\0', "FILE", "this YAML file (MCPZ_CONFIG, DIR/mcpz.yaml)"},
};

static const struct mcpz_option key_rewrap_options[] = {
    {"destroy-old", '\0', NULL, "and destroy the key that wrapped it so far"},
    {"config", '\0', "FILE", "this YAML file (MCPZ_CONFIG, DIR/mcpz.yaml)"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_key_move, "key move", "", 0, 0, "have a PKCS#11 token keep the node key, or no longer",
    "The node must not run. keys.module, keys.token and keys.pin say which token; a key in it,\n"
    "called keys.object (mcpz), wraps the node key, and is made if there is none. A node key in\n"
    "MCPZ_NODE_KEY is moved as well. The old copy goes when the new one is on the disk: what was\n"
    "interrupted is ended by doing it again, or by the next start. Set keys.source accordingly.\n"
    "\n"
    "Example:\n"
    "  mcpz key move --to pkcs11 --data /srv/mcpz\n",
    MCPZ_OPTIONS(key_move_options)},
{
    run_key_rewrap, "key rewrap", "", 0, 0, "have the token make a new key for the node key",
    "The node must not run. The node key stays as it is (\"key rotate\" changes that one), and is\n"
    "wrapped by an AES key that the token makes. Backups hold the node key as it was wrapped\n"
    "when they were made: with --destroy-old those made before can be read no more.\n"
    "\n"
    "Example:\n"
    "  mcpz key rewrap --data /srv/mcpz\n",
    MCPZ_OPTIONS(key_rewrap_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_key_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
