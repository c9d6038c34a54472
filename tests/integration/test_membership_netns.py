"""Thirty nodes, each with an address of its own, in two zones: do all hold the same view?

A join storm, five killed, a partition, half-open links, a short stop. In the end everybody who
lives is alive in every view, and nobody else is.
"""

import concurrent.futures
import json
import pathlib
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mesh import PATIENCE_S, Failed, Mesh, until  # noqa: E402
from zones import ANYWHERE, Unavailable, Zones  # noqa: E402

NODES = 30
KILLED = 5

# Thirty on a busy machine, redials with their pauses and all: a bound, not an expectation.
PATIENCE = 1.5 * PATIENCE_S


def peers_of(node):
    """GET /v1/peers, without the cost of a process for each of thirty."""
    with socket.socket(socket.AF_UNIX) as guest:
        guest.settimeout(PATIENCE_S)
        guest.connect(node.ready["socket"])
        guest.sendall(b"GET /v1/peers HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: guest.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise Failed(f"{node.name} answered {head!r}")
    return json.loads(body)


def view_of(node):
    """What it holds of each of the others: states by name."""
    return {peer["name"]: peer["state"] for peer in peers_of(node)}


class Membership(unittest.TestCase):
    def setUp(self):
        try:
            self.zones = self.enterContext(Zones(NODES // 2, NODES - NODES // 2))
        except Unavailable as reason:
            self.skipTest(str(reason))
        self.mesh = self.enterContext(Mesh())
        self.places = {f"N{number:02}": place for number, place in enumerate(self.zones.places)}
        self.living = []
        self.dead = set()

    def start(self, name, *arguments):
        place = self.places[name]
        return self.mesh.node(name).start(*arguments, listen=f"{place.address}:8765",
                                          within=place.within)

    def wait_for_views(self, what, expected):
        """Until each living node's view is `expected(node)`; else tell how one of them differs."""
        late = list(self.living)

        def agreed():
            while late and view_of(late[0]) == expected(late[0]):
                late.pop(0)
            # One who agreed early may have changed its mind: all at once, or not at all.
            if not late:
                late.extend(node for node in self.living if view_of(node) != expected(node))
            return not late

        try:
            until(what, agreed, PATIENCE)
        except Failed as failure:
            wanted, found = expected(late[0]), view_of(late[0])
            wrong = {name: found.get(name, "missing") for name in wanted.keys() | found.keys()
                     if wanted.get(name) != found.get(name)}
            self.fail(f"{failure}: {late[0].name} and perhaps others hold {wrong}")

    def wait_for_truth(self, what):
        """Until every view holds the living for alive and the killed for dead, and nobody else."""
        def truth(of):
            return {**{node.name: "alive" for node in self.living if node is not of},
                    **{name: "dead" for name in self.dead}}
        self.wait_for_views(what, truth)

    def wait_until_missed(self, what, pairs):
        """Until in each pair the first does not hold the second, by name, for alive."""
        late = list(pairs)

        def missed():
            while late and view_of(late[0][0]).get(late[0][1]) != "alive":
                late.pop(0)
            return not late
        until(what, missed, PATIENCE)

    # -- The story, in its order --------------------------------------------------------------

    def all_join_at_once(self):
        names = list(self.places)
        founder = self.start(names[0])
        token = founder.ask("token", "create", "--uses", str(NODES - 1))["token"]
        with concurrent.futures.ThreadPoolExecutor(NODES) as crowd:
            joiners = list(crowd.map(lambda name: self.start(name, "--join", token), names[1:]))
        self.living = [founder, *joiners]
        self.wait_for_truth("all who joined are known to all")

    def five_are_killed(self):
        # Of both zones, and not the founder alone: nobody is special.
        killed = self.living[::NODES // KILLED][:KILLED]
        for node in killed:
            node.process.kill()
        for node in killed:
            node.kill()
        self.living = [node for node in self.living if node not in killed]
        self.dead = {node.name for node in killed}
        self.wait_for_truth("the killed, and only they, are dead to all")

    def zones_are_parted(self):
        self.zones.cut(1)
        self.wait_until_missed("each zone misses the other", [
            (here, there.name) for here in self.living for there in self.living
            if self.places[here.name].zone != self.places[there.name].zone])
        self.zones.heal()
        self.wait_for_truth("the zones are one again")

    def one_goes_deaf(self):
        """It can be heard by all and hears nobody: what it says of the others weighs nothing."""
        deaf = self.living[3]
        self.zones.drop(ANYWHERE, self.places[deaf.name].address)
        self.wait_until_missed("the deaf one is missed", [
            (node, deaf.name) for node in self.living if node is not deaf])
        self.zones.heal()
        self.wait_for_truth("the deaf one is back")

    def one_link_is_half_open(self):
        """One way between two neighbours: others reach both, so neither is dead."""
        one = self.living[5]
        linked = next(peer["name"] for peer in peers_of(one) if peer["linked"])
        self.zones.drop(self.places[one.name].address, self.places[linked].address)
        time.sleep(8)  # long enough for whoever wrongly suspects to convict
        self.wait_for_truth("both ends of a half-open link are alive to all")
        self.zones.heal()

    def one_is_stopped_for_a_moment(self):
        process = self.living[7].process
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        process.send_signal(signal.SIGCONT)

    def test_views_agree_and_nobody_alive_is_buried(self):
        self.all_join_at_once()
        self.five_are_killed()
        self.zones_are_parted()
        self.one_goes_deaf()
        self.one_link_is_half_open()
        self.one_is_stopped_for_a_moment()
        self.wait_for_truth("in the end all views are the same and true")
        for node in self.living:
            self.assertIsNone(node.process.poll(), f"{node.name} ended by itself")
            self.assertGreater(node.status()["links"], 0, f"{node.name} has no link")
        for node in self.living:
            self.assertEqual(node.stop(), 0, f"{node.name} did not end well")


if __name__ == "__main__":
    # Told to stop, it still gives its namespaces back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    unittest.main()
