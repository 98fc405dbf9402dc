/* canon_header.c - header canonicalisation, simple and relaxed (RFC 6376 3.4.1, 3.4.2).
 *
 * The MTA gives folded values with LF, the sender signed CRLF: a line end of either form is CRLF to
 * simple and nothing to relaxed. A CR that stands alone is an ordinary byte.
 *
 * Errors: none. */
#include "base/ascii.h"
#include "crypto/canon.h"
#include "crypto/digest.h"

struct header_hash {
    enum canon canon;
    struct digest digest;
};

struct header_hash *header_hash_new(struct arena *a, enum canon canon)
{
    struct header_hash *h = arena_make(a, struct header_hash);
    h->canon = canon;
    digest_init(&h->digest, a, UINT64_MAX);
    return h;
}

struct header_hash *header_hash_copy(struct arena *a, const struct header_hash *from)
{
    struct header_hash *h = arena_make(a, struct header_hash);
    h->canon = from->canon;
    digest_init_copy(&h->digest, a, &from->digest);
    return h;
}

static bool is_crlf(struct str s, size_t i)
{
    return s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n';
}

static void simple_value(struct digest *d, struct str value)
{
    size_t from = 0;
    for (;;) {
        size_t lf = str_find(value, from, '\n');
        digest_add(d, value.p ? value.p + from : "", lf - from);
        if (lf == value.n)
            return;
        if (lf == 0 || value.p[lf - 1] != '\r')
            digest_put(d, '\r');
        digest_put(d, '\n');
        from = lf + 1;
    }
}

/* A value may come in parts; white space between words is open until the next word. */
struct relaxed_state {
    bool wsp, started;
};

static bool is_word(char c)
{
    return (unsigned char)c > ' ' || !(ascii_is_wsp(c) || c == '\r' || c == '\n');
}

/* The end of what stays as it is from the word at i on: words with one space between them. */
static size_t run_end(struct str value, size_t i)
{
    while (i < value.n && (is_word(value.p[i]) ||
                           (value.p[i] == ' ' && i + 1 < value.n && is_word(value.p[i + 1]))))
        i++;
    return i;
}

static void relaxed_value(struct digest *d, struct relaxed_state *state, struct str value)
{
    size_t i = 0;
    while (i < value.n) {
        char c = value.p[i];
        if (ascii_is_wsp(c)) {
            state->wsp = true;
            i++;
        } else if (c == '\n' || is_crlf(value, i)) {
            i++; /* the LF of a CRLF is met next */
        } else {
            size_t end = run_end(value, i + 1);
            if (state->wsp && state->started)
                digest_put(d, ' ');
            *state = (struct relaxed_state){.wsp = false, .started = true};
            digest_add(d, value.p + i, end - i);
            i = end;
        }
    }
}

static void add_name(struct header_hash *h, struct str name)
{
    while (h->canon == CANON_RELAXED && name.n && ascii_is_wsp(name.p[name.n - 1]))
        name.n--;
    for (size_t i = 0; i < name.n; i++) {
        char c = h->canon == CANON_RELAXED ? ascii_lower(name.p[i]) : name.p[i];
        digest_put(&h->digest, (unsigned char)c);
    }
    digest_put(&h->digest, ':');
}

/* The value in two parts, so that a part between them can be left out. */
static void add_value(struct header_hash *h, struct str first, struct str second)
{
    if (h->canon == CANON_SIMPLE) {
        simple_value(&h->digest, first);
        simple_value(&h->digest, second);
    } else {
        struct relaxed_state state = {0};
        relaxed_value(&h->digest, &state, first);
        relaxed_value(&h->digest, &state, second);
    }
}

void header_hash_field(struct header_hash *h, struct str name, struct str value)
{
    add_name(h, name);
    add_value(h, value, STR_NONE);
    digest_add(&h->digest, "\r\n", 2);
}

/* Finds the value of the b= tag: *from is behind its '=', *to is the ';' or the end. The white
 * space around it belongs to what is emptied (RFC 6376 3.7). */
static bool find_b(struct str value, size_t *from, size_t *to)
{
    for (size_t at = 0; at < value.n; at = *to + 1) {
        *to = str_find(value, at, ';');
        size_t equals = str_find(value, at, '=');
        struct str name = str_trim(str_sub(value, at, equals));
        *from = equals + 1;
        if (equals < *to && str_eq(name, STR("b")))
            return true;
    }
    return false;
}

void header_hash_signature(struct header_hash *h, struct str name, struct str value)
{
    size_t from, to;
    add_name(h, name);
    if (find_b(value, &from, &to))
        add_value(h, str_sub(value, 0, from), str_sub(value, to, value.n));
    else
        add_value(h, value, STR_NONE);
}

void header_hash_finish(struct header_hash *h, unsigned char digest[32])
{
    digest_finish(&h->digest, digest);
}
