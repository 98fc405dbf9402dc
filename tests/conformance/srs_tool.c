/* srs_tool DOMAIN LENGTH SECRET... - lib/srs for srs_interop and srs_postsrsd.
 *
 * Each line of standard input is "forward" or "reverse", a time and an address, with tabs between;
 * each answer is a line: the other address, or a space and why there is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "srs/srs.h"

static void answer(const struct srs_scheme *s, char *line)
{
    struct arena *a = arena_new(0);
    const char *word = strtok(line, "\t"), *now = strtok(NULL, "\t"), *address = strtok(NULL, "\n");
    struct srs_outcome o = {.why = "not understood"};
    if (word && now && address)
        o = (*word == 'f' ? srs_forward : srs_reverse)(s, str_of(address), atoll(now), a);
    if (o.address.p)
        printf("%.*s\n", STR_ARG(o.address));
    else
        printf(" %s\n", o.why);
    arena_free(a);
}

int main(int argc, char **argv)
{
    static char line[65536];
    struct str secrets[16];
    struct srs_scheme s = {.secrets = secrets, .hash_minimum = SRS_HASH_MIN, .validity_days = 21};
    if (argc < 4 || argc > 3 + 16)
        return 2;
    s.domain = str_of(argv[1]);
    s.hash_length = (unsigned)atoi(argv[2]);
    for (int i = 3; i < argc; i++)
        secrets[s.n_secrets++] = str_of(argv[i]);
    while (fgets(line, sizeof line, stdin))
        answer(&s, line);
    return 0;
}
