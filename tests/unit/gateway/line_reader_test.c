/* Does line_reader find the same lines, however the bytes arrive? */
#include "gateway/line_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { LINE_MAX = 8 };

/* What was read, one character per result: `[line]` ready, `{line}` too long. */
struct reading {
    char text[512];
    size_t length;
};

static void add(struct reading *reading, char open, struct slice line, char close)
{
    reading->text[reading->length++] = open;
    for (size_t i = 0; i < line.length; i++) {
        reading->text[reading->length++] = line.data[i];
    }
    reading->text[reading->length++] = close;
}

/* Feeds `input` in pieces that end at `split`, split + step, ... and reads after each. */
static struct reading read_in_pieces(struct slice input, size_t split, size_t step)
{
    struct line_reader reader = line_reader_with_max(LINE_MAX);
    struct reading reading = {.length = 0};
    size_t consumed_total = 0;
    size_t fed = split;
    for (;;) {
        fed = fed > input.length ? input.length : fed;
        const bool is_end = fed == input.length;
        for (;;) {
            const struct slice unread =
                slice_of_bytes(input.data + consumed_total, fed - consumed_total);
            struct slice line;
            size_t consumed;
            const enum line_result result =
                line_reader_next(&reader, unread, is_end, &line, &consumed);
            consumed_total += consumed;
            if (result == LINE_NEED_MORE) {
                break;
            }
            add(&reading, result == LINE_READY ? '[' : '{', line, result == LINE_READY ? ']' : '}');
        }
        if (is_end) {
            assert_int_equal(consumed_total, input.length);
            return reading;
        }
        fed += step;
    }
}

static const struct {
    const char *input;
    const char *wanted;
} cases[] = {
    {"", ""},
    {"\n", "[]"},
    {"\r\n", "[]"},
    {"\r\r\n", "[\r]"},
    {"a\nb\r\n", "[a][b]"},
    {"a\rb\n", "[a\rb]"},
    {"last", "[last]"},
    {"one\nlast\r", "[one][last\r]"},
    {"\n\n\n", "[][][]"},
    {"12345678\n", "[12345678]"},
    {"12345678\r\n", "[12345678]"},
    {"12345678", "[12345678]"},
    {"12345678\r", "{12345678}"},
    {"123456789\nx\n", "{12345678}[x]"},
    {"12345678\rX\nx\n", "{12345678}[x]"},
    {"123456789\r\nx", "{12345678}[x]"},
    {"1234567890123456789012345678901234567890", "{12345678}"},
    {"123456789\n123456789\nab\n\n", "{12345678}{12345678}[ab][]"},
};

static void lines_do_not_depend_on_how_bytes_arrive(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct slice input = slice_of(cases[i].input);
        for (size_t split = 0; split <= input.length; split++) {
            for (size_t step = 1; step <= input.length + 1; step++) {
                struct reading reading = read_in_pieces(input, split, step);
                reading.text[reading.length] = '\0';
                assert_string_equal(reading.text, cases[i].wanted);
            }
        }
    }
}

static void zero_bytes_are_bytes_like_others(void **state)
{
    (void)state;
    const struct reading reading = read_in_pieces(slice_of_bytes("a\0b\n\0\n", 6), 6, 1);
    assert_int_equal(reading.length, 8);
    assert_memory_equal(reading.text, "[a\0b][\0]", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_do_not_depend_on_how_bytes_arrive),
        cmocka_unit_test(zero_bytes_are_bytes_like_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
