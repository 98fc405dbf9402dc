/* dmarc treewalk: do two walks lead to one organizational domain, where a name could not be looked
 * at? These walks are made by hand, so that every node can be the unknown one. And what a walk
 * asks. */
#include "test.h"

#include "dmarc/treewalk.h"
#include "dns_held.h"

static struct dmarc_node node(const char *domain, enum node_state state, char psd)
{
    return (struct dmarc_node){
        .domain = str_of(domain), .state = state, .record = {.psd = psd}, .usable = true};
}

struct pair {
    struct dmarc_node left, right, above;
    struct dmarc_walk a, b;
};

/* left.example.com and right.example.com, with the same record above both. */
static void make_pair(struct pair *p, enum node_state left, enum node_state right)
{
    p->left = node("left.example.com", left, '\0');
    p->right = node("right.example.com", right, '\0');
    p->above = node("example.com", NODE_RECORD, 'u');
    p->a = (struct dmarc_walk){.n = 2, .nodes = {&p->left, &p->above}};
    p->b = (struct dmarc_walk){.n = 2, .nodes = {&p->right, &p->above}};
}

static void unknown_start(void **state)
{
    (void)state;
    struct pair p;
    make_pair(&p, NODE_EMPTY, NODE_EMPTY);
    assert_int_equal(dmarc_walks_align(&p.a, &p.b), DMARC_ALIGNED);
    /* psd=n may be published where the look-up failed: an organizational domain of its own. */
    make_pair(&p, NODE_UNKNOWN, NODE_EMPTY);
    assert_int_equal(dmarc_walks_align(&p.a, &p.b), DMARC_ALIGNED_UNKNOWN);
    assert_int_equal(dmarc_walks_align(&p.b, &p.a), DMARC_ALIGNED_UNKNOWN);
    assert_int_equal(p.left.supposed, '\0');
}

static void unknown_top(void **state)
{
    (void)state;
    struct pair p;
    make_pair(&p, NODE_EMPTY, NODE_EMPTY);
    p.above = node("example.com", NODE_UNKNOWN, '\0');
    assert_int_equal(dmarc_walks_align(&p.a, &p.b), DMARC_ALIGNED_UNKNOWN);
    p.right = node("example.org", NODE_EMPTY, '\0');
    p.b.n = 1;
    assert_int_equal(dmarc_walks_align(&p.a, &p.b), DMARC_UNALIGNED);
}

/* RFC 9989 4.10.1: the record of the organizational domain, wherever the walk has it; else that of
 * a public suffix domain. */
static void policy_of_a_walk(void **state)
{
    static const struct {
        const char *psd; /* of the records from where the walk starts; '-': none */
        size_t policy;   /* index of the node; 3: none */
    } cases[] = {
        {"u--", 0}, {"-u-", 1}, {"--u", 2}, {"uu-", 1}, {"uuu", 2},
        {"n", 0},   {"-n", 1},  {"un", 1},  {"-y", 1},  {"uy", 0},
        {"--y", 2}, {"-uy", 1}, {"u-y", 2}, {"---", 3}, {"y", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const char *const names[] = {"a.example.com", "example.com", "com"};
        struct dmarc_node nodes[3];
        struct dmarc_walk walk = {.n = strlen(cases[i].psd)};
        for (size_t k = 0; k < walk.n; k++) {
            char psd = cases[i].psd[k];
            nodes[k] = node(names[k], psd == '-' ? NODE_EMPTY : NODE_RECORD, psd);
            walk.nodes[k] = &nodes[k];
        }
        const struct dmarc_node *policy = dmarc_walk_policy(&walk);
        assert_ptr_equal(policy, cases[i].policy < 3 ? &nodes[cases[i].policy] : NULL);
    }
}

/* --- What a walk asks
 * ---------------------------------------------------------------------------*/

static struct strbuf asked;

static bool note(const struct dns_question *q)
{
    sb_printf(&asked, "%.*s ", STR_ARG(dns_name_text(asked.arena, &q->name)));
    return false;
}

/* From its start upwards. */
static void in_order(void **state)
{
    struct arena *a = arena_new(0);
    struct dns *dns = held_open("", note, NULL);
    struct dns_asker asker = {.dns = dns, .arena = a, .patience_us = 1000000};
    struct dmarc_walker walker = {.asker = &asker};
    struct dmarc_walk walk;
    (void)state;
    sb_init(&asked, a);
    dmarc_walk(&walker, STR("a.b.example"), &walk);
    assert_str(sb_str(&asked), "_dmarc.a.b.example _dmarc.b.example _dmarc.example ");
    dns_close(dns);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_start),
        cmocka_unit_test(unknown_top),
        cmocka_unit_test(policy_of_a_walk),
        cmocka_unit_test(in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
