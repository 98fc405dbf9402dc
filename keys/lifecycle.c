/* lifecycle.c - the life of the signing keys of one domain: a state machine.
 *
 * Errors: none. What cannot be known now changes nothing. */
#include "keys/lifecycle.h"

static const struct str names[] = {
#define X(id, name) [id] = STR_INIT(name),
    KEY_STATES(X)
#undef X
};

const char *key_state_name(enum key_state state)
{
    return names[state].p;
}

bool key_state_parse(struct str name, enum key_state *state)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        *state = (enum key_state)i;
        if (str_eq(name, names[i]))
            return true;
    }
    return false;
}

struct step {
    struct living_key *keys;
    size_t n;
    int64_t now;
    life_event_fn *event;
    void *context;
    bool changed;
};

static void tell_event(const struct step *s, enum life_event event, const struct living_key *key)
{
    s->event(s->context, event, key);
}

static void enter_state(struct step *s, struct living_key *key, enum key_state state,
                        enum life_event event)
{
    key->life.state = state;
    key->life.since = s->now;
    key->life.seen = 0;
    key->life.ttl = 0;
    s->changed = true;
    tell_event(s, event, key);
}

static bool is_newer(const struct living_key *a, const struct living_key *b)
{
    if (a->life.created != b->life.created)
        return a->life.created > b->life.created;
    if (a->mtime != b->mtime)
        return a->mtime > b->mtime;
    return str_cmp_nocase(a->selector, b->selector) > 0;
}

/* What is newly wrong is told once. True if the finding is news. */
static bool is_news(struct living_key *key)
{
    if (key->found == RECORD_UNKNOWN || key->found == key->told)
        return false;
    key->told = key->found;
    return true;
}

static void watch_active(const struct step *s, struct living_key *key)
{
    bool was_usable = record_usable(key->told);
    if (!is_news(key))
        return;
    if (record_usable(key->found) && !was_usable)
        tell_event(s, LIFE_RECORD_BACK, key);
    else if (key->found == RECORD_ABSENT)
        tell_event(s, LIFE_RECORD_MISSING, key);
    else if (!record_usable(key->found))
        tell_event(s, LIFE_RECORD_CHANGED, key);
}

static void watch_pending(struct step *s, struct living_key *key, bool domain_signs)
{
    struct key_life *life = &key->life;
    bool usable = record_usable(key->found), news = is_news(key);
    if (usable && !life->seen) {
        life->seen = s->now;
        life->ttl = key->ttl;
        s->changed = true;
        if (domain_signs)
            tell_event(s, LIFE_RECORD_SEEN, key);
    } else if (usable && life->ttl < key->ttl) {
        life->ttl = key->ttl; /* before, a cache had told only the time that was left */
        s->changed = true;
    } else if (!usable && key->found != RECORD_UNKNOWN && life->seen) {
        life->seen = life->ttl = 0;
        s->changed = true;
        tell_event(s, LIFE_RECORD_VANISHED, key);
    }
    if (!usable && news && key->found != RECORD_ABSENT)
        tell_event(s, LIFE_RECORD_UNFIT, key);
}

static bool is_ready(const struct step *s, const struct living_key *key, bool domain_signs)
{
    const struct key_life *life = &key->life;
    if (life->state != KEY_PENDING || !life->seen || !record_usable(key->found))
        return false;
    return !domain_signs || s->now - life->seen > life->ttl; /* no cache of ours holds it still */
}

/* The one that signs, or will: the newest that is active or ready. */
static struct living_key *choose_signer(const struct step *s, enum key_type type, bool domain_signs)
{
    struct living_key *best = NULL;
    for (size_t i = 0; i < s->n; i++) {
        struct living_key *key = &s->keys[i];
        bool fit = key->life.state == KEY_ACTIVE || is_ready(s, key, domain_signs);
        if (fit && key->type == type && (!best || is_newer(key, best)))
            best = key;
    }
    return best;
}

/* Two active keys of a type are what a crash between two state files leaves. */
static void change_over(struct step *s, enum key_type type, bool domain_signs)
{
    struct living_key *best = choose_signer(s, type, domain_signs);
    if (!best)
        return;
    if (best->life.state == KEY_PENDING)
        enter_state(s, best, KEY_ACTIVE, LIFE_ACTIVATED);
    for (size_t i = 0; i < s->n; i++) {
        struct living_key *key = &s->keys[i];
        bool replaced = key->life.state == KEY_ACTIVE || key->life.state == KEY_PENDING;
        if (key != best && key->type == type && replaced && is_newer(best, key))
            enter_state(s, key, KEY_RETIRING, LIFE_RETIRED);
    }
}

static bool any_active(const struct step *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->keys[i].life.state == KEY_ACTIVE)
            return true;
    return false;
}

bool lifecycle_step(struct living_key *keys, size_t n, int64_t now, int64_t retirement,
                    life_event_fn *event, void *context)
{
    struct step s = {.keys = keys, .n = n, .now = now, .event = event, .context = context};
    bool signs = any_active(&s);
    for (size_t i = 0; i < n; i++) {
        struct living_key *key = &keys[i];
        if (key->life.state == KEY_RETIRING && now - key->life.since >= retirement)
            enter_state(&s, key, KEY_REMOVABLE, LIFE_REMOVABLE);
        else if (key->life.state == KEY_PENDING)
            watch_pending(&s, key, signs);
        else if (key->life.state == KEY_ACTIVE)
            watch_active(&s, key);
    }
    change_over(&s, KEY_RSA, signs);
    change_over(&s, KEY_ED25519, signs);
    return s.changed;
}
