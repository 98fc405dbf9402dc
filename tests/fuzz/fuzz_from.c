/* From fields and envelope paths. */
#include "fuzz.h"

#include "mail/address.h"
#include "mail/domain.h"
#include "mail/lex.h"

static void require_mailbox(struct arena *a, const struct mailbox *box)
{
    struct str again;
    struct from_parsed alone;
    if (!box->domain_ok) {
        require(box->domain.n == 0);
        return;
    }
    require(domain_normalize(a, box->domain, &again) && str_eq(again, box->domain));
    from_parse_value(a, str_printf(a, "<%.*s@%.*s>", STR_ARG(box->local), STR_ARG(box->domain)),
                     &alone);
    require(alone.status == FROM_OK && alone.n == 1);
    require(str_eq(alone.mailboxes[0].local, box->local));
    require(str_eq(alone.mailboxes[0].domain, box->domain));
}

/* With an address of bank.fuzz in the field nothing else is evaluated, unless it parses. */
static void require_only_foreign(struct arena *a, struct str text, struct str own)
{
    static const struct str foreign = STR_INIT("bank.fuzz");
    struct from_parsed from;
    from_parse_value(a, text, &from);
    if (from.status == FROM_OK || from_is_bad(from.status))
        return;
    require(from.status == FROM_UNPARSED && str_eq(from.mailboxes[0].domain, foreign));
    require(own.n == 0 || str_eq(own, foreign));
}

static struct str joined(struct arena *a, struct str first, struct str between, struct str second)
{
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, first);
    sb_add(&b, between);
    sb_add(&b, second);
    return sb_str(&b);
}

/* All that is found in a field that does not parse is of one domain, and an address of another one
 * is found, in the open or hidden, before it or behind it. */
static void require_one_domain(struct arena *a, struct str text, const struct from_parsed *from)
{
    static const char *const foreign[] = {"<ceo@bank.fuzz>", "\"ceo@bank.fuzz\"",
                                          "(=?utf-8?q?ceo=40bank.fuzz?=)",
                                          "=?utf-8?b?Y2VvQGJhbmsuZnV6eg==?="};
    struct str own = from->n ? from->mailboxes[0].domain : STR("");
    for (size_t i = 0; i < from->n; i++)
        require(str_eq(from->mailboxes[i].domain, own));
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        require_only_foreign(a, joined(a, str_of(foreign[i]), STR(" ;"), text), own);
        require_only_foreign(a, joined(a, text, STR("; "), str_of(foreign[i])), own);
    }
}

static void require_same(const struct from_parsed *x, const struct from_parsed *y, size_t n)
{
    require(x->n >= n && y->n >= n);
    for (size_t i = 0; i < n; i++) {
        require(str_eq(x->mailboxes[i].local, y->mailboxes[i].local));
        require(x->mailboxes[i].domain_ok == y->mailboxes[i].domain_ok);
        require(str_eq(x->mailboxes[i].domain, y->mailboxes[i].domain));
    }
}

/* Comments and white space around a list, and a further address behind it, change nothing. */
static void require_stable(struct arena *a, struct str text, const struct from_parsed *from)
{
    struct from_parsed other;
    struct strbuf b;
    sb_init(&b, a);
    sb_add(&b, STR("\r\n\t(x@y.example, <z@y.example>) "));
    sb_add(&b, text);
    from_parse_value(a, sb_str(&b), &other);
    require(other.status == from->status);
    require_same(&other, from, from->n);
    if (from->status != FROM_OK || (text.n > 0 && text.p[text.n - 1] == '\n'))
        return;
    sb_add(&b, STR(" (c),x@y.example"));
    from_parse_value(a, sb_str(&b), &other);
    require(other.status == (from->n < FROM_MAX_MAILBOXES ? FROM_OK : FROM_TOO_MANY));
    require_same(&other, from, from->n);
}

static void require_path(struct str text)
{
    struct mail_path path;
    bool understood = mail_path_parse(text, &path);
    require(path.whole.p >= text.p && path.whole.p + path.whole.n <= text.p + text.n);
    if (!understood || path.null) {
        require(understood == path.null && !(path.null && path.whole.n));
        require(path.local.n == 0 && path.domain.n == 0);
        return;
    }
    require(path.local.n > 0 && path.local.p == path.whole.p);
    require(path.whole.n == path.local.n + (path.domain.n ? 1 + path.domain.n : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size);
    struct from_parsed from;
    bool bad;
    from_parse_value(a, text, &from);
    bad = from_is_bad(from.status);
    require(from.status != FROM_MISSING && from.status != FROM_SEVERAL);
    require((from.status == FROM_OK) == (from.problem.n == 0));
    require((from.n > 0) ==
            ((!bad && from.status != FROM_NO_DOMAIN) || from.status == FROM_TOO_MANY));
    require(!from.doubtful || from.status == FROM_UNPARSED);
    if (from.status == FROM_OK || from.status == FROM_TOO_MANY) {
        require(from.n <= FROM_MAX_MAILBOXES);
        for (size_t i = 0; i < from.n; i++)
            require_mailbox(a, &from.mailboxes[i]);
        require_stable(a, text, &from);
    } else if (!bad || from.status == FROM_EMPTY) {
        require_one_domain(a, text, &from);
    }
    require_path(text);
    arena_free(a);
    return 0;
}
