/* dmarc_cases.c - plays case files (dmarc_case.h) and compares.
 *
 *   dmarc_cases FILE...
 *
 * Errors: every case that comes out otherwise is shown with the account of its evaluation; status 1
 * if there was one, 2 if a file cannot be read, or if there is nothing to play. */
#include <stdio.h>
#include <stdlib.h>

#include "dmarc_case.h"

static struct str read_file(struct arena *a, const char *path)
{
    struct strbuf text;
    char chunk[4096];
    size_t n;
    FILE *f = fopen(path, "r");
    if (!f) {
        perror(path);
        exit(2);
    }
    sb_init(&text, a);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        sb_add(&text, (struct str){chunk, n});
    fclose(f);
    return sb_str(&text);
}

/* True if every word of `want` is a word of `line`; the first has to be the first. */
static bool matches(struct str line, struct str want)
{
    struct str word, got;
    bool first = true;
    while (str_split(&want, ' ', &word)) {
        struct str rest = line;
        bool found = false;
        if (word.n == 0)
            continue;
        for (size_t i = 0; !found && str_split(&rest, ' ', &got); i++)
            found = first == (i == 0) && str_eq(word, got);
        if (!found)
            return false;
        first = false;
    }
    return !first;
}

static bool play(const char *file, const struct dmarc_case *c, struct arena *a)
{
    struct dmarc_outcome out;
    struct str steps;
    dmarc_case_play(c, a, &out, &steps);
    struct str line = dmarc_case_line(a, &out);
    if (matches(line, c->want) && (!c->reason.p || str_eq(c->reason, out.reason)))
        return true;
    printf("%s:%u: %.*s\n  want %.*s\n  got  %.*s\n", file, c->line, STR_ARG(c->name),
           STR_ARG(c->want), STR_ARG(line));
    if (c->reason.p)
        printf("  want reason %.*s\n  got  reason %.*s\n", STR_ARG(c->reason), STR_ARG(out.reason));
    printf("%.*s", STR_ARG(steps));
    return false;
}

int main(int argc, char **argv)
{
    size_t cases = 0, bad = 0;
    for (int i = 1; i < argc; i++) {
        struct arena *text = arena_new(0), *a = arena_new(0);
        struct dmarc_case_reader reader;
        struct dmarc_case *c;
        dmarc_case_open(&reader, argv[i], read_file(text, argv[i]));
        while ((c = dmarc_case_next(&reader, text)) != NULL) {
            cases++;
            bad += !play(argv[i], c, a);
            arena_reset(a);
        }
        arena_free(a);
        arena_free(text);
    }
    printf("%zu cases in %d files, %zu came out otherwise\n", cases, argc - 1, bad);
    return cases == 0 ? 2 : bad ? 1 : 0;
}
