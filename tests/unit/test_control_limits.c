/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket under clients that are slow, many, deaf or dead, and the socket's file: stale,
 * live, somebody else's.
 */
#include "unit/control_fixture.h"

static void test_half_line_is_not_waited_for(void **state)
{
	struct control_limits limits = usual;
	struct server *server = *state;
	int half, idle;

	limits.line_ns = 50 * NS_PER_MS;
	start(server, &limits);
	idle = dial(server, 0);
	half = dial(server, 1);
	put(half, "{\"verb\":");
	expect_end(half);
	/* having said nothing at all is no offence */
	assert_int_equal(count_rows(idle, "{\"verb\":\"rules\"}\n"), 0);
}

static void test_client_that_never_reads(void **state)
{
	struct control_limits limits = usual;
	struct server *server = *state;
	int deaf, fd;

	server->fake.active_rules = 1500;
	limits.answer_ns = 500 * NS_PER_MS;
	/* room for one such list, not for two */
	limits.held_bytes = 2000 * sizeof(struct rule_status);
	start(server, &limits);
	deaf = dial(server, 0);
	fd = dial(server, 1);
	put(deaf, "{\"verb\":\"rules\"}\n{\"verb\":\"rules\"}\n");
	assert_int_equal(poll(&(struct pollfd){ .fd = deaf, .events = POLLIN }, 1, WAIT_MS), 1);
	/* others are answered meanwhile; what would be too much is refused, not waited for */
	assert_int_equal(count_rows(fd, "{\"verb\":\"events\",\"args\":{\"limit\":1}}\n"), 1);
	put(fd, "{\"verb\":\"rules\"}\n");
	expect_error(get(fd), "no memory for");
	/* closed, in the middle of its answer */
	assert_int_equal(poll(&(struct pollfd){ .fd = deaf, .events = POLLRDHUP }, 1, WAIT_MS), 1);
	expect_end(deaf);
	assert_int_equal(count_rows(fd, "{\"verb\":\"rules\"}\n"), 1500);
}

static void test_client_that_dies_in_its_answer(void **state)
{
	struct server *server = *state;

	server->fake.active_rules = 5000;
	start(server, &usual);
	for (int i = 0; i < 10; i++) {
		int fd = dial(server, 0);

		put(fd, "{\"verb\":\"rules\"}\n");
		poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, WAIT_MS);
		close(fd);
		server->clients[0] = -1;
	}
	assert_int_equal(count_rows(dial(server, 0), "{\"verb\":\"rules\"}\n"), 5000);
}

static void test_many_clients(void **state)
{
	struct server *server = *state;
	int late;

	start(server, &usual);
	for (int i = 0; i < 64; i++)
		assert_int_equal(count_rows(dial(server, i), "{\"verb\":\"rules\"}\n"), 0);
	late = dial(server, 64);
	expect_error(get(late), "too many clients");
	expect_end(late);
	for (int i = 0; i < 64; i++)
		assert_int_equal(count_rows(server->clients[i], "{\"verb\":\"rules\"}\n"), 0);
	/* a place that is left is given to the next */
	assert_int_equal(shutdown(server->clients[5], SHUT_RDWR), 0);
	for (int i = 65; i < 75; i++) {
		char *line;

		if (send(dial(server, i), "{\"verb\":\"rules\"}\n", 17, MSG_NOSIGNAL) < 0)
			continue;
		line = get(server->clients[i]);
		if (line && strstr(line, "\"ok\":true")) {
			free(line);
			return;
		}
		free(line);
	}
	fail_msg("no place was left by a client that went away");
}

static void test_root_has_places_of_its_own(void **state)
{
	struct control_limits limits = usual;
	struct server *server = *state;
	int room = geteuid() ? 3 : 5;

	limits.clients = 3;
	limits.root_clients = 2;
	start(server, &limits);
	for (int i = 0; i < room; i++)
		assert_int_equal(count_rows(dial(server, i), "{\"verb\":\"rules\"}\n"), 0);
	expect_error(get(dial(server, room)), "too many clients");
}

static void test_idle_clients_make_room(void **state)
{
	struct control_limits limits = usual;
	struct server *server = *state;
	int newest;

	limits.clients = 3;
	limits.idle_ns = 0;
	start(server, &limits);
	for (int i = 0; i < 3; i++)
		assert_int_equal(count_rows(dial(server, i), "{\"verb\":\"rules\"}\n"), 0);
	put(server->clients[0], "{"); /* not idle */
	newest = dial(server, 3);
	assert_int_equal(count_rows(newest, "{\"verb\":\"rules\"}\n"), 0);
	expect_end(server->clients[1]);
	assert_int_equal(count_rows(server->clients[2], "{\"verb\":\"rules\"}\n"), 0);
	assert_int_equal(count_rows(server->clients[0], "\"verb\":\"rules\"}\n"), 0);
}

static int highest_descriptor(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);
	int highest = fd;

	for (int i = fd; i < 1024; i++) {
		if (fcntl(i, F_GETFD) >= 0)
			highest = i;
	}
	close(fd);
	return highest;
}

static int count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	int lines = 0, c;

	assert_non_null(file);
	while ((c = fgetc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

/*
 * A connection that cannot be accepted waits; those that are there are served, and the loop does
 * not turn in circles (each try is a line in the log).
 */
static void test_no_descriptors_left(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = WAIT_MS / 1000 };
	struct server *server = *state;
	struct rlimit old, none;
	char log[64];
	int waiting, fd, filler[1024], fillers = 0;

	snprintf(log, sizeof(log), "%s/log", server->folder);
	assert_int_equal(log_open(LOG_LEVEL_WARNING, log), 0);
	start(server, &usual);
	fd = dial(server, 0);
	assert_int_equal(count_rows(fd, "{\"verb\":\"rules\"}\n"), 0);
	waiting = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	server->clients[1] = waiting;
	setsockopt(waiting, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	strcpy(address.sun_path, server->path);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = (rlim_t)highest_descriptor() + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (fillers < 1024 && (filler[fillers] = dup(fd)) >= 0)
		fillers++;
	assert_int_equal(connect(waiting, (struct sockaddr *)&address, sizeof(address)), 0);
	put(waiting, "{\"verb\":\"rules\"}\n");
	for (int i = 0; i < 100; i++)
		expect_data(fd, "{\"verb\":\"rules\"}\n", "[]");
	assert_int_equal(poll(&(struct pollfd){ .fd = waiting, .events = POLLIN }, 1, 0), 0);
	while (fillers)
		close(filler[--fillers]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	expect_data(waiting, "", "[]");
	log_close();
	assert_in_range(count_lines(log), 1, 50);
	unlink(log);
}

/* ---- the socket's file ---- */

static void test_socket_rights_and_removal(void **state)
{
	struct server *server = *state;
	struct stat st;

	start(server, &usual);
	assert_int_equal(lstat(server->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	stop(server);
	assert_int_equal(lstat(server->path, &st), -1);
	control_close(&server->control); /* twice does nothing */
}

static void test_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct server *server = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char folder[64];

	snprintf(folder, sizeof(folder), "%s/run", server->folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	strcpy(address.sun_path, server->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	close(fd); /* as when its process was killed */
	start(server, &usual);
	expect_data(dial(server, 0), "{\"verb\":\"rules\"}\n", "[]");
}

static void test_live_socket_is_refused(void **state)
{
	struct server *server = *state;
	struct control *second = NULL;
	struct loop *loop;
	char error[256] = "";

	start(server, &usual);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(control_open(loop, server->path, &server->ops, &second, error),
			 -EADDRINUSE);
	assert_null(second);
	assert_non_null(strstr(error, server->path));
	assert_non_null(strstr(error, "another fwgen answers there"));
	loop_free(&loop);
	expect_data(dial(server, 0), "{\"verb\":\"rules\"}\n", "[]");
}

/* Another daemon has taken the place: its socket is not the first one's to remove. */
static void test_other_socket_is_not_removed(void **state)
{
	struct server *server = *state, other = { 0 };
	struct stat st;

	start(server, &usual);
	assert_int_equal(unlink(server->path), 0);
	strcpy(other.path, server->path);
	other.clients[0] = -1;
	assert_int_equal(loop_new(&other.loop), 0);
	start(&other, &usual);
	stop(server);
	expect_data(dial(&other, 0), "{\"verb\":\"rules\"}\n", "[]");
	close(other.clients[0]);
	stop(&other);
	assert_int_equal(lstat(server->path, &st), -1);
	loop_free(&other.loop);
}

static void test_places_where_no_socket_can_be(void **state)
{
	struct server *server = *state;
	struct control *control = NULL;
	char error[256] = "", path[200];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/file", server->folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(control_open(server->loop, path, &server->ops, &control, error), -EEXIST);
	assert_non_null(strstr(error, "no socket"));
	assert_int_equal(lstat(path, &st), 0);
	unlink(path);
	snprintf(path, sizeof(path), "%s/not/there/socket", server->folder);
	assert_int_equal(control_open(server->loop, path, &server->ops, &control, error), -ENOENT);
	assert_non_null(strstr(error, "/not/there for the control socket: No such file"));
	assert_non_null(strstr(error, "change control.socket"));
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[150] = '\0';
	assert_int_equal(control_open(server->loop, path, &server->ops, &control, error),
			 -ENAMETOOLONG);
	assert_null(control);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_SERVER(test_half_line_is_not_waited_for),
		WITH_SERVER(test_client_that_never_reads),
		WITH_SERVER(test_client_that_dies_in_its_answer),
		WITH_SERVER(test_many_clients),
		WITH_SERVER(test_root_has_places_of_its_own),
		WITH_SERVER(test_idle_clients_make_room),
		WITH_SERVER(test_no_descriptors_left),
		WITH_SERVER(test_socket_rights_and_removal),
		WITH_SERVER(test_stale_socket_is_replaced),
		WITH_SERVER(test_live_socket_is_refused),
		WITH_SERVER(test_other_socket_is_not_removed),
		WITH_SERVER(test_places_where_no_socket_can_be),
	};

	return cmocka_run_group_tests_name("control limits", tests, NULL, NULL);
}
