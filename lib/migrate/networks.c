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
    clear_host_bits(&net, out->bits);
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
    return a->place < b->place ? -1 : a->place > b->place;
}

/* Sorts only if an exception makes the order matter. */
static void sort_entries(struct entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_starts(entries[i].text, STR("!"))) {
            qsort(entries, n, sizeof *entries, by_precision);
            return;
        }
    }
}

static void tell_networks(struct migration *m, const char *option, const struct migrate_setting *s,
                          size_t added, struct str names, struct str wrong, const char *note)
{
    if (added)
        tell(m, s, *note ? MIGRATE_CHANGED : MIGRATE_CARRIED, "%s: %zu%s%s", option, added,
             *note ? "; " : "", note);
    if (names.n)
        tell(m, s, MIGRATE_LEFT,
             "names of hosts prove nothing: put the addresses of these into %s: %.*s", option,
             STR_ARG(names));
    if (wrong.n)
        tell(m, s, MIGRATE_LEFT, "%.*s", STR_ARG(wrong));
    if (!added && !names.n && !wrong.n)
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
static bool lacks_ipv6(const struct migration *m)
{
    const struct migrate_texts *nets =
        &m->values[option_find(STR("trusted-networks")) - options].texts;
    bool ipv4 = false;
    for (size_t i = 0; i < nets->n; i++) {
        if (str_find(nets->v[i], 0, ':') < nets->v[i].n)
            return false;
        ipv4 = ipv4 || is_loopback(nets->v[i]);
    }
    return ipv4;
}

void add_networks(struct migration *m, const char *option, const struct migrate_texts *texts,
                  const struct migrate_setting *s, const char *note)
{
    struct arena *a = m->arena;
    struct entry *entries = arena_array(a, struct entry, texts->n);
    struct strbuf names;
    struct str problem = STR_NONE, wrong = STR_NONE;
    size_t n = 0, added = 0;
    sb_init(&names, a);
    for (size_t i = 0; i < texts->n; i++) {
        struct str text = texts->v[i];
        if (str_eq_nocase(text, STR("localhost")))
            text = STR("127.0.0.1");
        entries[n].place = i;
        if (parse_entry(a, text, &entries[n]))
            n++;
        else
            sb_printf(&names, "%s%.*s", names.n ? ", " : "", STR_ARG(str_safe(a, text, 100, true)));
    }
    sort_entries(entries, n);
    for (size_t i = 0; i < n; i++) {
        if (is_needless(option, entries[i].text))
            continue;
        if (set_value(m, option, entries[i].text, s, &problem))
            added++;
        else
            wrong = problem;
    }
    if (strcmp(option, "trusted-networks") == 0 && lacks_ipv6(m) &&
        set_value(m, option, STR("::1"), s, &problem))
        note = "with ::1, which is this host by IPv6";
    tell_networks(m, option, s, added, sb_str(&names), wrong, note);
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
    struct migrate_setting file = *s;
    struct migrate_texts entries = {0};
    file.value = str_printf(m->arena, "file:%.*s", STR_ARG(s->value));
    if (read_dataset(m, &file, &entries))
        add_networks(m, "trusted-networks", &entries, s, "");
}
