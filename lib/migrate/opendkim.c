/* opendkim.c - the settings that only OpenDKIM, dkim-filter, OpenDMARC and OpenARC have.
 *
 * Errors: lines of the account. */
#include <string.h>

#include "mail/neversigned.h"
#include "migrate/migration.h"
#include "migrate/notes.h"

void carry_canonicalization(struct migration *m, const struct migrate_row *row,
                            const struct migrate_setting *s)
{
    size_t slash = str_find(s->value, 0, '/');
    struct str header = str_lower(m->arena, str_sub(s->value, 0, slash));
    struct str body = str_lower(m->arena, str_sub(s->value, slash + 1, s->value.n));
    if (!body.n)
        body = str_eq_nocase(s->name, STR("method")) ? header : STR("simple");
    if (!set_or_tell(m, "header-canonicalization", header, s) ||
        !set_or_tell(m, "body-canonicalization", body, s))
        return;
    tell(m, s, row->fate, "header-canonicalization = %.*s, body-canonicalization = %.*s",
         STR_ARG(header), STR_ARG(body));
}

static bool has_text(const struct migrate_texts *list, const char *text)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_eq_nocase(list->v[i], str_of(text)))
            return true;
    return false;
}

static struct str joined(struct arena *a, const struct migrate_texts *list)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i < list->n; i++)
        sb_printf(&b, "%s%.*s", i ? ", " : "", STR_ARG(list->v[i]));
    return sb_str(&b);
}

/* A list of fields, with those that OpenDKIM always adds. */
static void carry_fields(struct migration *m, const struct migrate_row *row,
                         const struct migrate_setting *s)
{
    struct str problem;
    struct migrate_texts names = {0}, kept = {0};
    struct strbuf left;
    sb_init(&left, m->arena);
    if (!read_dataset(m, s, &names))
        return;
    if (has_text(&names, "*")) {
        tell(m, s, MIGRATE_LEFT,
             "a list that begins with the default: write all fields into %s, if those of RFC 6376 "
             "5.4.1 are not right",
             row->to);
        return;
    }
    if (!has_text(&names, "From"))
        texts_add(m->arena, &names, STR("From"));
    for (size_t i = 0; i < names.n; i++)
        if (!never_signed(names.v[i]) && set_value(m, row->to, names.v[i], s, &problem))
            texts_add(m->arena, &kept, names.v[i]);
        else
            sb_printf(&left, "%s%.*s", left.n ? ", " : "", STR_ARG(names.v[i]));
    tell(m, s, left.n ? MIGRATE_CHANGED : row->fate, "%s: %.*s%s%.*s", row->to,
         STR_ARG(joined(m->arena, &kept)), left.n ? "; never signed: " : "",
         STR_ARG(sb_str(&left)));
}

void carry_sign_headers(struct migration *m, const struct migrate_row *row,
                        const struct migrate_setting *s)
{
    carry_fields(m, row, s);
}

void carry_oversign(struct migration *m, const struct migrate_row *row,
                    const struct migrate_setting *s)
{
    carry_fields(m, row, s);
}

static void add_services(struct migration *m, const struct migrate_setting *s,
                         const struct migrate_texts *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (!set_or_tell(m, "submission-daemons", names->v[i], s))
            return;
    tell(m, s, MIGRATE_CHANGED,
         "submission-daemons; mail there is ours when it is authenticated. If the MTA refuses all "
         "others on these services: submission-daemons-trusted = true");
}

void carry_mta(struct migration *m, const struct migrate_row *row, const struct migrate_setting *s)
{
    (void)row;
    struct migrate_texts names = {0};
    if (read_dataset(m, s, &names))
        add_services(m, s, &names);
}

/* The name of a macro without its braces; *values is the text behind it. */
static struct str macro_name(struct str macro, struct str *values)
{
    size_t end = str_find(macro, 0, '|');
    end = end < macro.n ? end : str_find(macro, 0, '=');
    struct str name = str_sub(macro, 0, end);
    *values = end < macro.n ? str_sub(macro, end + 1, macro.n) : STR_NONE;
    if (name.n > 2 && name.p[0] == '{')
        name = str_sub(name, 1, name.n - 1);
    return name;
}

/* "daemon_name|ORIGINATING" has the same meaning as the setting MTA; assay always asks whether a
 * client has authenticated. */
void carry_macros(struct migration *m, const struct migrate_row *row,
                  const struct migrate_setting *s)
{
    (void)row;
    struct migrate_texts macros = {0}, names = {0};
    struct str values, part;
    bool other = false;
    if (!read_dataset(m, s, &macros))
        return;
    for (size_t i = 0; i < macros.n; i++) {
        struct str name = macro_name(macros.v[i], &values);
        bool daemon = str_eq_nocase(name, STR("daemon_name"));
        other = other || (!daemon && !str_starts_nocase(name, STR("auth_")));
        while (daemon && str_split(&values, '|', &part))
            texts_add(m->arena, &names, part);
    }
    if (names.n)
        add_services(m, s, &names);
    if (other)
        tell(m, s, MIGRATE_LEFT,
             "other macros do not make mail ours: trusted-networks and SMTP AUTH do");
    if (!names.n && !other)
        tell(m, s, MIGRATE_CARRIED, "mail of clients that have authenticated is always ours");
}

void carry_mode(struct migration *m, const struct migrate_row *row, const struct migrate_setting *s)
{
    (void)row;
    bool sign = memchr(s->value.p, 's', s->value.n), verify = memchr(s->value.p, 'v', s->value.n);
    m->signing.no_signing = !sign && s->value.n;
    if (sign && verify)
        tell(m, s, MIGRATE_CARRIED, "assay signs mail of ours, and verifies mail from outside");
    else if (sign)
        tell(m, s, MIGRATE_CHANGED,
             "assay verifies mail from outside, too: DMARC needs that; it adds header fields");
    else
        tell(m, s, MIGRATE_CARRIED, "no keys are carried over, so assay signs nothing");
}

void carry_key_bits(struct migration *m, const struct migrate_row *row,
                    const struct migrate_setting *s)
{
    unsigned long long bits;
    if (str_to_u64(s->value, 1023, &bits))
        tell(m, s, MIGRATE_CHANGED, "dkim.min-key-bits = 1024 is the least (RFC 8301)");
    else
        carry_number(m, row, s);
}

void carry_header_bytes(struct migration *m, const struct migrate_row *row,
                        const struct migrate_setting *s)
{
    if (str_eq(s->value, STR("0")))
        tell(m, s, MIGRATE_LEFT, "there is always a limit: limits.header-bytes stays at 1M");
    else
        carry_text(m, row, s);
}

void carry_remove_ar(struct migration *m, const struct migrate_row *row,
                     const struct migrate_setting *s)
{
    struct str problem;
    struct migrate_texts names = {0}, plain = {0};
    size_t below = 0;
    if (!read_dataset(m, s, &names))
        return;
    for (size_t i = 0; i < names.n; i++) {
        bool dot = str_starts(names.v[i], STR("."));
        below += dot;
        if (!dot)
            texts_add(m->arena, &plain, names.v[i]);
    }
    for (size_t i = 0; i < plain.n; i++)
        if (!set_value(m, row->to, plain.v[i], s, &problem))
            below++;
    if (plain.n)
        tell(m, s, MIGRATE_CARRIED, "%s: %zu", row->to, plain.n);
    if (below)
        tell(m, s, MIGRATE_LEFT,
             "authserv-id-aliases holds full names of hosts: name each host of a domain there");
}

void carry_nameservers(struct migration *m, const struct migrate_row *row,
                       const struct migrate_setting *s)
{
    carry_list(m, row, s);
}

void carry_trust_anchor(struct migration *m, const struct migrate_row *row,
                        const struct migrate_setting *s)
{
    if (str_eq(s->value, STR("/usr/share/dns/root.key")))
        tell(m, s, MIGRATE_CARRIED,
             "the default of dns.trust-anchor, for dns.dnssec = \"validate\"");
    else
        carry_text(m, row, s);
}

void carry_algorithm(struct migration *m, const struct migrate_row *row,
                     const struct migrate_setting *s)
{
    (void)row;
    bool sha1 = str_eq_nocase(s->value, STR("rsa-sha1"));
    tell(m, s, sha1 ? MIGRATE_CHANGED : MIGRATE_CARRIED, "%s",
         sha1 ? N_SHA1 ": rsa-sha256 signs" : "the key decides: rsa-sha256 or ed25519-sha256");
}

/* --- OpenDMARC ---------------------------------------------------------------------------------*/

void finish_dmarc(struct migration *m)
{
    m->saw_dmarc = true;
}

void carry_reject_failures(struct migration *m, const struct migrate_row *row,
                           const struct migrate_setting *s)
{
    bool yes = is_true(s->value);
    if (!set_or_tell(m, "dmarc.on-reject", yes ? STR("reject") : STR("tag"), s) ||
        !set_or_tell(m, "dmarc.on-temperror", yes ? STR("tempfail") : STR("tag"), s))
        return;
    tell(m, s, row->fate, "%s",
         yes ? "dmarc.on-reject = reject, dmarc.on-temperror = tempfail"
             : "dmarc.on-reject = tag, dmarc.on-temperror = tag: nothing is refused, the header "
               "tells");
}

void carry_hold(struct migration *m, const struct migrate_row *row, const struct migrate_setting *s)
{
    struct str action = is_true(s->value) ? STR("quarantine") : STR("tag");
    if (set_or_tell(m, row->to, action, s))
        tell(m, s, row->fate, "%s = %.*s", row->to, STR_ARG(action));
}

void carry_required_headers(struct migration *m, const struct migrate_row *row,
                            const struct migrate_setting *s)
{
    struct str action = is_true(s->value) ? STR("reject") : STR("tag");
    if (set_or_tell(m, row->to, action, s))
        tell(m, s, is_true(s->value) ? MIGRATE_CHANGED : MIGRATE_CARRIED, "%s = %.*s%s", row->to,
             STR_ARG(action), is_true(s->value) ? "; other fields than From are not counted" : "");
}

void carry_sealers_file(struct migration *m, const struct migrate_row *row,
                        const struct migrate_setting *s)
{
    struct migrate_setting file = *s;
    struct migrate_texts entries = {0};
    file.value = str_printf(m->arena, "file:%.*s", STR_ARG(s->value));
    if (read_dataset(m, &file, &entries))
        add_domains(m, row->to, &entries, s, row->fate, row->note);
}

void carry_ignore_hosts(struct migration *m, const struct migrate_row *row,
                        const struct migrate_setting *s)
{
    add_hosts(m, row->to, s, str_printf(m->arena, "file:%.*s", STR_ARG(s->value)),
              "their mail is evaluated, and its failures are never acted on; if it is your own, "
              "trusted-networks");
}

void carry_ignore_authenticated(struct migration *m, const struct migrate_row *row,
                                const struct migrate_setting *s)
{
    (void)row;
    bool yes = is_true(s->value);
    tell(m, s, yes ? MIGRATE_CARRIED : MIGRATE_CHANGED,
         "mail of clients that have authenticated is ours, and never judged");
}
