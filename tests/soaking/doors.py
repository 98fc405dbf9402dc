"""doors - the policy service and the SRS look-ups, with what they have to answer."""

import re

import mail
import test_policy
import test_srs

GREYLISTED = re.compile(r"45\d 4\.7\.1 Greylisted")
SPF = r"PREPEND Received-SPF: "
NOTHING = r"(?!)"


class Doors:
    """complain(text) is told what is wrong. near(started): whether there is trouble that excuses an answer.
    deferred(network, started): of greylisting, what is wrong with it."""

    def __init__(self, traffic, policy, srs, complain, near, deferred):
        self.traffic, self.policy, self.srs = traffic, policy, srs
        self.complain, self.near, self.deferred = complain, near, deferred
        self.number = self.asked = self.refused = self.rewritten = 0

    def play(self, clock):
        """A connection to each door, with some questions."""
        policy, look_ups = test_policy.Policy(self.policy), test_srs.Map(self.srs)
        try:
            for _ in range(5):
                self.ask(policy, clock)
                self.rewrite(look_ups)
        finally:
            policy.close()
            look_ups.close()

    def question(self):
        """(attributes, the right answer, what else may come for a minute after an outage)"""
        kind = self.number % 4
        if kind == 0:
            return {"sender": f"a@{self.traffic.fresh('fresh.test')}"}, SPF + "pass", NOTHING
        if kind == 1:
            return {"sender": "a@strict.test"}, SPF + "fail", NOTHING
        if kind == 2:
            return {"sender": f"a@{self.traffic.fresh('nowhere.test')}"}, r"550 5\.1\.8 ", NOTHING
        return {"sender": "a@plain.test", "client_address": mail.LISTED}, r"550 5\.7\.1 ", "PREPEND|DUNNO"

    def ask(self, policy, clock):
        self.number += 1
        changes, right, later = self.question()
        client = changes.setdefault("client_address", mail.CLIENT)
        started = clock()
        action = policy.ask(instance=f"i{self.number}", client_name="client.test", helo_name="client.test", **changes)
        self.asked += 1
        if action is None:
            self.complain(f"the policy service gave no answer to {changes}")
            return
        self.refused += action.startswith("550")
        if GREYLISTED.match(action):
            problem = self.deferred(client.rpartition(".")[0], started)
            if problem:
                self.complain(f"policy service: {problem}")
        elif not re.match(right, action) and not self.excused(action, started, later):
            self.complain(f"policy service: {action} to {changes}")

    def excused(self, action, started, later):
        """By an outage of DNS, now or a short time ago."""
        at_once = self.near(started, 0) and re.match("PREPEND|DUNNO|4", action)
        return at_once or (self.near(started, mail.REST) and re.match(later, action))

    def rewrite(self, look_ups):
        """There and back; and an address that is not of our making."""
        sender = f"user{self.number}@n{self.number}.example.com"
        made = look_ups.ask(f"forward {sender}")
        back = look_ups.ask(f"reverse {made[3:]}") if made else None
        wrong = look_ups.ask("reverse SRS0=AAAA=RA=example.com=alice@srs.example.org")
        if not re.match(r"OK SRS0=\S+@srs\.example\.org$", made or "") or back != f"OK {sender}" or wrong != "NOTFOUND ":
            self.complain(f"SRS: {sender} became {made}, and {back}; a forged one is {wrong}")
            return
        self.rewritten += 1
        self.traffic.bounces = self.traffic.bounces[-20:] + [made[3:]]
