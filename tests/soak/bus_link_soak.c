/* Gossip links under kill -9: two nodes, each with an inlet and a link, that keep eight messages on
 * their way. */
#include "common/bus_link.h"
#include "tests/soak/killer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SMALL = 100, /* bytes; every other message is large */
    LARGE = 64 * 1024,
    MAILS_MAX = 64,
    UNACKNOWLEDGED_MAX = 8,
    PATIENCE_MS = 20, /* after that, what is on its way counts as lost */
};

/* The head of each message; the rest is ballast. */
struct head {
    uint64_t number;
    uint64_t acknowledged; /* the last number that came from the other side */
};

struct node {
    struct bus_link *link;
    struct bus_inlet *inlet;
    struct mailbox *mailbox;
    _Atomic uint64_t *received;
    struct head head;
    uint64_t in_flight;
    struct instant heard;
};

static void insist(enum status status)
{
    if (status != STATUS_OK) {
        _exit(EXIT_FAILURE);
    }
}

static void send_next(struct node *node)
{
    static char message[LARGE];
    node->head.number++;
    node->in_flight++;
    memcpy(message, &node->head, sizeof node->head);
    bus_link_send(node->link, slice_of_bytes(message, node->head.number % 2 == 0 ? SMALL : LARGE));
}

static void note_mail(struct node *node, const struct mail *mail)
{
    if (mail->kind != MAIL_GOSSIP) {
        return;
    }
    struct head head;
    memcpy(&head, mail->bytes.data, sizeof head);
    (*node->received)++;
    node->heard = instant_now();
    node->head.acknowledged = head.number;
    if (head.acknowledged <= node->head.number &&
        node->head.number - head.acknowledged < node->in_flight) {
        node->in_flight = node->head.number - head.acknowledged;
    }
}

static void live(_Atomic uint64_t *received, const char *own_url, const char *other_url)
{
    struct node node = {.received = received, .heard = instant_now()};
    insist(mailbox_create(MAILS_MAX, &node.mailbox));
    insist(bus_inlet_open(own_url, LARGE, node.mailbox, &node.inlet));
    insist(bus_link_open(other_url, node.mailbox, NULL, 0, &node.link));
    for (;;) {
        struct mail *mails =
            mailbox_wait(node.mailbox, instant_after_ms(instant_now(), PATIENCE_MS));
        while (mails != NULL) {
            struct mail *mail = mails;
            mails = mail->next;
            note_mail(&node, mail);
            mail_release(mail);
        }
        bus_inlet_resume(node.inlet);
        if (instant_is_before(instant_after_ms(node.heard, PATIENCE_MS), instant_now())) {
            node.heard = instant_now();
            node.in_flight = UNACKNOWLEDGED_MAX - 1; /* one to try with */
        }
        while (node.in_flight < UNACKNOWLEDGED_MAX) {
            send_next(&node);
        }
    }
}

static void live_here(struct killer_board *board, const char *const *urls)
{
    live(&board->counters[0], urls[0], urls[1]);
}

static void live_there(struct killer_board *board, const char *const *urls)
{
    live(&board->counters[1], urls[1], urls[0]);
}

int main(int argc, char **argv)
{
    static const struct killer_soak soak = {.name = "links",
        .sides = {"one", "other"},
        .run = {live_here, live_there},
        .counter_count = 2,
        .steps_in_flight = (uint64_t)2 * UNACKNOWLEDGED_MAX};
    return killer_main(&soak, argc, argv);
}
