/* Whole messages, unfolding and folding. */
#include "fuzz.h"

#include "mail/header.h"

static void require_field(struct arena *a, const struct header_field *field)
{
    struct str line = header_unfold(a, field->value);
    require(field->name.n > 0);
    for (size_t i = 0; i < field->name.n; i++)
        require(field->name.p[i] > 0x20 && field->name.p[i] < 0x7F && field->name.p[i] != ':');
    require(str_find(line, 0, '\n') == line.n && str_find(line, 0, '\r') == line.n);
    require(str_eq(header_unfold(a, line), line));
}

/* What was parsed, written again, is parsed to the same. */
static void require_round_trip(struct arena *a, const struct header_list *list, struct str body)
{
    struct strbuf b;
    struct header_list again;
    struct str body_again;
    sb_init(&b, a);
    for (size_t i = 0; i < list->n; i++) {
        sb_add(&b, list->fields[i].name);
        sb_addc(&b, ':');
        sb_add(&b, list->fields[i].value);
        sb_add(&b, STR("\r\n"));
    }
    sb_add(&b, STR("\r\n"));
    sb_add(&b, body);
    header_list_init(&again, a);
    header_parse_message(&again, sb_str(&b), &body_again);
    require(again.n == list->n && str_eq(body, body_again));
    for (size_t i = 0; i < list->n; i++) {
        require(str_eq(again.fields[i].name, list->fields[i].name));
        require(str_eq(again.fields[i].value, list->fields[i].value));
    }
}

/* The words of the text, folded, are the same words. */
static void require_folding(struct arena *a, struct str text)
{
    struct header_folder f;
    struct strbuf joined;
    struct str part, rest = text;
    sb_init(&joined, a);
    folder_init(&f, a, 10);
    while (str_split(&rest, ' ', &part)) {
        if (part.n == 0 || str_find(part, 0, '\n') < part.n || str_find(part, 0, '\t') < part.n)
            continue;
        folder_add(&f, true, part);
        sb_addc(&joined, ' ');
        sb_add(&joined, part);
    }
    struct str folded = folder_str(&f), line;
    size_t column = 10, at = 0;
    for (rest = folded; str_split(&rest, '\n', &line); column = 0) {
        struct str words = str_sub(line, 1, line.n);
        require(line.n + column <= 78 || str_find(words, 0, ' ') == words.n);
        for (size_t i = 0; i < line.n; i++, at++)
            require((line.p[i] == '\t' ? ' ' : line.p[i]) == joined.p[at]);
    }
    require(at == joined.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size), body;
    struct header_list list;
    header_list_init(&list, a);
    header_parse_message(&list, text, &body);
    require(body.n <= text.n && body.p + body.n == text.p + text.n);
    for (size_t i = 0; i < list.n; i++)
        require_field(a, &list.fields[i]);
    require_round_trip(a, &list, body);
    require_folding(a, text);
    arena_free(a);
    return 0;
}
