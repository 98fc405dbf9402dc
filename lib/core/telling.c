/* telling.c - texts of the network as log fields.
 *
 * Errors: none; every text is cleaned and cut. */
#include "core/telling.h"

#define WORD_MAX 128

static struct str without(struct arena *a, struct str s, char unwanted)
{
    struct strbuf b;
    if (str_find(s, 0, unwanted) == s.n)
        return s;
    sb_init(&b, a);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == unwanted)
            sb_printf(&b, "\\x%02X", (unsigned char)unwanted);
        else
            sb_addc(&b, s.p[i]);
    }
    return sb_str(&b);
}

struct str telling_word(struct arena *a, struct str s)
{
    return without(a, str_safe(a, s, WORD_MAX, true), ' ');
}

struct str telling_id(const struct message *m)
{
    return m->queue_id.n ? telling_word(m->arena, m->queue_id) : STR("NOQUEUE");
}

struct str telling_quoted(struct arena *a, struct str s)
{
    return without(a, str_safe(a, s, WORD_MAX, true), '"');
}

void telling_signature_json(struct json *j, const struct dkim_signature *s)
{
    json_text(j, "result", str_of(dkim_result_name(s->result)));
    json_text_or_null(j, "reason", s->reason);
    json_text_or_null(j, "domain", s->domain);
    json_text_or_null(j, "selector", s->selector);
    json_text_or_null(j, "algorithm", s->algorithm);
    json_number(j, "key_bits", s->key_bits);
}
