/* A file holds the key and perhaps a newline. */
#include "places-worker/google_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum status complain(
    struct buffer *complaint, enum status status, const char *where, const char *cause)
{
    return buffer_append_format(complaint, "Google key in %s: %s", where, cause) == STATUS_OK
               ? status
               : STATUS_NO_MEMORY;
}

/* One word of printable characters. */
static enum status take_key(struct slice text,
    const char *where,
    char ret_key[GOOGLE_KEY_MAX + 1],
    struct buffer *complaint)
{
    const struct slice key = slice_next_word(&text);
    const struct slice rest = slice_next_word(&text);
    if (key.length == 0) {
        return complain(complaint, STATUS_MALFORMED, where, "is empty");
    }
    if (rest.length > 0 || memchr(key.data, '\0', key.length) != NULL) {
        return complain(complaint, STATUS_MALFORMED, where, "is more than one word");
    }
    if (key.length > GOOGLE_KEY_MAX) {
        return complain(complaint, STATUS_MALFORMED, where, "is too long for a key");
    }
    memcpy(ret_key, key.data, key.length);
    ret_key[key.length] = '\0';
    return STATUS_OK;
}

enum status google_key_read(
    const char *file, char ret_key[GOOGLE_KEY_MAX + 1], struct buffer *complaint)
{
    if (file == NULL) {
        const char *const value = getenv(GOOGLE_KEY_VARIABLE);
        if (value == NULL) {
            return complain(complaint,
                STATUS_NOT_FOUND,
                "the environment variable " GOOGLE_KEY_VARIABLE,
                "is not set, and places.google_key_file neither");
        }
        return take_key(
            slice_of(value), "the environment variable " GOOGLE_KEY_VARIABLE, ret_key, complaint);
    }
    const int descriptor = open(file, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return complain(complaint,
            errno == EACCES ? STATUS_NOT_PERMITTED : STATUS_NOT_FOUND,
            file,
            strerror(errno));
    }
    char text[2 * GOOGLE_KEY_MAX];
    const ssize_t length = read(descriptor, text, sizeof text);
    const int cause = errno;
    close(descriptor);
    if (length < 0) {
        return complain(complaint, STATUS_IO, file, strerror(cause));
    }
    return take_key(slice_of_bytes(text, (size_t)length), file, ret_key, complaint);
}
