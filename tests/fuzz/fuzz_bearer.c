/*
 * What HTTP clients show: any bytes as they are, and again as header and claims (a NUL between
 * them) of a token that is signed as it should be.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "crypto/hmac.h"
#include "http/bearer.h"

#define PART_BYTES_MAX 1400 /* so that a token of two is not too long */
#define WALL_MS UINT64_C(1300819000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mcpz_bearer bearer = {
    .secret = "0123456789abcdef0123456789abcdef",
    .secret_length = 32,
    .issuer = "joe",
    .audience = "mesh",
};

static size_t append(char *token, size_t length, struct mcpz_bytes bytes)
{
    char *text = token + length;

    mcpz_base64_encode(bytes, text);
    for (; *text != '\0' && *text != '='; text++) {
        *text = *text == '+' ? '-' : *text == '/' ? '_' : *text;
    }
    return (size_t)(text - token);
}

static void check(struct mcpz_bytes token)
{
    struct mcpz_bearer_who who = {.subject = "", .tenant = ""};

    if (mcpz_bearer_check(&bearer, token, WALL_MS, &who) == MCPZ_BEARER_FINE &&
        (memchr(who.subject, '\0', sizeof(who.subject)) == NULL ||
         memchr(who.tenant, '\0', sizeof(who.tenant)) == NULL)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char token[4 * PART_BYTES_MAX];
    uint8_t mac[MCPZ_HMAC_BYTES];

    check(mcpz_bytes(data, size));
    const uint8_t *middle = size > 0 ? memchr(data, '\0', size) : NULL;
    if (middle == NULL || middle - data > PART_BYTES_MAX ||
        data + size - middle > PART_BYTES_MAX) {
        return 0;
    }
    const size_t header = (size_t)(middle - data);
    size_t length = append(token, 0, mcpz_bytes(data, header));
    token[length++] = '.';
    length = append(token, length, mcpz_bytes(middle + 1, size - header - 1));
    mcpz_hmac_sha256(mcpz_bytes(bearer.secret, bearer.secret_length), mcpz_bytes(token, length),
                     mac);
    token[length++] = '.';
    length = append(token, length, mcpz_bytes(mac, sizeof(mac)));
    check(mcpz_bytes(token, length));
    return 0;
}
