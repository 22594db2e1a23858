/* Plain sockets and the mailbox, with failures reported as cmocka's. */
#include "tests/support/loopback.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { SILENCE_MS = 100, NOBODY = 65534 };

static struct sockaddr_in address_of(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

uint16_t loopback_free_port(void)
{
    struct sockaddr_in address = address_of(0);
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

void loopback_free_url(char ret_url[LOOPBACK_URL_SIZE])
{
    (void)snprintf(
        ret_url, LOOPBACK_URL_SIZE, "tcp://127.0.0.1:%u", (unsigned)loopback_free_port());
}

int loopback_connect(uint16_t port)
{
    const struct sockaddr_in address = address_of(port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

int loopback_listen(uint16_t port)
{
    const struct sockaddr_in address = address_of(port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, SOMAXCONN), 0);
    return fd;
}

enum status loopback_drop_privileges(void)
{
    char first = '1';
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
    assert_non_null(file);
    assert_int_equal(fread(&first, 1, 1, file), 1);
    (void)fclose(file);
    if (geteuid() == 0) {
        assert_int_equal(seteuid(NOBODY), 0);
    }
    return first == '0' ? STATUS_OK : STATUS_NOT_PERMITTED;
}

void loopback_regain_privileges(void)
{
    assert_int_equal(seteuid(getuid()), 0);
}

unsigned loopback_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count;
}

void loopback_expect_descriptors(unsigned count_max)
{
    const struct timespec moment = {.tv_nsec = 1000 * 1000};
    const struct instant deadline = instant_after_ms(instant_now(), LOOPBACK_PATIENCE_MS);
    unsigned count = loopback_descriptors();
    while (count > count_max && instant_is_before(instant_now(), deadline)) {
        (void)nanosleep(&moment, NULL);
        count = loopback_descriptors();
    }
    if (count > count_max) {
        fail_msg("wanted at most %u descriptors, have %u", count_max, count);
    }
}

struct mail *loopback_expect(struct mailbox *mailbox, enum mail_kind kind)
{
    struct mail *mail =
        mailbox_wait_one(mailbox, instant_after_ms(instant_now(), LOOPBACK_PATIENCE_MS));
    if (mail == NULL) {
        fail_msg("wanted a mail of kind %d, got none", (int)kind);
    } else {
        assert_int_equal(mail->kind, kind);
    }
    return mail;
}

void loopback_expect_and_release(struct mailbox *mailbox, enum mail_kind kind)
{
    mail_release(loopback_expect(mailbox, kind));
}

void loopback_expect_silence(struct mailbox *mailbox)
{
    const struct mail *mail =
        mailbox_wait_one(mailbox, instant_after_ms(instant_now(), SILENCE_MS));
    if (mail != NULL) {
        fail_msg("wanted no mail, got one of kind %d", mail->kind);
    }
}
