/* Degrees as decimal text for other programs: no sign when positive, no locale, no needless zeros.
 */
#ifndef PLACES_WORKER_DEGREES_H
#define PLACES_WORKER_DEGREES_H

#include <stddef.h>

/* The longest, `-179.1234567`, and its terminator. */
#define DEGREES_TEXT_SIZE 13

/* Seven decimals (a centimetre), trailing zeros left out; returns the length. `degrees` is within
 * +-180. */
size_t degrees_format(double degrees, char ret_text[DEGREES_TEXT_SIZE]);

#endif
