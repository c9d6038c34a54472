#include "host/config_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "host/rows.h"
#include "proto/cert.h"

mcpz_error mcpz_config_refuse(struct mcpz_config_trouble *trouble, const char *place,
                              const char *format, ...)
{
    int used = snprintf(trouble->text, sizeof(trouble->text), "%s: ", place);
    va_list args;

    if (used > 0 && (size_t)used < sizeof(trouble->text)) {
        va_start(args, format);
        (void)vsnprintf(trouble->text + used, sizeof(trouble->text) - (size_t)used, format, args);
        va_end(args);
    }
    return MCPZ_ECONFIG;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

const char *mcpz_config_shown(const char *text, char shown[MCPZ_SHOWN_BYTES])
{
    const size_t limit = MCPZ_SHOWN_BYTES - sizeof("...") - 4;
    size_t length = strlen(text);
    size_t cut = length < limit ? length : limit;

    while (cut < length && cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80) {
        cut--; /* do not cut a character in two */
    }
    for (size_t i = 0; i < cut; i++) {
        shown[i] = text[i];
        if (is_control(text[i])) {
            shown[i] = '?';
        }
    }
    memcpy(shown + cut, cut < length ? "..." : "", cut < length ? 4 : 1);
    return shown;
}

void mcpz_config_wipe(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        free(text);
    }
}

/* ---- What a value may look like: each gives its one written form -------------------------- */

mcpz_error mcpz_config_duplicate(const char *text, char **value)
{
    *value = strdup(text);
    return *value == NULL ? MCPZ_ENOMEM : MCPZ_OK;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if (is_control(*text)) {
            return true;
        }
    }
    return false;
}

/* Any text that is not empty: a path. */
static mcpz_error read_text(const struct mcpz_setting *setting, char **value,
                            struct mcpz_config_trouble *trouble)
{
    if (setting->text[0] == '\0') {
        return mcpz_config_refuse(trouble, setting->place, "is empty");
    }
    if (strlen(setting->text) > MCPZ_CONFIG_TEXT_BYTES_MAX) {
        return mcpz_config_refuse(trouble, setting->place, "is longer than %d bytes",
                                  MCPZ_CONFIG_TEXT_BYTES_MAX);
    }
    if (!mcpz_bytes_is_utf8(mcpz_text(setting->text)) || has_control(setting->text)) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "holds control characters, or is not "
                                  "UTF-8");
    }
    return mcpz_config_duplicate(setting->text, value);
}

/* What names something travels, is logged and is typed: no spaces, no control characters. */
static mcpz_error check_word(const struct mcpz_setting *setting, const char *word,
                             size_t bytes_max, struct mcpz_config_trouble *trouble)
{
    char shown[MCPZ_SHOWN_BYTES];

    if (word[0] == '\0') {
        return mcpz_config_refuse(trouble, setting->place, "is empty");
    }
    if (strlen(word) > bytes_max) {
        return mcpz_config_refuse(trouble, setting->place, "\"%s\" is longer than %zu bytes",
                                  mcpz_config_shown(word, shown), bytes_max);
    }
    if (!mcpz_bytes_is_utf8(mcpz_text(word)) || has_control(word) ||
        strpbrk(word, " ,=\"") != NULL) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "\"%s\" must be one word: no spaces, commas, '=' or quotes",
                                  mcpz_config_shown(word, shown));
    }
    return MCPZ_OK;
}

static mcpz_error read_name(const struct mcpz_setting *setting, char **value,
                            struct mcpz_config_trouble *trouble)
{
    mcpz_error error = check_word(setting, setting->text, MCPZ_NAME_BYTES_MAX, trouble);
    return error != MCPZ_OK ? error : mcpz_config_duplicate(setting->text, value);
}

static mcpz_error read_bool(const struct mcpz_setting *setting, char **value,
                            struct mcpz_config_trouble *trouble)
{
    static const char *const words[2][4] = {{"false", "no", "off", "0"},
                                            {"true", "yes", "on", "1"}};
    char shown[MCPZ_SHOWN_BYTES];

    for (size_t truth = 0; truth < 2; truth++) {
        for (size_t i = 0; i < 4; i++) {
            if (strcasecmp(setting->text, words[truth][i]) == 0) {
                return mcpz_config_duplicate(words[truth][0], value);
            }
        }
    }
    return mcpz_config_refuse(trouble, setting->place, "\"%s\" must be true or false",
                              mcpz_config_shown(setting->text, shown));
}

static mcpz_error refuse_address(const struct mcpz_setting *setting, const char *example,
                                 struct mcpz_config_trouble *trouble)
{
    char shown[MCPZ_SHOWN_BYTES];

    return mcpz_config_refuse(trouble, setting->place,
                              "\"%s\" is not an address: write HOST:PORT, e.g. %s (ports go up "
                              "to 65535, IPv6 addresses stand in brackets)",
                              mcpz_config_shown(setting->text, shown), example);
}

/* Where to listen. Nobody hears of us unless asked: without a host it is this machine only, and
 * with "none" not even that. */
static mcpz_error read_listen(const struct mcpz_setting *setting, char **value,
                              struct mcpz_config_trouble *trouble)
{
    char host[MCPZ_ADDRESS_BYTES_MAX + 1];
    char address[MCPZ_ADDRESS_BYTES_MAX + 1];
    bool is_api = setting->key == MCPZ_KEY_API;
    uint16_t port;

    if (strcmp(setting->text, MCPZ_LISTEN_NONE) == 0) {
        return mcpz_config_duplicate(setting->text, value);
    }
    if (mcpz_address_split(setting->text, is_api ? MCPZ_API_PORT_DEFAULT : MCPZ_PORT_DEFAULT, host,
                           &port) != MCPZ_OK ||
        mcpz_address_join(host[0] == '\0' ? "127.0.0.1" : host, port, address) != MCPZ_OK) {
        return refuse_address(setting, is_api ? "127.0.0.1:8000" : "0.0.0.0:8765", trouble);
    }
    return mcpz_config_duplicate(address, value);
}

/* What others dial: must name a host and a port. */
static mcpz_error read_dialled(const struct mcpz_setting *setting, char **value,
                               struct mcpz_config_trouble *trouble)
{
    char host[MCPZ_ADDRESS_BYTES_MAX + 1];
    char address[MCPZ_ADDRESS_BYTES_MAX + 1];
    uint16_t port;

    if (mcpz_address_split(setting->text, MCPZ_PORT_DEFAULT, host, &port) != MCPZ_OK ||
        host[0] == '\0' || port == 0 || mcpz_address_join(host, port, address) != MCPZ_OK) {
        return refuse_address(setting, "attic.lan:8765", trouble);
    }
    return mcpz_config_duplicate(address, value);
}

static mcpz_error read_url(const struct mcpz_setting *setting, char **value,
                           struct mcpz_config_trouble *trouble)
{
    char address[MCPZ_ADDRESS_BYTES_MAX + 1];
    bool upgraded;

    if (mcpz_address_from_url(setting->text, address, &upgraded) != MCPZ_OK) {
        return refuse_address(setting, "wss://attic.lan:8765", trouble);
    }
    return mcpz_config_duplicate(address, value);
}

/* Never shows what was written. Whether it is genuine is seen when it is used. */
static mcpz_error read_token(const struct mcpz_setting *setting, char **value,
                             struct mcpz_config_trouble *trouble)
{
    static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
    const size_t prefix = sizeof(MCPZ_TOKEN_PREFIX) - 1;
    const char *text = setting->text;
    size_t length = strlen(text);

    if (length <= prefix || length > MCPZ_TOKEN_TEXT_BYTES_MAX ||
        strncmp(text, MCPZ_TOKEN_PREFIX, prefix) != 0 ||
        strspn(text + prefix, base32) != length - prefix) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "is not a join token: one begins with " MCPZ_TOKEN_PREFIX
                                  " and is made by `mcpz token create`");
    }
    return mcpz_config_duplicate(text, value);
}

static mcpz_error read_api_key(const struct mcpz_setting *setting, char **value,
                               struct mcpz_config_trouble *trouble)
{
    const char *text = setting->text;
    struct mcpz_bytes tenant;

    if (text[0] == '\0' || strlen(text) > MCPZ_CONFIG_TEXT_BYTES_MAX / MCPZ_API_KEYS_MAX ||
        has_control(text) || strpbrk(text, ", ") != NULL) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "an API key must have 1 to %d bytes, no spaces, no commas",
                                  MCPZ_CONFIG_TEXT_BYTES_MAX / MCPZ_API_KEYS_MAX);
    }
    (void)mcpz_config_split_key(mcpz_text(text), &tenant);
    if (tenant.length > MCPZ_TENANT_BYTES_MAX || !mcpz_bytes_is_utf8(tenant)) {
        return mcpz_config_refuse(
            trouble, setting->place,
            "behind an API key and \"=\" stands its tenant: UTF-8 of at most "
            "%d bytes",
            MCPZ_TENANT_BYTES_MAX);
    }
    return mcpz_config_duplicate(text, value);
}

/* The value is the command; the name stays in the setting, or before '=' in its text. */
static mcpz_error read_provider(const struct mcpz_setting *setting, char **value,
                                struct mcpz_config_trouble *trouble)
{
    char name[MCPZ_CAPABILITY_BYTES_MAX + 2] = "";
    const char *equals = setting->name == NULL ? strchr(setting->text, '=') : NULL;
    const char *command = equals == NULL ? setting->text : equals + 1;

    if (setting->name == NULL && equals == NULL) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "write NAME=COMMAND, e.g. hash.sha256='sha256sum'");
    }
    if (setting->name == NULL) {
        mcpz_bytes_to_text(mcpz_bytes(setting->text, (size_t)(equals - setting->text)), name,
                           sizeof(name));
    }
    mcpz_error error = check_word(setting, setting->name == NULL ? name : setting->name,
                                  MCPZ_CAPABILITY_BYTES_MAX, trouble);
    if (error != MCPZ_OK) {
        return error;
    }
    if (command[strspn(command, " \t\n")] == '\0') {
        return mcpz_config_refuse(trouble, setting->place, "the command is empty");
    }
    if (strlen(command) > MCPZ_COMMAND_BYTES_MAX || !mcpz_bytes_is_utf8(mcpz_text(command))) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "the command is longer than %d bytes, or not UTF-8",
                                  MCPZ_COMMAND_BYTES_MAX);
    }
    return mcpz_config_duplicate(command, value);
}

mcpz_error mcpz_config_check_service(const char *place, const char *name, const char *command,
                                     struct mcpz_config_trouble *trouble)
{
    const struct mcpz_setting setting = {.place = place, .name = name, .text = command};
    char *value = NULL;

    mcpz_error error = read_provider(&setting, &value, trouble);
    free(value);
    return error;
}

/* A number of bytes; KiB, MiB, GiB and TiB may follow. The value is plain digits. */
static mcpz_error read_size(const struct mcpz_setting *setting, char **value,
                            struct mcpz_config_trouble *trouble)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    char shown[MCPZ_SHOWN_BYTES];
    char digits[24];
    uint64_t number = 0;
    size_t length = strspn(setting->text, "0123456789");
    size_t unit = 0;

    while (unit < MCPZ_ARRAY_LEN(units) && strcmp(setting->text + length, units[unit]) != 0) {
        unit++;
    }
    if (length == 0 || length > 15 || unit == MCPZ_ARRAY_LEN(units)) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "\"%s\" must be a number of bytes, e.g. 1073741824 or 1GiB",
                                  mcpz_config_shown(setting->text, shown));
    }
    for (size_t i = 0; i < length; i++) {
        number = number * 10 + (uint64_t)(setting->text[i] - '0');
    }
    for (; unit > 0 && number <= MCPZ_STORE_BYTES_MAX; unit--) {
        number *= 1024;
    }
    if (number < MCPZ_STORE_BYTES_MIN || number > MCPZ_STORE_BYTES_MAX) {
        return mcpz_config_refuse(trouble, setting->place, "%s must be from 1MiB to 16TiB",
                                  mcpz_config_shown(setting->text, shown));
    }
    (void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    return mcpz_config_duplicate(digits, value);
}

static mcpz_error read_peers(const struct mcpz_setting *setting, char **value,
                             struct mcpz_config_trouble *trouble)
{
    char shown[MCPZ_SHOWN_BYTES];
    bool is_digit = setting->text[0] >= '0' && setting->text[0] <= '9' && setting->text[1] == 0;

    if (!is_digit || setting->text[0] - '0' < MCPZ_DIRECT_PEERS_MIN ||
        setting->text[0] - '0' > MCPZ_DIRECT_PEERS_MAX) {
        return mcpz_config_refuse(trouble, setting->place, "\"%s\" must be from %d to %d",
                                  mcpz_config_shown(setting->text, shown), MCPZ_DIRECT_PEERS_MIN,
                                  MCPZ_DIRECT_PEERS_MAX);
    }
    return mcpz_config_duplicate(setting->text, value);
}

static mcpz_error read_isolation(const struct mcpz_setting *setting, char **value,
                                 struct mcpz_config_trouble *trouble)
{
    enum mcpz_isolation isolation = mcpz_isolation_from_word(setting->text);
    char shown[MCPZ_SHOWN_BYTES];

    if (isolation == MCPZ_ISOLATION_UNSAID) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "\"%s\" must be strict, degraded or none",
                                  mcpz_config_shown(setting->text, shown));
    }
    return mcpz_config_duplicate(mcpz_isolation_word(isolation), value);
}

static mcpz_error read_workspaces(const struct mcpz_setting *setting, char **value,
                                  struct mcpz_config_trouble *trouble)
{
    size_t length = strspn(setting->text, "0123456789");
    char shown[MCPZ_SHOWN_BYTES];

    long count = length > 0 && length <= 2 ? strtol(setting->text, NULL, 10) : 0;
    if (setting->text[length] != '\0' || count == 0 || count > MCPZ_WORKSPACES_MAX) {
        return mcpz_config_refuse(trouble, setting->place, "\"%s\" must be from 1 to %d",
                                  mcpz_config_shown(setting->text, shown), MCPZ_WORKSPACES_MAX);
    }
    return mcpz_config_duplicate(setting->text, value);
}

/* The canonical word for the `length` characters of `text`, NULL if they are no level. */
static const char *level_word(const char *text, size_t length)
{
    static const char *const words[][2] = {{"error", "error"},
                                           {"warn", "warn"},
                                           {"warning", "warn"},
                                           {"info", "info"},
                                           {"debug", "debug"}};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(words); i++) {
        if (strlen(words[i][0]) == length && strncasecmp(words[i][0], text, length) == 0) {
            return words[i][1];
        }
    }
    return NULL;
}

/* "info", "INFO", "info,net=debug". */
static mcpz_error read_level(const struct mcpz_setting *setting, char **value,
                             struct mcpz_config_trouble *trouble)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
    char shown[MCPZ_SHOWN_BYTES];
    char level[256] = "";
    size_t used = 0;
    const char *part = setting->text;

    for (;;) {
        size_t length = strcspn(part, ",");
        const char *equals = memchr(part, '=', length);
        size_t module = equals == NULL ? 0 : (size_t)(equals - part) + 1;
        const char *word = level_word(part + module, length - module);
        bool is_named = module == 0 || (module > 1 && strspn(part, letters) == module - 1);

        if (word == NULL || !is_named || used + length + 2 > sizeof(level)) {
            return mcpz_config_refuse(trouble, setting->place,
                                      "\"%s\" must be error, warn, info or debug; for one module "
                                      "as in info,net=debug",
                                      mcpz_config_shown(setting->text, shown));
        }
        used += (size_t)snprintf(level + used, sizeof(level) - used, "%s%.*s%s",
                                 used == 0 ? "" : ",", (int)module, part, word);
        if (part[length] == '\0') {
            return mcpz_config_duplicate(level, value);
        }
        part += length + 1;
    }
}

static mcpz_error read_format(const struct mcpz_setting *setting, char **value,
                              struct mcpz_config_trouble *trouble)
{
    static const char *const words[] = {"auto", "text", "json"};
    char shown[MCPZ_SHOWN_BYTES];

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(words); i++) {
        if (strcasecmp(setting->text, words[i]) == 0) {
            return mcpz_config_duplicate(words[i], value);
        }
    }
    return mcpz_config_refuse(trouble, setting->place, "\"%s\" must be text, json or auto",
                              mcpz_config_shown(setting->text, shown));
}

/* ---- Where a value goes: each takes `*value` over by setting it to NULL ------------------- */

/* The slot of a key that is one text. The offset was made by offsetof() on that very member. */
static char **slot(struct mcpz_config *config, enum mcpz_key key)
{
    return (char **)(void *)((char *)config + mcpz_key_rows[key].offset);
}

static mcpz_error store_text(struct mcpz_config *config, const struct mcpz_setting *setting,
                             char **value, struct mcpz_config_trouble *trouble)
{
    char **text = slot(config, setting->key);

    (void)trouble;
    mcpz_config_wipe(*text);
    *text = *value;
    *value = NULL;
    return MCPZ_OK;
}

static mcpz_error store_enabled(struct mcpz_config *config, const struct mcpz_setting *setting,
                                char **value, struct mcpz_config_trouble *trouble)
{
    (void)setting;
    (void)trouble;
    config->mesh_enabled = strcmp(*value, "true") == 0;
    return MCPZ_OK;
}

static mcpz_error store_ephemeral(struct mcpz_config *config, const struct mcpz_setting *setting,
                                  char **value, struct mcpz_config_trouble *trouble)
{
    (void)setting;
    (void)trouble;
    config->ephemeral = strcmp(*value, "true") == 0;
    return MCPZ_OK;
}

static mcpz_error store_size(struct mcpz_config *config, const struct mcpz_setting *setting,
                             char **value, struct mcpz_config_trouble *trouble)
{
    (void)setting;
    (void)trouble;
    config->store_bytes_max = strtoull(*value, NULL, 10);
    return MCPZ_OK;
}

static mcpz_error store_peers(struct mcpz_config *config, const struct mcpz_setting *setting,
                              char **value, struct mcpz_config_trouble *trouble)
{
    (void)setting;
    (void)trouble;
    config->max_direct_peers = (size_t)(**value - '0');
    return MCPZ_OK;
}

static mcpz_error store_workspaces(struct mcpz_config *config, const struct mcpz_setting *setting,
                                   char **value, struct mcpz_config_trouble *trouble)
{
    (void)setting;
    (void)trouble;
    config->workspaces_max = strtoul(*value, NULL, 10);
    return MCPZ_OK;
}

static void clear(char **list, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        free(list[i]);
        list[i] = NULL;
    }
    *count = 0;
}

struct list {
    char **items;
    size_t *count;
    size_t count_max;
};

/* What is there already is not listed twice. */
static mcpz_error append(const struct list *list, const struct mcpz_setting *setting, char **value,
                         struct mcpz_config_trouble *trouble)
{
    for (size_t i = 0; i < *list->count; i++) {
        if (strcmp(list->items[i], *value) == 0) {
            return MCPZ_OK;
        }
    }
    if (*list->count == list->count_max) {
        return mcpz_config_refuse(trouble, setting->place, "more than %zu", list->count_max);
    }
    list->items[*list->count] = *value;
    (*list->count)++;
    *value = NULL;
    return MCPZ_OK;
}

static mcpz_error store_role(struct mcpz_config *config, const struct mcpz_setting *setting,
                             char **value, struct mcpz_config_trouble *trouble)
{
    const struct list roles = {config->roles, &config->role_count, MCPZ_ROLES_MAX};
    return append(&roles, setting, value, trouble);
}

static mcpz_error store_bootstrap(struct mcpz_config *config, const struct mcpz_setting *setting,
                                  char **value, struct mcpz_config_trouble *trouble)
{
    const struct list seeds = {config->bootstrap, &config->bootstrap_count, MCPZ_SEEDS_MAX};

    if (strncasecmp(setting->text, "ws://", 5) == 0) {
        config->bootstrap_upgraded = true;
    }
    return append(&seeds, setting, value, trouble);
}

static mcpz_error store_api_key(struct mcpz_config *config, const struct mcpz_setting *setting,
                                char **value, struct mcpz_config_trouble *trouble)
{
    size_t count = 1;
    char *joined;

    if (config->api_keys == NULL) {
        config->api_keys = *value;
        *value = NULL;
        return MCPZ_OK;
    }
    for (const char *c = config->api_keys; *c != '\0'; c++) {
        count += *c == ',';
    }
    if (count == MCPZ_API_KEYS_MAX) {
        return mcpz_config_refuse(trouble, setting->place, "more than %d", MCPZ_API_KEYS_MAX);
    }
    if (asprintf(&joined, "%s,%s", config->api_keys, *value) < 0) {
        return MCPZ_ENOMEM;
    }
    mcpz_config_wipe(config->api_keys);
    config->api_keys = joined;
    return MCPZ_OK;
}

static struct mcpz_service *provider_called(struct mcpz_config *config, const char *name,
                                            size_t length)
{
    for (size_t i = 0; i < config->provider_count; i++) {
        if (strlen(config->providers[i].name) == length &&
            memcmp(config->providers[i].name, name, length) == 0) {
            return &config->providers[i];
        }
    }
    return NULL;
}

/* Providers add up; each has an origin of its own. */
static mcpz_error store_provider(struct mcpz_config *config, const struct mcpz_setting *setting,
                                 char **value, struct mcpz_config_trouble *trouble)
{
    size_t length = setting->name == NULL ? strcspn(setting->text, "=") : strlen(setting->name);
    const char *name = setting->name == NULL ? setting->text : setting->name;
    struct mcpz_service *same = provider_called(config, name, length);

    if (same != NULL && same->origin == setting->origin) {
        return mcpz_config_refuse(trouble, setting->place,
                                  "\"%.*s\" is provided twice: a capability has one command",
                                  (int)length, name);
    }
    if (same != NULL && same->origin > setting->origin) {
        return MCPZ_OK;
    }
    if (same == NULL && config->provider_count == MCPZ_PROVIDERS_MAX) {
        return mcpz_config_refuse(trouble, setting->place, "more than %d", MCPZ_PROVIDERS_MAX);
    }
    if (same == NULL) {
        struct mcpz_service *grown =
            mcpz_rows_grow(config->providers, config->provider_count, sizeof(*grown));
        if (grown == NULL) {
            return MCPZ_ENOMEM;
        }
        config->providers = grown;
    }
    char *copy = strndup(name, length);
    if (copy == NULL) {
        return MCPZ_ENOMEM;
    }
    /* How the one below was to be run goes with it. */
    if (same != NULL) {
        mcpz_service_finish(same);
    } else {
        same = &config->providers[config->provider_count++];
        mcpz_service_init(same);
    }
    same->name = copy;
    same->command = *value;
    same->origin = (uint8_t)setting->origin;
    *value = NULL;
    return MCPZ_OK;
}

#define TEXT(member) .offset = offsetof(struct mcpz_config, member), .store = store_text
#define NO_TEXT SIZE_MAX

const struct mcpz_key_row mcpz_key_rows[MCPZ_KEY_COUNT] = {
    [MCPZ_KEY_DATA] = {"data", "MCPZ_DATA", "data", .read = read_text, TEXT(data)},
    [MCPZ_KEY_EPHEMERAL] = {"ephemeral", "MCPZ_EPHEMERAL", "ephemeral", .offset = NO_TEXT,
                            .read = read_bool, .store = store_ephemeral},
    [MCPZ_KEY_NAME] = {"name", "MCPZ_NAME", "name", .read = read_name, TEXT(name)},
    [MCPZ_KEY_REGION] = {"region", "MCPZ_REGION", "region", .read = read_name, TEXT(region)},
    [MCPZ_KEY_ZONE] = {"zone", "MCPZ_ZONE", "zone", .read = read_name, TEXT(zone)},
    [MCPZ_KEY_ROLES] = {"roles", "MCPZ_ROLES", "role", .is_list = true, .offset = NO_TEXT,
                        .read = read_name, .store = store_role},
    [MCPZ_KEY_ENABLED] = {"mesh.enabled", "MCP_MESH_ENABLED", NULL, .offset = NO_TEXT,
                          .read = read_bool, .store = store_enabled},
    [MCPZ_KEY_LISTEN] = {"mesh.listen", "MCP_MESH_HOST, MCP_MESH_PORT", "listen",
                         .read = read_listen, TEXT(listen)},
    [MCPZ_KEY_ADVERTISE] = {"mesh.advertise", "MCPZ_ADVERTISE", "advertise", .read = read_dialled,
                            TEXT(advertise)},
    [MCPZ_KEY_BOOTSTRAP] = {"mesh.bootstrap", "MCP_BOOTSTRAP_PEERS", "bootstrap", .is_list = true,
                            .offset = NO_TEXT, .read = read_url, .store = store_bootstrap},
    [MCPZ_KEY_DIRECT_PEERS] = {"mesh.max_direct_peers", "MCPZ_MAX_DIRECT_PEERS", NULL,
                               .offset = NO_TEXT, .read = read_peers, .store = store_peers},
    [MCPZ_KEY_JOIN] = {"join", "MCPZ_JOIN_TOKEN", "join", .is_secret = true, .read = read_token,
                       TEXT(join)},
    [MCPZ_KEY_API] = {"api.listen", "MCPZ_API", "api", .read = read_listen, TEXT(api)},
    [MCPZ_KEY_API_KEYS] = {"api.keys", "MCP_API_KEYS", NULL, .is_list = true, .is_secret = true,
                           .offset = offsetof(struct mcpz_config, api_keys), .read = read_api_key,
                           .store = store_api_key},
    [MCPZ_KEY_JWT_SECRET] = {"api.jwt_secret", "MCPZ_JWT_SECRET", NULL, .is_secret = true,
                             .read = mcpz_config_read_jwt_secret, TEXT(jwt_secret)},
    [MCPZ_KEY_JWT_KEY] = {"api.jwt_public_key", "MCPZ_JWT_PUBLIC_KEY", NULL,
                          .read = mcpz_config_read_jwt_key, TEXT(jwt_public_key)},
    [MCPZ_KEY_JWT_ISSUER] = {"api.jwt_issuer", "MCPZ_JWT_ISSUER", NULL,
                             .read = mcpz_config_read_jwt_text, TEXT(jwt_issuer)},
    [MCPZ_KEY_JWT_AUDIENCE] = {"api.jwt_audience", "MCPZ_JWT_AUDIENCE", NULL,
                               .read = mcpz_config_read_jwt_text, TEXT(jwt_audience)},
    [MCPZ_KEY_API_CONNECTIONS] = {"api.connections", "MCPZ_API_CONNECTIONS", NULL,
                                  .offset = NO_TEXT, .read = mcpz_config_read_connections,
                                  .store = mcpz_config_store_api},
    [MCPZ_KEY_API_IDLE] = {"api.idle_seconds", "MCPZ_API_IDLE_SECONDS", NULL, .offset = NO_TEXT,
                           .read = mcpz_config_read_idle, .store = mcpz_config_store_api},
    [MCPZ_KEY_PROVIDERS] = {"providers", NULL, "provide", .is_list = true, .offset = NO_TEXT,
                            .read = read_provider, .store = store_provider},
    [MCPZ_KEY_ISOLATION] = {"workspaces.isolation", "MCPZ_ISOLATION", "isolation",
                            .read = read_isolation, TEXT(isolation)},
    [MCPZ_KEY_WORKSPACES] = {"workspaces.max", "MCPZ_WORKSPACES", NULL, .offset = NO_TEXT,
                             .read = read_workspaces, .store = store_workspaces},
    [MCPZ_KEY_STORE_BYTES] = {"limits.store_bytes", "MCPZ_STORE_BYTES", NULL, .offset = NO_TEXT,
                              .read = read_size, .store = store_size},
    [MCPZ_KEY_TENANT_LEVEL] = {"limits.tenant_level", "MCPZ_TENANT_LEVEL", NULL, .offset = NO_TEXT,
                               .read = mcpz_config_read_tenant_level,
                               .store = mcpz_config_store_tenant_level},
    [MCPZ_KEY_CALLS_PER_SECOND] = {"limits.calls_per_second", "MCPZ_CALLS_PER_SECOND", NULL,
                                   .offset = NO_TEXT, .read = mcpz_config_read_rate,
                                   .store = mcpz_config_store_number},
    [MCPZ_KEY_STOP_SECONDS] = {"limits.stop_seconds", "MCPZ_STOP_SECONDS", NULL, .offset = NO_TEXT,
                               .read = mcpz_config_read_stop, .store = mcpz_config_store_number},
    [MCPZ_KEY_NODE_KEY_SOURCE] = {"keys.source", "MCPZ_KEYS_SOURCE", NULL,
                                  .read = mcpz_config_read_key_source, TEXT(keys_source)},
    [MCPZ_KEY_NODE_KEY_MODULE] = {"keys.module", "MCPZ_KEYS_MODULE", NULL,
                                  .read = mcpz_config_read_key_module, TEXT(keys_module)},
    [MCPZ_KEY_NODE_KEY_TOKEN] = {"keys.token", "MCPZ_KEYS_TOKEN", NULL,
                                 .read = mcpz_config_read_key_token, TEXT(keys_token)},
    [MCPZ_KEY_NODE_KEY_OBJECT] = {"keys.object", "MCPZ_KEYS_OBJECT", NULL,
                                  .read = mcpz_config_read_key_object, TEXT(keys_object)},
    [MCPZ_KEY_NODE_KEY_PIN] = {"keys.pin", "MCPZ_KEYS_PIN", NULL, .read = mcpz_config_read_key_pin,
                               TEXT(keys_pin)},
    [MCPZ_KEY_STORE_REPAIR] = {"store.repair", "MCPZ_STORE_REPAIR", NULL,
                               .read = mcpz_config_read_repair, TEXT(store_repair)},
    [MCPZ_KEY_STORE_COMPACT] = {"store.compact", "MCPZ_STORE_COMPACT", NULL, .offset = NO_TEXT,
                                .read = read_bool, .store = mcpz_config_store_store},
    [MCPZ_KEY_AGENTS_HISTORY] = {"agents.history", "MCPZ_AGENTS_HISTORY", NULL, .offset = NO_TEXT,
                                 .read = mcpz_config_read_history,
                                 .store = mcpz_config_store_agents},
    [MCPZ_KEY_AGENTS_GRACE] = {"agents.grace", "MCPZ_AGENTS_GRACE", NULL, .offset = NO_TEXT,
                               .read = mcpz_config_read_away, .store = mcpz_config_store_agents},
    [MCPZ_KEY_SNAPSHOTS_EVERY] = {"snapshots.every", "MCPZ_SNAPSHOTS_EVERY", NULL,
                                  .offset = NO_TEXT, .read = mcpz_config_read_every,
                                  .store = mcpz_config_store_store},
    [MCPZ_KEY_BLOBS_REPAIR_AFTER] = {"blobs.repair_after", "MCPZ_BLOBS_REPAIR_AFTER", NULL,
                                     .offset = NO_TEXT, .read = mcpz_config_read_every,
                                     .store = mcpz_config_store_store},
    [MCPZ_KEY_BLOBS_CLEAR_AFTER] = {"blobs.clear_after", "MCPZ_BLOBS_CLEAR_AFTER", NULL,
                                    .offset = NO_TEXT, .read = mcpz_config_read_away,
                                    .store = mcpz_config_store_store},
    [MCPZ_KEY_SNAPSHOTS_KEEP] = {"snapshots.keep", "MCPZ_SNAPSHOTS_KEEP", NULL, .offset = NO_TEXT,
                                 .read = mcpz_config_read_keep, .store = mcpz_config_store_store},
    [MCPZ_KEY_TASK_ATTEMPTS] = {"tasks.attempts", "MCPZ_TASK_ATTEMPTS", NULL, .offset = NO_TEXT,
                                .read = mcpz_config_read_task, .store = mcpz_config_store_task},
    [MCPZ_KEY_TASK_BACKOFF] = {"tasks.backoff_ms", "MCPZ_TASK_BACKOFF_MS", NULL, .offset = NO_TEXT,
                               .read = mcpz_config_read_task, .store = mcpz_config_store_task},
    [MCPZ_KEY_TASK_TTL] = {"tasks.ttl_seconds", "MCPZ_TASK_TTL_SECONDS", NULL, .offset = NO_TEXT,
                           .read = mcpz_config_read_task, .store = mcpz_config_store_task},
    [MCPZ_KEY_TASK_LEASE] = {"tasks.lease_seconds", "MCPZ_TASK_LEASE_SECONDS", NULL,
                             .offset = NO_TEXT, .read = mcpz_config_read_task,
                             .store = mcpz_config_store_task},
    [MCPZ_KEY_TASK_HOLD] = {"tasks.hold_seconds", "MCPZ_TASK_HOLD_SECONDS", NULL,
                            .offset = NO_TEXT, .read = mcpz_config_read_task,
                            .store = mcpz_config_store_task},
    [MCPZ_KEY_TASK_GRACE] = {"tasks.grace_seconds", "MCPZ_TASK_GRACE_SECONDS", NULL,
                             .offset = NO_TEXT, .read = mcpz_config_read_task,
                             .store = mcpz_config_store_task},
    [MCPZ_KEY_TASK_RETENTION] = {"tasks.retention_seconds", "MCPZ_TASK_RETENTION_SECONDS", NULL,
                                 .offset = NO_TEXT, .read = mcpz_config_read_task,
                                 .store = mcpz_config_store_task},
    [MCPZ_KEY_TENANTS] = {"tenants", "MCPZ_TENANTS", NULL, .is_list = true, .offset = NO_TEXT,
                          .read = mcpz_config_read_tenant, .store = mcpz_config_store_tenant},
    [MCPZ_KEY_RULES] = {"rules", NULL, NULL, .is_list = true, .offset = NO_TEXT,
                        .read = mcpz_config_read_rule, .store = mcpz_config_store_rule},
    [MCPZ_KEY_LOG_LEVEL] = {"log.level", "MCP_LOG_LEVEL", NULL, .read = read_level,
                            TEXT(log_level)},
    [MCPZ_KEY_LOG_FORMAT] = {"log.format", "MCPZ_LOG_FORMAT", NULL, .read = read_format,
                             TEXT(log_format)},
    [MCPZ_KEY_LOG_FILE] = {"log.file", "MCPZ_LOG_FILE", NULL, .read = read_text, TEXT(log_file)},
};

const char *mcpz_config_text(const struct mcpz_config *config, enum mcpz_key key)
{
    if (mcpz_key_rows[key].offset == NO_TEXT) {
        return NULL;
    }
    return *(char *const *)(const void *)((const char *)config + mcpz_key_rows[key].offset);
}

/* A list that was given further down makes way for one given further up. */
static void drop_list(struct mcpz_config *config, enum mcpz_key key)
{
    if (key == MCPZ_KEY_ROLES) {
        clear(config->roles, &config->role_count);
    } else if (key == MCPZ_KEY_BOOTSTRAP) {
        clear(config->bootstrap, &config->bootstrap_count);
        config->bootstrap_upgraded = false;
    } else if (key == MCPZ_KEY_API_KEYS) {
        mcpz_config_wipe(config->api_keys);
        config->api_keys = NULL;
    } else if (key == MCPZ_KEY_TENANTS) {
        config->gate.tenant_count = 0;
    } else if (key == MCPZ_KEY_RULES) {
        config->rule_count = 0;
    }
}

mcpz_error mcpz_config_put(struct mcpz_config *config, const struct mcpz_setting *setting,
                           struct mcpz_config_trouble *trouble)
{
    const struct mcpz_key_row *row = &mcpz_key_rows[setting->key];
    uint8_t *origin = &config->origins[setting->key];
    char *value = NULL;

    /* Also what something above overrides must be right: the override may go. */
    mcpz_error error = row->read(setting, &value, trouble);
    if (error == MCPZ_OK && setting->key == MCPZ_KEY_PROVIDERS) {
        error = row->store(config, setting, &value, trouble);
    } else if (error == MCPZ_OK && setting->origin >= *origin) {
        if (setting->origin > *origin) {
            drop_list(config, setting->key);
        }
        *origin = (uint8_t)setting->origin;
        error = row->store(config, setting, &value, trouble);
    }
    mcpz_config_wipe(value);
    return error;
}
