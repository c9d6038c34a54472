#include "base/attr.h"
#include "base/pkcs11_uri.h"
#include "test.h"

static struct mcpz_pkcs11_uri uri;

static bool reads(const char *text)
{
    return mcpz_pkcs11_uri_read(text, &uri) == NULL;
}

TEST(takes_a_bare_label_for_a_token)
{
    CHECK(reads("Attic token 1"));
    CHECK_TEXT(uri.token, "Attic token 1");
    CHECK_TEXT(uri.object, "");
    CHECK_UINT(uri.id_length, 0);
    CHECK(reads("0123456789abcdef0123456789abcdef"));
    CHECK(!reads("0123456789abcdef0123456789abcdef0"));
    CHECK(!reads(""));
    CHECK(!reads("a\nb"));
    CHECK(!reads("\xff"));
}

TEST(reads_what_tools_print)
{
    CHECK(reads("pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project;serial=3e0a%3b;"
                "token=attic;id=%00%ffA;object=node%20key;type=secret-key"));
    CHECK_TEXT(uri.model, "SoftHSM v2");
    CHECK_TEXT(uri.manufacturer, "SoftHSM project");
    CHECK_TEXT(uri.serial, "3e0a;");
    CHECK_TEXT(uri.token, "attic");
    CHECK_TEXT(uri.object, "node key");
    CHECK_UINT(uri.id_length, 3);
    CHECK(memcmp(uri.id,
                 "\x00\xff"
                 "A",
                 3) == 0);
    CHECK(reads("pkcs11:serial=1;"));
}

TEST(refuses_what_it_would_not_go_by)
{
    static const char *const bad[] = {
        "pkcs11:",
        "pkcs11:object=a",          /* of no token */
        "pkcs11:token=a;slot-id=1", /* unknown here */
        "pkcs11:token",
        "pkcs11:=a",
        "pkcs11:token=a;;serial=1",
        "pkcs11:token=a;id=",
        "pkcs11:token=",
        "pkcs11:token=%2",
        "pkcs11:token=%gg",
        "pkcs11:token=%00",
        "pkcs11:token=a b",
        "pkcs11:token=0123456789abcdef0123456789abcdef0",
        "pkcs11:serial=0123456789abcdef0",
        ("pkcs11:token=a;id="
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0"),
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(bad); i++) {
        CHECK(!reads(bad[i]));
    }
}

TEST(takes_no_pin_and_no_module_from_a_query)
{
    static const char *const bad[] = {
        "pkcs11:token=a?pin-value=1234",
        "pkcs11:token=a;?pin-source=file:/x",
        "pkcs11:?module-path=/evil.so",
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(bad); i++) {
        const char *fault = mcpz_pkcs11_uri_read(bad[i], &uri);
        CHECK(fault != NULL && strstr(fault, "keys.pin") != NULL);
    }
}

TEST_MAIN(RUN(takes_a_bare_label_for_a_token), RUN(reads_what_tools_print),
          RUN(refuses_what_it_would_not_go_by), RUN(takes_no_pin_and_no_module_from_a_query))
