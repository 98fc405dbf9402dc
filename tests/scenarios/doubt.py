#!/usr/bin/python3
"""doubt.py RUNNER KEYDIR FILE... - no message is refused for good because of our own DNS.

Every scenario is played again with each name that it could ask for failing in turn. Where such a message is rejected,
the rejection must not have depended on that name: it must come, too, where the name has the records that the scenario
gives it, and where it has none. What the scenario expects does not matter here.

A last run with a configuration that rejects for temporary errors proves that this would be seen."""

import pathlib
import re
import subprocess
import sys
import tempfile

SECTION = re.compile(r"^\[(config|zone|session|senders|sign|seal|state|message|expect)\]$")
FAILURES = ("SERVFAIL", "TIMEOUT")
DOMAIN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})+(?![A-Za-z0-9_-])")


def sections(text):
    found, name = {}, None
    for line in text.split("\n"):
        match = SECTION.match(line)
        if match:
            name = match.group(1)
            found.setdefault(name, [])
        elif name:
            found[name].append(line)
    return found


def scenarios(path):
    """Each scenario with what precedes the first one in front of it, as scenario.c has it."""
    parts = re.split(r"(?m)^===(.*)$", path.read_text())
    common = sections(parts[0])
    for title, text in zip(parts[1::2], parts[2::2]):
        own = sections(text)
        whole = {key: common.get(key, []) + own.get(key, []) for key in common.keys() | own.keys()}
        if own.get("message"):
            whole["message"] = own["message"]
        yield title.strip(), whole


def names(scenario):
    """All names that could be asked for: of the domains mentioned, and of those above them."""
    found = set()
    for key in ("session", "sign", "message"):
        for domain in DOMAIN.findall("\n".join(scenario.get(key, []))):
            labels = domain.lower().split(".")
            for i in range(len(labels)):
                above = ".".join(labels[i:])
                found |= {above, "_dmarc." + above}
    for line in scenario.get("sign", []):
        words = line.split()
        if len(words) >= 3:
            found.add(f"{words[1]}._domainkey.{words[0]}")
    mentioned = {name for name in found if "." in name}
    for line in scenario.get("zone", []):
        owner = line.split()[0] if line.split() else ""
        if owner in mentioned:  # an SPF record may lead to other names
            found |= {domain.lower() for domain in DOMAIN.findall(line) if not re.fullmatch(r"[0-9.]+", domain)}
    return sorted(found)


def variant(number, scenario, name, state, config):
    zone = scenario.get("zone", [])
    if state != "as it is":
        zone = [line for line in zone if line.split()[:1] != [name]]
    if state in FAILURES:
        zone.append(f"{name} {state}")
    whole = dict(scenario, zone=zone, expect=["action *"])
    if config:
        whole["config"] = [config]
    return f"=== {number}\n" + "\n".join(f"[{key}]\n" + "\n".join(lines) for key, lines in whole.items()) + "\n"


def play(runner, keydir, texts):
    """What is done in each case."""
    with tempfile.NamedTemporaryFile("w", suffix=".scn") as file:
        file.write("\n".join(texts))
        file.flush()
        done = subprocess.run([runner, "-v", keydir, file.name], capture_output=True, text=True, errors="replace",
                              check=False)
    actions = re.findall(r"(?m)^ok [^\n]*: [0-9]+\n[^\n]* action=(\w+)", done.stderr)
    if len(actions) != len(texts):
        sys.exit(f"{len(texts)} cases were written and {len(actions)} were played:\n{done.stdout}{done.stderr[-2000:]}")
    return actions


def play_all(runner, keydir, cases, config):
    texts = [variant(i, scenario, name, state, config) for i, (_, scenario, name, state) in enumerate(cases)]
    return play(runner, keydir, texts)


def check(runner, keydir, path, config=None):
    """Rejections that hang on a name that cannot be had, the number of all cases, and that of rejections."""
    failing = []
    for title, scenario in scenarios(path):
        failing += [(title, scenario, name, FAILURES[i % 2]) for i, name in enumerate(names(scenario))]
    done = play_all(runner, keydir, failing, config)
    rejected = [case for case, action in zip(failing, done) if action == "reject"]
    sure = [play_all(runner, keydir, [(title, scenario, name, state) for title, scenario, name, _ in rejected], config)
            for state in ("as it is", "absent")]
    bad = [f"{path.name}: {title}: {name} {state}: reject, but {given} as it is, {absent} without it"
           for (title, _, name, state), given, absent in zip(rejected, *sure) if {given, absent} != {"reject"}]
    return bad, len(failing), len(rejected)


def main():
    runner, keydir, *files = sys.argv[1:]
    cases = rejected = 0
    bad = []
    for file in map(pathlib.Path, files):
        found, n, m = check(runner, keydir, file)
        bad += found
        cases += n
        rejected += m
    print("\n".join(bad) if bad else f"{cases} cases, {rejected} of them rejected, none for our own DNS")
    seen, _, _ = check(runner, keydir, pathlib.Path(files[0]), 'dmarc = { on-temperror = "reject"; };')
    if not seen:
        print("a configuration that rejects for temporary errors is not seen")
    sys.exit(1 if bad or not seen or not rejected else 0)


main()
