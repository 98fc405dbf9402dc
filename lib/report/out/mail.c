/* mail.c - writes the mail of a report.
 *
 * Errors: none. */
#include "report/out/mail.h"

#include <time.h>

#include "base/ascii.h"
#include "crypto/canon.h"
#include "report/out/outgoing.h"

#define LOCAL_PART_MAX 64 /* RFC 5321 4.5.3.1.1 */
#define LINE           76 /* of base64 */

/* --- Names -------------------------------------------------------------------------------------*/

static struct str domain_of(struct str address)
{
    return str_sub(address, str_find_last(address, '@') + 1, address.n);
}

static struct str token(const struct report_mail *m, struct arena *a)
{
    return str_printf(a, "%.*s.%lld", STR_ARG(m->report_id), (long long)m->number);
}

struct str report_mail_id(const struct report_mail *m, struct arena *a)
{
    return str_printf(a, "<%.*s@%.*s>", STR_ARG(token(m, a)), STR_ARG(domain_of(m->sender)));
}

struct str report_mail_file(const struct report_mail *m, struct arena *a)
{
    return str_printf(a, "%.*s!%.*s!%lld!%lld!%.*s.xml.gz", STR_ARG(domain_of(m->sender)),
                      STR_ARG(m->policy_domain), (long long)m->begin, (long long)m->end,
                      STR_ARG(m->report_id));
}

struct str report_mail_envelope(const struct report_mail *m, struct str delimiter, struct arena *a)
{
    struct str local = str_sub(m->sender, 0, str_find_last(m->sender, '@')), id = token(m, a);
    if (!delimiter.n || local.n + delimiter.n + id.n > LOCAL_PART_MAX)
        return m->sender;
    return str_printf(a, "%.*s%.*s%.*s@%.*s", STR_ARG(local), STR_ARG(delimiter), STR_ARG(id),
                      STR_ARG(domain_of(m->sender)));
}

static size_t hex_digits(struct str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && ascii_is_hex(s.p[at + n]))
        n++;
    return n;
}

static size_t digits(struct str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && ascii_is_digit(s.p[at + n]))
        n++;
    return n;
}

bool report_mail_find_id(struct str text, size_t *at, struct str *report_id, int64_t *number)
{
    for (size_t i = *at; i < text.n;) {
        unsigned long long value;
        size_t hex = hex_digits(text, i), dot = i + hex;
        size_t n =
            hex >= OUTGOING_ID && dot < text.n && text.p[dot] == '.' ? digits(text, dot + 1) : 0;
        size_t end = dot + 1 + n;
        if (n && end < text.n && text.p[end] == '@' &&
            str_to_u64(str_sub(text, dot + 1, end), INT32_MAX, &value)) {
            *report_id = str_sub(text, dot - OUTGOING_ID, dot);
            *number = (int64_t)value;
            *at = end;
            return true;
        }
        i = dot + 1;
    }
    return false;
}

/* --- Times -------------------------------------------------------------------------------------*/

/* strftime() would use the names of a locale. */
struct str report_mail_date(int64_t time, struct arena *a)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t t = (time_t)time;
    struct tm tm;
    if (!gmtime_r(&t, &tm))
        return STR("Thu, 1 Jan 1970 00:00:00 +0000");
    return str_printf(a, "%.3s, %d %.3s %d %02d:%02d:%02d +0000", days + 3 * tm.tm_wday, tm.tm_mday,
                      months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static struct str day_text(int64_t time, struct arena *a)
{
    time_t t = (time_t)time;
    struct tm tm;
    if (!gmtime_r(&t, &tm))
        return STR("1970-01-01");
    return str_printf(a, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

/* --- The mail ----------------------------------------------------------------------------------*/

static void add_header(const struct report_mail *m, struct str boundary, struct strbuf *b)
{
    struct arena *a = b->arena;
    sb_printf(b, "From: %.*s\n", STR_ARG(m->sender));
    sb_printf(b, "To: %.*s\n", STR_ARG(m->recipient));
    sb_printf(b, "Subject: Report Domain: %.*s\n Submitter: %.*s\n Report-ID: <%.*s>\n",
              STR_ARG(m->policy_domain), STR_ARG(domain_of(m->sender)), STR_ARG(m->report_id));
    sb_printf(b, "Date: %.*s\n", STR_ARG(report_mail_date(m->date, a)));
    sb_printf(b, "Message-ID: %.*s\n", STR_ARG(report_mail_id(m, a)));
    sb_add(b, STR("Auto-Submitted: auto-generated\n"));
    sb_add(b, STR("MIME-Version: 1.0\n"));
    sb_printf(b, "Content-Type: multipart/mixed; boundary=\"%.*s\"\n\n", STR_ARG(boundary));
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* Each report gets its own sentences, because a text that is always the same looks like spam. */
static void add_text(const struct report_mail *m, struct strbuf *b)
{
    struct arena *a = b->arena;
    struct str domain = m->policy_domain;
    sb_add(b, STR("Content-Type: text/plain; charset=us-ascii\n\n"));
    sb_printf(b, "This is the DMARC aggregate report of %.*s\nabout mail from %.*s,\n",
              STR_ARG(domain_of(m->sender)), STR_ARG(domain));
    sb_printf(b, "for %.*s, from midnight to midnight (UTC).\n\n", STR_ARG(day_text(m->begin, a)));
    sb_printf(b,
              "On that day our mail servers got %llu message%s that named this domain, or one\n"
              "below it, as their author. The attached file lists them by client and by result,\n"
              "in %llu row%s. It goes to you because the DMARC record of this domain asks for\n"
              "it (RFC 9990).\n\n",
              (unsigned long long)m->messages, plural(m->messages), (unsigned long long)m->rows,
              plural(m->rows));
    sb_printf(b, "This mail was written by a program. Questions about it: %.*s\n",
              STR_ARG(m->email));
}

static void add_base64(struct str bytes, struct strbuf *b)
{
    struct arena *scratch = arena_new(0);
    struct str text = base64_encode(scratch, bytes);
    for (size_t at = 0; at < text.n; at += LINE) {
        sb_add(b, str_sub(text, at, at + LINE));
        sb_addc(b, '\n');
    }
    arena_free(scratch);
}

static void add_attachment(const struct report_mail *m, struct strbuf *b)
{
    struct str file = report_mail_file(m, b->arena);
    sb_printf(b, "Content-Type: application/gzip; name=\"%.*s\"\n", STR_ARG(file));
    sb_printf(b, "Content-Disposition: attachment; filename=\"%.*s\"\n", STR_ARG(file));
    sb_add(b, STR("Content-Transfer-Encoding: base64\n\n"));
    add_base64(m->gz, b);
}

struct str report_mail_compose(const struct report_mail *m, struct arena *a)
{
    struct strbuf b;
    struct str boundary = str_printf(a, "report-%.*s", STR_ARG(m->report_id));
    sb_init(&b, a);
    add_header(m, boundary, &b);
    sb_printf(&b, "--%.*s\n", STR_ARG(boundary));
    add_text(m, &b);
    sb_printf(&b, "\n--%.*s\n", STR_ARG(boundary));
    add_attachment(m, &b);
    sb_printf(&b, "\n--%.*s--\n", STR_ARG(boundary));
    return sb_str(&b);
}
