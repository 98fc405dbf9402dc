/* reporter.c - compares who sent a report with the reporter that it names.
 *
 * Errors: none; what is no domain is not compared. */
#include "report/in/reporter.h"

#include "mail/domain.h"

struct str reporter_organization(const struct psl *psl, struct str domain)
{
    return psl ? psl_organizational(psl, domain) : domain_last_labels(domain, 2);
}

/* A name of one label is a name of people: "Google". */
static bool is_domain(struct arena *a, struct str text, struct str *out)
{
    return domain_normalize(a, text, out) && domain_labels(*out) > 1 &&
           !domain_ends_in_number(*out);
}

/* The domain of "a@example.org", "<a@example.org>" or "Name <a@example.org>". */
static bool domain_of_address(struct arena *a, struct str text, struct str *out)
{
    size_t at = str_find_last(text, '@');
    if (at >= text.n)
        return false;
    struct str rest = str_sub(text, at + 1, text.n);
    return is_domain(a, str_trim(str_sub(rest, 0, str_find(rest, 0, '>'))), out);
}

/* "Yahoo" for yahoo.com. */
static bool is_label_of(struct str name, struct str organization)
{
    return str_eq_nocase(str_trim(name), str_sub(organization, 0, str_find(organization, 0, '.')));
}

bool reporter_is_other(const struct psl *psl, struct arena *a, const struct aggregate_head *head,
                       struct str author)
{
    struct str named, organization;
    if (!author.n)
        return false;
    organization = reporter_organization(psl, author);
    if (is_label_of(head->org_name, organization) ||
        (!is_domain(a, head->org_name, &named) && !domain_of_address(a, head->email, &named)))
        return false;
    return !str_eq(reporter_organization(psl, named), organization);
}

bool reporter_names(struct arena *a, struct str name, struct str author)
{
    struct str domain;
    return is_domain(a, name, &domain) &&
           (domain_is_at_or_below(author, domain) || domain_is_at_or_below(domain, author));
}
