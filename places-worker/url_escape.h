/* Text within a URL or a form (RFC 3986, section 2.1; pure). */
#ifndef PLACES_WORKER_URL_ESCAPE_H
#define PLACES_WORKER_URL_ESCAPE_H

#include "common/buffer.h"
#include "common/slice.h"
#include "common/status.h"

/* Appends `text`; every byte but the unreserved ones becomes %XX. STATUS_FULL and STATUS_NO_MEMORY
 * may leave a part of it behind. */
enum status url_escape_append(struct buffer *output, struct slice text) MUST_USE;

#endif
