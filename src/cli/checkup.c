#include "cli/checkup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "blob/key_care.h"
#include "crypto/identity.h"
#include "embed/node_key_source.h"
#include "exec/machine.h"

#define TEXT_BYTES 512
#define FILES_WANTED 1024
#define FILES_LEAST 256
#define LOCKED_LEAST 65536 /* for keys that must not be swapped out */
#define DISK_LEAST (UINT64_C(64) << 20)
#define DISK_WANTED (UINT64_C(1) << 30)
#define YEAR_2025 1735689600 /* no earlier time is right: certificates would be not yet valid */

void mcpz_checkup_note(struct mcpz_checkup *checkup, const char *name, enum mcpz_finding finding,
                       const char *advice, const char *format, ...)
{
    static const char *const words[] = {"ok", "warn", "fail"};
    char text[TEXT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    checkup->failed |= finding == MCPZ_FINDING_FAIL;
    (void)json_array_append_new(checkup->rows,
                                json_pack("{s:s, s:s, s:s, s:s?}", "name", name, "state",
                                          words[finding], "text", text, "advice",
                                          finding == MCPZ_FINDING_OK ? NULL : advice));
}

/* ---- The system --------------------------------------------------------------------------- */

static void check_files(struct mcpz_checkup *checkup)
{
    struct rlimit limit = {.rlim_cur = 0};

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    mcpz_checkup_note(checkup, "open files",
                      limit.rlim_cur < FILES_LEAST    ? MCPZ_FINDING_FAIL
                      : limit.rlim_cur < FILES_WANTED ? MCPZ_FINDING_WARN
                                                      : MCPZ_FINDING_OK,
                      "raise it: `ulimit -n 4096`, or LimitNOFILE= in the service",
                      "%llu may be open at once", (unsigned long long)limit.rlim_cur);
}

static void check_locked(struct mcpz_checkup *checkup)
{
    struct rlimit limit = {.rlim_cur = 0};

    (void)getrlimit(RLIMIT_MEMLOCK, &limit);
    if (limit.rlim_cur == RLIM_INFINITY) {
        mcpz_checkup_note(checkup, "locked memory", MCPZ_FINDING_OK, NULL, "no limit");
        return;
    }
    mcpz_checkup_note(checkup, "locked memory",
                      limit.rlim_cur < LOCKED_LEAST ? MCPZ_FINDING_FAIL : MCPZ_FINDING_OK,
                      "keys must not be swapped out: raise `ulimit -l`, or LimitMEMLOCK=",
                      "%llu KiB may be locked", (unsigned long long)limit.rlim_cur / 1024);
}

static void check_clock(struct mcpz_checkup *checkup)
{
    struct timex clock = {.modes = 0};
    char text[64];
    struct tm parts;
    time_t now = time(NULL);

    (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&now, &parts));
    if (now < YEAR_2025) {
        mcpz_checkup_note(checkup, "clock", MCPZ_FINDING_FAIL,
                          "set it: certificates made elsewhere are not valid yet", "it is %s",
                          text);
    } else if (adjtimex(&clock) == TIME_ERROR) {
        mcpz_checkup_note(checkup, "clock", MCPZ_FINDING_WARN,
                          "turn on time synchronisation (chrony, systemd-timesyncd); a host of "
                          "containers may do it without telling",
                          "it is %s, and nobody says that it is synchronised", text);
    } else {
        mcpz_checkup_note(checkup, "clock", MCPZ_FINDING_OK, NULL, "%s, synchronised", text);
    }
}

void mcpz_checkup_system(struct mcpz_checkup *checkup)
{
    check_files(checkup);
    check_locked(checkup);
    check_clock(checkup);
}

/* ---- Workspaces --------------------------------------------------------------------------- */

static void check_groups(struct mcpz_checkup *checkup, const struct mcpz_cgroups *cgroups)
{
    static const char advice[] =
        "as a service: Delegate=yes; by hand: `systemd-run --user --scope -p Delegate=yes mcpz "
        "up`. Until then memory and processes are watched instead, and processors assigned";

    if (cgroups->path[0] == '\0') {
        mcpz_checkup_note(checkup, "cgroup v2", MCPZ_FINDING_WARN, advice,
                          "none that this user may write to");
        return;
    }
    bool all = cgroups->memory && cgroups->cpu && cgroups->pids;
    mcpz_checkup_note(checkup, "cgroup v2", all ? MCPZ_FINDING_OK : MCPZ_FINDING_WARN, advice,
                      "memory %s, cpu %s, pids %s, kill %s", cgroups->memory ? "yes" : "no",
                      cgroups->cpu ? "yes" : "no", cgroups->pids ? "yes" : "no",
                      cgroups->kill ? "yes" : "no");
}

static void check_parts(struct mcpz_checkup *checkup, const struct mcpz_machine *machine)
{
    mcpz_checkup_note(
        checkup, "Landlock", machine->landlock_abi > 0 ? MCPZ_FINDING_OK : MCPZ_FINDING_WARN,
        "Linux 5.13 or later, with lsm=landlock,... on its command line; without it a task can "
        "read and write what this user can",
        machine->landlock_abi > 0 ? "ABI %d" : "not there", machine->landlock_abi);
    mcpz_checkup_note(checkup, "seccomp", machine->seccomp ? MCPZ_FINDING_OK : MCPZ_FINDING_WARN,
                      "a kernel with CONFIG_SECCOMP_FILTER; without it a task has the network",
                      machine->seccomp ? "there" : "not there");
    mcpz_checkup_note(checkup, "namespaces",
                      machine->namespaces ? MCPZ_FINDING_OK : MCPZ_FINDING_WARN,
                      "user.max_user_namespaces, kernel.unprivileged_userns_clone, or an AppArmor "
                      "profile forbids them; seccomp does their work",
                      machine->namespaces ? "of users, network and IPC" : "not for this user");
    mcpz_checkup_note(checkup, "mounts", machine->mounts ? MCPZ_FINDING_OK : MCPZ_FINDING_WARN,
                      "Linux 5.12 or later, and namespaces: without them a task can change mode, "
                      "owner and times of files this user owns",
                      machine->mounts ? "read-only for tasks" : "as they are for this user");
    mcpz_checkup_note(checkup, "/proc", machine->census ? MCPZ_FINDING_OK : MCPZ_FINDING_WARN,
                      "mount /proc, with CONFIG_PROC_CHILDREN: without it nobody counts the "
                      "processes of a task where cgroups do not",
                      machine->census ? "tells of children" : "does not tell of children");
}

static void check_providers(struct mcpz_checkup *checkup, const struct mcpz_machine *machine,
                            const struct mcpz_config *config)
{
    for (size_t i = 0; i < config->provider_count; i++) {
        const struct mcpz_service *provider = &config->providers[i];
        enum mcpz_isolation got =
            mcpz_machine_isolation(machine, (enum mcpz_isolation)provider->isolation);
        char name[TEXT_BYTES];

        (void)snprintf(name, sizeof(name), "provider %s", provider->name);
        if (got == MCPZ_ISOLATION_UNSAID) {
            mcpz_checkup_note(checkup, name, MCPZ_FINDING_FAIL,
                              "allow it with `isolation: degraded`, or provide what is missing",
                              "wants strict isolation, which is not to be had here");
        } else {
            mcpz_checkup_note(checkup, name,
                              got == MCPZ_ISOLATION_NONE ? MCPZ_FINDING_WARN : MCPZ_FINDING_OK,
                              "its tasks can do all that this user can", "isolation %s",
                              mcpz_isolation_word(got));
        }
    }
}

void mcpz_checkup_workspaces(struct mcpz_checkup *checkup, const struct mcpz_config *config)
{
    struct mcpz_machine machine;
    char missing[MCPZ_MACHINE_TEXT_BYTES];

    mcpz_machine_init(&machine);
    check_parts(checkup, &machine);
    check_groups(checkup, &machine.cgroups);
    mcpz_machine_show_missing(&machine, missing, sizeof(missing));
    mcpz_checkup_note(checkup, "isolation",
                      missing[0] == '\0' ? MCPZ_FINDING_OK : MCPZ_FINDING_WARN,
                      "`isolation: strict` is refused here; see the lines above",
                      missing[0] == '\0' ? "strict%s" : "degraded: there is no %s", missing);
    if (geteuid() == 0) {
        mcpz_checkup_note(checkup, "user", MCPZ_FINDING_WARN,
                          "run the node as a user of its own: tasks are root too, without "
                          "capabilities but as the owner of root's files",
                          "root");
    }
    check_providers(checkup, &machine, config);
    mcpz_machine_finish(&machine);
}

/* ---- The store ---------------------------------------------------------------------------- */

void mcpz_checkup_store(struct mcpz_checkup *checkup, const struct mcpz_config *config)
{
    struct statvfs disk;
    struct stat facts;
    const char *data = config->data;

    if (stat(data, &facts) != 0) {
        mcpz_checkup_note(checkup, "data", MCPZ_FINDING_OK, NULL, "%s is made by `mcpz up`", data);
        data = ".";
    } else if (!S_ISDIR(facts.st_mode) || access(data, R_OK | W_OK | X_OK) != 0) {
        mcpz_checkup_note(checkup, "data", MCPZ_FINDING_FAIL,
                          "make it this user's own directory, or name another with --data",
                          "%s: %s", data,
                          S_ISDIR(facts.st_mode) ? strerror(errno) : "no directory");
        return;
    } else {
        bool open = (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0;
        mcpz_checkup_note(checkup, "data", open ? MCPZ_FINDING_WARN : MCPZ_FINDING_OK,
                          "its keys are in it: `chmod 700` it", "%s%s", data,
                          open ? " can be entered by others" : "");
    }
    if (statvfs(data, &disk) != 0) {
        return;
    }
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    mcpz_checkup_note(checkup, "disk",
                      free_bytes < DISK_LEAST    ? MCPZ_FINDING_FAIL
                      : free_bytes < DISK_WANTED ? MCPZ_FINDING_WARN
                                                 : MCPZ_FINDING_OK,
                      "make room, or put the data elsewhere with --data",
                      "%llu MiB free; the store may take %llu MiB",
                      (unsigned long long)(free_bytes >> 20),
                      (unsigned long long)(config->store_bytes_max >> 20));
}

/* ---- The node key ------------------------------------------------------------------------- */

static void note_key(struct mcpz_checkup *checkup, const struct mcpz_key_care *care)
{
    switch (care->place) {
    case MCPZ_KEY_IN_FILE:
        mcpz_checkup_note(checkup, "node key", MCPZ_FINDING_OK, NULL, "in DATA/keys/node.key%s",
                          care->has_ring ? "" : ", made at the first start");
        return;
    case MCPZ_KEY_IN_ENVIRONMENT:
        mcpz_checkup_note(checkup, "node key", MCPZ_FINDING_OK, NULL, "in MCPZ_NODE_KEY");
        return;
    case MCPZ_KEY_IN_TOKEN:
        mcpz_checkup_note(checkup, "node key", MCPZ_FINDING_OK, NULL,
                          "wrapped by the token \"%s\" (%s, serial %s), which is there; its PIN "
                          "was not tried",
                          care->token.token, care->token.model, care->token.serial);
        return;
    }
}

void mcpz_checkup_keys(struct mcpz_checkup *checkup, const struct mcpz_config *config,
                       bool node_runs)
{
    struct mcpz_node_key_source source;
    struct mcpz_key_care care = {.place = MCPZ_KEY_IN_FILE};
    struct mcpz_trouble trouble = {.text = ""};
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/keys", config->data);
    mcpz_error error = mcpz_crypto_init();
    if (error == MCPZ_OK) {
        error = mcpz_node_key_source(config, &source, &trouble);
    }
    if (error == MCPZ_OK) {
        error = mcpz_key_care_look(path, &source.key, &care);
    }
    if (error == MCPZ_OK) {
        note_key(checkup, &care);
        return;
    }
    mcpz_checkup_note(checkup, "node key", node_runs ? MCPZ_FINDING_WARN : MCPZ_FINDING_FAIL,
                      node_runs
                          ? "the node that runs has it; its next start may not: see \"keys\" "
                            "in the configuration"
                          : "the node does not start without it: see \"keys\" in the "
                            "configuration",
                      "%s",
                      trouble.text[0] != '\0'        ? trouble.text
                      : care.trouble.text[0] != '\0' ? care.trouble.text
                                                     : mcpz_strerror(error));
}

/* ---- The port ----------------------------------------------------------------------------- */

/* 0: it can be listened on; else errno. Addresses only: names would ask the network. */
static int try_port(const char *host, uint16_t port)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *address = NULL;
    char service[8];
    const int on = 1;

    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    if (getaddrinfo(host, service, &hints, &address) != 0) {
        return 0;
    }
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int cause = 0;
    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, 1) != 0) {
            cause = errno;
        }
        (void)close(fd);
    }
    freeaddrinfo(address);
    return cause;
}

void mcpz_checkup_port(struct mcpz_checkup *checkup, const struct mcpz_config *config,
                       bool node_runs)
{
    char host[MCPZ_ADDRESS_BYTES_MAX + 1];
    uint16_t port;

    if (!mcpz_config_listens(config) ||
        mcpz_address_split(config->listen, MCPZ_PORT_DEFAULT, host, &port) != MCPZ_OK) {
        return;
    }
    int cause = port != 0 ? try_port(host, port) : 0;
    if (cause == EADDRINUSE && node_runs) {
        mcpz_checkup_note(checkup, "port", MCPZ_FINDING_OK, NULL, "%s, with a node on it",
                          config->listen);
        return;
    }
    mcpz_checkup_note(checkup, "port", cause != 0 ? MCPZ_FINDING_FAIL : MCPZ_FINDING_OK,
                      "stop what listens there, or choose another: --listen HOST:PORT", "%s%s%s",
                      config->listen, cause != 0 ? ": " : " is free",
                      cause != 0 ? strerror(cause) : "");
}
