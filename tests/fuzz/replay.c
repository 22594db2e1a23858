/*
 * Runs a fuzzing function without libFuzzer: over its corpus, and over changes of it that are the
 * same each time. Finds less than fuzzing does, but in every build and in seconds.
 *
 *   NAME_replay CORPUS COUNT [FIRST]    inputs FIRST .. FIRST + COUNT - 1; without FIRST the corpus
 *                                       itself, too
 */
#include "common/random.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INPUT_MAX = 16 * 1024,
    FILES_MAX = 64,
    CHANGES_MAX = 6,   /* of one input */
    PIECE_MAX = 64,    /* bytes of a change */
    TOLD_EVERY = 1000, /* inputs: where one ends the program, the last line shows where to look */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    size_t size;
    uint8_t bytes[INPUT_MAX];
};

static struct input files[FILES_MAX];
static size_t file_count;

static int is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* In the order of their names, because that decides what is made of them. */
static void read_corpus(const char *folder)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_file, alphasort);
    if (count <= 0) {
        fprintf(stderr, "%s: there is no corpus\n", folder);
        exit(EXIT_FAILURE);
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        FILE *const file = fopen(path, "rb");
        assert(file != NULL && file_count < FILES_MAX);
        struct input *const input = &files[file_count++];
        input->size = fread(input->bytes, 1, sizeof input->bytes, file);
        fclose(file);
        free(entries[i]);
    }
    free(entries);
}

/* In memory of just that size, so that a step beyond the end is seen. */
static void run(const struct input *input)
{
    uint8_t *const exact = malloc(input->size > 0 ? input->size : 1);
    assert(exact != NULL);
    memcpy(exact, input->bytes, input->size);
    LLVMFuzzerTestOneInput(exact, input->size);
    free(exact);
}

/* ---- Changes ---- */

static void erase(struct input *input, size_t at, size_t length)
{
    memmove(&input->bytes[at], &input->bytes[at + length], input->size - at - length);
    input->size -= length;
}

static void insert(struct input *input, size_t at, const uint8_t *bytes, size_t length)
{
    if (length > sizeof input->bytes - input->size) {
        return;
    }
    memmove(&input->bytes[at + length], &input->bytes[at], input->size - at);
    memcpy(&input->bytes[at], bytes, length);
    input->size += length;
}

static size_t below(struct random *random, size_t bound)
{
    return (size_t)random_below(random, bound);
}

/* A piece of some file of the corpus. */
static void insert_piece(struct random *random, struct input *input)
{
    const struct input *const from = &files[below(random, file_count)];
    const size_t start = below(random, from->size + 1);
    const size_t rest = from->size - start;
    const size_t length = below(random, (rest < PIECE_MAX ? rest : PIECE_MAX) + 1);
    insert(input, below(random, input->size + 1), &from->bytes[start], length);
}

static void change(struct random *random, struct input *input)
{
    static const char telling[] = "\0\n\r\t \"\\{}[],:+-.eE09<>\x1E\x7F\x80\xC3\xFF";
    const size_t at = below(random, input->size + 1);
    const size_t rest = input->size - at;
    const uint8_t byte = (uint8_t)telling[below(random, sizeof telling)];
    switch (below(random, 6)) {
    case 0:
        insert(input, at, &byte, 1);
        break;
    case 1:
        if (rest > 0) {
            input->bytes[at] = byte;
        }
        break;
    case 2:
        if (rest > 0) {
            input->bytes[at] ^= (uint8_t)(1U << below(random, 8));
        }
        break;
    case 3:
        erase(input, at, below(random, (rest < PIECE_MAX ? rest : PIECE_MAX) + 1));
        break;
    case 4:
        insert_piece(random, input);
        break;
    default:
        if (below(random, 4) == 0) { /* cut off; less often, because little is left then */
            input->size = at;
        }
        break;
    }
}

/* Input `number` is the same on every machine, whatever was run before it. */
static void run_changed(uint64_t number)
{
    static struct input input;
    struct random random = random_from_seed(number);
    input = files[below(&random, file_count)];
    for (size_t changes = 1 + below(&random, CHANGES_MAX); changes > 0; changes--) {
        change(&random, &input);
    }
    run(&input);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "Usage: %s CORPUS COUNT [FIRST]\n", argv[0]);
        return EXIT_FAILURE;
    }
    const uint64_t count = strtoull(argv[2], NULL, 10);
    const uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    read_corpus(argv[1]);
    for (size_t i = 0; i < file_count && argc == 3; i++) {
        run(&files[i]);
    }
    for (uint64_t number = first; number - first < count; number++) {
        if ((number - first) % TOLD_EVERY == 0) {
            printf("inputs from %llu\n", (unsigned long long)number);
            fflush(stdout);
        }
        run_changed(number);
    }
    return EXIT_SUCCESS;
}
