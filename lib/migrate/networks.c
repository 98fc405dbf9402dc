/* networks.c - lists of hosts and networks, in the forms of OpenDKIM, policyd-spf and postgrey.
 *
 * OpenDKIM prefers the more precise entry, while assay reads from left to right. So the entries are
 * sorted.
 *
 * Errors: entries that are no networks are left out, and the account says so. */
#include <stdlib.h>
#include <string.h>

#include "base/netset.h"
#include "migrate/migration.h"

struct entry {
    struct str text; /* in the form of assay.conf */
    unsigned bits;   /* of the prefix, counted as in IPv6 */
    bool except;     /* begins with an exclamation mark */
    bool all;        /* every client */
    bool loose;      /* bits behind the prefix are set, or it has a mask for a prefix */
    size_t place;
};

static void clear_host_bits(struct netaddr *net, unsigned bits)
{
    unsigned bytes = net->family == 4 ? 4 : 16;
    for (unsigned i = 0; i < bytes; i++) {
        unsigned kept = bits > i * 8 ? bits - i * 8 : 0;
        if (kept < 8)
            net->bytes[i] = (uint8_t)(net->bytes[i] & (0xff00U >> kept));
    }
}

/* The number of bits of a mask such as 255.255.255.0; 33: it is no mask. */
static unsigned mask_bits(struct str text)
{
    struct netaddr mask;
    unsigned bits = 0;
    if (!netaddr_parse(text, &mask) || mask.family != 4)
        return 33;
    while (bits < 32 && (mask.bytes[bits / 8] >> (7 - bits % 8) & 1))
        bits++;
    struct netaddr rest = mask;
    clear_host_bits(&rest, bits);
    return netaddr_eq(&rest, &mask) ? bits : 33;
}

static bool prefix_of(struct str text, const struct netaddr *net, bool mapped, unsigned *bits)
{
    unsigned long long number;
    unsigned max = net->family == 4 ? 32 : 128;
    if (!text.n) {
        *bits = max;
        return true;
    }
    if (!str_to_u64(text, 128, &number))
        number = net->family == 4 && !mapped ? mask_bits(text) : 129;
    else if (mapped)
        number = number >= 96 ? number - 96 : 129;
    *bits = (unsigned)number;
    return number <= max;
}

/* "[192.0.2.1]", "192.0.2.0/24", "::ffff:127.0.0.0/104", "192.0.2.1/24", with "!" before it. */
static bool parse_entry(struct arena *a, struct str text, struct entry *out)
{
    struct netaddr net;
    char shown[NETADDR_TEXT];
    bool except = str_starts(text, STR("!"));
    text = str_sub(text, except, text.n);
    size_t slash = str_find(text, 0, '/');
    struct str address = str_sub(text, 0, slash), prefix = str_sub(text, slash + 1, text.n);
    if (address.n > 2 && address.p[0] == '[' && address.p[address.n - 1] == ']')
        address = str_sub(address, 1, address.n - 1);
    bool mapped = str_find(address, 0, ':') < address.n;
    if (!netaddr_parse(address, &net) ||
        !prefix_of(prefix, &net, mapped && net.family == 4, &out->bits))
        return false;
    bool whole = out->bits == (net.family == 4 ? 32U : 128U);
    struct netaddr given = net;
    unsigned long long number;
    clear_host_bits(&net, out->bits);
    out->except = except;
    out->all = !out->bits;
    out->loose = !netaddr_eq(&given, &net) || (prefix.n && !str_to_u64(prefix, 128, &number));
    out->text =
        whole ? str_printf(a, "%s%s", except ? "!" : "", netaddr_format(&net, shown))
              : str_printf(a, "%s%s/%u", except ? "!" : "", netaddr_format(&net, shown), out->bits);
    out->bits += net.family == 4 ? 96 : 0;
    return true;
}

static int by_precision(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;
    if (a->bits != b->bits)
        return a->bits > b->bits ? -1 : 1;
    if (a->except != b->except)
        return a->except ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static struct migrate_texts *list_of(struct migration *m, const char *option)
{
    return &m->values[option_find(str_of(option)) - options].texts;
}

static bool is_exception(struct str text)
{
    return str_starts(text, STR("!"));
}

static bool has_network(const struct migrate_texts *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (!is_exception(list->v[i]))
            return true;
    return false;
}

/* Several settings may have added to the list. Sorts it only if an exception makes the order
 * matter. */
static void sort_list(struct migration *m, struct migrate_texts *list)
{
    struct entry *entries = arena_array(m->arena, struct entry, list->n);
    bool except = false;
    for (size_t i = 0; i < list->n; i++) {
        if (!parse_entry(m->arena, list->v[i], &entries[i]))
            entries[i].text = list->v[i];
        entries[i].place = i;
        except = except || entries[i].except;
    }
    if (!except)
        return;
    qsort(entries, list->n, sizeof *entries, by_precision);
    for (size_t i = 0; i < list->n; i++)
        list->v[i] = entries[i].text;
}

/* What is said of the entries of a list. */
struct network_report {
    size_t added;
    struct strbuf names, loose, lone;
    struct str wrong;
    bool all, empty;
    const char *note;
};

static void add_name(struct strbuf *b, struct str text)
{
    sb_printf(b, "%s%.*s", b->n ? ", " : "", STR_ARG(str_safe(b->arena, text, 100, true)));
}

static void tell_networks(struct migration *m, const char *option, const struct migrate_setting *s,
                          struct network_report *r)
{
    const char *note = r->note;
    if (r->all)
        note = strcmp(option, "trusted-networks") == 0
                   ? "every client is in it: assay checks no mail, and signs for authors of yours "
                     "whoever sends it"
                   : "every client is in it";
    if (r->added)
        tell(m, s, *note ? MIGRATE_CHANGED : MIGRATE_CARRIED, "%s: %zu%s%s", option, r->added,
             *note ? "; " : "", note);
    if (r->names.n)
        tell(m, s, MIGRATE_LEFT,
             "names of hosts prove nothing: put the addresses of these into %s: %.*s", option,
             STR_ARG(sb_str(&r->names)));
    if (r->loose.n)
        tell(
            m, s, MIGRATE_LEFT,
            "no client matches these: a network is compared as a text, without the bits behind its "
            "prefix; write it so into %s if you mean it: %.*s",
            option, STR_ARG(sb_str(&r->loose)));
    if (r->lone.n)
        tell(m, s, MIGRATE_LEFT, "%s has no network that these are exceptions of: %.*s", option,
             STR_ARG(sb_str(&r->lone)));
    if (r->wrong.n)
        tell(m, s, MIGRATE_LEFT, "%.*s", STR_ARG(r->wrong));
    if (r->empty)
        tell(m, s, MIGRATE_CARRIED, "%s: the list is empty", option);
    else if (!r->added && !r->names.n && !r->loose.n && !r->lone.n && !r->wrong.n)
        tell(m, s, MIGRATE_CARRIED, "%s needs no entry for it: mail of this host is ours", option);
}

static bool is_loopback(struct str text)
{
    return str_starts(text, STR("127.")) || str_eq(text, STR("::1")) ||
           str_eq_nocase(text, STR("localhost"));
}

/* Lists for other options than trusted-networks need no entry for this host, because its mail is
 * ours. */
static bool is_needless(const char *option, struct str text)
{
    return strcmp(option, "trusted-networks") != 0 && is_loopback(text);
}

/* True if trusted-networks has this host only by IPv4. */
static bool lacks_ipv6(struct migration *m)
{
    const struct migrate_texts *nets = list_of(m, "trusted-networks");
    bool ipv4 = false;
    for (size_t i = 0; i < nets->n; i++) {
        if (str_find(nets->v[i], 0, ':') < nets->v[i].n)
            return false;
        ipv4 = ipv4 || is_loopback(nets->v[i]);
    }
    return ipv4;
}

/* Reads the entries that the option is to have; the report is told of the others. */
static size_t read_networks(struct migration *m, const char *option,
                            const struct migrate_texts *texts, bool exact, struct entry *out,
                            struct network_report *r)
{
    size_t n = 0;
    for (size_t i = 0; i < texts->n; i++) {
        struct str text = texts->v[i];
        if (str_eq_nocase(text, STR("localhost")))
            text = STR("127.0.0.1");
        if (!parse_entry(m->arena, text, &out[n]))
            add_name(&r->names, text);
        else if (exact && out[n].loose && !out[n].except)
            add_name(&r->loose, text);
        else if (!is_needless(option, out[n].text))
            n++;
    }
    return n;
}

static void add_entry(struct migration *m, const char *option, const struct entry *entry,
                      const struct migrate_setting *s, struct network_report *r)
{
    if (!set_value(m, option, entry->text, s, &r->wrong))
        return;
    r->added++;
    r->all = r->all || (entry->all && !entry->except);
}

static void add_entries(struct migration *m, const char *option, const struct migrate_texts *texts,
                        const struct migrate_setting *s, const char *note, bool exact)
{
    struct entry *entries = arena_array(m->arena, struct entry, texts->n);
    struct migrate_texts *list = list_of(m, option);
    struct network_report r = {.note = note, .empty = !texts->n};
    struct str problem;
    bool networks = has_network(list);
    sb_init(&r.names, m->arena);
    sb_init(&r.loose, m->arena);
    sb_init(&r.lone, m->arena);
    size_t n = read_networks(m, option, texts, exact, entries, &r);
    for (size_t i = 0; i < n; i++)
        networks = networks || !entries[i].except;
    for (size_t i = 0; i < n; i++)
        if (networks)
            add_entry(m, option, &entries[i], s, &r);
        else
            add_name(&r.lone, entries[i].text);
    sort_list(m, list);
    if (strcmp(option, "trusted-networks") == 0 && lacks_ipv6(m) &&
        set_value(m, option, STR("::1"), s, &problem))
        r.note = "with ::1, which is this host by IPv6";
    tell_networks(m, option, s, &r);
}

void add_networks(struct migration *m, const char *option, const struct migrate_texts *entries,
                  const struct migrate_setting *s, const char *note)
{
    add_entries(m, option, entries, s, note, false);
}

struct str whole_network(struct arena *a, struct str text)
{
    struct str rest = text, part;
    unsigned n = 0;
    unsigned long long number;
    while (str_split(&rest, '.', &part)) {
        if (part.n && !str_to_u64(part, 255, &number))
            return text;
        n += part.n > 0;
    }
    if (n == 0 || n > 3)
        return text;
    bool dot = text.p[text.n - 1] == '.';
    static const char *const zeros[] = {"0.0.0/8", "0.0/16", "0/24"};
    return str_printf(a, "%.*s%s%s", STR_ARG(text), dot ? "" : ".", zeros[n - 1]);
}

/* An entry of a data set of hosts: in a plain file it is the first word of a line; behind refile:
 * "192.0.2.*" is a network. */
static struct str host_entry(struct arena *a, struct str text, bool file, bool patterns)
{
    size_t blank = str_find(text, 0, ' '), tab = str_find(text, 0, '\t');
    if (patterns && text.n > 2 && str_ends_nocase(text, STR(".*")))
        return whole_network(a, str_sub(text, 0, text.n - 1));
    return file ? str_sub(text, 0, blank < tab ? blank : tab) : text;
}

void add_hosts(struct migration *m, const char *option, const struct migrate_setting *s,
               struct str value, const char *note)
{
    struct migrate_texts entries = {0};
    struct migrate_setting from = *s;
    from.value = value;
    if (!read_dataset(m, &from, &entries))
        return;
    bool patterns = str_starts_nocase(value, STR("refile:"));
    bool file = !patterns && dataset_file(m, value).p;
    for (size_t i = 0; i < entries.n; i++)
        entries.v[i] = host_entry(m->arena, entries.v[i], file, patterns);
    add_entries(m, option, &entries, s, note, true);
}

void carry_hosts(struct migration *m, const struct migrate_row *row,
                 const struct migrate_setting *s)
{
    add_hosts(m, row->to, s, s->value, row->note);
}

void carry_networks(struct migration *m, const struct migrate_row *row,
                    const struct migrate_setting *s)
{
    struct migrate_texts entries = {0};
    if (read_dataset(m, s, &entries))
        add_networks(m, row->to, &entries, s, row->note);
}

void carry_skip_networks(struct migration *m, const struct migrate_row *row,
                         const struct migrate_setting *s)
{
    struct migrate_texts entries = {0};
    split_list(m->arena, s->value, &entries);
    add_networks(m, row->to, &entries, s, row->note);
}

void whole_hosts(struct migration *m, const struct migrate_row *row,
                 const struct migrate_setting *s)
{
    (void)row;
    add_hosts(m, "trusted-networks", s, str_printf(m->arena, "file:%.*s", STR_ARG(s->value)), "");
}
