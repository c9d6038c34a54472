#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "cli/client.h"
#include "cli/interrupt.h"
#include "scratch.h"
#include "test.h"

#define PATIENCE_MS 20000 /* never used up but where the test is about it */
#define SHORT_MS 20

/* What the other end of the socket does, in a process of its own. */
struct script {
    const char *answer;
    size_t answer_length;
    size_t piece;        /* bytes in one write; 0: all */
    bool is_early;       /* answers before it has read the request */
    bool is_silent;      /* never answers */
    bool interrupts;     /* sends SIGINT to who asks, then is silent */
    uint64_t body_bytes; /* to read after the head, before it answers */
    uint64_t padding;    /* further 'x' after the answer */
};

static struct scratch scratch;
static char socket_path[SCRATCH_FILE_PATH_BYTES];
static struct mcpz_trouble trouble;
static struct mcpz_client_answer answer;
static pid_t server;

static int make(void **state)
{
    (void)state;
    scratch_make(&scratch);
    (void)scratch_path(&scratch, "mcpz.sock", socket_path);
    server = 0;
    return 0;
}

static int clean(void **state)
{
    (void)state;
    mcpz_client_answer_finish(&answer);
    if (server > 0) {
        (void)kill(server, SIGKILL);
        CHECK(waitpid(server, NULL, 0) == server);
    }
    scratch_remove(&scratch);
    return 0;
}

/* ---- The server: no checks of cmocka in here, it is another process ----------------------- */

static void send_pieces(int connection, const struct script *script)
{
    size_t piece = script->piece > 0 ? script->piece : script->answer_length;

    for (size_t at = 0; at < script->answer_length; at += piece) {
        size_t left = script->answer_length - at;
        if (send(connection, script->answer + at, left < piece ? left : piece, MSG_NOSIGNAL) < 0) {
            return;
        }
    }
    char padding[65536];
    memset(padding, 'x', sizeof(padding));
    for (uint64_t sent = 0; sent < script->padding; sent += sizeof(padding)) {
        if (send(connection, padding, sizeof(padding), MSG_NOSIGNAL) < 0) {
            return;
        }
    }
}

/* Reads a head and `body_bytes`, and keeps all of it in DIRECTORY/request. */
static void take_request(int connection, const struct script *script)
{
    char path[SCRATCH_FILE_PATH_BYTES];
    char bytes[65536];
    char tail[4] = "";
    uint64_t body = UINT64_MAX; /* still in the head */
    FILE *kept = fopen(scratch_path(&scratch, "request", path), "w");

    while (body != script->body_bytes) {
        ssize_t got = recv(connection, bytes, body == UINT64_MAX ? 1 : sizeof(bytes), 0);
        if (got <= 0) {
            break;
        }
        (void)fwrite(bytes, 1, (size_t)got, kept);
        if (body != UINT64_MAX) {
            body += (uint64_t)got;
            continue;
        }
        memmove(tail, tail + 1, 3);
        tail[3] = bytes[0];
        body = memcmp(tail, "\r\n\r\n", 4) == 0 ? 0 : body;
    }
    (void)fclose(kept);
}

static void serve(int listener, const struct script *script)
{
    int connection = accept(listener, NULL, NULL);

    if (script->interrupts) {
        (void)kill(getppid(), SIGINT);
    }
    if (script->is_silent || script->interrupts) {
        for (;;) {
            (void)pause();
        }
    }
    if (!script->is_early) {
        take_request(connection, script);
    }
    send_pieces(connection, script);
    (void)shutdown(connection, SHUT_WR);
    /* Closing with unread bytes would reset what was sent. */
    char rest[4096];
    while (!script->is_early && recv(connection, rest, sizeof(rest), 0) > 0) {
    }
    if (script->is_early) {
        (void)pause();
    }
    _exit(0);
}

static void start(const struct script *script)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(listener >= 0 && strlen(socket_path) < sizeof(address.sun_path));
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    CHECK(bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(listen(listener, 4) == 0);
    server = fork();
    CHECK(server >= 0);
    if (server == 0) {
        serve(listener, script);
    }
    CHECK(close(listener) == 0);
}

/* ---- Asking it ---------------------------------------------------------------------------- */

static struct mcpz_client_request get(void)
{
    return (struct mcpz_client_request){.method = "GET",
                                        .path = "/v1/status",
                                        .body_file = MCPZ_CLIENT_NO_FILE,
                                        .answer_file = MCPZ_CLIENT_NO_FILE,
                                        .patience_ms = PATIENCE_MS};
}

static mcpz_error ask(const struct mcpz_client_request *request)
{
    return mcpz_client_ask(socket_path, request, &answer, &trouble);
}

static mcpz_error get_from(const char *text, size_t piece)
{
    const struct script script = {.answer = text, .answer_length = strlen(text), .piece = piece};
    const struct mcpz_client_request request = get();

    start(&script);
    return ask(&request);
}

static void refuses(const char *text, mcpz_error expected, const char *why)
{
    CHECK_UINT(get_from(text, 0), expected);
    CHECK(strstr(trouble.text, why) != NULL);
    CHECK(answer.body == NULL);
}

static void kept_request_is(const char *expected, size_t length)
{
    char path[SCRATCH_FILE_PATH_BYTES];
    char bytes[4096];
    FILE *file = fopen(scratch_path(&scratch, "request", path), "r");

    CHECK(file != NULL);
    CHECK_UINT(fread(bytes, 1, sizeof(bytes), file), length);
    CHECK(memcmp(bytes, expected, length) == 0);
    CHECK(fclose(file) == 0);
}

/* ---- Answers ------------------------------------------------------------------------------ */

TEST(reads_an_answer)
{
    static const char expected[] =
        "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

    (void)state;
    CHECK_UINT(get_from("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0), MCPZ_OK);
    CHECK_UINT(answer.status, 200);
    CHECK_UINT(answer.length, 5);
    CHECK_TEXT(answer.body, "hello");
    kept_request_is(expected, sizeof(expected) - 1);
}

TEST(reads_an_answer_that_comes_byte_by_byte)
{
    (void)state;
    CHECK_UINT(get_from("HTTP/1.1 404 Not Found\r\ncontent-length:\t5 \r\nX: y\r\n\r\nhello", 1),
               MCPZ_OK);
    CHECK_UINT(answer.status, 404);
    CHECK_TEXT(answer.body, "hello");
}

TEST(without_a_length_the_connection_ends_it)
{
    (void)state;
    CHECK_UINT(get_from("HTTP/1.0 200 OK\r\n\r\nhello", 7), MCPZ_OK);
    CHECK_TEXT(answer.body, "hello");
}

TEST(nothing_may_be_the_answer)
{
    (void)state;
    CHECK_UINT(get_from("HTTP/1.1 204\r\nContent-Length: 0\r\n\r\n", 0), MCPZ_OK);
    CHECK_UINT(answer.status, 204);
    CHECK_UINT(answer.length, 0);
    CHECK_TEXT(answer.body, "");
}

TEST(what_follows_the_length_is_not_read)
{
    (void)state;
    CHECK_UINT(get_from("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhello", 0), MCPZ_OK);
    CHECK_TEXT(answer.body, "hell");
}

TEST(a_header_is_not_found_in_the_body)
{
    (void)state;
    CHECK_UINT(get_from("HTTP/1.1 200 OK\r\nX: y\r\n\r\n\r\nContent-Length: 1\r\n", 0), MCPZ_OK);
    CHECK_UINT(answer.length, 21);
}

TEST(refuses_an_answer_that_ends_early)
{
    (void)state;
    refuses("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", MCPZ_EIO, "after 5 of 6 bytes");
}

TEST(refuses_a_connection_closed_without_an_answer)
{
    (void)state;
    refuses("", MCPZ_EIO, "unanswered");
}

TEST(refuses_a_head_that_ends_early)
{
    (void)state;
    refuses("HTTP/1.1 200 OK\r\nContent-Le", MCPZ_EIO, "unanswered");
}

TEST(refuses_what_is_not_http)
{
    (void)state;
    refuses("SSH-2.0-OpenSSH_9.2\r\n\r\n", MCPZ_EPROTO, "not HTTP/1.1");
}

TEST(refuses_a_status_of_two_digits)
{
    (void)state;
    refuses("HTTP/1.1 20 OK\r\n\r\n", MCPZ_EPROTO, "not HTTP/1.1");
}

TEST(refuses_a_length_that_is_no_number)
{
    (void)state;
    refuses("HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello", MCPZ_EPROTO, "no number");
}

TEST(refuses_a_negative_length)
{
    (void)state;
    refuses("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello", MCPZ_EPROTO, "no number");
}

TEST(refuses_a_length_beyond_64_bits)
{
    (void)state;
    refuses("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", MCPZ_EPROTO,
            "no number");
}

TEST(refuses_chunks)
{
    (void)state;
    refuses("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", MCPZ_EPROTO,
            "transfer encoding");
}

TEST(refuses_a_head_without_end)
{
    const struct script script = {
        .answer = "HTTP/1.1 200 OK\r\nX: ", .answer_length = 20, .padding = 131072};
    const struct mcpz_client_request request = get();

    (void)state;
    start(&script);
    CHECK_UINT(ask(&request), MCPZ_EFULL);
}

TEST(refuses_an_answer_over_its_limit)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
    const struct script script = {
        .answer = head, .answer_length = sizeof(head) - 1, .padding = MCPZ_ANSWER_BYTES_MAX + 1};
    const struct mcpz_client_request request = get();

    (void)state;
    start(&script);
    CHECK_UINT(ask(&request), MCPZ_EFULL);
    CHECK(strstr(trouble.text, "longer than") != NULL);
    CHECK(answer.body == NULL);
}

TEST(a_large_answer_comes_back_whole)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n";
    const struct script script = {
        .answer = head, .answer_length = sizeof(head) - 1, .padding = 10485760};
    const struct mcpz_client_request request = get();

    (void)state;
    start(&script);
    CHECK_UINT(ask(&request), MCPZ_OK);
    CHECK_UINT(answer.length, 10485760);
    CHECK(answer.body[0] == 'x' && answer.body[10485759] == 'x' && answer.body[10485760] == '\0');
}

/* ---- Waiting ------------------------------------------------------------------------------ */

TEST(silence_has_an_end)
{
    const struct script script = {.is_silent = true};
    struct mcpz_client_request request = get();

    (void)state;
    request.patience_ms = SHORT_MS;
    start(&script);
    CHECK_UINT(ask(&request), MCPZ_ETIMEOUT);
}

TEST(nobody_listens_where_there_is_no_socket)
{
    const struct mcpz_client_request request = get();

    (void)state;
    CHECK_UINT(ask(&request), MCPZ_ENOTFOUND);
}

TEST(nobody_listens_on_a_socket_left_behind)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct mcpz_client_request request = get();
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    CHECK(bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(close(listener) == 0);
    CHECK_UINT(ask(&request), MCPZ_ENOTFOUND);
}

/* ---- Bodies ------------------------------------------------------------------------------- */

static const char accepted[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(sends_a_body_from_memory_and_a_file)
{
    static const char expected[] =
        "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Content-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello\n\0\xff\x01\r\n";
    const struct script script = {
        .answer = accepted, .answer_length = sizeof(accepted) - 1, .body_bytes = 11};
    char path[SCRATCH_FILE_PATH_BYTES];
    struct mcpz_client_request request = get();

    (void)state;
    scratch_write(&scratch, "input", "\0\xff\x01\r\n", 5, 0600);
    request.method = "POST";
    request.path = "/v1/tasks";
    request.type = "text/plain";
    request.body = mcpz_text("hello\n");
    request.body_file = open(scratch_path(&scratch, "input", path), O_RDONLY | O_CLOEXEC);
    start(&script);
    CHECK_UINT(ask(&request), MCPZ_OK);
    CHECK_TEXT(answer.body, "ok");
    kept_request_is(expected, sizeof(expected) - 1);
    CHECK(close(request.body_file) == 0);
}

TEST(sends_what_comes_from_a_pipe_with_its_length)
{
    static const char expected[] =
        "POST /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
    const struct script script = {
        .answer = accepted, .answer_length = sizeof(accepted) - 1, .body_bytes = 5};
    struct mcpz_client_request request = get();
    int ends[2];

    (void)state;
    CHECK(pipe(ends) == 0);
    CHECK(write(ends[1], "hello", 5) == 5);
    CHECK(close(ends[1]) == 0);
    request.method = "POST";
    request.type = "text/plain";
    request.body_file = ends[0];
    start(&script);
    CHECK_UINT(ask(&request), MCPZ_OK);
    kept_request_is(expected, sizeof(expected) - 1);
    CHECK(close(ends[0]) == 0);
}

TEST(says_that_a_post_has_no_body)
{
    static const char expected[] = "POST /v1/status HTTP/1.1\r\nHost: localhost\r\n"
                                   "Connection: close\r\nContent-Length: 0\r\n\r\n";
    const struct script script = {.answer = accepted, .answer_length = sizeof(accepted) - 1};
    struct mcpz_client_request request = get();

    (void)state;
    request.method = "POST";
    start(&script);
    CHECK_UINT(ask(&request), MCPZ_OK);
    kept_request_is(expected, sizeof(expected) - 1);
}

/* More than the socket takes while nobody reads: only the early answer lets it go on. */
TEST(an_early_answer_stops_the_sending)
{
    static const char refusal[] = "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno\n";
    const struct script script = {
        .answer = refusal, .answer_length = sizeof(refusal) - 1, .is_early = true};
    struct mcpz_client_request request = get();
    const size_t length = 8 * 1048576;
    char *body = (char *)calloc(1, length);

    (void)state;
    CHECK(body != NULL);
    request.method = "POST";
    request.type = "text/plain";
    request.body = mcpz_bytes(body, length);
    start(&script);
    CHECK_UINT(ask(&request), MCPZ_OK);
    CHECK_UINT(answer.status, 413);
    CHECK_TEXT(answer.body, "no\n");
    free(body);
}

static mcpz_error get_to_file(const char *text, char *written, size_t capacity)
{
    const struct script script = {.answer = text, .answer_length = strlen(text), .piece = 3};
    struct mcpz_client_request request = get();
    char path[SCRATCH_FILE_PATH_BYTES];
    int file = open(scratch_path(&scratch, "output", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    CHECK(file >= 0);
    request.answer_file = file;
    start(&script);
    mcpz_error error = ask(&request);
    ssize_t got = pread(file, written, capacity - 1, 0);
    CHECK(got >= 0);
    written[got] = '\0';
    CHECK(close(file) == 0);
    return error;
}

TEST(an_answer_goes_to_a_file)
{
    char written[16];

    (void)state;
    CHECK_UINT(get_to_file("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", written, 16),
               MCPZ_OK);
    CHECK_TEXT(written, "hello");
    CHECK_UINT(answer.length, 5);
    CHECK(answer.body == NULL);
}

TEST(a_refusal_does_not_go_to_the_file)
{
    char written[16];

    (void)state;
    CHECK_UINT(get_to_file("HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nhello", written, 16),
               MCPZ_OK);
    CHECK_TEXT(written, "");
    CHECK_TEXT(answer.body, "hello");
}

TEST(a_full_disk_has_its_own_error)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    const struct script script = {.answer = text, .answer_length = sizeof(text) - 1};
    struct mcpz_client_request request = get();

    (void)state;
    request.answer_file = open("/dev/full", O_WRONLY | O_CLOEXEC);
    start(&script);
    CHECK_UINT(ask(&request), MCPZ_ENOSPACE);
    CHECK(close(request.answer_file) == 0);
}

struct pieces {
    char text[64];
    mcpz_error refusal; /* once anything has come */
};

static mcpz_error take(void *context, struct mcpz_bytes piece, struct mcpz_trouble *why)
{
    struct pieces *pieces = (struct pieces *)context;

    (void)strncat(pieces->text, (const char *)piece.data, piece.length);
    if (pieces->refusal != MCPZ_OK && pieces->text[0] != '\0') {
        mcpz_trouble_say(why, "had enough");
        return pieces->refusal;
    }
    return MCPZ_OK;
}

static mcpz_error take_from(const char *text, struct pieces *pieces)
{
    const struct script script = {.answer = text, .answer_length = strlen(text), .piece = 1};
    struct mcpz_client_request request = get();

    request.take = take;
    request.take_context = pieces;
    start(&script);
    return ask(&request);
}

TEST(an_answer_may_be_taken_piece_by_piece)
{
    struct pieces pieces = {.text = ""};

    (void)state;
    CHECK_UINT(take_from("HTTP/1.1 200 OK\r\n\r\nhello, world", &pieces), MCPZ_OK);
    CHECK_TEXT(pieces.text, "hello, world");
    CHECK_UINT(answer.length, 12);
    CHECK(answer.body == NULL);
}

TEST(who_takes_may_end_the_answer)
{
    struct pieces pieces = {.text = "", .refusal = MCPZ_EPROTO};

    (void)state;
    CHECK_UINT(take_from("HTTP/1.1 200 OK\r\n\r\nhello", &pieces), MCPZ_EPROTO);
    CHECK(pieces.text[0] == 'h' && strlen(pieces.text) <= 5);
    CHECK_TEXT(trouble.text, "had enough");
}

TEST(a_refusal_is_not_taken_piece_by_piece)
{
    struct pieces pieces = {.text = ""};

    (void)state;
    CHECK_UINT(take_from("HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nhello", &pieces), MCPZ_OK);
    CHECK_TEXT(pieces.text, "");
    CHECK_TEXT(answer.body, "hello");
}

/* ---- Paths -------------------------------------------------------------------------------- */

static void socket_of(const char *data, const char *expected)
{
    char path[MCPZ_SOCKET_PATH_BYTES];

    CHECK_UINT(mcpz_client_socket(data, path), MCPZ_OK);
    CHECK_TEXT(path, expected);
}

TEST(the_socket_lies_in_the_data_directory)
{
    (void)state;
    socket_of(scratch.path, socket_path);
}

TEST(the_socket_may_lie_where_a_file_says)
{
    (void)state;
    scratch_write(&scratch, "mcpz.sock.path", "/run/mcpz-1.sock\n", 17, 0600);
    socket_of(scratch.path, "/run/mcpz-1.sock");
    scratch_write(&scratch, "mcpz.sock", "", 0, 0600); /* the real one goes first */
    socket_of(scratch.path, socket_path);
}

TEST(a_path_too_long_for_a_socket_is_refused)
{
    char path[MCPZ_SOCKET_PATH_BYTES];
    char text[200];

    (void)state;
    memset(text, 'a', sizeof(text));
    scratch_write(&scratch, "mcpz.sock.path", text, MCPZ_SOCKET_PATH_BYTES, 0600);
    CHECK_UINT(mcpz_client_socket(scratch.path, path), MCPZ_ENOTFOUND);
    scratch_write(&scratch, "mcpz.sock.path", text, MCPZ_SOCKET_PATH_BYTES - 1, 0600);
    CHECK_UINT(mcpz_client_socket(scratch.path, path), MCPZ_OK);
    CHECK_UINT(strlen(path), MCPZ_SOCKET_PATH_BYTES - 1);
    scratch_write(&scratch, "mcpz.sock.path", "", 0, 0600);
    CHECK_UINT(mcpz_client_socket(scratch.path, path), MCPZ_ENOTFOUND);

    /* "/mcpz.sock" takes ten characters of 107. */
    text[98] = '\0';
    CHECK_UINT(mcpz_client_socket(text, path), MCPZ_ENOTFOUND);
    text[97] = '\0';
    CHECK_UINT(mcpz_client_socket(text, path), MCPZ_OK);
}

TEST(escapes_what_a_path_does_not_carry)
{
    char escaped[32];

    (void)state;
    CHECK_UINT(mcpz_client_escape("a-Z_0.~", escaped, sizeof(escaped)), MCPZ_OK);
    CHECK_TEXT(escaped, "a-Z_0.~");
    CHECK_UINT(mcpz_client_escape("a/b?c d%\xc3\xbc", escaped, sizeof(escaped)), MCPZ_OK);
    CHECK_TEXT(escaped, "a%2Fb%3Fc%20d%25%C3%BC");
    CHECK_UINT(mcpz_client_escape("abc", escaped, 3), MCPZ_EFULL);
    CHECK_UINT(mcpz_client_escape("abc", escaped, 4), MCPZ_OK);
    CHECK_UINT(mcpz_client_escape("/", escaped, 3), MCPZ_EFULL);
    CHECK_UINT(mcpz_client_escape("/", escaped, 4), MCPZ_OK);
}

/* The last: the mark stays. */
TEST(an_interrupt_ends_the_waiting)
{
    const struct script script = {.interrupts = true};
    const struct mcpz_client_request request = get();

    (void)state;
    mcpz_interrupt_catch();
    CHECK(!mcpz_interrupt_came());
    start(&script);
    CHECK_UINT(ask(&request), MCPZ_EIO);
    CHECK(mcpz_interrupt_came());
}

#define FRESH(name) cmocka_unit_test_setup_teardown(name, make, clean)

TEST_MAIN(
    FRESH(reads_an_answer), FRESH(reads_an_answer_that_comes_byte_by_byte),
    FRESH(without_a_length_the_connection_ends_it), FRESH(nothing_may_be_the_answer),
    FRESH(what_follows_the_length_is_not_read), FRESH(a_header_is_not_found_in_the_body),
    FRESH(refuses_an_answer_that_ends_early), FRESH(refuses_a_connection_closed_without_an_answer),
    FRESH(refuses_a_head_that_ends_early), FRESH(refuses_what_is_not_http),
    FRESH(refuses_a_status_of_two_digits), FRESH(refuses_a_length_that_is_no_number),
    FRESH(refuses_a_negative_length), FRESH(refuses_a_length_beyond_64_bits),
    FRESH(refuses_chunks), FRESH(refuses_a_head_without_end),
    FRESH(refuses_an_answer_over_its_limit), FRESH(a_large_answer_comes_back_whole),
    FRESH(silence_has_an_end), FRESH(nobody_listens_where_there_is_no_socket),
    FRESH(nobody_listens_on_a_socket_left_behind), FRESH(sends_a_body_from_memory_and_a_file),
    FRESH(sends_what_comes_from_a_pipe_with_its_length), FRESH(says_that_a_post_has_no_body),
    FRESH(an_early_answer_stops_the_sending), FRESH(an_answer_goes_to_a_file),
    FRESH(a_refusal_does_not_go_to_the_file), FRESH(a_full_disk_has_its_own_error),
    FRESH(an_answer_may_be_taken_piece_by_piece), FRESH(who_takes_may_end_the_answer),
    FRESH(a_refusal_is_not_taken_piece_by_piece), FRESH(the_socket_lies_in_the_data_directory),
    FRESH(the_socket_may_lie_where_a_file_says), FRESH(a_path_too_long_for_a_socket_is_refused),
    FRESH(escapes_what_a_path_does_not_carry), FRESH(an_interrupt_ends_the_waiting))
