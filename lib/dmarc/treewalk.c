/* treewalk.c - from a domain to the records above it, and to its organizational domain.
 *
 * Errors: none are returned. A look-up that fails makes an unknown node, and what depends on it is
 * said to be unknown. */
#include "dmarc/treewalk.h"

#include "mail/domain.h"

#define RECORD_SHOWN 512 /* bytes of a record in a step */

/* What an unknown node may hold, as far as walks go. */
static const char suppositions[] = {'\0', 'u', 'n', 'y'};
#define SUPPOSITIONS sizeof suppositions

void dmarc_say(struct dmarc_walker *walker, unsigned depth, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = str_vprintf(walker->asker->arena, format, args);
    va_end(args);
    walker->step(walker->step_context, depth, text);
}

static struct str record_name(struct arena *a, struct str domain)
{
    return str_printf(a, "_dmarc.%.*s", STR_ARG(domain));
}

static struct str shown_name(struct dmarc_walker *walker, struct str text)
{
    return str_safe(walker->asker->arena, text, RECORD_SHOWN, false);
}

static void explain_walk(struct dmarc_walker *walker, const struct dmarc_node *node,
                         const struct dns_answer *answer, size_t records, struct str text)
{
    if (!walker->step)
        return;
    struct str name = shown_name(walker, node->domain);
    if (node->state == NODE_UNKNOWN)
        dmarc_step(walker, 1, "_dmarc.%.*s: cannot be known now (%s)", STR_ARG(name),
                   dns_status_name(node->status));
    else if (records > 1)
        dmarc_step(walker, 1, "_dmarc.%.*s: several DMARC records, so none counts (RFC 9989 4.10)",
                   STR_ARG(name));
    else if (records == 1)
        dmarc_step(walker, 1, "_dmarc.%.*s: \"%.*s\"%s", STR_ARG(name),
                   STR_ARG(shown_name(walker, text)),
                   node->usable ? "" : ": no policy can be taken from it (RFC 9989 4.10.1)");
    else if (answer->status == DNS_ANSWER)
        dmarc_step(walker, 1, "_dmarc.%.*s: TXT, but no DMARC record", STR_ARG(name));
    else
        dmarc_step(walker, 1, "_dmarc.%.*s: no record (%s)", STR_ARG(name),
                   dns_status_name(node->status));
}

/* RFC 9989 4.10 step 2: other TXT records do not matter; of several DMARC records none counts, so
 * what is behind the second need not be read: thousands fit into an answer. */
static void take_answer(struct dmarc_walker *walker, struct dmarc_node *node,
                        const struct dns_answer *answer)
{
    size_t records = 0;
    struct str text = STR_NONE;
    node->status = answer->status;
    node->security = answer->security;
    for (size_t i = 0; i < answer->n && records < 2; i++) {
        struct dmarc_record record;
        bool usable;
        if (!dmarc_record_parse(walker->asker->arena, answer->rr[i].text, &record, &usable))
            continue;
        node->record = record;
        node->usable = usable;
        text = answer->rr[i].text;
        records++;
    }
    node->state = dns_unknown(answer) ? NODE_UNKNOWN : records == 1 ? NODE_RECORD : NODE_EMPTY;
    explain_walk(walker, node, answer, records, text);
}

static struct dmarc_node *find_node(const struct dmarc_walker *walker, struct str domain)
{
    for (struct dmarc_node *node = walker->nodes; node; node = node->next)
        if (str_eq(node->domain, domain))
            return node;
    return NULL;
}

struct dmarc_node *dmarc_look(struct dmarc_walker *walker, struct str domain)
{
    struct dmarc_node *node = find_node(walker, domain);
    if (node)
        return node;
    struct arena *a = walker->asker->arena;
    node = arena_make(a, struct dmarc_node);
    node->domain = domain;
    node->next = walker->nodes;
    walker->nodes = node;
    walker->queries++;
    take_answer(walker, node, dns_lookup(walker->asker, record_name(a, domain), DNS_TXT));
    return node;
}

/* The names of a whole walk (RFC 9989 4.10 steps 3, 4 and 7). */
static size_t walk_names(struct str domain, struct str names[DMARC_WALK_MAX])
{
    size_t labels = domain_labels(domain), n = 0;
    names[n++] = domain;
    for (size_t k = labels > DMARC_WALK_MAX ? DMARC_WALK_MAX : labels; k > 1; k--)
        names[n++] = domain_last_labels(domain, k - 1);
    return n;
}

/* Lets the names be asked for at once rather than one after the other. */
static void start_queries(struct dmarc_walker *walker, const struct str *names, size_t n)
{
    struct dns_asker *asker = walker->asker;
    for (size_t i = 0; i < n && asker->patience_us > 0; i++)
        if (!find_node(walker, names[i]))
            dns_start(asker, record_name(asker->arena, names[i]), DNS_TXT);
}

/* psd= of the record at a node, '\0' if there is none. */
static char psd_of(const struct dmarc_node *node)
{
    return node->state == NODE_RECORD ? node->record.psd
                                      : (node->state == NODE_UNKNOWN ? node->supposed : '\0');
}

/* False if a name was not looked at yet and may not be asked for. */
static bool climb(struct dmarc_walker *walker, const struct str *names, size_t n, bool ask,
                  struct dmarc_walk *out)
{
    for (out->n = 0; out->n < n;) {
        struct str name = names[out->n];
        struct dmarc_node *node = ask ? dmarc_look(walker, name) : find_node(walker, name);
        if (!node)
            return false;
        out->nodes[out->n++] = node;
        char psd = psd_of(node);
        if (psd == 'n' || psd == 'y')
            break;
    }
    return true;
}

void dmarc_walk(struct dmarc_walker *walker, struct str domain, struct dmarc_walk *out)
{
    struct str names[DMARC_WALK_MAX];
    size_t n = walk_names(domain, names);
    start_queries(walker, names, n);
    climb(walker, names, n, true, out);
}

unsigned dmarc_walk_cost(const struct dmarc_walker *walker, struct str domain)
{
    struct str names[DMARC_WALK_MAX];
    size_t n = walk_names(domain, names);
    unsigned cost = 0;
    for (size_t i = 0; i < n; i++)
        cost += !find_node(walker, names[i]);
    return cost;
}

bool dmarc_walk_seen(struct dmarc_walker *walker, struct str domain, struct dmarc_walk *out)
{
    struct str names[DMARC_WALK_MAX];
    return climb(walker, names, walk_names(domain, names), false, out);
}

const struct dmarc_node *dmarc_walk_unknown(const struct dmarc_walk *walk)
{
    for (size_t i = 0; i < walk->n; i++)
        if (walk->nodes[i]->state == NODE_UNKNOWN)
            return walk->nodes[i];
    return NULL;
}

/* RFC 9989 4.10.2, with unknown nodes as supposed. */
static struct str supposed_organizational(const struct dmarc_walk *walk)
{
    struct str start = walk->nodes[0]->domain, highest = start;
    for (size_t i = 0; i < walk->n; i++) {
        struct str domain = walk->nodes[i]->domain;
        switch (psd_of(walk->nodes[i])) {
        case 'y':
            /* One label below; where the walk starts, there is none below. */
            return domain_last_labels(start, domain_labels(domain) + 1);
        case 'n':
            return domain;
        case 'u':
            highest = domain;
        }
    }
    return highest;
}

bool dmarc_walk_organizational(struct dmarc_walk *walk, struct str *out)
{
    /* One record decides, so supposing one record at a time covers every case. */
    bool sure = true;
    *out = supposed_organizational(walk);
    for (size_t i = 0; i < walk->n; i++) {
        struct dmarc_node *node = walk->nodes[i];
        for (size_t k = 0; k < SUPPOSITIONS && node->state == NODE_UNKNOWN; k++) {
            node->supposed = suppositions[k];
            sure = sure && str_eq(supposed_organizational(walk), *out);
        }
        node->supposed = '\0';
    }
    if (!sure)
        *out = STR_NONE;
    return sure;
}

const struct dmarc_node *dmarc_walk_policy(struct dmarc_walk *walk)
{
    struct str organizational = supposed_organizational(walk);
    for (size_t i = 0; i < walk->n; i++)
        if (walk->nodes[i]->state == NODE_RECORD && str_eq(walk->nodes[i]->domain, organizational))
            return walk->nodes[i];
    /* What remains is the record of a public suffix domain, which ended the walk. */
    const struct dmarc_node *last = walk->nodes[walk->n - 1];
    return psd_of(last) == 'y' ? last : NULL;
}

/* Compares with b's unknown nodes empty but one, which is each in turn. */
static void compare_names(const struct dmarc_walk *a, struct dmarc_walk *b, bool *same,
                          bool *different)
{
    for (size_t i = 0; i < b->n; i++) {
        struct dmarc_node *node = b->nodes[i];
        char before = node->supposed; /* not '\0' if a has this node too */
        for (size_t k = 0; k < SUPPOSITIONS; k++) {
            if (node->state == NODE_UNKNOWN)
                node->supposed = suppositions[k];
            if (str_eq(supposed_organizational(a), supposed_organizational(b)))
                *same = true;
            else
                *different = true;
            if (node->state != NODE_UNKNOWN)
                break;
        }
        node->supposed = before;
    }
}

enum dmarc_aligned dmarc_walks_align(struct dmarc_walk *a, struct dmarc_walk *b)
{
    /* The organizational domain of each is decided by one record or by the absence of any. So if
     * some content of the unknown nodes makes the two equal (or different), then so does one in
     * which at most one unknown node of each walk holds a record. */
    bool same = false, different = false;
    if (!dmarc_walk_unknown(a) && !dmarc_walk_unknown(b))
        return str_eq(supposed_organizational(a), supposed_organizational(b)) ? DMARC_ALIGNED
                                                                              : DMARC_UNALIGNED;
    for (size_t i = 0; i < a->n; i++) {
        struct dmarc_node *node = a->nodes[i];
        for (size_t k = 0; k < SUPPOSITIONS && node->state == NODE_UNKNOWN; k++) {
            node->supposed = suppositions[k];
            compare_names(a, b, &same, &different);
        }
        node->supposed = '\0';
    }
    compare_names(a, b, &same, &different);
    return same && different ? DMARC_ALIGNED_UNKNOWN : same ? DMARC_ALIGNED : DMARC_UNALIGNED;
}

bool dmarc_organizational_domain(struct str domain, struct dns_asker *asker, struct str *out)
{
    struct dmarc_walker walker = {.asker = asker};
    struct dmarc_walk walk;
    dmarc_walk(&walker, domain, &walk);
    return dmarc_walk_organizational(&walk, out);
}

void dmarc_prefetch_identifier(struct str domain, struct str author_domain, struct dns_asker *asker)
{
    struct str names[DMARC_WALK_MAX];
    struct str common = domain_last_labels(author_domain, 2);
    size_t n = walk_names(domain, names);
    if (domain_labels(common) < 2 || !domain_is_at_or_below(domain, common))
        return;
    for (size_t i = 0; i < n; i++)
        if (!domain_is_at_or_below(author_domain, names[i]))
            dns_prefetch(asker, record_name(asker->arena, names[i]), DNS_TXT);
}
