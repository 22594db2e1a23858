/* Does one at a time have the turn, whoever dies, and does everybody hear of a rest? */
#include "places-worker/machine_turn.h"
#include "tests/support/faults.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOBODY = 65534 };

/* A subject of this test alone, and three who share its turn. */
struct fixture {
    char subject[64];
    char path[MACHINE_TURN_PATH_SIZE];
    struct machine_turn *turns[3];
    struct buffer complaint;
};

static int set_up(void **state)
{
    struct fixture *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->complaint = buffer_with_max(1024);
    snprintf(f->subject, sizeof f->subject, "machine_turn_test %ld", (long)getpid());
    machine_turn_path(f->subject, f->path);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(machine_turn_open(f->subject, &f->turns[i], &f->complaint), STATUS_OK);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *const f = *state;
    for (size_t i = 0; i < 3; i++) {
        machine_turn_close(f->turns[i]);
    }
    buffer_clear(&f->complaint);
    assert_int_equal(remove(f->path), 0);
    free(f);
    return 0;
}

/* Another process that has the turn when this returns, and rests for so long if that is not 0. */
static pid_t start_owner(const struct fixture *f, int64_t rest_ms)
{
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct buffer complaint = buffer_with_max(1024);
        struct machine_turn *turn;
        if (machine_turn_open(f->subject, &turn, &complaint) == STATUS_OK &&
            machine_turn_try(turn)) {
            if (rest_ms != 0) {
                machine_turn_rest(turn, instant_after_ms(instant_now(), rest_ms));
            }
            (void)!write(pipe_ends[1], "", 1);
            pause();
        }
        _exit(EXIT_FAILURE);
    }
    char ready;
    close(pipe_ends[1]);
    assert_int_equal(read(pipe_ends[0], &ready, 1), 1);
    close(pipe_ends[0]);
    return pid;
}

static void kill_owner(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void one_at_a_time_has_it(void **state)
{
    struct fixture *const f = *state;
    assert_true(machine_turn_try(f->turns[0]));
    assert_false(machine_turn_try(f->turns[1]));
    machine_turn_leave(f->turns[0]);
    assert_true(machine_turn_try(f->turns[1]));
    assert_false(machine_turn_try(f->turns[0]));
}

static void another_process_has_it_until_it_is_killed(void **state)
{
    struct fixture *const f = *state;
    const pid_t owner = start_owner(f, 0);
    assert_false(machine_turn_try(f->turns[0]));
    kill_owner(owner);
    assert_true(machine_turn_try(f->turns[0]));
}

static void who_has_waited_is_next_and_not_who_has_just_left(void **state)
{
    struct fixture *const f = *state;
    assert_true(machine_turn_try(f->turns[0]));
    assert_false(machine_turn_try(f->turns[1]));
    assert_false(machine_turn_try(f->turns[2]));
    machine_turn_leave(f->turns[0]);
    assert_false(machine_turn_try(f->turns[0]));
    assert_false(machine_turn_try(f->turns[2]));
    assert_true(machine_turn_try(f->turns[1]));
    assert_false(machine_turn_try(f->turns[0])); /* and is the next in turn */
    machine_turn_leave(f->turns[1]);
    assert_false(machine_turn_try(f->turns[2]));
    assert_true(machine_turn_try(f->turns[0]));
}

static void who_gives_up_is_not_next_any_more(void **state)
{
    struct fixture *const f = *state;
    assert_true(machine_turn_try(f->turns[0]));
    assert_false(machine_turn_try(f->turns[1]));
    machine_turn_leave(f->turns[1]);
    machine_turn_leave(f->turns[0]);
    assert_true(machine_turn_try(f->turns[2]));
}

static void closing_leaves(void **state)
{
    struct fixture *const f = *state;
    assert_true(machine_turn_try(f->turns[0]));
    machine_turn_close(f->turns[0]);
    f->turns[0] = NULL;
    assert_true(machine_turn_try(f->turns[1]));
}

static void there_is_no_rest_at_first(void **state)
{
    struct fixture *const f = *state;
    assert_true(machine_turn_try(f->turns[0]));
    assert_true(instant_is_before(machine_turn_rests_until(f->turns[0]), instant_now()));
}

static void a_rest_is_known_to_all_who_come_after(void **state)
{
    struct fixture *const f = *state;
    const struct instant until = instant_after_ms(instant_now(), 30000);
    assert_true(machine_turn_try(f->turns[0]));
    machine_turn_rest(f->turns[0], until);
    machine_turn_leave(f->turns[0]);
    for (size_t i = 0; i < 3; i++) {
        assert_true(machine_turn_try(f->turns[i]));
        assert_true(machine_turn_rests_until(f->turns[i]).ns == until.ns);
        machine_turn_leave(f->turns[i]);
    }
}

static void a_rest_outlives_who_said_it(void **state)
{
    struct fixture *const f = *state;
    kill_owner(start_owner(f, 30000));
    assert_true(machine_turn_try(f->turns[0]));
    assert_true(instant_is_before(
        instant_after_ms(instant_now(), 15000), machine_turn_rests_until(f->turns[0])));
}

static void a_rest_of_ages_is_not_believed(void **state)
{
    struct fixture *const f = *state;
    kill_owner(start_owner(f, (int64_t)2 * MACHINE_TURN_REST_MAX_MS));
    assert_true(machine_turn_try(f->turns[0]));
    assert_true(instant_is_before(machine_turn_rests_until(f->turns[0]), instant_now()));
}

static void other_subjects_have_turns_of_their_own(void **state)
{
    struct fixture *const f = *state;
    struct machine_turn *other;
    char subject[64 + sizeof " and more"];
    char path[MACHINE_TURN_PATH_SIZE];
    snprintf(subject, sizeof subject, "%s and more", f->subject);
    assert_int_equal(machine_turn_open(subject, &other, &f->complaint), STATUS_OK);
    assert_true(machine_turn_try(f->turns[0]));
    assert_true(machine_turn_try(other));
    machine_turn_close(other);
    machine_turn_path(subject, path);
    assert_int_equal(remove(path), 0);
}

static void everyone_may_share_it_and_nobody_reads_the_subject(void **state)
{
    struct fixture *const f = *state;
    struct stat found;
    assert_int_equal(stat(f->path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0666); /* whatever the umask is */
    assert_null(strstr(f->path, "test"));
}

static void what_was_deleted_is_made_again_and_shared_by_all(void **state)
{
    struct fixture *const f = *state;
    assert_int_equal(remove(f->path), 0);
    assert_true(machine_turn_try(f->turns[0]));
    assert_false(machine_turn_try(f->turns[1]));
    machine_turn_leave(f->turns[0]);
    assert_true(machine_turn_try(f->turns[1]));
    assert_false(machine_turn_try(f->turns[2]));
}

static void what_cannot_be_made_again_still_works(void **state)
{
    struct fixture *const f = *state;
    assert_int_equal(remove(f->path), 0);
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_true(machine_turn_try(f->turns[0]));
    assert_false(machine_turn_try(f->turns[1]));
}

static void what_may_not_be_opened_is_named(void **state)
{
    struct fixture *const f = *state;
    struct machine_turn *turn;
    assert_int_equal(chmod(f->path, 0), 0);
    const bool is_root = geteuid() == 0;
    if (is_root) {
        assert_int_equal(seteuid(NOBODY), 0);
    }
    const enum status status = machine_turn_open(f->subject, &turn, &f->complaint);
    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(status, STATUS_NOT_PERMITTED);
    assert_int_equal(buffer_append(&f->complaint, slice_of_bytes("", 1)), STATUS_OK);
    assert_non_null(strstr(f->complaint.data, f->path));
}

static void what_is_no_file_is_an_error(void **state)
{
    struct fixture *const f = *state;
    struct machine_turn *turn;
    assert_int_equal(remove(f->path), 0);
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(machine_turn_open(f->subject, &turn, &f->complaint), STATUS_IO);
}

static void without_memory_nothing_is_opened(void **state)
{
    struct fixture *const f = *state;
    struct machine_turn *turn;
    faults_begin(1);
    const enum status status = machine_turn_open(f->subject, &turn, &f->complaint);
    assert_true(faults_end());
    assert_int_equal(status, STATUS_NO_MEMORY);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(one_at_a_time_has_it),
        WITH_FIXTURE(another_process_has_it_until_it_is_killed),
        WITH_FIXTURE(who_has_waited_is_next_and_not_who_has_just_left),
        WITH_FIXTURE(who_gives_up_is_not_next_any_more),
        WITH_FIXTURE(closing_leaves),
        WITH_FIXTURE(there_is_no_rest_at_first),
        WITH_FIXTURE(a_rest_is_known_to_all_who_come_after),
        WITH_FIXTURE(a_rest_outlives_who_said_it),
        WITH_FIXTURE(a_rest_of_ages_is_not_believed),
        WITH_FIXTURE(other_subjects_have_turns_of_their_own),
        WITH_FIXTURE(everyone_may_share_it_and_nobody_reads_the_subject),
        WITH_FIXTURE(what_was_deleted_is_made_again_and_shared_by_all),
        WITH_FIXTURE(what_cannot_be_made_again_still_works),
        WITH_FIXTURE(what_may_not_be_opened_is_named),
        WITH_FIXTURE(what_is_no_file_is_an_error),
        WITH_FIXTURE(without_memory_nothing_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
