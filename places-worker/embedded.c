/* Finds and writes; what goes wrong is said in words. */
#include "places-worker/embedded.h"

#include "places-worker/legacy_text.h"

void embedded_answer(struct place_store *store,
    enum ranking_order order,
    const struct nearby *nearby,
    struct instant deadline,
    struct place_results *results,
    struct provider_answer *answer)
{
    provider_answer_reset(answer);
    const struct place_query query = {
        .centre = nearby->location,
        .radius_m = nearby->radius_m,
        .results_max = nearby->results_max,
        .order = order,
        .deadline = deadline,
    };
    enum status status = place_store_find(store, &query, results);
    if (status == STATUS_TIMED_OUT) {
        provider_answer_fail(
            answer, PLACES_UNKNOWN_ERROR, "the places database did not answer in time");
        return;
    }
    if (status != STATUS_OK) {
        provider_answer_fail(answer,
            PLACES_UNKNOWN_ERROR,
            "the places database cannot be read (%s); it may have to be built or imported again",
            status_text(status));
        return;
    }
    status =
        legacy_text_append(&answer->text, results->places, results->count, results->is_any_nearby);
    if (status != STATUS_OK) {
        provider_answer_fail(answer, PLACES_UNKNOWN_ERROR, "the places worker is out of memory");
        return;
    }
    answer->status = results->is_any_nearby ? PLACES_OK : PLACES_ZERO_RESULTS;
}
