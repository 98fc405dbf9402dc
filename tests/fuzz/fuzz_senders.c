/* The file senders-must-match: whatever it holds, it is read or complained of line by line, and an
 * address is allowed if and only if a naive reading of the lines says so. */
#include "fuzz.h"

#include "conf/senders.h"
#include "mail/pattern.h"

static const struct {
    const char *user;
    struct mailbox author;
} questions[] = {
    {"alice", {STR_INIT("alice"), STR_INIT("example.org"), true}},
    {"bob", {STR_INIT("Alice"), STR_INIT("sub.example.org"), true}},
    {"", {STR_INIT("a#b"), STR_INIT("xn--bcher-kva.example"), true}},
    {"x@y", {STR_INIT("\"a b\""), STR_INIT("example.net"), true}},
    {"carol", {STR_INIT("carol"), {NULL, 0}, false}},
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Words up to the first that begins with '#'; the number of them. */
static size_t words(struct str line, struct str *out)
{
    size_t n = 0;
    for (size_t i = 0; i < line.n;) {
        size_t from = i;
        while (i < line.n && !is_blank(line.p[i]))
            i++;
        if (i > from && line.p[from] == '#')
            return n;
        if (i > from)
            out[n++] = str_sub(line, from, i);
        while (i < line.n && is_blank(line.p[i]))
            i++;
    }
    return n;
}

static bool line_allows(struct arena *a, struct str line, struct str user, struct str address)
{
    struct str *word = arena_array(a, struct str, line.n + 1), pattern;
    size_t n = words(line, word);
    if (!n || !(str_eq(word[0], user) || str_eq(word[0], STR("*"))))
        return false;
    for (size_t i = 1; i < n; i++)
        if (!sender_pattern_parse(a, word[i], &pattern) && pattern_match(pattern, address))
            return true;
    return false;
}

static bool naive(struct arena *a, struct str text, struct str user, const struct mailbox *author)
{
    struct str line, address = pattern_subject(a, author);
    while (str_split(&text, '\n', &line))
        if (line_allows(a, line, user, address))
            return true;
    return false;
}

static void check_words(struct arena *a, struct str text)
{
    struct str line, normal, again;
    while (str_split(&text, '\n', &line)) {
        struct str *word = arena_array(a, struct str, line.n + 1);
        for (size_t i = 0, n = words(line, word); i < n; i++) {
            if (sender_pattern_parse(a, word[i], &normal))
                continue;
            require(normal.n && !sender_pattern_parse(a, normal, &again));
            require(str_eq(normal, again));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct str text = fuzz_text(data, size);
    struct conf_problems problems;
    conf_problems_init(&problems, a);
    const struct senders *map = senders_parse(text, "senders", a, &problems);
    bool binary = str_find(text, 0, '\0') < text.n;
    require(!binary || problems.n == 1);
    for (size_t i = 0; i < problems.n; i++)
        require(str_starts(problems.v[i], STR("senders:")));
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        struct str user = str_of(questions[i].user);
        require(senders_allow(map, user, &questions[i].author, a) ==
                (!binary && naive(a, text, user, &questions[i].author)));
    }
    if (!binary)
        check_words(a, text);
    arena_free(a);
    return 0;
}
