#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec/workspace.h"
#include "test.h"

#define DEPTH 1200 /* paths of it are longer than PATH_MAX */
#define WIDTH 1000

struct room {
    char path[64];
    int root;
    uint32_t counter;
    char name[MCPZ_WORKSPACE_NAME_BYTES];
    int workspace;
};

static void open_room(struct room *room)
{
    *room = (struct room){.counter = 0};
    (void)snprintf(room->path, sizeof(room->path), "/tmp/mcpz-room-XXXXXX");
    CHECK(mkdtemp(room->path) != NULL);
    CHECK(mcpz_workspace_open_root(room->path, &room->root) == MCPZ_OK);
    CHECK(mcpz_workspace_make(room->root, &room->counter, room->name) == MCPZ_OK);
    room->workspace = openat(room->root, room->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(room->workspace >= 0);
}

/* Fails if anything is left. */
static void close_room(struct room *room)
{
    CHECK(close(room->workspace) == 0);
    CHECK(close(room->root) == 0);
    CHECK(rmdir(room->path) == 0);
}

static void make_file(int directory, const char *name)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK(close(fd) == 0);
}

TEST(makes_directories_that_are_ours_alone)
{
    struct room room;
    struct stat status;
    open_room(&room);

    CHECK_TEXT(room.name, "task-00000001");
    CHECK(fstat(room.workspace, &status) == 0);
    CHECK_UINT(status.st_mode & 07777U, 0700);
    CHECK(fstat(room.root, &status) == 0);
    CHECK_UINT(status.st_mode & 07777U, 0700);

    CHECK(mcpz_workspace_remove(room.root, room.name));
    close_room(&room);
}

TEST(passes_over_names_that_are_taken)
{
    struct room room;
    open_room(&room);

    uint32_t counter = 0;
    CHECK(mcpz_workspace_make(room.root, &counter, room.name) == MCPZ_OK);
    CHECK_TEXT(room.name, "task-00000002");
    CHECK(mcpz_workspace_remove(room.root, room.name));
    CHECK(mcpz_workspace_remove(room.root, "task-00000001"));

    close_room(&room);
}

TEST(removes_what_is_not_there)
{
    struct room room;
    open_room(&room);

    CHECK(mcpz_workspace_remove(room.root, room.name));
    CHECK(mcpz_workspace_remove(room.root, room.name));

    close_room(&room);
}

TEST(removes_what_is_nested_deeper_than_a_path_can_say)
{
    struct room room;
    open_room(&room);

    int at = dup(room.workspace);
    for (int i = 0; i < DEPTH; i++) {
        CHECK(mkdirat(at, "down", 0700) == 0);
        make_file(at, "file");
        int next = openat(at, "down", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(next >= 0 && close(at) == 0);
        at = next;
    }
    CHECK(close(at) == 0);
    CHECK(mcpz_workspace_remove(room.root, room.name));

    close_room(&room);
}

TEST(removes_many_files_and_names_it_would_use_itself)
{
    struct room room;
    char name[32];
    open_room(&room);

    CHECK(mkdirat(room.workspace, "a", 0700) == 0);
    CHECK(mkdirat(room.workspace, "a/b", 0700) == 0);
    CHECK(mkdirat(room.workspace, "a/b/c", 0700) == 0);
    CHECK(mkdirat(room.workspace, "up-00000002", 0700) == 0);
    make_file(room.workspace, "up-00000002/full");
    for (int i = 0; i < WIDTH; i++) {
        (void)snprintf(name, sizeof(name), "a/b/%d", i);
        make_file(room.workspace, name);
    }
    make_file(room.workspace, "up-00000000");
    make_file(room.workspace, "up-00000001");
    CHECK(mcpz_workspace_remove(room.root, room.name));

    close_room(&room);
}

TEST(removes_links_and_not_what_they_point_to)
{
    struct room room;
    struct room other;
    open_room(&room);
    open_room(&other);
    make_file(other.workspace, "kept");
    char target[128];
    (void)snprintf(target, sizeof(target), "%s/%s", other.path, other.name);

    CHECK(mkdirat(room.workspace, "in", 0700) == 0);
    CHECK(symlinkat(target, room.workspace, "out") == 0);
    CHECK(symlinkat(target, room.workspace, "in/out") == 0);
    CHECK(symlinkat("/", room.workspace, "top") == 0);
    CHECK(symlinkat("..", room.workspace, "in/up") == 0);
    CHECK(mcpz_workspace_remove(room.root, room.name));
    CHECK(faccessat(other.workspace, "kept", F_OK, 0) == 0);

    /* Nor where the workspace itself is one. */
    CHECK(symlinkat(target, room.root, "task-00000002") == 0);
    CHECK(!mcpz_workspace_remove(room.root, "task-00000002"));
    CHECK(faccessat(other.workspace, "kept", F_OK, 0) == 0);
    CHECK(unlinkat(room.root, "task-00000002", 0) == 0);

    CHECK(mcpz_workspace_remove(other.root, other.name));
    close_room(&other);
    close_room(&room);
}

TEST(removes_what_a_task_has_locked)
{
    struct room room;
    open_room(&room);

    CHECK(mkdirat(room.workspace, "a", 0700) == 0);
    CHECK(mkdirat(room.workspace, "a/b", 0700) == 0);
    make_file(room.workspace, "a/b/file");
    CHECK(fchmodat(room.workspace, "a/b", 0, 0) == 0);
    CHECK(fchmodat(room.workspace, "a", 0, 0) == 0);
    CHECK(fchmod(room.workspace, 0) == 0);
    CHECK(mcpz_workspace_remove(room.root, room.name));

    close_room(&room);
}

TEST(removes_pipes_and_sockets_like_files)
{
    struct room room;
    open_room(&room);

    CHECK(mkfifoat(room.workspace, "pipe", 0600) == 0);
    CHECK(mkdirat(room.workspace, "a", 0700) == 0);
    CHECK(mkfifoat(room.workspace, "a/pipe", 0600) == 0);
    CHECK(mcpz_workspace_remove(room.root, room.name));

    close_room(&room);
}

TEST(refuses_a_root_that_is_none)
{
    int root = -1;

    CHECK(mcpz_workspace_open_root("/dev/null", &root) == MCPZ_EIO);
    CHECK(mcpz_workspace_open_root("/no/such/parent", &root) == MCPZ_EIO);
    CHECK(root == -1);
}

TEST(says_when_there_is_no_room_for_a_workspace)
{
    struct room room;
    char name[MCPZ_WORKSPACE_NAME_BYTES];
    open_room(&room);

    CHECK(mcpz_workspace_remove(room.root, room.name));
    CHECK(rmdir(room.path) == 0);
    CHECK(mcpz_workspace_make(room.root, &room.counter, name) == MCPZ_EIO);

    CHECK(mkdir(room.path, 0700) == 0);
    close_room(&room);
}

TEST_MAIN(RUN(makes_directories_that_are_ours_alone), RUN(passes_over_names_that_are_taken),
          RUN(removes_what_is_not_there), RUN(removes_what_is_nested_deeper_than_a_path_can_say),
          RUN(removes_many_files_and_names_it_would_use_itself),
          RUN(removes_links_and_not_what_they_point_to), RUN(removes_what_a_task_has_locked),
          RUN(removes_pipes_and_sockets_like_files), RUN(refuses_a_root_that_is_none),
          RUN(says_when_there_is_no_room_for_a_workspace))
