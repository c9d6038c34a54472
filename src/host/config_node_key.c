/* The keys of the configuration that say where the node key is: blob/key_home.h. */

#include <string.h>

#include "base/pkcs11_uri.h"
#include "host/config_keys.h"

static const char *const source_words[] = {MCPZ_KEYS_AUTO, MCPZ_KEYS_FILE, MCPZ_KEYS_ENVIRONMENT,
                                           MCPZ_KEYS_PKCS11};

mcpz_error mcpz_config_read_key_source(const struct mcpz_setting *setting, char **value,
                                       struct mcpz_config_trouble *trouble)
{
    char shown[MCPZ_SHOWN_BYTES];

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(source_words); i++) {
        if (strcmp(setting->text, source_words[i]) == 0) {
            return mcpz_config_duplicate(setting->text, value);
        }
    }
    return mcpz_config_refuse(trouble, setting->place,
                              "\"%s\" must be auto, file, environment or pkcs11",
                              mcpz_config_shown(setting->text, shown));
}

/* Absolute: what is loaded into the process hangs on no directory and no search path. */
mcpz_error mcpz_config_read_key_module(const struct mcpz_setting *setting, char **value,
                                       struct mcpz_config_trouble *trouble)
{
    char shown[MCPZ_SHOWN_BYTES];

    if (setting->text[0] != '/' || strlen(setting->text) > MCPZ_CONFIG_TEXT_BYTES_MAX) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "\"%s\" must be the absolute path of a shared library",
                                  mcpz_config_shown(setting->text, shown));
    }
    return mcpz_config_duplicate(setting->text, value);
}

mcpz_error mcpz_config_read_key_token(const struct mcpz_setting *setting, char **value,
                                      struct mcpz_config_trouble *trouble)
{
    struct mcpz_pkcs11_uri uri;
    const char *fault = mcpz_pkcs11_uri_read(setting->text, &uri);

    /* Not shown: somebody may have written a PIN into it. */
    return fault == NULL ? mcpz_config_duplicate(setting->text, value)
                         : mcpz_config_refuse(trouble, setting->place, "%s", fault);
}

mcpz_error mcpz_config_read_key_object(const struct mcpz_setting *setting, char **value,
                                       struct mcpz_config_trouble *trouble)
{
    const size_t length = strlen(setting->text);

    if (length == 0 || length > MCPZ_PKCS11_OBJECT_BYTES_MAX ||
        !mcpz_bytes_is_utf8(mcpz_text(setting->text))) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "must be the label of a key: 1 to %d bytes",
                                  MCPZ_PKCS11_OBJECT_BYTES_MAX);
    }
    return mcpz_config_duplicate(setting->text, value);
}

mcpz_error mcpz_config_read_key_pin(const struct mcpz_setting *setting, char **value,
                                    struct mcpz_config_trouble *trouble)
{
    const bool is_file = strncmp(setting->text, "file:/", 6) == 0;
    const bool is_variable = strncmp(setting->text, "env:", 4) == 0 && setting->text[4] != '\0';

    if (!is_file && !is_variable) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "must say where the PIN is, env:NAME or file:/PATH: the PIN "
                                  "itself is not written here");
    }
    return mcpz_config_duplicate(setting->text, value);
}
