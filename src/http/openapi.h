/* What the API can be asked, for programs: an OpenAPI 3.1 document, written in http/openapi/. */

#ifndef HTTP_OPENAPI_H
#define HTTP_OPENAPI_H

#include "base/bytes.h"

/** The document: JSON, in ASCII. */
struct mcpz_bytes mcpz_openapi_document(void);

#endif
