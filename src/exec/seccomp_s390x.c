#include <limits.h>
#include <linux/audit.h>
#include <sys/syscall.h>

#include "base/attr.h"
#include "exec/seccomp.h"

static const int refused[] = {
    SYS_socketcall, /* older ways whose arguments are in memory, where a filter cannot look */
    SYS_ipc,
    SYS_uselib,
    SYS_ustat,
    SYS_sysfs,
    SYS__sysctl,
    SYS_s390_pci_mmio_read,
    SYS_s390_pci_mmio_write,
};

const struct mcpz_seccomp_architecture mcpz_seccomp_architecture = {
    .audit = AUDIT_ARCH_S390X,
    .foreign_first = UINT_MAX, /* one ABI of 64 bits; that of 31 is another AUDIT_ARCH */
    .clone_flags = 1,
    .refused = refused,
    .refused_count = MCPZ_ARRAY_LEN(refused),
};
