/* A token in software (SoftHSM 2) whose files lie in a scratch directory. */

#ifndef SOFT_TOKEN_H
#define SOFT_TOKEN_H

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include "blob/token_key.h"
#include "scratch.h"

#define SOFT_MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define SOFT_PIN "271828"
#define SOFT_SO_PIN "31415926"
#define SOFT_SKIPPED 77 /* for meson */

/* Is it installed? */
static inline bool soft_token_is_there(void)
{
    return access(SOFT_MODULE, R_OK) == 0;
}

static inline struct ck_function_list *soft_token_load(void **library)
{
    ck_rv_t (*list)(struct ck_function_list * *functions) = NULL;
    struct ck_function_list *module = NULL;

    *library = dlopen(SOFT_MODULE, RTLD_NOW | RTLD_LOCAL);
    CHECK(*library != NULL);
    void *symbol = dlsym(*library, "C_GetFunctionList");
    memcpy(&list, &symbol, sizeof(list));
    CHECK_UINT(list(&module), CKR_OK);
    CHECK_UINT(module->C_Initialize(NULL), CKR_OK);
    return module;
}

static inline void soft_token_unload(void *library, struct ck_function_list *module)
{
    CHECK_UINT(module->C_Finalize(NULL), CKR_OK);
    CHECK(dlclose(library) == 0);
}

/* Point the module to `scratch`, where there is nothing yet. */
static inline void soft_token_prepare(const struct scratch *scratch)
{
    char path[SCRATCH_FILE_PATH_BYTES];
    char text[SCRATCH_FILE_PATH_BYTES + 128];

    CHECK(mkdir(scratch_path(scratch, "tokens", path), 0700) == 0);
    const int length = snprintf(text, sizeof(text),
                                "directories.tokendir = %s\nobjectstore.backend = file\n"
                                "log.level = ERROR\n",
                                path);
    scratch_write(scratch, "softhsm2.conf", text, (size_t)length, 0600);
    CHECK(setenv("SOFTHSM2_CONF", scratch_path(scratch, "softhsm2.conf", path), 1) == 0);
}

/* A session with the last slot, which is empty, as somebody who may make a token of it. */
static inline ck_session_handle_t soft_token_log_in(struct ck_function_list *module,
                                                    ck_slot_id_t slot, ck_user_type_t user,
                                                    const char *pin)
{
    char text[16];
    ck_session_handle_t session;

    snprintf(text, sizeof(text), "%s", pin);
    CHECK_UINT(
        module->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
        CKR_OK);
    CHECK_UINT(module->C_Login(session, user, (unsigned char *)text, strlen(text)), CKR_OK);
    return session;
}

/* Make a token called `label`. */
static inline void soft_token_make(const char *label)
{
    void *library;
    struct ck_function_list *module = soft_token_load(&library);
    ck_slot_id_t slots[8];
    unsigned long count = 8;
    unsigned char padded[33];
    char so_pin[] = SOFT_SO_PIN;
    char pin[] = SOFT_PIN;

    snprintf((char *)padded, sizeof(padded), "%-32s", label);
    CHECK_UINT(module->C_GetSlotList(0, slots, &count), CKR_OK);
    const ck_slot_id_t slot = slots[count - 1];
    CHECK_UINT(module->C_InitToken(slot, (unsigned char *)so_pin, strlen(so_pin), padded), CKR_OK);
    const ck_session_handle_t session = soft_token_log_in(module, slot, CKU_SO, SOFT_SO_PIN);
    CHECK_UINT(module->C_InitPIN(session, (unsigned char *)pin, strlen(pin)), CKR_OK);
    soft_token_unload(library, module);
}

/* Make an AES key in the only token, called `label`, that is for CBC alone. */
static inline void soft_token_make_cbc(const char *label)
{
    void *library;
    struct ck_function_list *module = soft_token_load(&library);
    struct ck_mechanism mechanism = {.mechanism = CKM_AES_KEY_GEN};
    ck_mechanism_type_t allowed[] = {CKM_AES_CBC};
    ck_slot_id_t slots[8];
    ck_object_handle_t key;
    unsigned long count = 8;
    unsigned long bytes = 32;
    unsigned char yes = 1;
    char name[64];

    snprintf(name, sizeof(name), "%s", label);
    CHECK_UINT(module->C_GetSlotList(1, slots, &count), CKR_OK);
    const ck_session_handle_t session = soft_token_log_in(module, slots[0], CKU_USER, SOFT_PIN);
    struct ck_attribute of_key[] = {{CKA_TOKEN, &yes, 1},
                                    {CKA_PRIVATE, &yes, 1},
                                    {CKA_ENCRYPT, &yes, 1},
                                    {CKA_DECRYPT, &yes, 1},
                                    {CKA_VALUE_LEN, &bytes, sizeof(bytes)},
                                    {CKA_LABEL, name, strlen(name)},
                                    {CKA_ALLOWED_MECHANISMS, allowed, sizeof(allowed)}};
    CHECK_UINT(module->C_GenerateKey(session, &mechanism, of_key, 7, &key), CKR_OK);
    soft_token_unload(library, module);
}

/* Make an RSA pair in the only token, called `label`. */
static inline void soft_token_make_rsa(const char *label)
{
    void *library;
    struct ck_function_list *module = soft_token_load(&library);
    struct ck_mechanism mechanism = {.mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN};
    ck_slot_id_t slots[8];
    ck_object_handle_t public;
    ck_object_handle_t private;
    unsigned long count = 8;
    unsigned long bits = 2048;
    unsigned char yes = 1;
    unsigned char id[] = {1, 2};
    char name[64];

    snprintf(name, sizeof(name), "%s", label);
    CHECK_UINT(module->C_GetSlotList(1, slots, &count), CKR_OK);
    const ck_session_handle_t session = soft_token_log_in(module, slots[0], CKU_USER, SOFT_PIN);
    struct ck_attribute of_public[] = {{CKA_TOKEN, &yes, 1},
                                       {CKA_ENCRYPT, &yes, 1},
                                       {CKA_MODULUS_BITS, &bits, sizeof(bits)},
                                       {CKA_ID, id, sizeof(id)}};
    struct ck_attribute of_private[] = {{CKA_TOKEN, &yes, 1},
                                        {CKA_PRIVATE, &yes, 1},
                                        {CKA_DECRYPT, &yes, 1},
                                        {CKA_LABEL, name, strlen(name)},
                                        {CKA_ID, id, sizeof(id)}};
    CHECK_UINT(module->C_GenerateKeyPair(session, &mechanism, of_public, 4, of_private, 5, &public,
                                         &private),
               CKR_OK);
    soft_token_unload(library, module);
}

/* A token "attic" in the scratch directory, and how it is reached. */
static inline struct mcpz_token_config soft_token_begin(const struct scratch *scratch)
{
    soft_token_prepare(scratch);
    soft_token_make("attic");
    CHECK(setenv("TEST_PIN", SOFT_PIN, 1) == 0);
    return (struct mcpz_token_config){
        .module = SOFT_MODULE, .token = "attic", .pin = "env:TEST_PIN"};
}

#endif
