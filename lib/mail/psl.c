/* psl.c - the public suffix list; the only foreign calls are libpsl's.
 *
 * Errors: NULL and a phrase for a list that cannot be read. A name always has an answer: where no
 * rule fits, its last label is the public suffix (the list's rule "*"). */
#include "mail/psl.h"

#include <errno.h>
#include <libpsl.h>
#include <stdio.h>
#include <string.h>

#include "mail/domain.h"

struct psl {
    psl_ctx_t *list;
};

static void free_list(void *list)
{
    psl_free(list);
}

/* A wrong file gives a list as well, whose rules fit nothing, so that all of co.uk would be one
 * organization. Every public suffix list knows com. */
static const struct psl *keep_rule(struct arena *a, psl_ctx_t *list, struct str *problem)
{
    if (!list) {
        *problem = STR("it cannot be read");
        return NULL;
    }
    arena_defer(a, free_list, list);
    if (!psl_is_public_suffix2(list, "com", PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE)) {
        *problem = STR("it is no public suffix list: com is missing");
        return NULL;
    }
    struct psl *psl = arena_make(a, struct psl);
    psl->list = list;
    return psl;
}

static const struct psl *read_stream(struct arena *a, FILE *f, struct str *problem)
{
    psl_ctx_t *list = f ? psl_load_fp(f) : NULL;
    if (!f)
        *problem = str_copy(a, str_of(strerror(errno)));
    else
        fclose(f);
    return f ? keep_rule(a, list, problem) : NULL;
}

const struct psl *psl_open(struct arena *a, struct str path, struct str *problem)
{
    if (!path.n)
        return keep_rule(a, psl_latest(NULL), problem);
    return read_stream(a, fopen(str_cstr(a, path), "re"), problem);
}

const struct psl *psl_parse(struct arena *a, struct str text, struct str *problem)
{
    return read_stream(a, fmemopen(str_cstr(a, text), text.n, "r"), problem);
}

/* False: no name is so long. */
static bool terminate(struct str domain, char name[static DOMAIN_MAX + 1])
{
    if (domain.n > DOMAIN_MAX)
        return false;
    memcpy(name, domain.p, domain.n);
    name[domain.n] = '\0';
    return true;
}

struct str psl_organizational(const struct psl *psl, struct str domain)
{
    char name[DOMAIN_MAX + 1];
    if (!terminate(domain, name))
        return domain;
    const char *registrable = psl_registrable_domain(psl->list, name);
    return registrable ? str_sub(domain, (size_t)(registrable - name), domain.n) : domain;
}

bool psl_is_suffix(const struct psl *psl, struct str domain)
{
    char name[DOMAIN_MAX + 1];
    return domain.n && terminate(domain, name) &&
           psl_is_public_suffix2(psl->list, name, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE);
}
