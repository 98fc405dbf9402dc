/* netset.c - IP addresses and sets of networks.
 *
 * Errors: a phrase for the operator from netset_add(), false from the parsers. */
#include "base/netset.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static void unmap_v4(struct netaddr *a)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (a->family != 6 || memcmp(a->bytes, mapped, sizeof mapped) != 0)
        return;
    struct netaddr v4 = {.family = 4};
    memcpy(v4.bytes, a->bytes + 12, 4);
    *a = v4;
}

bool netaddr_parse(struct str text, struct netaddr *out)
{
    char buffer[INET6_ADDRSTRLEN];
    if (str_starts_nocase(text, STR("IPv6:")))
        text = str_sub(text, 5, text.n);
    *out = (struct netaddr){0};
    if (text.n == 0 || text.n >= sizeof buffer || memchr(text.p, '\0', text.n))
        return false;
    memcpy(buffer, text.p, text.n);
    buffer[text.n] = '\0';
    if (inet_pton(AF_INET, buffer, out->bytes) == 1)
        out->family = 4;
    else if (inet_pton(AF_INET6, buffer, out->bytes) == 1)
        out->family = 6;
    unmap_v4(out);
    return out->family != 0;
}

bool netaddr_from_sockaddr(const struct sockaddr *sa, struct netaddr *out)
{
    *out = (struct netaddr){0};
    if (sa && sa->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, sa, sizeof v4);
        out->family = 4;
        memcpy(out->bytes, &v4.sin_addr, 4);
    } else if (sa && sa->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, sa, sizeof v6);
        out->family = 6;
        memcpy(out->bytes, &v6.sin6_addr, 16);
        unmap_v4(out);
    }
    return out->family != 0;
}

const char *netaddr_format(const struct netaddr *addr, char text[NETADDR_TEXT])
{
    int family = addr->family == 4 ? AF_INET : AF_INET6;
    if (!addr->family || !inet_ntop(family, addr->bytes, text, NETADDR_TEXT))
        return strcpy(text, "unknown");
    return text;
}

bool netaddr_eq(const struct netaddr *a, const struct netaddr *b)
{
    return a->family == b->family && netaddr_in(a, b, a->family == 4 ? 32 : 128);
}

bool netaddr_in(const struct netaddr *addr, const struct netaddr *net, unsigned bits)
{
    if (!addr->family || addr->family != net->family || bits > (addr->family == 4 ? 32U : 128U))
        return false;
    if (memcmp(addr->bytes, net->bytes, bits / 8) != 0)
        return false;
    if (bits % 8 == 0)
        return true;
    uint8_t mask = (uint8_t)(0xFFU << (8 - bits % 8));
    return ((addr->bytes[bits / 8] ^ net->bytes[bits / 8]) & mask) == 0;
}

void netset_init(struct netset *set, struct arena *a)
{
    *set = (struct netset){.arena = a};
}

static bool host_bits_clear(const struct netaddr *net, unsigned bits)
{
    unsigned width = net->family == 4 ? 32 : 128;
    for (unsigned i = bits; i < width; i++)
        if (net->bytes[i / 8] & (0x80U >> (i % 8)))
            return false;
    return true;
}

const char *netset_add(struct netset *set, struct str text)
{
    struct netrange range = {.except = str_starts(text, STR("!"))};
    struct str network = str_sub(text, range.except, text.n);
    size_t slash = str_find(network, 0, '/');
    if (str_find(text, 0, ' ') < text.n || str_find(text, 0, ',') < text.n)
        return "is more than one: write each in quotes of its own, and commas between them";
    if (!netaddr_parse(str_sub(network, 0, slash), &range.net))
        return "is not an IP address or network such as 192.0.2.0/24 or 2001:db8::/32";
    unsigned long long bits = range.net.family == 4 ? 32 : 128;
    if (slash < network.n && !str_to_u64(str_sub(network, slash + 1, network.n), bits, &bits))
        return "has a prefix length that does not fit the address";
    range.bits = (unsigned)bits;
    if (!host_bits_clear(&range.net, range.bits))
        return "has bits set behind the prefix length: write the network's first address";
    set->ranges = arena_extend(set->arena, set->ranges, set->n, &set->cap, sizeof range);
    set->ranges[set->n++] = range;
    return NULL;
}

/* --- Long lists --------------------------------------------------------------------------------*/

/* Networks are disjoint or lie one in the other, so the entries make a tree: each has the smallest
 * network around it as its parent. Sorted by first address, larger networks before those in them,
 * the smallest one around an address is the last entry that does not begin behind it, or above
 * that. Which of the networks around decides is worked out beforehand. */
struct netnode {
    struct netrange range;
    size_t place;           /* in the list, from 0 */
    struct netnode *parent; /* NULL: none */
    size_t decider;         /* the place of the first entry around, itself included */
    bool except;            /* what that one is */
};

#define SHORT_LIST 16 /* up to this, reading the list is as fast */

static int by_first_address(const struct netaddr *a, const struct netaddr *b)
{
    return a->family != b->family ? a->family - b->family
                                  : memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static int by_network(const void *left, const void *right)
{
    const struct netnode *a = left, *b = right;
    int order = by_first_address(&a->range.net, &b->range.net);
    if (!order)
        order = (a->range.bits > b->range.bits) - (a->range.bits < b->range.bits);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

static bool node_holds(const struct netnode *node, const struct netaddr *addr)
{
    return netaddr_in(addr, &node->range.net, node->range.bits);
}

static struct netnode *build_tree(const struct netset *set, struct arena *a)
{
    struct netnode *tree = arena_array(a, struct netnode, set->n), *around = NULL;
    for (size_t i = 0; i < set->n; i++)
        tree[i] = (struct netnode){.range = set->ranges[i], .place = i};
    if (set->n)
        qsort(tree, set->n, sizeof *tree, by_network);
    for (size_t i = 0; i < set->n; i++) {
        struct netnode *node = &tree[i];
        while (around && !node_holds(around, &node->range.net))
            around = around->parent;
        bool earlier = around && around->decider < node->place;
        node->parent = around;
        node->decider = earlier ? around->decider : node->place;
        node->except = earlier ? around->except : node->range.except;
        around = node;
    }
    return tree;
}

void netset_finish(struct netset *set)
{
    set->tree = set->n > SHORT_LIST ? build_tree(set, set->arena) : NULL;
}

size_t netset_idle_exception(const struct netset *set, size_t from)
{
    size_t found = set->n;
    struct arena *a = arena_new(0);
    const struct netnode *tree = set->tree ? set->tree : build_tree(set, a);
    for (size_t i = 0; i < set->n; i++)
        if (tree[i].range.except && !tree[i].except && tree[i].place >= from &&
            tree[i].place < found)
            found = tree[i].place;
    arena_free(a);
    return found;
}

static bool tree_has(const struct netset *set, const struct netaddr *addr)
{
    size_t low = 0, high = set->n; /* the first entry that begins behind the address */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_first_address(&set->tree[middle].range.net, addr) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    const struct netnode *node = low ? &set->tree[low - 1] : NULL;
    while (node && !node_holds(node, addr))
        node = node->parent;
    return node && !node->except;
}

bool netset_has(const struct netset *set, const struct netaddr *addr)
{
    if (set->tree)
        return tree_has(set, addr);
    for (size_t i = 0; i < set->n; i++)
        if (netaddr_in(addr, &set->ranges[i].net, set->ranges[i].bits))
            return !set->ranges[i].except;
    return false;
}
