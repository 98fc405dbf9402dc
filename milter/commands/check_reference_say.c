/* check_reference_say.c - what the field's libraries say, in words and as JSON (the schema stands
 * in assay-check(1)).
 *
 * Errors: none. */
#include <stdio.h>

#include "milter/commands/check_reference.h"

static void difference(const struct reference_difference *d)
{
    printf("           %.*s: %.*s, ours is %.*s\n", STR_ARG(d->subject), STR_ARG(d->theirs),
           STR_ARG(d->ours));
    if (d->class)
        printf("           %s (%s, %s)\n", d->class->words, d->class->id, d->class->section);
    else
        printf("           Why is not known: assay knows no such difference yet.\n");
}

static const char *agreement(const struct check_opinion *o, size_t differences)
{
    return differences  ? ""
           : o->renamed ? "; no difference but in the words for what does not hold"
                        : "; no difference";
}

static void opinion(const struct check_reference *r, enum reference_library library)
{
    struct check_opinion o = r->opinions[library];
    size_t differences = 0;
    for (size_t i = 0; i < r->differences.n; i++)
        differences += r->differences.v[i].library == library;
    printf("  %s%s: ", reference_library_version(r->libraries, library),
           library == REFERENCE_LIBOPENDMARC ? ", given our identifiers and their results" : "");
    if (o.report.status == REFERENCE_ANSWERED)
        printf("%.*s%s\n", STR_ARG(sb_str(&o.words)), agreement(&o, differences));
    else
        printf("no result, %s%s%.*s\n", reference_status_name(o.report.status),
               o.report.reason.n ? ": " : "", STR_ARG(o.report.reason));
    for (size_t i = 0; i < r->differences.n; i++)
        if (r->differences.v[i].library == library)
            difference(&r->differences.v[i]);
}

void check_reference_report(const struct check_reference *r)
{
    for (int i = 0; i < REFERENCE_LIBRARY_COUNT; i++)
        if (r->opinions[i].asked)
            opinion(r, (enum reference_library)i);
}

static void difference_json(struct json *j, const struct reference_difference *d)
{
    const struct reference_class *class = d->class;
    json_object(j, NULL);
    json_text(j, "subject", d->subject);
    json_text(j, "ours", d->ours);
    json_text(j, "theirs", d->theirs);
    json_text(j, "class", class ? str_of(class->id) : STR_NONE);
    json_text(j, "decision", class ? str_of(reference_decision_name(class->decision)) : STR_NONE);
    json_text(j, "section", class ? str_of(class->section) : STR_NONE);
    json_text(j, "words", class ? str_of(class->words) : STR_NONE);
    json_end(j, '}');
}

static void opinion_json(struct json *j, const struct check_reference *r,
                         enum reference_library library)
{
    struct check_opinion o = r->opinions[library];
    bool answered = o.report.status == REFERENCE_ANSWERED;
    if (!o.asked) {
        json_text(j, reference_library_name(library), STR_NONE);
        return;
    }
    json_object(j, reference_library_name(library));
    json_text(j, "version", str_of(reference_library_version(r->libraries, library)));
    json_text(j, "status", str_of(reference_status_name(o.report.status)));
    json_text(j, "reason", o.report.reason.n ? o.report.reason : STR_NONE);
    json_text(j, "result", answered ? sb_str(&o.words) : STR_NONE);
    json_array(j, "differences");
    for (size_t i = 0; i < r->differences.n; i++)
        if (r->differences.v[i].library == library)
            difference_json(j, &r->differences.v[i]);
    json_end(j, ']');
    json_end(j, '}');
}

void check_reference_json(struct json *j, const struct check_reference *r)
{
    json_object(j, "reference");
    for (int i = 0; i < REFERENCE_LIBRARY_COUNT; i++)
        opinion_json(j, r, (enum reference_library)i);
    json_end(j, '}');
}

void check_reference_summary(const struct check_reference_counts *counts)
{
    const struct reference_class *class;
    for (int i = 0; i < REFERENCE_LIBRARY_COUNT; i++)
        for (int k = 0; k < REFERENCE_STATUS_COUNT; k++)
            if (counts->statuses[i][k])
                printf("%8zu %s %s\n", counts->statuses[i][k],
                       reference_library_name((enum reference_library)i),
                       reference_status_name((enum reference_status)k));
    for (size_t i = 0; (class = reference_class_at(i)) != NULL; i++)
        if (counts->classes[i])
            printf("%8zu %s: %s\n", counts->classes[i], class->id, class->words);
    for (int i = 0; i < REFERENCE_LIBRARY_COUNT; i++)
        if (counts->unlisted[i])
            printf("%8zu %s differs, and why is not known\n", counts->unlisted[i],
                   reference_library_name((enum reference_library)i));
}
