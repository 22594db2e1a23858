/* Two forked processes, a page of shared memory, and /proc. */
#include "tests/soak/killer.h"

#include "common/instant.h"
#include "common/random.h"
#include "common/task_threads.h"
#include "tests/support/loopback.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CALM_MIN_MS = 5, /* of undisturbed traffic before a kill */
    CALM_MAX_MS = 50,
    WEDGED_AFTER_MS = 20000,
    WARM_UP_KILLS = 10, /* before the survivor's size is taken */
    SHRINK_WITHIN_MS = 3000,
    URL_COUNT = 2,
};

struct options {
    unsigned kills;
    unsigned back_within_ms;
    const char *side; /* NULL: both, one after the other */
};

/* What a process holds. */
struct size {
    unsigned threads;
    unsigned descriptors;
    unsigned resident_kb;
};

struct herd {
    const struct killer_soak *soak;
    struct killer_board *board;
    const char *urls[URL_COUNT];
    pid_t pids[2];
};

static void rest_us(long us)
{
    const struct timespec pause = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&pause, NULL);
}

static void start_side(struct herd *herd, int side)
{
    (void)fflush(NULL);
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        exit(EXIT_FAILURE);
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing is left over when the killer is interrupted */
        if (getppid() != parent) {
            _exit(EXIT_FAILURE);
        }
        task_threads_leave_one(); /* as every process of a herd does */
        herd->soak->run[side](herd->board, herd->urls);
        _exit(EXIT_FAILURE);
    }
    herd->pids[side] = pid;
}

static void kill_side(struct herd *herd, int side)
{
    kill(herd->pids[side], SIGKILL);
    while (waitpid(herd->pids[side], NULL, 0) < 0 && errno == EINTR) {
    }
}

static void take_counters(const struct herd *herd, uint64_t *ret_counters)
{
    for (size_t i = 0; i < herd->soak->counter_count; i++) {
        ret_counters[i] = herd->board->counters[i];
    }
}

/* Whether every counter has moved further than what was in flight explains. */
static bool is_back(const struct herd *herd, const uint64_t *before)
{
    for (size_t i = 0; i < herd->soak->counter_count; i++) {
        if (herd->board->counters[i] <= before[i] + herd->soak->steps_in_flight) {
            return false;
        }
    }
    return true;
}

/* How long it took, or -1: the traffic never came back. */
static int64_t wait_until_back(const struct herd *herd, const uint64_t *before)
{
    const struct instant start = instant_now();
    while (!is_back(herd, before)) {
        if (instant_ns_between(start, instant_now()) > (int64_t)WEDGED_AFTER_MS * NS_PER_MS) {
            return -1;
        }
        rest_us(500);
    }
    return instant_ns_between(start, instant_now());
}

static unsigned count_descriptors(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    unsigned count = 0;
    DIR *folder = opendir(path);
    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count;
}

static struct size size_of(pid_t pid)
{
    struct size size = {.descriptors = count_descriptors(pid)};
    char path[64];
    char line[256];
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Threads:", 8) == 0) {
            size.threads = (unsigned)strtoul(line + 8, NULL, 10);
        } else if (strncmp(line, "VmRSS:", 6) == 0) {
            size.resident_kb = (unsigned)strtoul(line + 6, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return size;
}

/* The size now, waiting a while for it to be no larger than `wanted`: what is torn down takes its
 * time. */
static struct size settled_size(pid_t pid, struct size wanted)
{
    const struct instant deadline = instant_after_ms(instant_now(), SHRINK_WITHIN_MS);
    struct size size = size_of(pid);
    while ((size.threads > wanted.threads || size.descriptors > wanted.descriptors) &&
           instant_is_before(instant_now(), deadline)) {
        rest_us(10000);
        size = size_of(pid);
    }
    return size;
}

static int compare_times(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Fills `times` with how long each return took; false: it never came back from kill number
 * *ret_done + 1. */
static bool kill_again_and_again(struct herd *herd,
    int side,
    unsigned kills,
    struct random *random,
    int64_t *times,
    struct size *ret_early,
    unsigned *ret_done)
{
    uint64_t before[KILLER_COUNTERS_MAX];
    for (*ret_done = 0; *ret_done < kills; (*ret_done)++) {
        if (*ret_done == WARM_UP_KILLS) {
            *ret_early = size_of(herd->pids[1 - side]);
        }
        rest_us(1000 * (CALM_MIN_MS + (long)random_below(random, CALM_MAX_MS - CALM_MIN_MS)));
        kill_side(herd, side);
        take_counters(herd, before);
        start_side(herd, side);
        times[*ret_done] = wait_until_back(herd, before);
        if (times[*ret_done] < 0) {
            return false;
        }
    }
    return true;
}

static bool report(const struct killer_soak *soak,
    int side,
    const struct options *options,
    int64_t *times,
    struct size early,
    struct size late)
{
    qsort(times, options->kills, sizeof times[0], compare_times);
    unsigned late_count = 0;
    for (unsigned i = 0; i < options->kills; i++) {
        late_count += times[i] > (int64_t)options->back_within_ms * NS_PER_MS;
    }
    const bool has_grown = late.threads > early.threads || late.descriptors > early.descriptors;
    printf("%s: %u kills of the %s: traffic back after %" PRId64 " ms (median), %" PRId64
           " ms (99 %%), %" PRId64
           " ms (most); %u later than %u ms; the survivor's threads %u -> %u, "
           "descriptors %u -> %u, resident %u -> %u kB\n",
        soak->name,
        options->kills,
        soak->sides[side],
        times[options->kills / 2] / NS_PER_MS,
        times[options->kills * 99 / 100] / NS_PER_MS,
        times[options->kills - 1] / NS_PER_MS,
        late_count,
        options->back_within_ms,
        early.threads,
        late.threads,
        early.descriptors,
        late.descriptors,
        early.resident_kb,
        late.resident_kb);
    return late_count == 0 && !has_grown;
}

static bool soak_side(struct herd *herd, int side, const struct options *options)
{
    int64_t *times = calloc(options->kills, sizeof *times);
    struct random random = random_from_seed(random_seed_from_system());
    uint64_t before[KILLER_COUNTERS_MAX];
    struct size early = {0};
    unsigned done = 0;
    take_counters(herd, before);
    for (int i = 0; i < 2; i++) {
        start_side(herd, i);
    }
    bool is_good = wait_until_back(herd, before) >= 0 &&
                   kill_again_and_again(herd, side, options->kills, &random, times, &early, &done);
    if (!is_good) {
        printf("%s: WEDGED: no traffic %d ms after kill %u of the %s\n",
            herd->soak->name,
            WEDGED_AFTER_MS,
            done + 1,
            herd->soak->sides[side]);
    } else {
        const struct size late = settled_size(herd->pids[1 - side], early);
        is_good = report(herd->soak, side, options, times, early, late);
    }
    for (int i = 0; i < 2; i++) {
        kill_side(herd, i);
    }
    free(times);
    return is_good;
}

static bool parse(int argc, char **argv, struct options *options)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--kills") == 0) {
            options->kills = (unsigned)strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--back-within") == 0) {
            options->back_within_ms = (unsigned)strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--side") == 0) {
            options->side = argv[i + 1];
        } else {
            return false;
        }
    }
    return argc % 2 == 1 && options->kills > WARM_UP_KILLS;
}

int killer_main(const struct killer_soak *soak, int argc, char **argv)
{
    struct options options = {.kills = 200, .back_within_ms = 500};
    if (!parse(argc, argv, &options)) {
        (void)fprintf(stderr,
            "usage: %s [--kills N] [--back-within MS] [--side %s|%s]; N > %d\n",
            argv[0],
            soak->sides[0],
            soak->sides[1],
            WARM_UP_KILLS);
        return 2;
    }
    struct killer_board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED) {
        perror("mmap");
        return EXIT_FAILURE;
    }
    char urls[URL_COUNT][LOOPBACK_URL_SIZE];
    struct herd herd = {.soak = soak, .board = board};
    for (size_t i = 0; i < URL_COUNT; i++) {
        loopback_free_url(urls[i]);
        herd.urls[i] = urls[i];
    }
    bool is_good = true;
    for (int side = 0; side < 2; side++) {
        if (options.side == NULL || strcmp(options.side, soak->sides[side]) == 0) {
            is_good = soak_side(&herd, side, &options) && is_good;
        }
    }
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
