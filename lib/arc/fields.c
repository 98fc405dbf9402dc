/* fields.c - reads the fields of ARC and sorts them by instance (RFC 8617 4.1, 4.2).
 *
 * Errors: a phrase for what makes the chain invalid; reading goes on behind it, so that a sealer
 * knows which instances there are. */
#include "arc/fields.h"

#include "base/ascii.h"
#include "dkim/signer.h"
#include "mail/lex.h"

static unsigned instance_of(struct str digits)
{
    unsigned long long number;
    return digits.n <= 2 && str_to_u64(digits, 99, &number) ? (unsigned)number : 0;
}

unsigned arc_tag_instance(const struct taglist *tags)
{
    return instance_of(taglist_get(tags, STR("i")));
}

static struct str take_digits(struct lexer *l)
{
    size_t from = l->at;
    while (!lex_end(l) && ascii_is_digit(l->text.p[l->at]))
        l->at++;
    return str_sub(l->text, from, l->at);
}

unsigned arc_results_instance(struct str value, struct str *results)
{
    struct lexer l = lex_begin(value);
    *results = STR_NONE;
    if (!lex_cfws(&l) || !lex_take(&l, 'i') || !lex_cfws(&l) || !lex_take(&l, '=') || !lex_cfws(&l))
        return 0;
    struct str digits = take_digits(&l);
    if (!lex_cfws(&l) || !lex_take(&l, ';'))
        return 0;
    *results = str_sub(value, l.at, value.n);
    return instance_of(digits);
}

static enum arc_cv cv_of(const struct taglist *tags)
{
    struct str cv = taglist_get(tags, STR("cv"));
    if (str_eq_nocase(cv, STR("none")))
        return ARC_CV_NONE;
    if (str_eq_nocase(cv, STR("pass")))
        return ARC_CV_PASS;
    return str_eq_nocase(cv, STR("fail")) ? ARC_CV_FAIL : ARC_CV_INVALID;
}

bool arc_has_name(struct str name)
{
    return str_starts_nocase(name, STR("arc-")) &&
           (str_eq_nocase(name, ARC_SEAL_FIELD) || str_eq_nocase(name, ARC_MESSAGE_FIELD) ||
            str_eq_nocase(name, ARC_RESULTS_FIELD));
}

static void object(struct arc_gathered *g, const char *problem)
{
    if (!g->problem)
        g->problem = problem;
}

/* False if the field has no place in a set. */
static bool take_instance(struct arc_gathered *g, unsigned instance, const char *unreadable)
{
    if (!instance)
        object(g, unreadable);
    if (instance > g->highest)
        g->highest = instance;
    if (instance > ARC_SETS_MAX)
        object(g, "an instance is above 50");
    return instance >= 1 && instance <= ARC_SETS_MAX;
}

static void gather_results(struct arc_gathered *g, const struct header_field *field)
{
    struct str results;
    unsigned i = arc_results_instance(field->value, &results);
    if (!take_instance(g, i, "an ARC-Authentication-Results has no instance (i=)"))
        return;
    if (g->fields[i].results)
        object(g, "an instance has two ARC-Authentication-Results");
    g->fields[i].results = field;
    g->sets[i].results = results;
    g->sets[i].has_results = true;
}

static struct signature *read_signature(struct arena *a, enum signature_kind kind,
                                        const struct header_field *field)
{
    struct signature *s = arena_make(a, struct signature);
    signature_parse(a, kind, field, s, arena_make(a, struct dkim_signature));
    return s;
}

static void gather_message(struct arena *a, struct arc_gathered *g,
                           const struct header_field *field)
{
    struct signature *s = read_signature(a, SIGNATURE_ARC_MESSAGE, field);
    unsigned i = arc_tag_instance(&s->tags);
    if (!take_instance(g, i, "an ARC-Message-Signature has no instance (i=)"))
        return;
    if (g->fields[i].message)
        object(g, "an instance has two ARC-Message-Signatures");
    g->fields[i].message = field;
    g->fields[i].message_signature = s;
    g->sets[i].message = s->result;
    g->sets[i].has_message = true;
}

static void gather_seal(struct arena *a, struct arc_gathered *g, const struct header_field *field)
{
    struct signature *s = read_signature(a, SIGNATURE_ARC_SEAL, field);
    unsigned i = arc_tag_instance(&s->tags);
    enum arc_cv cv = cv_of(&s->tags);
    g->closed = g->closed || cv == ARC_CV_FAIL;
    if (!take_instance(g, i, "an ARC-Seal has no instance (i=)"))
        return;
    if (g->fields[i].seal)
        object(g, "an instance has two ARC-Seals");
    g->fields[i].seal = field;
    g->fields[i].seal_signature = s;
    g->sets[i].seal = s->result;
    g->sets[i].has_seal = true;
    g->sets[i].cv = cv;
}

static bool has_too_many(const struct header_list *headers)
{
    return header_count(headers, ARC_RESULTS_FIELD) > ARC_SETS_MAX ||
           header_count(headers, ARC_MESSAGE_FIELD) > ARC_SETS_MAX ||
           header_count(headers, ARC_SEAL_FIELD) > ARC_SETS_MAX;
}

static void gather_field(struct arena *a, struct arc_gathered *g, const struct header_field *field)
{
    if (str_eq_nocase(field->name, ARC_RESULTS_FIELD))
        gather_results(g, field);
    else if (str_eq_nocase(field->name, ARC_MESSAGE_FIELD))
        gather_message(a, g, field);
    else
        gather_seal(a, g, field);
}

void arc_gather(struct arena *a, const struct header_list *headers, struct arc_gathered *out)
{
    *out = (struct arc_gathered){0};
    for (size_t i = 0; i < headers->n; i++) {
        const struct header_field *field = &headers->fields[i];
        if (!arc_is_field(field->name))
            continue;
        if (!out->any && has_too_many(headers)) {
            *out = (struct arc_gathered){
                .any = true, .problem = "there are more than 50 sets", .highest = 99};
            return;
        }
        if (!out->any) {
            out->fields = arena_array(a, struct arc_fields, ARC_SETS_MAX + 1);
            out->sets = arena_array(a, struct arc_set, ARC_SETS_MAX + 1);
        }
        out->any = true;
        gather_field(a, out, field);
    }
}
