/* greylist_command.c - `assay greylist`: who has been here before, as the daemon remembers it.
 *
 * Errors: exit status 64 for a word that is neither network nor domain, or that nobody asks for, 75
 * if the store cannot be had now, 78 for the configuration. */
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "core/greykey.h"
#include "mail/domain.h"
#include "milter/commands/commands.h"
#include "milter/commands/owner.h"
#include "milter/daemon/memory.h"

#define PATIENCE_US 5000000

/* --- Opening -----------------------------------------------------------------------------------*/

static int load(struct command *c)
{
    int status = command_load_conf(c);
    bool local = status == EX_OK && !c->conf->n_state_servers;
    return local ? command_become_owner(c) : status;
}

/* --- list --------------------------------------------------------------------------------------*/

struct listing {
    struct command *c;
    struct json json;
    size_t n;
};

static const char *when(int64_t seconds, char out[32])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
        strcpy(out, "?");
    return out;
}

/* Only a pass gives a life that is longer than the window. */
static bool has_passed(const struct listing *l, int64_t first, int64_t expires)
{
    return expires > first + l->c->conf->greylist_window / 1000;
}

/* With --at. What has been forgotten since cannot be told. */
static bool is_remembered(const struct listing *l, int64_t first, int64_t expires)
{
    return first <= l->c->now && l->c->now < expires;
}

static void list_text(void *listing, struct str key, int64_t first, int64_t expires)
{
    struct listing *l = listing;
    char seen[32], until[32];
    if (!is_remembered(l, first, expires))
        return;
    struct str words = greykey_words(key, l->c->arena);
    printf("%-7s first seen %s, until %s  %.*s\n",
           has_passed(l, first, expires) ? "passes" : "waits", when(first, seen),
           when(expires, until), STR_ARG(words));
    l->n++;
}

static void list_json(void *listing, struct str key, int64_t first, int64_t expires)
{
    struct listing *l = listing;
    struct str words = greykey_words(key, l->c->arena), kind;
    if (!is_remembered(l, first, expires))
        return;
    str_split(&words, ' ', &kind);
    json_object(&l->json, NULL);
    json_text(&l->json, "kind", kind);
    json_text(&l->json, "name", words);
    json_number(&l->json, "first", first);
    json_number(&l->json, "expires", expires);
    json_bool(&l->json, "passed", has_passed(l, first, expires));
    json_end(&l->json, '}');
    l->n++;
}

static int list_run(struct command *c)
{
    struct listing l = {.c = c};
    struct str problem = STR_NONE;
    int status = load(c);
    if (status != EX_OK)
        return status;
    const struct state_settings settings = memory_settings(c->conf, c->arena);
    json_begin(&l.json, c->arena);
    if (c->json)
        json_array(&l.json, "keys");
    bool good = state_list(&settings, time(NULL), STR(GREYKEY_PREFIX),
                           c->json ? list_json : list_text, &l, c->arena, &problem);
    if (c->json) {
        json_end(&l.json, ']');
        command_print_json(&l.json);
    }
    return good ? EX_OK
                : command_fail(c, EX_TEMPFAIL, "%.*s%s", STR_ARG(problem),
                               command_help_by_root(problem));
}

/* --- forget, add -------------------------------------------------------------------------------*/

/* A network has to be as wide as those that are remembered, or nothing would match it. */
static bool key_of_network(const struct command *c, struct str word, struct str *key)
{
    struct netaddr address;
    size_t slash = str_find(word, 0, '/');
    if (!netaddr_parse(str_sub(word, 0, slash), &address))
        return false;
    *key = greykey_of_client(c->conf, &address, c->arena);
    struct str bits = str_sub(word, slash, word.n);
    return !bits.n || str_eq(bits, str_sub(*key, str_find(*key, 0, '/'), key->n));
}

/* *domain is absent for a network. */
static bool key_of_word(const struct command *c, struct str word, struct str *key,
                        struct str *domain)
{
    *domain = STR_NONE;
    if (key_of_network(c, word, key))
        return true;
    if (str_find(word, 0, '/') < word.n || !conf_plain_name(c->arena, word, domain) ||
        domain_ends_in_number(*domain)) /* "198.51.100", as postgrey writes a network */
        return false;
    *key = greykey_of_domain(*domain, c->arena);
    return true;
}

/* True if it was done; false after a complaint. */
typedef bool change_fn(struct command *c, struct state_asker *asker, struct state_key *key);

static bool cannot_know(const struct command *c, struct str words)
{
    command_fail(c, EX_TEMPFAIL, "%.*s: the store does not answer now", STR_ARG(words));
    return false;
}

static bool forget(struct command *c, struct state_asker *asker, struct state_key *key)
{
    struct str words = greykey_words(key->key, c->arena);
    state_forget(asker, key, 1);
    if (key->result == STATE_UNKNOWN)
        return cannot_know(c, words);
    printf("%.*s: %s\n", STR_ARG(words),
           key->result == STATE_ANSWER ? "forgotten" : "was not known");
    return true;
}

/* As if it had come first long enough ago, and passed now. */
static bool add_name(struct command *c, struct state_asker *asker, struct state_key *key)
{
    struct str words = greykey_words(key->key, c->arena);
    int64_t now = time(NULL);
    int64_t first = now - (c->conf->greylist_delay + 999) / 1000,
            lifetime = c->conf->greylist_lifetime / 1000;
    state_put_if_absent(asker, now, first, lifetime, key, 1);
    if (key->result == STATE_UNKNOWN)
        return cannot_know(c, words);
    key->value = first;
    if (key->result == STATE_ANSWER) /* it is written when the store is closed */
        state_touch(asker->state, now, lifetime, key, 1);
    printf("%.*s: passes\n", STR_ARG(words));
    return true;
}

static int complain_of_word(struct command *c, const char *word)
{
    return command_fail(
        c, EX_USAGE,
        "\"%s\" is neither a domain nor an address, nor a network of /%lld or, of IPv6, /%lld",
        word, (long long)c->conf->greylist_ipv4_prefix, (long long)c->conf->greylist_ipv6_prefix);
}

static int complain_of_suffix(struct command *c, struct str domain)
{
    return command_fail(
        c, EX_USAGE,
        "everybody can have a domain below \"%.*s\", and greylisting never asks for "
        "it: add the domains themselves",
        STR_ARG(domain));
}

static int change_all(struct command *c, change_fn *change)
{
    struct str problem = STR_NONE;
    int status = load(c);
    struct state *state = status == EX_OK ? memory_open(c->conf, c->arena, &problem) : NULL;
    if (status == EX_OK && !state)
        return command_fail(c, EX_TEMPFAIL, "%.*s%s", STR_ARG(problem),
                            command_help_by_root(problem));
    for (int i = 0; i < c->n_words && status == EX_OK; i++) {
        struct state_asker asker = {.state = state, .patience_us = PATIENCE_US};
        struct state_key key = {0};
        struct str domain;
        if (!key_of_word(c, str_of(c->words[i]), &key.key, &domain))
            status = complain_of_word(c, c->words[i]);
        else if (change == add_name && domain.p && greykey_is_shared(c->conf, domain, c->arena))
            status = complain_of_suffix(c, domain);
        else if (!change(c, &asker, &key))
            status = EX_TEMPFAIL;
    }
    state_close(state);
    return status;
}

static int forget_run(struct command *c)
{
    return change_all(c, forget);
}

static int add_run(struct command *c)
{
    return change_all(c, add_name);
}

#define STATUS                                                                                     \
    "0; 64 a word that is neither network nor domain, or a public suffix to add; 75 the store "    \
    "cannot be opened now."

const struct command_row greylist_list_command = {
    .name = "list",
    .brief = "the networks and domains that are remembered",
    .common = COMMON_CONF | COMMON_JSON | COMMON_AT,
    .run = list_run,
    .about =
        "Lists the networks and domains that greylisting remembers: whether they pass, when they "
        "were seen first, and until when they are remembered.",
    .status = STATUS,
};

const struct command_row greylist_forget_command = {
    .name = "forget",
    .brief = "forget networks or domains: they are new again",
    .words = "NAME...",
    .common = COMMON_CONF,
    .run = forget_run,
    .about =
        "Forgets networks or domains. NAME is a domain, an address, or a network in the form of "
        "the list.",
    .status = STATUS,
};

const struct command_row greylist_add_command = {
    .name = "add",
    .brief = "let networks or domains pass at their first message",
    .words = "NAME...",
    .common = COMMON_CONF,
    .run = add_run,
    .about = "Remembers networks or domains as if they had passed just now. A domain counts if SPF "
             "passes for it. For permanent exceptions use the options exceptions.*.",
    .status = STATUS,
};
