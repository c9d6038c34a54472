/* What the system says about this process and its disk. */

#ifndef HTTP_MEASURE_H
#define HTTP_MEASURE_H

#include "http/api.h"

/** Fill in memory and disk; what cannot be read stays as it is. */
void mcpz_measure_process(const char *directory, struct mcpz_api_measures *measures);

#endif
