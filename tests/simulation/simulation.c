/* Lives many random herds, says which seed failed, and lives one again with a trace. */
#include "common/instant.h"
#include "common/slice.h"
#include "tests/simulation/cost.h"
#include "tests/simulation/schedule.h"
#include "tests/simulation/stories.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "usage: simulation random --seeds FROM..TO\n"
                            "       simulation random --seed SEED [--trace]\n"
                            "       simulation stories [PATTERN]\n"
                            "       simulation cost\n"
                            "\n"
                            "Each seed is one life of a herd: 2 to 50 nodes with the real gossip, "
                            "under random faults, then\n"
                            "in quiet. Ends with status 0 if all herds became equal, and with 1 at "
                            "the first that did not.\n"
                            "Stories are lives with a name; the pattern may have * and ?. Cost "
                            "says what a report costs on\n"
                            "the wires of the default herd.\n"
                            "  --trace   one line per event\n"
                            "  --mutant  the other way round, for a program with a rule taken "
                            "away: ends with status 0 if a\n"
                            "            story or a seed fails\n";

struct command {
    uint64_t from;
    uint64_t to;
    bool is_traced;
    bool is_mutant;
};

static struct command command;
static uint64_t running_seed;

static void write_all(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written <= 0) {
            return;
        }
        text += written;
        length -= (size_t)written;
    }
}

/* An assertion of the real code failed, too: say the seed, with nothing but async-safe calls. */
static void on_crash(int number)
{
    (void)number;
    char text[] =
        "simulation: crashed; replay: simulation random --trace --seed 00000000000000000000\n";
    uint64_t seed = running_seed;
    for (size_t i = sizeof text - 3; seed > 0; i--, seed /= 10) {
        text[i] = (char)('0' + seed % 10);
    }
    write_all(text, sizeof text - 1);
    _exit(command.is_mutant ? 0 : 1);
}

static bool parse_seeds(const char *text)
{
    struct slice rest = slice_of(text);
    if (!slice_parse_number(slice_take_digits(&rest), UINT64_MAX, &command.from)) {
        return false;
    }
    command.to = command.from;
    if (rest.length == 0) {
        return true;
    }
    if (rest.length < 2 || !slice_equals(slice_of_bytes(rest.data, 2), slice_of(".."))) {
        return false;
    }
    return slice_parse_number(slice_from(rest, 2), UINT64_MAX - 1, &command.to) &&
           command.from <= command.to;
}

static bool parse_command(int count, char **words)
{
    bool has_seeds = false;
    if (count < 2 || strcmp(words[1], "random") != 0) {
        return false;
    }
    for (int i = 2; i < count; i++) {
        if ((strcmp(words[i], "--seeds") == 0 || strcmp(words[i], "--seed") == 0) &&
            i + 1 < count) {
            has_seeds = parse_seeds(words[++i]);
        } else if (strcmp(words[i], "--trace") == 0) {
            command.is_traced = true;
        } else if (strcmp(words[i], "--mutant") == 0) {
            command.is_mutant = true;
        } else {
            return false;
        }
    }
    return has_seeds;
}

/* ---- What is told at the end ---- */

struct totals {
    size_t count;
    size_t capacity;
    double *equal_ms;
    double *converged_ms;
    uint64_t messages;
    uint64_t reports;
};

static void note(struct totals *totals, const struct schedule_result *result)
{
    if (totals->count == totals->capacity) {
        totals->capacity = totals->capacity == 0 ? 1024 : 2 * totals->capacity;
        totals->equal_ms = realloc(totals->equal_ms, totals->capacity * sizeof(double));
        totals->converged_ms = realloc(totals->converged_ms, totals->capacity * sizeof(double));
    }
    totals->equal_ms[totals->count] = result->equal_after_ms;
    totals->converged_ms[totals->count] = result->converged_after_ms;
    totals->count++;
    totals->messages += result->messages;
    totals->reports += result->reports;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static void print_distribution(const char *what, double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    printf("%s after the faults: median %.0f ms, p99 %.0f ms, p99.9 %.0f ms, longest %.0f ms\n",
        what,
        values[count / 2],
        values[count * 99 / 100],
        values[count * 999 / 1000],
        values[count - 1]);
}

static void print_totals(struct totals *totals, struct instant start)
{
    double seconds = (double)instant_ns_between(start, instant_now()) / NS_PER_SECOND;
    printf("%zu herds in %.1f s; %" PRIu64 " messages with %" PRIu64 " reports\n",
        totals->count,
        seconds,
        totals->messages,
        totals->reports);
    if (totals->count > 0) {
        print_distribution("equal", totals->equal_ms, totals->count);
        print_distribution("converged", totals->converged_ms, totals->count);
    }
    free(totals->equal_ms);
    free(totals->converged_ms);
}

/* Lives the herds of the command's seeds until one fails; whether one did. */
static bool has_failing_seed(struct totals *totals)
{
    for (uint64_t seed = command.from; seed <= command.to; seed++) {
        running_seed = seed;
        struct schedule_result result = schedule_run(seed, command.is_traced ? stdout : NULL);
        if (!result.is_good) {
            printf("seed %" PRIu64 ": %s\nreplay: simulation random --trace --seed %" PRIu64 "\n",
                seed,
                result.failure,
                seed);
            return true;
        }
        note(totals, &result);
    }
    return false;
}

static int run_random(void)
{
    struct instant start = instant_now();
    struct totals totals = {0};
    bool has_failed = has_failing_seed(&totals);
    print_totals(&totals, start);
    return has_failed ? 1 : 0;
}

/* A mutant that hangs is stopped by the test's time limit, one that crashes by on_crash(). */
static int run_mutant(void)
{
    bool is_caught = stories_run(NULL) != 0 || run_random() != 0;
    puts(is_caught ? "the mutant was caught" : "the mutant was NOT caught");
    return is_caught ? 0 : 1;
}

int main(int count, char **words)
{
    if (count >= 2 && strcmp(words[1], "stories") == 0) {
        return stories_run(count > 2 ? words[2] : NULL) == 0 ? 0 : 1;
    }
    if (count == 2 && strcmp(words[1], "cost") == 0) {
        return cost_print() == 0 ? 0 : 1;
    }
    if (!parse_command(count, words)) {
        fputs(usage, stderr);
        return 2;
    }
    signal(SIGABRT, on_crash);
    signal(SIGSEGV, on_crash);
    return command.is_mutant ? run_mutant() : run_random();
}
