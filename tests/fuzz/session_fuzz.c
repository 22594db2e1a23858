/* A client gets the same replies however its bytes arrive and in whatever order answers come. */
#include "gateway/session.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TICKETS_MAX = SESSION_COMMANDS_MAX, INPUT_MAX = 64 * 1024 };

static const struct session_limits limits = {.line_max = 64, .input_max = 1024, .output_max = 256};

/* A client that is served: what is asked and not answered, and what it was sent. */
struct service {
    struct session session;
    uint64_t open[TICKETS_MAX];
    bool is_whatsat[TICKETS_MAX];
    size_t open_count;
    uint64_t chance;
    struct buffer output;
};

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static size_t chance(struct service *service, size_t bound)
{
    service->chance = service->chance * 6364136223846793005U + 1442695040888963407U;
    return (size_t)(service->chance >> 33) % bound;
}

static void read_lines(struct service *service)
{
    struct slice line;
    struct session_command command;
    while (session_read(&service->session, (struct instant){.ns = 1}, &line)) {
        check(line.length <= limits.line_max);
    }
    while (session_peek(&service->session, (struct instant){.ns = 1}, &command)) {
        check(command.command.id.length > 0);
        service->is_whatsat[service->open_count] = command.command.kind == COMMAND_WHATSAT;
        service->open[service->open_count++] = command.ticket;
        session_issue(&service->session);
    }
}

static void answer(struct service *service, size_t index)
{
    if (service->is_whatsat[index]) {
        session_answer_places(
            &service->session, service->open[index], slice_of("AT x"), slice_of("{\n}"));
    } else {
        session_answer_accepted(&service->session, service->open[index], slice_of("Goloman"), 5);
    }
    service->open_count--;
    service->open[index] = service->open[service->open_count];
    service->is_whatsat[index] = service->is_whatsat[service->open_count];
}

static void take_replies(struct service *service)
{
    struct session_reply reply;
    struct buffer output = buffer_with_max(0);
    while (session_reply(&service->session, &reply) == SESSION_REPLIED) {
        check(reply.line.length > 0);
    }
    session_take_output(&service->session, &output);
    check(output.length <= limits.output_max + 256);
    check(buffer_append(&service->output, buffer_slice(&output)) == STATUS_OK);
    buffer_clear(&output);
    session_trim(&service->session);
}

/* Serves `input` to its end, in pieces and in an order that `seed` decides; 0: as simply as can be.
 */
static struct buffer serve(struct service *service, struct slice input, uint64_t seed)
{
    service->open_count = 0;
    service->chance = seed;
    service->output = buffer_with_max(64 * INPUT_MAX);
    session_init(&service->session, &limits);
    while (!session_is_finished(&service->session)) {
        const size_t room = session_room(&service->session);
        size_t count = input.length < room ? input.length : room;
        if (seed != 0 && count > 0) {
            count = chance(service, count + 1);
        }
        check(session_feed(&service->session, slice_of_bytes(input.data, count)) == STATUS_OK);
        input = slice_from(input, count);
        if (input.length == 0) {
            session_end_input(&service->session);
        }
        read_lines(service);
        const bool is_stuck = session_room(&service->session) == 0;
        while (service->open_count > 0 && (seed == 0 || is_stuck || chance(service, 3) > 0)) {
            answer(service, seed == 0 ? 0 : chance(service, service->open_count));
        }
        take_replies(service);
        read_lines(service);
    }
    check(service->open_count == 0 && session_output_length(&service->session) == 0);
    session_clear(&service->session);
    return service->output;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct service service;
    if (size < 2 || size > INPUT_MAX) {
        return 0;
    }
    const struct slice input = slice_of_bytes((const char *)data + 1, size - 1);
    struct buffer simple = serve(&service, input, 0);
    struct buffer other = serve(&service, input, (uint64_t)data[0] + 1);
    check(slice_equals(buffer_slice(&simple), buffer_slice(&other)));
    buffer_clear(&simple);
    buffer_clear(&other);
    return 0;
}
