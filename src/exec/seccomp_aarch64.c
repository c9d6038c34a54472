#include <limits.h>
#include <linux/audit.h>

#include "exec/seccomp.h"

const struct mcpz_seccomp_architecture mcpz_seccomp_architecture = {
    .audit = AUDIT_ARCH_AARCH64,
    .foreign_first =
        UINT_MAX, /* calls of 32-bit programs come with an architecture of their own */
    .clone_flags = 0,
    .refused = NULL,
    .refused_count = 0,
};
