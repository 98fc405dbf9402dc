/* dkim_keys_command.c - `assay dkim list` and `assay dkim test`: the configured keys, and whether
 * their records in the DNS fit them.
 *
 * Errors: those of command.c; 78 and complaints for tables that are wrong. A key that cannot be
 * read is told of in its line. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/json.h"
#include "keys/inventory.h"
#include "keys/published.h"
#include "keys/record.h"
#include "mail/domain.h"
#include "milter/commands/commands.h"

/* One key with what was found in the DNS. */
struct row {
    const struct configured_key *key;
    struct str name; /* of the record; absent: none can be looked up */
    bool known;      /* finding means something: there is a key and a name */
    bool spare;      /* another key of the domain signs */
    enum record_finding finding;
};

/* The command's own. */
struct survey {
    struct command *command;
    struct str domain, selector; /* absent: all */
    struct row *rows;
    size_t n;
};

static const struct command_option survey_options[] = {
    OPTION("domain", "DOMAIN", take_domain, struct survey, domain, "only keys of this domain"),
    OPTION("selector", "SELECTOR", take_selector, struct survey, selector,
           "only keys of this name"),
    {0},
};

static bool wanted(const struct survey *s, const struct configured_key *k)
{
    return (!s->domain.p || str_eq(s->domain, k->domain)) &&
           (!s->selector.p || str_eq(s->selector, k->selector));
}

/* All look-ups are under way before the first is waited for. */
static void look_up(struct survey *s)
{
    command_trace(s->command);
    for (size_t i = 0; i < s->n; i++)
        if (s->rows[i].known)
            dns_prefetch(&s->command->asker, s->rows[i].name, DNS_TXT);
    for (size_t i = 0; i < s->n; i++) {
        struct row *row = &s->rows[i];
        if (row->known)
            row->finding = record_compare(dns_lookup(&s->command->asker, row->name, DNS_TXT),
                                          row->key->key, s->command->arena);
    }
}

static bool another_signs(const struct configured_key *keys, size_t n,
                          const struct configured_key *key)
{
    for (size_t i = 0; i < n; i++)
        if (&keys[i] != key && strcmp(keys[i].state, "active") == 0 &&
            str_eq(keys[i].domain, key->domain))
            return true;
    return false;
}

static int load_keys(struct survey *s)
{
    struct arena *a = s->command->arena;
    struct conf_problems problems;
    struct configured_key *keys;
    size_t n;
    conf_problems_init(&problems, a);
    if (!inventory_load(s->command->conf, s->command->now, a, &problems, &keys, &n)) {
        command_print_problems(&problems);
        return EX_CONFIG;
    }
    s->rows = arena_array(a, struct row, n);
    for (size_t i = 0; i < n; i++) {
        struct row *row = &s->rows[s->n];
        if (!wanted(s, &keys[i]))
            continue;
        row->key = &keys[i];
        if (!str_eq(keys[i].domain, STR("%")))
            row->name = key_record_name(a, keys[i].selector, keys[i].domain);
        row->known = row->name.p && keys[i].key;
        row->spare = strcmp(keys[i].state, "active") != 0 && another_signs(keys, n, &keys[i]);
        s->n++;
    }
    look_up(s);
    return EX_OK;
}

/* --- Words -------------------------------------------------------------------------------------*/

static struct str type_word(const struct row *row)
{
    const struct private_key *key = row->key->key;
    return !key ? STR_NONE : private_key_type(key) == KEY_RSA ? STR("rsa") : STR("ed25519");
}

static struct str age(const struct row *row, int64_t now, struct arena *a)
{
    int64_t seconds = now - row->key->since;
    if (!row->key->since || seconds < 0)
        return STR("-");
    if (seconds < 3600)
        return str_printf(a, "%lldm", (long long)(seconds / 60));
    if (seconds < 86400)
        return str_printf(a, "%lldh", (long long)(seconds / 3600));
    return str_printf(a, "%lldd", (long long)(seconds / 86400));
}

static struct str finding_word(const struct row *row)
{
    if (!row->key->key)
        return STR("no-key");
    return row->known ? str_of(record_finding_word(row->finding)) : STR("-");
}

/* What people read of a key: problem or advice; empty: all is well. */
static struct str advice(const struct row *row, struct arena *a)
{
    const char *state = row->key->state;
    if (!row->key->key)
        return row->key->problem;
    if (!row->known)
        return STR_NONE;
    const char *words = record_finding_advice(row->finding);
    unsigned bits = private_key_bits(row->key->key);
    if (row->finding == RECORD_GOOD && bits > KEY_RSA_BITS_COMMON)
        return str_printf(a, KEY_LONG_ADVICE, bits);
    if (strcmp(state, "removable") == 0)
        return row->finding == RECORD_ABSENT ? STR("its files may be removed")
                                             : STR("its record may be removed, and then its files");
    return *words ? str_printf(a, "%.*s: %s", STR_ARG(row->name), words) : STR_NONE;
}

static bool is_wrong(const struct row *row)
{
    const char *state = row->key->state;
    bool waits = strcmp(state, "pending") == 0 && row->finding == RECORD_ABSENT && row->spare;
    if (!row->key->key)
        return true;
    return row->known && row->finding != RECORD_GOOD && row->finding != RECORD_UNKNOWN && !waits &&
           strcmp(state, "removable") != 0;
}

static void print_json(struct survey *s)
{
    struct arena *a = s->command->arena;
    struct json j;
    json_begin(&j, a);
    json_array(&j, "keys");
    for (size_t i = 0; i < s->n; i++) {
        const struct row *row = &s->rows[i];
        struct str words = advice(row, a);
        json_object(&j, NULL);
        json_text(&j, "domain", row->key->domain);
        json_text(&j, "selector", row->key->selector);
        json_text(&j, "file", row->key->path);
        json_text(&j, "type", type_word(row));
        json_number(&j, "bits", row->key->key ? private_key_bits(row->key->key) : 0);
        json_text(&j, "state", str_of(row->key->state));
        json_number(&j, "since", row->key->since);
        json_text(&j, "name", row->name);
        json_text(&j, "record", finding_word(row));
        json_bool(&j, "well", !is_wrong(row) && !(row->known && row->finding == RECORD_UNKNOWN));
        json_text(&j, "advice", words.n ? words : STR_NONE);
        json_end(&j, '}');
    }
    json_end(&j, ']');
    command_print_json(&j);
}

/* --- list --------------------------------------------------------------------------------------*/

enum { COLUMN_COUNT = 7 };

static void print_table(struct survey *s)
{
    static const struct str titles[COLUMN_COUNT] = {
        STR_INIT("DOMAIN"), STR_INIT("SELECTOR"), STR_INIT("TYPE"),   STR_INIT("BITS"),
        STR_INIT("STATE"),  STR_INIT("AGE"),      STR_INIT("RECORD"),
    };
    struct arena *a = s->command->arena;
    struct str(*cells)[COLUMN_COUNT] = arena_alloc_array(a, s->n + 1, sizeof *cells);
    size_t width[COLUMN_COUNT] = {0};
    memcpy(cells[0], titles, sizeof titles);
    for (size_t i = 0; i < s->n; i++) {
        const struct row *row = &s->rows[i];
        const struct private_key *key = row->key->key;
        const struct str line[COLUMN_COUNT] = {
            str_safe(a, row->key->domain, DOMAIN_MAX, false),
            row->key->selector,
            key ? type_word(row) : STR("-"),
            key ? str_printf(a, "%u", private_key_bits(key)) : STR("-"),
            str_of(row->key->state),
            age(row, s->command->now, a),
            finding_word(row),
        };
        memcpy(cells[i + 1], line, sizeof line);
    }
    for (size_t i = 0; i <= s->n; i++)
        for (size_t c = 0; c < COLUMN_COUNT; c++)
            width[c] = cells[i][c].n > width[c] ? cells[i][c].n : width[c];
    for (size_t i = 0; i <= s->n; i++)
        for (size_t c = 0; c < COLUMN_COUNT; c++) {
            bool last = c + 1 == COLUMN_COUNT;
            printf("%-*.*s%s", last ? 0 : (int)width[c], STR_ARG(cells[i][c]), last ? "\n" : "  ");
        }
}

static int list_keys(struct survey *s)
{
    if (s->command->json) {
        print_json(s);
        return EX_OK;
    }
    if (s->n == 0)
        printf("no key is configured%s\n", s->domain.p || s->selector.p ? " of that name" : "");
    else
        print_table(s);
    for (size_t i = 0; i < s->n; i++) {
        struct str words = advice(&s->rows[i], s->command->arena);
        if (words.n)
            printf("%.*s/%.*s: %.*s\n", STR_ARG(s->rows[i].key->domain),
                   STR_ARG(s->rows[i].key->selector), STR_ARG(words));
    }
    return EX_OK;
}

/* --- test --------------------------------------------------------------------------------------*/

static int verdict(const struct survey *s)
{
    int status = EX_OK;
    for (size_t i = 0; i < s->n; i++) {
        const struct row *row = &s->rows[i];
        if (is_wrong(row))
            return 1;
        if (row->known && row->finding == RECORD_UNKNOWN)
            status = EX_TEMPFAIL;
    }
    return status;
}

static int test_keys(struct survey *s)
{
    struct arena *a = s->command->arena;
    if (s->n == 0 && (s->domain.p || s->selector.p))
        return command_fail(s->command, 1, "no such key is configured");
    if (s->command->json)
        print_json(s);
    for (size_t i = 0; i < s->n && !s->command->json; i++) {
        const struct row *row = &s->rows[i];
        struct str words = advice(row, a);
        printf("%.*s/%.*s: %.*s%s%.*s\n", STR_ARG(str_safe(a, row->key->domain, DOMAIN_MAX, false)),
               STR_ARG(row->key->selector), STR_ARG(finding_word(row)), words.n ? ": " : "",
               STR_ARG(words));
    }
    return verdict(s);
}

static int survey_keys(struct command *c, int (*report)(struct survey *s))
{
    struct survey *s = c->own;
    s->command = c;
    int status = command_open(c);
    if (status == EX_OK)
        status = load_keys(s);
    return status == EX_OK ? report(s) : status;
}

static int dkim_list(struct command *c)
{
    return survey_keys(c, list_keys);
}

static int dkim_test(struct command *c)
{
    return survey_keys(c, test_keys);
}

const struct command_row dkim_list_command = {
    .name = "list",
    .brief = "every configured key: type, age, state, published or not",
    .options = survey_options,
    .common = COMMON_QUESTION | COMMON_AT,
    .size = sizeof(struct survey),
    .run = dkim_list,
    .about = "Lists every key that is configured for signing, with its record's state in the DNS.",
    .status = "0.",
};

const struct command_row dkim_test_command = {
    .name = "test",
    .brief = "do the records in the DNS fit the keys? for monitoring",
    .options = survey_options,
    .common = COMMON_QUESTION | COMMON_AT,
    .size = sizeof(struct survey),
    .run = dkim_test,
    .about =
        "Compares the record of every configured key with the private key, and says what to do. "
        "With a life cycle, a removable key is well, and so is a pending key that is not published "
        "yet, unless no other key of the domain signs.",
    .status = "0 all is well; 1 something is wrong; 75 it cannot be known now.",
};
