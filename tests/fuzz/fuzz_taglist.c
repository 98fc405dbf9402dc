/* Tag lists, strict and lenient. */
#include "fuzz.h"

#include "mail/taglist.h"

static void require_same(const struct taglist *x, const struct taglist *y)
{
    require(x->n == y->n);
    for (size_t i = 0; i < x->n; i++) {
        require(str_eq(x->tags[i].name, y->tags[i].name));
        require(str_eq(x->tags[i].value, y->tags[i].value));
    }
}

static void require_sound(struct arena *a, const struct taglist *list)
{
    require(list->n <= TAGLIST_MAX);
    for (size_t i = 0; i < list->n; i++) {
        struct str value = list->tags[i].value, bare = taglist_strip(a, value);
        require(value.p && str_eq(str_trim(value), value));
        require(str_find(value, 0, ';') == value.n);
        require(taglist_get(list, list->tags[i].name).p == value.p); /* names are unique */
        for (size_t k = 0; k < bare.n; k++)
            require(bare.p[k] != ' ' && bare.p[k] != '\t' && bare.p[k] != '\n');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size), problem;
    struct taglist strict, lenient, any_case, again;
    enum taglist_status status = taglist_parse(a, text, &strict, &problem);
    taglist_parse_lenient(a, text, TAGLIST_EXACT, &lenient);
    taglist_parse_lenient(a, text, TAGLIST_ANY_CASE, &any_case);
    require((status == TAGLIST_OK) == (problem.n == 0));
    require_sound(a, &lenient);
    require_sound(a, &any_case);
    require(any_case.n <= lenient.n);
    if (status == TAGLIST_OK) {
        struct strbuf b;
        require(strict.n > 0);
        require_sound(a, &strict);
        require_same(&strict, &lenient);
        sb_init(&b, a);
        for (size_t i = 0; i < strict.n; i++) {
            sb_add(&b, strict.tags[i].name);
            sb_addc(&b, '=');
            sb_add(&b, strict.tags[i].value);
            sb_addc(&b, ';');
        }
        require(taglist_parse(a, sb_str(&b), &again, &problem) == TAGLIST_OK);
        require_same(&strict, &again);
    }
    arena_free(a);
    return 0;
}
