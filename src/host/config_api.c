/* The keys that say what HTTP clients may show (src/http/bearer.h reads them), and how many there
 * may be. */

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/bytes.h"
#include "host/config_keys.h"
#include "proto/id.h"

struct mcpz_bytes mcpz_config_split_key(struct mcpz_bytes text, struct mcpz_bytes *tenant)
{
    size_t end = text.length;

    while (end > 0 && text.data[end - 1] != '=') {
        end--;
    }
    bool has_tenant = end > 1 && end < text.length;
    *tenant = has_tenant ? mcpz_bytes(text.data + end, text.length - end) : mcpz_bytes(NULL, 0);
    return has_tenant ? mcpz_bytes(text.data, end - 1) : text;
}

mcpz_error mcpz_config_read_jwt_secret(const struct mcpz_setting *setting, char **value,
                                       struct mcpz_config_trouble *trouble)
{
    const size_t length = strlen(setting->text);

    if (length < MCPZ_JWT_SECRET_BYTES_MIN || length > MCPZ_JWT_SECRET_BYTES_MAX) {
        return mcpz_config_refuse(
            trouble, setting->place,
            "a secret for HS256 must have %d to %d bytes: `openssl rand -base64 36` makes one",
            MCPZ_JWT_SECRET_BYTES_MIN, MCPZ_JWT_SECRET_BYTES_MAX);
    }
    return mcpz_config_duplicate(setting->text, value);
}

mcpz_error mcpz_config_read_jwt_key(const struct mcpz_setting *setting, char **value,
                                    struct mcpz_config_trouble *trouble)
{
    uint8_t key[MCPZ_ID_BYTES];
    size_t length;

    if (mcpz_base64url_decode(mcpz_text(setting->text), key, sizeof(key), &length) != MCPZ_OK ||
        length != sizeof(key)) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "an Ed25519 public key must be the 43 characters of base64url "
                                  "that are \"x\" in its JWK");
    }
    return mcpz_config_duplicate(setting->text, value);
}

mcpz_error mcpz_config_read_jwt_text(const struct mcpz_setting *setting, char **value,
                                     struct mcpz_config_trouble *trouble)
{
    const struct mcpz_bytes text = mcpz_text(setting->text);

    if (text.length == 0 || text.length > MCPZ_JWT_TEXT_BYTES_MAX || !mcpz_bytes_is_utf8(text)) {
        return mcpz_config_refuse(trouble, setting->place, "must be UTF-8 of 1 to %d bytes",
                                  MCPZ_JWT_TEXT_BYTES_MAX);
    }
    return mcpz_config_duplicate(setting->text, value);
}

mcpz_error mcpz_config_read_connections(const struct mcpz_setting *setting, char **value,
                                        struct mcpz_config_trouble *trouble)
{
    return mcpz_config_read_number(setting, MCPZ_API_CONNECTIONS_MIN, MCPZ_API_CONNECTIONS_MAX,
                                   value, trouble);
}

mcpz_error mcpz_config_read_idle(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble)
{
    return mcpz_config_read_number(setting, 1, MCPZ_API_IDLE_SECONDS_MAX, value, trouble);
}

mcpz_error mcpz_config_store_api(struct mcpz_config *config, const struct mcpz_setting *setting,
                                 char **value, struct mcpz_config_trouble *trouble)
{
    uint32_t *number =
        setting->key == MCPZ_KEY_API_IDLE ? &config->api_idle_seconds : &config->api_connections;

    (void)trouble;
    *number = (uint32_t)strtoul(*value, NULL, 10);
    return MCPZ_OK;
}
