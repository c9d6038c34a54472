#include <limits.h>
#include <linux/audit.h>
#include <sys/syscall.h>

#include "base/attr.h"
#include "exec/seccomp.h"

#define X32_FIRST 0x40000000U /* __X32_SYSCALL_BIT */

static const int refused[] = {
    SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_uselib, SYS_ustat, SYS_sysfs, SYS__sysctl,
};

const struct mcpz_seccomp_architecture mcpz_seccomp_architecture = {
    .audit = AUDIT_ARCH_X86_64,
    .foreign_first = X32_FIRST,
    .clone_flags = 0,
    .refused = refused,
    .refused_count = MCPZ_ARRAY_LEN(refused),
};
