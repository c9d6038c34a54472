#include "blob/key_home.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "blob/secret_file.h"
#include "crypto/identity.h"

#define PATH_BYTES (MCPZ_KEY_HOME_PATH_BYTES_MAX + 32)
#define TEXT_BYTES (MCPZ_NODE_KEY_TEXT_CHARS + 1) /* with its line feed */

#define KEY_FILE "node.key"
#define TOKEN_FILE "node.key.token"
#define NEW ".new"

static const char *path_of(const struct mcpz_key_home *home, const char *name, char *path)
{
    (void)snprintf(path, PATH_BYTES, "%s/%s", home->directory, name);
    return path;
}

static bool is_key(const struct mcpz_node_key *key, const uint8_t *id)
{
    uint8_t own[MCPZ_NODE_KEY_ID_BYTES];

    if (key == NULL) {
        return false;
    }
    mcpz_node_key_id(key, own);
    return memcmp(own, id, sizeof(own)) == 0;
}

/* ---- As text -------------------------------------------------------------------------------- */

mcpz_error mcpz_key_text_read(struct mcpz_bytes text, struct mcpz_node_key **key)
{
    uint8_t bytes[MCPZ_NODE_KEY_BYTES];
    mcpz_error error = MCPZ_EPROTO;

    *key = NULL;
    if (text.length > 0 && text.data[text.length - 1] == '\n') {
        text.length--;
    }
    if (mcpz_hex_read(text, bytes, sizeof(bytes))) {
        error = mcpz_node_key_create(bytes, key);
    }
    mcpz_wipe(bytes, sizeof(bytes));
    return error;
}

static mcpz_error read_text_file(const struct mcpz_key_home *home, const char *name,
                                 struct mcpz_node_key **key)
{
    char path[PATH_BYTES];
    uint8_t text[TEXT_BYTES];
    size_t length = 0;

    *key = NULL;
    mcpz_error error =
        mcpz_secret_file_read(path_of(home, name, path), text, sizeof(text), &length);
    if (error == MCPZ_OK) {
        error = mcpz_key_text_read(mcpz_bytes(text, length), key);
    }
    mcpz_wipe(text, sizeof(text));
    return error == MCPZ_EFULL ? MCPZ_EPROTO : error;
}

static mcpz_error write_text_file(const struct mcpz_key_home *home, const char *name,
                                  const struct mcpz_node_key *key)
{
    char path[PATH_BYTES];
    char text[TEXT_BYTES];
    uint8_t bytes[MCPZ_NODE_KEY_BYTES];

    mcpz_node_key_show(key, bytes);
    mcpz_hex_put(mcpz_bytes(bytes, sizeof(bytes)), text);
    text[MCPZ_NODE_KEY_TEXT_CHARS] = '\n';
    mcpz_error error = mcpz_secret_file_write(home->directory, path_of(home, name, path),
                                              mcpz_bytes(text, sizeof(text)));
    mcpz_wipe(bytes, sizeof(bytes));
    mcpz_wipe(text, sizeof(text));
    return error;
}

/* ---- In an envelope ------------------------------------------------------------------------- */

static mcpz_error read_envelope(const struct mcpz_key_home *home, const char *name,
                                struct mcpz_token_file *envelope)
{
    char path[PATH_BYTES];
    uint8_t bytes[MCPZ_TOKEN_FILE_BYTES_MAX];
    size_t length = 0;

    mcpz_error error =
        mcpz_secret_file_read(path_of(home, name, path), bytes, sizeof(bytes), &length);
    if (error == MCPZ_OK) {
        error = mcpz_token_file_read(mcpz_bytes(bytes, length), envelope);
    }
    return error == MCPZ_EFULL ? MCPZ_ECORRUPT : error;
}

/* Seal `key` anew with what home has of the token, and put it there. */
static mcpz_error write_envelope(const struct mcpz_key_home *home, const char *name,
                                 const struct mcpz_node_key *key)
{
    char path[PATH_BYTES];
    uint8_t bytes[MCPZ_TOKEN_FILE_BYTES_MAX];
    struct mcpz_token_file envelope = *home->envelope;

    mcpz_token_file_seal(&envelope, home->secret, key);
    const size_t length = mcpz_token_file_write(&envelope, bytes);
    return mcpz_secret_file_write(home->directory, path_of(home, name, path),
                                  mcpz_bytes(bytes, length));
}

/* Ask the token for the secret of `envelope`, and open it. Both are the caller's then. */
static mcpz_error open_envelope(const struct mcpz_token_file *envelope,
                                const struct mcpz_token_config *token,
                                struct mcpz_node_key **secret, struct mcpz_node_key **key,
                                struct mcpz_token_trouble *trouble)
{
    *key = NULL;
    mcpz_error error = mcpz_token_key_unwrap(token, envelope, secret, trouble);
    if (error != MCPZ_OK) {
        return error;
    }
    error = mcpz_token_file_open(envelope, *secret, key);
    if (error == MCPZ_OK && !is_key(*key, envelope->key_id)) {
        error = MCPZ_EAUTH; /* whoever sealed it said another name */
    }
    if (error == MCPZ_EAUTH) {
        (void)snprintf(trouble->text, sizeof(trouble->text),
                       TOKEN_FILE " was changed, or the key \"%s\" in the token is not the one "
                                  "it was wrapped with",
                       envelope->key.object);
    }
    if (error != MCPZ_OK) {
        mcpz_node_key_destroy(*key);
        mcpz_node_key_destroy(*secret);
        *key = *secret = NULL;
    }
    return error;
}

mcpz_error mcpz_key_envelope_open(struct mcpz_bytes envelope,
                                  const struct mcpz_token_config *token,
                                  struct mcpz_node_key **key, struct mcpz_key_trouble *trouble)
{
    struct mcpz_token_file file;
    struct mcpz_token_trouble why = {.text = ""};
    struct mcpz_node_key *secret = NULL;

    *key = NULL;
    mcpz_error error = mcpz_token_file_read(envelope, &file);
    if (error == MCPZ_OK) {
        error = open_envelope(&file, token, &secret, key, &why);
    }
    mcpz_node_key_destroy(secret);
    (void)snprintf(trouble->text, sizeof(trouble->text), "%s",
                   why.text[0] != '\0' ? why.text : mcpz_strerror(error));
    return error;
}

/* ---- Finding it ----------------------------------------------------------------------------- */

/* What a search goes by, and where it says what is wrong. */
struct search {
    struct mcpz_key_home *home;
    const struct mcpz_key_source *source;
    const uint8_t *ring_id; /* NULL: there is no ring, or it does not matter */
    struct mcpz_token_trouble why;
};

/* Is a node key called `id` what is looked for? Any is where there is no ring. */
static bool is_wanted(const struct search *search, const uint8_t *id)
{
    return search->ring_id == NULL || memcmp(search->ring_id, id, MCPZ_NODE_KEY_ID_BYTES) == 0;
}

static mcpz_error find_in_file(struct search *search, struct mcpz_node_key **key)
{
    struct mcpz_node_key *next = NULL;
    char from[PATH_BYTES];
    char to[PATH_BYTES];

    mcpz_error error = read_text_file(search->home, KEY_FILE, key);
    if (search->ring_id == NULL || is_key(*key, search->ring_id) ||
        read_text_file(search->home, KEY_FILE NEW, &next) != MCPZ_OK ||
        !is_key(next, search->ring_id)) {
        mcpz_node_key_destroy(next);
        return error;
    }
    /* A rotation was cut short after the ring was wrapped anew: its key takes its place. */
    mcpz_node_key_destroy(*key);
    *key = next;
    return mcpz_secret_file_move(search->home->directory,
                                 path_of(search->home, KEY_FILE NEW, from),
                                 path_of(search->home, KEY_FILE, to));
}

/* As above, of the two envelopes; which is the one is known before the token is asked. Where none
 * is, only a ring that is to be wrapped anew makes it worth asking. */
static mcpz_error find_in_token(struct search *search, bool has_old, struct mcpz_node_key **key)
{
    struct mcpz_key_home *home = search->home;
    struct mcpz_token_file next;
    char from[PATH_BYTES];
    char to[PATH_BYTES];
    mcpz_error error = read_envelope(home, TOKEN_FILE, home->envelope);

    const bool fits = error == MCPZ_OK && is_wanted(search, home->envelope->key_id);
    if (!fits && search->ring_id != NULL &&
        read_envelope(home, TOKEN_FILE NEW, &next) == MCPZ_OK && is_wanted(search, next.key_id)) {
        *home->envelope = next;
        error = mcpz_secret_file_move(home->directory, path_of(home, TOKEN_FILE NEW, from),
                                      path_of(home, TOKEN_FILE, to));
    } else if (error == MCPZ_OK && !fits && !has_old) {
        return MCPZ_EAUTH;
    }
    return error == MCPZ_OK ? open_envelope(home->envelope, search->source->token, &home->secret,
                                            key, &search->why)
                            : error;
}

static mcpz_error find(struct search *search, bool has_old, struct mcpz_node_key **key)
{
    switch (search->home->place) {
    case MCPZ_KEY_IN_FILE:
        return find_in_file(search, key);
    case MCPZ_KEY_IN_ENVIRONMENT:
        return mcpz_key_text_read(mcpz_text(search->source->text), key);
    case MCPZ_KEY_IN_TOKEN:
        return find_in_token(search, has_old, key);
    }
    return MCPZ_EUNSUPPORTED;
}

/* A key that nobody has yet. */
static mcpz_error draw_key(struct mcpz_node_key **key)
{
    uint8_t bytes[MCPZ_NODE_KEY_BYTES];

    mcpz_random(bytes, sizeof(bytes));
    mcpz_error error = mcpz_node_key_create(bytes, key);
    mcpz_wipe(bytes, sizeof(bytes));
    return error;
}

static mcpz_error write_key(const struct mcpz_key_home *home, bool beside,
                            const struct mcpz_node_key *key)
{
    if (home->place == MCPZ_KEY_IN_TOKEN) {
        return write_envelope(home, beside ? TOKEN_FILE NEW : TOKEN_FILE, key);
    }
    return write_text_file(home, beside ? KEY_FILE NEW : KEY_FILE, key);
}

/* The first one. */
static mcpz_error make(struct search *search, struct mcpz_node_key **key)
{
    struct mcpz_key_home *home = search->home;
    mcpz_error error = MCPZ_OK;

    if (home->place == MCPZ_KEY_IN_TOKEN) {
        error = mcpz_token_key_wrap(search->source->token, false, home->envelope, &home->secret,
                                    &search->why);
    }
    if (error == MCPZ_OK) {
        error = draw_key(key);
    }
    return error == MCPZ_OK ? write_key(home, false, *key) : error;
}

/* The key to use and, if that is not the ring's, the ring's. */
static mcpz_error find_both(struct search *search, struct mcpz_key_found *found)
{
    const uint8_t *id = search->ring_id;
    mcpz_error error = MCPZ_OK;

    if (search->source->text_old != NULL) {
        error = mcpz_key_text_read(mcpz_text(search->source->text_old), &found->old);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    const bool has_old = id != NULL && is_key(found->old, id);
    error = find(search, has_old, &found->key);
    if (error == MCPZ_ENOTFOUND && search->why.text[0] == '\0' && (id == NULL || has_old)) {
        error = make(search, &found->key);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (id == NULL || is_key(found->key, id)) {
        mcpz_node_key_destroy(found->old);
        found->old = NULL;
        return MCPZ_OK;
    }
    return has_old ? MCPZ_OK : MCPZ_EAUTH;
}

/* ---- Saying what is wrong ------------------------------------------------------------------- */

static bool is_there(const struct mcpz_key_home *home, const char *name)
{
    char path[PATH_BYTES];
    uint8_t byte;
    size_t length;

    return mcpz_secret_file_read(path_of(home, name, path), &byte, 0, &length) != MCPZ_ENOTFOUND;
}

static const char *hint_at(const struct mcpz_key_home *home, mcpz_error error)
{
    if (error == MCPZ_ENOTFOUND && home->place == MCPZ_KEY_IN_FILE && is_there(home, TOKEN_FILE)) {
        return ": the node key is wrapped by a token: set keys.source: pkcs11 again, or take it "
               "out with `mcpz key move --to file`";
    }
    if (error == MCPZ_ENOTFOUND && home->place == MCPZ_KEY_IN_TOKEN && is_there(home, KEY_FILE)) {
        return ": the node key is in node.key: have the token wrap it with `mcpz key move --to "
               "pkcs11`, or set keys.source: file again";
    }
    if (error == MCPZ_ENOTFOUND) {
        return ": there is a ring, but the node key, which its keys were wrapped with, is missing";
    }
    if (error == MCPZ_EAUTH) {
        return ": its files must be of mode 0600 and yours, and MCPZ_NODE_KEY, node.key, or what "
               "node.key.token holds, the key that its ring was wrapped with (MCPZ_NODE_KEY_OLD "
               "names the one before)";
    }
    if (error == MCPZ_EPROTO) {
        return ": a node key is 64 hexadecimal digits";
    }
    if (error == MCPZ_ECORRUPT && home->place == MCPZ_KEY_IN_TOKEN) {
        return ": node.key.token is damaged: put it back from a backup";
    }
    return "";
}

static void explain(const struct search *search, mcpz_error error,
                    struct mcpz_key_trouble *trouble)
{
    if (search->why.text[0] != '\0') {
        (void)snprintf(trouble->text, sizeof(trouble->text), "the node key: %s", search->why.text);
        return;
    }
    (void)snprintf(trouble->text, sizeof(trouble->text), "keys in %.160s: %s%s",
                   search->home->directory, mcpz_strerror(error), hint_at(search->home, error));
}

/* ---- What others use ------------------------------------------------------------------------ */

mcpz_error mcpz_key_home_init(struct mcpz_key_home *home, const char *directory)
{
    const size_t length = strlen(directory);

    *home = (struct mcpz_key_home){.place = MCPZ_KEY_IN_FILE};
    if (length >= sizeof(home->directory)) {
        return MCPZ_EFULL;
    }
    memcpy(home->directory, directory, length + 1);
    return MCPZ_OK;
}

void mcpz_key_home_finish(struct mcpz_key_home *home)
{
    mcpz_node_key_destroy(home->secret);
    free(home->envelope);
    home->secret = NULL;
    home->envelope = NULL;
}

/* Where `source` says. */
static mcpz_error begin(struct mcpz_key_home *home, const struct mcpz_key_source *source)
{
    home->place = source->token != NULL  ? MCPZ_KEY_IN_TOKEN
                  : source->text != NULL ? MCPZ_KEY_IN_ENVIRONMENT
                                         : MCPZ_KEY_IN_FILE;
    if (home->place != MCPZ_KEY_IN_TOKEN || home->envelope != NULL) {
        return MCPZ_OK;
    }
    home->envelope = calloc(1, sizeof(*home->envelope));
    return home->envelope != NULL ? MCPZ_OK : MCPZ_ENOMEM;
}

mcpz_error mcpz_key_home_open(struct mcpz_key_home *home, const struct mcpz_key_source *source,
                              const uint8_t *ring_id, struct mcpz_key_found *found,
                              struct mcpz_key_trouble *trouble)
{
    struct search search = {.home = home, .source = source, .ring_id = ring_id};

    *found = (struct mcpz_key_found){.key = NULL};
    mcpz_error error = begin(home, source);
    if (error == MCPZ_OK) {
        error = find_both(&search, found);
    }
    if (error != MCPZ_OK) {
        mcpz_node_key_destroy(found->key);
        mcpz_node_key_destroy(found->old);
        *found = (struct mcpz_key_found){.key = NULL};
        explain(&search, error, trouble);
    }
    return error;
}

void mcpz_key_home_tell(const struct mcpz_key_home *home, struct mcpz_key_whereabouts *whereabouts)
{
    *whereabouts = (struct mcpz_key_whereabouts){.place = home->place};
    if (home->place == MCPZ_KEY_IN_TOKEN && home->envelope != NULL) {
        whereabouts->token = home->envelope->key;
    }
}

static void wipe(const struct mcpz_key_home *home, const char *name)
{
    char path[PATH_BYTES];

    mcpz_secret_file_wipe(path_of(home, name, path));
}

/* Remove a copy of `key` that a move has left behind. Another one may be needed by a backup. */
static void wipe_text_copy(const struct mcpz_key_home *home, const char *name, const uint8_t *id)
{
    struct mcpz_node_key *copy = NULL;

    if (read_text_file(home, name, &copy) == MCPZ_OK && is_key(copy, id)) {
        wipe(home, name);
    }
    mcpz_node_key_destroy(copy);
}

static void wipe_envelope_copy(const struct mcpz_key_home *home, const char *name,
                               const uint8_t *id)
{
    struct mcpz_token_file copy;

    if (read_envelope(home, name, &copy) == MCPZ_OK &&
        memcmp(copy.key_id, id, sizeof(copy.key_id)) == 0) {
        wipe(home, name);
    }
}

void mcpz_key_home_settle(const struct mcpz_key_home *home, const struct mcpz_node_key *key)
{
    uint8_t id[MCPZ_NODE_KEY_ID_BYTES];

    mcpz_node_key_id(key, id);
    if (home->place == MCPZ_KEY_IN_TOKEN) {
        wipe_text_copy(home, KEY_FILE, id);
        wipe_text_copy(home, KEY_FILE NEW, id);
        wipe(home, TOKEN_FILE NEW);
        return;
    }
    wipe(home, KEY_FILE NEW);
    if (home->place == MCPZ_KEY_IN_FILE) {
        wipe_envelope_copy(home, TOKEN_FILE, id);
        wipe_envelope_copy(home, TOKEN_FILE NEW, id);
    }
}

void mcpz_key_home_forget_file(const struct mcpz_key_home *home)
{
    if (home->place == MCPZ_KEY_IN_ENVIRONMENT) {
        wipe(home, KEY_FILE); /* nothing is wrapped with it any more */
    }
}

mcpz_error mcpz_key_home_renew(const struct mcpz_key_home *home, struct mcpz_node_key **fresh)
{
    *fresh = NULL;
    if (home->place == MCPZ_KEY_IN_ENVIRONMENT) {
        return MCPZ_EUNSUPPORTED;
    }
    mcpz_error error = draw_key(fresh);
    return error == MCPZ_OK ? write_key(home, true, *fresh) : error;
}

void mcpz_key_home_replace(const struct mcpz_key_home *home)
{
    const bool is_token = home->place == MCPZ_KEY_IN_TOKEN;
    char from[PATH_BYTES];
    char to[PATH_BYTES];

    if (mcpz_secret_file_move(home->directory,
                              path_of(home, is_token ? TOKEN_FILE NEW : KEY_FILE NEW, from),
                              path_of(home, is_token ? TOKEN_FILE : KEY_FILE, to)) != MCPZ_OK) {
        /* Nothing is lost: the next start finds the key that fits where it is now. */
    }
}

mcpz_error mcpz_key_home_take(struct mcpz_key_home *home, const struct mcpz_key_source *source,
                              bool fresh, const struct mcpz_node_key *key,
                              struct mcpz_key_trouble *trouble)
{
    struct search search = {.home = home, .source = source};
    mcpz_error error = begin(home, source);

    if (error == MCPZ_OK && home->place == MCPZ_KEY_IN_ENVIRONMENT) {
        error = MCPZ_EUNSUPPORTED;
    }
    if (error == MCPZ_OK && home->place == MCPZ_KEY_IN_TOKEN) {
        mcpz_node_key_destroy(home->secret);
        error =
            mcpz_token_key_wrap(source->token, fresh, home->envelope, &home->secret, &search.why);
    }
    if (error == MCPZ_OK) {
        error = write_key(home, false, key);
    }
    if (error != MCPZ_OK) {
        explain(&search, error, trouble);
    }
    return error;
}

/* Is one of the two envelopes that of the ring? */
static mcpz_error look_at_envelopes(struct search *search)
{
    struct mcpz_token_file next;
    mcpz_error error = read_envelope(search->home, TOKEN_FILE, search->home->envelope);

    if (error == MCPZ_OK && is_wanted(search, search->home->envelope->key_id)) {
        return MCPZ_OK;
    }
    if (read_envelope(search->home, TOKEN_FILE NEW, &next) == MCPZ_OK &&
        is_wanted(search, next.key_id)) {
        return MCPZ_OK;
    }
    return error == MCPZ_OK ? MCPZ_EAUTH : error;
}

static mcpz_error look_at_texts(const struct search *search)
{
    struct mcpz_node_key *key = NULL;
    struct mcpz_node_key *next = NULL;
    mcpz_error error = search->home->place == MCPZ_KEY_IN_FILE
                           ? read_text_file(search->home, KEY_FILE, &key)
                           : mcpz_key_text_read(mcpz_text(search->source->text), &key);

    if (error == MCPZ_OK && search->ring_id != NULL && !is_key(key, search->ring_id)) {
        const bool has_next = search->home->place == MCPZ_KEY_IN_FILE &&
                              read_text_file(search->home, KEY_FILE NEW, &next) == MCPZ_OK;
        error = has_next && is_key(next, search->ring_id) ? MCPZ_OK : MCPZ_EAUTH;
    }
    mcpz_node_key_destroy(key);
    mcpz_node_key_destroy(next);
    return error;
}

mcpz_error mcpz_key_home_look(struct mcpz_key_home *home, const struct mcpz_key_source *source,
                              const uint8_t *ring_id, struct mcpz_pkcs11_uri *token,
                              struct mcpz_key_trouble *trouble)
{
    struct search search = {.home = home, .source = source, .ring_id = ring_id};

    *token = (struct mcpz_pkcs11_uri){.token = ""};
    mcpz_error error = begin(home, source);
    if (error == MCPZ_OK) {
        error =
            home->place == MCPZ_KEY_IN_TOKEN ? look_at_envelopes(&search) : look_at_texts(&search);
    }
    if (error == MCPZ_ENOTFOUND && ring_id == NULL) {
        error = MCPZ_OK; /* it will be made */
    }
    if (error == MCPZ_OK && home->place == MCPZ_KEY_IN_TOKEN) {
        error = mcpz_token_key_look(source->token, token, &search.why);
    }
    if (error != MCPZ_OK) {
        explain(&search, error, trouble);
    }
    return error;
}
