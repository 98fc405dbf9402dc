/* settle.c - says how header fields will be delivered: the prediction that the sweep compares with
 * what a mail server delivers.
 *
 * settle exact|relaxed <FIELDS: reads lines "NAME HEX" and prints for each "settled", "changes", or
 * the value that is settled in hexadecimal digits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "mail/address_rewrite.h"

static struct str from_hex(struct arena *a, struct str hex)
{
    struct strbuf b;
    sb_init(&b, a);
    for (size_t i = 0; i + 1 < hex.n; i += 2) {
        const char digits[] = {hex.p[i], hex.p[i + 1], '\0'};
        sb_addc(&b, (char)strtoul(digits, NULL, 16));
    }
    return sb_str(&b);
}

static void print_form(struct arena *a, struct str line, bool exact)
{
    struct header_field field = {.name = STR_NONE};
    struct str out;
    if (!str_split(&line, ' ', &field.name))
        return;
    field.value = from_hex(a, line);
    enum address_rewrite settling = field_rewrite(a, &field, exact, &out);
    if (settling == FIELD_IS_REWRITTEN)
        for (size_t i = 0; i < out.n; i++)
            printf("%02x", (unsigned)(unsigned char)out.p[i]);
    puts(settling == FIELD_IS_STABLE ? "settled" : settling == FIELD_MAY_CHANGE ? "changes" : "");
}

int main(int argc, char **argv)
{
    bool exact = argc == 2 && strcmp(argv[1], "exact") == 0;
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    while ((n = getline(&line, &size, stdin)) > 0) {
        struct arena *a = arena_new(0);
        print_form(a, str_trim((struct str){line, (size_t)n}), exact);
        arena_free(a);
    }
    free(line);
    return 0;
}
