/* dmarc treewalk: do two walks lead to one organizational domain, where a name could not be looked
 * at? The walks are made by hand, so that every node can be the unknown one. */
#include "test.h"

#include "dmarc/treewalk.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_start),
        cmocka_unit_test(unknown_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
