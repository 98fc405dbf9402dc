/* address_write.c - writes an address list as Sendmail 8.17 delivers it (address_rewrite.c tells
 * what it does).
 *
 * Read with one strict grammar (RFC 5322 3.4 and 4.4), member by member, and written from its
 * parts. Two things are ours: a display name is quoted as a whole, or word by word where it has
 * encoded words, which mean nothing in quotes (RFC 2047 5); and all comments go behind their
 * address, where nothing moves them.
 *
 * Errors: false for what is no list and for what Sendmail would still change. */
#include "mail/address_bytes.h"

#include <string.h>

#include "mail/address_rewrite.h"
#include "mail/lex.h"

#define FOLD_COLUMNS 78 /* where Sendmail folds between members, with FOLD before the next line */
#define FOLD         STR("\n        ")
#define ENCODED_MAX  75 /* of an encoded word (RFC 2047 2) */

struct writer {
    struct lexer lex;
    struct arena *arena;
    struct strbuf out;
    struct strbuf member;   /* the one that is being written */
    struct strbuf comments; /* of the address that is being read, each with a blank before it */
    size_t column, members;
};

/* --- the list --- */

/* The text without line ends: what a fold stands for. */
static void add_unfolded(struct strbuf *b, struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '\r' && text.p[i] != '\n')
            sb_addc(b, text.p[i]);
}

/* Ends a member: what stands before a comma, or before the end. */
static bool end_member(struct writer *w)
{
    struct str member = sb_str(&w->member);
    if (member.n > STABLE_MEMBER_MAX)
        return false;
    if (w->members++) {
        bool fits = w->column + 2 + member.n <= FOLD_COLUMNS;
        sb_addc(&w->out, ',');
        sb_add(&w->out, fits ? STR(" ") : FOLD);
        w->column = fits ? w->column + 2 : FOLD.n - 1;
    } else {
        sb_addc(&w->out, ' ');
        w->column++;
    }
    sb_add(&w->out, member);
    w->column += member.n;
    w->member.n = 0;
    return true;
}

/* Skips white space and keeps comments. */
static bool skip(struct writer *w)
{
    struct lexer *l = &w->lex;
    size_t from = l->at, start = 0;
    unsigned depth = 0;
    if (!lex_cfws(l))
        return false;
    for (size_t i = from; i < l->at; i++) {
        char c = l->text.p[i];
        if (c == '(' && depth++ == 0)
            start = i;
        if (c == '\\')
            i++;
        if (c != ')' || --depth)
            continue;
        sb_addc(&w->comments, ' ');
        add_unfolded(&w->comments, str_sub(l->text, start, i + 1));
    }
    return true;
}

/* --- words --- */

/* Words and dots as they were read: a display name, a local part or a group's name. */
struct phrase {
    size_t from, to;
    bool any;
    bool encoded;  /* some word begins as an encoded word does */
    bool special;  /* something stands there that has to be in quotes */
    bool adjacent; /* two words without a dot between them: no local part */
};

/* RFC 2047 2: no charset is empty. */
static bool is_encoded(struct str word)
{
    return str_starts(word, STR("=?")) && !str_starts(word, STR("=??")) &&
           word.p[word.n - 1] == '=' && word.p[word.n - 2] == '?';
}

/* A run without white space in it; false at its end. */
static bool take_piece(struct lexer *l, struct phrase *p)
{
    struct str quoted, atom;
    if (lex_at(l, '"'))
        return lex_quoted(l, &quoted);
    if (lex_take(l, '.')) {
        p->special = true;
        return true;
    }
    atom = lex_atom(l);
    p->special = p->special || str_find(atom, 0, '\'') < atom.n;
    p->encoded = p->encoded || str_starts(atom, STR("=?"));
    return atom.n > 0;
}

static bool read_phrase(struct writer *w, struct phrase *p)
{
    struct lexer *l = &w->lex;
    *p = (struct phrase){.from = l->at, .to = l->at};
    for (bool behind_word = false;;) {
        bool dot = lex_at(l, '.');
        if (!take_piece(l, p))
            return !l->problem;
        p->adjacent = p->adjacent || (behind_word && !dot);
        behind_word = !dot;
        p->any = true;
        p->to = l->at;
        if (!skip(w))
            return false;
    }
}

/* Goes through a phrase that read_phrase() took: the next run of text without white space. Comments
 * are skipped; they were kept then. */
static bool next_run(struct lexer *l, struct str *run)
{
    struct phrase ignored = {0};
    if (!lex_cfws(l))
        return false;
    size_t from = l->at;
    while (take_piece(l, &ignored))
        ;
    *run = str_sub(l->text, from, l->at);
    return run->n > 0;
}

/* What the run says, for a place in quotes. */
static void add_plain(struct strbuf *b, struct arena *a, struct str run)
{
    struct lexer l = lex_begin(run);
    struct str piece;
    while (!lex_end(&l)) {
        size_t from = l.at;
        if (lex_at(&l, '"') && lex_quoted(&l, &piece))
            piece = lex_unquote(a, piece);
        else
            piece = str_sub(run, from, ++l.at);
        for (size_t i = 0; i < piece.n; i++) {
            if (piece.p[i] == '"' || piece.p[i] == '\\')
                sb_addc(b, '\\');
            sb_addc(b, piece.p[i]);
        }
    }
}

/* An encoded word with dots or apostrophes, which no atom that stays as it is has: both can be
 * written as RFC 2047 4.2 writes any byte. */
static bool add_encoded(struct writer *w, struct str word)
{
    size_t charset = str_find(word, 2, '?'), text = charset + 3, from = w->member.n;
    if (text > word.n - 2 || ascii_lower(word.p[charset + 1]) != 'q' || word.p[charset + 2] != '?')
        return false;
    struct str before_text = str_sub(word, 0, text);
    if (str_find(before_text, 0, '.') < text || str_find(before_text, 0, '\'') < text)
        return false;
    sb_add(&w->member, before_text);
    for (size_t i = text; i < word.n; i++) {
        if (word.p[i] == '.' || word.p[i] == '\'')
            sb_printf(&w->member, "=%02X", (unsigned)word.p[i]);
        else
            sb_addc(&w->member, word.p[i]);
    }
    return w->member.n - from <= ENCODED_MAX;
}

/* One run of a display name with encoded words. */
static bool add_run(struct writer *w, struct str run)
{
    struct lexer l = lex_begin(run);
    struct phrase p = {0};
    while (take_piece(&l, &p))
        ;
    if (!p.special)
        add_unfolded(&w->member, run);
    else if (is_encoded(run))
        return add_encoded(w, run);
    else if (p.encoded)
        return false; /* one that is glued to something else */
    else {
        sb_addc(&w->member, '"');
        add_plain(&w->member, w->arena, run);
        sb_addc(&w->member, '"');
    }
    return true;
}

static bool add_name(struct writer *w, const struct phrase *p)
{
    struct lexer l = lex_begin(str_sub(w->lex.text, 0, p->to));
    bool whole = p->special && !p->encoded;
    struct str run;
    size_t runs = 0;
    l.at = p->from;
    if (whole)
        sb_addc(&w->member, '"');
    while (next_run(&l, &run)) {
        if (runs++)
            sb_addc(&w->member, ' ');
        if (whole)
            add_plain(&w->member, w->arena, run);
        else if (!add_run(w, run))
            return false; /* an encoded word that cannot stay as it is */
    }
    if (whole)
        sb_addc(&w->member, '"');
    return true;
}

/* --- addresses --- */

/* What stands before '@', without the white space and comments between its words. */
static bool add_local(struct writer *w, const struct phrase *p)
{
    struct lexer l = lex_begin(str_sub(w->lex.text, 0, p->to));
    struct str run;
    size_t from = w->member.n;
    l.at = p->from;
    while (next_run(&l, &run))
        add_unfolded(&w->member, run);
    struct str local = sb_str(&w->member);
    return p->any && !p->adjacent && address_bytes_are_stable(str_sub(local, from, local.n));
}

/* Behind '@', with the white space behind it. A dot at the end goes; a name without a dot would
 * become one of the MTA's own. */
static bool read_domain(struct writer *w, struct strbuf *b, bool *qualified)
{
    struct lexer *l = &w->lex;
    for (size_t labels = 0;; labels++) {
        if (!skip(w))
            return false;
        struct str label = lex_atom(l);
        *qualified = labels > 1 || (labels == 1 && label.n > 0);
        if (label.n == 0)
            return labels > 0;
        if (labels)
            sb_addc(b, '.');
        sb_add(b, label);
        if (!address_bytes_are_stable(label) || !skip(w))
            return false;
        if (!lex_take(l, '.'))
            return true;
    }
}

static bool add_address(struct writer *w, const struct phrase *local)
{
    bool qualified;
    if (!add_local(w, local) || !lex_take(&w->lex, '@'))
        return false;
    sb_addc(&w->member, '@');
    return read_domain(w, &w->member, &qualified) && qualified;
}

/* RFC 5322 4.4 obs-route, which is dropped. */
static bool skip_route(struct writer *w)
{
    struct lexer *l = &w->lex;
    bool qualified;
    struct strbuf dropped;
    if (!lex_at(l, '@'))
        return true;
    sb_init(&dropped, w->arena);
    while (lex_take(l, '@')) {
        if (!read_domain(w, &dropped, &qualified))
            return false;
        if (lex_take(l, ':'))
            return skip(w);
        if (!lex_take(l, ',') || !skip(w))
            return false;
    }
    return false;
}

/* Behind '<'. */
static bool add_angle(struct writer *w)
{
    struct phrase local;
    sb_addc(&w->member, '<');
    if (!skip(w) || !skip_route(w) || !read_phrase(w, &local) || !add_address(w, &local) ||
        !lex_take(&w->lex, '>'))
        return false;
    sb_addc(&w->member, '>');
    return skip(w);
}

static bool add_mailbox(struct writer *w, const struct phrase *p)
{
    if (lex_at(&w->lex, '@')) {
        if (!add_address(w, p))
            return false;
    } else {
        if (!lex_take(&w->lex, '<') || (p->any && !add_name(w, p)))
            return false;
        if (p->any)
            sb_addc(&w->member, ' ');
        if (!add_angle(w))
            return false;
    }
    sb_add(&w->member, sb_str(&w->comments));
    w->comments.n = 0;
    return true;
}

static bool no_comments(const struct writer *w)
{
    return w->comments.n == 0; /* where they would have no address to stand behind */
}

/* Behind a group's name. Its colon and semicolon belong to its first and last member. */
static bool begin_group(struct writer *w, const struct phrase *name)
{
    if (!name->any || !add_name(w, name) || !no_comments(w) || !skip(w))
        return false;
    sb_add(&w->member, lex_at(&w->lex, ';') ? STR(":") : STR(": "));
    return true;
}

static bool end_group(struct writer *w)
{
    if (!no_comments(w))
        return false;
    sb_addc(&w->member, ';');
    return skip(w) && no_comments(w);
}

/* A mailbox, or an empty group, or the beginning or the end of a group with its mailbox. */
static bool add_member(struct writer *w, bool *in_group)
{
    struct lexer *l = &w->lex;
    struct phrase p;
    if (!read_phrase(w, &p))
        return false;
    bool begins = !*in_group && lex_take(l, ':');
    if (begins && (!begin_group(w, &p) || (!lex_at(l, ';') && !read_phrase(w, &p))))
        return false;
    if (!(begins && lex_at(l, ';')) && !add_mailbox(w, &p))
        return false;
    if (!begins && !*in_group)
        return true;
    *in_group = !lex_take(l, ';');
    return *in_group || end_group(w);
}

static bool add_members(struct writer *w)
{
    struct lexer *l = &w->lex;
    for (bool in_group = false;;) {
        if (!skip(w))
            return false;
        if (lex_take(l, ','))
            continue;
        if (lex_end(l))
            return !in_group && no_comments(w);
        if (!add_member(w, &in_group) || (!lex_end(l) && !lex_at(l, ',')) || !end_member(w))
            return false;
    }
}

bool address_list_rewrite(struct arena *a, struct str value, size_t used, struct str *out)
{
    struct writer w = {.lex = lex_begin(str_trim(value)), .arena = a, .column = used};
    sb_init(&w.out, a);
    sb_init(&w.member, a);
    sb_init(&w.comments, a);
    if (!add_members(&w) || w.members == 0)
        return false;
    *out = sb_str(&w.out);
    return true;
}
