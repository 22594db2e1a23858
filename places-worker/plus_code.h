/* Plus codes (Open Location Code): a short text for an area of about 14 m by 14 m, computed without
 * asking anyone. */
#ifndef PLACES_WORKER_PLUS_CODE_H
#define PLACES_WORKER_PLUS_CODE_H

#include "common/location.h"

/* Ten digits, `+` before the last two, and the terminator: `85636HC6+7V`. */
#define PLUS_CODE_SIZE 12

/* The code of the area that `location` lies in; the north pole belongs to the areas that touch it.
 */
void plus_code_format(struct location location, char ret_text[PLUS_CODE_SIZE]);

#endif
