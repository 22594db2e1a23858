/* Appending, rotating, and what to do when the disk says no. */
#include "common/log_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct log_file {
    int descriptor; /* below 0: to be opened */
    size_t size;
    size_t size_max;
    unsigned files_max;
    bool is_rotated;
    bool is_torn; /* the last line in it was cut by a failure */
    bool is_standard_error;
    char path[PATH_MAX];
};

enum {
    NAME_SIZE = PATH_MAX + 11, /* with `.4294967295` */
    PERMISSIONS = 0640,
};

static enum status status_of_errno(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
        return STATUS_NOT_PERMITTED;
    case ENOENT:
    case ENOTDIR:
        return STATUS_NOT_FOUND;
    default:
        return STATUS_IO;
    }
}

/* Sets the descriptor and what depends on it. O_NONBLOCK: a pipe that nobody reads must not stop
 * us. */
static enum status open_path(struct log_file *file, const char *path)
{
    const int descriptor =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, PERMISSIONS);
    if (descriptor < 0) {
        return status_of_errno(errno);
    }
    /* lstat: a link such as /dev/stderr must not be renamed, whatever it points to. */
    struct stat facts;
    if (lstat(path, &facts) != 0) {
        close(descriptor);
        return STATUS_IO;
    }
    file->descriptor = descriptor;
    file->is_rotated = S_ISREG(facts.st_mode);
    file->size = file->is_rotated ? (size_t)facts.st_size : 0;
    return STATUS_OK;
}

static void close_descriptor(struct log_file *file)
{
    if (file->descriptor >= 0 && !file->is_standard_error) {
        close(file->descriptor);
    }
    file->descriptor = -1;
}

enum status log_file_open(
    const char *path, size_t size_max, unsigned files_max, struct log_file **ret_file)
{
    struct log_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return STATUS_NO_MEMORY;
    }
    file->size_max = size_max;
    file->files_max = files_max;
    if (strcmp(path, "-") == 0) {
        file->is_standard_error = true;
        file->descriptor = STDERR_FILENO;
        *ret_file = file;
        return STATUS_OK;
    }

    file->descriptor = -1;
    const enum status status = open_path(file, path);
    if (status != STATUS_OK) {
        log_file_close(file);
        return status;
    }
    memcpy(file->path, path, strlen(path) + 1); /* shorter than PATH_MAX, as it could be opened */
    *ret_file = file;
    return STATUS_OK;
}

void log_file_close(struct log_file *file)
{
    if (file == NULL) {
        return;
    }
    close_descriptor(file);
    free(file);
}

/* Opens the file if it is not open, or if it is one that no folder holds any more. */
static bool make_ready(struct log_file *file)
{
    struct stat facts;
    if (file->descriptor >= 0 && file->is_rotated &&
        (fstat(file->descriptor, &facts) != 0 || facts.st_nlink == 0)) {
        close_descriptor(file);
        file->is_torn = false;
    }
    return file->descriptor >= 0 || open_path(file, file->path) == STATUS_OK;
}

/* NAME for number 0, else NAME.number. */
static void put_name(const struct log_file *file, unsigned number, char ret_name[NAME_SIZE])
{
    const int length = number == 0 ? snprintf(ret_name, NAME_SIZE, "%s", file->path)
                                   : snprintf(ret_name, NAME_SIZE, "%s.%u", file->path, number);
    assert(length > 0 && length < NAME_SIZE);
}

/* Moves every file one number up, over the oldest; leaves the file to be opened. */
static bool rotate(struct log_file *file)
{
    close_descriptor(file);
    if (file->files_max == 0) {
        return unlink(file->path) == 0;
    }
    char from[NAME_SIZE];
    char to[NAME_SIZE];
    for (unsigned number = file->files_max; number > 0; number--) {
        put_name(file, number - 1, from);
        put_name(file, number, to);
        if (rename(from, to) != 0 && errno != ENOENT) {
            return false;
        }
    }
    return true;
}

/* How many of the bytes were written before the first failure. */
static size_t write_bytes(struct log_file *file, struct slice bytes)
{
    size_t done = 0;
    while (done < bytes.length) {
        const ssize_t count = write(file->descriptor, bytes.data + done, bytes.length - done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            break;
        }
        done += (size_t)count;
    }
    file->size += done;
    return done;
}

static size_t count_lines(struct slice lines)
{
    size_t count = 0;
    for (size_t i = 0; i < lines.length; i++) {
        count += lines.data[i] == '\n';
    }
    return count;
}

/* The length of the longest run of whole lines within `room` bytes. */
static size_t whole_lines(struct slice lines, size_t room)
{
    size_t length = lines.length < room ? lines.length : room;
    while (length > 0 && lines.data[length - 1] != '\n') {
        length--;
    }
    return length;
}

static size_t room_left(const struct log_file *file)
{
    if (!file->is_rotated) {
        return SIZE_MAX;
    }
    return file->size < file->size_max ? file->size_max - file->size : 0;
}

static struct slice behind_first_line(struct slice lines)
{
    const char *end = memchr(lines.data, '\n', lines.length);
    assert(end != NULL);
    return slice_from(lines, (size_t)(end - lines.data) + 1);
}

size_t log_file_write(struct log_file *file, struct slice lines)
{
    size_t lost = 0;
    while (lines.length > 0) {
        if (!make_ready(file)) {
            return lost + count_lines(lines);
        }
        if (file->is_torn && write_bytes(file, slice_of("\n")) == 0) {
            return lost + count_lines(lines);
        }
        file->is_torn = false;

        const size_t fitting = whole_lines(lines, room_left(file));
        if (fitting == 0 && file->size == 0) {
            lines = behind_first_line(lines);
            lost++;
            continue;
        }
        if (fitting == 0) {
            if (!rotate(file)) {
                return lost + count_lines(lines);
            }
            continue;
        }
        const size_t written = write_bytes(file, slice_of_bytes(lines.data, fitting));
        if (written < fitting) {
            file->is_torn = written > 0 && lines.data[written - 1] != '\n';
            return lost + count_lines(slice_from(lines, written));
        }
        lines = slice_from(lines, fitting);
    }
    return lost;
}
