#include "blob/key_care.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob/ring.h"
#include "blob/secret_file.h"

static void say(struct mcpz_key_care *care, const char *directory, const char *text)
{
    (void)snprintf(care->trouble.text, sizeof(care->trouble.text), "keys in %.160s: %.300s",
                   directory, text);
}

/* Which node key the ring was wrapped with. */
static mcpz_error read_ring_id(const char *directory, struct mcpz_key_care *care)
{
    char path[MCPZ_KEY_HOME_PATH_BYTES_MAX + 16];
    uint8_t *bytes = malloc(MCPZ_RING_BYTES_MAX);
    const uint8_t *id;
    size_t length = 0;

    *care = (struct mcpz_key_care){.place = MCPZ_KEY_IN_FILE};
    (void)snprintf(path, sizeof(path), "%s/" MCPZ_RING_FILE, directory);
    mcpz_error error = bytes != NULL
                           ? mcpz_secret_file_read(path, bytes, MCPZ_RING_BYTES_MAX, &length)
                           : MCPZ_ENOMEM;
    if (error == MCPZ_OK) {
        error = mcpz_ring_check(mcpz_bytes(bytes, length), &id);
    }
    if (error == MCPZ_OK) {
        care->has_ring = true;
        memcpy(care->key_id, id, sizeof(care->key_id));
    }
    free(bytes);
    return error == MCPZ_EFULL ? MCPZ_ECORRUPT : error;
}

mcpz_error mcpz_key_care_look(const char *directory, const struct mcpz_key_source *source,
                              struct mcpz_key_care *care)
{
    struct mcpz_key_home home;
    mcpz_error error = mcpz_key_home_init(&home, directory);

    if (error == MCPZ_OK) {
        error = read_ring_id(directory, care);
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        say(care, directory, mcpz_strerror(error));
    } else {
        error = mcpz_key_home_look(&home, source, care->has_ring ? care->key_id : NULL,
                                   &care->token, &care->trouble);
        care->place = home.place;
    }
    mcpz_key_home_finish(&home);
    return error;
}

/* ---- Moving --------------------------------------------------------------------------------- */

/* Open it as `source` says; `home` is to be finished. */
static mcpz_error open_as(const char *directory, const struct mcpz_key_source *source,
                          struct mcpz_key_home *home, struct mcpz_node_key **key,
                          struct mcpz_key_care *care)
{
    struct mcpz_key_found found;

    *key = NULL;
    mcpz_error error = mcpz_key_home_init(home, directory);
    if (error == MCPZ_OK) {
        error = mcpz_key_home_open(home, source, care->key_id, &found, &care->trouble);
    }
    if (error == MCPZ_OK) {
        care->place = home->place;
        *key = found.key;
    }
    return error;
}

/* It is there already: what a move that was cut short has left behind goes. */
static mcpz_error end_move(const char *directory, const struct mcpz_key_source *to,
                           struct mcpz_key_care *care)
{
    struct mcpz_key_home home;
    struct mcpz_node_key *key;
    mcpz_error error = open_as(directory, to, &home, &key, care);

    if (error == MCPZ_OK) {
        mcpz_key_home_settle(&home, key);
    }
    mcpz_node_key_destroy(key);
    mcpz_key_home_finish(&home);
    return error;
}

static mcpz_error move_from(const char *directory, const struct mcpz_key_source *from,
                            const struct mcpz_key_source *to, struct mcpz_key_care *care)
{
    struct mcpz_key_home old;
    struct mcpz_key_home home = {.place = MCPZ_KEY_IN_FILE};
    struct mcpz_node_key *key;
    mcpz_error error = open_as(directory, from, &old, &key, care);

    if (error == MCPZ_OK) {
        error = mcpz_key_home_init(&home, directory);
    }
    if (error == MCPZ_OK) {
        error = mcpz_key_home_take(&home, to, false, key, &care->trouble);
    }
    if (error == MCPZ_OK) {
        mcpz_key_home_settle(&home, key);
    }
    mcpz_node_key_destroy(key);
    mcpz_key_home_finish(&old);
    mcpz_key_home_finish(&home);
    return error;
}

/* Is it where `source` says? Asks no token for its key. */
static mcpz_error look_at(const char *directory, const struct mcpz_key_source *source,
                          struct mcpz_key_care *care)
{
    struct mcpz_key_home home;
    mcpz_error error = mcpz_key_home_init(&home, directory);

    if (error == MCPZ_OK) {
        error = mcpz_key_home_look(&home, source, care->key_id, &care->token, &care->trouble);
    }
    mcpz_key_home_finish(&home);
    return error;
}

/* Another key that lies at the new place is nobody's to overwrite: a backup may need it. */
static mcpz_error move_to(const char *directory, const struct mcpz_key_source *source,
                          const struct mcpz_key_source *to, struct mcpz_key_care *care)
{
    const struct mcpz_key_source given = {.text = source->text};
    const struct mcpz_key_source file = {.text = NULL};
    const struct mcpz_key_source token = {.token = source->token};

    mcpz_error error = look_at(directory, to, care);
    if (error != MCPZ_ENOTFOUND) {
        return error == MCPZ_OK ? end_move(directory, to, care) : error;
    }
    if (source->text != NULL && look_at(directory, &given, care) == MCPZ_OK) {
        return move_from(directory, &given, to, care);
    }
    if (to->token != NULL) {
        return move_from(directory, &file, to, care);
    }
    return token.token != NULL ? move_from(directory, &token, to, care) : error;
}

mcpz_error mcpz_key_care_move(const char *directory, const struct mcpz_key_source *source,
                              bool to_token, struct mcpz_key_care *care)
{
    const struct mcpz_key_source to = {.token = to_token ? source->token : NULL};

    mcpz_error error = read_ring_id(directory, care);
    if (error == MCPZ_ENOTFOUND) {
        say(care, directory,
            "there are none yet: the first start makes them, where keys.source "
            "says");
    } else if (error != MCPZ_OK) {
        say(care, directory, mcpz_strerror(error));
    }
    return error == MCPZ_OK ? move_to(directory, source, &to, care) : error;
}

/* ---- Another key in the token --------------------------------------------------------------- */

mcpz_error mcpz_key_care_rewrap(const char *directory, const struct mcpz_key_source *source,
                                bool destroys, struct mcpz_key_care *care)
{
    const struct mcpz_key_source token = {.token = source->token};
    struct mcpz_key_home home;
    struct mcpz_node_key *key = NULL;
    struct mcpz_token_file before = {.wrapped_length = 0};
    struct mcpz_token_trouble why = {.text = ""};

    mcpz_error error = read_ring_id(directory, care);
    if (error != MCPZ_OK) {
        say(care, directory, mcpz_strerror(error));
        return error;
    }
    error = open_as(directory, &token, &home, &key, care);
    if (error == MCPZ_OK) {
        before = *home.envelope;
        error = mcpz_key_home_take(&home, &token, true, key, &care->trouble);
    }
    if (error == MCPZ_OK) {
        care->token = home.envelope->key;
        mcpz_key_home_settle(&home, key);
    }
    if (error == MCPZ_OK && destroys) {
        error = mcpz_token_key_remove(source->token, &before, &why);
        if (error != MCPZ_OK) {
            say(care, directory, why.text);
        }
    }
    mcpz_node_key_destroy(key);
    mcpz_key_home_finish(&home);
    return error;
}
