#!/usr/bin/python3
"""dmarc_model.py RUNNER [COUNT [SEED]] - random DMARC evaluations against a naive model of RFC 9989 4.7 to 4.10.

The model is written from the RFC's text, with no thought of speed: it knows only answers that are there. Where an
answer is missing (a look-up that fails, an SPF or DKIM check without a result) it tries every thing that the answer
might have been, and the evaluation is sure of what is the same in all of them. It writes cases in the format of
dmarc_case.h with what it expects, and RUNNER (dmarc_cases) plays them with lib/dmarc.

Ends with status 1 if one of them comes out otherwise; such a case is kept in the current directory, ready to be put
into dmarc_cases/."""

import collections
import random
import re
import subprocess
import sys

# --- 4.7, 4.8: records ---

PCT = "%[0-9A-Fa-f]{2}"
PLAIN = r"[A-Za-z0-9._~$&'()*+;=-]"  # unreserved and sub-delims, without ',' and '!'
PCHAR = f"(?:{PLAIN}|{PCT}|[:@])"
USERINFO = f"(?:{PLAIN}|{PCT}|:)*"
AUTHORITY = rf"(?:{USERINFO}@)?(?:\[[0-9A-Fa-f:.]+\]|(?:{PLAIN}|{PCT})*)(?::[0-9]*)?"
TAIL = rf"(?:\?(?:{PCHAR}|[/?])*)?(?:#(?:{PCHAR}|[/?])*)?"
URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:(?://{AUTHORITY}(?:/{PCHAR}*)*|(?!//)(?:{PCHAR}|/)*){TAIL}")
MAILTO = re.compile(rf"mailto:(?:{PLAIN}|{PCT}|[:/])+@(?:(?:(?!\.){PLAIN}|{PCT})+\.)*(?:(?!\.){PLAIN}|{PCT})+{TAIL}", re.I)

Record = collections.namedtuple("Record", "usable p sp np adkim aspf psd t")


def valid_uri(text):
    text = re.sub(r"![0-9]+[kmgt]?$", "", text.strip(" \t"), flags=re.I)
    if text.lower().startswith("mailto:"):
        return bool(MAILTO.fullmatch(text))
    return bool(URI.fullmatch(text))


def parse_record(text):
    """The record, or None if the text is none."""
    if not re.match(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(;|$)", text):
        return None
    tags = {}
    for part in text.split(";")[1:]:
        name, equals, value = part.partition("=")
        if equals:
            tags.setdefault(name.strip(" \t").lower(), value.strip(" \t"))

    def word(name, allowed, default):
        value = tags.get(name, default).lower()
        return value if value in allowed else default

    policies = ("none", "quarantine", "reject")
    p, sp, np = (tags[n].lower() if n in tags else None for n in ("p", "sp", "np"))
    usable = True
    if p not in policies or sp not in policies + (None,) or np not in policies + (None,):
        usable = any(valid_uri(u) for u in tags.get("rua", "").split(","))
        p, sp, np = "none", None, None
    return Record(usable, p, sp, np, word("adkim", "rs", "r"), word("aspf", "rs", "r"), word("psd", "ynu", "u"),
                  word("t", "yn", "n"))


# --- DNS: a world in which everything has an answer, or asks what to suppose ---


class Suppose(Exception):
    """What was asked has no answer: raised with the question and the answers to try."""

    def __init__(self, question, answers):
        super().__init__(question)
        self.question = question
        self.answers = answers


# What might stand at a name: as many things as can lead to different ends.
ANY_RECORDS = [[]] + [[f"v=DMARC1; {policy}psd={psd}"] for policy in ("", "p=none; ", "p=reject; ") for psd in "uny"]


class World:
    def __init__(self, txt, owners, failing, suffixes, supposed):
        self.txt, self.owners, self.failing = txt, owners, failing
        self.suffixes, self.supposed = suffixes, supposed

    def ask(self, question, answers):
        if question not in self.supposed:
            raise Suppose(question, answers)
        return self.supposed[question]

    def records(self, domain):
        name = "_dmarc." + domain
        texts = self.ask(name, ANY_RECORDS) if name in self.failing else self.txt.get(name, [])
        return [r for r in map(parse_record, texts) if r]

    def exists(self, domain):
        if domain in self.failing:
            return self.ask(domain, (True, False))
        return any(owner == domain or owner.endswith("." + domain) for owner in self.owners)

    def passes(self, index, auth):
        return self.ask(index, (True, False)) if auth == "unknown" else auth == "pass"


# --- 4.10: the tree walk ---


def tree_walk(world, domain):
    """The records found, as pairs of domain and record, from the longest name to the shortest."""
    found = []
    labels = domain.split(".")
    first = True
    while labels:
        records = world.records(".".join(labels))
        if len(records) == 1:
            found.append((".".join(labels), records[0]))
            if records[0].psd in "ny":
                break
        labels = labels[-7:] if first and len(labels) >= 8 else labels[1:]
        first = False
    return found


def public_suffix(rules, domain):
    """As publicsuffix.org's page of the list's format has it."""
    labels = domain.split(".")
    fitting = []
    # libpsl takes *.x for x as well, which the page leaves open and no list contradicts.
    for rule in rules + [rule[2:] for rule in rules if rule.startswith("*.")] + ["*"]:
        parts = rule.lstrip("!").split(".")
        if len(parts) <= len(labels) and all(p in ("*", l) for p, l in zip(parts[::-1], labels[::-1])):
            fitting.append((rule.startswith("!"), len(parts)))
    exception, length = max(fitting)
    return ".".join(labels[-(length - 1 if exception else length) :])


def organizational_domain(world, domain):
    if world.suffixes:
        suffix = public_suffix(world.suffixes, domain)
        return ".".join(domain.split(".")[-len(suffix.split(".")) - 1 :])
    found = tree_walk(world, domain)
    for name, record in found:
        if record.psd == "n":
            return name
        if record.psd == "y" and name != domain:
            return ".".join(domain.split(".")[-len(name.split(".")) - 1 :])
    return found[-1][0] if found else domain


def policy_record(world, author):
    """Where the policy is found, and the record; None if nowhere."""
    own = world.records(author)
    if len(own) == 1:
        return author, own[0]
    if world.suffixes:
        above = organizational_domain(world, author)
        records = world.records(above)
        return (above, records[0]) if len(records) == 1 else None
    found = dict(tree_walk(world, author))
    organization = organizational_domain(world, author)
    if organization in found:
        return organization, found[organization]
    for name, record in found.items():
        if record.psd == "y":
            return name, record
    return None


# --- 5.3: the evaluation ---

Outcome = collections.namedtuple("Outcome", "result policy record org spf dkim")
LOWER = {"none": "none", "quarantine": "none", "reject": "quarantine"}


def evaluate(world, author, identifiers):
    where = policy_record(world, author)
    if not where or not where[1].usable:
        return Outcome("none", None, None, None, False, False)
    name, record = where
    policy = record.p
    if name != author:
        policy = record.sp or record.p
        if record.np and not world.exists(author):
            policy = record.np
    if record.t == "y":
        policy = LOWER[policy]
    aligned = {"spf": False, "dkim": False}
    for index, (kind, auth, domain) in enumerate(identifiers):
        if not world.passes(index, auth):
            continue
        if (record.aspf if kind == "spf" else record.adkim) == "s":
            same = domain == author
        else:
            same = organizational_domain(world, domain) == organizational_domain(world, author)
        aligned[kind] = aligned[kind] or same
    result = "pass" if aligned["spf"] or aligned["dkim"] else "fail"
    return Outcome(result, policy, name, organizational_domain(world, author), aligned["spf"], aligned["dkim"])


def all_outcomes(case, supposed):
    try:
        world = World(case.txt, case.owners, case.failing, case.suffixes, supposed)
        yield evaluate(world, case.author, case.identifiers)
    except Suppose as missing:
        for answer in missing.answers:
            yield from all_outcomes(case, supposed | {missing.question: answer})


def expectation(case):
    """What is sure, as the words of a `want` line."""
    outcomes = list(all_outcomes(case, {}))

    def sure(field):
        values = {getattr(o, field) for o in outcomes}
        return values.pop() if len(values) == 1 else None

    result = sure("result") or "temperror"
    if result == "fail" and not sure("policy"):
        result = "temperror"
    if result == "none":
        return "none policy=- tag=- record=- aligned=-"
    words = [result]
    kinds = [kind for kind in ("spf", "dkim") if all(getattr(o, kind) for o in outcomes)]
    words.append("aligned=" + (",".join(kinds) or "-"))
    if result != "temperror":
        words.append("record=" + sure("record"))
        if sure("policy"):
            words.append("policy=" + sure("policy"))
        if sure("org") and sure("record") != case.author:
            words.append("org=" + sure("org"))
    return " ".join(words)


# --- random cases ---

Case = collections.namedtuple("Case", "author identifiers txt owners failing suffixes lines")


def random_name(rng):
    labels = rng.choice((1, 2, 2, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 12))
    return ".".join([rng.choice("ab") for _ in range(labels - 1)] + [rng.choice("tttu")])


def relative(rng, name):
    """A name that is near, or looks near."""
    labels = name.split(".")
    kind = rng.randrange(9)
    if kind == 0:
        return name
    if kind <= 2:
        return ".".join([rng.choice("abc") for _ in range(rng.choice((1, 1, 2, 3)))] + labels)
    if kind <= 4:
        return ".".join(labels[rng.randrange(len(labels)) :])
    if kind <= 6:
        return ".".join([rng.choice("abc")] + labels[rng.randrange(len(labels)) :])
    if kind == 7:
        return rng.choice("ab") + name
    return random_name(rng)


def walked(name):
    labels = name.split(".")
    return [".".join(labels[i:]) for i in range(len(labels))]


def odd_case(rng, text):
    return text.upper() if rng.random() < 0.1 else text


def random_record(rng):
    good = ("none", "quarantine", "reject")
    tags = []
    if rng.random() < 0.92:
        tags.append("p=" + odd_case(rng, rng.choice(good)))
    for name in ("sp", "np"):
        if rng.random() < 0.35:
            tags.append(f"{name}=" + odd_case(rng, rng.choice(good)))
    for name, values in (("adkim", "rss"), ("aspf", "rss"), ("psd", "nnyyu"), ("t", "yn")):
        if rng.random() < 0.2:
            tags.append(f"{name}=" + odd_case(rng, rng.choice(values)))
    if rng.random() < 0.2:
        uris = ("mailto:a@b.t", "mailto:a@b.t!10m", "https://b.t/x?y#z", "a@b.t", "mailto:", "mailto:a!b@b.t", "x:%zz",
                "mailto:a%2Cb@b.t", "", "mailto:@b.t", "mailto:a@b..t", "urn:x", "mailto:a@b.t!10x")
        tags.append("rua=" + rng.choice((",", " , ")).join(rng.choices(uris, k=rng.choice((1, 1, 2)))))
    if rng.random() < 0.15:
        odd = ("p=", "p=drop", "sp=drop", "np=", "psd=x", "adkim=relaxed", "t=1", "pct=0", "rf=afrf", "x", "=", "P=reject",
               "v=DMARC2", "psd", "fo=1")
        tags.append(rng.choice(odd))
    rng.shuffle(tags)
    equals, semicolon = rng.choice(("=", "=", " = ")), rng.choice((";", "; ", " ; "))
    start = "v" + equals + "DMARC1"
    if rng.random() < 0.1:
        tags = [name.upper() + e + value for name, e, value in (t.partition("=") for t in tags)]
    text = semicolon.join([start] + [t.replace("=", equals, 1) for t in tags]) + rng.choice(("", ";", "; "))
    if rng.random() < 0.04:
        text = rng.choice((" " + text, text.replace("DMARC1", "DMARC2", 1), text.lower(), ";" + text,
                           text.replace(semicolon, " ", 1)))
    return text


def random_suffixes(rng, names):
    """Most evaluations are by the tree walk: none. Else a list with rules around these names."""
    if rng.random() < 0.75:
        return []
    rules = {"com", rng.choice("tu")}
    for _ in range(rng.randrange(6)):
        name = ".".join(rng.choice(names).split(".")[-6:])  # libpsl looks at eight labels, lists use five
        kind = rng.randrange(5)
        if kind == 0:
            rules.add("*." + name)
        elif kind == 1 and "." in name:
            rules |= {"!" + name, "*." + name.split(".", 1)[1]}
        else:
            rules.add(name)
    # Of x beside *.x, and of rules below an exception, the page and libpsl think otherwise; no list has any.
    rules -= {rule[2:] for rule in rules if rule.startswith("*.")}
    exceptions = [rule[1:] for rule in rules if rule.startswith("!")]
    below = {rule for rule in rules for name in exceptions if ("." + rule.lstrip("!*.")).endswith("." + name)}
    return sorted(rules - below | {"!" + name for name in exceptions if exceptions == [name]})


def random_case(rng):
    author = random_name(rng)
    trouble = rng.random() < 0.5
    auths = ("pass", "pass", "fail", "unknown") if trouble else ("pass", "pass", "fail")
    identifiers = []
    if rng.random() < 0.7:
        identifiers.append(("spf", rng.choice(auths), relative(rng, author)))
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        identifiers.append(("dkim", rng.choice(auths), relative(rng, author)))

    names = sorted({n for d in [author] + [i[2] for i in identifiers] for n in walked(d)})
    txt, owners, failing, lines = {}, [], set(), []

    def put(owner, data):
        owners.append(owner)
        lines.append(f"{owner}. {data}")

    density = rng.choice((0.15, 0.3, 0.6))
    for name in names:
        if rng.random() >= density:
            continue
        owner = "_dmarc." + name
        if trouble and rng.random() < 0.35 and len(failing) < 3:
            failing.add(owner)
            put(owner, rng.choice(("SERVFAIL", "TIMEOUT", "BOGUS")))
            continue
        for _ in range(rng.choice((1,) * 12 + (2,))):
            text = rng.choice(("v=spf1 -all", "hello", "")) if rng.random() < 0.05 else random_record(rng)
            txt.setdefault(owner, []).append(text)
            cut = rng.randrange(len(text) + 1) if rng.random() < 0.2 else 0
            put(owner, " ".join(['TXT'] + [f'"{part}"' for part in (text[:cut], text[cut:])]))
    kind = rng.randrange(6)
    if kind == 0:
        put(author, "A 192.0.2.1")
    elif kind == 1:
        put(author, "CNAME nowhere.invalid.")
    elif kind == 2:
        put("x." + author, "A 192.0.2.1")
    elif kind == 3 and trouble:
        put(author, "SERVFAIL")
        failing.add(author)
    return Case(author, identifiers, txt, owners, failing, random_suffixes(rng, names), lines)


def case_text(number, case, want):
    lines = [f"case    random {number}"]
    lines += [f"zone    {line}" for line in case.lines]
    lines.append(f"from    {case.author}")
    lines += [f"{kind:<8}{auth} {domain}" for kind, auth, domain in case.identifiers]
    if case.suffixes:
        lines.append("suffixes " + " ".join(case.suffixes))
    lines.append(f"want    {want}")
    return "\n".join(lines) + "\n\n"


def play(runner, text):
    done = subprocess.run([runner, "/dev/stdin"], input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def main():
    runner = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 9989)
    seen = collections.Counter()
    bad = 0
    for start in range(0, count, 2000):
        texts = []
        for number in range(start, min(count, start + 2000)):
            case = random_case(rng)
            want = expectation(case)
            seen[want.split()[0]] += 1
            texts.append(case_text(number, case, want))
        status, words = play(runner, "".join(texts))
        if status:
            bad += 1
            print(words)
            with open("dmarc_model.case", "w", encoding="ascii") as kept:
                kept.write("".join(texts))
    print(f"{count} random cases:", ", ".join(f"{n} {word}" for word, n in sorted(seen.items())))
    if bad:
        sys.exit("lib/dmarc and the model disagree; the cases are in dmarc_model.case")

    # Do random cases reach all ends, and does the runner see a wrong one?
    if count >= 2000 and min(seen[word] for word in ("pass", "fail", "none", "temperror")) < count / 20:
        sys.exit("one of the results hardly ever comes up")
    wrong = "case    wrong\nzone    _dmarc.a.t. TXT \"v=DMARC1; p=reject\"\nfrom    a.t\nwant    pass\n"
    if play(runner, wrong)[0] != 1:
        sys.exit("the runner does not see a wrong expectation")


main()
