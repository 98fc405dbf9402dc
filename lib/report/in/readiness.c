/* readiness.c - judges whether a domain may have a stricter policy.
 *
 * Errors: false, and the store has the reason. */
#include "report/in/readiness.h"

#include <inttypes.h>

#define LINES_MAX 12
#define HIT_MAX   8 /* sources that are named */

const char *readiness_word(enum readiness_verdict verdict)
{
    static const char *const words[] = {"no-data", "not-yet", "quarantine", "reject"};
    return words[verdict];
}

struct judging {
    struct arena *arena;
    struct readiness *out;
    struct figures figures;
};

static void readiness_say(struct judging *j, struct str line)
{
    if (j->out->n_lines < LINES_MAX)
        j->out->lines[j->out->n_lines++] = line;
}

static struct str readiness_safe(const struct judging *j, struct str text)
{
    return str_safe(j->arena, text, 100, true);
}

/* People understand 1,200 a day more easily than 16,800 in all. */
static struct str per_day(const struct judging *j, uint64_t messages)
{
    uint64_t days = j->out->days ? j->out->days : 1;
    if (messages < days)
        return str_printf(j->arena, "%" PRIu64 " message%s in all", messages,
                          messages == 1 ? "" : "s");
    return str_printf(j->arena, "%" PRIu64 " message%s a day", messages / days,
                      messages / days == 1 ? "" : "s");
}

static void add_up(struct judging *j)
{
    struct readiness *out = j->out;
    const struct figures *f = &j->figures;
    for (size_t i = 0; i < f->n_sources; i++) {
        struct readiness_class *c = &out->classes[f->sources[i].class];
        c->messages += figures_all(&f->sources[i].counts);
        c->fail += f->sources[i].counts.fail;
    }
    for (size_t i = 0; i < f->n_days; i++)
        out->days += figures_all(&f->days[i].counts) > 0;
    for (size_t i = 0; i < f->n_reporters; i++)
        out->reporters += figures_all(&f->reporters[i].counts) > 0;
    const struct readiness_class *own = &out->classes[CLASS_OWN],
                                 *approved = &out->classes[CLASS_APPROVED];
    uint64_t all = own->messages + approved->messages, fail = own->fail + approved->fail;
    out->share = all ? (unsigned)((all - fail) * 10000 / all) : 0;
}

static enum readiness_verdict verdict_of(const struct readiness *r)
{
    uint64_t legitimate = r->classes[CLASS_OWN].messages + r->classes[CLASS_APPROVED].messages;
    uint64_t wanted = (uint64_t)(r->to_day - r->from_day + 1);
    uint64_t most = wanted > READINESS_DAYS ? READINESS_DAYS : wanted;
    /* the reports of the last two days may be under way */
    if (!legitimate || r->days + 2 < most || most < READINESS_DAYS ||
        r->reporters < READINESS_REPORTERS)
        return READINESS_NO_DATA;
    return r->share >= READINESS_REJECT       ? READINESS_REJECT_OK
           : r->share >= READINESS_QUARANTINE ? READINESS_QUARANTINE_OK
                                              : READINESS_NOT_YET;
}

/* Sources with failing mail, those with most of it first. */
static void find_hit(struct judging *j)
{
    const struct figures *f = &j->figures;
    struct figures_source *hit = arena_array(j->arena, struct figures_source, f->n_sources);
    size_t n = 0;
    for (size_t i = 0; i < f->n_sources; i++) {
        size_t at = n;
        if (!f->sources[i].counts.fail)
            continue;
        if (n < HIT_MAX)
            n++;
        else if (hit[--at].counts.fail >= f->sources[i].counts.fail)
            continue;
        for (; at > 0 && hit[at - 1].counts.fail < f->sources[i].counts.fail; at--)
            hit[at] = hit[at - 1];
        hit[at] = f->sources[i];
    }
    j->out->hit = hit;
    j->out->n_hit = n;
}

static void say_hit(struct judging *j)
{
    static const char *const what[CLASS_COUNT] = {
        "our own",
        "approved",
        "a forwarder or a list, most likely",
        "unknown",
        "nothing of it passes: forged, most likely",
    };
    for (size_t i = 0; i < j->out->n_hit; i++) {
        const struct figures_source *s = &j->out->hit[i];
        readiness_say(j, str_printf(j->arena, "%.*s (%s): %.*s of its mail would be hit.",
                                    STR_ARG(readiness_safe(j, s->title.n ? s->title : s->name)),
                                    what[s->class], STR_ARG(per_day(j, s->counts.fail))));
    }
}

static void say_lack(struct judging *j)
{
    const struct readiness *r = j->out;
    if (r->reporters < READINESS_REPORTERS)
        readiness_say(j,
                      str_printf(j->arena,
                                 "%" PRIu64 " reporter%s: at least %d are wanted, lest one of them "
                                 "decides.",
                                 r->reporters, r->reporters == 1 ? "" : "s", READINESS_REPORTERS));
    if (r->days + 2 < READINESS_DAYS)
        readiness_say(j, str_printf(j->arena, "%" PRIu64 " day%s with reports: %d are wanted.",
                                    r->days, r->days == 1 ? "" : "s", READINESS_DAYS));
    if (!r->classes[CLASS_OWN].messages && !r->classes[CLASS_APPROVED].messages)
        readiness_say(
            j, STR("No source is own or approved: \"assay report sources\" lists them, and \"assay "
                   "report label\" says which are."));
}

static struct str share_text(const struct judging *j)
{
    return str_printf(j->arena, "%u.%02u %%", j->out->share / 100, j->out->share % 100);
}

static void summarize(struct judging *j)
{
    struct readiness *r = j->out;
    struct str domain = readiness_safe(j, r->domain), share = share_text(j);
    switch (r->verdict) {
    case READINESS_NO_DATA:
        r->summary = str_printf(j->arena, "%.*s: too little is known to say.", STR_ARG(domain));
        break;
    case READINESS_NOT_YET:
        r->summary = str_printf(
            j->arena, "%.*s should not ask for more yet: only %.*s of own and approved mail pass.",
            STR_ARG(domain), STR_ARG(share));
        break;
    case READINESS_QUARANTINE_OK:
        r->summary = str_printf(j->arena,
                                "%.*s may go to p=quarantine: %.*s of own and approved mail pass. "
                                "For p=reject it should be 99.50 %%.",
                                STR_ARG(domain), STR_ARG(share));
        break;
    case READINESS_REJECT_OK:
        r->summary =
            str_printf(j->arena, "%.*s may go to p=reject: %.*s of own and approved mail pass.",
                       STR_ARG(domain), STR_ARG(share));
        break;
    }
}

static void explain(struct judging *j)
{
    const struct readiness *r = j->out;
    summarize(j);
    if (r->p.n)
        readiness_say(j, str_printf(j->arena, "Today the record says p=%.*s.",
                                    STR_ARG(readiness_safe(j, r->p))));
    if (r->verdict == READINESS_NO_DATA)
        say_lack(j);
    say_hit(j);
}

bool readiness_read(struct received *r, const struct figures_filter *f, struct arena *a,
                    struct readiness *out)
{
    struct judging j = {.arena = a, .out = out};
    *out = (struct readiness){.domain = f->domain, .from_day = f->from_day, .to_day = f->to_day};
    out->lines = arena_array(a, struct str, LINES_MAX);
    if (!figures_read(r, f, a, &j.figures))
        return false;
    if (j.figures.n_domains)
        out->p = j.figures.domains[0].p;
    add_up(&j);
    out->verdict = verdict_of(out);
    find_hit(&j);
    explain(&j);
    return true;
}
