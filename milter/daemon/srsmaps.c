/* srsmaps.c - the maps of the socketmap door.
 *
 * What is not clearly ours is not found, so that the MTA does with an address what it would do
 * without us.
 *
 * Errors: without a secret, or for an address of a day to come, the MTA is asked to come again. */
#include "milter/daemon/srsmaps.h"

#include <time.h>

#include "base/counters.h"
#include "base/log.h"
#include "srs/srs.h"

#define SHOWN_MAX 300

static void tell_lookup(const char *what, struct str key, const struct srs_outcome *o,
                        struct arena *a)
{
    log_info("srs: %.*s %s: %s", STR_ARG(str_safe(a, key, SHOWN_MAX, true)), what, o->why);
}

/* The MTA asks again and again for mail in its queue. */
static void tell_of_delay(struct str key, const struct srs_outcome *o, struct arena *a)
{
    static struct log_pace pace;
    unsigned held_back;
    if (log_pace(&pace, &held_back))
        tell_lookup("is put off", key, o, a);
}

static enum socketmap_status answer_of(const struct srs_outcome *o, enum counter done,
                                       struct str *value)
{
    *value = o->address;
    if (o->status == SRS_DONE) {
        counter_inc(done);
        return SOCKETMAP_OK;
    }
    if (o->status != SRS_UNKNOWN)
        return SOCKETMAP_NOTFOUND;
    counter_inc(CTR_SRS_UNAVAILABLE);
    *value = str_of(o->why);
    return SOCKETMAP_TEMP;
}

static enum socketmap_status map_forward(void *runtime, struct str key, struct arena *a,
                                         struct str *value)
{
    struct snapshot *snapshot = snapshot_take(runtime);
    struct srs_outcome o = {.status = SRS_UNTOUCHED};
    if (snapshot->srs)
        o = srs_forward(snapshot->srs, key, time(NULL), a);
    if (o.status == SRS_TOO_LONG) {
        counter_inc(CTR_SRS_TOO_LONG);
        tell_lookup("is not rewritten", key, &o, a);
    }
    snapshot_release(snapshot);
    return answer_of(&o, CTR_SRS_FORWARDED, value);
}

static enum socketmap_status map_reverse(void *runtime, struct str key, struct arena *a,
                                         struct str *value)
{
    struct snapshot *snapshot = snapshot_take(runtime);
    struct srs_outcome o = {.status = SRS_UNTOUCHED};
    if (snapshot->srs)
        o = srs_reverse(snapshot->srs, key, time(NULL), a);
    if (o.status == SRS_REFUSED) {
        counter_inc(CTR_SRS_REFUSED);
        tell_lookup("is refused", key, &o, a);
    } else if (o.status == SRS_UNKNOWN) {
        tell_of_delay(key, &o, a);
    }
    snapshot_release(snapshot);
    return answer_of(&o, CTR_SRS_REVERSED, value);
}

const struct socketmap_map srs_maps[] = {{"forward", map_forward}, {"reverse", map_reverse}, {0}};
