/* reports.c - the options of reports that are texts of a form.
 *
 * Errors: complaints with file and line. */
#include <string.h>

#include "base/ascii.h"
#include "conf/check.h"
#include "mail/address.h"
#include "mail/domain.h"

static bool is_atom(struct str s, const char *more)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_alnum(s.p[i]) && !strchr("!#$%&'*+-/=?^_`{|}~", s.p[i]) &&
            !strchr(more, s.p[i]))
            return false;
    return s.n > 0;
}

/* What stands in a field From that we write, and in an envelope. */
static bool is_plain_address(struct str text, struct arena *scratch)
{
    struct mail_path path;
    struct str domain;
    return mail_path_parse(text, &path) && str_eq(path.whole, text) && is_atom(path.local, ".") &&
           path.local.p[0] != '.' && path.local.p[path.local.n - 1] != '.' &&
           domain_normalize(scratch, path.domain, &domain);
}

static void check_address(const struct conf *conf, struct conf_problems *problems,
                          struct arena *scratch, const char *option, struct str text)
{
    if (text.n && !is_plain_address(text, scratch))
        conf_problem(problems, conf_place_of(conf, option),
                     "%s: \"%.*s\" is no address such as dmarc-reports@example.org", option,
                     STR_ARG(str_safe(scratch, text, 100, true)));
}

void conf_check_reports(const struct conf *conf, struct conf_problems *problems,
                        struct arena *scratch)
{
    struct str delimiter = conf->reports_delimiter;
    check_address(conf, problems, scratch, "reports.from", conf->reports_from);
    check_address(conf, problems, scratch, "reports.contact", conf->reports_contact);
    if (conf->reports_send && !conf->reports_from.n)
        conf_problem(problems, conf_place_of(conf, "reports.send"),
                     "reports.send: wants reports.from, the address that reports come from");
    if (!str_starts(conf->reports_mailer, STR("/")) &&
        !str_starts(conf->reports_mailer, STR("smtp://")))
        conf_problem(problems, conf_place_of(conf, "reports.mailer"),
                     "reports.mailer: \"%.*s\" is neither the full path of a program, such as "
                     "/usr/sbin/sendmail, nor smtp://HOST:PORT",
                     STR_ARG(str_safe(scratch, conf->reports_mailer, 100, true)));
    if (delimiter.n > 1 || (delimiter.n && !is_atom(delimiter, ".")))
        conf_problem(problems, conf_place_of(conf, "reports.delimiter"),
                     "reports.delimiter: \"%.*s\" is not one character that an address may have, "
                     "such as \"+\"",
                     STR_ARG(str_safe(scratch, delimiter, 100, true)));
}
