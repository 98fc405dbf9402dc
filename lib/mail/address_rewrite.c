/* address_rewrite.c - will this field leave the MTA as it stands?
 *
 * Sendmail 8.17 writes address fields anew after its filters have seen them. Measured: it puts one
 * blank behind each comma and none before, qualifies bare names, replaces literals that are its own
 * address, drops routes, trailing dots and empty list members, moves blanks around comments and
 * '@', quotes display names that hold one of ().,;<>@[\]' outside of quotes, cuts members of more
 * than some 256 bytes, and mangles the bytes 0x80 to 0x9F and 0xFF in addresses.
 *
 * Errors: none; a form that is not known here counts as not settled. */
#include "mail/address_rewrite.h"

#include "mail/address_bytes.h"
#include "mail/lex.h"

/* White space without comments; *some tells if there was any. */
static bool blanks(struct lexer *l, bool *some)
{
    size_t from = l->at;
    bool sound = lex_cfws(l);
    struct str gap = str_sub(l->text, from, l->at);
    *some = gap.n > 0;
    return sound && str_find(gap, 0, '(') == gap.n;
}

/* atom *("." atom); *dots counts. */
static bool dot_atom(struct lexer *l, size_t *dots)
{
    for (*dots = 0;; ++*dots) {
        if (lex_atom(l).n == 0)
            return false;
        if (!lex_take(l, '.'))
            return true;
    }
}

static bool address(struct lexer *l)
{
    struct str quoted;
    size_t dots, from = l->at;
    if (!(lex_at(l, '"') ? lex_quoted(l, &quoted) : dot_atom(l, &dots)))
        return false;
    return lex_take(l, '@') && dot_atom(l, &dots) && dots > 0 &&
           address_bytes_are_stable(str_sub(l->text, from, l->at));
}

/* A word of a display name. */
static bool plain_word(struct lexer *l, struct str *word)
{
    struct str quoted;
    if (lex_at(l, '"'))
        return lex_quoted(l, &quoted);
    *word = lex_atom(l);
    return word->n > 0;
}

/* An address, or words, perhaps none, and an address in angle brackets. */
static bool mailbox(struct lexer *l)
{
    bool some;
    for (size_t words = 0; !lex_take(l, '<'); words++) {
        struct lexer before = *l;
        struct str word = STR_NONE;
        if (!plain_word(l, &word))
            return false;
        if (words == 0 && (lex_at(l, '@') || lex_at(l, '.'))) {
            *l = before;
            return address(l);
        }
        if (str_find(word, 0, '\'') < word.n || !blanks(l, &some))
            return false;
    }
    return address(l) && lex_take(l, '>');
}

bool address_list_is_stable(struct str value)
{
    struct str text = str_trim(value);
    struct lexer l = lex_begin(text);
    bool some;
    if (str_eq_nocase(text, STR("undisclosed-recipients:;")) ||
        str_eq_nocase(text, STR("undisclosed-recipients: ;")))
        return true;
    for (size_t from = 0; mailbox(&l) && l.at - from <= STABLE_MEMBER_MAX; from = l.at) {
        if (lex_end(&l))
            return true;
        if (!lex_take(&l, ',') || !blanks(&l, &some) || !some)
            return false;
    }
    return false;
}

static bool is_address_field(struct str name)
{
    static const struct str fields[] = {
        STR_INIT("from"),
        STR_INIT("sender"),
        STR_INIT("reply-to"),
        STR_INIT("to"),
        STR_INIT("cc"),
        STR_INIT("resent-from"),
        STR_INIT("resent-sender"),
        STR_INIT("resent-to"),
        STR_INIT("resent-cc"),
        STR_INIT("errors-to"),
        STR_INIT("apparently-to"),
        STR_INIT("resent-reply-to"),
        STR_INIT("disposition-notification-to"),
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_eq_nocase(name, fields[i]))
            return true;
    return false;
}

/* True if two lists differ in white space alone, as relaxed canonicalisation sees it: how much
 * there is, and none at the ends. No list has a NUL. */
static bool same_but_blanks(struct arena *a, struct str one, struct str other)
{
    const char *p = str_cstr(a, header_unfold(a, one)), *q = str_cstr(a, header_unfold(a, other));
    while (*p || *q) {
        bool blank = ascii_is_wsp(*p);
        if (blank != ascii_is_wsp(*q) || (!blank && *p != *q))
            return false;
        for (p++; blank && ascii_is_wsp(*p);)
            p++;
        for (q++; blank && ascii_is_wsp(*q);)
            q++;
    }
    return true;
}

static enum address_rewrite settle_addresses(struct arena *a, const struct header_field *f,
                                             bool exact, struct str *out)
{
    size_t used = f->name.n + 1;
    if (str_trim(f->value).n == 0)
        return FIELD_IS_STABLE;
    bool is_long = field_has_long_line(f->value, used);
    if (!exact && !is_long && address_list_is_stable(f->value))
        return FIELD_IS_STABLE;
    if (!address_list_rewrite(a, f->value, used, out))
        return FIELD_MAY_CHANGE;
    if (exact ? str_eq(*out, f->value) : !is_long && same_but_blanks(a, *out, f->value))
        return FIELD_IS_STABLE;
    return FIELD_IS_REWRITTEN;
}

enum address_rewrite field_rewrite(struct arena *a, const struct header_field *field, bool exact,
                                   struct str *out)
{
    size_t used = field->name.n + 1;
    if (is_address_field(field->name))
        return settle_addresses(a, field, exact, out);
    if (!field_has_long_line(field->value, used))
        return FIELD_IS_STABLE;
    return field_fold_long_lines(a, field->value, used, out) ? FIELD_IS_REWRITTEN
                                                             : FIELD_MAY_CHANGE;
}
