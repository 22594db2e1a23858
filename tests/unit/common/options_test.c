/* Does the table decide what a command line may say, and what its help shows? */
#include "common/options.h"
#include "tests/support/faults.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 8, OUTPUT_MAX = 4096 };

struct outcome {
    enum status status;
    bool is_done;
    const char *topology;
    const char *name;
    const char *quiet;
    char complaint[256];
};

/* Parses the arguments, NULL at their end, by a table of one required option, one with a default,
 * and a switch. */
static struct outcome parse_within(size_t complaint_max, const char *const *arguments)
{
    char *argv[ARGUMENTS_MAX + 1] = {(char *)"herd-node"};
    int argc = 1;
    for (; arguments[argc - 1] != NULL; argc++) {
        assert_true(argc < ARGUMENTS_MAX);
        argv[argc] = (char *)arguments[argc - 1];
    }
    struct outcome outcome = {.name = "default"};
    const struct option_spec specs[] = {
        {.name = "topology",
            .placeholder = "FILE",
            .help = "The herd's description.",
            .is_required = true,
            .value = &outcome.topology},
        {.name = "name",
            .placeholder = "NAME",
            .help = "Which part of it.",
            .value = &outcome.name},
        {.name = "quiet", .help = "Says less.", .value = &outcome.quiet},
    };
    struct buffer complaint = buffer_with_max(complaint_max);
    outcome.is_done = true;

    outcome.status = options_parse(
        "herd-node", "one server of the herd", specs, 3, argc, argv, &outcome.is_done, &complaint);

    assert_true(complaint.length < sizeof outcome.complaint);
    if (complaint.length > 0) {
        memcpy(outcome.complaint, complaint.data, complaint.length);
    }
    buffer_clear(&complaint);
    return outcome;
}

#define PARSE(...) parse_within(255, (const char *const[]){__VA_ARGS__, NULL})

static void values_come_behind_a_space_or_an_equals_sign(void **state)
{
    (void)state;
    const struct outcome spaced = PARSE("--topology", "a.json", "--name", "Hands");
    const struct outcome joined = PARSE("--name=Hands", "--topology=a=b.json");

    assert_int_equal(spaced.status, STATUS_OK);
    assert_false(spaced.is_done);
    assert_string_equal(spaced.topology, "a.json");
    assert_string_equal(spaced.name, "Hands");
    assert_int_equal(joined.status, STATUS_OK);
    assert_string_equal(joined.topology, "a=b.json");
    assert_string_equal(joined.name, "Hands");
}

/* As `program [--deep] FILE`. */
static enum status parse_alone(char **argv, int argc, const char **ret_file, char text[256])
{
    const char *deep = NULL;
    const struct option_spec specs[] = {
        {.name = "deep", .help = "Looks deep.", .value = &deep},
        {.placeholder = "FILE", .help = "What to read.", .is_required = true, .value = ret_file},
    };
    struct buffer complaint = buffer_with_max(255);
    bool is_done;
    const enum status status =
        options_parse("program", "reads", specs, 2, argc, argv, &is_done, &complaint);
    snprintf(text, 256, "%.*s", (int)complaint.length, complaint.data);
    buffer_clear(&complaint);
    return status;
}

static void one_argument_may_stand_alone(void **state)
{
    (void)state;
    const char *file = NULL;
    char text[256];
    char *named[] = {(char *)"program", (char *)"a.json", (char *)"--deep"};
    char *input[] = {(char *)"program", (char *)"-"};
    char *none[] = {(char *)"program", (char *)"--deep"};
    char *two[] = {(char *)"program", (char *)"a", (char *)"b"};
    char *dashed[] = {(char *)"program", (char *)"-x"};

    assert_int_equal(parse_alone(named, 3, &file, text), STATUS_OK);
    assert_string_equal(file, "a.json");
    assert_int_equal(parse_alone(input, 2, &file, text), STATUS_OK);
    assert_string_equal(file, "-");
    assert_int_equal(parse_alone(none, 2, &file, text), STATUS_MALFORMED);
    assert_string_equal(text, "program: argument FILE is missing; see program --help");
    assert_int_equal(parse_alone(two, 3, &file, text), STATUS_MALFORMED);
    assert_string_equal(text, "program: unexpected argument 'b'; see program --help");
    assert_int_equal(parse_alone(dashed, 2, &file, text), STATUS_MALFORMED);
}

static void what_is_not_given_keeps_its_value(void **state)
{
    (void)state;
    const struct outcome outcome = PARSE("--topology", "a.json");

    assert_int_equal(outcome.status, STATUS_OK);
    assert_string_equal(outcome.name, "default");
    assert_null(outcome.quiet);
}

static void a_switch_gets_its_own_name(void **state)
{
    (void)state;
    const struct outcome outcome = PARSE("--quiet", "--topology", "a.json");

    assert_int_equal(outcome.status, STATUS_OK);
    assert_string_equal(outcome.quiet, "quiet");
}

static void an_empty_value_is_a_value(void **state)
{
    (void)state;
    const struct outcome outcome = PARSE("--topology=", "--name", "");

    assert_int_equal(outcome.status, STATUS_OK);
    assert_string_equal(outcome.topology, "");
    assert_string_equal(outcome.name, "");
}

static void assert_complaint(struct outcome outcome, const char *cause)
{
    char wanted[256];
    snprintf(wanted, sizeof wanted, "herd-node: %s; see herd-node --help", cause);
    assert_int_equal(outcome.status, STATUS_MALFORMED);
    assert_string_equal(outcome.complaint, wanted);
}

static void what_is_wrong_is_said_in_one_line_that_points_to_the_help(void **state)
{
    (void)state;
    assert_complaint(PARSE("--topolgy", "a"), "unknown option --topolgy");
    assert_complaint(PARSE("--top=a"), "unknown option --top");
    assert_complaint(PARSE("--"), "unknown option --");
    assert_complaint(PARSE("--=x"), "unknown option --");
    assert_complaint(PARSE("a.json"), "unexpected argument 'a.json'");
    assert_complaint(PARSE("-topology", "a"), "unexpected argument '-topology'");
    assert_complaint(PARSE("--topology"), "option --topology needs a value");
    assert_complaint(PARSE("--topology", "--quiet"), "option --topology needs a value");
    assert_complaint(PARSE("--quiet=1"), "option --quiet takes no value");
    assert_complaint(PARSE("--topology", "a", "--topology=b"), "option --topology is given twice");
    assert_complaint(PARSE("--quiet"), "option --topology is missing");
    assert_complaint(
        parse_within(255, (const char *const[]){NULL}), "option --topology is missing");
}

static void a_complaint_without_room_says_so(void **state)
{
    (void)state;
    assert_int_equal(
        parse_within(10, (const char *const[]){"--unknown", NULL}).status, STATUS_FULL);

    faults_begin(1);
    const struct outcome outcome = PARSE("--unknown");
    assert_true(faults_end());
    assert_int_equal(outcome.status, STATUS_NO_MEMORY);
}

/* What `argument` prints to standard output. */
static void print(const char *argument, char ret_output[OUTPUT_MAX])
{
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    const int before = dup(STDOUT_FILENO);
    assert_true(before >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);

    const struct outcome outcome = PARSE("--name", "x", argument);

    fflush(stdout);
    assert_true(dup2(before, STDOUT_FILENO) >= 0);
    close(before);
    assert_int_equal(outcome.status, STATUS_OK);
    assert_true(outcome.is_done);
    rewind(file);
    const size_t length = fread(ret_output, 1, OUTPUT_MAX - 1, file);
    ret_output[length] = '\0';
    fclose(file);
}

static void help_lists_the_table_with_aligned_sentences(void **state)
{
    (void)state;
    char output[OUTPUT_MAX];

    print("--help", output);

    assert_string_equal(output,
        "herd-node: one server of the herd\n"
        "\n"
        "Usage: herd-node OPTION...\n"
        "\n"
        "  --topology FILE  The herd's description. (required)\n"
        "  --name NAME      Which part of it.\n"
        "  --quiet          Says less.\n"
        "  --help           Shows this text.\n"
        "  --version        Shows the version.\n");
}

static void version_says_name_and_number(void **state)
{
    (void)state;
    char output[OUTPUT_MAX];

    print("--version", output);

    assert_memory_equal(output, "herd-node ", strlen("herd-node "));
    const char *number = output + strlen("herd-node ");
    assert_true(*number >= '0' && *number <= '9');
    assert_int_equal(output[strlen(output) - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_behind_a_space_or_an_equals_sign),
        cmocka_unit_test(one_argument_may_stand_alone),
        cmocka_unit_test(what_is_not_given_keeps_its_value),
        cmocka_unit_test(a_switch_gets_its_own_name),
        cmocka_unit_test(an_empty_value_is_a_value),
        cmocka_unit_test(what_is_wrong_is_said_in_one_line_that_points_to_the_help),
        cmocka_unit_test(a_complaint_without_room_says_so),
        cmocka_unit_test(help_lists_the_table_with_aligned_sentences),
        cmocka_unit_test(version_says_name_and_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
