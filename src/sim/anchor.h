/* One number of a paper beside ours. */

#ifndef SIM_ANCHOR_H
#define SIM_ANCHOR_H

#include <stdbool.h>

struct mcpz_anchor {
    const char *table; /* "A4" */
    char metric[64];
    double paper;
    double low; /* ours must lie from here */
    double high;
    double ours;
    bool ok;
};

#endif
