/* Lanes under kill -9: an asker with eight busy lanes, and an answerer that sends back what it is
 * sent. */
#include "common/lane.h"
#include "common/random.h"
#include "tests/soak/killer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LANES = 8,
    SMALL = 100, /* bytes; every other lane has large ones */
    LARGE = 64 * 1024,
    MAILS_MAX = 64,
    RETRY_MS = 10,
    ONE_IN_CANCELLED = 500,
};

struct asking {
    struct lane *lane;
    bool is_connected;
    bool is_waiting;
};

static void insist(enum status status)
{
    if (status != STATUS_OK) {
        _exit(EXIT_FAILURE);
    }
}

static void answer(struct killer_board *board, const char *const *urls)
{
    (void)board;
    struct mailbox *mailbox = NULL;
    struct lane_server *server = NULL;
    insist(mailbox_create(MAILS_MAX, &mailbox));
    insist(lane_server_open(urls[0], LARGE, 2 * LANES, mailbox, &server));
    for (;;) {
        struct mail *mail = mailbox_wait_one(mailbox, INSTANT_NEVER);
        lane_server_respond(server, mail->token, mail->bytes);
        mail_release(mail);
    }
}

static void note_mail(struct killer_board *board, struct asking *lanes, const struct mail *mail)
{
    struct asking *asking = &lanes[mail->token];
    if (mail->kind == MAIL_LANE_CONNECTED || mail->kind == MAIL_LANE_LOST) {
        asking->is_connected = mail->kind == MAIL_LANE_CONNECTED;
        return;
    }
    asking->is_waiting = false;
    if (mail->kind == MAIL_LANE_RESPONSE) {
        board->counters[mail->token]++;
    }
}

static void ask_on_idle_lanes(struct asking *lanes, struct random *random, bool is_retry)
{
    static const char message[LARGE];
    for (size_t i = 0; i < LANES; i++) {
        if (lanes[i].is_waiting || (!lanes[i].is_connected && !is_retry)) {
            continue;
        }
        lane_send(lanes[i].lane, slice_of_bytes(message, i % 2 == 0 ? SMALL : LARGE));
        lanes[i].is_waiting = true;
        if (random_below(random, ONE_IN_CANCELLED) == 0) {
            lane_cancel(lanes[i].lane);
        }
    }
}

static void ask(struct killer_board *board, const char *const *urls)
{
    struct mailbox *mailbox = NULL;
    struct asking lanes[LANES] = {0};
    struct random random = random_from_seed(random_seed_from_system());
    insist(mailbox_create(MAILS_MAX, &mailbox));
    for (uint64_t i = 0; i < LANES; i++) {
        insist(lane_open(urls[0], LARGE, mailbox, NULL, i, &lanes[i].lane));
    }
    for (;;) {
        struct mail *mails = mailbox_wait(mailbox, instant_after_ms(instant_now(), RETRY_MS));
        const bool is_retry = mails == NULL;
        while (mails != NULL) {
            struct mail *mail = mails;
            mails = mail->next;
            note_mail(board, lanes, mail);
            mail_release(mail);
        }
        ask_on_idle_lanes(lanes, &random, is_retry);
    }
}

int main(int argc, char **argv)
{
    static const struct killer_soak soak = {.name = "lanes",
        .sides = {"answerer", "asker"},
        .run = {answer, ask},
        .counter_count = LANES,
        .steps_in_flight = 1};
    return killer_main(&soak, argc, argv);
}
