/* names.c - domains and selectors as people write them into a configuration, a table or a command.
 *
 * Errors: a phrase that says what was meant, where that can be told. A wrong name that was accepted
 * here would sign nothing and match nothing, in silence. */
#include "base/netset.h"
#include "conf/conf.h"
#include "mail/domain.h"

#define DOMAIN_WANTED "is no domain name such as example.org"

bool conf_plain_name(struct arena *a, struct str text, struct str *name)
{
    return domain_normalize(a, text, name) && domain_is_host_text(*name);
}

/* `text` where it is a domain, else an example. */
static struct str domain_or_example(struct arena *a, struct str text)
{
    struct str name;
    return conf_plain_name(a, text, &name) ? text : STR("example.org");
}

/* "https://user@example.org:8080/path": "example.org". */
static struct str host_of_url(struct str url, size_t colon)
{
    struct str rest = str_sub(url, colon + 3, url.n);
    rest = str_sub(rest, 0, str_find(rest, 0, '/'));
    size_t at = str_find_last(rest, '@');
    rest = str_sub(rest, at < rest.n ? at + 1 : 0, rest.n);
    return str_sub(rest, 0, str_find(rest, 0, ':'));
}

static const char *say_meant(struct arena *a, enum conf_domain_use use, struct str domain,
                             const char *what, const char *below)
{
    struct str name = domain_or_example(a, domain);
    return str_printf(a, "%s: write \"%.*s\"%s", what, STR_ARG(name),
                      use == CONF_DOMAIN_SIGNED ? below : "")
        .p;
}

static const char *explain_asterisk(struct arena *a, enum conf_domain_use use, struct str text)
{
    static const char below[] = " and subdomains = true, for the domains below it";
    if (!str_starts(text, STR("*.")) && !str_eq(text, STR("*")))
        return "may not hold an asterisk: name the domain itself";
    if (use == CONF_DOMAIN_LISTED && text.n > 1)
        return str_printf(a,
                          "may not hold an asterisk: write \"%.*s\", the domains below it are "
                          "included",
                          STR_ARG(domain_or_example(a, str_sub(text, 2, text.n))))
            .p;
    return say_meant(a, use, str_sub(text, 2, text.n), "may not hold an asterisk", below);
}

static const char *explain_address(struct arena *a, enum conf_domain_use use, struct str text)
{
    size_t at = str_find_last(text, '@');
    struct str domain = str_sub(text, at + 1, text.n);
    if (at == 0)
        return say_meant(a, use, domain, "is no domain", "");
    struct str shown = str_safe(a, text, 100, true);
    struct str senders = str_printf(a, " and senders = [ \"%.*s\" ]", STR_ARG(shown));
    return say_meant(a, use, domain, "is an address", senders.p);
}

const char *conf_domain_problem(struct arena *a, struct str text, enum conf_domain_use use,
                                struct str *name)
{
    struct netaddr address;
    size_t colon = str_find(text, 0, ':');
    *name = STR_NONE;
    if (str_starts(str_sub(text, colon, text.n), STR("://")))
        return say_meant(a, use, host_of_url(text, colon), "is a URL", "");
    if (str_find(text, 0, '*') < text.n)
        return explain_asterisk(a, use, text);
    if (str_find(text, 0, '@') < text.n)
        return explain_address(a, use, text);
    if (use != CONF_DOMAIN_LISTED && netaddr_parse(text, &address))
        return "is an IP address: wanted is a domain name such as example.org";
    return conf_plain_name(a, text, name) ? NULL : DOMAIN_WANTED;
}

/* The part of a selector before a label _domainkey; absent if there is none. */
static struct str before_domainkey(struct str name)
{
    static const struct str label = STR_INIT("_domainkey");
    for (size_t from = 0; from < name.n;) {
        size_t dot = str_find(name, from, '.');
        if (str_eq(str_sub(name, from, dot), label))
            return str_sub(name, 0, from ? from - 1 : 0);
        from = dot + 1;
    }
    return STR_NONE;
}

const char *conf_selector_problem(struct arena *a, struct str text, struct str *name)
{
    if (!conf_plain_name(a, text, name))
        return CONF_SELECTOR_WANTED;
    struct str before = before_domainkey(*name);
    if (!before.p)
        return NULL;
    return str_printf(a,
                      "is the name of a record: the selector is what stands before "
                      "\"._domainkey\", such as \"%.*s\"",
                      STR_ARG(before.n ? before : STR("s2026")))
        .p;
}
