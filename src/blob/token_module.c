#include "blob/token_module.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/identity.h"

#define SLOTS_MAX 64
#define LIST_BYTES 160 /* of tokens that are there, in what is said to people */
#define PIN_ENV "env:"
#define PIN_FILE "file:"

/* ---- Saying what is wrong ------------------------------------------------------------------- */

mcpz_error mcpz_token_say(struct mcpz_token_session *session, mcpz_error error, const char *format,
                          ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(session->trouble->text, sizeof(session->trouble->text), format, arguments);
    va_end(arguments);
    return error;
}

/* What a result of PKCS#11 means here. */
static mcpz_error explain(ck_rv_t result, const char **words)
{
    static const struct {
        ck_rv_t result;
        mcpz_error error;
        const char *words;
    } known[] = {
        {CKR_HOST_MEMORY, MCPZ_ENOMEM, "no memory"},
        {CKR_DEVICE_MEMORY, MCPZ_ENOSPACE, "the token is full"},
        {CKR_TOKEN_NOT_PRESENT, MCPZ_ENOTFOUND, "it is not there any more"},
        {CKR_DEVICE_REMOVED, MCPZ_ENOTFOUND, "it was taken out"},
        {CKR_TOKEN_NOT_RECOGNIZED, MCPZ_ENOTFOUND, "it is not recognised"},
        {CKR_PIN_INCORRECT, MCPZ_EAUTH,
         "the PIN is wrong. It is not tried again by itself: correct what keys.pin names before "
         "the next start, or the token locks itself"},
        {CKR_PIN_INVALID, MCPZ_EAUTH, "that is no PIN"},
        {CKR_PIN_LEN_RANGE, MCPZ_EAUTH, "the PIN is too short or too long"},
        {CKR_PIN_EXPIRED, MCPZ_EAUTH, "the PIN has expired: set a new one with the token's tool"},
        {CKR_PIN_LOCKED, MCPZ_EAUTH,
         "it is locked: too many wrong PINs. Unlock it with the token's tool and its SO PIN"},
        {CKR_USER_PIN_NOT_INITIALIZED, MCPZ_EAUTH, "no PIN has been set for it yet"},
        {CKR_TOKEN_WRITE_PROTECTED, MCPZ_EUNSUPPORTED, "it is write-protected"},
        {CKR_SESSION_READ_ONLY, MCPZ_EUNSUPPORTED, "it can only be read"},
        {CKR_FUNCTION_NOT_SUPPORTED, MCPZ_EUNSUPPORTED, "it cannot do that"},
        {CKR_MECHANISM_INVALID, MCPZ_EUNSUPPORTED, "it has no such mechanism"},
        {CKR_ATTRIBUTE_TYPE_INVALID, MCPZ_EUNSUPPORTED, "it knows no such keys"},
        {CKR_TEMPLATE_INCONSISTENT, MCPZ_EUNSUPPORTED, "it makes no such keys"},
        {CKR_KEY_FUNCTION_NOT_PERMITTED, MCPZ_EUNSUPPORTED, "that key is not for this"},
        {CKR_KEY_TYPE_INCONSISTENT, MCPZ_EUNSUPPORTED, "that key is of another kind"},
        {CKR_USER_NOT_LOGGED_IN, MCPZ_EAUTH, "it wants a PIN"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].result == result) {
            *words = known[i].words;
            return known[i].error;
        }
    }
    *words = NULL;
    return MCPZ_EIO;
}

mcpz_error mcpz_token_fail(struct mcpz_token_session *session, const char *what, ck_rv_t result)
{
    const char *words;
    const mcpz_error error = explain(result, &words);

    if (words != NULL) {
        return mcpz_token_say(session, error, "%s: %s", what, words);
    }
    return mcpz_token_say(session, error, "%s: the module says CKR 0x%lx", what, result);
}

/* ---- The module ----------------------------------------------------------------------------- */

static mcpz_error load(struct mcpz_token_session *session, const char *path)
{
    ck_rv_t (*list)(struct ck_function_list * *functions) = NULL;

    session->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (session->library == NULL) {
        return mcpz_token_say(session, MCPZ_ECONFIG, "keys.module cannot be loaded: %.350s",
                              dlerror());
    }
    void *symbol = dlsym(session->library, "C_GetFunctionList");
    memcpy(&list, &symbol, sizeof(list)); /* ISO C has no cast from one to the other */
    if (list == NULL || list(&session->module) != CKR_OK || session->module == NULL ||
        session->module->version.major < 2) {
        session->module = NULL;
        return mcpz_token_say(session, MCPZ_ECONFIG, "keys.module: %.300s is no PKCS#11 module",
                              path);
    }
    return MCPZ_OK;
}

static mcpz_error initialise(struct mcpz_token_session *session)
{
    struct ck_c_initialize_args arguments = {.flags = CKF_OS_LOCKING_OK};
    ck_rv_t result = session->module->C_Initialize(&arguments);

    if (result == CKR_CANT_LOCK || result == CKR_ARGUMENTS_BAD) {
        result = session->module->C_Initialize(NULL);
    }
    session->is_ours = result == CKR_OK;
    if (result == CKR_OK || result == CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        return MCPZ_OK;
    }
    return mcpz_token_fail(session, "keys.module cannot be initialised", result);
}

/* ---- The token ------------------------------------------------------------------------------ */

/* A field padded with spaces, as a text that can be shown. */
static void read_field(const unsigned char *field, size_t length, char *text)
{
    while (length > 0 && (field[length - 1] == ' ' || field[length - 1] == '\0')) {
        length--;
    }
    const bool is_utf8 = mcpz_bytes_is_utf8(mcpz_bytes(field, length));
    for (size_t i = 0; i < length; i++) {
        const bool is_shown = field[i] >= 0x20 && field[i] != 0x7f && (is_utf8 || field[i] < 0x7f);
        text[i] = '?';
        if (is_shown) {
            text[i] = (char)field[i];
        }
    }
    text[length] = '\0';
}

static void read_token(const struct ck_token_info *info, struct mcpz_pkcs11_uri *token)
{
    *token = (struct mcpz_pkcs11_uri){.token = ""};
    read_field(info->label, sizeof(info->label), token->token);
    read_field(info->manufacturer_id, sizeof(info->manufacturer_id), token->manufacturer);
    read_field(info->model, sizeof(info->model), token->model);
    read_field(info->serial_number, sizeof(info->serial_number), token->serial);
}

static bool fits(const char *wanted, const char *has)
{
    return wanted[0] == '\0' || strcmp(wanted, has) == 0;
}

static bool is_wanted(const struct mcpz_pkcs11_uri *wanted, const struct mcpz_pkcs11_uri *token)
{
    return fits(wanted->token, token->token) && fits(wanted->serial, token->serial) &&
           fits(wanted->model, token->model) && fits(wanted->manufacturer, token->manufacturer);
}

static const char *name_of(const struct mcpz_pkcs11_uri *token)
{
    return token->token[0] != '\0' ? token->token : token->serial;
}

/* Add a token to those that are there. */
static void list_token(char *list, const struct mcpz_pkcs11_uri *token)
{
    const size_t used = strlen(list);

    (void)snprintf(list + used, LIST_BYTES - used, "%s\"%s\"", used > 0 ? ", " : "",
                   name_of(token));
}

static mcpz_error find_token(struct mcpz_token_session *session, struct ck_token_info *info)
{
    ck_slot_id_t slots[SLOTS_MAX];
    unsigned long count = SLOTS_MAX;
    char there[LIST_BYTES] = "";
    unsigned found = 0;

    const ck_rv_t result = session->module->C_GetSlotList(1, slots, &count);
    if (result != CKR_OK) {
        return mcpz_token_fail(session, "keys.module cannot list its tokens", result);
    }
    for (unsigned long i = 0; i < count && i < SLOTS_MAX; i++) {
        struct ck_token_info one;
        struct mcpz_pkcs11_uri token;
        if (session->module->C_GetTokenInfo(slots[i], &one) != CKR_OK ||
            (one.flags & CKF_TOKEN_INITIALIZED) == 0) {
            continue;
        }
        read_token(&one, &token);
        list_token(there, &token);
        if (is_wanted(&session->wanted, &token)) {
            found++;
            *info = one;
            session->slot = slots[i];
            session->found = token;
        }
    }
    if (found > 1) {
        return mcpz_token_say(session, MCPZ_ECONFLICT,
                              "%u tokens are called \"%s\": name one by its serial number, "
                              "keys.token: \"pkcs11:serial=%s\"",
                              found, name_of(&session->wanted), session->found.serial);
    }
    if (found == 0) {
        return mcpz_token_say(session, MCPZ_ENOTFOUND,
                              "the token \"%s\" (keys.token) is not there: plug it in. The module "
                              "sees %s",
                              name_of(&session->wanted), there[0] != '\0' ? there : "none");
    }
    return MCPZ_OK;
}

/* ---- The PIN -------------------------------------------------------------------------------- */

const char *mcpz_token_pin_fault(unsigned long flags)
{
    if ((flags & CKF_USER_PIN_LOCKED) != 0) {
        return "is locked: too many wrong PINs. Unlock it with its own tool and its SO PIN";
    }
    if ((flags & CKF_USER_PIN_FINAL_TRY) != 0) {
        return "has one try left before it locks itself, which is not taken: log in with its own "
               "tool and the right PIN, correct what keys.pin names, and start again";
    }
    return NULL;
}

static mcpz_error read_pin_file(struct mcpz_token_session *session, const char *path, char *pin)
{
    FILE *file = fopen(path, "re");
    const bool is_read = file != NULL && fgets(pin, MCPZ_TOKEN_PIN_BYTES_MAX + 1, file) != NULL;
    const int number = errno;

    if (file != NULL) {
        (void)fclose(file);
    }
    if (!is_read) {
        return mcpz_token_say(session, MCPZ_EAUTH, "keys.pin: no PIN can be read from %.250s: %s",
                              path, file == NULL ? strerror(number) : "it is empty");
    }
    pin[strcspn(pin, "\r\n")] = '\0';
    return MCPZ_OK;
}

/* Look up what `reference` names. `pin` has MCPZ_TOKEN_PIN_BYTES_MAX + 1, and is to be wiped. */
static mcpz_error find_pin(struct mcpz_token_session *session, const char *reference, char *pin)
{
    if (strncmp(reference, PIN_FILE, sizeof(PIN_FILE) - 1) == 0) {
        return read_pin_file(session, reference + sizeof(PIN_FILE) - 1, pin);
    }
    if (strncmp(reference, PIN_ENV, sizeof(PIN_ENV) - 1) != 0) {
        return mcpz_token_say(session, MCPZ_ECONFIG,
                              "keys.pin must be env:NAME or file:PATH: the PIN itself is not "
                              "written there");
    }
    const char *name = reference + sizeof(PIN_ENV) - 1;
    const char *value = getenv(name);
    if (value == NULL || value[0] == '\0' || strlen(value) > MCPZ_TOKEN_PIN_BYTES_MAX) {
        return mcpz_token_say(session, MCPZ_EAUTH,
                              "keys.pin: the variable %.100s holds no PIN for this process", name);
    }
    (void)snprintf(pin, MCPZ_TOKEN_PIN_BYTES_MAX + 1, "%s", value);
    return MCPZ_OK;
}

/* `*has_pin` is false for a token with a PIN pad, or without a PIN. */
static mcpz_error prepare_pin(struct mcpz_token_session *session, const char *reference,
                              unsigned long flags, char *pin, bool *has_pin)
{
    *has_pin = false;
    if ((flags & CKF_LOGIN_REQUIRED) == 0) {
        return MCPZ_OK;
    }
    const char *fault = mcpz_token_pin_fault(flags);
    if (fault != NULL) {
        return mcpz_token_say(session, MCPZ_EAUTH, "the token \"%s\" %s", name_of(&session->found),
                              fault);
    }
    if (reference == NULL) {
        return (flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0
                   ? MCPZ_OK
                   : mcpz_token_say(session, MCPZ_EAUTH,
                                    "the token \"%s\" wants a PIN: say where it is with keys.pin, "
                                    "env:NAME or file:PATH",
                                    name_of(&session->found));
    }
    *has_pin = true;
    return find_pin(session, reference, pin);
}

static mcpz_error log_in(struct mcpz_token_session *session, bool has_pin, char *pin)
{
    char what[96];
    const ck_rv_t result =
        session->module->C_Login(session->session, CKU_USER, has_pin ? (unsigned char *)pin : NULL,
                                 has_pin ? strlen(pin) : 0);

    if (result == CKR_OK || result == CKR_USER_ALREADY_LOGGED_IN) {
        return MCPZ_OK;
    }
    (void)snprintf(what, sizeof(what), "the token \"%s\" lets nobody in",
                   name_of(&session->found));
    return mcpz_token_fail(session, what, result);
}

/* ---- A session ------------------------------------------------------------------------------ */

static mcpz_error start(struct mcpz_token_session *session, const struct mcpz_token_config *config,
                        enum mcpz_token_access access, unsigned long flags)
{
    char pin[MCPZ_TOKEN_PIN_BYTES_MAX + 1] = "";
    bool has_pin;

    mcpz_error error = prepare_pin(session, config->pin, flags, pin, &has_pin);
    if (error == MCPZ_OK && access != MCPZ_TOKEN_LOOK) {
        const unsigned long kind =
            CKF_SERIAL_SESSION | (access == MCPZ_TOKEN_WRITE ? CKF_RW_SESSION : 0);
        const ck_rv_t result =
            session->module->C_OpenSession(session->slot, kind, NULL, NULL, &session->session);
        session->has_session = result == CKR_OK;
        error = result == CKR_OK ? MCPZ_OK
                                 : mcpz_token_fail(session, "no session with the token", result);
    }
    if (error == MCPZ_OK && access != MCPZ_TOKEN_LOOK && (flags & CKF_LOGIN_REQUIRED) != 0) {
        error = log_in(session, has_pin, pin);
    }
    mcpz_wipe(pin, sizeof(pin));
    return error;
}

mcpz_error mcpz_token_open(const struct mcpz_token_config *config, enum mcpz_token_access access,
                           struct mcpz_token_session *session, struct mcpz_token_trouble *trouble)
{
    struct ck_token_info info = {.flags = 0};

    *session = (struct mcpz_token_session){.trouble = trouble};
    trouble->text[0] = '\0';
    if (config->module == NULL || config->token == NULL) {
        return mcpz_token_say(session, MCPZ_ECONFIG,
                              "a token needs keys.module, the path of its PKCS#11 module, and "
                              "keys.token, its label or URI");
    }
    const char *fault = mcpz_pkcs11_uri_read(config->token, &session->wanted);
    if (fault != NULL) {
        return mcpz_token_say(session, MCPZ_ECONFIG, "keys.token %s", fault);
    }
    if (session->wanted.object[0] == '\0' && session->wanted.id_length == 0) {
        const char *object = config->object != NULL ? config->object : MCPZ_TOKEN_OBJECT_DEFAULT;
        (void)snprintf(session->wanted.object, sizeof(session->wanted.object), "%s", object);
    }
    mcpz_error error = load(session, config->module);
    if (error == MCPZ_OK) {
        error = initialise(session);
    }
    if (error == MCPZ_OK) {
        error = find_token(session, &info);
    }
    return error == MCPZ_OK ? start(session, config, access, info.flags) : error;
}

void mcpz_token_close(struct mcpz_token_session *session)
{
    if (session->has_session) {
        (void)session->module->C_CloseSession(session->session);
    }
    if (session->is_ours) {
        (void)session->module->C_Finalize(NULL);
    }
    if (session->library != NULL) {
        (void)dlclose(session->library);
    }
    *session = (struct mcpz_token_session){.library = NULL};
}
